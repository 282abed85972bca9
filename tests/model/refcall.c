/* SPDX-License-Identifier: BSD-3-Clause */
/* refcall.c: the user calls of RFC 9293 3.10.1 to 3.10.5 (checklist 1.3), as sockets have them. */
#include "refmodel.h"

#include <errno.h>

static struct ref_conn *conn_of(struct ref_host *h, int sock)
{
	return sock >= 0 && sock < REF_SOCKS ? h->sock[sock] : NULL;
}

static void bind_sock(struct ref_host *h, int sock, struct ref_conn *c)
{
	if (sock >= REF_SOCKS || h->sock[sock]) {
		ref_fail(h, "socket %d is not free", sock);
		return;
	}
	h->sock[sock] = c;
	c->sock = sock;
}

void ref_listen(struct ref_host *h, int lp, int backlog, int got)
{
	struct ref_listener *l = &h->listener[lp];

	if (l->sock >= 0) { /* UC-01 */
		if (got >= 0)
			ref_fail(h, "UC-01: a second listener on port %d", lp);
		return;
	}
	if (got < 0) {
		ref_fail(h, "UC-01: listen on a free port gives %d", got);
		return;
	}
	*l = (struct ref_listener){.sock = got, .max = backlog};
}

/* The SYN of a connect is seen when connect has returned; the state it meets is that before. */
void ref_connect_before(struct ref_host *h, int lp, int rp)
{
	ref_settle(h, lp, rp);
}

/* TD-27: at the edges of the one second either answer will do. */
static bool tw_may_connect(const struct ref_host *h, const struct ref_tw *t)
{
	return t->ts_on && h->now - t->ts_recent_at + REF_MS >= 1000 * REF_MS;
}

void ref_connect(struct ref_host *h, int lp, int rp, int got)
{
	struct ref_tuple *t = &h->tuple[lp][rp];

	if (got < 0) {
		if (!t->live && !t->tw.on && h->listener[lp].sock < 0)
			ref_fail(h, "UC-02: connect %d-%d gives %d", lp, rp, got);
		return;
	}
	if (t->live) {
		ref_fail(h, "UC-02: connect although %d-%d is %s", lp, rp,
			 ref_state_name[t->live->state]);
		return;
	}
	if (t->tw.on && !tw_may_connect(h, &t->tw))
		ref_fail(h, "TD-27: connect takes %d-%d out of TIME-WAIT", lp, rp);
	struct ref_conn *c = ref_conn_new(h, lp, rp);

	if (!c)
		return;
	if (t->tw.on)
		t->tw.dormant = true;
	c->want = REF_WANT_SYNACK; /* that is: a SYN */
	ref_enter(h, c, REF_SYN_SENT);
	bind_sock(h, got, c);
}

void ref_accept(struct ref_host *h, int lp, int got, int got_lp, int got_rp)
{
	struct ref_listener *l = &h->listener[lp];

	if (got == -EAGAIN) {
		if (l->n)
			ref_fail(h, "accept gives nothing, %d wait", l->n);
		return;
	}
	if (got < 0 || l->n == 0) {
		ref_fail(h, "accept gives %d, %d wait", got, l->n);
		return;
	}
	struct ref_conn *c = l->queue[0];

	for (int i = 1; i < l->n; i++)
		l->queue[i - 1] = l->queue[i];
	l->n--;
	if (c->lp != got_lp || c->rp != got_rp)
		ref_fail(h, "accept gives %d-%d, the oldest is %d-%d", got_lp, got_rp, c->lp,
			 c->rp);
	bind_sock(h, got, c);
}

/* A pending error comes first and once. true: it was due, and has been judged. */
static bool judge_error(struct ref_host *h, struct ref_conn *c, const char *call, int64_t got)
{
	if (!c->error)
		return false;
	if (got != c->error)
		ref_fail(h, "%s gives %lld, the pending error is %d", call, (long long)got,
			 c->error);
	c->error = 0;
	return true;
}

static uint32_t readable(const struct ref_conn *c)
{
	return c->rcv_nxt - c->fin_taken - c->rd;
}

/* Also when it was closed in SYN-RECEIVED and our SYN is not yet acknowledged. */
static bool is_before_open(const struct ref_conn *c)
{
	return c->state == REF_SYN_SENT || c->state == REF_SYN_RCVD ||
	       (c->state == REF_FIN_WAIT_1 && c->una == c->iss);
}

static int64_t read_expected(const struct ref_conn *c, size_t want)
{
	uint32_t n = readable(c);

	if (is_before_open(c))
		return -EAGAIN;
	if (n && !c->ended)
		return n < want ? n : (int64_t)want;
	if (c->ended || c->fin_taken || c->shut_rd || c->state == REF_CLOSED)
		return 0;
	return -EAGAIN;
}

void ref_read(struct ref_host *h, int sock, const uint8_t *buf, size_t want, int64_t got)
{
	struct ref_conn *c = conn_of(h, sock);

	if (!c || judge_error(h, c, "read", got))
		return;
	int64_t expected = read_expected(c, want);

	/* Whether the SYN has been acknowledged may be open, too. */
	bool may_wait = c->state == REF_FIN_WAIT_1 && c->una_sure == c->iss && got == -EAGAIN;

	if (got != expected && !may_wait && !(c->quiet_end && got == 0)) {
		ref_fail(h, "read of %zu in %s gives %lld, expected %lld", want,
			 ref_state_name[c->state], (long long)got, (long long)expected);
		return;
	}
	for (int64_t i = 0; i < got; i++)
		if (buf[i] != c->ring[(c->rd + (uint32_t)i) % REF_RING]) {
			ref_fail(h, "byte %lld of the read, at %u, is not what came", (long long)i,
				 c->rd + (uint32_t)i);
			return;
		}
	if (got <= 0)
		return;
	c->rd += (uint32_t)got;
	/* DT-26: a closed window opens when all of the buffer is free. */
	bool receives =
	    c->state == REF_ESTAB || c->state == REF_FIN_WAIT_1 || c->state == REF_FIN_WAIT_2;

	if (receives && c->edge == c->rcv_nxt && readable(c) == 0 && c->held == 0)
		c->want = REF_WANT_ACK;
}

/* What the user would write next, as many as want. */
void ref_write_room(struct ref_host *h, int sock, size_t want, uint8_t *buf)
{
	struct ref_conn *c = conn_of(h, sock);

	for (size_t i = 0; c && i < want; i++)
		buf[i] = ref_byte(c, c->snd_end + (uint32_t)i);
}

/* There is something to send, perhaps the first after a rest. */
static void note_work(const struct ref_host *h, struct ref_conn *c)
{
	if (c->snd_end != c->nxt)
		return;
	if (c->una == c->nxt)
		c->active_at = c->maybe_moved_at = h->now;
	if (c->una_sure == c->nxt)
		c->moved_at = h->now;
}

void ref_write(struct ref_host *h, int sock, size_t want, int64_t got)
{
	struct ref_conn *c = conn_of(h, sock);

	if (!c || judge_error(h, c, "write", got))
		return;
	bool open = c->state == REF_SYN_SENT || c->state == REF_SYN_RCVD || c->state == REF_ESTAB ||
		    c->state == REF_CLOSE_WAIT;

	if (!open || c->fin_wanted) { /* UC-03 */
		if (got >= 0 || got == -EAGAIN)
			ref_fail(h, "UC-03: write in %s gives %lld", ref_state_name[c->state],
				 (long long)got);
		return;
	}
	uint32_t queued = c->snd_end - c->una_sure;

	if (got == -EAGAIN && queued * 2 < h->conf.sndbuf)
		ref_fail(h, "write gives EAGAIN, only %u of %u are queued", queued, h->conf.sndbuf);
	if (got != -EAGAIN && (got <= 0 || (size_t)got > want))
		ref_fail(h, "write of %zu in %s gives %lld", want, ref_state_name[c->state],
			 (long long)got);
	if (got <= 0)
		return;
	note_work(h, c);
	c->snd_end += (uint32_t)got;
}

/* The sending side is shut (RFC 9293 3.10.4). */
static void shut_send(struct ref_host *h, struct ref_conn *c)
{
	if (c->fin_wanted)
		return;
	if (c->state == REF_SYN_SENT) {
		ref_end(h, c, 0);
		return;
	}
	note_work(h, c);
	c->fin_wanted = true;
	if (c->state == REF_ESTAB)
		ref_enter(h, c, REF_FIN_WAIT_1);
	else if (c->state == REF_CLOSE_WAIT)
		ref_enter(h, c, REF_LAST_ACK);
	else if (c->state == REF_SYN_RCVD && c->snd_end == c->nxt)
		ref_enter(h, c, REF_FIN_WAIT_1);
}

static bool is_dead(const struct ref_conn *c)
{
	return c->state == REF_CLOSED || c->state == REF_TIME_WAIT;
}

void ref_shutdown(struct ref_host *h, int sock, bool rd, bool wr, int got)
{
	struct ref_conn *c = conn_of(h, sock);

	if (!c)
		return;
	if (got < 0 && !is_dead(c) && c->state != REF_SYN_SENT && !c->fin_wanted && !c->error)
		ref_fail(h, "UC-05: shutdown in %s gives %d", ref_state_name[c->state], got);
	if (got < 0)
		return;
	c->shut_rd |= rd;
	if (wr && !is_dead(c))
		shut_send(h, c);
}

static void unbind(struct ref_host *h, struct ref_conn *c)
{
	h->sock[c->sock] = NULL;
	c->sock = -1;
	c->orphan = true;
	c->error = 0;
}

static void abort_conn(struct ref_host *h, struct ref_conn *c)
{
	if (is_dead(c))
		return;
	/* UC-07: in the other states nothing is sent. */
	if (c->state != REF_SYN_SENT && c->state != REF_CLOSING && c->state != REF_LAST_ACK)
		ref_rst_c(h, c);
	ref_end(h, c, 0);
}

void ref_close(struct ref_host *h, int sock, int got)
{
	struct ref_conn *c = conn_of(h, sock);

	if (!c)
		return;
	if (got)
		ref_fail(h, "close gives %d", got);
	unbind(h, c);
	if (is_dead(c)) {
		ref_free_if_done(c);
		return;
	}
	/* UC-08; in CLOSING and LAST-ACK there is no FIN left that a RST could stand for (UC-05).
	 */
	bool over = c->state == REF_CLOSING || c->state == REF_LAST_ACK;

	if (!is_before_open(c) && !over && readable(c)) {
		abort_conn(h, c);
		return;
	}
	if (c->state == REF_FIN_WAIT_2)
		c->fw2 = ref_after(h->now, h->conf.fin_wait_2_ms);
	shut_send(h, c);
}

void ref_abort(struct ref_host *h, int sock, int got)
{
	struct ref_conn *c = conn_of(h, sock);

	if (!c)
		return;
	if (got)
		ref_fail(h, "abort gives %d", got);
	unbind(h, c);
	if (is_dead(c))
		ref_free_if_done(c);
	else
		abort_conn(h, c);
}

/* Those that wait for accept are aborted, half-open ones forgotten; the others live on (UC-01,
 * UC-07). */
void ref_close_listener(struct ref_host *h, int lp, int got)
{
	struct ref_listener *l = &h->listener[lp];

	if (got)
		ref_fail(h, "close of a listener gives %d", got);
	for (int i = 0; i < l->n; i++) {
		l->queue[i]->orphan = true;
		if (is_dead(l->queue[i]))
			ref_free_if_done(l->queue[i]);
		else
			abort_conn(h, l->queue[i]);
	}
	l->sock = -1;
	l->n = 0;
	for (int k = 0; k < REF_PORTS; k++) {
		struct ref_conn *c = h->tuple[lp][k].live;
		if (c && c->state == REF_SYN_RCVD && c->listener == lp)
			ref_end(h, c, 0);
	}
}
