/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz.h: what the fuzz targets share. A target reads its input only through copies of exactly the
 * size that it names to the parser, so that AddressSanitizer sees the first byte read past it. */
#ifndef TG_FUZZ_H
#define TG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The entry point that libFuzzer and driver.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* data[len] in memory of its own; the caller frees it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	return copy;
}

/* What the code under test promises; a broken promise is a finding. */
static inline void fuzz_require(int promise)
{
	if (!promise)
		__builtin_trap();
}

#endif
