/* SPDX-License-Identifier: BSD-3-Clause */
/* splice.h (private to engine): a client and a backend whose connections are one (SP-01..SP-11).
 *
 * The client's handshake is ours (listener, half-open entry or cookie). When it is done no
 * connection is made but a splice: the backend gets a SYN with the client's own ISN, and from its
 * SYN-ACK on each segment of one side goes to the other, its numbers moved by a difference that is
 * the same for ever. A splice holds no byte that it has acknowledged, so it repeats nothing but its
 * SYN: all that is lost is repeated by the ends.
 *
 *            SYN to backend          SYN-ACK              a FIN        both are acknowledged
 *      begin ------------> OPENING ---------> SPLICED -----------> CLOSING ---------> TIME-WAIT
 *                             |                  |                    |                   | 2MSL
 *                             +-- RST, 3 tries,  +--- RST, idle ------+                   v
 *                                 ICMP: RST to the client                                gone
 *
 * All numbers that a record keeps are the client's: what the backend sends is counted as the
 * client sees it. Of each end is known
 *
 *      nxt   what it has acknowledged (its RCV.NXT, as far as we saw)
 *      end   one past the last byte that it has sent (its SND.NXT); 1 more with its FIN
 *      edge  the right edge of the window that it has told
 *
 * and these move only by segments that can be true: SEQ not beyond the edge of who receives it, ACK
 * not beyond what was sent. What cannot be true is passed on all the same, for the end to judge: it
 * knows more (RFC 5961). The one segment that ends a splice, a RST, must be exact.
 *
 * What the client says before the backend has answered is held, unacknowledged, as it came: 16
 * packets a splice, some more over all; more is dropped, and the client repeats it (SP-07). So
 * the window in the SYN-ACK is never 0, and SP-08 has nothing to repeat.
 *
 * TIME-WAIT ends with 2MSL, or when another handshake of the same client is done (before.h); as
 * long as that is under way, the splice is dormant: what comes from the backend is translated as
 * before, what the client says is looked at by the half-open entry first. Nothing of the record
 * moves any more then, and what was right edges means something else.
 *
 * In the engine's table each splice stands twice, once by the client's tuple and once by the
 * backend's, under indices above those of connections: conn_max + 2 * splice + side.
 *
 * Invariants, checked by tg_splices_validate(): S1 in use + free = handed out, also addresses of
 * IPv6 and held packets; S2 each stands in the table twice, under its two tuples; S3 by state as
 * counted; S4 each has a timer; S5 each stands in one list, by state and backend; S6 only OPENING
 * holds packets; S7 the wheel is valid; S8 a dormant one stands in the table by
 * its backend's tuple alone, and the half-open entry that it names knows of it. */
#ifndef TG_ENGINE_SPLICE_H
#define TG_ENGINE_SPLICE_H

#include "engine.h"
#include "pool.h"

enum {
	TG_SPLICE_HELD_MAX = 16,   /* packets of one client: its initial window (RFC 6928), and
				      some */
	TG_SPLICE_HELD_ALL = 2048, /* over all */
	TG_SPLICE_TRIES = 3,       /* SYNs to a backend: 1 s, 2 s, 4 s (SP-09) */
	TG_SPLICE_SYN_MS = 1000,
	TG_SPLICE_CLOSE_MS = 240000,      /* both FINs, not both acknowledged (RFC 5382 REQ-5) */
	TG_SPLICE_SEEN_MS = 256,          /* the unit of `seen` */
	TG_SPLICE_QUIET_MS = 4 * 3600000, /* what it can tell, whole hours; then `quiet` counts */
	TG_SPLICE_IDLE_DAYS = 40,         /* what both can tell */
	TG_SPLICE_ACK_MAX = 10,           /* equal ACKs in a row (SP-10) */
	TG_SPLICE_BUDGET = 64, /* records seen to in one call by what goes through lists */
};

enum tg_splice_side { TG_SPLICE_CLIENT = 0, TG_SPLICE_BACKEND };

enum {
	TG_SPLICE_V6 = 1 << 0,         /* key6 stands in for the addresses */
	TG_SPLICE_TS = 1 << 1,         /* OPENING: promised; then: both have it */
	TG_SPLICE_SACK = 1 << 2,       /* likewise */
	TG_SPLICE_WS = 1 << 3,         /* likewise */
	TG_SPLICE_FIN_CLIENT = 1 << 4, /* its FIN stands at end - 1 */
	TG_SPLICE_FIN_BACKEND = 1 << 5,
	TG_SPLICE_FOREIGN = 1 << 6, /* transparent: toward the backend the address is the
				       client's own */
	TG_SPLICE_ODD = 1 << 7,     /* which list of its backend it stands in */
};

struct tg_splice_end {
	tg_seq nxt, end;
	union {
		tg_seq edge;
		uint32_t ts_recent; /* TIME-WAIT, of the client: its last TSval (TD-22) */
		uint32_t half; /* TIME-WAIT, of the backend: the half-open entry beside which it is
				  dormant, or TG_NONE */
	};
};

struct tg_splice {
	/* --- who --- */
	union {
		struct {
			tg_be32 client, vip, ours, backend;
		} v4;
		uint32_t key6; /* index of its struct tg_splice6 */
	};
	uint16_t cport, vport, oport, bport; /* host order */
	/* --- time, lists --- */
	struct tg_timer timer;
	uint32_t next, prev; /* of its backend, or of TIME-WAIT; free: next */
	/* --- numbers --- */
	uint32_t delta;    /* ISN to the client - ISN of the backend; OPENING: the client's TSval */
	uint32_t ts_delta; /* the same of TSval; OPENING: the TSval that the client was told */
	struct tg_splice_end side[2];
	union {
		struct {
			uint16_t ack_hash[2];  /* SP-10: of the last pure ACK, by sender */
			uint8_t ack_n[2];      /* equal ones in a row */
			uint8_t ack_credit[2]; /* that segments of the other side may explain */
		};
		struct {
			uint32_t held_head, held_tail;
		};
	};
	union {
		uint16_t seen; /* when something moved last, in TG_SPLICE_SEEN_MS */
		struct {
			uint8_t tries, held_n;
		};
	};
	uint16_t mss; /* most that the backend takes; OPENING: the client */
	uint8_t state : 3, pool : 5;
	uint8_t backend;
	uint8_t flags;
	union {
		uint8_t quiet; /* times TG_SPLICE_QUIET_MS in which nothing moved, before `seen` */
		bool ts_known; /* TIME-WAIT: ts_recent is */
	};
	uint8_t wnd_c : 4, wnd_p : 4;   /* the client's scale; the one that it was promised */
	uint8_t wnd_b : 4, wnd_t : 4;   /* the backend's; the one that it takes the client's for */
	uint8_t port_c : 4, port_b : 4; /* of ours: toward the client, toward the backend */
	uint8_t ch_stamp;               /* last challenge ACK, in 64 ms */
};
_Static_assert(sizeof(struct tg_splice) <= 96, "one record of a spliced IPv4 connection");
_Static_assert(TG_PORT_MAX <= 16 && TG_POOL_MAX <= 32 && TG_BACKEND_MAX < 256, "they fit");

_Static_assert(TG_SPLICE_STATE_N <= 8 && TG_SPLICE_QUIET_MS / TG_SPLICE_SEEN_MS < UINT16_MAX, "");

static inline uint16_t tg_splice_seen(const struct tg_engine *e)
{
	return (uint16_t)(e->env.now_ms / TG_SPLICE_SEEN_MS);
}

struct tg_splice6 {
	struct tg_addr client, vip, ours, backend;
};

/* A packet that waits for its splice to open. */
struct tg_splice_held {
	struct tg_pkt pkt;
	struct tg_ip ip;
	uint32_t l2; /* bytes before the IP header */
	uint32_t next;
};

struct tg_splice_list {
	uint32_t head, tail, n;
};

/* Its splices. When it goes down the lists change places: who stood in one is told, bit by bit, and
 * who comes after goes to the other. */
struct tg_splice_backend {
	struct tg_splice_list list[2];
	bool odd; /* the list that new ones go to */
};

struct tg_splices {
	struct tg_splice *at;
	struct tg_splice6 *key6;
	struct tg_splice_held *held;
	uint32_t max, key6_max, held_max;
	uint32_t n, free, fresh;
	uint32_t key6_n, key6_free, key6_fresh;
	uint32_t held_n, held_free, held_fresh;
	uint32_t state_n[TG_SPLICE_STATE_N];
	uint32_t foreign_ports; /* bit p: transparent flows come in by port p */
	uint32_t scan;          /* of the abort */
	struct tg_splice_list time_wait;
	uint32_t dormant_n;
	struct tg_splice_backend of[TG_POOL_MAX][TG_BACKEND_MAX];
	uint64_t doomed[TG_POOL_MAX]; /* bit b: the list of backend b that gets no new ones is
					 to be reset */
	uint32_t doomed_n;            /* bits */
	struct tg_wheel wheel;
};

/* Where and how a packet lies that is passed on. */
struct tg_splice_pkt {
	struct tg_pkt *pkt;
	const struct tg_ip *ip;
	const struct tg_seg *seg;
	uint32_t l2;
	bool *used; /* set when the buffer went out */
};

/* --- splice.c: records, lists, table, time --- */

size_t tg_splices_footprint(const struct tg_engine_conf *conf);
/* mem: zero. NULL when conf has none. After the pools. */
struct tg_splices *tg_splices_init(struct tg_engine *e, void *mem);
/* Gives held packets back. */
void tg_splices_fini(struct tg_engine *e);

static inline uint32_t tg_splice_slot(const struct tg_engine *e, uint32_t s,
				      enum tg_splice_side side)
{
	return e->conf.conn_max + 2 * s + (uint32_t)side;
}
static inline struct tg_splice *tg_splice_of(const struct tg_engine *e, uint32_t slot,
					     enum tg_splice_side *side)
{
	*side = (enum tg_splice_side)((slot - e->conf.conn_max) & 1);
	return &e->splices->at[(slot - e->conf.conn_max) >> 1];
}
/* The tuple of one side as its segments bring it: l = where it sends to, r = itself. */
void tg_splice_tuple(const struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side side,
		     struct tg_tuple *t);

bool tg_splice_is(const struct tg_engine *e, uint32_t slot, const struct tg_tuple *t);
uint64_t tg_splice_hash(const struct tg_engine *e, uint32_t slot);
static inline void tg_splice_prefetch(const struct tg_engine *e, uint32_t slot)
{
	const struct tg_splice *s = &e->splices->at[(slot - e->conf.conn_max) >> 1];

	__builtin_prefetch(s, 1);
	__builtin_prefetch((const uint8_t *)(s + 1) - 1, 1);
}

/* A record for these two tuples, in the table twice, counted with its backend and its source; NULL:
 * there is no room. Its numbers are the caller's. */
struct tg_splice *tg_splice_new(struct tg_engine *e, int pool, uint8_t backend,
				const struct tg_tuple *client,
				const struct tg_tuple *backend_tuple);
/* rx waits for s to open; false: there is no room for it. The oldest that waits, taken off. All of
 * them back to the carrier. */
bool tg_splice_hold(struct tg_engine *e, struct tg_splice *s, struct tg_rx *rx);
bool tg_splice_unhold(struct tg_engine *e, struct tg_splice *s, struct tg_splice_held *h);
void tg_splice_drop_held(struct tg_engine *e, struct tg_splice *s);
/* Out of everything. */
void tg_splice_free(struct tg_engine *e, struct tg_splice *s);
void tg_splice_enter(struct tg_engine *e, struct tg_splice *s, enum tg_splice_state state);
/* Of one in TIME-WAIT. The client's tuple is half-open entry conn's for a while, or it is this
 * one's again (TD-24); waking may find no room in the table, and then it is gone. */
void tg_splice_sleep(struct tg_engine *e, struct tg_splice *s, uint32_t conn);
void tg_splice_wake(struct tg_engine *e, struct tg_splice *s);
static inline bool tg_splice_is_dormant(const struct tg_splice *s)
{
	return s->state == TG_SPLICE_TIME_WAIT && s->side[TG_SPLICE_BACKEND].half != TG_NONE;
}
void tg_splice_arm(struct tg_engine *e, const struct tg_splice *s, uint64_t deadline_ms);

/* Looks at it again in ms, 0 = never to end it; or earlier, as `seen` must not grow too old. */
void tg_splice_arm_idle(struct tg_engine *e, const struct tg_splice *s, uint64_t ms);

/* Timers; returns how many fired. When the next is due, ms, may be early. */
uint32_t tg_splices_tick(struct tg_engine *e, uint64_t tick, uint32_t budget);
uint64_t tg_splices_next(const struct tg_engine *e);
/* Those whose backend is down, and all of them while the engine aborts: bounded work. */
void tg_splices_run(struct tg_engine *e);
/* A backend went down: its splices are ended from the next call on, their clients told. */
void tg_splices_doom(struct tg_engine *e, int pool, uint8_t backend);
bool tg_splices_is_waiting(const struct tg_engine *e);
void tg_splices_stats(const struct tg_engine *e, struct tg_engine_stats *out);
/* Those that count for their source. */
uint32_t tg_splices_open(const struct tg_engine *e);
/* What a splice is to one who knows connections only. */
enum tg_tcp_state tg_splice_tcp_state(const struct tg_engine *e, uint32_t slot);
bool tg_splices_validate(const struct tg_engine *e, const char **why);

/* --- splice_open.c: from the client's handshake to the backend's --- */

/* What a listener before a pool is to a client: its configuration, less what the backend lacks
 * (SP-04). copy: room for it. */
void tg_splice_meet(struct tg_engine *e, const struct tg_listener *l, const struct tg_tuple *client,
		    struct tg_listen *li, struct tg_tcp_conf *copy);
/* The same of the configuration alone, for all clients of that family: what their SYN-ACKs say now;
 * false: it is not one for all. Good for as long as tg_pool_gen of the listener's pool stays, and
 * its configuration. */
bool tg_splice_terms(const struct tg_engine *e, const struct tg_listener *l, bool v4,
		     struct tg_tcp_conf *copy);
/* The client's handshake is done: rx completed it, tcb is its block as established. */
enum tg_ctr tg_splice_begin(struct tg_engine *e, struct tg_rx *rx, int pool,
			    const struct tg_tcb *tcb);
/* A segment for a splice in OPENING. */
enum tg_ctr tg_splice_opening(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s,
			      enum tg_splice_side from);
void tg_splice_open_timeout(struct tg_engine *e, struct tg_splice *s);
/* The backend cannot be had: the client gets the RST of SP-09, and the record goes. */
void tg_splice_fail(struct tg_engine *e, struct tg_splice *s, enum tg_ctr why, struct tg_rx *rx);

/* --- splice_rx.c: segments of a splice --- */

enum tg_ctr tg_splice_arrives(struct tg_engine *e, struct tg_rx *rx, uint32_t slot);
/* TD-22: whether a SYN to the backend, or to us from the client, begins something newer than s,
 * which is in TIME-WAIT. */
bool tg_splice_is_older(const struct tg_splice *s, const struct tg_seg *syn);
/* The numbers of the record follow a segment of `from`. */
void tg_splice_follow(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side from,
		      const struct tg_seg *seg);
/* SEQ = what was sent to that side, ACK = what is known of it, by RB-08. */
enum tg_ctr tg_splice_challenge(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side to,
				struct tg_rx *rx);
/* RST to one side, with the number that it expects most likely. */
void tg_splice_reset(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		     struct tg_rx *rx);

/* --- splice_icmp.c --- */

/* An error that quotes what we sent by the tuple of that slot (RB-17). */
enum tg_ctr tg_splice_icmp(struct tg_engine *e, uint32_t slot, const struct tg_icmp *icmp);

/* --- splice_tx.c --- */

/* Passes a segment of `from` on. */
enum tg_ctr tg_splice_forward(struct tg_engine *e, const struct tg_splice *s,
			      enum tg_splice_side from, const struct tg_splice_pkt *p);
/* A segment of our own to one side; false when there was no room. */
bool tg_splice_say(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		   struct tg_seg *seg, struct tg_rx *rx);

#endif
