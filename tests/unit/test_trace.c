/* SPDX-License-Identifier: BSD-3-Clause */
/* test_trace.c: captures written and read back, and files that are none. */
#include "tg_test.h"
#include "tg_trace.h"

#include <unistd.h>

enum { ERR = 160 };

/* A fresh file name; the test removes the file. */
static void temp_path(char *path)
{
	strcpy(path, "/tmp/tidegate-trace-XXXXXX");
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
}

static void write_bytes(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void test_trace_written_isReadBack(void)
{
	static const uint64_t times[] = {0, 1, 999999999, 1000000000, 2000000000123456789ull};
	static const enum tg_trace_link links[] = {TG_TRACE_ETHERNET, TG_TRACE_RAW};
	char path[64], err[ERR];
	uint8_t data[2000];

	for (int i = 0; i < 2000; i++)
		data[i] = (uint8_t)(i * 7);
	for (int l = 0; l < 2; l++) {
		temp_path(path);
		struct tg_trace_writer *w = tg_trace_create(path, links[l], err, ERR);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		for (uint32_t i = 0; i < TG_TEST_N(times); i++)
			CU_ASSERT_TRUE(tg_trace_put(w, times[i], data, i * 500, err, ERR));
		CU_ASSERT_TRUE(tg_trace_finish(w, err, ERR));

		struct tg_trace_reader *r = tg_trace_open(path, err, ERR);
		struct tg_trace_packet p;
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		CU_ASSERT_EQUAL(tg_trace_link(r), links[l]);
		for (uint32_t i = 0; i < TG_TEST_N(times); i++) {
			CU_ASSERT_EQUAL_FATAL(tg_trace_next(r, &p, err, ERR), 1);
			CU_ASSERT_EQUAL(p.time_ns, times[i]);
			CU_ASSERT_EQUAL(p.len, i * 500);
			CU_ASSERT_EQUAL(p.wire_len, i * 500);
			CU_ASSERT_EQUAL(memcmp(p.data, data, p.len), 0);
		}
		CU_ASSERT_EQUAL(tg_trace_next(r, &p, err, ERR), 0);
		CU_ASSERT_EQUAL(tg_trace_next(r, &p, err, ERR), 0);
		tg_trace_close(r);
		unlink(path);
	}
}

/* The bytes on disk, as other programs expect them: nanosecond magic, version 2.4, link type. */
static void test_trace_fileHeader_isNanosecondPcap(void)
{
	static const uint32_t link_on_disk[] = {1, 101};
	static const enum tg_trace_link links[] = {TG_TRACE_ETHERNET, TG_TRACE_RAW};
	char path[64], err[ERR];

	for (int l = 0; l < 2; l++) {
		uint32_t head[6] = {0};
		temp_path(path);
		struct tg_trace_writer *w = tg_trace_create(path, links[l], err, ERR);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_TRUE(tg_trace_finish(w, err, ERR));
		FILE *f = fopen(path, "rb");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(fread(head, 1, sizeof(head) + 1, f), sizeof(head));
		fclose(f);
		CU_ASSERT_EQUAL(head[0], 0xa1b23c4d);
		CU_ASSERT_EQUAL(head[4], TG_TRACE_LEN_MAX);
		CU_ASSERT_EQUAL(head[5], link_on_disk[l]);
		unlink(path);
	}
}

/* A microsecond file of the other byte order, one packet of which the capture kept 4 of 60 bytes.
 */
static void test_trace_foreignMicrosecondFile_isRead(void)
{
	static const uint8_t file[] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0,  4,    0,    0,   0,
				       0,    0,    0,    0,    0, 0, 0,  0xff, 0xff, 0,   0,
				       0,    1,    0,    0,    0, 7, 0,  0,    0,    9,   0,
				       0,    0,    4,    0,    0, 0, 60, 'a',  'b',  'c', 'd'};
	char path[64], err[ERR];
	struct tg_trace_packet p;

	temp_path(path);
	write_bytes(path, file, sizeof(file));
	struct tg_trace_reader *r = tg_trace_open(path, err, ERR);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(tg_trace_next(r, &p, err, ERR), 1);
	CU_ASSERT_EQUAL(p.time_ns, 7000009000ull);
	CU_ASSERT_EQUAL(p.len, 4);
	CU_ASSERT_EQUAL(p.wire_len, 60);
	CU_ASSERT_EQUAL(memcmp(p.data, "abcd", 4), 0);
	CU_ASSERT_EQUAL(tg_trace_next(r, &p, err, ERR), 0);
	tg_trace_close(r);
	unlink(path);
}

/* pcapng: section header, one Ethernet interface in microseconds, one packet. */
static void test_trace_pcapng_isRead(void)
{
	static const uint32_t file[] = {
	    0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28, 1, 20,         1, 65535,
	    20,         6,  36,         0, 0,          5,          4,  4, 0x64636261, 36};
	char path[64], err[ERR];
	struct tg_trace_packet p;

	temp_path(path);
	write_bytes(path, file, sizeof(file));
	struct tg_trace_reader *r = tg_trace_open(path, err, ERR);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(tg_trace_link(r), TG_TRACE_ETHERNET);
	CU_ASSERT_EQUAL_FATAL(tg_trace_next(r, &p, err, ERR), 1);
	CU_ASSERT_EQUAL(p.time_ns, 5000);
	CU_ASSERT_EQUAL(p.len, 4);
	CU_ASSERT_EQUAL(tg_trace_next(r, &p, err, ERR), 0);
	tg_trace_close(r);
	unlink(path);
}

static void test_trace_noCapture_isOneSentence(void)
{
	static const uint8_t sll[24] = {0xd4, 0xc3, 0xb2,        0xa1, 2,         0,
					4,    0,    [16] = 0xff, 0xff, [20] = 113};
	char path[64], err[ERR];

	CU_ASSERT_PTR_NULL(tg_trace_open("/nonexistent/x.pcap", err, ERR));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/nonexistent/x.pcap"));
	CU_ASSERT_PTR_NULL(tg_trace_create("/nonexistent/x.pcap", TG_TRACE_RAW, err, ERR));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/nonexistent/x.pcap"));
	temp_path(path);
	CU_ASSERT_PTR_NULL(tg_trace_open(path, err, ERR)); /* empty */
	CU_ASSERT_PTR_NOT_NULL(strstr(err, path));
	write_bytes(path, "this is not a capture file at all", 33);
	CU_ASSERT_PTR_NULL(tg_trace_open(path, err, ERR));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, path));
	CU_ASSERT_PTR_NULL(strchr(err, '\n'));
	write_bytes(path, sll, sizeof(sll));
	CU_ASSERT_PTR_NULL(tg_trace_open(path, err, ERR));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "link type"));
	unlink(path);
}

/* A file cut anywhere: the packets that are whole, then an end or a sentence. */
static void test_trace_cutAnywhere_isNoticed(void)
{
	char path[64], err[ERR];
	uint8_t file[200];

	temp_path(path);
	struct tg_trace_writer *w = tg_trace_create(path, TG_TRACE_ETHERNET, err, ERR);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_TRUE(tg_trace_put(w, 5, "0123456789", 10, err, ERR));
	CU_ASSERT_TRUE(tg_trace_finish(w, err, ERR));
	FILE *f = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	size_t len = fread(file, 1, sizeof(file), f);
	fclose(f);
	CU_ASSERT_EQUAL(len, 24 + 2 * 26);
	for (size_t cut = 24; cut < len; cut++) {
		struct tg_trace_packet p;
		int n = 0, got;
		write_bytes(path, file, cut);
		struct tg_trace_reader *r = tg_trace_open(path, err, ERR);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		while ((got = tg_trace_next(r, &p, err, ERR)) == 1)
			n++;
		CU_ASSERT_EQUAL(n, cut >= 50);
		CU_ASSERT_EQUAL(got, cut == 24 || cut == 50 ? 0 : -1);
		if (got < 0)
			CU_ASSERT_PTR_NOT_NULL(strstr(err, "damaged"));
		tg_trace_close(r);
	}
	unlink(path);
}

static void test_trace_fullDisk_isReported(void)
{
	char err[ERR] = "";
	static uint8_t data[65536];
	struct tg_trace_writer *w = tg_trace_create("/dev/full", TG_TRACE_ETHERNET, err, ERR);

	if (!w) { /* no such device here: the header was refused at once */
		CU_ASSERT_NOT_EQUAL(err[0], 0);
		return;
	}
	bool ok = true;
	for (int i = 0; i < 4; i++)
		ok &= tg_trace_put(w, 0, data, sizeof(data), err, ERR);
	ok &= tg_trace_finish(w, err, ERR);
	CU_ASSERT_FALSE(ok);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "could not be written"));
	/* What fits the buffer fails at the end, and not before. */
	w = tg_trace_create("/dev/full", TG_TRACE_ETHERNET, err, ERR);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE(tg_trace_put(w, 0, data, 60, err, ERR));
	CU_ASSERT_FALSE(tg_trace_finish(w, err, ERR));
}

static void test_trace_smallErrorBuffer_isNeverOverrun(void)
{
	for (size_t size = 0; size < 20; size++) {
		char *err = malloc(size + 1);
		err[size] = 'x';
		CU_ASSERT_PTR_NULL(tg_trace_open("/nonexistent/x.pcap", err, size));
		CU_ASSERT_EQUAL(err[size], 'x');
		free(err);
	}
	tg_trace_close(NULL);
	CU_ASSERT_TRUE(tg_trace_finish(NULL, NULL, 0));
}

static const struct tg_test tests[] = {
    {"trace_written_isReadBack", test_trace_written_isReadBack},
    {"trace_fileHeader_isNanosecondPcap", test_trace_fileHeader_isNanosecondPcap},
    {"trace_foreignMicrosecondFile_isRead", test_trace_foreignMicrosecondFile_isRead},
    {"trace_pcapng_isRead", test_trace_pcapng_isRead},
    {"trace_noCapture_isOneSentence", test_trace_noCapture_isOneSentence},
    {"trace_cutAnywhere_isNoticed", test_trace_cutAnywhere_isNoticed},
    {"trace_fullDisk_isReported", test_trace_fullDisk_isReported},
    {"trace_smallErrorBuffer_isNeverOverrun", test_trace_smallErrorBuffer_isNeverOverrun},
};

int main(int argc, char **argv)
{
	return tg_test_main("trace", tests, TG_TEST_N(tests), argc, argv);
}
