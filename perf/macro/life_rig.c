/* SPDX-License-Identifier: BSD-3-Clause */
#include "life_rig.h"

#include "life_mirror.h"

#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RING_SIZE = 16384,
	POOL_SIZE = 16383,
	CACHE_SIZE = 512,
	EAL_MB = 96,
	DRAIN_S = 10,
	ROUNDS_MAX = 4096
};

void life_fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("life: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* --- the service: one answer to one request --- */

static void answer(struct tg_engine *engine, uint32_t conn, bool close)
{
	uint8_t text[LIFE_ANSWER_LEN];

	if (tg_conn_readable(engine, conn) >= LIFE_REQUEST_LEN) {
		tg_conn_consume(engine, conn, LIFE_REQUEST_LEN);
		for (uint32_t i = 0; i < sizeof(text); i++)
			text[i] = life_answer_byte(i);
		tg_conn_write(engine, conn, text, sizeof(text));
		close |= tg_conn_is_eof(engine, conn);
	} else {
		close = tg_conn_is_eof(engine, conn);
	}
	if (close)
		tg_conn_close(engine, conn);
}

static void answer_and_close(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	answer(engine, conn, true);
}

static void answer_and_wait(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	answer(engine, conn, false);
}

static const struct tg_service closer = {.name = "answer", .readable = answer_and_close};
static const struct tg_service waiter = {.name = "answer", .readable = answer_and_wait};

/* --- making --- */

uint32_t life_eal_init(uint32_t n, bool verbose)
{
	static char name[32];
	struct tg_eal_got got;
	char err[512];

	snprintf(name, sizeof(name), "life%d", (int)getpid());
	struct tg_eal_conf conf = {.name = name,
				   .worker_n = 1,
				   .memory_mb = n * (EAL_MB + tg_fabric_memory_mb(1, 1, 1500)),
				   .verbose = verbose};

	if (tg_eal_init(&conf, &got, err, sizeof(err)) != 0)
		life_fail("%s", err);
	return got.lcore[0];
}

static const char ini[] = "[engine]\nconnections = 1000\nconnections_ipv6 = 1\nmsl_ms = %u\n"
			  "[port server]\ndevice = net_ring\naddress = 192.0.2.1/24\n"
			  "gateway = 192.0.2.254\ngateway_mac = 02:00:00:00:00:02\n"
			  "[listener life]\nport = 80\nservice = %s\nbacklog = 1048576\n"
			  "synq_high = 1000000\nsynq_low = 900000\n";

void life_rig_plan(struct life_rig *r, const struct life_rig_conf *conf)
{
	struct tg_engine_conf *engine = &r->plan.engine;
	char text[1024], err[512];

	snprintf(text, sizeof(text), ini, conf->msl_ms, conf->service ? conf->service : "echo");
	if (tg_conf_parse(&r->conf, "life", text, strlen(text), err, sizeof(err)) != 0 ||
	    tg_plan_init(&r->plan, &r->conf, err, sizeof(err)) != 0)
		life_fail("%s", err);
	engine->conn_max = conf->conn_max;
	engine->ipv6_max = 1;
	engine->tw_max = conf->tw_max;
	engine->ext_max = conf->moving;
	engine->chunk_max = conf->buffer_mb * 512;
	if (!conf->service) {
		engine->service[0] = conf->close == LIFE_SERVER_CLOSES ? &closer : &waiter;
		r->plan.listener[0].service = engine->service[0];
	}
	r->plan.engine_bytes = tg_engine_footprint(engine);
}

struct rte_ring *life_ring(const char *rig, const char *name)
{
	char text[RTE_RING_NAMESIZE];

	snprintf(text, sizeof(text), "%s-%s", rig, name);
	struct rte_ring *ring =
	    rte_ring_create(text, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	if (!ring)
		life_fail("no ring: %s", rte_strerror(rte_errno));
	return ring;
}

void life_host_init(struct tg_host *h, const char *name, const struct tg_plan *plan,
		    const struct tg_mac *mac, struct rte_ring *rx, struct rte_ring *tx)
{
	struct tg_dev_conf want = {.name = name,
				   .device = "net_ring",
				   .has_mac = true,
				   .mac = *mac,
				   .mtu = 1500,
				   .worker_n = 1};
	struct tg_dev dev;
	char err[512];
	int id = rte_eth_from_rings(name, &rx, 1, &tx, 1, 0);

	if (id < 0)
		life_fail("no net_ring device: %s", tg_eal_log_error());
	if (tg_dev_adopt(&dev, &want, (uint16_t)id, err, sizeof(err)) != 0 ||
	    tg_host_make(h, name, plan, &dev, false, err, sizeof(err)) != 0)
		life_fail("%s", err);
}

void life_rig_init(struct life_rig *r, const struct life_rig_conf *conf)
{
	char text[RTE_MEMPOOL_NAMESIZE];

	r->to_server = life_ring(conf->name, "to-server");
	r->to_client = life_ring(conf->name, "to-client");
	snprintf(text, sizeof(text), "%s-clients", conf->name);
	r->pool = rte_pktmbuf_pool_create(text, POOL_SIZE, CACHE_SIZE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					  SOCKET_ID_ANY);
	if (!r->pool)
		life_fail("no buffers: %s", rte_strerror(rte_errno));
	life_host_init(&r->host, conf->name, &r->plan, &life_server_mac, r->to_server,
		       r->to_client);
	r->gen = calloc(1, sizeof(*r->gen));
	if (!r->gen)
		life_fail("no memory");
	life_gen_init(r->gen, r->pool, r->to_server, r->to_client);
	r->gen->close = conf->close;
	r->gen->packets = conf->packets;
}

static void empty(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	while (rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

void life_rig_fini(struct life_rig *r)
{
	life_gen_fini(r->gen);
	free(r->gen);
	tg_host_empty(&r->host);
	empty(r->to_server);
	empty(r->to_client);
	tg_host_fini(&r->host);
	tg_plan_fini(&r->plan);
	tg_conf_free(&r->conf);
}

/* --- turns --- */

static void add_round(struct life_rig *r, uint64_t cycles)
{
	if (likely(cycles < rte_get_tsc_hz() / 1000 * LIFE_LOST_MS)) {
		r->busy += cycles;
		return;
	}
	r->lost += cycles;
	r->lost_n++;
}

static void mirror(struct life_rig *r)
{
	do {
		uint64_t before = rte_rdtsc();

		life_mirror_round(r->host.dev[0].id);
		add_round(r, rte_rdtsc() - before);
	} while (!rte_ring_empty(r->to_server));
}

/* One round at least: timers are due, too, when nothing comes. What waited for room in a burst goes
 * on its way in the rounds behind. */
void life_rig_serve(struct life_rig *r)
{
	struct tg_worker *w = life_worker(r);
	uint32_t moved, rounds = 0;

	do {
		uint64_t before = rte_rdtsc();

		moved = tg_worker_step(w);
		if (moved)
			add_round(r, rte_rdtsc() - before);
	} while (moved && ++rounds < ROUNDS_MAX);
}

void life_rig_turn(struct life_rig *r, uint32_t open)
{
	struct life_gen *g = r->gen;

	g->now_ms = tg_clock_now(&life_worker(r)->clock) / TG_NS_PER_MS;
	life_gen_turn(g, open);
	if (g->faults)
		life_fail("%s (%" PRIu64 " such)", g->fault, g->faults);
	if (g->is_mirrored)
		mirror(r);
	else
		life_rig_serve(r);
}

void life_rig_drain(struct life_rig *r)
{
	uint64_t end = rte_rdtsc() + DRAIN_S * rte_get_tsc_hz();

	while (r->gen->alive || !rte_ring_empty(r->to_client) || !rte_ring_empty(r->to_server)) {
		life_rig_turn(r, 0);
		if (rte_rdtsc() > end)
			life_fail("%u connections do not end: the server is silent in step %u",
				  r->gen->alive,
				  r->gen->slot[(r->gen->next - 1) % LIFE_SLOTS].stage);
	}
}

void life_rig_hold(struct life_rig *r, uint32_t n, uint32_t batch)
{
	struct life_gen *g = r->gen;

	g->held = n;
	while (g->next < n)
		life_rig_turn(r, n - g->next < batch ? n - g->next : batch);
	life_rig_drain(r);
	g->over = 0;
	life_rig_check(r);
}

/* --- what must hold --- */

void life_rig_check(struct life_rig *r)
{
	static const enum tg_ctr never[] = {TG_CTR_tw_evicted, TG_CTR_cookie_sent, TG_CTR_conn_full,
					    TG_CTR_ext_wait};
	struct tg_engine *engine = life_worker(r)->engine;
	const struct tg_counters *c = tg_engine_counters(engine);
	struct tg_engine_stats stats;

	tg_engine_stats(engine, &stats);
	if (stats.state[TG_ESTABLISHED] != r->gen->held || stats.conn_count != r->gen->held)
		life_fail("the server holds %u connections, %u of them open: not %u",
			  stats.conn_count, stats.state[TG_ESTABLISHED], r->gen->held);
	for (uint32_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (c->v[never[i]])
			life_fail("the server counts %s %" PRIu64 " times",
				  tg_ctr_info[never[i]].name, c->v[never[i]]);
	if (tg_io_stats(life_worker(r)->io)->tx_dropped[0])
		life_fail("the device dropped what the server sent");
}
