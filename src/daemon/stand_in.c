/* See stand_in.h. One file holds the certificate and its key, so that they never part. */
#include "daemon/stand_in.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "sys/key.h"
#include "sys/names.h"
#include "sys/x509.h"

#define STAND_IN_FILE "stand-in.pem"
#define STAND_IN_DAYS 397
#define LEFT_S (30 * 86400)
#define STAND_IN_BYTES ((size_t)64 << 10)
#define KEY_BEGIN "-----BEGIN PRIVATE KEY-----"

static void add_once(struct arena *a, struct strings *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return;
	strings_add(a, names, name);
}

static void add_name(struct arena *a, const char *typed, struct strings *names)
{
	enum name_kind kind;
	const char *name;
	struct err e;

	if (name_normalize(a, typed, &name, &kind, &e) == 0)
		add_once(a, names, name);
}

/* The host's name may be a single label, which only a certificate of one's own can have. */
static void add_host(struct arena *a, struct strings *names)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		return;
	if (strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(host))
		add_once(a, names, arena_strdup(a, host));
	else
		add_name(a, host, names);
}

static void add_address(struct arena *a, const char *listen, struct strings *names)
{
	const char *colon = strrchr(listen, ':');
	char *host = arena_strndup(a, listen, colon ? (size_t)(colon - listen) : 0);

	if (strcmp(host, "0.0.0.0") != 0 && strcmp(host, "[::]") != 0)
		add_name(a, host, names);
}

static void names_of(struct arena *a, const char *listen, const char *name, struct strings *names)
{
	if (name)
		add_name(a, name, names);
	if (names->n == 0)
		add_host(a, names);
	add_address(a, listen, names);
	if (names->n == 0)
		strings_add(a, names, "localhost");
}

static bool has_names(const struct x509_info *c, const struct strings *names)
{
	size_t found = 0;

	for (size_t i = 0; i < names->n; i++)
		for (size_t j = 0; j < c->names.n; j++)
			found += strcmp(names->v[i], c->names.v[j]) == 0;
	return found == names->n && c->names.n == names->n;
}

static int take(struct arena *a, const char *cert, const char *key, struct stand_in *out,
                struct x509_chain *chain, struct err *e)
{
	TRY(x509_chain_parse(a, cert, strlen(cert), chain, e));
	*out = (struct stand_in){ .cert = cert,
		                  .key = key,
		                  .names = strings_join(a, &chain->v[0].names, ", "),
		                  .fingerprint = chain->v[0].fingerprint,
		                  .renew_at = chain->v[0].not_after - LEFT_S };
	return 0;
}

static bool has_kept(struct arena *a, const char *path, const struct strings *names,
                     struct stand_in *out)
{
	const int64_t now = clock_now();
	struct x509_chain chain;
	struct stand_in s;
	struct err e;
	char *text, *key;

	if (fs_read(a, path, STAND_IN_BYTES, &text, NULL, &e) < 0)
		return false;
	key = strstr(text, KEY_BEGIN);
	if (!key || take(a, arena_strndup(a, text, (size_t)(key - text)), key, &s, &chain, &e) < 0)
		return false;
	if (!has_names(&chain.v[0], names) || chain.v[0].not_before > now || s.renew_at <= now)
		return false;
	*out = s;
	return true;
}

static int make(struct arena *a, const char *path, const struct strings *names,
                struct stand_in *out, struct err *e)
{
	const struct csr_spec spec = { .subject = { .common_name = csr_common_name(names) },
		                       .names = *names,
		                       .digest = HASH_SHA256 };
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct x509_chain chain;
	char *cert, *key, *both;

	TRY(key_generate(KEY_EC256, &k, e));
	TRY(x509_self_signed(a, k, &spec, STAND_IN_DAYS, &cert, e));
	TRY(key_pem(a, k, &key, e));
	both = arena_printf(a, "%s%s", cert, key);
	TRY(fs_write_atomic(path, both, strlen(both), 0600, e));
	return take(a, cert, key, out, &chain, e);
}

int stand_in_read_or_make(struct arena *a, const char *state_dir, const char *listen,
                          const char *name, struct stand_in *out, struct err *e)
{
	const char *path = fs_join(a, state_dir, STAND_IN_FILE);
	struct strings names = { 0 };

	names_of(a, listen, name, &names);
	if (has_kept(a, path, &names, out))
		return 0;
	return make(a, path, &names, out, e);
}
