/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh_world.h: a neighbour table, a carrier in memory and a clock, for test_neigh*.c. */
#ifndef NEIGH_WORLD_H
#define NEIGH_WORLD_H

#include "tg_test.h"

#include "neigh.h"

enum { BUF_N = 512, BUF_CAP = 1600, OUT_MAX = 128 };

static uint8_t bufs[BUF_N][BUF_CAP];
static uint32_t free_bufs[BUF_N], free_n;

static inline uint32_t alloc_bulk(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	uint32_t i = 0;

	for (; i < n && free_n > 0; i++) {
		uint32_t b = free_bufs[--free_n];
		pkt[i] = (struct tg_pkt){
		    .data = bufs[b], .handle = (void *)(uintptr_t)(b + 1), .cap = BUF_CAP};
	}
	return i;
}

static inline void free_bulk(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free_bufs[free_n++] = (uint32_t)(uintptr_t)pkt[i].handle - 1;
}

static const struct tg_engine_ops ops = {.alloc_bulk = alloc_bulk, .free_bulk = free_bulk};
static const struct tg_mac own_mac = {{2, 0, 0, 0, 0, 1}};
static const struct tg_mac peer_mac = {{2, 0, 0, 0, 0, 9}};
static const struct tg_mac evil_mac = {{2, 0, 0, 0, 6, 6}};

static struct world {
	struct tg_engine_conf conf;
	struct tg_counters ctr;
	struct tg_pkt sent[OUT_MAX];
	struct tg_out out;
	struct tg_rng rng;
	struct tg_neigh *n;
	void *mem;
	uint64_t now;
} w;

static inline struct tg_addr addr(const char *text)
{
	struct tg_addr a;

	CU_ASSERT_FATAL(tg_addr_parse(text, &a));
	return a;
}

static inline void add_addr(struct tg_port_conf *p, const char *text, uint8_t prefix_len)
{
	p->addr[p->addr_n].addr = addr(text);
	p->addr[p->addr_n++].prefix_len = prefix_len;
}

static inline void port_init(struct tg_port_conf *p)
{
	add_addr(p, "10.1.0.1", 16);
	add_addr(p, "2001:db8::1", 64);
	p->gateway4 = addr("10.1.0.254");
	p->gateway6 = addr("fe80::fe");
	p->has_gateway4 = p->has_gateway6 = true;
	p->mac = own_mac;
	p->mtu = 1500;
	p->silent = true;
}

static inline void world_start(void)
{
	w.mem = aligned_alloc(64, (tg_neigh_footprint(&w.conf) + 63) & ~(size_t)63);
	memset(w.mem, 0, (tg_neigh_footprint(&w.conf) + 63) & ~(size_t)63);
	tg_rng_init(&w.rng, 7);
	w.n = tg_neigh_init(w.mem, &w.conf, &w.rng, w.now);
}

static inline void world_init(void)
{
	memset(&w, 0, sizeof(w));
	for (free_n = 0; free_n < BUF_N; free_n++)
		free_bufs[free_n] = free_n;
	w.out = (struct tg_out){.pkt = w.sent, .max = OUT_MAX, .ops = &ops, .ctr = &w.ctr};
	w.conf.neigh_max = 64;
	w.conf.primary = true;
	w.conf.port_n = 1;
	w.now = 1000;
	port_init(&w.conf.port[0]);
}

/* What was sent has been seen. */
static inline void drain(void)
{
	free_bulk(NULL, w.sent, w.out.n);
	w.out.n = 0;
}

static inline void world_fini(void)
{
	CU_ASSERT(tg_neigh_validate(w.n));
	tg_neigh_fini(w.n, &w.out);
	CU_ASSERT_EQUAL(tg_neigh_held(w.n), 0);
	drain();
	free_bulk(NULL, w.out.spare, w.out.spare_n);
	CU_ASSERT_EQUAL(free_n, BUF_N);
	free(w.mem);
}

static inline void tick_to(uint64_t now)
{
	w.now = now;
	tg_neigh_tick(w.n, now, &w.out);
	CU_ASSERT(tg_neigh_validate(w.n));
}

static inline enum tg_neigh_answer find(const char *text, struct tg_mac *mac)
{
	struct tg_addr a = addr(text);

	return tg_neigh_find(w.n, 0, &a, w.now, mac);
}

static inline void hold(const char *text, uint8_t mark)
{
	struct tg_addr a = addr(text);
	struct tg_pkt pkt;

	CU_ASSERT_EQUAL_FATAL(alloc_bulk(NULL, &pkt, 1), 1);
	memset(pkt.data, 0, 60);
	pkt.data[20] = mark;
	pkt.len = 60;
	tg_neigh_hold(w.n, 0, &a, &pkt, &w.out);
}

#endif
