/*
 * Sealing of secrets at rest by libsodium. The master key is read once into guarded memory that is
 * locked, left out of cores and never written again; a struct seal is then immutable and serves any
 * thread.
 *
 * Two processes that create the key file at once must end with one key: it is written whole under a
 * name of its own and then linked to its place, which only the first can do.
 */
#include "sys/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEX_LEN (2 * (size_t)KEY_LEN)
#define PREFIX "s1:"

struct seal {
	unsigned char *key; /* sodium_malloc, read-only */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Rights that nobody else may have. What systemd hands over is read by an entry of its access list,
 * whose mask shows as the group's right to read; its folder is the service's alone. */
static mode_t rights_refused(const char *path)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t len = credentials ? strlen(credentials) : 0;
	bool is_credential = len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/';

	return is_credential ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
}

/* The file's text, checked on the open descriptor: at most size bytes. */
static int read_key_file(const char *path, char *text, size_t size, size_t *len, struct err *e)
{
	int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "the master key %s is not there", path);
	if (fd < 0)
		return err_errno(e, errno == EACCES ? ERR_DENIED : ERR_IO, errno,
		                 "cannot open the master key %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, ERR_IO, errno, "cannot read the master key %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "the master key %s is not a file", path);
	if (st.st_mode & rights_refused(path))
		return err_set(e, ERR_DENIED,
		               "others may read the master key %s; run: chmod 600 %s", path, path);
	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, text + *len, size - *len);
		if (n < 0)
			return err_errno(e, ERR_IO, errno, "cannot read the master key %s", path);
		if (n == 0)
			break;
	}
	return 0;
}

static int load(const char *path, unsigned char *key, struct err *e)
{
	char text[HEX_LEN + 8];
	size_t len = 0, got = 0;
	const char *end = NULL;
	int rc = read_key_file(path, text, sizeof text, &len, e);

	if (rc == 0) {
		while (len > HEX_LEN && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			len--;
		if (len != HEX_LEN ||
		    sodium_hex2bin(key, KEY_LEN, text, len, NULL, &got, &end) != 0 ||
		    got != KEY_LEN)
			rc = err_set(e, ERR_DAMAGED,
			             "the master key %s is not %zu hexadecimal digits; restore it "
			             "from a backup",
			             path, HEX_LEN);
	}
	sodium_memzero(text, sizeof text);
	return rc;
}

static int sync_folder_of(struct arena *a, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return fs_sync_dir(".", e);
	return fs_sync_dir(arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path)), e);
}

/* Somebody else's key in that place is as good as ours. */
static int put_in_place(struct arena *a, const char *own, const char *path, struct err *e)
{
	int failed = link(own, path) < 0 ? errno : 0;

	unlink(own);
	if (failed && failed != EEXIST)
		return err_errno(e, ERR_IO, failed, "cannot create the master key %s", path);
	return sync_folder_of(a, path, e);
}

static int create(const char *path, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char tag[17], text[HEX_LEN + 2];
	unsigned char raw[KEY_LEN];
	const char *own;
	int rc;

	randombytes_buf(raw, 8);
	sodium_bin2hex(tag, sizeof tag, raw, 8);
	own = arena_printf(a, "%s.%s", path, tag);
	randombytes_buf(raw, sizeof raw);
	sodium_bin2hex(text, sizeof text, raw, sizeof raw);
	text[HEX_LEN] = '\n';
	rc = fs_write_new(own, text, HEX_LEN + 1, 0600, e);
	sodium_memzero(raw, sizeof raw);
	sodium_memzero(text, sizeof text);
	if (rc < 0) {
		unlink(own);
		return rc;
	}
	return put_in_place(a, own, path, e);
}

static int load_or_create(const char *path, bool may_create, unsigned char *key, struct err *e)
{
	int rc = load(path, key, e);

	if (rc != -ERR_NOT_FOUND || !may_create)
		return rc;
	TRY(create(path, e));
	return load(path, key, e);
}

int seal_open(const char *key_file, bool may_create, struct seal **out, struct err *e)
{
	struct seal *s CLEANUP(seal_cleanup) = NULL;

	if (sodium_init() < 0)
		return err_set(e, ERR_CRYPTO, "the sodium library does not start");
	s = calloc(1, sizeof *s);
	if (!s || !(s->key = sodium_malloc(KEY_LEN)))
		return err_set(e, ERR_MEMORY, "no locked memory for the master key");
	TRY(load_or_create(key_file, may_create, s->key, e));
	if (sodium_mprotect_readonly(s->key) < 0)
		return err_set(e, ERR_MEMORY, "cannot protect the master key in memory");
	*out = TAKE(s);
	return 0;
}

void seal_close(struct seal *s)
{
	if (!s)
		return;
	sodium_free(s->key); /* wipes */
	free(s);
}

int seal_lock(const struct seal *s, struct arena *a, const char *label, const char *plain,
              char **out, struct err *e)
{
	size_t len = strlen(plain);
	unsigned char *v = arena_alloc(a, NONCE_LEN + len + TAG_LEN);
	unsigned long long n;

	randombytes_buf(v, NONCE_LEN);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(
	        v + NONCE_LEN, &n, (const unsigned char *)plain, len, (const unsigned char *)label,
	        strlen(label), NULL, v, s->key) != 0)
		return err_set(e, ERR_CRYPTO, "cannot seal %s", label);
	*out = arena_printf(a, PREFIX "%s", base64url_encode(a, v, NONCE_LEN + (size_t)n));
	return 0;
}

int seal_unlock(const struct seal *s, struct arena *a, const char *label, const char *sealed,
                char **out, struct err *e)
{
	struct bytes v;
	unsigned long long n;
	char *plain;

	if (strncmp(sealed, PREFIX, strlen(PREFIX)) != 0 ||
	    base64url_decode(a, sealed + strlen(PREFIX), &v, e) < 0 || v.n < NONCE_LEN + TAG_LEN)
		return err_set(e, ERR_DAMAGED, "%s is not in sealed form", label);
	plain = arena_alloc(a, v.n - NONCE_LEN - TAG_LEN + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
	        (unsigned char *)plain, &n, NULL, v.v + NONCE_LEN, v.n - NONCE_LEN,
	        (const unsigned char *)label, strlen(label), v.v, s->key) != 0)
		return err_set(
		    e, ERR_DAMAGED,
		    "%s cannot be unsealed: it was changed, or sealed with another master key",
		    label);
	*out = plain;
	return 0;
}
