/*
 * Headers are written one way each: what may hold other than plain ASCII is an encoded word (RFC
 * 2047) in pieces that fit a line, cut between characters. The body is 7bit where it can be, else
 * base64.
 */
#include "notify/message.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 900 /* RFC 5322 2.1.1: 998 */
#define WORD_BYTES 42      /* 56 characters of base64 and 12 of "=?UTF-8?B?…?=": below 75 */
#define BASE64_LINE 76

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > 126)
			return false;
	return true;
}

/* How much of s makes at most max bytes without cutting a character. */
static size_t whole_characters(const char *s, size_t max)
{
	size_t n = strnlen(s, max);

	while (s[n] && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n ? n : strnlen(s, max);
}

static int put_subject(struct arena *a, const char *subject, struct buf *out, struct err *e)
{
	char *clean = arena_strdup(a, subject);

	text_clean(clean);
	/* short enough for one line, and nothing that reads as an encoded word */
	if (is_plain(clean) && strlen(clean) < 70 && !strstr(clean, "=?"))
		return buf_printf(out, e, "Subject: %s\r\n", clean);
	TRY(buf_str(out, "Subject:", e));
	for (const char *p = clean; *p;) {
		size_t n = whole_characters(p, WORD_BYTES);

		TRY(buf_printf(out, e, "%s =?UTF-8?B?%s?=", p == clean ? "" : "\r\n",
		               base64_encode(a, p, n)));
		p += n;
	}
	return buf_str(out, "\r\n", e);
}

static int put_date(int64_t at, struct buf *out, struct err *e)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)at;
	struct tm tm;

	gmtime_r(&t, &tm);
	return buf_printf(out, e, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
	                  tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	                  tm.tm_sec);
}

static int put_to(const struct strings *to, struct buf *out, struct err *e)
{
	TRY(buf_str(out, "To: ", e));
	for (size_t i = 0; i < to->n; i++)
		TRY(buf_printf(out, e, "%s<%s>", i ? ",\r\n " : "", to->v[i]));
	return buf_str(out, "\r\n", e);
}

static int put_head(struct arena *a, const struct letter *l, struct buf *out, struct err *e)
{
	const char *domain = strchr(l->from, '@') + 1;

	TRY(buf_printf(out, e, "From: Everleaf <%s>\r\n", l->from));
	TRY(put_to(&l->to, out, e));
	TRY(put_subject(a, l->subject, out, e));
	TRY(put_date(l->at, out, e));
	TRY(buf_printf(out, e, "Message-ID: <%s@%s>\r\n", l->id, domain));
	/* RFC 3834: no answers from absent people's machines */
	return buf_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", e);
}

static int put_base64(struct arena *a, const void *data, size_t n, struct buf *out, struct err *e)
{
	const char *text = base64_encode(a, data, n);

	for (size_t len = strlen(text); len;) {
		size_t take = len < BASE64_LINE ? len : BASE64_LINE;

		TRY(buf_add(out, text, take, e));
		TRY(buf_str(out, "\r\n", e));
		text += take;
		len -= take;
	}
	return 0;
}

/* Lines short enough, and nothing that is not a printed ASCII character. */
static bool is_7bit(const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t n = strcspn(p, "\n");

		if (n > LINE_MAX_BYTES)
			return false;
		for (size_t i = 0; i < n; i++)
			if (((unsigned char)p[i] < ' ' && p[i] != '\t') ||
			    (unsigned char)p[i] > 126)
				return false;
	}
	return true;
}

static int put_text(struct arena *a, const char *text, struct buf *out, struct err *e)
{
	bool plain = is_7bit(text);

	TRY(buf_printf(out, e,
	               "Content-Type: text/plain; charset=utf-8\r\n"
	               "Content-Transfer-Encoding: %s\r\n\r\n",
	               plain ? "7bit" : "base64"));
	if (!plain)
		return put_base64(a, text, strlen(text), out, e);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");

		TRY(buf_add(out, p, n, e));
		TRY(buf_str(out, "\r\n", e));
		p += n;
		p += *p == '\n';
	}
	return 0;
}

/* A name that came from a certificate's is made of few letters already; this makes sure. */
static const char *file_name(struct arena *a, const char *name)
{
	char *clean = arena_strdup(a, name);

	for (char *p = clean; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
		            *p))
			*p = '_';
	return clean;
}

static int put_file(struct arena *a, const struct attachment *f, struct buf *out, struct err *e)
{
	const char *name = file_name(a, f->name);

	TRY(buf_printf(out, e,
	               "Content-Type: %s; name=\"%s\"\r\n"
	               "Content-Disposition: attachment; filename=\"%s\"\r\n"
	               "Content-Transfer-Encoding: base64\r\n\r\n",
	               f->type, name, name));
	return put_base64(a, f->data.v, f->data.n, out, e);
}

int letter_write(struct arena *a, const struct letter *l, struct buf *out, struct err *e)
{
	TRY(put_head(a, l, out, e));
	if (l->n_files == 0)
		return put_text(a, l->text, out, e);
	/* '_' is in no base64 and in no text of ours at a line's start */
	TRY(buf_printf(out, e, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n--=_%s\r\n",
	               l->id, l->id));
	TRY(put_text(a, l->text, out, e));
	for (size_t i = 0; i < l->n_files; i++) {
		TRY(buf_printf(out, e, "\r\n--=_%s\r\n", l->id));
		TRY(put_file(a, &l->files[i], out, e));
	}
	return buf_printf(out, e, "\r\n--=_%s--\r\n", l->id);
}
