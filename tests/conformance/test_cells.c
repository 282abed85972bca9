/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cells.c: cells.def against the lab. 11 states (SYN-RECEIVED of both origins) x 64 flags with
 * SEQ = RCV.NXT and ACK = SND.NXT; then the same at each boundary of SEQ and ACK (section 0). */
#include "lab_host.h"

enum answer { A_nothing = 1, A_ACK, A_RST_A, A_RST_B, A_SYN_ACK, A_REUSE };
enum { SEQ_N = 6, ACK_N = 7, IN_FLIGHT = 10, SHOWN_MAX = 12 };

struct row {
	enum state state;
	const char *flags, *seq, *ack;
	enum answer answer;
	enum state next;
	const char *verdict, *rules;
};

static const struct row rows[] = {
#define ROW(state, flags, seq, ack, answer, next, verdict, rules)                                  \
	{ST_##state, flags, seq, ack, A_##answer, ST_##next, verdict, rules},
#include "cells.def"
#undef ROW
};

/* Where SEQ and ACK stand, by the letters of cells.def. */
static const char seq_letter[SEQ_N + 1] = "LNHEOF";

struct cell {
	enum state state;
	uint8_t flags;
	char seq_class, ack_class;
	uint32_t seq, ack;
};

static bool flags_match(const char *pattern, uint8_t flags)
{
	static const char letter[] = "UAPRSF";
	static const uint8_t bit[] = {URG, ACK, PSH, RST, SYN, FIN};

	for (int i = 0; i < 6; i++) {
		bool is = flags & bit[i];
		if ((pattern[i] == letter[i] && !is) || (pattern[i] == '-' && is))
			return false;
	}
	return true;
}

static bool class_match(const char *set, char class)
{
	return set[0] == '*' || strchr(set, class);
}

/* The row of a cell; *n: how many rows claim it. */
static const struct row *find_row(const struct cell *c, int *n)
{
	const struct row *found = NULL;

	*n = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		if (r->state == c->state && flags_match(r->flags, c->flags) &&
		    class_match(r->seq, c->seq_class) && class_match(r->ack, c->ack_class)) {
			found = r;
			(*n)++;
		}
	}
	return found;
}

static void test_table_eachCombination_inExactlyOneRow(void)
{
	static const char ack_letter[] = "xoupnf";
	int n;

	for (int state = 1; state < ST_N; state++)
		for (int flags = 0; flags < 64; flags++)
			for (int s = 0; s < SEQ_N; s++)
				for (int a = 0; a < 6; a++) {
					struct cell c = {.state = (enum state)state,
							 .flags = (uint8_t)flags,
							 .seq_class = seq_letter[s],
							 .ack_class = ack_letter[a]};
					find_row(&c, &n);
					if (n != 1)
						printf("%s flags %02x SEQ %c ACK %c: %d rows\n",
						       state_name[state], flags, c.seq_class,
						       c.ack_class, n);
					CU_ASSERT_EQUAL(n, 1);
				}
}

static uint32_t seq_at(const struct host *h, int i)
{
	const uint32_t seq[SEQ_N] = {h->rcv_nxt - 1, h->rcv_nxt, h->rcv_nxt + 1,
				     h->edge - 1,    h->edge,    h->rcv_nxt + UINT32_C(0x80000000)};
	return seq[i];
}

static uint32_t ack_at(const struct host *h, int i)
{
	const uint32_t ack[ACK_N] = {h->una - h->win - 1, h->una - h->win, h->una - 1, h->una,
				     h->una + 1,          h->nxt,          h->nxt + 1};
	return ack[i];
}

static char ack_class(const struct host *h, uint32_t ack)
{
	if (ack == h->nxt)
		return 'n';
	if ((int32_t)(ack - h->nxt) > 0)
		return 'f';
	if (ack == h->una)
		return 'u';
	if ((int32_t)(ack - h->una) > 0)
		return 'p';
	return (int32_t)(ack - (h->una - h->win)) < 0 ? 'x' : 'o';
}

struct books {
	int64_t rx, accepted, drops, named;
};

static struct books read_books(struct host *h, const char *verdict)
{
	int64_t named = host_counter(h, verdict);

	return (struct books){host_counter(h, "rx_segments"), host_counter(h, "rx_accepted"),
			      host_drops(h), named};
}

static const char *check_verdict(const struct row *r, const struct books *a, const struct books *b)
{
	if (b->rx - a->rx != 1 || b->accepted - a->accepted + b->drops - a->drops != 1)
		return "not counted once";
	if (!strcmp(r->verdict, "any"))
		return NULL;
	if (!strcmp(r->verdict, "drop"))
		return b->drops - a->drops == 1 ? NULL : "not counted as dropped";
	if (!strcmp(r->verdict, "accepted"))
		return b->accepted - a->accepted == 1 ? NULL : "not counted as accepted";
	return b->named - a->named == 1 ? NULL : "its drop counter did not go up";
}

/* The one segment that the answer stands for; flags 0 = none. */
static struct seg wanted(const struct host *h, const struct row *r, const struct cell *c)
{
	uint32_t len = !!(c->flags & SYN) + !!(c->flags & FIN);
	/* What this very segment moves: RCV.NXT over a FIN that is taken, or an IRS. */
	bool takes_fin =
	    (c->flags & FIN) &&
	    (r->next == ST_CLOSE_WAIT || r->next == ST_CLOSING || r->next == ST_TIME_WAIT) &&
	    r->state != r->next && r->state != ST_CLOSING;
	uint32_t rcv_nxt = r->state == ST_SYN_SENT ? c->seq + 1 : h->rcv_nxt + takes_fin;
	uint32_t syn_ack =
	    r->state == ST_SYN_RECEIVED || r->state == ST_SYN_RECEIVED_A ? h->rcv_nxt : c->seq + 1;

	switch (r->answer) {
	case A_ACK:
		return (struct seg){.flags = ACK, .seq = h->nxt, .ack = rcv_nxt};
	case A_RST_A:
		return (struct seg){.flags = RST, .seq = c->ack};
	case A_RST_B:
		return (struct seg){.flags = RST | ACK, .ack = c->seq + len};
	case A_SYN_ACK:
		return (struct seg){.flags = SYN | ACK, .seq = h->iss, .ack = syn_ack};
	case A_REUSE:
		return (struct seg){.flags = SYN | ACK, .ack = c->seq + 1};
	case A_nothing:
		break;
	}
	return (struct seg){.flags = 0};
}

static const char *check_answer(struct host *h, const struct row *r, const struct cell *c)
{
	struct seg want = wanted(h, r, c), got;
	bool any_seq = r->answer == A_REUSE || r->state == ST_LISTEN;

	if (!host_next(h, &got))
		return want.flags ? "no answer" : NULL;
	if (!want.flags)
		return "an answer";
	if (got.flags != want.flags)
		return "other flags in the answer";
	if (got.len)
		return "text in the answer";
	if (got.seq != want.seq && !(any_seq && (want.flags & SYN)))
		return "wrong SEQ in the answer";
	if ((want.flags & ACK) && got.ack != want.ack)
		return "wrong ACK in the answer";
	if (r->answer == A_REUSE && (int32_t)(got.seq - h->nxt) < 65537)
		return "ISS not above the old SND.NXT + 65536";
	if ((got.flags & RST) && got.win)
		return "a RST with a window";
	return host_next(h, &got) ? "a second answer" : NULL;
}

static const char *check_next(struct host *h, const struct row *r)
{
	if (r->next != ST_LISTEN)
		return strcmp(host_state(h), state_name[r->next]) ? "other next state" : NULL;
	if (strcmp(tg_lab_state(h->lab, h->listener), "LISTEN"))
		return "the listener is gone";
	return strcmp(host_state(h), "CLOSED") ? "a connection is there" : NULL;
}

static const char *flags_text(uint8_t flags)
{
	static char text[8];
	static const char letter[] = "FSRPAU";
	int n = 0;

	for (int i = 5; i >= 0; i--)
		text[n++] = flags & 1 << i ? letter[i] : '-';
	return text;
}

/* One cell on a host of its own; false when it is not as the table has it. */
static bool run_cell(enum state state, uint8_t flags, int seq_i, int ack_i, bool show)
{
	struct host h;
	struct seg s;
	int n;

	host_init(&h, NULL);
	host_reach(&h, state, IN_FLIGHT);
	uint32_t seq = seq_at(&h, seq_i), ack = ack_at(&h, ack_i);
	struct cell c = {state, flags, seq_letter[seq_i], ack_class(&h, ack), seq, ack};
	const struct row *r = find_row(&c, &n);
	struct books before = read_books(&h, r->verdict);
	s = (struct seg){.flags = flags, .seq = seq, .ack = ack, .win = h.win};
	if (state == ST_SYN_SENT) /* the window begins with the IRS that this segment brings */
		h.edge = seq + 1;
	host_send(&h, &s);
	struct books after = read_books(&h, r->verdict);
	const char *why = check_answer(&h, r, &c), *next = check_next(&h, r);
	const char *books = check_verdict(r, &before, &after);
	bool good = !why && !next && !books;
	if (!good && show)
		printf(
		    "FAIL cell %s%s IPv%d flags %s SEQ %c ACK %c(%+d): %s%s%s%s%s (%s); is %s; row "
		    "\"%s\" \"%s\" \"%s\": %s\n",
		    state_name[state], state == ST_SYN_RECEIVED_A ? "(a)" : "", h.v6 ? 6 : 4,
		    flags_text(flags), c.seq_class, c.ack_class, (int32_t)(ack - h.una),
		    why ? why : "", why && (next || books) ? ", " : "", next ? next : "",
		    next && books ? ", " : "", books ? books : "", r->verdict, host_state(&h),
		    r->flags, r->seq, r->ack, r->rules);
	host_fini(&h);
	return good;
}

static void run_state(enum state state, bool boundaries)
{
	int bad = 0, all = 0;

	for (int seq_i = 0; seq_i < SEQ_N; seq_i++)
		for (int ack_i = 0; ack_i < ACK_N; ack_i++)
			for (int flags = 0; flags < 64; flags++) {
				/* SEQ = RCV.NXT, ACK = SND.NXT is the plain table. */
				if (boundaries == (seq_i == 1 && ack_i == 5))
					continue;
				if (boundaries && !(flags & ACK) && ack_i)
					continue;
				all++;
				bad +=
				    !run_cell(state, (uint8_t)flags, seq_i, ack_i, bad < SHOWN_MAX);
			}
	printf("%s%s: %d of %d cells as the table has them\n", state_name[state],
	       state == ST_SYN_RECEIVED_A ? " (from SYN-SENT)" : "", all - bad, all);
	CU_ASSERT_EQUAL(bad, 0);
}

static void test_closed_each64Flags_asTable(void)
{
	run_state(ST_CLOSED, false);
}

static void test_listen_each64Flags_asTable(void)
{
	run_state(ST_LISTEN, false);
}

static void test_synSent_each64Flags_asTable(void)
{
	run_state(ST_SYN_SENT, false);
}

static void test_synReceived_each64Flags_asTable(void)
{
	run_state(ST_SYN_RECEIVED, false);
}

static void test_synReceivedActive_each64Flags_asTable(void)
{
	run_state(ST_SYN_RECEIVED_A, false);
}

static void test_established_each64Flags_asTable(void)
{
	run_state(ST_ESTABLISHED, false);
}

static void test_finWait1_each64Flags_asTable(void)
{
	run_state(ST_FIN_WAIT_1, false);
}

static void test_finWait2_each64Flags_asTable(void)
{
	run_state(ST_FIN_WAIT_2, false);
}

static void test_closeWait_each64Flags_asTable(void)
{
	run_state(ST_CLOSE_WAIT, false);
}

static void test_closing_each64Flags_asTable(void)
{
	run_state(ST_CLOSING, false);
}

static void test_lastAck_each64Flags_asTable(void)
{
	run_state(ST_LAST_ACK, false);
}

static void test_timeWait_each64Flags_asTable(void)
{
	run_state(ST_TIME_WAIT, false);
}

static void test_closed_eachBoundary_asTable(void)
{
	run_state(ST_CLOSED, true);
}

static void test_listen_eachBoundary_asTable(void)
{
	run_state(ST_LISTEN, true);
}

static void test_synSent_eachBoundary_asTable(void)
{
	run_state(ST_SYN_SENT, true);
}

static void test_synReceived_eachBoundary_asTable(void)
{
	run_state(ST_SYN_RECEIVED, true);
}

static void test_synReceivedActive_eachBoundary_asTable(void)
{
	run_state(ST_SYN_RECEIVED_A, true);
}

static void test_established_eachBoundary_asTable(void)
{
	run_state(ST_ESTABLISHED, true);
}

static void test_finWait1_eachBoundary_asTable(void)
{
	run_state(ST_FIN_WAIT_1, true);
}

static void test_finWait2_eachBoundary_asTable(void)
{
	run_state(ST_FIN_WAIT_2, true);
}

static void test_closeWait_eachBoundary_asTable(void)
{
	run_state(ST_CLOSE_WAIT, true);
}

static void test_closing_eachBoundary_asTable(void)
{
	run_state(ST_CLOSING, true);
}

static void test_lastAck_eachBoundary_asTable(void)
{
	run_state(ST_LAST_ACK, true);
}

static void test_timeWait_eachBoundary_asTable(void)
{
	run_state(ST_TIME_WAIT, true);
}

static const struct tg_test tests[] = {
    {"test_table_eachCombination_inExactlyOneRow", test_table_eachCombination_inExactlyOneRow},
    {"test_closed_each64Flags_asTable", test_closed_each64Flags_asTable},
    {"test_listen_each64Flags_asTable", test_listen_each64Flags_asTable},
    {"test_synSent_each64Flags_asTable", test_synSent_each64Flags_asTable},
    {"test_synReceived_each64Flags_asTable", test_synReceived_each64Flags_asTable},
    {"test_synReceivedActive_each64Flags_asTable", test_synReceivedActive_each64Flags_asTable},
    {"test_established_each64Flags_asTable", test_established_each64Flags_asTable},
    {"test_finWait1_each64Flags_asTable", test_finWait1_each64Flags_asTable},
    {"test_finWait2_each64Flags_asTable", test_finWait2_each64Flags_asTable},
    {"test_closeWait_each64Flags_asTable", test_closeWait_each64Flags_asTable},
    {"test_closing_each64Flags_asTable", test_closing_each64Flags_asTable},
    {"test_lastAck_each64Flags_asTable", test_lastAck_each64Flags_asTable},
    {"test_timeWait_each64Flags_asTable", test_timeWait_each64Flags_asTable},
    {"test_closed_eachBoundary_asTable", test_closed_eachBoundary_asTable},
    {"test_listen_eachBoundary_asTable", test_listen_eachBoundary_asTable},
    {"test_synSent_eachBoundary_asTable", test_synSent_eachBoundary_asTable},
    {"test_synReceived_eachBoundary_asTable", test_synReceived_eachBoundary_asTable},
    {"test_synReceivedActive_eachBoundary_asTable", test_synReceivedActive_eachBoundary_asTable},
    {"test_established_eachBoundary_asTable", test_established_eachBoundary_asTable},
    {"test_finWait1_eachBoundary_asTable", test_finWait1_eachBoundary_asTable},
    {"test_finWait2_eachBoundary_asTable", test_finWait2_eachBoundary_asTable},
    {"test_closeWait_eachBoundary_asTable", test_closeWait_eachBoundary_asTable},
    {"test_closing_eachBoundary_asTable", test_closing_eachBoundary_asTable},
    {"test_lastAck_eachBoundary_asTable", test_lastAck_eachBoundary_asTable},
    {"test_timeWait_eachBoundary_asTable", test_timeWait_eachBoundary_asTable},
};

int main(int argc, char **argv)
{
	return host_main("conformance-cells", tests, TG_TEST_N(tests), argc, argv);
}
