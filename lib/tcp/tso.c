/* SPDX-License-Identifier: BSD-3-Clause */
/* tso.c: whether several segments may leave as one frame, for the port to cut (DT-34). What it cuts
 * must be what tg_tcp_output would have made one by one, so whatever would tell one segment from
 * the next stands in the way: SACK blocks, which only a short one has room for (EST-11), and CWR,
 * which only the first may carry (RFC 3168 6.1.2), not every card knows that. */
#include "data.h"

uint32_t tg_tso_mss(const struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_size(tcb);
	bool dsack = !tg_seq_eq(tcb->dsack.left, tcb->dsack.right);

	if (!tg_data_may_send(tcb) || tg_seq_diff(tcb->tx_end, tcb->snd.nxt) < (int32_t)(2 * mss))
		return 0;
	return tcb->ooo_n || dsack || (tcb->ecn_owed & TG_OWE_CWR) ? 0 : mss;
}
