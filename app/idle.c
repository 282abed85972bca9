/* SPDX-License-Identifier: BSD-3-Clause */
#include "idle.h"

#include <rte_cycles.h>
#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	PAUSE_MAX = 64,      /* some microseconds */
	PAUSE_SHIFT = 6,     /* rounds until the pause grows */
	AWAKE_ROUNDS = 1024, /* that find nothing before the first sleep: tens of microseconds, as
				long as an answer of the peer may take */
	SLEEP_LEAST_US = 10,
	SLACK_NS = 1000
};

const char *tg_idle_name(uint32_t mode)
{
	static const char *const names[] = {
	    [TG_IDLE_POLL] = "poll", [TG_IDLE_PAUSE] = "pause", [TG_IDLE_SLEEP] = "sleep"};

	return names[mode];
}

void tg_idle_init(struct tg_idle *idle, uint32_t mode)
{
	*idle = (struct tg_idle){.mode = mode, .sleep_us = SLEEP_LEAST_US};
}

static void pause_longer(const struct tg_idle *idle)
{
	uint32_t n = 1 + (idle->rounds >> PAUSE_SHIFT);

	for (n = n < PAUSE_MAX ? n : PAUSE_MAX; n; n--)
		rte_pause();
}

/* A sleep that would end after the next timer is not begun. */
static void sleep_until(struct tg_idle *idle, const struct tg_engine *engine, uint64_t now_ns)
{
	uint64_t due_ns = tg_engine_next_deadline(engine), ns = idle->sleep_us * 1000ull;

	if (!idle->is_keen) { /* of this thread alone: else 50 us are added to each sleep */
		prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
		idle->is_keen = true;
	}
	if (due_ns <= now_ns || due_ns - now_ns < SLEEP_LEAST_US * 1000ull) {
		rte_pause();
		return;
	}
	ns = due_ns - now_ns < ns ? due_ns - now_ns : ns;
	struct timespec ts = {.tv_nsec = (long)ns};
	nanosleep(&ts, NULL);
	idle->sleeps++;
	idle->sleep_us = 2 * idle->sleep_us;
	if (idle->sleep_us > TG_IDLE_SLEEP_MAX_US)
		idle->sleep_us = TG_IDLE_SLEEP_MAX_US;
}

uint64_t tg_idle_end(struct tg_idle *idle, const struct tg_engine *engine, uint64_t now_ns,
		     uint64_t after, bool moved)
{
	if (moved) {
		idle->rounds = 0;
		idle->sleep_us = SLEEP_LEAST_US;
		return after;
	}
	idle->rounds += idle->rounds < UINT32_MAX;
	if (idle->mode == TG_IDLE_SLEEP && idle->rounds > AWAKE_ROUNDS)
		sleep_until(idle, engine, now_ns);
	else
		pause_longer(idle);
	return rte_rdtsc();
}
