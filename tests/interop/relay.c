/* SPDX-License-Identifier: BSD-3-Clause */
/* relay.c: joins two ends by a link that loses, duplicates, reorders, delays and queues, by seed.
 *
 *   relay END END [--seed N] [--loss P[,P]] [--dup P[,P]] [--reorder P[,P]] [--delay-us N[,N]]
 *         [--reorder-us N] [--rate-mbit N [--queue-kb N]] [--seconds N] [--pcap FILE]
 *
 * END is "if:NAME" or "lab:WORDS" (end.h). P is per mille of TCP frames; "A,B": from the first end,
 * from the second. It ends after so many seconds, on SIGTERM, or when a lab has played its role;
 * the last lines are counters, one line for each direction. Exit status 0, 1 when a role failed or
 * ran out of time, 2 for a command line that makes no sense. */
#define _GNU_SOURCE
#include "end.h"
#include "link.h"
#include "talk.h"
#include "watch.h"

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

struct relay {
	struct end *end[2];
	struct link link[2]; /* [i]: away from end i */
	struct watch watch;
	uint64_t now_ns, end_ns;
	int from;
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct end *end_open(const char *text, uint64_t now_ns, char *err, size_t err_size)
{
	if (!strncmp(text, "if:", 3))
		return end_if_open(text + 3, err, err_size);
	if (!strncmp(text, "lab:", 4))
		return end_lab_open(text + 4, now_ns, err, err_size);
	snprintf(err, err_size, "%s is neither if:NAME nor lab:WORDS", text);
	return NULL;
}

/* It is as long under way from when it came out: how late we looked does not count. */
static void came_out(void *arg, uint64_t at_ns, const unsigned char *frame, size_t len)
{
	struct relay *r = arg;

	watch_frame(&r->watch, r->from, at_ns, frame, len);
	link_offer(&r->link[r->from], at_ns, frame, len);
}

/* What is due at the far side of a link goes in, END_BATCH at a time. */
static void deliver(struct relay *r, int from)
{
	struct link_frame *f[END_BATCH];
	size_t n;

	do {
		for (n = 0; n < END_BATCH; n++) {
			f[n] = link_take(&r->link[from], r->now_ns);
			if (!f[n])
				break;
		}
		if (n)
			r->end[!from]->give(r->end[!from], r->now_ns, f, n);
		for (size_t i = 0; i < n; i++)
			free(f[i]);
	} while (n == END_BATCH);
}

static uint64_t next_ns(const struct relay *r)
{
	uint64_t next = r->end_ns;

	for (int i = 0; i < 2; i++) {
		uint64_t a = link_due(&r->link[i]), b = r->end[i]->due(r->end[i]);
		next = a < next ? a : next;
		next = b < next ? b : next;
	}
	return next;
}

static void wait_next(const struct relay *r)
{
	struct pollfd p[2] = {{.fd = r->end[0]->fd, .events = POLLIN},
			      {.fd = r->end[1]->fd, .events = POLLIN}};
	uint64_t now = clock_ns(), next = next_ns(r), left = next > now ? next - now : 0;
	struct timespec ts = {(time_t)(left / 1000000000), (long)(left % 1000000000)};

	ppoll(p, 2, &ts, NULL);
}

static bool is_done(const struct relay *r)
{
	return told_to_end || r->now_ns >= r->end_ns || r->end[0]->is_done(r->end[0], r->now_ns) ||
	       r->end[1]->is_done(r->end[1], r->now_ns);
}

static void run(struct relay *r)
{
	while (!is_done(r)) {
		r->now_ns = clock_ns();
		for (r->from = 0; r->from < 2; r->from++)
			r->end[r->from]->collect(r->end[r->from], r->now_ns, came_out, r);
		r->now_ns = clock_ns();
		deliver(r, 0);
		deliver(r, 1);
		wait_next(r);
	}
}

static int finish(struct relay *r)
{
	bool good = true;

	for (int i = 0; i < 2; i++) {
		struct end *e = r->end[i];
		struct link *l = &r->link[i];
		printf("link %d: in=%" PRIu64 " out=%" PRIu64 " lost=%" PRIu64 " dup=%" PRIu64
		       " reordered=%" PRIu64 " full=%" PRIu64 " failed=%" PRIu64 " late_us=%" PRIu64
		       "\n",
		       i, l->in, l->out, l->lost, l->dup, l->reordered, l->full, e->failed,
		       l->out ? l->late_ns / l->out / 1000 : 0);
		link_fini(l);
	}
	watch_close(&r->watch);
	for (int i = 0; i < 2; i++)
		good &= r->end[i]->close(r->end[i], r->now_ns);
	return good ? 0 : 1;
}

/* --- the command line --- */

static const struct option options[] = {
    {"seed", 1, NULL, 's'},      {"loss", 1, NULL, 'l'},     {"dup", 1, NULL, 'd'},
    {"reorder", 1, NULL, 'r'},   {"delay-us", 1, NULL, 'D'}, {"reorder-us", 1, NULL, 'R'},
    {"rate-mbit", 1, NULL, 'b'}, {"queue-kb", 1, NULL, 'q'}, {"seconds", 1, NULL, 't'},
    {"pcap", 1, NULL, 'p'},      {NULL, 0, NULL, 0}};

static int usage(void)
{
	fprintf(stderr,
		"usage: relay END END [--seed N] [--loss P[,P]] [--dup P[,P]] [--reorder P[,P]] "
		"[--delay-us N[,N]] [--reorder-us N] [--rate-mbit N [--queue-kb N]] "
		"[--seconds N] [--pcap FILE]\n");
	return 2;
}

/* "A" for both directions, "A,B" for one each. */
static void both(const char *text, uint32_t *a, uint32_t *b)
{
	char *end;

	*a = (uint32_t)strtoul(text, &end, 10);
	*b = *end == ',' ? (uint32_t)strtoul(end + 1, NULL, 10) : *a;
}

static bool take_option(int c, struct link_plan p[2], uint64_t *seed, double *seconds,
			const char **pcap)
{
	switch (c) {
	case 's':
		*seed = strtoull(optarg, NULL, 10);
		return true;
	case 't':
		*seconds = strtod(optarg, NULL);
		return true;
	case 'p':
		*pcap = optarg;
		return true;
	case 'l':
		both(optarg, &p[0].loss, &p[1].loss);
		return true;
	case 'd':
		both(optarg, &p[0].dup, &p[1].dup);
		return true;
	case 'r':
		both(optarg, &p[0].reorder, &p[1].reorder);
		return true;
	case 'D':
		both(optarg, &p[0].delay_us, &p[1].delay_us);
		return true;
	case 'R':
		both(optarg, &p[0].reorder_us, &p[1].reorder_us);
		return true;
	case 'b':
		both(optarg, &p[0].rate_mbit, &p[1].rate_mbit);
		return true;
	case 'q':
		both(optarg, &p[0].queue_kb, &p[1].queue_kb);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static struct relay r;
	struct link_plan plan[2] = {{.queue_kb = 256, .reorder_us = 3000},
				    {.queue_kb = 256, .reorder_us = 3000}};
	uint64_t seed = 1;
	double seconds = 3600;
	const char *pcap = NULL;
	char err[300] = "";
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(c, plan, &seed, &seconds, &pcap))
			return usage();
	if (argc - optind != 2)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_TIMERSLACK, 1);
	talk_first(2);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	r.now_ns = clock_ns();
	r.end_ns = r.now_ns + (uint64_t)(seconds * 1e9);
	for (int i = 0; i < 2; i++) {
		link_init(&r.link[i], &plan[i], seed * 2 + (uint64_t)i);
		r.end[i] = end_open(argv[optind + i], r.now_ns, err, sizeof(err));
		if (!r.end[i]) {
			fprintf(stderr, "relay: %s\n", err);
			return 2;
		}
	}
	if (!watch_open(&r.watch, pcap)) {
		fprintf(stderr, "relay: %s cannot be written\n", pcap);
		return 2;
	}
	run(&r);
	return finish(&r);
}
