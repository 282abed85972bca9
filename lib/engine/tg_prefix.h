/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_prefix.h: who may connect, out of thousands of prefixes: a set that is built once, outside the
 * packet path, and then only read. It is one sorted list of the addresses at which the answer
 * changes, for each family, and a first-level index into it: so a lookup is one step into the index
 * and a search among the few points that share a bucket, however long the prefixes are.
 *
 * The longest prefix that holds an address decides; of two that are equal, deny. What no prefix
 * holds may connect, unless there are prefixes that allow: then it may not.
 *
 * Invariants: T1 points ascend; T2 the answer before the first point is what none holds, and
 * changes at each; T3 bucket[b] points lie in buckets below b. */
#ifndef TG_PREFIX_H
#define TG_PREFIX_H

#include "tg_types.h"

#include <stddef.h>

enum {
	TG_PREFIX_MAX = 1 << 20, /* of one set */
};

struct tg_prefix {
	struct tg_addr net;
	uint8_t len; /* 0..32, 0..128, as by tg_addr_parse_prefix */
	bool deny;
};

struct tg_prefixes;

/* Bytes for a set of list[n]. */
size_t tg_prefixes_footprint(const struct tg_prefix list[], uint32_t n);
/* mem: tg_prefixes_footprint bytes, 64-byte aligned; it stays the caller's, who frees it when no
 * engine uses the set any more. Sorts list; bits of net behind len are ignored. n log n. */
const struct tg_prefixes *tg_prefixes_init(void *mem, struct tg_prefix list[], uint32_t n);
/* Whether peer may connect. Any core, any number of them at once. */
bool tg_prefixes_allow(const struct tg_prefixes *set, const struct tg_addr *peer);
/* How many points the set has, both families: adjoining prefixes of one answer share theirs. */
uint32_t tg_prefixes_points(const struct tg_prefixes *set);
bool tg_prefixes_validate(const struct tg_prefixes *set, char *why, size_t why_size);

/* Text, one prefix a line, IPv4 and IPv6 mixed, # begins a comment, into list[max]. The number of
 * prefixes; or -1, one sentence in err, and the number of its line in *line. A file of L lines has
 * at most L prefixes. */
int tg_prefix_read(const char *text, size_t len, bool deny, struct tg_prefix list[], uint32_t max,
		   uint32_t *line, char *err, size_t err_size);

#endif
