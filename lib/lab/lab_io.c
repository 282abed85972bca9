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
	struct lab_sock view, *s = lab_at(lab, sock, &view);

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
	struct lab_sock view, *s = lab_at(lab, sock, &view);

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

static int shut(struct tg_lab *lab, struct lab_sock *s, bool rd, bool wr)
{
	int rc = 0, number = s->number;

	s->shut_rd |= rd;
	if (wr && !s->shut_wr) {
		rc = tg_conn_shutdown(lab->engine, s->conn);
		s->shut_wr = rc == 0;
		lab_settle(lab);
	}
	lab_slim(lab, number);
	return rc;
}

int tg_lab_shutdown(struct tg_lab *lab, int sock, int how)
{
	struct lab_sock view, *s = lab_at(lab, sock, &view);
	bool rd = how == SHUT_RD || how == SHUT_RDWR, wr = how == SHUT_WR || how == SHUT_RDWR;

	if (!s)
		return -EBADF;
	if (!rd && !wr)
		return -EINVAL;
	if (s->kind != LAB_CONN)
		return -ENOTCONN;
	bool again = (!rd || s->shut_rd) && (!wr || s->shut_wr);

	if (s->conn == TG_NONE)
		return again ? 0 : -ENOTCONN;
	if (again)
		return 0;
	s = lab_whole(lab, s->conn); /* from here on there is something to keep */
	return s ? shut(lab, s, rd, wr) : -ENOMEM;
}

/* The user is done: of what comes nobody hears. */
static void leave(struct tg_lab *lab, uint32_t conn, bool abort)
{
	tg_conn_set_word(lab->engine, conn, LAB_DONE);
	if (abort)
		tg_conn_abort(lab->engine, conn);
	else
		tg_conn_close(lab->engine, conn);
}

/* The connection of an entry of a queue, whose object goes; TG_NONE: there is none. */
static uint32_t disown(struct tg_lab *lab, uint32_t entry)
{
	if (entry == TG_NONE)
		return TG_NONE;
	if (entry & LAB_THIN)
		return entry & ~LAB_THIN;
	uint32_t conn = lab->sock[entry].at->conn;

	lab_sock_drop(lab, lab->sock[entry].at);
	return conn;
}

/* Connections that nobody accepted are reset; the listener and its half-open entries vanish. */
static void close_listener(struct tg_lab *lab, struct lab_sock *s)
{
	uint32_t entry;

	while (lab_queue_take(lab, s, &entry)) {
		uint32_t conn = disown(lab, entry);
		if (conn != TG_NONE)
			leave(lab, conn, true);
	}
	tg_engine_unlisten(lab->engine, s->l->listener);
	lab->listener[s->l->listener] = NULL;
	lab_sock_drop(lab, s);
}

static int end(struct tg_lab *lab, int sock, bool abort)
{
	struct lab_sock view, *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	uint32_t conn = s->conn;

	lab_number_free(lab, sock);
	if (s->kind == LAB_LISTENER)
		close_listener(lab, s);
	else if (s != &view)
		lab_sock_drop(lab, s);
	if (conn != TG_NONE)
		leave(lab, conn, abort);
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
