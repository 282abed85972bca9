/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cookie.c: SYN cookies by themselves: what is minted is accepted and says what was promised,
 * for as long as it should, and nothing else is (SC-01..06, SC-12, SC-13, SC-18). */
#include "tg_syn_batch.h"
#include "tg_rng.h"
#include "tg_test.h"

enum { EPOCH = TG_COOKIE_EPOCH_MS, TUPLES = 1000000 };

static const struct tg_cookie_offer all = {.scales = 0x7fff, .ts = true, .sack = true, .ecn = true};
static const uint16_t mss_v4[] = {536, 1300, 1440, 1460};
static const uint16_t mss_v6[] = {1220, 1420, 1440, 8940};

static struct tg_rng rng;

static uint32_t rnd(void)
{
	return (uint32_t)tg_rng_next(&rng);
}

static void random_secret(uint8_t secret[TG_COOKIE_SECRET_LEN])
{
	for (int i = 0; i < TG_COOKIE_SECRET_LEN; i++)
		secret[i] = (uint8_t)rnd();
}

static void begin(struct tg_cookie_keys *keys, uint32_t skew_ms, uint64_t clock_ms)
{
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	tg_rng_init(&rng, tg_test_seed);
	random_secret(secret);
	tg_cookie_keys_init(keys, secret, skew_ms, clock_ms);
}

static void random_addr(struct tg_addr *a, bool v6)
{
	uint8_t b[16];

	for (int i = 0; i < 16; i++)
		b[i] = (uint8_t)rnd();
	*a = v6 ? tg_addr_from_v6(b) : tg_addr_from_v4(b);
}

static struct tg_tuple random_tuple(bool v6)
{
	struct tg_tuple t;

	memset(&t, 0, sizeof(t));
	random_addr(&t.laddr, v6);
	random_addr(&t.raddr, v6);
	t.lport = (uint16_t)rnd();
	t.rport = (uint16_t)rnd();
	return t;
}

/* Of all that can be agreed on; a deal without timestamps says no more than the MSS. */
static struct tg_cookie_deal random_deal(void)
{
	struct tg_cookie_deal d = {.mss = (uint16_t)(216 + tg_rng_below(&rng, 9300))};

	d.ts = rnd() & 1;
	if (!d.ts)
		return d;
	d.sack = rnd() & 1;
	d.ecn = rnd() & 1;
	d.ws = rnd() & 3;
	d.snd_scale = d.ws ? (uint8_t)tg_rng_below(&rng, 15) : 0;
	d.rcv_scale = d.ws ? (uint8_t)tg_rng_below(&rng, 15) : 0;
	return d;
}

static struct tg_cookie_claim claim_of(const struct tg_cookie *c, tg_seq irs, bool ts)
{
	return (struct tg_cookie_claim){.isn = c->isn, .irs = irs, .ts = ts, .tsecr = c->tsval};
}

static uint16_t table_mss(bool v6, uint16_t mss)
{
	const uint16_t *t = v6 ? mss_v6 : mss_v4;
	uint16_t best = t[0];

	for (int i = 1; i < 4; i++)
		best = t[i] <= mss ? t[i] : best;
	return best;
}

static bool is_same(const struct tg_cookie_deal *a, const struct tg_cookie_deal *b, uint16_t mss)
{
	return b->mss == mss && a->ts == b->ts && a->sack == b->sack && a->ecn == b->ecn &&
	       a->ws == b->ws && a->snd_scale == b->snd_scale && a->rcv_scale == b->rcv_scale;
}

static enum tg_cookie_verdict check(const struct tg_cookie_keys *keys, const struct tg_tuple *t,
				    const struct tg_cookie_claim *c)
{
	struct tg_cookie_deal d;
	bool skewed;

	return tg_cookie_check(keys, t, c, &all, &d, &skewed);
}

/* --- what is minted --- */

/* SC-01, SC-02, SC-03, SC-05: minted at any time, checked up to the end of the next epoch. */
static void test_cookie_mintAndCheck_sayTheSame(void)
{
	struct tg_cookie_keys keys;
	uint32_t wrong = 0;

	begin(&keys, 0, 0);
	for (uint32_t i = 0; i < TUPLES; i++) {
		bool v6 = i & 1, skewed = true;
		uint64_t clock = (uint64_t)(i >> 6) * EPOCH + tg_rng_below(&rng, EPOCH);
		struct tg_tuple t = random_tuple(v6);
		struct tg_cookie_deal d = random_deal(), got;
		tg_seq irs = tg_seq_make(rnd());

		tg_cookie_keys_clock(&keys, clock);
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		struct tg_cookie_claim claim = claim_of(&c, irs, d.ts);

		tg_cookie_keys_clock(&keys, clock + tg_rng_below(&rng, EPOCH));
		wrong += tg_cookie_check(&keys, &t, &claim, &all, &got, &skewed) != TG_COOKIE_OK ||
			 skewed || !is_same(&d, &got, table_mss(v6, d.mss));
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Each promise there is, in both epochs. */
static void test_cookie_eachDeal_comesBack(void)
{
	struct tg_cookie_keys keys;
	uint32_t wrong = 0, n = 0;

	for (uint32_t i = 0; i < 4u * 2 * 2 * 2 * 16 * 15 * 2; i++) {
		uint32_t w = i;
		bool v6 = w & 1;
		struct tg_cookie_deal d = {.ts = true, .sack = w >> 1 & 1, .ecn = w >> 2 & 1}, got;
		d.mss = (v6 ? mss_v6 : mss_v4)[w >> 3 & 3];
		uint64_t later = (w >> 5 & 1) * EPOCH;
		d.snd_scale = w >> 6 & 15;
		d.ws = d.snd_scale != 15;
		d.rcv_scale = d.ws ? (uint8_t)((w >> 10) % 15) : 0;
		d.snd_scale = d.ws ? d.snd_scale : 0;
		if (i == 0)
			begin(&keys, 0, 0);
		tg_cookie_keys_clock(&keys, 7 * EPOCH + 5);
		struct tg_tuple t = random_tuple(v6);
		tg_seq irs = tg_seq_make(rnd());
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		struct tg_cookie_claim claim = claim_of(&c, irs, true);
		bool skewed;

		tg_cookie_keys_clock(&keys, 7 * EPOCH + 5 + later);
		wrong += tg_cookie_check(&keys, &t, &claim, &all, &got, &skewed) != TG_COOKIE_OK ||
			 !is_same(&d, &got, d.mss);
		n++;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(n, 15360);
}

/* SC-18, ADV-33: every bit counts: of the ISN, the TSval (SC-06), IRS, addresses and ports. */
static void test_cookie_oneBitOther_isRefused(void)
{
	struct tg_cookie_keys keys;
	uint32_t taken = 0;

	begin(&keys, 0, 11 * EPOCH);
	for (int i = 0; i < 4000; i++) {
		struct tg_tuple t = random_tuple(i & 1), other = t;
		struct tg_cookie_deal d = random_deal();
		tg_seq irs = tg_seq_make(rnd());
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		struct tg_cookie_claim right = claim_of(&c, irs, d.ts), claim;
		uint32_t bit = 1u << tg_rng_below(&rng, 32);

		CU_ASSERT_EQUAL(check(&keys, &t, &right), TG_COOKIE_OK);
		claim = right;
		claim.isn.v ^= bit;
		taken += check(&keys, &t, &claim) == TG_COOKIE_OK;
		claim = right;
		claim.irs.v ^= bit;
		taken += check(&keys, &t, &claim) == TG_COOKIE_OK;
		claim = right;
		claim.tsecr ^= bit;
		taken += d.ts && check(&keys, &t, &claim) == TG_COOKIE_OK;
		claim = right;
		claim.ts = !d.ts;
		taken += check(&keys, &t, &claim) == TG_COOKIE_OK;
		other.raddr.b[12 + (i >> 1 & 3)] ^= (uint8_t)(1 << (i & 7));
		taken += check(&keys, &other, &right) == TG_COOKIE_OK;
		other = t;
		other.laddr.b[12 + (i >> 1 & 3)] ^= (uint8_t)(1 << (i & 7));
		taken += check(&keys, &other, &right) == TG_COOKIE_OK;
		other = t;
		other.rport ^= (uint16_t)(1 << (i & 15));
		taken += check(&keys, &other, &right) == TG_COOKIE_OK;
		other = t;
		other.lport ^= (uint16_t)(1 << (i & 15));
		taken += check(&keys, &other, &right) == TG_COOKIE_OK;
	}
	CU_ASSERT_EQUAL(taken, 0);
}

/* SC-18: all of the 17 numbers around the right one. */
static void test_cookie_seqOff_isRefused(void)
{
	struct tg_cookie_keys keys;

	begin(&keys, 0, 3 * EPOCH);
	for (int i = 0; i < 2000; i++) {
		struct tg_tuple t = random_tuple(i & 1);
		struct tg_cookie_deal d = {.mss = 1460};
		tg_seq irs = tg_seq_make(0xfffffffd);
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);

		for (uint32_t off = 0; off <= 16; off++) {
			struct tg_cookie_claim claim = {.isn = c.isn, .irs.v = irs.v + off - 8};
			CU_ASSERT_EQUAL(check(&keys, &t, &claim),
					off == 8 ? TG_COOKIE_OK : TG_COOKIE_BAD_MAC);
		}
	}
}

/* SC-05: what is not offered here is not taken, though the MAC be right: the scale of another
 * configuration is another promise. */
static void test_cookie_notOffered_isRefused(void)
{
	struct tg_cookie_keys keys;
	struct tg_cookie_deal d = {.mss = 1460,
				   .ts = true,
				   .sack = true,
				   .ecn = true,
				   .ws = true,
				   .snd_scale = 9,
				   .rcv_scale = 7},
			      got;
	struct tg_cookie_offer offer;
	bool skewed;

	begin(&keys, 0, 3 * EPOCH);
	struct tg_tuple t = random_tuple(false);
	struct tg_cookie c = tg_cookie_mint(&keys, &t, tg_seq_make(1), &d);
	struct tg_cookie_claim claim = claim_of(&c, tg_seq_make(1), true);

	offer = (struct tg_cookie_offer){.scales = 1 << 7, .ts = true, .sack = true, .ecn = true};
	CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed), TG_COOKIE_OK);
	CU_ASSERT_EQUAL(got.rcv_scale, 7);
	offer.scales = 1 << 7 | 1 << 2 | 1 << 14;
	CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed), TG_COOKIE_OK);
	CU_ASSERT_EQUAL(got.rcv_scale, 7);
	offer.scales = 1 << 2;
	CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
			TG_COOKIE_BAD_MAC);
	offer.scales = 1 << 7;
	offer.sack = false;
	CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
			TG_COOKIE_TS_BAD);
	offer.sack = true;
	offer.ecn = false;
	CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
			TG_COOKIE_TS_BAD);
}

/* --- time --- */

static enum tg_cookie_verdict at(struct tg_cookie_keys *keys, uint64_t clock,
				 const struct tg_tuple *t, const struct tg_cookie_claim *c,
				 bool *skewed)
{
	struct tg_cookie_deal d;

	tg_cookie_keys_clock(keys, clock);
	return tg_cookie_check(keys, t, c, &all, &d, skewed);
}

/* SC-01, ADV-32: to the ms. What is two epochs older still is known as too old, but only by its
 * MAC. */
static void test_cookie_epochs_twoAreAccepted(void)
{
	struct tg_cookie_keys keys;
	bool skewed;

	begin(&keys, 0, 0);
	for (int i = 0; i < 400; i++) {
		uint64_t e = 1 + tg_rng_below(&rng, 1u << 30), begins = e * EPOCH;
		struct tg_tuple t = random_tuple(i & 1);
		struct tg_cookie_deal d = random_deal();
		tg_seq irs = tg_seq_make(rnd());

		tg_cookie_keys_clock(&keys, begins + tg_rng_below(&rng, EPOCH));
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		struct tg_cookie_claim claim = claim_of(&c, irs, d.ts), forged;

		CU_ASSERT_EQUAL(at(&keys, begins, &t, &claim, &skewed), TG_COOKIE_OK);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH - 1, &t, &claim, &skewed),
				TG_COOKIE_OK);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH, &t, &claim, &skewed),
				TG_COOKIE_EXPIRED);
		forged = claim;
		forged.isn.v ^= 1u << 20;
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH, &t, &forged, &skewed),
				TG_COOKIE_BAD_MAC);
		CU_ASSERT_EQUAL(at(&keys, begins + 4 * EPOCH - 1, &t, &claim, &skewed),
				TG_COOKIE_EXPIRED);
		CU_ASSERT_EQUAL(at(&keys, begins + 4 * EPOCH, &t, &claim, &skewed),
				d.ts ? TG_COOKIE_TS_BAD : TG_COOKIE_BAD_MAC);
		CU_ASSERT_EQUAL(at(&keys, begins - 1, &t, &claim, &skewed),
				d.ts ? TG_COOKIE_TS_BAD : TG_COOKIE_BAD_MAC);
	}
}

/* SC-13: a clock that is behind, and one that is ahead, by less than the skew. */
static void test_cookie_skew_oneEpochMoreAtItsEnds(void)
{
	enum { SKEW = 500 };
	struct tg_cookie_keys keys;
	bool skewed;

	begin(&keys, SKEW, 0);
	for (int i = 0; i < 400; i++) {
		uint64_t e = 3 + tg_rng_below(&rng, 1u << 30), begins = e * EPOCH;
		struct tg_tuple t = random_tuple(i & 1);
		struct tg_cookie_deal d = random_deal();
		tg_seq irs = tg_seq_make(rnd());
		enum tg_cookie_verdict ahead = d.ts ? TG_COOKIE_TS_BAD : TG_COOKIE_BAD_MAC;

		tg_cookie_keys_clock(&keys, begins + 70000);
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		struct tg_cookie_claim claim = claim_of(&c, irs, d.ts);

		CU_ASSERT_EQUAL(at(&keys, begins - SKEW - 1, &t, &claim, &skewed), ahead);
		CU_ASSERT_EQUAL(at(&keys, begins - SKEW, &t, &claim, &skewed), TG_COOKIE_OK);
		CU_ASSERT(skewed);
		CU_ASSERT_EQUAL(tg_cookie_odds(&keys).plain.words, 12);
		CU_ASSERT_EQUAL(at(&keys, begins - 1, &t, &claim, &skewed), TG_COOKIE_OK);
		CU_ASSERT_EQUAL(at(&keys, begins, &t, &claim, &skewed), TG_COOKIE_OK);
		CU_ASSERT_FALSE(skewed);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH - 1, &t, &claim, &skewed),
				TG_COOKIE_OK);
		CU_ASSERT_FALSE(skewed);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH, &t, &claim, &skewed), TG_COOKIE_OK);
		CU_ASSERT(skewed);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH + SKEW - 1, &t, &claim, &skewed),
				TG_COOKIE_OK);
		CU_ASSERT_EQUAL(at(&keys, begins + 2 * EPOCH + SKEW, &t, &claim, &skewed),
				TG_COOKIE_EXPIRED);
		CU_ASSERT_EQUAL(tg_cookie_odds(&keys).plain.words, 8);
	}
}

/* A clock that steps, forwards or back, leaves no stale key behind. */
static void test_cookie_clockSteps_keysFollow(void)
{
	struct tg_cookie_keys keys, fresh;
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	begin(&keys, 100, 0);
	random_secret(secret);
	tg_cookie_keys_init(&keys, secret, 100, 0);
	for (int i = 0; i < 300; i++) {
		uint64_t clock = (uint64_t)tg_rng_below(&rng, 1u << 31) * (1u + (i & 15));
		struct tg_tuple t = random_tuple(false);
		struct tg_cookie_deal d = random_deal();

		tg_cookie_keys_clock(&keys, clock);
		tg_cookie_keys_init(&fresh, secret, 100, clock);
		struct tg_cookie a = tg_cookie_mint(&keys, &t, tg_seq_make(9), &d);
		struct tg_cookie b = tg_cookie_mint(&fresh, &t, tg_seq_make(9), &d);

		CU_ASSERT(a.isn.v == b.isn.v && a.tsval == b.tsval);
		CU_ASSERT_EQUAL(tg_cookie_epoch_n(&keys), tg_cookie_epoch_n(&fresh));
	}
}

/* SC-12: the second secret is accepted, the first mints; what is in neither is nothing. */
static void test_cookie_rotation_twoSecretsAreAccepted(void)
{
	struct tg_cookie_keys keys;
	uint8_t s[3][TG_COOKIE_SECRET_LEN];
	uint8_t both[2][TG_COOKIE_SECRET_LEN];

	begin(&keys, 0, 5 * EPOCH);
	for (int i = 0; i < 3; i++)
		random_secret(s[i]);
	for (int i = 0; i < 300; i++) {
		struct tg_tuple t = random_tuple(i & 1);
		struct tg_cookie_deal d = random_deal();
		struct tg_cookie_claim claim[3];
		tg_seq irs = tg_seq_make(rnd());

		for (int k = 0; k < 3; k++) {
			tg_cookie_keys_set(&keys, (const uint8_t(*)[TG_COOKIE_SECRET_LEN])s[k], 1);
			struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
			claim[k] = claim_of(&c, irs, d.ts);
			CU_ASSERT_EQUAL(check(&keys, &t, &claim[k]), TG_COOKIE_OK);
		}
		CU_ASSERT(check(&keys, &t, &claim[1]) != TG_COOKIE_OK);
		memcpy(both[0], s[1], sizeof(s[1]));
		memcpy(both[1], s[0], sizeof(s[0]));
		tg_cookie_keys_set(&keys, (const uint8_t(*)[TG_COOKIE_SECRET_LEN])both, 2);
		CU_ASSERT_EQUAL(check(&keys, &t, &claim[0]), TG_COOKIE_OK);
		CU_ASSERT_EQUAL(check(&keys, &t, &claim[1]), TG_COOKIE_OK);
		CU_ASSERT(check(&keys, &t, &claim[2]) != TG_COOKIE_OK);
		struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
		CU_ASSERT_EQUAL(c.isn.v, claim[1].isn.v);
		CU_ASSERT_EQUAL(tg_cookie_odds(&keys).plain.words, 16);
		/* Both have an epoch to turn as well. */
		tg_cookie_keys_clock(&keys, (6ull + (uint64_t)i) * EPOCH);
		CU_ASSERT_EQUAL(check(&keys, &t, &claim[0]), TG_COOKIE_OK);
		CU_ASSERT_EQUAL(check(&keys, &t, &claim[1]), TG_COOKIE_OK);
	}
}

/* --- what a stranger sees --- */

/* All 256 bits of the secret count. */
static void test_cookie_secret_eachBitCounts(void)
{
	struct tg_cookie_keys a, b;
	uint8_t secret[TG_COOKIE_SECRET_LEN];
	struct tg_cookie_deal d = {.mss = 1460, .ts = true};

	begin(&a, 0, EPOCH);
	for (int bit = 0; bit < 8 * TG_COOKIE_SECRET_LEN; bit++) {
		struct tg_tuple t = random_tuple(bit & 1);

		random_secret(secret);
		tg_cookie_keys_init(&a, secret, 0, EPOCH);
		secret[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		tg_cookie_keys_init(&b, secret, 0, EPOCH);
		struct tg_cookie ca = tg_cookie_mint(&a, &t, tg_seq_make(1), &d);
		struct tg_cookie cb = tg_cookie_mint(&b, &t, tg_seq_make(1), &d);
		CU_ASSERT(ca.isn.v != cb.isn.v && ca.tsval != cb.tsval);
	}
}

/* Not even of a secret that somebody made by holding down a key. */
static void test_cookie_evenSecrets_areStillSecrets(void)
{
	struct tg_cookie_keys a, b;
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	begin(&a, 0, EPOCH);
	for (int i = 0; i < 255; i++) {
		memset(secret, i, sizeof(secret));
		tg_cookie_keys_init(&a, secret, 0, EPOCH);
		memset(secret, i + 1, sizeof(secret));
		tg_cookie_keys_init(&b, secret, 0, EPOCH);
		CU_ASSERT(memcmp(&a.secret[0].ts, &b.secret[0].ts, sizeof(a.secret[0].ts)) != 0);
		CU_ASSERT(memcmp(tg_cookie_mac_key(&a, 0, 0), tg_cookie_mac_key(&a, 0, 1),
				 sizeof(struct tg_sipkey)) != 0);
		CU_ASSERT(memcmp(tg_cookie_mac_key(&a, 0, 1), tg_cookie_mac_key(&b, 0, 1),
				 sizeof(struct tg_sipkey)) != 0);
	}
}

/* The ISN has no bits that stand still, though MSS and epoch do: each of 32 is set in half of them,
 * within six standard deviations. */
static void test_cookie_isn_noBitStandsStill(void)
{
	enum { N = 40000, SIX_SIGMA = 600 };
	struct tg_cookie_keys keys;
	struct tg_cookie_deal d = {.mss = 1460, .ts = true};
	uint32_t isn[32] = {0}, tsval[32] = {0};

	begin(&keys, 0, 9 * EPOCH);
	for (int i = 0; i < N; i++) {
		struct tg_tuple t = random_tuple(i & 1);
		struct tg_cookie c = tg_cookie_mint(&keys, &t, tg_seq_make(1), &d);

		for (int bit = 0; bit < 32; bit++) {
			isn[bit] += c.isn.v >> bit & 1;
			tsval[bit] += c.tsval >> bit & 1;
		}
	}
	for (int bit = 0; bit < 32; bit++) {
		CU_ASSERT(isn[bit] > N / 2 - SIX_SIGMA && isn[bit] < N / 2 + SIX_SIGMA);
		if (bit >= 6) /* below stand the options, which the client knows */
			CU_ASSERT(tsval[bit] > N / 2 - SIX_SIGMA && tsval[bit] < N / 2 + SIX_SIGMA);
	}
}

/* SC-03: of one tuple the TSval goes up with each epoch, as a clock of 1 ms does, whatever the rest
 * of it says. */
static void test_cookie_tsval_growsWithTheEpochs(void)
{
	struct tg_cookie_keys keys;
	uint32_t last = 0;

	begin(&keys, 0, 0);
	struct tg_tuple t = random_tuple(false);

	for (uint64_t e = 0; e < 70000; e++) {
		struct tg_cookie_deal d = random_deal();

		d.ts = true;
		tg_cookie_keys_clock(&keys, e * EPOCH);
		uint32_t now = tg_cookie_mint(&keys, &t, tg_seq_make(rnd()), &d).tsval;
		if (e)
			CU_ASSERT((now - last - 1) < 2 * EPOCH - 1);
		last = now;
	}
}

/* --- the odds --- */

/* Counted, not computed: of all low words that an ISN can have, under one MAC that is known to be
 * right, only those of the four indices and of the epochs accepted pass. */
static void test_odds_countedInTheIsn_areAsComputed(void)
{
	struct tg_cookie_keys keys;
	uint32_t passed = 0;

	begin(&keys, 0, 6 * EPOCH);
	struct tg_tuple t = random_tuple(false);
	tg_seq irs = tg_seq_make(77);

	for (uint64_t e = 5; e <= 6; e++) {
		for (int i = 0; i < 4; i++) {
			struct tg_cookie_deal d = {.mss = mss_v4[i]};
			tg_cookie_keys_clock(&keys, e * EPOCH);
			struct tg_cookie c = tg_cookie_mint(&keys, &t, irs, &d);
			tg_cookie_keys_clock(&keys, 6 * EPOCH);
			for (uint32_t low = 0; low < 64; low++) {
				struct tg_cookie_claim claim = {.isn.v = (c.isn.v & ~63u) | low,
								.irs = irs};
				passed += check(&keys, &t, &claim) == TG_COOKIE_OK;
			}
		}
	}
	struct tg_cookie_odds odds = tg_cookie_odds(&keys);

	CU_ASSERT_EQUAL(passed, odds.plain.words);
	CU_ASSERT_EQUAL(odds.plain.words, 8);
	CU_ASSERT_EQUAL(odds.plain.bits, 32);
}

/* The right claims of one tuple and SEQ: one for each of what may have been promised, of either
 * epoch, none like another. So many, and no more, are right of 2^64. */
static uint32_t count_right(struct tg_cookie_keys *keys, const struct tg_cookie_offer *offer)
{
	static uint64_t seen[8192];
	struct tg_tuple t = random_tuple(true);
	uint32_t n = 0;

	for (uint32_t i = 0; i < 2u * 4 * 4 * 16 * 16; i++) {
		uint8_t snd = i >> 5 & 15, rcv = i >> 9 & 15;
		struct tg_cookie_deal d, told = {.mss = mss_v6[i >> 1 & 3], .ts = true};
		bool skewed;
		if (snd < 15 ? !(offer->scales >> rcv & 1) : rcv != 0)
			continue;
		told.sack = i >> 3 & 1;
		told.ecn = i >> 4 & 1;
		told.ws = snd < 15;
		told.snd_scale = snd % 15;
		told.rcv_scale = rcv;
		tg_cookie_keys_clock(keys, (5 + (i & 1)) * (uint64_t)EPOCH);
		struct tg_cookie c = tg_cookie_mint(keys, &t, tg_seq_make(77), &told);
		struct tg_cookie_claim claim = claim_of(&c, tg_seq_make(77), true);
		tg_cookie_keys_clock(keys, 6 * EPOCH);
		CU_ASSERT_EQUAL(tg_cookie_check(keys, &t, &claim, offer, &d, &skewed),
				TG_COOKIE_OK);
		seen[n] = (uint64_t)c.isn.v << 32 | c.tsval;
		for (uint32_t k = 0; k < n; k++)
			CU_ASSERT_FATAL(seen[k] != seen[n]);
		n++;
	}
	return n;
}

/* SC-07, SP-04: each receive scale that may have been told makes more of them right. */
static void test_odds_countedWithTimestamps_areAsComputed(void)
{
	static const uint16_t scales[] = {1 << 7, 1 << 2 | 1 << 7, TG_COOKIE_SCALES};
	struct tg_cookie_offer offer = all;
	struct tg_cookie_keys keys;

	for (int i = 0; i < 3; i++) {
		uint32_t n = (uint32_t)__builtin_popcount(scales[i]);
		offer.scales = scales[i];
		begin(&keys, 0, 6 * EPOCH);
		struct tg_cookie_odds o = tg_cookie_odds_scales(tg_cookie_odds(&keys), n);
		CU_ASSERT_EQUAL(count_right(&keys, &offer), o.with_ts.words);
	}
}

/* 2^-29 and 2^-55 for one secret and two epochs. */
static void test_odds_byEpochsAndSecrets_asTheLayoutSays(void)
{
	struct tg_cookie_keys keys;
	struct tg_cookie_odds o = tg_cookie_odds_of(2, 1);

	CU_ASSERT_EQUAL(o.plain.words << 29, 1ull << o.plain.bits);
	CU_ASSERT_EQUAL(o.with_ts.bits, 64);
	CU_ASSERT_EQUAL(o.with_ts.words, 1u << (64 - 55));
	o = tg_cookie_odds_of(3, 2);
	CU_ASSERT_EQUAL(o.plain.words, 24);
	CU_ASSERT_EQUAL(o.with_ts.words, 24 * 64);
	begin(&keys, 500, 10 * EPOCH + 1000);
	CU_ASSERT_EQUAL(tg_cookie_odds(&keys).plain.words, 8);
	CU_ASSERT_EQUAL(tg_cookie_odds_worst(&keys).plain.words, 24);
	begin(&keys, 0, 10 * EPOCH);
	CU_ASSERT_EQUAL(tg_cookie_odds_worst(&keys).plain.words, 16);
}

/* --- side by side --- */

/* SC-07, ADV-31: which scale was told is found whichever may have been, by each way of hashing, and
 * none where one bit of the MAC is another. */
static void test_lanes_eachScaleTold_isFound(void)
{
	const struct tg_sip_lanes *lanes;
	struct tg_cookie_offer offer = all;
	struct tg_cookie_keys keys;
	struct tg_cookie_deal got;
	bool skewed;

	begin(&keys, 0, 3 * EPOCH);
	for (uint32_t w = 0; (lanes = tg_sip_lanes_at(w)); w++) {
		keys.lanes = lanes;
		for (uint32_t i = 0; i < 15 * 64; i++) {
			struct tg_cookie_deal d = {
			    .mss = 1460, .ts = true, .ws = true, .snd_scale = 9};
			struct tg_tuple t = random_tuple(i & 1);
			d.rcv_scale = i / 64;
			struct tg_cookie c = tg_cookie_mint(&keys, &t, tg_seq_make(1), &d);
			struct tg_cookie_claim claim = claim_of(&c, tg_seq_make(1), true);
			uint16_t told = (uint16_t)(1u << d.rcv_scale);

			offer.scales = (uint16_t)(told | (rnd() & TG_COOKIE_SCALES));
			CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
					TG_COOKIE_OK);
			CU_ASSERT_EQUAL(got.rcv_scale, d.rcv_scale);
			offer.scales = (uint16_t)(TG_COOKIE_SCALES & ~told);
			CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
					TG_COOKIE_BAD_MAC);
			offer.scales = 0;
			CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
					TG_COOKIE_BAD_MAC);
			offer.scales = TG_COOKIE_SCALES;
			claim.isn.v ^= 1u << (6 + i % 26);
			CU_ASSERT_EQUAL(tg_cookie_check(&keys, &t, &claim, &offer, &got, &skewed),
					TG_COOKIE_BAD_MAC);
		}
	}
}

/* --- the SYNs of a burst --- */

enum { CONFS = 3 };

static const uint16_t any_mss[] = {0,    1,    535,  536,  537,  1219, 1220, 1299, 1300, 1420, 1439,
				   1440, 1441, 1459, 1460, 1461, 8939, 8940, 8941, 9000, 65535};

static struct tg_tcp_conf random_conf(void)
{
	return (struct tg_tcp_conf){
	    .timestamps = tg_rng_below(&rng, 8) != 0,
	    .sack = tg_rng_below(&rng, 4) != 0,
	    .ecn = rnd() & 1,
	    .window_scale = (uint8_t)tg_rng_below(&rng, 16), /* 15: none */
	    .mss_min = (uint16_t)(rnd() & 1 ? 536 : 0),
	    .maxseg = (uint16_t)(tg_rng_below(&rng, 4) ? 0 : 1000),
	    .rcvbuf = 65535,
	};
}

/* One SYN of the batch as the wire has it, and as the parser gives it. */
static void random_syn(struct tg_syn_batch *b, struct tg_tuple *t, struct tg_seg *seg)
{
	uint8_t ip[40], tcp[8];
	struct tg_syn *syn = &b->syn[b->n];

	*t = random_tuple(b->v6);
	*seg = (struct tg_seg){.seq = tg_seq_make(rnd()), .ctl = TG_TCP_SYN};
	memcpy(ip + (b->v6 ? 8 : 12), t->raddr.b + (b->v6 ? 0 : 12), b->v6 ? 16 : 4);
	memcpy(ip + (b->v6 ? 24 : 16), t->laddr.b + (b->v6 ? 0 : 12), b->v6 ? 16 : 4);
	tg_be16_put(tcp, t->rport);
	tg_be16_put(tcp + 2, t->lport);
	tg_be32_put(tcp + 4, seg->seq.v);
	*syn = (struct tg_syn){.tsval = rnd(),
			       .mss = any_mss[tg_rng_below(&rng, TG_TEST_N(any_mss))],
			       .has = (uint8_t)tg_rng_below(&rng, TG_SYN_OFFERS),
			       .wscale = (uint8_t)tg_rng_below(&rng, 18)};
	seg->opts.has_mss = syn->mss != 0 || (rnd() & 1);
	seg->opts.mss = syn->mss;
	seg->opts.has_ts = (syn->has & TG_SYN_TS) != 0;
	seg->opts.has_sack_perm = (syn->has & TG_SYN_SACK) != 0;
	seg->opts.has_wscale = (syn->has & TG_SYN_WS) != 0;
	seg->opts.wscale = syn->wscale;
	if (syn->has & TG_SYN_ECN)
		seg->ctl |= TG_TCP_ECE | TG_TCP_CWR;
	tg_syn_batch_put(b, b->n, b->v6, ip, tcp);
	b->terms[b->n++] = (uint8_t)tg_rng_below(&rng, CONFS);
}

static bool is_odd(const struct tg_tcp_conf *conf, const struct tg_syn *syn)
{
	return (syn->mss && syn->mss < conf->mss_min) ||
	       ((syn->has & TG_SYN_WS) && syn->wscale > 14);
}

/* What is said of number i, by those who look at it alone. */
static bool is_right(const struct tg_syn_batch *b, uint32_t i, const struct tg_tuple *t,
		     const struct tg_seg *seg, const struct tg_tcp_conf *conf,
		     const struct tg_tcp_env *env)
{
	struct tg_cookie_deal d = tg_tcp_deal(conf, t, seg, env);
	struct tg_cookie c = tg_cookie_mint(env->cookie, t, seg->seq, &d);
	uint8_t agreed = (uint8_t)((d.ts ? TG_SYN_TS : 0) | (d.sack ? TG_SYN_SACK : 0) |
				   (d.ws ? TG_SYN_WS : 0) | (d.ecn ? TG_SYN_ECN : 0));

	if (b->hash[i] != tg_tcp_tuple_hash(t, env->secret))
		return false;
	if (is_odd(conf, &b->syn[i]))
		return b->agreed[i] == TG_SYN_ODD;
	return b->agreed[i] == agreed && b->isn[i] == c.isn.v && (!d.ts || b->tsval[i] == c.tsval);
}

static void check_batch(const struct tg_sip_lanes *lanes, const struct tg_tcp_env *env, uint32_t n,
			bool v6)
{
	static struct tg_syn_batch b;
	struct tg_tcp_conf conf[CONFS];
	struct tg_syn_terms made[CONFS];
	const struct tg_syn_terms *terms[CONFS];
	struct tg_tuple t[TG_SYN_BATCH_MAX];
	struct tg_seg seg[TG_SYN_BATCH_MAX];
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < CONFS; i++) {
		conf[i] = random_conf();
		terms[i] = &made[i];
		tg_syn_terms_init(&made[i], &conf[i], env, v6);
	}
	b.n = 0;
	b.v6 = v6;
	while (b.n < n)
		random_syn(&b, &t[b.n], &seg[b.n]);
	tg_syn_batch_hash(&b, env->secret, lanes);
	tg_syn_batch_mint(&b, terms, env->cookie, lanes);
	for (uint32_t i = 0; i < n; i++)
		wrong += !is_right(&b, i, &t[i], &seg[i], &conf[b.terms[i]], env);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* SC-25: every number in a burst, both families, any options, several configurations. */
static void test_lanes_manySyns_sameAsOneByOne(void)
{
	const struct tg_sip_lanes *lanes;
	struct tg_cookie_keys keys;
	struct tg_tcp_secret secret;

	begin(&keys, 0, 4 * EPOCH);
	secret.tuple = (struct tg_sipkey){tg_rng_next(&rng), tg_rng_next(&rng)};
	for (uint32_t w = 0; (lanes = tg_sip_lanes_at(w)); w++)
		for (uint32_t n = 1; n <= TG_SYN_BATCH_MAX; n++)
			for (int i = 0; i < 8; i++) {
				struct tg_tcp_env env = {
				    .secret = &secret, .cookie = &keys, .mtu = i & 2 ? 1500 : 9000};
				check_batch(lanes, &env, n, i & 1);
			}
}

static const struct tg_test tests[] = {
    {"cookie_mintAndCheck_sayTheSame", test_cookie_mintAndCheck_sayTheSame},
    {"cookie_eachDeal_comesBack", test_cookie_eachDeal_comesBack},
    {"cookie_oneBitOther_isRefused", test_cookie_oneBitOther_isRefused},
    {"cookie_seqOff_isRefused", test_cookie_seqOff_isRefused},
    {"cookie_notOffered_isRefused", test_cookie_notOffered_isRefused},
    {"cookie_epochs_twoAreAccepted", test_cookie_epochs_twoAreAccepted},
    {"cookie_skew_oneEpochMoreAtItsEnds", test_cookie_skew_oneEpochMoreAtItsEnds},
    {"cookie_clockSteps_keysFollow", test_cookie_clockSteps_keysFollow},
    {"cookie_rotation_twoSecretsAreAccepted", test_cookie_rotation_twoSecretsAreAccepted},
    {"cookie_secret_eachBitCounts", test_cookie_secret_eachBitCounts},
    {"cookie_evenSecrets_areStillSecrets", test_cookie_evenSecrets_areStillSecrets},
    {"cookie_isn_noBitStandsStill", test_cookie_isn_noBitStandsStill},
    {"cookie_tsval_growsWithTheEpochs", test_cookie_tsval_growsWithTheEpochs},
    {"odds_countedInTheIsn_areAsComputed", test_odds_countedInTheIsn_areAsComputed},
    {"odds_countedWithTimestamps_areAsComputed", test_odds_countedWithTimestamps_areAsComputed},
    {"odds_byEpochsAndSecrets_asTheLayoutSays", test_odds_byEpochsAndSecrets_asTheLayoutSays},
    {"lanes_eachScaleTold_isFound", test_lanes_eachScaleTold_isFound},
    {"lanes_manySyns_sameAsOneByOne", test_lanes_manySyns_sameAsOneByOne},
};

int main(int argc, char **argv)
{
	return tg_test_main("cookie", tests, TG_TEST_N(tests), argc, argv);
}
