/* SPDX-License-Identifier: BSD-3-Clause */
/* check_syn.c: check 4, SYN inside the window (check 1 has dealt with those outside, and with the
 * repeated SYN of SYN-RECEIVED): a challenge ACK, whatever its number (RFC 5961 4.2, RB-05). */
#include <assert.h>

#include "control.h"

/* EST-32: a peer whose SYN or SYN-ACK is without ECN does not speak it, whatever the first SYN said
 * (RFC 3168 6.1.1.1). */
static void note_ecn(struct tg_tcb *tcb, const struct tg_seg *seg)
{
	tcb->ecn_on = tcb->ecn_on && tg_syn_has_ecn(seg);
}

/* SE-02: the SYN-ACK again, by the limit of challenges; text in the SYN is ignored. */
static void syn_again(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	note_ecn(tcb, seg);
	if (tg_challenge_is_limited(tcb, env)) {
		tg_ctr_inc(env->ctr, TG_CTR_ch_skipped);
		return;
	}
	tcb->ch_ms = env->now_ms ? env->now_ms : 1;
	tg_reply_syn_ack(tcb, env, act);
	tg_ctr_inc(env->ctr, TG_CTR_synack_rexmit);
}

/* SE-05: simultaneous open ends with the peer's SYN-ACK. Check 5 judges its ACK, and here what is
 * not good draws a challenge, not a RST (SE-06, ADV-70). */
static bool may_complete(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tcb->active && (seg->ctl & TG_TCP_ACK) && tg_seq_eq(seg->seq, tcb->rcv.irs) &&
	       tg_seq_gt(seg->ack, tcb->snd.una) && tg_seq_le(seg->ack, tcb->snd.nxt);
}

static void complete(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		     struct tg_act *act)
{
	struct tg_seg rest = *seg;

	note_ecn(tcb, seg);
	if (!tg_check_ack(tcb, seg, env, act))
		return;
	tg_update_ts_recent(tcb, seg, env);
	tcb->ack_now = true;
	rest.ctl &= (uint8_t)~TG_TCP_SYN;
	rest.seq = tcb->rcv.nxt;
	tg_arrives_text(tcb, &rest, env, act);
}

/* SE-03, ADV-28, DIS-05: whatever else it is, the entry stays. */
static void half_open(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	if (may_complete(tcb, seg))
		complete(tcb, seg, env, act);
	else if (!(seg->ctl & TG_TCP_ACK) && tg_seq_eq(seg->seq, tcb->rcv.irs))
		syn_again(tcb, seg, env, act);
	else
		tg_reply_challenge(tcb, env, act);
}

/* SE-20, EST-07, ADV-21: a peer that began anew answers the challenge with an exact RST. */
bool tg_check_syn(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_SYN))
		return true;
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_RECEIVED:
		half_open(tcb, seg, env, act);
		return false;
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK:
		act->verdict = TG_CTR_syn_in_window;
		tg_reply_challenge(tcb, env, act);
		return false;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 4 in that state");
	return false;
}
