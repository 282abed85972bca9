/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_cookie.h: SYN cookies (RFC 4987 3.6, SC rows). The whole contract is one enum.
 *
 * Layout (SC-01):  ISN = H0(tuple) + IRS + (epoch << 24) + ((H1(tuple, epoch) + mss index) mod
 * 2^24) epoch = now / 64 s, two are accepted: 64 to 128 s of validity. Odds of a random ACK: 2
 * epochs x 4 indices / 2^32 = 2^-29. Options ride in the timestamp (SC-03..05) under their own
 * issue; here a cookie for a SYN with timestamps carries none: SC-04 for all. */
#ifndef TG_COOKIE_H
#define TG_COOKIE_H

#include "tg_cookie_key.h"
#include "tg_tcp.h"

enum { TG_COOKIE_PERIOD_MS = 64000 };

enum tg_cookie_verdict {
	TG_COOKIE_OK = 1,
	TG_COOKIE_BAD_MAC,
	TG_COOKIE_EXPIRED,
	TG_COOKIE_BAD_MSS
};

/* mss: what the peer advertised, floored; rounded down to the table (SC-02). */
tg_seq tg_cookie_make(const struct tg_tuple *tuple, tg_seq irs, uint16_t mss,
		      const struct tg_tcp_env *env);
/* isn: SEG.ACK - 1; irs: SEG.SEQ - 1. On OK, *mss is the table's. EXPIRED: right for an epoch up to
 * 16 before, no longer accepted. */
enum tg_cookie_verdict tg_cookie_check(const struct tg_tuple *tuple, tg_seq isn, tg_seq irs,
				       uint16_t *mss, const struct tg_tcp_env *env);

#endif
