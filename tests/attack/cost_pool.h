/* SPDX-License-Identifier: BSD-3-Clause */
/* cost_pool.h: a listener before a pool of backends, and one who sends it ACKs that are nearly
 * cookies: all is right but the MAC (ADV-31). */
#ifndef COST_POOL_H
#define COST_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct cost_pool;

/* Cookies are minted always, under two secrets; one SYN was answered. */
struct cost_pool *cost_pool_init(bool v6);
void cost_pool_fini(struct cost_pool *p);
/* The cookie's ACK, with bits of the MAC turned over; random: which. */
void cost_pool_shoot(struct cost_pool *p, uint64_t random);
/* Each was tried under all secrets and refused, and nothing is left of them. */
bool cost_pool_is_right(const struct cost_pool *p);

#endif
