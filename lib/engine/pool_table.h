/* SPDX-License-Identifier: BSD-3-Clause */
/* pool_table.h (private to engine): the table of a pool: slot -> backend, filled by turns as Maglev
 * does (Eisenbud et al., NSDI 2016, 3.4). The same backends, weights and key give the same table,
 * in whatever order and under whatever numbers they stand. */
#ifndef TG_ENGINE_POOL_TABLE_H
#define TG_ENGINE_POOL_TABLE_H

#include "tg_pool.h"

enum { TG_POOL_SLOTS = 65537 }; /* a prime: every step walks through all slots */

struct tg_pool_table {
	uint8_t slot[TG_POOL_SLOTS]; /* a backend's number, or TG_NO_BACKEND */
};

/* backend[number] for the n numbers of which bit `number` of `which` is set and the weight is not
 * 0; n <= TG_BACKEND_MAX. */
void tg_pool_table_fill(struct tg_pool_table *table, const struct tg_backend_conf backend[],
			uint64_t which, const struct tg_sipkey *key);

/* The backend that a client of that hash has at the given try, 0 first. */
static inline uint8_t tg_pool_table_at(const struct tg_pool_table *table, uint64_t hash,
				       uint32_t try)
{
	/* splitmix64: one well mixed number for each try. */
	uint64_t x = hash + try * 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return table->slot[(x >> 32) * TG_POOL_SLOTS >> 32];
}

#endif
