/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_check.c: what must hold in each world by itself, and how a world goes on when the network
 * does all it can: everything that was sent arrives once, in some order, before any timer fires. */
#include "prove.h"

/* RFC 9293 3.8.1: what waits for an answer has a timer. */
static bool must_have_timer(const struct tg_tcb *tcb)
{
	return !tg_seq_eq(tcb->snd.una, tcb->snd.nxt) || tg_seq_gt(tcb->tx_end, tcb->snd.nxt) ||
	       (tcb->fin_queued && !tcb->fin_sent);
}

void prove_check(struct prove_bench *b, const struct prove_world *w)
{
	for (int i = 0; i < 2; i++) {
		const struct prove_end *e = &w->end[i];
		if (e->has_tcb && must_have_timer(&e->tcb) && !e->tcb.deadline[TG_T_REXMIT])
			prove_break(b, TG_PROVE_TIMER, i, NULL);
		if (e->has_tw && !e->tw_until_ms)
			prove_break(b, TG_PROVE_TIMER, i, NULL);
	}
}

bool prove_is_over(const struct prove_bench *b, const struct prove_world *w)
{
	for (int i = 0; i < 2; i++) {
		const struct prove_end *e = &w->end[i];
		const char *p = prove_program(b, i) + e->pc;
		if (e->has_tcb || e->has_tw)
			return false;
		if (!prove_listens(b, i) && *p != '\0')
			return false;
	}
	return true;
}

bool prove_easy_move(const struct prove_bench *b, const struct prove_world *w, struct prove_move *m)
{
	if (prove_is_over(b, w))
		return false;
	for (uint8_t i = 0; i < w->net_n; i++) {
		if (w->net[i].arrived)
			continue;
		*m = (struct prove_move){MOVE_ARRIVE, i};
		return true;
	}
	for (uint8_t i = 0; i < 2; i++) {
		if (!prove_next_call(b, w, i))
			continue;
		*m = (struct prove_move){MOVE_USER, i};
		return true;
	}
	for (uint8_t i = 0; i < 2; i++) {
		const struct prove_end *e = &w->end[i];
		if (!e->has_tcb || !e->tcb.deadline[TG_T_REXMIT] || e->fired)
			continue;
		*m = (struct prove_move){MOVE_TIMER, i};
		return true;
	}
	*m = (struct prove_move){MOVE_TICK, 0};
	return true;
}
