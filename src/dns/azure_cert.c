/*
 * The certificate that an application proves itself with, instead of a secret (RFC 7523 2.2): read,
 * held against its key, and an assertion signed. And which settings go together, all told.
 */
#include <string.h>

#include "base/clock.h"
#include "dns/azure.h"
#include "dns/jwt.h"
#include "sys/hash.h"
#include "sys/x509.h"

#define ASSERTION_LIFE_S 540 /* ten minutes are allowed */
#define CLOCK_SLACK_S 30

/* The first PEM block whose name ends so, with its lines; NULL = none. */
static const char *pem_block(struct arena *a, const char *pem, const char *ending)
{
	for (const char *p = pem; (p = strstr(p, "-----BEGIN ")); p++) {
		const char *name = p + 11, *dashes = strstr(name, "-----"), *end;
		size_t n = strlen(ending);

		end = dashes ? strstr(dashes + 5, "-----END ") : NULL;
		end = end ? strstr(end + 9, "-----") : NULL;
		if (!end)
			return NULL;
		if ((size_t)(dashes - name) >= n && memcmp(dashes - n, ending, n) == 0)
			return arena_printf(a, "%.*s\n", (int)(end + 5 - p), p);
	}
	return NULL;
}

struct signer {
	struct key *key;
	struct x509_info cert;
};

static int read_signer(struct arena *a, const char *pem, struct signer *out, struct err *e)
{
	const char *key_pem = pem_block(a, pem, "PRIVATE KEY");
	const char *cert_pem = pem_block(a, pem, "CERTIFICATE");
	struct key *key CLEANUP(key_cleanup) = NULL;
	char *spki;

	if (!key_pem || !cert_pem)
		return err_set(e, ERR_CONFIG,
		               "client_certificate must hold a certificate and its private key, "
		               "both PEM; the %s is missing",
		               cert_pem ? "key" : "certificate");
	if (key_parse(key_pem, strlen(key_pem), &key, e) < 0 ||
	    x509_parse(a, cert_pem, strlen(cert_pem), &out->cert, e) < 0) {
		e->code = ERR_CONFIG;
		return err_ctx(e, "client_certificate");
	}
	if (strcmp(key_jws_alg(key), "RS256") != 0)
		return err_set(e, ERR_CONFIG, "client_certificate: Entra takes RSA keys only");
	TRY(key_spki_sha256(a, key, &spki, e));
	if (strcmp(spki, out->cert.spki_sha256) != 0)
		return err_set(e, ERR_CONFIG,
		               "client_certificate: key and certificate do not belong together");
	out->key = TAKE(key);
	return 0;
}

static int random_id(struct arena *a, char **out, struct err *e)
{
	unsigned char bytes[16];

	TRY(hash_random(bytes, sizeof(bytes), e));
	*out = hex_encode(a, bytes, sizeof(bytes));
	return 0;
}

int azure_assertion(struct dns_session *s, const char *url, const char *client_id, char **out,
                    struct err *e)
{
	const struct azure_settings *set = s->settings;
	struct signer signer = { 0 };
	struct key *key CLEANUP(key_cleanup) = NULL;
	unsigned char digest[HASH_MAX];
	int64_t now = clock_now();
	char *id;
	struct jwt t = { .alg = JWT_PS256,
		         .issuer = client_id,
		         .subject = client_id,
		         .audience = url,
		         .issued_at = now - CLOCK_SLACK_S,
		         .not_before = now - CLOCK_SLACK_S,
		         .expires_at = now + ASSERTION_LIFE_S };

	TRY(read_signer(s->arena, set->client_certificate, &signer, e));
	key = signer.key;
	if (now > signer.cert.not_after)
		return err_set(e, ERR_DENIED,
		               "client_certificate has expired on %s: make a new "
		               "one and upload it to the app registration",
		               clock_rfc3339(s->arena, signer.cert.not_after));
	TRY(hash_digest(HASH_SHA256, signer.cert.der.v, signer.cert.der.n, digest, e));
	TRY(random_id(s->arena, &id, e));
	t.id = id;
	t.x5t_s256 = base64url_encode(s->arena, digest, hash_len(HASH_SHA256));
	return jwt_sign(s->arena, key, &t, out, e);
}

/* what goes together */

static int check_given(const struct azure_settings *set, enum azure_credential how, struct err *e)
{
	static const char federated[] = "federated_token_file (or AZURE_FEDERATED_TOKEN_FILE)";
	static const char *const names[] = { "client_secret", "client_certificate", federated };
	const char *given[] = { set->client_secret, set->client_certificate,
		                azure_federated_file(set) };

	if (how == AZURE_MANAGED)
		return 0;
	if (!given[how])
		return err_set(e, ERR_CONFIG, "%s is missing", names[how]);
	if (how != AZURE_WORKLOAD && (!set->tenant_id || !set->client_id))
		return err_set(e, ERR_CONFIG, "%s goes with tenant_id and client_id", names[how]);
	return 0;
}

static int check_url(const char *name, const char *url, struct err *e)
{
	if (!url || strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "\"%s\" must begin with https:// (or http://)", name);
}

int azure_check(struct arena *a, const void *settings, const struct dns_common *common,
                struct err *e)
{
	const struct azure_settings *set = settings;
	struct signer signer = { 0 };
	enum azure_credential how;

	(void)common;
	if (!azure_cloud(set))
		return err_set(e, ERR_CONFIG, "\"cloud\" must be public, china or usgov");
	if (set->client_secret && set->client_certificate && !set->credential)
		return err_set(e, ERR_CONFIG,
		               "client_secret and client_certificate are both given; say which "
		               "with `credential`");
	TRY(check_url("login_url", set->login_url, e));
	TRY(check_url("metadata_url", set->metadata_url, e));
	TRY(azure_credential(set, &how, e));
	TRY(check_given(set, how, e));
	if (how != AZURE_CERTIFICATE)
		return 0;
	TRY(read_signer(a, set->client_certificate, &signer, e));
	key_free(signer.key);
	return 0;
}
