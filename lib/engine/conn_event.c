/* SPDX-License-Identifier: BSD-3-Clause */
/* conn_event.c: what the machine said is done: replies, services told, connections that end. */
#include "before.h"
#include "rate.h"

static const struct tg_class *class_of(const struct tg_engine *e, uint32_t conn)
{
	return &e->class[e->conn[conn].conf];
}

static bool is_gone(const struct tg_ext *ext)
{
	return (ext->flags & TG_EXT_GONE) != 0;
}

/* An active open has its service from the start, a passive one from ESTABLISHED on; after a full
 * close none has (SE-07, TD-12). */
static inline bool has_service(const struct tg_conn *c, bool orphan)
{
	return !orphan && ((c->flags & TG_CONN_ACTIVE) || c->state != TG_SYN_RECEIVED);
}

bool tg_event_has_service(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];
	const struct tg_tcb *tcb = tg_conn_tcb(e, c);

	return has_service(c, tcb ? tcb->orphan : (c->flags & TG_CONN_ORPHAN) != 0);
}

typedef void (*tell_fn)(void *ctx, struct tg_engine *engine, uint32_t conn);

static void tell(struct tg_engine *e, uint32_t conn, tell_fn fn)
{
	if (!fn)
		return;
	e->busy++;
	fn(class_of(e, conn)->ctx, e, conn);
	e->busy--;
}

void tg_event_closed(struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	const struct tg_class *k = class_of(e, conn);

	if (!k->service || !k->service->closed)
		return;
	e->busy++;
	k->service->closed(k->ctx, e, conn, reason);
	e->busy--;
}

/* --- replies --- */

static void dest_of(const struct tg_engine *e, uint32_t conn, const struct tg_tcp_conf *conf,
		    struct tg_tuple *tuple, struct tg_dest *to)
{
	tg_conn_tuple(e, conn, tuple);
	*to = (struct tg_dest){.tuple = tuple, .ttl = conf->ttl, .dscp = conf->dscp};
}

static void reply(struct tg_engine *e, uint32_t x, struct tg_seg *seg, struct tg_rx *rx)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_tuple tuple;
	struct tg_dest to;

	dest_of(e, tcb->conn, tcb->conf, &tuple, &to);
	if (seg->ctl & TG_TCP_RST) {
		tg_tx_rst(e, &to, seg, rx);
		return;
	}
	if (tg_tx_reply(e, &to, seg, rx))
		return;
	/* Out of room. An ACK may as well come out of tg_tcp_output later; a SYN-ACK has its
	 * timer. */
	if (tcb->state >= TG_ESTABLISHED)
		tcb->ack_now = true;
	else
		tg_ctr_inc(&e->ctr, TG_CTR_tx_reply_lost);
}

/* --- events --- */

/* RB-21: the others that use the path see it when they send next. */
static void learn_path(struct tg_engine *e, uint32_t x)
{
	const struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_tuple t;

	tg_conn_tuple(e, tcb->conn, &t);
	tg_paths_learn(e->paths, &t.raddr, tg_pmtu(tcb), e->env.now_ms);
	e->ext[x].path_gen = e->paths->gen;
}

static void opened(struct tg_engine *e, uint32_t x)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	const struct tg_class *k = class_of(e, tcb->conn);
	struct tg_tuple t;
	struct tg_addr hop;
	uint32_t port;

	tg_conn_set_path(e, x); /* what the peer's SYN allows is known only now */
	tg_conn_tuple(e, tcb->conn, &t);
	if (tcb->dormant != TG_NONE) { /* TD-24: the new incarnation is real */
		uint32_t h = tcb->dormant;
		tcb->dormant = TG_NONE;
		tg_before_remove(e, h);
	}
	tg_budget_prove(e->budget, &t.raddr, e->env.now_ms);
	tg_cookies_opened(e, x);
	if (e->rates && !tcb->active)
		tg_rates_charge(e->rates, &t.raddr, e->env.now_ns);
	if (tg_route_find(e->neigh, &t.laddr, &t.raddr, &port, &hop))
		tg_neigh_confirm(e->neigh, port, &hop, e->env.now_ms);
	if (k->listener != TG_NO_LISTENER && k->service && k->service->has_accept_queue)
		e->listener[k->listener].pending++;
	if (k->service)
		tell(e, tcb->conn, k->service->opened);
}

/* DT-08: the neighbour may have moved. */
static void doubt(struct tg_engine *e, uint32_t conn)
{
	struct tg_tuple t;
	struct tg_addr hop;
	uint32_t port;

	tg_conn_tuple(e, conn, &t);
	if (tg_route_find(e->neigh, &t.laddr, &t.raddr, &port, &hop))
		tg_neigh_doubt(e->neigh, port, &hop, e->env.now_ms);
}

static bool may_tell(const struct tg_engine *e, uint32_t x)
{
	const struct tg_ext *ext = &e->ext[x];

	return !is_gone(ext) && has_service(&e->conn[ext->tcb.conn], ext->tcb.orphan);
}

/* Everything but the end. */
static void tell_events(struct tg_engine *e, uint32_t x, uint32_t events)
{
	struct tg_ext *ext = &e->ext[x];
	uint32_t conn = ext->tcb.conn;
	const struct tg_service *s = class_of(e, conn)->service;

	if (!s)
		return;
	if ((events & TG_EV_SOFT) && s->soft_error && may_tell(e, x)) {
		e->busy++;
		s->soft_error(class_of(e, conn)->ctx, e, conn, ext->tcb.soft_error);
		e->busy--;
	}
	if ((events & TG_EV_URGENT) && may_tell(e, x))
		tell(e, conn, s->urgent);
	if ((events & (TG_EV_READABLE | TG_EV_EOF)) && may_tell(e, x))
		tell(e, conn, s->readable);
	if ((ext->flags & TG_EXT_WANT_WRITE) && may_tell(e, x) && tg_tcp_send_room(&ext->tcb) > 0) {
		ext->flags &= ~(uint32_t)TG_EXT_WANT_WRITE;
		tell(e, conn, s->writable);
	}
	if ((events & TG_EV_SERVICE) && may_tell(e, x))
		tell(e, conn, s->expired);
}

/* CLOSED: the service, if it ever had the connection, hears it last, when the tuple is free again.
 */
static void end(struct tg_engine *e, uint32_t x, bool had_service, enum tg_close_reason reason)
{
	uint32_t conn = e->ext[x].tcb.conn;

	tg_conn_retire(e, conn);
	if (had_service)
		tg_event_closed(e, conn, reason);
}

static void to_record(struct tg_engine *e, uint32_t x, enum tg_close_reason reason)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	uint32_t conn = tcb->conn;
	bool told = tg_event_has_service(e, conn);
	struct tg_tuple t;
	struct tg_tw tw;

	tg_conn_tuple(e, conn, &t);
	tg_tw_make(&tw, tcb, tg_conn_hash_known(e, conn), tg_tcp_ts_offset(&t, &e->env),
		   e->env.now_ms + 2ull * e->conf.msl_ms);
	tg_conn_retire(e, conn);
	tg_tw_store_add(e->tw, &tw, e->env.now_ms);
	tg_ctr_inc(&e->ctr, TG_CTR_tw_entered);
	if (told)
		tg_event_closed(e, conn, reason);
}

void tg_event_time_wait(struct tg_engine *e, uint32_t x)
{
	to_record(e, x, TG_CLOSE_NORMAL);
}

void tg_event_apply(struct tg_engine *e, uint32_t x, struct tg_act *act, struct tg_rx *rx)
{
	struct tg_ext *ext = &e->ext[x];
	/* Before the state is CLOSED, which tells nothing any more. */
	bool had_service =
	    has_service(&e->conn[ext->tcb.conn], ext->tcb.orphan) || (act->events & TG_EV_OPENED);

	if (act->has_reply)
		reply(e, x, &act->reply, rx);
	tg_conn_sync(e, x);
	if (act->events & TG_EV_PTB)
		learn_path(e, x);
	if (act->events & TG_EV_OPENED)
		opened(e, x);
	if (act->events & TG_EV_NEIGH)
		doubt(e, ext->tcb.conn);
	if (had_service && (act->events || (ext->flags & TG_EXT_WANT_WRITE)) && !is_gone(ext))
		tell_events(e, x, act->events);
	if (is_gone(ext))
		return;
	if (act->events & TG_EV_CLOSED)
		end(e, x, had_service, act->reason);
	else
		tg_ext_list_add(e, TG_LIST_READY, x);
}

/* --- closes and aborts --- */

bool tg_event_close(struct tg_engine *e, uint32_t conn)
{
	struct tg_act act;

	if (conn == e->turn.conn && tg_calm_close(e))
		return true;
	uint32_t x = tg_conn_attach(e, conn);

	if (x == TG_NONE)
		return false;
	tg_conn_set_mtu(e, conn);
	tg_tcp_close(&e->ext[x].tcb, &e->env, &act);
	e->ext[x].flags &= ~(uint32_t)TG_EXT_WANT_WRITE;
	tg_ext_list_remove(e, TG_LIST_KICK, x);
	tg_bits_clear(&e->write_wait, conn);
	tg_bits_clear(&e->close_wait, conn);
	e->ext[x].tcb.orphan = true;
	tg_event_apply(e, x, &act, NULL);
	return true;
}

/* A connection at rest needs no extension to be aborted: it says one RST and is gone. */
static void abort_resting(struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	bool told = tg_event_has_service(e, conn);
	struct tg_tcb *tcb = &e->scratch;
	struct tg_tuple tuple;
	struct tg_dest to;
	struct tg_act act;

	tg_conn_unpack(e, conn, tcb, 0);
	dest_of(e, conn, tcb->conf, &tuple, &to);
	tg_tcp_abort(tcb, reason, &e->env, &act);
	tg_tcb_release(tcb, &e->chunks);
	tg_conn_retire(e, conn);
	if (act.has_reply)
		tg_tx_rst(e, &to, &act.reply, NULL);
	if (told)
		tg_event_closed(e, conn, reason);
	tg_conn_free(e, conn);
}

void tg_event_abort(struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	struct tg_conn *c = &e->conn[conn];
	struct tg_act act;

	if (conn == e->turn.conn || (c->flags & TG_CONN_EXT))
		tg_conn_attach(e, conn);
	if (!(c->flags & TG_CONN_EXT)) {
		abort_resting(e, conn, reason);
		return;
	}
	uint32_t x = c->word;

	if (c->state == TG_TIME_WAIT) { /* UC-07: the record stays */
		to_record(e, x, reason);
		return;
	}
	tg_tcp_abort(&e->ext[x].tcb, reason, &e->env, &act);
	tg_event_apply(e, x, &act, NULL);
}

/* --- what waits --- */

bool tg_event_is_waiting(const struct tg_engine *e)
{
	bool scan = (e->aborting || (e->draining && tg_ext_room(e))) && !e->scan_done;

	return e->list[TG_LIST_READY].n || e->list[TG_LIST_KICK].n || e->rst_n || scan;
}

static void poll_kicks(struct tg_engine *e)
{
	/* Only those that are here now: a service that kicks itself again waits for the next call.
	 */
	for (uint32_t n = e->list[TG_LIST_KICK].n; n && e->list[TG_LIST_KICK].n; n--) {
		uint32_t x = e->list[TG_LIST_KICK].head;
		const struct tg_service *s = class_of(e, e->ext[x].tcb.conn)->service;

		tg_ext_list_remove(e, TG_LIST_KICK, x);
		tg_ext_list_add(e, TG_LIST_READY, x);
		if (s && may_tell(e, x))
			tell(e, e->ext[x].tcb.conn, s->readable);
		tg_conn_reap(e);
	}
}

static void poll_closes(struct tg_engine *e)
{
	for (uint32_t i = 0; i < TG_POLL_BUDGET && e->close_wait.set_n && tg_ext_room(e); i++) {
		tg_event_close(e, tg_bits_next(&e->close_wait));
		tg_conn_reap(e);
	}
}

static void poll_writes(struct tg_engine *e)
{
	for (uint32_t i = 0; i < TG_POLL_BUDGET && e->write_wait.set_n; i++) {
		if (!tg_ext_room(e) || e->chunks.free_n == 0)
			return;
		uint32_t conn = tg_bits_next(&e->write_wait);
		uint32_t x = tg_conn_attach(e, conn);
		const struct tg_service *s = class_of(e, conn)->service;

		tg_bits_clear(&e->write_wait, conn);
		tg_ext_list_add(e, TG_LIST_READY, x);
		if (s && may_tell(e, x))
			tell(e, conn, s->writable);
		tg_conn_reap(e);
	}
}

void tg_event_poll(struct tg_engine *e)
{
	poll_kicks(e);
	poll_closes(e);
	poll_writes(e);
}

/* --- the end of everything, in small steps (TD-32) --- */

static bool is_idle(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];

	return !(c->flags & TG_CONN_EXT) &&
	       (c->state == TG_ESTABLISHED || c->state == TG_CLOSE_WAIT) &&
	       tg_event_has_service(e, conn);
}

void tg_event_rested(struct tg_engine *e, uint32_t conn)
{
	if (e->draining && is_idle(e, conn))
		e->scan_done = false, e->scan = e->scan < conn ? e->scan : conn;
}

/* True when conn is seen to; false: no room now, again later. */
static bool scan_one(struct tg_engine *e, uint32_t conn)
{
	if (!tg_conn_used(e, conn) || e->conn[conn].state == TG_CLOSED)
		return true;
	if (e->aborting && tg_conn_is_half_open(e, conn)) {
		tg_conn_forget(e, conn); /* it has proved nothing: one packet out for one in */
	} else if (e->aborting) {
		if (tg_out_room(&e->out) == 0)
			return false;
		tg_event_abort(e, conn, TG_CLOSE_ABORT);
	} else if (is_idle(e, conn)) {
		if (!tg_ext_room(e))
			return false;
		tg_event_close(e, conn);
		tg_event_closed(e, conn, TG_CLOSE_NORMAL);
	}
	tg_conn_reap(e);
	return true;
}

void tg_event_scan(struct tg_engine *e)
{
	if ((!e->draining && !e->aborting) || e->scan_done)
		return;
	for (uint32_t i = 0; i < TG_REAP_BUDGET && e->scan < e->conn_fresh; i++) {
		if (!scan_one(e, e->scan))
			return;
		e->scan++;
	}
	e->scan_done = e->scan >= e->conn_fresh;
}
