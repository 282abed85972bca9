/* SPDX-License-Identifier: BSD-3-Clause */
/* load_bytes.c: one period of each pattern stands in memory, and a piece more, so that any place of
 * it begins a long run. */
#include "load_bytes.h"
#include "tg_rng.h"

#include <string.h>

enum { PERIOD = 65521, HTTP_PERIOD = 251, PIECE = 16384, STRIDE = 7919 };

static uint8_t mine[PERIOD + PIECE], http[HTTP_PERIOD + PIECE];

void tg_load_bytes_init(void)
{
	struct tg_rng rng;

	tg_rng_init(&rng, PERIOD);
	for (uint32_t i = 0; i < PERIOD; i++)
		mine[i] = (uint8_t)(tg_rng_next(&rng) >> 32);
	memcpy(mine + PERIOD, mine, PIECE);
	for (uint32_t i = 0; i < sizeof(http); i++)
		http[i] = (uint8_t)(i % HTTP_PERIOD);
}

const uint8_t *tg_load_bytes_mine(uint32_t number, uint64_t at, uint32_t *len)
{
	*len = PIECE;
	return &mine[((uint64_t)number * STRIDE + at) % PERIOD];
}

bool tg_load_bytes_is_mine(uint32_t number, uint64_t at, const uint8_t *got, uint32_t n)
{
	while (n) {
		uint32_t len;
		const uint8_t *want = tg_load_bytes_mine(number, at, &len);
		if (len > n)
			len = n;
		if (memcmp(want, got, len) != 0)
			return false;
		got += len;
		at += len;
		n -= len;
	}
	return true;
}

bool tg_load_bytes_is_http(uint64_t at, const uint8_t *got, uint32_t n)
{
	while (n) {
		uint32_t len = n < PIECE ? n : PIECE;
		if (memcmp(&http[at % HTTP_PERIOD], got, len) != 0)
			return false;
		got += len;
		at += len;
		n -= len;
	}
	return true;
}
