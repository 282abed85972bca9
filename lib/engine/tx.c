/* SPDX-License-Identifier: BSD-3-Clause */
/* tx.c: segments become frames, and the connections that have something to say take their turns. */
#include "engine.h"

/* --- one frame --- */

/* LN-22, RFC 6437: stable for the connection; of a key of its own, as it is shown to the network.
 */
uint32_t tg_tx_flow(const struct tg_engine *e, const struct tg_tuple *t)
{
	return (uint32_t)tg_siphash13(&e->flow_key, t, sizeof(*t)) & 0xfffff;
}

static uint32_t emit_ip(struct tg_engine *e, uint8_t *p, const struct tg_dest *to, uint8_t ecn,
			uint32_t len, bool v4, bool csum_offload)
{
	const struct tg_tuple *t = to->tuple;
	struct tg_ip ip;

	ip.src = t->laddr;
	ip.dst = t->raddr;
	ip.proto = TG_PROTO_TCP;
	ip.ttl = to->ttl;
	ip.tos = (uint8_t)(to->dscp << 2 | ecn);
	if (!v4)
		return tg_ip6_emit(p, &ip, len, tg_tx_flow(e, t));
	ip.frag_id = tg_tx_ip_id(e);
	return tg_ip4_emit(p, &ip, len, csum_offload);
}

/* Fills the frame behind the link header of l2 bytes. */
static void fill(struct tg_engine *e, const struct tg_dest *to, const struct tg_seg *seg,
		 const struct tg_tcb *tcb, const struct tg_port_conf *port, struct tg_pkt *pkt,
		 uint32_t l2, bool v4)
{
	const struct tg_tuple *t = to->tuple;
	uint32_t l3 = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	bool ip_csum = v4 && port->tx_ip_csum, tcp_csum = port->tx_tcp_csum;
	uint8_t *tcp = pkt->data + l2 + l3;
	bool tso = pkt->tso_mss != 0;
	uint64_t sum;
	uint32_t l4 = tg_tcp_emit_sum(tcp, seg, &sum);

	pkt->len = l2 + l3 + l4 + seg->len;
	assert(pkt->len <= pkt->cap);
	if (seg->len) {
		tg_tcp_text(tcb, &e->env, seg->seq, tcp + l4, seg->len);
		if (!tcp_csum)
			sum = tg_csum_add(sum, tcp + l4, seg->len);
	}
	/* A frame that is cut has no length of its own: each piece adds its (DPDK does so too). */
	tg_tcp_csum_set(tcp, tso ? 0 : l4 + seg->len, sum, &t->laddr, &t->raddr, tcp_csum);
	emit_ip(e, pkt->data + l2, to, seg->ecn, l4 + seg->len, v4, ip_csum);
	pkt->tx_flags = (uint8_t)((tcp_csum ? TG_TX_TCP_CSUM : 0) | (ip_csum ? TG_TX_IP_CSUM : 0) |
				  (tso ? TG_TX_TSO : 0));
	pkt->l2_len = (uint8_t)l2;
	pkt->l3_len = (uint8_t)l3;
	pkt->l4_len = (uint8_t)l4;
}

/* Where a segment for t goes: port, next hop, its address. */
static enum tg_neigh_answer find_way(struct tg_engine *e, const struct tg_dest *to, uint32_t *port,
				     const struct tg_addr **hop, struct tg_mac *mac)
{
	const struct tg_tuple *t = to->tuple;

	if (to->via)
		*port = to->via - 1u;
	else if (!tg_engine_is_ours(e, &t->laddr, port))
		return TG_NEIGH_DEAD;
	*hop = tg_route_hop(e->neigh, *port, &t->raddr);
	return *hop ? tg_neigh_find(e->neigh, *port, *hop, e->env.now_ms, mac) : TG_NEIGH_DEAD;
}

bool tg_tx_hop(struct tg_engine *e, const struct tg_rx *rx, struct tg_mac *mac)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	const struct tg_addr *hop;

	if (pc->vlan || !tg_addr_is_v4(&rx->tuple.raddr))
		return false;
	if (!pc->has_static_neigh && tg_route_is_near(e->neigh, &rx->tuple.raddr))
		return false;
	if (e->way.port != rx->pkt.port + 1) {
		hop = tg_route_hop(e->neigh, rx->pkt.port, &rx->tuple.raddr);
		if (!hop || !tg_neigh_is_ready(e->neigh, rx->pkt.port, hop, e->env.now_ms) ||
		    tg_neigh_find(e->neigh, rx->pkt.port, hop, e->env.now_ms, &e->way.mac) !=
			TG_NEIGH_OK)
			return false;
		e->way.port = (uint16_t)(rx->pkt.port + 1);
	}
	*mac = e->way.mac;
	return true;
}

bool tg_tx_in_place(struct tg_engine *e, struct tg_rx *rx, const struct tg_tcp_conf *conf,
		    struct tg_seg *seg, const struct tg_span *tx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	const struct tg_tuple *t = &rx->tuple;
	struct tg_eth eth = {.src = pc->mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.src = t->laddr,
			   .dst = t->raddr,
			   .proto = TG_PROTO_TCP,
			   .ttl = conf->ttl,
			   .tos = (uint8_t)(conf->dscp << 2)};
	struct tg_pkt *out = &e->out.pkt[e->out.n];
	uint8_t *tcp = rx->pkt.data + TG_ETH_LEN + TG_IP4_LEN;
	uint32_t l4;
	uint64_t sum;

	if (!tg_tx_hop(e, rx, &eth.dst))
		return false;
	seg->sport = t->lport;
	seg->dport = t->rport;
	l4 = tg_tcp_emit_sum(tcp, seg, &sum);
	if (seg->len) {
		tg_span_read(tx, &e->chunks, seg->seq.v, tcp + l4, seg->len);
		if (!pc->tx_tcp_csum)
			sum = tg_csum_add(sum, tcp + l4, seg->len);
	}
	l4 += seg->len;
	tg_tcp_csum_set(tcp, l4, sum, &t->laddr, &t->raddr, pc->tx_tcp_csum);
	ip.frag_id = tg_tx_ip_id(e);
	tg_ip4_emit(rx->pkt.data + TG_ETH_LEN, &ip, l4, pc->tx_ip_csum);
	tg_eth_emit(rx->pkt.data, &eth);
	rx->used = true;
	e->out.n++;
	*out = rx->pkt;
	out->len = TG_ETH_LEN + TG_IP4_LEN + l4;
	out->rss_hash = 0;
	out->tso_mss = 0;
	out->tx_flags = (uint8_t)((pc->tx_tcp_csum ? TG_TX_TCP_CSUM : 0) |
				  (pc->tx_ip_csum ? TG_TX_IP_CSUM : 0));
	out->l2_len = TG_ETH_LEN;
	out->l3_len = TG_IP4_LEN;
	out->l4_len = (uint8_t)(l4 - seg->len);
	tg_ctr_inc(&e->ctr, TG_CTR_tx_packets);
	tg_ctr_add(&e->ctr, TG_CTR_tx_bytes, out->len);
	return true;
}

bool tg_tx_emit(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg,
		const struct tg_tcb *tcb, struct tg_pkt *pkt)
{
	const struct tg_tuple *t = to->tuple;
	bool v4 = tg_addr_is_v4(&t->raddr);
	const struct tg_addr *hop;
	struct tg_eth eth;
	uint32_t port;
	enum tg_neigh_answer answer = find_way(e, to, &port, &hop, &eth.dst);

	if (answer == TG_NEIGH_DEAD) {
		tg_ctr_inc(&e->ctr, TG_CTR_neigh_unreachable);
		tg_out_free(&e->out, pkt);
		return false;
	}
	const struct tg_port_conf *pc = &e->conf.port[port];

	seg->sport = t->lport;
	seg->dport = t->rport;
	eth.src = pc->mac;
	eth.type = v4 ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6;
	eth.vid = pc->vlan;
	eth.tagged = pc->vlan != 0;
	if (answer == TG_NEIGH_WAIT)
		memset(&eth.dst, 0, sizeof(eth.dst));
	fill(e, to, seg, tcb, pc, pkt, tg_eth_emit(pkt->data, &eth), v4);
	pkt->port = (uint16_t)port;
	pkt->rss_hash = 0;
	if (answer == TG_NEIGH_WAIT)
		tg_neigh_hold(e->neigh, port, hop, pkt, &e->out);
	else
		tg_out_put(&e->out, pkt);
	return true;
}

bool tg_tx_reply(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg,
		 struct tg_rx *rx)
{
	struct tg_pkt fresh, *pkt = &fresh;

	if (tg_out_room(&e->out) == 0)
		return false;
	if (rx && !rx->used && rx->pkt.cap >= TG_HDR_MAX) {
		rx->used = true;
		pkt = &rx->pkt;
		pkt->tso_mss = 0;
	} else if (!tg_out_get(&e->out, &fresh)) {
		return false;
	}
	seg->len = 0;
	tg_tx_emit(e, to, seg, NULL, pkt);
	return true;
}

/* --- RSTs that wait: a connection that said its last word is gone, so they stand by themselves ---
 */

void tg_tx_rst(struct tg_engine *e, const struct tg_dest *to, struct tg_seg *seg, struct tg_rx *rx)
{
	if (e->rst_n == 0 && tg_tx_reply(e, to, seg, rx))
		return;
	if (e->rst_n == e->rst_cap) {
		tg_ctr_inc(&e->ctr, TG_CTR_tx_reply_lost);
		return;
	}
	uint32_t at = e->rst_head + e->rst_n;

	e->rst[at < e->rst_cap ? at : at - e->rst_cap] = (struct tg_rst){
	    .tuple = *to->tuple,
	    .seq = seg->seq,
	    .ack = seg->ack,
	    .tsval = seg->opts.tsval,
	    .tsecr = seg->opts.tsecr,
	    .ctl = seg->ctl,
	    .ttl = to->ttl,
	    .dscp = to->dscp,
	    .has_ts = seg->opts.has_ts,
	    .via = to->via,
	};
	e->rst_n++;
}

static void run_rsts(struct tg_engine *e)
{
	while (e->rst_n) {
		const struct tg_rst *r = &e->rst[e->rst_head];
		struct tg_dest to = {
		    .tuple = &r->tuple, .ttl = r->ttl, .dscp = r->dscp, .via = r->via};
		struct tg_seg seg = {.seq = r->seq, .ack = r->ack, .ctl = r->ctl};

		seg.opts.has_ts = r->has_ts & 1;
		seg.opts.tsval = r->tsval;
		seg.opts.tsecr = r->tsecr;
		if (!tg_tx_reply(e, &to, &seg, NULL))
			return;
		e->rst_head = e->rst_head + 1 < e->rst_cap ? e->rst_head + 1 : 0;
		e->rst_n--;
	}
}

/* --- the output of connections --- */

/* No neighbour: a connection that tries to open hears of it as of a soft error (RB-18), once; it is
 * why it ends when nothing better comes (UC-10). */
static void unreachable(struct tg_ext *ext)
{
	if (ext->tcb.state != TG_SYN_SENT || ext->tcb.soft_error)
		return;
	ext->tcb.soft_error = EHOSTUNREACH;
	ext->flags |= TG_EXT_NO_WAY;
}

/* Between turns, because the service may end the connection. True: told, and its turn comes again.
 */
static bool tell_unreachable(struct tg_engine *e, uint32_t x)
{
	struct tg_act act = {.verdict = TG_CTR_NONE, .events = TG_EV_SOFT};

	if (!(e->ext[x].flags & TG_EXT_NO_WAY))
		return false;
	e->ext[x].flags &= ~(uint32_t)TG_EXT_NO_WAY;
	tg_event_apply(e, x, &act, NULL);
	tg_conn_reap(e);
	return true;
}

/* How many segments the next frame may hold (DT-34): as many as port and buffer take, if there is a
 * buffer. */
static uint32_t segments_at_once(struct tg_engine *e, const struct tg_tuple *t, uint32_t mss)
{
	uint32_t port, most;

	if (mss == 0 || !tg_engine_is_ours(e, &t->laddr, &port) || !e->conf.port[port].tso_max)
		return 1;
	if (!e->large.data && !e->ops.alloc_large(e->ops.ctx, &e->large))
		return 1;
	most = e->conf.port[port].tso_max;
	if (e->large.cap < most)
		most = e->large.cap;
	most = most < TG_HDR_MAX ? 0 : (most - TG_HDR_MAX) / mss;
	return most ? most : 1;
}

/* The packet that seg goes in: what was asked for was not always sent. */
static struct tg_pkt *choose(struct tg_engine *e, const struct tg_seg *seg, uint32_t mss,
			     struct tg_pkt *usual, struct tg_pkt *large)
{
	if (mss == 0 || seg->len <= mss)
		return usual;
	*large = e->large;
	e->large.data = NULL;
	large->tso_mss = (uint16_t)mss;
	e->out.spare[e->out.spare_n++] = *usual;
	tg_ctr_inc(&e->ctr, TG_CTR_tso_frames);
	return large;
}

/* Up to a quantum of segments. True: there is no more to say now. */
static bool send_some(struct tg_engine *e, uint32_t x)
{
	struct tg_tcb *tcb = &e->ext[x].tcb;
	struct tg_tuple t;
	struct tg_dest to = {.tuple = &t, .ttl = tcb->conf->ttl, .dscp = tcb->conf->dscp};
	struct tg_seg seg;
	struct tg_pkt pkt, large;
	uint32_t mss, n;

	tg_conn_see_path(e, x);
	if (!tg_tcp_has_output(tcb, &e->env))
		return true;
	tg_conn_tuple(e, tcb->conn, &t);
	tg_conn_set_mtu(e, tcb->conn);
	for (uint32_t i = 0; i < TG_SEND_QUANTUM; i += n) {
		if (!tg_out_get(&e->out, &pkt))
			return false;
		mss = e->ops.alloc_large ? tg_tso_mss(tcb) : 0;
		n = segments_at_once(e, &t, mss);
		if (!tg_tcp_output(tcb, &e->env, n, &seg)) {
			e->out.spare[e->out.spare_n++] = pkt;
			return true;
		}
		n = mss && seg.len > mss ? (seg.len + mss - 1) / mss : 1;
		if (!tg_tx_emit(e, &to, &seg, tcb, choose(e, &seg, mss, &pkt, &large)))
			unreachable(&e->ext[x]);
		if (!tg_tcp_has_output(tcb, &e->env))
			return true;
	}
	return false;
}

static void finish(struct tg_engine *e, uint32_t x)
{
	uint32_t conn = e->ext[x].tcb.conn;

	if (e->ext[x].tcb.state == TG_TIME_WAIT) {
		tg_event_time_wait(e, x);
		tg_conn_reap(e);
		return;
	}
	tg_conn_settle(e, x);
	tg_event_rested(e, conn);
}

void tg_tx_run(struct tg_engine *e)
{
	struct tg_ext_list *ready = &e->list[TG_LIST_READY];
	uint32_t stuck = 0; /* turns in a row that sent nothing and ended nothing */

	tg_paths_expire(e->paths, e->env.now_ms);
	run_rsts(e);
	while (ready->n && stuck < ready->n && stuck < TG_POLL_BUDGET) {
		uint32_t x = ready->head, before = e->out.n;

		tg_ext_list_remove(e, TG_LIST_READY, x);
		if (send_some(e, x)) {
			if (!tell_unreachable(e, x))
				finish(e, x);
			stuck = 0;
			continue;
		}
		tg_conn_arm(e, x);
		tg_ext_list_add(e, TG_LIST_READY, x); /* to the end: the others' turn */
		stuck = e->out.n == before ? stuck + 1 : 0;
	}
}
