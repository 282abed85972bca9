/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_counters.h: every counter by name. counters.def is the one list; this file, telemetry,
 * `tidegate stats` and the manual come from it.
 *
 * Invariant (DESIGN 4): rx_segments = rx_accepted + the sum of the drop counters, always: each
 * packet handed to the engine is counted in rx_segments once, and ends as accepted or as exactly
 * one drop. */
#ifndef TG_COUNTERS_H
#define TG_COUNTERS_H

#include <stdint.h>

enum tg_ctr_kind { TG_CTR_KIND_DROP = 1, TG_CTR_KIND_EVENT };

enum tg_ctr {
	TG_CTR_NONE = 0, /* as a verdict: accepted */
#define TG_COUNTER(name, kind, unit, sentence) TG_CTR_##name,
#include "counters.def"
#undef TG_COUNTER
	TG_CTR_N
};

/* One set per engine; index by enum tg_ctr; [0] is unused. Plain numbers: one writer. A reader on
 * another core sees each number whole on the 64-bit machines that DPDK supports. */
struct tg_counters {
	uint64_t v[TG_CTR_N];
};

struct tg_ctr_info {
	const char *name, *unit, *sentence;
	enum tg_ctr_kind kind;
};

/* Indexed by enum tg_ctr, TG_CTR_N entries; [0] is empty. */
extern const struct tg_ctr_info tg_ctr_info[];

static inline void tg_ctr_add(struct tg_counters *c, enum tg_ctr ctr, uint64_t n)
{
	c->v[ctr] += n;
}

static inline void tg_ctr_inc(struct tg_counters *c, enum tg_ctr ctr)
{
	c->v[ctr]++;
}

/* The counter of that name, or TG_CTR_NONE. */
enum tg_ctr tg_ctr_by_name(const char *name);
/* The sum of all counters of kind DROP. */
uint64_t tg_ctr_drops(const struct tg_counters *c);

#endif
