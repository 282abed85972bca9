/* SPDX-License-Identifier: BSD-3-Clause */
/* validate.c (ADV-92): the invariants I1..I12 of engine.h, and those of the rooms below. O(n). */
#include "engine.h"
#include "pool.h"
#include "source.h"
#include "splice.h"
#include <stdarg.h>
#include <stdio.h>

struct check {
	const struct tg_engine *e;
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 2, 3))) static bool fault(const struct check *k, const char *format,
							...)
{
	va_list ap;

	va_start(ap, format);
	if (k->why_size)
		vsnprintf(k->why, k->why_size, format, ap);
	va_end(ap);
	return false;
}

/* --- pools --- */

static bool check_conn_pool(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t used = 0, used6 = 0, free = 0;

	for (uint32_t i = 0; i < e->conn_fresh; i++) {
		used += e->conn[i].state != 0;
		used6 += e->conn[i].state != 0 && (e->conn[i].flags & TG_CONN_V6);
	}
	for (uint32_t i = e->conn_free; i != TG_NONE && free <= e->conn_fresh; free++) {
		if (i >= e->conn_fresh || e->conn[i].state != 0)
			return fault(k, "I2: connection %u is free and in use", i);
		i = e->conn[i].word;
	}
	if (used != e->conn_count || used + free != e->conn_fresh)
		return fault(k, "I2: connections: %u used, %u counted, %u free, %u handed out",
			     used, e->conn_count, free, e->conn_fresh);
	if (used6 != e->conn6_count)
		return fault(k, "I2: %u IPv6 connections, %u keys", used6, e->conn6_count);
	return true;
}

static bool check_ext_pool(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t used = 0, free = 0;

	for (uint32_t x = 0; x < e->ext_fresh; x++)
		used += (e->ext[x].flags & TG_EXT_USED) != 0;
	for (uint32_t x = e->ext_free; x != TG_NONE && free <= e->ext_fresh; free++) {
		if (x >= e->ext_fresh || e->ext[x].flags)
			return fault(k, "I2: extension %u is free and in use", x);
		x = e->ext[x].link;
	}
	if (used != e->ext_used || used + free != e->ext_fresh)
		return fault(k, "I2: extensions: %u used, %u counted, %u free, %u handed out", used,
			     e->ext_used, free, e->ext_fresh);
	if (e->grave != TG_NONE)
		return fault(k, "I8: a grave is left between calls");
	return true;
}

/* Marks chunk c; false when it was marked before. */
static bool mark(const struct tg_engine *e, uint32_t c)
{
	uint64_t bit = 1ull << (c & 63);

	if (c >= e->chunks.n || (e->mark[c >> 6] & bit))
		return false;
	e->mark[c >> 6] |= bit;
	return true;
}

/* A span that is mapped hides its chunks behind its maps; those are counted, not marked. */
static bool mark_span(const struct tg_engine *e, const struct tg_span *s)
{
	for (uint32_t i = 0; i < 8; i++)
		if (s->slot[i] != TG_NONE && s->chunk_n && !mark(e, s->slot[i]))
			return false;
	return true;
}

static bool check_chunks(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t held = 0, listed = 0;

	memset(e->mark, 0, ((size_t)e->chunks.n + 63) / 64 * sizeof(uint64_t));
	for (uint32_t x = 0; x < e->ext_fresh; x++) {
		const struct tg_tcb *tcb = &e->ext[x].tcb;
		if (!(e->ext[x].flags & TG_EXT_USED))
			continue;
		held += tcb->tx.chunk_n + tcb->rx.chunk_n + (tcb->ooo != TG_NONE) +
			(tcb->sent.chunk != TG_NONE);
		if (!mark_span(e, &tcb->tx) || !mark_span(e, &tcb->rx) ||
		    (tcb->ooo != TG_NONE && !mark(e, tcb->ooo)) ||
		    (tcb->sent.chunk != TG_NONE && !mark(e, tcb->sent.chunk)))
			return fault(k, "I2: extension %u holds a chunk of another", x);
	}
	for (uint32_t c = e->chunks.free_head; c != TG_NONE; listed++) {
		if (!mark(e, c))
			return fault(k, "I2: chunk %u is free and in use, or free twice", c);
		memcpy(&c, tg_chunks_at(&e->chunks, c), sizeof(c));
	}
	if (listed + (e->chunks.n - e->chunks.fresh) != e->chunks.free_n ||
	    held + e->chunks.free_n != e->chunks.n)
		return fault(k, "I2: chunks: %u held, %u free of %u", held, e->chunks.free_n,
			     e->chunks.n);
	return true;
}

/* --- connections --- */

static bool check_moving(const struct check *k, uint32_t i)
{
	const struct tg_engine *e = k->e;
	const struct tg_conn *c = &e->conn[i];
	const struct tg_ext *ext = &e->ext[c->word];
	const char *why = "";

	if (c->word >= e->ext_fresh || !(ext->flags & TG_EXT_USED) || ext->tcb.conn != i)
		return fault(k, "I5: connection %u and its extension do not agree", i);
	if (ext->tcb.state != c->state || ext->tcb.conf_idx != c->conf)
		return fault(k, "I5: connection %u: state %u, its block's %u", i, c->state,
			     ext->tcb.state);
	if (ext->flags & TG_EXT_CALM)
		return tg_timer_is_armed(&c->timer) ||
		       fault(k, "I6: connection %u waits for an answer, and has no timer", i);
	if (!tg_tcb_validate(&ext->tcb, &e->chunks, &why))
		return fault(k, "I9: connection %u: %s", i, why);
	uint64_t deadline = tg_tcb_deadline(&ext->tcb);

	if (deadline && deadline < e->wheel.now)
		deadline = e->wheel.now; /* armed in the past is due at once */
	if (deadline && !(ext->flags & TG_EXT_READY) &&
	    (!tg_timer_is_armed(&c->timer) || tg_wheel_deadline(&e->wheel, i) > deadline))
		return fault(k, "I6: connection %u is due at %llu, its timer at %llu", i,
			     (unsigned long long)deadline,
			     tg_timer_is_armed(&c->timer)
				 ? (unsigned long long)tg_wheel_deadline(&e->wheel, i)
				 : 0ull);
	return true;
}

/* A state that at rest nothing would ever end has lost something. */
static bool check_resting(const struct check *k, uint32_t i)
{
	const struct tg_conn *c = &k->e->conn[i];
	bool armed = tg_timer_is_armed(&c->timer);

	switch ((enum tg_tcp_state)c->state) {
	case TG_SYN_RECEIVED:
		return armed || fault(k, "I7: half-open connection %u has no timer", i);
	case TG_ESTABLISHED:
	case TG_CLOSE_WAIT:
	case TG_FIN_WAIT_2:
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_FIN_WAIT_1:
	case TG_CLOSING:
	case TG_LAST_ACK:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	return fault(k, "I7: connection %u rests in %s", i,
		     tg_tcp_state_name((enum tg_tcp_state)c->state));
}

static bool check_conns(const struct check *k)
{
	const struct tg_engine *e = k->e;

	for (uint32_t i = 0; i < e->conn_fresh; i++) {
		const struct tg_conn *c = &e->conn[i];
		struct tg_tuple t;
		if (c->state == 0)
			continue;
		tg_conn_tuple(e, i, &t);
		if (tg_conn_find(e, &t, tg_conn_hash(e, i)) != i)
			return fault(k, "I1: connection %u is not in the table", i);
		if (e->class[c->conf].refs == 0)
			return fault(k, "I3: connection %u has a class that is free", i);
		if (!((c->flags & TG_CONN_EXT) ? check_moving(k, i) : check_resting(k, i)))
			return false;
	}
	uint32_t slots = e->splices ? 2 * e->splices->n - e->splices->dormant_n : 0;

	if (e->table.count != e->conn_count + slots)
		return fault(k, "I1: %u connections, %u places of splices, %u in the table",
			     e->conn_count, slots, e->table.count);
	return true;
}

/* --- counts --- */

static bool check_states(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t state_n[TG_STATE_N] = {0}, half_n[TG_LISTENER_MAX] = {0};

	for (uint32_t i = 0; i < e->conn_fresh; i++) {
		const struct tg_conn *c = &e->conn[i];
		if (c->state == 0)
			continue;
		state_n[c->state]++;
		if (c->state == TG_SYN_RECEIVED && !(c->flags & TG_CONN_ACTIVE))
			half_n[e->class[c->conf].listener]++;
	}
	for (int s = 1; s < TG_STATE_N; s++)
		if (state_n[s] != e->state_n[s])
			return fault(k, "I4: %u connections in %s, %u counted", state_n[s],
				     tg_tcp_state_name((enum tg_tcp_state)s), e->state_n[s]);
	for (int l = 0; l < TG_LISTENER_MAX; l++)
		if (e->listener[l].used && half_n[l] != e->listener[l].half_n)
			return fault(k, "I4: listener %d: %u half-open, %u counted", l, half_n[l],
				     e->listener[l].half_n);
	return true;
}

static bool check_classes(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t refs[TG_CONF_MAX + 1] = {0};

	for (uint32_t i = 0; i < e->conn_fresh; i++)
		if (e->conn[i].state)
			refs[e->conn[i].conf]++;
	for (int l = 0; l < TG_LISTENER_MAX; l++) {
		if (!e->listener[l].used)
			continue;
		refs[e->listener[l].class_idx]++;
		if (e->class[e->listener[l].class_idx].listener != l)
			return fault(k, "I3: listener %d and its class do not agree", l);
	}
	for (int i = 0; i < TG_CONF_MAX; i++)
		if (refs[i] != e->class[i].refs)
			return fault(k, "I3: class %d: %u references, %u counted", i, refs[i],
				     e->class[i].refs);
	return true;
}

static bool check_list(const struct check *k, uint32_t which, uint32_t flag)
{
	const struct tg_ext_list *l = &k->e->list[which];
	uint32_t n = 0, prev = TG_NONE, flagged = 0;

	for (uint32_t x = l->head; x != TG_NONE && n <= l->n; x = k->e->ext[x].next[which], n++) {
		if (!(k->e->ext[x].flags & flag) || k->e->ext[x].prev[which] != prev)
			return fault(k, "I5: list %u is broken at extension %u", which, x);
		prev = x;
	}
	for (uint32_t x = 0; x < k->e->ext_fresh; x++)
		flagged += (k->e->ext[x].flags & flag) != 0;
	if (n != l->n || flagged != n || l->tail != prev)
		return fault(k, "I5: list %u has %u, counts %u", which, n, l->n);
	return true;
}

static bool check_bits(const struct check *k, const struct tg_bits *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->word_n * 64; i++) {
		if (!tg_bits_has(b, i))
			continue;
		if (!tg_conn_used(k->e, i))
			return fault(k, "I9: connection %u waits and is not in use", i);
		n++;
	}
	return n == b->set_n || fault(k, "I9: %u marks, %u counted", n, b->set_n);
}

static bool check_rooms(const struct check *k)
{
	const struct tg_engine *e = k->e;
	const char *why;

	if (!tg_table_validate(&e->table, tg_conn_hash, e))
		return fault(k, "I9: the table is broken");
	if (!tg_wheel_validate(&e->wheel))
		return fault(k, "I9: the wheel is broken");
	if (!tg_tw_store_validate(e->tw))
		return fault(k, "I9: the TIME-WAIT store is broken");
	if (!tg_paths_validate(e->paths))
		return fault(k, "I9: the store of path MTUs is broken");
	if (!tg_pools_validate(e, &why))
		return fault(k, "I9: pools: %s", why);
	if (!tg_splices_validate(e, &why))
		return fault(k, "I9: %s", why);
	if (!tg_neigh_validate(e->neigh))
		return fault(k, "I9: the neighbour table is broken");
	return check_bits(k, &e->write_wait) && check_bits(k, &e->zwin.seen) &&
	       check_bits(k, &e->close_wait) && check_list(k, TG_LIST_READY, TG_EXT_READY) &&
	       check_list(k, TG_LIST_KICK, TG_EXT_KICK);
}

static bool check_zwin_list(const struct check *k, uint32_t i)
{
	const struct tg_engine *e = k->e;
	const struct tg_zwin_list *l = &e->zwin.list[i];
	uint32_t x = l->head, prev = TG_NONE;

	for (uint32_t n = 0; n < l->n; n++) {
		const struct tg_ext *ext = x < e->ext_fresh ? &e->ext[x] : NULL;
		if (!ext || !(ext->flags & TG_EXT_ZWIN) || ext->zwin_list != i ||
		    ext->zwin_prev != prev)
			return fault(k, "I11: list %u of closed windows is broken", i);
		if (n == 0 ? ext->zwin_ms != l->since_ms : ext->zwin_ms < e->ext[prev].zwin_ms)
			return fault(k, "I11: list %u of closed windows is out of order", i);
		prev = x;
		x = ext->zwin_next;
	}
	return l->n == 0 || (prev == l->tail && x == TG_NONE) ||
	       fault(k, "I11: list %u of closed windows does not end", i);
}

static bool check_zwin(const struct check *k)
{
	const struct tg_engine *e = k->e;
	uint32_t flagged = 0, listed = 0, resting = 0;

	for (uint32_t i = 0; i < TG_ZWIN_LISTS; i++) {
		listed += e->zwin.list[i].n;
		if (!check_zwin_list(k, i))
			return false;
	}
	for (uint32_t x = 0; x < e->ext_fresh; x++)
		flagged += (e->ext[x].flags & TG_EXT_ZWIN) != 0;
	for (uint32_t i = 0; i < e->conn_fresh; i++)
		resting += tg_zwin_is_shut_at_rest(&e->conn[i]);
	if (flagged != listed || listed != e->zwin.n || resting != e->zwin.rest_n)
		return fault(
		    k, "I11: closed windows: %u marked, %u listed, %u counted; at rest %u, %u",
		    flagged, listed, e->zwin.n, resting, e->zwin.rest_n);
	return true;
}

static bool check_sources(const struct check *k)
{
	const struct tg_engine *e = k->e;
	struct tg_source_count want = {0, 0}, got;

	if (!e->sources)
		return true;
	for (uint32_t i = 0; i < e->conn_fresh; i++) {
		const struct tg_conn *c = &e->conn[i];
		if (c->state == 0 || (c->flags & TG_CONN_ACTIVE))
			continue;
		if (c->state == TG_SYN_RECEIVED)
			want.half++;
		else
			want.open++;
	}
	want.open += tg_splices_open(e);
	got = tg_sources_sum(e->sources);
	return (got.open == want.open && got.half == want.half) ||
	       fault(k, "I12: sources hold %u open, %u half-open; there are %u, %u", got.open,
		     got.half, want.open, want.half);
}

static bool check_counters(const struct check *k)
{
	const struct tg_counters *c = &k->e->ctr;
	uint64_t sum = c->v[TG_CTR_rx_accepted] + tg_ctr_drops(c);

	return c->v[TG_CTR_rx_segments] == sum ||
	       fault(k, "I10: %llu packets handed in, %llu accepted or dropped",
		     (unsigned long long)c->v[TG_CTR_rx_segments], (unsigned long long)sum);
}

bool tg_engine_validate(const struct tg_engine *e, char *why, size_t why_size)
{
	const struct check k = {e, why, why_size};

	return check_conn_pool(&k) && check_ext_pool(&k) && check_chunks(&k) && check_conns(&k) &&
	       check_states(&k) && check_classes(&k) && check_rooms(&k) && check_zwin(&k) &&
	       check_sources(&k) && check_counters(&k);
}
