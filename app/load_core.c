/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_core.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_pause.h>

static const uint64_t show_every_ns = 20 * TG_NS_PER_MS;
static const uint64_t find_for_ns =
    4000 * TG_NS_PER_MS; /* a neighbour has three tries, a second each */
static const uint64_t full_for_ns = TG_NS_PER_MS;
static const uint64_t find_again_ns = 1000 * TG_NS_PER_MS;

/* --- the way: so that the first connections do not wait for ARP --- */

/* True when nothing is open: known, or known to be silent. */
static bool find_ways(struct tg_load_core *c)
{
	const struct tg_load_plan *plan = c->plan;
	bool all = true;

	for (uint32_t i = 0; i < plan->target_n; i++) {
		const struct tg_load_target *t = &plan->target[i];
		struct tg_addr from = tg_load_plan_source(plan, t->v4, 0);
		int rc = tg_engine_way(c->worker->engine, &from, &t->addr, &c->way[i].port,
				       &c->way[i].to);
		c->way[i].known = rc == 0 || (rc == -EAGAIN && c->way[i].known);
		all &= rc != -EAGAIN;
	}
	return all;
}

/* --- what control sees --- */

static void show(struct tg_load_core *c, uint64_t now_ns)
{
	atomic_fetch_add_explicit(&c->seq, 1, memory_order_acq_rel);
	c->shown = c->side.now;
	c->shown.at_ns = now_ns;
	c->shown.filled = c->side.is_filled;
	c->shown.flood_sent = c->flood.sent;
	if (c->plan->set.flood)
		c->shown.missed = c->flood.pacer.missed;
	atomic_fetch_add_explicit(&c->seq, 1, memory_order_release);
}

void tg_load_core_see(struct tg_load_core *c, struct tg_load_figures *out)
{
	uint32_t seq;

	do {
		while ((seq = atomic_load_explicit(&c->seq, memory_order_acquire)) & 1)
			rte_pause();
		memcpy(out, &c->shown, sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
	} while (atomic_load_explicit(&c->seq, memory_order_relaxed) != seq);
}

/* --- the loop --- */

static void begin_run(struct tg_load_core *c)
{
	const struct tg_load_settings *set = &c->plan->set;
	uint64_t limit = set->connections ? set->connections : UINT64_MAX;

	tg_load_side_init(&c->side, c->index, c->core_n, rte_rdtsc() ^ (uint64_t)c->index << 56,
			  c->start_ns);
	c->flood = (struct tg_load_flood){.plan = c->plan,
					  .port = &c->port,
					  .way = c->way,
					  .io = c->worker->io,
					  .pacer = {.pace = tg_load_pace(set, set->rate),
						    .start_ns = c->start_ns,
						    .limit = limit,
						    .worker = c->index,
						    .worker_n = c->core_n}};
	tg_rng_init(&c->flood.rng, rte_rdtsc() + c->index);
}

static bool is_done(const struct tg_load_core *c, uint64_t now_ns)
{
	switch ((enum tg_load_ask)c->asked) {
	case TG_LOAD_ASK_FIND:
		return now_ns > c->find_until_ns;
	case TG_LOAD_ASK_RUN:
		return c->plan->set.flood ? tg_pacer_is_over(&c->flood.pacer, now_ns)
					  : tg_load_is_over(&c->side, now_ns);
	case TG_LOAD_ASK_END:
		break;
	}
	return tg_load_active(&c->side) == 0;
}

/* Control wants another rate than the settings'. */
static void take_rate(struct tg_load_core *c, uint64_t now_ns)
{
	uint32_t rate = atomic_load_explicit(&c->rate, memory_order_relaxed);

	if (c->asked != TG_LOAD_ASK_RUN || rate == c->rate_now)
		return;
	c->rate_now = rate;
	tg_load_set_rate(&c->side, rate, now_ns);
}

/* Fifty times a second. */
static void look(struct tg_load_core *c, uint64_t now_ns)
{
	uint32_t ask = atomic_load_explicit(&c->ask, memory_order_acquire);

	if (c->look_ns == 0)
		c->find_until_ns = now_ns + find_for_ns;
	if (c->asked == TG_LOAD_ASK_FIND && c->find_until_ns > now_ns && find_ways(c))
		c->find_until_ns = now_ns;
	if (c->asked == TG_LOAD_ASK_RUN && c->plan->set.flood && now_ns > c->find_until_ns) {
		find_ways(c); /* those who are used are kept */
		c->find_until_ns = now_ns + find_again_ns;
	}
	if (ask > c->asked) {
		c->asked = ask;
		if (ask == TG_LOAD_ASK_RUN)
			begin_run(c);
		else
			tg_load_end(&c->side, now_ns, c->close_ns, c->is_interrupted);
	}
	take_rate(c, now_ns);
	show(c, now_ns);
	if (is_done(c, now_ns))
		atomic_store_explicit(&c->said, c->asked + 1, memory_order_release);
	c->look_ns = now_ns + show_every_ns;
}

/* How many may be begun in this round: as many packets as a burst has room for, beside those that
 * came and want an answer. So who is there is served before anybody new, what goes out in a round
 * is no more than the other side takes in one, and a core that is offered too much is late with the
 * rest, which is counted. Where packets found no way out the device is full: nothing is begun for
 * a while. */
static uint32_t room(struct tg_load_core *c, uint64_t now_ns)
{
	const struct tg_io_stats *io = tg_io_stats(c->worker->io);
	uint64_t lost = io->tx_dropped[0] + io->no_buffer;
	uint64_t came = io->rx_packets - c->rx_before;

	if (lost != c->lost_before)
		c->full_until_ns = now_ns + full_for_ns;
	c->rx_before = io->rx_packets;
	c->lost_before = lost;
	return came >= TG_IO_BURST || now_ns < c->full_until_ns ? 0 : TG_IO_BURST - (uint32_t)came;
}

static uint32_t turn(struct tg_load_core *c, uint64_t now_ns)
{
	if (c->asked == TG_LOAD_ASK_FIND)
		return 0;
	if (c->plan->set.flood)
		return c->asked == TG_LOAD_ASK_RUN ? tg_load_flood_turn(&c->flood, now_ns) : 0;
	c->side.most = room(c, now_ns);
	return c->side.most ? tg_load_turn(&c->side, now_ns) : 0;
}

void tg_load_core_init(struct tg_load_core *c)
{
	tg_load_side_init(&c->side, c->index, c->core_n, 0, UINT64_MAX);
	c->look_ns = 0;
}

uint64_t tg_load_core_round(struct tg_load_core *c, uint64_t before)
{
	struct tg_worker *w = c->worker;
	uint32_t moved = tg_worker_step(w);
	uint64_t now_ns = w->clock.last_ns;

	moved += turn(c, now_ns);
	if (now_ns >= c->look_ns)
		look(c, now_ns);
	return tg_worker_end_round(w, before, moved > 0);
}

void tg_load_core_end(struct tg_load_core *c)
{
	show(c, c->worker->clock.last_ns);
}

int tg_load_core_run(void *core)
{
	struct tg_load_core *c = core;
	uint64_t before = rte_rdtsc();

	while (atomic_load_explicit(&c->worker->order, memory_order_relaxed) != TG_ORDER_STOP)
		before = tg_load_core_round(c, before);
	tg_load_core_end(c);
	return 0;
}
