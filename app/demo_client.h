/* SPDX-License-Identifier: BSD-3-Clause */
/* demo_client.h: the two sorts of visitors of the demo. Clients open connections, send a message,
 * check that it comes back right, and close; some open one and hold it. The attacker sends SYNs
 * from addresses that are not its own. */
#ifndef TG_APP_DEMO_CLIENT_H
#define TG_APP_DEMO_CLIENT_H

#include "tg_io.h"
#include "tg_rng.h"
#include "tg_service.h"

enum { DEMO_MESSAGE = 64, DEMO_CLIENT_ADDRS = 15 };

struct demo_client {
	struct tg_engine *engine;
	struct tg_tcp_conf tcp;
	struct tg_addr addr[DEMO_CLIENT_ADDRS]; /* its own, used in turn */
	struct tg_addr server;
	uint32_t next_addr;
	uint32_t hold_want, held; /* connections that are opened once and kept */
	uint32_t active, active_max;
	uint64_t started, done;          /* done: the message came back, both sides closed */
	uint64_t refused, broken, wrong; /* not opened; ended early; with a wrong byte */
};

extern const struct tg_service demo_client_service;

/* Opens at most n connections more. Returns how many. */
uint32_t demo_client_open(struct demo_client *c, uint32_t n);

struct demo_attacker {
	struct tg_io *io;
	struct tg_rng rng;
	struct tg_mac from, to;
	struct tg_addr server;
	uint64_t sent;
};

/* Sends n SYNs, each from a random address of 198.18.0.0/15 and a random port. */
void demo_attack(struct demo_attacker *a, uint32_t n);

#endif
