/*
 * A person's own request, and names as they are typed: what is taken has one to a hundred names in
 * the form that is sent, and a name in that form stays as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "sys/csr.h"
#include "sys/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct arena *a, const char *name)
{
	enum name_kind kind;
	const char *again;
	struct err e;

	if (name_normalize(a, name, &again, &kind, &e) < 0 || strcmp(name, again) != 0 ||
	    kind != name_kind(name))
		abort();
	if (strlen(name) > 253 || !name_is_cert_name(name_to_cert_name(a, name)))
		abort();
	(void)name_display(a, name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct csr_info info;
	enum name_kind kind;
	const char *name;
	struct err e;

	if (name_normalize(a, arena_strndup(a, (const char *)data, size), &name, &kind, &e) == 0)
		check_name(a, name);
	if (csr_parse(a, data, size, &info, &e) < 0)
		return 0;
	if (info.names.n == 0 || info.names.n > 100 || info.key_type == KEY_NONE ||
	    strlen(info.spki_sha256) != 64)
		abort();
	for (size_t i = 0; i < info.names.n; i++)
		check_name(a, info.names.v[i]);
	return 0;
}
