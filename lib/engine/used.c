/* SPDX-License-Identifier: BSD-3-Clause */
/* used.c: see used.h. */
#include "used.h"

enum { WAYS = 4, ROOM_MIN = 64, ROOM_MAX = 1 << 18, CONNS_A_ROOM = 4 };

struct entry {
	uint64_t hash;
	tg_seq isn;
	uint32_t at; /* ms, modulo 2^32, never 0: 0 = free */
};

struct line {
	struct entry way[WAYS];
};
_Static_assert(sizeof(struct line) == 64, "one cache line");

struct tg_used {
	uint64_t mask; /* of lines */
	uint64_t n;    /* added, ever: 0 = nothing to look for */
	uint8_t pad[48];
	struct line line[];
};

static uint64_t line_count(uint32_t conn_max)
{
	uint64_t room = ROOM_MIN;

	while (room < ROOM_MAX && room * CONNS_A_ROOM < conn_max)
		room *= 2;
	return room / WAYS;
}

size_t tg_used_footprint(uint32_t conn_max)
{
	return sizeof(struct tg_used) + line_count(conn_max) * sizeof(struct line);
}

struct tg_used *tg_used_init(void *mem, uint32_t conn_max)
{
	struct tg_used *used = mem;

	used->mask = line_count(conn_max) - 1;
	return used;
}

static struct line *line_of(const struct tg_used *used, uint64_t hash)
{
	return (struct line *)&used->line[hash >> 32 & used->mask];
}

static uint32_t stamp(uint64_t ms)
{
	return (uint32_t)ms ? (uint32_t)ms : 1;
}

static uint32_t age(const struct entry *way, uint64_t now_ms)
{
	return way->at ? stamp(now_ms) - way->at : UINT32_MAX;
}

void tg_used_add(struct tg_used *used, uint64_t hash, tg_seq isn, uint64_t now_ms)
{
	struct line *line = line_of(used, hash);
	struct entry *old = &line->way[0];

	for (int i = 1; i < WAYS; i++)
		if (age(&line->way[i], now_ms) > age(old, now_ms))
			old = &line->way[i];
	*old = (struct entry){hash, isn, stamp(now_ms)};
	used->n++;
}

bool tg_used_has(const struct tg_used *used, uint64_t hash, tg_seq isn, uint64_t now_ms,
		 uint64_t valid_ms)
{
	if (used->n == 0)
		return false;
	const struct line *line = line_of(used, hash);

	for (int i = 0; i < WAYS; i++)
		if (line->way[i].hash == hash && tg_seq_eq(line->way[i].isn, isn) &&
		    age(&line->way[i], now_ms) <= valid_ms)
			return true;
	return false;
}
