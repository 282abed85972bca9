/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const world_fault_name[WORLD_FAULTS] = {
    [WORLD_SOUND] = "sound",
    [WORLD_ACK_PLUS_ONE] = "ack_plus_one",
    [WORLD_ACK_DROPPED] = "ack_dropped",
    [WORLD_ACK_TWICE] = "ack_twice",
    [WORLD_RST_ANSWERED] = "rst_answered",
    [WORLD_RST_SEQ] = "rst_seq",
    [WORLD_TEXT_CHANGED] = "text_changed",
    [WORLD_READ_CHANGED] = "read_changed",
    [WORLD_EDGE_LEFT] = "edge_left",
    [WORLD_ECHO_WRONG] = "echo_wrong",
    [WORLD_FIN_LOST] = "fin_lost",
    [WORLD_RST_LOST] = "rst_lost",
    [WORLD_ISS_AGAIN] = "iss_again",
    [WORLD_TIMER_LATE] = "timer_late",
    [WORLD_MSL] = "msl_short",
    [WORLD_FIN_WAIT_2] = "fin_wait_2_short",
    [WORLD_CHALLENGE] = "challenge_rate",
    [WORLD_DELAYED_ACK] = "delayed_ack_late",
};

/* --- chance --- */

static uint64_t mix(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t world_draw32(struct world *w)
{
	return (uint32_t)mix(&w->rng);
}

uint32_t world_draw(struct world *w, uint32_t n)
{
	return (uint32_t)((mix(&w->rng) >> 32) * n >> 32);
}

uint32_t world_pick(struct world *w, const uint32_t from[], uint32_t n)
{
	return from[world_draw(w, n)];
}

/* --- log --- */

static struct world_log *note(struct world_side *s, const char *what)
{
	struct world *w = s->world;
	struct world_log *l = &w->log[w->log_n++ % WORLD_LOG];

	*l = (struct world_log){.step = w->step, .host = s->id, .at = w->now, .what = what};
	return l;
}

static void note_seg(struct world_side *s, const char *what, uint64_t at, const struct ref_seg *seg)
{
	struct world_log *l = note(s, what);

	l->at = at;
	l->is_seg = true;
	l->seg = *seg;
}

void world_note_call(struct world_side *s, const char *what, int64_t a, int64_t b, int64_t got)
{
	struct world_log *l = note(s, what);

	l->a = a;
	l->b = b;
	l->c = got;
}

static void print_seg(const struct ref_seg *g)
{
	static const char letters[] = "FSRP.U";
	char flags[8] = "";
	int n = 0;

	for (int i = 0; i < 6; i++)
		if (g->flags & 1 << i)
			flags[n++] = letters[i];
	flags[n] = 0;
	printf("%d-%d [%s] seq %" PRIu32 " ack %" PRIu32 " len %" PRIu32 " win %" PRIu32, g->lp,
	       g->rp, flags, g->seq, g->ack, g->len, g->win);
	if (g->has_ts)
		printf(" ts %" PRIu32 "/%" PRIu32, g->tsval, g->tsecr);
	if (g->has_ws)
		printf(" ws %" PRIu32, g->ws);
	for (uint32_t i = 0; i < g->sack_n; i++)
		printf(" sack %" PRIu32 "-%" PRIu32, g->sack[i][0], g->sack[i][1]);
	printf("\n");
}

static void print_log(const struct world_log *l)
{
	printf("%6" PRIu32 " %c %12.6f %-10s ", l->step, 'A' + l->host, (double)l->at / 1e9,
	       l->what);
	if (l->is_seg)
		print_seg(&l->seg);
	else
		printf("%" PRId64 " %" PRId64 " -> %" PRId64 "\n", l->a, l->b, l->c);
}

static void print_conn(const struct ref_conn *c)
{
	printf("  model %d-%d %s una %" PRIu32 " nxt %" PRIu32 " end %" PRIu32 " wnd %" PRIu32
	       "<<%u max %" PRIu32 " | rcv.nxt %" PRIu32 " edge %" PRIu32 " rd %" PRIu32
	       " held %" PRIu32 " last ack %" PRIu32 " ts %d %" PRIu32 " orphan %d fin %d%d%d\n",
	       c->lp, c->rp, ref_state_name[c->state], c->una, c->nxt, c->snd_end, c->wnd,
	       c->snd_shift, c->max_wnd, c->rcv_nxt, c->edge, c->rd, c->held, c->last_ack, c->ts_on,
	       c->ts_recent, c->orphan, c->fin_wanted, c->fin_sent, c->fin_taken);
}

void world_print(const struct world *w)
{
	for (int i = 0; i < 2; i++)
		printf("%c: %s\n", 'A' + i, w->options[i]);
	for (uint32_t i = w->log_n > WORLD_LOG ? w->log_n - WORLD_LOG : 0; i < w->log_n; i++)
		print_log(&w->log[i % WORLD_LOG]);
	for (int i = 0; i < 2; i++) {
		const struct world_side *s = &w->side[i];
		for (int l = 0; l < REF_PORTS; l++)
			for (int r = 0; r < REF_PORTS; r++) {
				const struct ref_tuple *t = &s->ref->tuple[l][r];
				const char *lab = s->ref->ask(s->ref->ask_arg, l, r);
				if (!t->live && !t->tw.on && !strcmp(lab, "CLOSED"))
					continue;
				printf("%c %d-%d lab %s, model %s%s\n", 'A' + i, l, r, lab,
				       ref_state_name[ref_state_of(s->ref, l, r)],
				       t->tw.on ? t->tw.dormant ? " (dormant record)" : " (record)"
						: "");
				if (t->live)
					print_conn(t->live);
			}
		if (s->ref->why[0])
			printf("%c: DIFFERENCE: %s\n", 'A' + i, s->ref->why);
	}
}

/* --- the two hosts --- */

static const char *ask(void *arg, int lp, int rp)
{
	const struct world_side *s = arg;
	const struct world *w = s->world;

	return tg_lab_state_of(s->lab, wire_addr[w->v6][s->id], (uint16_t)(REF_PORT0 + lp),
			       wire_addr[w->v6][!s->id], (uint16_t)(REF_PORT0 + rp));
}

static void draw_conf(struct world *w, struct ref_conf *c)
{
	*c = (struct ref_conf){
	    .msl_ms = world_pick(w, (const uint32_t[]){100, 3000, 30000, 30000}, 4),
	    .fin_wait_2_ms = world_pick(w, (const uint32_t[]){200, 1000, 60000}, 3),
	    .challenge_ms = world_pick(w, (const uint32_t[]){20, 100, 500}, 3),
	    .delayed_ack_ms = world_pick(w, (const uint32_t[]){40, 40, 100}, 3),
	    .user_timeout_ms = world_pick(w, (const uint32_t[]){0, 0, 0, 5000}, 4),
	    .rcvbuf = world_pick(w, (const uint32_t[]){128, 500, 1500, 4096}, 4),
	    .sndbuf = world_pick(w, (const uint32_t[]){256, 1000, 4096}, 3),
	    .mss_max = world_pick(w, (const uint32_t[]){0, 0, 216, 536}, 4),
	    .window_scale = world_pick(w, (const uint32_t[]){0, 2, 7}, 3),
	    .mtu = 1500,
	    .v6 = w->v6,
	    .timestamps = world_draw(w, 4) > 0,
	    .sack = world_draw(w, 4) > 0,
	    .nodelay = world_draw(w, 2),
	};
}

static void lab_open(struct world *w, int id)
{
	struct world_side *s = &w->side[id];
	struct ref_conf c;
	char err[200];
	enum world_fault f = w->fault;

	draw_conf(w, &c);
	snprintf(w->options[id], sizeof(w->options[id]),
		 "addr=%s seed=%" PRIu32 " start_ns=%" PRIu64
		 " connections=128 rst_rate=0 msl_ms=%" PRIu32 " fin_wait_2_ms=%" PRIu32
		 " challenge_ms=%" PRIu32 " delayed_ack_ms=%" PRIu32 " rcvbuf=%" PRIu32
		 " user_timeout_ms=%" PRIu32 " sndbuf=%" PRIu32 " mss_max=%" PRIu32
		 " window_scale=%" PRIu32 " timestamps=%s sack=%s nodelay=%s",
		 wire_addr[w->v6][id], 1 + world_draw(w, 1u << 30), w->now,
		 c.msl_ms - (f == WORLD_MSL ? 5 : 0),
		 c.fin_wait_2_ms - (f == WORLD_FIN_WAIT_2 ? 10 : 0),
		 f == WORLD_CHALLENGE ? c.challenge_ms / 2 : c.challenge_ms,
		 c.delayed_ack_ms + (f == WORLD_DELAYED_ACK ? 20 : 0), c.rcvbuf, c.user_timeout_ms,
		 c.sndbuf, c.mss_max, c.window_scale, c.timestamps ? "on" : "off",
		 c.sack ? "on" : "off", c.nodelay ? "on" : "off");
	s->lab = tg_lab_new(w->options[id], err, sizeof(err));
	if (!s->lab) {
		printf("%s: %s\n", w->options[id], err);
		exit(2);
	}
	s->world = w;
	s->id = id;
	s->sock_n = 0;
	ref_init(s->ref, &c, w->now);
	s->ref->ask = ask;
	s->ref->ask_arg = s;
}

/* --- output --- */

static void keep(struct world *w, int to, const uint8_t *bytes, size_t len)
{
	struct world_datagram *d = &w->past[w->past_n++ % WORLD_PAST];

	d->to = to;
	d->len = len;
	memcpy(d->bytes, bytes, len);
	if (w->flight_n == WORLD_FLIGHT || world_draw(w, 1000) < w->loss)
		return;
	w->flight[w->flight_n++] = *d;
}

/* Faults of what is sent. false: it was not sent at all. */
static bool spoil(struct world_side *s, struct ref_seg *g, uint64_t *at, uint8_t text[WIRE_MAX])
{
	struct world *w = s->world;
	bool bare = g->flags == REF_ACK && g->len == 0;

	if (w->fault == WORLD_SOUND || world_draw(w, 8) != 0)
		return true;
	if (w->fault == WORLD_ACK_PLUS_ONE && bare)
		g->ack++;
	if (w->fault == WORLD_ACK_DROPPED && bare)
		return false;
	if (w->fault == WORLD_RST_SEQ && g->flags & REF_RST)
		g->seq++;
	if (w->fault == WORLD_ECHO_WRONG && g->has_ts && g->flags & REF_ACK)
		g->tsecr--;
	if (w->fault == WORLD_EDGE_LEFT && bare)
		g->win = g->win / 2;
	if (w->fault == WORLD_ISS_AGAIN && g->flags == (REF_SYN | REF_ACK) &&
	    s->ref->cause == REF_TIMER)
		g->seq++;
	if (w->fault == WORLD_TIMER_LATE && s->ref->cause == REF_TIMER)
		*at += 5 * REF_MS;
	if (w->fault == WORLD_TEXT_CHANGED && g->len) {
		memcpy(text, g->text, g->len);
		text[g->len - 1] ^= 1;
		g->text = text;
	}
	return true;
}

static void drain(struct world_side *s, enum ref_cause cause)
{
	struct world *w = s->world;
	uint8_t bytes[WIRE_MAX], text[WIRE_MAX];
	struct ref_seg g;
	uint64_t at;
	size_t len;

	s->ref->cause = cause;
	while ((len = tg_lab_output(s->lab, bytes, sizeof(bytes), &at)) > 0) {
		const char *bad = wire_parse(&g, w->v6, !s->id, s->id, bytes, len);
		if (bad) {
			ref_fail(s->ref, "what is sent is wrong: %s", bad);
			return;
		}
		note_seg(s, cause == REF_TIMER ? "  timer >" : "  >", at, &g);
		keep(w, !s->id, bytes, len);
		if (!spoil(s, &g, &at, text))
			continue;
		ref_time(s->ref, at, false);
		ref_sends(s->ref, &g);
		if (w->fault == WORLD_ACK_TWICE && g.flags == REF_ACK && !g.len &&
		    !world_draw(w, 8))
			ref_sends(s->ref, &g);
	}
}

/* Time comes to now at one host. */
void world_advance(struct world_side *s)
{
	tg_lab_advance(s->lab, s->world->now);
	drain(s, REF_TIMER);
	ref_time(s->ref, s->world->now, true);
	for (int l = 0; l < REF_PORTS; l++)
		for (int r = 0; r < REF_PORTS; r++)
			ref_settle(s->ref, l, r);
	ref_step_end(s->ref);
}

void world_step_end(struct world_side *s, enum ref_cause cause, int lp, int rp)
{
	drain(s, cause);
	ref_step_end(s->ref);
	ref_compare(s->ref, lp, rp);
	if (s->world->step % 16 == 0)
		for (int i = 0; i < REF_PORTS * REF_PORTS; i++)
			ref_compare(s->ref, i / REF_PORTS, i % REF_PORTS);
}

/* --- the link --- */

void world_deliver(struct world *w, int to, const uint8_t *bytes, size_t len, const char *what)
{
	struct world_side *s = &w->side[to];
	uint8_t other[WIRE_MAX];
	struct ref_seg g;
	const char *bad = wire_parse(&g, w->v6, to, to, bytes, len);

	if (bad) {
		ref_fail(s->ref, "the world sends nonsense: %s", bad);
		return;
	}
	world_advance(s);
	if (!ref_may_judge(s->ref, &g))
		return;
	note_seg(s, what, w->now, &g);
	bool lost = (w->fault == WORLD_RST_LOST && g.flags & REF_RST) ||
		    (w->fault == WORLD_FIN_LOST && g.flags & REF_FIN);

	if (!lost)
		tg_lab_input(s->lab, w->now, bytes, len);
	if (w->fault == WORLD_RST_ANSWERED && g.flags & REF_RST) {
		struct ref_seg rst = {.lp = g.lp, .rp = g.rp, .flags = REF_RST, .seq = g.ack};
		len = wire_build(&rst, w->v6, to, other);
		wire_parse(&rst, w->v6, !to, to, other, len);
		ref_sends(s->ref, &rst);
	}
	ref_arrives(s->ref, &g);
	world_step_end(s, REF_INPUT, g.lp, g.rp);
}

static void step_deliver(struct world *w)
{
	if (w->flight_n == 0)
		return;
	int i = world_draw(w, 3) ? 0 : (int)world_draw(w, (uint32_t)w->flight_n);
	static struct world_datagram d;
	uint32_t chance = world_draw(w, 100);

	d = w->flight[i];
	if (chance >= 5) /* else it comes again */
		memmove(&w->flight[i], &w->flight[i + 1], sizeof(d) * (size_t)(--w->flight_n - i));
	w->delivered++;
	world_deliver(w, d.to, d.bytes, d.len, "<");
}

/* --- time --- */

static void step_time(struct world *w)
{
	uint64_t a = tg_lab_next_deadline(w->side[0].lab), b = tg_lab_next_deadline(w->side[1].lab);
	uint64_t next = a < b ? a : b, ms = REF_MS;
	uint32_t what = world_draw(w, 100);

	if (what < 40 && next != UINT64_MAX && next < w->now + 200000 * REF_MS)
		w->now = next > w->now ? next : w->now;
	else if (what < 70)
		w->now += w->whole_ms ? ms : world_draw(w, 2 * (uint32_t)ms);
	else if (what < 90)
		w->now += world_draw(w, 60) * ms;
	else if (what < 98)
		w->now += world_draw(w, 2000) * ms;
	else
		w->now += world_draw(w, 70000) * ms;
	w->jumps++;
	for (int i = 0; i < 2; i++) {
		world_advance(&w->side[i]);
		for (int k = 0; k < REF_PORTS * REF_PORTS; k++)
			ref_compare(w->side[i].ref, k / REF_PORTS, k % REF_PORTS);
	}
}

static void take_step(struct world *w)
{
	uint32_t what = world_draw(w, 1000);

	if (what < w->attack)
		world_draw(w, 3) ? world_forge(w) : world_replay(w);
	else if (what < 250)
		world_call(w);
	else if (what < 400)
		step_time(w);
	else
		step_deliver(w);
	if (w->flight_n > WORLD_FLIGHT / 2)
		w->flight_n /= 2; /* the link is cut */
}

static void check_valid(struct world *w)
{
	char why[256];

	for (int i = 0; i < 2; i++)
		if (!tg_lab_validate(w->side[i].lab, why, sizeof(why)))
			ref_fail(w->side[i].ref, "the lab is not valid: %s", why);
}

static void world_open(struct world *w, uint64_t seed)
{
	w->seed = seed;
	w->rng = seed;
	w->step = w->log_n = w->past_n = 0;
	w->flight_n = 0;
	w->failed = false;
	w->v6 = world_draw(w, 2);
	w->whole_ms = world_draw(w, 2);
	w->now = 1000 * REF_MS + (w->whole_ms ? 0 : world_draw(w, 1000000));
	w->loss = world_pick(w, (const uint32_t[]){0, 50, 200}, 3);
	w->attack = world_pick(w, (const uint32_t[]){0, 30, 60, 150}, 4);
	for (int i = 0; i < 2; i++)
		lab_open(w, i);
}

bool world_run(struct world *w, uint64_t seed, uint32_t steps, enum world_fault fault,
	       const uint8_t *skip)
{
	w->fault = fault;
	world_open(w, seed);
	for (uint32_t i = 0; i < steps && !w->failed; i++) {
		if (skip && skip[i / 8] & 1 << i % 8)
			continue;
		w->step = i;
		w->rng = seed * 0x9e3779b97f4a7c15ull + i;
		mix(&w->rng);
		take_step(w);
		if (i % 64 == 63 || i + 1 == steps)
			check_valid(w);
		w->failed = w->side[0].ref->why[0] || w->side[1].ref->why[0];
	}
	return !w->failed;
}

void world_close(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		tg_lab_free(w->side[i].lab);
		w->side[i].lab = NULL;
	}
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	for (int i = 0; w && i < 2; i++)
		w->side[i].ref = calloc(1, sizeof(*w->side[i].ref));
	return w;
}

void world_free(struct world *w)
{
	for (int i = 0; i < 2; i++)
		free(w->side[i].ref);
	free(w);
}
