/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_overload.c: more and more is offered until no more comes of it; then twice the best. What
 * still comes to a good end then says whether a server that is offered too much collapses. */
#include "bench.h"

enum {
	FIRST_RATE = 50000,
	STEP_MS = 600,
	SETTLE_MS = 200, /* of each step: what was begun before it is over */
	LAST_MS = 4000,
	SHORT_STEPS = 3
};

static double per_second(uint64_t now, uint64_t before, uint64_t ns)
{
	return ns ? (double)(now - before) * 1e9 / (double)ns : 0;
}

static void begin_step(struct tg_bench *b, uint32_t rate, uint64_t now_ns)
{
	struct tg_bench_overload *o = &b->over;

	o->step[o->step_n++] = (struct tg_bench_step){.rate = rate};
	o->step_ns = now_ns;
	o->is_measuring = false;
	tg_load_run_rate(&b->run, rate);
}

/* The settings' rate is the most that is offered: the plan is for it. */
static uint32_t next_rate(const struct tg_bench *b)
{
	const struct tg_bench_overload *o = &b->over;
	uint64_t most = b->run.what.set.rate, rate = o->step[o->step_n - 1].rate;

	rate = o->is_last ? (uint64_t)(2 * o->best) + 1 : rate + rate / 4;
	return (uint32_t)(rate < most ? rate : most);
}

static void end_step(struct tg_bench *b, const struct tg_load_figures *now, uint64_t now_ns)
{
	struct tg_bench_overload *o = &b->over;
	struct tg_bench_step *s = &o->step[o->step_n - 1];
	uint64_t ns = now->at_ns - o->from.at_ns;

	s->begun = per_second(now->begun, o->from.begun, ns);
	s->good = per_second(now->done, o->from.done, ns);
	if (o->is_last) {
		o->is_over = true;
		b->run.is_enough = true;
		return;
	}
	o->short_n = s->good < 0.95 * s->rate ? o->short_n + 1 : 0;
	o->best = s->good > o->best ? s->good : o->best;
	o->is_last = o->short_n >= SHORT_STEPS || o->step_n + 1 >= TG_BENCH_STEP_MAX ||
		     next_rate(b) >= b->run.what.set.rate;
	begin_step(b, next_rate(b), now_ns);
}

/* By the time of the figures, too: a core that is held up shows none. */
static bool has_lasted(const struct tg_bench_overload *o, const struct tg_load_figures *now,
		       uint64_t now_ns)
{
	uint64_t ms = o->is_last ? LAST_MS : STEP_MS;

	return now_ns - o->step_ns >= ms * TG_NS_PER_MS &&
	       now->at_ns - o->from.at_ns >= (ms - SETTLE_MS) / 2 * TG_NS_PER_MS;
}

void tg_bench_overload_turn(struct tg_bench *b, const struct tg_load_figures *now, uint64_t now_ns)
{
	struct tg_bench_overload *o = &b->over;

	if (o->is_over)
		return;
	if (o->step_n == 0) {
		begin_step(b, FIRST_RATE, now_ns);
	} else if (!o->is_measuring && now_ns - o->step_ns >= SETTLE_MS * TG_NS_PER_MS) {
		o->from = *now;
		o->is_measuring = true;
	} else if (o->is_measuring && has_lasted(o, now, now_ns)) {
		end_step(b, now, now_ns);
	}
}

double tg_bench_overload_share(const struct tg_bench_overload *o)
{
	return o->is_over && o->best > 0 ? o->step[o->step_n - 1].good / o->best : 0;
}
