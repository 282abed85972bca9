/* SPDX-License-Identifier: BSD-3-Clause */
/* load_core.h: one core of `tidegate load`: a worker, and between its rounds the connections that
 * are due. Control talks with it by `ask`, `said` and the figures. */
#ifndef TG_APP_LOAD_CORE_H
#define TG_APP_LOAD_CORE_H

#include "load_conn.h"
#include "load_flood.h"
#include "worker.h"

/* What control asks for, in this order; said: what is done of it. */
enum tg_load_ask {
	TG_LOAD_ASK_FIND =
	    0,           /* ask for the neighbours on the way; done: all are known, or silent */
	TG_LOAD_ASK_RUN, /* from start_ns on; done: all that was to be opened was opened */
	TG_LOAD_ASK_END  /* close what is open; done: nothing is left */
};

struct tg_load_core {
	struct tg_worker *worker;
	const struct tg_load_plan *plan;
	struct tg_load_side side;
	struct tg_load_flood flood;
	struct tg_port_conf port; /* the engine's, with its MAC address */
	struct tg_load_way way[TG_BACKEND_MAX];
	uint32_t index, core_n;
	uint32_t asked; /* what is being done */
	uint64_t look_ns, find_until_ns;
	uint64_t rx_before, lost_before; /* packets that came in and that had no way out */
	uint64_t full_until_ns;
	uint32_t rate_now;

	uint64_t start_ns, close_ns; /* written by control before ask */
	bool is_interrupted;         /* likewise */
	_Atomic uint32_t ask, said;
	_Atomic uint32_t rate; /* other than 0: of all cores, from when it is seen on */
	_Atomic uint32_t seq;  /* odd while shown is being written */
	struct tg_load_figures shown;
};

/* side's plan, engine, slot and slot_n are set, and worker, plan, port, index and core_n. */
void tg_load_core_init(struct tg_load_core *core);
/* Until the worker's order to stop; for rte_eal_remote_launch. */
int tg_load_core_run(void *core);
/* One round of it, for those who have a loop of their own; before: the TSC when it began. Returns
 * the `before` of the next. */
uint64_t tg_load_core_round(struct tg_load_core *core, uint64_t before);
/* Shows the last figures: after the last round. */
void tg_load_core_end(struct tg_load_core *core);
/* The last whole figures; any thread. */
void tg_load_core_see(struct tg_load_core *core, struct tg_load_figures *out);

#endif
