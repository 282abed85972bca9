/* SPDX-License-Identifier: BSD-3-Clause */
/* explain.c: `tidegate explain`: what happened on each TCP connection of a capture. */
#include "explain.h"

#include "cli.h"
#include "text_out.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: tidegate explain [options] FILE\n"
    "       tidegate explain --gallery FOLDER\n\n"
    "Says what happened on each TCP connection of a capture (pcap or pcapng; - reads standard\n"
    "input): in a sentence, and as a ladder with the RFC 9293 states of both ends, which lib/tcp,\n"
    "the engine's own state machine, follows.\n\n"
    "  -l, --list           a line and the sentence for each connection, no ladder\n"
    "  -f, --find KIND      only connections of that kind, or `problem` for all but normal ones;\n"
    "                       may be repeated; `--find help` lists the kinds\n"
    "  -n, --flow N         only this connection, by its number; may be repeated\n"
    "  -a, --addr ADDR[/N]  only connections of this address or prefix\n"
    "  -p, --port N         only connections of this port\n"
    "      --from S         only connections alive after S seconds of the capture\n"
    "      --to S           only connections begun before S seconds of the capture\n"
    "      --full           every packet, up to 100,000 of a connection: no runs of plain text "
    "are\n"
    "                       counted instead\n"
    "  -j, --json           one JSON document instead of text\n"
    "  -s, --svg PATH       pictures too: FOLDER/ for one of each, or FILE for a page of all\n"
    "      --ascii          no characters beyond ASCII\n"
    "  -w, --width N        columns (72..200; default: the terminal's)\n"
    "      --msl-ms N       how long a segment may live: TIME-WAIT is twice that (30000)\n"
    "      --open N         connections kept in memory at once (16384)\n"
    "      --gallery FOLDER writes a picture of each kind of conversation\n"
    "  -h, --help\n\n"
    "A and B are the ends; A sent first. Numbers are relative. A packet that crosses another has "
    "a\n"
    "row of its own when it arrives. Exit status: 0; 1 the capture is damaged, or something could\n"
    "not be written; 2 it is none.\n";

enum { STEPS = 96, STEPS_FULL = 100000, OPEN_MAX = 1 << 20 };

enum { OPT_FROM = 256, OPT_TO, OPT_FULL, OPT_ASCII, OPT_MSL, OPT_OPEN, OPT_GALLERY };

struct job {
	struct tg_explain_conf conf;
	struct tg_explain_out out;
	const char *gallery;
	uint64_t packets, verdict_n[TG_DISSECT_N];
};

/* --- options --- */

static int list_kinds(void)
{
	printf("%-20s %s\n", "problem", "all of these");
	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++)
		printf("%-20s %s\n", tg_flow_kind[i].word, tg_flow_kind[i].about);
	return tg_cli_printed("explain");
}

static bool take_kind(struct tg_explain_conf *c, const char *word)
{
	if (strcmp(word, "problem") == 0) {
		c->find = (1u << TG_FLOW_PROBLEM_N) - 1;
		return true;
	}
	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++)
		if (strcmp(word, tg_flow_kind[i].word) == 0) {
			c->find |= 1u << i;
			return true;
		}
	tg_cli_usage("explain", "--find %s: no such kind: see `tidegate explain --find help`",
		     word);
	return false;
}

static bool take_seconds(const char *option, const char *text, double *out)
{
	char *end;
	double v = strtod(text, &end);

	if (end != text && !*end && v >= 0 && v < 1e12) {
		*out = v;
		return true;
	}
	tg_cli_usage("explain", "%s %s: must be a number of seconds, 0 or more", option, text);
	return false;
}

static bool take_addr(struct tg_explain_conf *c, const char *text)
{
	c->has_addr = true;
	if (tg_addr_parse_prefix(text, &c->addr, &c->prefix_len))
		return true;
	tg_cli_usage("explain", "--addr %s: must be an address, such as 192.0.2.1 or 2001:db8::/32",
		     text);
	return false;
}

static bool take_pick(struct tg_explain_conf *c, const char *text)
{
	if (c->pick_n == TG_EXPLAIN_PICK_MAX) {
		tg_cli_usage("explain", "--flow is given more than %d times", TG_EXPLAIN_PICK_MAX);
		return false;
	}
	return tg_cli_number("explain", "--flow", text, 1, UINT64_MAX, &c->pick[c->pick_n++]);
}

static bool take_svg(struct tg_explain_conf *c, const char *path)
{
	struct stat st;
	size_t n = strlen(path);

	c->svg = path;
	c->svg_folder =
	    (n > 0 && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
	if (!c->svg_folder || mkdir(path, 0777) == 0 || errno == EEXIST)
		return true;
	tg_cli_usage("explain", "--svg %s: %s", path, strerror(errno));
	return false;
}

static bool take_option(struct job *job, int o)
{
	struct tg_explain_conf *c = &job->conf;

	switch (o) {
	case 'l':
		c->form = TG_EXPLAIN_LIST;
		return true;
	case 'j':
		c->form = TG_EXPLAIN_JSON;
		return true;
	case 'f':
		return take_kind(c, optarg);
	case 'n':
		return take_pick(c, optarg);
	case 'a':
		return take_addr(c, optarg);
	case 'p':
		return tg_cli_number("explain", "--port", optarg, 1, UINT16_MAX, &c->port);
	case 'w':
		return tg_cli_number("explain", "--width", optarg, TG_LADDER_COLUMNS_MIN,
				     TG_LADDER_COLUMNS_MAX, &c->columns);
	case 's':
		return take_svg(c, optarg);
	case OPT_FROM:
		return take_seconds("--from", optarg, &c->from_s);
	case OPT_TO:
		return take_seconds("--to", optarg, &c->to_s);
	case OPT_FULL:
		c->full = true;
		return true;
	case OPT_ASCII:
		c->ascii = true;
		return true;
	case OPT_MSL:
		return tg_cli_number("explain", "--msl-ms", optarg, 1, 240000, &c->msl_ms);
	case OPT_OPEN:
		return tg_cli_number("explain", "--open", optarg, 1, OPEN_MAX, &c->open_max);
	case OPT_GALLERY:
		job->gallery = optarg;
		return true;
	default:
		return false;
	}
}

/* --- the capture --- */

static const struct {
	enum tg_dissect_verdict verdict;
	const char *what;
} left_out[] = {
    {TG_DISSECT_NO_TCP, "no TCP"},
    {TG_DISSECT_FRAGMENT, "fragments"},
    {TG_DISSECT_CUT, "cut by the capture within the headers"},
    {TG_DISSECT_BAD, "with headers that make no sense"},
};

static void print_summary(const struct job *job, const struct tg_flows *f)
{
	const struct tg_explain_out *o = &job->out;

	if (job->conf.form == TG_EXPLAIN_JSON) {
		printf("],\n\"packets\":%" PRIu64 ",\"tcp\":%" PRIu64 ",\"connections\":%" PRIu64
		       ",\"shown\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"bad\":%" PRIu64
		       ",\"fragments\":%" PRIu64 ",\"other\":%" PRIu64 ",\"told_early\":%" PRIu64
		       "}\n",
		       job->packets, job->verdict_n[TG_DISSECT_TCP], o->flows, o->shown,
		       job->verdict_n[TG_DISSECT_CUT], job->verdict_n[TG_DISSECT_BAD],
		       job->verdict_n[TG_DISSECT_FRAGMENT], job->verdict_n[TG_DISSECT_NO_TCP],
		       tg_flows_evicted(f));
		return;
	}
	printf("%" PRIu64 " packets, %" PRIu64 " connections", job->packets, o->flows);
	if (o->shown != o->flows)
		printf(", %" PRIu64 " shown", o->shown);
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (job->verdict_n[left_out[i].verdict])
			printf("; %" PRIu64 " %s", job->verdict_n[left_out[i].verdict],
			       left_out[i].what);
	if (tg_flows_evicted(f))
		printf("; %" PRIu64 " connections told early, since more than %" PRIu64
		       " were open (--open)",
		       tg_flows_evicted(f), job->conf.open_max);
	printf("\n");
	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++)
		if (o->kind_n[i])
			printf("%10" PRIu64 " %-20s %s\n", o->kind_n[i], tg_flow_kind[i].word,
			       tg_flow_kind[i].about);
}

static bool read_packets(struct job *job, struct tg_trace_reader *r, struct tg_flows *f)
{
	enum tg_trace_link link = tg_trace_link(r);
	struct tg_trace_packet packet;
	struct tg_dissected d;
	char err[200];
	int got;

	while ((got = tg_trace_next(r, &packet, err, sizeof(err))) == 1) {
		enum tg_dissect_verdict v = tg_dissect(link, packet.data, packet.len, &d);

		if (job->packets++ == 0)
			job->out.begin_ns = packet.time_ns;
		job->verdict_n[v]++;
		if (v == TG_DISSECT_TCP && !tg_flows_put(f, packet.time_ns, job->packets, &d)) {
			tg_cli_failed("explain", "out of memory");
			return false;
		}
		if (job->out.failed || tg_cli_is_interrupted())
			return false;
	}
	if (got == 0)
		return true;
	tg_cli_failed("explain", "after %" PRIu64 " packets: %s", job->packets, err);
	return false;
}

static int explain(struct job *job, const char *path, struct tg_trace_reader *r)
{
	struct tg_flows_conf conf = {.open_max = (uint32_t)job->conf.open_max,
				     .steps_max = job->conf.full ? STEPS_FULL : STEPS,
				     .full = job->conf.full,
				     .msl_ms = (uint32_t)job->conf.msl_ms,
				     .out = tg_explain_flow,
				     .ctx = &job->out};
	struct tg_flows *f = tg_flows_new(&conf);
	bool ok;

	if (!f)
		return tg_cli_failed("explain", "out of memory");
	job->out.conf = &job->conf;
	tg_explain_begin(&job->out);
	ok = read_packets(job, r, f);
	tg_flows_end(f);
	print_summary(job, f);
	tg_flows_free(f);
	if (!tg_explain_end(&job->out, path))
		ok = false;
	if (tg_cli_printed("explain") != TG_EXIT_OK)
		ok = false;
	return ok ? TG_EXIT_OK : TG_EXIT_FAILED;
}

static int explain_file(struct job *job, const char *path)
{
	struct tg_trace_reader *r;
	char err[200];
	int rc;

	r = tg_trace_open_any(path, err, sizeof(err));
	if (!r)
		return tg_cli_usage("explain", "%s", err);
	rc = explain(job, path, r);
	tg_trace_close(r);
	return rc;
}

int tg_cmd_explain(int argc, char **argv)
{
	static const struct option longs[] = {{"list", no_argument, NULL, 'l'},
					      {"find", required_argument, NULL, 'f'},
					      {"flow", required_argument, NULL, 'n'},
					      {"addr", required_argument, NULL, 'a'},
					      {"port", required_argument, NULL, 'p'},
					      {"from", required_argument, NULL, OPT_FROM},
					      {"to", required_argument, NULL, OPT_TO},
					      {"full", no_argument, NULL, OPT_FULL},
					      {"json", no_argument, NULL, 'j'},
					      {"svg", required_argument, NULL, 's'},
					      {"ascii", no_argument, NULL, OPT_ASCII},
					      {"width", required_argument, NULL, 'w'},
					      {"msl-ms", required_argument, NULL, OPT_MSL},
					      {"open", required_argument, NULL, OPT_OPEN},
					      {"gallery", required_argument, NULL, OPT_GALLERY},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct job job = {.conf = {.form = TG_EXPLAIN_TEXT,
				   .columns = tg_out_columns(),
				   .ascii = !tg_out_has_utf8(),
				   .open_max = 16384,
				   .msl_ms = 30000,
				   .to_s = DBL_MAX}};
	int c;

	while ((c = tg_cli_option(argc, argv, ":lf:n:a:p:js:w:h", longs)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return tg_cli_printed("explain");
		}
		if (c == 'f' && strcmp(optarg, "help") == 0)
			return list_kinds();
		if (!take_option(&job, c))
			return TG_EXIT_USAGE;
	}
	if (job.gallery && optind == argc)
		return tg_explain_gallery(job.gallery);
	if (optind + 1 != argc || job.gallery)
		return tg_cli_usage("explain", "needs one FILE: see `tidegate explain --help`");
	return explain_file(&job, argv[optind]);
}
