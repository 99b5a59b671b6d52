/*
 * A record declares its fields once. One table feeds JSON in and out, database columns,
 * documentation, redaction and sealing of secrets. Strings and lists decoded live in the arena
 * given.
 */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum field_type {
	FT_STRING,  /* const char *; NULL = absent */
	FT_SECRET,  /* const char *; sealed in the database, never printed */
	FT_INT,     /* int64_t */
	FT_BOOL,    /* bool */
	FT_TIME,    /* int64_t Unix seconds, 0 = none; RFC 3339 in JSON, integer in the database */
	FT_JSON,    /* const char *: the text of any JSON value, which it is in JSON; text in the
	               database; NULL = absent */
	FT_STRINGS, /* struct strings; an array in JSON, JSON text in the database */
	FT_RECORDS, /* struct records of the table `of`; an array of objects in JSON; no column */
};

enum field_flags {
	F_REQUIRED = 1,   /* must be there and not null when decoding */
	F_KEY = 2,        /* the row's integer primary key, assigned by the database */
	F_HIDDEN = 4,     /* not part of JSON for people (a database column only) */
	F_NOT_STORED = 8, /* JSON only, not a column */
	F_LIST = 16,      /* FT_SECRET that a person may write as a list: kept as JSON text */
	F_HOST = 32,   /* a setting that is this host's own affair (a file, a command, its metadata
	                  service): not to be said over the network */
	F_PEER = 64,   /* a setting that names an address to be reached (URL, HOST:PORT): said over
	                  the network, not an address inside */
	F_INERT = 128, /* a provider's setting that leads nowhere by itself: said over the network,
	                  where the others lead stays their word who said those */
};

struct field {
	const char *name; /* snake_case: the JSON member and the column */
	enum field_type type;
	unsigned flags;
	size_t offset;
	const char *help;
	const struct field *of; /* FT_RECORDS: each one's fields and size */
	size_t of_size;
};

/* A list of structs that have a field table of their own. */
struct records {
	void *v;
	size_t n;
};

#define FIELD(T, member, type, flags, help)                                                        \
	{                                                                                          \
#member, (type), (flags), offsetof(T, member), (help)                              \
	}
#define FIELD_NAMED(T, member, name, type, flags, help)                                            \
	{                                                                                          \
		(name), (type), (flags), offsetof(T, member), (help)                               \
	}
#define FIELD_RECORDS(T, member, U, table, flags, help)                                            \
	{                                                                                          \
#member, FT_RECORDS, (flags) | F_NOT_STORED, offsetof(T, member), (help), (table), \
		    sizeof(U)                                                                      \
	}
#define FIELD_END                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}
#define FIELD_EACH(f, table) for (const struct field *f = (table); f->name; f++)

#define FIELD_STRING(f, rec) (*(const char **)((char *)(rec) + (f)->offset))
#define FIELD_INT(f, rec) (*(int64_t *)((char *)(rec) + (f)->offset))
#define FIELD_BOOL(f, rec) (*(bool *)((char *)(rec) + (f)->offset))
#define FIELD_STRINGS(f, rec) (*(struct strings *)((char *)(rec) + (f)->offset))
#define FIELD_RECORD_LIST(f, rec) (*(struct records *)((char *)(rec) + (f)->offset))

const struct field *field_find(const struct field *table, const char *name); /* NULL = none */
/* Whether two records have the same in a field. FT_RECORDS are not compared. */
bool field_is_same(const struct field *f, const void *x, const void *y);

/* Takes a field over; what it points at is copied into the arena. FT_RECORDS are left. */
void field_copy(struct arena *a, const struct field *f, void *to, const void *from);

/* A list's answer: some of its items, and where to go on. Its own field table names the items'. */
struct list_page {
	struct records items;
	const char *next; /* cursor of what comes after; NULL = nothing */
	int64_t upto;     /* of items with a number that rises (OP_OPEN): what is to come has higher
	                     ones, as have those behind this page if it goes upwards; not told */
};
#define LIST_FIELDS(T, table)                                                                      \
	{                                                                                          \
		FIELD_RECORDS(struct list_page, items, T, table, 0, "what was found"),             \
		    FIELD(struct list_page, next, FT_STRING, 0,                                    \
		          "cursor of what comes after; null: nothing"),                            \
		    FIELD_END                                                                      \
	}

#endif
