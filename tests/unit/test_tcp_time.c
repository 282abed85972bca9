/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_time: timers to the millisecond (RFC 9293 3.10.8) and TIME-WAIT records. */
#include "tcp_bed.h"

#include <errno.h>

/* --- SYN, SYN-ACK --- */

/* Lets the timers run; the times, from t0 on, at which something was sent. */
static int run_timers(struct bed *b, uint64_t t0, uint64_t sent[], int max)
{
	int n = 0;

	while (b->tcb.state != TG_CLOSED && tg_tcb_deadline(&b->tcb)) {
		uint64_t at = tg_tcb_deadline(&b->tcb);

		bed_at(b, at - 1); /* never early */
		CU_ASSERT_EQUAL(b->out_n, 0);
		bed_at(b, at);
		if (b->out_n && n < max)
			sent[n++] = at - t0;
	}
	return n;
}

/* TO-01: nine SYNs, the same ISS; MUST-23. */
static void test_synSent_silence_synsUntil183sThenTimeout(void)
{
	static const uint64_t want[] = {1, 3, 7, 15, 31, 63, 123, 183};
	uint64_t sent[20];
	struct bed b;

	bed_init(&b);
	bed_open(&b);
	uint64_t t0 = b.env.now_ms;
	uint32_t iss = b.tcb.snd.iss.v;
	CU_ASSERT_EQUAL_FATAL(run_timers(&b, t0, sent, 20), 8);
	for (int i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(sent[i], want[i] * 1000);
	CU_ASSERT_EQUAL(b.env.now_ms - t0, 243000);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_TIMEOUT);
	CU_ASSERT_EQUAL(b.tcb.snd.iss.v, iss);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_syn_timeout), 1);
	CU_ASSERT(b.events & TG_EV_NEIGH); /* MUST-20 */
	bed_fini(&b);
}

static void test_synSent_unreachableNoted_thatIsTheReason(void)
{
	uint64_t sent[20];
	struct bed b;

	bed_init(&b);
	b.conf.syn_retries = 2;
	bed_open(&b);
	tg_tcp_icmp(&b.tcb, b.tcb.snd.una, EHOSTUNREACH, false, 0, &b.env, &b.act);
	CU_ASSERT_EQUAL(run_timers(&b, b.env.now_ms, sent, 20), 2);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_UNREACHABLE);
	bed_fini(&b);
}

/* TO-08. */
static void test_synSent_userTimeout_endsThen(void)
{
	const uint32_t timeout[] = {500, 5000};
	uint64_t sent[20];

	for (int i = 0; i < 2; i++) {
		struct bed b;

		bed_init(&b);
		b.conf.user_timeout_ms = timeout[i];
		bed_open(&b);
		uint64_t t0 = b.env.now_ms;
		CU_ASSERT_EQUAL(run_timers(&b, t0, sent, 20), i ? 2 : 0);
		CU_ASSERT_EQUAL(b.env.now_ms - t0, timeout[i]);
		CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_abort_user_timeout), 1);
		bed_fini(&b);
	}
}

/* TO-02: the same, out of either origin; p goes unsaid. */
static void test_synReceived_silence_sixSynAcksThenGone(void)
{
	static const uint64_t want[] = {1, 3, 7, 15, 31};
	uint64_t sent[20];

	for (int active = 0; active < 2; active++) {
		struct bed b;

		bed_init(&b);
		if (active)
			bed_to_syn_received_active(&b);
		else
			bed_to(&b, TG_SYN_RECEIVED);
		uint64_t t0 = b.env.now_ms;
		CU_ASSERT_EQUAL_FATAL(run_timers(&b, t0, sent, 20), 5);
		for (int i = 0; i < 5; i++)
			CU_ASSERT_EQUAL(sent[i], want[i] * 1000);
		CU_ASSERT_EQUAL(b.env.now_ms - t0, 63000);
		CU_ASSERT_EQUAL(!(b.act.events & TG_EV_TO_LISTEN), active);
		CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_TIMEOUT);
		CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_synack_rexmit), 5);
		bed_fini(&b);
	}
}

/* EST-25: 3 s after a timeout; 1 s when the peer merely asked again. */
static void test_synReceived_timedOut_rto3s(void)
{
	struct bed b;

	for (int timed_out = 0; timed_out < 2; timed_out++) {
		bed_init(&b);
		bed_to(&b, TG_SYN_RECEIVED);
		if (timed_out)
			bed_at(&b, tg_tcb_deadline(&b.tcb));
		else
			bed_in(&b, bed_syn(&b));
		CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_SYN | TG_TCP_ACK);
		bed_time(&b, b.env.now_ms + 100);
		bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
		CU_ASSERT_EQUAL(b.tcb.srtt_us, 0); /* Karn */
		CU_ASSERT_EQUAL(b.tcb.rto_us, timed_out ? 3000000 : 1000000);
		CU_ASSERT_EQUAL(b.tcb.cwnd, 14600);
		bed_fini(&b);
	}
}

/* --- keepalive, FIN-WAIT-2 --- */

static void to_keepalive(struct bed *b, enum tg_tcp_state state)
{
	bed_init(b);
	b->conf.keepalive = true;
	b->conf.keepalive_idle_ms = 10000;
	b->conf.keepalive_interval_ms = 1000;
	b->conf.keepalive_count = 3;
	bed_to(b, state);
}

/* TO-07: probes at idle, then each interval; count of them unanswered, and an interval. */
static void test_established_keepaliveUnanswered_abort(void)
{
	uint64_t sent[20];
	struct bed b;

	to_keepalive(&b, TG_ESTABLISHED);
	uint64_t t0 = b.env.now_ms;
	CU_ASSERT_EQUAL(run_timers(&b, t0, sent, 20), 4);
	CU_ASSERT_EQUAL(sent[0], 10000);
	CU_ASSERT_EQUAL(sent[1], 11000);
	CU_ASSERT_EQUAL(sent[2], 12000);
	CU_ASSERT_EQUAL(sent[3], 13000);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_TIMEOUT);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_abort_keepalive), 1);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_keepalive_probe), 3);
	bed_fini(&b);
}

/* SHLD-12, MUST-29: a probe's form; an answer starts everything anew. */
static void test_established_keepaliveAnswered_waitsAgain(void)
{
	struct bed b;

	to_keepalive(&b, TG_ESTABLISHED);
	for (int i = 0; i < 3; i++) {
		uint64_t t0 = b.env.now_ms;
		bed_at(&b, t0 + 10000);
		bed_at(&b, t0 + 11000);
		CU_ASSERT_EQUAL_FATAL(b.out_n, 1);
		CU_ASSERT_EQUAL(b.out[0].seq.v, b.tcb.snd.nxt.v - 1);
		CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_ACK);
		CU_ASSERT_EQUAL(b.out[0].len, 0);
		bed_time(&b, t0 + 11500);
		bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
		CU_ASSERT_EQUAL(b.tcb.probes, 0);
	}
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	bed_fini(&b);
}

/* MUST-26: not while something is outstanding. */
static void test_established_textInFlight_noKeepalive(void)
{
	struct bed b;

	to_keepalive(&b, TG_ESTABLISHED);
	tg_tcp_send(&b.tcb, b.text, 10, &b.env);
	bed_collect(&b, false);
	while (tg_tcb_deadline(&b.tcb) < b.env.now_ms + 30000 && b.tcb.state != TG_CLOSED)
		bed_at(&b, tg_tcb_deadline(&b.tcb));
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_keepalive_probe), 0);
	bed_fini(&b);
}

/* TO-07: which states have the timer; setting it later starts it. */
static void test_states_keepalive_onlyWhereItBelongs(void)
{
	struct bed b;

	for (int s = TG_ESTABLISHED; s <= TG_LAST_ACK; s++) {
		to_keepalive(&b, (enum tg_tcp_state)s);
		bool has = s == TG_ESTABLISHED || s == TG_CLOSE_WAIT || s == TG_FIN_WAIT_2;
		CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_KEEPALIVE] != 0, has);
		b.conf.keepalive = false;
		tg_tcp_reconf(&b.tcb, &b.env);
		CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_KEEPALIVE], 0);
		b.conf.keepalive = true;
		tg_tcp_reconf(&b.tcb, &b.env);
		CU_ASSERT_EQUAL(b.tcb.deadline[TG_T_KEEPALIVE] != 0, has);
		bed_fini(&b);
	}
}

/* TO-06, TD-13, UC-06: an orphan ends unsaid after 60 s, whenever it became one; a reader waits. */
static void test_finWait2_orphan_60sThenSilentlyClosed(void)
{
	for (int late = 0; late < 2; late++) {
		uint64_t sent[4];
		struct bed b;

		bed_init(&b);
		bed_to(&b, TG_ESTABLISHED);
		if (late)
			bed_shutdown(&b);
		else
			bed_close(&b);
		bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
		CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_2);
		if (late) {
			bed_at(&b, tg_tcb_deadline(&b.tcb)); /* cwnd grows old (DT-22) */
			CU_ASSERT_EQUAL(tg_tcb_deadline(&b.tcb), 0);
			bed_time(&b, b.env.now_ms + 100000000);
			bed_close(&b);
		}
		uint64_t t0 = b.env.now_ms;
		CU_ASSERT_EQUAL(run_timers(&b, t0, sent, 4), 0);
		CU_ASSERT_EQUAL(b.env.now_ms - t0, 60000);
		CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_FW2);
		CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_fw2_timeout), 1);
		bed_fini(&b);
	}
}

/* --- TIME-WAIT --- */

static void to_time_wait(struct bed *b, struct tg_tw *tw, bool ts)
{
	bed_init(b);
	b->ts = ts;
	bed_to(b, TG_FIN_WAIT_2);
	bed_send(b, TG_TCP_ACK | TG_TCP_FIN, 0, b->tcb.snd.nxt.v, 0);
	CU_ASSERT_EQUAL_FATAL(b->tcb.state, TG_TIME_WAIT);
	CU_ASSERT(b->events & TG_EV_TIME_WAIT);
	tg_tw_make(tw, &b->tcb, 42, b->tcb.ts_offset, b->env.now_ms + 60000);
	CU_ASSERT_EQUAL(tg_tw_deadline(tw, b->env.now_ms), b->env.now_ms + 60000);
}

static enum tg_tw_outcome tw_in(struct bed *b, struct tg_tw *tw, struct tg_seg s)
{
	enum tg_tw_outcome out = tg_tw_arrives(tw, &b->tuple, &s, &b->env, &b->act);

	if (b->act.has_reply) {
		CU_ASSERT_EQUAL(b->act.reply.seq.v, tw->snd_nxt.v);
		CU_ASSERT_EQUAL(b->act.reply.ack.v, tw->rcv_nxt.v);
		CU_ASSERT_EQUAL(b->act.reply.ctl, TG_TCP_ACK);
	}
	return out;
}

/* TD-22: all cases of the table. */
static void test_timeWait_syn_reuseAsRfc6191(void)
{
	const struct {
		bool old_ts, new_ts;
		int ts, seq;
		bool reuse;
	} row[] = {{1, 1, 1, -5, 1}, {1, 1, 0, 1, 1}, {1, 1, 0, 0, 0}, {1, 1, 0, -5, 0},
		   {1, 1, -1, 5, 0}, {1, 0, 0, 1, 1}, {1, 0, 0, 0, 0}, {1, 0, 0, -1, 0},
		   {0, 1, 0, -5, 1}, {0, 0, 0, 1, 1}, {0, 0, 0, 0, 0}, {0, 0, 0, -5, 0}};

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		struct tg_tw tw;
		struct bed b;

		to_time_wait(&b, &tw, row[i].old_ts);
		struct tg_seg s =
		    bed_seg(&b, TG_TCP_SYN, tw.rcv_nxt.v + (uint32_t)row[i].seq, 0, 0);
		s.opts.has_ts = row[i].new_ts;
		s.opts.tsval = tw.ts_recent + (uint32_t)row[i].ts;
		CU_ASSERT_EQUAL(tw_in(&b, &tw, s), row[i].reuse ? TG_TW_REUSE : TG_TW_DONE);
		CU_ASSERT_EQUAL(b.act.has_reply, !row[i].reuse);
		s.ctl |= TG_TCP_ACK; /* SE-21 */
		CU_ASSERT_EQUAL(tw_in(&b, &tw, s), TG_TW_DONE);
		bed_fini(&b);
	}
}

/* TD-16..19, SE-22..44 by the edges. */
static void test_timeWait_segments_asTable(void)
{
	struct tg_tw tw;
	struct bed b;

	to_time_wait(&b, &tw, false);
	uint32_t n = tw.rcv_nxt.v, w = tg_tcb_rcv_wnd(&b.tcb), una = tw.snd_nxt.v;
	const struct {
		uint8_t ctl;
		uint32_t seq, ack, len;
		bool reply;
		enum tg_tw_outcome out;
	} row[] = {
	    {TG_TCP_RST, n, 0, 0, false, TG_TW_DONE},
	    {TG_TCP_RST | TG_TCP_SYN, n + 1, 0, 0, false, TG_TW_DONE},
	    {TG_TCP_ACK, n, una, 0, false, TG_TW_DONE},
	    {TG_TCP_ACK, n + w - 1, una, 0, false, TG_TW_DONE},
	    {TG_TCP_ACK, n + w, una, 0, true, TG_TW_DONE},
	    {TG_TCP_ACK, n - 1, una, 0, true, TG_TW_DONE},
	    {TG_TCP_ACK, n, una + 1, 0, true, TG_TW_DONE},
	    {TG_TCP_ACK, n, una - BED_WND, 0, false, TG_TW_DONE},
	    {TG_TCP_ACK, n, una - BED_WND - 1, 0, true, TG_TW_DONE},
	    {0, n, 0, 0, false, TG_TW_DONE},
	    {TG_TCP_ACK, n, una, 10, true, TG_TW_DONE},
	    {TG_TCP_ACK, n - 10, una, 10, true, TG_TW_DONE},
	    {TG_TCP_ACK | TG_TCP_FIN, n - 1, una, 0, true, TG_TW_RESTART},
	    {TG_TCP_ACK | TG_TCP_FIN, n - 11, una - 5, 10, true, TG_TW_RESTART},
	    {TG_TCP_ACK | TG_TCP_FIN, n - 1, una + 1, 0, true, TG_TW_DONE},
	    {TG_TCP_ACK | TG_TCP_FIN, n, una, 0, true, TG_TW_DONE},
	};
	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		bed_time(&b, b.env.now_ms + 1000); /* the limit is another test's */
		CU_ASSERT_EQUAL(
		    tw_in(&b, &tw, bed_seg(&b, row[i].ctl, row[i].seq, row[i].ack, row[i].len)),
		    row[i].out);
		CU_ASSERT_EQUAL(b.act.has_reply, row[i].reply);
	}
	bed_fini(&b);
}

/* RB-08, SE-43, SE-44. */
static void test_timeWait_challenges_oneAnInterval(void)
{
	struct tg_tw tw;
	struct bed b;
	struct tg_seg s;
	uint64_t t0;

	to_time_wait(&b, &tw, true);
	s = bed_seg(&b, TG_TCP_ACK, tw.rcv_nxt.v, tw.snd_nxt.v, 0);
	s.opts.tsval = tw.ts_recent - 1;
	t0 = b.env.now_ms;
	tw_in(&b, &tw, s);
	CU_ASSERT_TRUE(b.act.has_reply);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_paws_drop);
	CU_ASSERT_EQUAL(b.act.reply.opts.tsecr, tw.ts_recent);
	bed_time(&b, t0 + 499);
	tw_in(&b, &tw, s);
	CU_ASSERT_FALSE(b.act.has_reply);
	bed_time(&b, t0 + 500);
	tw_in(&b, &tw, s);
	CU_ASSERT_TRUE(b.act.has_reply);
	s.opts.has_ts = 0;
	tw_in(&b, &tw, s);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_ts_missing);
	bed_fini(&b);
}

/* DESIGN 4: only what could be the cookie's ACK is tried. */
static void test_timeWait_reuseAnsweredByCookie_ackIsTried(void)
{
	struct tg_tw tw;
	struct bed b;

	to_time_wait(&b, &tw, false);
	uint32_t n = tw.rcv_nxt.v, una = tw.snd_nxt.v;
	struct tg_seg s = bed_seg(&b, TG_TCP_ACK, n + 1, una + 2, 0);
	CU_ASSERT_EQUAL(tw_in(&b, &tw, s), TG_TW_DONE);
	tw.flags |= TG_TW_COOKIE;
	CU_ASSERT_EQUAL(tw_in(&b, &tw, s), TG_TW_COOKIE_TRY);
	CU_ASSERT_EQUAL(tw_in(&b, &tw, bed_seg(&b, TG_TCP_ACK, n, una + 2, 0)), TG_TW_DONE);
	CU_ASSERT_EQUAL(tw_in(&b, &tw, bed_seg(&b, TG_TCP_ACK, n + 1, una + 1, 0)), TG_TW_DONE);
	CU_ASSERT_EQUAL(tw_in(&b, &tw, bed_seg(&b, TG_TCP_ACK | TG_TCP_RST, n + 1, una + 2, 0)),
			TG_TW_DONE);
	bed_fini(&b);
}

/* TD-21: nothing wraps, late or far away; TD-27. */
static void test_timeWait_deadline_widens(void)
{
	struct tg_tw tw;
	struct bed b;

	to_time_wait(&b, &tw, true);
	for (uint64_t now = 1000000; now < 1ull << 40; now = now * 3 + 12345) {
		for (uint64_t in = 1; in < 900000; in = in * 2 + 77) {
			tg_tw_set_deadline(&tw, now + in);
			CU_ASSERT_EQUAL(tg_tw_deadline(&tw, now), now + in);
			CU_ASSERT_EQUAL(tg_tw_deadline(&tw, now + in + 60000), now + in);
		}
		tg_tw_set_deadline(&tw, now + 60000);
		CU_ASSERT_FALSE(tg_tw_may_reopen(&tw, now + 999, 60000));
		CU_ASSERT_TRUE(tg_tw_may_reopen(&tw, now + 1000, 60000));
	}
	tw.flags &= ~(uint32_t)TG_TW_TS;
	CU_ASSERT_FALSE(tg_tw_may_reopen(&tw, 1ull << 41, 60000));
	bed_fini(&b);
}

static const struct tg_test tests[] = {
    {"synSent_silence_synsUntil183sThenTimeout", test_synSent_silence_synsUntil183sThenTimeout},
    {"synSent_unreachableNoted_thatIsTheReason", test_synSent_unreachableNoted_thatIsTheReason},
    {"synSent_userTimeout_endsThen", test_synSent_userTimeout_endsThen},
    {"synReceived_silence_sixSynAcksThenGone", test_synReceived_silence_sixSynAcksThenGone},
    {"synReceived_timedOut_rto3s", test_synReceived_timedOut_rto3s},
    {"established_keepaliveUnanswered_abort", test_established_keepaliveUnanswered_abort},
    {"established_keepaliveAnswered_waitsAgain", test_established_keepaliveAnswered_waitsAgain},
    {"established_textInFlight_noKeepalive", test_established_textInFlight_noKeepalive},
    {"states_keepalive_onlyWhereItBelongs", test_states_keepalive_onlyWhereItBelongs},
    {"finWait2_orphan_60sThenSilentlyClosed", test_finWait2_orphan_60sThenSilentlyClosed},
    {"timeWait_syn_reuseAsRfc6191", test_timeWait_syn_reuseAsRfc6191},
    {"timeWait_segments_asTable", test_timeWait_segments_asTable},
    {"timeWait_challenges_oneAnInterval", test_timeWait_challenges_oneAnInterval},
    {"timeWait_reuseAnsweredByCookie_ackIsTried", test_timeWait_reuseAnsweredByCookie_ackIsTried},
    {"timeWait_deadline_widens", test_timeWait_deadline_widens},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_time", tests, TG_TEST_N(tests), argc, argv);
}
