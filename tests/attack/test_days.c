/* SPDX-License-Identifier: BSD-3-Clause */
/* Clocks and numbers that come round, and days without a word. Each life of a connection is run
 * once at the usual time, where its timers are checked against the rules, and then again so that a
 * clock or a number passes 2^32 (or a 16-bit stamp 2^16) at each stage of it: what is sent, when,
 * and the states must be the same to the last millisecond (TD-21, ADV-86). Time jumps from deadline
 * to deadline. */
#include "lab_host.h"

#include <stdarg.h>

#define DAY (UINT64_C(86400) * 1000) /* ms */

enum { LOG_MAX = 200000 };

struct life {
	struct host h;
	char *log;
	size_t len;
	uint32_t sent; /* datagrams, since it was set to 0 */
	uint64_t last_ms;
	uint64_t late_ns; /* the most that anything was sent after the deadline that brought it */
};

/* When and with which numbers a life begins. */
struct birth {
	uint64_t start_ns;
	uint32_t irs, tsval;
};

static void say(struct life *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct life *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (l->len < LOG_MAX - 200)
		l->len += (size_t)vsnprintf(l->log + l->len, 200, format, ap);
	va_end(ap);
}

static uint64_t now_ms(const struct life *l)
{
	return (l->h.now - l->h.start) / MS;
}

/* All that was sent, in the numbers of the connection. */
static void hear(struct life *l)
{
	struct host *h = &l->h;
	struct seg s;

	while (host_next(h, &s)) {
		l->last_ms = (s.at_ns - h->start) / MS;
		say(l, "%" PRIu64 " seq %u ack %u flags %x len %u win %u sack %u\n", l->last_ms,
		    s.seq - h->iss, s.flags & ACK ? s.ack - h->irs : 0, s.flags, s.len, s.win,
		    s.sack_n);
		if (h->now > s.at_ns && h->now - s.at_ns > l->late_ns)
			l->late_ns = h->now - s.at_ns;
		if ((int32_t)(s.seq + s.len + (s.flags & FIN) - h->nxt) > 0)
			h->nxt = s.seq + s.len + (s.flags & FIN);
		l->sent++;
	}
}

static void state(struct life *l)
{
	say(l, "%" PRIu64 " %s\n", now_ms(l), host_state(&l->h));
}

/* Time passes up to at_ms, from one deadline to the next. answer: what the peer says to each
 * datagram of the lab, NULL = nothing. */
static void wait_until(struct life *l, uint64_t at_ms, void (*answer)(struct life *l))
{
	struct host *h = &l->h;
	uint64_t end = h->start + at_ms * MS, due;

	for (;;) {
		hear(l);
		due = tg_lab_next_deadline(h->lab);
		if (due > end)
			break;
		expect_true("TD-21", due > h->now || due + MS > h->now, "a deadline is not past");
		host_pass_ns(h, due > h->now ? due - h->now : 0);
		expect_true("TD-21", tg_lab_next_deadline(h->lab) > due, "the next one is later");
		uint32_t before = l->sent;
		hear(l);
		if (answer && l->sent != before)
			answer(l);
	}
	if (end > h->now)
		host_pass_ns(h, end - h->now);
	hear(l);
	state(l);
}

static void ack_all(struct life *l)
{
	l->h.tsval += 1;
	send_flags(&l->h, ACK, l->h.rcv_nxt, l->h.nxt);
}

static void ack_closed(struct life *l) /* the window stays closed */
{
	l->h.win = 0;
	send_flags(&l->h, ACK, l->h.rcv_nxt, l->h.una);
}

/* A connection that is open, with all options; the lab is the passive side. */
static void open(struct life *l)
{
	struct seg syn = {.flags = SYN};

	opt_mss(&syn, 1460);
	opt_sackok(&syn);
	opt_ts(&syn, l->h.tsval, 0);
	opt_ws(&syn, 7);
	host_open(&l->h, &syn);
}

static void write_bytes(struct life *l, size_t n)
{
	static const uint8_t bytes[4000];

	say(l, "write %zd\n", tg_lab_write(l->h.lab, l->h.sock, bytes, n));
	hear(l);
}

/* Bytes both ways, to see that nothing is stuck. */
static void talk(struct life *l)
{
	uint8_t buf[200];

	l->h.tsval += 10;
	l->h.win = 5000;
	send_text(&l->h, ACK | PSH, l->h.rcv_nxt, l->h.nxt, 100);
	l->h.rcv_nxt += 100;
	wait_until(l, now_ms(l) + 100, NULL);
	say(l, "read %zd\n", tg_lab_read(l->h.lab, l->h.sock, buf, sizeof(buf)));
	write_bytes(l, 100);
	ack_all(l);
	wait_until(l, now_ms(l) + 5000, NULL);
}

static void error_of(struct life *l)
{
	int64_t error = 0;

	tg_lab_getopt(l->h.lab, l->h.sock, TG_LAB_ERROR, &error);
	say(l, "error %" PRId64 "\n", error);
}

/* --- the lives --- */

static void life_syn(struct life *l) /* TO-01 */
{
	host_connect(&l->h, NULL);
	l->h.rcv_nxt = l->h.irs;
	wait_until(l, 250000, NULL);
	expect_true("TO-01", l->sent == 8 && l->last_ms >= 180000 && l->last_ms <= 183001,
		    "the last of nine SYNs at 183 s");
	error_of(l);
}

static void life_syn_ack(struct life *l) /* TO-02 */
{
	host_syn(&l->h, NULL);
	wait_until(l, 80000, NULL);
	expect_true("TO-02", l->sent == 5 && l->last_ms >= 31000 && l->last_ms <= 31001,
		    "the last of six SYN-ACKs at 31 s");
	expect_state(&l->h, "TO-02", "CLOSED");
}

static void life_rto(struct life *l) /* TO-03, DT-05, DT-08 */
{
	open(l);
	write_bytes(l, 1000);
	wait_until(l, 300000, NULL);
	expect_state(&l->h, "DT-08", "CLOSED");
	expect_true("DT-08", l->last_ms >= 100000, "not before R2");
	error_of(l);
}

static void life_delayed_ack(struct life *l) /* TO-10, DT-11 */
{
	open(l);
	for (int i = 0; i < 3; i++) {
		uint64_t at = now_ms(l);

		l->h.tsval++;
		send_text(&l->h, ACK | PSH, l->h.rcv_nxt, l->h.nxt, 100);
		l->h.rcv_nxt += 100;
		wait_until(l, at + 1000, NULL);
		expect_true("TO-10", l->last_ms >= at + 40 && l->last_ms <= at + 41, "at 40 ms");
	}
}

static void life_persist(struct life *l) /* TO-09, DT-24 */
{
	open(l);
	l->h.win = 0;
	ack_all(l);
	write_bytes(l, 500);
	wait_until(l, 3600000, ack_closed);
	expect_true("DT-24", l->sent > 60 && l->sent < 80, "a probe a minute in the end");
	expect_state(&l->h, "DT-24", "ESTABLISHED");
	l->h.win = 5000;
	send_flags(&l->h, ACK, l->h.rcv_nxt, l->h.una);
	wait_until(l, 3600100, NULL);
	ack_all(l);
	talk(l);
}

static void keepalive_on(struct life *l)
{
	open(l);
	tg_lab_setopt(l->h.lab, l->h.sock, TG_LAB_KEEPALIVE, 1);
	tg_lab_setopt(l->h.lab, l->h.sock, TG_LAB_KEEPALIVE_IDLE_MS, 7200000);
	tg_lab_setopt(l->h.lab, l->h.sock, TG_LAB_KEEPALIVE_INTERVAL_MS, 75000);
	tg_lab_setopt(l->h.lab, l->h.sock, TG_LAB_KEEPALIVE_COUNT, 9);
}

static void life_keepalive(struct life *l) /* TO-07: 60 days, each probe answered */
{
	keepalive_on(l);
	wait_until(l, 60 * DAY + 1000, ack_all);
	expect_eq("TO-07", l->sent, 60 * 12, "probes in 60 days");
	expect_state(&l->h, "TO-07", "ESTABLISHED");
	talk(l);
}

static void life_keepalive_dead(struct life *l) /* and none of them */
{
	keepalive_on(l);
	wait_until(l, DAY, NULL);
	expect_state(&l->h, "TO-07", "CLOSED");
	expect_true("TO-07",
		    l->last_ms >= 7200000 + 9 * 75000 && l->last_ms <= 7200000 + 9 * 75000 + 2,
		    "given up after nine probes");
	error_of(l);
}

static void life_idle(struct life *l) /* MUST-25: nothing is sent in 60 days */
{
	open(l);
	wait_until(l, 60 * DAY, NULL);
	expect_eq("TO-07", l->sent, 0, "datagrams without keepalive");
	expect_true("TD-21", tg_lab_next_deadline(l->h.lab) == UINT64_MAX, "and no timer runs");
	talk(l);
	expect_true("TO-07", l->sent > 1, "then it carries bytes");
}

static void life_fin_wait_2(struct life *l) /* TO-06, TD-13 */
{
	open(l);
	tg_lab_close(l->h.lab, l->h.sock);
	l->h.sock = -1;
	hear(l);
	ack_all(l);
	wait_until(l, 59990, NULL);
	expect_state(&l->h, "TD-13", "FIN-WAIT-2");
	wait_until(l, 60010, NULL);
	expect_state(&l->h, "TD-13", "CLOSED");
}

static void life_time_wait(struct life *l) /* TO-05, TD-14, TD-16 */
{
	open(l);
	tg_lab_close(l->h.lab, l->h.sock);
	l->h.sock = -1;
	hear(l);
	for (int i = 0; i < 3; i++) { /* each FIN begins it anew */
		uint64_t at = now_ms(l);

		l->h.tsval++;
		send_flags(&l->h, FIN | ACK, l->h.rcv_nxt, l->h.nxt);
		wait_until(l, at + (i < 2 ? 50000 : 59999), NULL);
		expect_state(&l->h, "TD-16", "TIME-WAIT");
		if (i == 2)
			wait_until(l, at + 60002, NULL);
	}
	expect_state(&l->h, "TO-05", "CLOSED");
}

static void life_user_timeout(struct life *l) /* TO-08 */
{
	open(l);
	tg_lab_setopt(l->h.lab, l->h.sock, TG_LAB_USER_TIMEOUT_MS, 17000);
	write_bytes(l, 10);
	wait_until(l, 60000, NULL);
	expect_true("TO-08", l->last_ms >= 17000 && l->last_ms <= 17002, "RST at 17 s");
	error_of(l);
}

/* RB-08; a stamp may make a challenge wait 1 ms longer, and no attempt is made so close to the end
 * of an interval that it could tell. */
static void life_challenges(struct life *l)
{
	open(l);
	for (uint32_t i = 0; i < 1400; i++) {
		send_flags(&l->h, RST, l->h.rcv_nxt + 1 + i, 0);
		hear(l);
		host_pass(&l->h, 99);
	}
	expect_eq("RB-08", l->sent, (1400 + 5) / 6, "challenges, one in 594 ms");
	state(l);
}

/* DT-10: what is older than TS.Recent is refused, but TS.Recent itself grows old in 24 days. */
static void old_stamp_after(struct life *l, uint64_t days)
{
	open(l);
	talk(l);
	wait_until(l, days * DAY, NULL);
	l->h.tsval -= 5;
	send_text(&l->h, ACK | PSH, l->h.rcv_nxt, l->h.nxt, 10);
	l->h.rcv_nxt += days > 24 ? 10 : 0;
	wait_until(l, days * DAY + 100, NULL);
	expect_counter(&l->h, "DT-10", "paws_drop", days > 24 ? 0 : 1);
}

static void life_stamp_23_days(struct life *l)
{
	old_stamp_after(l, 23);
}

static void life_stamp_26_days(struct life *l)
{
	old_stamp_after(l, 26);
}

static const struct {
	const char *name;
	void (*live)(struct life *l);
	uint64_t stages[8]; /* ms after the beginning at which something comes round */
} lives[] = {
    {"SYN", life_syn, {1, 500, 1000, 3500, 64000, 150000, 183500}},
    {"SYN-ACK", life_syn_ack, {1, 500, 1000, 3500, 20000, 40000, 62999}},
    {"retransmission", life_rto, {1, 100, 200, 300, 5000, 60000, 99999}},
    {"delayed ACK", life_delayed_ack, {1, 20, 39, 40, 41, 1020, 2040}},
    {"persist", life_persist, {1, 100, 300, 1000, 60000, 1800000, 3600001}},
    {"keepalive", life_keepalive, {1, 7199999, 7200000, 7200001, 30 * DAY, 49 * DAY, 60 * DAY}},
    {"keepalive without answer", life_keepalive_dead, {1, 7200000, 7200001, 7300000, 7874999}},
    {"idle", life_idle, {1, 1000, DAY, 25 * DAY, 59 * DAY, 60 * DAY}},
    {"FIN-WAIT-2", life_fin_wait_2, {1, 100, 30000, 59999, 60000, 60001}},
    {"TIME-WAIT", life_time_wait, {1, 100, 30000, 59999, 60000, 100001, 159999}},
    {"user timeout", life_user_timeout, {1, 200, 10000, 16999, 17000}},
    {"challenges", life_challenges, {1, 499, 500, 501, 65536, 70000}},
    {"timestamp, 23 days", life_stamp_23_days, {1, 5000, DAY, 22 * DAY, 23 * DAY}},
    {"timestamp, 26 days", life_stamp_26_days, {1, 5000, DAY, 24 * DAY, 26 * DAY}},
};

/* --- once more, with something that comes round --- */

struct numbers {
	uint32_t iss, ts; /* of the lab, at the birth */
};

static char *live(size_t i, struct birth b, struct numbers *n)
{
	struct life l = {.log = calloc(1, LOG_MAX)};
	char options[60];

	snprintf(options, sizeof(options), "start_ns=%" PRIu64, b.start_ns);
	host_init(&l.h, options);
	l.h.now = l.h.start = b.start_ns;
	l.h.irs = b.irs;
	l.h.tsval = b.tsval;
	lives[i].live(&l);
	if (n)
		*n = (struct numbers){l.h.iss, l.h.ts_last - (uint32_t)now_ms(&l)};
	expect_true("TD-21", l.late_ns <= MS, "nothing is sent later than a tick after it was due");
	expect_true("log", l.len < LOG_MAX - 200 && l.len > 0, "the life fits its log");
	host_fini(&l.h);
	return l.log;
}

static struct numbers compare(size_t i, const char *base, struct birth b, const char *what,
			      uint64_t at_ms)
{
	struct numbers n;
	char *other = live(i, b, &n), text[300];
	const char *x = base, *y = other, *line_x = base, *line_y = other;

	for (; *x && *x == *y; x++, y++)
		if (*x == '\n') {
			line_x = x + 1;
			line_y = y + 1;
		}
	if (*x != *y) {
		snprintf(text, sizeof(text),
			 "%s, %s comes round at %" PRIu64 " ms: \"%.*s\", was \"%.*s\"",
			 lives[i].name, what, at_ms, (int)strcspn(line_y, "\n"), line_y,
			 (int)strcspn(line_x, "\n"), line_x);
		expect_true("ADV-86", false, text);
	}
	free(other);
	return n;
}

static const struct birth usual = {SEC, UINT32_C(0x10000000), 1000};

/* A clock of so many bits, counting units of unit_ns, comes round. */
static void clock_wraps(const char *what, uint64_t unit_ns, unsigned bits)
{
	for (size_t i = 0; i < TG_TEST_N(lives); i++) {
		char *base = live(i, usual, NULL);

		for (size_t k = 0; k < 8 && lives[i].stages[k]; k++) {
			struct birth b = usual;
			uint64_t round = (unit_ns << bits) / MS, at = lives[i].stages[k];
			b.start_ns = (round * (at / round + 1) - at) * MS;
			compare(i, base, b, what, at);
		}
		free(base);
	}
}

static void test_clock_milliseconds32_nothingChanges(void)
{
	clock_wraps("the clock of 2^32 ms", MS, 32);
}

static void test_clock_microseconds32_nothingChanges(void)
{
	clock_wraps("the clock of 2^32 us", 1000, 32);
}

static void test_clock_nanoseconds32_nothingChanges(void)
{
	clock_wraps("the clock of 2^32 ns", 1, 32);
}

static void test_clock_stamps16_nothingChanges(void)
{
	clock_wraps("a stamp of 2^16 ms", MS, 16);
}

/* The engine's TSval passes 0 at each stage (EST-18), the peer's all the time. */
static void test_timestamps_wrap_nothingChanges(void)
{
	for (size_t i = 0; i < TG_TEST_N(lives); i++) {
		struct numbers n;
		char *base = live(i, usual, &n);

		for (size_t k = 0; k < 8 && lives[i].stages[k]; k++) {
			struct birth b = usual;
			uint64_t at = lives[i].stages[k];
			b.start_ns += (uint32_t)(0 - n.ts - (uint32_t)at) * MS;
			b.tsval = UINT32_MAX - (uint32_t)(at % 20);
			struct numbers m = compare(i, base, b, "TSval", at);
			if (i > 1) /* the first two have no timestamps, or nobody reads them */
				expect_true("EST-18", m.ts + (uint32_t)at + 2 <= 4,
					    "TSval is 0 then");
		}
		free(base);
	}
}

/* ISS and IRS stand close to 2^32 (ADV-86). The ISN goes up by one each 4 us: a start so much later
 * makes it what it shall be, and the life that it is compared with begins at the same part of a
 * millisecond. */
static void test_sequence_wrap_nothingChanges(void)
{
	for (size_t i = 0; i < TG_TEST_N(lives); i++)
		for (uint32_t k = 0; k < 8; k++) {
			struct birth b = usual, phase = usual;
			struct numbers n;

			free(live(i, usual, &n));
			b.start_ns += (uint64_t)(uint32_t)(UINT32_MAX - k - n.iss) * 4000;
			b.irs = UINT32_MAX - (k < 4 ? k : k * 20);
			phase.start_ns += (b.start_ns - usual.start_ns) % MS;
			char *base = live(i, phase, NULL);
			expect_eq("EST-01", compare(i, base, b, "the sequence", k).iss,
				  UINT32_MAX - k, "ISS");
			free(base);
		}
}

static const struct tg_test tests[] = {
    {"clock_milliseconds32_nothingChanges", test_clock_milliseconds32_nothingChanges},
    {"clock_microseconds32_nothingChanges", test_clock_microseconds32_nothingChanges},
    {"clock_nanoseconds32_nothingChanges", test_clock_nanoseconds32_nothingChanges},
    {"clock_stamps16_nothingChanges", test_clock_stamps16_nothingChanges},
    {"timestamps_wrap_nothingChanges", test_timestamps_wrap_nothingChanges},
    {"sequence_wrap_nothingChanges", test_sequence_wrap_nothingChanges},
};

int main(int argc, char **argv)
{
	return host_main("days", tests, TG_TEST_N(tests), argc, argv);
}
