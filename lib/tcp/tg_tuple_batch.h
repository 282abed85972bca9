/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_tuple_batch.h: IPv4 tuples of a burst, hashed side by side: what tg_tcp_tuple_hash, tg_tcp_isn
 * and tg_tcp_ts_offset say of each alone. */
#ifndef TG_TUPLE_BATCH_H
#define TG_TUPLE_BATCH_H

#include "tg_sip_lanes.h"
#include "tg_tcp.h"

enum { TG_TUPLE_BATCH_MAX = 64 };
_Static_assert(TG_TUPLE_BATCH_MAX % TG_SIP_LANES == 0, "arrays end with a step of the lanes");

struct tg_tuple_batch {
	/* As the hash reads them (tuple_words.h): addresses; ports and the length of all. */
	_Alignas(64) uint64_t addrs[TG_TUPLE_BATCH_MAX];
	uint64_t end[TG_TUPLE_BATCH_MAX];
	uint64_t hash[TG_TUPLE_BATCH_MAX];                        /* tg_tuple_batch_hash */
	uint64_t isn[TG_TUPLE_BATCH_MAX], ts[TG_TUPLE_BATCH_MAX]; /* tg_tuple_batch_number */
	uint32_t n;
};

/* Adds the tuple of a packet to us, whose IPv4 header is at ip, and its TCP header at tcp. Returns
 * its number. */
static inline uint32_t tg_tuple_batch_put(struct tg_tuple_batch *b, const uint8_t *ip,
					  const uint8_t *tcp)
{
	uint64_t addrs = tg_le64_get(ip + 12); /* source, destination */
	uint32_t ports = (uint32_t)tcp[3] << 8 | tcp[2];

	ports |= ((uint32_t)tcp[1] << 8 | tcp[0]) << 16;
	b->addrs[b->n] = addrs << 32 | addrs >> 32;
	b->end[b->n] = ports | tg_sip_len(12);
	return b->n++;
}

/* Fills in hash. */
void tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
			 const struct tg_sip_lanes *lanes);
/* Fills in isn and ts; of isn and ts the low 32 bits count. */
void tg_tuple_batch_number(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
			   const struct tg_sip_lanes *lanes);
/* tg_tcp_isn of number i now. */
static inline tg_seq tg_tuple_batch_isn(const struct tg_tuple_batch *b, uint32_t i,
					const struct tg_tcp_env *env)
{
	return tg_seq_make((uint32_t)(env->now_ns / 4000) + (uint32_t)b->isn[i]);
}

#endif
