/* SPDX-License-Identifier: BSD-3-Clause */
/* fate.c: when, and whether, a packet arrived. A capture shows packets where it was made, not where
 * they went to. What an end sends tells what it had received: its ACK field for what has numbers,
 * a repetition for an ACK that it did not get, the echo of a timestamp. Where nothing tells, time
 * does: no answer comes sooner than the quickest so far. */
#include "flow_int.h"

#include <string.h>

enum { WAIT = 0, WAIT_LONG, TAKE, TAKE_REFUSED, LOSE };

enum {
	TEXT_PATIENCE_NS = 100000000,  /* who sends text again has waited for a late ACK, too */
	FIRST_PATIENCE_NS = 500000000, /* before any answer has told how long one takes */
	JITTER_NS = 1000000,
};

struct look {
	struct tg_flow *flow;
	uint32_t side;
	const struct tg_end *e;
	const struct tg_seg *q;
	uint64_t time_ns;
};

/* An answer to p could not be here yet. */
static bool is_young(const struct look *l, const struct pending *p)
{
	uint64_t rtt = l->flow->rtt_ns[l->side];

	return rtt != UINT64_MAX && l->time_ns < p->time_ns + rtt;
}

static uint8_t by_time(const struct look *l, const struct pending *p)
{
	return is_young(l, p) ? WAIT : TAKE;
}

static uint64_t age_of(const struct look *l, const struct pending *p)
{
	return l->time_ns - p->time_ns;
}

/* It was not there yet, or, if an answer would have come long ago, never. */
static uint8_t not_by_now(const struct look *l, const struct pending *p)
{
	uint64_t rtt = l->flow->rtt_ns[l->side];
	uint64_t patience = rtt == UINT64_MAX ? FIRST_PATIENCE_NS : rtt + rtt / 4 + JITTER_NS;

	return age_of(l, p) <= patience ? WAIT_LONG : LOSE;
}

static tg_seq end_of(const struct tg_seg *seg)
{
	return tg_seq_add(seg->seq, tg_seg_len(seg));
}

static bool is_syn_only(const struct tg_seg *seg)
{
	return (seg->ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) == TG_TCP_SYN;
}

static bool is_state(const struct tg_end *e, enum tg_tcp_state s)
{
	return e->phase == TG_END_BLOCK && e->tcb.state == s;
}

/* Before a SYN: of a first one nothing that a listener or opener would answer had come. */
static uint8_t before_syn(const struct look *l, const struct pending *p)
{
	bool again =
	    l->e->has_syn && tg_seq_eq(l->e->iss, l->q->seq) && is_state(l->e, TG_SYN_SENT);

	if (p->seg.ctl & TG_TCP_SYN) {
		if (!again && is_syn_only(&p->seg))
			return WAIT_LONG;
		return not_by_now(l, p);
	}
	return by_time(l, p);
}

/* RST,ACK: numbered 0 it answers what had no ACK (3.10.7.1); else it is an abort, and tells what
 * had come as any ACK does. */
static uint8_t before_rst_ack(const struct look *l, const struct pending *p)
{
	bool answers = l->q->seq.v == 0;

	if (answers && (p->seg.ctl & TG_TCP_ACK))
		return l->flow->rtt_ns[l->side] == UINT64_MAX ? WAIT : by_time(l, p);
	if (tg_seg_len(&p->seg) == 0 || !p->news || (p->seg.ctl & TG_TCP_RST))
		return by_time(l, p);
	if ((p->seg.ctl & TG_TCP_SYN) && is_state(l->e, TG_SYN_RECEIVED))
		return by_time(l, p);
	return tg_seq_ge(l->q->ack, end_of(&p->seg)) ? TAKE : WAIT_LONG;
}

static uint8_t before_rst(const struct look *l, const struct pending *p)
{
	if (l->q->ctl & TG_TCP_ACK)
		return before_rst_ack(l, p);
	if ((p->seg.ctl & TG_TCP_ACK) && tg_seq_eq(p->seg.ack, l->q->seq) &&
	    !(p->seg.ctl & TG_TCP_RST))
		return is_young(l, p) ? WAIT : TAKE_REFUSED;
	return by_time(l, p);
}

static bool is_sacked(const struct tg_seg *q, const struct tg_seg *p)
{
	for (uint32_t i = 0; i < q->opts.sack_n; i++)
		if (tg_seq_le(q->opts.sack[i].left, p->seq) &&
		    tg_seq_ge(q->opts.sack[i].right, tg_seq_add(p->seq, p->len)))
			return true;
	return false;
}

static bool echoes_later(const struct look *l, const struct pending *p)
{
	return l->q->opts.has_ts && p->seg.opts.has_ts && (l->q->ctl & TG_TCP_ACK) &&
	       (int32_t)(l->q->opts.tsecr - p->seg.opts.tsval) > 0;
}

/* What p acknowledged leaves again. */
static bool is_asked_again(const struct look *l, const struct pending *p)
{
	const struct tg_seg *q = l->q;

	if (tg_seg_len(q) == 0 || (p->seg.ctl & TG_TCP_RST) || !(p->seg.ctl & TG_TCP_ACK) ||
	    !l->e->nxt_known || tg_seq_gt(end_of(q), l->e->nxt))
		return false;
	if (q->len == 1 && tg_seq_eq(q->seq, tg_seq_sub(l->e->nxt, 1)))
		return false; /* a keepalive, maybe */
	return tg_seq_lt(q->seq, p->seg.ack);
}

/* p would have set TS.Recent (RFC 7323 4.3), and q echoes an older one. */
static bool echoes_older(const struct look *l, const struct pending *p)
{
	const struct tg_end *e = l->e;

	return e->phase == TG_END_BLOCK && e->tcb.state >= TG_ESTABLISHED && e->tcb.ts_on &&
	       l->q->opts.has_ts && p->seg.opts.has_ts && (l->q->ctl & TG_TCP_ACK) &&
	       tg_seq_eq(p->seg.seq, e->tcb.rcv.nxt) && tg_seq_eq(p->seg.seq, l->q->ack) &&
	       tg_seq_eq(p->seg.seq, e->tcb.rcv.last_ack) &&
	       (int32_t)(l->q->opts.tsecr - p->seg.opts.tsval) < 0;
}

/* An ACK alone: missed when the end goes on asking for it. */
static uint8_t by_repetition(const struct look *l, const struct pending *p)
{
	if ((l->q->ctl & TG_TCP_SYN) && is_state(l->e, TG_SYN_RECEIVED))
		return not_by_now(l, p);
	if (is_asked_again(l, p) || echoes_older(l, p))
		return not_by_now(l, p);
	if (echoes_later(l, p))
		return TAKE;
	return by_time(l, p);
}

/* Above a hole: it came, when about now an ACK says again what is missing. */
static bool drew_duplicate(const struct look *l, const struct pending *p)
{
	uint64_t rtt = l->flow->rtt_ns[l->side], age = age_of(l, p);

	return tg_seq_gt(p->seg.seq, l->q->ack) && tg_seg_len(l->q) == 0 &&
	       l->flow->acked_known[l->side] && tg_seq_eq(l->q->ack, l->flow->acked[l->side]) &&
	       rtt != UINT64_MAX && age >= rtt && age <= rtt + rtt / 4 + JITTER_NS;
}

/* p has numbers, and q an ACK. */
static uint8_t by_ack(const struct look *l, struct pending *p)
{
	if (!p->news)
		return by_time(l, p);
	if ((p->seg.ctl & TG_TCP_SYN) && (p->seg.ctl & TG_TCP_ACK) && (l->q->ctl & TG_TCP_SYN))
		return not_by_now(l, p); /* simultaneous open: it would not ask any more */
	if ((p->seg.ctl & TG_TCP_SYN) && is_state(l->e, TG_SYN_RECEIVED))
		return by_time(l, p); /* the SYN in it came before */
	if (is_syn_only(&p->seg) && l->e->phase == TG_END_BLOCK &&
	    l->e->tcb.state >= TG_ESTABLISHED)
		return by_time(l, p); /* over an old connection: its ACK speaks of that one */
	if (tg_seq_ge(l->q->ack, end_of(&p->seg)))
		return TAKE;
	if (p->seg.len > 0 && is_sacked(l->q, &p->seg))
		return TAKE;
	if (is_syn_only(&p->seg) && (l->e->phase != TG_END_NONE))
		return by_time(l, p);
	if (l->q->wnd == 0 || (l->flow->wnd_known[l->side] && l->flow->last_wnd[l->side] == 0))
		return by_time(l, p); /* a probe: it came, and was not taken */
	if (drew_duplicate(l, p))
		return TAKE;
	if (tg_seq_le(p->seg.seq, l->q->ack) && !is_young(l, p))
		p->doubt = true;
	return WAIT_LONG;
}

/* After a RST that ends its connection an end says no more. */
static uint8_t by_silence(const struct look *l, const struct pending *p)
{
	const struct tg_end *e = l->e;

	if (!(l->q->ctl & TG_TCP_SYN) && e->phase == TG_END_BLOCK &&
	    e->tcb.state >= TG_ESTABLISHED && tg_seq_eq(p->seg.seq, l->q->ack))
		return not_by_now(l, p);
	return by_time(l, p);
}

static uint8_t fate_of(const struct look *l, struct pending *p)
{
	if (is_syn_only(l->q))
		return before_syn(l, p);
	if (l->q->ctl & TG_TCP_RST)
		return before_rst(l, p);
	if (!(l->q->ctl & TG_TCP_ACK))
		return by_time(l, p);
	if (p->seg.ctl & TG_TCP_RST)
		return by_silence(l, p);
	if (tg_seg_len(&p->seg) > 0)
		return by_ack(l, p);
	return by_repetition(l, p);
}

/* b says all that a said, and maybe more. */
static bool is_copy(const struct pending *a, const struct pending *b)
{
	return tg_seg_len(&a->seg) > 0 && tg_seq_le(b->seg.seq, a->seg.seq) &&
	       tg_seq_ge(end_of(&b->seg), end_of(&a->seg)) &&
	       (a->seg.ctl & TG_TCP_SYN) == (b->seg.ctl & TG_TCP_SYN) &&
	       (!(a->seg.ctl & TG_TCP_SYN) ||
		(a->seg.ctl & TG_TCP_ACK) == (b->seg.ctl & TG_TCP_ACK));
}

/* An answer to the first of two copies comes about now. */
static bool is_timely(const struct look *l, const struct pending *first, const struct pending *copy)
{
	uint64_t rtt = l->flow->rtt_ns[l->side];

	if (rtt == UINT64_MAX)
		return copy->time_ns - first->time_ns < l->time_ns - copy->time_ns;
	return l->time_ns - first->time_ns <= rtt + rtt / 4 + JITTER_NS;
}

/* Of the copies of one SYN or FIN the echo of a timestamp names one; else it is the last that was
 * old enough, since such a segment is answered at once: the ones before it were lost. Text may be
 * acknowledged late, so only a long silence says so. */
static void judge_copies(const struct look *l, struct pending *p, uint32_t n, uint32_t i)
{
	bool at_once = (p[i].seg.ctl & (TG_TCP_SYN | TG_TCP_FIN)) != 0;

	for (uint32_t j = i + 1; j < n; j++) {
		bool named;

		if (!is_copy(&p[i], &p[j]) || p[j].fate < TAKE || p[j].fate == LOSE)
			continue;
		named = l->q->opts.has_ts && p[i].seg.opts.has_ts &&
			p[i].seg.opts.tsval != p[j].seg.opts.tsval &&
			l->q->opts.tsecr == p[i].seg.opts.tsval;
		if (p[i].doubt)
			p[i].fate = LOSE;
		else if (p[j].fate == TAKE &&
			 (named || is_young(l, &p[j]) || is_timely(l, &p[i], &p[j])))
			p[j].fate = WAIT;
		else if (at_once || p[j].time_ns - p[i].time_ns >
					TEXT_PATIENCE_NS + (l->flow->rtt_ns[l->side] != UINT64_MAX
								? l->flow->rtt_ns[l->side]
								: 0))
			p[i].fate = LOSE;
	}
}

/* What waits for want of time alone came before what is known to have come behind it. */
static void keep_order(struct pending *p, uint32_t n)
{
	bool later = false;

	for (uint32_t i = n; i-- > 0;) {
		if (p[i].fate == WAIT && later && tg_seg_len(&p[i].seg) == 0)
			p[i].fate = TAKE;
		later = later || p[i].fate == TAKE || p[i].fate == TAKE_REFUSED;
	}
}

/* How far from the usual time of an answer that of q to p is. */
static uint64_t distance(const struct look *l, const struct pending *p)
{
	uint64_t rtt = l->flow->rtt_ns[l->side], age = age_of(l, p);

	if (rtt == UINT64_MAX)
		return age;
	return age > rtt ? age - rtt : rtt - age;
}

/* Of those that fit one drew the RST: what came about the usual time before, and text sooner than
 * an ACK. Those behind it may draw one each. */
static void one_refusal(const struct look *l, struct pending *p, uint32_t n)
{
	uint32_t best = n;

	for (uint32_t i = 0; i < n; i++) {
		if (p[i].fate != TAKE_REFUSED)
			continue;
		if (best == n || distance(l, &p[i]) < distance(l, &p[best]) ||
		    (distance(l, &p[i]) == distance(l, &p[best]) && p[best].seg.len == 0 &&
		     p[i].seg.len > 0))
			best = i;
	}
	for (uint32_t i = 0; i < n; i++)
		if (p[i].fate == TAKE_REFUSED && i != best)
			p[i].fate = i < best ? TAKE : WAIT_LONG;
}

static void measure(const struct look *l, const struct pending *p)
{
	uint64_t *rtt = &l->flow->rtt_ns[l->side];

	if (p->fate == TAKE && p->news && (l->q->ctl & TG_TCP_ACK) && !(l->q->ctl & TG_TCP_RST) &&
	    tg_seq_eq(l->q->ack, end_of(&p->seg)) && l->time_ns - p->time_ns < *rtt)
		*rtt = l->time_ns - p->time_ns;
}

static void apply(const struct look *l, const struct pending *p)
{
	const struct tg_seg *q = l->q;
	struct tg_end_arrival how = {.refused = p->fate == TAKE_REFUSED};
	uint64_t rtt = l->flow->rtt_ns[l->side], at = p->time_ns;

	if (rtt != UINT64_MAX && rtt / 2 < l->time_ns - p->time_ns)
		at += rtt / 2;
	if (p->fate == LOSE) {
		flow_lose(l->flow, l->side, p);
		return;
	}
	how.answered =
	    is_syn_only(&p->seg) &&
	    (q->ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) == (TG_TCP_SYN | TG_TCP_ACK) &&
	    tg_seq_ge(q->ack, tg_seq_add(p->seg.seq, 1)) && tg_seq_le(q->ack, end_of(&p->seg));
	if (is_syn_only(&p->seg) && (q->ctl & TG_TCP_RST))
		how.refused = true;
	flow_deliver(l->flow, l->side, p, &how, at);
}

static void judge(const struct look *l, struct pending *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i].fate = fate_of(l, &p[i]);
	one_refusal(l, p, n);
	for (uint32_t i = 0; i < n; i++)
		if (p[i].fate == TAKE)
			judge_copies(l, p, n, i);
	keep_order(p, n);
}

/* The first answer tells how long one takes, and is then judged by that, too. */
static void learn_rtt(const struct look *l, const struct pending *p, uint32_t n)
{
	struct pending copy[PEND_MAX];

	if (l->flow->rtt_ns[l->side] != UINT64_MAX)
		return;
	memcpy(copy, p, n * sizeof(*p));
	judge(l, copy, n);
	for (uint32_t i = 0; i < n; i++)
		measure(l, &copy[i]);
}

void fate_decide(struct tg_flow *flow, uint32_t side, const struct tg_seg *q, uint64_t time_ns)
{
	struct look l = {
	    .flow = flow, .side = side, .e = &flow->end[side], .q = q, .time_ns = time_ns};
	struct pending *p = flow->pend[side];
	uint32_t n = flow->pend_n[side], left = 0;

	learn_rtt(&l, p, n);
	judge(&l, p, n);
	for (uint32_t i = 0; i < n; i++)
		measure(&l, &p[i]);
	for (uint32_t i = 0; i < n; i++)
		if (p[i].fate >= TAKE)
			apply(&l, &p[i]);
		else
			p[left++] = p[i];
	flow->pend_n[side] = left;
}
