/* SPDX-License-Identifier: BSD-3-Clause */
/* test_sip_lanes.c: SipHash side by side is SipHash. */
#include "tg_rng.h"
#include "tg_sip_lanes.h"
#include "tg_test.h"

enum { INPUTS = 64 };
_Static_assert(INPUTS % TG_SIP_LANES == 0, "arrays end with a step of the lanes");

static struct tg_rng rng;

/* n inputs of so many words, of any length that those hold. */
static void check_lanes(const struct tg_sip_lanes *lanes, uint32_t words, uint32_t n)
{
	static _Alignas(64) uint64_t in[TG_SIP_WORDS_MAX][INPUTS], out[2][INPUTS];
	const uint64_t *m[TG_SIP_WORDS_MAX];
	struct tg_sipkey key = {tg_rng_next(&rng), tg_rng_next(&rng)};
	uint8_t len = (uint8_t)(8 * (words - 1) + tg_rng_below(&rng, 8));
	uint64_t left = len % 8 ? (1ull << (8 * (len % 8))) - 1 : 0;
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < words; i++) {
		m[i] = in[i];
		for (uint32_t l = 0; l < n; l++)
			in[i][l] = tg_rng_next(&rng);
	}
	for (uint32_t l = 0; l < n; l++)
		in[words - 1][l] = (in[words - 1][l] & left) | tg_sip_len(len);
	lanes->hash24(&key, m, words, out[0], n);
	lanes->hash13(&key, m, words, out[1], n);
	for (uint32_t l = 0; l < n; l++) {
		uint8_t bytes[8 * TG_SIP_WORDS_MAX];

		for (uint32_t i = 0; i < 8 * words; i++)
			bytes[i] = (uint8_t)(in[i / 8][l] >> (8 * (i % 8)));
		wrong += out[0][l] != tg_siphash24(&key, bytes, len);
		wrong += out[1][l] != tg_siphash13(&key, bytes, len);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* n inputs that differ in their last word alone. */
static void check_tails(const struct tg_sip_lanes *lanes, uint32_t n)
{
	static _Alignas(64) uint64_t last[INPUTS], out[INPUTS];
	struct tg_sipkey key = {tg_rng_next(&rng), tg_rng_next(&rng)};
	uint64_t first = tg_rng_next(&rng);
	struct tg_sip from;
	uint32_t wrong = 0;

	tg_sip_start(&from, &key);
	tg_sip_word2(&from, first);
	for (uint32_t l = 0; l < n; l++)
		last[l] = tg_rng_next(&rng);
	lanes->tails24(&from, last, out, n);
	for (uint32_t l = 0; l < n; l++)
		wrong += out[l] != tg_siphash24_2(&key, first, last[l]);
	CU_ASSERT_EQUAL(wrong, 0);
	lanes->tails24(&from, last, last, n); /* in its own place */
	CU_ASSERT_EQUAL(memcmp(last, out, n * sizeof(last[0])), 0);
}

/* Every way that this processor has, every number of words and of inputs. */
static void test_lanes_eachWay_sameAsOneByOne(void)
{
	const struct tg_sip_lanes *lanes;
	uint32_t n = 0;

	tg_rng_init(&rng, tg_test_seed);
	for (; (lanes = tg_sip_lanes_at(n)); n++)
		for (uint32_t words = 1; words <= TG_SIP_WORDS_MAX; words++)
			for (uint32_t i = 1; i <= INPUTS; i++)
				check_lanes(lanes, words, i);
	for (uint32_t w = 0; w < n; w++)
		for (uint32_t i = 1; i <= INPUTS; i++)
			check_tails(tg_sip_lanes_at(w), i);
	CU_ASSERT(n >= 1);
	CU_ASSERT_STRING_EQUAL(tg_sip_lanes_at(n - 1)->name, "scalar");
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"lanes_eachWay_sameAsOneByOne", test_lanes_eachWay_sameAsOneByOne},
	};

	return tg_test_main("sip_lanes", tests, TG_TEST_N(tests), argc, argv);
}
