/* SPDX-License-Identifier: BSD-3-Clause */
/* price_hash.h: a hash of tuples that anyone can steer, in place of the keyed one. */
#ifndef PRICE_HASH_H
#define PRICE_HASH_H

#include "micro/world.h"

/* How tuples are hashed from now on, in w; with NULL, in the one that is made next. To be called
 * before it is made, when it is there, and whenever another one had its turn. false: this build
 * cannot. */
bool price_hash_as(bool unkeyed, const struct world *w);
/* Tuples that were hashed without a key. */
uint64_t price_hash_count(void);

#endif
