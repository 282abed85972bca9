/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss: RTT and RTO (DT-04..08), retransmission and its end (TO-03, TO-04, TO-08), fast retransmit,
 * recovery and cwnd (DT-18..23, ADV-46, ADV-47, EST-25). */
#include "tcp_data_box.h"

enum { MSS = 1460 };

/* --- RTT --- */

/* A sample of ms through a timed segment. */
static void sample(struct box *b, uint64_t ms)
{
	uint32_t at = box_snd(b, b->tcb.tx_end);

	box_write(b, 100);
	box_drain(b);
	box_time(b, b->env.now_ms + ms);
	box_ack(b, at + 100, 2048);
}

/* DT-04: by hand: 100 -> 100/50; 200 -> RTTVAR 3/4*50+1/4*100 = 62.5, SRTT 7/8*100+1/8*200 = 112.5
 * RTO 362.5; 10 -> RTTVAR 72.5, SRTT 99.6875, RTO 389.6875. */
static void test_estab_samples_rfc6298Vectors(void)
{
	struct box b;

	box_init(&b, 16);
	box_open(&b, 2048);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 0);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 1000);
	sample(&b, 100);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 100000);
	CU_ASSERT_EQUAL(b.tcb.rttvar_us, 50000);
	CU_ASSERT_EQUAL(b.tcb.rto_us, 300000);
	sample(&b, 200);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 112500);
	CU_ASSERT_EQUAL(b.tcb.rttvar_us, 62500);
	CU_ASSERT_EQUAL(b.tcb.rto_us, 362500);
	sample(&b, 10);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 99687);
	CU_ASSERT_EQUAL(b.tcb.rttvar_us, 72500);
	CU_ASSERT_EQUAL(b.tcb.rto_us, 389687);
	box_fini(&b);
}

/* DT-05: floor 200 ms, ceiling 60 s. */
static void test_estab_samples_rtoWithinBounds(void)
{
	struct box b;

	box_init(&b, 16);
	box_open(&b, 2048);
	for (int i = 0; i < 20; i++)
		sample(&b, 1);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 200);
	b.conf.rto_min_ms = 1000;
	sample(&b, 1);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 1000);
	b.conf.rto_min_ms = 1; /* DT-04: K * RTTVAR counts as the clock's grain at least */
	sample(&b, 1);
	CU_ASSERT_TRUE(b.tcb.rttvar_us < 250);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 2);
	b.tcb.srtt_us = 0;
	b.tcb.rtt_start_ns = 0;
	box_write(&b, 1);
	box_drain(&b);
	b.tcb.rtt_start_ns = 1; /* as if timed long ago */
	box_time(&b, 900000);
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2048);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 60000);
	box_fini(&b);
}

/* DT-07: no sample from what was sent twice; the backoff stays until something new is timed. */
static void test_estab_lateAckOfRepeated_noSampleBackoffStays(void)
{
	struct box b;

	box_init(&b, 16);
	box_open(&b, 2048);
	sample(&b, 100);
	box_write(&b, 100);
	box_drain(&b);
	box_fire(&b);
	box_expect(&b, 100, 100);
	box_time(&b, b.env.now_ms + 5000);
	box_ack(&b, 200, 2048);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 100000);
	CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), 600);
	sample(&b, 100);
	CU_ASSERT_TRUE(tg_rto_ms(&b.tcb) < 300);
	box_fini(&b);
}

/* RFC 7323 4.1, DT-07, ADV-53. */
static void test_estab_timestamps_sampleOnlyIfUnaAdvances(void)
{
	struct tg_seg seg = {.ctl = TG_TCP_ACK, .wnd = 2048, .opts = {.has_ts = 1}};
	struct box b;

	box_init(&b, 16);
	b.conf.timestamps = true;
	box_open(&b, 2048);
	box_write(&b, 100);
	box_drain(&b);
	seg.seq = b.tcb.rcv.nxt;
	seg.ack = box_snd_at(&b, 0);
	seg.opts.tsecr = 900; /* ACK = SND.UNA */
	tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 0);
	seg.ack = box_snd_at(&b, 50);
	seg.opts.tsecr = 5000; /* a clock of ours that has not come */
	tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 0);
	CU_ASSERT_EQUAL(box_snd(&b, b.tcb.snd.una), 50);
	seg.ack = box_snd_at(&b, 100);
	seg.opts.tsecr = 930;
	tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 70000);
	box_fini(&b);
}

/* DT-07: the ACK of what was sent twice echoes the first copy: that would measure the backoff. */
static void test_estab_timestamps_echoOfTheFirstCopyIsNoSample(void)
{
	struct tg_seg seg = {.ctl = TG_TCP_ACK, .wnd = 2048, .opts = {.has_ts = 1}};
	struct box b;

	box_init(&b, 16);
	b.conf.timestamps = true;
	box_open(&b, 2048);
	box_write(&b, 100);
	box_expect(&b, 0, 100);
	seg.seq = b.tcb.rcv.nxt;
	seg.opts.tsecr = b.out.opts.tsval;
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
	box_expect(&b, 0, 100);
	box_time(&b, b.env.now_ms + 30);
	seg.ack = box_snd_at(&b, 100);
	tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
	CU_ASSERT_EQUAL(box_snd(&b, b.tcb.snd.una), 100);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 0);
	box_write(&b, 100);
	box_expect(&b, 100, 100);
	seg.opts.tsecr = b.out.opts.tsval;
	box_time(&b, b.env.now_ms + 30);
	seg.ack = box_snd_at(&b, 200);
	tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
	CU_ASSERT_EQUAL(b.tcb.srtt_us, 30000);
	box_fini(&b);
}

/* EST-25. */
static void test_handshake_synLost_rto3sAndIwByLosses(void)
{
	for (uint8_t sent = 1; sent <= 3; sent++) {
		struct tg_seg ack = {.ctl = TG_TCP_ACK, .wnd = 2048};
		struct box b;

		box_init(&b, 16);
		box_open(&b, 2048);
		b.tcb.state = TG_SYN_RECEIVED;
		b.tcb.srtt_us = b.tcb.rto_us = 0;
		b.tcb.snd.una = b.tcb.snd.iss;
		b.tcb.syn_sent_n = sent;
		b.tcb.rexmit_syn = sent > 1;
		b.tcb.rtt_start_ns = sent > 1 ? 0 : (b.env.now_ms - 50) * TG_NS_PER_MS;
		b.tcb.rtt_seq = b.tcb.snd.iss;
		ack.seq = b.tcb.rcv.nxt;
		ack.ack = b.tcb.snd.nxt;
		tg_ack_handshake(&b.tcb, &ack, &b.env);
		b.tcb.state = TG_ESTABLISHED;
		CU_ASSERT_EQUAL(tg_rto_ms(&b.tcb), sent > 1 ? 3000 : 200);
		CU_ASSERT_EQUAL(b.tcb.srtt_us, sent > 1 ? 0 : 50000);
		CU_ASSERT_EQUAL(b.tcb.cwnd, sent > 2 ? MSS : 10 * MSS);
		box_fini(&b);
	}
}

/* --- timeouts --- */

/* DT-05, DT-08, TO-03: gaps double; the neighbour is asked after the third; over after 100 s. */
static void test_estab_blackhole_backoffR1R2(void)
{
	static const uint64_t at[] = {300, 900, 2100, 4500, 9300, 18900, 38100, 76500};
	struct box b;
	uint64_t sent;

	box_init(&b, 16);
	b.conf.sack = false; /* no probe before the timeout */
	box_open(&b, 2048);
	b.tcb.snd.mss = 1000; /* no smaller segment is tried (DT-31) */
	sample(&b, 100);
	sent = b.env.now_ms;
	box_write(&b, 3000);
	box_drain(&b);
	for (uint32_t i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		CU_ASSERT_EQUAL(b.env.now_ms - sent, at[i]);
		CU_ASSERT_EQUAL(b.act.events, i == 2 ? TG_EV_NEIGH : 0);
		box_expect(&b, 100, 1000);
		CU_ASSERT_FALSE(box_out(&b)); /* loss window: one segment */
	}
	CU_ASSERT_EQUAL(b.tcb.rexmits, 8);
	box_fire(&b);
	CU_ASSERT_EQUAL(b.env.now_ms - sent, 100000);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSED);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_TIMEOUT);
	CU_ASSERT_TRUE(b.act.has_reply && (b.act.reply.ctl & TG_TCP_RST));
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_abort_r2], 1);
	box_fini(&b);
}

/* TO-08: to the millisecond, shorter than the first RTO too. */
static void test_estab_userTimeout_exact(void)
{
	static const uint32_t limit[] = {500, 1000, 5000};

	for (int i = 0; i < 3; i++) {
		struct box b;
		uint64_t sent;

		box_init(&b, 16);
		b.conf.user_timeout_ms = limit[i];
		box_open(&b, 2048);
		sent = b.env.now_ms;
		box_write(&b, 10);
		box_drain(&b);
		while (b.tcb.state == TG_ESTABLISHED && box_fire(&b) != TG_T_N)
			box_drain(&b);
		CU_ASSERT_EQUAL(b.env.now_ms - sent, limit[i]);
		CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_abort_user_timeout], 1);
		box_fini(&b);
	}
}

/* Progress starts R2 anew. */
static void test_estab_progressBeforeR2_lives(void)
{
	struct box b;

	box_init(&b, 16);
	box_open(&b, 2048);
	box_write(&b, 1000);
	box_drain(&b);
	for (uint32_t n = 1; n <= 7; n++) { /* the backoff stays: 1, 2, 4 ... 60 s */
		box_fire(&b);
		box_drain(&b);
		CU_ASSERT_EQUAL_FATAL(b.tcb.state, TG_ESTABLISHED);
		box_ack(&b, n * 10, 2048);
		box_drain(&b);
	}
	CU_ASSERT_TRUE(b.env.now_ms > 1000 + 100000);
	box_fini(&b);
}

/* TO-04: the FIN comes again with its number. */
static void test_finWait1_finLost_repeatedWithItsNumber(void)
{
	struct box b;

	box_init(&b, 16);
	box_open(&b, 2048);
	box_write(&b, 100);
	box_drain(&b);
	box_ack(&b, 100, 2048);
	tg_tcp_shutdown(&b.tcb, &b.env, &b.act);
	for (int i = 0; i < 4; i++) {
		box_expect(&b, 100, 0);
		CU_ASSERT_EQUAL(b.out.ctl, TG_TCP_ACK | TG_TCP_FIN);
		CU_ASSERT_FALSE(box_out(&b));
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		CU_ASSERT_EQUAL(box_snd(&b, b.tcb.snd.nxt), 101);
	}
	box_fini(&b);
}

/* DT-06, DT-18: after a timeout cwnd is one segment, and all is sent again in slow start, no
 * further than SND.NXT before it is new. */
static void test_estab_timeout_goBackNSlowStart(void)
{
	struct box b;

	box_init(&b, 32);
	box_open(&b, 2048);
	box_write(&b, 20 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 10);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
	CU_ASSERT_EQUAL(b.tcb.cwnd, MSS);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 5 * MSS);
	box_expect(&b, 0, MSS);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, MSS, 2048);
	box_expect(&b, MSS, MSS);
	box_expect(&b, 2 * MSS, MSS);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 10 * MSS, 2048); /* the rest was only late */
	CU_ASSERT_FALSE(b.tcb.loss);
	box_expect(&b, 10 * MSS, MSS);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 3);
	box_fini(&b);
}

/* --- fast retransmit --- */

/* Ten segments are out, the first is lost. */
static void open_with_loss(struct box *b)
{
	box_init(b, 64);
	box_open(b, 2048);
	box_write(b, 40 * MSS);
	box_ack(b, 0, 2047); /* not a duplicate: nothing is out */
	CU_ASSERT_EQUAL(box_drain(b), 10);
}

/* DT-18, RFC 6582 3.2. */
static void test_estab_thirdDupAck_fastRetransmitAndRecovery(void)
{
	struct box b;

	open_with_loss(&b);
	for (uint32_t i = 0; i < 2; i++) { /* limited transmit: one new segment each */
		box_ack(&b, 0, 2047);
		box_expect(&b, (10 + i) * MSS, MSS);
		CU_ASSERT_FALSE(box_out(&b));
		CU_ASSERT_EQUAL(b.tcb.cwnd, 10 * MSS);
	}
	box_ack(&b, 0, 2047);
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 5 * MSS); /* without what limited transmit has sent */
	CU_ASSERT_EQUAL(b.tcb.cwnd, 8 * MSS);
	box_expect(&b, 0, MSS);
	CU_ASSERT_FALSE(box_out(&b));
	for (int i = 0; i < 5; i++) /* each tells that one has left the network */
		box_ack(&b, 0, 2047);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 13 * MSS);
	box_expect(&b, 12 * MSS, MSS);
	CU_ASSERT_FALSE(box_out(&b));
	box_ack(&b, 4 * MSS, 2047); /* partial: the next hole at once */
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 10 * MSS);
	box_expect(&b, 4 * MSS, MSS);
	box_drain(&b);
	box_ack(&b, 12 * MSS, 2047); /* all that was out when it began */
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_TRUE(b.tcb.cwnd <= b.tcb.ssthresh);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit_fast], 2);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	box_fini(&b);
}

/* DT-23: text, FIN, another window, or nothing out: no duplicates. */
static void test_estab_notQuiteDupAcks_noRetransmit(void)
{
	struct box b;

	open_with_loss(&b);
	for (uint32_t i = 0; i < 5; i++)
		box_arrives(&b, i * 10, "0123456789", 10, 0, 0, 2047);
	for (uint16_t i = 0; i < 5; i++)
		box_ack(&b, 0, (uint16_t)(2000 + i));
	for (uint32_t i = 0; i < 5; i++) /* its number above a hole: it is not taken, nor counted */
		box_arrives(&b, 100, NULL, 0, TG_TCP_FIN, 0, 2004);
	CU_ASSERT_EQUAL(b.tcb.dupacks, 0);
	CU_ASSERT_FALSE(b.tcb.recovery);
	box_drain(&b);
	box_ack(&b, 10 * MSS, 2000);
	box_drain(&b);
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2000);
	while (box_drain(&b))
		box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2000);
	for (int i = 0; i < 5; i++)
		box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2000);
	CU_ASSERT_EQUAL(b.tcb.dupacks, 0);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 0);
	box_fini(&b);
}

/* RFC 6582 3.2 (2): ACKs of what a timeout sent twice start nothing; with SACK above the hole they
 * do. */
static void test_estab_dupAcksAfterTimeout_onlyWithSackEvidence(void)
{
	for (int sack = 0; sack < 2; sack++) {
		struct box b;

		open_with_loss(&b);
		box_fire(&b);
		box_drain(&b);
		box_ack(&b, 10 * MSS, 2047);
		CU_ASSERT_FALSE(b.tcb.loss);
		box_drain(&b);
		box_time(&b, b.env.now_ms + 20);
		for (int i = 0; i < 3; i++) {
			if (sack)
				box_sack(&b, 10 * MSS, 2047, 11 * MSS, 12 * MSS);
			else
				box_ack(&b, 10 * MSS, 2047);
		}
		CU_ASSERT_EQUAL(b.tcb.recovery, sack);
		box_fini(&b);
	}
}

/* ADV-46: forged duplicates inflate cwnd by no more than what was outstanding. */
static void test_estab_thousandDupAcks_inflationBounded(void)
{
	struct box b;

	open_with_loss(&b);
	for (int i = 0; i < 1000; i++) {
		box_ack(&b, 0, 2047);
		box_drain(&b);
	}
	CU_ASSERT_TRUE(b.tcb.cwnd <= b.tcb.ssthresh + 12 * MSS);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 1);
	box_fini(&b);
}

/* ADV-47, DT-22: a segment acknowledged byte by byte opens the window by its bytes. */
static void test_estab_ackSplitting_noGain(void)
{
	struct box b;

	open_with_loss(&b);
	for (uint32_t i = 1; i <= MSS; i++)
		box_ack(&b, i, 2047);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 11 * MSS);
	b.tcb.ssthresh = b.tcb.cwnd; /* congestion avoidance */
	box_drain(&b);
	for (uint32_t i = MSS + 1; i <= 2 * MSS; i++)
		box_ack(&b, i, 2047);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 11 * MSS);
	box_fini(&b);
}

/* DT-22, RFC 3465: an ACK of many segments counts for two, after a timeout for one; and cwnd never
 * grows past what the queue can hold. */
static void test_estab_stretchAcks_growthBounded(void)
{
	struct box b;

	open_with_loss(&b);
	box_ack(&b, 10 * MSS, 2047);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 12 * MSS);
	b.tcb.srtt_us = 0; /* no probe before the timeout */
	box_drain(&b);
	box_fire(&b);
	box_drain(&b);
	box_ack(&b, 14 * MSS, 2047);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 2 * MSS);
	b.conf.sndbuf = 20000;
	b.tcb.own_conf = true;
	for (uint32_t i = 0; i < 100; i++) {
		box_write(&b, 20000);
		box_drain(&b);
		box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2047);
	}
	CU_ASSERT_EQUAL(b.tcb.cwnd, 20000);
	box_fini(&b);
}

/* The window closes in the middle of recovery: probes, and no inflated cwnd afterwards. */
static void test_estab_windowClosesInRecovery_persist(void)
{
	struct box b;

	open_with_loss(&b);
	for (int i = 0; i < 6; i++)
		box_ack(&b, 0, 2047);
	CU_ASSERT_TRUE(b.tcb.recovery);
	box_ack(&b, 0, 0);
	CU_ASSERT_TRUE(b.tcb.persist);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh);
	box_fire(&b);
	box_expect(&b, 0, 1);
	box_ack(&b, 0, 2047);
	box_expect(&b, 0, MSS);
	box_fini(&b);
}

/* DT-18: one segment a round trip in congestion avoidance. */
static void test_estab_congestionAvoidance_oneSegmentPerWindow(void)
{
	struct box b;

	box_init(&b, 200);
	box_open(&b, 2048);
	b.tcb.ssthresh = 10 * MSS;
	box_write(&b, 100 * MSS);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t una = box_snd(&b, b.tcb.snd.una), n = box_drain(&b);

		CU_ASSERT_EQUAL(n, 10 + round);
		for (uint32_t i = 1; i <= n; i++)
			box_ack(&b, una + i * MSS, 2048);
		CU_ASSERT_EQUAL(b.tcb.cwnd, (11 + round) * MSS);
	}
	box_fini(&b);
}

/* DT-22: after silence longer than RTO cwnd is the initial window at most. */
static void test_estab_idleLongerThanRto_cwndIsIw(void)
{
	struct box b;

	box_init(&b, 200);
	box_open(&b, 2048);
	sample(&b, 10);
	b.tcb.cwnd = 50 * MSS;
	box_time(&b, b.env.now_ms + 100);
	box_write(&b, 60 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 50);
	box_ack(&b, 100 + 60 * MSS, 2048);
	box_drain(&b);
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt), 2048);
	box_time(&b, b.env.now_ms + 1000);
	box_write(&b, 60 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 10);
	box_fini(&b);
}

/* ADV-40, DT-16: impossible blocks are counted and change nothing. */
static void test_estab_forgedSack_counted(void)
{
	struct box b;

	open_with_loss(&b);
	box_sack(&b, 0, 2047, 11 * MSS, 12 * MSS); /* never sent */
	box_sack(&b, 0, 2047, 2 * MSS, 2 * MSS);
	box_sack(&b, 0, 2047, 3 * MSS, 2 * MSS);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_bad_sack], 3);
	box_fini(&b);
}

static const struct tg_test tests[] = {
    {"estab_samples_rfc6298Vectors", test_estab_samples_rfc6298Vectors},
    {"estab_samples_rtoWithinBounds", test_estab_samples_rtoWithinBounds},
    {"estab_lateAckOfRepeated_noSampleBackoffStays",
     test_estab_lateAckOfRepeated_noSampleBackoffStays},
    {"estab_timestamps_sampleOnlyIfUnaAdvances", test_estab_timestamps_sampleOnlyIfUnaAdvances},
    {"estab_timestamps_echoOfTheFirstCopyIsNoSample",
     test_estab_timestamps_echoOfTheFirstCopyIsNoSample},
    {"handshake_synLost_rto3sAndIwByLosses", test_handshake_synLost_rto3sAndIwByLosses},
    {"estab_blackhole_backoffR1R2", test_estab_blackhole_backoffR1R2},
    {"estab_userTimeout_exact", test_estab_userTimeout_exact},
    {"estab_progressBeforeR2_lives", test_estab_progressBeforeR2_lives},
    {"finWait1_finLost_repeatedWithItsNumber", test_finWait1_finLost_repeatedWithItsNumber},
    {"estab_timeout_goBackNSlowStart", test_estab_timeout_goBackNSlowStart},
    {"estab_thirdDupAck_fastRetransmitAndRecovery",
     test_estab_thirdDupAck_fastRetransmitAndRecovery},
    {"estab_notQuiteDupAcks_noRetransmit", test_estab_notQuiteDupAcks_noRetransmit},
    {"estab_dupAcksAfterTimeout_onlyWithSackEvidence",
     test_estab_dupAcksAfterTimeout_onlyWithSackEvidence},
    {"estab_thousandDupAcks_inflationBounded", test_estab_thousandDupAcks_inflationBounded},
    {"estab_ackSplitting_noGain", test_estab_ackSplitting_noGain},
    {"estab_stretchAcks_growthBounded", test_estab_stretchAcks_growthBounded},
    {"estab_windowClosesInRecovery_persist", test_estab_windowClosesInRecovery_persist},
    {"estab_congestionAvoidance_oneSegmentPerWindow",
     test_estab_congestionAvoidance_oneSegmentPerWindow},
    {"estab_idleLongerThanRto_cwndIsIw", test_estab_idleLongerThanRto_cwndIsIw},
    {"estab_forgedSack_counted", test_estab_forgedSack_counted},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_data_loss", tests, TG_TEST_N(tests), argc, argv);
}
