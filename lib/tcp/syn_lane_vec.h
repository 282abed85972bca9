/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane_vec.h (private to tcp): the lane over vectors. Who includes it has named LANE_ISA, what
 * its functions are compiled for; lane_vec, a vector of LANE_WIDTH 32-bit words, and lane_wide, of
 * half as many of 64 bits; lane_load and lane_wide_load, the same as they lie in memory; and
 *   lane_turn   LANE_WIDTH vectors: word j of vector i becomes word i of vector j
 *   lane_zip    word i of lo and of hi become one of 64 bits, the first half of them in a
 *   lane_unzip  and back
 *   lane_bits   the words that are not 0, by bit
 * Vectors are passed by pointer only: by value their passing would depend on what the processor
 * has. */
#ifndef TG_TCP_SYN_LANE_VEC_H
#define TG_TCP_SYN_LANE_VEC_H

#include "cookie_bits.h"
#include "syn_lane.h"
#include "tuple_words.h"

enum {
	LANE_PARTS = TG_SYN_WORDS / LANE_WIDTH,
	W_TYPE = 0,
	W_LEN,
	W_ID,
	W_TTL,
	W_SRC,
	W_DST,
	W_PORTS,
	W_SEQ,
	W_ACK,
	W_WND,
	W_CSUM,
	W_MSS,
	W_TSVAL = 13,
	W_TSECR,
	W_LAST
};

/* Columns of LANE_WIDTH frames. */
struct lane_cols {
	lane_vec w[TG_SYN_WORDS];
};

/* --- bytes <-> columns --- */

LANE_ISA static inline __attribute__((always_inline)) void
lane_gather(const uint8_t *const data[], uint32_t at, struct lane_cols *c)
{
#pragma GCC unroll 16
	for (uint32_t part = 0; part < LANE_PARTS; part++) {
#pragma GCC unroll 16
		for (uint32_t i = 0; i < LANE_WIDTH; i++)
			c->w[part * LANE_WIDTH + i] =
			    *(const lane_load *)(data[i] + at + part * sizeof(lane_vec));
		lane_turn(&c->w[part * LANE_WIDTH]);
	}
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_scatter(struct lane_cols *c, uint32_t at, uint8_t *const data[])
{
#pragma GCC unroll 16
	for (uint32_t part = 0; part < LANE_PARTS; part++) {
		lane_turn(&c->w[part * LANE_WIDTH]);
#pragma GCC unroll 16
		for (uint32_t i = 0; i < LANE_WIDTH; i++)
			*(lane_load *)(data[i] + at + part * sizeof(lane_vec)) =
			    c->w[part * LANE_WIDTH + i];
	}
}

/* The other byte order. */
LANE_ISA static inline __attribute__((always_inline)) void lane_swap(lane_vec *x)
{
	*x = ((*x << 8 | *x >> 24) & 0x00ff00ff) | ((*x << 24 | *x >> 8) & 0xff00ff00);
}

/* --- sums: of both halves of a word; a few dozen halves find room in 32 bits --- */

LANE_ISA static inline __attribute__((always_inline)) void lane_add(lane_vec *sum,
								    const lane_vec *w)
{
	*sum += (*w & 0xffff) + (*w >> 16);
}

/* To 16 bits; what is not 0 is not 0 then. */
LANE_ISA static inline __attribute__((always_inline)) void lane_fold(lane_vec *sum)
{
	*sum = (*sum & 0xffff) + (*sum >> 16);
	*sum = (*sum & 0xffff) + (*sum >> 16);
}

LANE_ISA static inline __attribute__((always_inline)) void lane_wrong(const lane_vec *sum,
								      lane_vec *bad)
{
	lane_vec s = *sum;

	lane_fold(&s);
	*bad |= s ^ 0xffff;
}

/* --- SYNs --- */

/* What all of one shape have, but for the link header. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_shape(const struct tg_syn_rows *r, const struct lane_cols *c, lane_vec *bad)
{
#pragma GCC unroll 16
	for (uint32_t i = 0; i < TG_SYN_WORDS; i++)
		if (i != W_SRC && i != W_SEQ && i != W_ACK && i != W_CSUM)
			*bad |= (c->w[i] & r->mask[i]) ^ r->want[i];
}

/* TTL, source (LN-12) and its port: as is_right4 of wire has it, and nobody who is near. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_peer(const struct tg_syn_rows *r, const struct lane_cols *c, lane_vec *bad)
{
	lane_vec net = c->w[W_SRC] & 0xff;

	*bad |= (lane_vec)((c->w[W_TTL] & 0xff) == 0) | (lane_vec)((c->w[W_PORTS] & 0xffff) == 0);
	*bad |= (lane_vec)(net == 0) | (lane_vec)(net == 127) | (lane_vec)(net >= 224);
	for (uint32_t i = 0; i < r->near_n; i++)
		*bad |= (lane_vec)((c->w[W_SRC] & r->near_mask[i]) == r->near_net[i]);
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_check(const struct tg_syn_rows *r, const struct lane_cols *c, uint32_t check, lane_vec *bad)
{
	const lane_vec zero = {0};
	lane_vec addrs = zero, ip = zero, tcp = zero + r->rest;

	lane_add(&addrs, &c->w[W_SRC]);
	lane_add(&addrs, &c->w[W_DST]);
	if (check & TG_SYN_CHECK_IP) {
		lane_add(&ip, &c->w[W_LEN]);
		lane_add(&ip, &c->w[W_ID]);
		lane_add(&ip, &c->w[W_TTL]);
		ip += addrs;
		lane_wrong(&ip, bad);
	}
	if (!(check & TG_SYN_CHECK_TCP))
		return;
#pragma GCC unroll 16
	for (uint32_t i = W_PORTS; i < W_MSS; i++)
		lane_add(&tcp, &c->w[i]);
#pragma GCC unroll 16
	for (uint32_t i = W_MSS; i <= W_LAST; i++) {
		lane_vec w = c->w[i] & r->keep[i];
		lane_add(&tcp, &w);
	}
	tcp += addrs;
	lane_wrong(&tcp, bad);
}

/* The words that are hashed (tuple_words.h), and what the answer needs. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_note(const struct tg_syn_rows *r, const struct lane_cols *c, struct tg_syn_cols *to,
	  struct tg_syn_batch *b, uint32_t at)
{
	const lane_vec zero = {0};
	lane_vec lport = c->w[W_PORTS] << 16 | c->w[W_PORTS] >> 16;
	lane_vec laddr = zero + r->laddr, len = zero + (uint32_t)(tg_sip_len(TUPLE_V4_LEN) >> 32);
	lane_wide one, two;

	*(lane_load *)&to->peer[at] = c->w[W_SRC];
	*(lane_load *)&to->ports[at] = c->w[W_PORTS];
	*(lane_load *)&to->seq[at] = c->w[W_SEQ];
	*(lane_load *)&to->tsval[at] = (c->w[W_TSVAL] & r->ts_early) | (c->w[W_TSECR] & r->ts_late);
	lane_zip(&laddr, &c->w[W_SRC], &one, &two);
	*(lane_wide_load *)&b->addr[0][at] = one;
	*(lane_wide_load *)&b->addr[0][at + LANE_WIDTH / 2] = two;
	lane_zip(&lport, &c->w[W_SEQ], &one, &two);
	*(lane_wide_load *)&b->ports[at] = one;
	*(lane_wide_load *)&b->ports[at + LANE_WIDTH / 2] = two;
	lane_zip(&lport, &len, &one, &two);
	*(lane_wide_load *)&b->end[at] = one;
	*(lane_wide_load *)&b->end[at + LANE_WIDTH / 2] = two;
}

/* The link headers that differ, by bit. */
static inline __attribute__((always_inline)) uint32_t lane_heads(const struct tg_syn_rows *r,
								 const uint8_t *const data[])
{
	const tg_syn_vec *head = (const tg_syn_vec *)r->head;
	const tg_syn_vec *mask = (const tg_syn_vec *)r->head_mask;
	tg_syn_vec any = {0, 0};
	uint32_t bad = 0;

	for (uint32_t i = 0; i < TG_SYN_LANE; i++)
		any |= (*(const tg_syn_vec *)data[i] & *mask) ^ *head;
	if ((any[0] | any[1]) == 0)
		return 0;
	for (uint32_t i = 0; i < TG_SYN_LANE; i++) {
		any = (*(const tg_syn_vec *)data[i] & *mask) ^ *head;
		bad |= (uint32_t)((any[0] | any[1]) != 0) << i;
	}
	return bad;
}

LANE_ISA static inline __attribute__((always_inline)) uint32_t
lane_read(const struct tg_syn_rows *r, const uint8_t *const data[], uint32_t check,
	  struct tg_syn_cols *to, struct tg_syn_batch *b, uint32_t at)
{
	uint32_t wrong = lane_heads(r, data);

	for (uint32_t i = 0; i < TG_SYN_LANE; i += LANE_WIDTH) {
		struct lane_cols c;
		lane_vec bad = {0};

		lane_gather(data + i, r->at, &c);
		lane_shape(r, &c, &bad);
		lane_peer(r, &c, &bad);
		lane_check(r, &c, check, &bad);
		lane_note(r, &c, to, b, at + i);
		wrong |= lane_bits(&bad) << i;
	}
	return ~wrong & ((1u << TG_SYN_LANE) - 1);
}

/* --- SYN-ACKs --- */

/* ISN and TSval of a cookie (cookie_bits.h), as they stand in a frame. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_cookie(const struct tg_synack_rows *r, const struct tg_syn_batch *b, uint32_t at,
	    lane_vec *isn, lane_vec *tsval)
{
	lane_wide mac[2] = {*(const lane_wide_load *)&b->mac[at],
			    *(const lane_wide_load *)&b->mac[at + LANE_WIDTH / 2]};
	lane_wide ts[2] = {*(const lane_wide_load *)&b->ts[at],
			   *(const lane_wide_load *)&b->ts[at + LANE_WIDTH / 2]};
	lane_vec mac_low, mac_high, ts_low, ts_high;

	lane_unzip(&mac[0], &mac[1], &mac_low, &mac_high);
	lane_unzip(&ts[0], &ts[1], &ts_low, &ts_high);
	*isn = (mac_high & ~7u) | r->isn_low;
	*isn ^= *isn >> 3 & 7;
	lane_swap(isn);
	*tsval = (ts_low + r->epoch) << (COOKIE_TSMAC_BITS + COOKIE_OPTION_BITS) |
		 (mac_low & ((1u << COOKIE_TSMAC_BITS) - 1)) << COOKIE_OPTION_BITS | r->options;
	lane_swap(tsval);
}

/* Both checksums, from the columns that differ. */
LANE_ISA static inline __attribute__((always_inline)) void lane_sum(const struct tg_synack_rows *r,
								    const lane_vec *id,
								    const lane_vec *port,
								    struct lane_cols *c)
{
	const lane_vec zero = {0};
	lane_vec peer = zero, ip = *id + r->ip_sum, numbers = *port, tcp = zero + r->tcp_sum;

	lane_add(&peer, &c->w[W_DST]);
	ip += peer;
	lane_fold(&ip);
	c->w[W_TTL] |= (~ip & r->ip_mask) << 16;
	lane_add(&numbers, &c->w[W_SEQ]);
	lane_add(&numbers, &c->w[W_ACK]);
	lane_vec tsval = c->w[W_TSVAL] & r->ts_mask, tsecr = c->w[W_TSECR] & r->ts_mask;
	lane_add(&numbers, &tsval);
	lane_add(&numbers, &tsecr);
	tcp += peer + (numbers & r->tcp_mask);
	lane_fold(&tcp);
	c->w[W_CSUM] = (tcp ^ r->tcp_mask) & 0xffff;
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_answer(const struct tg_synack_rows *r, const struct tg_syn_cols *from,
	    const struct tg_syn_batch *b, uint32_t at, struct lane_cols *c)
{
	const lane_vec zero = {0};
	lane_vec id = *(const lane_load *)&from->id[at], isn, tsval;
	lane_vec port = *(const lane_load *)&from->ports[at] & 0xffff;
	lane_vec ack = *(const lane_load *)&from->seq[at];

#pragma GCC unroll 16
	for (uint32_t i = 0; i < TG_SYN_WORDS; i++)
		c->w[i] = zero + r->word[i];
	lane_cookie(r, b, at, &isn, &tsval);
	id = (id << 8 | id >> 8) & 0xffff;
	lane_swap(&ack);
	ack += 1;
	lane_swap(&ack);
	c->w[W_ID] |= id;
	c->w[W_DST] = *(const lane_load *)&from->peer[at];
	c->w[W_PORTS] |= port << 16;
	c->w[W_SEQ] = isn;
	c->w[W_ACK] = ack;
	c->w[W_TSVAL] |= tsval & r->ts_mask;
	c->w[W_TSECR] |= *(const lane_load *)&from->tsval[at] & r->ts_mask;
	lane_sum(r, &id, &port, c);
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_write(const struct tg_synack_rows *r, const struct tg_syn_cols *from,
	   const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[])
{
	const tg_syn_vec head = *(const tg_syn_vec *)r->head;

	for (uint32_t i = 0; i < TG_SYN_LANE; i++)
		*(tg_syn_vec *)data[i] = head;
	for (uint32_t i = 0; i < TG_SYN_LANE; i += LANE_WIDTH) {
		struct lane_cols c;

		lane_answer(r, from, b, at + i, &c);
		lane_scatter(&c, r->at, data + i);
	}
}

#endif
