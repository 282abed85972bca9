/* SPDX-License-Identifier: BSD-3-Clause */
/* sight.h: what users see of a running host: a line of figures each second, and `/tidegate/...`
 * commands on DPDK's telemetry socket, which `tidegate stats` and dpdk-telemetry.py read. */
#ifndef TG_APP_SIGHT_H
#define TG_APP_SIGHT_H

#include "host.h"

/* The sum over all workers. */
void tg_sight_sum(struct tg_host *h, struct tg_sight *sum);

/* Shows host under name from now on, to any reader; NULL: no more, and every reader has left. */
void tg_sight_publish(struct tg_host *h, const char *name, const struct tg_eal_got *got);

struct tg_sight_line {
	struct tg_sight before;
	uint64_t start_ns, last_ns;
};
/* One line to out on what happened since the last: connections by state, opens, packets and bits a
 * second, SYNs and cookies, listeners that are armed, backends, drops by name. now_ns: any steady
 * clock. */
void tg_sight_line(struct tg_sight_line *line, struct tg_host *h, uint64_t now_ns, FILE *out);

#endif
