/* SPDX-License-Identifier: BSD-3-Clause */
/* tap_lab.c: the engine as client. One lab behind a TUN device opens a connection to a server of
 * the kernel, sends a GET and writes the body to standard output. Links libtidegate-lab.so as a
 * user's program would: lab.h, a clock and a file descriptor are all that it takes.
 *
 * usage: tap_lab TUN OUR-ADDRESS/PREFIX SERVER-ADDRESS PORT PATH */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 65536, LIMIT_S = 60, LINGER_MS = 300 };

struct client {
	struct tg_lab *lab;
	int tun, sock;
	bool asked, head_done, done;
	char head[4096];
	size_t head_n;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "tap_lab: %s\n", what);
	return 1;
}

/* A TUN device that is there already (ip tuntap add). */
static int open_tun(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -1;
	return fd;
}

/* What the lab sent goes out; what came in goes to the lab. */
static void carry(struct client *c)
{
	static uint8_t packet[PACKET_MAX];
	uint64_t at;
	ssize_t n;

	while ((n = read(c->tun, packet, sizeof(packet))) > 0)
		tg_lab_input(c->lab, now_ns(), packet, (size_t)n);
	tg_lab_advance(c->lab, now_ns());
	for (size_t len; (len = tg_lab_output(c->lab, packet, sizeof(packet), &at)) > 0;)
		if (write(c->tun, packet, len) < 0)
			continue; /* lost, as packets are */
}

/* The body, without the head of the answer, to standard output. */
static void take(struct client *c, const char *data, size_t n)
{
	while (!c->head_done && n && c->head_n < sizeof(c->head) - 1) {
		c->head[c->head_n++] = *data++;
		n--;
		c->head_done = c->head_n >= 4 && !memcmp(c->head + c->head_n - 4, "\r\n\r\n", 4);
	}
	if (n && fwrite(data, 1, n, stdout) != n)
		c->done = true;
}

/* 0, or what went wrong. */
static int step(struct client *c, const char *request)
{
	static char data[1 << 16];
	int ready = tg_lab_poll(c->lab, c->sock);

	if (!c->asked && (ready & TG_LAB_OUT) &&
	    !strcmp(tg_lab_state(c->lab, c->sock), "ESTABLISHED"))
		c->asked = tg_lab_write(c->lab, c->sock, request, strlen(request)) > 0;
	for (;;) {
		ssize_t n = tg_lab_read(c->lab, c->sock, data, sizeof(data));
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)-n;
		if (n == 0) {
			c->done = true;
			return 0;
		}
		take(c, data, (size_t)n);
	}
}

static int timeout_ms(const struct tg_lab *lab)
{
	uint64_t due = tg_lab_next_deadline(lab), now = now_ns();

	if (due == UINT64_MAX)
		return 100;
	if (due <= now)
		return 0;
	return due - now > 100000000u ? 100 : (int)((due - now) / 1000000u) + 1;
}

static int run(struct client *c, const char *request, uint64_t until)
{
	while (!c->done && now_ns() < until) {
		carry(c);
		int error = step(c, request);
		if (error)
			return die(strerror(error));
		carry(c);
		struct pollfd p = {.fd = c->tun, .events = POLLIN};
		poll(&p, 1, timeout_ms(c->lab));
	}
	if (!c->done || strncmp(c->head, "HTTP/1.1 200", 12))
		return die(c->done ? "the answer is not 200" : "time is up");
	/* Our FIN and the ACK of the server's. */
	tg_lab_close(c->lab, c->sock);
	for (uint64_t end = now_ns() + LINGER_MS * UINT64_C(1000000); now_ns() < end;) {
		carry(c);
		struct pollfd p = {.fd = c->tun, .events = POLLIN};
		poll(&p, 1, 10);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct client c;
	char options[200], request[512], err[200] = "";

	if (argc != 6)
		return die("usage: tap_lab TUN OUR-ADDRESS/PREFIX SERVER-ADDRESS PORT PATH") + 1;
	c.tun = open_tun(argv[1]);
	if (c.tun < 0)
		return die(strerror(errno));
	snprintf(options, sizeof(options), "addr=%s start_ns=%llu seed=%d", argv[2],
		 (unsigned long long)now_ns(), getpid());
	c.lab = tg_lab_new(options, err, sizeof(err));
	if (!c.lab)
		return die(err);
	c.sock = tg_lab_connect(c.lab, NULL, 0, argv[3], (uint16_t)atoi(argv[4]), NULL);
	if (c.sock < 0)
		return die(strerror(-c.sock));
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: tidegate\r\nConnection: close\r\n\r\n", argv[5]);
	int rc = run(&c, request, now_ns() + LIMIT_S * UINT64_C(1000000000));
	if (!tg_lab_validate(c.lab, err, sizeof(err)))
		rc = die(err);
	tg_lab_free(c.lab);
	return rc;
}
