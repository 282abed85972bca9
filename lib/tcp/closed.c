/* SPDX-License-Identifier: BSD-3-Clause */
/* closed.c: RFC 9293 3.10.7.1, a segment meets no connection and no listener. */
#include "control.h"

/* EST-08, EST-28, TD-06: whoever asks hears at once that nobody is here; but a RST is never
 * answered (TD-07, ADV-19). With ACK: ADV-17, ADV-18; without: SE-01, SE-17, ADV-11..13. */
void tg_tcp_closed(const struct tg_seg *seg, struct tg_act *act)
{
	tg_act_init(act);
	if (seg->ctl & TG_TCP_RST)
		act->verdict = TG_CTR_closed_rst;
	else if (seg->ctl & TG_TCP_ACK)
		tg_reply_rst_a(seg, act);
	else
		tg_reply_rst_b(seg, act);
}
