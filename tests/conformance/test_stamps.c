/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stamps.c: what a connection at rest, a half-open entry and a TIME-WAIT record still know:
 * when the last challenge went (RB-08), the largest window (SE-31), which SYN-ACK was the last
 * (DT-07). */
#include "lab_host.h"

#define US UINT64_C(1000)

/* The first challenge at first_ns after the start; a second asked for gap_ns later. */
static void two_challenges(enum state state, uint64_t first_ns, uint64_t gap_ns, bool both)
{
	struct host h;

	host_init(&h, "challenge_ms=500 msl_ms=100000");
	host_reach(&h, state, 0);
	host_pass_ns(&h, h.start + first_ns - h.now);
	host_drain(&h);
	send_flags(&h, ACK, h.rcv_nxt + 100000, h.nxt); /* SE-19, SE-26 */
	expect_ack(&h, "RB-08");
	host_pass_ns(&h, gap_ns);
	host_drain(&h);
	send_flags(&h, ACK, h.rcv_nxt + 100000, h.nxt);
	if (both)
		expect_ack(&h, "RB-08");
	else
		expect_nothing(&h, "RB-08");
	host_fini(&h);
}

/* RB-08: never two within 500 ms, to the nanosecond, and two when they are 500 ms apart on whole
 * milliseconds; also where the low 16 bits of the stamp wrap (0
 * stands for never, so that the next may come 1 ms late). The lab's clock starts at
 * 1 s. */
static void test_eachState_twoChallenges_neverCloserThanTheInterval(void)
{
	static const enum state states[] = {ST_SYN_RECEIVED, ST_ESTABLISHED, ST_CLOSE_WAIT,
					    ST_TIME_WAIT};
	static const uint64_t first_ms[] = {1000, 65536 - 1000 - 300, 65536 - 1000, 65535 - 1000};

	for (size_t s = 0; s < TG_TEST_N(states); s++)
		for (size_t i = 0; i < TG_TEST_N(first_ms); i++) {
			uint64_t at = first_ms[i] * MS, late = i < 2 ? 0 : MS;

			if (states[s] == ST_SYN_RECEIVED && i > 0)
				continue; /* it lives for 63 s, and its SYN-ACKs would mix in */
			two_challenges(states[s], at, 0, false);
			two_challenges(states[s], at, 500 * MS - 1, false);
			two_challenges(states[s], at, 500 * MS + late, true);
			two_challenges(states[s], at + 900 * US, 499 * MS + 200 * US, false);
			two_challenges(states[s], at + 100 * US, 500 * MS - 1, false);
			two_challenges(states[s], at + 900 * US, 501 * MS + late, true);
		}
}

/* A stamp that grows old at rest limits nothing, but in 500 ms of each 65.5 s, where it may cost
 * one challenge: the next segment gets its answer. */
static void test_established_oldStamp_costsOneChallengeAtMost(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	for (uint64_t s = 1; s < 300; s += 7) {
		send_flags(&h, ACK, h.rcv_nxt + 100000, h.nxt);
		if (host_drain(&h) == 0) {
			host_pass(&h, 500);
			send_flags(&h, ACK, h.rcv_nxt + 100000, h.nxt);
			expect_eq("RB-08", host_drain(&h), 1, "the next challenge");
		}
		host_pass(&h, s * 1000);
	}
	host_fini(&h);
}

/* SE-31, RB-06 in TIME-WAIT: MAX.SND.WND is what it was, with timestamps and without. */
static void test_timeWait_oldAck_edgeIsExact(void)
{
	for (int ts = 0; ts < 2; ts++) {
		struct seg syn = host_syn_full();
		struct host h;

		host_init(&h, NULL);
		h.win = 4000;
		if (ts) { /* our windows are not scaled: the scale is in host_syn_full alone */
			syn.opt_len = 0;
			opt_mss(&syn, 1460);
			opt_ts(&syn, 1000, 0);
			host_open(&h, &syn);
		} else {
			host_open(&h, NULL);
		}
		host_lab_fin(&h);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		host_fin(&h, h.nxt);
		expect_state(&h, "TD-03", "TIME-WAIT");
		send_flags(&h, ACK, h.rcv_nxt, h.nxt - 4000);
		expect_nothing(&h, "SE-30");
		expect_counter(&h, "SE-30", "tw_old", 1);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt - 4001);
		struct seg s = expect(&h, "SE-31", ACK, h.nxt, h.rcv_nxt);
		expect_counter(&h, "SE-31", "ack_old", 1);
		expect_eq("TD-19", s.has_ts, ts, "timestamps, if they were on");
		host_fini(&h);
	}
}

/* EST-18, TD-19: the record's timestamps go on where the connection's were. */
static void test_timeWait_answer_timestampGoesOn(void)
{
	struct seg syn = host_syn_full(), s;
	struct host h;

	host_init(&h, NULL);
	host_open(&h, &syn);
	host_lab_fin(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	host_fin(&h, h.nxt);
	uint32_t before = h.ts_last;
	host_pass(&h, 700);
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
	s = expect(&h, "TD-16", ACK, h.nxt, h.rcv_nxt);
	expect_eq("EST-18", s.tsval - before, 700, "ticks of TSval");
	host_fini(&h);
}

static int64_t srtt_us(const struct host *h)
{
	int64_t v = -1;

	tg_lab_getopt(h->lab, h->sock, TG_LAB_SRTT_US, &v);
	return v;
}

/* DT-07, EST-25: the SYN-ACK went twice, and the ACK echoes the first: that was the backoff, no
 * round trip. An echo of the second is one. */
static void test_synReceived_ackOfTheFirstSynAck_isNoSample(void)
{
	for (int second = 0; second < 2; second++) {
		struct seg syn = host_syn_full(), s;
		uint32_t echo;
		struct host h;

		host_init(&h, NULL);
		echo = host_syn(&h, &syn).tsval;
		host_pass(&h, 1000);
		s = expect(&h, "TO-02", SYN | ACK, h.iss, h.rcv_nxt);
		if (second)
			echo = s.tsval;
		host_pass(&h, 50);
		h.ts_last = echo;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		h.una = h.nxt;
		h.sock = tg_lab_accept(h.lab, h.listener);
		expect_eq("DT-07", srtt_us(&h) / 1000, second ? 50 : 0, "SRTT in ms");
		host_fini(&h);
	}
}

static const struct tg_test tests[] = {
    {"test_eachState_twoChallenges_neverCloserThanTheInterval",
     test_eachState_twoChallenges_neverCloserThanTheInterval},
    {"test_established_oldStamp_costsOneChallengeAtMost",
     test_established_oldStamp_costsOneChallengeAtMost},
    {"test_timeWait_oldAck_edgeIsExact", test_timeWait_oldAck_edgeIsExact},
    {"test_timeWait_answer_timestampGoesOn", test_timeWait_answer_timestampGoesOn},
    {"test_synReceived_ackOfTheFirstSynAck_isNoSample",
     test_synReceived_ackOfTheFirstSynAck_isNoSample},
};

int main(int argc, char **argv)
{
	return host_main("conformance-stamps", tests, TG_TEST_N(tests), argc, argv);
}
