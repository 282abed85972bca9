/* SPDX-License-Identifier: BSD-3-Clause */
/* test_resets.c: resets, challenges and their limits (RFC 5961, RFC 9293 3.5.2, 3.10.7.4): RB-01 to
 * RB-16, and text at the edges of the window (SE-27, SE-33 to SE-36, SE-42). */
#include "lab_host.h"

static ssize_t lab_read(struct host *h)
{
	static uint8_t buf[70000];

	return tg_lab_read(h->lab, h->sock, buf, sizeof(buf));
}

/* --- resets --- */

/* The window is closed: a small receive buffer is filled. */
static void close_window(struct host *h)
{
	struct seg s;

	host_init(h, "rcvbuf=4096");
	host_open(h, NULL);
	for (int i = 0; i < 100 && h->edge != h->rcv_nxt; i++) {
		uint32_t room = h->edge - h->rcv_nxt, len = room < 1000 ? room : 1000;
		send_text(h, ACK | PSH, h->rcv_nxt, h->nxt, len);
		h->rcv_nxt += len;
		host_pass(h, 50);
		while (host_next(h, &s))
			;
	}
	expect_eq("DT-25", h->edge - h->rcv_nxt, 0, "the window is closed");
}

static void test_established_zeroWindowRst_exactOnly(void)
{
	struct host h;

	close_window(&h);
	send_flags(&h, RST, h.rcv_nxt + 1, 0);
	expect_nothing(&h, "RB-02");
	expect_state(&h, "RB-02", "ESTABLISHED");
	send_flags(&h, RST, h.rcv_nxt - 1, 0);
	expect_state(&h, "RB-02", "ESTABLISHED");
	send_flags(&h, RST, h.rcv_nxt, 0);
	expect_state(&h, "RB-02", "CLOSED");
	host_fini(&h);
}

/* SE-36, DT-25: text is dropped, ACK, URG and RST are used, each probe is answered. */
static void test_established_zeroWindowText_ackUsedTextDropped(void)
{
	struct host h;

	close_window(&h);
	host_lab_writes(&h, 10);
	for (int i = 0; i < 5; i++) {
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 1);
		struct seg s = expect(&h, "SE-36", ACK, h.nxt, h.rcv_nxt);
		expect_eq("DT-25", s.win, 0, "window of the answer");
	}
	int64_t unacked = -1;
	tg_lab_getopt(h.lab, h.sock, TG_LAB_UNACKED_BYTES, &unacked);
	expect_eq("SE-36", unacked, 0, "its ACK was used (MUST-66)");
	host_fini(&h);
}

static void test_established_badRsts_oneChallengeAnInterval(void)
{
	struct host h;
	uint32_t n = 0;

	host_init(&h, NULL);
	host_open(&h, NULL);
	for (int i = 0; i < 100; i++) {
		send_flags(&h, RST, h.rcv_nxt + 1 + (uint32_t)i, 0);
		n += host_drain(&h);
		host_pass(&h, 1);
	}
	expect_eq("RB-08", n, 1, "challenges in 100 ms");
	expect_counter(&h, "RB-08", "ch_sent", 1);
	expect_counter(&h, "RB-08", "ch_skipped", 99);
	host_at(&h, 499);
	send_flags(&h, RST, h.rcv_nxt + 1, 0);
	expect_nothing(&h, "RB-08");
	host_at(&h, 501);
	send_flags(&h, RST, h.rcv_nxt + 1, 0);
	expect_ack(&h, "RB-08");
	host_fini(&h);
}

static void test_established_challengeOption_isObeyed(void)
{
	struct host h;

	host_init(&h, "challenge_ms=2000");
	host_open(&h, NULL);
	send_flags(&h, SYN, h.rcv_nxt, 0);
	expect_ack(&h, "RB-05");
	host_pass(&h, 1990);
	send_flags(&h, SYN, h.rcv_nxt, 0);
	expect_nothing(&h, "RB-08");
	host_pass(&h, 20);
	send_flags(&h, SYN, h.rcv_nxt, 0);
	expect_ack(&h, "RB-08");
	host_fini(&h);
}

/* ADV-84, CVE-2016-5696: what one connection is answered says nothing of another. */
static void test_established_floodOfAnother_answersUnaffected(void)
{
	struct host h;
	struct seg s;

	host_init(&h, NULL);
	host_open(&h, NULL);
	uint32_t a_nxt = h.nxt, a_rcv = h.rcv_nxt, a_edge = h.edge;
	int a_sock = h.sock;
	h.rport = 40001;
	host_open(&h, NULL);
	for (int i = 0; i < 1000; i++)
		send_flags(&h, RST, h.rcv_nxt + 1 + (uint32_t)i, 0);
	while (host_next(&h, &s))
		;
	h.rport = 40000;
	uint32_t b_nxt = h.nxt;
	h.nxt = a_nxt;
	h.rcv_nxt = a_rcv;
	h.edge = a_edge;
	send_flags(&h, RST, h.rcv_nxt + 1, 0);
	expect_ack(&h, "RB-09");
	tg_lab_abort(h.lab, a_sock);
	expect_abort(&h, "UC-07");
	(void)b_nxt;
	host_fini(&h);
}

static void test_established_oldText_alwaysAcked(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 100;
	host_pass(&h, 100);
	expect_ack(&h, "TO-10");
	for (int i = 0; i < 10; i++) { /* a lost ACK: no limit (RB-10) */
		send_text(&h, ACK, h.rcv_nxt - 100, h.nxt, 100);
		expect_ack(&h, "RB-10");
	}
	for (int i = 0; i < 10; i++) { /* beyond the right edge */
		send_text(&h, ACK, h.edge, h.nxt, 100);
		expect_ack(&h, "SE-27");
	}
	send_flags(&h, SYN, h.rcv_nxt - 1, 0);
	expect_ack(&h, "RB-05");
	send_text(&h, SYN, h.rcv_nxt - 1, 0, 10); /* a SYN never gets the exemption */
	expect_nothing(&h, "RB-10");
	host_fini(&h);
}

static void test_established_inWindowAcks_neverAnswered(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	for (int i = 0; i < 50; i++) {
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		send_flags(&h, ACK, h.rcv_nxt + 5, h.nxt);
		expect_nothing(&h, "RB-11");
	}
	host_fini(&h);
}

/* Two ends that disagree on everything exchange at most two ACKs a second. */
static void test_established_twoDesynchronised_noAckLoop(void)
{
	struct host h;
	uint32_t n = 0;

	host_init(&h, NULL);
	host_open(&h, NULL);
	for (int ms = 0; ms < 10000; ms += 10) {
		send_flags(&h, ACK, h.rcv_nxt - 77777, h.nxt + 55555);
		n += host_drain(&h);
		host_pass(&h, 10);
	}
	expect_true("RB-11", n >= 10 && n <= 21, "two ACKs a second at most");
	host_fini(&h);
}

/* RST-A and RST-B come from a budget by prefix: X cannot silence Y (RB-12, ADV-85). */
static void test_closed_floodFromX_yIsAnswered(void)
{
	struct host h;
	uint32_t n = 0;

	host_init(&h, "rst_rate=100");
	for (int i = 0; i < 1000; i++) {
		send_flags(&h, SYN, (uint32_t)i, 0);
		n += host_drain(&h);
	}
	expect_true("RB-12", n >= 50 && n <= 200, "the flood is answered within its budget");
	expect_eq("RB-12", host_counter(&h, "rst_limited"), 1000 - n, "the rest is counted");
	h.raddr = h.v6 ? "2001:db8:77::1" : "198.51.100.7";
	send_flags(&h, SYN, 5, 0);
	expect(&h, "RB-12", RST | ACK, 0, 6);
	host_fini(&h);
}

static void test_closed_rstRateZero_isUnlimited(void)
{
	struct host h;
	uint32_t n = 0;

	host_init(&h, "rst_rate=0");
	for (int i = 0; i < 5000; i++)
		send_flags(&h, SYN, (uint32_t)i, 0);
	n = host_drain(&h);
	expect_eq("lab.h", n, 5000, "answers");
	host_fini(&h);
}

static void test_established_blindSweep_livesAndStaysQuiet(void)
{
	for (int syn = 0; syn < 2; syn++) {
		struct host h;
		uint32_t n = 0, steps = 0;
		host_init(&h, NULL);
		host_open(&h, NULL);
		uint32_t wnd = h.edge - h.rcv_nxt; /* one segment per window over all numbers */
		for (uint64_t at = 1; at < UINT64_C(1) << 32; at += wnd, steps++) {
			send_flags(&h, syn ? SYN : RST, h.rcv_nxt + (uint32_t)at, 0);
			n += host_drain(&h);
			if (steps % 100 == 99)
				host_pass(&h, 1);
		}
		expect_true(syn ? "ADV-21" : "ADV-20", n <= 2 + 2 * host_ms(&h) / 1000 + 1,
			    "at most two challenges a second");
		expect_state(&h, syn ? "ADV-21" : "ADV-20", "ESTABLISHED");
		host_fini(&h);
	}
}

/* RB-16: WL1, WL2 and the window are not taken from a segment that is dropped. */
static void test_established_badAck_windowNotTaken(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	struct seg s = {.flags = ACK, .seq = h.rcv_nxt, .ack = h.nxt + 1, .win = 0};
	host_send(&h, &s);
	expect_ack(&h, "SE-32");
	host_lab_writes(&h, 10); /* the window is still open */
	host_fini(&h);
}

/* --- text --- */

static void test_established_textInOrder_isDelivered(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 1);
	expect_eq("SE-33", lab_read(&h), 1, "one byte");
	h.rcv_nxt++;
	host_pass(&h, 500);
	expect_ack(&h, "SE-33");
	host_fini(&h);
}

static void test_established_textNoAck_isDropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, 0, h.rcv_nxt, 0, 10);
	expect_nothing(&h, "SE-25");
	send_text(&h, PSH | URG | FIN, h.rcv_nxt, 0, 10);
	expect_nothing(&h, "SE-25");
	expect_eq("SE-25", lab_read(&h), -EAGAIN, "nothing delivered");
	expect_state(&h, "SE-25", "ESTABLISHED");
	host_fini(&h);
}

static void test_established_textBadAck_notDelivered(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	send_text(&h, ACK, h.rcv_nxt, h.nxt + 1, 10);
	expect_ack(&h, "SE-32");
	host_pass(&h, 501);
	host_drain(&h);
	send_text(&h, ACK, h.rcv_nxt, h.una - h.win - 1, 10);
	expect_ack(&h, "SE-31");
	expect_eq("ADV-22", lab_read(&h), -EAGAIN, "nothing delivered");
	send_text(&h, ACK, h.rcv_nxt, h.una - h.win, 10); /* ignored as ACK, used as text */
	expect_eq("SE-30", lab_read(&h), 10, "the text is used");
	host_fini(&h);
}

static void test_established_textAboveHole_isHeld(void)
{
	struct host h;
	struct seg syn = host_syn_full(), s;

	host_init(&h, NULL);
	host_open(&h, &syn);
	send_text(&h, ACK, h.rcv_nxt + 100, h.nxt, 100);
	s = expect(&h, "SE-34", ACK, h.nxt, h.rcv_nxt);
	expect_eq("SE-34", s.sack_n, 1, "SACK blocks");
	expect_true("SE-34", s.sack[0][0] == h.rcv_nxt + 100 && s.sack[0][1] == h.rcv_nxt + 200,
		    "the block");
	expect_eq("SE-34", lab_read(&h), -EAGAIN, "nothing delivered yet");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 200;
	expect_ack(&h, "DT-11");
	expect_eq("SE-34", lab_read(&h), 200, "all delivered");
	host_fini(&h);
}

static void test_established_textStraddlesEdges_isTrimmed(void)
{
	struct host h;
	uint8_t buf[100];

	host_init(&h, "rcvbuf=4096");
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt - 50, h.nxt, 100); /* left: 50 are new */
	expect_eq("SE-35", tg_lab_read(h.lab, h.sock, buf, 100), 50, "the new half");
	for (uint32_t i = 0; i < 50; i++)
		expect_eq("SE-35", buf[i], host_byte(&h, h.rcv_nxt + i), "a byte of it");
	h.rcv_nxt += 50;
	host_pass(&h, 100);
	host_next(&h, &(struct seg){.seq = 0}); /* the edge moves on with the ACK */
	uint32_t wnd = h.edge - h.rcv_nxt;
	send_text(&h, ACK | FIN, h.rcv_nxt, h.nxt, wnd + 100); /* right: FIN is trimmed with it */
	expect_eq("SE-35", lab_read(&h), wnd, "what fits the window");
	expect_state(&h, "ADV-59", "ESTABLISHED");
	host_fini(&h);
}

/* SE-35, ADV-89: the same above a hole: what is trimmed off has no place to be held at. */
static void test_established_finStraddlesAboveHole_isTrimmed(void)
{
	struct host h;

	for (uint32_t past = 0; past < 2; past++) { /* the FIN on the edge, and beyond it */
		host_init(&h, "rcvbuf=4096");
		host_open(&h, NULL);
		uint32_t wnd = h.edge - h.rcv_nxt;
		send_text(&h, ACK | FIN, h.rcv_nxt + 10, h.nxt, wnd - 10 + 100 * past);
		expect_ack(&h, "SE-34");
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
		h.rcv_nxt += wnd;
		expect_ack(&h, "SE-35");
		expect_eq("SE-35", lab_read(&h), wnd, "what fits the window");
		expect_state(&h, "SE-35", "ESTABLISHED");
		host_drain(&h);
		host_fini(&h);
	}
}

static void test_established_overlap_firstBytesWin(void)
{
	struct host h;
	uint8_t buf[30], other[20];

	host_init(&h, NULL);
	host_open(&h, NULL);
	memset(other, 0xee, sizeof(other));
	send_text(&h, ACK, h.rcv_nxt + 10, h.nxt, 10);
	struct seg s = {
	    .flags = ACK, .seq = h.rcv_nxt, .ack = h.nxt, .win = 5000, .data = other, .len = 20};
	host_send(&h, &s);
	expect_eq("ADV-44", tg_lab_read(h.lab, h.sock, buf, 30), 20, "bytes");
	expect_eq("ADV-44", buf[9], 0xee, "new bytes");
	for (uint32_t i = 10; i < 20; i++)
		expect_eq("ADV-44", buf[i], host_byte(&h, h.rcv_nxt + i),
			  "first-arrived bytes win");
	host_fini(&h);
}

static void test_closingStates_text_isIgnored(void)
{
	static const enum state states[] = {ST_CLOSE_WAIT, ST_CLOSING, ST_LAST_ACK, ST_TIME_WAIT};

	for (int i = 0; i < 4; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 0);
		host_pass(&h, 600);
		host_drain(&h);
		send_text(&h, ACK, h.rcv_nxt, h.una, 10); /* SE-33: past the FIN */
		expect_ack(&h, state_name[states[i]]);
		expect_eq("SE-33", lab_read(&h), 0, "end of stream");
		expect_state(&h, "SE-33", state_name[states[i]]);
		host_pass(&h, 600);
		host_drain(&h);
		send_text(&h, ACK, h.rcv_nxt + 100, h.una, 10); /* SE-34 */
		expect_ack(&h, state_name[states[i]]);
		host_fini(&h);
	}
}

static void test_finWait1_textThenFin_closing(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_FIN_WAIT_1, 0);
	send_text(&h, ACK | FIN, h.rcv_nxt, h.una, 100); /* ADV-69 */
	h.rcv_nxt += 101;
	expect_ack(&h, "ADV-69");
	expect_state(&h, "ADV-69", "CLOSING");
	expect_eq("ADV-69", lab_read(&h), 100, "the text is delivered");
	host_fini(&h);
}

static void test_established_urgent_toldOnceInline(void)
{
	struct host h;
	int64_t urgent = -1;
	uint8_t text[10] = "0123456789";

	host_init(&h, NULL);
	host_open(&h, NULL);
	struct seg s = {.flags = ACK | URG,
			.seq = h.rcv_nxt,
			.ack = h.nxt,
			.win = 5000,
			.urg = 5,
			.data = text,
			.len = 10};
	host_send(&h, &s);
	expect_eq("SE-42", tg_lab_getopt(h.lab, h.sock, TG_LAB_URGENT, &urgent), 0, "getopt");
	expect_eq("SE-42", urgent, 1, "urgent data is told");
	tg_lab_getopt(h.lab, h.sock, TG_LAB_URGENT, &urgent);
	expect_eq("SE-42", urgent, 0, "once");
	expect_eq("DT-30", lab_read(&h), 10, "its bytes stay in the stream");
	h.rcv_nxt += 10;
	s.seq = h.rcv_nxt;
	s.urg = 60000; /* ADV-54 */
	host_send(&h, &s);
	s.seq += 10;
	s.urg = 0;
	host_send(&h, &s);
	expect_eq("ADV-54", lab_read(&h), 20, "bytes");
	host_fini(&h);
}

static void test_established_keepaliveWithByte_notDelivered(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt - 1, h.nxt, 1);
	expect_ack(&h, "ADV-90");
	expect_eq("ADV-90", lab_read(&h), -EAGAIN, "the byte is not delivered");
	host_fini(&h);
}

/* SE-45: an old segment does not move the window. */
static void test_established_reorderedAck_windowKept(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 10);
	h.rcv_nxt += 10;
	uint32_t old_ack = h.nxt;
	host_lab_writes(&h, 10);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.una = h.nxt;
	struct seg s = {.flags = ACK, .seq = h.rcv_nxt, .ack = old_ack, .win = 0};
	host_send(&h, &s); /* WL2 > SEG.ACK */
	host_lab_writes(&h, 10);
	host_fini(&h);
}

static int64_t urgent_told(struct host *h)
{
	int64_t told = -1;

	expect_eq("SE-42", tg_lab_getopt(h->lab, h->sock, TG_LAB_URGENT, &told), 0, "getopt");
	return told;
}

static void send_urgent(struct host *h, uint32_t seq, uint16_t up, uint32_t len)
{
	static const uint8_t text[100];
	struct seg s = {.flags = ACK | URG,
			.seq = seq,
			.ack = h->una,
			.win = h->win,
			.urg = up,
			.data = text,
			.len = len};

	host_send(h, &s);
	host_drain(h);
}

/* SE-42: RCV.UP goes forward only, and what it passes is told once. */
static void test_established_urgentAgain_toldOnce(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	send_urgent(&h, h.rcv_nxt, 50, 10);
	expect_eq("SE-42", urgent_told(&h), 1, "told");
	send_urgent(&h, h.rcv_nxt + 10, 40, 10);
	expect_eq("SE-42", urgent_told(&h), 0, "the same place again");
	send_urgent(&h, h.rcv_nxt + 20, 10, 10);
	expect_eq("SE-42", urgent_told(&h), 0, "a place before it");
	send_urgent(&h, h.rcv_nxt + 30, 21, 10);
	expect_eq("SE-42", urgent_told(&h), 1, "one byte further");
	host_fini(&h);
}

/* SE-42: as long as text may come, and not after the peer's FIN. */
static void test_synchronized_urgent_byState(void)
{
	static const enum state states[] = {ST_ESTABLISHED, ST_FIN_WAIT_1, ST_FIN_WAIT_2,
					    ST_CLOSE_WAIT,  ST_CLOSING,    ST_LAST_ACK};

	for (int i = 0; i < 6; i++) {
		struct host h;
		host_init(&h, NULL);
		host_reach(&h, states[i], 10);
		send_urgent(&h, h.rcv_nxt, 5, 0);
		expect_eq(state_name[states[i]], urgent_told(&h), i < 3, "urgent data is told");
		expect_state(&h, "SE-42", state_name[states[i]]);
		host_fini(&h);
	}
}

/* SE-28: a part of what is outstanding is acknowledged; the rest goes again from there. */
static void test_established_partAcked_restIsOutstanding(void)
{
	struct host h;
	struct seg s;
	int64_t n = -1;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 100);
	send_flags(&h, ACK, h.rcv_nxt, h.una + 40);
	expect_nothing(&h, "SE-28");
	tg_lab_getopt(h.lab, h.sock, TG_LAB_UNACKED_BYTES, &n);
	expect_eq("SE-28", n, 60, "outstanding");
	host_pass(&h, 3000);
	expect_true("SE-28", host_next(&h, &s), "it goes again");
	expect_eq("SE-28", s.seq, (uint32_t)(h.una + 40), "SEQ of it");
	expect_eq("SE-28", s.len, 60, "its length");
	host_fini(&h);
}

/* SYN, SYN-ACK, and an ACK with ten bytes that nobody reads: the connection stays a moving one. */
static void open_with_text(struct host *h, uint32_t irs)
{
	host_init(h, NULL);
	h->irs = irs;
	host_syn(h, NULL);
	send_text(h, ACK, h->rcv_nxt, h->nxt, 10);
	h->rcv_nxt += 10;
	h->una = h->nxt;
	h->sock = tg_lab_accept(h->lab, h->listener);
	host_pass(h, 100);
	expect_ack(h, "SE-15");
}

/* SE-12, SE-45: WL1 is the SEQ of the handshake's ACK. Text that began before it is in part new,
 * but its window is old; that of text behind it is news. */
static void test_established_windowOfOldText_isNotTaken(void)
{
	static const uint32_t irs[] = {UINT32_C(0x10000000), UINT32_C(0x90000000)};

	for (int i = 0; i < 2; i++) {
		struct host h;
		open_with_text(&h, irs[i]);
		uint16_t win = h.win;
		h.win = 0;
		send_text(&h, ACK, h.irs, h.nxt, 12);
		expect_eq("SE-35", lab_read(&h), 11, "the old bytes and the new one");
		host_drain(&h);
		h.win = win;
		host_lab_writes(&h, 10); /* the window is open */
		host_fini(&h);

		open_with_text(&h, irs[i]);
		h.win = 0;
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 2);
		host_drain(&h);
		expect_eq("SE-45", tg_lab_write(h.lab, h.sock, "x", 1), 1, "write");
		expect_nothing(&h, "SE-45"); /* the window is closed */
		host_fini(&h);
	}
}

/* SE-30: the text of a segment with an old ACK is used, its window is not: ACK < SND.UNA. */
static void test_established_oldAckNewText_windowNotTaken(void)
{
	struct host h;

	open_with_text(&h, UINT32_C(0x10000000));
	uint32_t old = h.nxt;
	host_lab_writes(&h, 10);
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 2);
	h.rcv_nxt += 2;
	h.una = h.nxt;
	uint16_t win = h.win;
	h.win = 0;
	send_text(&h, ACK, h.rcv_nxt, old, 2);
	expect_eq("SE-30", lab_read(&h), 14, "the text is used");
	host_drain(&h);
	h.win = win;
	host_lab_writes(&h, 10);
	host_fini(&h);
}

/* SE-45, SE-31: MAX.SND.WND grows with the window, and does not shrink with it. */
static void test_established_maxWindow_growsOnly(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	h.win = 20000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	h.win = 1000;
	send_flags(&h, ACK, h.rcv_nxt, h.nxt);
	expect_nothing(&h, "SE-45");
	send_flags(&h, ACK, h.rcv_nxt, h.nxt - 20000);
	expect_nothing(&h, "SE-30");
	expect_counter(&h, "SE-45", "ack_old", 0);
	send_flags(&h, ACK, h.rcv_nxt, h.nxt - 20001);
	expect_ack(&h, "SE-31");
	expect_counter(&h, "SE-31", "ack_old", 1);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_zeroWindowRst_exactOnly", test_established_zeroWindowRst_exactOnly},
    {"test_established_zeroWindowText_ackUsedTextDropped",
     test_established_zeroWindowText_ackUsedTextDropped},
    {"test_established_badRsts_oneChallengeAnInterval",
     test_established_badRsts_oneChallengeAnInterval},
    {"test_established_challengeOption_isObeyed", test_established_challengeOption_isObeyed},
    {"test_established_floodOfAnother_answersUnaffected",
     test_established_floodOfAnother_answersUnaffected},
    {"test_established_oldText_alwaysAcked", test_established_oldText_alwaysAcked},
    {"test_established_inWindowAcks_neverAnswered", test_established_inWindowAcks_neverAnswered},
    {"test_established_twoDesynchronised_noAckLoop", test_established_twoDesynchronised_noAckLoop},
    {"test_closed_floodFromX_yIsAnswered", test_closed_floodFromX_yIsAnswered},
    {"test_closed_rstRateZero_isUnlimited", test_closed_rstRateZero_isUnlimited},
    {"test_established_blindSweep_livesAndStaysQuiet",
     test_established_blindSweep_livesAndStaysQuiet},
    {"test_established_badAck_windowNotTaken", test_established_badAck_windowNotTaken},
    {"test_established_textInOrder_isDelivered", test_established_textInOrder_isDelivered},
    {"test_established_textNoAck_isDropped", test_established_textNoAck_isDropped},
    {"test_established_textBadAck_notDelivered", test_established_textBadAck_notDelivered},
    {"test_established_textAboveHole_isHeld", test_established_textAboveHole_isHeld},
    {"test_established_textStraddlesEdges_isTrimmed",
     test_established_textStraddlesEdges_isTrimmed},
    {"test_established_finStraddlesAboveHole_isTrimmed",
     test_established_finStraddlesAboveHole_isTrimmed},
    {"test_established_overlap_firstBytesWin", test_established_overlap_firstBytesWin},
    {"test_closingStates_text_isIgnored", test_closingStates_text_isIgnored},
    {"test_finWait1_textThenFin_closing", test_finWait1_textThenFin_closing},
    {"test_established_urgent_toldOnceInline", test_established_urgent_toldOnceInline},
    {"test_established_keepaliveWithByte_notDelivered",
     test_established_keepaliveWithByte_notDelivered},
    {"test_established_reorderedAck_windowKept", test_established_reorderedAck_windowKept},
    {"test_established_urgentAgain_toldOnce", test_established_urgentAgain_toldOnce},
    {"test_synchronized_urgent_byState", test_synchronized_urgent_byState},
    {"test_established_partAcked_restIsOutstanding", test_established_partAcked_restIsOutstanding},
    {"test_established_windowOfOldText_isNotTaken", test_established_windowOfOldText_isNotTaken},
    {"test_established_oldAckNewText_windowNotTaken",
     test_established_oldAckNewText_windowNotTaken},
    {"test_established_maxWindow_growsOnly", test_established_maxWindow_growsOnly},
};

int main(int argc, char **argv)
{
	return host_main("conformance-resets", tests, TG_TEST_N(tests), argc, argv);
}
