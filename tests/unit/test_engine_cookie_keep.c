/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_cookie_keep.c: what an engine keeps of cookies, and what it does by bursts: promises
 * over a change of configuration (SC-07), secrets and wall time (SC-12, SC-13), strictness under
 * guesses (SC-23), cookies that have been used (SC-15), hashes made side by side (SC-25), and the
 * offset of timestamps after the end (TD-19). */
#include "engine.h"
#include "engine_host.h"
#include "used.h"

enum { EPOCH = TG_COOKIE_EPOCH_MS };

static struct host h;

static void begin_mode(uint8_t mode)
{
	struct tg_listener_conf l;

	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = mode;
	l.service = &host_service;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static void begin(void)
{
	host_defaults(&h);
	h.tcp.ecn = true;
	begin_mode(TG_COOKIES_ALWAYS);
}

static void end(void)
{
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	h.tx_n = 0;
	host_fini(&h);
}

static void full_options(struct host_peer *p)
{
	p->opts = (struct tg_tcp_opts){.has_mss = 1,
				       .mss = 1460,
				       .has_ts = 1,
				       .tsval = 5000,
				       .has_wscale = 1,
				       .wscale = 9,
				       .has_sack_perm = 1};
}

/* A SYN with all options, and its answer. */
static struct tg_seg syn(struct host_peer *p, uint16_t rport, bool v6, bool ts)
{
	host_peer(p, &h, 80, rport, v6);
	full_options(p);
	p->opts.has_ts = ts;
	host_send(p, TG_TCP_SYN | TG_TCP_ECE | TG_TCP_CWR, NULL, 0);
	struct tg_seg s =
	    host_expect_ctl(p, (uint8_t)(TG_TCP_SYN | TG_TCP_ACK | (ts ? TG_TCP_ECE : 0)));
	p->opts = (struct tg_tcp_opts){.has_ts = ts, .tsval = 5001, .tsecr = s.opts.tsval};
	return s;
}

static bool ack_opens(struct host_peer *p)
{
	host_send(p, TG_TCP_ACK, NULL, 0);
	bool open = host_state(p) == TG_ESTABLISHED;

	h.tx_n = 0;
	return open;
}

static const struct tg_conn *conn_of(const struct host_peer *p)
{
	return &h.e->conn[tg_conn_find(h.e, &p->t, tg_tcp_tuple_hash(&p->t, &h.e->secret))];
}

/* --- promises --- */

/* SC-03: what opens by a cookie is what an entry would have made. */
static void test_always_fullSyn_asIfThereHadBeenAnEntry(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct tg_conn conn[2];

		for (int mode = 0; mode < 2; mode++) {
			struct host_peer p;
			host_defaults(&h);
			h.tcp.ecn = true;
			begin_mode(mode ? TG_COOKIES_ALWAYS : TG_COOKIES_OFF);
			syn(&p, 6000, v6, true);
			CU_ASSERT(ack_opens(&p));
			host_tick(&h, 0);
			conn[mode] = *conn_of(&p);
			end();
		}
		CU_ASSERT_EQUAL(conn[0].flags, conn[1].flags);
		CU_ASSERT_EQUAL(conn[0].snd_scale, conn[1].snd_scale);
		CU_ASSERT_EQUAL(conn[0].rcv_scale, conn[1].rcv_scale);
		CU_ASSERT_EQUAL(conn[0].snd_wnd, conn[1].snd_wnd);
		CU_ASSERT_EQUAL(conn[0].rcv_wnd, conn[1].rcv_wnd);
		CU_ASSERT_EQUAL(conn[0].rcv_nxt.v, conn[1].rcv_nxt.v);
		CU_ASSERT_EQUAL(conn[0].ts_recent, conn[1].ts_recent);
		CU_ASSERT_EQUAL(conn[1].snd_scale, 9);
		CU_ASSERT(conn[1].flags & TG_CONN_ECN);
		/* The MSS is rounded; and no echo of a cookie is taken for a measurement. */
		CU_ASSERT_EQUAL(conn[1].mss, v6 ? 1440 : 1460);
		CU_ASSERT_EQUAL(conn[1].srtt, 0);
	}
}

/* SC-07: the scale and the options that the SYN-ACK told hold, whatever is configured since; and
 * for those who come after, what is configured. */
static void test_always_reconfigured_promisesHold(void)
{
	struct host_peer p, q, late;

	begin();
	uint8_t scale = h.tcp.window_scale;
	struct tg_tcp_conf tcp = h.tcp;

	syn(&p, 6000, false, true);
	syn(&late, 6002, false, true);
	tcp.window_scale = 2;
	tcp.sack = tcp.ecn = false;
	CU_ASSERT_EQUAL(tg_engine_relisten(h.e, 0, &tcp), 0);
	host_tick(&h, 1000);
	tcp.window_scale = 5;
	CU_ASSERT_EQUAL(tg_engine_relisten(h.e, 0, &tcp), 0);
	host_tick(&h, 1000);
	CU_ASSERT(ack_opens(&p));
	host_tick(&h, 100);
	CU_ASSERT_EQUAL(conn_of(&p)->rcv_scale, scale);
	CU_ASSERT(conn_of(&p)->flags & TG_CONN_SACK);
	host_peer(&q, &h, 80, 6001, false);
	full_options(&q);
	host_send(&q, TG_TCP_SYN, NULL, 0);
	struct tg_seg s = host_expect_ctl(&q, TG_TCP_SYN | TG_TCP_ACK);
	struct tg_engine_stats st;
	tg_engine_stats(h.e, &st); /* three scales may have been told */
	CU_ASSERT_EQUAL(st.odds.with_ts.words, 8u * 4 * (15 * 3 + 1));
	CU_ASSERT_EQUAL(s.opts.wscale, 5);
	CU_ASSERT_FALSE(s.opts.has_sack_perm);
	/* Too late: nobody was told the old scale of late, and its cookie is out of date. */
	host_tick(&h, 2 * EPOCH + 1);
	CU_ASSERT_FALSE(ack_opens(&late));
	end();
}

/* Timestamps are switched off while an answer with them is out. */
static void test_always_timestampsOff_promiseHolds(void)
{
	struct host_peer p;

	begin();
	struct tg_tcp_conf tcp = h.tcp;

	syn(&p, 6000, false, true);
	tcp.timestamps = false;
	CU_ASSERT_EQUAL(tg_engine_relisten(h.e, 0, &tcp), 0);
	CU_ASSERT(ack_opens(&p));
	host_send(&p, TG_TCP_ACK, "x", 1);
	host_tick(&h, 100);
	CU_ASSERT_EQUAL(h.svc.got_len, 1);
	CU_ASSERT(conn_of(&p)->flags & TG_CONN_TS);
	h.tx_n = 0;
	end();
}

/* --- secrets and time --- */

/* SC-12: the listener is in the middle of handshakes when the secret turns over. */
static void test_setSecrets_midHandshake_noneLost(void)
{
	uint8_t two[2][TG_COOKIE_SECRET_LEN], none[3][TG_COOKIE_SECRET_LEN];
	struct host_peer p[4];
	struct tg_engine_stats st;

	memset(none, 7, sizeof(none));
	memset(two[0], 1, sizeof(two[0]));
	memset(two[1], 2, sizeof(two[1]));
	begin();
	const uint8_t(*secret)[TG_COOKIE_SECRET_LEN] = (const uint8_t(*)[TG_COOKIE_SECRET_LEN])two;

	CU_ASSERT_EQUAL(tg_engine_set_secrets(h.e, secret, 0), -EINVAL);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(h.e, (const uint8_t(*)[TG_COOKIE_SECRET_LEN])none, 3),
			-EINVAL);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(h.e, secret + 1, 1), 0);
	syn(&p[0], 6000, false, true);
	syn(&p[1], 6001, true, false);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(h.e, secret, 2), 0);
	tg_engine_stats(h.e, &st);
	CU_ASSERT_EQUAL(st.odds.plain.words, 16);
	syn(&p[2], 6002, false, true);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(ack_opens(&p[i]));
	syn(&p[3], 6003, false, true);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(h.e, secret + 1, 1), 0);
	CU_ASSERT_FALSE(ack_opens(&p[3]));
	end();
}

/* SC-13: in a fleet epochs are of wall time, from wherever the engine's own clock came; without one
 * wall time means nothing. */
static void test_setWall_fleet_epochsFollow(void)
{
	for (int fleet = 0; fleet < 2; fleet++) {
		struct tg_engine_stats st;
		host_defaults(&h);
		h.conf.fleet = fleet;
		begin_mode(TG_COOKIES_AUTO);
		uint64_t own = h.now_ns / TG_NS_PER_MS / EPOCH, wall = 1000000ull * EPOCH;

		tg_engine_set_wall(h.e, wall + 17, h.now_ns);
		tg_engine_stats(h.e, &st);
		CU_ASSERT_EQUAL(st.cookie_epoch, fleet ? 1000000 : own);
		host_tick(&h, EPOCH); /* between two calls its own clock goes on */
		tg_engine_stats(h.e, &st);
		CU_ASSERT_EQUAL(st.cookie_epoch, fleet ? 1000001 : own + 1);
		tg_engine_set_wall(h.e, wall - 5ull * EPOCH, h.now_ns); /* a step back */
		tg_engine_stats(h.e, &st);
		CU_ASSERT_EQUAL(st.cookie_epoch, fleet ? 999995 : own + 1);
		end();
	}
}

/* --- guesses --- */

static void guess(struct host_peer *p, uint32_t n, bool ts)
{
	for (uint32_t i = 0; i < n; i++) {
		host_peer(p, &h, 80, (uint16_t)(20000 + i), false);
		p->opts = (struct tg_tcp_opts){.has_ts = ts, .tsval = 1, .tsecr = i * 7919};
		host_raw(p, TG_TCP_ACK, tg_seq_make(i), tg_seq_make(i * 77777), "x", 1);
	}
}

/* SC-23: above the mark only those with timestamps count, for ten seconds after the last guess. */
static void test_always_manyGuesses_onlyTimestampsCount(void)
{
	struct host_peer plain, ts, g;

	host_defaults(&h);
	h.conf.cookie_guess_max = 1000; /* a second: 100 in 100 ms */
	begin_mode(TG_COOKIES_ALWAYS);
	host_tick(&h, 200);
	guess(&g, 90, false);
	host_tick(&h, 100);
	syn(&plain, 6000, false, false);
	CU_ASSERT(ack_opens(&plain));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_strict), 0);
	syn(&plain, 6001, false, false);
	host_peer(&ts, &h, 80, 6002, false);
	full_options(&ts);
	host_send(&ts, TG_TCP_SYN, NULL, 0);
	ts.opts.tsecr = host_expect_ctl(&ts, TG_TCP_SYN | TG_TCP_ACK).opts.tsval;
	host_tick(&h, 100);
	guess(&g, 200, false);
	host_tick(&h, 101);
	guess(&g, 1, false); /* the next packet sees it */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_strict), 1);
	uint64_t bad = host_ctr(&h, TG_CTR_cookie_ts_bad);
	CU_ASSERT_FALSE(ack_opens(&plain));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ts_bad), bad + 1);
	CU_ASSERT(ack_opens(&ts));
	host_tick(&h, 10100);
	CU_ASSERT(ack_opens(&plain));
	end();
}

/* --- once --- */

/* SC-15: as many as there is room for, for as long as they are valid; the oldest goes. */
static void test_used_fullAndOld_oldestGoes(void)
{
	size_t bytes = tg_used_footprint(100);
	void *mem = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	uint64_t same = 0x123456789abcdef0, now = 1000000;

	memset(mem, 0, (bytes + 63) & ~(size_t)63);
	struct tg_used *u = tg_used_init(mem, 100);

	CU_ASSERT_FALSE(tg_used_has(u, 0, tg_seq_make(0), now, 1000));
	for (uint32_t i = 0; i < 4; i++)
		tg_used_add(u, same, tg_seq_make(i), now + i);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(tg_used_has(u, same, tg_seq_make(i), now + 4, 1000));
	CU_ASSERT_FALSE(tg_used_has(u, same, tg_seq_make(4), now + 4, 1000));
	CU_ASSERT_FALSE(tg_used_has(u, same + 1, tg_seq_make(1), now + 4, 1000));
	tg_used_add(u, same, tg_seq_make(4), now + 4);
	CU_ASSERT_FALSE(tg_used_has(u, same, tg_seq_make(0), now + 4, 1000));
	CU_ASSERT(tg_used_has(u, same, tg_seq_make(1), now + 1001, 1000));
	CU_ASSERT_FALSE(tg_used_has(u, same, tg_seq_make(1), now + 1002, 1000));
	/* Memory has a bound. */
	CU_ASSERT(tg_used_footprint(UINT32_MAX) <= (4u << 20) + 64);
	free(mem);
}

/* --- bursts --- */

enum { BURST = TG_BURST_MAX };

/* Three bursts of SYNs, of both families and all kinds of options, side by side or one by one; what
 * the engine answered. */
static uint32_t run_bursts(const struct tg_sip_lanes *lanes, struct host_frame *out,
			   struct host_peer p[3 * BURST])
{
	static uint8_t data[BURST][200];
	const uint8_t *frame[BURST];
	uint32_t len[BURST], n = 0;

	begin();
	h.e->lanes = lanes;
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < BURST; i++) {
			struct host_peer *q = &p[round * BURST + i];
			host_peer(q, &h, 80, (uint16_t)(10000 + round * BURST + i), i % 3 == 0);
			full_options(q);
			q->opts.has_ts = i % 5 != 0;
			q->opts.mss = (uint16_t)(500 + 61 * i);
			q->opts.has_wscale = i % 7 != 0;
			len[i] =
			    host_build(q, TG_TCP_SYN, q->snd_nxt, tg_seq_make(0), NULL, 0, data[i]);
			frame[i] = data[i];
		}
		host_rx(&h, frame, len, BURST);
		while (host_next(&h, &out[n]))
			n++;
	}
	return n;
}

/* SC-25: bit for bit what one by one makes, in each way that there is. */
static void test_always_bursts_sameInEachWay(void)
{
	static struct host_frame want[3 * BURST + 1], got[3 * BURST + 1];
	static struct host_peer p[3 * BURST];
	const struct tg_sip_lanes *lanes;
	uint32_t ways = 0, n;

	while (tg_sip_lanes_at(ways))
		ways++;
	n = run_bursts(tg_sip_lanes_at(ways - 1), want, p);
	CU_ASSERT_EQUAL(n, 3 * BURST);
	end();
	for (uint32_t w = 0; (lanes = tg_sip_lanes_at(w)); w++) {
		uint32_t wrong = 0;
		CU_ASSERT_EQUAL(run_bursts(lanes, got, p), n);
		for (uint32_t i = 0; i < n; i++)
			wrong += want[i].len != got[i].len ||
				 memcmp(want[i].data, got[i].data, want[i].len) != 0;
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), n);
		end();
	}
}

/* What lay in the same place in the burst before had the same options, and another number. */
static void test_always_oneAfterABurst_ownHash(void)
{
	static struct host_frame out[3 * BURST + 1];
	static struct host_peer p[3 * BURST];
	struct host_peer q;

	CU_ASSERT_EQUAL(run_bursts(tg_sip_lanes_at(0), out, p), 3 * BURST);
	host_peer(&q, &h, 80, 6000, true);
	q.opts = p[2 * BURST].opts;
	q.t.laddr = p[2 * BURST].t.laddr;
	host_send(&q, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&q, TG_TCP_SYN | TG_TCP_ACK);
	q.opts = (struct tg_tcp_opts){0};
	CU_ASSERT(ack_opens(&q));
	end();
}

/* A burst that was prepared, and in which a listener no longer mints: the hashes are of no use, and
 * harm nothing. */
static void test_auto_disarmedInTheBurst_entries(void)
{
	static struct host_frame out[3 * BURST + 1];
	static struct host_peer p[3 * BURST];

	uint32_t n = run_bursts(tg_sip_lanes_at(0), out, p);

	CU_ASSERT_EQUAL(n, 3 * BURST);
	h.e->listener[0].conf.syn_cookies = TG_COOKIES_AUTO;
	struct host_peer q;

	CU_ASSERT_EQUAL(syn(&q, 6000, false, true).ctl & TG_TCP_SYN, TG_TCP_SYN);
	CU_ASSERT_EQUAL(host_state(&q), TG_SYN_RECEIVED);
	CU_ASSERT(ack_opens(&q));
	end();
}

/* --- after the end --- */

/* TD-19: an offset of its own outlives the connection: no TSval in TIME-WAIT is below one before,
 * and none is more than 2^18 ms ahead. */
static void test_timeWait_ownOffset_tsvalGoesOn(void)
{
	for (uint16_t i = 0; i < 40; i++) {
		struct host_peer p;
		struct tg_seg s;
		begin();
		h.tcp.keepalive = false;
		syn(&p, (uint16_t)(6000 + i), i & 1, true);
		CU_ASSERT(ack_opens(&p));
		host_tick(&h, 1000);
		tg_conn_close(h.e, h.svc.last);
		host_tick(&h, 0);
		s = host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
		uint32_t last = s.opts.tsval;
		CU_ASSERT_EQUAL(last - p.opts.tsecr, 1000);
		p.opts.tsecr = last;
		host_send(&p, TG_TCP_ACK, NULL, 0);
		host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
		s = host_expect_ctl(&p, TG_TCP_ACK);
		CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
		last = s.opts.tsval;
		host_tick(&h, 20);
		host_raw(&p, TG_TCP_ACK | TG_TCP_FIN, tg_seq_sub(p.snd_nxt, 1), p.rcv_nxt, NULL, 0);
		s = host_expect_ctl(&p, TG_TCP_ACK);
		CU_ASSERT((int32_t)(s.opts.tsval - last) >= 20);
		CU_ASSERT(s.opts.tsval - last <= 20 + (1u << 18));
		end();
	}
}

static const struct tg_test tests[] = {
    {"always_fullSyn_asIfThereHadBeenAnEntry", test_always_fullSyn_asIfThereHadBeenAnEntry},
    {"always_reconfigured_promisesHold", test_always_reconfigured_promisesHold},
    {"always_timestampsOff_promiseHolds", test_always_timestampsOff_promiseHolds},
    {"setSecrets_midHandshake_noneLost", test_setSecrets_midHandshake_noneLost},
    {"setWall_fleet_epochsFollow", test_setWall_fleet_epochsFollow},
    {"always_manyGuesses_onlyTimestampsCount", test_always_manyGuesses_onlyTimestampsCount},
    {"used_fullAndOld_oldestGoes", test_used_fullAndOld_oldestGoes},
    {"always_bursts_sameInEachWay", test_always_bursts_sameInEachWay},
    {"always_oneAfterABurst_ownHash", test_always_oneAfterABurst_ownHash},
    {"auto_disarmedInTheBurst_entries", test_auto_disarmedInTheBurst_entries},
    {"timeWait_ownOffset_tsvalGoesOn", test_timeWait_ownOffset_tsvalGoesOn},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_cookie_keep", tests, TG_TEST_N(tests), argc, argv);
}
