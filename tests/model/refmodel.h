/* SPDX-License-Identifier: BSD-3-Clause */
/* refmodel.h: one host after RFC 9293, to be held beside a lab.
 *
 * It is written from RFC 9293 and sections 1, 3, 4 and 9 of the conformance checklist and knows
 * nothing of how the engine does it. It sees what the lab sees (datagrams, calls, time) and what
 * the lab does (datagrams, results). What the RFC decides it predicts: states, immediate answers,
 * numbers, what the user reads. What the RFC leaves to an implementation (when to merge ACKs, how
 * to cut segments, when to send again) it watches: each segment is either allowed or a difference,
 * and what it tells (SND.NXT, the window's edge, the last ACK) is learnt from it.
 *
 * Times are nanoseconds. Where the lab may act within a tick, the model holds a span and asks the
 * lab which side of it has come. The first difference is kept in `why`; after it the host is of no
 * more use. */
#ifndef REFMODEL_H
#define REFMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REF_FIN = 1,
	REF_SYN = 2,
	REF_RST = 4,
	REF_PSH = 8,
	REF_ACK = 16,
	REF_URG = 32,
};

enum {
	REF_PORTS = 3,      /* of each host: few, so that tuples come again in TIME-WAIT */
	REF_PORT0 = 5001,   /* the first */
	REF_RING = 1 << 14, /* bytes of a receive window that can be followed */
	REF_CONNS = 96,
	REF_SOCKS = 96,
	REF_QUEUE = 16, /* of connections waiting for accept */
	REF_RSTS = 32,
	REF_TS_OLD_MS = 24 * 24 * 3600 * 1000, /* RFC 7323 5.5 */
};

static const uint64_t REF_MS = 1000000;
static const uint64_t REF_NEVER = UINT64_MAX;

/* A segment of a tuple: ports are indices, local and remote as the host sees them. */
struct ref_seg {
	int lp, rp;
	uint8_t flags;
	uint32_t seq, ack, win, len;
	const uint8_t *text;
	bool has_mss, has_ws, has_sackok, has_ts;
	uint32_t mss, ws, tsval, tsecr;
	uint32_t sack_n, sack[4][2];
};

enum ref_state {
	REF_CLOSED,
	REF_LISTEN,
	REF_SYN_SENT,
	REF_SYN_RCVD,
	REF_ESTAB,
	REF_FIN_WAIT_1,
	REF_FIN_WAIT_2,
	REF_CLOSE_WAIT,
	REF_CLOSING,
	REF_LAST_ACK,
	REF_TIME_WAIT,
	REF_STATES
};

/* Within [from, to] something happens by itself. from = REF_NEVER: not armed. */
struct ref_span {
	uint64_t from, to;
};

/* What the segment or call of this step asks for. */
enum ref_want {
	REF_WANT_NOTHING,
	REF_WANT_ACK,    /* now */
	REF_WANT_CH,     /* a challenge, which the limit lets through */
	REF_MAY_CH,      /* a challenge, at the very edge of the limit */
	REF_WANT_SYNACK, /* at creation */
};

struct ref_conn {
	bool used;
	enum ref_state state;
	int lp, rp;
	int sock;     /* -1 = none (orphan, or waiting for accept) */
	int listener; /* whose child, -1 = opened actively */
	bool orphan;  /* close() was called */
	bool dying;   /* the lab may end it about now */
	enum ref_want want;

	/* Send side (RFC 9293 3.3.1). nxt is the highest number ever sent. */
	uint32_t iss, una, nxt, wnd, wl1, wl2, max_wnd,
	    snd_end;   /* snd_end: after the last byte written */
	uint32_t salt; /* of the bytes it writes */
	/* Where the RFC leaves a choice: wnd is what may be used, wnd_sure what must be; una is
	 * what may have been taken as acknowledged, una_sure what has been. */
	uint32_t wnd_sure, una_sure, max_sure;
	bool has_iss, fin_wanted, fin_sent;
	bool was_again; /* something was sent again */
	bool probed; /* the byte at nxt was sent as a window probe: it may be acknowledged, and does
			not count otherwise */
	uint8_t snd_shift;
	uint32_t snd_mss;
	uint32_t rexmit_n; /* segments sent again in silence */

	/* Receive side. */
	uint32_t irs, rcv_nxt, edge, last_ack, rd;
	uint8_t rcv_shift;
	bool has_fin_at, fin_taken, shut_rd, urgent;
	uint32_t fin_at, held; /* held: bytes above a hole */
	uint8_t ring[REF_RING];
	uint8_t have[REF_RING];

	/* Options. */
	bool ts_on, sack_on, ws_on, ts_offered, sack_offered, ws_offered;
	uint32_t ts_recent, ts_first, ts_last;
	uint64_t ts_recent_at, ts_first_at;

	/* Time. */
	uint64_t ch_at;                /* last challenge, or REF_NEVER */
	struct ref_span syn, fw2, die; /* resend SYN or SYN-ACK; FIN-WAIT-2; give up */
	uint64_t syn_gap;
	uint32_t syn_sent_n;
	bool synack_sent;
	uint64_t synack_at; /* of the first SYN-ACK */
	uint64_t ack_due;   /* owed since + delay, or REF_NEVER */
	uint64_t moved_at;  /* last progress of what is outstanding */
	uint64_t una_at;    /* when una moved */
	uint64_t again_at;  /* last time that a segment had something sent again, or the first by a
			       timer; 0 = not yet */
	uint64_t maybe_moved_at; /* the same, by what may have been taken */
	uint64_t heard_at;       /* last acceptable segment */
	uint64_t born_at;
	uint64_t met_at;                /* last segment of any kind */
	uint64_t active_at;             /* last segment either way */
	uint64_t rexmit_at, rexmit_gap; /* of the head, in silence */

	int error;      /* errno that the user has not seen, negative */
	bool ended;     /* reset or given up: nothing to read any more */
	bool quiet_end; /* ended in a way in which queued data may be gone */
};

/* TIME-WAIT: what is left of a connection for 2MSL (TD-15). */
struct ref_tw {
	bool on, dormant;
	uint32_t snd_nxt, rcv_nxt, edge, max_wnd, ts_recent, ts_first;
	bool ts_on;
	uint8_t rcv_shift;
	uint64_t ts_recent_at, ts_first_at, ch_at;
	struct ref_span end;
	enum ref_want want;
};

struct ref_tuple {
	struct ref_conn *live;
	struct ref_tw tw;
};

struct ref_listener {
	int sock; /* -1 = closed */
	int n, max;
	struct ref_conn *queue[REF_QUEUE];
};

struct ref_conf {
	uint32_t msl_ms, fin_wait_2_ms, challenge_ms, delayed_ack_ms, user_timeout_ms;
	uint32_t rcvbuf, sndbuf, mss_max, window_scale, mtu;
	bool v6, timestamps, sack, nodelay;
};

/* A RST that a segment or a call asks for, or the last ACK of a connection that is gone. */
struct ref_rst {
	int lp, rp;
	uint8_t flags;
	uint32_t seq, ack;
	bool may_miss;  /* it need not come */
	uint32_t slack; /* SEQ may be so much higher: a window probe counts or does not */
};

/* Why the lab is sending. */
enum ref_cause { REF_TIMER, REF_INPUT, REF_CALL };

struct ref_host {
	struct ref_conf conf;
	uint64_t now;
	enum ref_cause cause;
	bool by_rst; /* what ends now is ended by a RST */
	struct ref_tuple tuple[REF_PORTS][REF_PORTS];
	struct ref_listener listener[REF_PORTS];
	struct ref_conn *sock[REF_SOCKS];
	struct ref_conn conn[REF_CONNS];
	struct ref_rst rst[REF_RSTS];
	int rst_n;
	const char *(*ask)(void *arg, int lp, int rp); /* the lab's state of a tuple */
	void *ask_arg;
	char why[400];
	uint64_t seen[REF_STATES]
		     [8]; /* segments by state and kind of answer: what the run has reached */
};

extern const char *const ref_state_name[REF_STATES];

void ref_init(struct ref_host *h, const struct ref_conf *conf, uint64_t now);

/* refopen.c, refsync.c: segments */

/* Whether the RFC decides what the segment draws: false where it hangs on a choice that cannot be
 * seen. */
bool ref_may_judge(struct ref_host *h, const struct ref_seg *s);
/* A segment arrives at h->now, after ref_time and the judging of what timers sent. */
void ref_arrives(struct ref_host *h, const struct ref_seg *s);

/* reftime.c */

/* Time goes on to now; what must have happened by then has. What the lab may have done in silence
 * is only asked for at the end of a jump. */
void ref_time(struct ref_host *h, uint64_t now, bool is_end);
/* Settles the tuple's span, if it is within one, by what the lab says. */
void ref_settle(struct ref_host *h, int lp, int rp);
enum ref_state ref_state_of(const struct ref_host *h, int lp, int rp);
/* The end of a step: every answer that was asked for has come, and the tuple's state is the lab's.
 */
void ref_step_end(struct ref_host *h);
void ref_compare(struct ref_host *h, int lp, int rp);

/* Which span in which the lab gives up, when nothing comes. */
struct ref_span ref_die(const struct ref_host *h, const struct ref_conn *c);

/* refjudge.c: what the lab sends */
void ref_sends(struct ref_host *h, const struct ref_seg *s);

/* refcall.c: user calls, each with what the lab returned (a negative errno, or its result) */
void ref_listen(struct ref_host *h, int lp, int backlog, int got);
void ref_connect_before(struct ref_host *h, int lp, int rp);
void ref_connect(struct ref_host *h, int lp, int rp, int got);
void ref_accept(struct ref_host *h, int lp, int got, int got_lp, int got_rp);
void ref_read(struct ref_host *h, int sock, const uint8_t *buf, size_t want, int64_t got);
void ref_write_room(struct ref_host *h, int sock, size_t want, uint8_t *buf);
void ref_write(struct ref_host *h, int sock, size_t want, int64_t got);
void ref_shutdown(struct ref_host *h, int sock, bool rd, bool wr, int got);
void ref_close(struct ref_host *h, int sock, int got);
void ref_abort(struct ref_host *h, int sock, int got);
void ref_close_listener(struct ref_host *h, int lp, int got);

/* refsync.c */
void ref_arrives_sync(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s);

/* refconn.c */
struct ref_tuple *ref_tuple_of(struct ref_host *h, const struct ref_conn *c);
uint32_t ref_seg_len(const struct ref_seg *s);
uint32_t ref_ts_now(const struct ref_conn *c, uint64_t now);
void ref_answer_rst(struct ref_host *h, const struct ref_seg *s);
void ref_answer_ack(struct ref_conn *c);
enum ref_want ref_challenge_want(const struct ref_host *h, uint64_t last);
void ref_fail(struct ref_host *h, const char *form, ...) __attribute__((format(printf, 2, 3)));
struct ref_conn *ref_conn_new(struct ref_host *h, int lp, int rp);
void ref_enter(struct ref_host *h, struct ref_conn *c, enum ref_state state);
void ref_end(struct ref_host *h, struct ref_conn *c, int error);
void ref_challenge(struct ref_host *h, struct ref_conn *c);
void ref_challenged(struct ref_conn *c, uint64_t now);
uint8_t ref_byte(const struct ref_conn *c, uint32_t seq);
void ref_want_rst(struct ref_host *h, int lp, int rp, uint8_t flags, uint32_t seq, uint32_t ack);
void ref_rst_c(struct ref_host *h, const struct ref_conn *c);
struct ref_span ref_after(uint64_t from, uint64_t ms);
void ref_free_if_done(struct ref_conn *c);

/* The highest number that an ACK may carry. */
static inline uint32_t ref_top(const struct ref_conn *c)
{
	return c->nxt + c->probed;
}

static inline int32_t ref_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

#endif
