/* SPDX-License-Identifier: BSD-3-Clause */
/* life_rig.h: the server of the product (its host, worker loop and engine, over a net_ring device)
 * and clients that take turns with it on one core; or a mirror in the server's place. What the
 * server takes is the time stamp counter around each of its rounds that had a packet to take. */
#ifndef LIFE_RIG_H
#define LIFE_RIG_H

#include "host.h"
#include "life_gen.h"

#include <stdatomic.h>

enum { LIFE_LOST_MS = 1 };

struct life_rig {
	struct tg_conf conf;
	struct tg_plan plan;
	struct tg_host host;
	struct rte_ring *to_server, *to_client;
	struct rte_mempool *pool; /* of the clients */
	struct life_gen *gen;
	uint64_t busy; /* cycles of the server, or the mirror */
	/* Rounds that took over LIFE_LOST_MS: somebody else had the core. They are not in busy. */
	uint64_t lost, lost_n;
};

struct life_rig_conf {
	const char *name;    /* one a rig */
	const char *service; /* NULL: the one that answers LIFE_REQUEST_LEN bytes */
	uint32_t conn_max, tw_max, msl_ms;
	uint32_t moving, buffer_mb;
	enum life_close close;
	uint32_t packets;
};

/* Prints one line "life: ..." and ends the process. */
_Noreturn void life_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Once a process, for n rigs; the lcore where all is to run. */
uint32_t life_eal_init(uint32_t n, bool verbose);

struct rte_ring *life_ring(const char *rig, const char *name);
/* What both sides have in common: a host over one net_ring device. */
void life_host_init(struct tg_host *h, const char *name, const struct tg_plan *plan,
		    const struct tg_mac *mac, struct rte_ring *rx, struct rte_ring *tx);

/* Bytes of the engine, to be asked for before. */
void life_rig_plan(struct life_rig *r, const struct life_rig_conf *conf);
void life_rig_init(struct life_rig *r, const struct life_rig_conf *conf);
void life_rig_fini(struct life_rig *r);

static inline struct tg_worker *life_worker(struct life_rig *r)
{
	return &r->host.worker[0];
}

/* A turn of the server: all that is in the ring to it, and what it has to say. */
void life_rig_serve(struct life_rig *r);
/* A turn of the clients, and one of the server (or the mirror). */
void life_rig_turn(struct life_rig *r, uint32_t open);
/* Turns until all that began is over. */
void life_rig_drain(struct life_rig *r);
/* Opens connections up to number n, which stay. */
void life_rig_hold(struct life_rig *r, uint32_t n, uint32_t batch);
/* The state of the engine: ESTABLISHED are `held`, no others but TIME-WAIT; nothing was dropped. */
void life_rig_check(struct life_rig *r);

#endif
