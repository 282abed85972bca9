/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_rack.h: what loss recovery remembers besides the sent records: RACK-TLP (RFC 8985), PRR (RFC
 * 6937, RFC 9937), and what tells that a repetition was needless (RFC 2883, 3522). Zero is
 * "nothing yet". Times are microseconds of the engine's clock, modulo 2^32. */
#ifndef TG_RACK_H
#define TG_RACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tg_seq.h"

struct tg_rack {
	/* --- RFC 8985 5.2, 5.3: of all that is delivered what was sent last --- */
	uint32_t us;         /* RACK.xmit_ts */
	tg_seq end;          /* RACK.end_seq */
	uint32_t rtt_us;     /* RACK.rtt */
	uint32_t min_rtt_us; /* RACK.min_RTT; 0 = none */
	uint32_t min_ms;     /* when min_rtt_us was taken */
	tg_seq fack;         /* RACK.fack */
	tg_seq dsack_round;  /* RACK.dsack_round, with has_round */
	/* --- the last transmission: stamps tell the order of all (tg_rack_stamp) --- */
	uint32_t sent_us;
	tg_seq sent_end;
	/* --- PRR, RFC 9937 6.1 --- */
	uint32_t delivered, out, flight; /* prr_delivered, prr_out, RecoverFS */
	uint32_t early;  /* what was in the network when cwnd was reduced; after recovery what of it
			    is yet to be counted */
	uint32_t cut_us; /* when cwnd was reduced: what is sent again after it and lost too reduces
			    it once more (RFC 5681 4.3) */
	/* --- was it needless? From the first loss of an episode on. --- */
	tg_seq undo_from, undo_to; /* SND.UNA then, and what was in flight up to */
	uint32_t undo_bytes;       /* sent again, and no D-SACK yet that it came twice (RFC 3708) */
	tg_seq undo_end;           /* of the first repetition, with undo_first */
	uint32_t undo_ts;          /* and its TSval (RFC 3522) */
	/* --- tail loss probe, RFC 8985 7.1 --- */
	tg_seq tlp_end; /* TLP.end_seq, with tlp_out */

	uint8_t more;    /* RACK.reo_wnd_mult - 1 */
	uint8_t persist; /* RACK.reo_wnd_persist */
	bool on;         /* us, end, rtt_us are set */
	bool has_fack, has_round;
	bool reordering; /* RACK.reordering_seen */
	bool reo_runs;   /* TG_T_RACK is the reordering timer; else it is that of the probe */
	bool tlp_due;    /* the probe timer fired: output owes a probe */
	bool tlp_out;    /* it was sent, and what it found is not known yet */
	bool tlp_again;  /* TLP.is_retrans */
	bool undo_on;    /* an episode may still prove needless */
	bool undo_first; /* something was sent again in it */
	bool plain;      /* this recovery is NewReno's: the peer's ACKs carry no SACK blocks */
	bool limited;    /* cwnd bounded what was sent last (RFC 9438 5.8) */
};

#endif
