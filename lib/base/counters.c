/* SPDX-License-Identifier: BSD-3-Clause */
/* counters.c: the table of names that counters.def expands to. */
#include "tg_counters.h"

#include <assert.h>
#include <string.h>

const struct tg_ctr_info tg_ctr_info[] = {
    [TG_CTR_NONE] = {"", "", "", 0},
#define TG_COUNTER(name, kind, unit, sentence)                                                     \
	[TG_CTR_##name] = {#name, #unit, sentence, TG_CTR_KIND_##kind},
#include "counters.def"
#undef TG_COUNTER
};
static_assert(sizeof(tg_ctr_info) / sizeof(tg_ctr_info[0]) == TG_CTR_N, "one entry per counter");

enum tg_ctr tg_ctr_by_name(const char *name)
{
	for (int i = 1; i < TG_CTR_N; i++)
		if (strcmp(tg_ctr_info[i].name, name) == 0)
			return (enum tg_ctr)i;
	return TG_CTR_NONE;
}

uint64_t tg_ctr_drops(const struct tg_counters *c)
{
	uint64_t sum = 0;

	for (int i = 1; i < TG_CTR_N; i++)
		if (tg_ctr_info[i].kind == TG_CTR_KIND_DROP)
			sum += c->v[i];
	return sum;
}
