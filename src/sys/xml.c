/*
 * XML answers read by expat's events into a tree in the arena. Declarations of a document type are
 * refused before any entity can be made, so that nothing grows beyond what was sent; size, depth
 * and the number of elements are bounded beside. Attributes, comments and processing instructions
 * are passed over. Error texts give the line, never the content.
 */
#include "sys/xml.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#define XML_BYTES_MAX ((size_t)1 << 20)
#define XML_DEPTH_MAX 32
#define XML_ELEMENTS_MAX 20000
#define XML_NAME_MAX 255

/* An element that is still open; its text grows in place. */
struct open_element {
	struct xml *x, *last_child;
	char *text;
	size_t len, cap;
};
struct reader {
	XML_Parser parser;
	struct arena *a;
	struct open_element open[XML_DEPTH_MAX + 1]; /* [0] holds the root */
	size_t depth, n_elements;
	const char *why; /* why we stopped; NULL = expat's own word */
};

static void reader_done(struct reader *r)
{
	XML_ParserFree(r->parser);
}

static void stop(struct reader *r, const char *why)
{
	r->why = why;
	XML_StopParser(r->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
	struct reader *r = ctx;
	struct open_element *parent = &r->open[r->depth];
	struct xml *x;

	if (r->why)
		return;
	if (r->depth == XML_DEPTH_MAX)
		return stop(r, "too many levels");
	if (++r->n_elements > XML_ELEMENTS_MAX)
		return stop(r, "too many elements");
	if (strlen(local_name(name)) > XML_NAME_MAX)
		return stop(r, "a name that is too long");
	x = ARENA_NEW(r->a, struct xml);
	x->name = arena_strdup(r->a, local_name(name));
	x->text = "";
	if (parent->last_child)
		parent->last_child->next = x;
	else
		parent->x->first = x;
	parent->last_child = x;
	r->open[++r->depth] = (struct open_element){ .x = x };
}

static void on_end(void *ctx, const char *name)
{
	struct reader *r = ctx;
	struct open_element *o = &r->open[r->depth];

	if (r->why)
		return;
	if (o->text)
		o->x->text = o->text;
	r->depth--;
}

static void on_text(void *ctx, const char *s, int len)
{
	struct reader *r = ctx;
	struct open_element *o = &r->open[r->depth];

	if (r->why)
		return;
	if (o->len + (size_t)len + 1 > o->cap) {
		size_t cap = (o->len + (size_t)len + 1) * 2;
		char *grown = arena_alloc(r->a, cap);

		if (o->len)
			memcpy(grown, o->text, o->len);
		o->text = grown;
		o->cap = cap;
	}
	memcpy(o->text + o->len, s, (size_t)len);
	o->len += (size_t)len;
	o->text[o->len] = '\0';
}

static void on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int own)
{
	stop(ctx, "a document type declaration, which is not allowed");
}

static void set_handlers(struct reader *r)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
}

int xml_parse(struct arena *a, const char *text, size_t len, struct xml **out, struct err *e)
{
	struct reader r CLEANUP(reader_done) = { .a = a };
	struct xml top = { .text = "" };

	if (len > XML_BYTES_MAX)
		return err_set(e, ERR_PROTOCOL, "the XML has more than %zu bytes", XML_BYTES_MAX);
	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		out_of_memory();
	r.open[0].x = &top;
	set_handlers(&r);
	if (XML_Parse(r.parser, text, (int)len, XML_TRUE) != XML_STATUS_OK)
		return err_set(e, ERR_PROTOCOL, "the XML is not right in line %lu: %s",
		               (unsigned long)XML_GetCurrentLineNumber(r.parser),
		               r.why ? r.why : XML_ErrorString(XML_GetErrorCode(r.parser)));
	*out = top.first;
	return 0;
}

const struct xml *xml_child(const struct xml *x, const char *name)
{
	for (const struct xml *c = x ? x->first : NULL; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

const struct xml *xml_next(const struct xml *x)
{
	for (const struct xml *c = x ? x->next : NULL; c; c = c->next)
		if (strcmp(c->name, x->name) == 0)
			return c;
	return NULL;
}

static const struct xml *child_of_len(const struct xml *x, const char *name, size_t len)
{
	for (const struct xml *c = x ? x->first : NULL; c; c = c->next)
		if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
			return c;
	return NULL;
}

const char *xml_text_at(const struct xml *x, const char *path)
{
	while (x && *path) {
		size_t len = strcspn(path, "/");

		x = child_of_len(x, path, len);
		path += len + (path[len] == '/');
	}
	return x ? x->text : NULL;
}

static const char *entity_of(char c)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },    { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&apos;" },
	};

	for (size_t i = 0; i < ARRAY_LEN(entities); i++)
		if (entities[i].c == c)
			return entities[i].entity;
	return NULL;
}

char *xml_escape(struct arena *a, const char *text)
{
	size_t cap = strlen(text) * strlen("&quot;") + 1, len = 0;
	char *out = arena_alloc(a, cap);

	for (const char *p = text; *p; p++) {
		const char *entity = entity_of(*p);
		size_t n = entity ? strlen(entity) : 1;

		memcpy(out + len, entity ? entity : p, n);
		len += n;
	}
	return out;
}
