/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_tcb.h: the transmission control block (RFC 9293 3.3.1) of a connection that moves: in
 * SYN-SENT, with bytes in flight or queued, or an ACK owed. Fields print as the RFC prints them:
 * tcb->snd.una is SND.UNA.
 *
 * Times are 64-bit milliseconds of the engine's clock (ticks of the wheel) unless named _ns or _us.
 * Numbers that tests may rely on, checked by tg_tcb_validate():
 *   I1 SND.UNA <= SND.NXT; I2 snd.una <= rexmit_nxt <= SND.NXT; I3 the right edge we advertised
 * never moves left; I4 bytes in the send queue = (SND.NXT - SND.UNA less SYN and FIN) + unsent, at
 * most sndbuf (or what a shrunk sndbuf left); I5 hole blocks are disjoint, ordered, above RCV.NXT,
 * at most TG_OOO_MAX; I6 a timer that the state cannot have is off; I7 peer's FIN taken implies a
 * state after it; I8 with SACK the sent records are of SND.UNA to SND.NXT. */
#ifndef TG_TCB_H
#define TG_TCB_H

#include "tg_cc.h"
#include "tg_conn.h"
#include "tg_counters.h"
#include "tg_rack.h"
#include "tg_rng.h"
#include "tg_sent.h"
#include "tg_span.h"
#include "tg_tcp_conf.h"
#include "tg_wire.h"

enum tg_tcb_timer {
	TG_T_REXMIT, /* SYN, SYN-ACK, data, FIN retransmission, or persist: one at a time, by state
			and tcb->persist */
	TG_T_RACK,   /* reordering timer, or tail loss probe (RFC 8985) */
	TG_T_DELACK,
	TG_T_KEEPALIVE,
	TG_T_FW2,
	TG_T_SERVICE, /* tg_conn_timer() of a service */
	TG_T_N
};

enum { TG_OOO_MAX = 64 }; /* hole blocks a connection may hold (DT-13) */

enum {
	TG_OWE_ECE = 1 << 0, /* text came marked CE: ECE on all that is sent, until CWR comes */
	TG_OWE_CWR = 1 << 1, /* cwnd was reduced: CWR on the next new text */
};

struct tg_tcb {
	/* --- who, and what was negotiated --- */
	const struct tg_tcp_conf *conf;
	uint32_t conn; /* index of its struct tg_conn */
	uint8_t state; /* enum tg_tcp_state */
	uint8_t v6;
	uint8_t active; /* origin: SYN-RCVD "a" */
	uint8_t snd_scale, rcv_scale;
	bool ts_on, sack_on, ecn_on;
	bool ws_on; /* both sides sent window scale (EST-13); a scale may be 0 all the same */

	/* --- sequence space (RFC 9293 3.3.1) --- */
	struct {
		tg_seq una, nxt; /* nxt: one past the highest ever sent, FIN included */
		tg_seq iss, wl1, wl2;
		uint32_t wnd, max_wnd; /* bytes; max_wnd: MAX.SND.WND (RB-06) */
		uint16_t mss; /* SendMSS: the peer's, floored, capped by MTU and maxseg; options not
				 taken off (EST-11) */
	} snd;
	struct {
		tg_seq nxt, irs, up;
		tg_seq edge; /* right edge: one past the last byte we ever allowed; RCV.WND = edge -
				nxt */
		tg_seq last_ack; /* Last.ACK.sent */
	} rcv;

	/* --- flags: first those that keep a block from rest, each by itself (rest.c asks them all
	 * at once: eight, then four) --- */
	bool fin_held;    /* the peer's FIN is known, above a hole, at rcv_fin */
	bool shut_rd;     /* tg_lab_shutdown(SHUT_RD): told to the user only */
	bool ack_now;     /* output must send an ACK at once */
	bool delack;      /* an ACK is owed and may wait */
	bool persist;     /* TG_T_REXMIT is the persist timer */
	bool probe_due;   /* the persist timer fired: output owes a probe, or text that the window
			     is too small for by DT-27 */
	bool own_conf;    /* conf is private: the connection never rests */
	bool syn_unacked; /* FIN-WAIT-1 straight from SYN-RECEIVED (UC-05): SND.UNA is still ISS */
	uint8_t probes;   /* window or keepalive probes without an answer */
	bool recovery;    /* fast recovery, until recover is acknowledged */
	bool loss;        /* after a timeout, until recover is acknowledged: all is sent again from
			     rexmit_nxt on, with SACK by what is LOST */
	bool unused;      /* always false */
	bool fin_queued;  /* the user closed the sending side: FIN follows the queued bytes */
	bool fin_sent;    /* the FIN has its number: snd.nxt - 1 */
	bool fin_rcvd;    /* the peer's FIN is taken: rcv.nxt is past it */
	bool orphan;      /* fully closed: no reader */
	bool rexmit_syn;  /* SYN or SYN-ACK was sent more than once: no RTT sample without TS
			     (EST-25) */
	bool cookie_ts;   /* the SYN-ACK's TSval is a cookie's: it is repeated as it was (SC-10) */
	bool held_back;   /* the user found the send queue full since it was empty last (tx.c) */
	uint8_t backoff;  /* timeouts since the last progress */
	uint8_t syn_sent_n; /* SYNs or SYN-ACKs sent, counted by tg_fill_syn */
	uint8_t full_segs;  /* full-sized segments taken since the last ACK (DT-11) */
	uint8_t quick;      /* full segments that are acknowledged each, until quick_ms (rx.c) */
	uint8_t ecn_owed;   /* TG_OWE_*: what ECN has to say yet (ecn.c) */
	tg_seq rcv_fin;     /* number of the FIN that is held */

	/* --- time --- */
	uint64_t deadline[TG_T_N]; /* ms; 0 = off */
	uint64_t ch_ms;            /* when the last challenge ACK was sent; 0 = never */
	uint64_t ts_recent_ms;     /* when TS.Recent was set */
	uint64_t idle_since_ms;    /* last segment from the peer that passed (keepalive) */
	uint64_t sent_ms;          /* last data sent (DT-22) */
	uint64_t resent_ms; /* last repetition that no echo has answered yet; 0 = none (DT-07) */
	uint64_t quick_ms;  /* until then a hole was filled lately; 0 = none was */
	uint64_t rest_ms;   /* the last time at which a timer asked for rest (rest.c) */
	uint64_t rexmit_from_ms;  /* when what stands at SND.UNA began to wait; 0 = nothing does */
	uint64_t rexmit_since_ms; /* first send of what stands at SND.UNA and was repeated; R2
				     counts from here; 0 = none */
	uint32_t ts_recent, ts_offset;
	uint32_t ts_first, ts_last;  /* TSval of the first and the last SYN or SYN-ACK (EST-19,
					EST-34); kept without timestamps too */
	uint32_t srtt_us, rttvar_us; /* srtt_us 0 = no sample yet */
	uint32_t rto_us;             /* without backoff */
	uint64_t rtt_start_ns;       /* a segment is being timed (no TS); 0 = none */
	tg_seq rtt_seq;              /* the ACK that ends the timing is above this */

	/* --- congestion (RFC 5681, 6582) --- */
	uint32_t cwnd, ssthresh; /* bytes */
	uint32_t acked_bytes;    /* appropriate byte counting in congestion avoidance */
	struct tg_cc cc;         /* what the controllers remember */
	uint8_t dupacks;
	tg_seq recover;
	tg_seq rexmit_nxt; /* next byte to send again; = snd.nxt when nothing is to be repeated, and
			      with SACK, where sent says what is LOST */
	struct tg_rack rack; /* what loss recovery remembers */
	tg_seq ecn_recover;  /* an ECE counts once the ACK is above this */

	/* --- path MTU (pmtu.c) --- */
	struct {
		uint16_t full;   /* SendMSS as negotiated, while the path makes snd.mss less; 0: it
				    does not */
		uint16_t claim;  /* MTU of a PTB that is kept (RB-22); 0 = none */
		uint16_t sent;   /* size of a segment in flight that is longer than any before; 0 =
				    none */
		uint16_t proven; /* the longest that was acknowledged; both count as snd.mss does */
		tg_seq claim_seq, sent_end;
		uint16_t hole; /* SendMSS before a smaller one was tried for want of an answer
				  (DT-31); 0 = none is */
		uint8_t hole_backoff; /* timeouts then */
	} path;

	/* --- queues --- */
	tg_seq tx_end;     /* one past the last queued byte; the FIN's number once queued */
	tg_seq tx_push;    /* one past the end of the user's last write: PSH goes there (DT-29) */
	tg_seq rx_read;    /* next byte for the user; rcv.nxt - rx_read (less FIN) are readable */
	uint32_t rx_mss;   /* RMSS: the longest text seen, at most what we advertise (DT-11) */
	uint32_t rx_slack; /* bytes by which rounding moved the right edge past the buffer (EST-16)
			    */
	uint32_t ooo;      /* chunk with the hole blocks; TG_NONE = no holes */
	uint32_t ooo_n;
	struct tg_sack_block dsack; /* text that came twice: the next ACK says so (DT-15); left =
				       right: none */

	/* --- the user --- */
	uint32_t word;  /* the service's word */
	int soft_error; /* last soft ICMP error, errno: why an open that gets no answer failed; told
			   to the user by TG_EV_SOFT */
	uint32_t rexmits;             /* segments sent again (TG_LAB_RETRANSMITS) */
	uint8_t conf_idx;             /* struct tg_conn conf */
	uint32_t dormant;             /* SYN-RECEIVED: dormant TIME-WAIT record, or TG_NONE */
	struct tg_tcp_conf *conf_own; /* where conf points when own_conf */

	/* --- last, since tg_tcb_init need not clear them --- */
	struct tg_span tx;   /* bytes from snd.una (SYN not counted) to tx_end */
	struct tg_span rx;   /* bytes from rx_read to the highest received */
	struct tg_sent sent; /* what is in flight, for loss recovery */
};
_Static_assert(sizeof(struct tg_tcb) - offsetof(struct tg_tcb, tx) -
		       (2 * sizeof(struct tg_span) + sizeof(struct tg_sent)) <
		   8,
	       "nothing stands behind the queues");

enum { TG_TCB_RESTLESS = offsetof(struct tg_tcb, fin_held), TG_TCB_RESTLESS_N = 12 };
_Static_assert(offsetof(struct tg_tcb, fin_queued) - TG_TCB_RESTLESS == TG_TCB_RESTLESS_N,
	       "the flags that keep from rest stand together");

static inline uint32_t tg_tcb_rcv_wnd(const struct tg_tcb *tcb)
{
	return (uint32_t)tg_seq_diff(tcb->rcv.edge, tcb->rcv.nxt);
}

/* --- at rest (rest.c) --- */

/* True when the 64 bytes can say all of tcb (tg_conn.h). */
bool tg_tcb_may_rest(const struct tg_tcb *tcb, uint64_t now_ms);
/* tcb -> conn: all but key, conn->timer's links, and TG_CONN_V6. Returns the deadline of the one
 * timer, 0 = none (the caller arms it). May only be called when tg_tcb_may_rest. now_ms widens the
 * short stamps. */
uint64_t tg_tcb_pack(const struct tg_tcb *tcb, struct tg_conn *conn, uint64_t now_ms);
/* conn -> tcb, at rest -> moving. deadline: of conn's timer, 0 = not armed. cwnd and ssthresh start
 * anew (DT-22). */
void tg_tcb_unpack(struct tg_tcb *tcb, const struct tg_conn *conn, const struct tg_tcp_conf *conf,
		   uint64_t deadline, uint64_t now_ms);
/* Everything zero, queues empty, indices TG_NONE; conf and state given. */
void tg_tcb_init(struct tg_tcb *tcb, const struct tg_tcp_conf *conf, enum tg_tcp_state state);
/* Gives back all chunks. */
void tg_tcb_release(struct tg_tcb *tcb, struct tg_chunks *chunks);
/* The earliest of the deadlines; 0 = none. A block that time alone keeps from rest (its cwnd must
 * grow old, DT-22) counts that time once: tg_tcp_timeout then does nothing, and it may rest. */
uint64_t tg_tcb_deadline(const struct tg_tcb *tcb);
bool tg_tcb_validate(const struct tg_tcb *tcb, const struct tg_chunks *chunks, const char **why);

#endif
