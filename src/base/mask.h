/*
 * Secrets hidden in texts that others wrote: what a child printed, what a script said went wrong.
 * The length of the text stays as it is.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include "base/arena.h"

#define MASK_LEAST 4 /* shorter texts are no secrets, and would blot out half of every line */

/* Adds what would betray a secret: each of its lines of MASK_LEAST bytes or more, and the whole in
 * base64 and percent-encoded. NULL is fine. */
void mask_add(struct arena *a, struct strings *masked, const char *secret);
/* Replaces each of them in text by '*', and at its end also the beginning of one (the text may have
 * been cut there). In place; masked may be NULL. */
void mask_text(char *text, const struct strings *masked);

#endif
