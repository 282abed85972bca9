/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of tg_io.h that makes and unmakes: pools, rings, devices. */
#include "io.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdio.h>

enum {
	RING_SIZE = 4096,
	CACHE_SIZE = 256,
	SPARE = 4000, /* buffers in engines (splices hold 2048), rings and caches, beside those of
			 devices */
	TX_PATIENCE_US = 20, /* how long a full device is asked again */
	DESC_GUESS = 2048,
	LARGE_N = 511, /* 8 MiB on their way; more go segment by segment */
	ROOM_MIN = 2048,
	FRAME_EXTRA = 64, /* Ethernet header, two tags, and what a driver likes to add */
	NO_DEV = 0xff
};

static uint16_t data_room(uint16_t mtu)
{
	uint32_t room = mtu + FRAME_EXTRA;
	if (room < ROOM_MIN)
		room = ROOM_MIN;
	return (uint16_t)(RTE_PKTMBUF_HEADROOM + RTE_ALIGN_CEIL(room, 64));
}

static uint32_t pool_size(uint32_t wanted)
{
	return rte_align32pow2(wanted) - 1;
}

uint32_t tg_fabric_memory_mb(uint32_t dev_n, uint16_t worker_n, uint16_t mtu_max)
{
	uint64_t each = data_room(mtu_max) + sizeof(struct rte_mbuf) + 64;
	uint64_t n = pool_size(dev_n * DESC_GUESS + SPARE + 1);
	/* Whether a device has TSO is not known before the EAL is up. */
	uint64_t large =
	    LARGE_N * (TG_IO_LARGE + 1 + RTE_PKTMBUF_HEADROOM + sizeof(struct rte_mbuf) + 64);
	return (uint32_t)(((n * each + large) * worker_n) >> 20) + 4 * worker_n + 8;
}

static int fail(char *err, size_t err_size, const char *what)
{
	snprintf(err, err_size,
		 "no memory for %s (%s): free hugepages, or give DPDK more by `-- -m MEGABYTES`",
		 what, rte_strerror(rte_errno));
	return -1;
}

static struct rte_ring *make_ring(const char *name, const char *kind, uint16_t worker)
{
	char text[RTE_RING_NAMESIZE];
	snprintf(text, sizeof(text), "%s-%s%u", name, kind, worker);
	return rte_ring_create(text, RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
}

/* Buffers for frames of many segments. Without them TSO is not used, which is no error. */
static void make_large(struct tg_io *io, const char *name)
{
	char text[RTE_MEMPOOL_NAMESIZE];
	bool wanted = false;
	for (uint32_t d = 0; d < io->fabric->dev_n; d++)
		wanted |= io->fabric->dev[d].tx_tso;
	if (!wanted)
		return;
	snprintf(text, sizeof(text), "%s-large%u", name, io->worker);
	io->large = rte_pktmbuf_pool_create(text, LARGE_N, 32, 0,
					    RTE_PKTMBUF_HEADROOM + TG_IO_LARGE, SOCKET_ID_ANY);
}

static int make_io(struct tg_fabric *f, const char *name, uint16_t worker, char *err,
		   size_t err_size)
{
	char text[RTE_MEMPOOL_NAMESIZE];
	uint32_t n = SPARE + 1;
	uint16_t mtu = 0;
	struct tg_io *io = rte_zmalloc("tidegate io", sizeof(*io), RTE_CACHE_LINE_SIZE);
	f->io[worker] = io;
	if (!io)
		return fail(err, err_size, "a worker");
	io->fabric = f;
	io->worker = worker;
	io->patience = rte_get_tsc_hz() / 1000000 * TX_PATIENCE_US;
	memset(io->dev_of, NO_DEV, sizeof(io->dev_of));
	for (uint32_t d = 0; d < f->dev_n; d++) {
		if (f->dev[d].conf.is_shared)
			continue;
		io->dev_of[f->dev[d].id] = (uint8_t)d;
		n += tg_dev_buffers(&f->dev[d]);
		mtu = RTE_MAX(mtu, f->dev[d].mtu);
	}
	snprintf(text, sizeof(text), "%s-pool%u", name, worker);
	io->pool = rte_pktmbuf_pool_create(text, pool_size(n), CACHE_SIZE, 0, data_room(mtu),
					   SOCKET_ID_ANY);
	if (!io->pool)
		return fail(err, err_size, "packet buffers");
	make_large(io, name);
	io->inbox = make_ring(name, "in", worker);
	io->relay = make_ring(name, "out", worker);
	return io->inbox && io->relay ? 0 : fail(err, err_size, "rings");
}

int tg_fabric_init(struct tg_fabric *f, const char *name, struct tg_dev *dev, uint32_t dev_n,
		   uint16_t worker_n, char *err, size_t err_size)
{
	struct rte_mempool *pool[TG_WORKER_MAX];
	memset(f, 0, sizeof(*f));
	f->dev = dev;
	f->dev_n = dev_n;
	f->worker_n = worker_n;
	tg_steer_init(&f->steer, worker_n);
	for (uint16_t w = 0; w < worker_n; w++) {
		if (make_io(f, name, w, err, err_size) != 0)
			return -1;
		pool[w] = f->io[w]->pool;
	}
	for (uint32_t d = 0; d < dev_n; d++) {
		struct tg_dev_conf conf = dev[d].conf;
		if (conf.is_shared) /* as it is once it runs */
			tg_dev_share(&dev[d], &conf, &dev[conf.shares]);
		else if (tg_dev_start(&dev[d], &f->steer, pool, err, err_size) != 0)
			return -1;
	}
	tg_grace_begin(f);
	return 0;
}

static void empty_ring(struct rte_ring *ring)
{
	struct rte_mbuf *m;
	while (ring && rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

void tg_fabric_fini(struct tg_fabric *f)
{
	tg_grace_end(f);
	for (uint32_t d = 0; d < f->dev_n; d++)
		if (!f->dev[d].conf.is_shared)
			tg_dev_close(&f->dev[d]);
	for (uint16_t w = 0; w < f->worker_n; w++) {
		if (!f->io[w])
			continue;
		empty_ring(f->io[w]->inbox);
		empty_ring(f->io[w]->relay);
	}
	for (uint16_t w = 0; w < f->worker_n; w++) {
		if (f->io[w]) {
			rte_mempool_free(f->io[w]->pool);
			rte_mempool_free(f->io[w]->large);
		}
		rte_free(f->io[w]);
		f->io[w] = NULL;
	}
}
