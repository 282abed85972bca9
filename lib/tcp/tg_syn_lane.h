/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_syn_lane.h: plain IPv4 SYNs of one shape (tg_wire_syn.h), sixteen at a time, from their bytes
 * to the words that are hashed, and from the hashes to the bytes of their SYN-ACKs (SC-25). Of each
 * frame the 64 bytes from the last four of the link header on are a row: IP, TCP and 20 bytes of
 * options. Sixteen rows are turned into sixteen columns, one word of each frame in a vector, and
 * back: what is asked of a word is asked of all frames in one instruction.
 *
 *        L2 tail | IP: 5 words              | TCP: 5 words            | options: 5 words
 *     0          | 1     2     3    4    5  | 6     7    8   9   10   | 11  12  13  14  15
 *        type    | len   id    csum src dst | ports SEQ  ACK wnd csum | MSS .. (TSval, TSecr)
 *
 * What is read is what tg_syn4_parse reads, and what is written what tg_synack4_put writes. */
#ifndef TG_SYN_LANE_H
#define TG_SYN_LANE_H

#include "tg_syn_batch.h"

enum {
	TG_SYN_LANE = 16,   /* frames in one call */
	TG_SYN_ROW = 64,    /* bytes of a row */
	TG_SYN_WORDS = 16,  /* words of a row */
	TG_SYN_HEAD = 16,   /* bytes that are compared and written besides: the link header */
	TG_SYN_NEAR_MAX = 8 /* networks that no source may be in */
};
_Static_assert(TG_ETH_LEN + TG_VLAN_LEN - 4 + TG_SYN_ROW <= (int)TG_HDR_MAX, "rows find room");

/* What the SYNs have in common. Words are as they stand in memory. */
struct tg_syn_rows {
	_Alignas(64) uint32_t want[TG_SYN_WORDS], mask[TG_SYN_WORDS];
	uint32_t keep[TG_SYN_WORDS]; /* all ones: the word is in the TCP checksum's sum */
	uint8_t head[TG_SYN_HEAD], head_mask[TG_SYN_HEAD];
	uint32_t rest;     /* of that sum: protocol and length */
	uint32_t ts_early; /* all ones: TSval is word 13 .. */
	uint32_t ts_late;  /* .. or 14; else there is none */
	uint32_t len, at;  /* of the frame at least; where the row begins in it */
	uint32_t laddr;    /* our address */
	uint32_t near_n;
	uint32_t near_net[TG_SYN_NEAR_MAX], near_mask[TG_SYN_NEAR_MAX];
};

/* Of each frame, in the order of the burst: source, ports, SEQ and TSval as they stand there. */
struct tg_syn_cols {
	_Alignas(64) uint32_t peer[TG_SYN_BATCH_MAX];
	uint32_t ports[TG_SYN_BATCH_MAX], seq[TG_SYN_BATCH_MAX], tsval[TG_SYN_BATCH_MAX];
	uint32_t id[TG_SYN_BATCH_MAX]; /* of the answer, host order */
};

/* What the SYN-ACKs have in common. */
struct tg_synack_rows {
	_Alignas(64) uint32_t word[TG_SYN_WORDS];
	uint8_t head[TG_SYN_HEAD];
	uint32_t ip_sum, tcp_sum; /* as tg_synack has them, folded */
	uint32_t ip_mask;         /* 0: the carrier makes it; else all ones */
	uint32_t tcp_mask;        /* likewise: numbers are in the sum, which is complemented */
	uint32_t ts_mask;         /* all ones: it has timestamps */
	uint32_t at;              /* where the row begins in the frame */
	/* What the cookies promise now (tg_synack_promise). */
	uint32_t isn_low, epoch, options;
};

/* From a shape. False: rows are too short for it, or there are too many networks. */
bool tg_syn_rows_init(struct tg_syn_rows *r, const struct tg_syn_shape *s,
		      const struct tg_addr *laddr);
/* No source may be in net (host order). False: there are too many. */
bool tg_syn_rows_near(struct tg_syn_rows *r, uint32_t net, uint32_t mask);
/* From a form; s: IPv4. */
void tg_synack_rows_init(struct tg_synack_rows *r, const struct tg_synack *s);
/* What is promised to all of them, from now on: word, of tg_syn_terms_agree. */
void tg_synack_promise(struct tg_synack_rows *r, const struct tg_cookie_keys *keys, uint16_t word);

/* What must be verified. */
enum { TG_SYN_CHECK_IP = 1, TG_SYN_CHECK_TCP = 2 };

/* data[TG_SYN_LANE]: frames, of each of which TG_HDR_MAX bytes may be read. Those that have the
 * shape and are right, by bit. Of all, number at and on are filled in: c but for id, and of b addr,
 * ports and end. at: a multiple of TG_SYN_LANE. */
typedef uint32_t (*tg_syn_read_fn)(const struct tg_syn_rows *r, const uint8_t *const data[],
				   uint32_t check, struct tg_syn_cols *c, struct tg_syn_batch *b,
				   uint32_t at);
/* Writes the SYN-ACKs to number at and on into data[TG_SYN_LANE], each of which has room for
 * TG_HDR_MAX bytes; what is behind the frame is overwritten too. Of b mac and ts are read. */
typedef void (*tg_syn_write_fn)(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
				const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[]);

struct tg_syn_lane {
	const char *name; /* "avx512", "avx2", "any" */
	tg_syn_read_fn read;
	tg_syn_write_fn write;
};

/* The way i, the best first; NULL: there are no more, and where words stand the other way round
 * there is none. All that it returns run here. */
const struct tg_syn_lane *tg_syn_lane_at(uint32_t i);

#endif
