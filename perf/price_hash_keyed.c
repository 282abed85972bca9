/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the whole program is optimised at once the linker finds nothing to exchange: tuples stay
 * keyed. */
#include "price_hash.h"

bool price_hash_as(bool unkeyed, const struct world *w)
{
	(void)w;
	return !unkeyed;
}

uint64_t price_hash_count(void)
{
	return 0;
}
