/* SPDX-License-Identifier: BSD-3-Clause */
/* Spans against a flat array: whatever is written, freed and read, at any position, the bytes are
 * the same and no chunk is lost. */
#include "tg_rng.h"
#include "tg_span.h"
#include "tg_test.h"

enum { CHUNK_N = 4400 };

struct box {
	struct tg_chunks c;
	struct tg_span s;
	uint8_t *mem;
};

static void open_box(struct box *b, uint32_t n)
{
	b->mem = aligned_alloc(64, (size_t)n * TG_CHUNK_LEN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->mem);
	tg_chunks_init(&b->c, b->mem, n);
	tg_span_init(&b->s);
}

static void close_box(struct box *b)
{
	tg_span_free(&b->s, &b->c);
	CU_ASSERT_EQUAL(b->s.chunk_n, 0);
	CU_ASSERT_EQUAL(b->c.free_n, b->c.n);
	free(b->mem);
}

static uint8_t pattern(uint32_t pos)
{
	return (uint8_t)((pos * 2654435761u) >> 24);
}

static uint32_t write_pattern(struct box *b, uint32_t pos, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);

	for (uint32_t i = 0; i < len; i++)
		buf[i] = pattern(pos + i);
	uint32_t n = tg_span_write(&b->s, &b->c, pos, buf, len);
	free(buf);
	return n;
}

static uint32_t wrong_bytes(const struct box *b, uint32_t pos, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);
	uint32_t wrong = 0;

	tg_span_read(&b->s, &b->c, pos, buf, len);
	for (uint32_t i = 0; i < len; i++)
		wrong += buf[i] != pattern(pos + i);
	free(buf);
	return wrong;
}

static void test_chunks_empty_allocUntilNone_eachOnceThenNone(void)
{
	struct box b;
	uint32_t idx[8];

	open_box(&b, 8);
	for (uint32_t i = 0; i < 8; i++) {
		idx[i] = tg_chunks_alloc(&b.c);
		CU_ASSERT_EQUAL(idx[i], i);
	}
	CU_ASSERT_EQUAL(tg_chunks_alloc(&b.c), TG_NONE);
	tg_chunks_free(&b.c, idx[3]);
	tg_chunks_free(&b.c, idx[5]);
	CU_ASSERT_EQUAL(tg_chunks_alloc(&b.c), 5);
	CU_ASSERT_EQUAL(tg_chunks_alloc(&b.c), 3);
	CU_ASSERT_EQUAL(tg_chunks_alloc(&b.c), TG_NONE);
	for (uint32_t i = 0; i < 8; i++)
		tg_chunks_free(&b.c, i);
	close_box(&b);
}

static void test_span_empty_writeAcrossWrap_readsBack(void)
{
	struct box b;

	open_box(&b, 16);
	CU_ASSERT_EQUAL(write_pattern(&b, 0xfffff000u, 8192), 8192);
	CU_ASSERT_EQUAL(wrong_bytes(&b, 0xfffff000u, 8192), 0);
	tg_span_free_to(&b.s, &b.c, 0);
	CU_ASSERT_EQUAL(b.s.chunk_n, 2);
	CU_ASSERT_EQUAL(wrong_bytes(&b, 0, 4096), 0);
	close_box(&b);
}

/* 4 MiB at the worst alignment: 2049 chunks, and maps on both sides of the wrap. */
static void test_span_empty_writeBufMax_isMappedAndReadsBack(void)
{
	struct box b;
	uint32_t pos = 0u - (2u << 20) - 1, len = 4u << 20;

	open_box(&b, CHUNK_N);
	CU_ASSERT_EQUAL(write_pattern(&b, pos, len), len);
	CU_ASSERT_EQUAL(b.s.mapped, 1);
	CU_ASSERT_EQUAL(wrong_bytes(&b, pos, len), 0);
	CU_ASSERT_TRUE(tg_span_validate(&b.s, &b.c));
	tg_span_free_to(&b.s, &b.c, pos + len / 2);
	CU_ASSERT_EQUAL(wrong_bytes(&b, pos + len / 2, len / 2), 0);
	tg_span_free_from(&b.s, &b.c, pos + len / 2 + 1);
	CU_ASSERT_TRUE(b.s.chunk_n <= 2);
	tg_span_free_to(&b.s, &b.c, pos + len);
	CU_ASSERT_EQUAL(b.s.chunk_n, 0);
	close_box(&b);
}

static void test_span_live_writeBeyondRange_isRefused(void)
{
	struct box b;

	open_box(&b, 16);
	CU_ASSERT_EQUAL(write_pattern(&b, 100, 1), 1);
	CU_ASSERT_EQUAL(write_pattern(&b, 100 + (9u << 20), 1), 0);
	CU_ASSERT_EQUAL(write_pattern(&b, 100 - (9u << 20), 1), 0);
	CU_ASSERT_EQUAL(wrong_bytes(&b, 100, 1), 0);
	CU_ASSERT_TRUE(tg_span_validate(&b.s, &b.c));
	close_box(&b);
}

/* The pool runs dry at every place, also between a map and its first chunk. */
static void test_span_anyPool_writeMoreThanFits_prefixAndNothingLost(void)
{
	for (uint32_t n = 0; n < 24; n++) {
		struct box b;
		uint32_t pos = 509u << TG_CHUNK_SHIFT, len = 40u << TG_CHUNK_SHIFT;

		open_box(&b, n ? n : 1);
		if (n == 0)
			tg_chunks_alloc(&b.c);
		uint32_t got = write_pattern(&b, pos, len);
		CU_ASSERT_TRUE(got < len);
		CU_ASSERT_EQUAL(wrong_bytes(&b, pos, got), 0);
		CU_ASSERT_TRUE(tg_span_validate(&b.s, &b.c));
		if (n <= 8)
			CU_ASSERT_EQUAL(got, n << TG_CHUNK_SHIFT);
		if (n == 0)
			tg_chunks_free(&b.c, 0);
		close_box(&b);
	}
}

/* The flat array and what of it was written and not freed. */
struct flat {
	uint32_t base; /* position of written[0] */
	uint8_t written[3u << 20];
};

static void flat_write(struct box *b, struct flat *f, uint32_t at, uint32_t len)
{
	uint32_t n = write_pattern(b, f->base + at, len);

	memset(f->written + at, 1, n);
}

static void check_runs(const struct box *b, const struct flat *f, uint32_t from, uint32_t to)
{
	uint32_t wrong = 0;

	for (uint32_t at = from; at < to; at++) {
		uint32_t end = at;

		while (end < to && f->written[end])
			end++;
		if (end > at)
			wrong += wrong_bytes(b, f->base + at, end - at);
		at = end;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void run_property(struct tg_rng *rng, struct flat *f, uint32_t chunk_n)
{
	uint32_t low = 0, high = 0, window = 2048u << tg_rng_below(rng, 10);
	struct box b;

	open_box(&b, chunk_n);
	memset(f->written, 0, sizeof(f->written));
	f->base = (uint32_t)tg_rng_next(rng) | (tg_rng_below(rng, 2) ? 0xfff00000u : 0);
	for (int i = 0; i < 400 && low + 2 * window < sizeof(f->written); i++) {
		uint32_t at = low + tg_rng_below(rng, window);
		uint32_t len = 1 + tg_rng_below(rng, tg_rng_below(rng, 4) ? 1500 : window);

		if (at + len > low + window)
			len = low + window - at;
		switch (tg_rng_below(rng, 5)) {
		case 0:
			low += tg_rng_below(rng, window / 4 + 1);
			tg_span_free_to(&b.s, &b.c, f->base + low);
			break;
		case 1:
			at = low + tg_rng_below(rng, window);
			memset(f->written + at, 0, low + window - at);
			tg_span_free_from(&b.s, &b.c, f->base + at);
			break;
		default:
			flat_write(&b, f, at, len);
			high = at + len > high ? at + len : high;
		}
		if (!tg_span_validate(&b.s, &b.c)) {
			CU_FAIL("span does not add up");
			break;
		}
		if (i % 40 == 0)
			check_runs(&b, f, low, low + window);
	}
	check_runs(&b, f, low, low + window);
	close_box(&b);
}

static void test_span_random_writesAndFrees_equalFlatArray(void)
{
	struct flat *f = malloc(sizeof(*f));
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 60; i++)
		run_property(&rng, f, tg_rng_below(&rng, 2) ? 2000 : 1 + tg_rng_below(&rng, 40));
	free(f);
}

static const struct tg_test tests[] = {
    {"chunks_empty_allocUntilNone_eachOnceThenNone",
     test_chunks_empty_allocUntilNone_eachOnceThenNone},
    {"span_empty_writeAcrossWrap_readsBack", test_span_empty_writeAcrossWrap_readsBack},
    {"span_empty_writeBufMax_isMappedAndReadsBack",
     test_span_empty_writeBufMax_isMappedAndReadsBack},
    {"span_live_writeBeyondRange_isRefused", test_span_live_writeBeyondRange_isRefused},
    {"span_anyPool_writeMoreThanFits_prefixAndNothingLost",
     test_span_anyPool_writeMoreThanFits_prefixAndNothingLost},
    {"span_random_writesAndFrees_equalFlatArray", test_span_random_writesAndFrees_equalFlatArray},
};

int main(int argc, char **argv)
{
	return tg_test_main("span", tests, TG_TEST_N(tests), argc, argv);
}
