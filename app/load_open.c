/* SPDX-License-Identifier: BSD-3-Clause */
/* load_open.c: which connections begin when, from where to where (EST-33, RFC 6056, TD-27). */
#include "load_conn.h"

#include <errno.h>

enum {
	BATCH = 32,     /* begun or closed in one turn */
	ADDR_TRIES = 4, /* source addresses that are tried for a free port */
	MISSING_PART =
	    256, /* of those that are held so many may be missing while they are churned */
	SWEEP = 256,
	SCAN = 256
};

void tg_load_side_init(struct tg_load_side *side, uint32_t worker, uint32_t worker_n, uint64_t seed,
		       uint64_t start_ns)
{
	const struct tg_load_settings *set = &side->plan->set;
	struct tg_pacer p = {.start_ns = start_ns,
			     .limit = set->connections ? set->connections : UINT64_MAX,
			     .worker = worker,
			     .worker_n = worker_n};

	side->held_head = side->held_tail = TG_NONE;
	side->start_ns = start_ns;
	side->hold_want = set->hold / worker_n + (worker < set->hold % worker_n);
	tg_rng_init(&side->rng, seed);
	for (int i = 0; i < TG_LOAD_TIMING_N; i++)
		tg_hist_init(&side->timing[i]);
	side->open_pace = side->churn_pace = p;
	side->open_pace.pace = tg_load_pace(set, side->plan->fill_rate);
	side->churn_pace.pace = tg_load_pace(set, set->churn);
	side->churn_pace.limit = UINT64_MAX;
}

void tg_load_set_rate(struct tg_load_side *side, uint32_t rate, uint64_t now_ns)
{
	struct tg_pacer *p = &side->open_pace;
	uint64_t end_us = side->plan->set.duration_s * 1000000ull;
	uint64_t from_ns = now_ns > side->start_ns ? now_ns : side->start_ns;
	uint64_t passed_us = (from_ns - side->start_ns) / 1000;

	side->missed_before += p->missed;
	if (p->limit != UINT64_MAX)
		p->limit -= p->taken * p->worker_n < p->limit ? p->taken * p->worker_n : p->limit;
	p->missed = p->taken = 0;
	p->start_ns = from_ns;
	p->pace = (struct tg_pace){.rate = rate,
				   .duration_us = end_us > passed_us ? end_us - passed_us : 0};
}

static enum tg_load_cause cause_of(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return TG_LOAD_NO_PORT;
	case -ENOBUFS:
		return TG_LOAD_NO_ROOM;
	default:
		return TG_LOAD_UNREACHABLE;
	}
}

static void open_one(struct tg_load_side *side, uint64_t number, uint64_t now_ns)
{
	const struct tg_load_plan *plan = side->plan;
	const struct tg_port_choice choice = {
	    .ports = {(uint16_t)plan->set.ports[0], (uint16_t)plan->set.ports[1]},
	    .sweep = SWEEP,
	    .fresh = true};
	const struct tg_load_target *t =
	    tg_load_plan_target(plan, tg_rng_below(&side->rng, plan->weight_all));
	struct tg_tuple tuple = {.raddr = t->addr, .rport = t->port};
	uint32_t conn;
	int rc = -EADDRINUSE;

	side->now.begun++;
	for (int i = 0; i < ADDR_TRIES && rc == -EADDRINUSE; i++) {
		tuple.laddr = tg_load_plan_any_source(plan, t->v4, &side->rng);
		rc = tg_engine_connect_by(side->engine, &tuple, &choice, &plan->tcp,
					  &tg_load_service, side, 0, &conn);
	}
	if (rc == 0)
		tg_load_conn_begun(side, conn, number, (uint32_t)(t - plan->target), now_ns);
	else
		side->now.failed[cause_of(rc)]++;
}

/* How many may be begun or closed now. */
static uint32_t batch(const struct tg_load_side *side)
{
	const struct tg_load_figures *now = &side->now;
	uint32_t n = side->most && side->most < BATCH ? side->most : BATCH;
	uint32_t limit = side->plan->in_flight;
	uint32_t moving = now->opening + now->open - now->held + now->closing;

	if (!limit)
		return n;
	limit = limit > moving ? limit - moving : 0;
	return n < limit ? n : limit;
}

/* Those that are held, but for what is being replaced. */
static uint32_t open_wanted(const struct tg_load_side *side)
{
	uint32_t there = side->now.opening + side->now.open;

	if (!side->plan->set.hold)
		return BATCH;
	return there < side->hold_want ? side->hold_want - there : 0;
}

static uint32_t churn(struct tg_load_side *side, uint64_t now_ns)
{
	uint64_t first;
	uint32_t n = 0;

	if (!side->plan->set.churn)
		return 0;
	/* Until all were begun the first time nothing is closed. */
	side->is_filled |= open_wanted(side) == 0;
	if (!side->is_filled) {
		tg_pacer_skip(&side->churn_pace, now_ns);
		return 0;
	}
	/* Where both are too much, those that are held come first: what was closed is opened anew
	 * before more is closed. */
	if (open_wanted(side) > side->hold_want / MISSING_PART + BATCH)
		return 0;
	uint32_t want = tg_pacer_take(&side->churn_pace, now_ns, batch(side), &first);

	while (n < want && tg_load_conn_close_oldest(side))
		n++;
	return n;
}

static uint32_t end_some(struct tg_load_side *side, uint64_t now_ns)
{
	uint32_t n, done = 0;
	uint64_t first;

	for (n = 0; n < SCAN && side->scan < side->slot_n; n++)
		tg_load_conn_end_idle(side, side->scan++);
	n = tg_pacer_take(&side->churn_pace, now_ns, batch(side), &first);
	while (done < n && tg_load_conn_close_oldest(side))
		done++;
	return done;
}

uint32_t tg_load_turn(struct tg_load_side *side, uint64_t now_ns)
{
	uint32_t wanted, n, done = 0;
	uint64_t first;

	if (side->is_ending)
		return end_some(side, now_ns);
	done = churn(side, now_ns);
	wanted = open_wanted(side);
	if (wanted == 0) {
		tg_pacer_skip(&side->open_pace, now_ns);
		return done;
	}
	n = tg_pacer_take(&side->open_pace, now_ns, wanted < batch(side) ? wanted : batch(side),
			  &first);
	for (uint32_t i = 0; i < n; i++)
		open_one(side, first + (uint64_t)i * side->open_pace.worker_n, now_ns);
	side->now.missed = side->missed_before + side->open_pace.missed + side->churn_pace.missed;
	return done + n;
}

bool tg_load_is_over(const struct tg_load_side *side, uint64_t now_ns)
{
	const struct tg_pacer *p = &side->open_pace;

	if (side->plan->set.hold)
		return tg_pacer_has_ended(p, now_ns);
	return tg_pacer_is_over(p, now_ns);
}

void tg_load_end(struct tg_load_side *side, uint64_t now_ns, uint64_t close_ns, bool is_interrupted)
{
	uint64_t us = close_ns / 1000 + 1, held = side->now.held + 1ull;
	uint64_t rate = held * 1000000 / us + 1;

	side->is_ending = true;
	side->is_interrupted = is_interrupted;
	/* A pace of its own for this worker: to close all that are held in this time. */
	side->churn_pace = (struct tg_pacer){
	    .pace = {.rate = rate < 100000000 ? rate : 100000000, .duration_us = 1ull << 42},
	    .start_ns = now_ns,
	    .limit = UINT64_MAX,
	    .worker_n = 1};
}

uint32_t tg_load_active(const struct tg_load_side *side)
{
	return side->now.opening + side->now.open + side->now.closing;
}
