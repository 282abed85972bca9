/* SPDX-License-Identifier: BSD-3-Clause */
/* small_float.h (private to tcp): 4-bit exponent, 12-bit mantissa, rounded to nearest: what 64
 * bytes keep of a round-trip time. */
#ifndef TG_TCP_SMALL_FLOAT_H
#define TG_TCP_SMALL_FLOAT_H

#include <stdint.h>

enum { SMALL_FLOAT_MANTISSA_MAX = 4095, SMALL_FLOAT_EXPONENT_MAX = 15 };

static inline uint16_t small_float(uint32_t v)
{
	uint32_t e = 0;

	while (v > SMALL_FLOAT_MANTISSA_MAX && e < SMALL_FLOAT_EXPONENT_MAX) {
		v = (v + 1) >> 1;
		e++;
	}
	return (uint16_t)(e << 12 | (v > SMALL_FLOAT_MANTISSA_MAX ? SMALL_FLOAT_MANTISSA_MAX : v));
}

static inline uint32_t small_float_of(uint16_t f)
{
	return (uint32_t)(f & SMALL_FLOAT_MANTISSA_MAX) << (f >> 12);
}

#endif
