/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast bytes come through a link of 100 ms that loses data segments by chance, by loss, buffer
 * and controller, in virtual time: the numbers are the same on every machine and with every
 * compiler, so that the table (goodput.golden) is compared to the last digit.
 *
 *   test_goodput [--write FILE] [--digest] [--seeds N]
 *
 * The table is compared with goodput.golden; --write makes it anew. --digest prints one number for
 * every datagram of one run: two builds that print the same have sent the same bytes at the same
 * times. --seeds N: the mean of each cell over N seeds instead of SEEDS.
 *
 * The bar is 0.9 of min(buffer / RTT, MSS / RTT * 1.22 / sqrt(p)), the second being Mathis' bound
 * ("The macroscopic behavior of the TCP congestion avoidance algorithm", 1997). Goodput is measured
 * once slow start is over: from 2 s on (20 RTT), over 10 MiB (less where a buffer of some bytes
 * would make a day of it).
 *
 * That bound is no promise: it counts what is sent, not what arrives; it knows windows of any size
 * and no buffer that is full while a lost byte is under way again. What can be had at all is shown
 * by the ideal sender (ideal.h) over the same link with the same luck, held by the same buffers and
 * by the same controller's law. Where the ideal sender itself is below 0.9 of the bound, the bar is
 * 0.9 of what it brings. The ideal sender is tested too, where formulas are exact.
 *
 * The table's end says how many cells reach the bar. Those that do not miss it by two in a hundred
 * at most, and the test holds them there: `least` of the ideal sender, and never less. What would
 * lift them is to grow with the very ACK that ends recovery, at which cwnd must be ssthresh (RFC
 * 5681 3.2 (6), RFC 6675 5.1). */
#include "ideal.h"
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ull

enum {
	RTT_MS = 100,
	MSS = 1460,
	TEXT_MAX = 1448, /* of a segment: timestamps take 12 */
	WARM_MS = 2000,
	SEEDS = 6,
	FLOWS = 64,
	PIECE = 65536
};

static const uint32_t losses[] = {0, 100, 1000, 2000, 5000}; /* in 100,000 */
static const uint32_t buffers[] = {128,   256,   512,   1024,   2048,   4096,   8192,
				   16384, 32768, 65536, 131072, 262144, 524288, 1048576};
static const char *const controllers[] = {"newreno", "cubic"};
static const enum ideal_window laws[] = {IDEAL_RENO, IDEAL_CUBIC};
enum {
	LOSSES = sizeof(losses) / sizeof(losses[0]),
	BUFFERS = sizeof(buffers) / sizeof(buffers[0])
};

static const double least = 0.88;

static int passed, failed, under, hard, missed;

static void judge(bool good, const char *what)
{
	passed += good;
	failed += !good;
	if (!good)
		printf("FAIL %s\n", what);
}

struct result {
	double goodput, all; /* bytes a second */
	uint64_t rto, rexmit;
	uint64_t digest;
	bool whole;
};

static uint64_t bytes_for(uint32_t buffer)
{
	return buffer <= 1024 ? (uint64_t)buffer * 2048 : 10 << 20;
}

static int open_flow(struct sim *s, int listener, const char *options, int sock[2])
{
	sock[0] = tg_lab_connect(s->lab[0], NULL, 0, SIM_B, 80, options);
	if (sock[0] < 0)
		return 0;
	while ((sock[1] = tg_lab_accept(s->lab[1], listener)) == -EAGAIN)
		if (!sim_step(s, s->now_ns + 300 * SECOND_NS))
			return 0;
	return sock[1] >= 0;
}

/* The sender's buffer is kept full, the reader takes all. Byte i of the stream is i * 31 >> 3. */
static uint64_t pump(struct sim *s, const int sock[2], uint64_t *sent, uint64_t *got)
{
	static uint8_t out[PIECE], in[PIECE];
	ssize_t n;

	if (!out[8])
		for (size_t i = 0; i < PIECE; i++)
			out[i] = (uint8_t)(i * 31 >> 3);
	while ((n = tg_lab_write(s->lab[0], sock[0], out + *sent % PIECE, PIECE - *sent % PIECE)) >
	       0)
		*sent += (uint64_t)n;
	while ((n = tg_lab_read(s->lab[1], sock[1], in, PIECE - *got % PIECE)) > 0) {
		if (memcmp(in, out + *got % PIECE, (size_t)n) != 0)
			return 0;
		*got += (uint64_t)n;
	}
	return 1;
}

static struct result run(uint32_t loss, uint32_t buffer, const char *congestion, uint64_t seed)
{
	struct sim s;
	struct result r = {0};
	char options[200];
	uint64_t sent = 0, got = 0, warm = 0, total = bytes_for(buffer);
	int sock[2];

	snprintf(options, sizeof(options),
		 "connections=4 buffer_mb=8 rcvbuf=%u sndbuf=%u congestion=%s", buffer, buffer,
		 congestion);
	sim_init(&s, seed, options, options);
	s.digest = 1;
	s.link.one_way_ns = (uint64_t)RTT_MS * 1000000 / 2;
	int listener = tg_lab_listen(s.lab[1], NULL, 80, 0, NULL);

	r.whole = open_flow(&s, listener, NULL, sock);
	s.link.loss_data = loss;
	uint64_t begin_ns = s.now_ns, warm_ns = begin_ns + (uint64_t)WARM_MS * 1000000;

	while (r.whole && (!warm || got < warm + total)) {
		if (!warm && s.now_ns >= warm_ns) {
			warm = got;
			warm_ns = s.now_ns;
		}
		r.whole = pump(&s, sock, &sent, &got) && sim_step(&s, begin_ns + 86400 * SECOND_NS);
	}
	r.goodput = (double)(got - warm) * 1e9 / (double)(s.now_ns - warm_ns);
	r.all = (double)got * 1e9 / (double)(s.now_ns - begin_ns);
	r.rto = (uint64_t)tg_lab_counter(s.lab[0], "rto");
	r.rexmit = (uint64_t)tg_lab_counter(s.lab[0], "rexmit");
	r.digest = s.digest;
	r.whole &= sim_validate(&s);
	sim_fini(&s);
	return r;
}

static double bar(uint32_t loss, uint32_t buffer)
{
	double by_buffer = buffer * 1000.0 / RTT_MS;
	double by_loss = loss ? MSS * 1000.0 / RTT_MS * 1.22 / sqrt(loss / 1e5) : INFINITY;

	return by_buffer < by_loss ? by_buffer : by_loss;
}

/* --- the ideal sender, where formulas are exact --- */

static double long_run(struct ideal in, double segments)
{
	in.mss = TEXT_MAX;
	in.rtt_ms = RTT_MS;
	in.seed = 4711;
	in.warm_ms = 100000;
	in.bytes = (uint64_t)(segments * TEXT_MAX);
	return ideal_goodput(&in) * RTT_MS / 1e3; /* bytes a round trip */
}

static void judge_ideal(double is, double wanted, double within, const char *what)
{
	char text[160];

	snprintf(text, sizeof(text), "the ideal sender, %s: %.4f, wanted %.4f", what, is, wanted);
	judge(fabs(is / wanted - 1) <= within, text);
}

/* What a round lasts, on average, that brings something in the end: with a chance of c nothing
 * arrives, and the timer runs, twice as long each time. */
static double lasts(double c)
{
	return 1 + 2 * c / (1 - 2 * c);
}

/* A buffer of two segments. N: both are new. q q: both arrive, and N again. p q: only the second,
 * and what follows is S: the first alone once more, until it arrives and with it both are done.
 * q p: only the first. Who knows all sends the second again with a new one, and that is N. Who does
 * not sends a new one, U: if it arrives, S follows, else the timer and N. */
static double two_segments(double p, bool all_knowing)
{
	double q = 1 - p, none = p * p;
	double to_s = p * q, to_u = all_knowing ? 0 : q * p;
	double bytes = 2 * q * q + q * p + 2 * (to_s + to_u * q);
	double rounds = (to_s + to_u * q) * lasts(p) + to_u * (q + 2 * p);

	return bytes / (1 - none) / (lasts(none) + rounds / (1 - none)) * TEXT_MAX;
}

static void check_ideal(void)
{
	for (size_t w = IDEAL_NONE; w <= IDEAL_CUBIC; w++)
		for (size_t b = 0; b < BUFFERS; b++)
			judge_ideal(
			    long_run((struct ideal){.window = w, .buffer = buffers[b]}, 1e5),
			    buffers[b], 1e-9, "no loss: a buffer a round trip");
	for (size_t l = 1; l < LOSSES; l++) {
		struct ideal in = {.loss = losses[l], .buffer = TEXT_MAX};
		double p = losses[l] / 1e5;

		judge_ideal(long_run(in, 1e6), TEXT_MAX / lasts(p), 0.003, "one segment: 1 - 2 p");
		in.buffer = 2 * TEXT_MAX;
		judge_ideal(long_run(in, 1e6), two_segments(p, false), 0.003, "two segments");
		in.all_knowing = true;
		judge_ideal(long_run(in, 1e6), two_segments(p, true), 0.003,
			    "two segments, all-knowing");
	}
	/* Ott, Kemperman, Mathis, "The stationary behavior of ideal TCP congestion avoidance",
	 * 1996: 1.3098 / sqrt(p) where each segment is lost by chance, and windows are large; of
	 * that 1 - p arrives for the first time. */
	judge_ideal(
	    long_run((struct ideal){.window = IDEAL_RENO, .loss = 10, .buffer = 1 << 20}, 5e7),
	    1.3098 / sqrt(1e-4) * TEXT_MAX * 0.9999, 0.03, "NewReno: 1.31 / sqrt(p)");
}

/* --- the table --- */

struct table {
	char *text;
	size_t len;
	FILE *file;
};

/* A cell: means over the seeds, bytes a second. */
struct cell {
	double goodput, all;
	double ideal, knowing, buffers; /* the ideal sender; all-knowing; and without a window */
	uint64_t rexmit, rto;
	bool whole;
};

static void add_ideal(struct cell *sum, size_t c, uint32_t loss, uint32_t buffer, uint64_t seed,
		      uint32_t seeds)
{
	struct ideal in = {.window = laws[c],
			   .mss = TEXT_MAX,
			   .buffer = buffer,
			   .rtt_ms = RTT_MS,
			   .loss = loss,
			   .seed = seed,
			   .warm_ms = WARM_MS,
			   .bytes = bytes_for(buffer)};

	sum->ideal += ideal_goodput(&in) / seeds;
	in.all_knowing = true;
	sum->knowing += ideal_goodput(&in) / seeds;
	in.window = IDEAL_NONE;
	sum->buffers += ideal_goodput(&in) / seeds;
}

static struct cell measure(size_t c, size_t l, size_t b, uint32_t seeds)
{
	struct cell sum = {.whole = true};

	if (losses[l] == 0) /* no luck in it */
		seeds = 1;
	for (uint32_t k = 0; k < seeds; k++) {
		uint64_t seed = 1000 + l * 100 + b + k * 7919;
		struct result r = run(losses[l], buffers[b], controllers[c], seed);

		sum.goodput += r.goodput / seeds;
		sum.all += r.all / seeds;
		sum.rexmit += r.rexmit;
		sum.rto += r.rto;
		sum.whole &= r.whole;
		add_ideal(&sum, c, losses[l], buffers[b], seed, seeds);
	}
	return sum;
}

static void judge_cell(size_t c, size_t l, size_t b, const struct cell *is)
{
	double bound = bar(losses[l], buffers[b]);
	bool reached = is->goodput >= 0.9 * bound, can = is->ideal >= 0.9 * bound;
	char what[160];

	snprintf(what, sizeof(what),
		 "goodput of %s, buffer %" PRIu32
		 ", loss %.1f%%: %.3f of the bound, %.3f of the ideal, which is %.3f",
		 controllers[c], buffers[b], losses[l] / 1e3, is->goodput / bound,
		 is->goodput / is->ideal, is->ideal / bound);
	under += !reached;
	hard += !can;
	missed += !reached && (can || is->goodput < 0.9 * is->ideal);
	judge(is->whole && (reached || is->goodput >= least * is->ideal), what);
}

static void grid(struct table *t, uint32_t seeds)
{
	fprintf(
	    t->file,
	    "# loss %% | buffer | controller | goodput B/s | of the bound | of the ideal sender's "
	    "| the ideal sender's of the bound | all-knowing | and without cwnd | goodput from "
	    "the first byte | sent again | timeouts\n");
	for (size_t c = 0; c < 2; c++)
		for (size_t l = 0; l < LOSSES; l++)
			for (size_t b = 0; b < BUFFERS; b++) {
				struct cell is = measure(c, l, b, seeds);
				double bound = bar(losses[l], buffers[b]);

				fprintf(
				    t->file,
				    "%4.1f %8" PRIu32
				    " %-8s %10.0f %6.3f %6.3f %6.3f %6.3f %6.3f %10.0f %6" PRIu64
				    " %5" PRIu64 "\n",
				    losses[l] / 1e3, buffers[b], controllers[c], is.goodput,
				    is.goodput / bound, is.goodput / is.ideal, is.ideal / bound,
				    is.knowing / bound, is.buffers / bound, is.all, is.rexmit,
				    is.rto);
				judge_cell(c, l, b, &is);
			}
}

/* --- many flows through one bottleneck --- */

enum { SHARE_S = 120, SHARE_WARM_S = 30 };

static double jain(const uint64_t got[FLOWS])
{
	double sum = 0, squares = 0;

	for (int i = 0; i < FLOWS; i++) {
		sum += (double)got[i];
		squares += (double)got[i] * (double)got[i];
	}
	return squares > 0 ? sum * sum / (FLOWS * squares) : 0;
}

/* 64 flows, all at once; each was opened at a time of its own, within a second. */
static void share(struct table *t, const char *congestion)
{
	struct sim s;
	char options[200], what[100];
	int sock[FLOWS][2];
	uint64_t sent[FLOWS] = {0}, got[FLOWS] = {0}, warm[FLOWS] = {0};
	bool open = true, is_warm = false;

	snprintf(options, sizeof(options),
		 "connections=128 buffer_mb=128 rcvbuf=262144 sndbuf=262144 congestion=%s",
		 congestion);
	sim_init(&s, 64, options, options);
	s.link = (struct sim_link){.one_way_ns = (uint64_t)RTT_MS * 1000000 / 2,
				   .rate = 12500000,
				   .queue = 12500000 * RTT_MS / 1000};
	int listener = tg_lab_listen(s.lab[1], NULL, 80, FLOWS, NULL);

	for (int i = 0; i < FLOWS; i++)
		open &= open_flow(&s, listener, NULL, sock[i]) != 0;
	uint64_t begin_ns = s.now_ns, end_ns = begin_ns + SHARE_S * SECOND_NS;
	uint64_t start_ns[FLOWS];

	for (int i = 0; i < FLOWS; i++)
		start_ns[i] = begin_ns + (uint64_t)sim_random(&s, 1000) * 1000000;
	for (uint64_t at = begin_ns; open && at < end_ns; at += 1000000) {
		sim_run(&s, at);
		for (int i = 0; i < FLOWS; i++)
			if (at >= start_ns[i])
				open &= pump(&s, sock[i], &sent[i], &got[i]) != 0;
		if (!is_warm && at >= begin_ns + SHARE_WARM_S * SECOND_NS) {
			memcpy(warm, got, sizeof(warm));
			is_warm = true;
		}
	}
	uint64_t total = 0;

	for (int i = 0; i < FLOWS; i++) {
		got[i] -= warm[i];
		total += got[i];
	}
	double index = jain(got), used = (double)total / (SHARE_S - SHARE_WARM_S) / 12500000;

	fprintf(t->file, "# %d flows, 100 Mbit/s, queue 1 BDP, %s: Jain %.4f, link used %.3f\n",
		FLOWS, congestion, index, used);
	snprintf(what, sizeof(what), "64 flows of %s share: Jain %.4f, used %.3f", congestion,
		 index, used);
	judge(open && sim_validate(&s) && index >= 0.97 && used >= 0.9, what);
	sim_fini(&s);
}

/* --- the golden copy --- */

static int write_table(const char *path, const struct table *t)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(t->text, 1, t->len, f) != t->len || fclose(f)) {
		printf("%s: %s\n", path, strerror(errno));
		return 2;
	}
	return 0;
}

static void compare(const char *path, const struct table *t)
{
	static char golden[65536];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(golden, 1, sizeof(golden) - 1, f) : 0, line = 1;

	if (f)
		fclose(f);
	const char *a = golden, *b = t->text;

	for (; *a && *b && *a == *b; a++, b++)
		line += *a == '\n';
	if (*a != *b)
		printf("%s:%zu differs; --write makes it anew, and the difference must have a "
		       "reason\n",
		       path, line);
	judge(n && *a == *b, "the table is the golden one");
}

static int print_digest(void)
{
	for (size_t c = 0; c < 2; c++) {
		struct result r = run(2000, 65536, controllers[c], 42);

		printf("%s %016" PRIx64 " %.0f\n", controllers[c], r.digest, r.goodput);
		if (!r.whole)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *out = NULL;
	struct table t = {0};
	uint32_t seeds = SEEDS;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--digest"))
			return print_digest();
		if (!strcmp(argv[i], "--write") && i + 1 < argc)
			out = argv[++i];
		else if (!strcmp(argv[i], "--seeds") && i + 1 < argc)
			seeds = (uint32_t)strtoul(argv[++i], NULL, 10);
	}
	t.file = open_memstream(&t.text, &t.len);
	check_ideal();
	grid(&t, seeds ? seeds : SEEDS);
	fprintf(t.file,
		"# %d of %d cells are below 0.9 of the bound, the ideal sender is in %d; "
		"%d miss the bar\n",
		under, (int)(2 * LOSSES * BUFFERS), hard, missed);
	share(&t, "newreno");
	share(&t, "cubic");
	fclose(t.file);
	fwrite(t.text, 1, t.len, stdout);
	if (!out && seeds == SEEDS)
		compare(GOLDEN, &t);
	int status = out ? write_table(out, &t) : 0;

	free(t.text);
	printf("goodput: %d passed, %d failed, 0 skipped\n", passed, failed);
	return status ? status : failed != 0;
}
