/*
 * Time. The wall clock is the system's unless a test has set it; then it runs on from there with
 * the monotonic clock. Dates from outside are read digit by digit with every field checked: they
 * come from CA answers, HTTP headers and files. Any thread.
 */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t set_offset_ms; /* wall clock minus monotonic clock while it is set */
static atomic_bool is_set;

int64_t clock_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#ifdef EVERLEAF_FAULT_POINTS
/* A clock that a test moves while the program runs: a file that holds the seconds. */
static int64_t offset_in_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[24];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strtoll(text, NULL, 10);
}
#endif

/* Seconds that a test build shifts the wall clock by, read at each use so that a test may change
 * it. */
static int64_t offset_s(void)
{
#ifdef EVERLEAF_FAULT_POINTS
	const char *text = getenv("EVERLEAF_CLOCK_OFFSET_S"), *file = getenv("EVERLEAF_CLOCK_FILE");

	if (file)
		return offset_in_file(file);
	return text ? strtoll(text, NULL, 10) : 0;
#else
	return 0;
#endif
}

int64_t clock_of_others(int64_t at)
{
#ifdef EVERLEAF_FAULT_POINTS
	const char *file = getenv("EVERLEAF_OTHERS_CLOCK_FILE");

	if (file)
		return at + offset_in_file(file);
#endif
	return at + offset_s();
}

int64_t clock_now_ms(void)
{
	struct timespec now;

	if (atomic_load(&is_set))
		return clock_monotonic_ms() + atomic_load(&set_offset_ms);
	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec + offset_s()) * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
	if (atomic_load(&is_set))
		return clock_now_ms() / 1000;
	return (int64_t)time(NULL) + offset_s();
}

void clock_set(int64_t unix_s)
{
	atomic_store(&set_offset_ms, unix_s * 1000 - clock_monotonic_ms());
	atomic_store(&is_set, unix_s != 0);
}

void clock_format_rfc3339(int64_t at, char out[static CLOCK_RFC3339_SIZE])
{
	static const int64_t first = -62167219200,
	                     last = 253402300799; /* the years 0000 and 9999 */
	time_t t = (time_t)(at < first ? first : at > last ? last : at);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (t < -30610224000) /* before the year 1000 strftime does not pad */
		snprintf(out, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		         (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
		         (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
		         (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
}

char *clock_rfc3339(struct arena *a, int64_t at)
{
	char *text;

	if (at == 0)
		return NULL;
	text = arena_alloc(a, CLOCK_RFC3339_SIZE);
	clock_format_rfc3339(at, text);
	return text;
}

/* Reads exactly n digits at *s. */
static bool digits(const char **s, int n, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*s += n;
	*out = value;
	return true;
}

static bool literal(const char **s, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*s, text, len) != 0)
		return false;
	*s += len;
	return true;
}

static bool one_of(const char **s, const char *chars)
{
	if (!**s || !strchr(chars, **s))
		return false;
	(*s)++;
	return true;
}

/* "HH:MM:SS"; 60 is a leap second (RFC 3339 5.6). */
static bool time_of_day(const char **s, struct tm *tm)
{
	return digits(s, 2, &tm->tm_hour) && literal(s, ":") && digits(s, 2, &tm->tm_min) &&
	       literal(s, ":") && digits(s, 2, &tm->tm_sec) && tm->tm_hour <= 23 &&
	       tm->tm_min <= 59 && tm->tm_sec <= 60;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Year and month (1 to 12) as people count them. */
static bool set_date(struct tm *tm, int year, int month, int day)
{
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

static bool parse_offset(const char **s, int64_t *offset)
{
	int hours, minutes;
	bool minus;

	if (one_of(s, "Zz")) {
		*offset = 0;
		return true;
	}
	minus = **s == '-';
	if (!one_of(s, "+-") || !digits(s, 2, &hours) || !literal(s, ":") ||
	    !digits(s, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*offset = (int64_t)(hours * 60 + minutes) * 60 * (minus ? -1 : 1);
	return true;
}

static bool rfc3339(const char *s, int64_t *at)
{
	struct tm tm = { 0 };
	int year, month, day;
	int64_t offset;

	if (!digits(&s, 4, &year) || !literal(&s, "-") || !digits(&s, 2, &month) ||
	    !literal(&s, "-") || !digits(&s, 2, &day) || !one_of(&s, "Tt ") ||
	    !time_of_day(&s, &tm) || !set_date(&tm, year, month, day))
		return false;
	if (literal(&s, ".")) {
		if (!one_of(&s, "0123456789"))
			return false;
		s += strspn(s, "0123456789");
	}
	if (!parse_offset(&s, &offset) || *s)
		return false;
	*at = (int64_t)timegm(&tm) - offset;
	return true;
}

int clock_parse_rfc3339(const char *s, int64_t *at, struct err *e)
{
	if (!rfc3339(s, at))
		return err_set(e, ERR_INPUT, "not a time like 2026-01-31T12:00:00Z: \"%.40s\"", s);
	return 0;
}

static bool month_name(const char **s, int *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (strncmp(*s, names + (ptrdiff_t)i * 3, 3) == 0) {
			*s += 3;
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* Short names serve all three forms: the long ones begin with them. */
static bool weekday_name(const char **s, bool *is_long)
{
	static const char *const names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
		                             "Thursday", "Friday", "Saturday" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (literal(s, names[i])) {
			*is_long = true;
			return true;
		}
		if (strncmp(*s, names[i], 3) == 0) {
			*s += 3;
			*is_long = false;
			return true;
		}
	}
	return false;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool imf_fixdate(const char *s, struct tm *tm)
{
	int year, month, day;

	return digits(&s, 2, &day) && literal(&s, " ") && month_name(&s, &month) &&
	       literal(&s, " ") && digits(&s, 4, &year) && literal(&s, " ") &&
	       time_of_day(&s, tm) && literal(&s, " GMT") && !*s && set_date(tm, year, month, day);
}

/* A two-digit year more than 50 years ahead is one of the past (RFC 9110 5.6.7). */
static int full_year(int two_digits)
{
	time_t now = (time_t)clock_now();
	struct tm tm;
	int year;

	gmtime_r(&now, &tm);
	year = (tm.tm_year + 1900) / 100 * 100 + two_digits;
	return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

/* "06-Nov-94 08:49:37 GMT" */
static bool rfc850_date(const char *s, struct tm *tm)
{
	int year, month, day;

	return digits(&s, 2, &day) && literal(&s, "-") && month_name(&s, &month) &&
	       literal(&s, "-") && digits(&s, 2, &year) && literal(&s, " ") &&
	       time_of_day(&s, tm) && literal(&s, " GMT") && !*s &&
	       set_date(tm, full_year(year), month, day);
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_date(const char *s, struct tm *tm)
{
	int year, month, day;

	return month_name(&s, &month) && literal(&s, " ") &&
	       (literal(&s, " ") ? digits(&s, 1, &day) : digits(&s, 2, &day)) && literal(&s, " ") &&
	       time_of_day(&s, tm) && literal(&s, " ") && digits(&s, 4, &year) && !*s &&
	       set_date(tm, year, month, day);
}

int clock_parse_http_date(const char *s, int64_t *at, struct err *e)
{
	const char *text = s;
	struct tm tm = { 0 };
	bool is_long, good = false;

	if (weekday_name(&s, &is_long)) {
		if (literal(&s, ", "))
			good = is_long ? rfc850_date(s, &tm) : imf_fixdate(s, &tm);
		else if (!is_long && literal(&s, " "))
			good = asctime_date(s, &tm);
	}
	if (!good)
		return err_set(e, ERR_INPUT, "not an HTTP date: \"%.40s\"", text);
	*at = (int64_t)timegm(&tm);
	return 0;
}
