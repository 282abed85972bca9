/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a fleet's secrets (SC-12, SC-13): what is read, what is refused in which line, and
 * that nothing of a secret is ever told. */
#define _GNU_SOURCE
#include "fleet_file.h"
#include "tg_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char one[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char two[] = "F0F1F2F3f4f5f6f7f8f9fafbfcfdfeff00102030405060708090A0B0C0D0E0D0";

static struct tg_fleet_secrets got;
static char err[512], dir[64], path[128];

static int parse(const char *text)
{
	err[0] = 0;
	return tg_fleet_file_parse("f.key", text, strlen(text), &got, err, sizeof(err));
}

/* Refused, in one line that names `what`, tells nothing, and with nothing kept. */
static void told(int rc, const char *what)
{
	static const struct tg_fleet_secrets none;
	bool good = strstr(err, what) && !strchr(err, '\n') && !strstr(err, "0203") &&
		    !strstr(err, "f1f2") && !strstr(err, "F1F2");

	CU_ASSERT_EQUAL(rc, -1);
	if (!good)
		printf("\n    wanted ... %s ...\n    got    %s\n", what, err);
	CU_ASSERT(good);
	CU_ASSERT(memcmp(&got, &none, sizeof(none)) == 0);
}

static void refused(const char *text, const char *what)
{
	told(parse(text), what);
}

static void test_parse_oneOrTwo_read(void)
{
	char text[1024];

	CU_ASSERT_EQUAL_FATAL(parse(one), 0); /* without a last newline */
	CU_ASSERT_EQUAL(got.n, 1);
	for (uint32_t i = 0; i < TG_FLEET_SECRET_LEN; i++)
		CU_ASSERT_EQUAL(got.secret[0][i], i);
	snprintf(text, sizeof(text), "# first\n\n  %s\t; mints\r\n\n%s # and\n;%s\n#%s\n", one, two,
		 one, one);
	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_EQUAL(got.n, 2);
	CU_ASSERT_EQUAL(got.secret[0][31], 0x1f);
	CU_ASSERT_EQUAL(got.secret[1][0], 0xf0);
	CU_ASSERT_EQUAL(got.secret[1][31], 0xd0);
}

static void test_parse_wrong_refused(void)
{
	char text[1024];

	refused("", "f.key: is empty");
	refused("# nothing\n\n", "f.key: is empty");
	snprintf(text, sizeof(text), "\n%.63s\n", one);
	refused(text, "f.key:2: a secret is a line of 64 hexadecimal digits, and this one has 63");
	snprintf(text, sizeof(text), "%s0\n", one);
	refused(text, "has 65 characters");
	snprintf(text, sizeof(text), "%.62s g\n", one);
	refused(text, "f.key:1: not all of the 64");
	snprintf(text, sizeof(text), "%.62s-1\n", one);
	refused(text, "not all of the 64");
	snprintf(text, sizeof(text), "%s\n%s\n%s\n", one, two, two);
	refused(text, "f.key:3: a third secret");
	snprintf(text, sizeof(text), "%s\n%s\n", one, one);
	refused(text, "f.key:2: the same secret twice");
	snprintf(text, sizeof(text), "%s\nsecret\n", one);
	refused(text, "f.key:2: ");
	memset(text, '0', 64);
	text[64] = 0;
	refused(text, "f.key:1: what repeats itself is no secret");
	snprintf(text, sizeof(text), "%.32s%.32s", one, one); /* its keys would cancel out */
	refused(text, "f.key:1: what repeats itself is no secret");
	memset(text, 'x', 64);
	refused(text, "not all of the 64");
}

/* Every text that is not a file of secrets: said, never crashed on. */
static void test_parse_random_noCrash(void)
{
	char text[200];
	uint64_t x = tg_test_seed | 1;

	for (uint32_t i = 0; i < 20000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		size_t len = (x >> 33) % sizeof(text);
		for (size_t k = 0; k < len; k++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			text[k] = "0123456789abcdef\n#; \t\r\0\xff"[(x >> 33) % 24];
		}
		int rc = tg_fleet_file_parse("f.key", text, len, &got, err, sizeof(err));
		CU_ASSERT((rc == 0) == (got.n > 0));
	}
}

/* --- files --- */

static void put(const char *text, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	close(fd);
}

static int read_path(void)
{
	err[0] = 0;
	return tg_fleet_file_read(path, &got, err, sizeof(err));
}

static void begin_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_fleet_file.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f.key", dir);
}

static void end_dir(void)
{
	unlink(path);
	CU_ASSERT_EQUAL(rmdir(dir), 0); /* nothing else was left in it */
}

static void test_read_mode_onlyTheOwners(void)
{
	static const mode_t good[] = {0600, 0400, 0700}, bad[] = {0640, 0604, 0644, 0620, 0601};

	begin_dir();
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		put(one, good[i]);
		CU_ASSERT_EQUAL(read_path(), 0);
		CU_ASSERT_EQUAL(got.n, 1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char mends[200];
		put(one, bad[i]);
		snprintf(mends, sizeof(mends), "chmod 600 %s", path);
		told(read_path(), mends);
	}
	end_dir();
}

static void test_read_owner_isUsOrRoot(void)
{
	begin_dir();
	put(one, 0600);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(chown(path, 12345, (gid_t)-1), 0);
		told(read_path(), "belongs to user 12345");
	}
	end_dir();
}

static void test_read_noFile_refused(void)
{
	char text[TG_FLEET_FILE_MAX + 2];

	begin_dir();
	told(read_path(), "No such file or directory; `tidegate fleet-key FILE` makes one");
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	told(read_path(), "no regular file");
	rmdir(path);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	told(read_path(), "no regular file"); /* and does not wait for a writer */
	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = 0;
	put(text, 0600);
	told(read_path(), "is over 4096 bytes");
	put("", 0600);
	told(read_path(), "is empty");
	end_dir();
}

/* A file again and again from its start, a pipe once, memory that nobody else can open. */
static void test_readFd_kinds_readOrRefused(void)
{
	int pipes[2];

	begin_dir();
	put(one, 0600);
	int fd = open(path, O_RDONLY);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(tg_fleet_file_read_fd(fd, i > 0, &got, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(got.secret[0][31], 0x1f);
	CU_ASSERT_EQUAL(fchmod(fd, 0644), 0);
	told(tg_fleet_file_read_fd(fd, false, &got, err, sizeof(err)), "0644");
	close(fd);
	told(tg_fleet_file_read_fd(fd, false, &got, err, sizeof(err)), "is not open");
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	CU_ASSERT_EQUAL(write(pipes[1], two, 64), 64);
	close(pipes[1]);
	CU_ASSERT_EQUAL(tg_fleet_file_read_fd(pipes[0], false, &got, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(got.secret[0][0], 0xf0);
	told(tg_fleet_file_read_fd(pipes[0], false, &got, err, sizeof(err)), "is empty");
	told(tg_fleet_file_read_fd(pipes[0], true, &got, err, sizeof(err)), "is read once");
	close(pipes[0]);
	fd = memfd_create("secret", MFD_CLOEXEC);
	CU_ASSERT_EQUAL(write(fd, two, 64), 64);
	CU_ASSERT_EQUAL(tg_fleet_file_read_fd(fd, false, &got, err, sizeof(err)), 0);
	close(fd);
	fd = open("/dev/zero", O_RDONLY);
	told(tg_fleet_file_read_fd(fd, false, &got, err, sizeof(err)), "neither");
	close(fd);
	end_dir();
}

static void test_write_newAndOver_readBack(void)
{
	struct tg_fleet_secrets s = {.n = 1}, other;
	struct stat st;

	begin_dir();
	CU_ASSERT(tg_fleet_file_draw(s.secret[0]));
	umask(0);
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, false, err, sizeof(err)), 0);
	umask(022);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(read_path(), 0);
	CU_ASSERT(memcmp(&got, &s, sizeof(s)) == 0);
	/* Never over another. */
	CU_ASSERT(tg_fleet_file_draw(s.secret[1]));
	s.n = 2;
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, false, err, sizeof(err)), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "is there already"));
	other = got;
	CU_ASSERT_EQUAL(read_path(), 0);
	CU_ASSERT(memcmp(&got, &other, sizeof(s)) == 0);
	/* Unless that is wanted. */
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, true, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(read_path(), 0);
	CU_ASSERT(memcmp(&got, &s, sizeof(s)) == 0);
	end_dir();
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, false, err, sizeof(err)), -1);
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, true, err, sizeof(err)), -1);
}

static void test_draw_twice_differ(void)
{
	uint8_t a[TG_FLEET_SECRET_LEN], b[TG_FLEET_SECRET_LEN];

	CU_ASSERT(tg_fleet_file_draw(a) && tg_fleet_file_draw(b));
	CU_ASSERT(memcmp(a, b, sizeof(a)) != 0);
}

/* The id follows each half, and is none of the secret's own bytes. */
static void test_id_eachByte_counts(void)
{
	uint8_t secret[TG_FLEET_SECRET_LEN] = {1};
	char id[TG_FLEET_ID_LEN], other[TG_FLEET_ID_LEN];

	tg_fleet_file_id(secret, id);
	CU_ASSERT_EQUAL(strlen(id), 8);
	for (uint32_t i = 0; i < TG_FLEET_SECRET_LEN; i++) {
		secret[i] ^= 0x80;
		tg_fleet_file_id(secret, other);
		CU_ASSERT(strcmp(id, other) != 0);
		secret[i] ^= 0x80;
	}
	memset(secret, 7, sizeof(secret)); /* equal halves do not cancel each other */
	tg_fleet_file_id(secret, id);
	memset(secret, 8, sizeof(secret));
	tg_fleet_file_id(secret, other);
	CU_ASSERT(strcmp(id, other) != 0);
}

/* --- what pools choose by --- */

static const char pools[] = "pools 0f0e0d0c0b0a09080706050403020100";

static struct tg_sipkey key_of(const char *text, const char *pool)
{
	uint8_t root[TG_FLEET_POOLS_LEN];

	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	tg_fleet_file_pools(&got, root);
	return tg_fleet_file_pool_key(root, pool);
}

static bool is_same(struct tg_sipkey a, struct tg_sipkey b)
{
	return a.k0 == b.k0 && a.k1 == b.k1;
}

/* All nodes choose alike: the key follows from the file, and the line keeps it what it is whatever
 * becomes of the secrets. */
static void test_pools_line_outlivesSecrets(void)
{
	char text[512];

	snprintf(text, sizeof(text), "%s\n%s # kept\n", one, pools);
	struct tg_sipkey web = key_of(text, "web"), mail = key_of(text, "mail");

	CU_ASSERT_EQUAL(got.n, 1);
	CU_ASSERT_EQUAL(got.has_pools, 1);
	CU_ASSERT_EQUAL(got.pools[0], 0x0f);
	CU_ASSERT_EQUAL(got.pools[14], 0x01);
	CU_ASSERT(!is_same(web, mail));
	CU_ASSERT(web.k0 != web.k1);
	snprintf(text, sizeof(text), "%s\n\tpools\t%s\n%s\n", one, pools + 6, two);
	CU_ASSERT(is_same(key_of(text, "web"), web));
	snprintf(text, sizeof(text), "%s\n%s\n%s\n", two, one, pools);
	CU_ASSERT(is_same(key_of(text, "web"), web));
	snprintf(text, sizeof(text), "%s\n%s\n", two, pools);
	CU_ASSERT(is_same(key_of(text, "web"), web));
	snprintf(text, sizeof(text), "%s\npools %.31s1\n", two, pools + 6);
	CU_ASSERT(!is_same(key_of(text, "web"), web));
}

/* Without the line: by the first secret, by all of it, and by nothing else. */
static void test_pools_noLine_ofTheFirstSecret(void)
{
	struct tg_fleet_secrets s = {.n = 1};
	uint8_t root[TG_FLEET_POOLS_LEN], other[TG_FLEET_POOLS_LEN];
	char text[512], id[TG_FLEET_ID_LEN], id2[TG_FLEET_ID_LEN];

	struct tg_sipkey web = key_of(one, "web");
	snprintf(text, sizeof(text), "%s\n%s\n", one, two);
	CU_ASSERT(is_same(key_of(text, "web"), web));
	CU_ASSERT(!is_same(key_of(two, "web"), web));
	tg_fleet_file_pools(&s, root);
	tg_fleet_file_pools_id(root, id);
	for (uint32_t i = 0; i < TG_FLEET_SECRET_LEN; i++) {
		s.secret[0][i] ^= 0x80;
		tg_fleet_file_pools(&s, other);
		tg_fleet_file_pools_id(other, id2);
		CU_ASSERT(memcmp(root, other, 8) != 0 && memcmp(root + 8, other + 8, 8) != 0);
		CU_ASSERT(strcmp(id, id2) != 0);
		s.secret[0][i] ^= 0x80;
	}
}

static void test_pools_wrong_refused(void)
{
	char text[512];

	snprintf(text, sizeof(text), "%s\n%s\n%s\n", one, pools, pools);
	refused(text, "f.key:3: `pools` is there twice");
	snprintf(text, sizeof(text), "%s\npools 0203\n", one);
	refused(text, "f.key:2: behind `pools` stand 32 hexadecimal digits");
	snprintf(text, sizeof(text), "%s\npools %s\n", one, one);
	refused(text, "f.key:2: behind `pools` stand 32");
	snprintf(text, sizeof(text), "%s\npools %.31sx\n", one, one);
	refused(text, "f.key:2: behind `pools` stand 32");
	refused(pools, "f.key: is empty: it needs a secret");
	snprintf(text, sizeof(text), "%s\npools\n", one);
	refused(text, "f.key:2: a secret is a line of 64");
}

static void test_pools_written_readBack(void)
{
	struct tg_fleet_secrets s;
	char text[512];

	begin_dir();
	snprintf(text, sizeof(text), "%s\n%s\n%s\n", one, two, pools);
	CU_ASSERT_EQUAL(parse(text), 0);
	s = got;
	CU_ASSERT_EQUAL(tg_fleet_file_write(path, &s, false, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(read_path(), 0);
	CU_ASSERT(memcmp(&got, &s, sizeof(s)) == 0);
	end_dir();
}

static const struct tg_test tests[] = {
    {"parse_oneOrTwo_read", test_parse_oneOrTwo_read},
    {"parse_wrong_refused", test_parse_wrong_refused},
    {"parse_random_noCrash", test_parse_random_noCrash},
    {"read_mode_onlyTheOwners", test_read_mode_onlyTheOwners},
    {"read_owner_isUsOrRoot", test_read_owner_isUsOrRoot},
    {"read_noFile_refused", test_read_noFile_refused},
    {"readFd_kinds_readOrRefused", test_readFd_kinds_readOrRefused},
    {"write_newAndOver_readBack", test_write_newAndOver_readBack},
    {"draw_twice_differ", test_draw_twice_differ},
    {"id_eachByte_counts", test_id_eachByte_counts},
    {"pools_line_outlivesSecrets", test_pools_line_outlivesSecrets},
    {"pools_noLine_ofTheFirstSecret", test_pools_noLine_ofTheFirstSecret},
    {"pools_wrong_refused", test_pools_wrong_refused},
    {"pools_written_readBack", test_pools_written_readBack},
};

int main(int argc, char **argv)
{
	return tg_test_main("fleet_file", tests, TG_TEST_N(tests), argc, argv);
}
