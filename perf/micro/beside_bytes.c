/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums and hashes over bytes that lie in the cache. */
#include "beside.h"

#include "tg_rng.h"
#include "tg_siphash.h"
#include "tg_wire.h"
#include <rte_byteorder.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_jhash.h>

enum { FRAME_N = 64, FRAME_LEN = 2048 };

struct bytes {
	uint32_t len;
	struct tg_sipkey key;
	uint8_t *data; /* [FRAME_N][FRAME_LEN] */
};

static const uint8_t *frame(const struct bytes *c, uint32_t i)
{
	return c->data + (size_t)(i % FRAME_N) * FRAME_LEN;
}

static uint64_t our_csum(void *ctx)
{
	const struct bytes *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		bench_keep(tg_csum_fold(tg_csum_add(0, frame(c, i), c->len)));
	bench_stop();
	return BESIDE_OPS;
}

static uint64_t their_csum(void *ctx)
{
	const struct bytes *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		bench_keep(rte_raw_cksum(frame(c, i), c->len));
	bench_stop();
	return BESIDE_OPS;
}

static uint64_t our_hash(void *ctx)
{
	const struct bytes *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		const uint64_t *w = (const uint64_t *)(const void *)frame(c, i);

		bench_keep(tg_siphash13_2(&c->key, w[0], w[1]));
	}
	bench_stop();
	return BESIDE_OPS;
}

static uint64_t crc_hash(void *ctx)
{
	const struct bytes *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		bench_keep(rte_hash_crc(frame(c, i), c->len, 0));
	bench_stop();
	return BESIDE_OPS;
}

static uint64_t jenkins_hash(void *ctx)
{
	const struct bytes *c = ctx;

	bench_start();
	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		bench_keep(rte_jhash(frame(c, i), c->len, 0));
	bench_stop();
	return BESIDE_OPS;
}

/* Both must say the same of the same bytes: ours complemented and as a number, theirs as it stands
 * in memory. */
static void check_sums(const struct bytes *c)
{
	uint32_t ours = tg_csum_fold(tg_csum_add(0, c->data, c->len)) ^ 0xffffu;
	uint32_t theirs = rte_be_to_cpu_16(rte_raw_cksum(c->data, c->len));

	if (ours != theirs)
		bench_fail("checksum: %04x and %04x of the same bytes", ours, theirs);
}

void beside_bytes(const struct bench_opts *o)
{
	static const uint32_t len[] = {20, 64, 1460};
	static struct bytes c[4];
	struct tg_rng rng;
	uint8_t *data = bench_alloc(FRAME_N * FRAME_LEN);

	tg_rng_init(&rng, 1);
	for (uint32_t i = 0; i < FRAME_N * FRAME_LEN; i++)
		data[i] = (uint8_t)tg_rng_next(&rng);
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = (struct bytes){.len = len[i], .data = data};
		check_sums(&c[i]);
		if (bench_is_wanted(o, "checksum@tidegate"))
			beside_add("checksum@tidegate", len[i], &c[i], our_csum);
		if (bench_is_wanted(o, "checksum@rte_raw_cksum"))
			beside_add("checksum@rte_raw_cksum", len[i], &c[i], their_csum);
	}
	c[3] = (struct bytes){.len = 16, .data = data, .key = tg_rng_key(&rng)};
	if (bench_is_wanted(o, "hash@siphash13"))
		beside_add("hash@siphash13", 16, &c[3], our_hash);
	if (bench_is_wanted(o, "hash@crc"))
		beside_add("hash@crc", 16, &c[3], crc_hash);
	if (bench_is_wanted(o, "hash@jhash"))
		beside_add("hash@jhash", 16, &c[3], jenkins_hash);
}
