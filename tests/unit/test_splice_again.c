/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's port is used again while its splice is in TIME-WAIT (SP-11, TD-22..TD-25): only a
 * handshake that is done ends the old one; until then it does what it is there for. */
#include "splice_world.h"

enum { CASES = 8, SECOND_VPORT = W_VPORT + 1 };

/* Family, mode and cookies of case i. */
static void defaults(int i)
{
	w_defaults(i & 1, i & 2);
	w.listener.syn_cookies = i & 4 ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO;
}

static void start(int i)
{
	defaults(i);
	w_start();
	w_open();
	w_close();
}

static bool has_cookies(void)
{
	return w.listener.syn_cookies == TG_COOKIES_ALWAYS;
}

static uint32_t waiting_splices(void)
{
	return w_stats().splice[TG_SPLICE_TIME_WAIT];
}

/* A late FIN of the backend finds its way to the client, in its numbers; no more is said. */
static void expect_translates(tg_seq rcv)
{
	w_raw(&w.b, TG_TCP_FIN | TG_TCP_ACK, w.b.nxt.v - 1, w.b.rcv.v, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, rcv.v - 1);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.rcv.v);
	w_silence();
}

/* And so does the client's ACK of it. */
static void expect_ack_passes(tg_seq nxt, tg_seq rcv)
{
	w_raw(&w.c, TG_TCP_ACK, nxt.v, rcv.v, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, nxt.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	w_silence();
}

/* A SYN `ahead` of the old numbers and its SYN-ACK, which stands above the old ones (TD-23). */
static struct w_seg again(uint32_t ahead, uint32_t tsval)
{
	tg_seq old = w.c.rcv;

	w.c.nxt = tg_seq_add(w.c.nxt, ahead);
	w_client_options(tsval);
	struct w_seg s = w_client_syn();

	CU_ASSERT(tg_seq_gt(s.seg.seq, old));
	return s;
}

/* The same, answered by a cookie: half of them stand too low, and have an entry instead (TD-23). */
static void again_by_cookie(void)
{
	struct w_end old = w.c;

	for (uint32_t ahead = 1000; ahead < 64000; ahead += 1000) {
		w.c = old;
		again(ahead, W_CTS + 1000);
		if (w_stats().conn_count == 0)
			return;
		w_raw(&w.c, TG_TCP_RST, w.c.nxt.v, 0, NULL, 0);
		w_silence();
	}
	CU_FAIL_FATAL("no cookie stands above");
}

/* The new connection goes to the backend with the client's number, works, and is reset. */
static void expect_opens(tg_seq iss)
{
	w.b.nxt = tg_seq_make(90000);
	w_say(&w.c, TG_TCP_ACK, "anew", 4);
	CU_ASSERT_EQUAL(waiting_splices(), 0);
	CU_ASSERT_EQUAL(w_stats().splice_count, 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 1);
	struct w_seg syn = w_backend_syn();

	CU_ASSERT_EQUAL(syn.seg.seq.v, iss.v);
	w_backend_agrees(w_all(W_BTS + 50, syn.seg.opts.tsval));
	if (w_waiting(&w.c))
		w_hear_ctl(&w.c, TG_TCP_ACK); /* the backend's window */
	CU_ASSERT_EQUAL(memcmp(w_hear(&w.b).text, "anew", 4), 0);
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_silence();
	w_end();
}

/* --- the client's own SYN --- */

/* TD-22: the SYN alone ends nothing, its ACK does. */
static void test_timeWait_newerSyn_endsWithTheProof(void)
{
	for (int i = 0; i < CASES; i++) {
		start(i);
		tg_seq nxt = w.c.nxt, rcv = w.c.rcv;
		struct tg_tcp_opts old = w.c.said.opts;

		again(1000, W_CTS + 1000);
		struct w_end client = w.c;

		CU_ASSERT_EQUAL(waiting_splices(), 1);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 0);
		expect_translates(rcv);
		w.c.said.opts = old;
		expect_ack_passes(nxt, rcv);
		w.c = client;
		expect_opens(tg_seq_sub(w.c.nxt, 1));
	}
}

/* TD-22, by all cells of its table: what the old connection had, what the SYN has, and which of
 * its numbers are above, equal, or below. */
static void cell(bool old_ts, bool syn_ts, int32_t ts_step, int32_t seq_step, bool newer)
{
	for (int order = 0; order < 2; order++) {
		w_defaults(order, true);
		if (!old_ts)
			w.profile.has_ts = 0;
		w_start();
		w_open();
		if (order == 0) {
			w_close();
		} else { /* what the client said last is known from the backend's echo */
			w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
			w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);
			w_say(&w.c, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
			w_hear_ctl(&w.b, TG_TCP_FIN | TG_TCP_ACK);
			w_ts(&w.b, old_ts, W_BTS + 9, W_CTS + 1);
			w_say(&w.b, TG_TCP_ACK, NULL, 0);
			w_hear_ctl(&w.c, TG_TCP_ACK);
		}
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		w_client_options(W_CTS + 1 + (uint32_t)ts_step);
		w.c.said.opts.has_ts = syn_ts;
		w_raw(&w.c, TG_TCP_SYN, w.c.nxt.v + (uint32_t)seq_step, 0, NULL, 0);
		struct w_seg s = w_hear(&w.c);

		CU_ASSERT_EQUAL(s.seg.ctl, newer ? TG_TCP_SYN | TG_TCP_ACK : TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.ack.v, w.c.nxt.v + (newer ? (uint32_t)seq_step + 1 : 0));
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_syn_in_window), !newer);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		w_silence();
		host_tick(&w.h, 200000);
		w.c.kept_n = w.b.kept_n = 0;
		w_collect();
		w.c.kept_n = 0;
		w_end();
	}
}

static void test_timeWait_syn_isNewerByTimestampOrNumber(void)
{
	cell(true, true, 1, 1, true);
	cell(true, true, 1, -100000, true); /* the timestamp decides */
	cell(true, true, 1, 0, true);
	cell(true, true, 0, 1, true); /* equal: the number does */
	cell(true, true, 0, 0, false);
	cell(true, true, 0, -1, false);
	cell(true, true, -1, 100000, false);
	cell(true, true, -1, -1, false);
	cell(true, false, 0, 1, true);
	cell(true, false, 0, 0, false);
	cell(true, false, 0, -1, false);
	cell(false, true, -1, -1, true);
	cell(false, false, 0, 1, true);
	cell(false, false, 0, 0, false);
	cell(false, false, 0, -1, false);
}

/* TD-23: a SYN that is newer by its timestamp alone is answered by state: the ACK of a cookie would
 * not be told from the old connection's. */
static void test_timeWait_newerByTimestampAlone_isHalfOpen(void)
{
	for (int i = 4; i < 8; i++) {
		start(i);
		again((uint32_t)-3000, W_CTS + 1000);
		CU_ASSERT_EQUAL(w_stats().conn_count, 1);
		expect_opens(tg_seq_sub(w.c.nxt, 1));
	}
}

/* --- a stranger's --- */

/* TD-24: the client knows nothing of it, says so, and the splice is as it was. */
static void test_timeWait_spoofedNewerSyn_recordStays(void)
{
	for (int i = 0; i < CASES; i++) {
		start(i);
		w_client_options(W_CTS + 1000);
		w_raw(&w.c, TG_TCP_SYN, w.c.nxt.v + 5000, 0, NULL, 0);
		w_collect();
		w.c.kept_n = 0; /* its SYN-ACK */
		CU_ASSERT(has_cookies() || w_stats().conn_count == 1);
		w_raw(&w.c, TG_TCP_RST, w.c.nxt.v + 5001, 0, NULL, 0);
		w_collect();
		w.b.kept_n = 0; /* where no entry took it, it went on */
		CU_ASSERT_EQUAL(w_stats().conn_count, 0);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		expect_translates(w.c.rcv);
		w_ts(&w.c, true, W_CTS + 1, W_BTS);
		expect_ack_passes(w.c.nxt, w.c.rcv);
		host_tick(&w.h, 59999);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		host_tick(&w.h, 1); /* the old deadline */
		w_end();
	}
}

/* The half-open entry outlives the splice: who slept beside it is forgotten. */
static void test_timeWait_endsBesideHalfOpen_entryGoesOn(void)
{
	for (int i = 0; i < 4; i++) {
		start(i);
		host_tick(&w.h, 50000);
		again(1000, W_CTS + 60000);
		host_tick(&w.h, 9999);
		w_collect();
		w.c.kept_n = 0; /* SYN-ACKs again */
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		host_tick(&w.h, 1);
		CU_ASSERT_EQUAL(w_stats().splice_count, 0);
		CU_ASSERT_EQUAL(w_stats().conn_count, 1);
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 0);
		w_backend_syn();
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		w_end();
	}
}

/* The splice outlives the half-open entry, of which nobody heard any more. */
static void test_timeWait_halfOpenTimesOut_recordWakes(void)
{
	for (int i = 0; i < 4; i++) {
		defaults(i);
		w.h.conf.msl_ms = 100000;
		w_start();
		w_open();
		w_close();
		w_client_options(W_CTS + 1000);
		w_raw(&w.c, TG_TCP_SYN, w.c.nxt.v + 5000, 0, NULL, 0);
		CU_ASSERT_EQUAL(w_stats().conn_count, 1);
		host_tick(&w.h, 150000);
		w_collect();
		w.c.kept_n = 0;
		CU_ASSERT_EQUAL(w_stats().conn_count, 0);
		expect_translates(w.c.rcv);
		w_ts(&w.c, true, W_CTS + 1, W_BTS);
		expect_ack_passes(w.c.nxt, w.c.rcv);
		host_tick(&w.h, 49999);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		host_tick(&w.h, 1);
		w_end();
	}
}

/* SP-11, TD-24: 100,000 SYNs of one who knows addresses and ports, and answers of a client who does
 * not know what they are about. Old duplicates meet the splice at any time. */
static void random_syns(int i)
{
	struct tg_rng r;

	start(i);
	w.h.unchecked = true;
	tg_rng_init(&r, tg_test_seed + (uint64_t)i);
	for (uint32_t n = 0; n < 100000 / CASES; n++) {
		uint32_t seq = (uint32_t)tg_rng_next(&r);

		w_client_options((uint32_t)tg_rng_next(&r));
		w.c.said.opts.has_ts = tg_rng_below(&r, 4) != 0;
		w_raw(&w.c, TG_TCP_SYN, seq, 0, NULL, 0);
		if (n % 3 == 0) /* where there is no entry it is passed on, and judged there */
			w_raw(&w.c, TG_TCP_RST, seq + 1, 0, NULL, 0);
		w_collect();
		w.c.kept_n = w.b.kept_n = 0;
		if (n % 64)
			continue;
		w.c.said.wnd = (uint16_t)(1000 + n); /* or the same ACKs would be a storm (SP-10) */
		expect_translates(w.c.rcv);
		w_ts(&w.c, true, W_CTS + 1, W_BTS);
		expect_ack_passes(w.c.nxt, w.c.rcv);
		host_check(&w.h);
	}
	CU_ASSERT_EQUAL(waiting_splices(), 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 0);
	w.h.unchecked = false;
	host_tick(&w.h, 59999);
	CU_ASSERT_EQUAL(waiting_splices(), 1);
	host_tick(&w.h, 100000);
	w_collect();
	w.c.kept_n = w.b.kept_n = 0;
	w_end();
}

static void test_timeWait_randomSyns_endNothing(void)
{
	for (int i = 0; i < CASES; i++)
		random_syns(i);
}

/* TD-23, SC-18: a SYN that was answered by a cookie leaves nothing behind, and what is no cookie
 * opens nothing and ends nothing. What is, opens once. */
static void test_timeWait_forgedCookieAcks_endNothing(void)
{
	for (int i = 4; i < 8; i++) {
		struct tg_rng r;

		start(i);
		tg_rng_init(&r, tg_test_seed);
		tg_seq rcv = w.c.rcv;

		again_by_cookie();
		struct w_end client = w.c;

		for (uint32_t n = 0; n < 2000; n++) {
			w.c.said.opts.tsecr =
			    (n & 1) ? client.said.opts.tsecr : (uint32_t)tg_rng_next(&r);
			w_raw(&w.c, TG_TCP_ACK, client.nxt.v,
			      client.rcv.v ^ (1 + tg_rng_below(&r, 1 << 28)), NULL, 0);
			w_collect();
			w.c.kept_n = w.b.kept_n = 0;
		}
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_begun), 1);
		CU_ASSERT(w_ctr(TG_CTR_cookie_bad_mac) > 100); /* the echo was right */
		CU_ASSERT(w_ctr(TG_CTR_cookie_ts_bad) > 100);
		expect_translates(rcv);
		w.c = client;
		expect_opens(tg_seq_sub(w.c.nxt, 1));
	}
}

/* SC-19: a cookie was sent, then a SYN that is newer by its timestamp alone drew an entry: the
 * cookie's ACK opens in the entry's place, and nothing old is left. */
static void test_timeWait_cookieAckBesideEntry_opens(void)
{
	for (int i = 4; i < 8; i++) {
		start(i);
		again_by_cookie();
		struct w_end client = w.c;

		w_client_options(W_CTS + 2000);
		w_raw(&w.c, TG_TCP_SYN, client.nxt.v - 5000, 0, NULL, 0);
		w_hear_ctl(&w.c, TG_TCP_SYN | TG_TCP_ACK);
		CU_ASSERT_EQUAL(w_stats().conn_count, 1);
		w.c = client;
		expect_opens(tg_seq_sub(w.c.nxt, 1));
	}
}

/* --- other ends --- */

/* ADV-66: nobody listens any more: as CLOSED says, and the splice stays. */
static void test_timeWait_newerSynWithoutListener_recordStays(void)
{
	for (int i = 0; i < 4; i++) {
		start(i);
		tg_engine_unlisten(w.h.e, 0);
		w_client_options(W_CTS + 1000);
		w_raw(&w.c, TG_TCP_SYN, w.c.nxt.v + 5000, 0, NULL, 0);
		w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		host_tick(&w.h, 60000);
		w_end();
	}
}

/* All splices are wanted: the dormant one goes, and its entry opens all the same. */
static void test_timeWait_dormantIsEvicted_entryGoesOn(void)
{
	for (int i = 0; i < 4; i++) {
		defaults(i);
		w.h.conf.splice_max = 1;
		w.h.conf.ipv6_max = w.h.conf.conn_max;
		w_start();
		w_open();
		w_close();
		again(1000, W_CTS + 1000);
		struct w_end first = w.c;

		w.c.lport++;
		w.c.nxt = tg_seq_make(1000);
		w_client_options(W_CTS);
		w_client_syn();
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_evicted), 1);
		w_backend_syn();
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		w.c = first;
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		w_backend_syn();
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		w_end();
	}
}

/* The engine ends while one is dormant. */
static void test_timeWait_abortBesideHalfOpen_nothingIsLeft(void)
{
	for (int i = 0; i < 4; i++) {
		start(i);
		again(1000, W_CTS + 1000);
		tg_engine_abort_all(w.h.e);
		host_tick(&w.h, 1000);
		w_collect();
		w.c.kept_n = w.b.kept_n = 0;
		w_end();
	}
}

/* --- another VIP, the same tuple toward the backend --- */

/* The client comes to a second VIP from the same port. */
static void second_vip(int32_t ahead, uint32_t tsval)
{
	w.listener.port = SECOND_VPORT;
	CU_ASSERT_EQUAL(tg_engine_listen(w.h.e, &w.listener), 1);
	w.c.rport = SECOND_VPORT;
	w.c.nxt = tg_seq_add(w.c.nxt, (uint32_t)ahead);
	w_client_options(tsval);
	w_client_syn();
}

/* RFC 6191: what is newer to the backend, which may be in TIME-WAIT, ends the old splice; also one
 * that is dormant. */
static void test_timeWait_newerByOtherVip_givesWay(void)
{
	for (int i = 0; i < 2 * CASES; i++) {
		defaults(2 | i);
		w_start();
		w_open();
		w_close();
		bool dormant = i >= CASES && !has_cookies();

		if (dormant) {
			struct w_end client = w.c;

			again(9000, W_CTS + 500);
			CU_ASSERT_EQUAL(w_stats().conn_count, 1);
			w.c = client;
		}
		second_vip(i & 1 ? 1000 : -1000, W_CTS + 1000);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(waiting_splices(), 0);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 1);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_no_way), 0);
		w_backend_syn();
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		host_tick(&w.h, 200000);
		w_collect();
		w.c.kept_n = w.b.kept_n = 0;
		w_end();
	}
}

/* What the backend would not take is refused, and the old splice does its work. */
static void test_timeWait_olderByOtherVip_isRefused(void)
{
	for (int i = 0; i < CASES; i++) {
		defaults(2 | i);
		w_start();
		w_open();
		w_close();
		struct w_end client = w.c;

		second_vip(1000, W_CTS - 100);
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_no_way), 1);
		CU_ASSERT_EQUAL(waiting_splices(), 1);
		w.c = client;
		expect_translates(w.c.rcv);
		host_tick(&w.h, 60000);
		w_end();
	}
}

/* --- anything, in any order --- */

enum { ANY_ROUNDS = 25, ANY_STEPS = 80, VIPS = 2 };

/* What the ends heard last, by VIP; and what the backend was asked. */
static struct {
	struct tg_rng rng;
	tg_seq syn[VIPS];           /* number of the last SYN */
	struct tg_seg synack[VIPS]; /* its answer */
	struct w_end old;           /* the client of the splice that was in TIME-WAIT first */
	struct tg_seg asked;        /* the last SYN to the backend, and where it came from */
	struct tg_tuple asked_by;
	uint32_t opened,
	    waited;      /* steps after which there was a splice that has, and one that waits */
	uint32_t reused; /* rounds in which one gave way */
} any;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&any.rng, n);
}

static void any_hear(void)
{
	w_collect();
	for (uint32_t i = 0; i < w.c.kept_n; i++) {
		uint32_t vip = w.c.kept[i].t.rport - W_VPORT;
		if (vip < VIPS && w.c.kept[i].seg.ctl == (TG_TCP_SYN | TG_TCP_ACK))
			any.synack[vip] = w.c.kept[i].seg;
	}
	for (uint32_t i = 0; i < w.b.kept_n; i++) {
		if (w.b.kept[i].seg.ctl != TG_TCP_SYN)
			continue;
		any.asked = w.b.kept[i].seg;
		any.asked_by = w.b.kept[i].t;
	}
	w.c.kept_n = w.b.kept_n = 0;
}

/* Newer or older than whatever there was. */
static void any_syn(uint32_t vip)
{
	w.c.rport = (uint16_t)(W_VPORT + vip);
	any.syn[vip] = tg_seq_add(any.old.nxt, below(4) ? below(1u << 30) : 0u - below(1u << 20));
	w_client_options(W_CTS + below(100000) - 1000);
	w.c.said.opts.has_ts = below(8) != 0;
	w_raw(&w.c, TG_TCP_SYN, any.syn[vip].v, 0, NULL, 0);
}

/* The handshake's last ACK, or nearly so, with text or not; or the RST of one who knows of nothing.
 */
static void any_third(uint32_t vip, uint8_t ctl)
{
	w.c.rport = (uint16_t)(W_VPORT + vip);
	w_ts(&w.c, any.synack[vip].opts.has_ts, W_CTS + below(100000), any.synack[vip].opts.tsval);
	w_raw(&w.c, ctl, any.syn[vip].v + 1, any.synack[vip].seq.v + 1 + (below(8) == 0), "text",
	      ctl == TG_TCP_ACK ? below(2) * 4 : 0);
}

/* Of the old connection: the client's ACK, the backend's FIN. */
static void any_old(void)
{
	if (below(2)) {
		w.c.rport = W_VPORT;
		w_ts(&w.c, true, W_CTS + 1, W_BTS);
		w_raw(&w.c, TG_TCP_ACK, any.old.nxt.v, any.old.rcv.v, NULL, 0);
	} else {
		w_raw(&w.b, TG_TCP_FIN | TG_TCP_ACK, w.b.nxt.v - 1, w.b.rcv.v, NULL, 0);
	}
}

/* The backend says yes or no to what it was asked last, or ends it. */
static void any_backend(void)
{
	struct w_end b = w.b;

	if (!(any.asked.ctl & TG_TCP_SYN))
		return;
	b.peer = any.asked_by.raddr;
	b.rport = any.asked_by.rport;
	b.said.opts = w_all(W_BTS + below(1000), any.asked.opts.tsval);
	if (below(4) == 0)
		w_raw(&b, TG_TCP_RST | TG_TCP_ACK, 0, any.asked.seq.v + 1, NULL, 0);
	else if (below(2))
		w_raw(&b, TG_TCP_SYN | TG_TCP_ACK, 7000, any.asked.seq.v + 1, NULL, 0);
	else
		w_raw(&b, TG_TCP_FIN | TG_TCP_ACK, 7001, any.asked.seq.v + 2 + 4 * below(2), NULL,
		      0);
}

/* Text and FIN of the new connection. */
static void any_end(uint32_t vip)
{
	w.c.rport = (uint16_t)(W_VPORT + vip);
	w_ts(&w.c, any.synack[vip].opts.has_ts, W_CTS + 100000, any.synack[vip].opts.tsval);
	w_raw(&w.c, TG_TCP_FIN | TG_TCP_ACK, any.syn[vip].v + 1,
	      any.synack[vip].seq.v + 1 + below(2), NULL, 0);
}

static void any_step(void)
{
	static const uint32_t ms[] = {1, 300, 1000, 7000, 61000};
	uint32_t vip = below(4) == 0;

	switch (below(12)) {
	case 0:
	case 1:
		any_syn(vip);
		break;
	case 2:
		any_third(vip, TG_TCP_RST);
		break;
	case 3:
	case 4:
		any_third(vip, TG_TCP_ACK);
		break;
	case 5:
	case 6:
		any_old();
		break;
	case 7:
	case 8:
	case 9:
		any_backend();
		break;
	case 10:
		any_end(vip);
		break;
	default:
		host_tick(&w.h, ms[below(40) ? below(3) : below(5)]);
	}
	any_hear();
	any.waited += waiting_splices() > 0;
	any.opened += w_stats().splice[TG_SPLICE_SPLICED] + w_stats().splice[TG_SPLICE_CLOSING] > 0;
}

static void any_round(int i)
{
	defaults(i);
	w.h.conf.splice_max = 2;
	w.h.conf.ipv6_max = w.h.conf.conn_max;
	w.pool.fall = 255;
	w_start();
	w.listener.port = SECOND_VPORT;
	CU_ASSERT_EQUAL(tg_engine_listen(w.h.e, &w.listener), 1);
	w_open();
	w_close();
	any.old = w.c;
	for (uint32_t n = 0; n < ANY_STEPS; n++)
		any_step();
	any.reused += w_ctr(TG_CTR_splice_tw_reused) > 0;
	tg_engine_abort_all(w.h.e);
	for (uint32_t n = 0; n < 10; n++) {
		host_tick(&w.h, 10000);
		any_hear();
	}
	w_end();
}

/* All that may happen around a TIME-WAIT, with room for two splices: every invariant holds after
 * each step (S1..S8), and at the end nothing is left. */
static void test_timeWait_anyOrder_nothingBreaks(void)
{
	for (int i = 0; i < CASES; i++) {
		memset(&any, 0, sizeof(any));
		tg_rng_init(&any.rng, tg_test_seed + (uint64_t)i);
		for (uint32_t n = 0; n < ANY_ROUNDS; n++) {
			memset(any.synack, 0, sizeof(any.synack));
			any.asked.ctl = 0;
			any_round(i);
		}
		CU_ASSERT(any.waited > ANY_ROUNDS * ANY_STEPS / 10);
		CU_ASSERT(any.opened > ANY_ROUNDS);
		CU_ASSERT(any.reused > ANY_ROUNDS / 10);
	}
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"timeWait_newerSyn_endsWithTheProof", test_timeWait_newerSyn_endsWithTheProof},
	    {"timeWait_syn_isNewerByTimestampOrNumber",
	     test_timeWait_syn_isNewerByTimestampOrNumber},
	    {"timeWait_newerByTimestampAlone_isHalfOpen",
	     test_timeWait_newerByTimestampAlone_isHalfOpen},
	    {"timeWait_spoofedNewerSyn_recordStays", test_timeWait_spoofedNewerSyn_recordStays},
	    {"timeWait_endsBesideHalfOpen_entryGoesOn",
	     test_timeWait_endsBesideHalfOpen_entryGoesOn},
	    {"timeWait_halfOpenTimesOut_recordWakes", test_timeWait_halfOpenTimesOut_recordWakes},
	    {"timeWait_randomSyns_endNothing", test_timeWait_randomSyns_endNothing},
	    {"timeWait_forgedCookieAcks_endNothing", test_timeWait_forgedCookieAcks_endNothing},
	    {"timeWait_cookieAckBesideEntry_opens", test_timeWait_cookieAckBesideEntry_opens},
	    {"timeWait_newerSynWithoutListener_recordStays",
	     test_timeWait_newerSynWithoutListener_recordStays},
	    {"timeWait_dormantIsEvicted_entryGoesOn", test_timeWait_dormantIsEvicted_entryGoesOn},
	    {"timeWait_abortBesideHalfOpen_nothingIsLeft",
	     test_timeWait_abortBesideHalfOpen_nothingIsLeft},
	    {"timeWait_newerByOtherVip_givesWay", test_timeWait_newerByOtherVip_givesWay},
	    {"timeWait_olderByOtherVip_isRefused", test_timeWait_olderByOtherVip_isRefused},
	    {"timeWait_anyOrder_nothingBreaks", test_timeWait_anyOrder_nothingBreaks},
	};

	return tg_test_main("splice_again", tests, TG_TEST_N(tests), argc, argv);
}
