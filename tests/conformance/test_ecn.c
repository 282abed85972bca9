/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ecn.c: explicit congestion notification (RFC 3168): who speaks it (EST-32), and what the
 * marks on text do (DT-36). The peer's IP headers are built by hand. */
#include "lab_host.h"

enum { MSS = 1000 };

static struct seg ecn_syn(void)
{
	struct seg s = {.flags = SYN | ECE | CWR};

	opt_mss(&s, MSS);
	return s;
}

/* An open connection that speaks ECN. */
static void open_ecn(struct host *h, const char *options)
{
	struct seg syn = ecn_syn(), s;
	char all[200];

	snprintf(all, sizeof(all), "ecn=on congestion=newreno %s", options ? options : "");
	host_init(h, all);
	h->win = 65535;
	s = host_open(h, &syn);
	expect_eq("EST-32", s.flags, SYN | ACK | ECE, "flags of the SYN-ACK");
	expect_eq("RFC 3168 6.1.1", s.ecn, NOT_ECT, "ECT on a SYN-ACK");
}

/* Text of ours, in order, marked so. */
static void send_marked(struct host *h, uint8_t flags, uint8_t ecn, uint32_t len)
{
	static uint8_t text[WIRE_MAX];
	struct seg s = {.seq = h->rcv_nxt,
			.ack = h->una,
			.flags = ACK | flags,
			.win = h->win,
			.ecn = ecn,
			.data = text,
			.len = len};

	host_send(h, &s);
	h->rcv_nxt += len;
}

/* The lab writes n segments' worth, and all that comes is read; what each must be. */
static uint32_t lab_sends(struct host *h, const char *rule, uint32_t n, uint8_t flags, uint8_t ecn)
{
	static const uint8_t text[64 * MSS];
	uint32_t got = 0;
	struct seg s;

	expect_eq(rule, tg_lab_write(h->lab, h->sock, text, (size_t)n * MSS), n * MSS, "written");
	for (; host_next(h, &s); got++) {
		expect_eq(rule, s.seq, h->nxt, "SEQ of the text");
		expect_eq(rule, s.flags & (ECE | CWR), got == 0 ? flags : flags & ~CWR,
			  "ECE and CWR of the text");
		expect_eq(rule, s.ecn, ecn, "the IP header's mark");
		h->nxt += s.len;
	}
	return got;
}

static void ack_all(struct host *h, uint8_t flags)
{
	send_flags(h, ACK | flags, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
}

static int64_t cwnd(const struct host *h)
{
	int64_t v = 0;

	tg_lab_getopt(h->lab, h->sock, TG_LAB_CWND_BYTES, &v);
	return v;
}

/* --- EST-32: the handshake --- */

/* RFC 3168 6.1.1: only ECE and CWR together ask, and not on a SYN that is itself marked. */
static void test_listen_syn_agreesOnlyToAnEcnSetupSyn(void)
{
	static const struct {
		bool on;
		uint8_t flags, ecn;
		bool agrees;
	} t[] = {
	    {true, ECE | CWR, NOT_ECT, true}, {true, ECE, NOT_ECT, false},
	    {true, CWR, NOT_ECT, false},      {true, 0, NOT_ECT, false},
	    {true, ECE | CWR, ECT0, false},   {true, ECE | CWR, ECT1, false},
	    {true, ECE | CWR, CE, false},     {false, ECE | CWR, NOT_ECT, false},
	};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		struct seg syn = {.flags = SYN | t[i].flags, .ecn = t[i].ecn}, s;
		struct host h;

		host_init(&h, t[i].on ? "ecn=on" : NULL);
		opt_mss(&syn, MSS);
		s = host_open(&h, &syn);
		expect_eq("EST-32", s.flags, SYN | ACK | (t[i].agrees ? ECE : 0), "SYN-ACK");
		lab_sends(&h, "EST-32", 1, 0, t[i].agrees ? ECT0 : NOT_ECT);
		host_fini(&h);
	}
}

/* SHLD-8: the reserved bits mean nothing, and we send zeros. */
static void test_listen_synWithReservedBits_negotiatesAllTheSame(void)
{
	struct seg syn = ecn_syn(), s;
	uint8_t out[WIRE_MAX];
	struct host h;
	size_t n;

	host_init(&h, "ecn=on");
	host_listen(&h, NULL);
	syn.seq = h.irs;
	n = host_build(&h, &syn, out);
	out[host_l4(&h) + 12] |= 0x0f;
	host_fix_csum(out, n);
	host_send_raw(&h, out, n);
	h.rcv_nxt = h.irs + 1;
	expect_true("ADV-88", host_next(&h, &s), "an answer came");
	expect_eq("EST-32", s.flags, SYN | ACK | ECE, "flags of the SYN-ACK");
	expect_eq("EST-32", h.buf[host_l4(&h) + 12] & 0x0f, 0, "our reserved bits");
	host_fini(&h);
}

/* RFC 3168 6.1.1.1: a client that falls back repeats its SYN without. */
static void test_synReceived_synAgainWithoutEcn_isOff(void)
{
	struct seg syn = ecn_syn(), s;
	struct host h;

	host_init(&h, "ecn=on");
	s = host_syn(&h, &syn);
	expect_eq("EST-32", s.flags, SYN | ACK | ECE, "first SYN-ACK");
	host_pass(&h, 600);
	send_flags(&h, SYN, h.irs, 0);
	expect(&h, "EST-32", SYN | ACK, h.iss, h.rcv_nxt);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.sock = tg_lab_accept(h.lab, h.listener);
	lab_sends(&h, "EST-32", 1, 0, NOT_ECT);
	host_fini(&h);
}

/* The SYN-ACK that is repeated, out of rest too, still agrees. */
static void test_synReceived_timeout_synAckStillAgrees(void)
{
	struct seg syn = ecn_syn();
	struct host h;

	host_init(&h, "ecn=on");
	host_syn(&h, &syn);
	host_pass(&h, 1000);
	expect(&h, "EST-32", SYN | ACK | ECE, h.iss, h.rcv_nxt);
	host_fini(&h);
}

static struct seg connect_ecn(struct host *h, int port)
{
	struct seg s;

	host_init(h, "ecn=on");
	h->lport = (uint16_t)port;
	h->win = 65535;
	h->sock = tg_lab_connect(h->lab, NULL, h->lport, h->raddr, h->rport, NULL);
	expect_true("UC-02", host_next(h, &s), "a SYN came");
	expect_eq("EST-32", s.flags, SYN | ECE | CWR, "flags of the SYN");
	expect_eq("RFC 3168 6.1.1", s.ecn, NOT_ECT, "ECT on a SYN");
	h->iss = h->una = s.seq;
	h->nxt = s.seq + 1;
	h->rcv_nxt = h->edge = h->irs + 1;
	return s;
}

static void test_synSent_synAck_agreesByEceAlone(void)
{
	static const struct {
		uint8_t flags, ecn;
		bool agrees;
	} t[] = {{ECE, NOT_ECT, true},
		 {ECE | CWR, NOT_ECT, false},
		 {0, NOT_ECT, false},
		 {CWR, NOT_ECT, false},
		 {ECE, ECT0, true} /* RFC 5562 */};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		struct host h;

		connect_ecn(&h, 33000);
		struct seg s = {.flags = SYN | ACK | t[i].flags,
				.seq = h.irs,
				.ack = h.nxt,
				.win = h.win,
				.ecn = t[i].ecn};
		opt_mss(&s, MSS);
		host_send(&h, &s);
		expect_ack(&h, "SE-05");
		h.una = h.nxt;
		lab_sends(&h, "EST-32", 1, 0, t[i].agrees ? ECT0 : NOT_ECT);
		host_fini(&h);
	}
}

/* RFC 3168 6.1.1.1: the repeated SYN asks no more, and then an ECE in the answer (to the first) may
 * not be used. */
static void test_synSent_timeout_synWithoutEcn(void)
{
	struct host h;

	connect_ecn(&h, 33000);
	host_pass(&h, 1000);
	expect(&h, "EST-32", SYN, h.iss, 0);
	send_flags(&h, SYN | ACK | ECE, h.irs, h.nxt);
	expect_ack(&h, "SE-05");
	h.una = h.nxt;
	lab_sends(&h, "EST-32", 1, 0, NOT_ECT);
	host_fini(&h);
}

/* EST-06: both SYNs ask, both SYN-ACKs agree; or one does not. */
static void test_synSent_simultaneousOpen_asBothSay(void)
{
	static const struct {
		uint8_t syn, syn_ack;
		bool on;
	} t[] = {{ECE | CWR, ECE, true}, {ECE | CWR, 0, false}, {0, 0, false}, {0, ECE, false}};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		bool agrees = t[i].syn != 0;
		struct host h;

		connect_ecn(&h, 33000);
		send_flags(&h, SYN | t[i].syn, h.irs, 0);
		expect(&h, "EST-32", SYN | ACK | (agrees ? ECE : 0), h.iss, h.rcv_nxt);
		send_flags(&h, SYN | ACK | t[i].syn_ack, h.irs, h.nxt);
		expect_ack(&h, "SE-05");
		h.una = h.nxt;
		expect_state(&h, "EST-06", "ESTABLISHED");
		static const uint8_t text[100];
		struct seg s;
		tg_lab_write(h.lab, h.sock, text, sizeof(text));
		expect_true("EST-32", host_next(&h, &s), "text came");
		expect_eq("EST-32", s.ecn, t[i].on ? ECT0 : NOT_ECT, "the mark of the text");
		host_fini(&h);
	}
}

/* --- DT-36: the receiver --- */

/* RFC 3168 6.1.3: ECE on every ACK from the marked text on, until CWR. */
static void test_established_ceText_eceUntilCwr(void)
{
	struct host h;

	open_ecn(&h, "delayed_ack_ms=0");
	send_marked(&h, 0, ECT0, 100);
	expect_ack(&h, "DT-36");
	send_marked(&h, 0, CE, 100);
	for (int i = 0; i < 3; i++) {
		expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
		send_marked(&h, 0, ECT0, 100);
	}
	expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
	lab_sends(&h, "DT-36", 1, ECE, ECT0); /* text of ours acknowledges too */
	ack_all(&h, 0);
	send_marked(&h, CWR, ECT0, 100);
	expect_ack(&h, "DT-36");
	send_marked(&h, CWR, CE, 100); /* the mark is newer than the reduction */
	expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
	send_marked(&h, CWR, NOT_ECT, 100);
	expect_ack(&h, "DT-36");
	host_fini(&h);
}

/* RFC 3168 6.1.4, 6.1.5: what carries no text, or text outside the window, is not asked. */
static void test_established_ceWithoutUsedText_isIgnored(void)
{
	struct seg s;
	struct host h;

	open_ecn(&h, "delayed_ack_ms=0");
	send_marked(&h, 0, CE, 0);
	expect_nothing(&h, "DT-36");
	h.rcv_nxt -= 100;
	send_marked(&h, 0, CE, 100); /* old */
	expect_ack(&h, "DT-36");
	h.rcv_nxt = h.edge;
	send_marked(&h, 0, CE, 100); /* beyond */
	h.rcv_nxt = h.irs + 1;
	expect_ack(&h, "DT-36");
	h.rcv_nxt += 100;
	send_marked(&h, 0, CE, 100); /* above a hole: inside the window */
	expect_true("DT-36", host_next(&h, &s), "dup ACK");
	expect_eq("DT-36", s.flags, ACK | ECE, "ECE on the duplicate ACK");
	host_fini(&h);
}

static void test_established_ceWithoutEcn_isIgnored(void)
{
	struct host h;

	host_init(&h, "delayed_ack_ms=0");
	host_open(&h, NULL);
	send_marked(&h, CWR | ECE, CE, 100);
	expect_ack(&h, "EST-32");
	host_fini(&h);
}

/* A connection that rests forgets neither ECE nor CWR. */
static void test_established_restWithEceOwed_isKept(void)
{
	uint8_t buf[200];
	struct host h;

	open_ecn(&h, "delayed_ack_ms=0");
	send_marked(&h, 0, CE, 100);
	expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
	expect_eq("DT-36", tg_lab_read(h.lab, h.sock, buf, sizeof(buf)), 100, "bytes read");
	host_pass(&h, 200000);
	expect_nothing(&h, "DT-36");
	send_marked(&h, 0, ECT0, 100);
	expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
	tg_lab_read(h.lab, h.sock, buf, sizeof(buf));
	host_pass(&h, 200000);
	send_marked(&h, CWR, ECT0, 100);
	expect_ack(&h, "DT-36");
	tg_lab_read(h.lab, h.sock, buf, sizeof(buf));
	host_pass(&h, 200000);
	send_marked(&h, 0, ECT0, 100);
	expect_ack(&h, "DT-36");
	host_fini(&h);
}

/* --- DT-36: the sender --- */

/* RFC 3168 6.1.2: once a window cwnd becomes less, and CWR goes with the next new text, once. */
static void test_established_ece_reducesOnceAWindow(void)
{
	struct host h;
	int64_t before, after;

	open_ecn(&h, NULL);
	expect_eq("DT-36", lab_sends(&h, "DT-36", 10, 0, ECT0), 10, "segments of the first flight");
	before = cwnd(&h);
	h.una += MSS;
	send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
	after = cwnd(&h);
	expect_true("DT-36", after < before && after >= before / 2, "cwnd is less");
	expect_counter(&h, "DT-36", "ecn_reduced", 1);
	for (int i = 0; i < 8; i++) {
		h.una += MSS;
		send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
	}
	expect_counter(&h, "DT-36", "ecn_reduced", 1);
	expect_eq("RFC 3168 6.1.2", cwnd(&h), after, "cwnd does not grow by an ACK with ECE");
	expect_nothing(&h, "DT-36");
	ack_all(&h, ECE); /* all of that window, and still not of what carries CWR */
	expect_counter(&h, "DT-36", "ecn_reduced", 1);
	lab_sends(&h, "DT-36", 2, CWR, ECT0); /* on the first alone */
	ack_all(&h, 0);
	lab_sends(&h, "DT-36", 2, 0, ECT0);
	ack_all(&h, ECE); /* of the next window */
	expect_counter(&h, "DT-36", "ecn_reduced", 2);
	lab_sends(&h, "DT-36", 1, CWR, ECT0);
	host_fini(&h);
}

/* The marked segment may stand above a hole: a duplicate ACK with ECE counts too, from the first
 * flight on, wherever the numbers stand. */
static void test_established_eceOnDuplicateAck_reduces(void)
{
	for (int seed = 1; seed <= 8; seed++) {
		char options[20];
		struct host h;

		snprintf(options, sizeof(options), "seed=%d", seed);
		open_ecn(&h, options);
		lab_sends(&h, "DT-36", 3, 0, ECT0);
		send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
		expect_counter(&h, "DT-36", "ecn_reduced", 1);
		ack_all(&h, 0);
		host_pass(&h, 200000); /* rest; CWR is owed still */
		lab_sends(&h, "DT-36", 1, CWR, ECT0);
		send_flags(&h, ACK | ECE, h.rcv_nxt, h.una); /* sent before CWR came */
		expect_counter(&h, "DT-36", "ecn_reduced", 1);
		ack_all(&h, 0);
		host_pass(&h, 200000); /* nothing is owed */
		lab_sends(&h, "DT-36", 3, 0, ECT0);
		send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
		expect_counter(&h, "DT-36", "ecn_reduced", 2);
		host_fini(&h);
	}
}

/* The same where the connection has not rested since the handshake: text waits for it. */
static void test_synSent_synAckWithTextQueued_eceCounts(void)
{
	static const uint8_t text[100];

	for (int i = 0; i < 8; i++) {
		struct seg s;
		struct host h;

		connect_ecn(&h, 33000 + i);
		expect_eq("UC-03", tg_lab_write(h.lab, h.sock, text, 100), 100, "written");
		send_flags(&h, SYN | ACK | ECE, h.irs, h.nxt);
		expect_true("UC-03", host_next(&h, &s) && s.len == 100, "the text");
		expect_eq("DT-36", s.ecn, ECT0, "its mark");
		h.una = h.nxt;
		h.nxt += 100;
		ack_all(&h, ECE);
		expect_counter(&h, "DT-36", "ecn_reduced", 1);
		host_fini(&h);
	}
}

/* An ECE that acknowledges nothing new while nothing is outstanding, or one that is not acceptable,
 * changes nothing. */
static void test_established_eceOutOfPlace_isIgnored(void)
{
	struct host h;
	int64_t before;

	open_ecn(&h, NULL);
	send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
	lab_sends(&h, "DT-36", 1, 0, ECT0);
	ack_all(&h, 0);
	before = cwnd(&h);
	send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
	lab_sends(&h, "DT-36", 3, 0, ECT0);
	send_flags(&h, ACK | ECE, h.rcv_nxt, h.nxt + 1); /* SE-32 */
	expect_ack(&h, "SE-32");
	send_flags(&h, ACK | ECE, h.rcv_nxt - 1, h.nxt); /* SE-26 */
	expect_eq("RB-16", cwnd(&h), before, "cwnd");
	expect_counter(&h, "DT-36", "ecn_reduced", 0);
	host_fini(&h);
}

/* RFC 3168 6.1.5: what goes out again is not ECT; 6.1.2: after the reduction by loss the first new
 * text carries CWR. */
static void test_established_timeout_rexmitIsNotEct(void)
{
	struct host h;
	struct seg s;

	open_ecn(&h, NULL);
	lab_sends(&h, "DT-36", 1, 0, ECT0);
	host_pass(&h, 250);
	expect_true("DT-36", host_next(&h, &s), "a retransmission came");
	expect_eq("DT-36", s.seq, h.una, "its SEQ");
	expect_eq("RFC 3168 6.1.5", s.ecn, NOT_ECT, "ECT on a retransmission");
	expect_eq("DT-36", s.flags & (ECE | CWR), 0, "CWR on a retransmission");
	ack_all(&h, 0);
	lab_sends(&h, "RFC 3168 6.1.2", 1, CWR, ECT0);
	ack_all(&h, 0);
	lab_sends(&h, "RFC 3168 6.1.2", 1, 0, ECT0);
	host_fini(&h);
}

/* RFC 3168 6.1.6, 6.1.4: window probes, FINs and RSTs are not ECT. */
static void test_established_probeFinRst_areNotEct(void)
{
	static const uint8_t text[100];
	struct host h;
	struct seg s;

	open_ecn(&h, NULL);
	h.win = 0;
	ack_all(&h, 0);
	tg_lab_write(h.lab, h.sock, text, sizeof(text));
	host_pass(&h, 1100);
	expect_true("DT-24", host_next(&h, &s), "a probe came");
	expect_eq("RFC 3168 6.1.6", s.ecn, NOT_ECT, "ECT on a window probe");
	h.win = 65535;
	send_flags(&h, ACK, h.rcv_nxt, h.una);
	while (host_next(&h, &s))
		h.nxt = s.seq + s.len;
	ack_all(&h, 0);
	tg_lab_shutdown(h.lab, h.sock, SHUT_WR);
	expect_true("TD-01", host_next(&h, &s) && (s.flags & FIN), "FIN");
	expect_eq("RFC 3168 6.1.4", s.ecn, NOT_ECT, "ECT on a bare FIN");
	h.nxt++;
	tg_lab_abort(h.lab, h.sock);
	h.sock = -1;
	expect_true("UC-07", host_next(&h, &s) && (s.flags & RST), "RST");
	expect_eq("RFC 3168 6.1.4", s.ecn | (s.flags & (ECE | CWR)), NOT_ECT, "marks of a RST");
	host_fini(&h);
}

/* CWR that is owed outlives rest, and so does what it stands for: the ECEs of the old window, which
 * the peer repeats until it sees CWR, reduce no second time. */
static void test_established_restWithCwrOwed_isKept(void)
{
	struct host h;

	open_ecn(&h, NULL);
	lab_sends(&h, "DT-36", 2, 0, ECT0);
	ack_all(&h, ECE);
	expect_counter(&h, "DT-36", "ecn_reduced", 1);
	host_pass(&h, 200000);
	send_flags(&h, ACK | ECE, h.rcv_nxt, h.una);
	host_pass(&h, 200000);
	expect_nothing(&h, "DT-36");
	lab_sends(&h, "DT-36", 2, CWR, ECT0);
	ack_all(&h, 0);
	expect_counter(&h, "DT-36", "ecn_reduced", 1);
	host_pass(&h, 200000);
	lab_sends(&h, "DT-36", 2, 0, ECT0);
	host_fini(&h);
}

/* Both directions marked at once: one rests no more than the other is forgotten. */
static void test_established_bothOwed_areKept(void)
{
	uint8_t buf[200];
	struct host h;

	open_ecn(&h, "delayed_ack_ms=0");
	lab_sends(&h, "DT-36", 2, 0, ECT0);
	ack_all(&h, ECE);
	send_marked(&h, 0, CE, 100);
	expect(&h, "DT-36", ACK | ECE, h.nxt, h.rcv_nxt);
	tg_lab_read(h.lab, h.sock, buf, sizeof(buf));
	host_pass(&h, 200000);
	lab_sends(&h, "DT-36", 2, ECE | CWR, ECT0);
	ack_all(&h, 0);
	host_pass(&h, 200000);
	send_marked(&h, CWR, ECT0, 100);
	expect_ack(&h, "DT-36");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_listen_syn_agreesOnlyToAnEcnSetupSyn", test_listen_syn_agreesOnlyToAnEcnSetupSyn},
    {"test_listen_synWithReservedBits_negotiatesAllTheSame",
     test_listen_synWithReservedBits_negotiatesAllTheSame},
    {"test_synReceived_synAgainWithoutEcn_isOff", test_synReceived_synAgainWithoutEcn_isOff},
    {"test_synReceived_timeout_synAckStillAgrees", test_synReceived_timeout_synAckStillAgrees},
    {"test_synSent_synAck_agreesByEceAlone", test_synSent_synAck_agreesByEceAlone},
    {"test_synSent_timeout_synWithoutEcn", test_synSent_timeout_synWithoutEcn},
    {"test_synSent_simultaneousOpen_asBothSay", test_synSent_simultaneousOpen_asBothSay},
    {"test_established_ceText_eceUntilCwr", test_established_ceText_eceUntilCwr},
    {"test_established_ceWithoutUsedText_isIgnored", test_established_ceWithoutUsedText_isIgnored},
    {"test_established_ceWithoutEcn_isIgnored", test_established_ceWithoutEcn_isIgnored},
    {"test_established_restWithEceOwed_isKept", test_established_restWithEceOwed_isKept},
    {"test_established_ece_reducesOnceAWindow", test_established_ece_reducesOnceAWindow},
    {"test_established_eceOnDuplicateAck_reduces", test_established_eceOnDuplicateAck_reduces},
    {"test_synSent_synAckWithTextQueued_eceCounts", test_synSent_synAckWithTextQueued_eceCounts},
    {"test_established_eceOutOfPlace_isIgnored", test_established_eceOutOfPlace_isIgnored},
    {"test_established_timeout_rexmitIsNotEct", test_established_timeout_rexmitIsNotEct},
    {"test_established_probeFinRst_areNotEct", test_established_probeFinRst_areNotEct},
    {"test_established_restWithCwrOwed_isKept", test_established_restWithCwrOwed_isKept},
    {"test_established_bothOwed_areKept", test_established_bothOwed_areKept},
};

int main(int argc, char **argv)
{
	return host_main("conformance-ecn", tests, TG_TEST_N(tests), argc, argv);
}
