/* SPDX-License-Identifier: BSD-3-Clause */
/* load_pace.h: how many connections are due at a time. The rate may grow from 0 in the beginning
 * and fall to 0 before the end; what is due is its integral, in whole numbers, so that no run of
 * any length gains or loses one by rounding.
 *
 *   rate |     ________
 *        |    /        \
 *        |___/__________\___ t
 *         up            down    duration */
#ifndef TG_APP_LOAD_PACE_H
#define TG_APP_LOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct tg_pace {
	uint64_t rate;                        /* a second, at most 10^8 */
	uint64_t up_us, down_us, duration_us; /* up + down <= duration <= 2^42 us, 50 days */
};

/* Due t_us after the start: never less than a moment before, and the same for ever from the
 * duration on. */
uint64_t tg_pace_due(const struct tg_pace *pace, uint64_t t_us);

/* One worker's share of a pace: of the connections 0, 1, 2, ... those whose number is worker modulo
 * worker_n. So all workers together do exactly what is due. */
struct tg_pacer {
	struct tg_pace pace;
	uint64_t start_ns;
	uint64_t limit; /* connections of all workers; UINT64_MAX = no limit */
	uint32_t worker, worker_n;
	uint64_t taken;  /* of ours, those that were begun or missed */
	uint64_t missed; /* those that were due over a second ago when we came */
};

/* How many are to be begun now, at most `most`: they count as begun. The number of the first of
 * them in *first; each next one's is worker_n more. */
uint32_t tg_pacer_take(struct tg_pacer *pacer, uint64_t now_ns, uint32_t most, uint64_t *first);
/* What is due now is not wanted, and will not be made up for. */
void tg_pacer_skip(struct tg_pacer *pacer, uint64_t now_ns);
/* The duration is over; what is due may still be made up for. */
bool tg_pacer_has_ended(const struct tg_pacer *pacer, uint64_t now_ns);
/* Nothing will ever be due again. */
int tg_pacer_is_over(const struct tg_pacer *pacer, uint64_t now_ns);

#endif
