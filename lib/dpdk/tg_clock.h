/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_clock.h: nanoseconds for one worker: the CPU's time stamp counter, set right by the kernel's
 * monotonic clock every few milliseconds. Reading the counter alone would drift: its frequency is
 * known to some parts in a thousand, and 2MSL must not end early (TD-14). */
#ifndef TG_CLOCK_H
#define TG_CLOCK_H

#include <rte_cycles.h>
#include <stdint.h>

struct tg_clock {
	uint64_t tsc, ns;  /* of the last setting */
	uint64_t last_ns;  /* what was last returned: time never goes back */
	uint64_t mult;     /* ns a cycle, 32.32 */
	uint64_t sync_tsc; /* cycles between settings */
};

void tg_clock_init(struct tg_clock *clock);
/* Sets it right by the kernel; tsc: now. */
void tg_clock_sync(struct tg_clock *clock, uint64_t tsc);

static inline uint64_t tg_clock_now(struct tg_clock *clock)
{
	uint64_t tsc = rte_rdtsc();
	if (tsc - clock->tsc > clock->sync_tsc)
		tg_clock_sync(clock, tsc);
	uint64_t ns =
	    clock->ns + (uint64_t)(((unsigned __int128)(tsc - clock->tsc) * clock->mult) >> 32);
	if (ns > clock->last_ns)
		clock->last_ns = ns;
	return clock->last_ns;
}

#endif
