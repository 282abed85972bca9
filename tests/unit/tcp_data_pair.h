/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_data_pair.h: two blocks and a link in memory that loses, repeats and reorders by a seed, in
 * virtual time. What crosses the wire is checked as it is sent: the right edge never moves left,
 * the same number always carries the same byte, nothing goes past the window but a probe. */
#ifndef TG_TEST_TCP_DATA_PAIR_H
#define TG_TEST_TCP_DATA_PAIR_H

#include "tg_tcp.h"
#include "tg_test.h"

enum { PAIR_LINK_MAX = 4096, PAIR_TEXT_MAX = 65536 };

/* What one side's user does. */
struct pair_user {
	uint32_t total;                   /* bytes to send */
	uint32_t write_max;               /* bytes a write, 1..write_max at random */
	uint32_t write_every_ms;          /* 0: whenever there is room */
	uint32_t read_max, read_every_ms; /* 0: at once */
	uint64_t read_from_ms;            /* reads nothing before */
	uint32_t written, read;
	uint64_t next_write_ms, next_read_ms;
	bool eof, shut, closed;
	enum tg_close_reason reason;
};

struct pair_host {
	struct tg_tcb tcb;
	struct tg_tcp_conf conf;
	struct tg_counters ctr;
	struct tg_chunks chunks;
	struct tg_tcp_env env;
	struct tg_tuple tuple;
	struct pair_user user;
	uint32_t max_text;
	bool edge_known;
	tg_seq edge, peer_edge; /* told by us; told by the peer and received or not */
	uint64_t sent_n, text_n;
	uint64_t largest; /* most bytes of text in a segment */
	uint32_t pattern; /* of what it sends */
	uint64_t first_ms[4];
	void *mem;
};

struct pair_packet {
	uint64_t at_ms, order;
	uint8_t to;
	struct tg_seg seg;
	uint8_t *text;
};

struct pair_link {
	uint32_t delay_ms, jitter_ms;
	uint32_t loss_ppm, dup_ppm;
	/* Asked for each packet before chance is; true = lose it. NULL = chance alone. */
	bool (*lose)(void *ctx, int from, const struct tg_seg *seg);
	void *ctx;
};

struct pair {
	struct pair_host host[2]; /* 0 opens, 1 listens */
	struct pair_link link;
	struct pair_packet *packet;
	uint32_t packet_n;
	uint64_t order, now_ms, steps;
	struct tg_tcp_secret secret;
	struct tg_rng rng;
	uint64_t lost_n;
	const char *fault; /* first thing found wrong */
};

/* Both closed, link idle, confs by default (newreno, 40 ms delayed ACK, 256 KiB). chunk_n each. */
void pair_init(struct pair *p, uint64_t seed, uint32_t chunk_n);
void pair_fini(struct pair *p);
/* The handshake by listen and open. */
void pair_open(struct pair *p);
/* Runs until both users are done, nothing can happen any more, or virtual time is over; false and
 * p->fault when a user is not done. */
bool pair_run(struct pair *p, uint64_t until_ms);
/* One event; false when there is none before until_ms. */
bool pair_step(struct pair *p, uint64_t until_ms);
/* Runs both users and lets out what is to be sent now. */
void pair_kick(struct pair *p, int side);

#endif
