/* SPDX-License-Identifier: BSD-3-Clause */
/* Congestion control: the windows of NewReno and CUBIC, and HyStart++, each against its formula. */
#include "tg_cc.h"
#include "machine.h"
#include "tg_test.h"

#include <math.h>

enum { MSS = 1460, START_MS = 5000 };

struct box {
	struct tg_tcb tcb;
	struct tg_tcp_conf conf;
	uint64_t ms;
};

static void open_box(struct box *b, uint8_t congestion)
{
	memset(b, 0, sizeof(*b));
	b->conf = (struct tg_tcp_conf){.congestion = congestion,
				       .sndbuf = TG_BUF_MAX,
				       .rcvbuf = TG_BUF_MAX,
				       .rto_min_ms = 200};
	b->ms = START_MS;
	tg_tcb_init(&b->tcb, &b->conf, TG_ESTABLISHED);
	b->tcb.snd.mss = MSS;
	b->tcb.snd.una = b->tcb.snd.nxt = tg_seq_make(0u - 50000);
	b->tcb.rto_us = 300000;
	tg_cc_init(&b->tcb);
	b->tcb.snd.nxt = tg_seq_add(b->tcb.snd.una, b->tcb.cwnd);
}

/* One ACK of acked bytes, with the window full before and after it. */
static void ack(struct box *b, uint32_t acked, uint32_t rtt_us)
{
	struct tg_tcb *t = &b->tcb;

	t->snd.una = tg_seq_add(t->snd.una, acked);
	tg_cc_acked(t, acked, rtt_us, true, b->ms);
	t->snd.nxt = tg_seq_add(t->snd.una, t->cwnd);
	t->sent_ms = b->ms;
}

/* One RTT of ACKs, one for two segments, evenly spread over it. */
static void round_trip(struct box *b, uint32_t rtt_ms)
{
	uint32_t flight = b->tcb.cwnd, done = 0, n;
	uint64_t begin = b->ms;

	while (done < flight) {
		n = flight - done < 2 * MSS ? flight - done : 2 * MSS;
		done += n;
		b->ms = begin + (uint64_t)rtt_ms * done / flight;
		ack(b, n, 0);
	}
}

/* Out of slow start, at cwnd segments. */
static void open_avoiding(struct box *b, uint8_t congestion, uint32_t segments)
{
	open_box(b, congestion);
	b->tcb.cwnd = segments * MSS;
	tg_cc_congestion(&b->tcb, b->tcb.cwnd, false);
	b->tcb.cwnd = b->tcb.ssthresh;
	tg_cc_recovered(&b->tcb);
}

static const uint8_t both[] = {TG_CC_NEWRENO, TG_CC_CUBIC};

/* --- what both share --- */

/* DT-19: min(10 MSS, max(2 MSS, 14600)). */
static void test_cc_begin_initialWindow(void)
{
	static const uint32_t iw[][2] = {{536, 5360},   {1220, 12200}, {1448, 14480},
					 {1460, 14600}, {4000, 14600}, {8948, 17896}};
	struct box b;

	for (uint32_t i = 0; i < TG_TEST_N(iw) * 2; i++) {
		open_box(&b, both[i % 2]);
		b.tcb.snd.mss = (uint16_t)iw[i / 2][0];
		tg_cc_init(&b.tcb);
		CU_ASSERT_EQUAL(b.tcb.cwnd, iw[i / 2][1]);
		CU_ASSERT(b.tcb.ssthresh >= TG_BUF_MAX);
	}
	b.tcb.snd.mss = MSS;
	b.tcb.ts_on = true;
	CU_ASSERT_EQUAL(tg_cc_iw(&b.tcb), 14480);
}

/* EST-25: one lost SYN-ACK leaves IW as it is, two make it one segment. */
static void test_cc_synLostTwice_beginsWithOneSegment(void)
{
	struct box b;

	open_box(&b, TG_CC_NEWRENO);
	b.tcb.rexmit_syn = true;
	b.tcb.syn_sent_n = 2;
	CU_ASSERT_EQUAL(tg_cc_initial(&b.tcb), 10 * MSS);
	b.tcb.syn_sent_n = 3;
	tg_cc_init(&b.tcb);
	CU_ASSERT_EQUAL(b.tcb.cwnd, MSS);
}

/* DT-18, DT-22 (RFC 3465 2.2): by what was acknowledged, two segments an ACK at most. */
static void test_cc_slowStart_growsByBytes_twoSegmentsAtMost(void)
{
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		ack(&b, 2 * MSS, 0);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 12 * MSS);
		ack(&b, 9 * MSS, 0);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 14 * MSS);
		ack(&b, 100, 0);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 14 * MSS + 100);
	}
}

/* DT-22 (RFC 3465 2.3): L = 1 in the slow start after a timeout. */
static void test_cc_slowStartAfterTimeout_oneSegmentAtMost(void)
{
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		tg_cc_timeout(&b.tcb, 40 * MSS, true);
		b.tcb.loss = true;
		ack(&b, 5 * MSS, 0);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 2 * MSS);
	}
}

/* ADV-47, DT-22: an ACK for each byte brings what one ACK for all brings, in slow start and later.
 */
static void test_cc_ackSplit_bringsNothing(void)
{
	struct box whole, split;

	for (uint32_t i = 0; i < 4; i++) {
		open_box(&whole, both[i % 2]);
		if (i >= 2)
			open_avoiding(&whole, both[i % 2], 20);
		split = whole;
		split.tcb.conf = &split.conf;
		for (uint32_t n = 0; n < 60; n++) {
			whole.ms += 10;
			split.ms = whole.ms;
			ack(&whole, MSS, 0);
			for (uint32_t k = 0; k < MSS; k++)
				ack(&split, 1, 0);
		}
		CU_ASSERT(split.tcb.cwnd <= whole.tcb.cwnd + 60);
		CU_ASSERT(split.tcb.cwnd + 200 >= whole.tcb.cwnd);
	}
}

/* RFC 9438 5.8, RFC 5681 3.1: a window that was not used does not grow. */
static void test_cc_notLimited_doesNotGrow(void)
{
	struct box b;

	for (uint32_t i = 0; i < 4; i++) {
		open_box(&b, both[i % 2]);
		if (i >= 2)
			open_avoiding(&b, both[i % 2], 20);
		uint32_t before = b.tcb.cwnd;

		for (uint32_t n = 0; n < 100; n++) {
			b.ms += 50;
			tg_cc_acked(&b.tcb, 2 * MSS, 1000, false, b.ms);
		}
		CU_ASSERT_EQUAL(b.tcb.cwnd, before);
	}
}

/* What the send queue cannot fill is not learnt. */
static void test_cc_growth_endsAtSendBuffer(void)
{
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		b.conf.sndbuf = 50000;
		for (uint32_t n = 0; n < 100; n++)
			ack(&b, 2 * MSS, 0);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 50000);
	}
}

/* DT-22 (RFC 5681 4.1): after more silence than the RTO cwnd = min(cwnd, IW), ssthresh stays. */
static void test_cc_idleLongerThanRto_initialWindow(void)
{
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_avoiding(&b, both[i], 100);
		uint32_t ssthresh = b.tcb.ssthresh, before = b.tcb.cwnd;

		b.tcb.snd.nxt = b.tcb.snd.una;
		b.tcb.sent_ms = b.ms;
		tg_cc_idle(&b.tcb, b.ms + 300);
		CU_ASSERT_EQUAL(b.tcb.cwnd, before);
		tg_cc_idle(&b.tcb, b.ms + 301);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 10 * MSS);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, ssthresh);
		b.tcb.cwnd = 3 * MSS;
		tg_cc_idle(&b.tcb, b.ms + 9999);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 3 * MSS);
	}
}

/* DT-18 (RFC 5681 3.1): loss window 1; ssthresh is set by the first timeout only. */
static void test_cc_timeout_lossWindow_ssthreshOnce(void)
{
	static const uint32_t want[] = {20 * MSS, 28 * MSS};
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		b.tcb.cwnd = 50 * MSS;
		tg_cc_timeout(&b.tcb, 40 * MSS, true);
		CU_ASSERT_EQUAL(b.tcb.cwnd, MSS);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, want[i]);
		tg_cc_timeout(&b.tcb, MSS, false);
		CU_ASSERT_EQUAL(b.tcb.cwnd, MSS);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, want[i]);
		tg_cc_timeout(&b.tcb, MSS, true);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, 2 * MSS);
	}
}

/* DT-18 (RFC 5681 (4)) and RFC 9438 4.6: of what was in flight, two segments at least; RFC 8511 4.1
 * for a mark. */
static void test_cc_congestion_ssthreshByFlight(void)
{
	static const uint32_t want[2][3] = {{50, 80, 2}, {70, 85, 2}};
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		b.tcb.cwnd = 200 * MSS;
		tg_cc_congestion(&b.tcb, 100 * MSS, false);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, want[i][0] * MSS);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 200 * MSS); /* the caller's */
		tg_cc_congestion(&b.tcb, 100 * MSS, true);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, want[i][1] * MSS);
		tg_cc_congestion(&b.tcb, MSS, false);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, want[i][2] * MSS);
	}
}

/* DT-18: half of 13 segments are 6.5, of which 6 are ever out: what they carry is a round, and the
 * next step takes 7. */
static void test_cc_congestion_newRenoHalfSegmentNotWaitedFor(void)
{
	struct box b;

	open_box(&b, TG_CC_NEWRENO);
	tg_cc_congestion(&b.tcb, 13 * MSS, false);
	CU_ASSERT_EQUAL(b.tcb.ssthresh, 6 * MSS + MSS / 2);
	b.tcb.cwnd = b.tcb.ssthresh;
	tg_cc_acked(&b.tcb, 6 * MSS - 1, 0, true, b.ms);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh);
	tg_cc_acked(&b.tcb, 1, 0, true, b.ms);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh + MSS);
	tg_cc_acked(&b.tcb, 7 * MSS - 1, 0, true, b.ms);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh + MSS);
	tg_cc_acked(&b.tcb, 1, 0, true, b.ms);
	CU_ASSERT_EQUAL(b.tcb.cwnd, b.tcb.ssthresh + 2 * MSS);
}

/* DT-18, DT-21: a send buffer of 8192 is cut into segments of 1365 (tg_tx_size). Of two MSS two
 * such go out: what they carry is a round. And a cwnd that is full but for a part of one is full
 * for CUBIC; FlightSize is what Reno halves. */
static void test_cc_shortSegments_areWhatIsCounted(void)
{
	enum { SHORT = 8192 / 6 };
	struct box b;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		b.conf.sndbuf = 8192;
		b.tcb.held_back = true;
		CU_ASSERT_EQUAL(tg_tx_size(&b.tcb), SHORT);
		b.tcb.cwnd = 8000;
		tg_cc_congestion(&b.tcb, 5 * SHORT, false);
		CU_ASSERT_EQUAL(b.tcb.ssthresh, i == 0 ? 5 * SHORT / 2 : 5600);
		tg_cc_congestion(&b.tcb, 4 * SHORT, false); /* more than a segment is free */
		CU_ASSERT_EQUAL(b.tcb.ssthresh, i == 0 ? 2 * MSS : 4 * SHORT * 7 / 10);
	}
	open_box(&b, TG_CC_NEWRENO);
	b.conf.sndbuf = 8192;
	b.tcb.held_back = true;
	b.tcb.cwnd = b.tcb.ssthresh = 2 * MSS;
	ack(&b, SHORT, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 2 * MSS);
	ack(&b, SHORT, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 3 * MSS);
}

/* RFC 4015, RFC 9438 4.9: as before the reduction, unless cwnd is beyond it already; once. */
static void test_cc_spurious_undone(void)
{
	struct box b;

	for (uint32_t i = 0; i < 4; i++) {
		open_avoiding(&b, both[i % 2], 100);
		for (uint32_t n = 0; n < 5; n++)
			round_trip(&b, 50);
		struct tg_tcb before = b.tcb;

		if (i < 2)
			tg_cc_timeout(&b.tcb, 60 * MSS, true);
		else
			tg_cc_congestion(&b.tcb, 60 * MSS, false);
		b.tcb.cwnd = i < 2 ? 10 * MSS : b.tcb.ssthresh;
		tg_cc_recovered(&b.tcb);
		ack(&b, 2 * MSS, 0); /* found out late: a new epoch runs */
		tg_cc_undo(&b.tcb);
		CU_ASSERT(b.tcb.cwnd == before.cwnd && b.tcb.ssthresh == before.ssthresh);
		CU_ASSERT_EQUAL(b.tcb.cc.w_max, before.cc.w_max);
		CU_ASSERT_EQUAL(b.tcb.cc.k_ms, before.cc.k_ms);
		CU_ASSERT_EQUAL(b.tcb.cc.epoch_ms, before.cc.epoch_ms);
		b.tcb.cwnd = 5 * MSS;
		tg_cc_undo(&b.tcb);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 5 * MSS);
	}
	open_avoiding(&b, TG_CC_CUBIC, 100);
	tg_cc_congestion(&b.tcb, 60 * MSS, false);
	b.tcb.cwnd = 300 * MSS;
	tg_cc_undo(&b.tcb);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 300 * MSS);
}

/* --- NewReno --- */

/* DT-18 (RFC 5681 3.1, RFC 3465 2.1): one segment for each window that was acknowledged. */
static void test_newreno_avoidance_oneSegmentARound(void)
{
	struct box b;

	open_avoiding(&b, TG_CC_NEWRENO, 40);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 20 * MSS);
	for (uint32_t n = 1; n <= 30; n++) {
		round_trip(&b, 100);
		CU_ASSERT_EQUAL(b.tcb.cwnd, (20 + n) * MSS);
	}
}

/* RFC 3465 2.1: what an ACK brings beyond cwnd counts for the next segment: windows of 20 to 27
 * segments are 188, and 95 ACKs of two have brought eight segments. */
static void test_newreno_avoidance_restOfAckCounts(void)
{
	struct box b;

	open_avoiding(&b, TG_CC_NEWRENO, 40);
	for (uint32_t n = 0; n < 95; n++)
		ack(&b, 2 * MSS, 0);
	CU_ASSERT_EQUAL(b.tcb.cwnd, 28 * MSS);
}

/* --- CUBIC against its formula --- */

static const double C = 0.4;

/* W_cubic (RFC 9438 (1), (2)), segments, t in s. */
static double curve(double w_max, double epoch, double t)
{
	double k = cbrt((w_max - epoch) / C);

	return C * pow(t - k, 3) + w_max;
}

/* W_est after so many rounds (4.3, Figure 4): 9/17 a round until it is where the cut was, then 1.
 */
static double estimate(double prior, double epoch, double rounds)
{
	double slow = (prior - epoch) * 17 / 9;

	return rounds < slow ? epoch + rounds * 9 / 17 : prior + rounds - slow;
}

/* cwnd in segments is within 1 segment or 1 % of want. */
static bool is_near(const struct box *b, double want)
{
	double have = (double)b->tcb.cwnd / MSS, tolerance = want / 100 > 1 ? want / 100 : 1;

	return fabs(have - want) <= tolerance;
}

/* DT-21 (RFC 9438 4.3 to 4.5): cwnd follows the curve, concave to W_max and convex beyond, or W_est
 * where that is ahead. */
static void test_cubic_trace_equalsFormula(void)
{
	static const uint32_t from[] = {200, 600, 1000}, rtt[] = {100, 60, 20};
	uint32_t wrong = 0, concave = 0, convex = 0;
	struct box b;

	for (uint32_t i = 0; i < 3; i++) {
		open_avoiding(&b, TG_CC_CUBIC, from[i]);
		b.tcb.srtt_us = rtt[i] * 1000;
		double w_max = from[i], epoch = 0.7 * w_max, t, want;
		uint64_t begin = 0;

		while (b.tcb.cwnd < 3 * from[i] / 2 * MSS) {
			round_trip(&b, rtt[i]);
			if (begin == 0)
				begin = b.tcb.cc.epoch_ms;
			t = (double)(b.ms - begin) / 1000;
			want =
			    fmax(curve(w_max, epoch, t), estimate(w_max, epoch, t * 1000 / rtt[i]));
			wrong += !is_near(&b, want);
			concave += want < w_max;
			convex += want > w_max;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(concave > 100 && convex > 100);
}

/* DT-21 (RFC 9438 4.3): with a short RTT and a small window as Reno, alpha 9/17 until cwnd is where
 * it was cut, then 1. */
static void test_cubic_renoFriendly_equalsFormula(void)
{
	enum { RTT = 10 };
	struct box b;
	uint32_t wrong = 0, slow = 0, fast = 0;
	double want;

	open_avoiding(&b, TG_CC_CUBIC, 40);
	b.tcb.srtt_us = RTT * 1000;
	for (uint32_t n = 0; n < 60; n++) {
		round_trip(&b, RTT);
		want = estimate(40, 28, n + 1);
		slow += want < 40;
		fast += want >= 41;
		CU_ASSERT(want > curve(40, 28, (double)n * RTT / 1000));
		wrong += !is_near(&b, want);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(slow > 10 && fast > 20);
}

/* DT-21 (RFC 9438 4.2): however far the curve is ahead, half a window a round at most. */
static void test_cubic_farAhead_growsByHalfAtMost(void)
{
	struct box b;
	uint32_t before;

	open_avoiding(&b, TG_CC_CUBIC, 20);
	b.tcb.srtt_us = 50000;
	round_trip(&b, 50);
	b.ms += 60000; /* a minute of the curve in one step */
	before = b.tcb.cwnd;
	ack(&b, 2 * MSS, 0);
	CU_ASSERT(b.tcb.cwnd > before);
	CU_ASSERT(b.tcb.cwnd <= before + MSS);
}

/* DT-21 (RFC 9438 4.7): cut below the last W_max, the plateau is at 0.85 of cwnd. */
static void test_cubic_secondCutBelowMax_fastConvergence(void)
{
	struct box b;
	uint32_t wrong = 0, n = 0;
	double t;
	uint64_t begin = 0;

	open_avoiding(&b, TG_CC_CUBIC, 1000); /* W_max = 1000 */
	b.tcb.srtt_us = 50000;
	b.tcb.cwnd = 800 * MSS;
	tg_cc_congestion(&b.tcb, 800 * MSS, false);
	CU_ASSERT_EQUAL(b.tcb.cc.w_max, 680 * MSS);
	b.tcb.cwnd = b.tcb.ssthresh;
	tg_cc_recovered(&b.tcb);
	for (; b.tcb.cwnd < 800 * MSS; n++) {
		round_trip(&b, 50);
		begin = begin ? begin : b.tcb.cc.epoch_ms;
		t = (double)(b.ms - begin) / 1000;
		wrong += !is_near(&b, curve(680, 560, t));
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(n > 100);
	tg_cc_congestion(&b.tcb, b.tcb.cwnd, false); /* above it: no convergence */
	CU_ASSERT_EQUAL(b.tcb.cc.w_max, b.tcb.cwnd);
}

/* DT-21 (RFC 9438 4.2, 5.8): time in which the user had nothing to send is no time of the curve,
 * told by ACKs or by silence. */
static void test_cubic_notLimited_curveStandsStill(void)
{
	struct box b;
	uint64_t lost = 0, begin = 0;
	uint32_t wrong = 0;

	open_avoiding(&b, TG_CC_CUBIC, 500);
	b.tcb.srtt_us = 50000;
	for (uint32_t n = 0; n < 120; n++) {
		round_trip(&b, 50);
		begin = begin ? begin : b.tcb.cc.epoch_ms;
		wrong += !is_near(&b, curve(500, 350, (double)(b.ms - begin - lost) / 1000));
		if (n % 40 == 20) {
			for (uint32_t k = 0; k < 30; k++) {
				b.ms += 100;
				tg_cc_acked(&b.tcb, 2 * MSS, 0, false, b.ms);
			}
			lost += 3000;
		}
		if (n % 40 == 30) {
			b.tcb.snd.nxt = b.tcb.snd.una; /* nothing out, and less than the RTO */
			b.ms += 250;
			lost += 250;
			b.tcb.sent_ms = b.ms - 250;
			tg_cc_idle(&b.tcb, b.ms);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* DT-21 (RFC 9438 4.8): after a timeout slow start to 0.7, then the convex part from there, K = 0.
 */
static void test_cubic_timeout_slowStartThenConvex(void)
{
	struct box b;
	uint32_t wrong = 0, n = 0;
	uint64_t begin = 0;
	double epoch = 0, t, want;

	open_avoiding(&b, TG_CC_CUBIC, 500);
	b.tcb.srtt_us = 50000;
	b.tcb.cwnd = 400 * MSS;
	tg_cc_timeout(&b.tcb, 400 * MSS, true);
	while (b.tcb.cwnd < b.tcb.ssthresh)
		round_trip(&b, 50);
	CU_ASSERT(b.tcb.cwnd < 290 * MSS);
	for (; b.tcb.cwnd < 600 * MSS; n++) {
		if (begin == 0)
			epoch = (double)b.tcb.cwnd / MSS;
		round_trip(&b, 50);
		begin = begin ? begin : b.tcb.cc.epoch_ms;
		t = (double)(b.ms - begin) / 1000;
		want = curve(epoch, epoch, t);
		if (want >= epoch + t * 20)
			wrong += !is_near(&b, want);
	}
	CU_ASSERT(b.tcb.cc.k_ms == 0 && n > 50);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* --- HyStart++ --- */

/* One round, until what was out at its beginning is acknowledged: samples of rtt_us, most of them
 * with jitter_us more. Returns the pace, in quarters: 4 = cwnd grew by all that was acknowledged.
 */
static uint32_t slow_round(struct box *b, uint32_t rtt_us, uint32_t jitter_us)
{
	struct tg_tcb *t = &b->tcb;
	tg_seq end = t->cc.round_on ? t->cc.round_end : t->snd.nxt;
	uint32_t before = t->cwnd, left, acked = 0, n = 0, size;

	while ((left = (uint32_t)tg_seq_diff(end, t->snd.una)) > 0) {
		size = left < 2 * MSS ? left : 2 * MSS;
		ack(b, size, rtt_us + (n++ * 7 % 5 ? jitter_us : 0));
		acked += size;
	}
	b->ms += rtt_us / 1000;
	return (4 * (t->cwnd - before) + acked / 2) / acked;
}

/* DT-21 (RFC 9406 4.2): a steady delay, 1 ms of jitter by the grain of timestamps: slow start goes
 * on at full pace. */
static void test_hystart_steadyDelayWithJitter_goesOn(void)
{
	static const uint32_t rtt[] = {1000, 2000, 10000, 30000, 100000};
	struct box b;

	for (uint32_t i = 0; i < 2 * TG_TEST_N(rtt); i++) {
		open_box(&b, both[i % 2]);
		/* All samples of a round higher by the grain, or all but some. */
		for (uint32_t n = 0; n < 8; n++)
			CU_ASSERT_EQUAL(
			    slow_round(&b, rtt[i / 2] + (n % 2) * 1000, n % 3 ? 1000 : 0), 4);
		CU_ASSERT(!b.tcb.cc.hystart_done && b.tcb.cc.css_base_us == 0);
		CU_ASSERT(b.tcb.cwnd > 500 * MSS);
	}
}

/* DT-21 (RFC 9406 4.2): a round that is slower by an eighth: a quarter of the pace, five rounds of
 * it, then congestion avoidance from there. */
static void test_hystart_delayGrows_conservativeThenDone(void)
{
	struct box b;
	uint32_t n;

	for (uint32_t i = 0; i < 2; i++) {
		open_box(&b, both[i]);
		for (n = 0; n < 3; n++)
			CU_ASSERT_EQUAL(slow_round(&b, 80000, 0), 4);
		CU_ASSERT_EQUAL(slow_round(&b, 89999, 0), 4); /* less than an eighth more */
		slow_round(&b, 90000 * 9 / 8, 0);             /* noticed by the eighth sample */
		CU_ASSERT(b.tcb.cc.css_base_us && b.tcb.ssthresh > TG_BUF_MAX);
		for (n = 1; !b.tcb.cc.hystart_done && n < 10; n++)
			CU_ASSERT_EQUAL(slow_round(&b, 90000 * 9 / 8, 0), 1);
		CU_ASSERT_EQUAL(n, 5); /* with the one in which it began */
		CU_ASSERT_EQUAL(b.tcb.ssthresh, b.tcb.cwnd);
		ack(&b, 2 * MSS, 90000);
		CU_ASSERT(b.tcb.cwnd < b.tcb.ssthresh + MSS / 2);
	}
}

/* RFC 9406 4.2: a lower RTT in conservative slow start shows that it was jitter. */
static void test_hystart_delayFallsAgain_fullPaceAgain(void)
{
	struct box b;

	open_box(&b, TG_CC_CUBIC);
	for (uint32_t n = 0; n < 3; n++)
		slow_round(&b, 40000, 0);
	slow_round(&b, 50000, 0);
	CU_ASSERT(b.tcb.cc.css_base_us == 50000);
	slow_round(&b, 41000, 0);
	CU_ASSERT(b.tcb.cc.css_base_us == 0);
	CU_ASSERT_EQUAL(slow_round(&b, 41000, 0), 4);
	CU_ASSERT(!b.tcb.cc.hystart_done);
}

/* RFC 9406 4.3: eight samples at least; a rise of 4 ms at least, and 16 ms always suffice. */
static void test_hystart_fewSamplesOrSmallRise_goesOn(void)
{
	struct box b;

	open_box(&b, TG_CC_CUBIC);
	for (uint32_t n = 0; n < 4; n++)
		slow_round(&b, 5000, 0);
	slow_round(&b, 8999, 0);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 0);
	slow_round(&b, 12999, 0);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 12999);

	open_box(&b, TG_CC_CUBIC);
	for (uint32_t n = 0; n < 4; n++)
		slow_round(&b, 500000, 0);
	slow_round(&b, 515999, 0);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 0);
	slow_round(&b, 531999, 0);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 531999);

	open_box(&b, TG_CC_CUBIC);
	slow_round(&b, 5000, 0);
	slow_round(&b, 5000, 0);
	for (uint32_t n = 0; n < 9; n++) {
		ack(&b, MSS, n < 7 ? 50000 : 0);
		CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 0);
	}
	ack(&b, MSS, 50000);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 50000);
}

/* RFC 9406 4.2: in the first slow start only; loss ends it. */
static void test_hystart_afterLoss_isOff(void)
{
	struct box b;

	for (uint32_t i = 0; i < 4; i++) {
		open_box(&b, both[i % 2]);
		slow_round(&b, 40000, 0);
		if (i < 2)
			tg_cc_timeout(&b.tcb, b.tcb.cwnd, true);
		else
			tg_cc_congestion(&b.tcb, b.tcb.cwnd, false);
		b.tcb.ssthresh = 5000 * MSS;
		for (uint32_t n = 1; n < 200; n++) {
			uint32_t before = b.tcb.cwnd;

			ack(&b, MSS, 40000 + 1000 * n);
			CU_ASSERT_EQUAL(b.tcb.cwnd, before + MSS);
		}
	}
}

/* Gigabytes in which cwnd did not matter do not confuse the rounds. */
static void test_hystart_longNotLimited_roundsGoOn(void)
{
	struct box b;

	open_box(&b, TG_CC_CUBIC);
	slow_round(&b, 40000, 0);
	for (uint32_t n = 0; n < 3; n++) {
		b.tcb.snd.una = tg_seq_add(b.tcb.snd.una, 1u << 30);
		b.tcb.snd.nxt = tg_seq_add(b.tcb.snd.una, b.tcb.cwnd);
		tg_cc_acked(&b.tcb, 1 << 20, 40000, false, b.ms);
	}
	for (uint32_t n = 0; n < 100; n++)
		ack(&b, MSS, 40000);
	for (uint32_t n = 0; n < 300; n++)
		ack(&b, MSS, 60000);
	CU_ASSERT_EQUAL(b.tcb.cc.css_base_us, 60000);
}

static const struct tg_test tests[] = {
    {"cc_begin_initialWindow", test_cc_begin_initialWindow},
    {"cc_synLostTwice_beginsWithOneSegment", test_cc_synLostTwice_beginsWithOneSegment},
    {"cc_slowStart_growsByBytes_twoSegmentsAtMost",
     test_cc_slowStart_growsByBytes_twoSegmentsAtMost},
    {"cc_slowStartAfterTimeout_oneSegmentAtMost", test_cc_slowStartAfterTimeout_oneSegmentAtMost},
    {"cc_ackSplit_bringsNothing", test_cc_ackSplit_bringsNothing},
    {"cc_notLimited_doesNotGrow", test_cc_notLimited_doesNotGrow},
    {"cc_growth_endsAtSendBuffer", test_cc_growth_endsAtSendBuffer},
    {"cc_idleLongerThanRto_initialWindow", test_cc_idleLongerThanRto_initialWindow},
    {"cc_timeout_lossWindow_ssthreshOnce", test_cc_timeout_lossWindow_ssthreshOnce},
    {"cc_congestion_ssthreshByFlight", test_cc_congestion_ssthreshByFlight},
    {"cc_congestion_newRenoHalfSegmentNotWaitedFor",
     test_cc_congestion_newRenoHalfSegmentNotWaitedFor},
    {"cc_shortSegments_areWhatIsCounted", test_cc_shortSegments_areWhatIsCounted},
    {"cc_spurious_undone", test_cc_spurious_undone},
    {"newreno_avoidance_oneSegmentARound", test_newreno_avoidance_oneSegmentARound},
    {"newreno_avoidance_restOfAckCounts", test_newreno_avoidance_restOfAckCounts},
    {"cubic_trace_equalsFormula", test_cubic_trace_equalsFormula},
    {"cubic_renoFriendly_equalsFormula", test_cubic_renoFriendly_equalsFormula},
    {"cubic_farAhead_growsByHalfAtMost", test_cubic_farAhead_growsByHalfAtMost},
    {"cubic_secondCutBelowMax_fastConvergence", test_cubic_secondCutBelowMax_fastConvergence},
    {"cubic_notLimited_curveStandsStill", test_cubic_notLimited_curveStandsStill},
    {"cubic_timeout_slowStartThenConvex", test_cubic_timeout_slowStartThenConvex},
    {"hystart_steadyDelayWithJitter_goesOn", test_hystart_steadyDelayWithJitter_goesOn},
    {"hystart_delayGrows_conservativeThenDone", test_hystart_delayGrows_conservativeThenDone},
    {"hystart_delayFallsAgain_fullPaceAgain", test_hystart_delayFallsAgain_fullPaceAgain},
    {"hystart_fewSamplesOrSmallRise_goesOn", test_hystart_fewSamplesOrSmallRise_goesOn},
    {"hystart_afterLoss_isOff", test_hystart_afterLoss_isOff},
    {"hystart_longNotLimited_roundsGoOn", test_hystart_longNotLimited_roundsGoOn},
};

int main(int argc, char **argv)
{
	return tg_test_main("cc", tests, TG_TEST_N(tests), argc, argv);
}
