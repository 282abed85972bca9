/* SPDX-License-Identifier: BSD-3-Clause */
/* cost.h: a peer that wants to cost much. A kind of it is set up once and then sends one datagram
 * after another; only what the engine does with that datagram is counted. */
#ifndef COST_H
#define COST_H

#include "cost_pool.h"
#include "lab_host.h"

enum { COST_BUF = 4 << 20, COST_MSS = 1448 };

struct attack {
	struct host h;          /* of the connection */
	uint64_t rng, i;        /* datagrams sent */
	uint64_t step_ns;       /* between two of them */
	uint32_t mss;           /* text in a full segment of the engine's */
	uint64_t bytes;         /* most that were in use at once */
	struct cost_pool *pool; /* of those that are sent to one */
};

struct kind {
	const char *name;
	const char *options; /* of the host, beside the buffers */
	uint16_t mss;        /* that we announce; 0 = 1460 */
	bool sends;          /* the engine is the sender: 4 MiB are in flight when it begins */
	bool bare;           /* the SYN brings no SACK-permitted and no timestamps */
	void (*shoot)(struct attack *a);
	enum { COST_NO_POOL, COST_POOL_V4, COST_POOL_V6 } pool;
};

extern const struct kind cost_kinds[];
extern const size_t cost_kinds_n;

/* The engine gets it, and that is what counts. */
void cost_shoot(struct attack *a, struct seg *s);
/* Time passes up to the next deadline, and that counts, too. */
void cost_wait(struct attack *a);
/* As many bytes are written as the send queue takes. */
void cost_refill(struct attack *a);
/* What was sent is noted: h.nxt follows. */
void cost_drain(struct attack *a);
/* A number in [0, n). */
uint32_t cost_random(struct attack *a, uint32_t n);

#endif
