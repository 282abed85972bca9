/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_open.c: from the client's handshake, which is done, to the backend's (SP-01, SP-03..09).
 *
 *      client                    we                     backend
 *        | -- SYN -------------> |                         |
 *        | <------- SYN-ACK ---- |  what a backend is known to have
 *        | -- ACK, text -------> |  -- SYN, same ISN ----> |
 *        | -- text ------------> |  held                   |
 *        |                       |  <---------- SYN-ACK -- |  now delta is known
 *        | <----- its window --- |  -- what was held ----->|  or an ACK, if nothing was
 */
#include "rate.h"
#include "splice.h"
#include "used.h"

enum { PORT_TRIES = 64, PORT_SWEEP = 1024, MSS_LEAST = 88, WSCALE_MAX = 14 };
_Static_assert((int)TG_NO_WSCALE == (int)TG_WSCALE_NONE, "none is none");
enum { HDRS_V4 = 40, HDRS_V6 = 60, MSS_DEFAULT_V4 = 536, MSS_DEFAULT_V6 = 1220 };

static uint32_t headers(const struct tg_tuple *t)
{
	return tg_addr_is_v4(&t->raddr) ? HDRS_V4 : HDRS_V6;
}

/* --- what may be said before the backend is asked --- */

/* The listener's configuration, less what the backend lacks. */
static void lower(struct tg_tcp_conf *conf, const struct tg_profile *p)
{
	conf->timestamps &= p->ts;
	conf->sack &= p->sack;
	conf->ecn = false; /* whether the backend agrees is not known before it is asked */
	conf->window_scale = p->wscale;
	if (p->mss && (conf->mss_max == 0 || p->mss < conf->mss_max))
		conf->mss_max = p->mss; /* SP-06 */
}

bool tg_splice_terms(const struct tg_engine *e, const struct tg_listener *l, bool v4,
		     struct tg_tcp_conf *copy)
{
	struct tg_profile p;

	if (!tg_pool_promise_all(e, l->conf.pool, v4, &p))
		return false;
	*copy = e->class[l->class_idx].conf;
	lower(copy, &p);
	return true;
}

void tg_splice_meet(struct tg_engine *e, const struct tg_listener *l, const struct tg_tuple *client,
		    struct tg_listen *li, struct tg_tcp_conf *copy)
{
	struct tg_profile p = tg_pool_promise(e, l->conf.pool, client);

	*copy = e->class[l->class_idx].conf;
	/* What cookies told before another backend was found, or another thing in this one: it is
	 * in their MAC, and a splice can live with any of it (SC-07, SP-04). */
	li->before.scales = TG_COOKIE_SCALES;
	li->before.ts |= copy->timestamps;
	li->before.sack |= copy->sack;
	lower(copy, &p);
	li->conf = copy;
}

/* --- the tuple toward the backend --- */

static bool is_free(struct tg_engine *e, const struct tg_tuple *t)
{
	uint64_t hash = tg_tcp_tuple_hash(t, &e->secret);

	return tg_conn_find(e, t, hash) == TG_NONE && tg_tw_store_find(e->tw, hash) == TG_NONE;
}

/* EST-33: answers come to this core, and to nobody else here. */
static bool suits(struct tg_engine *e, const struct tg_tuple *t)
{
	if (e->ops.is_mine && !e->ops.is_mine(e->ops.ctx, t))
		return false;
	return !tg_kernel_has_local(e, &t->laddr, t->lport) && is_free(e, t) &&
	       !tg_listen_find(e, &t->laddr, t->lport);
}

/* RFC 6056 3.3.1: at random; when that met only taken ones, a part of the range from there on. */
static bool choose_port(struct tg_engine *e, struct tg_tuple *t)
{
	const uint32_t n = TG_PORT_HIGH - TG_PORT_LOW + 1;
	uint32_t at = 0;

	for (uint32_t i = 0; i < PORT_TRIES; i++) {
		at = tg_rng_below(&e->rng, n);
		t->lport = (uint16_t)(TG_PORT_LOW + at);
		if (suits(e, t))
			return true;
	}
	for (uint32_t i = 0; i < PORT_SWEEP; i++) {
		at = at + 1 < n ? at + 1 : 0;
		t->lport = (uint16_t)(TG_PORT_LOW + at);
		if (suits(e, t))
			return true;
	}
	return false;
}

/* From one of our addresses: those of the pool, or the one that leads there. */
static bool choose_snat(struct tg_engine *e, const struct tg_pool_conf *pool, struct tg_tuple *t,
			uint32_t *port)
{
	uint32_t first = pool->snat_n ? tg_rng_below(&e->rng, pool->snat_n) : 0;

	if (pool->snat_n == 0)
		return tg_route_source(e->neigh, &t->raddr, &t->laddr) &&
		       tg_route_is_ours(e->neigh, &t->laddr, port) && choose_port(e, t);
	for (uint32_t i = 0; i < pool->snat_n; i++) {
		t->laddr = pool->snat[(first + i) % pool->snat_n];
		if (tg_addr_is_v4(&t->laddr) == tg_addr_is_v4(&t->raddr) &&
		    tg_route_is_ours(e->neigh, &t->laddr, port) && choose_port(e, t))
			return true;
	}
	return false;
}

/* The client came from the same port to another VIP before, and that splice is in TIME-WAIT: as it
 * may be at the backend, it ends with a SYN that is newer there, too (TD-22). The client has proved
 * that the port is his. */
static void make_way(struct tg_engine *e, const struct tg_tuple *t, const struct tg_seg *syn)
{
	uint32_t slot = tg_conn_find(e, t, tg_tcp_tuple_hash(t, &e->secret));
	enum tg_splice_side side;
	struct tg_splice *s;

	if (slot == TG_NONE || slot < e->conf.conn_max)
		return;
	s = tg_splice_of(e, slot, &side);
	if (side != TG_SPLICE_BACKEND || s->state != TG_SPLICE_TIME_WAIT ||
	    !tg_splice_is_older(s, syn))
		return;
	tg_ctr_inc(&e->ctr, TG_CTR_splice_tw_reused);
	tg_splice_free(e, s);
}

/* syn: as it goes to the backend. */
static bool choose_tuple(struct tg_engine *e, int pool, uint8_t backend,
			 const struct tg_tuple *client, const struct tg_seg *syn,
			 struct tg_tuple *t, uint32_t *port)
{
	const struct tg_backend_conf *b = tg_pool_backend(e, pool, backend);
	const struct tg_pool_conf *conf = tg_pool_conf(e, pool);
	struct tg_addr near;

	t->raddr = b->addr;
	t->rport = b->port;
	if (tg_addr_is_v4(&b->addr) != tg_addr_is_v4(&client->raddr))
		return false;
	if (conf->mode == TG_POOL_SNAT)
		return choose_snat(e, conf, t, port);
	t->laddr = client->raddr;
	t->lport = client->rport;
	if (!tg_route_source(e->neigh, &t->raddr, &near) ||
	    !tg_route_is_ours(e->neigh, &near, port))
		return false;
	make_way(e, t, syn);
	return is_free(e, t);
}

/* --- the handshake's last ACK --- */

/* What is said to a client for whom there is no splice: RST, exact, or nothing (SP-09). */
static enum tg_ctr turn_away(struct tg_engine *e, struct tg_rx *rx, const struct tg_tcb *tcb,
			     uint8_t how, enum tg_ctr why)
{
	struct tg_dest to = {.tuple = &rx->tuple, .ttl = 64};
	struct tg_seg seg = {
	    .seq = rx->seg.ack, .ack = tg_seq_add(tcb->rcv.irs, 1), .ctl = TG_TCP_RST | TG_TCP_ACK};

	if (how == TG_REFUSE_DROP)
		return why;
	tg_ctr_inc(&e->ctr, TG_CTR_rst_sent);
	tg_tx_rst(e, &to, &seg, rx);
	return why;
}

/* The client's. */
static uint32_t clock_of(const struct tg_rx *rx, const struct tg_tcb *tcb)
{
	return rx->seg.opts.has_ts ? rx->seg.opts.tsval : tcb->ts_recent;
}

/* Everything that the record must know of the client; all numbers are the client's. */
static void fill(struct tg_engine *e, struct tg_splice *s, const struct tg_rx *rx,
		 const struct tg_tcb *tcb)
{
	struct tg_splice_end *c = &s->side[TG_SPLICE_CLIENT], *b = &s->side[TG_SPLICE_BACKEND];
	uint32_t path = tg_paths_find(e->paths, &rx->tuple.raddr), hdrs = headers(&rx->tuple);

	c->nxt = b->end = rx->seg.ack;
	c->edge = tg_seq_add(c->nxt, tcb->snd.wnd);
	b->nxt = c->end = tg_seq_add(tcb->rcv.irs, 1);
	b->edge = tcb->rcv.edge;
	s->mss = tcb->snd.mss; /* SP-06 */
	if (path > hdrs && path - hdrs < s->mss)
		s->mss = (uint16_t)(path - hdrs);
	if (tcb->sack_on)
		s->flags |= TG_SPLICE_SACK;
	if (tcb->ts_on) {
		s->flags |= TG_SPLICE_TS;
		s->ts_delta = rx->seg.opts.has_ts ? rx->seg.opts.tsecr : tcb->ts_last;
		s->delta = clock_of(rx, tcb);
	}
	if (tcb->ws_on) {
		s->flags |= TG_SPLICE_WS;
		s->wnd_c = tcb->snd_scale & 15;
		s->wnd_p = tcb->rcv_scale & 15;
	}
}

static uint16_t window_of(const struct tg_splice_end *end, uint8_t shift)
{
	uint32_t units = (uint32_t)tg_seq_diff(end->edge, end->nxt) >> shift;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

/* SP-01: with the client's ISN. What it offers is what the client has and was promised. */
static void send_syn(struct tg_engine *e, struct tg_splice *s, struct tg_rx *rx)
{
	struct tg_seg seg = {.seq = tg_seq_sub(s->side[TG_SPLICE_BACKEND].nxt, 1),
			     .ctl = TG_TCP_SYN,
			     .wnd = window_of(&s->side[TG_SPLICE_CLIENT], 0)};

	seg.opts.has_mss = 1;
	seg.opts.mss = s->mss;
	seg.opts.has_sack_perm = (s->flags & TG_SPLICE_SACK) != 0;
	seg.opts.has_wscale = (s->flags & TG_SPLICE_WS) != 0;
	seg.opts.wscale = s->wnd_c;
	seg.opts.has_ts = (s->flags & TG_SPLICE_TS) != 0;
	seg.opts.tsval = s->delta;
	if (s->tries++ > 0)
		tg_ctr_inc(&e->ctr, TG_CTR_splice_syn_rexmit);
	tg_splice_arm(e, s, e->env.now_ms + ((uint64_t)TG_SPLICE_SYN_MS << (s->tries - 1)));
	tg_splice_say(e, s, TG_SPLICE_BACKEND, &seg, rx); /* no room: the next try */
}

/* As by any connection that opens: the prefix has proved itself, and the neighbour is there. */
static void note_client(struct tg_engine *e, struct tg_splice *s, const struct tg_rx *rx)
{
	struct tg_addr hop;
	uint32_t port = rx->pkt.port;

	s->port_c = port & 15;
	tg_budget_prove(e->budget, &rx->tuple.raddr, e->env.now_ms);
	if (e->rates)
		tg_rates_charge(e->rates, &rx->tuple.raddr, e->env.now_ns);
	if (tg_route_find(e->neigh, &rx->tuple.laddr, &rx->tuple.raddr, &port, &hop))
		tg_neigh_confirm(e->neigh, port, &hop, e->env.now_ms);
}

/* Text that came before its turn waits; an ACK alone said what it had to say. */
static enum tg_ctr keep_text(struct tg_engine *e, struct tg_splice *s, struct tg_rx *rx)
{
	struct tg_splice_end *c = &s->side[TG_SPLICE_CLIENT];
	tg_seq end = tg_seq_add(rx->seg.seq, tg_seg_len(&rx->seg));

	if (tg_seg_len(&rx->seg) == 0)
		return TG_CTR_NONE;
	if (!tg_splice_hold(e, s, rx))
		return TG_CTR_splice_early_full;
	tg_ctr_inc(&e->ctr, TG_CTR_splice_early);
	c->end = tg_seq_max(c->end, end);
	return TG_CTR_NONE;
}

/* The one place that decides what becomes of a client who has proved himself: a splice. (To hand
 * him to the backend's own kernel would begin here.) */
enum tg_ctr tg_splice_begin(struct tg_engine *e, struct tg_rx *rx, int pool,
			    const struct tg_tcb *tcb)
{
	uint8_t backend = tg_pool_pick(e, pool, &rx->tuple);
	struct tg_seg syn = {.seq = tcb->rcv.irs, .ctl = TG_TCP_SYN};
	struct tg_tuple t;
	uint32_t port;

	if (backend == TG_NO_BACKEND)
		return turn_away(e, rx, tcb, tg_pool_refuse(e, pool), TG_CTR_pool_dead);
	syn.opts.has_ts = tcb->ts_on;
	syn.opts.tsval = clock_of(rx, tcb);
	if (!choose_tuple(e, pool, backend, &rx->tuple, &syn, &t, &port))
		return turn_away(e, rx, tcb, TG_REFUSE_RST, TG_CTR_splice_no_way);
	struct tg_splice *s = tg_splice_new(e, pool, backend, &rx->tuple, &t);

	if (!s)
		return turn_away(e, rx, tcb, TG_REFUSE_RST, TG_CTR_splice_full);
	fill(e, s, rx, tcb);
	s->port_b = port & 15;
	if (tg_pool_conf(e, pool)->mode == TG_POOL_TRANSPARENT) {
		s->flags |= TG_SPLICE_FOREIGN;
		e->splices->foreign_ports |= 1u << port;
	}
	note_client(e, s, rx);
	tg_used_add(e->used, rx->hash, tg_seq_sub(rx->seg.ack, 1), e->env.now_ms); /* SC-15 */
	tg_ctr_inc(&e->ctr, TG_CTR_splice_begun);
	enum tg_ctr verdict = keep_text(e, s, rx);

	send_syn(e, s, rx);
	return verdict;
}

/* --- failing --- */

void tg_splice_fail(struct tg_engine *e, struct tg_splice *s, enum tg_ctr why, struct tg_rx *rx)
{
	int pool = s->pool;
	uint8_t backend = s->backend;

	tg_ctr_inc(&e->ctr, why);
	tg_splice_reset(e, s, TG_SPLICE_CLIENT, rx);
	tg_splice_free(e, s);
	tg_pool_fault(e, pool, backend);
}

/* SP-09: 1 s, 2 s, 4 s. */
void tg_splice_open_timeout(struct tg_engine *e, struct tg_splice *s)
{
	if (s->tries < TG_SPLICE_TRIES)
		send_syn(e, s, NULL);
	else
		tg_splice_fail(e, s, TG_CTR_splice_timeout, NULL);
}

/* --- the backend answers --- */

/* What both have now. False: it lacks what was promised and cannot be done without (SP-04). */
static bool agree(struct tg_splice *s, const struct tg_tcp_opts *opts)
{
	if ((s->flags & TG_SPLICE_TS) && !opts->has_ts)
		return false;
	s->ts_delta -= opts->tsval;
	if (!(s->flags & TG_SPLICE_TS))
		s->ts_delta = 0;
	if (!opts->has_sack_perm)
		s->flags &= (uint8_t)~TG_SPLICE_SACK;
	s->wnd_b = s->wnd_t = 0;
	if ((s->flags & TG_SPLICE_WS) && opts->has_wscale) {
		s->wnd_b = (opts->wscale < WSCALE_MAX ? opts->wscale : WSCALE_MAX) & 15;
		s->wnd_t = s->wnd_c;
	}
	return true;
}

static uint16_t backend_mss(const struct tg_splice *s, const struct tg_tcp_opts *opts)
{
	if (!opts->has_mss || opts->mss == 0)
		return (s->flags & TG_SPLICE_V6) ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	return opts->mss < MSS_LEAST ? MSS_LEAST : opts->mss;
}

/* The ACK of its SYN-ACK. tsval: the client's. */
static void ack_backend(struct tg_engine *e, const struct tg_splice *s, uint32_t tsval,
			struct tg_rx *rx)
{
	struct tg_seg seg = {.seq = s->side[TG_SPLICE_BACKEND].nxt,
			     .ack = tg_seq_add(rx->seg.seq, 1),
			     .ctl = TG_TCP_ACK,
			     .wnd = window_of(&s->side[TG_SPLICE_CLIENT], s->wnd_t)};

	seg.opts.has_ts = (s->flags & TG_SPLICE_TS) != 0;
	seg.opts.tsval = tsval;
	seg.opts.tsecr = rx->seg.opts.tsval;
	tg_splice_say(e, s, TG_SPLICE_BACKEND, &seg, NULL);
}

/* SP-05: the client was told a window before anybody knew the backend's. A smaller one is news. */
static void tell_window(struct tg_engine *e, struct tg_splice *s, uint32_t told_ts, uint32_t tsval,
			uint16_t wnd)
{
	struct tg_splice_end *b = &s->side[TG_SPLICE_BACKEND];
	struct tg_seg seg = {
	    .seq = b->end, .ack = b->nxt, .ctl = TG_TCP_ACK, .wnd = (uint16_t)(wnd >> s->wnd_p)};

	if (wnd >= tg_seq_diff(b->edge, b->nxt)) {
		b->edge = tg_seq_add(b->nxt, wnd);
		return;
	}
	seg.opts.has_ts = (s->flags & TG_SPLICE_TS) != 0;
	seg.opts.tsval = told_ts;
	seg.opts.tsecr = tsval;
	tg_splice_say(e, s, TG_SPLICE_CLIENT, &seg, NULL);
}

/* SP-07: in the order in which it came. There is room: synack_arrives saw to it. True when it went
 * out and is the next that the backend waits for. */
static bool pass_held(struct tg_engine *e, struct tg_splice *s, struct tg_splice_held *h)
{
	tg_seq next = s->side[TG_SPLICE_BACKEND].nxt;
	bool used = false, went;
	struct tg_seg seg;
	struct tg_splice_pkt p = {
	    .pkt = &h->pkt, .ip = &h->ip, .seg = &seg, .l2 = h->l2, .used = &used};
	enum tg_ctr why =
	    tg_tcp_parse(h->pkt.data + h->l2 + h->ip.hdr_len, h->ip.payload_len, &seg);

	assert(why == TG_CTR_NONE);
	(void)why;
	went = tg_splice_forward(e, s, TG_SPLICE_CLIENT, &p) == TG_CTR_NONE;
	if (went)
		tg_splice_follow(e, s, TG_SPLICE_CLIENT, &seg);
	else
		tg_ctr_inc(&e->ctr, TG_CTR_splice_early_lost);
	if (!used)
		tg_out_free(&e->out, &h->pkt);
	return went && tg_seq_eq(seg.seq, next);
}

/* Both sides agreed on nothing that lasts: both are told. */
static enum tg_ctr give_up(struct tg_engine *e, struct tg_splice *s, struct tg_rx *rx)
{
	struct tg_seg seg = {.seq = rx->seg.ack, .ctl = TG_TCP_RST};

	tg_ctr_inc(&e->ctr, TG_CTR_splice_ts_missing);
	tg_splice_say(e, s, TG_SPLICE_BACKEND, &seg, rx);
	tg_splice_reset(e, s, TG_SPLICE_CLIENT, NULL);
	tg_splice_free(e, s);
	return TG_CTR_NONE;
}

static void note_backend(struct tg_engine *e, const struct tg_splice *s)
{
	const struct tg_addr *hop;
	struct tg_tuple t;

	tg_splice_tuple(e, s, TG_SPLICE_BACKEND, &t);
	hop = tg_route_hop(e->neigh, s->port_b, &t.raddr);
	if (hop)
		tg_neigh_confirm(e->neigh, s->port_b, hop, e->env.now_ms);
}

static enum tg_ctr synack_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s)
{
	struct tg_splice_held held[TG_SPLICE_HELD_MAX];
	uint32_t tsval = s->delta, told_ts = s->ts_delta, n = 0;
	bool acked = false; /* text in order does what an ACK alone would */

	if (tg_out_room(&e->out) < 2u + s->held_n)
		return TG_CTR_tx_no_buffer; /* it is repeated */
	if (!agree(s, &rx->seg.opts))
		return give_up(e, s, rx);
	while (tg_splice_unhold(e, s, &held[n]))
		n++;
	s->delta = tg_seq_sub(s->side[TG_SPLICE_BACKEND].end, 1).v - rx->seg.seq.v; /* SP-02 */
	s->mss = backend_mss(s, &rx->seg.opts);
	s->ack_hash[0] = s->ack_hash[1] = 0; /* where the list of what was held began */
	s->ack_n[0] = s->ack_n[1] = s->ack_credit[0] = s->ack_credit[1] = 0;
	s->seen = tg_splice_seen(e);
	tg_splice_enter(e, s, TG_SPLICE_SPLICED);
	tg_ctr_inc(&e->ctr, TG_CTR_splice_opened);
	tg_splice_arm_idle(e, s, e->conf.splice_idle_ms);
	note_backend(e, s);
	tell_window(e, s, told_ts, tsval, rx->seg.wnd);
	for (uint32_t i = 0; i < n; i++)
		acked |= pass_held(e, s, &held[i]);
	if (!acked || rx->seg.wnd == 0) /* text outside the window is no ACK, either */
		ack_backend(e, s, tsval, rx);
	return TG_CTR_NONE;
}

/* As in SYN-SENT (RFC 9293 3.10.7.3): SE-06, SE-10..SE-14. */
static enum tg_ctr from_backend(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s)
{
	const struct tg_seg *seg = &rx->seg;
	bool good = (seg->ctl & TG_TCP_ACK) && tg_seq_eq(seg->ack, s->side[TG_SPLICE_BACKEND].nxt);

	if (seg->ctl & TG_TCP_RST) {
		if (!good)
			return TG_CTR_synsent_rst;
		tg_splice_fail(e, s, TG_CTR_splice_refused, rx);
		return TG_CTR_NONE;
	}
	if (!(seg->ctl & TG_TCP_ACK))
		return TG_CTR_no_ack;
	if (!good) { /* an old connection's: it is ended, and the next SYN finds it gone */
		struct tg_seg rst = {.seq = seg->ack, .ctl = TG_TCP_RST};
		tg_splice_say(e, s, TG_SPLICE_BACKEND, &rst, rx);
		return TG_CTR_NONE;
	}
	if (!(seg->ctl & TG_TCP_SYN))
		return TG_CTR_synsent_ack;
	if (seg->ctl & TG_TCP_FIN)
		return TG_CTR_synfin;
	return synack_arrives(e, rx, s);
}

/* --- the client, meanwhile --- */

static bool is_held_already(const struct tg_engine *e, const struct tg_splice *s,
			    const struct tg_seg *seg)
{
	const struct tg_splices *sp = e->splices;

	for (uint32_t i = s->held_head; i != TG_NONE; i = sp->held[i].next) {
		const struct tg_splice_held *h = &sp->held[i];
		struct tg_seg have;
		tg_tcp_parse(h->pkt.data + h->l2 + h->ip.hdr_len, h->ip.payload_len, &have);
		if (tg_seq_eq(have.seq, seg->seq) && tg_seg_len(&have) >= tg_seg_len(seg))
			return true;
	}
	return false;
}

/* SE-22, SE-23: nothing that we acknowledged stands between the two numbers. */
static enum tg_ctr client_rst(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s)
{
	if (!tg_seq_eq(rx->seg.seq, s->side[TG_SPLICE_BACKEND].nxt) &&
	    !tg_seq_eq(rx->seg.seq, s->side[TG_SPLICE_CLIENT].end))
		return TG_CTR_rst_rcvd_oow;
	tg_ctr_inc(&e->ctr, TG_CTR_splice_rst);
	tg_splice_reset(e, s, TG_SPLICE_BACKEND, rx);
	tg_splice_free(e, s);
	return TG_CTR_NONE;
}

static enum tg_ctr from_client(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s)
{
	struct tg_splice_end *c = &s->side[TG_SPLICE_CLIENT], *b = &s->side[TG_SPLICE_BACKEND];
	const struct tg_seg *seg = &rx->seg;

	if (seg->ctl & TG_TCP_RST)
		return client_rst(e, rx, s);
	if (seg->ctl & TG_TCP_SYN)
		return tg_splice_challenge(e, s, TG_SPLICE_CLIENT, rx);
	if (!(seg->ctl & TG_TCP_ACK))
		return TG_CTR_no_ack;
	if (!tg_seq_eq(seg->ack, c->nxt))
		return TG_CTR_ack_unsent; /* nothing was sent yet */
	if (seg->opts.bad || seg->opts.bad_sack)
		return TG_CTR_splice_bad_option;
	if (tg_seq_lt(seg->seq, tg_seq_sub(b->nxt, 1)) || tg_seq_gt(seg->seq, b->edge)) {
		tg_ctr_inc(&e->ctr, TG_CTR_oow_seq);
		return TG_CTR_NONE;
	}
	c->edge = tg_seq_max(c->edge, tg_seq_add(seg->ack, (uint32_t)seg->wnd << s->wnd_c));
	if (seg->opts.has_ts && (int32_t)(seg->opts.tsval - s->delta) > 0)
		s->delta = seg->opts.tsval;
	return is_held_already(e, s, seg) ? TG_CTR_NONE : keep_text(e, s, rx);
}

enum tg_ctr tg_splice_opening(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s,
			      enum tg_splice_side from)
{
	return from == TG_SPLICE_CLIENT ? from_client(e, rx, s) : from_backend(e, rx, s);
}
