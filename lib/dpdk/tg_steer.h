/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_steer.h: which worker owns a packet (LN-23). The same hash for both directions of a flow and
 * the same as NICs compute with the key below, so that hardware RSS, software steering and
 * tg_engine_ops.is_mine always agree.
 *
 * The hash is Toeplitz with a key of period 16 bits (6d5a 6d5a ...). Every 16-bit word of the input
 * then meets the same key bits, so the hash of a tuple is the hash of the exclusive-or of its
 * words: symmetric in source and destination, and two table look-ups long.
 *
 * This spreads load and is no secret: the connection tables behind it have keyed hashes.
 *
 * Backends that see the client's own address (mode = transparent) answer to it, so a flow has two
 * tuples that share nothing else: both go by the client's address, under a key of this process, so
 * that nobody can aim at one core.
 *
 *      what comes to                        from     goes by
 *      address and port of such a VIP       client   its source
 *      another address or port of ours      anybody  its tuple: listeners, probes, source NAT
 *      an address that is not ours          backend  its destination: the client
 *
 * A NIC has no part in that choice. DPDK can name one address as all of RSS's input (L3_SRC_ONLY,
 * L3_DST_ONLY), but promises neither where it lies in the input nor by what function it is hashed;
 * and with a key that makes these two alike, everybody could aim. So RSS goes by tuples there, too:
 * it spreads the work of receiving, and each packet is handed over from there. */
#ifndef TG_STEER_H
#define TG_STEER_H

#include "tg_siphash.h"
#include "tg_types.h"

enum {
	TG_STEER_KEY_MAX = 64,
	TG_STEER_SLOTS = 128,
	TG_STEER_HOME_MAX = 512,   /* own addresses and VIPs together */
	TG_STEER_HOME_SLOTS = 1024 /* a power of two */
};

/* An address of ours (port 0), or a VIP whose clients are steered by their address. */
struct tg_steer_home {
	struct tg_addr addr;
	uint16_t port;
	bool used;
};

struct tg_steer {
	uint32_t high[256], low[256]; /* hash of a 16-bit word, by its bytes */
	uint16_t worker_n;
	uint16_t owner[TG_STEER_SLOTS]; /* by the low bits of the hash */
	/* --- by client --- */
	bool by_client;
	uint16_t home_n;
	struct tg_sipkey key;
	struct tg_steer_home home[TG_STEER_HOME_SLOTS]; /* open addressing */
};

/* worker_n: 1..TG_WORKER_MAX. */
void tg_steer_init(struct tg_steer *s, uint16_t worker_n);
/* The key that a NIC is given: fills key[len]. */
void tg_steer_key(uint8_t *key, uint32_t len);
/* The worker to which slot i of a NIC's redirection table must point. */
static inline uint16_t tg_steer_slot(const struct tg_steer *s, uint32_t i)
{
	return s->owner[i % TG_STEER_SLOTS];
}

/* From now on by the client's address, where a VIP was added. Before the first packet. */
void tg_steer_by_client(struct tg_steer *s, const struct tg_sipkey *key);
/* An address of ours; a VIP, address and port, of a transparent pool. Adding one again changes
 * nothing. False: there are TG_STEER_HOME_MAX already. */
bool tg_steer_add_own(struct tg_steer *s, const struct tg_addr *addr);
bool tg_steer_add_vip(struct tg_steer *s, const struct tg_addr *addr, uint16_t port);

/* Of the tuple, as NICs compute it. */
uint32_t tg_steer_hash(const struct tg_steer *s, const struct tg_tuple *tuple);
/* Who gets what comes to tuple->laddr from tuple->raddr. */
uint16_t tg_steer_owner(const struct tg_steer *s, const struct tg_tuple *tuple);

enum { TG_STEER_ALL = 0xffff }; /* for every worker: ARP, neighbour discovery */

/* The worker that owns the frame data[len], or TG_STEER_ALL. TCP: by its tuple. ICMP errors: by the
 * tuple that they quote. ARP, neighbour discovery: all. Anything else, and what cannot be read:
 * worker 0, which counts it. Reads only inside len. */
uint16_t tg_steer_frame(const struct tg_steer *s, const uint8_t *data, uint32_t len);

#endif
