/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_step.c: which steps of a flow are kept. Plain text and ACKs of a long transfer say nothing
 * that a count does not: of a run of them the first few stay. Of too many others the first and the
 * last stay. */
#include "flow_int.h"

#include <stdlib.h>

enum {
	PLAIN_KEPT = 4,
	STEPS_FIRST = 16,
	TAIL_PART = 3,
	STEPS_ALL_MAX = 4 << 20, /* of all flows, but for the first few of each */
};

static void count_in(struct flow_step *skip, const struct flow_step *s)
{
	if (s->kind == TG_LADDER_SKIP) {
		for (int i = 0; i < 2; i++) {
			skip->skipped[i] += s->skipped[i];
			skip->skipped_bytes[i] += s->skipped_bytes[i];
		}
	} else if (s->kind != TG_LADDER_ARRIVE) {
		skip->skipped[s->side]++;
		skip->skipped_bytes[s->side] += s->len;
	}
	skip->state[0] = s->state[0];
	skip->state[1] = s->state[1];
}

/* Room for one more. False: out of memory, or of what all flows together may have. */
static bool reserve(struct tg_flow *flow)
{
	struct tg_flows *f = flow->all;
	uint32_t cap = flow->steps_cap ? flow->steps_cap * 2 : STEPS_FIRST;
	struct flow_step *grown;

	if (flow->steps_n < flow->steps_cap)
		return true;
	if (cap > f->conf.steps_max)
		cap = f->conf.steps_max;
	if (cap <= flow->steps_cap)
		return false;
	if (flow->steps_cap && f->steps_all + cap - flow->steps_cap > STEPS_ALL_MAX)
		return false;
	grown = realloc(flow->steps, cap * sizeof(*grown));
	if (!grown)
		return false;
	f->steps_all += cap - flow->steps_cap;
	flow->steps = grown;
	flow->steps_cap = cap;
	return true;
}

static struct flow_step skip_of(const struct flow_step *s)
{
	struct flow_step skip = {
	    .kind = TG_LADDER_SKIP, .id = s->id, .time_ns = s->time_ns, .side = s->side};

	count_in(&skip, s);
	return skip;
}

/* The array is full: its middle becomes one SKIP, which grows, so that the last third slides. */
static void give_way(struct tg_flow *flow)
{
	uint32_t at = flow->steps_n - flow->steps_n / TAIL_PART;
	struct flow_step *s = &flow->steps[at];

	if (s->kind != TG_LADDER_SKIP)
		*s = skip_of(s);
	count_in(s, s + 1);
	for (uint32_t i = at + 1; i + 1 < flow->steps_n; i++)
		flow->steps[i] = flow->steps[i + 1];
	flow->steps_n--;
}

/* True when it is only counted. */
static bool joins_run(struct tg_flow *flow, const struct flow_step *step)
{
	struct flow_step *last;

	if (!step->plain || flow->all->conf.full) {
		flow->plain_run = 0;
		return false;
	}
	if (++flow->plain_run <= PLAIN_KEPT)
		return false;
	last = &flow->steps[flow->steps_n - 1];
	if (last->kind != TG_LADDER_SKIP)
		return false; /* becomes one below */
	count_in(last, step);
	return true;
}

bool step_add(struct tg_flow *flow, const struct flow_step *step)
{
	bool in_run;

	if (joins_run(flow, step))
		return true;
	in_run = flow->plain_run > PLAIN_KEPT;
	if (!reserve(flow)) {
		if (flow->steps_n == 0)
			return false;
		give_way(flow);
	}
	flow->steps[flow->steps_n] = in_run ? skip_of(step) : *step;
	flow->steps_n++;
	return true;
}

/* No room: false, and nothing is lost but a row. */
bool step_insert(struct tg_flow *flow, const struct flow_step *step, uint32_t at)
{
	if (!reserve(flow))
		return false;
	for (uint32_t i = flow->steps_n; i > at; i--)
		flow->steps[i] = flow->steps[i - 1];
	flow->steps[at] = *step;
	flow->steps_n++;
	return true;
}

/* Ids grow, but for arrivals, which have none; so it is found from the end on. What was counted is
 * not there. */
struct flow_step *step_find(struct tg_flow *flow, uint32_t id)
{
	for (uint32_t i = flow->steps_n; i-- > 0;) {
		struct flow_step *s = &flow->steps[i];

		if (s->kind == TG_LADDER_ARRIVE)
			continue;
		if (s->id == id)
			return s->kind == TG_LADDER_SKIP ? NULL : s;
		if (s->id < id)
			return NULL;
	}
	return NULL;
}
