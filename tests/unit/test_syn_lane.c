/* SPDX-License-Identifier: BSD-3-Clause */
/* test_syn_lane.c: each way of the lane (SC-25) beside what is done one by one: which frames have
 * the shape and are right, what is read of them, and the bytes of the answers. */
#include "tg_rng.h"
#include "tg_syn_lane.h"
#include "tg_test.h"

#include <stdlib.h>

enum { ROUNDS = 400, FRAME_LEN = 160 };

static struct tg_rng rng;
static uint8_t frame[TG_SYN_LANE][FRAME_LEN];
static const uint8_t *const data[TG_SYN_LANE] = {
    frame[0], frame[1], frame[2],  frame[3],  frame[4],  frame[5],  frame[6],  frame[7],
    frame[8], frame[9], frame[10], frame[11], frame[12], frame[13], frame[14], frame[15]};

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- SYNs --- */

struct kind {
	uint32_t l2_len, opt_len;
	uint8_t opt[24];
};

static const struct kind kinds[] = {
    {14, 0, {0}},
    {14, 4, {2, 4, 5, 180}},
    {18, 12, {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2}},
    {14, 16, {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0}},
    {14, 20, {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}},
    {18, 20, {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}},
    {14, 20, {2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0}},
};
static const struct kind too_long = {
    14, 24, {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 4, 2, 0, 0}};

static void sign(const struct kind *k, uint8_t *p)
{
	uint8_t *ip = p + k->l2_len, *tcp = ip + TG_IP4_LEN;
	struct tg_addr src = tg_addr_from_v4(ip + 12), dst = tg_addr_from_v4(ip + 16);

	tg_be16_put(ip + 10, 0);
	tg_be16_put(ip + 10, tg_csum_fold(tg_csum_add(0, ip, TG_IP4_LEN)));
	tg_tcp_csum_put(tcp, TG_TCP_LEN + k->opt_len, &src, &dst, false);
}

/* A SYN of that kind; what differs from one to the other is at random. */
static void random_syn(const struct kind *k, uint8_t *p)
{
	struct tg_eth eth = {.dst = {{2, 0, 0, 0, 0, 1}},
			     .src = {{2, 0, 0, 0, 0, (uint8_t)below(256)}},
			     .type = TG_ETHERTYPE_IP4,
			     .vid = 5,
			     .tagged = k->l2_len == 18};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = (uint8_t)(1 + below(255))};
	uint8_t *tcp = p + k->l2_len + TG_IP4_LEN;
	uint32_t src = tg_be32_swap(below(UINT32_MAX));

	tg_addr_parse("192.0.2.1", &ip.dst);
	ip.src = tg_addr_from_v4(&src);
	ip.frag_id = (uint16_t)below(65536);
	ip.tos = (uint8_t)(below(64) << 2);
	for (uint32_t i = 0; i < FRAME_LEN; i++)
		p[i] = (uint8_t)below(256);
	CU_ASSERT_EQUAL(tg_eth_emit(p, &eth), k->l2_len);
	tg_ip4_emit(p + k->l2_len, &ip, TG_TCP_LEN + k->opt_len, false);
	tg_be16_put(tcp, (uint16_t)below(65536));
	tg_be16_put(tcp + 2, 80);
	tcp[12] = (uint8_t)((TG_TCP_LEN + k->opt_len) / 4 << 4 | below(16));
	tcp[13] = TG_TCP_SYN;
	memcpy(tcp + TG_TCP_LEN, k->opt, k->opt_len);
	for (uint32_t i = TG_TCP_LEN; k->opt_len >= 16 && i < TG_TCP_LEN + k->opt_len; i++)
		if (tcp[i] == 8 && tcp[i + 1] == 10)
			tg_be32_put(tcp + i + 2, below(UINT32_MAX));
	sign(k, p);
}

/* One bit is another, and the checksums may be made right again; or the source is one of those that
 * nobody may come from. */
static void spoil(const struct kind *k, uint8_t *p)
{
	static const uint8_t odd[][4] = {{0, 1, 2, 3},         {127, 0, 0, 1}, {224, 0, 0, 1},
					 {255, 255, 255, 255}, {192, 0, 2, 9}, {10, 1, 2, 3}};
	uint32_t len = k->l2_len + TG_IP4_LEN + TG_TCP_LEN + k->opt_len;

	if (one_in(4))
		memcpy(p + k->l2_len + 12, odd[below(TG_TEST_N(odd))], 4);
	else if (one_in(6))
		memset(p + k->l2_len + TG_IP4_LEN, 0, 2);
	else
		p[below(len)] ^= (uint8_t)(1u << below(8));
	if (one_in(2))
		sign(k, p);
}

/* Networks that nobody may come from, host order. */
static const uint32_t near_net[] = {0xc0000200, 0x0a000000}, near_mask[] = {0xffffff00, 0xff000000};

static bool is_near(uint32_t v4)
{
	return (v4 & near_mask[0]) == near_net[0] || (v4 & near_mask[1]) == near_net[1];
}

static void check_words(const struct kind *k, const struct tg_syn_cols *c,
			const struct tg_syn_batch *b, uint32_t at)
{
	static struct tg_syn_batch one;
	struct tg_syn syn;

	for (uint32_t i = 0; i < TG_SYN_LANE; i++) {
		const uint8_t *ip = frame[i] + k->l2_len, *tcp = ip + TG_IP4_LEN;

		if (!tg_syn4_parse(ip, TG_IP4_LEN + TG_TCP_LEN + k->opt_len, true, true, &syn))
			continue;
		tg_syn_batch_put(&one, i, false, ip, tcp);
		CU_ASSERT_EQUAL(b->ports[at + i], one.ports[i]);
		CU_ASSERT_EQUAL(b->end[at + i], (one.ports[i] & UINT32_MAX) | tg_sip_len(12));
		CU_ASSERT_EQUAL(memcmp(&c->peer[at + i], ip + 12, 4), 0);
		CU_ASSERT_EQUAL(memcmp(&c->ports[at + i], tcp, 4), 0);
		CU_ASSERT_EQUAL(memcmp(&c->seq[at + i], tcp + 4, 4), 0);
	}
}

/* Of frames of the shape: those that tg_syn4_parse finds right are taken, and no other. */
static void check_read(const struct tg_syn_lane *lane, const struct kind *k)
{
	static struct tg_syn_shape shape;
	static struct tg_syn_rows rows;
	static struct tg_syn_batch batch;
	static struct tg_syn_cols cols;
	struct tg_addr laddr;
	struct tg_syn syn;
	uint32_t check = below(4), at = TG_SYN_LANE * below(TG_SYN_BATCH_MAX / TG_SYN_LANE);
	uint32_t len = TG_IP4_LEN + TG_TCP_LEN + k->opt_len, want = 0;

	tg_addr_parse("192.0.2.1", &laddr);
	do
		random_syn(k, frame[0]);
	while (!tg_syn4_parse(frame[0] + k->l2_len, len, false, false, &syn));
	tg_syn_shape_init(&shape, frame[0], k->l2_len, false, &syn);
	CU_ASSERT_FATAL(tg_syn_rows_init(&rows, &shape, &laddr));
	for (uint32_t i = 0; i < 2; i++)
		CU_ASSERT(tg_syn_rows_near(&rows, near_net[i], near_mask[i]));
	for (uint32_t i = 0; i < TG_SYN_LANE; i++) {
		const uint8_t *ip = frame[i] + k->l2_len;
		random_syn(k, frame[i]);
		if (one_in(2))
			spoil(k, frame[i]);
		want |= (uint32_t)(tg_syn_shape_has(&shape, frame[i], false) &&
				   tg_syn4_rest(&shape, ip, !(check & TG_SYN_CHECK_IP),
						!(check & TG_SYN_CHECK_TCP)) &&
				   !is_near(tg_be32_get(ip + 12)))
			<< i;
	}
	uint32_t got = lane->read(&rows, data, check, &cols, &batch, at);

	if (got != want)
		fprintf(stderr, "%s: %x, not %x\n", lane->name, got, want);
	CU_ASSERT_EQUAL(got, want);
	check_words(k, &cols, &batch, at);
	for (uint32_t i = 0; i < TG_SYN_LANE; i++)
		if (want >> i & 1 && syn.has & TG_SYN_TS) {
			CU_ASSERT_EQUAL(memcmp(&cols.tsval[at + i], frame[i] + shape.ts_at, 4), 0);
		} else if (want >> i & 1) {
			CU_ASSERT_EQUAL(cols.tsval[at + i], 0);
		}
}

static void test_read_anyFrames_sameAsOneByOne(void)
{
	const struct tg_syn_lane *lane;
	uint32_t n = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (; (lane = tg_syn_lane_at(n)); n++)
		for (uint32_t r = 0; r < ROUNDS; r++)
			check_read(lane, &kinds[below(TG_TEST_N(kinds))]);
	CU_ASSERT(n >= 1);
	CU_ASSERT_STRING_EQUAL(tg_syn_lane_at(n - 1)->name, "any");
}

static void test_rows_longerThanARow_areRefused(void)
{
	static struct tg_syn_shape shape;
	static struct tg_syn_rows rows;
	struct tg_addr laddr;
	struct tg_syn syn;

	tg_rng_init(&rng, tg_test_seed);
	tg_addr_parse("192.0.2.1", &laddr);
	do
		random_syn(&too_long, frame[0]);
	while (!tg_syn4_parse(frame[0] + 14, 64, false, false, &syn));
	tg_syn_shape_init(&shape, frame[0], 14, false, &syn);
	CU_ASSERT_FALSE(tg_syn_rows_init(&rows, &shape, &laddr));
	for (uint32_t i = 0; i < TG_SYN_NEAR_MAX; i++)
		CU_ASSERT(tg_syn_rows_near(&rows, i, UINT32_MAX));
	CU_ASSERT_FALSE(tg_syn_rows_near(&rows, 99, UINT32_MAX));
}

/* --- SYN-ACKs --- */

/* A form as the engine has them. */
static void random_form(struct tg_synack *s, bool tagged)
{
	struct tg_eth eth = {.dst = {{2, 0, 0, 0, 1, 0}},
			     .src = {{2, 0, 0, 0, 0, 1}},
			     .type = TG_ETHERTYPE_IP4,
			     .vid = 5,
			     .tagged = tagged};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = 64, .tos = (uint8_t)below(256)};
	struct tg_seg seg = {.ctl = TG_TCP_SYN | TG_TCP_ACK, .wnd = below(65536), .sport = 80};

	memset(s, 0, sizeof(*s));
	tg_addr_parse("192.0.2.1", &ip.src);
	seg.opts.has_mss = 1;
	seg.opts.mss = (uint16_t)below(1461);
	seg.opts.has_ts = s->has_ts = one_in(2);
	seg.opts.has_sack_perm = s->has_ts && one_in(2);
	seg.opts.has_wscale = s->has_ts && one_in(2);
	seg.opts.wscale = 7;
	s->tx_flags = (uint8_t)((one_in(2) ? TG_TX_IP_CSUM : 0) | (one_in(2) ? TG_TX_TCP_CSUM : 0));
	s->l2_len = (uint8_t)tg_eth_emit(s->bytes, &eth);
	s->l3_len = TG_IP4_LEN;
	s->l4_len = (uint8_t)tg_tcp_emit(s->bytes + s->l2_len + TG_IP4_LEN, &seg);
	tg_ip4_emit(s->bytes + s->l2_len, &ip, s->l4_len, true);
	s->len = (uint16_t)(s->l2_len + s->l3_len + s->l4_len);
	tg_synack_init(s, &ip.src);
}

/* Numbers from hashes by the ruler of a cookie (SC-01, SC-03), as tg_syn_batch_mint has them. */
static void numbers_of(const struct tg_syn_cols *c, const struct tg_syn_batch *b, uint64_t epoch,
		       uint16_t word, uint32_t i, struct tg_synack_numbers *x)
{
	uint32_t isn = (uint32_t)(b->mac[i] >> 35) << 3 | (uint32_t)(epoch & 1) << 2 | (word & 3);
	uint32_t hi = (uint32_t)(epoch + b->ts[i] + 1) & 0x7fff;

	isn ^= isn >> 3 & 7;
	x->seq = tg_be32_swap(isn);
	x->ack = tg_be32_swap(tg_be32_swap(c->seq[i]) + 1);
	x->tsval = tg_be32_swap(hi << 17 | ((uint32_t)b->mac[i] & 0x7ff) << 6 | (word >> 3 & 0x3f));
	x->tsecr = c->tsval[i];
	x->port = (uint16_t)c->ports[i];
	x->id = tg_be16_swap((uint16_t)c->id[i]);
	x->flow = 0;
}

static void check_write(const struct tg_syn_lane *lane)
{
	static struct tg_syn_batch b;
	static struct tg_syn_cols c;
	static uint8_t got[TG_SYN_LANE][FRAME_LEN], want[FRAME_LEN];
	uint32_t at = TG_SYN_LANE * below(TG_SYN_BATCH_MAX / TG_SYN_LANE);
	struct tg_cookie_keys keys = {.epoch = below(UINT32_MAX)};
	uint16_t word = (uint16_t)below(8192);
	uint8_t *row[TG_SYN_LANE];
	struct tg_synack_rows rows;
	struct tg_synack s;

	random_form(&s, one_in(2));
	tg_synack_rows_init(&rows, &s);
	tg_synack_promise(&rows, &keys, word);
	for (uint32_t i = 0; i < TG_SYN_LANE; i++) {
		row[i] = got[i];
		b.mac[at + i] = tg_rng_next(&rng);
		b.ts[at + i] = tg_rng_next(&rng);
		c.peer[at + i] = below(UINT32_MAX);
		c.ports[at + i] = below(UINT32_MAX);
		c.seq[at + i] = one_in(8) ? UINT32_MAX : below(UINT32_MAX);
		c.tsval[at + i] = below(UINT32_MAX);
		c.id[at + i] = below(65536);
	}
	lane->write(&rows, &c, &b, at, row);
	for (uint32_t i = 0; i < TG_SYN_LANE; i++) {
		struct tg_synack_numbers x;
		numbers_of(&c, &b, keys.epoch, word, at + i, &x);
		tg_synack4_put(&s, want, c.peer[at + i], &x);
		CU_ASSERT_EQUAL(memcmp(got[i], want, s.len), 0);
	}
}

static void test_write_anyNumbers_sameAsOneByOne(void)
{
	const struct tg_syn_lane *lane;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t n = 0; (lane = tg_syn_lane_at(n)); n++)
		for (uint32_t r = 0; r < ROUNDS; r++)
			check_write(lane);
}

static const struct tg_test tests[] = {
    {"read_anyFrames_sameAsOneByOne", test_read_anyFrames_sameAsOneByOne},
    {"rows_longerThanARow_areRefused", test_rows_longerThanARow_areRefused},
    {"write_anyNumbers_sameAsOneByOne", test_write_anyNumbers_sameAsOneByOne},
};

int main(int argc, char **argv)
{
	return tg_test_main("syn_lane", tests, TG_TEST_N(tests), argc, argv);
}
