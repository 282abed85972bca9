/* SPDX-License-Identifier: BSD-3-Clause */
#include "ideal.h"

#include "sim.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CUBIC_C    0.4
#define CUBIC_BETA 0.7

enum { IW = 10, LEAST = 2 }; /* windows are counted in MSS, as real numbers */

/* What became of a segment that was sent. */
enum fate {
	ARRIVED,
	MISSED, /* it did not, and no ACK tells yet */
	LOST,   /* and the sender knows */
};

struct flow {
	const struct ideal *in;
	struct sim chance; /* only its dice */
	double seg;        /* bytes of a segment */
	uint32_t most;     /* segments that the buffer holds */
	uint8_t *fate;     /* enum fate of segment i of [una, nxt): [i % most] */
	uint32_t *order;   /* in which round and where in it: [i % most] */
	uint64_t una, nxt; /* segments */
	uint32_t sent;     /* segments, each time anew */
	uint32_t missed;   /* how many are MISSED: for all that the sender knows, in flight */
	double now_s;
	uint32_t silent; /* rounds of which nothing arrived, one after another */
	/* the window */
	double cwnd, ssthresh;
	double w_max, w_est, prior, k_s, epoch_s;
	bool has_epoch;
};

struct round {
	uint32_t may, sent, arrived;
	uint32_t last; /* order of the last that arrived */
	uint32_t lost; /* what the sender learns */
};

static void begin(struct flow *f, const struct ideal *in)
{
	*f = (struct flow){.in = in, .cwnd = IW, .ssthresh = INFINITY};
	f->most = (uint32_t)ceil(in->buffer / in->mss);
	f->seg = (double)in->buffer / f->most;
	f->fate = calloc(f->most, sizeof(*f->fate));
	f->order = calloc(f->most, sizeof(*f->order));
	f->chance.rng = in->seed;
	for (int host = 0; host < 2; host++) /* sim_init draws a seed for each */
		sim_random(&f->chance, 1);
}

/* --- a round --- */

static void send_segment(struct flow *f, uint64_t i, struct round *r)
{
	bool lost = f->in->loss && sim_random(&f->chance, 100000) < f->in->loss;
	uint32_t at = (uint32_t)(i % f->most);

	f->fate[at] = lost ? MISSED : ARRIVED;
	f->order[at] = ++f->sent;
	f->missed += lost;
	r->sent++;
	r->arrived += !lost;
	if (!lost)
		r->last = f->sent;
}

static uint32_t allowance(const struct flow *f)
{
	double n = floor(f->cwnd * f->in->mss / f->seg + 1e-6);

	if (f->in->window == IDEAL_NONE || n > f->most)
		return f->most;
	return n < 1 ? 1 : (uint32_t)n;
}

static struct round send_round(struct flow *f)
{
	uint32_t all = allowance(f);
	struct round r = {.may = all > f->missed ? all - f->missed : 0};

	for (uint64_t i = f->una; i < f->nxt && r.sent < r.may; i++)
		if (f->fate[i % f->most] == LOST)
			send_segment(f, i, &r);
	for (; r.sent < r.may && f->nxt < f->una + f->most; f->nxt++)
		send_segment(f, f->nxt, &r);
	return r;
}

/* Something that was sent later has arrived; or the timer has gone off. */
static bool is_known(const struct flow *f, const struct round *r, uint32_t at)
{
	return r->arrived == 0 || f->in->all_knowing || (int32_t)(f->order[at] - r->last) < 0;
}

static void hear(struct flow *f, struct round *r)
{
	double rtt_s = f->in->rtt_ms / 1e3;

	f->silent = r->arrived ? 0 : f->silent + 1;
	f->now_s += f->silent ? ldexp(rtt_s, (int)f->silent) : rtt_s;
	for (uint64_t i = f->una; i < f->nxt && f->missed > 0; i++) {
		uint32_t at = (uint32_t)(i % f->most);

		if (f->fate[at] == MISSED && is_known(f, r, at)) {
			f->fate[at] = LOST;
			f->missed--;
			r->lost++;
		}
	}
	while (f->una < f->nxt && f->fate[f->una % f->most] == ARRIVED)
		f->una++;
}

/* --- the window --- */

static void reduce_cubic(struct flow *f)
{
	f->prior = f->cwnd;
	f->w_max = f->cwnd < f->w_max ? f->cwnd * (1 + CUBIC_BETA) / 2 : f->cwnd; /* 4.7 */
	f->ssthresh = fmax(f->cwnd * CUBIC_BETA, LEAST);                          /* 4.6 */
	f->has_epoch = false;
}

/* By Newton, so that it is the same with every library: the table is compared to the last digit. */
static double cube_root(double v)
{
	double x = fmax(v, 1);

	for (int i = 0; i < 64; i++)
		x -= (x - v / (x * x)) / 3;
	return v > 0 ? x : 0;
}

static double curve(const struct flow *f, double t_s)
{
	double d = t_s - f->k_s;

	return CUBIC_C * d * d * d + f->w_max;
}

static void begin_cubic(struct flow *f)
{
	if (f->w_max < f->cwnd)
		f->w_max = f->prior = f->cwnd;
	f->k_s = cube_root((f->w_max - f->cwnd) / CUBIC_C);
	f->epoch_s = f->now_s;
	f->w_est = f->cwnd;
	f->has_epoch = true;
}

/* RFC 9438 4.2 to 4.5, for each segment that was acknowledged. */
static void grow_cubic(struct flow *f, uint32_t segments)
{
	double part = f->seg / f->in->mss, alpha, target;

	if (!f->has_epoch)
		begin_cubic(f);
	double t_s = f->now_s - f->epoch_s;

	for (uint32_t i = 0; i < segments; i++) {
		alpha = f->w_est < f->prior ? 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA) : 1;
		f->w_est += alpha * part / f->cwnd;
		if (curve(f, t_s) < f->w_est) {
			f->cwnd = fmax(f->cwnd, f->w_est);
			continue;
		}
		target = fmin(curve(f, t_s + f->in->rtt_ms / 1e3), 1.5 * f->cwnd);
		f->cwnd += fmax(target - f->cwnd, 0) * part / f->cwnd;
	}
}

static void adapt(struct flow *f, const struct round *r)
{
	if (r->lost > 0) {
		if (f->in->window == IDEAL_CUBIC)
			reduce_cubic(f);
		else
			f->ssthresh = fmax(f->cwnd / 2, LEAST);
		f->cwnd = f->ssthresh;
	} else if (r->sent < r->may) {
		return; /* the buffer was the limit: RFC 9438 5.8 */
	} else if (f->cwnd < f->ssthresh) {
		f->cwnd = fmin(f->cwnd + r->arrived * f->seg / f->in->mss, f->ssthresh);
	} else if (f->in->window == IDEAL_CUBIC) {
		grow_cubic(f, r->arrived);
	} else {
		f->cwnd += 1;
	}
	f->cwnd = fmin(f->cwnd, fmax(f->in->buffer / f->in->mss, IW));
}

double ideal_goodput(const struct ideal *in)
{
	struct flow f;
	double warm_s = in->warm_ms / 1e3, from_s = 0, rate;
	uint64_t from = 0;
	bool warm = false;

	assert(in->rtt_ms > 0 && in->loss < 50000 && in->buffer > 0);
	begin(&f, in);
	while (!warm || (double)(f.una - from) * f.seg < (double)in->bytes) {
		struct round r = send_round(&f);

		hear(&f, &r);
		adapt(&f, &r);
		if (!warm && f.now_s >= warm_s - 1e-9) {
			warm = true;
			from = f.una;
			from_s = f.now_s;
		}
	}
	rate = (double)(f.una - from) * f.seg / (f.now_s - from_s);
	free(f.fate);
	free(f.order);
	return rate;
}
