/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_kernel.c: the kernel as host under test. The process goes into a network namespace of its
 * own, whose only way out is a TUN device that this program holds: what the kernel sends is read
 * there. The limits of its answers to invalid segments are switched off. */
#define _GNU_SOURCE
#include "diff_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct kernel {
	struct host host;
	int tun, listener, sock;
	bool v6;
	uint16_t port;
};

static bool set_sysctl(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return done;
}

static struct sockaddr *address(struct sockaddr_storage *at, socklen_t *len, bool v6,
				const char *text4, const char *text6, uint16_t port)
{
	struct sockaddr_in *a4 = (void *)at;
	struct sockaddr_in6 *a6 = (void *)at;

	memset(at, 0, sizeof(*at));
	at->ss_family = v6 ? AF_INET6 : AF_INET;
	if (v6) {
		a6->sin6_port = htons(port);
		inet_pton(AF_INET6, text6, &a6->sin6_addr);
		*len = sizeof(*a6);
	} else {
		a4->sin_port = htons(port);
		inet_pton(AF_INET, text4, &a4->sin_addr);
		*len = sizeof(*a4);
	}
	return (struct sockaddr *)at;
}

static bool set_address4(int ctl, const char *name)
{
	struct ifreq ifr = {0};
	struct sockaddr_in *a = (struct sockaddr_in *)&ifr.ifr_addr;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	a->sin_family = AF_INET;
	inet_pton(AF_INET, WIRE_HOST4, &a->sin_addr);
	if (ioctl(ctl, SIOCSIFADDR, &ifr) < 0)
		return false;
	inet_pton(AF_INET, "255.255.255.0", &a->sin_addr);
	if (ioctl(ctl, SIOCSIFNETMASK, &ifr) < 0)
		return false;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(ctl, SIOCSIFFLAGS, &ifr) == 0;
}

static bool set_address6(const char *name)
{
	struct in6_ifreq ifr = {.ifr6_prefixlen = 64, .ifr6_ifindex = (int)if_nametoindex(name)};
	int ctl = socket(AF_INET6, SOCK_DGRAM, 0);
	bool done;

	inet_pton(AF_INET6, WIRE_HOST6, &ifr.ifr6_addr);
	done = ctl >= 0 && ioctl(ctl, SIOCSIFADDR, &ifr) == 0;
	if (ctl >= 0)
		close(ctl);
	return done;
}

static bool make_tun(struct kernel *k)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int ctl = socket(AF_INET, SOCK_DGRAM, 0);
	bool done;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "tgdiff");
	k->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	done = ctl >= 0 && k->tun >= 0 && ioctl(k->tun, TUNSETIFF, &ifr) == 0;
	/* The address is good at once: nobody else is there to ask. */
	done = done && set_sysctl("ipv6/conf/tgdiff/accept_dad", "0") &&
	       set_address4(ctl, "tgdiff") && set_address6("tgdiff");
	if (ctl >= 0)
		close(ctl);
	return done;
}

static bool kernel_begin(struct host *h, bool v6, uint16_t port)
{
	struct kernel *k = (struct kernel *)h;
	unsigned char rest[WIRE_MAX];

	k->v6 = v6;
	k->port = port;
	k->listener = k->sock = -1;
	while (read(k->tun, rest, sizeof(rest)) > 0)
		; /* of the case before */
	return true;
}

static int bound(struct kernel *k)
{
	struct sockaddr_storage at;
	socklen_t len;
	struct sockaddr *a = address(&at, &len, k->v6, WIRE_HOST4, WIRE_HOST6, k->port);
	int one = 1, fd = socket(k->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool kernel_listen(struct host *h)
{
	struct kernel *k = (struct kernel *)h;

	k->listener = bound(k);
	return k->listener >= 0 && listen(k->listener, 16) == 0;
}

static bool kernel_connect(struct host *h)
{
	struct kernel *k = (struct kernel *)h;
	struct sockaddr_storage at;
	socklen_t len;
	struct sockaddr *a = address(&at, &len, k->v6, WIRE_PEER4, WIRE_PEER6, k->port);

	k->sock = bound(k);
	return k->sock >= 0 && connect(k->sock, a, len) < 0 && errno == EINPROGRESS;
}

static bool kernel_accept(struct host *h)
{
	struct kernel *k = (struct kernel *)h;

	for (int i = 0; i < 50 && k->sock < 0; i++) {
		k->sock = accept4(k->listener, NULL, NULL, SOCK_NONBLOCK);
		if (k->sock < 0)
			usleep(1000);
	}
	return k->sock >= 0;
}

static bool kernel_write(struct host *h, size_t n)
{
	struct kernel *k = (struct kernel *)h;
	char text[1000];

	memset(text, 'y', sizeof(text));
	return send(k->sock, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool kernel_shut(struct host *h)
{
	return shutdown(((struct kernel *)h)->sock, SHUT_WR) == 0;
}

static void kernel_inject(struct host *h, const unsigned char *datagram, size_t len)
{
	struct kernel *k = (struct kernel *)h;

	if (write(k->tun, datagram, len) < 0)
		perror("tun");
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Other than TCP of this case (router solicitations, retransmissions of earlier cases) is passed
 * by. */
static size_t kernel_output(struct host *h, unsigned char *datagram, size_t cap, unsigned ms)
{
	struct kernel *k = (struct kernel *)h;
	uint64_t until = now_ms() + ms;
	struct wire_seg s;

	for (;;) {
		ssize_t n = read(k->tun, datagram, cap);
		if (n > 0 && wire_parse(datagram, (size_t)n, &s) && s.dport == k->port &&
		    s.sport == k->port && s.v6 == k->v6)
			return (size_t)n;
		uint64_t now = now_ms();
		if (n <= 0 && now >= until)
			return 0;
		struct pollfd p = {.fd = k->tun, .events = POLLIN};
		if (n <= 0)
			poll(&p, 1, (int)(until - now));
	}
}

static void kernel_end(struct host *h)
{
	struct kernel *k = (struct kernel *)h;
	struct linger now = {1, 0};

	if (k->sock >= 0) {
		setsockopt(k->sock, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(k->sock);
	}
	if (k->listener >= 0)
		close(k->listener);
}

struct host *host_kernel(const char **why)
{
	static struct kernel k;

	k.host =
	    (struct host){"kernel",     kernel_begin, kernel_listen, kernel_connect, kernel_accept,
			  kernel_write, kernel_shut,  kernel_inject, kernel_output,  kernel_end};
	*why = "no network namespace";
	if (unshare(CLONE_NEWNET) < 0)
		return NULL;
	*why = "no TUN device";
	set_sysctl("ipv6/conf/default/router_solicitations", "0");
	set_sysctl("ipv6/conf/default/accept_dad", "0");
	if (!make_tun(&k))
		return NULL;
	/* Each of its answers is to be seen; no probe of its own comes between. */
	*why = "no sysctl";
	if (!set_sysctl("ipv4/tcp_invalid_ratelimit", "0") ||
	    !set_sysctl("ipv4/tcp_early_retrans", "0") || !set_sysctl("ipv4/tcp_syncookies", "0"))
		return NULL;
	set_sysctl("ipv4/tcp_challenge_ack_limit", "2147483647");
	return &k.host;
}
