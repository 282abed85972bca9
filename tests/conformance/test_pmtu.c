/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pmtu.c: path MTU discovery (RFC 1191, RFC 8201) with the guard of RFC 5927 7.2: RB-21,
 * RB-22, DT-31, DT-32. */
#include "lab_icmp.h"

enum { MSS = 1440, AGE_MS = 600000 };

static int64_t effective_mss(struct host *h)
{
	int64_t value = -1;

	expect_eq("lab.h", tg_lab_getopt(h->lab, h->sock, TG_LAB_MAXSEG, &value), 0, "getopt");
	return value;
}

/* A connection to MSS 1440, with a window that holds back nothing. */
static void open_wide(struct host *h, const char *options)
{
	struct seg syn = {.flags = SYN};

	host_init(h, options);
	opt_mss(&syn, MSS);
	h->win = 60000;
	host_open(h, &syn);
}

static uint32_t headers(const struct host *h)
{
	return h->v6 ? 60 : 40;
}

/* A router says of the segment at seq that the next link takes mtu; IPv4: total length as quoted.
 */
static void too_big(struct host *h, uint32_t seq, uint32_t mtu, uint16_t quoted_len)
{
	uint8_t q[200];
	size_t n = host_quote(h, seq, 8, q);

	if (!h->v6) {
		q[2] = (uint8_t)(quoted_len >> 8);
		q[3] = (uint8_t)quoted_len;
	}
	host_icmp(h, h->v6 ? 2 : 3, h->v6 ? 0 : 4, mtu, q, n);
}

/* The bytes that host_lab_writes wrote at seq. */
static bool is_text(const struct seg *s)
{
	for (uint32_t i = 0; i < s->len; i++)
		if (s->data[i] != (uint8_t)(s->seq + i))
			return false;
	return true;
}

static void ack_all(struct host *h)
{
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
}

/* RFC 1191 6.4: the segment that was too big at once, in pieces; what follows as ACKs come. */
static void test_established_tooBigInFirstFlight_repeatedInPieces(void)
{
	struct host h;
	struct seg s;
	uint32_t got = 0;

	open_wide(&h, NULL);
	host_lab_writes(&h, 4 * MSS);
	too_big(&h, h.una, 1300, 1500);
	expect_counter(&h, "RB-21", "ptb_applied", 1);
	while (host_next(&h, &s)) {
		expect_eq("DT-32", s.seq, h.una + got, "repeated in order from SND.UNA");
		expect_true("RB-21", s.len <= 1300 - headers(&h), "next segments <= new MTU");
		expect_true("DT-32", is_text(&s), "the same bytes at the same SEQ");
		expect_true("DT-31", h.v6 || s.df, "DF");
		got += s.len;
	}
	expect_true("RFC 1191 6.4", got >= MSS && got < 2 * MSS + 1300, "one segment, in pieces");
	for (int i = 0; i < 20 && h.una != h.nxt; i++) {
		h.una += got;
		send_flags(&h, ACK, h.rcv_nxt, h.una);
		for (got = 0; host_next(&h, &s); got += s.len) {
			expect_true("RB-21", s.len <= 1300 - headers(&h), "segments <= new MTU");
			expect_true("DT-32", is_text(&s), "the same bytes at the same SEQ");
		}
	}
	expect_eq("DT-32", h.una, h.nxt, "all is delivered without a timeout");
	expect_counter(&h, "DT-31", "rto", 0);
	host_fini(&h);
}

static void test_established_onlyOneSegment_piecesAtOnce(void)
{
	struct host h;

	open_wide(&h, NULL);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1280, 1500);
	expect_text(&h, "RB-21", h.una, 1280 - headers(&h));
	expect_text(&h, "RB-21", h.una + 1280 - headers(&h), MSS - (1280 - headers(&h)));
	expect_nothing(&h, "RB-21");
	too_big(&h, h.una, 1280, 1500); /* the same again is not less */
	expect_nothing(&h, "RB-21");
	expect_counter(&h, "RB-21", "ptb_ignored", 1);
	host_fini(&h);
}

/* RFC 1191 7.1; ADV-74: each quoted length once, however many of a flight come back. */
static void test_established_noMtuNamed_plateau(void)
{
	static const struct {
		uint16_t quoted_len;
		int64_t mtu;
	} row[] = {{1480, 1006}, {1480, 1006}, {1500, 1006}, {900, 552}, {1006, 552}, {552, 552}};
	struct host h;

	if (host_v6)
		return;
	open_wide(&h, NULL);
	host_lab_writes(&h, 4 * MSS);
	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		too_big(&h, h.una, 0, row[i].quoted_len);
		host_drain(&h);
		expect_eq("RB-21", effective_mss(&h), row[i].mtu - 40, "MSS by plateau");
	}
	host_fini(&h);
}

static void test_established_floorIsAKey_lowerAllowed(void)
{
	struct host h;

	if (host_v6)
		return;
	open_wide(&h, "pmtu_min_v4=68");
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 67, 1500);
	expect_eq("RB-21", effective_mss(&h), MSS, "below the floor");
	too_big(&h, h.una, 68, 1500);
	expect_eq("RB-21", effective_mss(&h), 28, "at the floor");
	host_drain(&h);
	host_fini(&h);
}

/* RB-22: segments of that size get through, so the claim waits, and is forgotten. */
static void test_established_forgedWhileMoving_nothingChanges(void)
{
	struct host h;
	struct seg s;

	open_wide(&h, NULL);
	host_lab_writes(&h, 6 * MSS); /* cwnd grows, so that it does not rest at once */
	h.una += 2 * MSS;
	send_flags(&h, ACK, h.rcv_nxt, h.una);
	too_big(&h, h.una, 576 + 1000u * h.v6, 1500);
	too_big(&h, h.nxt - 1, 1300, 1500);
	expect_nothing(&h, "RB-22");
	expect_eq("RB-22", effective_mss(&h), MSS, "MSS");
	expect_eq("RB-22", host_counter(&h, "ptb_applied"), 0, "ptb_applied");
	ack_all(&h);
	host_lab_writes(&h, 2 * MSS);
	too_big(&h, h.una, 1290,
		1500); /* the first of a flight, too: such a size was acknowledged */
	expect_eq("RB-22", effective_mss(&h), MSS, "MSS");
	ack_all(&h);
	/* A timeout of another segment than the quoted one tells nothing of it. */
	host_lab_writes(&h, MSS);
	host_pass(&h, 2000);
	expect_true("DT-05", host_next(&h, &s), "repeated by the timer");
	expect_eq("RB-22", s.len, MSS, "in one piece");
	host_drain(&h);
	expect_eq("RB-22", host_counter(&h, "ptb_applied"), 0, "ptb_applied");
	host_fini(&h);
}

static void test_established_keptClaimThenTimeout_applied(void)
{
	struct host h;
	struct seg s;

	open_wide(&h, NULL);
	host_lab_writes(&h, 6 * MSS);
	ack_all(&h);
	host_lab_writes(&h, 4 * MSS);
	too_big(&h, h.una, 1300, 1500);
	expect_nothing(&h, "RB-22");
	expect_counter(&h, "RB-22", "ptb_kept", 1);
	host_pass(&h, 2000);
	expect_counter(&h, "RB-22", "ptb_applied", 1);
	expect_true("RB-22", host_next(&h, &s), "repeated by the timer");
	expect_eq("RB-22", s.seq, h.una, "SEQ");
	expect_eq("RB-22", s.len, 1300 - headers(&h), "length");
	host_drain(&h);
	expect_eq("RB-22", effective_mss(&h), 1300 - headers(&h), "MSS");
	host_fini(&h);
}

/* What has timed out already is believed at once, though its size was acknowledged before. */
static void test_established_claimAfterTimeout_applied(void)
{
	struct host h;

	open_wide(&h, NULL);
	host_lab_writes(&h, 2 * MSS);
	h.una += MSS;
	send_flags(&h, ACK, h.rcv_nxt, h.una);
	too_big(&h, h.una, 1300, 1500);
	expect_counter(&h, "RB-22", "ptb_kept", 1);
	too_big(&h, h.una, 1290, 1500); /* takes more away: the first stands */
	host_pass(&h, 2000);
	host_drain(&h);
	expect_eq("RB-22", effective_mss(&h), 1300 - headers(&h), "MSS after the timeout");
	too_big(&h, h.una, 1285, 1500);
	expect_counter(&h, "RB-22", "ptb_applied", 2);
	expect_text(&h, "RB-21", h.una, 1285 - headers(&h));
	host_drain(&h);
	host_fini(&h);
}

/* RB-17: numbers that are not in flight, of a PTB too. */
static void test_established_tooBigOutOfFlight_dropped(void)
{
	struct host h;

	open_wide(&h, NULL);
	host_lab_writes(&h, 2 * MSS);
	const uint32_t seq[] = {h.una - 1, h.nxt, h.nxt + 1, h.una + UINT32_C(0x80000000)};
	for (int i = 0; i < 4; i++) {
		too_big(&h, seq[i], 1300, 1500);
		expect_counter(&h, "RB-17", "icmp_bad_seq", i + 1);
	}
	expect_eq("RB-17", effective_mss(&h), MSS, "MSS");
	too_big(&h, h.nxt - 1, 1300, 1500);
	expect_eq("RB-17", effective_mss(&h), 1300 - headers(&h), "MSS");
	host_drain(&h);
	host_fini(&h);
}

/* RFC 1191 6.3: ten minutes later the size of the link is tried again. The connection rests in
 * between, which must not cost what was negotiated. */
static void test_established_tenMinutesLater_fullSizeAgain(void)
{
	struct host h;

	open_wide(&h, NULL);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	ack_all(&h);
	host_pass(&h, AGE_MS - 1000);
	host_drain(&h);
	expect_eq("RB-21", effective_mss(&h), 1300 - headers(&h), "MSS shortly before");
	host_pass(&h, 2000);
	host_drain(&h);
	expect_eq("RB-21", effective_mss(&h), MSS, "MSS after ten minutes");
	host_lab_writes(&h, MSS);
	expect_eq("RB-21", h.nxt - h.una, MSS, "sent");
	host_fini(&h);
}

/* The same while something is always in flight: the connection never rests. */
static void test_established_tenMinutesInMotion_fullSizeAgain(void)
{
	struct host h;
	struct seg s;
	uint8_t text[MSS] = {0};
	uint32_t longest = 0;

	open_wide(&h, NULL);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	ack_all(&h);
	for (int i = 0; i < 605; i++) {
		expect_eq("RB-21", tg_lab_write(h.lab, h.sock, text, MSS), MSS, "tg_lab_write");
		while (host_next(&h, &s)) {
			longest = s.len > longest ? s.len : longest;
			h.nxt = s.seq + s.len;
		}
		if (i == 595)
			expect_eq("RB-21", longest, 1300 - headers(&h), "longest segment before");
		host_pass(&h, 1000 - 50);
		while (host_next(&h, &s)) {
			longest = s.len > longest ? s.len : longest;
			if (s.seq + s.len - h.nxt < MSS)
				h.nxt = s.seq + s.len;
		}
		send_flags(&h, ACK, h.rcv_nxt, h.nxt - 1);
		host_pass(&h, 50);
	}
	expect_eq("RB-21", longest, MSS, "longest segment after ten minutes");
	host_drain(&h);
	host_fini(&h);
}

/* Applied per path: a connection to the same host knows at once, one to another does not. */
static void test_hosts_samePath_sameMtu(void)
{
	struct host h;
	uint32_t small;
	int first;

	open_wide(&h, NULL);
	small = 1300 - headers(&h);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	expect_eq("RB-21", effective_mss(&h), small, "MSS of the first");
	first = h.sock;

	struct seg syn = {.flags = SYN};
	opt_mss(&syn, MSS);
	h.rport++;
	host_open(&h, &syn);
	expect_eq("RB-21", effective_mss(&h), small, "MSS of a new one to the same host");
	tg_lab_abort(h.lab, h.sock);
	host_drain(&h);

	const char *peer = h.raddr;
	h.raddr = h.v6 ? "2001:db8::64" : "192.0.2.100";
	host_open(&h, &syn);
	expect_eq("RB-21", effective_mss(&h), MSS, "MSS of one to another host");
	tg_lab_abort(h.lab, h.sock);
	host_drain(&h);

	h.raddr = peer;
	host_pass(&h, AGE_MS);
	host_drain(&h);
	host_open(&h, &syn);
	expect_eq("RB-21", effective_mss(&h), MSS, "MSS of a new one after ten minutes");
	tg_lab_abort(h.lab, first);
	host_drain(&h);
	host_fini(&h);
}

/* What we open ourselves, and what a cookie opens, begin with what is known of the path. */
static void test_opens_knownPath_beginSmall(void)
{
	struct host h;
	struct seg syn = {.flags = SYN}, answer = {.flags = SYN | ACK}, s;
	const uint8_t text[3 * MSS] = {0};
	int first;

	open_wide(&h, "syn_cookies=always");
	opt_mss(&syn, MSS);
	opt_mss(&answer, MSS);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	first = h.sock;

	h.rport++;
	host_open(&h, &syn);
	expect_counter(&h, "SC-09", "cookie_ok", 2);
	expect_true("RB-21", effective_mss(&h) <= 1300 - headers(&h), "MSS of a cookie's");
	tg_lab_abort(h.lab, h.sock);
	host_drain(&h);

	host_connect(&h, NULL);
	answer.seq = h.irs;
	answer.ack = h.nxt;
	answer.win = h.win;
	expect_eq("UC-03", tg_lab_write(h.lab, h.sock, text, sizeof(text)), sizeof(text), "write");
	host_send(&h, &answer);
	expect_state(&h, "SE-05", "ESTABLISHED");
	while (host_next(&h, &s))
		expect_true("RB-21", s.len <= 1300 - headers(&h), "its first segments");
	expect_eq("RB-21", effective_mss(&h), 1300 - headers(&h), "MSS of one that we open");
	tg_lab_abort(h.lab, first);
	host_drain(&h);
	host_fini(&h);
}

/* Open connections on the path follow when they send next, moving and resting ones. */
static void test_established_otherConnectionsPath_followed(void)
{
	struct host h;
	struct seg syn = {.flags = SYN}, s;
	uint8_t text[2 * MSS] = {0};
	int other;

	open_wide(&h, NULL);
	other = h.sock;
	opt_mss(&syn, MSS);
	h.rport++;
	host_open(&h, &syn);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	expect_eq("RB-21", tg_lab_write(h.lab, other, text, 2 * MSS), 2 * MSS, "tg_lab_write");
	expect_true("RB-21", host_next(&h, &s), "text came");
	expect_eq("RB-21", s.len, 1300 - headers(&h), "segment of the other connection");
	host_drain(&h);
	tg_lab_abort(h.lab, other);
	host_drain(&h);
	host_fini(&h);
}

/* maxseg that the user sets bounds what the path gives back. */
static void test_established_maxsegWhileLowered_notPassed(void)
{
	struct host h;

	open_wide(&h, NULL);
	host_lab_writes(&h, MSS);
	too_big(&h, h.una, 1300, 1500);
	host_drain(&h);
	ack_all(&h);
	expect_eq("lab.h", tg_lab_setopt(h.lab, h.sock, TG_LAB_MAXSEG, 1350), 0, "setopt");
	expect_eq("RB-21", effective_mss(&h), 1300 - headers(&h), "MSS while the path is narrow");
	host_pass(&h, AGE_MS);
	expect_eq("RB-21", effective_mss(&h), 1350, "MSS afterwards");
	host_fini(&h);
}

/* DT-31, RFC 4821: what is longer than 1,300 bytes vanishes without a word. After two timeouts a
 * smaller segment is tried, and when it gets through all that follows is as small. */
static void test_established_longOnesVanish_smallerOnesPass(void)
{
	uint32_t vanished = 0, first = 0;
	struct host h;
	struct seg s;

	open_wide(&h, NULL);
	host_lab_writes(&h, 10 * MSS);
	for (int i = 0; i < 600 && h.una != h.nxt; i++) {
		host_pass(&h, 100);
		while (host_next(&h, &s)) {
			expect_true("DT-32", is_text(&s), "the same bytes at the same SEQ");
			if (s.len + headers(&h) > 1300) {
				expect_eq("DT-31", first, 0, "a long one after a short one");
				vanished++;
				continue;
			}
			first = first ? first : s.len;
			if (s.seq == h.una)
				h.una += s.len;
			send_flags(&h, ACK, h.rcv_nxt, h.una);
		}
	}
	expect_eq("DT-31", h.una, h.nxt, "all is delivered");
	expect_eq("DT-31", vanished, 1,
		  "long ones after the first flight, before the second timeout");
	if (h.v6)
		expect_eq("DT-31", first, 1220, "what IPv6 lets pass everywhere");
	else
		expect_true("DT-31", first >= 536 && first <= 1024, "536 to 1024");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_tooBigInFirstFlight_repeatedInPieces",
     test_established_tooBigInFirstFlight_repeatedInPieces},
    {"test_established_longOnesVanish_smallerOnesPass",
     test_established_longOnesVanish_smallerOnesPass},
    {"test_established_onlyOneSegment_piecesAtOnce", test_established_onlyOneSegment_piecesAtOnce},
    {"test_established_noMtuNamed_plateau", test_established_noMtuNamed_plateau},
    {"test_established_floorIsAKey_lowerAllowed", test_established_floorIsAKey_lowerAllowed},
    {"test_established_forgedWhileMoving_nothingChanges",
     test_established_forgedWhileMoving_nothingChanges},
    {"test_established_keptClaimThenTimeout_applied",
     test_established_keptClaimThenTimeout_applied},
    {"test_established_claimAfterTimeout_applied", test_established_claimAfterTimeout_applied},
    {"test_established_tooBigOutOfFlight_dropped", test_established_tooBigOutOfFlight_dropped},
    {"test_established_tenMinutesLater_fullSizeAgain",
     test_established_tenMinutesLater_fullSizeAgain},
    {"test_established_tenMinutesInMotion_fullSizeAgain",
     test_established_tenMinutesInMotion_fullSizeAgain},
    {"test_hosts_samePath_sameMtu", test_hosts_samePath_sameMtu},
    {"test_opens_knownPath_beginSmall", test_opens_knownPath_beginSmall},
    {"test_established_otherConnectionsPath_followed",
     test_established_otherConnectionsPath_followed},
    {"test_established_maxsegWhileLowered_notPassed",
     test_established_maxsegWhileLowered_notPassed},
};

int main(int argc, char **argv)
{
	return host_main("conformance-pmtu", tests, TG_TEST_N(tests), argc, argv);
}
