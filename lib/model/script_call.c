/* SPDX-License-Identifier: BSD-3-Clause */
/* script_call.c: the application's calls. lab.h does not block; a call that the script lets wait
 * ("0...0.2 read(...)") is asked again whenever something happened, until it has an answer. */
/* glibc shows POLLRDNORM and MSG_FASTOPEN only then. */
#define _GNU_SOURCE
#include "script_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- sockets by the script's numbers --- */

struct script_fd *script_fd_of(struct script_run *r, int64_t name)
{
	for (int i = 0; i < SCRIPT_FD_MAX; i++)
		if (r->fd[i].kind != FD_FREE && r->fd[i].name == name)
			return &r->fd[i];
	return NULL;
}

static struct script_fd *fd_arg(struct script_run *r, const struct script_call *c)
{
	return c->arg[0].type == SA_INT ? script_fd_of(r, c->arg[0].value) : NULL;
}

/* The number that the script gives it, or the lowest that is free. */
static struct script_fd *fd_new(struct script_run *r, const struct script_call *c,
				enum script_fd_kind kind)
{
	int64_t name = c->any_result || c->result < 0 ? 3 : c->result;

	while ((c->any_result || c->result < 0) && script_fd_of(r, name))
		name++;
	if (script_fd_of(r, name) || name > INT32_MAX)
		return NULL;
	for (int i = 0; i < SCRIPT_FD_MAX; i++) {
		if (r->fd[i].kind != FD_FREE)
			continue;
		memset(&r->fd[i], 0, sizeof(r->fd[i]));
		r->fd[i].kind = kind;
		r->fd[i].name = (int)name;
		r->fd[i].sock = -1;
		return &r->fd[i];
	}
	return NULL;
}

static int64_t number_taken(struct script_run *r, const struct script_call *c)
{
	script_failed(r, NULL, "socket %lld is open already", (long long)c->result);
	return SCRIPT_FAIL;
}

static int64_t int_arg(const struct script_call *c, uint32_t i, int64_t dflt)
{
	return i < c->n && c->arg[i].type == SA_INT ? c->arg[i].value : dflt;
}

static uint8_t *io_buffer(struct script_run *r, int64_t n)
{
	uint8_t *grown;

	if (n < 0 || n > SCRIPT_IO_MAX) {
		script_failed(r, NULL, "a length is from 0 to %d", SCRIPT_IO_MAX);
		return NULL;
	}
	if ((size_t)n < r->io_size)
		return r->io;
	grown = realloc(r->io, (size_t)n + 1);
	if (!grown) {
		script_failed(r, NULL, "out of memory");
		return NULL;
	}
	r->io = grown;
	r->io_size = (size_t)n + 1;
	return r->io;
}

/* --- opening --- */

static int64_t sys_socket(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_new(r, c, FD_NEW);

	if (!fd)
		return number_taken(r, c);
	fd->nonblock = int_arg(c, 1, 0) & SOCK_NONBLOCK;
	return fd->name;
}

/* sin_port of a struct, 0 when the script leaves it open. */
static uint16_t port_of(const struct script_arg *a)
{
	for (uint32_t i = 0; a->type == SA_STRUCT && i < a->n; i++)
		if (a->list[i].name && strstr(a->list[i].name, "_port") &&
		    a->list[i].type == SA_INT)
			return (uint16_t)a->list[i].value;
	return 0;
}

static int64_t sys_bind(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	if (!fd)
		return -EBADF;
	if (fd->kind != FD_NEW || fd->port)
		return -EINVAL;
	fd->port = port_of(&c->arg[1]);
	if (!fd->port)
		fd->port = r->script->bind_port;
	return 0;
}

static void set_linger(struct script_run *r, const struct script_fd *fd)
{
	if (fd->linger_set)
		tg_lab_setopt(r->lab, fd->sock, TG_LAB_LINGER_MS, fd->linger_ms);
}

static int64_t sys_listen(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);
	int64_t backlog = int_arg(c, 1, 16);
	int rc;

	if (!fd)
		return -EBADF;
	if (fd->kind != FD_NEW)
		return fd->kind == FD_LISTEN ? 0 : -EINVAL;
	if (!fd->port)
		fd->port = r->script->bind_port;
	rc = tg_lab_listen(r->lab, r->script->local, fd->port, backlog > 0 ? (int)backlog : 1,
			   fd->words);
	if (rc < 0)
		return rc;
	fd->kind = FD_LISTEN;
	fd->sock = rc;
	r->listen_port = fd->port;
	set_linger(r, fd);
	return 0;
}

static int64_t sys_accept(struct script_run *r, const struct script_call *c)
{
	struct script_fd *l = fd_arg(r, c), *fd;
	int rc;

	if (!l)
		return -EBADF;
	if (l->kind != FD_LISTEN)
		return -EINVAL;
	rc = tg_lab_accept(r->lab, l->sock);
	if (rc < 0)
		return rc == -EAGAIN ? SCRIPT_AGAIN : rc;
	fd = fd_new(r, c, FD_CONN);
	if (!fd)
		return number_taken(r, c);
	fd->sock = rc;
	fd->connected = true;
	fd->nonblock = int_arg(c, 3, 0) & SOCK_NONBLOCK;
	r->youngest = (int)(fd - r->fd);
	return fd->name;
}

static bool is_opening(const struct script_run *r, const struct script_fd *fd)
{
	const char *state = tg_lab_state(r->lab, fd->sock);

	return !strcmp(state, "SYN-SENT") || !strcmp(state, "SYN-RECEIVED");
}

/* A connect that was begun: how it went. */
static int64_t connect_result(struct script_run *r, struct script_fd *fd)
{
	int64_t error = 0;

	if (is_opening(r, fd))
		return SCRIPT_AGAIN;
	if (fd->connected)
		return -EISCONN;
	tg_lab_getopt(r->lab, fd->sock, TG_LAB_ERROR, &error);
	if (error)
		return -error;
	if (!strcmp(tg_lab_state(r->lab, fd->sock), "CLOSED"))
		return -ENOTCONN;
	fd->connected = true;
	return 0;
}

static int64_t sys_connect(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);
	uint16_t port = c->n > 1 ? port_of(&c->arg[1]) : 0;
	int64_t rc;

	if (!fd)
		return -EBADF;
	if (fd->kind == FD_LISTEN)
		return -EISCONN;
	if (fd->kind == FD_CONN) {
		rc = connect_result(r, fd);
		return rc == SCRIPT_AGAIN && !r->pending.ev ? -EALREADY : rc;
	}
	rc = tg_lab_connect(r->lab, r->script->local, fd->port, r->script->remote,
			    port ? port : r->script->connect_port, fd->words);
	if (rc < 0)
		return rc;
	fd->kind = FD_CONN;
	fd->sock = (int)rc;
	r->youngest = (int)(fd - r->fd);
	r->flow[0].fresh = true; /* a new ISN, if it is the first connection's tuple again */
	set_linger(r, fd);
	return SCRIPT_AGAIN;
}

/* --- data --- */

/* Bytes come as the peer's place in the stream says. */
static bool check_bytes(struct script_run *r, const struct script_fd *fd, const uint8_t *got,
			int64_t n)
{
	for (int64_t i = 0; !r->script->has_service && i < n; i++)
		if (got[i] != script_byte((uint32_t)(fd->rd + (uint64_t)i)))
			return script_failed(r, NULL,
					     "byte %llu of the stream is %u, but the peer sent %u",
					     (unsigned long long)(fd->rd + (uint64_t)i), got[i],
					     script_byte((uint32_t)(fd->rd + (uint64_t)i)));
	return true;
}

static int64_t read_some(struct script_run *r, struct script_fd *fd, int64_t n, bool peek)
{
	uint8_t *buf = io_buffer(r, n);
	int64_t rc;

	if (!buf)
		return SCRIPT_FAIL;
	if (fd->kind != FD_CONN)
		return -ENOTCONN;
	rc = peek ? tg_lab_peek(r->lab, fd->sock, buf, (size_t)n)
		  : tg_lab_read(r->lab, fd->sock, buf, (size_t)n);
	if (rc == -EAGAIN)
		return SCRIPT_AGAIN;
	if (rc > 0 && !check_bytes(r, fd, buf, rc))
		return SCRIPT_FAIL;
	if (rc > 0 && !peek)
		fd->rd += (uint64_t)rc;
	return rc;
}

static int64_t sys_read(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	if (!fd)
		return -EBADF;
	return read_some(r, fd, int_arg(c, 2, -1), int_arg(c, 3, 0) & MSG_PEEK);
}

/* {iov_base, iov_len} of readv and writev, added up. */
static int64_t vector_len(const struct script_call *c)
{
	int64_t sum = 0;

	for (uint32_t i = 0; c->arg[1].type == SA_LIST && i < c->arg[1].n; i++) {
		const struct script_arg *v = &c->arg[1].list[i];

		if (v->type != SA_STRUCT || v->n != 2 || v->list[1].type != SA_INT ||
		    v->list[1].value < 0 || v->list[1].value > SCRIPT_IO_MAX)
			return -1;
		sum += v->list[1].value;
	}
	return sum;
}

static int64_t sys_readv(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	return fd ? read_some(r, fd, vector_len(c), false) : -EBADF;
}

static int64_t write_some(struct script_run *r, struct script_fd *fd, int64_t n)
{
	uint8_t *buf = io_buffer(r, n);
	int64_t left, rc;

	if (!buf)
		return SCRIPT_FAIL;
	if (fd->kind != FD_CONN)
		return fd->kind == FD_NEW ? -EPIPE : -ENOTCONN;
	left = n - (int64_t)r->pending.done;
	for (int64_t i = 0; i < left; i++)
		buf[i] = script_byte((uint32_t)(fd->wr + (uint64_t)i));
	rc = tg_lab_write(r->lab, fd->sock, buf, (size_t)left);
	if (rc > 0)
		fd->wr += (uint64_t)rc;
	if (!r->pending.ev)
		return rc == -EAGAIN ? SCRIPT_AGAIN : rc;
	/* One that blocks ends when all is taken, or with what was taken before an error. */
	if (rc > 0)
		r->pending.done += (uint64_t)rc;
	if (rc == -EAGAIN || (rc >= 0 && (int64_t)r->pending.done < n))
		return SCRIPT_AGAIN;
	return rc < 0 && !r->pending.done ? rc : (int64_t)r->pending.done;
}

static int64_t sys_write(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	if (!fd)
		return -EBADF;
	if (int_arg(c, 3, 0) & (MSG_MORE | MSG_OOB | MSG_FASTOPEN)) {
		script_failed(r, NULL, "MSG_MORE, MSG_OOB and MSG_FASTOPEN are not built");
		return SCRIPT_FAIL;
	}
	return write_some(r, fd, int_arg(c, 2, -1));
}

static int64_t sys_writev(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	return fd ? write_some(r, fd, vector_len(c)) : -EBADF;
}

/* --- closing --- */

static int64_t sys_close(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);
	int rc = 0;

	if (!fd)
		return -EBADF;
	if (fd->kind != FD_NEW)
		rc = tg_lab_close(r->lab, fd->sock);
	if (r->youngest == fd - r->fd)
		r->youngest = -1;
	fd->kind = FD_FREE;
	return rc;
}

static int64_t sys_shutdown(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	if (!fd)
		return -EBADF;
	if (fd->kind != FD_CONN)
		return -ENOTCONN;
	return tg_lab_shutdown(r->lab, fd->sock, (int)int_arg(c, 1, -1));
}

/* Not a call of C: the lab's own. */
static int64_t sys_abort(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);
	int rc = 0;

	if (!fd)
		return -EBADF;
	if (fd->kind != FD_NEW)
		rc = tg_lab_abort(r->lab, fd->sock);
	if (r->youngest == fd - r->fd)
		r->youngest = -1;
	fd->kind = FD_FREE;
	return rc;
}

/* --- fcntl, ioctl, poll --- */

static int64_t sys_fcntl(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);

	if (!fd)
		return -EBADF;
	if (int_arg(c, 1, -1) == F_GETFL)
		return O_RDWR | (fd->nonblock ? O_NONBLOCK : 0);
	if (int_arg(c, 1, -1) != F_SETFL)
		return -EINVAL;
	fd->nonblock = int_arg(c, 2, 0) & O_NONBLOCK;
	return 0;
}

static int64_t sys_ioctl(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = fd_arg(r, c);
	int64_t want = 0, got = 0, more = 0, which = 0;

	if (!fd || fd->kind != FD_CONN)
		return -EBADF;
	script_constant("SIOCINQ", &which);
	if (int_arg(c, 1, -1) == which) {
		tg_lab_getopt(r->lab, fd->sock, TG_LAB_READABLE_BYTES, &got);
	} else {
		tg_lab_getopt(r->lab, fd->sock, TG_LAB_UNACKED_BYTES, &got);
		tg_lab_getopt(r->lab, fd->sock, TG_LAB_UNSENT_BYTES, &more);
	}
	if (c->arg[2].type == SA_LIST && c->arg[2].n == 1 && c->arg[2].list[0].type == SA_INT) {
		want = c->arg[2].list[0].value;
		if (want != got + more) {
			script_failed(r, NULL, "the value is %lld, expected %lld",
				      (long long)(got + more), (long long)want);
			return SCRIPT_FAIL;
		}
	}
	return 0;
}

static const struct script_arg *field(const struct script_arg *s, const char *name)
{
	for (uint32_t i = 0; s->type == SA_STRUCT && i < s->n; i++)
		if (s->list[i].name && !strcmp(s->list[i].name, name))
			return &s->list[i];
	return NULL;
}

/* What poll(2) says beyond the lab: a write on a side that is shut does not wait either, and a FIN
 * that came is told apart from the text before it. */
static int64_t poll_shut(const char *state)
{
	static const struct {
		const char *state;
		int64_t events;
	} shut[] = {
	    {"FIN-WAIT-1", POLLOUT | POLLWRNORM},
	    {"FIN-WAIT-2", POLLOUT | POLLWRNORM},
	    {"CLOSE-WAIT", POLLRDHUP},
	    {"CLOSING", POLLOUT | POLLWRNORM | POLLRDHUP},
	    {"LAST-ACK", POLLOUT | POLLWRNORM | POLLRDHUP},
	    {"TIME-WAIT", POLLOUT | POLLWRNORM | POLLRDHUP},
	    {"CLOSED", POLLOUT | POLLWRNORM | POLLRDHUP},
	};

	for (uint32_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++)
		if (!strcmp(shut[i].state, state))
			return shut[i].events;
	return 0;
}

static int64_t poll_events(struct script_run *r, const struct script_arg *s)
{
	const struct script_arg *num = field(s, "fd"), *ask = field(s, "events");
	struct script_fd *fd = num ? script_fd_of(r, num->value) : NULL;
	int64_t got = 0;
	int bits;

	if (!fd)
		return POLLNVAL;
	if (fd->kind == FD_NEW)
		return POLLHUP;
	bits = tg_lab_poll(r->lab, fd->sock);
	if (bits & TG_LAB_IN)
		got |= POLLIN | POLLRDNORM;
	if (bits & TG_LAB_OUT)
		got |= POLLOUT | POLLWRNORM;
	got |= poll_shut(tg_lab_state(r->lab, fd->sock));
	got &= ask ? ask->value : 0;
	return got | (bits & TG_LAB_HUP ? POLLHUP : 0) | (bits & TG_LAB_ERR ? POLLERR : 0);
}

static int64_t sys_poll(struct script_run *r, const struct script_call *c)
{
	const struct script_arg *list = &c->arg[0];
	int64_t ready = 0, timeout = int_arg(c, 2, 0);

	for (uint32_t i = 0; list->type == SA_LIST && i < list->n; i++)
		ready += poll_events(r, &list->list[i]) != 0;
	if (!ready && r->pending.ev && timeout > 0)
		r->pending.wake_ns = r->pending.from_ns + (uint64_t)timeout * 1000000;
	if (!ready && r->pending.ev && (timeout < 0 || r->now_ns < r->pending.wake_ns))
		return SCRIPT_AGAIN;
	for (uint32_t i = 0; list->type == SA_LIST && i < list->n; i++) {
		const struct script_arg *want = field(&list->list[i], "revents");
		int64_t got = poll_events(r, &list->list[i]);

		if (want && want->type == SA_INT && want->value != got) {
			script_failed(r, NULL, "revents is 0x%llx, expected 0x%llx",
				      (unsigned long long)got, (unsigned long long)want->value);
			return SCRIPT_FAIL;
		}
	}
	return ready;
}

/* --- the table --- */

static const struct script_call_def calls[] = {
    {"socket", 3, 3, sys_socket},
    {"bind", 3, 3, sys_bind},
    {"listen", 2, 2, sys_listen},
    {"accept", 3, 3, sys_accept},
    {"accept4", 4, 4, sys_accept},
    {"connect", 3, 3, sys_connect},
    {"read", 3, 3, sys_read},
    {"recv", 4, 4, sys_read},
    {"recvfrom", 4, 6, sys_read},
    {"readv", 3, 3, sys_readv},
    {"write", 3, 3, sys_write},
    {"send", 4, 4, sys_write},
    {"sendto", 4, 6, sys_write},
    {"writev", 3, 3, sys_writev},
    {"close", 1, 1, sys_close},
    {"shutdown", 2, 2, sys_shutdown},
    {"abort", 1, 1, sys_abort},
    {"setsockopt", 5, 5, script_sys_setsockopt},
    {"getsockopt", 5, 5, script_sys_getsockopt},
    {"fcntl", 2, 3, sys_fcntl},
    {"ioctl", 3, 3, sys_ioctl},
    {"poll", 3, 3, sys_poll},
};

enum { CALL_N = sizeof(calls) / sizeof(calls[0]) };

const struct script_call_def *script_call_find(const char *name)
{
	for (int i = 0; i < CALL_N; i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	return NULL;
}

const char *script_call_unbuilt(const char *name)
{
	static const char *const known[] = {"sendmsg",   "recvmsg", "sendfile", "splice",
					    "pipe",      "cap_set", "open",     "sendmmsg",
					    "setrlimit", "syscall", "vmsplice", "mmap"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], name))
			return "is not built";
	return NULL;
}

size_t script_call_names(char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = 0;
	for (int i = 0; i < CALL_N && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? " " : "", calls[i].name);
	return at;
}

/* --- results --- */

static const char *result_text(int64_t rc, char *buf, size_t size)
{
	char name[24];

	if (rc == SCRIPT_AGAIN)
		rc = -EAGAIN;
	if (rc < 0)
		snprintf(buf, size, "-1 %s", script_errno_name((int)-rc, name, sizeof(name)));
	else
		snprintf(buf, size, "%lld", (long long)rc);
	return buf;
}

static bool is_connect(const struct script_call *c)
{
	return c->def->run == sys_connect;
}

static bool judge(struct script_run *r, const struct script_call *c, int64_t rc)
{
	char got[48], want[48], name[24];

	if (rc == SCRIPT_FAIL || r->failed)
		return false;
	if (rc == SCRIPT_AGAIN)
		rc = is_connect(c) ? -EINPROGRESS : -EAGAIN;
	if (c->any_result || rc == c->result)
		return true;
	if (c->result == -1 && rc < 0 && (!c->error || c->error == -rc))
		return true;
	snprintf(want, sizeof(want), "%lld%s%s", (long long)c->result, c->error ? " " : "",
		 c->error ? script_errno_name(c->error, name, sizeof(name)) : "");
	return script_failed(r, NULL, "%s() gave %s, expected %s", c->def->name,
			     result_text(rc, got, sizeof(got)), want);
}

void script_try_pending(struct script_run *r)
{
	const struct script_event *ev = r->pending.ev;
	uint64_t may = r->script->tolerance_ns, end = r->pending.end_ns;
	int64_t rc;

	if (!ev || r->failed)
		return;
	const struct script_event *now = r->ev;

	r->ev = ev;
	rc = ev->u.call.def->run(r, &ev->u.call);
	if (rc != SCRIPT_AGAIN) {
		r->pending = (struct script_pending){0};
		if (judge(r, &ev->u.call, rc) && (r->now_ns + may < end || r->now_ns > end + may))
			script_failed(r, NULL, "%s() returned at %.6f s, expected %.6f s",
				      ev->u.call.def->name,
				      (double)script_rel_ns(r, r->now_ns) / 1e9,
				      (double)script_rel_ns(r, end) / 1e9);
	}
	if (!r->failed)
		r->ev = now;
	script_pump(r);
}

bool script_do_call(struct script_run *r, const struct script_event *ev, uint64_t end_ns)
{
	const struct script_call *c = &ev->u.call;
	int64_t rc;

	if (r->pending.ev) {
		r->ev = r->pending.ev;
		return script_failed(r, NULL, "the call still blocks when the next one is due");
	}
	if (ev->time.blocking) {
		r->pending = (struct script_pending){ev, r->now_ns, end_ns, UINT64_MAX, 0};
		script_try_pending(r);
		return !r->failed;
	}
	rc = c->def->run(r, c);
	script_pump(r);
	return judge(r, c, rc);
}
