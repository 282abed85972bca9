/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp.c: ICMP errors about a connection (RFC 9293 3.9.2.2, RFC 5927). Anybody can send one: it
 * counts only when it quotes a number in flight (RB-17), and never ends an open connection. */
#include <errno.h>

#include "control.h"
#include "pmtu.h"

/* RB-17, ADV-72. */
static bool quotes_flight(const struct tg_tcb *tcb, tg_seq quoted_seq)
{
	return tg_seq_ge(quoted_seq, tcb->snd.una) && tg_seq_lt(quoted_seq, tcb->snd.nxt);
}

static enum tg_close_reason hard_reason(int error)
{
	if (error == EHOSTUNREACH)
		return TG_CLOSE_UNREACHABLE;
	if (error == ENETUNREACH)
		return TG_CLOSE_NET_UNREACHABLE;
	return TG_CLOSE_REFUSED;
}

/* RB-18; RB-19, ADV-73 in synchronized states (DIS-08). */
static void soft(struct tg_tcb *tcb, int error, const struct tg_tcp_env *env, struct tg_act *act)
{
	tcb->soft_error = error;
	act->events |= TG_EV_SOFT;
	tg_ctr_inc(env->ctr, TG_CTR_icmp_soft);
}

void tg_tcp_icmp(struct tg_tcb *tcb, tg_seq quoted_seq, int error, bool hard, uint32_t ptb_mtu,
		 const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_act_init(act);
	if (!quotes_flight(tcb, quoted_seq)) {
		act->verdict = TG_CTR_icmp_bad_seq;
		return;
	}
	if (error == EMSGSIZE || ptb_mtu) {
		tg_pmtu_claim(tcb, quoted_seq, ptb_mtu, env, act);
		return;
	}
	if (!hard || (tcb->state != TG_SYN_SENT && tcb->state != TG_SYN_RECEIVED)) {
		soft(tcb, error, env, act);
		return;
	}
	tg_ctr_inc(env->ctr, TG_CTR_icmp_hard);
	if (tcb->state == TG_SYN_RECEIVED && !tcb->active)
		act->events |= TG_EV_TO_LISTEN;
	tg_enter_closed(tcb, hard_reason(error), env, act);
}
