/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_tcp_conf.h: what a connection can be told: shared by all connections of a listener, or private
 * to one. */
#ifndef TG_TCP_CONF_H
#define TG_TCP_CONF_H

#include <stdbool.h>
#include <stdint.h>

enum tg_congestion { TG_CC_NEWRENO = 1, TG_CC_CUBIC = 2 };

struct tg_tcp_conf {
	bool timestamps, sack, ecn, nodelay, keepalive;
	uint8_t window_scale;                /* our shift, 0..14, or TG_WSCALE_NONE (EST-13) */
	uint8_t congestion;                  /* enum tg_congestion */
	uint8_t syn_retries, synack_retries; /* TO-01: 0 = until 180 s are over; TO-02: 5 */
	uint8_t keepalive_count;
	uint16_t mss_max; /* ceiling of the MSS that we advertise; 0 = from the MTU */
	uint16_t mss_min; /* floor for what a peer advertises (EST-12) */
	uint16_t maxseg;  /* ceiling of what we send; 0 = none */
	uint8_t ttl;      /* LN-22 */
	uint8_t dscp;
	uint32_t rcvbuf, sndbuf; /* bytes, 128..TG_BUF_MAX */
	uint32_t delayed_ack_ms, rto_min_ms;
	uint32_t user_timeout_ms; /* 0 = R2 default, 100 s (TO-03) */
	uint32_t keepalive_idle_ms, keepalive_interval_ms;
	uint32_t fin_wait_2_ms;   /* TO-06 */
	int32_t linger_ms;        /* -1 off; 0: close sends RST (UC-09) */
	uint32_t defer_accept_ms; /* EST-35 */
};

enum { TG_WSCALE_NONE = 15 }; /* the option is neither offered nor taken */
enum { TG_BUF_MIN = 128, TG_BUF_MAX = 4 << 20 };

#endif
