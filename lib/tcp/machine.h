/* SPDX-License-Identifier: BSD-3-Clause */
/* machine.h (private to tcp): what the files of the state machine and those of the data path ask of
 * each other. All functions take the block, the environment and, where something may have to be
 * said, the actions. */
#ifndef TG_TCP_MACHINE_H
#define TG_TCP_MACHINE_H

#include "tg_cookie.h"
#include "tg_tcp.h"
#include "tg_time_wait.h"

/* --- control: enter.c, reply.c, syn.c --- */

/* The one place that changes the state: checks legal_next[], stops the timers that the new state
 * cannot have, counts, sets TG_EV_CLOSED or TG_EV_TIME_WAIT. */
void tg_enter(struct tg_tcb *tcb, enum tg_tcp_state state, const struct tg_tcp_env *env,
	      struct tg_act *act);
/* CLOSED for a reason. */
void tg_enter_closed(struct tg_tcb *tcb, enum tg_close_reason reason, const struct tg_tcp_env *env,
		     struct tg_act *act);
/* What every segment of a synchronized connection carries: seq as given, ack = RCV.NXT, window
 * (which may move the right edge), TSopt, SACK blocks; and marks the ACK as sent (last_ack, delack,
 * ack_now, full_segs, TG_T_DELACK). ctl gets TG_TCP_ACK. */
void tg_fill(struct tg_tcb *tcb, tg_seq seq, uint8_t ctl, const struct tg_tcp_env *env,
	     struct tg_seg *seg);
/* The SYN (in SYN-SENT) or SYN-ACK (in any other state) of tcb, options by what it offers or
 * negotiated; window unscaled (EST-14). Counts syn_sent_n, sets rexmit_syn, ts_first, ts_last and
 * starts the timing of the handshake (rtt_start_ns, rtt_seq = ISS). Does not touch SND.NXT or
 * timers. */
void tg_fill_syn(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_seg *seg);
/* act->reply becomes an ACK (`ACK now`: not limited), a challenge ACK (RB-08: limited by
 * tcb->ch_ms; ch_sent or ch_skipped), a RST (RST-A: seq = SEG.ACK), RST-C (SEQ=SND.NXT, UC-07). */
void tg_reply_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
void tg_reply_challenge(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
void tg_reply_rst_a(const struct tg_seg *seg, struct tg_act *act);
void tg_reply_rst_c(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);

/* --- data path, receive: rx.c --- */

/* Starts the receive side at IRS + 1 with the window that the SYN or SYN-ACK announces: sets
 * rcv.nxt, rcv.edge, rx_read, last_ack. */
void tg_rx_init(struct tg_tcb *tcb, tg_seq irs);
/* The window field to send now, and the right edge it makes (never left of the old, EST-16; honest,
 * DT-01). syn: unscaled, at most 65535. */
uint16_t tg_rx_window(struct tg_tcb *tcb, bool syn);
/* Fills opts->sack (DT-14): what came twice, once (DT-15); then the hole blocks, most recent first;
 * at most 4 in all, 3 with timestamps. */
void tg_rx_sack(struct tg_tcb *tcb, struct tg_tcp_opts *opts, const struct tg_tcp_env *env);
/* Text [l, r) came before (RFC 2883 4): the next ACK with SACK says so. */
void tg_rx_twice(struct tg_tcb *tcb, tg_seq l, tg_seq r);
/* Check 7 (text) in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2: trims to the window, stores, advances
 * RCV.NXT over what became whole, decides on the ACK (delack, ack_now, or an immediate dup ACK as
 * act->reply for text above a hole), sets READABLE. A FIN of the segment above a hole is remembered
 * (fin_held, rcv_fin) unless it was trimmed off. */
void tg_rx_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		struct tg_act *act);
/* After tg_rx_text: true when the peer's FIN stands exactly at RCV.NXT now (in this segment or
 * held) and may be taken. */
bool tg_rx_fin_is_next(const struct tg_tcb *tcb, const struct tg_seg *seg);

/* --- ECN: ecn.c --- */

/* At the handshake, when SND.UNA is past the SYN: nothing is owed. */
void tg_ecn_init(struct tg_tcb *tcb);
/* ECN is on, and text of seg is inside the window: takes CE and CWR from it (RFC 3168 6.1.3). */
void tg_ecn_text_arrives(struct tg_tcb *tcb, const struct tg_seg *seg);
/* ECN is on: before an acceptable ACK moves SND.UNA: true when it has ECE, so that cwnd must not
 * grow by it; once a window it makes cwnd less (RFC 3168 6.1.2). */
bool tg_ecn_ack_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env);
/* cwnd was reduced, for whatever reason (cc.c); if ECN is on, the peer will be told by CWR, and ECE
 * of what is in flight now counts no more. */
void tg_ecn_reduced(struct tg_tcb *tcb);
/* ECN is on, seg is text sent for the first time, or the FIN: ECT(0), and CWR when it is owed. Not
 * for what is repeated, probes or empty segments (RFC 3168 6.1.4 to 6.1.6). */
void tg_ecn_mark(struct tg_tcb *tcb, struct tg_seg *seg);

/* --- data path, send: ack.c, recovery.c, rack.c, tx.c, rto.c ---
 *
 * SYN and SYN-ACK come out of tg_tcp_output in SYN-SENT and SYN-RECEIVED whenever rexmit_nxt = ISS:
 * tg_tcp_open sets una = nxt = rexmit_nxt = ISS, and who wants it sent again (timeout.c, which
 * counts backoff) sets rexmit_nxt = ISS. Output then sets nxt = rexmit_nxt = ISS + 1 and
 * arms TG_T_REXMIT by tg_rto_ms; tg_fill_syn counts. */

/* Check 5 for an acceptable ACK (UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, SE-28..30, SE-45) in
 * every synchronized state: advances SND.UNA, frees the queue, takes RTT samples, counts duplicate
 * ACKs and starts fast retransmit, updates the send window, restarts or stops the retransmission
 * timer, ends persist; sets WRITABLE. */
void tg_ack_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		    struct tg_act *act);
/* True when our FIN was sent and SND.UNA is past it. */
static inline bool tg_ack_covers_fin(const struct tg_tcb *tcb)
{
	return tcb->fin_sent && tg_seq_eq(tcb->snd.una, tcb->snd.nxt);
}
/* The handshake's ACK is in: send window, wl1, wl2, MAX.SND.WND, first RTT sample (not when
 * rexmit_syn and no TS), cwnd = IW (EST-25, DT-19), tx_end = rexmit_nxt = snd.nxt. */
void tg_ack_handshake(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env);
/* The RTT sample that seg gives by its timestamp echo, or by the timed segment; Karn (DT-07).
 * Returns it, us; 0 = none. */
uint32_t tg_rto_sample(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env);
/* RTO with backoff, ms, capped at 60 s (DT-05); in SYN-SENT and SYN-RCVD: 1 s doubling (TO-01,
 * TO-02). */
uint64_t tg_rto_ms(const struct tg_tcb *tcb);
/* TG_T_REXMIT fired in a state that has data, FIN or a window to probe: R1, R2 (TO-03, TO-04,
 * TO-08, TO-09), backoff, loss window, go-back-N. SYN-SENT and SYN-RCVD are timeout.c's. */
void tg_tx_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
/* Arms, keeps or stops TG_T_REXMIT for what is in flight or queued now: retransmission, persist, or
 * none. Output, ACKs and SEND call it; so must who queues a FIN (fin_queued) or changes snd.wnd. */
void tg_tx_settle(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* rto_us anew from srtt_us and rttvar_us, e.g. after rest. */
void tg_rto_update(struct tg_tcb *tcb);
/* TG_T_RACK fired (RFC 8985): loss that was not certain is, or a tail loss probe is due. */
void tg_rack_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* No loss is known, cwnd and ssthresh as new (IW), e.g. after rest. */
void tg_recovery_init(struct tg_tcb *tcb);
/* SendMSS less the options that every segment carries (EST-11). */
static inline uint32_t tg_tx_mss(const struct tg_tcb *tcb)
{
	return tcb->ts_on ? tcb->snd.mss - 12u : tcb->snd.mss;
}

/* What a full segment carries. A send queue of a few segments that holds its user back is cut into
 * an even number of equal ones: a peer that acknowledges every second full segment (DT-11) then
 * waits for no other, and no tail is kept back (DT-27, DT-28). Of more segments the tail is no
 * matter, and what fits into one goes as one. */
enum { TG_TX_EVEN_MAX = 32 };

static inline uint32_t tg_tx_size(const struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_mss(tcb), buf = tcb->conf->sndbuf;

	if (!tcb->held_back || buf <= mss || buf > TG_TX_EVEN_MAX * mss)
		return mss;
	return buf / (2 * ((buf + 2 * mss - 1) / (2 * mss)));
}

#endif
