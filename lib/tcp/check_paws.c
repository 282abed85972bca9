/* SPDX-License-Identifier: BSD-3-Clause */
/* check_paws.c: before check 1, RFC 7323 3.2 and 5.3: a segment without the timestamps that were
 * agreed on, or with one older than TS.Recent, is no part of this connection's present. A RST is
 * exempt from both (RB-07), a SYN from the first (it is challenged, RB-05). */
#include "control.h"

/* DT-10, ADV-51, RFC 7323 5.5: after 24 days of silence the peer's clock may have gone half around.
 */
static bool is_older(const struct tg_tcb *tcb, const struct tg_seg *seg,
		     const struct tg_tcp_env *env)
{
	if ((int32_t)(seg->opts.tsval - tcb->ts_recent) >= 0)
		return false;
	return env->now_ms - tcb->ts_recent_ms <= TG_PAWS_IDLE_MS;
}

bool tg_check_paws(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act)
{
	if (!tcb->ts_on || (seg->ctl & TG_TCP_RST))
		return true;
	if (!seg->opts.has_ts) {
		if (seg->ctl & TG_TCP_SYN)
			return true;
		act->verdict = TG_CTR_ts_missing; /* SE-44, ADV-52 */
		return false;
	}
	if (!is_older(tcb, seg, env))
		return true;
	act->verdict = TG_CTR_paws_drop; /* SE-43 */
	if ((seg->ctl & TG_TCP_SYN) || tg_seg_len(seg) == 0)
		tg_reply_challenge(tcb, env, act); /* RB-11: no loop of empty ACKs */
	else
		tg_reply_ack(tcb, env, act);
	return false;
}
