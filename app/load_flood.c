/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_flood.h"
#include "tg_wire.h"

enum { WINDOW = 64240, MSS_HEADERS_V4 = 40, MSS_HEADERS_V6 = 60, WSCALE = 7, TTL = 64 };

/* Each kind as a usual host sends it: who judges packets by their look must have no easy game. */
static void make_options(const struct tg_load_flood *f, bool v4, bool syn, struct tg_tcp_opts *opts)
{
	opts->has_ts = 1;
	if (!syn)
		return;
	opts->has_mss = opts->has_sack_perm = opts->has_wscale = 1;
	opts->mss = (uint16_t)(f->port->mtu - (v4 ? MSS_HEADERS_V4 : MSS_HEADERS_V6));
	opts->wscale = WSCALE;
}

static struct tg_seg make_seg(struct tg_load_flood *f, const struct tg_load_target *t)
{
	static const uint8_t ctl[] = {[TG_FLOOD_SYN] = TG_TCP_SYN,
				      [TG_FLOOD_SYNACK] = TG_TCP_SYN | TG_TCP_ACK,
				      [TG_FLOOD_ACK] = TG_TCP_ACK,
				      [TG_FLOOD_RST] = TG_TCP_RST,
				      [TG_FLOOD_FIN] = TG_TCP_FIN | TG_TCP_ACK};
	const struct tg_load_settings *s = &f->plan->set;
	uint32_t kind = s->flood == TG_FLOOD_MIXED
			    ? TG_FLOOD_SYN + tg_rng_below(&f->rng, TG_FLOOD_MIXED - TG_FLOOD_SYN)
			    : s->flood;
	uint64_t numbers = tg_rng_next(&f->rng), times = tg_rng_next(&f->rng);
	struct tg_seg seg = {
	    .seq = tg_seq_make((uint32_t)numbers), .wnd = WINDOW, .ctl = ctl[kind]};

	seg.sport = (uint16_t)(s->ports[0] + tg_rng_below(&f->rng, s->ports[1] - s->ports[0] + 1));
	seg.dport = t->port;
	if (seg.ctl & TG_TCP_ACK)
		seg.ack = tg_seq_make((uint32_t)(numbers >> 32));
	if (kind == TG_FLOOD_RST)
		return seg;
	make_options(f, t->v4, (seg.ctl & TG_TCP_SYN) != 0, &seg.opts);
	seg.opts.tsval = (uint32_t)times;
	if (seg.ctl & TG_TCP_ACK)
		seg.opts.tsecr = (uint32_t)(times >> 32);
	return seg;
}

static void build(struct tg_load_flood *f, uint32_t target, struct tg_pkt *pkt)
{
	const struct tg_load_target *t = &f->plan->target[target];
	const struct tg_load_way *way = &f->way[target];
	struct tg_eth eth = {.dst = way->to,
			     .src = f->port->mac,
			     .type = t->v4 ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6,
			     .vid = f->port->vlan,
			     .tagged = f->port->vlan != 0};
	struct tg_ip ip = {.dst = t->addr,
			   .proto = TG_PROTO_TCP,
			   .ttl = TTL,
			   .v6 = !t->v4,
			   .frag_id = (uint16_t)tg_rng_next(&f->rng)};
	struct tg_seg seg = make_seg(f, t);
	uint32_t len = tg_tcp_hdr_len(&seg.opts, (seg.ctl & TG_TCP_SYN) != 0),
		 at = tg_eth_emit(pkt->data, &eth);

	ip.src = tg_load_plan_any_source(f->plan, t->v4, &f->rng);
	at += t->v4 ? tg_ip4_emit(pkt->data + at, &ip, len, false)
		    : tg_ip6_emit(pkt->data + at, &ip, len, 0);
	tg_tcp_emit(pkt->data + at, &seg);
	tg_tcp_csum_put(pkt->data + at, len, &ip.src, &ip.dst, false);
	pkt->len = at + len;
	pkt->port = (uint16_t)way->port;
	pkt->tx_flags = 0;
}

/* At its end a flood is not made up for: what is due still was missed. */
static void end_in_time(struct tg_pacer *p, uint64_t now_ns)
{
	uint64_t taken = p->taken;

	if (!tg_pacer_has_ended(p, now_ns))
		return;
	tg_pacer_skip(p, now_ns);
	p->missed += p->taken - taken;
}

uint32_t tg_load_flood_turn(struct tg_load_flood *f, uint64_t now_ns)
{
	struct tg_pkt pkt[TG_IO_BURST];
	uint64_t first;
	uint32_t want = tg_pacer_take(&f->pacer, now_ns, TG_IO_BURST, &first), n = 0;
	uint32_t got = want ? tg_io_alloc(f->io, pkt, want) : 0;

	end_in_time(&f->pacer, now_ns);
	for (uint32_t i = 0; i < got; i++) {
		const struct tg_load_target *t =
		    tg_load_plan_target(f->plan, tg_rng_below(&f->rng, f->plan->weight_all));
		uint32_t target = (uint32_t)(t - f->plan->target);
		if (!f->way[target].known) {
			tg_io_free(f->io, &pkt[i], 1);
			continue;
		}
		pkt[n] = pkt[i];
		build(f, target, &pkt[n++]);
	}
	if (n)
		tg_io_tx(f->io, pkt, n);
	f->sent += n;
	f->pacer.missed += want - n; /* no buffer, or nobody there */
	return n;
}
