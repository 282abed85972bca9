/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_conn.h: a connection at rest, in 64 bytes; and its states.
 *
 * At rest nothing is in flight or queued and no ACK is owed: SND.UNA = SND.NXT, WL1 = RCV.NXT, WL2
 * = SND.NXT, Last.ACK.sent = RCV.NXT, and at most one timer runs. Then these 64 bytes say all.
 * While a connection moves, its truth is a struct tg_tcb (tg_tcb.h) out of the extension pool; here
 * then only the key, the flags, the timer node and the extension's index are valid. An IPv6
 * connection keeps its two addresses in a struct tg_conn6 of 32 bytes: 96 in all.
 *
 * SYN-RECEIVED from LISTEN rests too, with SND.UNA = ISS = SND.NXT - 1, and reuses fields that have
 * no meaning yet (see there). */
#ifndef TG_CONN_H
#define TG_CONN_H

#include "tg_seq.h"
#include "tg_types.h"
#include "tg_wheel.h"

/* RFC 9293 3.3.2. 0 is "not a state". */
enum tg_tcp_state {
	TG_CLOSED = 1,
	TG_LISTEN,
	TG_SYN_SENT,
	TG_SYN_RECEIVED,
	TG_ESTABLISHED,
	TG_FIN_WAIT_1,
	TG_FIN_WAIT_2,
	TG_CLOSE_WAIT,
	TG_CLOSING,
	TG_LAST_ACK,
	TG_TIME_WAIT,
	TG_STATE_N
};

/* "LISTEN" "SYN-SENT" ... as the RFC prints them; "CLOSED" for 0 and TG_CLOSED. */
const char *tg_tcp_state_name(enum tg_tcp_state s);

enum {
	TG_CONN_V6 = 1 << 0,  /* key6 stands in for laddr, raddr */
	TG_CONN_EXT = 1 << 1, /* an extension is attached: word is its index */
	TG_CONN_TS = 1 << 2,
	TG_CONN_SACK = 1 << 3,
	TG_CONN_ECN = 1 << 4,
	TG_CONN_ACTIVE = 1 << 5,         /* origin: we opened it (SYN-RCVD "a") */
	TG_CONN_SND_RAW = 1 << 6,        /* snd_wnd is in bytes, not in units of 1 << snd_scale;
					    SYN-RECEIVED: window scaling is on */
	TG_CONN_MAX_RAW = 1 << 7,        /* likewise max_snd_wnd; SYN-RECEIVED: the TSval of the
					    SYN-ACK is a cookie's (SC-10) */
	TG_CONN_RCV_RAW = 1 << 8,        /* likewise rcv_wnd */
	TG_CONN_ORPHAN = 1 << 9,         /* fully closed: no reader (TD-12, TO-06) */
	TG_CONN_TIMER_SERVICE = 1 << 10, /* the one timer is the service's; else by state: SYN-ACK,
					    FIN-WAIT-2, keepalive */
	TG_CONN_DORMANT = 1 << 11,  /* SYN-RECEIVED: word is a dormant TIME-WAIT record (TD-24) */
	TG_CONN_ECN_OWES = 1 << 11, /* any other state: with TG_CONN_ECN, ECE is owed; without it,
				       ECN is on all the same and CWR is owed (ecn.c) */
};

struct tg_conn {
	/* --- 16 bytes: who --- */
	union {
		struct {
			tg_be32 laddr, raddr;
		} v4;
		uint32_t key6; /* index of its struct tg_conn6 */
	};
	uint16_t lport, rport; /* host order */
	uint32_t state : 4;    /* enum tg_tcp_state; 0 = slot is free */
	uint32_t snd_scale : 4, rcv_scale : 4;
	uint32_t conf : 8; /* index of the configuration that it shares (listener or client) */
	uint32_t flags : 12;
	/* --- 16 bytes: sequence space --- */
	tg_seq snd_nxt, rcv_nxt;
	uint16_t snd_wnd, max_snd_wnd, rcv_wnd; /* scaled units, or bytes by TG_CONN_*_RAW;
						   SYN-RECEIVED: the first two hold the TSval of the
						   last SYN-ACK; without timestamps
						   by how many ns the first's is late */
	uint16_t mss : 14,                      /* send MSS, before options are taken off */
	    cwnd : 2; /* 0: the initial window; else 1, 2 or 4 segments (DT-22, EST-25) */
	/* --- 16 bytes: time --- */
	uint32_t ts_recent, ts_offset;
	uint16_t srtt, rttvar; /* 4-bit exponent, 12-bit mantissa, microseconds; srtt 0 = no sample,
				  rttvar is then the RTO in ms; SYN-RECEIVED: TSval of the first
				  SYN-ACK, low and high half */
	uint16_t ts_age;   /* when TS.Recent was set, in 2^16 ms; SYN-RECEIVED: timeouts (low byte),
			      SYN-ACKs sent */
	uint16_t ch_stamp; /* when the last challenge ACK was sent, in ms, 0 = never */
	/* --- 16 bytes: timer and the rest --- */
	struct tg_timer timer;
	uint32_t word; /* the service's word; or the extension (which then holds the word); or the
			  dormant record */
};
_Static_assert(sizeof(struct tg_conn) == 64, "one line for an IPv4 connection");
_Static_assert(offsetof(struct tg_conn, timer) == 48, "");

struct tg_conn6 {
	struct tg_addr laddr, raddr;
};
_Static_assert(sizeof(struct tg_conn) + sizeof(struct tg_conn6) <= 128, "IPv6");

#endif
