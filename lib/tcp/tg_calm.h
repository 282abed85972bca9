/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_calm.h: segments that a connection at rest is most often sent, judged by its 64 bytes as they
 * stand (tg_conn.h). Each is the next in order, acknowledges all that was sent, carries no option
 * but the timestamps that were agreed on, and no flag that says more than it must: of such a one
 * the eight checks (arrives.c) let everything pass, and what they would do is known beforehand.
 * Whatever else comes is for them. So this may be too strict, and must never be too lax; the engine
 * asks both ways and compares (test_engine_calm). */
#ifndef TG_CALM_H
#define TG_CALM_H

#include "tg_tcp.h"

enum tg_calm {
	TG_CALM_NOT = 0, /* for tg_tcp_arrives */
	TG_CALM_OPENS,   /* the ACK of a half-open entry's SYN-ACK */
	TG_CALM_TEXT,    /* ESTABLISHED: text, as much as the window has room for */
	TG_CALM_FIN,     /* ESTABLISHED: the peer's FIN alone */
};
enum tg_calm tg_calm_meet(const struct tg_conn *c, const struct tg_tcp_conf *conf,
			  const struct tg_seg *seg, const struct tg_tcp_env *env);

/* Does to c what the segment is. The caller counts, moves timers, and tells the service. */
void tg_calm_open(struct tg_conn *c, const struct tg_seg *seg, const struct tg_tcp_env *env);
/* Of TEXT, all of which will be taken by the user, and of FIN: all but the window that is told next
 * (tg_calm_answer), and the state. */
void tg_calm_take(struct tg_conn *c, const struct tg_seg *seg, const struct tg_tcp_env *env);

/* What is said at last: the window field to tell, which stands in c from then on (DT-26, EST-16).
 * taken: bytes of text that the user has read since before told; was: the window then. False: 64
 * bytes cannot say what comes of it, and c is as it was. */
struct tg_calm_wnd {
	uint32_t was, taken;
	uint32_t slack; /* in and out: struct tg_tcb rx_slack */
	bool fin;       /* the peer's FIN was taken */
	uint16_t field; /* out */
};
bool tg_calm_tell(struct tg_conn *c, const struct tg_tcp_conf *conf, struct tg_calm_wnd *w);
/* When the first timer of the one segment that was sent now is due (DT-06, RFC 8985 7.2). */
uint64_t tg_calm_due(const struct tg_conn *c, const struct tg_tcp_conf *conf, uint64_t now_ms);
/* What one segment of text may have, its FIN not counted. */
uint32_t tg_calm_room(const struct tg_conn *c, const struct tg_tcp_conf *conf);
/* Whether seg is the next in order and acknowledges end, and says nothing beside flags ctl and PSH.
 */
bool tg_calm_is_last(const struct tg_conn *c, const struct tg_seg *seg, tg_seq end, uint8_t ctl);

/* The send window, bytes. */
static inline uint32_t tg_calm_snd_wnd(const struct tg_conn *c)
{
	return (c->flags & TG_CONN_SND_RAW) ? c->snd_wnd : (uint32_t)c->snd_wnd << c->snd_scale;
}
static inline uint32_t tg_calm_max_wnd(const struct tg_conn *c)
{
	return (c->flags & TG_CONN_MAX_RAW) ? c->max_snd_wnd
					    : (uint32_t)c->max_snd_wnd << c->snd_scale;
}
/* The receive window, bytes. */
static inline uint32_t tg_calm_rcv_wnd(const struct tg_conn *c)
{
	return (c->flags & TG_CONN_RCV_RAW) ? c->rcv_wnd : (uint32_t)c->rcv_wnd << c->rcv_scale;
}

#endif
