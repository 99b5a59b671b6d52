/*
 * The connection to PostgreSQL: made, lost, waited for and made again, and its errors as ours. The
 * URL may hold a password, so neither it nor what libpq says of one that it cannot read is shown.
 */
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "sys/db_pgsql_impl.h"

#define SERVER_OLDEST 130000
#define WAIT_FIRST_MS 50
#define WAIT_MOST_MS                                                                               \
	400 /* short sleeps: the lock is held meanwhile, and no other worker may begin */

/* A node that is stopped in the middle of a transaction loses it before others give up waiting. */
#define SESSION                                                                                    \
	"set lock_timeout = '20s'; set idle_in_transaction_session_timeout = '10s'; "              \
	"set client_min_messages = warning; set datestyle = iso; "                                 \
	"select set_config('synchronous_commit', 'on', false) "                                    \
	"where current_setting('synchronous_commit') = 'off'"

static void notice(void *ctx, const char *text)
{
	log_detail("the database says: %.*s", (int)strcspn(text, "\n"), text);
}

static const char *first_line(const char *text, char *out, size_t size)
{
	size_t n = strcspn(text, "\n");

	n = n < size - 1 ? n : size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
	return *out ? out : "no reason given";
}

static void lost(struct pg *p)
{
	PQfinish(p->h);
	p->h = NULL;
	if (p->tx == PG_TX_OPEN)
		p->tx = PG_TX_LOST;
}

static bool starts(const char *state, const char *with)
{
	return !strncmp(state, with, strlen(with));
}

static int refused(struct pg *p, const char *state, const char *why, struct err *e)
{
	if (!strcmp(state, "23505"))
		return err_set(e, ERR_EXISTS, "it is there already (%s)", why);
	if (!strcmp(state, "23503"))
		return err_set(e, ERR_NOT_FOUND, "what it belongs to is not there (any more)");
	if (starts(state, "22") || starts(state, "23"))
		return err_set(e, ERR_INPUT, "the database %s does not take it: %s", p->place, why);
	if (!strcmp(state, "55P03") || starts(state, "40") || !strcmp(state, "57014"))
		return err_set(e, ERR_BUSY,
		               "the database %s is being written by another process (%s): try "
		               "again later",
		               p->place, why);
	if (!strcmp(state, "42P01"))
		return err_set(e, ERR_NOT_FOUND, "the database %s: %s", p->place, why);
	if (!strcmp(state, "42501") || !strcmp(state, "25006") || starts(state, "28"))
		return err_set(e, ERR_DENIED, "the database %s cannot be used by this user (%s)",
		               p->place, why);
	return 0;
}

/* Turns PostgreSQL's five characters into our code. */
static int state_fail(struct pg *p, const char *state, const char *why, struct err *e)
{
	TRY(refused(p, state, why, e));
	if (!strcmp(state, "53100"))
		return err_set(e, ERR_IO, "the database %s cannot grow: the disk is full",
		               p->place);
	if (starts(state, "XX"))
		return err_set(e, ERR_DAMAGED, "the database %s is damaged (%s): restore a backup",
		               p->place, why);
	if (starts(state, "53"))
		return err_set(e, ERR_AGAIN, "the database %s: %s", p->place, why);
	if (!strcmp(state, "25P02"))
		return err_set(e, ERR_IO, "the database %s gave the transaction up after an error",
		               p->place);
	if (starts(state, "58"))
		return err_set(e, ERR_IO, "the database %s: %s", p->place, why);
	return err_set(e, ERR_DAMAGED,
	               "the database %s is not as it was made (%s): restore a backup", p->place,
	               why);
}

static bool state_ends_connection(const char *state)
{
	return starts(state, "57P") || !strcmp(state, "25P03");
}

int pg_fail(struct pg *p, const PGresult *r, struct err *e)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *why = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	char line[300], copy[8] = "";

	if (state)
		strncpy(copy, state, sizeof(copy) - 1);
	first_line(why ? why : PQerrorMessage(p->h), line, sizeof(line));
	/* What has no state was not said by the server: libpq lost it. */
	if (*copy && PQstatus(p->h) == CONNECTION_OK && !state_ends_connection(copy))
		return state_fail(p, copy, line, e);
	lost(p);
	err_set(e, ERR_AGAIN, "the connection to the database %s was lost (%s)", p->place, line);
	strncpy(e->problem, PROBLEM_DATABASE, sizeof(e->problem) - 1);
	return -ERR_AGAIN;
}

int pg_nothing_kept(const struct pg *p, struct err *e)
{
	err_set(e, ERR_AGAIN,
	        "the connection to the database %s was lost within a transaction: nothing of it "
	        "was kept",
	        p->place);
	strncpy(e->problem, PROBLEM_DATABASE, sizeof(e->problem) - 1);
	return -ERR_AGAIN;
}

static bool is_fine(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	       status == PGRES_EMPTY_QUERY;
}

int pg_exec(struct pg *p, const char *sql, PGresult **out, struct err *e)
{
	PGresult *r CLEANUP(pg_clear) = PQexec(p->h, sql);

	if (!is_fine(r))
		return pg_fail(p, r, e);
	if (out)
		*out = TAKE(r);
	return 0;
}

/* Ours first: what the URL says goes before; the encoding is ours whatever it says. */
static const char *const keys[] = { "connect_timeout",           "keepalives_idle",
	                            "keepalives_interval",       "keepalives_count",
	                            "tcp_user_timeout",          "target_session_attrs",
	                            "fallback_application_name", "dbname",
	                            "client_encoding",           NULL };

static void values_for(const struct pg *p, const char *values[ARRAY_LEN(keys)])
{
	const char *const ours[ARRAY_LEN(keys)] = { "5",     "15",         "5",        "3",
		                                    "20000", "read-write", "everleaf", p->url,
		                                    "UTF8",  NULL };

	memcpy(values, ours, sizeof(ours));
}

static int is_usable(struct pg *p, struct err *e)
{
	const char *encoding = PQparameterStatus(p->h, "server_encoding");
	int version = PQserverVersion(p->h);

	if (version < SERVER_OLDEST)
		return err_set(e, ERR_CONFIG,
		               "the database %s is PostgreSQL %d: version 13 or newer is needed",
		               p->place, version / 10000);
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return err_set(e, ERR_CONFIG,
		               "the database %s keeps its text as %s: make one with `createdb "
		               "--encoding UTF8 --template template0`",
		               p->place, encoding ? encoding : "nobody knows what");
	return 0;
}

static void note_place(struct pg *p)
{
	const char *host = PQhost(p->h), *name = PQdb(p->h);

	if (name)
		snprintf(p->place, sizeof(p->place), "%s/%s", host && *host ? host : "localhost",
		         name);
}

/* *final: waiting does not help, the server is there and says no. */
static int connect_once(struct pg *p, bool *final, struct err *e)
{
	const char *values[ARRAY_LEN(keys)];
	char line[300];

	*final = false;
	values_for(p, values);
	p->h = PQconnectdbParams(keys, values, 1);
	if (!p->h)
		return err_set(e, ERR_MEMORY, "out of memory");
	PQsetNoticeProcessor(p->h, notice, NULL);
	note_place(p);
	if (PQstatus(p->h) != CONNECTION_OK) {
		PGPing ping = PQpingParams(keys, values, 1);

		*final = ping == PQPING_OK || ping == PQPING_NO_ATTEMPT;
		first_line(PQerrorMessage(p->h), line, sizeof(line));
		lost(p);
		return err_set(e, *final ? ERR_CONFIG : ERR_AGAIN,
		               "the database %s cannot be reached: %s", p->place, line);
	}
	p->generation++;
	if (is_usable(p, e) < 0) {
		*final = true;
		lost(p);
		return -(int)e->code;
	}
	return pg_exec(p, SESSION, NULL, e);
}

/* A daemon that had it waits whatever the server says: its administrator may be about to mend it.
 */
static int wait_for(struct pg *p, bool first, struct err *e)
{
	int64_t start = clock_monotonic_ms(), pause = WAIT_FIRST_MS, most;
	bool final, forever;

	for (bool told = false;; told = true) {
		forever = p->base.wait_ms < 0;
		if (connect_once(p, &final, e) == 0) {
			if (told)
				log_info("the database %s is there again", p->place);
			atomic_store(&p->base.away, false);
			return 0;
		}
		if (final && (first || !forever))
			return -(int)e->code;
		most = db_wait_ms(&p->base);
		if (!forever && clock_monotonic_ms() - start >= most)
			return -(int)e->code;
		atomic_store(&p->base.away, true);
		if (forever && most >= 0 && clock_monotonic_ms() - start >= most)
			return err_set(e, ERR_AGAIN, "the database is away; come again later");
		if (!told)
			log_warn("waiting for the database: %s", e->text);
		TRY(cancel_sleep_ms(p->base.cancel, pause, e));
		pause = pause * 2 < WAIT_MOST_MS ? pause * 2 : WAIT_MOST_MS;
	}
}

int pg_ready(struct pg *p, struct err *e)
{
	return p->h ? 0 : wait_for(p, false, e);
}

int pg_first(struct pg *p, struct err *e)
{
	char *ignored = NULL;
	PQconninfoOption *options = PQconninfoParse(p->url, &ignored);

	PQfreemem(ignored); /* may quote the password */
	if (!options)
		return err_set(e, ERR_CONFIG,
		               "the database URL cannot be read: it is postgresql://USER@HOST:PORT/"
		               "DATABASE, with what is special in it written as %%XX");
	PQconninfoFree(options);
	return wait_for(p, true, e);
}
