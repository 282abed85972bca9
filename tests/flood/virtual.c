/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual.c: what a flood may not do, on one core, in virtual time (ADV-29, SC-08, SC-21). See
 * virtual.h for the method and README.md for figures.
 *
 *   test_virtual [--long] [--capacity N|measured] [--ipv4 | --ipv6] [--seed N] [--seconds N]
 *                [--ring N] [--clients N] [--prefixes N] [--rst-rate N] [--capture FILE] [CASE...]
 */
#include "virtual.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CAPACITY = 100000, LONG_SECONDS = 10, SECONDS = 6, LOW_RATE = 20, PREFIX_MAX = 65536 };

static struct {
	struct v_plan plan;
	bool family[2]; /* IPv4, IPv6 */
	bool measured, is_long;
	double seconds;
	const char *capture;
	char **only;
	int only_n;
} opt;

static uint32_t passed, failed;

__attribute__((format(printf, 3, 4))) static void check(bool good, const char *where,
							const char *what, ...)
{
	va_list ap;

	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: ", where);
	va_start(ap, what);
	vprintf(what, ap);
	va_end(ap);
	printf("\n");
}

static const char *mode_name(uint8_t mode)
{
	static const char *const name[] = {
	    [TG_COOKIES_OFF] = "off", [TG_COOKIES_AUTO] = "auto", [TG_COOKIES_ALWAYS] = "always"};

	return name[mode];
}

/* --- what holds in every run --- */

static double per_cent(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

static uint32_t done_by(const struct v_result *r, int syns)
{
	uint32_t n = 0;

	for (int i = 1; i <= syns; i++)
		n += r->done[i];
	return n;
}

/* How far the share of lost SYNs of clients is from that of the flood's packets, in standard
 * deviations: whether the ring loses at random. */
static double bias(const struct v_result *r)
{
	double p = (double)r->span.lost[V_FLOOD] / (double)r->span.offered[V_FLOOD];
	double n = (double)r->span.syn_offered, sigma = sqrt(p * (1 - p) / n);

	return n > 0 && sigma > 0 ? ((double)r->span.syn_lost / n - p) / sigma : 0;
}

static void check_state(const char *where, const struct v_plan *p, const struct v_result *r)
{
	uint32_t half = p->mode == TG_COOKIES_ALWAYS ? 0 : p->synq_high;

	check(r->valid, where, "%s", r->why);
	check(r->half_max <= half, where, "%u half-open entries, %u may be", r->half_max, half);
	check(r->strange_max == 0, where, "%u connections that nobody should have", r->strange_max);
	check(r->rss_growth <= 65536, where, "the process grew by %lld bytes",
	      (long long)r->rss_growth);
	check(r->bad == 0 && r->flows_good, where, "%u clients, or a transfer, got what is wrong",
	      r->bad);
	check(r->refused == 0, where, "%u clients were refused", r->refused);
}

/* SC-21: a reply a SYN, and no more bytes; a half-open entry may say it again, which is counted. */
static void check_replies(const char *where, const struct v_plan *p, const struct v_result *r)
{
	uint64_t again = p->mode == TG_COOKIES_ALWAYS ? 0 : r->half_made * p->synack_retries;

	check(r->half_again <= again, where, "%llu SYN-ACKs sent again, %llu may be",
	      (unsigned long long)r->half_again, (unsigned long long)again);
	check(r->flood_syn_ack <= r->flood_syn + r->half_again, where,
	      "%llu SYN-ACKs to %llu SYNs and %llu repeated", (unsigned long long)r->flood_syn_ack,
	      (unsigned long long)r->flood_syn, (unsigned long long)r->half_again);
	check(r->flood_out.packets <= r->flood_in.packets + r->half_again, where,
	      "%llu packets to those who sent %llu", (unsigned long long)r->flood_out.packets,
	      (unsigned long long)r->flood_in.packets);
}

/* --- the table --- */

static void head(void)
{
	printf("%-6s %-6s %5s %5s | %7s %7s %7s | %6s %6s | %6s %5s %6s | %6s %6s | %6s %6s %6s | "
	       "%6s\n",
	       "family", "mode", "Mpps", "load", "1 SYN", "2 SYNs", "3 SYNs", "down", "up",
	       "half-o", "armed", "grown", "reply/", "byte", "lost", "of SYN", "sigmas", "ns a");
	printf("%-6s %-6s %5s %5s | %7s %7s %7s | %6s %6s | %6s %5s %6s | %6s %6s | %6s %6s %6s | "
	       "%6s\n",
	       "", "", "", "%", "%", "%", "%", "kept %", "kept %", "pen", "", "KiB", "SYN",
	       "out/in", "%", "lost %", "", "packet");
}

static void row(const struct v_plan *p, const struct v_result *r, const struct v_result *calm)
{
	double n = r->begun;

	printf("%-6s %-6s %5.2f %5.0f | %7.2f %7.2f %7.2f | %6.1f %6.1f | %6u %5u %6lld | %6.3f "
	       "%6.3f | "
	       "%6.2f %6.2f %6.1f | %6.0f\n",
	       p->v6 ? "IPv6" : "IPv4", mode_name(p->mode), p->capacity / 1e6, 100 * p->load,
	       per_cent(done_by(r, 1), n), per_cent(done_by(r, 2), n), per_cent(done_by(r, 3), n),
	       per_cent(r->down, calm->down), per_cent(r->up, calm->up), r->half_max, r->armed_n,
	       (long long)r->rss_growth / 1024,
	       r->flood_syn ? (double)r->flood_syn_ack / (double)r->flood_syn : 0,
	       r->flood_in.bytes ? (double)r->flood_out.bytes / (double)r->flood_in.bytes : 0,
	       per_cent((double)r->span.lost[V_FLOOD], (double)r->span.offered[V_FLOOD]),
	       per_cent((double)r->span.syn_lost, (double)r->span.syn_offered), bias(r),
	       r->busy_ns);
	fflush(stdout);
}

/* --- the cases --- */

/* No flood: what there is to be kept. */
static void calm_run(struct v_plan *p, struct v_result *r)
{
	p->load = 0;
	v_run(p, r);
	check(done_by(r, 1) == r->begun, "calm", "%u of %u clients on their first SYN",
	      done_by(r, 1), r->begun);
	check(r->flows_good && r->down > 0 && r->up > 0, "calm", "transfers do not move");
}

/* At 100 % nearly nothing is lost, and nobody notices. */
static void full_run(struct v_plan *p, const struct v_result *calm)
{
	struct v_result r;

	p->load = 1;
	v_run(p, &r);
	row(p, &r, calm);
	check(done_by(&r, 1) >= 0.999 * r.begun, "100 %", "%u of %u on their first SYN",
	      done_by(&r, 1), r.begun);
	check(r.down >= 0.9 * calm->down && r.up >= 0.9 * calm->up, "100 %",
	      "transfers keep %.1f and %.1f %%", per_cent(r.down, calm->down),
	      per_cent(r.up, calm->up));
	check_state("100 %", p, &r);
	check_replies("100 %", p, &r);
}

/* At 150 % a third of all is lost: of three SYNs one arrives with 26 in 27, 96.3 %. */
static void over_run(struct v_plan *p, const struct v_result *calm)
{
	struct v_result r;

	p->load = 1.5;
	v_run(p, &r);
	row(p, &r, calm);
	check(done_by(&r, 3) >= 0.95 * r.begun, "150 %", "%u of %u within three SYNs",
	      done_by(&r, 3), r.begun);
	check(fabs(bias(&r)) < 4.5, "150 %", "SYNs of clients are lost otherwise: %.1f sigmas",
	      bias(&r));
	check_state("150 %", p, &r);
	check_replies("150 %", p, &r);
}

/* That the flood hurts who has no cookies: else the rig shows nothing. */
static void off_run(struct v_plan *p, const struct v_result *calm)
{
	struct v_result r;

	p->load = 1;
	v_run(p, &r);
	row(p, &r, calm);
	check(done_by(&r, 3) < 0.5 * r.begun, "off", "the flood hurts nobody: %u of %u",
	      done_by(&r, 3), r.begun);
	check_state("off", p, &r);
	check_replies("off", p, &r);
}

static struct v_plan plan_of(bool v6, uint8_t mode)
{
	struct v_plan p = opt.plan;

	p.v6 = v6;
	p.mode = mode;
	p.span_ns = (uint64_t)(opt.seconds * 1e9);
	/* Twice: what the budget drops it answers faster, and it drops more at a higher rate. */
	for (int i = 0; opt.measured && i < 2; i++)
		p.capacity = v_capacity(&p);
	return p;
}

static void mode_case(bool v6, uint8_t mode)
{
	struct v_plan p = plan_of(v6, mode);
	struct v_result calm;

	calm_run(&p, &calm);
	if (mode == TG_COOKIES_OFF) {
		off_run(&p, &calm);
		return;
	}
	full_run(&p, &calm);
	over_run(&p, &calm);
}

/* Every client is of a prefix that has proved nothing, and the flood has emptied the budgets of all
 * of its own: those are theirs alone (RB-12). */
static void stranger_case(bool v6)
{
	struct v_plan p = plan_of(v6, TG_COOKIES_ALWAYS);
	struct v_result r;

	p.load = 1;
	p.warm_ns = V_SEC_NS;
	p.client_prefixes = PREFIX_MAX;
	p.rst_rate = LOW_RATE;
	v_run(&p, &r);
	printf("%s: clients of %u prefixes, rst_rate %u: %.2f %% on the first SYN, %.3f SYN-ACKs a "
	       "SYN of the flood\n",
	       v6 ? "IPv6" : "IPv4", r.begun, p.rst_rate, per_cent(done_by(&r, 1), r.begun),
	       (double)r.flood_syn_ack / (double)r.flood_syn);
	check(done_by(&r, 1) >= 0.999 * r.begun, "strangers", "%u of %u on their first SYN",
	      done_by(&r, 1), r.begun);
	check(r.flood_syn_ack < r.flood_syn / 2, "strangers", "the budgets are not empty");
	check_state("strangers", &p, &r);
	check_replies("strangers", &p, &r);
}

static void off_case(bool v6)
{
	mode_case(v6, TG_COOKIES_OFF);
}

static void auto_case(bool v6)
{
	mode_case(v6, TG_COOKIES_AUTO);
}

static void always_case(bool v6)
{
	mode_case(v6, TG_COOKIES_ALWAYS);
}

/* The flood comes and goes, well below capacity, so that nothing is lost in the ring: cookies are
 * armed and disarmed by it, once each time, and who stands with one foot on either side gets in. */
static void switch_case(bool v6)
{
	struct v_plan p = plan_of(v6, TG_COOKIES_AUTO);
	struct v_result r;
	uint32_t times = opt.is_long ? 20 : 5;

	p.load = 0.2;
	p.on_ns = 1 * V_SEC_NS;
	p.off_ns = 5 * V_SEC_NS;
	p.span_ns = times * (p.on_ns + p.off_ns);
	p.synack_retries = 1; /* an entry lives 3 s */
	p.slow_acks = true;
	v_run(&p, &r);
	printf("%s: the flood came %u times; armed %u, disarmed %u; %u handshakes straddled, %u of "
	       "them succeeded; %u of %u on the first SYN; half-open at most %u\n",
	       v6 ? "IPv6" : "IPv4", times, r.armed_n, r.disarmed_n, r.straddled, r.straddled_done,
	       done_by(&r, 1), r.begun, r.half_max);
	check(r.armed_n == times && r.disarmed_n == times, "switch",
	      "armed %u and disarmed %u times by a flood that came %u times", r.armed_n,
	      r.disarmed_n, times);
	check(r.straddled >= 10 * times, "switch", "%u handshakes straddled a switch", r.straddled);
	check(r.straddled_done == r.straddled, "switch", "%u of %u that straddled succeeded",
	      r.straddled_done, r.straddled);
	check(done_by(&r, 1) == r.begun, "switch", "%u of %u on the first SYN", done_by(&r, 1),
	      r.begun);
	check_state("switch", &p, &r);
	check_replies("switch", &p, &r);
}

/* The same seed gives the same run, to the byte and the nanosecond. */
static void seed_case(bool v6)
{
	struct v_plan p = plan_of(v6, TG_COOKIES_AUTO);
	struct v_result r[3];

	p.load = 1.5;
	p.span_ns = p.warm_ns = V_SEC_NS / 2;
	p.tail_ns = 0;
	v_run(&p, &r[0]);
	v_run(&p, &r[1]);
	p.seed++;
	v_run(&p, &r[2]);
	check(r[0].digest == r[1].digest, "seed", "two runs of one seed differ");
	check(r[0].digest != r[2].digest, "seed", "two runs of two seeds are the same");
}

/* SC-21: every packet is written down, and judged from the file. */
static void judge(const struct v_plan *p, const struct v_result *r)
{
	bool always = p->mode == TG_COOKIES_ALWAYS;
	struct v_verdict v;

	check(v_capture_judge(p->capture, p->v6, always, p->rst_rate, p->synack_retries, &v),
	      "capture", "%s cannot be read", p->capture);
	printf("%s %s, rst_rate %u: in %llu packets, %llu bytes; out %llu, %llu (%llu SYN-ACKs, "
	       "%llu of them again); longer by agreed options %llu; at most %llu to one prefix\n",
	       p->v6 ? "IPv6" : "IPv4", mode_name(p->mode), p->rst_rate,
	       (unsigned long long)v.in.packets, (unsigned long long)v.in.bytes,
	       (unsigned long long)v.out.packets, (unsigned long long)v.out.bytes,
	       (unsigned long long)v.syn_ack, (unsigned long long)v.again,
	       (unsigned long long)v.longer, (unsigned long long)v.budget_max);
	check(v.broken == 0, "capture", "%llu packets are not whole", (unsigned long long)v.broken);
	check(v.unasked == 0, "capture", "%llu answers to nothing", (unsigned long long)v.unasked);
	check(v.too_long == 0, "capture", "%llu answers are longer than what drew them",
	      (unsigned long long)v.too_long);
	check(v.too_often == 0, "capture", "%llu SYN-ACKs repeated too often",
	      (unsigned long long)v.too_often);
	check(v.over_budget == 0, "capture", "%llu prefixes got more than their budget, up to %llu",
	      (unsigned long long)v.over_budget, (unsigned long long)v.budget_max);
	check(!always || v.longer + v.again == 0, "capture", "entries answered where none may be");
	check(always || v.longer, "capture", "no entry answered");
	/* While cookies are armed no entry repeats what it said. */
	check(p->mode != TG_COOKIES_OFF || v.again, "capture", "no entry repeated a SYN-ACK");
	check(v.again <= (uint64_t)p->synq_high * p->synack_retries, "capture",
	      "%llu SYN-ACKs were repeated", (unsigned long long)v.again);
	check(v.in.packets == r->flood_in.packets && v.out.packets == r->flood_out.packets,
	      "capture", "it does not have what the run has");
	check(v.out.bytes <= v.in.bytes && v.out.packets > v.in.packets / 20, "capture",
	      "%llu bytes out for %llu", (unsigned long long)v.out.bytes,
	      (unsigned long long)v.in.bytes);
}

static void capture_one(bool v6, uint8_t mode, uint32_t rst_rate, const char *path)
{
	struct v_plan p = plan_of(v6, mode);
	struct v_result r;

	p.load = 1.2;
	p.warm_ns = V_SEC_NS / 4;
	p.span_ns = 2 * V_SEC_NS; /* entries repeat after 1 s */
	p.tail_ns = 0;
	p.synack_retries = 1;
	p.rst_rate = rst_rate;
	p.capture = path;
	v_run(&p, &r);
	check(r.valid, "capture", "%s", r.why);
	judge(&p, &r);
}

static void capture_case(bool v6)
{
	char path[] = "/tmp/tidegate-virtual.XXXXXX";
	int fd = opt.capture ? -1 : mkstemp(path);
	const char *to = opt.capture ? opt.capture : path;

	if (fd >= 0)
		close(fd);
	capture_one(v6, TG_COOKIES_OFF, opt.plan.rst_rate, to);
	capture_one(v6, TG_COOKIES_AUTO, opt.plan.rst_rate, to);
	capture_one(v6, TG_COOKIES_AUTO, LOW_RATE, to);
	capture_one(v6, TG_COOKIES_ALWAYS, LOW_RATE, to);
	capture_one(v6, TG_COOKIES_ALWAYS, opt.plan.rst_rate, to);
	if (fd >= 0)
		unlink(path);
}

static void capacity_case(bool v6)
{
	for (uint8_t mode = TG_COOKIES_AUTO; mode <= TG_COOKIES_ALWAYS; mode++) {
		struct v_plan p = plan_of(v6, mode);
		double c = opt.measured ? p.capacity : v_capacity(&p);
		printf("%s %s: %.0f packets a busy second here and now, %.0f ns each; %.0f in the "
		       "runs\n",
		       v6 ? "IPv6" : "IPv4", mode_name(mode), c, 1e9 / c, p.capacity);
	}
}

/* --- */

static const struct {
	const char *name;
	void (*run)(bool v6);
	bool is_row;
} cases[] = {
    {"capacity", capacity_case, false},  {"always", always_case, true},
    {"auto", auto_case, true},           {"off", off_case, true},
    {"strangers", stranger_case, false}, {"switch", switch_case, false},
    {"capture", capture_case, false},    {"seed", seed_case, false},
};
enum { CASE_N = sizeof(cases) / sizeof(cases[0]) };

static bool is_wanted(const char *name)
{
	for (int i = 0; i < opt.only_n; i++)
		if (!strcmp(opt.only[i], name))
			return true;
	return opt.only_n == 0;
}

static bool are_cases(void)
{
	int known = 0;

	for (int i = 0; i < CASE_N; i++)
		for (int k = 0; k < opt.only_n; k++)
			known += !strcmp(opt.only[k], cases[i].name);
	return known == opt.only_n;
}

static int usage(void)
{
	printf("usage: test_virtual [--long] [--list] [--capacity N|measured] [--ipv4 | --ipv6]\n"
	       "                    [--seed N] [--seconds N] [--ring N] [--clients N]\n"
	       "                    [--prefixes N] [--rst-rate N] [--capture FILE] [CASE...]\n"
	       "A flood, clients and transfers around one engine, in virtual time.\n"
	       "  --long      at the capacity that is measured here, 10 s a run; it takes an hour\n"
	       "  --capacity  packets a second that the engine takes (100000)\n"
	       "  --ring      packets that wait for it (1024)\n"
	       "  --clients   that begin in a second (1000)\n"
	       "  --prefixes  /24 or /48 that they come from (256, at most 65536)\n"
	       "  --rst-rate  budget of a prefix that has proved nothing (1000); 0 = no limit\n"
	       "  --capture   where the case `capture` leaves its last file\n");
	return 2;
}

/* A number from low to high. */
static bool read_number(const char *text, double low, double high, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return end != text && *end == '\0' && *v >= low && *v <= high;
}

static bool read_option(const char *name, const char *value)
{
	struct v_plan *p = &opt.plan;
	double v;

	if (!strcmp(name, "--capture"))
		opt.capture = value;
	else if (!strcmp(name, "--capacity") && !strcmp(value, "measured"))
		opt.measured = true;
	else if (!strcmp(name, "--capacity") && read_number(value, 50000, 1e8, &v))
		p->capacity = v;
	else if (!strcmp(name, "--seed") && read_number(value, 0, 1e15, &v))
		p->seed = (uint64_t)v;
	else if (!strcmp(name, "--seconds") && read_number(value, 2, 3600, &v))
		opt.seconds = v;
	else if (!strcmp(name, "--ring") && read_number(value, 64, 65536, &v))
		p->ring = (uint32_t)v;
	else if (!strcmp(name, "--clients") && read_number(value, 1, 5000, &v))
		p->client_rate = v;
	else if (!strcmp(name, "--prefixes") && read_number(value, 1, PREFIX_MAX, &v))
		p->client_prefixes = (uint32_t)v;
	else if (!strcmp(name, "--rst-rate") && read_number(value, 0, 1e8, &v))
		p->rst_rate = (uint32_t)v;
	else
		return false;
	return true;
}

static void defaults(void)
{
	opt.plan = (struct v_plan){
	    .seed = 1,
	    .capacity = CAPACITY,
	    .ring = 1024,
	    .client_rate = 1000,
	    .client_prefixes = 256,
	    .flow_n = 4,
	    .link_rate = 5e6,
	    .warm_ns = 6 * V_SEC_NS,
	    .tail_ns = 40 * V_SEC_NS,
	    .synq_high = 1024,
	    .synq_low = 768,
	    .rst_rate = 1000,
	    .synack_retries = 5,
	};
	const char *mode = getenv("TG_TEST_MODE");

	opt.family[0] = true;
	opt.family[1] = !mode || strcmp(mode, "quick") != 0;
	opt.seconds = SECONDS;
}

static bool read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--long")) {
			opt.is_long = opt.measured = true;
			opt.seconds = LONG_SECONDS;
		} else if (!strcmp(argv[i], "--ipv4") || !strcmp(argv[i], "--ipv6")) {
			opt.family[!strcmp(argv[i], "--ipv4")] = false;
		} else if (argv[i][0] != '-') {
			opt.only = argv + i;
			opt.only_n = argc - i;
			return true;
		} else if (i + 1 == argc || !read_option(argv[i], argv[i + 1])) {
			return false;
		} else {
			i++;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	bool headed = false;

	defaults();
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (int i = 0; i < CASE_N; i++)
			puts(cases[i].name);
		return 0;
	}
	if (!read_options(argc, argv) || !are_cases())
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %llu, %.0f clients a second, ring of %u, rst_rate %u\n",
	       (unsigned long long)opt.plan.seed, opt.plan.client_rate, opt.plan.ring,
	       opt.plan.rst_rate);
	for (int i = 0; i < CASE_N; i++) {
		if (!is_wanted(cases[i].name))
			continue;
		if (cases[i].is_row && !headed)
			head();
		headed |= cases[i].is_row;
		for (int v6 = 0; v6 < 2; v6++)
			if (opt.family[v6])
				cases[i].run(v6);
	}
	printf("virtual: %u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
