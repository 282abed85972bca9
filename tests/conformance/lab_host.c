/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab_host.h"

#include <arpa/inet.h>
#include <stdarg.h>

bool host_v6;

static const struct {
	const char *name;
	bool is_drop;
} counters[] = {
#define TG_COUNTER(name, kind, unit, sentence) {#name, COUNTER_##kind},
#define COUNTER_DROP                           true
#define COUNTER_EVENT                          false
#include "counters.def"
#undef TG_COUNTER
};

static void fail(const char *rule, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(const char *rule, const char *format, ...)
{
	char text[300];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%s (%s): ", rule, host_v6 ? "IPv6" : "IPv4");

	va_start(ap, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	CU_assertImplementation(CU_FALSE, 0, text, "expectation", "", CU_FALSE);
}

int host_main(const char *name, const struct tg_test tests[], size_t n, int argc, char **argv)
{
	char family[80];
	int bad = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		host_v6 = v6;
		snprintf(family, sizeof(family), "%s-ipv%d", name, v6 ? 6 : 4);
		bad |= tg_test_main(family, tests, n, argc, argv);
	}
	return bad;
}

/* --- life --- */

void host_init(struct host *h, const char *options)
{
	char err[200] = "", all[500];

	memset(h, 0, sizeof(*h));
	snprintf(all, sizeof(all), "connections=64 %s", options ? options : "");
	h->lab = tg_lab_new(all, err, sizeof(err));
	if (!h->lab) {
		fail("lab.h", "tg_lab_new(\"%s\"): %s", all, err);
		CU_FAIL_FATAL("no lab");
	}
	h->v6 = host_v6;
	h->now = h->start = SEC;
	h->laddr = h->v6 ? "fd3d:a0b:17d6::1" : "192.168.0.1";
	h->raddr = h->v6 ? "2001:db8::63" : "192.0.2.99";
	h->lport = 80;
	h->rport = 40000;
	h->listener = h->sock = -1;
	h->irs = UINT32_C(0x10000000);
	h->win = 5000;
	h->tsval = 1000;
	h->ts = false;
}

static void check_books(struct host *h)
{
	char why[300] = "";

	if (!tg_lab_validate(h->lab, why, sizeof(why)))
		fail("I", "tg_lab_validate: %s", why);
	expect_eq("10", host_counter(h, "rx_segments"),
		  host_counter(h, "rx_accepted") + host_drops(h),
		  "rx_segments = rx_accepted + drops");
}

/* Runs all timers out, and sees that each deadline is later than the one before. */
static void run_out(struct host *h)
{
	uint64_t end = h->now + 3600 * SEC, d;

	for (int i = 0; i < 100000; i++) {
		d = tg_lab_next_deadline(h->lab);
		if (d == UINT64_MAX || d > end)
			break;
		tg_lab_advance(h->lab, d);
		h->now = d > h->now ? d : h->now;
		if (tg_lab_next_deadline(h->lab) <= d) {
			fail("lab.h", "after advance(d) the next deadline is not later than d");
			break;
		}
	}
	host_drain(h);
	d = tg_lab_next_deadline(h->lab);
	if (d != UINT64_MAX)
		fail("end", "a timer is left %" PRIu64 " ms after the end", (d - h->now) / MS);
}

void host_fini(struct host *h)
{
	check_books(h);
	if (h->sock >= 0)
		tg_lab_abort(h->lab, h->sock);
	if (h->listener >= 0)
		tg_lab_close(h->lab, h->listener);
	run_out(h);
	if (strcmp(host_state(h), "CLOSED"))
		fail("end", "the connection is still in %s", host_state(h));
	check_books(h);
	tg_lab_free(h->lab);
	h->lab = NULL;
}

void host_pass_ns(struct host *h, uint64_t ns)
{
	h->now += ns;
	tg_lab_advance(h->lab, h->now);
}

void host_pass(struct host *h, uint64_t ms)
{
	host_pass_ns(h, ms * MS);
}

void host_at(struct host *h, uint64_t ms)
{
	if (h->start + ms * MS > h->now)
		host_pass_ns(h, h->start + ms * MS - h->now);
}

uint64_t host_ms(const struct host *h)
{
	return (h->now - h->start) / MS;
}

/* --- counters and states --- */

int64_t host_counter(const struct host *h, const char *name)
{
	return tg_lab_counter(h->lab, name);
}

int64_t host_drops(const struct host *h)
{
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (counters[i].is_drop)
			sum += host_counter(h, counters[i].name);
	return sum;
}

const char *host_drop_name(size_t i)
{
	for (size_t k = 0; k < sizeof(counters) / sizeof(counters[0]); k++)
		if (counters[k].is_drop && i-- == 0)
			return counters[k].name;
	return NULL;
}

const char *host_state(const struct host *h)
{
	return tg_lab_state_of(h->lab, h->laddr, h->lport, h->raddr, h->rport);
}

/* --- expectations --- */

static const char *flag_names(uint8_t flags, char out[32])
{
	static const char *const name[8] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

	out[0] = '\0';
	for (int i = 0; i < 8; i++)
		if (flags & 1 << i) {
			strcat(out, out[0] ? "," : "");
			strcat(out, name[i]);
		}
	return out[0] ? out : "none";
}

static const char *describe(const struct host *h, const struct seg *s, char out[120])
{
	char names[32];

	snprintf(out, 120,
		 "<SEQ=SND.NXT%+d><ACK=RCV.NXT%+d><CTL=%s> len %u win %u (seq %08x ack %08x)",
		 (int32_t)(s->seq - h->nxt), (int32_t)(s->ack - h->rcv_nxt),
		 flag_names(s->flags, names), s->len, s->win, s->seq, s->ack);
	return out;
}

struct seg expect(struct host *h, const char *rule, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct seg s, want = {.seq = seq, .ack = ack, .flags = flags};
	char a[120], b[120];

	if (!host_next(h, &s)) {
		fail(rule, "expected %s, nothing came", describe(h, &want, a));
		memset(&s, 0, sizeof(s));
		return s;
	}
	if (s.flags != flags || s.seq != seq || s.len ||
	    ((flags & (ACK | RST)) && s.ack != ((flags & ACK) ? ack : 0)))
		fail(rule, "expected %s, came %s", describe(h, &want, a), describe(h, &s, b));
	if ((flags & RST) && s.win)
		fail("TD-09", "a RST with window %u", s.win);
	return s;
}

void expect_text(struct host *h, const char *rule, uint32_t seq, uint32_t len)
{
	struct seg s;
	char a[120];

	if (!host_next(h, &s))
		fail(rule, "expected %u bytes at SND.NXT%+d, nothing came", len,
		     (int32_t)(seq - h->nxt));
	else if (s.seq != seq || s.len != len || (s.flags & ~PSH) != ACK || s.ack != h->rcv_nxt)
		fail(rule, "expected %u bytes at SND.NXT%+d, came %s", len, (int32_t)(seq - h->nxt),
		     describe(h, &s, a));
}

void expect_nothing(struct host *h, const char *rule)
{
	struct seg s;
	char a[120];

	while (host_next(h, &s))
		fail(rule, "expected nothing, came %s", describe(h, &s, a));
}

void expect_ack(struct host *h, const char *rule)
{
	expect(h, rule, ACK, h->nxt, h->rcv_nxt);
}

void expect_abort(struct host *h, const char *rule)
{
	expect(h, rule, RST | ACK, h->nxt, h->rcv_nxt);
}

void expect_state(struct host *h, const char *rule, const char *state)
{
	if (strcmp(host_state(h), state))
		fail(rule, "expected state %s, is %s", state, host_state(h));
}

void expect_true(const char *rule, bool is, const char *what)
{
	if (!is)
		fail(rule, "not so: %s", what);
}

void expect_eq(const char *rule, int64_t got, int64_t want, const char *what)
{
	if (got != want)
		fail(rule, "%s: expected %" PRId64 ", is %" PRId64, what, want, got);
}

void expect_counter(struct host *h, const char *rule, const char *name, int64_t want)
{
	expect_eq(rule, host_counter(h, name), want, name);
}
