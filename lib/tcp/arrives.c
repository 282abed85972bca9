/* SPDX-License-Identifier: BSD-3-Clause */
/* arrives.c: RFC 9293 3.10.7.4, the spine: a segment meets a connection and passes eight checks in
 * the RFC's order, with PAWS before the first (RFC 7323 5.3). A check that stops the segment has
 * said in act why, and nothing after it runs: a segment dropped by any check updates nothing
 * (RB-16). Check 3 (security and compartment) is empty (RFC 9293 A.1.2). */
#include "control.h"

/* DT-09, RFC 7323 4.3: the timestamp of a segment that the checks up to ACK have let pass; they are
 * all that stands before one half around the clock (ADV-50). */
void tg_update_ts_recent(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	if (!tcb->ts_on || !seg->opts.has_ts || tg_seq_gt(seg->seq, tcb->rcv.last_ack))
		return;
	tcb->ts_recent = seg->opts.tsval;
	tcb->ts_recent_ms = env->now_ms;
}

/* The peer lives: keepalive starts anew (TO-07). The timer is lazy: only the time is noted. */
static void note_alive(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tcb->idle_since_ms = env->now_ms;
	if (!tcb->persist)
		tcb->probes = 0;
}

void tg_arrives_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		     struct tg_act *act)
{
	if (!tg_check_urg(tcb, seg, env, act)) /* 6 */
		return;
	if (!tg_check_text(tcb, seg, env, act)) /* 7 */
		return;
	tg_check_fin(tcb, seg, env, act); /* 8 */
}

static void checks(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act)
{
	if (!tg_check_paws(tcb, seg, env, act))
		return;
	if (!tg_check_sequence(tcb, seg, env, act)) /* 1 */
		return;
	if (!tg_check_rst(tcb, seg, env, act)) /* 2 */
		return;
	if (!tg_check_syn(tcb, seg, env, act)) /* 4 */
		return;
	if (!tg_check_ack(tcb, seg, env, act)) { /* 5 */
		if (tcb->state == TG_TIME_WAIT)  /* it passed: TD-22 will ask for its timestamp */
			tg_update_ts_recent(tcb, seg, env);
		return;
	}
	tg_update_ts_recent(tcb, seg, env);
	note_alive(tcb, env);
	tg_arrives_text(tcb, seg, env, act);
}

void tg_tcp_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		    struct tg_act *act)
{
	tg_act_init(act);
	tg_note_options(seg, env);
	if (tcb->state == TG_SYN_SENT)
		tg_syn_sent(tcb, seg, env, act);
	else
		checks(tcb, seg, env, act);
}
