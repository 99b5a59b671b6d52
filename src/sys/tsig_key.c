/*
 * TSIG keys as people have them: name, algorithm and secret, or BIND's key file. The secret never
 * gets into an error.
 */
#include <ctype.h>
#include <string.h>

#include "sys/tsig.h"
#include "sys/tsig_algorithm.h"

#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63
#define SECRET_MAX 512 /* bytes */
#define WORD_MAX 1024

static const struct {
	const char *canonical, *alias;
	enum hash_alg alg;
} algorithms[] = {
	{ "hmac-sha256", "sha256", HASH_SHA256 }, { "hmac-sha512", "sha512", HASH_SHA512 },
	{ "hmac-sha384", "sha384", HASH_SHA384 }, { "hmac-sha224", "sha224", HASH_SHA224 },
	{ "hmac-sha1", "sha1", HASH_SHA1 },       { "hmac-md5.sig-alg.reg.int", "md5", HASH_MD5 },
};

bool tsig_algorithm_find(const char *name, enum hash_alg *out)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (strcmp(algorithms[i].canonical, name) == 0) {
			*out = algorithms[i].alg;
			return true;
		}
	return false;
}

/* "HMAC-SHA-256.", "sha256", "hmac-md5" -> the canonical name; NULL if there is none. */
static const char *algorithm_of(const char *text)
{
	char plain[40];
	size_t n = 0;

	if (strncasecmp(text, "hmac", 4) == 0)
		text += 4;
	for (; *text && n < sizeof plain - 1; text++)
		if (*text != '-' && *text != '_')
			plain[n++] = (char)tolower((unsigned char)*text);
	if (n > 0 && plain[n - 1] == '.')
		n--;
	plain[n] = '\0';
	if (strcmp(plain, "md5.sigalg.reg.int") == 0)
		return "hmac-md5.sig-alg.reg.int";
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (strcmp(algorithms[i].alias, plain) == 0)
			return algorithms[i].canonical;
	return NULL;
}

/* Lower case, no trailing dot; false if it is no name. */
static bool key_name(struct arena *a, const char *text, const char **out)
{
	char *name = arena_strdup(a, text);
	size_t n = strlen(name), label = 0;

	if (n > 0 && name[n - 1] == '.')
		name[--n] = '\0';
	if (n == 0 || n > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (name[i] == '.' ? label == 0 : label >= LABEL_MAX_LEN)
			return false;
		if (name[i] <= ' ' || name[i] > '~' || strchr("\"\\{};", name[i]))
			return false;
		label = name[i] == '.' ? 0 : label + 1;
		name[i] = (char)tolower((unsigned char)name[i]);
	}
	*out = name;
	return label > 0;
}

int tsig_key_make(struct arena *a, const char *name, const char *algorithm, const char *secret,
                  struct tsig_key *out, struct err *e)
{
	struct tsig_key k = { 0 };
	struct err unused;

	if (!key_name(a, name, &k.name))
		return err_set(e, ERR_INPUT, "\"%s\" is no name for a TSIG key", name);
	k.algorithm = algorithm ? algorithm_of(algorithm) : algorithms[0].canonical;
	if (!k.algorithm)
		return err_set(e, ERR_INPUT,
		               "\"%s\" is no TSIG algorithm: use hmac-md5, hmac-sha1, hmac-sha224, "
		               "hmac-sha256, hmac-sha384 or hmac-sha512",
		               algorithm);
	if (!*secret || base64_decode_any(a, secret, &k.secret, &unused) < 0 || k.secret.n == 0 ||
	    k.secret.n > SECRET_MAX)
		return err_set(e, ERR_INPUT, "the secret of the TSIG key %s is not base64", k.name);
	*out = k;
	return 0;
}

/* A key file's words: quoted text, or a run of other characters; { } and ; stand alone. */
struct words {
	const char *p;
	int line;
	char word[WORD_MAX]; /* "" at the end */
};

static void skip_to(struct words *w, const char *end)
{
	const char *stop = strstr(w->p, end);

	for (; *w->p && w->p != stop; w->p++)
		w->line += *w->p == '\n';
	if (*w->p)
		w->p += strlen(end);
}

/* White space and the three kinds of comments. */
static void skip_blank(struct words *w)
{
	for (;;) {
		if (isspace((unsigned char)*w->p))
			w->line += *w->p++ == '\n';
		else if (strncmp(w->p, "/*", 2) == 0)
			skip_to(w, "*/");
		else if (*w->p == '#' || strncmp(w->p, "//", 2) == 0)
			w->p += strcspn(w->p, "\n");
		else
			return;
	}
}

static int refuse(const struct words *w, const char *why, struct err *e)
{
	return err_set(e, ERR_INPUT, "the key file, line %d: %s", w->line, why);
}

static int next_word(struct words *w, struct err *e)
{
	size_t n;

	skip_blank(w);
	if (*w->p == '"') {
		n = strcspn(++w->p, "\"\n");
		if (w->p[n] != '"')
			return refuse(w, "a quotation mark is missing", e);
	} else if (*w->p && strchr("{};", *w->p)) {
		n = 1;
	} else {
		n = strcspn(w->p, " \t\r\n\"{};#");
	}
	if (n >= sizeof w->word)
		return refuse(w, "a word is too long", e);
	memcpy(w->word, w->p, n);
	w->word[n] = '\0';
	w->p += n;
	w->p += *w->p == '"';
	return 0;
}

static int expect(struct words *w, const char *word, struct err *e)
{
	TRY(next_word(w, e));
	if (strcmp(w->word, word) != 0)
		return err_set(e, ERR_INPUT, "the key file, line %d: \"%s\" is missing", w->line,
		               word);
	return 0;
}

struct entry {
	const char *name, *algorithm, *secret;
};

/* { algorithm x; secret "…"; }; */
static int read_entry(struct arena *a, struct words *w, struct entry *out, struct err *e)
{
	TRY(next_word(w, e));
	out->name = arena_strdup(a, w->word);
	TRY(expect(w, "{", e));
	for (;;) {
		const char **to;

		TRY(next_word(w, e));
		if (strcmp(w->word, "}") == 0)
			break;
		if (strcmp(w->word, "algorithm") == 0)
			to = &out->algorithm;
		else if (strcmp(w->word, "secret") == 0)
			to = &out->secret;
		else
			return refuse(w, "only algorithm and secret may stand in a key", e);
		TRY(next_word(w, e));
		*to = arena_strdup(a, w->word);
		TRY(expect(w, ";", e));
	}
	TRY(expect(w, ";", e));
	if (!out->algorithm || !out->secret)
		return refuse(w, "this key has no algorithm or no secret", e);
	return 0;
}

static bool is_wanted(struct arena *a, const char *name, const char *want)
{
	const char *x, *y;

	return !want || (key_name(a, name, &x) && key_name(a, want, &y) && strcmp(x, y) == 0);
}

int tsig_key_read(struct arena *a, const char *text, const char *want, struct tsig_key *out,
                  struct err *e)
{
	struct words *w = ARENA_NEW(a, struct words);
	struct entry found = { 0 };
	int n_found = 0, line = 0;

	w->p = text;
	w->line = 1;
	for (;;) {
		struct entry one = { 0 };

		TRY(next_word(w, e));
		if (!*w->word && !*w->p)
			break;
		if (strcmp(w->word, "key") != 0)
			return refuse(w, "this is no \"key\" of BIND's form", e);
		TRY(read_entry(a, w, &one, e));
		if (is_wanted(a, one.name, want)) {
			found = one;
			line = w->line;
			n_found++;
		}
	}
	if (n_found > 1)
		return err_set(e, ERR_INPUT, "the key file has %d keys%s%s: say which by key_name",
		               n_found, want ? " named " : "", want ? want : "");
	if (n_found == 0)
		return err_set(e, ERR_INPUT, "the key file has no key%s%s", want ? " named " : "",
		               want ? want : "");
	if (tsig_key_make(a, found.name, found.algorithm, found.secret, out, e) < 0)
		return err_ctx(e, "the key file, line %d", line);
	return 0;
}
