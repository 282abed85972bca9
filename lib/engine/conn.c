/* SPDX-License-Identifier: BSD-3-Clause */
/* conn.c: the pools of connections and extensions, the table, and the way between rest and motion.
 */
#include "before.h"
#include "source.h"

/* --- one bit a connection --- */

bool tg_bits_has(const struct tg_bits *b, uint32_t i)
{
	return b->word[i >> 6] >> (i & 63) & 1;
}

void tg_bits_set(struct tg_bits *b, uint32_t i)
{
	if (tg_bits_has(b, i))
		return;
	b->word[i >> 6] |= 1ull << (i & 63);
	b->set_n++;
}

void tg_bits_clear(struct tg_bits *b, uint32_t i)
{
	if (b->set_n == 0 || !tg_bits_has(b, i))
		return;
	b->word[i >> 6] &= ~(1ull << (i & 63));
	b->set_n--;
}

uint32_t tg_bits_next(struct tg_bits *b)
{
	if (b->set_n == 0)
		return TG_NONE;
	uint32_t w = b->cursor >> 6;
	uint64_t bits = b->word[w] & (~0ull << (b->cursor & 63));

	for (uint32_t i = 0; i <= b->word_n && !bits; i++) {
		w = w + 1 < b->word_n ? w + 1 : 0;
		bits = b->word[w];
	}
	assert(bits);
	uint32_t found = (w << 6) + (uint32_t)__builtin_ctzll(bits);

	b->cursor = found + 1 < b->word_n << 6 ? found + 1 : 0;
	return found;
}

/* --- lists of extensions --- */

static const uint32_t list_flag[TG_LIST_N] = {
    [TG_LIST_READY] = TG_EXT_READY,
    [TG_LIST_KICK] = TG_EXT_KICK,
};

void tg_ext_list_add(struct tg_engine *e, uint32_t which, uint32_t x)
{
	struct tg_ext_list *l = &e->list[which];
	struct tg_ext *ext = &e->ext[x];

	if (ext->flags & list_flag[which])
		return;
	ext->flags |= list_flag[which];
	ext->next[which] = TG_NONE;
	ext->prev[which] = l->tail;
	if (l->tail == TG_NONE)
		l->head = x;
	else
		e->ext[l->tail].next[which] = x;
	l->tail = x;
	l->n++;
}

void tg_ext_list_remove(struct tg_engine *e, uint32_t which, uint32_t x)
{
	struct tg_ext_list *l = &e->list[which];
	struct tg_ext *ext = &e->ext[x];

	if (!(ext->flags & list_flag[which]))
		return;
	ext->flags &= ~list_flag[which];
	if (ext->prev[which] == TG_NONE)
		l->head = ext->next[which];
	else
		e->ext[ext->prev[which]].next[which] = ext->next[which];
	if (ext->next[which] == TG_NONE)
		l->tail = ext->prev[which];
	else
		e->ext[ext->next[which]].prev[which] = ext->prev[which];
	l->n--;
}

/* --- keys --- */

void tg_conn_tuple(const struct tg_engine *e, uint32_t conn, struct tg_tuple *t)
{
	const struct tg_conn *c = &e->conn[conn];

	if (c->flags & TG_CONN_V6) {
		t->laddr = e->conn6[c->key6].laddr;
		t->raddr = e->conn6[c->key6].raddr;
	} else {
		t->laddr = tg_addr_from_v4(&c->v4.laddr);
		t->raddr = tg_addr_from_v4(&c->v4.raddr);
	}
	t->lport = c->lport;
	t->rport = c->rport;
}

uint64_t tg_conn_hash(const void *engine, uint32_t conn)
{
	const struct tg_engine *e = engine;
	struct tg_tuple t;

	if (conn >= e->conf.conn_max)
		return tg_splice_hash(e, conn);
	tg_conn_tuple(e, conn, &t);
	return tg_tcp_tuple_hash(&t, &e->secret);
}

bool tg_conn_is(const struct tg_engine *e, uint32_t conn, const struct tg_tuple *t)
{
	const struct tg_conn *c = &e->conn[conn];

	if (conn >= e->conf.conn_max)
		return tg_splice_is(e, conn, t);
	if (c->lport != t->lport || c->rport != t->rport)
		return false;
	if (c->flags & TG_CONN_V6)
		return tg_addr_equal(&e->conn6[c->key6].raddr, &t->raddr) &&
		       tg_addr_equal(&e->conn6[c->key6].laddr, &t->laddr);
	return tg_addr_is_v4(&t->raddr) && c->v4.raddr == tg_addr_v4(&t->raddr) &&
	       c->v4.laddr == tg_addr_v4(&t->laddr);
}

uint32_t tg_conn_find(const struct tg_engine *e, const struct tg_tuple *t, uint64_t hash)
{
	uint32_t cand[8];
	uint32_t n = tg_table_find(&e->table, hash, cand, 8);

	for (uint32_t i = 0; i < n; i++)
		if (tg_conn_is(e, cand[i], t))
			return cand[i];
	return TG_NONE;
}

/* --- the pool of connections: what was never used is not touched --- */

bool tg_conn_room(const struct tg_engine *e, bool v6)
{
	return e->conn_count < e->conf.conn_max && (!v6 || e->conn6_count < e->conf.ipv6_max);
}

static uint32_t conn_alloc(struct tg_engine *e)
{
	uint32_t i = e->conn_free;

	if (i != TG_NONE)
		e->conn_free = e->conn[i].word;
	else
		i = e->conn_fresh++;
	e->conn_count++;
	memset(&e->conn[i], 0, sizeof(e->conn[i]));
	tg_timer_init(&e->conn[i].timer);
	return i;
}

static void conn_free(struct tg_engine *e, uint32_t i)
{
	e->conn[i].state = 0;
	e->conn[i].flags = 0;
	e->conn[i].word = e->conn_free;
	e->conn_free = i;
	e->conn_count--;
}

/* The free list of IPv6 keys runs through their first word. */
static uint32_t key6_alloc(struct tg_engine *e)
{
	uint32_t i = e->conn6_free;

	if (i != TG_NONE)
		memcpy(&e->conn6_free, &e->conn6[i], sizeof(uint32_t));
	else
		i = e->conn6_fresh++;
	e->conn6_count++;
	return i;
}

static void key6_free(struct tg_engine *e, uint32_t i)
{
	memcpy(&e->conn6[i], &e->conn6_free, sizeof(uint32_t));
	e->conn6_free = i;
	e->conn6_count--;
}

static void set_key(struct tg_engine *e, struct tg_conn *c, const struct tg_tuple *t)
{
	if (tg_addr_is_v4(&t->raddr)) {
		c->v4.laddr = tg_addr_v4(&t->laddr);
		c->v4.raddr = tg_addr_v4(&t->raddr);
	} else {
		c->flags |= TG_CONN_V6;
		c->key6 = key6_alloc(e);
		e->conn6[c->key6].laddr = t->laddr;
		e->conn6[c->key6].raddr = t->raddr;
	}
	c->lport = t->lport;
	c->rport = t->rport;
}

uint32_t tg_conn_new(struct tg_engine *e, const struct tg_tuple *t, uint64_t hash,
		     uint8_t class_idx, enum tg_tcp_state state, bool active)
{
	if (!tg_conn_room(e, !tg_addr_is_v4(&t->raddr)))
		return TG_NONE;
	uint32_t i = conn_alloc(e);
	struct tg_conn *c = &e->conn[i];

	set_key(e, c, t);
	if (!tg_table_insert(&e->table, hash, i, tg_conn_hash, e)) {
		if (c->flags & TG_CONN_V6)
			key6_free(e, c->key6);
		conn_free(e, i);
		return TG_NONE;
	}
	e->table_gen++;
	c->state = state;
	c->conf = class_idx;
	if (active)
		c->flags |= TG_CONN_ACTIVE;
	e->class[class_idx].refs++;
	e->state_n[state]++;
	e->zwin.rest_n += tg_zwin_is_shut_at_rest(c);
	if (e->sources && !active)
		tg_sources_add(e->sources, &t->raddr, state == TG_SYN_RECEIVED);
	if (state == TG_SYN_RECEIVED && !active)
		tg_listen_half_add(e, e->class[class_idx].listener);
	return i;
}

/* --- the pool of extensions --- */

/* One is kept for the connection whose turn it is (calm.h). */
bool tg_ext_room(const struct tg_engine *e)
{
	return e->ext_used + (e->turn.conn != TG_NONE) < e->conf.ext_max;
}

uint32_t tg_conn_extend(struct tg_engine *e, uint32_t conn)
{
	uint32_t x = e->ext_free;
	struct tg_conn *c = &e->conn[conn];

	assert(tg_ext_room(e) && !(c->flags & TG_CONN_EXT));
	e->zwin.rest_n -= tg_zwin_is_shut_at_rest(c);
	if (x != TG_NONE)
		e->ext_free = e->ext[x].link;
	else
		x = e->ext_fresh++;
	if (e->ext_free != TG_NONE) /* the next one that is taken */
		tg_ext_prefetch(&e->ext[e->ext_free]);
	e->ext_used++;
	e->ext[x].flags = TG_EXT_USED;
	e->ext[x].hash = 0;
	e->ext[x].path_gen = 0; /* what a block says at rest is what was negotiated */
	e->ext[x].link = TG_NONE;
	c->flags |= TG_CONN_EXT;
	c->word = x;
	return x;
}

static void ext_free(struct tg_engine *e, uint32_t x)
{
	assert(!(e->ext[x].flags & (TG_EXT_READY | TG_EXT_KICK | TG_EXT_ZWIN)));
	e->ext[x].flags = 0;
	e->ext[x].link = e->ext_free;
	e->ext_free = x;
	e->ext_used--;
}

/* --- rest and motion --- */

/* Block and connection as they stand before anything new happens. */
void tg_conn_unpack(struct tg_engine *e, uint32_t conn, struct tg_tcb *tcb, uint64_t deadline)
{
	struct tg_conn *c = &e->conn[conn];
	const struct tg_class *k = &e->class[c->conf];

	tg_tcb_unpack(tcb, c, &k->conf, deadline, e->env.now_ms);
	tcb->conn = conn;
	tcb->conf_idx = (uint8_t)c->conf;
	tcb->v6 = (c->flags & TG_CONN_V6) != 0;
	if (c->state == TG_SYN_RECEIVED && !(c->flags & TG_CONN_ACTIVE))
		tcb->word = k->word; /* the 64 bytes have no room for it yet */
}

static uint64_t deadline_of(const struct tg_engine *e, uint32_t conn)
{
	if (!tg_timer_is_armed(&e->conn[conn].timer))
		return 0;
	return tg_wheel_deadline(&e->wheel, conn);
}

uint32_t tg_conn_attach_due(struct tg_engine *e, uint32_t conn, uint64_t deadline)
{
	struct tg_conn *c = &e->conn[conn];

	if (e->turn.conn != TG_NONE) { /* others may take what it was promised */
		uint32_t its = e->turn.conn, x = tg_calm_wake_turn(e);
		if (conn == its)
			return x;
	}
	if (c->flags & TG_CONN_EXT) {
		tg_calm_wake(e, c->word);
		return c->word;
	}
	if (!tg_ext_room(e))
		return TG_NONE;
	uint32_t x = e->ext_free != TG_NONE ? e->ext_free : e->ext_fresh;

	/* Before the extension's index takes the place of the word. */
	tg_conn_unpack(e, conn, &e->ext[x].tcb, deadline);
	tg_conn_extend(e, conn);
	tg_conn_see_path(e, x);
	return x;
}

uint32_t tg_conn_attach(struct tg_engine *e, uint32_t conn)
{
	return tg_conn_attach_due(e, conn, deadline_of(e, conn));
}

/* Exactly: at rest the node is all that knows the deadline. */
static void arm_exactly(struct tg_engine *e, uint32_t conn, uint64_t deadline)
{
	struct tg_timer *t = &e->conn[conn].timer;

	if (!deadline)
		tg_wheel_cancel(&e->wheel, conn);
	else if (!tg_timer_is_armed(t) || tg_wheel_deadline(&e->wheel, conn) != deadline)
		tg_wheel_arm(&e->wheel, conn, deadline);
}

/* Lazily: the node may fire too early, and is then moved. */
void tg_conn_arm(struct tg_engine *e, uint32_t x)
{
	uint32_t conn = e->ext[x].tcb.conn;
	uint64_t deadline = tg_tcb_deadline(&e->ext[x].tcb);
	struct tg_timer *t = &e->conn[conn].timer;

	if (!deadline)
		return;
	if (!tg_timer_is_armed(t) || tg_wheel_deadline(&e->wheel, conn) > deadline)
		tg_wheel_arm(&e->wheel, conn, deadline);
}

void tg_conn_rest(struct tg_engine *e, uint32_t conn, const struct tg_tcb *tcb)
{
	struct tg_conn *c = &e->conn[conn];
	bool was_shut = tg_zwin_is_shut_at_rest(c);
	uint64_t deadline = tg_tcb_pack(tcb, c, e->env.now_ms);

	c->flags &= ~(uint32_t)TG_CONN_EXT;
	bool shut = tg_zwin_is_shut_at_rest(c);

	e->zwin.rest_n = e->zwin.rest_n - was_shut + shut;
	if (!shut)
		tg_bits_clear(&e->zwin.seen, conn);
	arm_exactly(e, conn, deadline);
}

/* After a hole an extension is kept for two seconds (rx.c); the last quarter of the pool is for
 * those that move. */
static void spare_ext(const struct tg_engine *e, struct tg_tcb *tcb)
{
	if (tcb->quick_ms && e->conf.ext_max - e->ext_used < e->conf.ext_max / 4)
		tcb->quick_ms = 0;
}

/* The service's own claims keep a connection from rest. */
static bool may_rest(const struct tg_engine *e, const struct tg_ext *ext)
{
	return !(ext->flags & (TG_EXT_KICK | TG_EXT_WANT_WRITE)) && !ext->tcb.own_conf &&
	       tg_tcb_may_rest(&ext->tcb, e->env.now_ms);
}

void tg_conn_settle(struct tg_engine *e, uint32_t x)
{
	struct tg_ext *ext = &e->ext[x];
	uint32_t conn = ext->tcb.conn;

	assert(!e->busy && !(ext->flags & (TG_EXT_GONE | TG_EXT_READY)));
	tg_zwin_note(e, x);
	spare_ext(e, &ext->tcb);
	if (may_rest(e, ext)) {
		tg_zwin_leave(e, x);
		tg_conn_rest(e, conn, &ext->tcb);
		ext_free(e, x);
	} else {
		tg_conn_arm(e, x);
	}
}

/* A half-open entry that goes on is open for its source, if only until it is retired. */
static void sync_source(struct tg_engine *e, uint32_t conn)
{
	struct tg_tuple t;

	if (!e->sources || !tg_conn_is_half_open(e, conn))
		return;
	tg_conn_tuple(e, conn, &t);
	tg_sources_opened(e->sources, &t.raddr);
}

void tg_conn_sync(struct tg_engine *e, uint32_t x)
{
	const struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_conn *c = &e->conn[tcb->conn];

	if (c->state == tcb->state)
		return;
	if (tg_conn_is_half_open(e, tcb->conn))
		tg_listen_half_sub(e, e->class[c->conf].listener);
	sync_source(e, tcb->conn);
	e->state_n[c->state]--;
	e->state_n[tcb->state]++;
	c->state = tcb->state;
}

/* --- the end --- */

uint32_t tg_conn_dormant(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];

	if (c->flags & TG_CONN_EXT)
		return e->ext[c->word].tcb.dormant;
	if (c->state != TG_SYN_RECEIVED) /* the bit means something else */
		return TG_NONE;
	return (c->flags & TG_CONN_DORMANT) ? c->word : TG_NONE;
}

void tg_conn_dormant_gone(void *engine, uint32_t conn)
{
	struct tg_engine *e = engine;
	struct tg_conn *c = &e->conn[conn];

	if (c->flags & TG_CONN_EXT) {
		e->ext[c->word].tcb.dormant = TG_NONE;
		return;
	}
	c->flags &= ~(uint32_t)TG_CONN_DORMANT;
	c->word = 0;
}

/* A record that still sleeps here gave way to something that did not last: it wakes, with its old
 * deadline (TD-24). */
static void wake_dormant(struct tg_engine *e, uint32_t conn)
{
	uint32_t h = tg_conn_dormant(e, conn);

	if (h == TG_NONE)
		return;
	tg_conn_dormant_gone(e, conn);
	tg_before_wake(e, h);
}

static void to_grave(struct tg_engine *e, uint32_t x)
{
	struct tg_ext *ext = &e->ext[x];

	for (uint32_t i = 0; i < TG_LIST_N; i++)
		tg_ext_list_remove(e, i, x);
	tg_zwin_leave(e, x);
	ext->flags |= TG_EXT_GONE;
	ext->link = e->grave;
	e->grave = x;
}

static void leave_source(struct tg_engine *e, uint32_t conn)
{
	struct tg_tuple t;

	if (!e->sources || (e->conn[conn].flags & TG_CONN_ACTIVE))
		return;
	tg_conn_tuple(e, conn, &t);
	tg_sources_remove(e->sources, &t.raddr, tg_conn_is_half_open(e, conn));
}

void tg_conn_retire(struct tg_engine *e, uint32_t conn)
{
	struct tg_conn *c = &e->conn[conn];
	uint64_t hash = tg_conn_hash_known(e, conn);
	bool removed = tg_table_remove(&e->table, hash, conn);

	assert(removed);
	(void)removed;
	e->table_gen++;
	e->zwin.rest_n -= tg_zwin_is_shut_at_rest(c);
	leave_source(e, conn);
	wake_dormant(e, conn);
	if (tg_conn_is_half_open(e, conn))
		tg_listen_half_sub(e, e->class[c->conf].listener);
	tg_wheel_cancel(&e->wheel, conn);
	tg_bits_clear(&e->write_wait, conn);
	tg_bits_clear(&e->close_wait, conn);
	tg_bits_clear(&e->zwin.seen, conn);
	e->state_n[c->state]--;
	c->state = TG_CLOSED;
	if (c->flags & TG_CONN_EXT)
		to_grave(e, c->word);
}

void tg_conn_free(struct tg_engine *e, uint32_t conn)
{
	struct tg_conn *c = &e->conn[conn];

	tg_class_put(e, (uint8_t)c->conf);
	if (c->flags & TG_CONN_V6)
		key6_free(e, c->key6);
	conn_free(e, conn);
}

void tg_conn_forget(struct tg_engine *e, uint32_t conn)
{
	bool bare = !(e->conn[conn].flags & TG_CONN_EXT);

	tg_conn_retire(e, conn);
	if (bare)
		tg_conn_free(e, conn);
}

bool tg_conn_is_half_open(const struct tg_engine *e, uint32_t conn)
{
	return e->conn[conn].state == TG_SYN_RECEIVED && !(e->conn[conn].flags & TG_CONN_ACTIVE);
}

void tg_conn_bury(struct tg_engine *e)
{
	while (e->grave != TG_NONE) {
		uint32_t x = e->grave;

		e->grave = e->ext[x].link;
		tg_tcb_release(&e->ext[x].tcb, &e->chunks);
		tg_conn_free(e, e->ext[x].tcb.conn);
		ext_free(e, x);
	}
}

void tg_conn_set_mtu(struct tg_engine *e, uint32_t conn)
{
	struct tg_tuple t;
	uint32_t port = 0;

	if (!e->mtu_mixed)
		return;
	tg_conn_tuple(e, conn, &t);
	if (tg_route_is_ours(e->neigh, &t.laddr, &port))
		e->env.mtu = e->conf.port[port].mtu;
}

void tg_conn_set_path(struct tg_engine *e, uint32_t x)
{
	struct tg_ext *ext = &e->ext[x];
	struct tg_tuple t;

	tg_conn_tuple(e, ext->tcb.conn, &t);
	ext->path_gen = e->paths->gen;
	tg_pmtu_set(&ext->tcb, tg_paths_find(e->paths, &t.raddr));
}
