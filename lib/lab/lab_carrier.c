/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_carrier.c: what DPDK is to a worker, for the lab: buffers from malloc, one link. */
#include "lab_int.h"

#include <stdlib.h>

/* Behind the frame: a reply in place may be longer than what it answers. */
enum { LAB_HEADROOM = 128, LAB_LARGE = TG_TSO_MAX + 18 };

static uint32_t usual_cap(const struct tg_lab *lab)
{
	return lab->mtu + 18 + LAB_HEADROOM;
}

static struct lab_buf *buf_get(struct tg_lab *lab, uint32_t cap)
{
	struct lab_buf *b = lab->free_buf;

	if (cap <= usual_cap(lab))
		cap = usual_cap(lab);
	if (b && b->cap >= cap) {
		lab->free_buf = b->next;
		lab->free_n--;
		return b;
	}
	b = malloc(sizeof(*b) + cap);
	if (!b) {
		lab->failed = true;
		return NULL;
	}
	b->cap = cap;
	b->data = b->bytes;
	lab->buf_n++;
	return b;
}

static void buf_put(struct tg_lab *lab, struct lab_buf *b)
{
	if (b->cap > usual_cap(lab)) {
		lab->buf_n--;
		free(b);
		return;
	}
	b->next = lab->free_buf;
	lab->free_buf = b;
	lab->free_n++;
}

static struct tg_pkt view(struct lab_buf *b, uint32_t len)
{
	return (struct tg_pkt){.data = b->data, .handle = b, .len = len, .cap = b->cap};
}

static uint32_t alloc_bulk(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct tg_lab *lab = ctx;

	for (uint32_t i = 0; i < n; i++) {
		struct lab_buf *b = buf_get(lab, 0);
		if (!b)
			return i;
		pkt[i] = view(b, 0);
	}
	return n;
}

static void free_bulk(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_put(ctx, pkt[i].handle);
}

static bool alloc_large(void *ctx, struct tg_pkt *pkt)
{
	struct lab_buf *b = buf_get(ctx, LAB_LARGE);

	if (b)
		*pkt = view(b, 0);
	return b != NULL;
}

const struct tg_engine_ops lab_ops_template = {
    .alloc_bulk = alloc_bulk, .free_bulk = free_bulk, .alloc_large = alloc_large};

/* Any content at all: what is neither IPv4 nor IPv6 is called IPv4, for the engine to judge. */
bool lab_frame(struct tg_lab *lab, const void *datagram, size_t len, struct tg_pkt *pkt)
{
	bool v6 = len > 0 && *(const uint8_t *)datagram >> 4 == 6;
	struct tg_eth eth = {.dst = lab->mac,
			     .src = lab->peer_mac,
			     .type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	struct lab_buf *b = buf_get(lab, (uint32_t)len + LAB_ETH_LEN);

	if (!b)
		return false;
	uint32_t at = tg_eth_emit(b->data, &eth);

	if (len > 0)
		memcpy(b->data + at, datagram, len);
	*pkt = view(b, at + (uint32_t)len);
	return true;
}

static void queue(struct tg_lab *lab, struct lab_buf *b, uint8_t *data, uint32_t len)
{
	b->data = data;
	b->len = len;
	b->sent_ns = lab->now_ns;
	b->next = NULL;
	*lab->out_tail = b;
	lab->out_tail = &b->next;
	lab->out_n++;
}

static void cut(struct tg_lab *lab, const struct tg_pkt *pkt)
{
	for (uint32_t i = 0; i < lab_offload_pieces(pkt); i++) {
		struct lab_buf *b = buf_get(lab, 0);
		if (b)
			queue(lab, b, b->bytes, lab_offload_piece(pkt, i, b->bytes));
	}
	buf_put(lab, pkt->handle);
}

void lab_emit(struct tg_lab *lab, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct tg_pkt *pkt = &lab->out[i];

		if (pkt->tx_flags & TG_TX_TSO) {
			cut(lab, pkt);
			continue;
		}
		lab_offload_csum(pkt);
		queue(lab, pkt->handle, pkt->data, pkt->len);
	}
}

size_t tg_lab_output(struct tg_lab *lab, void *datagram, size_t cap, uint64_t *sent_ns)
{
	struct lab_buf *b = lab->out_head;

	if (!b)
		return 0;
	size_t len = b->len - LAB_ETH_LEN;

	if (len < cap)
		cap = len;
	if (cap > 0)
		memcpy(datagram, b->data + LAB_ETH_LEN, cap);
	if (sent_ns)
		*sent_ns = b->sent_ns;
	lab->out_head = b->next;
	if (!lab->out_head)
		lab->out_tail = &lab->out_head;
	lab->out_n--;
	b->data = b->bytes;
	buf_put(lab, b);
	return len;
}

static void free_list(struct lab_buf *b)
{
	while (b) {
		struct lab_buf *next = b->next;
		free(b);
		b = next;
	}
}

void lab_carrier_fini(struct tg_lab *lab)
{
	free_list(lab->out_head);
	free_list(lab->free_buf);
}
