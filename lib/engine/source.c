/* SPDX-License-Identifier: BSD-3-Clause */
/* source.c: see source.h. */
#include "source.h"

#include <assert.h>

/* Links are indices plus one, so that memory that was never touched is an empty table. */
struct node {
	uint64_t prefix;
	uint32_t open;
	uint32_t half : 31, v6 : 1;
	uint32_t next;
};

struct tg_sources {
	struct tg_sipkey key;
	uint32_t mask; /* heads less one */
	uint32_t node_n, fresh, free, used;
	uint32_t *head;
	struct node *node;
};

static uint32_t head_count(uint32_t conn_max)
{
	uint32_t n = 64;

	while (n < conn_max && n < 1u << 31)
		n *= 2;
	return n;
}

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

size_t tg_sources_footprint(uint32_t conn_max)
{
	return round64(sizeof(struct tg_sources)) +
	       round64((size_t)head_count(conn_max) * sizeof(uint32_t)) +
	       (size_t)conn_max * sizeof(struct node);
}

struct tg_sources *tg_sources_init(void *mem, uint32_t conn_max, const struct tg_sipkey *key)
{
	struct tg_sources *s = mem;
	uint32_t head_n = head_count(conn_max);
	uint8_t *at = (uint8_t *)mem + round64(sizeof(*s));

	assert(((uintptr_t)mem & 63) == 0);
	s->key = *key;
	s->mask = head_n - 1;
	s->node_n = conn_max;
	s->head = (uint32_t *)(void *)at;
	s->node = (struct node *)(void *)(at + round64((size_t)head_n * sizeof(uint32_t)));
	return s;
}

struct tg_source tg_source_of(const struct tg_addr *peer)
{
	if (tg_addr_is_v4(peer))
		return (struct tg_source){.prefix = tg_be32_get(peer->b + 12)};
	return (struct tg_source){
	    .prefix = (uint64_t)tg_be32_get(peer->b) << 32 | tg_be32_get(peer->b + 4), .v6 = true};
}

/* Two families of one number have two hashes: the length in the last word differs. */
uint64_t tg_source_hash(const struct tg_source *s, const struct tg_sipkey *key)
{
	return tg_siphash13_2(key, s->prefix, tg_sip_len(s->v6 ? 8 : 4));
}

static uint32_t *head_of(const struct tg_sources *s, const struct tg_source *src)
{
	return &s->head[tg_source_hash(src, &s->key) & s->mask];
}

/* Where the link to src's node stands; it is 0 when there is none. */
static uint32_t *find(const struct tg_sources *s, const struct tg_source *src)
{
	uint32_t *at = head_of(s, src);

	while (*at && (s->node[*at - 1].prefix != src->prefix || s->node[*at - 1].v6 != src->v6))
		at = &s->node[*at - 1].next;
	return at;
}

struct tg_source_count tg_sources_count(const struct tg_sources *s, const struct tg_addr *peer)
{
	struct tg_source src = tg_source_of(peer);
	uint32_t at = *find(s, &src);

	if (!at)
		return (struct tg_source_count){0, 0};
	return (struct tg_source_count){s->node[at - 1].open, s->node[at - 1].half};
}

static struct node *node_new(struct tg_sources *s, const struct tg_source *src)
{
	uint32_t at = s->free;

	if (at)
		s->free = s->node[at - 1].next;
	else
		at = ++s->fresh;
	assert(at <= s->node_n);
	uint32_t *head = head_of(s, src);

	s->node[at - 1] = (struct node){.prefix = src->prefix, .v6 = src->v6, .next = *head};
	*head = at;
	s->used++;
	return &s->node[at - 1];
}

static struct node *node_at(const struct tg_sources *s, const struct tg_addr *peer)
{
	struct tg_source src = tg_source_of(peer);
	uint32_t at = *find(s, &src);

	assert(at);
	return &s->node[at - 1];
}

void tg_sources_add(struct tg_sources *s, const struct tg_addr *peer, bool half)
{
	struct tg_source src = tg_source_of(peer);
	uint32_t at = *find(s, &src);
	struct node *n = at ? &s->node[at - 1] : node_new(s, &src);

	if (half)
		n->half++;
	else
		n->open++;
}

void tg_sources_opened(struct tg_sources *s, const struct tg_addr *peer)
{
	struct node *n = node_at(s, peer);

	assert(n->half);
	n->half--;
	n->open++;
}

void tg_sources_remove(struct tg_sources *s, const struct tg_addr *peer, bool half)
{
	struct tg_source src = tg_source_of(peer);
	uint32_t *link = find(s, &src), at = *link;

	assert(at && (half ? s->node[at - 1].half : s->node[at - 1].open));
	struct node *n = &s->node[at - 1];

	if (half)
		n->half--;
	else
		n->open--;
	if (n->half || n->open)
		return;
	*link = n->next;
	n->next = s->free;
	s->free = at;
	s->used--;
}

struct tg_source_count tg_sources_sum(const struct tg_sources *s)
{
	struct tg_source_count sum = {0, 0};

	for (uint32_t h = 0; h <= s->mask; h++) {
		for (uint32_t at = s->head[h]; at; at = s->node[at - 1].next) {
			sum.open += s->node[at - 1].open;
			sum.half += s->node[at - 1].half;
		}
	}
	return sum;
}

uint32_t tg_sources_used(const struct tg_sources *s)
{
	return s->used;
}
