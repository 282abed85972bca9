/* SPDX-License-Identifier: BSD-3-Clause */
/* cc.c: what all controllers share, and the choice between them. */
#include "cc.h"

enum {
	SSTHRESH_NONE = 1 << 30,
	IW_SEGMENTS = 10,
	IW_BYTES = 14600, /* RFC 6928 2 */
};

static bool is_cubic(const struct tg_tcb *tcb)
{
	return tcb->conf->congestion == TG_CC_CUBIC;
}

/* --- the initial window --- */

uint32_t tg_cc_iw(const struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_mss(tcb);

	return tg_cc_min(IW_SEGMENTS * mss, tg_cc_max(2 * mss, IW_BYTES));
}

/* DT-19, EST-25: one segment when SYN or SYN-ACK was lost more than once. */
uint32_t tg_cc_initial(const struct tg_tcb *tcb)
{
	if (tcb->rexmit_syn && tcb->syn_sent_n > 2)
		return tg_tx_mss(tcb);
	return tg_cc_iw(tcb);
}

void tg_cc_init(struct tg_tcb *tcb)
{
	tcb->cwnd = tg_cc_initial(tcb);
	tcb->ssthresh = SSTHRESH_NONE;
	tcb->acked_bytes = 0;
	tcb->cc = (struct tg_cc){.epoch_ms = 0};
}

/* --- growth --- */

/* More than the queue can hold is never in flight: a larger cwnd would only hide what the path
 * bears. */
void tg_cc_grow(struct tg_tcb *tcb, uint32_t n)
{
	uint32_t most = tg_cc_max(tcb->conf->sndbuf, tg_cc_initial(tcb));

	if (tcb->cwnd < most)
		tcb->cwnd = tg_cc_min(tcb->cwnd + n, most);
}

static void slow_start(struct tg_tcb *tcb, uint32_t acked, uint32_t rtt_us)
{
	uint32_t add = tg_reno_slow_start(tcb, acked);

	if (!tcb->cc.hystart_done)
		add = tg_hystart_acked(tcb, add, rtt_us);
	tg_cc_grow(tcb, add);
}

void tg_cc_acked(struct tg_tcb *tcb, uint32_t acked, uint32_t rtt_us, bool limited, uint64_t now_ms)
{
	if (!limited) {
		tg_hystart_pause(tcb);
		tg_cubic_pause(tcb, now_ms);
		return;
	}
	if (tcb->cwnd < tcb->ssthresh)
		slow_start(tcb, acked, rtt_us);
	else if (is_cubic(tcb))
		tg_cubic_acked(tcb, acked, now_ms);
	else
		tg_reno_acked(tcb, acked);
	tcb->cc.grown_ms = now_ms;
}

/* --- congestion --- */

static void remember(struct tg_tcb *tcb)
{
	struct tg_cc *cc = &tcb->cc;

	cc->undo.cwnd = tcb->cwnd;
	cc->undo.ssthresh = tcb->ssthresh;
	cc->undo.w_max = cc->w_max;
	cc->undo.w_est = cc->w_est;
	cc->undo.cwnd_prior = cc->cwnd_prior;
	cc->undo.k_ms = cc->k_ms;
	cc->undo.epoch_ms = cc->epoch_ms;
}

/* A new ssthresh; what was known of the path begins anew with the next congestion avoidance. */
static void reduce(struct tg_tcb *tcb, uint32_t flight, bool ecn)
{
	remember(tcb);
	tcb->ssthresh = is_cubic(tcb) ? tg_cubic_ssthresh(tcb, flight, ecn)
				      : tg_reno_ssthresh(tcb, flight, ecn);
	tcb->cc.hystart_done = true; /* RFC 9406 4.2: loss or ECE ends the first slow start */
	tg_ecn_reduced(tcb);         /* RFC 3168 6.1.2: the peer hears of each reduction */
}

void tg_cc_congestion(struct tg_tcb *tcb, uint32_t flight, bool ecn)
{
	reduce(tcb, flight, ecn);
	tcb->cc.after_timeout = false;
	tg_cc_recovered(tcb);
}

/* DT-18, RFC 5681 3.1: the loss window is one segment. */
void tg_cc_timeout(struct tg_tcb *tcb, uint32_t flight, bool first)
{
	if (first)
		reduce(tcb, flight, false);
	tcb->cwnd = tg_tx_mss(tcb);
	tcb->cc.hystart_done = true;
	tcb->cc.after_timeout = true;
	tg_cc_recovered(tcb);
}

void tg_cc_recovered(struct tg_tcb *tcb)
{
	tcb->acked_bytes = 0;
	tcb->cc.epoch_ms = 0;
}

/* RFC 9438 4.9: all as it was, unless cwnd has come further since. */
void tg_cc_undo(struct tg_tcb *tcb)
{
	struct tg_cc *cc = &tcb->cc;

	if (cc->undo.cwnd == 0)
		return;
	tcb->ssthresh = tg_cc_max(tcb->ssthresh, cc->undo.ssthresh);
	if (tcb->cwnd < cc->undo.cwnd) {
		tcb->cwnd = cc->undo.cwnd;
		cc->w_max = cc->undo.w_max;
		cc->w_est = cc->undo.w_est;
		cc->cwnd_prior = cc->undo.cwnd_prior;
		cc->k_ms = cc->undo.k_ms;
		cc->epoch_ms = cc->undo.epoch_ms;
		cc->after_timeout = false;
	}
	cc->undo.cwnd = 0;
}

/* --- silence --- */

/* DT-22, RFC 5681 4.1: what cwnd says of the path is old. ssthresh stays and says where to slow
 * down. */
void tg_cc_idle(struct tg_tcb *tcb, uint64_t now_ms)
{
	uint32_t initial = tg_cc_initial(tcb);

	if (tg_data_flight(tcb) == 0)
		tg_cubic_pause(tcb, now_ms);
	if (tcb->sent_ms == 0 || now_ms - tcb->sent_ms <= tg_rto_ms(tcb) || tcb->cwnd <= initial)
		return;
	tcb->cwnd = initial;
	tg_cc_recovered(tcb);
}
