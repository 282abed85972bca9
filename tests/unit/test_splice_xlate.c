/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_xlate.c: segments that change their numbers where they lie, against one that parses,
 * reckons and writes the whole anew (SP-02, SP-03, SP-05). */
#include "tg_rng.h"
#include "tg_splice_xlate.h"
#include "tg_test.h"

enum { SEG_MAX = 60 + 64, MANY = 1000000, ALL = 10000000 };

static struct tg_rng rng;

static uint32_t any32(void)
{
	/* Edges of the circle and of the window as often as anything else. */
	static const uint32_t edge[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, 0x10000};
	uint32_t r = (uint32_t)tg_rng_next(&rng);

	return r % 4 ? (uint32_t)tg_rng_next(&rng) : edge[(r >> 8) % 7] + (r >> 16) % 3 - 1;
}

static struct tg_addr any_addr(bool v6)
{
	struct tg_addr a;
	uint32_t v4 = any32();

	if (!v6)
		return tg_addr_from_v4(&v4);
	for (uint32_t i = 0; i < 16; i++)
		a.b[i] = (uint8_t)tg_rng_next(&rng);
	return a;
}

struct one {
	uint8_t tcp[SEG_MAX];
	uint32_t len;
	struct tg_addr src, dst, new_src, new_dst;
	struct tg_splice_xlate x;
};

static void put_ts(uint8_t *p)
{
	p[0] = 8, p[1] = 10;
	tg_be32_put(p + 2, any32());
	tg_be32_put(p + 6, any32() % 8 ? any32() : 0);
}

static uint32_t put_sack(uint8_t *p, uint32_t blocks)
{
	p[0] = 5, p[1] = (uint8_t)(2 + 8 * blocks);
	for (uint32_t i = 0; i < 2 * blocks; i++)
		tg_be32_put(p + 2 + 4 * i, any32());
	return p[1];
}

/* Options of any legal kind, at any place; returns their length, a multiple of 4. */
static uint32_t any_options(uint8_t *opt)
{
	uint32_t at = 0;

	switch (tg_rng_below(&rng, 4)) {
	case 0:
		return 0;
	case 1:
		tg_be32_put(opt, 0x01010101);
		put_ts(opt + 2);
		return 12;
	case 2:
		tg_be32_put(opt, 0x01010101);
		put_ts(opt + 2);
		tg_be32_put(opt + 12, 0x01010101);
		return 14 + put_sack(opt + 14, 1 + tg_rng_below(&rng, 3));
	default:
		break;
	}
	while (at < 30) {
		uint32_t kind = tg_rng_below(&rng, 6);

		if (kind == 0 && at + 10 <= 40) {
			put_ts(opt + at);
			at += 10;
		} else if (kind == 1 && at + 18 <= 40) {
			at += put_sack(opt + at, 1 + tg_rng_below(&rng, 2));
		} else if (kind == 2 && at + 5 <= 40) {
			opt[at] = 19 + (uint8_t)tg_rng_below(&rng, 200), opt[at + 1] = 5;
			memset(opt + at + 2, 0x5a, 3);
			at += 5;
		} else if (kind == 3) {
			break;
		} else {
			opt[at++] = 1;
		}
	}
	if (at % 4 && tg_rng_below(&rng, 2))
		opt[at++] = 0; /* END, and anything behind it */
	for (; at % 4; at++)
		opt[at] = at % 2;
	return at;
}

static void draw(struct one *o, bool v6)
{
	uint32_t opt_len, text_len = tg_rng_below(&rng, 64);

	o->src = any_addr(v6), o->dst = any_addr(v6);
	o->new_src = any_addr(v6), o->new_dst = any_addr(v6);
	o->x = (struct tg_splice_xlate){
	    .seq_add = any32(),
	    .ack_add = any32(),
	    .tsval_add = any32(),
	    .tsecr_add = any32(),
	    .sport = (uint16_t)any32(),
	    .dport = (uint16_t)any32(),
	    .wnd_from = (uint8_t)tg_rng_below(&rng, 15),
	    .wnd_to = (uint8_t)tg_rng_below(&rng, 15),
	    .sack = tg_rng_below(&rng, 4) != 0,
	    .ts = tg_rng_below(&rng, 4) != 0,
	};
	o->x.addr_sum = tg_splice_addr_sum(&o->src, &o->dst, &o->new_src, &o->new_dst);
	for (uint32_t i = 0; i < sizeof(o->tcp); i++)
		o->tcp[i] = (uint8_t)tg_rng_next(&rng);
	opt_len = any_options(o->tcp + 20);
	tg_be32_put(o->tcp + 4, any32());
	tg_be32_put(o->tcp + 8, any32());
	o->tcp[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	o->tcp[13] &= (uint8_t)~TG_TCP_SYN;
	o->len = 20 + opt_len + text_len;
	tg_tcp_csum_put(o->tcp, o->len, &o->src, &o->dst, false);
}

/* --- the oracle: what the segment should have become, by hand --- */

static void naive_option(uint8_t *opt, uint32_t n, bool ack, const struct tg_splice_xlate *x)
{
	if (opt[0] == 8 && x->ts) {
		tg_be32_put(opt + 2, tg_be32_get(opt + 2) + x->tsval_add);
		if (ack && tg_be32_get(opt + 6) != 0)
			tg_be32_put(opt + 6, tg_be32_get(opt + 6) + x->tsecr_add);
	} else if (opt[0] == 5 && x->sack) {
		for (uint32_t i = 2; i < n; i += 4)
			tg_be32_put(opt + i, tg_be32_get(opt + i) + x->ack_add);
	} else {
		for (uint32_t i = 0; i < n; i++)
			opt[i] = 1;
	}
}

static void naive(const struct one *o, uint8_t *tcp)
{
	const struct tg_splice_xlate *x = &o->x;
	bool ack = o->tcp[13] & 0x10;
	uint64_t wnd;

	memcpy(tcp, o->tcp, o->len);
	tg_be16_put(tcp, x->sport);
	tg_be16_put(tcp + 2, x->dport);
	tg_be32_put(tcp + 4, tg_be32_get(tcp + 4) + x->seq_add);
	if (ack)
		tg_be32_put(tcp + 8, tg_be32_get(tcp + 8) + x->ack_add);
	wnd = ((uint64_t)tg_be16_get(tcp + 14) << x->wnd_from) / (1ull << x->wnd_to);
	tg_be16_put(tcp + 14, wnd > 65535 ? 65535 : (uint16_t)wnd);
	for (uint32_t at = 20; at < (tcp[12] >> 4) * 4u && tcp[at] != 0;) {
		uint32_t n = tcp[at] == 1 ? 1 : tcp[at + 1];
		if (n > 1)
			naive_option(tcp + at, n, ack, x);
		at += n;
	}
	tg_tcp_csum_put(tcp, o->len, &o->new_src, &o->new_dst, false);
}

/* SP-02, SP-03, SP-05; the checksum by difference is the one of a full sum (RFC 1624). With TG_LONG
 * set, ten million. */
static void test_xlate_manySegments_sameAsWrittenAnew(void)
{
	uint32_t bad = 0, n = getenv("TG_LONG") ? ALL : MANY;
	uint8_t want[SEG_MAX];
	struct one o;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < n && bad == 0; i++) {
		draw(&o, i & 1);
		naive(&o, want);
		bad += !tg_splice_xlate(o.tcp, &o.x) || memcmp(o.tcp, want, o.len) != 0;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static struct one plain(const uint8_t *opt, uint32_t opt_len)
{
	struct one o;

	memset(&o, 0, sizeof(o));
	tg_addr_parse("192.0.2.1", &o.src);
	tg_addr_parse("192.0.2.2", &o.dst);
	o.new_src = o.dst, o.new_dst = o.src;
	o.x = (struct tg_splice_xlate){.sport = 80, .dport = 5000, .sack = true, .ts = true};
	if (opt_len)
		memcpy(o.tcp + 20, opt, opt_len);
	o.tcp[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	o.tcp[13] = TG_TCP_ACK;
	o.len = 20 + opt_len;
	return o;
}

static struct tg_seg run(struct one *o)
{
	struct tg_seg seg;

	o->x.addr_sum = tg_splice_addr_sum(&o->src, &o->dst, &o->new_src, &o->new_dst);
	tg_tcp_csum_put(o->tcp, o->len, &o->src, &o->dst, false);
	CU_ASSERT(tg_splice_xlate(o->tcp, &o->x));
	CU_ASSERT(tg_tcp_csum_ok(o->tcp, o->len, &o->new_src, &o->new_dst));
	tg_be16_put(o->tcp, 1); /* the ports of a segment without any */
	tg_be16_put(o->tcp + 2, 2);
	CU_ASSERT_EQUAL(tg_tcp_parse(o->tcp, o->len, &seg), TG_CTR_NONE);
	return seg;
}

/* SP-02: SACK with three blocks, one of them across the wrap, the first a D-SACK. */
static void test_xlate_threeBlocksAcrossWrap_bothEdgesMove(void)
{
	uint8_t opt[40] = {1, 1, 5, 26};
	static const uint32_t edge[6] = {0x10,       0x20,       0xfffffff0,
					 0x00000010, 0x7fffffff, 0x80000001};
	struct one o;
	struct tg_seg seg;

	for (uint32_t i = 0; i < 6; i++)
		tg_be32_put(opt + 4 + 4 * i, edge[i]);
	o = plain(opt, 28);
	o.x.ack_add = 0u - 0x30;
	tg_be32_put(o.tcp + 8, 0x18);
	seg = run(&o);
	CU_ASSERT_EQUAL(seg.ack.v, 0x18u - 0x30);
	CU_ASSERT_EQUAL(seg.opts.sack_n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(seg.opts.sack[i].left.v, edge[2 * i] - 0x30);
		CU_ASSERT_EQUAL(seg.opts.sack[i].right.v, edge[2 * i + 1] - 0x30);
	}
}

/* SP-04: blocks that the backend cannot read are taken out, the timestamp stays. */
static void test_xlate_noSack_blocksBecomeNops(void)
{
	uint8_t opt[24] = {1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1, 5, 10};
	struct one o = plain(opt, 24);
	struct tg_seg seg;

	o.x.sack = false;
	o.x.tsval_add = 100, o.x.tsecr_add = 0u - 4;
	seg = run(&o);
	CU_ASSERT_EQUAL(seg.opts.sack_n, 0);
	CU_ASSERT(seg.opts.has_ts);
	CU_ASSERT_EQUAL(seg.opts.tsval, 105);
	CU_ASSERT_EQUAL(seg.opts.tsecr, 2);
	for (uint32_t i = 32; i < 44; i++)
		CU_ASSERT_EQUAL(o.tcp[i], 1);
}

/* SP-03: an echo of nothing stays one; a segment without ACK echoes nothing. */
static void test_xlate_zeroEcho_staysZero(void)
{
	uint8_t opt[12] = {1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 0};
	struct one o = plain(opt, 12);

	o.x.tsecr_add = 77;
	CU_ASSERT_EQUAL(run(&o).opts.tsecr, 0);
	opt[11] = 9;
	o = plain(opt, 12);
	o.x.tsecr_add = o.x.ack_add = 77;
	o.tcp[13] = TG_TCP_RST;
	struct tg_seg seg = run(&o);
	CU_ASSERT_EQUAL(seg.opts.tsecr, 9);
	CU_ASSERT_EQUAL(seg.ack.v, 0);
}

/* SP-05: never more than was offered, and never more than the field can say. */
static void test_xlate_windows_roundedDown(void)
{
	static const struct {
		uint16_t wnd, want;
		uint8_t from, to;
	} row[] = {{1000, 1000, 7, 7},    {1000, 7, 0, 7},       {127, 0, 0, 7},
		   {128, 1, 0, 7},        {1000, 65535, 7, 0},   {511, 65408, 7, 0},
		   {65535, 65535, 14, 0}, {65535, 32767, 0, 1},  {0, 0, 14, 0},
		   {3, 1, 0, 1},          {65535, 65535, 14, 14}};

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		struct one o = plain(NULL, 0);
		tg_be16_put(o.tcp + 14, row[i].wnd);
		o.x.wnd_from = row[i].from, o.x.wnd_to = row[i].to;
		CU_ASSERT_EQUAL(run(&o).wnd, row[i].want);
	}
}

static void test_xlate_badOptions_areRefused(void)
{
	static const uint8_t bad[][12] = {
	    {8, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1},  {8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	    {5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},  {5, 6, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1},
	    {5, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	    {9, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},  {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9},
	    {9, 13, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0}};

	for (size_t i = 0; i < TG_TEST_N(bad); i++) {
		struct one o = plain(bad[i], 12);
		CU_ASSERT_FALSE(tg_splice_xlate(o.tcp, &o.x));
	}
}

/* Bytes that were damaged on the way stay damaged: the difference mends nothing. */
static void test_xlate_wrongChecksum_staysWrong(void)
{
	struct one o = plain(NULL, 0);

	o.x.seq_add = 12345;
	o.x.addr_sum = tg_splice_addr_sum(&o.src, &o.dst, &o.new_src, &o.new_dst);
	tg_tcp_csum_put(o.tcp, o.len, &o.src, &o.dst, false);
	o.tcp[19] ^= 4;
	CU_ASSERT(tg_splice_xlate(o.tcp, &o.x));
	CU_ASSERT_FALSE(tg_tcp_csum_ok(o.tcp, o.len, &o.new_src, &o.new_dst));
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"xlate_manySegments_sameAsWrittenAnew", test_xlate_manySegments_sameAsWrittenAnew},
	    {"xlate_threeBlocksAcrossWrap_bothEdgesMove",
	     test_xlate_threeBlocksAcrossWrap_bothEdgesMove},
	    {"xlate_noSack_blocksBecomeNops", test_xlate_noSack_blocksBecomeNops},
	    {"xlate_zeroEcho_staysZero", test_xlate_zeroEcho_staysZero},
	    {"xlate_windows_roundedDown", test_xlate_windows_roundedDown},
	    {"xlate_badOptions_areRefused", test_xlate_badOptions_areRefused},
	    {"xlate_wrongChecksum_staysWrong", test_xlate_wrongChecksum_staysWrong},
	};

	return tg_test_main("splice_xlate", tests, TG_TEST_N(tests), argc, argv);
}
