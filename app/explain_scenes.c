/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_scenes.c: conversations of each kind. Where both ends obey the rules they are labs; where
 * one does not, its packets are written by hand. */
#include "explain_scenes.h"

#include <string.h>
#include <sys/socket.h>

enum { PORT_A = 40000, PORT_B = 80, ISS_A = 1000, ISS_B = 5000, WND = 65535 };

struct pair {
	int a, b, listener;
};

static void begin(struct tg_stage *s, const char *a, const char *b)
{
	struct tg_stage keep = *s;

	tg_stage_begin(s, a, b, keep.show, keep.ctx);
	s->watch = keep.watch;
	s->v6 = keep.v6;
}

static int listen_b(struct tg_stage *s)
{
	return tg_lab_listen(s->lab[1], NULL, PORT_B, 16, NULL);
}

static int connect_a(struct tg_stage *s)
{
	return tg_lab_connect(s->lab[0], tg_stage_addr[s->v6][0], PORT_A, tg_stage_addr[s->v6][1],
			      PORT_B, NULL);
}

static struct pair open_both(struct tg_stage *s)
{
	struct pair p = {.listener = listen_b(s)};

	p.a = connect_a(s);
	tg_stage_run(s, 200);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	return p;
}

static struct pair open_with(struct tg_stage *s, const char *a, const char *b)
{
	begin(s, a, b);
	return open_both(s);
}

static void say(struct tg_stage *s, int side, int sock, uint32_t len, uint64_t wait_ms)
{
	static const uint8_t text[65536];

	while (len > 0) {
		ssize_t n =
		    tg_lab_write(s->lab[side], sock, text, len < sizeof(text) ? len : sizeof(text));

		if (n <= 0)
			break;
		len -= (uint32_t)n;
	}
	tg_stage_run(s, wait_ms);
}

static void hear(struct tg_stage *s, int side, int sock)
{
	uint8_t text[4096];

	while (tg_lab_read(s->lab[side], sock, text, sizeof(text)) > 0)
		;
}

static void close_one(struct tg_stage *s, int side, int sock, uint64_t wait_ms)
{
	hear(s, side, sock);
	tg_lab_close(s->lab[side], sock);
	tg_stage_run(s, wait_ms);
}

/* --- by hand --- */

static void hand_wait(struct tg_stage *s, int side, uint8_t ctl, uint32_t seq, uint32_t ack,
		      uint32_t len, uint64_t wait_ms)
{
	struct tg_seg seg = {.sport = side ? PORT_B : PORT_A,
			     .dport = side ? PORT_A : PORT_B,
			     .seq = tg_seq_make((side ? ISS_B : ISS_A) + seq),
			     .ctl = ctl,
			     .wnd = WND,
			     .len = len};

	if (ctl & TG_TCP_ACK)
		seg.ack = tg_seq_make((side ? ISS_A : ISS_B) + ack);
	if (ctl & TG_TCP_SYN) {
		seg.opts.has_mss = 1;
		seg.opts.mss = 1460;
	}
	tg_stage_send(s, side, &seg);
	tg_stage_run(s, wait_ms);
}

static void hand(struct tg_stage *s, int side, uint8_t ctl, uint32_t seq, uint32_t ack,
		 uint32_t len)
{
	hand_wait(s, side, ctl, seq, ack, len, 10);
}

static void hand_open(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand(s, 0, TG_TCP_SYN, 0, 0, 0);
	hand(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0);
	hand(s, 0, TG_TCP_ACK, 1, 1, 0);
}

static void hand_close(struct tg_stage *s, uint32_t a, uint32_t b)
{
	hand(s, 0, TG_TCP_FIN | TG_TCP_ACK, a, b, 0);
	hand(s, 1, TG_TCP_ACK, b, a + 1, 0);
	hand(s, 1, TG_TCP_FIN | TG_TCP_ACK, b, a + 1, 0);
	hand(s, 0, TG_TCP_ACK, a + 1, b + 1, 0);
}

/* --- the scenes --- */

static void close_by_a(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	say(s, 0, p.a, 100, 100);
	hear(s, 1, p.b);
	say(s, 1, p.b, 1000, 100);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void close_by_b(struct tg_stage *s)
{
	struct pair p = open_with(s, "timestamps=off", "");

	say(s, 0, p.a, 100, 20);
	hear(s, 1, p.b);
	say(s, 1, p.b, 500, 20);
	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 100);
}

static void over_ip6(struct tg_stage *s)
{
	s->v6 = true;
	close_by_a(s);
}

static void half_close(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	say(s, 0, p.a, 60, 100);
	hear(s, 1, p.b);
	tg_lab_shutdown(s->lab[0], p.a, SHUT_WR);
	tg_stage_run(s, 100);
	say(s, 1, p.b, 3000, 200);
	hear(s, 0, p.a);
	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 100);
}

static void simultaneous_open(struct tg_stage *s)
{
	int a, b;

	begin(s, "", "");
	a = connect_a(s);
	b = tg_lab_connect(s->lab[1], tg_stage_addr[0][1], PORT_B, tg_stage_addr[0][0], PORT_A,
			   NULL);
	tg_stage_run(s, 200);
	close_one(s, 0, a, 100);
	close_one(s, 1, b, 100);
}

static void simultaneous_close(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	tg_lab_close(s->lab[0], p.a);
	tg_lab_close(s->lab[1], p.b);
	tg_stage_run(s, 300);
}

static void drop(struct tg_stage *s, int side, uint32_t nth)
{
	s->drop[side][s->drop_n[side]++] = nth;
}

static void lost_syn(struct tg_stage *s)
{
	struct pair p;

	begin(s, "", "");
	drop(s, 0, 1);
	drop(s, 0, 2);
	p.listener = listen_b(s);
	p.a = connect_a(s);
	tg_stage_run(s, 5000);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void lost_syn_ack(struct tg_stage *s)
{
	struct pair p;

	begin(s, "", "");
	drop(s, 1, 1);
	p.listener = listen_b(s);
	p.a = connect_a(s);
	tg_stage_run(s, 5000);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void lost_text(struct tg_stage *s)
{
	struct pair p = open_with(s, "sack=off", "sack=off");

	drop(s, 0, s->sent[0] + 1);
	say(s, 0, p.a, 200, 2000);
	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 100);
}

static void fast_retransmit(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	drop(s, 0, s->sent[0] + 3);
	say(s, 0, p.a, 14000, 1000);
	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 100);
}

static void reordered(struct tg_stage *s)
{
	struct pair p = open_with(s, "sack=off", "sack=off");

	s->late[0] = s->sent[0] + 2;
	s->jitter_ns = 2000000;
	say(s, 0, p.a, 4000, 500);
	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 100);
}

static void lost_fin(struct tg_stage *s)
{
	struct pair p = open_with(s, "sack=off", "sack=off");

	drop(s, 0, s->sent[0] + 1);
	close_one(s, 0, p.a, 3000);
	close_one(s, 1, p.b, 100);
}

static void lost_last_ack(struct tg_stage *s)
{
	struct pair p = open_with(s, "sack=off", "sack=off");

	close_one(s, 0, p.a, 100);
	drop(s, 0, s->sent[0] + 1);
	close_one(s, 1, p.b, 3000);
}

static void refused(struct tg_stage *s)
{
	begin(s, "", "");
	connect_a(s);
	tg_stage_run(s, 200);
}

static void unanswered(struct tg_stage *s)
{
	begin(s, "", NULL);
	connect_a(s);
	tg_stage_run(s, 250000);
}

static void zero_window(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "rcvbuf=2000");

	say(s, 0, p.a, 5000, 3000);
	hear(s, 1, p.b);
	tg_stage_run(s, 3000);
	hear(s, 1, p.b);
	tg_stage_run(s, 3000);
	close_one(s, 0, p.a, 1000);
	close_one(s, 1, p.b, 1000);
}

static void aborted(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	say(s, 0, p.a, 300, 100);
	tg_lab_close(s->lab[1], p.b); /* 300 bytes are unread */
	tg_stage_run(s, 100);
}

static void nobody_reads(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	close_one(s, 0, p.a, 100);
	say(s, 1, p.b, 700, 200);
}

static void keepalive(struct tg_stage *s)
{
	struct pair p = open_with(s, "keepalive=on", "");

	tg_lab_setopt(s->lab[0], p.a, TG_LAB_KEEPALIVE_IDLE_MS, 10000);
	tg_stage_run(s, 25000);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void cookie(struct tg_stage *s)
{
	struct pair p;

	begin(s, "", "syn_cookies=always timestamps=off");
	p.listener = listen_b(s);
	p.a = connect_a(s);
	drop(s, 0, 2);
	tg_stage_run(s, 6000);
	say(s, 0, p.a, 50, 3000);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	close_one(s, 0, p.a, 100);
	if (p.b >= 0)
		close_one(s, 1, p.b, 100);
}

static void port_reused(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	close_one(s, 1, p.b, 100);
	close_one(s, 0, p.a, 2000);
	p.a = connect_a(s);
	tg_stage_run(s, 200);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void half_open(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	say(s, 0, p.a, 100, 100);
	hear(s, 1, p.b);
	tg_stage_run(s, 1000);
	tg_stage_replace(s, 0, "seed=99");
	p.a = connect_a(s);
	tg_stage_run(s, 5000);
	tg_lab_close(s->lab[1], p.b);
	p.b = tg_lab_accept(s->lab[1], p.listener);
	close_one(s, 0, p.a, 100);
	close_one(s, 1, p.b, 100);
}

static void stale_syn(struct tg_stage *s)
{
	begin(s, "", "");
	listen_b(s);
	hand_wait(s, 0, TG_TCP_SYN, 0, 0, 0, 200);
}

static void long_transfer(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	for (int i = 0; i < 10; i++) {
		say(s, 1, p.b, 60000, 200);
		hear(s, 0, p.a);
	}
	close_one(s, 1, p.b, 200);
	close_one(s, 0, p.a, 200);
}

static void text_lost_for_good(struct tg_stage *s)
{
	struct pair p = open_with(s, "", "");

	s->deaf[1] = true;
	say(s, 0, p.a, 100, 20000);
}

static void scan(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand(s, 0, TG_TCP_SYN, 0, 0, 0);
	hand(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0);
	hand(s, 0, TG_TCP_RST, 1, 0, 0);
}

static void flood(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand(s, 0, TG_TCP_SYN, 0, 0, 0);
	hand_wait(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0, 1000);
	hand_wait(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0, 2000);
	hand_wait(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0, 4000);
}

static void middle(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1001, 501, 100);
	hand(s, 1, TG_TCP_PSH | TG_TCP_ACK, 501, 1101, 50);
	hand(s, 0, TG_TCP_ACK, 1101, 551, 0);
	hand_close(s, 1101, 551);
}

static void missing(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 100);
	s->hide_from[0] = s->sent[0] + 1;
	s->hide_to[0] = s->sent[0] + 1;
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 101, 1, 200);
	hand(s, 1, TG_TCP_ACK, 1, 301, 0);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 301, 1, 50);
	hand(s, 1, TG_TCP_ACK, 1, 351, 0);
	hand_close(s, 351, 1);
}

static void cut_short(struct tg_stage *s)
{
	hand_open(s);
	s->snap = 48;
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 100);
	hand(s, 1, TG_TCP_ACK, 1, 101, 0);
	hand_close(s, 101, 1);
}

static void blind_rst(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 100);
	hand(s, 1, TG_TCP_ACK, 1, 101, 0);
	hand(s, 0, TG_TCP_RST, 5000, 0, 0);
	hand(s, 1, TG_TCP_ACK, 1, 101, 0);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 101, 1, 20);
	hand(s, 1, TG_TCP_ACK, 1, 121, 0);
	hand_close(s, 121, 1);
}

static void time_wait_cut(struct tg_stage *s)
{
	hand_open(s);
	hand_close(s, 1, 1);
	hand(s, 0, TG_TCP_RST | TG_TCP_ACK, 2, 2, 0);
}

static void cookie_isn(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand_wait(s, 0, TG_TCP_SYN, 0, 0, 0, 0);
	hand_wait(s, 1, TG_TCP_SYN | TG_TCP_ACK, 0, 1, 0, 1000);
	hand_wait(s, 0, TG_TCP_SYN, 0, 0, 0, 10);
	hand(s, 1, TG_TCP_SYN | TG_TCP_ACK, 77777, 1, 0);
	hand(s, 0, TG_TCP_ACK, 1, 77778, 0);
	hand_close(s, 1, 77778);
}

static void lone_rst(struct tg_stage *s)
{
	begin(s, NULL, NULL);
	hand(s, 0, TG_TCP_RST, 1, 0, 0);
}

static void after_the_end(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 10);
	hand(s, 1, TG_TCP_RST | TG_TCP_ACK, 1, 11, 0);
	hand(s, 1, TG_TCP_PSH | TG_TCP_ACK, 1, 11, 30);
}

static void gone(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 10);
	hand(s, 1, TG_TCP_RST, 1, 0, 0);
}

static void half_closed_for_ever(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_FIN | TG_TCP_ACK, 1, 1, 0);
	hand(s, 1, TG_TCP_ACK, 1, 2, 0);
}

static void no_text(struct tg_stage *s)
{
	hand_open(s);
	hand_close(s, 1, 1);
}

static void three_steps_down(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_FIN | TG_TCP_ACK, 1, 1, 0);
	hand(s, 1, TG_TCP_FIN | TG_TCP_ACK, 1, 2, 0);
	hand(s, 0, TG_TCP_ACK, 2, 2, 0);
}

static void never_finished(struct tg_stage *s)
{
	hand_open(s);
	hand(s, 0, TG_TCP_PSH | TG_TCP_ACK, 1, 1, 10);
	hand(s, 1, TG_TCP_ACK, 1, 11, 0);
}

const struct tg_scene tg_scene[] = {
    {"close-by-client",
     "Opened, used, and closed by the client",
     close_by_a,
     {"A opened the connection to B in three steps", "A closed first, B after it",
      "A keeps TIME-WAIT"},
     "normal"},
    {"close-by-server",
     "Closed by the server, without timestamps",
     close_by_b,
     {"B closed first, A after it", "B keeps TIME-WAIT", "A sent 100 bytes, B sent 500 bytes"},
     "normal"},
    {"ipv6", "The same over IPv6", over_ip6, {"A closed first, B after it"}, "normal"},
    {"half-close",
     "A closes its way, and B goes on sending",
     half_close,
     {"B still sent 3000 bytes, then closed too"},
     "half-close"},
    {"simultaneous-open",
     "Both ends open at once",
     simultaneous_open,
     {"Both ends opened at once: their SYNs crossed"},
     "simultaneous-open"},
    {"simultaneous-close",
     "Both ends close at once",
     simultaneous_close,
     {"Both ends closed at once: their FINs crossed", "A keeps TIME-WAIT", "B keeps TIME-WAIT"},
     "simultaneous-close"},
    {"lost-syn",
     "The first two SYNs are lost",
     lost_syn,
     {"The SYN was sent 3 times"},
     "duplicate-syn,loss"},
    {"lost-syn-ack",
     "The SYN-ACK is lost",
     lost_syn_ack,
     {"The SYN-ACK was sent 3 times"},
     "retransmission,duplicate-syn,loss"},
    {"lost-text",
     "A segment of text is lost: timeout",
     lost_text,
     {"A sent 1 segment of text again (200 bytes)", "did not arrive"},
     "retransmission,loss"},
    {"fast-retransmit",
     "One of many segments is lost: duplicate ACKs",
     fast_retransmit,
     {"A sent 1 segment of text again"},
     "retransmission,loss"},
    {"reordered", "Two segments change places", reordered, {"A sent 4000 bytes"}, "normal"},
    {"lost-fin", "The FIN is lost", lost_fin, {"A sent its FIN twice"}, "retransmission,loss"},
    {"lost-last-ack",
     "The last ACK is lost: what TIME-WAIT is for",
     lost_last_ack,
     {"B sent its FIN twice", "A keeps TIME-WAIT"},
     "retransmission,loss"},
    {"refused", "Nobody listens", refused, {"B refused the connection"}, "refused"},
    {"timeout",
     "Nobody answers",
     unanswered,
     {"A sent SYN 9 times in 183 s and had no answer"},
     "timeout,duplicate-syn"},
    {"zero-window",
     "The reader is slow: the window closes",
     zero_window,
     {"B closed its window", "A probed it"},
     "zero-window"},
    {"aborted",
     "Closed with text unread",
     aborted,
     {"B aborted the connection by RST, from ESTABLISHED"},
     "reset"},
    {"nobody-reads",
     "Text for one who has closed for good",
     nobody_reads,
     {"A had closed, and answered what came then by RST"},
     "reset,half-close"},
    {"keepalive",
     "Probes on an idle connection",
     keepalive,
     {"A sent 1 keepalive probe"},
     "normal"},
    {"cookie",
     "A listener that keeps no state",
     cookie,
     {"A SYN cookie of B is suspected"},
     "cookie"},
    {"port-reused",
     "The same ports again, over TIME-WAIT",
     port_reused,
     {"The ports of an earlier connection are used again", "over B's TIME-WAIT"},
     "port-reused"},
    {"half-open",
     "A was switched off and on",
     half_open,
     {"One end had lost the connection and opened it anew"},
     "duplicate-syn,half-open"},
    {"stale-syn",
     "An old duplicate SYN: why three steps",
     stale_syn,
     {"A answered the SYN-ACK by RST"},
     "reset"},
    {"long-transfer",
     "600,000 bytes: the middle is counted",
     long_transfer,
     {"B sent 600000 bytes", "B closed first"},
     "normal"},
    {"given-up",
     "B falls silent",
     text_lost_for_good,
     {"A had no answer to what it sent again"},
     "timeout,retransmission,unfinished"},
    {"scan", "A SYN scan", scan, {"A answered the SYN-ACK by RST"}, "reset"},
    {"syn-flood",
     "A handshake that is never finished",
     flood,
     {"B answered the SYN by SYN-ACK, 3 times, and no ACK came"},
     "timeout,retransmission"},
    {"middle",
     "The capture begins too late",
     middle,
     {"The capture begins in the middle", "A closed first, B after it"},
     "middle"},
    {"missing",
     "The capture has lost packets",
     missing,
     {"Packets are missing in the capture: 200 bytes"},
     "missing"},
    {"truncated",
     "The capture has only the beginning of packets",
     cut_short,
     {"Of 1 packet the capture has only the beginning"},
     "truncated"},
    {"blind-rst", "A RST that guesses", blind_rst, {"A RST of A ended nothing"}, "normal"},
    {"time-wait-cut",
     "TIME-WAIT is cut short",
     time_wait_cut,
     {"A cut its TIME-WAIT short by a RST"},
     "time-wait-cut"},
    {"cookie-isn",
     "Two answers to one SYN",
     cookie_isn,
     {"A SYN cookie of B is suspected: it answered one SYN with two"},
     "retransmission,duplicate-syn,loss,cookie"},
    {"lone-rst",
     "Only a RST",
     lone_rst,
     {"A sent RST; what it answers is not in the capture"},
     "reset,middle"},
    {"after-the-end",
     "Text after one's own RST",
     after_the_end,
     {"B aborted the connection by RST", "B spoke after the end of its connection"},
     "reset,odd"},
    {"gone",
     "B knows of no connection",
     gone,
     {"B answered by RST, as an end does that knows of no such connection"},
     "reset"},
    {"one-way",
     "One end never closes",
     half_closed_for_ever,
     {"A closed its way; B did not close its own", "A is in FIN-WAIT-2, B in CLOSE-WAIT"},
     "half-close,unfinished"},
    {"no-text",
     "Opened and closed, nothing said",
     no_text,
     {"No text was sent", "A closed first, B after it"},
     "normal"},
    {"three-steps-down",
     "The ACK rides on the FIN",
     three_steps_down,
     {"A closed first, B after it", "A keeps TIME-WAIT"},
     "normal"},
    {"unfinished",
     "The capture ends too early",
     never_finished,
     {"A is in ESTABLISHED, B in ESTABLISHED"},
     "unfinished"},
};
const size_t tg_scene_n = sizeof(tg_scene) / sizeof(tg_scene[0]);
