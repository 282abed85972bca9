/* SPDX-License-Identifier: BSD-3-Clause */
/* link.h: one direction of a link that loses, duplicates, reorders, delays and queues frames by a
 * seed. It keeps no clock: times are given, so that the same frames at the same times fare alike.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_plan {
	uint32_t loss, dup, reorder; /* per mille of TCP frames; others (ARP, ND) only wait */
	uint32_t delay_us;           /* of each frame */
	uint32_t reorder_us;         /* at most so much later: overtaken */
	uint32_t rate_mbit;          /* 0: no bottleneck */
	uint32_t queue_kb;           /* of the bottleneck, drop-tail */
};

struct link_frame {
	uint64_t at_ns, order; /* due; ties in order of arrival */
	size_t len;
	unsigned char bytes[];
};

struct link {
	struct link_plan plan;
	uint64_t rng, order, busy_ns; /* busy_ns: when the bottleneck has sent what it holds */
	struct link_frame **heap;
	size_t heap_n, heap_max;
	uint64_t in, out, lost, dup, reordered, full;
	uint64_t late_ns; /* of all that came out, together: how long after it was due */
};

void link_init(struct link *l, const struct link_plan *plan, uint64_t seed);
void link_fini(struct link *l);
void link_offer(struct link *l, uint64_t now_ns, const void *frame, size_t len);
/* When the next frame is due; UINT64_MAX without one. */
uint64_t link_due(const struct link *l);
/* The next frame that is due at now_ns, to be freed by the caller; NULL when there is none. */
struct link_frame *link_take(struct link *l, uint64_t now_ns);

#endif
