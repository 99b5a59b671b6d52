/*
 * Where in a YAML text something stands: looked for only when there is something wrong with it, so
 * that reading keeps no places. The text was taken by yaml_parse before. Pure, any thread.
 */
#include <string.h>
#include <yaml.h>

#include "sys/yaml.h"

struct loaded {
	yaml_parser_t parser;
	yaml_document_t document;
	bool has_document;
};

static void loaded_done(struct loaded *l)
{
	if (l->has_document)
		yaml_document_delete(&l->document);
	yaml_parser_delete(&l->parser);
}

static size_t line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static bool is_called(const yaml_node_t *key, const char *name)
{
	size_t len = strlen(name);

	return key && key->type == YAML_SCALAR_NODE && key->data.scalar.length == len &&
	       memcmp(key->data.scalar.value, name, len) == 0;
}

static yaml_node_t *member(yaml_document_t *d, const yaml_node_t *node, const char *name,
                           size_t *line)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(d, p->key);

		if (is_called(key, name)) {
			*line = line_of(key);
			return yaml_document_get_node(d, p->value);
		}
	}
	return NULL;
}

static yaml_node_t *item(yaml_document_t *d, const yaml_node_t *node, size_t at, size_t *line)
{
	yaml_node_t *found;

	if (node->type != YAML_SEQUENCE_NODE ||
	    at >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
		return NULL;
	found = yaml_document_get_node(d, node->data.sequence.items.start[at]);
	if (found)
		*line = line_of(found);
	return found;
}

size_t yaml_line(const struct yaml_text *t, const struct yaml_place *place)
{
	struct loaded l CLEANUP(loaded_done) = { 0 };
	yaml_node_t *node;
	size_t line = 1;

	if (!yaml_parser_initialize(&l.parser))
		return line;
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)t->text, t->len);
	l.has_document = yaml_parser_load(&l.parser, &l.document);
	node = l.has_document ? yaml_document_get_root_node(&l.document) : NULL;
	for (size_t i = 0; node && i < place->n; i++) {
		const struct yaml_step *s = &place->steps[i];

		node = s->member ? member(&l.document, node, s->member, &line)
		                 : item(&l.document, node, s->at, &line);
	}
	return line;
}

int yaml_blame(const struct yaml_text *t, const struct yaml_place *place, struct err *e)
{
	e->code = ERR_CONFIG;
	return err_ctx(e, "%s:%zu", t->name, yaml_line(t, place));
}

void yaml_step_to(struct yaml_place *p, const char *name)
{
	if (p->n < YAML_STEPS_MAX)
		p->steps[p->n++] = (struct yaml_step){ .member = name };
}

void yaml_step_at(struct yaml_place *p, size_t at)
{
	if (p->n < YAML_STEPS_MAX)
		p->steps[p->n++] = (struct yaml_step){ .at = at };
}
