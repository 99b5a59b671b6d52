/*
 * The folder that dehydrated calls WELLKNOWN: challenge files lie directly in it, written before
 * the hook is called.
 */
#ifndef CHALLENGE_HOOK_FILE_H
#define CHALLENGE_HOOK_FILE_H

#include "base/err.h"

/* Writes DIR/TOKEN, mode 0644; a link of that name is replaced, never followed. DIR itself may be a
 * link. token is an ACME token. ERR_IO, ERR_INPUT. */
NODISCARD int hook_file_write(const char *dir, const char *token, const char *content,
                              struct err *e);
/* Removes it if its content is still what was written; nothing there is fine. */
NODISCARD int hook_file_remove(const char *dir, const char *token, const char *content,
                               struct err *e);
/* DIR is a folder that this process may write to. ERR_INPUT. */
NODISCARD int hook_file_check(const char *dir, struct err *e);

#endif
