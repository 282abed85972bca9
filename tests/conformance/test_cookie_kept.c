/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cookie_kept.c: what SYN cookies keep: the options of the SYN (SC-03, 05, 06), the handshake
 * beside half-open entries (SC-10, SC-19), and that they open one connection (SC-15). */
#include "cookie_host.h"

/* --- options, in the timestamp --- */

/* SC-03: a SYN with timestamps loses nothing: scale, SACK and timestamps are on, as if an entry had
 * remembered them; TSval goes on from the cookie's, and the first text is measured from when it was
 * sent. */
static void test_cookie_fullSyn_optionsAreKept(void)
{
	struct host h;
	struct seg syn = host_syn_full(), s;
	static const uint8_t bytes[60000];
	uint32_t sent = 0;

	always(&h, "rcvbuf=200000 sndbuf=100000");
	s = cookie_syn(&h, &syn);
	expect_true("SC-03", s.has_ts && s.has_ws && s.has_sackok && s.has_mss, "all options");
	expect_eq("SC-03", s.tsecr, 1000, "TSecr");
	h.ts_last = s.tsval;
	const uint32_t first = s.tsval;
	h.win = 400; /* times 128 */
	host_pass(&h, 30);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	expect_eq("SC-03", tg_lab_write(h.lab, h.sock, bytes, sizeof(bytes)), sizeof(bytes),
		  "write");
	while (host_next(&h, &s)) {
		sent += s.len;
		expect_true("SC-03", s.has_ts && s.tsval - first < 1000, "TSval goes on");
	}
	expect_true("SC-03", sent > 400 && sent <= 51200, "the window is scaled");
	/* Of a hole SACK tells. */
	send_text(&h, ACK, h.rcv_nxt + 1000, h.nxt, 500);
	expect_true("SC-03", host_next(&h, &s), "an ACK");
	expect_eq("SC-03", s.sack_n, 1, "SACK blocks");
	expect_true("SC-03", s.win > 1000 && s.win < 2000, "our own window is scaled");
	host_fini(&h);
}

/* SC-03, EST-13, EST-20, EST-32: what the SYN had not, or what is off here, is not offered. */
static void test_cookie_synLacksOptions_synAckLacksThem(void)
{
	for (int bits = 0; bits < 16; bits++) {
		struct host h;
		struct seg syn = {.flags = SYN}, s;
		bool sack = bits & 1, ws = bits & 2, ecn = bits & 4, here = bits & 8;

		opt_mss(&syn, 1460);
		opt_ts(&syn, 1000, 0);
		if (sack)
			opt_sackok(&syn);
		if (ws)
			opt_ws(&syn, 5);
		if (ecn)
			syn.flags |= ECE | CWR;
		always(&h, here ? "ecn=on" : "sack=off ecn=off");
		s = cookie_syn(&h, &syn);
		expect_eq("SC-03", s.has_sackok, sack && here, "SACK");
		expect_eq("SC-03", s.has_ws, ws, "scale");
		expect_eq("EST-32", (s.flags & ECE) != 0, ecn && here, "ECN");
		h.ts_last = s.tsval;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		take(&h);
		expect_counter(&h, "SC-24", "cookie_ok", 1);
		host_fini(&h);
	}
}

/* SC-05, SC-06: each bit of the echo is looked at; and without one the ISN alone is nothing. */
static void test_cookie_echoChanged_isReset(void)
{
	for (int bit = -1; bit < 32; bit++) {
		struct host h;
		struct seg syn = host_syn_full(), s;

		always(&h, "ecn=on");
		s = cookie_syn(&h, &syn);
		h.ts_last = bit < 0 ? s.tsval : s.tsval ^ UINT32_C(1) << bit;
		h.ts = bit >= 0;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect(&h, "SC-05", RST, h.nxt, 0);
		expect_state(&h, "SC-05", "CLOSED");
		/* The last two epochs are named by a few values of the high bits; all others are
		 * told apart. */
		expect_eq("SC-24",
			  host_counter(&h, "cookie_ts_bad") + host_counter(&h, "cookie_bad_mac"), 1,
			  "fates");
		if (bit >= 0 && bit < 17) /* the epoch is right, the MAC is not */
			expect_counter(&h, "SC-05", "cookie_bad_mac", 1);
		if (bit >= 20)
			expect_counter(&h, "SC-05", "cookie_ts_bad", 1);
		host_fini(&h);
	}
}

/* --- replays and entries --- */

/* SC-15: whichever way it ended, the ACK of its handshake opens no second one, as long as it is
 * valid; a new handshake of the same tuple does. */
static void test_cookie_replayAfterTheEnd_isNoConnection(void)
{
	for (int how = 0; how < 3; how++) {
		struct host h;
		uint32_t seq, ack;

		always(&h, NULL);
		cookie_syn(&h, NULL);
		seq = h.rcv_nxt;
		ack = h.nxt;
		send_flags(&h, ACK, seq, ack);
		take(&h);
		if (how == 0) {
			send_flags(&h, RST, h.rcv_nxt, 0);
		} else if (how == 1) { /* passive close: no TIME-WAIT here (TD-28) */
			send_flags(&h, FIN | ACK, h.rcv_nxt, h.nxt);
			h.rcv_nxt++;
			host_drain(&h);
			tg_lab_close(h.lab, h.sock);
			h.sock = -1;
			host_drain(&h);
			send_flags(&h, ACK, h.rcv_nxt, h.nxt + 1);
		} else { /* active: TIME-WAIT is over before the cookie is */
			host_lab_fin(&h);
			send_flags(&h, ACK, h.rcv_nxt, h.nxt);
			host_fin(&h, h.nxt);
			host_pass(&h, 61000);
		}
		host_drain(&h);
		expect_state(&h, "SC-15", "CLOSED");
		host_pass(&h, 30000);
		send_flags(&h, ACK, seq, ack);
		expect(&h, "SC-15", RST, ack, 0);
		expect_counter(&h, "SC-15", "cookie_replay", 1);
		send_text(&h, ACK, seq, ack, 10);
		expect_nothing(&h, "SC-15");
		if (h.sock >= 0)
			tg_lab_close(h.lab, h.sock);
		expect_eq("SC-15", tg_lab_accept(h.lab, h.listener), -EAGAIN,
			  "a second connection");
		h.irs += 1000;
		cookie_syn(&h, NULL);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		take(&h);
		host_fini(&h);
	}
}

/* SC-10: a cookie, then an entry for the same SYN: one answer for both, whole, and the ACK of
 * either opens. */
static void test_listen_cookieThenEntry_sameSynAck(void)
{
	for (int full = 0; full < 2; full++) {
		struct host h;
		struct seg syn = full ? host_syn_full() : (struct seg){.flags = SYN}, a, b;

		host_init(&h, "synq_high=20 synq_low=10");
		host_listen(&h, "syn_cookies=auto");
		flood(&h, 1000, 30);
		a = cookie_syn(&h, &syn);
		host_pass(&h, 63100); /* the entries are given up */
		host_drain(&h);
		b = host_syn(&h, &syn);
		expect_counter(&h, "SC-10", "cookie_disarmed", 1);
		expect_state(&h, "SC-10", "SYN-RECEIVED");
		expect_eq("SC-10", b.seq, a.seq, "the ISN");
		expect_eq("SC-10", b.tsval, a.tsval, "the TSval");
		expect_eq("SC-10", b.opt_len, a.opt_len, "option bytes");
		host_pass(&h, 1001); /* and a third time: it stays the cookie's */
		expect_true("SC-10", host_next(&h, &b) && b.seq == a.seq, "repeated");
		expect_eq("SC-10", b.tsval, a.tsval, "the TSval again");
		h.ts_last = a.tsval;
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		take(&h);
		host_fini(&h);
	}
}

/* SC-19: the entry has a number of its own: its options are in no cookie, or it stood before the
 * flood; an ACK of the cookie takes its place. The entry's own ACK goes on being good. */
static void test_synReceived_ackOfACookie_isAdopted(void)
{
	for (int own = 0; own < 2; own++) {
		struct host h;
		struct seg syn = {.flags = SYN}, a, b;

		opt_mss(&syn, 1460);
		opt_sackok(&syn);
		opt_ws(&syn, 7);
		host_init(&h, "synq_high=20 synq_low=10");
		host_listen(&h, "syn_cookies=auto");
		flood(&h, 1000, 30);
		a = cookie_syn(&h, &syn);
		expect_eq("SC-04", a.opt_len, 4, "MSS alone");
		host_pass(&h, 63100);
		host_drain(&h);
		b = host_syn(&h, &syn);
		expect_state(&h, "SC-19", "SYN-RECEIVED");
		expect_true("SC-19", b.seq != a.seq && b.has_ws && b.has_sackok, "its own answer");
		send_flags(&h, ACK, h.rcv_nxt, (own ? b.seq : a.seq) + 1);
		expect_nothing(&h, "SC-19");
		expect_counter(&h, "SC-19", "cookie_adopted", !own);
		h.nxt = (own ? b.seq : a.seq) + 1;
		take(&h);
		expect_eq("SC-19", tg_lab_accept(h.lab, h.listener), -EAGAIN,
			  "a second connection");
		host_lab_writes(&h, 10);
		host_fini(&h);
	}
}

/* SC-19: what is no cookie either resets as ever (SE-13), and the entry stays. */
static void test_synReceived_ackOfNothing_isReset(void)
{
	struct host h;

	host_init(&h, "synq_high=20 synq_low=10");
	host_listen(&h, "syn_cookies=auto");
	flood(&h, 1000, 30);
	host_pass(&h, 63100);
	host_drain(&h);
	host_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt + 7);
	expect(&h, "SC-19", RST, h.nxt + 7, 0);
	expect_state(&h, "SC-19", "SYN-RECEIVED");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_cookie_replayAfterTheEnd_isNoConnection", test_cookie_replayAfterTheEnd_isNoConnection},
    {"test_listen_cookieThenEntry_sameSynAck", test_listen_cookieThenEntry_sameSynAck},
    {"test_synReceived_ackOfACookie_isAdopted", test_synReceived_ackOfACookie_isAdopted},
    {"test_synReceived_ackOfNothing_isReset", test_synReceived_ackOfNothing_isReset},
    {"test_cookie_fullSyn_optionsAreKept", test_cookie_fullSyn_optionsAreKept},
    {"test_cookie_synLacksOptions_synAckLacksThem", test_cookie_synLacksOptions_synAckLacksThem},
    {"test_cookie_echoChanged_isReset", test_cookie_echoChanged_isReset},
};

int main(int argc, char **argv)
{
	return host_main("conformance-cookie-kept", tests, TG_TEST_N(tests), argc, argv);
}
