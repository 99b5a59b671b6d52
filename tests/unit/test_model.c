/* Field tables: every member of a struct is in its table once, at its own place, and nothing else
 * is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "model/account.h"
#include "model/ca.h"
#include "model/cert.h"
#include "model/challenge.h"
#include "model/event.h"
#include "model/job.h"
#include "model/order.h"
#include "model/version.h"

static const struct {
	const char *what;
	const struct field *fields;
	size_t size;
} models[] = {
	{ "account", account_fields, sizeof(struct account) },
	{ "ca", ca_fields, sizeof(struct ca) },
	{ "cert", cert_fields, sizeof(struct cert) },
	{ "challenge", challenge_fields, sizeof(struct challenge) },
	{ "event", event_fields, sizeof(struct event) },
	{ "job", job_fields, sizeof(struct job) },
	{ "order", order_fields, sizeof(struct order) },
	{ "version", version_fields, sizeof(struct version) },
};

static size_t field_size(const struct field *f)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
	case FT_JSON:
		return sizeof(const char *);
	case FT_INT:
	case FT_TIME:
		return sizeof(int64_t);
	case FT_BOOL:
		return sizeof(bool);
	case FT_STRINGS:
		return sizeof(struct strings);
	case FT_RECORDS:
		return sizeof(struct records);
	}
	return 0;
}

/* Marks the bytes each field covers; all bytes but the padding after truth values must be covered
 * exactly once. */
static void test_tables_cover_structs(void **state)
{
	for (size_t m = 0; m < ARRAY_LEN(models); m++) {
		unsigned char covered[1024] = { 0 };
		size_t gaps = 0, bools = 0;

		assert_true(models[m].size <= sizeof(covered));
		FIELD_EACH (f, models[m].fields) {
			for (size_t i = 0; i < field_size(f); i++) {
				if (covered[f->offset + i]++)
					fail_msg("%s.%s lies over another field", models[m].what,
					         f->name);
			}
			bools += f->type == FT_BOOL;
		}
		for (size_t i = 0; i < models[m].size; i++) {
			gaps = covered[i] ? 0 : gaps + 1;
			if (gaps >= 8)
				fail_msg("%s: the member at byte %zu is in no field",
				         models[m].what, i - 7);
			if (!covered[i] && !bools)
				fail_msg("%s: byte %zu is in no field", models[m].what, i);
		}
	}
}

static void test_names_are_unique_and_explained(void **state)
{
	for (size_t m = 0; m < ARRAY_LEN(models); m++) {
		FIELD_EACH (f, models[m].fields) {
			assert_ptr_equal(field_find(models[m].fields, f->name), f);
			assert_true(f->help && *f->help);
			assert_int_equal(strspn(f->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
			                 strlen(f->name));
		}
		assert_true(models[m].fields[0].flags & F_KEY);
	}
}

/* What the command line promises of `list --json` and `account show --json`. */
static void test_promised_members(void **state)
{
	static const char *const of_list[] = {
		"name",   "status", "domains",    "ca",        "account",  "key_type",
		"serial", "issuer", "not_before", "not_after", "renew_at", "last_error"
	};
	static const char *const of_account[] = { "name",   "ca",       "url",
		                                  "status", "contacts", "key_type" };

	for (size_t i = 0; i < ARRAY_LEN(of_list); i++) {
		const struct field *f = field_find(cert_fields, of_list[i]);

		assert_non_null(f);
		assert_int_equal(f->flags & F_HIDDEN, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(of_account); i++)
		assert_non_null(field_find(account_fields, of_account[i]));
}

static void test_secrets_are_secret(void **state)
{
	assert_int_equal(field_find(account_fields, "key")->type, FT_SECRET);
	assert_int_equal(field_find(account_fields, "next_key")->type, FT_SECRET);
	assert_int_equal(field_find(cert_fields, "own_key")->type, FT_SECRET);
	assert_int_equal(field_find(cert_fields, "keystore_password")->type, FT_SECRET);
	assert_int_equal(field_find(order_fields, "key")->type, FT_SECRET);
	assert_int_equal(field_find(version_fields, "key")->type, FT_SECRET);
}

static void test_identity_fields_exist(void **state)
{
	for (const char *const *name = cert_identity_fields; *name; name++)
		assert_non_null(field_find(cert_fields, *name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_cover_structs),
		cmocka_unit_test(test_names_are_unique_and_explained),
		cmocka_unit_test(test_promised_members),
		cmocka_unit_test(test_secrets_are_secret),
		cmocka_unit_test(test_identity_fields_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
