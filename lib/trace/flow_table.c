/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_table.c: finds the flow of a packet, makes new ones, lets old ones go. */
#include "flow_int.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNKS = 16384, BUCKETS_MIN = 64 };

/* Equal for both directions. */
static uint64_t hash_of(const struct tg_flows *f, const struct tg_dissected *d)
{
	uint8_t ends[2][18], both[36];
	int first;

	memcpy(ends[0], d->src.b, 16);
	tg_be16_put(ends[0] + 16, d->seg.sport);
	memcpy(ends[1], d->dst.b, 16);
	tg_be16_put(ends[1] + 16, d->seg.dport);
	first = memcmp(ends[0], ends[1], sizeof(ends[0])) > 0;
	memcpy(both, ends[first], 18);
	memcpy(both + 18, ends[!first], 18);
	return tg_siphash13(&f->key, both, sizeof(both));
}

static bool is_tuple(const struct tg_tuple *t, const struct tg_dissected *d)
{
	return t->lport == d->seg.sport && t->rport == d->seg.dport &&
	       tg_addr_equal(&t->laddr, &d->src) && tg_addr_equal(&t->raddr, &d->dst);
}

static void use(struct tg_flows *f, struct tg_flow *flow)
{
	struct tg_flow *last = f->oldest.prev;

	flow->prev = last;
	flow->next = &f->oldest;
	last->next = flow;
	f->oldest.prev = flow;
}

static void unlink_use(struct tg_flow *flow)
{
	flow->prev->next = flow->next;
	flow->next->prev = flow->prev;
}

static struct tg_flow **place_of(struct tg_flows *f, const struct tg_flow *flow)
{
	struct tg_dissected d = {.src = flow->tuple[0].laddr, .dst = flow->tuple[0].raddr};
	struct tg_flow **at;

	d.seg.sport = flow->tuple[0].lport;
	d.seg.dport = flow->tuple[0].rport;
	at = &f->bucket[hash_of(f, &d) & (f->bucket_n - 1)];
	while (*at != flow)
		at = &(*at)->chain;
	return at;
}

static void let_go(struct tg_flows *f, struct tg_flow *flow)
{
	flow_settle(flow);
	f->conf.out(f->conf.ctx, flow);
	*place_of(f, flow) = flow->chain;
	unlink_use(flow);
	for (int i = 0; i < 2; i++)
		tg_end_fini(&flow->end[i], &f->world);
	f->steps_all -= flow->steps_cap;
	free(flow->steps);
	free(flow);
	f->open_n--;
}

struct tg_flows *tg_flows_new(const struct tg_flows_conf *conf)
{
	struct tg_flows *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->conf = *conf;
	f->world.msl_ms = conf->msl_ms;
	f->oldest.next = f->oldest.prev = &f->oldest;
	f->bucket_n = BUCKETS_MIN;
	while (f->bucket_n < conf->open_max)
		f->bucket_n *= 2;
	f->bucket = calloc(f->bucket_n, sizeof(*f->bucket));
	f->chunk_mem = malloc((size_t)CHUNKS * TG_CHUNK_LEN + 64);
	if (!f->bucket || !f->chunk_mem) {
		tg_flows_free(f);
		return NULL;
	}
	tg_chunks_init(&f->world.chunks, (void *)(((uintptr_t)f->chunk_mem + 63) & ~(uintptr_t)63),
		       CHUNKS);
	tg_rng_init(&f->world.rng,
		    1); /* nothing here is secret, and equal input gives equal output */
	f->key = tg_rng_key(&f->world.rng);
	f->world.secret.isn = f->world.secret.ts = f->world.secret.tuple = f->key;
	return f;
}

static void init_side(struct tg_flow *flow, int i, const struct tg_dissected *d)
{
	bool sent = i == 0;

	flow->tuple[i] = (struct tg_tuple){.laddr = sent ? d->src : d->dst,
					   .raddr = sent ? d->dst : d->src,
					   .lport = sent ? d->seg.sport : d->seg.dport,
					   .rport = sent ? d->seg.dport : d->seg.sport};
	tg_end_init(&flow->end[i]);
	flow->rtt_ns[i] = UINT64_MAX;
}

/* The SYN-ACK can be seen first: the left end is then still who asked. */
static struct tg_flow *make(struct tg_flows *f, struct tg_flow **bucket,
			    const struct tg_dissected *d)
{
	struct tg_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->all = f;
	flow->number = f->next_number + 1;
	init_side(flow, 0, d);
	init_side(flow, 1, d);
	flow->facts.first_fin = flow->facts.first_rst = -1;
	flow->chain = *bucket;
	*bucket = flow;
	use(f, flow);
	f->open_n++;
	f->next_number++;
	return flow;
}

/* What the end that was there before knows: that it listens, or its TIME-WAIT. */
static void inherit(struct tg_flow *flow, const struct tg_flow *old, uint32_t old_side,
		    uint64_t time_ns)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct tg_end *was = &old->end[old_side ^ i];

		if (was->phase == TG_END_BLOCK)
			continue;
		flow->end[i] = *was;
		flow->end[i].has_syn = flow->end[i].nxt_known = false;
		if (was->phase == TG_END_RECORD) {
			flow->begin[i] = TG_TIME_WAIT;
			flow->begin_known[i] = true;
		}
	}
	flow->facts.reused = true;
	flow->facts.reused_after_ns = time_ns > old->last_ns ? time_ns - old->last_ns : 0;
	flow->facts.reused_in_tw = flow->end[1].phase == TG_END_RECORD;
}

/* Finds d's flow, and who of it sent d. */
static struct tg_flow *find(struct tg_flow *at, const struct tg_dissected *d, uint32_t *side)
{
	for (; at; at = at->chain)
		for (*side = 0; *side < 2; (*side)++)
			if (is_tuple(&at->tuple[*side], d))
				return at;
	return NULL;
}

static struct tg_flow *flow_for(struct tg_flows *f, uint64_t time_ns, const struct tg_dissected *d,
				uint32_t *side)
{
	struct tg_flow **bucket = &f->bucket[hash_of(f, d) & (f->bucket_n - 1)];
	struct tg_flow *flow = find(*bucket, d, side), *old = flow;

	if (flow && !flow_is_over(flow, *side, &d->seg))
		return flow;
	if (f->open_n >= f->conf.open_max && f->oldest.next != old) {
		f->oldest.next->evicted = true;
		f->evicted++;
		let_go(f, f->oldest.next);
	}
	flow = make(f, bucket, d);
	if (flow && old) {
		flow_settle(old);
		inherit(flow, old, *side, time_ns);
		let_go(f, old);
	}
	*side = 0;
	return flow;
}

bool tg_flows_put(struct tg_flows *f, uint64_t time_ns, uint64_t number,
		  const struct tg_dissected *d)
{
	uint32_t side;
	struct tg_flow *flow = flow_for(f, time_ns, d, &side);

	if (!flow)
		return false;
	unlink_use(flow);
	use(f, flow);
	return flow_packet(flow, side, time_ns, number, d);
}

static int by_number(const void *a, const void *b)
{
	const struct tg_flow *const *x = a, *const *y = b;

	return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

void tg_flows_end(struct tg_flows *f)
{
	struct tg_flow **all = malloc((f->open_n ? f->open_n : 1) * sizeof(struct tg_flow *));
	uint32_t n = 0;

	if (all) {
		for (struct tg_flow *at = f->oldest.next; at != &f->oldest; at = at->next)
			all[n++] = at;
		qsort(all, n, sizeof(struct tg_flow *), by_number);
		for (uint32_t i = 0; i < n; i++)
			let_go(f, all[i]);
		free(all);
	}
	while (f->oldest.next != &f->oldest) /* without memory, in another order */
		let_go(f, f->oldest.next);
}

uint64_t tg_flows_evicted(const struct tg_flows *f)
{
	return f->evicted;
}

void tg_flows_watch(struct tg_flows *f, tg_flow_watch_fn fn, void *ctx)
{
	f->watch = fn;
	f->watch_ctx = ctx;
}

void tg_flows_free(struct tg_flows *f)
{
	if (!f)
		return;
	while (f->oldest.next && f->oldest.next != &f->oldest) {
		struct tg_flow *flow = f->oldest.next;

		unlink_use(flow);
		free(flow->steps);
		free(flow);
	}
	free(f->bucket);
	free(f->chunk_mem);
	free(f);
}
