/* SPDX-License-Identifier: BSD-3-Clause */
/* test_options.c: what options promise (RFC 9293 3.1, 3.7.1, RFC 7323, RFC 2018): EST-09 to EST-23,
 * EST-29 to EST-34, and PAWS. */
#include "lab_host.h"

/* The largest segment that the lab sends on a connection opened by this SYN. */
static uint32_t largest_segment(const char *options, const struct seg *syn)
{
	static uint8_t text[20000];
	struct host h;
	struct seg s, copy = *syn;
	uint32_t largest = 0;

	host_init(&h, options);
	h.win = copy.win = 60000;
	host_open(&h, &copy);
	tg_lab_write(h.lab, h.sock, text, sizeof(text));
	while (host_next(&h, &s))
		if (s.len > largest)
			largest = s.len;
	host_fini(&h);
	return largest;
}

static uint32_t largest_with_mss(uint16_t mss)
{
	struct seg syn = {.flags = SYN};

	opt_mss(&syn, mss);
	return largest_segment(NULL, &syn);
}

static void expect_our_mss(const char *options, uint32_t mss)
{
	struct host h;

	host_init(&h, options);
	struct seg s = host_syn(&h, NULL);
	expect_true("EST-09", s.has_mss, "MSS in the SYN-ACK");
	expect_eq("EST-09", s.mss, mss, "MSS of the SYN-ACK");
	host_fini(&h);
	host_init(&h, options);
	s = host_connect(&h, NULL);
	expect_eq("EST-09", s.mss, mss, "MSS of the SYN");
	host_fini(&h);
}

static void test_synAck_mss_fromTheMtu(void)
{
	uint32_t headers = host_v6 ? 60 : 40;

	expect_our_mss(NULL, 1500 - headers);
	expect_our_mss("mtu=9000", 9000 - headers);
	expect_our_mss("mss_max=1000", 1000);
}

static void test_established_peerMss_boundsSegments(void)
{
	struct seg none = {.flags = SYN};
	uint32_t dflt = host_v6 ? 1220 : 536;

	expect_eq("EST-10", largest_segment(NULL, &none), dflt, "without an MSS option");
	expect_eq("EST-11", largest_with_mss(1000), 1000, "with MSS 1000");
	expect_eq("EST-12", largest_with_mss(0), dflt, "MSS 0 is as absent");
	expect_eq("EST-12", largest_with_mss(1), 216, "MSS 1 is raised to the floor");
	expect_eq("EST-11", largest_with_mss(65535), host_v6 ? 1440 : 1460, "the MTU bounds too");
	struct seg full = host_syn_full();
	expect_eq("EST-11", largest_segment(NULL, &full), host_v6 ? 1428 : 1448, "with timestamps");
	expect_eq("lab.h", largest_segment("maxseg=700", &none), host_v6 ? 700 : 536, "maxseg");
}

/* EST-14: the field of SYN and SYN-ACK tells bytes, whatever scale is offered beside it. */
static void test_synAck_window_isNotScaled(void)
{
	struct host h;
	struct seg syn = host_syn_full();

	host_init(&h, "rcvbuf=30000 window_scale=7");
	struct seg s = host_syn(&h, &syn);
	expect_eq("EST-14", s.win, 30000, "window of the SYN-ACK");
	host_fini(&h);
	host_init(&h, "rcvbuf=30000 window_scale=7");
	s = host_connect(&h, NULL);
	expect_eq("EST-14", s.win, 30000, "window of the SYN");
	host_fini(&h);
}

static void test_listen_mssBelowFloor_isCounted(void)
{
	struct host h;
	struct seg syn = {.flags = SYN};

	host_init(&h, NULL);
	opt_mss(&syn, 1);
	host_open(&h, &syn);
	expect_counter(&h, "EST-12", "mss_floor", 1);
	host_fini(&h);
}

static void test_synAck_options_onlyWhatWasOffered(void)
{
	for (int i = 0; i < 8; i++) {
		struct host h;
		struct seg syn = {.flags = SYN};
		host_init(&h, NULL);
		if (i & 1)
			opt_sackok(&syn);
		if (i & 2)
			opt_ts(&syn, 77, 0);
		if (i & 4)
			opt_ws(&syn, 3);
		struct seg s = host_syn(&h, &syn);
		expect_eq("EST-20", s.has_sackok, !!(i & 1), "SACK permitted");
		expect_eq("EST-17", s.has_ts, !!(i & 2), "timestamps");
		expect_eq("EST-17", s.tsecr, i & 2 ? 77 : 0, "TSecr");
		expect_eq("EST-13", s.has_ws, !!(i & 4), "window scale");
		h.tsval = 78;
		host_fini(&h);
	}
}

/* What the peer did not offer is not used either: our window in bytes, no SACK for its hole. */
static void test_established_nothingOffered_nothingUsed(void)
{
	struct host h;
	struct seg syn = {.flags = SYN}, s;

	host_init(&h, NULL);
	opt_mss(&syn, 1460);
	host_open(&h, &syn);
	send_text(&h, ACK, h.rcv_nxt + 100, h.nxt, 100);
	expect_true("DT-14", host_next(&h, &s) && s.flags == ACK, "an ACK of the hole");
	expect_eq("EST-20", s.opt_len, 0, "options of the ACK");
	expect_true("EST-13", s.win > 60000, "the window is told in bytes");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	host_fini(&h);
}

static void test_synSent_options_inTheCommonOrder(void)
{
	static const uint8_t kinds[] = {2, 4, 8, 1, 3};
	struct host h;

	host_init(&h, NULL);
	struct seg s = host_connect(&h, NULL);
	expect_eq("EST-21", s.opt_len, 20, "option bytes");
	expect_eq("EST-17", s.tsecr, 0, "TSecr of a SYN");
	expect_true("EST-13", s.has_ws && s.has_ts && s.has_sackok && s.has_mss, "all offered");
	for (uint32_t i = 0, n = 0; i < s.opt_len && n < 5; n++) {
		expect_eq("EST-21", s.opt[i], kinds[n], "kind of the option");
		i += s.opt[i] == 1 ? 1 : s.opt[i + 1];
	}
	host_fini(&h);
	host_init(&h, "timestamps=off sack=off");
	s = host_connect(&h, NULL);
	expect_true("EST-17", !s.has_ts && !s.has_sackok, "what is off is not offered");
	host_fini(&h);
}

/* The largest window that the lab saw is where RB-06 begins to refuse. */
static void expect_max_wnd(struct host *h, const char *rule, uint32_t max_wnd)
{
	send_flags(h, ACK, h->rcv_nxt, h->una - max_wnd);
	expect_nothing(h, rule);
	send_flags(h, ACK, h->rcv_nxt, h->una - max_wnd - 1);
	expect_ack(h, rule);
}

static struct seg syn_ws(uint8_t shift)
{
	struct seg syn = {.flags = SYN};

	opt_ws(&syn, shift);
	return syn;
}

static void test_established_windowScale_isApplied(void)
{
	struct host h;
	struct seg syn = syn_ws(7);

	host_init(&h, NULL);
	h.win = 100; /* 100 in the SYN, 12,800 in the ACK */
	host_open(&h, &syn);
	expect_max_wnd(&h, "EST-14", 12800);
	host_fini(&h);
}

/* DT-03, RFC 7323 2.2: windows are 32 bits wide and unsigned. The largest that a peer can tell, in
 * the handshake or later, and one of ours that is all of a large buffer. */
static void test_established_windowsOf32Bits_areUsed(void)
{
	struct seg syn = syn_ws(14), s;
	struct host h;

	for (int later = 0; later < 2; later++) {
		host_init(&h, NULL);
		h.win = later ? 1 : 65535;
		host_open(&h, &syn);
		h.win = 65535;
		if (later) {
			send_flags(&h, ACK, h.rcv_nxt, h.nxt);
			expect_nothing(&h, "DT-03");
		}
		expect_max_wnd(&h, "DT-03", UINT32_C(65535) << 14);
		host_fini(&h);
	}
	host_init(&h, "rcvbuf=4194304 window_scale=14 delayed_ack_ms=0");
	opt_sackok(&syn);
	host_open(&h, &syn);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	expect_ack(&h, "DT-03");
	uint32_t wnd = h.edge - h.rcv_nxt;
	expect_true("DT-03", wnd > 4000000 && wnd <= 4194304, "all of the buffer");
	send_text(&h, ACK, h.edge - 10, h.nxt, 10);
	s = expect(&h, "DT-03", ACK, h.nxt, h.rcv_nxt);
	expect_true("DT-03", s.sack_n == 1 && s.sack[0][1] == h.rcv_nxt + wnd, "its last bytes");
	host_fini(&h);
}

static void test_established_windowScale15_actsAs14(void)
{
	struct host h;
	struct seg syn = syn_ws(15);

	host_init(&h, NULL);
	h.win = 1;
	host_open(&h, &syn);
	expect_counter(&h, "EST-13", "bad_wscale", 1);
	expect_max_wnd(&h, "EST-13", 16384);
	host_fini(&h);
}

static void test_synSent_windowOfSynAck_isNotScaled(void)
{
	struct host h;
	struct seg s = {.flags = SYN | ACK, .win = 20000};

	host_init(&h, NULL);
	struct seg syn = host_connect(&h, NULL);
	h.ws_shift = syn.ws;
	s.seq = h.irs;
	s.ack = h.nxt;
	opt_ws(&s, 7);
	host_send(&h, &s);
	h.una = h.nxt;
	expect_ack(&h, "SE-05");
	expect_max_wnd(&h, "EST-14", 20000);
	host_fini(&h);
}

static void test_established_synOptions_areIgnored(void)
{
	struct host h;
	struct seg syn = syn_ws(7), s = {.flags = ACK, .win = 100};
	int64_t mss = 0, after = 0;

	host_init(&h, NULL);
	h.win = 100;
	host_open(&h, &syn);
	tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &mss);
	s.seq = h.rcv_nxt;
	s.ack = h.nxt;
	opt_ws(&s, 0);
	opt_mss(&s, 300);
	opt_sackok(&s);
	host_send(&h, &s);
	expect_nothing(&h, "EST-15");
	tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &after);
	expect_eq("EST-15", after, mss, "the MSS"); /* ADV-38 */
	host_lab_writes(&h, 400);                   /* by a scale of 0 it would not fit */
	expect_max_wnd(&h, "EST-15", 12800);
	send_text(&h, ACK, h.rcv_nxt + 10, h.nxt, 10);
	expect_true("EST-15", host_next(&h, &s) && s.opt_len == 0, "no SACK for the hole");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	host_fini(&h);
}

/* A SYN with these option bytes, padded by zeros. */
static struct seg raw_syn(const uint8_t *bytes, uint32_t n)
{
	struct seg s = {.flags = SYN, .opt_len = (n + 3) / 4 * 4};

	memcpy(s.opt, bytes, n);
	return s;
}

static void test_listen_wrongOptionLengths_actAsAbsent(void)
{
	static const struct {
		uint8_t bytes[12];
		uint32_t n;
	} syns[] = {
	    {{2, 3, 9}, 3},                     /* MSS of 3 bytes */
	    {{3, 4, 7, 0}, 4},                  /* window scale of 4 */
	    {{4, 3, 0}, 3},                     /* SACK permitted of 3 */
	    {{8, 9, 0, 0, 0, 1, 0, 0, 0}, 9},   /* timestamps of 9 */
	    {{253, 6, 1, 2, 3, 4}, 6},          /* unknown (EST-31) */
	    {{34, 10, 1, 2, 3, 4, 5, 6, 7}, 9}, /* fast open, past the end as well */
	    {{0, 2, 4, 1, 44}, 5},              /* end of options first */
	    {{0, 4, 2, 3, 3, 7}, 6},
	    {{1, 0, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0}, 12},
	};

	for (size_t i = 0; i < sizeof(syns) / sizeof(syns[0]); i++) {
		struct host h;
		struct seg syn = raw_syn(syns[i].bytes, syns[i].n);
		int64_t mss = 0;
		host_init(&h, NULL);
		struct seg s = host_open(&h, &syn);
		expect_eq("EST-30", s.opt_len, 4, "options of the SYN-ACK: MSS only");
		tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &mss);
		expect_eq("EST-30", mss, host_v6 ? 1220 : 536, "the MSS, as if none had come");
		host_fini(&h);
	}
}

static void test_listen_illegalOptionLength_parsingStops(void)
{
	static const uint8_t lengths[] = {0, 1, 41};

	for (int i = 0; i < 3; i++) {
		struct host h;
		/* MSS 1000, then an option with an illegal length, then window scale. */
		uint8_t bytes[] = {2, 4, 1000 >> 8, 1000 & 255, 77, lengths[i], 3, 3, 7};
		struct seg syn = raw_syn(bytes, sizeof(bytes));
		host_init(&h, NULL);
		struct seg s = host_open(&h, &syn);
		expect_eq("EST-29", s.has_ws, 0, "what follows is not read");
		expect_counter(&h, "ADV-35", "bad_option", 1);
		int64_t mss = 0;
		tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &mss);
		expect_eq("EST-29", mss, 1000, "what came before is kept");
		host_fini(&h);
	}
}

static void test_listen_twoMss_lastWins(void)
{
	struct host h;
	struct seg syn = {.flags = SYN};
	int64_t mss = 0;

	host_init(&h, NULL);
	opt_mss(&syn, 1400);
	opt_mss(&syn, 900);
	host_open(&h, &syn);
	tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &mss);
	expect_eq("ADV-38", mss, 900, "effective MSS");
	host_fini(&h);
}

static void test_established_bytesOfNop_areBounded(void)
{
	struct host h;
	struct seg s = {.flags = ACK, .win = 5000, .opt_len = 40};

	host_init(&h, NULL);
	host_open(&h, NULL);
	s.seq = h.rcv_nxt;
	s.ack = h.nxt;
	memset(s.opt, 1, 40);
	host_send(&h, &s);
	memset(s.opt, 0xff, 40);
	s.opt[0] = 0; /* EOL, then garbage */
	host_send(&h, &s);
	for (int i = 0; i < 40; i += 2) {
		s.opt[i] = (uint8_t)(100 + i);
		s.opt[i + 1] = 2;
	}
	host_send(&h, &s);
	expect_nothing(&h, "ADV-37");
	expect_counter(&h, "ADV-37", "bad_option", 0);
	expect_state(&h, "ADV-37", "ESTABLISHED");
	host_fini(&h);
}

/* --- timestamps --- */

static void open_ts(struct host *h)
{
	struct seg syn = host_syn_full();

	host_init(h, NULL);
	h->tsval = 1000;
	host_open(h, &syn);
}

static void test_established_tsval_isAMillisecondClock(void)
{
	struct host h;

	open_ts(&h);
	uint32_t first = h.ts_last;
	host_pass(&h, 12345);
	host_lab_writes(&h, 1);
	expect_eq("EST-18", h.ts_last - first, 12345, "TSval after 12,345 ms");
	host_fini(&h);
}

static void test_synAck_tsval_differsByPeer(void)
{
	struct host a, b;
	struct seg syn = host_syn_full();

	host_init(&a, NULL);
	host_syn(&a, &syn);
	host_init(&b, NULL);
	b.raddr = b.v6 ? "2001:db8::64" : "192.0.2.100";
	host_syn(&b, &syn);
	expect_true("EST-18", a.ts_last - b.ts_last + 1000 > 2000, "offsets of two peers differ");
	host_fini(&a);
	host_fini(&b);
}

/* EST-18: by the addresses alone, so that a later connection of the same peer never goes back
 * (TD-22 counts on it). */
static void test_synAck_tsval_sameForAllPortsOfAPeer(void)
{
	struct host h;
	struct seg syn = host_syn_full();

	host_init(&h, NULL);
	host_syn(&h, &syn);
	uint32_t first = h.ts_last;
	host_pass(&h, 10);
	h.rport++;
	host_syn(&h, &syn);
	expect_eq("EST-18", h.ts_last - first, 10, "TSval of another connection, 10 ms later");
	host_fini(&h);
}

static void test_synSent_wrongTsecr_isReset(void)
{
	struct host h;
	struct seg s = {.flags = SYN | ACK, .win = 5000};

	host_init(&h, NULL);
	struct seg syn = host_connect(&h, NULL);
	s.seq = h.irs;
	s.ack = h.nxt;
	opt_ts(&s, 500, syn.tsval - 1);
	host_send(&h, &s);
	expect(&h, "EST-19", RST, h.nxt, 0);
	expect_state(&h, "EST-19", "SYN-SENT");
	s.opt_len = 0;
	opt_ts(&s, 500, syn.tsval);
	host_send(&h, &s);
	expect_state(&h, "EST-19", "ESTABLISHED");
	host_fini(&h);
}

static void test_synReceived_wrongTsecr_isChallenged(void)
{
	struct host h;
	struct seg syn = host_syn_full();

	host_init(&h, NULL);
	host_syn(&h, &syn);
	uint32_t right = h.ts_last;
	h.ts_last = right - 5000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_ack(&h, "EST-34");
	expect_state(&h, "EST-34", "SYN-RECEIVED");
	expect_counter(&h, "EST-34", "tsecr_reject", 1);
	h.ts_last = right;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_state(&h, "EST-34", "ESTABLISHED");
	host_fini(&h);
}

static void test_established_oldTsval_isDroppedAndAcked(void)
{
	struct host h;
	uint8_t buf[20];

	open_ts(&h);
	h.tsval = 999;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_ack(&h, "SE-43");
	expect_eq("SE-43", tg_lab_read(h.lab, h.sock, buf, 20), -EAGAIN, "not delivered");
	expect_counter(&h, "SE-43", "paws_drop", 1);
	h.tsval = 1000;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_eq("DT-10", tg_lab_read(h.lab, h.sock, buf, 20), 10, "the same TSval is good");
	host_fini(&h);
}

static void test_established_oldTsvalOnRst_stillResets(void)
{
	struct host h;
	struct seg s = {.flags = RST};

	open_ts(&h);
	s.seq = h.rcv_nxt;
	opt_ts(&s, 1, 0);
	host_send(&h, &s);
	expect_state(&h, "RB-07", "CLOSED");
	host_fini(&h);
	open_ts(&h); /* and without the option */
	send_flags(&h, RST, h.rcv_nxt, 0);
	expect_state(&h, "RB-07", "CLOSED");
	host_fini(&h);
}

static void test_established_tsMissing_isDropped(void)
{
	struct host h;
	uint8_t buf[20];

	open_ts(&h);
	h.ts = false;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_nothing(&h, "SE-44");
	expect_eq("ADV-52", tg_lab_read(h.lab, h.sock, buf, 20), -EAGAIN, "not delivered");
	expect_counter(&h, "ADV-52", "ts_missing", 1);
	expect_state(&h, "ADV-52", "ESTABLISHED");
	host_fini(&h);
}

/* RB-16, RB-06: what a bad ACK carries is not believed. */
static void test_established_badAckHugeTsval_tsRecentUntouched(void)
{
	struct host h;
	uint8_t buf[20];

	open_ts(&h);
	h.tsval = 1000 + UINT32_C(0x7fffffff);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt + 1);
	expect_ack(&h, "SE-32");
	h.tsval = 1001;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_eq("RB-16", tg_lab_read(h.lab, h.sock, buf, 20), 10, "normal text is delivered");
	host_fini(&h);
}

static void test_established_24DaysIdle_tsRecentIsInvalid(void)
{
	struct host h;
	uint8_t buf[20];

	open_ts(&h);
	h.tsval = 2000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	host_pass(&h, UINT64_C(25) * 24 * 3600 * 1000);
	h.tsval = 1999;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_eq("DT-10", tg_lab_read(h.lab, h.sock, buf, 20), 10, "accepted after 24 days");
	host_fini(&h);
}

static void test_established_delayedAck_echoesTheOldest(void)
{
	struct host h;
	struct seg s;

	open_ts(&h);
	h.tsval = 1010;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.tsval = 1020;
	send_text(&h, ACK, h.rcv_nxt + 10, h.nxt, 10);
	h.rcv_nxt += 20;
	host_pass(&h, 60);
	expect_true("DT-09", host_next(&h, &s) && s.tsecr == 1010, "TSecr of the first segment");
	host_fini(&h);
}

/* SE-43: a SYN with an old timestamp is challenged, by the limit. */
static void test_established_oldTsvalOnSyn_isChallenged(void)
{
	struct host h;
	struct seg s = {.flags = SYN};

	open_ts(&h);
	s.seq = h.rcv_nxt + 1;
	s.win = h.win;
	opt_ts(&s, 999, 0);
	host_send(&h, &s);
	expect_ack(&h, "SE-43");
	for (int i = 0; i < 3; i++)
		host_send(&h, &s);
	expect_nothing(&h, "SE-43");
	expect_counter(&h, "SE-43", "paws_drop", 4);
	expect_state(&h, "SE-43", "ESTABLISHED");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_synAck_mss_fromTheMtu", test_synAck_mss_fromTheMtu},
    {"test_established_peerMss_boundsSegments", test_established_peerMss_boundsSegments},
    {"test_synAck_window_isNotScaled", test_synAck_window_isNotScaled},
    {"test_listen_mssBelowFloor_isCounted", test_listen_mssBelowFloor_isCounted},
    {"test_synAck_options_onlyWhatWasOffered", test_synAck_options_onlyWhatWasOffered},
    {"test_established_nothingOffered_nothingUsed", test_established_nothingOffered_nothingUsed},
    {"test_synSent_options_inTheCommonOrder", test_synSent_options_inTheCommonOrder},
    {"test_established_windowScale_isApplied", test_established_windowScale_isApplied},
    {"test_established_windowsOf32Bits_areUsed", test_established_windowsOf32Bits_areUsed},
    {"test_established_windowScale15_actsAs14", test_established_windowScale15_actsAs14},
    {"test_synSent_windowOfSynAck_isNotScaled", test_synSent_windowOfSynAck_isNotScaled},
    {"test_established_synOptions_areIgnored", test_established_synOptions_areIgnored},
    {"test_listen_wrongOptionLengths_actAsAbsent", test_listen_wrongOptionLengths_actAsAbsent},
    {"test_listen_illegalOptionLength_parsingStops", test_listen_illegalOptionLength_parsingStops},
    {"test_listen_twoMss_lastWins", test_listen_twoMss_lastWins},
    {"test_established_bytesOfNop_areBounded", test_established_bytesOfNop_areBounded},
    {"test_established_tsval_isAMillisecondClock", test_established_tsval_isAMillisecondClock},
    {"test_synAck_tsval_differsByPeer", test_synAck_tsval_differsByPeer},
    {"test_synAck_tsval_sameForAllPortsOfAPeer", test_synAck_tsval_sameForAllPortsOfAPeer},
    {"test_synSent_wrongTsecr_isReset", test_synSent_wrongTsecr_isReset},
    {"test_synReceived_wrongTsecr_isChallenged", test_synReceived_wrongTsecr_isChallenged},
    {"test_established_oldTsval_isDroppedAndAcked", test_established_oldTsval_isDroppedAndAcked},
    {"test_established_oldTsvalOnRst_stillResets", test_established_oldTsvalOnRst_stillResets},
    {"test_established_tsMissing_isDropped", test_established_tsMissing_isDropped},
    {"test_established_badAckHugeTsval_tsRecentUntouched",
     test_established_badAckHugeTsval_tsRecentUntouched},
    {"test_established_24DaysIdle_tsRecentIsInvalid",
     test_established_24DaysIdle_tsRecentIsInvalid},
    {"test_established_delayedAck_echoesTheOldest", test_established_delayedAck_echoesTheOldest},
    {"test_established_oldTsvalOnSyn_isChallenged", test_established_oldTsvalOnSyn_isChallenged},
};

int main(int argc, char **argv)
{
	return host_main("conformance-options", tests, TG_TEST_N(tests), argc, argv);
}
