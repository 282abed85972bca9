/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.c: a packet of a flow: what had arrived before it is delivered, its sender's end is told
 * that it was sent, it becomes a step, and waits until it is known to have arrived. */
#include "flow_int.h"

#include <string.h>

static uint64_t ms_of(uint64_t ns)
{
	return (ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
}

enum tg_tcp_state flow_state(const struct tg_flow *flow, uint32_t side)
{
	return tg_end_state(&flow->end[side], ms_of(flow->clock_ns));
}

static void watch(const struct tg_flow *flow, uint64_t number, bool arrived, uint32_t side)
{
	if (flow->all->watch)
		flow->all->watch(flow->all->watch_ctx, number, arrived, flow_state(flow, side));
}

/* --- arrivals --- */

/* A row of its own, where its time is; false: the receiver has said nothing between, so that the
 * row of its sending will do. */
static bool add_arrival(struct tg_flow *flow, uint32_t x, const struct pending *p,
			const struct flow_step *sent, uint64_t time_ns)
{
	uint32_t from = (uint32_t)(sent - flow->steps), at = from + 1;
	struct flow_step s = {.kind = TG_LADDER_ARRIVE,
			      .side = (uint8_t)x,
			      .of = p->step,
			      .time_ns = time_ns,
			      .number = p->number,
			      .ctl = sent->ctl};
	bool crossed = false;

	while (at < flow->steps_n && flow->steps[at].time_ns <= time_ns) {
		crossed = crossed ||
			  (flow->steps[at].side == x && flow->steps[at].kind != TG_LADDER_ARRIVE);
		at++;
	}
	if (!crossed)
		return false;
	s.state[x] = (uint8_t)flow_state(flow, x);
	return step_insert(flow, &s, at);
}

static bool says_more(enum tg_tcp_state before, enum tg_tcp_state after, const struct pending *p)
{
	return before != after || (p->seg.ctl & (TG_TCP_SYN | TG_TCP_FIN | TG_TCP_RST));
}

/* The end where SYN met nothing before: what it was is known now. */
static void note_begin(struct tg_flow *flow, uint32_t x, const struct tg_end_arrival *how)
{
	if (flow->begin_known[x])
		return;
	flow->begin_known[x] = true;
	flow->begin[x] = how->answered ? TG_LISTEN : TG_CLOSED;
}

void flow_deliver(struct tg_flow *flow, uint32_t x, const struct pending *p,
		  const struct tg_end_arrival *how, uint64_t time_ns)
{
	struct tg_end *e = &flow->end[x];
	enum tg_tcp_state before = tg_end_state(e, ms_of(time_ns)), after;
	struct flow_step *s;
	enum tg_ctr verdict;

	if (e->phase == TG_END_NONE && (how->answered || how->refused))
		note_begin(flow, x, how);
	verdict = tg_end_arrives(e, &flow->tuple[x], &p->seg, how, time_ns, &flow->all->world);
	after = flow_state(flow, x);
	facts_arrived(flow, x, before, p);
	watch(flow, p->number, true, x);
	s = step_find(flow, p->step);
	if (!s)
		return;
	if (before != 0 && before != TG_LISTEN && before != TG_CLOSED)
		s->verdict = (uint16_t)verdict;
	s->kind = TG_LADDER_PASS;
	if (says_more(before, after, p) && add_arrival(flow, x, p, s, time_ns)) {
		s = step_find(flow, p->step);
		if (s)
			s->kind = TG_LADDER_SEND;
		return;
	}
	s->state[x] = (uint8_t)after;
}

void flow_lose(struct tg_flow *flow, uint32_t x, const struct pending *p)
{
	struct flow_step *s = step_find(flow, p->step);

	flow->facts.lost[!x]++;
	if (s)
		s->kind = TG_LADDER_LOST;
}

/* --- at the end --- */

/* Numbers that were sent more than once, and nothing came of it. */
static bool is_given_up(const struct tg_flow *flow, uint32_t x, uint32_t i)
{
	const struct pending *p = &flow->pend[x][i];

	if (tg_seg_len(&p->seg) == 0 || !p->news)
		return false;
	if (flow->end[x].phase == TG_END_NONE && (p->seg.ctl & TG_TCP_SYN))
		return true;
	if (p->doubt)
		return true;
	for (uint32_t j = 0; j < flow->pend_n[x]; j++) {
		const struct pending *o = &flow->pend[x][j];

		if (j != i && tg_seq_eq(o->seg.seq, p->seg.seq) && tg_seg_len(&o->seg) > 0)
			return true;
	}
	return false;
}

void flow_settle(struct tg_flow *flow)
{
	const struct tg_end_arrival how = {0};

	for (uint32_t x = 0; x < 2; x++) {
		for (uint32_t i = 0; i < flow->pend_n[x]; i++) {
			const struct pending *p = &flow->pend[x][i];
			struct flow_step *s;

			if (!is_given_up(flow, x, i)) {
				uint64_t rtt = flow->rtt_ns[x];

				flow_deliver(flow, x, p, &how,
					     p->time_ns + (rtt == UINT64_MAX ? 0 : rtt / 2));
				continue;
			}
			s = step_find(flow, p->step);
			if (s) {
				s->notes |= NOTE_UNANSWERED;
				s->kind = TG_LADDER_SEND;
			}
		}
		flow->pend_n[x] = 0;
	}
}

/* --- a connection begins, again or in the middle --- */

bool flow_is_over(const struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	const struct tg_end *e = &flow->end[side], *o = &flow->end[!side];

	if ((seg->ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) != TG_TCP_SYN)
		return false;
	if (e->has_syn && tg_seq_eq(e->iss, seg->seq))
		return false;
	if (flow->facts.packets[0] + flow->facts.packets[1] == 0)
		return false;
	/* An end that waits for a last ACK, which is on its way, or that heard of its reset. */
	return (e->phase != TG_END_BLOCK || e->tcb.state == TG_LAST_ACK ||
		(flow->facts.rst[!side] && flow->pend_n[side] > 0)) &&
	       (o->phase != TG_END_BLOCK || o->tcb.state == TG_LAST_ACK);
}

static void set_base(struct tg_flow *flow, uint32_t side, tg_seq at)
{
	if (flow->base_known[side] && !tg_seq_eq(flow->base[side], at)) {
		flow->base_old[side] = flow->base[side];
		flow->base_old_known[side] = true;
	}
	flow->base[side] = at;
	flow->base_known[side] = true;
}

/* The first packet is none that opens: both ends are put where they must have been. */
static void begin_middle(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg,
			 uint64_t time_ns)
{
	uint32_t x = !side;
	struct tg_end *e = &flow->end[side], *o = &flow->end[x];

	if ((seg->ctl & TG_TCP_RST) || !(seg->ctl & TG_TCP_ACK)) {
		flow->facts.begins_rst = (seg->ctl & TG_TCP_RST) != 0;
		flow->facts.middle = true;
		return;
	}
	flow->facts.middle = true;
	if (seg->ctl & TG_TCP_SYN) {
		struct tg_seg syn = {.seq = tg_seq_sub(seg->ack, 1), .ctl = TG_TCP_SYN};

		syn.opts = seg->opts;
		syn.opts.sack_n = 0;
		syn.opts.tsval = seg->opts.tsecr;
		tg_end_sends(o, e, &flow->tuple[x], &syn, time_ns, &flow->all->world);
		o->wnd_known = false;
		e->listens = true;
		set_base(flow, x, syn.seq);
		return;
	}
	tg_end_begin(e, seg->seq, true, seg->ack);
	tg_end_begin(o, seg->ack, false, seg->seq);
	set_base(flow, side, tg_seq_sub(seg->seq, 1));
	set_base(flow, x, tg_seq_sub(seg->ack, 1));
}

static void note_bases(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	if ((seg->ctl & TG_TCP_SYN) && !(seg->ctl & TG_TCP_RST))
		set_base(flow, side, seg->seq);
	else if (!flow->base_known[side])
		set_base(flow, side, tg_seq_sub(seg->seq, 1));
	if ((seg->ctl & TG_TCP_ACK) && !flow->base_known[!side])
		set_base(flow, !side, tg_seq_sub(seg->ack, 1));
}

/* --- steps --- */

/* Who opens anew is answered by the numbers of before: counted from the nearer one. */
static uint32_t relative(const struct tg_flow *flow, uint32_t side, tg_seq at)
{
	uint32_t n = at.v - flow->base[side].v, old = at.v - flow->base_old[side].v;

	return flow->base_old_known[side] && old < n ? old : n;
}

static void take_options(struct flow_step *s, const struct tg_flow *flow, uint32_t side,
			 const struct tg_tcp_opts *o)
{
	s->has_mss = o->has_mss;
	s->mss = o->mss;
	s->has_wscale = o->has_wscale;
	s->wscale = o->wscale;
	s->has_sack_perm = o->has_sack_perm;
	s->has_ts = o->has_ts;
	s->tsval = o->tsval;
	s->tsecr = o->tsecr;
	s->sack_n = o->sack_n;
	if (o->sack_n) {
		s->sack_l = relative(flow, !side, o->sack[0].left);
		s->sack_r = relative(flow, !side, o->sack[0].right);
	}
}

static struct flow_step step_of(struct tg_flow *flow, uint32_t side, uint64_t time_ns,
				uint64_t number, const struct tg_seg *seg)
{
	struct flow_step s = {.kind = TG_LADDER_PASS,
			      .side = (uint8_t)side,
			      .time_ns = time_ns,
			      .number = number,
			      .id = flow->next_id++,
			      .ctl = seg->ctl,
			      .len = seg->len,
			      .up = seg->up};
	const struct tg_end *e = &flow->end[side];
	bool scaled = !(seg->ctl & TG_TCP_SYN) && e->phase == TG_END_BLOCK && e->tcb.ws_on;

	s.seq = relative(flow, side, seg->seq);
	s.ack = relative(flow, !side, seg->ack);
	if ((seg->ctl & TG_TCP_RST) && seg->seq.v == 0)
		s.seq = 0;
	s.wnd = (uint32_t)seg->wnd << (scaled ? e->scale : 0);
	take_options(&s, flow, side, &seg->opts);
	return s;
}

/* States that text and ACKs alone do not change. */
static bool is_steady(enum tg_tcp_state s)
{
	return s == TG_ESTABLISHED || s == TG_CLOSE_WAIT || s == TG_FIN_WAIT_2;
}

static bool is_plain(const struct tg_flow *flow, uint32_t side, const struct flow_step *s,
		     enum tg_tcp_state before)
{
	return (s->ctl & ~(TG_TCP_PSH | TG_TCP_ACK)) == 0 && !s->odd &&
	       (s->notes & ~(uint32_t)NOTE_HALF) == 0 && before == flow_state(flow, side) &&
	       is_steady(before) && is_steady(flow_state(flow, !side));
}

/* Full: the oldest is taken to have arrived. */
static void push_pending(struct tg_flow *flow, uint32_t x, const struct pending *p)
{
	struct pending *list = flow->pend[x];

	if (flow->pend_n[x] == PEND_MAX) {
		struct pending first = list[0];
		const struct tg_end_arrival how = {0};

		memmove(list, list + 1, (PEND_MAX - 1) * sizeof(*list));
		flow->pend_n[x]--;
		flow_deliver(flow, x, &first, &how, first.time_ns);
	}
	list[flow->pend_n[x]++] = *p;
}

/* The opener before its SYN, or the listener whose SYN was not seen. */
static void note_first(struct tg_flow *flow, uint32_t side)
{
	if (flow->begin_known[side])
		return;
	flow->begin_known[side] = true;
	flow->begin[side] = (uint8_t)flow_state(flow, side);
	if (flow->begin[side] == 0)
		flow->begin[side] = TG_CLOSED;
}

static uint64_t clock_of(struct tg_flow *flow, uint64_t time_ns, uint32_t *notes)
{
	if (time_ns < flow->clock_ns) {
		*notes |= NOTE_BACK;
		flow->facts.back++;
	} else {
		flow->clock_ns = time_ns;
	}
	return flow->clock_ns;
}

bool flow_packet(struct tg_flow *flow, uint32_t side, uint64_t time_ns, uint64_t number,
		 const struct tg_dissected *d)
{
	const struct tg_seg *seg = &d->seg;
	struct tg_end *e = &flow->end[side], *o = &flow->end[!side];
	bool first = flow->facts.packets[0] + flow->facts.packets[1] == 0;
	uint32_t notes = 0;
	uint64_t now = clock_of(flow, time_ns, &notes);
	enum tg_tcp_state before;
	struct pending p;
	struct flow_step s;

	if (first)
		flow->first_ns = now;
	flow->last_ns = now;
	if (first && (seg->ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) != TG_TCP_SYN)
		begin_middle(flow, side, seg, now);
	fate_decide(flow, side, seg, now);
	note_first(flow, side);
	if (flow->facts.middle)
		note_first(flow, !side);
	note_bases(flow, side, seg);
	before = flow_state(flow, side);
	notes |= facts_sent(flow, side, now, d);
	p = (struct pending){.seg = *seg, .time_ns = now, .number = number};
	p.news = !flow->acked_known[!side] ||
		 tg_seq_gt(tg_seq_add(seg->seq, tg_seg_len(seg)), flow->acked[!side]) ||
		 (seg->ctl & TG_TCP_SYN);
	s = step_of(flow, side, time_ns, number, seg);
	s.odd = (uint8_t)tg_end_sends(e, o, &flow->tuple[side], seg, now, &flow->all->world);
	if (first && flow->facts.middle)
		s.odd = TG_ODD_NONE;
	if (!(seg->ctl & TG_TCP_SYN) && e->phase == TG_END_BLOCK && e->tcb.ws_on)
		s.wnd = (uint32_t)seg->wnd << e->scale;
	facts_after(flow, side, before, (enum tg_end_odd)s.odd, seg, now);
	watch(flow, number, false, side);
	s.notes = notes;
	s.state[0] = (uint8_t)flow_state(flow, 0);
	s.state[1] = (uint8_t)flow_state(flow, 1);
	s.plain = is_plain(flow, side, &s, before);
	p.step = s.id;
	if (!step_add(flow, &s))
		return false;
	push_pending(flow, !side, &p);
	if ((seg->ctl & TG_TCP_ACK) && !(seg->ctl & TG_TCP_RST)) {
		if (!flow->acked_known[side] || tg_seq_gt(seg->ack, flow->acked[side]))
			flow->acked[side] = seg->ack;
		flow->acked_known[side] = true;
	}
	return true;
}
