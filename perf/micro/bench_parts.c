/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts that a packet passes, one by one: flow table, timer wheel, TIME-WAIT store, budget,
 * hashes, checksum, parsers. An operation is one of them; sizes are entries, armed timers, records,
 * prefixes or bytes. */
#include "bench.h"

#include "budget.h"
#include "tg_rng.h"
#include "tg_table.h"
#include "tg_wheel.h"
#include "tg_wire.h"
#include "tw_store.h"
#include <string.h>

enum { OPS = 4096, BURST = 32, FRAME_N = 64 };

/* --- flow table --- */

struct table_ctx {
	struct tg_table t;
	struct tg_rng rng;
	uint64_t *hash; /* [size + OPS]: the last OPS are not in the table */
	uint32_t size;
};

static uint64_t hash_of(const void *ctx, uint32_t idx)
{
	return ((const struct table_ctx *)ctx)->hash[idx];
}

static void table_setup(struct table_ctx *c, uint32_t size)
{
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->hash = bench_alloc((size + OPS) * sizeof(uint64_t));
	tg_table_init(&c->t, bench_alloc(tg_table_footprint(size + OPS)), size + OPS);
	for (uint32_t i = 0; i < size + OPS; i++)
		c->hash[i] = tg_rng_next(&c->rng);
	for (uint32_t i = 0; i < size; i++)
		tg_table_insert(&c->t, c->hash[i], i, hash_of, c);
}

/* OPS look-ups in bursts, each burst prefetched first, as the engine does it. */
static uint64_t table_find(struct table_ctx *c, const uint64_t hash[OPS], uint32_t expect)
{
	uint32_t idx[4], found = 0;

	bench_start();
	for (uint32_t i = 0; i < OPS; i += BURST) {
		for (uint32_t k = 0; k < BURST; k++)
			tg_table_prefetch(&c->t, hash[i + k]);
		for (uint32_t k = 0; k < BURST; k++)
			found += tg_table_find(&c->t, hash[i + k], idx, 4) > 0;
	}
	bench_stop();
	if (found < expect || found > expect + OPS / 100)
		bench_fail("table: found %u of %u", found, expect);
	return OPS;
}

static uint64_t run_table_hit(void *ctx)
{
	struct table_ctx *c = ctx;
	uint64_t hash[OPS];

	for (uint32_t i = 0; i < OPS; i++)
		hash[i] = c->hash[tg_rng_below(&c->rng, c->size)];
	return table_find(c, hash, OPS);
}

static uint64_t run_table_miss(void *ctx)
{
	struct table_ctx *c = ctx;
	uint64_t hash[OPS];

	for (uint32_t i = 0; i < OPS; i++)
		hash[i] = tg_rng_next(&c->rng);
	return table_find(c, hash, 0);
}

static uint64_t run_table_insert(void *ctx)
{
	struct table_ctx *c = ctx;

	bench_start();
	for (uint32_t i = c->size; i < c->size + OPS; i++)
		if (!tg_table_insert(&c->t, c->hash[i], i, hash_of, c))
			bench_fail("table: insert failed");
	bench_stop();
	for (uint32_t i = c->size; i < c->size + OPS; i++)
		tg_table_remove(&c->t, c->hash[i], i);
	return OPS;
}

static uint64_t run_table_remove(void *ctx)
{
	struct table_ctx *c = ctx;

	for (uint32_t i = c->size; i < c->size + OPS; i++)
		tg_table_insert(&c->t, c->hash[i], i, hash_of, c);
	bench_start();
	for (uint32_t i = c->size; i < c->size + OPS; i++)
		if (!tg_table_remove(&c->t, c->hash[i], i))
			bench_fail("table: remove failed");
	bench_stop();
	return OPS;
}

/* --- timer wheel: nodes in 64-byte connections, deadlines within a minute --- */

enum { SPREAD_MS = 60000 };

struct line {
	uint8_t other[48];
	struct tg_timer timer;
	uint32_t word;
};

struct wheel_ctx {
	struct tg_wheel w;
	struct tg_rng rng;
	struct line
	    *line; /* [size + OPS]: the first size are armed, and armed again as they fire */
	uint32_t size;
};

static void wheel_setup(struct wheel_ctx *c, uint32_t size)
{
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->line = bench_alloc((size + OPS) * sizeof(struct line));
	tg_wheel_init(&c->w, &c->line[0].timer, sizeof(struct line), size + OPS, 0);
	for (uint32_t i = 0; i < size + OPS; i++)
		tg_timer_init(&c->line[i].timer);
	for (uint32_t i = 0; i < size; i++)
		tg_wheel_arm(&c->w, i, 1 + tg_rng_below(&c->rng, SPREAD_MS));
}

static uint64_t run_wheel_arm(void *ctx)
{
	struct wheel_ctx *c = ctx;
	uint64_t at[OPS];

	for (uint32_t i = 0; i < OPS; i++)
		at[i] = c->w.now + 1 + tg_rng_below(&c->rng, SPREAD_MS);
	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		tg_wheel_arm(&c->w, c->size + i, at[i]);
	bench_stop();
	for (uint32_t i = 0; i < OPS; i++)
		tg_wheel_cancel(&c->w, c->size + i);
	return OPS;
}

static uint64_t run_wheel_cancel(void *ctx)
{
	struct wheel_ctx *c = ctx;

	for (uint32_t i = 0; i < OPS; i++)
		tg_wheel_arm(&c->w, c->size + i, c->w.now + 1 + tg_rng_below(&c->rng, SPREAD_MS));
	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		tg_wheel_cancel(&c->w, c->size + i);
	bench_stop();
	return OPS;
}

/* At least OPS fires, cascades included, some 256 a call; each node is armed again a minute on,
 * outside of what is measured. */
static uint64_t run_wheel_expire(void *ctx)
{
	struct wheel_ctx *c = ctx;
	uint64_t step = SPREAD_MS * 256ull / c->size + 1;
	uint32_t idx[512], n, done = 0;

	while (done < OPS) {
		uint64_t to = c->w.now + step;

		do {
			bench_start();
			n = tg_wheel_advance(&c->w, to, idx, 512);
			bench_stop();
			for (uint32_t k = 0; k < n; k++)
				tg_wheel_arm(&c->w, idx[k],
					     c->w.now + SPREAD_MS - tg_rng_below(&c->rng, 1000));
			done += n;
		} while (n == 512);
	}
	return done;
}

/* --- TIME-WAIT store: size records are in it, OPS more come and go --- */

struct tw_ctx {
	struct tg_tw_store *s;
	struct tg_counters ctr;
	struct tg_rng rng;
	uint64_t *fingerprint; /* [size] */
	uint32_t size;
};

static uint64_t tw_add(struct tw_ctx *c)
{
	struct tg_tw tw = {.fingerprint = tg_rng_next(&c->rng), .flags = TG_TW_USED};

	tg_tw_set_deadline(&tw, SPREAD_MS);
	if (tg_tw_store_add(c->s, &tw, 0) == TG_NONE)
		bench_fail("TIME-WAIT: add failed");
	return tw.fingerprint;
}

static void tw_setup(struct tw_ctx *c, uint32_t size)
{
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->fingerprint = bench_alloc(size * sizeof(uint64_t));
	/* Half full: nobody is put out, and the holes that removing leaves are packed. */
	c->s = tg_tw_store_init(bench_alloc(tg_tw_store_footprint(2 * (size + OPS))),
				2 * (size + OPS), 0, &c->ctr);
	for (uint32_t i = 0; i < size; i++)
		c->fingerprint[i] = tw_add(c);
}

static uint64_t run_tw_add(void *ctx)
{
	struct tw_ctx *c = ctx;
	uint64_t fingerprint[OPS];

	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		fingerprint[i] = tw_add(c);
	bench_stop();
	for (uint32_t i = OPS; i > 0; i--)
		tg_tw_store_remove(c->s, tg_tw_store_find(c->s, fingerprint[i - 1]));
	return OPS;
}

static uint64_t run_tw_find(void *ctx)
{
	struct tw_ctx *c = ctx;
	uint64_t fingerprint[OPS];
	uint32_t found = 0;

	for (uint32_t i = 0; i < OPS; i++)
		fingerprint[i] = c->fingerprint[tg_rng_below(&c->rng, c->size)];
	bench_start();
	for (uint32_t i = 0; i < OPS; i += BURST) {
		for (uint32_t k = 0; k < BURST; k++)
			tg_tw_store_prefetch(c->s, fingerprint[i + k]);
		for (uint32_t k = 0; k < BURST; k++)
			found += tg_tw_store_find(c->s, fingerprint[i + k]) != TG_NONE;
	}
	bench_stop();
	if (found != OPS)
		bench_fail("TIME-WAIT: found %u of %d", found, OPS);
	return OPS;
}

/* --- budget: SYNs of size prefixes --- */

struct budget_ctx {
	struct tg_budget *b;
	struct tg_rng rng;
	uint64_t now_ms;
	uint32_t size;
};

static void budget_setup(struct budget_ctx *c, uint32_t size)
{
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->b = tg_budget_init(bench_alloc(tg_budget_footprint()), 1000, &c->rng, 0);
}

static uint64_t run_budget_take(void *ctx)
{
	struct budget_ctx *c = ctx;
	struct tg_addr addr[OPS];
	uint8_t v4[4];

	for (uint32_t i = 0; i < OPS; i++) {
		tg_be32_put(v4, tg_rng_below(&c->rng, c->size) << 8);
		addr[i] = tg_addr_from_v4(v4);
	}
	c->now_ms++;
	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		bench_keep(tg_budget_take(c->b, &addr[i], c->now_ms));
	bench_stop();
	return OPS;
}

/* --- hashes, checksum, parsers: size is bytes --- */

struct bytes_ctx {
	struct tg_sipkey key;
	uint32_t len;
	uint8_t data[FRAME_N][2048];
};

static uint64_t run_siphash13(void *ctx)
{
	struct bytes_ctx *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		bench_keep(tg_siphash13(&c->key, c->data[i % FRAME_N], c->len));
	bench_stop();
	return OPS;
}

static uint64_t run_siphash24(void *ctx)
{
	struct bytes_ctx *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		bench_keep(tg_siphash24(&c->key, c->data[i % FRAME_N], c->len));
	bench_stop();
	return OPS;
}

static uint64_t run_csum(void *ctx)
{
	struct bytes_ctx *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		bench_keep(tg_csum_fold(tg_csum_add(0, c->data[i % FRAME_N], c->len)));
	bench_stop();
	return OPS;
}

/* The frame that bytes_setup built: a SYN with the usual options. */
static uint32_t parse_frame(const uint8_t *data, uint32_t len, bool verify)
{
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;

	if (tg_eth_parse(data, len, &eth) ||
	    tg_ip4_parse(data + eth.hdr_len, len - eth.hdr_len, verify, &ip))
		return 0;
	data += eth.hdr_len + ip.hdr_len;
	if (verify && !tg_tcp_csum_ok(data, ip.payload_len, &ip.src, &ip.dst))
		return 0;
	return tg_tcp_parse(data, ip.payload_len, &seg) ? 0 : seg.opts.tsval;
}

static uint64_t run_parse(struct bytes_ctx *c, bool verify)
{
	uint32_t sum = 0;

	bench_start();
	for (uint32_t i = 0; i < OPS; i++)
		sum += parse_frame(c->data[i % FRAME_N], c->len, verify);
	bench_stop();
	if (sum != OPS)
		bench_fail("parse: %u of %d frames", sum, OPS);
	return OPS;
}

static uint64_t run_parse_trusted(void *ctx)
{
	return run_parse(ctx, false);
}

static uint64_t run_parse_verified(void *ctx)
{
	return run_parse(ctx, true);
}

static void bytes_setup(struct bytes_ctx *c, uint32_t len, struct tg_rng *rng)
{
	c->key = tg_rng_key(rng);
	c->len = len;
	for (uint32_t f = 0; f < FRAME_N; f++)
		for (uint32_t i = 0; i < sizeof(c->data[f]); i++)
			c->data[f][i] = (uint8_t)tg_rng_next(rng);
}

static void frames_setup(struct bytes_ctx *c)
{
	struct tg_eth eth = {.type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = 64};
	struct tg_seg seg = {.sport = 40000,
			     .dport = 80,
			     .ctl = TG_TCP_SYN,
			     .wnd = 64240,
			     .opts = {.has_mss = 1,
				      .has_sack_perm = 1,
				      .has_ts = 1,
				      .has_wscale = 1,
				      .mss = 1460,
				      .wscale = 7,
				      .tsval = 1}};
	uint32_t tcp_len = tg_tcp_hdr_len(&seg.opts, true);

	for (uint32_t f = 0; f < FRAME_N; f++) {
		uint8_t *p = c->data[f], client[4] = {10, 0, 1, (uint8_t)f}, us[4] = {192, 0, 2, 1};

		ip.src = tg_addr_from_v4(client);
		ip.dst = tg_addr_from_v4(us);
		p += tg_eth_emit(p, &eth);
		p += tg_ip4_emit(p, &ip, tcp_len, false);
		tg_tcp_emit(p, &seg);
		tg_tcp_csum_put(p, tcp_len, &ip.src, &ip.dst, false);
		c->len = (uint32_t)(p - c->data[f]) + tcp_len;
	}
}

/* --- the list --- */

static struct table_ctx table[4];
static struct wheel_ctx wheel[4];
static struct tw_ctx tw[4];
static struct budget_ctx budget[4];
static struct bytes_ctx bytes[5];
static struct bench_case cases[64];
static uint32_t case_n;

static void add_case(const char *name, uint32_t size, void *ctx, uint64_t (*run)(void *))
{
	cases[case_n++] = (struct bench_case){name, size, ctx, run};
}

int main(int argc, char **argv)
{
	struct bench_opts o;
	struct tg_rng rng;
	/* bytes of: a tuple to hash, a cookie's input, a header, a full segment */
	static const uint32_t len[] = {16, 40, 64, 1460};

	bench_parse(&o, argc, argv);
	tg_rng_init(&rng, 1);
	for (uint32_t i = 0; i < o.size_n; i++) {
		table_setup(&table[i], o.size[i]);
		add_case("table hit", o.size[i], &table[i], run_table_hit);
		add_case("table miss", o.size[i], &table[i], run_table_miss);
		add_case("table insert", o.size[i], &table[i], run_table_insert);
		add_case("table remove", o.size[i], &table[i], run_table_remove);
	}
	for (uint32_t i = 0; i < o.size_n; i++) {
		wheel_setup(&wheel[i], o.size[i]);
		add_case("wheel arm", o.size[i], &wheel[i], run_wheel_arm);
		add_case("wheel cancel", o.size[i], &wheel[i], run_wheel_cancel);
		add_case("wheel expire", o.size[i], &wheel[i], run_wheel_expire);
	}
	for (uint32_t i = 0; i < o.size_n; i++) {
		tw_setup(&tw[i], o.size[i]);
		add_case("TIME-WAIT add", o.size[i], &tw[i], run_tw_add);
		add_case("TIME-WAIT find", o.size[i], &tw[i], run_tw_find);
		budget_setup(&budget[i], o.size[i]);
		add_case("budget take", o.size[i], &budget[i], run_budget_take);
	}
	for (uint32_t i = 0; i < 4; i++)
		bytes_setup(&bytes[i], len[i], &rng);
	add_case("siphash13", 16, &bytes[0], run_siphash13);
	add_case("siphash13", 40, &bytes[1], run_siphash13);
	add_case("siphash24", 16, &bytes[0], run_siphash24);
	add_case("siphash24", 40, &bytes[1], run_siphash24);
	add_case("checksum", 64, &bytes[2], run_csum);
	add_case("checksum", 1460, &bytes[3], run_csum);
	bytes_setup(&bytes[4], 0, &rng);
	frames_setup(&bytes[4]);
	add_case("parse SYN, checksums trusted", bytes[4].len, &bytes[4], run_parse_trusted);
	add_case("parse SYN, checksums verified", bytes[4].len, &bytes[4], run_parse_verified);
	bench_run(&o, cases, case_n);
	return 0;
}
