/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh_table.h (private to neigh*.c and route.c): the neighbour table and what its parts ask of
 * each other.
 *
 *   find -> INCOMPLETE --answer--> REACHABLE --30 s, used--> PROBE (unicast) --answer--> REACHABLE
 *              |  3 x 1 s, nothing                             | 3 x 1 s, nothing
 *              v                                               v
 *            DEAD (for 20 s)  <-----3 x 1 s, nothing------ INCOMPLETE
 *
 * A host that asked for us is HEARD: its address is known and not yet used. All requests go out of
 * tg_neigh_tick, from two queues: `now` (at once) and `later` (a second after the last request;
 * the second is the same for all, so the queue is in order of time).
 * Invariants: I1 count = entries in use; I2 each stands in its chain once; I3 INCOMPLETE and PROBE
 * stand in a queue, REACHABLE only with a packet held, others never; I4 held = entries that hold a
 * packet, all of them INCOMPLETE or REACHABLE; I5 `later` is in order of next_ms; I6 gateways are
 * never free. */
#ifndef TG_ENGINE_NEIGH_TABLE_H
#define TG_ENGINE_NEIGH_TABLE_H

#include "neigh.h"

enum tg_neigh_state {
	TG_NEIGH_FREE = 0,
	TG_NEIGH_UNKNOWN, /* a gateway that nobody used yet */
	TG_NEIGH_INCOMPLETE,
	TG_NEIGH_HEARD,
	TG_NEIGH_REACHABLE,
	TG_NEIGH_PROBE,
	TG_NEIGH_FAILED,
};

enum { TG_NEIGH_QUEUE_NONE = 0, TG_NEIGH_QUEUE_NOW, TG_NEIGH_QUEUE_LATER, TG_NEIGH_QUEUE_N };

enum {
	TG_NEIGH_TRIES = 3,
	TG_NEIGH_RETRY_MS = 1000,       /* RFC 1122 2.3.2.1: one request a second */
	TG_NEIGH_REACHABLE_MS = 30000,  /* trusted for so long after a confirmation (LN-04) */
	TG_NEIGH_STALE_MS = 20 * 60000, /* and not at all any more after so long */
	TG_NEIGH_FAILED_MS = 20000,     /* negative entry */
	TG_NEIGH_TICK_MAX = 32,         /* packets sent and entries moved in one tick */
	TG_NEIGH_ANNOUNCE_N = 3,
	TG_NEIGH_ANNOUNCE_MS = 1000,
	TG_NEIGH_DEFEND_MS = 10000, /* RFC 5227 2.4: DEFEND_INTERVAL */
	TG_NEIGH_OURS_SLOTS = 512,  /* twice the most addresses there can be */
};

struct tg_neigh_entry {
	struct tg_addr addr;
	uint64_t confirmed_ms; /* last answer or upper-layer progress */
	uint64_t next_ms;      /* INCOMPLETE, PROBE: next request; FAILED: when it ends */
	struct tg_pkt held;
	uint32_t chain;      /* next of its hash bucket, or next free */
	uint32_t prev, next; /* queue */
	struct tg_mac mac;
	uint8_t port;
	uint8_t state; /* enum tg_neigh_state */
	uint8_t queue; /* TG_NEIGH_QUEUE_* */
	uint8_t tries; /* requests sent without an answer */
	bool gateway;  /* reserved: never evicted */
	bool has_held;
	bool ask_all; /* PROBE by broadcast: somebody claimed this address with another MAC */
};

struct tg_neigh_queue {
	uint32_t head, tail;
};

/* Announcements of one port (LN-05, LN-08). */
struct tg_neigh_port {
	uint64_t announce_ms; /* next round; UINT64_MAX = done */
	uint64_t defend_ms;   /* not before this time again */
	uint8_t round;        /* 0..TG_NEIGH_ANNOUNCE_N */
	uint8_t cursor;       /* next address of this round; addr_n = the MLD report */
	uint16_t dad_failed;  /* addresses that somebody else had first, by bit */
	bool up;
};

/* An IPv4 subnet that one of our addresses lies in, host order. */
struct tg_neigh_subnet {
	uint32_t net, mask;
};

struct tg_neigh {
	const struct tg_engine_conf *conf;
	struct tg_sipkey key;
	struct tg_neigh_entry *entry;
	uint32_t *bucket; /* [bucket_mask + 1], index of the first entry + 1, 0 = none */
	uint32_t bucket_mask;
	uint32_t entry_n, gateway_n; /* the first gateway_n entries are the gateways */
	uint32_t fresh, free_head;   /* never used yet; freed (index + 1, 0 = none) */
	uint32_t count, held;
	uint32_t hand; /* where the search for a victim goes on */
	uint32_t last; /* the entry that was found last; it may be another's by now */
	struct tg_neigh_queue queue[TG_NEIGH_QUEUE_N];
	struct tg_neigh_port port[TG_PORT_MAX];
	uint16_t ours[TG_NEIGH_OURS_SLOTS]; /* port * 16 + address + 1; open addressing */
	uint32_t own_n;                     /* networks that are ours, of all ports */
	/* Of port p: [subnet_first[p], subnet_first[p + 1]), each once. */
	uint16_t subnet_first[TG_PORT_MAX + 1];
	struct tg_neigh_subnet subnet[TG_PORT_MAX * TG_PORT_ADDR_MAX];
};
_Static_assert(TG_PORT_ADDR_MAX <= 16, "dad_failed has a bit for each");
_Static_assert(TG_PORT_MAX *TG_PORT_ADDR_MAX * 2 <= TG_NEIGH_OURS_SLOTS, "half full at most");

/* --- route.c --- */

void tg_route_init(struct tg_neigh *n);
/* True when a can be reached on port without a gateway. */
bool tg_route_is_link(const struct tg_neigh *n, uint32_t port, const struct tg_addr *a);
/* Our address on port that a neighbour sees as the source of a request for target; false: none of
 * its family. */
bool tg_route_link_source(const struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
			  struct tg_addr *laddr);
/* Index of our address a on port, -1 when it is not there. */
int tg_route_addr_idx(const struct tg_neigh *n, uint32_t port, const struct tg_addr *a);

/* --- neigh.c --- */

struct tg_neigh_entry *tg_neigh_lookup(const struct tg_neigh *n, uint32_t port,
				       const struct tg_addr *addr);
/* addr answered our question: false when nobody asked. */
bool tg_neigh_answered(struct tg_neigh *n, uint32_t port, const struct tg_addr *addr,
		       const struct tg_mac *mac, uint64_t now_ms, struct tg_out *out);
/* addr asked for us, so it will want to be answered. */
void tg_neigh_heard(struct tg_neigh *n, uint32_t port, const struct tg_addr *addr,
		    const struct tg_mac *mac, uint64_t now_ms, struct tg_out *out);

/* --- neigh_arp.c, neigh_nd.c: each sends one packet; false when there is no buffer or no room ---
 */

/* to: NULL = broadcast. */
bool tg_neigh_arp_request(struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
			  const struct tg_mac *to, struct tg_out *out);
bool tg_neigh_arp_announce(struct tg_neigh *n, uint32_t port, const struct tg_addr *own,
			   struct tg_out *out);
bool tg_neigh_ns(struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
		 const struct tg_mac *to, struct tg_out *out);
/* Duplicate address detection: NS from :: (RFC 4862 5.4.2). */
bool tg_neigh_dad(struct tg_neigh *n, uint32_t port, const struct tg_addr *own, struct tg_out *out);
bool tg_neigh_na_announce(struct tg_neigh *n, uint32_t port, const struct tg_addr *own,
			  struct tg_out *out);
/* One report that joins the solicited-node groups of all our addresses on port. */
bool tg_neigh_mld(struct tg_neigh *n, uint32_t port, struct tg_out *out);

#endif
