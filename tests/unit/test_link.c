/* SPDX-License-Identifier: BSD-3-Clause */
/* test_link.c: ARP, ICMP, ICMPv6, neighbour discovery. Each message under test stands in memory of
 * exactly its size, so that AddressSanitizer sees the first byte read past it. */
#include "tg_link.h"
#include "tg_rng.h"
#include "tg_test.h"

#include <errno.h>

struct message {
	uint8_t b[2048];
	uint32_t len;
};

static struct tg_addr addr(const char *text)
{
	struct tg_addr a = {{0}};

	CU_ASSERT_TRUE(tg_addr_parse(text, &a));
	return a;
}

static uint8_t *exact_copy(const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	return copy;
}

/* --- ARP --- */

static const uint8_t arp_request[28] = {0,   1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 9,
					192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};

static enum tg_ctr arp_verdict(const uint8_t *data, uint32_t len, struct tg_arp *arp)
{
	uint8_t *copy = exact_copy(data, len);
	enum tg_ctr verdict = tg_arp_parse(copy, len, arp);

	free(copy);
	return verdict;
}

static void test_arp_request_isParsedAndEmittedBack(void)
{
	struct tg_addr spa = addr("192.0.2.9"), tpa = addr("192.0.2.1");
	struct tg_arp arp;
	uint8_t b[28];

	CU_ASSERT_EQUAL(arp_verdict(arp_request, 28, &arp), TG_CTR_NONE);
	CU_ASSERT_EQUAL(arp.op, 1);
	CU_ASSERT_EQUAL(arp.sha.b[5], 9);
	CU_ASSERT_TRUE(tg_addr_equal(&arp.spa, &spa) && tg_addr_equal(&arp.tpa, &tpa));
	CU_ASSERT_EQUAL(tg_arp_emit(b, &arp), 28);
	CU_ASSERT_EQUAL(memcmp(b, arp_request, 28), 0);
}

/* LN-03: each field that must have its value; sender 0 is a probe and is fine. */
static void test_arp_badField_isArpBad(void)
{
	static const struct {
		uint8_t at, value;
		enum tg_ctr want;
	} rows[] = {
	    {0, 1, TG_CTR_arp_bad}, {1, 6, TG_CTR_arp_bad}, {2, 9, TG_CTR_arp_bad},
	    {3, 6, TG_CTR_arp_bad}, {4, 8, TG_CTR_arp_bad}, {5, 16, TG_CTR_arp_bad},
	    {7, 0, TG_CTR_arp_bad}, {7, 3, TG_CTR_arp_bad}, {6, 1, TG_CTR_arp_bad},
	    {7, 2, TG_CTR_NONE},    {8, 3, TG_CTR_arp_bad}, {8, 0xff, TG_CTR_arp_bad},
	    {14, 0, TG_CTR_NONE},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		uint8_t b[28];
		struct tg_arp arp;
		memcpy(b, arp_request, 28);
		b[rows[i].at] = rows[i].value;
		CU_ASSERT_EQUAL(arp_verdict(b, 28, &arp), rows[i].want);
	}
}

static void test_arp_everyTruncation_isArpBad(void)
{
	struct tg_arp arp;

	for (uint32_t len = 0; len < 28; len++)
		CU_ASSERT_EQUAL(arp_verdict(arp_request, len, &arp), TG_CTR_arp_bad);
}

/* --- ICMP: building what a router would send --- */

static struct tg_ip ip_of(bool v6)
{
	return (struct tg_ip){.src = addr(v6 ? "2001:db8::99" : "192.0.2.99"),
			      .dst = addr(v6 ? "2001:db8::1" : "192.0.2.1"),
			      .proto = v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP,
			      .ttl = 255,
			      .v6 = v6};
}

static void fix_csum(struct message *m, const struct tg_ip *ip)
{
	uint64_t sum = ip->v6 ? tg_csum_pseudo(&ip->src, &ip->dst, TG_PROTO_ICMP6, m->len) : 0;

	tg_be16_put(m->b + 2, 0);
	tg_be16_put(m->b + 2, tg_csum_fold(tg_csum_add(sum, m->b, m->len)));
}

static enum tg_ctr verdict_as_is(const struct message *m, const struct tg_ip *ip,
				 struct tg_icmp *icmp)
{
	uint8_t *copy = exact_copy(m->b, m->len);
	enum tg_ctr verdict = tg_icmp_parse(copy, m->len, ip, icmp);

	free(copy);
	return verdict;
}

static enum tg_ctr verdict_of(struct message *m, const struct tg_ip *ip, struct tg_icmp *icmp)
{
	fix_csum(m, ip);
	return verdict_as_is(m, ip, icmp);
}

/* An error that quotes our segment 192.0.2.1:80 -> 198.51.100.7:5000, or its IPv6 sister, and the
 * first tcp_len bytes of its TCP header. */
static struct message error_msg(bool v6, uint8_t type, uint8_t code, uint32_t tcp_len)
{
	struct message m = {.b = {type, code}};
	struct tg_ip quoted = {.src = addr(v6 ? "2001:db8::1" : "192.0.2.1"),
			       .dst = addr(v6 ? "2001:db8:1::7" : "198.51.100.7"),
			       .proto = TG_PROTO_TCP,
			       .ttl = 60};
	struct tg_seg seg = {.sport = 80, .dport = 5000, .seq = {0xfffffff0}, .ctl = TG_TCP_ACK};
	uint32_t at = 8;

	at += v6 ? tg_ip6_emit(m.b + at, &quoted, 20, 0) : tg_ip4_emit(m.b + at, &quoted, 20, 0);
	tg_tcp_emit(m.b + at, &seg);
	m.len = at + tcp_len;
	return m;
}

/* RB-18 to RB-21, LN-19: what every type and code means. */
static void test_icmp_typeAndCode_areClassified(void)
{
	static const struct {
		uint8_t v6, type, code;
		enum tg_icmp_kind kind;
		int error;
	} rows[] = {
	    {0, 3, 0, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {0, 3, 1, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {0, 3, 2, TG_ICMP_ERROR_HARD, ENOPROTOOPT},
	    {0, 3, 3, TG_ICMP_ERROR_HARD, ECONNREFUSED},
	    {0, 3, 4, TG_ICMP_ERROR_PTB, EMSGSIZE},
	    {0, 3, 5, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {0, 3, 13, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {0, 3, 15, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {0, 11, 0, TG_ICMP_ERROR_SOFT, ETIME},
	    {0, 11, 1, TG_ICMP_ERROR_SOFT, ETIME},
	    {0, 12, 0, TG_ICMP_ERROR_SOFT, EPROTO},
	    {0, 4, 0, TG_ICMP_QUENCH, 0},
	    {0, 5, 1, TG_ICMP_REDIRECT, 0},
	    {1, 1, 0, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {1, 1, 1, TG_ICMP_ERROR_HARD, EACCES},
	    {1, 1, 2, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {1, 1, 3, TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
	    {1, 1, 4, TG_ICMP_ERROR_HARD, ECONNREFUSED},
	    {1, 1, 6, TG_ICMP_ERROR_SOFT, EACCES},
	    {1, 2, 0, TG_ICMP_ERROR_PTB, EMSGSIZE},
	    {1, 2, 1, TG_ICMP_ERROR_PTB, EMSGSIZE}, /* RFC 4443 3.2: the code says nothing */
	    {1, 3, 0, TG_ICMP_ERROR_SOFT, ETIME},
	    {1, 4, 1, TG_ICMP_ERROR_SOFT, EPROTO},
	    {1, 134, 0, TG_ICMP_ND_RA, 0},
	    {1, 137, 0, TG_ICMP_REDIRECT, 0},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct message m = error_msg(rows[i].v6, rows[i].type, rows[i].code, 20);
		struct tg_ip ip = ip_of(rows[i].v6);
		struct tg_icmp icmp;
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), TG_CTR_NONE);
		CU_ASSERT_EQUAL(icmp.kind, rows[i].kind);
		CU_ASSERT_EQUAL(icmp.error, rows[i].error);
		CU_ASSERT_EQUAL(icmp.type, rows[i].type);
		CU_ASSERT_EQUAL(icmp.code, rows[i].code);
	}
}

static void test_icmp_unhandledType_isIcmpOther(void)
{
	static const uint8_t rows[][3] = {{0, 0, 0},   {0, 3, 16},  {0, 8, 1},   {0, 13, 0},
					  {0, 255, 0}, {1, 1, 7},   {1, 129, 0}, {1, 128, 1},
					  {1, 133, 0}, {1, 143, 0}, {1, 8, 0},   {1, 0, 0}};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct message m = error_msg(rows[i][0], rows[i][1], rows[i][2], 20);
		struct tg_ip ip = ip_of(rows[i][0]);
		struct tg_icmp icmp;
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), TG_CTR_icmp_other);
	}
}

/* RB-17: the tuple as we see it; ADV-75: eight bytes of TCP or nothing. */
static void test_icmp_quote_isSeenFromUs(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (uint32_t tcp_len = 0; tcp_len <= 20; tcp_len++) {
			struct message m = error_msg(v6, v6 ? 1 : 3, 1, tcp_len);
			struct tg_ip ip = ip_of(v6);
			struct tg_addr l = addr(v6 ? "2001:db8::1" : "192.0.2.1");
			struct tg_addr r = addr(v6 ? "2001:db8:1::7" : "198.51.100.7");
			struct tg_icmp icmp;
			enum tg_ctr got = verdict_of(&m, &ip, &icmp);
			CU_ASSERT_EQUAL(got, tcp_len < 8 ? TG_CTR_icmp_short : TG_CTR_NONE);
			if (got != TG_CTR_NONE)
				continue;
			CU_ASSERT_EQUAL(icmp.quoted_tcp, 1);
			CU_ASSERT_TRUE(tg_addr_equal(&icmp.quoted.laddr, &l));
			CU_ASSERT_TRUE(tg_addr_equal(&icmp.quoted.raddr, &r));
			CU_ASSERT_EQUAL(icmp.quoted.lport, 80);
			CU_ASSERT_EQUAL(icmp.quoted.rport, 5000);
			CU_ASSERT_EQUAL(icmp.quoted_seq.v, 0xfffffff0);
		}
	}
}

static void test_icmp_everyTruncation_isNamed(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t whole = error_msg(v6, v6 ? 1 : 3, 1, 8).len;
		for (uint32_t len = 0; len < whole; len++) {
			struct message m = error_msg(v6, v6 ? 1 : 3, 1, 8);
			struct tg_ip ip = ip_of(v6);
			struct tg_icmp icmp;
			m.len = len;
			if (len >= 4)
				fix_csum(&m, &ip);
			CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_icmp_short);
		}
	}
}

/* One byte of the quoted IPv4 header changed: whose quote it is, and what may be read of it. */
static void test_icmp_quote4Field_decides(void)
{
	static const struct {
		uint8_t at, value;
		enum tg_ctr want;
		uint8_t quoted_tcp;
	} rows[] = {
	    {0, 0x65, TG_CTR_NONE, 0},       /* not IPv4 */
	    {0, 0x44, TG_CTR_NONE, 0},       /* no header is that short */
	    {0, 0x46, TG_CTR_NONE, 1},       /* options: TCP stands four bytes later */
	    {0, 0x4f, TG_CTR_icmp_short, 0}, /* header past the quote */
	    {9, 17, TG_CTR_NONE, 0},         /* UDP */
	    {6, 0x20, TG_CTR_NONE, 1},       /* a first fragment has the ports */
	    {7, 1, TG_CTR_NONE, 0},          /* a later one has not */
	    {6, 0x1f, TG_CTR_NONE, 0},
	    {3, 0, TG_CTR_NONE, 1}, /* routers spoil the total length */
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct message m = error_msg(false, 3, 3, 20);
		struct tg_ip ip = ip_of(false);
		struct tg_icmp icmp;
		m.b[8 + rows[i].at] = rows[i].value;
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), rows[i].want);
		if (rows[i].want == TG_CTR_NONE)
			CU_ASSERT_EQUAL(icmp.quoted_tcp, rows[i].quoted_tcp);
	}
}

static void test_icmp_quote6Field_decides(void)
{
	static const struct {
		const char *what;
		uint8_t first, ext[8];
		enum tg_ctr want;
		uint8_t quoted_tcp;
	} rows[] = {
	    {"destination options", 60, {6, 0, 1, 4}, TG_CTR_NONE, 1},
	    {"first fragment", 44, {6, 0, 0, 1}, TG_CTR_NONE, 1},
	    {"later fragment", 44, {6, 0, 0, 8}, TG_CTR_NONE, 0},
	    {"UDP behind", 60, {17, 0, 1, 4}, TG_CTR_NONE, 0},
	    {"UDP", 17, {0}, TG_CTR_NONE, 0},
	    {"header past the quote", 60, {6, 200, 1, 4}, TG_CTR_icmp_short, 0},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct message m = error_msg(true, 1, 4, 20);
		struct tg_ip ip = ip_of(true);
		struct tg_icmp icmp;
		memmove(m.b + 56, m.b + 48, 20);
		memcpy(m.b + 48, rows[i].ext, 8);
		m.b[8 + 6] = rows[i].first;
		m.len += 8;
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), rows[i].want);
		if (rows[i].want != TG_CTR_NONE)
			continue;
		CU_ASSERT_EQUAL(icmp.quoted_tcp, rows[i].quoted_tcp);
		if (rows[i].quoted_tcp)
			CU_ASSERT_EQUAL(icmp.quoted.rport, 5000);
	}
}

/* Addresses are kept with IPv4 mapped into IPv6: an IPv6 quote must not reach an IPv4 connection.
 */
static void test_icmp_mappedAddressInQuote6_namesNobody(void)
{
	for (uint32_t at = 16; at <= 32; at += 16) {
		struct message m = error_msg(true, 1, 4, 20);
		struct tg_ip ip = ip_of(true);
		struct tg_addr v4 = addr("192.0.2.1");
		struct tg_icmp icmp;
		memcpy(m.b + at, v4.b, 16);
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), TG_CTR_NONE);
		CU_ASSERT_EQUAL(icmp.quoted_tcp, 0);
	}
}

/* RB-21, ADV-74: the MTU as it came; judging it is the machine's. */
static void test_icmp_ptb_carriesMtu(void)
{
	static const uint32_t mtus[] = {0, 20, 68, 576, 1280, 65535};
	struct tg_icmp icmp;

	for (size_t i = 0; i < TG_TEST_N(mtus); i++) {
		struct message m = error_msg(false, 3, 4, 8), n = error_msg(true, 2, 0, 8);
		struct tg_ip ip4 = ip_of(false), ip6 = ip_of(true);
		tg_be16_put(m.b + 6, (uint16_t)mtus[i]);
		tg_be16_put(m.b + 4, 0xffff); /* unused, whatever it says */
		CU_ASSERT_EQUAL(verdict_of(&m, &ip4, &icmp), TG_CTR_NONE);
		CU_ASSERT_EQUAL(icmp.mtu, mtus[i]);
		tg_be32_put(n.b + 4, mtus[i] + 0x10000);
		CU_ASSERT_EQUAL(verdict_of(&n, &ip6, &icmp), TG_CTR_NONE);
		CU_ASSERT_EQUAL(icmp.mtu, mtus[i] + 0x10000);
	}
}

static void test_icmp_anyFlippedBit_isBadCsum(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct message m = error_msg(v6, v6 ? 1 : 3, 1, 9);
		struct tg_ip ip = ip_of(v6);
		struct tg_icmp icmp;
		CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), TG_CTR_NONE);
		for (uint32_t bit = 0; bit < m.len * 8; bit++) {
			m.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_icmp_bad_csum);
			m.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* LN-18: same id, sequence number and data, and a checksum that is right from scratch. */
static void test_icmp_echo_isTurnedIntoItsReply(void)
{
	static const uint32_t sizes[] = {0, 1, 56, 57, 1472};
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t s = 0; s < TG_TEST_N(sizes); s++) {
			struct message m = {.b = {v6 ? 128 : 8}, .len = 8 + sizes[s]}, was;
			struct tg_ip ip = ip_of(v6), back = ip;
			struct tg_icmp icmp;
			for (uint32_t i = 4; i < m.len; i++)
				m.b[i] = (uint8_t)tg_rng_next(&rng);
			CU_ASSERT_EQUAL(verdict_of(&m, &ip, &icmp), TG_CTR_NONE);
			CU_ASSERT_EQUAL(icmp.kind, TG_ICMP_ECHO);
			was = m;
			tg_icmp_echo_reply(m.b, m.len, &ip);
			CU_ASSERT_EQUAL(m.b[0], v6 ? 129 : 0);
			CU_ASSERT_EQUAL(memcmp(m.b + 4, was.b + 4, m.len - 4), 0);
			back.src = ip.dst;
			back.dst = ip.src;
			uint16_t got = tg_be16_get(m.b + 2);
			fix_csum(&m, &back);
			CU_ASSERT_EQUAL(tg_be16_get(m.b + 2), got);
		}
	}
}

/* Id 0, number 0, no data: the reply is all zeros, and its checksum is ffff, not 0000. */
static void test_icmp_echoOfZeros_isAnsweredRight(void)
{
	static const uint32_t sizes[] = {8, 9, 64};

	for (size_t s = 0; s < TG_TEST_N(sizes); s++) {
		struct message m = {.b = {8}, .len = sizes[s]};
		struct tg_ip ip = ip_of(false);
		fix_csum(&m, &ip);
		tg_icmp_echo_reply(m.b, m.len, &ip);
		CU_ASSERT_EQUAL(tg_be16_get(m.b + 2), 0xffff);
	}
}

/* RFC 792, RFC 1812 4.3.2.3 and RFC 4443 3: as much of the offender as fits. */
static void test_icmp_errorOut_quotesWhatFits(void)
{
	static const uint32_t sizes[] = {20, 60, 548, 549, 1232, 1233, 1500};
	uint8_t offender[1500];

	for (uint32_t i = 0; i < 1500; i++)
		offender[i] = (uint8_t)i;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t s = 0; s < TG_TEST_N(sizes); s++) {
			struct tg_ip ip = ip_of(v6);
			uint32_t most = v6 ? 1232 : 548;
			uint32_t quote = sizes[s] < most ? sizes[s] : most;
			uint8_t *out = malloc(quote + 8);
			uint32_t len = tg_icmp_error_emit(out, 2000, 3, 1, 0xabcd, &ip.src, &ip.dst,
							  offender, sizes[s]);
			CU_ASSERT_EQUAL_FATAL(len, quote + 8);
			CU_ASSERT_EQUAL(memcmp(out + 8, offender, quote), 0);
			CU_ASSERT_EQUAL(tg_be32_get(out + 4), 0xabcd);
			struct message m = {.len = len};
			memcpy(m.b, out, len);
			fix_csum(&m, &ip);
			CU_ASSERT_EQUAL(memcmp(m.b, out, len), 0);
			free(out);
		}
	}
}

static void test_icmp_errorOutWithLittleRoom_isCut(void)
{
	struct tg_ip ip = ip_of(false);
	uint8_t offender[100] = {0x45}, *out = malloc(40);

	CU_ASSERT_EQUAL(tg_icmp_error_emit(out, 40, 3, 1, 0, &ip.src, &ip.dst, offender, 100), 40);
	CU_ASSERT_EQUAL(tg_icmp_error_emit(out, 7, 3, 1, 0, &ip.src, &ip.dst, offender, 100), 0);
	free(out);
}

/* The answer may be built over the packet that it is about. */
static void test_icmp_errorOutInPlace_keepsTheQuote(void)
{
	struct tg_ip ip = ip_of(false);
	uint8_t b[200];

	for (int i = 0; i < 200; i++)
		b[i] = (uint8_t)i;
	CU_ASSERT_EQUAL(tg_icmp_error_emit(b, 200, 3, 1, 0, &ip.src, &ip.dst, b, 100), 108);
	CU_ASSERT_EQUAL(b[8], 0);
	CU_ASSERT_EQUAL(b[107], 99);
}

/* --- neighbour discovery --- */

static const struct tg_mac our_mac = {{2, 0, 0, 0, 0, 9}};

static struct message ns_msg(const struct tg_ip *ip, const struct tg_addr *target)
{
	struct message m;

	m.len = tg_nd_ns_emit(m.b, &ip->src, &ip->dst, target, &our_mac);
	return m;
}

static void test_nd_solicitation_isParsedBack(void)
{
	struct tg_addr target = addr("2001:db8::77");
	struct tg_ip ip = ip_of(true);
	struct tg_icmp icmp;

	ip.dst = tg_nd_solicited_node(&target);
	struct message m = ns_msg(&ip, &target);
	CU_ASSERT_EQUAL(m.len, 32);
	CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_NONE);
	CU_ASSERT_EQUAL(icmp.kind, TG_ICMP_ND_NS);
	CU_ASSERT_TRUE(tg_addr_equal(&icmp.target, &target));
	CU_ASSERT_EQUAL(icmp.has_lladdr, 1);
	CU_ASSERT_EQUAL(memcmp(icmp.lladdr.b, our_mac.b, 6), 0);
}

static void test_nd_advertisement_isParsedBack(void)
{
	struct tg_addr target = addr("2001:db8::77");
	struct tg_ip ip = ip_of(true);

	for (unsigned flags = 0; flags < 4; flags++) {
		struct message m;
		struct tg_icmp icmp;
		m.len =
		    tg_nd_na_emit(m.b, &ip.src, &ip.dst, &target, &our_mac, flags & 1, flags & 2);
		CU_ASSERT_EQUAL(m.len, 32);
		CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_NONE);
		CU_ASSERT_EQUAL(icmp.kind, TG_ICMP_ND_NA);
		CU_ASSERT_EQUAL(icmp.na_solicited, flags & 1);
		CU_ASSERT_EQUAL(icmp.na_override, flags >> 1);
		CU_ASSERT_EQUAL(icmp.na_router, 0);
		CU_ASSERT_EQUAL(icmp.has_lladdr, 1);
	}
}

/* LN-07, ADV-82: each violation alone. set changes the message or its IP header. */
static void nd_hlim_254(struct message *m, struct tg_ip *ip)
{
	(void)m;
	ip->ttl = 254;
}

static void nd_code_1(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[1] = 1;
}

static void nd_short(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->len = 23;
}

static void nd_no_option(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->len = 24;
}

static void nd_option_zero(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[25] = 0;
}

static void nd_option_past_end(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[25] = 2;
}

static void nd_option_stump(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->len = 33; /* one byte of a second option */
}

static void nd_unknown_option(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[24] = 200;
}

static void nd_lladdr_of_16(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[25] = 2;
	m->len = 40;
}

static void nd_lladdr_group(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[26] = 0x33;
}

static void nd_target_group(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	m->b[8] = 0xff;
}

static void nd_target_none(struct message *m, struct tg_ip *ip)
{
	(void)ip;
	memset(m->b + 8, 0, 16);
}

static void nd_target_mapped(struct message *m, struct tg_ip *ip)
{
	struct tg_addr a = addr("192.0.2.1");

	(void)ip;
	memcpy(m->b + 8, a.b, 16);
}

static void nd_fragment(struct message *m, struct tg_ip *ip)
{
	(void)m;
	ip->atomic_frag = 1;
}

static void nd_dad_with_lladdr(struct message *m, struct tg_ip *ip)
{
	(void)m;
	memset(&ip->src, 0, 16);
}

static void nd_dad_to_unicast(struct message *m, struct tg_ip *ip)
{
	memset(&ip->src, 0, 16);
	ip->dst = addr("2001:db8::1");
	m->len = 24;
}

static void nd_dad_proper(struct message *m, struct tg_ip *ip)
{
	memset(&ip->src, 0, 16);
	m->len = 24;
}

static void nd_nothing(struct message *m, struct tg_ip *ip)
{
	(void)m;
	(void)ip;
}

static void test_nd_eachViolation_isNamed(void)
{
	static const struct {
		const char *what;
		void (*set)(struct message *m, struct tg_ip *ip);
		enum tg_ctr want;
	} rows[] = {
	    {"none", nd_nothing, TG_CTR_NONE},
	    {"hop limit 254", nd_hlim_254, TG_CTR_nd_hlim},
	    {"code 1", nd_code_1, TG_CTR_nd_bad},
	    {"23 bytes", nd_short, TG_CTR_nd_bad},
	    {"no option", nd_no_option, TG_CTR_NONE},
	    {"option length 0", nd_option_zero, TG_CTR_nd_bad},
	    {"option past the end", nd_option_past_end, TG_CTR_nd_bad},
	    {"a stump behind", nd_option_stump, TG_CTR_nd_bad},
	    {"unknown option", nd_unknown_option, TG_CTR_NONE},
	    {"link-layer address of 16", nd_lladdr_of_16, TG_CTR_nd_bad},
	    {"link-layer group address", nd_lladdr_group, TG_CTR_nd_bad},
	    {"multicast target", nd_target_group, TG_CTR_nd_bad},
	    {"target ::", nd_target_none, TG_CTR_nd_bad},
	    {"mapped target", nd_target_mapped, TG_CTR_nd_bad},
	    {"in a fragment", nd_fragment, TG_CTR_nd_bad},
	    {"from :: with an address", nd_dad_with_lladdr, TG_CTR_nd_bad},
	    {"from :: to one host", nd_dad_to_unicast, TG_CTR_nd_bad},
	    {"from :: as it should be", nd_dad_proper, TG_CTR_NONE},
	};
	for (size_t i = 0; i < TG_TEST_N(rows); i++) {
		struct tg_addr target = addr("2001:db8::77");
		struct tg_ip ip = ip_of(true);
		struct tg_icmp icmp;
		ip.dst = tg_nd_solicited_node(&target);
		struct message m = ns_msg(&ip, &target);
		memset(m.b + m.len, 0, 16);
		rows[i].set(&m, &ip);
		enum tg_ctr got = verdict_of(&m, &ip, &icmp);
		if (got != rows[i].want)
			printf("%s: %s\n", rows[i].what, tg_ctr_info[got].name);
		CU_ASSERT_EQUAL(got, rows[i].want);
	}
}

static void test_nd_solicitedAdvertisementToGroup_isBad(void)
{
	struct tg_addr target = addr("2001:db8::77");
	struct tg_ip ip = ip_of(true);
	struct tg_icmp icmp;
	struct message m;

	ip.dst = addr("ff02::1");
	m.len = tg_nd_na_emit(m.b, &ip.src, &ip.dst, &target, &our_mac, true, true);
	CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_nd_bad);
	m.len = tg_nd_na_emit(m.b, &ip.src, &ip.dst, &target, &our_mac, false, true);
	CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_NONE);
}

static void test_nd_solicitationFromNowhere_hasNoOption(void)
{
	struct tg_addr target = addr("2001:db8::77");
	struct tg_ip ip = ip_of(true);
	struct tg_icmp icmp;

	memset(&ip.src, 0, 16);
	ip.dst = tg_nd_solicited_node(&target);
	struct message m = ns_msg(&ip, &target);
	CU_ASSERT_EQUAL(m.len, 24);
	CU_ASSERT_EQUAL(verdict_as_is(&m, &ip, &icmp), TG_CTR_NONE);
	CU_ASSERT_EQUAL(icmp.has_lladdr, 0);
}

static void test_nd_groups_areDerived(void)
{
	struct tg_addr a = addr("2001:db8::12:3456"), want = addr("ff02::1:ff12:3456");
	struct tg_addr group = tg_nd_solicited_node(&a);
	struct tg_mac mac = tg_nd_group_mac(&group);

	CU_ASSERT_TRUE(tg_addr_equal(&group, &want));
	CU_ASSERT_EQUAL(memcmp(mac.b, "\x33\x33\xff\x12\x34\x56", 6), 0);
}

/* RFC 3810 5.2: hop-by-hop with router alert, then the report; the packet passes our own parser. */
static void test_mld_report_isWellFormed(void)
{
	struct tg_addr group[2] = {addr("ff02::1:ff00:1"), addr("ff02::1:ff00:2")};
	struct tg_ip ip = ip_of(true), parsed;
	uint8_t b[256];

	ip.dst = addr("ff02::16");
	ip.proto = 0;
	ip.ttl = 1;
	uint32_t len = tg_mld_emit(b + 40, &ip.src, group, 2);
	CU_ASSERT_EQUAL(len, 8 + 8 + 40);
	tg_ip6_emit(b, &ip, len, 0);
	CU_ASSERT_EQUAL(tg_ip6_parse(b, 40 + len, &parsed), TG_CTR_NONE);
	CU_ASSERT_EQUAL(parsed.proto, TG_PROTO_ICMP6);
	CU_ASSERT_EQUAL(parsed.hdr_len, 48);
	CU_ASSERT_EQUAL(memcmp(b + 40, "\x3a\0\5\2\0\0\1\0", 8), 0);
	CU_ASSERT_EQUAL(b[48], 143);
	CU_ASSERT_EQUAL(tg_be16_get(b + 54), 2);
	CU_ASSERT_EQUAL(b[56], 4);
	CU_ASSERT_EQUAL(memcmp(b + 60, group[0].b, 16), 0);
	CU_ASSERT_EQUAL(memcmp(b + 80, group[1].b, 16), 0);
	uint64_t sum = tg_csum_pseudo(&ip.src, &ip.dst, TG_PROTO_ICMP6, len - 8);
	CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(sum, b + 48, len - 8)), 0);
}

/* Whatever comes: a verdict, and nothing read outside. */
static void test_icmp_randomBytes_areSurvived(void)
{
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 30000; i++) {
		struct message m = {.len = tg_rng_below(&rng, 120)};
		struct tg_ip ip = ip_of(i & 1);
		struct tg_icmp icmp;
		static const uint8_t types[] = {3, 11, 12, 1, 2, 4, 135, 136};
		for (uint32_t k = 0; k < m.len; k++)
			m.b[k] = (uint8_t)tg_rng_next(&rng);
		m.b[0] = types[tg_rng_below(&rng, 8)];
		m.b[1] = 0;
		if (i & 2)
			m.b[8] = i & 1 ? 0x60 : 0x45;
		CU_ASSERT_TRUE(verdict_of(&m, &ip, &icmp) < TG_CTR_N);
	}
}

static const struct tg_test tests[] = {
    {"arp_request_isParsedAndEmittedBack", test_arp_request_isParsedAndEmittedBack},
    {"arp_badField_isArpBad", test_arp_badField_isArpBad},
    {"arp_everyTruncation_isArpBad", test_arp_everyTruncation_isArpBad},
    {"icmp_typeAndCode_areClassified", test_icmp_typeAndCode_areClassified},
    {"icmp_unhandledType_isIcmpOther", test_icmp_unhandledType_isIcmpOther},
    {"icmp_quote_isSeenFromUs", test_icmp_quote_isSeenFromUs},
    {"icmp_everyTruncation_isNamed", test_icmp_everyTruncation_isNamed},
    {"icmp_quote4Field_decides", test_icmp_quote4Field_decides},
    {"icmp_quote6Field_decides", test_icmp_quote6Field_decides},
    {"icmp_mappedAddressInQuote6_namesNobody", test_icmp_mappedAddressInQuote6_namesNobody},
    {"icmp_ptb_carriesMtu", test_icmp_ptb_carriesMtu},
    {"icmp_anyFlippedBit_isBadCsum", test_icmp_anyFlippedBit_isBadCsum},
    {"icmp_echo_isTurnedIntoItsReply", test_icmp_echo_isTurnedIntoItsReply},
    {"icmp_echoOfZeros_isAnsweredRight", test_icmp_echoOfZeros_isAnsweredRight},
    {"icmp_errorOut_quotesWhatFits", test_icmp_errorOut_quotesWhatFits},
    {"icmp_errorOutWithLittleRoom_isCut", test_icmp_errorOutWithLittleRoom_isCut},
    {"icmp_errorOutInPlace_keepsTheQuote", test_icmp_errorOutInPlace_keepsTheQuote},
    {"nd_solicitation_isParsedBack", test_nd_solicitation_isParsedBack},
    {"nd_advertisement_isParsedBack", test_nd_advertisement_isParsedBack},
    {"nd_eachViolation_isNamed", test_nd_eachViolation_isNamed},
    {"nd_solicitedAdvertisementToGroup_isBad", test_nd_solicitedAdvertisementToGroup_isBad},
    {"nd_solicitationFromNowhere_hasNoOption", test_nd_solicitationFromNowhere_hasNoOption},
    {"nd_groups_areDerived", test_nd_groups_areDerived},
    {"mld_report_isWellFormed", test_mld_report_isWellFormed},
    {"icmp_randomBytes_areSurvived", test_icmp_randomBytes_areSurvived},
};

int main(int argc, char **argv)
{
	return tg_test_main("link", tests, TG_TEST_N(tests), argc, argv);
}
