/* SPDX-License-Identifier: BSD-3-Clause */
/* rest.c: a block that does not move in 64 bytes, and back (tg_conn.h): who only holds on costs no
 * more (ADV-56). What the 64 bytes cannot say, may_rest says no to; RTT is rounded, and cwnd starts
 * anew after an idle time (DT-22). */
#include <assert.h>

#include "control.h"
#include "small_float.h"

enum {
	STAMP_MAX_MS = 60000, /* an older challenge limits nothing */
	REXMITS_KEPT_MS =
	    60000, /* how long after its last text a block keeps count of repetitions */
	TS_AGE_SHIFT = 16,
	MSS_MAX = (1 << 14) - 1,
	RTO_MS_MAX = 0x7fff,
};

void tg_tcb_init(struct tg_tcb *tcb, const struct tg_tcp_conf *conf, enum tg_tcp_state state)
{
	memset(tcb, 0, offsetof(struct tg_tcb, tx));
	tcb->conf = conf;
	tcb->state = (uint8_t)state;
	tcb->rto_us = 1000000; /* RFC 6298 2.1 */
	tg_span_init(&tcb->tx);
	tg_span_init(&tcb->rx);
	tg_sent_init(&tcb->sent, tcb->snd.una);
	tcb->ooo = TG_NONE;
	tcb->dormant = TG_NONE;
}

/* --- small numbers --- */

/* A window in 16 bits: in units of the scale, or in bytes. */
struct field {
	uint16_t v;
	bool raw, fits;
};

static inline struct field window_field(uint32_t wnd, uint8_t scale)
{
	uint32_t units = wnd >> scale;

	if (units << scale == wnd && units <= UINT16_MAX)
		return (struct field){(uint16_t)units, false, true};
	return (struct field){(uint16_t)wnd, true, wnd <= UINT16_MAX};
}

static uint32_t window_of(uint16_t field, bool raw, uint8_t scale)
{
	return raw ? field : (uint32_t)field << scale;
}

/* --- may it? --- */

/* DT-22: after idle time cwnd is the initial window at most, and never more than it was: a small
 * one is rounded down to what two bits can say. */
static const uint8_t cwnd_segments[] = {0, 1, 2, 4};

static uint16_t pack_cwnd(const struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_mss(tcb);

	if (tcb->cwnd >= tg_cc_iw(tcb))
		return 0;
	return tcb->cwnd >= 4 * mss ? 3 : tcb->cwnd >= 2 * mss ? 2 : 1;
}

static void unpack_cwnd(struct tg_tcb *tcb, const struct tg_conn *conn)
{
	uint32_t cwnd = cwnd_segments[conn->cwnd] * tg_tx_mss(tcb);

	if (cwnd && cwnd < tcb->cwnd)
		tcb->cwnd = cwnd;
}

uint64_t tg_rest_at(const struct tg_tcb *tcb)
{
	uint64_t at = tcb->quick_ms;

	if (tcb->state == TG_SYN_RECEIVED)
		return 0;
	if (tcb->rexmits && tcb->sent_ms + REXMITS_KEPT_MS > at)
		at = tcb->sent_ms + REXMITS_KEPT_MS;
	/* Nothing was sent that could have made it another than it was at rest (EST-25). */
	if (tcb->cwnd == tg_cc_iw(tcb) || tcb->sent_ms == 0)
		return at;
	uint64_t idle = tcb->sent_ms + tg_rto_ms(tcb) + 1;

	return at > idle ? at : idle;
}

static bool is_state_of_rest(const struct tg_tcb *tcb)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_RECEIVED:
		return !tcb->active;
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_FIN_WAIT_1:
	case TG_CLOSING:
	case TG_LAST_ACK:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	return false;
}

/* All of the flags that by themselves keep a block from rest. */
static inline bool is_restless(const struct tg_tcb *tcb)
{
	const uint8_t *flag = (const uint8_t *)tcb + TG_TCB_RESTLESS;
	uint64_t eight;
	uint32_t four;

	_Static_assert(sizeof(eight) + sizeof(four) == TG_TCB_RESTLESS_N, "all of them");
	memcpy(&eight, flag, sizeof(eight));
	memcpy(&four, flag + sizeof(eight), sizeof(four));
	return (eight | four) != 0;
}

/* Nothing in flight, nothing queued; of a half-open entry only the SYN-ACK is. */
static inline bool is_send_side_quiet(const struct tg_tcb *tcb)
{
	uint32_t flight = tcb->state == TG_SYN_RECEIVED ? 1 : 0;
	uint32_t fin = tcb->fin_sent ? 1 : 0;

	return tcb->tx.chunk_n == 0 && tcb->fin_queued == tcb->fin_sent &&
	       tg_seq_eq(tg_seq_add(tcb->snd.una, flight), tcb->snd.nxt) &&
	       tg_seq_eq(tcb->rexmit_nxt, tcb->snd.nxt) &&
	       tg_seq_eq(tg_seq_add(tcb->tx_end, fin), tcb->snd.nxt);
}

static inline bool is_receive_side_quiet(const struct tg_tcb *tcb)
{
	uint32_t fin = tcb->fin_rcvd ? 1 : 0; /* nothing is readable */

	return tcb->rx.chunk_n == 0 && tcb->ooo == TG_NONE &&
	       tg_seq_eq(tg_seq_add(tcb->rx_read, fin), tcb->rcv.nxt) &&
	       tg_seq_eq(tcb->rcv.last_ack, tcb->rcv.nxt) && tg_seq_lt(tcb->rcv.up, tcb->rcv.nxt);
}

static inline bool is_numbers_fit(const struct tg_tcb *tcb)
{
	if (!window_field(tg_tcb_rcv_wnd(tcb), tcb->rcv_scale).fits)
		return false;
	if (tcb->state == TG_SYN_RECEIVED)
		return tcb->snd.wnd == 0 && tcb->snd.max_wnd == 0;
	if (tcb->snd.mss > MSS_MAX || tcb->path.full > MSS_MAX)
		return false;
	if (tcb->srtt_us == 0 && (tcb->rto_us % 1000 || tcb->rto_us / 1000 > RTO_MS_MAX))
		return false;
	return tcb->rtt_start_ns == 0 && tcb->backoff == 0 &&
	       tcb->ecn_owed != (TG_OWE_ECE | TG_OWE_CWR) &&
	       window_field(tcb->snd.wnd, tcb->snd_scale).fits &&
	       window_field(tcb->snd.max_wnd, tcb->snd_scale).fits;
}

static inline bool is_one_timer(const struct tg_tcb *tcb)
{
	const uint64_t *at = tcb->deadline;
	int others = (at[TG_T_KEEPALIVE] != 0) + (at[TG_T_FW2] != 0) + (at[TG_T_SERVICE] != 0);

	_Static_assert(TG_T_N == 6, "and these three");
	if (tcb->state == TG_SYN_RECEIVED)
		return at[TG_T_REXMIT] && !at[TG_T_DELACK] && others == 0;
	return !(at[TG_T_REXMIT] | at[TG_T_RACK] | at[TG_T_DELACK]) && others <= 1;
}

bool tg_tcb_may_rest(const struct tg_tcb *tcb, uint64_t now_ms)
{
	return !is_restless(tcb) && is_state_of_rest(tcb) && is_send_side_quiet(tcb) &&
	       is_receive_side_quiet(tcb) && is_one_timer(tcb) && is_numbers_fit(tcb) &&
	       tg_rest_at(tcb) <= now_ms;
}

uint64_t tg_tcb_deadline(const struct tg_tcb *tcb)
{
	uint64_t first = 0, rest;

	for (int t = 0; t < TG_T_N; t++)
		if (tcb->deadline[t] && (!first || tcb->deadline[t] < first))
			first = tcb->deadline[t];
	if (!tg_seq_eq(tcb->snd.una, tcb->snd.nxt))
		return first;
	rest = tg_rest_at(tcb);
	if (rest == 0 || rest == tcb->rest_ms || (first && first <= rest) ||
	    !tg_tcb_may_rest(tcb, rest))
		return first;
	return rest;
}

/* --- pack --- */

/* DT-36: both at once have no room (is_numbers_fit). */
static inline uint32_t pack_ecn(const struct tg_tcb *tcb)
{
	if (!tcb->ecn_on)
		return 0;
	if (tcb->ecn_owed & TG_OWE_CWR)
		return TG_CONN_ECN_OWES;
	return TG_CONN_ECN | (tcb->ecn_owed ? TG_CONN_ECN_OWES : 0);
}

static inline uint32_t pack_flags(const struct tg_tcb *tcb, const struct tg_conn *conn)
{
	uint32_t flags = conn->flags & TG_CONN_V6;

	flags |= tcb->ts_on ? TG_CONN_TS : 0;
	flags |= tcb->sack_on ? TG_CONN_SACK : 0;
	flags |= pack_ecn(tcb);
	flags |= tcb->active ? TG_CONN_ACTIVE : 0;
	flags |= tcb->orphan ? TG_CONN_ORPHAN : 0;
	flags |= tcb->deadline[TG_T_SERVICE] ? TG_CONN_TIMER_SERVICE : 0;
	return flags;
}

static uint16_t pack_stamp(uint64_t ms, uint64_t now_ms)
{
	/* A stamp that stood for 0 is unpacked as 1 ms after now (RB-08). */
	if (ms == 0 || (ms < now_ms && now_ms - ms >= STAMP_MAX_MS))
		return 0;
	return (uint16_t)ms ? (uint16_t)ms : 1;
}

/* A TSval is the time rounded up to the millisecond. How much was added to it. */
static uint32_t before_tick_ns(uint64_t ns)
{
	return (uint32_t)((TG_NS_PER_MS - ns % TG_NS_PER_MS) % TG_NS_PER_MS);
}

/* SYN-RECEIVED: no window and no RTT yet, so their places hold what the handshake needs. Returns
 * the flags of it. */
static uint32_t pack_half(const struct tg_tcb *tcb, struct tg_conn *conn)
{
	uint32_t flags =
	    (tcb->ws_on ? TG_CONN_SND_RAW : 0) | (tcb->cookie_ts ? TG_CONN_MAX_RAW : 0);
	uint32_t last = tcb->ts_on ? tcb->ts_last : before_tick_ns(tcb->rtt_start_ns);

	conn->snd_wnd = (uint16_t)last;
	conn->max_snd_wnd = (uint16_t)(last >> 16);
	conn->srtt = (uint16_t)tcb->ts_first;
	conn->rttvar = (uint16_t)(tcb->ts_first >> 16);
	conn->ts_age = (uint16_t)(tcb->syn_sent_n << 8 | tcb->backoff);
	conn->cwnd = 0;
	if (tcb->dormant == TG_NONE)
		return flags;
	conn->word = tcb->dormant;
	return flags | TG_CONN_DORMANT;
}

static uint32_t pack_open(const struct tg_tcb *tcb, struct tg_conn *conn)
{
	struct field wnd = window_field(tcb->snd.wnd, tcb->snd_scale);
	struct field max = window_field(tcb->snd.max_wnd, tcb->snd_scale);

	assert(wnd.fits && max.fits);
	conn->snd_wnd = wnd.v;
	conn->max_snd_wnd = max.v;
	conn->srtt = small_float(tcb->srtt_us);
	if (tcb->srtt_us)
		conn->rttvar = small_float(tcb->rttvar_us);
	else
		conn->rttvar = (uint16_t)(tcb->rto_us / 1000);
	conn->cwnd = pack_cwnd(tcb) & 3u;
	conn->ts_age = (uint16_t)(tcb->ts_recent_ms >> TS_AGE_SHIFT);
	return (wnd.raw ? TG_CONN_SND_RAW : 0) | (max.raw ? TG_CONN_MAX_RAW : 0);
}

/* Lazy keepalive becomes exact: afterwards the deadline is all that is known of the last sign of
 * life. At most one timer runs. */
static inline uint64_t pack_timer(const struct tg_tcb *tcb)
{
	const uint64_t *at = tcb->deadline;
	uint64_t due = tcb->idle_since_ms + tcb->conf->keepalive_idle_ms;

	if (at[TG_T_KEEPALIVE])
		return due > at[TG_T_KEEPALIVE] ? due : at[TG_T_KEEPALIVE];
	return at[TG_T_REXMIT] | at[TG_T_FW2] | at[TG_T_SERVICE];
}

uint64_t tg_tcb_pack(const struct tg_tcb *tcb, struct tg_conn *conn, uint64_t now_ms)
{
	struct field rcv = window_field(tg_tcb_rcv_wnd(tcb), tcb->rcv_scale);
	uint32_t flags = pack_flags(tcb, conn) | (rcv.raw ? TG_CONN_RCV_RAW : 0);

	/* That it may rest altogether has just been asked, and is not asked twice. */
	assert(rcv.fits && !is_restless(tcb) && is_one_timer(tcb));
	conn->snd_nxt = tcb->snd.nxt;
	conn->rcv_nxt = tcb->rcv.nxt;
	conn->rcv_wnd = rcv.v;
	/* The engine knows the path. */
	conn->mss = (uint32_t)(tcb->path.full ? tcb->path.full : tcb->snd.mss) & 0x3fffu;
	conn->ts_recent = tcb->ts_recent;
	conn->ts_offset = tcb->ts_offset;
	conn->ch_stamp = pack_stamp(tcb->ch_ms, now_ms);
	conn->word = tcb->word;
	flags |= tcb->state == TG_SYN_RECEIVED ? pack_half(tcb, conn) : pack_open(tcb, conn);
	conn->state = tcb->state & 0xfu;
	conn->snd_scale = tcb->snd_scale & 0xfu;
	conn->rcv_scale = tcb->rcv_scale & 0xfu;
	conn->conf = tcb->conf_idx;
	conn->flags = flags & 0xfffu;
	return pack_timer(tcb);
}

/* --- unpack --- */

/* RB-08: never earlier than it was, so that no two challenges come too close. A stamp that has
 * grown old at rest looks young again for challenge_ms in each 65.5 s, and may cost one challenge:
 * the peer that repeats its segment gets the next. */
static uint64_t unpack_stamp(uint16_t stamp, uint64_t now_ms)
{
	uint64_t age = (uint16_t)(now_ms + 1 - stamp); /* plus 1: pack_stamp may have added it */

	return stamp && age <= now_ms ? now_ms + 1 - age : 0;
}

static uint64_t unpack_ts_age(uint16_t age, uint64_t now_ms)
{
	uint64_t now = now_ms >> TS_AGE_SHIFT;

	return (now - (uint16_t)(now - age)) << TS_AGE_SHIFT;
}

static void unpack_sequence(struct tg_tcb *tcb, const struct tg_conn *conn)
{
	tcb->snd.nxt = tcb->snd.una = tcb->rexmit_nxt = tcb->tx_end = conn->snd_nxt;
	tcb->snd.iss = tg_seq_sub(conn->snd_nxt, 1);
	tcb->snd.wl1 = conn->rcv_nxt;
	tcb->snd.wl2 = conn->snd_nxt;
	tcb->rcv.nxt = tcb->rcv.last_ack = tcb->rx_read = conn->rcv_nxt;
	tcb->rcv.irs = tcb->rcv.up = tg_seq_sub(conn->rcv_nxt, 1);
	tcb->rcv.edge =
	    tg_seq_add(conn->rcv_nxt,
		       window_of(conn->rcv_wnd, conn->flags & TG_CONN_RCV_RAW, conn->rcv_scale));
	if (conn->state == TG_FIN_WAIT_2) {
		tcb->fin_queued = tcb->fin_sent = true;
		tcb->tx_end = tcb->snd.iss;
	}
	if (conn->state == TG_CLOSE_WAIT) {
		tcb->fin_rcvd = true;
		tcb->rx_read = tcb->rcv.irs;
	}
	tcb->tx_push = tcb->tx_end;
}

/* The timed SYN-ACK is known by its TSval, which is kept without timestamps too. Then no TSval of
 * the last one is needed, and its place tells by how much the first was rounded up (DT-04). */
static void unpack_half(struct tg_tcb *tcb, const struct tg_conn *conn, uint64_t now_ms)
{
	uint32_t last = (uint32_t)conn->max_snd_wnd << 16 | conn->snd_wnd, age_ms;

	tcb->snd.una = tcb->snd.iss;
	tcb->snd.wl1 = tcb->snd.wl2 = tg_seq_make(0);
	tcb->ts_first = (uint32_t)conn->rttvar << 16 | conn->srtt;
	tcb->syn_sent_n = (uint8_t)(conn->ts_age >> 8);
	tcb->backoff = (uint8_t)conn->ts_age;
	tcb->rexmit_syn = tcb->syn_sent_n > 1;
	tcb->ts_last = tcb->ts_on ? last : tcb->ts_first;
	tcb->ws_on = conn->flags & TG_CONN_SND_RAW;
	tcb->cookie_ts = conn->flags & TG_CONN_MAX_RAW;
	tcb->ts_recent_ms = now_ms;
	/* DT-07: the ACK of the first one, echoed late, would measure the backoff. */
	age_ms = (uint32_t)now_ms + tcb->ts_offset - tcb->ts_last;
	if (tcb->rexmit_syn && age_ms < now_ms)
		tcb->resent_ms = tcb->cookie_ts ? now_ms : now_ms - age_ms; /* all have one TSval */
	age_ms = (uint32_t)now_ms + tcb->ts_offset - tcb->ts_first;
	tcb->rtt_seq = tcb->snd.iss;
	if (!tcb->rexmit_syn && age_ms < now_ms)
		tcb->rtt_start_ns = (now_ms - age_ms) * TG_NS_PER_MS - (tcb->ts_on ? 0 : last);
	if (!(conn->flags & TG_CONN_DORMANT))
		return;
	tcb->dormant = conn->word;
	tcb->word = 0;
}

static void unpack_open(struct tg_tcb *tcb, const struct tg_conn *conn, uint64_t now_ms)
{
	tcb->snd.wnd = window_of(conn->snd_wnd, conn->flags & TG_CONN_SND_RAW, conn->snd_scale);
	/* What rounding has promised beyond the buffer (EST-16) shows, since nothing is unread. */
	if (tg_tcb_rcv_wnd(tcb) > tcb->conf->rcvbuf)
		tcb->rx_slack = tg_tcb_rcv_wnd(tcb) - tcb->conf->rcvbuf;
	tcb->snd.max_wnd =
	    window_of(conn->max_snd_wnd, conn->flags & TG_CONN_MAX_RAW, conn->snd_scale);
	tcb->ts_recent_ms = unpack_ts_age(conn->ts_age, now_ms);
	tg_recovery_init(tcb);
	unpack_cwnd(tcb, conn);
	tcb->srtt_us = small_float_of(conn->srtt);
	if (tcb->srtt_us) {
		tcb->rttvar_us = small_float_of(conn->rttvar);
		tg_rto_update(tcb);
		return;
	}
	tcb->rto_us = (conn->rttvar & RTO_MS_MAX) * 1000u;
}

/* All that was sent is acknowledged. While CWR is owed the peer goes on saying ECE, which counts
 * again with the ACK of what carries CWR. */
static void unpack_ecn(struct tg_tcb *tcb, const struct tg_conn *conn)
{
	bool owes = conn->state != TG_SYN_RECEIVED && (conn->flags & TG_CONN_ECN_OWES);
	bool ecn = conn->flags & TG_CONN_ECN;

	tcb->ecn_on = ecn || owes;
	tcb->ecn_owed = (uint8_t)(!owes ? 0 : ecn ? TG_OWE_ECE : TG_OWE_CWR);
	tcb->ecn_recover = tg_seq_sub(conn->snd_nxt, tcb->ecn_owed & TG_OWE_CWR ? 0 : 1);
}

static void unpack_timer(struct tg_tcb *tcb, const struct tg_conn *conn, uint64_t deadline)
{
	enum tg_tcb_timer timer = TG_T_KEEPALIVE;

	if (conn->flags & TG_CONN_TIMER_SERVICE)
		timer = TG_T_SERVICE;
	else if (conn->state == TG_SYN_RECEIVED)
		timer = TG_T_REXMIT;
	else if (conn->state == TG_FIN_WAIT_2 && tcb->orphan)
		timer = TG_T_FW2;
	tcb->deadline[timer] = deadline;
	if (timer == TG_T_KEEPALIVE && deadline > tcb->conf->keepalive_idle_ms)
		tcb->idle_since_ms = deadline - tcb->conf->keepalive_idle_ms;
}

void tg_tcb_unpack(struct tg_tcb *tcb, const struct tg_conn *conn, const struct tg_tcp_conf *conf,
		   uint64_t deadline, uint64_t now_ms)
{
	tg_tcb_init(tcb, conf, (enum tg_tcp_state)conn->state);
	tcb->v6 = (conn->flags & TG_CONN_V6) != 0;
	tcb->active = (conn->flags & TG_CONN_ACTIVE) != 0;
	tcb->snd_scale = conn->snd_scale;
	tcb->rcv_scale = conn->rcv_scale;
	tcb->ts_on = conn->flags & TG_CONN_TS;
	tcb->sack_on = conn->flags & TG_CONN_SACK;
	unpack_ecn(tcb, conn);
	tcb->orphan = conn->flags & TG_CONN_ORPHAN;
	tcb->conf_idx = (uint8_t)conn->conf;
	tcb->word = conn->word;
	tcb->snd.mss = conn->mss;
	tcb->ts_recent = conn->ts_recent;
	tcb->ts_offset = conn->ts_offset;
	tcb->ch_ms = unpack_stamp(conn->ch_stamp, now_ms);
	tcb->idle_since_ms = now_ms;
	unpack_sequence(tcb, conn);
	if (conn->state == TG_SYN_RECEIVED)
		unpack_half(tcb, conn, now_ms);
	else
		unpack_open(tcb, conn, now_ms);
	unpack_timer(tcb, conn, deadline);
}
