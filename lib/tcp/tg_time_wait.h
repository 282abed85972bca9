/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_time_wait.h: TIME-WAIT in 32 bytes, IPv4 and IPv6 alike (TD-14..27). Why it exists: our last
 * ACK may be lost, and the peer's repeated FIN must get an ACK; and old duplicates must die before
 * the four-tuple is used again.
 *
 * The tuple is not kept: a keyed 64-bit fingerprint of it is, because TIME-WAIT never speaks
 * unasked and the packet brings the tuple. From it comes the timestamp offset again (EST-18),
 * unless it was the connection's own (SC-03): of that 14 bits are kept, rounded up, so that no
 * TSval is below what was sent, and 2^18 ms ahead of it at most. */
#ifndef TG_TIME_WAIT_H
#define TG_TIME_WAIT_H

#include "tg_tcp.h"

enum {
	TG_TW_USED = 1 << 0,
	TG_TW_TS = 1 << 1,      /* timestamps were on */
	TG_TW_LATE = 1 << 2,    /* restarted and early in the FIFO: runs on the ordinary wheel */
	TG_TW_DORMANT = 1 << 3, /* its reuse was answered with state: lookup passes it by (TD-24) */
	TG_TW_COOKIE = 1 << 4,  /* its reuse was answered by a cookie (DESIGN 4) */
	TG_TW_TS_OWN = 1 << 5,  /* ts_hi stands for the timestamp offset */
};

struct tg_tw {
	uint64_t fingerprint; /* tg_tcp_tuple_hash of the tuple */
	tg_seq snd_nxt, rcv_nxt;
	uint32_t ts_recent;
	uint32_t max_wnd : 16, max_exp : 4;     /* MAX.SND.WND (SE-31), rounded up */
	uint32_t ts_hi_low : 12, ts_hi_top : 2; /* with TG_TW_TS_OWN: the offset, in 2^18 ms */
	uint32_t flags : 6;                     /* TG_TW_* */
	uint32_t deadline : 20; /* low bits of the tick: by tg_tw_deadline only; 2MSL stays below
				   15 minutes */
	uint32_t rcv_scale : 4;
	uint32_t rcv_wnd : 16;  /* in units of 1 << rcv_scale, rounded up */
	uint32_t ch_stamp : 16; /* when the last challenge ACK was sent, in ms; 0 = never */
};
_Static_assert(sizeof(struct tg_tw) == 32, "TD-15");

/* tcb is in TIME-WAIT. peer_offset: tg_tcp_ts_offset of its tuple. deadline_ms: now + 2MSL. */
void tg_tw_make(struct tg_tw *tw, const struct tg_tcb *tcb, uint64_t fingerprint,
		uint32_t peer_offset, uint64_t deadline_ms);
/* The full deadline, widened against now_ms. */
uint64_t tg_tw_deadline(const struct tg_tw *tw, uint64_t now_ms);
void tg_tw_set_deadline(struct tg_tw *tw, uint64_t deadline_ms);

enum tg_tw_outcome {
	TG_TW_DONE = 1,   /* act says all */
	TG_TW_RESTART,    /* a repeated FIN: act->reply is the ACK, and 2MSL starts anew (TD-16) */
	TG_TW_REUSE,      /* a SYN that is provably newer (TD-22): the engine asks the listener, or
			     answers as CLOSED does, keeping the record (ADV-66) */
	TG_TW_COOKIE_TRY, /* TG_TW_COOKIE is set and the segment may be the cookie's ACK: valid, it
			     opens the connection and frees the record; else call tg_tw_challenge */
};
enum tg_tw_outcome tg_tw_arrives(struct tg_tw *tw, const struct tg_tuple *tuple,
				 const struct tg_seg *seg, const struct tg_tcp_env *env,
				 struct tg_act *act);
/* TD-22: whether the SYN is newer than the record's connection, by timestamp and number. */
bool tg_tw_is_newer(const struct tg_tw *tw, const struct tg_seg *seg);
/* A challenge ACK from the record, by RB-08. */
void tg_tw_challenge(struct tg_tw *tw, const struct tg_tuple *tuple, const struct tg_tcp_env *env,
		     struct tg_act *act);
/* TD-27: may our own active open take this tuple now? entered_ms: when TS.Recent was last set, at
 * the latest. */
bool tg_tw_may_reopen(const struct tg_tw *tw, uint64_t now_ms, uint64_t two_msl_ms);

#endif
