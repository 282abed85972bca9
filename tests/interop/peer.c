/* SPDX-License-Identifier: BSD-3-Clause */
/* peer.c: the kernel's side of the interop tests: what end_lab.c plays, with the kernel's sockets.
 *
 *   peer serve ADDRESS PORT [KEY=VALUE...]   until n connections have ended (0: until SIGTERM)
 *   peer talk ADDRESS PORT [KEY=VALUE...]    n connections at once; one line with the verdict
 *   peer pattern SEED BYTES                  the bytes of talk.h, for a web server's file
 *
 * Keys: n  up  down  run_ms  mark_ms  seed  seconds (of time in all, 60)
 *       cc (cubic, reno)  sndbuf  rcvbuf  clamp (TCP_WINDOW_CLAMP)  maxseg
 * Exit status 0, 1 when a transfer failed, 2 when it could not begin. */
#define _GNU_SOURCE
#include "talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TALK_MAX = 4096 };

struct peer {
	bool serves;
	struct sockaddr_storage at;
	socklen_t at_len;
	struct talk_plan plan;
	uint64_t n, seconds, sndbuf, rcvbuf, clamp, maxseg;
	char cc[16];
	int listener;
	struct talk *talk[TALK_MAX];
	struct pollfd poll[TALK_MAX + 1];
	size_t talk_n, ended, failed;
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static int die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	return 2;
}

static ssize_t sock_read(void *host, int sock, void *buf, size_t len)
{
	ssize_t n = recv(sock, buf, len, MSG_DONTWAIT);

	(void)host;
	return n < 0 ? -errno : n;
}
static ssize_t sock_write(void *host, int sock, const void *buf, size_t len)
{
	ssize_t n = send(sock, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)host;
	return n < 0 ? -errno : n;
}
static int sock_shut(void *host, int sock)
{
	(void)host;
	return shutdown(sock, SHUT_WR);
}
static const struct talk_ops sock_ops = {sock_read, sock_write, sock_shut};

static void set_number(int fd, int level, int name, uint64_t value)
{
	int v = (int)value;

	if (value && setsockopt(fd, level, name, &v, sizeof(v)) < 0)
		die("setsockopt");
}

/* Before connect and listen, so that the handshake knows; connections inherit them. */
static int make_socket(const struct peer *p)
{
	int one = 1, fd = socket(p->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (p->cc[0] &&
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, p->cc, (socklen_t)strlen(p->cc)) < 0)
		return -1;
	set_number(fd, SOL_SOCKET, SO_SNDBUF, p->sndbuf);
	set_number(fd, SOL_SOCKET, SO_RCVBUF, p->rcvbuf);
	set_number(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, p->clamp);
	set_number(fd, IPPROTO_TCP, TCP_MAXSEG, p->maxseg);
	return fd;
}

static void add_talk(struct peer *p, int fd, const struct talk_plan *plan)
{
	struct talk *t = malloc(sizeof(*t));

	talk_init(t, p->serves ? TALK_SERVER : TALK_CLIENT, plan, &sock_ops, NULL, fd, now_us());
	p->talk[p->talk_n++] = t;
}

static int begin(struct peer *p)
{
	if (p->serves) {
		p->listener = make_socket(p);
		return p->listener < 0 || bind(p->listener, (void *)&p->at, p->at_len) < 0 ||
		       listen(p->listener, 1024) < 0;
	}
	p->listener = -1;
	for (uint64_t i = 0; i < p->n; i++) {
		struct talk_plan plan = p->plan;
		int fd = make_socket(p);
		plan.seed += i;
		if (fd < 0 || (connect(fd, (void *)&p->at, p->at_len) < 0 && errno != EINPROGRESS))
			return 1;
		add_talk(p, fd, &plan);
	}
	return 0;
}

static void accept_all(struct peer *p)
{
	int fd;

	while (p->listener >= 0 && p->talk_n < TALK_MAX &&
	       (fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		add_talk(p, fd, NULL);
}

/* close() aborts: nobody waits for what a timed run has left over. */
static void set_linger(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void step_all(struct peer *p)
{
	size_t kept = 0;

	accept_all(p);
	for (size_t i = 0; i < p->talk_n; i++) {
		struct talk *t = p->talk[i];
		if (t->end == TALK_GOING && !talk_step(t, now_us()) && t->end == TALK_GOING) {
			p->talk[kept++] = t;
			continue;
		}
		if (t->end != TALK_GOING && t->sock >= 0) {
			if (t->plan.run_ms && t->role == TALK_CLIENT)
				set_linger(t->sock);
			close(t->sock);
			t->sock = -1;
			p->ended++;
			p->failed += t->end == TALK_BROKEN;
			if (p->serves && t->end == TALK_BROKEN)
				printf("kernel server: %s\n", t->why);
		}
		if (t->end == TALK_GOING || !p->serves)
			p->talk[kept++] = t;
		else
			free(t);
	}
	p->talk_n = kept;
}

/* POLLOUT only for those who have something to say, or it would never sleep. */
static void wait_more(struct peer *p)
{
	size_t n = 0;

	if (p->listener >= 0)
		p->poll[n++] = (struct pollfd){.fd = p->listener, .events = POLLIN};
	for (size_t i = 0; i < p->talk_n; i++) {
		const struct talk *t = p->talk[i];
		bool says = !t->shut && !(t->role == TALK_SERVER && !t->began);
		bool waits = t->role == TALK_SERVER && t->began && !t->plan.run_ms &&
			     t->out.bytes == t->plan.down && !t->eof;
		short events = (short)((says && !waits ? POLLOUT : 0) | (t->eof ? 0 : POLLIN));
		if (t->end == TALK_GOING)
			p->poll[n++] = (struct pollfd){.fd = t->sock, .events = events};
	}
	poll(p->poll, (nfds_t)n, 20);
}

static int run(struct peer *p)
{
	uint64_t until = now_us() + p->seconds * 1000000;

	while (!told_to_end && now_us() < until && (p->n == 0 || p->ended < p->n)) {
		step_all(p);
		if (p->n == 0 || p->ended < p->n)
			wait_more(p);
	}
	if (!p->serves)
		return talk_report("kernel client", (const struct talk *const *)p->talk, p->talk_n,
				   now_us()) != 0;
	printf("kernel server: ended=%zu failed=%zu open=%zu\n", p->ended, p->failed, p->talk_n);
	return p->failed || (p->n && p->ended < p->n);
}

/* --- the command line --- */

static int take_key(struct peer *p, char *word)
{
	char *value = strchr(word, '=');
	struct {
		const char *key;
		uint64_t *to;
	} keys[] = {{"n", &p->n},
		    {"up", &p->plan.up},
		    {"down", &p->plan.down},
		    {"run_ms", &p->plan.run_ms},
		    {"mark_ms", &p->plan.mark_ms},
		    {"seed", &p->plan.seed},
		    {"seconds", &p->seconds},
		    {"sndbuf", &p->sndbuf},
		    {"rcvbuf", &p->rcvbuf},
		    {"clamp", &p->clamp},
		    {"maxseg", &p->maxseg}};

	if (!value)
		return 0;
	*value++ = 0;
	if (!strcmp(word, "cc"))
		return snprintf(p->cc, sizeof(p->cc), "%s", value) < (int)sizeof(p->cc);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(word, keys[i].key)) {
			*keys[i].to = strtoull(value, NULL, 0);
			return 1;
		}
	return 0;
}

static int take_address(struct peer *p, const char *text, const char *port)
{
	struct sockaddr_in *a4 = (void *)&p->at;
	struct sockaddr_in6 *a6 = (void *)&p->at;
	uint16_t number = htons((uint16_t)atoi(port));

	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = number;
		p->at_len = sizeof(*a4);
		return 1;
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = number;
	p->at_len = sizeof(*a6);
	return inet_pton(AF_INET6, text, &a6->sin6_addr) == 1;
}

static int write_pattern(uint64_t seed, uint64_t bytes)
{
	unsigned char buf[4096];

	for (uint64_t at = 0; at < bytes; at += sizeof(buf)) {
		size_t n = bytes - at < sizeof(buf) ? (size_t)(bytes - at) : sizeof(buf);
		talk_pattern(seed, at, buf, n);
		if (fwrite(buf, n, 1, stdout) != 1)
			return die("write");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct peer p = {.seconds = 60, .plan.seed = 1};

	if (argc == 4 && !strcmp(argv[1], "pattern"))
		return write_pattern(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	p.serves = argc > 1 && !strcmp(argv[1], "serve");
	if (argc < 4 || (!p.serves && strcmp(argv[1], "talk")) ||
	    !take_address(&p, argv[2], argv[3])) {
		fprintf(stderr,
			"usage: peer serve|talk ADDRESS PORT [KEY=VALUE...] | pattern SEED N\n");
		return 2;
	}
	talk_first(1);
	p.n = p.serves ? 0 : 1;
	for (int i = 4; i < argc; i++)
		if (!take_key(&p, argv[i])) {
			fprintf(stderr, "peer: unknown key %s\n", argv[i]);
			return 2;
		}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	if (begin(&p))
		return die("cannot begin");
	return run(&p);
}
