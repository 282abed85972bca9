/* SPDX-License-Identifier: BSD-3-Clause */
/* splice.c: records of splices: their pool, lists, places in the table, and time. */
#include "before.h"
#include "source.h"

/* --- memory --- */

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

/* As many of them over IPv6 as of the connections. */
static uint32_t key6_max(const struct tg_engine_conf *c)
{
	return (uint32_t)((uint64_t)c->splice_max * c->ipv6_max / c->conn_max);
}

static uint32_t held_max(const struct tg_engine_conf *c)
{
	uint64_t all = (uint64_t)c->splice_max * TG_SPLICE_HELD_MAX;

	return all < TG_SPLICE_HELD_ALL ? (uint32_t)all : TG_SPLICE_HELD_ALL;
}

size_t tg_splices_footprint(const struct tg_engine_conf *c)
{
	if (c->splice_max == 0)
		return 0;
	return round64(sizeof(struct tg_splices)) +
	       round64(c->splice_max * sizeof(struct tg_splice)) +
	       round64(key6_max(c) * sizeof(struct tg_splice6)) +
	       round64(held_max(c) * sizeof(struct tg_splice_held));
}

static void list_init(struct tg_splice_list *l)
{
	*l = (struct tg_splice_list){.head = TG_NONE, .tail = TG_NONE};
}

static void lists_init(struct tg_splices *sp)
{
	list_init(&sp->time_wait);
	for (uint32_t p = 0; p < TG_POOL_MAX; p++)
		for (uint32_t b = 0; b < TG_BACKEND_MAX; b++)
			for (uint32_t i = 0; i < 2; i++)
				list_init(&sp->of[p][b].list[i]);
}

struct tg_splices *tg_splices_init(struct tg_engine *e, void *mem)
{
	const struct tg_engine_conf *c = &e->conf;
	struct tg_splices *sp = mem;
	uint8_t *p = mem;

	if (c->splice_max == 0)
		return NULL;
	p += round64(sizeof(*sp));
	sp->at = (struct tg_splice *)p;
	p += round64(c->splice_max * sizeof(struct tg_splice));
	sp->key6 = (struct tg_splice6 *)p;
	p += round64(key6_max(c) * sizeof(struct tg_splice6));
	sp->held = (struct tg_splice_held *)p;
	sp->max = c->splice_max;
	sp->key6_max = key6_max(c);
	sp->held_max = held_max(c);
	sp->free = sp->key6_free = sp->held_free = TG_NONE;
	lists_init(sp);
	tg_wheel_init(&sp->wheel, (uint8_t *)sp->at + offsetof(struct tg_splice, timer),
		      sizeof(struct tg_splice), sp->max, e->env.now_ns / TG_NS_PER_MS);
	if (e->pools)
		tg_pools_set_on_down(e, tg_splices_doom);
	return sp;
}

static uint32_t index_of(const struct tg_splices *sp, const struct tg_splice *s)
{
	return (uint32_t)(s - sp->at);
}

static bool is_v6(const struct tg_splice *s)
{
	return (s->flags & TG_SPLICE_V6) != 0;
}

/* --- lists --- */

static struct tg_splice_list *list_of(struct tg_splices *sp, const struct tg_splice *s)
{
	if (s->state == TG_SPLICE_TIME_WAIT)
		return &sp->time_wait;
	return &sp->of[s->pool][s->backend].list[(s->flags & TG_SPLICE_ODD) != 0];
}

static void list_add(struct tg_splices *sp, struct tg_splice *s)
{
	struct tg_splice_list *l = list_of(sp, s);

	s->next = TG_NONE;
	s->prev = l->tail;
	if (l->tail == TG_NONE)
		l->head = index_of(sp, s);
	else
		sp->at[l->tail].next = index_of(sp, s);
	l->tail = index_of(sp, s);
	l->n++;
}

static void list_remove(struct tg_splices *sp, struct tg_splice *s)
{
	struct tg_splice_list *l = list_of(sp, s);

	if (s->prev == TG_NONE)
		l->head = s->next;
	else
		sp->at[s->prev].next = s->next;
	if (s->next == TG_NONE)
		l->tail = s->prev;
	else
		sp->at[s->next].prev = s->prev;
	l->n--;
}

/* --- keys --- */

void tg_splice_tuple(const struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side side,
		     struct tg_tuple *t)
{
	bool client = side == TG_SPLICE_CLIENT;

	t->lport = client ? s->vport : s->oport;
	t->rport = client ? s->cport : s->bport;
	if (is_v6(s)) {
		const struct tg_splice6 *k = &e->splices->key6[s->key6];
		t->laddr = client ? k->vip : k->ours;
		t->raddr = client ? k->client : k->backend;
		return;
	}
	t->laddr = tg_addr_from_v4(client ? &s->v4.vip : &s->v4.ours);
	t->raddr = tg_addr_from_v4(client ? &s->v4.client : &s->v4.backend);
}

bool tg_splice_is(const struct tg_engine *e, uint32_t slot, const struct tg_tuple *t)
{
	enum tg_splice_side side;
	const struct tg_splice *s = tg_splice_of(e, slot, &side);
	struct tg_tuple own;

	if (t->rport != (side == TG_SPLICE_CLIENT ? s->cport : s->bport))
		return false;
	tg_splice_tuple(e, s, side, &own);
	return own.lport == t->lport && tg_addr_equal(&own.raddr, &t->raddr) &&
	       tg_addr_equal(&own.laddr, &t->laddr);
}

uint64_t tg_splice_hash(const struct tg_engine *e, uint32_t slot)
{
	enum tg_splice_side side;
	const struct tg_splice *s = tg_splice_of(e, slot, &side);
	struct tg_tuple t;

	tg_splice_tuple(e, s, side, &t);
	return tg_tcp_tuple_hash(&t, &e->secret);
}

static uint32_t key6_alloc(struct tg_splices *sp)
{
	uint32_t i = sp->key6_free;

	if (i != TG_NONE)
		memcpy(&sp->key6_free, &sp->key6[i], sizeof(uint32_t));
	else
		i = sp->key6_fresh++;
	sp->key6_n++;
	return i;
}

static void key6_free(struct tg_splices *sp, uint32_t i)
{
	memcpy(&sp->key6[i], &sp->key6_free, sizeof(uint32_t));
	sp->key6_free = i;
	sp->key6_n--;
}

static void set_key(struct tg_splices *sp, struct tg_splice *s, const struct tg_tuple *client,
		    const struct tg_tuple *backend)
{
	s->cport = client->rport;
	s->vport = client->lport;
	s->oport = backend->lport;
	s->bport = backend->rport;
	if (tg_addr_is_v4(&client->raddr)) {
		s->v4.client = tg_addr_v4(&client->raddr);
		s->v4.vip = tg_addr_v4(&client->laddr);
		s->v4.ours = tg_addr_v4(&backend->laddr);
		s->v4.backend = tg_addr_v4(&backend->raddr);
		return;
	}
	s->flags |= TG_SPLICE_V6;
	s->key6 = key6_alloc(sp);
	sp->key6[s->key6] = (struct tg_splice6){.client = client->raddr,
						.vip = client->laddr,
						.ours = backend->laddr,
						.backend = backend->raddr};
}

/* --- a record's life --- */

static bool is_full(const struct tg_splices *sp, bool v6)
{
	return sp->n == sp->max || (v6 && sp->key6_n == sp->key6_max);
}

/* Full: those in TIME-WAIT go first, the one nearest its end before the others. */
static bool make_room(struct tg_engine *e, bool v6)
{
	struct tg_splices *sp = e->splices;

	for (uint32_t i = 0; i < TG_SPLICE_BUDGET && is_full(sp, v6); i++) {
		if (sp->time_wait.n == 0)
			return false;
		tg_ctr_inc(&e->ctr, TG_CTR_splice_tw_evicted);
		tg_splice_free(e, &sp->at[sp->time_wait.head]);
	}
	return !is_full(sp, v6);
}

static struct tg_splice *alloc(struct tg_splices *sp)
{
	uint32_t i = sp->free;

	if (i != TG_NONE)
		sp->free = sp->at[i].next;
	else
		i = sp->fresh++;
	sp->n++;
	memset(&sp->at[i], 0, sizeof(sp->at[i]));
	tg_timer_init(&sp->at[i].timer);
	return &sp->at[i];
}

static void give_back(struct tg_splices *sp, struct tg_splice *s)
{
	if (is_v6(s))
		key6_free(sp, s->key6);
	s->state = 0;
	s->flags = 0;
	s->next = sp->free;
	sp->free = index_of(sp, s);
	sp->n--;
}

static bool table_add(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side side)
{
	uint32_t slot = tg_splice_slot(e, index_of(e->splices, s), side);

	e->table_gen++;
	return tg_table_insert(&e->table, tg_splice_hash(e, slot), slot, tg_conn_hash, e);
}

static void table_remove(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side side)
{
	uint32_t slot = tg_splice_slot(e, index_of(e->splices, s), side);
	bool removed = tg_table_remove(&e->table, tg_splice_hash(e, slot), slot);

	assert(removed);
	(void)removed;
	e->table_gen++;
}

struct tg_splice *tg_splice_new(struct tg_engine *e, int pool, uint8_t backend,
				const struct tg_tuple *client, const struct tg_tuple *backend_tuple)
{
	struct tg_splices *sp = e->splices;

	if (!sp || !make_room(e, !tg_addr_is_v4(&client->raddr)))
		return NULL;
	struct tg_splice *s = alloc(sp);

	s->pool = (uint8_t)pool & 31;
	s->backend = backend;
	s->flags = sp->of[pool][backend].odd ? TG_SPLICE_ODD : 0;
	set_key(sp, s, client, backend_tuple);
	if (!table_add(e, s, TG_SPLICE_CLIENT)) {
		give_back(sp, s);
		return NULL;
	}
	if (!table_add(e, s, TG_SPLICE_BACKEND)) {
		table_remove(e, s, TG_SPLICE_CLIENT);
		give_back(sp, s);
		return NULL;
	}
	s->state = TG_SPLICE_OPENING;
	sp->state_n[TG_SPLICE_OPENING]++;
	s->held_head = s->held_tail = TG_NONE;
	list_add(sp, s);
	tg_pool_flow_add(e, pool, backend);
	if (e->sources)
		tg_sources_add(e->sources, &client->raddr, false);
	return s;
}

/* From TIME-WAIT on it is nobody's connection any more. */
static void leave(struct tg_engine *e, struct tg_splice *s)
{
	struct tg_tuple t;

	if (s->state == TG_SPLICE_TIME_WAIT)
		return;
	tg_pool_flow_sub(e, s->pool, s->backend);
	if (!e->sources)
		return;
	tg_splice_tuple(e, s, TG_SPLICE_CLIENT, &t);
	tg_sources_remove(e->sources, &t.raddr, false);
}

void tg_splice_enter(struct tg_engine *e, struct tg_splice *s, enum tg_splice_state state)
{
	struct tg_splices *sp = e->splices;

	sp->state_n[s->state]--;
	sp->state_n[state]++;
	list_remove(sp, s);
	if (state == TG_SPLICE_TIME_WAIT)
		leave(e, s);
	s->state = (uint8_t)state & 7;
	list_add(sp, s);
}

/* The new connection's entry has its place in the table (before it is added here again). */
void tg_splice_sleep(struct tg_engine *e, struct tg_splice *s, uint32_t conn)
{
	assert(s->state == TG_SPLICE_TIME_WAIT && !tg_splice_is_dormant(s));
	table_remove(e, s, TG_SPLICE_CLIENT);
	s->side[TG_SPLICE_BACKEND].half = conn;
	e->splices->dormant_n++;
}

static void forget_half(struct tg_splices *sp, struct tg_splice *s)
{
	s->side[TG_SPLICE_BACKEND].half = TG_NONE;
	sp->dormant_n--;
}

void tg_splice_wake(struct tg_engine *e, struct tg_splice *s)
{
	assert(tg_splice_is_dormant(s));
	if (table_add(e, s, TG_SPLICE_CLIENT)) {
		forget_half(e->splices, s);
		return;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_splice_tw_evicted);
	tg_splice_free(e, s);
}

/* Out of the client's place, which may be a half-open entry's, who is told. */
static void leave_client(struct tg_engine *e, struct tg_splice *s)
{
	if (!tg_splice_is_dormant(s)) {
		table_remove(e, s, TG_SPLICE_CLIENT);
		return;
	}
	tg_conn_dormant_gone(e, s->side[TG_SPLICE_BACKEND].half);
	forget_half(e->splices, s);
}

void tg_splice_free(struct tg_engine *e, struct tg_splice *s)
{
	struct tg_splices *sp = e->splices;

	tg_splice_drop_held(e, s);
	tg_wheel_cancel(&sp->wheel, index_of(sp, s));
	leave_client(e, s);
	table_remove(e, s, TG_SPLICE_BACKEND);
	list_remove(sp, s);
	leave(e, s);
	sp->state_n[s->state]--;
	give_back(sp, s);
}

/* --- packets that wait --- */

bool tg_splice_hold(struct tg_engine *e, struct tg_splice *s, struct tg_rx *rx)
{
	struct tg_splices *sp = e->splices;
	uint32_t i = sp->held_free;

	if (s->held_n == TG_SPLICE_HELD_MAX || sp->held_n == sp->held_max)
		return false;
	if (i != TG_NONE)
		sp->held_free = sp->held[i].next;
	else
		i = sp->held_fresh++;
	sp->held_n++;
	sp->held[i] = (struct tg_splice_held){
	    .pkt = rx->pkt, .ip = rx->ip, .l2 = rx->eth.hdr_len, .next = TG_NONE};
	rx->used = true;
	if (s->held_n++ == 0)
		s->held_head = i;
	else
		sp->held[s->held_tail].next = i;
	s->held_tail = i;
	return true;
}

bool tg_splice_unhold(struct tg_engine *e, struct tg_splice *s, struct tg_splice_held *h)
{
	struct tg_splices *sp = e->splices;
	uint32_t i = s->held_head;

	if (i == TG_NONE)
		return false;
	*h = sp->held[i];
	s->held_head = h->next;
	s->held_n--;
	sp->held[i].pkt.data = NULL;
	sp->held[i].next = sp->held_free;
	sp->held_free = i;
	sp->held_n--;
	return true;
}

void tg_splice_drop_held(struct tg_engine *e, struct tg_splice *s)
{
	struct tg_splice_held h;

	if (s->state != TG_SPLICE_OPENING)
		return;
	while (tg_splice_unhold(e, s, &h))
		tg_out_free(&e->out, &h.pkt);
}

void tg_splices_fini(struct tg_engine *e)
{
	struct tg_splices *sp = e->splices;

	for (uint32_t i = 0; sp && i < sp->fresh; i++)
		tg_splice_drop_held(e, &sp->at[i]);
}

/* --- time --- */

void tg_splice_arm(struct tg_engine *e, const struct tg_splice *s, uint64_t deadline_ms)
{
	struct tg_wheel *w = &e->splices->wheel;
	uint32_t due;

	if (w->count == 0) /* it stood still while there was nothing to wait for */
		tg_wheel_advance(w, e->env.now_ns / TG_NS_PER_MS, &due, 1);
	tg_wheel_arm(w, index_of(e->splices, s), deadline_ms);
}

void tg_splice_arm_idle(struct tg_engine *e, const struct tg_splice *s, uint64_t ms)
{
	const uint64_t most = TG_SPLICE_QUIET_MS + 2 * TG_SPLICE_SEEN_MS;

	tg_splice_arm(e, s, e->env.now_ms + (ms && ms < most ? ms : most));
}

/* How long it may be still, 0 = for ever. */
static uint64_t patience(const struct tg_engine *e, const struct tg_splice *s)
{
	const uint8_t both = TG_SPLICE_FIN_CLIENT | TG_SPLICE_FIN_BACKEND;

	return (s->flags & both) == both ? TG_SPLICE_CLOSE_MS : e->conf.splice_idle_ms;
}

/* For how long nothing has moved; the stamp is of the begin of its unit, so never too long. It is
 * asked in time: what the stamp cannot tell any more, `quiet` does. */
static uint64_t still_ms(const struct tg_engine *e, struct tg_splice *s)
{
	uint16_t units = (uint16_t)(tg_splice_seen(e) - s->seen);
	uint64_t still = units ? (units - 1ull) * TG_SPLICE_SEEN_MS : 0;

	if (still >= TG_SPLICE_QUIET_MS) {
		s->quiet++;
		s->seen = tg_splice_seen(e);
		still = 0;
	}
	return s->quiet * (uint64_t)TG_SPLICE_QUIET_MS + still;
}

/* Neither end says anything any more: both are told (their number is known exactly then). */
static void idle_timeout(struct tg_engine *e, struct tg_splice *s)
{
	uint64_t most = patience(e, s), still = still_ms(e, s);

	if (most == 0 || still < most) {
		tg_splice_arm_idle(e, s, most ? most - still : TG_SPLICE_QUIET_MS);
		return;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_splice_idle);
	tg_splice_reset(e, s, TG_SPLICE_CLIENT, NULL);
	tg_splice_reset(e, s, TG_SPLICE_BACKEND, NULL);
	tg_splice_free(e, s);
}

static void fire(struct tg_engine *e, struct tg_splice *s)
{
	switch ((enum tg_splice_state)s->state) {
	case TG_SPLICE_OPENING:
		tg_splice_open_timeout(e, s);
		return;
	case TG_SPLICE_SPLICED:
	case TG_SPLICE_CLOSING:
		idle_timeout(e, s);
		return;
	case TG_SPLICE_TIME_WAIT: /* SP-11 */
		tg_splice_free(e, s);
		return;
	case TG_SPLICE_STATE_N:
		break;
	}
	assert(false && "a free record has no timer");
}

uint32_t tg_splices_tick(struct tg_engine *e, uint64_t tick, uint32_t budget)
{
	struct tg_splices *sp = e->splices;
	uint32_t n = 0, i;

	if (!sp || tg_wheel_next(&sp->wheel) > tick)
		return 0;
	while (n < budget && tg_wheel_advance(&sp->wheel, tick, &i, 1)) {
		fire(e, &sp->at[i]);
		n++;
	}
	return n;
}

uint64_t tg_splices_next(const struct tg_engine *e)
{
	return e->splices ? tg_wheel_next(&e->splices->wheel) : UINT64_MAX;
}

/* --- ends that come from elsewhere --- */

/* Those that are there now, in few steps: new ones go to the other list from here on. */
void tg_splices_doom(struct tg_engine *e, int pool, uint8_t backend)
{
	struct tg_splices *sp = e->splices;
	struct tg_splice_backend *b = &sp->of[pool][backend];

	if (sp->doomed[pool] >> backend & 1) { /* down again before the last ones were told */
		while (b->list[b->odd].n) {
			struct tg_splice *s = &sp->at[b->list[b->odd].head];
			list_remove(sp, s);
			s->flags ^= TG_SPLICE_ODD;
			list_add(sp, s);
		}
		return;
	}
	if (b->list[b->odd].n == 0)
		return;
	b->odd = !b->odd;
	sp->doomed[pool] |= 1ull << backend;
	sp->doomed_n++;
}

/* The backend is gone, so only the client is told. */
static void end_doomed(struct tg_engine *e, struct tg_splice *s)
{
	tg_ctr_inc(&e->ctr, TG_CTR_splice_doomed);
	tg_splice_reset(e, s, TG_SPLICE_CLIENT, NULL);
	tg_splice_free(e, s);
}

/* Of one pool; budget is what is left of the call's. */
static void run_doomed(struct tg_engine *e, uint32_t pool, uint32_t *budget)
{
	struct tg_splices *sp = e->splices;

	while (sp->doomed[pool]) {
		uint32_t backend = (uint32_t)__builtin_ctzll(sp->doomed[pool]);
		struct tg_splice_backend *b = &sp->of[pool][backend];
		struct tg_splice_list *l = &b->list[!b->odd];
		while (l->n) {
			if (*budget == 0 || tg_out_room(&e->out) == 0)
				return;
			end_doomed(e, &sp->at[l->head]);
			(*budget)--;
		}
		sp->doomed[pool] &= ~(1ull << backend);
		sp->doomed_n--;
	}
}

static void abort_one(struct tg_engine *e, struct tg_splice *s)
{
	if (s->state == 0)
		return;
	if (s->state != TG_SPLICE_TIME_WAIT) {
		tg_splice_reset(e, s, TG_SPLICE_CLIENT, NULL);
		tg_splice_reset(e, s, TG_SPLICE_BACKEND, NULL);
	}
	tg_splice_free(e, s);
}

void tg_splices_run(struct tg_engine *e)
{
	struct tg_splices *sp = e->splices;

	uint32_t budget = TG_SPLICE_BUDGET;

	if (!sp)
		return;
	for (uint32_t p = 0; p < TG_POOL_MAX && sp->doomed_n && budget; p++)
		run_doomed(e, p, &budget);
	for (; e->aborting && budget && sp->scan < sp->fresh; budget--) {
		if (tg_out_room(&e->out) < 2)
			return;
		abort_one(e, &sp->at[sp->scan++]);
	}
}

bool tg_splices_is_waiting(const struct tg_engine *e)
{
	const struct tg_splices *sp = e->splices;

	return sp && (sp->doomed_n || (e->aborting && sp->scan < sp->fresh));
}

/* --- sight --- */

const char *tg_splice_state_name(enum tg_splice_state s)
{
	static const char *const name[] = {
	    [0] = "FREE",
	    [TG_SPLICE_OPENING] = "OPENING",
	    [TG_SPLICE_SPLICED] = "SPLICED",
	    [TG_SPLICE_CLOSING] = "CLOSING",
	    [TG_SPLICE_TIME_WAIT] = "TIME-WAIT",
	};

	assert(s < TG_SPLICE_STATE_N);
	return name[s];
}

void tg_splices_stats(const struct tg_engine *e, struct tg_engine_stats *out)
{
	const struct tg_splices *sp = e->splices;

	if (!sp)
		return;
	out->splice_count = sp->n;
	out->splice_max = sp->max;
	out->splice_held = sp->held_n;
	memcpy(out->splice, sp->state_n, sizeof(out->splice));
	out->timer_count += sp->wheel.count;
}

uint32_t tg_splices_open(const struct tg_engine *e)
{
	return e->splices ? e->splices->n - e->splices->state_n[TG_SPLICE_TIME_WAIT] : 0;
}

enum tg_tcp_state tg_splice_tcp_state(const struct tg_engine *e, uint32_t slot)
{
	enum tg_splice_side side;
	const struct tg_splice *s = tg_splice_of(e, slot, &side);

	if (s->state == TG_SPLICE_TIME_WAIT)
		return TG_TIME_WAIT;
	return s->state == TG_SPLICE_OPENING && side == TG_SPLICE_BACKEND ? TG_SYN_SENT
									  : TG_ESTABLISHED;
}

/* --- validation --- */

static uint32_t held_by(const struct tg_splices *sp, const struct tg_splice *s)
{
	uint32_t n = 0;

	if (s->state != TG_SPLICE_OPENING)
		return 0;
	for (uint32_t i = s->held_head; i != TG_NONE && n <= TG_SPLICE_HELD_MAX; n++)
		i = sp->held[i].next;
	return n;
}

static const char *check_one(const struct tg_engine *e, const struct tg_splice *s)
{
	const struct tg_splices *sp = e->splices;
	struct tg_tuple t;

	for (int side = TG_SPLICE_CLIENT; side <= TG_SPLICE_BACKEND; side++) {
		uint32_t slot = tg_splice_slot(e, index_of(sp, s), (enum tg_splice_side)side);
		tg_splice_tuple(e, s, (enum tg_splice_side)side, &t);
		if (side == TG_SPLICE_CLIENT && tg_splice_is_dormant(s))
			slot = s->side[TG_SPLICE_BACKEND].half;
		if (tg_conn_find(e, &t, tg_tcp_tuple_hash(&t, &e->secret)) != slot)
			return "S2: a splice is not in the table under its tuple";
	}
	if (tg_splice_is_dormant(s) &&
	    tg_conn_dormant(e, s->side[TG_SPLICE_BACKEND].half) != tg_before_of(e, s))
		return "S8: a dormant splice is nobody's";
	if (!tg_timer_is_armed(&s->timer))
		return "S4: a splice has no timer";
	if (s->state == TG_SPLICE_OPENING && held_by(sp, s) != s->held_n)
		return "S6: a splice holds another number of packets than it says";
	return NULL;
}

static const char *check_list(const struct tg_splices *sp, const struct tg_splice_list *l,
			      uint32_t *sum)
{
	uint32_t prev = TG_NONE, n = 0;

	for (uint32_t i = l->head; i != TG_NONE; i = sp->at[i].next, n++) {
		if (n >= l->n || sp->at[i].prev != prev || sp->at[i].state == 0 ||
		    list_of((struct tg_splices *)(uintptr_t)sp, &sp->at[i]) != l)
			return "S5: a list of splices is broken";
		prev = i;
	}
	*sum += n;
	return n == l->n && l->tail == prev ? NULL : "S5: a list of splices ends wrongly";
}

static const char *check_lists(const struct tg_splices *sp)
{
	uint32_t sum = 0;
	const char *why = check_list(sp, &sp->time_wait, &sum);

	for (uint32_t i = 0; i < 2 * TG_POOL_MAX * TG_BACKEND_MAX && !why; i++)
		why = check_list(
		    sp, &sp->of[i / 2 / TG_BACKEND_MAX][i / 2 % TG_BACKEND_MAX].list[i & 1], &sum);
	return why || sum == sp->n ? why : "S5: a splice is in no list";
}

static uint32_t free_n(const struct tg_splices *sp)
{
	uint32_t n = 0;

	for (uint32_t i = sp->free; i != TG_NONE && n <= sp->fresh; i = sp->at[i].next)
		n++;
	return n;
}

static const char *check_counts(const struct tg_engine *e)
{
	const struct tg_splices *sp = e->splices;
	uint32_t state_n[TG_SPLICE_STATE_N] = {0}, held = 0, v6 = 0, free = 0, dormant = 0;

	for (uint32_t i = 0; i < sp->fresh; i++) {
		if (sp->at[i].state == 0)
			continue;
		state_n[sp->at[i].state]++;
		held += held_by(sp, &sp->at[i]);
		v6 += is_v6(&sp->at[i]);
		dormant += tg_splice_is_dormant(&sp->at[i]);
	}
	for (uint32_t i = sp->held_free; i != TG_NONE && free <= sp->held_fresh; free++)
		i = sp->held[i].next;
	if (sp->n + free_n(sp) != sp->fresh || v6 != sp->key6_n)
		return "S1: splices are lost";
	if (held != sp->held_n || held + free != sp->held_fresh)
		return "S1: held packets are lost";
	if (memcmp(state_n, sp->state_n, sizeof(state_n)) != 0)
		return "S3: splices by state are not as counted";
	return dormant == sp->dormant_n ? NULL : "S8: dormant splices are not as counted";
}

bool tg_splices_validate(const struct tg_engine *e, const char **why)
{
	const struct tg_splices *sp = e->splices;

	*why = NULL;
	if (!sp)
		return true;
	*why = check_counts(e);
	for (uint32_t i = 0; i < sp->fresh && !*why; i++)
		if (sp->at[i].state)
			*why = check_one(e, &sp->at[i]);
	if (!*why)
		*why = check_lists(sp);
	if (!*why && (!tg_wheel_validate(&sp->wheel) || sp->wheel.count != sp->n))
		*why = "S7: the wheel of the splices is broken";
	return *why == NULL;
}
