/* SPDX-License-Identifier: BSD-3-Clause */
/* cost.c: what hostile packets cost, in instructions. cost.sh runs it below callgrind, which counts
 * them exactly; by itself it checks that the memory that they take has a bound and that the
 * connection lives.
 *
 *   cost [--list] [--along] [--packets N] [KIND...]
 *
 * Counted is what runs inside tg_engine_rx, not the lab around it. The packets of a kind are cut
 * into a hundred pieces, and the first 1,000 of a piece are counted: in the ten pieces of the first
 * tenth of all and in those of the last; with --along in all of them. Between them nothing is
 * counted, and it runs fast. The parts of callgrind's output are named "KIND first", "KIND last"
 * and "KIND between". */
#include "cost.h"

#include "crowd.h"
#include "engine.h"
#include "lab_int.h"
#include <valgrind/callgrind.h>

enum { BLOCK = 1000, PIECES = 100, TENTH = PIECES / 10, ALIVE_EVERY = 2000 };
enum { PACKETS_MIN = PIECES * BLOCK }; /* or the blocks would overlap */

uint32_t cost_random(struct attack *a, uint32_t n)
{
	return (uint32_t)((crowd_random(&a->rng) >> 32) * n >> 32);
}

/* All that the peer can make grow: connections, extensions, and the chunks of queues, holes and
 * sent records. */
static uint64_t bytes_used(const struct attack *a)
{
	const struct tg_engine *e = a->h.lab->engine;

	return e->conn_count * sizeof(struct tg_conn) + e->ext_used * sizeof(struct tg_ext) +
	       (uint64_t)(e->chunks.n - e->chunks.free_n) * TG_CHUNK_LEN;
}

void cost_drain(struct attack *a)
{
	struct host *h = &a->h;
	size_t len, at = host_l4(h);
	uint64_t at_ns;

	while ((len = host_next_raw(h, &at_ns)) > 0) {
		const uint8_t *t = h->buf + at;
		uint32_t seq =
		    (uint32_t)t[4] << 24 | (uint32_t)t[5] << 16 | (uint32_t)t[6] << 8 | t[7];
		uint32_t end = seq + (uint32_t)(len - at - (size_t)(t[12] >> 4) * 4);

		if ((int32_t)(end - h->nxt) > 0)
			h->nxt = end;
	}
	if (bytes_used(a) > a->bytes)
		a->bytes = bytes_used(a);
}

void cost_shoot(struct attack *a, struct seg *s)
{
	uint8_t out[WIRE_MAX];
	struct host *h = &a->h;

	if (h->ts && s->opt_len + 12 <= OPT_MAX && !(s->flags & (SYN | RST))) {
		h->tsval = (uint32_t)(h->now / MS);
		opt_ts(s, h->tsval, h->ts_last);
	}
	size_t len = host_build(h, s, out);

	h->now += a->step_ns;
	tg_lab_input(h->lab, h->now, out, len);
	cost_drain(a);
}

void cost_wait(struct attack *a)
{
	uint64_t due = tg_lab_next_deadline(a->h.lab);

	if (due == UINT64_MAX)
		return;
	if (due > a->h.now)
		a->h.now = due;
	tg_lab_advance(a->h.lab, a->h.now);
	cost_drain(a);
}

void cost_refill(struct attack *a)
{
	static uint8_t text[65536];

	while (tg_lab_write(a->h.lab, a->h.sock, text, sizeof(text)) > 0)
		;
	cost_drain(a);
}

/* --- a kind from beginning to end --- */

/* All that was sent is acknowledged, until a whole window of it is in flight. */
static void open_throttle(struct attack *a)
{
	struct host *h = &a->h;

	for (int i = 0; i < 4000; i++) {
		cost_refill(a);
		if (h->nxt - h->una > COST_BUF - 100000)
			return;
		h->una += (h->nxt - h->una + 1) / 2;
		struct seg s = {.seq = h->rcv_nxt, .ack = h->una, .flags = ACK, .win = 65535};
		cost_shoot(a, &s);
		h->now += 100000;
	}
}

static void begin(struct attack *a, const struct kind *k)
{
	char options[200];
	struct seg syn = {.flags = SYN, .win = 65535};

	memset(a, 0, sizeof(*a));
	snprintf(options, sizeof(options), "rcvbuf=%d sndbuf=%d buffer_mb=64 %s", COST_BUF,
		 COST_BUF, k->options ? k->options : "");
	host_init(&a->h, options);
	a->rng = 1;
	a->step_ns = 10000;
	opt_mss(&syn, k->mss ? k->mss : 1460);
	opt_ws(&syn, 7);
	if (!k->bare) {
		opt_sackok(&syn);
		opt_ts(&syn, (uint32_t)(a->h.now / MS), 0);
	}
	host_open(&a->h, &syn);
	a->h.win = 65535;
	int64_t mss = 0;
	tg_lab_getopt(a->h.lab, a->h.sock, TG_LAB_MAXSEG, &mss);
	a->mss = (uint32_t)mss;
	if (k->pool)
		a->pool = cost_pool_init(k->pool == COST_POOL_V6);
	if (k->sends)
		open_throttle(a);
}

/* Between the blocks something is acknowledged, lest the peer be given up for dead (TO-03). */
static void stay_alive(struct attack *a, const struct kind *k)
{
	struct host *h = &a->h;

	if (!k->sends)
		return;
	h->una += h->nxt - h->una < a->mss ? h->nxt - h->una : a->mss;
	struct seg s = {.seq = h->rcv_nxt, .ack = h->una, .flags = ACK, .win = h->win};
	cost_shoot(a, &s);
	cost_refill(a);
}

static void shoot_until(struct attack *a, const struct kind *k, uint64_t end)
{
	for (; a->i < end; a->i++) {
		k->shoot(a);
		if (a->i % ALIVE_EVERY == 0)
			stay_alive(a, k);
	}
	stay_alive(a, k);
}

static void count_block(struct attack *a, const struct kind *k, const char *which)
{
	char name[100];

	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	for (int i = 0; i < BLOCK; i++, a->i++)
		k->shoot(a);
	snprintf(name, sizeof(name), "%s %s", k->name, which);
	CALLGRIND_DUMP_STATS_AT(name);
	CALLGRIND_STOP_INSTRUMENTATION;
}

/* What one connection with 4 MiB each way may take: the chunks of both queues with a ragged end,
 * their maps, one each for the sent records and for the holes; and what rounding moved the window
 * by (EST-16). */
static uint64_t bytes_bound(void)
{
	uint64_t queue = COST_BUF / TG_CHUNK_LEN + 2 + 8;

	return sizeof(struct tg_conn) + sizeof(struct tg_ext) +
	       (2 * queue + 2 + 65536 / TG_CHUNK_LEN) * TG_CHUNK_LEN;
}

static const char *name_of(int piece, bool along)
{
	if (piece < TENTH)
		return "first";
	if (piece >= PIECES - TENTH)
		return "last";
	return along ? "between" : NULL;
}

static bool report(const struct attack *a, const struct kind *k)
{
	char why[200] = "";
	const char *state = host_state(&a->h);
	bool lives = !strcmp(state, "ESTABLISHED") || !strcmp(state, "CLOSE-WAIT");
	bool bounded = a->bytes <= bytes_bound();
	bool valid = tg_lab_validate(a->h.lab, why, sizeof(why));
	bool good = lives && bounded && valid && (!a->pool || cost_pool_is_right(a->pool));

	printf("%s %-22s %8" PRIu64 " packets, %5" PRIu64 " KiB at most (bound %" PRIu64
	       "), %s%s%s\n",
	       good ? "ok  " : "FAIL", k->name, a->i, a->bytes / 1024, bytes_bound() / 1024, state,
	       valid ? "" : ", not valid: ", why);
	return good;
}

static bool run(const struct kind *k, uint64_t packets, bool along)
{
	struct attack a;

	begin(&a, k);
	for (int piece = 0; piece < PIECES; piece++) {
		const char *name = name_of(piece, along);

		if (name)
			count_block(&a, k, name);
		shoot_until(&a, k, packets / PIECES * (uint64_t)(piece + 1));
	}
	bool good = report(&a, k);

	tg_lab_free(a.h.lab);
	if (a.pool)
		cost_pool_fini(a.pool);
	return good;
}

int main(int argc, char **argv)
{
	uint64_t packets = 200000;
	int passed = 0, failed = 0, named = 0;
	bool along = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			for (size_t k = 0; k < cost_kinds_n; k++)
				puts(cost_kinds[k].name);
			return 0;
		}
		along |= !strcmp(argv[i], "--along");
		if (!strcmp(argv[i], "--packets") && i + 1 < argc)
			packets = strtoull(argv[++i], NULL, 10);
	}
	if (packets < PACKETS_MIN)
		packets = PACKETS_MIN;
	for (size_t k = 0; k < cost_kinds_n; k++) {
		bool wanted = true;
		for (int i = 1; i < argc; i++)
			if (argv[i][0] != '-' && strcmp(argv[i - 1], "--packets")) {
				named = 1;
				wanted = false;
			}
		for (int i = 1; named && i < argc; i++)
			wanted |= !strcmp(argv[i], cost_kinds[k].name);
		if (!wanted)
			continue;
		bool good = run(&cost_kinds[k], packets, along);
		passed += good;
		failed += !good;
	}
	printf("cost: %d passed, %d failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
