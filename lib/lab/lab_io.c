/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_io.c: bytes in and out, and the ends of connections. */
#include "lab_int.h"

#include <errno.h>
#include <sys/socket.h>

uint32_t lab_readable(const struct tg_lab *lab, const struct lab_sock *s)
{
	if (s->conn == TG_NONE)
		return (uint32_t)(s->left.len - s->left.at);
	return s->opened ? tg_conn_readable(lab->engine, s->conn) : 0;
}

/* Nothing is to be read now or ever. */
bool lab_is_eof(const struct tg_lab *lab, const struct lab_sock *s)
{
	if (lab_readable(lab, s) > 0)
		return false;
	if (s->conn == TG_NONE || (s->shut_rd && s->opened))
		return true;
	return s->opened && tg_conn_is_eof(lab->engine, s->conn);
}

/* --- read --- */

static size_t copy_live(struct tg_lab *lab, struct lab_sock *s, uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uint32_t run;
		const uint8_t *at = tg_conn_peek(lab->engine, s->conn, (uint32_t)done, &run);
		if (!at)
			break;
		if (run > len - done)
			run = (uint32_t)(len - done);
		memcpy(buf + done, at, run);
		done += run;
	}
	return done;
}

static size_t copy(struct tg_lab *lab, struct lab_sock *s, uint8_t *buf, size_t len)
{
	size_t n = lab_readable(lab, s);

	if (len < n)
		n = len;
	if (n == 0)
		return 0;
	if (s->conn != TG_NONE)
		return copy_live(lab, s, buf, n);
	memcpy(buf, s->left.bytes + s->left.at, n);
	return n;
}

static void consume(struct tg_lab *lab, struct lab_sock *s, size_t n)
{
	if (s->conn == TG_NONE) {
		s->left.at += n;
		return;
	}
	tg_conn_consume(lab->engine, s->conn, (uint32_t)n);
	lab_settle(lab);
}

/* A pending error comes before data and is told once. */
static int take_error(struct lab_sock *s)
{
	int error = s->error;

	s->error = 0;
	return -error;
}

static ssize_t read_or_peek(struct tg_lab *lab, int sock, void *buf, size_t len, bool leave)
{
	struct lab_sock *s = lab_at(lab, sock);

	if (!s)
		return -EBADF;
	if (s->kind != LAB_CONN)
		return -ENOTCONN;
	if (len == 0)
		return 0;
	if (s->error)
		return take_error(s);
	size_t n = copy(lab, s, buf, len);

	if (n == 0)
		return lab_is_eof(lab, s) ? 0 : -EAGAIN;
	if (!leave)
		consume(lab, s, n);
	return (ssize_t)n;
}

ssize_t tg_lab_read(struct tg_lab *lab, int sock, void *buf, size_t len)
{
	return read_or_peek(lab, sock, buf, len, false);
}

ssize_t tg_lab_peek(struct tg_lab *lab, int sock, void *buf, size_t len)
{
	return read_or_peek(lab, sock, buf, len, true);
}

/* --- write --- */

ssize_t tg_lab_write(struct tg_lab *lab, int sock, const void *buf, size_t len)
{
	struct lab_sock *s = lab_at(lab, sock);

	if (!s)
		return -EBADF;
	if (s->kind != LAB_CONN)
		return -ENOTCONN;
	if (s->error)
		return take_error(s);
	if (s->shut_wr || s->conn == TG_NONE)
		return -EPIPE;
	if (len == 0)
		return 0;
	int32_t n =
	    tg_conn_write(lab->engine, s->conn, buf, len > INT32_MAX ? INT32_MAX : (uint32_t)len);

	lab_settle(lab);
	if (n == 0 || n == -ENOBUFS)
		return -EAGAIN;
	return n;
}

/* --- ends --- */

int tg_lab_shutdown(struct tg_lab *lab, int sock, int how)
{
	struct lab_sock *s = lab_at(lab, sock);
	bool rd = how == SHUT_RD || how == SHUT_RDWR, wr = how == SHUT_WR || how == SHUT_RDWR;
	int rc = 0;

	if (!s)
		return -EBADF;
	if (!rd && !wr)
		return -EINVAL;
	if (s->kind != LAB_CONN)
		return -ENOTCONN;
	bool again = (!rd || s->shut_rd) && (!wr || s->shut_wr);

	if (s->conn == TG_NONE)
		return again ? 0 : -ENOTCONN;
	s->shut_rd |= rd;
	if (wr && !s->shut_wr) {
		rc = tg_conn_shutdown(lab->engine, s->conn);
		s->shut_wr = rc == 0;
		lab_settle(lab);
	}
	return rc;
}

/* Connections that nobody accepted are reset; the listener and its half-open entries vanish. */
static void close_listener(struct tg_lab *lab, struct lab_sock *s)
{
	struct lab_sock *child;

	while ((child = lab_queue_take(lab, s)) != NULL) {
		uint32_t conn = child->conn;
		lab_sock_free(lab, child);
		if (conn != TG_NONE)
			tg_conn_abort(lab->engine, conn);
	}
	tg_engine_unlisten(lab->engine, s->listener);
	lab_sock_free(lab, s);
}

static int end(struct tg_lab *lab, int sock, bool abort)
{
	struct lab_sock *s = lab_at(lab, sock);

	if (!s)
		return -EBADF;
	if (s->kind == LAB_LISTENER) {
		close_listener(lab, s);
		lab_settle(lab);
		return 0;
	}
	uint32_t conn = s->conn;

	/* From here on the object is the engine's to end: it goes when `closed` comes. */
	lab_sock_free(lab, s);
	if (conn == TG_NONE)
		return 0;
	if (abort)
		tg_conn_abort(lab->engine, conn);
	else
		tg_conn_close(lab->engine, conn);
	lab_settle(lab);
	return 0;
}

int tg_lab_close(struct tg_lab *lab, int sock)
{
	return end(lab, sock, false);
}

int tg_lab_abort(struct tg_lab *lab, int sock)
{
	return end(lab, sock, true);
}
