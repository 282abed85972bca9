/* SPDX-License-Identifier: BSD-3-Clause */
/* connect.c: active opens: source address, source port (EST-33, RFC 6056), TIME-WAIT tuples
 * (TD-27). */
#include "engine.h"

enum { RANDOM_TRIES = 32 };

static bool is_zero(const struct tg_addr *a)
{
	static const struct tg_addr zero;
	static const uint8_t zero4[4];

	return tg_addr_equal(a, &zero) || (tg_addr_is_v4(a) && memcmp(a->b + 12, zero4, 4) == 0);
}

/* From these nothing is ever taken (LN-12), and to a loopback nothing may be sent (RFC 1122
 * 3.2.1.3). */
static bool never_answers(const struct tg_addr *a)
{
	static const struct tg_addr loopback6 = {.b = {[15] = 1}};

	if (tg_addr_is_v4(a))
		return a->b[12] == 0 || a->b[12] == 127 || a->b[12] >= 240;
	return tg_addr_equal(a, &loopback6);
}

static int choose_laddr(const struct tg_engine *e, struct tg_tuple *t)
{
	struct tg_addr hop;
	uint32_t port;

	if (t->rport == 0 || is_zero(&t->raddr) || never_answers(&t->raddr) ||
	    tg_route_is_group(e->neigh, &t->raddr))
		return -EINVAL; /* MUST-46 */
	if (is_zero(&t->laddr) && !tg_route_source(e->neigh, &t->raddr, &t->laddr))
		return -ENETUNREACH;
	if (tg_addr_is_v4(&t->laddr) != tg_addr_is_v4(&t->raddr))
		return -EINVAL;
	if (!tg_route_is_ours(e->neigh, &t->laddr, &port))
		return -EADDRNOTAVAIL;
	return tg_route_find(e->neigh, &t->laddr, &t->raddr, &port, &hop) ? 0 : -ENETUNREACH;
}

/* Free, or in TIME-WAIT and fit for us (TD-27): then *h is the record. Answers to a kernel's port
 * would never come. */
static bool is_free(const struct tg_engine *e, const struct tg_tuple *t, uint64_t *hash,
		    tg_tw_handle *h)
{
	*hash = tg_tcp_tuple_hash(t, &e->secret);
	*h = TG_NONE;
	if (tg_conn_find(e, t, *hash) != TG_NONE)
		return false;
	*h = tg_tw_store_find(e->tw, *hash);
	return *h == TG_NONE ||
	       tg_tw_may_reopen(tg_tw_store_at(e->tw, *h), e->env.now_ms, 2ull * e->conf.msl_ms);
}

/* A port that is chosen must also be nobody's who listens, and its answers must come to us. */
static bool suits(struct tg_engine *e, const struct tg_tuple *t, bool fresh, uint64_t *hash,
		  tg_tw_handle *h)
{
	if (e->ops.is_mine && !e->ops.is_mine(e->ops.ctx, t))
		return false;
	return !tg_kernel_has_local(e, &t->laddr, t->lport) && is_free(e, t, hash, h) &&
	       !(fresh && *h != TG_NONE) && !tg_listen_find(e, &t->laddr, t->lport);
}

/* RFC 6056 3.3.1: at random; when that met only taken ones, the range from there on. */
static bool choose_lport(struct tg_engine *e, struct tg_tuple *t,
			 const struct tg_port_choice *choice, uint64_t *hash, tg_tw_handle *h)
{
	const uint32_t low = choice->ports.low, n = choice->ports.high - low + 1;
	const uint32_t sweep = choice->sweep < n ? choice->sweep : n;
	uint32_t at = 0;

	for (uint32_t i = 0; i < RANDOM_TRIES; i++) {
		at = tg_rng_below(&e->rng, n);
		t->lport = (uint16_t)(low + at);
		if (suits(e, t, choice->fresh, hash, h))
			return true;
	}
	for (uint32_t i = 0; i < sweep; i++) {
		at = at + 1 < n ? at + 1 : 0;
		t->lport = (uint16_t)(low + at);
		if (suits(e, t, choice->fresh, hash, h))
			return true;
	}
	return false;
}

static int get_class(struct tg_engine *e, const struct tg_tcp_conf *tcp,
		     const struct tg_service *service, void *service_ctx)
{
	struct tg_class want;

	memset(&want, 0, sizeof(want));
	want.conf = *tcp;
	want.service = service;
	want.ctx = service_ctx;
	want.listener = TG_NO_LISTENER;
	return tg_class_get(e, &want);
}

/* The old record gives way: it sleeps until the new incarnation is open (TD-24, TD-27). */
static void begin(struct tg_engine *e, uint32_t x, const struct tg_tuple *t, tg_tw_handle h)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	uint32_t conn = tcb->conn;
	uint8_t conf_idx = tcb->conf_idx;
	uint32_t word = tcb->word;
	tg_seq floor;

	tg_conn_set_mtu(e, conn);
	if (h != TG_NONE)
		floor = tg_tw_store_at(e->tw, h)->snd_nxt;
	tg_tcp_open(tcb, t, h != TG_NONE ? &floor : NULL, &e->env);
	tcb->conn = conn;
	tcb->conf_idx = conf_idx;
	tcb->word = word;
	tcb->v6 = !tg_addr_is_v4(&t->raddr);
	tcb->dormant = TG_NONE;
	if (h != TG_NONE)
		tcb->dormant = tg_tw_store_make_dormant(e->tw, h, conn, e->env.now_ms);
	tg_conn_sync(e, x);
	tg_ext_list_add(e, TG_LIST_READY, x);
}

/* UC-02. */
int tg_engine_connect(struct tg_engine *e, const struct tg_tuple *tuple,
		      const struct tg_tcp_conf *tcp, const struct tg_service *service,
		      void *service_ctx, uint32_t word, uint32_t *conn)
{
	static const struct tg_port_choice all = {.ports = {TG_PORT_LOW, TG_PORT_HIGH},
						  .sweep = UINT32_MAX};

	return tg_engine_connect_by(e, tuple, &all, tcp, service, service_ctx, word, conn);
}

int tg_engine_connect_by(struct tg_engine *e, const struct tg_tuple *tuple,
			 const struct tg_port_choice *choice, const struct tg_tcp_conf *tcp,
			 const struct tg_service *service, void *service_ctx, uint32_t word,
			 uint32_t *conn)
{
	struct tg_tuple t = *tuple;
	tg_tw_handle h;
	uint64_t hash;
	int rc = choose_laddr(e, &t);

	if (rc)
		return rc;
	if (e->draining || e->aborting || !tg_ext_room(e) ||
	    !tg_conn_room(e, !tg_addr_is_v4(&t.raddr)))
		return -ENOBUFS;
	if (t.lport == 0 ? !choose_lport(e, &t, choice, &hash, &h)
			 : tg_kernel_has_local(e, &t.laddr, t.lport) || !is_free(e, &t, &hash, &h))
		return -EADDRINUSE;
	int class_idx = get_class(e, tcp, service, service_ctx);

	if (class_idx < 0)
		return -ENOBUFS;
	uint32_t c = tg_conn_new(e, &t, hash, (uint8_t)class_idx, TG_SYN_SENT, true);

	tg_class_put(e, (uint8_t)class_idx); /* the connection holds its own reference now */
	if (c == TG_NONE)
		return -ENOBUFS;
	uint32_t x = tg_conn_extend(e, c);
	struct tg_tcb *tcb = &e->ext[x].tcb;

	tg_tcb_init(tcb, &e->class[class_idx].conf, TG_CLOSED);
	tcb->conn = c;
	tcb->conf_idx = (uint8_t)class_idx;
	tcb->word = word;
	tcb->v6 = !tg_addr_is_v4(&t.raddr);
	tcb->dormant = TG_NONE;
	begin(e, x, &t, h);
	*conn = c;
	return 0;
}

int tg_engine_way(struct tg_engine *e, const struct tg_addr *laddr, const struct tg_addr *raddr,
		  uint32_t *port, struct tg_mac *mac)
{
	struct tg_addr hop;

	if (!tg_route_find(e->neigh, laddr, raddr, port, &hop))
		return -ENETUNREACH;
	switch (tg_neigh_find(e->neigh, *port, &hop, e->env.now_ms, mac)) {
	case TG_NEIGH_OK:
		return 0;
	case TG_NEIGH_WAIT:
		return -EAGAIN;
	case TG_NEIGH_DEAD:
		break;
	}
	return -EHOSTUNREACH;
}
