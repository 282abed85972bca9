/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_run.c: one run: who is next, what is under way, and the figures that come of it. */
#include "virtual.h"

#include "tg_wire.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAMPLE_NS = 100000000, SETTLE_NS = 500000000, CLIENTS_MORE = 1000 };
enum { FRAME_N = 2048, EVENT_N = 65536 };

struct frame {
	struct frame *next;
	uint8_t bytes[V_FRAME];
};

double v_random_gap(struct tg_rng *rng, double mean)
{
	double u = (double)(tg_rng_next(rng) >> 11) * 0x1p-53;

	return -log1p(-u) * mean;
}

/* --- what is under way: a heap by arrival --- */

uint8_t *v_run_frame(struct v_run *run)
{
	struct frame *f = run->free_frame;

	if (f)
		run->free_frame = f->next;
	else
		f = malloc(sizeof(*f));
	return f->bytes;
}

static void put_frame(struct v_run *run, uint8_t *bytes)
{
	struct frame *f = (struct frame *)(bytes - offsetof(struct frame, bytes));

	f->next = run->free_frame;
	run->free_frame = f;
}

/* Room for what is usually under way, so that the process does not grow later. */
static void reserve(struct v_run *run)
{
	uint8_t *frame[FRAME_N];

	for (int i = 0; i < FRAME_N; i++) {
		frame[i] = v_run_frame(run);
		memset(frame[i], 1, V_FRAME);
	}
	for (int i = 0; i < FRAME_N; i++)
		put_frame(run, frame[i]);
	run->heap_max = EVENT_N;
	run->heap = malloc(EVENT_N * sizeof(*run->heap));
	memset(run->heap, 1, EVENT_N * sizeof(*run->heap));
}

static bool is_before(const struct v_event *x, const struct v_event *y)
{
	return x->at_ns < y->at_ns || (x->at_ns == y->at_ns && x->order < y->order);
}

void v_run_put(struct v_run *run, struct v_event ev)
{
	uint32_t i = run->heap_n++;

	if (i == run->heap_max) {
		run->heap_max *= 2;
		run->heap = realloc(run->heap, run->heap_max * sizeof(*run->heap));
	}
	ev.order = run->order++;
	for (; i > 0 && is_before(&ev, &run->heap[(i - 1) / 2]); i = (i - 1) / 2)
		run->heap[i] = run->heap[(i - 1) / 2];
	run->heap[i] = ev;
}

static struct v_event take(struct v_run *run)
{
	struct v_event first = run->heap[0], last = run->heap[--run->heap_n];
	uint32_t i = 0, n = run->heap_n;

	for (uint32_t k; (k = 2 * i + 1) < n; i = k) {
		if (k + 1 < n && is_before(&run->heap[k + 1], &run->heap[k]))
			k++;
		if (is_before(&last, &run->heap[k]))
			break;
		run->heap[i] = run->heap[k];
	}
	run->heap[i] = last;
	return first;
}

/* --- what arrives at the server, and what leaves it --- */

static void to_server(struct v_run *run, const struct v_event *ev)
{
	struct tg_pkt *pkt = v_server_offer(&run->server, (enum v_who)ev->who);
	bool syn = ev->who == V_CLIENT && v_is_syn(ev->frame, run->p->v6);

	run->r->all.syn_offered += syn;
	run->r->all.syn_lost += syn && !pkt;
	if (!pkt)
		return;
	memcpy(pkt->data, ev->frame, ev->len);
	pkt->len = ev->len;
}

static void flood_one(struct v_run *run)
{
	struct tg_pkt *pkt = v_server_offer(&run->server, V_FLOOD);

	run->flood_at += v_random_gap(&run->flood.rng, run->flood_gap);
	if (pkt)
		v_flood_fill(&run->flood, pkt);
}

static void to_flood(struct v_run *run, const struct tg_pkt *pkt, uint8_t ctl)
{
	struct v_result *r = run->r;
	bool syn_ack = (ctl & (TG_TCP_SYN | TG_TCP_ACK)) == (TG_TCP_SYN | TG_TCP_ACK);

	r->flood_out.packets++;
	r->flood_out.bytes += pkt->len - TG_ETH_LEN;
	r->flood_syn_ack += syn_ack;
	r->flood_other += !syn_ack;
}

static void sent(void *ctx, const struct tg_pkt *pkt, uint64_t at_ns)
{
	struct v_run *run = ctx;
	bool v6 = run->p->v6;
	const uint8_t *ip = pkt->data + TG_ETH_LEN;
	const uint8_t *tcp = ip + (v6 ? TG_IP6_LEN : TG_IP4_LEN);
	struct tg_addr dst = v6 ? tg_addr_from_v6(ip + 24) : tg_addr_from_v4(ip + 16);
	uint32_t i;

	if (v_addr_is_flood(&dst)) {
		to_flood(run, pkt, tcp[13]);
		return;
	}
	if (!v_client_find(run, &dst, tg_be16_get(tcp + 2), &i)) {
		v_bulk_sent(run->bulk, pkt, at_ns);
		return;
	}
	v_client_note_sent(run, i, tcp[13]);
	uint8_t *frame = v_run_frame(run);

	memcpy(frame, pkt->data, pkt->len);
	v_run_put(run, (struct v_event){.at_ns = at_ns + 5 * TG_NS_PER_MS,
					.frame = frame,
					.len = pkt->len,
					.client = i,
					.kind = V_TO_CLIENT});
}

/* --- time --- */

static void happen(struct v_run *run)
{
	struct v_event ev = take(run);

	switch ((enum v_event_kind)ev.kind) {
	case V_TO_SERVER:
		to_server(run, &ev);
		break;
	case V_TO_CLIENT:
		v_client_gets(run, ev.client, ev.frame, ev.len);
		break;
	case V_TO_BULK:
		v_bulk_gets(run->bulk, ev.frame, ev.len, run->now_ns);
		break;
	case V_CLIENT_DUE:
		v_client_due(run, ev.client);
		break;
	}
	if (ev.frame)
		put_frame(run, ev.frame);
}

/* The flood begins at flood_ns; with on_ns and off_ns it comes and goes. */
static void skip_pause(struct v_run *run)
{
	uint64_t period = run->p->on_ns + run->p->off_ns, at = (uint64_t)run->flood_at;

	if (period && at >= run->span_end_ns)
		run->flood_at = INFINITY;
	else if (period && (at - run->flood_ns) % period >= run->p->on_ns)
		run->flood_at =
		    (double)(run->flood_ns + ((at - run->flood_ns) / period + 1) * period);
}

static void begin_client(struct v_run *run)
{
	run->client_at += v_random_gap(&run->client_rng, 1e9 / run->p->client_rate);
	if (run->client_at >= (double)run->span_end_ns || run->client_n + 1 == run->client_max)
		run->client_at = INFINITY;
	v_client_begin(run);
}

/* The next thing that happens, if it is not after end_ns. The server comes last: what arrives while
 * it looks is there. */
static bool step(struct v_run *run, uint64_t end_ns)
{
	uint64_t heap = run->heap_n ? run->heap[0].at_ns : UINT64_MAX;
	uint64_t bulk = v_bulk_next(run->bulk), server = v_server_next(&run->server, run->now_ns);
	double random = run->flood_at < run->client_at ? run->flood_at : run->client_at;
	uint64_t at = heap < bulk ? heap : bulk;

	at = server < at ? server : at;
	bool is_random = random <= (double)at;

	if (is_random)
		at = (uint64_t)random;
	if (at > end_ns)
		return false;
	if (at > run->now_ns)
		run->now_ns = at;
	if (is_random && run->flood_at <= run->client_at) {
		flood_one(run);
		skip_pause(run);
	} else if (is_random) {
		begin_client(run);
	} else if (heap == at) {
		happen(run);
	} else if (bulk == at) {
		v_bulk_advance(run->bulk, run->now_ns);
	} else {
		v_server_turn(&run->server, run->now_ns);
	}
	return true;
}

static void run_to(struct v_run *run, uint64_t end_ns)
{
	while (step(run, end_ns))
		;
	run->now_ns = end_ns;
}

/* --- figures --- */

static int64_t resident(void)
{
	long long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lld %lld", &total, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* What is open and belongs to no client, and to no transfer, somebody has got by a guess. */
static void sample(struct v_run *run)
{
	struct tg_engine_stats s;
	uint32_t known = v_client_alive(run) + 2 * run->p->flow_n;

	tg_engine_stats(run->server.e, &s);
	uint32_t open = s.state[TG_ESTABLISHED];

	if (open > known && open - known > run->r->strange_max)
		run->r->strange_max = open - known;
}

/* The flood is what the others leave of the load: they send less when they lose more. */
static void adapt(struct v_run *run, uint64_t passed_ns, double weight)
{
	const struct v_count *all = &run->r->all;
	uint64_t n = all->offered[V_CLIENT] + all->offered[V_BULK];
	double now = (double)(n - run->others_n) * 1e9 / (double)passed_ns;

	run->others_n = n;
	run->others += weight * (now - run->others);
	run->flood_gap = 1e9 / (run->p->load * run->p->capacity - run->others);
}

/* To end_ns, and ten times a second a look at the state. */
static void watch_to(struct v_run *run, uint64_t end_ns)
{
	while (run->now_ns < end_ns) {
		uint64_t from = run->now_ns, next = from + SAMPLE_NS;
		run_to(run, next < end_ns ? next : end_ns);
		sample(run);
		adapt(run, run->now_ns - from, 0.2);
	}
}

static void begin_flood(struct v_run *run)
{
	run->server.busy_ns = run->server.busy_packets = 0;
	adapt(run, run->p->warm_ns, 1);
	if (run->p->load > 0)
		run->flood_at = (double)run->now_ns + v_random_gap(&run->flood.rng, run->flood_gap);
}

static struct v_count since(const struct v_count *now, const struct v_count *then)
{
	struct v_count c;

	for (int i = 0; i < V_WHO_N; i++) {
		c.offered[i] = now->offered[i] - then->offered[i];
		c.lost[i] = now->lost[i] - then->lost[i];
	}
	c.syn_offered = now->syn_offered - then->syn_offered;
	c.syn_lost = now->syn_lost - then->syn_lost;
	return c;
}

/* Transfers and losses are measured from when the ring has filled until the span ends. */
static void measure(struct v_run *run)
{
	uint64_t from[2], to[2];
	struct v_count then;
	double s = (double)(run->p->span_ns - SETTLE_NS) / 1e9;
	int64_t rss;

	watch_to(run, run->flood_ns + SETTLE_NS);
	run->r->flows_good = v_bulk_moved(run->bulk, &from[0], &from[1]);
	then = run->r->all;
	watch_to(run, run->flood_ns + 2 * SETTLE_NS);
	rss = resident();
	watch_to(run, run->span_end_ns);
	run->r->flows_good &= v_bulk_moved(run->bulk, &to[0], &to[1]);
	run->r->down = (double)(to[0] - from[0]) / s;
	run->r->up = (double)(to[1] - from[1]) / s;
	run->r->span = since(&run->r->all, &then);
	run->r->rss_growth = resident() - rss;
}

static void sum(struct v_run *run)
{
	struct v_result *r = run->r;
	const struct v_server *s = &run->server;

	v_client_sum(run);
	r->armed_n = (uint32_t)v_server_ctr(s, TG_CTR_cookie_armed);
	r->disarmed_n = (uint32_t)v_server_ctr(s, TG_CTR_cookie_disarmed);
	r->half_made = v_server_ctr(s, TG_CTR_conn_passive);
	r->half_again = v_server_ctr(s, TG_CTR_synack_rexmit);
	r->opened = v_server_ctr(s, TG_CTR_conn_opened);
	r->busy_ns = s->busy_packets ? (double)s->busy_ns / (double)s->busy_packets : 0;
	r->valid = tg_engine_validate(s->e, r->why, sizeof(r->why));
}

static void init(struct v_run *run, const struct v_plan *p, struct v_result *r)
{
	*run = (struct v_run){.p = p, .r = r, .now_ns = V_SEC_NS, .flood_at = INFINITY};
	reserve(run);
	run->flood_ns = run->now_ns + p->warm_ns;
	run->span_end_ns = run->flood_ns + p->span_ns;
	tg_rng_init(&run->rng, p->seed);
	tg_rng_init(&run->client_rng, p->seed + 1);
	v_flood_init(&run->flood, p->v6, p->seed + 2);
	v_server_init(&run->server, p, r, run->now_ns);
	run->server.sent = sent;
	run->server.sent_ctx = run;
	run->server.capture = p->capture ? v_capture_open(p->capture) : NULL;
	run->client_max = CLIENTS_MORE + (uint32_t)(p->client_rate * 1.2 *
						    (double)(p->warm_ns + p->span_ns) / 1e9);
	run->client = calloc(run->client_max, v_client_size());
	memset(run->client, 1, run->client_max * v_client_size()); /* its pages are there */
	run->client_at = (double)run->now_ns;
	run->bulk = v_bulk_init(run);
}

static void fini(struct v_run *run)
{
	struct v_result *r = run->r;

	if (run->server.capture && !v_capture_close(run->server.capture)) {
		r->valid = false;
		snprintf(r->why, sizeof(r->why), "the capture could not be written");
	}
	v_bulk_fini(run->bulk);
	v_server_fini(&run->server);
	v_flood_fini(&run->flood);
	while (run->heap_n) {
		struct v_event ev = take(run);
		if (ev.frame)
			put_frame(run, ev.frame);
	}
	for (struct frame *f = run->free_frame, *next; f; f = next) {
		next = f->next;
		free(f);
	}
	free(run->heap);
	free(run->client);
}

void v_run(const struct v_plan *p, struct v_result *r)
{
	struct v_run run;

	*r = (struct v_result){.digest = 1};
	init(&run, p, r);
	run_to(&run, run.flood_ns);
	begin_flood(&run);
	measure(&run);
	for (uint64_t end = run.now_ns + p->tail_ns; run.client_left && run.now_ns < end;)
		watch_to(&run, run.now_ns + SAMPLE_NS);
	sum(&run);
	fini(&run);
}
