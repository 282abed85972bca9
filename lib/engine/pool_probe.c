/* SPDX-License-Identifier: BSD-3-Clause */
/* pool_probe.c: who of the backends lives, and what they offer.
 *
 * A probe is an active open like any other, from an address and a port of ours. When the SYN-ACK is
 * there the connection's block says what it offered, and the connection is aborted: its RST ends
 * the backend's half-open entry, so no probe ever wakes an application or leaves a record behind.
 *
 *   probe_ms                next_ms                                      next_ms
 *      |<-- check_timeout_ms -->| given up: bad, and the next begins          |
 *      |<-- SYN-ACK or RST -->| |<-------- check_ms from probe_ms ----------->|
 *
 * While the last answer contradicts the state, the next probe comes after a quarter of check_ms. A
 * probe for which there is no room here says nothing about the backend. */
#include "pool_int.h"

enum answer { NO_ANSWER, REFUSED, GOOD_ANSWER };
enum { HASTE = 4 }; /* of check_ms, between probes that ask whether a state has changed */

/* What probes offer: all that a client may; nothing that slows or shapes the answer. */
static const struct tg_tcp_conf probe_conf = {
    .timestamps = true,
    .sack = true,
    .nodelay = true,
    .window_scale = 7,
    .congestion = TG_CC_CUBIC,
    .synack_retries = 1,
    .keepalive_count = 1,
    .mss_min = 48,
    .ttl = 64,
    .rcvbuf = 65536,
    .sndbuf = 65536,
    .rto_min_ms = 200,
    .keepalive_idle_ms = 60000,
    .keepalive_interval_ms = 60000,
    .fin_wait_2_ms = 1000,
    .linger_ms = -1,
};

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void change_state(struct tg_engine *e, int pool, uint8_t i, enum tg_backend_state state)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_backend *b = &p->backend[i];

	if (b->state == state)
		return;
	b->state = (uint8_t)state;
	b->since_ms = e->env.now_ms;
	tg_pool_mark(p, i);
	tg_ctr_inc(&e->ctr, state == TG_BACKEND_UP ? TG_CTR_backend_up : TG_CTR_backend_down);
}

/* Whoever is spliced to a host that is gone is told now: its own timers would take minutes. But a
 * probe that is lost in a crowd is no proof while segments come, and a host that refuses probes
 * (its listener is closed) answers for its old connections itself. */
static void judge_silence(struct tg_engine *e, int pool, uint8_t i, enum answer answer)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_backend *b = &p->backend[i];

	if (answer != NO_ANSWER || b->heard_ms >= b->probe_ms) {
		b->silent_n = 0;
		return;
	}
	b->silent_n = (uint8_t)(b->silent_n + (b->silent_n < UINT8_MAX));
	if (b->silent_n == p->conf.fall && e->pools->on_down)
		e->pools->on_down(e, pool, i);
}

/* With the answer it is known when the next probe is due. */
static void judge(struct tg_engine *e, int pool, uint8_t i, enum answer answer)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_backend *b = &p->backend[i];
	bool good = answer == GOOD_ANSWER;

	b->probe = TG_NONE;
	b->probes++;
	b->failed += !good;
	b->good_n = good ? (uint8_t)(b->good_n + (b->good_n < UINT8_MAX)) : 0;
	b->bad_n = good ? 0 : (uint8_t)(b->bad_n + (b->bad_n < UINT8_MAX));
	if (!good)
		tg_ctr_inc(&e->ctr, TG_CTR_probe_failed);
	if (good && (b->state == TG_BACKEND_UNKNOWN || b->good_n >= p->conf.rise))
		change_state(e, pool, i, TG_BACKEND_UP);
	if (!good && b->bad_n >= p->conf.fall)
		change_state(e, pool, i, TG_BACKEND_DOWN);
	judge_silence(e, pool, i, answer);
	bool settled = b->state == (good ? TG_BACKEND_UP : TG_BACKEND_DOWN);
	uint64_t next = b->probe_ms + p->conf.check_ms / (settled ? 1 : HASTE);

	b->next_ms = next > e->env.now_ms ? next : e->env.now_ms + 1;
	e->pools->next_ms = min64(e->pools->next_ms, b->next_ms);
}

static bool is_other(const struct tg_profile *a, const struct tg_profile *b)
{
	return a->sack != b->sack || a->ts != b->ts || a->wscale != b->wscale || a->mss != b->mss;
}

/* SP-04: its SYN-ACK, in the block of the probe. */
static void learn(struct tg_engine *e, int pool, uint8_t i, const struct tg_tcb *tcb)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_profile *known = &p->backend[i].profile;
	struct tg_profile now = {
	    .known = true,
	    .sack = tcb->sack_on,
	    .ts = tcb->ts_on,
	    .wscale = tcb->ws_on ? tcb->snd_scale : TG_NO_WSCALE,
	    .mss = tcb->snd.mss,
	};

	if (known->known && is_other(known, &now))
		tg_ctr_inc(&e->ctr, TG_CTR_backend_changed);
	p->gen += !known->known || is_other(known, &now);
	*known = now;
	tg_pool_follow_wscale(p, e->env.now_ms);
}

/* --- the service that a probe is --- */

/* The backend whose probe conn is; false: it is nobody's any more. */
static bool find_backend(const struct tg_engine *e, uint32_t conn, int *pool, uint8_t *i)
{
	uint32_t word = tg_conn_word(e, conn);

	*pool = (int)(word >> 8);
	*i = (uint8_t)word;
	return e->pools->pool[*pool].backend[*i].probe == conn;
}

static void on_opened(void *ctx, struct tg_engine *e, uint32_t conn)
{
	const struct tg_tcb *tcb = tg_engine_tcb(e, conn);
	uint8_t i;
	int pool;

	(void)ctx;
	if (find_backend(e, conn, &pool, &i)) {
		if (tcb)
			learn(e, pool, i, tcb);
		judge(e, pool, i, GOOD_ANSWER);
	}
	tg_conn_abort(e, conn);
}

static void on_closed(void *ctx, struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	uint8_t i;
	int pool;

	(void)ctx;
	if (find_backend(e, conn, &pool, &i))
		judge(e, pool, i, reason == TG_CLOSE_REFUSED ? REFUSED : NO_ANSWER);
}

static const struct tg_service probe_service = {
    .name = "probe",
    .about = "asks a backend whether it answers",
    .opened = on_opened,
    .closed = on_closed,
};

void tg_pool_stop_probe(struct tg_engine *e, struct tg_backend *b)
{
	uint32_t conn = b->probe;

	b->probe = TG_NONE;
	if (conn != TG_NONE)
		tg_conn_abort(e, conn);
}

/* --- time --- */

static void begin_probe(struct tg_engine *e, int pool, uint8_t i)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_backend *b = &p->backend[i];
	struct tg_tuple t = {.raddr = p->at[i].addr, .rport = p->at[i].port};
	uint32_t conn;

	if (tg_addr_is_v4(&t.raddr))
		t.laddr = tg_addr_from_v4((const uint8_t[4]){0});
	int rc = tg_engine_connect(e, &t, &probe_conf, &probe_service, e->pools,
				   (uint32_t)pool << 8 | i, &conn);

	b->probe_ms = e->env.now_ms;
	if (rc == 0) {
		b->probe = conn;
		b->next_ms = e->env.now_ms + p->conf.check_timeout_ms;
		tg_ctr_inc(&e->ctr, TG_CTR_probe_sent);
	} else if (rc == -ENOBUFS || rc == -EADDRINUSE) {
		tg_ctr_inc(&e->ctr, TG_CTR_probe_no_room);
		b->next_ms = e->env.now_ms + p->conf.check_ms / HASTE;
	} else {
		judge(e, pool, i, NO_ANSWER); /* there is no way to it */
	}
}

static void look_at(struct tg_engine *e, int pool, uint8_t i)
{
	struct tg_backend *b = &e->pools->pool[pool].backend[i];

	if (b->probe != TG_NONE) {
		tg_pool_stop_probe(e, b);
		judge(e, pool, i, NO_ANSWER);
	} else {
		begin_probe(e, pool, i);
	}
}

/* An engine that ends asks nobody any more. */
static void stop_all(struct tg_engine *e)
{
	for (uint32_t n = 0; n < e->pools->n; n++)
		for (uint8_t i = 0; i < TG_BACKEND_MAX; i++)
			tg_pool_stop_probe(e, &e->pools->pool[n].backend[i]);
	e->pools->next_ms = UINT64_MAX;
}

void tg_pools_tick(struct tg_engine *e)
{
	uint64_t next = UINT64_MAX;

	if (!e->pools || e->pools->next_ms > e->env.now_ms)
		return;
	if (e->draining || e->aborting) {
		stop_all(e);
		return;
	}
	for (uint32_t n = 0; n < e->pools->n; n++) {
		struct tg_pool *p = &e->pools->pool[n];
		for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
			if (!(p->is.used >> i & 1))
				continue;
			if (p->backend[i].next_ms <= e->env.now_ms)
				look_at(e, (int)n, i);
			next = min64(next, p->backend[i].next_ms);
		}
	}
	e->pools->next_ms = next;
}

uint64_t tg_pools_next(const struct tg_engine *e)
{
	return e->pools ? e->pools->next_ms : UINT64_MAX;
}

void tg_pools_set_on_down(struct tg_engine *e, tg_pool_down_fn on_down)
{
	if (e->pools)
		e->pools->on_down = on_down;
}

void tg_pool_fault(struct tg_engine *e, int pool, uint8_t backend)
{
	struct tg_pool *p = &e->pools->pool[pool];
	struct tg_backend *b = &p->backend[backend];

	assert(tg_pool_is_valid(e, pool) && backend < TG_BACKEND_MAX && b->used);
	if (b->probe != TG_NONE)
		return;
	uint64_t soon = b->probe_ms + p->conf.check_ms / HASTE;

	soon = soon > e->env.now_ms ? soon : e->env.now_ms + 1;
	b->next_ms = min64(b->next_ms, soon);
	e->pools->next_ms = min64(e->pools->next_ms, b->next_ms);
}
