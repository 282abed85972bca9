/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_int.h (private to lab): what the files of the lab share.
 *
 *   lab.c         new, free, the clock: runs the engine until nothing is due
 *   lab_carrier.c packets: buffers, datagrams in, the queue of datagrams out
 *   lab_sock.c    sockets over the service interface: a "socket" service whose ctx is the lab
 *   lab_io.c      read, write, shutdown, close
 *   lab_opt.c     options, poll, states, counters
 *
 * A socket object lives from listen, connect or the opening of a passive connection until both the
 * user and the engine are done with it. The engine finds it by the connection's word (its index),
 * the user by its number. */
#ifndef TG_LAB_INT_H
#define TG_LAB_INT_H

/* Only what lab.h declares leaves the shared object. */
#pragma GCC visibility push(default)
#include "lab.h"
#pragma GCC visibility pop

#include "tg_engine.h"
#include "tg_keys.h"

enum { LAB_ETH_LEN = 14, LAB_OUT_MAX = 2048 };

/* A packet buffer. The engine gets the bytes behind it, and it as the handle. */
struct lab_buf {
	struct lab_buf *next;
	uint64_t sent_ns; /* in the output queue */
	uint32_t len;     /* likewise: of the frame */
	uint32_t cap;
	uint8_t *data; /* start of the frame: an engine may not move it, but is not asked to */
	uint8_t bytes[];
};

enum lab_kind { LAB_UNUSED = 0, LAB_LISTENER, LAB_CONN };

struct lab_sock {
	enum lab_kind kind;
	uint32_t index; /* in the lab's table, for as long as the lab lives */
	int number;     /* the user's; -1: waits to be accepted */
	/* --- a listener --- */
	int listener;     /* the engine's number */
	bool has_service; /* nothing to accept */
	struct tg_listener_conf conf;
	uint32_t first, last; /* opened and not accepted, by `next`; TG_NONE */
	/* --- a connection --- */
	struct tg_tuple tuple;
	uint32_t conn; /* the engine's; TG_NONE when it is gone */
	uint32_t next; /* in the queue of its listener, or among the unused */
	bool opened;
	bool closing; /* the user is done: the object goes when the engine is too */
	bool shut_rd, shut_wr;
	bool urgent;
	int error, soft_error; /* positive errno, 0 = none */
	struct {
		uint8_t *bytes; /* unread when the connection ended */
		size_t len, at;
	} left;
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
	struct lab_sock **sock; /* by index: the connections' words */
	uint32_t sock_n;
	uint32_t unused;  /* list of unused objects */
	uint32_t *number; /* the user's numbers: index into sock, or TG_NONE */
	uint32_t number_n;
	uint32_t number_low; /* below it none is free */
	uint16_t next_port;  /* for listen on port 0 */
};

/* --- lab_carrier.c --- */

extern const struct tg_engine_ops lab_ops_template; /* ctx is the lab */
/* Sends out[n] to the queue, stamped with the lab's time. */
void lab_emit(struct tg_lab *lab, uint32_t n);
/* A frame around datagram in a fresh buffer; false: out of memory. */
bool lab_frame(struct tg_lab *lab, const void *datagram, size_t len, struct tg_pkt *pkt);
void lab_carrier_fini(struct tg_lab *lab);

/* --- lab.c --- */

/* Lets the engine do all that is due now: after each call of the user. */
void lab_settle(struct tg_lab *lab);

/* --- lab_sock.c --- */

extern const struct tg_service lab_service;
/* The object behind a number; NULL: EBADF. */
struct lab_sock *lab_at(const struct tg_lab *lab, int number);
/* Gives up the number, and the object when it is no longer needed. */
void lab_sock_free(struct tg_lab *lab, struct lab_sock *s);
/* s->conf.tcp changed: connections from now on. */
int lab_relisten(struct tg_lab *lab, struct lab_sock *s);
/* Takes the connection that waits longest out of the queue; NULL when there is none. */
struct lab_sock *lab_queue_take(struct tg_lab *lab, struct lab_sock *listener);
void lab_sock_fini(struct tg_lab *lab);

/* --- lab_io.c --- */

uint32_t lab_readable(const struct tg_lab *lab, const struct lab_sock *s);
bool lab_is_eof(const struct tg_lab *lab, const struct lab_sock *s);

#endif
