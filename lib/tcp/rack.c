/* SPDX-License-Identifier: BSD-3-Clause */
/* rack.c: RACK-TLP (RFC 8985): what was sent long enough before something that is delivered is
 * lost; and a probe when nothing comes back at all. Only with SACK. */
#include "data.h"

enum {
	MIN_RTT_AGE_MS = 60000, /* a minimum that is older counts no more (RFC 8985 5.3) */
	REO_PERSIST = 16,       /* recoveries, RFC 8985 6.2 step 4 */
	REO_MORE_MAX = 254,
	ACK_DELAY_MAX_US = 200000, /* TLP.max_ack_delay */
	PTO_MIN_US = 10000,        /* less is the peer's time to be scheduled, not a loss */
};

static uint32_t now_us(const struct tg_tcp_env *env)
{
	return (uint32_t)(env->now_ns / 1000);
}

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* RACK_sent_after, RFC 8985 6.2. */
static bool is_sent_after(uint32_t us1, tg_seq end1, uint32_t us2, tg_seq end2)
{
	return is_later(us1, us2) || (us1 == us2 && tg_seq_gt(end1, end2));
}

/* --- sending --- */

/* The time of a transmission up to end: never before the last one, and later by a microsecond when
 * their ends alone would tell the wrong order. */
static uint32_t stamp(struct tg_tcb *tcb, tg_seq end, const struct tg_tcp_env *env)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t us = now_us(env);

	if (tcb->sent.n > 0 && !is_later(us, r->sent_us))
		us = r->sent_us + (tg_seq_le(end, r->sent_end) ? 1 : 0);
	r->sent_us = us;
	r->sent_end = end;
	return us;
}

void tg_rack_sent(struct tg_tcb *tcb, tg_seq seq, tg_seq end, const struct tg_tcp_env *env)
{
	struct tg_sent *s = &tcb->sent;
	tg_seq known = tcb->snd.nxt;
	uint32_t us = stamp(tcb, end, env);

	if (tg_seq_lt(seq, known))
		tg_sent_again(s, env->chunks, seq, tg_seq_min(end, known), us);
	if (!tg_seq_gt(end, known))
		return;
	if (s->n == 0)
		tg_sent_init(s, known);
	tg_sent_push(s, env->chunks, end, us, tcb->srtt_us / 64);
}

/* --- what an ACK tells --- */

/* RFC 8985 6.2 step 2: the ACK may be of the first copy. What is SACKED stands above a hole, and
 * echoes what stood before the hole (RFC 7323 4.3): there the echo tells nothing. */
static bool is_ambiguous(const struct tg_tcb *tcb, const struct tg_seg *seg,
			 const struct tg_sent_news *news, uint32_t rtt_us,
			 const struct tg_tcp_env *env)
{
	uint32_t sent_ts = tg_tcp_tsval(tcb->ts_offset, env) - rtt_us / 1000;

	if (!news->again)
		return false;
	if (tcb->ts_on && seg->opts.has_ts && seg->opts.tsecr && news->sacked == 0 &&
	    (int32_t)(seg->opts.tsecr + 1 - sent_ts) < 0)
		return true;
	return rtt_us < tcb->rack.min_rtt_us;
}

/* RFC 8985 6.2 step 3. After a timeout nobody knows what was told before (DT-17). */
static void note_order(struct tg_tcb *tcb, const struct tg_sent_news *news, tg_seq top)
{
	struct tg_rack *r = &tcb->rack;

	if (news->has_fresh && r->has_fack && !tcb->loss && tg_seq_lt(news->fresh_low, r->fack))
		r->reordering = true;
	r->fack = r->has_fack ? tg_seq_max(r->fack, top) : top;
	r->has_fack = true;
}

static void note_min_rtt(struct tg_rack *r, uint32_t rtt_us, uint32_t now_ms)
{
	if (r->min_rtt_us && rtt_us > r->min_rtt_us && now_ms - r->min_ms < MIN_RTT_AGE_MS)
		return;
	r->min_rtt_us = rtt_us;
	r->min_ms = now_ms;
}

uint32_t tg_rack_delivered(struct tg_tcb *tcb, const struct tg_seg *seg,
			   const struct tg_sent_news *news, tg_seq top,
			   const struct tg_tcp_env *env)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t rtt_us = now_us(env) - news->us;

	if (!is_later(rtt_us, 0))
		rtt_us = 1;
	note_order(tcb, news, top);
	if (is_ambiguous(tcb, seg, news, rtt_us, env))
		return 0;
	note_min_rtt(r, rtt_us, (uint32_t)env->now_ms);
	r->rtt_us = rtt_us;
	if (!r->on || is_sent_after(news->us, news->end, r->us, r->end)) {
		r->us = news->us;
		r->end = news->end;
		tcb->sent.walked = false;
	}
	r->on = tcb->sent.n > 0; /* a time that nothing is compared with grows too old to keep */
	return rtt_us;
}

/* RFC 8985 6.2 step 4: a round that brings D-SACKs widens the window, 16 recoveries without one
 * make it narrow again. */
void tg_rack_dsack(struct tg_tcb *tcb)
{
	struct tg_rack *r = &tcb->rack;

	if (r->has_round && tg_seq_lt(tcb->snd.una, r->dsack_round))
		return;
	r->has_round = true;
	r->dsack_round = tcb->snd.nxt;
	r->more = (uint8_t)(r->more < REO_MORE_MAX ? r->more + 1 : REO_MORE_MAX);
	r->persist = REO_PERSIST;
}

void tg_rack_recovered(struct tg_tcb *tcb)
{
	struct tg_rack *r = &tcb->rack;

	if (r->persist > 0 && --r->persist == 0)
		r->more = 0;
	if (r->has_round && tg_seq_ge(tcb->snd.una, r->dsack_round))
		r->has_round = false;
}

/* --- what is lost --- */

/* RFC 8985 6.2 step 4; in bytes, the third duplicate has more than two segments SACKed. */
static uint32_t reo_window(const struct tg_tcb *tcb)
{
	const struct tg_rack *r = &tcb->rack;
	uint64_t wnd = (uint64_t)(r->more + 1u) * r->min_rtt_us / 4;
	uint32_t most = tcb->srtt_us ? tcb->srtt_us : r->rtt_us;

	if (!r->reordering && (tcb->recovery || tcb->loss || tcb->dupacks >= TG_DUP_THRESHOLD ||
			       tcb->sent.sacked > (TG_DUP_THRESHOLD - 1) * tg_tx_mss(tcb)))
		return 0;
	return wnd < most ? (uint32_t)wnd : most;
}

static void arm_reordering(struct tg_tcb *tcb, uint32_t wait_us, const struct tg_tcp_env *env)
{
	if (wait_us) {
		tcb->deadline[TG_T_RACK] = env->now_ms + (wait_us + 999) / 1000;
		tcb->rack.reo_runs = true;
	} else if (tcb->rack.reo_runs) {
		tg_rack_stop_timer(tcb);
	}
}

/* This record must wait: it was sent before what is delivered, but not long enough. */
static void note_waiting(struct tg_sent *s, uint32_t us)
{
	if (!s->waits || is_later(s->oldest_us, us))
		s->oldest_us = us;
	if (!s->waits || is_later(us, s->newest_us))
		s->newest_us = us;
	s->waits = true;
}

/* RFC 8985 6.2 step 5, for what was sent at old_at or before. The flags of whole records change, so
 * nothing is cut. */
static struct tg_rack_found walk(struct tg_tcb *tcb, const struct tg_chunks *chunks,
				 uint32_t old_at)
{
	struct tg_rack_found found = {false, false};
	const struct tg_rack *r = &tcb->rack;
	struct tg_sent *s = &tcb->sent;
	struct tg_sent_rec *rec = tg_sent_at(s, chunks, 0);
	tg_seq begin = s->una;

	s->waits = false;
	for (uint32_t n = tg_sent_n(s); n > 0; n--, begin = rec->end, rec++) {
		if ((rec->flags & (TG_SENT_SACKED | TG_SENT_LOST)) ||
		    !is_sent_after(r->us, r->end, rec->us, rec->end))
			continue;
		if (is_later(rec->us, old_at)) {
			note_waiting(s, rec->us);
			continue;
		}
		rec->flags |= TG_SENT_LOST;
		tg_sent_count_lost(s, begin, rec->end);
		found.any = true;
		tg_sent_may_pair(s, begin);
		found.again |= (rec->flags & TG_SENT_AGAIN) && is_later(rec->us, r->cut_us);
	}
	s->walked = true;
	return found;
}

/* ADV-42: a peer that SACKs byte after byte of what was sent before RACK.xmit_ts brings no new
 * loss; a walk for each would be its gain. Those that wait may have been SACKED since, so that the
 * timer is up to a window late. */
struct tg_rack_found tg_rack_detect(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	struct tg_rack_found found = {false, false};
	struct tg_sent *s = &tcb->sent;
	uint32_t old_at;

	if (!tcb->rack.on)
		return found;
	old_at = now_us(env) - tcb->rack.rtt_us - reo_window(tcb);
	if (!s->walked || (s->waits && !is_later(s->oldest_us, old_at)))
		found = walk(tcb, env->chunks, old_at);
	arm_reordering(tcb, s->waits ? s->newest_us - old_at : 0, env);
	return found;
}

void tg_rack_lose_none(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	struct tg_sent_rec *rec = tg_sent_at(&tcb->sent, env->chunks, 0);

	for (uint32_t i = 0; i < tg_sent_n(&tcb->sent); i++)
		rec[i].flags &= (uint8_t)~TG_SENT_LOST;
	tcb->sent.lost = 0;
	tcb->sent.pairs_low = tcb->sent.una;
	tcb->sent.walked = false;
}

/* --- tail loss probe --- */

/* RFC 8985 7.2. Two segments are acknowledged at once, less may wait for a delayed ACK; and a user
 * who wants no timeout before rto_min_ms wants no probe before it. */
uint64_t tg_rack_probe_us(uint32_t srtt_us, bool few, const struct tg_tcp_conf *conf)
{
	uint64_t pto = 2ull * srtt_us;

	if (pto < PTO_MIN_US)
		pto = PTO_MIN_US;
	if (few)
		pto += max32(ACK_DELAY_MAX_US, conf->rto_min_ms * 1000);
	return pto;
}

void tg_rack_arm(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	const struct tg_rack *r = &tcb->rack;
	uint64_t at;

	if (tcb->srtt_us == 0 || tcb->recovery || tcb->loss || r->tlp_out || r->tlp_due ||
	    tcb->sent.sacked || tcb->sent.lost || tcb->backoff)
		return;
	bool few = tg_data_flight(tcb) < 2 * tg_tx_mss(tcb);

	at = env->now_ms + (tg_rack_probe_us(tcb->srtt_us, few, tcb->conf) + 999) / 1000;
	if (at < tcb->deadline[TG_T_REXMIT])
		tcb->deadline[TG_T_RACK] = at;
}

/* RFC 8985 7.3: the timeout that stands behind the probe starts anew; patience does not. */
void tg_rack_probed(struct tg_tcb *tcb, bool again, const struct tg_tcp_env *env)
{
	struct tg_rack *r = &tcb->rack;

	r->tlp_due = false;
	r->tlp_out = true;
	r->tlp_again = again;
	r->tlp_end = tcb->snd.nxt;
	if (tcb->rexmit_since_ms == 0)
		tcb->rexmit_since_ms = tcb->rexmit_from_ms;
	tcb->deadline[TG_T_REXMIT] = 0;
	tg_ctr_inc(env->ctr, TG_CTR_tlp_probe);
}

/* RFC 8985 7.4.2. True: the probe has repaired a loss, and congestion control must hear of it. */
bool tg_rack_probe_answered(struct tg_tcb *tcb, const struct tg_seg *seg, bool dsack_of_it,
			    bool advances)
{
	struct tg_rack *r = &tcb->rack;
	bool is_plain_dup = !advances && seg->len == 0 && seg->opts.sack_n == 0;
	bool repaired = false;

	if (!r->tlp_out || tg_seq_lt(seg->ack, r->tlp_end))
		return false;
	if (r->tlp_again && !dsack_of_it) {
		repaired = tg_seq_gt(seg->ack, r->tlp_end);
		if (!repaired && !is_plain_dup)
			return false;
	}
	r->tlp_out = false;
	return repaired;
}

void tg_rack_timeout(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	struct tg_rack *r = &tcb->rack;
	bool is_reordering = r->reo_runs;

	tg_rack_stop_timer(tcb);
	if (is_reordering)
		tg_recovery_late(tcb, env);
	else if (tg_data_flight(tcb) > 0 && !tcb->persist && !tcb->recovery && !tcb->loss &&
		 tcb->sent.sacked == 0)
		r->tlp_due = true;
	tg_tx_settle(tcb, env);
}
