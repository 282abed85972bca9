/* SPDX-License-Identifier: BSD-3-Clause */
/* worker.h: one polling core: an engine, its way in and out, a clock. Everything here belongs to
 * the worker but `order`, `done` and the sight, which are how control talks with it. */
#ifndef TG_APP_WORKER_H
#define TG_APP_WORKER_H

#include "tg_clock.h"
#include "tg_engine.h"
#include "tg_io.h"
#include "idle.h"
#include "pools.h"
#include <stdatomic.h>

/* What control asks for, in this order. */
enum tg_order {
	TG_ORDER_RUN = 0,
	TG_ORDER_DRAIN, /* no new connections, FIN for those at rest */
	TG_ORDER_ABORT, /* RST for what is left */
	TG_ORDER_STOP,  /* leave the loop */
};

/* What a worker shows of itself: a whole copy, made ten times a second. */
struct tg_sight {
	uint64_t now_ns;
	uint64_t busy_cycles, cycles; /* of rounds that moved a packet, and of all */
	uint64_t idle_cycles;         /* of rounds that moved none, and were not held up */
	/* The longest time from one round to the next, when nothing was polled: since the start,
	 * and in the last ten to twenty seconds. */
	uint64_t gap_max_cycles, gap_recent_cycles;
	struct tg_engine_stats engine;
	struct tg_counters ctr;
	struct tg_io_stats io;
	struct tg_listener_stats listener[TG_LISTENER_MAX]; /* [listener_n], by number */
	uint32_t listener_n;
};

/* Something that control wants done on the worker's core, between two bursts. */
typedef void (*tg_errand_fn)(void *arg, struct tg_engine *engine);

struct tg_worker;
/* Sees every packet that crosses, for captures; sent: out of the engine. */
typedef void (*tg_tap_fn)(void *ctx, const struct tg_pkt pkt[], uint32_t n, uint64_t now_ns,
			  bool sent);

struct tg_worker {
	struct tg_engine *engine;
	struct tg_io *io;
	const struct tg_dev *dev; /* [dev_n] */
	uint32_t dev_n;
	bool yield; /* gives the CPU away when there is nothing to do: it is shared */
	struct tg_idle idle;
	struct tg_clock clock;
	uint64_t look_ns; /* when to look around next */
	uint64_t busy_cycles, idle_cycles, start_tsc;
	uint64_t held_up_cycles;           /* an idle round takes less */
	uint64_t gap_cycles;               /* the longest since the last look around */
	uint64_t gap_part[2], gap_turn_ns; /* of these ten seconds and those before; their end */
	uint32_t obeyed;                   /* the order that was carried out last */
	bool link_up[TG_DEV_MAX];
	tg_tap_fn tap; /* NULL: none */
	void *tap_ctx;
	const struct tg_fleet_box *fleet; /* NULL: no fleet */
	struct tg_pools_share pools;

	_Atomic uint32_t order;       /* enum tg_order, written by control */
	_Atomic uint32_t done;        /* the last order of which nothing is left to do */
	_Atomic uint32_t fleet_taken; /* the last letter of the fleet that was read */
	_Atomic(tg_errand_fn) errand; /* NULL: none, or the last one is done */
	void *errand_arg;             /* written before errand */
	_Atomic uint32_t sight_seq;   /* odd while the sight is being written */
	struct tg_sight sight;
};

/* engine and io are the caller's. */
void tg_worker_init(struct tg_worker *w, struct tg_engine *engine, struct tg_io *io,
		    const struct tg_dev *dev, uint32_t dev_n, bool yield);
/* One round: a burst from each device, what others handed over, due timers. Returns packets moved.
 */
uint32_t tg_worker_step(struct tg_worker *w);
/* For those who do more in a round than that: what it took, since before (TSC), is counted; after
 * one that moved nothing the core pauses. Returns the `before` of the next. */
uint64_t tg_worker_end_round(struct tg_worker *w, uint64_t before, bool moved);
/* Rounds until the order to stop; for rte_eal_remote_launch. */
int tg_worker_run(void *worker);
/* The last whole copy; any thread. */
void tg_worker_see(struct tg_worker *w, struct tg_sight *out);
/* The same of pool i; false: there is no such pool. */
bool tg_worker_see_pool(struct tg_worker *w, uint32_t i, struct tg_pool_sight *out);

#endif
