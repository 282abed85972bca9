/* SPDX-License-Identifier: BSD-3-Clause */
/* rings.h: two devices in one process, crossed: what one sends, the other receives (net_ring). */
#ifndef TG_APP_RINGS_H
#define TG_APP_RINGS_H

#include <stddef.h>
#include <stdint.h>

struct rte_ring;

struct tg_rings {
	struct rte_ring *ring[2]; /* to the first device, to the second */
	uint16_t id[2];           /* of the devices, for tg_dev_adopt */
};

/* Makes both; size: packets on their way to each, a power of two. 0, or -1 and a sentence. */
int tg_rings_make(struct tg_rings *r, const char *name, uint32_t size, char *err, size_t err_size);
/* Gives back what is still on its way: before the pools are freed. */
void tg_rings_empty(struct tg_rings *r);

#endif
