/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie_key.c: secrets, epochs and odds of SYN cookies (tg_cookie_key.h). */
#include <assert.h>

#include "cookie_bits.h"
#include "tg_cookie_key.h"
#include "tg_types.h"

/* What a derived key is for: no two purposes share an input. */
enum purpose { PURPOSE_MAC = 1, PURPOSE_TS = 2 };

/* A pseudo-random function of all 256 bits of the secret: one under its first half, and over that
 * one under the second. (Their sum would be nothing at all for a secret whose halves are equal.)
 * Input: purpose, which word, epoch. */
static uint64_t derive(const struct tg_cookie_secret *s, enum purpose purpose, uint32_t word,
		       uint64_t epoch)
{
	uint64_t what = (uint64_t)purpose << 8 | word;
	uint64_t inner = tg_siphash24_3(&s->root[0], what, epoch, tg_sip_len(16));

	return tg_siphash24_3(&s->root[1], inner, epoch, what | tg_sip_len(18));
}

static struct tg_sipkey derive_key(const struct tg_cookie_secret *s, enum purpose purpose,
				   uint64_t epoch)
{
	return (struct tg_sipkey){derive(s, purpose, 0, epoch), derive(s, purpose, 1, epoch)};
}

/* Those that count, and two before, so that it can be said that a cookie came too late. */
static void derive_epochs(struct tg_cookie_secret *s, uint64_t epoch)
{
	for (uint64_t e = epoch - COOKIE_EPOCHS_BACK; e != epoch + 2; e++)
		s->mac[e & (TG_COOKIE_RING - 1)] = derive_key(s, PURPOSE_MAC, e);
}

static void load_secret(struct tg_cookie_keys *keys, uint32_t i, const uint8_t *secret)
{
	struct tg_cookie_secret *s = &keys->secret[i];

	s->root[0] = (struct tg_sipkey){tg_le64_get(secret), tg_le64_get(secret + 8)};
	s->root[1] = (struct tg_sipkey){tg_le64_get(secret + 16), tg_le64_get(secret + 24)};
	s->ts = derive_key(s, PURPOSE_TS, 0);
	derive_epochs(s, keys->epoch);
}

/* Where the clock stands in its epoch: behind the beginning, between, or before the end. */
static void set_span(struct tg_cookie_keys *keys, uint64_t clock_ms)
{
	uint64_t begin = keys->epoch << TG_COOKIE_EPOCH_SHIFT;
	uint64_t at = clock_ms - begin, skew = keys->skew_ms;

	keys->late = at < skew;
	keys->early = at >= TG_COOKIE_EPOCH_MS - skew;
	keys->from_ms = begin;
	keys->span_ms = skew;
	if (keys->late)
		return;
	keys->from_ms = begin + (keys->early ? TG_COOKIE_EPOCH_MS - skew : skew);
	keys->span_ms = keys->early ? skew : TG_COOKIE_EPOCH_MS - 2 * skew;
}

void tg_cookie_keys_turn(struct tg_cookie_keys *keys, uint64_t clock_ms)
{
	uint64_t epoch = clock_ms >> TG_COOKIE_EPOCH_SHIFT;
	bool turned = epoch != keys->epoch;

	keys->epoch = epoch;
	set_span(keys, clock_ms);
	for (uint32_t i = 0; turned && i < keys->secret_n; i++)
		derive_epochs(&keys->secret[i], epoch);
}

void tg_cookie_keys_set(struct tg_cookie_keys *keys, const uint8_t secret[][TG_COOKIE_SECRET_LEN],
			uint32_t n)
{
	assert(n >= 1 && n <= TG_COOKIE_SECRET_MAX);
	keys->secret_n = n;
	for (uint32_t i = 0; i < n; i++)
		load_secret(keys, i, secret[i]);
	for (uint32_t i = n; i < TG_COOKIE_SECRET_MAX; i++)
		keys->secret[i] = (struct tg_cookie_secret){0};
}

void tg_cookie_keys_init(struct tg_cookie_keys *keys, const uint8_t secret[TG_COOKIE_SECRET_LEN],
			 uint32_t skew_ms, uint64_t clock_ms)
{
	assert(skew_ms <= TG_COOKIE_SKEW_MAX_MS);
	*keys = (struct tg_cookie_keys){.epoch = clock_ms >> TG_COOKIE_EPOCH_SHIFT,
					.skew_ms = skew_ms,
					.secret_n = 1,
					.lanes = tg_sip_lanes_at(0)};
	load_secret(keys, 0, secret);
	set_span(keys, clock_ms);
}

/* --- the odds --- */

/* Of all (ISN, TSval), for one epoch and one secret: each index has one ISN, its MAC being what it
 * is; with timestamps each word of options besides, and one value for all other bits. */
struct tg_cookie_odds tg_cookie_odds_of(uint32_t epochs, uint32_t secrets)
{
	uint64_t keys = (uint64_t)epochs * secrets;

	_Static_assert(COOKIE_MAC_BITS + COOKIE_PARITY_BITS + COOKIE_INDEX_BITS == 32, "the ISN");
	_Static_assert(COOKIE_EPOCH_BITS + COOKIE_TSMAC_BITS + COOKIE_OPTION_BITS == 32,
		       "the TSval");
	return (struct tg_cookie_odds){
	    .epochs = epochs,
	    .secrets = secrets,
	    .plain = {keys << COOKIE_INDEX_BITS, 32},
	    .with_ts = {keys << (COOKIE_INDEX_BITS + COOKIE_OPTION_BITS), 64},
	};
}

/* Only cookies that have a scale of the peer have one of ours: 15 of the 16 words, each four times,
 * with SACK and ECN and without. */
struct tg_cookie_odds tg_cookie_odds_scales(struct tg_cookie_odds odds, uint32_t scales)
{
	odds.with_ts.words = odds.plain.words * 4 * (15ull * scales + 1);
	return odds;
}

struct tg_cookie_odds tg_cookie_odds(const struct tg_cookie_keys *keys)
{
	return tg_cookie_odds_of(tg_cookie_epoch_n(keys), keys->secret_n);
}

struct tg_cookie_odds tg_cookie_odds_worst(const struct tg_cookie_keys *keys)
{
	return tg_cookie_odds_of(keys->skew_ms ? 3 : 2, TG_COOKIE_SECRET_MAX);
}
