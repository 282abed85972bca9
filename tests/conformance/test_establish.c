/* SPDX-License-Identifier: BSD-3-Clause */
/* test_establish.c: connection establishment (RFC 9293 3.4, 3.5): EST-01 to EST-08, EST-24 to 28.
 */
#include "lab_host.h"

/* The ISS of an active open of this port; the attempt is taken back. */
static uint32_t iss_of(struct host *h, uint16_t lport)
{
	struct seg s = {.seq = 0};
	int sock = tg_lab_connect(h->lab, NULL, lport, h->raddr, h->rport, NULL);

	expect_true("EST-01", sock >= 0 && host_next(h, &s), "a SYN came");
	tg_lab_abort(h->lab, sock);
	return s.seq;
}

static void test_synSent_sameTuple_issFollowsTheClock(void)
{
	struct host h;

	host_init(&h, NULL);
	uint32_t first = iss_of(&h, 33000);
	for (int i = 1; i <= 5; i++) { /* MUST-8: once per 4 us */
		host_pass(&h, 1000);
		uint32_t iss = iss_of(&h, 33000);
		expect_true("EST-01",
			    iss - first > 247500u * (uint32_t)i &&
				iss - first < 252500u * (uint32_t)i,
			    "the ISS grows by 250,000 a second");
	}
	host_fini(&h);
}

static void test_synSent_otherTuples_issUnrelated(void)
{
	static const char *const others[2][4] = {
	    {"192.0.2.100", "192.0.2.101", "198.51.100.1", "192.0.2.1"},
	    {"2001:db8::100", "2001:db8::101", "2001:db8:1::", "2001:db9::100"},
	};
	uint32_t step[12], same = 0;
	struct host h;

	host_init(&h, NULL);
	uint32_t last = iss_of(&h, 33000);
	for (uint16_t i = 0; i < 12; i++) {
		if (i >= 4 && i < 8) /* the first word of the tuple, and the others */
			h.rport++;
		else if (i >= 8)
			h.raddr = others[h.v6][i - 8];
		uint32_t iss = iss_of(&h, (uint16_t)(33001 + (i < 4 ? i : 0)));
		step[i] = iss - last;
		last = iss;
		for (int k = 0; k < i; k++)
			same += step[k] == step[i];
		expect_true("EST-01", step[i] + 1000000 > 2000000, "ISSs of tuples lie apart");
	}
	expect_eq("EST-01", same, 0, "equal distances");
	host_fini(&h);
}

static void test_synSent_otherSeed_issUnrelated(void)
{
	struct host a, b, c;

	host_init(&a, "seed=1");
	host_init(&b, "seed=2");
	host_init(&c, "seed=1");
	uint32_t iss = iss_of(&a, 33000), other = iss_of(&b, 33000);
	expect_true("TD-30", iss - other + 1000000 > 2000000, "ISNs of another boot are unrelated");
	expect_eq("lab.h", iss_of(&c, 33000), iss, "the same seed gives the same ISS");
	host_fini(&a);
	host_fini(&b);
	host_fini(&c);
}

static void test_synReceived_beforeAck_nothingToAccept(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	expect_eq("EST-03", tg_lab_accept(h.lab, h.listener), -EAGAIN, "accept");
	send_flags(&h, ACK, h.rcv_nxt, h.iss); /* what it acknowledges is nothing */
	expect(&h, "EST-03", RST, h.iss, 0);
	expect_eq("EST-03", tg_lab_accept(h.lab, h.listener), -EAGAIN, "accept");
	send_text(&h, PSH, h.rcv_nxt, 0, 10);
	expect_nothing(&h, "EST-03");
	expect_eq("EST-03", tg_lab_accept(h.lab, h.listener), -EAGAIN, "accept");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.sock = tg_lab_accept(h.lab, h.listener);
	expect_true("EST-03", h.sock >= 0, "accept after the ACK");
	host_fini(&h);
}

/* RFC 9293 figure 8. */
static void test_listen_staleSyn_thenTheTrueOne(void)
{
	struct host h;

	host_init(&h, NULL);
	uint32_t irs = h.irs;
	h.irs = irs - 10; /* SYN 90 */
	host_syn(&h, NULL);
	send_flags(&h, RST, h.nxt - 1, 0); /* not for us: a RST answers with our ACK number */
	host_drain(&h);
	expect_state(&h, "EST-04", "SYN-RECEIVED");
	send_flags(&h, RST, h.rcv_nxt, 0); /* SEQ = 91 */
	expect_nothing(&h, "EST-04");
	expect_state(&h, "EST-04", "CLOSED");
	h.irs = irs; /* SYN 100 */
	host_open(&h, NULL);
	expect_state(&h, "EST-04", "ESTABLISHED");
	host_fini(&h);
}

/* Figure 11: both ends listen. */
static void test_listen_synAckOfOldSyn_isReset(void)
{
	struct host h;

	host_init(&h, NULL);
	host_listen(&h, NULL);
	send_flags(&h, SYN | ACK, 500, 700);
	expect(&h, "EST-05", RST, 700, 0);
	expect_state(&h, "EST-05", "CLOSED");
	host_fini(&h);
}

/* Figure 7. */
static void test_synSent_crossedSyn_oneConnection(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_SYN_RECEIVED_A, 0); /* SYN, SYN, SYN-ACK with the first ISS (MUST-10) */
	send_flags(&h, SYN | ACK, h.irs, h.nxt);
	expect_ack(&h, "EST-06");
	expect_state(&h, "EST-06", "ESTABLISHED");
	h.una = h.nxt;
	host_lab_writes(&h, 10);
	host_fini(&h);
}

/* Figure 9: the peer restarted and tries again; its new number may lie anywhere. */
static void test_established_restartedPeer_connectsAgain(void)
{
	static const uint32_t jump[] = {0, 1, 1000, 100000, UINT32_C(0x80000000), (uint32_t)-100};

	for (size_t i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		host_open(&h, NULL);
		uint32_t irs = h.rcv_nxt + jump[i];
		send_flags(&h, SYN, irs, 0);
		struct seg ch = expect(&h, "EST-07", ACK, h.nxt, h.rcv_nxt);
		expect_state(&h, "EST-07", "ESTABLISHED");
		send_flags(&h, RST, ch.ack, 0);
		expect_state(&h, "EST-07", "CLOSED");
		tg_lab_close(h.lab, h.sock);
		h.irs = irs;
		host_open(&h, NULL);
		host_fini(&h);
	}
}

/* Figure 10. */
static void test_closed_textOfUnknownConnection_isReset(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_CLOSED, 0);
	send_text(&h, ACK | PSH, 100, 300, 20);
	expect(&h, "EST-08", RST, 300, 0);
	host_fini(&h);
}

static void test_closed_syn_isResetAtOnce(void)
{
	struct host h;

	host_init(&h, NULL);
	send_flags(&h, SYN, 100, 0);
	expect(&h, "EST-28", RST | ACK, 0, 101);
	host_fini(&h);
}

/* Text on a SYN is neither delivered nor acknowledged; the peer repeats it. */
static void test_listen_synWithText_textIgnored(void)
{
	struct host h;
	uint8_t buf[200];
	static const uint8_t text[100] = "early";

	host_init(&h, NULL);
	struct seg syn = {.flags = SYN, .data = text, .len = 100};
	host_open(&h, &syn); /* its SYN-ACK acknowledges IRS + 1 */
	expect_eq("EST-22", tg_lab_read(h.lab, h.sock, buf, 200), -EAGAIN, "nothing delivered");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	expect_eq("EST-22", tg_lab_read(h.lab, h.sock, buf, 200), 100, "its repeat is delivered");
	expect_eq("EST-22", buf[0], host_byte(&h, h.rcv_nxt), "the bytes of the repeat");
	host_fini(&h);
}

/* The first flight of a server, after so many repeated SYN-ACKs. */
static uint32_t first_flight(int lost)
{
	static uint8_t text[40000];
	struct host h;
	struct seg s;
	uint32_t flight = 0;

	host_init(&h, NULL);
	h.win = 65535;
	struct seg syn = {.flags = SYN, .win = 65535};
	opt_mss(&syn, 1000);
	host_syn(&h, &syn);
	for (int i = 0; i < lost; i++) {
		host_pass(&h, 1001u << i);
		expect(&h, "TO-02", SYN | ACK, h.iss, h.rcv_nxt);
	}
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.sock = tg_lab_accept(h.lab, h.listener);
	tg_lab_write(h.lab, h.sock, text, sizeof(text));
	while (host_next(&h, &s))
		flight += s.len;
	host_fini(&h);
	return flight;
}

static void test_established_synAckRepeats_initialWindow(void)
{
	/* DT-19: min(10 MSS, max(2 MSS, 14600)) */
	expect_eq("EST-25", first_flight(0), 10000, "first flight");
	expect_eq("EST-25", first_flight(1), 10000, "first flight after one repeat");
	expect_eq("EST-25", first_flight(2), 1000, "first flight after two repeats");
}

/* The handshake went twice, and is over: there was no sample (which SYN was answered? Karn), and
 * the first text waits 3 s for its ACK. */
static void expect_three_seconds(struct host *h)
{
	struct seg s;
	int64_t srtt = -1;

	h->una = h->nxt;
	tg_lab_getopt(h->lab, h->sock, TG_LAB_SRTT_US, &srtt);
	expect_eq("EST-25", srtt, 0, "SRTT");
	host_lab_writes(h, 10);
	uint64_t sent = h->now;
	host_pass(h, 2999);
	expect_nothing(h, "EST-25");
	host_pass(h, 2);
	expect_true("EST-25", host_next(h, &s) && s.at_ns - sent >= 3 * SEC, "RTO of 3 s");
	host_fini(h);
}

static void test_synReceived_timedOut_rtoThreeSeconds(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	host_pass(&h, 1001);
	expect(&h, "TO-02", SYN | ACK, h.iss, h.rcv_nxt);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.sock = tg_lab_accept(h.lab, h.listener);
	expect_three_seconds(&h);
}

static void test_synSent_timedOut_rtoThreeSeconds(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	host_pass(&h, 1001);
	expect(&h, "TO-01", SYN, h.iss, 0);
	host_pass(&h, 50);
	host_connected(&h);
	expect_three_seconds(&h);
}

/* The flow label of the datagram seen last. */
static uint32_t label_of(const struct host *h)
{
	return (uint32_t)(h->buf[1] & 15) << 16 | (uint32_t)h->buf[2] << 8 | h->buf[3];
}

/* LN-22, RFC 6437 2: one flow, one label, so that its segments take one path. */
static void test_established_flowLabel_isTheConnections(void)
{
	struct host h;

	host_init(&h, NULL);
	if (!h.v6) { /* no flow label */
		host_fini(&h);
		return;
	}
	host_open(&h, NULL);
	uint32_t label = label_of(&h), others = 0;
	expect_true("LN-22", label != 0, "there is one");
	for (int i = 0; i < 3; i++) {
		host_lab_writes(&h, 10);
		expect_eq("LN-22", label_of(&h), label, "the label of text");
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		h.una = h.nxt;
	}
	host_lab_fin(&h);
	expect_eq("LN-22", label_of(&h), label, "the label of the FIN");
	for (int i = 0; i < 8; i++) {
		h.rport++;
		host_syn(&h, NULL);
		others += label_of(&h) == label;
	}
	expect_eq("LN-22", others, 0, "connections of another port with this label");
	host_fini(&h);
}

/* A SYN from port; true if it is answered by a SYN-ACK, whose ACK then comes if finish. */
static bool syn_from(struct host *h, uint16_t port, bool finish)
{
	struct seg syn = {.flags = SYN, .seq = 1000, .sport = port, .win = 5000}, s;

	host_send(h, &syn);
	if (!host_next(h, &s) || s.flags != (SYN | ACK))
		return false;
	struct seg ack = {.flags = ACK, .seq = 1001, .ack = s.seq + 1, .sport = port, .win = 5000};
	if (finish)
		host_send(h, &ack);
	return true;
}

static void test_synReceived_synAgain_oneSynAckAnInterval(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	host_pass(&h, 600);
	send_flags(&h, SYN, h.irs, 0);
	expect(&h, "SE-02", SYN | ACK, h.iss, h.rcv_nxt);
	host_pass(&h, 100);
	send_flags(&h, SYN, h.irs, 0);
	expect_nothing(&h, "SE-02");
	expect_counter(&h, "SE-02", "conn_passive", 1);
	host_pass(&h, 290);
	send_text(&h, SYN, h.irs, 0, 50); /* its text is passed by */
	expect_nothing(&h, "SE-02");
	host_at(&h, 1001);
	expect(&h, "TO-02", SYN | ACK, h.iss, h.rcv_nxt);
	host_at(&h, 1700);
	send_text(&h, SYN, h.irs, 0, 50);
	expect(&h, "SE-02", SYN | ACK, h.iss, h.rcv_nxt);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "SE-12", "ESTABLISHED");
	host_fini(&h);
}

static void test_listen_acceptQueueFull_synDropped(void)
{
	struct host h;
	int opened = 0, sock[16], n = 0;

	host_init(&h, NULL);
	h.listener = tg_lab_listen(h.lab, NULL, h.lport, 4, NULL);
	while (opened < 10 && syn_from(&h, (uint16_t)(2000 + opened), true))
		opened++;
	expect_true("EST-26", opened >= 4 && opened <= 5, "the backlog bounds the queue");
	expect_counter(&h, "EST-26", "listen_overflow", 1);
	while (n < 16 && (sock[n] = tg_lab_accept(h.lab, h.listener)) >= 0)
		n++;
	expect_eq("EST-26", n, opened, "accepted");
	expect_true("EST-26", syn_from(&h, 3000, true), "the repeat succeeds when there is room");
	for (int i = 0; i < n; i++)
		tg_lab_abort(h.lab, sock[i]);
	host_fini(&h);
}

static void test_synReceived_acceptQueueFull_ackDroppedEntryKept(void)
{
	struct host h;
	struct seg s;

	host_init(&h, NULL);
	h.listener = tg_lab_listen(h.lab, NULL, h.lport, 1, NULL);
	host_syn(&h, NULL); /* half-open while others fill the queue */
	int filled = 0;
	while (filled < 4 && syn_from(&h, (uint16_t)(2000 + filled), true))
		filled++;
	int64_t before = host_counter(&h, "accept_overflow");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_nothing(&h, "EST-26");
	expect_state(&h, "EST-26", "SYN-RECEIVED");
	expect_counter(&h, "EST-26", "accept_overflow", before + 1);
	int sock = tg_lab_accept(h.lab, h.listener);
	while ((h.sock = tg_lab_accept(h.lab, h.listener)) >= 0)
		tg_lab_abort(h.lab, h.sock);
	tg_lab_abort(h.lab, sock);
	while (host_next(&h, &s))
		;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "EST-26", "ESTABLISHED");
	host_fini(&h);
}

static void test_synReceived_deferAccept_waitsForText(void)
{
	struct host h;

	host_init(&h, NULL);
	host_listen(&h, "defer_accept_ms=3000");
	host_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_nothing(&h, "EST-35");
	expect_state(&h, "EST-35", "SYN-RECEIVED");
	expect_counter(&h, "EST-35", "defer_accept", 1);
	expect_eq("EST-35", tg_lab_accept(h.lab, h.listener), -EAGAIN, "accept");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.sock = tg_lab_accept(h.lab, h.listener);
	expect_true("EST-35", h.sock >= 0, "accept after text");
	host_fini(&h);
	host_init(&h, NULL); /* no text comes */
	host_listen(&h, "defer_accept_ms=3000");
	host_syn(&h, NULL);
	for (int ms = 0; ms < 3000; ms += 500) {
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect_nothing(&h, "EST-35");
		expect_state(&h, "EST-35", "SYN-RECEIVED");
		host_pass(&h, 500);
	}
	expect(&h, "EST-35", SYN | ACK, h.iss, h.rcv_nxt);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "EST-35", "ESTABLISHED");
	host_fini(&h);
}

/* SE-05: text behind the SYN of a SYN,ACK is used. */
static void test_synSent_textOnSynAck_isDelivered(void)
{
	struct host h;
	uint8_t buf[20];

	host_init(&h, NULL);
	host_connect(&h, NULL);
	struct seg s = {.flags = SYN | ACK,
			.seq = h.irs,
			.ack = h.nxt,
			.win = h.win,
			.data = (const uint8_t *)"0123456789",
			.len = 10};
	host_send(&h, &s);
	h.rcv_nxt += 10;
	expect_ack(&h, "SE-05");
	expect_eq("SE-05", tg_lab_read(h.lab, h.sock, buf, 20), 10, "bytes");
	expect_true("SE-05", !memcmp(buf, "0123456789", 10), "the bytes");
	host_fini(&h);
}

/* SE-15: the handshake's ACK may come with text, of both origins. */
static void test_synReceived_textWithAck_opensAndDelivers(void)
{
	static const enum state states[] = {ST_SYN_RECEIVED, ST_SYN_RECEIVED_A};

	for (int i = 0; i < 2; i++) {
		struct host h;
		uint8_t buf[20];
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 10);
		expect_state(&h, "SE-15", "ESTABLISHED");
		if (states[i] == ST_SYN_RECEIVED)
			h.sock = tg_lab_accept(h.lab, h.listener);
		expect_eq("SE-15", tg_lab_read(h.lab, h.sock, buf, 20), 10, "bytes");
		expect_eq("SE-15", buf[9], host_byte(&h, h.rcv_nxt + 9), "the last of them");
		h.rcv_nxt += 10;
		host_pass(&h, 500);
		expect_ack(&h, "SE-15");
		host_fini(&h);
	}
}

/* SE-12, SE-15, SE-16: what acknowledges our SYN and has none of its own is dropped. */
static void test_synSent_textWithAck_isDropped(void)
{
	struct host h;
	uint8_t buf[20];

	host_init(&h, NULL);
	host_connect(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 10);
	send_text(&h, ACK | FIN, h.rcv_nxt, h.nxt, 10);
	expect_nothing(&h, "SE-15");
	expect_state(&h, "SE-15", "SYN-SENT");
	expect_counter(&h, "SE-15", "synsent_ack", 3);
	host_pass(&h, 1001); /* the SYN's timer goes on */
	expect(&h, "SE-12", SYN, h.iss, 0);
	host_connected(&h);
	expect_eq("SE-15", tg_lab_read(h.lab, h.sock, buf, 20), -EAGAIN, "nothing was kept");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_synSent_sameTuple_issFollowsTheClock", test_synSent_sameTuple_issFollowsTheClock},
    {"test_synSent_otherTuples_issUnrelated", test_synSent_otherTuples_issUnrelated},
    {"test_synSent_otherSeed_issUnrelated", test_synSent_otherSeed_issUnrelated},
    {"test_synReceived_beforeAck_nothingToAccept", test_synReceived_beforeAck_nothingToAccept},
    {"test_listen_staleSyn_thenTheTrueOne", test_listen_staleSyn_thenTheTrueOne},
    {"test_listen_synAckOfOldSyn_isReset", test_listen_synAckOfOldSyn_isReset},
    {"test_synSent_crossedSyn_oneConnection", test_synSent_crossedSyn_oneConnection},
    {"test_established_restartedPeer_connectsAgain", test_established_restartedPeer_connectsAgain},
    {"test_closed_textOfUnknownConnection_isReset", test_closed_textOfUnknownConnection_isReset},
    {"test_closed_syn_isResetAtOnce", test_closed_syn_isResetAtOnce},
    {"test_listen_synWithText_textIgnored", test_listen_synWithText_textIgnored},
    {"test_established_synAckRepeats_initialWindow", test_established_synAckRepeats_initialWindow},
    {"test_synReceived_timedOut_rtoThreeSeconds", test_synReceived_timedOut_rtoThreeSeconds},
    {"test_synSent_timedOut_rtoThreeSeconds", test_synSent_timedOut_rtoThreeSeconds},
    {"test_established_flowLabel_isTheConnections", test_established_flowLabel_isTheConnections},
    {"test_synReceived_synAgain_oneSynAckAnInterval",
     test_synReceived_synAgain_oneSynAckAnInterval},
    {"test_listen_acceptQueueFull_synDropped", test_listen_acceptQueueFull_synDropped},
    {"test_synReceived_acceptQueueFull_ackDroppedEntryKept",
     test_synReceived_acceptQueueFull_ackDroppedEntryKept},
    {"test_synReceived_deferAccept_waitsForText", test_synReceived_deferAccept_waitsForText},
    {"test_synSent_textOnSynAck_isDelivered", test_synSent_textOnSynAck_isDelivered},
    {"test_synReceived_textWithAck_opensAndDelivers",
     test_synReceived_textWithAck_opensAndDelivers},
    {"test_synSent_textWithAck_isDropped", test_synSent_textWithAck_isDropped},
};

int main(int argc, char **argv)
{
	return host_main("conformance-establish", tests, TG_TEST_N(tests), argc, argv);
}
