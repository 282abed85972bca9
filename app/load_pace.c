/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_pace.h"

/* Twice the area under the curve, in connections x microseconds a second: so that halves are
 * whole. */
static unsigned __int128 area2(const struct tg_pace *p, uint64_t t)
{
	unsigned __int128 rate = p->rate;

	if (t > p->duration_us)
		t = p->duration_us;
	if (t < p->up_us)
		return rate * t * t / p->up_us;
	if (t <= p->duration_us - p->down_us)
		return rate * (2 * t - p->up_us);
	uint64_t left = p->duration_us - t;
	unsigned __int128 all = rate * (2 * p->duration_us - p->up_us - p->down_us);

	return all - rate * left * left / p->down_us;
}

uint64_t tg_pace_due(const struct tg_pace *pace, uint64_t t_us)
{
	return (uint64_t)(area2(pace, t_us) / 2000000);
}

/* Of the numbers below n, those that are ours. */
static uint64_t share(const struct tg_pacer *p, uint64_t n)
{
	return n > p->worker ? (n - p->worker - 1) / p->worker_n + 1 : 0;
}

static uint64_t due(const struct tg_pacer *p, uint64_t now_ns)
{
	uint64_t n =
	    now_ns > p->start_ns ? tg_pace_due(&p->pace, (now_ns - p->start_ns) / 1000) : 0;

	return share(p, n < p->limit ? n : p->limit);
}

/* A second's worth, and one. */
static uint64_t most_behind(const struct tg_pacer *p)
{
	return p->pace.rate / p->worker_n + 1;
}

uint32_t tg_pacer_take(struct tg_pacer *p, uint64_t now_ns, uint32_t most, uint64_t *first)
{
	uint64_t n = due(p, now_ns);

	n = n > p->taken ? n - p->taken : 0;
	if (n > most_behind(p)) {
		p->missed += n - most_behind(p);
		p->taken += n - most_behind(p);
		n = most_behind(p);
	}
	if (n > most)
		n = most;
	*first = p->taken * p->worker_n + p->worker;
	p->taken += n;
	return (uint32_t)n;
}

void tg_pacer_skip(struct tg_pacer *p, uint64_t now_ns)
{
	uint64_t n = due(p, now_ns);

	p->taken = n > p->taken ? n : p->taken;
}

bool tg_pacer_has_ended(const struct tg_pacer *p, uint64_t now_ns)
{
	return now_ns > p->start_ns && (now_ns - p->start_ns) / 1000 >= p->pace.duration_us;
}

int tg_pacer_is_over(const struct tg_pacer *p, uint64_t now_ns)
{
	if (p->taken >= share(p, p->limit))
		return 1;
	return tg_pacer_has_ended(p, now_ns) && due(p, now_ns) <= p->taken;
}
