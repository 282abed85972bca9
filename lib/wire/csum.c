/* SPDX-License-Identifier: BSD-3-Clause */
/* csum.c: the Internet checksum (RFC 1071), whole and by difference (RFC 1624).
 *
 * The public sums are of host-order numbers, so that a caller may add numbers of its own. Inside,
 * native words are summed eight bytes at a time and only the folded result is swapped. */
#include "wire_int.h"

uint64_t tg_csum_add(uint64_t sum, const void *data, size_t len)
{
	return sum + native_to_host16(fold_native(sum_native(0, data, len)));
}

uint16_t tg_csum_fold(uint64_t sum)
{
	return (uint16_t)~fold_native(sum);
}

uint64_t tg_csum_pseudo(const struct tg_addr *src, const struct tg_addr *dst, uint8_t proto,
			uint32_t len)
{
	return native_to_host16(fold_native(sum_pseudo(src, dst, proto, len)));
}

/* RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m'). Equation 2 would yield 0xffff where a full sum
 * yields 0. */
uint16_t tg_csum_replace16(uint16_t csum, uint16_t from, uint16_t to)
{
	return tg_csum_fold((uint64_t)(uint16_t)~csum + (uint16_t)~from + to);
}

uint16_t tg_csum_replace32(uint16_t csum, uint32_t from, uint32_t to)
{
	uint32_t minus = ~from;

	return tg_csum_fold((uint64_t)(uint16_t)~csum + (minus >> 16) + (minus & 0xffff) +
			    (to >> 16) + (to & 0xffff));
}
