/* SPDX-License-Identifier: BSD-3-Clause */
/* rx.c: a burst, in three passes: parse, hash and ask for the bucket lines; find and ask for the
 * connection lines; run the machine. A segment may make or end the connection that a later one of
 * the same burst belongs to: the third pass looks again when the table has changed since. */
#include "before.h"

enum { SOON = 3 }; /* packets ahead */

/* --- one TCP segment --- */

enum tg_ctr tg_rx_answer_rst(struct tg_engine *e, struct tg_rx *rx, struct tg_act *act)
{
	struct tg_dest to = {.tuple = &rx->tuple, .ttl = 64};

	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	if (!tg_budget_take(e->budget, &rx->tuple.raddr, e->env.now_ms))
		return TG_CTR_rst_limited;
	if (!tg_tx_reply(e, &to, &act->reply, rx))
		return TG_CTR_tx_no_buffer;
	tg_ctr_inc(&e->ctr, TG_CTR_rst_sent);
	return act->verdict;
}

enum tg_ctr tg_rx_closed(struct tg_engine *e, struct tg_rx *rx)
{
	struct tg_act act;

	tg_tcp_closed(&rx->seg, &act);
	return act.has_reply ? tg_rx_answer_rst(e, rx, &act) : act.verdict;
}

/* The ACK that completes is dropped, and the entry kept, while the accept queue is full (EST-26),
 * and when the source has all the connections that it may (ADV-57; cookies may have opened some
 * since). So it is tried on a copy. An entry from LISTEN holds no text, so a copy shares nothing.
 */
static enum tg_ctr refuse_completion(struct tg_engine *e, struct tg_rx *rx, uint32_t x)
{
	const struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_act act;

	if (tcb->state != TG_SYN_RECEIVED || tcb->active ||
	    (rx->seg.ctl & (TG_TCP_ACK | TG_TCP_SYN | TG_TCP_RST)) != TG_TCP_ACK)
		return TG_CTR_NONE;
	int16_t listener = e->class[e->conn[tcb->conn].conf].listener;
	enum tg_ctr why = TG_CTR_NONE;

	if (listener != TG_NO_LISTENER && tg_listen_is_full(&e->listener[listener]))
		why = TG_CTR_accept_overflow;
	else
		why = tg_admit_open(e, &rx->tuple.raddr);
	if (why == TG_CTR_NONE)
		return TG_CTR_NONE;
	e->ctr_save = e->ctr;
	e->scratch = *tcb;
	tg_tcp_arrives(&e->scratch, &rx->seg, &e->env, &act);
	tg_tcb_release(&e->scratch, &e->chunks);
	e->ctr = e->ctr_save;
	return (act.events & TG_EV_OPENED) ? why : TG_CTR_NONE;
}

/* DT-35: what follows in the burst and only continues rx is taken with it, and its service is told
 * once. */
static void take_run(struct tg_engine *e, struct tg_rx *rx, struct tg_tcb *tcb, struct tg_act *act)
{
	for (struct tg_rx *last = rx, *next = rx + 1; next < e->rx + e->rx_n; last = next++) {
		if (next->kind != TG_RX_TCP || next->hash != rx->hash ||
		    next->pkt.port != rx->pkt.port ||
		    memcmp(&next->tuple, &rx->tuple, sizeof(rx->tuple)) != 0 ||
		    !tg_tcp_follows(tcb, &last->seg, &next->seg, &e->env, act))
			return;
		next->kind = TG_RX_DONE; /* its verdict says: accepted */
		tg_ctr_inc(&e->ctr, TG_CTR_rx_merged);
	}
}

/* The pool of conn's listener, -1 when it has none. */
static int pool_of(const struct tg_engine *e, uint32_t conn)
{
	int16_t l = e->class[e->conn[conn].conf].listener;

	return l != TG_NO_LISTENER && e->listener[l].conf.has_pool ? e->listener[l].conf.pool : -1;
}

/* SP-01: the half-open entry that was completed gives way to a splice. Its block is good until the
 * grave is emptied. */
static enum tg_ctr to_splice(struct tg_engine *e, struct tg_rx *rx, uint32_t x)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	uint32_t dormant = tcb->dormant;
	int pool = pool_of(e, tcb->conn);

	tcb->dormant = TG_NONE;
	if (dormant != TG_NONE) /* TD-24: the new incarnation is real */
		tg_before_remove(e, dormant);
	tg_conn_retire(e, tcb->conn);
	enum tg_ctr why = tg_splice_begin(e, rx, pool, tcb);

	tg_cookies_spliced(e, rx, why);
	return why;
}

static enum tg_ctr conn_arrives(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	uint32_t x = tg_conn_attach(e, conn);
	struct tg_act act;

	if (x == TG_NONE)
		return TG_CTR_ext_full;
	struct tg_tcb *tcb = &e->ext[x].tcb;

	e->ext[x].hash = rx->hash;
	if (tcb->state == TG_SYN_SENT) { /* ADV-71: our own SYN came back */
		enum tg_ctr why = tg_rx_check_src(e, rx);
		if (why != TG_CTR_NONE)
			return why;
	}
	enum tg_ctr refused = refuse_completion(e, rx, x);
	bool unproved = tcb->state == TG_SYN_RECEIVED && !tcb->active;

	if (refused != TG_CTR_NONE) {
		tg_ext_list_add(e, TG_LIST_READY, x);
		return refused;
	}
	tg_tcp_arrives(tcb, &rx->seg, &e->env, &act);
	if (unproved)
		tg_admit_reply(e, rx, &act);
	if (unproved && (act.events & TG_EV_OPENED) && pool_of(e, conn) >= 0)
		return to_splice(e, rx, x);
	if (act.events & TG_EV_READABLE)
		take_run(e, rx, tcb, &act);
	tg_event_apply(e, x, &act, rx);
	return act.verdict;
}

/* --- TIME-WAIT --- */

static enum tg_ctr tw_answer(struct tg_engine *e, struct tg_rx *rx, struct tg_act *act)
{
	struct tg_dest to = {.tuple = &rx->tuple, .ttl = 64};

	if (act->has_reply && !tg_tx_reply(e, &to, &act->reply, rx))
		return TG_CTR_tx_no_buffer;
	return act->verdict;
}

/* A SYN that is provably newer (TD-22): with a listener and room it opens, else the record stays
 * and the segment is answered as by CLOSED (TD-23, ADV-66). */
static enum tg_ctr tw_reuse(struct tg_engine *e, struct tg_rx *rx, tg_tw_handle h)
{
	struct tg_listener *l = tg_listen_find(e, &rx->tuple.laddr, rx->tuple.lport);
	tg_seq floor = tg_tw_store_at(e->tw, h)->snd_nxt;

	return l ? tg_listen_arrives(e, rx, l, h, &floor) : tg_rx_closed(e, rx);
}

static enum tg_ctr tw_cookie(struct tg_engine *e, struct tg_rx *rx, tg_tw_handle h)
{
	struct tg_listener *l = tg_listen_find(e, &rx->tuple.laddr, rx->tuple.lport);
	enum tg_ctr verdict;
	struct tg_act act;

	if (l && tg_listen_try_cookie(e, rx, l, h, &verdict))
		return verdict;
	tg_tw_challenge(tg_tw_store_at(e->tw, h), &rx->tuple, &e->env, &act);
	return tw_answer(e, rx, &act);
}

static enum tg_ctr tw_arrives(struct tg_engine *e, struct tg_rx *rx, tg_tw_handle h)
{
	struct tg_act act;

	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	switch (tg_tw_arrives(tg_tw_store_at(e->tw, h), &rx->tuple, &rx->seg, &e->env, &act)) {
	case TG_TW_RESTART:
		tg_tw_store_restart(e->tw, h, e->env.now_ms + 2ull * e->conf.msl_ms);
		break;
	case TG_TW_REUSE:
		return tw_reuse(e, rx, h);
	case TG_TW_COOKIE_TRY:
		return tw_cookie(e, rx, h);
	case TG_TW_DONE:
		break;
	}
	return tw_answer(e, rx, &act);
}

/* --- lookup --- */

/* Who is found in the pool by its tuple, and is not over, is in the table: a slot that was found
 * before says so whatever has changed since. A splice's does not. */
static inline bool is_conn(const struct tg_engine *e, uint32_t slot, const struct tg_tuple *t)
{
	return slot < e->conf.conn_max && e->conn[slot].state > TG_CLOSED && tg_conn_is(e, slot, t);
}

static uint32_t find_conn(const struct tg_engine *e, const struct tg_rx *rx, uint64_t gen)
{
	for (uint32_t i = 0; i < rx->cand_n; i++)
		if (is_conn(e, rx->cand[i], &rx->tuple))
			return rx->cand[i];
	if (e->table_gen != gen)
		return tg_conn_find(e, &rx->tuple, rx->hash);
	for (uint32_t i = 0; i < rx->cand_n; i++)
		if (tg_conn_is(e, rx->cand[i], &rx->tuple))
			return rx->cand[i];
	/* As many as were asked for: there may be more. */
	return rx->cand_n == 4 ? tg_conn_find(e, &rx->tuple, rx->hash) : TG_NONE;
}

static inline bool is_taken_calmly(struct tg_engine *e, struct tg_rx *rx, uint32_t conn)
{
	const struct tg_conn *c = &e->conn[conn];

	if (!(c->flags & TG_CONN_EXT))
		return tg_calm_arrives(e, rx, conn);
	return (e->ext[c->word].flags & TG_EXT_CALM) && tg_calm_answers(e, rx, c->word);
}

/* Connection, TIME-WAIT, listener, CLOSED (DESIGN 4): a cookie comes last, so that the handshake
 * ACK again meets what it once opened (SC-14, ADV-34). */
static enum tg_ctr tcp_arrives(struct tg_engine *e, struct tg_rx *rx, uint64_t gen)
{
	uint32_t conn = find_conn(e, rx, gen);

	e->env.mtu = e->conf.port[rx->pkt.port].mtu;
	if (conn != TG_NONE && conn >= e->conf.conn_max)
		return tg_splice_arrives(e, rx, conn);
	if (conn != TG_NONE) {
		const struct tg_conn *c = &e->conn[conn];
		enum tg_ctr verdict;
		if (is_taken_calmly(e, rx, conn))
			return TG_CTR_NONE;
		if (c->state == TG_SYN_RECEIVED &&
		    (tg_listen_adopts(e, rx, conn, &verdict) || /* SC-19 */
		     tg_before_meets(e, rx, conn, &verdict)))
			return verdict;
		if (c->state != TG_TIME_WAIT)
			return conn_arrives(e, rx, conn);
		/* It waited for room to say its last ACK; the record says it again if need be. */
		tg_event_time_wait(e, c->word);
		tg_conn_reap(e);
	}
	if (rx->foreign)
		return TG_CTR_bad_dst;
	enum tg_ctr why = tg_rx_check_src(e, rx);

	if (why != TG_CTR_NONE)
		return why;
	tg_tw_handle h = tg_tw_store_find(e->tw, rx->hash);

	if (h != TG_NONE)
		return tw_arrives(e, rx, h);
	struct tg_listener *l = tg_listen_find(e, &rx->tuple.laddr, rx->tuple.lport);

	if (l && tg_half_arrives(e, rx, l, &why))
		return why;
	return l ? tg_listen_arrives(e, rx, l, TG_NONE, NULL) : tg_rx_closed(e, rx);
}

static enum tg_ctr packet_arrives(struct tg_engine *e, struct tg_rx *rx, uint64_t gen)
{
	switch (rx->kind) {
	case TG_RX_TCP:
		return tcp_arrives(e, rx, gen);
	case TG_RX_ICMP:
		tg_tx_doubt(e);
		return tg_rx_icmp(e, rx);
	case TG_RX_ARP:
		tg_tx_doubt(e);
		return tg_neigh_arp(e->neigh, &rx->pkt, &rx->eth, e->env.now_ms, &e->out,
				    &rx->used);
	case TG_RX_KERNEL:
	case TG_RX_DONE:
	case TG_RX_SYN:
		break;
	}
	return rx->verdict;
}

/* --- the burst --- */

static inline __attribute__((always_inline)) void parse(struct tg_engine *e,
							const struct tg_pkt *in, struct tg_rx *rx)
{
	rx->pkt = *in;
	rx->nth = TG_RX_NO_NUMBER;
	tg_rx_parse(e, rx);
	if (rx->kind == TG_RX_TCP)
		tg_table_prefetch(&e->table, rx->hash);
}

/* Most packets: parsed in one go, and hashed with the others. */
static inline bool take_plain(struct tg_engine *e, const struct tg_pkt *in, uint32_t i)
{
	const uint8_t *ip = in->data + TG_ETH_LEN;

	e->rx[i].pkt = *in;
	if (!tg_rx_parse_plain(e, &e->rx[i]))
		return false;
	e->rx[i].nth = TG_RX_NO_NUMBER;
	if (e->rx[i].seg.ctl & (TG_TCP_SYN | TG_TCP_FIN)) /* what answers has a TSval of its own */
		e->rx[i].nth = (uint8_t)tg_tuple_batch_put(&e->plain.syn, ip, ip + TG_IP4_LEN);
	e->plain.at[tg_tuple_batch_put(&e->plain.tuple, ip, ip + TG_IP4_LEN)] = (uint8_t)i;
	return true;
}

static void hash_plain(struct tg_engine *e)
{
	struct tg_tuple_batch *b = &e->plain.tuple;

	tg_tuple_batch_hash(b, &e->secret, e->lanes);
	for (uint32_t k = 0; k < b->n; k++) {
		e->rx[e->plain.at[k]].hash = b->hash[k];
		tg_table_prefetch(&e->table, b->hash[k]);
	}
	if (e->plain.syn.n)
		tg_tuple_batch_number(&e->plain.syn, &e->secret, e->lanes);
}

static void pass_parse(struct tg_engine *e, const struct tg_pkt in[], uint32_t n)
{
	uint64_t staged = tg_syn_take(e, in, e->conf.no_syn_stage ? 0 : n), bytes = 0;
	bool calm = !e->conf.no_calm;

	e->plain.tuple.n = e->plain.syn.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		bytes += in[i].len;
		if (staged >> i & 1)
			e->rx[i].kind = TG_RX_SYN;
		else if (!calm || !take_plain(e, &in[i], i))
			parse(e, &in[i], &e->rx[i]);
	}
	hash_plain(e);
	tg_ctr_add(&e->ctr, TG_CTR_rx_bytes, bytes);
	tg_ctr_add(&e->ctr, TG_CTR_rx_segments, n);
	e->rx_n = e->conf.no_merge ? 0 : n;
}

static inline void prefetch(const struct tg_engine *e, uint32_t slot)
{
	if (slot < e->conf.conn_max)
		__builtin_prefetch(&e->conn[slot], 1);
	else
		tg_splice_prefetch(e, slot);
}

static inline __attribute__((always_inline)) void find(struct tg_engine *e, struct tg_rx *rx)
{
	if (rx->kind != TG_RX_TCP)
		return;
	rx->cand_n = tg_table_find(&e->table, rx->hash, rx->cand, 4);
	tg_calm_see(&e->seen, rx->hash);
	if (rx->cand_n)
		prefetch(e, rx->cand[0]);
	else
		tg_tw_store_prefetch(e->tw, rx->hash);
}

/* Those that meet something leave the stage. */
static __attribute__((noinline)) void find_syns(struct tg_engine *e, const struct tg_pkt in[])
{
	for (uint64_t met = tg_syn_find(e); met; met &= met - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(met);
		parse(e, &in[i], &e->rx[i]);
	}
}

static void pass_find(struct tg_engine *e, const struct tg_pkt in[], uint32_t n)
{
	tg_calm_see_none(&e->seen);
	if (e->syn.mask)
		find_syns(e, in);
	if (e->syn.mask && e->syn.mask == ~0ull >> (TG_BURST_MAX - n))
		return; /* all of them are the stage's */
	for (uint32_t i = 0; i < n; i++)
		find(e, &e->rx[i]);
}

/* Kept for what is to be sent, or given back with the others. */
static inline void put_back(struct tg_engine *e, const struct tg_pkt *pkt)
{
	if (pkt->cap >= e->spare_cap && e->out.spare_n < TG_BURST_MAX / 2)
		e->out.spare[e->out.spare_n++] = *pkt;
	else
		e->drop[e->drop_n++] = *pkt;
}

void tg_rx_put_back(struct tg_engine *e, const struct tg_pkt *pkt)
{
	put_back(e, pkt);
}

/* gen: of the table, when it was asked for rx. */
static inline __attribute__((always_inline)) void run(struct tg_engine *e, struct tg_rx *rx,
						      uint64_t gen)
{
	enum tg_ctr verdict = packet_arrives(e, rx, gen);

	if (e->has_kernel)
		verdict = tg_kernel_offer(e, rx, verdict);
	tg_ctr_inc(&e->ctr, verdict == TG_CTR_NONE ? TG_CTR_rx_accepted : verdict);
	if (!rx->used)
		put_back(e, &rx->pkt);
	tg_conn_reap(e);
	tg_syn_doubt(e);
}

/* A plain SYN that leaves the stage in its turn: seldom, so out of the way. */
static __attribute__((noinline)) void leave(struct tg_engine *e, const struct tg_pkt *in,
					    struct tg_rx *rx)
{
	parse(e, in, rx);
	find(e, rx);
}

/* The extension of one whose turn comes soon. */
static inline void prefetch_ext(const struct tg_engine *e, const struct tg_rx *rx)
{
	if (rx->kind != TG_RX_TCP || rx->cand_n == 0 || rx->cand[0] >= e->conf.conn_max)
		return;
	const struct tg_conn *c = &e->conn[rx->cand[0]];

	if (c->flags & TG_CONN_EXT)
		tg_ext_prefetch(&e->ext[c->word]);
}

static void pass_run(struct tg_engine *e, const struct tg_pkt in[], uint32_t n)
{
	uint64_t gen = e->table_gen, staged = e->syn.mask;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t asked = gen;
		if (staged >> i & 1) {
			i = tg_syn_answer(e, in, i, n);
			if (i == n)
				break;
			if (staged >> i & 1) {
				leave(e, &in[i], &e->rx[i]);
				asked = e->table_gen;
			}
		}
		if (i + SOON < n)
			prefetch_ext(e, &e->rx[i + SOON]);
		run(e, &e->rx[i], asked);
	}
}

uint32_t tg_engine_rx(struct tg_engine *e, const struct tg_pkt in[], uint32_t n,
		      struct tg_pkt out[], uint32_t max, uint64_t now_ns)
{
	assert(n <= TG_BURST_MAX);
	tg_engine_begin(e, out, max);
	tg_engine_clock(e, now_ns);
	pass_parse(e, in, n);
	pass_find(e, in, n);
	tg_cookies_burst(e);
	pass_run(e, in, n);
	tg_event_poll(e);
	if (e->splices)
		tg_splices_run(e);
	tg_tx_run(e);
	tg_zwin_run(e);
	return tg_engine_end(e);
}
