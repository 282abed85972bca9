/* SPDX-License-Identifier: BSD-3-Clause */
/* load_flood.h: packets without state from random addresses of the sources, for tests of what
 * absorbs them. The engine beside it answers ARP for the sources, and next to nothing else. */
#ifndef TG_APP_LOAD_FLOOD_H
#define TG_APP_LOAD_FLOOD_H

#include "load_plan.h"
#include "tg_io.h"
#include "tg_rng.h"

struct tg_load_way {
	struct tg_mac to;
	uint32_t port;
	bool known;
};

struct tg_load_flood {
	const struct tg_load_plan *plan;
	const struct tg_port_conf *port; /* of the engine, its MAC address filled in */
	const struct tg_load_way *way;   /* [target_n] */
	struct tg_io *io;
	struct tg_pacer pacer;
	struct tg_rng rng;
	uint64_t sent;
};

/* Sends what is due at now_ns; bounded. Returns how many. */
uint32_t tg_load_flood_turn(struct tg_load_flood *f, uint64_t now_ns);

#endif
