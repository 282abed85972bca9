/* SPDX-License-Identifier: BSD-3-Clause */
/* end.h: what the relay joins: an interface, or a lab in this process that plays a role.
 *
 * "if:NAME"    AF_PACKET on the interface; its other end is somebody's veth.
 * "lab:WORDS"  a lab on the clock of the machine. WORDS, parted by blanks:
 *     role=serve|talk|http   what it does; talk and http are clients
 *     port=N                 serve: where to listen (9000)
 *     to=ADDRESS port=N      talk, http: the server
 *     n=N                    connections: at once by a client; until a server has done (0: never)
 *     up= down= run_ms= mark_ms= seed_talk= path=   see struct talk_plan
 *     mac=XX:...             of the other end (02:00:00:00:00:0a); ours is 02:00:00:00:00:0b
 *   everything else is an option of the lab (lab.h). */
#ifndef END_H
#define END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_frame;

/* What an end gives to the relay for each frame that came out of it; at_ns: when it did, by the
 * clock that collect was given. */
typedef void (*end_out)(void *arg, uint64_t at_ns, const unsigned char *frame, size_t len);

struct end {
	const char *name;
	int fd; /* to wait on; -1 without one */
	uint64_t frames_in, frames_out, failed;
	/* Hands all that came out to out(). */
	void (*collect)(struct end *e, uint64_t now_ns, end_out out, void *arg);
	/* n frames go in. */
	void (*give)(struct end *e, uint64_t now_ns, struct link_frame *const f[], size_t n);
	/* When it wants to be called again, if nothing comes before. */
	uint64_t (*due)(const struct end *e);
	bool (*is_done)(const struct end *e, uint64_t now_ns);
	/* Prints what there is to say; false when a role failed. */
	bool (*close)(struct end *e, uint64_t now_ns);
};

enum { END_BATCH = 64, END_FRAME_MAX = 10240 };

/* NULL with a sentence in err. */
struct end *end_open(const char *text, uint64_t now_ns, char *err, size_t err_size);
struct end *end_if_open(const char *name, char *err, size_t err_size);
struct end *end_lab_open(const char *words, uint64_t now_ns, char *err, size_t err_size);

#endif
