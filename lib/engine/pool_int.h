/* SPDX-License-Identifier: BSD-3-Clause */
/* pool_int.h: what pool.c and pool_probe.c share.
 *
 * Invariants, checked by tg_pools_validate(): P1 the masks of a pool say what its backends say; P2
 * a backend that is not in use has neither flows nor a probe, and one that was removed has flows;
 * P3 a probe is a connection of ours that names its backend. */
#ifndef TG_ENGINE_POOL_INT_H
#define TG_ENGINE_POOL_INT_H

#include "engine.h"
#include "pool.h"
#include "pool_table.h"

struct tg_backend {
	bool used, removed;
	uint8_t state;         /* enum tg_backend_state */
	uint8_t good_n, bad_n; /* probes in a row that said so */
	uint8_t silent_n;      /* probes in a row while which nothing came from it */
	uint64_t heard_ms;     /* when a flow of it last brought something */
	uint32_t flows;
	uint32_t probe;    /* its connection; TG_NONE: none is under way */
	uint64_t probe_ms; /* when the last one began */
	uint64_t next_ms;  /* when the next one begins, or is given up */
	uint64_t since_ms;
	uint64_t flows_all, probes, failed;
	struct tg_profile profile;
};

/* Bit i: backend i. */
struct tg_pool_marks {
	uint64_t used, v4, up, unknown;
	uint64_t open; /* in the configuration, and not of weight 0: may get new flows */
};

struct tg_pool {
	struct tg_pool_marks is;
	uint64_t gen;       /* of what is promised (tg_pool_gen) */
	uint8_t wscale;     /* what clients are promised (pool.h) */
	uint64_t wscale_ms; /* when a backend last had that one */
	struct tg_backend backend[TG_BACKEND_MAX];
	struct tg_backend_conf at[TG_BACKEND_MAX]; /* by number; conf.backend is not used */
	struct tg_pool_conf conf;
	struct tg_pool_table table;
};

struct tg_pools {
	uint32_t n, max;
	uint64_t next_ms;        /* no probe is due before */
	tg_pool_down_fn on_down; /* NULL: nobody wants to know */
	struct tg_pool pool[];
};

/* Marks again after a backend has changed. */
void tg_pool_mark(struct tg_pool *p, uint8_t backend);
/* The scale that clients are promised follows what is known. */
void tg_pool_follow_wscale(struct tg_pool *p, uint64_t now_ms);
/* Ends the probe of a backend unsaid, if one is under way. */
void tg_pool_stop_probe(struct tg_engine *e, struct tg_backend *b);

#endif
