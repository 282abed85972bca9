/* SPDX-License-Identifier: BSD-3-Clause */
/* The linker puts the functions __wrap_* in the place of the library's own (--wrap). */
#include "price_hash.h"

#include "engine.h" /* where its keys are */
#include "tg_sip_lanes.h"
#include "tg_tuple_batch.h"
#include "tuple_words.h"

/* The key that tuples are hashed by in the engine that runs; NULL: they stay keyed. */
static const struct tg_sipkey *tuple_key;
static bool is_unkeyed;
static uint64_t unkeyed_n;

uint64_t __real_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret);
uint64_t __wrap_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret);
void __real_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes);
void __wrap_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes);
const struct tg_sip_lanes *__real_tg_sip_lanes_at(uint32_t i);
const struct tg_sip_lanes *__wrap_tg_sip_lanes_at(uint32_t i);

/* Two multiplications: about what generators do. */
static inline uint64_t mix(uint64_t addrs, uint64_t ports)
{
	uint64_t x = (addrs ^ ports * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	return x ^ x >> 32;
}

static void mix_all(const uint64_t addrs[], const uint64_t ports[], uint64_t out[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = mix(addrs[i], ports[i]);
	unkeyed_n += n;
}

uint64_t __wrap_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret)
{
	if (!is_unkeyed || !tuple_is_v4(tuple))
		return __real_tg_tcp_tuple_hash(tuple, secret);
	unkeyed_n++;
	return mix(tuple_v4_addrs(tuple), tuple_v4_end(tuple));
}

void __wrap_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes)
{
	if (is_unkeyed)
		mix_all(b->addrs, b->end, b->hash, b->n);
	else
		__real_tg_tuple_batch_hash(b, secret, lanes);
}

/* Of what is hashed in lanes, tuples alone. */
static void mix_many(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
		     uint64_t out[], uint32_t n)
{
	if (key == tuple_key)
		mix_all(m[0], m[1], out, n);
	else
		__real_tg_sip_lanes_at(0)->hash13(key, m, word_n, out, n);
}

/* The engine asks once, when it is made. */
const struct tg_sip_lanes *__wrap_tg_sip_lanes_at(uint32_t i)
{
	static struct tg_sip_lanes lanes;
	const struct tg_sip_lanes *real = __real_tg_sip_lanes_at(i);

	if (!is_unkeyed || !real)
		return real;
	lanes = *real;
	lanes.hash13 = mix_many;
	return &lanes;
}

bool price_hash_as(bool unkeyed, const struct world *w)
{
	is_unkeyed = unkeyed;
	tuple_key = unkeyed && w ? &w->engine->secret.tuple : NULL;
	return true;
}

uint64_t price_hash_count(void)
{
	return unkeyed_n;
}
