/* SPDX-License-Identifier: BSD-3-Clause */
/* script.c: `tidegate script`: packet scripts from files, run one after another in this process. */
#include "cli.h"
#include "tg_script.h"
#include "tg_trace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: tidegate script [options] FILE|FOLDER...\n\n"
    "Runs packet scripts (*.pkt of a folder and below) against the engine, in virtual time.\n\n"
    "  -v, --verbose          print every packet\n"
    "  -k, --keep-going       go on after a script that failed\n"
    "  -l, --list             list the scripts and the families they are for, run nothing\n"
    "  -w, --write-pcap FILE  write the packets of all runs to a capture\n"
    "  -s, --set --NAME=VALUE an option that wins over the scripts' own; may be repeated\n"
    "  -h, --help\n\n"
    "A script is a list of events: a time, then a packet, a call or a check.\n\n"
    "  // rule: SE-12                          the rule that it shows\n"
    "  --ip_version=both                       ipv4 (default), ipv6, both\n"
    "  0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "  +0  bind(3, ..., ...) = 0\n"
    "  +0  listen(3, 1) = 0\n"
    "  +0  < S 0:0(0) win 65535 <mss 1460>     a packet of the peer\n"
    "  +0  > S. 0:0(0) ack 1 <mss 1460|1440>   what the engine must answer; v4|v6\n"
    "  +.1 < . 1:1(0) ack 1 win 65535\n"
    "  +0  accept(3, ..., ...) = 4\n"
    "  +0  %{ state == \"ESTABLISHED\"; silent }%\n\n"
    "Times: 0.1 from the beginning, +0.1 after the event before, 0.1~0.3 between, * whenever;\n"
    "0...0.2 before a call that blocks. Flags: S F R P . U E W, - for none. <...> any options.\n"
    "ICMP: < icmp unreachable port_unreachable [1:1001(1000)]. tests/script/README.md has it all.\n"
    "Exit status: 0 all passed, 1 one failed, 2 one is no script.\n";

struct files {
	char **name;
	size_t n, cap;
};

struct job {
	bool verbose, keep_going, list;
	char overrides[TG_SCRIPT_OVERRIDE_MAX];
	struct tg_trace_writer *pcap;
	uint64_t pcap_base_ns, pcap_last_ns;
	bool pcap_bad;
	unsigned passed, failed, skipped;
	bool invalid;
};

static bool add_file(struct files *files, const char *name)
{
	if (files->n == files->cap) {
		size_t cap = files->cap ? files->cap * 2 : 64;
		char **grown = realloc(files->name, cap * sizeof(*grown));

		if (!grown)
			return false;
		files->name = grown;
		files->cap = cap;
	}
	files->name[files->n] = strdup(name);
	return files->name[files->n++] != NULL;
}

static bool ends_in_pkt(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".pkt");
}

/* A folder's scripts and folders, in the order of their names. */
static bool add_folder(struct files *files, const char *path, int depth)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);
	bool ok = n >= 0;

	for (int i = 0; i < n; i++) {
		char below[4096];
		struct stat st;
		bool fits = (size_t)snprintf(below, sizeof(below), "%s/%s", path, list[i]->d_name) <
			    sizeof(below);

		if (ok && fits && list[i]->d_name[0] != '.' && stat(below, &st) == 0) {
			if (S_ISDIR(st.st_mode) && depth < 16)
				ok = add_folder(files, below, depth + 1);
			else if (S_ISREG(st.st_mode) && ends_in_pkt(below))
				ok = add_file(files, below);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return ok;
}

static bool add_path(struct files *files, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(files, path, 0);
	return add_file(files, path);
}

/* The whole file; the caller frees. NULL with errno. */
static char *read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? malloc(TG_SCRIPT_TEXT_MAX + 2) : NULL;
	int error;

	if (text) {
		errno = 0;
		*len = fread(text, 1, TG_SCRIPT_TEXT_MAX + 1, f);
		if (ferror(f)) {
			error = errno;
			free(text);
			text = NULL;
			errno = error;
		}
	}
	if (f) {
		error = errno;
		fclose(f);
		errno = error;
	}
	return text;
}

static void on_packet(void *ctx, const struct tg_script_packet *p)
{
	struct job *job = ctx;
	char err[160];

	if (job->verbose)
		printf("    %.6f %s\n", (double)p->at_ns / 1e9, p->text);
	if (!job->pcap || job->pcap_bad)
		return;
	/* Runs stand behind one another: a capture's time does not go back. */
	job->pcap_last_ns = job->pcap_base_ns + p->at_ns;
	if (!tg_trace_put(job->pcap, job->pcap_last_ns, p->datagram, (uint32_t)p->len, err,
			  sizeof(err))) {
		tg_cli_failed("script", "%s", err);
		job->pcap_bad = true;
	}
}

static void count(struct job *job, enum tg_script_verdict verdict, const char *name, int family,
		  const char *report)
{
	const char *ip = family == TG_SCRIPT_IP6 ? "IPv6" : "IPv4";

	switch (verdict) {
	case TG_SCRIPT_PASSED:
		job->passed++;
		if (job->verbose)
			printf("ok %s (%s)\n", name, ip);
		return;
	case TG_SCRIPT_SKIPPED:
		job->skipped++;
		printf("skip %s", report);
		return;
	case TG_SCRIPT_INVALID:
		job->invalid = true;
		job->failed++;
		printf("FAIL %s", report);
		return;
	case TG_SCRIPT_FAILED:
		job->failed++;
		printf("FAIL %s", report);
	}
}

static void run_parsed(struct job *job, const char *name, int family, struct tg_script *script)
{
	char report[TG_SCRIPT_REPORT_MAX];
	enum tg_script_verdict verdict;

	if (job->verbose)
		printf("%s (%s)\n%s", name, family == TG_SCRIPT_IP6 ? "IPv6" : "IPv4",
		       tg_script_notes(script));
	job->pcap_base_ns = job->pcap_last_ns;
	verdict = tg_script_run(script, job->verbose || job->pcap ? on_packet : NULL, job, report);
	count(job, verdict, name, family, report);
}

/* In one family; returns the families that the script is for, 0 when it cannot be read. */
static int run_family(struct job *job, const char *name, const char *text, size_t len, int family)
{
	char report[TG_SCRIPT_REPORT_MAX];
	enum tg_script_verdict verdict;
	struct tg_script *script = tg_script_parse(
	    name, text, len, family, job->overrides[0] ? job->overrides : NULL, &verdict, report);
	int families;

	if (!script) {
		count(job, verdict, name, family, report);
		return 0;
	}
	families = tg_script_families(script);
	if (!job->list && (families & family))
		run_parsed(job, name, family, script);
	tg_script_free(script);
	return families;
}

static void run_file(struct job *job, const char *name)
{
	static const char *const words[] = {"", "ipv4", "ipv6", "both"};
	size_t len = 0;
	char *text = read_all(name, &len);
	int families;

	if (!text) {
		printf("FAIL %s: %s\n", name, strerror(errno));
		job->failed++;
		job->invalid = true;
		return;
	}
	families = run_family(job, name, text, len, TG_SCRIPT_IP4);
	if (!job->list && (families & TG_SCRIPT_IP6) && (job->keep_going || !job->failed))
		run_family(job, name, text, len, TG_SCRIPT_IP6);
	if (job->list && families)
		printf("%s (%s)\n", name, words[families & 3]);
	free(text);
}

static int run_files(struct job *job, const struct files *files)
{
	char err[160];

	for (size_t i = 0; i < files->n && (job->keep_going || !job->failed); i++)
		run_file(job, files->name[i]);
	if (!tg_trace_finish(job->pcap, err, sizeof(err))) {
		tg_cli_failed("script", "%s", err);
		job->pcap_bad = true;
	}
	if (!job->list)
		printf("script: %u passed, %u failed, %u skipped\n", job->passed, job->failed,
		       job->skipped);
	if (tg_cli_printed("script") != TG_EXIT_OK)
		return TG_EXIT_FAILED;
	if (job->invalid)
		return TG_EXIT_USAGE;
	return job->failed || job->pcap_bad ? TG_EXIT_FAILED : TG_EXIT_OK;
}

static int add_override(struct job *job, const char *text)
{
	size_t at = strlen(job->overrides);

	if (strncmp(text, "--", 2) || at + strlen(text) + 2 > sizeof(job->overrides))
		return tg_cli_usage("script",
				    "--set %s: must be an option of a script, such as "
				    "--tolerance_usecs=1000",
				    text);
	snprintf(job->overrides + at, sizeof(job->overrides) - at, "%s\n", text);
	return TG_EXIT_OK;
}

static int open_pcap(struct job *job, const char *path)
{
	char err[160];

	job->pcap = tg_trace_create(path, TG_TRACE_RAW, err, sizeof(err));
	return job->pcap ? TG_EXIT_OK : tg_cli_usage("script", "%s", err);
}

static int take_option(struct job *job, int c)
{
	switch (c) {
	case 'v':
		job->verbose = true;
		return TG_EXIT_OK;
	case 'k':
		job->keep_going = true;
		return TG_EXIT_OK;
	case 'l':
		job->list = job->keep_going = true;
		return TG_EXIT_OK;
	case 's':
		return add_override(job, optarg);
	case 'w':
		if (job->pcap)
			return tg_cli_usage("script", "--write-pcap is given twice");
		return open_pcap(job, optarg);
	default:
		return TG_EXIT_USAGE;
	}
}

static int run_paths(struct job *job, int argc, char **argv)
{
	struct files files = {0};
	int rc;

	for (int i = optind; i < argc; i++)
		if (!add_path(&files, argv[i])) {
			tg_cli_usage("script", "%s: %s", argv[i], strerror(errno));
			job->invalid = true;
		}
	if (files.n == 0 && !job->invalid) {
		tg_cli_usage("script", "there is no *.pkt in what was given");
		job->invalid = true;
	}
	rc = run_files(job, &files);
	for (size_t i = 0; i < files.n; i++)
		free(files.name[i]);
	free(files.name);
	return rc;
}

int tg_cmd_script(int argc, char **argv)
{
	static const struct option longs[] = {{"verbose", no_argument, NULL, 'v'},
					      {"keep-going", no_argument, NULL, 'k'},
					      {"list", no_argument, NULL, 'l'},
					      {"write-pcap", required_argument, NULL, 'w'},
					      {"set", required_argument, NULL, 's'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct job job = {0};
	int c, rc;

	while ((c = tg_cli_option(argc, argv, ":vklw:s:h", longs)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return tg_cli_printed("script");
		}
		rc = take_option(&job, c);
		if (rc != TG_EXIT_OK)
			return rc;
	}
	if (optind >= argc)
		return tg_cli_usage("script",
				    "needs a FILE or a FOLDER: see `tidegate script --help`");
	return run_paths(&job, argc, argv);
}
