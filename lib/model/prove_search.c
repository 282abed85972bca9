/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_search.c: breadth first through all worlds of a scenario.
 *
 * A world that was met is remembered by 64 bits of a keyed hash: of ten million worlds two are
 * taken for one with odds of 3 in 10^6, and then a part is not looked at. How one was met is
 * remembered by the number of the world before it and the move: so a trace is made by going the way
 * again. Of two levels of depth the worlds themselves are kept, by what they differ in from the
 * first. */
#include "prove.h"

#include <stdlib.h>

enum {
	SLOTS_MIN = 1 << 16,
	EASY_MOVES = 400,
	EASY_SHOWN = 16,
	ANSWERS = 100,
	STEPS_FIRST = 64,
	PROGRESS = 4096
};

/* --- a set of fingerprints --- */

struct set {
	uint64_t *slot; /* 0 = free */
	uint64_t n, size;
};

static bool set_init(struct set *s)
{
	s->n = 0;
	s->size = SLOTS_MIN;
	s->slot = calloc(s->size, sizeof(*s->slot));
	return s->slot != NULL;
}

static uint64_t *set_find(const struct set *s, uint64_t print)
{
	uint64_t i = print & (s->size - 1);

	while (s->slot[i] && s->slot[i] != print)
		i = (i + 1) & (s->size - 1);
	return &s->slot[i];
}

static bool set_has(const struct set *s, uint64_t print)
{
	return *set_find(s, print) == print;
}

static bool set_grow(struct set *s)
{
	struct set wide = {.n = s->n, .size = s->size * 2};

	wide.slot = calloc(wide.size, sizeof(*wide.slot));
	if (!wide.slot)
		return false;
	for (uint64_t i = 0; i < s->size; i++)
		if (s->slot[i])
			*set_find(&wide, s->slot[i]) = s->slot[i];
	free(s->slot);
	*s = wide;
	return true;
}

/* 1: it is new; 0: it was there; -1: no memory. */
static int set_add(struct set *s, uint64_t print)
{
	if (s->n * 10 >= s->size * 7 && !set_grow(s))
		return -1;
	uint64_t *slot = set_find(s, print);

	if (*slot == print)
		return 0;
	*slot = print;
	s->n++;
	return 1;
}

/* --- worlds of one depth, as bytes: each by what it differs in from the one before it --- */

struct shelf {
	uint8_t *at;
	size_t len, cap;
	uint64_t n;
	struct prove_world last;
};

/* What stands before each world. */
struct label {
	uint32_t node, len;
};

static bool shelf_add(struct shelf *s, uint32_t node, const struct prove_world *w)
{
	uint8_t code[PROVE_CODE_MAX];
	uint32_t len = prove_encode(&s->last, w, code);
	struct label label = {node, len};
	size_t need = s->len + sizeof(label) + len;

	if (need > s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 1 << 20;
		uint8_t *at = realloc(s->at, cap < need ? need : cap);
		if (!at)
			return false;
		s->at = at;
		s->cap = cap < need ? need : cap;
	}
	memcpy(s->at + s->len, &label, sizeof(label));
	memcpy(s->at + s->len + sizeof(label), code, len);
	s->len = need;
	s->n++;
	s->last = *w;
	return true;
}

/* --- the search --- */

/* How a world was met first. */
struct node {
	uint32_t from; /* index of the world before */
	struct prove_move move;
};

struct search {
	const struct tg_prove_options *o;
	struct prove_bench bench;
	struct prove_world first;
	struct set met, good; /* good: it was seen to come to an end */
	struct node *node;
	uint64_t node_n, node_cap;
	struct shelf shelf[2];
	struct tg_prove_progress p;
	bool no_memory, stopped;
	uint32_t easy_n; /* moves behind the trace, when an end is not reached */
};

/* No bytes of the queue's places but those that hold something are in code, so the length tells
 * them apart, too. 0 is no fingerprint. */
static uint64_t print_of(const uint8_t *code, uint32_t len)
{
	static const struct tg_sipkey key = {0x7469646567617465ull, 0x70726f7665ull};
	uint64_t print = tg_siphash13(&key, code, len);

	return print ? print : 1;
}

static uint64_t bytes_of(const struct search *s)
{
	return (s->met.size + s->good.size) * sizeof(uint64_t) + s->node_cap * sizeof(struct node) +
	       s->shelf[0].cap + s->shelf[1].cap;
}

static bool add_node(struct search *s, uint32_t from, struct prove_move move)
{
	if (s->node_n == s->node_cap) {
		uint64_t cap = s->node_cap ? s->node_cap * 2 : SLOTS_MIN;
		struct node *node = realloc(s->node, cap * sizeof(*node));
		if (!node)
			return false;
		s->node = node;
		s->node_cap = cap;
	}
	s->node[s->node_n++] = (struct node){from, move};
	return true;
}

/* --- does it come to an end? --- */

static enum tg_prove_property unfinished(const struct prove_bench *b, const struct prove_world *w,
					 int *end)
{
	for (*end = 0; *end < 2; (*end)++) {
		const struct prove_end *e = &w->end[*end], *peer = &w->end[!*end];
		bool is_alone = !peer->has_tcb || peer->tag != e->tag;
		if (e->has_tcb && e->tcb.state == TG_ESTABLISHED && is_alone &&
		    !b->scenario->orderly)
			return TG_PROVE_DISCOVERED;
	}
	*end = w->end[0].has_tcb || !w->end[1].has_tcb ? 0 : 1;
	return TG_PROVE_CLOSES;
}

/* What only the rest of a run can tell. Other properties are watched there, too, should the bounds
 * end before they break; who asks for these alone gets the shortest way. */
#define LIVENESS (1u << TG_PROVE_DISCOVERED | 1u << TG_PROVE_CLOSES | 1u << TG_PROVE_ACK_WAR)

/* Goes on from w as the network allows best, until an end, or a world of which it is known that it
 * has one. */
static void run_easily(struct search *s, struct prove_world w)
{
	struct prove_bench *b = &s->bench;
	uint8_t code[PROVE_CODE_MAX];
	uint64_t way[EASY_MOVES];
	uint32_t n = 0, answers = 0;
	struct prove_move m;
	bool good = false;

	b->free_run = true;
	while (n < EASY_MOVES && !b->broken && !b->cut) {
		uint64_t print = print_of(code, prove_encode(&s->first, &w, code));
		if (set_has(&s->good, print) || !prove_easy_move(b, &w, &m)) {
			good = true;
			way[n++] = print;
			break;
		}
		way[n++] = print;
		answers = m.kind == MOVE_ARRIVE ? answers + 1 : 0;
		if (answers > ANSWERS)
			prove_break(b, TG_PROVE_ACK_WAR, !w.net[m.arg].from, NULL);
		prove_step(b, &w, m);
	}
	b->free_run = false;
	s->easy_n = n;
	if (good)
		for (uint32_t i = 0; i < n; i++)
			s->no_memory |= set_add(&s->good, way[i]) < 0;
	else if (!b->broken && !b->cut) {
		int end;
		enum tg_prove_property p = unfinished(b, &w, &end);
		prove_break(b, p, end, NULL);
	}
}

/* --- step by step --- */

static void take(struct search *s, uint32_t from, const struct prove_world *w, struct prove_move m,
		 struct shelf *next)
{
	uint8_t code[PROVE_CODE_MAX];
	struct prove_world after = *w;

	s->bench.cut = false;
	s->p.steps++;
	prove_step(&s->bench, &after, m);
	if (!s->bench.broken)
		prove_check(&s->bench, &after);
	if (s->bench.cut)
		s->stopped = true;
	uint32_t len = prove_encode(&s->first, &after, code);
	int is_new = set_add(&s->met, print_of(code, len));

	if (is_new == 0 && !s->bench.broken)
		return;
	s->no_memory |= is_new < 0 || !add_node(s, from, m) ||
			!shelf_add(next, (uint32_t)(s->node_n - 1), &after);
	s->easy_n = 0;
	if (!s->bench.broken && (s->bench.watch & LIVENESS))
		run_easily(s, after);
	s->bench.cut = false;
}

static void show(struct search *s)
{
	s->p.states = s->node_n;
	s->p.bytes = bytes_of(s);
	if (s->o->progress && !s->o->progress(s->o->ctx, &s->p))
		s->stopped = true;
	if ((s->o->states_max && s->p.states >= s->o->states_max) ||
	    (s->o->bytes_max && s->p.bytes >= s->o->bytes_max) || s->node_n >= UINT32_MAX - 1000)
		s->stopped = true;
}

static bool goes_on(const struct search *s)
{
	return !s->bench.broken && !s->no_memory && !s->stopped;
}

/* All steps from the worlds of `now`. */
static void expand(struct search *s, struct shelf *now, struct shelf *next)
{
	struct prove_move move[PROVE_MOVES_MAX];
	struct prove_world w = s->first, before;
	struct label label;

	for (size_t at = 0; at < now->len && goes_on(s); at += sizeof(label) + label.len) {
		memcpy(&label, now->at + at, sizeof(label));
		before = w;
		prove_decode(&before, now->at + at + sizeof(label), label.len, &w);
		uint32_t n = prove_moves(&s->bench, &w, move);
		for (uint32_t i = 0; i < n && goes_on(s); i++)
			take(s, label.node, &w, move[i], next);
		s->p.frontier--;
		if (label.node % PROGRESS == 0)
			show(s);
	}
}

static void search(struct search *s)
{
	uint8_t code[PROVE_CODE_MAX];
	uint32_t len = prove_encode(&s->first, &s->first, code);
	struct shelf *now = &s->shelf[0], *next = &s->shelf[1], *t;

	if (!set_init(&s->met) || !set_init(&s->good) ||
	    !add_node(s, 0, (struct prove_move){0, 0}) || !shelf_add(now, 0, &s->first)) {
		s->no_memory = true;
		return;
	}
	set_add(&s->met, print_of(code, len));
	while (now->n && goes_on(s)) {
		s->p.frontier = now->n;
		expand(s, now, next);
		if (next->n && goes_on(s))
			s->p.depth++;
		now->len = now->n = 0;
		now->last = s->first;
		t = now;
		now = next;
		next = t;
	}
	s->p.frontier = goes_on(s) ? 0 : s->p.frontier + now->n;
	show(s);
}

/* --- the trace --- */

struct record {
	struct prove_bench *bench;
	struct tg_prove_result *r;
	uint32_t cap;
	uint64_t order; /* of events within a moment */
	bool failed;
};

static bool is_same(const struct tg_prove_step *a, const struct tg_prove_step *b)
{
	return tg_seq_eq(a->seg.seq, b->seg.seq) && tg_seq_eq(a->seg.ack, b->seg.ack) &&
	       a->seg.ctl == b->seg.ctl && a->seg.len == b->seg.len && a->seg.wnd == b->seg.wnd &&
	       a->tag == b->tag && memcmp(a->text, b->text, sizeof(a->text)) == 0;
}

/* The sending of what arrives: the latest of its kind. */
static uint32_t sent_by(const struct tg_prove_result *r, const struct tg_prove_step *s)
{
	for (uint32_t i = r->step_n; i-- > 0;)
		if (r->steps[i].kind == TG_PROVE_SENT && r->steps[i].end != s->end &&
		    is_same(&r->steps[i], s))
			return i;
	return 0;
}

static enum tg_tcp_state state_of(const struct prove_bench *b, const struct prove_world *w, int i)
{
	const struct prove_end *e = &w->end[i];

	if (e->has_tcb)
		return (enum tg_tcp_state)e->tcb.state;
	if (e->has_tw)
		return TG_TIME_WAIT;
	return prove_listens(b, i) ? TG_LISTEN : TG_CLOSED;
}

static void fill_states(struct record *c, const struct prove_world *w)
{
	if (c->r->step_n == 0)
		return;
	struct tg_prove_step *last = &c->r->steps[c->r->step_n - 1];

	for (int i = 0; i < 2; i++)
		last->state[i] = state_of(c->bench, w, i);
}

static void note(void *ctx, const struct prove_world *w, const struct tg_prove_step *s)
{
	struct record *c = ctx;
	struct tg_prove_result *r = c->r;

	if (r->step_n == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : STEPS_FIRST;
		struct tg_prove_step *steps = realloc(r->steps, cap * sizeof(*steps));
		if (!steps) {
			c->failed = true;
			return;
		}
		r->steps = steps;
		c->cap = cap;
	}
	struct tg_prove_step *t = &r->steps[r->step_n];

	*t = *s;
	t->seg.text = NULL;
	t->time_ns = prove_now_ms(w) * TG_NS_PER_MS + ++c->order * TG_NS_PER_MS;
	if (t->kind == TG_PROVE_ARRIVED)
		t->of = sent_by(r, t);
	for (int i = 0; i < 2; i++)
		t->state[i] = state_of(c->bench, w, i);
	r->step_n++;
}

/* Goes the way to world number `node` again. */
static void retrace(struct search *s, uint32_t node, struct tg_prove_result *r)
{
	struct record c = {.bench = &s->bench, .r = r};
	struct prove_world w = s->first;
	struct prove_move m, *way;
	uint32_t n = 0;

	for (uint32_t i = node; i; i = s->node[i].from)
		n++;
	r->moves = n;
	way = malloc((n + 1) * sizeof(*way));
	if (!way) {
		s->no_memory = true;
		return;
	}
	for (uint32_t i = node, k = n; i; i = s->node[i].from)
		way[--k] = s->node[i].move;
	s->bench.tell = note;
	s->bench.tell_ctx = &c;
	s->bench.watch = 0;
	for (uint32_t i = 0; i < n; i++) {
		prove_step(&s->bench, &w, way[i]);
		fill_states(&c, &w);
	}
	r->unless = r->step_n;
	s->bench.free_run = true;
	for (uint32_t i = 0; i < s->easy_n && i < EASY_SHOWN && prove_easy_move(&s->bench, &w, &m);
	     i++) {
		prove_step(&s->bench, &w, m);
		fill_states(&c, &w);
	}
	s->bench.tell = NULL;
	s->no_memory |= c.failed;
	free(way);
}

static void find_first_numbers(struct tg_prove_result *r)
{
	for (uint32_t i = 0; i < r->step_n; i++) {
		const struct tg_prove_step *t = &r->steps[i];
		if (t->kind != TG_PROVE_SENT || !(t->seg.ctl & TG_TCP_SYN) ||
		    r->has_iss[t->end][t->tag])
			continue;
		r->iss[t->end][t->tag] = t->seg.seq;
		r->has_iss[t->end][t->tag] = true;
	}
}

void tg_prove_run(const struct tg_prove_options *o, struct tg_prove_result *r)
{
	struct search s = {.o = o};

	*r = (struct tg_prove_result){.outcome = TG_PROVE_NO_MEMORY};
	prove_world_init(&s.first);
	if (prove_bench_init(&s.bench, o))
		search(&s);
	else
		s.no_memory = true;
	r->tuple[0] = s.bench.tuple[0];
	r->tuple[1] = s.bench.tuple[1];
	r->property = s.bench.broken;
	r->end = s.bench.broken_end;
	r->why = s.bench.why;
	if (s.bench.broken && !s.no_memory) {
		retrace(&s, (uint32_t)(s.node_n - 1), r);
		find_first_numbers(r);
	}
	r->seen = s.p;
	if (s.no_memory)
		r->outcome = TG_PROVE_NO_MEMORY;
	else if (r->property)
		r->outcome = TG_PROVE_BROKEN;
	else
		r->outcome = s.stopped ? TG_PROVE_CUT : TG_PROVE_HOLDS;
	free(s.met.slot);
	free(s.good.slot);
	free(s.node);
	free(s.shelf[0].at);
	free(s.shelf[1].at);
	prove_bench_fini(&s.bench);
}

void tg_prove_free(struct tg_prove_result *r)
{
	free(r->steps);
	r->steps = NULL;
	r->step_n = 0;
}
