/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss recovery with SACK: RACK-TLP (RFC 8985), PRR (RFC 9937), undo (RFC 2883, 3522), reneging
 * (DT-16, DT-17, DT-20), timer series (DT-05) and black holes (DT-31). Segment n is [n * MSS, (n +
 * 1) * MSS) of our stream; the sequence number wraps in the first flight. */
#include "tcp_data_box.h"
#include "tcp_data_pair.h"

enum { MSS = 1460, WND = 2047, RTT = 100 };

/* --- hands --- */

/* An ACK of our byte `ack` with blocks [blk[0], blk[1]), [blk[2], blk[3]) ... in segments. */
static void sack(struct box *b, uint32_t ack, uint32_t n, const uint32_t *blk)
{
	struct tg_seg seg = {.seq = b->tcb.rcv.nxt,
			     .ack = box_snd_at(b, ack * MSS),
			     .wnd = WND,
			     .ctl = TG_TCP_ACK,
			     .opts = {.sack_n = (uint8_t)n}};

	for (uint32_t i = 0; i < n; i++)
		seg.opts.sack[i] = (struct tg_sack_block){box_snd_at(b, blk[2 * i] * MSS),
							  box_snd_at(b, blk[2 * i + 1] * MSS)};
	if (b->tcb.ts_on) {
		seg.opts.has_ts = 1;
		seg.opts.tsval = b->tcb.ts_recent;
		seg.opts.tsecr = tg_tcp_tsval(b->tcb.ts_offset, &b->env);
	}
	tg_tcp_arrives(&b->tcb, &seg, &b->env, &b->act);
	box_check(b);
}

static void sack1(struct box *b, uint32_t ack, uint32_t left, uint32_t right)
{
	sack(b, ack, 1, (const uint32_t[]){left, right});
}

static void sack2(struct box *b, uint32_t ack, uint32_t l1, uint32_t r1, uint32_t l2, uint32_t r2)
{
	sack(b, ack, 2, (const uint32_t[]){l1, r1, l2, r2});
}

static void later(struct box *b, uint64_t ms)
{
	box_time(b, b->env.now_ms + ms);
}

/* RTT is known and quiet; segment 0 is the next, and cwnd is n segments. */
static void open_quiet(struct box *b, uint32_t n)
{
	box_init(b, 200);
	b->conf.sndbuf = 1 << 20;
	box_open(b, WND);
	b->tcb.srtt_us = RTT * 1000;
	b->tcb.rttvar_us = 25000;
	tg_rto_update(&b->tcb); /* 200 ms */
	b->tcb.cwnd = n * MSS;
}

/* n segments are out; RTT later their ACKs begin to come. */
static void open_flight(struct box *b, uint32_t n)
{
	open_quiet(b, n);
	box_write(b, 100 * MSS);
	CU_ASSERT_EQUAL(box_drain(b), n);
	later(b, RTT);
}

/* The next segment out is segment n. */
static void expect(struct box *b, uint32_t n)
{
	box_expect(b, n * MSS, MSS);
}

/* --- what is lost --- */

/* DT-20, RFC 8985: holes at 0, 3 and 6; the third duplicate finds the first, and the rest follow at
 * the rate at which segments are delivered. */
static void test_estab_threeHoles_repairedWithoutTimeout(void)
{
	struct box b;

	open_flight(&b, 10);
	sack1(&b, 0, 1, 2);
	expect(&b, 10); /* limited transmit: one left the network, one goes in */
	CU_ASSERT_FALSE(b.tcb.recovery);
	sack1(&b, 0, 1, 3);
	expect(&b, 11);
	CU_ASSERT_FALSE(b.tcb.recovery);
	sack2(&b, 0, 4, 5, 1, 3);
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 5 * MSS);
	expect(&b, 0);
	sack2(&b, 0, 4, 6, 1, 3);
	box_drain(&b);
	sack(&b, 0, 3, (const uint32_t[]){7, 8, 4, 6, 1, 3});
	box_drain(&b);
	sack(&b, 0, 3, (const uint32_t[]){7, 10, 4, 6, 1, 3});
	box_drain(&b);
	sack(&b, 0, 3, (const uint32_t[]){7, 12, 4, 6, 1, 3});
	box_drain(&b);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit_fast], 3);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 3);
	later(&b, RTT);
	sack2(&b, 3, 7, 12, 4, 6);
	CU_ASSERT_TRUE(b.tcb.recovery);
	box_ack(&b, 12 * MSS, WND);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	box_fini(&b);
}

/* Segment 0 of 10 is lost, all else comes; the ACK that ends the recovery, a round trip after the
 * cut, finds all acknowledged but the last n that were sent. */
static void repair(struct box *b, uint32_t n)
{
	uint32_t end;

	sack1(b, 0, 1, 2);
	box_drain(b);
	sack1(b, 0, 1, 3);
	box_drain(b);
	for (uint32_t i = 4; i <= 10; i++) {
		sack1(b, 0, 1, i);
		box_drain(b);
	}
	CU_ASSERT_TRUE(b->tcb.recovery);
	CU_ASSERT_EQUAL(b->tcb.ssthresh, 5 * MSS);
	later(b, RTT);
	end = box_snd(b, b->tcb.snd.nxt);
	box_ack(b, end - n * MSS, WND);
	CU_ASSERT_FALSE(b->tcb.recovery);
}

/* The first ACK after the one that ended recovery. */
static void acked_on(struct box *b)
{
	uint32_t una = box_snd(b, b->tcb.snd.una);

	box_drain(b);
	box_ack(b, una + MSS, WND);
}

/* DT-18, DT-20: when recovery ends cwnd is ssthresh (RFC 5681 3.2 (6)); and the round trip that it
 * took, with full windows at the new pace, is one of congestion avoidance (RFC 5681 3.1): with the
 * next ACK one segment more, and not two. */
static void test_estab_recoveryEnds_aRoundTripCounts(void)
{
	struct box b;

	for (uint32_t n = 0; n <= 2; n += 2) {
		open_flight(&b, 10);
		repair(&b, n);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 5 * MSS);
		acked_on(&b);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 6 * MSS);
		CU_ASSERT_TRUE(b.tcb.acked_bytes <= MSS);
		box_fini(&b);
	}
}

/* But a user who had nothing more to send has not used the new window, and learns nothing of it. */
static void test_estab_recoveryEndsNothingToSend_ssthresh(void)
{
	struct box b;

	open_quiet(&b, 10);
	box_write(&b, 10 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 10);
	later(&b, RTT);
	repair(&b, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 5 * MSS);
	box_write(&b, 10 * MSS);
	acked_on(&b);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 5 * MSS);
	box_fini(&b);
}

/* RFC 8985 6.2: fewer than three duplicates: loss is certain when a quarter of the RTT is over. */
static void test_estab_oneDuplicate_lossAfterReorderingWindow(void)
{
	struct box b;

	open_flight(&b, 2);
	b.tcb.tx_end = b.tcb.snd.nxt; /* and no more to send: early retransmit */
	sack1(&b, 0, 1, 2);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_RACK], b.env.now_ms + RTT / 4);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_RACK);
	expect(&b, 0);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	b.tcb.tx_end = tg_seq_add(b.tcb.snd.iss, 1 + 100 * MSS);
	box_fini(&b);
}

/* All at the same moment, as in a burst: two new segments and the repetition. What comes back of
 * the new ones does not make the repetition lost: it went after them. */
static void test_estab_sameMoment_orderOfSendingIsKnown(void)
{
	struct box b;

	open_flight(&b, 10);
	sack1(&b, 0, 1, 2);
	expect(&b, 10);
	sack1(&b, 0, 1, 3);
	expect(&b, 11);
	sack1(&b, 0, 1, 4);
	expect(&b, 0);
	later(&b, RTT);
	sack1(&b, 0, 1, 11);
	sack1(&b, 0, 1, 12);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 0);
	box_drain(&b);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 1);
	box_fini(&b);
}

/* RFC 8985: the repetition is lost too; what was sent after it tells. RFC 5681 4.3: once more less.
 */
static void test_estab_rexmitLost_foundWithoutTimeout(void)
{
	struct box b;
	uint32_t ssthresh;

	open_flight(&b, 20);
	for (uint32_t i = 2; i <= 4; i++) {
		sack1(&b, 0, 1, i);
		box_drain(&b);
	}
	CU_ASSERT_TRUE(b.tcb.recovery);
	ssthresh = b.tcb.ssthresh;
	later(&b, 10);
	for (uint32_t i = 5; i <= 20; i++) {
		sack1(&b, 0, 1, i);
		box_drain(&b);
	}
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 1);
	CU_ASSERT_TRUE(tg_seq_gt(b.tcb.snd.nxt, box_snd_at(&b, 22 * MSS)));
	later(&b, RTT);
	sack1(&b, 0, 1, 22); /* sent before the repetition */
	box_drain(&b);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 1);
	sack1(&b, 0, 1, 24); /* sent after it */
	CU_ASSERT_TRUE(b.tcb.ssthresh < ssthresh);
	expect(&b, 0);
	/* RFC 6675 6: it has a whole timeout to be acknowledged. */
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_REXMIT], b.env.now_ms + tg_rto_ms(&b.tcb));
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 2);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	box_fini(&b);
}

/* DT-16: what can not be true is counted and changes nothing at all. */
static void test_estab_forgedBlocks_changeNothing(void)
{
	static const uint32_t forged[][2] = {
	    {11, 12},                               /* never sent */
	    {9, 11},                                /* the end of it never sent */
	    {2, 2},   {3, 2}, {0u - 200, 0u - 199}, /* older than the largest window */
	};
	struct tg_tcb before;
	struct box b;

	open_flight(&b, 10);
	before = b.tcb;
	for (uint32_t i = 0; i < TG_TEST_N(forged); i++) {
		for (int k = 0; k < 5; k++)
			sack1(&b, 0, forged[i][0], forged[i][1]);
		CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_bad_sack], 5 * (i + 1));
	}
	CU_ASSERT_EQUAL(b.tcb.sent.sacked, 0);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, before.cwnd);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, before.ssthresh);
	CU_ASSERT_EQUAL(b.tcb.dupacks, 0);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_dsack_rcvd], 0);
	box_fini(&b);
}

/* DT-16: a block that began below what this very ACK acknowledges counts above it. */
static void test_estab_blockAcrossTheAck_countsAboveIt(void)
{
	struct box b;

	open_flight(&b, 10);
	sack(&b, 2, 2, (const uint32_t[]){4, 5, 1, 3});
	CU_ASSERT_EQUAL(b.tcb.sent.sacked, 2 * MSS); /* 2 and 4 */
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_bad_sack], 0);
	box_fini(&b);
}

/* The same block again tells nothing: no third duplicate (RFC 6675 2, DT-23). */
static void test_estab_sameBlockThrice_noDuplicates(void)
{
	struct box b;

	open_flight(&b, 10);
	for (int i = 0; i < 5; i++)
		sack1(&b, 0, 1, 2);
	CU_ASSERT_EQUAL(b.tcb.dupacks, 1);
	CU_ASSERT_FALSE(b.tcb.recovery);
	box_fini(&b);
}

/* --- how much goes out --- */

/* RFC 9937: ssthresh is half of the flight, so one goes out for two that are delivered; all
 * through, never a burst. */
static void test_estab_recovery_oneOutForTwoDelivered(void)
{
	uint32_t sent = 0, most = 0;
	struct box b;

	open_flight(&b, 40);
	for (uint32_t i = 2; i <= 40; i++) {
		uint32_t n;

		sack1(&b, 0, 1, i);
		n = box_drain(&b);
		if (i < 4)
			continue; /* limited transmit */
		sent += n;
		most = n > most ? n : most;
		if (i == 22) /* half the way; RFC 6675 would have said nothing yet */
			CU_ASSERT_TRUE(sent >= 8 && sent <= 11);
	}
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 20 * MSS);
	CU_ASSERT_TRUE(sent >= 17 && sent <= 20);
	CU_ASSERT_EQUAL(most, 1);
	CU_ASSERT_TRUE(tg_seq_diff(b.tcb.snd.nxt, b.tcb.snd.una) -
			   (int32_t)(b.tcb.sent.sacked + b.tcb.sent.lost) <=
		       22 * MSS);
	box_fini(&b);
}

/* Most of a flight is lost: what is delivered goes out again, and one more for each good ACK, until
 * ssthresh is reached: no burst, no standstill. */
static void test_estab_heavyLoss_slowStartWithinBound(void)
{
	struct box b;

	open_flight(&b, 20);
	sack1(&b, 0, 16, 17);
	box_drain(&b);
	sack1(&b, 0, 16, 18);
	box_drain(&b);
	sack1(&b, 0, 16, 19);
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_TRUE(box_drain(&b) >= 1);
	for (uint32_t una = 1; una < 16; una++) {
		later(&b, 20);
		sack1(&b, una, 16, 19);
		CU_ASSERT_TRUE(box_drain(&b) <= 2);
		CU_ASSERT_TRUE(b.tcb.cwnd <= b.tcb.ssthresh + MSS);
	}
	b.tcb.tx_end = b.tcb.snd.nxt; /* the user has no more to send */
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt) - MSS, WND);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh);
	b.tcb.tx_end = tg_seq_add(b.tcb.snd.iss, 1 + 100 * MSS);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	box_fini(&b);
}

/* RFC 5681 3.1, RFC 3465 2.1: the ACK that ends recovery acknowledges a round of its own at the new
 * pace, which congestion avoidance counts with the next one; what was SACKED before has had its
 * say.
 */
static void test_estab_recoveryEnds_lastDeliveryCounts(void)
{
	uint32_t delivered;
	struct box b;

	open_flight(&b, 12);
	b.conf.congestion = TG_CC_NEWRENO;
	for (uint32_t i = 2; i <= 12; i++) {
		sack1(&b, 0, 1, i);
		box_drain(&b);
	}
	CU_ASSERT_TRUE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 6 * MSS);
	delivered = (uint32_t)tg_seq_diff(b.tcb.snd.nxt, b.tcb.snd.una) - b.tcb.sent.sacked;
	CU_ASSERT_TRUE(delivered >= 5 * MSS && delivered < 12 * MSS);
	later(&b, RTT);
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt), WND);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 6 * MSS);
	CU_ASSERT_EQUAL(b.tcb.acked_bytes, 0);
	acked_on(&b);
	delivered += MSS;
	CU_ASSERT_EQUAL(b.tcb.cwnd - 6 * MSS, delivered < 6 * MSS ? 0 : MSS);
	CU_ASSERT_EQUAL(b.tcb.acked_bytes, delivered % (6 * MSS));
	box_fini(&b);
}

/* --- timeouts --- */

/* DT-17: after a timeout nobody believes what was SACKED before; what is SACKED after it is not
 * sent twice in the same round. */
static void test_estab_renegingPeer_allIsSentAgain(void)
{
	struct box b;

	open_flight(&b, 10);
	for (uint32_t i = 2; i <= 10; i++)
		sack1(&b, 0, 1, i);
	box_drain(&b);
	while (box_fire(&b) != TG_T_REXMIT)
		box_drain(&b);
	CU_ASSERT_EQUAL(b.tcb.sent.sacked, 0);
	expect(&b, 0);
	CU_ASSERT_FALSE(box_out(&b)); /* loss window */
	box_ack(&b, 1 * MSS, WND);
	expect(&b, 1); /* it was SACKED once */
	expect(&b, 2);
	sack1(&b, 1, 4, 6);
	box_ack(&b, 3 * MSS, WND);
	expect(&b, 3);
	expect(&b, 6); /* 4 and 5 are there */
	box_ack(&b, box_snd(&b, b.tcb.snd.nxt), WND);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 0);
	box_fini(&b);
}

/* DT-05, RFC 6298 5.5: one segment into a black hole: 200, 400, 800 ms ... 60 s, no probe between.
 */
static void test_estab_oneSegmentLost_seriesExact(void)
{
	uint64_t sent, gap = 200;
	struct box b;

	open_quiet(&b, 10);
	b.conf.user_timeout_ms = 1000000;
	b.tcb.srtt_us = 1000;
	b.tcb.rttvar_us = 500;
	tg_rto_update(&b.tcb);
	sent = b.env.now_ms;
	box_write(&b, 500);
	box_expect(&b, 0, 500);
	for (int i = 0; i < 12; i++) {
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT);
		CU_ASSERT_EQUAL(b.env.now_ms - sent, gap);
		box_expect(&b, 0, 500);
		CU_ASSERT_FALSE(box_out(&b));
		sent = b.env.now_ms;
		gap = gap * 2 < 60000 ? gap * 2 : 60000;
	}
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_tlp_probe], 0);
	box_fini(&b);
}

/* --- tail loss probe --- */

/* RFC 8985 7: nothing comes back: after 2 SRTT the last segment once more; its SACK finds the rest.
 */
static void test_estab_tailLost_probeFindsIt(void)
{
	struct box b;

	open_quiet(&b, 10);
	b.tcb.rttvar_us = 100000; /* RTO 500 ms */
	tg_rto_update(&b.tcb);
	box_write(&b, 4 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 4);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_RACK);
	CU_ASSERT_EQUAL(b.env.now_ms, 1000 + 2 * RTT);
	expect(&b, 3);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_REXMIT], b.env.now_ms + 500);
	later(&b, RTT);
	sack1(&b, 0, 3, 4);
	if (!b.tcb.recovery)
		box_fire(&b);
	CU_ASSERT_TRUE(b.tcb.recovery);
	expect(&b, 0);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_tlp_probe], 1);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rto], 0);
	box_fini(&b);
}

/* RFC 8985 7.4: the probe repaired the only loss: congestion is met all the same; when the ACK says
 * that it came twice, or comes twice itself, it is not. */
static void test_estab_probeAnswered_reducesOnlyWhenItRepaired(void)
{
	for (int how = 0; how < 3; how++) {
		uint32_t cwnd;
		struct box b;

		open_quiet(&b, 10);
		b.tcb.rttvar_us = 100000;
		tg_rto_update(&b.tcb);
		box_write(&b, 4 * MSS);
		box_drain(&b);
		cwnd = b.tcb.cwnd;
		CU_ASSERT_EQUAL(box_fire(&b), TG_T_RACK);
		expect(&b, 3);
		later(&b, RTT);
		if (how == 1)
			sack1(&b, 4, 3, 4);
		else
			box_ack(&b, 4 * MSS, WND);
		if (how == 2)
			box_ack(&b, 4 * MSS, WND); /* the original and the probe */
		box_write(&b, MSS);
		expect(&b, 4);
		later(&b, RTT);
		box_ack(&b, 5 * MSS, WND);
		if (how == 0)
			CU_ASSERT_TRUE(b.tcb.cwnd < cwnd)
		else
			CU_ASSERT_TRUE(b.tcb.cwnd >= cwnd)
		box_fini(&b);
	}
}

/* New text is the better probe, also past cwnd. */
static void test_estab_probe_newTextFirst(void)
{
	struct box b;

	open_quiet(&b, 4);
	b.tcb.rttvar_us = 100000;
	tg_rto_update(&b.tcb);
	box_write(&b, 10 * MSS);
	CU_ASSERT_EQUAL(box_drain(&b), 4);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_RACK);
	expect(&b, 4);
	CU_ASSERT_FALSE(box_out(&b));
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 0);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_REXMIT); /* one probe only */
	box_fini(&b);
}

/* --- needless --- */

/* RFC 2883, 3708: the hole was late: the D-SACK takes the reduction back, and the next time
 * somebody waits for what is late. */
static void test_estab_reordered_undoneThenPatient(void)
{
	struct box b;
	uint32_t cwnd;

	open_flight(&b, 20);
	cwnd = b.tcb.cwnd;
	for (uint32_t i = 2; i <= 4; i++)
		sack1(&b, 0, 1, i);
	expect(&b, 0);
	box_drain(&b);
	box_ack(&b, 4 * MSS, WND); /* the original */
	CU_ASSERT_TRUE(b.tcb.cwnd < cwnd);
	later(&b, RTT);
	sack1(&b, 20, 0, 1); /* and the repetition */
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_dsack_rcvd], 1);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_spurious_undo], 1);
	CU_ASSERT_FALSE(b.tcb.recovery);
	CU_ASSERT_TRUE(b.tcb.cwnd >= cwnd);
	box_drain(&b);
	later(&b, RTT);
	for (uint32_t i = 22; i <= 28; i++)
		sack1(&b, 20, 21, i);
	box_drain(&b);
	CU_ASSERT_FALSE(b.tcb.recovery);
	later(&b, RTT / 5);
	box_ack(&b, 28 * MSS, WND);
	box_drain(&b);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_rexmit], 1);
	box_fini(&b);
}

/* What is LOST no more waits again, also when what comes next was sent before RACK.xmit_ts. */
static void test_estab_undone_othersAreWaitedFor(void)
{
	struct box b;

	open_flight(&b, 20);
	for (uint32_t i = 11; i <= 13; i++)
		sack1(&b, 0, 10, i);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 10 * MSS);
	expect(&b, 0);
	sack2(&b, 1, 0, 1, 10, 13); /* it came twice */
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_spurious_undo], 1);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 0);
	later(&b, 1);
	sack1(&b, 1, 5, 6);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 0);
	CU_ASSERT_TRUE(b.tcb.rack.reo_runs);
	box_drain(&b);
	CU_ASSERT_EQUAL(box_fire(&b), TG_T_RACK);
	CU_ASSERT_EQUAL(b.tcb.sent.lost, 8 * MSS);
	box_fini(&b);
}

/* A D-SACK of something else takes nothing back. */
static void test_estab_dsackOfOther_reductionStands(void)
{
	struct box b;

	open_flight(&b, 20);
	box_ack(&b, 2 * MSS, WND);
	box_drain(&b);
	for (uint32_t i = 4; i <= 6; i++)
		sack1(&b, 2, 3, i);
	expect(&b, 2);
	later(&b, RTT);
	sack2(&b, 2, 0, 1, 3, 6);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_dsack_rcvd], 1);
	CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_spurious_undo], 0);
	CU_ASSERT_TRUE(b.tcb.recovery);
	box_fini(&b);
}

/* RFC 3522, RFC 4015: the first ACK after a timeout echoes the original: the path was slow, nothing
 * was lost. */
static void test_estab_spuriousTimeout_undoneByEcho(void)
{
	for (int spurious = 0; spurious < 2; spurious++) {
		struct tg_seg seg = {.ctl = TG_TCP_ACK, .wnd = WND, .opts = {.has_ts = 1}};
		struct box b;
		uint32_t cwnd, mss = MSS - 12, sent_ts;

		box_init(&b, 100);
		b.conf.timestamps = true;
		box_open(&b, WND);
		box_write(&b, 20 * mss);
		cwnd = b.tcb.cwnd;
		sent_ts = tg_tcp_tsval(b.tcb.ts_offset, &b.env);
		CU_ASSERT_EQUAL(box_drain(&b), 10);
		while (box_fire(&b) != TG_T_REXMIT)
			box_drain(&b);
		box_expect(&b, 0, mss);
		CU_ASSERT_EQUAL(b.tcb.cwnd, mss);
		later(&b, 1);
		seg.seq = b.tcb.rcv.nxt;
		seg.ack = box_snd_at(&b, mss);
		seg.opts.tsecr = sent_ts;
		if (!spurious)
			seg.opts.tsecr = tg_tcp_tsval(b.tcb.ts_offset, &b.env);
		tg_tcp_arrives(&b.tcb, &seg, &b.env, &b.act);
		box_check(&b);
		CU_ASSERT_EQUAL(b.tcb.loss, !spurious);
		CU_ASSERT_EQUAL(b.ctr.v[TG_CTR_spurious_undo], spurious ? 1u : 0u);
		CU_ASSERT_TRUE(box_out(&b));
		if (spurious) {
			CU_ASSERT_TRUE(b.tcb.cwnd >= cwnd);
			CU_ASSERT_EQUAL(box_snd(&b, b.out.seq), 10 * mss);
		} else {
			CU_ASSERT_EQUAL(box_snd(&b, b.out.seq), mss);
		}
		box_fini(&b);
	}
}

/* --- black holes --- */

/* DT-31: two timeouts of a full segment; then 1024, then 536 bytes; and back when that is not it.
 */
static void test_estab_fullSegmentsVanish_smallerIsTried(void)
{
	static const uint32_t len[] = {1460, 1024, 1024, 536, 536, 1460, 1460};
	struct box b;

	open_quiet(&b, 10);
	b.conf.user_timeout_ms = 1000000;
	box_write(&b, 5 * MSS);
	box_drain(&b);
	for (uint32_t i = 0; i < TG_TEST_N(len); i++) {
		while (box_fire(&b) != TG_T_REXMIT)
			box_drain(&b);
		box_expect(&b, 0, len[i]);
	}
	box_fini(&b);
	open_quiet(&b, 10);
	box_write(&b, 5 * MSS);
	box_drain(&b);
	for (uint32_t i = 0; i < 2; i++) {
		while (box_fire(&b) != TG_T_REXMIT)
			box_drain(&b);
		box_expect(&b, 0, len[i]);
	}
	box_ack(&b, 1024, WND); /* it got through: it stays so, and the path's owner hears of it */
	CU_ASSERT_TRUE(b.act.events & TG_EV_PTB);
	box_expect(&b, 1024, 1024);
	CU_ASSERT_EQUAL(b.tcb.snd.mss, 1024);
	box_fini(&b);
}

/* --- two hosts --- */

struct victims {
	uint32_t first, last; /* segments of text of side 0, in order of their first sending */
	uint32_t again;       /* how many repetitions of the first of them are lost too */
	uint32_t seen;
	tg_seq highest, victim;
};

static bool lose(void *ctx, int from, const struct tg_seg *seg)
{
	struct victims *v = ctx;
	bool is_new = !v->seen || tg_seq_gt(seg->seq, v->highest);

	if (from != 0 || seg->len == 0)
		return false;
	if (!is_new) {
		if (v->again == 0 || !tg_seq_eq(seg->seq, v->victim))
			return false;
		v->again--;
		return true;
	}
	v->highest = seg->seq;
	v->seen++;
	if (v->seen == v->first)
		v->victim = seg->seq;
	return v->seen >= v->first && v->seen <= v->last;
}

static uint64_t run(struct victims v, uint32_t total, uint64_t *rexmits)
{
	struct pair p;
	uint64_t rto;

	pair_init(&p, tg_test_seed, 600);
	p.link.lose = lose;
	p.link.ctx = &v;
	p.host[0].user.total = total;
	pair_open(&p);
	CU_ASSERT_TRUE(pair_run(&p, 3600 * 1000));
	rto = p.host[0].ctr.v[TG_CTR_rto];
	*rexmits = p.host[0].ctr.v[TG_CTR_rexmit];
	CU_ASSERT_EQUAL(v.again, 0);
	pair_fini(&p);
	if (p.fault)
		printf("%s\n", p.fault);
	CU_ASSERT_PTR_NULL(p.fault);
	return rto;
}

/* DT-20: one, three, ten in a row, repetitions among them, and the end of all: no timeout. */
static void test_pair_losses_repairedWithoutTimeout(void)
{
	uint64_t n;

	CU_ASSERT_EQUAL(run((struct victims){.first = 100, .last = 100}, 1 << 20, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(run((struct victims){.first = 100, .last = 102}, 1 << 20, &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(run((struct victims){.first = 100, .last = 109}, 1 << 20, &n), 0);
	CU_ASSERT_EQUAL(n, 10);
	CU_ASSERT_EQUAL(run((struct victims){.first = 100, .last = 100, .again = 2}, 1 << 20, &n),
			0);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(run((struct victims){.first = 98, .last = 100}, 100 * 1448, &n), 0);
}

static const struct tg_test tests[] = {
    {"estab_threeHoles_repairedWithoutTimeout", test_estab_threeHoles_repairedWithoutTimeout},
    {"estab_recoveryEnds_aRoundTripCounts", test_estab_recoveryEnds_aRoundTripCounts},
    {"estab_recoveryEndsNothingToSend_ssthresh", test_estab_recoveryEndsNothingToSend_ssthresh},
    {"estab_oneDuplicate_lossAfterReorderingWindow",
     test_estab_oneDuplicate_lossAfterReorderingWindow},
    {"estab_sameMoment_orderOfSendingIsKnown", test_estab_sameMoment_orderOfSendingIsKnown},
    {"estab_rexmitLost_foundWithoutTimeout", test_estab_rexmitLost_foundWithoutTimeout},
    {"estab_forgedBlocks_changeNothing", test_estab_forgedBlocks_changeNothing},
    {"estab_blockAcrossTheAck_countsAboveIt", test_estab_blockAcrossTheAck_countsAboveIt},
    {"estab_sameBlockThrice_noDuplicates", test_estab_sameBlockThrice_noDuplicates},
    {"estab_recovery_oneOutForTwoDelivered", test_estab_recovery_oneOutForTwoDelivered},
    {"estab_heavyLoss_slowStartWithinBound", test_estab_heavyLoss_slowStartWithinBound},
    {"estab_recoveryEnds_lastDeliveryCounts", test_estab_recoveryEnds_lastDeliveryCounts},
    {"estab_renegingPeer_allIsSentAgain", test_estab_renegingPeer_allIsSentAgain},
    {"estab_oneSegmentLost_seriesExact", test_estab_oneSegmentLost_seriesExact},
    {"estab_tailLost_probeFindsIt", test_estab_tailLost_probeFindsIt},
    {"estab_probeAnswered_reducesOnlyWhenItRepaired",
     test_estab_probeAnswered_reducesOnlyWhenItRepaired},
    {"estab_probe_newTextFirst", test_estab_probe_newTextFirst},
    {"estab_reordered_undoneThenPatient", test_estab_reordered_undoneThenPatient},
    {"estab_undone_othersAreWaitedFor", test_estab_undone_othersAreWaitedFor},
    {"estab_dsackOfOther_reductionStands", test_estab_dsackOfOther_reductionStands},
    {"estab_spuriousTimeout_undoneByEcho", test_estab_spuriousTimeout_undoneByEcho},
    {"estab_fullSegmentsVanish_smallerIsTried", test_estab_fullSegmentsVanish_smallerIsTried},
    {"pair_losses_repairedWithoutTimeout", test_pair_losses_repairedWithoutTimeout},
};

int main(int argc, char **argv)
{
	return tg_test_main("recovery", tests, TG_TEST_N(tests), argc, argv);
}
