/* SPDX-License-Identifier: BSD-3-Clause */
#include "link.h"

#include <stdlib.h>
#include <string.h>

enum { DUP_US = 2000 }; /* a copy comes up to so much later */

static uint64_t mix(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint32_t below(struct link *l, uint32_t n)
{
	return n ? (uint32_t)((mix(&l->rng) >> 32) * n >> 32) : 0;
}

void link_init(struct link *l, const struct link_plan *plan, uint64_t seed)
{
	*l = (struct link){.plan = *plan, .rng = seed};
}

void link_fini(struct link *l)
{
	while (l->heap_n)
		free(l->heap[--l->heap_n]);
	free(l->heap);
}

static bool is_before(const struct link_frame *a, const struct link_frame *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

static void put(struct link *l, uint64_t at_ns, const void *bytes, size_t len)
{
	struct link_frame *f = malloc(sizeof(*f) + len);
	size_t i = l->heap_n++;

	*f = (struct link_frame){.at_ns = at_ns, .order = l->order++, .len = len};
	memcpy(f->bytes, bytes, len);
	if (l->heap_n > l->heap_max) {
		l->heap_max = l->heap_max ? l->heap_max * 2 : 256;
		l->heap = realloc(l->heap, l->heap_max * sizeof(struct link_frame *));
	}
	for (; i > 0 && is_before(f, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = f;
}

/* TCP over IPv4 or IPv6 without extension headers, in an untagged frame. */
static bool is_tcp(const unsigned char *p, size_t len)
{
	if (len < 14 + 20)
		return false;
	uint16_t type = (uint16_t)(p[12] << 8 | p[13]);
	return (type == 0x0800 && p[14 + 9] == 6) || (type == 0x86dd && p[14 + 6] == 6);
}

/* When the bottleneck has sent the frame; 0 when its queue is full. */
static uint64_t bottleneck(struct link *l, uint64_t now_ns, size_t len)
{
	uint64_t rate = l->plan.rate_mbit; /* bits in a microsecond */

	if (!rate)
		return now_ns;
	if (l->busy_ns < now_ns)
		l->busy_ns = now_ns;
	if ((l->busy_ns - now_ns) * rate / 8000 + len > (uint64_t)l->plan.queue_kb * 1024)
		return 0;
	l->busy_ns += (uint64_t)len * 8000 / rate;
	return l->busy_ns;
}

void link_offer(struct link *l, uint64_t now_ns, const void *frame, size_t len)
{
	const struct link_plan *p = &l->plan;
	bool tcp = is_tcp(frame, len);
	uint64_t at_ns = bottleneck(l, now_ns, len);

	l->in++;
	if (at_ns == 0) {
		l->full++;
		return;
	}
	at_ns += (uint64_t)p->delay_us * 1000;
	if (tcp && below(l, 1000) < p->loss) {
		l->lost++;
		return;
	}
	if (tcp && below(l, 1000) < p->reorder) {
		at_ns += (uint64_t)below(l, p->reorder_us) * 1000;
		l->reordered++;
	}
	put(l, at_ns, frame, len);
	if (tcp && below(l, 1000) < p->dup) {
		put(l, at_ns + (uint64_t)below(l, DUP_US) * 1000, frame, len);
		l->dup++;
	}
}

uint64_t link_due(const struct link *l)
{
	return l->heap_n ? l->heap[0]->at_ns : UINT64_MAX;
}

struct link_frame *link_take(struct link *l, uint64_t now_ns)
{
	if (!l->heap_n || l->heap[0]->at_ns > now_ns)
		return NULL;
	struct link_frame *first = l->heap[0], *last = l->heap[--l->heap_n];
	size_t i = 0;

	for (;;) {
		size_t k = 2 * i + 1;
		if (k >= l->heap_n)
			break;
		if (k + 1 < l->heap_n && is_before(l->heap[k + 1], l->heap[k]))
			k++;
		if (is_before(last, l->heap[k]))
			break;
		l->heap[i] = l->heap[k];
		i = k;
	}
	l->heap[i] = last;
	l->out++;
	l->late_ns += now_ns - first->at_ns;
	return first;
}
