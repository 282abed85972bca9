/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_pool.h: pools of backends, the control half of `shield`: who stands behind a listener, who of
 * them lives, what they can do.
 *
 * A listener whose configuration names a pool (has_pool) is a VIP: what opens there is spliced to a
 * backend of the pool. Each backend is probed by TCP, from the engine itself, and each engine
 * probes for itself: a probe is a connection that is opened and reset at once, and says by its
 * SYN-ACK what the backend offers. So nothing of a backend is ever typed in but where it is
 * (SP-04).
 *
 *            first good probe          `fall` bad probes in a row
 *   UNKNOWN ------------------> UP <-------------------------------> DOWN
 *      |                            `rise` good probes in a row       ^
 *      +--------------- `fall` bad probes in a row -------------------+
 *
 * A backend of weight 0 drains: it gets no new connections, and those it has go on. */
#ifndef TG_POOL_H
#define TG_POOL_H

#include "tg_siphash.h"
#include "tg_types.h"

struct tg_engine;

enum {
	TG_POOL_MAX = 32,
	TG_BACKEND_MAX = 64,
	TG_SNAT_ADDR_MAX = 8,
	TG_NO_BACKEND = 255,
	TG_WEIGHT_MAX = 100,
	TG_NO_WSCALE = 15,
	TG_CHECK_MS_MIN = 10, /* least of check_ms and check_timeout_ms */
};

/* Whose address the backend sees: the client's own (the backends route through us), or ours. */
enum tg_pool_mode { TG_POOL_TRANSPARENT = 0, TG_POOL_SNAT };

struct tg_backend_conf {
	struct tg_addr addr;
	uint16_t port;
	uint16_t weight; /* 1..TG_WEIGHT_MAX: its share of new connections; 0 = drains */
};

struct tg_pool_conf {
	char name[32];
	uint8_t mode;     /* enum tg_pool_mode */
	uint8_t dead;     /* enum tg_refuse: what a client is told when no backend lives */
	bool hash_source; /* by the client's address alone, so that a client stays with its backend;
			     else by address and port */
	uint8_t rise, fall; /* probes in a row that change the state, 1 at least */
	uint32_t check_ms, check_timeout_ms;
	struct tg_backend_conf backend[TG_BACKEND_MAX]; /* each address and port once */
	uint32_t backend_n;
	struct tg_addr snat[TG_SNAT_ADDR_MAX]; /* ours */
	uint32_t snat_n;                       /* 0: the address of the port that leads there */
	/* Of the choice. Engines that must choose alike (workers, nodes of a fleet) get the same;
	 * it is secret, so that nobody can aim at one backend. */
	struct tg_sipkey key;
};

/* What a SYN-ACK of a backend offered. */
struct tg_profile {
	bool known; /* false: nobody has answered yet, and the rest is what is safe to say */
	bool sack, ts;
	uint8_t wscale; /* TG_NO_WSCALE: none */
	uint16_t mss;
};

enum tg_backend_state {
	TG_BACKEND_UNKNOWN = 0,
	TG_BACKEND_UP,
	TG_BACKEND_DOWN,
	TG_BACKEND_STATE_N
};

struct tg_backend_sight {
	struct tg_backend_conf conf;
	uint8_t state; /* enum tg_backend_state */
	bool removed;  /* no longer configured; goes when its flows are gone */
	struct tg_profile profile;
	uint32_t flows;
	uint64_t flows_all;      /* since the start */
	uint64_t probes, failed; /* probes that have ended, and those of them that were no good */
	uint64_t since_ms;       /* engine's time of the last change of state */
};

struct tg_pool_sight {
	char name[32];
	uint8_t mode;
	struct tg_profile promise; /* the least of what clients may be promised now */
	uint32_t backend_n;
	struct tg_backend_sight backend[TG_BACKEND_MAX];
};

/* The number of the new pool, 0..pool_max - 1; -EINVAL (a value out of range, the same backend
 * twice, an address of snat that is not ours), -ENOSPC. conf is copied. Probes begin with the next
 * tick. */
int tg_engine_pool_add(struct tg_engine *engine, const struct tg_pool_conf *conf);
/* Changes a pool that lives. Backends are matched by address and port: one that stays keeps its
 * state and flows, one that is gone drains and is forgotten with its last flow, one that is new is
 * UNKNOWN. 0, -EINVAL as above and for a mode other than before, -ENOSPC (with those that still
 * drain there are more than TG_BACKEND_MAX): then nothing has changed. Takes about a millisecond:
 * the table is made anew. */
int tg_engine_pool_set(struct tg_engine *engine, int pool, const struct tg_pool_conf *conf);
uint32_t tg_engine_pool_count(const struct tg_engine *engine);
void tg_engine_pool_see(const struct tg_engine *engine, int pool, struct tg_pool_sight *sight);
/* "unknown", "up", "down". */
const char *tg_backend_state_name(enum tg_backend_state state);

#endif
