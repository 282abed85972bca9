/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_cookie_key.h: the secrets of SYN cookies, the clock that turns their keys, and the odds
 * (SC-12, SC-13).
 *
 * Epochs are 2^17 ms of the cookie clock: the engine's own without a fleet, wall time with one. Two
 * are accepted, the one that is now and the one before: a cookie is good for 131 to 262 s. Where
 * clocks may differ, one more is for skew_ms around the epoch's two ends: what a node mints whose
 * clock is ahead, and what one minted that is behind, for which else 131 s would be less.
 *
 *     epoch    e-2        e-1         e          e+1
 *          |----------|----------|----------|----------|
 *                                 ^^      ^^
 *                                 e-2     e+1   is accepted too
 *
 * The key of an epoch is derived from the secret and the epoch's number, so whoever has the secret
 * and the time has the key, and no key is ever stored or sent. */
#ifndef TG_COOKIE_KEY_H
#define TG_COOKIE_KEY_H

#include "tg_sip_lanes.h"
#include <stdbool.h>

enum {
	TG_COOKIE_EPOCH_SHIFT = 17,
	TG_COOKIE_EPOCH_MS = 1 << TG_COOKIE_EPOCH_SHIFT,
	TG_COOKIE_SKEW_MAX_MS = 30000,
	TG_COOKIE_VALID_MS = 2 * TG_COOKIE_EPOCH_MS + TG_COOKIE_SKEW_MAX_MS, /* never for longer */
	TG_COOKIE_SECRET_LEN = 32,
	TG_COOKIE_SECRET_MAX = 2,
	TG_COOKIE_RING = 8 /* keys kept: a power of two, e-3 to e+1 are known */
};

struct tg_cookie_secret {
	struct tg_sipkey root[2];
	struct tg_sipkey ts; /* hides the epoch in the TSval */
	struct tg_sipkey mac[TG_COOKIE_RING];
};

struct tg_cookie_keys {
	uint64_t epoch;            /* now */
	uint64_t from_ms, span_ms; /* nothing below changes while the clock is in
				      [from_ms, from_ms + span_ms) */
	bool early, late;          /* e+1, e-2 is accepted too */
	uint32_t skew_ms;
	uint32_t secret_n; /* 1..2: the first mints, both are accepted */
	struct tg_cookie_secret secret[TG_COOKIE_SECRET_MAX];
	const struct tg_sip_lanes *lanes; /* how many MACs are hashed at once */
};

/* One secret, for a clock that stands at clock_ms. skew_ms: at most TG_COOKIE_SKEW_MAX_MS. */
void tg_cookie_keys_init(struct tg_cookie_keys *keys, const uint8_t secret[TG_COOKIE_SECRET_LEN],
			 uint32_t skew_ms, uint64_t clock_ms);
/* These from now on: n = 1..TG_COOKIE_SECRET_MAX. They are copied; the caller wipes his own. */
void tg_cookie_keys_set(struct tg_cookie_keys *keys, const uint8_t secret[][TG_COOKIE_SECRET_LEN],
			uint32_t n);
/* The clock stands elsewhere: other epochs may count. */
void tg_cookie_keys_turn(struct tg_cookie_keys *keys, uint64_t clock_ms);
/* The same; one comparison as long as nothing changes. */
static inline void tg_cookie_keys_clock(struct tg_cookie_keys *keys, uint64_t clock_ms)
{
	if (clock_ms - keys->from_ms >= keys->span_ms)
		tg_cookie_keys_turn(keys, clock_ms);
}

/* For how long after it was minted a cookie may be accepted. */
static inline uint64_t tg_cookie_valid_ms(const struct tg_cookie_keys *keys)
{
	return 2ull * TG_COOKIE_EPOCH_MS + keys->skew_ms;
}

static inline uint32_t tg_cookie_epoch_n(const struct tg_cookie_keys *keys)
{
	return 2u + keys->early + keys->late;
}

static inline const struct tg_sipkey *tg_cookie_mac_key(const struct tg_cookie_keys *keys,
							uint32_t secret, uint64_t epoch)
{
	return &keys->secret[secret].mac[epoch & (TG_COOKIE_RING - 1)];
}

/* The odds that a random ACK opens a connection: words / 2^bits, exactly: how many of the numbers
 * that it can name are right for its tuple and SEQ. */
struct tg_odds {
	uint64_t words;
	uint32_t bits;
};

struct tg_cookie_odds {
	uint32_t epochs, secrets;
	struct tg_odds plain;   /* an ACK without timestamps names 32 bits */
	struct tg_odds with_ts; /* one with them 64: the echo too */
};

/* From the layout alone, for so many epochs and secrets; one receive scale may have been told. */
struct tg_cookie_odds tg_cookie_odds_of(uint32_t epochs, uint32_t secrets);
/* The same where `scales` of them may (SC-07, SP-04): the ACK does not say which it was, so for
 * each of them another number is right. */
struct tg_cookie_odds tg_cookie_odds_scales(struct tg_cookie_odds odds, uint32_t scales);
/* For those that are accepted now. */
struct tg_cookie_odds tg_cookie_odds(const struct tg_cookie_keys *keys);
/* The worst that can be, with two secrets during a rotation, and the skew. */
struct tg_cookie_odds tg_cookie_odds_worst(const struct tg_cookie_keys *keys);

#endif
