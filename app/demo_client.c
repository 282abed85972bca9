/* SPDX-License-Identifier: BSD-3-Clause */
#include "demo_client.h"
#include "tg_engine.h"
#include "tg_wire.h"

enum { PORT_ECHO = 7, SYN_MSS = 1460 };
/* In a connection's word, above the count of bytes that came back. */
static const uint32_t HOLD = 1u << 31, OPENED = 1u << 30, COUNT = (1u << 30) - 1;

static uint8_t message_byte(uint32_t i)
{
	return (uint8_t)('A' + i % 26);
}

static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct demo_client *c = ctx;
	uint8_t message[DEMO_MESSAGE];
	uint32_t word = tg_conn_word(engine, conn);
	tg_conn_set_word(engine, conn, word | OPENED);
	if (word & HOLD) {
		c->held++;
		return;
	}
	for (uint32_t i = 0; i < DEMO_MESSAGE; i++)
		message[i] = message_byte(i);
	tg_conn_write(engine, conn, message, DEMO_MESSAGE);
}

static void on_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct demo_client *c = ctx;
	uint32_t word = tg_conn_word(engine, conn), n = word & COUNT, run;
	const uint8_t *p;
	while ((p = tg_conn_peek(engine, conn, 0, &run)) && run > 0) {
		for (uint32_t i = 0; i < run; i++)
			if (n + i >= DEMO_MESSAGE || p[i] != message_byte(n + i))
				c->wrong++;
		tg_conn_consume(engine, conn, run);
		n += run;
	}
	tg_conn_set_word(engine, conn, (word & ~COUNT) | n);
	if (n >= DEMO_MESSAGE || tg_conn_is_eof(engine, conn))
		tg_conn_close(engine, conn);
}

static void on_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
		      enum tg_close_reason reason)
{
	struct demo_client *c = ctx;
	uint32_t word = tg_conn_word(engine, conn);
	if (word & HOLD) {
		c->held -= word & OPENED ? 1 : 0;
		return;
	}
	c->active--;
	if (reason == TG_CLOSE_NORMAL && (word & COUNT) == DEMO_MESSAGE)
		c->done++;
	else
		c->broken++;
}

const struct tg_service demo_client_service = {.name = "demo",
					       .about = "the demo's clients",
					       .opened = on_opened,
					       .readable = on_readable,
					       .closed = on_closed};

static bool open_one(struct demo_client *c, uint32_t word)
{
	struct tg_tuple tuple = {.raddr = c->server, .rport = PORT_ECHO};
	uint32_t conn;
	tuple.laddr = c->addr[c->next_addr++ % DEMO_CLIENT_ADDRS];
	return tg_engine_connect(c->engine, &tuple, &c->tcp, &demo_client_service, c, word,
				 &conn) == 0;
}

uint32_t demo_client_open(struct demo_client *c, uint32_t n)
{
	uint32_t opened = 0;
	while (opened < n && c->active < c->active_max) {
		bool hold = c->hold_want > 0;
		if (!open_one(c, hold ? HOLD : 0)) {
			c->refused++;
			break;
		}
		if (hold)
			c->hold_want--;
		else
			c->active++;
		c->started++;
		opened++;
	}
	return opened;
}

/* --- the attacker --- */

static uint32_t build_syn(struct demo_attacker *a, uint8_t *data)
{
	uint64_t random = tg_rng_next(&a->rng);
	uint8_t v4[4] = {198, (uint8_t)(18 + (random & 1)), (uint8_t)(random >> 8),
			 (uint8_t)(random >> 16)};
	struct tg_eth eth = {.dst = a->to, .src = a->from, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.src = tg_addr_from_v4(v4),
			   .dst = a->server,
			   .proto = TG_PROTO_TCP,
			   .ttl = 64,
			   .frag_id = (uint16_t)(random >> 24)};
	struct tg_seg seg = {.seq = tg_seq_make((uint32_t)(random >> 32)),
			     .wnd = 65535,
			     .ctl = TG_TCP_SYN,
			     .sport = (uint16_t)(1024 + tg_rng_below(&a->rng, 64000)),
			     .dport = PORT_ECHO,
			     .opts = {.mss = SYN_MSS, .has_mss = 1}};
	uint32_t len = tg_tcp_hdr_len(&seg.opts, true);
	uint32_t at = tg_eth_emit(data, &eth);
	at += tg_ip4_emit(data + at, &ip, len, false);
	tg_tcp_emit(data + at, &seg);
	tg_tcp_csum_put(data + at, len, &ip.src, &ip.dst, false);
	return at + len;
}

void demo_attack(struct demo_attacker *a, uint32_t n)
{
	struct tg_pkt pkt[TG_IO_BURST];
	while (n > 0) {
		uint32_t want = n < TG_IO_BURST ? n : TG_IO_BURST;
		uint32_t got = tg_io_alloc(a->io, pkt, want);
		for (uint32_t i = 0; i < got; i++)
			pkt[i].len = build_syn(a, pkt[i].data);
		tg_io_tx(a->io, pkt, got);
		a->sent += got;
		if (got < want)
			return;
		n -= got;
	}
}
