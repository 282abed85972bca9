/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh.h (private to engine): routes and neighbours of all ports: ARP (RFC 826, 5227) and
 * neighbour discovery (RFC 4861). LN-01..09. Bounded table with reserved room for gateways;
 * requests at most 1/s per target, 3 tries, then a negative entry; reachable for a while (30 s..20
 * min by use), asked again by unicast before it is dropped; at least the newest packet is kept
 * while a target is resolved. */
#ifndef TG_ENGINE_NEIGH_H
#define TG_ENGINE_NEIGH_H

#include "tg_engine.h"
#include "tg_link.h"

/* Where packets go during a call of the engine, and where new ones come from. */
struct tg_out {
	struct tg_pkt *pkt; /* the caller's out[] */
	uint32_t n, max;
	const struct tg_engine_ops *ops;
	struct tg_counters *ctr;
	struct tg_pkt spare[TG_BURST_MAX]; /* allocated in bulk, not yet used; kept between calls */
	uint32_t spare_n;
};
/* An empty packet (len 0), false when there is none (pool empty) or out[] is full: then nothing was
 * taken. */
bool tg_out_get(struct tg_out *out, struct tg_pkt *pkt);
/* Sends pkt (counted in tx_packets, tx_bytes). There must be room: tg_out_get or tg_out_room said
 * so. */
void tg_out_put(struct tg_out *out, const struct tg_pkt *pkt);
/* Gives pkt back to the carrier. */
void tg_out_free(struct tg_out *out, const struct tg_pkt *pkt);
static inline uint32_t tg_out_room(const struct tg_out *out)
{
	return out->max - out->n;
}

struct tg_neigh;

size_t tg_neigh_footprint(const struct tg_engine_conf *conf);
/* Keeps conf (the engine's copy). Announces our addresses at the first ticks unless the port is
 * silent (LN-05, LN-08: gratuitous ARP, DAD, unsolicited NA, MLDv2). */
struct tg_neigh *tg_neigh_init(void *mem, const struct tg_engine_conf *conf, struct tg_rng *rng,
			       uint64_t now_ms);
/* Gives held packets back. */
void tg_neigh_fini(struct tg_neigh *n, struct tg_out *out);

/* --- routes --- */

/* True when a is one of our addresses; *port is then its port. */
bool tg_route_is_ours(const struct tg_neigh *n, const struct tg_addr *a, uint32_t *port);
/* True for limited, directed and subnet broadcast, and multicast: what no source may be and no TCP
 * may be sent to. */
bool tg_route_is_group(const struct tg_neigh *n, const struct tg_addr *a);
/* False: a is neither one of our addresses nor a group, told from a few words. True: ask further.
 */
bool tg_route_is_near(const struct tg_neigh *n, const struct tg_addr *a);
/* Port and next hop for laddr -> raddr; false: no route. laddr decides the port. */
bool tg_route_find(const struct tg_neigh *n, const struct tg_addr *laddr,
		   const struct tg_addr *raddr, uint32_t *port, struct tg_addr *next_hop);
/* The next hop for raddr on port: raddr itself or the gateway; NULL: no route. */
const struct tg_addr *tg_route_hop(const struct tg_neigh *n, uint32_t port,
				   const struct tg_addr *raddr);
/* Our address to reach raddr from (RFC 6724 in short: same family, same subnet, else the gateway's
 * port). */
bool tg_route_source(const struct tg_neigh *n, const struct tg_addr *raddr, struct tg_addr *laddr);

/* --- neighbours --- */

enum tg_neigh_answer { TG_NEIGH_OK = 1, TG_NEIGH_WAIT, TG_NEIGH_DEAD };

/* The MAC address of next_hop on port. WAIT: being asked for (tg_neigh_hold keeps a packet); DEAD:
 * did not answer lately. */
enum tg_neigh_answer tg_neigh_find(struct tg_neigh *n, uint32_t port,
				   const struct tg_addr *next_hop, uint64_t now_ms,
				   struct tg_mac *mac);
/* Whether tg_neigh_find would say OK; changes nothing. */
bool tg_neigh_is_ready(const struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		       uint64_t now_ms);
/* Keeps pkt (whole but for its destination MAC) until next_hop answers; the older one that waited
 * is freed and counted. */
void tg_neigh_hold(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		   const struct tg_pkt *pkt, struct tg_out *out);
/* The peer behind next_hop made progress (upper-layer confirmation); / stopped answering: ask again
 * (DT-08). */
void tg_neigh_confirm(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		      uint64_t now_ms);
void tg_neigh_doubt(struct tg_neigh *n, uint32_t port, const struct tg_addr *next_hop,
		    uint64_t now_ms);
/* A received ARP packet / ND message: learn, answer (if conf->primary), release what was held. The
 * verdict is the packet's. pkt: the received frame, for replies in place; *used is set when it went
 * out. */
enum tg_ctr tg_neigh_arp(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			 uint64_t now_ms, struct tg_out *out, bool *used);
enum tg_ctr tg_neigh_nd(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			const struct tg_ip *ip, const struct tg_icmp *icmp, uint64_t now_ms,
			struct tg_out *out, bool *used);
/* Requests, ageing, announcements that are due; bounded work. */
void tg_neigh_tick(struct tg_neigh *n, uint64_t now_ms, struct tg_out *out);
/* In ms; UINT64_MAX = nothing. An entry that is merely reachable arms nothing: its age is looked at
 * when it is used. */
uint64_t tg_neigh_next(const struct tg_neigh *n);
void tg_neigh_link(struct tg_neigh *n, uint32_t port, bool up, uint64_t now_ms, struct tg_out *out);
uint32_t tg_neigh_count(const struct tg_neigh *n);
uint32_t tg_neigh_held(const struct tg_neigh *n); /* packets kept */
bool tg_neigh_validate(const struct tg_neigh *n);

#endif
