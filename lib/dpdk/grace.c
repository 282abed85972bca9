/* SPDX-License-Identifier: BSD-3-Clause */
/* grace.c: memory that the interrupt thread unmaps is left to the workers until they are out of it.
 *
 * When a peer of net_memif leaves, the driver marks the port as not connected and unmaps the peer's
 * rings, all in the EAL's interrupt thread (DPDK 22.11, memif_disconnect). A worker that is in a
 * burst then reads what is gone: rarely where it has a core of its own, sooner or later where the
 * scheduler takes the core away in the middle. The driver cannot be told to wait; but it unmaps by
 * munmap(), which is ours here: called by that thread, it first lets each worker end the burst that
 * it may be in. Bursts that begin later find the mark. */
#include "io.h"

#include <pthread.h>
#include <rte_interrupts.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FABRICS = 4, TURNS = 10000 /* of 100 us: a worker that was stopped ends no burst */ };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tg_fabric *fabric[FABRICS];

void tg_grace_begin(struct tg_fabric *f)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < FABRICS; i++)
		if (!fabric[i]) {
			fabric[i] = f;
			break;
		}
	pthread_mutex_unlock(&lock);
}

void tg_grace_end(struct tg_fabric *f)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < FABRICS; i++)
		if (fabric[i] == f)
			fabric[i] = NULL;
	pthread_mutex_unlock(&lock);
}

static uint32_t bursts(const struct tg_io *io)
{
	return __atomic_load_n(&io->bursts, __ATOMIC_ACQUIRE);
}

/* A worker that has ended a burst since is in none that began before. */
static void let_end(const struct tg_fabric *f, uint32_t *turns)
{
	const struct timespec turn = {.tv_nsec = 100000};
	uint32_t before[TG_WORKER_MAX];

	for (uint16_t w = 0; w < f->worker_n; w++)
		before[w] = bursts(f->io[w]);
	for (uint16_t w = 0; w < f->worker_n; w++)
		for (; bursts(f->io[w]) == before[w] && *turns > 0; --*turns)
			nanosleep(&turn, NULL);
}

static void wait_for_workers(void)
{
	uint32_t turns = TURNS;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < FABRICS; i++)
		if (fabric[i])
			let_end(fabric[i], &turns);
	pthread_mutex_unlock(&lock);
}

__attribute__((visibility("default"))) int munmap(void *addr, size_t len)
{
	if (rte_thread_is_intr())
		wait_for_workers();
	return (int)syscall(SYS_munmap, addr, len);
}
