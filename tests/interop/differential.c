/* SPDX-License-Identifier: BSD-3-Clause */
/* differential.c: the same segments to the kernel and to the lab, in every state.
 *
 *   differential [--write FILE] [--only STATE] [--ipv4] [--all]
 *
 * A cell is a state, reached segment by segment, and one segment: flags x place of SEQ x place of
 * ACK x text x timestamps. Compared are the replies: class (RST, ACK, SYN-ACK, none), numbers
 * relative to SND.NXT and RCV.NXT, and whether the connection lives afterwards. Each difference
 * needs a reason in diff_rules.c that names its rule; one without is a failure. --write lists the
 * differences, --all prints each cell.
 *
 * The kernel runs in real time: where it differs, it is asked again with more patience before that
 * counts. Needs root (a network namespace) and /dev/net/tun. */
#include "diff_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { CASE_MAX = 8000, FIRST_PORT = 2000, QUICK_MS = 2, PATIENT_MS = 60, TRIES = 2 };

struct result {
	struct diff_case c;
	int reason; /* of diff_reasons, -1: none, -2: they agree */
	char kernel[ANSWER_MAX], ours[ANSWER_MAX];
};

static struct result results[CASE_MAX];
static size_t result_n;

/* --- cells --- */

static void add(const struct diff_case *c)
{
	if (result_n < CASE_MAX)
		results[result_n++] = (struct result){.c = *c, .reason = -2};
}

static bool has_una(enum diff_state s)
{
	return s != D_FIN_WAIT_2 && s != D_TIME_WAIT && s != D_CLOSED && s != D_LISTEN;
}

static void add_bare(enum diff_state state, bool v6)
{
	static const uint8_t flags[] = {0,
					FIN,
					SYN,
					RST,
					ACK,
					SYN | ACK,
					RST | ACK,
					FIN | ACK,
					SYN | FIN,
					SYN | RST,
					FIN | PSH | URG,
					FIN | SYN | RST | PSH | ACK | URG};
	static const enum diff_seq seqs[] = {Q_BEFORE, Q_NXT, Q_AFTER, Q_LAST, Q_END, Q_FAR};

	for (size_t f = 0; f < sizeof(flags); f++)
		for (size_t q = 0; q < sizeof(seqs) / sizeof(seqs[0]); q++)
			add(&(struct diff_case){.state = state,
						.flags = flags[f],
						.seq = seqs[q],
						.ack = flags[f] & ACK ? A_NXT : A_NONE,
						.v6 = v6});
}

static void add_acks(enum diff_state state, bool v6)
{
	static const uint8_t flags[] = {ACK, RST | ACK, FIN | ACK, SYN | ACK};
	static const enum diff_ack acks[] = {A_ANCIENT, A_OLD, A_UNA, A_BEYOND};

	for (size_t f = 0; f < sizeof(flags); f++)
		for (size_t a = 0; a < sizeof(acks) / sizeof(acks[0]); a++)
			for (uint32_t len = 0; len <= (flags[f] == ACK ? 10 : 0); len += 10)
				if (acks[a] != A_UNA || has_una(state))
					add(&(struct diff_case){.state = state,
								.flags = flags[f],
								.seq = Q_NXT,
								.ack = acks[a],
								.len = len,
								.v6 = v6});
}

static void add_text(enum diff_state state, bool v6)
{
	static const uint8_t flags[] = {ACK, PSH, FIN | ACK, SYN};
	static const enum diff_seq seqs[] = {Q_OLD, Q_STRADDLE, Q_NXT, Q_AFTER,
					     Q_CUT, Q_END,      Q_FAR};

	for (size_t f = 0; f < sizeof(flags); f++)
		for (size_t q = 0; q < sizeof(seqs) / sizeof(seqs[0]); q++)
			add(&(struct diff_case){.state = state,
						.flags = flags[f],
						.seq = seqs[q],
						.ack = flags[f] & ACK ? A_NXT : A_NONE,
						.len = 10,
						.v6 = v6});
}

static void add_stamps(enum diff_state state, bool v6)
{
	static const uint8_t flags[] = {ACK, FIN | ACK, SYN, RST};

	if (state < D_SYN_RCVD_P)
		return;
	for (size_t f = 0; f < sizeof(flags); f++)
		for (int t = T_FRESH; t <= T_MISSING; t++)
			for (uint32_t len = 0; len <= (flags[f] == ACK ? 10 : 0); len += 10)
				add(&(struct diff_case){.state = state,
							.flags = flags[f],
							.seq = flags[f] == SYN ? Q_AFTER : Q_NXT,
							.ack = flags[f] & ACK ? A_NXT : A_NONE,
							.len = len,
							.stamp = (enum diff_stamp)t,
							.v6 = v6});
}

static void make_cells(int families)
{
	for (int v6 = 0; v6 < families; v6++)
		for (int s = 0; s < D_STATES; s++) {
			add_bare((enum diff_state)s, v6);
			add_acks((enum diff_state)s, v6);
			add_text((enum diff_state)s, v6);
			add_stamps((enum diff_state)s, v6);
		}
}

/* --- playing --- */

static int find_reason(const struct result *r)
{
	for (size_t i = 0; i < diff_reason_n; i++)
		if (diff_reasons[i].fits(&r->c, r->kernel, r->ours))
			return (int)i;
	return -1;
}

/* Whether an answer may be a delayed ACK: the segment brings something new in order. */
static bool may_be_late(const struct diff_case *c)
{
	return (c->len || (c->flags & FIN)) && (c->flags & ACK) &&
	       (c->seq == Q_NXT || c->seq == Q_STRADDLE);
}

/* Patience only where there is a difference: the kernel answers within the call, but on a busy
 * machine it may be late, and a delayed ACK takes its time. */
static bool play(struct result *r, struct host *kernel, struct host *lab, uint16_t *port)
{
	unsigned first_ms = may_be_late(&r->c) ? PATIENT_MS : QUICK_MS;
	bool there = diff_play(lab, &r->c, FIRST_PORT, PATIENT_MS, r->ours);

	if (!there) {
		r->reason = -1;
		r->kernel[0] = 0;
		return false;
	}
	for (int i = 0; i <= TRIES; i++) {
		there = diff_play(kernel, &r->c, (*port)++, i ? PATIENT_MS : first_ms, r->kernel);
		if (*port > 60000)
			*port = FIRST_PORT;
		if (there && !strcmp(r->kernel, r->ours)) {
			r->reason = -2;
			return true;
		}
		/* What is explained needs no third asking. */
		r->reason = there ? find_reason(r) : -1;
		if (r->reason >= 0 && (i == 1 || first_ms == PATIENT_MS))
			return true;
	}
	return r->reason >= 0;
}

/* --- the list --- */

/* Cells with the same answers in one line: the states, then the segments of one state. */
static void write_group(FILE *f, int reason)
{
	char last[3 * ANSWER_MAX] = "", what[100], key[3 * ANSWER_MAX];
	size_t n = 0;

	for (size_t i = 0; i < result_n; i++)
		n += results[i].reason == reason && !results[i].c.v6;
	fprintf(f, "\n## %s: %s\n\n%zu cells.\n\n", diff_reasons[reason].rule,
		diff_reasons[reason].why, n);
	fprintf(f, "| state | kernel | ours | segments |\n|---|---|---|---|\n");
	for (size_t i = 0; i < result_n; i++) {
		const struct result *r = &results[i];
		if (r->reason != reason || r->c.v6)
			continue;
		diff_describe(&r->c, what, sizeof(what));
		snprintf(key, sizeof(key), "| %s | %s | %s | ", diff_state_names[r->c.state],
			 r->kernel, r->ours);
		if (strcmp(key, last))
			fprintf(f, "%s%s%s", last[0] ? " |\n" : "", key, what);
		else
			fprintf(f, "; %s", what);
		strcpy(last, key);
	}
	fprintf(f, "%s", last[0] ? " |\n" : "");
}

static void write_list(FILE *f)
{
	struct utsname u;
	size_t agree = 0, v4 = 0, half = result_n / 2, apart = 0;

	uname(&u);
	for (size_t i = 0; i < result_n; i++) {
		agree += results[i].reason == -2 && !results[i].c.v6;
		v4 += !results[i].c.v6;
		/* The second half are the same cells over IPv6. */
		if (i < half)
			apart += strcmp(results[i].kernel, results[half + i].kernel) ||
				 strcmp(results[i].ours, results[half + i].ours);
	}
	fprintf(f, "<!-- SPDX-License-Identifier: BSD-3-Clause -->\n"
		   "<!-- Written by tests/interop/differential.sh --write; do not edit. -->\n"
		   "# Where the kernel answers otherwise\n\n");
	fprintf(f,
		"The same segments to Linux %.*s and to the lab, in every state: %zu cells over "
		"IPv4, of which %zu "
		"are answered alike, and as many over IPv6, where %zu have other answers than over "
		"IPv4. A reply is written CLASS(SEQ - "
		"SND.NXT, ACK - RCV.NXT); "
		"after the arrow stands what an old duplicate met afterwards: ACK, the connection "
		"lives; RST, it is "
		"gone. Limits of challenge ACKs are switched off on both sides.\n",
		(int)strcspn(u.release, "-"), u.release, v4, agree, apart);
	for (size_t i = 0; i < diff_reason_n; i++) {
		size_t n = 0;
		for (size_t k = 0; k < result_n; k++)
			n += results[k].reason == (int)i && !results[k].c.v6;
		if (n)
			write_group(f, (int)i);
	}
}

static void say(const struct result *r, const char *verdict)
{
	char what[100];

	diff_describe(&r->c, what, sizeof(what));
	printf("%s %s %s, %s: kernel %s, ours %s%s%s\n", verdict, r->c.v6 ? "IPv6" : "IPv4",
	       diff_state_names[r->c.state], what, r->kernel, r->ours, r->reason >= 0 ? "; " : "",
	       r->reason >= 0 ? diff_reasons[r->reason].rule : "");
}

int main(int argc, char **argv)
{
	const char *write_to = NULL, *only = NULL, *why = NULL;
	bool all = false;
	int families = 2;
	uint16_t port = FIRST_PORT;
	size_t failed = 0, differ = 0, played = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--write") && i + 1 < argc)
			write_to = argv[++i];
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else if (!strcmp(argv[i], "--ipv4"))
			families = 1;
		else if (!strcmp(argv[i], "--all"))
			all = true;
		else
			return 2;
	}
	struct host *kernel = host_kernel(&why), *lab = host_lab();
	if (!kernel) {
		printf("skip differential: %s here\ndifferential: 0 passed, 0 failed, 1 skipped\n",
		       why);
		return 0;
	}
	make_cells(families);
	for (size_t i = 0; i < result_n; i++) {
		struct result *r = &results[i];
		if (only && strcmp(only, diff_state_names[r->c.state]))
			continue;
		bool good = play(r, kernel, lab, &port);
		played++;
		differ += r->reason != -2;
		failed += !good;
		if (!good || all)
			say(r, !good ? "FAIL" : r->reason >= 0 ? "differs" : "ok");
	}
	FILE *f = write_to ? fopen(write_to, "w") : NULL;
	if (f) {
		write_list(f);
		fclose(f);
	}
	printf(
	    "%zu cells, %zu answered otherwise\ndifferential: %zu passed, %zu failed, 0 skipped\n",
	    played, differ, played - failed, failed);
	return failed != 0;
}
