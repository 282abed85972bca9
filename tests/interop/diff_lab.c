/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_lab.c: a lab as host under test, a new one for each case. Waiting costs no time here, so
 * that it waits longer than a delayed ACK takes. */
#include "diff_host.h"
#include "lab.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct lab {
	struct host host;
	struct tg_lab *lab;
	int listener, sock;
	uint64_t now_ns;
	bool v6;
	uint16_t port;
};

enum { MS = 1000000, WAIT_MS = 60 };

static bool lab_begin(struct host *h, bool v6, uint16_t port)
{
	struct lab *l = (struct lab *)h;
	char err[200];

	l->v6 = v6;
	l->port = port;
	l->listener = l->sock = -1;
	l->now_ns = 1000000000;
	/* One challenge ACK a millisecond: as the kernel's limits are switched off, too. */
	l->lab = tg_lab_new("addr=" WIRE_HOST4 "/24 addr=" WIRE_HOST6
			    "/64 connections=16 challenge_ms=1 rst_rate=0",
			    err, sizeof(err));
	if (!l->lab)
		printf("lab: %s\n", err);
	return l->lab != NULL;
}

static bool lab_listen(struct host *h)
{
	struct lab *l = (struct lab *)h;

	l->listener = tg_lab_listen(l->lab, NULL, l->port, 16, NULL);
	return l->listener >= 0;
}

static bool lab_connect(struct host *h)
{
	struct lab *l = (struct lab *)h;

	l->sock = tg_lab_connect(l->lab, l->v6 ? WIRE_HOST6 : WIRE_HOST4, l->port,
				 l->v6 ? WIRE_PEER6 : WIRE_PEER4, l->port, NULL);
	return l->sock >= 0;
}

static bool lab_accept(struct host *h)
{
	struct lab *l = (struct lab *)h;

	l->sock = tg_lab_accept(l->lab, l->listener);
	return l->sock >= 0;
}

static bool lab_write(struct host *h, size_t n)
{
	struct lab *l = (struct lab *)h;
	char text[1000];

	memset(text, 'y', sizeof(text));
	return tg_lab_write(l->lab, l->sock, text, n) == (ssize_t)n;
}

static bool lab_shut(struct host *h)
{
	struct lab *l = (struct lab *)h;

	return tg_lab_shutdown(l->lab, l->sock, SHUT_WR) == 0;
}

static void lab_inject(struct host *h, const unsigned char *datagram, size_t len)
{
	struct lab *l = (struct lab *)h;

	l->now_ns += 2 * MS; /* past the last challenge */
	tg_lab_input(l->lab, l->now_ns, datagram, len);
}

static size_t lab_output(struct host *h, unsigned char *datagram, size_t cap, unsigned ms)
{
	struct lab *l = (struct lab *)h;
	uint64_t at, until = l->now_ns + (uint64_t)(ms > WAIT_MS ? ms : WAIT_MS) * MS;
	size_t len;

	while ((len = tg_lab_output(l->lab, datagram, cap, &at)) == 0) {
		uint64_t due = tg_lab_next_deadline(l->lab);
		if (ms == 0 || due > until)
			break;
		l->now_ns = due > l->now_ns ? due : l->now_ns;
		tg_lab_advance(l->lab, l->now_ns);
	}
	return len;
}

static void lab_end(struct host *h)
{
	struct lab *l = (struct lab *)h;
	char why[200];

	if (!tg_lab_validate(l->lab, why, sizeof(why)))
		printf("lab: not valid: %s\n", why);
	tg_lab_free(l->lab);
	l->lab = NULL;
}

struct host *host_lab(void)
{
	static struct lab l;

	l.host = (struct host){"lab",     lab_begin, lab_listen, lab_connect, lab_accept,
			       lab_write, lab_shut,  lab_inject, lab_output,  lab_end};
	return &l.host;
}
