/* SPDX-License-Identifier: BSD-3-Clause */
/* test_timers.c: timer events to the millisecond (RFC 9293 3.10.8): TO-01 to TO-10. */
#include "lab_host.h"

/* A timer that is due at t acts in [t, t + 1 ms]. */
static void expect_time(const char *rule, const struct host *h, uint64_t at_ns, uint64_t due_ns)
{
	if (at_ns < due_ns || at_ns > due_ns + MS)
		expect_eq(rule, (int64_t)((at_ns - h->start) / MS),
			  (int64_t)((due_ns - h->start) / MS), "when it was sent, ms");
}

static void expect_closed_by_timeout(struct host *h, const char *rule)
{
	uint8_t buf[4];

	expect_state(h, rule, "CLOSED");
	expect_eq(rule, tg_lab_read(h->lab, h->sock, buf, 4), -ETIMEDOUT, "the user is told");
}

static void test_synSent_noAnswer_synsThenTimeout(void)
{
	static const uint64_t at[] = {1, 3, 7, 15, 31, 63, 123, 183};
	struct host h;
	struct seg s, syn;

	host_init(&h, NULL);
	syn = host_connect(&h, NULL);
	expect_time("TO-01", &h, syn.at_ns, h.start);
	for (int i = 0; i < 8; i++) {
		host_at(&h, at[i] * 1000 - 1);
		expect_nothing(&h, "TO-01");
		host_at(&h, at[i] * 1000 + 1);
		s = expect(&h, "TO-01", SYN, h.iss, 0);
		expect_time("TO-01", &h, s.at_ns, h.start + at[i] * SEC);
		expect_eq("TO-01", s.opt_len, syn.opt_len, "the same options");
	}
	host_at(&h, 183000 + 1000); /* MUST-23: not before 180 s; the last SYN may be answered */
	expect_state(&h, "TO-01", "SYN-SENT");
	host_at(&h, 400000);
	expect_nothing(&h, "TO-01");
	expect_closed_by_timeout(&h, "TO-01");
	expect_counter(&h, "TO-01", "syn_timeout", 1);
	host_fini(&h);
}

static void test_synSent_userTimeout_givesUpSooner(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, "user_timeout_ms=5000");
	host_at(&h, 4999);
	expect_state(&h, "TO-01", "SYN-SENT");
	host_at(&h, 7001);
	host_drain(&h);
	expect_closed_by_timeout(&h, "EST-24");
	host_fini(&h);
}

static void expect_synacks(struct host *h, uint64_t base_ns)
{
	static const uint64_t at[] = {1, 3, 7, 15, 31};
	struct seg s;

	for (int i = 0; i < 5; i++) {
		host_pass_ns(h, base_ns + at[i] * SEC - 1 - h->now);
		expect_nothing(h, "TO-02");
		host_pass_ns(h, 1 + MS);
		s = expect(h, "TO-02", SYN | ACK, h->iss, h->rcv_nxt);
		expect_time("TO-02", h, s.at_ns, base_ns + at[i] * SEC);
	}
	host_pass_ns(h, base_ns + 63 * SEC - 1 - h->now);
	expect_nothing(h, "TO-02");
	expect_state(h, "TO-02", "SYN-RECEIVED");
	host_pass_ns(h, 1 + MS);
	expect_state(h, "TO-02", "CLOSED");
	expect_nothing(h, "TO-02");
}

static void test_synReceived_noAnswer_sixSynAcksThenSilence(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	expect_synacks(&h, h.start);
	expect_counter(&h, "TO-02", "synack_rexmit", 5);
	expect_counter(&h, "TO-02", "synack_timeout", 1);
	expect_eq("TO-02", tg_lab_accept(h.lab, h.listener), -EAGAIN, "the user is not told");
	host_pass(&h, 200000);
	expect_nothing(&h, "TO-02");
	host_fini(&h);
}

static void test_synReceivedActive_noAnswer_closedByTimeout(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	send_flags(&h, SYN, h.irs, 0);
	expect(&h, "SE-01", SYN | ACK, h.iss, h.rcv_nxt);
	host_pass(&h, 400000);
	expect_true("TO-02", host_drain(&h) >= 5, "the SYN-ACK is repeated");
	expect_closed_by_timeout(&h, "TO-02");
	host_fini(&h);
}

static int64_t option(struct host *h, enum tg_lab_opt opt)
{
	int64_t value = -1;

	expect_eq("lab.h", tg_lab_getopt(h->lab, h->sock, opt, &value), 0, "getopt");
	return value;
}

/* Nobody answers: each repeat after twice the time, at most 60 s; the connection ends at R2. */
static void expect_backoff(struct host *h, const char *rule, uint32_t seq, uint32_t len,
			   uint8_t flags)
{
	uint64_t rto = (uint64_t)option(h, TG_LAB_RTO_US) * 1000, last = h->now, begin = h->now;
	struct seg s;
	int n = 0;

	while (strcmp(host_state(h), "CLOSED") && h->now < begin + 300 * SEC) {
		host_pass(h, 10);
		while (host_next(h, &s)) {
			if (s.flags & RST)
				continue; /* to help the peer, at the end */
			expect_eq(rule, s.seq, seq, "SEQ of the repeat");
			expect_eq(rule, s.len, len, "its length");
			expect_eq(rule, s.flags & ~PSH, flags, "its flags");
			expect_time(rule, h, s.at_ns, last + rto);
			last = s.at_ns;
			rto = rto * 2 > 60 * SEC ? 60 * SEC : rto * 2;
			n++;
		}
	}
	expect_true(rule, n >= 6, "it is repeated at least six times");
	expect_true("TO-03", h->now - begin >= 100 * SEC, "R2 is at least 100 s");
	expect_true("TO-03", h->now - begin < 300 * SEC, "the connection ends");
}

static void test_established_textUnacked_repeatsUntilR2(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 100);
	expect_backoff(&h, "TO-03", h.una, 100, ACK);
	expect_closed_by_timeout(&h, "TO-03");
	expect_counter(&h, "TO-03", "abort_r2", 1);
	host_fini(&h);
}

static void test_finSent_unacked_repeatsFin(void)
{
	static const enum state states[] = {ST_FIN_WAIT_1, ST_CLOSING, ST_LAST_ACK};

	for (int i = 0; i < 3; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		expect_backoff(&h, "TO-04", h.nxt - 1, 0, FIN | ACK);
		host_fini(&h);
	}
}

static void test_timeWait_twiceMsl_endsOnTheTick(void)
{
	static const uint64_t msl_ms[] = {30000, 120000, 1000};
	static const char *const options[] = {NULL, "msl_ms=120000", "msl_ms=1000"};

	for (int i = 0; i < 3; i++) {
		struct host h;
		host_init(&h, options[i]);
		host_reach(&h, ST_FIN_WAIT_2, 0);
		host_pass_ns(&h, 123456); /* not on a tick */
		host_fin(&h, h.nxt);
		host_pass_ns(&h, 2 * msl_ms[i] * MS - 1);
		expect_state(&h, "TO-05", "TIME-WAIT");
		host_pass_ns(&h, 1 + MS);
		expect_state(&h, "TO-05", "CLOSED");
		expect_counter(&h, "TO-05", "tw_expired", 1);
		expect_nothing(&h, "TO-05");
		host_fini(&h);
	}
}

/* The lab closes, we acknowledge its FIN and fall silent. */
static void orphan(struct host *h, const char *options)
{
	host_init(h, options);
	host_open(h, NULL);
	tg_lab_close(h->lab, h->sock);
	h->sock = -1;
	expect(h, "UC-05", FIN | ACK, h->nxt, h->rcv_nxt);
	h->nxt++;
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	expect_state(h, "SE-28", "FIN-WAIT-2");
}

static void test_finWait2_orphan_closedAfterMinute(void)
{
	struct host h;

	orphan(&h, NULL);
	host_pass_ns(&h, 60 * SEC - 1);
	expect_state(&h, "TO-06", "FIN-WAIT-2");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TO-06", "CLOSED"); /* no RST, no TIME-WAIT */
	expect_nothing(&h, "TO-06");
	expect_counter(&h, "TO-06", "fw2_timeout", 1);
	send_flags(&h, FIN | ACK, h.rcv_nxt, h.nxt);
	expect(&h, "TD-13", RST, h.nxt, 0);
	host_fini(&h);
}

static void test_finWait2_orphanOption_isObeyed(void)
{
	struct host h;

	orphan(&h, "fin_wait_2_ms=2000");
	host_pass_ns(&h, 2 * SEC - 1);
	expect_state(&h, "TO-06", "FIN-WAIT-2");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TO-06", "CLOSED");
	host_fini(&h);
}

static void test_finWait2_reader_waitsForever(void)
{
	for (int unread = 0; unread < 2; unread++) { /* at rest, and not */
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, ST_FIN_WAIT_1, 0);
		if (unread) {
			send_text(&h, ACK, h.rcv_nxt, h.una, 10);
			h.rcv_nxt += 10;
			host_pass(&h, 100);
			expect_ack(&h, "UC-06");
		}
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		host_pass(&h, 24 * 3600 * 1000);
		expect_state(&h, "TO-06", "FIN-WAIT-2");
		expect_nothing(&h, "TO-06");
		host_fini(&h);
	}
}

static void test_established_keepaliveDefault_isOff(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_pass(&h, 24 * 3600 * 1000);
	expect_nothing(&h, "TO-07"); /* MUST-25 */
	expect_state(&h, "TO-07", "ESTABLISHED");
	host_fini(&h);
}

static void test_established_keepaliveDefaultIdle_isTwoHours(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	tg_lab_setopt(h.lab, h.sock, TG_LAB_KEEPALIVE, 1);
	host_pass(&h, 7200 * 1000 - 1); /* MUST-28 */
	expect_nothing(&h, "TO-07");
	host_pass(&h, 2);
	expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt);
	host_fini(&h);
}

static void keepalive(struct host *h)
{
	tg_lab_setopt(h->lab, h->sock, TG_LAB_KEEPALIVE, 1);
	tg_lab_setopt(h->lab, h->sock, TG_LAB_KEEPALIVE_IDLE_MS, 10000);
	tg_lab_setopt(h->lab, h->sock, TG_LAB_KEEPALIVE_INTERVAL_MS, 1000);
	tg_lab_setopt(h->lab, h->sock, TG_LAB_KEEPALIVE_COUNT, 3);
}

static void test_established_keepaliveAnswered_staysOpen(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	keepalive(&h);
	for (int i = 0; i < 5; i++) {
		host_pass(&h, 9998);
		expect_nothing(&h, "TO-07");
		host_pass(&h, 4);
		expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt); /* SHLD-12: no text */
		if (i == 2) { /* MUST-29: one lost answer is not death */
			host_pass(&h, 1001);
			expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt);
		}
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect_nothing(&h, "TO-07");
	}
	expect_state(&h, "TO-07", "ESTABLISHED");
	host_fini(&h);
}

static void test_established_keepaliveUnanswered_closed(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	keepalive(&h);
	host_pass(&h, 10001);
	expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt);
	for (int i = 0; i < 2; i++) {
		host_pass(&h, 1000);
		expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt);
	}
	host_pass(&h, 990);
	expect_state(&h, "TO-07", "ESTABLISHED");
	host_pass(&h, 20);
	host_drain(&h); /* a RST to help the peer is allowed */
	expect_closed_by_timeout(&h, "TO-07");
	expect_counter(&h, "TO-07", "abort_keepalive", 1);
	host_fini(&h);
}

static void test_established_keepaliveTextOutstanding_noProbe(void)
{
	struct host h;
	struct seg s;

	host_init(&h, NULL);
	host_open(&h, NULL);
	keepalive(&h);
	host_pass(&h, 9000);
	host_lab_writes(&h, 10);
	host_pass(&h, 30000);
	while (host_next(&h, &s)) /* MUST-26 */
		expect_eq("TO-07", s.seq, h.una, "repeats only, no probe");
	host_fini(&h);
}

/* A segment that a check drops is no sign of life (RB-16): else whoever knows the ports keeps a
 * dead peer's connection open for ever. */
static void test_established_keepaliveDroppedSegments_probeOnTime(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	keepalive(&h);
	for (int i = 0; i < 9; i++) {
		host_pass(&h, 1000);
		switch (i % 3) {
		case 0: /* unsent */
			send_text(&h, ACK, h.rcv_nxt, h.nxt + 1, 10);
			break;
		case 1: /* far left of the window */
			send_flags(&h, ACK, h.rcv_nxt - 1000, h.nxt);
			break;
		default: /* no ACK */
			send_text(&h, PSH, h.rcv_nxt, 0, 10);
			break;
		}
		host_drain(&h);
	}
	host_pass(&h, 998);
	expect_nothing(&h, "RB-16");
	host_pass(&h, 4);
	expect(&h, "RB-16", ACK, h.nxt - 1, h.rcv_nxt);
	host_fini(&h);
}

static void test_established_userTimeout_closed(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	tg_lab_setopt(h.lab, h.sock, TG_LAB_USER_TIMEOUT_MS, 5000);
	host_lab_writes(&h, 10);
	host_pass(&h, 4990);
	expect_state(&h, "TO-08", "ESTABLISHED");
	host_pass(&h, 1000);
	host_pass(&h, 3000); /* at the latest with the next repeat */
	host_drain(&h);
	expect_closed_by_timeout(&h, "TO-08");
	expect_counter(&h, "TO-08", "abort_user_timeout", 1);
	host_fini(&h);
}

static void test_established_zeroWindow_probesForever(void)
{
	struct host h;
	struct seg s;
	uint64_t gap = 0, last;
	int n = 0;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	h.win = 0;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	uint64_t rto = (uint64_t)option(&h, TG_LAB_RTO_US) * 1000;
	last = h.now;
	expect_eq("TO-09", tg_lab_write(h.lab, h.sock, "0123456789", 10), 10, "write");
	expect_nothing(&h, "TO-09");
	for (int i = 0; i < 1200 * 20; i++) {
		host_pass(&h, 50);
		while (host_next(&h, &s)) {
			expect_true("DT-24",
				    (s.len == 1 && s.seq == h.nxt) ||
					(!s.len && s.seq == h.nxt - 1),
				    "a probe has one new byte, or none below SND.NXT");
			uint64_t want = gap ? (gap * 2 > 60 * SEC ? 60 * SEC : gap * 2) : rto;
			expect_time("TO-09", &h, s.at_ns, last + want);
			gap = want;
			last = s.at_ns;
			n++;
			send_flags(&h, ACK, h.rcv_nxt, h.nxt); /* SHLD-29: window still 0 */
		}
	}
	expect_true("TO-09", n >= 20, "it goes on probing");
	expect_state(&h, "TO-09", "ESTABLISHED"); /* MUST-36, MUST-37 */
	h.win = 5000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_text(&h, "TO-09", h.nxt, 10);
	host_fini(&h);
}

static void test_established_oneSegment_ackAfter40Ms(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	uint64_t sent = h.now;
	host_pass_ns(&h, 40 * MS - 1);
	expect_nothing(&h, "TO-10");
	host_pass_ns(&h, 1 + MS);
	struct seg s = expect(&h, "TO-10", ACK, h.nxt, h.rcv_nxt);
	expect_time("TO-10", &h, s.at_ns, sent + 40 * MS);
	host_fini(&h);
}

static void test_established_twoFullSegments_ackAtOnce(void)
{
	struct host h;
	struct seg syn = host_syn_full();

	host_init(&h, NULL);
	host_open(&h, &syn);
	uint32_t mss = h.v6 ? 1428 : 1448;
	for (int i = 0; i < 2; i++) {
		expect_nothing(&h, "TO-10");
		send_text(&h, ACK, h.rcv_nxt, h.nxt, mss);
		h.rcv_nxt += mss;
	}
	expect_ack(&h, "DT-11");
	host_fini(&h);
}

/* TO-06: the limit begins when the last reader leaves. */
static void test_finWait2_readerCloses_closedAfterMinute(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_2, 0);
	host_pass(&h, 100000);
	expect_state(&h, "TO-06", "FIN-WAIT-2");
	tg_lab_close(h.lab, h.sock);
	h.sock = -1;
	host_pass_ns(&h, 60 * SEC - 1);
	expect_state(&h, "TO-06", "FIN-WAIT-2");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TO-06", "CLOSED");
	expect_nothing(&h, "TO-06");
	host_fini(&h);
}

/* TO-09: text and FIN behind a closed window, after our close: the peer answers, and we wait. */
static void test_finWait1_zeroWindow_probesUntilItOpens(void)
{
	struct host h;
	struct seg s;
	int probes = 0;
	bool fin = false;

	host_init(&h, NULL);
	h.win = 0;
	host_open(&h, NULL);
	expect_eq("TO-09", tg_lab_write(h.lab, h.sock, "0123456789", 10), 10, "write");
	tg_lab_shutdown(h.lab, h.sock, SHUT_WR);
	expect_state(&h, "TO-09", "FIN-WAIT-1");
	for (int i = 0; i < 3000; i++) {
		host_pass(&h, 100);
		while (host_next(&h, &s)) {
			expect_true("TO-09", s.len <= 1, "probes only");
			send_flags(&h, ACK, h.rcv_nxt, h.nxt);
			probes++;
		}
	}
	expect_true("TO-09", probes >= 6, "it is probed");
	expect_state(&h, "TO-09", "FIN-WAIT-1");
	h.win = 5000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	for (uint32_t next = h.nxt; host_next(&h, &s); next = s.seq + s.len) {
		expect_eq("TO-09", s.seq, next, "SEQ of what follows");
		fin |= (s.flags & FIN) && s.seq + s.len == h.nxt + 10;
	}
	expect_true("TO-09", fin, "all of it, and the FIN");
	host_fini(&h);
}

/* TO-10: what waits has waited since the first segment that is not acknowledged. */
static void test_established_smallSegments_theFirstSetsTheTime(void)
{
	struct host h;
	struct seg syn = {.flags = SYN};

	host_init(&h, NULL);
	opt_mss(&syn, 1000);
	host_open(&h, &syn);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 1000); /* what a full segment is */
	h.rcv_nxt += 1000;
	host_pass(&h, 100);
	expect_ack(&h, "TO-10");
	uint64_t first = h.now;
	for (int i = 0; i < 4; i++) {
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
		h.rcv_nxt += 10;
		expect_nothing(&h, "TO-10");
		host_pass(&h, 9);
	}
	host_pass_ns(&h, first + 40 * MS - 1 - h.now);
	expect_nothing(&h, "TO-10");
	host_pass_ns(&h, 1 + MS);
	expect_ack(&h, "TO-10");
	host_fini(&h);
}

/* TO-10, MUST-40: less than half a second, whatever is asked for. */
static void test_established_delayedAckOption_isBelowHalfASecond(void)
{
	static const char *const refused[] = {"delayed_ack_ms=500", "delayed_ack_ms=4000"};
	struct host h;
	char err[200];

	for (int i = 0; i < 2; i++)
		expect_true("TO-10", !tg_lab_new(refused[i], err, sizeof(err)), refused[i]);
	host_init(&h, "delayed_ack_ms=499");
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	host_pass(&h, 498);
	expect_nothing(&h, "TO-10");
	host_pass(&h, 2);
	expect_ack(&h, "TO-10");
	host_fini(&h);
}

/* Half of an RTO passes, and nothing is heard. */
static void half_an_rto(struct host *h)
{
	host_pass(h, (uint64_t)option(h, TG_LAB_RTO_US) / 2000);
	expect_nothing(h, "DT-06");
}

/* DT-06, RFC 6298 5.1 to 5.4: a second segment does not put off the timer of the first; an ACK of
 * something new starts it anew for what is left; the ACK of all stops it. */
static void test_established_twoSegments_timerRunsForTheOldest(void)
{
	struct host h;
	struct seg s;

	for (int acked = 0; acked < 2; acked++) {
		host_init(&h, "nodelay=on");
		host_open(&h, NULL);
		uint64_t from = h.now;
		host_lab_writes(&h, 100);
		half_an_rto(&h);
		host_lab_writes(&h, 100);
		if (acked) {
			host_pass(&h, 10);
			h.una += 100;
			send_flags(&h, ACK, h.rcv_nxt, h.una);
			from = h.now;
			half_an_rto(&h);
		}
		uint64_t rto_ns = (uint64_t)option(&h, TG_LAB_RTO_US) * 1000;
		host_pass_ns(&h, from + rto_ns - 1 - h.now);
		expect_nothing(&h, "DT-06");
		host_pass_ns(&h, 1 + MS);
		expect_true("DT-06", host_next(&h, &s), "it is repeated");
		expect_eq("DT-06", s.seq, h.una, "the oldest");
		expect_true("DT-06", s.len >= 100, "as long as it was, at least");
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		h.una = h.nxt;
		host_drain(&h);
		host_pass(&h, 120000);
		expect_nothing(&h, "DT-06");
		host_fini(&h);
	}
}

static const struct tg_test tests[] = {
    {"test_synSent_noAnswer_synsThenTimeout", test_synSent_noAnswer_synsThenTimeout},
    {"test_synSent_userTimeout_givesUpSooner", test_synSent_userTimeout_givesUpSooner},
    {"test_synReceived_noAnswer_sixSynAcksThenSilence",
     test_synReceived_noAnswer_sixSynAcksThenSilence},
    {"test_synReceivedActive_noAnswer_closedByTimeout",
     test_synReceivedActive_noAnswer_closedByTimeout},
    {"test_established_textUnacked_repeatsUntilR2", test_established_textUnacked_repeatsUntilR2},
    {"test_finSent_unacked_repeatsFin", test_finSent_unacked_repeatsFin},
    {"test_timeWait_twiceMsl_endsOnTheTick", test_timeWait_twiceMsl_endsOnTheTick},
    {"test_finWait2_orphan_closedAfterMinute", test_finWait2_orphan_closedAfterMinute},
    {"test_finWait2_orphanOption_isObeyed", test_finWait2_orphanOption_isObeyed},
    {"test_finWait2_reader_waitsForever", test_finWait2_reader_waitsForever},
    {"test_established_keepaliveDefault_isOff", test_established_keepaliveDefault_isOff},
    {"test_established_keepaliveDefaultIdle_isTwoHours",
     test_established_keepaliveDefaultIdle_isTwoHours},
    {"test_established_keepaliveAnswered_staysOpen", test_established_keepaliveAnswered_staysOpen},
    {"test_established_keepaliveUnanswered_closed", test_established_keepaliveUnanswered_closed},
    {"test_established_keepaliveTextOutstanding_noProbe",
     test_established_keepaliveTextOutstanding_noProbe},
    {"test_established_keepaliveDroppedSegments_probeOnTime",
     test_established_keepaliveDroppedSegments_probeOnTime},
    {"test_established_userTimeout_closed", test_established_userTimeout_closed},
    {"test_established_zeroWindow_probesForever", test_established_zeroWindow_probesForever},
    {"test_established_oneSegment_ackAfter40Ms", test_established_oneSegment_ackAfter40Ms},
    {"test_established_twoFullSegments_ackAtOnce", test_established_twoFullSegments_ackAtOnce},
    {"test_finWait2_readerCloses_closedAfterMinute", test_finWait2_readerCloses_closedAfterMinute},
    {"test_finWait1_zeroWindow_probesUntilItOpens", test_finWait1_zeroWindow_probesUntilItOpens},
    {"test_established_smallSegments_theFirstSetsTheTime",
     test_established_smallSegments_theFirstSetsTheTime},
    {"test_established_delayedAckOption_isBelowHalfASecond",
     test_established_delayedAckOption_isBelowHalfASecond},
    {"test_established_twoSegments_timerRunsForTheOldest",
     test_established_twoSegments_timerRunsForTheOldest},
};

int main(int argc, char **argv)
{
	return host_main("conformance-timers", tests, TG_TEST_N(tests), argc, argv);
}
