/* SPDX-License-Identifier: BSD-3-Clause */
/* worker.c: the per-core loop, and the one place on the packet path where engine and DPDK meet.
 *
 *   device --tg_io_rx--> in[] --tg_engine_rx--> out[] --tg_io_tx--> device
 *   the kernel's --------> in[] --tg_engine_from_kernel--> out[] --> device (LN-21)
 *
 * Ownership moves with the arrows: what is in neither array is the engine's, or was given back
 * through its ops. */
#include "worker.h"

#include "fleet.h"

#include <rte_pause.h>
#include <sched.h>

enum { OUT_MAX = 256, TICKS_MAX = 4 };

static const uint64_t look_every_ns = 100 * TG_NS_PER_MS;
static const uint64_t held_up_ns = 2000;
static const uint64_t gap_part_ns = 10000 * TG_NS_PER_MS;

static void send(struct tg_worker *w, const struct tg_pkt out[], uint32_t n, uint64_t now_ns)
{
	if (unlikely(w->tap != NULL) && n)
		w->tap(w->tap_ctx, out, n, now_ns, true);
	tg_io_tx(w->io, out, n);
}

static void receive(struct tg_worker *w, const struct tg_pkt in[], uint32_t n, uint64_t now_ns)
{
	struct tg_pkt out[OUT_MAX];
	if (unlikely(w->tap != NULL))
		w->tap(w->tap_ctx, in, n, now_ns, false);
	send(w, out, tg_engine_rx(w->engine, in, n, out, OUT_MAX, now_ns), now_ns);
}

static void from_kernel(struct tg_worker *w, uint32_t port, const struct tg_pkt in[], uint32_t n,
			uint64_t now_ns)
{
	struct tg_pkt out[TG_IO_BURST];
	send(w, out, tg_engine_from_kernel(w->engine, port, in, n, out), now_ns);
}

static uint32_t run_timers(struct tg_worker *w, uint64_t now_ns)
{
	struct tg_pkt out[OUT_MAX];
	uint32_t moved = 0;
	for (int i = 0; i < TICKS_MAX && tg_engine_next_deadline(w->engine) <= now_ns; i++) {
		uint32_t n = tg_engine_tick(w->engine, out, OUT_MAX, now_ns);
		send(w, out, n, now_ns);
		moved += n;
	}
	return moved;
}

static void look_around(struct tg_worker *w, uint64_t now_ns);

uint32_t tg_worker_step(struct tg_worker *w)
{
	struct tg_pkt in[TG_IO_BURST];
	uint64_t now_ns = tg_clock_now(&w->clock);
	uint32_t moved = 0, n;
	for (uint32_t d = 0; d < w->dev_n; d++) {
		if ((n = tg_io_rx(w->io, d, in, TG_IO_BURST)) == 0)
			continue;
		if (unlikely(w->dev[d].conf.is_kernel))
			from_kernel(w, w->dev[d].conf.kernel_of, in, n, now_ns);
		else
			receive(w, in, n, now_ns);
		moved += n;
	}
	if (tg_io_has_peers(w->io)) {
		if ((n = tg_io_inbox(w->io, in, TG_IO_BURST)) > 0)
			receive(w, in, n, now_ns);
		moved += n + tg_io_relay(w->io);
	}
	moved += run_timers(w, now_ns);
	if (now_ns >= w->look_ns)
		look_around(w, now_ns);
	return moved;
}

/* What a round took goes where it belongs. One that found nothing and took long was not idle: an
 * interrupt, or somebody else, had the core. */
static inline void add_round(struct tg_worker *w, uint64_t cycles, bool moved)
{
	if (unlikely(cycles > w->gap_cycles))
		w->gap_cycles = cycles;
	if (moved)
		w->busy_cycles += cycles;
	else if (likely(cycles < w->held_up_cycles))
		w->idle_cycles += cycles;
}

static inline uint64_t end_round(struct tg_worker *w, uint64_t before, bool moved)
{
	uint64_t after = rte_rdtsc();
	add_round(w, after - before, moved);
	if (unlikely(w->idle.mode != TG_IDLE_POLL))
		return tg_idle_end(&w->idle, w->engine, w->clock.last_ns, after, moved);
	if (!moved && w->yield)
		sched_yield();
	else if (!moved)
		rte_pause();
	return after;
}

uint64_t tg_worker_end_round(struct tg_worker *w, uint64_t before, bool moved)
{
	return end_round(w, before, moved);
}

int tg_worker_run(void *worker)
{
	struct tg_worker *w = worker;
	uint64_t before = rte_rdtsc();
	while (atomic_load_explicit(&w->order, memory_order_relaxed) != TG_ORDER_STOP) {
		uint32_t moved = tg_worker_step(w);
		before = end_round(w, before, moved > 0);
	}
	look_around(w, tg_clock_now(&w->clock));
	return 0;
}

/* --- ten times a second, and at once when control asks for something --- */

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* By time, not by who reads: several may. */
static void show_gap(struct tg_worker *w, uint64_t now_ns)
{
	if (now_ns >= w->gap_turn_ns) {
		w->gap_part[1] = w->gap_part[0];
		w->gap_part[0] = 0;
		w->gap_turn_ns = now_ns + gap_part_ns;
	}
	w->gap_part[0] = longer(w->gap_part[0], w->gap_cycles);
	w->sight.gap_recent_cycles = longer(w->gap_part[0], w->gap_part[1]);
	w->sight.gap_max_cycles = longer(w->sight.gap_max_cycles, w->gap_cycles);
	w->gap_cycles = 0;
}

static void show(struct tg_worker *w, uint64_t now_ns)
{
	atomic_fetch_add_explicit(&w->sight_seq, 1, memory_order_acq_rel);
	w->sight.now_ns = now_ns;
	w->sight.busy_cycles = w->busy_cycles;
	w->sight.idle_cycles = w->idle_cycles;
	w->sight.cycles = rte_rdtsc() - w->start_tsc;
	show_gap(w, now_ns);
	tg_engine_stats(w->engine, &w->sight.engine);
	w->sight.ctr = *tg_engine_counters(w->engine);
	w->sight.io = *tg_io_stats(w->io);
	w->sight.listener_n = tg_engine_listeners(w->engine, w->sight.listener, TG_LISTENER_MAX);
	tg_pools_show(&w->pools, w->engine);
	atomic_fetch_add_explicit(&w->sight_seq, 1, memory_order_release);
}

static void run_errand(struct tg_worker *w)
{
	tg_errand_fn fn = atomic_load_explicit(&w->errand, memory_order_acquire);
	if (!fn)
		return;
	fn(w->errand_arg, w->engine);
	atomic_store_explicit(&w->errand, NULL, memory_order_release);
}

static void obey(struct tg_worker *w)
{
	uint32_t order = atomic_load_explicit(&w->order, memory_order_acquire);
	if (order >= TG_ORDER_DRAIN && w->obeyed < TG_ORDER_DRAIN)
		tg_engine_drain(w->engine);
	if (order >= TG_ORDER_ABORT && w->obeyed < TG_ORDER_ABORT)
		tg_engine_abort_all(w->engine);
	w->obeyed = order;
}

/* Draining waits for open connections and splices; half-open ones have nothing to finish, and are
 * forgotten with the order to abort, which is done when the last RST is out. */
static bool is_done(const struct tg_worker *w, uint64_t now_ns)
{
	const struct tg_engine_stats *s = &w->sight.engine;
	if (s->splice_count > s->splice[TG_SPLICE_TIME_WAIT])
		return false;
	if (w->obeyed == TG_ORDER_DRAIN)
		return s->conn_count == s->state[TG_SYN_RECEIVED];
	return s->conn_count == 0 && tg_engine_next_deadline(w->engine) > now_ns;
}

static void look_around(struct tg_worker *w, uint64_t now_ns)
{
	for (uint32_t d = 0; d < w->dev_n; d++) {
		if (w->link_up[d] == w->dev[d].link_up)
			continue;
		w->link_up[d] = w->dev[d].link_up;
		tg_engine_link(w->engine, d, w->link_up[d]);
	}
	if (w->fleet)
		tg_fleet_take(w->fleet, w->engine, &w->clock, &w->fleet_taken);
	run_errand(w);
	obey(w);
	show(w, now_ns);
	bool leaving = w->obeyed >= TG_ORDER_DRAIN;
	if (leaving && is_done(w, now_ns))
		atomic_store_explicit(&w->done, w->obeyed, memory_order_release);
	w->look_ns = now_ns + (leaving ? TG_NS_PER_MS : look_every_ns);
}

/* --- control's side --- */

void tg_worker_init(struct tg_worker *w, struct tg_engine *engine, struct tg_io *io,
		    const struct tg_dev *dev, uint32_t dev_n, bool yield)
{
	memset(w, 0, sizeof(*w));
	w->engine = engine;
	w->io = io;
	w->dev = dev;
	w->dev_n = dev_n;
	w->yield = yield;
	w->start_tsc = rte_rdtsc();
	w->held_up_cycles = rte_get_tsc_hz() * held_up_ns / 1000000000;
	for (uint32_t d = 0; d < dev_n; d++)
		w->link_up[d] = true;
	tg_clock_init(&w->clock);
}

/* A whole copy of something that show() writes. */
static void see(struct tg_worker *w, void *out, const void *from, size_t size)
{
	uint32_t seq;
	do {
		while ((seq = atomic_load_explicit(&w->sight_seq, memory_order_acquire)) & 1)
			rte_pause();
		memcpy(out, from, size);
		atomic_thread_fence(memory_order_acquire);
	} while (atomic_load_explicit(&w->sight_seq, memory_order_relaxed) != seq);
}

void tg_worker_see(struct tg_worker *w, struct tg_sight *out)
{
	see(w, out, &w->sight, sizeof(*out));
}

bool tg_worker_see_pool(struct tg_worker *w, uint32_t i, struct tg_pool_sight *out)
{
	if (i >= w->pools.n)
		return false;
	see(w, out, &w->pools.sight[i], sizeof(*out));
	return true;
}
