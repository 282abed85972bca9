/* SPDX-License-Identifier: BSD-3-Clause */
/* path.c: see path.h. */
#include "path.h"

#include "tg_siphash.h"

#include <assert.h>

size_t tg_paths_footprint(void)
{
	return sizeof(struct tg_paths);
}

struct tg_paths *tg_paths_init(void *mem, struct tg_rng *rng)
{
	struct tg_paths *p = mem;

	assert(((uintptr_t)mem & 63) == 0);
	p->key = tg_rng_key(rng);
	p->next_ms = UINT64_MAX;
	return p;
}

static uint32_t set_of(const struct tg_paths *p, const struct tg_addr *addr)
{
	return (uint32_t)tg_siphash13(&p->key, addr, sizeof(*addr)) % TG_PATH_SETS;
}

/* 0 stays the name of "nothing was ever learnt". */
static void change(struct tg_paths *p)
{
	if (++p->gen == 0)
		p->gen = 1;
}

/* The record of addr, or the one that gives way to it. */
static struct tg_path *place(struct tg_path set[TG_PATH_WAYS], const struct tg_addr *addr)
{
	struct tg_path *first = &set[0];

	for (uint32_t i = 0; i < TG_PATH_WAYS; i++) {
		if (set[i].end_ms && tg_addr_equal(&set[i].addr, addr))
			return &set[i];
		if (set[i].end_ms < first->end_ms)
			first = &set[i];
	}
	return first;
}

void tg_paths_learn(struct tg_paths *p, const struct tg_addr *addr, uint32_t mtu, uint64_t now_ms)
{
	struct tg_path *at = place(p->path[set_of(p, addr)], addr);
	bool known = at->end_ms && tg_addr_equal(&at->addr, addr);

	if (known && at->mtu <= mtu)
		return;
	p->n += at->end_ms == 0;
	*at = (struct tg_path){.addr = *addr, .end_ms = now_ms + TG_PATH_AGE_MS, .mtu = mtu};
	if (at->end_ms < p->next_ms)
		p->next_ms = at->end_ms;
	change(p);
}

uint32_t tg_paths_find(const struct tg_paths *p, const struct tg_addr *addr)
{
	if (p->n == 0)
		return 0;
	const struct tg_path *set = p->path[set_of(p, addr)];

	for (uint32_t i = 0; i < TG_PATH_WAYS; i++)
		if (set[i].end_ms && tg_addr_equal(&set[i].addr, addr))
			return set[i].mtu;
	return 0;
}

void tg_paths_expire(struct tg_paths *p, uint64_t now_ms)
{
	struct tg_path *all = &p->path[0][0];

	if (now_ms < p->next_ms)
		return;
	p->next_ms = UINT64_MAX;
	for (uint32_t i = 0; i < TG_PATH_SETS * TG_PATH_WAYS; i++) {
		if (all[i].end_ms == 0)
			continue;
		if (all[i].end_ms <= now_ms) {
			all[i].end_ms = 0;
			p->n--;
			change(p);
		} else if (all[i].end_ms < p->next_ms) {
			p->next_ms = all[i].end_ms;
		}
	}
}

static bool is_once(const struct tg_path set[TG_PATH_WAYS], uint32_t i)
{
	for (uint32_t k = i + 1; k < TG_PATH_WAYS; k++)
		if (set[k].end_ms && tg_addr_equal(&set[k].addr, &set[i].addr))
			return false;
	return true;
}

bool tg_paths_validate(const struct tg_paths *p)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < TG_PATH_SETS; s++) {
		for (uint32_t i = 0; i < TG_PATH_WAYS; i++) {
			const struct tg_path *at = &p->path[s][i];
			if (at->end_ms == 0)
				continue;
			n++;
			if (at->end_ms < p->next_ms || set_of(p, &at->addr) != s ||
			    !is_once(p->path[s], i))
				return false;
		}
	}
	return n == p->n;
}
