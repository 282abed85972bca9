/* SPDX-License-Identifier: BSD-3-Clause */
/* pmtu.h (private to tcp): the path MTU as one connection sees it (RFC 1191, RFC 8201, RFC 5927
 * 7.2; RB-21, RB-22). pmtu.c says when a packet-too-big message is believed. */
#ifndef TG_TCP_PMTU_H
#define TG_TCP_PMTU_H

#include "tg_tcp.h"

/* A packet-too-big message of mtu about the segment in flight at seq: ignored (verdict), applied
 * (TG_EV_PTB), or kept until the timeout of that segment. */
void tg_pmtu_claim(struct tg_tcb *tcb, tg_seq seq, uint32_t mtu, const struct tg_tcp_env *env,
		   struct tg_act *act);
/* The retransmission timer fired for what stands at SND.UNA, and nothing was done about it yet:
 * a claim that was kept may be applied now (TG_EV_PTB). */
void tg_pmtu_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
/* [end - len, end) goes out, as segments of at most the effective MSS; again: not for the first
 * time. */
void tg_pmtu_sent(struct tg_tcb *tcb, tg_seq end, uint32_t len, bool again);

#endif
