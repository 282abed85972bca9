/* SPDX-License-Identifier: BSD-3-Clause */
/* engine.c: memory, start and end, and what frames each call. */
#include "engine.h"
#include "rate.h"
#include "pool.h"
#include "source.h"
#include "splice.h"
#include "used.h"
#include <stdio.h>

/* --- memory: one walk serves the footprint, the plan and the start --- */

enum part_id {
	PART_ENGINE,
	PART_CONN,
	PART_CONN6,
	PART_EXT,
	PART_CHUNK,
	PART_TABLE,
	PART_TW,
	PART_NEIGH,
	PART_BUDGET,
	PART_ECHO,
	PART_PATHS,
	PART_BITS,
	PART_RST,
	PART_MARK,
	PART_SOURCE,
	PART_USED,
	PART_RATE,
	PART_POOLS,
	PART_SPLICES,
	PART_SERVICE,
	PART_N
};

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static size_t bits_bytes(uint32_t n)
{
	return ((size_t)n + 63) / 64 * sizeof(uint64_t);
}

static uint32_t rst_count(const struct tg_engine_conf *c)
{
	return c->conn_max < TG_RST_RING_MAX ? c->conn_max : TG_RST_RING_MAX;
}

static size_t service_bytes(const struct tg_engine_conf *c, uint32_t i)
{
	const struct tg_service *s = c->service[i];

	return s->footprint ? round64(s->footprint(c->conn_max)) : 0;
}

/* A splice stands in it twice. */
static uint32_t table_max(const struct tg_engine_conf *c)
{
	return c->conn_max + 2 * c->splice_max;
}

/* Who is counted by source: connections and splices. */
static uint32_t counted_max(const struct tg_engine_conf *c)
{
	return c->conn_max + c->splice_max;
}

static void lay_out(const struct tg_engine_conf *c, struct tg_engine_part part[PART_N])
{
	const struct tg_engine_part parts[PART_N] = {
	    [PART_ENGINE] = {"engine", sizeof(struct tg_engine), 1},
	    [PART_CONN] = {"connections at rest", (size_t)c->conn_max * sizeof(struct tg_conn),
			   c->conn_max},
	    [PART_CONN6] = {"IPv6 addresses", (size_t)c->ipv6_max * sizeof(struct tg_conn6),
			    c->ipv6_max},
	    [PART_EXT] = {"connections that move", (size_t)c->ext_max * sizeof(struct tg_ext),
			  c->ext_max},
	    [PART_CHUNK] = {"buffers", (size_t)c->chunk_max * TG_CHUNK_LEN, c->chunk_max},
	    [PART_TABLE] = {"connection table", tg_table_footprint(table_max(c)), table_max(c)},
	    [PART_TW] = {"TIME-WAIT records", tg_tw_store_footprint(c->tw_max), c->tw_max},
	    [PART_NEIGH] = {"neighbours", tg_neigh_footprint(c), c->neigh_max},
	    [PART_BUDGET] = {"reply budgets", tg_budget_footprint(), 1},
	    [PART_ECHO] = {"echo budgets", tg_budget_footprint(), 1},
	    [PART_PATHS] = {"path MTUs", tg_paths_footprint(), TG_PATH_SETS * TG_PATH_WAYS},
	    [PART_BITS] = {"waiting marks", 3 * bits_bytes(c->conn_max), c->conn_max},
	    [PART_RST] = {"waiting resets", rst_count(c) * sizeof(struct tg_rst), rst_count(c)},
	    [PART_MARK] = {"validation marks", bits_bytes(c->chunk_max), c->chunk_max},
	    [PART_SOURCE] = {"sources", c->source_max ? tg_sources_footprint(counted_max(c)) : 0,
			     c->source_max ? counted_max(c) : 0},
	    [PART_POOLS] = {"pools of backends", tg_pools_footprint(c), c->pool_max},
	    [PART_SPLICES] = {"splices", tg_splices_footprint(c), c->splice_max},
	    [PART_RATE] = {"source rates", c->source_rate ? tg_rates_footprint(c->conn_max) : 0,
			   c->source_rate ? 1 : 0},
	    [PART_USED] = {"used cookies", tg_used_footprint(c->conn_max), 1},
	    [PART_SERVICE] = {"services", 0, c->service_n},
	};

	memcpy(part, parts, sizeof(parts));
	for (uint32_t i = 0; i < c->service_n; i++)
		part[PART_SERVICE].bytes += service_bytes(c, i);
	for (int i = 0; i < PART_N; i++)
		part[i].bytes = round64(part[i].bytes);
}

size_t tg_engine_footprint(const struct tg_engine_conf *conf)
{
	struct tg_engine_part part[PART_N];
	size_t sum = 0;

	lay_out(conf, part);
	for (int i = 0; i < PART_N; i++)
		sum += part[i].bytes;
	return sum;
}

uint32_t tg_engine_plan(const struct tg_engine_conf *conf, struct tg_engine_part out[],
			uint32_t max)
{
	struct tg_engine_part part[PART_N];
	uint32_t n = max < PART_N ? max : PART_N;

	lay_out(conf, part);
	memcpy(out, part, n * sizeof(part[0]));
	return n;
}

/* --- start --- */

static const char *port_fault(const struct tg_port_conf *p)
{
	bool v6 = false;

	if (p->addr_n > TG_PORT_ADDR_MAX)
		return "a port has more than 16 addresses";
	if (p->own_n > TG_PORT_OWN_MAX)
		return "a port has more than 16 networks of its own";
	for (uint32_t i = 0; i < p->addr_n; i++)
		v6 |= !tg_addr_is_v4(&p->addr[i].addr);
	if (p->mtu < (v6 ? 1280 : 576) || p->mtu > 9600)
		return "a port's mtu must be 576 to 9600, with IPv6 1280 at least";
	if (p->tso_max > TG_TSO_MAX || (p->tso_max && !p->tx_tcp_csum))
		return "a port that cuts frames must compute checksums, and take 65535 bytes at "
		       "most";
	if (p->vlan > 4094)
		return "a port's vlan must be 0 to 4094";
	return NULL;
}

static const char *conf_fault(const struct tg_engine_conf *c, const struct tg_engine_ops *ops)
{
	const char *fault = NULL;

	if (!ops->alloc_bulk || !ops->free_bulk)
		return "the carrier gives no buffers";
	if (c->port_n == 0 || c->port_n > TG_PORT_MAX)
		return "there must be 1 to 16 ports";
	if (c->conn_max == 0 || c->conn_max >= 1u << 31)
		return "connections must be 1 to 2147483647";
	if (c->ipv6_max > c->conn_max)
		return "there can be no more IPv6 connections than connections";
	if (c->tw_max == 0 || c->ext_max == 0 || c->chunk_max == 0 || c->timer_budget == 0)
		return "TIME-WAIT records, moving connections, buffers and the timer budget must "
		       "be 1 "
		       "at least";
	if (c->splice_max > 1u << 29)
		return "there must be at most 536870912 splices";
	if (c->splice_idle_ms > TG_SPLICE_IDLE_DAYS * 86400000ull)
		return "a splice may be idle for 40 days at most";
	if (c->pool_max > TG_POOL_MAX)
		return "there must be at most 32 pools";
	if (c->fleet_skew_ms > TG_COOKIE_SKEW_MAX_MS)
		return "the clocks of a fleet may differ by 30000 ms at most";
	if (c->source_rate > 1000000 || (c->source_rate && c->source_burst == 0))
		return "a source's rate must be 1000000 at most, and its burst 1 at least";
	if (c->service_n > TG_SERVICE_MAX)
		return "there must be at most 16 services";
	for (uint32_t i = 0; i < c->port_n && !fault; i++) {
		fault = port_fault(&c->port[i]);
		if (c->port[i].kernel && c->port[i].kernel < c->port_n)
			fault = "the kernel behind a port cannot be a port of the engine";
		if (c->port[i].is_shared &&
		    (c->port[i].shares >= i || c->port[c->port[i].shares].is_shared))
			fault = "a port must share the device of one before it, which is its own";
	}
	return fault;
}

static void draw_keys(struct tg_engine *e)
{
	tg_rng_init(&e->rng, e->conf.seed);
	e->secret.isn = tg_rng_key(&e->rng);
	e->secret.ts = tg_rng_key(&e->rng);
	tg_cookies_init(e);
	e->secret.tuple = tg_rng_key(&e->rng);
	e->flow_key = tg_rng_key(&e->rng);
}

/* The last thing that is drawn for a start. What the generator gives from here on is seen: as
 * identifiers of packets, as ports. So it goes on from a hash of where it was: nobody can run it
 * back to the keys. */
static void begin_anew(struct tg_engine *e)
{
	struct tg_sipkey key = tg_rng_key(&e->rng);

	for (uint64_t i = 0; i < 4; i++)
		e->rng.s[i] = tg_siphash24(&key, &i, sizeof(i));
}

static void init_env(struct tg_engine *e, uint64_t now_ns)
{
	e->env = (struct tg_tcp_env){
	    .secret = &e->secret,
	    .cookie = &e->cookie,
	    .ctr = &e->ctr,
	    .chunks = &e->chunks,
	    .rng = &e->rng,
	    .challenge_ms = e->conf.challenge_ms,
	    .msl_ms = e->conf.msl_ms,
	    .mtu = e->conf.port[0].mtu,
	    .pmtu_min_v4 = e->conf.pmtu_min_v4,
	};
	tg_engine_clock(e, now_ns);
	for (uint32_t i = 0; i < e->conf.port_n; i++) {
		e->mtu_mixed |= e->conf.port[i].mtu != e->conf.port[0].mtu;
		e->has_kernel |= e->conf.port[i].kernel != 0;
		uint32_t frame = (uint32_t)e->conf.port[i].mtu + TG_ETH_LEN + TG_VLAN_LEN;
		e->spare_cap = frame > e->spare_cap ? frame : e->spare_cap;
	}
	e->last_dst_port = TG_NONE;
}

static void init_lists(struct tg_engine *e)
{
	e->conn_free = e->conn6_free = e->ext_free = e->grave = TG_NONE;
	e->turn.conn = TG_NONE;
	for (uint32_t i = 0; i < TG_LIST_N; i++)
		e->list[i] = (struct tg_ext_list){.head = TG_NONE, .tail = TG_NONE};
	for (uint32_t i = 0; i < TG_LISTEN_HEADS; i++)
		e->listen_head[i] = -1;
}

static void init_services(struct tg_engine *e, uint8_t *mem)
{
	for (uint32_t i = 0; i < e->conf.service_n; i++) {
		const struct tg_service *s = e->conf.service[i];
		if (s->init)
			e->service_ctx[i] = s->init(mem, e->conf.conn_max, tg_rng_next(&e->rng));
		mem += service_bytes(&e->conf, i);
	}
}

static void init_parts(struct tg_engine *e, uint8_t *at[PART_N])
{
	uint64_t tick = e->env.now_ns / TG_NS_PER_MS;
	uint32_t word_n = (e->conf.conn_max + 63) / 64;

	e->conn = (struct tg_conn *)at[PART_CONN];
	e->conn6 = (struct tg_conn6 *)at[PART_CONN6];
	e->ext = (struct tg_ext *)at[PART_EXT];
	tg_chunks_init(&e->chunks, at[PART_CHUNK], e->conf.chunk_max);
	tg_table_init(&e->table, at[PART_TABLE], table_max(&e->conf));
	tg_wheel_init(&e->wheel, at[PART_CONN] + offsetof(struct tg_conn, timer),
		      sizeof(struct tg_conn), e->conf.conn_max, tick);
	e->tw = tg_tw_store_init(at[PART_TW], e->conf.tw_max, tick, &e->ctr);
	e->neigh = tg_neigh_init(at[PART_NEIGH], &e->conf, &e->rng, e->env.now_ms);
	e->budget = tg_budget_init(at[PART_BUDGET], e->conf.rst_rate, &e->rng, e->env.now_ms);
	e->echo_budget = tg_budget_init(at[PART_ECHO], TG_ECHO_RATE, &e->rng, e->env.now_ms);
	e->paths = tg_paths_init(at[PART_PATHS], &e->rng);
	e->write_wait = (struct tg_bits){.word = (uint64_t *)at[PART_BITS], .word_n = word_n};
	e->close_wait =
	    (struct tg_bits){.word = (uint64_t *)at[PART_BITS] + word_n, .word_n = word_n};
	e->zwin.seen =
	    (struct tg_bits){.word = (uint64_t *)at[PART_BITS] + 2 * word_n, .word_n = word_n};
	if (e->conf.source_max)
		e->sources =
		    tg_sources_init(at[PART_SOURCE], counted_max(&e->conf), &e->secret.tuple);
	e->pools = tg_pools_init(at[PART_POOLS], &e->conf);
	e->splices = tg_splices_init(e, at[PART_SPLICES]);
	if (e->conf.source_rate) {
		struct tg_sipkey key = tg_rng_key(&e->rng);
		e->rates = tg_rates_init(at[PART_RATE], e->conf.conn_max, e->conf.source_rate,
					 e->conf.source_burst, &key, &e->ctr);
	}
	e->used = tg_used_init(at[PART_USED], e->conf.conn_max);
	e->rst = (struct tg_rst *)at[PART_RST];
	e->rst_cap = rst_count(&e->conf);
	e->mark = (uint64_t *)at[PART_MARK];
	init_services(e, at[PART_SERVICE]);
}

struct tg_engine *tg_engine_init(void *mem, const struct tg_engine_conf *conf,
				 const struct tg_engine_ops *ops, uint64_t now_ns, char *err,
				 size_t err_size)
{
	const char *fault = conf_fault(conf, ops);
	struct tg_engine_part part[PART_N];
	uint8_t *at[PART_N], *p = mem;
	struct tg_engine *e = mem;

	if (fault) {
		snprintf(err, err_size, "%s", fault);
		return NULL;
	}
	assert(((uintptr_t)mem & 63) == 0);
	lay_out(conf, part);
	for (int i = 0; i < PART_N; i++) {
		at[i] = p;
		p += part[i].bytes;
	}
	e->conf = *conf;
	e->ops = *ops;
	e->out.ops = &e->ops;
	e->out.ctr = &e->ctr;
	draw_keys(e);
	init_env(e, now_ns);
	init_lists(e);
	init_parts(e, at);
	begin_anew(e);
	return e;
}

void tg_engine_fini(struct tg_engine *e)
{
	tg_neigh_fini(e->neigh, &e->out);
	tg_splices_fini(e);
	if (e->large.data)
		e->ops.free_bulk(e->ops.ctx, &e->large, 1);
	e->large.data = NULL;
	if (e->out.spare_n)
		e->ops.free_bulk(e->ops.ctx, e->out.spare, e->out.spare_n);
	e->out.spare_n = 0;
}

/* --- a call --- */

/* Milliseconds are rounded up: a deadline that is reckoned from them is never early (TO-05). */
void tg_engine_clock(struct tg_engine *e, uint64_t now_ns)
{
	if (now_ns < e->env.now_ns)
		return;
	e->env.now_ns = now_ns;
	e->env.now_ms = (now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
	tg_cookies_clock(e);
}

void tg_engine_begin(struct tg_engine *e, struct tg_pkt out[], uint32_t max)
{
	assert(e->busy == 0);
	e->out.pkt = out;
	e->out.n = 0;
	e->out.max = max;
	e->drop_n = 0;
	tg_tx_doubt(e);
}

uint32_t tg_engine_end(struct tg_engine *e)
{
	tg_ctr_add(&e->ctr, TG_CTR_tx_deferred, e->list[TG_LIST_READY].n);
	if (e->drop_n)
		e->ops.free_bulk(e->ops.ctx, e->drop, e->drop_n);
	e->drop_n = 0;
	e->out.max = 0; /* between calls nothing can be sent */
	return e->out.n;
}

void tg_engine_link(struct tg_engine *e, uint32_t port, bool up)
{
	if (port < e->conf.port_n)
		tg_neigh_link(e->neigh, port, up, e->env.now_ms, &e->out);
}

/* TD-32: no new connections, and FIN for what rests. */
void tg_engine_drain(struct tg_engine *e)
{
	e->draining = true;
	e->scan_done = false;
	e->scan = 0;
}

/* RST-C for what is left: the RSTs want room, so they go out in the calls that follow. */
void tg_engine_abort_all(struct tg_engine *e)
{
	e->aborting = true;
	e->scan_done = false;
	e->scan = 0;
}
