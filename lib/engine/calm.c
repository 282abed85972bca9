/* SPDX-License-Identifier: BSD-3-Clause */
/* calm.c: see calm.h. */
#include "tg_calm.h"

#include "engine.h"

/* Exactly what a packet needs that nobody asked for anything unusual. */
static bool is_calm(const struct tg_engine *e)
{
	return !e->conf.no_calm && !e->draining && !e->aborting && e->paths->n == 0 &&
	       !e->sources && !e->rates && !e->busy;
}

/* --- the handshake's ACK --- */

/* Nobody counts what opens, no cookie is tried, nothing is passed on. */
static bool may_open(const struct tg_engine *e, const struct tg_class *k)
{
	if (k->listener == TG_NO_LISTENER || (k->service && k->service->opened) ||
	    (k->service && k->service->has_accept_queue))
		return false;
	const struct tg_listener *l = &e->listener[k->listener];

	return !l->conf.has_pool && !tg_listen_tries_cookies(e, l);
}

/* The neighbour is where it was (LN-04). */
static void confirm(struct tg_engine *e, const struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	const struct tg_addr *hop;

	if (pc->has_static_neigh)
		return;
	hop = tg_route_hop(e->neigh, rx->pkt.port, &rx->tuple.raddr);
	if (hop)
		tg_neigh_confirm(e->neigh, rx->pkt.port, hop, e->env.now_ms);
}

static bool opens(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	struct tg_conn *c = &e->conn[conn];
	struct tg_class *k = &e->class[c->conf];

	if ((c->flags & TG_CONN_DORMANT) || !may_open(e, k))
		return false;
	tg_listen_half_sub(e, k->listener);
	tg_calm_open(c, &rx->seg, &e->env);
	c->word = k->word;
	e->state_n[TG_SYN_RECEIVED]--;
	e->state_n[TG_ESTABLISHED]++;
	tg_ctr_inc(&e->ctr, TG_CTR_conn_opened);
	tg_wheel_cancel(&e->wheel, conn);
	if (k->conf.keepalive)
		tg_wheel_arm(&e->wheel, conn, e->env.now_ms + k->conf.keepalive_idle_ms);
	tg_budget_prove(e->budget, &rx->tuple.raddr, e->env.now_ms);
	confirm(e, rx);
	return true;
}

/* --- what a connection met, once more --- */

static void keep(struct tg_engine *e, const struct tg_rx *rx, uint32_t conn, struct tg_calm_kept *k)
{
	const struct tg_conn *c = &e->conn[conn];
	const struct tg_seg *seg = &rx->seg;

	k->before = *c;
	k->deadline_ms = tg_timer_is_armed(&c->timer) ? tg_wheel_deadline(&e->wheel, conn) : 0;
	k->now_ns = e->env.now_ns;
	k->seq = seg->seq;
	k->ack = seg->ack;
	k->len = seg->len;
	k->tsval = seg->opts.tsval;
	k->tsecr = seg->opts.tsecr;
	k->wrote = 0;
	k->wnd = seg->wnd;
	k->up = seg->up;
	k->mtu = e->env.mtu;
	k->ctl = seg->ctl;
	k->fin = false;
}

/* What the machine makes of it all. env: of then; its counters count what was counted then. text:
 * anything, as it was read; taken: how much of it. */
static void replay(const struct tg_engine *e, const struct tg_calm_kept *k,
		   const struct tg_tcp_env *env, const uint8_t *text, uint32_t taken,
		   const struct tg_span *tx, struct tg_tcb *tcb)
{
	const struct tg_class *class = &e->class[k->before.conf];
	struct tg_act act;
	struct tg_seg seg = {.seq = k->seq,
			     .ack = k->ack,
			     .len = k->len,
			     .wnd = k->wnd,
			     .up = k->up,
			     .ctl = k->ctl,
			     .text = text};

	seg.opts.has_ts = (k->before.flags & TG_CONN_TS) != 0;
	seg.opts.tsval = k->tsval;
	seg.opts.tsecr = k->tsecr;
	tg_tcb_unpack(tcb, &k->before, &class->conf, k->deadline_ms, env->now_ms);
	tcb->conf_idx = (uint8_t)k->before.conf;
	tg_tcp_arrives(tcb, &seg, env, &act);
	if (taken)
		tg_tcp_consume(tcb, taken, env);
	if (k->wrote)
		tg_tcp_adopt(tcb, tx, k->wrote, env);
	if (!k->fin)
		return;
	tg_tcp_close(tcb, env, &act);
	tcb->orphan = true;
}

static struct tg_tcp_env env_of(struct tg_engine *e, const struct tg_calm_kept *k)
{
	struct tg_tcp_env env = e->env;

	env.now_ns = k->now_ns;
	env.now_ms = (k->now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
	env.mtu = k->mtu;
	env.ctr = &e->ctr_save;
	return env;
}

/* The text was read long ago, and lies elsewhere for the moment. */
void tg_calm_wake(struct tg_engine *e, uint32_t x)
{
	static const uint8_t text[TG_CHUNK_LEN];
	struct tg_ext *ext = &e->ext[x];
	uint32_t conn = ext->tcb.conn, word = ext->tcb.word;
	struct tg_span tx = ext->tcb.tx;
	struct tg_chunks chunks;
	struct tg_seg seg;

	if (!(ext->flags & TG_EXT_CALM))
		return;
	struct tg_tcp_env env = env_of(e, &ext->kept);

	tg_chunks_init(&chunks, e->calm_text, TG_CALM_SPARE / TG_CHUNK_LEN);
	env.chunks = &chunks;
	replay(e, &ext->kept, &env, text, ext->kept.len, &tx, &ext->tcb);
	bool is_sent = tg_tcp_output(&ext->tcb, &env, 1, &seg);

	assert(is_sent && seg.len == ext->kept.wrote && ext->tcb.state == e->conn[conn].state);
	assert(chunks.free_n == chunks.n);
	(void)is_sent;
	ext->tcb.conn = conn;
	ext->tcb.word = word;
	ext->flags &= ~(uint32_t)TG_EXT_CALM;
	tg_conn_see_path(e, x);
}

/* --- a service's turn --- */

uint32_t tg_calm_wake_turn(struct tg_engine *e)
{
	struct tg_calm_turn *t = &e->turn;
	uint32_t conn = t->conn, word = e->conn[conn].word;
	struct tg_tcp_env env = env_of(e, &t->kept);

	t->conn = TG_NONE;
	assert(tg_ext_room(e)); /* take saw to it */
	uint32_t x = e->ext_free != TG_NONE ? e->ext_free : e->ext_fresh;
	struct tg_tcb *tcb = &e->ext[x].tcb;

	replay(e, &t->kept, &env, t->rx->seg.text, t->taken, &t->tx, tcb);
	assert(tcb->state == e->conn[conn].state);
	tcb->conn = conn;
	tcb->word = word;
	tg_conn_extend(e, conn);
	e->ext[x].hash = t->rx->hash;
	tg_conn_see_path(e, x);
	tg_ext_list_add(e, TG_LIST_READY, x);
	return x;
}

bool tg_calm_write(struct tg_engine *e, const void *data, uint32_t n)
{
	struct tg_calm_turn *t = &e->turn;
	struct tg_conn *c = &e->conn[t->conn];
	uint32_t at = c->snd_nxt.v + t->kept.wrote;
	const struct tg_tcp_conf *conf = &e->class[c->conf].conf;

	if (t->kept.fin || n == 0 || t->kept.wrote + n > tg_calm_room(c, conf) ||
	    e->chunks.free_n < 4)
		return false;
	if (tg_span_write(&t->tx, &e->chunks, at, data, n) != n)
		assert(false && "there are buffers");
	t->kept.wrote += n;
	return true;
}

bool tg_calm_close(struct tg_engine *e)
{
	struct tg_calm_turn *t = &e->turn;
	struct tg_conn *c = &e->conn[t->conn];

	if (t->kept.fin || t->left || e->class[c->conf].conf.linger_ms >= 0)
		return false;
	t->kept.fin = true;
	e->state_n[c->state]--;
	c->state = c->state == TG_CLOSE_WAIT ? TG_LAST_ACK : TG_FIN_WAIT_1;
	e->state_n[c->state]++;
	c->flags |= TG_CONN_ORPHAN;
	tg_bits_clear(&e->write_wait, t->conn);
	tg_bits_clear(&e->close_wait, t->conn);
	return true;
}

/* What is in flight is kept without a block. */
static void fly(struct tg_engine *e, uint32_t conn, const struct tg_calm_wnd *wnd)
{
	const struct tg_calm_turn *t = &e->turn;
	struct tg_conn *c = &e->conn[conn];
	uint32_t word = c->word, x = tg_conn_extend(e, conn);
	struct tg_ext *ext = &e->ext[x];
	struct tg_tcb *tcb = &ext->tcb;
	uint64_t due = tg_calm_due(c, &e->class[c->conf].conf, e->env.now_ms);

	ext->flags |= TG_EXT_CALM;
	ext->hash = t->rx->hash;
	ext->kept = t->kept;
	ext->calm_slack = wnd->slack;
	tcb->conf = &e->class[c->conf].conf;
	tcb->conn = conn;
	tcb->conf_idx = (uint8_t)c->conf;
	tcb->state = (uint8_t)c->state;
	tcb->v6 = tcb->active = false;
	tcb->own_conf = false;
	tcb->orphan = t->kept.fin;
	tcb->word = word;
	tcb->dormant = tcb->ooo = TG_NONE;
	tcb->ooo_n = 0;
	tcb->tx = t->tx;
	tcb->rx.chunk_n = 0;
	tcb->sent.chunk = TG_NONE;
	if (!tg_timer_is_armed(&c->timer) || tg_wheel_deadline(&e->wheel, conn) > due)
		tg_wheel_arm(&e->wheel, conn, due);
}

/* It rests again; lazy keepalive becomes exact, as in rest.c. */
static void rest(struct tg_engine *e, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];
	uint64_t due = e->env.now_ms + e->class[c->conf].conf.keepalive_idle_ms;

	if (tg_timer_is_armed(&c->timer) && tg_wheel_deadline(&e->wheel, conn) < due)
		tg_wheel_arm(&e->wheel, conn, due);
}

/* Everything that is to be said, in one segment, where rx lies. */
static bool say(struct tg_engine *e, struct tg_rx *rx, uint32_t conn, struct tg_calm_wnd *wnd)
{
	const struct tg_calm_kept *k = &e->turn.kept;
	struct tg_conn *c = &e->conn[conn];
	const struct tg_tcp_conf *conf = &e->class[c->conf].conf;
	struct tg_seg seg = {
	    .seq = c->snd_nxt,
	    .ack = c->rcv_nxt,
	    .len = k->wrote,
	    .ctl = (uint8_t)(TG_TCP_ACK | (k->wrote ? TG_TCP_PSH : 0) | (k->fin ? TG_TCP_FIN : 0))};

	if (rx->used || tg_out_room(&e->out) == 0 || rx->pkt.cap < TG_HDR_MAX + k->wrote ||
	    !tg_calm_tell(c, conf, wnd))
		return false;
	seg.wnd = wnd->field;
	if (c->flags & TG_CONN_TS) {
		seg.opts.has_ts = 1;
		seg.opts.tsval = tg_tcp_tsval(c->ts_offset, &e->env);
		seg.opts.tsecr = c->ts_recent;
	}
	return tg_tx_in_place(e, rx, conf, &seg, &e->turn.tx);
}

static void finish(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	struct tg_calm_turn *t = &e->turn;
	const struct tg_conn *c = &e->conn[conn];
	const struct tg_tcp_conf *conf = &e->class[c->conf].conf;
	bool has_fin = (t->kept.ctl & TG_TCP_FIN) != 0, flies = t->kept.wrote || t->kept.fin;
	struct tg_calm_wnd wnd = {
	    .was = tg_calm_rcv_wnd(&t->kept.before), .taken = t->kept.len, .fin = has_fin};

	if (wnd.was > conf->rcvbuf)
		wnd.slack = wnd.was - conf->rcvbuf;
	wnd.slack -= wnd.slack < wnd.taken ? wnd.slack : wnd.taken;
	if (t->left || (!flies && !has_fin && conf->delayed_ack_ms) || !say(e, rx, conn, &wnd)) {
		tg_calm_wake_turn(e);
		return;
	}
	t->conn = TG_NONE;
	if (flies)
		fly(e, conn, &wnd);
	else
		rest(e, conn);
}

/* Whoever might want more than one timer, or more of a buffer than there is, goes the long way. */
static bool may_take(const struct tg_engine *e, const struct tg_conn *c, const struct tg_class *k,
		     const struct tg_rx *rx)
{
	return k->service && k->service->readable && !(c->flags & TG_CONN_TIMER_SERVICE) &&
	       tg_ext_room(e) && e->chunks.free_n >= 8 && tg_out_room(&e->out) > 0 &&
	       rx->pkt.cap >= TG_HDR_MAX && tg_calm_rcv_wnd(c) <= k->conf.rcvbuf + 65536;
}

static bool take(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	struct tg_conn *c = &e->conn[conn];
	const struct tg_class *k = &e->class[c->conf];
	struct tg_calm_turn *t = &e->turn;

	if (!may_take(e, c, k, rx))
		return false;
	t->conn = conn;
	t->rx = rx;
	t->left = rx->seg.len;
	t->taken = 0;
	tg_span_init(&t->tx);
	keep(e, rx, conn, &t->kept);
	tg_calm_take(c, &rx->seg, &e->env);
	if (rx->seg.ctl & TG_TCP_FIN) {
		e->state_n[TG_ESTABLISHED]--;
		c->state = TG_CLOSE_WAIT;
		e->state_n[TG_CLOSE_WAIT]++;
	}
	e->busy++;
	k->service->readable(k->ctx, e, conn);
	e->busy--;
	if (t->conn == conn)
		finish(e, rx, conn);
	return true;
}

bool tg_calm_arrives(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];

	if (!is_calm(e) || tg_calm_is_twice(&e->seen, rx->hash))
		return false;
	switch (tg_calm_meet(c, &e->class[c->conf].conf, &rx->seg, &e->env)) {
	case TG_CALM_OPENS:
		return opens(e, rx, conn);
	case TG_CALM_TEXT:
	case TG_CALM_FIN:
		return take(e, rx, conn);
	case TG_CALM_NOT:
		break;
	}
	return false;
}

/* --- the answer to what flies --- */

/* tg_tcp_ts_offset of the tuple; of plain ones it is known. */
static uint32_t offset_of(const struct tg_engine *e, const struct tg_rx *rx)
{
	return rx->nth == TG_RX_NO_NUMBER ? tg_tcp_ts_offset(&rx->tuple, &e->env)
					  : (uint32_t)e->plain.syn.ts[rx->nth];
}

/* The last ACK is said, and the record takes the connection's place (TD-14). Of the block only what
 * the record is made of is there. */
static bool to_record(struct tg_engine *e, struct tg_rx *rx, uint32_t x, tg_seq end)
{
	struct tg_ext *ext = &e->ext[x];
	uint32_t conn = ext->tcb.conn, max_wnd;
	struct tg_conn *c = &e->conn[conn];
	const struct tg_tcp_conf *conf = &e->class[c->conf].conf;
	struct tg_calm_wnd wnd = {.was = tg_calm_rcv_wnd(c), .slack = ext->calm_slack, .fin = true};
	struct tg_tcb *tcb = &e->scratch;
	struct tg_seg seg = {.seq = end, .ctl = TG_TCP_ACK};
	struct tg_conn old = *c;
	struct tg_tw tw;

	if (wnd.was == 0)
		return false;
	tg_calm_take(c, &rx->seg, &e->env);
	if (!tg_calm_tell(c, conf, &wnd)) {
		*c = old;
		return false;
	}
	max_wnd = tg_calm_max_wnd(c);
	seg.ack = c->rcv_nxt;
	seg.wnd = wnd.field;
	if (c->flags & TG_CONN_TS) {
		seg.opts.has_ts = 1;
		seg.opts.tsval = tg_tcp_tsval(c->ts_offset, &e->env);
		seg.opts.tsecr = c->ts_recent;
	}
	if (!tg_tx_in_place(e, rx, conf, &seg, NULL)) {
		*c = old;
		return false;
	}
	tcb->snd.nxt = end;
	tcb->snd.max_wnd = max_wnd;
	tcb->rcv.nxt = c->rcv_nxt;
	tcb->rcv.edge = tg_seq_add(c->rcv_nxt, tg_calm_rcv_wnd(c));
	tcb->rcv_scale = c->rcv_scale;
	tcb->ts_on = (c->flags & TG_CONN_TS) != 0;
	tcb->ts_offset = c->ts_offset;
	tcb->ts_recent = c->ts_recent;
	tcb->ch_ms = 0;
	tg_tw_make(&tw, tcb, rx->hash, offset_of(e, rx), e->env.now_ms + 2ull * e->conf.msl_ms);
	tg_conn_retire(e, conn);
	tg_tw_store_add(e->tw, &tw, e->env.now_ms);
	tg_ctr_inc(&e->ctr, TG_CTR_conn_closed);
	tg_ctr_inc(&e->ctr, TG_CTR_tw_entered);
	return true;
}

bool tg_calm_answers(struct tg_engine *e, struct tg_rx *rx, uint32_t x)
{
	const struct tg_ext *ext = &e->ext[x];
	uint32_t conn = ext->tcb.conn;
	const struct tg_conn *c = &e->conn[conn];
	tg_seq end = tg_seq_add(c->snd_nxt, ext->kept.wrote + 1);

	if (!is_calm(e) || !ext->kept.fin || tg_calm_is_twice(&e->seen, rx->hash))
		return false;
	if (c->state == TG_FIN_WAIT_1)
		return tg_calm_is_last(c, &rx->seg, end, TG_TCP_FIN | TG_TCP_ACK) &&
		       tg_out_room(&e->out) > 0 && rx->pkt.cap >= TG_HDR_MAX &&
		       to_record(e, rx, x, end);
	if (!tg_calm_is_last(c, &rx->seg, end, TG_TCP_ACK))
		return false;
	tg_conn_retire(e, conn); /* TD-28 */
	tg_ctr_inc(&e->ctr, TG_CTR_conn_closed);
	return true;
}
