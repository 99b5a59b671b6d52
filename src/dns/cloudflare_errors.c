/*
 * What Cloudflare's error answers mean: errors[] with codes, each with an error_chain[] of its own.
 * Codes are from its documentation and from recorded answers; an unknown one is told in
 * Cloudflare's words. No state.
 */
#include "dns/cloudflare.h"

#include <string.h>

#define SAID_MAX 8

/* The whole of errors[] and their error_chain[]: texts joined, codes looked up. */
static void collect(struct arena *a, const json_t *errors, struct strings *said)
{
	const json_t *error;
	size_t i;

	json_array_foreach(errors, i, error)
	{
		const char *code = rest_text(a, error, "code");
		const char *message = rest_text(a, error, "message");

		strings_add(a, said,
		            arena_printf(a, "%s (code %s)", message ? message : "no word",
		                         code ? code : "none"));
		if (said->n < SAID_MAX)
			collect(a, json_object_get(error, "error_chain"), said);
	}
}

static bool has_code(const struct strings *said, const char *code)
{
	const char *end = NULL;

	for (size_t i = 0; i < said->n && !end; i++)
		end = strstr(said->v[i], code);
	return end;
}
#define HAS_CODE(said, n) has_code(said, "(code " #n ")")

/* Codes that say the key itself is wrong; other refusals are about a right it lacks. */
static bool is_key_refused(const struct strings *said)
{
	return HAS_CODE(said, 1000) || HAS_CODE(said, 6003) || HAS_CODE(said, 6103) ||
	       HAS_CODE(said, 6111) || HAS_CODE(said, 9103) || HAS_CODE(said, 9106) ||
	       HAS_CODE(said, 9107) || has_code(said, "Invalid access token (code 9109)");
}

static enum err_code meaning(int status, const struct strings *said)
{
	if (HAS_CODE(said, 81057) || HAS_CODE(said, 81058))
		return ERR_EXISTS;
	if (HAS_CODE(said, 81044) || status == 404)
		return ERR_NOT_FOUND;
	if (status == 401 || status == 403 || HAS_CODE(said, 10000) || is_key_refused(said))
		return ERR_DENIED;
	return said->n ? ERR_INPUT : ERR_PROTOCOL;
}

int cloudflare_failure(struct arena *a, const struct rest_answer *r, const char *key,
                       const char *right, struct err *e)
{
	struct strings said = { 0 };
	enum err_code code;
	const char *text;

	collect(a, json_object_get(r->json, "errors"), &said);
	code = meaning(r->status, &said);
	text = said.n ? strings_join(a, &said, "; ") : "the answer is not in Cloudflare's form";
	if (code == ERR_DENIED && is_key_refused(&said))
		(void)err_set(e, code, "Cloudflare does not accept the %s: %s", key, text);
	else if (code == ERR_DENIED)
		(void)err_set(e, code, "the right %s is missing: HTTP %d: %s", right, r->status,
		              text);
	else
		(void)err_set(e, code, "HTTP %d: %s", r->status, text);
	e->http_status = r->status;
	return err_is_failure(-(int)code);
}
