/* SPDX-License-Identifier: BSD-3-Clause */
/* pool.h (private to engine): which backend, and what may be promised in its name.
 *
 * The choice. A table of a prime size, filled by turns as Maglev does (Eisenbud et al., NSDI 2016,
 * 3.4), says for a keyed hash of the client which backend is its first; when that one is down, the
 * hash is turned and the table asked again, until one lives. So each client has one order of
 * preference over all backends. One that dies moves only its own clients, spread over the others by
 * weight, and one that comes back moves only these back: the table itself is made anew only when
 * the configuration changes.
 *
 * The promise. SACK, timestamps and MSS are those of the backend that the client would get now. The
 * window scale is one for the whole pool, the widest that was learnt: an ACK with a cookie does not
 * say which scale its SYN-ACK promised (SC-07), and by then the backend may be another one. It
 * grows at once, and shrinks only when no cookie that told it can come back any more. A splice that
 * takes it for the scale that was promised never grants more than the backend did (SP-05). */
#ifndef TG_ENGINE_POOL_H
#define TG_ENGINE_POOL_H

#include "tg_pool.h"
#include "tg_rng.h"

struct tg_engine_conf;
struct tg_pools;

/* Zero bytes when conf->pool_max is 0; then there are no pools at all (engine->pools is NULL). */
size_t tg_pools_footprint(const struct tg_engine_conf *conf);
struct tg_pools *tg_pools_init(void *mem, const struct tg_engine_conf *conf);
bool tg_pool_is_valid(const struct tg_engine *engine, int pool);

/* A live backend of the client's family, or TG_NO_BACKEND. The same for a SYN and its ACK as long
 * as no state and no configuration has changed between. client: the tuple as the listener sees it.
 */
uint8_t tg_pool_pick(struct tg_engine *engine, int pool, const struct tg_tuple *client);
/* What the SYN-ACK to client may offer now: known, the backend that tg_pool_pick would give; not
 * known, no options but the MSS that every host takes, 536 or 1220 (RFC 9293 3.7.1). */
struct tg_profile tg_pool_promise(struct tg_engine *engine, int pool,
				  const struct tg_tuple *client);
/* What every client of that family is promised now, to whichever backend he goes: then a burst of
 * SYNs may be answered by one form. False: it depends on who asks, or there is nobody to go to.
 * Looks at each backend: for once a burst, or when the generation is another. */
bool tg_pool_promise_all(const struct tg_engine *engine, int pool, bool v4,
			 struct tg_profile *profile);
/* Another number whenever what tg_pool_promise and tg_pool_promise_all say may be another, or
 * whether tg_pool_pick finds a backend. Never goes back. */
uint64_t tg_pool_gen(const struct tg_engine *engine, int pool);
/* enum tg_refuse: what a client is told for whom there is no backend. */
uint8_t tg_pool_refuse(const struct tg_engine *engine, int pool);
const struct tg_pool_conf *tg_pool_conf(const struct tg_engine *engine, int pool);
/* Never NULL for a backend that tg_pool_pick gave, as long as it has flows. */
const struct tg_backend_conf *tg_pool_backend(const struct tg_engine *engine, int pool,
					      uint8_t backend);
/* What was learnt of it last. */
struct tg_profile tg_pool_profile(const struct tg_engine *engine, int pool, uint8_t backend);

/* A flow was given to the backend, or is gone. The backend is not forgotten between. */
void tg_pool_flow_add(struct tg_engine *engine, int pool, uint8_t backend);
void tg_pool_flow_sub(struct tg_engine *engine, int pool, uint8_t backend);
/* A real connection was refused or got no answer: the backend is probed at once. It is no verdict
 * by itself: a backend may refuse one client for that client's sake. */
void tg_pool_fault(struct tg_engine *engine, int pool, uint8_t backend);

/* A segment of a flow came from the backend: whatever its probes say, it is there. */
void tg_pool_heard(struct tg_engine *engine, int pool, uint8_t backend);

/* Told once when nothing comes from a backend any more, in a tick: neither answers to `fall` probes
 * in a row nor segments of its flows. Then what is spliced to it is to be ended. One that is down
 * for new flows but refuses, or goes on with old ones, sees to these itself. */
typedef void (*tg_pool_down_fn)(struct tg_engine *engine, int pool, uint8_t backend);
void tg_pools_set_on_down(struct tg_engine *engine, tg_pool_down_fn on_down);

/* Probes that are due, and those that have waited too long. */
void tg_pools_tick(struct tg_engine *engine);
/* In ms; may be early, never late; UINT64_MAX: no pools. */
uint64_t tg_pools_next(const struct tg_engine *engine);
/* Counts of flows and masks agree with the backends; false, and why. */
bool tg_pools_validate(const struct tg_engine *engine, const char **why);

#endif
