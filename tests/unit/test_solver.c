/* What a challenge's value and location are, and what each solver does and records, in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "challenge/dnspersist01.h"
#include "challenge/solver.h"
#include "sys/key.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA" /* RFC 8555 8.3 and 8.4 */
#define KEY_AUTHORIZATION TOKEN ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ"

static struct arena *a;
static char root[64];

/* A journal that writes down what it was told, and fails where it shall. */
struct log_book {
	char text[1024];
	const char *fail; /* "about" or "placed" */
};

static int note(struct log_book *b, const char *what, struct challenge *v, size_t n, struct err *e)
{
	size_t len = strlen(b->text);

	len += (size_t)snprintf(b->text + len, sizeof(b->text) - len, "%s", what);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(b->text + len, sizeof(b->text) - len, " %s", v[i].domain);
	snprintf(b->text + len, sizeof(b->text) - len, "\n");
	return b->fail && strcmp(b->fail, what) == 0 ? err_set(e, ERR_IO, "no %s", what) : 0;
}

static int on_about(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	return note(ctx, "about", v, n, e);
}

static int on_placed(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	return note(ctx, "placed", v, n, e);
}

static int on_removed(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	return note(ctx, "removed", v, n, e);
}

static struct solve solve_with(struct log_book *book, struct solver_journal *journal)
{
	*journal = (struct solver_journal){ on_about, on_placed, on_removed, book };
	return (struct solve){ .arena = a,
		               .journal = journal,
		               .webroot = root,
		               .method = "webroot",
		               .type = "http-01" };
}

static struct challenge *two_rows(const char *type)
{
	struct challenge *v = ARENA_ARRAY(a, struct challenge, 2);

	v[0] = (struct challenge){ .domain = "one.example",
		                   .type = type,
		                   .token = "tokenone",
		                   .value = "tokenone.thumb" };
	v[1] = (struct challenge){ .domain = "two.example",
		                   .type = type,
		                   .token = "tokentwo",
		                   .value = "tokentwo.thumb" };
	return v;
}

static const char *token_path(const char *token)
{
	return arena_printf(a, "%s/.well-known/acme-challenge/%s", root, token);
}

static void assert_file(const char *path, const char *want)
{
	struct err e;
	char *text;

	assert_int_equal(fs_read(a, path, 1000, &text, NULL, &e), 0);
	assert_string_equal(text, want);
}

static void values_and_locations(void **state)
{
	/* The digests were computed with another implementation (Python's hashlib). */
	static const struct {
		const char *type, *domain, *value, *location;
	} rows[] = {
		{ "http-01", "example.org", KEY_AUTHORIZATION,
		  "/.well-known/acme-challenge/" TOKEN },
		{ "http-01", "2001:db8::1", KEY_AUTHORIZATION,
		  "/.well-known/acme-challenge/" TOKEN },
		{ "dns-01", "www.example.org", "NGwKoXBgCT8JhEa0bK7AwfSqHyu_ZWeugV07fLGIVq0",
		  "_acme-challenge.www.example.org" },
		{ "tls-alpn-01", "example.org",
		  "346c0aa17060093f098446b46caec0c1f4aa1f2bbf6567ae815d3b7cb18856ad",
		  "example.org" },
		{ "tls-alpn-01", "192.0.2.1",
		  "346c0aa17060093f098446b46caec0c1f4aa1f2bbf6567ae815d3b7cb18856ad",
		  "1.2.0.192.in-addr.arpa" },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct challenge c = { .domain = rows[i].domain,
			               .type = rows[i].type,
			               .token = TOKEN };
		assert_int_equal(solver_fill(a, &c, KEY_AUTHORIZATION, &e), 0);
		assert_string_equal(c.value, rows[i].value);
		assert_string_equal(c.location, rows[i].location);
	}
}

static void tokens_that_are_none_and_unknown_types_are_refused(void **state)
{
	static const struct {
		const char *type, *token;
		int want;
	} rows[] = {
		{ "http-01", "../../etc/passwd", -ERR_PROTOCOL },
		{ "http-01", "", -ERR_PROTOCOL },
		{ "http-01", NULL, -ERR_PROTOCOL },
		{ "dns-01", "a b", -ERR_PROTOCOL },
		{ "dns-99", "abc", -ERR_INPUT },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct challenge c = { .domain = "example.org",
			               .type = rows[i].type,
			               .token = rows[i].token };
		assert_int_equal(solver_fill(a, &c, "x.y", &e), rows[i].want);
		assert_null(c.value);
	}
}

static void every_method_is_found(void **state)
{
	static const struct {
		const char *method, *type;
		bool waits;
	} rows[] = {
		{ "webroot", "http-01", false },  { "standalone", "http-01", false },
		{ "alpn", "tls-alpn-01", false }, { "dns-persist", "dns-persist-01", true },
		{ "hook", "dns-01", false },      { "manual", "dns-01", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct solver *s = solver_find(rows[i].method);
		assert_non_null(s);
		assert_string_equal(s->method, rows[i].method);
		assert_string_equal(s->types[0], rows[i].type);
		assert_int_equal(s->waits_for_person, rows[i].waits);
	}
	assert_null(solver_find("carrier-pigeon"));
	assert_null(solver_find(NULL));
}

static void web_root_round(void **state)
{
	struct log_book book = { 0 };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct challenge *v = two_rows("http-01");
	struct err e;

	assert_int_equal(solver_webroot.check(&s, &e), 0);
	assert_false(fs_exists(
	    arena_printf(a, "%s/.well-known", root))); /* the check leaves nothing behind */
	assert_int_equal(solver_webroot.publish(&s, v, 2, &e), 0);
	assert_file(token_path("tokenone"), "tokenone.thumb");
	assert_file(token_path("tokentwo"), "tokentwo.thumb");
	assert_string_equal(v[0].place, root);
	assert_string_equal(v[0].method, "webroot");
	assert_string_equal(v[1].state, "placed");

	/* Another process, which has only the rows. */
	struct solve later = { .arena = a, .journal = &journal };
	assert_int_equal(solver_webroot.withdraw(&later, v, 2, &e), 0);
	assert_false(fs_exists(arena_printf(a, "%s/.well-known", root)));
	assert_string_equal(book.text,
	                    "about one.example two.example\nplaced one.example two.example\n"
	                    "removed one.example two.example\n");
}

static void a_folder_that_was_there_stays(void **state)
{
	struct log_book book = { 0 };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct challenge *v = two_rows("http-01");
	struct err e;

	assert_int_equal(fs_mkdirs(arena_printf(a, "%s/.well-known", root), 0755, &e), 0);
	assert_int_equal(solver_webroot.publish(&s, v, 2, &e), 0);
	assert_int_equal(solver_webroot.withdraw(&s, v, 2, &e), 0);
	assert_true(fs_exists(arena_printf(a, "%s/.well-known", root)));
	assert_false(fs_exists(arena_printf(a, "%s/.well-known/acme-challenge", root)));
}

static void nothing_is_published_that_could_not_be_recorded(void **state)
{
	struct log_book book = { .fail = "about" };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct err e;

	assert_int_equal(solver_webroot.publish(&s, two_rows("http-01"), 2, &e), -ERR_IO);
	assert_false(fs_exists(arena_printf(a, "%s/.well-known", root)));
	assert_string_equal(book.text, "about one.example two.example\n");
}

static void a_failure_takes_back_what_was_published(void **state)
{
	struct log_book book = { .fail = "placed" };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct err e;

	assert_int_equal(solver_webroot.publish(&s, two_rows("http-01"), 2, &e), -ERR_IO);
	assert_string_equal(e.text, "no placed");
	assert_false(fs_exists(arena_printf(a, "%s/.well-known", root)));
	assert_non_null(strstr(book.text, "removed one.example two.example\n"));
}

static void web_roots_that_cannot_be_used(void **state)
{
	struct log_book book = { 0 };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct err e;

	s.webroot = arena_printf(a, "%s/nothing-here", root);
	assert_int_equal(solver_webroot.check(&s, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "nothing-here"));
	/* A link on the way is not followed, wherever it leads. */
	s.webroot = root;
	assert_int_equal(symlink("/tmp", arena_printf(a, "%s/.well-known", root)), 0);
	assert_int_equal(solver_webroot.check(&s, &e), -ERR_IO);
	assert_non_null(strstr(e.text, root));
	assert_int_equal(fs_remove(arena_printf(a, "%s/.well-known", root), &e), 0);
	assert_int_equal(chmod(root, 0500), 0);
	if (geteuid() != 0) /* root writes everywhere */
		assert_int_equal(solver_webroot.check(&s, &e), -ERR_IO);
	assert_int_equal(chmod(root, 0700), 0);
}

static void manual_records_and_publishes_nothing(void **state)
{
	struct log_book book = { 0 };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct challenge *v = two_rows("dns-01");
	struct err e;

	s.method = "manual";
	assert_int_equal(solver_manual.publish(&s, v, 2, &e), 0);
	assert_null(v[0].place);
	assert_string_equal(book.text,
	                    "about one.example two.example\nplaced one.example two.example\n");
	assert_int_equal(solver_manual.withdraw(&s, v, 2, &e), 0);
}

/* One that was free a moment ago. */
static const char *free_address(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return arena_printf(a, "127.0.0.1:%u", ntohs(at.sin_port));
}

static void standalone_binds_at_check_and_lets_go_at_close(void **state)
{
	struct log_book book = { 0 };
	struct solver_journal journal;
	struct solve s = solve_with(&book, &journal);
	struct challenge *v = two_rows("http-01");
	struct err e;

	s.listen = "127.0.0.1:nonsense";
	assert_int_equal(solver_standalone.check(&s, &e), -ERR_USAGE);
	assert_null(s.state);
	s.listen = free_address();
	assert_int_equal(solver_standalone.check(&s, &e), 0);
	assert_int_equal(solver_standalone.publish(&s, v, 2, &e), 0);
	assert_string_equal(v[0].place, s.listen);
	assert_int_equal(solver_standalone.withdraw(&s, v, 2, &e), 0);
	solver_standalone.close(&s);
	assert_null(s.state);
	/* The rows of a dead process: nothing is there, so they are only forgotten. */
	assert_int_equal(solver_standalone.withdraw(&s, v, 2, &e), 0);
}

static void persistent_records(void **state)
{
	CLEANUP(key_cleanup) struct key *key = NULL;
	const char *names[] = { "authority.example", "other.example" };
	struct acme_directory directory = { 0 };
	struct acme_challenge offered = { .type = "dns-persist-01",
		                          .issuer_domain_names = { names, 2 } };
	struct challenge c = { .domain = "example.com",
		               .type = "dns-persist-01",
		               .token = "left over" };
	struct err e;

	assert_int_equal(key_generate(KEY_EC256, &key, &e), 0);
	struct dnspersist how = { &directory, "https://ca.example/acct/123", key, false };
	assert_int_equal(dnspersist_fill(a, &c, &offered, &how, &e), 0);
	assert_string_equal(c.location, "_validation-persist.example.com");
	assert_string_equal(c.value, "authority.example; accounturi=https://ca.example/acct/123");
	assert_null(c.token);

	how.wildcard = true;
	assert_int_equal(dnspersist_fill(a, &c, &offered, &how, &e), 0);
	assert_non_null(strstr(c.value, "policy=wildcard"));

	offered.account_uri = "https://ca.example/acct/666";
	assert_int_equal(dnspersist_fill(a, &c, &offered, &how, &e), -ERR_PROTOCOL);
	offered.account_uri = NULL;
	names[0] = "evil.example; accounturi=x";
	assert_int_equal(dnspersist_fill(a, &c, &offered, &how, &e), -ERR_PROTOCOL);
	offered.issuer_domain_names.n = 0;
	assert_int_equal(dnspersist_fill(a, &c, &offered, &how, &e), -ERR_PROTOCOL);
}

static int set_up(void **state)
{
	a = arena_new(0);
	snprintf(root, sizeof(root), "/tmp/test_solver.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e;
	int r = fs_remove(root, &e);

	arena_free(a);
	return r;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_and_locations),
		TEST(tokens_that_are_none_and_unknown_types_are_refused),
		TEST(every_method_is_found),
		TEST(web_root_round),
		TEST(a_folder_that_was_there_stays),
		TEST(nothing_is_published_that_could_not_be_recorded),
		TEST(a_failure_takes_back_what_was_published),
		TEST(web_roots_that_cannot_be_used),
		TEST(manual_records_and_publishes_nothing),
		TEST(standalone_binds_at_check_and_lets_go_at_close),
		TEST(persistent_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
