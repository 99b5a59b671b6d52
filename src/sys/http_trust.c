/*
 * Whom the HTTP client trusts. The system's anchors are looked up lazily in the folder that is
 * hashed by subject, where there is one: loading the whole bundle of some 140 roots costs 40 ms a
 * context. Otherwise the bundle file, which libcurl keeps loaded for all connections. A private
 * bundle replaces the system's for servers, not for https proxies.
 */
#include "sys/http_curl.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define SYSTEM_DIRECTORY "/etc/ssl/certs"
#define BUNDLE_MAX ((size_t)4 << 20)

static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* "5ed36f99.0": what c_rehash and openssl rehash make. */
static bool is_hash_link(const char *name)
{
	return strlen(name) == 10 && strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       name[9] == '0';
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool has_hash_links(const char *path)
{
	CLEANUP(close_dir) DIR *d = opendir(path);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (is_hash_link(entry->d_name))
			return true;
	return false;
}

static void find_system_trust(char **file, char **directory)
{
	if (has_hash_links(SYSTEM_DIRECTORY)) {
		*directory = strdup(SYSTEM_DIRECTORY);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(system_bundles); i++)
		if (!access(system_bundles[i], R_OK)) {
			*file = strdup(system_bundles[i]);
			return;
		}
}

static int check_pem(const char *name, const char *pem, struct err *e)
{
	if (strstr(pem, "-----BEGIN CERTIFICATE-----") ||
	    strstr(pem, "-----BEGIN TRUSTED CERTIFICATE-----"))
		return 0;
	return err_set(e, ERR_INPUT, "the CA bundle %s holds no certificate in PEM form", name);
}

static int check_file(const char *path, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(2 * BUNDLE_MAX);
	char *text;
	size_t len;

	if (fs_read(a, path, BUNDLE_MAX, &text, &len, e) < 0) {
		struct err why = *e;
		return err_set(e, ERR_INPUT, "the CA bundle cannot be read: %s", why.text);
	}
	return check_pem(path, text, e);
}

int http_trust_init(struct http_trust *t, const struct http_options *o, struct err *e)
{
	struct http_trust made = { 0 };

	if (o->ca_bundle_file && o->ca_bundle_pem)
		return err_set(e, ERR_INPUT, "give the CA bundle as a file or as text, not both");
	if (o->ca_bundle_file)
		TRY(check_file(o->ca_bundle_file, e));
	if (o->ca_bundle_pem)
		TRY(check_pem("given", o->ca_bundle_pem, e));
	find_system_trust(&made.proxy_file, &made.proxy_directory);
	if (o->ca_bundle_file)
		made.file = strdup(o->ca_bundle_file);
	else if (o->ca_bundle_pem)
		made.pem = strdup(o->ca_bundle_pem);
	else
		find_system_trust(&made.file, &made.directory);
	*t = made;
	return 0;
}

void http_trust_done(struct http_trust *t)
{
	free(t->file);
	free(t->directory);
	free(t->pem);
	free(t->proxy_file);
	free(t->proxy_directory);
}

/* Each place is set, to NULL too: libcurl has built-in places of its own. */
void http_trust_apply(const struct http_trust *t, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_CAINFO, t->file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, t->directory);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, t->proxy_file);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, t->proxy_directory);
	if (t->pem) {
		struct curl_blob blob = { .data = t->pem,
			                  .len = strlen(t->pem),
			                  .flags = CURL_BLOB_NOCOPY };
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
	}
}
