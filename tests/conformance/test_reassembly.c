/* SPDX-License-Identifier: BSD-3-Clause */
/* test_reassembly.c: text out of order, overlapping, twice, and at the edges of the window, against
 * an oracle that knows only bytes: which have come, and who brought them first (DT-13, ADV-44). Of
 * each segment the ACK, the SACK blocks in their order (DT-14) and what came twice (DT-15, RFC
 * 2883) are checked, and at the end the stream. */
#include "lab_host.h"

/* Places are counted from RCV.NXT as it is when a case begins; the first LEFT are before it. One
 * place is `unit` bytes, so that the same cases go over the borders of buffers too. */
enum { LEFT = 2, PLACES = 16, UNIT_MAX = 1460, BUFFER = 128, FILLER = 0x5a };

struct oracle {
	uint32_t base; /* RCV.NXT when the case began */
	uint32_t unit;
	bool sack;
	int next, edge; /* RCV.NXT and the right edge, as places */
	bool got[LEFT + PLACES];
	uint8_t byte[LEFT + PLACES];
	uint32_t stamp[LEFT + PLACES], clock; /* when the block of that place was touched last */
	int dup_l, dup_r;                     /* of the last segment: came twice; equal: none */
};

static void oracle_init(struct oracle *o, uint32_t base, uint32_t unit, int edge, bool sack)
{
	memset(o, 0, sizeof(*o));
	o->base = base;
	o->unit = unit;
	o->edge = edge;
	o->sack = sack;
	for (int i = 0; i < LEFT; i++)
		o->got[i] = true;
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int min(int a, int b)
{
	return a < b ? a : b;
}

/* RFC 2883 4: the first run of places in [l, r) that came before. */
static void oracle_twice(struct oracle *o, int l, int r)
{
	o->dup_l = l;
	while (o->dup_l < r && !o->got[LEFT + o->dup_l])
		o->dup_l++;
	o->dup_r = o->dup_l;
	while (o->dup_r < r && o->got[LEFT + o->dup_r])
		o->dup_r++;
}

/* The block around place i was touched now. */
static void oracle_touch(struct oracle *o, int i)
{
	while (i > -LEFT && o->got[LEFT + i - 1])
		i--;
	o->clock++;
	for (; i < PLACES && o->got[LEFT + i]; i++)
		o->stamp[LEFT + i] = o->clock;
}

/* Text [l, r) of byte arrives. */
static void oracle_takes(struct oracle *o, int l, int r, uint8_t byte)
{
	bool closed = o->next == o->edge;

	o->dup_l = o->dup_r = 0;
	if (r <= o->next || closed) { /* nothing of it may be used: old, or no window (SE-36) */
		if (l < o->next)
			oracle_twice(o, l, min(r, o->next));
		return;
	}
	if (l >= o->edge)
		return;      /* SE-27 */
	r = min(r, o->edge); /* SE-35 */
	oracle_twice(o, l, r);
	for (int i = max(l, o->next); i < r; i++)
		if (!o->got[LEFT + i]) { /* ADV-44 */
			o->got[LEFT + i] = true;
			o->byte[LEFT + i] = byte;
		}
	oracle_touch(o, r - 1);
	while (o->next < PLACES && o->got[LEFT + o->next])
		o->next++;
}

/* The block after the most recent of those touched before `before`; false when there is none. */
static bool oracle_block(const struct oracle *o, uint32_t *before, int *l, int *r)
{
	uint32_t best = 0;

	for (int i = o->next; i < PLACES; i++)
		if (o->got[LEFT + i] && o->stamp[LEFT + i] < *before && o->stamp[LEFT + i] > best) {
			best = o->stamp[LEFT + i];
			*l = i;
		}
	if (!best)
		return false;
	*before = best;
	for (*r = *l; *r < PLACES && o->got[LEFT + *r]; (*r)++) {
	}
	return true;
}

static uint32_t seq_at(const struct oracle *o, int place)
{
	return o->base + (uint32_t)place * o->unit;
}

static void expect_block(const struct oracle *o, const char *rule, const struct seg *s, uint32_t i,
			 int l, int r)
{
	if (i >= s->sack_n) {
		expect_true(rule, false, "a block is missing");
		return;
	}
	expect_eq(rule, (int32_t)(s->sack[i][0] - o->base), (int32_t)o->unit * l, "left edge");
	expect_eq(rule, (int32_t)(s->sack[i][1] - o->base), (int32_t)o->unit * r, "right edge");
}

/* DT-14, DT-15: what came twice first, then the blocks, most recent first, at most 4 in all. */
static void expect_blocks(const struct oracle *o, const struct seg *s)
{
	uint32_t n = 0, before = UINT32_MAX;
	int l, r;

	if (!o->sack) {
		expect_eq("EST-20", s->sack_n, 0, "blocks without SACK");
		return;
	}
	if (o->dup_l < o->dup_r)
		expect_block(o, "DT-15", s, n++, o->dup_l, o->dup_r);
	while (n < 4 && oracle_block(o, &before, &l, &r))
		expect_block(o, "DT-14", s, n++, l, r);
	expect_eq("DT-14", s->sack_n, n, "number of blocks");
}

/* Tells who brought it and where in the stream it belongs. */
static uint8_t byte_of(uint8_t bringer, uint32_t at)
{
	return (uint8_t)(bringer ^ (at * 5 + (at >> 8)));
}

/* One segment, and its one ACK. */
static void step(struct host *h, struct oracle *o, int l, int r, uint8_t byte)
{
	static uint8_t text[PLACES * UNIT_MAX];
	struct seg s = {.flags = ACK,
			.seq = seq_at(o, l),
			.ack = h->nxt,
			.win = h->win,
			.data = text,
			.len = (uint32_t)(r - l) * o->unit};

	for (uint32_t i = 0; i < s.len; i++)
		text[i] = byte_of(byte, s.seq - o->base + i);
	host_send(h, &s);
	oracle_takes(o, l, r, byte);
	if (!host_next(h, &s)) {
		expect_true("DT-11", false, "an ACK came");
		return;
	}
	expect_eq("DT-11", s.ack, seq_at(o, o->next), "ACK");
	expect_blocks(o, &s);
	expect_nothing(h, "DT-11");
}

/* What is missing comes, all is read, and each byte behind the first `before`, which came before
 * the case began, is its first bringer's. */
static void finish(struct host *h, struct oracle *o, int end, size_t before)
{
	static uint8_t buf[BUFFER + PLACES * UNIT_MAX];
	size_t bad = 0, len = (size_t)end * o->unit;

	if (o->next < end)
		step(h, o, o->next, end, FILLER);
	expect_eq("DT-13", o->next, end, "all has come");
	expect_eq("DT-13", tg_lab_read(h->lab, h->sock, buf, sizeof(buf)), (int64_t)(before + len),
		  "bytes");
	for (size_t i = 0; i < len; i++)
		bad += buf[before + i] != byte_of(o->byte[LEFT + i / o->unit], (uint32_t)i);
	expect_eq("ADV-44", (int64_t)bad, 0, "bytes that are not their first bringer's");
	h->rcv_nxt = seq_at(o, end);
	host_drain(h); /* a window update */
}

static void open_for(struct host *h, const char *options, bool sack, uint32_t irs)
{
	struct seg syn = {.flags = SYN};

	host_init(h, options);
	h->irs = irs;
	opt_mss(&syn, 1460);
	if (sack)
		opt_sackok(&syn);
	host_open(h, &syn);
}

/* --- all orders of four --- */

struct range {
	int l, r;
};

static void four(struct host *h, const struct range seg[4], const int order[4], uint32_t unit,
		 bool sack)
{
	struct oracle o;

	oracle_init(&o, h->rcv_nxt, unit, 1 << 20, sack);
	for (int i = 0; i < 4; i++)
		step(h, &o, seg[order[i]].l, seg[order[i]].r, (uint8_t)('a' + order[i]));
	finish(h, &o, 12, 0);
}

static void all_orders(struct host *h, const struct range seg[4], uint32_t unit, bool sack)
{
	for (int code = 0; code < 256; code++) {
		int order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3}, seen = 0;

		for (int i = 0; i < 4; i++)
			seen |= 1 << order[i];
		if (seen == 15)
			four(h, seg, order, unit, sack);
	}
}

/* SE-34, DT-13, DT-14: apart, touching, overlapping, one inside another; small and over the borders
 * of buffers; with SACK and without; also across 2^32 (ADV-86). */
static void test_established_fourInAllOrders_streamIsWhole(void)
{
	static const struct range set[][4] = {
	    {{0, 2}, {2, 4}, {4, 6}, {6, 8}},  {{0, 3}, {2, 5}, {4, 7}, {6, 9}},
	    {{0, 1}, {3, 4}, {6, 7}, {9, 10}}, {{0, 10}, {2, 4}, {6, 8}, {3, 7}},
	    {{1, 3}, {5, 7}, {0, 4}, {4, 9}},
	};
	static const uint32_t unit[] = {1, 700, 1460}, irs[] = {0x10000000, 0xfffffffa, 0xffffe000};

	for (size_t s = 0; s < TG_TEST_N(set); s++)
		for (size_t u = 0; u < TG_TEST_N(unit); u++)
			for (size_t i = 0; i < TG_TEST_N(irs); i++) {
				struct host h;

				open_for(&h, "delayed_ack_ms=0", i != 1 || u != 1, irs[i]);
				all_orders(&h, set[s], unit[u], i != 1 || u != 1);
				host_fini(&h);
			}
}

/* --- overlaps, exhaustively --- */

enum { FIRST = -1, LAST = 4, LEN_MAX = 4, RANGES = (LAST - FIRST + 1) * LEN_MAX };

static struct range range_at(int i)
{
	int l = FIRST + i / LEN_MAX;

	return (struct range){l, l + 1 + i % LEN_MAX};
}

static void three(struct host *h, int a, int b, int c)
{
	const struct range seg[3] = {range_at(a), range_at(b), range_at(c)};
	struct oracle o;

	oracle_init(&o, h->rcv_nxt, 1, 1 << 20, true);
	for (int i = 0; i < 3; i++)
		step(h, &o, seg[i].l, seg[i].r, (uint8_t)('a' + i));
	finish(h, &o, 8, 0);
}

/* ADV-44, DT-13, DT-15: every three segments of up to four bytes at every place near RCV.NXT. */
static void test_established_everyThreeOverlaps_asTheOracle(void)
{
	struct host h;

	open_for(&h, "delayed_ack_ms=0", true, 0xffffff00);
	for (int a = 0; a < RANGES; a++)
		for (int b = 0; b < RANGES; b++)
			for (int c = 0; c < RANGES; c++)
				three(&h, a, b, c);
	host_fini(&h);
}

/* --- at the right edge --- */

enum { WINDOW = 8, EDGE_RANGES = (WINDOW + 3) * LEN_MAX };

/* All of the buffer but WINDOW bytes is filled and left unread. */
static void fill(struct host *h)
{
	static const uint8_t text[BUFFER];
	struct seg s = {.flags = ACK,
			.seq = h->rcv_nxt,
			.ack = h->nxt,
			.win = h->win,
			.data = text,
			.len = BUFFER - WINDOW};

	host_send(h, &s);
	h->rcv_nxt += s.len;
	expect_ack(h, "DT-11");
	expect_eq("DT-01", h->edge - h->rcv_nxt, WINDOW, "what is left of the window");
}

static void two_at_edge(struct host *h, int a, int b)
{
	struct oracle o;

	fill(h);
	oracle_init(&o, h->rcv_nxt, 1, WINDOW, true);
	for (int i = 0; i < 2; i++) {
		int code = i ? b : a, l = code / LEN_MAX - 1;

		step(h, &o, l, l + 1 + code % LEN_MAX, (uint8_t)('a' + i));
	}
	finish(h, &o, WINDOW, BUFFER - WINDOW);
}

/* SE-27, SE-35, SE-36, DT-01: every two segments of up to four bytes at every place of a window of
 * eight, on its edges and past them; no byte beyond the edge is ever taken. */
static void test_established_everyTwoAtTheEdge_asTheOracle(void)
{
	struct host h;

	open_for(&h, "delayed_ack_ms=0 rcvbuf=128", true, 0x7fffff00);
	for (int a = 0; a < EDGE_RANGES; a++)
		for (int b = 0; b < EDGE_RANGES; b++)
			two_at_edge(&h, a, b);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_fourInAllOrders_streamIsWhole",
     test_established_fourInAllOrders_streamIsWhole},
    {"test_established_everyThreeOverlaps_asTheOracle",
     test_established_everyThreeOverlaps_asTheOracle},
    {"test_established_everyTwoAtTheEdge_asTheOracle",
     test_established_everyTwoAtTheEdge_asTheOracle},
};

int main(int argc, char **argv)
{
	return host_main("conformance-reassembly", tests, TG_TEST_N(tests), argc, argv);
}
