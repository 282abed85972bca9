/* SPDX-License-Identifier: BSD-3-Clause */
/* fleet_file.c: the fleet's secrets, from a file and into one. */
#define _GNU_SOURCE
#include "fleet_file.h"
#include "tg_types.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX_LEN = 2 * TG_FLEET_SECRET_LEN, PATH_LEN = 512 };

static const char pools_word[] = "pools";

/* --- what is wrong --- */

static int fail(char *err, size_t err_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *err, size_t err_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, err_size, format, args);
	va_end(args);
	return -1;
}

/* --- text to secrets --- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* at[2 * n]; false when one is no digit. */
static bool take_hex(const char *at, uint8_t secret[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(at[2 * i]), low = hex_digit(at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Nobody draws one whose halves are equal; somebody fills one in. And the halves are two keys whose
 * results are added: equal, they would cancel each other. */
static bool is_placeholder(const uint8_t secret[TG_FLEET_SECRET_LEN])
{
	const size_t half = TG_FLEET_SECRET_LEN / 2;

	return memcmp(secret, secret + half, half) == 0;
}

/* What stands in a line between blanks, without its comment; its length. */
static size_t strip(const char **at, size_t len)
{
	while (len && isspace((unsigned char)**at)) {
		(*at)++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if ((*at)[i] == '#' || (*at)[i] == ';')
			len = i;
	while (len && isspace((unsigned char)(*at)[len - 1]))
		len--;
	return len;
}

/* What follows the word; whether it is there. */
static bool is_pools(const char **at, size_t *len)
{
	const size_t word = sizeof(pools_word) - 1;

	if (*len <= word || memcmp(*at, pools_word, word) != 0 ||
	    !isspace((unsigned char)(*at)[word]))
		return false;
	*at += word;
	*len = strip(at, *len - word);
	return true;
}

static int take_pools(const char *name, uint32_t line, const char *at, size_t len,
		      struct tg_fleet_secrets *out, char *err, size_t err_size)
{
	if (out->has_pools)
		return fail(err, err_size, "%s:%u: `%s` is there twice: take one line out", name,
			    line, pools_word);
	if (len != 2 * TG_FLEET_POOLS_LEN || !take_hex(at, out->pools, TG_FLEET_POOLS_LEN))
		return fail(err, err_size,
			    "%s:%u: behind `%s` stand %d hexadecimal digits; take the line out, "
			    "and `tidegate fleet-key --add FILE` makes it",
			    name, line, pools_word, 2 * TG_FLEET_POOLS_LEN);
	out->has_pools = 1;
	return 0;
}

static int take_line(const char *name, uint32_t line, const char *at, size_t len,
		     struct tg_fleet_secrets *out, char *err, size_t err_size)
{
	len = strip(&at, len);
	if (len == 0)
		return 0;
	if (is_pools(&at, &len))
		return take_pools(name, line, at, len, out, err, err_size);
	if (out->n == TG_FLEET_SECRET_MAX)
		return fail(err, err_size,
			    "%s:%u: a third secret, and at most two are accepted at a time: take "
			    "out the one that no node mints with any more",
			    name, line);
	if (len != HEX_LEN)
		return fail(err, err_size,
			    "%s:%u: a secret is a line of %d hexadecimal digits, and this one has "
			    "%zu characters: `tidegate fleet-key FILE` makes one",
			    name, line, HEX_LEN, len);
	uint8_t *secret = out->secret[out->n];
	if (!take_hex(at, secret, TG_FLEET_SECRET_LEN))
		return fail(err, err_size,
			    "%s:%u: not all of the %d characters are hexadecimal digits: "
			    "`tidegate fleet-key FILE` makes a secret",
			    name, line, HEX_LEN);
	if (is_placeholder(secret))
		return fail(err, err_size,
			    "%s:%u: what repeats itself is no secret: `tidegate fleet-key FILE` "
			    "makes one",
			    name, line);
	out->n++;
	if (out->n == 2 && memcmp(out->secret[0], out->secret[1], TG_FLEET_SECRET_LEN) == 0)
		return fail(err, err_size, "%s:%u: the same secret twice: take one line out", name,
			    line);
	return 0;
}

int tg_fleet_file_parse(const char *name, const char *text, size_t len,
			struct tg_fleet_secrets *out, char *err, size_t err_size)
{
	const char *at = text, *end = text + len;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (uint32_t line = 1; at < end && rc == 0; line++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *stop = nl ? nl : end;
		rc = take_line(name, line, at, (size_t)(stop - at), out, err, err_size);
		at = nl ? nl + 1 : end;
	}
	if (rc == 0 && out->n == 0)
		rc = fail(err, err_size,
			  "%s: is empty: it needs a secret, which `tidegate fleet-key FILE` makes",
			  name);
	if (rc != 0)
		tg_fleet_file_wipe(out);
	return rc;
}

/* --- files --- */

/* Nobody else may read or write it. A descriptor may have no path that could be opened. */
static int check_owner(const char *name, const struct stat *st, char *err, size_t err_size)
{
	if (st->st_nlink == 0)
		return 0; /* unlinked, or memory: only who holds a descriptor has it */
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return fail(err, err_size,
			    "%s: belongs to user %u, who could change it: chown %u %s", name,
			    (unsigned)st->st_uid, (unsigned)geteuid(), name);
	if (st->st_mode & 077)
		return fail(err, err_size,
			    "%s: mode %04o lets others at the fleet's secret: chmod 600 %s", name,
			    (unsigned)st->st_mode & 07777, name);
	return 0;
}

/* All of it into text[TG_FLEET_FILE_MAX + 1]; the length, or -1 with errno. */
static ssize_t read_all(int fd, bool seekable, char *text)
{
	size_t len = 0;

	while (len <= TG_FLEET_FILE_MAX) {
		size_t room = TG_FLEET_FILE_MAX + 1 - len;
		ssize_t n =
		    seekable ? pread(fd, text + len, room, (off_t)len) : read(fd, text + len, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int read_open(int fd, const char *name, bool seekable, struct tg_fleet_secrets *out,
		     char *err, size_t err_size)
{
	char text[TG_FLEET_FILE_MAX + 1];
	ssize_t len = read_all(fd, seekable, text);
	int rc;

	if (len < 0)
		rc = fail(err, err_size, "%s: cannot be read: %s", name, strerror(errno));
	else if (len > TG_FLEET_FILE_MAX)
		rc = fail(err, err_size, "%s: is over %d bytes: this is no file of secrets", name,
			  TG_FLEET_FILE_MAX);
	else
		rc = tg_fleet_file_parse(name, text, (size_t)len, out, err, err_size);
	explicit_bzero(text, sizeof(text));
	return rc;
}

int tg_fleet_file_read(const char *path, struct tg_fleet_secrets *out, char *err, size_t err_size)
{
	struct stat st;
	int rc;

	memset(out, 0, sizeof(*out));
	/* Not waiting: a FIFO is refused, not read. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail(err, err_size, "%s: cannot be opened: %s%s", path, strerror(errno),
			    errno == ENOENT ? "; `tidegate fleet-key FILE` makes one" : "");
	if (fstat(fd, &st) != 0)
		rc = fail(err, err_size, "%s: cannot be looked at: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = fail(err, err_size,
			  "%s: is no regular file: give the path of one, or a descriptor by "
			  "secret_fd",
			  path);
	else if ((rc = check_owner(path, &st, err, err_size)) == 0)
		rc = read_open(fd, path, true, out, err, err_size);
	close(fd);
	return rc;
}

int tg_fleet_file_read_fd(int fd, bool again, struct tg_fleet_secrets *out, char *err,
			  size_t err_size)
{
	char name[32];
	struct stat st;

	memset(out, 0, sizeof(*out));
	snprintf(name, sizeof(name), "descriptor %d", fd);
	if (fstat(fd, &st) != 0)
		return fail(err, err_size,
			    "%s: is not open: who starts tidegate must pass it on, as with "
			    "`%d<FILE`",
			    name, fd);
	bool regular = S_ISREG(st.st_mode);
	if (!regular && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		return fail(err, err_size, "%s: is neither a file nor a pipe nor a socket", name);
	if (!regular && again) /* and waiting for its end would hold everything up */
		return fail(err, err_size,
			    "%s: is a pipe, which is read once: start again to change the secret",
			    name);
	if (regular && check_owner(name, &st, err, err_size) != 0)
		return -1;
	return read_open(fd, name, regular, out, err, err_size);
}

/* --- making --- */

bool tg_fleet_file_draw(uint8_t secret[TG_FLEET_SECRET_LEN])
{
	return getrandom(secret, TG_FLEET_SECRET_LEN, 0) == TG_FLEET_SECRET_LEN;
}

static size_t format_hex(const uint8_t secret[], size_t len, char *text, size_t size)
{
	size_t n = 0;

	for (size_t k = 0; k < len; k++, n += 2)
		snprintf(text + n, size - n, "%02x", secret[k]);
	return n + (size_t)snprintf(text + n, size - n, "\n");
}

static size_t format_text(const struct tg_fleet_secrets *secrets, char *text, size_t size)
{
	static const char head[] =
	    "# The secrets of a tidegate fleet: the first mints, both are accepted. Keep them "
	    "secret.\n";
	size_t n = (size_t)snprintf(text, size, "%s", head);

	for (uint32_t i = 0; i < secrets->n; i++)
		n += format_hex(secrets->secret[i], TG_FLEET_SECRET_LEN, text + n, size - n);
	if (secrets->has_pools) {
		n += (size_t)snprintf(text + n, size - n, "# By what they choose backends.\n%s ",
				      pools_word);
		n += format_hex(secrets->pools, TG_FLEET_POOLS_LEN, text + n, size - n);
	}
	assert(n < size);
	return n;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* Writes and closes. */
static bool fill_file(int fd, const struct tg_fleet_secrets *secrets)
{
	char text[TG_FLEET_FILE_MAX];
	bool good = write_all(fd, text, format_text(secrets, text, sizeof(text)));

	explicit_bzero(text, sizeof(text));
	return close(fd) == 0 && good;
}

/* The umask may only take away. */
static int create(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int write_new(const char *path, const struct tg_fleet_secrets *secrets, char *err,
		     size_t err_size)
{
	int fd = create(path);

	if (fd < 0 && errno == EEXIST)
		return fail(err, err_size,
			    "%s: is there already, and is not written over: take another name, or "
			    "--add",
			    path);
	if (fd < 0)
		return fail(err, err_size, "%s: cannot be made: %s", path, strerror(errno));
	if (fill_file(fd, secrets))
		return 0;
	fail(err, err_size, "%s: cannot be written: %s", path, strerror(errno));
	unlink(path);
	return -1;
}

static int write_over(const char *path, const struct tg_fleet_secrets *secrets, char *err,
		      size_t err_size)
{
	char other[PATH_LEN];
	struct stat st;

	if ((size_t)snprintf(other, sizeof(other), "%s.new", path) >= sizeof(other))
		return fail(err, err_size, "%s: the path is too long", path);
	int fd = stat(path, &st) == 0 ? create(other) : -1;
	if (fd < 0)
		return fail(err, err_size, "%s: cannot be made: %s", other, strerror(errno));
	bool good = (st.st_uid == geteuid() || fchown(fd, st.st_uid, st.st_gid) == 0);
	good = fill_file(fd, secrets) && good && rename(other, path) == 0;
	if (good)
		return 0;
	fail(err, err_size, "%s: cannot be replaced: %s", path, strerror(errno));
	unlink(other);
	return -1;
}

int tg_fleet_file_write(const char *path, const struct tg_fleet_secrets *secrets, bool replace,
			char *err, size_t err_size)
{
	assert(secrets->n >= 1 && secrets->n <= TG_FLEET_SECRET_MAX);
	return replace ? write_over(path, secrets, err, err_size)
		       : write_new(path, secrets, err, err_size);
}

/* --- the rest --- */

/* Both halves of the secret are keys, and what is hashed is a text of its own: so the digits say as
 * little about it as a cookie does. */
void tg_fleet_file_id(const uint8_t secret[TG_FLEET_SECRET_LEN], char id[TG_FLEET_ID_LEN])
{
	static const char label[] = "the name of a secret of a tidegate fleet";
	struct tg_sipkey key[2];

	static_assert(sizeof(key) == TG_FLEET_SECRET_LEN, "both keys are the secret");
	memcpy(key, secret, sizeof(key));
	uint64_t first = tg_siphash24(&key[0], label, sizeof(label));
	uint64_t both = tg_siphash24(&key[1], &first, sizeof(first));
	snprintf(id, TG_FLEET_ID_LEN, "%08x", (uint32_t)both);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&first, sizeof(first));
}

/* --- pools --- */

/* As in an id, both halves of the secret count, and the text is a purpose of its own. */
void tg_fleet_file_pools(const struct tg_fleet_secrets *secrets, uint8_t pools[TG_FLEET_POOLS_LEN])
{
	uint8_t text[] = "the choice of backends in a tidegate fleet", inner[8];
	const uint8_t *s = secrets->secret[0];

	assert(secrets->n >= 1);
	if (secrets->has_pools) {
		memcpy(pools, secrets->pools, TG_FLEET_POOLS_LEN);
		return;
	}
	struct tg_sipkey key[2] = {{tg_le64_get(s), tg_le64_get(s + 8)},
				   {tg_le64_get(s + 16), tg_le64_get(s + 24)}};
	for (uint8_t word = 0; word < TG_FLEET_POOLS_LEN / 8; word++) {
		text[sizeof(text) - 1] = word;
		tg_le64_put(inner, tg_siphash24(&key[0], text, sizeof(text)));
		tg_le64_put(pools + 8 * word, tg_siphash24(&key[1], inner, sizeof(inner)));
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(inner, sizeof(inner));
}

void tg_fleet_file_pools_id(const uint8_t pools[TG_FLEET_POOLS_LEN], char id[TG_FLEET_ID_LEN])
{
	uint8_t twice[TG_FLEET_SECRET_LEN];

	static_assert(sizeof(twice) == 2 * TG_FLEET_POOLS_LEN, "it is as long as a secret");
	memcpy(twice, pools, TG_FLEET_POOLS_LEN);
	memcpy(twice + TG_FLEET_POOLS_LEN, pools, TG_FLEET_POOLS_LEN);
	tg_fleet_file_id(twice, id);
	explicit_bzero(twice, sizeof(twice));
}

struct tg_sipkey tg_fleet_file_pool_key(const uint8_t pools[TG_FLEET_POOLS_LEN], const char *name)
{
	const struct tg_sipkey root = {tg_le64_get(pools), tg_le64_get(pools + 8)};
	char text[64];
	size_t n = (size_t)snprintf(text, sizeof(text), "0%s", name);

	assert(n < sizeof(text));
	uint64_t k0 = tg_siphash24(&root, text, n);
	text[0] = '1';
	return (struct tg_sipkey){k0, tg_siphash24(&root, text, n)};
}

void tg_fleet_file_wipe(struct tg_fleet_secrets *secrets)
{
	explicit_bzero(secrets, sizeof(*secrets));
}
