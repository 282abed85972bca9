/* SPDX-License-Identifier: BSD-3-Clause */
/* source.h (private to engine): how many connections each source holds: an IPv4 address, or an IPv6
 * /64, which is what one customer has (ADV-55, ADV-57). Exact: a chained hash under a key that
 * nobody else has, with a node for each source that holds a connection. So a source is never
 * counted for another one, whatever their hashes (RB-13), and connections suffice as nodes. Memory
 * is fixed. */
#ifndef TG_ENGINE_SOURCE_H
#define TG_ENGINE_SOURCE_H

#include "tg_siphash.h"
#include "tg_types.h"

struct tg_sources;

/* What one source holds. */
struct tg_source_count {
	uint32_t open, half; /* half: in SYN-RECEIVED, which proves nothing */
};

/* The source of an address: its prefix as a number, and its hash. */
struct tg_source {
	uint64_t prefix;
	bool v6;
};
struct tg_source tg_source_of(const struct tg_addr *peer);
uint64_t tg_source_hash(const struct tg_source *s, const struct tg_sipkey *key);

size_t tg_sources_footprint(uint32_t conn_max);
/* mem: all zero, 64-byte aligned. */
struct tg_sources *tg_sources_init(void *mem, uint32_t conn_max, const struct tg_sipkey *key);
struct tg_source_count tg_sources_count(const struct tg_sources *s, const struct tg_addr *peer);
/* A connection of peer begins, half-open or open; at most conn_max at once. */
void tg_sources_add(struct tg_sources *s, const struct tg_addr *peer, bool half);
/* One of its half-open ones is open now. */
void tg_sources_opened(struct tg_sources *s, const struct tg_addr *peer);
/* One of them ends. */
void tg_sources_remove(struct tg_sources *s, const struct tg_addr *peer, bool half);
/* All connections of all sources, for validation. */
struct tg_source_count tg_sources_sum(const struct tg_sources *s);
uint32_t tg_sources_used(const struct tg_sources *s);

#endif
