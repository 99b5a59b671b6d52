/*
 * backup, restore, database copy: everything that is in the store, out and in. A backup is lines of
 * JSON: what it is, the master key if that was asked for, each row, and at the end how many lines
 * there are and a digest of them all.
 */
#ifndef OPS_OPS_BACKUP_H
#define OPS_OPS_BACKUP_H

#include "ops/ops.h"

/* Writes the file anew, 0600, as the store is at one moment. */
NODISCARD int ops_backup(struct ops *o, const char *file, bool with_master_key, struct err *e);
/* Reads the whole file first; then all of it is there, or nothing has changed. o was opened with
 * empty_is_fine. ERR_EXISTS if the state holds anything and replace is not set; ERR_BUSY while its
 * daemon runs. */
NODISCARD int ops_restore(struct ops *o, const char *file, bool replace, struct err *e);
/* Puts all that is in the store into another database, which must be empty. ERR_BUSY while the
 * state's daemon runs. */
NODISCARD int ops_database_copy(struct ops *o, const char *to, struct err *e);

#endif
