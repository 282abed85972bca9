/* SPDX-License-Identifier: BSD-3-Clause */
/* hystart.c: HyStart++ (RFC 9406): the first slow start ends where delay grows, before loss does.
 * A round is the time in which what was outstanding at its beginning is acknowledged. When the
 * least RTT of a round stands clearly above that of the round before, slow start goes on at a
 * quarter of the pace (conservative slow start); five such rounds end it, and a lower RTT brings
 * the full pace back. RTT samples may have a grain of 1 ms; the threshold is never below four. */
#include "cc.h"

enum {
	MIN_RTT_THRESH_US = 4000, /* RFC 9406 4.3 */
	MAX_RTT_THRESH_US = 16000,
	MIN_RTT_DIVISOR = 8,
	N_RTT_SAMPLE = 8,
	CSS_GROWTH_DIVISOR = 4,
	CSS_ROUNDS = 5,
};

static void begin_round(struct tg_tcb *tcb)
{
	struct tg_cc *cc = &tcb->cc;

	cc->round_on = true;
	cc->round_end = tcb->snd.nxt;
	cc->last_min_us = cc->round_min_us;
	cc->round_min_us = 0;
	cc->samples = 0;
}

static void take_sample(struct tg_cc *cc, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return;
	if (cc->round_min_us == 0 || rtt_us < cc->round_min_us)
		cc->round_min_us = rtt_us;
	if (cc->samples < N_RTT_SAMPLE)
		cc->samples++;
}

static bool has_delay_grown(const struct tg_cc *cc)
{
	uint32_t thresh = tg_cc_max(cc->last_min_us / MIN_RTT_DIVISOR, MIN_RTT_THRESH_US);

	return cc->last_min_us &&
	       cc->round_min_us >= cc->last_min_us + tg_cc_min(thresh, MAX_RTT_THRESH_US);
}

/* DT-21, RFC 9406 4.2: into conservative slow start, and out of it when the growth was but jitter.
 */
static void judge(struct tg_cc *cc)
{
	if (cc->samples < N_RTT_SAMPLE)
		return;
	if (cc->css_base_us == 0) {
		if (has_delay_grown(cc)) {
			cc->css_base_us = cc->round_min_us;
			cc->css_rounds = 0;
		}
	} else if (cc->round_min_us < cc->css_base_us) {
		cc->css_base_us = 0;
	}
}

/* The round in which conservative slow start began counts as one of the five. */
static void end_round(struct tg_tcb *tcb)
{
	struct tg_cc *cc = &tcb->cc;

	if (cc->css_base_us && ++cc->css_rounds >= CSS_ROUNDS) {
		cc->hystart_done = true;
		tcb->ssthresh = tcb->cwnd;
		cc->cwnd_prior = tcb->cwnd; /* RFC 9438 4.1.2: ssthresh was set here */
		return;
	}
	begin_round(tcb);
}

uint32_t tg_hystart_acked(struct tg_tcb *tcb, uint32_t add, uint32_t rtt_us)
{
	struct tg_cc *cc = &tcb->cc;

	if (!cc->round_on)
		begin_round(tcb);
	take_sample(cc, rtt_us);
	judge(cc);
	if (cc->css_base_us)
		add /= CSS_GROWTH_DIVISOR;
	if (tg_seq_ge(tcb->snd.una, cc->round_end))
		end_round(tcb);
	return cc->hystart_done ? 0 : add;
}

void tg_hystart_pause(struct tg_tcb *tcb)
{
	struct tg_cc *cc = &tcb->cc;

	if (cc->round_on && tg_seq_ge(tcb->snd.una, cc->round_end))
		cc->round_on = false;
}
