/*
 * Small XML answers (expat), for services that speak nothing else: read into a tree of elements
 * with their text. No entities but the five, no DTD, at most 1 MiB, 32 levels and 20,000 elements;
 * namespaces are dropped.
 */
#ifndef SYS_XML_H
#define SYS_XML_H

#include "base/arena.h"
#include "base/err.h"

struct xml {
	const char *name;         /* local name */
	const char *text;         /* its own character data, joined; "" if none */
	struct xml *first, *next; /* first child, next sibling */
};
/* ERR_PROTOCOL with line. */
NODISCARD int xml_parse(struct arena *a, const char *text, size_t len, struct xml **out,
                        struct err *e);
/* The first child of this name, and the next sibling of the same name; NULL = none. x may be NULL.
 */
const struct xml *xml_child(const struct xml *x, const char *name);
const struct xml *xml_next(const struct xml *x);
/* By a path "ChangeInfo/Status" from x; NULL = not there. */
const char *xml_text_at(const struct xml *x, const char *path);
/* Text fit to stand between tags or in an attribute. */
char *xml_escape(struct arena *a, const char *text);

#endif
