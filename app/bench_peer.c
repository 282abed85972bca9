/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_peer.c: a server of ours in a process of its own. It is forked before DPDK is up, tells by
 * shared memory what it sees of itself, and ends when it is told to or when we are gone. */
#define _GNU_SOURCE
#include "bench.h"

#include "cli.h"

#include <errno.h>
#include <rte_pause.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHOW_MS = 20, START_MS = 30000, END_MS = 5000, ABORT_MS = 300 };

/* --- the other process --- */

static void show(struct tg_bench *b)
{
	struct tg_sight sight;

	tg_sight_sum(&b->server.host, &sight);
	atomic_fetch_add_explicit(&b->view->seq, 1, memory_order_acq_rel);
	b->view->sight = sight;
	atomic_fetch_add_explicit(&b->view->seq, 1, memory_order_release);
	atomic_store_explicit(&b->view->memory, tg_plan_memory_used(), memory_order_relaxed);
}

/* The CPU that the client's worker takes is left to it: workers take the last one they may. */
static void leave_last_cpu(void)
{
	cpu_set_t set;
	int last = -1, n = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set)) {
			last = i;
			n++;
		}
	if (n > 1) {
		CPU_CLR(last, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
}

static int start_server(struct tg_bench *b, char *err, size_t err_size)
{
	const char *device = b->server.conf.port[0].set.device;
	struct tg_eal_conf eal = {.name = b->run.opt.name,
				  .device = &device,
				  .device_n = 1,
				  .worker_n = 1,
				  .memory_mb = tg_plan_buffers_mb(&b->server.conf),
				  .extra = b->run.opt.extra,
				  .extra_n = (uint32_t)b->run.opt.extra_n,
				  .verbose = b->run.opt.verbose};

	snprintf(b->run.opt.name, sizeof(b->run.opt.name), "bench-server-%d", (int)getpid());
	leave_last_cpu();
	if (tg_eal_init(&eal, &b->got, err, err_size) != 0)
		return -1;
	return tg_host_init(&b->server.host, b->run.opt.name, &b->server.conf, &b->server.plan,
			    &b->got, err, err_size);
}

static int serve(struct tg_bench *b)
{
	struct tg_host *h = &b->server.host;
	char err[TG_CONF_ERR];

	if (start_server(b, err, sizeof(err)) != 0) {
		tg_cli_usage("bench", "%s", err);
		atomic_store(&b->view->ready, 2);
		return TG_EXIT_USAGE;
	}
	if (!tg_host_touch(h)) {
		tg_cli_failed("bench", "the memory of the server's plan is not there");
		atomic_store(&b->view->ready, 2);
		return TG_EXIT_FAILED;
	}
	tg_host_launch(h, &b->got);
	atomic_store(&b->view->ready, 1);
	while (!atomic_load(&b->view->stop)) {
		tg_dev_poll_link(&h->dev[0]); /* the client comes later */
		show(b);
		tg_cli_pause_ms(SHOW_MS);
	}
	tg_host_order(h, TG_ORDER_ABORT);
	for (uint32_t ms = 0; ms < ABORT_MS && !tg_host_is_done(h, TG_ORDER_ABORT); ms += 2)
		tg_cli_pause_ms(2);
	tg_host_order(h, TG_ORDER_STOP);
	tg_host_join(h, &b->got);
	show(b);
	tg_bench_server_fini(b);
	tg_eal_fini();
	return TG_EXIT_OK;
}

/* --- this one --- */

static int fail(struct tg_bench *b, const char *what)
{
	int error = errno;

	tg_bench_peer_end(b);
	return tg_cli_failed("bench", "%s: %s", what, strerror(error));
}

static int wait_ready(struct tg_bench *b)
{
	uint32_t ready = 0;

	for (uint32_t ms = 0; ms < START_MS && !tg_cli_is_interrupted(); ms += 5) {
		ready = atomic_load(&b->view->ready);
		if (ready)
			break;
		tg_cli_pause_ms(5);
	}
	if (ready == 1)
		return TG_EXIT_OK;
	tg_bench_peer_end(b);
	return ready == 2 ? TG_EXIT_USAGE
			  : tg_cli_failed("bench", "the server did not start in time");
}

int tg_bench_peer_start(struct tg_bench *b)
{
	pid_t parent = getpid();

	b->view =
	    mmap(NULL, sizeof(*b->view), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->view == MAP_FAILED) {
		b->view = NULL;
		return fail(b, "no memory to share");
	}
	fflush(stdout);
	b->peer = fork();
	if (b->peer < 0)
		return fail(b, "no second process");
	if (b->peer > 0)
		return wait_ready(b);
	/* A terminal's Ctrl-C goes to both; it is the client that says when it is over. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	exit(getppid() == parent ? serve(b) : TG_EXIT_FAILED);
}

void tg_bench_peer_see(const struct tg_bench *b, struct tg_sight *out)
{
	uint32_t seq;

	do {
		while ((seq = atomic_load_explicit(&b->view->seq, memory_order_acquire)) & 1)
			rte_pause();
		memcpy(out, &b->view->sight, sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
	} while (atomic_load_explicit(&b->view->seq, memory_order_relaxed) != seq);
}

void tg_bench_peer_end(struct tg_bench *b)
{
	int status;

	if (b->view)
		atomic_store(&b->view->stop, 1);
	for (uint32_t ms = 0; b->peer > 0; ms += 5) {
		if (waitpid(b->peer, &status, WNOHANG) != 0)
			b->peer = 0;
		else if (ms == END_MS)
			kill(b->peer, SIGKILL);
		else
			tg_cli_pause_ms(5);
	}
}
