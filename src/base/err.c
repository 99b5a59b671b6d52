/*
 * The error convention's functions: formatting, context on the way up, and the rows of errors.def.
 * Used by every layer on any thread; an error belongs to its caller. Whatever a peer said is
 * cleaned here, once, so that no text can play with a terminal or break JSON.
 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"

struct err_row {
	int http, exit_status;
	bool again;
	const char *word;
};

static const struct err_row rows[] = {
	[ERR_NONE] = { 200, 0, false, "none" },
#define X(code, http, exit_status, again, word) [code] = { http, exit_status, again, word },
#include "base/errors.def"
#undef X
};

static const struct err_row *row_of(enum err_code code)
{
	static const struct err_row unknown = { 500, 1, false, "error" };

	return (size_t)code < ARRAY_LEN(rows) ? &rows[code] : &unknown;
}

/* The text is built aside first: an argument may be e->text itself. */
static int fill(struct err *e, enum err_code code, const char *text)
{
	e->code = code;
	e->retry_s = 0;
	e->http_status = 0;
	e->member[0] = '\0';
	e->problem[0] = '\0';
	memcpy(e->text, text, strnlen(text, sizeof(e->text) - 1) + 1);
	e->text[sizeof(e->text) - 1] = '\0';
	text_clean(e->text);
	return -(int)code;
}

int(err_set)(struct err *e, enum err_code code, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return fill(e, code, text);
}

int(err_errno)(struct err *e, enum err_code code, int saved_errno, const char *fmt, ...)
{
	char what[400], words[96], text[sizeof(e->text)];
	const char *why;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (saved_errno == ENOSPC || saved_errno == EDQUOT)
		why = "the disk is full";
	else
		why = strerror_r(saved_errno, words, sizeof(words));
	snprintf(text, sizeof(text), "%s: %s", what, why);
	return fill(e, code, text);
}

int(err_ctx)(struct err *e, const char *fmt, ...)
{
	char context[256], text[sizeof(context) + sizeof(e->text) + 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s: %s", context, e->text);
	text[sizeof(e->text) - 1] = '\0';
	memcpy(e->text, text, sizeof(e->text));
	text_clean(e->text);
	return -(int)e->code;
}

int(err_member)(struct err *e, const char *member)
{
	if (!e->member[0]) {
		snprintf(e->member, sizeof(e->member), "%s", member);
		text_clean(e->member);
	}
	return -(int)e->code;
}

int err_exit_status(enum err_code code)
{
	return row_of(code)->exit_status;
}

int err_http_status(enum err_code code)
{
	return row_of(code)->http;
}

bool err_is_retryable(enum err_code code)
{
	return row_of(code)->again;
}

const char *err_word(enum err_code code)
{
	return row_of(code)->word;
}

enum err_code err_of_word(const char *word)
{
	static const enum err_code codes[] = {
#define X(code, http, exit_status, again, word) code,
#include "base/errors.def"
#undef X
	};

	for (size_t i = 0; word && i < ARRAY_LEN(codes); i++)
		if (strcmp(err_word(codes[i]), word) == 0)
			return codes[i];
	return ERR_PROTOCOL;
}

int err_about(struct err *e, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(e->text, name, n) == 0 && (e->text[n] == ':' || e->text[n] == ' '))
		return -(int)e->code;
	return err_ctx(e, "%s", name);
}

bool err_is_of_database(const struct err *e)
{
	return e->code == ERR_AGAIN && strcmp(e->problem, PROBLEM_DATABASE) == 0;
}

bool err_is_taken_over(const struct err *e)
{
	return e->code == ERR_BUSY && strcmp(e->problem, PROBLEM_TAKEN_OVER) == 0;
}

bool err_is_crowded(const struct err *e)
{
	return e->code == ERR_BUSY && strcmp(e->problem, PROBLEM_CROWDED) == 0;
}
