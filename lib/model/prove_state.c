/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_state.c: what of a world matters: forgetting the rest, and worlds as bytes. */
#include "prove.h"

void prove_world_init(struct prove_world *w)
{
	memset(w, 0, sizeof(*w));
}

/* --- a block without its chunks --- */

/* Where the send queue begins. */
static tg_seq queue_begin(const struct tg_tcb *tcb)
{
	bool syn_out =
	    tcb->state == TG_SYN_SENT || tcb->state == TG_SYN_RECEIVED || tcb->syn_unacked;

	return syn_out ? tg_seq_add(tcb->snd.iss, 1) : tcb->snd.una;
}

void prove_thaw(struct prove_bench *b, struct prove_end *e, int side)
{
	struct tg_tcb *tcb = &e->tcb;

	b->env.chunks = &b->chunks[side];
	tg_chunks_init(&b->chunks[side], b->mem[side], PROVE_CHUNKS);
	if (!e->has_tcb)
		return;
	tcb->conf = &b->conf;
	if (e->tx_n)
		tg_span_write(&tcb->tx, b->env.chunks, queue_begin(tcb).v, e->tx, e->tx_n);
	if (e->rx_n)
		tg_span_write(&tcb->rx, b->env.chunks, tcb->rx_read.v, e->rx, e->rx_n);
	tcb->ooo_n = 0;
	tg_tcp_set_holes(tcb, &b->env, e->hole, e->hole_n);
}

/* What is above RCV.NXT; what is at or below it the user has read. */
static void keep_text(struct prove_bench *b, struct prove_end *e)
{
	struct tg_sack_block blk[TG_OOO_MAX];
	struct tg_tcb *tcb = &e->tcb;
	uint32_t n = tg_tcp_holes(tcb, &b->env, blk);

	memset(e->rx, 0, sizeof(e->rx));
	memset(e->hole, 0, sizeof(e->hole));
	e->rx_n = 0;
	e->hole_n = (uint8_t)n;
	if (n == 0)
		return;
	uint32_t len = (uint32_t)tg_seq_diff(blk[n - 1].right, tcb->rx_read);

	if (n > PROVE_HOLES || len > PROVE_BYTES) {
		b->cut = true;
		return;
	}
	memcpy(e->hole, blk, n * sizeof(blk[0]));
	e->rx_n = (uint8_t)len;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)tg_seq_diff(blk[i].left, tcb->rx_read);
		tg_span_read(&tcb->rx, b->env.chunks, blk[i].left.v, e->rx + at,
			     (uint32_t)tg_seq_diff(blk[i].right, blk[i].left));
	}
}

static void keep_queue(struct prove_bench *b, struct prove_end *e)
{
	tg_seq begin = queue_begin(&e->tcb);
	int32_t n = tg_seq_diff(e->tcb.tx_end, begin);

	memset(e->tx, 0, sizeof(e->tx));
	e->tx_n = 0;
	if (n <= 0 || e->tcb.tx.chunk_n == 0)
		return;
	if (n > PROVE_BYTES) {
		b->cut = true;
		return;
	}
	e->tx_n = (uint8_t)n;
	tg_span_read(&e->tcb.tx, b->env.chunks, begin.v, e->tx, (uint32_t)n);
}

/* Times, estimates and windows: here each timer may fire whenever it runs, nobody's patience ends,
 * and cwnd holds nobody back. So what they are made of has no future. */
static void forget(struct tg_tcb *tcb, uint64_t now_ms)
{
	tcb->backoff = 0;
	tcb->dupacks = tcb->dupacks < 3 ? tcb->dupacks : 3;
	tcb->syn_sent_n = tcb->syn_sent_n < 2 ? tcb->syn_sent_n : 2;
	tcb->probes = tcb->full_segs = tcb->quick = 0;
	tcb->idle_since_ms = now_ms;
	tcb->sent_ms = tcb->resent_ms = tcb->quick_ms = tcb->rest_ms = 0;
	tcb->rexmit_from_ms = tcb->rexmit_from_ms ? now_ms : 0;
	tcb->rexmit_since_ms = tcb->rexmit_since_ms ? now_ms : 0;
	tcb->ts_first = tcb->ts_last = tcb->ts_recent = 0;
	tcb->ts_recent_ms = 0;
	tcb->srtt_us = tcb->rttvar_us = 0;
	tcb->rto_us = 1000000;
	tcb->rtt_start_ns = 0;
	tcb->rtt_seq = tg_seq_make(0);
	tcb->cwnd = 0xffff;
	tcb->ssthresh = 0x7fffffff;
	tcb->acked_bytes = 0;
	tcb->rexmits = 0;
	tcb->rcv.up = tcb->rcv.nxt; /* nothing is urgent */
	memset(&tcb->cc, 0, sizeof(tcb->cc));
	memset(&tcb->rack, 0, sizeof(tcb->rack));
	memset(&tcb->path, 0, sizeof(tcb->path));
	tcb->deadline[TG_T_RACK] = 0;
	tcb->deadline[TG_T_REXMIT] = tcb->deadline[TG_T_REXMIT] ? now_ms + 1 : 0;
	memset(&tcb->sent, 0, sizeof(tcb->sent));
	tg_sent_init(&tcb->sent, tcb->snd.una);
}

void prove_freeze(struct prove_bench *b, struct prove_end *e, int side, uint64_t now_ms)
{
	struct tg_tcb *tcb = &e->tcb;

	b->env.chunks = &b->chunks[side];
	if (!e->has_tcb) {
		memset(tcb, 0, sizeof(*tcb));
		memset(e->tx, 0, sizeof(e->tx));
		memset(e->rx, 0, sizeof(e->rx));
		memset(e->hole, 0, sizeof(e->hole));
		e->tx_n = e->rx_n = e->hole_n = e->tag = 0;
		return;
	}
	keep_queue(b, e);
	keep_text(b, e);
	tcb->ooo = TG_NONE;
	tg_span_init(&tcb->tx);
	tg_span_init(&tcb->rx);
	forget(tcb, now_ms);
	tcb->conf = NULL;
}

/* --- worlds as bytes: a count, then the numbers of the words that differ, then those words --- */

enum { WORDS = sizeof(struct prove_world) / 8 };
_Static_assert(sizeof(struct prove_world) % 8 == 0, "a world is whole words");

uint32_t prove_encode(const struct prove_world *base, const struct prove_world *w, uint8_t *code)
{
	uint16_t at[WORDS];
	uint64_t word[WORDS], x, y;
	uint32_t n = 0;

	for (uint32_t i = 0; i < WORDS; i++) {
		memcpy(&x, (const uint8_t *)w + 8 * i, 8);
		memcpy(&y, (const uint8_t *)base + 8 * i, 8);
		at[n] = (uint16_t)i;
		word[n] = x;
		n += x != y;
	}
	uint16_t count = (uint16_t)n;

	memcpy(code, &count, 2);
	memcpy(code + 2, at, 2 * n);
	memcpy(code + 2 + 2 * n, word, 8 * n);
	return 2 + 10 * n;
}

void prove_decode(const struct prove_world *base, const uint8_t *code, uint32_t len,
		  struct prove_world *w)
{
	uint32_t n = (len - 2) / 10;

	*w = *base;
	for (uint32_t i = 0; i < n; i++) {
		uint16_t at;
		memcpy(&at, code + 2 + 2 * i, 2);
		memcpy((uint8_t *)w + 8 * at, code + 2 + 2 * n + 8 * i, 8);
	}
}
