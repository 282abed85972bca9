/* SPDX-License-Identifier: BSD-3-Clause */
/* script_names.c: the constants of C that scripts write. */
/* glibc shows MSG_*, POLLRD* and SO_* of Linux only then. */
#define _GNU_SOURCE
#include "script_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct named {
	const char *name;
	int64_t value;
};

static const struct named errnos[] = {
    {"EAGAIN", EAGAIN},
    {"EWOULDBLOCK", EAGAIN},
    {"EINPROGRESS", EINPROGRESS},
    {"EALREADY", EALREADY},
    {"EISCONN", EISCONN},
    {"ENOTCONN", ENOTCONN},
    {"ECONNRESET", ECONNRESET},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNABORTED", ECONNABORTED},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"ENETUNREACH", ENETUNREACH},
    {"EPIPE", EPIPE},
    {"EBADF", EBADF},
    {"EINVAL", EINVAL},
    {"EADDRINUSE", EADDRINUSE},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL},
    {"ENOBUFS", ENOBUFS},
    {"ENOMEM", ENOMEM},
    {"EMSGSIZE", EMSGSIZE},
    {"ENOTSOCK", ENOTSOCK},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"ENOPROTOOPT", ENOPROTOOPT},
    {"EPROTO", EPROTO},
    {"ETIME", ETIME},
    {"EINTR", EINTR},
    {"EACCES", EACCES},
    {"EPERM", EPERM},
    {"EFAULT", EFAULT},
    {"ENOPROTOOPT", ENOPROTOOPT},
    {"EEXIST", EEXIST},
    {"ENOENT", ENOENT},
    {"EDESTADDRREQ", EDESTADDRREQ},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
};

/* SIOCINQ and SIOCOUTQ stand in a kernel header that not all systems have. */
enum { SIOCINQ_VALUE = 0x541b, SIOCOUTQ_VALUE = 0x5411 };

static const struct named constants[] = {
    {"AF_INET", AF_INET},
    {"AF_INET6", AF_INET6},
    {"PF_INET", AF_INET},
    {"PF_INET6", AF_INET6},
    {"SOCK_STREAM", SOCK_STREAM},
    {"SOCK_DGRAM", SOCK_DGRAM},
    {"SOCK_NONBLOCK", SOCK_NONBLOCK},
    {"SOCK_CLOEXEC", SOCK_CLOEXEC},
    {"IPPROTO_TCP", IPPROTO_TCP},
    {"IPPROTO_UDP", IPPROTO_UDP},
    {"IPPROTO_IP", IPPROTO_IP},
    {"IPPROTO_IPV6", IPPROTO_IPV6},
    {"SOL_SOCKET", SOL_SOCKET},
    {"SOL_TCP", IPPROTO_TCP},
    {"SOL_IP", IPPROTO_IP},
    {"SOL_IPV6", IPPROTO_IPV6},
    {"SO_REUSEADDR", SO_REUSEADDR},
    {"SO_REUSEPORT", SO_REUSEPORT},
    {"SO_KEEPALIVE", SO_KEEPALIVE},
    {"SO_LINGER", SO_LINGER},
    {"SO_RCVBUF", SO_RCVBUF},
    {"SO_SNDBUF", SO_SNDBUF},
    {"SO_RCVBUFFORCE", SO_RCVBUF},
    {"SO_SNDBUFFORCE", SO_SNDBUF},
    {"SO_ERROR", SO_ERROR},
    {"SO_OOBINLINE", SO_OOBINLINE},
    {"SO_PRIORITY", SO_PRIORITY},
    {"SO_DEBUG", SO_DEBUG},
    {"TCP_NODELAY", TCP_NODELAY},
    {"TCP_MAXSEG", TCP_MAXSEG},
    {"TCP_CORK", TCP_CORK},
    {"TCP_KEEPIDLE", TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", TCP_KEEPINTVL},
    {"TCP_KEEPCNT", TCP_KEEPCNT},
    {"TCP_USER_TIMEOUT", TCP_USER_TIMEOUT},
    {"TCP_LINGER2", TCP_LINGER2},
    {"TCP_DEFER_ACCEPT", TCP_DEFER_ACCEPT},
    {"TCP_QUICKACK", TCP_QUICKACK},
    {"TCP_CONGESTION", TCP_CONGESTION},
    {"TCP_INFO", TCP_INFO},
    {"TCP_FASTOPEN", TCP_FASTOPEN},
    {"TCP_WINDOW_CLAMP", TCP_WINDOW_CLAMP},
    {"TCP_SYNCNT", TCP_SYNCNT},
    {"IP_TOS", IP_TOS},
    {"IP_MTU_DISCOVER", IP_MTU_DISCOVER},
    {"IP_RECVERR", 11},
    {"IPV6_V6ONLY", IPV6_V6ONLY},
    {"F_GETFL", F_GETFL},
    {"F_SETFL", F_SETFL},
    {"O_RDWR", O_RDWR},
    {"O_NONBLOCK", O_NONBLOCK},
    {"SHUT_RD", SHUT_RD},
    {"SHUT_WR", SHUT_WR},
    {"SHUT_RDWR", SHUT_RDWR},
    {"MSG_PEEK", MSG_PEEK},
    {"MSG_DONTWAIT", MSG_DONTWAIT},
    {"MSG_NOSIGNAL", MSG_NOSIGNAL},
    {"MSG_MORE", MSG_MORE},
    {"MSG_OOB", MSG_OOB},
    {"MSG_WAITALL", MSG_WAITALL},
    {"MSG_FASTOPEN", MSG_FASTOPEN},
    {"MSG_TRUNC", MSG_TRUNC},
    {"POLLIN", POLLIN},
    {"POLLOUT", POLLOUT},
    {"POLLHUP", POLLHUP},
    {"POLLERR", POLLERR},
    {"POLLPRI", POLLPRI},
    {"POLLRDHUP", POLLRDHUP},
    {"POLLRDNORM", POLLRDNORM},
    {"POLLWRNORM", POLLWRNORM},
    {"POLLNVAL", POLLNVAL},
    {"SIOCINQ", SIOCINQ_VALUE},
    {"FIONREAD", SIOCINQ_VALUE},
    {"SIOCOUTQ", SIOCOUTQ_VALUE},
    {"TIOCOUTQ", SIOCOUTQ_VALUE},
    {"INADDR_ANY", 0},
    {"NULL", 0},
};

static const struct named *find(const struct named *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

int script_errno_of(const char *name)
{
	const struct named *n = find(errnos, sizeof(errnos) / sizeof(errnos[0]), name);

	return n ? (int)n->value : 0;
}

const char *script_errno_name(int error, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].value == error)
			return errnos[i].name;
	snprintf(buf, size, "errno %d", error);
	return buf;
}

bool script_constant(const char *name, int64_t *value)
{
	const struct named *n = find(constants, sizeof(constants) / sizeof(constants[0]), name);

	if (!n)
		return false;
	*value = n->value;
	return true;
}
