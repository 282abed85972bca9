/* SPDX-License-Identifier: BSD-3-Clause */
/* half.c: see half.h. */
#include "half.h"

#include "bogon.h"
#include "engine.h"

/* --- forms --- */

static struct tg_half_form *place_of(struct tg_engine *e, const struct tg_seg *seg,
				     int16_t listener)
{
	uint32_t i = seg->opts.mss ^ (uint32_t)seg->opts.wscale << 3 ^ (uint32_t)listener;

	return &e->half[i % TG_HALF_FORMS];
}

static inline bool is_of(const struct tg_engine *e, const struct tg_half_form *f,
			 const struct tg_rx *rx, int16_t listener)
{
	return f->listener == listener + 1 && f->gen == e->listen_gen &&
	       f->mss == rx->seg.opts.mss && f->wscale == rx->seg.opts.wscale &&
	       f->mtu == e->env.mtu && f->port == rx->pkt.port;
}

/* The SYN-ACK's frame, but for the peer, the numbers, and the next hop's address. */
static void make_frame(struct tg_engine *e, const struct tg_tcp_conf *conf, const struct tg_rx *rx,
		       const struct tg_seg *reply, struct tg_synack *s)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	struct tg_eth eth = {.src = pc->mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.src = rx->tuple.laddr,
			   .proto = TG_PROTO_TCP,
			   .ttl = conf->ttl,
			   .tos = (uint8_t)(conf->dscp << 2)};
	struct tg_seg seg = *reply;

	ip.dst = tg_addr_from_v4(&(tg_be32){0});
	seg.sport = rx->tuple.lport;
	seg.dport = 0;
	seg.seq = seg.ack = tg_seq_make(0);
	seg.opts.tsval = seg.opts.tsecr = 0;
	s->has_ts = true;
	s->l2_len = (uint8_t)tg_eth_emit(s->bytes, &eth);
	s->l3_len = TG_IP4_LEN;
	s->l4_len = (uint8_t)tg_tcp_emit(s->bytes + s->l2_len + s->l3_len, &seg);
	tg_ip4_emit(s->bytes + s->l2_len, &ip, s->l4_len, true);
	s->len = (uint16_t)(s->l2_len + s->l3_len + s->l4_len);
	s->tx_flags = (uint8_t)((pc->tx_tcp_csum ? TG_TX_TCP_CSUM : 0) |
				(pc->tx_ip_csum ? TG_TX_IP_CSUM : 0));
	tg_synack_init(s, &rx->tuple.laddr);
}

/* The machine is asked once, for this SYN; nothing is counted or kept of it but the form. */
static void make(struct tg_engine *e, struct tg_half_form *f, const struct tg_rx *rx,
		 const struct tg_listener *l, int16_t listener)
{
	const struct tg_tcp_conf *conf = &e->class[l->class_idx].conf;
	struct tg_listen li = {.conf = conf};
	struct tg_tcb *tcb = &e->scratch;
	struct tg_act act;

	*f = (struct tg_half_form){.gen = e->listen_gen,
				   .listener = (int16_t)(listener + 1),
				   .mss = rx->seg.opts.mss,
				   .wscale = rx->seg.opts.wscale,
				   .mtu = e->env.mtu,
				   .port = rx->pkt.port};
	e->ctr_save = e->ctr;
	if (tg_tcp_listen(&li, &rx->tuple, &rx->seg, NULL, &e->env, tcb, &act) != TG_LISTEN_HALF)
		assert(false && "a plain SYN is answered");
	e->ctr = e->ctr_save;
	tcb->conf_idx = l->class_idx;
	tcb->word = l->conf.word;
	/* Something is counted of the options that are odd, so each goes the long way. */
	f->is_good = tcb->ts_on && !tcb->ecn_on && rx->seg.opts.mss >= conf->mss_min &&
		     rx->seg.opts.mss && rx->seg.opts.wscale <= 14 &&
		     tg_tcb_may_rest(tcb, e->env.now_ms);
	if (!f->is_good)
		return;
	f->timer_ms = (uint32_t)(tg_tcb_pack(tcb, &f->conn, e->env.now_ms) - e->env.now_ms);
	make_frame(e, conf, rx, &act.reply, &f->synack);
}

/* --- a SYN --- */

/* Numbers of number rx->nth of the batch. */
static void fill(const struct tg_engine *e, const struct tg_half_form *f, const struct tg_rx *rx,
		 struct tg_conn *c)
{
	const struct tg_tuple_batch *b = &e->plain.syn;
	uint32_t offset = (uint32_t)b->ts[rx->nth], tsval = tg_tcp_tsval(offset, &e->env);

	c->snd_scale = f->conn.snd_scale;
	c->rcv_scale = f->conn.rcv_scale;
	c->flags = f->conn.flags;
	c->snd_nxt = tg_seq_add(tg_tuple_batch_isn(b, rx->nth, &e->env), 1);
	c->rcv_nxt = tg_seq_add(rx->seg.seq, 1);
	c->rcv_wnd = f->conn.rcv_wnd;
	c->mss = f->conn.mss;
	c->cwnd = f->conn.cwnd;
	c->ts_recent = rx->seg.opts.tsval;
	c->ts_offset = offset;
	/* As rest.c has it: the TSval of the first SYN-ACK and of the last. */
	c->snd_wnd = c->srtt = (uint16_t)tsval;
	c->max_snd_wnd = c->rttvar = (uint16_t)(tsval >> 16);
	c->ts_age = f->conn.ts_age;
	c->word = f->conn.word;
}

static void answer(struct tg_engine *e, const struct tg_half_form *f, struct tg_rx *rx,
		   const struct tg_conn *c, const struct tg_mac *hop)
{
	struct tg_pkt *out = &e->out.pkt[e->out.n++];
	const struct tg_synack *s = &f->synack;
	struct tg_synack_numbers x = {.seq = tg_be32_swap(c->snd_nxt.v - 1),
				      .ack = tg_be32_swap(c->rcv_nxt.v),
				      .tsval = tg_be32_swap(tg_tcp_tsval(c->ts_offset, &e->env)),
				      .tsecr = tg_be32_swap(c->ts_recent),
				      .port = tg_be16_swap(c->rport),
				      .id = tg_be16_swap(tg_tx_ip_id(e))};

	tg_synack4_put(s, rx->pkt.data, c->v4.raddr, &x);
	memcpy(rx->pkt.data, hop->b, sizeof(hop->b));
	rx->used = true;
	*out = rx->pkt;
	out->len = s->len;
	out->rss_hash = 0;
	out->tso_mss = 0;
	memcpy(&out->tx_flags, &s->tx_flags, 4); /* and the three lengths */
	tg_ctr_inc(&e->ctr, TG_CTR_tx_packets);
	tg_ctr_add(&e->ctr, TG_CTR_tx_bytes, s->len);
}

/* What stands before an entry, in the order of tg_listen_arrives. False: ask the long way. */
static bool is_admitted(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l)
{
	bool mint;

	if (l->conf.has_pool || tg_listen_tries_cookies(e, l) || e->sources || e->rates ||
	    tg_bogon_has(l->conf.bogons, true) || !tg_admit_peer(&l->conf, &rx->tuple) ||
	    !tg_conn_room(e, false) || l->half_n >= l->conf.synq_high)
		return false;
	return tg_admit_syn(e, l, &rx->tuple.raddr, &mint) == TG_CTR_NONE && !mint;
}

bool tg_half_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_listener *l,
		     enum tg_ctr *verdict)
{
	int16_t listener = (int16_t)(l - e->listener);
	struct tg_half_form *f = place_of(e, &rx->seg, listener);
	struct tg_mac hop;

	if (rx->seg.ctl != TG_TCP_SYN || rx->nth == TG_RX_NO_NUMBER || rx->seg.ecn ||
	    !rx->seg.opts.has_wscale || rx->seg.len || rx->pkt.cap < TG_HDR_MAX ||
	    tg_out_room(&e->out) == 0)
		return false;
	if (!is_of(e, f, rx, listener))
		make(e, f, rx, l, listener);
	if (!f->is_good || !is_admitted(e, rx, l) || !tg_tx_hop(e, rx, &hop))
		return false;
	*verdict = TG_CTR_synack_limited;
	if (!tg_budget_take(e->budget, &rx->tuple.raddr, e->env.now_ms))
		return true;
	uint32_t conn = tg_conn_new(e, &rx->tuple, rx->hash, l->class_idx, TG_SYN_RECEIVED, false);

	*verdict = TG_CTR_conn_full;
	if (conn == TG_NONE)
		return true;
	fill(e, f, rx, &e->conn[conn]);
	tg_wheel_arm(&e->wheel, conn, e->env.now_ms + f->timer_ms);
	tg_ctr_inc(&e->ctr, TG_CTR_conn_passive);
	tg_ctr_inc(&e->ctr, TG_CTR_synack_sent);
	answer(e, f, rx, &e->conn[conn], &hop);
	*verdict = TG_CTR_NONE;
	return true;
}
