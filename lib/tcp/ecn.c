/* SPDX-License-Identifier: BSD-3-Clause */
/* ecn.c: explicit congestion notification on an open connection (RFC 3168 6.1, DT-36). Whether it
 * is spoken at all the handshake decides (syn.c, EST-32).
 *
 *     sender                                              receiver
 *       text, ECT(0)  ---- a router marks it CE ---->       owes ECE
 *       cwnd is less, owes CWR  <---- ECE on each ACK -     until
 *       new text, CWR  ------------------------------->     it sees CWR
 *
 * Both directions may run at once; each side keeps in ecn_owed what it still has to say. */
#include "data.h"

void tg_ecn_init(struct tg_tcb *tcb)
{
	tcb->ecn_owed = 0;
	tcb->ecn_recover = tg_seq_sub(tcb->snd.una, 1);
}

/* RFC 3168 6.1.3. CWR first: a segment that has both was marked after the sender had reduced. */
void tg_ecn_text_arrives(struct tg_tcb *tcb, const struct tg_seg *seg)
{
	if (seg->ctl & TG_TCP_CWR)
		tcb->ecn_owed &= (uint8_t)~TG_OWE_ECE;
	if (seg->ecn == TG_ECN_CE)
		tcb->ecn_owed |= TG_OWE_ECE;
}

void tg_ecn_reduced(struct tg_tcb *tcb)
{
	if (!tcb->ecn_on)
		return;
	tcb->ecn_owed |= TG_OWE_CWR;
	tcb->ecn_recover = tcb->snd.nxt;
}

/* RFC 3168 6.1.2: as a loss would, but nothing is repeated and nothing was spurious. */
static void reduce(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	uint32_t least = tg_tx_mss(tcb);

	tg_cc_congestion(tcb, tg_data_flight(tcb), true);
	if (tcb->cwnd > tcb->ssthresh)
		tcb->cwnd = tcb->ssthresh > least ? tcb->ssthresh : least;
	tcb->cc.undo.cwnd = 0;
	tg_ctr_inc(env->ctr, TG_CTR_ecn_reduced);
}

bool tg_ecn_ack_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	/* It stays near, so that it is never half the sequence space behind. */
	tcb->ecn_recover = tg_seq_max(tcb->ecn_recover, tg_seq_sub(tcb->snd.una, 1));
	if (!(seg->ctl & TG_TCP_ECE) || (seg->ctl & TG_TCP_SYN))
		return false;
	/* Once a window; loss in the same window has reduced it already. */
	if (tg_seq_gt(seg->ack, tcb->ecn_recover) && tg_data_flight(tcb) > 0 && !tcb->recovery &&
	    !tcb->loss)
		reduce(tcb, env);
	return true;
}

void tg_ecn_mark(struct tg_tcb *tcb, struct tg_seg *seg)
{
	if (seg->len == 0)
		return;
	seg->ecn = TG_ECN_ECT0;
	if (!(tcb->ecn_owed & TG_OWE_CWR))
		return;
	seg->ctl |= TG_TCP_CWR;
	tcb->ecn_owed &= (uint8_t)~TG_OWE_CWR;
}
