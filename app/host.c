/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "host.h"
#include "capture_ends.h"
#include "pools.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_debug.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* --- memory of an engine: zero, in hugepages where there are some --- */

enum { PART_MAX = 32 };

static const size_t huge_page = 2 << 20;

static size_t memory_size(size_t bytes)
{
	return (bytes + huge_page - 1) & ~(huge_page - 1);
}

static void *memory_take(size_t bytes, bool *hugepages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t size = memory_size(bytes);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
	*hugepages = p != MAP_FAILED;
	if (p != MAP_FAILED)
		return p;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

/* --- making --- */

uint32_t tg_plan_buffers_mb(const struct tg_conf *conf)
{
	uint32_t mtu = 0, dev_n = conf->port_n;
	for (uint32_t i = 0; i < conf->port_n; i++) {
		mtu = conf->port[i].set.mtu > mtu ? conf->port[i].set.mtu : mtu;
		dev_n += conf->port[i].set.kernel[0] != 0;
	}
	return tg_fabric_memory_mb(dev_n, (uint16_t)conf->engine.set.workers, (uint16_t)mtu);
}

static bool has_ipv6(const struct tg_port_conf *port)
{
	for (uint32_t i = 0; i < port->addr_n; i++)
		if (!tg_addr_is_v4(&port->addr[i].addr))
			return true;
	return false;
}

static int open_port(struct tg_host *h, const struct tg_conf *conf, uint32_t i, char *err,
		     size_t err_size)
{
	const struct tg_settings *s = &conf->port[i].set;
	const struct tg_port_conf *port = &h->plan->engine.port[i];
	char text[TG_CONF_ERR];
	uint32_t shares = tg_conf_shares(conf, i);
	struct tg_dev_conf want = {.name = port->name,
				   .device = s->device,
				   .has_mac = s->mac[0] != 0,
				   .mac = port->mac,
				   .mtu = port->mtu,
				   .promiscuous = s->promiscuous,
				   .multicast = has_ipv6(port) || s->kernel[0],
				   .worker_n = (uint16_t)h->worker_n,
				   .is_shared = shares < i,
				   .shares = (uint16_t)shares};
	for (uint32_t k = i + 1; k < conf->port_n; k++)
		if (tg_conf_shares(conf, k) == i) {
			want.promiscuous |= conf->port[k].set.promiscuous;
			want.multicast |= has_ipv6(&h->plan->engine.port[k]);
		}
	if (want.is_shared) {
		tg_dev_share(&h->dev[i], &want, &h->dev[shares]);
		h->dev_n = i + 1;
		return 0;
	}
	if (tg_dev_open(&h->dev[i], &want, text, sizeof(text)) == 0) {
		h->dev_n = i + 1;
		return 0;
	}
	return tg_conf_fail(conf, tg_conf_line(&conf->port[i], "device"), err, err_size, "%s",
			    text);
}

/* LN-21. One pair of queues, the first worker's: the others send by it. */
static int open_kernel(struct tg_host *h, const struct tg_conf *conf, uint32_t i, char *err,
		       size_t err_size)
{
	char text[TG_CONF_ERR], name[sizeof(conf->port[i].name) + 8];
	struct tg_dev_conf want = {.name = name,
				   .device = conf->port[i].set.kernel,
				   .has_mac = true,
				   .mac = h->dev[i].mac,
				   .mtu = h->dev[i].mtu,
				   .worker_n = 1,
				   .is_kernel = true,
				   .kernel_of = (uint16_t)i};
	if (!want.device[0])
		return 0;
	snprintf(name, sizeof(name), "%s/kernel", conf->port[i].name);
	if (tg_dev_open(&h->dev[h->dev_n], &want, text, sizeof(text)) == 0) {
		h->dev[h->dev_n].conf.name = h->dev[h->dev_n].name;
		h->dev_n++;
		return 0;
	}
	return tg_conf_fail(conf, tg_conf_line(&conf->port[i], "kernel"), err, err_size, "%s",
			    text);
}

static int open_all(struct tg_host *h, const struct tg_conf *conf, char *err, size_t err_size)
{
	for (uint32_t i = 0; i < conf->port_n; i++)
		if (open_port(h, conf, i, err, err_size) != 0)
			return -1;
	for (uint32_t i = 0; i < conf->port_n; i++)
		if (open_kernel(h, conf, i, err, err_size) != 0)
			return -1;
	return 0;
}

/* What nobody may guess. Linux gives up to 256 bytes whole, or waits. */
static void draw(void *secret, size_t size)
{
	ssize_t got;

	do
		got = getrandom(secret, size, 0);
	while (got < 0 && errno == EINTR);
	RTE_VERIFY(got == (ssize_t)size);
}

/* A worker's cookies are its own, and need more than a seed; a fleet's come from its file. */
static void draw_secret(struct tg_engine *engine)
{
	uint8_t secret[1][TG_COOKIE_SECRET_LEN];

	draw(secret, sizeof(secret));
	tg_engine_set_secrets(engine, (const uint8_t(*)[TG_COOKIE_SECRET_LEN])secret, 1);
	explicit_bzero(secret, sizeof(secret));
}

/* What the devices said, into the configuration of one worker's engine. */
static void fill_engine(const struct tg_host *h, uint32_t w, struct tg_engine_conf *conf)
{
	*conf = h->plan->engine;
	conf->primary = w == 0;
	draw(&conf->seed, sizeof(conf->seed));
	for (uint32_t d = conf->port_n; d < h->dev_n; d++)
		conf->port[h->dev[d].conf.kernel_of].kernel = (uint16_t)d;
	for (uint32_t d = 0; d < conf->port_n; d++) {
		struct tg_port_conf *port = &conf->port[d];
		struct tg_capture_ends ends;
		port->mac = h->dev[d].mac;
		port->is_shared = h->dev[d].conf.is_shared;
		port->shares = h->dev[d].conf.shares;
		port->tx_ip_csum = h->dev[d].tx_ip_csum;
		port->tx_tcp_csum = h->dev[d].tx_tcp_csum;
		port->tso_max = h->dev[d].tx_tso ? TG_IO_LARGE : 0;
		if (!tg_capture_ends(h->dev[d].device, &ends))
			continue;
		/* A capture: nobody there answers ARP, so its first frame tells who is who. */
		if (!h->dev[d].conf.has_mac)
			port->mac = ends.receiver;
		if (!port->has_static_neigh)
			port->static_neigh = ends.sender;
		port->has_static_neigh = true;
	}
}

static int make_engine(struct tg_host *h, uint32_t w, bool yield, char *err, size_t err_size)
{
	struct tg_io *io = h->fabric.io[w];
	struct tg_engine_ops ops = {.ctx = io, .alloc_bulk = tg_io_alloc, .free_bulk = tg_io_free};
	struct tg_engine_conf conf;
	struct tg_clock clock;
	if (h->worker_n > 1)
		ops.is_mine = tg_io_is_mine;
	if (tg_io_has_large(io))
		ops.alloc_large = tg_io_alloc_large;
	fill_engine(h, w, &conf);
	h->memory[w] = memory_take(h->plan->engine_bytes, &h->hugepages);
	if (!h->memory[w]) {
		snprintf(err, err_size, "no memory for worker %u (%s): lower connections", w,
			 strerror(errno));
		return -1;
	}
	tg_clock_init(&clock);
	struct tg_engine *engine =
	    tg_engine_init(h->memory[w], &conf, &ops, tg_clock_now(&clock), err, err_size);
	if (!engine)
		return -1;
	draw_secret(engine);
	tg_worker_init(&h->worker[w], engine, io, h->dev, h->dev_n, yield);
	tg_idle_init(&h->worker[w].idle, h->plan->idle);
	if (tg_pools_add(engine, h->plan, err, err_size) != 0)
		return -1;
	for (uint32_t i = 0; i < h->plan->listener_n; i++) {
		int rc = tg_engine_listen(engine, &h->plan->listener[i]);
		if (rc >= 0)
			continue;
		snprintf(err, err_size, "[listener %s] cannot be opened: %s",
			 h->plan->listener[i].name, strerror(-rc));
		return -1;
	}
	return 0;
}

static int make_workers(struct tg_host *h, const char *name, bool yield, char *err, size_t err_size)
{
	struct tg_sipkey steer_key;
	h->worker = aligned_alloc(64, (h->worker_n * sizeof(*h->worker) + 63) & ~(size_t)63);
	if (!h->worker) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	memset(h->worker, 0, h->worker_n * sizeof(*h->worker));
	h->has_fabric = true;
	if (tg_fabric_init(&h->fabric, name, h->dev, h->dev_n, (uint16_t)h->worker_n, err,
			   err_size) != 0)
		return -1;
	draw(&steer_key, sizeof(steer_key));
	tg_pools_steer(h->plan, &steer_key, &h->fabric.steer);
	for (uint32_t w = 0; w < h->worker_n; w++)
		if (make_engine(h, w, yield, err, err_size) != 0)
			return -1;
	return 0;
}

int tg_host_init(struct tg_host *h, const char *name, const struct tg_conf *conf,
		 const struct tg_plan *plan, const struct tg_eal_got *got, char *err,
		 size_t err_size)
{
	char text[TG_CONF_ERR];
	memset(h, 0, sizeof(*h));
	h->plan = plan;
	h->worker_n = plan->worker_n;
	if (open_all(h, conf, err, err_size) != 0) {
		tg_host_fini(h);
		return -1;
	}
	if (make_workers(h, name, got->shared_cpu, text, sizeof(text)) == 0)
		return 0;
	uint32_t line = 0;
	for (uint32_t i = 0; i < h->dev_n; i++) {
		const struct tg_dev_conf *dev = &h->dev[i].conf;
		if (h->dev[i].failed)
			line = tg_conf_line(&conf->port[dev->is_kernel ? dev->kernel_of : i],
					    dev->is_kernel ? "kernel" : "device");
	}
	tg_conf_fail(conf, line, err, err_size, "%s", text);
	tg_host_fini(h);
	return -1;
}

int tg_host_make(struct tg_host *h, const char *name, const struct tg_plan *plan,
		 const struct tg_dev dev[], bool yield, char *err, size_t err_size)
{
	memset(h, 0, sizeof(*h));
	h->plan = plan;
	h->worker_n = plan->worker_n;
	h->dev_n = plan->engine.port_n;
	memcpy(h->dev, dev, h->dev_n * sizeof(*dev));
	if (make_workers(h, name, yield, err, err_size) == 0)
		return 0;
	tg_host_fini(h);
	return -1;
}

/* Buffers and services are planned for the worst of days. */
static bool is_spare(const char *part)
{
	return strcmp(part, "buffers") == 0 || strcmp(part, "services") == 0;
}

/* The parts lie in their order. Kernels before 5.14 cannot do it, and need not. */
bool tg_host_touch(struct tg_host *h)
{
	struct tg_engine_part part[PART_MAX];
	uint32_t n = tg_engine_plan(&h->plan->engine, part, PART_MAX);
	bool good = true;
	for (uint32_t w = 0; w < h->worker_n; w++) {
		uint8_t *at = h->memory[w];
		for (uint32_t i = 0; i < n && i < PART_MAX; at += part[i++].bytes) {
			uintptr_t from = (uintptr_t)at & ~(uintptr_t)4095;
			size_t bytes = (uintptr_t)at - from + part[i].bytes;
			if (!is_spare(part[i].name) && part[i].bytes &&
			    madvise((void *)from, bytes, MADV_POPULATE_WRITE) != 0)
				good &= errno == EINVAL;
		}
	}
	return good;
}

/* --- running --- */

void tg_host_launch(struct tg_host *h, const struct tg_eal_got *got)
{
	for (uint32_t w = 0; w < h->worker_n; w++)
		rte_eal_remote_launch(tg_worker_run, &h->worker[w], got->lcore[w]);
}

void tg_host_order(struct tg_host *h, enum tg_order order)
{
	for (uint32_t w = 0; w < h->worker_n; w++)
		atomic_store_explicit(&h->worker[w].order, order, memory_order_release);
}

void tg_host_tell(struct tg_host *h, tg_errand_fn fn, void *arg)
{
	for (uint32_t w = 0; w < h->worker_n; w++) {
		h->worker[w].errand_arg = arg;
		atomic_store_explicit(&h->worker[w].errand, fn, memory_order_release);
	}
	for (uint32_t w = 0; w < h->worker_n; w++)
		while (atomic_load_explicit(&h->worker[w].errand, memory_order_acquire))
			rte_delay_us_sleep(1000);
}

bool tg_host_is_done(struct tg_host *h, enum tg_order order)
{
	for (uint32_t w = 0; w < h->worker_n; w++)
		if (atomic_load_explicit(&h->worker[w].done, memory_order_acquire) < order)
			return false;
	return true;
}

void tg_host_join(struct tg_host *h, const struct tg_eal_got *got)
{
	for (uint32_t w = 0; w < h->worker_n; w++)
		rte_eal_wait_lcore(got->lcore[w]);
	/* What the last to leave left to those who had left. */
	for (uint32_t w = 0; w < h->worker_n; w++)
		while (tg_io_relay(h->worker[w].io) > 0)
			;
}

/* --- unmaking --- */

void tg_host_empty(struct tg_host *h)
{
	for (uint32_t w = 0; w < h->worker_n && h->worker; w++) {
		if (h->worker[w].engine)
			tg_engine_fini(h->worker[w].engine);
		h->worker[w].engine = NULL;
		if (h->memory[w])
			munmap(h->memory[w], memory_size(h->plan->engine_bytes));
		h->memory[w] = NULL;
	}
}

void tg_host_fini(struct tg_host *h)
{
	tg_host_empty(h);
	if (h->has_fabric)
		tg_fabric_fini(&h->fabric);
	else
		for (uint32_t d = 0; d < h->dev_n; d++)
			tg_dev_close(&h->dev[d]);
	free(h->worker);
	h->worker = NULL;
	h->worker_n = h->dev_n = 0;
	h->has_fabric = false;
}
