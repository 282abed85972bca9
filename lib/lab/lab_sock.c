/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_sock.c: sockets: a service whose connections are left to the user. */
#include "lab_int.h"
#include "tg_services.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAB_PORT_FIRST = 49152, LAB_PORT_N = 16384 };

/* --- the service: what the engine tells --- */

/* The word of a connection that a listener opened is still the listener's. One that we opened may
 * be thin from now on: no call of the user is on the way while a segment arrives. */
static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_lab *lab = ctx;
	struct lab_sock *s = lab_whole(lab, conn);

	if (!s)
		return;
	if (s->kind == LAB_CONN) {
		s->opened = true;
		lab_slim(lab, s->number);
		return;
	}
	if (lab_queue_join(lab, s, conn))
		return;
	lab->failed = true;
	tg_engine_accepted(engine, s->l->listener);
	tg_conn_set_word(engine, conn, LAB_DONE);
	tg_conn_abort(engine, conn);
}

/* What the user did not read yet stays readable after the engine has forgotten the connection. */
static void keep_unread(struct tg_lab *lab, struct lab_sock *s)
{
	uint32_t len = tg_conn_readable(lab->engine, s->conn), run;

	if (len == 0)
		return;
	s->left.bytes = malloc(len);
	if (!s->left.bytes) {
		lab->failed = true;
		return;
	}
	while (s->left.len < len) {
		const uint8_t *at = tg_conn_peek(lab->engine, s->conn, (uint32_t)s->left.len, &run);
		if (!at)
			return;
		if (run > len - s->left.len)
			run = (uint32_t)(len - s->left.len);
		memcpy(s->left.bytes + s->left.len, at, run);
		s->left.len += run;
	}
}

static void on_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
		      enum tg_close_reason reason)
{
	struct tg_lab *lab = ctx;
	struct lab_sock *s = lab_whole(lab, conn);

	if (!s) {
		lab_forget(lab, conn);
		return;
	}
	assert(s->kind == LAB_CONN);
	tg_conn_tuple(engine, conn, &s->tuple);
	s->error = tg_close_errno(reason);
	if (reason != TG_CLOSE_RESET)
		keep_unread(lab, s);
	s->conn = TG_NONE;
}

static void on_urgent(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct lab_sock *s = lab_whole(ctx, conn);

	(void)engine;
	if (s)
		s->urgent = true;
}

static void on_soft_error(void *ctx, struct tg_engine *engine, uint32_t conn, int error)
{
	struct lab_sock *s = lab_whole(ctx, conn);

	(void)engine;
	if (s)
		s->soft_error = error;
}

const struct tg_service lab_service = {
    .name = "socket",
    .about = "leaves the connection to tg_lab_accept",
    .has_accept_queue = true,
    .opened = on_opened,
    .closed = on_closed,
    .urgent = on_urgent,
    .soft_error = on_soft_error,
};

/* --- listen --- */

static int service_of(const struct tg_settings *settings, struct lab_listener *s)
{
	s->has_service = settings->service[0] != '\0';
	s->conf.service = s->has_service ? tg_service_find(settings->service) : &lab_service;
	return s->conf.service ? 0 : -EINVAL;
}

static int listen_somewhere(struct tg_lab *lab, struct lab_listener *s)
{
	int rc = -EADDRINUSE;

	for (uint32_t i = 0; i < LAB_PORT_N && rc == -EADDRINUSE; i++) {
		s->conf.port = (uint16_t)(LAB_PORT_FIRST + lab->next_port);
		lab->next_port = (uint16_t)((lab->next_port + 1) % LAB_PORT_N);
		rc = tg_engine_listen(lab->engine, &s->conf);
	}
	return rc;
}

static int begin_listening(struct tg_lab *lab, struct lab_sock *s)
{
	struct lab_listener *l = s->l;
	int rc = l->conf.port ? tg_engine_listen(lab->engine, &l->conf) : listen_somewhere(lab, l);

	if (rc < 0)
		return rc;
	l->listener = rc;
	lab->listener[rc] = s;
	return 0;
}

int lab_relisten(struct tg_lab *lab, struct lab_sock *s)
{
	return tg_engine_relisten(lab->engine, s->l->listener, &s->l->conf.tcp);
}

static int fill_listener(const struct tg_lab *lab, struct lab_listener *s, const char *addr,
			 uint16_t port, int backlog, const char *options)
{
	struct tg_settings settings = lab->settings;
	char err[256];

	if (options && tg_settings_words(&settings, TG_KEY_LAB_LISTEN, options, err, sizeof(err)))
		return -EINVAL;
	if (tg_settings_check(&settings, TG_KEY_LAB_LISTEN | TG_KEY_CONN, err, sizeof(err)))
		return -EINVAL;
	if (service_of(&settings, s))
		return -EINVAL;
	if (addr && !tg_addr_parse(addr, &s->conf.addr[0]))
		return -EINVAL;
	s->conf.addr_n = addr ? 1 : 0;
	s->conf.port = port;
	s->conf.backlog = backlog > 0 ? (uint32_t)backlog : settings.backlog;
	s->conf.syn_cookies = (uint8_t)settings.syn_cookies;
	s->conf.synq_high = settings.synq_high;
	s->conf.synq_low = settings.synq_low;
	s->conf.service_ctx = s->has_service ? NULL : (void *)(uintptr_t)lab;
	tg_settings_listener(&settings, &s->conf);
	s->conf.tcp = settings.tcp;
	return 0;
}

int tg_lab_listen(struct tg_lab *lab, const char *addr, uint16_t port, int backlog,
		  const char *options)
{
	int number = lab_number_find(lab);
	struct lab_sock *s = number < 0 ? NULL : lab_sock_new(lab, LAB_LISTENER);

	if (!s)
		return -ENOMEM;
	int rc = fill_listener(lab, s->l, addr, port, backlog, options);

	s->l->conf.word = s->l->has_service ? 0 : s->index;
	snprintf(s->l->conf.name, sizeof(s->l->conf.name), "lab%u", s->index);
	if (rc == 0)
		rc = begin_listening(lab, s);
	if (rc < 0) {
		lab_sock_drop(lab, s);
		return rc;
	}
	lab_number_set(lab, number, s->index);
	return number;
}

int tg_lab_accept(struct tg_lab *lab, int listener)
{
	struct lab_sock view, *l = lab_at(lab, listener, &view);
	uint32_t entry;

	if (!l)
		return -EBADF;
	if (l->kind != LAB_LISTENER)
		return -EINVAL;
	int number = lab_number_find(lab);

	if (number < 0)
		return -ENOMEM;
	while (lab_queue_take(lab, l, &entry)) {
		if (entry == TG_NONE)
			continue;
		lab_number_set(lab, number, entry);
		return number;
	}
	return -EAGAIN;
}

/* --- connect --- */

static int fill_tuple(const char *laddr, uint16_t lport, const char *raddr, uint16_t rport,
		      struct tg_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->lport = lport;
	tuple->rport = rport;
	if (!raddr || !tg_addr_parse(raddr, &tuple->raddr) || rport == 0)
		return -EINVAL;
	if (laddr && !tg_addr_parse(laddr, &tuple->laddr))
		return -EINVAL;
	if (laddr && tg_addr_is_v4(&tuple->laddr) != tg_addr_is_v4(&tuple->raddr))
		return -EINVAL;
	return 0;
}

static int begin_connecting(struct tg_lab *lab, struct lab_sock *s, int number,
			    const struct tg_tcp_conf *tcp)
{
	uint32_t conn = TG_NONE;
	int rc = tg_engine_connect(lab->engine, &s->tuple, tcp, &lab_service, lab, s->index, &conn);

	if (rc)
		return rc;
	s->conn = conn;
	lab_number_set(lab, number, s->index);
	return number;
}

int tg_lab_connect(struct tg_lab *lab, const char *laddr, uint16_t lport, const char *raddr,
		   uint16_t rport, const char *options)
{
	struct tg_settings settings = lab->settings;
	struct tg_tuple tuple;
	char err[256];
	int rc = fill_tuple(laddr, lport, raddr, rport, &tuple);

	if (rc)
		return rc;
	if (options && tg_settings_words(&settings, TG_KEY_CONN, options, err, sizeof(err)))
		return -EINVAL;
	if (tg_settings_check(&settings, TG_KEY_CONN, err, sizeof(err)))
		return -EINVAL;
	int number = lab_number_find(lab);
	struct lab_sock *s = number < 0 ? NULL : lab_sock_new(lab, LAB_CONN);

	if (!s)
		return -ENOMEM;
	s->tuple = tuple;
	rc = begin_connecting(lab, s, number, &settings.tcp);
	if (rc < 0) {
		lab_sock_drop(lab, s);
		return rc;
	}
	lab_settle(lab);
	return rc;
}
