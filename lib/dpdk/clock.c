/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_clock.h"

#include <time.h>

enum { SYNC_PER_SECOND = 250 };

void tg_clock_sync(struct tg_clock *clock, uint64_t tsc)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	clock->tsc = tsc;
	clock->ns = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void tg_clock_init(struct tg_clock *clock)
{
	uint64_t hz = rte_get_tsc_hz();
	clock->mult = (uint64_t)(((unsigned __int128)1000000000ull << 32) / hz);
	clock->sync_tsc = hz / SYNC_PER_SECOND;
	clock->last_ns = 0;
	tg_clock_sync(clock, rte_rdtsc());
	clock->last_ns = clock->ns;
}
