/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.h: `tidegate bench`: a server and `load`'s client in one run, and what each of them costs.
 *
 *   ring     one process, two devices that are crossed; one core, in turns, or two
 *   memif    two processes over shared memory, a core each
 *   kernel   the same client before nginx on the kernel's stack, over a veth pair */
#ifndef TG_APP_BENCH_H
#define TG_APP_BENCH_H

#include "load_run.h"
#include "rings.h"
#include <sys/types.h>

enum tg_bench_mode { TG_BENCH_RING = 0, TG_BENCH_MEMIF, TG_BENCH_KERNEL };

/* What a server of ours showed last; shared memory where it is another process. */
struct tg_bench_view {
	_Atomic uint32_t seq;    /* odd while sight is being written */
	_Atomic uint32_t ready;  /* 1: it serves; 2: it could not be started, and said so */
	_Atomic uint32_t stop;   /* it is to end */
	_Atomic uint64_t memory; /* bytes in use */
	struct tg_sight sight;
};

struct tg_bench_server {
	struct tg_conf conf;
	struct tg_plan plan;
	struct tg_host host;
};

/* Figures of windows of a tenth of a second. */
struct tg_bench_windows {
	double *v; /* [n] */
	uint32_t n, room;
};

enum { TG_BENCH_STEP_MAX = 40 };

/* How much is offered, and what comes of it. */
struct tg_bench_step {
	uint32_t rate;
	double begun, good; /* a second */
};

struct tg_bench_overload {
	struct tg_bench_step step[TG_BENCH_STEP_MAX]; /* [step_n], the last one twice the best */
	uint32_t step_n, short_n;                     /* short_n: steps in a row that fell short */
	uint64_t step_ns;                             /* when the step began; 0: it has not */
	struct tg_load_figures from;
	bool is_last, is_measuring, is_over;
	double best;
};

/* The kernel's side: a namespace, a veth pair, nginx. */
struct tg_bench_kernel {
	char ns[32], near[16], far[16], dir[64];
	pid_t nginx;
	bool made_ns, made_dir;
	uint64_t cpu_ns; /* that nginx took */
};

struct tg_bench {
	struct tg_load_run run;
	enum tg_bench_mode mode;
	uint64_t cores;
	bool overload, ipv6;
	struct tg_eal_got got, got_client;
	struct tg_bench_server server;
	struct tg_rings rings;
	struct tg_bench_view *view; /* of another process; NULL: server.host is here */
	pid_t peer;
	char peer_dir[64];
	struct tg_bench_kernel kernel;
	struct tg_bench_overload over;
	double round_trip_ns; /* of a cache line between the two cores; 0: there are none */
	struct tg_bench_windows opens, busy;
	struct tg_load_figures window_from;
	struct tg_sight server_from, server_start, server_end, client_start, client_end;
	uint32_t lost_buffers;
};

/* --- bench_server.c --- */

/* The server that fits the client's plan, behind device: its configuration and its plan. 0; or -1
 * and one line in err. */
int tg_bench_server_plan(struct tg_bench *b, const char *device, char *err, size_t err_size);
/* The same over a device that is there already, its number id. */
int tg_bench_server_adopt(struct tg_bench *b, uint16_t id, char *err, size_t err_size);
/* MiB of its engine. */
uint64_t tg_bench_server_mb(const struct tg_bench *b);
void tg_bench_server_fini(struct tg_bench *b);

/* --- bench_peer.c: the server as another process, over memif --- */

/* Forks it; before the EAL is up. Returns when it serves. 0; or the exit code after a message. */
int tg_bench_peer_start(struct tg_bench *b);
/* What it shows of itself. */
void tg_bench_peer_see(const struct tg_bench *b, struct tg_sight *out);
void tg_bench_peer_end(struct tg_bench *b);

/* --- bench_kernel.c --- */

/* Makes the namespace and starts nginx in it. 0; or the exit code after a message. */
int tg_bench_kernel_start(struct tg_bench *b);
/* nginx's CPU time so far, ns. */
uint64_t tg_bench_kernel_cpu_ns(const struct tg_bench *b);
void tg_bench_kernel_end(struct tg_bench *b);

/* --- bench_ping.c --- */

/* Time that a cache line takes from one CPU to another and back, ns: of the CPUs that the workers
 * will have, before they run. 0 where there is but one. */
double tg_bench_ping(void);

/* --- bench_overload.c --- */

/* Looks at the figures, and offers more, until the best rate is known; then twice that. */
void tg_bench_overload_turn(struct tg_bench *b, const struct tg_load_figures *now, uint64_t now_ns);
/* The share of the best rate that is left, 0..1; 0 where it did not come to that. */
double tg_bench_overload_share(const struct tg_bench_overload *o);

/* --- bench_report.c --- */

void tg_bench_window_add(struct tg_bench_windows *w, double v);
void tg_bench_print(struct tg_bench *b, FILE *out);
void tg_bench_print_json(struct tg_bench *b, FILE *out);

#endif
