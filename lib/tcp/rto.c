/* SPDX-License-Identifier: BSD-3-Clause */
/* rto.c: the retransmission timeout (RFC 6298), R1 and R2 (RFC 9293 3.8.3), persist (3.8.6.1). */
#include "control.h"
#include "data.h"
#include "pmtu.h"

enum {
	GRANULARITY_US = 1000,
	RTO_AFTER_SYN_LOSS_US = 3000000, /* RFC 6298 5.7 */
	RTO_MAX_MS = TG_RTO_MAX_US / 1000,
	BACKOFF_MAX = 16,          /* 60 s is reached long before */
	R1 = 3,                    /* retransmissions until the neighbour is asked again (DT-08) */
	R2_MS = 100000,            /* until the connection is given up (TO-03) */
	TSECR_AGE_MAX_MS = 600000, /* an older echo is no sample */
	OVERRIDE_MS = 500,         /* DT-27: 0.1 to 1 s */
	/* DT-31: timeouts until a smaller segment is tried, and where such long ones got through
	 * before; how often each size is tried; and the sizes. */
	HOLE_RTOS = 2,
	HOLE_RTOS_PROVEN = 4,
	HOLE_TRIES = 2,
	HOLE_MSS_V6 = 1220,
	HOLE_MSS_V4 = 1024,
	HOLE_MSS_LEAST_V4 = 536,
};

/* --- RTT --- */

uint32_t tg_rto_of(uint32_t srtt_us, uint32_t rttvar_us, const struct tg_tcp_conf *conf)
{
	uint64_t rto = TG_RTO_INITIAL_US, least = (uint64_t)conf->rto_min_ms * 1000;
	uint64_t var = 4ull * rttvar_us;

	if (srtt_us)
		rto = srtt_us + (var > GRANULARITY_US ? var : GRANULARITY_US);
	if (rto < least)
		rto = least;
	return (uint32_t)(rto > TG_RTO_MAX_US ? TG_RTO_MAX_US : rto);
}

void tg_rto_update(struct tg_tcb *tcb)
{
	tcb->rto_us = tg_rto_of(tcb->srtt_us, tcb->rttvar_us, tcb->conf);
}

/* RFC 6298 2.2, 2.3 (DT-04). */
static uint32_t add_sample(struct tg_tcb *tcb, uint64_t us)
{
	uint32_t r = (uint32_t)(us < 1 ? 1 : us > TG_RTO_MAX_US ? TG_RTO_MAX_US : us);
	uint32_t diff;

	if (tcb->srtt_us == 0) {
		tcb->srtt_us = r;
		tcb->rttvar_us = r / 2;
	} else {
		diff = tcb->srtt_us > r ? tcb->srtt_us - r : r - tcb->srtt_us;
		tcb->rttvar_us = (uint32_t)((3ull * tcb->rttvar_us + diff) / 4);
		tcb->srtt_us = (uint32_t)((7ull * tcb->srtt_us + r) / 8);
	}
	tg_rto_update(tcb);
	tcb->backoff = 0;
	return r;
}

uint32_t tg_rto_sample(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	if (tcb->ts_on) { /* RFC 7323 4.1 */
		uint32_t age = tg_tcp_tsval(tcb->ts_offset, env) - seg->opts.tsecr;

		if (!seg->opts.has_ts || seg->opts.tsecr == 0 || age > TSECR_AGE_MAX_MS)
			return 0; /* ADV-53 */
		/* Karn, with timestamps: a repeat below the peer's window moves no TS.Recent there
		 * (RB-16), so its ACK still echoes the first copy: that would measure the backoff.
		 */
		if (tcb->resent_ms && env->now_ms - age < tcb->resent_ms)
			return 0;
		tcb->resent_ms = 0;
		/* A clock of 1 ms cannot tell less. */
		return add_sample(tcb, age ? 1000ull * age : GRANULARITY_US);
	}
	if (tcb->rtt_start_ns == 0 || !tg_seq_gt(seg->ack, tcb->rtt_seq))
		return 0;
	/* A clock that steps back must not make a sample that wraps: it would cost a minute. */
	bool early = env->now_ns < tcb->rtt_start_ns;
	uint64_t us = early ? GRANULARITY_US : (env->now_ns - tcb->rtt_start_ns) / 1000;

	tcb->rtt_start_ns = 0;
	return add_sample(tcb, us);
}

uint64_t tg_rto_ms(const struct tg_tcb *tcb)
{
	uint64_t us = tcb->rto_us ? tcb->rto_us : TG_RTO_INITIAL_US, ms;
	uint32_t shift = tcb->backoff < BACKOFF_MAX ? tcb->backoff : BACKOFF_MAX;

	if (tcb->state == TG_SYN_SENT || tcb->state == TG_SYN_RECEIVED)
		us = TG_RTO_INITIAL_US;
	ms = ((us + 999) / 1000) << shift;
	return ms > RTO_MAX_MS ? RTO_MAX_MS : ms;
}

/* --- the handshake's ACK --- */

void tg_ack_handshake(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	uint32_t scale = (seg->ctl & TG_TCP_SYN) ? 0 : tcb->snd_scale; /* EST-14 */

	tcb->snd.wnd = (uint32_t)seg->wnd << scale;
	if (tcb->snd.wnd > tcb->snd.max_wnd)
		tcb->snd.max_wnd = tcb->snd.wnd;
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
	tcb->backoff = 0;
	if (!tcb->rexmit_syn || tcb->ts_on)
		tg_rto_sample(tcb, seg, env);
	if (tcb->srtt_us == 0) {
		tg_rto_update(tcb);
		if (tcb->rexmit_syn)
			tcb->rto_us = RTO_AFTER_SYN_LOSS_US;
	}
	tcb->rtt_start_ns = 0;
	tcb->snd.una = seg->ack;
	tcb->rexmit_nxt = tcb->snd.nxt;
	if (tcb->tx.chunk_n == 0)
		tcb->tx_end = tcb->snd.nxt;
	tg_recovery_init(tcb);
	tcb->syn_sent_n = 0;
	tcb->probes = 0;
	tcb->rexmit_since_ms = tcb->rexmit_from_ms = 0;
	tcb->persist = false;
	tcb->deadline[TG_T_REXMIT] = 0;
	tg_tx_settle(tcb, env);
}

/* --- the timer --- */

/* How long the peer may leave us without progress. */
static uint64_t patience_of(const struct tg_tcp_conf *conf)
{
	return conf->user_timeout_ms ? conf->user_timeout_ms : R2_MS;
}

static uint64_t patience_ms(const struct tg_tcb *tcb)
{
	return patience_of(tcb->conf);
}

uint64_t tg_rto_due(const struct tg_tcp_conf *conf, uint64_t now_ms, uint64_t ms)
{
	uint64_t most = patience_of(conf);

	if (ms > RTO_MAX_MS)
		ms = RTO_MAX_MS;
	return now_ms + (ms < most ? ms : most);
}

/* When TG_T_REXMIT is due if it starts now: in `ms`, or when patience ends. */
static uint64_t due(const struct tg_tcb *tcb, uint64_t now_ms, uint64_t ms)
{
	uint64_t at = now_ms + ms;
	uint64_t since = tcb->rexmit_since_ms ? tcb->rexmit_since_ms : tcb->rexmit_from_ms;
	uint64_t end = (since ? since : now_ms) + patience_ms(tcb);

	if (at > end && !(tcb->persist && tcb->rexmit_since_ms == 0))
		at = end;
	return at > now_ms ? at : now_ms + 1;
}

static void start_persist(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	uint64_t ms;

	if (tcb->persist && tcb->deadline[TG_T_REXMIT])
		return;
	tcb->persist = true;
	tcb->backoff = 0;
	tcb->probes = 0;
	tcb->rexmit_since_ms = tcb->rexmit_from_ms = 0;
	/* What is in flight past a closed window is for the probes to repeat. */
	tcb->rexmit_nxt = tcb->snd.nxt;
	if (tcb->recovery)
		tcb->cwnd = tcb->ssthresh;
	tcb->recovery = tcb->loss = tcb->rack.plain = false;
	tcb->dupacks = 0;
	tg_rack_stop(tcb);
	ms = tg_rto_ms(tcb);
	if (tcb->snd.wnd > 0)
		ms = OVERRIDE_MS;
	tcb->deadline[TG_T_REXMIT] = due(tcb, env->now_ms, ms);
}

/* The window has opened over what the probes sent: once more from SND.UNA, with no more at once
 * than after any silence (DT-22). Without a probe less than a timeout has passed, and what is in
 * flight is for its ACKs to judge: a peer that opens and closes its window must not have all of it
 * sent again for each two ACKs (ADV-48). */
static void stop_persist(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	bool probed = tcb->backoff > 0;

	if (!tcb->persist)
		return;
	tcb->persist = tcb->probe_due = false;
	tcb->backoff = 0;
	tcb->probes = 0;
	tcb->rexmit_since_ms = tcb->rexmit_from_ms = 0;
	tcb->deadline[TG_T_REXMIT] = 0;
	if (tg_data_flight(tcb) == 0 || !probed)
		return;
	if (tcb->cwnd > tg_cc_initial(tcb))
		tcb->cwnd = tg_cc_initial(tcb);
	tg_recovery_repeat(tcb, env);
}

/* DT-06, RFC 6298 5.1, 5.2: it runs while something is in flight, and stops with the last ACK. */
void tg_tx_settle(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	bool flight = tg_data_flight(tcb) > 0;
	bool waiting = tg_data_is_waiting(tcb);

	if (!tg_data_may_send(tcb) || tcb->syn_unacked) /* the SYN-ACK's timer runs (UC-05) */
		return;
	if (tcb->snd.wnd == 0 && (flight || waiting)) {
		start_persist(tcb, env);
		return;
	}
	if (tcb->persist) {
		if (!flight && waiting && !tg_data_has_text(tcb, env->chunks) &&
		    tcb->deadline[TG_T_REXMIT] <= env->now_ms + OVERRIDE_MS)
			return; /* the override timer runs */
		stop_persist(tcb, env);
	}
	if (flight) {
		if (tcb->deadline[TG_T_REXMIT] == 0) {
			if (tcb->rexmit_from_ms == 0)
				tcb->rexmit_from_ms = env->now_ms;
			tcb->deadline[TG_T_REXMIT] = due(tcb, env->now_ms, tg_rto_ms(tcb));
		}
		if (tcb->sack_on && tcb->deadline[TG_T_RACK] == 0)
			tg_rack_arm(tcb, env);
		return;
	}
	tg_rack_stop_timer(tcb);
	tcb->rack.tlp_due = false;
	tcb->rexmit_from_ms = 0;
	if (waiting && !tg_data_has_text(tcb, env->chunks)) {
		start_persist(tcb, env);
	} else {
		tcb->deadline[TG_T_REXMIT] = 0;
	}
}

/* R2 or the user timeout is over: CLOSED, and a RST in case the peer still listens (TO-08). */
static void give_up(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	bool by_user = tcb->conf->user_timeout_ms != 0;

	tg_ctr_inc(env->ctr, by_user ? TG_CTR_abort_user_timeout : TG_CTR_abort_r2);
	tcb->deadline[TG_T_REXMIT] = 0;
	tg_reply_rst_c(tcb, env, act);
	tg_enter_closed(tcb, TG_CLOSE_TIMEOUT, env, act);
}

static void count_backoff(struct tg_tcb *tcb, struct tg_act *act)
{
	if (tcb->backoff < UINT8_MAX)
		tcb->backoff++;
	if (tcb->backoff == R1)
		act->events |= TG_EV_NEIGH;
}

static void persist_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tcb->probe_due = true;
	if (tcb->snd.wnd > 0) {
		tcb->deadline[TG_T_REXMIT] = due(tcb, env->now_ms, OVERRIDE_MS);
		return;
	}
	if (tcb->rexmit_since_ms == 0)
		tcb->rexmit_since_ms = env->now_ms;
	if (tcb->probes < UINT8_MAX)
		tcb->probes++;
	count_backoff(tcb, act);
	tcb->deadline[TG_T_REXMIT] = due(tcb, env->now_ms, tg_rto_ms(tcb));
}

/* --- black holes, DT-31 --- */

/* RFC 4821 7.7: segments that vanish without a word. After so many timeouts a smaller one is tried,
 * then a smaller one still; then the cause is another. */
static void try_smaller(struct tg_tcb *tcb)
{
	uint32_t least = tcb->v6 ? HOLE_MSS_V6 : HOLE_MSS_V4,
		 hdrs = tcb->v6 ? TG_HDRS_V6 : TG_HDRS_V4;
	/* Both count the options. A small queue never fills a whole segment (tg_tx_size). */
	uint32_t full = tcb->snd.mss - tg_tx_mss(tcb) + tg_tx_size(tcb);
	uint32_t from = tcb->path.proven >= full ? HOLE_RTOS_PROVEN : HOLE_RTOS;

	if (tcb->path.hole) {
		if (tcb->backoff == tcb->path.hole_backoff + HOLE_TRIES && !tcb->v6)
			tg_pmtu_set(tcb, HOLE_MSS_LEAST_V4 + hdrs);
		if (tcb->backoff != tcb->path.hole_backoff + 2 * HOLE_TRIES)
			return;
		tg_pmtu_set(tcb, tcb->path.hole + hdrs);
		tcb->path.hole = 0;
		return;
	}
	if (tcb->backoff != from || tcb->snd.mss <= least ||
	    tg_seq_diff(tcb->snd.nxt, tcb->snd.una) < (int32_t)tg_tx_size(tcb))
		return;
	tcb->path.hole = tcb->snd.mss;
	tcb->path.hole_backoff = tcb->backoff;
	tg_pmtu_set(tcb, least + hdrs);
}

void tg_tx_proven(struct tg_tcb *tcb, struct tg_act *act)
{
	if (tcb->path.hole == 0)
		return;
	tcb->path.hole = 0;
	act->events |= TG_EV_PTB;
}

void tg_tx_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	bool started = tcb->rexmit_since_ms == 0; /* a probe starts patience, and is no timeout */
	bool first = started || tcb->rack.tlp_out;

	tcb->deadline[TG_T_REXMIT] = 0;
	if (!tcb->persist && tg_data_flight(tcb) == 0) {
		tg_tx_settle(tcb, env);
		return;
	}
	if (started && !tcb->persist) /* TO-08: patience counts from the first sending */
		tcb->rexmit_since_ms = tcb->rexmit_from_ms ? tcb->rexmit_from_ms : 1;
	if (tcb->rexmit_since_ms && env->now_ms >= tcb->rexmit_since_ms + patience_ms(tcb)) {
		give_up(tcb, env, act);
		return;
	}
	if (tcb->persist) {
		persist_timeout(tcb, env, act);
		return;
	}
	tg_ctr_inc(env->ctr, TG_CTR_rto);
	tg_pmtu_timeout(tcb, env, act);
	count_backoff(tcb, act);
	try_smaller(tcb);
	tg_recovery_timeout(tcb, first, env);
	tcb->deadline[TG_T_REXMIT] = due(tcb, env->now_ms, tg_rto_ms(tcb));
}
