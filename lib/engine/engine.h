/* SPDX-License-Identifier: BSD-3-Clause */
/* engine.h (private to engine): one core's world, and what its files ask of each other.
 *
 * A connection rests in 64 bytes (struct tg_conn) and moves in an extension (struct tg_ext) out of
 * a pool: received segments, due timers and calls of services attach one, and it is given back when
 * its output was run and it may rest.
 *
 * Re-entrancy. Services are told in the middle of a segment, a timer or a call, and may call any
 * tg_conn_* function for the same connection or others. So: a connection that ends leaves the table
 * at once, is marked TG_EXT_GONE, and lies in the grave list until no callback runs any more; only
 * then are its index and its extension used again. Whoever told a service something looks at
 * TG_EXT_GONE before going on. Nothing is packed while a callback runs.
 *
 * Invariants, checked by tg_engine_validate():
 *   I1 each connection in use is in the table once, and nothing else is; I2 connections in use +
 * free + fresh = all, likewise extensions, IPv6 keys and chunks; I3 a class is referenced as often
 * as refs says; I4 connections by state, and half-open ones by listener, are as counted; I5 an
 * attached extension and its connection name each other; I6 the timer of a moving connection is
 * armed no later than its first deadline; I7 a resting connection may rest; I8 no grave is left
 * between calls; I9 the rooms below are valid; I10 rx_segments = rx_accepted + drops; I11 windows
 * that are closed are listed or counted once; I12 sources hold what their connections say. */
#ifndef TG_ENGINE_PRIVATE_H
#define TG_ENGINE_PRIVATE_H

#include "budget.h"
#include "calm.h"
#include "half.h"
#include "neigh.h"
#include "path.h"
#include "syn.h"
#include "tg_cookie.h"
#include "tg_engine.h"
#include "tg_tuple_batch.h"
#include "tw_store.h"
#include <assert.h>
#include <errno.h>

enum {
	TG_ECHO_RATE = 1000, /* echo replies a second to one prefix (LN-18) */
	TG_PORT_LOW = 1024,  /* source ports of active opens */
	TG_PORT_HIGH = 65535,
	TG_RST_RING_MAX = 4096,
	TG_SEND_QUANTUM = 16, /* segments of one connection before the next has its turn */
	TG_POLL_BUDGET = 64,  /* waiting connections looked at in one call */
	TG_REAP_BUDGET = 256, /* connections that drain and abort_all look at in one call */
	TG_LISTEN_HEADS = 256,
	TG_ZWIN_LISTS = 1024, /* a power of two */
};

/* What connections share: `conf` of struct tg_conn is an index of these. */
struct tg_class {
	struct tg_tcp_conf conf;
	const struct tg_service *service;
	void *ctx;
	uint32_t word;    /* first word of a passive connection */
	uint32_t refs;    /* connections, and 1 for the listener; 0 = free */
	int16_t listener; /* TG_NO_LISTENER: of active opens, or the listener is gone */
};
enum { TG_NO_LISTENER = -1 };

struct tg_listener {
	bool used;
	bool armed; /* auto: cookies are minted (SC-08) */
	bool over;  /* above the high mark, and not below the low one since: armed, or a dry run */
	uint8_t over_why; /* enum tg_arm_reason */
	uint32_t over_n;
	uint64_t over_ms; /* when over changed */
	uint8_t class_idx;
	int16_t next;       /* in the chain of its port */
	uint32_t half_n;    /* entries in SYN-RECEIVED from LISTEN */
	uint32_t pending;   /* opened and not yet taken (EST-26) */
	uint64_t cookie_ms; /* when the last cookie was sent; 0 = never */
	/* SC-07: windows that cookies told: the last one, and the widest of those before the
	 * configuration changed, with the time when the last of these was sent. */
	uint16_t cookie_wnd, promised;
	uint64_t promised_ms;
	struct tg_cookie_offer before; /* likewise, what else they told */
	struct tg_listener_conf conf;
};

enum { TG_LIST_READY = 0, TG_LIST_KICK, TG_LIST_N };

enum {
	TG_EXT_USED = 1 << 0,
	TG_EXT_READY = 1 << 1,
	TG_EXT_KICK = 1 << 2,
	TG_EXT_WANT_WRITE = 1 << 3, /* the service is owed a `writable` */
	TG_EXT_GONE = 1 << 4,       /* over; in the grave list */
	TG_EXT_ZWIN = 1 << 5,       /* the peer's window is closed; on a list of zwin.c */
	TG_EXT_NO_WAY = 1 << 6,     /* nobody answers there: the service is to be told */
	TG_EXT_CALM = 1 << 7,       /* its block is not made yet (calm.h) */
};

struct tg_ext {
	struct tg_tcb tcb;
	uint32_t next[TG_LIST_N], prev[TG_LIST_N];
	uint32_t flags;
	uint32_t link;    /* free list, grave list */
	uint64_t hash;    /* of the tuple, when a segment brought it; 0 = not known */
	uint64_t zwin_ms; /* since when its window is closed */
	uint32_t zwin_next, zwin_prev;
	uint16_t zwin_list;
	uint32_t path_gen;        /* tg_paths gen that snd.mss was set by */
	struct tg_calm_kept kept; /* with TG_EXT_CALM, and what the window rounded up then */
	uint32_t calm_slack;
	struct tg_tcp_conf own;
};

/* What every use of it reads: of the block its beginning, and what stands behind it. */
static inline void tg_ext_prefetch(const struct tg_ext *ext)
{
	__builtin_prefetch(&ext->tcb, 1);
	__builtin_prefetch((const uint8_t *)&ext->tcb + 64, 1);
	__builtin_prefetch(&ext->tcb.tx, 1);
	__builtin_prefetch(&ext->tcb.rx, 1);
	__builtin_prefetch(&ext->flags, 1);
	__builtin_prefetch(&ext->kept, 1);
	__builtin_prefetch((const uint8_t *)&ext->kept + 64, 1);
	__builtin_prefetch((const uint8_t *)&ext->kept + 128, 1);
}

struct tg_ext_list {
	uint32_t head, tail, n;
};

/* One bit a connection: what waits for an extension or a buffer. */
struct tg_bits {
	uint64_t *word;
	uint32_t word_n, set_n, cursor;
};

/* Connections whose peer keeps its window closed, by a hash of their source, the oldest first. */
struct tg_zwin_list {
	uint64_t since_ms; /* of head */
	uint32_t head, tail, n;
};

/* zwin.c. rest_n: those at rest, which are on no list. */
struct tg_zwin {
	uint64_t next_ms;         /* no list has one that has waited long enough before */
	uint64_t scan_ms, lap_ms; /* when the search goes on; when its lap began */
	uint32_t n, rest_n, cursor;
	struct tg_bits seen; /* at rest with a closed window when the search last came by */
	struct tg_zwin_list list[TG_ZWIN_LISTS];
};

/* A RST that found no room in out[], or was due between calls. */
struct tg_rst {
	struct tg_tuple tuple;
	tg_seq seq, ack;
	uint32_t tsval, tsecr;
	uint8_t ctl, ttl, dscp, has_ts;
	uint8_t via; /* of its tg_dest */
};

struct tg_sources;
struct tg_pools;
struct tg_splices;
struct tg_used;

/* TG_RX_SYN: a plain SYN, which is not parsed yet (syn.h). */
enum tg_rx_kind { TG_RX_DONE = 1, TG_RX_TCP, TG_RX_ICMP, TG_RX_ARP, TG_RX_KERNEL, TG_RX_SYN };

/* What is sent to the kernel, each with a rate of its own: from hosts of the link alone, its TCP,
 * the rest. */
enum tg_kernel_kind { TG_KERNEL_LINK = 0, TG_KERNEL_TCP, TG_KERNEL_REST, TG_KERNEL_KINDS };

/* One packet of the burst. */
struct tg_rx {
	struct tg_pkt pkt;
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;
	struct tg_tuple tuple; /* seen from us */
	uint64_t hash;
	uint32_t cand[4], cand_n;
	enum tg_rx_kind kind;
	enum tg_ctr verdict;
	bool used;    /* the buffer went out, or is kept */
	bool foreign; /* for another host that we route for: good for a splice only */
	uint8_t nth;  /* a plain SYN or FIN: its number in tg_rx_plain.syn; or TG_RX_NO_NUMBER */
};
enum { TG_RX_NO_NUMBER = 0xff };

/* The plain ones of the burst, whose tuples are hashed side by side; for SYNs the numbers of their
 * SYN-ACKs too, and for FINs the time that TIME-WAIT goes by. */
struct tg_rx_plain {
	struct tg_tuple_batch tuple, syn;
	uint8_t at[TG_BURST_MAX]; /* in rx[] */
};
_Static_assert((int)TG_BURST_MAX <= (int)TG_TUPLE_BATCH_MAX, "a burst fits");

/* Where answers go that came by port, through its gateway: found once a burst. */
struct tg_tx_way {
	struct tg_mac mac;
	uint16_t port; /* and 1; 0: not known */
};

struct tg_engine {
	/* --- what each packet needs --- */
	struct tg_tcp_env env;
	struct tg_table table;
	struct tg_conn *conn;
	struct tg_ext *ext;
	struct tg_tw_store *tw;
	struct tg_neigh *neigh;
	struct tg_budget *budget, *echo_budget;
	struct tg_paths *paths;
	uint64_t table_gen;      /* counts inserts and removes */
	uint32_t listen_gen;     /* counts changes of listeners */
	struct tg_addr last_dst; /* the address of ours that was met last, and its port */
	uint32_t last_dst_port;  /* TG_NONE = not known */
	struct tg_tx_way way;    /* of answers in this burst */
	uint32_t spare_cap;      /* room that a buffer must have to be used for anything */
	bool mtu_mixed;          /* ports differ in MTU: env.mtu is set for each connection */
	bool has_kernel;         /* some port has one behind it (LN-21) */
	bool draining, aborting;
	uint8_t scan_done;  /* the drain's or abort's pass is through */
	uint32_t scan;      /* next connection to look at */
	uint32_t busy;      /* callbacks on the stack */
	uint64_t idle_tick; /* everything due at or before this tick has run */
	uint64_t ip_ids;    /* random bits for IPv4 identification */
	uint32_t ip_id_n;

	/* --- pools --- */
	uint32_t conn_free, conn_fresh, conn_count;
	struct tg_conn6 *conn6;
	uint32_t conn6_free, conn6_fresh, conn6_count;
	uint32_t ext_free, ext_fresh, ext_used;
	uint32_t grave; /* list of extensions whose connection is over */
	struct tg_ext_list list[TG_LIST_N];
	struct tg_bits write_wait; /* services that are owed a `writable` and found no room */
	struct tg_bits close_wait; /* full closes that found no extension */
	struct tg_rst *rst;
	uint32_t rst_cap, rst_head, rst_n;
	struct tg_chunks chunks;
	struct tg_wheel wheel;
	uint64_t *mark; /* validate's bitmap of chunks */
	struct tg_zwin zwin;
	struct tg_sources *sources; /* NULL: no limit for sources */
	struct tg_rates *rates;     /* NULL: no limit for their rates */
	uint64_t arm_look_ms;       /* when to look whether listeners disarm; 0 = none is over */
	struct tg_pools *pools;     /* NULL: no backends (pool.h) */
	struct tg_splices *splices; /* NULL: nothing is spliced (splice.h) */

	/* --- policy --- */
	struct tg_class class[TG_CONF_MAX];
	struct tg_listener listener[TG_LISTENER_MAX];
	int16_t listen_head[TG_LISTEN_HEADS];
	uint32_t listener_n;
	uint32_t state_n[TG_STATE_N]; /* connections by state */
	void *service_ctx[TG_SERVICE_MAX];
	struct tg_tcp_secret secret;
	struct tg_sipkey flow_key; /* IPv6 flow labels */
	struct tg_cookie_keys cookie;
	uint64_t wall_lead_ms; /* of the cookies' clock over the engine's, modulo 2^64 */
	const struct tg_sip_lanes *lanes;
	struct {
		uint64_t from_ms, failed; /* when it was looked at, and how many had failed then */
		uint64_t until_ms;        /* only cookies with timestamps count (SC-23) */
	} guess;
	struct tg_used *used; /* cookies that have opened a connection */
	struct tg_rng rng;
	struct tg_engine_conf conf;
	struct tg_engine_ops ops;

	/* When what each kernel was sent will be paid for. */
	uint64_t kernel_paid_ns[TG_PORT_MAX][TG_KERNEL_KINDS];

	/* --- the call --- */
	struct tg_counters ctr;
	struct tg_counters ctr_save; /* a segment that was tried and given up counts nothing */
	struct tg_out out;
	struct tg_pkt large; /* for the next frame of many segments; data NULL = none */
	struct tg_pkt drop[TG_BURST_MAX]; /* buffers that go back in bulk */
	uint32_t drop_n;
	struct tg_tcb scratch; /* a block for what never moves: half-open entries, trials */
	uint32_t rx_n;         /* of the burst, as far as segments may be taken together */
	struct tg_rx rx[TG_BURST_MAX];
	struct tg_rx_plain plain;
	struct tg_calm_seen seen;
	struct tg_calm_turn turn;
	_Alignas(64) uint8_t calm_text[TG_CALM_SPARE];
	struct tg_half_form half[TG_HALF_FORMS];
	struct tg_syn_stage syn;
};

static inline struct tg_tcb *tg_conn_tcb(const struct tg_engine *e, const struct tg_conn *c)
{
	return (c->flags & TG_CONN_EXT) ? &e->ext[c->word].tcb : NULL;
}

static inline bool tg_conn_used(const struct tg_engine *e, uint32_t conn)
{
	return conn < e->conn_fresh && e->conn[conn].state != 0;
}

/* True when a is one of our addresses; *port is then its port. One is met again and again. */
static inline bool tg_engine_is_ours(struct tg_engine *e, const struct tg_addr *a, uint32_t *port)
{
	if (e->last_dst_port == TG_NONE || !tg_addr_equal(a, &e->last_dst)) {
		if (!tg_route_is_ours(e->neigh, a, port))
			return false;
		e->last_dst = *a;
		e->last_dst_port = *port;
	}
	*port = e->last_dst_port;
	return true;
}

/* --- engine.c --- */

/* The clock of the machine never goes back. */
void tg_engine_clock(struct tg_engine *e, uint64_t now_ns);
/* A call begins: out[max] is where packets go; and ends: how many went. */
void tg_engine_begin(struct tg_engine *e, struct tg_pkt out[], uint32_t max);
uint32_t tg_engine_end(struct tg_engine *e);

/* --- syn.c: plain SYNs that cookies answer, side by side (syn.h) --- */

/* Takes those out of in[n], and asks for their table lines. Returns them by bit. */
uint64_t tg_syn_take(struct tg_engine *e, const struct tg_pkt in[], uint32_t n);
/* The tables are asked, and cookies made. Returns those that meet something, which are no longer
 * the stage's. */
uint64_t tg_syn_find(struct tg_engine *e);
/* The turn of in[i], which is the stage's, and of those behind it, up to n. Returns the first that
 * is not answered: it is not the stage's, or leaves it now. */
uint32_t tg_syn_answer(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t n);
/* Another packet had its turn. */
static inline void tg_syn_doubt(struct tg_engine *e)
{
	e->syn.stamp++;
}

/* --- cookies.c --- */

/* A secret out of the seed. */
void tg_cookies_init(struct tg_engine *e);
static inline void tg_cookies_clock(struct tg_engine *e)
{
	tg_cookie_keys_clock(&e->cookie, e->env.now_ms + e->wall_lead_ms);
}
/* What l does with cookies now: fills in all of li but mint and used. */
void tg_cookies_meet(const struct tg_engine *e, const struct tg_listener *l, struct tg_listen *li);
/* l sent one, which told that window. */
void tg_cookies_sent(struct tg_engine *e, struct tg_listener *l, uint16_t wnd);
/* l's configuration is about to change. */
void tg_cookies_reconf(const struct tg_engine *e, struct tg_listener *l);
/* How many receive scales one listener at most may have told, of those that try cookies now; ever:
 * of those that will when they are armed. */
uint32_t tg_cookies_scales(const struct tg_engine *e, bool ever);
/* Whether the number that rx acknowledges has opened a connection of its tuple (SC-15). */
bool tg_cookies_is_used(const struct tg_engine *e, const struct tg_rx *rx);
/* A handshake is complete: what of it was a cookie is used. */
void tg_cookies_opened(struct tg_engine *e, uint32_t x);
/* The same for a splice, which rx began if why says nothing else. */
void tg_cookies_spliced(struct tg_engine *e, const struct tg_rx *rx, enum tg_ctr why);
/* Counts guesses, every now and then. */
void tg_cookies_look(struct tg_engine *e);
/* Before a burst is run. */
void tg_cookies_burst(struct tg_engine *e);

/* --- conn.c: pools, table, attaching --- */

bool tg_bits_has(const struct tg_bits *b, uint32_t i);
void tg_bits_set(struct tg_bits *b, uint32_t i);
void tg_bits_clear(struct tg_bits *b, uint32_t i);
/* The next set bit at or after the cursor, going round once; TG_NONE when there is none. */
uint32_t tg_bits_next(struct tg_bits *b);

void tg_ext_list_add(struct tg_engine *e, uint32_t which, uint32_t x);
void tg_ext_list_remove(struct tg_engine *e, uint32_t which, uint32_t x);

uint64_t tg_conn_hash(const void *engine, uint32_t conn);
/* The same, if need be out of the extension. */
static inline uint64_t tg_conn_hash_known(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];
	uint64_t hash = (c->flags & TG_CONN_EXT) ? e->ext[c->word].hash : 0;

	return hash ? hash : tg_conn_hash(e, conn);
}
bool tg_conn_is(const struct tg_engine *e, uint32_t conn, const struct tg_tuple *t);
/* The connection of a tuple, TG_NONE; from conf.conn_max on, the slot of a splice (splice.h). */
uint32_t tg_conn_find(const struct tg_engine *e, const struct tg_tuple *t, uint64_t hash);
/* True when one more connection of that family, and (moving) an extension, can be had. */
bool tg_conn_room(const struct tg_engine *e, bool v6);
bool tg_ext_room(const struct tg_engine *e);
/* A new connection with its key, in the table, counted in `state` and in its class; TG_NONE when
 * there is no room. */
uint32_t tg_conn_new(struct tg_engine *e, const struct tg_tuple *t, uint64_t hash,
		     uint8_t class_idx, enum tg_tcp_state state, bool active);
/* The extension of conn, attached if need be; TG_NONE when there is none. */
uint32_t tg_conn_attach(struct tg_engine *e, uint32_t conn);
/* The same for a connection whose timer has just fired (and is not armed any more). */
uint32_t tg_conn_attach_due(struct tg_engine *e, uint32_t conn, uint64_t deadline);
/* The block of a resting connection, wherever it is to stand. */
void tg_conn_unpack(struct tg_engine *e, uint32_t conn, struct tg_tcb *tcb, uint64_t deadline);
/* A fresh extension for conn, its block not filled in; there must be one. */
uint32_t tg_conn_extend(struct tg_engine *e, uint32_t conn);
/* Packs *tcb, which may rest, into conn, and arms its timer exactly. */
void tg_conn_rest(struct tg_engine *e, uint32_t conn, const struct tg_tcb *tcb);
/* The output of extension x is done: pack it if it may rest, else see to its timer. */
void tg_conn_settle(struct tg_engine *e, uint32_t x);
/* Arms the timer of a moving connection at or before its first deadline. */
void tg_conn_arm(struct tg_engine *e, uint32_t x);
/* Counts the state that the machine gave to x. */
void tg_conn_sync(struct tg_engine *e, uint32_t x);
/* Out of the table and the counts, state CLOSED. With an extension it is in the grave list now; a
 * bare one is the caller's to tg_conn_free when its service was told. */
void tg_conn_retire(struct tg_engine *e, uint32_t conn);
void tg_conn_free(struct tg_engine *e, uint32_t conn);
/* Both, for a half-open entry that ends unsaid. */
void tg_conn_forget(struct tg_engine *e, uint32_t conn);
/* In SYN-RECEIVED from LISTEN. */
bool tg_conn_is_half_open(const struct tg_engine *e, uint32_t conn);
/* Empties the grave list unless a callback runs. */
void tg_conn_bury(struct tg_engine *e);
static inline void tg_conn_reap(struct tg_engine *e)
{
	if (e->grave != TG_NONE && !e->busy)
		tg_conn_bury(e);
}
/* What sleeps beside half-open entry conn (before.h), or TG_NONE. */
uint32_t tg_conn_dormant(const struct tg_engine *e, uint32_t conn);
/* What slept beside conn is gone. */
void tg_conn_dormant_gone(void *engine, uint32_t conn);
/* env.mtu for the port that conn's packets take. */
void tg_conn_set_mtu(struct tg_engine *e, uint32_t conn);
/* snd.mss of a moving connection follows what is known of its path now (RB-21). */
void tg_conn_set_path(struct tg_engine *e, uint32_t x);
static inline void tg_conn_see_path(struct tg_engine *e, uint32_t x)
{
	if (e->ext[x].path_gen != e->paths->gen)
		tg_conn_set_path(e, x);
}

/* --- conn_event.c: what the machine said --- */

/* Does what act says but for the verdict. rx: the packet it answers, or NULL. */
void tg_event_apply(struct tg_engine *e, uint32_t x, struct tg_act *act, struct tg_rx *rx);
/* Whether the service is (still) to be told of conn. */
bool tg_event_has_service(const struct tg_engine *e, uint32_t conn);
void tg_event_closed(struct tg_engine *e, uint32_t conn, enum tg_close_reason reason);
/* x is in TIME-WAIT and its output was sent: a record takes its place (TD-14). */
void tg_event_time_wait(struct tg_engine *e, uint32_t x);
/* `readable` for those that asked, `writable` for those that waited, closes that waited. */
void tg_event_poll(struct tg_engine *e);
/* Full close of conn; false when it waits for an extension. */
bool tg_event_close(struct tg_engine *e, uint32_t conn);
void tg_event_abort(struct tg_engine *e, uint32_t conn, enum tg_close_reason reason);
/* conn came to rest: while the engine drains, it is the scan's again. */
void tg_event_rested(struct tg_engine *e, uint32_t conn);
/* The drain's or the abort's next connections. */
void tg_event_scan(struct tg_engine *e);
bool tg_event_is_waiting(const struct tg_engine *e);

/* --- zwin.c: windows that stay closed --- */

/* The output of extension x is done: on or off the lists, by its window. */
void tg_zwin_note(struct tg_engine *e, uint32_t x);
void tg_zwin_leave(struct tg_engine *e, uint32_t x);
/* At rest, with a closed window, and the peer may still be sent to. */
bool tg_zwin_is_shut_at_rest(const struct tg_conn *c);
/* Under pressure those that stay closed longest are aborted (ADV-55); bounded work. */
void tg_zwin_run(struct tg_engine *e);
/* When tg_zwin_run may have something to do; may be early. */
uint64_t tg_zwin_next(const struct tg_engine *e);

/* --- tx.c --- */

/* Where a segment goes and how its IP header looks. */
struct tg_dest {
	const struct tg_tuple *tuple;
	uint8_t ttl, dscp;
	uint8_t via; /* the port that it goes out of, and 1; 0: that of tuple->laddr */
};
/* Sends seg in pkt (its text out of tcb, NULL = none); pkt is used up. There must be room. False
 * when it went nowhere: no route, or the neighbour does not answer. */
bool tg_tx_emit(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg,
		const struct tg_tcb *tcb, struct tg_pkt *pkt);
/* Answers in the received buffer where it fits. False: no room or no buffer, nothing was sent. */
bool tg_tx_reply(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg,
		 struct tg_rx *rx);
/* A RST that must not be forgotten: now, or out of the ring at the next call. */
void tg_tx_rst(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg, struct tg_rx *rx);
/* Waiting RSTs, then the output of all that is ready, as far as there is room. */
void tg_tx_run(struct tg_engine *e);
/* RFC 6864: with DF set any number will do; a random one tells nothing (RB-13). */
static inline uint16_t tg_tx_ip_id(struct tg_engine *e)
{
	if (e->ip_id_n == 0) {
		e->ip_ids = tg_rng_next(&e->rng);
		e->ip_id_n = 4;
	}
	uint16_t id = (uint16_t)e->ip_ids;

	e->ip_ids >>= 16;
	e->ip_id_n--;
	return id;
}
uint32_t tg_tx_flow(const struct tg_engine *e, const struct tg_tuple *t);
/* Sends seg in the buffer of rx, which is plain: to whom it came from, its text out of tx (NULL: it
 * has none). There is room. False: ask the long way. */
bool tg_tx_in_place(struct tg_engine *e, struct tg_rx *rx, const struct tg_tcp_conf *conf,
		    struct tg_seg *seg, const struct tg_span *tx);
/* The next hop's address for an answer to rx, which is plain (IPv4); false: ask the long way. */
bool tg_tx_hop(struct tg_engine *e, const struct tg_rx *rx, struct tg_mac *mac);
static inline void tg_tx_doubt(struct tg_engine *e)
{
	e->way.port = 0;
}

/* --- listen.c --- */

struct tg_listener *tg_listen_find(struct tg_engine *e, const struct tg_addr *laddr,
				   uint16_t lport);
bool tg_listen_is_full(const struct tg_listener *l);
/* A segment for a listener. h, floor: what is to give way (before.h), or TG_NONE and NULL. */
enum tg_ctr tg_listen_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			      tg_tw_handle h, const tg_seq *floor);
/* Whether l tries cookies, or may (SC-09): too often rather than not. */
static inline bool tg_listen_tries_cookies(const struct tg_engine *e, const struct tg_listener *l)
{
	return l->conf.syn_cookies != TG_COOKIES_OFF && (l->conf.syn_cookies == TG_COOKIES_ALWAYS ||
							 e->conf.fleet || l->armed || l->cookie_ms);
}
/* The same for a plain SYN, by a form (half.h); false: nothing was done, it is for the long way. */
bool tg_half_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
		     enum tg_ctr *verdict);
/* Tries an ACK as a cookie that was sent for the tuple of h; true: it opened, and h is gone, or
 * *verdict says why it could not. */
bool tg_listen_try_cookie(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
			  tg_tw_handle h, enum tg_ctr *verdict);
/* The class of that content, shared or new, one reference taken; -1 when there is none left. */
int tg_class_get(struct tg_engine *e, const struct tg_class *want);
void tg_class_put(struct tg_engine *e, uint8_t idx);

/* --- admit.c --- */

/* Cookies are minted, or may be. */
static inline bool tg_listen_has_cookies(const struct tg_listener *l)
{
	return l->conf.syn_cookies == TG_COOKIES_AUTO || l->conf.syn_cookies == TG_COOKIES_ALWAYS;
}
/* EST-27: whether the listener is there for the peer of t. */
bool tg_admit_peer(const struct tg_listener_conf *c, const struct tg_tuple *t);
/* What a SYN meets: TG_CTR_NONE and *mint, or why it is dropped. */
enum tg_ctr tg_admit_syn(struct tg_engine *e, struct tg_listener *l, const struct tg_addr *peer,
			 bool *mint);
/* ADV-57: why the source of peer may open no more now, or TG_CTR_NONE. */
enum tg_ctr tg_admit_open(const struct tg_engine *e, const struct tg_addr *peer);
/* What a half-open entry answers to rx: it must be paid, or act has no reply any more and another
 * verdict. */
void tg_admit_reply(struct tg_engine *e, const struct tg_rx *rx, struct tg_act *act);
/* Listeners that may disarm: when to look, UINT64_MAX = not at all; and the look. */
uint64_t tg_arming_next(const struct tg_engine *e);
void tg_arming_run(struct tg_engine *e);
/* SC-19: rx, which is not for the number of half-open entry conn, is a valid cookie: it opens in
 * the entry's place, or *verdict says why it could not. False: nothing was done. */
bool tg_listen_adopts(struct tg_engine *e, struct tg_rx *rx, uint32_t conn, enum tg_ctr *verdict);
/* Takes the token for the SYN-ACK in act of a half-open entry; false: it is over the budget, and
 * act has no reply any more. True also when act is about something else. */
bool tg_listen_pays_synack(struct tg_engine *e, uint32_t x, struct tg_act *act);
/* Whether conn's listener mints cookies: then no SYN-ACK is sent again (DESIGN 4). */
bool tg_listen_is_armed(const struct tg_engine *e, uint32_t conn);
void tg_listen_half_add(struct tg_engine *e, int16_t listener);
void tg_listen_half_sub(struct tg_engine *e, int16_t listener);

/* --- kernel.c: the kernel behind a port (LN-21) --- */

bool tg_kernel_has_port(const struct tg_port_conf *pc, uint16_t port);
/* Whether TCP to that address and port of ours is a kernel's. */
bool tg_kernel_has_local(const struct tg_engine *e, const struct tg_addr *laddr, uint16_t lport);
/* Passes on what is the kernel's too, or alone, of a packet that has its verdict. The new verdict.
 */
enum tg_ctr tg_kernel_offer(struct tg_engine *e, struct tg_rx *rx, enum tg_ctr verdict);

/* --- rx_parse.c, rx.c, icmp.c --- */

/* Link and IP checks, TCP header, tuple and hash of one packet. */
void tg_rx_parse(struct tg_engine *e, struct tg_rx *rx);
/* The same of what is plain (tg_wire_plain.h), but for the hash; false: it is not. */
bool tg_rx_parse_plain(const struct tg_engine *e, struct tg_rx *rx);
/* The port of the same device as *port that has this VLAN; false: none has. */
bool tg_rx_find_shared(const struct tg_engine *e, uint16_t vid, uint16_t *port);
/* The buffer is the engine's again. */
void tg_rx_put_back(struct tg_engine *e, const struct tg_pkt *pkt);
/* LN-12: what a source may not be. */
enum tg_ctr tg_rx_check_src(struct tg_engine *e, const struct tg_rx *rx);
enum tg_ctr tg_rx_icmp(struct tg_engine *e, struct tg_rx *rx);
/* No connection and no listener (RFC 9293 3.10.7.1). */
enum tg_ctr tg_rx_closed(struct tg_engine *e, struct tg_rx *rx);
/* A RST that costs a token of its prefix (RB-12). */
enum tg_ctr tg_rx_answer_rst(struct tg_engine *e, struct tg_rx *rx, struct tg_act *act);

#endif
