/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_third.c: the third segment of a handshake: lost, overtaken by text, forged in its
 * timestamps, said again when all is over; with state and by cookie (SE-15, SE-16, SC-03, SC-05,
 * SC-15, SC-22, TO-02, EST-34), and what a server that speaks first does meanwhile (DESIGN 6). And
 * SYNs that say more than a SYN should, where cookies are minted (SC-20, ADV-30, ADV-35..ADV-39).
 */
#include "engine_host.h"

enum { HIGH = 4, SYN_ACK = TG_TCP_SYN | TG_TCP_ACK };

/* Below the mark, above it, always: the first with state, the others by cookie. */
enum way { BELOW, ABOVE, ALWAYS, WAYS };

static struct host h;

static void greet(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	(void)s;
	CU_ASSERT_EQUAL(tg_conn_write(e, conn, "220 hello\r\n", 11), 11);
}

static void begin(enum way way, bool server_first)
{
	struct tg_listener_conf l;

	host_defaults(&h);
	h.svc.on_opened = server_first ? greet : NULL;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = way == ALWAYS ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO;
	l.synq_high = HIGH;
	l.synq_low = HIGH / 2;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
	for (uint16_t i = 0; way == ABOVE && i <= HIGH; i++) {
		struct host_peer p = host_peer_at(&h, "192.0.2.66", (uint16_t)(1024 + i));
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, NULL), SYN_ACK);
	}
}

static uint32_t half(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s.state[TG_SYN_RECEIVED];
}

/* A SYN and its answer; after it the peer has the timestamps for all else. */
static struct tg_seg syn(struct host_peer *p, bool v6, bool ts)
{
	struct tg_seg seg = {0};

	*p = host_peer_at(&h, v6 ? "2001:db8::2" : "192.0.2.2", 5000);
	p->opts = (struct tg_tcp_opts){.has_mss = 1,
				       .mss = 1400,
				       .has_ts = ts,
				       .tsval = 700,
				       .has_wscale = 1,
				       .wscale = 6,
				       .has_sack_perm = 1};
	CU_ASSERT_EQUAL(host_say(p, TG_TCP_SYN, &seg), SYN_ACK);
	p->opts = (struct tg_tcp_opts){.has_ts = ts, .tsval = 701, .tsecr = seg.opts.tsval};
	return seg;
}

/* --- the third segment is lost --- */

/* SE-15, SC-16: what the client says next opens the connection: text, text with FIN. */
static void text_opens(enum way way, bool v6, bool ts, bool fin)
{
	struct host_peer p;
	struct host_frame f;
	struct tg_seg seg;

	begin(way, false);
	syn(&p, v6, ts);
	CU_ASSERT_EQUAL(host_state(&p), way == BELOW ? TG_SYN_RECEIVED : TG_CLOSED);
	host_tick(&h, 700); /* the ACK went astray */
	host_send(&p, TG_TCP_ACK | TG_TCP_PSH | (fin ? TG_TCP_FIN : 0), "GET /", 5);
	CU_ASSERT_EQUAL(host_state(&p), fin ? TG_CLOSE_WAIT : TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.opened, 1);
	CU_ASSERT_EQUAL(h.svc.got_len, 5);
	CU_ASSERT_EQUAL(memcmp(h.svc.got, "GET /", 5), 0);
	host_tick(&h, 100);
	CU_ASSERT_FATAL(host_expect(&p, &seg, &f));
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_ACK);
	CU_ASSERT(tg_seq_eq(seg.ack, p.snd_nxt));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ok), way != BELOW);
	host_end_all(&h);
}

static void test_thirdLost_text_opens(void)
{
	for (enum way way = BELOW; way < WAYS; way++)
		for (uint32_t i = 0; i < 8; i++)
			text_opens(way, i & 1, i & 2, i & 4);
}

/* SC-22: and the first text with it, so that the second comes first. With state it opens, and waits
 * for what is missing; by cookie it is left alone, unreset, and its repeat is good. */
static void test_thirdAndTextLost_laterTextOpensOrWaits(void)
{
	for (enum way way = BELOW; way < WAYS; way++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct host_peer p;
			begin(way, false);
			syn(&p, i & 1, i & 2);
			host_raw(&p, TG_TCP_ACK, tg_seq_add(p.snd_nxt, 5), p.rcv_nxt, "later", 5);
			CU_ASSERT_EQUAL(host_state(&p), way == BELOW ? TG_ESTABLISHED : TG_CLOSED);
			CU_ASSERT_EQUAL(h.tx_n, way == BELOW); /* a duplicate ACK, no RST */
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_fail_data), way != BELOW);
			CU_ASSERT_EQUAL(h.svc.got_len, 0);
			host_drain(&h);
			host_send(&p, TG_TCP_ACK, "first", 5);
			CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
			host_send(&p, TG_TCP_ACK, "later", 5);
			CU_ASSERT_EQUAL(h.svc.got_len, 10);
			CU_ASSERT_EQUAL(memcmp(h.svc.got, "firstlater", 10), 0);
			host_end_all(&h);
		}
	}
}

/* --- the server speaks first --- */

/* TO-02, DESIGN 6: below the mark the SYN-ACK comes again, the same, until the client's ACK comes
 * through; then the greeting goes out at once. */
static void test_below_serverFirst_synAckIsRepeated(void)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct host_peer p;
		struct tg_seg first, again;
		begin(BELOW, true);
		first = syn(&p, i & 1, i & 2);
		for (uint32_t gap_ms = 1000; gap_ms < 8000; gap_ms *= 2) {
			host_tick(&h, gap_ms - 1);
			CU_ASSERT_EQUAL(h.tx_n, 0);
			host_tick(&h, 1);
			again = host_expect_ctl(&p, SYN_ACK);
			CU_ASSERT(tg_seq_eq(again.seq, first.seq));
			CU_ASSERT_EQUAL(again.opts.wscale, first.opts.wscale);
			CU_ASSERT_EQUAL(again.opts.has_ts, first.opts.has_ts);
		}
		p.opts.tsecr = again.opts.tsval;
		host_send(&p, TG_TCP_ACK, NULL, 0); /* which a client says to a SYN-ACK again */
		CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
		CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_PSH).len, 11);
		host_end_all(&h);
	}
}

/* Above it nothing remembers the client, so both wait, as the manual says: nothing is sent,
 * whatever the time, and nothing is kept. A SYN that comes again has the same answer (SC-11), and
 * the first word of the client opens. */
static void test_cookie_serverFirst_waitsForTheClient(void)
{
	for (enum way way = ABOVE; way < WAYS; way++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct host_peer p, q;
			begin(way, true);
			/* An epoch begins: it is the same for all that follows. */
			host_tick(&h, TG_COOKIE_EPOCH_MS -
					  h.now_ns / TG_NS_PER_MS % TG_COOKIE_EPOCH_MS);
			host_drain(&h);
			for (uint16_t k = 0; way == ABOVE && k <= HIGH; k++) {
				q = host_peer_at(&h, "192.0.2.66", (uint16_t)(2024 + k));
				host_say(&q, TG_TCP_SYN, NULL);
			}
			uint32_t entries = half();
			struct tg_seg first = syn(&p, i & 1, i & 2), again;
			host_tick(&h, 61000);
			CU_ASSERT_EQUAL(h.tx_n, 0);
			CU_ASSERT_EQUAL(half(), entries);
			again = syn(&q, i & 1, i & 2);
			CU_ASSERT(tg_seq_eq(again.seq, first.seq));
			CU_ASSERT_EQUAL(again.opts.tsval, first.opts.tsval);
			host_send(&p, TG_TCP_ACK, "HELO\r\n", 6);
			CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
			CU_ASSERT_EQUAL(h.svc.got_len, 6);
			CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_PSH).len, 11);
			host_end_all(&h);
		}
	}
}

/* --- the third segment is forged, or comes twice --- */

/* SC-05, EST-34: TSecr must be ours. TSval is the client's own: whatever he says is his clock. */
static void test_third_timestampsForged_openNothing(void)
{
	static const uint32_t off[] = {1,          64,         1u << 17,  1u << 20,
				       0x7fffffff, 0x80000000, 0xffffffff};

	for (enum way way = BELOW; way < WAYS; way++) {
		for (uint32_t i = 0; i < 7; i++) {
			struct host_peer p;
			begin(way, false);
			uint32_t entries = half();
			struct tg_seg seg = syn(&p, i & 1, true);
			p.opts.tsecr = seg.opts.tsval + off[i];
			host_send(&p, TG_TCP_ACK, NULL, 0);
			CU_ASSERT_EQUAL(host_state(&p), way == BELOW ? TG_SYN_RECEIVED : TG_CLOSED);
			CU_ASSERT_EQUAL(h.svc.opened, 0);
			CU_ASSERT_EQUAL(h.tx_n, 1); /* RST; with state, whose it may be, ACK */
			host_drain(&h);
			CU_ASSERT_EQUAL(half(), entries + (way == BELOW));
			p.opts.tsecr = seg.opts.tsval;
			p.opts.tsval = 700 + (way == BELOW ? 0x7fffffff : off[i]);
			host_send(&p, TG_TCP_ACK, "x", 1);
			CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
			CU_ASSERT_EQUAL(h.svc.got_len, 1);
			host_end_all(&h);
		}
	}
}

/* SC-14, SC-15: while it is open, when it was reset, when it was closed: one connection. */
static void test_third_replayed_opensOnce(void)
{
	for (enum way way = ABOVE; way < WAYS; way++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct host_peer p, replay;
			begin(way, false);
			syn(&p, i & 1, i & 2);
			replay = p;
			host_send(&p, TG_TCP_ACK, NULL, 0);
			for (uint32_t n = 0; n < 20; n++)
				host_raw(&replay, TG_TCP_ACK, replay.snd_nxt, replay.rcv_nxt, NULL,
					 0);
			CU_ASSERT_EQUAL(h.svc.opened, 1);
			CU_ASSERT_EQUAL(h.tx_n, 0);
			host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0);
			CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
			for (uint32_t n = 0; n < 20; n++) {
				host_tick(&h, 5000);
				host_drain(&h);
				host_raw(&replay, TG_TCP_ACK, replay.snd_nxt, replay.rcv_nxt,
					 "again", n & 1 ? 5 : 0);
				CU_ASSERT_EQUAL(h.tx_n, !(n & 1)); /* RST, or nothing for text */
			}
			CU_ASSERT_EQUAL(h.svc.opened, 1);
			CU_ASSERT_EQUAL(h.svc.got_len, 0);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_replay), 20);
			host_end_all(&h);
		}
	}
}

/* --- SYNs that say too much --- */

struct odd {
	const char *what;
	uint8_t ctl, len, text; /* bytes of options, of text */
	uint8_t opt[40];
	enum tg_ctr ctr; /* that it counts, besides */
	bool answered;
};

static const struct odd odds[] = {
    {.what = "text", .ctl = TG_TCP_SYN, .text = 200, .answered = true},
    {.what = "text and PSH, URG",
     .ctl = TG_TCP_SYN | TG_TCP_PSH | TG_TCP_URG,
     .text = 9,
     .answered = true},
    {.what = "FIN", .ctl = TG_TCP_SYN | TG_TCP_FIN, .ctr = TG_CTR_synfin},
    {.what = "FIN and text", .ctl = TG_TCP_SYN | TG_TCP_FIN, .text = 50, .ctr = TG_CTR_synfin},
    {.what = "RST", .ctl = TG_TCP_SYN | TG_TCP_RST, .ctr = TG_CTR_listen_rst},
    {.what = "ECE, CWR", .ctl = TG_TCP_SYN | TG_TCP_ECE | TG_TCP_CWR, .answered = true},
    {.what = "all that we know, and one that we do not",
     .ctl = TG_TCP_SYN,
     .len = 40,
     .opt = {2, 4, 5, 120, 4, 2, 8, 10, 0, 0, 2, 189, 0, 0, 0, 0, 3, 3, 6, 253, 20},
     .answered = true},
    {.what = "twenty unknown ones",
     .ctl = TG_TCP_SYN,
     .len = 40,
     .opt = {60, 2, 61, 2, 62, 2, 63, 2, 64, 2, 65, 2, 66, 2, 67, 2, 68, 2, 69, 2,
	     70, 2, 71, 2, 72, 2, 73, 2, 74, 2, 75, 2, 76, 2, 77, 2, 78, 2, 79, 2},
     .answered = true},
    {.what = "a cookie of TCP Fast Open",
     .ctl = TG_TCP_SYN,
     .len = 16,
     .text = 30,
     .opt = {2, 4, 5, 180, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1},
     .answered = true},
    {.what = "NOPs",
     .ctl = TG_TCP_SYN,
     .len = 40,
     .opt = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
     .answered = true},
    {.what = "a length of 0",
     .ctl = TG_TCP_SYN,
     .len = 8,
     .opt = {2, 4, 5, 180, 8, 0, 0, 0},
     .ctr = TG_CTR_bad_option,
     .answered = true},
    {.what = "a length past the end",
     .ctl = TG_TCP_SYN,
     .len = 8,
     .opt = {2, 4, 5, 180, 8, 40, 0, 0},
     .ctr = TG_CTR_bad_option,
     .answered = true},
    {.what = "an end, and what lies behind it",
     .ctl = TG_TCP_SYN,
     .len = 12,
     .opt = {0, 2, 4, 255, 255, 8, 10, 1, 2, 3, 4, 5},
     .answered = true},
    {.what = "a scale of 255",
     .ctl = TG_TCP_SYN,
     .len = 20,
     .opt = {2, 4, 5, 180, 1, 3, 3, 255, 1, 1, 8, 10, 0, 0, 2, 189, 0, 0, 0, 0},
     .ctr = TG_CTR_bad_wscale,
     .answered = true},
    {.what = "an MSS of 0", .ctl = TG_TCP_SYN, .len = 4, .opt = {2, 4, 0, 0}, .answered = true},
    {.what = "an MSS of 1",
     .ctl = TG_TCP_SYN,
     .len = 4,
     .opt = {2, 4, 0, 1},
     .ctr = TG_CTR_mss_floor,
     .answered = true},
    {.what = "two of each",
     .ctl = TG_TCP_SYN,
     .len = 40,
     .opt = {2, 4, 5, 120, 2, 4, 5, 180, 3, 3,  6, 3, 3, 7,   4, 2, 4, 2, 8, 10,
	     0, 0, 0, 1,   0, 0, 0, 0,   8, 10, 0, 0, 2, 189, 0, 0, 0, 0, 1, 1},
     .answered = true},
};

/* The option bytes go where tg_tcp_emit has put text, and the offset says that they are options. */
static uint32_t build_odd(const struct host_peer *p, const struct odd *o, uint8_t *frame)
{
	static const uint8_t text[200] = "early";
	bool v6 = !tg_addr_is_v4(&p->t.raddr);
	uint32_t l4 = 14 + (v6 ? 40 : 20), len;
	uint8_t body[256];

	memcpy(body, o->opt, o->len);
	memcpy(body + o->len, text, o->text);
	len = host_build(p, o->ctl, p->snd_nxt, tg_seq_make(0), body, (uint32_t)o->len + o->text,
			 frame);
	frame[l4 + 12] = (uint8_t)((20 + o->len) / 4 << 4);
	tg_tcp_csum_put(frame + l4, len - l4, &p->t.raddr, &p->t.laddr, false);
	return len;
}

/* SC-20: the SYN alone; its text waits for its repeat, what is illegal is counted, the cookie is
 * good, and nothing is kept of it but that. */
static void say_odd(enum way way, const struct odd *o, bool v6)
{
	struct host_peer p;
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *at = frame;
	struct host_frame f;
	struct tg_seg seg;

	begin(way, false);
	uint32_t entries = half();
	uint64_t before = o->ctr ? host_ctr(&h, o->ctr) : 0;

	p = host_peer_at(&h, v6 ? "2001:db8::2" : "192.0.2.2", 5000);
	uint32_t len = build_odd(&p, o, frame);

	host_rx(&h, &at, &len, 1);
	CU_ASSERT_EQUAL(h.tx_n, o->answered);
	CU_ASSERT_EQUAL(half(), entries);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	if (o->ctr)
		CU_ASSERT_EQUAL(host_ctr(&h, o->ctr), before + 1);
	if (!o->answered || !host_expect(&p, &seg, &f)) {
		host_end_all(&h);
		return;
	}
	CU_ASSERT_EQUAL(seg.ctl, SYN_ACK);
	CU_ASSERT(tg_seq_eq(seg.ack, tg_seq_add(p.snd_nxt, 1)));
	CU_ASSERT(f.len <= len + 4); /* the MSS */
	p.snd_nxt = seg.ack;
	p.opts =
	    (struct tg_tcp_opts){.has_ts = seg.opts.has_ts, .tsval = 702, .tsecr = seg.opts.tsval};
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.got_len, 0);
	host_send(&p, TG_TCP_ACK, "early", 5);
	CU_ASSERT_EQUAL(h.svc.got_len, 5);
	host_end_all(&h);
}

static void test_cookie_oddSyns_oneGoodAnswerOrNone(void)
{
	for (enum way way = ABOVE; way < WAYS; way++)
		for (uint32_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
			unsigned failed = CU_get_number_of_failures();
			say_odd(way, &odds[i], false);
			say_odd(way, &odds[i], true);
			if (CU_get_number_of_failures() != failed)
				fprintf(stderr, "a SYN with %s\n", odds[i].what);
		}
}

static const struct tg_test tests[] = {
    {"thirdLost_text_opens", test_thirdLost_text_opens},
    {"thirdAndTextLost_laterTextOpensOrWaits", test_thirdAndTextLost_laterTextOpensOrWaits},
    {"below_serverFirst_synAckIsRepeated", test_below_serverFirst_synAckIsRepeated},
    {"cookie_serverFirst_waitsForTheClient", test_cookie_serverFirst_waitsForTheClient},
    {"third_timestampsForged_openNothing", test_third_timestampsForged_openNothing},
    {"third_replayed_opensOnce", test_third_replayed_opensOnce},
    {"cookie_oddSyns_oneGoodAnswerOrNone", test_cookie_oddSyns_oneGoodAnswerOrNone},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_third", tests, TG_TEST_N(tests), argc, argv);
}
