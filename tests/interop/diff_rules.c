/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_rules.c: why the kernel's answer and ours may differ. Each reason names the rule of
 * the conformance checklist that ours keeps, and fits no more than the cells it is about: so that a
 * difference of another kind finds none and fails. The first that fits is taken. */
#include "diff_case.h"

#include <string.h>

static bool begins(const char *answer, const char *with)
{
	return !strncmp(answer, with, strlen(with));
}
static bool is(const char *answer, const char *what)
{
	return !strcmp(answer, what);
}
static bool after_fin(const struct diff_case *c)
{
	return c->state == D_CLOSE_WAIT || c->state == D_CLOSING || c->state == D_LAST_ACK;
}
static bool synchronized_or_half(const struct diff_case *c)
{
	return c->state >= D_SYN_RCVD_P && c->state != D_TIME_WAIT;
}

static bool stamp_missing(const struct diff_case *c, const char *kernel, const char *ours)
{
	(void)kernel;
	return c->stamp == T_MISSING && !(c->flags & (RST | SYN)) && is(ours, "none -> ACK");
}

static bool old_stamp_reset(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_SYN_RCVD_P && c->stamp == T_OLD && c->flags == RST &&
	       c->seq == Q_NXT && is(kernel, "none -> ACK") && is(ours, "none -> RST");
}

static bool syn_fin_opens(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_SYN_SENT && (c->flags & (SYN | FIN | RST)) == (SYN | FIN) &&
	       begins(kernel, "SYN-ACK") && begins(ours, "none");
}

static bool syn_fin_ends_wait(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && (c->flags & (SYN | FIN | RST)) == (SYN | FIN) &&
	       is(kernel, "none -> RST") && strstr(ours, "-> ACK");
}

static bool syn_in_window(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_SYN_RCVD_P && (c->flags & (SYN | RST | ACK)) == SYN &&
	       begins(kernel, "RST") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool synack_half_open(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_SYN_RCVD_P && (c->flags & (SYN | RST | ACK)) == (SYN | ACK) &&
	       begins(kernel, "RST") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool syn_again(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_SYN_RCVD_A && (c->flags & (SYN | RST | ACK)) == SYN &&
	       c->seq == Q_BEFORE && begins(kernel, "ACK") && is(ours, "SYN-ACK(-1,+0) -> ACK");
}

static bool ack_of_nothing(const struct diff_case *c, const char *kernel, const char *ours)
{
	(void)kernel;
	return c->state == D_SYN_RCVD_A && c->ack == A_UNA && is(ours, "RST(-1,-) -> ACK");
}

static bool right_edge(const struct diff_case *c, const char *kernel, const char *ours)
{
	if (c->len || c->seq != Q_END || !synchronized_or_half(c))
		return false;
	if (c->flags & RST)
		return is(kernel, "ACK(+0,+0) -> ACK") && is(ours, "none -> ACK");
	return begins(kernel, "none") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool left_edge(const struct diff_case *c, const char *kernel, const char *ours)
{
	if ((c->flags & (SYN | RST)) == (SYN | RST) && c->seq == Q_BEFORE)
		return is(kernel, "ACK(+0,+0) -> ACK") && is(ours, "none -> ACK");
	return c->state == D_LAST_ACK && c->flags == ACK && c->seq == Q_OLD && c->len == 10 &&
	       is(kernel, "none -> RST") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool past_right_edge(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_LAST_ACK && c->seq == Q_CUT && (c->flags & ACK) &&
	       is(kernel, "ACK(+0,+0) -> ACK") && is(ours, "none -> RST");
}

static bool no_ack_outside(const struct diff_case *c, const char *kernel, const char *ours)
{
	return synchronized_or_half(c) && !(c->flags & (ACK | SYN | RST)) &&
	       (c->seq == Q_BEFORE || c->seq == Q_OLD || c->seq == Q_END || c->seq == Q_FAR) &&
	       is(kernel, "none -> ACK") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool no_ack_time_wait(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && !(c->flags & (ACK | SYN | RST)) &&
	       is(kernel, "ACK(+0,+0) -> ACK") && is(ours, "none -> ACK");
}

static bool bare_ack_time_wait(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && c->flags == ACK && c->len == 0 && c->ack == A_NXT &&
	       (c->seq == Q_AFTER || c->seq == Q_LAST) && is(kernel, "ACK(+0,+0) -> ACK") &&
	       is(ours, "none -> ACK");
}

static bool bad_ack_time_wait(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && c->flags == ACK &&
	       (c->ack == A_ANCIENT || c->ack == A_BEYOND) && is(kernel, "none -> ACK") &&
	       is(ours, "ACK(+0,+0) -> ACK");
}

static bool reset_time_wait(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && (c->flags & RST) && c->seq == Q_NXT &&
	       is(kernel, "none -> RST") && is(ours, "none -> ACK");
}

static bool half_way_round(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_TIME_WAIT && c->flags == SYN && c->seq == Q_FAR &&
	       begins(kernel, "SYN-ACK") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool old_ack(const struct diff_case *c, const char *kernel, const char *ours)
{
	return synchronized_or_half(c) && c->ack == A_OLD && !(c->flags & (SYN | RST)) &&
	       is(kernel, "ACK(+0,+0) -> ACK") && strstr(ours, "-> ACK");
}

static bool ancient_ack(const struct diff_case *c, const char *kernel, const char *ours)
{
	return c->state == D_ESTABLISHED && c->ack == A_ANCIENT && c->len && c->flags == ACK &&
	       is(kernel, "ACK(+0,+10) -> ACK") && is(ours, "ACK(+0,+0) -> ACK");
}

static bool fin_again(const struct diff_case *c, const char *kernel, const char *ours)
{
	return after_fin(c) && c->flags == (FIN | ACK) && c->seq == Q_BEFORE && c->len == 0 &&
	       begins(kernel, "none") && begins(ours, "ACK(+0,+0)");
}

/* Text or a FIN beyond the FIN that was received. */
static bool past_fin(const struct diff_case *c, const char *kernel, const char *ours)
{
	bool beyond = c->len || (c->flags & FIN);

	(void)kernel;
	return after_fin(c) && beyond && (c->flags & ACK) && !(c->flags & (SYN | RST)) &&
	       c->seq != Q_FAR && begins(ours, "ACK(+0,+0)");
}

const struct diff_reason diff_reasons[] = {
    {"SE-44", "a segment without the timestamp that was negotiated is dropped; Linux takes it",
     stamp_missing},
    {"RB-07", "a RST is exempt from PAWS, in SYN-RECEIVED too; Linux drops it there",
     old_stamp_reset},
    {"DIS-10", "SYN with FIN opens nothing; Linux takes the SYN in SYN-SENT", syn_fin_opens},
    {"TD-25", "SYN with FIN leaves TIME-WAIT as it is; Linux ends it and then drops the segment",
     syn_fin_ends_wait},
    {"DIS-05",
     "a SYN that does not fit is challenged and the half-open entry kept; Linux resets it",
     syn_in_window},
    {"SE-06", "a SYN,ACK for a half-open entry is challenged; Linux answers RST", synack_half_open},
    {"DIS-18",
     "a SYN that is repeated gets its SYN,ACK again, after crossed SYNs too; Linux sends an ACK",
     syn_again},
    {"SE-13",
     "an ACK that does not cover our SYN opens nothing; after crossed SYNs Linux takes ACK = ISS",
     ack_of_nothing},
    {"SE-40",
     "the peer's FIN that comes again is acknowledged again (and its ACK used); Linux does not "
     "answer",
     fin_again},
    {"DIS-19", "the window ends before RCV.NXT+RCV.WND; Linux counts that number in", right_edge},
    {"SE-27",
     "a segment that ends at RCV.NXT lies outside the window and its ACK is not used; Linux looks "
     "at its end only",
     left_edge},
    {"SE-35", "text beyond the right edge is cut off and the ACK used; Linux drops the segment",
     past_right_edge},
    {"SE-26",
     "outside the window a segment without ACK is answered, as the sequence check comes first; "
     "Linux drops it",
     no_ack_outside},
    {"SE-25", "in TIME-WAIT a segment without ACK in the window is dropped; Linux answers it",
     no_ack_time_wait},
    {"SE-29",
     "in TIME-WAIT an ACK that says nothing new gets no answer; Linux answers within the window",
     bare_ack_time_wait},
    {"SE-32", "in TIME-WAIT too an ACK that cannot be is challenged; Linux does not look at it",
     bad_ack_time_wait},
    {"DIS-02", "a RST does not end TIME-WAIT (RFC 1337); Linux with tcp_rfc1337 = 0 lets it",
     reset_time_wait},
    {"TD-22", "a number exactly half way round is not above RCV.NXT; for Linux it is",
     half_way_round},
    {"SE-30",
     "an ACK a little below SND.UNA is passed over and the text used; Linux challenges what is "
     "below the first byte",
     old_ack},
    {"SE-31",
     "an ACK far below SND.UNA is challenged and its text dropped; Linux on its fast path takes it",
     ancient_ack},
    {"DIS-20",
     "text or FIN past the peer's FIN is challenged; Linux is silent, resets, or counts a second "
     "FIN",
     past_fin},
};
const size_t diff_reason_n = sizeof(diff_reasons) / sizeof(diff_reasons[0]);
