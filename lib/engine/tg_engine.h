/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_engine.h: one core's world: pools, tables, wheel, TIME-WAIT, listeners, neighbours, services.
 * No globals, no clock, no I/O, no allocation after init: time, randomness, memory and packets are
 * arguments. Burst in, burst out. One engine belongs to one core; nothing in it is shared or
 * atomic.
 *
 * Life of a call: tg_engine_rx parses the burst, hashes and prefetches, finds each segment's
 * connection (lookup order: connection, TIME-WAIT, listener; half-open entries are connections in
 * SYN-RECEIVED), runs the state machine, lets services react, and then runs the output of each
 * connection that was touched once, so that ACKs are aggregated per burst (DT-12). tg_engine_tick
 * runs due timers, bounded, and the connections that waited for room. */
#ifndef TG_ENGINE_H
#define TG_ENGINE_H

#include "tg_cookie_key.h"
#include "tg_pkt.h"
#include "tg_service.h"

enum {
	TG_PORT_MAX = 16,
	TG_PORT_ADDR_MAX = 16,
	TG_PORT_OWN_MAX = 16,
	TG_LISTENER_ADDR_MAX = 8,
	TG_LISTENER_ALLOW_MAX = 16,
	TG_LISTENER_MAX = 200,
	TG_CONF_MAX = 255,
	TG_BURST_MAX = 64,
	TG_SERVICE_MAX = 16,
	TG_KERNEL_RANGE_MAX = 16,
	TG_TSO_MAX = 65535 /* what an IP length can say */
};

struct tg_port_addr {
	struct tg_addr addr;
	uint8_t prefix_len; /* 0..32, 0..128 */
};

/* TCP ports from low to high, both among them. */
struct tg_port_range {
	uint16_t low, high;
};

struct tg_port_conf {
	char name[32];
	struct tg_port_addr addr[TG_PORT_ADDR_MAX];
	uint32_t addr_n;
	/* Networks all of whose addresses are the port's, too: clients by the million, to connect
	 * from. ARP and neighbour solicitations for them are answered; they are not announced, and
	 * do not say who is on the link. */
	struct tg_port_addr own[TG_PORT_OWN_MAX];
	uint32_t own_n;
	struct tg_addr gateway4, gateway6; /* zero bytes = none */
	bool has_gateway4, has_gateway6;
	struct tg_mac mac;
	uint16_t mtu;  /* 576..9600 (IPv6 needs 1280) */
	uint16_t vlan; /* 0 = untagged; else the one tag that is accepted and sent (LN-02) */
	/* Its packets come in by another port, `shares`, which has the same MAC address and another
	 * VLAN: two ports of one device. Its own go out by its own number. */
	bool is_shared;
	uint16_t shares;
	/* LN-21: tg_pkt.port with which packets for the kernel behind this port leave, untagged;
	 * no port of the engine has this number, so 0 = there is no kernel. */
	uint16_t kernel;
	struct tg_port_range kernel_port[TG_KERNEL_RANGE_MAX]; /* of TCP, the kernel's own */
	uint32_t kernel_port_n;
	uint32_t kernel_rate; /* packets a second to the kernel: from the link alone, TCP, the
				 rest, each so many; 0 = no limit */
	bool tx_ip_csum, tx_tcp_csum; /* what the carrier can compute */
	uint32_t tso_max; /* longest frame that the carrier cuts into segments (TG_TX_TSO), at most
			     TG_TSO_MAX; 0 = it does not. Wants tx_tcp_csum and ops.alloc_large */
	bool silent;      /* no gratuitous ARP, unsolicited NA, MLD, DAD at start */
	/* Every address of the port is reached through this one neighbour, which always answers:
	 * the lab. */
	bool has_static_neigh;
	struct tg_mac static_neigh;
};

/* What those who may not connect are told: nothing, or a RST as by a closed port. */
enum tg_refuse { TG_REFUSE_DROP = 0, TG_REFUSE_RST };

/* A dry run tells when AUTO would have armed and disarmed, and does as OFF. */
enum tg_cookie_mode { TG_COOKIES_OFF = 0, TG_COOKIES_AUTO, TG_COOKIES_ALWAYS, TG_COOKIES_DRY_RUN };

/* Sources that a SYN may not come from: none but those that LN-12 names; those that can belong to
 * nobody; all that the special-purpose registries hold, but for our own networks (bogon.h). */
enum tg_bogons { TG_BOGONS_ALLOW = 0, TG_BOGONS_MARTIAN, TG_BOGONS_FULL };

struct tg_prefixes;

struct tg_listener_conf {
	char name[32];
	struct tg_addr addr[TG_LISTENER_ADDR_MAX]; /* none: all of ours */
	uint32_t addr_n;
	uint16_t port;
	uint8_t syn_cookies; /* enum tg_cookie_mode */
	uint32_t backlog;    /* opened and not yet taken (tg_engine_accepted), for a service that
				has_accept_queue; others take at once */
	uint32_t synq_high, synq_low;
	const struct tg_service *service;
	void *service_ctx; /* NULL: the engine lays the service out itself (footprint, init), once
			      per service */
	uint32_t word;     /* first value of each connection's word */
	/* Who may connect (EST-27): peers out of these prefixes, none = all, from these ports, high
	 * 0 = all. */
	struct tg_port_addr allow[TG_LISTENER_ALLOW_MAX];
	uint32_t allow_n;
	uint16_t allow_port_low, allow_port_high;
	/* Takes the place of allow; NULL: none. It stays the caller's, and outlives its use. */
	const struct tg_prefixes *prefixes;
	uint8_t bogons; /* enum tg_bogons */
	uint8_t refuse; /* enum tg_refuse: the others */
	/* What opens is spliced to a backend of this pool (tg_pool.h); service is not asked. */
	bool has_pool;
	int16_t pool;
	struct tg_tcp_conf tcp;
};

struct tg_engine_conf {
	uint64_t seed; /* of all keys and randomness; drawn from the system by the product, given by
			  tests */
	uint32_t conn_max, ipv6_max; /* connections; of these at most ipv6_max over IPv6 */
	uint32_t tw_max;             /* TIME-WAIT records (TD-20) */
	uint32_t ext_max;            /* connections that may move at once */
	uint32_t chunk_max;          /* 2 KiB buffers for all queues */
	uint32_t neigh_max;
	uint32_t msl_ms, challenge_ms, rst_rate;
	uint16_t pmtu_min_v4; /* least path MTU that a packet-too-big can make, 68 at least; 0 = 552
				 (RB-21) */
	uint32_t zero_window_ms; /* a window closed for so long may be given up when pools run
				    short (ADV-55) */
	uint32_t source_max;   /* passive connections of one IPv4 address or IPv6 /64 (ADV-57); 0 =
				  no limit, and no memory for it */
	uint8_t source_refuse; /* enum tg_refuse */
	/* Connections a second that one IPv4 address or IPv6 /64 may open, and how many of them at
	 * once; what did not open does not count. 0 = no limit, and no memory for it. */
	uint32_t source_rate, source_burst;
	uint32_t pool_max;   /* pools of backends, at most TG_POOL_MAX; 0 = none, and no memory */
	uint32_t splice_max; /* connections spliced to backends at once; 0 = none */
	uint32_t splice_idle_ms; /* a splice on which nothing moves for so long is over; 0 = never
				  */
	uint32_t timer_budget;   /* most timers, and most TIME-WAIT expiries, in one call */
	bool no_merge;     /* no segments of a burst are taken together (DT-35): for comparison */
	bool no_syn_stage; /* SYNs are answered one by one (syn.h): for comparison */
	bool no_calm;      /* every segment goes the long way (calm.h): for comparison */
	bool primary; /* answers ARP, NDP and echo; other workers of the same ports only learn */
	/* Of several nodes with the same secrets and clock (tg_engine_set_secrets,
	 * tg_engine_set_wall) each finishes the handshakes of all (SC-13): listeners always try
	 * cookies, and stateful SYN-ACKs carry one too. */
	bool fleet;
	uint32_t fleet_skew_ms;    /* how far the nodes' clocks may differ; TG_COOKIE_SKEW_MAX_MS at
				      most; without a fleet of no effect */
	uint32_t cookie_guess_max; /* cookies that fail in a second: above it only those with
				      timestamps count (SC-23); 0 = never so */
	struct tg_port_conf port[TG_PORT_MAX];
	uint32_t port_n;
	const struct tg_service
	    *service[TG_SERVICE_MAX]; /* laid out at init; those that listeners will name */
	uint32_t service_n;
};

/* What the carrier gives. All calls are in bulk, at most one alloc_bulk a call of the engine unless
 * it runs out. */
struct tg_engine_ops {
	void *ctx;
	/* Fills pkt[0..n) with empty packets: data, cap (at least the MTU + 18), handle. Returns
	 * how many: may be fewer than n. */
	uint32_t (*alloc_bulk)(void *ctx, struct tg_pkt pkt[], uint32_t n);
	void (*free_bulk)(void *ctx, const struct tg_pkt pkt[], uint32_t n);
	/* An empty packet whose cap is that of frames for TSO; false: there is none now, segments
	 * go one by one. NULL: never. It goes back by out[] or free_bulk as any other. */
	bool (*alloc_large)(void *ctx, struct tg_pkt *pkt);
	/* Whether this core gets the segments of tuple (EST-33); NULL: all are ours. */
	bool (*is_mine)(void *ctx, const struct tg_tuple *tuple);
};

/* Bytes of memory for conf, and a table of its parts for the user. */
struct tg_engine_part {
	const char *name;
	size_t bytes, count;
};
size_t tg_engine_footprint(const struct tg_engine_conf *conf);
uint32_t tg_engine_plan(const struct tg_engine_conf *conf, struct tg_engine_part part[],
			uint32_t max);

/* mem: tg_engine_footprint bytes, 64-byte aligned, all zero; it stays the caller's, who frees it
 * after fini. NULL and a sentence in err when conf makes no sense. now_ns: the clock's first value.
 * conf is copied. */
struct tg_engine *tg_engine_init(void *mem, const struct tg_engine_conf *conf,
				 const struct tg_engine_ops *ops, uint64_t now_ns, char *err,
				 size_t err_size);
/* Hands every packet it keeps (neighbour queues) back to the carrier. Connections vanish unsaid. */
void tg_engine_fini(struct tg_engine *engine);

/* in[n], n <= TG_BURST_MAX: one burst; ownership passes: each ends in out[], is kept, or goes back
 * by free_bulk before the return. out[max]: what is to be sent, in order, ownership passes back.
 * Returns how many; max >= 2 * n is sensible; when out[] is full what remains waits (tx_deferred),
 * immediate answers are dropped and counted. now_ns never goes back (a smaller value counts as the
 * last). */
uint32_t tg_engine_rx(struct tg_engine *engine, const struct tg_pkt in[], uint32_t n,
		      struct tg_pkt out[], uint32_t max, uint64_t now_ns);
/* LN-21: in[n], n <= TG_BURST_MAX, came from the kernel behind `port`, which has one: they go out
 * of the port as they are, in its VLAN. Ownership passes; out[n]: what is to be sent. Returns how
 * many: those that do not fit the port's MTU are counted and given back. */
uint32_t tg_engine_from_kernel(struct tg_engine *engine, uint32_t port, const struct tg_pkt in[],
			       uint32_t n, struct tg_pkt out[]);
/* Due timers and waiting connections; bounded work. Call until it returns 0 or do other work in
 * between. */
uint32_t tg_engine_tick(struct tg_engine *engine, struct tg_pkt out[], uint32_t max,
			uint64_t now_ns);
/* When tick has something to do next, in ns; may be early, never late; UINT64_MAX: nothing armed.
 * 0: at once (work is waiting). */
uint64_t tg_engine_next_deadline(const struct tg_engine *engine);

/* --- listeners and active opens --- */

/* A listener's number, 0..TG_LISTENER_MAX-1; or -EADDRINUSE (same address and port), -EADDRNOTAVAIL
 * (an address that is not ours), -ENOSPC, -EINVAL. */
int tg_engine_listen(struct tg_engine *engine, const struct tg_listener_conf *conf);
/* Half-open entries are forgotten, open connections live on (UC-01). The number may be used again.
 */
void tg_engine_unlisten(struct tg_engine *engine, int listener);
/* What connections that come from now on are told; half-open and open ones keep what they have. 0
 * or -ENOSPC. */
int tg_engine_relisten(struct tg_engine *engine, int listener, const struct tg_tcp_conf *tcp);
/* Who may connect from now on (tg_prefix.h); NULL: what the listener's allow says. Those who are
 * there stay. The set that was there before is not looked at again. */
void tg_engine_set_prefixes(struct tg_engine *engine, int listener, const struct tg_prefixes *set);
/* One connection that opened was taken off the accept queue: for services that have one
 * (has_accept_queue). */
void tg_engine_accepted(struct tg_engine *engine, int listener);

/* Active open: tuple.lport 0 = choose (EST-33); laddr all zero = choose by route. The connection's
 * index in *conn. 0, -EADDRINUSE (tuple in use), -EADDRNOTAVAIL, -ENETUNREACH (no route), -ENOBUFS,
 * -EINVAL (broadcast or multicast, MUST-46). tcp is copied (shared with others that are equal). */
int tg_engine_connect(struct tg_engine *engine, const struct tg_tuple *tuple,
		      const struct tg_tcp_conf *tcp, const struct tg_service *service,
		      void *service_ctx, uint32_t word, uint32_t *conn);

/* How a source port is chosen (RFC 6056 3.3.1): at random, and when some of these were taken, of
 * `sweep` in a row, 0 = none, from there on. */
struct tg_port_choice {
	struct tg_port_range ports; /* low <= high, both 1 at least */
	uint32_t sweep;
	bool fresh; /* of no tuple in TIME-WAIT, even where TD-27 would let it be opened again */
};
/* As tg_engine_connect, with a choice of its own where tuple.lport is 0; -EADDRINUSE when it met
 * none that is free. */
int tg_engine_connect_by(struct tg_engine *engine, const struct tg_tuple *tuple,
			 const struct tg_port_choice *choice, const struct tg_tcp_conf *tcp,
			 const struct tg_service *service, void *service_ctx, uint32_t word,
			 uint32_t *conn);
/* Where packets from laddr, which is ours, to raddr go now: port and MAC address. 0, -EAGAIN (the
 * neighbour is being asked), -EHOSTUNREACH (it does not answer), -ENETUNREACH (no route). For what
 * is sent beside connections. */
int tg_engine_way(struct tg_engine *engine, const struct tg_addr *laddr,
		  const struct tg_addr *raddr, uint32_t *port, struct tg_mac *mac);

/* Graceful end (TD-32): no new connections; connections at rest get FIN at once. abort_all: RST-C
 * for what is left; half-open entries are forgotten unsaid. Both go on in the ticks that follow;
 * conn_count 0 = done. */
void tg_engine_drain(struct tg_engine *engine);
void tg_engine_abort_all(struct tg_engine *engine);

/* --- cookies --- */

/* Wall time (ms since 1970) at now_ns of the engine's clock: with conf.fleet the epochs of cookies
 * follow it (SC-13), without it nothing does. To be told some ten times a second; in between the
 * engine's clock goes on from it. A step of the clock is taken as it comes. */
void tg_engine_set_wall(struct tg_engine *engine, uint64_t wall_ms, uint64_t now_ns);
/* The secrets of cookies from now on, n = 1..TG_COOKIE_SECRET_MAX: the first mints, all are
 * accepted (SC-12). They are copied. 0 or -EINVAL. Until the first call there is one, out of
 * conf.seed. */
int tg_engine_set_secrets(struct tg_engine *engine, const uint8_t secret[][TG_COOKIE_SECRET_LEN],
			  uint32_t n);

/* --- sight --- */

/* A client and a backend spliced (SP-01..SP-11): the backend was asked; it has answered; a FIN was
 * seen; both are acknowledged, and 2MSL run. */
enum tg_splice_state {
	TG_SPLICE_OPENING = 1,
	TG_SPLICE_SPLICED,
	TG_SPLICE_CLOSING,
	TG_SPLICE_TIME_WAIT,
	TG_SPLICE_STATE_N
};
/* "OPENING" "SPLICED" "CLOSING" "TIME-WAIT". */
const char *tg_splice_state_name(enum tg_splice_state s);

struct tg_engine_stats {
	uint32_t conn_count, conn_max;
	uint32_t
	    state[TG_STATE_N]; /* connections by state; TIME_WAIT: records; LISTEN: listeners */
	uint32_t tw_count, tw_max, ext_used, ext_max, chunk_used, chunk_max, timer_count,
	    neigh_count;
	uint32_t listener_n, armed_n;
	uint32_t splice_count, splice_max, splice_held; /* held: packets that wait for a backend */
	uint32_t splice[TG_SPLICE_STATE_N];
	/* That a random ACK opens a connection at a listener that tries cookies: now, and at worst
	 * (tg_cookie_key.h). */
	struct tg_cookie_odds odds, odds_worst;
	uint64_t cookie_epoch;
};
void tg_engine_stats(const struct tg_engine *engine, struct tg_engine_stats *stats);
/* Why a listener's cookies were armed last. */
enum tg_arm_reason { TG_ARM_NEVER = 0, TG_ARM_HALF_OPEN, TG_ARM_POOL };
struct tg_listener_stats {
	bool used;
	bool over;       /* above its marks: armed, or in a dry run it would be */
	uint8_t why;     /* enum tg_arm_reason, of the last time */
	uint32_t over_n; /* how often it went above */
	uint32_t half_n;
	uint64_t over_ms; /* when it last went above or below */
};
/* By the listeners' numbers; returns how many slots were filled, at most max. */
uint32_t tg_engine_listeners(const struct tg_engine *engine, struct tg_listener_stats stats[],
			     uint32_t max);
const struct tg_counters *tg_engine_counters(const struct tg_engine *engine);
/* The state of a tuple, TG_CLOSED when there is none. */
enum tg_tcp_state tg_engine_state_of(const struct tg_engine *engine, const struct tg_tuple *tuple);
/* The block of a connection, attached if need be (NULL when none can be had): for the socket
 * layer's options. The engine runs its output at the end of the call. */
struct tg_tcb *tg_engine_tcb(struct tg_engine *engine, uint32_t conn);
/* A private configuration for one connection (own_conf); NULL when out of room. */
struct tg_tcp_conf *tg_engine_own_conf(struct tg_engine *engine, uint32_t conn);
/* Link state of a port: down drops what waits for neighbours; up announces again (LN-05). */
void tg_engine_link(struct tg_engine *engine, uint32_t port, bool up);

/* Every invariant of every connection, table, wheel and pool, and rx_segments = rx_accepted +
 * drops. */
bool tg_engine_validate(const struct tg_engine *engine, char *why, size_t why_size);

#endif
