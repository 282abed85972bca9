/* SPDX-License-Identifier: BSD-3-Clause */
/* io.h (private to dpdk): what one worker's way in and out consists of. */
#ifndef TG_DPDK_IO_H
#define TG_DPDK_IO_H

#include "tg_io.h"

#include <rte_config.h>
#include <rte_common.h>

struct tg_io {
	struct tg_fabric *fabric;
	struct rte_mempool *pool;
	struct rte_mempool *large;      /* buffers for TSO; NULL: no device has it */
	struct rte_ring *inbox, *relay; /* many producers, one consumer: this worker */
	uint64_t patience;              /* cycles that a full device is asked again */
	uint32_t bursts;                /* ended so far, sent and received: for grace.c */
	uint16_t worker;
	uint8_t dev_of[RTE_MAX_ETHPORTS]; /* DPDK's port id -> index of the device */
	struct tg_io_stats stats;
} __rte_cache_aligned;

static inline void tg_io_burst_ended(struct tg_io *io)
{
	__atomic_store_n(&io->bursts, io->bursts + 1, __ATOMIC_RELEASE);
}

/* From when the workers of f may be in bursts, until none will be. */
void tg_grace_begin(struct tg_fabric *f);
void tg_grace_end(struct tg_fabric *f);

#endif
