/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_data_box.h: one established block and the hands to move it: segments in, time, output. Our
 * numbers count from ISS + 1, the peer's from IRS + 1: byte 0 is the first of each stream. */
#ifndef TG_TEST_TCP_DATA_BOX_H
#define TG_TEST_TCP_DATA_BOX_H

#include "machine.h"
#include "tg_test.h"

struct box {
	struct tg_tcb tcb;
	struct tg_tcp_conf conf;
	struct tg_counters ctr;
	struct tg_chunks chunks;
	struct tg_tcp_secret secret;
	struct tg_tcp_env env;
	struct tg_act act; /* of the last segment or timeout */
	struct tg_seg out; /* the last segment sent */
	void *mem;
};

/* Before box_open; a test may change conf between the two. chunk_n: size of the pool. */
static inline void box_init(struct box *b, uint32_t chunk_n)
{
	memset(b, 0, sizeof(*b));
	b->conf = (struct tg_tcp_conf){.timestamps = false,
				       .sack = true,
				       .window_scale = 7,
				       .congestion = TG_CC_NEWRENO,
				       .mss_min = 48,
				       .ttl = 64,
				       .rcvbuf = 262144,
				       .sndbuf = 262144,
				       .delayed_ack_ms = 40,
				       .rto_min_ms = 200,
				       .linger_ms = -1};
	b->mem = aligned_alloc(64, (size_t)chunk_n * TG_CHUNK_LEN);
	tg_chunks_init(&b->chunks, b->mem, chunk_n);
	b->env = (struct tg_tcp_env){.secret = &b->secret,
				     .ctr = &b->ctr,
				     .chunks = &b->chunks,
				     .challenge_ms = 500,
				     .msl_ms = 30000,
				     .mtu = 1500,
				     .now_ms = 1000,
				     .now_ns = 1000 * TG_NS_PER_MS};
}

static inline void box_time(struct box *b, uint64_t ms)
{
	b->env.now_ms = ms;
	b->env.now_ns = ms * TG_NS_PER_MS;
}

/* ESTABLISHED at 1000 ms: SendMSS 1460, no timestamps, SACK, the peer's window wnd << 7. iss and
 * irs near the wrap, so that every test crosses it. */
static inline void box_open(struct box *b, uint16_t wnd)
{
	struct tg_tcb *t = &b->tcb;
	struct tg_seg ack = {.ctl = TG_TCP_ACK, .wnd = wnd};

	tg_tcb_init(t, &b->conf, TG_SYN_RECEIVED);
	t->snd.mss = 1460;
	t->snd_scale = t->rcv_scale = b->conf.window_scale;
	t->ws_on = true;
	t->sack_on = b->conf.sack;
	t->ts_on = b->conf.timestamps;
	t->snd.iss = t->snd.una = tg_seq_make(0u - 4000);
	t->snd.nxt = t->rexmit_nxt = t->tx_end = tg_seq_add(t->snd.iss, 1);
	tg_rx_init(t, tg_seq_make(0u - 3000));
	ack.seq = t->rcv.nxt;
	ack.ack = t->snd.nxt;
	tg_ack_handshake(t, &ack, &b->env);
	t->state = TG_ESTABLISHED;
}

static inline uint32_t box_snd(const struct box *b, tg_seq s)
{
	return (uint32_t)tg_seq_diff(s, b->tcb.snd.iss) - 1;
}

static inline uint32_t box_rcv(const struct box *b, tg_seq s)
{
	return (uint32_t)tg_seq_diff(s, b->tcb.rcv.irs) - 1;
}

static inline tg_seq box_snd_at(const struct box *b, uint32_t n)
{
	return tg_seq_add(b->tcb.snd.iss, 1 + n);
}

static inline tg_seq box_rcv_at(const struct box *b, uint32_t n)
{
	return tg_seq_add(b->tcb.rcv.irs, 1 + n);
}

static inline void box_check(struct box *b)
{
	const char *why = NULL;

	if (b->tcb.state != TG_CLOSED && !tg_tcb_validate(&b->tcb, &b->chunks, &why))
		printf("invalid: %s\n", why);
	CU_ASSERT_PTR_NULL(why);
}

/* A segment of the peer: text at its byte `at`, acknowledging our byte `ack`. */
static inline void box_arrives(struct box *b, uint32_t at, const void *text, uint32_t len,
			       uint8_t ctl, uint32_t ack, uint16_t wnd)
{
	struct tg_seg seg = {.seq = box_rcv_at(b, at),
			     .ack = box_snd_at(b, ack),
			     .len = len,
			     .wnd = wnd,
			     .ctl = ctl | TG_TCP_ACK,
			     .text = text};

	if (b->tcb.ts_on) {
		seg.opts.has_ts = 1;
		seg.opts.tsval = b->tcb.ts_recent;
		seg.opts.tsecr = tg_tcp_tsval(b->tcb.ts_offset, &b->env);
	}
	tg_tcp_arrives(&b->tcb, &seg, &b->env, &b->act);
}

/* Text of the peer: byte n of its stream is (uint8_t)(n * 7 + n >> 8). */
static inline uint8_t box_byte(uint32_t n)
{
	return (uint8_t)(n * 7 + (n >> 8));
}

static inline void box_text(struct box *b, uint32_t at, uint32_t len, uint8_t ctl)
{
	uint8_t *text = malloc(len + 1);

	for (uint32_t i = 0; i < len; i++)
		text[i] = box_byte(at + i);
	box_arrives(b, at, text, len, ctl, box_snd(b, b->tcb.snd.una), 2048);
	free(text);
}

/* A bare ACK of our byte n. */
static inline void box_ack(struct box *b, uint32_t n, uint16_t wnd)
{
	box_arrives(b, box_rcv(b, b->tcb.rcv.nxt), NULL, 0, 0, n, wnd);
}

static inline void box_sack(struct box *b, uint32_t n, uint16_t wnd, uint32_t left, uint32_t right)
{
	struct tg_seg seg = {
	    .seq = b->tcb.rcv.nxt,
	    .ack = box_snd_at(b, n),
	    .wnd = wnd,
	    .ctl = TG_TCP_ACK,
	    .opts = {.sack_n = 1, .sack = {{box_snd_at(b, left), box_snd_at(b, right)}}}};

	tg_tcp_arrives(&b->tcb, &seg, &b->env, &b->act);
}

static inline bool box_out(struct box *b)
{
	bool expected = tg_tcp_has_output(&b->tcb, &b->env);
	bool had_timer = b->tcb.deadline[TG_T_REXMIT] != 0;
	bool is = tg_tcp_output(&b->tcb, &b->env, 1, &b->out);

	if (had_timer || is)
		CU_ASSERT_EQUAL(is, expected);
	box_check(b);
	return is;
}

/* The next segment is text [at, at + len). */
static inline void box_expect(struct box *b, uint32_t at, uint32_t len)
{
	CU_ASSERT_TRUE_FATAL(box_out(b));
	CU_ASSERT_EQUAL(box_snd(b, b->out.seq), at);
	CU_ASSERT_EQUAL(b->out.len, len);
}

/* Segments until there is none; how many. */
static inline uint32_t box_drain(struct box *b)
{
	uint32_t n = 0;

	while (box_out(b))
		n++;
	return n;
}

static inline uint32_t box_write(struct box *b, uint32_t len)
{
	uint8_t *text = calloc(1, len + 1);
	uint32_t from = box_snd(b, b->tcb.tx_end);

	for (uint32_t i = 0; i < len; i++)
		text[i] = box_byte(from + i);
	int32_t n = tg_tcp_send(&b->tcb, text, len, &b->env);
	free(text);
	return n < 0 ? 0 : (uint32_t)n;
}

/* Takes n bytes of the peer's text; false when one is not what the peer sent. */
static inline bool box_read(struct box *b, uint32_t n)
{
	bool right = true;

	while (n > 0) {
		uint32_t run, at = box_rcv(b, b->tcb.rx_read);
		const uint8_t *text = tg_tcp_peek(&b->tcb, &b->env, 0, &run);

		run = run < n ? run : n;
		if (!text)
			return false;
		for (uint32_t i = 0; i < run; i++)
			right &= text[i] == box_byte(at + i);
		tg_tcp_consume(&b->tcb, run, &b->env);
		n -= run;
	}
	return right;
}

/* Lets the timer that is next fire at its time; which one, or TG_T_N. */
static inline enum tg_tcb_timer box_fire(struct box *b)
{
	enum tg_tcb_timer first = TG_T_N;

	for (int t = 0; t < TG_T_N; t++)
		if (b->tcb.deadline[t] &&
		    (first == TG_T_N || b->tcb.deadline[t] < b->tcb.deadline[first]))
			first = (enum tg_tcb_timer)t;
	if (first == TG_T_N)
		return first;
	box_time(b, b->tcb.deadline[first]);
	tg_tcp_timeout(&b->tcb, &b->env, &b->act);
	return first;
}

static inline void box_fini(struct box *b)
{
	tg_tcb_release(&b->tcb, &b->chunks);
	CU_ASSERT_EQUAL(b->chunks.free_n, b->chunks.n);
	free(b->mem);
}

#endif
