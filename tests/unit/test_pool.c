/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pool.c: pools of backends: the choice, the probes, what is learnt and promised. The farm
 * answers for all backends, each as it is told to. */
#include "pool_farm.h"
#include "tg_cookie.h"

enum { N = 10, CLIENTS = 20000 };

static uint8_t before[CLIENTS], after[CLIENTS];

/* The backend that client number i gets, by its last byte; 0: none. */
static uint8_t pick(uint32_t i)
{
	struct tg_tuple t = client;

	t.raddr.b[14] = (uint8_t)(i >> 12);
	t.raddr.b[15] = (uint8_t)(i >> 4);
	t.rport = (uint16_t)(1024 + i);
	uint8_t b = tg_pool_pick(h.e, pool, &t);

	return b == TG_NO_BACKEND ? 0 : tg_pool_backend(h.e, pool, b)->addr.b[15];
}

static void pick_all(uint8_t to[CLIENTS])
{
	for (uint32_t i = 0; i < CLIENTS; i++)
		to[i] = pick(i);
}

static uint32_t count(const uint8_t of[CLIENTS], uint8_t last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += of[i] == last;
	return n;
}

/* Clients that had another backend than `last`, and have another one now. */
static uint32_t moved_without_need(uint8_t last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += before[i] != last && before[i] != after[i];
	return n;
}

/* --- the choice --- */

static void test_pick_oneDown_onlyItsClientsMove(void)
{
	uint32_t its;

	start(N);
	run(2 * CHECK);
	pick_all(before);
	for (uint8_t i = 0; i < N; i++) {
		uint32_t n = count(before, (uint8_t)(100 + i));
		CU_ASSERT(n > CLIENTS / N * 8 / 10 && n < CLIENTS / N * 12 / 10);
	}
	its = count(before, 103);
	mood[103] = SILENT;
	run(CHECK + 3 * TIMEOUT + 3 * STEP);
	CU_ASSERT_EQUAL(see(103).state, TG_BACKEND_DOWN);
	pick_all(after);
	CU_ASSERT_EQUAL(count(after, 103), 0);
	CU_ASSERT_EQUAL(moved_without_need(103), 0);
	for (uint8_t i = 0; i < N; i++) { /* and they spread over all the others */
		uint8_t last = (uint8_t)(100 + i);
		uint32_t more = count(after, last) - count(before, last);
		CU_ASSERT(last == 103 || (more > its / N / 2 && more < its / N * 2));
	}
	/* A second one: those who went to it from the first go on, nobody else. */
	memcpy(before, after, sizeof(before));
	mood[107] = REFUSES;
	run(3 * CHECK);
	pick_all(after);
	CU_ASSERT_EQUAL(count(after, 107), 0);
	CU_ASSERT_EQUAL(moved_without_need(107), 0);
	/* And back again: as if nothing had been. */
	mood[103] = ANSWERS;
	mood[107] = ANSWERS;
	run(4 * CHECK);
	pick_all(before);
	CU_ASSERT(count(before, 103) == its && count(before, 107) > 0);
	end();
}

static void test_pick_onlyOneOf64Lives_isFound(void)
{
	start(64);
	for (uint8_t i = 0; i < 64; i++)
		mood[100 + i] = i == 40 ? ANSWERS : REFUSES;
	run(4 * CHECK);
	pick_all(before);
	CU_ASSERT_EQUAL(count(before, 140), CLIENTS);
	end();
}

static void test_pick_noneLives_isNone(void)
{
	start(2);
	CU_ASSERT(pick(1) != 0); /* nothing is known yet: each may be the one */
	mood[100] = mood[101] = REFUSES;
	run(4 * CHECK);
	CU_ASSERT_EQUAL(pick(1), 0);
	CU_ASSERT_EQUAL(tg_pool_refuse(h.e, pool), TG_REFUSE_DROP);
	CU_ASSERT_FALSE(tg_pool_promise(h.e, pool, &client).known);
	mood[101] = ANSWERS;
	run(3 * CHECK);
	CU_ASSERT_EQUAL(pick(1), 101);
	end();
}

static void test_pick_oneUpOneUnknown_isTheOneThatIsUp(void)
{
	start(2);
	mood[100] = SILENT;
	run(TIMEOUT);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UNKNOWN);
	pick_all(before);
	CU_ASSERT_EQUAL(count(before, 101), CLIENTS);
	end();
}

static void test_pick_bothFamilies_keepsToTheClients(void)
{
	struct tg_tuple six;

	begin(3);
	add_backend(200, true, 10);
	pool = tg_engine_pool_add(h.e, &conf);
	six = client;
	tg_addr_parse("2001:db8:1::9", &six.raddr);
	run(CHECK);
	pick_all(before);
	CU_ASSERT_EQUAL(count(before, 200), 0);
	for (uint16_t port = 1; port < 1000; port++) {
		six.rport = port;
		uint8_t b = tg_pool_pick(h.e, pool, &six);
		CU_ASSERT_FATAL(b != TG_NO_BACKEND);
		CU_ASSERT_EQUAL(tg_pool_backend(h.e, pool, b)->addr.b[15], 200);
	}
	end();
}

static void test_pick_bySource_keepsAClientTogether(void)
{
	uint32_t other = 0;

	for (int by_source = 0; by_source < 2; by_source++) {
		begin(N);
		conf.hash_source = by_source;
		pool = tg_engine_pool_add(h.e, &conf);
		run(CHECK);
		uint8_t first = tg_pool_pick(h.e, pool, &client);
		other = 0;
		for (client.rport = 1; client.rport < 1000; client.rport++)
			other += tg_pool_pick(h.e, pool, &client) != first;
		CU_ASSERT(by_source ? other == 0 : other > 800);
		if (by_source) { /* and clients apart */
			pick_all(before);
			CU_ASSERT(count(before, 100) > 0 && count(before, 100) < CLIENTS / 2);
		}
		end();
	}
}

/* --- probes --- */

static void test_probe_answered_isResetAndLeavesNothing(void)
{
	struct tg_engine_stats s;

	start(1);
	run(CHECK / 2);
	CU_ASSERT_EQUAL(asked[100], 1);
	CU_ASSERT_EQUAL(reset[100], 1);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UP);
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.tw_count, 0);
	run(10 * CHECK);
	CU_ASSERT(asked[100] >= 10 && asked[100] <= 12);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_backend_up), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_probe_sent), asked[100]);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_probe_failed), 0);
	end();
}

static void test_probe_silent_isDownInTime(void)
{
	uint64_t from;

	start(2);
	run(2 * CHECK);
	mood[100] = SILENT;
	from = h.now_ns / TG_NS_PER_MS;
	while (see(100).state == TG_BACKEND_UP)
		run(STEP);
	CU_ASSERT(h.now_ns / TG_NS_PER_MS - from <= CHECK + 3 * TIMEOUT + 3 * STEP);
	CU_ASSERT_EQUAL(see(100).failed, 3); /* not before the third */
	CU_ASSERT_EQUAL(down_n, 1);
	CU_ASSERT_EQUAL(tg_pool_backend(h.e, pool, down_last)->addr.b[15], 100);
	run(10 * CHECK);
	CU_ASSERT_EQUAL(down_n, 1);
	CU_ASSERT_EQUAL(see(101).state, TG_BACKEND_UP);
	end();
}

/* Down for new flows is one thing, gone another: its flows are ended only when nothing comes from
 * it any more. */
static void test_probe_unansweredWhileFlowsMove_endsNoFlow(void)
{
	start(1);
	run(2 * CHECK);
	uint8_t b = tg_pool_pick(h.e, pool, &client);
	mood[100] = SILENT;
	for (int t = 0; t < 10 * CHECK; t += STEP) {
		tg_pool_heard(h.e, pool, b);
		run(STEP);
	}
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_DOWN);
	CU_ASSERT_EQUAL(down_n, 0);
	run(CHECK + 3 * TIMEOUT + 3 * STEP);
	CU_ASSERT_EQUAL(down_n, 1);
	run(10 * CHECK);
	CU_ASSERT_EQUAL(down_n, 1);
	end();
}

/* Its listener is closed; what it has accepted may go on for hours. */
static void test_probe_refused_endsNoFlow(void)
{
	start(1);
	run(2 * CHECK);
	mood[100] = REFUSES;
	run(10 * CHECK);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_DOWN);
	CU_ASSERT_EQUAL(down_n, 0);
	end();
}

static void test_probe_twoBadOnesBetweenGoodOnes_changeNothing(void)
{
	start(1);
	run(CHECK);
	for (int i = 0; i < 5; i++) {
		uint64_t bad = see(100).failed;
		mood[100] = REFUSES;
		while (see(100).failed < bad + 2)
			run(STEP);
		mood[100] = ANSWERS;
		run(2 * CHECK);
	}
	CU_ASSERT_EQUAL(see(100).failed, 10);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UP);
	CU_ASSERT_EQUAL(down_n, 0);
	/* And up it comes only by two. */
	mood[100] = REFUSES;
	run(2 * CHECK);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_DOWN);
	uint32_t n = reset[100];
	mood[100] = ANSWERS;
	while (see(100).state == TG_BACKEND_DOWN && reset[100] < n + 9)
		run(STEP);
	CU_ASSERT_EQUAL(reset[100], n + 2);
	end();
}

/* The SYN-ACK of a probe that was given up meets nobody, and is told so. */
static void test_probe_lateAnswer_isNoAnswer(void)
{
	struct host_frame f, late = {0};

	start(1);
	mood[100] = SILENT;
	for (int i = 0; i < 4 && !late.len; i++) {
		host_tick(&h, STEP);
		while (host_next(&h, &f))
			late = f;
	}
	CU_ASSERT_FATAL(late.len > 0);
	run(TIMEOUT + STEP);
	CU_ASSERT_EQUAL(see(100).failed, 1);
	mood[100] = ANSWERS;
	answer(&late); /* twice: as late, and once more */
	answer(&late);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UNKNOWN);
	CU_ASSERT_FALSE(see(100).profile.known);
	CU_ASSERT_EQUAL(see(100).probes, 1);
	run(CHECK);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UP);
	end();
}

/* An engine without room for one connection more says nothing about its backends. */
static void test_probe_noRoom_isNoVerdict(void)
{
	struct host_peer p;

	begin(1);
	host_listen(&h, 80);
	for (uint16_t i = 0; i < 32; i++) {
		host_peer(&p, &h, 80, (uint16_t)(5000 + i), false);
		CU_ASSERT(host_handshake(&p));
	}
	pool = tg_engine_pool_add(h.e, &conf);
	run(10 * CHECK);
	CU_ASSERT(host_ctr(&h, TG_CTR_probe_no_room) > 10);
	CU_ASSERT_EQUAL(asked[100], 0);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UNKNOWN);
	CU_ASSERT_EQUAL(see(100).failed, 0);
	host_send(&p, TG_TCP_RST, NULL, 0);
	run(CHECK);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UP);
	tg_engine_abort_all(h.e);
	end();
}

static void test_probe_noWay_isBad(void)
{
	routed = true;
	begin(1);
	routed = false;
	tg_addr_parse("203.0.113.9", &conf.backend[0].addr); /* no gateway leads there */
	pool = tg_engine_pool_add(h.e, &conf);
	run(4 * CHECK);
	CU_ASSERT_EQUAL(see(9).state, TG_BACKEND_DOWN);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_probe_sent), 0);
	end();
}

static void test_fault_hastensTheProbe(void)
{
	start(1);
	run(CHECK);
	uint32_t n = asked[100];
	while (asked[100] == n)
		run(STEP);
	run(CHECK / 2);
	tg_pool_fault(h.e, pool, 0);
	run(2 * STEP);
	CU_ASSERT_EQUAL(asked[100], n + 2);
	/* However many there are: no more than four a period. */
	for (int i = 0; i < 10 * CHECK / STEP; i++) {
		tg_pool_fault(h.e, pool, 0);
		run(STEP);
	}
	CU_ASSERT(asked[100] <= n + 2 + 42);
	CU_ASSERT_EQUAL(see(100).state, TG_BACKEND_UP); /* it is no verdict */
	end();
}

/* --- what is learnt (SP-04, SP-06) --- */

static void test_promise_unknown_isWhatEveryHostTakes(void)
{
	struct tg_profile p;

	start(1);
	p = tg_pool_promise(h.e, pool, &client);
	CU_ASSERT(!p.known && !p.sack && !p.ts && p.wscale == TG_NO_WSCALE && p.mss == 536);
	tg_addr_parse("2001:db8:1::9", &client.raddr);
	p = tg_pool_promise(h.e, pool, &client);
	CU_ASSERT(!p.known && p.mss == 1220);
	end();
}

static void test_promise_isWhatTheBackendOffered(void)
{
	struct tg_profile p;

	start(1);
	offer[100] = (struct tg_tcp_opts){
	    .mss = 1300, .has_mss = 1, .has_sack_perm = 1, .has_wscale = 1, .wscale = 9};
	run(CHECK);
	p = tg_pool_promise(h.e, pool, &client);
	CU_ASSERT(p.known && p.sack && !p.ts && p.wscale == 9 && p.mss == 1300);
	/* It changes, and that is counted; what it says now is promised from now on. */
	offer[100] = (struct tg_tcp_opts){
	    .has_ts = 1, .has_mss = 1, .mss = 1460, .has_wscale = 1, .wscale = 9};
	run(2 * CHECK);
	p = tg_pool_promise(h.e, pool, &client);
	CU_ASSERT(p.known && !p.sack && p.ts && p.mss == 1460);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_backend_changed), 1);
	run(10 * CHECK);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_backend_changed), 1);
	/* No MSS option: 536. More than our own link takes is no use. */
	offer[100] = (struct tg_tcp_opts){0};
	run(2 * CHECK);
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).mss, 536);
	offer[100] = (struct tg_tcp_opts){.has_mss = 1, .mss = 8960};
	run(2 * CHECK);
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).mss, 1460);
	end();
}

static void test_promise_eachBackend_hasItsOwn(void)
{
	struct tg_pool_sight sight;

	start(2);
	offer[101] = (struct tg_tcp_opts){.mss = 1000, .has_mss = 1};
	run(CHECK);
	uint32_t n[2] = {0};
	for (uint32_t i = 0; i < 100; i++) {
		client.rport = (uint16_t)(100 + i);
		uint8_t b = tg_pool_pick(h.e, pool, &client);
		struct tg_profile p = tg_pool_promise(h.e, pool, &client);
		bool second = tg_pool_backend(h.e, pool, b)->addr.b[15] == 101;
		n[second]++;
		CU_ASSERT_EQUAL(p.sack, !second);
		CU_ASSERT_EQUAL(p.ts, !second);
		CU_ASSERT_EQUAL(p.mss, second ? 1000 : 1460);
		CU_ASSERT_EQUAL(p.wscale, 7); /* of the pool */
		CU_ASSERT_EQUAL(tg_pool_profile(h.e, pool, b).wscale, second ? TG_NO_WSCALE : 7);
	}
	CU_ASSERT(n[0] > 20 && n[1] > 20);
	tg_engine_pool_see(h.e, pool, &sight);
	CU_ASSERT(!sight.promise.sack && !sight.promise.ts && sight.promise.mss == 1000);
	end();
}

/* SC-07: who was promised the wider scale by a cookie must not be taken for one who was promised
 * the narrower one: he would believe in a window that no backend has opened. */
static void test_promise_wscaleNarrowed_waitsForTheCookies(void)
{
	start(2);
	offer[100].wscale = 9;
	run(CHECK);
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).wscale, 9);
	offer[100].wscale = 3;
	run(2 * CHECK);
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).wscale, 9);
	offer[101].wscale = 10; /* wider: at once */
	run(2 * CHECK);
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).wscale, 10);
	offer[101].wscale = 3;
	uint64_t from = h.now_ns / TG_NS_PER_MS;
	while (tg_pool_promise(h.e, pool, &client).wscale == 10 &&
	       h.now_ns / TG_NS_PER_MS - from < 2 * (uint64_t)TG_COOKIE_VALID_MS)
		run(CHECK);
	uint64_t lasted = h.now_ns / TG_NS_PER_MS - from;
	CU_ASSERT_EQUAL(tg_pool_promise(h.e, pool, &client).wscale, 3);
	CU_ASSERT(lasted >= TG_COOKIE_VALID_MS && lasted < TG_COOKIE_VALID_MS + 4 * CHECK);
	end();
}

/* --- changes while it lives --- */

static void test_set_weight0_drains(void)
{
	start(2);
	run(2 * CHECK);
	uint8_t b = tg_pool_pick(h.e, pool, &client);
	uint8_t last = tg_pool_backend(h.e, pool, b)->addr.b[15];
	tg_pool_flow_add(h.e, pool, b);
	conf.backend[last - 100].weight = 0;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	pick_all(before);
	CU_ASSERT_EQUAL(count(before, last), 0);
	CU_ASSERT_EQUAL(count(before, (uint8_t)(201 - last)), CLIENTS);
	CU_ASSERT_EQUAL(see(last).flows, 1);
	CU_ASSERT_EQUAL(see(last).state, TG_BACKEND_UP);
	uint32_t n = asked[last];
	run(3 * CHECK);
	CU_ASSERT(asked[last] > n); /* it is still looked after */
	mood[201 - last] = REFUSES; /* not even when nobody else is there */
	run(4 * CHECK);
	CU_ASSERT_EQUAL(pick(1), 0);
	mood[201 - last] = ANSWERS;
	run(4 * CHECK);
	conf.backend[last - 100].weight = 10;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	pick_all(before);
	CU_ASSERT(count(before, last) > CLIENTS / 3);
	tg_pool_flow_sub(h.e, pool, b);
	end();
}

static void test_set_removed_goesWithItsLastFlow(void)
{
	static struct tg_pool_sight sight;

	start(2);
	run(2 * CHECK);
	uint8_t b = tg_pool_pick(h.e, pool, &client);
	uint8_t last = tg_pool_backend(h.e, pool, b)->addr.b[15];
	tg_pool_flow_add(h.e, pool, b);
	conf.backend[0] = conf.backend[201 - last - 100];
	conf.backend_n = 1;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	CU_ASSERT(see(last).removed);
	CU_ASSERT_EQUAL(tg_pool_backend(h.e, pool, b)->addr.b[15], last);
	pick_all(before);
	CU_ASSERT_EQUAL(count(before, last), 0);
	host_tick(&h, 1);
	tg_pool_flow_sub(h.e, pool, b);
	host_tick(&h, 1);
	tg_engine_pool_see(h.e, pool, &sight);
	CU_ASSERT_EQUAL(sight.backend_n, 1);
	/* One that has no flows goes at once, and a probe of it too. */
	add_backend(150, false, 10);
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	mood[150] = SILENT;
	while (asked[150] == 0)
		run(STEP);
	conf.backend_n--;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	tg_engine_pool_see(h.e, pool, &sight);
	CU_ASSERT_EQUAL(sight.backend_n, 1);
	host_tick(&h, 1);
	/* None is left: nobody can be served. */
	conf.backend_n = 0;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	CU_ASSERT_EQUAL(pick(1), 0);
	end();
}

static void test_set_shorterPeriod_holdsAtOnce(void)
{
	start(1);
	run(CHECK);
	conf.check_ms = 3600000;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	run(2 * CHECK);
	uint32_t n = asked[100];
	run(10 * CHECK);
	CU_ASSERT_EQUAL(asked[100], n);
	conf.check_ms = CHECK;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	run(10 * CHECK);
	CU_ASSERT(asked[100] >= n + 9);
	end();
}

static void test_set_tooMany_changesNothing(void)
{
	uint8_t flow[64];

	start(64);
	run(2 * CHECK);
	for (uint8_t i = 0; i < 64; i++) {
		flow[i] = i;
		tg_pool_flow_add(h.e, pool, flow[i]);
	}
	pick_all(before);
	conf.backend[5] =
	    (struct tg_backend_conf){.addr = backend_addr(200, false), .port = 8080, .weight = 10};
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), -ENOSPC);
	pick_all(after);
	CU_ASSERT_EQUAL(memcmp(before, after, sizeof(before)), 0);
	tg_pool_flow_sub(h.e, pool, flow[5]);
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
	CU_ASSERT_EQUAL(see(200).state, TG_BACKEND_UNKNOWN);
	CU_ASSERT_EQUAL(see(105).conf.port, 0); /* gone */
	host_tick(&h, 1);
	run(2 * CHECK);
	CU_ASSERT_EQUAL(see(200).state, TG_BACKEND_UP);
	for (uint8_t i = 0; i < 64; i++)
		if (i != 5)
			tg_pool_flow_sub(h.e, pool, flow[i]);
	end();
}

static void test_add_badConf_isRefused(void)
{
	struct tg_listener_conf l;
	struct tg_pool_conf good;

	begin(2);
	good = conf;
	host_listener(&h, &l, 443);
	l.has_pool = true;
	l.pool = 0;
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), -EINVAL); /* there is no such pool */
	conf.backend[1] = conf.backend[0];
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf = good;
	conf.backend[1].weight = TG_WEIGHT_MAX + 1;
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf = good;
	conf.backend[1].port = 0;
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf = good;
	conf.fall = 0;
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf = good;
	conf.check_ms = 1;
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf = good;
	conf.snat[conf.snat_n++] = backend_addr(9, false); /* not ours */
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -EINVAL);
	conf.snat[0] = backend_addr(1, false);
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), 0);
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &good), 1);
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &good), -ENOSPC);
	CU_ASSERT_EQUAL(tg_engine_pool_count(h.e), 2);
	good.mode = TG_POOL_SNAT;
	CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, 1, &good), -EINVAL);
	CU_ASSERT(tg_engine_listen(h.e, &l) >= 0);
	end();
	host_defaults(&h); /* no pools: no memory, no pool */
	host_init(&h);
	CU_ASSERT_EQUAL(tg_engine_pool_add(h.e, &conf), -ENOSPC);
	CU_ASSERT_EQUAL(tg_engine_pool_count(h.e), 0);
	end();
}

static const struct tg_test tests[] = {
    {"pick_oneDown_onlyItsClientsMove", test_pick_oneDown_onlyItsClientsMove},
    {"pick_onlyOneOf64Lives_isFound", test_pick_onlyOneOf64Lives_isFound},
    {"pick_noneLives_isNone", test_pick_noneLives_isNone},
    {"pick_oneUpOneUnknown_isTheOneThatIsUp", test_pick_oneUpOneUnknown_isTheOneThatIsUp},
    {"pick_bothFamilies_keepsToTheClients", test_pick_bothFamilies_keepsToTheClients},
    {"pick_bySource_keepsAClientTogether", test_pick_bySource_keepsAClientTogether},
    {"probe_answered_isResetAndLeavesNothing", test_probe_answered_isResetAndLeavesNothing},
    {"probe_silent_isDownInTime", test_probe_silent_isDownInTime},
    {"probe_unansweredWhileFlowsMove_endsNoFlow", test_probe_unansweredWhileFlowsMove_endsNoFlow},
    {"probe_refused_endsNoFlow", test_probe_refused_endsNoFlow},
    {"probe_twoBadOnesBetweenGoodOnes_changeNothing",
     test_probe_twoBadOnesBetweenGoodOnes_changeNothing},
    {"probe_lateAnswer_isNoAnswer", test_probe_lateAnswer_isNoAnswer},
    {"probe_noRoom_isNoVerdict", test_probe_noRoom_isNoVerdict},
    {"probe_noWay_isBad", test_probe_noWay_isBad},
    {"fault_hastensTheProbe", test_fault_hastensTheProbe},
    {"promise_unknown_isWhatEveryHostTakes", test_promise_unknown_isWhatEveryHostTakes},
    {"promise_isWhatTheBackendOffered", test_promise_isWhatTheBackendOffered},
    {"promise_eachBackend_hasItsOwn", test_promise_eachBackend_hasItsOwn},
    {"promise_wscaleNarrowed_waitsForTheCookies", test_promise_wscaleNarrowed_waitsForTheCookies},
    {"set_weight0_drains", test_set_weight0_drains},
    {"set_removed_goesWithItsLastFlow", test_set_removed_goesWithItsLastFlow},
    {"set_shorterPeriod_holdsAtOnce", test_set_shorterPeriod_holdsAtOnce},
    {"set_tooMany_changesNothing", test_set_tooMany_changesNothing},
    {"add_badConf_isRefused", test_add_badConf_isRefused},
};

int main(int argc, char **argv)
{
	return tg_test_main("pool", tests, TG_TEST_N(tests), argc, argv);
}
