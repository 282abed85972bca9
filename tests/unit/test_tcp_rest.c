/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_rest: blocks in 64 bytes and back: what may rest, that it survives, and that it behaves
 * the same afterwards on every segment at every edge. */
#include "tcp_bed.h"

enum { ROUNDS = 300 };

/* A reader that reads, an application that answers: until nothing moves. */
static void settle(struct bed *b)
{
	tg_tcp_consume(&b->tcb, tg_tcp_readable(&b->tcb), &b->env);
	bed_collect(b, false);
	if (b->tcb.deadline[TG_T_DELACK])
		bed_at(b, b->tcb.deadline[TG_T_DELACK]);
}

static void talk(struct bed *b)
{
	uint32_t len = 1 + tg_rng_below(&b->rng, 300);

	bed_time(b, b->env.now_ms + tg_rng_below(&b->rng, 5000));
	b->tsval += tg_rng_below(&b->rng, 5000);
	bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, len);
	settle(b);
	if (b->tcb.state == TG_ESTABLISHED && tg_rng_below(&b->rng, 2)) {
		tg_tcp_send(&b->tcb, b->text, len, &b->env);
		bed_collect(b, false);
		bed_time(b, b->env.now_ms + 10);
		bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 0);
	}
}

static uint32_t pick(struct bed *b, uint32_t n)
{
	return tg_rng_below(&b->rng, n);
}

/* The window of a SYN-ACK is in bytes, whatever the scale (EST-14). */
static void open_active(struct bed *b)
{
	bed_open(b);
	struct tg_seg s = bed_syn(b);

	s.ctl |= TG_TCP_ACK;
	s.ack = b->tcb.snd.nxt;
	s.opts.tsecr = b->tcb.ts_last;
	s.opts.wscale = (uint8_t)pick(b, 15);
	bed_in(b, s);
}

/* A block that came to rest by an honest life, at random. */
static void make_resting(struct bed *b)
{
	static const enum tg_tcp_state state[] = {TG_SYN_RECEIVED, TG_ESTABLISHED, TG_FIN_WAIT_2,
						  TG_CLOSE_WAIT};
	enum tg_tcp_state want = state[pick(b, 4)];

	b->ts = pick(b, 2);
	b->ws = pick(b, 2);
	b->irs = (uint32_t)tg_rng_next(&b->rng);
	b->conf.rcvbuf = 128 + pick(b, 300000);
	b->conf.window_scale = (uint8_t)pick(b, 8);
	b->conf.keepalive = pick(b, 2);
	if (want != TG_SYN_RECEIVED && pick(b, 2))
		open_active(b);
	else
		bed_to(b, want == TG_SYN_RECEIVED ? TG_SYN_RECEIVED : TG_ESTABLISHED);
	if (want == TG_SYN_RECEIVED)
		return;
	for (uint32_t i = pick(b, 4); i > 0; i--)
		talk(b);
	if (want == TG_FIN_WAIT_2) {
		if (pick(b, 2))
			bed_close(b);
		else
			bed_shutdown(b);
		bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 0);
	} else if (want == TG_CLOSE_WAIT) {
		bed_send(b, TG_TCP_ACK | TG_TCP_FIN, 0, b->tcb.snd.nxt.v, 0);
		settle(b);
	}
	if (pick(b, 3) == 0)
		bed_send(b, TG_TCP_RST, 1, 0, 0); /* a challenge was sent */
	if (!b->conf.keepalive && !b->tcb.orphan && pick(b, 2))
		b->tcb.deadline[TG_T_SERVICE] = b->env.now_ms + 100;
}

/* Time until the block may rest: its timers fire, the one that asks for rest too. */
static bool wait_for_rest(struct bed *b)
{
	uint64_t end = b->env.now_ms + 70000;

	while (!tg_tcb_may_rest(&b->tcb, b->env.now_ms)) {
		uint64_t at = tg_tcb_deadline(&b->tcb);

		if (!at || at > end)
			return false;
		bed_at(b, at);
	}
	return true;
}

static void pack_unpack(const struct bed *b, struct tg_tcb *copy)
{
	struct tg_conn conn = {.flags = 0}, again;
	uint64_t deadline = tg_tcb_pack(&b->tcb, &conn, b->env.now_ms);

	again = conn;
	tg_tcb_unpack(copy, &conn, &b->conf, deadline, b->env.now_ms);
	CU_ASSERT_TRUE(tg_tcb_may_rest(copy, b->env.now_ms));
	CU_ASSERT_EQUAL(tg_tcb_pack(copy, &again, b->env.now_ms), deadline);
	CU_ASSERT_EQUAL(memcmp(&conn, &again, sizeof(conn)), 0);
	CU_ASSERT_EQUAL(copy->rcv.edge.v, b->tcb.rcv.edge.v);
	CU_ASSERT_EQUAL(copy->snd.wnd, b->tcb.snd.wnd);
	CU_ASSERT_EQUAL(copy->snd.max_wnd, b->tcb.snd.max_wnd);
	CU_ASSERT_EQUAL(copy->ch_ms, b->tcb.ch_ms);
	CU_ASSERT(copy->cwnd <= b->tcb.cwnd); /* DT-22 */
	CU_ASSERT_EQUAL(copy->fin_rcvd, b->tcb.fin_rcvd);
	CU_ASSERT_EQUAL(copy->fin_sent, b->tcb.fin_sent);
	CU_ASSERT_EQUAL(copy->orphan, b->tcb.orphan);
	CU_ASSERT_EQUAL(
	    memcmp(copy->deadline + TG_T_FW2, b->tcb.deadline + TG_T_FW2, 2 * sizeof(uint64_t)), 0);
}

static bool is_same_segment(const struct tg_seg *a, const struct tg_seg *b)
{
	return a->seq.v == b->seq.v && a->ack.v == b->ack.v && a->wnd == b->wnd &&
	       a->ctl == b->ctl && a->len == b->len && a->opts.has_ts == b->opts.has_ts &&
	       a->opts.tsval == b->opts.tsval && a->opts.tsecr == b->opts.tsecr &&
	       a->opts.has_mss == b->opts.has_mss && a->opts.has_wscale == b->opts.has_wscale &&
	       a->opts.wscale == b->opts.wscale && a->opts.has_sack_perm == b->opts.has_sack_perm &&
	       a->opts.sack_n == b->opts.sack_n;
}

/* One segment into the block and into its copy; both are made anew for the next. */
static bool is_same_answer(struct bed *b, const struct tg_tcb *first, const struct tg_tcb *second,
			   const struct tg_seg *seg)
{
	struct tg_seg out[BED_OUT_MAX];
	struct tg_act act;
	struct tg_tcb old;
	int n;

	b->tcb = *first;
	bed_in(b, *seg);
	old = b->tcb;
	act = b->act;
	n = b->out_n;
	memcpy(out, b->out, sizeof(out));
	tg_tcb_release(&b->tcb, &b->chunks);
	b->tcb = *second;
	bed_in(b, *seg);
	bool same = n == b->out_n && act.verdict == b->act.verdict && act.events == b->act.events &&
		    act.reason == b->act.reason && old.state == b->tcb.state &&
		    old.rcv.nxt.v == b->tcb.rcv.nxt.v && old.rcv.edge.v == b->tcb.rcv.edge.v &&
		    old.snd.una.v == b->tcb.snd.una.v && old.snd.wnd == b->tcb.snd.wnd &&
		    old.snd.max_wnd == b->tcb.snd.max_wnd && old.ts_recent == b->tcb.ts_recent;
	for (int i = 0; same && i < n; i++)
		same = is_same_segment(&out[i], &b->out[i]);
	tg_tcb_release(&b->tcb, &b->chunks);
	return same;
}

static void check_grid(struct bed *b, const struct tg_tcb *copy)
{
	struct tg_tcb first = b->tcb;
	uint32_t w = tg_tcb_rcv_wnd(&first), una = first.snd.una.v, max = first.snd.max_wnd;
	const uint32_t seq[] = {(uint32_t)-1, 0, 1, w - 1, w, 0x80000000u};
	const uint32_t ack[] = {una - max - 1, una - max, una - 1,
				una,           una + 1,   first.snd.nxt.v + 1};
	int bad = 0;

	/* DESIGN 4 folds them at rest: no segment older than RCV.NXT updates the window. */
	first.snd.wl1 = first.rcv.nxt;
	first.snd.wl2 = first.snd.nxt;
	for (unsigned ctl = 0; ctl < 64; ctl++)
		for (unsigned s = 0; s < 6; s++)
			for (unsigned a = 0; a < 6; a++)
				for (uint32_t len = 0; len < 20; len += 10) {
					struct tg_seg seg = bed_seg(
					    b, (uint8_t)ctl, first.rcv.nxt.v + seq[s], ack[a], len);
					bad += !is_same_answer(b, &first, copy, &seg);
				}
	CU_ASSERT_EQUAL(bad, 0);
	b->tcb = first;
}

static void test_restable_packUnpack_behavesTheSame(void)
{
	uint32_t rested = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct tg_tcb copy;
		struct bed b;

		bed_init(&b);
		tg_rng_init(&b.rng, tg_test_seed + (uint64_t)i);
		make_resting(&b);
		if (wait_for_rest(&b)) {
			rested++;
			pack_unpack(&b, &copy);
			if (i % 10 == 0)
				check_grid(&b, &copy);
		}
		bed_fini(&b);
	}
	CU_ASSERT(rested > ROUNDS * 9 / 10);
}

/* DESIGN 4: an idle server connection costs its 64 bytes right after the handshake. */
static void test_established_afterHandshake_mayRest(void)
{
	struct bed b;

	for (int ts = 0; ts < 2; ts++) {
		bed_init(&b);
		b.ts = b.ws = ts;
		bed_to(&b, TG_SYN_RECEIVED);
		CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
		bed_time(&b, b.env.now_ms + 20);
		bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
		CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
		bed_fini(&b);
	}
}

/* EST-25: one segment, and an RTO of 3 s, survive. */
static void test_established_synAckLostTwice_smallWindowSurvivesRest(void)
{
	struct tg_tcb copy;
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_SYN_RECEIVED);
	bed_at(&b, b.tcb.deadline[TG_T_REXMIT]);
	bed_at(&b, b.tcb.deadline[TG_T_REXMIT]);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, tg_tcp_send_room(&b.tcb) ? 1460 : 0);
	CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
	pack_unpack(&b, &copy);
	CU_ASSERT_EQUAL(copy.cwnd, b.tcb.cwnd);
	CU_ASSERT_EQUAL(copy.rto_us, 3000000);
	bed_fini(&b);
}

/* DT-22: min(cwnd, IW): rest makes no window larger. */
static void test_established_smallWindow_staysSmallAtRest(void)
{
	static const uint32_t row[][2] = {{1, 1}, {2, 2}, {3, 2},   {4, 4},
					  {7, 4}, {9, 4}, {10, 10}, {40, 10}};
	struct tg_tcb copy;

	for (uint32_t i = 0; i < TG_TEST_N(row); i++) {
		struct bed b;

		bed_init(&b);
		bed_to(&b, TG_ESTABLISHED);
		b.tcb.sent_ms = b.env.now_ms;
		b.tcb.cwnd = row[i][0] * 1460;
		if (row[i][0] != 10)
			CU_ASSERT_FALSE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
		bed_time(&b, b.env.now_ms + 5000);
		CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
		pack_unpack(&b, &copy);
		CU_ASSERT_EQUAL(copy.cwnd, row[i][1] * 1460);
		CU_ASSERT_EQUAL(copy.snd.mss, b.tcb.snd.mss);
		bed_fini(&b);
	}
}

/* DT-22: a window that grew must first grow old; then a timer asks, once. */
static void test_established_windowGrew_restsAfterRto(void)
{
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_ESTABLISHED);
	for (int i = 0; i < 2; i++) {
		tg_tcp_send(&b.tcb, b.text, 1000, &b.env);
		bed_collect(&b, false);
		bed_time(&b, b.env.now_ms + 10);
		bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
	}
	CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms)); /* nothing that cwnd bounded */
	b.tcb.cwnd += 2000;
	CU_ASSERT_FALSE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
	uint64_t at = tg_tcb_deadline(&b.tcb);
	CU_ASSERT(at > b.env.now_ms && at <= b.env.now_ms + 1001);
	bed_at(&b, at);
	CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, at));
	CU_ASSERT_EQUAL(tg_tcb_deadline(&b.tcb), 0);
	bed_fini(&b);
}

/* The i-th thing that the 64 bytes cannot say; false when there is no i-th. */
static bool disturb(struct tg_tcb *tcb, int i)
{
	bool *const flag[] = {&tcb->own_conf, &tcb->delack,      &tcb->ack_now, &tcb->fin_queued,
			      &tcb->fin_held, &tcb->syn_unacked, &tcb->persist, &tcb->probe_due,
			      &tcb->shut_rd,  &tcb->recovery,    &tcb->loss};
	tg_seq *const seq[] = {&tcb->snd.una, &tcb->rexmit_nxt, &tcb->rcv.last_ack};
	uint64_t *const time[] = {&tcb->deadline[TG_T_REXMIT], &tcb->deadline[TG_T_DELACK],
				  &tcb->rtt_start_ns};
	int flags = TG_TEST_N(flag), seqs = TG_TEST_N(seq), times = TG_TEST_N(time);

	if (i < flags)
		*flag[i] = true;
	else if (i < flags + seqs)
		seq[i - flags]->v--;
	else if (i < flags + seqs + times)
		*time[i - flags - seqs] = 1;
	else if (i == flags + seqs + times)
		tcb->rcv.up = tcb->rcv.nxt;
	else if (i == flags + seqs + times + 1)
		tcb->snd.wnd = 65537;
	else if (i == flags + seqs + times + 2)
		tcb->state = TG_LAST_ACK;
	else if (i == flags + seqs + times + 3)
		tcb->deadline[TG_T_SERVICE] = tcb->deadline[TG_T_KEEPALIVE] = 1;
	else
		return false;
	return true;
}

static void test_moving_owesSomething_mayNotRest(void)
{
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_ESTABLISHED);
	struct tg_tcb rested = b.tcb;
	CU_ASSERT_TRUE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
	for (int i = 0; disturb(&b.tcb, i); i++) {
		CU_ASSERT_FALSE(tg_tcb_may_rest(&b.tcb, b.env.now_ms));
		b.tcb = rested;
	}
	bed_fini(&b);
}

/* TD-24: the dormant record's handle takes the word's place. */
static void test_synReceived_dormant_survives(void)
{
	struct tg_tcb copy;
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_SYN_RECEIVED);
	b.tcb.dormant = 0x80000007;
	pack_unpack(&b, &copy);
	CU_ASSERT_EQUAL(copy.dormant, 0x80000007);
	b.tcb.dormant = TG_NONE;
	b.tcb.word = 99;
	pack_unpack(&b, &copy);
	CU_ASSERT_EQUAL(copy.dormant, TG_NONE);
	CU_ASSERT_EQUAL(copy.word, 99);
	bed_fini(&b);
}

static const struct tg_test tests[] = {
    {"restable_packUnpack_behavesTheSame", test_restable_packUnpack_behavesTheSame},
    {"established_afterHandshake_mayRest", test_established_afterHandshake_mayRest},
    {"established_synAckLostTwice_smallWindowSurvivesRest",
     test_established_synAckLostTwice_smallWindowSurvivesRest},
    {"established_smallWindow_staysSmallAtRest", test_established_smallWindow_staysSmallAtRest},
    {"established_windowGrew_restsAfterRto", test_established_windowGrew_restsAfterRto},
    {"moving_owesSomething_mayNotRest", test_moving_owesSomething_mayNotRest},
    {"synReceived_dormant_survives", test_synReceived_dormant_survives},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_rest", tests, TG_TEST_N(tests), argc, argv);
}
