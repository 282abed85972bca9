/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_tcp.h: the state machine of RFC 9293 3.10. Pure: it is given the time, the segment and the
 * block, changes the block, and says in struct tg_act what must be done. It sends nothing, arms
 * nothing, calls nobody.
 *
 * One file per part of section 3.10:
 *   closed.c (3.10.7.1)  listen.c (3.10.7.2)  syn_sent.c (3.10.7.3)  arrives.c (3.10.7.4, the spine
 * of eight checks)  check_*.c calls.c (3.10.1-6)  timeout.c (3.10.8)  time_wait.c  enter.c (the one
 * place that changes the state) and the data path: rx.c (reassembly, ACK policy, window), tx.c
 * (output, queue), ack.c (SND.UNA, send window), recovery.c (loss: RFC 5681, 6582, 6675, 9937),
 * rack.c (RFC 8985), sent.c (what is in flight), cc.c, reno.c, cubic.c, hystart.c (windows), rto.c
 * (RFC 6298), rest.c (64 bytes <-> block), ecn.c (RFC 3168), span.c, isn.c, cookie.c. */
#ifndef TG_TCP_H
#define TG_TCP_H

#include "tg_cookie.h"
#include "tg_tcb.h"

/* Keys drawn once at start (TD-30). */
struct tg_tcp_secret {
	struct tg_sipkey isn, ts, tuple; /* tuple: table hash and TIME-WAIT fingerprint */
};

/* What the machine may know and use besides the block. One a call; the engine fills it once a
 * burst. */
struct tg_tcp_env {
	uint64_t now_ns,
	    now_ms; /* now_ms = now_ns / 10^6, rounded up: no deadline is early (TO-05) */
	const struct tg_tcp_secret *secret;
	const struct tg_cookie_keys *cookie;
	struct tg_counters *ctr;
	struct tg_chunks *chunks;
	struct tg_rng *rng;
	uint32_t challenge_ms; /* RB-08 */
	uint32_t msl_ms;
	uint16_t
	    mtu; /* of the path's first link: what we advertise as MSS comes from it (EST-09) */
	uint16_t pmtu_min_v4; /* least MTU that a PTB can make over IPv4 (RB-21); 0 = 552 */
};

enum {
	TG_EV_OPENED =
	    1 << 0, /* reached ESTABLISHED (or a state after it, by a FIN in the same segment) */
	TG_EV_READABLE = 1 << 1, /* new bytes in order */
	TG_EV_EOF = 1 << 2,      /* the peer's FIN was taken */
	TG_EV_WRITABLE = 1 << 3, /* room in the send queue again */
	TG_EV_CLOSED = 1 << 4,   /* state is CLOSED: reason says why; the block is to be freed */
	TG_EV_TIME_WAIT =
	    1 << 5, /* state is TIME-WAIT: to be turned into a record, after reply and output */
	TG_EV_URGENT = 1 << 6,    /* RCV.UP moved: tell the user once (SE-42) */
	TG_EV_SERVICE = 1 << 7,   /* the service's timer fired */
	TG_EV_SOFT = 1 << 8,      /* a soft error was noted */
	TG_EV_TO_LISTEN = 1 << 9, /* with CLOSED: SYN-RCVD(p) ended, the user is not told (SE-07); a
				     dormant record wakes on a RST */
	TG_EV_NEIGH = 1 << 10,    /* R1: the neighbour is to be asked again (DT-08) */
	TG_EV_PTB = 1 << 11, /* snd.mss fell by a PTB: the path's MTU is snd.mss and headers (RB-21)
			      */
};

enum tg_close_reason {
	TG_CLOSE_NONE = 0,
	TG_CLOSE_NORMAL,          /* both FINs acknowledged */
	TG_CLOSE_RESET,           /* ECONNRESET */
	TG_CLOSE_REFUSED,         /* ECONNREFUSED */
	TG_CLOSE_TIMEOUT,         /* ETIMEDOUT: R2, user timeout, keepalive, SYN, SYN-ACK */
	TG_CLOSE_UNREACHABLE,     /* EHOSTUNREACH */
	TG_CLOSE_NET_UNREACHABLE, /* ENETUNREACH */
	TG_CLOSE_ABORT,           /* our own abort */
	TG_CLOSE_FW2,             /* orphan's FIN-WAIT-2 ran out */
};

/* The positive errno that a user sees for a reason; 0 for NONE, NORMAL, FW2. */
int tg_close_errno(enum tg_close_reason reason);

/* What must be done, in this order: count verdict; send reply; tell events; run tg_tcp_output. */
struct tg_act {
	enum tg_ctr verdict; /* TG_CTR_NONE = accepted, else the drop */
	bool has_reply;
	struct tg_seg reply; /* complete, options included; no text */
	uint32_t events;     /* TG_EV_* */
	enum tg_close_reason reason;
};

/* --- segment arrives, by where it meets us --- */

/* CLOSED: no connection, no listener (3.10.7.1). reply is RST-A or RST-B, or none for a RST. */
void tg_tcp_closed(const struct tg_seg *seg, struct tg_act *act);

/* A listener's part in the answer. */
struct tg_listen {
	const struct tg_tcp_conf *conf;
	bool mint;     /* answer SYNs with cookies */
	bool validate; /* try ACKs as cookies (SC-09); stateful SYN-ACKs then carry one too (SC-10)
			*/
	bool fleet;    /* whatever it costs: another node may have to finish it (SC-13) */
	bool want_ts;  /* only cookies with timestamps count (SC-23) */
	/* What cookies' SYN-ACKs may have told under configurations before (SC-07): options and
	 * scales; the widest window, 0 = none. */
	struct tg_cookie_offer before;
	uint16_t promised;
	bool used; /* the number that the ACK names has opened a connection (SC-15) */
};

/* What conf agrees to with the SYN seg, as far as a cookie keeps it; counts nothing. */
struct tg_cookie_deal tg_tcp_deal(const struct tg_tcp_conf *conf, const struct tg_tuple *tuple,
				  const struct tg_seg *seg, const struct tg_tcp_env *env);
/* The SYN-ACK that says so, but for its numbers: SEQ, ACK, timestamps. */
void tg_tcp_cookie_reply(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6,
			 const struct tg_cookie_deal *deal, struct tg_seg *seg);

enum tg_listen_outcome {
	TG_LISTEN_DONE = 1, /* act says all; nothing was created */
	TG_LISTEN_HALF,     /* tcb is a new SYN-RECEIVED; act->reply its SYN-ACK */
	TG_LISTEN_COOKIE,   /* act->reply is a SYN-ACK with a cookie; nothing was created */
	TG_LISTEN_OPEN, /* a valid cookie: tcb is ESTABLISHED (or CLOSE-WAIT), the segment's text is
			   in it; events has OPENED */
};

/* LISTEN (3.10.7.2). tcb: room for a block, conf_idx and word are the caller's to fill in.
 * iss_floor: NULL, or the old SND.NXT of the TIME-WAIT record that gives way: ISS (or cookie) will
 * be above it by EST-02; a cookie that is not (TD-23) becomes HALF. tuple: seen from us. */
enum tg_listen_outcome tg_tcp_listen(const struct tg_listen *l, const struct tg_tuple *tuple,
				     const struct tg_seg *seg, const tg_seq *iss_floor,
				     const struct tg_tcp_env *env, struct tg_tcb *tcb,
				     struct tg_act *act);

/* SYN-SENT and all synchronized states but TIME-WAIT (3.10.7.3, 3.10.7.4), SYN-RECEIVED included.
 * The text is copied into the block; the segment is not kept. */
void tg_tcp_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		    struct tg_act *act);

/* After tg_tcp_arrives (or this) took `last`, with what act says then: takes seg, the next of the
 * same connection at the same time, if it continues last and says nothing else; what it adds is
 * added to act. False: nothing was done, it is for tg_tcp_arrives (after act was obeyed). */
bool tg_tcp_follows(struct tg_tcb *tcb, const struct tg_seg *last, const struct tg_seg *seg,
		    const struct tg_tcp_env *env, struct tg_act *act);

/* An ICMP error about this connection (RB-17..22), already matched by tuple. error: errno as in
 * tg_icmp; hard/ptb as named. Sets act->verdict to icmp_bad_seq when the quoted sequence number is
 * not in flight. ptb_mtu 0 with EMSGSIZE: the next plateau below what is used now. */
void tg_tcp_icmp(struct tg_tcb *tcb, tg_seq quoted_seq, int error, bool hard, uint32_t ptb_mtu,
		 const struct tg_tcp_env *env, struct tg_act *act);

/* The MTU to try when a router names none (RFC 1191 7.1); quoted_len: total length of the IPv4
 * datagram that it quotes, 0 = unknown. */
uint32_t tg_pmtu_plateau(const struct tg_tcb *tcb, uint32_t quoted_len,
			 const struct tg_tcp_env *env);
/* What is known of the path to the peer: its MTU, at least 68, or 0: nothing (any more). snd.mss
 * falls, or rises again up to what was negotiated (RFC 1191 6.3). */
void tg_pmtu_set(struct tg_tcb *tcb, uint32_t mtu);
/* What snd.mss and the headers make. */
uint32_t tg_pmtu(const struct tg_tcb *tcb);

/* --- user calls (3.10.1-6) --- */

/* Active OPEN: tcb becomes SYN-SENT; the SYN comes out of tg_tcp_output. iss_floor as above
 * (TD-27); ts_floor: 0 or the old TSval. */
void tg_tcp_open(struct tg_tcb *tcb, const struct tg_tuple *tuple, const tg_seq *iss_floor,
		 const struct tg_tcp_env *env);
/* SEND: bytes taken into the queue, 0..len; 0 when full. -EPIPE after close or shutdown, -ENOTCONN
 * in states without a connection. */
int32_t tg_tcp_send(struct tg_tcb *tcb, const void *data, uint32_t len,
		    const struct tg_tcp_env *env);
/* SEND of n bytes that stand in tx already, at SND.NXT; the queue is empty, and not filled by them.
 */
void tg_tcp_adopt(struct tg_tcb *tcb, const struct tg_span *tx, uint32_t n,
		  const struct tg_tcp_env *env);
/* Room in the send queue, bytes. */
uint32_t tg_tcp_send_room(const struct tg_tcb *tcb);
/* RECEIVE: bytes readable in order; in place, in one piece; and n of them consumed (which may owe a
 * window update, DT-26: tg_tcp_output sends it). */
uint32_t tg_tcp_readable(const struct tg_tcb *tcb);
const uint8_t *tg_tcp_peek(const struct tg_tcb *tcb, const struct tg_tcp_env *env, uint32_t offset,
			   uint32_t *run);
void tg_tcp_consume(struct tg_tcb *tcb, uint32_t n, const struct tg_tcp_env *env);
/* For who keeps a block apart from its chunks (lib/model): the texts above RCV.NXT, in order, into
 * blk[TG_OOO_MAX]; returns how many. And back, into a block that has none; false: no chunk is free.
 * Which of them grew last is forgotten. */
uint32_t tg_tcp_holes(const struct tg_tcb *tcb, const struct tg_tcp_env *env,
		      struct tg_sack_block *blk);
bool tg_tcp_set_holes(struct tg_tcb *tcb, const struct tg_tcp_env *env,
		      const struct tg_sack_block *blk, uint32_t n);
/* CLOSE of the sending side (half-close, UC-05, UC-06). 0, or -ENOTCONN. SYN-SENT: act says CLOSED.
 */
int tg_tcp_shutdown(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
/* Full CLOSE: orphan from now on; RST when bytes are unread (UC-08) or linger is 0 (UC-09). */
void tg_tcp_close(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);
/* ABORT (UC-07). act: reply RST-C where the state wants one, CLOSED. */
void tg_tcp_abort(struct tg_tcb *tcb, enum tg_close_reason reason, const struct tg_tcp_env *env,
		  struct tg_act *act);

/* *tcb->conf was changed under a live connection: keepalive (TO-07) and the orphan's FIN-WAIT-2
 * timer (TO-06) start, stop or move by the new values. */
void tg_tcp_reconf(struct tg_tcb *tcb, const struct tg_tcp_env *env);

/* --- time (3.10.8) --- */

/* Runs every timer of tcb with deadline <= env->now_ms. May be called too early: then nothing. */
void tg_tcp_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act);

/* --- output --- */

/* The next segment that tcb wants to send now: SYN, retransmission, data, FIN, probe, ACK; false
 * when there is none. Call until false, or until the output is full (then call later: nothing is
 * lost). The block is updated as sent. seg->text is NULL: the caller copies seg->len bytes by
 * tg_tcp_text. max_text: most bytes of text in one segment as a multiple of the effective MSS
 * (TSO), 1 = none. */
bool tg_tcp_output(struct tg_tcb *tcb, const struct tg_tcp_env *env, uint32_t max_text,
		   struct tg_seg *seg);
void tg_tcp_text(const struct tg_tcb *tcb, const struct tg_tcp_env *env, tg_seq seq, void *dst,
		 uint32_t len);
/* The effective MSS when the next segments may leave as one frame, and more than one is queued
 * (DT-34); 0: one at a time. */
uint32_t tg_tso_mss(const struct tg_tcb *tcb);
/* States that send text or a FIN, or wait for their ACK. */
bool tg_data_may_send(const struct tg_tcb *tcb);
/* True when tg_tcp_output would return true: cheap. */
bool tg_tcp_has_output(const struct tg_tcb *tcb, const struct tg_tcp_env *env);

/* --- numbers (isn.c) --- */

/* RFC 6528: M + F(tuple); M ticks every 4 us (EST-01). */
tg_seq tg_tcp_isn(const struct tg_tuple *tuple, const struct tg_tcp_env *env);
/* The per-peer timestamp offset (EST-18), keyed hash of laddr, raddr. */
uint32_t tg_tcp_ts_offset(const struct tg_tuple *tuple, const struct tg_tcp_env *env);
static inline uint32_t tg_tcp_tsval(uint32_t ts_offset, const struct tg_tcp_env *env)
{
	return (uint32_t)env->now_ms + ts_offset;
}
/* The keyed hash of a tuple, for tables and TIME-WAIT fingerprints; never shown to the network. v4
 * and mapped form hash equal. */
uint64_t tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret);

#endif
