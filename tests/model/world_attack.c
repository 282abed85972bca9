/* SPDX-License-Identifier: BSD-3-Clause */
/* world_attack.c: one who has seen the wire and injects segments around the edges of what is open.
 */
#include "world.h"

static uint32_t near_window(struct world *w, uint32_t nxt, uint32_t edge)
{
	switch (world_draw(w, 12)) {
	case 0:
		return nxt - 1;
	case 1:
		return nxt + 1;
	case 2:
		return edge - 1;
	case 3:
		return edge;
	case 4:
		return edge + 1;
	case 5:
		return nxt - world_draw(w, 2000);
	case 6:
		return world_draw32(w);
	case 7:
	case 8:
		return nxt + world_draw(w, edge - nxt + 1);
	default:
		return nxt;
	}
}

static uint32_t near_ack(struct world *w, uint32_t una, uint32_t nxt, uint32_t max_wnd)
{
	switch (world_draw(w, 12)) {
	case 0:
		return una - 1;
	case 1:
		return nxt + 1;
	case 2:
		return una - max_wnd;
	case 3:
		return una - max_wnd - 1;
	case 4:
		return world_draw32(w);
	case 5:
		return una + world_draw(w, nxt - una + 1);
	case 6:
		return una;
	case 7:
		return una - world_draw(w, 3000);
	default:
		return nxt;
	}
}

static void forge_ts(struct world *w, struct ref_seg *g, bool on, uint32_t recent, uint32_t echo)
{
	g->has_ts = world_draw(w, 12) ? on : !on;
	g->tsval = recent + (world_draw(w, 6) ? world_draw(w, 3) : 0u - world_draw(w, 100));
	g->tsecr =
	    g->flags & REF_ACK ? world_draw(w, 8) ? echo : echo + 1000 - world_draw(w, 2000) : 0;
}

/* Numbers around those of the target, as one would use who has seen the wire. */
static void forge_numbers(struct world *w, struct ref_seg *g, const struct ref_tuple *t)
{
	const struct ref_conn *c = t->live;

	if (c) {
		g->seq = near_window(w, world_draw(w, 20) ? c->rcv_nxt : c->irs, c->edge);
		g->ack = near_ack(w, c->una, c->nxt, c->max_wnd);
		forge_ts(w, g, c->ts_on || (c->state == REF_SYN_SENT && c->ts_first), c->ts_recent,
			 c->ts_last);
	} else if (t->tw.on) {
		g->seq = near_window(w, t->tw.rcv_nxt, t->tw.edge);
		g->ack = near_ack(w, t->tw.snd_nxt, t->tw.snd_nxt, t->tw.max_wnd);
		forge_ts(w, g, t->tw.ts_on, t->tw.ts_recent, t->tw.ts_first);
	} else {
		g->seq = world_draw32(w);
		g->ack = world_draw32(w);
		forge_ts(w, g, world_draw(w, 2), world_draw32(w), 0);
	}
}

static const uint8_t forged_flags[] = {REF_ACK,
				       REF_ACK,
				       REF_ACK,
				       REF_ACK,
				       REF_ACK | REF_PSH,
				       REF_ACK | REF_FIN,
				       REF_ACK | REF_FIN,
				       REF_RST,
				       REF_RST | REF_ACK,
				       REF_SYN,
				       REF_SYN,
				       REF_SYN | REF_ACK,
				       REF_SYN | REF_ACK,
				       REF_FIN,
				       0,
				       REF_PSH,
				       REF_SYN | REF_FIN,
				       REF_SYN | REF_RST,
				       REF_ACK | REF_URG,
				       REF_FIN | REF_PSH | REF_URG,
				       63};

void world_forge(struct world *w)
{
	static uint8_t text[600], bytes[WIRE_MAX];
	int to = (int)world_draw(w, 2), at = (int)world_draw(w, REF_PORTS * REF_PORTS);
	struct ref_host *h = w->side[to].ref;
	struct ref_seg g = {0};

	for (int i = 0; i < 6 && !h->tuple[at / REF_PORTS][at % REF_PORTS].live &&
			!h->tuple[at / REF_PORTS][at % REF_PORTS].tw.on;
	     i++)
		at = (int)world_draw(w, REF_PORTS * REF_PORTS);
	bool wants_tw = world_draw(w, 3) == 0;

	for (int i = 0; wants_tw && i < REF_PORTS * REF_PORTS; i++)
		if (h->tuple[i / REF_PORTS][i % REF_PORTS].tw.on)
			at = i; /* it is rare, and short */
	const struct ref_tuple *t = &h->tuple[at / REF_PORTS][at % REF_PORTS];

	g.lp = at % REF_PORTS; /* the sender's view */
	g.rp = at / REF_PORTS;
	g.flags = forged_flags[world_draw(w, sizeof(forged_flags))];
	forge_numbers(w, &g, t);
	g.win = world_pick(w, (const uint32_t[]){0, 1, 50, 500, 4000, 65535}, 6);
	if (t->live && t->live->snd_shift && world_draw(w, 2))
		g.win >>= t->live->snd_shift;
	if (g.flags & REF_SYN) {
		g.has_mss = world_draw(w, 3) > 0;
		g.mss = world_pick(w, (const uint32_t[]){0, 100, 536, 1460}, 4);
		g.has_ws = world_draw(w, 2);
		g.ws = world_pick(w, (const uint32_t[]){0, 2, 7, 14, 15}, 5);
		g.has_sackok = world_draw(w, 2);
	}
	/* Text on a SYN-ACK may be used or not (SE-05): nothing to predict. */
	bool bare = world_draw(w, 2) || (g.flags & (REF_SYN | REF_ACK)) == (REF_SYN | REF_ACK);

	g.len = bare ? 0 : world_pick(w, (const uint32_t[]){1, 1, 2, 20, 200, 500}, 6);
	for (uint32_t i = 0; i < g.len; i++)
		text[i] = (uint8_t)world_draw(w, 256);
	g.text = text;
	w->injected++;
	world_deliver(w, to, bytes, wire_build(&g, w->v6, !to, bytes), "< forged");
}

/* A datagram of the past comes once more, as it was or bent a little. */
void world_replay(struct world *w)
{
	if (w->past_n == 0)
		return;
	static struct world_datagram d;
	static uint8_t bytes[WIRE_MAX];
	uint32_t have = w->past_n < WORLD_PAST ? w->past_n : WORLD_PAST;
	struct ref_seg g;

	d = w->past[world_draw(w, have)];
	w->injected++;
	if (world_draw(w, 2)) {
		world_deliver(w, d.to, d.bytes, d.len, "< replayed");
		return;
	}
	if (wire_parse(&g, w->v6, d.to, !d.to, d.bytes, d.len))
		return;
	switch (world_draw(w, 5)) {
	case 0:
		g.seq += world_pick(w, (const uint32_t[]){1, 0xffffffff, 10, 0xfffffff0, 1000}, 5);
		break;
	case 1:
		g.ack += world_pick(w, (const uint32_t[]){1, 0xffffffff, 10, 0xfffffff0, 1000}, 5);
		break;
	case 2:
		g.flags ^= (uint8_t)(1u << world_draw(w, 6));
		break;
	case 3:
		g.win = world_draw(w, 2) ? 0 : world_draw(w, 65536);
		break;
	default:
		g.tsval += world_pick(w, (const uint32_t[]){1, 0xffffffff, 5, 0xfffffff0}, 4);
		break;
	}
	if ((g.flags & (REF_SYN | REF_ACK)) == (REF_SYN | REF_ACK))
		g.len = 0;
	world_deliver(w, d.to, bytes, wire_build(&g, w->v6, !d.to, bytes), "< bent");
}
