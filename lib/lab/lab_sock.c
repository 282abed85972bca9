/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_sock.c: sockets: a service whose connections are left to the user. */
#include "lab_int.h"
#include "tg_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAB_PORT_FIRST = 49152, LAB_PORT_N = 16384 };

/* --- objects and numbers --- */

static uint32_t grow(uint32_t n)
{
	return n ? n * 2 : 16;
}

static bool more_socks(struct tg_lab *lab)
{
	uint32_t n = grow(lab->sock_n);
	struct lab_sock **all = realloc(lab->sock, n * sizeof(struct lab_sock *));

	if (!all)
		return false;
	lab->sock = all;
	while (lab->sock_n < n) {
		struct lab_sock *s = calloc(1, sizeof(*s));
		if (!s)
			return false;
		s->index = lab->sock_n;
		s->next = lab->unused;
		lab->unused = s->index;
		lab->sock[lab->sock_n++] = s;
	}
	return true;
}

/* An unused object; NULL: out of memory. */
static struct lab_sock *sock_new(struct tg_lab *lab, enum lab_kind kind)
{
	if (lab->unused == TG_NONE && !more_socks(lab))
		return NULL;
	struct lab_sock *s = lab->sock[lab->unused];

	lab->unused = s->next;
	*s = (struct lab_sock){.kind = kind,
			       .index = s->index,
			       .number = -1,
			       .listener = -1,
			       .conn = TG_NONE,
			       .first = TG_NONE,
			       .last = TG_NONE,
			       .next = TG_NONE};
	return s;
}

static bool more_numbers(struct tg_lab *lab)
{
	uint32_t n = grow(lab->number_n);
	uint32_t *all = realloc(lab->number, n * sizeof(uint32_t));

	if (!all)
		return false;
	lab->number = all;
	while (lab->number_n < n)
		all[lab->number_n++] = TG_NONE;
	return true;
}

/* The lowest free number, for s; negative errno. */
static int number_new(struct tg_lab *lab, struct lab_sock *s)
{
	uint32_t i = lab->number_low;

	while (i < lab->number_n && lab->number[i] != TG_NONE)
		i++;
	if (i == lab->number_n && !more_numbers(lab))
		return -ENOMEM;
	lab->number_low = i + 1;
	lab->number[i] = s->index;
	s->number = (int)i;
	return s->number;
}

struct lab_sock *lab_at(const struct tg_lab *lab, int number)
{
	if (number < 0 || (uint32_t)number >= lab->number_n || lab->number[number] == TG_NONE)
		return NULL;
	return lab->sock[lab->number[number]];
}

void lab_sock_free(struct tg_lab *lab, struct lab_sock *s)
{
	if (s->number >= 0) {
		lab->number[s->number] = TG_NONE;
		if ((uint32_t)s->number < lab->number_low)
			lab->number_low = (uint32_t)s->number;
	}
	s->number = -1;
	if (s->conn != TG_NONE) {
		s->closing = true;
		return;
	}
	free(s->left.bytes);
	s->left.bytes = NULL;
	s->kind = LAB_UNUSED;
	s->next = lab->unused;
	lab->unused = s->index;
}

void lab_sock_fini(struct tg_lab *lab)
{
	for (uint32_t i = 0; i < lab->sock_n; i++) {
		free(lab->sock[i]->left.bytes);
		free(lab->sock[i]);
	}
	free(lab->sock);
	free(lab->number);
}

/* --- the service: what the engine tells --- */

static void queue_join(struct tg_lab *lab, struct lab_sock *listener, uint32_t index)
{
	if (listener->last == TG_NONE)
		listener->first = index;
	else
		lab->sock[listener->last]->next = index;
	listener->last = index;
}

struct lab_sock *lab_queue_take(struct tg_lab *lab, struct lab_sock *listener)
{
	if (listener->first == TG_NONE)
		return NULL;
	struct lab_sock *s = lab->sock[listener->first];

	listener->first = s->next;
	if (listener->first == TG_NONE)
		listener->last = TG_NONE;
	s->next = TG_NONE;
	tg_engine_accepted(lab->engine, listener->listener);
	return s;
}

static struct lab_sock *sock_of(const struct tg_lab *lab, uint32_t conn)
{
	return lab->sock[tg_conn_word(lab->engine, conn)];
}

/* The word of a connection that a listener opened is still the listener's. */
static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_lab *lab = ctx;
	struct lab_sock *s = sock_of(lab, conn);

	if (s->kind == LAB_CONN) {
		s->opened = true;
		return;
	}
	struct lab_sock *child = sock_new(lab, LAB_CONN);

	if (!child) {
		lab->failed = true;
		tg_conn_abort(engine, conn);
		return;
	}
	child->conn = conn;
	child->opened = true;
	tg_conn_tuple(engine, conn, &child->tuple);
	tg_conn_set_word(engine, conn, child->index);
	queue_join(lab, s, child->index);
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
	struct lab_sock *s = sock_of(lab, conn);

	if (s->kind != LAB_CONN)
		return; /* opened and closed without memory for an object */
	s->error = tg_close_errno(reason);
	if (!s->closing && reason != TG_CLOSE_RESET)
		keep_unread(lab, s);
	s->conn = TG_NONE;
	if (s->closing)
		lab_sock_free(lab, s);
}

static void on_urgent(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_lab *lab = ctx;

	sock_of(lab, conn)->urgent = true;
}

static void on_soft_error(void *ctx, struct tg_engine *engine, uint32_t conn, int error)
{
	struct tg_lab *lab = ctx;

	sock_of(lab, conn)->soft_error = error;
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

static int service_of(const struct tg_settings *settings, struct lab_sock *s)
{
	s->has_service = settings->service[0] != '\0';
	s->conf.service = s->has_service ? tg_service_find(settings->service) : &lab_service;
	return s->conf.service ? 0 : -EINVAL;
}

static int listen_somewhere(struct tg_lab *lab, struct lab_sock *s)
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
	int rc = s->conf.port ? tg_engine_listen(lab->engine, &s->conf) : listen_somewhere(lab, s);

	s->listener = rc;
	return rc < 0 ? rc : 0;
}

int lab_relisten(struct tg_lab *lab, struct lab_sock *s)
{
	return tg_engine_relisten(lab->engine, s->listener, &s->conf.tcp);
}

static int fill_listener(const struct tg_lab *lab, struct lab_sock *s, const char *addr,
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
	s->conf.word = s->has_service ? 0 : s->index;
	s->conf.tcp = settings.tcp;
	snprintf(s->conf.name, sizeof(s->conf.name), "lab%u", s->index);
	return 0;
}

int tg_lab_listen(struct tg_lab *lab, const char *addr, uint16_t port, int backlog,
		  const char *options)
{
	struct lab_sock *s = sock_new(lab, LAB_LISTENER);

	if (!s)
		return -ENOMEM;
	int rc = fill_listener(lab, s, addr, port, backlog, options);

	if (rc == 0)
		rc = begin_listening(lab, s);
	if (rc == 0)
		rc = number_new(lab, s);
	if (rc < 0)
		lab_sock_free(lab, s);
	return rc;
}

int tg_lab_accept(struct tg_lab *lab, int listener)
{
	struct lab_sock *l = lab_at(lab, listener);

	if (!l)
		return -EBADF;
	if (l->kind != LAB_LISTENER)
		return -EINVAL;
	struct lab_sock *s = lab_queue_take(lab, l);

	return s ? number_new(lab, s) : -EAGAIN;
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

static int begin_connecting(struct tg_lab *lab, struct lab_sock *s, const struct tg_tcp_conf *tcp)
{
	uint32_t conn = TG_NONE;
	int rc = tg_engine_connect(lab->engine, &s->tuple, tcp, &lab_service, lab, s->index, &conn);

	if (rc)
		return rc;
	s->conn = conn;
	tg_conn_tuple(lab->engine, conn, &s->tuple);
	return number_new(lab, s);
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
	struct lab_sock *s = sock_new(lab, LAB_CONN);

	if (!s)
		return -ENOMEM;
	s->tuple = tuple;
	rc = begin_connecting(lab, s, &settings.tcp);
	if (rc < 0) {
		lab_sock_free(lab, s);
		return rc;
	}
	lab_settle(lab);
	return rc;
}
