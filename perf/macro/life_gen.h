/* SPDX-License-Identifier: BSD-3-Clause */
/* life_gen.h: clients without memory. A connection is a number, which its address and port spell
 * and of which its sequence numbers follow; what a client says next is derived from the segment
 * that it sees. The slots beside it are for checking alone: they hold what the server said first,
 * so that each of its answers is compared with the one right answer (flags, SEQ, ACK, length).
 *
 * A turn takes what the server sent, and gives it the answers, what was put off in the turn before,
 * and SYNs of new connections, in no order: never two segments of one connection. */
#ifndef LIFE_GEN_H
#define LIFE_GEN_H

#include "tg_rng.h"
#include "tg_wire.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

enum {
	LIFE_REQUEST_LEN = 64,
	LIFE_ANSWER_LEN = 64,
	LIFE_PORT = 80,
	LIFE_BATCH_MAX = 1024,      /* connections that begin in a turn */
	LIFE_SLOTS = 8 * 1024,      /* connections that live a whole life at once, a power of 2 */
	LIFE_TURN_MAX = LIFE_SLOTS, /* segments in a turn */
	LIFE_SAMPLE = 64,           /* of so many connections, one has its bytes checked */
};

extern const uint8_t life_server_v4[4];
extern const struct tg_mac life_server_mac, life_client_mac;

enum life_close { LIFE_SERVER_CLOSES = 1, LIFE_CLIENT_CLOSES };

/* What a client says, with `packets`:
 *           server closes first             client closes first
 *   3       SYN, ACK+request, FIN           SYN, ACK+request+FIN, ACK
 *   4       SYN, ACK, request, FIN          SYN, ACK+request, FIN, ACK
 *   5       SYN, ACK, request, ACK, FIN     SYN, ACK, request, FIN, ACK
 * The answer comes with the server's FIN when it closes first, or the client's came before. */
struct life_slot {
	uint32_t id;
	uint32_t server_isn;
	uint32_t stage; /* 0: none, or over */
};

struct life_gen {
	struct rte_mempool *pool;
	struct rte_ring *to_server, *to_client;
	enum life_close close;
	uint32_t packets;
	bool is_mirrored; /* not a server answers but a mirror: nothing is checked but the number */
	uint64_t now_ms;  /* for TSval */
	uint32_t next;    /* number of the next connection */
	uint32_t held;    /* those below are opened, and stay */
	uint32_t alive;   /* begun and not over (or, if held, not open) */
	uint64_t over, sent, got, repeats, faults;
	char fault[160]; /* the first one */
	struct rte_mbuf *out[LIFE_TURN_MAX], *later[LIFE_TURN_MAX];
	uint32_t out_n, later_n;
	struct tg_rng rng;
	struct life_slot slot[LIFE_SLOTS];
};

void life_gen_init(struct life_gen *g, struct rte_mempool *pool, struct rte_ring *to_server,
		   struct rte_ring *to_client);
/* One turn, with `open` new connections. */
void life_gen_turn(struct life_gen *g, uint32_t open);
/* Gives up what was put off. */
void life_gen_fini(struct life_gen *g);
/* What byte i of an answer is. */
uint8_t life_answer_byte(uint32_t i);

#endif
