/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_wire_syn.h: plain SYNs, read in one go, and SYN-ACKs that differ in a few numbers: what a
 * flood is made of. A plain SYN has no IP options or extension headers, is whole, carries no text
 * and no flag but ECE and CWR, and its options stand as one of the usual systems lays them out. For
 * all others there is tg_wire.h, which says the same of plain ones. */
#ifndef TG_WIRE_SYN_H
#define TG_WIRE_SYN_H

#include "tg_pkt.h"
#include "tg_wire.h"

/* What a SYN offers; ECN by ECE and CWR, and IP bits that say nothing (RFC 3168 6.1.1). */
enum { TG_SYN_TS = 1, TG_SYN_SACK = 2, TG_SYN_WS = 4, TG_SYN_ECN = 8, TG_SYN_OFFERS = 16 };

struct tg_syn {
	tg_be32 tsval; /* with TG_SYN_TS */
	uint16_t mss;  /* 0 = none */
	uint8_t has;   /* TG_SYN_* */
	uint8_t wscale;
};

/* The packet from its IP header on, data[len] padding included; csum: not BAD or UNKNOWN where it
 * need not be verified. True: it is plain, and right: tg_ip4_parse (tg_ip6_parse), tg_tcp_csum_ok
 * and tg_tcp_parse find no fault with it, and its numbers are *syn. False says nothing. */
bool tg_syn4_parse(const uint8_t *data, uint32_t len, bool l3_good, bool l4_good,
		   struct tg_syn *syn);
bool tg_syn6_parse(const uint8_t *data, uint32_t len, bool l4_good, struct tg_syn *syn);
/* The options alone; false: laid out as none of those that are known here. */
bool tg_syn_options_parse(const uint8_t *opt, uint32_t len, struct tg_syn *syn);

/* What a plain SYN has in common with others to the same place, of the same system: addresses of
 * the link and ours, our port, lengths, flags, options but for the timestamps. Those that have it
 * are told by a few wide comparisons, and need be asked for the rest alone. */
enum { TG_SYN4_SHAPE = 96, TG_SYN6_SHAPE = 112, TG_SYN_OPT_MAX = 24 };
_Static_assert(TG_ETH_LEN + TG_VLAN_LEN + TG_IP4_LEN + TG_TCP_LEN + TG_SYN_OPT_MAX <=
		       (int)TG_SYN4_SHAPE &&
		   TG_ETH_LEN + TG_VLAN_LEN + TG_IP6_LEN + TG_TCP_LEN + TG_SYN_OPT_MAX <=
		       (int)TG_SYN6_SHAPE,
	       "the whole frame is compared");
struct tg_syn_shape {
	_Alignas(16) uint8_t bytes[TG_SYN6_SHAPE];
	uint8_t mask[TG_SYN6_SHAPE];
	uint32_t len;                   /* of the frame at least */
	uint8_t l2_len, hdr_len, ts_at; /* of TCP; where TSval stands in the frame, if it has one */
	struct tg_syn syn;
};
typedef uint64_t tg_syn_vec __attribute__((vector_size(16), aligned(1), may_alias));

/* data: the frame of a SYN that tg_syn4_parse (v6: tg_syn6_parse) found plain, behind l2_len bytes
 * of link header; syn: what it said. */
void tg_syn_shape_init(struct tg_syn_shape *shape, const uint8_t *data, uint32_t l2_len, bool v6,
		       const struct tg_syn *syn);
static inline __attribute__((always_inline)) void
tg_syn_shape_part(const struct tg_syn_shape *shape, const uint8_t *data, uint32_t i,
		  tg_syn_vec *other)
{
	*other |= (*(const tg_syn_vec *)(data + i) ^ *(const tg_syn_vec *)(shape->bytes + i)) &
		  *(const tg_syn_vec *)(shape->mask + i);
}

/* So many bytes are read, whatever the frame's length: what is behind it changes nothing. */
static inline __attribute__((always_inline)) bool tg_syn_shape_has(const struct tg_syn_shape *shape,
								   const uint8_t *data, bool v6)
{
	tg_syn_vec other = {0, 0};

	tg_syn_shape_part(shape, data, 0, &other);
	tg_syn_shape_part(shape, data, 16, &other);
	tg_syn_shape_part(shape, data, 32, &other);
	tg_syn_shape_part(shape, data, 48, &other);
	tg_syn_shape_part(shape, data, 64, &other);
	tg_syn_shape_part(shape, data, 80, &other);
	if (v6)
		tg_syn_shape_part(shape, data, 96, &other);
	return (other[0] | other[1]) == 0;
}
/* Whether one that has the shape is plain and right; data: from its IP header on. */
bool tg_syn4_rest(const struct tg_syn_shape *shape, const uint8_t *data, bool l3_good,
		  bool l4_good);
bool tg_syn6_rest(const struct tg_syn_shape *shape, const uint8_t *data, bool l4_good);

/* A SYN-ACK without its numbers: peer, sequence numbers, timestamps, identification are 0. */
enum { TG_SYNACK_V4_ROOM = 80, TG_SYNACK_V6_ROOM = 112 };
struct tg_synack {
	uint8_t bytes[TG_SYNACK_V6_ROOM];
	uint64_t ip_sum, tcp_sum; /* of what is there, pseudo-header included; native */
	uint16_t len;
	uint8_t tx_flags, l2_len, l3_len, l4_len; /* as struct tg_pkt has them, in one piece */
	bool has_ts;
};
enum { TG_SYNACK_OPT_MAX = 20 };
_Static_assert(TG_ETH_LEN + TG_VLAN_LEN + TG_IP4_LEN + TG_TCP_LEN + TG_SYNACK_OPT_MAX <=
		   (int)TG_SYNACK_V4_ROOM,
	       "a frame is copied whole");
_Static_assert((int)TG_SYNACK_V6_ROOM <= (int)TG_HDR_MAX, "and finds room where it goes");

_Static_assert(offsetof(struct tg_pkt, l4_len) - offsetof(struct tg_pkt, tx_flags) == 3 &&
		   offsetof(struct tg_pkt, l2_len) - offsetof(struct tg_pkt, tx_flags) == 1,
	       "the four stand together");

/* bytes, len, lengths and tx_flags (TG_TX_*) are filled in: makes the rest. src: our address. */
void tg_synack_init(struct tg_synack *s, const struct tg_addr *src);

/* The numbers, as they stand on the wire where they are tg_be*. */
struct tg_synack_numbers {
	tg_be32 seq, ack, tsval, tsecr;
	tg_be16 port;  /* the peer's */
	tg_be16 id;    /* IPv4 */
	uint32_t flow; /* IPv6: the flow label */
};

static inline uint64_t tg_synack_sum(const struct tg_synack *s, const struct tg_synack_numbers *x)
{
	uint64_t sum = s->tcp_sum + x->seq + x->ack + x->port;

	return s->has_ts ? sum + x->tsval + x->tsecr : sum;
}

/* The TCP header at tcp; sum: of all that it says, and the pseudo-header. */
static inline void tg_synack_put_tcp(const struct tg_synack *s, uint8_t *tcp,
				     const struct tg_synack_numbers *x, uint64_t sum)
{
	uint16_t folded = tg_csum_fold_native(sum);
	uint16_t csum = (s->tx_flags & TG_TX_TCP_CSUM) ? folded : (uint16_t)~folded;

	memcpy(tcp + 2, &x->port, 2);
	memcpy(tcp + 4, &x->seq, 4);
	memcpy(tcp + 8, &x->ack, 4);
	memcpy(tcp + 16, &csum, 2);
	if (!s->has_ts)
		return;
	memcpy(tcp + 28, &x->tsval, 4);
	memcpy(tcp + 32, &x->tsecr, 4);
}

/* data: room for TG_HDR_MAX. What is behind the frame is overwritten too. */
static inline void tg_synack4_put(const struct tg_synack *s, uint8_t *data, tg_be32 peer,
				  const struct tg_synack_numbers *x)
{
	uint64_t sum = (s->tx_flags & TG_TX_TCP_CSUM) ? s->tcp_sum : tg_synack_sum(s, x);
	uint8_t *ip = data + s->l2_len;
	uint16_t csum = (s->tx_flags & TG_TX_IP_CSUM)
			    ? 0
			    : (uint16_t)~tg_csum_fold_native(s->ip_sum + peer + x->id);

	memcpy(data, s->bytes, TG_SYNACK_V4_ROOM);
	memcpy(ip + 4, &x->id, 2);
	memcpy(ip + 10, &csum, 2);
	memcpy(ip + 16, &peer, 4);
	tg_synack_put_tcp(s, ip + TG_IP4_LEN, x, sum + peer);
}

static inline void tg_synack6_put(const struct tg_synack *s, uint8_t *data, const uint64_t peer[2],
				  const struct tg_synack_numbers *x)
{
	uint64_t sum = (s->tx_flags & TG_TX_TCP_CSUM) ? s->tcp_sum : tg_synack_sum(s, x);
	uint8_t *ip = data + s->l2_len;

	sum += (peer[0] & UINT32_MAX) + (peer[0] >> 32) + (peer[1] & UINT32_MAX) + (peer[1] >> 32);
	memcpy(data, s->bytes, TG_SYNACK_V6_ROOM);
	tg_be32_put(ip, tg_be32_get(s->bytes + s->l2_len) | x->flow);
	memcpy(ip + 24, peer, 16);
	tg_synack_put_tcp(s, ip + TG_IP6_LEN, x, sum);
}

#endif
