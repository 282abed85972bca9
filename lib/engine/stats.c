/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.c: sight. */
#include "engine.h"
#include "splice.h"

void tg_engine_stats(const struct tg_engine *e, struct tg_engine_stats *s)
{
	uint32_t scales = tg_cookies_scales(e, false), ever = tg_cookies_scales(e, true);

	*s = (struct tg_engine_stats){
	    .conn_count = e->conn_count,
	    .conn_max = e->conf.conn_max,
	    .tw_count = tg_tw_store_count(e->tw),
	    .tw_max = e->conf.tw_max,
	    .ext_used = e->ext_used,
	    .ext_max = e->conf.ext_max,
	    .chunk_used = e->chunks.n - e->chunks.free_n,
	    .chunk_max = e->conf.chunk_max,
	    .timer_count = e->wheel.count,
	    .neigh_count = tg_neigh_count(e->neigh),
	    .listener_n = e->listener_n,
	    .odds = tg_cookie_odds_scales(tg_cookie_odds(&e->cookie), scales),
	    .odds_worst = tg_cookie_odds_scales(tg_cookie_odds_worst(&e->cookie), ever),
	    .cookie_epoch = e->cookie.epoch,
	};
	tg_splices_stats(e, s);
	for (uint32_t i = 0; i < TG_STATE_N; i++)
		s->state[i] = e->state_n[i];
	s->state[TG_LISTEN] = e->listener_n;
	s->state[TG_TIME_WAIT] += s->tw_count;
	for (uint32_t i = 0; i < TG_LISTENER_MAX; i++)
		s->armed_n += e->listener[i].used && e->listener[i].armed;
}

uint32_t tg_engine_listeners(const struct tg_engine *e, struct tg_listener_stats stats[],
			     uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < TG_LISTENER_MAX && i < max; i++) {
		const struct tg_listener *l = &e->listener[i];
		stats[i] = (struct tg_listener_stats){.used = l->used};
		if (!l->used)
			continue;
		n = i + 1;
		stats[i].over = l->over;
		stats[i].why = l->over_why;
		stats[i].over_n = l->over_n;
		stats[i].half_n = l->half_n;
		stats[i].over_ms = l->over_ms;
	}
	return n;
}

const struct tg_counters *tg_engine_counters(const struct tg_engine *e)
{
	return &e->ctr;
}

enum tg_tcp_state tg_engine_state_of(const struct tg_engine *e, const struct tg_tuple *tuple)
{
	uint64_t hash = tg_tcp_tuple_hash(tuple, &e->secret);
	uint32_t conn = tg_conn_find(e, tuple, hash);

	if (conn != TG_NONE && conn >= e->conf.conn_max)
		return tg_splice_tcp_state(e, conn);
	if (conn != TG_NONE)
		return tg_conn_state(e, conn);
	return tg_tw_store_find(e->tw, hash) != TG_NONE ? TG_TIME_WAIT : TG_CLOSED;
}
