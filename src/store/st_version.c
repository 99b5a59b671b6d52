/* Versions: the issued forms of a certificate, numbered from 1; a key never parts from its
 * certificate. */
#include "store/internal.h"

static int next_number(struct store *s, const char *cert, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(cert) };

	return query_int(s, "select coalesce(max(n), 0) + 1 from versions where cert = $1", args, 1,
	                 n, e);
}

int st_version_put(struct store *s, struct version *v, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct version row = *v;

	TRY(tx_open(s, &t, e));
	if (!row.n)
		TRY(next_number(s, row.cert, &row.n, e));
	if (record_put(s, T_VERSIONS, &row, &row.id, e) < 0)
		return err_ctx(e, "version %lld of certificate %s", (long long)row.n, row.cert);
	TRY(tx_commit(&t, e));
	*v = row;
	return 0;
}

int st_version_get(struct store *s, struct arena *a, const char *cert, int64_t n,
                   struct version *out, struct err *e)
{
	const struct query newest =
	    QUERY("where cert = $1 order by n desc limit 1", ARG_TEXT(cert));
	const struct query one = QUERY("where cert = $1 and n = $2", ARG_TEXT(cert), ARG_INT(n));
	bool found = false;

	TRY(record_get(s, a, T_VERSIONS, n ? &one : &newest, out, &found, e));
	if (found)
		return 0;
	if (n)
		return err_set(e, ERR_NOT_FOUND, "certificate %s has no version %lld", cert,
		               (long long)n);
	return err_set(e, ERR_NOT_FOUND, "certificate %s has no version yet", cert);
}

int st_version_live(struct store *s, struct arena *a, const char *cert, const char **out,
                    struct err *e)
{
	const struct arg args[] = { ARG_TEXT(cert) };
	struct strings row = { 0 };

	TRY(query_strings(s, a,
	                  "select versions.fingerprint from certs join versions on versions.cert = "
	                  "certs.name and versions.n = certs.live_version where certs.name = $1",
	                  args, 1, &row, e));
	*out = row.n ? row.v[0] : NULL;
	return 0;
}

int st_version_list(struct store *s, struct arena *a, const char *cert, struct version **out,
                    size_t *n, struct err *e)
{
	struct query q = QUERY("where cert = $1 order by n desc", ARG_TEXT(cert));
	void *rows = NULL;

	q.no_secrets = true;
	TRY(record_list(s, a, T_VERSIONS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_version_by_fingerprint(struct store *s, struct arena *a, const char *fingerprint,
                              struct version *out, struct err *e)
{
	const struct query q =
	    QUERY("where fingerprint = $1 order by id desc limit 1", ARG_TEXT(fingerprint));
	bool found = false;

	TRY(record_get(s, a, T_VERSIONS, &q, out, &found, e));
	return found
	           ? 0
	           : err_set(e, ERR_NOT_FOUND,
	                     "no certificate with the fingerprint %s is managed here", fingerprint);
}
