/* SPDX-License-Identifier: BSD-3-Clause */
/* The receive side: reassembly, window, ACK policy (DT-01, DT-11..14, DT-25, DT-26, SE-33..36,
 * SE-39, ADV-43, ADV-44, EST-16). */
#include "tcp_data_box.h"

static uint32_t window_told(const struct box *b, const struct tg_seg *seg)
{
	return (uint32_t)seg->wnd << b->tcb.rcv_scale;
}

/* --- ACK policy --- */

/* DT-11, TO-10. */
static void test_estab_oneSegment_ackAfter40ms(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 0, 1000, 0);
	CU_ASSERT_EQUAL(b.act.events, TG_EV_READABLE);
	CU_ASSERT_FALSE(b.act.has_reply);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_DELACK], 1040);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_DELACK);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(box_rcv(&b, b.out.ack), 1000);
	CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK);
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_DELACK], 0);
	box_fini(&b);
}

static void test_estab_secondFullSegment_ackAtOnce(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 0, 1460, 0);
	CU_ASSERT_FALSE(box_out(&b));
	box_text(&b, 1460, 1460, 0);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(box_rcv(&b, b.out.ack), 2920);
	box_text(&b, 2920, 10, 0);
	CU_ASSERT_FALSE(box_out(&b));
	box_text(&b, 2930, 10, 0); /* small ones may wait */
	CU_ASSERT_FALSE(box_out(&b));
	box_text(&b, 2940, 1460, 0);
	CU_ASSERT_FALSE(box_out(&b));
	box_text(&b, 4400, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	box_fini(&b);
}

/* A segment that the peer's side merged counts by its bytes, and the second one that is the longest
 * seen so far counts as full. */
static void test_estab_mergedOrGrowingSegments_ackAtOnce(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 0, 2920, 0);
	CU_ASSERT_TRUE(box_out(&b));
	box_fini(&b);
	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 0, 100, 0);
	CU_ASSERT_FALSE(box_out(&b));
	box_text(&b, 100, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	box_fini(&b);
}

/* RFC 5681 4.2: one of two holes is filled by few bytes. */
static void test_estab_oneOfTwoHolesFilled_ackAtOnce(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 10, 1, 0);
	box_text(&b, 20, 1, 0);
	box_text(&b, 0, 10, 0);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(box_rcv(&b, b.out.ack), 11);
	CU_ASSERT_EQUAL(b.out.opts.sack_n, 1);
	box_fini(&b);
}

/* DT-11, SE-34: a dup ACK at once for each segment above a hole, and an ACK when it is filled. */
static void test_estab_holeThenFilled_ackAtOnceEachTime(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	for (uint32_t i = 1; i <= 3; i++) {
		box_text(&b, i * 1000, 1000, 0);
		CU_ASSERT_TRUE(b.act.has_reply);
		CU_ASSERT_EQUAL(b.act.events, 0);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.ack), 0);
		CU_ASSERT_EQUAL(b.act.reply.opts.sack_n, 1);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[0].left), 1000);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[0].right), 1000 + i * 1000);
	}
	box_text(&b, 0, 1000, 0);
	CU_ASSERT_EQUAL(b.act.events, TG_EV_READABLE);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(box_rcv(&b, b.out.ack), 4000);
	CU_ASSERT_EQUAL(b.out.opts.sack_n, 0);
	CU_ASSERT_TRUE(box_read(&b, 4000));
	CU_ASSERT_EQUAL(b.tcb.rx.chunk_n, 0);
	CU_ASSERT_EQUAL(b.tcb.ooo, TG_NONE);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_ofo_queued], 3);
	box_fini(&b);
}

/* Text in order, len bytes a segment, from *at on, until one is not acknowledged at once; how many
 * were. */
static uint32_t acked_each(struct box *b, uint32_t *at, uint32_t len)
{
	uint32_t n = 0;

	for (;;) {
		box_text(b, *at, len, 0);
		*at += len;
		if (!box_out(b))
			return n;
		CU_ASSERT_EQUAL(box_rcv(b, b->out.ack), *at);
		n++;
	}
}

static void fill_a_hole(struct box *b, uint32_t *at)
{
	box_text(b, *at + 1460, 1460, 0);
	CU_ASSERT_FALSE(box_out(b)); /* it was the reply */
	box_text(b, *at, 1460, 0);
	*at += 2920;
	CU_ASSERT_TRUE(box_out(b));
}

/* DT-11, RFC 5681 4.2: after the second hole in two seconds each of the next 32 full segments, then
 * every second again. */
static void test_estab_holeFilled_nextOnesAckedEach(void)
{
	struct box b;
	uint32_t at = 0;

	box_init(&b, 64);
	box_open(&b, 2048);
	fill_a_hole(&b, &at);
	CU_ASSERT_EQUAL(acked_each(&b, &at, 1460), 0); /* it may have been a change of order */
	box_text(&b, at, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	at += 1460;
	box_time(&b, 2999);
	fill_a_hole(&b, &at);
	CU_ASSERT_EQUAL(acked_each(&b, &at, 1460), 32);
	box_text(&b, at, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	at += 1460;
	fill_a_hole(&b, &at); /* it begins anew */
	box_text(&b, at, 10, 0);
	CU_ASSERT_FALSE(box_out(&b)); /* a small one may wait */
	at += 10;
	CU_ASSERT_EQUAL(acked_each(&b, &at, 1460), 32);
	box_fini(&b);
}

/* Not for ever: two seconds later every second one is enough. Until then the block does not rest.
 */
static void test_estab_holeFilledLongAgo_everySecondAcked(void)
{
	struct box b;
	uint32_t at = 0;

	box_init(&b, 64);
	box_open(&b, 2048);
	b.tcb.rcv.up = b.tcb.rcv.irs;
	fill_a_hole(&b, &at);
	fill_a_hole(&b, &at);
	CU_ASSERT_TRUE(box_read(&b, at));
	box_drain(&b);
	CU_ASSERT_EQUAL(tg_tcb_deadline(&b.tcb), 3000);
	CU_ASSERT_FALSE(tg_tcb_may_rest(&b.tcb, 2999));
	CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, 3000));
	box_time(&b, 2999);
	box_text(&b, at, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	at += 1460;
	box_time(&b, 3000);
	CU_ASSERT_EQUAL(acked_each(&b, &at, 1460), 0);
	box_text(&b, at, 1460, 0);
	CU_ASSERT_TRUE(box_out(&b));
	box_fini(&b);
}

/* DT-14: the most recent block first, four at most, three with timestamps. */
static void test_estab_manyHoles_sackMostRecentFirst(void)
{
	struct box b;
	uint32_t order[] = {8000, 2000, 4000, 6000, 4100};

	for (int ts = 0; ts < 2; ts++) {
		box_init(&b, 64);
		b.conf.timestamps = ts;
		box_open(&b, 2048);
		for (int i = 0; i < 5; i++)
			box_text(&b, order[i], 100, 0);
		CU_ASSERT_EQUAL(b.act.reply.opts.sack_n, ts ? 3 : 4);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[0].left), 4000);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[0].right), 4200);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[1].left), 6000);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[2].left), 2000);
		if (!ts)
			CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.opts.sack[3].left), 8000);
		box_fini(&b);
	}
}

/* --- reassembly --- */

/* ADV-44: the first bytes to arrive win, whatever overlaps them later. */
static void test_estab_overlapWithOtherBytes_firstArrivedWin(void)
{
	struct box b;
	uint8_t other[3000];
	uint32_t run;

	memset(other, 0xee, sizeof(other));
	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 1000, 500, 0);
	box_arrives(&b, 0, other, 3000, 0, 0, 2048);
	CU_ASSERT_EQUAL_FATAL(tg_tcp_readable(&b.tcb), 3000);
	for (uint32_t i = 0; i < 3000; i++) {
		const uint8_t *at = tg_tcp_peek(&b.tcb, &b.env, i, &run);
		uint8_t want = i >= 1000 && i < 1500 ? box_byte(i) : 0xee;

		if (*at != want) {
			CU_FAIL("a later byte won");
			break;
		}
	}
	box_fini(&b);
}

/* What a receiver must hold: which byte came first at each place. */
struct reference {
	uint8_t byte[40000];
	bool have[40000];
	uint32_t next;
};

static void random_arrival(struct box *b, struct reference *r, struct tg_rng *rng)
{
	uint32_t at = r->next + tg_rng_below(rng, 12000), len = 1 + tg_rng_below(rng, 1460);
	uint8_t text[1460], stamp = (uint8_t)tg_rng_next(rng);

	at = at > 700 && tg_rng_below(rng, 3) == 0 ? at - 700 : at;
	if (at >= 40000 || tg_rng_below(rng, 4) == 0)
		at = r->next;
	if (at + len > 40000)
		len = 40000 - at;
	for (uint32_t i = 0; i < len; i++)
		text[i] = (uint8_t)(stamp + i);
	box_arrives(b, at, text, len, 0, 0, 2048);
	if (at + len <= r->next)
		return;
	for (uint32_t i = 0; i < len; i++)
		if (!r->have[at + i]) {
			r->have[at + i] = true;
			r->byte[at + i] = text[i];
		}
	while (r->next < 40000 && r->have[r->next])
		r->next++;
}

static void test_estab_randomSegments_equalReference(void)
{
	struct reference *r = malloc(sizeof(*r));
	struct tg_rng rng;
	struct box b;

	tg_rng_init(&rng, tg_test_seed);
	for (int round = 0; round < 30; round++) {
		*r = (struct reference){0};
		box_init(&b, 64);
		box_open(&b, 2048);
		while (r->next < 40000) {
			uint32_t run, from = box_rcv(&b, b.tcb.rx_read);

			random_arrival(&b, r, &rng);
			CU_ASSERT_EQUAL_FATAL(box_rcv(&b, b.tcb.rcv.nxt), r->next);
			if (tg_rng_below(&rng, 3))
				continue;
			for (uint32_t n = tg_tcp_readable(&b.tcb); n > 0; n -= run) {
				const uint8_t *at = tg_tcp_peek(&b.tcb, &b.env, 0, &run);

				CU_ASSERT_EQUAL_FATAL(memcmp(at, r->byte + from, run), 0);
				tg_tcp_consume(&b.tcb, run, &b.env);
				from += run;
			}
			box_check(&b);
		}
		box_fini(&b);
	}
	free(r);
}

/* DT-13, ADV-43: 64 blocks; the highest gives way, and none to one higher. */
static void test_estab_oneByteHoles_64BlocksAndHighestGoes(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	for (uint32_t i = 1; i <= 64; i++)
		box_text(&b, 1000 + 2 * i, 1, 0);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 64);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_ofo_drop], 0);
	box_text(&b, 100000, 1, 0);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 64);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_ofo_drop], 1);
	CU_ASSERT_TRUE(b.act.has_reply);
	box_text(&b, 500, 1, 0);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 64);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_ofo_drop], 2);
	box_check(&b);
	box_text(&b, 0, 1128, 0); /* all but the one that was dropped */
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 1128);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 0);
	CU_ASSERT_TRUE(box_read(&b, 1128));
	box_fini(&b);
}

/* ADV-91, DT-13: out of chunks. Text above a hole is dropped and counted; text in order takes the
 * chunks of what is above. */
static void test_estab_poolEmpty_inOrderTakesFromHoles(void)
{
	struct box b;

	box_init(&b, 4);
	box_open(&b, 2048);
	box_text(&b, 10000, 1460, 0);
	box_text(&b, 20000, 1460, 0);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 2);
	box_text(&b, 30000, 1460, 0);
	CU_ASSERT_TRUE(b.ctr.v[TG_CTR_rx_no_buffer] >= 1);
	uint64_t refused = b.ctr.v[TG_CTR_rx_no_buffer];
	box_check(&b);
	box_text(&b, 0, 1460, 0);
	box_text(&b, 1460, 1460, 0);
	box_text(&b, 2920, 1460, 0);
	box_text(&b, 4380, 1460, 0);
	CU_ASSERT_EQUAL(box_rcv(&b, b.tcb.rcv.nxt), 5840);
	CU_ASSERT_TRUE(b.ctr.v[TG_CTR_ofo_drop] >= 1);
	box_check(&b);
	box_text(&b, 5840, 1460, 0);
	box_text(&b, 7300, 1460, 0); /* now there is none left: a part is taken, or nothing */
	CU_ASSERT_TRUE(b.ctr.v[TG_CTR_rx_no_buffer] > refused);
	uint32_t n = tg_tcp_readable(&b.tcb);
	CU_ASSERT_TRUE(n >= 5840 && n < 8760);
	CU_ASSERT_TRUE(box_read(&b, n));
	box_check(&b);
	box_text(&b, n, 1000, 0); /* and goes on */
	CU_ASSERT_TRUE(box_read(&b, 1000));
	box_fini(&b);
}

/* --- FIN --- */

/* SE-39, TD-04, ADV-58. */
static void test_estab_finAboveHole_heldUntilFilled(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 100, 50, TG_TCP_FIN);
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT_TRUE(b.act.has_reply);
	CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.ack), 0);
	box_text(&b, 100, 200, 0); /* text past the FIN is not taken */
	box_text(&b, 0, 100, 0);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSE_WAIT);
	CU_ASSERT_EQUAL(b.act.events & (TG_EV_READABLE | TG_EV_EOF), TG_EV_READABLE | TG_EV_EOF);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 150);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(box_rcv(&b, b.out.ack), 151);
	CU_ASSERT_TRUE(box_read(&b, 150));
	CU_ASSERT_EQUAL(b.tcb.rx.chunk_n, 0);
	box_fini(&b);
}

/* A bare FIN above a hole, and text held beyond a FIN that comes in order. */
static void test_estab_finBelowHeldText_heldTextIsGivenBack(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 500, 0, TG_TCP_FIN);
	CU_ASSERT_TRUE(b.tcb.fin_held);
	box_fini(&b);
	box_init(&b, 64);
	box_open(&b, 2048);
	box_text(&b, 500, 100, 0);
	box_text(&b, 0, 10, TG_TCP_FIN);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSE_WAIT);
	CU_ASSERT_EQUAL(b.tcb.ooo_n, 0);
	CU_ASSERT_TRUE(box_read(&b, 10));
	box_check(&b);
	CU_ASSERT_EQUAL(b.chunks.free_n, b.chunks.n);
	box_fini(&b);
}

/* SE-35, ADV-59: text and FIN across the right edge. */
static void test_estab_textAndFinBeyondEdge_trimmed(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.rcvbuf = 1280;
	box_open(&b, 2048);
	box_text(&b, 0, 1400, TG_TCP_FIN);
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 1280);
	CU_ASSERT_FALSE(b.tcb.fin_held);
	box_fini(&b);
	box_init(&b, 64);
	b.conf.rcvbuf = 1280;
	box_open(&b, 2048);
	box_text(&b, 0, 1280, TG_TCP_FIN); /* only the FIN's own number is past the edge */
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 1280);
	box_fini(&b);
}

/* --- window --- */

/* SE-36, DT-25: every probe is answered at once, window 0, its byte is not taken. */
static void test_estab_windowClosed_eachProbeAnswered(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.rcvbuf = 1280;
	box_open(&b, 2048);
	box_text(&b, 0, 1280, 0);
	box_fire(&b);
	CU_ASSERT_TRUE(box_out(&b));
	CU_ASSERT_EQUAL(b.out.wnd, 0);
	for (int i = 0; i < 5; i++) {
		box_text(&b, 1280, 1, 0);
		CU_ASSERT_TRUE(b.act.has_reply);
		CU_ASSERT_EQUAL(b.act.reply.wnd, 0);
		CU_ASSERT_EQUAL(box_rcv(&b, b.act.reply.ack), 1280);
	}
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_zero_window], 5);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 1280);
	box_fini(&b);
}

/* DT-26: a byte read at a time; the window opens by a segment, not by bytes. */
static void test_estab_readByteByByte_updateAfterOneSegment(void)
{
	struct box b;
	uint32_t n = 0;

	box_init(&b, 64);
	b.conf.rcvbuf = 8192;
	box_open(&b, 2048);
	for (uint32_t i = 0; i < 8; i++)
		box_text(&b, i * 1024, 1024, 0);
	box_drain(&b);
	box_text(&b, 8192, 1, 0);
	CU_ASSERT_EQUAL(b.act.reply.wnd, 0);
	while (!b.tcb.ack_now && n < 8192) {
		CU_ASSERT_TRUE(box_read(&b, 1));
		n++;
	}
	CU_ASSERT_EQUAL(n, 1460);
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(window_told(&b, &b.out),
			1408); /* 11 units of 128: never more than is free */
	box_fini(&b);
}

/* No update while the peer has window left: its own segments fetch the news. Also where the field
 * cannot tell all that is free, and where the SYN could not (EST-14). */
static void test_estab_readFromOpenWindow_noUpdate(void)
{
	for (uint8_t scale = 0; scale <= 7; scale += 7) {
		struct box b;

		box_init(&b, 64);
		b.conf.window_scale = scale;
		box_open(&b, 2048);
		for (uint32_t i = 0; i < 20; i++) {
			box_text(&b, i * 1460, 1460, 0);
			CU_ASSERT_TRUE(box_read(&b, 1460));
			CU_ASSERT_EQUAL(box_out(&b), i % 2);
		}
		CU_ASSERT_EQUAL(window_told(&b, &b.out), scale ? 262144 : 65535);
		box_fini(&b);
	}
}

/* A small buffer: half of it is the step. */
static void test_estab_smallBuffer_updateAtHalf(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.rcvbuf = 1024;
	box_open(&b, 2048);
	box_text(&b, 0, 1024, 0);
	box_fire(&b);
	box_drain(&b);
	CU_ASSERT_TRUE(box_read(&b, 511));
	CU_ASSERT_FALSE(b.tcb.ack_now);
	CU_ASSERT_TRUE(box_read(&b, 1));
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(window_told(&b, &b.out), 512);
	box_fini(&b);
}

/* Text of len bytes, a multiple of 128, is read at once: whether a window update goes out. The
 * buffer is small, and a hole has been filled or not. */
static bool is_update_sent(bool after_hole, uint32_t len)
{
	struct box b;
	bool sent;

	box_init(&b, 64);
	b.conf.rcvbuf = 8192;
	box_open(&b, 2048);
	b.tcb.rcv.edge = tg_seq_add(b.tcb.rcv.nxt, b.conf.rcvbuf);
	if (after_hole)
		box_text(&b, len, len, 0);
	box_text(&b, 0, len, 0);
	if (!after_hole)
		box_text(&b, len, len, 0);
	box_fire(&b);
	box_drain(&b);
	CU_ASSERT_TRUE(box_read(&b, 2 * len));
	box_drain(&b);
	box_text(&b, 2 * len, len, 0);
	box_fire(&b);
	box_drain(&b);
	CU_ASSERT_TRUE(box_read(&b, len));
	sent = box_out(&b);
	CU_ASSERT_EQUAL(tg_tcb_rcv_wnd(&b.tcb) == b.conf.rcvbuf, sent);
	box_fini(&b);
	return sent;
}

/* DT-26: the edge moves by MSS. After a hole, where much of a small window is one segment, by what
 * the peer cuts; and by MSS again where that is silly. */
static void test_estab_smallBufferAfterHole_updateByPeersSegments(void)
{
	CU_ASSERT_TRUE(is_update_sent(true, 1024));
	CU_ASSERT_FALSE(is_update_sent(false, 1024));
	CU_ASSERT_TRUE(is_update_sent(true, 768));
	CU_ASSERT_FALSE(is_update_sent(true, 384));
}

/* DT-01, EST-16: the buffer is made smaller while the window is open: what was promised is kept. */
static void test_estab_rcvbufShrinks_promiseIsKept(void)
{
	struct box b;
	tg_seq edge;

	box_init(&b, 200);
	box_open(&b, 2048);
	edge = b.tcb.rcv.edge;
	b.conf.rcvbuf = 4096;
	for (uint32_t i = 0; i < 44; i++) {
		box_text(&b, i * 1460, 1460, 0);
		while (box_out(&b)) {
			tg_seq told = tg_seq_add(b.out.ack, window_told(&b, &b.out));

			CU_ASSERT_TRUE(tg_seq_ge(told, edge));
			edge = told;
		}
	}
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 44 * 1460);
	CU_ASSERT_TRUE(box_read(&b, 44 * 1460));
	CU_ASSERT_TRUE(tg_tcb_rcv_wnd(&b.tcb) < 5000);
	box_fini(&b);
}

/* EST-16: with a coarse unit each ACK of a small segment must round up; that may not go on for
 * ever against a user that does not read, and ends well when it does. */
static void test_estab_trickleOnCoarseScale_bounded(void)
{
	struct box b;
	uint32_t at = 0;

	box_init(&b, 200);
	b.conf.rcvbuf = 128;
	b.conf.window_scale = 14;
	box_open(&b, 2048);
	for (int i = 0; i < 100000 && b.ctr.v[TG_CTR_rx_no_buffer] == 0; i++) {
		box_text(&b, at, 100, 0);
		box_fire(&b);
		box_drain(&b);
		at = box_rcv(&b, b.tcb.rcv.nxt);
	}
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rx_no_buffer], 1);
	CU_ASSERT_TRUE(tg_tcp_readable(&b.tcb) < 128 + 65536 + 2 * 16384);
	CU_ASSERT_TRUE(box_read(&b, at));
	box_drain(&b);
	box_text(&b, at, 100, 0);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 100);
	box_fini(&b);
}

/* A buffer smaller than the unit of the field must open again. */
static void test_estab_bufferBelowUnit_opensAgain(void)
{
	struct box b;

	box_init(&b, 200);
	b.conf.rcvbuf = 1000;
	b.conf.window_scale = 14;
	box_open(&b, 2048);
	box_text(&b, 0, 1000, 0);
	box_fire(&b);
	box_drain(&b);
	CU_ASSERT_EQUAL(tg_tcb_rcv_wnd(&b.tcb), 0);
	CU_ASSERT_TRUE(box_read(&b, 1000));
	CU_ASSERT_TRUE_FATAL(box_out(&b));
	CU_ASSERT_EQUAL(b.out.wnd, 1);
	box_fini(&b);
}

static const struct tg_test tests[] = {
    {"estab_oneSegment_ackAfter40ms", test_estab_oneSegment_ackAfter40ms},
    {"estab_secondFullSegment_ackAtOnce", test_estab_secondFullSegment_ackAtOnce},
    {"estab_mergedOrGrowingSegments_ackAtOnce", test_estab_mergedOrGrowingSegments_ackAtOnce},
    {"estab_oneOfTwoHolesFilled_ackAtOnce", test_estab_oneOfTwoHolesFilled_ackAtOnce},
    {"estab_readFromOpenWindow_noUpdate", test_estab_readFromOpenWindow_noUpdate},
    {"estab_holeThenFilled_ackAtOnceEachTime", test_estab_holeThenFilled_ackAtOnceEachTime},
    {"estab_holeFilled_nextOnesAckedEach", test_estab_holeFilled_nextOnesAckedEach},
    {"estab_holeFilledLongAgo_everySecondAcked", test_estab_holeFilledLongAgo_everySecondAcked},
    {"estab_manyHoles_sackMostRecentFirst", test_estab_manyHoles_sackMostRecentFirst},
    {"estab_overlapWithOtherBytes_firstArrivedWin",
     test_estab_overlapWithOtherBytes_firstArrivedWin},
    {"estab_randomSegments_equalReference", test_estab_randomSegments_equalReference},
    {"estab_oneByteHoles_64BlocksAndHighestGoes", test_estab_oneByteHoles_64BlocksAndHighestGoes},
    {"estab_poolEmpty_inOrderTakesFromHoles", test_estab_poolEmpty_inOrderTakesFromHoles},
    {"estab_finAboveHole_heldUntilFilled", test_estab_finAboveHole_heldUntilFilled},
    {"estab_finBelowHeldText_heldTextIsGivenBack", test_estab_finBelowHeldText_heldTextIsGivenBack},
    {"estab_textAndFinBeyondEdge_trimmed", test_estab_textAndFinBeyondEdge_trimmed},
    {"estab_windowClosed_eachProbeAnswered", test_estab_windowClosed_eachProbeAnswered},
    {"estab_readByteByByte_updateAfterOneSegment", test_estab_readByteByByte_updateAfterOneSegment},
    {"estab_smallBuffer_updateAtHalf", test_estab_smallBuffer_updateAtHalf},
    {"estab_smallBufferAfterHole_updateByPeersSegments",
     test_estab_smallBufferAfterHole_updateByPeersSegments},
    {"estab_rcvbufShrinks_promiseIsKept", test_estab_rcvbufShrinks_promiseIsKept},
    {"estab_trickleOnCoarseScale_bounded", test_estab_trickleOnCoarseScale_bounded},
    {"estab_bufferBelowUnit_opensAgain", test_estab_bufferBelowUnit_opensAgain},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_data_rx", tests, TG_TEST_N(tests), argc, argv);
}
