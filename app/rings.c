/* SPDX-License-Identifier: BSD-3-Clause */
#include "rings.h"

#include "tg_eal.h"

#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdio.h>

int tg_rings_make(struct tg_rings *r, const char *name, uint32_t size, char *err, size_t err_size)
{
	static const char *const side[] = {"a", "b"};
	char text[2][RTE_RING_NAMESIZE];
	int id[2] = {-1, -1};

	for (int i = 0; i < 2; i++) {
		snprintf(text[i], sizeof(text[i]), "%.16s-%s", name, side[i]);
		r->ring[i] =
		    rte_ring_create(text[i], size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	}
	for (int i = 0; i < 2 && r->ring[0] && r->ring[1]; i++) {
		snprintf(text[i], sizeof(text[i]), "%.16s_%s", name, side[i]);
		id[i] = rte_eth_from_rings(text[i], &r->ring[i], 1, &r->ring[!i], 1, 0);
		r->id[i] = (uint16_t)id[i];
	}
	if (id[0] >= 0 && id[1] >= 0)
		return 0;
	snprintf(err, err_size, "no net_ring devices: %s", tg_eal_log_error());
	return -1;
}

void tg_rings_empty(struct tg_rings *r)
{
	struct rte_mbuf *m;

	for (int i = 0; i < 2; i++)
		while (r->ring[i] && rte_ring_dequeue(r->ring[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
}
