/* SPDX-License-Identifier: BSD-3-Clause */
/* test_red_late.c: what an adversary of the code found: options set late, and the last segment of a
 * state, which is easily judged by the state after it. */
#include "lab_host.h"

static bool is_sound(const struct host *h)
{
	char why[256];

	return tg_lab_validate(h->lab, why, sizeof(why));
}

/* --- the last segment of a state --- */

/* The ACK that ends CLOSING has passed checks 1 to 5: TS.Recent is its TSval, and a SYN with the
 * same is no newer. */
static void test_closing_ackOfFin_timeWaitKnowsItsTimestamp(void)
{
	struct host h;
	struct seg syn = host_syn_full(), again = {.flags = SYN, .win = 65535};

	host_init(&h, NULL);
	h.tsval = 1000;
	host_open(&h, &syn);
	host_lab_fin(&h);
	host_fin(&h, h.una);
	expect_state(&h, "SE-37", "CLOSING");
	h.tsval += 50;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	expect_nothing(&h, "SE-28");
	expect_state(&h, "SE-28", "TIME-WAIT");
	host_pass(&h, 1000);
	again.seq = h.rcv_nxt - 10;
	opt_mss(&again, 1460);
	opt_ts(&again, h.tsval, 0);
	host_send(&h, &again);
	expect_ack(&h, "TD-22");
	expect_state(&h, "TD-25", "TIME-WAIT");
	host_fini(&h);
}

/* Text that lies past a FIN is dropped with all that it held. */
static void test_established_finBelowHeldText_nothingIsHeld(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK | PSH, h.rcv_nxt + 10, h.nxt, 10);
	expect_ack(&h, "SE-34");
	host_fin(&h, h.nxt);
	expect_state(&h, "SE-37", "CLOSE-WAIT");
	expect_true("ADV-92", is_sound(&h), "every invariant");
	host_fini(&h);
}

/* A FIN in order is taken, whatever was forged above it. */
static void test_established_finBelowHeldFin_isTaken(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_flags(&h, FIN | ACK, h.rcv_nxt + 100, h.nxt);
	expect_ack(&h, "SE-39");
	host_fin(&h, h.nxt);
	expect_state(&h, "SE-37", "CLOSE-WAIT");
	expect_true("ADV-92", is_sound(&h), "every invariant");
	host_fini(&h);
}

static void test_established_sackOfWrongLength_isCounted(void)
{
	uint8_t bad[12] = {5};
	struct host h;
	struct seg syn = host_syn_full();

	host_init(&h, NULL);
	h.tsval = 1000;
	host_open(&h, &syn);
	host_lab_writes(&h, 100);
	for (uint8_t n = 9; n <= 11; n += 2) { /* EST-30: a byte less than a block, and one more */
		struct seg s = {.flags = ACK, .seq = h.rcv_nxt, .ack = h.una, .win = h.win};
		bad[1] = n;
		for (int i = 0; i < 4; i++) { /* a block that would be good */
			bad[2 + i] = (uint8_t)((h.una + 10) >> (24 - 8 * i));
			bad[6 + i] = (uint8_t)((h.una + 20) >> (24 - 8 * i));
		}
		memset(bad + n, 1, sizeof(bad) - n);
		opt_ts(&s, h.tsval, h.ts_last);
		memcpy(s.opt + s.opt_len, bad, sizeof(bad));
		s.opt_len += sizeof(bad);
		host_send(&h, &s);
		expect_nothing(&h, "ADV-40");
		expect_counter(&h, "ADV-40", "bad_sack", n / 10 + 1);
	}
	expect_state(&h, "ADV-40", "ESTABLISHED");
	host_fini(&h);
}

/* --- options set late --- */

static void test_synReceived_listenerOption_entryStays(void)
{
	struct host h;
	int64_t before = 0, after = 0;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	tg_lab_getopt(h.lab, h.listener, TG_LAB_RCVBUF, &before);
	expect_eq("SC-07", tg_lab_setopt(h.lab, h.listener, TG_LAB_RCVBUF, 50000), 0, "setopt");
	expect_state(&h, "UC-01", "SYN-RECEIVED");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	expect_nothing(&h, "SE-12");
	h.sock = tg_lab_accept(h.lab, h.listener);
	expect_true("EST-03", h.sock >= 0, "the connection can be accepted");
	tg_lab_getopt(h.lab, h.sock, TG_LAB_RCVBUF, &after);
	expect_eq("SC-07", after, before, "the buffer that the SYN-ACK promised");
	for (int i = 0; i < 600; i++)
		expect_eq("UC-01", tg_lab_setopt(h.lab, h.listener, TG_LAB_RCVBUF, 60000 + i), 0,
			  "setopt, again and again");
	h.rport++;
	struct seg answer = host_syn(&h, NULL);

	expect_eq("DT-01", answer.win, 60599, "window of the next connection");
	h.rport--;
	host_fini(&h);
}

static void test_finWait2_keepaliveSetLate_probes(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_2, 0);
	tg_lab_setopt(h.lab, h.sock, TG_LAB_KEEPALIVE_IDLE_MS, 10000);
	tg_lab_setopt(h.lab, h.sock, TG_LAB_KEEPALIVE, 1);
	host_pass(&h, 10001);
	expect(&h, "TO-07", ACK, h.nxt - 1, h.rcv_nxt);
	host_fini(&h);
}

static void expect_patience_ends(struct host *h, int64_t ms)
{
	uint8_t byte;

	expect_eq("TO-08", tg_lab_setopt(h->lab, h->sock, TG_LAB_USER_TIMEOUT_MS, ms), 0, "setopt");
	host_at(h, (uint64_t)ms - 10);
	expect_true("TO-08", strcmp(tg_lab_state(h->lab, h->sock), "CLOSED") != 0, "not before");
	host_at(h, (uint64_t)ms + 10);
	host_drain(h);
	expect_state(h, "TO-08", "CLOSED");
	expect_eq("TO-08", tg_lab_read(h->lab, h->sock, &byte, 1), -ETIMEDOUT, "read");
}

static void test_established_userTimeoutSetLate_isObeyed(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	host_at(&h, 7000);
	expect_patience_ends(&h, 8000);
	host_fini(&h);
}

static void test_synSent_userTimeoutSetLate_isObeyed(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	host_at(&h, 8000);
	expect_patience_ends(&h, 9000);
	host_fini(&h);
}

/* --- time --- */

/* "Until nothing is left": also what tg_lab_next_deadline says when no timer is armed. */
static void test_closed_advanceForever_ends(void)
{
	char err[256];
	struct tg_lab *lab = tg_lab_new(NULL, err, sizeof(err));
	int sock = tg_lab_connect(lab, NULL, 0, "192.0.2.1", 80, NULL);

	for (int i = 0; i < 3; i++) {
		tg_lab_advance(lab, UINT64_MAX);
		expect_true("TO-01", !strcmp(tg_lab_state(lab, sock), "CLOSED"), "given up");
		expect_true("ADV-92", tg_lab_validate(lab, err, sizeof(err)), err);
		expect_true("TO-01", tg_lab_next_deadline(lab) == UINT64_MAX, "no timer");
	}
	tg_lab_free(lab);
}

/* --- keys that follow others --- */

/* One mark alone: the other follows it. */
static void test_listen_highMarkAlone_armsThere(void)
{
	char err[256];
	struct host h;

	host_init(&h, "synq_high=2");
	for (int i = 0; i < 3; i++) {
		host_syn(&h, NULL);
		h.rport++;
	}
	h.rport--;
	expect_counter(&h, "SC-08", "cookie_sent", 1);
	host_fini(&h);
	struct tg_lab *lab = tg_lab_new("synq_high=1", err, sizeof(err));

	expect_true("SC-08", lab != NULL, err);
	tg_lab_free(lab);
	lab = tg_lab_new("synq_low=9 synq_high=8", err, sizeof(err));
	expect_true("SC-08", lab == NULL, "a low mark above the high one is refused");
	tg_lab_free(lab);
}

static void test_closed_mtuTooSmallForIp6_hostOfIp4(void)
{
	char err[256];
	struct tg_lab *lab = tg_lab_new("mtu=576", err, sizeof(err));

	expect_true("LN-11", lab != NULL, err);
	if (!lab)
		return;
	expect_true("EST-09", tg_lab_connect(lab, NULL, 0, "192.0.2.1", 80, NULL) >= 0, "IPv4");
	expect_true("LN-11", tg_lab_connect(lab, NULL, 0, "2001:db8::9", 80, NULL) < 0, "no IPv6");
	tg_lab_free(lab);
}

static void test_closed_openToWhatNeverAnswers_isRefused(void)
{
	static const char *const v4[] = {"127.0.0.1", "0.1.2.3", "240.0.0.1"};
	static const char *const v6[] = {"::1", "::", "ff05::2"};
	struct host h;

	host_init(&h, NULL);
	for (int i = 0; i < 3; i++) {
		const char *to = h.v6 ? v6[i] : v4[i];

		expect_eq("LN-12", tg_lab_connect(h.lab, NULL, 0, to, 80, NULL), -EINVAL, to);
	}
	expect_nothing(&h, "LN-12");
	host_fini(&h);
}

/* --- what the reference model of tests/model found --- */

/* The opening of both ends: the peer's SYN,ACK has passed the checks, so its TSval is echoed. */
static void test_synReceived_synAckOfBothOpen_itsTimestampIsEchoed(void)
{
	struct host h;
	struct seg syn = host_syn_full(), s;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	syn.seq = h.irs = 5000;
	h.rcv_nxt = h.edge = 5001;
	host_send(&h, &syn);
	expect_true("EST-06", host_next(&h, &s) && s.flags == (SYN | ACK), "a SYN-ACK");
	h.ws_shift = 7;
	host_pass(&h, 916);
	syn = (struct seg){.flags = SYN | ACK, .seq = 5000, .ack = h.nxt, .win = 65535};
	opt_ts(&syn, 1916, s.tsval);
	host_drain(&h);
	host_send(&h, &syn);
	expect_state(&h, "SE-05", "ESTABLISHED");
	expect_true("SE-05", host_next(&h, &s), "an ACK");
	expect_eq("DT-09", s.tsecr, 1916, "TSecr");
	h.una = h.nxt;
	tg_lab_abort(h.lab, h.sock);
	h.sock = -1;
	host_drain(&h);
	host_fini(&h);
}

/* Closed before the SYN is acknowledged: once it is, the FIN has a timer and patience of its own.
 */
static void test_finWait1_synAckedLate_finHasItsOwnTimer(void)
{
	struct host h;
	struct seg syn = {.flags = SYN, .seq = 5000, .win = 65535}, s;
	uint32_t fins = 0;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	h.irs = 5000;
	h.rcv_nxt = h.edge = 5001;
	host_at(&h, 40000);
	host_drain(&h);
	host_send(&h, &syn);
	host_at(&h, 86000);
	host_drain(&h);
	tg_lab_shutdown(h.lab, h.sock, SHUT_WR);
	expect_state(&h, "UC-05", "FIN-WAIT-1");
	host_at(&h, 102900);
	host_drain(&h);
	send_flags(&h, ACK, 5001, h.nxt);
	host_at(&h, 110000);
	while (host_next(&h, &s)) {
		expect_true("TO-04", !(s.flags & RST), "no RST");
		fins += (s.flags & FIN) != 0;
	}
	expect_state(&h, "TO-04", "FIN-WAIT-1");
	expect_true("TO-04", fins > 0, "the FIN is sent again");
	tg_lab_abort(h.lab, h.sock);
	h.sock = -1;
	host_drain(&h);
	host_fini(&h);
}

/* Text with the ACK of our FIN: the answer, and TIME-WAIT, echo its TSval. */
static void test_closing_textWithAckOfFin_itsTimestampIsEchoed(void)
{
	struct host h;
	struct seg syn = host_syn_full(), s = {.flags = ACK | PSH, .win = 65535}, got;

	host_init(&h, NULL);
	h.tsval = 1000;
	host_open(&h, &syn);
	host_lab_fin(&h);
	host_fin(&h, h.una);
	host_pass(&h, 600);
	host_drain(&h);
	s.seq = h.rcv_nxt;
	s.ack = h.nxt;
	s.len = 20;
	s.data = (const uint8_t *)"twenty bytes of text";
	opt_ts(&s, 1600, h.ts_last);
	host_send(&h, &s);
	expect_state(&h, "SE-28", "TIME-WAIT");
	expect_true("SE-41", host_next(&h, &got), "a challenge ACK");
	expect_eq("DT-09", got.tsecr, 1600, "TSecr");
	host_fini(&h);
}

/* The ACK comes within the millisecond of the SYN-ACK: no sample is less than nothing. */
static void test_synReceived_ackWithinTheMillisecond_rttIsSmall(void)
{
	struct host h;
	int64_t us = -1, rto = -1;

	for (uint32_t ns = 0; ns < 1000000; ns += 90909) {
		host_init(&h, "timestamps=off");
		host_pass_ns(&h, 91408);
		host_syn(&h, NULL);
		host_pass_ns(&h, ns);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		h.una = h.nxt;
		h.sock = tg_lab_accept(h.lab, h.listener);
		expect_state(&h, "SE-12", "ESTABLISHED");
		tg_lab_getopt(h.lab, h.sock, TG_LAB_SRTT_US, &us);
		tg_lab_getopt(h.lab, h.sock, TG_LAB_RTO_US, &rto);
		expect_true("DT-04", us >= 0 && us <= 1000, "SRTT is at most a millisecond");
		expect_eq("DT-05", rto, 200000, "RTO");
		host_fini(&h);
	}
}

/* A user timeout shorter than the RTO counts from the first sending all the same. */
static void test_established_userTimeoutBelowRto_countsFromFirstSending(void)
{
	struct host h;
	struct seg syn = host_syn_full(), s;
	uint64_t wrote, reset = 0;

	host_init(&h, "user_timeout_ms=2300"); /* after the probe, before the RTO */
	h.tsval = 1000;
	host_syn(&h, &syn);
	host_pass(&h, 900); /* RTT 0.9 s, RTO 2.7 s */
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	h.sock = tg_lab_accept(h.lab, h.listener);
	wrote = host_ms(&h);
	tg_lab_write(h.lab, h.sock, "fifteen bytes..", 15);
	while (!reset && host_ms(&h) < wrote + 5000) {
		host_pass(&h, 1);
		while (host_next(&h, &s))
			if (s.flags & RST)
				reset = host_ms(&h);
	}
	expect_eq("TO-08", (int64_t)(reset - wrote), 2300, "ms until RST");
	host_fini(&h);
}

/* Closed while both open, against a closed window: no probe, the SYN-ACK's timer runs on, and
 * patience counts from the opening. */
static void test_finWait1_synUnackedWindowClosed_patienceStands(void)
{
	struct host h;
	struct seg syn = {.flags = SYN, .seq = 5000, .win = 0};

	host_init(&h, "user_timeout_ms=5000");
	host_at(&h, 10000);
	host_connect(&h, NULL);
	host_pass(&h, 500);
	h.irs = 5000;
	h.rcv_nxt = h.edge = 5001;
	host_send(&h, &syn);
	tg_lab_shutdown(h.lab, h.sock, SHUT_WR);
	host_pass(&h, 4400);
	expect_state(&h, "TO-08", "FIN-WAIT-1");
	host_pass(&h, 110);
	expect_state(&h, "TO-08", "CLOSED");
	host_drain(&h);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_closing_ackOfFin_timeWaitKnowsItsTimestamp",
     test_closing_ackOfFin_timeWaitKnowsItsTimestamp},
    {"test_established_finBelowHeldText_nothingIsHeld",
     test_established_finBelowHeldText_nothingIsHeld},
    {"test_established_finBelowHeldFin_isTaken", test_established_finBelowHeldFin_isTaken},
    {"test_established_sackOfWrongLength_isCounted", test_established_sackOfWrongLength_isCounted},
    {"test_synReceived_listenerOption_entryStays", test_synReceived_listenerOption_entryStays},
    {"test_finWait2_keepaliveSetLate_probes", test_finWait2_keepaliveSetLate_probes},
    {"test_established_userTimeoutSetLate_isObeyed", test_established_userTimeoutSetLate_isObeyed},
    {"test_synSent_userTimeoutSetLate_isObeyed", test_synSent_userTimeoutSetLate_isObeyed},
    {"test_closed_advanceForever_ends", test_closed_advanceForever_ends},
    {"test_listen_highMarkAlone_armsThere", test_listen_highMarkAlone_armsThere},
    {"test_closed_mtuTooSmallForIp6_hostOfIp4", test_closed_mtuTooSmallForIp6_hostOfIp4},
    {"test_closed_openToWhatNeverAnswers_isRefused", test_closed_openToWhatNeverAnswers_isRefused},
    {"test_synReceived_synAckOfBothOpen_itsTimestampIsEchoed",
     test_synReceived_synAckOfBothOpen_itsTimestampIsEchoed},
    {"test_finWait1_synAckedLate_finHasItsOwnTimer", test_finWait1_synAckedLate_finHasItsOwnTimer},
    {"test_closing_textWithAckOfFin_itsTimestampIsEchoed",
     test_closing_textWithAckOfFin_itsTimestampIsEchoed},
    {"test_synReceived_ackWithinTheMillisecond_rttIsSmall",
     test_synReceived_ackWithinTheMillisecond_rttIsSmall},
    {"test_established_userTimeoutBelowRto_countsFromFirstSending",
     test_established_userTimeoutBelowRto_countsFromFirstSending},
    {"test_finWait1_synUnackedWindowClosed_patienceStands",
     test_finWait1_synUnackedWindowClosed_patienceStands},
};

int main(int argc, char **argv)
{
	return host_main("conformance-red-late", tests, TG_TEST_N(tests), argc, argv);
}
