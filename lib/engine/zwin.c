/* SPDX-License-Identifier: BSD-3-Clause */
/* zwin.c: peers whose window stays closed (ADV-49, ADV-55, RFC 6429). As long as they answer, a
 * connection with a closed window lives for ever (MUST-36, MUST-37): that is the protocol. When
 * connections, extensions or buffers run short, it is what has to go, and it costs nobody else.
 *
 * Those that move are on lists by a hash of their source, each list by age. Under pressure the
 * oldest of the longest list is aborted: who holds most such connections loses first, and an
 * attacker's many do not take an honest peer's one with them. A window may be closed for a moment
 * in any honest transfer, so each is given zero_window_ms; but not a source that by itself holds
 * more than its part of the extensions. The lists are a thousand, under a key that nobody knows;
 * sharing one with an attacker can only be had by chance.
 *
 * Those at rest (nothing is queued for them) hold 64 bytes and no list. When connections run short,
 * they are searched for in laps around the pool, a bounded step a call: who is found with a closed
 * window in two laps in a row is aborted. */
#include "engine.h"
#include "source.h"

enum {
	ABORT_BUDGET = 16, /* connections in one call */
	SCAN_BUDGET = 256, /* connections at rest looked at in one call */
	SCARCE = 16,       /* pressure: less than one part in so many is left */
};

static bool is_scarce(uint32_t free, uint32_t all)
{
	return free <= all / SCARCE;
}

static bool is_conn_scarce(const struct tg_engine *e)
{
	return is_scarce(e->conf.conn_max - e->conn_count, e->conf.conn_max);
}

static bool is_pressed(const struct tg_engine *e)
{
	return is_scarce(e->conf.ext_max - e->ext_used, e->conf.ext_max) ||
	       is_scarce(e->chunks.free_n, e->chunks.n) || is_conn_scarce(e);
}

/* SND.WND = 0 where something may still be sent. */
static bool is_shut(const struct tg_tcb *tcb)
{
	return tg_data_may_send(tcb) && tcb->snd.wnd == 0;
}

bool tg_zwin_is_shut_at_rest(const struct tg_conn *c)
{
	return !(c->flags & TG_CONN_EXT) &&
	       (c->state == TG_ESTABLISHED || c->state == TG_CLOSE_WAIT) && c->snd_wnd == 0;
}

/* --- the lists --- */

static struct tg_zwin_list *list_of(struct tg_engine *e, uint32_t x)
{
	return &e->zwin.list[e->ext[x].zwin_list];
}

/* Who holds so many has no time to be waited for. */
static bool is_hog(const struct tg_engine *e, const struct tg_zwin_list *l)
{
	return l->n > 1 + e->conf.ext_max / SCARCE;
}

static void join(struct tg_engine *e, uint32_t x)
{
	struct tg_ext *ext = &e->ext[x];
	struct tg_tuple t;

	tg_conn_tuple(e, ext->tcb.conn, &t);
	struct tg_source src = tg_source_of(&t.raddr);

	ext->zwin_list = (uint16_t)(tg_source_hash(&src, &e->secret.tuple) & (TG_ZWIN_LISTS - 1));
	struct tg_zwin_list *l = list_of(e, x);

	ext->flags |= TG_EXT_ZWIN;
	ext->zwin_ms = e->env.now_ms;
	ext->zwin_next = TG_NONE;
	ext->zwin_prev = l->n ? l->tail : TG_NONE;
	if (l->n)
		e->ext[l->tail].zwin_next = x;
	else
		l->head = x, l->since_ms = ext->zwin_ms;
	l->tail = x;
	l->n++;
	uint64_t due = e->env.now_ms + (is_hog(e, l) ? 0 : e->conf.zero_window_ms);

	if (e->zwin.n++ == 0 || due < e->zwin.next_ms)
		e->zwin.next_ms = due;
}

void tg_zwin_leave(struct tg_engine *e, uint32_t x)
{
	struct tg_ext *ext = &e->ext[x];

	if (!(ext->flags & TG_EXT_ZWIN))
		return;
	struct tg_zwin_list *l = list_of(e, x);

	ext->flags &= ~(uint32_t)TG_EXT_ZWIN;
	l->n--;
	e->zwin.n--;
	if (ext->zwin_next != TG_NONE)
		e->ext[ext->zwin_next].zwin_prev = ext->zwin_prev;
	else
		l->tail = ext->zwin_prev;
	if (ext->zwin_prev != TG_NONE) {
		e->ext[ext->zwin_prev].zwin_next = ext->zwin_next;
		return;
	}
	l->head = ext->zwin_next;
	if (l->n)
		l->since_ms = e->ext[l->head].zwin_ms;
}

void tg_zwin_note(struct tg_engine *e, uint32_t x)
{
	bool shut = is_shut(&e->ext[x].tcb);

	if (shut == ((e->ext[x].flags & TG_EXT_ZWIN) != 0))
		return;
	if (shut)
		join(e, x);
	else
		tg_zwin_leave(e, x);
}

/* --- under pressure --- */

/* The oldest of the source that has most, if it has waited long enough or is one of too many;
 * TG_NONE, and when to look again. */
static uint32_t pick(struct tg_engine *e)
{
	struct tg_zwin_list *l = e->zwin.list, *best = NULL;
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < TG_ZWIN_LISTS; i++) {
		if (l[i].n == 0)
			continue;
		uint64_t due = l[i].since_ms + e->conf.zero_window_ms;
		if (due > e->env.now_ms && !is_hog(e, &l[i]))
			next = due < next ? due : next;
		else if (!best || l[i].n > best->n ||
			 (l[i].n == best->n && l[i].since_ms < best->since_ms))
			best = &l[i];
	}
	if (best)
		return best->head;
	e->zwin.next_ms = next;
	return TG_NONE;
}

static void give_up(struct tg_engine *e, uint32_t conn)
{
	tg_ctr_inc(&e->ctr, TG_CTR_zwin_abort);
	tg_event_abort(e, conn, TG_CLOSE_TIMEOUT);
	tg_conn_reap(e);
}

static void relieve(struct tg_engine *e)
{
	for (uint32_t i = 0; i < ABORT_BUDGET && e->zwin.n && is_pressed(e); i++) {
		uint32_t x = e->zwin.next_ms <= e->env.now_ms ? pick(e) : TG_NONE;
		if (x == TG_NONE)
			return;
		if (is_shut(&e->ext[x].tcb))
			give_up(e, e->ext[x].tcb.conn);
		else
			tg_zwin_leave(e, x); /* it opened in this very call */
	}
}

static bool is_scan_due(const struct tg_engine *e)
{
	return e->zwin.rest_n && is_conn_scarce(e);
}

/* One step of a lap: seen the first time it is marked, seen again it goes. */
static void scan_one(struct tg_engine *e, uint32_t conn)
{
	if (!tg_zwin_is_shut_at_rest(&e->conn[conn]))
		tg_bits_clear(&e->zwin.seen, conn);
	else if (!tg_bits_has(&e->zwin.seen, conn))
		tg_bits_set(&e->zwin.seen, conn);
	else
		give_up(e, conn);
}

static void scan(struct tg_engine *e)
{
	struct tg_zwin *z = &e->zwin;
	uint64_t aborts = e->ctr.v[TG_CTR_zwin_abort] + ABORT_BUDGET;

	if (!is_scan_due(e) || e->env.now_ms < z->scan_ms)
		return;
	if (z->cursor == 0)
		z->lap_ms = e->env.now_ms;
	z->scan_ms = e->env.now_ms + 1;
	for (uint32_t i = 0; i < SCAN_BUDGET && is_scan_due(e); i++) {
		if (e->ctr.v[TG_CTR_zwin_abort] >= aborts)
			return;
		scan_one(e, z->cursor);
		if (++z->cursor < e->conn_fresh)
			continue;
		z->cursor = 0;
		z->scan_ms = z->lap_ms + (e->conf.zero_window_ms ? e->conf.zero_window_ms : 1);
		return;
	}
}

void tg_zwin_run(struct tg_engine *e)
{
	if (e->zwin.n)
		relieve(e);
	if (e->zwin.rest_n)
		scan(e);
}

uint64_t tg_zwin_next(const struct tg_engine *e)
{
	uint64_t next = e->zwin.n && is_pressed(e) ? e->zwin.next_ms : UINT64_MAX;

	return is_scan_due(e) && e->zwin.scan_ms < next ? e->zwin.scan_ms : next;
}
