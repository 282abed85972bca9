/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_cc.h: congestion control: how large cwnd and ssthresh may be. Two controllers, chosen by
 * conf->congestion: NewReno's window rules (RFC 5681, RFC 3465) and CUBIC (RFC 9438), both with
 * HyStart++ (RFC 9406) in slow start. What was lost, what to send again and how fast while loss is
 * repaired is not decided here but in recovery.c (RFC 6582, 6675, 6937, 8985); it tells these
 * functions what happened. All sizes in bytes; times in ms of the engine's clock. */
#ifndef TG_CC_H
#define TG_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "tg_seq.h"

struct tg_tcb;

/* What the controllers remember besides cwnd, ssthresh and acked_bytes of the block; zero is
 * "nothing yet". */
struct tg_cc {
	/* CUBIC, RFC 9438 4.1.2 */
	uint64_t epoch_ms;   /* when this congestion avoidance began; 0 = not begun */
	uint64_t grown_ms;   /* the last ACK that could make cwnd grow */
	uint32_t w_max;      /* bytes; 0 = no congestion was met yet */
	uint32_t w_est;      /* bytes: the Reno-friendly estimate */
	uint32_t cwnd_prior; /* bytes: cwnd when ssthresh was set last */
	uint32_t k_ms;
	uint16_t cwnd_part, w_est_part; /* what cwnd and w_est have beyond whole bytes, 2^-16 */
	bool after_timeout;             /* the first congestion avoidance after one: 4.8 */
	/* HyStart++, RFC 9406 4.2 */
	bool hystart_done; /* the first slow start is over */
	uint8_t samples;   /* rttSampleCount */
	uint8_t css_rounds;
	bool round_on;         /* round_end is set */
	tg_seq round_end;      /* window_end of the round */
	uint32_t round_min_us; /* currentRoundMinRTT; 0 = none */
	uint32_t last_min_us;  /* lastRoundMinRTT; 0 = none */
	uint32_t css_base_us;  /* cssBaselineMinRtt; 0 = not in conservative slow start */
	/* undo of a reduction that proved spurious (RFC 3522, 8985, 9438 4.9) */
	struct {
		uint32_t cwnd, ssthresh; /* cwnd 0 = nothing to undo */
		uint32_t w_max, w_est, cwnd_prior, k_ms;
		uint64_t epoch_ms;
	} undo;
};

/* --- used by recovery.c, ack.c, tx.c, rest.c --- */

/* The initial window (DT-19), and as reduced by lost SYNs (EST-25). */
uint32_t tg_cc_iw(const struct tg_tcb *tcb);
uint32_t tg_cc_initial(const struct tg_tcb *tcb);
/* cwnd = initial window, ssthresh without bound, memory cleared: at the handshake, after rest. */
void tg_cc_init(struct tg_tcb *tcb);
/* acked bytes were newly acknowledged outside loss recovery (after a timeout: in slow start, byte
 * counting with L = 1). rtt_us: the sample that this ACK gave, 0 = none. limited: cwnd, and not
 * the peer's window or the user, bounded what was sent (RFC 9438 5.8); when false cwnd does not
 * grow. SND.UNA is already moved. */
void tg_cc_acked(struct tg_tcb *tcb, uint32_t acked, uint32_t rtt_us, bool limited,
		 uint64_t now_ms);
/* Congestion was met with flight bytes outstanding: sets ssthresh (RFC 5681 (4), or RFC 9438 4.6
 * and 4.7), remembers what may be undone; cwnd is left to the caller. ecn: by ECE (RFC 8511: may
 * be gentler). */
void tg_cc_congestion(struct tg_tcb *tcb, uint32_t flight, bool ecn);
/* The retransmission timer fired: cwnd = loss window. first: for what stands at SND.UNA, for the
 * first time (ssthresh is set then only). */
void tg_cc_timeout(struct tg_tcb *tcb, uint32_t flight, bool first);
/* Loss recovery is over, cwnd is what recovery.c left: a new congestion avoidance begins. */
void tg_cc_recovered(struct tg_tcb *tcb);
/* The last reduction was spurious: cwnd and ssthresh as before it, never less than now. */
void tg_cc_undo(struct tg_tcb *tcb);
/* Text is about to go out after silence (DT-22): now_ms - tcb->sent_ms > RTO reduces cwnd to IW;
 * an application-limited time does not count as CUBIC time (RFC 9438 4.2, 5.8). */
void tg_cc_idle(struct tg_tcb *tcb, uint64_t now_ms);

#endif
