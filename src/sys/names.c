/*
 * Names that go into certificates. What a person typed is brought to the one form that is sent,
 * compared and stored; what no public CA could put into a certificate is refused here, with the
 * reason, before it costs a request.
 */
#include "sys/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <string.h>

#include "base/codec.h"
#include "sys/hash.h"

#define TYPED_MAX 1024
#define NAME_MAX_LEN 253
#define LABEL_MAX 63
#define CERT_NAME_MAX 128

/* IDNA 2008 with the mapping of UTS 46, so that "Bücher.Example" is taken as people mean it. */
#define IDN_FLAGS (IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES | IDN2_NFC_INPUT)

static int bad(struct err *e, const char *typed, const char *why)
{
	return err_set(e, ERR_INPUT, "\"%.300s\" cannot be in a certificate: %s", typed, why);
}

static bool is_address(const char *s)
{
	struct in6_addr buf;

	return inet_pton(AF_INET, s, &buf) == 1 || inet_pton(AF_INET6, s, &buf) == 1;
}

const char *name_ip_canonical(struct arena *a, const char *s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr buf;

	for (size_t i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;

		if (inet_pton(family, s, &buf) == 1 && inet_ntop(family, &buf, text, sizeof text))
			return arena_strdup(a, text);
	}
	return NULL;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool is_numeric(const char *label, size_t n)
{
	return n > 0 && strspn(label, "0123456789") >= n;
}

/* One ASCII label of n bytes. NULL = fine, else why not. */
static const char *label_fault(const char *label, size_t n)
{
	if (n == 0)
		return "it has an empty label (two dots together, or one at the start)";
	if (n > LABEL_MAX)
		return "a label is longer than 63 characters";
	for (size_t i = 0; i < n; i++) {
		if (label[i] == '*')
			return "\"*\" may only stand alone as the first label";
		if (label[i] == '_')
			return "\"_\" is not allowed in it";
		if (!isalnum((unsigned char)label[i]) && label[i] != '-')
			return "only letters, digits and hyphens may be in a label";
	}
	if (label[0] == '-' || label[n - 1] == '-')
		return "a label begins or ends with a hyphen";
	if (n >= 4 && label[2] == '-' && label[3] == '-' && strncasecmp(label, "xn", 2) != 0)
		return "a label has hyphens as its third and fourth characters, which are reserved";
	return NULL;
}

/* All labels of an ASCII name. */
static const char *name_fault(const char *name)
{
	const char *label = name;
	size_t n;

	if (strlen(name) > NAME_MAX_LEN)
		return "it is longer than 253 characters";
	for (;; label += n + 1) {
		const char *why;

		n = strcspn(label, ".");
		if ((why = label_fault(label, n)))
			return why;
		if (!label[n])
			break;
	}
	if (is_numeric(label, n))
		return "it is not an IP address, and the last label of a name is not a number";
	return label == name ? "a public name has at least two labels" : NULL;
}

/* Letters the hosts file would take but IDNA 2008 does not are refused by libidn2; so are false
 * "xn--" labels. */
static int to_ascii(struct arena *a, const char *typed, const char *name, const char **out,
                    struct err *e)
{
	char *ascii = NULL;
	int rc = idn2_to_ascii_8z(name, &ascii, IDN_FLAGS);

	if (rc != IDN2_OK)
		return err_set(e, ERR_INPUT,
		               "\"%.300s\" cannot be in a certificate: not valid in IDNA 2008 (%s)",
		               typed, idn2_strerror(rc));
	*out = arena_strdup(a, ascii);
	idn2_free(ascii);
	return 0;
}

static const char *lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* A DNS name without its wildcard label. */
static int normalize_dns(struct arena *a, const char *typed, const char *name, const char **out,
                         struct err *e)
{
	size_t len = strlen(name);
	const char *plain = arena_strndup(a, name, len > 1 && name[len - 1] == '.' ? len - 1 : len);
	const char *why;

	/* our own words first, they say more than the library's */
	if (is_ascii(plain) && (why = name_fault(plain)))
		return bad(e, typed, why);
	if (!is_ascii(plain) || strcasestr(plain, "xn--"))
		TRY(to_ascii(a, typed, plain, &plain, e));
	plain = lower(a, plain);
	if ((why = name_fault(plain)))
		return bad(e, typed, why);
	*out = plain;
	return 0;
}

static int normalize_wildcard(struct arena *a, const char *typed, const char **out, struct err *e)
{
	const char *base;

	if (is_address(typed + 2) || typed[2] == '[')
		return bad(e, typed, "there is no wildcard of an address");
	TRY(normalize_dns(a, typed, typed + 2, &base, e));
	if (strlen(base) + 2 > NAME_MAX_LEN)
		return bad(e, typed, "it is longer than 253 characters");
	*out = arena_printf(a, "*.%s", base);
	return 0;
}

static int normalize_bracketed(struct arena *a, const char *typed, const char **out, struct err *e)
{
	size_t len = strlen(typed);

	if (len > 2 && typed[len - 1] == ']')
		*out = name_ip_canonical(a, arena_strndup(a, typed + 1, len - 2));
	else
		*out = NULL;
	return *out ? 0 : bad(e, typed, "what is in brackets is not an IP address");
}

int name_normalize(struct arena *a, const char *typed, const char **out, enum name_kind *kind,
                   struct err *e)
{
	const char *result = NULL;
	enum name_kind found = NAME_DNS;

	if (!typed[0])
		return err_set(e, ERR_INPUT, "a name is empty");
	if (strlen(typed) > TYPED_MAX)
		return bad(e, typed, "it is longer than 253 characters");
	if (typed[0] == '[') {
		TRY(normalize_bracketed(a, typed, &result, e));
		found = NAME_IP;
	} else if ((result = name_ip_canonical(a, typed))) {
		found = NAME_IP;
	} else if (strncmp(typed, "*.", 2) == 0) {
		TRY(normalize_wildcard(a, typed, &result, e));
		found = NAME_WILDCARD;
	} else if (strchr(typed, ':')) {
		return bad(e, typed,
		           "it is neither an IP address nor a name (no port and no URL here)");
	} else {
		TRY(normalize_dns(a, typed, typed, &result, e));
	}
	*out = result;
	*kind = found;
	return 0;
}

enum name_kind name_kind(const char *normalized)
{
	if (strncmp(normalized, "*.", 2) == 0)
		return NAME_WILDCARD;
	return is_address(normalized) ? NAME_IP : NAME_DNS;
}

const char *name_base(const char *normalized)
{
	return strncmp(normalized, "*.", 2) == 0 ? normalized + 2 : normalized;
}

/* Greek, Cyrillic, Armenian and Cherokee have letters that look Latin. UTF-8 lead bytes CD to D6,
 * and E1 8E/8F. */
static bool is_lookalike(const unsigned char *p)
{
	return (p[0] >= 0xCD && p[0] <= 0xD6) ||
	       (p[0] == 0xE1 && (p[1] == 0x8E || p[1] == 0x8F || p[1] >= 0xBC));
}

/* A label that mixes Latin letters with letters that look like them is somebody's trick. */
static bool is_mixed(const char *name)
{
	bool latin = false, other = false;

	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (*p == '.')
			latin = other = false;
		latin |= isalpha(*p) || *p == 0xC3 || *p == 0xC4 || *p == 0xC5;
		other |= is_lookalike(p);
		if (latin && other)
			return true;
	}
	return false;
}

const char *name_display(struct arena *a, const char *normalized)
{
	const char *shown = normalized, *back;
	char *text = NULL;
	struct err e;

	if (!strstr(normalized, "xn--") ||
	    idn2_to_unicode_8z8z(name_base(normalized), &text, 0) != IDN2_OK)
		return normalized;
	/* shown only if it leads back to the same name */
	if (!is_mixed(text) && to_ascii(a, text, text, &back, &e) == 0 &&
	    strcmp(back, name_base(normalized)) == 0)
		shown = arena_printf(a, "%s%s", name_kind(normalized) == NAME_WILDCARD ? "*." : "",
		                     text);
	idn2_free(text);
	return shown;
}

/* The first part of a long name and a digest of the whole. */
static const char *shorten(struct arena *a, const char *name)
{
	unsigned char md[HASH_MAX] = { 0 };
	struct err e;

	if (hash_digest(HASH_SHA256, name, strlen(name), md, &e) < 0)
		return arena_strndup(a, name, CERT_NAME_MAX);
	return arena_printf(a, "%.*s-%s", CERT_NAME_MAX - 17, name, hex_encode(a, md, 8));
}

const char *name_to_cert_name(struct arena *a, const char *normalized)
{
	const char *prefix = "";
	char *name;

	if (name_kind(normalized) == NAME_WILDCARD)
		prefix = "_wildcard.";
	else if (normalized[0] == ':')
		prefix = "0"; /* "::1" is "0::1"; a file's name must not begin with a hyphen */
	name = arena_printf(a, "%s%s", prefix, name_base(normalized));
	for (char *p = name; *p; p++)
		if (*p == ':')
			*p = '-';
	return strlen(name) > CERT_NAME_MAX ? shorten(a, name) : name;
}

bool name_is_cert_name(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > CERT_NAME_MAX || s[0] == '.' || s[0] == '-' || strstr(s, ".."))
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && !strchr("._-", *s))
			return false;
	return true;
}

const char *name_ip_reverse(struct arena *a, const char *ip)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char b[16];
	char text[80], *p = text;

	if (inet_pton(AF_INET, ip, b) == 1)
		return arena_printf(a, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
	if (inet_pton(AF_INET6, ip, b) != 1)
		return NULL;
	for (int i = 15; i >= 0; i--) {
		*p++ = hex[b[i] & 15];
		*p++ = '.';
		*p++ = hex[b[i] >> 4];
		*p++ = '.';
	}
	*p = '\0';
	return arena_printf(a, "%sip6.arpa", text);
}

/* The labels before len, last first, with a separator after each so many. */
static char *labels_reversed(struct arena *a, const char *name, size_t len, char separator,
                             unsigned every)
{
	char *out = arena_alloc(a, 2 * len + 2), *to = out;
	unsigned n = 0;

	while (len > 0) {
		size_t end = len;

		while (len > 0 && name[len - 1] != '.')
			len--;
		if (n > 0 && n % every == 0)
			*to++ = separator;
		memcpy(to, name + len, end - len);
		to += end - len;
		n++;
		len -= len > 0;
	}
	*to = '\0';
	return out;
}

const char *name_ip_of_reverse(struct arena *a, const char *name)
{
	static const char four[] = ".in-addr.arpa", six[] = ".ip6.arpa";
	size_t len = strlen(name);
	const char *ip = NULL, *back;

	if (len > sizeof(four) - 1 && len < 80 && strcmp(name + len - sizeof(four) + 1, four) == 0)
		ip = name_ip_canonical(a, labels_reversed(a, name, len - sizeof(four) + 1, '.', 1));
	else if (len > sizeof(six) - 1 && len < 80 &&
	         strcmp(name + len - sizeof(six) + 1, six) == 0)
		ip = name_ip_canonical(a, labels_reversed(a, name, len - sizeof(six) + 1, ':', 4));
	back = ip ? name_ip_reverse(a, ip) : NULL;
	return back && strcmp(back, name) == 0 ? ip : NULL;
}
