/* SPDX-License-Identifier: BSD-3-Clause */
/* test_forged.c: a peer that speaks TCP and means harm: what its ACKs, SACK blocks, windows and
 * timestamps can make us send, keep or forget (section 8, ADV-23 to ADV-56). */
#include "lab_host.h"

enum { MSS = 1000, IW = 10 };

/* Opens with this MSS; the peer's window is 65,535. */
static void open_mss(struct host *h, const char *options, uint16_t mss, bool sack)
{
	struct seg syn = {.flags = SYN};

	host_init(h, options);
	h->win = 65535;
	opt_mss(&syn, mss);
	if (sack)
		opt_sackok(&syn);
	host_open(h, &syn);
}

static int64_t get(const struct host *h, enum tg_lab_opt opt)
{
	int64_t v = -1;

	expect_eq("lab.h", tg_lab_getopt(h->lab, h->sock, opt, &v), 0, "getopt");
	return v;
}

/* Reads what the lab sent; SND.NXT follows. The number of segments. */
static uint32_t take_text(struct host *h)
{
	struct seg s;
	uint32_t n = 0;

	for (; host_next(h, &s); n++)
		if ((int32_t)(s.seq + s.len - h->nxt) > 0)
			h->nxt = s.seq + s.len;
	return n;
}

/* The lab has more to send than cwnd allows: ten segments are in flight. */
static void fill(struct host *h)
{
	static const uint8_t text[100000];

	expect_eq("lab.h", tg_lab_write(h->lab, h->sock, text, sizeof(text)), sizeof(text),
		  "written");
	expect_eq("DT-19", take_text(h), IW, "segments of the initial window");
}

/* These SACK blocks, relative to SND.UNA. */
static void put_sack(const struct host *h, struct seg *s, uint32_t n, const int32_t block[][2])
{
	uint8_t *o = s->opt;

	o[0] = o[1] = 1;
	o[2] = 5;
	o[3] = (uint8_t)(2 + 8 * n);
	for (uint32_t i = 0; i < 2 * n; i++) {
		uint32_t v = h->una + (uint32_t)block[i / 2][i % 2];
		uint8_t *at = o + 4 + 4 * i;

		at[0] = (uint8_t)(v >> 24);
		at[1] = (uint8_t)(v >> 16);
		at[2] = (uint8_t)(v >> 8);
		at[3] = (uint8_t)v;
	}
	s->opt_len = 4 + 8 * n;
}

static void send_sack(struct host *h, uint16_t win, uint32_t n, const int32_t block[][2])
{
	struct seg s = {.flags = ACK, .seq = h->rcv_nxt, .ack = h->una, .win = win};

	put_sack(h, &s, n, block);
	host_send(h, &s);
}

/* --- ACKs --- */

/* ADV-23: what is queued and was never sent cannot be acknowledged. */
static void test_established_ackOfUnsent_challengedCwndKept(void)
{
	struct host h;

	open_mss(&h, NULL, MSS, false);
	fill(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt + 5 * MSS);
	expect_ack(&h, "ADV-23");
	expect_eq("ADV-23", get(&h, TG_LAB_CWND_BYTES), IW * MSS, "cwnd");
	expect_eq("ADV-23", get(&h, TG_LAB_UNACKED_BYTES), IW * MSS, "in flight");
	host_fini(&h);
}

/* ADV-24: whether what is acknowledged has come nobody can see; but one ACK for ten segments opens
 * the window by two, as RFC 3465 2.3 has it. */
static void test_established_oneAckForAll_cwndByTwoSegments(void)
{
	struct host h;

	open_mss(&h, NULL, MSS, false);
	fill(&h);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	expect_eq("ADV-24", get(&h, TG_LAB_CWND_BYTES), (IW + 2) * MSS, "cwnd");
	expect_eq("ADV-24", take_text(&h), IW + 2, "segments sent");
	host_fini(&h);
}

/* ADV-47: a hundred ACKs of a byte each open the window by a hundred bytes. */
static void test_established_ackByteByByte_cwndByBytes(void)
{
	struct host h;

	open_mss(&h, NULL, MSS, false);
	fill(&h);
	for (int i = 0; i < 100; i++) {
		send_flags(&h, ACK, h.rcv_nxt, ++h.una);
		expect_nothing(&h, "ADV-47");
	}
	expect_eq("ADV-47", get(&h, TG_LAB_CWND_BYTES), IW * MSS + 100, "cwnd");
	host_fini(&h);
}

/* ADV-46: whatever their number, duplicates stand for segments that left the network: at most those
 * that were in it. */
static void test_established_thousandDupAcks_sendsNoMoreThanWasOut(void)
{
	static const struct {
		const char *options;
		uint32_t ssthresh; /* RFC 5681: half of what was out; RFC 9438: 0.7 of it */
	} t[] = {{"congestion=newreno", IW / 2 * MSS}, {"congestion=cubic", IW * MSS / 10 * 7}};

	for (int i = 0; i < 4; i++) {
		bool sack = i & 1;
		/* RFC 3042 lets two go before the third duplicate. */
		uint32_t out = (IW + 2) * MSS, most = t[i / 2].ssthresh + out;
		struct host h;

		open_mss(&h, t[i / 2].options, MSS, sack);
		fill(&h);
		for (int n = 0; n < 1000; n++)
			send_flags(&h, ACK, h.rcv_nxt, h.una);
		take_text(&h);
		expect_true("ADV-46", get(&h, TG_LAB_CWND_BYTES) <= most,
			    "cwnd is ssthresh and what was out, at most");
		expect_true("ADV-46", h.nxt - h.una <= most, "bytes in flight");
		expect_eq("ADV-46", get(&h, TG_LAB_RETRANSMITS), 1, "repetitions");
		host_fini(&h);
	}
}

/* ADV-48: nothing is sent past a window that shrank, new or again, until it opens. */
static void test_established_windowShrinks_nothingBeyondIt(void)
{
	struct host h;
	struct seg s;
	uint32_t n = 0;

	open_mss(&h, NULL, MSS, false);
	fill(&h);
	h.win = 700;
	send_flags(&h, ACK, h.rcv_nxt, h.una + 1);
	h.una++;
	expect_nothing(&h, "ADV-48");
	for (int i = 0; i < 100; i++) {
		host_pass(&h, 100);
		for (; host_next(&h, &s); n++)
			expect_true("ADV-48", s.seq + s.len - h.una <= 700, "inside the window");
	}
	expect_true("ADV-48", n > 0, "it is repeated");
	host_fini(&h);
}

/* --- SACK --- */

/* ADV-40, DT-16: what cannot be true is counted, draws nothing and moves nothing. */
static void test_established_impossibleSackBlocks_countedIgnored(void)
{
	static const int32_t bad[][2] = {
	    {3000, 3000},             /* empty */
	    {4000, 3000},             /* backwards */
	    {3000, 10001},            /* past SND.NXT */
	    {11000, 12000},           /* all of it */
	    {-65537, -65000},         /* further back than any window */
	    {-0x7fffffff, 0x7fffffff} /* everything */
	};
	struct host h;
	int64_t n = 0;

	open_mss(&h, NULL, MSS, true);
	fill(&h);
	for (size_t i = 0; i < TG_TEST_N(bad); i++)
		for (int again = 0; again < 4; again++) {
			send_sack(&h, h.win, 1, &bad[i]);
			expect_nothing(&h, "ADV-40");
			expect_counter(&h, "ADV-40", "bad_sack", ++n);
		}
	expect_eq("ADV-40", get(&h, TG_LAB_CWND_BYTES), IW * MSS, "cwnd");
	expect_eq("ADV-40", get(&h, TG_LAB_RETRANSMITS), 0, "repetitions");
	host_fini(&h);
}

/* ADV-40: a length that is not 2 + 8n, with a block in it that could be true. The window moves each
 * time, so that what is left of the ACK is no duplicate (DT-23). */
static void test_established_sackOfOddLength_countedIgnored(void)
{
	static const uint8_t len[] = {2, 9, 11, 12, 17, 19, 25};
	static const int32_t block[][2] = {{3000, 9000}};
	struct host h;

	open_mss(&h, NULL, MSS, true);
	fill(&h);
	for (size_t i = 0; i < TG_TEST_N(len); i++) {
		struct seg s = {
		    .flags = ACK, .seq = h.rcv_nxt, .ack = h.una, .win = (uint16_t)(h.win - 1 - i)};

		put_sack(&h, &s, 1, block);
		s.opt[3] = len[i];
		s.opt_len = 28;
		host_send(&h, &s);
		expect_nothing(&h, "ADV-40");
		expect_counter(&h, "ADV-40", "bad_sack", (int64_t)i + 1);
	}
	expect_eq("ADV-40", get(&h, TG_LAB_RETRANSMITS), 0, "repetitions");
	host_fini(&h);
}

/* ADV-41: without SACK-permitted in the SYN blocks are as unknown options: they make no duplicate
 * of an ACK that moves the window (DT-23), and an impossible one is not even counted. */
static void test_established_sackNotAgreed_isIgnored(void)
{
	static const int32_t block[][2] = {{3000, 9000}}, bad[][2] = {{4000, 3000}};
	struct host h;

	open_mss(&h, NULL, MSS, false);
	fill(&h);
	for (uint16_t i = 1; i <= 8; i++) {
		send_sack(&h, h.win - i, 1, i % 2 ? block : bad);
		expect_nothing(&h, "ADV-41");
	}
	expect_counter(&h, "ADV-41", "bad_sack", 0);
	expect_eq("ADV-41", get(&h, TG_LAB_RETRANSMITS), 0, "repetitions");
	expect_eq("ADV-41", get(&h, TG_LAB_CWND_BYTES), IW * MSS, "cwnd");
	host_fini(&h);
}

/* ADV-42 (CVE-2019-11477 to 11479): MSS 48, and blocks that leave every second byte out. The floor
 * holds; what is kept of it and what is sent because of it are bounded; the stream goes on. */
static void test_established_smallestMssAndSplitting_bounded(void)
{
	char why[200] = "";
	struct host h;

	open_mss(&h, NULL, 48, true);
	expect_eq("ADV-42", get(&h, TG_LAB_MAXSEG), 216, "effective MSS");
	fill(&h);
	for (int32_t at = 1; at < IW * 216 - 8; at += 8) {
		const int32_t block[][2] = {
		    {at, at + 1}, {at + 2, at + 3}, {at + 4, at + 5}, {at + 6, at + 7}};

		send_sack(&h, h.win, 4, block);
	}
	expect_true("ADV-42", tg_lab_validate(h.lab, why, sizeof(why)), why);
	expect_true("ADV-42", host_drain(&h) < 200, "segments drawn by 1,080 blocks");
	send_flags(&h, ACK, h.rcv_nxt, h.una = h.nxt);
	expect_true("ADV-42", take_text(&h) > 0, "the stream goes on");
	host_fini(&h);
}

/* --- timestamps --- */

static void open_ts(struct host *h)
{
	struct seg syn = host_syn_full();

	host_init(h, NULL);
	host_open(h, &syn);
}

static int64_t bytes_read(struct host *h)
{
	static uint8_t buf[WIRE_MAX];

	return tg_lab_read(h->lab, h->sock, buf, sizeof(buf));
}

/* ADV-50: half the circle ahead in a segment that the checks stop: nothing is believed of it. */
static void test_established_tsvalHalfAroundOutOfPlace_tsRecentStays(void)
{
	struct host h;
	uint32_t honest;

	open_ts(&h);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	expect_eq("DT-11", bytes_read(&h), 100, "bytes");
	host_pass(&h, 100);
	host_drain(&h);
	honest = h.tsval;
	h.tsval += INT32_MAX;
	send_text(&h, ACK, h.rcv_nxt - 100, h.nxt, 100); /* left of the window */
	send_flags(&h, ACK, h.rcv_nxt - 1, h.nxt);
	send_text(&h, ACK, h.edge, h.nxt, 100);        /* right of it */
	send_text(&h, ACK, h.rcv_nxt, h.nxt + 1, 100); /* an ACK of what was never sent */
	send_text(&h, ACK, h.rcv_nxt, h.nxt - 0x40000000, 100);
	send_text(&h, 0, h.rcv_nxt, 0, 100);
	send_flags(&h, SYN, h.rcv_nxt, 0);
	host_drain(&h);
	h.tsval = honest + 1;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	expect_eq("ADV-50", bytes_read(&h), 100, "the true peer's text is taken");
	expect_counter(&h, "ADV-50", "paws_drop", 0);
	host_fini(&h);
}

/* ADV-50: in one that they pass it counts, as RFC 7323 has it: the true peer then looks old. */
static void test_established_tsvalHalfAroundInPlace_isTaken(void)
{
	struct host h;

	open_ts(&h);
	h.tsval += INT32_MAX;
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	expect_eq("ADV-50", bytes_read(&h), 100, "bytes");
	host_pass(&h, 100);
	host_drain(&h);
	h.tsval -= INT32_MAX - 1;
	for (int i = 0; i < 3; i++) {
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
		expect_ack(&h, "ADV-50");
	}
	expect_eq("ADV-50", bytes_read(&h), -EAGAIN, "nothing more");
	expect_counter(&h, "ADV-50", "paws_drop", 3);
	host_fini(&h);
}

/* ADV-53: an echo of what our clock has not said yet is no sample; its ACK counts. */
static void test_established_tsecrOfTheFuture_ackUsedNoSample(void)
{
	static const uint32_t ahead[] = {1, 5000, INT32_MAX, 0x80000000};

	for (size_t i = 0; i < TG_TEST_N(ahead); i++) {
		struct host h;

		open_ts(&h);
		int64_t srtt = get(&h, TG_LAB_SRTT_US), rto = get(&h, TG_LAB_RTO_US);
		host_lab_writes(&h, 100);
		host_pass(&h, 30);
		h.ts_last += 30 + ahead[i];
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		expect_eq("ADV-53", get(&h, TG_LAB_UNACKED_BYTES), 0, "in flight");
		expect_eq("ADV-53", get(&h, TG_LAB_SRTT_US), srtt, "SRTT");
		expect_eq("ADV-53", get(&h, TG_LAB_RTO_US), rto, "RTO");
		host_fini(&h);
	}
}

/* ADV-39: a window scale that nobody may ask for is 14. */
static void test_established_windowScale255_actsAs14(void)
{
	static const uint8_t shift[] = {15, 16, 31, 128, 255};

	for (size_t i = 0; i < TG_TEST_N(shift); i++) {
		struct seg syn = {.flags = SYN};
		struct host h;

		host_init(&h, NULL);
		h.win = 2;
		opt_ws(&syn, shift[i]);
		host_open(&h, &syn);
		expect_counter(&h, "ADV-39", "bad_wscale", 1);
		/* The largest window that the lab saw is where RB-06 begins to refuse. */
		send_flags(&h, ACK, h.rcv_nxt, h.una - (2 << 14));
		expect_nothing(&h, "ADV-39");
		send_flags(&h, ACK, h.rcv_nxt, h.una - (2 << 14) - 1);
		expect_ack(&h, "ADV-39");
		host_fini(&h);
	}
}

/* --- resets and FINs out of place --- */

/* ADV-20, ADV-21: whoever has found the window and tries each 64th part of it draws two challenges
 * a second, and ends nothing as long as he does not meet RCV.NXT. */
static void test_established_sweepOfTheWindow_twoChallengesASecond(void)
{
	for (int syn = 0; syn < 2; syn++) {
		struct host h;
		uint32_t n = 0;

		host_init(&h, NULL);
		host_open(&h, NULL);
		uint32_t step = (h.edge - h.rcv_nxt) / 64;
		for (uint32_t ms = 0; ms < 3000; ms += 10, host_pass(&h, 10)) {
			for (uint32_t k = 1; k < 64; k++)
				send_flags(&h, syn ? SYN : RST, h.rcv_nxt + k * step, 0);
			n += host_drain(&h);
		}
		expect_eq(syn ? "ADV-21" : "ADV-20", n, 6, "challenges in three seconds");
		expect_state(&h, syn ? "ADV-21" : "ADV-20", "ESTABLISHED");
		host_fini(&h);
	}
}

/* ADV-59: above a hole, too: the number of a FIN at the right edge lies outside, and is not kept.
 */
static void test_established_finAtRightEdgeAboveHole_notKept(void)
{
	struct host h;

	host_init(&h, "rcvbuf=4096");
	host_open(&h, NULL);
	uint32_t wnd = h.edge - h.rcv_nxt;
	send_text(&h, FIN | ACK, h.rcv_nxt + 10, h.nxt, wnd - 10);
	expect_ack(&h, "ADV-59");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	expect_state(&h, "ADV-59", "ESTABLISHED");
	h.rcv_nxt += wnd;
	expect_ack(&h, "ADV-59");
	host_fini(&h);
}

/* --- those who only hold on --- */

/* ADV-67: a peer that never says FIN: a user who may still read, and has not yet, is left alone. */
static void test_finWait2_unreadText_waitsForever(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_1, 0);
	send_text(&h, ACK, h.rcv_nxt, h.una, 10);
	h.rcv_nxt += 10;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	host_pass(&h, 1000);
	expect_ack(&h, "ADV-67");
	host_pass(&h, 24 * 3600 * 1000);
	expect_state(&h, "ADV-67", "FIN-WAIT-2");
	expect_nothing(&h, "ADV-67");
	expect_eq("ADV-67", bytes_read(&h), 10, "bytes");
	host_fini(&h);
}

/* One of many connections of a host. */
struct one {
	uint32_t rcv_nxt, nxt, edge;
	uint16_t rport;
	int sock;
};

static void leave(const struct host *h, struct one *c)
{
	*c = (struct one){h->rcv_nxt, h->nxt, h->edge, h->rport, h->sock};
}

static void go_to(struct host *h, const struct one *c)
{
	h->rcv_nxt = c->rcv_nxt;
	h->nxt = h->una = c->nxt;
	h->edge = c->edge;
	h->rport = c->rport;
	h->sock = c->sock;
}

static void open_many(struct host *h, const char *options, struct one c[], int n)
{
	struct seg syn = {.flags = SYN};

	host_init(h, options);
	opt_mss(&syn, MSS);
	for (int i = 0; i < n; i++) {
		h->rport = (uint16_t)(40000 + i);
		host_open(h, &syn);
		leave(h, &c[i]);
	}
}

static void end_many(struct host *h, const struct one c[], int n)
{
	for (int i = 0; i < n; i++) {
		expect_eq("ADV-56", tg_lab_poll(h->lab, c[i].sock) & TG_LAB_HUP, 0, "still open");
		tg_lab_abort(h->lab, c[i].sock);
	}
	host_drain(h);
	h->sock = -1;
	host_fini(h);
}

/* ADV-56: a hundred peers that speak now and then; there is room for eight that move. Each can go
 * on when it likes. */
static void test_established_idleConnections_restInLittleMemory(void)
{
	enum { N = 100 };
	struct one c[N];
	struct host h;
	char byte;

	open_many(&h, "connections=200 moving=8", c, N);
	for (int i = 0; i < 2 * N; i++) {
		go_to(&h, &c[i % N]);
		send_text(&h, ACK, h.rcv_nxt++, h.nxt, 1);
		expect_eq("ADV-56", tg_lab_read(h.lab, h.sock, &byte, 1), 1, "a byte");
		host_pass(&h, 60);
		expect_ack(&h, "ADV-56");
		leave(&h, &c[i % N]);
	}
	expect_counter(&h, "ADV-56", "ext_full", 0);
	end_many(&h, c, N);
}

/* Sends a segment; how much of it was acknowledged. */
static uint32_t send_one(struct host *h)
{
	struct seg s;
	uint32_t n = 0;

	send_text(h, ACK, h->rcv_nxt, h->nxt, MSS);
	host_pass(h, 50);
	while (host_next(h, &s))
		n = s.ack - h->rcv_nxt;
	h->rcv_nxt += n;
	return n;
}

/* ADV-91: peers whose text nobody reads take all buffers there are. The text that finds none is
 * dropped under its name and is not acknowledged; when there are buffers again it is taken, and
 * what was acknowledged is whole. */
static void test_established_buffersRunOut_textIsAsLost(void)
{
	enum { N = 32 };
	struct one c[N];
	struct host h;
	int starved = 0;

	open_many(&h, "buffer_mb=1 rcvbuf=65535", c, N);
	for (int i = 0; i < N; i++) {
		go_to(&h, &c[i]);
		while (h.edge - h.rcv_nxt >= MSS) {
			int64_t before = host_counter(&h, "rx_no_buffer");
			bool all = send_one(&h) == MSS;
			expect_eq("ADV-91", host_counter(&h, "rx_no_buffer"), before + !all,
				  "what is dropped is counted");
			if (!all) {
				starved++;
				break;
			}
		}
		leave(&h, &c[i]);
	}
	expect_true("ADV-91", starved > 0, "there is not enough for all");
	for (int i = 0; i < N; i++) {
		static uint8_t buf[70000];
		go_to(&h, &c[i]);
		ssize_t n = tg_lab_read(h.lab, h.sock, buf, sizeof(buf));
		int64_t bad = 0;
		for (ssize_t k = 0; k < n; k++)
			bad += buf[k] != host_byte(&h, h.irs + 1 + (uint32_t)k);
		expect_eq("ADV-91", bad, 0, "bytes that are not what was sent");
		expect_eq("ADV-91", n > 0 ? n : 0, h.rcv_nxt - h.irs - 1, "all that was told");
	}
	host_drain(&h);
	for (int i = 0; i < N; i++) {
		go_to(&h, &c[i]);
		expect_eq("ADV-91", send_one(&h), MSS, "the peer goes on");
	}
	end_many(&h, c, N);
}

/* ADV-56: one that takes what we send a byte at a time, and one that takes none: the first is
 * served for as long as it likes, the second until the user's patience ends. */
static void test_established_slowReader_livesUntilItStops(void)
{
	struct host h;

	open_mss(&h, "user_timeout_ms=5000", MSS, false);
	fill(&h);
	for (int i = 0; i < 60; i++) {
		host_pass(&h, 1000);
		send_flags(&h, ACK, h.rcv_nxt, ++h.una);
		host_drain(&h);
		expect_state(&h, "ADV-56", "ESTABLISHED");
	}
	host_pass(&h, 5100);
	host_drain(&h);
	expect_state(&h, "ADV-56", "CLOSED");
	expect_eq("ADV-56", bytes_read(&h), -ETIMEDOUT, "the user is told");
	expect_counter(&h, "ADV-56", "abort_user_timeout", 1);
	host_fini(&h);
}

/* ADV-56: who sends to a user that does not read fills his buffer, and no more. */
static void test_established_slowUser_bufferBoundsWhatIsHeld(void)
{
	struct host h;
	uint32_t sent = 0;

	open_mss(&h, "rcvbuf=8192", MSS, false);
	for (int i = 0; i < 100; i++) {
		send_text(&h, ACK, h.rcv_nxt, h.nxt, MSS); /* whatever the window is */
		h.rcv_nxt += h.edge - h.rcv_nxt < MSS ? h.edge - h.rcv_nxt : MSS;
		sent += MSS;
		host_pass(&h, 50);
		host_drain(&h);
	}
	expect_true("ADV-56", sent > 10 * 8192, "far more was sent");
	expect_eq("ADV-56", get(&h, TG_LAB_READABLE_BYTES), 8192, "what is held");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_ackOfUnsent_challengedCwndKept",
     test_established_ackOfUnsent_challengedCwndKept},
    {"test_established_oneAckForAll_cwndByTwoSegments",
     test_established_oneAckForAll_cwndByTwoSegments},
    {"test_established_ackByteByByte_cwndByBytes", test_established_ackByteByByte_cwndByBytes},
    {"test_established_thousandDupAcks_sendsNoMoreThanWasOut",
     test_established_thousandDupAcks_sendsNoMoreThanWasOut},
    {"test_established_windowShrinks_nothingBeyondIt",
     test_established_windowShrinks_nothingBeyondIt},
    {"test_established_impossibleSackBlocks_countedIgnored",
     test_established_impossibleSackBlocks_countedIgnored},
    {"test_established_sackOfOddLength_countedIgnored",
     test_established_sackOfOddLength_countedIgnored},
    {"test_established_sackNotAgreed_isIgnored", test_established_sackNotAgreed_isIgnored},
    {"test_established_smallestMssAndSplitting_bounded",
     test_established_smallestMssAndSplitting_bounded},
    {"test_established_tsvalHalfAroundOutOfPlace_tsRecentStays",
     test_established_tsvalHalfAroundOutOfPlace_tsRecentStays},
    {"test_established_tsvalHalfAroundInPlace_isTaken",
     test_established_tsvalHalfAroundInPlace_isTaken},
    {"test_established_tsecrOfTheFuture_ackUsedNoSample",
     test_established_tsecrOfTheFuture_ackUsedNoSample},
    {"test_established_windowScale255_actsAs14", test_established_windowScale255_actsAs14},
    {"test_established_sweepOfTheWindow_twoChallengesASecond",
     test_established_sweepOfTheWindow_twoChallengesASecond},
    {"test_established_finAtRightEdgeAboveHole_notKept",
     test_established_finAtRightEdgeAboveHole_notKept},
    {"test_finWait2_unreadText_waitsForever", test_finWait2_unreadText_waitsForever},
    {"test_established_idleConnections_restInLittleMemory",
     test_established_idleConnections_restInLittleMemory},
    {"test_established_buffersRunOut_textIsAsLost", test_established_buffersRunOut_textIsAsLost},
    {"test_established_slowReader_livesUntilItStops",
     test_established_slowReader_livesUntilItStops},
    {"test_established_slowUser_bufferBoundsWhatIsHeld",
     test_established_slowUser_bufferBoundsWhatIsHeld},
};

int main(int argc, char **argv)
{
	return host_main("conformance-forged", tests, TG_TEST_N(tests), argc, argv);
}
