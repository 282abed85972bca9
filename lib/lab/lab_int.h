/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_int.h (private to lab): what the files of the lab share.
 *
 *   lab.c         new, free, the clock: runs the engine until nothing is due
 *   lab_carrier.c packets: buffers, datagrams in, the queue of datagrams out
 *   lab_table.c   socket objects, numbers, thin and whole sockets
 *   lab_queue.c   what waits to be accepted
 *   lab_sock.c    sockets over the service interface: a "socket" service whose ctx is the lab
 *   lab_io.c      read, write, shutdown, close
 *   lab_opt.c     options, poll, states, counters
 *
 * A connection that is open, and of which nothing else is to be said, is thin: it has no object.
 * Its number in the table, or its place in the queue of its listener, holds the connection's index,
 * and its word says where that is; four bytes in all. It becomes whole (a struct lab_sock) when
 * there is something to keep: an error, an end, a shutdown; and may become thin again. `closed`
 * comes before the engine uses an index again, so a thin entry never speaks of another connection.
 *
 * An entry, in the table of numbers or a queue:   0 | index of an object     1 | connection
 *                                                 TG_NONE: free, or lost for want of memory
 * The word of a connection:   0 | index of its object; of the listener's, until it is open
 *                            10 | number: thin
 *                            11 | listener : 8 | position in its queue : 22
 *                            LAB_DONE: the user is done with it */
#ifndef TG_LAB_INT_H
#define TG_LAB_INT_H

/* Only what lab.h declares leaves the shared object. */
#pragma GCC visibility push(default)
#include "lab.h"
#pragma GCC visibility pop

#include "tg_engine.h"
#include "tg_keys.h"

enum { LAB_ETH_LEN = 14, LAB_OUT_MAX = 2048, LAB_OFFLOAD_TSO = 2 /* of tx_offload */ };

/* A packet buffer. The engine gets the bytes behind it, and it as the handle. */
struct lab_buf {
	struct lab_buf *next;
	uint64_t sent_ns; /* in the output queue */
	uint32_t len;     /* likewise: of the frame */
	uint32_t cap;
	uint8_t *data; /* start of the frame: an engine may not move it, but is not asked to */
	uint8_t bytes[];
};

#define LAB_THIN  (UINT32_C(1) << 31)
#define LAB_WAITS (UINT32_C(1) << 30)
#define LAB_DONE  UINT32_MAX
enum { LAB_POS_BITS = 22 };

enum lab_kind { LAB_LISTENER = 1, LAB_CONN };

/* Opened and not accepted: slot[head], ..., positions modulo cap, a power of 2. */
struct lab_queue {
	uint32_t *slot;
	uint32_t cap, head, n;
};

struct lab_listener {
	int listener;     /* the engine's number */
	bool has_service; /* nothing to accept */
	struct tg_listener_conf conf;
	struct lab_queue queue;
};

struct lab_sock {
	enum lab_kind kind;
	uint32_t index; /* in the lab's table; TG_NONE: a view of a thin socket */
	int number;     /* the user's; -1: waits to be accepted */
	struct lab_listener *l;
	/* --- a connection --- */
	uint32_t conn;         /* the engine's; TG_NONE when it is gone */
	struct tg_tuple tuple; /* before it is and when it is gone */
	bool opened;
	bool shut_rd, shut_wr;
	bool urgent;
	int error, soft_error; /* positive errno, 0 = none */
	struct {
		uint8_t *bytes; /* unread when the connection ended */
		size_t len, at;
	} left;
};

union lab_entry {
	struct lab_sock *at;
	uint32_t next; /* of an unused one */
};

struct tg_lab {
	struct tg_settings settings;
	struct tg_engine *engine;
	void *mem;
	size_t mem_size;
	uint64_t now_ns;
	uint32_t mtu;
	struct tg_mac mac, peer_mac;
	/* carrier */
	struct lab_buf *free_buf;
	struct lab_buf *out_head, **out_tail;
	uint32_t buf_n, free_n, out_n; /* made; idle; sent and not yet read */
	bool failed;                   /* the process is out of memory: told by validate */
	struct tg_pkt out[LAB_OUT_MAX];
	/* sockets */
	union lab_entry *sock; /* objects, by index */
	uint32_t sock_n;
	uint32_t unused;  /* list of unused indexes */
	uint32_t *number; /* the user's numbers: entries */
	uint32_t number_n, number_cap;
	uint32_t number_low;                        /* below it none is free */
	struct lab_sock *listener[TG_LISTENER_MAX]; /* by the engine's number */
	uint16_t next_port;                         /* for listen on port 0 */
};

/* --- lab_carrier.c --- */

extern const struct tg_engine_ops lab_ops_template; /* ctx is the lab */
/* Sends out[n] to the queue, stamped with the lab's time. */
void lab_emit(struct tg_lab *lab, uint32_t n);
/* A frame around datagram in a fresh buffer; false: out of memory. */
bool lab_frame(struct tg_lab *lab, const void *datagram, size_t len, struct tg_pkt *pkt);
void lab_carrier_fini(struct tg_lab *lab);

/* --- lab_offload.c: the work that tx_flags ask of a network card --- */

/* Fills in the checksums of a frame that is not to be cut. */
void lab_offload_csum(const struct tg_pkt *pkt);
/* Into how many frames pkt is cut; and the i-th of them, into frame, which has room for it. Returns
 * its length. */
uint32_t lab_offload_pieces(const struct tg_pkt *pkt);
uint32_t lab_offload_piece(const struct tg_pkt *pkt, uint32_t i, uint8_t *frame);

/* --- lab.c --- */

/* Lets the engine do all that is due now: after each call of the user. */
void lab_settle(struct tg_lab *lab);

/* --- lab_table.c --- */

/* An object without number or connection; NULL: out of memory. */
struct lab_sock *lab_sock_new(struct tg_lab *lab, enum lab_kind kind);
void lab_sock_drop(struct tg_lab *lab, struct lab_sock *s);
void lab_sock_fini(struct tg_lab *lab);
/* The lowest free number, for lab_number_set; -1: out of memory. */
int lab_number_find(struct tg_lab *lab);
void lab_number_set(struct tg_lab *lab, int number, uint32_t entry);
void lab_number_free(struct tg_lab *lab, int number);
/* The socket behind a number; NULL: EBADF. That of a thin one is *view: what is written to it is
 * lost, so who has something to keep asks lab_whole first. */
struct lab_sock *lab_at(const struct tg_lab *lab, int number, struct lab_sock *view);
/* The object of a connection that is open, or that we opened, made if need be. NULL: the user is
 * done with it, or out of memory, which is noted. */
struct lab_sock *lab_whole(struct tg_lab *lab, uint32_t conn);
/* The socket becomes thin if it may. No pointer to its object may be in use. */
void lab_slim(struct tg_lab *lab, int number);
/* A thin connection ended and no object can be had: the table speaks of it no more. */
void lab_forget(struct tg_lab *lab, uint32_t conn);
/* Whether entry is good: of a thin connection with this word, or an object with this number. */
bool lab_entry_fits(const struct tg_lab *lab, uint32_t entry, uint32_t thin_word, int number);
/* Every socket and connection name each other; false and a sentence in why. */
bool lab_sock_validate(const struct tg_lab *lab, char *why, size_t why_size);

/* --- lab_queue.c: l is a listener --- */

/* An open connection waits; false: out of memory. */
bool lab_queue_join(struct tg_lab *lab, struct lab_sock *l, uint32_t conn);
/* Takes out what waits longest (TG_NONE: it was lost); false: none waits. */
bool lab_queue_take(struct tg_lab *lab, struct lab_sock *l, uint32_t *entry);
/* The place of the thin connection that waits and has this word. */
uint32_t *lab_queue_slot(const struct tg_lab *lab, uint32_t word);
bool lab_queue_fits(const struct tg_lab *lab, const struct lab_sock *l);
void lab_queue_fini(struct lab_queue *q);

/* --- lab_sock.c --- */

extern const struct tg_service lab_service;
/* s->l->conf.tcp changed: connections from now on. */
int lab_relisten(struct tg_lab *lab, struct lab_sock *s);

/* --- lab_io.c --- */

uint32_t lab_readable(const struct tg_lab *lab, const struct lab_sock *s);
bool lab_is_eof(const struct tg_lab *lab, const struct lab_sock *s);

#endif
