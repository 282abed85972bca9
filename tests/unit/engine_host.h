/* SPDX-License-Identifier: BSD-3-Clause */
/* engine_host.h: an engine on a carrier in memory and a clock of its own, a peer that says what it
 * is told to, and a service that does what it is told to. Every step ends with the engine's
 * invariants checked; host_fini checks that no buffer is lost. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include "tg_engine.h"
#include "tg_link.h"
#include "tg_test.h"
#include "tg_wire.h"

enum { HOST_TX_MAX = 4096, HOST_CONN_MAX = 64, HOST_BUF_LEN = 2048 };

struct host_frame {
	uint8_t data[HOST_BUF_LEN];
	uint32_t len;
	struct tg_pkt pkt; /* as the carrier got it; data and handle are gone */
};

/* What the service was told, by connection index; and what it does about it. */
struct host_svc {
	uint32_t opened, readable, writable, expired, closed, urgent;
	enum tg_close_reason reason; /* of the last `closed` */
	uint32_t last;               /* connection of the last call */
	uint32_t opened_n[HOST_CONN_MAX], closed_n[HOST_CONN_MAX];
	bool echo; /* writes back what it reads */
	bool close_on_eof;
	void (*on_opened)(struct host_svc *s, struct tg_engine *e, uint32_t conn);
	void (*on_readable)(struct host_svc *s, struct tg_engine *e, uint32_t conn);
	void (*on_writable)(struct host_svc *s, struct tg_engine *e, uint32_t conn);
	void (*on_closed)(struct host_svc *s, struct tg_engine *e, uint32_t conn);
	uint8_t got[65536];
	uint32_t got_len;
};
extern const struct tg_service host_service;       /* takes connections at once */
extern const struct tg_service host_queue_service; /* has an accept queue */

struct host {
	struct tg_engine *e;
	struct tg_engine_conf conf;
	void *mem;
	uint64_t now_ns;
	uint32_t buf_live, buf_max; /* buffers out of the carrier, and how many it has */
	uint32_t large_n;           /* large buffers (of the same length) that may be taken yet */
	uint32_t out_max;           /* size of out[] */
	uint16_t rx_port;           /* by which host_rx brings what it brings */
	struct host_frame *tx;      /* what the engine sent, a ring */
	uint32_t tx_head, tx_n;
	bool unchecked; /* the test broke an invariant on purpose */
	struct host_svc svc;
	struct tg_tcp_conf tcp;
};

/* One port 192.0.2.1/24 and 2001:db8::1/64 with a neighbour that always answers, small pools.
 * Change h->conf and h->tcp between host_defaults and host_init. */
void host_defaults(struct host *h);
void host_init(struct host *h);
void host_fini(struct host *h);
void host_listener(const struct host *h, struct tg_listener_conf *l, uint16_t port);
int host_listen(struct host *h, uint16_t port);
void host_check(struct host *h);

/* Time goes by; all that is due happens. */
void host_tick(struct host *h, uint64_t ms);
/* Without letting the engine finish: one call. */
void host_tick_once(struct host *h, uint64_t ms);

/* --- the peer: 192.0.2.2 or 2001:db8::2 --- */

struct host_peer {
	struct host *h;
	struct tg_tuple t; /* seen from the engine */
	tg_seq snd_nxt, rcv_nxt;
	struct tg_tcp_opts opts; /* put on each segment */
	uint16_t wnd;
};
void host_peer(struct host_peer *p, struct host *h, uint16_t lport, uint16_t rport, bool v6);
/* A frame with that segment; returns its length. */
uint32_t host_build(const struct host_peer *p, uint8_t ctl, tg_seq seq, tg_seq ack,
		    const void *text, uint32_t len, uint8_t *frame);
/* The segment arrives alone, with the peer's numbers; snd_nxt moves. */
void host_send(struct host_peer *p, uint8_t ctl, const void *text, uint32_t len);
/* The segment arrives with those numbers; nothing of the peer moves. */
void host_raw(struct host_peer *p, uint8_t ctl, tg_seq seq, tg_seq ack, const void *text,
	      uint32_t len);
/* Frames arrive as one burst. */
void host_rx(struct host *h, const uint8_t *const frame[], const uint32_t len[], uint32_t n);
/* The next frame that the engine sent; false when there is none. */
bool host_next(struct host *h, struct host_frame *f);
/* The next one, which must be a TCP segment to p with correct checksums; rcv_nxt of p moves. */
bool host_expect(struct host_peer *p, struct tg_seg *seg, struct host_frame *f);
/* SYN, SYN-ACK, ACK. */
bool host_handshake(struct host_peer *p);
/* host_peer at another address, of either family, to the listener on port 80. */
struct host_peer host_peer_at(struct host *h, const char *addr, uint16_t rport);
/* Sends control bits, and hears what answers at once: its control bits, 0 = nothing. seg: NULL if
 * it does not matter. */
uint8_t host_say(struct host_peer *p, uint8_t ctl, struct tg_seg *seg);
uint64_t host_ctr(const struct host *h, enum tg_ctr ctr);
enum tg_tcp_state host_state(const struct host_peer *p);

/* The usual test: a listener on port 80 and a peer at port 5000; and its end: pools full, no flows,
 * no timers. */
void host_begin(struct host *h, struct host_peer *p);
void host_end(struct host *h);
/* What was sent is not looked at; and the end of a test that leaves connections: they are aborted
 * first. */
void host_drain(struct host *h);
void host_end_all(struct host *h);
/* The next segment to p, which must have exactly these control bits. */
struct tg_seg host_expect_ctl(struct host_peer *p, uint8_t ctl);

#endif
