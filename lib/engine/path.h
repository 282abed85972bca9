/* SPDX-License-Identifier: BSD-3-Clause */
/* path.h (private to engine): the MTU of paths that turned out narrower than our link, by
 * destination address (RFC 1191 6.1, RFC 8201 5.2; RB-21). Fixed memory: where a set is full, the
 * record that ends first gives way, and the path is learnt again by its next packet-too-big. A
 * record ends TG_PATH_AGE_MS after it was learnt or lowered; then the link's MTU is tried again
 * (RFC 1191 6.3). No timer stands behind that: who sends asks.
 *
 * gen changes whenever something was learnt or has ended: a connection that saw the same gen knows
 * all there is. It is 0 until the first record. One store a core: other cores learn from their own
 * connections. */
#ifndef TG_ENGINE_PATH_H
#define TG_ENGINE_PATH_H

#include "tg_rng.h"
#include "tg_types.h"

#include <stdbool.h>

enum { TG_PATH_AGE_MS = 600000, TG_PATH_SETS = 256, TG_PATH_WAYS = 4 };

struct tg_path {
	struct tg_addr addr;
	uint64_t end_ms; /* 0 = free */
	uint32_t mtu, pad;
};
_Static_assert(sizeof(struct tg_path) == 32, "two in a line");

struct tg_paths {
	struct tg_sipkey key;
	uint64_t next_ms; /* when the first record ends; UINT64_MAX: there is none */
	uint32_t gen, n;
	uint8_t pad[64 - sizeof(struct tg_sipkey) - 16];
	struct tg_path path[TG_PATH_SETS][TG_PATH_WAYS];
};
_Static_assert(offsetof(struct tg_paths, path) == 64, "records are aligned");

size_t tg_paths_footprint(void);
struct tg_paths *tg_paths_init(void *mem, struct tg_rng *rng);
/* The path to addr takes no more than mtu; a record that says less stands. */
void tg_paths_learn(struct tg_paths *p, const struct tg_addr *addr, uint32_t mtu, uint64_t now_ms);
/* The MTU of the path to addr, 0 = nothing is known. */
uint32_t tg_paths_find(const struct tg_paths *p, const struct tg_addr *addr);
/* Records whose time is over go. Cheap while there are none. */
void tg_paths_expire(struct tg_paths *p, uint64_t now_ms);
/* n is the number of records, next_ms is not after any of their ends, none stands twice or in a
 * wrong set. */
bool tg_paths_validate(const struct tg_paths *p);

#endif
