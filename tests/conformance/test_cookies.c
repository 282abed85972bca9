/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cookies.c: SYN cookies (RFC 4987 3.6): SC-01, 02, 04, 07, 08, 09, 11, 14, 16, 17, 18, 20,
 * 21, 22, 24, and TD-23. Options, entries and replays are in test_cookie_kept.c. */
#include "cookie_host.h"

static void test_cookie_validAck_opens(void)
{
	struct host h;
	uint8_t buf[200];

	always(&h, NULL);
	cookie_syn(&h, NULL);
	expect_counter(&h, "SC-24", "cookie_sent", 1);
	send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 100);
	take(&h);
	expect_eq("SC-16", tg_lab_read(h.lab, h.sock, buf, 200), 100, "text of the third segment");
	expect_counter(&h, "SC-24", "cookie_ok", 1);
	h.rcv_nxt += 100;
	host_pass(&h, 100);
	expect_ack(&h, "SC-16");
	host_lab_writes(&h, 10);
	host_fini(&h);
}

static void test_cookie_ackWithFin_closeWait(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	send_flags(&h, FIN | ACK, h.rcv_nxt, h.nxt);
	h.rcv_nxt++;
	expect_ack(&h, "SE-16");
	expect_state(&h, "SE-16", "CLOSE-WAIT");
	h.sock = tg_lab_accept(h.lab, h.listener);
	host_fini(&h);
}

/* SC-02: what was stored in two bits is what segments are cut to. */
static void test_cookie_mss_roundedDown(void)
{
	static const uint16_t v4[][2] = {{535, 535},   {536, 536},   {1299, 536},  {1300, 1300},
					 {1439, 1300}, {1440, 1440}, {1459, 1440}, {1460, 1460}};
	static const uint16_t v6[][2] = {{1220, 1220}, {1419, 1220}, {1420, 1420}, {1439, 1420},
					 {1440, 1440}, {1440, 1440}, {9000, 1440}, {1500, 1440}};

	for (int i = 0; i < 8; i++) {
		const uint16_t *mss = host_v6 ? v6[i] : v4[i];
		struct host h;
		struct seg syn = {.flags = SYN};
		int64_t used = 0;
		always(&h, NULL);
		opt_mss(&syn, mss[0]);
		struct seg s = cookie_syn(&h, &syn);
		expect_eq("SC-02", s.mss, host_v6 ? 1440 : 1460, "our own MSS stays");
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		take(&h);
		tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &used);
		if (mss[0] >= (host_v6 ? 1220 : 536))
			expect_eq("SC-02", used, mss[1], "effective MSS");
		host_fini(&h);
	}
}

static void test_cookie_synAck_offersMssOnly(void)
{
	static const uint8_t bytes[1000];
	struct host h;
	struct seg syn = {.flags = SYN};

	always(&h, NULL);
	opt_mss(&syn, 1460);
	opt_sackok(&syn);
	opt_ws(&syn, 7);
	struct seg s = cookie_syn(&h, &syn), text;
	expect_eq("SC-04", s.opt_len, 4, "option bytes without timestamps in the SYN");
	expect_true("SC-04", s.has_mss, "MSS");
	h.win = 100; /* and as what was not offered is not on, these are 100 bytes */
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	expect_eq("SC-04", tg_lab_write(h.lab, h.sock, bytes, sizeof(bytes)), 1000, "write");
	for (uint32_t sent = 0; host_next(&h, &text);) {
		sent += text.len;
		expect_eq("SC-04", text.opt_len, 0, "option bytes");
		expect_true("SC-04", sent <= 100, "the window is not scaled");
	}
	host_fini(&h);
}

static void test_cookie_synWithTextAndFin_onlyTheSyn(void)
{
	struct host h;
	static const uint8_t text[100] = "early";
	struct seg syn = {
	    .flags = SYN, .data = text, .len = 100, .opt_len = 4, .opt = {253, 4, 1, 2}};

	always(&h, NULL);
	struct seg s = cookie_syn(&h, &syn);
	expect_eq("SC-20", s.ack, h.irs + 1, "ACK = IRS + 1");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	host_fini(&h);
}

static void test_cookie_neverRepeated_noTimer(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	host_pass(&h, 63000);
	expect_nothing(&h, "TO-02");
	host_fini(&h);
}

/* SC-01: an epoch and the one before, of 131 s each. */
static void test_cookie_valid131Seconds_not263(void)
{
	static const struct {
		uint64_t ms;
		const char *counter;
	} age[] = {
	    {0, "cookie_ok"},
	    {1000, "cookie_ok"},
	    {64000, "cookie_ok"},
	    {131072, "cookie_ok"},
	    {262145, "cookie_expired"},
	    {300000, "cookie_expired"},
	    {6 * 131072, "cookie_bad_mac"},
	    {32768ull * 131072, "cookie_bad_mac"},
	};

	for (size_t i = 0; i < sizeof(age) / sizeof(age[0]); i++) {
		struct host h;
		always(&h, NULL);
		cookie_syn(&h, NULL);
		host_pass(&h, age[i].ms);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		if (i < 4)
			take(&h);
		else
			expect(&h, "ADV-32", RST, h.nxt, 0);
		expect_counter(&h, "SC-24", age[i].counter, 1);
		host_fini(&h);
	}
}

/* SC-05: TSecr names the epoch, and comes again after 32,768 of them; the MAC knows better. */
static void test_cookie_withTimestamps_validAsLong(void)
{
	static const struct {
		uint64_t ms;
		const char *counter;
	} age[] = {
	    {0, "cookie_ok"},
	    {131072, "cookie_ok"},
	    {262145, "cookie_expired"},
	    {6 * 131072, "cookie_ts_bad"},
	    {32768ull * 131072, "cookie_bad_mac"},
	};

	for (size_t i = 0; i < sizeof(age) / sizeof(age[0]); i++) {
		struct host h;
		struct seg syn = host_syn_full();
		always(&h, NULL);
		h.ts_last = cookie_syn(&h, &syn).tsval;
		host_pass(&h, age[i].ms);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		if (i < 2)
			take(&h);
		else
			expect(&h, "ADV-32", RST, h.nxt, 0);
		expect_counter(&h, "SC-24", age[i].counter, 1);
		host_fini(&h);
	}
}

static void test_cookie_otherTuple_isReset(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	struct seg s = {.flags = ACK, .seq = h.rcv_nxt, .ack = h.nxt, .win = 5000, .sport = 40001};
	host_send(&h, &s);
	expect(&h, "ADV-33", RST, h.nxt, 0);
	expect_counter(&h, "ADV-33", "cookie_bad_mac", 1);
	h.raddr = h.v6 ? "2001:db8::64" : "192.0.2.100";
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect(&h, "ADV-33", RST, h.nxt, 0);
	expect_counter(&h, "ADV-33", "cookie_bad_mac", 2);
	host_fini(&h);
}

static void test_cookie_wrongAck_isReset(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt + 1000);
	expect(&h, "SC-22", RST, h.nxt + 1000, 0);
	expect_state(&h, "SC-22", "CLOSED");
	host_fini(&h);
}

/* The second text segment overtakes the handshake ACK: a RST would kill the connection. */
static void test_cookie_laterTextFirst_leftForItsRepeat(void)
{
	struct host h;
	uint8_t buf[4000];

	always(&h, NULL);
	cookie_syn(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt + 1460, h.nxt, 1460);
	expect_nothing(&h, "SC-22");
	expect_counter(&h, "SC-22", "cookie_fail_data", 1);
	expect_state(&h, "SC-18", "CLOSED");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 1460);
	take(&h);
	expect_eq("SC-22", tg_lab_read(h.lab, h.sock, buf, sizeof(buf)), 1460, "the first text");
	host_fini(&h);
}

static int64_t fates(struct host *h)
{
	return host_counter(h, "cookie_ok") + host_counter(h, "cookie_expired") +
	       host_counter(h, "cookie_bad_mac") + host_counter(h, "cookie_ts_bad") +
	       host_counter(h, "cookie_replay");
}

/* SC-18: the byte behind the SYN, and no other. Each ACK has one fate. */
static void test_cookie_seqOff_isRefused(void)
{
	for (int off = -8; off <= 8; off++) {
		struct host h;
		struct seg syn = {.flags = SYN};
		always(&h, NULL);
		opt_mss(&syn, 1460);
		cookie_syn(&h, &syn);
		send_flags(&h, ACK, h.rcv_nxt + (uint32_t)off, h.nxt);
		expect_counter(&h, "SC-18", "cookie_ok", off == 0);
		expect_eq("SC-24", fates(&h), 1, "fates");
		if (off)
			expect(&h, "SC-22", RST, h.nxt, 0);
		h.sock = tg_lab_accept(h.lab, h.listener);
		expect_eq("SC-18", h.sock >= 0, off == 0, "connections");
		host_fini(&h);
	}
}

/* SC-11: the same SYN again draws the same number, so that whichever answer comes is good; another
 * SYN from the same port draws another. */
static void test_cookie_sameTupleAgain_sameOnlyForTheSameSyn(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	for (uint32_t n = 1; n < 0x40000000; n *= 7) {
		uint32_t iss = h.iss;
		cookie_syn(&h, NULL);
		expect_eq("SC-11", h.iss, iss, "the same ISN");
		h.irs += n;
		cookie_syn(&h, NULL);
		expect_true("SC-11", h.iss != iss && h.iss != iss + n, "another ISN");
	}
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	host_fini(&h);
}

/* Text fills the window that the SYN-ACK of the cookie told. */
static void fill_window(struct host *h, uint32_t told)
{
	static uint8_t buf[65536];
	uint32_t got = 0, len;

	for (uint32_t sent = 0; sent < told; sent += len) {
		len = told - sent < 1000 ? told - sent : 1000;
		send_text(h, ACK, h->rcv_nxt, h->nxt, len);
		h->rcv_nxt += len;
	}
	for (int n; (n = (int)tg_lab_read(h->lab, h->sock, buf, sizeof(buf))) > 0;)
		got += (uint32_t)n;
	expect_eq("SC-07", got, told, "bytes of the promised window");
	host_drain(h);
}

/* Nothing is kept of a cookie: what its SYN-ACK told holds although the buffer has shrunk since. */
static void test_cookie_bufferShrinks_promiseIsKept(void)
{
	struct host h;

	always(&h, "rcvbuf=40000");
	expect_eq("SC-07", cookie_syn(&h, NULL).win, 40000, "window of the SYN-ACK");
	for (int64_t size = 20000; size >= 2000; size /= 10) {
		expect_eq("SC-07", tg_lab_setopt(h.lab, h.listener, TG_LAB_RCVBUF, size), 0, "set");
		host_pass(&h, 20000);
	}
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	fill_window(&h, 40000);
	tg_lab_abort(h.lab, h.sock);
	host_drain(&h);
	host_pass(&h, 270000); /* nobody was told 40000 of late */
	expect_eq("SC-07", cookie_syn(&h, NULL).win, 2000, "window of the SYN-ACK");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	send_text(&h, ACK, h.rcv_nxt + 3000, h.nxt, 100);
	expect_ack(&h, "SC-07");
	expect_counter(&h, "SC-07", "oow_seq", 1);
	host_fini(&h);
}

static void test_cookie_ackReplayed_hitsTheConnection(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	for (int i = 0; i < 2; i++) {
		host_pass(&h, i ? 10000 : 1);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect_nothing(&h, "SC-14");
		expect_eq("SC-14", tg_lab_accept(h.lab, h.listener), -EAGAIN,
			  "a second connection");
	}
	expect_counter(&h, "SC-14", "cookie_ok", 1);
	host_fini(&h);
}

/* SC-14, ADV-34. */
static void test_cookie_replayInTimeWait_isNoConnection(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	uint32_t seq = h.rcv_nxt, ack = h.nxt;
	send_flags(&h, ACK, seq, ack);
	take(&h);
	host_lab_fin(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	host_fin(&h, h.nxt);
	host_pass(&h, 1000);
	send_flags(&h, ACK, seq, ack);
	expect_ack(&h, "SC-14"); /* the record's answer, no RST */
	expect_state(&h, "SC-14", "TIME-WAIT");
	expect_eq("SC-14", tg_lab_accept(h.lab, h.listener), -EAGAIN, "a second connection");
	host_fini(&h);
}

/* SC-09: in peace nothing is validated. */
static void test_listen_notArmed_validCookieIsReset(void)
{
	struct host armed, peace;

	always(&armed, NULL);
	cookie_syn(&armed, NULL);
	host_init(&peace, NULL); /* the same seed: the same keys */
	host_listen(&peace, "syn_cookies=auto");
	send_flags(&peace, ACK, armed.rcv_nxt, armed.nxt);
	expect(&peace, "SC-09", RST, armed.nxt, 0);
	expect_counter(&peace, "SC-09", "cookie_ok", 0);
	expect_counter(&peace, "SC-09", "cookie_bad_mac", 0);
	host_fini(&peace);
	host_fini(&armed);
}

static void test_listen_auto_armsAndDisarms(void)
{
	struct host h;

	host_init(&h, "synq_high=20 synq_low=10");
	host_listen(&h, "syn_cookies=auto");
	flood(&h, 1000, 19);
	expect_counter(&h, "SC-08", "cookie_sent", 0);
	expect_counter(&h, "SC-08", "conn_passive", 19);
	flood(&h, 2000, 30);
	expect_true("SC-08", host_counter(&h, "cookie_sent") >= 28, "cookies above the high mark");
	expect_counter(&h, "SC-08", "cookie_armed", 1);
	cookie_syn(&h, NULL);
	uint32_t seq = h.rcv_nxt, ack = h.nxt;
	host_pass(&h, 63100); /* the entries are given up */
	host_drain(&h);
	flood(&h, 3000, 5);
	expect_counter(&h, "SC-08", "cookie_disarmed", 1);
	expect_true("SC-08", host_counter(&h, "conn_passive") >= 24, "stateful again");
	send_flags(&h, ACK, seq, ack); /* accept side: 128 s after the last cookie */
	take(&h);
	host_fini(&h);
}

static void test_listen_off_synDroppedWhenFull(void)
{
	struct host h;

	host_init(&h, "connections=30");
	host_listen(&h, "syn_cookies=off synq_high=20 synq_low=10");
	flood(&h, 1000, 60);
	expect_counter(&h, "SC-08", "cookie_sent", 0);
	/* The limit of the listener, then that of all. */
	expect_counter(&h, "EST-26", "conn_passive", 20);
	expect_counter(&h, "EST-26", "synq_full", 40);
	host_fini(&h);
	host_init(&h, "connections=30");
	host_listen(&h, "syn_cookies=off synq_high=40 synq_low=10");
	flood(&h, 1000, 60);
	expect_counter(&h, "EST-26", "conn_passive", 30);
	expect_counter(&h, "EST-26", "conn_full", 30);
	host_fini(&h);
}

/* The client says it again with its text, and opens when there is room. */
static void test_cookie_acceptQueueFull_droppedNotReset(void)
{
	enum { N = 4 };
	struct host h;
	uint32_t iss[N];
	uint8_t buf[200];
	int64_t n;

	host_init(&h, NULL);
	h.listener = tg_lab_listen(h.lab, NULL, h.lport, 1, "syn_cookies=always");
	for (int i = 0; i < N; i++, h.rport++) /* while there is room */
		iss[i] = cookie_syn(&h, NULL).seq;
	h.rport -= N;
	for (int i = 0; i < N; i++, h.rport++)
		send_flags(&h, ACK, h.rcv_nxt, iss[i] + 1);
	expect_nothing(&h, "SC-17"); /* no RST */
	n = host_counter(&h, "accept_overflow");
	expect_true("SC-17", n >= 1 && n < N, "the queue is full");
	expect_counter(&h, "SC-17", "cookie_ok", N - n);
	for (int sock; (sock = tg_lab_accept(h.lab, h.listener)) >= 0;)
		tg_lab_abort(h.lab, sock);
	host_drain(&h);
	h.rport--;
	h.iss = iss[N - 1];
	h.nxt = h.iss + 1;
	send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 100);
	take(&h);
	expect_eq("SC-17", tg_lab_read(h.lab, h.sock, buf, sizeof(buf)), 100, "the text");
	host_fini(&h);
}

/* One /24 or /48 draws as many SYN-ACKs as its bucket has, one for each SYN at most; others are not
 * touched. */
static void test_cookie_synFloodFromOnePrefix_isLimited(void)
{
	enum { N = 1000 };
	struct host h;
	uint32_t n = 0;
	char from[40];

	host_init(&h, "rst_rate=100");
	host_listen(&h, "syn_cookies=always");
	h.raddr = from;
	for (int i = 0; i < N; i++) {
		snprintf(from, sizeof(from), h.v6 ? "2001:db8::%d" : "192.0.2.%d", 1 + i % 250);
		send_flags(&h, SYN, (uint32_t)i, 0);
		uint32_t answers = host_drain(&h);
		expect_true("SC-21", answers <= 1, "one SYN-ACK for a SYN");
		n += answers;
	}
	expect_true("SC-21", n >= 50 && n <= 200, "the prefix is limited");
	expect_counter(&h, "SC-21", "synack_limited", N - n);
	expect_counter(&h, "SC-21", "cookie_sent", n);
	h.raddr = h.v6 ? "2001:db8:77::1" : "198.51.100.7";
	cookie_syn(&h, NULL);
	host_fini(&h);
}

/* TD-23: TIME-WAIT is looked up before a cookie is minted; the new ISS is above the old SND.NXT. */
static void test_timeWait_reuseUnderCookies_issAbove(void)
{
	for (uint32_t i = 0; i < 32; i++) {
		struct host h;
		struct seg s;
		always(&h, NULL);
		h.rport = (uint16_t)(40000 + i);
		cookie_syn(&h, NULL);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		take(&h);
		host_lab_fin(&h);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		host_fin(&h, h.nxt);
		host_pass(&h, 1000 * i);
		uint32_t seq = h.rcv_nxt + 100000 * i + 1;
		h.edge = seq + 1;
		send_flags(&h, SYN, seq, 0);
		expect_true("TD-23", host_next(&h, &s) && s.flags == (SYN | ACK), "SYN-ACK");
		expect_true("TD-23", (int32_t)(s.seq - h.nxt) > 0, "ISS above the old SND.NXT");
		struct seg ack = {.flags = ACK, .seq = seq + 1, .ack = s.seq + 1, .win = 5000};
		host_send(&h, &ack);
		expect_nothing(&h, "TD-23");
		expect_state(&h, "TD-23", "ESTABLISHED");
		tg_lab_close(h.lab, h.sock);
		h.sock = tg_lab_accept(h.lab, h.listener);
		expect_true("TD-23", h.sock >= 0, "the new connection");
		host_fini(&h);
	}
}

/* What a bad cookie counts: each ACK that is no cookie of ours under one name. */
static void test_cookie_counters_sumToAcks(void)
{
	struct host h;
	int64_t ok, bad = 0;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	for (uint32_t i = 1; i <= 50; i++)
		send_flags(&h, ACK, h.rcv_nxt, h.nxt + i * 7919);
	host_drain(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	take(&h);
	ok = host_counter(&h, "cookie_ok");
	bad = fates(&h) - ok;
	expect_eq("SC-24", ok, 1, "good ones");
	expect_eq("SC-24", bad, 50, "bad ones");
	host_fini(&h);
}

/* SE-05: a SYN,ACK is no ACK of a cookie, whatever its numbers. */
static void test_cookie_synAckInsteadOfAck_isReset(void)
{
	struct host h;

	always(&h, NULL);
	cookie_syn(&h, NULL);
	send_flags(&h, SYN | ACK, h.rcv_nxt, h.nxt);
	expect(&h, "SE-05", RST, h.nxt, 0);
	expect_state(&h, "SE-05", "CLOSED");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt); /* the true one still opens */
	take(&h);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_cookie_validAck_opens", test_cookie_validAck_opens},
    {"test_cookie_ackWithFin_closeWait", test_cookie_ackWithFin_closeWait},
    {"test_cookie_mss_roundedDown", test_cookie_mss_roundedDown},
    {"test_cookie_synAck_offersMssOnly", test_cookie_synAck_offersMssOnly},
    {"test_cookie_synWithTextAndFin_onlyTheSyn", test_cookie_synWithTextAndFin_onlyTheSyn},
    {"test_cookie_neverRepeated_noTimer", test_cookie_neverRepeated_noTimer},
    {"test_cookie_valid131Seconds_not263", test_cookie_valid131Seconds_not263},
    {"test_cookie_withTimestamps_validAsLong", test_cookie_withTimestamps_validAsLong},
    {"test_cookie_otherTuple_isReset", test_cookie_otherTuple_isReset},
    {"test_cookie_wrongAck_isReset", test_cookie_wrongAck_isReset},
    {"test_cookie_laterTextFirst_leftForItsRepeat", test_cookie_laterTextFirst_leftForItsRepeat},
    {"test_cookie_seqOff_isRefused", test_cookie_seqOff_isRefused},
    {"test_cookie_sameTupleAgain_sameOnlyForTheSameSyn",
     test_cookie_sameTupleAgain_sameOnlyForTheSameSyn},
    {"test_cookie_bufferShrinks_promiseIsKept", test_cookie_bufferShrinks_promiseIsKept},
    {"test_cookie_ackReplayed_hitsTheConnection", test_cookie_ackReplayed_hitsTheConnection},
    {"test_cookie_replayInTimeWait_isNoConnection", test_cookie_replayInTimeWait_isNoConnection},
    {"test_listen_notArmed_validCookieIsReset", test_listen_notArmed_validCookieIsReset},
    {"test_listen_auto_armsAndDisarms", test_listen_auto_armsAndDisarms},
    {"test_listen_off_synDroppedWhenFull", test_listen_off_synDroppedWhenFull},
    {"test_cookie_acceptQueueFull_droppedNotReset", test_cookie_acceptQueueFull_droppedNotReset},
    {"test_cookie_synFloodFromOnePrefix_isLimited", test_cookie_synFloodFromOnePrefix_isLimited},
    {"test_timeWait_reuseUnderCookies_issAbove", test_timeWait_reuseUnderCookies_issAbove},
    {"test_cookie_counters_sumToAcks", test_cookie_counters_sumToAcks},
    {"test_cookie_synAckInsteadOfAck_isReset", test_cookie_synAckInsteadOfAck_isReset},
};

int main(int argc, char **argv)
{
	return host_main("conformance-cookies", tests, TG_TEST_N(tests), argc, argv);
}
