/* DNS accounts: kept sealed, locks taken all or none, what --dns may say, the name of
 * dns-account-01. */
#include "store_place.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "challenge/dns01.h"
#include "dns/provider.h"
#include "flow/dns.h"

#define SETTINGS "{\"program\":\"/bin/true\",\"environment\":\"TOKEN=very-secret\"}"

static struct strings list(struct place *p, const char *a, const char *b)
{
	struct strings l = { 0 };

	if (a)
		strings_add(p->a, &l, a);
	if (b)
		strings_add(p->a, &l, b);
	return l;
}

static struct dns_account keep(struct place *p, const char *name, bool enabled)
{
	struct dns_account x = { .name = name,
		                 .provider = "exec",
		                 .enabled = enabled,
		                 .zones = list(p, "example.org", NULL),
		                 .settings = SETTINGS };

	OK(st_dns_put(p->s, &x, E));
	return x;
}

static bool table_has(struct place *p, const char *text)
{
	struct db *d = NULL;
	struct db_stmt *s = NULL;
	bool has = false;

	OK(db_open(p->url, &d, E));
	db_lock(d);
	OK(db_prepare(d, "select dns_accounts::text from dns_accounts", &s, E));
	while (db_step(s, E) == 1)
		has = has || strstr(db_column_text(s, p->a, 0), text);
	db_unlock(d);
	db_close(d);
	return has;
}

static bool database_has(struct place *p, const char *text)
{
	char *bytes;
	size_t len;

	if (p->url)
		return table_has(p, text);
	OK(fs_read(p->a, arena_printf(p->a, "%s/everleaf.db", p->dir), 1 << 20, &bytes, &len, E));
	return memmem(bytes, len, text, strlen(text)) != NULL;
}

static void test_kept_sealed(void **state)
{
	struct place *p = *state;
	struct dns_account x = keep(p, "home", true), got, *v;
	size_t n;

	assert_true(x.id > 0 && x.created_at > 0);
	OK(st_dns_get(p->s, p->a, "home", &got, E));
	assert_string_equal(got.settings, SETTINGS);
	assert_true(got.enabled);
	assert_string_equal(got.zones.v[0], "example.org");
	OK(st_dns_list(p->s, p->a, &v, &n, E));
	assert_int_equal(n, 1);
	assert_null(v[0].settings);
	OK(store_rotate_master_key(p->s, E));
	OK(st_dns_get(p->s, p->a, "home", &got, E));
	assert_string_equal(got.settings, SETTINGS);
	store_close(TAKE(p->s));
	assert_false(database_has(p, "very-secret"));
	assert_true(database_has(p, "example.org"));
	OK(open_as(p, true, &p->s, E));
	OK(st_dns_delete(p->s, "home", E));
	FAILS(ERR_NOT_FOUND, st_dns_get(p->s, p->a, "home", &got, E));
}

static void test_locks_all_or_none(void **state)
{
	struct place *p = *state;
	struct strings one = list(p, "dns/a", NULL), both = list(p, "dns/b", "dns/a"),
	               other = list(p, "dns/b", NULL);

	OK(st_lock_take(p->s, &one, "everleaf renew", 60, E));
	FAILS(ERR_BUSY, st_lock_take(p->s, &both, "everleaf issue", 60, E));
	assert_non_null(strstr(err.text, "dns/a is being written by process"));
	assert_non_null(strstr(err.text, "(everleaf renew)"));
	OK(st_lock_take(p->s, &other, "everleaf issue", 60, E)); /* b was not taken with a */
	st_lock_drop(p->s, &other);
	st_lock_drop(p->s, &one);
	OK(st_lock_take(p->s, &both, "everleaf issue", 60, E));
	FAILS(ERR_BUSY, st_lock_take(p->s, &one, "x", 60, E));
	st_lock_drop(p->s, &both);
	st_lock_drop(p->s, &both);
}

static void test_the_dead_hold_nothing(void **state)
{
	struct place *p = *state;
	struct strings names = list(p, "dns/a", NULL);
	pid_t child;
	int status;

	store_close(TAKE(p->s));
	child = fork();
	if (child == 0) {
		if (open_as(p, true, &p->s, E) < 0 ||
		    st_lock_take(p->s, &names, "everleaf issue", 3600, E) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	OK(open_as(p, true, &p->s, E));
	OK(st_lock_take(p->s, &names, "everleaf renew", 60, E));
	/* of another host: only its time counts */
	sql(p, "update locks set lease = 'elsewhere|b|1|1|everleaf serve|1', lease_until = "
	       "9999999999");
	FAILS(ERR_BUSY, st_lock_take(p->s, &names, "x", 60, E));
	assert_non_null(strstr(err.text, "on elsewhere"));
	st_lock_drop(p->s, &names); /* not ours */
	FAILS(ERR_BUSY, st_lock_take(p->s, &names, "x", 60, E));
	sql(p, "update locks set lease_until = 1");
	OK(st_lock_take(p->s, &names, "x", 60, E));
}

static void test_what_dns_may_say(void **state)
{
	static const struct {
		const char *dns[3];
		const char *domains[3];
		const char *want; /* joined by a blank, or a part of the error */
		enum err_code code;
	} rows[] = {
		{ { "home" }, { "a.example" }, "home", 0 },
		{ { "home", "home" }, { "a.example" }, "home", 0 },
		{ { "home", "B.Example.=cloud" },
		  { "a.example", "b.example" },
		  "home b.example=cloud",
		  0 },
		{ { "*.a.example=home" }, { "*.a.example" }, "a.example=home", 0 },
		{ { "a.example=home" }, { "a.example", "*.a.example" }, "a.example=home", 0 },
		{ { "xn--bcher-kva.example=home" },
		  { "xn--bcher-kva.example" },
		  "xn--bcher-kva.example=home",
		  0 },
		{ { "bücher.example=home" },
		  { "xn--bcher-kva.example" },
		  "xn--bcher-kva.example=home",
		  0 },
		{ { "a.example=home", "a.example=cloud" },
		  { "a.example" },
		  "two accounts for a.example",
		  ERR_USAGE },
		{ { "b.example=home" },
		  { "a.example" },
		  "none of the certificate's names",
		  ERR_USAGE },
		{ { "a.example=home" },
		  { "a.example", "b.example" },
		  "no DNS account for b.example",
		  ERR_USAGE },
		{ { "=home" }, { "a.example" }, "--dns =home", ERR_USAGE },
		{ { "nobody" }, { "a.example" }, "no DNS account nobody", ERR_NOT_FOUND },
		{ { "a.example=" }, { "a.example" }, "no DNS account", ERR_NOT_FOUND },
		{ { "off" }, { "a.example" }, "off is disabled", ERR_DENIED },
	};
	struct place *p = *state;
	struct run r = { .store = p->s };

	keep(p, "home", true);
	keep(p, "cloud", true);
	keep(p, "off", false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strings dns = list(p, rows[i].dns[0], rows[i].dns[1]),
		               domains = list(p, rows[i].domains[0], rows[i].domains[1]);
		int rc = dns_check_given(&r, p->a, &domains, false, &dns, E);

		assert_int_equal(rc, -(int)rows[i].code);
		if (rc == 0)
			assert_string_equal(strings_join(p->a, &dns, " "), rows[i].want);
		else if (!strstr(err.text, rows[i].want))
			fail_msg("row %zu: \"%s\" has not \"%s\"", i, err.text, rows[i].want);
	}
}

/* draft-ietf-acme-dns-account-label 3.2's own example. */
static void test_account_name(void **state)
{
	struct place *p = *state;
	const char *name;

	OK(dns01_account_name(p->a, "https://example.com/acme/acct/ExampleAccount",
	                      "www.example.org", &name, E));
	assert_string_equal(name, "_ujmmovf2vn55tgye._acme-challenge.www.example.org");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_kept_sealed),           ROW(test_locks_all_or_none),
		ROW(test_the_dead_hold_nothing), ROW(test_what_dns_may_say),
		ROW(test_account_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
