/* SPDX-License-Identifier: BSD-3-Clause */
/* pool_table.c: each backend goes through the slots in an order of its own, by a first slot and a
 * step that its name and the key give. They take turns, each the next free slot of its order, until
 * all are taken; one of weight w has w turns while the heaviest has as many as its weight. */
#include "pool_table.h"

#include <assert.h>
#include <stdlib.h>

struct turn {
	uint64_t name; /* keyed hash of address and port: the order of the turns */
	uint32_t at, step;
	uint32_t credit;
	uint16_t weight;
	uint8_t backend;
};

static struct turn turn_of(const struct tg_backend_conf *b, uint8_t number,
			   const struct tg_sipkey *key)
{
	uint8_t id[20] = {0};
	struct turn t = {.weight = b->weight, .backend = number};

	memcpy(id, b->addr.b, 16);
	tg_be16_put(id + 16, b->port);
	t.name = tg_siphash13(key, id, sizeof(id));
	id[18] = 1;
	uint64_t walk = tg_siphash13(key, id, sizeof(id));

	t.at = (uint32_t)walk % TG_POOL_SLOTS;
	t.step = (uint32_t)(walk >> 32) % (TG_POOL_SLOTS - 1) + 1;
	return t;
}

static int by_name(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return x->name < y->name ? -1 : x->name > y->name;
}

static void take_slot(struct tg_pool_table *table, struct turn *t)
{
	while (table->slot[t->at] != TG_NO_BACKEND) {
		t->at += t->step;
		t->at -= t->at >= TG_POOL_SLOTS ? TG_POOL_SLOTS : 0;
	}
	table->slot[t->at] = t->backend;
}

void tg_pool_table_fill(struct tg_pool_table *table, const struct tg_backend_conf backend[],
			uint64_t which, const struct tg_sipkey *key)
{
	struct turn turn[TG_BACKEND_MAX];
	uint32_t n = 0, heaviest = 0, taken = 0;

	memset(table->slot, TG_NO_BACKEND, sizeof(table->slot));
	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		if (!(which >> i & 1) || backend[i].weight == 0)
			continue;
		heaviest = backend[i].weight > heaviest ? backend[i].weight : heaviest;
		turn[n++] = turn_of(&backend[i], i, key);
	}
	if (n == 0)
		return;
	qsort(turn, n, sizeof(turn[0]), by_name);
	for (uint32_t i = 0; taken < TG_POOL_SLOTS; i = i + 1 < n ? i + 1 : 0) {
		turn[i].credit += turn[i].weight;
		if (turn[i].credit < heaviest)
			continue;
		turn[i].credit -= heaviest;
		take_slot(table, &turn[i]);
		taken++;
	}
}
