/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.h (private to engine): how much we may say to a prefix (/24, /48) that has proved nothing
 * (DESIGN 4, RB-12, RB-13, SC-21). Fixed memory, keyed hash, no counter that a stranger can read:
 * two buckets per hash of the prefix, with random jitter, the fuller of which counts. rate tokens,
 * refilled as many a second; a SYN-ACK or RST takes one; a handshake completed gives one back and
 * exempts the prefix for 60 s.
 */
#ifndef TG_ENGINE_BUDGET_H
#define TG_ENGINE_BUDGET_H

#include "tg_rng.h"
#include "tg_sip_lanes.h"
#include "tg_types.h"

struct tg_budget;

size_t tg_budget_footprint(void);
/* rate 0 = no limit. rng: for its key. */
struct tg_budget *tg_budget_init(void *mem, uint32_t rate, struct tg_rng *rng, uint64_t now_ms);
/* Takes a token, of an exempt prefix none; false: over the budget, say nothing. */
bool tg_budget_take(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms);
/* The same for many IPv4 peers (addresses as they stand on the wire), n <= TG_BUDGET_MANY: first
 * their hashes, side by side, and their lines are asked for; then one after the other takes its
 * token. hash: as tg_sip_lanes.h has its arrays. Returns by bit those that are not over. */
enum { TG_BUDGET_MANY = 64 };
void tg_budget_meet(struct tg_budget *b, const uint32_t peer[], uint32_t n,
		    const struct tg_sip_lanes *lanes, uint64_t hash[]);
uint64_t tg_budget_take_met(struct tg_budget *b, const uint64_t hash[], uint32_t n,
			    uint64_t now_ms);
/* A handshake from peer completed. */
void tg_budget_prove(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms);

#endif
