/* SPDX-License-Identifier: BSD-3-Clause */
/* timeout.c: timers (RFC 9293 3.10.8): SYN, SYN-ACK, keepalive, FIN-WAIT-2, delayed ACK, the
 * service's. Data, FIN and window probes are rto.c's. */
#include <errno.h>

#include "control.h"

enum { SYN_R1 = 3 }; /* DT-08: the neighbour is asked again */

/* 1 s, doubling, at most 60 s: repetitions at 1, 3, 7, 15, 31, 63, 123, 183 s (TO-01). */
static uint64_t syn_rto_ms(const struct tg_tcb *tcb)
{
	uint64_t rto = (uint64_t)TG_SYN_RTO_MS << (tcb->backoff < 6 ? tcb->backoff : 6);

	return rto < TG_SYN_RTO_MAX_MS ? rto : TG_SYN_RTO_MAX_MS;
}

/* TO-08: the user's patience ends before the next repetition does. */
static void arm_syn(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	uint64_t next = env->now_ms + syn_rto_ms(tcb);
	uint64_t end = tcb->rexmit_since_ms + tcb->conf->user_timeout_ms;

	if (tcb->active && tcb->conf->user_timeout_ms && end < next)
		next = end;
	tcb->deadline[TG_T_REXMIT] = next;
}

static bool patience_ends(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (!tcb->active || !tcb->conf->user_timeout_ms)
		return false;
	if (env->now_ms - tcb->rexmit_since_ms < tcb->conf->user_timeout_ms)
		return false;
	tg_ctr_inc(env->ctr, TG_CTR_abort_user_timeout);
	tg_enter_closed(tcb, TG_CLOSE_TIMEOUT, env, act);
	return true;
}

/* UC-10: what the network said last is a better reason than silence. */
static enum tg_close_reason silence_reason(const struct tg_tcb *tcb)
{
	if (tcb->soft_error == EHOSTUNREACH)
		return TG_CLOSE_UNREACHABLE;
	if (tcb->soft_error == ENETUNREACH)
		return TG_CLOSE_NET_UNREACHABLE;
	return TG_CLOSE_TIMEOUT;
}

/* TO-01, EST-24: the same SYN again, by tg_tcp_output. */
static void syn_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	uint8_t retries = tcb->conf->syn_retries ? tcb->conf->syn_retries : TG_SYN_RETRIES;

	if (patience_ends(tcb, env, act))
		return;
	if (tcb->backoff >= retries) {
		tg_ctr_inc(env->ctr, TG_CTR_syn_timeout);
		tg_enter_closed(tcb, silence_reason(tcb), env, act);
		return;
	}
	tcb->backoff++;
	if (tcb->backoff == SYN_R1)
		act->events |= TG_EV_NEIGH;
	tcb->rexmits++;
	tcb->rexmit_nxt = tcb->snd.iss;
	tg_ctr_inc(env->ctr, TG_CTR_rexmit);
	arm_syn(tcb, env);
}

/* TO-02: the same SYN-ACK again; p is given up unsaid. */
static void syn_ack_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (patience_ends(tcb, env, act))
		return;
	if (tcb->backoff >= tcb->conf->synack_retries) {
		tg_ctr_inc(env->ctr, TG_CTR_synack_timeout);
		if (!tcb->active)
			act->events |= TG_EV_TO_LISTEN;
		tg_enter_closed(tcb, silence_reason(tcb), env, act);
		return;
	}
	tcb->backoff++;
	tg_reply_syn_ack(tcb, env, act);
	tg_ctr_inc(env->ctr, TG_CTR_synack_rexmit);
	arm_syn(tcb, env);
}

static void rexmit(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (tcb->state == TG_SYN_SENT)
		syn_timeout(tcb, env, act);
	else if (tcb->state == TG_SYN_RECEIVED || tcb->syn_unacked)
		syn_ack_timeout(tcb, env, act);
	else
		tg_tx_timeout(tcb, env, act);
}

/* TO-10: the ACK has waited long enough; tg_tcp_output sends it. */
static void delack(struct tg_tcb *tcb)
{
	tcb->deadline[TG_T_DELACK] = 0;
	if (tcb->delack)
		tcb->ack_now = true;
}

/* TO-07, MUST-26: only when nothing is outstanding; else the retransmission timer finds out. */
static bool is_idle(const struct tg_tcb *tcb)
{
	return tg_seq_eq(tcb->snd.una, tcb->snd.nxt) && !tcb->deadline[TG_T_REXMIT];
}

static void keepalive_abort(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	uint32_t events = act->events;

	tg_ctr_inc(env->ctr, TG_CTR_abort_keepalive);
	tg_tcp_abort(tcb, TG_CLOSE_TIMEOUT, env, act);
	act->events |= events;
}

/* SHLD-12: <SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>, without text. */
static void keepalive_probe(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tcb->probes++;
	act->has_reply = true;
	tg_fill(tcb, tg_seq_sub(tcb->snd.nxt, 1), 0, env, &act->reply);
	tg_ctr_inc(env->ctr, TG_CTR_keepalive_probe);
	tcb->deadline[TG_T_KEEPALIVE] = env->now_ms + tcb->conf->keepalive_interval_ms;
}

static void keepalive(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	uint64_t due = tcb->idle_since_ms + tcb->conf->keepalive_idle_ms;

	tcb->deadline[TG_T_KEEPALIVE] = 0;
	if (!tcb->conf->keepalive)
		return;
	if (!is_idle(tcb))
		tcb->deadline[TG_T_KEEPALIVE] = env->now_ms + tcb->conf->keepalive_idle_ms;
	else if (due > env->now_ms)
		tcb->deadline[TG_T_KEEPALIVE] = due;
	else if (tcb->probes >= tcb->conf->keepalive_count)
		keepalive_abort(tcb, env, act);
	else
		keepalive_probe(tcb, env, act);
}

/* TO-06, TD-13, ADV-67: closed unsaid; no RST, no TIME-WAIT. */
static void fin_wait_2(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_ctr_inc(env->ctr, TG_CTR_fw2_timeout);
	tg_enter_closed(tcb, TG_CLOSE_FW2, env, act);
}

static void fire(struct tg_tcb *tcb, enum tg_tcb_timer timer, const struct tg_tcp_env *env,
		 struct tg_act *act)
{
	switch (timer) {
	case TG_T_REXMIT:
		rexmit(tcb, env, act);
		return;
	case TG_T_RACK:
		tg_rack_timeout(tcb, env);
		return;
	case TG_T_DELACK:
		delack(tcb);
		return;
	case TG_T_KEEPALIVE:
		keepalive(tcb, env, act);
		return;
	case TG_T_FW2:
		fin_wait_2(tcb, env, act);
		return;
	case TG_T_SERVICE:
		tcb->deadline[TG_T_SERVICE] = 0;
		act->events |= TG_EV_SERVICE;
		return;
	case TG_T_N:
		return;
	}
}

/* CLOSED stops all timers, so none fires after one that ended the block. */
void tg_tcp_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_act_init(act);
	for (int t = 0; t < TG_T_N; t++)
		if (tcb->deadline[t] && tcb->deadline[t] <= env->now_ms)
			fire(tcb, (enum tg_tcb_timer)t, env, act);
	if (tg_rest_at(tcb) <= env->now_ms)
		tcb->rest_ms = tg_rest_at(tcb);
}
