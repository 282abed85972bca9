/* SPDX-License-Identifier: BSD-3-Clause */
/* driver.c: runs a fuzz target where there is no libFuzzer.
 *
 *   fuzz_x FILE...                 each file once (crash inputs, a corpus)
 *   fuzz_x --runs N [--seed S]     N random inputs */
#include "fuzz.h"
#include "tg_rng.h"

#include <inttypes.h>
#include <stdio.h>

enum { INPUT_MAX = 2048 };

static int run_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return 2;
	}
	size_t size = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

/* Small numbers and the bytes of real headers come often: pure noise does not pass the first
 * check. */
static uint8_t random_byte(struct tg_rng *rng)
{
	static const uint8_t often[] = {0,  1,  2,    4,    6,    8,    10,   20,   40,   43,  44,
					58, 60, 0x45, 0x50, 0x60, 0x80, 0x81, 0x86, 0xdd, 0xff};
	uint32_t pick = tg_rng_below(rng, 64);

	return pick < sizeof(often) ? often[pick] : (uint8_t)tg_rng_next(rng);
}

static int run_random(uint64_t runs, uint64_t seed)
{
	struct tg_rng rng;
	uint8_t data[INPUT_MAX];

	printf("seed %" PRIu64 "\n", seed);
	tg_rng_init(&rng, seed);
	for (uint64_t i = 0; i < runs; i++) {
		uint32_t size = tg_rng_below(&rng, i % 16 ? 128 : INPUT_MAX);
		for (uint32_t k = 0; k < size; k++)
			data[k] = random_byte(&rng);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%" PRIu64 " inputs\n", runs);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t runs = 0, seed = 1;
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--runs") && i + 1 < argc)
			runs = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else
			rc |= run_file(argv[i]);
	}
	return runs ? run_random(runs, seed) : rc;
}
