/* SPDX-License-Identifier: BSD-3-Clause */
/* host.h: all workers of one configuration over its devices: makes them, launches them, asks them
 * to end. Control only. */
#ifndef TG_APP_HOST_H
#define TG_APP_HOST_H

#include "plan.h"
#include "worker.h"

struct tg_host {
	const struct tg_plan *plan;
	struct tg_dev dev[TG_DEV_MAX];
	uint32_t dev_n, worker_n;
	struct tg_fabric fabric;
	struct tg_worker *worker; /* [worker_n] */
	void *memory[TG_WORKER_MAX];
	bool hugepages; /* of the engines' memory */
	bool has_fabric;
	struct tg_fleet *fleet; /* NULL: none; the caller's */
};

/* Opens the ports of conf and makes an engine a worker. DPDK is up. conf and plan outlive the host.
 * 0; or -1 and one line in err, with the host as good as never made. */
int tg_host_init(struct tg_host *h, const char *name, const struct tg_conf *conf,
		 const struct tg_plan *plan, const struct tg_eal_got *got, char *err,
		 size_t err_size);
/* As tg_host_init, over devices that are open already (dev[plan->engine.port_n], moved into h). */
int tg_host_make(struct tg_host *h, const char *name, const struct tg_plan *plan,
		 const struct tg_dev dev[], bool yield, char *err, size_t err_size);
/* Has the kernel give the engines their memory now, but for what only buffers text and runs
 * services: so that no page is waited for later, and what is in use stays the same. False: it could
 * not. */
bool tg_host_touch(struct tg_host *h);
/* Starts worker w on got->lcore[w]. */
void tg_host_launch(struct tg_host *h, const struct tg_eal_got *got);
void tg_host_order(struct tg_host *h, enum tg_order order);
/* Has fn(arg, engine) done by every worker on its own core, and waits until the last has: a tenth
 * of a second at most. So what the engines used before is free when this returns. They must run. */
void tg_host_tell(struct tg_host *h, tg_errand_fn fn, void *arg);
/* Every worker says that nothing is left to do of that order. */
bool tg_host_is_done(struct tg_host *h, enum tg_order order);
/* Waits for the workers to leave their loops, and sends what lies between them. */
void tg_host_join(struct tg_host *h, const struct tg_eal_got *got);
/* Ends the engines, which give their buffers back; the workers have left. For hosts that pass
 * buffers to each other: empty them all before the first is unmade. */
void tg_host_empty(struct tg_host *h);
/* Empties it and unmakes it. */
void tg_host_fini(struct tg_host *h);

#endif
