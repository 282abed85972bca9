/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

static uint32_t draw(struct world *w, uint32_t n)
{
	return (uint32_t)((mix(&w->rng) >> 32) * n >> 32);
}

static uint32_t pick(struct world *w, const uint32_t from[], uint32_t n)
{
	return from[draw(w, n)];
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

static void note_call(struct world_side *s, const char *what, int64_t a, int64_t b, int64_t got)
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
	printf("%d-%d [%s] seq %" PRIu32 " ack %" PRIu32 " len %" PRIu32 " win %" PRIu32, g->lp, g->rp, flags,
	       g->seq, g->ack, g->len, g->win);
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
	printf("%6" PRIu32 " %c %12.6f %-10s ", l->step, 'A' + l->host, (double)l->at / 1e9, l->what);
	if (l->is_seg)
		print_seg(&l->seg);
	else
		printf("%" PRId64 " %" PRId64 " -> %" PRId64 "\n", l->a, l->b, l->c);
}

static void print_conn(const struct ref_conn *c)
{
	printf("  model %d-%d %s una %" PRIu32 " nxt %" PRIu32 " end %" PRIu32 " wnd %" PRIu32 "<<%u max %" PRIu32
	       " | rcv.nxt %" PRIu32 " edge %" PRIu32 " rd %" PRIu32 " held %" PRIu32 " last ack %" PRIu32
	       " ts %d %" PRIu32 " orphan %d fin %d%d%d\n",
	       c->lp, c->rp, ref_state_name[c->state], c->una, c->nxt, c->snd_end, c->wnd, c->snd_shift, c->max_wnd,
	       c->rcv_nxt, c->edge, c->rd, c->held, c->last_ack, c->ts_on, c->ts_recent, c->orphan, c->fin_wanted,
	       c->fin_sent, c->fin_taken);
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
				       t->tw.on ? t->tw.dormant ? " (dormant record)" : " (record)" : "");
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
	    .msl_ms = pick(w, (const uint32_t[]){100, 500, 3000, 30000}, 4),
	    .fin_wait_2_ms = pick(w, (const uint32_t[]){200, 1000, 60000}, 3),
	    .challenge_ms = pick(w, (const uint32_t[]){20, 100, 500}, 3),
	    .delayed_ack_ms = pick(w, (const uint32_t[]){40, 40, 100}, 3),
	    .rcvbuf = pick(w, (const uint32_t[]){128, 500, 1500, 4096}, 4),
	    .sndbuf = pick(w, (const uint32_t[]){256, 1000, 4096}, 3),
	    .mss_max = pick(w, (const uint32_t[]){0, 0, 216, 536}, 4),
	    .window_scale = pick(w, (const uint32_t[]){0, 2, 7}, 3),
	    .mtu = 1500,
	    .v6 = w->v6,
	    .timestamps = draw(w, 4) > 0,
	    .sack = draw(w, 4) > 0,
	    .nodelay = draw(w, 2),
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
		 "addr=%s seed=%" PRIu32 " start_ns=%" PRIu64 " connections=128 rst_rate=0 msl_ms=%" PRIu32
		 " fin_wait_2_ms=%" PRIu32 " challenge_ms=%" PRIu32 " delayed_ack_ms=%" PRIu32 " rcvbuf=%" PRIu32
		 " sndbuf=%" PRIu32 " mss_max=%" PRIu32 " window_scale=%" PRIu32
		 " timestamps=%s sack=%s nodelay=%s",
		 wire_addr[w->v6][id], 1 + draw(w, 1u << 30), w->now, c.msl_ms - (f == WORLD_MSL ? 5 : 0),
		 c.fin_wait_2_ms - (f == WORLD_FIN_WAIT_2 ? 10 : 0),
		 f == WORLD_CHALLENGE ? c.challenge_ms / 2 : c.challenge_ms,
		 c.delayed_ack_ms + (f == WORLD_DELAYED_ACK ? 20 : 0), c.rcvbuf, c.sndbuf, c.mss_max,
		 c.window_scale, c.timestamps ? "on" : "off", c.sack ? "on" : "off", c.nodelay ? "on" : "off");
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
	if (w->flight_n == WORLD_FLIGHT || draw(w, 1000) < w->loss)
		return;
	w->flight[w->flight_n++] = *d;
}

/* Faults of what is sent. false: it was not sent at all. */
static bool spoil(struct world_side *s, struct ref_seg *g, uint64_t *at, uint8_t text[WIRE_MAX])
{
	struct world *w = s->world;
	bool bare = g->flags == REF_ACK && g->len == 0;

	if (w->fault == WORLD_SOUND || draw(w, 8) != 0)
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
	if (w->fault == WORLD_ISS_AGAIN && g->flags == (REF_SYN | REF_ACK) && s->ref->cause == REF_TIMER)
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
		ref_time(s->ref, at);
		ref_sends(s->ref, &g);
		if (w->fault == WORLD_ACK_TWICE && g.flags == REF_ACK && !g.len && !draw(w, 8))
			ref_sends(s->ref, &g);
	}
}

/* Time comes to now at one host. */
static void advance(struct world_side *s)
{
	tg_lab_advance(s->lab, s->world->now);
	drain(s, REF_TIMER);
	ref_time(s->ref, s->world->now);
	for (int l = 0; l < REF_PORTS; l++)
		for (int r = 0; r < REF_PORTS; r++)
			ref_settle(s->ref, l, r);
	ref_step_end(s->ref);
}

static void step_end(struct world_side *s, enum ref_cause cause, int lp, int rp)
{
	drain(s, cause);
	ref_step_end(s->ref);
	ref_compare(s->ref, lp, rp);
	if (s->world->step % 16 == 0)
		for (int i = 0; i < REF_PORTS * REF_PORTS; i++)
			ref_compare(s->ref, i / REF_PORTS, i % REF_PORTS);
}

/* --- the link --- */

static void deliver(struct world *w, int to, const uint8_t *bytes, size_t len, const char *what)
{
	struct world_side *s = &w->side[to];
	uint8_t other[WIRE_MAX];
	struct ref_seg g;
	const char *bad = wire_parse(&g, w->v6, to, to, bytes, len);

	if (bad) {
		ref_fail(s->ref, "the world sends nonsense: %s", bad);
		return;
	}
	advance(s);
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
	step_end(s, REF_INPUT, g.lp, g.rp);
}

static void step_deliver(struct world *w)
{
	if (w->flight_n == 0)
		return;
	int i = draw(w, 3) ? 0 : (int)draw(w, (uint32_t)w->flight_n);
	static struct world_datagram d;
	uint32_t chance = draw(w, 100);

	d = w->flight[i];
	if (chance >= 5) /* else it comes again */
		memmove(&w->flight[i], &w->flight[i + 1], sizeof(d) * (size_t)(--w->flight_n - i));
	w->delivered++;
	deliver(w, d.to, d.bytes, d.len, "<");
}

/* --- the attacker --- */

static uint32_t near_window(struct world *w, uint32_t nxt, uint32_t edge)
{
	switch (draw(w, 12)) {
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
		return nxt - draw(w, 2000);
	case 6:
		return (uint32_t)mix(&w->rng);
	case 7:
	case 8:
		return nxt + draw(w, edge - nxt + 1);
	default:
		return nxt;
	}
}

static uint32_t near_ack(struct world *w, uint32_t una, uint32_t nxt, uint32_t max_wnd)
{
	switch (draw(w, 12)) {
	case 0:
		return una - 1;
	case 1:
		return nxt + 1;
	case 2:
		return una - max_wnd;
	case 3:
		return una - max_wnd - 1;
	case 4:
		return (uint32_t)mix(&w->rng);
	case 5:
		return una + draw(w, nxt - una + 1);
	case 6:
		return una;
	case 7:
		return una - draw(w, 3000);
	default:
		return nxt;
	}
}

static void forge_ts(struct world *w, struct ref_seg *g, bool on, uint32_t recent, uint32_t echo)
{
	g->has_ts = draw(w, 12) ? on : !on;
	g->tsval = recent + (draw(w, 6) ? draw(w, 3) : 0u - draw(w, 100));
	g->tsecr = g->flags & REF_ACK ? draw(w, 8) ? echo : echo + 1000 - draw(w, 2000) : 0;
}

/* Numbers around those of the target, as one would use who has seen the wire. */
static void forge_numbers(struct world *w, struct ref_seg *g, const struct ref_tuple *t)
{
	const struct ref_conn *c = t->live;

	if (c) {
		g->seq = near_window(w, draw(w, 20) ? c->rcv_nxt : c->irs, c->edge);
		g->ack = near_ack(w, c->una, c->nxt, c->max_wnd);
		forge_ts(w, g, c->ts_on || (c->state == REF_SYN_SENT && c->ts_first), c->ts_recent, c->ts_last);
	} else if (t->tw.on) {
		g->seq = near_window(w, t->tw.rcv_nxt, t->tw.edge);
		g->ack = near_ack(w, t->tw.snd_nxt, t->tw.snd_nxt, t->tw.max_wnd);
		forge_ts(w, g, t->tw.ts_on, t->tw.ts_recent, t->tw.ts_first);
	} else {
		g->seq = (uint32_t)mix(&w->rng);
		g->ack = (uint32_t)mix(&w->rng);
		forge_ts(w, g, draw(w, 2), (uint32_t)mix(&w->rng), 0);
	}
}

static const uint8_t forged_flags[] = {
    REF_ACK, REF_ACK, REF_ACK, REF_ACK, REF_ACK | REF_PSH, REF_ACK | REF_FIN, REF_ACK | REF_FIN, REF_RST, REF_RST | REF_ACK,
    REF_SYN, REF_SYN, REF_SYN | REF_ACK, REF_SYN | REF_ACK, REF_FIN, 0, REF_PSH, REF_SYN | REF_FIN, REF_SYN | REF_RST,
    REF_ACK | REF_URG, REF_FIN | REF_PSH | REF_URG, 63};

static void step_forge(struct world *w)
{
	static uint8_t text[600], bytes[WIRE_MAX];
	int to = (int)draw(w, 2), at = (int)draw(w, REF_PORTS * REF_PORTS);
	struct ref_host *h = w->side[to].ref;
	struct ref_seg g = {0};

	for (int i = 0; i < 6 && !h->tuple[at / REF_PORTS][at % REF_PORTS].live &&
			!h->tuple[at / REF_PORTS][at % REF_PORTS].tw.on;
	     i++)
		at = (int)draw(w, REF_PORTS * REF_PORTS);
	const struct ref_tuple *t = &h->tuple[at / REF_PORTS][at % REF_PORTS];

	g.lp = at % REF_PORTS; /* the sender's view */
	g.rp = at / REF_PORTS;
	g.flags = forged_flags[draw(w, sizeof(forged_flags))];
	forge_numbers(w, &g, t);
	g.win = pick(w, (const uint32_t[]){0, 1, 50, 500, 4000, 65535}, 6);
	if (t->live && t->live->snd_shift && draw(w, 2))
		g.win >>= t->live->snd_shift;
	if (g.flags & REF_SYN) {
		g.has_mss = draw(w, 3) > 0;
		g.mss = pick(w, (const uint32_t[]){0, 100, 536, 1460}, 4);
		g.has_ws = draw(w, 2);
		g.ws = pick(w, (const uint32_t[]){0, 2, 7, 14, 15}, 5);
		g.has_sackok = draw(w, 2);
	}
	/* Text on a SYN-ACK may be used or not (SE-05): nothing to predict. */
	bool bare = draw(w, 2) || (g.flags & (REF_SYN | REF_ACK)) == (REF_SYN | REF_ACK);

	g.len = bare ? 0 : pick(w, (const uint32_t[]){1, 1, 2, 20, 200, 500}, 6);
	for (uint32_t i = 0; i < g.len; i++)
		text[i] = (uint8_t)draw(w, 256);
	g.text = text;
	w->injected++;
	deliver(w, to, bytes, wire_build(&g, w->v6, !to, bytes), "< forged");
}

/* A datagram of the past comes once more, as it was or bent a little. */
static void step_replay(struct world *w)
{
	if (w->past_n == 0)
		return;
	static struct world_datagram d;
	static uint8_t bytes[WIRE_MAX];
	uint32_t have = w->past_n < WORLD_PAST ? w->past_n : WORLD_PAST;
	struct ref_seg g;

	d = w->past[draw(w, have)];
	w->injected++;
	if (draw(w, 2)) {
		deliver(w, d.to, d.bytes, d.len, "< replayed");
		return;
	}
	if (wire_parse(&g, w->v6, d.to, !d.to, d.bytes, d.len))
		return;
	switch (draw(w, 5)) {
	case 0:
		g.seq += pick(w, (const uint32_t[]){1, 0xffffffff, 10, 0xfffffff0, 1000}, 5);
		break;
	case 1:
		g.ack += pick(w, (const uint32_t[]){1, 0xffffffff, 10, 0xfffffff0, 1000}, 5);
		break;
	case 2:
		g.flags ^= (uint8_t)(1u << draw(w, 6));
		break;
	case 3:
		g.win = draw(w, 2) ? 0 : draw(w, 65536);
		break;
	default:
		g.tsval += pick(w, (const uint32_t[]){1, 0xffffffff, 5, 0xfffffff0}, 4);
		break;
	}
	if ((g.flags & (REF_SYN | REF_ACK)) == (REF_SYN | REF_ACK))
		g.len = 0;
	deliver(w, d.to, bytes, wire_build(&g, w->v6, !d.to, bytes), "< bent");
}

/* --- the users --- */

static void sock_add(struct world_side *s, int sock)
{
	if (sock >= 0 && s->sock_n < REF_SOCKS)
		s->sock[s->sock_n++] = sock;
}

static void sock_remove(struct world_side *s, int at)
{
	s->sock[at] = s->sock[--s->sock_n];
}

static void call_listen(struct world_side *s, int lp)
{
	struct world *w = s->world;
	int backlog = 8;
	int got = tg_lab_listen(s->lab, wire_addr[w->v6][s->id], (uint16_t)(REF_PORT0 + lp), backlog, NULL);

	note_call(s, "listen", lp, backlog, got);
	ref_listen(s->ref, lp, backlog, got);
	step_end(s, REF_CALL, lp, 0);
}

static void call_unlisten(struct world_side *s, int lp)
{
	int sock = s->ref->listener[lp].sock;

	if (sock < 0)
		return;
	int got = tg_lab_close(s->lab, sock);

	note_call(s, "unlisten", lp, sock, got);
	ref_close_listener(s->ref, lp, got);
	step_end(s, REF_CALL, lp, 0);
}

static void call_connect(struct world_side *s)
{
	struct world *w = s->world;
	int lp = (int)draw(w, REF_PORTS), rp = (int)draw(w, REF_PORTS);
	const struct ref_host *peer = w->side[!s->id].ref;

	for (int i = 0; i < 6 && peer->listener[rp].sock < 0; i++)
		rp = (int)draw(w, REF_PORTS);
	ref_connect_before(s->ref, lp, rp);
	int got = tg_lab_connect(s->lab, wire_addr[w->v6][s->id], (uint16_t)(REF_PORT0 + lp),
				 wire_addr[w->v6][!s->id], (uint16_t)(REF_PORT0 + rp), NULL);

	note_call(s, "connect", lp, rp, got);
	ref_connect(s->ref, lp, rp, got);
	sock_add(s, got);
	step_end(s, REF_CALL, lp, rp);
}

static void call_accept(struct world_side *s, int lp)
{
	if (s->ref->listener[lp].sock < 0)
		return;
	int got = tg_lab_accept(s->lab, s->ref->listener[lp].sock);
	uint16_t local = 0, peer = 0;
	char text[64];

	if (got >= 0) {
		tg_lab_local(s->lab, got, text, sizeof(text), &local);
		tg_lab_peer(s->lab, got, text, sizeof(text), &peer);
	}
	note_call(s, "accept", lp, 0, got);
	ref_accept(s->ref, lp, got, local - REF_PORT0, peer - REF_PORT0);
	sock_add(s, got);
	step_end(s, REF_CALL, lp, 0);
}

static void call_write(struct world_side *s, int sock)
{
	uint8_t buf[3000];
	size_t want = pick(s->world, (const uint32_t[]){1, 10, 100, 600, 2500}, 5);

	want = 1 + draw(s->world, (uint32_t)want);
	ref_write_room(s->ref, sock, want, buf);
	ssize_t got = tg_lab_write(s->lab, sock, buf, want);

	note_call(s, "write", sock, (int64_t)want, got);
	ref_write(s->ref, sock, want, got);
}

static void call_read(struct world_side *s, int sock)
{
	uint8_t buf[3000];
	size_t want = 1 + draw(s->world, draw(s->world, 2) ? sizeof(buf) : 50);
	ssize_t got = tg_lab_read(s->lab, sock, buf, want);

	note_call(s, "read", sock, (int64_t)want, got);
	if (s->world->fault == WORLD_READ_CHANGED && got > 0)
		buf[got - 1] ^= 0x10;
	ref_read(s->ref, sock, buf, want, got);
}

static void call_shutdown(struct world_side *s, int sock)
{
	uint32_t how = pick(s->world, (const uint32_t[]){SHUT_WR, SHUT_WR, SHUT_RD, SHUT_RDWR}, 4);
	int got = tg_lab_shutdown(s->lab, sock, (int)how);

	note_call(s, "shutdown", sock, how, got);
	ref_shutdown(s->ref, sock, how != SHUT_WR, how != SHUT_RD, got);
}

static void call_end(struct world_side *s, int at, bool aborts)
{
	int sock = s->sock[at];
	int got = aborts ? tg_lab_abort(s->lab, sock) : tg_lab_close(s->lab, sock);

	note_call(s, aborts ? "abort" : "close", sock, 0, got);
	sock_remove(s, at);
	if (aborts)
		ref_abort(s->ref, sock, got);
	else
		ref_close(s->ref, sock, got);
}

static void call_sock(struct world_side *s)
{
	struct world *w = s->world;

	if (s->sock_n == 0)
		return;
	int at = (int)draw(w, (uint32_t)s->sock_n), sock = s->sock[at];
	const struct ref_conn *c = s->ref->sock[sock];
	int lp = c ? c->lp : 0, rp = c ? c->rp : 0;
	uint32_t what = draw(w, 100);

	if (what < 40)
		call_write(s, sock);
	else if (what < 76)
		call_read(s, sock);
	else if (what < 85)
		call_shutdown(s, sock);
	else
		call_end(s, at, what >= 98);
	step_end(s, REF_CALL, lp, rp);
}

static void step_call(struct world *w)
{
	struct world_side *s = &w->side[draw(w, 2)];
	int lp = (int)draw(w, REF_PORTS);
	uint32_t what = draw(w, 100);

	w->calls++;
	advance(s);
	if (what < 5 && w->side[s->id].ref->listener[lp].sock < 0)
		call_listen(s, lp);
	else if (what < 6)
		call_unlisten(s, lp);
	else if (what < 16 || s->sock_n == 0)
		call_connect(s);
	else if (what < 30)
		call_accept(s, lp);
	else
		call_sock(s);
}

/* --- time --- */

static void step_time(struct world *w)
{
	uint64_t a = tg_lab_next_deadline(w->side[0].lab), b = tg_lab_next_deadline(w->side[1].lab);
	uint64_t next = a < b ? a : b, ms = REF_MS;
	uint32_t what = draw(w, 100);

	if (what < 40 && next != UINT64_MAX && next < w->now + 200000 * REF_MS)
		w->now = next > w->now ? next : w->now;
	else if (what < 70)
		w->now += w->whole_ms ? ms : draw(w, 2 * (uint32_t)ms);
	else if (what < 90)
		w->now += draw(w, 60) * ms;
	else if (what < 98)
		w->now += draw(w, 2000) * ms;
	else
		w->now += draw(w, 70000) * ms;
	w->jumps++;
	for (int i = 0; i < 2; i++) {
		advance(&w->side[i]);
		for (int k = 0; k < REF_PORTS * REF_PORTS; k++)
			ref_compare(w->side[i].ref, k / REF_PORTS, k % REF_PORTS);
	}
}

static void take_step(struct world *w)
{
	uint32_t what = draw(w, 1000);

	if (what < w->attack)
		draw(w, 3) ? step_forge(w) : step_replay(w);
	else if (what < 250)
		step_call(w);
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
	w->v6 = draw(w, 2);
	w->whole_ms = draw(w, 2);
	w->now = 1000 * REF_MS + (w->whole_ms ? 0 : draw(w, 1000000));
	w->loss = pick(w, (const uint32_t[]){0, 50, 200}, 3);
	w->attack = pick(w, (const uint32_t[]){0, 30, 60, 150}, 4);
	for (int i = 0; i < 2; i++)
		lab_open(w, i);
}

bool world_run(struct world *w, uint64_t seed, uint32_t steps, enum world_fault fault, const uint8_t *skip)
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
