/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual.h: a flood on one core, in virtual time. Engine, flood and clients take turns in one
 * process. The engine is the real one; that it takes time is what is made: a packet that it takes
 * from its ring costs 1 / capacity of a virtual second, what comes meanwhile waits in the ring, and
 * what finds the ring full is lost. So success under a flood is counted, not timed, and the same
 * seed gives the same run on any machine, however busy.
 *
 *     flood ----------------------------+
 *     clients --- 2 to 12 ms and some --+--> ring --> 32 at a time --> tg_engine_rx --> out
 *     transfers -- link, queue, 10 ms --+    tail                                        |
 *         ^                                  drop                                        |
 *         +------------------------------------------------------------------------------+
 *
 *   virtual.c          the cases, what they must show, the table
 *   virtual_run.c      one run: time, what is under way, the figures
 *   virtual_server.c   the engine, its ring and its carrier
 *   virtual_flood.c    who proves nothing
 *   virtual_client.c   those who connect, ask and go
 *   virtual_bulk.c     transfers that were there before the flood
 *   virtual_capture.c  every packet written down, and judged from the file
 */
#ifndef VIRTUAL_H
#define VIRTUAL_H

#include "tg_engine.h"
#include "tg_rng.h"

enum {
	V_BURST = 32,
	V_FRAME = 2048,
	V_PREFIX_N = 512, /* of the flood: /24 or /48 */
	V_SYN_MAX = 3,    /* that a client sends */
	V_FLOW_MAX = 16,
	V_MTU = 1500,
};
#define V_SEC_NS UINT64_C(1000000000)

enum v_who { V_FLOOD = 0, V_CLIENT, V_BULK, V_WHO_N };

/* What a run is. */
struct v_plan {
	uint64_t seed;
	bool v6;
	uint8_t mode;    /* enum tg_cookie_mode */
	double capacity; /* packets a second */
	double load;     /* of capacity, the flood and all others together; 0 = no flood */
	uint32_t ring;   /* packets */
	double client_rate;
	uint32_t client_prefixes; /* of theirs: /24 or /48, 1..65536 */
	uint32_t flow_n;          /* transfers, each way */
	double link_rate;         /* bytes a second, each way, of all transfers */
	uint64_t warm_ns;         /* before the flood */
	uint64_t span_ns;         /* in which clients that begin are counted */
	uint64_t tail_ns;         /* until the last of them is done, at most */
	uint64_t on_ns, off_ns;   /* the flood comes and goes; 0 = it stays */
	bool slow_acks;           /* every eighth client waits before it completes its handshake */
	uint32_t synq_high, synq_low, rst_rate;
	uint8_t synack_retries;
	const char *capture; /* a file to write, or NULL */
};

struct v_traffic {
	uint64_t packets, bytes; /* of IP */
};

/* At the ring; SYNs of clients by themselves, too. */
struct v_count {
	uint64_t offered[V_WHO_N], lost[V_WHO_N], syn_offered, syn_lost;
};

/* What came of it. */
struct v_result {
	struct v_count all, span;
	/* Clients that began in the span. */
	uint32_t begun, done[V_SYN_MAX + 1]; /* by the SYNs that it took */
	uint32_t refused, silent, bad;       /* RST; gave up; got what nobody should get */
	uint32_t straddled, straddled_done;  /* cookies were armed or disarmed in between */
	double down, up;                     /* bytes a second of text */
	bool flows_good;                     /* all transfers live, each byte is right */
	/* State, at every turn of the engine, or ten times a second. */
	uint32_t half_max, strange_max; /* connections that nobody may have */
	uint32_t armed_n, disarmed_n;
	int64_t rss_growth; /* bytes, from a second into the flood to its end */
	/* The flood and what it drew. */
	struct v_traffic flood_in, flood_out;
	uint64_t flood_syn, flood_syn_ack, flood_other;
	uint64_t half_made, half_again, opened;
	double busy_ns;  /* of the thread, a packet */
	uint64_t digest; /* of all that the engine sent, and when */
	bool valid;
	char why[200];
};

/* --- virtual_server.c --- */

struct v_server {
	struct tg_engine *e;
	void *mem;
	size_t mem_size;
	uint8_t *buf;
	uint32_t *free_buf, buf_n, free_n;
	struct tg_pkt *ring;
	uint8_t *whose;
	uint32_t ring_max, ring_head, ring_n;
	uint64_t free_ns; /* when it has done what it has taken */
	uint64_t ticked_ns;
	double cost_ns;
	bool v6;
	struct v_result *r;
	struct v_capture *capture;
	/* Everything that it sends, when it is sent. */
	void (*sent)(void *ctx, const struct tg_pkt *pkt, uint64_t at_ns);
	void *sent_ctx;
	uint64_t busy_ns, busy_packets; /* of the processor, for so many packets */
	uint64_t clock_ns;              /* to look at its clock */
};

void v_server_init(struct v_server *s, const struct v_plan *p, struct v_result *r, uint64_t now_ns);
void v_server_fini(struct v_server *s);
/* Room for a packet at the ring's end, of V_FRAME bytes, or NULL: it is lost. */
struct tg_pkt *v_server_offer(struct v_server *s, enum v_who who);
/* When it has something to do next. */
uint64_t v_server_next(const struct v_server *s, uint64_t now_ns);
void v_server_turn(struct v_server *s, uint64_t now_ns);
bool v_server_is_armed(const struct v_server *s);
uint64_t v_server_ctr(const struct v_server *s, enum tg_ctr ctr);
uint32_t v_server_half(const struct v_server *s);
/* The server's address; the first address of clients, of transfers; and of the flood. */
struct tg_addr v_addr_server(bool v6);
struct tg_addr v_addr_client(bool v6, uint32_t prefix, uint32_t host);
const char *v_addr_bulk(bool v6);
struct tg_addr v_addr_flood(bool v6, struct tg_rng *rng);
bool v_addr_is_flood(const struct tg_addr *a);
/* A frame to the server around a segment with these raw options; returns its length. */
uint32_t v_frame(uint8_t *frame, const struct tg_tuple *t, struct tg_seg *seg, const uint8_t *opt,
		 uint32_t opt_len, const void *text);

bool v_is_syn(const uint8_t *frame, bool v6);
/* Processor time of this thread. */
uint64_t v_busy_now(void);
/* What the engine does in a second of processor time with the flood alone: the median of slices. */
double v_capacity(const struct v_plan *p);

/* --- virtual_flood.c --- */

struct v_flood {
	struct tg_rng rng;
	bool v6;
	uint32_t memory_n;
	struct v_flood_syn *memory; /* SYNs that were sent */
	uint64_t syns;
};

void v_flood_init(struct v_flood *f, bool v6, uint64_t seed);
void v_flood_fini(struct v_flood *f);
void v_flood_fill(struct v_flood *f, struct tg_pkt *pkt);

/* --- virtual_run.c --- */

struct v_client;
struct v_bulk;
struct v_event;

struct v_run {
	const struct v_plan *p;
	struct v_result *r;
	struct v_server server;
	struct v_flood flood;
	struct v_bulk *bulk;
	struct v_client *client;
	uint32_t client_n, client_max, client_left; /* begun; places; counted and not done */
	struct tg_rng rng, client_rng;
	uint64_t now_ns, flood_ns, span_end_ns;
	double flood_at, flood_gap, client_at; /* ns; the next of each */
	double others;                         /* packets a second that are not the flood's */
	uint64_t others_n;
	struct v_event *heap;
	uint32_t heap_n, heap_max;
	uint64_t order;
	void *free_frame;
};

enum v_event_kind { V_TO_SERVER = 1, V_TO_CLIENT, V_TO_BULK, V_CLIENT_DUE };

struct v_event {
	uint64_t at_ns, order;
	uint8_t *frame; /* of v_run_frame, or NULL */
	uint32_t len, client;
	uint8_t kind, who;
};

void v_run(const struct v_plan *p, struct v_result *r);
/* A buffer of V_FRAME bytes for an event. */
uint8_t *v_run_frame(struct v_run *run);
void v_run_put(struct v_run *run, struct v_event ev);
/* Exponentially distributed, of that mean. */
double v_random_gap(struct tg_rng *rng, double mean);

/* --- virtual_client.c --- */

/* Begins the next one. */
void v_client_begin(struct v_run *run);
void v_client_due(struct v_run *run, uint32_t i);
void v_client_gets(struct v_run *run, uint32_t i, const uint8_t *frame, uint32_t len);
/* The server sends it a segment now; false when it is for no client. */
bool v_client_find(struct v_run *run, const struct tg_addr *addr, uint16_t port, uint32_t *i);
void v_client_note_sent(struct v_run *run, uint32_t i, uint8_t ctl);
/* Those that may have a connection now. */
uint32_t v_client_alive(const struct v_run *run);
void v_client_sum(const struct v_run *run);
size_t v_client_size(void);

/* --- virtual_bulk.c --- */

struct v_bulk *v_bulk_init(struct v_run *run);
void v_bulk_fini(struct v_bulk *b);
/* When it has something to do. */
uint64_t v_bulk_next(const struct v_bulk *b);
void v_bulk_advance(struct v_bulk *b, uint64_t now_ns);
void v_bulk_gets(struct v_bulk *b, const uint8_t *frame, uint32_t len, uint64_t now_ns);
/* The server's frame goes on its way. */
void v_bulk_sent(struct v_bulk *b, const struct tg_pkt *pkt, uint64_t at_ns);
/* Text that has come through so far, each way; false when a transfer is broken. */
bool v_bulk_moved(struct v_bulk *b, uint64_t *down, uint64_t *up);

/* --- virtual_capture.c --- */

struct v_capture;

struct v_capture *v_capture_open(const char *path);
void v_capture_put(struct v_capture *c, const struct tg_pkt *pkt, uint64_t at_ns);
bool v_capture_close(struct v_capture *c);

/* What the capture shows of prefixes that have proved nothing. */
struct v_verdict {
	struct v_traffic in, out;
	uint64_t syn_ack, again; /* and of those, what no packet drew */
	uint64_t longer;         /* answers of half-open entries with the options agreed on */
	uint64_t unasked, too_long, too_often, over_budget, broken; /* must be 0 */
	uint32_t again_max;                                         /* of one tuple */
	uint64_t limited;                                           /* drew nothing */
	uint64_t budget_max;                                        /* of one prefix */
};
/* always: no entry is there, so none may repeat or be longer. rate: of the budget. False: it could
 * not be read. */
bool v_capture_judge(const char *path, bool v6, bool always, uint32_t rate, uint32_t retries,
		     struct v_verdict *v);

#endif
