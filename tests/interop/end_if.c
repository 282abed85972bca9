/* SPDX-License-Identifier: BSD-3-Clause */
/* end_if.c: an interface by AF_PACKET. What the interface itself sends is not seen again, the
 * queueing discipline is passed by, buffers are large: only the link model loses frames. */
#define _GNU_SOURCE
#include "end.h"
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET_BYTES = 64 << 20, RETRIES = 100 };

struct end_if {
	struct end end;
	unsigned char frame[END_BATCH][END_FRAME_MAX];
	_Alignas(struct cmsghdr) unsigned char note[END_BATCH][CMSG_SPACE(sizeof(struct timespec))];
};

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

/* When the kernel saw the frame, by our clock: its stamps are wall time. */
static uint64_t seen_ns(struct msghdr *m, uint64_t now_ns, uint64_t wall_ns)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec at;
			memcpy(&at, CMSG_DATA(c), sizeof(at));
			uint64_t age_ns = wall_ns - ns_of(&at);
			return wall_ns > ns_of(&at) && age_ns < now_ns ? now_ns - age_ns : now_ns;
		}
	return now_ns;
}

static void if_collect(struct end *e, uint64_t now_ns, end_out out, void *arg)
{
	struct end_if *i = (struct end_if *)e;
	struct mmsghdr m[END_BATCH];
	struct iovec v[END_BATCH];
	struct timespec wall;
	int n;

	clock_gettime(CLOCK_REALTIME, &wall);
	memset(m, 0, sizeof(m));
	do {
		for (int k = 0; k < END_BATCH; k++) {
			v[k] = (struct iovec){i->frame[k], END_FRAME_MAX};
			m[k].msg_hdr = (struct msghdr){.msg_iov = &v[k],
						       .msg_iovlen = 1,
						       .msg_control = i->note[k],
						       .msg_controllen = sizeof(i->note[k])};
		}
		n = recvmmsg(e->fd, m, END_BATCH, MSG_DONTWAIT, NULL);
		for (int k = 0; k < n; k++) {
			if (m[k].msg_hdr.msg_flags & MSG_TRUNC)
				e->failed++;
			else
				out(arg, seen_ns(&m[k].msg_hdr, now_ns, ns_of(&wall)), i->frame[k],
				    m[k].msg_len);
		}
		e->frames_in += n > 0 ? (uint64_t)n : 0;
	} while (n == END_BATCH);
}

static void if_give(struct end *e, uint64_t now_ns, struct link_frame *const f[], size_t n)
{
	struct mmsghdr m[END_BATCH];
	struct iovec v[END_BATCH];
	size_t done = 0;

	(void)now_ns;
	memset(m, 0, sizeof(m));
	for (size_t k = 0; k < n; k++) {
		v[k] = (struct iovec){f[k]->bytes, f[k]->len};
		m[k].msg_hdr = (struct msghdr){.msg_iov = &v[k], .msg_iovlen = 1};
	}
	for (int tries = 0; done < n && tries < RETRIES; tries++) {
		int sent = sendmmsg(e->fd, m + done, (unsigned)(n - done), 0);
		if (sent > 0)
			done += (size_t)sent;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			break;
	}
	e->frames_out += done;
	e->failed += n - done;
}

static uint64_t if_due(const struct end *e)
{
	(void)e;
	return UINT64_MAX;
}

static bool if_is_done(const struct end *e, uint64_t now_ns)
{
	(void)e;
	(void)now_ns;
	return false;
}

/* The kernel's own count of frames that we were too slow for belongs to what is said. */
static bool if_close(struct end *e, uint64_t now_ns)
{
	struct tpacket_stats s = {0};
	socklen_t len = sizeof(s);

	(void)now_ns;
	getsockopt(e->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len);
	e->failed += s.tp_drops;
	close(e->fd);
	free(e);
	return true;
}

struct end *end_if_open(const char *name, char *err, size_t err_size)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int one = 1, size = SOCKET_BYTES, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};

	at.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || at.sll_ifindex == 0 || bind(fd, (void *)&at, sizeof(at)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0) {
		snprintf(err, err_size, "interface %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	struct end_if *i = calloc(1, sizeof(*i));
	i->end = (struct end){.name = name,
			      .fd = fd,
			      .collect = if_collect,
			      .give = if_give,
			      .due = if_due,
			      .is_done = if_is_done,
			      .close = if_close};
	return &i->end;
}
