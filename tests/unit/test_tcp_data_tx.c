/* SPDX-License-Identifier: BSD-3-Clause */
/* The send side: queue, Nagle, silly windows, persist, window updates (DT-02, DT-24, DT-27..29,
 * DT-32, DT-34, SE-45, ADV-48, TO-09, UC-03). */
#include "tcp_data_box.h"

#include <errno.h>

/* --- what goes out --- */

/* DT-19, DT-29: ten segments, PSH on the end of the write alone. */
static void test_estab_write_iw10AndPshOnLast(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	CU_ASSERT_EQUAL(box_write(&b, 14600), 14600);
	for (uint32_t i = 0; i < 10; i++) {
		box_expect(&b, i * 1460, 1460);
		CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | (i == 9 ? TG_TCP_PSH : 0));
	}
	box_write(&b, 1460);
	CU_ASSERT_FALSE(box_out(&b)); /* cwnd */
	box_ack(&b, 1460, 2048);
	CU_ASSERT_TRUE(b.act.events & TG_EV_WRITABLE);
	box_expect(&b, 14600, 1460);
	box_ack(&b, 16060, 2048);
	CU_ASSERT_EQUAL(b.tcb.tx.chunk_n, 0);
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_REXMIT], 0);
	box_fini(&b);
}

/* EST-11: with timestamps a full segment is MSS - 12, with SACK blocks on it they give way. */
static void test_estab_timestampsAndHoles_segmentFitsMss(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.timestamps = true;
	box_open(&b, 2048);
	box_text(&b, 1000, 100, 0);
	box_write(&b, 1448 + 100);
	box_expect(&b, 0, 1448);
	CU_ASSERT_EQUAL(b.out.opts.has_ts, 1);
	CU_ASSERT_EQUAL(b.out.opts.sack_n, 0);
	box_ack(&b, 1448, 2048);
	box_expect(&b, 1448, 100);
	CU_ASSERT_EQUAL(b.out.opts.sack_n, 1);
	box_fini(&b);
}

/* DT-28: 10 bytes go, 10 wait for the ACK. */
static void test_estab_twoSmallWrites_nagleHoldsSecond(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_write(&b, 10);
	box_expect(&b, 0, 10);
	box_write(&b, 10);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 10, 2048);
	box_expect(&b, 10, 10);
	box_write(&b, 1460); /* a full segment never waits */
	box_expect(&b, 20, 1460);
	box_fini(&b);
}

static void test_estab_twoSmallWrites_nodelaySendsBoth(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.nodelay = true;
	box_open(&b, 2048);
	box_write(&b, 10);
	box_expect(&b, 0, 10);
	box_write(&b, 10);
	box_expect(&b, 10, 10);
	box_fini(&b);
}

/* DT-28, TD-01: the FIN flushes what Nagle holds and rides on it. */
static void test_estab_shutdown_finFlushesAndRides(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_write(&b, 10);
	box_expect(&b, 0, 10);
	box_write(&b, 10);
	CU_ASSERT_EQUAL(tg_tcp_shutdown(&b.tcb, &b.env, &b.act), 0);
	box_expect(&b, 10, 10);
	CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | TG_TCP_PSH | TG_TCP_FIN);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(tg_tcp_send(&b.tcb, "x", 1, &b.env), -EPIPE);
	box_ack(&b, 21, 2048);
	CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_2);
	box_check(&b);
	box_fini(&b);
}

/* DT-34: the same bytes, PSH and FIN, whether a segment is one MSS or many. */
static void test_estab_tso_sameAsSoftware(void)
{
	for (uint32_t nodelay = 0; nodelay < 2; nodelay++) {
		struct box b;
		uint32_t end = 0, n = 0;

		box_init(&b, 64);
		b.conf.nodelay = nodelay;
		box_open(&b, 2048);
		box_write(&b, 5 * 1460 + 100);
		while (tg_tcp_output(&b.tcb, &b.env, 4, &b.out)) {
			CU_ASSERT_EQUAL(box_snd(&b, b.out.seq), end);
			end += b.out.len;
			CU_ASSERT_EQUAL(b.out.len, n == 0 ? 4 * 1460 : nodelay ? 1560 : 1460);
			CU_ASSERT_EQUAL((b.out.ctl & TG_TCP_PSH) != 0, end == 5 * 1460 + 100);
			n++;
		}
		CU_ASSERT_EQUAL(n, 2);
		CU_ASSERT_EQUAL(end, 5 * 1460 + (nodelay ? 100 : 0)); /* Nagle holds the tail */
		box_fini(&b);
	}
}

/* DT-34: what only the first of the segments may say, or what only a short one has room for, is
 * not said by a frame of many. */
static void test_estab_tso_oneByOneWithCwrOrHoles(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_write(&b, 5 * 1460);
	CU_ASSERT_EQUAL(tg_tso_mss(&b.tcb), 1460);
	b.tcb.ecn_owed = TG_OWE_CWR;
	CU_ASSERT_EQUAL(tg_tso_mss(&b.tcb), 0);
	b.tcb.ecn_owed = TG_OWE_ECE; /* each of them says it */
	CU_ASSERT_EQUAL(tg_tso_mss(&b.tcb), 1460);
	box_text(&b, 100, 100, 0);
	CU_ASSERT_EQUAL(tg_tso_mss(&b.tcb), 0);
	box_text(&b, 0, 100, 0);
	box_time(&b, 2000);
	CU_ASSERT_TRUE(box_out(&b));
	CU_ASSERT_EQUAL(tg_tso_mss(&b.tcb), 1460);
	box_fini(&b);
}

/* UC-03: queued before the connection is open; room by sndbuf. */
static void test_synSent_send_queuedUntilOpen(void)
{
	struct tg_tuple tuple = {.lport = 1, .rport = 2};
	struct tg_seg syn_ack = {
	    .ctl = TG_TCP_SYN | TG_TCP_ACK, .wnd = 1000, .opts = {.has_mss = 1, .mss = 500}};
	struct box b;

	box_init(&b, 64);
	b.conf.sndbuf = 700;
	b.conf.nodelay = true;
	tg_tcb_init(&b.tcb, &b.conf, TG_CLOSED);
	tg_tcp_open(&b.tcb, &tuple, NULL, &b.env);
	CU_ASSERT_TRUE_FATAL(tg_tcp_output(&b.tcb, &b.env, 1, &b.out));
	CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_SYN);
	CU_ASSERT_FALSE(tg_tcp_output(&b.tcb, &b.env, 1, &b.out));
	CU_ASSERT_EQUAL(box_write(&b, 600), 600);
	CU_ASSERT_EQUAL(box_write(&b, 600), 100);
	CU_ASSERT_EQUAL(box_write(&b, 600), 0);
	CU_ASSERT_FALSE(box_out(&b));
	syn_ack.seq = tg_seq_make(77);
	syn_ack.ack = tg_seq_add(b.tcb.snd.iss, 1);
	tg_tcp_arrives(&b.tcb, &syn_ack, &b.env, &b.act);
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	box_expect(&b, 0, 350); /* the queue was full: equal halves (tg_tx_size) */
	box_expect(&b, 350, 350);
	box_fini(&b);
}

static void test_closed_send_notconn(void)
{
	struct box b;

	box_init(&b, 4);
	tg_tcb_init(&b.tcb, &b.conf, TG_CLOSED);
	CU_ASSERT_EQUAL(tg_tcp_send(&b.tcb, "x", 1, &b.env), -ENOTCONN);
	box_fini(&b);
}

/* --- windows --- */

/* DT-27: the window opens by single bytes; nothing silly goes out, until the override timer. */
static void test_estab_windowOpensByBytes_overrideAfter500ms(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.window_scale = 0;
	box_open(&b, 8000);
	box_write(&b, 12000);
	for (uint32_t i = 0; i < 5; i++)
		box_expect(&b, i * 1460, 1460);
	CU_ASSERT_FALSE(box_out(&b)); /* 700 left: no segment, not half the largest window */
	box_ack(&b, 7300, 100);
	CU_ASSERT_FALSE(box_out(&b));
	for (uint16_t wnd = 101; wnd < 110; wnd++) {
		box_ack(&b, 7300, wnd);
		CU_ASSERT_FALSE(box_out(&b));
	}
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_REXMIT], 1500);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
	box_expect(&b, 7300, 109);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_FALSE(b.tcb.persist);
	CU_ASSERT_TRUE(b.tcb.deadline[TG_T_REXMIT] > b.env.now_ms);
	box_ack(&b, 7409, 4000); /* half of the largest window */
	box_expect(&b, 7409, 1460);
	box_fini(&b);
}

/* DT-27: a peer whose window is never a full segment gets half of its largest at once, less than
 * that after the override timer. */
static void test_estab_windowBelowSegment_halfOfItGoes(void)
{
	struct box b;

	box_init(&b, 64);
	b.conf.window_scale = 0;
	b.conf.nodelay = true;
	box_open(&b, 1000);
	box_write(&b, 3000);
	box_expect(&b, 0, 1000);
	box_ack(&b, 1000, 499);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 1000, 500);
	box_expect(&b, 1000, 500);
	CU_ASSERT_FALSE(box_out(&b));
	box_fini(&b);
}

/* DT-24, TO-09: the first probe after RTO, doubling to 60 s; answered ones never end it. */
static void test_estab_windowZeroAnswered_probesForever(void)
{
	struct box b;
	uint64_t last = 1000, gap = 200;

	box_init(&b, 64);
	box_open(&b, 2048);
	b.tcb.rto_us = 200000;
	box_ack(&b, 0, 0);
	box_write(&b, 1000);
	CU_ASSERT_FALSE(box_out(&b));
	for (int i = 0; i < 30; i++) {
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		CU_ASSERT_EQUAL(b.env.now_ms - last, gap);
		last = b.env.now_ms;
		gap = gap * 2 < 60000 ? gap * 2 : 60000;
		box_expect(&b, 0, 1);
		CU_ASSERT_FALSE(box_out(&b));
		CU_ASSERT_EQUAL(b.tcb.probes, 1);
		box_ack(&b, 0, 0);
		CU_ASSERT_EQUAL(b.tcb.probes, 0);
	}
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_persist_probe], 30);
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	box_ack(&b, 0, 2048); /* open: all of it, from the probe's byte on */
	box_expect(&b, 0, 1000);
	CU_ASSERT_FALSE(b.tcb.persist);
	box_ack(&b, 1000, 2048);
	box_check(&b);
	box_fini(&b);
}

/* The probe's byte is taken each time, and the window stays closed: the probes go on slowing. */
static void test_estab_windowZeroProbeTaken_goesOnByteByByte(void)
{
	struct box b;
	uint64_t last = 1000;

	box_init(&b, 64);
	b.conf.timestamps = true;
	box_open(&b, 2048);
	b.tcb.rto_us = 200000;
	box_ack(&b, 0, 0);
	box_write(&b, 3);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		CU_ASSERT_EQUAL(b.env.now_ms - last, 200u << i);
		last = b.env.now_ms;
		box_expect(&b, i, 1);
		box_ack(&b, i + 1, 0);
		box_check(&b);
	}
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_REXMIT], 0);
	CU_ASSERT_EQUAL(b.tcb.tx.chunk_n, 0);
	box_fini(&b);
}

/* DT-02: the FIN has a number too, and waits for room in the window. */
static void test_estab_textFillsWindow_finWaits(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 10);
	box_write(&b, 1280);
	tg_tcp_shutdown(&b.tcb, &b.env, &b.act);
	box_expect(&b, 0, 1280);
	CU_ASSERT_EQUAL(b.out.ctl & TG_TCP_FIN, 0);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 1280, 10);
	box_expect(&b, 1280, 0);
	CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | TG_TCP_FIN);
	box_fini(&b);
}

/* A peer that does not answer is given up after R2, as with text. */
static void test_estab_windowZeroUnanswered_givenUpAfterR2(void)
{
	struct box b;
	uint64_t first = 0;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_ack(&b, 0, 0);
	box_write(&b, 1000);
	while (b.tcb.state == TG_ESTABLISHED && box_fire(&b) != TG_T_N) {
		first = first ? first : b.env.now_ms;
		box_drain(&b);
	}
	CU_ASSERT_EQUAL(b.env.now_ms - first, 100000);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_TIMEOUT);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_abort_r2], 1);
	box_fini(&b);
}

/* The FIN alone waits for the window, is the probe, and keeps its number. */
static void test_estab_shutdownAtWindowZero_finIsTheProbe(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_ack(&b, 0, 0);
	tg_tcp_shutdown(&b.tcb, &b.env, &b.act);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_TRUE(b.tcb.persist);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		box_expect(&b, 0, 0);
		CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | TG_TCP_FIN);
		box_ack(&b, 0, 0);
	}
	box_ack(&b, 0, 10);
	box_expect(&b, 0, 0);
	CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | TG_TCP_FIN);
	box_ack(&b, 1, 10);
	CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_2);
	box_fini(&b);
}

/* An empty ACK of a sender whose probe was not taken stands inside the peer's closed window. */
static void test_estab_persist_ackStandsAtUna(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_ack(&b, 0, 0);
	box_write(&b, 1000);
	box_fire(&b);
	box_expect(&b, 0, 1);
	b.tcb.ack_now = true;
	box_expect(&b, 0, 0);
	box_fini(&b);
}

/* ADV-48: the window shrinks below what is in flight: nothing new, repetition inside it. */
static void test_estab_windowShrinks_repeatsInsideIt(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_write(&b, 20000);
	CU_ASSERT_EQUAL(box_drain(&b), 10);
	box_ack(&b, 0, 8); /* 1024 bytes */
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
	box_expect(&b, 0, 1024);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 0, 0); /* to nothing: probes */
	CU_ASSERT_TRUE(b.tcb.persist);
	box_fire(&b);
	box_expect(&b, 0, 1);
	box_ack(&b, 14600, 2048);
	box_expect(&b, 14600, 1460);
	box_fini(&b);
}

/* DT-01, SHLD-15 to SHLD-17: with less in flight than cwnd lets out, and the window behind it,
 * nothing new goes out. */
static void test_estab_windowShrinksBehindFlight_nothingNew(void)
{
	struct box b;

	box_init(&b, 64);
	box_open(&b, 2048);
	box_write(&b, 3 * 1460);
	CU_ASSERT_EQUAL(box_drain(&b), 3);
	box_ack(&b, 0, 8); /* 1024 bytes */
	box_write(&b, 3 * 1460);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 3 * 1460, 2048);
	box_expect(&b, 3 * 1460, 1460);
	box_fini(&b);
}

/* SE-45, DT-02: an old segment's window has no effect; the same numbers with another window have;
 * an ACK that is new brings its window whatever its number. */
static void test_estab_windowUpdate_byWl1AndWl2(void)
{
	struct box b;
	uint8_t text[100] = {0};

	box_init(&b, 64);
	b.conf.window_scale = 0;
	box_open(&b, 20000);
	box_arrives(&b, 0, text, 100, 0, 0, 20000);
	box_arrives(&b, 100, NULL, 0, 0, 0, 20000);
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 20000);
	box_arrives(&b, 0, text, 100, 0, 0, 5); /* older number: outside, and not used */
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 20000);
	box_arrives(&b, 50, text, 100, 0, 0, 5); /* inside, its number is older than WL1 */
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 20000);
	box_ack(&b, 0, 30000);
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 30000);
	CU_ASSERT_EQUAL(b.tcb.snd.max_wnd, 30000);
	box_write(&b, 1460);
	box_drain(&b);
	box_ack(&b, 1460, 10000);
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 10000);
	box_ack(&b, 0, 7); /* SE-30: an old ACK */
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 10000);
	box_write(&b, 1460);
	box_drain(&b);
	box_arrives(&b, 140, text, 100, 0, 2920, 9000);
	CU_ASSERT_EQUAL(b.tcb.snd.wnd, 9000);
	box_fini(&b);
}

/* DT-32: SendMSS changes; the same bytes stand at the same numbers. */
static void test_estab_mssDropsMidFlow_sameBytesRepeated(void)
{
	for (int sack = 0; sack < 2; sack++) {
		struct box b;
		uint8_t text[1460];
		uint32_t end = 0;

		box_init(&b, 64);
		b.conf.sack = sack;
		box_open(&b, 2048);
		box_write(&b, 14600);
		CU_ASSERT_EQUAL(box_drain(&b), 10);
		b.tcb.snd.mss = 500;
		for (int i = 0; i < 100 && end < 14600; i++) {
			box_fire(&b);
			while (box_out(&b)) {
				CU_ASSERT_EQUAL_FATAL(box_snd(&b, b.out.seq), end);
				CU_ASSERT_TRUE_FATAL(b.out.len <= 500);
				tg_tcp_text(&b.tcb, &b.env, b.out.seq, text, b.out.len);
				for (uint32_t k = 0; k < b.out.len; k++)
					CU_ASSERT_EQUAL_FATAL(text[k], box_byte(end + k));
				end += b.out.len;
			}
			box_ack(&b, end, 2048);
		}
		CU_ASSERT_EQUAL(end, 14600);
		box_fini(&b);
	}
}

static const struct tg_test tests[] = {
    {"estab_write_iw10AndPshOnLast", test_estab_write_iw10AndPshOnLast},
    {"estab_timestampsAndHoles_segmentFitsMss", test_estab_timestampsAndHoles_segmentFitsMss},
    {"estab_twoSmallWrites_nagleHoldsSecond", test_estab_twoSmallWrites_nagleHoldsSecond},
    {"estab_twoSmallWrites_nodelaySendsBoth", test_estab_twoSmallWrites_nodelaySendsBoth},
    {"estab_shutdown_finFlushesAndRides", test_estab_shutdown_finFlushesAndRides},
    {"estab_tso_sameAsSoftware", test_estab_tso_sameAsSoftware},
    {"estab_tso_oneByOneWithCwrOrHoles", test_estab_tso_oneByOneWithCwrOrHoles},
    {"synSent_send_queuedUntilOpen", test_synSent_send_queuedUntilOpen},
    {"closed_send_notconn", test_closed_send_notconn},
    {"estab_windowOpensByBytes_overrideAfter500ms",
     test_estab_windowOpensByBytes_overrideAfter500ms},
    {"estab_windowBelowSegment_halfOfItGoes", test_estab_windowBelowSegment_halfOfItGoes},
    {"estab_windowZeroAnswered_probesForever", test_estab_windowZeroAnswered_probesForever},
    {"estab_windowZeroProbeTaken_goesOnByteByByte",
     test_estab_windowZeroProbeTaken_goesOnByteByByte},
    {"estab_textFillsWindow_finWaits", test_estab_textFillsWindow_finWaits},
    {"estab_windowZeroUnanswered_givenUpAfterR2", test_estab_windowZeroUnanswered_givenUpAfterR2},
    {"estab_shutdownAtWindowZero_finIsTheProbe", test_estab_shutdownAtWindowZero_finIsTheProbe},
    {"estab_persist_ackStandsAtUna", test_estab_persist_ackStandsAtUna},
    {"estab_windowShrinks_repeatsInsideIt", test_estab_windowShrinks_repeatsInsideIt},
    {"estab_windowShrinksBehindFlight_nothingNew", test_estab_windowShrinksBehindFlight_nothingNew},
    {"estab_windowUpdate_byWl1AndWl2", test_estab_windowUpdate_byWl1AndWl2},
    {"estab_mssDropsMidFlow_sameBytesRepeated", test_estab_mssDropsMidFlow_sameBytesRepeated},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_data_tx", tests, TG_TEST_N(tests), argc, argv);
}
