/* The plain text of a manual page's own parts, and writing it as roff. */
#ifndef CLI_PROSE_H
#define CLI_PROSE_H

#include <stdbool.h>
#include <stdio.h>

/* One "# SECTION" of text, its heading and body; prose NULL = none. name NULL: all but DESCRIPTION,
 * in their order. */
void prose_print(FILE *out, const char *prose, const char *name);
bool prose_has(const char *prose, const char *name);

/* A line of text: what roff would take for itself is escaped; `bold` and _italic_ are turned into
 * fonts if marked. */
void roff_text(FILE *out, const char *s, size_t len, bool marked);

#endif
