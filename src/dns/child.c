/* See child.h. */
#include "dns/child.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mask.h"

#define PAIRS_MAX 200
#define NAME_MAX_LEN 100
#define PASSWD_BYTES 16384

/* Ours to set, or able to change what runs before the program does. */
static bool is_ours(const char *name)
{
	return strncmp(name, "LD_", 3) == 0 || strncmp(name, "EVERLEAF_OWN_", 13) == 0 ||
	       strcmp(name, "EVERLEAF_LIMIT_S") == 0 || strcmp(name, "IFS") == 0;
}

static int add_pair(struct arena *a, struct strings *out, const char *name, const char *value,
                    struct err *e)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			n = 0;
	}
	if (n == 0 || n > NAME_MAX_LEN || isdigit((unsigned char)*name))
		return err_set(e, ERR_CONFIG,
		               "\"environment\": each entry is NAME=VALUE, its name of letters, "
		               "digits and '_'");
	if (is_ours(name))
		return err_set(e, ERR_CONFIG, "\"environment\": %s cannot be set here", name);
	if (out->n == PAIRS_MAX)
		return err_set(e, ERR_CONFIG, "\"environment\" has more than %d entries",
		               PAIRS_MAX);
	strings_add(a, out, arena_printf(a, "%s=%s", name, value));
	return 0;
}

static int add_text(struct arena *a, struct strings *out, const char *pair, struct err *e)
{
	const char *value = strchr(pair, '=');

	if (!value)
		return err_set(e, ERR_CONFIG, "\"environment\": each entry is NAME=VALUE");
	return add_pair(a, out, arena_strndup(a, pair, (size_t)(value - pair)), value + 1, e);
}

static const char *scalar(struct arena *a, const json_t *value)
{
	if (json_is_integer(value))
		return arena_printf(a, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_string_value(value);
}

static int add_json(struct arena *a, struct strings *out, json_t *from, struct err *e)
{
	const char *name;
	json_t *value;

	for (size_t i = 0; i < json_array_size(from); i++) {
		json_t *entry = json_array_get(from, i);

		if (json_is_object(entry))
			TRY(add_json(a, out, entry, e));
		else
			TRY(add_text(a, out, json_is_string(entry) ? json_string_value(entry) : "",
			             e));
	}
	json_object_foreach(from, name, value)
	{
		const char *text = scalar(a, value);

		if (!text)
			return err_set(e, ERR_CONFIG, "\"environment\": %.60s must be a text",
			               name);
		TRY(add_pair(a, out, name, text, e));
	}
	return 0;
}

static int add_lines(struct arena *a, struct strings *out, const char *text, struct err *e)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char *line = arena_strndup(a, p, strcspn(p, "\r\n"));

		line += strspn(line, " \t");
		if (strncmp(line, "export ", 7) == 0)
			line += 7;
		if (*line && *line != '#')
			TRY(add_text(a, out, line, e));
	}
	return 0;
}

int child_environment(struct arena *a, const char *text, struct strings *out, struct err *e)
{
	json_auto_t *from = NULL;
	struct strings pairs = { 0 };
	size_t blanks = text ? strspn(text, " \t\r\n") : 0;

	if (text && (text[blanks] == '{' || text[blanks] == '[')) {
		if (json_parse(text, strlen(text), &from, e) < 0)
			return err_set(e, ERR_CONFIG, "\"environment\" is no proper JSON");
		TRY(add_json(a, &pairs, from, e));
	} else if (text) {
		TRY(add_lines(a, &pairs, text, e));
	}
	*out = pairs;
	return 0;
}

struct strings child_masked(struct arena *a, const struct strings *environment)
{
	struct strings masked = { 0 };

	for (size_t i = 0; i < environment->n; i++)
		mask_add(a, &masked, strchr(environment->v[i], '=') + 1);
	return masked;
}

static int find_user(struct arena *a, const char *name, struct child_user *out, struct err *e)
{
	char *room = arena_alloc(a, PASSWD_BYTES);
	struct passwd entry, *found = NULL;
	int error = getpwnam_r(name, &entry, room, PASSWD_BYTES, &found);

	if (!found)
		return err_errno(e, ERR_CONFIG, error ? error : ENOENT,
		                 "there is no user \"%.60s\" on this machine", name);
	*out = (struct child_user){ .change = entry.pw_uid != geteuid(),
		                    .uid = entry.pw_uid,
		                    .gid = entry.pw_gid,
		                    .name = arena_strdup(a, name) };
	return 0;
}

int child_user(struct arena *a, const char *name, struct child_user *out, struct err *e)
{
	struct child_user user = { .uid = geteuid(), .gid = getegid() };

	if (name)
		TRY(find_user(a, name, &user, e));
	if (user.change && geteuid() != 0)
		return err_set(e, ERR_CONFIG,
		               "\"user\": only root can run a program as %.60s; leave it out, or "
		               "run Everleaf as that user",
		               name);
	*out = user;
	return 0;
}

const char **child_argv(struct arena *a, const struct child_user *user, bool confined,
                        const char *const *argv)
{
	struct strings words = { 0 };
	const char **out;

	if (user->change || confined)
		strings_add(a, &words, "setpriv");
	if (user->change) {
		strings_add(a, &words, arena_printf(a, "--reuid=%u", (unsigned)user->uid));
		strings_add(a, &words, arena_printf(a, "--regid=%u", (unsigned)user->gid));
		strings_add(a, &words, "--clear-groups");
		strings_add(a, &words, "--inh-caps=-all");
	}
	if (confined)
		strings_add(a, &words, "--no-new-privs");
	if (words.n > 0)
		strings_add(a, &words, "--");
	for (; *argv; argv++)
		strings_add(a, &words, *argv);
	out = ARENA_ARRAY(a, const char *, words.n + 1);
	for (size_t i = 0; i < words.n; i++)
		out[i] = words.v[i];
	return out;
}

bool child_names(const struct strings *environment, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->v[i], name, len) == 0 && environment->v[i][len] == '=')
			return true;
	}
	return false;
}

const char **child_env(struct arena *a, const struct strings *environment,
                       const struct strings *more)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
		                               "all_proxy",  "ALL_PROXY",   "no_proxy",
		                               "NO_PROXY" };
	const char **out = ARENA_ARRAY(
	    a, const char *, environment->n + (more ? more->n : 0) + ARRAY_LEN(proxies) + 1);
	size_t n = 0;

	for (size_t i = 0; i < environment->n; i++)
		out[n++] = environment->v[i];
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
		const char *value = getenv(proxies[i]);

		if (value && !child_names(environment, proxies[i]))
			out[n++] = arena_printf(a, "%s=%s", proxies[i], value);
	}
	for (size_t i = 0; more && i < more->n; i++)
		out[n++] = more->v[i];
	return out;
}

int child_check_limit(int64_t timeout_s, struct err *e)
{
	if (timeout_s < 0 || timeout_s > 3600)
		return err_set(e, ERR_CONFIG, "\"timeout\" must be 1 to 3600 seconds");
	return 0;
}
