/* SPDX-License-Identifier: BSD-3-Clause */
/* engine_tick.c: time goes by. Ticks are run one by one, each with its own time, so that what is
 * due at different times happens in order, however late the call comes. */
#include "engine.h"
#include "pool.h"
#include "splice.h"

/* A SYN-ACK is repeated within the prefix's budget, and not while cookies are minted (DESIGN 4). */
static void limit_synack(struct tg_engine *e, uint32_t x, struct tg_act *act)
{
	const struct tg_tcb *tcb = &e->ext[x].tcb;

	if (act->has_reply && tcb->state == TG_SYN_RECEIVED && !tcb->active &&
	    tg_listen_is_armed(e, tcb->conn))
		act->has_reply = false;
	tg_listen_pays_synack(e, x, act);
}

static void fire(struct tg_engine *e, uint32_t conn)
{
	struct tg_conn *c = &e->conn[conn];
	struct tg_act act;
	uint32_t x;

	if (c->flags & TG_CONN_EXT) {
		x = c->word;
		tg_calm_wake(e, x);
		uint64_t deadline = tg_tcb_deadline(&e->ext[x].tcb);
		if (deadline == 0 || deadline > e->env.now_ms) { /* lazy: it was moved meanwhile */
			tg_conn_arm(e, x);
			return;
		}
	} else {
		x = tg_conn_attach_due(e, conn, e->env.now_ms);
		if (x == TG_NONE) {
			tg_ctr_inc(&e->ctr, TG_CTR_ext_wait);
			tg_wheel_arm(&e->wheel, conn, e->env.now_ms + 1);
			return;
		}
	}
	tg_conn_set_mtu(e, conn);
	tg_tcp_timeout(&e->ext[x].tcb, &e->env, &act);
	limit_synack(e, x, &act);
	tg_event_apply(e, x, &act, NULL);
}

/* One at a time: what one timer does may change any other. */
static uint32_t run_wheel(struct tg_engine *e, uint64_t tick, uint32_t budget)
{
	uint32_t n = 0, conn;

	while (n < budget && tg_wheel_advance(&e->wheel, tick, &conn, 1)) {
		fire(e, conn);
		tg_conn_reap(e);
		n++;
	}
	return n;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What neighbours have to do at once is of now, however long ago the last tick ran: requests are a
 * second apart (LN-04), and none is sent for a time that is over. */
static uint64_t neigh_next(const struct tg_engine *e, uint64_t now_tick)
{
	uint64_t next = tg_neigh_next(e->neigh);

	return next ? next : now_tick;
}

/* When TIME-WAIT, the neighbours, closed windows, pools or listeners have something to do; early is
 * allowed there. What TIME-WAIT has to do at once is of the tick that runs, not of now_ms, which is
 * rounded up: it would never come. */
static uint64_t others_next(const struct tg_engine *e, uint64_t now_tick)
{
	uint64_t tw = tg_tw_store_next(e->tw, now_tick);

	tw = min64(min64(tw, tg_arming_next(e)), tg_splices_next(e));
	return min64(min64(tw, neigh_next(e, now_tick)), min64(tg_zwin_next(e), tg_pools_next(e)));
}

/* Returns how many records were looked at. */
static uint32_t run_others(struct tg_engine *e, uint64_t tick, uint64_t now_tick, uint32_t budget)
{
	uint32_t n = tg_tw_store_expire(e->tw, tick, budget, tg_conn_dormant_gone, e);

	if (neigh_next(e, now_tick) <= tick) {
		e->last_dst_port = TG_NONE;
		tg_neigh_tick(e->neigh, tick, &e->out);
	}
	if (n < budget)
		n += tg_splices_tick(e, tick, budget - n);
	tg_arming_run(e);
	tg_zwin_run(e);
	tg_pools_tick(e);
	return n;
}

/* Runs ticks up to now_tick; true when nothing due is left. */
static bool run_ticks(struct tg_engine *e, uint64_t now_tick)
{
	uint32_t budget = e->conf.timer_budget;
	uint64_t from = 0; /* before it TIME-WAIT and the neighbours have nothing to do */

	while (tg_out_room(&e->out)) {
		uint64_t others = max64(others_next(e, now_tick), from);
		uint64_t tick = max64(min64(tg_wheel_next(&e->wheel), others), e->wheel.now);
		if (tick > now_tick)
			return true;
		if (budget == 0)
			break;
		tg_engine_clock(e, tick * TG_NS_PER_MS);
		uint32_t n = run_wheel(e, tick, budget);
		budget -= n;
		if (others <= tick && budget) {
			n = run_others(e, tick, now_tick, budget);
			from = n < budget ? tick + 1 : from;
			budget -= n < budget ? n : budget;
		}
		tg_event_poll(e);
		tg_tx_run(e);
	}
	if (budget == 0)
		tg_ctr_inc(&e->ctr, TG_CTR_wheel_late);
	return false;
}

uint32_t tg_engine_tick(struct tg_engine *e, struct tg_pkt out[], uint32_t max, uint64_t now_ns)
{
	uint64_t now_tick = max64(now_ns, e->env.now_ns) / TG_NS_PER_MS;
	uint32_t conn;

	tg_engine_begin(e, out, max);
	tg_event_poll(e);
	tg_tx_run(e);
	if (run_ticks(e, now_tick)) {
		tg_wheel_advance(&e->wheel, now_tick, &conn,
				 1); /* nothing is due: it only moves on */
		e->idle_tick = now_tick;
		tg_engine_clock(e, now_ns);
	}
	tg_event_scan(e);
	tg_splices_run(e);
	tg_tx_run(e);
	return tg_engine_end(e);
}

uint64_t tg_engine_next_deadline(const struct tg_engine *e)
{
	if (tg_event_is_waiting(e) || tg_splices_is_waiting(e))
		return 0;
	uint64_t tick = min64(tg_wheel_next(&e->wheel), max64(others_next(e, 0), e->idle_tick + 1));

	/* What waits for an extension or a buffer looks again with each tick. */
	if (e->close_wait.set_n || e->write_wait.set_n ||
	    ((e->draining || e->aborting) && !e->scan_done))
		tick = min64(tick, e->env.now_ms + 1);
	return tick >= UINT64_MAX / TG_NS_PER_MS ? UINT64_MAX : tick * TG_NS_PER_MS;
}
