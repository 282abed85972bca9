/* SPDX-License-Identifier: BSD-3-Clause */
/* test_teardown.c: closing and TIME-WAIT (RFC 9293 3.6, RFC 1337, RFC 6191): TD-01 to TD-30. */
#include "lab_host.h"

static void close_sock(struct host *h)
{
	tg_lab_close(h->lab, h->sock);
	h->sock = -1;
}

/* Full close of the lab's side; its FIN is read. */
static void full_close(struct host *h)
{
	close_sock(h);
	expect(h, "UC-05", FIN | ACK, h->nxt, h->rcv_nxt);
	h->nxt++;
}

/* In TIME-WAIT, with timestamps if ts; the last TSval of ours is h->tsval. */
static void time_wait(struct host *h, const char *options, bool ts)
{
	struct seg syn = host_syn_full();

	host_init(h, options);
	host_open(h, ts ? &syn : NULL);
	host_lab_fin(h);
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	host_fin(h, h->nxt);
	expect_state(h, "TD-14", "TIME-WAIT");
}

static void test_finWait1_finAndAckInOne_timeWait(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_1, 0);
	host_fin(&h, h.nxt); /* three segments (TD-02) */
	expect_state(&h, "TD-02", "TIME-WAIT");
	host_fini(&h);
}

static void test_closeWait_sendsTextUntilItsFin(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_CLOSE_WAIT, 0);
	host_lab_writes(&h, 100);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_nothing(&h, "TD-02");
	host_lab_fin(&h);
	expect_state(&h, "TD-02", "LAST-ACK");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "TD-28", "CLOSED");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt); /* no TIME-WAIT on the passive side */
	expect(&h, "TD-28", RST, h.nxt, 0);
	host_fini(&h);
}

static void test_finWait1_crossedFin_closingThenTimeWait(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_1, 0);
	host_fin(&h, h.una);
	expect_state(&h, "TD-03", "CLOSING");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "TD-03", "TIME-WAIT");
	expect_nothing(&h, "TD-03");
	host_fini(&h);
}

static void test_established_finAboveHole_waitsForIt(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_flags(&h, FIN | ACK, h.rcv_nxt + 10, h.nxt);
	expect_ack(&h, "SE-39");
	expect_state(&h, "TD-04", "ESTABLISHED");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.rcv_nxt += 11;
	expect_ack(&h, "TD-04"); /* the hole is filled: text and FIN at once */
	expect_state(&h, "TD-04", "CLOSE-WAIT");
	host_fini(&h);
}

static void test_established_textWithFin_textBeforeEnd(void)
{
	struct host h;
	uint8_t buf[200];

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, FIN | ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 101;
	expect_ack(&h, "TD-05");
	expect_eq("TD-05", tg_lab_read(h.lab, h.sock, buf, 200), 100, "the text");
	expect_eq("TD-05", tg_lab_read(h.lab, h.sock, buf, 200), 0, "then end of stream");
	expect_state(&h, "TD-05", "CLOSE-WAIT");
	expect_nothing(&h, "TD-05");
	host_fini(&h);
}

static void test_closed_finAlone_rstCountsIt(void)
{
	struct host h;

	host_init(&h, NULL);
	send_flags(&h, FIN, 100, 0);
	expect(&h, "TD-08", RST | ACK, 0, 101);
	send_text(&h, SYN, 100, 0, 100);
	expect(&h, "TD-08", RST | ACK, 0, 201);
	send_text(&h, 0, 100, 0, 7);
	expect(&h, "TD-08", RST | ACK, 0, 107);
	host_fini(&h);
}

static void test_established_rstWithText_textNotDelivered(void)
{
	struct host h;
	uint8_t buf[40];

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, RST, h.rcv_nxt, h.nxt, 20);
	expect_nothing(&h, "TD-10");
	expect_state(&h, "TD-10", "CLOSED");
	expect_eq("TD-10", tg_lab_read(h.lab, h.sock, buf, 40), -ECONNRESET, "reset");
	expect_eq("TD-10", tg_lab_read(h.lab, h.sock, buf, 40), 0, "no text");
	host_fini(&h);
}

/* The peer lost our last text, so our RST is not exact for it. */
static void test_established_abortAfterLoss_secondRstIsExact(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	uint32_t peer_expects = h.nxt;
	host_lab_writes(&h, 10);
	tg_lab_abort(h.lab, h.sock);
	h.sock = -1;
	expect_abort(&h, "TD-11");
	send_flags(&h, ACK, h.rcv_nxt, peer_expects); /* the peer's challenge */
	expect(&h, "TD-11", RST, peer_expects, 0);
	expect_state(&h, "TD-29", "CLOSED");
	host_fini(&h);
}

static void test_finWait_noReaderText_isReset(void)
{
	for (int fw2 = 0; fw2 < 2; fw2++) {
		struct host h;
		host_init(&h, NULL);
		host_open(&h, NULL);
		uint32_t ack = h.nxt;
		full_close(&h);
		if (fw2) {
			ack = h.nxt;
			send_flags(&h, ACK, h.rcv_nxt, ack);
			expect_state(&h, "TD-12", "FIN-WAIT-2");
		}
		send_flags(&h, ACK, h.rcv_nxt, ack); /* a pure ACK does not trigger it */
		expect_nothing(&h, "TD-12");
		send_text(&h, ACK, h.rcv_nxt, ack, 1);
		struct seg s;
		expect_true("TD-12", host_next(&h, &s) && (s.flags & RST) && s.seq == ack,
			    "RST with SEQ = SEG.ACK");
		expect_state(&h, "TD-12", "CLOSED");
		expect_counter(&h, "TD-12", "abort_on_data", 1);
		host_fini(&h);
	}
}

static void test_finWait2_noReaderFin_timeWait(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	full_close(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	host_fin(&h, h.nxt);
	expect_state(&h, "TD-12", "TIME-WAIT");
	host_fini(&h);
}

static void test_timeWait_finAgain_ackAndRestart(void)
{
	struct host h;

	time_wait(&h, NULL, false);
	for (int i = 0; i < 3; i++) {
		host_pass(&h, 59000);
		send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
		expect_ack(&h, "TD-16");
		expect_state(&h, "TD-16", "TIME-WAIT");
	}
	expect_counter(&h, "TD-16", "tw_fin_reack", 3);
	host_pass_ns(&h, 60 * SEC - 1);
	expect_state(&h, "TD-16", "TIME-WAIT");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TD-16", "CLOSED");
	host_fini(&h);
}

/* ADV-62: each repeat is answered, also within the challenge interval. */
static void test_timeWait_finEachSecond_eachAcked(void)
{
	struct host h;

	time_wait(&h, NULL, false);
	for (int i = 0; i < 600; i++) {
		host_pass(&h, 1000);
		send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
		expect_ack(&h, "ADV-62");
	}
	for (int i = 0; i < 3; i++) {
		send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
		expect_ack(&h, "TD-16");
	}
	host_fini(&h);
}

static void test_timeWait_otherSegments_doNotRestart(void)
{
	struct host h;

	time_wait(&h, NULL, false);
	uint64_t entered = h.now;
	for (int i = 1; i < 60; i++) { /* TD-17, DIS-07 */
		host_pass(&h, 1000);
		switch (i % 6) {
		case 0:
			send_flags(&h, ACK, h.rcv_nxt, h.nxt);
			break;
		case 1:
			send_text(&h, ACK, h.rcv_nxt - 11, h.nxt, 10);
			break;
		case 2:
			send_flags(&h, SYN, h.rcv_nxt - 100, 0);
			break;
		case 3:
			send_flags(&h, ACK, h.rcv_nxt - 1, h.nxt);
			break;
		case 4:
			send_flags(&h, FIN | ACK, h.rcv_nxt, h.nxt);
			break;
		default:
			send_flags(&h, RST, h.rcv_nxt, 0);
		}
		host_drain(&h);
	}
	host_pass_ns(&h, entered + 60 * SEC - 1 - h.now);
	expect_state(&h, "TD-17", "TIME-WAIT");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TD-17", "CLOSED");
	host_fini(&h);
}

static void test_timeWait_rst_isIgnored(void)
{
	struct host h;

	time_wait(&h, NULL, false);
	for (int i = -1; i <= 1; i++) {
		send_flags(&h, RST, h.rcv_nxt + (uint32_t)i, 0);
		expect_nothing(&h, "TD-18");
		expect_state(&h, "TD-18", "TIME-WAIT");
	}
	expect_counter(&h, "ADV-64", "tw_rst", 3);
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
	expect_ack(&h, "TD-18");
	host_fini(&h);
}

static void test_timeWait_oldText_isChallenged(void)
{
	for (int ts = 0; ts < 2; ts++) {
		struct host h;
		time_wait(&h, NULL, ts);
		host_pass(&h, 1000);
		send_text(&h, ACK, h.rcv_nxt - 21, h.nxt, 10);
		struct seg s = expect(&h, "TD-19", ACK, h.nxt, h.rcv_nxt);
		expect_eq("TD-19", s.has_ts, ts, "a timestamp if negotiated");
		send_flags(&h, RST, s.ack, 0); /* ADV-63: no assassination */
		expect_state(&h, "ADV-63", "TIME-WAIT");
		host_fini(&h);
	}
}

static void test_timeWait_oldTsval_isChallengedNoRestart(void)
{
	struct host h;

	time_wait(&h, NULL, true);
	uint64_t entered = h.now;
	host_pass(&h, 30000);
	h.tsval -= 500;
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
	expect_ack(&h, "SE-43");
	host_pass_ns(&h, entered + 60 * SEC + MS - h.now);
	expect_state(&h, "SE-43", "CLOSED");
	host_fini(&h);
}

/* TD-22: a SYN in TIME-WAIT, with or without timestamps in the old connection and in the SYN. */
static void reuse(bool old_ts, bool syn_ts, int32_t ts_step, int32_t seq_step, bool accepted)
{
	struct host h;
	struct seg syn = {.flags = SYN}, s;
	char what[100];

	snprintf(what, sizeof(what), "old ts %d, SYN ts %d, TSval %+d, SEQ RCV.NXT%+d", old_ts,
		 syn_ts, ts_step, seq_step);
	time_wait(&h, NULL, old_ts);
	host_pass(&h, 1000);
	uint32_t old_nxt = h.nxt;
	syn.seq = h.rcv_nxt + (uint32_t)seq_step;
	syn.win = 5000;
	if (syn_ts)
		opt_ts(&syn, h.tsval + (uint32_t)ts_step, 0);
	h.ts = false;
	h.edge = accepted ? syn.seq + 1 : h.edge;
	host_send(&h, &syn);
	if (!host_next(&h, &s)) {
		expect_true("TD-22", false, what);
	} else if (accepted) {
		expect_true(what, s.flags == (SYN | ACK), "SYN-ACK");
		expect_eq(what, s.ack, syn.seq + 1, "its ACK");
		expect_true("EST-02", (int32_t)(s.seq - old_nxt) >= 65537,
			    "ISS above the old SND.NXT");
		expect_state(&h, what, "SYN-RECEIVED");
	} else {
		expect_true(what, s.flags == ACK && s.seq == old_nxt && s.ack == h.rcv_nxt,
			    "challenge");
		expect_state(&h, "TD-25", "TIME-WAIT");
	}
	host_fini(&h);
}

static void test_timeWait_syn_reusedIfNewer(void)
{
	reuse(true, true, 1, -100000, true); /* the timestamp decides */
	reuse(true, true, 1, 1, true);
	reuse(true, true, 0, 1, true);
	reuse(true, true, 0, 0, false);
	reuse(true, true, 0, -1, false);
	reuse(true, true, -1, 1000, false);
	reuse(true, false, 0, 1, true);
	reuse(true, false, 0, 0, false);
	reuse(true, false, 0, -5, false);
	reuse(false, true, 0, -100000, true);
	reuse(false, true, 0, 1, true);
	reuse(false, false, 0, 1, true);
	reuse(false, false, 0, 0, false);
	reuse(false, false, 0, -100, false);
}

static void test_timeWait_newerSynNoListener_rstAndStays(void)
{
	struct host h;

	time_wait(&h, NULL, false);
	tg_lab_close(h.lab, h.listener);
	h.listener = -1;
	send_flags(&h, SYN, h.rcv_nxt + 100, 0);
	expect(&h, "ADV-66", RST | ACK, 0, h.rcv_nxt + 101);
	expect_state(&h, "TD-23", "TIME-WAIT");
	host_fini(&h);
}

static void test_timeWait_unfitSyns_oneAckAnInterval(void)
{
	struct host h;
	uint32_t n = 0;

	time_wait(&h, NULL, false);
	host_pass(&h, 1000);
	for (int i = 0; i < 20; i++) { /* two seconds */
		send_flags(&h, SYN, h.rcv_nxt - 50, 0);
		n += host_drain(&h);
		host_pass(&h, 100);
	}
	expect_true("TD-25", n >= 3 && n <= 5, "one ACK per 500 ms at most");
	host_fini(&h);
}

/* A reuse is answered with state; the SYN was an old duplicate, its RST wakes the record. */
static void test_timeWait_reuseReset_wakesOldRecord(void)
{
	struct host h;
	struct seg s;

	time_wait(&h, NULL, false);
	uint64_t entered = h.now;
	host_pass(&h, 10000);
	uint32_t seq = h.rcv_nxt + 1000, old_edge = h.edge;
	h.edge = seq + 1;
	send_flags(&h, SYN, seq, 0);
	expect_true("TD-22", host_next(&h, &s) && s.flags == (SYN | ACK), "SYN-ACK");
	expect_state(&h, "TD-24", "SYN-RECEIVED");
	expect_counter(&h, "TD-22", "tw_reused", 1);
	host_pass(&h, 100);
	send_flags(&h, RST, seq + 1, 0);
	expect_state(&h, "TD-24", "TIME-WAIT");
	h.edge = old_edge;
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
	expect_ack(&h, "TD-24"); /* with the old numbers; this restarts 2MSL */
	host_fini(&h);

	time_wait(&h, NULL, false); /* and with the old deadline */
	entered = h.now;
	host_pass(&h, 10000);
	h.edge = seq + 1;
	send_flags(&h, SYN, h.rcv_nxt + 1000, 0);
	host_drain(&h);
	send_flags(&h, RST, h.rcv_nxt + 1001, 0);
	host_pass_ns(&h, entered + 60 * SEC - 1 - h.now);
	expect_state(&h, "TD-24", "TIME-WAIT");
	host_pass_ns(&h, 1 + MS);
	expect_state(&h, "TD-24", "CLOSED");
	host_fini(&h);
}

static void test_timeWait_reuseOpens_oldRecordIsGone(void)
{
	struct host h;
	struct seg s;

	time_wait(&h, NULL, false);
	uint32_t seq = h.rcv_nxt + 1000;
	h.edge = seq + 1;
	send_flags(&h, SYN, seq, 0);
	expect_true("TD-22", host_next(&h, &s), "SYN-ACK");
	tg_lab_close(h.lab, h.sock);
	h.rcv_nxt = seq + 1;
	h.irs = seq;
	h.una = h.nxt = s.seq + 1;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "TD-24", "ESTABLISHED");
	h.sock = tg_lab_accept(h.lab, h.listener);
	host_lab_writes(&h, 10);
	tg_lab_abort(h.lab, h.sock);
	h.sock = -1;
	expect_abort(&h, "UC-07");
	expect_state(&h, "TD-24", "CLOSED");
	host_fini(&h);
}

static void test_timeWait_activeReopen_onlyWithTimestamps(void)
{
	for (int ts = 0; ts < 2; ts++) {
		struct host h;
		struct seg s = {.flags = SYN | ACK, .win = 5000};
		host_init(&h, NULL);
		struct seg syn = host_connect(&h, NULL);
		s.seq = h.irs;
		s.ack = h.nxt;
		if (ts)
			opt_ts(&s, h.tsval, syn.tsval);
		host_send(&h, &s);
		h.ts = ts;
		expect_ack(&h, "SE-05");
		full_close(&h);
		host_fin(&h, h.nxt);
		expect_state(&h, "TD-27", "TIME-WAIT");
		uint32_t old_nxt = h.nxt;
		host_pass(&h, 2000);
		int sock = tg_lab_connect(h.lab, NULL, h.lport, h.raddr, h.rport, NULL);
		expect_eq("TD-27", sock >= 0, ts, "the tuple may be used again");
		if (sock >= 0) {
			expect_true("TD-27",
				    host_next(&h, &s) && (int32_t)(s.seq - old_nxt) > 65536,
				    "ISS above the old SND.NXT + 65536");
			tg_lab_abort(h.lab, sock);
		}
		host_fini(&h);
	}
}

static void test_timeWait_manyCloses_allExpire(void)
{
	struct host h;

	host_init(&h, NULL);
	for (uint16_t i = 0; i < 50; i++) {
		h.rport = (uint16_t)(41000 + i);
		host_open(&h, NULL);
		full_close(&h);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		host_fin(&h, h.nxt);
		host_pass(&h, 100);
	}
	expect_counter(&h, "TD-14", "tw_entered", 50);
	host_pass(&h, 60000);
	expect_counter(&h, "TD-14", "tw_expired", 50);
	host_fini(&h);
}

static void test_lastAck_finLost_repeatsThenFrees(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_LAST_ACK, 0);
	host_pass(&h, 250);
	expect(&h, "TD-28", FIN | ACK, h.nxt - 1, h.rcv_nxt);
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt - 1); /* our ACK was lost: SE-40 */
	expect_ack(&h, "SE-40");
	expect_state(&h, "SE-40", "LAST-ACK");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "TD-28", "CLOSED");
	host_fini(&h);
}

/* SE-28: all of our text, but not the FIN behind it, is acknowledged. */
static void test_finSent_ackOfTextNotOfFin_stays(void)
{
	static const enum state states[] = {ST_FIN_WAIT_1, ST_CLOSING, ST_LAST_ACK};
	static const char *const after[] = {"FIN-WAIT-2", "TIME-WAIT", "CLOSED"};

	for (int i = 0; i < 3; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt - 1);
		expect_nothing(&h, "SE-28");
		expect_state(&h, "SE-28", state_name[states[i]]);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect_nothing(&h, "SE-28");
		expect_state(&h, "SE-28", after[i]);
		host_fini(&h);
	}
}

/* SE-29, DIS-22: duplicates are not answered, but the third repeats the FIN. */
static void test_finSent_duplicateAcks_finAgain(void)
{
	static const enum state states[] = {ST_FIN_WAIT_1, ST_CLOSING, ST_LAST_ACK};

	for (int i = 0; i < 3; i++) {
		struct host h;
		struct seg s;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		for (int n = 0; n < 2; n++)
			send_flags(&h, ACK, h.rcv_nxt, h.una);
		expect_nothing(&h, "SE-29");
		send_flags(&h, ACK, h.rcv_nxt, h.una);
		expect_true("SE-29", host_next(&h, &s), "fast retransmit");
		expect_eq("SE-29", s.seq, h.una, "SEQ of it");
		expect_eq("SE-29", s.seq + s.len + !!(s.flags & FIN), h.nxt, "text and FIN");
		expect_nothing(&h, "SE-29");
		host_fini(&h);
	}
}

/* SE-40: each copy of the FIN says that our ACK was lost: no limit. */
static void test_finRcvd_finTwice_eachAcked(void)
{
	static const enum state states[] = {ST_CLOSE_WAIT, ST_CLOSING, ST_LAST_ACK};

	for (int i = 0; i < 3; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		for (int n = 0; n < 3; n++) {
			send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.una);
			expect_ack(&h, "SE-40");
			expect_nothing(&h, "SE-40");
			expect_state(&h, "SE-40", state_name[states[i]]);
		}
		host_fini(&h);
	}
}

/* SE-44 in TIME-WAIT: not even the FIN, and 2MSL goes on. */
static void test_timeWait_tsMissing_isDropped(void)
{
	struct host h;

	time_wait(&h, NULL, true);
	uint64_t entered = h.now;
	host_pass(&h, 30000);
	h.ts = false;
	send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
	send_text(&h, ACK, h.rcv_nxt - 11, h.nxt, 10);
	expect_nothing(&h, "SE-44");
	expect_counter(&h, "SE-44", "ts_missing", 2);
	host_pass_ns(&h, entered + 60 * SEC + MS - h.now);
	expect_state(&h, "SE-44", "CLOSED");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_finWait1_finAndAckInOne_timeWait", test_finWait1_finAndAckInOne_timeWait},
    {"test_closeWait_sendsTextUntilItsFin", test_closeWait_sendsTextUntilItsFin},
    {"test_finWait1_crossedFin_closingThenTimeWait", test_finWait1_crossedFin_closingThenTimeWait},
    {"test_established_finAboveHole_waitsForIt", test_established_finAboveHole_waitsForIt},
    {"test_established_textWithFin_textBeforeEnd", test_established_textWithFin_textBeforeEnd},
    {"test_closed_finAlone_rstCountsIt", test_closed_finAlone_rstCountsIt},
    {"test_established_rstWithText_textNotDelivered",
     test_established_rstWithText_textNotDelivered},
    {"test_established_abortAfterLoss_secondRstIsExact",
     test_established_abortAfterLoss_secondRstIsExact},
    {"test_finWait_noReaderText_isReset", test_finWait_noReaderText_isReset},
    {"test_finWait2_noReaderFin_timeWait", test_finWait2_noReaderFin_timeWait},
    {"test_timeWait_finAgain_ackAndRestart", test_timeWait_finAgain_ackAndRestart},
    {"test_timeWait_finEachSecond_eachAcked", test_timeWait_finEachSecond_eachAcked},
    {"test_timeWait_otherSegments_doNotRestart", test_timeWait_otherSegments_doNotRestart},
    {"test_timeWait_rst_isIgnored", test_timeWait_rst_isIgnored},
    {"test_timeWait_oldText_isChallenged", test_timeWait_oldText_isChallenged},
    {"test_timeWait_oldTsval_isChallengedNoRestart", test_timeWait_oldTsval_isChallengedNoRestart},
    {"test_timeWait_syn_reusedIfNewer", test_timeWait_syn_reusedIfNewer},
    {"test_timeWait_newerSynNoListener_rstAndStays", test_timeWait_newerSynNoListener_rstAndStays},
    {"test_timeWait_unfitSyns_oneAckAnInterval", test_timeWait_unfitSyns_oneAckAnInterval},
    {"test_timeWait_reuseReset_wakesOldRecord", test_timeWait_reuseReset_wakesOldRecord},
    {"test_timeWait_reuseOpens_oldRecordIsGone", test_timeWait_reuseOpens_oldRecordIsGone},
    {"test_timeWait_activeReopen_onlyWithTimestamps",
     test_timeWait_activeReopen_onlyWithTimestamps},
    {"test_timeWait_manyCloses_allExpire", test_timeWait_manyCloses_allExpire},
    {"test_lastAck_finLost_repeatsThenFrees", test_lastAck_finLost_repeatsThenFrees},
    {"test_finSent_ackOfTextNotOfFin_stays", test_finSent_ackOfTextNotOfFin_stays},
    {"test_finSent_duplicateAcks_finAgain", test_finSent_duplicateAcks_finAgain},
    {"test_finRcvd_finTwice_eachAcked", test_finRcvd_finTwice_eachAcked},
    {"test_timeWait_tsMissing_isDropped", test_timeWait_tsMissing_isDropped},
};

int main(int argc, char **argv)
{
	return host_main("conformance-teardown", tests, TG_TEST_N(tests), argc, argv);
}
