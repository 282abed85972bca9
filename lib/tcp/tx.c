/* SPDX-License-Identifier: BSD-3-Clause */
/* tx.c: the send queue, and what goes out next. One function, plan_output, decides; has_output asks
 * it and output carries it out, so that they cannot disagree. */
#include "data.h"
#include "pmtu.h"

#include <assert.h>
#include <errno.h>

enum plan_kind { PLAN_NONE, PLAN_SYN, PLAN_REXMIT, PLAN_NEW, PLAN_TAIL, PLAN_PROBE, PLAN_ACK };

struct plan {
	enum plan_kind kind;
	tg_seq seq;
	uint32_t len;
	bool fin;
};

bool tg_data_may_send(const struct tg_tcb *tcb)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK:
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_FIN_WAIT_2:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	return false;
}

/* States in which the peer may be owed an ACK. */
static bool may_ack(const struct tg_tcb *tcb)
{
	return tg_data_may_send(tcb) || tcb->state == TG_SYN_RECEIVED ||
	       tcb->state == TG_FIN_WAIT_2 || tcb->state == TG_TIME_WAIT;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- the queue --- */

uint32_t tg_tcp_send_room(const struct tg_tcb *tcb)
{
	uint32_t used = tg_data_queued(tcb);

	return used < tcb->conf->sndbuf ? tcb->conf->sndbuf - used : 0;
}

/* UC-03. */
static int32_t send_error(const struct tg_tcb *tcb)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_ESTABLISHED:
	case TG_CLOSE_WAIT:
		return tcb->fin_queued ? -EPIPE : 0;
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
	case TG_CLOSING:
	case TG_LAST_ACK:
	case TG_TIME_WAIT:
		return -EPIPE;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_STATE_N:
		break;
	}
	return -ENOTCONN;
}

int32_t tg_tcp_send(struct tg_tcb *tcb, const void *data, uint32_t len,
		    const struct tg_tcp_env *env)
{
	int32_t error = send_error(tcb);
	uint32_t n;

	if (error)
		return error;
	if (tg_data_queued(tcb) == 0)
		tcb->held_back = false;
	n = min32(len, tg_tcp_send_room(tcb));
	if (n == tg_tcp_send_room(tcb))
		tcb->held_back = true;
	if (n == 0)
		return 0;
	if (tcb->tx.chunk_n == 0 && tg_data_is_syn_out(tcb))
		tcb->tx_end = tg_seq_add(tcb->snd.iss, 1);
	n = tg_span_write(&tcb->tx, env->chunks, tcb->tx_end.v, data, n);
	tcb->tx_end = tg_seq_add(tcb->tx_end, n);
	tcb->tx_push = tcb->tx_end;
	tg_tx_settle(tcb, env);
	return (int32_t)n;
}

void tg_tcp_adopt(struct tg_tcb *tcb, const struct tg_span *tx, uint32_t n,
		  const struct tg_tcp_env *env)
{
	assert(tcb->tx.chunk_n == 0 && n < tcb->conf->sndbuf);
	tcb->held_back = false;
	tcb->tx = *tx;
	tcb->tx_end = tcb->tx_push = tg_seq_add(tcb->tx_end, n);
	tg_tx_settle(tcb, env);
}

void tg_tcp_text(const struct tg_tcb *tcb, const struct tg_tcp_env *env, tg_seq seq, void *dst,
		 uint32_t len)
{
	tg_span_read(&tcb->tx, env->chunks, seq.v, dst, len);
}

/* --- what goes out next --- */

/* The first number that the peer's window does not allow. */
static tg_seq window_end(const struct tg_tcb *tcb)
{
	return tg_seq_add(tcb->snd.una, tcb->snd.wnd);
}

/* What was sent of [seq, right) again, inside the window (ADV-48). */
static bool plan_again(const struct tg_tcb *tcb, tg_seq seq, tg_seq right, struct plan *p)
{
	tg_seq end = tg_seq_min(right, tcb->tx_end), edge = window_end(tcb);

	if (!tg_seq_lt(seq, right) || !tg_seq_lt(seq, edge))
		return false;
	*p = (struct plan){.kind = PLAN_REXMIT, .seq = seq};
	/* A byte that went as a probe takes along what follows it: no segment of one byte. */
	if (tg_data_flight(tcb) == 1 && !tcb->fin_sent)
		end = tg_seq_min(tcb->tx_end, tg_seq_add(tcb->snd.una, tcb->cwnd));
	end = tg_seq_min(end, edge);
	if (tg_seq_lt(p->seq, end))
		p->len = min32((uint32_t)tg_seq_diff(end, p->seq), tg_tx_size(tcb));
	p->fin = tcb->fin_sent && tg_seq_eq(tg_seq_add(p->seq, p->len), tcb->tx_end) &&
		 tg_seq_lt(tcb->tx_end, edge) && tg_seq_gt(right, tcb->tx_end);
	return p->len > 0 || p->fin;
}

/* RFC 6675 4, NextSeg (1): the first that is LOST, as far as the pipe has room for it. */
static bool plan_lost(const struct tg_tcb *tcb, const struct tg_chunks *chunks, struct plan *p)
{
	uint32_t pipe = tg_data_pipe(tcb);
	tg_seq left, right;

	if (!tg_sent_next_lost(&tcb->sent, chunks, tcb->snd.una, &left, &right) ||
	    !plan_again(tcb, left, right, p))
		return false;
	return pipe == 0 || pipe + p->len <= tcb->cwnd;
}

/* RFC 5681 3.1, RFC 6582: what stands at rexmit_nxt again, and after a timeout no more than cwnd;
 * with SACK what is LOST. */
static bool plan_rexmit(const struct tg_tcb *tcb, const struct tg_chunks *chunks, struct plan *p)
{
	uint32_t done = (uint32_t)tg_seq_diff(tcb->rexmit_nxt, tcb->snd.una);

	if (tcb->sent.lost > 0)
		return plan_lost(tcb, chunks, p);
	if (!tg_seq_lt(tcb->rexmit_nxt, tcb->snd.nxt) || (done > 0 && done >= tcb->cwnd))
		return false;
	return plan_again(tcb, tcb->rexmit_nxt, tcb->snd.nxt, p);
}

/* RFC 8985 7.3: the tail loss probe is new text if the window lets it, whatever cwnd says; else
 * the end of what was sent, once more. */
static bool plan_tail(const struct tg_tcb *tcb, struct plan *p)
{
	int32_t unsent = tg_seq_diff(tcb->tx_end, tcb->snd.nxt);
	int32_t wnd = tg_seq_diff(window_end(tcb), tcb->snd.nxt);
	uint32_t mss = tg_tx_size(tcb);
	tg_seq end;

	if (!tcb->rack.tlp_due || tcb->persist || wnd < 0)
		return false;
	*p = (struct plan){.kind = PLAN_TAIL, .seq = tcb->snd.nxt};
	if (unsent > 0 && wnd > 0) {
		p->len = min32(min32((uint32_t)unsent, (uint32_t)wnd), mss);
		p->fin = tcb->fin_queued && p->len == (uint32_t)unsent && (uint32_t)wnd > p->len;
		return true;
	}
	end = tg_seq_min(tcb->snd.nxt, tcb->tx_end);
	p->len = min32((uint32_t)tg_seq_diff(end, tcb->snd.una), mss);
	p->fin = tcb->fin_sent;
	p->seq = tg_seq_sub(end, p->len);
	return p->len > 0 || p->fin;
}

/* Of len bytes that window and cwnd allow, how many may go: Nagle and the sender's side of silly
 * window avoidance (RFC 9293 3.7.4, 3.8.6.2.1; DT-27, DT-28). unsent: all that is queued. */
static uint32_t worth_sending(const struct tg_tcb *tcb, uint32_t len, uint32_t unsent,
			      uint32_t max_text)
{
	uint32_t mss = tg_tx_size(tcb);
	bool whole = len == unsent;
	bool now = tcb->conf->nodelay || tcb->fin_queued || tg_data_flight(tcb) == 0;

	if (len >= mss) {
		uint32_t most = min32(len, mss * max_text), tail = most % mss;

		/* A short tail goes with what precedes it only if it would go after it too. */
		if (tail && !(whole && most == len && (tcb->conf->nodelay || tcb->fin_queued)))
			most -= tail;
		return most;
	}
	if (!now)
		return 0;
	return whole || len >= tcb->snd.max_wnd / 2 ? len : 0;
}

static bool plan_new(const struct tg_tcb *tcb, uint32_t max_text, struct plan *p)
{
	bool fin = tcb->fin_queued && !tcb->fin_sent;
	int32_t unsent = tg_seq_diff(tcb->tx_end, tcb->snd.nxt);
	int32_t wnd = tg_seq_diff(window_end(tcb), tcb->snd.nxt);

	if ((unsent <= 0 && !fin) || wnd <= 0 || tcb->sent.lost > 0)
		return false;
	*p = (struct plan){.kind = PLAN_NEW, .seq = tcb->snd.nxt};
	if (unsent > 0) {
		uint32_t len = min32((uint32_t)unsent, (uint32_t)wnd);
		uint32_t pipe = tg_data_pipe(tcb), cwnd = tg_recovery_window(tcb);

		if (pipe >= cwnd)
			return false;
		len = min32(len, cwnd - pipe);
		p->len = worth_sending(tcb, len, (uint32_t)unsent, max_text);
		if (p->len == 0)
			return false;
	}
	p->fin = fin && p->len == (uint32_t)unsent && (uint32_t)wnd > p->len;
	return p->len > 0 || p->fin;
}

/* The persist timer fired. Window closed: one byte (or the FIN) at SND.UNA, which the peer may or
 * may not take (DT-24). Window small: what fits, whatever DT-27 says. */
static bool plan_probe(const struct tg_tcb *tcb, struct plan *p)
{
	int32_t unsent = tg_seq_diff(tcb->tx_end, tcb->snd.nxt);

	if (!tcb->probe_due || !tcb->persist)
		return false;
	*p = (struct plan){.kind = PLAN_PROBE, .seq = tcb->snd.una};
	if (tcb->snd.wnd == 0) {
		p->len = tg_seq_lt(tcb->snd.una, tcb->tx_end) ? 1 : 0;
		p->fin = p->len == 0 && tcb->fin_queued;
		return p->len > 0 || p->fin;
	}
	if (unsent <= 0 || tg_data_flight(tcb) > 0)
		return false;
	p->len = min32(min32((uint32_t)unsent, tcb->snd.wnd), tg_tx_size(tcb));
	return true;
}

static bool plan_syn(const struct tg_tcb *tcb, struct plan *p)
{
	*p = (struct plan){.kind = PLAN_SYN, .seq = tcb->snd.iss};
	return tg_seq_eq(tcb->rexmit_nxt, tcb->snd.iss);
}

bool tg_data_has_text(const struct tg_tcb *tcb, const struct tg_chunks *chunks)
{
	struct plan p;

	return plan_rexmit(tcb, chunks, &p) || plan_new(tcb, 1, &p);
}

/* Nothing to repeat, nothing unsent, no probe: the three plans of text would all say no. */
static bool is_all_sent(const struct tg_tcb *tcb)
{
	return !tg_data_is_waiting(tcb) && !tg_seq_lt(tcb->rexmit_nxt, tcb->snd.nxt) &&
	       tcb->sent.lost == 0 && !(tcb->probe_due | tcb->rack.tlp_due);
}

static bool plan_output(const struct tg_tcb *tcb, const struct tg_chunks *chunks, uint32_t max_text,
			struct plan *p)
{
	if (tcb->state >= TG_ESTABLISHED && is_all_sent(tcb)) {
		/* An ACK, if any. */
	} else if (tg_data_may_send(tcb)) {
		if (plan_rexmit(tcb, chunks, p) || plan_tail(tcb, p) ||
		    plan_new(tcb, max_text, p) || plan_probe(tcb, p))
			return true;
	} else if (tcb->state == TG_SYN_SENT || tcb->state == TG_SYN_RECEIVED) {
		if (plan_syn(tcb, p))
			return true;
	}
	*p = (struct plan){.kind = PLAN_ACK};
	return tcb->ack_now && may_ack(tcb);
}

bool tg_tcp_has_output(const struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	struct plan p;

	if (plan_output(tcb, env->chunks, 1, &p))
		return true;
	/* A FIN queued behind a closed window says nothing, but output must start its timer. */
	return tg_data_may_send(tcb) && tg_data_is_waiting(tcb) && tcb->deadline[TG_T_REXMIT] == 0;
}

/* --- and out it goes --- */

static void send_syn(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_seg *seg)
{
	tg_fill_syn(tcb, env, seg);
	tcb->rexmit_nxt = tg_seq_add(tcb->snd.iss, 1);
	if (tg_seq_eq(tcb->snd.nxt, tcb->snd.iss))
		tcb->snd.nxt = tcb->rexmit_nxt;
	if (tcb->tx.chunk_n == 0)
		tcb->tx_end = tcb->rexmit_nxt;
	if (tcb->deadline[TG_T_REXMIT] == 0)
		tcb->deadline[TG_T_REXMIT] = env->now_ms + tg_rto_ms(tcb);
}

/* An empty ACK of ours must stand where the peer's window is: with the window closed, a probe's
 * byte at SND.UNA may not have been taken, and SND.NXT would lie outside. */
static void send_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_seg *seg)
{
	tg_seq seq = tcb->persist && tcb->snd.wnd == 0 ? tcb->snd.una : tcb->snd.nxt;

	tg_fill(tcb, seq, 0, env, seg);
}

/* EST-11: text and options together are at most SendMSS, so SACK blocks give way to text. */
static void fit_sack(const struct tg_tcb *tcb, struct tg_seg *seg)
{
	uint32_t used = seg->len + (seg->opts.has_ts ? 12u : 0u);

	while (seg->opts.sack_n > 0 && used + 4u + 8u * seg->opts.sack_n > tcb->snd.mss)
		seg->opts.sack_n--;
}

static void count_rexmit(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tcb->rexmits++;
	tcb->resent_ms = env->now_ms;
	tg_ctr_inc(env->ctr, TG_CTR_rexmit);
	if (tcb->recovery)
		tg_ctr_inc(env->ctr, TG_CTR_rexmit_fast);
}

/* The block after p was sent up to end. */
static void note_sent(struct tg_tcb *tcb, const struct plan *p, tg_seq end,
		      const struct tg_tcp_env *env)
{
	bool is_new = tg_seq_gt(end, tcb->snd.nxt);

	tg_recovery_sent(tcb, p->seq, end, env);
	if (p->kind == PLAN_REXMIT) {
		count_rexmit(tcb, env);
		/* RFC 6675 6: what stands at SND.UNA has a whole timeout to be acknowledged. */
		if (tcb->recovery && !tcb->rack.plain && tg_seq_eq(p->seq, tcb->snd.una))
			tcb->deadline[TG_T_REXMIT] = 0;
		/* One segment in fast recovery; all, one after another, otherwise. */
		if (tg_seq_lt(tcb->rexmit_nxt, tcb->snd.nxt))
			tcb->rexmit_nxt = tcb->recovery ? tcb->snd.nxt : end;
		tcb->rtt_start_ns = 0; /* Karn */
	} else if (p->kind == PLAN_TAIL && !is_new) {
		count_rexmit(tcb, env);
		tcb->rtt_start_ns = 0;
	} else if (p->kind == PLAN_PROBE) {
		tcb->probe_due = false;
		if (!is_new)
			tcb->resent_ms = env->now_ms;
		if (tcb->snd.wnd == 0)
			tg_ctr_inc(env->ctr, TG_CTR_persist_probe);
	}
	if (is_new) {
		if (p->kind == PLAN_NEW && !tcb->ts_on && tcb->rtt_start_ns == 0) {
			tcb->rtt_start_ns = env->now_ns;
			tcb->rtt_seq = p->seq;
		}
		if (!tg_seq_lt(tcb->rexmit_nxt, tcb->snd.nxt))
			tcb->rexmit_nxt = end;
		tcb->snd.nxt = end;
	}
	if (p->fin)
		tcb->fin_sent = true;
	if (p->kind == PLAN_TAIL)
		tg_rack_probed(tcb, !is_new, env);
	else if (is_new && tcb->sack_on)
		tg_rack_disarm(tcb); /* RFC 8985 7.2: starts anew */
	tcb->sent_ms = env->now_ms;
}

static void send_text(struct tg_tcb *tcb, const struct plan *p, const struct tg_tcp_env *env,
		      struct tg_seg *seg)
{
	tg_seq text_end = tg_seq_add(p->seq, p->len);
	uint8_t ctl = p->fin ? TG_TCP_FIN : 0;

	if (p->len > 0 && tg_seq_eq(text_end, tcb->tx_push))
		ctl |= TG_TCP_PSH;              /* DT-29 */
	if (tcb->persist && tcb->snd.wnd > 0) { /* the override timer has done its work */
		tcb->persist = tcb->probe_due = false;
		tcb->deadline[TG_T_REXMIT] = 0;
	}
	tg_fill(tcb, p->seq, ctl, env, seg);
	seg->len = p->len;
	seg->text = NULL;
	if (p->len > 0)
		fit_sack(tcb, seg);
	if (tcb->ecn_on &&
	    (p->kind == PLAN_NEW || (p->kind == PLAN_TAIL && tg_seq_eq(p->seq, tcb->snd.nxt))))
		tg_ecn_mark(tcb, seg);
	if (p->len > 0)
		tg_pmtu_sent(tcb, text_end, p->len, tg_seq_lt(p->seq, tcb->snd.nxt));
	note_sent(tcb, p, tg_seq_add(text_end, p->fin ? 1 : 0), env);
	tg_tx_settle(tcb, env);
}

bool tg_tcp_output(struct tg_tcb *tcb, const struct tg_tcp_env *env, uint32_t max_text,
		   struct tg_seg *seg)
{
	struct plan p;

	assert(max_text > 0);
	if (tg_data_may_send(tcb) && tg_data_flight(tcb) == 0 &&
	    tg_seq_lt(tcb->snd.nxt, tcb->tx_end))
		tg_cc_idle(tcb, env->now_ms);
	if (!plan_output(tcb, env->chunks, max_text, &p)) {
		tg_tx_settle(tcb, env);
		return false;
	}
	switch (p.kind) {
	case PLAN_SYN:
		send_syn(tcb, env, seg);
		break;
	case PLAN_REXMIT:
	case PLAN_NEW:
	case PLAN_TAIL:
	case PLAN_PROBE:
		send_text(tcb, &p, env, seg);
		break;
	case PLAN_ACK:
		send_ack(tcb, env, seg);
		break;
	case PLAN_NONE:
		return false;
	}
	return true;
}

/* --- the block --- */

void tg_tcb_release(struct tg_tcb *tcb, struct tg_chunks *chunks)
{
	tg_span_free(&tcb->tx, chunks);
	tg_span_free(&tcb->rx, chunks);
	tg_sent_fini(&tcb->sent, chunks);
	if (tcb->ooo_n > 0)
		tg_chunks_free(chunks, tcb->ooo);
	tcb->ooo = TG_NONE;
	tcb->ooo_n = 0;
}
