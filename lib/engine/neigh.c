/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh.c: the neighbour table: states, ageing, queues. What goes over the wire is neigh_arp.c's
 * and neigh_nd.c's. */
#include "neigh_table.h"
#include "tg_rng.h"
#include "tg_siphash.h"

#include <assert.h>

static uint32_t bucket_n(uint32_t entry_n)
{
	uint32_t n = 16;

	while (n < entry_n)
		n *= 2;
	return n;
}

static uint32_t gateway_count(const struct tg_engine_conf *conf)
{
	uint32_t n = 0;

	for (uint32_t p = 0; p < conf->port_n; p++)
		n += conf->port[p].has_gateway4 + conf->port[p].has_gateway6;
	return n;
}

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

size_t tg_neigh_footprint(const struct tg_engine_conf *conf)
{
	uint32_t entry_n = conf->neigh_max + gateway_count(conf);

	return round64(sizeof(struct tg_neigh)) +
	       round64((size_t)entry_n * sizeof(struct tg_neigh_entry)) +
	       round64((size_t)bucket_n(entry_n) * sizeof(uint32_t));
}

/* --- chains --- */

static uint32_t bucket_of(const struct tg_neigh *n, uint32_t port, const struct tg_addr *addr)
{
	uint8_t key[20];

	memcpy(key, addr->b, 16);
	tg_be32_put(key + 16, port);
	return (uint32_t)tg_siphash13(&n->key, key, sizeof(key)) & n->bucket_mask;
}

static uint32_t index_of(const struct tg_neigh *n, const struct tg_neigh_entry *e)
{
	return (uint32_t)(e - n->entry);
}

struct tg_neigh_entry *tg_neigh_lookup(const struct tg_neigh *n, uint32_t port,
				       const struct tg_addr *addr)
{
	uint32_t i = n->bucket[bucket_of(n, port, addr)];

	while (i) {
		struct tg_neigh_entry *e = &n->entry[i - 1];
		if (e->port == port && tg_addr_equal(&e->addr, addr))
			return e;
		i = e->chain;
	}
	return NULL;
}

static void chain_in(struct tg_neigh *n, struct tg_neigh_entry *e)
{
	uint32_t *head = &n->bucket[bucket_of(n, e->port, &e->addr)];

	e->chain = *head;
	*head = index_of(n, e) + 1;
	n->count++;
}

static void chain_out(struct tg_neigh *n, struct tg_neigh_entry *e)
{
	uint32_t *at = &n->bucket[bucket_of(n, e->port, &e->addr)];

	while (*at != index_of(n, e) + 1)
		at = &n->entry[*at - 1].chain;
	*at = e->chain;
	n->count--;
}

/* --- queues --- */

static void queue_leave(struct tg_neigh *n, struct tg_neigh_entry *e)
{
	struct tg_neigh_queue *q = &n->queue[e->queue];

	if (e->queue == TG_NEIGH_QUEUE_NONE)
		return;
	if (e->prev == TG_NONE)
		q->head = e->next;
	else
		n->entry[e->prev].next = e->next;
	if (e->next == TG_NONE)
		q->tail = e->prev;
	else
		n->entry[e->next].prev = e->prev;
	e->queue = TG_NEIGH_QUEUE_NONE;
}

static void queue_join(struct tg_neigh *n, struct tg_neigh_entry *e, uint8_t queue)
{
	struct tg_neigh_queue *q = &n->queue[queue];

	queue_leave(n, e);
	e->queue = queue;
	e->prev = q->tail;
	e->next = TG_NONE;
	if (q->tail == TG_NONE)
		q->head = index_of(n, e);
	else
		n->entry[q->tail].next = index_of(n, e);
	q->tail = index_of(n, e);
}

/* --- held packets --- */

static void held_free(struct tg_neigh *n, struct tg_neigh_entry *e, enum tg_ctr why,
		      struct tg_out *out)
{
	if (!e->has_held)
		return;
	e->has_held = false;
	n->held--;
	tg_ctr_inc(out->ctr, why);
	tg_out_free(out, &e->held);
}

/* Sends what waited for e; without room it waits in the queue `now`. */
static void held_release(struct tg_neigh *n, struct tg_neigh_entry *e, struct tg_out *out)
{
	if (!e->has_held)
		return;
	if (tg_out_room(out) == 0) {
		queue_join(n, e, TG_NEIGH_QUEUE_NOW);
		return;
	}
	memcpy(e->held.data, e->mac.b, sizeof(e->mac.b));
	tg_out_put(out, &e->held);
	e->has_held = false;
	n->held--;
}

/* --- entries --- */

static void entry_free(struct tg_neigh *n, struct tg_neigh_entry *e)
{
	assert(!e->gateway && !e->has_held);
	queue_leave(n, e);
	chain_out(n, e);
	e->state = TG_NEIGH_FREE;
	e->chain = n->free_head;
	n->free_head = index_of(n, e) + 1;
}

/* How readily e gives way to another; 0 = not. What was asked for within the last second stays, so
 * that a scan cannot make us ask for one target more than once a second; what is in use stays
 * too. Nothing that may go holds a packet. */
static uint32_t victim_rank(const struct tg_neigh_entry *e, uint64_t now_ms)
{
	if (e->gateway || e->has_held)
		return 0;
	switch ((enum tg_neigh_state)e->state) {
	case TG_NEIGH_FAILED:
		return 3; /* the last request was a second before it failed */
	case TG_NEIGH_HEARD:
		return 2;
	case TG_NEIGH_REACHABLE:
		return now_ms - e->confirmed_ms >= TG_NEIGH_REACHABLE_MS ? 1 : 0;
	case TG_NEIGH_FREE:
	case TG_NEIGH_UNKNOWN:
	case TG_NEIGH_INCOMPLETE:
	case TG_NEIGH_PROBE:
		return 0;
	}
	return 0;
}

static struct tg_neigh_entry *entry_evict(struct tg_neigh *n, uint64_t now_ms)
{
	struct tg_neigh_entry *victim = NULL;
	uint32_t best = 0;

	for (uint32_t looked = 0; looked < TG_NEIGH_TICK_MAX && best < 3; looked++) {
		n->hand = n->hand + 1 < n->entry_n ? n->hand + 1 : n->gateway_n;
		if (n->hand >= n->entry_n)
			return NULL;
		uint32_t rank = victim_rank(&n->entry[n->hand], now_ms);
		if (rank <= best)
			continue;
		best = rank;
		victim = &n->entry[n->hand];
	}
	if (victim)
		entry_free(n, victim);
	return victim;
}

/* A new entry in the table, state UNKNOWN; NULL when it is full of entries in use. */
static struct tg_neigh_entry *entry_new(struct tg_neigh *n, uint32_t port,
					const struct tg_addr *addr, uint64_t now_ms)
{
	uint32_t i;

	if (!n->free_head && n->fresh == n->entry_n && !entry_evict(n, now_ms))
		return NULL;
	if (n->free_head) {
		i = n->free_head - 1;
		n->free_head = n->entry[i].chain;
	} else {
		i = n->fresh++;
	}
	struct tg_neigh_entry *e = &n->entry[i];

	memset(e, 0, sizeof(*e));
	e->addr = *addr;
	e->port = (uint8_t)port;
	e->state = TG_NEIGH_UNKNOWN;
	chain_in(n, e);
	return e;
}

static void entry_ask(struct tg_neigh *n, struct tg_neigh_entry *e, enum tg_neigh_state state)
{
	e->state = (uint8_t)state;
	e->tries = 0;
	queue_join(n, e, TG_NEIGH_QUEUE_NOW);
}

static void entry_confirm(struct tg_neigh *n, struct tg_neigh_entry *e, uint64_t now_ms)
{
	e->state = TG_NEIGH_REACHABLE;
	e->confirmed_ms = now_ms;
	e->tries = 0;
	e->ask_all = false;
	queue_leave(n, e);
}

bool tg_neigh_answered(struct tg_neigh *n, uint32_t port, const struct tg_addr *addr,
		       const struct tg_mac *mac, uint64_t now_ms, struct tg_out *out)
{
	struct tg_neigh_entry *e = tg_neigh_lookup(n, port, addr);

	if (!e || (e->state != TG_NEIGH_INCOMPLETE && e->state != TG_NEIGH_PROBE))
		return false;
	e->mac = *mac;
	entry_confirm(n, e, now_ms);
	held_release(n, e, out);
	return true;
}

void tg_neigh_heard(struct tg_neigh *n, uint32_t port, const struct tg_addr *addr,
		    const struct tg_mac *mac, uint64_t now_ms, struct tg_out *out)
{
	struct tg_neigh_entry *e = tg_neigh_lookup(n, port, addr);

	if (!e)
		e = entry_new(n, port, addr, now_ms);
	if (!e) {
		tg_ctr_inc(out->ctr, TG_CTR_neigh_full);
		return;
	}
	bool known = e->state == TG_NEIGH_REACHABLE || e->state == TG_NEIGH_PROBE;
	if (known && memcmp(e->mac.b, mac->b, sizeof(mac->b)) != 0) {
		/* It may have a new card, or somebody may lie: all are asked (ADV-81). */
		if (e->has_held) /* its own answer has just come */
			return;
		if (e->state == TG_NEIGH_REACHABLE)
			entry_ask(n, e, TG_NEIGH_PROBE);
		e->ask_all = true;
		return;
	}
	bool used = known || e->state == TG_NEIGH_INCOMPLETE;
	e->mac = *mac;
	entry_confirm(n, e, now_ms);
	if (!used && !e->gateway)
		e->state = TG_NEIGH_HEARD;
	held_release(n, e, out);
}

/* --- the engine's questions --- */

/* One next hop is met again and again: the gateway, mostly. */
static struct tg_neigh_entry *lookup_again(struct tg_neigh *n, uint32_t port,
					   const struct tg_addr *addr)
{
	struct tg_neigh_entry *e = &n->entry[n->last];

	if (n->last < n->entry_n && e->state != TG_NEIGH_FREE && e->port == port &&
	    tg_addr_equal(&e->addr, addr))
		return e;
	e = tg_neigh_lookup(n, port, addr);
	if (e)
		n->last = index_of(n, e);
	return e;
}

static bool is_stale(const struct tg_neigh_entry *e, uint64_t now_ms)
{
	return now_ms - e->confirmed_ms >= TG_NEIGH_STALE_MS;
}

static enum tg_neigh_answer answer_from(struct tg_neigh *n, struct tg_neigh_entry *e,
					uint64_t now_ms, struct tg_mac *mac)
{
	switch ((enum tg_neigh_state)e->state) {
	case TG_NEIGH_HEARD:
	case TG_NEIGH_REACHABLE:
		e->state = TG_NEIGH_REACHABLE;
		if (is_stale(e, now_ms) && !e->has_held) {
			entry_ask(n, e, TG_NEIGH_INCOMPLETE);
			return TG_NEIGH_WAIT;
		}
		if (now_ms - e->confirmed_ms >= TG_NEIGH_REACHABLE_MS && !e->has_held)
			entry_ask(n, e, TG_NEIGH_PROBE);
		*mac = e->mac;
		return TG_NEIGH_OK;
	case TG_NEIGH_PROBE:
		*mac = e->mac;
		return TG_NEIGH_OK;
	case TG_NEIGH_INCOMPLETE:
		return TG_NEIGH_WAIT;
	case TG_NEIGH_FAILED:
		if (now_ms < e->next_ms)
			return TG_NEIGH_DEAD;
		break;
	case TG_NEIGH_FREE:
	case TG_NEIGH_UNKNOWN:
		break;
	}
	entry_ask(n, e, TG_NEIGH_INCOMPLETE);
	return TG_NEIGH_WAIT;
}

enum tg_neigh_answer tg_neigh_find(struct tg_neigh *n, uint32_t port,
				   const struct tg_addr *next_hop, uint64_t now_ms,
				   struct tg_mac *mac)
{
	if (n->conf->port[port].has_static_neigh) {
		*mac = n->conf->port[port].static_neigh;
		return TG_NEIGH_OK;
	}
	struct tg_neigh_entry *e = lookup_again(n, port, next_hop);

	if (!e)
		e = entry_new(n, port, next_hop, now_ms);
	return e ? answer_from(n, e, now_ms, mac) : TG_NEIGH_DEAD;
}

bool tg_neigh_is_ready(const struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		       uint64_t now_ms)
{
	if (n->conf->port[port].has_static_neigh)
		return true;
	const struct tg_neigh_entry *e = tg_neigh_lookup(n, port, next_hop);

	if (!e)
		return false;
	if (e->state == TG_NEIGH_HEARD || e->state == TG_NEIGH_REACHABLE)
		return !is_stale(e, now_ms) || e->has_held;
	return e->state == TG_NEIGH_PROBE;
}

void tg_neigh_hold(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		   const struct tg_pkt *pkt, struct tg_out *out)
{
	struct tg_neigh_entry *e = tg_neigh_lookup(n, port, next_hop);

	if (!e || e->state != TG_NEIGH_INCOMPLETE) {
		tg_ctr_inc(out->ctr, TG_CTR_neigh_unreachable);
		tg_out_free(out, pkt);
		return;
	}
	held_free(n, e, TG_CTR_neigh_queue_drop, out);
	e->held = *pkt;
	e->has_held = true;
	n->held++;
}

void tg_neigh_confirm(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		      uint64_t now_ms)
{
	struct tg_neigh_entry *e;

	if (n->conf->port[port].has_static_neigh)
		return;
	e = lookup_again(n, port, next_hop);
	if (!e)
		return;
	if (e->state == TG_NEIGH_REACHABLE)
		e->confirmed_ms = now_ms;
	else if (e->state == TG_NEIGH_PROBE && !e->ask_all)
		entry_confirm(n, e, now_ms);
}

void tg_neigh_doubt(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		    uint64_t now_ms)
{
	struct tg_neigh_entry *e;

	if (n->conf->port[port].has_static_neigh)
		return;
	e = tg_neigh_lookup(n, port, next_hop);
	/* Confirmed within a second: asking again would tell nothing new, and break 1/s. */
	if (e && e->state == TG_NEIGH_REACHABLE && !e->has_held &&
	    now_ms - e->confirmed_ms >= TG_NEIGH_RETRY_MS)
		entry_ask(n, e, TG_NEIGH_PROBE);
}

/* --- time --- */

static bool send_request(struct tg_neigh *n, const struct tg_neigh_entry *e, struct tg_out *out)
{
	const struct tg_mac *to = e->state == TG_NEIGH_PROBE && !e->ask_all ? &e->mac : NULL;

	if (tg_addr_is_v4(&e->addr))
		return tg_neigh_arp_request(n, e->port, &e->addr, to, out);
	return tg_neigh_ns(n, e->port, &e->addr, to, out);
}

static void entry_fail(struct tg_neigh *n, struct tg_neigh_entry *e, uint64_t now_ms,
		       struct tg_out *out)
{
	queue_leave(n, e);
	held_free(n, e, TG_CTR_neigh_unreachable, out);
	e->state = TG_NEIGH_FAILED;
	e->next_ms = now_ms + TG_NEIGH_FAILED_MS;
}

/* e is due: the next request, or the end of patience. False when the request could not be sent. */
static bool entry_due(struct tg_neigh *n, struct tg_neigh_entry *e, uint64_t now_ms,
		      struct tg_out *out)
{
	if (e->state == TG_NEIGH_REACHABLE) {
		if (tg_out_room(out) == 0)
			return false;
		queue_leave(n, e);
		held_release(n, e, out);
		return true;
	}
	if (e->tries == TG_NEIGH_TRIES && e->state == TG_NEIGH_INCOMPLETE) {
		entry_fail(n, e, now_ms, out);
		return true;
	}
	if (e->tries == TG_NEIGH_TRIES) {
		e->state = TG_NEIGH_INCOMPLETE;
		e->tries = 0;
	}
	if (!send_request(n, e, out))
		return false;
	e->tries++;
	e->next_ms = now_ms + TG_NEIGH_RETRY_MS;
	queue_join(n, e, TG_NEIGH_QUEUE_LATER);
	return true;
}

static struct tg_neigh_entry *next_due(const struct tg_neigh *n, uint64_t now_ms)
{
	uint32_t now = n->queue[TG_NEIGH_QUEUE_NOW].head;
	uint32_t later = n->queue[TG_NEIGH_QUEUE_LATER].head;

	if (later != TG_NONE && n->entry[later].next_ms <= now_ms)
		return &n->entry[later];
	return now != TG_NONE ? &n->entry[now] : NULL;
}

/* One packet of the round: an address in turn, then the MLD report. False: no room. */
static bool announce_one(struct tg_neigh *n, uint32_t port, struct tg_out *out)
{
	struct tg_neigh_port *np = &n->port[port];
	const struct tg_port_conf *pc = &n->conf->port[port];

	if (np->cursor == pc->addr_n)
		return tg_neigh_mld(n, port, out);
	const struct tg_addr *own = &pc->addr[np->cursor].addr;
	if (np->dad_failed >> np->cursor & 1)
		return true;
	if (tg_addr_is_v4(own))
		return tg_neigh_arp_announce(n, port, own, out);
	if (np->round == 0)
		return tg_neigh_dad(n, port, own, out);
	return tg_neigh_na_announce(n, port, own, out);
}

static void announce(struct tg_neigh *n, uint32_t port, uint64_t now_ms, struct tg_out *out)
{
	struct tg_neigh_port *np = &n->port[port];

	while (np->announce_ms <= now_ms) {
		if (!announce_one(n, port, out))
			return;
		if (np->cursor++ < n->conf->port[port].addr_n)
			continue;
		np->cursor = 0;
		np->round++;
		np->announce_ms =
		    np->round == TG_NEIGH_ANNOUNCE_N ? UINT64_MAX : now_ms + TG_NEIGH_ANNOUNCE_MS;
	}
}

void tg_neigh_tick(struct tg_neigh *n, uint64_t now_ms, struct tg_out *out)
{
	struct tg_neigh_entry *e;

	for (uint32_t p = 0; p < n->conf->port_n; p++)
		announce(n, p, now_ms, out);
	for (uint32_t work = 0; work < TG_NEIGH_TICK_MAX; work++) {
		e = next_due(n, now_ms);
		if (!e || !entry_due(n, e, now_ms, out))
			return;
	}
}

uint64_t tg_neigh_next(const struct tg_neigh *n)
{
	uint32_t later = n->queue[TG_NEIGH_QUEUE_LATER].head;
	uint64_t next = UINT64_MAX;

	if (n->queue[TG_NEIGH_QUEUE_NOW].head != TG_NONE)
		return 0;
	if (later != TG_NONE)
		next = n->entry[later].next_ms;
	for (uint32_t p = 0; p < n->conf->port_n; p++)
		if (n->port[p].announce_ms < next)
			next = n->port[p].announce_ms;
	return next;
}

/* --- life --- */

static void announce_start(struct tg_neigh *n, uint32_t port, uint64_t now_ms)
{
	struct tg_neigh_port *np = &n->port[port];

	np->round = 0;
	np->cursor = 0;
	np->announce_ms = n->conf->primary && !n->conf->port[port].silent ? now_ms : UINT64_MAX;
}

static void link_down(struct tg_neigh *n, uint32_t port, struct tg_out *out)
{
	for (uint32_t i = 0; i < n->fresh; i++) {
		struct tg_neigh_entry *e = &n->entry[i];
		if (e->state == TG_NEIGH_FREE || e->port != port)
			continue;
		held_free(n, e, TG_CTR_neigh_unreachable, out);
		queue_leave(n, e);
		if (e->gateway)
			e->state = TG_NEIGH_UNKNOWN;
		else
			entry_free(n, e);
	}
}

void tg_neigh_link(struct tg_neigh *n, uint32_t port, bool up, uint64_t now_ms, struct tg_out *out)
{
	if (n->port[port].up == up)
		return;
	n->port[port].up = up;
	if (up) {
		announce_start(n, port, now_ms);
		return;
	}
	n->port[port].announce_ms = UINT64_MAX;
	n->port[port].dad_failed = 0;
	link_down(n, port, out);
}

static void gateway_add(struct tg_neigh *n, uint32_t port, const struct tg_addr *addr)
{
	struct tg_neigh_entry *e = tg_neigh_lookup(n, port, addr);

	if (!e)
		e = entry_new(n, port, addr, 0);
	assert(e);
	e->gateway = true;
}

struct tg_neigh *tg_neigh_init(void *mem, const struct tg_engine_conf *conf, struct tg_rng *rng,
			       uint64_t now_ms)
{
	struct tg_neigh *n = mem;
	uint8_t *at = (uint8_t *)mem + round64(sizeof(*n));

	n->conf = conf;
	n->key = tg_rng_key(rng);
	n->entry_n = conf->neigh_max + gateway_count(conf);
	n->entry = (struct tg_neigh_entry *)at;
	at += round64((size_t)n->entry_n * sizeof(*n->entry));
	n->bucket = (uint32_t *)at;
	n->bucket_mask = bucket_n(n->entry_n) - 1;
	for (uint32_t q = 0; q < TG_NEIGH_QUEUE_N; q++)
		n->queue[q] = (struct tg_neigh_queue){TG_NONE, TG_NONE};
	tg_route_init(n);
	for (uint32_t p = 0; p < conf->port_n; p++) {
		n->port[p].up = true;
		announce_start(n, p, now_ms);
		if (conf->port[p].has_gateway4)
			gateway_add(n, p, &conf->port[p].gateway4);
		if (conf->port[p].has_gateway6)
			gateway_add(n, p, &conf->port[p].gateway6);
	}
	n->gateway_n = n->fresh;
	n->hand = n->gateway_n;
	return n;
}

void tg_neigh_fini(struct tg_neigh *n, struct tg_out *out)
{
	for (uint32_t i = 0; i < n->fresh; i++)
		if (n->entry[i].state != TG_NEIGH_FREE)
			held_free(n, &n->entry[i], TG_CTR_neigh_queue_drop, out);
}

uint32_t tg_neigh_count(const struct tg_neigh *n)
{
	return n->count;
}

uint32_t tg_neigh_held(const struct tg_neigh *n)
{
	return n->held;
}

static bool entry_is_valid(const struct tg_neigh *n, const struct tg_neigh_entry *e)
{
	bool asking = e->state == TG_NEIGH_INCOMPLETE || e->state == TG_NEIGH_PROBE;
	bool queued = e->queue != TG_NEIGH_QUEUE_NONE;

	if (e->state == TG_NEIGH_FREE)
		return !e->has_held && !queued && !e->gateway;
	if (tg_neigh_lookup(n, e->port, &e->addr) != e)
		return false;
	if (e->has_held && e->state != TG_NEIGH_INCOMPLETE && e->state != TG_NEIGH_REACHABLE)
		return false;
	if (asking)
		return queued;
	return queued == (e->state == TG_NEIGH_REACHABLE && e->has_held);
}

static bool queue_is_valid(const struct tg_neigh *n, uint8_t queue)
{
	uint32_t prev = TG_NONE, steps = 0;
	uint64_t last = 0;

	for (uint32_t i = n->queue[queue].head; i != TG_NONE; i = n->entry[i].next) {
		const struct tg_neigh_entry *e = &n->entry[i];
		if (e->queue != queue || e->prev != prev || ++steps > n->entry_n)
			return false;
		if (queue == TG_NEIGH_QUEUE_LATER && e->next_ms < last)
			return false;
		last = e->next_ms;
		prev = i;
	}
	return n->queue[queue].tail == prev;
}

bool tg_neigh_validate(const struct tg_neigh *n)
{
	uint32_t count = 0, held = 0;

	for (uint32_t i = 0; i < n->fresh; i++) {
		if (!entry_is_valid(n, &n->entry[i]))
			return false;
		count += n->entry[i].state != TG_NEIGH_FREE;
		held += n->entry[i].has_held;
		if (i < n->gateway_n && n->entry[i].state == TG_NEIGH_FREE)
			return false;
	}
	return count == n->count && held == n->held && queue_is_valid(n, TG_NEIGH_QUEUE_NOW) &&
	       queue_is_valid(n, TG_NEIGH_QUEUE_LATER);
}
