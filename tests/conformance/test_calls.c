/* SPDX-License-Identifier: BSD-3-Clause */
/* test_calls.c: user calls by state (RFC 9293 3.9.1, 3.10.1-5): UC-01 to UC-10. */
#include "lab_host.h"

static ssize_t lab_read(struct host *h, uint8_t *buf, size_t n)
{
	return tg_lab_read(h->lab, h->sock, buf, n);
}

/* Reads n bytes that begin at seq of the peer's stream. */
static void expect_read(struct host *h, const char *rule, uint32_t seq, uint32_t n)
{
	uint8_t buf[20000];

	expect_eq(rule, lab_read(h, buf, sizeof(buf)), n, "bytes read");
	for (uint32_t i = 0; i < n; i++)
		if (buf[i] != host_byte(h, seq + i)) {
			expect_eq(rule, buf[i], host_byte(h, seq + i), "a byte of the stream");
			break;
		}
}

static void expect_error_once(struct host *h, const char *rule, int error)
{
	uint8_t buf[10];

	expect_true(rule, tg_lab_poll(h->lab, h->sock) & TG_LAB_ERR, "poll tells the error");
	expect_eq(rule, lab_read(h, buf, sizeof(buf)), error, "the error");
	expect_eq(rule, lab_read(h, buf, sizeof(buf)), 0, "then end of stream");
}

static void test_listen_secondOnSamePort_isRefused(void)
{
	struct host h;

	host_init(&h, NULL);
	host_listen(&h, NULL);
	expect_true("UC-01", tg_lab_listen(h.lab, NULL, h.lport, 16, NULL) < 0,
		    "a second listener on the port is refused");
	host_fini(&h);
}

static void test_listen_closed_connectionsLiveOn(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	expect_eq("UC-01", tg_lab_close(h.lab, h.listener), 0, "close of the listener");
	h.listener = -1;
	expect_nothing(&h, "UC-01");
	send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 10); /* MUST-41, MUST-42 */
	expect_read(&h, "UC-01", h.rcv_nxt, 10);
	h.rcv_nxt += 10;
	host_pass(&h, 500);
	expect_ack(&h, "UC-01");
	host_lab_writes(&h, 5);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	struct seg syn = {.flags = SYN, .seq = 7, .sport = 1234, .win = 100};
	host_send(&h, &syn);
	expect(&h, "UC-01", RST | ACK, 0, 8);
	host_fini(&h);
}

static void test_listen_closedBeforeAccept_getsRst(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_nothing(&h, "SE-12");
	tg_lab_close(h.lab, h.listener);
	h.listener = -1;
	expect_abort(&h, "UC-07");
	expect_state(&h, "UC-07", "CLOSED");
	host_fini(&h);
}

static void test_synReceived_listenerClosed_nextSegmentMeetsClosed(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	tg_lab_close(h.lab, h.listener);
	h.listener = -1;
	expect_nothing(&h, "UC-07");
	expect_state(&h, "UC-07", "CLOSED");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect(&h, "UC-07", RST, h.nxt, 0);
	host_fini(&h);
}

static void test_closed_open_sendsOneSyn(void)
{
	struct host h;

	host_init(&h, NULL);
	struct seg syn = host_connect(&h, NULL);
	expect_eq("UC-02", syn.sport, h.lport, "source port");
	expect_eq("UC-02", syn.dport, h.rport, "destination port");
	expect_eq("UC-02", syn.ack, 0, "ACK field of a SYN");
	expect_nothing(&h, "UC-02");
	expect_true("UC-02", tg_lab_connect(h.lab, NULL, h.lport, h.raddr, h.rport, NULL) < 0,
		    "the same connection again: it exists");
	expect_nothing(&h, "UC-02");
	host_fini(&h);
}

static void test_closed_openToGroup_isRefused(void)
{
	static const char *const v4[] = {"224.0.0.1", "255.255.255.255", "192.168.255.255"};
	static const char *const v6[] = {"ff02::1", "ff0e::5", "::"};
	struct host h;

	host_init(&h, NULL);
	for (int i = 0; i < 3; i++)
		expect_true("UC-02", /* MUST-46 */
			    tg_lab_connect(h.lab, NULL, 0, h.v6 ? v6[i] : v4[i], 80, NULL) < 0,
			    h.v6 ? v6[i] : v4[i]);
	expect_nothing(&h, "UC-02");
	host_fini(&h);
}

static void test_synSent_send_isQueued(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	expect_eq("UC-03", tg_lab_write(h.lab, h.sock, "0123456789", 10), 10, "write");
	expect_nothing(&h, "UC-03");
	send_flags(&h, SYN | ACK, h.irs, h.nxt);
	struct seg s, ack = {.len = 0};
	bool text = false;
	while (host_next(&h, &s)) { /* the ACK may ride on the text */
		ack = s;
		text |= s.len == 10 && s.seq == h.nxt && !memcmp(s.data, "0123456789", 10);
	}
	expect_true("UC-03", text, "the text is sent when the connection opens");
	expect_eq("SE-05", ack.ack, h.rcv_nxt, "the SYN is acknowledged");
	host_fini(&h);
}

static void test_synReceived_send_isQueued(void)
{
	struct host h;
	struct seg s;

	host_init(&h, "nodelay=on"); /* it is not Nagle that holds it */
	host_reach(&h, ST_SYN_RECEIVED_A, 0);
	expect_eq("UC-03", tg_lab_write(h.lab, h.sock, "0123456789", 10), 10, "write");
	expect_nothing(&h, "UC-03");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_true("UC-03", host_next(&h, &s) && s.len == 10 && s.seq == h.nxt,
		    "the text is sent when the connection opens");
	host_fini(&h);
}

static void test_closingStates_send_isRefused(void)
{
	static const enum state states[] = {ST_FIN_WAIT_1, ST_FIN_WAIT_2, ST_CLOSING, ST_LAST_ACK,
					    ST_TIME_WAIT};

	for (int i = 0; i < 5; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		expect_eq("UC-03", tg_lab_write(h.lab, h.sock, "x", 1), -EPIPE,
			  state_name[states[i]]);
		expect_nothing(&h, "UC-03");
		host_fini(&h);
	}
}

static void test_closeWait_receive_deliversThenEnds(void)
{
	struct host h;
	uint8_t buf[10];

	host_init(&h, NULL);
	host_open(&h, NULL);
	expect_eq("UC-04", lab_read(&h, buf, 10), -EAGAIN, "nothing to read yet");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 30);
	h.rcv_nxt += 30;
	host_fin(&h, h.nxt);
	expect_state(&h, "SE-37", "CLOSE-WAIT");
	expect_eq("UC-04", lab_read(&h, buf, 10), 10, "the first ten bytes");
	expect_eq("UC-04", buf[9], host_byte(&h, h.irs + 10), "the tenth byte");
	expect_read(&h, "UC-04", h.irs + 11, 20);
	expect_eq("UC-04", lab_read(&h, buf, 10), 0, "end of stream");
	expect_eq("UC-04", lab_read(&h, buf, 10), 0, "and again");
	host_fini(&h);
}

static void test_closingStates_receive_isEndOfStream(void)
{
	static const enum state states[] = {ST_CLOSING, ST_LAST_ACK, ST_TIME_WAIT};

	for (int i = 0; i < 3; i++) {
		struct host h;
		uint8_t buf[10];
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		expect_eq("UC-04", lab_read(&h, buf, 10), 0, state_name[states[i]]);
		host_fini(&h);
	}
}

static void test_unsynchronized_close_isSilent(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	expect_eq("UC-05", tg_lab_close(h.lab, h.sock), 0, "close in SYN-SENT");
	h.sock = -1;
	expect_nothing(&h, "UC-05");
	expect_state(&h, "UC-05", "CLOSED");
	host_pass(&h, 10000);
	expect_nothing(&h, "UC-05");
	host_fini(&h);
}

static void test_synReceived_shutdown_sendsFinNow(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_SYN_RECEIVED_A, 0);
	host_lab_fin(&h);
	expect_state(&h, "UC-05", "FIN-WAIT-1");
	host_fini(&h);
}

static void test_synReceived_shutdownWithText_finAfterIt(void)
{
	struct host h;
	struct seg s;
	uint32_t text = 0, fin = 0;

	host_init(&h, NULL);
	host_reach(&h, ST_SYN_RECEIVED_A, 0);
	tg_lab_write(h.lab, h.sock, "0123456789", 10);
	expect_eq("UC-05", tg_lab_shutdown(h.lab, h.sock, SHUT_WR), 0, "shutdown");
	expect_nothing(&h, "UC-05");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	while (host_next(&h, &s)) {
		text += s.len;
		if (s.flags & FIN)
			fin = s.seq + s.len;
	}
	expect_eq("UC-05", text, 10, "text before the FIN");
	expect_eq("UC-05", fin, (uint32_t)(h.nxt + 10), "SEQ of the FIN");
	expect_state(&h, "UC-05", "FIN-WAIT-1");
	host_fini(&h);
}

static void test_established_shutdown_finAfterQueuedText(void)
{
	struct host h;
	struct seg s;

	host_init(&h, NULL);
	h.win = 10;
	host_open(&h, NULL);
	expect_eq("UC-05", tg_lab_write(h.lab, h.sock, "012345678901234567890123456789", 30), 30,
		  "write");
	tg_lab_shutdown(h.lab, h.sock, SHUT_WR); /* two windows are still queued */
	for (uint32_t sent = 0; sent < 30;) {
		if (!host_next(&h, &s)) {
			expect_true("UC-05", false, "the queued text comes");
			break;
		}
		expect_eq("UC-05", s.seq, h.nxt, "SEQ of the text");
		h.nxt += s.len;
		sent += s.len;
		expect_true("UC-05", sent == 30 || !(s.flags & FIN), "FIN after the text only");
		if (s.flags & FIN)
			h.nxt++;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	}
	if (host_next(&h, &s)) { /* unless it rode on the text */
		expect_eq("UC-05", s.flags & FIN, FIN, "the FIN");
		expect_eq("UC-05", s.seq, (uint32_t)(h.iss + 31), "SEQ of the FIN = last byte + 1");
		h.nxt = s.seq + 1;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	}
	expect_state(&h, "UC-05", "FIN-WAIT-2");
	host_fini(&h);
}

static void test_finSent_closeAgain_noSecondFin(void)
{
	static const enum state states[] = {ST_FIN_WAIT_1, ST_FIN_WAIT_2, ST_CLOSING, ST_LAST_ACK,
					    ST_TIME_WAIT};

	for (int i = 0; i < 5; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		int rc = tg_lab_shutdown(h.lab, h.sock, SHUT_WR);
		if (i < 2)
			expect_eq("UC-05", rc, 0, state_name[states[i]]);
		expect_nothing(&h, "UC-05");
		expect_state(&h, "UC-05", state_name[states[i]]);
		tg_lab_close(h.lab, h.sock);
		h.sock = -1;
		expect_nothing(&h, "UC-05");
		expect_state(&h, "UC-05", state_name[states[i]]);
		host_fini(&h);
	}
}

static void test_finWait_megabyteAfterOurFin_isDelivered(void)
{
	enum { MEGABYTE = 1 << 20, STEP = 1000 };
	struct host h;
	struct seg s;
	uint8_t buf[STEP];
	uint32_t acked = 0, sent = 0;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_1, 0);
	for (uint32_t start = h.rcv_nxt; sent < MEGABYTE; sent += STEP) {
		/* After the first text our ACK covers the FIN: FIN-WAIT-2. */
		send_text(&h, ACK, start + sent, sent ? h.nxt : h.una, STEP);
		h.rcv_nxt = start + sent + STEP;
		expect_eq("UC-06", lab_read(&h, buf, STEP), STEP, "bytes read after our FIN");
		if (buf[0] != host_byte(&h, start + sent))
			expect_true("UC-06", false, "the stream is whole");
		host_pass(&h, 100);
		while (host_next(&h, &s))
			if ((int32_t)(s.ack - start) > (int32_t)acked)
				acked = s.ack - start;
	}
	expect_true("UC-06", acked >= MEGABYTE, "all of it is acknowledged");
	expect_state(&h, "UC-06", "FIN-WAIT-2");
	host_pass(&h, 3600 * 1000); /* no limit while the reader is there (DIS-06) */
	expect_state(&h, "UC-06", "FIN-WAIT-2");
	host_fini(&h);
}

static void test_synchronized_abort_sendsRst(void)
{
	static const enum state states[] = {ST_SYN_RECEIVED_A, ST_ESTABLISHED, ST_FIN_WAIT_1,
					    ST_FIN_WAIT_2, ST_CLOSE_WAIT};

	for (int i = 0; i < 5; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		expect_eq("UC-07", tg_lab_abort(h.lab, h.sock), 0, "abort");
		h.sock = -1;
		expect_abort(&h, state_name[states[i]]);
		expect_nothing(&h, "UC-07");
		expect_state(&h, "UC-07", "CLOSED");
		host_fini(&h);
	}
}

static void test_closingStates_abort_isSilent(void)
{
	static const enum state states[] = {ST_SYN_SENT, ST_CLOSING, ST_LAST_ACK, ST_TIME_WAIT};

	for (int i = 0; i < 4; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		tg_lab_abort(h.lab, h.sock);
		h.sock = -1;
		expect_nothing(&h, state_name[states[i]]);
		expect_state(&h, "UC-07", states[i] == ST_TIME_WAIT ? "TIME-WAIT" : "CLOSED");
		host_fini(&h);
	}
}

static void test_established_closeUnread_sendsRst(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.rcv_nxt += 10;
	host_drain(&h);
	expect_eq("UC-08", tg_lab_close(h.lab, h.sock), 0, "close");
	h.sock = -1;
	expect_abort(&h, "UC-08");
	expect_state(&h, "UC-08", "CLOSED");
	expect_counter(&h, "UC-08", "abort_on_unread", 1);
	host_fini(&h);
}

static void test_closeWait_closeUnread_sendsRst(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.rcv_nxt += 10;
	host_fin(&h, h.nxt);
	tg_lab_close(h.lab, h.sock);
	h.sock = -1;
	expect_abort(&h, "UC-08");
	expect_state(&h, "UC-08", "CLOSED");
	host_fini(&h);
}

static void test_established_closeLingerZero_sendsRst(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	expect_eq("UC-09", tg_lab_setopt(h.lab, h.sock, TG_LAB_LINGER_MS, 0), 0, "linger 0");
	tg_lab_close(h.lab, h.sock);
	h.sock = -1;
	expect_abort(&h, "UC-09");
	expect_state(&h, "UC-09", "CLOSED");
	host_fini(&h);
}

static void test_established_rst_tellsReset(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.rcv_nxt += 10;
	send_flags(&h, RST, h.rcv_nxt, 0);
	host_drain(&h);
	expect_error_once(&h, "UC-10", -ECONNRESET); /* and what was queued is gone */
	host_fini(&h);
}

static void test_synSent_rst_tellsRefused(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	send_flags(&h, RST | ACK, 0, h.nxt);
	expect_state(&h, "SE-10", "CLOSED");
	expect_error_once(&h, "UC-10", -ECONNREFUSED);
	expect_counter(&h, "SE-10", "conn_refused", 1);
	host_fini(&h);
}

static void test_synReceivedActive_rst_tellsRefused(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_SYN_RECEIVED_A, 0);
	send_flags(&h, RST, h.rcv_nxt, 0);
	expect_state(&h, "SE-07", "CLOSED");
	expect_error_once(&h, "UC-10", -ECONNREFUSED);
	host_fini(&h);
}

static void test_synReceived_rst_userIsNotTold(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	send_flags(&h, RST, h.rcv_nxt, 0);
	expect_eq("SE-07", tg_lab_accept(h.lab, h.listener), -EAGAIN, "nothing to accept");
	expect_eq("SE-07", tg_lab_poll(h.lab, h.listener) & TG_LAB_IN, 0, "the listener is silent");
	host_fini(&h);
}

static void test_waitingForAccept_rst_isAcceptedWithError(void)
{
	struct host h;

	host_init(&h, NULL);
	host_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	send_flags(&h, RST, h.rcv_nxt, 0);
	h.sock = tg_lab_accept(h.lab, h.listener);
	expect_true("lab.h", h.sock >= 0, "a connection reset while it waited is accepted");
	expect_error_once(&h, "UC-10", -ECONNRESET);
	host_fini(&h);
}

/* SE-22: in every state in which the peer might still have sent something, or we. */
static void test_synchronized_rst_tellsReset(void)
{
	static const enum state states[] = {ST_ESTABLISHED, ST_FIN_WAIT_1, ST_FIN_WAIT_2,
					    ST_CLOSE_WAIT};

	for (int i = 0; i < 4; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		send_flags(&h, RST, h.rcv_nxt, 0);
		expect_nothing(&h, "SE-22");
		expect_state(&h, "SE-22", "CLOSED");
		expect_error_once(&h, state_name[states[i]], -ECONNRESET);
		host_fini(&h);
	}
}

/* SE-22: both sides have closed; there is nothing to tell. */
static void test_closingStates_rst_userIsNotTold(void)
{
	static const enum state states[] = {ST_CLOSING, ST_LAST_ACK};

	for (int i = 0; i < 2; i++) {
		struct host h;
		uint8_t buf[4];
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		send_flags(&h, RST, h.rcv_nxt, 0);
		expect_nothing(&h, "SE-22");
		expect_state(&h, "SE-22", "CLOSED");
		expect_eq(state_name[states[i]], tg_lab_read(h.lab, h.sock, buf, 4), 0, "read");
		expect_eq("SE-22", tg_lab_poll(h.lab, h.sock) & TG_LAB_ERR, 0, "no error");
		host_fini(&h);
	}
}

/* UC-01: also when it is named; an address and the wildcard are two. */
static void test_listen_secondOnSameAddress_isRefused(void)
{
	struct host h;

	host_init(&h, NULL);
	h.listener = tg_lab_listen(h.lab, h.laddr, h.lport, 16, NULL);
	expect_true("UC-01", h.listener >= 0, "the first");
	expect_eq("UC-01", tg_lab_listen(h.lab, h.laddr, h.lport, 16, NULL), -EADDRINUSE,
		  "a second on the same address and port");
	expect_true("UC-01", tg_lab_listen(h.lab, h.laddr, 81, 16, NULL) >= 0, "another port");
	host_open(&h, NULL);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_listen_secondOnSamePort_isRefused", test_listen_secondOnSamePort_isRefused},
    {"test_listen_closed_connectionsLiveOn", test_listen_closed_connectionsLiveOn},
    {"test_listen_closedBeforeAccept_getsRst", test_listen_closedBeforeAccept_getsRst},
    {"test_synReceived_listenerClosed_nextSegmentMeetsClosed",
     test_synReceived_listenerClosed_nextSegmentMeetsClosed},
    {"test_closed_open_sendsOneSyn", test_closed_open_sendsOneSyn},
    {"test_closed_openToGroup_isRefused", test_closed_openToGroup_isRefused},
    {"test_synSent_send_isQueued", test_synSent_send_isQueued},
    {"test_synReceived_send_isQueued", test_synReceived_send_isQueued},
    {"test_closingStates_send_isRefused", test_closingStates_send_isRefused},
    {"test_closeWait_receive_deliversThenEnds", test_closeWait_receive_deliversThenEnds},
    {"test_closingStates_receive_isEndOfStream", test_closingStates_receive_isEndOfStream},
    {"test_unsynchronized_close_isSilent", test_unsynchronized_close_isSilent},
    {"test_synReceived_shutdown_sendsFinNow", test_synReceived_shutdown_sendsFinNow},
    {"test_synReceived_shutdownWithText_finAfterIt", test_synReceived_shutdownWithText_finAfterIt},
    {"test_established_shutdown_finAfterQueuedText", test_established_shutdown_finAfterQueuedText},
    {"test_finSent_closeAgain_noSecondFin", test_finSent_closeAgain_noSecondFin},
    {"test_finWait_megabyteAfterOurFin_isDelivered", test_finWait_megabyteAfterOurFin_isDelivered},
    {"test_synchronized_abort_sendsRst", test_synchronized_abort_sendsRst},
    {"test_closingStates_abort_isSilent", test_closingStates_abort_isSilent},
    {"test_established_closeUnread_sendsRst", test_established_closeUnread_sendsRst},
    {"test_closeWait_closeUnread_sendsRst", test_closeWait_closeUnread_sendsRst},
    {"test_established_closeLingerZero_sendsRst", test_established_closeLingerZero_sendsRst},
    {"test_established_rst_tellsReset", test_established_rst_tellsReset},
    {"test_synSent_rst_tellsRefused", test_synSent_rst_tellsRefused},
    {"test_synReceivedActive_rst_tellsRefused", test_synReceivedActive_rst_tellsRefused},
    {"test_synReceived_rst_userIsNotTold", test_synReceived_rst_userIsNotTold},
    {"test_waitingForAccept_rst_isAcceptedWithError",
     test_waitingForAccept_rst_isAcceptedWithError},
    {"test_synchronized_rst_tellsReset", test_synchronized_rst_tellsReset},
    {"test_closingStates_rst_userIsNotTold", test_closingStates_rst_userIsNotTold},
    {"test_listen_secondOnSameAddress_isRefused", test_listen_secondOnSameAddress_isRefused},
};

int main(int argc, char **argv)
{
	return host_main("conformance-calls", tests, TG_TEST_N(tests), argc, argv);
}
