/* SPDX-License-Identifier: BSD-3-Clause */
/* admit.c: what stands before a listener: who may connect (EST-27), the marks that arm its cookies
 * (SC-08), what a source may have (ADV-57), and what an entry that has proved nothing may say
 * (SC-21). */
#include "engine.h"
#include "rate.h"
#include "source.h"
#include "tg_prefix.h"

enum {
	/* Once armed a listener stays so for a while: a flood that keeps the half-open near a mark
	 * switches it at most once in that time. */
	ARM_HOLD_MS = 1000,
	ARM_LOOK_MS = 100,
};

/* --- marks (SC-08) --- */

/* ADV-29: from here on a SYN costs no memory. A dry run only says so. */
static void arm(struct tg_engine *e, struct tg_listener *l, enum tg_arm_reason why)
{
	if (l->over)
		return;
	l->over = true;
	l->over_ms = e->env.now_ms;
	l->over_why = why;
	l->over_n++;
	l->armed = l->conf.syn_cookies == TG_COOKIES_AUTO;
	tg_ctr_inc(&e->ctr, l->armed ? TG_CTR_cookie_armed : TG_CTR_cookie_would_arm);
	if (e->arm_look_ms == 0)
		e->arm_look_ms = e->env.now_ms + ARM_LOOK_MS;
}

/* Disarmed when the half-open are few again, and the pool is not what armed it; not too soon. */
static void maybe_disarm(struct tg_engine *e, struct tg_listener *l)
{
	if (!l->over || e->env.now_ms - l->over_ms < ARM_HOLD_MS || l->half_n > l->conf.synq_low ||
	    e->conf.conn_max - e->conn_count <= e->conf.conn_max / 16)
		return;
	tg_ctr_inc(&e->ctr, l->armed ? TG_CTR_cookie_disarmed : TG_CTR_cookie_would_disarm);
	l->over = l->armed = false;
	l->over_ms = e->env.now_ms;
}

uint64_t tg_arming_next(const struct tg_engine *e)
{
	return e->arm_look_ms ? e->arm_look_ms : UINT64_MAX;
}

void tg_arming_run(struct tg_engine *e)
{
	bool any = false;

	if (e->env.now_ms < tg_arming_next(e))
		return;
	for (int i = 0; i < TG_LISTENER_MAX; i++) {
		struct tg_listener *l = &e->listener[i];
		if (!l->used || !l->over)
			continue;
		maybe_disarm(e, l);
		any |= l->over;
	}
	e->arm_look_ms = any ? e->env.now_ms + ARM_LOOK_MS : 0;
}

void tg_listen_half_add(struct tg_engine *e, int16_t listener)
{
	assert(listener != TG_NO_LISTENER);
	e->listener[listener].half_n++;
}

void tg_listen_half_sub(struct tg_engine *e, int16_t listener)
{
	assert(listener != TG_NO_LISTENER && e->listener[listener].half_n);
	e->listener[listener].half_n--;
	maybe_disarm(e, &e->listener[listener]);
}

bool tg_listen_is_armed(const struct tg_engine *e, uint32_t conn)
{
	int16_t l = e->class[e->conn[conn].conf].listener;

	return l != TG_NO_LISTENER && e->listener[l].armed;
}

/* --- sources (ADV-57) --- */

static bool is_source_full(const struct tg_engine *e, const struct tg_addr *peer)
{
	return e->sources && tg_sources_count(e->sources, peer).open >= e->conf.source_max;
}

static bool is_source_fast(const struct tg_engine *e, const struct tg_addr *peer)
{
	return e->rates && !tg_rates_may(e->rates, peer, e->env.now_ns);
}

enum tg_ctr tg_admit_open(const struct tg_engine *e, const struct tg_addr *peer)
{
	if (is_source_full(e, peer))
		return TG_CTR_source_limited;
	return is_source_fast(e, peer) ? TG_CTR_source_rate_limited : TG_CTR_NONE;
}

/* What counts for sure is what is open: anybody can make half-open entries in another's name. So
 * when those fill the source's room, its SYN is answered with a cookie, where the listener has
 * them, and nobody is shut out by a stranger. */
static enum tg_ctr admit_source(struct tg_engine *e, const struct tg_listener *l,
				const struct tg_addr *peer, bool *mint)
{
	if (is_source_fast(e, peer))
		return TG_CTR_source_rate_limited;
	if (!e->sources)
		return TG_CTR_NONE;
	struct tg_source_count n = tg_sources_count(e->sources, peer);

	if (n.open >= e->conf.source_max)
		return TG_CTR_source_limited;
	if (n.half < e->conf.source_max - n.open)
		return TG_CTR_NONE;
	*mint = true;
	return tg_listen_has_cookies(l) ? TG_CTR_NONE : TG_CTR_source_limited;
}

enum tg_ctr tg_admit_syn(struct tg_engine *e, struct tg_listener *l, const struct tg_addr *peer,
			 bool *mint)
{
	bool room = tg_conn_room(e, !tg_addr_is_v4(peer));
	bool high = l->half_n >= l->conf.synq_high;

	*mint = l->conf.syn_cookies == TG_COOKIES_ALWAYS;
	if (tg_listen_is_full(l))
		return TG_CTR_listen_overflow;
	if (l->conf.syn_cookies != TG_COOKIES_ALWAYS && l->conf.syn_cookies != TG_COOKIES_OFF) {
		maybe_disarm(e, l);
		if (!room || high)
			arm(e, l, high ? TG_ARM_HALF_OPEN : TG_ARM_POOL);
		*mint = l->armed;
	}
	if (!tg_listen_has_cookies(l)) {
		if (high)
			return TG_CTR_synq_full;
		if (!room)
			return TG_CTR_conn_full;
	}
	return admit_source(e, l, peer, mint);
}

/* --- who may connect (EST-27) --- */

static bool is_listed(const struct tg_listener_conf *c, const struct tg_addr *peer)
{
	for (uint32_t i = 0; i < c->allow_n; i++)
		if (tg_addr_is_v4(peer) == tg_addr_is_v4(&c->allow[i].addr) &&
		    tg_addr_in_prefix(peer, &c->allow[i].addr, c->allow[i].prefix_len))
			return true;
	return c->allow_n == 0;
}

bool tg_admit_peer(const struct tg_listener_conf *c, const struct tg_tuple *t)
{
	if (c->allow_port_high && (t->rport < c->allow_port_low || t->rport > c->allow_port_high))
		return false;
	return c->prefixes ? tg_prefixes_allow(c->prefixes, &t->raddr) : is_listed(c, &t->raddr);
}

void tg_engine_set_prefixes(struct tg_engine *e, int listener, const struct tg_prefixes *set)
{
	assert(listener >= 0 && listener < TG_LISTENER_MAX && e->listener[listener].used);
	e->listener[listener].conf.prefixes = set;
	e->listen_gen++;
}

/* --- what is said to those who have proved nothing (DESIGN 4) --- */

/* SC-21: a SYN-ACK that a repeated SYN draws, or the timer, is paid like the first one. */
bool tg_listen_pays_synack(struct tg_engine *e, uint32_t x, struct tg_act *act)
{
	const uint8_t synack = TG_TCP_SYN | TG_TCP_ACK;
	const struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_tuple t;

	if (!act->has_reply || (act->reply.ctl & synack) != synack || tcb->active)
		return true;
	tg_conn_tuple(e, tcb->conn, &t);
	act->has_reply = tg_budget_take(e->budget, &t.raddr, e->env.now_ms);
	return act->has_reply;
}

static enum tg_ctr limited(const struct tg_seg *reply)
{
	if (reply->ctl & TG_TCP_SYN)
		return TG_CTR_synack_limited;
	return (reply->ctl & TG_TCP_RST) ? TG_CTR_rst_limited : TG_CTR_ack_limited;
}

void tg_admit_reply(struct tg_engine *e, const struct tg_rx *rx, struct tg_act *act)
{
	const struct tg_addr *peer = &rx->tuple.raddr;

	if (!act->has_reply || (act->events & TG_EV_OPENED))
		return;
	if (tg_budget_take(e->budget, peer, e->env.now_ms))
		return;
	act->has_reply = false;
	act->verdict = limited(&act->reply);
}
