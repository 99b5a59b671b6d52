/* dns/settings.h: credentials files in both forms, files within, updates, what is refused and what
 * is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dns/settings.h"

struct key {
	const char *domain, *secret;
};
struct settings {
	const char *token, *id, *kept_file;
	int64_t size;
	bool deep;
	struct strings list;
	struct records keys;
};
static const struct field key_fields[] = {
	FIELD(struct key, domain, FT_STRING, F_REQUIRED, "domain"),
	FIELD(struct key, secret, FT_SECRET, 0, "secret"), FIELD_END
};
static const struct field fields[] = {
	FIELD(struct settings, token, FT_SECRET, F_REQUIRED, "token"),
	FIELD(struct settings, id, FT_STRING, 0, "id"),
	FIELD(struct settings, kept_file, FT_STRING, 0, "a file read when it is needed"),
	FIELD(struct settings, size, FT_INT, 0, "size"),
	FIELD(struct settings, deep, FT_BOOL, 0, "deep"),
	FIELD(struct settings, list, FT_STRINGS, 0, "list"),
	FIELD_RECORDS(struct settings, keys, struct key, key_fields, 0, "keys"),
	FIELD_END
};

static int refuse_nobody(struct arena *a, const void *settings, const struct dns_common *c,
                         struct err *e)
{
	const struct settings *s = settings;

	(void)a;
	(void)c;
	if (s->id && strcmp(s->id, "nobody") == 0)
		return err_set(e, ERR_CONFIG, "id must be somebody");
	return 0;
}

static const struct dns_provider provider = {
	.name = "test",
	.title = "Test",
	.fields = fields,
	.settings_size = sizeof(struct settings),
	.check = refuse_nobody,
};

struct place {
	struct arena *a;
	char dir[64];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	p->a = arena_new(0);
	snprintf(p->dir, sizeof(p->dir), "/tmp/everleaf-settings-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/secret", p->dir);
	unlink(path);
	rmdir(p->dir);
	arena_free(p->a);
	free(p);
	return 0;
}

static const char *secret_file(struct place *p, const char *text)
{
	char *path = arena_printf(p->a, "%s/secret", p->dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static const struct settings *read_open(struct place *p, const char *text, const char *over,
                                        struct dns_common *common, const char **json)
{
	const void *settings;
	const char *out;
	struct err e = { 0 };

	if (dns_settings_read(p->a, &provider, text, strlen(text), "f", over, &out, &e) < 0)
		fail_msg("%s", e.text);
	if (dns_settings_open(p->a, &provider, out, &settings, common, &e) < 0)
		fail_msg("%s", e.text);
	if (json)
		*json = out;
	return settings;
}

static void test_both_forms(void **state)
{
	static const char *const texts[] = {
		"token: t0k\nid: 12345\nsize: 7\ndeep: true\nlist: [a, b]\nttl: 120\nzone: "
		"Example.Org\n"
		"servers: [127.0.0.1:5300, '::1']\n",
		"# comment\nTOKEN=t0k\nID=12345\nSize=7\ndeep=yes\nlist=a, "
		"b\nTTL=120\nzone=Example.Org\n"
		"servers=127.0.0.1:5300 ::1\n",
		"export TOKEN='t0k'\nexport ID=\"12345\"\nSIZE=7\nDEEP=true\nLIST=a b\nTTL=120\n"
		"ZONE=Example.Org\r\nSERVERS=127.0.0.1:5300,[::1]:53\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct dns_common c;
		const struct settings *s = read_open(*state, texts[i], NULL, &c, NULL);

		assert_string_equal(s->token, "t0k");
		assert_string_equal(s->id, "12345");
		assert_int_equal(s->size, 7);
		assert_true(s->deep);
		assert_int_equal(s->list.n, 2);
		assert_string_equal(s->list.v[1], "b");
		assert_int_equal(c.ttl_s, 120);
		assert_string_equal(c.zone, "Example.Org");
		assert_int_equal(c.servers.n, 2);
		assert_string_equal(c.servers.v[0], "127.0.0.1:5300");
		assert_string_equal(c.servers.v[1], "[::1]:53");
	}
}

static void test_files_are_read_once_but_those_a_provider_reads(void **state)
{
	struct place *p = *state;
	const char *path = secret_file(p, "from a file\n");
	struct dns_common c;
	const struct settings *s = read_open(
	    p,
	    arena_printf(p->a,
	                 "token_file: %s\nkept_file: /not/there\nkeys:\n - domain: a.test\n"
	                 "   secret_file: %s\n - domain: b.test\n   secret: 5\n",
	                 path, path),
	    NULL, &c, NULL);
	const struct key *keys = s->keys.v;

	assert_string_equal(s->token, "from a file");
	assert_string_equal(s->kept_file, "/not/there");
	assert_int_equal(s->keys.n, 2);
	assert_string_equal(keys[0].secret, "from a file");
	assert_string_equal(keys[1].domain, "b.test");
	assert_string_equal(keys[1].secret, "5");
}

static void test_an_update_keeps_what_it_does_not_name(void **state)
{
	const char *first, *second;
	struct dns_common c;
	const struct settings *s;

	read_open(*state, "token: old\nid: me\nsize: 3\n", NULL, &c, &first);
	s = read_open(*state, "token: new\nsize: null\n", first, &c, &second);
	assert_string_equal(s->token, "new");
	assert_string_equal(s->id, "me");
	assert_int_equal(s->size, 0);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "id: x\n", "\"token\" is missing" },
		{ "token: sesame\ntokn: x\n", "no setting \"tokn\"" },
		{ "token: sesame\nsize: big\n", "\"size\" must be a whole number" },
		{ "token: [sesame]\n", "\"token\" must be a text" },
		{ "token: sesame\nid: nobody\n", "must be somebody" },
		{ "token: sesame\ntoken_file: /dev/null\n", "both given" },
		{ "token_file: /not/there/at/all\n", "/not/there/at/all" },
		{ "token: sesame\npropagation: maybe\n", "\"propagation\" must be" },
		{ "token: sesame\npropagation: provider\n", "does not say when" },
		{ "token: sesame\nzone_id: 5\n", "zone_id needs zone" },
		{ "token: sesame\nbase_url: ftp://x\n", "https://" },
		{ "token: sesame\nbase_url: https://user@x\n", "no user" },
		{ "token: sesame\nservers: [ns1.example.org]\n", "\"servers\"" },
		{ "token: sesame\nttl: -1\n", "\"ttl\" must be" },
		{ "TOKEN=sesame\nnonsense\n", "f:2: not KEY=VALUE" },
		{ "- a\n- b\n", "a line each" },
		{ "keys: [{secret: sesame}]\ntoken: sesame\n", "entry 1: \"domain\" is missing" },
		{ "keys: [{domain: d, scret: x}]\ntoken: sesame\n",
		  "entry 1: there is no setting" },
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *out = "untouched";
		struct err e = { 0 };
		int rc = dns_settings_read(p->a, &provider, cases[i].text, strlen(cases[i].text),
		                           "f", NULL, &out, &e);

		if (rc == 0 || !strstr(e.text, cases[i].says))
			fail_msg("%s gives: %s", cases[i].text, rc == 0 ? "no error" : e.text);
		assert_null(strstr(e.text, "sesame"));
		assert_string_equal(out, "untouched");
	}
}

static void test_secrets_are_not_shown(void **state)
{
	struct place *p = *state;
	struct dns_common c;
	const char *json;

	read_open(p, "token: sesame\nid: me\nkeys: [{domain: a.test, secret: sesame}]\nttl: 60\n",
	          NULL, &c, &json);
	json_auto_t *shown = dns_settings_show(p->a, &provider, json);
	const char *text = json_text(p->a, shown);

	assert_null(strstr(text, "sesame"));
	assert_non_null(strstr(text, "\"id\":\"me\""));
	assert_non_null(strstr(text, "\"token\":\"(kept secret)\""));
	assert_non_null(strstr(text, "\"domain\":\"a.test\""));
	assert_non_null(strstr(text, "\"ttl\":60"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_forms),
		cmocka_unit_test(test_files_are_read_once_but_those_a_provider_reads),
		cmocka_unit_test(test_an_update_keeps_what_it_does_not_name),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_secrets_are_not_shown),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
