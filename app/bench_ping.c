/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "bench.h"

#include "cli.h"

#include <pthread.h>
#include <rte_pause.h>
#include <sched.h>

enum { ROUNDS = 2000, BATCHES = 25 };

struct ball {
	_Alignas(64) _Atomic uint32_t at;
	int cpu;
};

/* The last two, which the workers take (tg_eal_init). */
static bool two_cpus(int cpu[2])
{
	cpu_set_t set;
	int n = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return false;
	for (int i = CPU_SETSIZE - 1; i >= 0 && n < 2; i--)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	return n == 2;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *give_back(void *arg)
{
	struct ball *ball = arg;

	stay_on(ball->cpu);
	for (uint32_t i = 1; i <= 2 * ROUNDS * BATCHES; i += 2) {
		while (atomic_load_explicit(&ball->at, memory_order_acquire) != i)
			rte_pause();
		atomic_store_explicit(&ball->at, i + 1, memory_order_release);
	}
	return NULL;
}

/* The shortest of some batches: the others were held up. */
static double play(struct ball *ball)
{
	double best = 0;
	uint32_t i = 0;

	for (int b = 0; b < BATCHES; b++) {
		uint64_t start = tg_cli_now_ns();
		for (int n = 0; n < ROUNDS; n++, i += 2) {
			atomic_store_explicit(&ball->at, i + 1, memory_order_release);
			while (atomic_load_explicit(&ball->at, memory_order_acquire) != i + 2)
				rte_pause();
		}
		double ns = (double)(tg_cli_now_ns() - start) / ROUNDS;
		best = b == 0 || ns < best ? ns : best;
	}
	return best;
}

double tg_bench_ping(void)
{
	struct ball ball = {.at = 0};
	pthread_t other;
	cpu_set_t before;
	int cpu[2];
	double ns;

	if (!two_cpus(cpu) || pthread_getaffinity_np(pthread_self(), sizeof(before), &before) != 0)
		return 0;
	ball.cpu = cpu[1];
	if (pthread_create(&other, NULL, give_back, &ball) != 0)
		return 0;
	stay_on(cpu[0]);
	ns = play(&ball);
	pthread_join(other, NULL);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	return ns;
}
