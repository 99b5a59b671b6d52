/* See ops_backup.h. */
#include "ops/ops_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"
#include "flow/daemon.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "store/copy.h"

#define FORMAT 1
#define LINE_MAX_BYTES ((size_t)8 << 20)
#define KEY_MAX_BYTES 4096
#define DIGEST_BYTES STORE_DIGEST_BYTES

/* Each line's digest covers those before it. */
struct seen {
	unsigned char digest[DIGEST_BYTES];
	int64_t lines;
};

static int see(struct seen *s, const char *line, size_t len, struct err *e)
{
	s->lines++;
	return store_digest(s->digest, line, len, e);
}

/* writing */

struct writing {
	FILE *out;
	const char *file;
	struct seen seen;
};

static int write_line(struct writing *w, const json_t *value, bool last, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *line = json_text(a, value);

	if (!last)
		TRY(see(&w->seen, line, strlen(line), e));
	if (fprintf(w->out, "%s\n", line) < 0)
		return err_errno(e, ERR_IO, errno, "the backup %s cannot be written", w->file);
	return 0;
}

static int write_row(void *ctx, const struct store_row *row, struct err *e)
{
	json_auto_t *values = json_object(), *line = NULL;

	for (size_t i = 0; i < row->n; i++)
		json_object_set_new(values, row->columns[i],
		                    row->values[i] ? json_string(row->values[i]) : json_null());
	line = json_pack("{s:s, s:O}", "table", row->table, "row", values);
	return write_line(ctx, line, false, e);
}

static int write_head(struct ops *o, struct writing *w, bool with_key, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *head = NULL, *key = NULL;
	int64_t schema = 0;
	char *text;

	TRY(store_schema(o->run.store, &schema, e));
	head = json_pack("{s:i, s:I, s:s, s:s}", "everleaf_backup", FORMAT, "schema",
	                 (json_int_t)schema, "program", EVERLEAF_VERSION, "made_at",
	                 clock_rfc3339(a, clock_now()));
	TRY(write_line(w, head, false, e));
	if (!with_key)
		return 0;
	TRY(fs_read_secret(a, store_key_file(a, o->run.state_dir), KEY_MAX_BYTES, &text, e));
	key = json_pack("{s:s}", "master_key", text);
	return write_line(w, key, false, e);
}

static int write_all(struct ops *o, struct writing *w, bool with_key, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *end = NULL;

	TRY(write_head(o, w, with_key, e));
	TRY(store_each_row(o->run.store, write_row, w, e));
	end = json_pack("{s:I, s:s}", "lines", (json_int_t)w->seen.lines, "sha256",
	                hex_encode(a, w->seen.digest, DIGEST_BYTES));
	TRY(write_line(w, end, true, e));
	if (fflush(w->out) != 0 || fsync(fileno(w->out)) < 0)
		return err_errno(e, ERR_IO, errno, "the backup %s cannot be written", w->file);
	return 0;
}

int ops_backup(struct ops *o, const char *file, bool with_master_key, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *part = arena_printf(a, "%s.part", file);
	struct writing w = { .file = file };
	int rc, fd;

	TRY(owner_check_host(o, "a backup", e));
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "the backup %s cannot be made", file);
	w.out = fdopen(fd, "w");
	if (!w.out)
		out_of_memory();
	rc = write_all(o, &w, with_master_key, e);
	if (fclose(w.out) != 0 && rc == 0)
		rc = err_errno(e, ERR_IO, errno, "the backup %s cannot be written", file);
	if (rc == 0)
		rc = fs_rename(part, file, e);
	if (rc < 0)
		unlink(part);
	return rc;
}

/* reading */

struct reading {
	FILE *in;
	const char *file;
	char *line;
	size_t room;
	struct seen seen;
	struct arena *a;     /* of what outlives a line */
	const char *made_at; /* RFC 3339, as its head says; only told */
	int64_t schema;      /* 0 = its head was not read yet */
	char *master_key;    /* NULL = it has none */
	bool ended;
	struct store *into; /* NULL = only looking */
};

static void reading_done(struct reading *r)
{
	if (r->line)
		wipe(r->line, r->room);
	free(r->line);
	if (r->in)
		fclose(r->in);
}

static int bad(const struct reading *r, const char *what, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s, line %lld: %s", r->file, (long long)r->seen.lines, what);
}

static int read_head(struct reading *r, const json_t *line, struct err *e)
{
	json_int_t format = 0, schema = 0;

	if (json_unpack((json_t *)line, "{s:I, s:I}", "everleaf_backup", &format, "schema",
	                &schema) < 0)
		return err_set(e, ERR_INPUT, "%s is not a backup that `everleaf backup` made",
		               r->file);
	if (format != FORMAT || schema <= 0)
		return bad(r, "a form of backup that this Everleaf does not know", e);
	r->schema = schema;
	r->made_at = json_str(r->a, line, "made_at");
	if (!r->made_at)
		r->made_at = "at an unknown time";
	return 0;
}

static int read_end(struct reading *r, const json_t *line, const struct seen *before, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *digest = json_string_value(json_object_get(line, "sha256"));
	json_int_t lines = json_integer_value(json_object_get(line, "lines"));

	if (!digest || lines != before->lines ||
	    strcmp(digest, hex_encode(a, before->digest, DIGEST_BYTES)) != 0)
		return err_set(e, ERR_INPUT,
		               "the backup %s was changed or damaged: its digest does not fit",
		               r->file);
	r->ended = true;
	return 0;
}

static int read_row(struct reading *r, const json_t *line, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *table = json_string_value(json_object_get(line, "table"));
	json_t *values = json_object_get(line, "row"), *value;
	struct store_row row = { .table = table, .n = 0 };
	const char *name;

	if (!table || json_object_size(values) == 0)
		return bad(r, "not a row", e);
	row.columns = ARENA_ARRAY(a, const char *, json_object_size(values));
	row.values = ARENA_ARRAY(a, const char *, json_object_size(values));
	json_object_foreach(values, name, value)
	{
		if (!json_is_string(value) && !json_is_null(value))
			return bad(r, "a value that is no text", e);
		row.columns[row.n] = name;
		row.values[row.n++] = json_string_value(value);
	}
	return r->into ? store_load_row(r->into, &row, e) : 0;
}

static int read_line(struct reading *r, size_t len, struct err *e)
{
	struct seen before = r->seen;
	json_auto_t *line = NULL;

	if (r->ended || len > LINE_MAX_BYTES)
		return bad(r, "there is more than belongs there", e);
	TRY(see(&r->seen, r->line, len, e));
	if (json_parse(r->line, len, &line, e) < 0)
		return bad(r, r->schema ? "not JSON" : "not a backup", e);
	if (!r->schema)
		return read_head(r, line, e);
	if (json_object_get(line, "sha256"))
		return read_end(r, line, &before, e);
	if (json_object_get(line, "master_key")) {
		r->master_key = arena_strdup(r->a, json_str(r->a, line, "master_key"));
		return 0;
	}
	return read_row(r, line, e);
}

static int read_all(struct reading *r, struct err *e)
{
	ssize_t n;

	rewind(r->in);
	r->seen = (struct seen){ 0 };
	r->schema = 0;
	r->ended = false;
	while ((n = getline(&r->line, &r->room, r->in)) > 0) {
		if (r->line[n - 1] == '\n')
			r->line[--n] = '\0';
		TRY(read_line(r, (size_t)n, e));
	}
	if (ferror(r->in))
		return err_errno(e, ERR_IO, errno, "the backup %s cannot be read", r->file);
	return r->ended
	           ? 0
	           : err_set(e, ERR_INPUT, "the backup %s is cut off: its end is missing", r->file);
}

/* The key that is in place has to be the backup's; whether it is, the load finds out. */
static int place_key(struct ops *o, const struct reading *r, bool *placed, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *file = store_key_file(a, o->run.state_dir), *text;

	if (fs_exists(file))
		return 0;
	if (!r->master_key)
		return err_set(e, ERR_INPUT,
		               "the backup %s is without its master key: put that into %s first",
		               r->file, file);
	TRY(fs_mkdirs(o->run.state_dir, 0700, e));
	text = arena_printf(a, "%s\n", r->master_key);
	TRY(fs_write_new(file, text, strlen(text), 0600, e));
	*placed = true;
	return 0;
}

static int open_for_restore(struct ops *o, struct err *e)
{
	const struct store_options so = { .state_dir = o->run.state_dir,
		                          .database_url = o->options.database_url,
		                          .actor = ops_host_actor(o->arena),
		                          .create = true };

	return o->run.store ? 0 : store_open(&so, &o->run.store, e);
}

static int load(struct ops *o, struct reading *r, bool replace, struct err *e)
{
	int64_t schema = 0;

	TRY(open_for_restore(o, e));
	TRY(store_schema(o->run.store, &schema, e));
	if (schema != r->schema)
		return err_set(
		    e, ERR_CONFIG,
		    "the backup %s has schema %lld, this Everleaf's is %lld: restore it with "
		    "the version that made it, and upgrade then",
		    r->file, (long long)r->schema, (long long)schema);
	if (store_load_begin(o->run.store, replace, e) < 0)
		return e->code == ERR_EXISTS ? err_ctx(e, "--force replaces what is there")
		                             : -(int)e->code;
	r->into = o->run.store;
	if (read_all(r, e) < 0) {
		store_rollback(o->run.store);
		return -(int)e->code;
	}
	return store_load_end(
	    o->run.store, "restored",
	    arena_printf(r->a, "all was restored from the backup %s, made %s", r->file, r->made_at),
	    e);
}

int ops_restore(struct ops *o, const char *file, bool replace, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct reading r CLEANUP(reading_done) = { .file = file, .a = a };
	bool placed = false;
	int rc, lock = -1;

	TRY(owner_check_host(o, "a backup", e));
	r.in = fopen(file, "re");
	if (!r.in)
		return err_errno(e, ERR_IO, errno, "the backup %s cannot be read", file);
	TRY(read_all(&r, e));
	TRY(fs_mkdirs(o->run.state_dir, 0700, e));
	TRY(daemon_become(o->run.state_dir, NULL, NULL, &lock, e));
	rc = place_key(o, &r, &placed, e);
	if (rc == 0)
		rc = load(o, &r, replace, e);
	if (rc < 0 && placed)
		unlink(store_key_file(a, o->run.state_dir));
	close(lock);
	return rc;
}

/* copying */

static int copy_row(void *ctx, const struct store_row *row, struct err *e)
{
	return store_load_row(ctx, row, e);
}

static int copy_all(struct store *from, struct store *to, struct err *e)
{
	TRY(store_load_begin(to, false, e));
	if (store_each_row(from, copy_row, to, e) < 0) {
		store_rollback(to);
		return -(int)e->code;
	}
	return store_load_end(to, "copied", "all was copied here from another database", e);
}

int ops_database_copy(struct ops *o, const char *to, struct err *e)
{
	struct store *target CLEANUP(store_cleanup) = NULL;
	const struct store_options so = { .state_dir = o->run.state_dir,
		                          .database_url = to,
		                          .actor = ops_host_actor(o->arena),
		                          .create = true };

	int rc, lock = -1;

	TRY(owner_check_host(o, "the database", e));
	/* what a daemon wrote after the copy began would be lost */
	TRY(daemon_become(o->run.state_dir, NULL, NULL, &lock, e));
	rc = store_open(&so, &target, e);
	if (rc == 0)
		rc = copy_all(o->run.store, target, e);
	close(lock);
	return rc;
}
