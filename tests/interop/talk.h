/* SPDX-License-Identifier: BSD-3-Clause */
/* talk.h: what two ends say to each other in the interop tests, over any kind of socket.
 *
 * The client sends a head, then `up` bytes (or bytes for run_ms), then its FIN. The server sends
 * `down` bytes (or for run_ms) meanwhile, and when it has sent all and read all, a tail: what it
 * received and what it sent, with their hashes. The bytes are a function of seed and position, so
 * that each one is checked where it arrives; the client compares the hashes of both ends. Its
 * verdict is therefore the verdict over both directions.
 *
 * An HTTP client is a third role: it asks once, and the body must be such bytes. */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes, 0 at the end of the stream, -EAGAIN, or another negative errno. */
struct talk_ops {
	ssize_t (*read)(void *host, int sock, void *buf, size_t len);
	ssize_t (*write)(void *host, int sock, const void *buf, size_t len);
	int (*shut)(void *host, int sock); /* our FIN */
};

enum talk_role { TALK_CLIENT = 1, TALK_SERVER, TALK_HTTP };
enum talk_end { TALK_GOING, TALK_DONE, TALK_BROKEN };

struct talk_plan {
	uint64_t seed;
	uint64_t up, down; /* bytes */
	uint64_t run_ms;  /* instead of up (and down, where not 0): the server counts for so long */
	uint64_t mark_ms; /* goodput is counted from so long after the first byte */
	const char *path; /* TALK_HTTP */
};

/* One direction, at the end that sends or at the one that receives. */
struct talk_flow {
	uint64_t seed, bytes, hash;
	uint64_t first_us, mark_us, last_us, mark_bytes; /* of arrival; mark_us: when to look */
	uint64_t stop_us;                                /* when to stop counting; 0: at its end */
	bool stopped, wrong;                             /* a byte was not what was sent */
};

enum { TALK_HEAD = 48, TALK_TAIL = 56, TALK_HTTP_HEAD = 4096 };

struct talk {
	enum talk_role role;
	enum talk_end end;
	const struct talk_ops *ops;
	void *host;
	int sock;
	struct talk_plan plan;
	struct talk_flow out, in;
	struct talk_flow peer_in;      /* client: what the server says it received */
	uint64_t start_us, part_us;    /* part_us: when the newest byte of part came */
	size_t head_n, tail_n, part_n; /* of head and tail: sent, or received so far */
	unsigned char part[TALK_HTTP_HEAD];
	bool began, shut, eof;
	char why[96];
};

void talk_init(struct talk *t, enum talk_role role, const struct talk_plan *plan,
	       const struct talk_ops *ops, void *host, int sock, uint64_t now_us);
/* Goes on as far as it can without waiting; true when there was something to do. Ends with t->end.
 */
bool talk_step(struct talk *t, uint64_t now_us);

/* len bytes of the stream from position at. */
void talk_pattern(uint64_t seed, uint64_t at, void *buf, size_t len);
/* Mbit/s of payload at the receiving end. */
double talk_goodput(const struct talk_flow *received);
/* One line for n clients that have ended: hashes, goodput, fairness (Jain). Returns how many
 * failed. */
int talk_report(const char *who, const struct talk *const t[], size_t n, uint64_t now_us);

/* This process before those of the machine that have no such priority (1..99), where it may: a link
 * is never late, and a host does not wait for what else runs beside the test. */
void talk_first(int priority);

#endif
