/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_case.h: one cell of the differential: a state, a segment, what came back from a host. */
#ifndef DIFF_CASE_H
#define DIFF_CASE_H

#include "diff_host.h"

enum diff_state {
	D_CLOSED,
	D_LISTEN,
	D_SYN_SENT,
	D_SYN_RCVD_P, /* from LISTEN */
	D_SYN_RCVD_A, /* from SYN-SENT */
	D_ESTABLISHED,
	D_FIN_WAIT_1,
	D_FIN_WAIT_2,
	D_CLOSE_WAIT,
	D_CLOSING,
	D_LAST_ACK,
	D_TIME_WAIT,
	D_STATES
};

/* Where SEQ lies. W is RCV.WND as the host has advertised it. */
enum diff_seq { Q_OLD, Q_STRADDLE, Q_BEFORE, Q_NXT, Q_AFTER, Q_LAST, Q_END, Q_CUT, Q_FAR, Q_SEQS };
/* Where ACK lies; A_NONE for a segment without it. */
enum diff_ack { A_NONE, A_ANCIENT, A_OLD, A_UNA, A_NXT, A_BEYOND, A_ACKS };
/* Whether timestamps were negotiated, and what this segment has. */
enum diff_stamp { T_OFF, T_FRESH, T_OLD, T_MISSING, T_STAMPS };

struct diff_case {
	enum diff_state state;
	uint8_t flags;
	enum diff_seq seq;
	enum diff_ack ack;
	uint32_t len;
	enum diff_stamp stamp;
	bool v6;
};

/* What the two hosts answered, as text: replies parted by blanks ("ACK(+0,+0)", "none"), then what
 * an old duplicate met afterwards ("-> ACK": it lives, "-> RST": gone, "-> none"). */
enum { ANSWER_MAX = 160 };

struct diff_reason {
	const char *rule;
	const char *why;
	/* Whether it explains the difference. */
	bool (*fits)(const struct diff_case *c, const char *kernel, const char *ours);
};

extern const struct diff_reason diff_reasons[];
extern const size_t diff_reason_n;

extern const char *const diff_state_names[D_STATES];
extern const char *const diff_seq_names[Q_SEQS];
extern const char *const diff_ack_names[A_ACKS];
extern const char *const diff_stamp_names[T_STAMPS];

/* Plays the case on a host. wait_ms: how long a real host may take. False when its state could not
 * be reached; answer then says where. */
bool diff_play(struct host *h, const struct diff_case *c, uint16_t port, unsigned wait_ms,
	       char answer[ANSWER_MAX]);
/* "SYN,ACK seq=NXT ack=NXT+1 len=10" */
void diff_describe(const struct diff_case *c, char *text, size_t size);

#endif
