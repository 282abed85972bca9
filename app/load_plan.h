/* SPDX-License-Identifier: BSD-3-Clause */
/* load_plan.h: what `tidegate load` was asked for, checked: from where to where, how much, and what
 * that takes. Needs no DPDK. */
#ifndef TG_APP_LOAD_PLAN_H
#define TG_APP_LOAD_PLAN_H

#include "conf.h"
#include "load_pace.h"
#include "tg_rng.h"
#include <stdio.h>

enum {
	TG_LOAD_REQUEST_MAX = 512,
	TG_LOAD_SOURCE_MAX = TG_PORT_OWN_MAX > TG_PORT_ADDR_MAX ? TG_PORT_OWN_MAX : TG_PORT_ADDR_MAX
};

struct tg_load_target {
	struct tg_addr addr;
	uint16_t port;
	bool v4;
	uint32_t weight_end;                  /* sum of the weights up to this one */
	char request[2][TG_LOAD_REQUEST_MAX]; /* to be kept alive; the last one */
	uint32_t request_len[2];
};

/* Addresses to connect from. */
struct tg_load_source {
	struct tg_addr net;
	uint64_t first, n; /* host numbers first .. first + n - 1 behind the prefix */
	bool v4;
};

/* What a run takes, all workers together. */
struct tg_load_need {
	uint64_t live;               /* connections at once */
	uint64_t time_wait;          /* records of ours at once */
	uint64_t peer_time_wait;     /* and of the servers */
	uint64_t tuples[2], have[2]; /* addresses and ports in use at once, and how many there are;
					IPv6, IPv4 */
};

struct tg_load_plan {
	struct tg_load_settings set;
	struct tg_tcp_conf tcp;
	struct tg_load_target target[TG_BACKEND_MAX];
	struct tg_load_source source[TG_LOAD_SOURCE_MAX];
	uint32_t target_n, source_n, weight_all;
	uint64_t source_all[2]; /* addresses by family: IPv6, IPv4 */
	uint32_t fill_rate;     /* connections begun a second */
	uint32_t in_flight;     /* neither held nor over at once, in each worker; 0 = no limit */
	struct tg_load_need need;
};

/* Out of conf's [load] and its port; sets what [engine] leaves open by what the run takes
 * (connections, time_wait, moving), and a flood's rst_rate. 0; or -1 and one line in err. */
int tg_load_plan_init(struct tg_load_plan *plan, struct tg_conf *conf, char *err, size_t err_size);
/* The sources that are no address of the port, into the port of the engine. */
void tg_load_plan_own(const struct tg_conf *conf, struct tg_port_conf *port);
/* Source address i of a family, i < source_all[v4]. */
struct tg_addr tg_load_plan_source(const struct tg_load_plan *plan, bool v4, uint64_t i);
/* One of these at random. */
struct tg_addr tg_load_plan_any_source(const struct tg_load_plan *plan, bool v4,
				       struct tg_rng *rng);
/* The target for a random number below weight_all. */
const struct tg_load_target *tg_load_plan_target(const struct tg_load_plan *plan, uint32_t at);
/* Networks for private use and for tests: RFC 1918, RFC 2544, RFC 5737, RFC 4193, RFC 3849, RFC
 * 5180, link-local. */
bool tg_load_is_test_net(const struct tg_addr *addr, uint8_t prefix_len);
/* Whether what goes out by the device stays on this machine, as far as can be seen. */
bool tg_load_stays_here(const char *device);
struct tg_pace tg_load_pace(const struct tg_load_settings *set, uint32_t rate);
void tg_load_plan_print(const struct tg_load_plan *plan, FILE *out);

#endif
