/* SPDX-License-Identifier: BSD-3-Clause */
/* listen.c: listeners, what their connections share, and segments that meet a listener: state or a
 * cookie (RFC 9293 3.10.7.2, SC-08, EST-26). */
#include "before.h"
#include "bogon.h"
#include "engine.h"
#include "pool.h"

/* --- classes --- */

static bool conf_equal(const struct tg_tcp_conf *a, const struct tg_tcp_conf *b)
{
	/* Padding may differ: then two classes say the same, and no harm is done. */
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* A listener's class is its own, because it names the listener. */
static bool may_share(const struct tg_class *have, const struct tg_class *want)
{
	return have->refs && have->listener == TG_NO_LISTENER && want->listener == TG_NO_LISTENER &&
	       have->service == want->service && have->ctx == want->ctx &&
	       have->word == want->word && conf_equal(&have->conf, &want->conf);
}

int tg_class_get(struct tg_engine *e, const struct tg_class *want)
{
	int free = -1;

	for (int i = 0; i < TG_CONF_MAX; i++) {
		if (may_share(&e->class[i], want)) {
			e->class[i].refs++;
			return i;
		}
		if (free < 0 && e->class[i].refs == 0)
			free = i;
	}
	if (free >= 0) {
		e->class[free] = *want;
		e->class[free].refs = 1;
	}
	return free;
}

void tg_class_put(struct tg_engine *e, uint8_t idx)
{
	assert(e->class[idx].refs);
	e->class[idx].refs--;
}

/* --- listeners --- */

static uint32_t head_of(uint16_t port)
{
	return (port ^ (port >> 8)) & (TG_LISTEN_HEADS - 1);
}

static bool has_addr(const struct tg_listener_conf *c, const struct tg_addr *a)
{
	for (uint32_t i = 0; i < c->addr_n; i++)
		if (tg_addr_equal(&c->addr[i], a))
			return true;
	return false;
}

/* Exact address, then wildcard. */
struct tg_listener *tg_listen_find(struct tg_engine *e, const struct tg_addr *laddr, uint16_t lport)
{
	struct tg_listener *wildcard = NULL;

	if (e->draining || e->aborting)
		return NULL;
	for (int i = e->listen_head[head_of(lport)]; i >= 0; i = e->listener[i].next) {
		struct tg_listener *l = &e->listener[i];
		if (l->conf.port != lport)
			continue;
		if (l->conf.addr_n == 0)
			wildcard = l;
		else if (has_addr(&l->conf, laddr))
			return l;
	}
	return wildcard;
}

static bool is_taken(const struct tg_engine *e, const struct tg_listener_conf *conf)
{
	for (int i = e->listen_head[head_of(conf->port)]; i >= 0; i = e->listener[i].next) {
		const struct tg_listener_conf *c = &e->listener[i].conf;
		if (c->port != conf->port)
			continue;
		if (c->addr_n == 0 && conf->addr_n == 0)
			return true;
		for (uint32_t a = 0; a < conf->addr_n; a++)
			if (has_addr(c, &conf->addr[a]))
				return true;
	}
	return false;
}

static int free_listener(const struct tg_engine *e)
{
	for (int i = 0; i < TG_LISTENER_MAX; i++)
		if (!e->listener[i].used)
			return i;
	return -1;
}

/* The context that the engine laid out for a service; false: it has none, and needs one. */
static bool find_ctx(const struct tg_engine *e, const struct tg_service *s, void **ctx)
{
	for (uint32_t i = 0; i < e->conf.service_n; i++) {
		if (e->conf.service[i] == s) {
			*ctx = e->service_ctx[i];
			return true;
		}
	}
	return !s || !s->init;
}

static int check_conf(const struct tg_engine *e, const struct tg_listener_conf *conf)
{
	uint32_t port;

	if (conf->allow_n > TG_LISTENER_ALLOW_MAX || conf->allow_port_low > conf->allow_port_high)
		return -EINVAL;
	if (conf->port == 0 || conf->addr_n > TG_LISTENER_ADDR_MAX ||
	    conf->synq_low > conf->synq_high ||
	    (conf->has_pool && !tg_pool_is_valid(e, conf->pool)) ||
	    conf->syn_cookies > TG_COOKIES_DRY_RUN || conf->bogons > TG_BOGONS_FULL)
		return -EINVAL;
	for (uint32_t i = 0; i < conf->addr_n; i++)
		if (!tg_route_is_ours(e->neigh, &conf->addr[i], &port))
			return -EADDRNOTAVAIL;
	return is_taken(e, conf) ? -EADDRINUSE : 0;
}

int tg_engine_listen(struct tg_engine *e, const struct tg_listener_conf *conf)
{
	struct tg_class want = {
	    .conf = conf->tcp,
	    .service = conf->service,
	    .ctx = conf->service_ctx,
	    .word = conf->word,
	};
	int rc = check_conf(e, conf);
	int i = free_listener(e);

	if (rc)
		return rc;
	if (!want.ctx && !find_ctx(e, conf->service, &want.ctx))
		return -EINVAL;
	want.listener = (int16_t)i;
	int class_idx = i < 0 ? -1 : tg_class_get(e, &want);

	if (class_idx < 0)
		return -ENOSPC;
	struct tg_listener *l = &e->listener[i];
	int16_t *head = &e->listen_head[head_of(conf->port)];

	*l = (struct tg_listener){
	    .used = true,
	    .class_idx = (uint8_t)class_idx,
	    .next = *head,
	    .conf = *conf,
	};
	*head = (int16_t)i;
	e->listener_n++;
	e->listen_gen++;
	return i;
}

/* UC-01: half-open entries are forgotten; their next segment meets CLOSED. */
static void forget_half_open(struct tg_engine *e, int listener)
{
	for (uint32_t i = 0; i < e->conn_fresh && e->listener[listener].half_n; i++) {
		if (tg_conn_is_half_open(e, i) && e->class[e->conn[i].conf].listener == listener)
			tg_conn_forget(e, i);
	}
	tg_conn_reap(e);
}

void tg_engine_unlisten(struct tg_engine *e, int listener)
{
	if (listener < 0 || listener >= TG_LISTENER_MAX || !e->listener[listener].used)
		return;
	struct tg_listener *l = &e->listener[listener];
	int16_t *at = &e->listen_head[head_of(l->conf.port)];

	forget_half_open(e, listener);
	while (*at != listener)
		at = &e->listener[*at].next;
	*at = l->next;
	for (int i = 0; i < TG_CONF_MAX; i++) /* its own, and those it had before */
		if (e->class[i].refs && e->class[i].listener == listener)
			e->class[i].listener = TG_NO_LISTENER;
	tg_class_put(e, l->class_idx);
	l->used = false;
	e->listener_n--;
	e->listen_gen++;
}

/* Those who came before keep what their SYN-ACK promised (SC-07): the class they share stays. */
int tg_engine_relisten(struct tg_engine *e, int listener, const struct tg_tcp_conf *tcp)
{
	struct tg_listener *l = &e->listener[listener];
	struct tg_class want = e->class[l->class_idx];
	int class_idx = l->class_idx;

	assert(listener >= 0 && listener < TG_LISTENER_MAX && l->used);
	want.conf = *tcp;
	if (e->class[class_idx].refs == 1) {
		e->class[class_idx].conf = *tcp;
	} else {
		class_idx = tg_class_get(e, &want);
		if (class_idx < 0)
			return -ENOSPC;
		tg_class_put(e, l->class_idx);
		l->class_idx = (uint8_t)class_idx;
	}
	tg_cookies_reconf(e, l);
	l->conf.tcp = *tcp;
	e->listen_gen++;
	return 0;
}

void tg_engine_accepted(struct tg_engine *e, int listener)
{
	if (listener >= 0 && listener < TG_LISTENER_MAX && e->listener[listener].used &&
	    e->listener[listener].pending)
		e->listener[listener].pending--;
}

bool tg_listen_is_full(const struct tg_listener *l)
{
	return l->conf.service && l->conf.service->has_accept_queue &&
	       l->pending >= l->conf.backlog;
}

/* Why a connection that a cookie's ACK opens could not be taken now. */
static enum tg_ctr refuse_open(const struct tg_engine *e, const struct tg_listener *l,
			       const struct tg_addr *peer)
{
	enum tg_ctr why = tg_admit_open(e, peer);

	if (why != TG_CTR_NONE)
		return why;
	if (tg_listen_is_full(l))
		return TG_CTR_accept_overflow; /* SC-17 */
	if (l->conf.has_pool)
		return TG_CTR_NONE; /* a splice has its own room, and says so when there is none */
	if (!tg_conn_room(e, !tg_addr_is_v4(peer)))
		return TG_CTR_conn_full;
	return tg_ext_room(e) ? TG_CTR_NONE : TG_CTR_ext_full;
}

static bool is_by_source(enum tg_ctr why)
{
	return why == TG_CTR_source_limited || why == TG_CTR_source_rate_limited;
}

/* Who is refused is told so as by CLOSED, or nothing; why is counted either way. */
static enum tg_ctr refuse(struct tg_engine *e, struct tg_rx *rx, uint8_t how, enum tg_ctr why)
{
	struct tg_act act;

	if (how == TG_REFUSE_DROP)
		return why;
	tg_tcp_closed(&rx->seg, &act);
	if (!act.has_reply)
		return act.verdict;
	act.verdict = why;
	return tg_rx_answer_rst(e, rx, &act);
}

/* --- segment arrives --- */

static bool is_v6(const struct tg_rx *rx)
{
	return !tg_addr_is_v4(&rx->tuple.raddr);
}

static struct tg_dest dest_of(const struct tg_listener *l, const struct tg_rx *rx)
{
	return (struct tg_dest){
	    .tuple = &rx->tuple, .ttl = l->conf.tcp.ttl, .dscp = l->conf.tcp.dscp};
}

/* A half-open entry never moves unless something comes for it, so it rests at once. Should its 64
 * bytes not hold it, it moves; false: nor is there an extension. */
static bool settle_half(struct tg_engine *e, uint32_t conn, const struct tg_tcb *tcb)
{
	if (tg_tcb_may_rest(tcb, e->env.now_ms)) {
		tg_conn_rest(e, conn, tcb);
		return true;
	}
	if (!tg_ext_room(e))
		return false;
	uint32_t x = tg_conn_extend(e, conn);

	e->ext[x].tcb = *tcb;
	tg_ext_list_add(e, TG_LIST_READY, x);
	return true;
}

static enum tg_ctr add_half(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			    tg_tw_handle h, struct tg_act *act)
{
	struct tg_dest to = dest_of(l, rx);
	struct tg_tcb *tcb = &e->scratch;
	uint32_t conn = tg_conn_new(e, &rx->tuple, rx->hash, l->class_idx, TG_SYN_RECEIVED, false);

	if (conn == TG_NONE)
		return TG_CTR_conn_full;
	tcb->conn = conn;
	tcb->conf = &e->class[l->class_idx].conf; /* it may have been a copy (SP-04) */
	tcb->conf_idx = l->class_idx;
	tcb->word = l->conf.word;
	tcb->dormant = TG_NONE;
	if (h != TG_NONE)
		tcb->dormant = tg_before_sleep(e, h, conn);
	if (!settle_half(e, conn, tcb)) {
		if (tcb->dormant != TG_NONE)
			tg_before_wake(e, tcb->dormant);
		tg_conn_forget(e, conn);
		return TG_CTR_ext_full;
	}
	if (!tg_tx_reply(e, &to, &act->reply, rx))
		tg_ctr_inc(&e->ctr, TG_CTR_tx_reply_lost);
	return act->verdict;
}

static enum tg_ctr send_cookie(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			       tg_tw_handle h, struct tg_act *act)
{
	struct tg_dest to = dest_of(l, rx);

	tg_cookies_sent(e, l, act->reply.wnd);
	if (h != TG_NONE)
		tg_before_note_cookie(e, h);
	if (!tg_tx_reply(e, &to, &act->reply, rx))
		return TG_CTR_tx_no_buffer;
	return act->verdict;
}

/* SC-16: straight to ESTABLISHED. There is room: refuse_open said so. */
static enum tg_ctr add_open(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			    struct tg_act *act)
{
	if (l->conf.has_pool) {
		enum tg_ctr why = tg_splice_begin(e, rx, l->conf.pool, &e->scratch);
		tg_cookies_spliced(e, rx, why);
		tg_tcb_release(&e->scratch, &e->chunks);
		return why;
	}
	uint32_t conn = tg_conn_new(e, &rx->tuple, rx->hash, l->class_idx, e->scratch.state, false);

	if (conn == TG_NONE) {
		tg_tcb_release(&e->scratch, &e->chunks);
		return TG_CTR_conn_full;
	}
	uint32_t x = tg_conn_extend(e, conn);
	struct tg_tcb *tcb = &e->ext[x].tcb;

	*tcb = e->scratch;
	tcb->conn = conn;
	tcb->conf_idx = l->class_idx;
	tcb->word = l->conf.word;
	tcb->dormant = TG_NONE;
	tg_event_apply(e, x, act, rx);
	return act->verdict;
}

/* The machine's answer, or TG_LISTEN_DONE with *refused when a connection would have opened and
 * cannot be had: then nothing happened at all (ADV-91). */
static enum tg_listen_outcome ask(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
				  struct tg_listen *li, const tg_seq *floor, struct tg_act *act,
				  enum tg_ctr *refused)
{
	enum tg_ctr refuse = TG_CTR_NONE;

	if ((rx->seg.ctl & TG_TCP_ACK) && li->validate) {
		refuse = refuse_open(e, l, &rx->tuple.raddr);
		li->used = tg_cookies_is_used(e, rx);
	} else if (floor && !tg_conn_room(e, is_v6(rx))) {
		refuse = TG_CTR_conn_full; /* TD-23: state although cookies are minted */
	}
	bool trial = refuse != TG_CTR_NONE;

	*refused = TG_CTR_NONE;
	if (trial)
		e->ctr_save = e->ctr;
	enum tg_listen_outcome out =
	    tg_tcp_listen(li, &rx->tuple, &rx->seg, floor, &e->env, &e->scratch, act);

	if (!trial || (out != TG_LISTEN_OPEN && out != TG_LISTEN_HALF))
		return out;
	e->ctr = e->ctr_save;
	tg_tcb_release(&e->scratch, &e->chunks);
	*refused = refuse;
	return TG_LISTEN_DONE;
}

/* DESIGN 4: only an ACK that is above what the record had is tried as a cookie, so a SYN that is
 * newer by its timestamp alone gets an entry (TD-22, TD-23). */
static bool is_above(const struct tg_engine *e, const struct tg_rx *rx, tg_tw_handle h)
{
	return tg_seq_gt(rx->seg.seq, tg_before_rcv_nxt(e, h));
}

/* What the listener is to the segment of that tuple; copy: room for a configuration. */
static inline void meet(struct tg_engine *e, const struct tg_listener *l, const struct tg_tuple *t,
			struct tg_listen *li, struct tg_tcp_conf *copy)
{
	tg_cookies_meet(e, l, li);
	if (l->conf.has_pool)
		tg_splice_meet(e, l, t, li, copy);
}

/* TG_CTR_NONE: there is a backend for the client, or none is needed. */
static enum tg_ctr check_pool(struct tg_engine *e, struct tg_rx *rx, const struct tg_listener *l)
{
	if (!l->conf.has_pool || tg_pool_pick(e, l->conf.pool, &rx->tuple) != TG_NO_BACKEND)
		return TG_CTR_NONE;
	return refuse(e, rx, tg_pool_refuse(e, l->conf.pool), TG_CTR_pool_dead);
}

enum tg_ctr tg_listen_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			      tg_tw_handle h, const tg_seq *floor)
{
	const uint8_t kind = rx->seg.ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST | TG_TCP_FIN);
	struct tg_tcp_conf promise;
	struct tg_listen li;
	enum tg_ctr refused;
	struct tg_act act;

	meet(e, l, &rx->tuple, &li, &promise);
	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	if (kind == TG_TCP_SYN && tg_bogon_is(l->conf.bogons, e->neigh, rx->pkt.port, &rx->ip.src))
		return TG_CTR_bogon_src;
	if (!tg_admit_peer(&l->conf, &rx->tuple))
		return refuse(e, rx, l->conf.refuse, TG_CTR_listen_refused);
	if (kind == TG_TCP_SYN) {
		enum tg_ctr why = tg_admit_syn(e, l, &rx->tuple.raddr, &li.mint);
		if (is_by_source(why))
			return refuse(e, rx, e->conf.source_refuse, why);
		if (why == TG_CTR_NONE)
			why = check_pool(e, rx, l);
		if (why != TG_CTR_NONE)
			return why;
		li.mint &= h == TG_NONE || is_above(e, rx, h);
		if (!tg_budget_take(e->budget, &rx->tuple.raddr, e->env.now_ms))
			return TG_CTR_synack_limited;
	}
	switch (ask(e, rx, l, &li, floor, &act, &refused)) {
	case TG_LISTEN_HALF:
		return add_half(e, rx, l, h, &act);
	case TG_LISTEN_COOKIE:
		return send_cookie(e, rx, l, h, &act);
	case TG_LISTEN_OPEN:
		return add_open(e, rx, l, &act);
	case TG_LISTEN_DONE:
		break;
	}
	if (is_by_source(refused))
		return refuse(e, rx, e->conf.source_refuse, refused);
	if (refused != TG_CTR_NONE)
		return refused;
	return act.has_reply ? tg_rx_answer_rst(e, rx, &act) : act.verdict;
}

bool tg_listen_try_cookie(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			  tg_tw_handle h, enum tg_ctr *verdict)
{
	struct tg_tcp_conf promise;
	struct tg_listen li;
	struct tg_act act;

	meet(e, l, &rx->tuple, &li, &promise);
	if (!li.validate || !tg_admit_peer(&l->conf, &rx->tuple))
		return false;
	if (ask(e, rx, l, &li, NULL, &act, verdict) == TG_LISTEN_OPEN) {
		tg_before_remove(e, h);
		*verdict = add_open(e, rx, l, &act);
		return true;
	}
	return *verdict != TG_CTR_NONE;
}

/* What the ACK for a half-open entry must name, or nothing will. */
static bool is_for_entry(const struct tg_engine *e, const struct tg_rx *rx, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];
	const struct tg_tcb *tcb = tg_conn_tcb(e, c);

	return tg_seq_eq(rx->seg.ack, tcb ? tcb->snd.nxt : c->snd_nxt);
}

bool tg_listen_adopts(struct tg_engine *e, struct tg_rx *rx, uint32_t conn, enum tg_ctr *verdict)
{
	const uint8_t kind = rx->seg.ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST);
	int16_t idx = e->class[e->conn[conn].conf].listener;
	struct tg_tcp_conf promise;
	struct tg_listen li;
	struct tg_act act;
	enum tg_ctr refused;

	if (kind != TG_TCP_ACK || !tg_conn_is_half_open(e, conn) || is_for_entry(e, rx, conn) ||
	    idx == TG_NO_LISTENER || tg_out_room(&e->out) == 0)
		return false;
	struct tg_listener *l = &e->listener[idx];

	meet(e, l, &rx->tuple, &li, &promise);
	if (!li.validate)
		return false;
	bool opens = ask(e, rx, l, &li, NULL, &act, &refused) == TG_LISTEN_OPEN;

	*verdict = refused;
	if (!opens)
		return refused != TG_CTR_NONE;
	tg_conn_forget(e, conn);
	tg_conn_reap(e);
	uint32_t h = tg_before_find(e, rx); /* awake again, and for nothing */

	if (h != TG_NONE)
		tg_before_remove(e, h);
	tg_ctr_inc(&e->ctr, TG_CTR_cookie_adopted);
	*verdict = add_open(e, rx, l, &act);
	return true;
}
