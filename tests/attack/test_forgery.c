/* SPDX-License-Identifier: BSD-3-Clause */
/* Guesses at SYN cookies (ADV-31 to ADV-33), against the validator itself. With TG_TEST_MODE=long a
 * billion random ACKs, of which 1.9 are expected to be right, and as many with timestamps, of which
 * none is; else twenty million. What is expected comes from the odds that the engine computes, so
 * this also holds them to account. And what must never be refused: ten million good ones, while the
 * secrets turn over. */
#include "tg_cookie.h"
#include "tg_rng.h"
#include "tg_test.h"

#include <math.h>

enum { EPOCH = TG_COOKIE_EPOCH_MS, OTHERS = 1000000 };

static const struct tg_cookie_offer offer = {
    .scales = 1 << 7, .ts = true, .sack = true, .ecn = true};
static struct tg_rng rng;

static bool is_mode(const char *name)
{
	const char *mode = getenv("TG_TEST_MODE");

	return mode && !strcmp(mode, name);
}

static uint64_t guesses(void)
{
	return is_mode("long") ? 1000000000 : is_mode("quick") ? 2000000 : 20000000;
}

static uint32_t rnd(void)
{
	return (uint32_t)tg_rng_next(&rng);
}

static void random_secret(uint8_t secret[TG_COOKIE_SECRET_LEN])
{
	for (int i = 0; i < TG_COOKIE_SECRET_LEN; i++)
		secret[i] = (uint8_t)rnd();
}

static void begin(struct tg_cookie_keys *keys)
{
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	tg_rng_init(&rng, tg_test_seed);
	random_secret(secret);
	tg_cookie_keys_init(keys, secret, 0, 100ull * EPOCH + 5000);
}

static void random_tuple(struct tg_tuple *t, bool v6)
{
	uint64_t r[4] = {tg_rng_next(&rng), tg_rng_next(&rng), tg_rng_next(&rng),
			 tg_rng_next(&rng)};

	memset(t, 0, sizeof(*t));
	t->laddr = v6 ? tg_addr_from_v6(r) : tg_addr_from_v4(r);
	t->raddr = v6 ? tg_addr_from_v6(r + 2) : tg_addr_from_v4(r + 2);
	t->lport = 80;
	t->rport = (uint16_t)(r[3] >> 48);
}

static struct tg_cookie_deal random_deal(void)
{
	uint32_t r = rnd();
	struct tg_cookie_deal d = {.mss = 1460, .ts = r & 1};

	if (!d.ts)
		return d;
	d.ws = r & 2;
	d.snd_scale = d.ws ? r >> 4 & 7 : 0;
	d.rcv_scale = d.ws ? 7 : 0;
	d.sack = r & 4;
	d.ecn = r & 8;
	return d;
}

static bool is_taken(const struct tg_cookie_keys *keys, const struct tg_tuple *t,
		     const struct tg_cookie_claim *claim)
{
	struct tg_cookie_deal d;
	bool skewed;

	return tg_cookie_check(keys, t, claim, &offer, &d, &skewed) == TG_COOKIE_OK;
}

/* --- what must not pass --- */

static uint64_t guess(const struct tg_cookie_keys *keys, bool ts)
{
	uint64_t taken = 0;

	for (uint64_t i = 0; i < guesses(); i++) {
		struct tg_tuple t;
		uint64_t r = tg_rng_next(&rng);
		random_tuple(&t, i % 8 == 0);
		struct tg_cookie_claim claim = {.isn.v = (uint32_t)r, .irs.v = r >> 32, .ts = ts};
		claim.tsecr = ts ? rnd() : 0;
		taken += is_taken(keys, &t, &claim);
	}
	return taken;
}

/* The most that a Poisson process of that mean shows, but for once in 3,000 times (with the mean of
 * a billion, 1.86, this is 8). */
static uint64_t most(double mean)
{
	double term = exp(-mean), sum = 0;
	uint64_t k = 0;

	for (; 1 - sum - term > 1.0 / 3000; k++) {
		sum += term;
		term *= mean / (double)(k + 1);
	}
	return k;
}

static void test_forgery_randomAcks_asManyAsTheOddsSay(void)
{
	for (int ts = 0; ts < 2; ts++) {
		struct tg_cookie_keys keys;
		begin(&keys);
		struct tg_cookie_odds o = tg_cookie_odds(&keys);
		struct tg_odds odds = ts ? o.with_ts : o.plain;
		double mean = (double)guesses() * (double)odds.words / pow(2, odds.bits);
		uint64_t taken = guess(&keys, ts);

		printf("%" PRIu64 " random ACKs %s timestamps: %" PRIu64
		       " accepted, %.3g expected, %" PRIu64 " allowed\n",
		       guesses(), ts ? "with" : "without", taken, mean, most(mean));
		CU_ASSERT(taken <= most(mean));
	}
	CU_ASSERT_EQUAL(most(1e9 * 8 / 4294967296.0), 8);
}

/* Stale, of another tuple, of another secret. */
static void test_forgery_othersCookies_noneOfAMillion(void)
{
	struct tg_cookie_keys keys, old, foreign;
	uint8_t secret[TG_COOKIE_SECRET_LEN];
	uint32_t stale = 0, tuple = 0, stranger = 0;

	begin(&keys);
	old = keys;
	random_secret(secret);
	tg_cookie_keys_init(&foreign, secret, 0, 100ull * EPOCH + 5000);
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct tg_tuple t, other;
		struct tg_cookie_deal d = random_deal();
		tg_seq irs = tg_seq_make(rnd());

		random_tuple(&t, i & 1);
		random_tuple(&other, i & 1);
		tg_cookie_keys_clock(&old, (98ull - i % 64) * EPOCH);
		struct tg_cookie c = tg_cookie_mint(&old, &t, irs, &d);
		struct tg_cookie_claim claim = {c.isn, irs, d.ts, c.tsval};
		stale += is_taken(&keys, &t, &claim);
		c = tg_cookie_mint(&keys, &t, irs, &d);
		claim = (struct tg_cookie_claim){c.isn, irs, d.ts, c.tsval};
		tuple += is_taken(&keys, &other, &claim);
		c = tg_cookie_mint(&foreign, &t, irs, &d);
		claim = (struct tg_cookie_claim){c.isn, irs, d.ts, c.tsval};
		stranger += is_taken(&keys, &t, &claim);
	}
	CU_ASSERT_EQUAL(stale, 0);
	CU_ASSERT_EQUAL(tuple, 0);
	CU_ASSERT_EQUAL(stranger, 0);
}

/* --- what must pass --- */

enum { KEPT = 4096, AGE_MAX_MS = 120000, ROTATE_MS = 200000 };

/* What was minted, in order; its ACK comes when it is age_ms old. */
struct minted {
	struct tg_tuple tuple;
	struct tg_cookie_claim claim;
	uint64_t due_ms;
};

/* The secrets that a worker knows at a time: a rotation gives the new one to all as the second,
 * then makes it the first, then drops the old one, a third of the time apart; each worker follows
 * some time after. */
static void follow(struct tg_cookie_keys *keys, uint64_t ms, uint64_t late_ms,
		   uint8_t secret[][TG_COOKIE_SECRET_LEN], uint32_t secret_n, uint64_t *last)
{
	uint64_t step = (ms - late_ms) / (ROTATE_MS / 3), k = step / 3 % secret_n;
	uint8_t two[2][TG_COOKIE_SECRET_LEN];
	bool turned = step % 3 == 2;

	if (step == *last)
		return;
	*last = step;
	memcpy(two[0], secret[turned ? (k + 1) % secret_n : k], TG_COOKIE_SECRET_LEN);
	memcpy(two[1], secret[turned ? k : (k + 1) % secret_n], TG_COOKIE_SECRET_LEN);
	/* Between one rotation's end and the next one's begin the old one is still known: it is
	 * the one before, for as long as its cookies are good. */
	if (step % 3 == 0)
		memcpy(two[1], secret[(k + secret_n - 1) % secret_n], TG_COOKIE_SECRET_LEN);
	tg_cookie_keys_set(keys, (const uint8_t(*)[TG_COOKIE_SECRET_LEN])two, 2);
}

/* Two workers, one of which mints and the other checks, with secrets that turn over every 200 s and
 * reach the second 700 ms later: of cookies up to 120 s old none is refused. */
static void test_forgery_goodOnes_noneRefused(void)
{
	static struct minted minted[KEPT];
	uint32_t n = is_mode("quick") ? 300000 : is_mode("long") ? 10000000 : 2000000;
	uint32_t checked = 0, refused = 0;
	uint8_t secret[8][TG_COOKIE_SECRET_LEN];
	struct tg_cookie_keys a, b;
	uint64_t ms = 1000ull * ROTATE_MS, step_a = 0, step_b = 0;

	begin(&a);
	for (int i = 0; i < 8; i++)
		random_secret(secret[i]);
	b = a;
	memset(minted, 0, sizeof(minted));
	for (uint32_t i = 0; checked < n; i++, ms += 2 * AGE_MAX_MS / KEPT) {
		struct minted *m = &minted[rnd() % KEPT];

		tg_cookie_keys_clock(&a, ms);
		tg_cookie_keys_clock(&b, ms);
		follow(&a, ms, 0, secret, 8, &step_a);
		follow(&b, ms, 700, secret, 8, &step_b);
		if (m->due_ms && ms <= m->due_ms) {
			refused += !is_taken(&b, &m->tuple, &m->claim);
			checked++;
		}
		struct tg_cookie_deal d = random_deal();
		tg_seq irs = tg_seq_make(rnd());

		random_tuple(&m->tuple, i & 1);
		struct tg_cookie c = tg_cookie_mint(&a, &m->tuple, irs, &d);
		m->claim = (struct tg_cookie_claim){c.isn, irs, d.ts, c.tsval};
		m->due_ms = ms + AGE_MAX_MS;
	}
	CU_ASSERT_EQUAL(refused, 0);
}

static const struct tg_test tests[] = {
    {"forgery_randomAcks_asManyAsTheOddsSay", test_forgery_randomAcks_asManyAsTheOddsSay},
    {"forgery_othersCookies_noneOfAMillion", test_forgery_othersCookies_noneOfAMillion},
    {"forgery_goodOnes_noneRefused", test_forgery_goodOnes_noneRefused},
};

int main(int argc, char **argv)
{
	return tg_test_main("forgery", tests, TG_TEST_N(tests), argc, argv);
}
