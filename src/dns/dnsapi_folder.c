/*
 * Where a script of acme.sh's is, and the folder it runs in: ROOT (ours; others may pass through),
 * with copies of the shim and of the script, and ROOT/work, which belongs to the user the script
 * runs as. It lies in memory where there is /dev/shm, since scripts write what they send into
 * files. What a killed process left is removed by the next one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "dns/dnsapi_impl.h"

#define SCRIPT_MAX ((size_t)1 << 20)
#define STEM "everleaf-dnsapi-"

static const char *const folders[] = { "/etc/everleaf/dnsapi", "/usr/local/share/acme.sh/dnsapi",
	                               "/usr/share/acme.sh/dnsapi" };

/* "dns_cf" of "/a/dns_cf.sh"; NULL if that is no name of a script. */
static const char *prefix_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len > 3 && strcmp(name + len - 3, ".sh") == 0)
		len -= 3;
	if (len < 5 || len > 64 || strncmp(name, "dns_", 4) != 0 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < len)
		return NULL;
	return arena_strndup(a, name, len);
}

/* Its form with and without .sh, in one folder. */
static const char *in_folder(struct arena *a, const char *folder, const char *prefix)
{
	const char *path = arena_printf(a, "%s/%s.sh", folder, prefix);

	if (fs_exists(path))
		return path;
	path = arena_printf(a, "%s/%s", folder, prefix);
	return fs_exists(path) ? path : NULL;
}

static struct strings search_path(struct arena *a, const struct dnsapi *d)
{
	const char *home = getenv("HOME");
	struct strings all = { 0 };

	if (d->folder.n > 0)
		return d->folder;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		strings_add(a, &all, folders[i]);
	if (home && *home == '/')
		strings_add(a, &all, arena_printf(a, "%s/.acme.sh/dnsapi", home));
	return all;
}

/* Whoever can write it can have all secrets of the account. */
static int check_script(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, ERR_CONFIG, errno, "\"script\": %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "\"script\": %s is no file", path);
	if (st.st_mode & S_IWOTH)
		return err_set(e, ERR_CONFIG, "\"script\": everybody can write %s; chmod o-w it",
		               path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, ERR_CONFIG,
		               "\"script\": %s belongs neither to root nor to Everleaf's user; "
		               "chown it",
		               path);
	return 0;
}

int dnsapi_find(struct arena *a, const struct dnsapi *d, struct dnsapi_script *out, struct err *e)
{
	struct dnsapi_script script = { .prefix = prefix_of(a, d->script) };
	struct strings all = search_path(a, d);

	if (!script.prefix)
		return err_set(e, ERR_CONFIG,
		               "\"script\" must be a name like dns_cf, or the path of a file named "
		               "like that");
	if (strchr(d->script, '/')) {
		if (d->script[0] != '/')
			return err_set(e, ERR_CONFIG, "\"script\" must be a whole path or a name");
		script.path = d->script;
	}
	for (size_t i = 0; !script.path && i < all.n; i++)
		script.path = in_folder(a, all.v[i], script.prefix);
	if (!script.path)
		return err_set(e, ERR_CONFIG,
		               "there is no script %s.sh in %s; say its whole path, or `folder`",
		               script.prefix, strings_join(a, &all, ", "));
	TRY(check_script(script.path, e));
	*out = script;
	return 0;
}

/* Folders of processes that are no more, whose secrets should be no more either. */
static void sweep(struct arena *a, const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *entry;
	struct err ignored;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		long pid = strncmp(name, STEM, strlen(STEM)) == 0
		               ? strtol(name + strlen(STEM), NULL, 10)
		               : 0;

		if (pid <= 0 || fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_uid != geteuid() || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		if (fs_remove(fs_join(a, base, name), &ignored) == 0)
			log_debug("removed %s/%s, which a killed process left", base, name);
	}
	if (dir)
		closedir(dir);
}

static const char *base_folder(void)
{
	const char *temporary = getenv("TMPDIR");

	if (access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return temporary && *temporary == '/' ? temporary : "/tmp";
}

static int fill(struct arena *a, const struct dnsapi_script *script, const struct child_user *user,
                struct dnsapi_folder *f, struct err *e)
{
	char *text;
	size_t len;

	TRY(fs_read(a, script->path, SCRIPT_MAX, &text, &len, e));
	TRY(fs_write_new(f->shim, dnsapi_shim, strlen(dnsapi_shim), 0644, e));
	TRY(fs_write_new(f->script, text, len, 0644, e));
	if (mkdir(f->work, 0700) < 0 || chmod(f->shim, 0644) < 0 || chmod(f->script, 0644) < 0 ||
	    chmod(f->root, 0711) < 0 || (user->change && chown(f->work, user->uid, user->gid) < 0))
		return err_errno(e, ERR_IO, errno, "cannot prepare %s", f->root);
	return 0;
}

int dnsapi_folder_make(struct arena *a, const struct dnsapi_script *script,
                       const struct child_user *user, struct dnsapi_folder *out, struct err *e)
{
	const char *base = base_folder();
	char *root = arena_printf(a, "%s/" STEM "%ld-XXXXXX", base, (long)getpid());
	struct dnsapi_folder f = { 0 };

	sweep(a, base);
	if (!mkdtemp(root))
		return err_errno(e, ERR_IO, errno, "cannot make a folder in %s", base);
	f.root = root;
	f.shim = fs_join(a, root, "shim.sh");
	f.script = arena_printf(a, "%s/%s.sh", root, script->prefix);
	f.work = fs_join(a, root, "work");
	if (fill(a, script, user, &f, e) < 0) {
		dnsapi_folder_remove(&f);
		return err_is_failure(-(int)e->code);
	}
	*out = f;
	return 0;
}

void dnsapi_folder_remove(struct dnsapi_folder *f)
{
	struct err e;

	if (f->root && fs_remove(f->root, &e) < 0)
		log_warn("%s", e.text);
	f->root = NULL;
}
