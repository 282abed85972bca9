/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_hard.c: what leaves nothing behind (SP-01, SP-09, SP-11): clients that reset at each
 * moment of a splice, floods at a VIP, backends none of which lives, options that the backend was
 * not known to have; and what a splice costs in memory. */
#include "splice_world.h"
#include "tg_rng.h"

static struct tg_rng rng;

/* --- the client resets, at each moment --- */

enum phase {
	HALF_OPEN,
	OPENING,
	OPENING_TEXT,
	SPLICED,
	SPLICED_TEXT,
	CLIENT_FIN,
	BACKEND_FIN,
	BOTH_FIN,
	TIME_WAIT,
	PHASES
};

/* What the third segment acknowledges. */
static tg_seq go_opening(enum phase phase)
{
	w_client_options(W_CTS);
	w_client_syn();
	tg_seq ack = w.c.rcv;

	if (phase == HALF_OPEN)
		return ack;
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	for (uint32_t i = 0; phase == OPENING_TEXT && i < 5; i++)
		w_say(&w.c, TG_TCP_ACK, "held", 4);
	w_silence();
	return ack;
}

static tg_seq go_open(enum phase phase)
{
	w_open();
	tg_seq ack = w.c.rcv;

	if (phase == SPLICED_TEXT) { /* neither is acknowledged */
		w_say(&w.c, TG_TCP_ACK, "abc", 3);
		w_hear(&w.b);
		w_say(&w.b, TG_TCP_ACK, "defg", 4);
		w_hear(&w.c);
	}
	if (phase == CLIENT_FIN || phase == BOTH_FIN) {
		w_say(&w.c, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
		w_hear(&w.b);
	}
	if (phase == BACKEND_FIN || phase == BOTH_FIN) {
		w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
		w_hear(&w.c);
	}
	if (phase == TIME_WAIT)
		w_close();
	return ack;
}

/* Nothing of it is known any more: neither to us, nor to the pool, nor to the source's account. */
static void expect_gone(void)
{
	struct tg_engine_stats s = w_stats();
	static struct tg_pool_sight sight;

	tg_engine_pool_see(w.h.e, 0, &sight);
	CU_ASSERT_EQUAL(sight.backend[0].flows, 0);
	CU_ASSERT_EQUAL(s.splice_count, 0);
	CU_ASSERT_EQUAL(s.splice_held, 0);
	CU_ASSERT_EQUAL(s.conn_count, s.state[TG_SYN_SENT]); /* a probe */
	CU_ASSERT(s.conn_count <= 1);
}

/* What the backend says now finds nobody, and reaches the client never. */
static void expect_deaf(enum phase phase)
{
	uint8_t ctl = TG_TCP_ACK | (phase <= OPENING_TEXT ? TG_TCP_SYN : 0);

	w_say(&w.b, ctl, NULL, 0);
	CU_ASSERT_EQUAL(w_waiting(&w.c), 0);
	if (w.transparent) {
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_bad_dst), 1);
		CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	} else {
		CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, w.b.rcv.v);
	}
}

/* SC-09, SC-15: the ACK of its handshake opens no other: RST, and no backend is asked. */
static void expect_no_replay(tg_seq ack)
{
	uint64_t begun = w_ctr(TG_CTR_splice_begun);

	w_raw(&w.c, TG_TCP_ACK, 1001, ack.v, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST).seg.seq.v, ack.v);
	w_raw(&w.c, TG_TCP_ACK | TG_TCP_PSH, 1001, ack.v, "GET /", 5);
	w_collect();
	w.c.kept_n = 0;
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_begun), begun);
}

/* The same client, port and all. */
static void open_again(void)
{
	w.c.nxt = tg_seq_make(70000);
	w.b.nxt = tg_seq_make(90000);
	w_client_options(W_CTS + 5000);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, "anew", 4);
	CU_ASSERT_EQUAL(w_backend_syn().seg.seq.v, 70000);
	w_backend_agrees(w_all(W_BTS, W_CTS + 5001));
	while (w_waiting(&w.c))
		w_hear_ctl(&w.c, TG_TCP_ACK);
	CU_ASSERT_EQUAL(memcmp(w_hear(&w.b).text, "anew", 4), 0);
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
}

static void reset_in(enum phase phase, bool v6, bool transparent, uint8_t cookies)
{
	w_defaults(v6, transparent);
	w.listener.syn_cookies = cookies;
	w.h.conf.source_max = 1;
	w_start();
	tg_seq third = phase <= OPENING_TEXT ? go_opening(phase) : go_open(phase);
	struct tg_tcp_opts opts = w.c.said.opts;

	w_say(&w.c, TG_TCP_RST, NULL, 0);
	if (phase != HALF_OPEN) {
		struct w_seg s = w_hear_ctl(&w.b, TG_TCP_RST);
		/* To a backend that has answered, the client's own number; else the one of our SYN.
		 */
		CU_ASSERT_EQUAL(s.seg.seq.v, phase <= OPENING_TEXT ? 1001 : w.c.nxt.v);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_rst), phase != TIME_WAIT);
	}
	w_silence();
	if (phase == TIME_WAIT) { /* TD-18 */
		CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
		host_tick(&w.h, 60000);
	}
	expect_gone();
	if (phase != HALF_OPEN) {
		expect_deaf(phase);
		w.c.said.opts = opts;
		expect_no_replay(third);
	}
	open_again();
	expect_gone();
	w_end();
}

static void test_client_resetsInEachPhase_nothingIsLeft(void)
{
	for (enum phase phase = HALF_OPEN; phase < PHASES; phase++)
		for (uint32_t i = 0; i < 8; i++)
			reset_in(phase, i & 1, i & 2, i & 4 ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO);
}

/* --- floods at a VIP --- */

static void random_client(uint32_t i)
{
	w.c.lport = (uint16_t)(1024 + i);
	w.c.addr.b[14] = (uint8_t)(i >> 8);
	w.c.nxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
	w.c.rcv = tg_seq_make((uint32_t)tg_rng_next(&rng));
}

/* SP-01: whatever is said by those who prove nothing, no backend hears of it. */
static void flood_vip(bool v6, uint8_t cookies)
{
	enum { FLOOD_N = 1500 };
	uint32_t answers = 0;

	w_defaults(v6, false);
	w.listener.syn_cookies = cookies;
	w.listener.synq_high = 16;
	w_start();
	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < FLOOD_N; i++) {
		random_client(i);
		w_client_options(i);
		w_say(&w.c, TG_TCP_SYN, "early", 5);
		CU_ASSERT(w_waiting(&w.c) <= 1);
		answers += w.c.kept_n;
		w.c.kept_n = 0;
		random_client(i + 7000);
		w_ts(&w.c, i & 1, i, (uint32_t)tg_rng_next(&rng));
		w_say(&w.c, TG_TCP_ACK, "GET /", i & 2 ? 5 : 0);
		CU_ASSERT(w_waiting(&w.c) <= 1);
		w.c.kept_n = 0;
		CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
		CU_ASSERT(w_stats().conn_count <= (cookies == TG_COOKIES_ALWAYS ? 0 : 16));
	}
	CU_ASSERT_EQUAL(answers, FLOOD_N);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_begun), 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_cookie_ok), 0);
	host_tick(&w.h, 70000);
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	w.c.kept_n = 0;
	w_end();
}

static void test_vip_flood_noBackendHearsOfIt(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		flood_vip(v6, TG_COOKIES_ALWAYS);
		flood_vip(v6, TG_COOKIES_AUTO);
	}
}

/* --- no backend lives --- */

enum { CHECK_MS = 1000, TIMEOUT_MS = 500 };

/* No probe is answered for so long. */
static void silence_for(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += 500) {
		host_tick(&w.h, 500);
		w_collect();
		w.b.kept_n = 0;
	}
}

static uint8_t backend_state(void)
{
	static struct tg_pool_sight sight;

	tg_engine_pool_see(w.h.e, 0, &sight);
	return sight.backend[0].state;
}

/* While it is fresh: those that came before are over. */
static void answer_next_probe(void)
{
	w_collect();
	w.b.kept_n = 0;
	for (uint32_t i = 0; i < 100 && !w_waiting(&w.b); i++)
		host_tick(&w.h, 50);
	w_answer_probe();
}

/* A client in each state as the last backend goes: half-open, by cookie or not; and those who come
 * after. Each is refused as is configured, by name, and nothing is kept; when a backend is back, so
 * are they. */
static void pool_dies(bool v6, uint8_t cookies, uint8_t dead)
{
	enum { COME_N = 300 };
	uint32_t resets = 0;

	w_defaults(v6, false);
	w.listener.syn_cookies = cookies;
	w.h.conf.rst_rate = 20;
	w.pool.dead = dead;
	w_start();
	w.pool.check_ms = CHECK_MS;
	w.pool.check_timeout_ms = TIMEOUT_MS;
	CU_ASSERT_EQUAL(tg_engine_pool_set(w.h.e, 0, &w.pool), 0);
	w_client_options(W_CTS);
	w_client_syn();
	struct w_end early = w.c;

	silence_for(2 * CHECK_MS + 2 * TIMEOUT_MS);
	w.c.kept_n = 0; /* its SYN-ACK came again */
	CU_ASSERT_EQUAL(backend_state(), TG_BACKEND_DOWN);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_backend_down), 1);
	w.c = early;
	w_say(&w.c, TG_TCP_ACK, "GET /", 5);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_pool_dead), 1);
	CU_ASSERT_EQUAL(w_waiting(&w.c), dead == TG_REFUSE_RST);
	w.c.kept_n = 0;
	for (uint32_t i = 0; i < COME_N; i++) {
		w.c.lport = (uint16_t)(6000 + i);
		w.c.nxt = tg_seq_make(1000 + i);
		w_client_options(i);
		w_say(&w.c, TG_TCP_SYN, NULL, 0);
		resets += w_waiting(&w.c);
		if (w_waiting(&w.c))
			CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK).seg.ack.v,
					1001 + i);
	}
	if (dead == TG_REFUSE_RST)
		CU_ASSERT(resets >= 1 && resets <= 40)
	else
		CU_ASSERT_EQUAL(resets, 0)
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_pool_dead) + w_ctr(TG_CTR_rst_limited), 1 + COME_N);
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	expect_gone();
	host_tick(&w.h, 2000); /* the budget is full again */
	answer_next_probe();
	CU_ASSERT_EQUAL(backend_state(), TG_BACKEND_UP);
	open_again();
	silence_for(5000);
	expect_gone();
	tg_engine_drain(w.h.e); /* it asks nobody any more */
	host_tick(&w.h, 10);
	w_end();
}

static void test_pool_noBackendLives_refusedByName(void)
{
	for (uint32_t i = 0; i < 8; i++)
		pool_dies(i & 1, i & 2 ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO,
			  i & 4 ? TG_REFUSE_RST : TG_REFUSE_DROP);
}

/* --- no way to the backend --- */

/* Transparent, two VIPs before one backend: a client who uses one port for both is one tuple to the
 * backend. The second time he is told so, and the first is not disturbed. */
static void test_vip_sameTupleToBackend_secondIsRefused(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		w_begin(v6, true);
		w_open();
		struct w_end first = w.c;
		w.listener.port = W_VPORT + 1;
		CU_ASSERT_EQUAL(tg_engine_listen(w.h.e, &w.listener), 1);
		w.c.rport = W_VPORT + 1;
		w.c.nxt = tg_seq_make(1000);
		w_client_options(W_CTS);
		w_client_syn();
		w_say(&w.c, TG_TCP_ACK, "GET /", 5);
		struct w_seg s = w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v); /* SP-09: exact */
		CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_no_way), 1);
		w_silence();
		w.c = first;
		w_say(&w.c, TG_TCP_ACK, "abc", 3);
		CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.len, 3);
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		expect_gone();
		w_end();
	}
}

/* What cannot be passed on when its turn comes is dropped by name; its repeat is passed on. */
static void test_opening_heldTextOfLastHop_isLostByName(void)
{
	w_begin(false, false);
	go_opening(OPENING);
	w.c.ttl = 1;
	tg_seq nxt = w.c.nxt;
	w_say(&w.c, TG_TCP_ACK, "early", 5);
	CU_ASSERT_EQUAL(w_stats().splice_held, 1);
	w_backend_answers(w_all(W_BTS, W_CTS + 1));
	while (w_waiting(&w.c))
		w_hear_ctl(&w.c, TG_TCP_ACK);
	w_silence();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_early_lost), 1);
	CU_ASSERT_EQUAL(w_stats().splice_held, 0);
	w.c.ttl = 64;
	w.c.nxt = nxt;
	w_say(&w.c, TG_TCP_ACK, "early", 5);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.len, 5);
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	expect_gone();
	w_end();
}

/* --- options that nobody expected of the backend --- */

/* A SYN-ACK with more than was learnt, less, or other: what was promised to the client holds, or
 * both are told (SP-04, SP-05); a splice is there or not, and in no case half of one. */
static void test_opening_synAckWithAnyOptions_splicesOrResets(void)
{
	for (uint32_t i = 0; i < 64; i++) {
		bool learnt_ts = i & 1, learnt_sack = i & 2, learnt_ws = i & 4;
		bool ts = i & 8, sack = i & 16, ws = i & 32;

		w_defaults(false, i & 1);
		w.profile.has_ts = learnt_ts;
		w.profile.has_sack_perm = learnt_sack;
		w.profile.has_wscale = learnt_ws;
		w_start();
		w_client_options(W_CTS);
		struct w_seg told = w_client_syn();
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		w_backend_syn();
		w.b.said.opts = (struct tg_tcp_opts){.has_mss = 1,
						     .mss = 900,
						     .has_ts = ts,
						     .tsval = W_BTS,
						     .tsecr = W_CTS,
						     .has_sack_perm = sack,
						     .has_wscale = ws,
						     .wscale = 14};
		w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
		if (told.seg.opts.has_ts && !ts) {
			CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, 1001);
			CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK).seg.ack.v, 1001);
			CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ts_missing), 1);
			w_end();
			continue;
		}
		struct w_seg ack = w_hear_ctl(&w.b, TG_TCP_ACK);
		CU_ASSERT_EQUAL(ack.seg.opts.has_ts, told.seg.opts.has_ts);
		while (w_waiting(&w.c))
			w_hear_ctl(&w.c, TG_TCP_ACK);
		w_ts(&w.b, told.seg.opts.has_ts, W_BTS + 1, W_CTS + 1);
		w.c.said.opts.sack_n = told.seg.opts.has_sack_perm ? 1 : 0;
		w.c.said.opts.sack[0] = (struct tg_sack_block){w.c.rcv, tg_seq_add(w.c.rcv, 5)};
		w_say(&w.c, TG_TCP_ACK, "abc", 3);
		struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.len, 3);
		CU_ASSERT_EQUAL(s.seg.opts.sack_n, told.seg.opts.has_sack_perm && sack);
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		expect_gone();
		w_end();
	}
}

/* --- the odds --- */

/* A cookie before a pool may have told any scale (SP-04), and those of an ACK with timestamps are
 * worse for it: 15 of 16 words come with each of 15. In peace none is tried (SC-09), but may be
 * tomorrow. */
static void test_vip_odds_countEachScale(void)
{
	for (int always = 0; always < 2; always++) {
		w_defaults(false, false);
		w.listener.syn_cookies = always ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO;
		w_start();
		struct tg_engine_stats s = w_stats();
		CU_ASSERT_EQUAL(s.odds.plain.words, 8);
		CU_ASSERT_EQUAL(s.odds.with_ts.words, 8u * 4 * (15 * (always ? 15 : 1) + 1));
		CU_ASSERT_EQUAL(s.odds_worst.with_ts.words, 2u * 8 * 4 * (15 * 15 + 1));
		w_end();
	}
}

/* --- memory --- */

static size_t part_bytes(const struct tg_engine_conf *conf, const char *name)
{
	struct tg_engine_part part[64];
	uint32_t n = tg_engine_plan(conf, part, 64);

	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(part[i].name, name))
			return part[i].bytes;
	CU_FAIL("no such part");
	return 0;
}

/* One record of at most 96 bytes for one more spliced connection over IPv4, and its places in the
 * table, which are as dear as those of two connections; nothing else grows. */
static void test_splice_oneMore_costs96BytesAndTwoPlaces(void)
{
	enum { FEW = 1 << 17, MANY = 1 << 18 };
	struct tg_engine_conf few, conns;

	w_defaults(false, true);
	w.h.conf.ipv6_max = 0;
	w.h.conf.splice_max = FEW;
	few = conns = w.h.conf;
	w.h.conf.splice_max = MANY;
	conns.conn_max += 2 * (MANY - FEW);
	size_t records = part_bytes(&w.h.conf, "splices") - part_bytes(&few, "splices");
	size_t table =
	    part_bytes(&w.h.conf, "connection table") - part_bytes(&few, "connection table");

	CU_ASSERT(records <= 96ull * (MANY - FEW));
	CU_ASSERT(records > 0 && table > 0);
	CU_ASSERT_EQUAL(table, part_bytes(&conns, "connection table") -
				   part_bytes(&few, "connection table"));
	CU_ASSERT_EQUAL(tg_engine_footprint(&w.h.conf) - tg_engine_footprint(&few),
			records + table);
	free(w.h.tx);
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"client_resetsInEachPhase_nothingIsLeft", test_client_resetsInEachPhase_nothingIsLeft},
	    {"vip_flood_noBackendHearsOfIt", test_vip_flood_noBackendHearsOfIt},
	    {"pool_noBackendLives_refusedByName", test_pool_noBackendLives_refusedByName},
	    {"vip_sameTupleToBackend_secondIsRefused", test_vip_sameTupleToBackend_secondIsRefused},
	    {"opening_heldTextOfLastHop_isLostByName", test_opening_heldTextOfLastHop_isLostByName},
	    {"opening_synAckWithAnyOptions_splicesOrResets",
	     test_opening_synAckWithAnyOptions_splicesOrResets},
	    {"vip_odds_countEachScale", test_vip_odds_countEachScale},
	    {"splice_oneMore_costs96BytesAndTwoPlaces",
	     test_splice_oneMore_costs96BytesAndTwoPlaces},
	};

	return tg_test_main("splice_hard", tests, TG_TEST_N(tests), argc, argv);
}
