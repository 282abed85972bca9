/* SPDX-License-Identifier: BSD-3-Clause */
/* reply.c: the answers that a segment can draw: ACK, challenge ACK, RST-A, RST-B, RST-C. */
#include "control.h"

/* An empty segment of the reply, addressed back where seg came from. */
static struct tg_seg *reply_start(struct tg_act *act)
{
	act->reply = (struct tg_seg){0};
	act->has_reply = true;
	return &act->reply;
}

void tg_fill(struct tg_tcb *tcb, tg_seq seq, uint8_t ctl, const struct tg_tcp_env *env,
	     struct tg_seg *seg)
{
	*seg = (struct tg_seg){0};
	seg->seq = seq;
	seg->ack = tcb->rcv.nxt;
	seg->ctl = ctl | TG_TCP_ACK;
	seg->wnd = tg_rx_window(tcb, false);
	if (tcb->ts_on) { /* EST-17: in every segment that is not a RST */
		seg->opts.has_ts = 1;
		seg->opts.tsval = tg_tcp_tsval(tcb->ts_offset, env);
		seg->opts.tsecr = tcb->ts_recent;
	}
	if (tcb->sack_on)
		tg_rx_sack(tcb, &seg->opts, env);
	if (tcb->ecn_owed & TG_OWE_ECE) /* RFC 3168 6.1.3: until CWR comes */
		seg->ctl |= TG_TCP_ECE;
	tcb->rcv.last_ack = tcb->rcv.nxt;
	tcb->ack_now = false;
	tcb->delack = false;
	tcb->full_segs = 0;
	tcb->deadline[TG_T_DELACK] = 0;
}

void tg_reply_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	act->has_reply = true;
	tg_fill(tcb, tcb->snd.nxt, 0, env, &act->reply);
	/* EST-34: the peer will echo this one, like those of the SYN-ACKs. */
	if (tcb->state == TG_SYN_RECEIVED && tcb->ts_on)
		tcb->ts_last = act->reply.opts.tsval;
}

/* RB-08, RB-09, ADV-84: by the connection's own stamp. Nothing is shared that another could count.
 */
bool tg_challenge_may(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tg_challenge_is_limited(tcb, env)) {
		tg_ctr_inc(env->ctr, TG_CTR_ch_skipped);
		return false;
	}
	tcb->ch_ms = env->now_ms ? env->now_ms : 1;
	tg_ctr_inc(env->ctr, TG_CTR_ch_sent);
	return true;
}

void tg_reply_challenge(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (tg_challenge_may(tcb, env))
		tg_reply_ack(tcb, env, act);
}

void tg_reply_syn_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	act->has_reply = true;
	tg_fill_syn(tcb, env, &act->reply);
}

void tg_reply_rst_a(const struct tg_seg *seg, struct tg_act *act)
{
	struct tg_seg *rst = reply_start(act);

	rst->seq = seg->ack;
	rst->ctl = TG_TCP_RST;
	rst->sport = seg->dport;
	rst->dport = seg->sport;
}

void tg_reply_rst_b(const struct tg_seg *seg, struct tg_act *act)
{
	struct tg_seg *rst = reply_start(act);

	rst->ack = tg_seq_add(seg->seq, tg_seg_len(seg)); /* TD-08: SYN and FIN count */
	rst->ctl = TG_TCP_RST | TG_TCP_ACK;
	rst->sport = seg->dport;
	rst->dport = seg->sport;
}

void tg_reply_reset(const struct tg_seg *seg, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_reply_rst_a(seg, act);
	tg_ctr_inc(env->ctr, TG_CTR_rst_sent);
}

/* TD-09, UC-07: window 0, no text; at SND.NXT, which is exact or draws the challenge that leads to
 * what is (TD-11). The ACK bit is allowed and helps middleboxes. */
void tg_reply_rst_c(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	struct tg_seg *rst = reply_start(act);

	rst->seq = tcb->snd.nxt;
	rst->ack = tcb->rcv.nxt;
	rst->ctl = TG_TCP_RST | TG_TCP_ACK;
	tg_ctr_inc(env->ctr, TG_CTR_rst_sent);
}
