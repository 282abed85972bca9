/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_splice_xlate.h: one segment from the numbers of one connection to those of another, where it
 * lies, the checksum by difference (RFC 1624). Two connections that are spliced share the client's
 * sequence numbers; the other side's, the timestamps and the windows differ by what was promised
 * before the backend was asked (SP-02..05). */
#ifndef TG_SPLICE_XLATE_H
#define TG_SPLICE_XLATE_H

#include "tg_wire.h"

/* One direction. What is to be taken off is added as its negative, modulo 2^32. */
struct tg_splice_xlate {
	uint32_t seq_add;              /* to SEQ */
	uint32_t ack_add;              /* to ACK, and to both edges of each SACK block */
	uint32_t tsval_add, tsecr_add; /* to TSval, TSecr */
	uint64_t addr_sum;             /* tg_splice_addr_sum() */
	uint16_t sport, dport;
	uint8_t wnd_from, wnd_to; /* shift by which the sender means its window, and by which the
				     receiver will take it; 0..14 */
	bool sack, ts;            /* what both have; else these options become NOPs */
};

/* What new addresses change in the sum of the pseudo-header. */
uint64_t tg_splice_addr_sum(const struct tg_addr *src, const struct tg_addr *dst,
			    const struct tg_addr *new_src, const struct tg_addr *new_dst);

/* tcp: a header that tg_tcp_parse took, not of a SYN. Options that neither end can have agreed on
 * become NOPs. False: an option has a length that lies or is wrong for its kind; the header is then
 * half done, and the segment is to be dropped. */
bool tg_splice_xlate(uint8_t *tcp, const struct tg_splice_xlate *x);

#endif
