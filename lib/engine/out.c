/* SPDX-License-Identifier: BSD-3-Clause */
/* out.c: the caller's out[] during one call, and a stock of empty packets. */
#include "neigh.h"

#include <assert.h>

/* Enough for a burst's answers that do not fit the received buffers, few enough not to hoard. */
enum { OUT_REFILL = 32 };

bool tg_out_get(struct tg_out *out, struct tg_pkt *pkt)
{
	if (out->n >= out->max)
		return false;
	if (out->spare_n == 0)
		out->spare_n = out->ops->alloc_bulk(out->ops->ctx, out->spare, OUT_REFILL);
	if (out->spare_n == 0)
		return false;
	*pkt = out->spare[--out->spare_n];
	pkt->len = 0;
	pkt->rss_hash = 0;
	pkt->tso_mss = 0;
	pkt->tx_flags = 0;
	return true;
}

void tg_out_put(struct tg_out *out, const struct tg_pkt *pkt)
{
	assert(out->n < out->max);
	assert(pkt->len > 0 && pkt->len <= pkt->cap);
	out->pkt[out->n++] = *pkt;
	tg_ctr_inc(out->ctr, TG_CTR_tx_packets);
	tg_ctr_add(out->ctr, TG_CTR_tx_bytes, pkt->len);
}

void tg_out_free(struct tg_out *out, const struct tg_pkt *pkt)
{
	out->ops->free_bulk(out->ops->ctx, pkt, 1);
}
