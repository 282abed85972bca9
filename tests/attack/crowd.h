/* SPDX-License-Identifier: BSD-3-Clause */
/* crowd.h: many open connections of one lab, and a watch on when each of them is answered. */
#ifndef CROWD_H
#define CROWD_H

#include "lab_host.h"

enum { CROWD_MAX = 64 };

struct crowd {
	struct host of[CROWD_MAX]; /* all of one lab */
	uint32_t n;
	uint64_t answers;         /* datagrams that came back since crowd_watch */
	uint64_t acks[CROWD_MAX]; /* of these: bare ACKs, by connection */
	uint64_t last_ack_ns[CROWD_MAX];
	uint64_t least_gap_ns; /* between two bare ACKs of one connection */
	uint64_t others;       /* and what was no bare ACK of a connection of the crowd */
};

/* n connections from ports 40000 on; every second one with all options. */
void crowd_init(struct crowd *c, uint32_t n, const char *options);
/* All connections are alive; then as host_fini. */
void crowd_fini(struct crowd *c);
void crowd_pass_ns(struct crowd *c, uint64_t ns);
/* Begins to count anew. */
void crowd_watch(struct crowd *c);
/* Reads what came back. */
void crowd_read(struct crowd *c);
/* Each connection carries 100 bytes each way, whatever happened to it: takes half a second. */
void crowd_talk(struct crowd *c);

/* Chance: splitmix64. */
uint64_t crowd_random(uint64_t *state);

#endif
