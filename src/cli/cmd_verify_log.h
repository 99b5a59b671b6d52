/* The part of `log` that looks through the chain. */
#ifndef CLI_CMD_VERIFY_LOG_H
#define CLI_CMD_VERIFY_LOG_H

#include "cli/command.h"

NODISCARD int verify_log(struct cli *c, struct err *e);

#endif
