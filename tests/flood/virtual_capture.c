/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_capture.c: every packet, in the order in which the engine took and sent them, into a
 * file; and then from the file alone: what did each packet of a prefix that has proved nothing
 * draw? Lengths are those of IP packets. */
#include "virtual.h"

#include "tg_siphash.h"
#include "tg_trace.h"
#include "tg_wire.h"
#include <stdio.h>
#include <stdlib.h>

enum { MSS_LEN = 4, SYN_OPTS_LEN = 20, TS_LEN = 12, TURN_NS = 2000000, ERR = 200 };

struct v_capture {
	struct tg_trace_writer *w;
	bool failed;
	char err[ERR];
};

struct v_capture *v_capture_open(const char *path)
{
	struct v_capture *c = calloc(1, sizeof(*c));

	c->w = tg_trace_create(path, TG_TRACE_ETHERNET, c->err, ERR);
	c->failed = !c->w;
	return c;
}

void v_capture_put(struct v_capture *c, const struct tg_pkt *pkt, uint64_t at_ns)
{
	if (!c->failed)
		c->failed = !tg_trace_put(c->w, at_ns, pkt->data, pkt->len, c->err, ERR);
}

bool v_capture_close(struct v_capture *c)
{
	bool good = !c->failed;

	if (c->w && !tg_trace_finish(c->w, c->err, ERR))
		good = false;
	if (!good)
		printf("capture: %s\n", c->err);
	free(c);
	return good;
}

/* --- what is known of a tuple, or of a prefix --- */

struct entry {
	uint64_t key; /* 0 = free */
	uint64_t answers;
	uint64_t in_ns;
	uint32_t in_len;
	uint16_t syn_acks, again;
	bool waits, is_syn;
};

struct table {
	struct entry *at;
	uint64_t n, max; /* a power of two */
};

static struct entry *find(struct table *t, uint64_t key)
{
	uint64_t i = key & (t->max - 1);

	while (t->at[i].key && t->at[i].key != key)
		i = (i + 1) & (t->max - 1);
	return &t->at[i];
}

static void grow(struct table *t)
{
	struct table big = {.max = t->max ? 2 * t->max : 1u << 16, .n = t->n};

	big.at = calloc(big.max, sizeof(*big.at));
	for (uint64_t i = 0; i < t->max; i++)
		if (t->at[i].key)
			*find(&big, t->at[i].key) = t->at[i];
	free(t->at);
	*t = big;
}

/* data[len] names it: 64 bits of a hash do for some million names. */
static struct entry *entry_of(struct table *t, const void *data, size_t len)
{
	static const struct tg_sipkey key = {1, 2};

	if (2 * (t->n + 1) > t->max)
		grow(t);
	uint64_t k = tg_siphash13(&key, data, len) | 1;
	struct entry *e = find(t, k);

	if (!e->key) {
		e->key = k;
		t->n++;
	}
	return e;
}

/* --- one packet --- */

struct judge {
	struct v_verdict *v;
	struct table tuples, prefixes;
	bool v6, always;
	uint64_t first_ns, last_ns;
};

struct seen {
	struct tg_ip ip;
	struct tg_seg seg;
	uint32_t len;
};

static bool parse(const struct judge *j, const struct tg_trace_packet *p, struct seen *s)
{
	const uint8_t *l3 = p->data + TG_ETH_LEN;
	uint32_t len = p->len - TG_ETH_LEN;
	enum tg_ctr why =
	    j->v6 ? tg_ip6_parse(l3, len, &s->ip) : tg_ip4_parse(l3, len, true, &s->ip);

	if (p->len != p->wire_len || why != TG_CTR_NONE || s->ip.proto != TG_PROTO_TCP ||
	    !tg_tcp_csum_ok(l3 + s->ip.hdr_len, s->ip.payload_len, &s->ip.src, &s->ip.dst))
		return false;
	s->len = s->ip.hdr_len + s->ip.payload_len;
	return tg_tcp_parse(l3 + s->ip.hdr_len, s->ip.payload_len, &s->seg) == TG_CTR_NONE;
}

static struct entry *tuple_of(struct judge *j, const struct tg_addr *peer, uint16_t peer_port,
			      uint16_t our_port)
{
	uint8_t name[20];

	memcpy(name, peer->b, 16);
	tg_be16_put(name + 16, peer_port);
	tg_be16_put(name + 18, our_port);
	return entry_of(&j->tuples, name, sizeof(name));
}

static void came(struct judge *j, const struct seen *s, uint64_t at_ns)
{
	struct entry *e = tuple_of(j, &s->ip.src, s->seg.sport, s->seg.dport);

	j->v->in.packets++;
	j->v->in.bytes += s->len;
	j->v->limited += e->waits;
	e->waits = true;
	e->is_syn = (s->seg.ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) == TG_TCP_SYN;
	e->in_len = s->len;
	e->in_ns = at_ns;
}

/* How much longer than what drew it an answer may be. */
static uint32_t more(const struct judge *j, const struct entry *e, const struct seen *s)
{
	bool syn_ack = (s->seg.ctl & (TG_TCP_SYN | TG_TCP_ACK)) == (TG_TCP_SYN | TG_TCP_ACK);

	if (j->always || !e->syn_acks)
		return syn_ack && e->is_syn ? MSS_LEN : 0;
	if (syn_ack)
		return SYN_OPTS_LEN; /* with the options that were agreed on */
	return s->seg.ctl == TG_TCP_ACK ? TS_LEN : 0;
}

/* What no packet drew: a half-open entry says its SYN-ACK again. */
static void unasked(struct judge *j, struct entry *e, bool syn_ack)
{
	if (j->always || !syn_ack || !e->syn_acks) {
		j->v->unasked++;
		return;
	}
	j->v->again++;
	e->again++;
	if (e->again > j->v->again_max)
		j->v->again_max = e->again;
}

static void drawn(struct judge *j, struct entry *e, const struct seen *s, bool syn_ack)
{
	uint32_t usual = syn_ack && e->is_syn ? MSS_LEN : 0;

	e->waits = false;
	if (s->len > e->in_len + more(j, e, s))
		j->v->too_long++;
	else if (s->len > e->in_len + usual)
		j->v->longer++;
}

/* An answer comes within the engine's turn. */
static void went(struct judge *j, const struct seen *s, uint64_t at_ns)
{
	bool syn_ack = (s->seg.ctl & (TG_TCP_SYN | TG_TCP_ACK)) == (TG_TCP_SYN | TG_TCP_ACK);
	struct entry *e = tuple_of(j, &s->ip.dst, s->seg.dport, s->seg.sport);
	struct entry *prefix =
	    entry_of(&j->prefixes, s->ip.dst.b + (j->v6 ? 0 : 12), j->v6 ? 6 : 3);

	j->v->out.packets++;
	j->v->out.bytes += s->len;
	j->v->syn_ack += syn_ack;
	prefix->answers++;
	if (e->waits && at_ns - e->in_ns < TURN_NS)
		drawn(j, e, s, syn_ack);
	else
		unasked(j, e, syn_ack);
	e->syn_acks += syn_ack;
}

/* --- the file --- */

static void look(struct judge *j, const struct tg_trace_packet *p)
{
	struct seen s;

	if (!parse(j, p, &s)) {
		j->v->broken++;
		return;
	}
	if (!j->first_ns)
		j->first_ns = p->time_ns;
	j->last_ns = p->time_ns;
	if (v_addr_is_flood(&s.ip.src))
		came(j, &s, p->time_ns);
	else if (v_addr_is_flood(&s.ip.dst))
		went(j, &s, p->time_ns);
}

/* All of a bucket at once, and then its rate, which is jittered by a quarter. */
static void judge_budgets(struct judge *j, uint32_t rate)
{
	double s = (double)(j->last_ns - j->first_ns) / 1e9;
	uint64_t most = rate + (uint64_t)(1.25 * rate * s) + 2;

	for (uint64_t i = 0; i < j->prefixes.max; i++) {
		uint64_t n = j->prefixes.at[i].answers;
		if (n > j->v->budget_max)
			j->v->budget_max = n;
		j->v->over_budget += rate && n > most;
	}
}

bool v_capture_judge(const char *path, bool v6, bool always, uint32_t rate, uint32_t retries,
		     struct v_verdict *v)
{
	struct judge j = {.v = v, .v6 = v6, .always = always};
	struct tg_trace_packet p;
	char err[ERR];
	int rc = -1;

	*v = (struct v_verdict){0};
	struct tg_trace_reader *r = tg_trace_open(path, err, sizeof(err));

	while (r && (rc = tg_trace_next(r, &p, err, sizeof(err))) == 1)
		look(&j, &p);
	if (rc < 0)
		printf("%s: %s\n", path, err);
	judge_budgets(&j, rate);
	for (uint64_t i = 0; i < j.tuples.max; i++)
		v->too_often += j.tuples.at[i].again > retries;
	tg_trace_close(r);
	free(j.tuples.at);
	free(j.prefixes.at);
	return rc == 0;
}
