/* What a `user` may have, as a table; what roles have in common; what a binding covers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/owner.h"

static struct strings list(struct arena *a, const char *words)
{
	struct strings out = { 0 };
	char *copy = arena_strdup(a, words ? words : ""), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		strings_add(a, &out, w);
	return out;
}

static void bindings_cover(void **state)
{
	static const struct {
		const char *domain;
		bool exact;
		const char *name;
		bool covers;
	} rows[] = {
		{ "example.org", false, "example.org", true },
		{ "example.org", false, "a.b.example.org", true },
		{ "example.org", false, "*.example.org", true },
		{ "example.org", false, "*.a.example.org", true },
		{ "example.org", false, "notexample.org", false },
		{ "example.org", false, "*.notexample.org", false },
		{ "example.org", false, "example.org.evil.net", false },
		{ "example.org", false, "org", false },
		{ "a.example.org", false, "*.example.org", false },
		{ "a.example.org", false, "example.org", false },
		{ "example.org", true, "example.org", true },
		{ "example.org", true, "www.example.org", false },
		{ "example.org", true, "*.example.org", false },
		{ "*.example.org", false, "*.example.org", true },
		{ "*.example.org", false, "www.example.org", false },
		{ "192.0.2.1", false, "192.0.2.1", true },
		{ "192.0.2.1", false, "2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct binding b = { .domain = rows[i].domain, .exact = rows[i].exact };

		if (binding_covers(&b, rows[i].name) != rows[i].covers)
			fail_msg("%s%s and %s", rows[i].domain, rows[i].exact ? " alone" : "",
			         rows[i].name);
	}
}

static void roles_meet(void **state)
{
	static const struct {
		enum role x, y;
		enum role meet; /* 0 = none */
	} rows[] = {
		{ ROLE_ADMIN, ROLE_ADMIN, ROLE_ADMIN },
		{ ROLE_ADMIN, ROLE_OPERATOR, ROLE_OPERATOR },
		{ ROLE_OPERATOR, ROLE_USER, ROLE_USER },
		{ ROLE_OPERATOR, ROLE_AUDITOR, ROLE_AUDITOR },
		{ ROLE_USER, ROLE_AUDITOR, 0 },
		{ ROLE_USER, ROLE_ADMIN, ROLE_USER },
		{ ROLE_AUDITOR, ROLE_ADMIN, ROLE_AUDITOR },
		{ 0, ROLE_ADMIN, 0 },
		{ 3, ROLE_ADMIN, 0 },
		{ 16, ROLE_ADMIN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int turned = 0; turned < 2; turned++) {
			enum role x = turned ? rows[i].y : rows[i].x,
			          y = turned ? rows[i].x : rows[i].y, met = 0;

			assert_int_equal(role_meet(x, y, &met), rows[i].meet != 0);
			assert_int_equal(met, rows[i].meet);
		}
}

/* alice has example.org by every method with the DNS account shared, and mail.net by dns alone with
 * the account mail; ca1 is an account at a CA that she may name for example.org. */
static size_t alices(struct arena *a, struct binding *b)
{
	b[0] = (struct binding){ .domain = "example.org",
		                 .dns = list(a, "shared"),
		                 .accounts = list(a, "ca1") };
	b[1] = (struct binding){ .domain = "mail.net",
		                 .methods = list(a, "dns"),
		                 .dns = list(a, "mail") };
	return 2;
}

struct row {
	const char *what;
	const char *domains, *method, *dns, *name, *owner, *hook, *listen, *deploy_hooks;
	const char *given, *account, *ca;
	const char *denied; /* the member at fault; NULL = allowed */
};

static const struct row new_ones[] = {
	{ "her own", "www.example.org", "webroot" },
	{ "a wildcard", "*.example.org", "dns", "shared", "_wildcard.example.org" },
	{ "two of hers", "example.org mail.net", "dns", "example.org=shared mail.net=mail" },
	{ "by hand", "example.org", "manual" },
	{ "begins with her name", "example.org", "manual", .name = "alice_2" },
	{ "another's domain", "www.example.com", "webroot", .denied = "domains" },
	{ "another's beside hers", "example.org example.com", "manual", .denied = "domains" },
	{ "another's DNS account", "example.org", "dns", "other", .denied = "dns" },
	{ "another's beside the shared", "example.org", "dns", "shared other", .denied = "dns" },
	{ "another's for one name", "example.org www.example.org", "dns",
	  "shared www.example.org=other", .denied = "dns" },
	{ "the DNS account of another domain", "mail.net", "dns", "shared", .denied = "dns" },
	{ "one account, two bindings", "example.org mail.net", "dns", "shared", .denied = "dns" },
	{ "a method that is not bound", "mail.net", "webroot", .denied = "method" },
	{ "a hook", "example.org", "hook", .hook = "/bin/true", .denied = "hook" },
	{ "a hook by name alone", "example.org", "hook", .denied = "method" },
	{ "no method", "example.org", NULL, .denied = "method" },
	{ "an address to listen at", "example.org", "standalone", .listen = "0.0.0.0:25",
	  .denied = "listen" },
	{ "a deploy hook", "example.org", "manual", .deploy_hooks = "/bin/true",
	  .denied = "deploy_hooks" },
	{ "without the look before", "example.org", "manual", .given = "preflight",
	  .denied = "preflight" },
	{ "for somebody else", "example.org", "manual", .owner = "bob", .denied = "owner" },
	{ "for nobody", "example.org", "manual", .owner = "", .denied = "owner" },
	{ "a name that could be a domain", "example.org", "manual", .name = "alice-x.example.com",
	  .denied = "name" },
	{ "a name that says nothing of hers", "example.org", "manual", .name = "bob.example.com",
	  .denied = "name" },
	{ "her account", "example.org", "manual", .given = "account", .account = "ca1" },
	{ "another's account", "example.org", "manual", .given = "account", .account = "ca2",
	  .denied = "account" },
	{ "her account for another domain", "mail.net", "dns", "mail", .given = "account",
	  .account = "ca1", .denied = "account" },
	{ "a CA's address", "example.org", "manual", .given = "ca", .ca = "https://ca.test/dir",
	  .denied = "ca" },
	{ "a CA's name", "example.org", "manual", .given = "ca", .ca = "zerossl", .denied = "ca" },
};

static struct cert record(struct arena *a, const struct row *r)
{
	struct cert c = { .domains = list(a, r->domains),
		          .method = r->method,
		          .dns = list(a, r->dns),
		          .hook = r->hook,
		          .listen = r->listen,
		          .deploy_hooks = list(a, r->deploy_hooks),
		          .account = r->account,
		          .ca = r->ca,
		          .owner = r->owner ? r->owner : "alice" };

	if (!*c.owner)
		c.owner = NULL;
	c.name = r->name ? r->name : c.domains.v[0];
	return c;
}

static void held(struct arena *a, const struct row *r, const struct cert *stored)
{
	struct cert_change ch = { .given = list(a, r->given),
		                  .values = { .account = r->account, .ca = r->ca } };
	struct cert wanted = record(a, r);
	struct binding b[2];
	size_t n = alices(a, b);
	struct err e = { 0 };
	int result = owner_check_user(a, "alice", b, n, &ch, stored, &wanted, &e);

	if (result == 0 && r->denied)
		fail_msg("%s: allowed", r->what);
	if (result < 0 && !r->denied)
		fail_msg("%s: %s", r->what, e.text);
	if (result < 0 && (result != -ERR_DENIED || strcmp(e.member, r->denied) != 0))
		fail_msg("%s: at fault is %s: %s", r->what, e.member, e.text);
}

static void users_have_what_is_bound(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct cert none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(new_ones); i++)
		held(a, &new_ones[i], &none);
}

/* Somebody else made it for her, with more than she could have asked for: that stays, and no more
 * of it comes. */
static void what_is_stored_stays(void **state)
{
	static const struct row made = {
		"",      "a.example.com",       "hook", NULL,         "web",
		"alice", "/usr/local/bin/hook", NULL,   "/bin/deploy"
	};
	static const struct row changes[] = {
		{ "the same again", "a.example.com", "hook", NULL, "web", "alice",
		  "/usr/local/bin/hook", NULL, "/bin/deploy" },
		{ "another name", "b.example.com", "hook", NULL, "web", "alice",
		  "/usr/local/bin/hook", NULL, "/bin/deploy", .denied = "domains" },
		{ "hers, but the hook", "example.org", "hook", NULL, "web", "alice",
		  "/usr/local/bin/hook", NULL, "/bin/deploy", .denied = "method" },
		{ "another hook", "a.example.com", "hook", NULL, "web", "alice", "/bin/sh", NULL,
		  "/bin/deploy", .denied = "hook" },
		{ "hers, proved as she may", "example.org", "manual", NULL, "web", "alice", NULL,
		  NULL, "/bin/deploy" },
		{ "without its deploy hook", "example.org", "manual", NULL, "web", "alice", NULL,
		  NULL, NULL, .denied = "deploy_hooks" },
		{ "given away", "a.example.com", "hook", NULL, "web", "bob", "/usr/local/bin/hook",
		  NULL, "/bin/deploy", .denied = "owner" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct cert stored = record(a, &made);

	(void)state;
	stored.id = 1;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		held(a, &changes[i], &stored);
}

static void names_of_users(void **state)
{
	static const char *const good[] = { "a", "alice", "Alice.B-c_d", "a@example.org", "0x" };
	static const char *const bad[] = {
		"",
		".a",
		"-a",
		"@a",
		"a b",
		"a/b",
		"../a",
		"a\n",
		"a\xc3\xa9",
		"a'b",
		"a%b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(user_is_name(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (user_is_name(bad[i]))
			fail_msg("\"%s\" is taken for a name", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bindings_cover),           cmocka_unit_test(roles_meet),
		cmocka_unit_test(users_have_what_is_bound), cmocka_unit_test(what_is_stored_stays),
		cmocka_unit_test(names_of_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
