/* SPDX-License-Identifier: BSD-3-Clause */
/* sim.h: two labs joined by a link that loses, duplicates, reorders and delays, in virtual time and
 * from one seed: the same seed gives the same run, byte for byte. */
#ifndef SIM_H
#define SIM_H

#include "lab.h"

#define SIM_A "192.168.0.1"
#define SIM_B "192.168.0.2"

/* Chances in per mille, for each datagram. What stands behind them is 0 for the link as it always
 * was. */
struct sim_link {
	uint32_t loss, dup, reorder, delay;
	uint32_t loss_data;  /* in 100,000, of datagrams to b alone: data is lost, ACKs are not */
	uint64_t one_way_ns; /* how long a datagram is under way; 0 = 5 ms */
	uint64_t rate;       /* bytes a second to b; 0 = without limit */
	uint64_t queue;      /* bytes that wait for that, and no more: drop-tail */
};

struct sim_datagram {
	uint64_t at_ns, order; /* arrival; ties in order of sending */
	size_t len;
	int to; /* 0 = a, 1 = b */
	unsigned char *bytes;
};

struct sim {
	struct tg_lab *lab[2];
	uint64_t now_ns;
	struct sim_link link;
	uint64_t rng;
	struct sim_datagram *flight; /* a heap by arrival */
	size_t flight_n, flight_max;
	uint64_t order;
	uint64_t sent, lost, events;
	uint64_t link_free_ns;   /* when the last byte in the queue to b has gone */
	uint64_t digest;         /* of every datagram that was sent, with its time; begin with 1 */
	uint32_t validate_every; /* events; 0 = only at the end */
	int broken;              /* validate failed: said once */
};

/* Options are added to each host's own. Exits when a lab cannot be made: the options are wrong. */
void sim_init(struct sim *s, uint64_t seed, const char *options_a, const char *options_b);
void sim_fini(struct sim *s);
/* A number in [0, n). */
uint32_t sim_random(struct sim *s, uint32_t n);
/* The next thing that happens, not after end_ns: a datagram arrives or a timer runs. 0: nothing. */
int sim_step(struct sim *s, uint64_t end_ns);
/* All of it up to end_ns, which then is the time. */
void sim_run(struct sim *s, uint64_t end_ns);
/* Takes what the labs sent into flight; sim_step does it too. */
void sim_collect(struct sim *s);
/* Both labs are valid; says why not. */
int sim_validate(struct sim *s);
/* Nothing in flight, no timer armed: it will stay as it is for ever. */
int sim_is_still(struct sim *s);

#endif
