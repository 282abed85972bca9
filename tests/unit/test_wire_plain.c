/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_plain.c: whatever tg_plain4_parse calls plain the parsers of tg_wire.h find right too,
 * and read the same; and what most systems send is plain. */
#include "tg_rng.h"
#include "tg_test.h"
#include "tg_wire_plain.h"

enum { FRAME_LEN = 128, TRIES = 400000 };

static struct tg_rng rng;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

struct frame {
	uint8_t data[FRAME_LEN];
	uint32_t len;
};

static uint32_t put_options(uint8_t *p)
{
	static const uint8_t ts[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t syn[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 9, 8,
				      7, 6, 0, 0,    0, 1, 1, 3,  3, 7};

	switch (below(4)) {
	case 0:
		return 0;
	case 1:
		memcpy(p, syn, sizeof(syn));
		return sizeof(syn);
	default:
		memcpy(p, ts, sizeof(ts));
		return sizeof(ts);
	}
}

static void fix_sums(uint8_t *ip, uint32_t total)
{
	uint32_t hdr_len = (ip[0] & 15u) * 4;
	struct tg_addr src = tg_addr_from_v4(ip + 12), dst = tg_addr_from_v4(ip + 16);

	if (hdr_len < TG_IP4_LEN || hdr_len + TG_TCP_LEN > total || total > FRAME_LEN)
		return;
	tg_be16_put(ip + 10, 0);
	tg_be16_put(ip + 10, tg_csum_fold(tg_csum_add(0, ip, hdr_len)));
	tg_tcp_csum_put(ip + hdr_len, total - hdr_len, &src, &dst, false);
}

static void make(struct frame *f)
{
	uint8_t *ip = f->data, *tcp = ip + TG_IP4_LEN;
	uint32_t opt_len, text = one_in(2) ? below(20) : 0;

	for (uint32_t i = 0; i < FRAME_LEN; i++)
		f->data[i] = (uint8_t)below(256);
	ip[0] = 0x45;
	tg_be16_put(ip + 6, (uint16_t)(one_in(2) ? 0x4000 : 0));
	ip[8] = (uint8_t)(1 + below(255));
	ip[9] = TG_PROTO_TCP;
	ip[12] = 10;
	ip[16] = (uint8_t)(one_in(4) ? below(256) : 192);
	opt_len = put_options(tcp + TG_TCP_LEN);
	tcp[12] = (uint8_t)((TG_TCP_LEN + opt_len) << 2 | below(16));
	f->len = TG_IP4_LEN + TG_TCP_LEN + opt_len + text;
	tg_be16_put(ip + 2, (uint16_t)f->len);
	if (one_in(2)) /* one byte is another */
		ip[below(f->len)] = (uint8_t)(one_in(3) ? 0 : one_in(2) ? 127 : below(256));
	if (one_in(20))
		memset(tcp + 2 * below(2), 0, 2);
	if (!one_in(10))
		fix_sums(ip, tg_be16_get(ip + 2));
	f->len += one_in(3) ? below(7) : 0;
	if (one_in(20))
		f->len = below(f->len + 1);
}

static bool is_same_ip(const struct tg_ip *a, const struct tg_ip *b)
{
	return tg_addr_equal(&a->src, &b->src) && tg_addr_equal(&a->dst, &b->dst) &&
	       a->payload_len == b->payload_len && a->hdr_len == b->hdr_len &&
	       a->frag_id == b->frag_id && a->ttl == b->ttl && a->proto == b->proto &&
	       a->v6 == b->v6 && a->has_options == b->has_options &&
	       a->atomic_frag == b->atomic_frag && a->tos == b->tos;
}

static bool is_same_seg(const struct tg_seg *a, const struct tg_seg *b)
{
	const struct tg_tcp_opts *x = &a->opts, *y = &b->opts;

	return tg_seq_eq(a->seq, b->seq) && tg_seq_eq(a->ack, b->ack) && a->len == b->len &&
	       a->wnd == b->wnd && a->up == b->up && a->ctl == b->ctl && a->ecn == b->ecn &&
	       a->sport == b->sport && a->dport == b->dport && a->text == b->text &&
	       x->mss == y->mss && x->wscale == y->wscale && x->has_mss == y->has_mss &&
	       x->has_wscale == y->has_wscale && x->has_sack_perm == y->has_sack_perm &&
	       x->has_ts == y->has_ts && x->bad_sack == y->bad_sack && x->bad == y->bad &&
	       x->sack_n == y->sack_n && x->tsval == y->tsval && x->tsecr == y->tsecr;
}

/* The long way says that it is right, and what it says. */
static bool parse(const struct frame *f, bool l3_good, bool l4_good, struct tg_ip *ip,
		  struct tg_seg *seg)
{
	const uint8_t *tcp = f->data + TG_IP4_LEN;

	return tg_ip4_parse(f->data, f->len, !l3_good, ip) == TG_CTR_NONE &&
	       ip->hdr_len == TG_IP4_LEN && ip->proto == TG_PROTO_TCP &&
	       (l4_good || tg_tcp_csum_ok(tcp, ip->payload_len, &ip->src, &ip->dst)) &&
	       tg_tcp_parse(tcp, ip->payload_len, seg) == TG_CTR_NONE;
}

static void test_plain_anyFrame_isRightAndTheSame(void)
{
	uint32_t plain = 0, wrong = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < TRIES; i++) {
		bool l3_good = one_in(4), l4_good = one_in(4);
		struct tg_ip a, b;
		struct tg_seg x, y;
		struct frame f;

		make(&f);
		/* What is behind the frame may not be read: it has no say. */
		uint8_t *exact = malloc(f.len ? f.len : 1);
		memcpy(exact, f.data, f.len);
		bool is_plain = tg_plain4_parse(exact, f.len, l3_good, l4_good, &a, &x);
		x.text = is_plain ? f.data + (x.text - exact) : NULL;
		free(exact);
		if (!is_plain)
			continue;
		plain++;
		wrong += !parse(&f, l3_good, l4_good, &b, &y) || !is_same_ip(&a, &b) ||
			 !is_same_seg(&x, &y);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(plain > TRIES / 4);
}

/* None that is left whole is refused. */
static void test_plain_usualFrame_isPlain(void)
{
	uint32_t refused = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 1000; i++) {
		struct tg_ip ip;
		struct tg_seg seg;
		struct frame f;

		do
			make(&f);
		while (!parse(&f, false, false, &ip, &seg) || seg.opts.bad || seg.opts.sack_n ||
		       (seg.opts.has_ts && !seg.opts.has_mss && seg.text - f.data != 52) ||
		       seg.text - f.data != (seg.opts.has_mss  ? 60
					     : seg.opts.has_ts ? 52
							       : 40) ||
		       (seg.opts.has_mss &&
			!(seg.opts.has_wscale && seg.opts.has_sack_perm && seg.opts.has_ts)));
		refused += !tg_plain4_parse(f.data, f.len, false, false, &ip, &seg);
	}
	CU_ASSERT_EQUAL(refused, 0);
}

static const struct tg_test tests[] = {
    {"plain_anyFrame_isRightAndTheSame", test_plain_anyFrame_isRightAndTheSame},
    {"plain_usualFrame_isPlain", test_plain_usualFrame_isPlain},
};

int main(int argc, char **argv)
{
	return tg_test_main("wire_plain", tests, TG_TEST_N(tests), argc, argv);
}
