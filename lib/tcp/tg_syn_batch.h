/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_syn_batch.h: the plain SYNs of a burst, of one family, side by side: their tuples' hashes, and
 * the cookies that answer them (SC-25). Number by number what tg_tcp_tuple_hash, tg_tcp_deal and
 * tg_cookie_mint say of each alone.
 *
 * What is hashed stands in arrays by word (tuple_words.h), as tg_sip_lanes.h wants it. */
#ifndef TG_SYN_BATCH_H
#define TG_SYN_BATCH_H

#include "tg_cookie.h"
#include "tg_sip_lanes.h"
#include "tg_tcp.h"
#include "tg_wire_syn.h"

enum { TG_SYN_BATCH_MAX = 64, TG_SYN_ADDR_WORDS = 4 };
_Static_assert(TG_SYN_BATCH_MAX % TG_SIP_LANES == 0, "arrays end with a step of the lanes");

/* What a configuration agrees to. */
struct tg_syn_terms {
	uint16_t mss_none, mss_min, mss_max; /* for a SYN without MSS; the floor; the ceiling */
	uint16_t table[TG_COOKIE_MSS_N];
	uint8_t takes; /* TG_SYN_* */
	uint8_t rcv_scale;
};

/* agreed: TG_SYN_* that the SYN-ACK confirms; or that there is something to count, and the SYN is
 * none for the batch. */
enum { TG_SYN_ODD = 0x80 };

struct tg_syn_batch {
	_Alignas(64) uint64_t addr[TG_SYN_ADDR_WORDS][TG_SYN_BATCH_MAX]; /* IPv4: one word */
	uint64_t ports[TG_SYN_BATCH_MAX];                                /* lport, rport, IRS */
	uint64_t end[TG_SYN_BATCH_MAX];  /* lport, rport, length of the tuple */
	uint64_t hash[TG_SYN_BATCH_MAX]; /* of the tuple */
	uint64_t mac[TG_SYN_BATCH_MAX], ts[TG_SYN_BATCH_MAX];
	struct tg_syn syn[TG_SYN_BATCH_MAX];
	uint32_t isn[TG_SYN_BATCH_MAX], tsval[TG_SYN_BATCH_MAX]; /* of the SYN-ACK */
	uint32_t flow[TG_SYN_BATCH_MAX];                         /* likewise; IPv6 */
	uint16_t word[TG_SYN_BATCH_MAX];
	uint8_t terms[TG_SYN_BATCH_MAX]; /* index of the caller's */
	uint8_t agreed[TG_SYN_BATCH_MAX];
	uint32_t n;
	bool v6;
};

/* Number i of b is the SYN whose IP header is at ip: source, destination, ports, SEQ, as they stand
 * there, the other way round. v6: as b->v6, known when this is compiled. */
static inline void tg_syn_batch_put(struct tg_syn_batch *b, uint32_t i, bool v6, const uint8_t *ip,
				    const uint8_t *tcp)
{
	uint64_t ports = tg_le64_get(tcp);

	if (!v6) {
		uint64_t addrs = tg_le64_get(ip + 12);
		b->addr[0][i] = addrs << 32 | addrs >> 32;
	} else {
		b->addr[0][i] = tg_le64_get(ip + 24);
		b->addr[1][i] = tg_le64_get(ip + 32);
		b->addr[2][i] = tg_le64_get(ip + 8);
		b->addr[3][i] = tg_le64_get(ip + 16);
	}
	b->ports[i] =
	    (ports & ~(uint64_t)UINT32_MAX) | (ports >> 16 & 0xffff) | (ports & 0xffff) << 16;
}

/* The numbers of the SYN i. */
static inline uint16_t tg_syn_batch_lport(const struct tg_syn_batch *b, uint32_t i)
{
	return __builtin_bswap16((uint16_t)b->ports[i]);
}

static inline uint16_t tg_syn_batch_rport(const struct tg_syn_batch *b, uint32_t i)
{
	return __builtin_bswap16((uint16_t)(b->ports[i] >> 16));
}

static inline uint32_t tg_syn_batch_irs(const struct tg_syn_batch *b, uint32_t i)
{
	return __builtin_bswap32((uint32_t)(b->ports[i] >> 32));
}

/* IPv4. */
static inline uint32_t tg_syn_batch_peer(const struct tg_syn_batch *b, uint32_t i)
{
	return __builtin_bswap32((uint32_t)(b->addr[0][i] >> 32));
}

/* The words of the addresses into m[]; returns how many. */
static inline uint32_t tg_syn_batch_words(const struct tg_syn_batch *b, const uint64_t *m[])
{
	uint32_t n = b->v6 ? TG_SYN_ADDR_WORDS : 1;

	for (uint32_t i = 0; i < n; i++)
		m[i] = b->addr[i];
	return n;
}

void tg_syn_terms_init(struct tg_syn_terms *t, const struct tg_tcp_conf *conf,
		       const struct tg_tcp_env *env, bool v6);
/* What is promised to syn, as the cookie's word has it, and agreed as above (cookie.c). */
uint16_t tg_syn_terms_agree(const struct tg_syn_terms *t, const struct tg_syn *syn,
			    uint8_t *agreed);
/* Fills in end and hash (isn.c). */
void tg_syn_batch_hash(struct tg_syn_batch *b, const struct tg_tcp_secret *secret,
		       const struct tg_sip_lanes *lanes);
/* Fills in agreed, isn and tsval; after tg_syn_batch_hash (cookie.c). */
void tg_syn_batch_mint(struct tg_syn_batch *b, const struct tg_syn_terms *const terms[],
		       const struct tg_cookie_keys *keys, const struct tg_sip_lanes *lanes);
/* The last word of the MAC's input, of IPv4, when word is promised. */
uint64_t tg_syn_promise_end(uint16_t word);
/* Fills in mac, and with ts ts, of an IPv4 batch whose addr, ports and end are there; last: [n] of
 * tg_syn_promise_end. */
void tg_syn_batch_mac(struct tg_syn_batch *b, const uint64_t last[], bool ts,
		      const struct tg_cookie_keys *keys, const struct tg_sip_lanes *lanes);

#endif
