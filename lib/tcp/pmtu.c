/* SPDX-License-Identifier: BSD-3-Clause */
/* pmtu.c (DT-31): how large a segment the path takes (RFC 1191, RFC 8201), and whom to believe
 * about it (RFC 5927 7.2). A packet-too-big message lowers and never raises; what raises again is
 * age, which the engine keeps for each path (tg_pmtu_set).
 *
 * RB-22: when is a claim believed? Whoever sits beside the path can guess a number in flight, but
 * cannot make our segments get lost. So a claim is applied at once
 *   - when no segment longer than it was ever acknowledged since the connection began to move or
 * was lowered last: then nothing speaks against it (RFC 5927 calls this initial discovery), or
 *   - when what stands at SND.UNA has timed out already.
 * Otherwise longer segments got through, and the claim is kept: applied when the retransmission
 * timer fires with the quoted segment still unacknowledged, forgotten once it is acknowledged. Of
 * two claims the one that takes less away is kept. */
#include "pmtu.h"

#include "control.h"
#include "data.h"

static uint32_t headers(const struct tg_tcb *tcb)
{
	return tcb->v6 ? TG_HDRS_V6 : TG_HDRS_V4;
}

uint32_t tg_pmtu(const struct tg_tcb *tcb)
{
	return tcb->snd.mss + headers(tcb);
}

static uint32_t floor_of(const struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tcb->v6)
		return TG_PTB_MIN_V6;
	return env->pmtu_min_v4 ? env->pmtu_min_v4 : TG_PTB_MIN_V4;
}

/* RFC 1191 7.1: sizes that links have, the largest first. */
uint32_t tg_pmtu_plateau(const struct tg_tcb *tcb, uint32_t quoted_len,
			 const struct tg_tcp_env *env)
{
	static const uint16_t plateau[] = {65535, 32000, 17914, 8166, 4352, 2002,
					   1492,  1006,  508,   296,  68};
	uint32_t now = tg_pmtu(tcb), least = floor_of(tcb, env);

	/* More than we send now: sent before we were lowered, which is answered already; or, if we
	 * never were, a router that changes the length it quotes. */
	if (quoted_len == 0 || (quoted_len > now && tcb->path.full == 0))
		quoted_len = now;
	for (uint32_t i = 0; i < sizeof(plateau) / sizeof(plateau[0]); i++)
		if (plateau[i] < quoted_len)
			return plateau[i] > least ? plateau[i] : least;
	return least;
}

void tg_pmtu_set(struct tg_tcb *tcb, uint32_t mtu)
{
	uint32_t full = tcb->path.full ? tcb->path.full : tcb->snd.mss, mss;
	bool is_iw = tcb->cwnd == tg_cc_iw(tcb), is_one = tcb->cwnd == tg_tx_mss(tcb);

	if (tcb->conf->maxseg && full > tcb->conf->maxseg)
		full = tcb->conf->maxseg;
	mss = mtu && mtu - headers(tcb) < full ? mtu - headers(tcb) : full;
	tcb->path.full = mss < full ? (uint16_t)full : 0;
	if (mss == tcb->snd.mss)
		return;
	tcb->snd.mss = (uint16_t)mss;
	if (tcb->path.proven > mss)
		tcb->path.proven = (uint16_t)mss;
	/* A window that is counted in segments and has not moved yet stays what it is called. */
	if (is_iw)
		tcb->cwnd = tg_cc_iw(tcb);
	else if (is_one)
		tcb->cwnd = tg_tx_mss(tcb);
}

/* What was sent before the MSS fell is sent again in smaller pieces, the first too long segment at
 * once, the rest as slow start lets it; ssthresh keeps what cwnd was, for nothing was congested
 * (RFC 1191 6.4, RFC 8201 5.4). */
static void repeat(struct tg_tcb *tcb, uint32_t old_mss, const struct tg_tcp_env *env)
{
	uint32_t mss = tg_tx_mss(tcb), most = (old_mss + mss - 1) / mss * mss;

	if (tg_data_flight(tcb) == 0 || tcb->persist)
		return;
	if (tcb->ssthresh > tcb->cwnd)
		tcb->ssthresh = tcb->cwnd;
	if (tcb->cwnd > most)
		tcb->cwnd = most;
	tg_recovery_repeat(tcb, env);
	tcb->deadline[TG_T_REXMIT] = 0; /* output starts it again */
}

static void lower(struct tg_tcb *tcb, uint32_t mtu, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	tcb->path.claim = 0;
	tg_pmtu_set(tcb, mtu);
	act->events |= TG_EV_PTB;
	tg_ctr_inc(env->ctr, TG_CTR_ptb_applied);
}

static bool is_believed(const struct tg_tcb *tcb, uint32_t mss)
{
	return mss >= tcb->path.proven || tcb->backoff > 0;
}

static void keep(struct tg_tcb *tcb, tg_seq seq, uint32_t mtu, const struct tg_tcp_env *env)
{
	bool stale = tcb->path.claim && tg_seq_lt(tcb->path.claim_seq, tcb->snd.una);

	tg_ctr_inc(env->ctr, TG_CTR_ptb_kept);
	if (tcb->path.claim > mtu && !stale)
		return;
	tcb->path.claim = (uint16_t)mtu;
	tcb->path.claim_seq = seq;
}

/* The size of the first segment of that size is proven when it is acknowledged. */
static void learn_proven(struct tg_tcb *tcb)
{
	if (tcb->path.sent == 0 || tg_seq_lt(tcb->snd.una, tcb->path.sent_end))
		return;
	if (tcb->path.sent > tcb->path.proven)
		tcb->path.proven = tcb->path.sent;
	tcb->path.sent = 0;
}

/* RB-21, ADV-74: below the floor and above what is known it is ignored. */
void tg_pmtu_claim(struct tg_tcb *tcb, tg_seq seq, uint32_t mtu, const struct tg_tcp_env *env,
		   struct tg_act *act)
{
	uint32_t old = tg_tx_mss(tcb);

	if (mtu == 0 && !tcb->v6)
		mtu = tg_pmtu_plateau(tcb, 0, env);
	if (mtu < floor_of(tcb, env) ||
	    mtu - headers(tcb) >= (tcb->path.hole ? tcb->path.hole : tcb->snd.mss)) {
		act->verdict = TG_CTR_ptb_ignored;
		return;
	}
	if (tcb->path.hole) { /* a path that speaks is no black hole (DT-31) */
		tg_pmtu_set(tcb, tcb->path.hole + headers(tcb));
		tcb->path.hole = 0;
	}
	learn_proven(tcb);
	if (!is_believed(tcb, mtu - headers(tcb))) {
		keep(tcb, seq, mtu, env);
		return;
	}
	lower(tcb, mtu, env, act);
	repeat(tcb, old, env);
}

void tg_pmtu_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	uint32_t mtu = tcb->path.claim;

	if (mtu == 0)
		return;
	tcb->path.claim = 0;
	if (tg_seq_ge(tcb->path.claim_seq, tcb->snd.una) && mtu - headers(tcb) < tcb->snd.mss)
		lower(tcb, mtu, env, act);
}

void tg_pmtu_sent(struct tg_tcb *tcb, tg_seq end, uint32_t len, bool again)
{
	uint32_t mss = tg_tx_mss(tcb), size = len < mss ? len : mss;

	size += tcb->snd.mss - mss;
	if (again) { /* Karn: an ACK would not tell which copy it is of */
		tcb->path.sent = 0;
		return;
	}
	if (size <= tcb->path.proven)
		return;
	learn_proven(tcb);
	if (size > tcb->path.proven && size > tcb->path.sent) {
		tcb->path.sent = (uint16_t)size;
		tcb->path.sent_end = end;
	}
}
