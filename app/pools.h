/* SPDX-License-Identifier: BSD-3-Clause */
/* pools.h: the backends of `shield` as control sees them: from the file into each worker's engine,
 * at start and with SIGHUP; and what the workers know of them, for people and telemetry. */
#ifndef TG_APP_POOLS_H
#define TG_APP_POOLS_H

#include "plan.h"
#include "tg_steer.h"

#include <stdio.h>

struct tg_host;
struct tg_fleet;
struct rte_tel_data;

/* What a worker shows of its pools. */
struct tg_pools_share {
	struct tg_pool_sight *sight; /* [n], written as the worker's other sight is */
	uint32_t n;
};

struct tg_pools {
	struct tg_conf *conf; /* as it is in force: a reload changes [pool] sections in it */
	struct tg_plan *plan;
	struct tg_host *host;       /* NULL: not joined */
	struct tg_pool_sight *told; /* [plan->pool_n], of what lines have told */
	const struct tg_fleet *fleet;
	uint8_t root[16]; /* what keys come from, in a fleet */
};

/* --- start --- */

/* Pools of the plan into an engine that is new. 0; or -1 and one line in err. */
int tg_pools_add(struct tg_engine *engine, const struct tg_plan *plan, char *err, size_t err_size);
/* In a fleet the pools of all nodes choose alike: keys come from its file. Before the engines are
 * made. */
void tg_pools_take_keys(struct tg_plan *plan, const struct tg_fleet *fleet);
/* Whether backends of a pool see their clients' own addresses. */
bool tg_pools_is_transparent(const struct tg_plan *plan);
/* Where there are such pools and several workers: all that belongs to one of their clients goes to
 * one worker. key: of this process, and secret. Before the first packet. */
void tg_pools_steer(const struct tg_plan *plan, const struct tg_sipkey *key,
		    struct tg_steer *steer);
/* Gives the workers of host room to show their pools; before the launch. conf, plan and fleet
 * outlive p. False: out of memory. */
bool tg_pools_join(struct tg_pools *p, struct tg_conf *conf, struct tg_plan *plan,
		   struct tg_host *host, const struct tg_fleet *fleet);
void tg_pools_fini(struct tg_pools *p);

/* --- while it runs --- */

/* Whether a reload changes what the key of [pool NAME] says. */
bool tg_pools_is_live(const struct tg_key *key);
/* The file was read again as now: pools that differ go to all workers, one line each. */
void tg_pools_reload(struct tg_pools *p, const struct tg_conf *now);
/* The control loop's turn: a line for each backend that came up or went down; and when a fleet's
 * file says so, pools choose by another key. */
void tg_pools_poll(struct tg_pools *p);
/* The worker's turn: what its engine knows now. */
void tg_pools_show(struct tg_pools_share *s, const struct tg_engine *engine);

/* --- sight (pools_sight.c) --- */

/* Pool i of all workers together: flows and probes are added up; a backend is up when it is so for
 * all, down when it is so for one. False: there is no such pool. */
bool tg_pools_sum(struct tg_host *host, uint32_t i, struct tg_pool_sight *sum);
/* One line a backend, for the start. */
void tg_pools_print(const struct tg_plan *plan, FILE *out);
/* "  backends 3/4 up, 120 flows" of all pools; nothing without pools. */
void tg_pools_line(struct tg_host *host, FILE *out);
/* A line for each backend whose state is another one than in before[pools], which becomes what is
 * now. */
void tg_pools_tell_changes(struct tg_host *host, struct tg_pool_sight before[], FILE *out);
/* Backends of pool i, each as a dictionary. False: there is no such pool. */
bool tg_pools_tell(struct tg_host *host, uint32_t i, struct rte_tel_data *d);

#endif
