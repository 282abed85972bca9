/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_table beside rte_hash. Ours keeps no keys, so here it has them beside it as rte_hash does, 12
 * bytes each, and they are weighed; in the engine they stand in the connection's own line. Ours is
 * always keyed (SipHash-1-3, the burst side by side, and for comparison one by one); rte_hash has
 * its default, CRC, which anyone can steer, jhash, and SipHash-1-3 as well. One core, one writer,
 * no flags: as its guide has it for that. */
#include "beside.h"

#include "tg_rng.h"
#include "tg_sip_lanes.h"
#include "tg_siphash.h"
#include "tg_table.h"
#include <inttypes.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_jhash.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <string.h>

/* SIZE_CRC_ONLY: from there on one rte_hash is enough, for memory. */
enum { PAGE = 2 << 20, KIND_N = 3, SIZE_CRC_ONLY = 50000000, INSERT_ROOM = BESIDE_OPS };

struct key {
	uint32_t laddr, raddr;
	uint16_t lport, rport;
	uint32_t zero;
};
_Static_assert(sizeof(struct key) == 16, "a length that rte_hash compares fastest");
enum { KEPT = 12 }; /* bytes of a key that ours keeps: all but the zero */

struct line {
	uint8_t key[KEPT];
	uint32_t word; /* 1 */
	uint8_t rest[48];
};
_Static_assert(sizeof(struct line) == 64, "as a connection's");

struct ours {
	struct tg_table t;
	uint8_t *key; /* [size + INSERT_ROOM][KEPT] */
	struct tg_rng rng;
	uint32_t size;
	tg_sip_many_fn hash; /* of a burst; NULL: one by one */
	struct line *line;   /* [size], made when it is reached for */
};

struct theirs {
	struct rte_hash *h;
	struct tg_rng rng;
	uint32_t size;
	struct line *line;
};

static const struct tg_sipkey sipkey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

/* Key number i: clients of 10.0.0.0/8 by number, each from some ports; never the same for two. */
static struct key key_of(uint32_t i)
{
	return (struct key){
	    .laddr = 0xc0000201,
	    .raddr = 0x0a000000 | (i & 0xffffff),
	    .lport = 80,
	    .rport = (uint16_t)(1024 + (i * 7919 & 0xfff) + ((i >> 24) << 12)),
	};
}

static inline uint64_t key_addrs(const struct key *k)
{
	return k->laddr | (uint64_t)k->raddr << 32;
}

static inline uint64_t key_ports(const struct key *k)
{
	return k->lport | (uint64_t)k->rport << 16 | tg_sip_len(12);
}

static inline uint64_t key_hash(const struct key *k)
{
	return tg_siphash13_2(&sipkey, key_addrs(k), key_ports(k));
}

static inline const uint8_t *kept(const struct ours *c, uint32_t i)
{
	return c->key + (size_t)i * KEPT;
}

static inline bool is_kept(const struct ours *c, uint32_t i, const struct key *key)
{
	return memcmp(kept(c, i), key, KEPT) == 0;
}

static uint64_t hash_of(const void *ctx, uint32_t idx)
{
	struct key key;

	memcpy(&key, kept(ctx, idx), KEPT);
	return key_hash(&key);
}

/* Keys of entries (hit), or of none. */
static void draw(struct tg_rng *rng, uint32_t size, bool is_hit, struct key key[BESIDE_OPS])
{
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		key[i] = key_of(tg_rng_below(rng, size));
		if (!is_hit)
			key[i].lport = 81;
	}
}

static void check_found(const char *whose, uint32_t found, bool is_hit)
{
	if (found != (is_hit ? BESIDE_OPS : 0))
		bench_fail("table@%s: found %u of %d", whose, found, is_hit ? BESIDE_OPS : 0);
}

/* --- ours --- */

static void hash_burst(const struct ours *c, const struct key key[], uint64_t hash[])
{
	_Alignas(64) uint64_t addrs[BESIDE_BURST], ports[BESIDE_BURST];
	const uint64_t *const word[] = {addrs, ports};

	for (uint32_t k = 0; k < BESIDE_BURST && !c->hash; k++)
		hash[k] = key_hash(&key[k]);
	if (!c->hash)
		return;
	for (uint32_t k = 0; k < BESIDE_BURST; k++) {
		addrs[k] = key_addrs(&key[k]);
		ports[k] = key_ports(&key[k]);
	}
	c->hash(&sipkey, word, 2, hash, BESIDE_BURST);
}

/* The burst as the engine takes it: hash and ask for buckets; candidates, and ask for their lines;
 * compare. */
static void find_burst(const struct ours *c, const struct key key[], int32_t pos[])
{
	_Alignas(64) uint64_t hash[BESIDE_BURST];
	uint32_t idx[BESIDE_BURST][4], n[BESIDE_BURST];

	hash_burst(c, key, hash);
	for (uint32_t k = 0; k < BESIDE_BURST; k++)
		tg_table_prefetch(&c->t, hash[k]);
	for (uint32_t k = 0; k < BESIDE_BURST; k++) {
		n[k] = tg_table_find(&c->t, hash[k], idx[k], 4);
		if (n[k] > 0) { /* one in eight lies on two lines */
			__builtin_prefetch(kept(c, idx[k][0]));
			__builtin_prefetch(kept(c, idx[k][0]) + KEPT - 1);
		}
	}
	for (uint32_t k = 0; k < BESIDE_BURST; k++) {
		pos[k] = -1;
		for (uint32_t i = 0; i < n[k]; i++)
			if (is_kept(c, idx[k][i], &key[k]))
				pos[k] = (int32_t)idx[k][i];
	}
}

static uint64_t our_find(struct ours *c, bool is_hit)
{
	struct key key[BESIDE_OPS];
	int32_t pos[BESIDE_BURST];
	uint32_t found = 0;

	draw(&c->rng, c->size, is_hit, key);
	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i += BESIDE_BURST) {
		find_burst(c, key + i, pos);
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			found += pos[k] >= 0;
	}
	bench_stop();
	check_found("tidegate", found, is_hit);
	return BESIDE_OPS;
}

static uint64_t our_hit(void *ctx)
{
	return our_find(ctx, true);
}

static uint64_t our_hit_scalar(void *ctx)
{
	struct ours *c = ctx;
	tg_sip_many_fn lanes = c->hash;
	uint64_t n;

	c->hash = NULL;
	n = our_find(c, true);
	c->hash = lanes;
	return n;
}

static struct line *lines_make(uint32_t size)
{
	struct line *line = bench_alloc(size * sizeof(*line));

	for (uint32_t i = 0; i < size; i++) {
		struct key key = key_of(i);

		memcpy(line[i].key, &key, KEPT);
		line[i].word = 1;
	}
	return line;
}

/* Sums the words of the lines that a burst leads to. */
static uint32_t reach_burst(const struct ours *c, const struct key key[])
{
	_Alignas(64) uint64_t hash[BESIDE_BURST];
	uint32_t idx[BESIDE_BURST][4], n[BESIDE_BURST], sum = 0;

	hash_burst(c, key, hash);
	for (uint32_t k = 0; k < BESIDE_BURST; k++)
		tg_table_prefetch(&c->t, hash[k]);
	for (uint32_t k = 0; k < BESIDE_BURST; k++) {
		n[k] = tg_table_find(&c->t, hash[k], idx[k], 4);
		if (n[k] > 0)
			__builtin_prefetch(&c->line[idx[k][0]]);
	}
	for (uint32_t k = 0; k < BESIDE_BURST; k++)
		for (uint32_t i = 0; i < n[k]; i++)
			if (memcmp(c->line[idx[k][i]].key, &key[k], KEPT) == 0)
				sum += c->line[idx[k][i]].word;
	return sum;
}

static uint64_t our_reach(void *ctx)
{
	struct ours *c = ctx;
	struct key key[BESIDE_OPS];
	uint32_t sum = 0;

	if (!c->line)
		c->line = lines_make(c->size);
	draw(&c->rng, c->size, true, key);
	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i += BESIDE_BURST)
		sum += reach_burst(c, key + i);
	bench_stop();
	check_found("tidegate", sum, true);
	return BESIDE_OPS;
}

static uint64_t our_miss(void *ctx)
{
	return our_find(ctx, false);
}

/* rte_hash_add_key looks whether the key is there; so does this. */
static void our_add(struct ours *c, uint32_t i, const struct key *key)
{
	uint64_t hash = key_hash(key);
	uint32_t idx[4], n = tg_table_find(&c->t, hash, idx, 4);

	while (n > 0)
		if (is_kept(c, idx[--n], key))
			bench_fail("table@tidegate: the key is there");
	memcpy(c->key + (size_t)i * KEPT, key, KEPT);
	if (!tg_table_insert(&c->t, hash, i, hash_of, c))
		bench_fail("table@tidegate: insert failed at %u of %u", c->t.count, c->t.capacity);
}

static void our_del(struct ours *c, const struct key *key)
{
	uint64_t hash = key_hash(key);
	uint32_t idx[4], n = tg_table_find(&c->t, hash, idx, 4);

	while (n > 0 && !is_kept(c, idx[n - 1], key))
		n--;
	if (n == 0 || !tg_table_remove(&c->t, hash, idx[n - 1]))
		bench_fail("table@tidegate: remove failed");
}

static uint64_t our_change(struct ours *c, bool is_insert)
{
	struct key key[INSERT_ROOM];

	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		key[i] = key_of(c->size + i);
	if (is_insert)
		bench_start();
	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		our_add(c, c->size + i, &key[i]);
	if (is_insert)
		bench_stop();
	else
		bench_start();
	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		our_del(c, &key[i]);
	if (!is_insert)
		bench_stop();
	return INSERT_ROOM;
}

static uint64_t our_insert(void *ctx)
{
	return our_change(ctx, true);
}

static uint64_t our_remove(void *ctx)
{
	return our_change(ctx, false);
}

static struct ours *our_setup(uint32_t size)
{
	struct ours *c = bench_alloc(sizeof(*c));
	uint32_t max = size + INSERT_ROOM;

	tg_rng_init(&c->rng, size);
	c->size = size;
	c->hash = tg_sip_lanes_at(0)->hash13;
	c->key = bench_alloc((size_t)max * KEPT);
	tg_table_init(&c->t, bench_alloc(tg_table_footprint(max)), max);
	for (uint32_t i = 0; i < size; i++) {
		struct key key = key_of(i);

		our_add(c, i, &key);
	}
	return c;
}

/* --- theirs --- */

static uint32_t siphash32(const void *data, uint32_t len, uint32_t init)
{
	(void)len;
	(void)init;
	return (uint32_t)key_hash(data);
}

static uint64_t their_find(struct theirs *c, bool is_hit)
{
	struct key key[BESIDE_OPS];
	const void *at[BESIDE_BURST];
	int32_t pos[BESIDE_BURST];
	uint32_t found = 0;

	draw(&c->rng, c->size, is_hit, key);
	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i += BESIDE_BURST) {
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			at[k] = &key[i + k];
		rte_hash_lookup_bulk(c->h, at, BESIDE_BURST, pos);
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			found += pos[k] >= 0;
	}
	bench_stop();
	check_found("rte_hash", found, is_hit);
	return BESIDE_OPS;
}

static uint64_t their_reach(void *ctx)
{
	struct theirs *c = ctx;
	struct key key[BESIDE_OPS];
	const void *at[BESIDE_BURST];
	int32_t pos[BESIDE_BURST];
	uint32_t sum = 0;

	if (!c->line)
		c->line = lines_make(c->size + INSERT_ROOM);
	draw(&c->rng, c->size, true, key);
	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i += BESIDE_BURST) {
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			at[k] = &key[i + k];
		rte_hash_lookup_bulk(c->h, at, BESIDE_BURST, pos);
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			if (pos[k] >= 0)
				__builtin_prefetch(&c->line[pos[k]]);
		for (uint32_t k = 0; k < BESIDE_BURST; k++)
			if (pos[k] >= 0)
				sum += c->line[pos[k]].word;
	}
	bench_stop();
	check_found("rte_hash", sum, true);
	return BESIDE_OPS;
}

static uint64_t their_hit(void *ctx)
{
	return their_find(ctx, true);
}

static uint64_t their_miss(void *ctx)
{
	return their_find(ctx, false);
}

static uint64_t their_change(struct theirs *c, bool is_insert)
{
	struct key key[INSERT_ROOM];

	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		key[i] = key_of(c->size + i);
	if (is_insert)
		bench_start();
	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		if (rte_hash_add_key(c->h, &key[i]) < 0)
			bench_fail("table@rte_hash: insert failed");
	if (is_insert)
		bench_stop();
	else
		bench_start();
	for (uint32_t i = 0; i < INSERT_ROOM; i++)
		if (rte_hash_del_key(c->h, &key[i]) < 0)
			bench_fail("table@rte_hash: remove failed");
	if (!is_insert)
		bench_stop();
	return INSERT_ROOM;
}

static uint64_t their_insert(void *ctx)
{
	return their_change(ctx, true);
}

static uint64_t their_remove(void *ctx)
{
	return their_change(ctx, false);
}

/* A heap of its own, in pages like ours: 64 bytes an entry is more than rte_hash takes, and its
 * arrays are rounded up to powers of two. */
static int heap_make(const char *name, uint32_t size)
{
	size_t len = ((size_t)size * 96 / PAGE + 16) * PAGE;
	char *mem = bench_alloc(len + PAGE);

	mem += PAGE - (uintptr_t)mem % PAGE;
	if (rte_malloc_heap_create(name) ||
	    rte_malloc_heap_memory_add(name, mem, len, NULL, (unsigned int)(len / PAGE), PAGE))
		bench_fail("table@rte_hash: no heap of %zu bytes", len);
	return rte_malloc_heap_get_socket(name);
}

static struct theirs *their_setup(uint32_t size, const char *kind, rte_hash_function func,
				  double *bytes)
{
	struct theirs *c = bench_alloc(sizeof(*c));
	struct rte_malloc_socket_stats heap;
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters p = {.name = name,
					.entries = size + INSERT_ROOM,
					.key_len = sizeof(struct key),
					.hash_func = func};

	snprintf(name, sizeof(name), "%.8s%" PRIu32, kind, size);
	p.socket_id = heap_make(name, size);
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->h = rte_hash_create(&p);
	if (!c->h)
		bench_fail("table@rte_hash: it is not made: %s", rte_strerror(rte_errno));
	for (uint32_t i = 0; i < size; i++) {
		struct key key = key_of(i);

		if (rte_hash_add_key(c->h, &key) < 0)
			bench_fail("table@rte_hash: full at %u of %u", i, size);
	}
	if (rte_malloc_get_socket_stats(p.socket_id, &heap))
		bench_fail("table@rte_hash: its heap does not say what it weighs");
	*bytes = (double)heap.heap_allocsz_bytes / size;
	return c;
}

/* --- the cases --- */

/* The last is weighed, the others are run. */
enum { RUN_N = 6, THEIR_N = 5 };
static const char *const our_name[] = {"table hit@tidegate",    "table hit@tidegate one by one",
				       "table reach@tidegate",  "table miss@tidegate",
				       "table insert@tidegate", "table remove@tidegate",
				       "table bytes@tidegate"};
static uint64_t (*const our_run[RUN_N])(void *) = {our_hit,  our_hit_scalar, our_reach,
						   our_miss, our_insert,     our_remove};
static const char *const what_name[] = {"table hit",    "table reach",  "table miss",
					"table insert", "table remove", "table bytes"};
static uint64_t (*const their_run[THEIR_N])(void *) = {their_hit, their_reach, their_miss,
						       their_insert, their_remove};
static const struct {
	const char *kind;
	rte_hash_function func;
} their[KIND_N] = {
    {"crc", rte_hash_crc},
    {"jhash", rte_jhash},
    {"siphash", siphash32},
};

/* Lines for the largest populations would fill the machine. */
static bool has_room(uint64_t (*run)(void *), uint32_t size)
{
	return size < SIZE_CRC_ONLY || (run != our_reach && run != their_reach);
}

static void beside_ours(const struct bench_opts *o, uint32_t size)
{
	double max = size + INSERT_ROOM;
	struct ours *c = NULL;

	for (uint32_t i = 0; i < RUN_N; i++)
		if (bench_is_wanted(o, our_name[i]) && has_room(our_run[i], size)) {
			if (!c)
				c = our_setup(size);
			beside_add(our_name[i], size, c, our_run[i]);
		}
	bench_tell(o, our_name[RUN_N], size,
		   ((double)tg_table_footprint((uint32_t)max) + max * KEPT) / size, "bytes");
}

static void beside_theirs(const struct bench_opts *o, uint32_t size, uint32_t kind)
{
	static char name[4 * KIND_N][THEIR_N + 1][48]; /* they are kept by the cases */
	static uint32_t name_n;
	struct theirs *c = NULL;
	double bytes = 0;

	if (name_n == 4 * KIND_N)
		bench_fail("too many sizes");
	for (uint32_t i = 0; i <= THEIR_N; i++) {
		char *n = name[name_n][i];

		snprintf(n, sizeof(name[0][0]), "%s@rte_hash %s", what_name[i], their[kind].kind);
		if (!bench_is_wanted(o, n) || !has_room(their_run[i < THEIR_N ? i : 0], size))
			continue;
		if (!c)
			c = their_setup(size, their[kind].kind, their[kind].func, &bytes);
		if (i < THEIR_N)
			beside_add(n, size, c, their_run[i]);
		else
			bench_tell(o, n, size, bytes, "bytes");
	}
	name_n++;
}

void beside_table(const struct bench_opts *o, uint32_t size)
{
	beside_ours(o, size);
	for (uint32_t k = 0; k < (size < SIZE_CRC_ONLY ? KIND_N : 1); k++)
		beside_theirs(o, size, k);
}
