/*
 * What a web server's configuration needs so that http-01 challenges reach the daemon, and so that
 * a certificate is served from live/NAME. Each server has a row: HTTP stands for the responder's
 * address, LIVE for the certificate's folder.
 */
#include "ops/ops_snippet.h"

#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "ops/internal.h"

#define HTTP_DEFAULT "127.0.0.1:8080"
#define TEXT_MAX 8192
#define PATH_PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@:,=~"

static const struct server {
	const char *name;
	struct snippet_part challenge[2], tls;
} servers[] = {
	{ "nginx",
	  { { "in each server { } that listens on port 80",
	      "location ^~ /.well-known/acme-challenge/ {\n"
	      "    proxy_pass http://HTTP;\n"
	      "    proxy_set_header Host $host;\n"
	      "}\n" } },
	  { "in the server { } that listens with ssl",
	    "ssl_certificate LIVE/fullchain.pem;\n"
	    "ssl_certificate_key LIVE/privkey.pem;\n" } },
	{ "apache",
	  { { "for the whole server, or in each <VirtualHost> of port 80; needs the modules proxy "
	      "and proxy_http",
	      "<Location \"/.well-known/acme-challenge/\">\n"
	      "    ProxyPass \"http://HTTP/.well-known/acme-challenge/\"\n"
	      "    Require all granted\n"
	      "</Location>\n" } },
	  { "in the <VirtualHost> of port 443; needs the module ssl",
	    "SSLEngine on\n"
	    "SSLCertificateFile LIVE/fullchain.pem\n"
	    "SSLCertificateKeyFile LIVE/privkey.pem\n" } },
	{ "haproxy",
	  { { "in the frontend that binds port 80, before its other rules",
	      "    acl everleaf path_beg /.well-known/acme-challenge/\n"
	      "    use_backend everleaf if everleaf\n" },
	    { "beside the other backends", "backend everleaf\n"
	                                   "    mode http\n"
	                                   "    server everleaf HTTP\n" } },
	  { "in the frontend that binds port 443; another certificate may follow as one more crt",
	    "    bind :443 ssl crt LIVE/combined.pem\n" } },
	{ "caddy",
	  { { "beside the other sites; a block for http:// that is there already takes the first "
	      "handle",
	      "http:// {\n"
	      "    handle /.well-known/acme-challenge/* {\n"
	      "        reverse_proxy HTTP\n"
	      "    }\n"
	      "    handle {\n"
	      "        redir https://{host}{uri}\n"
	      "    }\n"
	      "}\n" } },
	  { "in the site's block", "tls LIVE/fullchain.pem LIVE/privkey.pem\n" } },
};

static int server_find(const char *name, const struct server **out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		if (strcmp(servers[i].name, name) == 0) {
			*out = &servers[i];
			return 0;
		}
	}
	return err_set(e, ERR_USAGE,
	               "there is no snippet for \"%.40s\"; there is nginx, apache, haproxy, caddy",
	               name);
}

/* Where a server on this host finds a responder that listens on all addresses. */
static const char *reachable(struct arena *a, const char *address)
{
	static const char *const all[] = { "0.0.0.0:", "[::]:", ":" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!strncmp(address, all[i], strlen(all[i])))
			return arena_printf(a, "127.0.0.1:%s", address + strlen(all[i]));
	return address;
}

/* A path that every server's configuration can hold; blanks need quotes there. */
static int live_path(struct arena *a, const char *state_dir, const char *cert, const char **out,
                     struct err *e)
{
	char *path = arena_printf(a, "%s/live/%s", state_dir, cert);

	if (path[strspn(path, PATH_PLAIN)])
		return err_set(e, ERR_USAGE,
		               "the path %s cannot be put into a web server's configuration "
		               "without quotes of its own: keep the state in a folder with a plain "
		               "name",
		               path);
	*out = path;
	return 0;
}

static int fill_in(struct arena *a, const struct snippet_part *part, const char *http,
                   const char *live, struct snippet *out, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(TEXT_MAX);

	for (const char *p = part->text; *p;) {
		if (!strncmp(p, "HTTP", 4)) {
			TRY(buf_str(&b, http, e));
			p += 4;
		} else if (!strncmp(p, "LIVE", 4)) {
			TRY(buf_str(&b, live, e));
			p += 4;
		} else {
			TRY(buf_add(&b, p++, 1, e));
		}
	}
	out->v[out->n++] = (struct snippet_part){ part->place, arena_strdup(a, b.data) };
	return 0;
}

int ops_snippet(struct ops *o, struct arena *a, const char *server, const char *http,
                const char *cert, struct snippet *out, struct err *e)
{
	const char *address = http             ? http
	                      : o->config.http ? o->config.http
	                                       : HTTP_DEFAULT,
	           *live = NULL, *name;
	struct snippet snippet = { 0 };
	const struct server *s;

	TRY(server_find(server, &s, e));
	address = reachable(a, address);
	for (size_t i = 0; i < ARRAY_LEN(s->challenge) && s->challenge[i].text; i++)
		TRY(fill_in(a, &s->challenge[i], address, live, &snippet, e));
	if (cert) {
		if (!o->run.store)
			return err_set(e, ERR_NOT_FOUND, "there is no certificate %s", cert);
		TRY(ops_cert_name(o, a, cert, &name, e));
		TRY(live_path(a, o->run.state_dir, name, &live, e));
		TRY(fill_in(a, &s->tls, address, live, &snippet, e));
	}
	*out = snippet;
	return 0;
}
