/* SPDX-License-Identifier: BSD-3-Clause */
/* service_api.c: what services and socket layers call (tg_service.h). A connection at rest is
 * attached only for what changes it. */
#include "engine.h"

/* Over, and only its `closed` still runs. */
static bool is_over(const struct tg_engine *e, uint32_t conn)
{
	return !tg_conn_used(e, conn) || e->conn[conn].state == TG_CLOSED ||
	       e->conn[conn].state == TG_TIME_WAIT;
}

/* Its block; one that is not made yet (calm.h) says state and word all the same. */
static struct tg_tcb *moving(const struct tg_engine *e, uint32_t conn)
{
	return tg_conn_used(e, conn) ? tg_conn_tcb(e, &e->conn[conn]) : NULL;
}

static struct tg_tcb *awake(struct tg_engine *e, uint32_t conn)
{
	if (tg_conn_used(e, conn) && (e->conn[conn].flags & TG_CONN_EXT))
		tg_calm_wake(e, e->conn[conn].word);
	return moving(e, conn);
}

/* The extension to change; TG_NONE is counted. Its output runs at the end of the call. */
static uint32_t touch(struct tg_engine *e, uint32_t conn)
{
	uint32_t x = tg_conn_attach(e, conn);

	if (x == TG_NONE) {
		tg_ctr_inc(&e->ctr, TG_CTR_ext_wait);
		return x;
	}
	if (!(e->ext[x].flags & TG_EXT_GONE))
		tg_ext_list_add(e, TG_LIST_READY, x);
	return x;
}

uint64_t tg_engine_now_ns(const struct tg_engine *e)
{
	return e->env.now_ns;
}

uint32_t tg_conn_word(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_tcb *tcb = moving(e, conn);

	return tcb ? tcb->word : e->conn[conn].word;
}

void tg_conn_set_word(struct tg_engine *e, uint32_t conn, uint32_t word)
{
	struct tg_tcb *tcb = moving(e, conn);

	if (tcb)
		tcb->word = word;
	else
		e->conn[conn].word = word;
}

/* --- receive --- */

uint32_t tg_conn_readable(struct tg_engine *e, uint32_t conn)
{
	if (conn == e->turn.conn)
		return e->turn.left;
	const struct tg_tcb *tcb = awake(e, conn);

	return tcb ? tg_tcp_readable(tcb) : 0;
}

const uint8_t *tg_conn_peek(struct tg_engine *e, uint32_t conn, uint32_t offset, uint32_t *run)
{
	const struct tg_calm_turn *t = &e->turn;

	*run = 0;
	if (conn == t->conn) {
		*run = offset < t->left ? t->left - offset : 0;
		return *run ? t->rx->seg.text + t->taken + offset : NULL;
	}
	const struct tg_tcb *tcb = awake(e, conn);

	if (!tcb || offset >= tg_tcp_readable(tcb))
		return NULL;
	return tg_tcp_peek(tcb, &e->env, offset, run);
}

void tg_conn_consume(struct tg_engine *e, uint32_t conn, uint32_t n)
{
	if (conn == e->turn.conn) {
		assert(n <= e->turn.left);
		e->turn.left -= n;
		e->turn.taken += n;
		return;
	}
	struct tg_tcb *tcb = awake(e, conn);

	if (!tcb || n == 0)
		return;
	assert(n <= tg_tcp_readable(tcb));
	tg_tcp_consume(tcb, n, &e->env);
	if (!(e->ext[e->conn[conn].word].flags & TG_EXT_GONE))
		tg_ext_list_add(e, TG_LIST_READY, e->conn[conn].word);
}

bool tg_conn_is_eof(struct tg_engine *e, uint32_t conn)
{
	const struct tg_tcb *tcb = awake(e, conn);

	if (tcb)
		return tcb->fin_rcvd && tg_tcp_readable(tcb) == 0;
	return e->conn[conn].state == TG_CLOSE_WAIT || e->conn[conn].state == TG_CLOSING ||
	       e->conn[conn].state == TG_LAST_ACK || e->conn[conn].state == TG_TIME_WAIT;
}

void tg_conn_kick(struct tg_engine *e, uint32_t conn)
{
	if (is_over(e, conn))
		return;
	uint32_t x = touch(e, conn);

	if (x == TG_NONE)
		tg_bits_set(&e->write_wait, conn); /* the best that can be had: it is called */
	else
		tg_ext_list_add(e, TG_LIST_KICK, x);
}

/* --- send --- */

static int32_t wait_for_room(struct tg_engine *e, uint32_t conn, uint32_t x)
{
	if (tg_tcp_send_room(&e->ext[x].tcb) == 0)
		e->ext[x].flags |= TG_EXT_WANT_WRITE; /* an ACK will make room */
	else
		tg_bits_set(&e->write_wait, conn); /* no buffer: nothing here will make one */
	return 0;
}

int32_t tg_conn_write(struct tg_engine *e, uint32_t conn, const void *data, uint32_t len)
{
	if (is_over(e, conn))
		return tg_conn_state(e, conn) == TG_TIME_WAIT ? -EPIPE : -ENOTCONN;
	if (conn == e->turn.conn && tg_calm_write(e, data, len))
		return (int32_t)len;
	uint32_t x = touch(e, conn);

	if (x == TG_NONE) {
		tg_bits_set(&e->write_wait, conn);
		return -ENOBUFS;
	}
	int32_t n = tg_tcp_send(&e->ext[x].tcb, data, len, &e->env);

	if (n >= 0 && (uint32_t)n < len)
		wait_for_room(e, conn, x);
	return n;
}

uint32_t tg_conn_write_room(struct tg_engine *e, uint32_t conn)
{
	const struct tg_tcb *tcb = awake(e, conn);

	if (is_over(e, conn))
		return 0;
	if (conn == e->turn.conn)
		return e->class[e->conn[conn].conf].conf.sndbuf - e->turn.kept.wrote;
	if (tcb)
		return tg_tcp_send_room(tcb);
	return e->conn[conn].state == TG_ESTABLISHED || e->conn[conn].state == TG_CLOSE_WAIT
		   ? e->class[e->conn[conn].conf].conf.sndbuf
		   : 0;
}

/* --- ends --- */

int tg_conn_shutdown(struct tg_engine *e, uint32_t conn)
{
	struct tg_act act;

	if (is_over(e, conn))
		return -ENOTCONN;
	uint32_t x = touch(e, conn);

	if (x == TG_NONE)
		return -ENOBUFS;
	int rc = tg_tcp_shutdown(&e->ext[x].tcb, &e->env, &act);

	if (rc == 0)
		tg_event_apply(e, x, &act, NULL);
	tg_conn_reap(e);
	return rc;
}

/* Without an extension the FIN waits for one; the service is rid of it all the same. */
void tg_conn_close(struct tg_engine *e, uint32_t conn)
{
	if (!tg_conn_used(e, conn) || e->conn[conn].state == TG_CLOSED ||
	    !tg_event_has_service(e, conn))
		return;
	if (!tg_event_close(e, conn)) {
		tg_ctr_inc(&e->ctr, TG_CTR_ext_wait);
		tg_bits_set(&e->close_wait, conn);
		tg_bits_clear(&e->write_wait, conn);
		e->conn[conn].flags |= TG_CONN_ORPHAN;
	}
	tg_event_closed(e, conn, TG_CLOSE_NORMAL);
	tg_conn_reap(e);
}

void tg_conn_abort(struct tg_engine *e, uint32_t conn)
{
	if (!tg_conn_used(e, conn) || e->conn[conn].state == TG_CLOSED)
		return;
	tg_event_abort(e, conn, TG_CLOSE_ABORT);
	tg_conn_reap(e);
}

/* --- the rest --- */

/* No extension: the 64 bytes have room for one timer, and the service's comes before keepalive. */
static void set_timer_at_rest(struct tg_engine *e, uint32_t conn, uint64_t deadline)
{
	struct tg_tcb *tcb = &e->scratch;
	uint64_t old =
	    tg_timer_is_armed(&e->conn[conn].timer) ? tg_wheel_deadline(&e->wheel, conn) : 0;

	tg_conn_unpack(e, conn, tcb, old);
	tcb->deadline[TG_T_SERVICE] = deadline;
	if (deadline)
		tcb->deadline[TG_T_KEEPALIVE] = 0;
	tg_conn_rest(e, conn, tcb);
}

void tg_conn_timer(struct tg_engine *e, uint32_t conn, uint32_t ms)
{
	if (is_over(e, conn))
		return;
	uint64_t deadline = ms ? e->env.now_ms + ms : 0;
	uint32_t x = touch(e, conn);

	if (x == TG_NONE)
		set_timer_at_rest(e, conn, deadline);
	else
		e->ext[x].tcb.deadline[TG_T_SERVICE] = deadline;
}

enum tg_tcp_state tg_conn_state(const struct tg_engine *e, uint32_t conn)
{
	const struct tg_tcb *tcb = moving(e, conn);

	if (!tg_conn_used(e, conn))
		return TG_CLOSED;
	return tcb ? tcb->state : e->conn[conn].state;
}

struct tg_tcb *tg_engine_tcb(struct tg_engine *e, uint32_t conn)
{
	if (!tg_conn_used(e, conn))
		return NULL;
	uint32_t x = touch(e, conn);

	if (x == TG_NONE)
		return NULL;
	tg_conn_see_path(e, x);
	return &e->ext[x].tcb;
}

struct tg_tcp_conf *tg_engine_own_conf(struct tg_engine *e, uint32_t conn)
{
	struct tg_tcb *tcb = tg_engine_tcb(e, conn);

	if (!tcb)
		return NULL;
	struct tg_ext *ext = &e->ext[e->conn[conn].word];

	if (!tcb->own_conf) {
		ext->own = *tcb->conf;
		tcb->conf = tcb->conf_own = &ext->own;
		tcb->own_conf = true;
	}
	return &ext->own;
}
