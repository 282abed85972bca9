/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_syn.c: what is read of plain SYNs in one go, and what SYN-ACKs are made of, beside the
 * parsers and emitters for all packets. */
#include "tg_rng.h"
#include "tg_test.h"
#include "tg_wire_syn.h"

#include <stdlib.h>

static struct tg_rng rng;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

/* --- options --- */

struct layout {
	const char *of;
	uint8_t len, opt[24];
	uint8_t has;
};

static const struct layout usual[] = {
    {"nobody", 0, {0}, 0},
    {"MSS alone", 4, {2, 4, 5, 180}, 0},
    {"MSS SACK", 8, {2, 4, 5, 180, 1, 1, 4, 2}, TG_SYN_SACK},
    {"MSS WS", 8, {2, 4, 5, 180, 1, 3, 3, 7}, TG_SYN_WS},
    {"Windows", 12, {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2}, TG_SYN_SACK | TG_SYN_WS},
    {"Linux without timestamps",
     12,
     {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7},
     TG_SYN_SACK | TG_SYN_WS},
    {"Linux without scale",
     16,
     {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0},
     TG_SYN_SACK | TG_SYN_TS},
    {"timestamps alone", 16, {2, 4, 5, 180, 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0}, TG_SYN_TS},
    {"Linux",
     20,
     {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7},
     TG_SYN_SACK | TG_SYN_TS | TG_SYN_WS},
    {"Linux without SACK",
     20,
     {2, 4, 5, 180, 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7},
     TG_SYN_TS | TG_SYN_WS},
    {"FreeBSD",
     20,
     {2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0},
     TG_SYN_SACK | TG_SYN_TS | TG_SYN_WS},
    {"macOS",
     24,
     {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 4, 2, 0, 0},
     TG_SYN_SACK | TG_SYN_TS | TG_SYN_WS},
};

/* Where it says something, it says what the parser for all options says, and leaves out nothing. */
static bool agrees(const uint8_t *opt, uint32_t len, const struct tg_syn *syn)
{
	struct tg_tcp_opts o;

	tg_tcp_parse_options(opt, len, &o);
	if (o.bad || o.bad_sack || o.sack_n)
		return false;
	return syn->mss == (o.has_mss ? o.mss : 0) &&
	       syn->has == ((o.has_ts ? TG_SYN_TS : 0) | (o.has_sack_perm ? TG_SYN_SACK : 0) |
			    (o.has_wscale ? TG_SYN_WS : 0)) &&
	       (!o.has_ts || tg_be32_get(&syn->tsval) == o.tsval) &&
	       (!o.has_wscale || syn->wscale == o.wscale);
}

static void test_options_usualLayouts_areKnown(void)
{
	for (uint32_t i = 0; i < TG_TEST_N(usual); i++) {
		struct tg_syn syn;
		bool known = tg_syn_options_parse(usual[i].opt, usual[i].len, &syn);

		if (!known || syn.has != usual[i].has)
			fprintf(stderr, "%s\n", usual[i].of);
		CU_ASSERT(known);
		CU_ASSERT_EQUAL(syn.has, usual[i].has);
		CU_ASSERT(agrees(usual[i].opt, usual[i].len, &syn));
	}
}

/* Options in any order, with any padding; or a usual layout of which something is changed. */
static uint32_t random_layout(uint8_t opt[40])
{
	static const uint8_t piece[][12] = {{4, 2, 4, 5, 180},
					    {2, 4, 2},
					    {3, 3, 3, 7},
					    {10, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8},
					    {1, 1},
					    {1, 0},
					    {2, 1, 1},
					    {4, 34, 4, 1, 2},
					    {4, 1, 3, 3, 9},
					    {10, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8}};
	uint32_t len = 0;

	if (below(2)) {
		const struct layout *l = &usual[1 + below(TG_TEST_N(usual) - 1)];
		memcpy(opt, l->opt, l->len);
		for (uint32_t n = below(3); n; n--)
			opt[below(l->len)] = (uint8_t)below(below(2) ? 12 : 256);
		return below(8) ? l->len : below(l->len + 1u);
	}
	while (below(6) && len < 24) {
		const uint8_t *p = piece[below(TG_TEST_N(piece))];
		memcpy(opt + len, p + 1, p[0]);
		len += p[0];
	}
	while (len % 4 && below(16))
		opt[len++] = (uint8_t)(below(2) ? 0 : 1);
	return len;
}

static void test_options_anyLayout_sameAsTheParser(void)
{
	uint32_t known = 0, wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 2000000; i++) {
		uint8_t opt[40] = {0};
		uint32_t len = random_layout(opt);
		struct tg_syn syn;

		if (!tg_syn_options_parse(opt, len, &syn))
			continue;
		known++;
		wrong += !agrees(opt, len, &syn);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(known > 200000);
}

/* --- packets --- */

struct packet {
	uint8_t data[256];
	uint32_t len;
	struct tg_ip ip;
	bool v6;
};

static struct tg_addr random_addr(bool v6)
{
	uint8_t b[16];

	for (int i = 0; i < 16; i++)
		b[i] = (uint8_t)below(256);
	b[0] = (uint8_t)(v6 ? 0x20 + below(4) : 1 + below(126));
	return v6 ? tg_addr_from_v6(b) : tg_addr_from_v4(b);
}

/* Fills in what depends on the rest. */
static void finish(struct packet *p, uint32_t tcp_len)
{
	uint32_t l3 = p->v6 ? TG_IP6_LEN : TG_IP4_LEN;

	tg_tcp_csum_put(p->data + l3, tcp_len, &p->ip.src, &p->ip.dst, false);
	if (p->v6)
		tg_ip6_emit(p->data, &p->ip, tcp_len, below(1 << 20));
	else
		tg_ip4_emit(p->data, &p->ip, tcp_len, false);
	p->len = l3 + tcp_len;
}

static void make(struct packet *p, bool v6)
{
	const struct layout *l = &usual[below(TG_TEST_N(usual))];
	uint32_t l3 = v6 ? TG_IP6_LEN : TG_IP4_LEN, len = TG_TCP_LEN + l->len;
	uint8_t *tcp = p->data + l3;

	memset(p, 0, sizeof(*p));
	p->v6 = v6;
	p->ip = (struct tg_ip){.src = random_addr(v6),
			       .dst = random_addr(v6),
			       .proto = TG_PROTO_TCP,
			       .ttl = 64,
			       .tos = (uint8_t)below(256)};
	tg_be16_put(tcp, (uint16_t)(1 + below(65535)));
	tg_be16_put(tcp + 2, (uint16_t)(1 + below(65535)));
	tg_be32_put(tcp + 4, below(UINT32_MAX));
	tg_be32_put(tcp + 12, len << 26 | below(16) << 24 |
				  (uint32_t)(TG_TCP_SYN | below(4) << 6) << 16 | below(65536));
	memcpy(tcp + TG_TCP_LEN, l->opt, l->len);
	finish(p, len);
}

/* From memory that ends with the packet. */
static bool parse(const struct packet *p, uint32_t len, bool l3_good, bool l4_good,
		  struct tg_syn *syn)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, p->data, len);
	bool plain = p->v6 ? tg_syn6_parse(copy, len, l4_good, syn)
			   : tg_syn4_parse(copy, len, l3_good, l4_good, syn);
	free(copy);
	return plain;
}

/* The parsers for all packets find a plain SYN, and the same numbers. */
static bool is_plain_to_all(const struct packet *p, const struct tg_syn *syn)
{
	struct tg_seg seg;
	struct tg_ip ip;
	enum tg_ctr why =
	    p->v6 ? tg_ip6_parse(p->data, p->len, &ip) : tg_ip4_parse(p->data, p->len, true, &ip);

	if (why != TG_CTR_NONE || ip.has_options || ip.hdr_len > TG_IP6_LEN ||
	    ip.proto != TG_PROTO_TCP ||
	    !tg_tcp_csum_ok(p->data + ip.hdr_len, ip.payload_len, &ip.src, &ip.dst) ||
	    tg_tcp_parse(p->data + ip.hdr_len, ip.payload_len, &seg) != TG_CTR_NONE)
		return false;
	bool ecn = (seg.ctl >> 6) == 3 && (ip.tos & 3) == 0;
	struct tg_syn plain = *syn;

	plain.has &= (uint8_t)~TG_SYN_ECN;
	return (seg.ctl & 0x3f) == TG_TCP_SYN && seg.len == 0 &&
	       ecn == ((syn->has & TG_SYN_ECN) != 0) &&
	       agrees(p->data + ip.hdr_len + TG_TCP_LEN, ip.payload_len - TG_TCP_LEN, &plain);
}

static void test_syn_good_isPlain(void)
{
	uint32_t wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 20000; i++) {
		struct packet p;
		struct tg_syn syn;

		make(&p, i & 1);
		wrong += !parse(&p, p.len, false, false, &syn) || !is_plain_to_all(&p, &syn);
		/* Padding is cut; what was said to be good is not looked at. */
		wrong += !parse(&p, p.len + below(30), false, false, &syn);
		p.data[p.v6 ? 24 : 10] ^= 1;
		wrong += parse(&p, p.len, false, false, &syn);
		wrong += !parse(&p, p.len, true, true, &syn);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_syn_anyFlippedBitOrLength_isNotPlain(void)
{
	uint32_t wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 40; i++) {
		struct packet p;
		struct tg_syn syn;

		make(&p, i & 1);
		for (uint32_t len = 0; len < p.len; len++)
			wrong += parse(&p, len, false, false, &syn);
		for (uint32_t bit = 0; bit < p.len * 8; bit++) {
			/* Traffic class, label and hop limit of IPv6 are under no checksum. */
			if (p.v6 && ((bit < 32 && (bit < 4 || bit > 7)) || bit / 8 == 7))
				continue;
			p.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			wrong += parse(&p, p.len, false, false, &syn);
			p.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Whatever is changed, if its checksums are right again: plain, or left to others; never wrong. */
static void test_syn_changedAndSummed_isPlainToAll(void)
{
	uint32_t plain = 0, wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 300000; i++) {
		struct packet p;
		struct tg_syn syn;

		make(&p, i & 1);
		uint32_t l3 = p.v6 ? TG_IP6_LEN : TG_IP4_LEN, tcp_len = p.len - l3;

		for (uint32_t n = below(3); n; n--)
			p.data[l3 + below(tcp_len)] ^= (uint8_t)(1u << below(8));
		if (below(8) == 0)
			tcp_len += below(9);
		if (below(8) == 0)
			p.ip.src.b[p.v6 ? 0 : 12] = (uint8_t)below(256);
		if (below(32) == 0)
			memset(p.ip.src.b, 0, p.v6 ? 10 : 0);
		if (below(16) == 0)
			p.ip.ttl = 0;
		if (below(16) == 0)
			p.ip.proto = (uint8_t)below(64);
		finish(&p, tcp_len);
		if (!p.v6 && below(8) == 0) { /* flags and fragments */
			p.data[6] = (uint8_t)below(256);
			tg_be16_put(p.data + 10, 0);
			tg_be16_put(p.data + 10, tg_csum_fold(tg_csum_add(0, p.data, TG_IP4_LEN)));
		}
		if (!parse(&p, p.len, false, false, &syn))
			continue;
		plain++;
		wrong += !is_plain_to_all(&p, &syn);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(plain > 30000);
}

/* --- shapes --- */

/* A frame for the packet, with or without a tag, in a buffer as long as what is compared. */
static uint32_t frame_of(const struct packet *p, bool tagged, uint8_t frame[256])
{
	struct tg_eth eth = {.dst = {{2, 0, 0, 0, 0, 1}},
			     .src = {{2, 0, 0, 0, 0, (uint8_t)below(9)}},
			     .type = p->v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4,
			     .vid = 5,
			     .tagged = tagged};
	uint32_t l2 = tg_eth_emit(frame, &eth);

	for (uint32_t i = l2; i < 256; i++)
		frame[i] = (uint8_t)below(256);
	memcpy(frame + l2, p->data, p->len);
	return l2;
}

static bool has(const struct tg_syn_shape *s, const uint8_t *frame, bool v6)
{
	return tg_syn_shape_has(s, frame, v6);
}

static bool is_rest(const struct tg_syn_shape *s, const uint8_t *ip, bool v6)
{
	return v6 ? tg_syn6_rest(s, ip, false) : tg_syn4_rest(s, ip, false, false);
}

/* Another packet of the same system to the same place; or one of which anything is other. */
static void vary(struct packet *p)
{
	uint32_t l3 = p->v6 ? TG_IP6_LEN : TG_IP4_LEN, tcp_len = p->len - l3;
	uint8_t *tcp = p->data + l3;

	p->ip.src = random_addr(p->v6);
	p->ip.frag_id = (uint16_t)below(65536);
	p->ip.ttl = (uint8_t)(below(8) ? below(256) : 0);
	p->ip.tos = (uint8_t)(p->ip.tos ^ below(4) * (below(4) == 0) ^ below(64) << 2);
	tg_be16_put(tcp, (uint16_t)(below(20) ? below(65536) : 0));
	tg_be32_put(tcp + 4, below(UINT32_MAX));
	tg_be32_put(tcp + 8, below(UINT32_MAX));
	tg_be16_put(tcp + 14, (uint16_t)below(65536));
	tg_be16_put(tcp + 18, (uint16_t)below(65536));
	for (uint32_t n = below(3); n; n--)
		tcp[below(tcp_len)] ^= (uint8_t)(1u << below(8));
	if (below(16) == 0)
		p->ip.dst = random_addr(p->v6);
	if (below(16) == 0)
		p->ip.proto = 17;
	finish(p, tcp_len);
	if (!p->v6 && below(8) == 0) {
		p->data[6] = (uint8_t)below(256);
		tg_be16_put(p->data + 10, 0);
		tg_be16_put(p->data + 10, tg_csum_fold(tg_csum_add(0, p->data, TG_IP4_LEN)));
	}
	if (below(8) == 0)
		p->data[below(p->len)] ^= (uint8_t)(1u << below(8));
}

/* What has the shape and the rest of a plain SYN is one, with the same options and to the same
 * place; and those that differ in nothing but numbers have it. */
static void test_shape_others_plainAndTheSame(void)
{
	uint32_t known = 0, wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 200000; i++) {
		struct tg_syn_shape shape;
		struct packet p;
		struct tg_syn syn, other;
		uint8_t frame[256];
		bool v6 = i & 1, tagged = i & 2;

		make(&p, v6);
		parse(&p, p.len, false, false, &syn);
		uint32_t l2 = frame_of(&p, tagged, frame);
		tg_syn_shape_init(&shape, frame, l2, v6, &syn);
		wrong += !has(&shape, frame, v6) || !is_rest(&shape, frame + l2, v6) ||
			 shape.len != l2 + p.len;
		struct tg_addr dst = p.ip.dst;
		uint16_t port = tg_be16_get(p.data + (v6 ? TG_IP6_LEN : TG_IP4_LEN) + 2);
		uint32_t len = p.len;

		vary(&p);
		frame_of(&p, tagged, frame);
		if (!has(&shape, frame, v6) || p.len < len || !is_rest(&shape, frame + l2, v6))
			continue;
		known++;
		wrong += p.len != len || !parse(&p, p.len, false, false, &other) ||
			 !is_plain_to_all(&p, &other) || other.has != syn.has ||
			 other.mss != syn.mss || other.wscale != syn.wscale ||
			 memcmp(p.data + (v6 ? 24 : 16), dst.b + (v6 ? 0 : 12), v6 ? 16 : 4) != 0 ||
			 tg_be16_get(p.data + (v6 ? TG_IP6_LEN : TG_IP4_LEN) + 2) != port;
		if (syn.has & TG_SYN_TS)
			wrong += memcmp(frame + shape.ts_at, &other.tsval, 4) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(known > 20000);
}

/* Of the link header the destination, the type and the VLAN count. */
static void test_shape_otherFrame_hasItNot(void)
{
	static const uint8_t counts[18] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 1, 1};

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 4; i++) {
		struct tg_syn_shape shape;
		struct packet p;
		struct tg_syn syn;
		uint8_t frame[256];

		make(&p, i & 1);
		CU_ASSERT(parse(&p, p.len, false, false, &syn));
		uint32_t l2 = frame_of(&p, i & 2, frame);
		tg_syn_shape_init(&shape, frame, l2, p.v6, &syn);
		for (uint32_t bit = 0; bit < l2 * 8; bit++) {
			uint8_t c = counts[bit / 8];
			bool is_other = c == 1 || (c == 2 && bit % 8 < 4);
			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
			CU_ASSERT_EQUAL(has(&shape, frame, p.v6), !is_other);
			frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* --- SYN-ACKs --- */

struct want {
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;
	uint8_t tx_flags;
	uint32_t flow;
};

static uint32_t emit(const struct want *w, uint8_t *data, struct tg_synack *s)
{
	bool v4 = tg_addr_is_v4(&w->ip.src), tcp_csum = w->tx_flags & TG_TX_TCP_CSUM;
	uint32_t l2 = tg_eth_emit(data, &w->eth), l3 = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	uint32_t l4 = tg_tcp_emit(data + l2 + l3, &w->seg);

	tg_tcp_csum_put(data + l2 + l3, l4, &w->ip.src, &w->ip.dst, tcp_csum);
	if (v4)
		tg_ip4_emit(data + l2, &w->ip, l4, w->tx_flags & TG_TX_IP_CSUM);
	else
		tg_ip6_emit(data + l2, &w->ip, l4, w->flow);
	s->l2_len = (uint8_t)l2;
	s->l3_len = (uint8_t)l3;
	s->l4_len = (uint8_t)l4;
	s->len = (uint16_t)(l2 + l3 + l4);
	return s->len;
}

static struct want random_want(bool v6)
{
	struct want w = {
	    .eth = {.type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4, .vid = (uint16_t)below(2)},
	    .ip = {.src = random_addr(v6),
		   .dst = random_addr(v6),
		   .proto = TG_PROTO_TCP,
		   .ttl = (uint8_t)below(256),
		   .tos = (uint8_t)below(256),
		   .frag_id = (uint16_t)below(65536)},
	    .seg = {.seq = tg_seq_make(below(UINT32_MAX)),
		    .ack = tg_seq_make(below(UINT32_MAX)),
		    .wnd = (uint16_t)below(65536),
		    .ctl = TG_TCP_SYN | TG_TCP_ACK,
		    .sport = (uint16_t)below(65536),
		    .dport = (uint16_t)below(65536)},
	    .tx_flags = (uint8_t)below(4),
	    .flow = below(1 << 20)};
	struct tg_tcp_opts *o = &w.seg.opts;

	w.eth.tagged = w.eth.vid != 0;
	w.tx_flags &= (uint8_t)(v6 ? TG_TX_TCP_CSUM : TG_TX_TCP_CSUM | TG_TX_IP_CSUM);
	o->has_mss = 1;
	o->mss = (uint16_t)below(65536);
	o->has_ts = below(2) & 1;
	o->has_sack_perm = o->has_ts & below(2);
	o->has_wscale = o->has_ts & below(2);
	o->wscale = (uint8_t)below(15);
	o->tsval = o->has_ts ? below(UINT32_MAX) : 0;
	o->tsecr = o->has_ts ? below(UINT32_MAX) : 0;
	return w;
}

/* A form is a SYN-ACK without what each has of its own. */
static void make_form(const struct want *w, struct tg_synack *s)
{
	struct want blank = *w;

	blank.seg.seq = blank.seg.ack = tg_seq_make(0);
	blank.seg.dport = 0;
	blank.seg.opts.tsval = blank.seg.opts.tsecr = 0;
	blank.ip.frag_id = 0;
	blank.flow = 0;
	memset(&blank.ip.dst.b[tg_addr_is_v4(&w->ip.dst) ? 12 : 0], 0,
	       tg_addr_is_v4(&w->ip.dst) ? 4 : 16);
	*s = (struct tg_synack){.tx_flags = w->tx_flags, .has_ts = w->seg.opts.has_ts};
	emit(&blank, s->bytes, s);
	uint8_t *ip = s->bytes + s->l2_len;

	if (s->l3_len == TG_IP4_LEN)
		tg_be16_put(ip + 10, 0);
	tg_be16_put(ip + s->l3_len + 16, 0);
	tg_synack_init(s, &w->ip.src);
}

static void put(const struct want *w, const struct tg_synack *s, uint8_t *data)
{
	struct tg_synack_numbers x = {.seq = tg_be32_swap(w->seg.seq.v),
				      .ack = tg_be32_swap(w->seg.ack.v),
				      .tsval = tg_be32_swap(w->seg.opts.tsval),
				      .tsecr = tg_be32_swap(w->seg.opts.tsecr),
				      .port = tg_be16_swap(w->seg.dport),
				      .id = tg_be16_swap(w->ip.frag_id),
				      .flow = w->flow};
	uint64_t peer[2];

	memcpy(peer, w->ip.dst.b, sizeof(peer));
	if (s->l3_len == TG_IP6_LEN)
		tg_synack6_put(s, data, peer, &x);
	else
		tg_synack4_put(s, data, tg_addr_v4(&w->ip.dst), &x);
}

static void test_synack_form_sameAsEmitted(void)
{
	uint32_t wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 100000; i++) {
		struct want w = random_want(i & 1);
		struct tg_synack form, lens;
		uint8_t want[TG_HDR_MAX], got[TG_HDR_MAX];

		make_form(&w, &form);
		put(&w, &form, got);
		uint32_t len = emit(&w, want, &lens);
		wrong += form.len != len || memcmp(want, got, len) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static const struct tg_test tests[] = {
    {"options_usualLayouts_areKnown", test_options_usualLayouts_areKnown},
    {"options_anyLayout_sameAsTheParser", test_options_anyLayout_sameAsTheParser},
    {"syn_good_isPlain", test_syn_good_isPlain},
    {"syn_anyFlippedBitOrLength_isNotPlain", test_syn_anyFlippedBitOrLength_isNotPlain},
    {"syn_changedAndSummed_isPlainToAll", test_syn_changedAndSummed_isPlainToAll},
    {"shape_others_plainAndTheSame", test_shape_others_plainAndTheSame},
    {"shape_otherFrame_hasItNot", test_shape_otherFrame_hasItNot},
    {"synack_form_sameAsEmitted", test_synack_form_sameAsEmitted},
};

int main(int argc, char **argv)
{
	return tg_test_main("wire_syn", tests, TG_TEST_N(tests), argc, argv);
}
