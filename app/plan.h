/* SPDX-License-Identifier: BSD-3-Clause */
/* plan.h: a configuration to what one worker's engine is told, and the memory that this takes.
 * Needs no DPDK: `serve --check` is just this. */
#ifndef TG_APP_PLAN_H
#define TG_APP_PLAN_H

#include "conf.h"
#include "policy.h"
#include <stdio.h>

struct tg_plan {
	struct tg_engine_conf
	    engine; /* of every worker; seed, MACs, offloads and primary are still open */
	struct tg_listener_conf
	    *listener;             /* [listener_n]; behind the file's own, one for each VIP */
	struct tg_pool_conf *pool; /* [pool_n] */
	uint32_t listener_n, pool_n, worker_n;
	uint32_t idle;           /* enum tg_idle_mode */
	struct tg_policy policy; /* who may connect to them */
	uint64_t engine_bytes;   /* of one worker */
};

/* 0; or -1 and one line in err ("FILE:LINE: ..."): unknown service, a file of prefixes that is no
 * good, or more memory than memory_mb or the machine has. */
int tg_plan_init(struct tg_plan *plan, const struct tg_conf *conf, char *err, size_t err_size);
/* Whether the machine has the memory now, extra_mb more than the plan's. 0, or -1 and one line. */
int tg_plan_fits(const struct tg_plan *plan, const struct tg_conf *conf, uint64_t extra_mb,
		 char *err, size_t err_size);
/* Bytes of memory that this process has in use now, hugepages among them; 0: not known. */
uint64_t tg_plan_memory_used(void);
void tg_plan_fini(struct tg_plan *plan);

/* What is needed beside the engines, all workers together. */
struct tg_plan_beside {
	uint64_t buffers_mb; /* packet buffers; 0: none */
	uint64_t slots_mb;   /* what each connection of a load is at; 0: none */
};
/* MiB that DPDK needs for the ports of conf. */
uint32_t tg_plan_buffers_mb(const struct tg_conf *conf);
/* The parts of the memory, of one worker and of all, and the command that reserves them as
 * hugepages. */
void tg_plan_print(const struct tg_plan *plan, const struct tg_plan_beside *beside, FILE *out);
/* The same as one JSON object, without an end of line. */
void tg_plan_print_json(const struct tg_plan *plan, const struct tg_plan_beside *beside, FILE *out);

/* plan_pool.c: VIPs of conf; one pool, but for its key; and all of them, with their VIPs. */
uint32_t tg_plan_vip_n(const struct tg_conf *conf);
void tg_plan_pool(const struct tg_conf_section *from, struct tg_pool_conf *to);
int tg_plan_pools(struct tg_plan *plan, const struct tg_conf *conf, char *err, size_t err_size);

#endif
