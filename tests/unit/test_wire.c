/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire.c: Ethernet, IPv4, IPv6: every way in which a length or a field can lie, and what is
 * emitted is parsed back. Each packet under test is copied into memory of exactly
 * its size, so that AddressSanitizer sees the first byte read past it. */
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

static enum tg_ctr ip4_verdict(const struct packet *p, struct tg_ip *ip)
{
	uint8_t *copy = exact_copy(p->b, p->len);
	enum tg_ctr verdict = tg_ip4_parse(copy, p->len, true, ip);

	free(copy);
	return verdict;
}

static enum tg_ctr ip6_verdict(const struct packet *p, struct tg_ip *ip)
{
	uint8_t *copy = exact_copy(p->b, p->len);
	enum tg_ctr verdict = tg_ip6_parse(copy, p->len, ip);

	free(copy);
	return verdict;
}

static struct tg_addr addr(const char *text)
{
	struct tg_addr a = {{0}};

	CU_ASSERT_TRUE(tg_addr_parse(text, &a));
	return a;
}

/* --- Ethernet --- */

static void test_eth_untagged_isParsed(void)
{
	static const uint8_t frame[14] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0};
	struct tg_eth eth;
	uint8_t *copy = exact_copy(frame, 14);

	CU_ASSERT_EQUAL(tg_eth_parse(copy, 14, &eth), TG_CTR_NONE);
	CU_ASSERT_EQUAL(eth.dst.b[5], 6);
	CU_ASSERT_EQUAL(eth.src.b[0], 7);
	CU_ASSERT_EQUAL(eth.type, TG_ETHERTYPE_IP4);
	CU_ASSERT_EQUAL(eth.hdr_len, 14);
	CU_ASSERT_EQUAL(eth.tagged, 0);
	CU_ASSERT_EQUAL(eth.vid, 0);
	free(copy);
}

/* LN-02: the VID is twelve bits; the priority above it does not matter; a second tag is a type
 * that nobody knows. */
static void test_eth_tags_areParsed(void)
{
	static const struct {
		uint8_t tail[8];
		uint16_t vid, type;
	} rows[] = {
	    {{0x81, 0, 0, 5, 8, 0}, 5, TG_ETHERTYPE_IP4},
	    {{0x81, 0, 0xff, 0xff, 0x86, 0xdd}, 0xfff, TG_ETHERTYPE_IP6},
	    {{0x81, 0, 0xe0, 0, 8, 6}, 0, TG_ETHERTYPE_ARP},
	    {{0x81, 0, 0, 5, 0x81, 0, 0, 6}, 5, TG_ETHERTYPE_VLAN},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		uint8_t frame[20] = {0};
		struct tg_eth eth;
		memcpy(frame + 12, rows[i].tail, 8);
		uint8_t *copy = exact_copy(frame, 18);
		CU_ASSERT_EQUAL(tg_eth_parse(copy, 18, &eth), TG_CTR_NONE);
		CU_ASSERT_EQUAL(eth.vid, rows[i].vid);
		CU_ASSERT_EQUAL(eth.type, rows[i].type);
		CU_ASSERT_EQUAL(eth.tagged, 1);
		CU_ASSERT_EQUAL(eth.hdr_len, 18);
		free(copy);
	}
}

static void test_eth_everyShortLength_isRunt(void)
{
	uint8_t frame[18] = {[12] = 0x81};
	struct tg_eth eth;

	for (uint32_t len = 0; len < 18; len++) {
		uint8_t *copy = exact_copy(frame, len);
		CU_ASSERT_EQUAL(tg_eth_parse(copy, len, &eth), TG_CTR_runt);
		free(copy);
	}
}

static void test_eth_emit_isParsedBack(void)
{
	for (uint16_t vid = 0; vid < 4096; vid = (uint16_t)(vid + 455)) {
		struct tg_eth in = {.dst = {{1, 2, 3, 4, 5, 6}},
				    .src = {{2, 0, 0, 0, 0, 9}},
				    .type = TG_ETHERTYPE_IP6,
				    .vid = vid,
				    .tagged = vid != 0,
				    .hdr_len = vid ? 18 : 14};
		struct tg_eth out = {.type = 0};
		uint8_t b[18];
		CU_ASSERT_EQUAL(tg_eth_emit(b, &in), in.hdr_len);
		CU_ASSERT_EQUAL(tg_eth_parse(b, in.hdr_len, &out), TG_CTR_NONE);
		CU_ASSERT_EQUAL(memcmp(&in, &out, sizeof(in)), 0);
	}
}

/* --- IPv4 --- */

/* A good datagram: 20 bytes of IP, 20 of TCP, 6 of padding. */
static struct packet ip4_base(void)
{
	struct packet p = {.len = 46};
	struct tg_ip ip = {.src = addr("192.0.2.1"),
			   .dst = addr("192.0.2.2"),
			   .ttl = 64,
			   .proto = TG_PROTO_TCP,
			   .tos = 3,
			   .frag_id = 0x1234};

	tg_ip4_emit(p.b, &ip, 20, false);
	return p;
}

static void ip4_fix_csum(struct packet *p)
{
	uint32_t hdr_len = (p->b[0] & 15u) * 4;

	tg_be16_put(p->b + 10, 0);
	tg_be16_put(p->b + 10, tg_csum_fold(tg_csum_add(0, p->b, hdr_len)));
}

static void test_ip4_good_isParsedAndPaddingCut(void)
{
	struct packet p = ip4_base();
	struct tg_ip ip;
	struct tg_addr src = addr("192.0.2.1"), dst = addr("192.0.2.2");

	CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), TG_CTR_NONE);
	CU_ASSERT_TRUE(tg_addr_equal(&ip.src, &src));
	CU_ASSERT_TRUE(tg_addr_equal(&ip.dst, &dst));
	CU_ASSERT_EQUAL(ip.payload_len, 20); /* ADV-06: not 26 */
	CU_ASSERT_EQUAL(ip.hdr_len, 20);
	CU_ASSERT_EQUAL(ip.proto, TG_PROTO_TCP);
	CU_ASSERT_EQUAL(ip.ttl, 64);
	CU_ASSERT_EQUAL(ip.tos, 3);
	CU_ASSERT_EQUAL(ip.frag_id, 0x1234);
	CU_ASSERT_EQUAL(ip.v6, 0);
	CU_ASSERT_EQUAL(ip.has_options, 0);
}

/* One byte of the good header changed, the checksum repaired (ADV-05, 07..10, 45, 76, LN-10). */
static void test_ip4_badField_isNamed(void)
{
	static const struct {
		uint8_t at, value;
		enum tg_ctr want;
	} rows[] = {
	    {0, 0x55, TG_CTR_ip_bad_hdr},
	    {0, 0x65, TG_CTR_ip_bad_hdr},
	    {0, 0x05, TG_CTR_ip_bad_hdr},
	    {0, 0x44, TG_CTR_ip_bad_hdr},
	    {0, 0x40, TG_CTR_ip_bad_hdr},
	    {0, 0x4b, TG_CTR_ip_bad_len}, /* header of 44 > total 40 */
	    {0, 0x4a, TG_CTR_ip_bad_len}, /* header of 40, no TCP left */
	    {3, 19, TG_CTR_ip_bad_len},
	    {3, 0, TG_CTR_ip_bad_len},
	    {3, 20, TG_CTR_ip_bad_len}, /* no TCP left (ADV-05) */
	    {3, 39, TG_CTR_ip_bad_len},
	    {3, 47, TG_CTR_ip_bad_len}, /* one more than the frame has */
	    {2, 0xff, TG_CTR_ip_bad_len},
	    {8, 0, TG_CTR_ip_ttl},
	    {8, 1, TG_CTR_NONE},
	    {6, 0x20, TG_CTR_frag}, /* first of several (ADV-76) */
	    {7, 1, TG_CTR_frag},    /* offset 1 (ADV-76) */
	    {6, 0x1f, TG_CTR_frag},
	    {6, 0x00, TG_CTR_NONE}, /* DF clear */
	    {6, 0xc0, TG_CTR_NONE}, /* the reserved bit says nothing */
	    {9, 17, TG_CTR_ip_proto},
	    {9, 1, TG_CTR_NONE},
	    {9, 58, TG_CTR_ip_proto}, /* ICMPv6 is not for IPv4 */
	    {9, 0, TG_CTR_ip_proto},
	    {12, 0, TG_CTR_bad_src},
	    {12, 127, TG_CTR_bad_src},
	    {12, 223, TG_CTR_NONE},
	    {12, 224, TG_CTR_bad_src},
	    {12, 239, TG_CTR_bad_src},
	    {12, 240, TG_CTR_bad_src},
	    {12, 255, TG_CTR_bad_src},
	    {16, 0, TG_CTR_bad_dst},
	    {16, 127, TG_CTR_bad_dst},
	    {16, 224, TG_CTR_NONE}, /* whether a group is ours the engine knows */
	    {16, 240, TG_CTR_bad_dst},
	    {16, 255, TG_CTR_bad_dst},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = ip4_base();
		struct tg_ip ip;
		p.b[rows[i].at] = rows[i].value;
		ip4_fix_csum(&p);
		CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), rows[i].want);
	}
}

/* A fragment too small for TCP is a fragment, not a bad length (ADV-76). */
static void test_ip4_tinyFragment_isFrag(void)
{
	struct packet p = ip4_base();
	struct tg_ip ip;

	p.b[3] = 28;
	p.b[6] = 0x20;
	ip4_fix_csum(&p);
	CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), TG_CTR_frag);
}

static void test_ip4_everyTruncation_isNamed(void)
{
	for (uint32_t len = 0; len < 40; len++) {
		struct packet p = ip4_base();
		struct tg_ip ip;
		p.len = len;
		CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), len < 20 ? TG_CTR_runt : TG_CTR_ip_bad_len);
	}
}

/* ADV-02: any one bit of the header, options included. */
static void test_ip4_anyFlippedBit_isBadCsum(void)
{
	for (unsigned words = 5; words <= 15; words += 2) {
		struct packet p = ip4_base();
		struct tg_ip ip;
		p.b[0] = (uint8_t)(0x40 | words);
		p.b[3] = (uint8_t)(words * 4 + 20);
		p.len = words * 4 + 20;
		memset(p.b + 20, 1, words * 4 - 20);
		ip4_fix_csum(&p);
		CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), TG_CTR_NONE);
		for (unsigned bit = 0; bit < words * 32; bit++) {
			if (bit / 8 == 0 || bit / 8 == 2 || bit / 8 == 3)
				continue; /* found out earlier, as another fault */
			p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), TG_CTR_ip_bad_csum);
			CU_ASSERT_EQUAL(tg_ip4_parse(p.b, p.len, true, &ip), TG_CTR_ip_bad_csum);
			p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void test_ip4_badCsumButGoodVerdict_isAccepted(void)
{
	struct packet p = ip4_base();
	struct tg_ip ip;

	p.b[10] ^= 1;
	CU_ASSERT_EQUAL(tg_ip4_parse(p.b, p.len, false, &ip), TG_CTR_NONE);
	CU_ASSERT_EQUAL(tg_ip4_parse(p.b, p.len, true, &ip), TG_CTR_ip_bad_csum);
}

/* LN-13, ADV-80: source routes are refused wherever they stand, all else is passed over, and what
 * lies about its length hides nothing and reads nothing. */
static void test_ip4_options_areIgnoredButSourceRoutes(void)
{
	static const struct {
		uint8_t opt[8];
		enum tg_ctr want;
	} rows[] = {
	    {{1, 1, 1, 1, 1, 1, 1, 0}, TG_CTR_NONE},
	    {{7, 7, 4, 0, 0, 0, 0, 0}, TG_CTR_NONE},   /* record route */
	    {{68, 8, 5, 0, 0, 0, 0, 0}, TG_CTR_NONE},  /* timestamp */
	    {{148, 4, 0, 0, 0, 0, 0, 0}, TG_CTR_NONE}, /* router alert */
	    {{131, 7, 4, 1, 2, 3, 4, 0}, TG_CTR_ip_srcroute},
	    {{137, 7, 4, 1, 2, 3, 4, 0}, TG_CTR_ip_srcroute},
	    {{1, 1, 1, 1, 1, 131, 3, 4}, TG_CTR_ip_srcroute},
	    {{148, 4, 0, 0, 137, 3, 4, 0}, TG_CTR_ip_srcroute},
	    {{1, 1, 1, 1, 1, 1, 1, 131}, TG_CTR_ip_srcroute}, /* its length is missing */
	    {{0, 131, 7, 4, 0, 0, 0, 0}, TG_CTR_NONE},        /* behind the end */
	    {{7, 0, 131, 3, 4, 0, 0, 0}, TG_CTR_NONE},        /* length 0: no loop */
	    {{7, 1, 131, 3, 4, 0, 0, 0}, TG_CTR_NONE},
	    {{7, 9, 0, 0, 0, 0, 0, 0}, TG_CTR_NONE}, /* past the header's end */
	    {{1, 1, 1, 1, 1, 1, 1, 7}, TG_CTR_NONE}, /* its length is past the end */
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = ip4_base();
		struct tg_ip ip;
		p.b[0] = 0x47;
		p.b[3] = 48;
		p.len = 48;
		memcpy(p.b + 20, rows[i].opt, 8);
		memset(p.b + 28, 131, 20); /* text that must not pass for an option */
		ip4_fix_csum(&p);
		CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), rows[i].want);
		CU_ASSERT_EQUAL(ip.has_options, 1);
		CU_ASSERT_EQUAL(ip.hdr_len, 28);
		CU_ASSERT_EQUAL(ip.payload_len, 20);
	}
}

static void random_addr4(struct tg_rng *rng, struct tg_addr *a)
{
	uint8_t v4[4];

	tg_be32_put(v4, (uint32_t)tg_rng_next(rng));
	v4[0] = (uint8_t)(1 + tg_rng_below(rng, 126));
	*a = tg_addr_from_v4(v4);
}

static void random_addr6(struct tg_rng *rng, struct tg_addr *a)
{
	for (int i = 0; i < 16; i++)
		a->b[i] = (uint8_t)tg_rng_next(rng);
	a->b[0] = 0x20;
}

static void check_same_ip(const struct tg_ip *a, const struct tg_ip *b)
{
	CU_ASSERT_TRUE(tg_addr_equal(&a->src, &b->src));
	CU_ASSERT_TRUE(tg_addr_equal(&a->dst, &b->dst));
	CU_ASSERT_EQUAL(a->payload_len, b->payload_len);
	CU_ASSERT_EQUAL(a->hdr_len, b->hdr_len);
	CU_ASSERT_EQUAL(a->frag_id, b->frag_id);
	CU_ASSERT_EQUAL(a->proto, b->proto);
	CU_ASSERT_EQUAL(a->ttl, b->ttl);
	CU_ASSERT_EQUAL(a->tos, b->tos);
	CU_ASSERT_EQUAL(a->v6, b->v6);
}

static void test_ip_emit_isParsedBack(void)
{
	struct tg_rng rng;
	static struct packet p;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 20000; i++) {
		struct tg_ip in = {.v6 = (uint8_t)(i & 1)}, out;
		in.ttl = (uint8_t)(1 + tg_rng_below(&rng, 255));
		in.tos = (uint8_t)tg_rng_next(&rng);
		in.frag_id = in.v6 ? 0 : (uint16_t)tg_rng_next(&rng);
		in.proto = TG_PROTO_TCP;
		in.payload_len = 20 + tg_rng_below(&rng, 1000);
		in.hdr_len = in.v6 ? 40 : 20;
		(in.v6 ? random_addr6 : random_addr4)(&rng, &in.src);
		(in.v6 ? random_addr6 : random_addr4)(&rng, &in.dst);
		p.len = in.hdr_len + in.payload_len + tg_rng_below(&rng, 20);
		if (in.v6) {
			CU_ASSERT_EQUAL(tg_ip6_emit(p.b, &in, in.payload_len, 0xabcde), 40);
			CU_ASSERT_EQUAL(tg_ip6_parse(p.b, p.len, &out), TG_CTR_NONE);
			CU_ASSERT_EQUAL(tg_be32_get(p.b) & 0xfffff, 0xabcde);
		} else {
			CU_ASSERT_EQUAL(tg_ip4_emit(p.b, &in, in.payload_len, false), 20);
			CU_ASSERT_EQUAL(tg_ip4_parse(p.b, p.len, true, &out), TG_CTR_NONE);
			CU_ASSERT_EQUAL(tg_be16_get(p.b + 6), 0x4000); /* LN-22: DF */
		}
		check_same_ip(&in, &out);
	}
}

static void test_ip4_emitForOffload_leavesCsumZero(void)
{
	struct packet p = ip4_base();
	struct tg_ip ip;

	CU_ASSERT_EQUAL(ip4_verdict(&p, &ip), TG_CTR_NONE);
	tg_ip4_emit(p.b, &ip, 20, true);
	CU_ASSERT_EQUAL(tg_be16_get(p.b + 10), 0);
}

/* --- IPv6 --- */

/* 40 bytes of IPv6, the extension headers given, 20 bytes of TCP. */
static struct packet ip6_with(const uint8_t *ext, uint32_t ext_len, uint8_t first)
{
	struct packet p = {.len = 60 + ext_len};
	struct tg_ip ip = {.src = addr("2001:db8::1"),
			   .dst = addr("2001:db8::2"),
			   .ttl = 64,
			   .proto = first,
			   .tos = 0xa5};

	tg_ip6_emit(p.b, &ip, ext_len + 20, 0x12345);
	memcpy(p.b + 40, ext, ext_len);
	return p;
}

static void test_ip6_good_isParsedAndPaddingCut(void)
{
	struct packet p = ip6_with((const uint8_t *)"", 0, TG_PROTO_TCP);
	struct tg_ip ip;

	p.len += 5;
	CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), TG_CTR_NONE);
	CU_ASSERT_EQUAL(ip.payload_len, 20);
	CU_ASSERT_EQUAL(ip.hdr_len, 40);
	CU_ASSERT_EQUAL(ip.tos, 0xa5);
	CU_ASSERT_EQUAL(ip.ttl, 64);
	CU_ASSERT_EQUAL(ip.v6, 1);
	CU_ASSERT_EQUAL(ip.proto, TG_PROTO_TCP);
}

static void test_ip6_everyTruncation_isNamed(void)
{
	for (uint32_t len = 0; len < 60; len++) {
		struct packet p = ip6_with((const uint8_t *)"", 0, TG_PROTO_TCP);
		struct tg_ip ip;
		p.len = len;
		CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), len < 40 ? TG_CTR_runt : TG_CTR_ip_bad_len);
	}
}

static void test_ip6_badField_isNamed(void)
{
	static const struct {
		uint8_t at, value;
		enum tg_ctr want;
	} rows[] = {
	    {0, 0x40, TG_CTR_ip_bad_hdr}, {0, 0x70, TG_CTR_ip_bad_hdr}, {5, 21, TG_CTR_ip_bad_len},
	    {4, 0xff, TG_CTR_ip_bad_len}, {5, 19, TG_CTR_ip_bad_len}, /* no room for TCP (ADV-05) */
	    {5, 0, TG_CTR_ip_bad_len},    {7, 0, TG_CTR_NONE},        /* hop limit: any (LN-11) */
	    {6, 17, TG_CTR_ip_proto},     {6, 1, TG_CTR_ip_proto},      {6, 50, TG_CTR_ip_proto},
	    {6, 51, TG_CTR_ip_proto},     {6, 59, TG_CTR_ip6_chain}, /* no next header */
	    {8, 0xff, TG_CTR_bad_src},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = ip6_with((const uint8_t *)"", 0, TG_PROTO_TCP);
		struct tg_ip ip;
		p.b[rows[i].at] = rows[i].value;
		CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), rows[i].want);
	}
}

/* LN-12, ADV-09, ADV-10. A mapped address from the wire would pass for IPv4. */
static void test_ip6_impossibleAddress_isRefused(void)
{
	static const uint8_t mapped[16] = {
	    [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
	static const uint8_t unspecified[16] = {0}, loopback[16] = {[15] = 1};
	static const uint8_t compat[16] = {[15] = 2}, group[16] = {0xff, 2, [15] = 1};
	static const struct {
		const uint8_t *addr;
		enum tg_ctr src, dst;
	} rows[] = {
	    {mapped, TG_CTR_bad_src, TG_CTR_bad_dst},
	    {unspecified, TG_CTR_bad_src, TG_CTR_bad_dst},
	    {loopback, TG_CTR_bad_src, TG_CTR_bad_dst},
	    {group, TG_CTR_bad_src, TG_CTR_NONE},
	    {compat, TG_CTR_NONE, TG_CTR_NONE},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = ip6_with((const uint8_t *)"", 0, TG_PROTO_TCP), q = p;
		struct tg_ip ip;
		memcpy(p.b + 8, rows[i].addr, 16);
		memcpy(q.b + 24, rows[i].addr, 16);
		CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), rows[i].src);
		CU_ASSERT_EQUAL(ip6_verdict(&q, &ip), rows[i].dst);
	}
}

static void test_ip6_unspecifiedSource_isForIcmpOnly(void)
{
	struct packet p = ip6_with((const uint8_t *)"", 0, TG_PROTO_ICMP6);
	struct tg_ip ip;

	memset(p.b + 8, 0, 16);
	CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), TG_CTR_NONE);
}

/* LN-14, LN-15, ADV-78, ADV-79. T stands for TCP (6) in the last next-header byte. */
static void test_ip6_extensions_areWalked(void)
{
	enum { T = TG_PROTO_TCP, H = 0, R = 43, F = 44, D = 60 };
	static const struct {
		const char *what;
		uint8_t first, len, ext[48];
		enum tg_ctr want;
	} rows[] = {
	    {"hop-by-hop, padded", H, 8, {T, 0, 1, 4}, TG_CTR_NONE},
	    {"hop-by-hop, Pad1 only", H, 8, {T, 0}, TG_CTR_NONE},
	    {"router alert", H, 8, {T, 0, 5, 2, 0, 0, 1, 0}, TG_CTR_NONE},
	    {"destination of 16", D, 16, {T, 1, 1, 12}, TG_CTR_NONE},
	    {"hop-by-hop, destination", H, 16, {D, 0, 1, 4, 0, 0, 0, 0, T, 0, 1, 4}, TG_CTR_NONE},
	    {"hop-by-hop second", D, 16, {H, 0, 1, 4, 0, 0, 0, 0, T, 0, 1, 4}, TG_CTR_ip6_chain},
	    {"routing done", R, 8, {T, 0, 0, 0}, TG_CTR_NONE},
	    {"routing type 0 with segments", R, 24, {T, 2, 0, 1}, TG_CTR_ip6_rh0},
	    {"routing type 4 with segments", R, 8, {T, 0, 4, 1}, TG_CTR_ip6_rh0},
	    {"atomic fragment", F, 8, {T, 0, 0, 0, 1, 2, 3, 4}, TG_CTR_NONE},
	    {"fragment header, reserved byte set", F, 8, {T, 9, 0, 0, 1, 2, 3, 4}, TG_CTR_NONE},
	    {"atomic, reserved bits set", F, 8, {T, 0, 0, 6, 1, 2, 3, 4}, TG_CTR_NONE},
	    {"first fragment", F, 8, {T, 0, 0, 1, 1, 2, 3, 4}, TG_CTR_frag},
	    {"later fragment", F, 8, {T, 0, 0, 8, 1, 2, 3, 4}, TG_CTR_frag},
	    {"later fragment, junk behind", F, 16, {D, 0, 0, 8, 1, 2, 3, 4, T, 255}, TG_CTR_frag},
	    {"header longer than the packet", D, 8, {T, 9, 1, 4}, TG_CTR_ip6_chain},
	    {"header that ends in the TCP header", D, 8, {T, 3, 1, 28}, TG_CTR_ip6_chain},
	    {"jumbo payload", H, 8, {T, 0, 0xc2, 4, 0, 1, 0, 0}, TG_CTR_ip6_option},
	    {"unknown, may be skipped", D, 8, {T, 0, 0x1e, 4}, TG_CTR_NONE},
	    {"unknown, drop", D, 8, {T, 0, 0x5e, 4}, TG_CTR_ip6_option},
	    {"unknown, drop and tell", D, 8, {T, 0, 0x9e, 4}, TG_CTR_ip6_option},
	    {"option past its header", D, 8, {T, 0, 1, 5}, TG_CTR_ip6_option},
	    {"option without length", D, 8, {T, 0, 1, 3, 0, 0, 0, 1}, TG_CTR_ip6_option},
	    {"ends in nothing", D, 8, {59, 0, 1, 4}, TG_CTR_ip6_chain},
	    {"ends in AH", D, 8, {51, 0, 1, 4}, TG_CTR_ip_proto},
	    {"ends in ICMP for IPv4", D, 8, {1, 0, 1, 4}, TG_CTR_ip_proto},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct packet p = ip6_with(rows[i].ext, rows[i].len, rows[i].first);
		struct tg_ip ip;
		enum tg_ctr got = ip6_verdict(&p, &ip);
		if (got != rows[i].want)
			printf("%s: %s\n", rows[i].what, tg_ctr_info[got].name);
		CU_ASSERT_EQUAL(got, rows[i].want);
		if (got != TG_CTR_NONE)
			continue;
		CU_ASSERT_EQUAL(ip.proto, T);
		CU_ASSERT_EQUAL(ip.hdr_len, 40 + rows[i].len);
		CU_ASSERT_EQUAL(ip.payload_len, 20);
		CU_ASSERT_EQUAL(ip.atomic_frag, rows[i].first == F);
	}
}

/* A chain of n destination headers; eight are the most (ADV-78). */
static void test_ip6_chain_isBounded(void)
{
	for (uint32_t n = 1; n <= 100; n += n < 10 ? 1 : 45) {
		uint8_t ext[800] = {0};
		for (uint32_t i = 0; i < n; i++) {
			ext[i * 8] = i + 1 < n ? 60 : TG_PROTO_TCP;
			ext[i * 8 + 2] = 1;
			ext[i * 8 + 3] = 4;
		}
		struct packet p = ip6_with(ext, n * 8, 60);
		struct tg_ip ip;
		CU_ASSERT_EQUAL(ip6_verdict(&p, &ip), n <= 8 ? TG_CTR_NONE : TG_CTR_ip6_chain);
	}
}

/* Every payload length that the fixed header may claim while extensions stand behind it. */
static void test_ip6_chainCutAnywhere_isNamed(void)
{
	static const uint8_t ext[24] = {60,           0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0,
					TG_PROTO_TCP, 0, 0, 0, 1, 2, 3, 4};
	for (uint32_t n = 0; n < 44; n++) {
		struct packet p = ip6_with(ext, sizeof(ext), 0);
		struct tg_ip ip;
		tg_be16_put(p.b + 4, (uint16_t)n);
		p.len = 40 + n;
		CU_ASSERT_EQUAL(ip6_verdict(&p, &ip),
				n < 24 ? TG_CTR_ip6_chain : TG_CTR_ip_bad_len);
	}
}

static const struct tg_test tests[] = {
    {"eth_untagged_isParsed", test_eth_untagged_isParsed},
    {"eth_tags_areParsed", test_eth_tags_areParsed},
    {"eth_everyShortLength_isRunt", test_eth_everyShortLength_isRunt},
    {"eth_emit_isParsedBack", test_eth_emit_isParsedBack},
    {"ip4_good_isParsedAndPaddingCut", test_ip4_good_isParsedAndPaddingCut},
    {"ip4_badField_isNamed", test_ip4_badField_isNamed},
    {"ip4_tinyFragment_isFrag", test_ip4_tinyFragment_isFrag},
    {"ip4_everyTruncation_isNamed", test_ip4_everyTruncation_isNamed},
    {"ip4_anyFlippedBit_isBadCsum", test_ip4_anyFlippedBit_isBadCsum},
    {"ip4_badCsumButGoodVerdict_isAccepted", test_ip4_badCsumButGoodVerdict_isAccepted},
    {"ip4_options_areIgnoredButSourceRoutes", test_ip4_options_areIgnoredButSourceRoutes},
    {"ip_emit_isParsedBack", test_ip_emit_isParsedBack},
    {"ip4_emitForOffload_leavesCsumZero", test_ip4_emitForOffload_leavesCsumZero},
    {"ip6_good_isParsedAndPaddingCut", test_ip6_good_isParsedAndPaddingCut},
    {"ip6_everyTruncation_isNamed", test_ip6_everyTruncation_isNamed},
    {"ip6_badField_isNamed", test_ip6_badField_isNamed},
    {"ip6_impossibleAddress_isRefused", test_ip6_impossibleAddress_isRefused},
    {"ip6_unspecifiedSource_isForIcmpOnly", test_ip6_unspecifiedSource_isForIcmpOnly},
    {"ip6_extensions_areWalked", test_ip6_extensions_areWalked},
    {"ip6_chain_isBounded", test_ip6_chain_isBounded},
    {"ip6_chainCutAnywhere_isNamed", test_ip6_chainCutAnywhere_isNamed},
};

int main(int argc, char **argv)
{
	return tg_test_main("wire", tests, TG_TEST_N(tests), argc, argv);
}
