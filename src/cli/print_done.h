/* What commands print that end in one word about one name, or in a file. */
#ifndef CLI_PRINT_DONE_H
#define CLI_PRINT_DONE_H

#include <stdio.h>

#include "base/codec.h"
#include "cli/ask.h"

/* "NAME: deleted", or {"deleted": "NAME"}. */
void print_done(struct cli *c, const char *key, const char *name);

/* Asks for something to be done with what is called as the first word says, and prints that. */
NODISCARD int done_by_name(struct cli *c, enum operation_id op, const char *key, struct err *e);

/* data on standard output, or a word about the file it went to (output). format NULL = "pem". */
NODISCARD int print_exported(struct cli *c, const char *name, const char *format,
                             const char *output, const struct bytes *data, struct err *e);

/* An OP_RAW answer, written to output first. */
struct raw;
NODISCARD int print_raw(struct cli *c, const char *name, const char *format, const char *output,
                        const struct raw *raw, struct err *e);

/* What write() writes, as it is, or as {key: text}. */
NODISCARD int print_text(struct cli *c, const char *key,
                         int (*write)(struct cli *c, FILE *out, const void *ctx, struct err *e),
                         const void *ctx, struct err *e);

#endif
