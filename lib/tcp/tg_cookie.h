/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_cookie.h: SYN cookies (RFC 4987 3.6, SC rows): a handshake of which nothing is kept, because
 * the SYN-ACK's numbers say it all, and the ACK brings them back. The ruler is in cookie_bits.h,
 * keys and odds in tg_cookie_key.h.
 *
 * In the ISN: a MAC and the MSS; where the SYN had timestamps, the SYN-ACK's TSval carries window
 * scale, SACK and ECN, and more of the MAC. All that was promised is under the MAC: tuple, IRS, MSS
 * and options, and the scale of our own window. */
#ifndef TG_COOKIE_H
#define TG_COOKIE_H

#include "tg_cookie_key.h"
#include "tg_seq.h"
#include "tg_types.h"

enum { TG_COOKIE_MSS_N = 4, TG_COOKIE_NO_SCALE = 15, TG_COOKIE_SCALES = 0x7fff };

/* What a handshake agreed on. Without timestamps a cookie keeps the MSS alone (SC-04). */
struct tg_cookie_deal {
	uint16_t mss; /* what the peer takes */
	bool ts, sack, ecn, ws;
	uint8_t snd_scale, rcv_scale; /* 0..14; 0 without ws */
};

/* What a cookie's SYN-ACK says besides. */
struct tg_cookie {
	tg_seq isn;
	uint32_t tsval; /* with timestamps */
};

/* The cookie of the first secret and the epoch that is now. deal->mss: what the peer advertised,
 * floored; it is rounded down to the table (SC-02). */
struct tg_cookie tg_cookie_mint(const struct tg_cookie_keys *keys, const struct tg_tuple *tuple,
				tg_seq irs, const struct tg_cookie_deal *deal);

/* What an ACK claims. */
struct tg_cookie_claim {
	tg_seq isn, irs; /* SEG.ACK - 1, SEG.SEQ - 1 */
	bool ts;
	uint32_t tsecr; /* with ts */
};

/* What the SYN-ACKs of the listener may have told. */
struct tg_cookie_offer {
	uint16_t scales; /* bit i: a receive scale of i */
	bool ts, sack, ecn;
};

enum tg_cookie_verdict {
	TG_COOKIE_OK = 1,
	TG_COOKIE_BAD_MAC, /* not ours, or of another tuple, IRS, option, or epoch */
	TG_COOKIE_EXPIRED, /* right for one of the two epochs before those accepted */
	TG_COOKIE_TS_BAD   /* TSecr names no epoch, or what it says is not offered here (SC-05) */
};

/* On OK, *deal is what was promised, the MSS as the table has it, and *skewed tells that the epoch
 * is one of those that are for other clocks. Where a number is wrong takes no part in the time that
 * this needs. */
enum tg_cookie_verdict tg_cookie_check(const struct tg_cookie_keys *keys,
				       const struct tg_tuple *tuple,
				       const struct tg_cookie_claim *claim,
				       const struct tg_cookie_offer *offer,
				       struct tg_cookie_deal *deal, bool *skewed);

#endif
