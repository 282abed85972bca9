/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_pair: two blocks on a link in memory, each segment in our hand: opening from both sides
 * (RFC 9293 figure 7), the close graphs of figure 12, 13 and 3.6, half-close. */
#include "tcp_bed.h"

enum { LINK_MAX = 256, TRACE_MAX = 256 };

struct packet {
	struct tg_seg seg;
	uint8_t text[1500];
};

/* One end: its block, what it has sent and the other has not yet got, the states it went through.
 */
struct end {
	struct bed b;
	struct packet link[LINK_MAX];
	int link_n, sent_n;
	char trace[TRACE_MAX];
	enum tg_tcp_state last;
	uint32_t got; /* bytes read */
	bool eof;
	struct tg_tw tw;
	bool has_tw;
};

struct pair {
	struct end a, b;
};

static void trace(struct end *e, enum tg_tcp_state state)
{
	if (e->last == state)
		return;
	e->last = state;
	if (e->trace[0])
		strcat(e->trace, " ");
	strcat(e->trace, tg_tcp_state_name(state));
}

static void push(struct end *e, const struct tg_seg *seg)
{
	struct packet *p = &e->link[e->link_n];

	CU_ASSERT_FATAL(e->link_n < LINK_MAX);
	p->seg = *seg;
	if (seg->len)
		tg_tcp_text(&e->b.tcb, &e->b.env, seg->seq, p->text, seg->len);
	p->seg.text = NULL;
	e->link_n++;
	e->sent_n++;
}

/* Everything that the last step wants done, as the engine does it. */
static void act(struct end *e, bool has_act)
{
	struct bed *b = &e->b;
	struct tg_seg seg;

	if (has_act && b->act.has_reply)
		push(e, &b->act.reply);
	trace(e, (enum tg_tcp_state)b->tcb.state);
	if (b->tcb.state == TG_CLOSED)
		return;
	if (tg_tcp_readable(&b->tcb)) {
		e->got += tg_tcp_readable(&b->tcb);
		tg_tcp_consume(&b->tcb, tg_tcp_readable(&b->tcb), &b->env);
	}
	e->eof |= b->tcb.fin_rcvd;
	while (tg_tcp_output(&b->tcb, &b->env, 1, &seg))
		push(e, &seg);
	bed_check(b);
	if (b->tcb.state != TG_TIME_WAIT || e->has_tw)
		return;
	tg_tw_make(&e->tw, &b->tcb, 1, b->tcb.ts_offset, b->env.now_ms + 60000);
	e->has_tw = true;
}

static void closed(struct end *e, const struct tg_seg *seg)
{
	tg_tcp_closed(seg, &e->b.act);
	if (e->b.act.has_reply)
		push(e, &e->b.act.reply);
}

static void arrive(struct end *e, const struct tg_seg *seg)
{
	struct bed *b = &e->b;
	const struct tg_listen l = {.conf = &b->conf};

	if (b->tcb.state == TG_LISTEN) {
		tg_tcp_listen(&l, &b->tuple, seg, NULL, &b->env, &b->tcb, &b->act);
		act(e, true);
	} else if (e->has_tw) {
		if (tg_tw_arrives(&e->tw, &b->tuple, seg, &b->env, &b->act) == TG_TW_RESTART)
			tg_tw_set_deadline(&e->tw, b->env.now_ms + 60000);
		if (b->act.has_reply)
			push(e, &b->act.reply);
	} else if (b->tcb.state == TG_CLOSED) {
		closed(e, seg);
	} else {
		tg_tcp_arrives(&b->tcb, seg, &b->env, &b->act);
		act(e, true);
	}
}

/* The first packet that `from` has on the link: handed to `to`, or lost. */
static void take(struct end *from, struct end *to, bool lose)
{
	struct packet p = from->link[0];

	CU_ASSERT_FATAL(from->link_n > 0);
	from->link_n--;
	memmove(&from->link[0], &from->link[1], (size_t)from->link_n * sizeof(p));
	p.seg.text = p.text;
	if (!lose)
		arrive(to, &p.seg);
}

/* Until nothing is on the link. */
static void flow(struct pair *p)
{
	while (p->a.link_n || p->b.link_n) {
		if (p->a.link_n)
			take(&p->a, &p->b, false);
		if (p->b.link_n)
			take(&p->b, &p->a, false);
	}
}

static void at(struct pair *p, uint64_t ms)
{
	struct end *const end[] = {&p->a, &p->b};

	for (int i = 0; i < 2; i++)
		bed_time(&end[i]->b, ms);
	for (int i = 0; i < 2; i++) {
		struct bed *b = &end[i]->b;
		if (b->tcb.state == TG_CLOSED || end[i]->has_tw || b->tcb.state == TG_LISTEN)
			continue;
		tg_tcp_timeout(&b->tcb, &b->env, &b->act);
		act(end[i], true);
	}
}

/* And what delayed ACKs hold back, by the clock. */
static void flow_on(struct pair *p)
{
	flow(p);
	for (int i = 0; i < 5; i++) {
		at(p, p->a.b.env.now_ms + 40);
		flow(p);
	}
}

/* To the next timer of either side; false when there is none. */
static bool next_timer(struct pair *p)
{
	uint64_t a = p->a.has_tw ? 0 : tg_tcb_deadline(&p->a.b.tcb);
	uint64_t b = p->b.has_tw ? 0 : tg_tcb_deadline(&p->b.b.tcb);
	uint64_t first = !a || (b && b < a) ? b : a;

	if (!first)
		return false;
	at(p, first);
	return true;
}

static struct pair *pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct tg_tuple t;

	bed_init(&p->a.b);
	bed_init(&p->b.b);
	t = p->b.b.tuple;
	p->b.b.tuple = (struct tg_tuple){t.raddr, t.laddr, t.rport, t.lport};
	tg_rng_init(&p->b.b.rng, tg_test_seed + 1);
	p->b.b.secret.isn = tg_rng_key(&p->b.b.rng);
	return p;
}

static void pair_free(struct pair *p)
{
	bed_fini(&p->a.b);
	bed_fini(&p->b.b);
	free(p);
}

static void open_a(struct end *e)
{
	tg_tcp_open(&e->b.tcb, &e->b.tuple, NULL, &e->b.env);
	act(e, false);
}

static struct pair *pair_open(void)
{
	struct pair *p = pair_new();

	tg_tcb_init(&p->b.b.tcb, &p->b.b.conf, TG_LISTEN);
	open_a(&p->a);
	flow(p);
	CU_ASSERT_EQUAL(p->a.b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT(p->a.b.tcb.ts_on && p->a.b.tcb.ws_on && p->a.b.tcb.sack_on);
	CU_ASSERT_EQUAL(p->a.sent_n + p->b.sent_n, 3);
	p->a.trace[0] = p->b.trace[0] = '\0';
	p->a.sent_n = p->b.sent_n = 0;
	return p;
}

static void write_to(struct end *e, uint32_t len)
{
	CU_ASSERT_EQUAL(tg_tcp_send(&e->b.tcb, e->b.text, len, &e->b.env), (int32_t)len);
}

static void shut(struct end *e)
{
	tg_tcp_shutdown(&e->b.tcb, &e->b.env, &e->b.act);
	act(e, true);
}

static void expect_trace(const struct end *e, const char *want)
{
	if (strcmp(e->trace, want))
		printf("states \"%s\", expected \"%s\"\n", e->trace, want);
	CU_ASSERT_STRING_EQUAL(e->trace, want);
}

/* --- opening --- */

/* EST-06, figure 7: one connection, each SYN-ACK with the ISS of the SYN before it. */
static void test_synSent_crossedSyns_oneConnection(void)
{
	struct pair *p = pair_new();

	open_a(&p->a);
	open_a(&p->b);
	uint32_t iss_a = p->a.link[0].seg.seq.v, iss_b = p->b.link[0].seg.seq.v;
	take(&p->a, &p->b, false);
	take(&p->b, &p->a, false);
	CU_ASSERT_EQUAL(p->a.link[0].seg.seq.v, iss_a);
	CU_ASSERT_EQUAL(p->b.link[0].seg.seq.v, iss_b);
	flow(p);
	expect_trace(&p->a, "SYN-SENT SYN-RECEIVED ESTABLISHED");
	expect_trace(&p->b, "SYN-SENT SYN-RECEIVED ESTABLISHED");
	CU_ASSERT_EQUAL(p->a.sent_n, 3);
	write_to(&p->a, 1000);
	act(&p->a, false);
	write_to(&p->b, 2000);
	act(&p->b, false);
	flow_on(p);
	CU_ASSERT_EQUAL(p->a.got, 2000);
	CU_ASSERT_EQUAL(p->b.got, 1000);
	pair_free(p);
}

/* EST-04, figure 8: an old SYN, its SYN-ACK refused by RST, and the true one after it. */
static void test_listen_oldDuplicateSyn_recovers(void)
{
	struct pair *p = pair_new();
	struct tg_seg old;

	tg_tcb_init(&p->b.b.tcb, &p->b.b.conf, TG_LISTEN);
	open_a(&p->a);
	old = p->a.link[0].seg;
	old.seq = tg_seq_sub(old.seq, 1000000);
	old.opts.tsval -= 5000;
	arrive(&p->b, &old);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_SYN_RECEIVED);
	take(&p->b, &p->a, false);
	CU_ASSERT_EQUAL(p->a.link[1].seg.ctl, TG_TCP_RST);
	CU_ASSERT_EQUAL(p->a.link[1].seg.seq.v, old.seq.v + 1);
	take(&p->a, &p->b, true); /* its own SYN is late */
	take(&p->a, &p->b, false);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_CLOSED);
	tg_tcb_init(&p->b.b.tcb, &p->b.b.conf, TG_LISTEN);
	next_timer(p);
	flow(p);
	CU_ASSERT_EQUAL(p->a.b.tcb.state, TG_ESTABLISHED);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_ESTABLISHED);
	pair_free(p);
}

/* EST-07, figure 9: one side has forgotten. */
static void test_established_peerRestarted_challengeThenReset(void)
{
	struct pair *p = pair_open();

	tg_tcb_init(&p->a.b.tcb, &p->a.b.conf, TG_CLOSED);
	bed_time(&p->a.b, p->a.b.env.now_ms + 700);
	bed_time(&p->b.b, p->b.b.env.now_ms + 700);
	open_a(&p->a);
	take(&p->a, &p->b, false);
	CU_ASSERT_EQUAL(p->b.link[0].seg.ctl, TG_TCP_ACK);
	take(&p->b, &p->a, false);
	CU_ASSERT_EQUAL(p->a.link[0].seg.ctl, TG_TCP_RST);
	take(&p->a, &p->b, false);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_CLOSED);
	tg_tcb_init(&p->b.b.tcb, &p->b.b.conf, TG_LISTEN);
	next_timer(p);
	flow(p);
	CU_ASSERT_EQUAL(p->a.b.tcb.state, TG_ESTABLISHED);
	pair_free(p);
}

/* --- closing --- */

static void test_close_activeAndPassive_figure12(void)
{
	struct pair *p = pair_open();

	shut(&p->a);
	flow(p);
	CU_ASSERT_EQUAL(p->b.eof, true);
	shut(&p->b);
	flow(p);
	expect_trace(&p->a, "FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT");
	expect_trace(&p->b, "CLOSE-WAIT LAST-ACK CLOSED");
	CU_ASSERT_EQUAL(p->a.sent_n + p->b.sent_n, 4);
	pair_free(p);
}

static void test_close_simultaneous_figure13(void)
{
	struct pair *p = pair_open();

	shut(&p->a);
	shut(&p->b);
	flow(p);
	expect_trace(&p->a, "FIN-WAIT-1 CLOSING TIME-WAIT");
	expect_trace(&p->b, "FIN-WAIT-1 CLOSING TIME-WAIT");
	CU_ASSERT_EQUAL(p->a.sent_n + p->b.sent_n, 4);
	pair_free(p);
}

/* TD-02: FIN and the ACK of a FIN in one segment. */
static void test_close_passiveClosesAtOnce_threeSegments(void)
{
	struct pair *p = pair_open();
	struct tg_seg fin;

	shut(&p->a);
	fin = p->a.link[0].seg;
	tg_tcp_arrives(&p->b.b.tcb, &fin, &p->b.b.env, &p->b.b.act);
	trace(&p->b, (enum tg_tcp_state)p->b.b.tcb.state);
	p->a.link_n = 0;
	shut(&p->b); /* the service hears of the FIN and closes before anything is sent */
	flow(p);
	expect_trace(&p->a, "FIN-WAIT-1 TIME-WAIT");
	expect_trace(&p->b, "CLOSE-WAIT LAST-ACK CLOSED");
	CU_ASSERT_EQUAL(p->a.sent_n + p->b.sent_n, 3);
	pair_free(p);
}

/* TD-05, ADV-69. */
static void test_close_finWithTextBothWays_textFirst(void)
{
	struct pair *p = pair_open();

	write_to(&p->a, 100);
	shut(&p->a);
	CU_ASSERT_EQUAL(p->a.link_n, 1);
	CU_ASSERT_EQUAL(p->a.link[0].seg.len, 100);
	CU_ASSERT(p->a.link[0].seg.ctl & TG_TCP_FIN);
	write_to(&p->b, 200);
	shut(&p->b);
	flow(p);
	CU_ASSERT_EQUAL(p->a.got, 200);
	CU_ASSERT_EQUAL(p->b.got, 100);
	expect_trace(&p->a, "FIN-WAIT-1 CLOSING TIME-WAIT");
	expect_trace(&p->b, "FIN-WAIT-1 CLOSING TIME-WAIT");
	pair_free(p);
}

/* TO-04: the FIN keeps its number. */
static void test_close_finLost_comesAgain(void)
{
	struct pair *p = pair_open();

	shut(&p->a);
	uint32_t fin = p->a.link[0].seg.seq.v;
	take(&p->a, &p->b, true);
	next_timer(p);
	CU_ASSERT_EQUAL(p->a.link_n, 1);
	CU_ASSERT_EQUAL(p->a.link[0].seg.seq.v, fin);
	CU_ASSERT(p->a.link[0].seg.ctl & TG_TCP_FIN);
	flow(p);
	shut(&p->b);
	flow(p);
	expect_trace(&p->a, "FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT");
	expect_trace(&p->b, "CLOSE-WAIT LAST-ACK CLOSED");
	pair_free(p);
}

/* TD-14 (a), TD-16: what TIME-WAIT is for. */
static void test_close_lastAckLost_timeWaitAnswers(void)
{
	struct pair *p = pair_open();

	shut(&p->a);
	flow(p);
	shut(&p->b);
	take(&p->b, &p->a, false);
	take(&p->a, &p->b, true);
	uint64_t deadline = tg_tw_deadline(&p->a.tw, p->a.b.env.now_ms);
	next_timer(p);
	CU_ASSERT(p->b.link[0].seg.ctl & TG_TCP_FIN);
	flow(p);
	CU_ASSERT(tg_tw_deadline(&p->a.tw, p->a.b.env.now_ms) > deadline);
	expect_trace(&p->b, "CLOSE-WAIT LAST-ACK CLOSED");
	pair_free(p);
}

/* UC-06: the other direction goes on as long as it likes. */
static void test_close_halfClosed_otherWayGoesOn(void)
{
	struct pair *p = pair_open();

	shut(&p->a);
	flow(p);
	for (int i = 0; i < 1024; i++) {
		write_to(&p->b, 1024);
		act(&p->b, false);
		flow_on(p);
	}
	CU_ASSERT_EQUAL(p->a.got, 1024 * 1024);
	shut(&p->b);
	flow(p);
	expect_trace(&p->a, "FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT");
	pair_free(p);
}

/* TD-11: a RST whose number the peer has not reached yet is challenged, and the answer to that is
 * exact. */
static void test_abort_textLost_secondRstIsExact(void)
{
	struct pair *p = pair_open();

	write_to(&p->a, 100);
	act(&p->a, false);
	take(&p->a, &p->b, true);
	tg_tcp_abort(&p->a.b.tcb, TG_CLOSE_ABORT, &p->a.b.env, &p->a.b.act);
	act(&p->a, true);
	take(&p->a, &p->b, false);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_ESTABLISHED);
	take(&p->b, &p->a, false);
	take(&p->a, &p->b, false);
	CU_ASSERT_EQUAL(p->b.b.tcb.state, TG_CLOSED);
	CU_ASSERT_EQUAL(p->b.b.act.reason, TG_CLOSE_RESET);
	CU_ASSERT_EQUAL(p->a.link_n + p->b.link_n, 0);
	pair_free(p);
}

/* Any order of losses ends closed on both sides, with every byte delivered, unless one side gave
 * up. */
static void test_close_randomLoss_bothEndClosed(void)
{
	uint64_t given_up = 0;

	for (int round = 0; round < 200; round++) {
		struct pair *p = pair_open();
		struct tg_rng rng;

		tg_rng_init(&rng, tg_test_seed + (uint64_t)round);
		write_to(&p->a, 5000);
		shut(&p->a);
		write_to(&p->b, 3000);
		shut(&p->b);
		for (int step = 0; step < 3000; step++) {
			struct end *from = tg_rng_below(&rng, 2) ? &p->a : &p->b;
			struct end *to = from == &p->a ? &p->b : &p->a;

			if (from->link_n)
				take(from, to, tg_rng_below(&rng, 4) == 0);
			else if (!to->link_n && !next_timer(p))
				break;
		}
		uint64_t r2 =
		    bed_count(&p->a.b, TG_CTR_abort_r2) + bed_count(&p->b.b, TG_CTR_abort_r2);
		given_up += r2;
		if (!r2) {
			CU_ASSERT(p->a.has_tw || p->a.b.tcb.state == TG_CLOSED);
			CU_ASSERT(p->b.has_tw || p->b.b.tcb.state == TG_CLOSED);
			CU_ASSERT_EQUAL(p->a.got, 3000);
			CU_ASSERT_EQUAL(p->b.got, 5000);
		}
		pair_free(p);
	}
	CU_ASSERT(given_up < 20); /* R2: one in four is lost, and nine in a row may be */
}

static const struct tg_test tests[] = {
    {"synSent_crossedSyns_oneConnection", test_synSent_crossedSyns_oneConnection},
    {"listen_oldDuplicateSyn_recovers", test_listen_oldDuplicateSyn_recovers},
    {"established_peerRestarted_challengeThenReset",
     test_established_peerRestarted_challengeThenReset},
    {"close_activeAndPassive_figure12", test_close_activeAndPassive_figure12},
    {"close_simultaneous_figure13", test_close_simultaneous_figure13},
    {"close_passiveClosesAtOnce_threeSegments", test_close_passiveClosesAtOnce_threeSegments},
    {"close_finWithTextBothWays_textFirst", test_close_finWithTextBothWays_textFirst},
    {"close_finLost_comesAgain", test_close_finLost_comesAgain},
    {"close_lastAckLost_timeWaitAnswers", test_close_lastAckLost_timeWaitAnswers},
    {"close_halfClosed_otherWayGoesOn", test_close_halfClosed_otherWayGoesOn},
    {"abort_textLost_secondRstIsExact", test_abort_textLost_secondRstIsExact},
    {"close_randomLoss_bothEndClosed", test_close_randomLoss_bothEndClosed},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_pair", tests, TG_TEST_N(tests), argc, argv);
}
