/* SPDX-License-Identifier: BSD-3-Clause */
/* test_receive.c: the receiver's side of the data path: when it acknowledges (DT-11, DT-12), what
 * it tells of text out of order and of text that came twice (DT-13 to DT-15), its window (DT-25,
 * DT-26), and what stands left of it (DT-33). */
#include "lab_host.h"

enum { MSS = 1460 };

static void open_plain(struct host *h, const char *options)
{
	struct seg syn = {.flags = SYN};

	host_init(h, options);
	opt_mss(&syn, MSS);
	opt_sackok(&syn);
	host_open(h, &syn);
}

static void open_full(struct host *h, const char *options)
{
	struct seg syn = host_syn_full();

	host_init(h, options);
	host_open(h, &syn);
}

static int64_t lab_reads(struct host *h)
{
	static uint8_t buf[WIRE_MAX];
	ssize_t n = tg_lab_read(h->lab, h->sock, buf, sizeof(buf));
	int64_t bad = 0;

	for (ssize_t i = 0; i < n; i++)
		bad += buf[i] != host_byte(h, h->rcv_nxt - (uint32_t)n + (uint32_t)i);
	expect_eq("DT-32", bad, 0, "bytes that are not what was sent");
	return n;
}

/* Text that stands at RCV.NXT + from; h->rcv_nxt stays. */
static void text_at(struct host *h, int32_t from, uint32_t len)
{
	send_text(h, ACK, h->rcv_nxt + (uint32_t)from, h->nxt, len);
}

/* The next ACK has exactly these blocks, as [from, to) relative to RCV.NXT; ends with 0, 0. */
static void expect_sack(struct host *h, const char *rule, const int32_t want[][2])
{
	struct seg s = expect(h, rule, ACK, h->nxt, h->rcv_nxt);
	uint32_t n = 0;

	for (; want[n][0] != want[n][1]; n++)
		if (n < s.sack_n) {
			expect_eq(rule, (int32_t)(s.sack[n][0] - h->rcv_nxt), want[n][0], "left");
			expect_eq(rule, (int32_t)(s.sack[n][1] - h->rcv_nxt), want[n][1], "right");
		}
	expect_eq(rule, s.sack_n, n, "number of blocks");
}

#define BLOCKS(...) ((const int32_t[][2]){__VA_ARGS__, {0, 0}})
#define NO_BLOCKS   ((const int32_t[][2]){{0, 0}})

/* --- DT-15: what came twice --- */

/* DT-15, RFC 2883 4: told in the next ACK and in no other, also by a connection that has rested. */
static void test_established_oldTextAgain_isToldOnce(void)
{
	struct host h;

	open_plain(&h, "delayed_ack_ms=0");
	text_at(&h, 0, 300);
	h.rcv_nxt += 300;
	expect_sack(&h, "DT-15", NO_BLOCKS);
	expect_eq("DT-15", lab_reads(&h), 300, "bytes");
	for (int i = 0; i < 2; i++) {
		text_at(&h, -300, 300);
		expect_sack(&h, "DT-15", BLOCKS({-300, 0}));
		text_at(&h, -200, 100);
		expect_sack(&h, "DT-15", BLOCKS({-200, -100}));
		host_pass(&h, 100000);
	}
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	expect_sack(&h, "DT-15", NO_BLOCKS);
	host_fini(&h);
}

/* One byte left of RCV.NXT is how a tail loss probe of one byte looks (RFC 8985 7.4), and how a
 * window probe or keepalive with a byte does (ADV-90): it was received before, so it is told. */
static void test_established_lastByteAgain_isTold(void)
{
	struct host h;

	open_plain(&h, "delayed_ack_ms=0");
	text_at(&h, 0, 1);
	h.rcv_nxt++;
	expect_sack(&h, "DT-15", NO_BLOCKS);
	text_at(&h, -1, 1);
	expect_sack(&h, "DT-15", BLOCKS({-1, 0}));
	host_fini(&h);
}

/* DT-15, RFC 2883 4.1: below RCV.NXT while there is a hole: the duplicate first, then the blocks.
 * Inside a block: the duplicate, the block that holds it, then the others. */
static void test_established_textAgainWithHoles_orderOfBlocks(void)
{
	struct host h;

	open_plain(&h, "delayed_ack_ms=0");
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	expect_sack(&h, "DT-14", NO_BLOCKS);
	text_at(&h, 100, 300);
	expect_sack(&h, "DT-14", BLOCKS({100, 400}));
	text_at(&h, 600, 100);
	expect_sack(&h, "DT-14", BLOCKS({600, 700}, {100, 400}));
	text_at(&h, -100, 100);
	expect_sack(&h, "DT-15", BLOCKS({-100, 0}, {600, 700}, {100, 400}));
	text_at(&h, 200, 100);
	expect_sack(&h, "DT-15", BLOCKS({200, 300}, {100, 400}, {600, 700}));
	text_at(&h, 350, 100); /* in part new: the block grows */
	expect_sack(&h, "DT-15", BLOCKS({350, 400}, {100, 450}, {600, 700}));
	text_at(&h, 50, 700); /* two parts came before: the first is told */
	expect_sack(&h, "DT-15", BLOCKS({100, 450}, {50, 750}));
	text_at(&h, 900, 100); /* what came twice is told once */
	expect_sack(&h, "DT-15", BLOCKS({900, 1000}, {50, 750}));
	host_fini(&h);
}

/* DT-15, SE-35: text that is in part old is taken for its new part, told, and acknowledged without
 * delay. */
static void test_established_textInPartOld_isToldAtOnce(void)
{
	struct host h;

	open_plain(&h, NULL);
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	host_pass(&h, 50);
	expect_sack(&h, "DT-11", NO_BLOCKS);
	text_at(&h, -40, 100);
	h.rcv_nxt += 60;
	expect_sack(&h, "DT-15", BLOCKS({-100, -60}));
	expect_eq("SE-35", lab_reads(&h), 160, "bytes");
	text_at(&h, 100, 100); /* and the last part of what fills a hole */
	expect_sack(&h, "DT-14", BLOCKS({100, 200}));
	text_at(&h, 0, 150);
	h.rcv_nxt += 200;
	expect_sack(&h, "DT-15", BLOCKS({-100, -50}));
	host_fini(&h);
}

/* DT-14: at most 4 blocks, 3 beside timestamps, what came twice included. */
static void test_established_manyHoles_blocksAreBounded(void)
{
	for (int ts = 0; ts < 2; ts++) {
		struct seg s;
		struct host h;

		if (ts)
			open_full(&h, "delayed_ack_ms=0");
		else
			open_plain(&h, "delayed_ack_ms=0");
		for (int i = 0; i < 6; i++) {
			text_at(&h, 100 + 200 * i, 100);
			s = expect(&h, "DT-14", ACK, h.nxt, h.rcv_nxt);
		}
		expect_eq("DT-14", s.sack_n, ts ? 3 : 4, "blocks");
		expect_eq("DT-14", s.sack[0][0] - h.rcv_nxt, 1100, "the most recent is first");
		text_at(&h, 100, 100);
		s = expect(&h, "DT-15", ACK, h.nxt, h.rcv_nxt);
		expect_eq("DT-15", s.sack_n, ts ? 3 : 4, "blocks");
		expect_eq("DT-15", s.sack[0][0] - h.rcv_nxt, 100, "what came twice");
		expect_eq("DT-15", s.sack[1][0] - h.rcv_nxt, 100, "the block that holds it");
		expect_eq("DT-15", s.sack[2][0] - h.rcv_nxt, 1100, "the others, as before");
		host_fini(&h);
	}
}

/* DT-15 needs SACK; and what a stranger may have sent says nothing: an ACK that RB-06 would not
 * take, or a timestamp of the past (RB-16). */
static void test_established_oldTextOutOfPlace_isNotTold(void)
{
	struct host h;

	host_init(&h, "delayed_ack_ms=0");
	host_open(&h, NULL); /* without SACK */
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	expect_sack(&h, "EST-20", NO_BLOCKS);
	text_at(&h, -100, 100);
	expect_sack(&h, "EST-20", NO_BLOCKS);
	host_fini(&h);

	open_full(&h, "delayed_ack_ms=0");
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	expect_sack(&h, "DT-15", NO_BLOCKS);
	send_text(&h, ACK, h.rcv_nxt - 100, h.nxt + 1, 100);
	expect_sack(&h, "DT-15", NO_BLOCKS);
	send_text(&h, ACK, h.rcv_nxt - 100, h.nxt - 0x40000000, 100);
	expect_sack(&h, "DT-15", NO_BLOCKS);
	h.tsval--;
	text_at(&h, -100, 100);
	expect_sack(&h, "RB-16", NO_BLOCKS);
	h.tsval++;
	text_at(&h, -100, 100);
	expect_sack(&h, "DT-15", BLOCKS({-100, 0}));
	host_fini(&h);
}

/* SE-40: the FIN again with its text: the text is told, the FIN is none. */
static void test_closeWait_textAndFinAgain_textIsTold(void)
{
	struct host h;

	open_plain(&h, NULL);
	send_text(&h, ACK | FIN, h.rcv_nxt, h.nxt, 100);
	h.rcv_nxt += 101;
	expect_sack(&h, "SE-37", NO_BLOCKS);
	send_text(&h, ACK | FIN, h.rcv_nxt - 101, h.nxt, 100);
	expect_sack(&h, "DT-15", BLOCKS({-101, -1}));
	text_at(&h, -101, 101); /* whatever claims the FIN's number as text */
	expect_sack(&h, "DT-15", BLOCKS({-101, -1}));
	send_flags(&h, ACK | FIN, h.rcv_nxt - 1, h.nxt);
	expect_sack(&h, "SE-40", NO_BLOCKS);
	host_fini(&h);
}

/* --- DT-13: holes are bounded --- */

/* ADV-43: of 200 holes of one byte 64 are kept, the lowest ones, whatever their order; text in
 * order is never refused, and what was dropped comes again. */
static void test_established_manyOneByteHoles_lowestAreKept(void)
{
	enum { HOLES = 200, KEPT = 64 };

	for (int down = 0; down < 2; down++) {
		struct seg s;
		struct host h;

		open_plain(&h, "delayed_ack_ms=0");
		for (int i = 0; i < HOLES; i++) {
			text_at(&h, 1 + 2 * (down ? HOLES - 1 - i : i), 1);
			expect(&h, "DT-13", ACK, h.nxt, h.rcv_nxt);
		}
		expect_counter(&h, "ADV-43", "ofo_drop", HOLES - KEPT);
		for (int i = 0; i < KEPT; i++) {
			text_at(&h, 0, 1);
			h.rcv_nxt += 2; /* itself and the byte that was held */
			expect(&h, "DT-13", ACK, h.nxt, h.rcv_nxt);
		}
		text_at(&h, 0, 1);
		h.rcv_nxt++;
		s = expect(&h, "DT-13", ACK, h.nxt, h.rcv_nxt);
		expect_eq("DT-13", s.sack_n, 0, "blocks left");
		expect_eq("DT-13", lab_reads(&h), 2 * KEPT + 1, "bytes");
		host_fini(&h);
	}
}

/* --- DT-11, DT-12: when --- */

static void burst(struct host *h, uint32_t n, uint32_t first, uint32_t len)
{
	static uint8_t wire[64][1600], text[MSS];
	const void *datagram[64];
	size_t size[64];

	for (uint32_t i = 0; i < n; i++) {
		struct seg s = {.seq = h->rcv_nxt + (first + i) * len,
				.ack = h->nxt,
				.flags = ACK,
				.win = h->win,
				.data = text,
				.len = len};

		for (uint32_t k = 0; k < len; k++)
			text[k] = host_byte(h, s.seq + k);
		size[i] = host_build(h, &s, wire[i]);
		datagram[i] = wire[i];
	}
	expect_eq("lab.h", tg_lab_input_burst(h->lab, h->now, datagram, size, n), 0, "burst");
}

/* MUST-58, MUST-59: a burst of 32 in order draws at most 16 ACKs, the last of them for all. */
static void test_established_burstInOrder_acksAreAggregated(void)
{
	uint32_t acks = 0, last = 0;
	struct seg s;
	struct host h;

	open_plain(&h, NULL);
	burst(&h, 32, 0, MSS);
	for (; host_next(&h, &s); acks++)
		last = s.ack;
	expect_true("DT-12", acks >= 1 && acks <= 16, "1 to 16 ACKs");
	h.rcv_nxt += 32 * MSS;
	expect_eq("DT-12", last, h.rcv_nxt, "the last ACK");
	expect_eq("DT-12", lab_reads(&h), 32 * MSS, "bytes");
	host_fini(&h);
}

/* RFC 5681 4.2: out of order in a burst each segment draws its duplicate ACK, with its news. */
static void test_established_burstAboveHole_eachDrawsAnAck(void)
{
	uint32_t acks = 0;
	struct seg s;
	struct host h;

	open_plain(&h, NULL);
	burst(&h, 8, 1, MSS);
	for (; host_next(&h, &s); acks++) {
		expect_eq("DT-12", s.ack, h.rcv_nxt, "duplicate ACK");
		expect_eq("DT-12", s.sack[0][1] - h.rcv_nxt, (acks + 2) * MSS, "its SACK block");
	}
	expect_eq("DT-12", acks, 8, "duplicate ACKs");
	host_fini(&h);
}

/* DT-11: what fills a hole, whole or in part, is acknowledged at once. */
static void test_established_holeFills_ackAtOnce(void)
{
	struct host h;

	open_plain(&h, NULL);
	text_at(&h, 200, 100);
	expect_sack(&h, "DT-11", BLOCKS({200, 300}));
	text_at(&h, 0, 100); /* in part */
	h.rcv_nxt += 100;
	expect_sack(&h, "DT-11", BLOCKS({100, 200}));
	text_at(&h, 0, 100);
	h.rcv_nxt += 200;
	expect_sack(&h, "DT-11", NO_BLOCKS);
	text_at(&h, 0, 100); /* nothing out of order any more: this one may wait */
	expect_nothing(&h, "DT-11");
	h.rcv_nxt += 100;
	host_pass(&h, 40);
	expect_sack(&h, "TO-10", NO_BLOCKS);
	host_fini(&h);
}

/* DT-09, RFC 7323 4.3: an ACK that waited echoes the first of the segments that it is for, and a
 * segment above a hole does not move TS.Recent. */
static void test_established_delayedAck_echoesTheOldest(void)
{
	struct seg s;
	struct host h;

	open_full(&h, NULL);
	h.tsval = 2000;
	text_at(&h, 0, 100);
	h.tsval = 2010;
	h.rcv_nxt += 100;
	text_at(&h, 0, 100);
	h.rcv_nxt += 100;
	host_pass(&h, 40);
	s = expect(&h, "DT-09", ACK, h.nxt, h.rcv_nxt);
	expect_eq("DT-09", s.tsecr, 2000, "TSecr");
	h.tsval = 2050;
	text_at(&h, 100, 100);
	s = expect(&h, "DT-09", ACK, h.nxt, h.rcv_nxt);
	expect_eq("DT-09", s.tsecr, 2000, "TSecr above a hole");
	text_at(&h, 0, 100);
	h.rcv_nxt += 200;
	s = expect(&h, "DT-09", ACK, h.nxt, h.rcv_nxt);
	expect_eq("DT-09", s.tsecr, 2050, "TSecr when it is filled");
	host_fini(&h);
}

/* --- DT-25, DT-26, SE-36: the window --- */

/* The window is filled and left unread. */
static void close_window(struct host *h)
{
	uint32_t len = h->edge - h->rcv_nxt;

	text_at(h, 0, len);
	h->rcv_nxt += len;
	host_pass(h, 50);
	expect_ack(h, "DT-11");
	expect_eq("DT-25", h->edge - h->rcv_nxt, 0, "the window is closed");
}

/* MUST-39, SHLD-14: who reads byte by byte lets the window open by steps of min(MSS, half the
 * buffer) only. */
static void test_established_readsByteByByte_windowOpensBySteps(void)
{
	static const struct {
		const char *options;
		uint32_t buffer, step;
	} t[] = {{"rcvbuf=8192", 8192, 536}, {"rcvbuf=400", 400, 200}};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		uint32_t updates = 0, edge;
		struct host h;
		struct seg s;
		char byte;

		host_init(&h, t[i].options);
		host_open(&h, NULL);
		close_window(&h);
		edge = h.edge;
		for (uint32_t n = 0; n < t[i].buffer; n++) {
			expect_eq("DT-26", tg_lab_read(h.lab, h.sock, &byte, 1), 1, "a byte");
			for (; host_next(&h, &s); updates++, edge = h.edge)
				expect_true("DT-26", h.edge - edge >= t[i].step, "a whole step");
		}
		expect_true("DT-26", updates > 0, "the window opened");
		host_fini(&h);
	}
}

/* RFC 9293 3.10.7.4 (MUST-66), table 6: with the window closed a segment at RCV.NXT passes but for
 * its text and FIN; ACK, URG and RST of it are used. One further right is not acceptable. */
static void test_established_zeroWindow_allButTextIsUsed(void)
{
	static const struct {
		uint8_t flags;
		uint32_t len;
	} t[] = {{ACK, 1}, {ACK, 100}, {ACK | PSH, 100}, {ACK | FIN, 0}, {ACK | FIN, 10}};
	int64_t v = 0;
	struct host h;

	host_init(&h, "rcvbuf=4096");
	host_open(&h, NULL);
	close_window(&h);
	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		host_lab_writes(&h, 10);
		send_text(&h, t[i].flags, h.rcv_nxt, h.nxt, t[i].len);
		struct seg s = expect(&h, "SE-36", ACK, h.nxt, h.rcv_nxt);
		expect_eq("DT-25", s.win, 0, "window of the answer");
		h.una = h.nxt;
		tg_lab_getopt(h.lab, h.sock, TG_LAB_UNACKED_BYTES, &v);
		expect_eq("SE-36", v, 0, "its ACK is used");
		expect_state(&h, "SE-36", "ESTABLISHED");
		host_pass(&h, 600);
	}
	struct seg s = {.flags = ACK | URG, .seq = h.rcv_nxt, .ack = h.nxt, .win = h.win, .urg = 1};
	host_send(&h, &s);
	tg_lab_getopt(h.lab, h.sock, TG_LAB_URGENT, &v);
	expect_eq("SE-36", v, 1, "URG is told");
	expect_nothing(&h, "SE-36");
	host_pass(&h, 600);
	send_flags(&h, ACK, h.rcv_nxt + 1, h.nxt);
	expect_ack(&h, "SE-26");
	send_flags(&h, RST, h.rcv_nxt + 1, 0);
	expect_nothing(&h, "RB-02");
	expect_state(&h, "RB-02", "ESTABLISHED");
	send_flags(&h, RST, h.rcv_nxt, 0);
	expect_state(&h, "SE-36", "CLOSED");
	host_fini(&h);
}

/* --- DT-33: left of the window --- */

/* RFC 9293 A.2: both windows are closed and both sides probe from just left of the other's window:
 * the ACK and the window of such a probe count, so that both recover. */
static void test_established_crossedProbes_windowIsTaken(void)
{
	static const uint8_t text[100];

	for (uint32_t len = 0; len < 2; len++) {
		struct seg s;
		struct host h;

		host_init(&h, "rcvbuf=4096");
		h.win = 0;
		host_open(&h, NULL);
		close_window(&h);
		expect_eq("DT-33", tg_lab_write(h.lab, h.sock, text, 100), 100, "written");
		expect_nothing(&h, "DT-24");
		h.win = 5000;
		text_at(&h, -1, len);
		expect_true("DT-33", host_next(&h, &s), "an answer");
		expect_eq("DT-33", s.ack, h.rcv_nxt, "its ACK");
		if (!s.len)
			expect_true("DT-33", host_next(&h, &s), "text, as the window is open");
		expect_eq("DT-33", s.len, 100, "text");
		h.nxt += s.len;
		host_fini(&h);
	}
}

/* In any other case what stands left of the window changes nothing (RB-16). */
static void test_established_probeLeftOfWindow_changesNothing(void)
{
	int64_t unacked = 0;
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 100);
	text_at(&h, -1, 1);
	expect_ack(&h, "ADV-90");
	host_pass(&h, 10);
	text_at(&h, -1, 0);
	expect_ack(&h, "SE-26");
	tg_lab_getopt(h.lab, h.sock, TG_LAB_UNACKED_BYTES, &unacked);
	expect_eq("RB-16", unacked, 100, "bytes in flight");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_oldTextAgain_isToldOnce", test_established_oldTextAgain_isToldOnce},
    {"test_established_lastByteAgain_isTold", test_established_lastByteAgain_isTold},
    {"test_established_textAgainWithHoles_orderOfBlocks",
     test_established_textAgainWithHoles_orderOfBlocks},
    {"test_established_textInPartOld_isToldAtOnce", test_established_textInPartOld_isToldAtOnce},
    {"test_established_manyHoles_blocksAreBounded", test_established_manyHoles_blocksAreBounded},
    {"test_established_oldTextOutOfPlace_isNotTold", test_established_oldTextOutOfPlace_isNotTold},
    {"test_closeWait_textAndFinAgain_textIsTold", test_closeWait_textAndFinAgain_textIsTold},
    {"test_established_manyOneByteHoles_lowestAreKept",
     test_established_manyOneByteHoles_lowestAreKept},
    {"test_established_burstInOrder_acksAreAggregated",
     test_established_burstInOrder_acksAreAggregated},
    {"test_established_burstAboveHole_eachDrawsAnAck",
     test_established_burstAboveHole_eachDrawsAnAck},
    {"test_established_holeFills_ackAtOnce", test_established_holeFills_ackAtOnce},
    {"test_established_delayedAck_echoesTheOldest", test_established_delayedAck_echoesTheOldest},
    {"test_established_readsByteByByte_windowOpensBySteps",
     test_established_readsByteByByte_windowOpensBySteps},
    {"test_established_zeroWindow_allButTextIsUsed", test_established_zeroWindow_allButTextIsUsed},
    {"test_established_crossedProbes_windowIsTaken", test_established_crossedProbes_windowIsTaken},
    {"test_established_probeLeftOfWindow_changesNothing",
     test_established_probeLeftOfWindow_changesNothing},
};

int main(int argc, char **argv)
{
	return host_main("conformance-receive", tests, TG_TEST_N(tests), argc, argv);
}
