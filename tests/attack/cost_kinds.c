/* SPDX-License-Identifier: BSD-3-Clause */
/* cost_kinds.c: the hostile peers, and the honest one that they are compared with. */
#include "cost.h"
#include "crowd.h"

/* --- to the receiver --- */

static struct seg text(const struct attack *a, uint32_t seq, uint32_t len)
{
	static const uint8_t bytes[2048];

	return (struct seg){
	    .seq = seq, .ack = a->h.nxt, .flags = ACK, .win = a->h.win, .data = bytes, .len = len};
}

static void read_all(struct attack *a)
{
	static uint8_t buf[65536];

	while (tg_lab_read(a->h.lab, a->h.sock, buf, sizeof(buf)) > 0)
		;
	cost_drain(a);
}

static void in_order(struct attack *a, uint32_t len)
{
	struct seg s = text(a, a->h.rcv_nxt, len);

	cost_shoot(a, &s);
	a->h.rcv_nxt += len;
	read_all(a);
}

static void honest_data(struct attack *a)
{
	in_order(a, COST_MSS);
}

static void tiny_text(struct attack *a)
{
	in_order(a, 1);
}

enum { WINDOW = COST_BUF / 2 }; /* surely inside */

static void put_at(struct attack *a, uint32_t offset, uint32_t len)
{
	struct seg s = text(a, a->h.rcv_nxt + offset, len);

	cost_shoot(a, &s);
}

/* CVE-2018-5390: a byte, and a hole of a byte. */
static void holes_up(struct attack *a)
{
	put_at(a, 1 + 2 * (uint32_t)(a->i % (WINDOW / 2)), 1);
}

static void holes_down(struct attack *a)
{
	put_at(a, WINDOW - 1 - 2 * (uint32_t)(a->i % (WINDOW / 2)), 1);
}

static void holes_random(struct attack *a)
{
	put_at(a, 1 + 2 * cost_random(a, WINDOW / 2), 1);
}

/* As many holes as there may be, and then all of them filled by one segment. */
static void holes_filled(struct attack *a)
{
	uint32_t k = (uint32_t)(a->i % 65);

	if (k < 64) {
		put_at(a, 1 + 2 * k, 1);
		return;
	}
	in_order(a, 128 + 1);
}

static void overlaps(struct attack *a)
{
	put_at(a, 1 + cost_random(a, 65536), 1 + cost_random(a, COST_MSS));
}

/* ADV-44: each covers several of those before it. */
static void overlaps_wide(struct attack *a)
{
	put_at(a, 1 + cost_random(a, WINDOW / 1024) * 1024, a->i & 1 ? 1 : COST_MSS);
}

static void old_text(struct attack *a)
{
	put_at(a, (uint32_t)-64, 64);
}

static void urgent(struct attack *a)
{
	struct seg s = text(a, a->h.rcv_nxt, 1);

	s.flags |= URG;
	s.urg = (uint16_t)(1 + cost_random(a, 65535));
	cost_shoot(a, &s);
	a->h.rcv_nxt++;
	read_all(a);
}

static void flags_at(struct attack *a, uint8_t flags, uint32_t seq)
{
	struct seg s = {.seq = seq, .ack = a->h.nxt, .flags = flags, .win = a->h.win};

	cost_shoot(a, &s);
}

/* ADV-58: above a hole, at a place that is another each time. */
static void fins(struct attack *a)
{
	flags_at(a, FIN | ACK, a->h.rcv_nxt + 1 + cost_random(a, WINDOW));
}

static void rsts(struct attack *a)
{
	flags_at(a, RST, a->h.rcv_nxt + 1 + cost_random(a, WINDOW));
}

static void syns(struct attack *a)
{
	flags_at(a, SYN, (uint32_t)a->rng + cost_random(a, UINT32_MAX));
}

static void nulls(struct attack *a)
{
	flags_at(a, 0, a->h.rcv_nxt);
}

static void outside(struct attack *a)
{
	flags_at(a, ACK, a->h.rcv_nxt - 1 - cost_random(a, 100000));
}

static void options(struct attack *a)
{
	struct seg s = {.seq = a->h.rcv_nxt, .ack = a->h.nxt, .flags = ACK, .win = a->h.win};

	for (uint32_t k = 0; k < OPT_MAX; k++)
		s.opt[k] = k & 1 ? 2 : (uint8_t)(30 + k);
	s.opt_len = OPT_MAX;
	cost_shoot(a, &s);
}

/* --- to the sender --- */

static struct seg ack(const struct attack *a, uint32_t no)
{
	return (struct seg){.seq = a->h.rcv_nxt, .ack = no, .flags = ACK, .win = a->h.win};
}

/* n blocks; the segment has room for timestamps behind three of them. */
static void sack(struct seg *s, uint32_t n, uint32_t blocks[][2])
{
	uint8_t *o = s->opt;

	*o++ = 1;
	*o++ = 1;
	*o++ = 5;
	*o++ = (uint8_t)(2 + 8 * n);
	for (uint32_t i = 0; i < n; i++)
		for (int e = 0; e < 2; e++)
			for (int b = 24; b >= 0; b -= 8)
				*o++ = (uint8_t)(blocks[i][e] >> b);
	s->opt_len = 4 + 8 * n;
}

static uint32_t flight(const struct attack *a)
{
	uint32_t n = a->h.nxt - a->h.una;

	return n > 8 ? n : 8;
}

static void honest_acks(struct attack *a)
{
	struct host *h = &a->h;

	if (h->nxt - h->una > 2 * a->mss)
		h->una += 2 * a->mss;
	struct seg s = ack(a, h->una);
	cost_shoot(a, &s);
	cost_refill(a);
}

/* ADV-42: a byte here, a byte there. */
static void sack_splits(struct attack *a)
{
	struct seg s = ack(a, a->h.una);
	uint32_t b[3][2], all = flight(a);

	for (int i = 0; i < 3; i++) {
		b[i][0] = a->h.una + 1 + cost_random(a, all - 2);
		b[i][1] = b[i][0] + 1;
	}
	sack(&s, 3, b);
	cost_shoot(a, &s);
}

/* The same, while every packet acknowledges a byte or a segment: places become free, text goes out,
 * and all of it is split again. */
static void sack_splits_moving(struct attack *a)
{
	struct host *h = &a->h;

	if (h->nxt - h->una > 2 * a->mss)
		h->una += a->i & 1 ? 1 : a->mss;
	sack_splits(a);
	cost_refill(a);
}

static void sack_random(struct attack *a)
{
	uint32_t b[3][2], all = flight(a);
	struct seg s = ack(a, a->h.una);

	for (int i = 0; i < 3; i++) {
		uint32_t at = cost_random(a, all - 2), left = all - 1 - at;
		b[i][0] = a->h.una + 1 + at;
		b[i][1] = b[i][0] + 1 + cost_random(a, left < 20000 ? left : 20000);
	}
	sack(&s, 3, b);
	cost_shoot(a, &s);
}

/* Every second segment of all that is in flight, three to a packet. */
static void sack_alternating(struct attack *a)
{
	uint32_t b[3][2], all = flight(a), n = all / a->mss / 2;
	struct seg s = ack(a, a->h.una);

	for (uint32_t i = 0; i < 3; i++) {
		b[i][0] = a->h.una + (uint32_t)((a->i * 3 + i) % (n ? n : 1) * 2 + 1) * a->mss;
		b[i][1] = b[i][0] + a->mss;
	}
	sack(&s, 3, b);
	cost_shoot(a, &s);
}

static void sack_impossible(struct attack *a)
{
	uint32_t b[3][2] = {{a->h.nxt + 1, a->h.nxt + 9}, {5, 5}, {a->h.una + 9, a->h.una}};
	struct seg s = ack(a, a->h.una);

	sack(&s, 3, b);
	cost_shoot(a, &s);
}

/* DT-16: below SND.UNA, or inside another block. */
static void dsacks(struct attack *a)
{
	uint32_t all = flight(a), at = a->h.una + 1 + cost_random(a, all / 2);
	uint32_t b[3][2] = {
	    {a->h.una - 100 - cost_random(a, 50000), 0}, {at + 10, at + 20}, {at, at + a->mss}};
	struct seg s = ack(a, a->h.una);

	b[0][1] = b[0][0] + 90;
	if (a->i & 1)
		sack(&s, 3, b);
	else
		sack(&s, 2, b + 1);
	cost_shoot(a, &s);
}

/* ADV-47. */
static void ack_splits(struct attack *a)
{
	struct seg s = ack(a, ++a->h.una);

	cost_shoot(a, &s);
	cost_refill(a);
}

/* ADV-46. */
static void dup_acks(struct attack *a)
{
	struct seg s = ack(a, a->h.una);

	cost_shoot(a, &s);
}

/* ADV-23, ADV-24: of what was not sent, and of what has just been. */
static void optimistic(struct attack *a)
{
	struct host *h = &a->h;
	struct seg s = ack(a, h->nxt + 1 + cost_random(a, 100000));

	if (a->i & 1) {
		h->una += h->nxt - h->una > 2 * a->mss ? 2 * a->mss : 0;
		s.ack = h->una;
	}
	cost_shoot(a, &s);
	cost_refill(a);
}

static void old_acks(struct attack *a)
{
	struct seg s = ack(a, a->h.una - 1 - cost_random(a, 100000));

	cost_shoot(a, &s);
}

/* ADV-48, ADV-49. */
static void window_flaps(struct attack *a)
{
	struct seg s = ack(a, a->h.una);

	s.win = a->i & 1 ? 0 : a->h.win;
	cost_shoot(a, &s);
}

static void window_shrinks(struct attack *a)
{
	struct seg s = ack(a, a->h.una);

	s.win = (uint16_t)cost_random(a, 65536);
	cost_shoot(a, &s);
}

/* DT-17: the peer has it all, and then has nothing; a timeout each thousand packets. */
static void reneges(struct attack *a)
{
	uint32_t all = flight(a);
	uint32_t at = cost_random(a, all / 2), b[1][2] = {{a->h.una + 1 + at, a->h.nxt}};
	struct seg s = ack(a, a->h.una);

	if (a->i & 1)
		sack(&s, 1, b);
	cost_shoot(a, &s);
	if (a->i % 1000 == 500)
		cost_wait(a);
}

/* --- to a listener before backends --- */

static void pool_acks(struct attack *a)
{
	cost_pool_shoot(a->pool, crowd_random(&a->rng));
}

const struct kind cost_kinds[] = {
    {"honest-data", NULL, 0, false, false, honest_data},
    {"honest-acks", NULL, 0, true, false, honest_acks},
    {"tiny-text", NULL, 0, false, false, tiny_text},
    {"holes-up", NULL, 0, false, false, holes_up},
    {"holes-down", NULL, 0, false, false, holes_down},
    {"holes-random", NULL, 0, false, false, holes_random},
    {"holes-filled", NULL, 0, false, false, holes_filled},
    {"overlaps", NULL, 0, false, false, overlaps},
    {"overlaps-wide", NULL, 0, false, false, overlaps_wide},
    {"old-text", NULL, 0, false, false, old_text},
    {"urgent", NULL, 0, false, false, urgent},
    {"fin-flood", NULL, 0, false, false, fins},
    {"rst-flood", NULL, 0, false, false, rsts},
    {"syn-flood", NULL, 0, false, false, syns},
    {"null-flood", NULL, 0, false, false, nulls},
    {"outside-window", NULL, 0, false, false, outside},
    {"options", NULL, 0, false, true, options},
    {"sack-splits", NULL, 0, true, false, sack_splits},
    {"sack-splits-moving", NULL, 0, true, false, sack_splits_moving},
    {"sack-random", NULL, 0, true, false, sack_random},
    {"sack-alternating", NULL, 0, true, false, sack_alternating},
    {"sack-impossible", NULL, 0, true, false, sack_impossible},
    {"dsacks", NULL, 0, true, false, dsacks},
    {"ack-splits", NULL, 0, true, false, ack_splits},
    {"dup-acks", NULL, 0, true, false, dup_acks},
    {"dup-acks-no-sack", NULL, 0, true, true, dup_acks},
    {"optimistic-acks", NULL, 0, true, false, optimistic},
    {"old-acks", NULL, 0, true, false, old_acks},
    {"window-flaps", NULL, 0, true, false, window_flaps},
    {"window-shrinks", NULL, 0, true, false, window_shrinks},
    {"reneges", NULL, 0, true, false, reneges},
    {"mss-216-acks", NULL, 48, true, false, honest_acks},
    {"mss-216-sack-splits", NULL, 48, true, false, sack_splits},
    {"mss-48-acks", "mss_min=48", 48, true, false, honest_acks},
    {"mss-48-sack-splits", "mss_min=48", 48, true, false, sack_splits},
    {"mss-48-ack-splits", "mss_min=48", 48, true, false, ack_splits},
    {"pool-acks", NULL, 0, false, false, pool_acks, COST_POOL_V4},
    {"pool-acks-v6", NULL, 0, false, false, pool_acks, COST_POOL_V6},
};
const size_t cost_kinds_n = sizeof(cost_kinds) / sizeof(cost_kinds[0]);
