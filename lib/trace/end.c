/* SPDX-License-Identifier: BSD-3-Clause */
/* end.c: an end of a captured connection, followed by lib/tcp. */
#include "tg_end.h"

enum {
	FEED_MAX = 65535,
	GAP_MAX = 4 << 20, /* a longer gap is stepped over, not filled */
	EDGE_MAX = TG_BUF_MAX,
	CHALLENGE_MS = 500,
	MTU = 1500,
	WSCALE_MAX = 14,
	DEFAULT_WND = 65535,
};

/* The text of any segment. */
static const uint8_t zeros[FEED_MAX + 1];

static struct tg_tcp_env env_at(struct tg_end_world *w, uint64_t now_ns)
{
	return (struct tg_tcp_env){
	    .now_ns = now_ns,
	    .now_ms = (now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS,
	    .secret = &w->secret,
	    .ctr = &w->ctr,
	    .chunks = &w->chunks,
	    .rng = &w->rng,
	    .challenge_ms = CHALLENGE_MS,
	    .msl_ms = w->msl_ms,
	    .mtu = MTU,
	};
}

void tg_end_init(struct tg_end *e)
{
	*e = (struct tg_end){.phase = TG_END_NONE};
}

static void drop_block(struct tg_end *e, struct tg_end_world *w)
{
	if (e->phase == TG_END_BLOCK)
		tg_tcb_release(&e->tcb, &w->chunks);
	e->phase = TG_END_NONE;
}

void tg_end_fini(struct tg_end *e, struct tg_end_world *w)
{
	drop_block(e, w);
}

enum tg_tcp_state tg_end_state(const struct tg_end *e, uint64_t now_ms)
{
	switch (e->phase) {
	case TG_END_BLOCK:
		return (enum tg_tcp_state)e->tcb.state;
	case TG_END_RECORD:
		return now_ms < e->tw_end_ms ? TG_TIME_WAIT : TG_CLOSED;
	case TG_END_NONE:
		break;
	}
	if (e->listens)
		return TG_LISTEN;
	return e->seen ? TG_CLOSED : 0;
}

static bool is_block(const struct tg_end *e, enum tg_tcp_state s)
{
	return e->phase == TG_END_BLOCK && e->tcb.state == s;
}

/* What an end with those options on its SYN could agree to. SACK is left out: what it would guide
 * is the sending of text, which this block does not do. */
static void set_conf(struct tg_end *e, const struct tg_tcp_opts *opts)
{
	e->conf = (struct tg_tcp_conf){
	    .timestamps = opts->has_ts,
	    .window_scale = opts->has_wscale
				? (opts->wscale < WSCALE_MAX ? opts->wscale : WSCALE_MAX)
				: TG_WSCALE_NONE,
	    .congestion = TG_CC_NEWRENO,
	    .synack_retries = 5,
	    .mss_min = 1,
	    .rcvbuf = TG_BUF_MAX,
	    .sndbuf = TG_BUF_MAX,
	    .delayed_ack_ms = 40,
	    .rto_min_ms = 200,
	    .linger_ms = -1,
	};
}

/* The window that arrived segments are judged by: as the end told it, and no wider than a queue of
 * ours may be. */
static void set_edge(struct tg_end *e)
{
	tg_seq most = tg_seq_add(e->tcb.rcv.nxt, EDGE_MAX);

	e->tcb.rcv.edge = e->edge_known && e->wnd_known ? tg_seq_min(e->edge, most) : most;
	if (tg_seq_lt(e->tcb.rcv.edge, e->tcb.rcv.nxt))
		e->tcb.rcv.edge = e->tcb.rcv.nxt;
}

/* --- the send space of SYN and FIN alone --- */

static tg_seq moved(tg_seq to, tg_seq from, tg_seq at)
{
	return tg_seq_add(to, (uint32_t)tg_seq_diff(at, from));
}

static tg_seq own_ack(const struct tg_end *e, tg_seq ack, tg_seq una, tg_seq nxt)
{
	if (tg_seq_gt(ack, e->nxt))
		return moved(nxt, e->nxt, ack);
	if (e->fin_sent && tg_seq_eq(ack, tg_seq_add(e->fin, 1)))
		return nxt;
	if (tg_seq_lt(ack, e->una))
		return moved(una, e->una, ack);
	if (tg_seq_le(ack, e->iss))
		return moved(e->tcb.snd.iss, e->iss, ack);
	return tg_seq_max(una, tg_seq_add(e->tcb.snd.iss, 1));
}

static void set_own(struct tg_end *e, tg_seq iss)
{
	struct tg_tcb *tcb = &e->tcb;

	tcb->snd.iss = tcb->snd.una = iss;
	tcb->snd.nxt = tcb->rexmit_nxt = tcb->tx_end = tcb->tx_push = tg_seq_add(iss, 1);
	e->iss = e->una = iss;
	e->nxt = tg_seq_add(iss, 1);
	e->nxt_known = true;
	e->fin_sent = e->fin_acked = false;
}

/* --- arrivals --- */

/* The actions of the machine that change what the end is. */
static void obey(struct tg_end *e, const struct tg_act *act, const struct tg_tcp_env *env,
		 struct tg_end_world *w)
{
	if (e->tcb.state != TG_TIME_WAIT && e->tcb.state != TG_CLOSED) {
		tg_tcp_consume(&e->tcb, tg_tcp_readable(&e->tcb), env);
		return;
	}
	if (act->events & TG_EV_TIME_WAIT) {
		e->tw_end_ms = env->now_ms + 2ull * w->msl_ms;
		set_edge(e);
		tg_tw_make(&e->tw, &e->tcb, 0, e->tcb.ts_offset, e->tw_end_ms);
		drop_block(e, w);
		e->phase = TG_END_RECORD;
		return;
	}
	if (act->events & TG_EV_TO_LISTEN)
		e->listens = true;
	drop_block(e, w);
}

static enum tg_ctr block_arrives(struct tg_end *e, const struct tg_seg *real,
				 const struct tg_tcp_env *env, struct tg_end_world *w)
{
	struct tg_seg seg = *real;
	struct tg_act act;

	seg.text = zeros;
	if (seg.len > FEED_MAX)
		seg.len = FEED_MAX;
	seg.opts.sack_n = seg.opts.bad_sack = 0;
	if ((seg.ctl & TG_TCP_ACK) && !e->nxt_known && tg_seq_gt(seg.ack, e->nxt))
		e->nxt = e->una = seg.ack;
	if (seg.ctl & TG_TCP_ACK)
		seg.ack = own_ack(e, seg.ack, e->tcb.snd.una, e->tcb.snd.nxt);
	set_edge(e);
	tg_tcp_arrives(&e->tcb, &seg, env, &act);
	if (act.verdict == TG_CTR_NONE && (real->ctl & TG_TCP_ACK) &&
	    tg_seq_gt(real->ack, e->una) && tg_seq_le(real->ack, e->nxt))
		e->una = real->ack;
	if (e->fin_sent && tg_seq_gt(e->una, e->fin))
		e->fin_acked = true;
	obey(e, &act, env, w);
	return act.verdict;
}

static enum tg_ctr listener_arrives(struct tg_end *e, const struct tg_tuple *tuple,
				    const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	static const struct tg_tcp_opts all = {
	    .has_ts = 1, .has_wscale = 1, .wscale = WSCALE_MAX, .has_mss = 1};
	struct tg_listen l = {.conf = &e->conf};
	struct tg_act act;

	set_conf(e, &all);
	if (tg_tcp_listen(&l, tuple, seg, NULL, env, &e->tcb, &act) == TG_LISTEN_HALF) {
		e->phase = TG_END_BLOCK;
		e->listens = e->has_syn = e->edge_known = false;
		set_own(e, e->tcb.snd.iss);
	}
	return act.verdict;
}

/* answered: a SYN-ACK came back, so a listener had its turn, whatever the record said. */
static enum tg_ctr record_arrives(struct tg_end *e, const struct tg_tuple *tuple,
				  const struct tg_seg *real, bool answered,
				  const struct tg_tcp_env *env, struct tg_end_world *w)
{
	struct tg_seg seg = *real;
	enum tg_ctr verdict;
	struct tg_act act;

	if (seg.ctl & TG_TCP_ACK)
		seg.ack = own_ack(e, seg.ack, e->tw.snd_nxt, e->tw.snd_nxt);
	if (tg_tw_arrives(&e->tw, tuple, &seg, env, &act) == TG_TW_RESTART)
		e->tw_end_ms = env->now_ms + 2ull * w->msl_ms;
	verdict = act.verdict;
	if (answered) {
		e->phase = TG_END_NONE;
		listener_arrives(e, tuple, real, env);
	}
	return verdict;
}

/* A RST without ACK came back: to a good handshake there is no such answer but of an end that does
 * not know of it; and of a state with a connection none but TD-12. */
static void learn_refusal(struct tg_end *e, const struct tg_seg *seg, struct tg_end_world *w)
{
	if (e->phase != TG_END_BLOCK)
		return; /* a record is judged by what it sends */
	if ((seg->ctl & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN) { /* no block refuses a SYN */
		drop_block(e, w);
		return;
	}
	if ((is_block(e, TG_SYN_SENT) || is_block(e, TG_SYN_RECEIVED)) &&
	    !((seg->ctl & TG_TCP_ACK) && tg_seq_eq(seg->ack, e->nxt)))
		return;
	if ((is_block(e, TG_FIN_WAIT_1) || is_block(e, TG_FIN_WAIT_2)) && seg->len > 0) {
		e->tcb.orphan = true;
		return;
	}
	drop_block(e, w);
}

enum tg_ctr tg_end_arrives(struct tg_end *e, const struct tg_tuple *tuple, const struct tg_seg *seg,
			   const struct tg_end_arrival *how, uint64_t now_ns,
			   struct tg_end_world *w)
{
	struct tg_tcp_env env = env_at(w, now_ns);
	struct tg_act act;

	if (e->phase == TG_END_RECORD && env.now_ms >= e->tw_end_ms)
		e->phase = TG_END_NONE;
	if (how->refused) {
		e->seen = true;
		learn_refusal(e, seg, w);
	}
	switch (e->phase) {
	case TG_END_BLOCK:
		return block_arrives(e, seg, &env, w);
	case TG_END_RECORD:
		return record_arrives(e, tuple, seg, how->answered, &env, w);
	case TG_END_NONE:
		break;
	}
	if (how->answered) {
		e->seen = true;
		return listener_arrives(e, tuple, seg, &env);
	}
	tg_tcp_closed(seg, &act);
	return act.verdict;
}

/* --- what it sends --- */

static void note_ts(struct tg_end *e, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	if (!seg->opts.has_ts || e->phase != TG_END_BLOCK)
		return;
	e->tcb.ts_offset = seg->opts.tsval - (uint32_t)env->now_ms;
	e->tcb.ts_last = seg->opts.tsval;
	if (!e->has_syn)
		e->tcb.ts_first = seg->opts.tsval;
}

static void note_syn(struct tg_end *e, const struct tg_seg *seg)
{
	e->syn_has_wscale = seg->opts.has_wscale;
	e->syn_has_ts = seg->opts.has_ts;
	e->syn_has_sack = seg->opts.has_sack_perm;
	e->scale = seg->opts.wscale < WSCALE_MAX ? seg->opts.wscale : WSCALE_MAX;
	e->has_syn = true;
	e->wnd_known = true;
	if (e->tcb.syn_sent_n < UINT8_MAX)
		e->tcb.syn_sent_n++;
}

static enum tg_end_odd sends_syn(struct tg_end *e, const struct tg_tuple *tuple,
				 const struct tg_seg *seg, const struct tg_tcp_env *env,
				 struct tg_end_world *w)
{
	enum tg_end_odd odd = TG_ODD_NONE;

	if (e->phase == TG_END_BLOCK && e->has_syn && tg_seq_eq(e->iss, seg->seq)) {
		if (e->tcb.state == TG_SYN_SENT)
			note_ts(e, seg, env);
		return TG_ODD_NONE;
	}
	if (e->phase == TG_END_BLOCK)
		odd = e->tcb.state == TG_SYN_SENT ? TG_ODD_SYN_AGAIN_NEW : TG_ODD_SYN_OVER_OLD;
	drop_block(e, w);
	set_conf(e, &seg->opts);
	tg_tcb_init(&e->tcb, &e->conf, TG_CLOSED);
	tg_tcp_open(&e->tcb, tuple, NULL, env);
	e->phase = TG_END_BLOCK;
	e->has_syn = e->edge_known = false;
	set_own(e, seg->seq);
	note_ts(e, seg, env);
	note_syn(e, seg);
	return odd;
}

/* The machine is told what the capture does not show, so that it stands where the end stands. */
static void feed(struct tg_end *e, struct tg_seg *seg, const struct tg_tcp_env *env,
		 struct tg_end_world *w)
{
	seg->opts.has_ts = e->tcb.ts_on || seg->opts.has_ts;
	if (e->tcb.ts_on)
		seg->opts.tsval = e->tcb.ts_recent;
	seg->opts.tsecr = 0;
	seg->wnd = DEFAULT_WND;
	block_arrives(e, seg, env, w);
}

static void feed_syn(struct tg_end *e, const struct tg_tuple *tuple, const struct tg_seg *seg,
		     const struct tg_tcp_env *env, struct tg_end_world *w)
{
	struct tg_seg syn = {.seq = tg_seq_sub(seg->ack, 1), .ctl = TG_TCP_SYN, .opts = seg->opts};

	syn.opts.sack_n = 0;
	if (e->phase == TG_END_BLOCK)
		feed(e, &syn, env, w);
	else
		listener_arrives(e, tuple, &syn, env);
}

static enum tg_end_odd sends_syn_ack(struct tg_end *e, const struct tg_tuple *tuple,
				     const struct tg_seg *seg, const struct tg_tcp_env *env,
				     struct tg_end_world *w)
{
	enum tg_end_odd odd = TG_ODD_NONE;
	struct tg_tcb *tcb = &e->tcb;

	if (e->phase == TG_END_NONE || is_block(e, TG_SYN_SENT)) {
		odd = TG_ODD_SYN_ACK_UNASKED;
		feed_syn(e, tuple, seg, env, w);
	}
	if (!is_block(e, TG_SYN_RECEIVED))
		return TG_ODD_SYN_ACK_LATE;
	if (e->has_syn && !tg_seq_eq(e->iss, seg->seq)) {
		odd = TG_ODD_SYN_ACK_OTHER;
		e->has_syn = false;
	}
	if (!e->has_syn)
		set_own(e, seg->seq);
	note_ts(e, seg, env);
	note_syn(e, seg);
	tcb->ts_on = tcb->ts_on && seg->opts.has_ts;
	tcb->ws_on = tcb->ws_on && seg->opts.has_wscale;
	tcb->snd_scale = tcb->ws_on ? tcb->snd_scale : 0;
	return odd;
}

static enum tg_end_odd sends_rst(struct tg_end *e, const struct tg_seg *seg,
				 const struct tg_tcp_env *env, struct tg_end_world *w)
{
	bool has_ack = seg->ctl & TG_TCP_ACK;
	struct tg_act act;

	if (e->phase == TG_END_RECORD) {
		if (has_ack && seg->seq.v == 0) /* ADV-66: a new SYN met no listener */
			return TG_ODD_NONE;
		e->phase = TG_END_NONE;
		return TG_ODD_TIME_WAIT_RST;
	}
	if (e->phase == TG_END_NONE)
		return TG_ODD_NONE;
	/* RST-A from there answers a bad ACK, and the open goes on (3.10.7.3, 3.10.7.4). */
	if ((is_block(e, TG_SYN_SENT) || is_block(e, TG_SYN_RECEIVED)) && !has_ack &&
	    !tg_seq_eq(seg->seq, e->nxt))
		return TG_ODD_NONE;
	if (e->tcb.state >= TG_ESTABLISHED && e->nxt_known && tg_seq_gt(seg->seq, e->nxt))
		return TG_ODD_RST_FORGED;
	tg_tcp_abort(&e->tcb, TG_CLOSE_ABORT, env, &act);
	drop_block(e, w);
	e->listens = false;
	return TG_ODD_NONE;
}

/* Text, ACK or FIN of an end whose handshake is not over, as far as was seen. */
static enum tg_end_odd complete(struct tg_end *e, const struct tg_seg *seg,
				const struct tg_tcp_env *env, struct tg_end_world *w)
{
	struct tg_seg in = {.ctl = TG_TCP_ACK, .ack = e->nxt};

	if (is_block(e, TG_SYN_SENT)) {
		in.ctl |= TG_TCP_SYN;
		in.seq = tg_seq_sub(seg->ack, 1);
		in.opts.has_ts = seg->opts.has_ts;
		in.opts.tsval = seg->opts.tsecr;
		feed(e, &in, env, w);
		return TG_ODD_TEXT_EARLY;
	}
	if (is_block(e, TG_SYN_RECEIVED) && seg->len > 0) {
		in.seq = e->tcb.rcv.nxt;
		feed(e, &in, env, w);
		return TG_ODD_TEXT_EARLY;
	}
	return TG_ODD_NONE;
}

static enum tg_end_odd sends_fin(struct tg_end *e, const struct tg_seg *seg,
				 const struct tg_tcp_env *env)
{
	tg_seq fin = tg_seq_add(seg->seq, seg->len);
	struct tg_act act;

	if (e->fin_sent)
		return tg_seq_eq(fin, e->fin) ? TG_ODD_NONE : TG_ODD_AFTER_FIN;
	if (e->tcb.state == TG_SYN_SENT || tg_tcp_shutdown(&e->tcb, env, &act) != 0)
		return TG_ODD_FIN_EARLY;
	e->tcb.fin_sent = true;
	e->tcb.snd.nxt = e->tcb.rexmit_nxt = tg_seq_add(e->tcb.tx_end, 1);
	e->fin_sent = true;
	e->fin = fin;
	return TG_ODD_NONE;
}

/* --- what it acknowledges --- */

/* Text up to `end` is stepped over: what was held above it is forgotten. */
static void step_over(struct tg_end *e, tg_seq end, struct tg_end_world *w)
{
	struct tg_tcb *tcb = &e->tcb;

	tg_tcb_release(tcb, &w->chunks);
	tcb->ooo = TG_NONE;
	tcb->ooo_n = 0;
	tcb->fin_held = false;
	tcb->rcv.nxt = tcb->rx_read = end;
}

/* The machine takes text up to ack, and the peer's FIN when ack is past it. */
static void catch_up(struct tg_end *e, const struct tg_end *p, tg_seq ack,
		     const struct tg_tcp_env *env, struct tg_end_world *w)
{
	bool fin = p->fin_sent && tg_seq_eq(ack, tg_seq_add(p->fin, 1));
	tg_seq end = fin ? p->fin : ack;

	if (tg_seq_diff(end, e->tcb.rcv.nxt) > GAP_MAX)
		step_over(e, end, w);
	e->edge_known = false; /* whatever it told, it took this */
	while (e->phase == TG_END_BLOCK && tg_seq_lt(e->tcb.rcv.nxt, ack)) {
		tg_seq from = e->tcb.rcv.nxt;
		uint32_t left = (uint32_t)tg_seq_diff(end, from);
		struct tg_seg in = {.seq = from,
				    .ack = e->una,
				    .ctl = TG_TCP_ACK,
				    .len = left < FEED_MAX ? left : FEED_MAX};

		if (fin && left <= FEED_MAX)
			in.ctl |= TG_TCP_FIN;
		feed(e, &in, env, w);
		if (e->phase == TG_END_BLOCK && tg_seq_eq(e->tcb.rcv.nxt, from)) {
			step_over(e, end, w); /* its state takes no text */
			return;
		}
	}
}

static enum tg_end_odd note_ack(struct tg_end *e, const struct tg_end *p, const struct tg_seg *seg,
				const struct tg_tcp_env *env, struct tg_end_world *w)
{
	enum tg_end_odd odd;

	if (!(seg->ctl & TG_TCP_ACK) || e->phase != TG_END_BLOCK || e->tcb.state < TG_ESTABLISHED ||
	    e->tcb.fin_rcvd || !tg_seq_gt(seg->ack, e->tcb.rcv.nxt))
		return TG_ODD_NONE;
	odd = p->nxt_known && tg_seq_gt(seg->ack, p->nxt) ? TG_ODD_ACK_UNSENT : TG_ODD_ACK_REFUSED;
	catch_up(e, p, seg->ack, env, w);
	return odd;
}

static void note_window(struct tg_end *e, const struct tg_seg *seg)
{
	uint32_t scale = 0;
	tg_seq edge;

	if (!(seg->ctl & TG_TCP_ACK) || e->phase != TG_END_BLOCK)
		return;
	if (!(seg->ctl & TG_TCP_SYN) && e->tcb.ws_on)
		scale = e->scale;
	edge = tg_seq_add(seg->ack, (uint32_t)seg->wnd << scale);
	if (!e->edge_known || tg_seq_gt(edge, e->edge))
		e->edge = edge;
	e->edge_known = true;
	e->tcb.rcv.last_ack = seg->ack;
}

static void note_end(struct tg_end *e, const struct tg_seg *seg)
{
	tg_seq end = tg_seq_add(seg->seq, tg_seg_len(seg));

	if (seg->ctl & TG_TCP_RST)
		return;
	if (!e->nxt_known || tg_seq_gt(end, e->nxt)) {
		e->nxt = end;
		e->nxt_known = true;
	}
}

enum tg_end_odd tg_end_sends(struct tg_end *e, const struct tg_end *p, const struct tg_tuple *tuple,
			     const struct tg_seg *seg, uint64_t now_ns, struct tg_end_world *w)
{
	struct tg_tcp_env env = env_at(w, now_ns);
	enum tg_end_odd odd = TG_ODD_NONE, more;

	if (e->phase == TG_END_RECORD && env.now_ms >= e->tw_end_ms)
		e->phase = TG_END_NONE;
	e->seen = true;
	if (seg->ctl & TG_TCP_RST)
		return sends_rst(e, seg, &env, w);
	if ((seg->ctl & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN) {
		odd = sends_syn(e, tuple, seg, &env, w);
	} else if (seg->ctl & TG_TCP_SYN) {
		odd = sends_syn_ack(e, tuple, seg, &env, w);
	} else if (e->phase == TG_END_BLOCK) {
		odd = complete(e, seg, &env, w);
		more = note_ack(e, p, seg, &env, w);
		odd = odd ? odd : more;
		if (e->fin_sent && seg->len > 0 &&
		    tg_seq_gt(tg_seq_add(seg->seq, seg->len), e->fin))
			odd = TG_ODD_AFTER_FIN;
		if ((seg->ctl & TG_TCP_FIN) && e->phase == TG_END_BLOCK) {
			more = sends_fin(e, seg, &env);
			odd = odd ? odd : more;
		}
		note_ts(e, seg, &env);
	} else if (e->phase == TG_END_NONE || tg_seg_len(seg) > 0) {
		odd = e->phase == TG_END_RECORD && e->fin_sent &&
			      tg_seq_le(tg_seq_add(seg->seq, tg_seg_len(seg)), e->nxt)
			  ? TG_ODD_NONE
			  : TG_ODD_TEXT_LATE;
	}
	note_end(e, seg);
	note_window(e, seg);
	return odd;
}

void tg_end_begin(struct tg_end *e, tg_seq nxt, bool nxt_known, tg_seq rcv_nxt)
{
	static const struct tg_tcp_opts none = {0};
	struct tg_tcb *tcb = &e->tcb;

	set_conf(e, &none);
	tg_tcb_init(tcb, &e->conf, TG_ESTABLISHED);
	e->phase = TG_END_BLOCK;
	e->seen = true;
	set_own(e, tg_seq_sub(nxt, 1));
	e->nxt_known = nxt_known;
	tcb->snd.una = tcb->snd.nxt;
	e->una = nxt;
	tcb->snd.wnd = tcb->snd.max_wnd = DEFAULT_WND;
	tcb->snd.wl1 = tcb->snd.wl2 = rcv_nxt;
	tcb->snd.mss = MTU;
	tcb->rcv.nxt = tcb->rcv.irs = tcb->rcv.up = tcb->rcv.last_ack = tcb->rx_read = rcv_nxt;
}
