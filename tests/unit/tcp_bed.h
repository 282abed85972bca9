/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_bed.h: one block on a bench: its environment, a way into each state by segments and calls
 * alone, and what it sends. */
#ifndef TCP_BED_H
#define TCP_BED_H

#include "tg_cookie.h"
#include "tg_tcp.h"
#include "tg_test.h"
#include "tg_time_wait.h"

enum { BED_CHUNKS = 64, BED_OUT_MAX = 64, BED_IRS = 0x10000000, BED_WND = 5000 };

struct bed {
	struct tg_tcp_secret secret;
	struct tg_cookie_keys cookie;
	struct tg_counters ctr;
	struct tg_chunks chunks;
	struct tg_rng rng;
	struct tg_tcp_env env;
	struct tg_tcp_conf conf;
	struct tg_tuple tuple;
	struct tg_tcb tcb;
	struct tg_act act;
	struct tg_seg out[BED_OUT_MAX]; /* what was sent by the last step: reply, then output */
	int out_n;
	uint32_t events; /* of all steps since they were last cleared */
	uint32_t irs;    /* of the peer */
	bool ts, ws;     /* the peer's SYN offers timestamps, window scale 0 */
	uint32_t tsval;  /* the peer's next */
	uint8_t text[TG_CHUNK_LEN];
	void *mem;
};

static inline void bed_time(struct bed *b, uint64_t ms)
{
	b->env.now_ms = ms;
	b->env.now_ns = ms * TG_NS_PER_MS;
	tg_cookie_keys_clock(&b->cookie, ms);
}

static inline void bed_init(struct bed *b)
{
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	memset(b, 0, sizeof(*b));
	b->conf = (struct tg_tcp_conf){.timestamps = true,
				       .sack = true,
				       .window_scale = 7,
				       .congestion = TG_CC_NEWRENO,
				       .synack_retries = 5,
				       .keepalive_count = 9,
				       .mss_min = 216,
				       .ttl = 64,
				       .rcvbuf = 65536,
				       .sndbuf = 65536,
				       .delayed_ack_ms = 40,
				       .rto_min_ms = 200,
				       .keepalive_idle_ms = 7200000,
				       .keepalive_interval_ms = 75000,
				       .fin_wait_2_ms = 60000,
				       .linger_ms = -1};
	tg_rng_init(&b->rng, tg_test_seed);
	b->secret.isn = tg_rng_key(&b->rng);
	b->secret.ts = tg_rng_key(&b->rng);
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)tg_rng_next(&b->rng);
	tg_cookie_keys_init(&b->cookie, secret, 0, 0);
	b->secret.tuple = tg_rng_key(&b->rng);
	b->mem = aligned_alloc(64, (size_t)BED_CHUNKS * TG_CHUNK_LEN);
	tg_chunks_init(&b->chunks, b->mem, BED_CHUNKS);
	b->env = (struct tg_tcp_env){.secret = &b->secret,
				     .cookie = &b->cookie,
				     .ctr = &b->ctr,
				     .chunks = &b->chunks,
				     .rng = &b->rng,
				     .challenge_ms = 500,
				     .msl_ms = 30000,
				     .mtu = 1500};
	bed_time(b, 1000000);
	tg_addr_parse("192.0.2.1", &b->tuple.laddr);
	tg_addr_parse("198.51.100.7", &b->tuple.raddr);
	b->tuple.lport = 80;
	b->tuple.rport = 40000;
	b->irs = BED_IRS;
	b->tsval = 777;
	tg_tcb_init(&b->tcb, &b->conf, TG_CLOSED);
}

/* Every test ends here: pools full, invariants kept. */
static inline void bed_fini(struct bed *b)
{
	tg_tcb_release(&b->tcb, &b->chunks);
	CU_ASSERT_EQUAL(b->chunks.free_n, BED_CHUNKS);
	free(b->mem);
}

static inline void bed_check(struct bed *b)
{
	const char *why = NULL;

	if (!tg_tcb_validate(&b->tcb, &b->chunks, &why)) {
		printf("invariant: %s\n", why);
		CU_FAIL("invariant");
	}
}

/* What act and output send now; nobody reads what is received. */
static inline void bed_collect(struct bed *b, bool has_act)
{
	b->out_n = 0;
	if (has_act) {
		b->events |= b->act.events;
		if (b->act.has_reply)
			b->out[b->out_n++] = b->act.reply;
	}
	while (b->tcb.state != TG_CLOSED && b->out_n < BED_OUT_MAX &&
	       tg_tcp_output(&b->tcb, &b->env, 1, &b->out[b->out_n]))
		b->out_n++;
	bed_check(b);
}

static inline struct tg_seg bed_seg(const struct bed *b, uint8_t ctl, uint32_t seq, uint32_t ack,
				    uint32_t len)
{
	struct tg_seg s = {.seq = {seq},
			   .ack = {ack},
			   .len = len,
			   .wnd = BED_WND,
			   .ctl = ctl,
			   .sport = b->tuple.rport,
			   .dport = b->tuple.lport,
			   .text = b->text};

	if (b->ts && !(ctl & TG_TCP_RST)) {
		s.opts.has_ts = 1;
		s.opts.tsval = b->tsval;
		s.opts.tsecr = b->tcb.ts_last;
	}
	return s;
}

static inline struct tg_seg bed_syn(const struct bed *b)
{
	struct tg_seg s = bed_seg(b, TG_TCP_SYN, b->irs, 0, 0);

	s.opts.has_mss = 1;
	s.opts.mss = 1460;
	s.opts.tsecr = 0;
	if (b->ws)
		s.opts.has_wscale = 1;
	return s;
}

static inline void bed_in(struct bed *b, struct tg_seg seg)
{
	tg_tcp_arrives(&b->tcb, &seg, &b->env, &b->act);
	bed_collect(b, true);
}

/* A segment by its flags, where the block expects it; ack as given. */
static inline void bed_send(struct bed *b, uint8_t ctl, int32_t seq_off, uint32_t ack, uint32_t len)
{
	bed_in(b, bed_seg(b, ctl, b->tcb.rcv.nxt.v + (uint32_t)seq_off, ack, len));
}

static inline enum tg_listen_outcome bed_listen(struct bed *b, struct tg_seg seg)
{
	const struct tg_listen l = {.conf = &b->conf};

	enum tg_listen_outcome out =
	    tg_tcp_listen(&l, &b->tuple, &seg, NULL, &b->env, &b->tcb, &b->act);
	b->out_n = 0;
	b->events |= b->act.events;
	if (b->act.has_reply)
		b->out[b->out_n++] = b->act.reply;
	return out;
}

static inline void bed_open(struct bed *b)
{
	tg_tcb_init(&b->tcb, &b->conf, TG_CLOSED);
	tg_tcp_open(&b->tcb, &b->tuple, NULL, &b->env);
	bed_collect(b, false);
}

static inline void bed_shutdown(struct bed *b)
{
	tg_tcp_shutdown(&b->tcb, &b->env, &b->act);
	bed_collect(b, true);
}

static inline void bed_close(struct bed *b)
{
	tg_tcp_close(&b->tcb, &b->env, &b->act);
	bed_collect(b, true);
}

/* Fires what is due at ms. */
static inline void bed_at(struct bed *b, uint64_t ms)
{
	bed_time(b, ms);
	tg_tcp_timeout(&b->tcb, &b->env, &b->act);
	bed_collect(b, true);
}

static inline void bed_read_all(struct bed *b)
{
	tg_tcp_consume(&b->tcb, tg_tcp_readable(&b->tcb), &b->env);
	bed_collect(b, false);
}

static inline void bed_to_syn_received_active(struct bed *b)
{
	bed_open(b);
	bed_in(b, bed_syn(b));
}

static inline void bed_to_established(struct bed *b)
{
	bed_listen(b, bed_syn(b));
	bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 0);
}

/* Drives the block into the state; SYN-RECEIVED from LISTEN. False for TIME-WAIT: no block. */
static inline bool bed_to(struct bed *b, enum tg_tcp_state state)
{
	switch (state) {
	case TG_SYN_SENT:
		bed_open(b);
		return true;
	case TG_SYN_RECEIVED:
		bed_listen(b, bed_syn(b));
		return true;
	case TG_ESTABLISHED:
		bed_to_established(b);
		return true;
	case TG_FIN_WAIT_1:
		bed_to_established(b);
		bed_shutdown(b);
		return true;
	case TG_FIN_WAIT_2:
		bed_to(b, TG_FIN_WAIT_1);
		bed_send(b, TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 0);
		return true;
	case TG_CLOSE_WAIT:
		bed_to_established(b);
		bed_send(b, TG_TCP_FIN | TG_TCP_ACK, 0, b->tcb.snd.nxt.v, 0);
		return true;
	case TG_CLOSING:
		bed_to(b, TG_FIN_WAIT_1);
		bed_send(b, TG_TCP_FIN | TG_TCP_ACK, 0, b->tcb.snd.una.v, 0);
		return true;
	case TG_LAST_ACK:
		bed_to(b, TG_CLOSE_WAIT);
		bed_shutdown(b);
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	return false;
}

static inline uint64_t bed_count(const struct bed *b, enum tg_ctr ctr)
{
	return b->ctr.v[ctr];
}

#endif
