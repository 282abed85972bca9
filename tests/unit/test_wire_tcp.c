/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_tcp.c: checksums, the TCP header and its options: every way in which a length can lie,
 * and what is emitted is parsed back. Each segment under test is copied into memory of exactly its
 * size, so that AddressSanitizer sees the first byte read past it. */
#include "tg_rng.h"
#include "tg_test.h"
#include "tg_wire.h"

enum { ROOM = 4096 };

struct packet {
	uint8_t b[ROOM];
	uint32_t len;
};

static uint8_t *exact_copy(const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	return copy;
}

static enum tg_ctr tcp_verdict(const struct packet *p, struct tg_seg *seg)
{
	uint8_t *copy = exact_copy(p->b, p->len);
	enum tg_ctr verdict = tg_tcp_parse(copy, p->len, seg);

	seg->text = NULL; /* it pointed into the copy */
	free(copy);
	return verdict;
}

static struct tg_addr addr(const char *text)
{
	struct tg_addr a = {{0}};

	CU_ASSERT_TRUE(tg_addr_parse(text, &a));
	return a;
}

/* --- checksums --- */

/* RFC 1071, straight: words in network order, an odd byte on the left. */
static uint16_t slow_sum(const uint8_t *data, size_t len, uint64_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)data[i] << 8 | data[i + 1];
	if (len & 1)
		sum += (uint64_t)data[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_csum_rfc1071Example_matches(void)
{
	static const uint8_t data[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	/* RFC 1071 3: the sum is ddf2. */
	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(0, data, 8)), (uint16_t)~0xddf2);
	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(0, data, 7)), (uint16_t)~slow_sum(data, 7, 0));
	CU_ASSERT_EQUAL(tg_csum_fold(0), 0xffff);
	CU_ASSERT_EQUAL(tg_csum_fold(0xffff), 0);
}

/* Every length to 200, every alignment, bytes that make carries come round (ff) and random ones. */
static void test_csum_anyLengthAndAlignment_equalsPlainSum(void)
{
	struct tg_rng rng;
	uint8_t *b = malloc(216);

	tg_rng_init(&rng, tg_test_seed);
	for (size_t len = 0; len <= 200; len++) {
		for (size_t at = 0; at < 8; at++) {
			for (size_t i = 0; i < len; i++)
				b[at + i] = at & 1 ? 0xff : (uint8_t)tg_rng_next(&rng);
			uint16_t want = (uint16_t)~slow_sum(b + at, len, 0);
			CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(0, b + at, len)), want);
		}
	}
	free(b);
}

static void test_csum_partsAndNumbers_addUp(void)
{
	uint8_t b[64];
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 64; i++)
		b[i] = (uint8_t)tg_rng_next(&rng);
	for (size_t cut = 0; cut <= 64; cut += 2) {
		uint64_t sum = tg_csum_add(tg_csum_add(0x1234, b, cut), b + cut, 64 - cut);
		CU_ASSERT_EQUAL(tg_csum_fold(sum), (uint16_t)~slow_sum(b, 64, 0x1234));
	}
}

static void test_csum_longRunOfOnes_keepsItsCarries(void)
{
	uint8_t *b = malloc(65535);

	memset(b, 0xff, 65535);
	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(0, b, 65535)), (uint16_t)~slow_sum(b, 65535, 0));
	free(b);
}

/* RFC 1624: by difference equals by full sum, to the last bit, also where equation 2 of RFC 1141
 * says ffff for 0. */
static void test_csum_replace_equalsFullSum(void)
{
	struct tg_rng rng;
	uint8_t b[32];

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 50000; i++) {
		for (int k = 0; k < 32; k++)
			b[k] = (uint8_t)(i % 3 ? tg_rng_next(&rng) : (tg_rng_next(&rng) & 1) * 255);
		b[31] |= 1; /* not all zero: no packet is */
		uint16_t csum = tg_csum_fold(tg_csum_add(0, b, 32));
		uint32_t from = tg_be32_get(b + 4), to = (uint32_t)tg_rng_next(&rng);
		if (i % 5 == 0)
			to = i % 2 ? 0 : UINT32_MAX;
		uint16_t half =
		    tg_csum_replace16(csum, (uint16_t)(from >> 16), (uint16_t)(to >> 16));
		tg_be16_put(b + 4, (uint16_t)(to >> 16));
		CU_ASSERT_EQUAL(half, tg_csum_fold(tg_csum_add(0, b, 32)));
		tg_be32_put(b + 4, to);
		CU_ASSERT_EQUAL(tg_csum_replace32(csum, from, to),
				tg_csum_fold(tg_csum_add(0, b, 32)));
	}
	/* RFC 1624 4: dd2f, 5555 -> 3285 gives 0000, where RFC 1141 gave ffff. */
	CU_ASSERT_EQUAL(tg_csum_replace16(0xdd2f, 0x5555, 0x3285), 0);
}

static void test_csum_pseudo_equalsPlainHeader(void)
{
	struct tg_addr a4 = addr("192.0.2.1"), b4 = addr("255.254.253.252");
	struct tg_addr a6 = addr("2001:db8:ffff::1"), b6 = addr("fe80::ffff:ffff:ffff");
	uint8_t h4[12] = {192, 0, 2, 1, 255, 254, 253, 252, 0, 6, 0x12, 0x34}, h6[40] = {0};

	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_pseudo(&a4, &b4, 6, 0x1234)),
			(uint16_t)~slow_sum(h4, 12, 0));
	memcpy(h6, a6.b, 16);
	memcpy(h6 + 16, b6.b, 16);
	tg_be32_put(h6 + 32, 0x00051234); /* longer than 16 bits, as a merged frame may be */
	h6[39] = 58;
	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_pseudo(&a6, &b6, 58, 0x00051234)),
			(uint16_t)~slow_sum(h6, 40, 0));
}

/* --- TCP --- */

static struct packet tcp_with(const uint8_t *opt, uint32_t opt_len, uint32_t text_len)
{
	struct packet p = {.len = 20 + opt_len + text_len};

	tg_be16_put(p.b, 1234);
	tg_be16_put(p.b + 2, 80);
	tg_be32_put(p.b + 4, 0x01020304);
	tg_be32_put(p.b + 8, 0x05060708);
	p.b[12] = (uint8_t)((20 + opt_len) << 2);
	p.b[13] = TG_TCP_ACK | TG_TCP_PSH;
	tg_be16_put(p.b + 14, 0x1111);
	tg_be16_put(p.b + 18, 0x2222);
	memcpy(p.b + 20, opt, opt_len);
	memset(p.b + 20 + opt_len, 'x', text_len);
	return p;
}

static void test_tcp_good_isParsed(void)
{
	struct packet p = tcp_with((const uint8_t *)"", 0, 5);
	struct tg_seg seg;

	CU_ASSERT_EQUAL(tg_tcp_parse(p.b, p.len, &seg), TG_CTR_NONE);
	CU_ASSERT_EQUAL(seg.sport, 1234);
	CU_ASSERT_EQUAL(seg.dport, 80);
	CU_ASSERT_EQUAL(seg.seq.v, 0x01020304);
	CU_ASSERT_EQUAL(seg.ack.v, 0x05060708);
	CU_ASSERT_EQUAL(seg.wnd, 0x1111);
	CU_ASSERT_EQUAL(seg.up, 0x2222);
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_ACK | TG_TCP_PSH);
	CU_ASSERT_EQUAL(seg.len, 5);
	CU_ASSERT_PTR_EQUAL(seg.text, p.b + 20);
	CU_ASSERT_EQUAL(seg.opts.has_ts + seg.opts.has_mss + seg.opts.sack_n + seg.opts.bad, 0);
	CU_ASSERT_EQUAL(tg_seg_len(&seg), 5);
	seg.ctl = TG_TCP_SYN | TG_TCP_FIN;
	CU_ASSERT_EQUAL(tg_seg_len(&seg), 7);
}

/* ADV-03, ADV-04, LN-17. */
static void test_tcp_dataOffset_isChecked(void)
{
	for (unsigned off = 0; off < 16; off++) {
		for (uint32_t len = 0; len < 64; len++) {
			struct packet p = tcp_with((const uint8_t *)"", 0, 44);
			struct tg_seg seg;
			p.b[12] = (uint8_t)(off << 4);
			memset(p.b + 20, 1, 40);
			p.len = len;
			bool ok = len >= 20 && off >= 5 && off * 4 <= len;
			CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), ok ? TG_CTR_NONE : TG_CTR_bad_hdr);
			if (ok)
				CU_ASSERT_EQUAL(seg.len, len - off * 4);
		}
	}
}

static void test_tcp_portZero_isNamed(void)
{
	struct packet p = tcp_with((const uint8_t *)"", 0, 0);
	struct tg_seg seg;

	tg_be16_put(p.b, 0);
	CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), TG_CTR_port0);
	tg_be16_put(p.b, 0xff00);
	CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), TG_CTR_NONE);
	tg_be16_put(p.b + 2, 0);
	CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), TG_CTR_port0);
}

/* ADV-88. */
static void test_tcp_reservedBits_areIgnored(void)
{
	struct packet p = tcp_with((const uint8_t *)"", 0, 3);
	struct tg_seg seg;

	p.b[12] |= 0x0f;
	CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), TG_CTR_NONE);
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_ACK | TG_TCP_PSH);
	CU_ASSERT_EQUAL(seg.len, 3);
}

struct want_opts {
	int mss, wscale; /* -1: not there */
	uint8_t sack_perm, ts, bad, bad_sack, sack_n;
	uint32_t tsval, tsecr;
};

static void check_opts(const struct tg_tcp_opts *o, const struct want_opts *w)
{
	CU_ASSERT_EQUAL(o->has_mss, w->mss >= 0);
	if (w->mss >= 0)
		CU_ASSERT_EQUAL(o->mss, w->mss);
	CU_ASSERT_EQUAL(o->has_wscale, w->wscale >= 0);
	if (w->wscale >= 0)
		CU_ASSERT_EQUAL(o->wscale, w->wscale);
	CU_ASSERT_EQUAL(o->has_sack_perm, w->sack_perm);
	CU_ASSERT_EQUAL(o->has_ts, w->ts);
	CU_ASSERT_EQUAL(o->tsval, w->tsval);
	CU_ASSERT_EQUAL(o->tsecr, w->tsecr);
	CU_ASSERT_EQUAL(o->bad, w->bad);
	CU_ASSERT_EQUAL(o->bad_sack, w->bad_sack);
	CU_ASSERT_EQUAL(o->sack_n, w->sack_n);
}

/* EST-29, 30, 31 and ADV-35..40, 87: what each option area says. len counts bytes of opt. */
static void test_tcp_options_areReadAsWritten(void)
{
	static const struct {
		const char *what;
		uint8_t len, opt[40];
		struct want_opts want;
	} rows[] = {
	    {"MSS", 4, {2, 4, 5, 180}, {1460, -1}},
	    {"MSS 0 is there, and 0", 4, {2, 4, 0, 0}, {0, -1}},
	    {"a whole SYN",
	     20,
	     {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7},
	     {1460, 7, 1, 1, .tsval = 0x01020304}},
	    {"nearly a whole SYN: wscale of 2",
	     20,
	     {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 2, 7},
	     {1460, -1, 1, 1, .bad = 1, .tsval = 0x01020304}},
	    {"timestamps, common layout",
	     12,
	     {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8},
	     {-1, -1, 0, 1, .tsval = 0x01020304, .tsecr = 0x05060708}},
	    {"timestamps, other layout",
	     12,
	     {8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0},
	     {-1, -1, 0, 1, .tsval = 0x01020304, .tsecr = 0x05060708}},
	    {"common layout, then more",
	     16,
	     {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 9},
	     {-1, 9, 0, 1, .tsval = 0x01020304, .tsecr = 0x05060708}},
	    {"wscale 255 as it came", 4, {3, 3, 255, 0}, {-1, 255}},
	    {"two MSS: the last", 8, {2, 4, 1, 1, 2, 4, 2, 2}, {0x202, -1}},
	    {"two timestamps: the last",
	     20,
	     {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4},
	     {-1, -1, 0, 1, .tsval = 3, .tsecr = 4}},
	    {"a wrong second does not undo the first", 8, {2, 4, 1, 1, 2, 3, 9, 0}, {0x101, -1}},
	    {"length 0 stops", 8, {2, 4, 1, 1, 9, 0, 4, 2}, {0x101, -1, .bad = 1}},
	    {"length 1 stops", 8, {2, 4, 1, 1, 9, 1, 4, 2}, {0x101, -1, .bad = 1}},
	    {"length past the end stops", 8, {4, 2, 1, 1, 2, 5, 1, 1}, {-1, -1, 1, .bad = 1}},
	    {"length byte past the end", 4, {1, 1, 1, 2}, {-1, -1, .bad = 1}},
	    {"length to the end exactly", 4, {1, 1, 9, 2}, {-1, -1}},
	    {"length 255", 4, {254, 255, 0, 0}, {-1, -1, .bad = 1}},
	    {"MSS of 3 is skipped", 4, {2, 3, 1, 1}, {-1, -1}},
	    {"MSS of 5 is skipped, the next read", 8, {2, 5, 1, 1, 1, 3, 3, 4}, {-1, 4}},
	    {"wscale of 4 is skipped", 4, {3, 4, 7, 7}, {-1, -1}},
	    {"SACK-permitted of 3 is skipped", 4, {4, 3, 0, 0}, {-1, -1}},
	    {"timestamps of 9 are skipped", 12, {8, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {-1, -1}},
	    {"timestamps of 12 in the common place are skipped",
	     12,
	     {8, 12, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	     {-1, -1}},
	    {"SACK of 2 has no block", 4, {5, 2, 1, 1}, {-1, -1, .bad_sack = 1}},
	    {"SACK of 9", 12, {5, 9, 1}, {-1, -1, .bad_sack = 1}},
	    {"SACK of 11", 12, {5, 11, 1}, {-1, -1, .bad_sack = 1}},
	    {"one block", 12, {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9}, {-1, -1, .sack_n = 1}},
	    {"four blocks", 36, {1, 1, 5, 34, 0, 0, 0, 1, 0, 0, 0, 9}, {-1, -1, .sack_n = 4}},
	    {"end, then garbage", 12, {0, 2, 4, 1, 1, 8, 10, 1, 1, 1, 1, 1}, {-1, -1}},
	    {"forty NOPs",
	     40,
	     {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	     {-1, -1}},
	    {"MD5, AO and fast open are unknown",
	     32,
	     {19, 18, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0,
	      0,  0,  29, 4, 0, 0, 34, 6, 1, 2, 3, 4, 3, 3, 2, 0},
	     {-1, 2}},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = tcp_with(rows[i].opt, rows[i].len, 3);
		struct tg_seg seg;
		unsigned before = CU_get_number_of_failure_records();
		CU_ASSERT_EQUAL(tcp_verdict(&p, &seg), TG_CTR_NONE);
		check_opts(&seg.opts, &rows[i].want);
		CU_ASSERT_EQUAL(seg.len, 3);
		struct tg_tcp_opts opts;
		uint8_t *copy = exact_copy(rows[i].opt, rows[i].len);
		tg_tcp_parse_options(copy, rows[i].len, &opts);
		check_opts(&opts, &rows[i].want);
		free(copy);
		if (CU_get_number_of_failure_records() != before)
			printf("options: %s\n", rows[i].what);
	}
}

/* ADV-37: twenty unknown kinds of two bytes. */
static void test_tcp_unknownOptions_areSkipped(void)
{
	uint8_t opt[40];
	struct tg_tcp_opts opts;

	for (int i = 0; i < 20; i++) {
		opt[i * 2] = (uint8_t)(100 + i);
		opt[i * 2 + 1] = 2;
	}
	tg_tcp_parse_options(opt, 40, &opts);
	check_opts(&opts, &(struct want_opts){-1, -1});
}

static void test_tcp_sackBlocks_keepOrderAndEdges(void)
{
	static const uint8_t opt[28] = {1, 1, 5, 26, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0,    4, 0, 0,
					0, 9, 0, 0,  0,    7,    0x80, 0,    0, 0, 0x80, 0, 0, 1};
	struct tg_tcp_opts opts;

	tg_tcp_parse_options(opt, 28, &opts);
	CU_ASSERT_EQUAL(opts.sack_n, 3);
	CU_ASSERT_EQUAL(opts.sack[0].left.v, 0xfffffff0); /* across the wrap (ADV-86) */
	CU_ASSERT_EQUAL(opts.sack[0].right.v, 4);
	CU_ASSERT_EQUAL(opts.sack[1].left.v, 9); /* right before left: the machine's to refuse */
	CU_ASSERT_EQUAL(opts.sack[1].right.v, 7);
	CU_ASSERT_EQUAL(opts.sack[2].right.v, 0x80000001);
}

/* Any forty bytes: bounded, inside, and the same by the fast path as by the slow one. */
static void test_tcp_randomOptions_areBounded(void)
{
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 50000; i++) {
		uint32_t len = tg_rng_below(&rng, 11) * 4;
		uint8_t *opt = malloc(len ? len : 1);
		struct tg_tcp_opts opts;
		for (uint32_t k = 0; k < len; k++)
			opt[k] = (uint8_t)(tg_rng_below(&rng, 3) ? tg_rng_below(&rng, 12)
								 : tg_rng_next(&rng));
		tg_tcp_parse_options(opt, len, &opts);
		CU_ASSERT_TRUE(opts.sack_n <= 4 && opts.bad <= 1);
		free(opt);
	}
}

/* EST-21: the bytes as Linux lays them out, for all sixteen sets of options in a SYN. */
static void test_tcp_synOptions_areLaidOutAsLinuxDoes(void)
{
	static const uint8_t full[20] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
					 0, 9, 0, 0,   0, 0, 1, 3,  3, 7};
	static const uint8_t no_ts[12] = {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7};
	static const uint8_t no_sack[16] = {2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 9};
	struct tg_seg seg = {.ctl = TG_TCP_SYN, .opts = {.mss = 1460, .wscale = 7, .tsval = 9}};
	uint8_t b[60];

	seg.opts.has_mss = seg.opts.has_wscale = seg.opts.has_sack_perm = seg.opts.has_ts = 1;
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &seg), 40);
	CU_ASSERT_EQUAL(memcmp(b + 20, full, 20), 0);
	CU_ASSERT_EQUAL(b[12], 0xa0);
	seg.opts.has_ts = 0;
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &seg), 32);
	CU_ASSERT_EQUAL(memcmp(b + 20, no_ts, 12), 0);
	seg.opts.has_ts = 1;
	seg.opts.has_sack_perm = seg.opts.has_wscale = 0;
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &seg), 36);
	CU_ASSERT_EQUAL(memcmp(b + 20, no_sack, 16), 0);
	seg.opts.has_ts = 0;
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &seg), 24); /* SC-04: MSS alone */
}

static void random_opts(struct tg_rng *rng, bool syn, struct tg_tcp_opts *o)
{
	uint32_t bits = (uint32_t)tg_rng_next(rng);

	memset(o, 0, sizeof(*o));
	o->has_ts = bits & 1;
	o->tsval = o->has_ts ? (uint32_t)tg_rng_next(rng) : 0;
	o->tsecr = o->has_ts ? (uint32_t)tg_rng_next(rng) : 0;
	if (syn) {
		o->has_mss = bits >> 1 & 1;
		o->mss = o->has_mss ? (uint16_t)tg_rng_next(rng) : 0;
		o->has_wscale = bits >> 2 & 1;
		o->wscale = o->has_wscale ? (uint8_t)tg_rng_next(rng) : 0;
		o->has_sack_perm = bits >> 3 & 1;
		return;
	}
	o->sack_n = (uint8_t)tg_rng_below(rng, o->has_ts ? 4 : 5);
	for (int i = 0; i < o->sack_n; i++) {
		o->sack[i].left = tg_seq_make((uint32_t)tg_rng_next(rng));
		o->sack[i].right = tg_seq_make((uint32_t)tg_rng_next(rng));
	}
}

static void check_same_seg(const struct tg_seg *a, const struct tg_seg *b)
{
	CU_ASSERT_EQUAL(a->seq.v, b->seq.v);
	CU_ASSERT_EQUAL(a->ack.v, b->ack.v);
	CU_ASSERT_EQUAL(a->len, b->len);
	CU_ASSERT_EQUAL(a->wnd, b->wnd);
	CU_ASSERT_EQUAL(a->up, b->up);
	CU_ASSERT_EQUAL(a->ctl, b->ctl);
	CU_ASSERT_EQUAL(a->sport, b->sport);
	CU_ASSERT_EQUAL(a->dport, b->dport);
	check_opts(&a->opts, &(struct want_opts){b->opts.has_mss ? b->opts.mss : -1,
						 b->opts.has_wscale ? b->opts.wscale : -1,
						 b->opts.has_sack_perm, b->opts.has_ts, 0, 0,
						 b->opts.sack_n, b->opts.tsval, b->opts.tsecr});
	CU_ASSERT_EQUAL(memcmp(a->opts.sack, b->opts.sack, 8u * b->opts.sack_n), 0);
}

static void test_tcp_emit_isParsedBack(void)
{
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 30000; i++) {
		struct tg_seg in = {.ctl = (uint8_t)tg_rng_next(&rng)}, out;
		in.seq = tg_seq_make((uint32_t)tg_rng_next(&rng));
		in.ack = tg_seq_make((uint32_t)tg_rng_next(&rng));
		in.wnd = (uint16_t)tg_rng_next(&rng);
		in.up = (uint16_t)tg_rng_next(&rng);
		in.sport = (uint16_t)(1 + tg_rng_below(&rng, 65535));
		in.dport = (uint16_t)(1 + tg_rng_below(&rng, 65535));
		in.len = tg_rng_below(&rng, 50);
		random_opts(&rng, in.ctl & TG_TCP_SYN, &in.opts);
		uint32_t hdr_len = tg_tcp_hdr_len(&in.opts, in.ctl & TG_TCP_SYN);
		uint8_t *b = malloc(hdr_len + in.len); /* exact: nothing is written behind */
		CU_ASSERT_EQUAL(tg_tcp_emit(b, &in), hdr_len);
		CU_ASSERT_TRUE(hdr_len % 4 == 0 && hdr_len >= 20 && hdr_len <= 60);
		CU_ASSERT_EQUAL(tg_be16_get(b + 16), 0);
		CU_ASSERT_EQUAL(b[12] & 15, 0);
		memset(b + hdr_len, 'x', in.len);
		CU_ASSERT_EQUAL(tg_tcp_parse(b, hdr_len + in.len, &out), TG_CTR_NONE);
		CU_ASSERT_PTR_EQUAL(out.text, b + hdr_len);
		check_same_seg(&out, &in);
		free(b);
	}
}

/* EST-09, MUST-65; EST-15, EST-20: what belongs to a SYN stands on no other segment, whatever the
 * caller asks for. */
static void test_tcp_synOptionsWithoutSyn_areNotWritten(void)
{
	struct tg_seg in = {.ctl = TG_TCP_ACK, .sport = 1, .dport = 2}, out;
	uint8_t b[60];

	in.opts.has_mss = in.opts.has_wscale = in.opts.has_sack_perm = in.opts.has_ts = 1;
	in.opts.mss = 1460;
	CU_ASSERT_EQUAL(tg_tcp_hdr_len(&in.opts, false), 32);
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &in), 32);
	CU_ASSERT_EQUAL(tg_tcp_parse(b, 32, &out), TG_CTR_NONE);
	CU_ASSERT(out.opts.has_ts);
	CU_ASSERT(!out.opts.has_mss && !out.opts.has_wscale && !out.opts.has_sack_perm);
}

static void test_tcp_fourBlocksBesideTimestamp_becomeThree(void)
{
	struct tg_seg in = {.ctl = TG_TCP_ACK, .sport = 1, .dport = 2}, out;
	uint8_t b[60];

	in.opts.has_ts = 1;
	in.opts.sack_n = 4;
	CU_ASSERT_EQUAL(tg_tcp_hdr_len(&in.opts, false), 60);
	CU_ASSERT_EQUAL(tg_tcp_emit(b, &in), 60);
	CU_ASSERT_EQUAL(tg_tcp_parse(b, 60, &out), TG_CTR_NONE);
	CU_ASSERT_EQUAL(out.opts.sack_n, 3);
}

/* LN-16: a sum of zero may come as all ones (Linux computes it so for devices that cannot); it says
 * the same. We write it as zero (RFC 1624 3). */
static void test_tcp_sumOfZeroAsAllOnes_isGood(void)
{
	const struct tg_addr src = addr("192.0.2.1"), dst = addr("192.0.2.2");
	struct packet p = tcp_with((const uint8_t *)"", 0, 2);

	for (uint32_t v = 0; v < 65536; v++) {
		tg_be16_put(p.b + p.len - 2, (uint16_t)v);
		tg_tcp_csum_put(p.b, p.len, &src, &dst, false);
		CU_ASSERT_NOT_EQUAL(tg_be16_get(p.b + 16), 0xffff);
		if (tg_be16_get(p.b + 16) != 0)
			continue;
		CU_ASSERT_TRUE(tg_tcp_csum_ok(p.b, p.len, &src, &dst));
		tg_be16_put(p.b + 16, 0xffff);
		CU_ASSERT_TRUE(tg_tcp_csum_ok(p.b, p.len, &src, &dst));
		return;
	}
	CU_FAIL("no text makes the sum zero");
}

/* LN-16, ADV-01: one bit at every offset, header and text, both families, odd and even lengths. */
static void test_tcp_anyFlippedBit_isBadCsum(void)
{
	const struct tg_addr src[2] = {addr("192.0.2.1"), addr("2001:db8::1")};
	const struct tg_addr dst[2] = {addr("192.0.2.2"), addr("2001:db8::2")};

	for (uint32_t text = 0; text < 40; text += 3) {
		for (int f = 0; f < 2; f++) {
			struct packet p = tcp_with((const uint8_t *)"", 0, text);
			tg_tcp_csum_put(p.b, p.len, &src[f], &dst[f], false);
			uint8_t *copy = exact_copy(p.b, p.len);
			CU_ASSERT_TRUE(tg_tcp_csum_ok(copy, p.len, &src[f], &dst[f]));
			CU_ASSERT_FALSE(tg_tcp_csum_ok(copy, p.len, &src[f], &src[f]));
			for (uint32_t bit = 0; bit < p.len * 8; bit++) {
				copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
				CU_ASSERT_FALSE(tg_tcp_csum_ok(copy, p.len, &src[f], &dst[f]));
				copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			free(copy);
		}
	}
}

static void test_tcp_csumPut_equalsPlainSum(void)
{
	struct tg_addr src = addr("10.0.0.1"), dst = addr("10.0.0.2");
	struct packet p = tcp_with((const uint8_t *)"", 0, 7);
	uint8_t pseudo[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, 27};

	tg_tcp_csum_put(p.b, p.len, &src, &dst, true);
	/* What a NIC wants to find: the pseudo-header, not complemented. */
	CU_ASSERT_EQUAL(tg_be16_get(p.b + 16), slow_sum(pseudo, 12, 0));
	tg_tcp_csum_put(p.b, p.len, &src, &dst, false);
	uint16_t got = tg_be16_get(p.b + 16);
	tg_be16_put(p.b + 16, 0);
	CU_ASSERT_EQUAL(got, (uint16_t)~slow_sum(p.b, p.len, slow_sum(pseudo, 12, 0)));
}

static const struct tg_test tests[] = {
    {"csum_rfc1071Example_matches", test_csum_rfc1071Example_matches},
    {"csum_anyLengthAndAlignment_equalsPlainSum", test_csum_anyLengthAndAlignment_equalsPlainSum},
    {"csum_partsAndNumbers_addUp", test_csum_partsAndNumbers_addUp},
    {"csum_longRunOfOnes_keepsItsCarries", test_csum_longRunOfOnes_keepsItsCarries},
    {"csum_replace_equalsFullSum", test_csum_replace_equalsFullSum},
    {"csum_pseudo_equalsPlainHeader", test_csum_pseudo_equalsPlainHeader},
    {"tcp_good_isParsed", test_tcp_good_isParsed},
    {"tcp_dataOffset_isChecked", test_tcp_dataOffset_isChecked},
    {"tcp_portZero_isNamed", test_tcp_portZero_isNamed},
    {"tcp_reservedBits_areIgnored", test_tcp_reservedBits_areIgnored},
    {"tcp_options_areReadAsWritten", test_tcp_options_areReadAsWritten},
    {"tcp_unknownOptions_areSkipped", test_tcp_unknownOptions_areSkipped},
    {"tcp_sackBlocks_keepOrderAndEdges", test_tcp_sackBlocks_keepOrderAndEdges},
    {"tcp_randomOptions_areBounded", test_tcp_randomOptions_areBounded},
    {"tcp_synOptions_areLaidOutAsLinuxDoes", test_tcp_synOptions_areLaidOutAsLinuxDoes},
    {"tcp_emit_isParsedBack", test_tcp_emit_isParsedBack},
    {"tcp_synOptionsWithoutSyn_areNotWritten", test_tcp_synOptionsWithoutSyn_areNotWritten},
    {"tcp_fourBlocksBesideTimestamp_becomeThree", test_tcp_fourBlocksBesideTimestamp_becomeThree},
    {"tcp_sumOfZeroAsAllOnes_isGood", test_tcp_sumOfZeroAsAllOnes_isGood},
    {"tcp_anyFlippedBit_isBadCsum", test_tcp_anyFlippedBit_isBadCsum},
    {"tcp_csumPut_equalsPlainSum", test_tcp_csumPut_equalsPlainSum},
};

int main(int argc, char **argv)
{
	return tg_test_main("wire_tcp", tests, TG_TEST_N(tests), argc, argv);
}
