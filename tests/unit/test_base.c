/* SPDX-License-Identifier: BSD-3-Clause */
/* test_base.c: addresses, SipHash, the generator, counters, sequence numbers, the histogram. */
#include "tg_counters.h"
#include "tg_hist.h"
#include "tg_rng.h"
#include "tg_seq.h"
#include "tg_siphash.h"
#include "tg_test.h"
#include "tg_types.h"

/* --- addresses --- */

static void test_addr_text_roundTrips(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"2001:db8::1", "2001:db8::1"},
	    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"::ffff:192.0.2.9", "192.0.2.9"},
	    {"fe80::1:0:0:1", "fe80::1:0:0:1"},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct tg_addr a;
		char buf[46];
		CU_ASSERT_TRUE_FATAL(tg_addr_parse(rows[i].in, &a));
		CU_ASSERT_STRING_EQUAL(tg_addr_format(&a, buf, sizeof(buf)), rows[i].out);
	}
}

static void test_addr_badText_isRefused(void)
{
	static const char *const rows[] = {
	    "",          "1",   "1.2.3",          "1.2.3.256", "1.2.3.4.5", " 1.2.3.4", "1.2.3.4 ",
	    "0x1.2.3.4", ":::", "2001:db8::1::2", "g::",       "1.2.3.4/8", "host"};
	struct tg_addr a;
	for (size_t i = 0; i < TG_TEST_N(rows); i++)
		CU_ASSERT_FALSE(tg_addr_parse(rows[i], &a));
}

static void test_addr_smallBuffer_isNeverOverrun(void)
{
	struct tg_addr a;
	CU_ASSERT_TRUE_FATAL(tg_addr_parse("192.0.2.100", &a));
	for (size_t size = 0; size < 16; size++) {
		char *buf = malloc(size + 1); /* exact, so that ASan sees one byte too many */
		buf[size] = 'x';
		tg_addr_format(&a, buf, size);
		CU_ASSERT_EQUAL(buf[size], 'x');
		if (size > 0 && size < 12)
			CU_ASSERT_EQUAL(buf[0], '\0');
		free(buf);
	}
}

static void test_addr_v4Word_isInNetworkOrder(void)
{
	struct tg_addr a;
	CU_ASSERT_TRUE_FATAL(tg_addr_parse("1.2.3.4", &a));
	tg_be32 v = tg_addr_v4(&a);
	CU_ASSERT_EQUAL(memcmp(&v, "\1\2\3\4", 4), 0);
	CU_ASSERT_TRUE(tg_addr_is_v4(&a));
}

static void test_prefix_text_isParsed(void)
{
	static const struct {
		const char *text;
		int len; /* -1: refused */
	} rows[] = {
	    {"10.0.0.0/8", 8},
	    {"10.0.0.1", 32},
	    {"2001:db8::/32", 32},
	    {"2001:db8::1", 128},
	    {"10.0.0.0/0", 0},
	    {"10.0.0.0/32", 32},
	    {"::/128", 128},
	    {"10.0.0.0/33", -1},
	    {"::/129", -1},
	    {"10.0.0.0/", -1},
	    {"10.0.0.0/-1", -1},
	    {"10.0.0.0/+8", -1},
	    {"10.0.0.0/8 ", -1},
	    {"10.0.0.0/8/8", -1},
	    {"/8", -1},
	    {"10.0.0.0/ 8", -1},
	    {"::/0008", -1},
	    {"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", -1},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct tg_addr a;
		uint8_t len = 255;
		bool ok = tg_addr_parse_prefix(rows[i].text, &a, &len);
		CU_ASSERT_EQUAL(ok, rows[i].len >= 0);
		if (ok)
			CU_ASSERT_EQUAL(len, rows[i].len);
	}
}

static void test_prefix_membership_respectsEdgesAndFamilies(void)
{
	static const struct {
		const char *addr, *net;
		bool in;
	} rows[] = {
	    {"10.1.2.3", "10.0.0.0/8", true},
	    {"11.0.0.0", "10.0.0.0/8", false},
	    {"192.0.2.127", "192.0.2.0/25", true},
	    {"192.0.2.128", "192.0.2.0/25", false},
	    {"1.2.3.4", "1.2.3.4/32", true},
	    {"1.2.3.5", "1.2.3.4/32", false},
	    {"255.0.0.1", "0.0.0.0/0", true},
	    {"2001:db8::1", "0.0.0.0/0", false},
	    {"1.2.3.4", "::/0", false},
	    {"2001:db8::1", "::/0", true},
	    {"2001:db8::1", "2001:db8::/127", true},
	    {"2001:db8::2", "2001:db8::/127", false},
	    {"2001:db8::1", "2001:db8::1/128", true},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct tg_addr a, net;
		uint8_t len;
		CU_ASSERT_TRUE_FATAL(tg_addr_parse(rows[i].addr, &a));
		CU_ASSERT_TRUE_FATAL(tg_addr_parse_prefix(rows[i].net, &net, &len));
		CU_ASSERT_EQUAL(tg_addr_in_prefix(&a, &net, len), rows[i].in);
	}
}

/* --- SipHash: the published vectors, key 00..0f, messages of 0..63 bytes 00 01 02 ... --- */

static const uint64_t sip24[64] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
    0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
    0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
    0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
    0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
    0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
    0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
    0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
    0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static const struct tg_sipkey sip_key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};

static void test_siphash24_publishedVectors_match(void)
{
	uint8_t msg[65]; /* shifted by one: no alignment may be assumed */
	for (unsigned i = 0; i < 64; i++)
		msg[i + 1] = (uint8_t)i;
	for (size_t n = 0; n < 64; n++)
		CU_ASSERT_EQUAL(tg_siphash24(&sip_key, msg + 1, n), sip24[n]);
}

static void test_siphash13_knownVectors_match(void)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
	    {0, 0xabac0158050fc4dcull}, {1, 0xc9f49bf37d57ca93ull},  {7, 0xd3927d989bb11140ull},
	    {8, 0x369095118d299a8eull}, {15, 0xd320d86d2a519956ull}, {63, 0x9d199062b7bbb3a8ull},
	};
	uint8_t msg[64];
	for (unsigned i = 0; i < 64; i++)
		msg[i] = (uint8_t)i;
	for (size_t i = 0; i < TG_TEST_N(rows); i++)
		CU_ASSERT_EQUAL(tg_siphash13(&sip_key, msg, rows[i].len), rows[i].hash);
}

static void test_siphashWords_bytesInWords_equalBytes(void)
{
	uint8_t msg[24];
	uint64_t word[3];

	for (unsigned i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)(i < 20 ? i : 0);
	for (unsigned i = 0; i < 3; i++) {
		word[i] = 0;
		for (unsigned b = 0; b < 8; b++)
			word[i] |= (uint64_t)msg[8 * i + b] << (8 * b);
	}
	CU_ASSERT_EQUAL(tg_siphash24_3(&sip_key, word[0], word[1], word[2] | tg_sip_len(20)),
			sip24[20]);
	for (unsigned left = 0; left < 8; left++) {
		uint64_t last = (word[1] & ((1ull << 8 * left) - 1)) | tg_sip_len(8 + left);

		CU_ASSERT_EQUAL(tg_siphash24_2(&sip_key, word[0], last), sip24[8 + left]);
		CU_ASSERT_EQUAL(tg_siphash13_2(&sip_key, word[0], last),
				tg_siphash13(&sip_key, msg, 8 + left));
	}
}

/* --- the generator --- */

static void test_rng_referenceState_givesReferenceOutput(void)
{
	static const uint64_t want[] = {11520,
					0,
					1509978240,
					1215971899390074240ull,
					1216172134540287360ull,
					607988272756665600ull};
	struct tg_rng rng = {{1, 2, 3, 4}};
	for (size_t i = 0; i < TG_TEST_N(want); i++)
		CU_ASSERT_EQUAL(tg_rng_next(&rng), want[i]);
}

static void test_rng_seed_isExpandedBySplitmix(void)
{
	struct tg_rng rng;
	tg_rng_init(&rng, 0);
	CU_ASSERT_EQUAL(rng.s[0], 0xe220a8397b1dcdafull);
	CU_ASSERT_EQUAL(rng.s[3], 0xf88bb8a8724c81ecull);
}

static void test_rng_below_staysInRangeAndIsEven(void)
{
	struct tg_rng rng;
	unsigned seen[7] = {0};
	tg_rng_init(&rng, 7);
	for (int i = 0; i < 70000; i++) {
		uint32_t v = tg_rng_below(&rng, 7);
		CU_ASSERT_TRUE_FATAL(v < 7);
		seen[v]++;
	}
	/* 10,000 each; six standard deviations are 560. */
	for (int i = 0; i < 7; i++)
		CU_ASSERT_TRUE(seen[i] > 9440 && seen[i] < 10560);
	CU_ASSERT_EQUAL(tg_rng_below(&rng, 1), 0);
}

static void test_rng_keys_differ(void)
{
	struct tg_rng rng;
	tg_rng_init(&rng, 1);
	struct tg_sipkey a = tg_rng_key(&rng), b = tg_rng_key(&rng);
	CU_ASSERT_NOT_EQUAL(a.k0, b.k0);
	CU_ASSERT_NOT_EQUAL(a.k1, b.k1);
	CU_ASSERT_NOT_EQUAL(a.k0, a.k1);
}

/* --- counters --- */

static void test_counters_names_areUniqueAndFound(void)
{
	CU_ASSERT_EQUAL(tg_ctr_by_name("bad_csum"), TG_CTR_bad_csum);
	CU_ASSERT_EQUAL(tg_ctr_by_name(""), TG_CTR_NONE);
	CU_ASSERT_EQUAL(tg_ctr_by_name("bad_csu"), TG_CTR_NONE);
	for (int i = 1; i < TG_CTR_N; i++) {
		const struct tg_ctr_info *info = &tg_ctr_info[i];
		CU_ASSERT_EQUAL((int)tg_ctr_by_name(info->name), i);
		CU_ASSERT_TRUE(info->kind == TG_CTR_KIND_DROP || info->kind == TG_CTR_KIND_EVENT);
		CU_ASSERT_TRUE(strlen(info->sentence) > 3 && info->unit[0] != '\0');
	}
}

static void test_counters_drops_sumOnlyDrops(void)
{
	struct tg_counters c = {{0}};
	tg_ctr_add(&c, TG_CTR_rx_segments, 100);
	tg_ctr_inc(&c, TG_CTR_bad_csum);
	tg_ctr_add(&c, TG_CTR_frag, 2);
	tg_ctr_inc(&c, TG_CTR_rst_sent);
	c.v[TG_CTR_NONE] = 50;
	CU_ASSERT_EQUAL(tg_ctr_drops(&c), 3);
}

/* --- sequence numbers --- */

static void test_seq_comparison_holdsAcrossTheWrap(void)
{
	tg_seq a = tg_seq_make(0xfffffff0u), b = tg_seq_add(a, 0x20);
	CU_ASSERT_EQUAL(b.v, 0x10u);
	CU_ASSERT_TRUE(tg_seq_lt(a, b) && tg_seq_le(a, b) && tg_seq_gt(b, a) && tg_seq_ge(b, a));
	CU_ASSERT_FALSE(tg_seq_eq(a, b));
	CU_ASSERT_EQUAL(tg_seq_diff(b, a), 0x20);
	CU_ASSERT_EQUAL(tg_seq_diff(a, b), -0x20);
	CU_ASSERT_TRUE(tg_seq_eq(tg_seq_max(a, b), b) && tg_seq_eq(tg_seq_min(a, b), a));
	CU_ASSERT_TRUE(tg_seq_eq(tg_seq_sub(b, 0x20), a));
	CU_ASSERT_TRUE(tg_seq_le(a, a) && tg_seq_ge(a, a) && !tg_seq_lt(a, a) && !tg_seq_gt(a, a));
}

/* --- the histogram --- */

static void test_hist_smallValues_areExact(void)
{
	struct tg_hist h;
	tg_hist_init(&h);
	CU_ASSERT_EQUAL(tg_hist_quantile(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100; v++)
		tg_hist_add(&h, v);
	CU_ASSERT_EQUAL(tg_hist_quantile(&h, 0), 1);
	CU_ASSERT_EQUAL(tg_hist_quantile(&h, 0.5), 50);
	CU_ASSERT_EQUAL(tg_hist_quantile(&h, 0.99), 99);
	CU_ASSERT_EQUAL(tg_hist_quantile(&h, 1), 100);
	CU_ASSERT_DOUBLE_EQUAL(tg_hist_mean(&h), 50.5, 1e-9);
}

static void test_hist_anyValue_isWithinOneStep(void)
{
	struct tg_rng rng;
	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 3000; i++) {
		uint64_t v = tg_rng_next(&rng) >> tg_rng_below(&rng, 64);
		struct tg_hist h;
		CU_ASSERT_TRUE_FATAL(tg_hist_index(v) < TG_HIST_BUCKETS);
		tg_hist_init(&h);
		tg_hist_add(&h, v);
		tg_hist_add_n(&h, UINT64_MAX, 2); /* keeps max from capping the edge */
		uint64_t q = tg_hist_quantile(&h, 0.3);
		CU_ASSERT_TRUE(q >= v && q - v <= v / 64);
	}
}

static void test_hist_indices_areMonotonicAtOctaveEdges(void)
{
	for (int bit = 1; bit < 64; bit++) {
		uint64_t v = 1ull << bit;
		CU_ASSERT_EQUAL(tg_hist_index(v), tg_hist_index(v - 1) + 1);
	}
	CU_ASSERT_EQUAL(tg_hist_index(UINT64_MAX), TG_HIST_BUCKETS - 1);
}

static void test_hist_merge_equalsOneHistogram(void)
{
	static struct tg_hist a, b, all;
	struct tg_rng rng;
	tg_rng_init(&rng, tg_test_seed);
	tg_hist_init(&a);
	tg_hist_init(&b);
	tg_hist_init(&all);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = tg_rng_next(&rng) >> 44;
		tg_hist_add(i % 3 ? &a : &b, v);
		tg_hist_add(&all, v);
	}
	tg_hist_merge(&a, &b);
	CU_ASSERT_EQUAL(a.count, all.count);
	CU_ASSERT_EQUAL(a.min, all.min);
	CU_ASSERT_EQUAL(a.max, all.max);
	CU_ASSERT_EQUAL(memcmp(a.bucket, all.bucket, sizeof(a.bucket)), 0);
}

static const struct tg_test tests[] = {
    {"addr_text_roundTrips", test_addr_text_roundTrips},
    {"addr_badText_isRefused", test_addr_badText_isRefused},
    {"addr_smallBuffer_isNeverOverrun", test_addr_smallBuffer_isNeverOverrun},
    {"addr_v4Word_isInNetworkOrder", test_addr_v4Word_isInNetworkOrder},
    {"prefix_text_isParsed", test_prefix_text_isParsed},
    {"prefix_membership_respectsEdgesAndFamilies", test_prefix_membership_respectsEdgesAndFamilies},
    {"siphash24_publishedVectors_match", test_siphash24_publishedVectors_match},
    {"siphash13_knownVectors_match", test_siphash13_knownVectors_match},
    {"siphashWords_bytesInWords_equalBytes", test_siphashWords_bytesInWords_equalBytes},
    {"rng_referenceState_givesReferenceOutput", test_rng_referenceState_givesReferenceOutput},
    {"rng_seed_isExpandedBySplitmix", test_rng_seed_isExpandedBySplitmix},
    {"rng_below_staysInRangeAndIsEven", test_rng_below_staysInRangeAndIsEven},
    {"rng_keys_differ", test_rng_keys_differ},
    {"counters_names_areUniqueAndFound", test_counters_names_areUniqueAndFound},
    {"counters_drops_sumOnlyDrops", test_counters_drops_sumOnlyDrops},
    {"seq_comparison_holdsAcrossTheWrap", test_seq_comparison_holdsAcrossTheWrap},
    {"hist_smallValues_areExact", test_hist_smallValues_areExact},
    {"hist_anyValue_isWithinOneStep", test_hist_anyValue_isWithinOneStep},
    {"hist_indices_areMonotonicAtOctaveEdges", test_hist_indices_areMonotonicAtOctaveEdges},
    {"hist_merge_equalsOneHistogram", test_hist_merge_equalsOneHistogram},
};

int main(int argc, char **argv)
{
	return tg_test_main("base", tests, TG_TEST_N(tests), argc, argv);
}
