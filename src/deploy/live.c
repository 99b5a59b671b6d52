/*
 * See live.h. Order of a write: all files into versions/NAME/.N.tmp, each made durable; the folder
 * renamed to N; the link switched; old versions removed. Whoever has the lease of the certificate
 * writes; there is no other lock.
 */
#include "deploy/live.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "sys/names.h"

#define MAX_FILES 7 /* key, certificate, chain, both, all, request, key store */
#define CHAIN_MAX_BYTES ((size_t)4 << 20)

struct file {
	const char *name;
	struct bytes data;
};
struct files {
	struct file v[MAX_FILES];
	size_t n;
};

static int check_name(const char *cert_name, struct err *e)
{
	if (!cert_name || !name_is_cert_name(cert_name))
		return err_set(e, ERR_INPUT, "\"%s\" cannot be the name of a certificate's folder",
		               cert_name ? cert_name : "");
	return 0;
}

static void add_text(struct files *list, const char *name, const char *text)
{
	list->v[list->n++] = (struct file){ name, { (unsigned char *)text, strlen(text) } };
}

static const char *with_newline(struct arena *a, const char *pem)
{
	size_t n = strlen(pem);

	return n > 0 && pem[n - 1] != '\n' ? arena_printf(a, "%s\n", pem) : pem;
}

static int files_of(struct arena *a, const struct live_files *f, struct files *out, struct err *e)
{
	const char *key = f->key_pem ? with_newline(a, f->key_pem) : "";
	const char *leaf = with_newline(a, f->leaf_pem), *chain = with_newline(a, f->chain_pem);
	bool has_store = f->keystore.n > 0;

	if (has_store &&
	    (!f->keystore_file || strchr(f->keystore_file, '/') || f->keystore_file[0] == '.'))
		return err_set(e, ERR_INPUT, "a key store needs a plain file name");
	if (f->key_pem)
		add_text(out, "privkey.pem", key);
	add_text(out, "cert.pem", leaf);
	add_text(out, "chain.pem", chain);
	add_text(out, "fullchain.pem", with_newline(a, f->fullchain_pem));
	add_text(out, "combined.pem", arena_printf(a, "%s%s%s", key, leaf, chain));
	if (f->csr_pem)
		add_text(out, "cert.csr", f->csr_pem);
	if (has_store)
		out->v[out->n++] = (struct file){ f->keystore_file, f->keystore };
	return 0;
}

static int write_new_version(struct arena *a, const char *folder, int64_t n,
                             const struct files *files, struct err *e)
{
	const char *tmp = arena_printf(a, "%s/.%lld.tmp", folder, (long long)n);
	const char *final = arena_printf(a, "%s/%lld", folder, (long long)n);

	TRY(fs_remove(tmp, e)); /* of a process that was killed here */
	if (mkdir(tmp, 0700) <
	    0) /* its name need not last, so the folder above is not synced for it */
		return err_errno(e, ERR_IO, errno, "cannot create folder %s", tmp);
	for (size_t i = 0; i < files->n; i++)
		TRY(fs_write_new(fs_join(a, tmp, files->v[i].name), files->v[i].data.v,
		                 files->v[i].data.n, 0600, e));
	TRY(fs_sync_dir(tmp, e));
	TRY(fs_rename(tmp, final, e));
	return fs_sync_dir(folder, e);
}

/* The folder came into place whole; a file is missing only when somebody took it away, or wants a
 * key store now. */
static int complete_version(struct arena *a, const char *version, const struct files *files,
                            struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *path = fs_join(a, version, files->v[i].name);
		if (!fs_exists(path))
			TRY(fs_write_atomic(path, files->v[i].data.v, files->v[i].data.n, 0600, e));
	}
	return 0;
}

static const char *version_path(struct arena *a, const char *state_dir, const char *cert_name,
                                int64_t n)
{
	return arena_printf(a, "%s/versions/%s/%lld", state_dir, cert_name, (long long)n);
}

/* What live/NAME points to. */
static const char *link_target(struct arena *a, const char *cert_name, int64_t n)
{
	return arena_printf(a, "../versions/%s/%lld", cert_name, (long long)n);
}

static bool points_to(const char *link, const char *target)
{
	char now[512];
	ssize_t n = readlink(link, now, sizeof(now));

	return n > 0 && (size_t)n == strlen(target) && memcmp(now, target, (size_t)n) == 0;
}

/* The new link is made beside the versions: one that a kill leaves there is replaced by the next,
 * without looking through the links of all certificates. */
static int switch_link(struct arena *a, const char *state_dir, const struct live_files *f,
                       const char *version, struct err *e)
{
	const char *target = link_target(a, f->cert_name, f->n);
	const char *link = live_path(a, state_dir, f->cert_name);

	if (points_to(link, target))
		return 0;
	if (f->before_switch)
		TRY(f->before_switch(f->ctx, version, e));
	return fs_symlink_switch(
	    target, link, arena_printf(a, "%s/versions/%s/.live.tmp", state_dir, f->cert_name), e);
}

/* A version's folder is its number, 1 and up without a leading zero; 0 = anything else. */
static int64_t version_number(const char *name)
{
	size_t len = strspn(name, "0123456789");

	if (len == 0 || len > 18 || name[len] || name[0] == '0')
		return 0;
	return strtoll(name, NULL, 10);
}

static bool is_leftover(const char *name)
{
	size_t len = strlen(name);

	return name[0] == '.' && len > 5 && strcmp(name + len - 4, ".tmp") == 0;
}

static void remove_old(struct arena *a, const char *folder, const char *name)
{
	struct err e;

	if (fs_remove(fs_join(a, folder, name), &e) < 0)
		log_warn("an old version stays: %s", e.text);
}

static int newest_first(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a < b) - (a > b);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Keeps the newest LIVE_KEEP, the live one among them even if it is older. What cannot be removed
 * is only told: the certificate is live by now. */
static void prune(struct arena *a, const char *folder, int64_t live)
{
	CLEANUP(close_dir) DIR *d = opendir(folder);
	struct strings names = { 0 };
	struct dirent *entry;
	size_t n = 0;
	int kept = 1;

	while (d && (entry = readdir(d)))
		strings_add(a, &names, entry->d_name);
	int64_t *numbers = ARENA_ARRAY(a, int64_t, names.n + 1);
	for (size_t i = 0; i < names.n; i++) {
		if (is_leftover(names.v[i]))
			remove_old(a, folder, names.v[i]);
		else if (version_number(names.v[i]) > 0)
			numbers[n++] = version_number(names.v[i]);
	}
	qsort(numbers, n, sizeof(*numbers), newest_first);
	for (size_t i = 0; i < n; i++)
		if (numbers[i] != live && kept++ >= LIVE_KEEP)
			remove_old(a, folder, arena_printf(a, "%lld", (long long)numbers[i]));
}

int64_t *live_numbers(struct arena *a, const char *state_dir, const char *cert_name, size_t *n)
{
	CLEANUP(close_dir)
	DIR *d = opendir(arena_printf(a, "%s/versions/%s", state_dir, cert_name));
	struct strings names = { 0 };
	struct dirent *entry;
	int64_t *numbers;

	while (d && (entry = readdir(d)))
		if (version_number(entry->d_name) > 0)
			strings_add(a, &names, entry->d_name);
	numbers = ARENA_ARRAY(a, int64_t, names.n + 1);
	for (size_t i = 0; i < names.n; i++)
		numbers[i] = version_number(names.v[i]);
	*n = names.n;
	return numbers;
}

int64_t live_newest(struct arena *a, const char *state_dir, const char *cert_name)
{
	int64_t newest = 0, *numbers;
	size_t n;

	numbers = live_numbers(a, state_dir, cert_name, &n);
	for (size_t i = 0; i < n; i++)
		if (numbers[i] > newest)
			newest = numbers[i];
	return newest;
}

bool live_is_there(struct arena *a, const char *state_dir, const char *cert_name)
{
	return fs_exists(live_path(a, state_dir, cert_name)) ||
	       fs_exists(arena_printf(a, "%s/versions/%s", state_dir, cert_name));
}

int live_is_other(struct arena *a, const char *state_dir, const char *cert_name, int64_t n,
                  const char *fullchain_pem, bool *other, struct err *e)
{
	const char *version = version_path(a, state_dir, cert_name, n);
	struct err why;
	char *text;

	if (fs_read(a, fs_join(a, version, "fullchain.pem"), CHAIN_MAX_BYTES, &text, NULL, &why) <
	    0) {
		*other = false;
		if (why.code == ERR_NOT_FOUND)
			return 0;
		*e = why;
		return -(int)e->code;
	}
	*other = strcmp(text, with_newline(a, fullchain_pem)) != 0;
	return 0;
}

static int make_place(struct arena *a, const char *state_dir, const struct live_files *f,
                      struct err *e)
{
	const char *version = version_path(a, state_dir, f->cert_name, f->n);
	const char *aside = arena_printf(a, "%s/versions/%s/.%lld.old.tmp", state_dir, f->cert_name,
	                                 (long long)f->n);
	bool other;

	TRY(live_is_other(a, state_dir, f->cert_name, f->n, f->fullchain_pem, &other, e));
	if (!other)
		return 0;
	TRY(fs_remove(aside, e));
	return fs_rename(version, aside, e); /* pruned with what kills leave behind */
}

int live_write(const char *state_dir, const struct live_files *f, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	struct files files = { 0 };

	TRY(check_name(f->cert_name, e));
	if (f->n <= 0)
		return err_set(e, ERR_INPUT, "%s: version %lld cannot be written", f->cert_name,
		               (long long)f->n);
	TRY(files_of(a, f, &files, e));
	const char *folder = arena_printf(a, "%s/versions/%s", state_dir, f->cert_name);
	const char *version = version_path(a, state_dir, f->cert_name, f->n);
	TRY(fs_mkdirs(folder, 0700, e));
	TRY(fs_mkdirs(fs_join(a, state_dir, "live"), 0700, e));
	if (fs_exists(version))
		TRY(make_place(a, state_dir, f, e));
	if (fs_exists(version))
		TRY(complete_version(a, version, &files, e));
	else
		TRY(write_new_version(a, folder, f->n, &files, e));
	TRY(switch_link(a, state_dir, f, version, e));
	prune(a, folder, f->n);
	return 0;
}

int live_delete(const char *state_dir, const char *cert_name, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);

	TRY(check_name(cert_name, e));
	TRY(fs_remove(live_path(a, state_dir, cert_name), e));
	return fs_remove(arena_printf(a, "%s/versions/%s", state_dir, cert_name), e);
}

int live_drop(const char *state_dir, const char *cert_name, int64_t n, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	const char *link;

	TRY(check_name(cert_name, e));
	link = live_path(a, state_dir, cert_name);
	if (points_to(link, link_target(a, cert_name, n)))
		TRY(fs_remove(link, e));
	return fs_remove(version_path(a, state_dir, cert_name, n), e);
}

char *live_path(struct arena *a, const char *state_dir, const char *cert_name)
{
	return arena_printf(a, "%s/live/%s", state_dir, cert_name);
}
