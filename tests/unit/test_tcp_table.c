/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_table: RFC 9293 3.10 as one table, event by state. A cell says what is sent and the next
 * state: "CH =" is a challenge ACK and no change.
 *
 *   -    nothing            CH   challenge ACK (RB-08)      RSTA  <SEQ=SEG.ACK><CTL=RST>
 *   ACK  an ACK, no limit   FIN  FIN,ACK                    RSTC  <SEQ=SND.NXT><CTL=RST,ACK>
 *   SA   SYN,ACK            =    same state                 LI    back to LISTEN (entry freed)
 *
 * A FIN out of SYN-RECEIVED(p) waits for the peer's first window.
 */
#include "tcp_bed.h"

enum column { RCV_P, RCV_A, EST, FW1, FW2, CW, CLO, LA, COLUMN_N };

static const char *const column_name[COLUMN_N] = {
    "SYN-RECEIVED(p)", "SYN-RECEIVED(a)", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2",      "CLOSE-WAIT",      "CLOSING",     "LAST-ACK"};

static const enum tg_tcp_state column_state[COLUMN_N] = {
    TG_SYN_RECEIVED, TG_SYN_RECEIVED, TG_ESTABLISHED, TG_FIN_WAIT_1,
    TG_FIN_WAIT_2,   TG_CLOSE_WAIT,   TG_CLOSING,     TG_LAST_ACK};

/* --- events --- */

static uint32_t nxt(const struct bed *b)
{
	return b->tcb.snd.nxt.v;
}

static int32_t wnd(const struct bed *b)
{
	return (int32_t)tg_tcb_rcv_wnd(&b->tcb);
}

static void ev_syn_irs(struct bed *b)
{
	bed_in(b, bed_syn(b));
}

static void ev_syn_in(struct bed *b)
{
	bed_send(b, TG_TCP_SYN, 3, 0, 0);
}

static void ev_syn_out(struct bed *b)
{
	bed_send(b, TG_TCP_SYN, wnd(b), 0, 0);
}

static void ev_syn_ack(struct bed *b)
{
	struct tg_seg s = bed_seg(b, TG_TCP_SYN | TG_TCP_ACK, b->irs, b->tcb.snd.iss.v + 1, 0);

	bed_in(b, s);
}

static void ev_rst_exact(struct bed *b)
{
	bed_send(b, TG_TCP_RST, 0, 0, 20); /* TD-10: its text is ignored */
}

static void ev_rst_exact_ack(struct bed *b)
{
	bed_send(b, TG_TCP_RST | TG_TCP_ACK | TG_TCP_SYN, 0, nxt(b) + 9, 0);
}

static void ev_rst_next(struct bed *b)
{
	bed_send(b, TG_TCP_RST, 1, 0, 0);
}

static void ev_rst_last(struct bed *b)
{
	bed_send(b, TG_TCP_RST, wnd(b) - 1, 0, 0);
}

static void ev_rst_edge(struct bed *b)
{
	bed_send(b, TG_TCP_RST, wnd(b), 0, 0);
}

static void ev_rst_left(struct bed *b)
{
	bed_send(b, TG_TCP_RST, -1, 0, 0);
}

static void ev_null(struct bed *b)
{
	bed_send(b, 0, 0, 0, 0);
}

static void ev_fin_no_ack(struct bed *b)
{
	bed_send(b, TG_TCP_FIN | TG_TCP_PSH | TG_TCP_URG, 0, 0, 0);
}

static void ev_null_out(struct bed *b)
{
	bed_send(b, 0, wnd(b), 0, 0);
}

static void ev_ack_all(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, 0, nxt(b), 0);
}

static void ev_ack_unsent(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, 0, nxt(b) + 1, 10);
}

static void ev_ack_ancient(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.una.v - BED_WND - 1, 10);
}

static void ev_ack_left(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, -1, nxt(b), 0);
}

static void ev_ack_edge(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, wnd(b), nxt(b), 0);
}

/* Its ACK may wait for the delayed ACK timer; the user takes the text. */
static void ev_data(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, 0, nxt(b), 10);
	if (b->out_n == 0 && b->tcb.deadline[TG_T_DELACK])
		bed_at(b, b->tcb.deadline[TG_T_DELACK]);
	if (b->tcb.state != TG_CLOSED)
		tg_tcp_consume(&b->tcb, tg_tcp_readable(&b->tcb), &b->env);
}

static void ev_data_hole(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, 5, nxt(b), 10);
}

static void ev_data_old(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, -10, nxt(b), 10);
}

static void ev_data_edge(struct bed *b)
{
	bed_send(b, TG_TCP_ACK, wnd(b), nxt(b), 10);
}

static void ev_fin(struct bed *b)
{
	bed_send(b, TG_TCP_FIN | TG_TCP_ACK, 0, b->tcb.snd.una.v, 0);
}

static void ev_fin_acks(struct bed *b)
{
	bed_send(b, TG_TCP_FIN | TG_TCP_ACK, 0, nxt(b), 0);
}

static void ev_fin_hole(struct bed *b)
{
	bed_send(b, TG_TCP_FIN | TG_TCP_ACK, 7, nxt(b), 0);
}

static void ev_fin_again(struct bed *b)
{
	bed_send(b, TG_TCP_FIN | TG_TCP_ACK, -1, b->tcb.snd.una.v, 0);
}

static void ev_shutdown(struct bed *b)
{
	bed_shutdown(b);
}

static void ev_close(struct bed *b)
{
	bed_close(b);
}

static void ev_abort(struct bed *b)
{
	tg_tcp_abort(&b->tcb, TG_CLOSE_ABORT, &b->env, &b->act);
	bed_collect(b, true);
}

/* --- the table --- */

struct row {
	const char *rule, *name;
	void (*run)(struct bed *b);
	const char *cell[COLUMN_N];
};

/* clang-format off */
static const struct row table[] = {
/*                                             RCV(p)     RCV(a)     EST        FW-1       FW-2       CW         CLOSING    LAST-ACK  */
{"SE-02", "SYN at IRS",      ev_syn_irs,      {"SA =",    "SA =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-03", "SYN inside",      ev_syn_in,       {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-04", "SYN outside",     ev_syn_out,      {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-05", "SYN,ACK",         ev_syn_ack,      {"CH =",    "ACK EST", "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-07", "RST exact",       ev_rst_exact,    {"- LI",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL"}},
{"SE-18", "SYN,RST,ACK",     ev_rst_exact_ack,{"- LI",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL",    "- CL"}},
{"SE-23", "RST NXT+1",       ev_rst_next,     {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"RB-01", "RST last",        ev_rst_last,     {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"RB-02", "RST at edge",     ev_rst_edge,     {"- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- ="}},
{"RB-04", "RST NXT-1",       ev_rst_left,     {"- =",     "- =",     "- =",     "- =",     "- =",     "- CL",    "- CL",    "- CL"}},
{"SE-14", "null",            ev_null,         {"- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- ="}},
{"SE-25", "FIN without ACK", ev_fin_no_ack,   {"- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- =",     "- ="}},
{"SE-14", "null outside",    ev_null_out,     {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-28", "ACK of all",      ev_ack_all,      {"- EST",   "- EST",   "- =",     "- FW2",   "- =",     "- =",     "- TW",    "- CL"}},
{"SE-32", "ACK of unsent",   ev_ack_unsent,   {"RSTA =",  "RSTA =",  "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-31", "ACK ancient",     ev_ack_ancient,  {"RSTA =",  "RSTA =",  "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-26", "ACK at NXT-1",    ev_ack_left,     {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-19", "ACK at edge",     ev_ack_edge,     {"CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH =",    "CH ="}},
{"SE-33", "data",            ev_data,         {"ACK EST", "ACK EST", "ACK =",   "ACK FW2", "ACK =",   "CH =",    "CH TW",   "- CL"}},
{"SE-34", "data above hole", ev_data_hole,    {"ACK EST", "ACK EST", "ACK =",   "ACK FW2", "ACK =",   "CH =",    "CH TW",   "- CL"}},
{"SE-27", "data old",        ev_data_old,     {"CH =",    "CH =",    "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK ="}},
{"SE-27", "data at edge",    ev_data_edge,    {"CH =",    "CH =",    "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK ="}},
{"SE-37", "FIN",             ev_fin,          {"RSTA =",  "RSTA =",  "ACK CW",  "ACK CLO", "ACK TW",  "CH =",    "CH =",    "CH ="}},
{"SE-38", "FIN acks all",    ev_fin_acks,     {"ACK CW",  "ACK CW",  "ACK CW",  "ACK TW",  "ACK TW",  "CH =",    "CH TW",   "- CL"}},
{"SE-39", "FIN above hole",  ev_fin_hole,     {"ACK EST", "ACK EST", "ACK =",   "ACK FW2", "ACK =",   "CH =",    "CH TW",   "- CL"}},
{"SE-40", "FIN again",       ev_fin_again,    {"CH =",    "CH =",    "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK =",   "ACK ="}},
{"UC-05", "shutdown",        ev_shutdown,     {"- FW1",   "FIN FW1", "FIN FW1", "- =",     "- =",     "FIN LA",  "- =",     "- ="}},
{"UC-05", "close",           ev_close,        {"- FW1",   "FIN FW1", "FIN FW1", "- =",     "- =",     "FIN LA",  "- =",     "- ="}},
{"UC-07", "abort",           ev_abort,        {"RSTC CL", "RSTC CL", "RSTC CL", "RSTC CL", "RSTC CL", "RSTC CL", "- CL",    "- CL"}},
};
/* clang-format on */

/* --- running it --- */

static void enter_column(struct bed *b, enum column c)
{
	bed_init(b);
	if (c == RCV_A)
		bed_to_syn_received_active(b);
	else
		bed_to(b, column_state[c]);
	b->events = 0;
	b->out_n = 0;
	memset(&b->ctr, 0, sizeof(b->ctr));
}

static const char *answer_of(const struct bed *b)
{
	const struct tg_seg *s = &b->out[0];

	if (b->out_n == 0)
		return "-";
	if (s->ctl & TG_TCP_RST)
		return (s->ctl & TG_TCP_ACK) ? "RSTC" : "RSTA";
	if (s->ctl & TG_TCP_SYN)
		return "SA";
	if (s->ctl & TG_TCP_FIN)
		return "FIN";
	return bed_count(b, TG_CTR_ch_sent) ? "CH" : "ACK";
}

static const char *next_of(const struct bed *b, enum column c)
{
	static const char *const name[TG_STATE_N] = {
	    [TG_SYN_RECEIVED] = "RCV", [TG_ESTABLISHED] = "EST", [TG_FIN_WAIT_1] = "FW1",
	    [TG_FIN_WAIT_2] = "FW2",   [TG_CLOSE_WAIT] = "CW",   [TG_CLOSING] = "CLO",
	    [TG_LAST_ACK] = "LA",      [TG_TIME_WAIT] = "TW",    [TG_CLOSED] = "CL"};

	if (b->tcb.state == column_state[c])
		return "=";
	if (b->events & TG_EV_TO_LISTEN)
		return "LI";
	return name[b->tcb.state];
}

/* A reply of the machine is never malformed, whatever drew it (TD-06, TD-07, TD-09). */
static void check_reply(const struct bed *b, uint32_t snd_nxt)
{
	for (int i = 0; i < b->out_n; i++) {
		const struct tg_seg *s = &b->out[i];

		if (s->ctl & TG_TCP_RST)
			CU_ASSERT(s->wnd == 0 && s->len == 0);
		if ((s->ctl & (TG_TCP_RST | TG_TCP_ACK)) == (TG_TCP_RST | TG_TCP_ACK))
			CU_ASSERT_EQUAL(s->seq.v, snd_nxt);
	}
}

static void run_cell(const struct row *r, enum column c)
{
	struct bed b;
	char got[32];

	enter_column(&b, c);
	uint32_t snd_nxt = b.tcb.snd.nxt.v;
	r->run(&b);
	snprintf(got, sizeof(got), "%s %s", answer_of(&b), next_of(&b, c));
	if (strcmp(got, r->cell[c])) {
		printf("%s %s in %s: expected \"%s\", got \"%s\"\n", r->rule, r->name,
		       column_name[c], r->cell[c], got);
		CU_FAIL("cell");
	}
	check_reply(&b, snd_nxt);
	bed_fini(&b);
}

static void test_everyState_everyEvent_asTable(void)
{
	for (size_t i = 0; i < TG_TEST_N(table); i++)
		for (int c = 0; c < COLUMN_N; c++)
			run_cell(&table[i], (enum column)c);
}

/* RB-08: the second challenge within the interval stays away, the next after it goes. */
static void test_established_manyBadRsts_oneChallengeAnInterval(void)
{
	struct bed b;
	uint64_t t0;

	enter_column(&b, EST);
	t0 = b.env.now_ms;
	for (int i = 0; i < 100; i++) {
		bed_time(&b, t0 + (uint64_t)i);
		ev_rst_next(&b);
		CU_ASSERT_EQUAL(b.out_n, i == 0 ? 1 : 0);
	}
	bed_time(&b, t0 + 499);
	ev_rst_next(&b);
	CU_ASSERT_EQUAL(b.out_n, 0);
	bed_time(&b, t0 + 500);
	ev_rst_next(&b);
	CU_ASSERT_EQUAL(b.out_n, 1);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_ch_sent), 2);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_ch_skipped), 100);
	bed_fini(&b);
}

/* RB-10: text outside the window is answered every time. */
static void test_established_oldDataAgain_ackEachTime(void)
{
	struct bed b;

	enter_column(&b, EST);
	for (int i = 0; i < 10; i++) {
		ev_data_old(&b);
		CU_ASSERT_EQUAL(b.out_n, 1);
	}
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_ch_sent), 0);
	bed_fini(&b);
}

/* RB-16: nothing of a segment with a bad ACK is used, its timestamp neither. */
static void test_established_badAckWithNewTimestamp_tsRecentStays(void)
{
	struct bed b;

	bed_init(&b);
	b.ts = true;
	bed_to(&b, TG_ESTABLISHED);
	struct tg_seg s = bed_seg(&b, TG_TCP_ACK, b.tcb.rcv.nxt.v, b.tcb.snd.nxt.v + 1, 10);
	s.opts.tsval = b.tsval + 100000;
	bed_in(&b, s);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_ack_unsent);
	CU_ASSERT_EQUAL(b.tcb.ts_recent, b.tsval);
	ev_data(&b);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_NONE);
	bed_fini(&b);
}

/* SE-43, SE-44, RB-07, DT-10. */
static void test_established_timestamps_asPaws(void)
{
	struct bed b;
	struct tg_seg s;

	bed_init(&b);
	b.ts = true;
	bed_to(&b, TG_ESTABLISHED);
	CU_ASSERT(b.tcb.ts_on);
	s = bed_seg(&b, TG_TCP_ACK, b.tcb.rcv.nxt.v, b.tcb.snd.nxt.v, 10);
	s.opts.tsval = b.tsval - 1;
	bed_in(&b, s);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_paws_drop);
	CU_ASSERT_EQUAL(b.out_n, 1);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 0);
	s.opts.has_ts = 0;
	bed_in(&b, s);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_ts_missing);
	CU_ASSERT_EQUAL(b.out_n, 0);
	bed_time(&b, b.env.now_ms + 24ull * 24 * 3600 * 1000 + 1); /* TS.Recent is worth nothing */
	s.opts.has_ts = 1;
	bed_in(&b, s);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_NONE);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 10);
	s = bed_seg(&b, TG_TCP_RST, b.tcb.rcv.nxt.v, 0, 0); /* RST is exempt from both */
	bed_in(&b, s);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSED);
	bed_fini(&b);
}

/* TD-12, ADV-68: text after the full close; a pure ACK or a FIN is no text. */
static void test_finWait_orphanGetsData_reset(void)
{
	struct bed b;

	for (int acked = 0; acked < 2; acked++) {
		bed_init(&b);
		bed_to(&b, TG_ESTABLISHED);
		bed_close(&b);
		if (acked)
			ev_ack_all(&b);
		uint32_t ack = b.tcb.snd.nxt.v;
		bed_send(&b, TG_TCP_ACK, 0, ack, 1);
		CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_RST);
		CU_ASSERT_EQUAL(b.out[0].seq.v, ack);
		CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSED);
		CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_abort_on_data), 1);
		bed_fini(&b);
	}
	bed_init(&b);
	bed_to(&b, TG_ESTABLISHED);
	bed_close(&b);
	ev_fin_acks(&b);
	CU_ASSERT_EQUAL(b.tcb.state, TG_TIME_WAIT);
	bed_fini(&b);
}

/* UC-08, UC-09. */
static void test_established_closeWithUnreadOrNoLinger_reset(void)
{
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_ESTABLISHED);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 10);
	bed_close(&b);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(bed_count(&b, TG_CTR_abort_on_unread), 1);
	bed_fini(&b);
	bed_init(&b);
	b.conf.linger_ms = 0;
	bed_to(&b, TG_ESTABLISHED);
	bed_close(&b);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_ABORT);
	bed_fini(&b);
}

/* UC-05, EST-06: closed out of SYN-RECEIVED at once; the SYN is still to be acknowledged, and is
 * repeated before the FIN. */
static void test_synReceived_shutdown_finBeforeAckOfSyn(void)
{
	struct bed b;

	bed_init(&b);
	bed_to_syn_received_active(&b);
	bed_shutdown(&b);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_FIN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(b.out[0].seq.v, b.tcb.snd.iss.v + 1);
	bed_at(&b, b.tcb.deadline[TG_T_REXMIT]);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_SYN | TG_TCP_ACK);
	b.events = 0;
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.iss.v + 1, 0);
	CU_ASSERT_EQUAL(b.events & TG_EV_OPENED, TG_EV_OPENED);
	CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_1);
	bed_at(&b, b.tcb.deadline[TG_T_REXMIT]);
	CU_ASSERT_EQUAL(b.out[0].ctl & TG_TCP_FIN, TG_TCP_FIN);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.iss.v + 2, 0);
	CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_2);
	bed_fini(&b);
}

/* SE-42: once for each new place. */
static void test_established_urgent_toldOnce(void)
{
	struct bed b;
	struct tg_seg s;

	bed_init(&b);
	bed_to(&b, TG_ESTABLISHED);
	s = bed_seg(&b, TG_TCP_ACK | TG_TCP_URG, b.tcb.rcv.nxt.v, b.tcb.snd.nxt.v, 3);
	s.up = 3;
	bed_in(&b, s);
	CU_ASSERT(b.act.events & TG_EV_URGENT);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 3);
	bed_in(&b, s);
	CU_ASSERT_FALSE(b.act.events & TG_EV_URGENT);
	for (int i = 0; i < 2; i++) { /* a place ahead, said twice */
		s = bed_seg(&b, TG_TCP_ACK | TG_TCP_URG, b.tcb.rcv.nxt.v, b.tcb.snd.nxt.v, 0);
		s.up = 5;
		bed_in(&b, s);
		CU_ASSERT_EQUAL(!!(b.act.events & TG_EV_URGENT), i == 0);
	}
	bed_read_all(&b);
	bed_fini(&b);
}

/* DT-09, RFC 7323 4.3: what is echoed is the oldest that is not acknowledged yet. */
static void test_established_tsRecent_oldestUnacked(void)
{
	struct bed b;

	bed_init(&b);
	b.ts = true;
	bed_to(&b, TG_ESTABLISHED);
	uint32_t first = b.tsval + 5;
	b.tsval = first;
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 10);
	CU_ASSERT_EQUAL(b.tcb.ts_recent, first);
	b.tsval += 5;
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 5);
	CU_ASSERT_EQUAL(b.tcb.ts_recent, first);
	bed_at(&b, b.env.now_ms + 40);
	CU_ASSERT_EQUAL(b.out[0].opts.tsecr, first);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
	CU_ASSERT_EQUAL(b.tcb.ts_recent, b.tsval);
	bed_read_all(&b);
	bed_fini(&b);
}

/* SE-40: the ACK of a repeated FIN counts. */
static void test_lastAck_finAgainThatAcksOurs_ackedAndClosed(void)
{
	struct bed b;

	bed_init(&b);
	bed_to(&b, TG_LAST_ACK);
	bed_send(&b, TG_TCP_FIN | TG_TCP_ACK, -1, b.tcb.snd.nxt.v, 0);
	CU_ASSERT_EQUAL(b.out_n, 1);
	CU_ASSERT_EQUAL(b.out[0].ctl, TG_TCP_ACK);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSED);
	CU_ASSERT_EQUAL(b.act.reason, TG_CLOSE_NORMAL);
	bed_fini(&b);
}

/* UC-05: behind queued bytes the FIN waits for ESTABLISHED. */
static void test_synReceived_shutdownBehindBytes_finAfterThem(void)
{
	struct bed b;

	bed_init(&b);
	bed_open(&b);
	tg_tcp_send(&b.tcb, b.text, 100, &b.env);
	bed_in(&b, bed_syn(&b));
	bed_shutdown(&b);
	CU_ASSERT_EQUAL(b.tcb.state, TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(b.out_n, 0);
	CU_ASSERT_EQUAL(tg_tcp_send(&b.tcb, b.text, 1, &b.env), -32);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 0);
	CU_ASSERT_EQUAL(b.tcb.state, TG_FIN_WAIT_1);
	CU_ASSERT_EQUAL(b.out[0].len, 100);
	CU_ASSERT(b.out[0].ctl & TG_TCP_FIN);
	bed_fini(&b);
}

/* Fills the receive window with bytes that nobody reads. */
static void close_window(struct bed *b)
{
	bed_init(b);
	b->conf.rcvbuf = 1000;
	bed_to(b, TG_ESTABLISHED);
	bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 1000);
	bed_at(b, b->env.now_ms + 40);
	CU_ASSERT_EQUAL_FATAL(tg_tcb_rcv_wnd(&b->tcb), 0);
}

/* SE-36, MUST-66, RB-02, DT-25. */
static void test_established_windowClosed_textDroppedRestUsed(void)
{
	struct bed b;

	close_window(&b);
	tg_tcp_send(&b.tcb, b.text, 100, &b.env);
	bed_collect(&b, false);
	bed_send(&b, TG_TCP_ACK | TG_TCP_FIN, 0, b.tcb.snd.nxt.v, 1);
	CU_ASSERT_EQUAL(b.tcb.snd.una.v, b.tcb.snd.nxt.v); /* its ACK field is used */
	CU_ASSERT_EQUAL(b.out_n, 1);
	CU_ASSERT_EQUAL(b.out[0].wnd, 0);
	CU_ASSERT_EQUAL(tg_tcp_readable(&b.tcb), 1000);
	CU_ASSERT_EQUAL(b.tcb.state, TG_ESTABLISHED);
	bed_send(&b, TG_TCP_ACK, 0, b.tcb.snd.nxt.v, 1);
	CU_ASSERT_EQUAL(b.out_n, 1);
	bed_send(&b, TG_TCP_RST, 1, 0, 0);
	CU_ASSERT_EQUAL(b.act.verdict, TG_CTR_rst_rcvd_oow);
	bed_send(&b, TG_TCP_RST, 0, 0, 0);
	CU_ASSERT_EQUAL(b.tcb.state, TG_CLOSED);
	bed_fini(&b);
}

/* DT-33: a probe from just left of a closed window brings its ACK and its window; with the window
 * open nothing of it is used (RB-16). */
static void test_established_probeLeftOfWindow_ackUsedOnlyIfClosed(void)
{
	for (int open = 0; open < 2; open++) {
		struct bed b;

		if (open) {
			bed_init(&b);
			bed_to(&b, TG_ESTABLISHED);
		} else {
			close_window(&b);
		}
		tg_tcp_send(&b.tcb, b.text, 100, &b.env);
		bed_collect(&b, false);
		uint32_t una = b.tcb.snd.una.v;
		bed_send(&b, TG_TCP_ACK, -1, b.tcb.snd.nxt.v, 0);
		CU_ASSERT_EQUAL(b.tcb.snd.una.v, open ? una : una + 100);
		CU_ASSERT_EQUAL(b.out_n, 1);
		bed_fini(&b);
	}
}

static const struct tg_test tests[] = {
    {"everyState_everyEvent_asTable", test_everyState_everyEvent_asTable},
    {"established_manyBadRsts_oneChallengeAnInterval",
     test_established_manyBadRsts_oneChallengeAnInterval},
    {"established_oldDataAgain_ackEachTime", test_established_oldDataAgain_ackEachTime},
    {"established_badAckWithNewTimestamp_tsRecentStays",
     test_established_badAckWithNewTimestamp_tsRecentStays},
    {"established_timestamps_asPaws", test_established_timestamps_asPaws},
    {"finWait_orphanGetsData_reset", test_finWait_orphanGetsData_reset},
    {"established_closeWithUnreadOrNoLinger_reset",
     test_established_closeWithUnreadOrNoLinger_reset},
    {"synReceived_shutdown_finBeforeAckOfSyn", test_synReceived_shutdown_finBeforeAckOfSyn},
    {"established_urgent_toldOnce", test_established_urgent_toldOnce},
    {"established_tsRecent_oldestUnacked", test_established_tsRecent_oldestUnacked},
    {"lastAck_finAgainThatAcksOurs_ackedAndClosed",
     test_lastAck_finAgainThatAcksOurs_ackedAndClosed},
    {"synReceived_shutdownBehindBytes_finAfterThem",
     test_synReceived_shutdownBehindBytes_finAfterThem},
    {"established_windowClosed_textDroppedRestUsed",
     test_established_windowClosed_textDroppedRestUsed},
    {"established_probeLeftOfWindow_ackUsedOnlyIfClosed",
     test_established_probeLeftOfWindow_ackUsedOnlyIfClosed},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_table", tests, TG_TEST_N(tests), argc, argv);
}
