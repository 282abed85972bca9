/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_flood.h"
#include "tg_wire.h"

enum { WINDOW = 64240, MSS_HEADERS_V4 = 40, MSS_HEADERS_V6 = 60, WSCALE = 7, TTL = 64 };

static uint64_t below(struct tg_rng *rng, uint64_t n)
{
	return n <= UINT32_MAX ? tg_rng_below(rng, (uint32_t)n) : tg_rng_next(rng) % n;
}

/* The options of a usual host: who judges SYNs by them must have no easy game. */
static struct tg_seg make_syn(struct tg_load_flood *f, const struct tg_load_target *t)
{
	const struct tg_load_settings *s = &f->plan->set;
	uint64_t random = tg_rng_next(&f->rng);
	struct tg_seg seg = {
	    .seq = tg_seq_make((uint32_t)(random >> 32)), .wnd = WINDOW, .ctl = TG_TCP_SYN};

	seg.sport = (uint16_t)(s->ports[0] + tg_rng_below(&f->rng, s->ports[1] - s->ports[0] + 1));
	seg.dport = t->port;
	seg.opts.has_mss = seg.opts.has_sack_perm = seg.opts.has_wscale = 1;
	seg.opts.mss = (uint16_t)(f->port->mtu - (t->v4 ? MSS_HEADERS_V4 : MSS_HEADERS_V6));
	seg.opts.wscale = WSCALE;
	seg.opts.has_ts = 1;
	seg.opts.tsval = (uint32_t)random;
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
	struct tg_seg seg = make_syn(f, t);
	uint32_t len = tg_tcp_hdr_len(&seg.opts, true), at = tg_eth_emit(pkt->data, &eth);

	ip.src = tg_load_plan_source(f->plan, t->v4, below(&f->rng, f->plan->source_all[t->v4]));
	at += t->v4 ? tg_ip4_emit(pkt->data + at, &ip, len, false)
		    : tg_ip6_emit(pkt->data + at, &ip, len, 0);
	tg_tcp_emit(pkt->data + at, &seg);
	tg_tcp_csum_put(pkt->data + at, len, &ip.src, &ip.dst, false);
	pkt->len = at + len;
	pkt->port = (uint16_t)way->port;
	pkt->tx_flags = 0;
}

uint32_t tg_load_flood_turn(struct tg_load_flood *f, uint64_t now_ns)
{
	struct tg_pkt pkt[TG_IO_BURST];
	uint64_t first;
	uint32_t want = tg_pacer_take(&f->pacer, now_ns, TG_IO_BURST, &first), n = 0;
	uint32_t got = want ? tg_io_alloc(f->io, pkt, want) : 0;

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
