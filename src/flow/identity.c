/*
 * The digest that tells whether a certificate's record still asks for what was issued. A secret
 * among the fields (an imported key) goes in only as part of the digest.
 */
#include "flow/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "sys/hash.h"

static int compare_names(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Of several names only the first matters as such: it is the common name. */
static json_t *identity_value(struct arena *a, const struct field *f, const struct cert *c)
{
	struct strings sorted;
	json_t *list;

	if (f->type != FT_STRINGS) {
		const char *s = FIELD_STRING(f, c);
		return s ? json_string(s) : json_null();
	}
	sorted = strings_dup(a, &FIELD_STRINGS(f, c));
	if (sorted.n > 2)
		qsort(sorted.v + 1, sorted.n - 1, sizeof(*sorted.v), compare_names);
	list = json_array();
	for (size_t i = 0; i < sorted.n; i++)
		json_array_append_new(list, json_string(sorted.v[i]));
	return list;
}

int cert_identity(struct arena *a, const struct cert *c, const char **out, struct err *e)
{
	json_auto_t *all = json_object();
	unsigned char digest[HASH_MAX];
	const char *text;

	for (size_t i = 0; cert_identity_fields[i]; i++) {
		const struct field *f = field_find(cert_fields, cert_identity_fields[i]);
		json_object_set_new(all, f->name, identity_value(a, f, c));
	}
	text = json_text(a, all);
	TRY(hash_digest(HASH_SHA256, text, strlen(text), digest, e));
	*out = hex_encode(a, digest, hash_len(HASH_SHA256));
	return 0;
}
