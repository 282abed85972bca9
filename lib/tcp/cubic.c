/* SPDX-License-Identifier: BSD-3-Clause */
/* cubic.c: RFC 9438 in integers: windows in bytes, times in ms.
 *
 * W_cubic(t) = C (t - K)^3 + W_max, C = 0.4 segments per s^3; t counts from the beginning of this
 * congestion avoidance, and K is where the curve meets W_max:
 *
 *     W_max  - - - - - - .-----'   -   |     a cut to 0.7 of W_max, fast back (concave), slow near
 *              .-'                    /      W_max, then faster and faster (convex)
 *     0.7    '- - - - - - - -  - - -
 *            t = 0          K
 *
 * Where an AIMD flow of the same loss rate would be ahead, W_est, cwnd follows that (4.3). */
#include "cc.h"

#include <assert.h>

enum {
	BETA_NUM = 7, /* 0.7, RFC 9438 4.6 */
	BETA_DEN = 10,
	ALPHA_NUM = 9, /* 3 (1 - beta) / (1 + beta), 4.3 */
	ALPHA_DEN = 17,
	TIME_MAX_MS = 1 << 20, /* the curve left every window long before; its cube fits 60 bits */
};

static uint32_t narrow(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* --- the curve --- */

/* The largest r with r^3 <= v, one bit a step. */
static uint32_t cube_root(uint64_t v)
{
	uint64_t r = 0, b;

	for (int shift = 63; shift >= 0; shift -= 3) {
		r <<= 1;
		b = 3 * r * (r + 1) + 1; /* (r + 1)^3 - r^3 */
		if (v >> shift >= b) {
			v -= b << shift;
			r++;
		}
	}
	return (uint32_t)r;
}

/* (2): the cube root of (W_max - cwnd) / C, in ms: 1e9 / 0.4 = 2.5e9. */
static uint32_t k_ms(uint32_t w_max, uint32_t cwnd, uint32_t mss)
{
	return cube_root((uint64_t)(w_max - cwnd) * 2500000000u / mss);
}

/* DT-21, RFC 9438 4.2 (1), t ms after the beginning. C / 1e9 = 4 / 1e10, in two steps for want of
 * bits. */
static uint32_t curve(const struct tg_cc *cc, uint64_t t, uint32_t mss)
{
	bool is_past = t >= cc->k_ms;
	uint64_t d = is_past ? t - cc->k_ms : cc->k_ms - t, rise;

	if (d > TIME_MAX_MS)
		d = TIME_MAX_MS;
	rise = d * d * d / 1000000 * (4 * mss) / 10000;
	if (is_past)
		return narrow(cc->w_max + rise);
	return cc->w_max > rise ? (uint32_t)(cc->w_max - rise) : 0;
}

/* --- growth --- */

static void begin(struct tg_tcb *tcb, uint64_t now_ms)
{
	struct tg_cc *cc = &tcb->cc;

	/* 4.8 after a timeout, 4.10 after a slow start without loss; and a cwnd above what W_max
	 * was once knows better. */
	if (cc->after_timeout || cc->w_max <= tcb->cwnd)
		cc->w_max = tcb->cwnd;
	cc->k_ms = k_ms(cc->w_max, tcb->cwnd, tg_tx_mss(tcb));
	cc->epoch_ms = now_ms;
	cc->w_est = tcb->cwnd;
	cc->cwnd_part = cc->w_est_part = 0;
	cc->after_timeout = false;
	if (cc->cwnd_prior == 0)
		cc->cwnd_prior = tcb->cwnd;
}

/* Adds num / den bytes to *whole and its *part of 2^-16. num < 2^47, the sum < 2^32. */
static void add(uint32_t *whole, uint16_t *part, uint64_t num, uint64_t den)
{
	uint64_t sum = (num << 16) / den + *part;

	*part = (uint16_t)sum;
	*whole = narrow(*whole + (sum >> 16));
}

/* DT-21, RFC 9438 4.3, Figure 4: as Reno's additive increase, slower until it is where the last cut
 * was made. */
static void add_estimate(struct tg_tcb *tcb, uint32_t acked)
{
	struct tg_cc *cc = &tcb->cc;
	uint64_t num = (uint64_t)tg_tx_mss(tcb) * acked;

	if (cc->w_est < cc->cwnd_prior)
		num = num / ALPHA_DEN * ALPHA_NUM;
	add(&cc->w_est, &cc->w_est_part, num, tcb->cwnd);
}

/* The RFC counts (target - cwnd) / cwnd for each ACK of one segment; here each byte has its share,
 * so that delayed ACKs lose nothing and split ones gain nothing (DT-22, ADV-47). */
void tg_cubic_acked(struct tg_tcb *tcb, uint32_t acked, uint64_t now_ms)
{
	struct tg_cc *cc = &tcb->cc;
	uint32_t mss = tg_tx_mss(tcb), target, wide = 0;
	uint64_t t;

	assert(tcb->cwnd > 0);
	if (cc->epoch_ms == 0)
		begin(tcb, now_ms);
	acked = tg_cc_min(acked, tcb->cwnd);
	t = now_ms - cc->epoch_ms;
	add_estimate(tcb, acked);
	if (curve(cc, t, mss) < cc->w_est) {
		if (cc->w_est > tcb->cwnd)
			tg_cc_grow(tcb, cc->w_est - tcb->cwnd);
		return;
	}
	target = curve(cc, t + (tcb->srtt_us + 500) / 1000, mss);
	target = tg_cc_min(target, tcb->cwnd + tcb->cwnd / 2);
	if (target <= tcb->cwnd)
		return;
	add(&wide, &cc->cwnd_part, (uint64_t)(target - tcb->cwnd) * acked, tcb->cwnd);
	tg_cc_grow(tcb, wide);
}

/* --- congestion --- */

/* DT-21, RFC 9438 4.6: 0.7 of what was outstanding; RFC 8511 4.1: 0.85 for a mark. 4.7: a flow that
 * is cut before it was back where it had been leaves room for a new one. */
uint32_t tg_cubic_ssthresh(struct tg_tcb *tcb, uint32_t flight, bool ecn)
{
	struct tg_cc *cc = &tcb->cc;
	uint64_t left;

	/* A window that is full but for a part of a segment is full. */
	if (flight < tcb->cwnd && flight + tg_tx_size(tcb) > tcb->cwnd)
		flight = tcb->cwnd;
	left = (uint64_t)flight * BETA_NUM / BETA_DEN;
	cc->cwnd_prior = tcb->cwnd;
	if (tcb->cwnd < cc->w_max)
		cc->w_max =
		    (uint32_t)((uint64_t)tcb->cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN));
	else
		cc->w_max = tcb->cwnd;
	if (ecn)
		left = (uint64_t)flight * 17 / 20;
	return tg_cc_max((uint32_t)left, 2 * tg_tx_mss(tcb));
}

void tg_cubic_pause(struct tg_tcb *tcb, uint64_t now_ms)
{
	struct tg_cc *cc = &tcb->cc;

	if (cc->epoch_ms && now_ms > cc->grown_ms)
		cc->epoch_ms += now_ms - cc->grown_ms;
	cc->grown_ms = now_ms;
}
