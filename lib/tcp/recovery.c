/* SPDX-License-Identifier: BSD-3-Clause */
/* recovery.c: what to do about loss, counted in bytes (DT-20).
 *
 * Without SACK: fast retransmit and the recovery of RFC 5681 and RFC 6582, which know one hole at a
 * time, at SND.UNA. With SACK: RACK (rack.c) says what is lost, as many holes as there are; what is
 * in the network is SND.NXT - SND.UNA less what is SACKED or LOST (RFC 6675); and PRR (RFC 9937)
 * says how much may go out while it is repaired. A peer that agreed to SACK and sends no blocks is
 * treated as one without (rack.plain).
 *
 * The windows themselves are congestion control's (tg_cc.h). */
#include "data.h"

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* An ACK, and what was learnt from it. */
struct news {
	const struct tg_ack *ack;
	const struct tg_tcp_env *env;
	uint32_t rtt_us; /* the sample that it gave; 0 = none */
	bool dsack;      /* its first block tells of what came twice: [left, right) */
	tg_seq left, right;
	tg_seq top; /* the highest that is known to be delivered */
	struct tg_sent_news sent;
};

void tg_recovery_init(struct tg_tcb *tcb)
{
	tg_cc_init(tcb);
	tcb->dupacks = 0;
	tcb->recovery = tcb->loss = false;
	tcb->recover = tg_seq_sub(tcb->snd.una, 1);
}

/* An episode of repair begins; one that goes on keeps its beginning. */
static void begin_undo(struct tg_tcb *tcb)
{
	struct tg_rack *r = &tcb->rack;

	r->undo_to = tcb->snd.nxt;
	if (tcb->recovery || tcb->loss)
		return;
	r->undo_on = true;
	r->undo_first = false;
	r->undo_bytes = 0;
	r->undo_from = tcb->snd.una;
}

/* --- NewReno --- */

static void enter_plain(struct tg_tcb *tcb)
{
	begin_undo(tcb);
	/* RFC 5681 3.2 (2): what limited transmit has sent beyond cwnd does not count. */
	tg_cc_congestion(tcb, min32(tg_data_flight(tcb), tcb->cwnd), false);
	tcb->recover = tcb->snd.nxt;
	tcb->recovery = true;
	tcb->rack.plain = true;
	tcb->cwnd = tcb->ssthresh + TG_DUP_THRESHOLD * tg_tx_mss(tcb);
	tcb->rexmit_nxt = tcb->snd.una;
	tcb->rtt_start_ns = 0; /* Karn */
	tg_rack_stop(tcb);
}

/* RFC 6582 3.2 (3): the next hole stands at SND.UNA; deflate by what left the network. */
static void partial_plain(struct tg_tcb *tcb, uint32_t acked)
{
	uint32_t mss = tg_tx_mss(tcb);

	tcb->rexmit_nxt = tcb->snd.una;
	tcb->cwnd = tcb->cwnd > acked ? tcb->cwnd - acked : 0;
	if (acked >= mss)
		tcb->cwnd += mss;
	tcb->cwnd = max32(tcb->cwnd, mss);
}

static void finish_plain(struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_mss(tcb);

	tcb->recovery = false;
	tcb->rack.plain = false;
	tcb->cwnd = min32(tcb->ssthresh, max32(tg_data_flight(tcb), mss) + mss);
	tg_cc_recovered(tcb);
}

static void dupack_plain(struct tg_tcb *tcb)
{
	uint32_t most;

	if (tcb->loss)
		return;
	if (tcb->recovery) { /* ADV-46: never by more than was outstanding */
		most = tcb->ssthresh + (uint32_t)tg_seq_diff(tcb->recover, tcb->snd.una);
		if (tcb->cwnd < most)
			tcb->cwnd = min32(tcb->cwnd + tg_tx_mss(tcb), most);
		return;
	}
	if (tcb->dupacks < UINT8_MAX)
		tcb->dupacks++;
	/* RFC 6582 3.2 (2): ACKs of segments that a timeout sent twice look the same. */
	if (tcb->dupacks >= TG_DUP_THRESHOLD && tg_seq_gt(tcb->snd.una, tcb->recover))
		enter_plain(tcb);
}

/* --- was it needless? --- */

static void undo(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tcb->rack.undo_on = false;
	tg_ctr_inc(env->ctr, TG_CTR_spurious_undo);
	tg_cc_undo(tcb);
	tcb->recovery = tcb->loss = tcb->rack.plain = false;
	tcb->dupacks = 0;
	tcb->rexmit_nxt = tcb->snd.nxt;
	tg_rack_lose_none(tcb, env);
}

/* RFC 3708, RFC 2883: all that was sent again in the episode came twice. */
static void undo_by_dsack(struct tg_tcb *tcb, const struct news *a)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t n = (uint32_t)tg_seq_diff(a->right, a->left);

	if (!r->undo_on || !r->undo_first || tg_seq_lt(a->left, r->undo_from) ||
	    tg_seq_gt(a->right, r->undo_to))
		return;
	r->undo_bytes = r->undo_bytes > n ? r->undo_bytes - n : 0;
	if (r->undo_bytes > 0)
		return;
	r->reordering = true; /* it was not lost, so it was late */
	undo(tcb, a->env);
}

/* RFC 3522, RFC 4015: the ACK of the first repetition echoes what was sent before it. */
static void undo_by_echo(struct tg_tcb *tcb, const struct news *a)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t tsecr = a->ack->seg->opts.tsecr;

	if (!r->undo_on || !r->undo_first || !r->undo_ts || !a->ack->acked ||
	    tg_seq_lt(tcb->snd.una, r->undo_end))
		return;
	if (tcb->ts_on && a->ack->seg->opts.has_ts && tsecr && (int32_t)(tsecr - r->undo_ts) < 0)
		undo(tcb, a->env);
	r->undo_ts = 0;
}

void tg_recovery_sent(struct tg_tcb *tcb, tg_seq seq, tg_seq end, const struct tg_tcp_env *env)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t n = (uint32_t)tg_seq_diff(end, seq), pipe;

	r->out += n;
	if (tg_seq_lt(seq, tcb->snd.nxt)) {
		r->undo_bytes += n;
		if (r->undo_on && !r->undo_first) {
			r->undo_first = true;
			r->undo_end = end;
			r->undo_ts = tg_tcp_tsval(tcb->ts_offset, env);
		}
	}
	if (tcb->sack_on)
		tg_rack_sent(tcb, seq, end, env);
	pipe = tg_data_pipe(tcb) + (tg_seq_gt(end, tcb->snd.nxt) ? n : 0);
	r->limited = pipe + tg_tx_mss(tcb) > tcb->cwnd ||
		     (tcb->cwnd < tcb->ssthresh && pipe >= tcb->cwnd / 2);
}

/* --- SACK --- */

/* Loss was found. Again: what was sent again is lost too, which is one more indication of
 * congestion (RFC 5681 4.3). */
static void cut(struct tg_tcb *tcb, const struct news *a)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t flight = tg_data_flight(tcb);

	begin_undo(tcb);
	tg_cc_congestion(tcb, min32(flight + a->ack->acked, tcb->cwnd), false);
	tcb->recover = tcb->snd.nxt;
	tcb->recovery = true;
	tcb->loss = r->plain = false;
	tcb->rexmit_nxt = tcb->snd.nxt;
	tcb->rtt_start_ns = 0; /* Karn */
	r->delivered = r->out = 0;
	r->early = tg_data_pipe(tcb);
	/* RFC 9937 6.1: what was SACKed before is not delivered in this recovery. */
	r->flight = flight - (tcb->sent.sacked - a->sent.sacked) + a->ack->acked;
	r->cut_us = r->sent_us;
	r->tlp_due = r->tlp_out = false;
	tg_rack_disarm(tcb);
}

/* RFC 9937 6.2: cwnd while loss is repaired. */
static void reduce_by_rate(struct tg_tcb *tcb, uint32_t delivered, bool is_safe)
{
	struct tg_rack *r = &tcb->rack;
	uint32_t pipe = tg_data_pipe(tcb), mss = tg_tx_mss(tcb), n;
	uint64_t share;

	r->delivered += delivered;
	if (pipe > tcb->ssthresh) {
		share = ((uint64_t)r->delivered * tcb->ssthresh + r->flight - 1) / r->flight;
		n = share > r->out ? (uint32_t)(share - r->out) : 0;
	} else {
		n = max32(r->delivered > r->out ? r->delivered - r->out : 0, delivered);
		n = min32(n + (is_safe ? mss : 0), tcb->ssthresh - pipe);
	}
	if (n < mss && (r->out == 0 || pipe == 0)) /* the first repetition goes at once */
		n = mss;
	tcb->cwnd = pipe + n;
}

/* Recovery is over, or the slow start after a timeout has passed what was lost. */
static void finish(struct tg_tcb *tcb)
{
	if (tcb->recovery) {
		tcb->cwnd = tcb->ssthresh;
		tg_cc_recovered(tcb);
	}
	tcb->recovery = tcb->loss = false;
	tg_rack_recovered(tcb);
}

/* Recovery took a round trip: what was in the network when cwnd was cut, as far as the new cwnd
 * allows it, and what was sent since has gone its way at the new pace. What of it has come back
 * when recovery ends counts for the next step of congestion avoidance, which is due a round trip
 * after the cut; it is counted with the ACK after the one that ends it, at which cwnd is ssthresh
 * (RFC 6675 5.1). Not so for a user who had nothing more to send: then only the last ACK counts. */
static uint32_t delivered_in_recovery(const struct tg_tcb *tcb, const struct news *a)
{
	const struct tg_rack *r = &tcb->rack;
	uint32_t left = tg_data_pipe(tcb) + tcb->sent.lost;
	uint32_t all = min32(r->early, tcb->ssthresh) + r->out;

	if (!tcb->held_back && !tg_data_is_waiting(tcb))
		return min32(a->sent.delivered, a->ack->acked);
	return min32(all > left ? all - left : 0, tcb->ssthresh);
}

/* The first block tells of what came twice: at or below the ACK, or inside the second block (RFC
 * 2883 5). */
static bool is_dsack(const struct tg_seg *seg)
{
	const struct tg_sack_block *b = seg->opts.sack;

	if (tg_seq_lt(b[0].left, seg->ack))
		return tg_seq_le(b[0].right, seg->ack);
	return seg->opts.sack_n > 1 && tg_seq_le(b[1].left, b[0].left) &&
	       tg_seq_le(b[0].right, b[1].right);
}

/* What lies above SND.UNA of the blocks that can be true (DT-16). */
static void note_blocks(struct tg_tcb *tcb, struct news *a)
{
	const struct tg_tcp_opts *opts = &a->ack->seg->opts;

	for (uint32_t i = 0; i < opts->sack_n; i++) {
		const struct tg_sack_block *b = &opts->sack[i];

		if (!tg_data_is_block_possible(tcb, b))
			continue;
		if (i == 0 && is_dsack(a->ack->seg)) {
			a->dsack = true;
			a->left = b->left;
			a->right = b->right;
		} else if (tg_seq_gt(b->right, tcb->snd.una) &&
			   tg_sent_sack(&tcb->sent, a->env->chunks,
					tg_seq_max(b->left, tcb->snd.una), b->right, &a->sent)) {
			a->top = tg_seq_max(a->top, b->right);
		}
	}
}

static void note(struct tg_tcb *tcb, struct news *a)
{
	a->top = tcb->snd.una;
	if (a->ack->acked && tcb->sent.n > 0)
		tg_sent_ack(&tcb->sent, a->env->chunks, tcb->snd.una, &a->sent);
	if (a->ack->seg->opts.sack_n)
		note_blocks(tcb, a);
	if (a->ack->acked)
		tcb->dupacks = 0;
	else if (a->sent.sacked && tcb->dupacks < UINT8_MAX)
		tcb->dupacks++;
	if (a->sent.any) {
		uint32_t rtt_us = tg_rack_delivered(tcb, a->ack->seg, &a->sent, a->top, a->env);

		if (rtt_us)
			a->rtt_us = rtt_us;
	}
	if (a->dsack) {
		tg_ctr_inc(a->env->ctr, TG_CTR_dsack_rcvd);
		if (tcb->rexmits)
			tg_rack_dsack(tcb);
	}
}

/* The tail loss probe was answered: one loss, and it is repaired (RFC 8985 7.4.2). */
static void hear_probe(struct tg_tcb *tcb, const struct news *a)
{
	bool dsack_of_it = a->dsack && tg_seq_eq(a->right, tcb->rack.tlp_end);

	if (!tg_rack_probe_answered(tcb, a->ack->seg, dsack_of_it, a->ack->acked > 0) ||
	    tcb->recovery || tcb->loss)
		return;
	tg_cc_congestion(tcb, min32(tg_data_flight(tcb) + a->ack->acked, tcb->cwnd), false);
	tcb->cwnd = tcb->ssthresh;
	tg_cc_recovered(tcb);
	tcb->rack.undo_on = false;
}

/* NewReno's recovery goes on as RACK's when the first block comes. */
static void leave_plain(struct tg_tcb *tcb, const struct news *a)
{
	struct tg_rack *r = &tcb->rack;

	r->plain = false;
	tcb->rexmit_nxt = tcb->snd.nxt;
	r->delivered = 0;
	r->out = tg_tx_mss(tcb);
	r->flight = tg_data_flight(tcb) + a->ack->acked;
	r->early = 0;
	r->cut_us = r->sent_us;
}

/* What RACK finds lost, and cwnd by it. */
static void detect(struct tg_tcb *tcb, const struct news *a)
{
	struct tg_rack_found found = tg_rack_detect(tcb, a->env);

	if (found.any)
		tg_ctr_inc(a->env->ctr, TG_CTR_rack_lost);
	if (found.again || (tcb->sent.lost > 0 && !tcb->recovery && !tcb->loss))
		cut(tcb, a);
	if (tcb->recovery && (a->sent.delivered || found.any))
		reduce_by_rate(tcb, a->sent.delivered, a->ack->acked > 0 && !found.any);
}

static void grow(struct tg_tcb *tcb, const struct news *a, uint32_t acked)
{
	if (!acked || tcb->recovery)
		return;
	/* It stays near, so that it is never half the sequence space behind. */
	tcb->recover = tg_seq_max(tcb->recover, tg_seq_sub(tcb->snd.una, 1));
	acked += tcb->rack.early;
	tcb->rack.early = 0;
	tg_cc_acked(tcb, acked, a->rtt_us, tcb->rack.limited && !a->ack->ece, a->env->now_ms);
}

static void arrives_plain(struct tg_tcb *tcb, const struct news *a)
{
	bool was_recovery = tcb->recovery;

	if (!a->ack->acked) {
		if (a->ack->is_dup && !a->ack->seg->opts.sack_n)
			dupack_plain(tcb);
		return;
	}
	tcb->dupacks = 0;
	if (was_recovery && tg_seq_ge(tcb->snd.una, tcb->recover))
		finish_plain(tcb);
	else if (was_recovery)
		partial_plain(tcb, a->ack->acked);
	else if (tcb->loss && tg_seq_ge(tcb->snd.una, tcb->recover))
		tcb->loss = false;
	if (!was_recovery)
		grow(tcb, a, a->ack->acked);
}

static void arrives_sack(struct tg_tcb *tcb, struct news *a)
{
	bool was_recovery;

	note(tcb, a);
	if (tcb->rack.tlp_out)
		hear_probe(tcb, a);
	if (tcb->rack.undo_on) {
		if (a->dsack)
			undo_by_dsack(tcb, a);
		undo_by_echo(tcb, a);
	}
	if (tcb->rack.plain && a->sent.sacked)
		leave_plain(tcb, a);
	was_recovery = tcb->recovery;
	if (tcb->rack.plain || (tcb->sent.sacked == 0 && !was_recovery && !tcb->loss)) {
		arrives_plain(tcb, a);
	} else {
		uint32_t acked = a->ack->acked;

		if ((was_recovery || tcb->loss) && tg_seq_ge(tcb->snd.una, tcb->recover)) {
			uint32_t early = was_recovery ? delivered_in_recovery(tcb, a) : 0;
			finish(tcb);
			tcb->rack.early = early;
			acked = was_recovery ? 0 : acked;
		}
		grow(tcb, a, acked);
	}
	/* Without a delivery RACK knows no more than before; what time alone tells is its timer's.
	 */
	if (a->sent.any && !tcb->rack.plain && (tcb->sent.sacked || tcb->recovery || tcb->loss))
		detect(tcb, a);
}

void tg_recovery_arrives(struct tg_tcb *tcb, const struct tg_ack *ack, const struct tg_tcp_env *env)
{
	struct news a = {.ack = ack, .env = env, .rtt_us = ack->rtt_us};

	if (tcb->sack_on) {
		arrives_sack(tcb, &a);
		return;
	}
	if (tcb->rack.undo_on)
		undo_by_echo(tcb, &a);
	arrives_plain(tcb, &a);
}

void tg_recovery_late(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	const struct tg_ack none = {.seg = NULL};
	struct news a = {.ack = &none, .env = env};

	if (!tcb->persist && !tcb->rack.plain)
		detect(tcb, &a);
}

/* --- timeouts and other reasons to begin at SND.UNA again --- */

void tg_recovery_repeat(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	tcb->dupacks = 0;
	tcb->recovery = tcb->rack.plain = false;
	tcb->loss = true;
	tcb->recover = tcb->snd.nxt;
	tcb->rtt_start_ns = 0; /* Karn */
	tcb->rexmit_nxt = tcb->snd.una;
	if (!tcb->sack_on)
		return;
	tg_rack_stop(tcb);
	tcb->rack.has_fack = false;
	tcb->rexmit_nxt = tcb->snd.nxt;
	tg_sent_lose_all(&tcb->sent, env->chunks); /* DT-17 */
}

void tg_recovery_timeout(struct tg_tcb *tcb, bool first, const struct tg_tcp_env *env)
{
	uint32_t flight = tg_data_flight(tcb);

	/* What was sent beyond the window that recovery had is no measure of the path. */
	if (tcb->sack_on)
		flight = min32(flight, tcb->cwnd);
	begin_undo(tcb);
	tg_cc_timeout(tcb, flight, first);
	tg_recovery_repeat(tcb, env);
}
