/* SPDX-License-Identifier: BSD-3-Clause */
/* idle.h: what a worker does when there is nothing to do.
 *
 *   poll    looks again at once: the CPU is full, and nothing waits
 *   pause   looks again after a pause that grows to some microseconds: the CPU looks full, but its
 *           other thread has the core, and power is saved
 *   sleep   after a while of pauses sleeps, longer and longer, TG_IDLE_SLEEP_MAX_US at most and
 *           never past the next timer: the CPU is free; what comes waits for that time, too */
#ifndef TG_APP_IDLE_H
#define TG_APP_IDLE_H

#include "tg_keys.h"

enum { TG_IDLE_SLEEP_MAX_US = 200 };

struct tg_idle {
	uint32_t mode;   /* enum tg_idle_mode */
	uint32_t rounds; /* in a row that found nothing */
	uint32_t sleep_us;
	bool is_keen;    /* the kernel was asked to wake us in time */
	uint64_t sleeps; /* how often it slept */
};

/* "poll" "pause" "sleep" */
const char *tg_idle_name(uint32_t mode);
void tg_idle_init(struct tg_idle *idle, uint32_t mode);
/* The end of a worker's round at now_ns, which moved something or nothing; after: the TSC then.
 * Waits as mode says. Returns the TSC with which the next round begins: what was waited for is no
 * part of it. Not for TG_IDLE_POLL. */
uint64_t tg_idle_end(struct tg_idle *idle, const struct tg_engine *engine, uint64_t now_ns,
		     uint64_t after, bool moved);

#endif
