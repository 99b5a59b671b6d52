/*
 * Records by field table: the SQL of a table is made from the fields of its struct, and the same
 * fields bind and read its columns. Lists are JSON arrays; secrets are sealed under
 * "table.column/name of the row", so that a sealed value cannot be moved to another row unseen. A
 * field that is not in the schema, or the other way round, fails the first statement.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "store/internal.h"
#include "store/replies.h"

#define SQL_MAX 4096

/* key1, key2: the fields that name a row in the label of its secrets. keep_secrets: an update with
 * none keeps those that are there (a version read without its key never loses it). by_column: it
 * has many indexes, and an update writes each index anew that has a column it names, though the
 * value be the same, so it names only the columns that change. */
static const struct table {
	const char *name;
	const struct field *fields;
	size_t size;
	const char *key1, *key2;
	bool keep_secrets, by_column;
} tables[N_TABLES] = {
	[T_CAS] = { "cas", ca_fields, sizeof(struct ca), "name" },
	[T_ACCOUNTS] = { "accounts", account_fields, sizeof(struct account), "name" },
	[T_CERTS] = { "certs", cert_fields, sizeof(struct cert), "name", .by_column = true },
	[T_JOBS] = { "jobs", job_fields, sizeof(struct job), "subject" },
	[T_VERSIONS] = { "versions", version_fields, sizeof(struct version), "cert", "n", true },
	[T_ORDERS] = { "orders", order_fields, sizeof(struct order), "cert" },
	[T_CHALLENGES] = { "challenges", challenge_fields, sizeof(struct challenge), "cert" },
	[T_EVENTS] = { "events", event_fields, sizeof(struct event), "cert" },
	[T_DNS_ACCOUNTS] = { "dns_accounts", dns_account_fields, sizeof(struct dns_account),
	                     "name" },
	[T_LIMITS] = { "limits", bucket_fields, sizeof(struct bucket), "name" },
	[T_CHANNELS] = { "channels", channel_fields, sizeof(struct channel), "name" },
	[T_OUTBOX] = { "outbox", outbox_fields, sizeof(struct outbox), "channel" },
	[T_TASKS] = { "tasks", task_fields, sizeof(struct task), "operation", "created_at" },
	[T_REPLIES] = { "replies", reply_fields, sizeof(struct reply), "name" },
	[T_USERS] = { "users", user_fields, sizeof(struct user), "name" },
	[T_USER_DOMAINS] = { "user_domains", binding_fields, sizeof(struct binding), "owner" },
	[T_TOKENS] = { "tokens", token_fields, sizeof(struct token), "name" },
	[T_SESSIONS] = { "sessions", session_fields, sizeof(struct session), "owner" },
};

const char *table_name(enum table_id t)
{
	return tables[t].name;
}

bool table_has_secrets(enum table_id t)
{
	FIELD_EACH (f, tables[t].fields) {
		if (f->type == FT_SECRET)
			return true;
	}
	return false;
}

static bool is_column(const struct field *f)
{
	return !(f->flags & F_NOT_STORED);
}

/* Columns that a put writes, in the order of their parameters. */
static bool is_written(const struct field *f)
{
	return is_column(f) && !(f->flags & F_KEY);
}

static int select_text(const struct table *t, struct buf *b, struct err *e)
{
	const char *sep = "select ";

	FIELD_EACH (f, t->fields) {
		if (!is_column(f))
			continue;
		TRY(buf_printf(b, e, "%s%s", sep, f->name));
		sep = ", ";
	}
	return buf_printf(b, e, " from %s ", t->name);
}

static int insert_text(const struct table *t, struct buf *b, struct err *e)
{
	const char *sep = "(";
	int n = 0;

	TRY(buf_printf(b, e, "insert into %s ", t->name));
	FIELD_EACH (f, t->fields) {
		if (!is_written(f))
			continue;
		TRY(buf_printf(b, e, "%s%s", sep, f->name));
		sep = ", ";
		n++;
	}
	for (int i = 1; i <= n; i++)
		TRY(buf_printf(b, e, "%s$%d", i == 1 ? ") values (" : ", ", i));
	return buf_str(b, ") returning id", e);
}

/* former: as the row is now, and only what differs is written; secrets, which it lacks, are in any
 * case. NULL = all is written. */
static bool is_changed(const struct field *f, const void *former, const void *record)
{
	if (!is_written(f))
		return false;
	return !former || f->type == FT_SECRET || !field_is_same(f, former, record);
}

static int update_some(const struct table *t, const void *former, const void *record, struct buf *b,
                       struct err *e)
{
	const char *sep = "set ";
	int n = 0;

	TRY(buf_printf(b, e, "update %s ", t->name));
	FIELD_EACH (f, t->fields) {
		if (!is_changed(f, former, record))
			continue;
		n++;
		if (f->type == FT_SECRET && t->keep_secrets)
			TRY(buf_printf(b, e, "%s%s = coalesce($%d, %s)", sep, f->name, n, f->name));
		else
			TRY(buf_printf(b, e, "%s%s = $%d", sep, f->name, n));
		sep = ", ";
	}
	return buf_printf(b, e, " where id = $%d", n + 1);
}

static int update_text(const struct table *t, struct buf *b, struct err *e)
{
	return update_some(t, NULL, NULL, b, e);
}

/* Made once for a store. */
static int text_of(struct store *s, const char **slot, const struct table *t,
                   int (*make)(const struct table *, struct buf *, struct err *), struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(SQL_MAX);

	if (*slot)
		return 0;
	TRY(make(t, &b, e));
	*slot = arena_strdup(s->a, b.data);
	return 0;
}

static const char *label_of(struct arena *a, const struct table *t, const struct field *f,
                            const void *record)
{
	const struct field *k1 = field_find(t->fields, t->key1);
	const char *name = FIELD_STRING(k1, record);

	if (!t->key2)
		return arena_printf(a, "%s.%s/%s", t->name, f->name, name);
	return arena_printf(a, "%s.%s/%s/%lld", t->name, f->name, name,
	                    (long long)FIELD_INT(field_find(t->fields, t->key2), record));
}

char *strings_text(struct arena *a, const struct strings *list)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(list->v[i]));
	return json_text(a, array);
}

static int secret_bind(struct store *s, struct arena *a, const struct table *t,
                       const struct field *f, const void *record, struct db_stmt *st, int param,
                       struct err *e)
{
	const char *plain = FIELD_STRING(f, record);
	char *sealed = NULL;

	if (plain) {
		TRY(master_current(s, e));
		TRY(seal_lock(s->seal, a, label_of(a, t, f, record), plain, &sealed, e));
	}
	db_bind_text(st, param, sealed);
	return 0;
}

static int field_bind(struct store *s, struct arena *a, const struct table *t,
                      const struct field *f, const void *record, struct db_stmt *st, int param,
                      struct err *e)
{
	switch (f->type) {
	case FT_STRING:
	case FT_JSON:
		db_bind_text(st, param, FIELD_STRING(f, record));
		return 0;
	case FT_SECRET:
		return secret_bind(s, a, t, f, record, st, param, e);
	case FT_INT:
	case FT_TIME:
		db_bind_int(st, param, FIELD_INT(f, record));
		return 0;
	case FT_BOOL:
		db_bind_int(st, param, FIELD_BOOL(f, record));
		return 0;
	case FT_STRINGS:
		db_bind_text(st, param, strings_text(a, &FIELD_STRINGS(f, record)));
		return 0;
	case FT_RECORDS: /* never a column */
		return 0;
	}
	return 0;
}

static int fields_bind(struct store *s, const struct table *t, const void *former,
                       const void *record, struct db_stmt *st, int *n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	int param = 0;

	FIELD_EACH (f, t->fields) {
		if (is_changed(f, former, record))
			TRY(field_bind(s, a, t, f, record, st, ++param, e));
	}
	*n = param;
	return 0;
}

static int record_insert(struct store *s, enum table_id id, const void *record, int64_t *new_id,
                         struct err *e)
{
	const struct table *t = &tables[id];
	struct db_stmt *st = NULL;
	int64_t got = 0;
	int n = 0, rc;

	TRY(text_of(s, &s->insert[id], t, insert_text, e));
	TRY(db_prepare(s->db, s->insert[id], &st, e));
	TRY(fields_bind(s, t, NULL, record, st, &n, e));
	while ((rc = db_step(st, e)) == 1)
		got = db_column_int(st, 0);
	TRY(rc);
	*new_id = got;
	return 0;
}

static int strings_read(struct arena *a, const char *text, struct strings *out, struct err *e)
{
	json_t *array CLEANUP(json_decrefp) = NULL;
	struct strings list = { 0 };
	size_t i;
	json_t *item;

	if (text && strcmp(text, "[]") != 0) {
		TRY(json_parse(text, strlen(text), &array, e));
		if (!json_is_array(array))
			return err_set(e, ERR_DAMAGED, "not a list");
		json_array_foreach(array, i, item)
		{
			if (!json_is_string(item))
				return err_set(e, ERR_DAMAGED, "not a list of strings");
			strings_add(a, &list, json_string_value(item));
		}
	}
	*out = list;
	return 0;
}

static int secret_read(struct store *s, struct arena *a, const struct table *t,
                       const struct field *f, void *record, struct db_stmt *st, int column,
                       struct err *e)
{
	const char *sealed = db_column_text(st, a, column);
	char *plain = NULL;

	if (sealed) {
		TRY(master_current(s, e));
		TRY(seal_unlock(s->seal, a, label_of(a, t, f, record), sealed, &plain, e));
	}
	FIELD_STRING(f, record) = plain;
	return 0;
}

static int field_read(struct store *s, struct arena *a, const struct table *t,
                      const struct field *f, void *record, struct db_stmt *st, int column,
                      struct err *e)
{
	switch (f->type) {
	case FT_STRING:
	case FT_JSON:
		FIELD_STRING(f, record) = db_column_text(st, a, column);
		return 0;
	case FT_SECRET: /* read after the others, which its label needs */
		return 0;
	case FT_INT:
	case FT_TIME:
		FIELD_INT(f, record) = db_column_int(st, column);
		return 0;
	case FT_BOOL:
		FIELD_BOOL(f, record) = db_column_int(st, column) != 0;
		return 0;
	case FT_STRINGS:
		return strings_read(a, db_column_text(st, a, column), &FIELD_STRINGS(f, record), e);
	case FT_RECORDS:
		return 0;
	}
	return 0;
}

static int value_damaged(struct store *s, const struct table *t, const struct field *f,
                         const void *record, struct err *e)
{
	const char *name = FIELD_STRING(field_find(t->fields, t->key1), record);

	/* What the master key says of itself is told as it is. */
	if (e->code == ERR_INPUT)
		e->code = ERR_DAMAGED;
	return err_ctx(e, "%s.%s of %s in the database %s", t->name, f->name, name ? name : "a row",
	               s->place);
}

static int row_read(struct store *s, struct arena *a, const struct table *t, struct db_stmt *st,
                    bool secrets, void *out, struct err *e)
{
	void *record = arena_alloc(a, t->size);
	int column = 0;

	FIELD_EACH (f, t->fields) {
		if (is_column(f) && field_read(s, a, t, f, record, st, column++, e) < 0)
			return value_damaged(s, t, f, record, e);
	}
	column = 0;
	FIELD_EACH (f, t->fields) {
		if (is_column(f) && secrets && f->type == FT_SECRET &&
		    secret_read(s, a, t, f, record, st, column, e) < 0)
			return value_damaged(s, t, f, record, e);
		column += is_column(f);
	}
	memcpy(out, record, t->size);
	return 0;
}

static int select_prepare(struct store *s, enum table_id t, const struct query *q,
                          struct db_stmt **out, struct err *e)
{
	char sql[SQL_MAX + 1024 + SCOPE_SQL_MAX];

	TRY(text_of(s, &s->select[t], &tables[t], select_text, e));
	snprintf(sql, sizeof(sql), "%s%s", s->select[t], q->tail);
	return query_prepare(s, sql, q->args, q->n_args, out, e);
}

int record_get(struct store *s, struct arena *a, enum table_id t, const struct query *q, void *out,
               bool *found, struct err *e)
{
	struct db_stmt *st = NULL;
	STORE_LOCK(s);
	int rc;

	TRY(select_prepare(s, t, q, &st, e));
	rc = db_step(st, e);
	TRY(rc);
	if (rc == 1)
		TRY(row_read(s, a, &tables[t], st, !q->no_secrets, out, e));
	*found = rc == 1;
	while (rc == 1)
		rc = db_step(st, e);
	return rc;
}

/* The row as it is, without its secrets; locked. */
static int record_former(struct store *s, struct arena *a, enum table_id id, int64_t row,
                         const void **out, struct err *e)
{
	const struct arg args[] = { ARG_INT(row) };
	const struct query q = { "where id = $1 for update", args, 1, true };
	void *former = arena_alloc(a, tables[id].size);
	bool found = false;

	TRY(record_get(s, a, id, &q, former, &found, e));
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "it was deleted meanwhile");
	*out = former;
	return 0;
}

static int record_change(struct store *s, enum table_id id, const void *record, int64_t row,
                         struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct buf sql CLEANUP(buf_done) = BUF_LIMIT(SQL_MAX);
	const struct table *t = &tables[id];
	const void *former = NULL;
	struct db_stmt *st = NULL;
	bool any = false;
	int n = 0;

	TRY(record_former(s, a, id, row, &former, e));
	FIELD_EACH (f, t->fields)
		any = any || is_changed(f, former, record);
	if (!any)
		return 0;
	TRY(update_some(t, former, record, &sql, e));
	TRY(db_prepare(s->db, sql.data, &st, e));
	TRY(fields_bind(s, t, former, record, st, &n, e));
	db_bind_int(st, n + 1, row);
	return db_step(st, e) < 0 ? -(int)e->code : 0;
}

static int record_update(struct store *s, enum table_id id, const void *record, int64_t row,
                         struct err *e)
{
	const struct table *t = &tables[id];
	struct db_stmt *st = NULL;
	int n = 0;

	if (t->by_column)
		return record_change(s, id, record, row, e);
	TRY(text_of(s, &s->update[id], t, update_text, e));
	TRY(db_prepare(s->db, s->update[id], &st, e));
	TRY(fields_bind(s, t, NULL, record, st, &n, e));
	db_bind_int(st, n + 1, row);
	TRY(db_step(st, e));
	if (db_changes(s->db) == 0)
		return err_set(e, ERR_NOT_FOUND, "it was deleted meanwhile");
	return 0;
}

int record_put(struct store *s, enum table_id t, const void *record, int64_t *id, struct err *e)
{
	return *id ? record_update(s, t, record, *id, e) : record_insert(s, t, record, id, e);
}

int record_list(struct store *s, struct arena *a, enum table_id t, const struct query *q,
                void **out, size_t *n, struct err *e)
{
	struct db_stmt *st = NULL;
	size_t size = tables[t].size, have = 0, room = 4;
	char *rows = arena_alloc_array(a, size, room);
	STORE_LOCK(s);
	int rc;

	TRY(select_prepare(s, t, q, &st, e));
	while ((rc = db_step(st, e)) == 1) {
		if (have == room) {
			char *more = arena_alloc_array(a, size, room * 2);

			memcpy(more, rows, room * size);
			rows = more;
			room *= 2;
		}
		TRY(row_read(s, a, &tables[t], st, !q->no_secrets, rows + have * size, e));
		have++;
	}
	TRY(rc);
	*out = rows;
	*n = have;
	return 0;
}

int record_reseal(struct store *s, enum table_id t, int64_t id, struct seal *from, struct seal *to,
                  struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	void *record = arena_alloc(a, tables[t].size);
	const struct arg args[] = { ARG_INT(id) };
	const struct query q = { "where id = $1", args, 1, false };
	bool found = false;
	int rc;

	TRY(record_get(s, a, t, &q, record, &found, e));
	s->seal = to;
	rc = found ? record_update(s, t, record, id, e) : 0;
	s->seal = from;
	return rc;
}
