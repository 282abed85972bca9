/* SPDX-License-Identifier: BSD-3-Clause */
/* calls.c: user calls (RFC 9293 3.10.1, 3.10.4, 3.10.5): OPEN, CLOSE, ABORT. */
#include <assert.h>
#include <errno.h>

#include "control.h"

/* A SYN and the first byte behind it have their numbers from here. */
static void start_sequence(struct tg_tcb *tcb, tg_seq iss)
{
	tcb->snd.iss = iss;
	tcb->snd.una = tcb->snd.nxt = tcb->rexmit_nxt = iss;
	tcb->tx_end = tcb->tx_push = tg_seq_add(iss, 1);
}

void tg_tcp_open(struct tg_tcb *tcb, const struct tg_tuple *tuple, const tg_seq *iss_floor,
		 const struct tg_tcp_env *env)
{
	struct tg_act act;

	tg_act_init(&act);
	tcb->state = TG_CLOSED;
	tcb->active = true;
	tcb->v6 = !tg_addr_is_v4(&tuple->raddr);
	tcb->ts_offset = tg_tcp_ts_offset(tuple, env);
	tcb->snd.mss = tg_syn_peer_mss(tcb->conf, env, tcb->v6, 0);
	start_sequence(tcb, tg_iss_above(tg_tcp_isn(tuple, env), iss_floor));
	tcb->idle_since_ms = env->now_ms;
	tcb->rexmit_since_ms = env->now_ms;
	tg_enter(tcb, TG_SYN_SENT, env, &act);
	tcb->deadline[TG_T_REXMIT] = env->now_ms + TG_SYN_RTO_MS;
	if (tcb->conf->user_timeout_ms && tcb->conf->user_timeout_ms < TG_SYN_RTO_MS)
		tcb->deadline[TG_T_REXMIT] = env->now_ms + tcb->conf->user_timeout_ms;
	tg_ctr_inc(env->ctr, TG_CTR_conn_active);
}

/* True when bytes wait that no segment has carried. */
static bool has_unsent(const struct tg_tcb *tcb)
{
	return tg_seq_gt(tcb->tx_end, tcb->snd.nxt);
}

/* The FIN follows the queued bytes by tg_tcp_output; the state changes at once. */
static void queue_fin(struct tg_tcb *tcb, enum tg_tcp_state state, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	tcb->fin_queued = true;
	tg_enter(tcb, state, env, act);
	tg_tx_settle(tcb, env);
}

/* UC-05: FIN now when nothing is queued; it needs no ACK of our SYN. Else it waits for
 * ESTABLISHED. */
static void shut_half_open(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (has_unsent(tcb)) {
		tcb->fin_queued = true;
		return;
	}
	tcb->syn_unacked = true;
	queue_fin(tcb, TG_FIN_WAIT_1, env, act);
}

static int shut(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_SENT:
		tg_enter_closed(tcb, TG_CLOSE_NORMAL, env, act);
		return 0;
	case TG_SYN_RECEIVED:
		shut_half_open(tcb, env, act);
		return 0;
	case TG_ESTABLISHED:
		queue_fin(tcb, TG_FIN_WAIT_1, env, act);
		return 0;
	case TG_CLOSE_WAIT:
		queue_fin(tcb, TG_LAST_ACK, env, act);
		return 0;
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2: /* never a second FIN */
		return 0;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_CLOSING:
	case TG_LAST_ACK:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	return -ENOTCONN;
}

int tg_tcp_shutdown(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_act_init(act);
	return shut(tcb, env, act);
}

/* UC-08, RFC 2525 2.17: the peer must learn that bytes were lost, as long as it can still care. */
static bool loses_text(const struct tg_tcb *tcb)
{
	return tcb->state >= TG_ESTABLISHED && tcb->state <= TG_CLOSE_WAIT &&
	       tg_tcp_readable(tcb) > 0;
}

/* No reader from now on: what was for the user stops, and FIN-WAIT-2 has an end (TO-06). */
static void orphan(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tcb->orphan = true;
	tcb->deadline[TG_T_SERVICE] = 0;
	if (tcb->state != TG_FIN_WAIT_2)
		return;
	tcb->deadline[TG_T_KEEPALIVE] = 0;
	tcb->deadline[TG_T_FW2] = env->now_ms + tcb->conf->fin_wait_2_ms;
}

void tg_tcp_close(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_act_init(act);
	if (loses_text(tcb)) {
		tg_ctr_inc(env->ctr, TG_CTR_abort_on_unread);
		tg_tcp_abort(tcb, TG_CLOSE_ABORT, env, act);
		return;
	}
	if (tcb->conf->linger_ms == 0 && tcb->state != TG_TIME_WAIT) { /* UC-09, UC-07 */
		tg_tcp_abort(tcb, TG_CLOSE_ABORT, env, act);
		return;
	}
	orphan(tcb, env);
	shut(tcb, env, act);
}

/* UC-07. The block is gone at once, TIME-WAIT is not for whoever resets (TD-29, DIS-23). */
void tg_tcp_abort(struct tg_tcb *tcb, enum tg_close_reason reason, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	tg_act_init(act);
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_RECEIVED:
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
		tg_reply_rst_c(tcb, env, act);
		break;
	case TG_SYN_SENT:
	case TG_CLOSING:
	case TG_LAST_ACK: /* nothing is said */
		break;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		assert(false && "no block to abort in that state");
		return;
	}
	tg_enter_closed(tcb, reason, env, act);
}

void tg_keepalive_arm(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	(void)env;
	tcb->deadline[TG_T_KEEPALIVE] = 0;
	if (!tcb->conf->keepalive || tcb->orphan ||
	    !tg_timer_is_legal((enum tg_tcp_state)tcb->state, TG_T_KEEPALIVE))
		return;
	tcb->deadline[TG_T_KEEPALIVE] = tcb->idle_since_ms + tcb->conf->keepalive_idle_ms;
}

void tg_tcp_reconf(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tg_keepalive_arm(tcb, env);
	if (tcb->state == TG_FIN_WAIT_2 && tcb->orphan)
		tcb->deadline[TG_T_FW2] = env->now_ms + tcb->conf->fin_wait_2_ms;
}
