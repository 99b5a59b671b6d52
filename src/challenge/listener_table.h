/*
 * Name -> one or two texts, shared by the threads that publish and the thread that answers. A name
 * may be put more than once (two orders for one name): the newest is shown, and each drop takes the
 * oldest. Texts are wiped when dropped.
 */
#ifndef CHALLENGE_LISTENER_TABLE_H
#define CHALLENGE_LISTENER_TABLE_H

#include <stdbool.h>

#include "base/arena.h"

struct table;
struct table *table_new(void);
void table_free(struct table *t); /* NULL is fine */

void table_put(struct table *t, const char *name, const char *first,
               const char *second); /* copies; second may be NULL */
void table_drop(struct table *t, const char *name);
/* Copies into the arena; first or second may be NULL when not asked for. */
bool table_get(struct table *t, struct arena *a, const char *name, const char **first,
               const char **second);

DEFINE_CLEANUP(table_cleanup, struct table, table_free)

#endif
