/* SPDX-License-Identifier: BSD-3-Clause */
/* control.h (private to tcp): what the files of the state machine ask of each other, apart from
 * the data path. */
#ifndef TG_TCP_CONTROL_H
#define TG_TCP_CONTROL_H

#include "machine.h"

enum {
	TG_SYN_RTO_MS = 1000, /* TO-01, TO-02: first repetition; doubles */
	TG_SYN_RTO_MAX_MS = 60000,
	TG_SYN_RETRIES = 8,      /* the eighth repetition goes out at 183 s: >= 180 s (MUST-23) */
	TG_ISS_STEP = 65537,     /* EST-02 */
	TG_MSS_DEFAULT_V4 = 536, /* MUST-15 */
	TG_MSS_DEFAULT_V6 = 1220,
	TG_HDRS_V4 = 40, /* IP and TCP header without options (EST-09) */
	TG_HDRS_V6 = 60,
	TG_WSCALE_MAX = 14,
	TG_PTB_MIN_V4 = 552, /* RB-21 */
	TG_PTB_MIN_V6 = 1280,
	TG_SYN_WND_MAX = 65535,
};
#define TG_PAWS_IDLE_MS (24ull * 24 * 3600 * 1000) /* RFC 7323 5.5 */

/* --- enter.c --- */

/* Nothing to do, accepted: the start of each public function. */
static inline void tg_act_init(struct tg_act *act)
{
	act->verdict = TG_CTR_NONE;
	act->has_reply = false;
	act->events = 0;
	act->reason = TG_CLOSE_NONE;
}

/* EST-29: the parser stopped at an illegal length; what stood before it counts. */
static inline void tg_note_options(const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	if (seg->opts.bad)
		tg_ctr_inc(env->ctr, TG_CTR_bad_option);
}

/* True when a block in that state may have that timer (I6). */
bool tg_timer_is_legal(enum tg_tcp_state state, enum tg_tcb_timer timer);
/* True when that step stands in legal_next[]. */
bool tg_enter_is_legal(enum tg_tcp_state from, enum tg_tcp_state to);

/* --- reply.c --- */

/* RST-B: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. */
void tg_reply_rst_b(const struct tg_seg *seg, struct tg_act *act);
/* RST-A out of a block: counted here, because no budget stands before it. */
void tg_reply_reset(const struct tg_seg *seg, const struct tg_tcp_env *env, struct tg_act *act);
/* The SYN-ACK of tcb. */
void tg_reply_syn_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
/* RB-08: the last challenge is younger than its interval. Never too short: the stamp was rounded
 * up, and now is rounded down. */
static inline bool tg_challenge_is_limited(const struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	return tcb->ch_ms && env->now_ns / TG_NS_PER_MS < tcb->ch_ms + env->challenge_ms;
}

/* True when a challenge may go now (RB-08); stamps it, and counts ch_sent or ch_skipped. */
bool tg_challenge_may(struct tg_tcb *tcb, const struct tg_tcp_env *env);

/* --- syn.c --- */

/* What we advertise (EST-09), and the most we may ever send by the MTU and conf (EST-11). */
uint16_t tg_syn_mss(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6);
/* SendMSS out of what the peer advertised, 0 = nothing (EST-10, EST-12). */
uint16_t tg_syn_peer_mss(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6,
			 uint16_t mss);
/* Counts what is odd about the options of a SYN that is taken (EST-12, EST-13). */
void tg_syn_note(const struct tg_tcp_conf *conf, const struct tg_seg *seg,
		 const struct tg_tcp_env *env);
/* Takes the options of the peer's SYN or SYN-ACK, as far as we want or offered them. */
void tg_syn_options(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env);
/* True when the peer's SYN or SYN-ACK asks for, or agrees to, ECN (EST-32). */
bool tg_syn_has_ecn(const struct tg_seg *seg);
/* The receive side starts behind the peer's SYN. */
void tg_syn_receive(struct tg_tcb *tcb, tg_seq irs);
/* ISS or cookie candidate, lifted above the old SND.NXT (EST-02). */
tg_seq tg_iss_above(tg_seq iss, const tg_seq *floor);

/* --- the checks of 3.10.7.4, in their order. Each returns true when the next may run. --- */

bool tg_check_paws(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act);
bool tg_check_sequence(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		       struct tg_act *act);
bool tg_check_rst(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);
bool tg_check_syn(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);
bool tg_check_ack(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);
bool tg_check_urg(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);
bool tg_check_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act);
bool tg_check_fin(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);

/* --- rest.c --- */

/* The time from which on tcb may rest, if nothing else keeps it from it: 0 = now. */
uint64_t tg_rest_at(const struct tg_tcb *tcb);

/* --- other --- */

/* SYN-SENT (3.10.7.3). */
void tg_syn_sent(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		 struct tg_act *act);
/* DT-09: TS.Recent from a segment that the checks up to ACK have let pass. */
void tg_update_ts_recent(struct tg_tcb *tcb, const struct tg_seg *seg,
			 const struct tg_tcp_env *env);
/* Checks 6 to 8. */
void tg_arrives_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		     struct tg_act *act);
/* The handshake is complete by seg, whose ACK is good: to ESTABLISHED. */
void tg_establish(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act);

/* Arms keepalive by the state and the configuration, from now on; or stops it (TO-07). */
void tg_keepalive_arm(struct tg_tcb *tcb, const struct tg_tcp_env *env);

#endif
