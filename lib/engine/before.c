/* SPDX-License-Identifier: BSD-3-Clause */
/* before.c: what gives way when a tuple is used again: a TIME-WAIT record or a splice. */
#include "before.h"

uint32_t tg_before_find(const struct tg_engine *e, const struct tg_rx *rx)
{
	uint32_t slot = tg_conn_find(e, &rx->tuple, rx->hash);
	enum tg_splice_side side;

	if (slot == TG_NONE || slot < e->conf.conn_max)
		return tg_tw_store_find(e->tw, rx->hash);
	return tg_before_of(e, tg_splice_of(e, slot, &side));
}

tg_seq tg_before_rcv_nxt(const struct tg_engine *e, uint32_t h)
{
	if (tg_before_is_splice(h))
		return tg_before_splice(e, h)->side[TG_SPLICE_BACKEND].nxt;
	return tg_tw_store_at(e->tw, h)->rcv_nxt;
}

/* A splice tries whatever may be one: what is above its numbers is of nobody else. */
void tg_before_note_cookie(struct tg_engine *e, uint32_t h)
{
	if (!tg_before_is_splice(h))
		tg_tw_store_at(e->tw, h)->flags |= TG_TW_COOKIE;
}

uint32_t tg_before_sleep(struct tg_engine *e, uint32_t h, uint32_t conn)
{
	if (tg_before_is_splice(h)) {
		tg_splice_sleep(e, tg_before_splice(e, h), conn);
		return h;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_tw_reused);
	return tg_tw_store_make_dormant(e->tw, h, conn, e->env.now_ms);
}

void tg_before_wake(struct tg_engine *e, uint32_t h)
{
	if (tg_before_is_splice(h))
		tg_splice_wake(e, tg_before_splice(e, h));
	else
		tg_tw_store_wake(e->tw, h);
}

void tg_before_remove(struct tg_engine *e, uint32_t h)
{
	if (!tg_before_is_splice(h)) {
		tg_tw_store_remove(e->tw, h);
		return;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_splice_tw_reused);
	tg_splice_free(e, tg_before_splice(e, h));
}

bool tg_before_meets(struct tg_engine *e, struct tg_rx *rx, uint32_t conn, enum tg_ctr *verdict)
{
	uint32_t h = tg_conn_dormant(e, conn);

	if (!tg_before_is_splice(h) ||
	    (rx->seg.ctl & (TG_TCP_ACK | TG_TCP_SYN | TG_TCP_RST)) != TG_TCP_ACK)
		return false;
	struct tg_splice *s = tg_before_splice(e, h);

	if (tg_seq_gt(rx->seg.ack, s->side[TG_SPLICE_CLIENT].nxt))
		return false;
	*verdict = tg_splice_arrives(
	    e, rx, tg_splice_slot(e, h & ((1u << TG_BEFORE_SHIFT) - 1), TG_SPLICE_CLIENT));
	return true;
}
