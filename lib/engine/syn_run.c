/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_run.c: the run: IPv4 SYNs that look like many of the bursts before, sixteen at a time
 * (tg_syn_lane.h). What they have in common was found out when the shape was learnt, and is good as
 * long as nothing has changed that it was found from; whoever does not look so goes through the
 * rest of the stage. Numbers in the arrays are places in the burst. */
#include "neigh_table.h"
#include "syn_way.h"

enum {
	LEARN_MIN = 8,  /* so many of one shape in a burst, and the next are looked at for it */
	MISSES_MAX = 4, /* so many bursts with few of it, and they are not any more */
	FEW = 4,        /* one part in so many */
};
_Static_assert(TG_SYN_BATCH_MAX % TG_SYN_LANE == 0, "calls of the lane end with the arrays");

/* --- learn --- */

/* No source may be in our networks; where it takes more than the lane's eyes, none is taken. */
static bool learn_near(const struct tg_neigh *n, struct tg_syn_rows *rows)
{
	for (uint32_t i = 0; i < n->subnet_first[TG_PORT_MAX]; i++)
		if (!tg_syn_rows_near(rows, n->subnet[i].net, n->subnet[i].mask))
			return false;
	return n->own_n == 0;
}

void tg_syn_run_learn(struct tg_engine *e, const struct tg_syn_way *way, uint32_t n)
{
	struct tg_syn_run *run = &e->syn.run;
	const struct tg_syn_side *side = &e->syn.side[0];

	/* What is in the run now is answered yet, as it was learnt. */
	if (n < LEARN_MIN || run->on || run->mask || !run->lane)
		return;
	run->word = tg_syn_terms_agree(&way->terms, &side->shape.syn, &run->agreed);
	if ((run->agreed & TG_SYN_ODD) ||
	    !tg_syn_rows_init(&run->rows, &side->shape, &way->laddr) ||
	    !learn_near(e->neigh, &run->rows))
		return;
	run->way = *way;
	run->way.formed = 0;
	run->port = side->shape_port;
	run->misses = 0;
	for (uint32_t i = 0; i < TG_SYN_BATCH_MAX; i++)
		run->last[i] = tg_syn_promise_end(run->word);
	run->on = true;
}

/* --- take --- */

/* What is no frame of the shape, and is looked at in place of those that need not be. */
static const uint8_t nothing[TG_HDR_MAX];

static inline uint32_t csums_of(const struct tg_pkt *pkt)
{
	return pkt->l3_csum | (uint32_t)pkt->l4_csum << 8;
}

/* Of in[at] and on; all of them are said to have the same checksums right by the carrier. */
static uint32_t take_lane(struct tg_syn_run *run, const struct tg_pkt in[], uint32_t at, uint32_t n)
{
	const uint8_t *data[TG_SYN_LANE];
	uint32_t csums = csums_of(&in[at]), len = run->rows.len, port = run->port;
	uint32_t check = (in[at].l3_csum == TG_CSUM_GOOD ? 0 : TG_SYN_CHECK_IP) |
			 (in[at].l4_csum == TG_CSUM_GOOD ? 0 : TG_SYN_CHECK_TCP);
	uint32_t end = n - at < TG_SYN_LANE ? n - at : TG_SYN_LANE;

	for (uint32_t i = 0; i < end; i++) {
		const struct tg_pkt *pkt = &in[at + i];
		uint32_t other = (pkt->port ^ port) | (csums_of(pkt) ^ csums);
		bool is_short = (pkt->len < len) | (pkt->cap < TG_HDR_MAX);
		data[i] = (other | is_short) ? nothing : pkt->data;
	}
	for (uint32_t i = end; i < TG_SYN_LANE; i++)
		data[i] = nothing;
	return run->lane->read(&run->rows, data, check, &run->cols, &run->batch, at);
}

/* Where few are taken again and again, it is over. */
static void judge(struct tg_syn_run *run, uint32_t n)
{
	uint32_t had = (uint32_t)__builtin_popcountll(run->mask);

	run->misses = had && had >= n / FEW ? 0 : run->misses + 1;
	run->on = run->misses < MISSES_MAX;
}

uint64_t tg_syn_run_take(struct tg_engine *e, const struct tg_pkt in[], uint32_t n)
{
	struct tg_syn_run *run = &e->syn.run;
	const uint64_t *m[] = {run->batch.addr[0], run->batch.end};

	run->mask = 0;
	if (!run->on || n == 0)
		return 0;
	if (!tg_syn_way_is_good(e, &run->way)) {
		run->on = false;
		return 0;
	}
	for (uint32_t at = 0; at < n; at += TG_SYN_LANE)
		run->mask |= (uint64_t)take_lane(run, in, at, n) << at;
	judge(run, n);
	if (run->mask == 0)
		return 0;
	run->way.stamp = e->syn.stamp - 1;
	run->batch.n = n;
	if (run->way.asks & TG_ASK_BUDGET)
		tg_budget_meet(e->budget, run->cols.peer, n, e->lanes, run->prefix);
	e->lanes->hash13(&e->secret.tuple, m, 2, run->batch.hash, n);
	tg_table_prefetch_all(&e->table, run->batch.hash, n);
	tg_tw_store_prefetch_all(e->tw, run->batch.hash, n);
	return run->mask;
}

/* --- find --- */

uint64_t tg_syn_run_find(struct tg_engine *e)
{
	struct tg_syn_run *run = &e->syn.run;
	struct tg_syn_batch *b = &run->batch;

	if (run->mask == 0)
		return 0;
	uint64_t any = tg_table_find_any(&e->table, b->hash, b->n) |
		       tg_tw_store_find_any(e->tw, b->hash, b->n);

	tg_syn_batch_mac(b, run->last, run->agreed & TG_SYN_TS, &e->cookie, e->lanes);
	tg_synack_promise(&run->answer, &e->cookie, run->word);
	return any & run->mask;
}

/* --- answer --- */

/* Behind the last one of the run that begins with number i and may be answered now, as far as
 * tables and out[] go. */
static uint32_t run_end(const struct tg_engine *e, uint32_t i, uint32_t n, bool moved)
{
	const struct tg_syn_batch *b = &e->syn.run.batch;
	uint64_t not_in = ~(e->syn.run.mask & e->syn.mask) >> i, met = 0;
	uint32_t len = n - i, room = tg_out_room(&e->out);

	if (not_in && (uint32_t)__builtin_ctzll(not_in) < len)
		len = (uint32_t)__builtin_ctzll(not_in);
	len = len < room ? len : room;
	if (moved)
		met = tg_table_find_any(&e->table, &b->hash[i], len) |
		      tg_tw_store_find_any(e->tw, &b->hash[i], len);
	if (met && (uint32_t)__builtin_ctzll(met) < len)
		len = (uint32_t)__builtin_ctzll(met);
	return i + len;
}

/* What is the same in the views of all answers. */
static struct tg_pkt view_of(const struct tg_syn_run *run)
{
	const struct tg_synack *s = &run->way.form[run->agreed];

	return (struct tg_pkt){.len = s->len,
			       .port = run->way.port,
			       .tx_flags = s->tx_flags,
			       .l2_len = s->l2_len,
			       .l3_len = s->l3_len,
			       .l4_len = s->l4_len};
}

/* The view of an answer that will stand where in does. What is the same goes in one piece. */
static inline void put_view(struct tg_pkt *out, const struct tg_pkt *in, const struct tg_pkt *same)
{
	enum { REST = offsetof(struct tg_pkt, rss_hash) };

	out->data = in->data;
	out->handle = in->handle;
	out->len = same->len;
	out->cap = in->cap;
	memcpy(&out->rss_hash, &same->rss_hash, sizeof(*out) - REST);
}

/* Where each has to be asked for, or it is not known where to. False: number k leaves. */
static bool ask(struct tg_engine *e, const struct tg_pkt *in, uint32_t k, uint8_t **row,
		struct tg_syn_tally *tally)
{
	struct tg_syn_run *run = &e->syn.run;
	struct tg_syn_way *w = &run->way;
	bool limited = false;

	if (!tg_syn_way_may(e, w, &run->batch, k, &limited))
		return false;
	if (limited) {
		tally->limited++;
		tg_rx_put_back(e, in);
		return true;
	}
	if (!(w->formed >> run->agreed & 1)) {
		tg_syn_way_form(e, w, run->agreed);
		tg_synack_rows_init(&run->answer, &w->form[run->agreed]);
	}
	const struct tg_pkt same = view_of(run);

	put_view(&e->out.pkt[e->out.n++], in, &same);
	run->cols.id[k] = tg_tx_ip_id(e);
	*row = in->data;
	return true;
}

/* Identifiers for numbers i to end: those of tg_tx_ip_id, four at a time. */
static void draw_ids(struct tg_engine *e, uint32_t id[], uint32_t i, uint32_t end)
{
	while (i < end && e->ip_id_n)
		id[i++] = tg_tx_ip_id(e);
	for (; i + 4 <= end; i += 4) {
		uint64_t ids = tg_rng_next(&e->rng);
		id[i] = (uint16_t)ids;
		id[i + 1] = (uint16_t)(ids >> 16);
		id[i + 2] = (uint16_t)(ids >> 32);
		id[i + 3] = (uint16_t)(ids >> 48);
	}
	while (i < end)
		id[i++] = tg_tx_ip_id(e);
}

/* Numbers i to end, where it is known where to, and nothing is asked. */
static void answer_all(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t end,
		       uint8_t *row[])
{
	struct tg_syn_run *run = &e->syn.run;
	const struct tg_pkt same = view_of(run);
	struct tg_pkt *out = &e->out.pkt[e->out.n];

	e->out.n += end - i;
	for (uint32_t k = i; k < end; k++) {
		row[k] = in[k].data;
		put_view(out++, &in[k], &same);
	}
	draw_ids(e, run->cols.id, i, end);
}

/* The same where the budget lets pass those of mask, which begins with number i. */
static void answer_some(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t end,
			uint64_t mask, uint8_t *row[])
{
	struct tg_syn_run *run = &e->syn.run;
	const struct tg_pkt same = view_of(run);

	for (uint32_t k = i; k < end; k++) {
		row[k] = run->waste;
		if (!(mask >> (k - i) & 1)) {
			tg_rx_put_back(e, &in[k]);
			continue;
		}
		row[k] = in[k].data;
		put_view(&e->out.pkt[e->out.n++], &in[k], &same);
		run->cols.id[k] = tg_tx_ip_id(e);
	}
}

/* The same where only the budget is asked. */
static void answer_in_budget(struct tg_engine *e, const struct tg_pkt in[], uint32_t i,
			     uint32_t end, uint8_t *row[], struct tg_syn_tally *tally)
{
	uint64_t mask =
	    tg_budget_take_met(e->budget, &e->syn.run.prefix[i], end - i, e->env.now_ms);
	uint32_t sent = (uint32_t)__builtin_popcountll(mask);

	tally->limited += end - i - sent;
	if (sent == end - i)
		answer_all(e, in, i, end, row);
	else
		answer_some(e, in, i, end, mask, row);
}

/* Numbers i to end, as many as are answered or limited; row[] is where their answers go. Returns
 * the first that leaves. */
static uint32_t answer_run(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t end,
			   uint8_t *row[], struct tg_syn_tally *tally)
{
	const struct tg_syn_way *w = &e->syn.run.way;
	bool each = w->asks & ~TG_ASK_BUDGET;

	for (; i < end && (each || w->stamp != e->syn.stamp); i++) {
		row[i] = e->syn.run.waste;
		if (!ask(e, &in[i], i, &row[i], tally))
			return i;
	}
	if (i == end)
		return i;
	if (w->asks & TG_ASK_BUDGET)
		answer_in_budget(e, in, i, end, row, tally);
	else
		answer_all(e, in, i, end, row);
	return end;
}

/* The rows of numbers from to end are written. */
static void write_rows(struct tg_syn_run *run, uint32_t from, uint32_t end, uint8_t *row[])
{
	uint32_t first = from & ~(TG_SYN_LANE - 1u);

	for (uint32_t k = first; k < from; k++)
		row[k] = run->waste;
	for (uint32_t k = end; k % TG_SYN_LANE; k++)
		row[k] = run->waste;
	for (uint32_t k = first; k < end; k += TG_SYN_LANE)
		run->lane->write(&run->answer, &run->cols, &run->batch, k, row + k);
}

uint32_t tg_syn_run_answer(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t n,
			   bool moved, struct tg_syn_tally *tally)
{
	struct tg_syn_run *run = &e->syn.run;
	struct tg_syn_way *w = &run->way;
	uint32_t sent = e->out.n, end = run_end(e, i, n, moved);
	uint8_t *row[TG_SYN_BATCH_MAX];

	e->env.mtu = w->mtu;
	end = answer_run(e, in, i, end, row, tally);
	sent = e->out.n - sent;
	if (sent == 0)
		return end;
	write_rows(run, i, end, row);
	w->l->cookie_ms = e->env.now_ms;
	w->l->cookie_wnd = w->wnd;
	tally->sent += sent;
	tally->bytes += (uint64_t)sent * w->form[run->agreed].len;
	return end;
}
