/*
 * dehydrated's hook calls outside challenges. Arguments are files and words without blanks, as
 * hook_call checks.
 */
#include "flow/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "challenge/hook_env.h"
#include "deploy/live.h"
#include "sys/key.h"

static bool has_hook(const struct cert *c)
{
	return c->method && strcmp(c->method, "hook") == 0 && c->hook;
}

static const char *key_algo(const struct cert *c)
{
	switch (key_type_parse(c->key_type)) {
	case KEY_EC256:
		return "prime256v1";
	case KEY_EC384:
		return "secp384r1";
	case KEY_NONE:
	case KEY_RSA2048:
	case KEY_RSA3072:
	case KEY_RSA4096:
		break;
	}
	return "rsa";
}

const char *const *hooks_env(struct run *r, struct arena *a, const struct cert *c)
{
	struct hook_context h = {
		.hook = c->hook,
		.base_dir = r->state_dir,
		.cert_dir = fs_join(a, r->state_dir, "live"),
		.well_known = c->well_known ? c->well_known : "",
		.config = r->config->hook_config ? r->config->hook_config : "",
		.command = "sign_domains",
		.challenge_type = c->challenge,
		.key_algo = key_algo(c),
		.new_key = strcmp(c->key_policy, "new") == 0,
		.altnames = strings_join(a, &c->domains, " "),
		.alias = c->name,
		.cancel = r->cancel,
	};

	return has_hook(c) ? hook_env(a, &h) : NULL;
}

struct waiting {
	struct run *run;
	const char *cert_name;
};

static void tell_wait(void *ctx, const char *script, bool waits)
{
	const struct waiting *w = ctx;
	char text[512];

	snprintf(text, sizeof(text),
	         waits ? "waiting for %s, which is running for another certificate" : "running %s",
	         script);
	run_step(w->run, w->cert_name, text);
	if (waits)
		log_detail("%s", text);
}

const struct turns *hooks_turns(struct run *r, struct arena *a, const char *cert_name)
{
	struct waiting *w;
	struct turns *t;

	if (r->config->parallel_hooks)
		return NULL;
	w = ARENA_NEW(a, struct waiting);
	t = ARENA_NEW(a, struct turns);
	*w = (struct waiting){ r, cert_name };
	*t = (struct turns){
		.file = fs_join(a, r->hooks_dir ? r->hooks_dir : r->state_dir, "hooks.lock"),
		.cancel = r->cancel,
		.patience_ms = r->patience_s * INT64_C(1000),
		.told = tell_wait,
		.ctx = w,
	};
	return t;
}

static int call(struct run *r, struct arena *a, const struct cert *c, const char *name,
                const char *const *args, char **output, struct err *e)
{
	if (!has_hook(c))
		return 0;
	const struct hook_script script = { c->hook, hooks_env(r, a, c), r->cancel,
		                            hooks_turns(r, a, c->name) };
	return hook_call(a, &script, name, args, output, e);
}

int hooks_startup(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	const char *none[] = { NULL };

	return call(r, a, c, "startup_hook", none, NULL, e);
}

int hooks_generate_csr(struct run *r, struct arena *a, const struct cert *c, const char **csr_pem,
                       struct err *e)
{
	const char *args[] = { c->domains.v[0], live_path(a, r->state_dir, c->name),
		               strings_join(a, &c->domains, " "), NULL };
	char *output = NULL;

	TRY(call(r, a, c, "generate_csr", args, &output, e));
	*csr_pem = output && strstr(output, "-----BEGIN") ? output : NULL;
	return 0;
}

int hooks_sync_cert(struct run *r, struct arena *a, const struct cert *c, const char *dir,
                    struct err *e)
{
	const char *args[] = { fs_join(a, dir, "privkey.pem"),   fs_join(a, dir, "cert.pem"),
		               fs_join(a, dir, "fullchain.pem"), fs_join(a, dir, "chain.pem"),
		               fs_join(a, dir, "cert.csr"),      NULL };

	return call(r, a, c, "sync_cert", args, NULL, e);
}

static const char **live_args(struct run *r, struct arena *a, const struct cert *c,
                              const char *timestamp)
{
	const char *dir = live_path(a, r->state_dir, c->name);
	const char **v = ARENA_ARRAY(a, const char *, 7);

	v[0] = c->domains.n ? c->domains.v[0] : c->name;
	v[1] = fs_join(a, dir, "privkey.pem");
	v[2] = fs_join(a, dir, "cert.pem");
	v[3] = fs_join(a, dir, "fullchain.pem");
	v[4] = fs_join(a, dir, "chain.pem");
	v[5] = timestamp;
	return v;
}

int hooks_deploy_cert(struct run *r, struct arena *a, const struct cert *c, int64_t at,
                      struct err *e)
{
	return call(r, a, c, "deploy_cert",
	            live_args(r, a, c, arena_printf(a, "%lld", (long long)at)), NULL, e);
}

int hooks_unchanged_cert(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	return call(r, a, c, "unchanged_cert", live_args(r, a, c, NULL), NULL, e);
}

/* Blanks would split into several arguments in hooks that do not quote. */
static char *one_word(struct arena *a, const char *text)
{
	char *s = arena_strdup(a, text);

	for (char *p = s; *p; p++)
		if (*p == ' ' || *p == '\t' || *p == '\n')
			*p = '_';
	return s;
}

static void tell(struct run *r, struct arena *a, const struct cert *c, const char *name,
                 const char *const *args)
{
	struct err e;

	if (call(r, a, c, name, args, NULL, &e) < 0)
		log_warn("%s", e.text);
}

void hooks_invalid_challenge(struct run *r, struct arena *a, const struct cert *c,
                             const char *domain, const char *response)
{
	const char *args[] = { domain, one_word(a, response), NULL };

	tell(r, a, c, "invalid_challenge", args);
}

void hooks_request_failure(struct run *r, struct arena *a, const struct cert *c,
                           const struct err *failure)
{
	const char *args[] = { arena_printf(a, "%d", failure->http_status),
		               one_word(a, failure->text), "post", "", NULL };

	if (failure->http_status >= 400)
		tell(r, a, c, "request_failure", args);
}

void hooks_exit(struct run *r, struct arena *a, const struct cert *c, const struct err *failure)
{
	const char *args[] = { failure ? one_word(a, failure->text) : NULL, NULL };

	tell(r, a, c, "exit_hook", args);
}
