/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_flood.c: what a flood sends: SYNs as several systems make them, from addresses that do
 * not answer, and some of all else that might cost. */
#include "virtual.h"

#include <stdlib.h>

enum {
	MEMORY_N = 512,    /* a power of two */
	MEMORY_REST = 128, /* these were sent a moment ago: not twice in a burst */
	PORT = 80,
	CLOSED_PORT = 81,
	TEXT_MAX = 512,
};

struct v_flood_syn {
	struct tg_addr src;
	uint16_t sport;
	tg_seq seq;
	uint8_t layout;
	bool repeated;
};

/* Options as they stand on the wire; a TSval where ts_at is not 0. */
struct layout {
	uint8_t share; /* of 100 */
	uint8_t len, ts_at;
	uint8_t opt[40];
};

static const struct layout layouts[] = {
    {40, 20, 8, {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}},
    {20, 12, 0, {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2}},
    {10, 24, 12, {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0}},
    {15, 4, 0, {2, 4, 5, 180}},
    {12, 0, 0, {0}},
    {3, 40, 0, {253, 36, [36] = 2, [37] = 4, [38] = 2, [39] = 24}},
};
enum { LAYOUT_N = sizeof(layouts) / sizeof(layouts[0]), LAYOUT_BARE = 4 };

void v_flood_init(struct v_flood *f, bool v6, uint64_t seed)
{
	*f = (struct v_flood){.v6 = v6};
	tg_rng_init(&f->rng, seed);
	f->memory = calloc(MEMORY_N, sizeof(*f->memory));
}

void v_flood_fini(struct v_flood *f)
{
	free(f->memory);
}

static uint32_t below(struct v_flood *f, uint32_t n)
{
	return tg_rng_below(&f->rng, n);
}

static uint8_t any_layout(struct v_flood *f)
{
	uint32_t at = below(f, 100);
	uint8_t i = 0;

	while (at >= layouts[i].share)
		at -= layouts[i++].share;
	return i;
}

static struct v_flood_syn fresh(struct v_flood *f)
{
	return (struct v_flood_syn){
	    .src = v_addr_flood(f->v6, &f->rng),
	    .sport = (uint16_t)(1024 + below(f, 64512)),
	    .seq = tg_seq_make((uint32_t)tg_rng_next(&f->rng)),
	    .layout = any_layout(f),
	};
}

static uint32_t put(struct v_flood *f, uint8_t *frame, const struct v_flood_syn *s, uint8_t ctl,
		    uint16_t dport, uint32_t text)
{
	static const uint8_t bytes[TEXT_MAX];
	const struct layout *l = &layouts[s->layout];
	struct tg_tuple t = {
	    .laddr = v_addr_server(f->v6), .raddr = s->src, .lport = dport, .rport = s->sport};
	struct tg_seg seg = {.seq = s->seq, .wnd = 64240, .ctl = ctl, .len = text};
	uint8_t opt[40];

	if (ctl & TG_TCP_ACK)
		seg.ack = tg_seq_make((uint32_t)tg_rng_next(&f->rng));
	memcpy(opt, l->opt, sizeof(opt));
	if (l->ts_at)
		tg_be32_put(opt + l->ts_at, (uint32_t)tg_rng_next(&f->rng));
	return v_frame(frame, &t, &seg, opt, l->len, bytes);
}

static uint32_t fresh_syn(struct v_flood *f, uint8_t *frame, uint32_t text)
{
	struct v_flood_syn s = fresh(f);

	f->memory[f->memory_n++ % MEMORY_N] = s;
	return put(f, frame, &s, TG_TCP_SYN, PORT, text);
}

/* A SYN that was sent before, once more; every second time with fewer options. Never is a tuple
 * twice in a burst, so that an answer tells what drew it. */
static uint32_t repeat(struct v_flood *f, uint8_t *frame)
{
	uint32_t oldest = f->memory_n % MEMORY_N; /* the next to be overwritten */
	struct v_flood_syn *m = &f->memory[(oldest + below(f, MEMORY_N - MEMORY_REST)) % MEMORY_N];

	if (m->repeated)
		return fresh_syn(f, frame, 0);
	m->repeated = true;
	struct v_flood_syn s = *m;

	if (below(f, 2))
		s.layout = LAYOUT_BARE;
	return put(f, frame, &s, TG_TCP_SYN, PORT, 0);
}

/* An ACK as of a handshake, every second one with a timestamp. */
static uint32_t ack(struct v_flood *f, uint8_t *frame, uint8_t ctl)
{
	struct v_flood_syn s = fresh(f);
	struct tg_tuple t = {
	    .laddr = v_addr_server(f->v6), .raddr = s.src, .lport = PORT, .rport = s.sport};
	struct tg_seg seg = {
	    .seq = s.seq,
	    .ack = tg_seq_make((uint32_t)tg_rng_next(&f->rng)),
	    .wnd = 502,
	    .ctl = ctl,
	};
	uint8_t opt[12] = {1, 1, 8, 10};
	uint64_t ts = tg_rng_next(&f->rng);

	memcpy(opt + 4, &ts, sizeof(ts));
	return v_frame(frame, &t, &seg, opt, below(f, 2) ? 12 : 0, NULL);
}

static uint32_t other(struct v_flood *f, uint8_t *frame)
{
	struct v_flood_syn s = fresh(f);
	uint32_t kind = below(f, 9);

	if (kind < 5)
		return ack(f, frame, TG_TCP_ACK);
	if (kind < 7)
		return ack(f, frame, TG_TCP_SYN | TG_TCP_ACK);
	if (kind < 8)
		return ack(f, frame, below(f, 2) ? TG_TCP_RST : TG_TCP_FIN | TG_TCP_ACK);
	return put(f, frame, &s, TG_TCP_SYN, CLOSED_PORT, 0);
}

/* Of a hundred packets 85 are SYNs for the first time, 2 of these with text, 6 are repeated, and 9
 * are something else. */
void v_flood_fill(struct v_flood *f, struct tg_pkt *pkt)
{
	uint32_t kind = below(f, 100);

	if (kind < 9)
		pkt->len = other(f, pkt->data);
	else if (kind < 15 && f->memory_n >= MEMORY_N)
		pkt->len = repeat(f, pkt->data);
	else
		pkt->len = fresh_syn(f, pkt->data, kind < 17 ? 1 + below(f, TEXT_MAX) : 0);
}
