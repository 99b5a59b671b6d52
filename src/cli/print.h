/*
 * What goes to standard output: JSON documents built from field tables, tables of aligned columns,
 * times for people. Nothing that came from outside reaches a terminal with control characters in
 * it.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/json.h"
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/field.h"

/* One document, indented, and a newline. */
void print_json(struct arena *a, const json_t *value);

/* A copy fit for a terminal; NULL becomes "-". */
const char *shown(struct arena *a, const char *s);

/* "2027-02-20 13:05 UTC (in 90 days)"; 0 gives "-". */
const char *shown_time(struct arena *a, int64_t at, int64_t now);
/* "2027-02-20 90d", "2026-11-22 14h", "2026-11-20 -2d": for a column; 0 gives "-". */
const char *shown_day(struct arena *a, int64_t at, int64_t now);
/* "in 90 days", "in 14 hours", "2 days ago". */
const char *shown_span(struct arena *a, int64_t at, int64_t now);

/* As many of the names as fit into width columns, and "+3" for the rest; at least (part of) one.
 * width 0 = no limit. */
const char *shown_names(struct arena *a, const struct strings *names, size_t width);

/* How many columns a UTF-8 text takes: one a character, two for those of East Asia's width. */
size_t text_width(const char *s);
/* Cut to width columns, "..." at the end if anything was cut. width 0 = no limit. */
const char *text_cut(struct arena *a, const char *s, size_t width);

/* Columns of standard output if it is a terminal, else 0. */
size_t terminal_width(FILE *f);
/* Is f a terminal, and are colours wanted there (NO_COLOR, TERM)? */
bool wants_colour(FILE *f);
/* The colour a status is shown in, and what ends it; "" where none is wanted. */
const char *status_colour(FILE *f, const char *status);
const char *colour_end(FILE *f);

/* A table: cells are added row by row, the first row is the heading; printed with two blanks
 * between columns. */
struct table {
	struct arena *arena;
	size_t n_columns;
	struct strings cells;
	size_t status_column; /* this one is coloured; SIZE_MAX = none */
};
void table_row(struct table *t, const char *const *cells);
/* The last column is cut to fit a terminal. */
void table_print(struct table *t, FILE *out);

/* "key:      value" lines of a record. */
void print_line(FILE *out, const char *key, const char *value);

/* Standard output written out: ERR_IO if anything was lost (a full disk, a closed pipe). */
NODISCARD int print_flush(struct err *e);

#endif
