/* SPDX-License-Identifier: BSD-3-Clause */
/* rate.h (private to engine): how many connections a second a source may open: an IPv4 address, or
 * an IPv6 /64 (struct tg_source). Only what was opened is charged, for a SYN proves nothing: nobody
 * can use up another's rate (RB-13).
 *
 * A source is kept by its whole prefix, so it is never taken for another one, in a set of four that
 * a keyed hash names. It has one number: the time at which its burst is whole again. When that has
 * come its place is free; when all four are taken, the one that is nearest to it is forgotten,
 * which is lenient, and is counted. Memory is fixed. */
#ifndef TG_ENGINE_RATE_H
#define TG_ENGINE_RATE_H

#include "tg_counters.h"
#include "tg_siphash.h"
#include "tg_types.h"

struct tg_rates;

size_t tg_rates_footprint(uint32_t conn_max);
/* mem: all zero, 64-byte aligned. rate: connections a second, 1..1000000; burst: that many at once,
 * 1 at least. */
struct tg_rates *tg_rates_init(void *mem, uint32_t conn_max, uint32_t rate, uint32_t burst,
			       const struct tg_sipkey *key, struct tg_counters *ctr);
/* Whether peer may open one more now. */
bool tg_rates_may(const struct tg_rates *r, const struct tg_addr *peer, uint64_t now_ns);
/* Peer has opened one. */
void tg_rates_charge(struct tg_rates *r, const struct tg_addr *peer, uint64_t now_ns);

#endif
