/* SPDX-License-Identifier: BSD-3-Clause */
/* enter.c: the one place that changes the state. */
#include <assert.h>
#include <errno.h>

#include "control.h"

#define BIT(state) (1u << (state))

/* RFC 9293 3.3.2, figure 5, row = from. CLOSED and LISTEN begin blocks only: a cookie opens a
 * connection straight from LISTEN (SC-16). FIN-WAIT-1 to TIME-WAIT goes through FIN-WAIT-2. */
static const uint32_t legal_next[] = {
    [0] = 0,
    [TG_CLOSED] = BIT(TG_LISTEN) | BIT(TG_SYN_SENT),
    [TG_LISTEN] = BIT(TG_SYN_SENT) | BIT(TG_SYN_RECEIVED) | BIT(TG_ESTABLISHED) | BIT(TG_CLOSED),
    [TG_SYN_SENT] = BIT(TG_SYN_RECEIVED) | BIT(TG_ESTABLISHED) | BIT(TG_CLOSED),
    [TG_SYN_RECEIVED] = BIT(TG_ESTABLISHED) | BIT(TG_FIN_WAIT_1) | BIT(TG_CLOSED),
    [TG_ESTABLISHED] = BIT(TG_FIN_WAIT_1) | BIT(TG_CLOSE_WAIT) | BIT(TG_CLOSED),
    [TG_FIN_WAIT_1] = BIT(TG_FIN_WAIT_2) | BIT(TG_CLOSING) | BIT(TG_CLOSED),
    [TG_FIN_WAIT_2] = BIT(TG_TIME_WAIT) | BIT(TG_CLOSED),
    [TG_CLOSE_WAIT] = BIT(TG_LAST_ACK) | BIT(TG_CLOSED),
    [TG_CLOSING] = BIT(TG_TIME_WAIT) | BIT(TG_CLOSED),
    [TG_LAST_ACK] = BIT(TG_CLOSED),
    [TG_TIME_WAIT] = BIT(TG_CLOSED),
};
_Static_assert(sizeof(legal_next) / sizeof(legal_next[0]) == TG_STATE_N, "one row per state");

/* I6: the timers that a block in that state may have. */
static const uint32_t legal_timers[] = {
    [0] = 0,
    [TG_CLOSED] = 0,
    [TG_LISTEN] = 0,
    [TG_SYN_SENT] = BIT(TG_T_REXMIT) | BIT(TG_T_SERVICE),
    [TG_SYN_RECEIVED] = BIT(TG_T_REXMIT) | BIT(TG_T_SERVICE),
    [TG_ESTABLISHED] = BIT(TG_T_REXMIT) | BIT(TG_T_RACK) | BIT(TG_T_DELACK) | BIT(TG_T_KEEPALIVE) |
		       BIT(TG_T_SERVICE),
    [TG_FIN_WAIT_1] = BIT(TG_T_REXMIT) | BIT(TG_T_RACK) | BIT(TG_T_DELACK) | BIT(TG_T_SERVICE),
    [TG_FIN_WAIT_2] = BIT(TG_T_DELACK) | BIT(TG_T_KEEPALIVE) | BIT(TG_T_FW2) | BIT(TG_T_SERVICE),
    [TG_CLOSE_WAIT] = BIT(TG_T_REXMIT) | BIT(TG_T_RACK) | BIT(TG_T_KEEPALIVE) | BIT(TG_T_SERVICE),
    [TG_CLOSING] = BIT(TG_T_REXMIT) | BIT(TG_T_RACK) | BIT(TG_T_SERVICE),
    [TG_LAST_ACK] = BIT(TG_T_REXMIT) | BIT(TG_T_RACK) | BIT(TG_T_SERVICE),
    [TG_TIME_WAIT] = 0,
};
_Static_assert(sizeof(legal_timers) / sizeof(legal_timers[0]) == TG_STATE_N, "one row per state");

static const char *const state_name[] = {
    [0] = "CLOSED",
    [TG_CLOSED] = "CLOSED",
    [TG_LISTEN] = "LISTEN",
    [TG_SYN_SENT] = "SYN-SENT",
    [TG_SYN_RECEIVED] = "SYN-RECEIVED",
    [TG_ESTABLISHED] = "ESTABLISHED",
    [TG_FIN_WAIT_1] = "FIN-WAIT-1",
    [TG_FIN_WAIT_2] = "FIN-WAIT-2",
    [TG_CLOSE_WAIT] = "CLOSE-WAIT",
    [TG_CLOSING] = "CLOSING",
    [TG_LAST_ACK] = "LAST-ACK",
    [TG_TIME_WAIT] = "TIME-WAIT",
};
_Static_assert(sizeof(state_name) / sizeof(state_name[0]) == TG_STATE_N, "one name per state");

static const int close_errno[] = {
    [TG_CLOSE_NONE] = 0,
    [TG_CLOSE_NORMAL] = 0,
    [TG_CLOSE_RESET] = ECONNRESET,
    [TG_CLOSE_REFUSED] = ECONNREFUSED,
    [TG_CLOSE_TIMEOUT] = ETIMEDOUT,
    [TG_CLOSE_UNREACHABLE] = EHOSTUNREACH,
    [TG_CLOSE_NET_UNREACHABLE] = ENETUNREACH,
    [TG_CLOSE_ABORT] = ECONNABORTED,
    [TG_CLOSE_FW2] = 0,
};

const char *tg_tcp_state_name(enum tg_tcp_state s)
{
	assert(s < TG_STATE_N);
	return state_name[s];
}

int tg_close_errno(enum tg_close_reason reason)
{
	assert((size_t)reason < sizeof(close_errno) / sizeof(close_errno[0]));
	return close_errno[reason];
}

bool tg_timer_is_legal(enum tg_tcp_state state, enum tg_tcb_timer timer)
{
	return (legal_timers[state] & BIT(timer)) != 0;
}

bool tg_enter_is_legal(enum tg_tcp_state from, enum tg_tcp_state to)
{
	return (legal_next[from] & BIT(to)) != 0;
}

/* Without a branch: stays as it is, or 0. */
static inline void keep_if_legal(struct tg_tcb *tcb, uint32_t legal, enum tg_tcb_timer t)
{
	tcb->deadline[t] &= 0 - (uint64_t)(legal >> t & 1);
}

static inline void stop_timers(struct tg_tcb *tcb)
{
	uint32_t legal = legal_timers[tcb->state];

	keep_if_legal(tcb, legal, TG_T_REXMIT);
	keep_if_legal(tcb, legal, TG_T_RACK);
	keep_if_legal(tcb, legal, TG_T_DELACK);
	keep_if_legal(tcb, legal, TG_T_KEEPALIVE);
	keep_if_legal(tcb, legal, TG_T_FW2);
	keep_if_legal(tcb, legal, TG_T_SERVICE);
	_Static_assert(TG_T_N == 6, "all of them");
	if (!tcb->deadline[TG_T_REXMIT])
		tcb->persist = false;
}

void tg_enter(struct tg_tcb *tcb, enum tg_tcp_state state, const struct tg_tcp_env *env,
	      struct tg_act *act)
{
	enum tg_tcp_state from = (enum tg_tcp_state)tcb->state;

	assert(tg_enter_is_legal(from, state));
	tcb->state = (uint8_t)state;
	stop_timers(tcb);
	if (state == TG_ESTABLISHED) {
		tg_ctr_inc(env->ctr, TG_CTR_conn_opened);
		act->events |= TG_EV_OPENED;
	}
	if (state == TG_CLOSED) {
		act->events |= TG_EV_CLOSED;
		if (from >= TG_ESTABLISHED)
			tg_ctr_inc(env->ctr, TG_CTR_conn_closed);
	}
	if (state == TG_TIME_WAIT) {
		tg_ctr_inc(env->ctr, TG_CTR_conn_closed);
		act->events |= TG_EV_TIME_WAIT;
		act->reason = TG_CLOSE_NORMAL;
	}
}

void tg_enter_closed(struct tg_tcb *tcb, enum tg_close_reason reason, const struct tg_tcp_env *env,
		     struct tg_act *act)
{
	act->reason = reason;
	tg_enter(tcb, TG_CLOSED, env, act);
}
