/*
 * Challenges published by a dehydrated-style hook script: deploy_challenge and clean_challenge with
 * DOMAIN TOKEN VALUE, one call a name or, with HOOK_CHAIN, all in one call. For http-01 the file is
 * written to the WELLKNOWN folder first, as dehydrated does. The row's place is the script's path,
 * and after a newline that folder, so that a later process can clean up whatever the certificate's
 * settings have become. Calls of one order come one after the other, and those of one script on
 * this host too.
 */
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/proc_check.h"
#include "challenge/hook_env.h"
#include "challenge/hook_file.h"
#include "challenge/solver_impl.h"

#define CHAIN_BYTES                                                                                \
	((size_t)100 << 10) /* of arguments in one call; the kernel takes at least 128 KiB */
#define CHAIN_ROWS 1000
#define CLEAN_GRACE_MS 30000 /* how long a stopped process still waits for others' calls to end */

static const char *const types[] = { "dns-01", "http-01", NULL };

static struct hook_script script_of(const struct solve *s)
{
	return (struct hook_script){ s->hook, s->hook_env, s->cancel, s->turns };
}

static int hook_check(struct solve *s, struct err *e)
{
	if (!s->hook || !*s->hook || strchr(s->hook, '\n'))
		return err_set(e, ERR_USAGE, "--hook needs a script");
	const struct hook_script script = script_of(s);
	TRY(proc_check_executable(s->hook, e));
	if (s->type && strcmp(s->type, "http-01") == 0 && s->well_known)
		TRY(hook_file_check(s->well_known, e));
	return hook_probe(s->arena, &script, e);
}

static void hook_place(struct solve *s, struct challenge *c)
{
	if (strcmp(c->type, "http-01") == 0 && s->well_known)
		c->place = arena_printf(s->arena, "%s\n%s", s->hook, s->well_known);
	else
		c->place = s->hook;
}

static const char *place_hook(struct arena *a, const struct challenge *c)
{
	return arena_strndup(a, c->place, strcspn(c->place, "\n"));
}

static const char *place_well_known(const struct challenge *c)
{
	const char *end = c->place ? strchr(c->place, '\n') : NULL;

	return end ? end + 1 : NULL;
}

static bool same_place(const struct challenge *x, const struct challenge *y)
{
	return x->place == y->place || (x->place && y->place && strcmp(x->place, y->place) == 0);
}

/* With HOOK_CHAIN as many rows of one script as the argument list surely takes. */
static size_t hook_batch(const struct solve *s, const struct challenge *v, size_t n)
{
	size_t bytes = 0, i = 0;

	if (!s->hook_chain)
		return 1;
	for (; i < n && i < CHAIN_ROWS && same_place(&v[i], v); i++) {
		bytes += strlen(v[i].domain) + strlen(v[i].token) + strlen(v[i].value) + 3;
		if (i > 0 && bytes > CHAIN_BYTES)
			break;
	}
	return i;
}

static const char *const *triples(struct arena *a, const struct challenge *v, size_t n)
{
	const char **args = ARENA_ARRAY(a, const char *, 3 * n + 1);

	for (size_t i = 0; i < n; i++) {
		args[3 * i] = v[i].domain;
		args[3 * i + 1] = v[i].token;
		args[3 * i + 2] = v[i].value;
	}
	return args;
}

static int hook_put(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	const struct hook_script script = script_of(s);

	for (size_t i = 0; i < n; i++)
		if (place_well_known(&v[i]))
			TRY(hook_file_write(place_well_known(&v[i]), v[i].token, v[i].value, e));
	int r = hook_call(s->arena, &script, "deploy_challenge", triples(s->arena, v, n), NULL, e);
	return r < 0 ? err_ctx(e, "%s", v[0].domain) : 0;
}

/* A script that is gone can be called no more: keeping the row would only repeat this for ever. */
static int call_clean(struct solve *s, const char *hook, struct challenge *v, size_t n,
                      struct err *e)
{
	struct turns turns = s->turns ? *s->turns : (struct turns){ 0 };
	/* Not cancelled: taking away is what a person who stops us expects to be done. */
	const struct hook_script script = { .path = hook,
		                            .env = s->hook_env,
		                            .turns = s->turns ? &turns : NULL };

	turns.grace_ms = CLEAN_GRACE_MS;
	if (!fs_exists(hook)) {
		log_warn("hook %s is not there any more: the challenge of %s cannot be taken away",
		         hook, v[0].domain);
		return 0;
	}
	int r = hook_call(s->arena, &script, "clean_challenge", triples(s->arena, v, n), NULL, e);
	return r < 0 ? err_ctx(e, "%s", v[0].domain) : 0;
}

static int hook_drop(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	struct err second;
	int r = 0;

	if (!v[0].place)
		return 0;
	r = call_clean(s, place_hook(s->arena, v), v, n, e);
	for (size_t i = 0; i < n; i++) {
		const char *dir = place_well_known(&v[i]);
		if (dir && hook_file_remove(dir, v[i].token, v[i].value, &second) < 0 && r == 0) {
			*e = second;
			r = -(int)second.code;
		}
	}
	return r;
}

static const struct solver_acts acts = {
	.place = hook_place, .batch = hook_batch, .put = hook_put, .drop = hook_drop
};

static int hook_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_publish_with(&acts, s, v, n, e);
}

static int hook_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_hook = {
	.method = "hook",
	.types = types,
	.check = hook_check,
	.publish = hook_publish,
	.withdraw = hook_withdraw,
	.puts_once = true,
};
