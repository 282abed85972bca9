/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_way.h (private to syn*.c): what is the same for all SYNs to one place (struct tg_syn_way),
 * and what must be asked for each of them. */
#ifndef TG_ENGINE_SYN_WAY_H
#define TG_ENGINE_SYN_WAY_H

#include "engine.h"

/* What must be asked for each SYN to a way, beside what is asked once. */
enum { TG_ASK_BOGON = 1, TG_ASK_PEER = 2, TG_ASK_SOURCE = 4, TG_ASK_BUDGET = 8 };

/* What a run of answers has to be counted for, at its end. */
struct tg_syn_tally {
	uint64_t sent, bytes, limited;
};

/* place and laddr are filled in, mints is false: the rest, if SYNs to there that come by port with
 * VLAN vid are answered by cookies now. */
void tg_syn_way_fill(struct tg_engine *e, struct tg_syn_way *w, uint16_t port, uint16_t vid,
		     uint16_t lport);
/* Whether a way of a burst before may be gone again; where to is to be asked anew. */
bool tg_syn_way_is_good(struct tg_engine *e, const struct tg_syn_way *w);
/* Makes w->form[agreed]. */
void tg_syn_way_form(struct tg_engine *e, struct tg_syn_way *w, uint8_t agreed);
/* What else stands between number k of b and its answer. False: it leaves; *limited: it is over
 * the budget. */
bool tg_syn_way_may(struct tg_engine *e, struct tg_syn_way *w, const struct tg_syn_batch *b,
		    uint32_t k, bool *limited);

/* --- syn_run.c --- */

/* Those of in[n] that look like many before, by bit. */
uint64_t tg_syn_run_take(struct tg_engine *e, const struct tg_pkt in[], uint32_t n);
/* n SYNs of the burst had the shape of the first side, which came to way: others may. */
void tg_syn_run_learn(struct tg_engine *e, const struct tg_syn_way *way, uint32_t n);
/* As tg_syn_find. */
uint64_t tg_syn_run_find(struct tg_engine *e);
/* As tg_syn_answer, of a run that begins with in[i]. moved: other packets have changed the tables.
 */
uint32_t tg_syn_run_answer(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t n,
			   bool moved, struct tg_syn_tally *tally);

#endif
