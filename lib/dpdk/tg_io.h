/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_io.h: one worker's way in and out: mbuf bursts <-> packet views, over all devices, with
 * software steering between workers (LN-23).
 *
 *   device queue --tg_io_rx--> [owner?] --mine--> view --> the worker's engine
 *                                 |--other's--> its inbox (rte_ring) --tg_io_inbox--> view
 *   engine --tg_io_tx--> own transmit queue, or the relay (rte_ring) of the worker that has one
 *
 * One tg_io belongs to one worker; only the rings are shared. A view's handle is its mbuf. */
#ifndef TG_IO_H
#define TG_IO_H

#include "tg_dev.h"
#include "tg_eal.h"
#include "tg_pkt.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;
struct tg_io;

enum {
	TG_IO_BURST = 32,
	/* The longest frame that a device is given to cut. One buffer, one descriptor: there are
	 * cards whose descriptors count up to 16,383 bytes. */
	TG_IO_LARGE = 16383
};

/* What is lost or moved between device and engine, by name. One writer. */
struct tg_io_stats {
	uint64_t rx_packets, tx_packets;
	uint64_t rx_chain_drop;          /* chain that could not be made linear (LN-24) */
	uint64_t steered;                /* handed to another worker */
	uint64_t steer_drop;             /* the other worker's inbox was full */
	uint64_t tx_dropped[TG_DEV_MAX]; /* the device did not take it in time, or at all */
	uint64_t no_buffer;              /* buffers asked for, and the pool was empty */
};

/* All that the workers of one host share. */
struct tg_fabric {
	struct tg_dev *dev; /* [dev_n], the caller's */
	uint32_t dev_n;
	uint16_t worker_n;
	struct tg_steer steer;
	struct tg_io *io[TG_WORKER_MAX]; /* [worker_n] */
};

/* Makes pools and rings for worker_n workers over dev[dev_n] (opened, not started), then starts the
 * devices. name parts several fabrics in one process. 0, or -1 and a sentence. */
int tg_fabric_init(struct tg_fabric *f, const char *name, struct tg_dev *dev, uint32_t dev_n,
		   uint16_t worker_n, char *err, size_t err_size);
/* Stops and closes the devices and frees the rest. Every buffer that the engines keep must be back.
 */
void tg_fabric_fini(struct tg_fabric *f);
/* Megabytes of EAL memory that tg_fabric_init takes for these; before the EAL is up. */
uint32_t tg_fabric_memory_mb(uint32_t dev_n, uint16_t worker_n, uint16_t mtu_max);

/* A burst from device d: views of packets that are this worker's, at most max (TG_IO_BURST). */
uint32_t tg_io_rx(struct tg_io *io, uint32_t d, struct tg_pkt pkt[], uint32_t max);
/* What other workers handed over. */
uint32_t tg_io_inbox(struct tg_io *io, struct tg_pkt pkt[], uint32_t max);
/* Sends pkt[n]; owns them. What a device does not take within a bounded time is dropped and
 * counted. */
void tg_io_tx(struct tg_io *io, const struct tg_pkt pkt[], uint32_t n);
/* Sends what workers without a transmit queue of their own left here. Returns how many. */
uint32_t tg_io_relay(struct tg_io *io);

/* For struct tg_engine_ops; ctx is the struct tg_io. */
uint32_t tg_io_alloc(void *ctx, struct tg_pkt pkt[], uint32_t n);
void tg_io_free(void *ctx, const struct tg_pkt pkt[], uint32_t n);
bool tg_io_alloc_large(void *ctx, struct tg_pkt *pkt);
bool tg_io_is_mine(void *ctx, const struct tg_tuple *tuple);

const struct tg_io_stats *tg_io_stats(const struct tg_io *io);
bool tg_io_has_peers(const struct tg_io *io); /* more than one worker: inbox and relay are in use */
/* True when a device cuts frames, and there are buffers for it: then tg_io_alloc_large is of use.
 */
bool tg_io_has_large(const struct tg_io *io);
/* Buffers of this worker's pools that are out. */
uint32_t tg_io_in_use(const struct tg_io *io);

#endif
