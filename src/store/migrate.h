/* The numbered migrations of src/store/schema, built into the program (tools/embed), in order; the
 * last has no text. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

struct migration {
	int version;
	const char *sql;
};
extern const struct migration store_migrations[];

#endif
