/* SPDX-License-Identifier: BSD-3-Clause */
/* prove.c: `tidegate prove`: everything that can happen to two ends and a network, through the
 * state machine that serves; with a rule taken away, the shortest way to where that hurts. */
#include "prove_show.h"

#include "cli.h"
#include "text_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tidegate prove [options]\n\n"
    "Explores the state machine that serves, exhaustively: two ends, a network that loses, "
    "repeats,\n"
    "reorders and delays segments, timers that fire at any moment. Says what must hold, and "
    "whether\n"
    "it does.\n\n"
    "  --article              why three handshakes, why four waves, why 2MSL: question,\n"
    "                         experiment, picture, answer\n"
    "  --lang en|zh           of the article\n"
    "  -d, --depth N          how much may happen: 1 (default) to 4\n"
    "  -s, --scenario NAME    only this one; --list tells them\n"
    "  -l, --list             scenarios, properties and switches\n"
    "  -m, --memory-mb N      give up beyond it (default 4096)\n"
    "  -w, --pcap FILE        what was found as a capture, taken at the end that suffers\n"
    "      --svg FILE         and as a picture\n"
    "  -q, --quiet            no progress\n"
    "  -h, --help\n\n"
    "A rule taken away, in a copy of the machine's surroundings (`serve` has no such switch):\n"
    "  --handshake=2          a connection is open when its SYN has come\n"
    "  --waves=3              a FIN is answered by a FIN at once\n"
    "  --msl=0                TIME-WAIT lasts no time\n"
    "  --isn=fixed            each connection begins at the same sequence number\n"
    "  --no-rst-check         any RST ends a connection\n"
    "  --no-challenge         unfit SYNs and RSTs are dropped without an answer\n\n"
    "Exit status: 0 all that was asked holds; 1 something does not, or not all was seen; 2 "
    "usage.\n";

/* A rule that can be taken away, and where its absence shows. */
struct without {
	const char *option, *value; /* "handshake", "2"; value NULL: an option without one */
	enum tg_prove_rule rule;
	const char *about;
	struct {
		const char *scenario;
		enum tg_prove_property property;
	} shows[2]; /* scenario NULL: no second one */
};

static const struct without switches[] = {
    {"handshake",
     "2",
     TG_PROVE_HANDSHAKE_2,
     "a connection is open when its SYN has come",
     {{"stale", TG_PROVE_STALE_SYN}, {0}}},
    {"waves",
     "3",
     TG_PROVE_WAVES_3,
     "a FIN is answered by a FIN at once",
     {{"half-close", TG_PROVE_CAN_SEND}, {0}}},
    {"msl",
     "0",
     TG_PROVE_MSL_0,
     "TIME-WAIT lasts no time",
     {{"close", TG_PROVE_LAST_ACK}, {"again", TG_PROVE_FOREIGN_BYTE}}},
    {"isn",
     "fixed",
     TG_PROVE_ISN_FIXED,
     "each connection begins at the same sequence number",
     {{"crash", TG_PROVE_FOREIGN_BYTE}, {0}}},
    {"no-rst-check",
     NULL,
     TG_PROVE_NO_RST_CHECK,
     "any RST ends a connection",
     {{"crash", TG_PROVE_OLD_RST}, {0}}},
    {"no-challenge",
     NULL,
     TG_PROVE_NO_CHALLENGE,
     "unfit SYNs and RSTs are dropped without an answer",
     {{"crash", TG_PROVE_DISCOVERED}, {0}}},
};

enum { SWITCH_N = sizeof(switches) / sizeof(switches[0]) };

struct job {
	struct tg_prove_view view;
	const struct tg_prove_scenario *scenario; /* NULL: all */
	uint64_t level, memory_mb;
	unsigned without;
	bool article, chinese, quiet;
	/* --- of the run --- */
	const char *name;
	uint64_t begin_ns, shown_ns, states, steps;
};

/* --- one search --- */

static bool on_progress(void *ctx, const struct tg_prove_progress *p)
{
	struct job *job = ctx;
	uint64_t now = tg_cli_now_ns();

	if (tg_cli_is_interrupted())
		return false;
	if (job->quiet || now - job->shown_ns < 500000000ull || !isatty(STDERR_FILENO))
		return true;
	job->shown_ns = now;
	fprintf(stderr,
		"\r%-13s %" PRIu64 " states, %u steps deep, %" PRIu64 " to go on from, %" PRIu64
		" MiB \033[K",
		job->name, p->states, p->depth, p->frontier, p->bytes >> 20);
	return true;
}

static void end_progress(const struct job *job)
{
	if (!job->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void find(struct job *job, const struct tg_prove_scenario *scenario, unsigned properties,
		 struct tg_prove_result *r)
{
	struct tg_prove_options o = {.scenario = scenario,
				     .level = (uint32_t)job->level,
				     .without = job->without,
				     .properties = properties,
				     .bytes_max = job->memory_mb << 20,
				     .progress = on_progress,
				     .ctx = job};

	job->name = scenario->name;
	job->begin_ns = job->shown_ns = tg_cli_now_ns();
	tg_prove_run(&o, r);
	end_progress(job);
	job->states += r->seen.states;
	job->steps += r->seen.steps;
}

static double seconds(const struct job *job)
{
	return (double)(tg_cli_now_ns() - job->begin_ns) / 1e9;
}

static int show_broken(const struct job *job, const struct tg_prove_scenario *scenario,
		       const struct tg_prove_result *r)
{
	char sentence[300];

	snprintf(sentence, sizeof(sentence), "Broken in %u steps, and in none fewer: %s%s%s (%s).",
		 r->moves, tg_prove_property_text(r->property), r->why ? ": " : "",
		 r->why ? r->why : "", tg_prove_property_rules(r->property));
	printf("%-13s BROKEN  %s, %" PRIu64 " states, %.1f s\n\n", scenario->name,
	       tg_prove_property_name(r->property), r->seen.states, seconds(job));
	return tg_prove_draw(&job->view, r, scenario, sentence) ? TG_EXIT_OK : TG_EXIT_FAILED;
}

/* The exit code: 1 when it does not hold, or not all was seen. */
static int run_one(struct job *job, const struct tg_prove_scenario *scenario, unsigned properties)
{
	struct tg_prove_result r;
	int rc = TG_EXIT_FAILED;

	find(job, scenario, properties, &r);
	switch (r.outcome) {
	case TG_PROVE_HOLDS:
		printf("%-13s holds   %" PRIu64 " states, %" PRIu64 " steps, %u deep, %.1f s\n",
		       scenario->name, r.seen.states, r.seen.steps, r.seen.depth, seconds(job));
		rc = TG_EXIT_OK;
		break;
	case TG_PROVE_BROKEN:
		show_broken(job, scenario, &r);
		break;
	case TG_PROVE_CUT:
		printf("%-13s not all was seen: %" PRIu64 " states, %u deep, %" PRIu64
		       " to go on from; nothing broke. %s\n",
		       scenario->name, r.seen.states, r.seen.depth, r.seen.frontier,
		       tg_cli_is_interrupted() ? "Interrupted."
					       : "More: --memory-mb, or a lesser --depth.");
		break;
	case TG_PROVE_NO_MEMORY:
		tg_cli_failed("prove", "out of memory after %" PRIu64 " states: give --memory-mb",
			      r.seen.states);
		break;
	}
	tg_prove_free(&r);
	fflush(stdout);
	return rc;
}

static void list(void)
{
	printf("Scenarios (--scenario):\n");
	for (uint32_t i = 0; tg_prove_scenario(i); i++)
		printf("  %-13s %s\n", tg_prove_scenario(i)->name, tg_prove_scenario(i)->about);
	printf("\nWhat must hold:\n");
	for (int p = 1; p < TG_PROVE_PROPERTY_N; p++)
		printf("  %-13s %s (%s)\n", tg_prove_property_name(p), tg_prove_property_text(p),
		       tg_prove_property_rules(p));
	printf("\nRules that can be taken away:\n");
	for (int i = 0; i < SWITCH_N; i++)
		printf("  --%s%s%s: %s\n", switches[i].option, switches[i].value ? "=" : "",
		       switches[i].value ? switches[i].value : "", switches[i].about);
}

static int run_all(struct job *job)
{
	int rc = TG_EXIT_OK, one;

	for (uint32_t i = 0; tg_prove_scenario(i) && !tg_cli_is_interrupted(); i++) {
		if (job->scenario && job->scenario != tg_prove_scenario(i))
			continue;
		one = run_one(job, tg_prove_scenario(i), 0);
		rc = one > rc ? one : rc;
	}
	printf("%s: %" PRIu64 " states, %" PRIu64 " steps\n",
	       rc == TG_EXIT_OK ? "everything holds" : "not everything holds", job->states,
	       job->steps);
	return rc;
}

/* Where the absence of each shows; or in the scenario that was asked for, whatever breaks. */
static int run_without(struct job *job)
{
	int rc = TG_EXIT_OK, one;

	if (job->scenario)
		return run_one(job, job->scenario, 0);
	for (int i = 0; i < SWITCH_N; i++) {
		if (!(job->without & switches[i].rule))
			continue;
		for (int k = 0; k < 2 && switches[i].shows[k].scenario; k++) {
			one = run_one(job, tg_prove_scenario_find(switches[i].shows[k].scenario),
				      1u << switches[i].shows[k].property);
			rc = one > rc ? one : rc;
		}
	}
	return rc;
}

/* --- options --- */

enum { OPT_ARTICLE = 256, OPT_LANG, OPT_SVG, OPT_SWITCH };

static int take_switch(struct job *job, const struct without *s)
{
	if (s->value && strcmp(optarg, s->value) != 0)
		return tg_cli_usage("prove",
				    "--%s %s: must be %s (without the option the rule stands)",
				    s->option, optarg, s->value);
	job->without |= s->rule;
	return TG_EXIT_OK;
}

static int take_option(struct job *job, int c)
{
	switch (c) {
	case 'd':
		return tg_cli_number("prove", "--depth", optarg, 1, TG_PROVE_LEVELS, &job->level)
			   ? TG_EXIT_OK
			   : TG_EXIT_USAGE;
	case 'm':
		return tg_cli_number("prove", "--memory-mb", optarg, 16, 1 << 20, &job->memory_mb)
			   ? TG_EXIT_OK
			   : TG_EXIT_USAGE;
	case 's':
		job->scenario = tg_prove_scenario_find(optarg);
		if (!job->scenario)
			return tg_cli_usage("prove", "--scenario %s: there is none; see --list",
					    optarg);
		return TG_EXIT_OK;
	case 'w':
		job->view.pcap = optarg;
		return TG_EXIT_OK;
	case 'q':
		job->quiet = true;
		return TG_EXIT_OK;
	case OPT_SVG:
		job->view.svg = optarg;
		return TG_EXIT_OK;
	case OPT_ARTICLE:
		job->article = true;
		return TG_EXIT_OK;
	case OPT_LANG:
		job->chinese = strcmp(optarg, "zh") == 0;
		if (!job->chinese && strcmp(optarg, "en") != 0)
			return tg_cli_usage("prove", "--lang %s: must be en or zh", optarg);
		return TG_EXIT_OK;
	}
	if (c >= OPT_SWITCH && c < OPT_SWITCH + SWITCH_N)
		return take_switch(job, &switches[c - OPT_SWITCH]);
	return TG_EXIT_USAGE;
}

enum { OWN_OPTIONS = 11 };

static void fill_options(struct option longs[OWN_OPTIONS + SWITCH_N + 1])
{
	static const struct option own[OWN_OPTIONS] = {{"article", no_argument, NULL, OPT_ARTICLE},
						       {"lang", required_argument, NULL, OPT_LANG},
						       {"depth", required_argument, NULL, 'd'},
						       {"scenario", required_argument, NULL, 's'},
						       {"list", no_argument, NULL, 'l'},
						       {"memory-mb", required_argument, NULL, 'm'},
						       {"pcap", required_argument, NULL, 'w'},
						       {"svg", required_argument, NULL, OPT_SVG},
						       {"quiet", no_argument, NULL, 'q'},
						       {"help", no_argument, NULL, 'h'},
						       {0}};

	memcpy(longs, own, sizeof(own));
	for (int i = 0; i < SWITCH_N; i++)
		longs[OWN_OPTIONS - 1 + i] = (struct option){
		    switches[i].option, switches[i].value ? required_argument : no_argument, NULL,
		    OPT_SWITCH + i};
	longs[OWN_OPTIONS - 1 + SWITCH_N] = (struct option){0};
}

int tg_cmd_prove(int argc, char **argv)
{
	struct option longs[OWN_OPTIONS + SWITCH_N + 1];
	struct job job = {.level = 1,
			  .memory_mb = 4096,
			  .view = {.columns = tg_out_columns(), .utf8 = tg_out_has_utf8()}};
	int c, rc;

	fill_options(longs);
	while ((c = tg_cli_option(argc, argv, ":d:s:lm:w:qh", longs)) != -1) {
		if (c == 'h' || c == 'l') {
			if (c == 'h')
				fputs(usage, stdout);
			else
				list();
			return tg_cli_printed("prove");
		}
		rc = take_option(&job, c);
		if (rc != TG_EXIT_OK)
			return rc;
	}
	if (optind < argc)
		return tg_cli_usage("prove", "%s: takes no argument; see `tidegate prove --help`",
				    argv[optind]);
	tg_cli_catch_signals();
	if (job.article)
		rc = tg_prove_article(&job.view, job.chinese);
	else
		rc = job.without ? run_without(&job) : run_all(&job);
	int printed = tg_cli_printed("prove");

	return printed > rc ? printed : rc;
}
