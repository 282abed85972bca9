/* SPDX-License-Identifier: BSD-3-Clause */
/* script_sock.c: setsockopt and getsockopt, in the units of C. */
#include "script_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* An option of C, and what it is to the lab. word: its key before there is a socket in the lab. */
struct option {
	int level, name;
	int64_t scale; /* ours = scale * C's */
	enum tg_lab_opt opt;
	const char *word;
};

static const struct option options[] = {
    {IPPROTO_TCP, TCP_NODELAY, 1, TG_LAB_NODELAY, "nodelay"},
    {SOL_SOCKET, SO_KEEPALIVE, 1, TG_LAB_KEEPALIVE, "keepalive"},
    {IPPROTO_TCP, TCP_KEEPIDLE, 1000, TG_LAB_KEEPALIVE_IDLE_MS, "keepalive_idle_ms"},
    {IPPROTO_TCP, TCP_KEEPINTVL, 1000, TG_LAB_KEEPALIVE_INTERVAL_MS, "keepalive_interval_ms"},
    {IPPROTO_TCP, TCP_KEEPCNT, 1, TG_LAB_KEEPALIVE_COUNT, "keepalive_count"},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 1, TG_LAB_USER_TIMEOUT_MS, "user_timeout_ms"},
    {IPPROTO_TCP, TCP_LINGER2, 1000, TG_LAB_FIN_WAIT_2_MS, NULL},
    {IPPROTO_TCP, TCP_MAXSEG, 1, TG_LAB_MAXSEG, "maxseg"},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 1000, TG_LAB_DEFER_ACCEPT_MS, "defer_accept_ms"},
    {SOL_SOCKET, SO_RCVBUF, 1, TG_LAB_RCVBUF, "rcvbuf"},
    {SOL_SOCKET, SO_SNDBUF, 1, TG_LAB_SNDBUF, "sndbuf"},
    {SOL_SOCKET, SO_ERROR, 1, TG_LAB_ERROR, NULL},
};

/* Taken without a word: what they do is so anyway, or does not show. */
static bool is_ignored(int64_t level, int64_t name)
{
	if (level == SOL_SOCKET)
		return name == SO_REUSEADDR || name == SO_REUSEPORT || name == SO_OOBINLINE ||
		       name == SO_PRIORITY || name == SO_DEBUG;
	return level == IPPROTO_IP || level == IPPROTO_IPV6;
}

static const struct option *find(int64_t level, int64_t name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}

/* [N], N or the only field of a struct. */
static bool value_of(const struct script_arg *a, int64_t *value)
{
	while ((a->type == SA_LIST || a->type == SA_STRUCT) && a->n == 1)
		a = &a->list[0];
	*value = a->value;
	return a->type == SA_INT;
}

/* {onoff=1, linger=0}; by place too. */
static bool linger_of(const struct script_arg *a, int64_t *ms)
{
	while (a->type == SA_LIST && a->n == 1)
		a = &a->list[0];
	if (a->type != SA_STRUCT || a->n != 2 || a->list[0].type != SA_INT ||
	    a->list[1].type != SA_INT)
		return false;
	*ms = a->list[0].value ? a->list[1].value * 1000 : -1;
	return true;
}

/* Before there is a socket in the lab, options are words for its making. */
static int64_t add_word(struct script_fd *fd, const struct option *o, int64_t value)
{
	size_t at = strlen(fd->words);
	int n;

	if (!o->word)
		return -EINVAL;
	n = snprintf(fd->words + at, sizeof(fd->words) - at, "%s%s=%lld", at ? " " : "", o->word,
		     (long long)value);
	if (at + (size_t)n >= sizeof(fd->words)) {
		fd->words[at] = 0;
		return -ENOBUFS;
	}
	return 0;
}

static int64_t set_linger(struct script_run *r, struct script_fd *fd, const struct script_arg *a)
{
	if (!linger_of(a, &fd->linger_ms))
		return -EINVAL;
	fd->linger_set = true;
	if (fd->kind == FD_NEW)
		return 0;
	return tg_lab_setopt(r->lab, fd->sock, TG_LAB_LINGER_MS, fd->linger_ms);
}

static int64_t unknown(struct script_run *r, const char *call)
{
	script_failed(r, NULL,
		      "%s: there are SO_KEEPALIVE, SO_LINGER, SO_RCVBUF, SO_SNDBUF, SO_ERROR, "
		      "TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, "
		      "TCP_LINGER2, TCP_MAXSEG, TCP_DEFER_ACCEPT",
		      call);
	return SCRIPT_FAIL;
}

int64_t script_sys_setsockopt(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = script_fd_of(r, c->arg[0].value);
	const struct option *o = find(c->arg[1].value, c->arg[2].value);
	int64_t value;

	if (!fd)
		return -EBADF;
	if (c->arg[1].value == SOL_SOCKET && c->arg[2].value == SO_LINGER)
		return set_linger(r, fd, &c->arg[3]);
	if (is_ignored(c->arg[1].value, c->arg[2].value))
		return 0;
	if (!o)
		return unknown(r, "setsockopt()");
	if (!value_of(&c->arg[3], &value))
		return -EINVAL;
	if (o->word && (!strcmp(o->word, "nodelay") || !strcmp(o->word, "keepalive")))
		value = value != 0;
	if (fd->kind == FD_NEW)
		return add_word(fd, o, value * o->scale);
	return tg_lab_setopt(r->lab, fd->sock, o->opt, value * o->scale);
}

int64_t script_sys_getsockopt(struct script_run *r, const struct script_call *c)
{
	struct script_fd *fd = script_fd_of(r, c->arg[0].value);
	const struct option *o = find(c->arg[1].value, c->arg[2].value);
	int64_t got = 0, want;
	int rc;

	if (!fd)
		return -EBADF;
	if (!o)
		return unknown(r, "getsockopt()");
	if (fd->kind == FD_NEW)
		return 0;
	rc = tg_lab_getopt(r->lab, fd->sock, o->opt, &got);
	if (rc)
		return rc;
	if (!value_of(&c->arg[3], &want) || want == got / o->scale)
		return 0;
	script_failed(r, NULL, "the value is %lld, expected %lld", (long long)(got / o->scale),
		      (long long)want);
	return SCRIPT_FAIL;
}
