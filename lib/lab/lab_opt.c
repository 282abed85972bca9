/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_opt.c: options, addresses, poll, states and counters. */
#include "lab_int.h"

#include <errno.h>
#include <stdio.h>

/* Options that are keys: their ranges and places come from the key table. */
static const char *const option_key[] = {
    [TG_LAB_NODELAY] = "nodelay",
    [TG_LAB_KEEPALIVE] = "keepalive",
    [TG_LAB_KEEPALIVE_IDLE_MS] = "keepalive_idle_ms",
    [TG_LAB_KEEPALIVE_INTERVAL_MS] = "keepalive_interval_ms",
    [TG_LAB_KEEPALIVE_COUNT] = "keepalive_count",
    [TG_LAB_USER_TIMEOUT_MS] = "user_timeout_ms",
    [TG_LAB_FIN_WAIT_2_MS] = "fin_wait_2_ms",
    [TG_LAB_MAXSEG] = "maxseg",
    [TG_LAB_RCVBUF] = "rcvbuf",
    [TG_LAB_SNDBUF] = "sndbuf",
    [TG_LAB_DEFER_ACCEPT_MS] = "defer_accept_ms",
    [TG_LAB_LINGER_MS] = NULL,
};

enum { OPTION_KEY_N = sizeof(option_key) / sizeof(option_key[0]) };

static const struct tg_key *key_of(enum tg_lab_opt opt)
{
	if ((unsigned)opt >= OPTION_KEY_N || !option_key[opt])
		return NULL;
	return tg_key_find(option_key[opt], TG_KEY_LAB_LISTEN);
}

static bool is_settable(enum tg_lab_opt opt)
{
	return opt == TG_LAB_LINGER_MS || key_of(opt);
}

/* --- set --- */

static int conf_set(struct tg_tcp_conf *conf, enum tg_lab_opt opt, int64_t value)
{
	struct tg_settings s = {.tcp = *conf};
	char text[24], err[256];

	if (opt == TG_LAB_LINGER_MS) {
		if (value < -1 || value > INT32_MAX)
			return -EINVAL;
		conf->linger_ms = (int32_t)value;
		return 0;
	}
	snprintf(text, sizeof(text), "%lld", (long long)value);
	if (tg_settings_set(&s, TG_KEY_LAB_LISTEN, option_key[opt], text, err, sizeof(err)) ||
	    tg_settings_check(&s, TG_KEY_CONN, err, sizeof(err)))
		return -EINVAL;
	*conf = s.tcp;
	return 0;
}

static void restart_keepalive(const struct tg_lab *lab, struct tg_tcb *tcb)
{
	/* Rounded up as the engine does it: a deadline is never early. */
	uint64_t now_ms = (lab->now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
	uint64_t due =
	    (tcb->idle_since_ms ? tcb->idle_since_ms : now_ms) + tcb->conf->keepalive_idle_ms;

	tcb->probes = 0;
	tcb->deadline[TG_T_KEEPALIVE] = 0;
	if (tcb->conf->keepalive && (tcb->state == TG_ESTABLISHED || tcb->state == TG_FIN_WAIT_2 ||
				     tcb->state == TG_CLOSE_WAIT))
		tcb->deadline[TG_T_KEEPALIVE] = due > now_ms ? due : now_ms + 1;
}

/* TO-08: what already waits for an answer waits no longer than this. */
static void shorten_patience(const struct tg_lab *lab, struct tg_tcb *tcb)
{
	uint64_t now_ms = (lab->now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
	uint64_t end = tcb->rexmit_since_ms + tcb->conf->user_timeout_ms;

	if (!tcb->conf->user_timeout_ms || !tcb->rexmit_since_ms || !tcb->deadline[TG_T_REXMIT])
		return;
	if (end <= now_ms)
		end = now_ms + 1;
	if (tcb->deadline[TG_T_REXMIT] > end)
		tcb->deadline[TG_T_REXMIT] = end;
}

/* What the block keeps of its configuration follows. */
static void tcb_follow(const struct tg_lab *lab, struct tg_tcb *tcb, enum tg_lab_opt opt)
{
	if (opt == TG_LAB_KEEPALIVE || opt == TG_LAB_KEEPALIVE_IDLE_MS)
		restart_keepalive(lab, tcb);
	if (opt == TG_LAB_USER_TIMEOUT_MS)
		shorten_patience(lab, tcb);
	if (opt == TG_LAB_MAXSEG && tcb->conf->maxseg && tcb->snd.mss > tcb->conf->maxseg)
		tcb->snd.mss = tcb->conf->maxseg;
}

static int set_conn(struct tg_lab *lab, struct lab_sock *s, enum tg_lab_opt opt, int64_t value)
{
	if (s->conn == TG_NONE)
		return 0; /* nothing is left that could obey */
	struct tg_tcp_conf *conf = tg_engine_own_conf(lab->engine, s->conn);

	if (!conf)
		return -ENOBUFS;
	int rc = conf_set(conf, opt, value);
	struct tg_tcb *tcb = tg_engine_tcb(lab->engine, s->conn);

	if (rc == 0 && tcb)
		tcb_follow(lab, tcb, opt);
	lab_settle(lab);
	return rc;
}

static int set_listener(struct tg_lab *lab, struct lab_sock *s, enum tg_lab_opt opt, int64_t value)
{
	int rc = conf_set(&s->l->conf.tcp, opt, value);

	return rc ? rc : lab_relisten(lab, s);
}

int tg_lab_setopt(struct tg_lab *lab, int sock, enum tg_lab_opt opt, int64_t value)
{
	struct lab_sock view, *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	if (!is_settable(opt))
		return -EINVAL;
	return s->kind == LAB_LISTENER ? set_listener(lab, s, opt, value)
				       : set_conn(lab, s, opt, value);
}

/* --- get --- */

static int64_t conf_get(const struct tg_tcp_conf *conf, enum tg_lab_opt opt)
{
	struct tg_settings s = {.tcp = *conf};
	const struct tg_key *key = key_of(opt);
	uint64_t v = 0;

	if (opt == TG_LAB_LINGER_MS)
		return conf->linger_ms;
	/* Little or big endian: by size, not by bytes. */
	switch (key->size) {
	case 1:
		v = *((uint8_t *)&s + key->offset);
		break;
	case 2:
		v = *(uint16_t *)(void *)((uint8_t *)&s + key->offset);
		break;
	default:
		v = *(uint32_t *)(void *)((uint8_t *)&s + key->offset);
	}
	return (int64_t)v;
}

static bool is_syn_out(const struct tg_tcb *tcb)
{
	return tcb->state == TG_SYN_SENT || tcb->state == TG_SYN_RECEIVED;
}

static int64_t unacked_bytes(const struct tg_tcb *tcb)
{
	int64_t n = tg_seq_diff(tcb->snd.nxt, tcb->snd.una);

	if (is_syn_out(tcb))
		return 0;
	return n > 0 && tcb->fin_sent ? n - 1 : n;
}

static int64_t unsent_bytes(const struct tg_tcb *tcb)
{
	tg_seq first = is_syn_out(tcb) ? tg_seq_add(tcb->snd.iss, 1) : tcb->snd.nxt;
	int64_t n = tg_seq_diff(tcb->tx_end, first);

	return tcb->fin_sent || n < 0 ? 0 : n;
}

static int64_t rto_us(const struct tg_tcb *tcb)
{
	uint64_t rto = tcb->rto_us, max = 60000000;

	for (uint32_t i = 0; i < tcb->backoff && rto < max; i++)
		rto *= 2;
	return (int64_t)(rto < max ? rto : max);
}

/* SendMSS less the timestamp that each segment carries (EST-11). */
static int64_t effective_mss(const struct tg_tcb *tcb)
{
	int64_t mss = tcb->snd.mss - (tcb->ts_on ? 12 : 0);

	return mss > 0 ? mss : 0;
}

/* What only the block knows. TG_LAB_RETRANSMITS counts from the last rest: the 64 bytes have no
 * room for it, so a block that has repeated something stays for a minute after its last text
 * (rest.c), and then the count is 0 again. */
static int64_t tcb_get(const struct tg_tcb *tcb, enum tg_lab_opt opt)
{
	switch ((int)opt) {
	case TG_LAB_MAXSEG:
		return effective_mss(tcb);
	case TG_LAB_UNACKED_BYTES:
		return unacked_bytes(tcb);
	case TG_LAB_UNSENT_BYTES:
		return unsent_bytes(tcb);
	case TG_LAB_CWND_BYTES:
		return tcb->cwnd;
	case TG_LAB_SRTT_US:
		return tcb->srtt_us;
	case TG_LAB_RTO_US:
		return rto_us(tcb);
	case TG_LAB_RETRANSMITS:
		return tcb->rexmits;
	case TG_LAB_PROBES:
		return tcb->probes;
	default:
		return conf_get(tcb->conf, opt);
	}
}

/* What the socket itself knows. False: ask the block. */
static bool sock_get(const struct tg_lab *lab, struct lab_sock *s, enum tg_lab_opt opt,
		     int64_t *value)
{
	switch ((int)opt) {
	case TG_LAB_ERROR:
		*value = s->error;
		s->error = 0;
		return true;
	case TG_LAB_SOFT_ERROR:
		*value = s->soft_error;
		s->soft_error = 0;
		return true;
	case TG_LAB_URGENT:
		*value = s->urgent;
		s->urgent = false;
		return true;
	case TG_LAB_READABLE_BYTES:
		*value = lab_readable(lab, s);
		return true;
	default:
		return false;
	}
}

static int get_conn(struct tg_lab *lab, struct lab_sock *s, enum tg_lab_opt opt, int64_t *value)
{
	*value = 0;
	if (sock_get(lab, s, opt, value) || s->conn == TG_NONE)
		return 0;
	struct tg_tcb *tcb = tg_engine_tcb(lab->engine, s->conn);

	if (!tcb)
		return -ENOBUFS;
	*value = tcb_get(tcb, opt);
	lab_settle(lab);
	return 0;
}

int tg_lab_getopt(struct tg_lab *lab, int sock, enum tg_lab_opt opt, int64_t *value)
{
	struct lab_sock view, *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	if ((int)opt < TG_LAB_NODELAY || opt > TG_LAB_URGENT)
		return -EINVAL;
	if (s->kind == LAB_CONN) {
		int rc = get_conn(lab, s, opt, value);
		lab_slim(lab, sock);
		return rc;
	}
	*value = is_settable(opt) ? conf_get(&s->l->conf.tcp, opt) : 0;
	return 0;
}

/* --- addresses --- */

static int put_addr(const struct tg_addr *a, uint16_t from, char *addr, size_t addr_size,
		    uint16_t *port)
{
	char text[46];

	tg_addr_format(a, text, sizeof(text));
	if (addr && strlen(text) >= addr_size)
		return -ENOSPC;
	if (addr)
		memcpy(addr, text, strlen(text) + 1);
	if (port)
		*port = from;
	return 0;
}

/* The engine knows it as long as there is a connection. */
static struct tg_tuple tuple_of(const struct tg_lab *lab, const struct lab_sock *s)
{
	struct tg_tuple tuple = s->tuple;

	if (s->conn != TG_NONE)
		tg_conn_tuple(lab->engine, s->conn, &tuple);
	return tuple;
}

int tg_lab_local(const struct tg_lab *lab, int sock, char *addr, size_t addr_size, uint16_t *port)
{
	struct lab_sock view;
	const struct lab_sock *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	if (s->kind == LAB_LISTENER) /* no address: any, which is all zero */
		return put_addr(&s->l->conf.addr[0], s->l->conf.port, addr, addr_size, port);
	const struct tg_tuple tuple = tuple_of(lab, s);

	return put_addr(&tuple.laddr, tuple.lport, addr, addr_size, port);
}

int tg_lab_peer(const struct tg_lab *lab, int sock, char *addr, size_t addr_size, uint16_t *port)
{
	struct lab_sock view;
	const struct lab_sock *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	if (s->kind == LAB_LISTENER)
		return -ENOTCONN;
	const struct tg_tuple tuple = tuple_of(lab, s);

	return put_addr(&tuple.raddr, tuple.rport, addr, addr_size, port);
}

/* --- sight --- */

static int poll_conn(const struct tg_lab *lab, const struct lab_sock *s)
{
	bool eof = lab_is_eof(lab, s), gone = s->conn == TG_NONE;
	int bits = 0;

	if (eof || s->error || lab_readable(lab, s) > 0)
		bits |= TG_LAB_IN;
	if (!gone && s->opened && !s->shut_wr && tg_conn_write_room(lab->engine, s->conn) > 0)
		bits |= TG_LAB_OUT;
	if (gone || (s->shut_wr && (s->shut_rd || tg_conn_is_eof(lab->engine, s->conn))))
		bits |= TG_LAB_HUP;
	if (s->error)
		bits |= TG_LAB_ERR;
	return bits;
}

int tg_lab_poll(const struct tg_lab *lab, int sock)
{
	struct lab_sock view;
	const struct lab_sock *s = lab_at(lab, sock, &view);

	if (!s)
		return -EBADF;
	if (s->kind == LAB_LISTENER)
		return s->l->queue.n ? TG_LAB_IN : 0;
	return poll_conn(lab, s);
}

const char *tg_lab_state(const struct tg_lab *lab, int sock)
{
	struct lab_sock view;
	const struct lab_sock *s = lab_at(lab, sock, &view);

	if (!s)
		return tg_tcp_state_name(TG_CLOSED);
	if (s->kind == LAB_LISTENER)
		return tg_tcp_state_name(TG_LISTEN);
	if (s->conn != TG_NONE)
		return tg_tcp_state_name(tg_conn_state(lab->engine, s->conn));
	/* The engine keeps a record of it for 2MSL; any other state is another connection's. */
	if (tg_engine_state_of(lab->engine, &s->tuple) == TG_TIME_WAIT)
		return tg_tcp_state_name(TG_TIME_WAIT);
	return tg_tcp_state_name(TG_CLOSED);
}

const char *tg_lab_state_of(const struct tg_lab *lab, const char *laddr, uint16_t lport,
			    const char *raddr, uint16_t rport)
{
	struct tg_tuple tuple = {.lport = lport, .rport = rport};

	if (!laddr || !raddr || !tg_addr_parse(laddr, &tuple.laddr) ||
	    !tg_addr_parse(raddr, &tuple.raddr))
		return tg_tcp_state_name(TG_CLOSED);
	return tg_tcp_state_name(tg_engine_state_of(lab->engine, &tuple));
}

int64_t tg_lab_counter(const struct tg_lab *lab, const char *name)
{
	enum tg_ctr ctr = name ? tg_ctr_by_name(name) : TG_CTR_NONE;

	return ctr == TG_CTR_NONE ? -1 : (int64_t)tg_engine_counters(lab->engine)->v[ctr];
}
