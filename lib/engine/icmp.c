/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp.c: echo (LN-18), errors about our connections (RB-17..23), and neighbour discovery's way to
 * its room. We send no ICMP error about anything (LN-20). */
#include "engine.h"
#include "splice.h"

/* The request becomes its reply where it lies. A header with options gives way to one of 20 bytes,
 * so what is behind it may move down. */
static uint32_t echo_in_place(struct tg_engine *e, struct tg_rx *rx, const struct tg_eth *eth)
{
	uint8_t *data = rx->pkt.data;
	uint8_t *icmp = data + rx->eth.hdr_len + rx->ip.hdr_len;
	struct tg_ip ip = {.src = rx->ip.dst,
			   .dst = rx->ip.src,
			   .proto = rx->ip.proto,
			   .ttl = 64,
			   .v6 = rx->ip.v6};
	struct tg_tuple pair = {.laddr = ip.src, .raddr = ip.dst};
	uint32_t l3 = ip.v6 ? TG_IP6_LEN : TG_IP4_LEN;
	uint32_t l2 = eth->tagged ? TG_ETH_LEN + TG_VLAN_LEN : TG_ETH_LEN;

	tg_icmp_echo_reply(icmp, rx->ip.payload_len, &rx->ip);
	memmove(data + l2 + l3, icmp, rx->ip.payload_len);
	tg_eth_emit(data, eth);
	ip.frag_id = tg_tx_ip_id(e);
	if (ip.v6)
		tg_ip6_emit(data + l2, &ip, rx->ip.payload_len, tg_tx_flow(e, &pair));
	else
		tg_ip4_emit(data + l2, &ip, rx->ip.payload_len, false);
	return l2 + l3 + rx->ip.payload_len;
}

/* RFC 1122 3.2.2, RFC 4443 2.4: nothing is said to many, nor to nobody: a frame to a group,
 * although our address is in it, or a packet from ::, as duplicate address detection sends. */
static enum tg_ctr check_link(const struct tg_rx *rx)
{
	static const struct tg_addr unspecified;

	if (rx->eth.dst.b[0] & 1)
		return TG_CTR_bad_mac;
	return tg_addr_equal(&rx->ip.src, &unspecified) ? TG_CTR_bad_src : TG_CTR_NONE;
}

static enum tg_ctr echo(struct tg_engine *e, struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	struct tg_eth eth = {
	    .src = pc->mac, .type = rx->eth.type, .vid = pc->vlan, .tagged = pc->vlan != 0};
	struct tg_addr hop;
	uint32_t port;

	if (!e->conf.primary)
		return TG_CTR_NONE; /* another worker's part */
	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	if (!tg_budget_take(e->echo_budget, &rx->ip.src, e->env.now_ms))
		return TG_CTR_icmp_limited;
	if (rx->ip.hdr_len + rx->ip.payload_len > pc->mtu ||
	    !tg_route_find(e->neigh, &rx->ip.dst, &rx->ip.src, &port, &hop))
		return TG_CTR_icmp_other;
	enum tg_neigh_answer answer = tg_neigh_find(e->neigh, port, &hop, e->env.now_ms, &eth.dst);

	if (answer == TG_NEIGH_DEAD) {
		tg_ctr_inc(&e->ctr, TG_CTR_neigh_unreachable);
		return TG_CTR_NONE;
	}
	rx->pkt.len = echo_in_place(e, rx, &eth);
	rx->pkt.tx_flags = 0;
	rx->used = true;
	tg_ctr_inc(&e->ctr, TG_CTR_icmp_echo);
	if (answer == TG_NEIGH_WAIT)
		tg_neigh_hold(e->neigh, port, &hop, &rx->pkt, &e->out);
	else
		tg_out_put(&e->out, &rx->pkt);
	return TG_CTR_NONE;
}

/* RB-17: an error counts only when it quotes a segment in flight of one of our connections. */
static enum tg_ctr error(struct tg_engine *e, const struct tg_rx *rx, const struct tg_icmp *icmp)
{
	struct tg_act act;

	if (!icmp->quoted_tcp)
		return TG_CTR_icmp_short;
	uint32_t conn =
	    tg_conn_find(e, &icmp->quoted, tg_tcp_tuple_hash(&icmp->quoted, &e->secret));

	if (conn != TG_NONE && conn >= e->conf.conn_max)
		return tg_splice_icmp(e, conn, icmp);
	if (rx->foreign)
		return TG_CTR_bad_dst;
	if (conn == TG_NONE || e->conn[conn].state == TG_TIME_WAIT)
		return TG_CTR_icmp_bad_seq;
	uint32_t x = tg_conn_attach(e, conn);

	if (x == TG_NONE)
		return TG_CTR_ext_full;
	struct tg_tcb *tcb = &e->ext[x].tcb;
	uint32_t mtu = icmp->kind == TG_ICMP_ERROR_PTB ? icmp->mtu : 0;

	tg_conn_set_mtu(e, conn);
	tg_conn_see_path(e, x);
	if (icmp->kind == TG_ICMP_ERROR_PTB && mtu == 0 && !tcb->v6)
		mtu = tg_pmtu_plateau(tcb, icmp->quoted_len, &e->env);
	tg_tcp_icmp(tcb, icmp->quoted_seq, icmp->error, icmp->kind == TG_ICMP_ERROR_HARD, mtu,
		    &e->env, &act);
	tg_event_apply(e, x, &act, NULL);
	return act.verdict;
}

static bool is_error(const struct tg_icmp *icmp)
{
	return icmp->kind == TG_ICMP_ERROR_SOFT || icmp->kind == TG_ICMP_ERROR_HARD ||
	       icmp->kind == TG_ICMP_ERROR_PTB;
}

enum tg_ctr tg_rx_icmp(struct tg_engine *e, struct tg_rx *rx)
{
	const uint8_t *data = rx->pkt.data + rx->eth.hdr_len + rx->ip.hdr_len;
	struct tg_icmp icmp;
	uint32_t port;
	enum tg_ctr why = tg_icmp_parse(data, rx->ip.payload_len, &rx->ip, &icmp);

	if (why != TG_CTR_NONE)
		return why;
	if (icmp.kind == TG_ICMP_ND_NS || icmp.kind == TG_ICMP_ND_NA ||
	    icmp.kind == TG_ICMP_ND_RA) {
		e->last_dst_port = TG_NONE; /* an address may be lost (RFC 4862 5.4.5) */
		return tg_neigh_nd(e->neigh, &rx->pkt, &rx->eth, &rx->ip, &icmp, e->env.now_ms,
				   &e->out, &rx->used);
	}
	why = tg_rx_check_src(e, rx);
	if (why != TG_CTR_NONE)
		return why;
	bool ours = tg_route_is_ours(e->neigh, &rx->ip.dst, &port) && port == rx->pkt.port;

	rx->foreign = !ours && e->splices && (e->splices->foreign_ports >> rx->pkt.port & 1);
	if (!ours && (!rx->foreign || !is_error(&icmp)))
		return TG_CTR_bad_dst;
	why = check_link(rx);
	if (why != TG_CTR_NONE)
		return why;
	switch (icmp.kind) {
	case TG_ICMP_ECHO:
		return echo(e, rx);
	case TG_ICMP_ERROR_SOFT:
	case TG_ICMP_ERROR_HARD:
	case TG_ICMP_ERROR_PTB:
		return error(e, rx, &icmp);
	case TG_ICMP_QUENCH:
		return TG_CTR_icmp_quench;
	case TG_ICMP_REDIRECT:
		return TG_CTR_ra_ignored;
	case TG_ICMP_OTHER:
	case TG_ICMP_ND_NS:
	case TG_ICMP_ND_NA:
	case TG_ICMP_ND_RA:
		break;
	}
	return TG_CTR_icmp_other;
}
