/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_end.h: one end of a connection as a capture shows it, followed by the state machine of lib/tcp
 * itself. What the end received is given to tg_tcp_listen, tg_tcp_arrives or tg_tw_arrives, which
 * decide; what it sent tells which calls its user made (SYN: OPEN, FIN: CLOSE), and its numbers,
 * windows and timestamps are put into the block, since its machine chose others than ours would.
 *
 * The block's own text takes no numbers: its send space is SYN and FIN alone, so that nothing is
 * queued for an end that only shows itself from outside. The ACK field of what arrives is brought
 * into that space, keeping what check 5 asks: old, too old, inside, FIN covered, never sent. Text
 * of the peer keeps its numbers, and is taken as so many zeros. */
#ifndef TG_END_H
#define TG_END_H

#include "tg_time_wait.h"

/* What all ends of one run share. */
struct tg_end_world {
	struct tg_tcp_secret secret;
	struct tg_counters ctr;
	struct tg_chunks chunks; /* text above holes */
	struct tg_rng rng;
	uint32_t msl_ms;
};

enum tg_end_phase {
	TG_END_NONE = 0, /* no connection */
	TG_END_BLOCK,    /* tcb says all */
	TG_END_RECORD,   /* TIME-WAIT: tw does */
};

struct tg_end {
	enum tg_end_phase phase;
	bool listens;   /* phase NONE: it has answered a SYN */
	bool seen;      /* it has sent something, or been sent something: its state is known */
	bool wnd_known; /* its scale was seen, so its windows are bytes */
	uint8_t scale;
	bool syn_has_wscale, syn_has_ts, syn_has_sack, has_syn;
	bool fin_sent, fin_acked;
	tg_seq iss, nxt, una; /* its real numbers; iss: of the last SYN */
	tg_seq fin;           /* number of its FIN */
	tg_seq edge;          /* the right edge that it told */
	bool edge_known, nxt_known;
	struct tg_tcb tcb;
	struct tg_tcp_conf conf;
	struct tg_tw tw;
	uint64_t tw_end_ms;
};

/* Oddities: what was sent and the machine would not have. */
enum tg_end_odd {
	TG_ODD_NONE = 0,
	TG_ODD_SYN_AGAIN_NEW,   /* SYN with another number while SYN-SENT */
	TG_ODD_SYN_OVER_OLD,    /* SYN over its own living connection */
	TG_ODD_SYN_ACK_UNASKED, /* SYN-ACK of an end that had no SYN to answer */
	TG_ODD_SYN_ACK_LATE,    /* SYN-ACK from a state after SYN-RECEIVED */
	TG_ODD_SYN_ACK_OTHER,   /* a repeated SYN-ACK with another number */
	TG_ODD_FIN_EARLY,       /* FIN before there was a connection */
	TG_ODD_TEXT_EARLY,      /* text or ACK before the handshake could be over */
	TG_ODD_TEXT_LATE,       /* text or ACK after the end of its connection */
	TG_ODD_AFTER_FIN,       /* text above its own FIN */
	TG_ODD_RST_FORGED,      /* RST with a number that the end never reached */
	TG_ODD_TIME_WAIT_RST,   /* RST from TIME-WAIT: it was cut short */
	TG_ODD_ACK_UNSENT,      /* acknowledges what the peer was not seen to send */
	TG_ODD_ACK_REFUSED,     /* acknowledges what the machine would have refused */
	TG_ODD_N
};

void tg_end_init(struct tg_end *e);
/* Gives back its chunks. */
void tg_end_fini(struct tg_end *e, struct tg_end_world *w);

/* The state at now_ms; LISTEN for an end that listens. 0 = not known yet. */
enum tg_tcp_state tg_end_state(const struct tg_end *e, uint64_t now_ms);

/* seg leaves end e, whose peer is p. tuple: seen from e. What it acknowledges and e's machine has
 * not taken is taken now. */
enum tg_end_odd tg_end_sends(struct tg_end *e, const struct tg_end *p, const struct tg_tuple *tuple,
			     const struct tg_seg *seg, uint64_t now_ns, struct tg_end_world *w);

/* seg arrives at e. answered: e is known to have answered by a SYN-ACK; refused: by a RST that only
 * an end without the connection sends. Returns the machine's verdict. */
struct tg_end_arrival {
	bool answered, refused;
};
enum tg_ctr tg_end_arrives(struct tg_end *e, const struct tg_tuple *tuple, const struct tg_seg *seg,
			   const struct tg_end_arrival *how, uint64_t now_ns,
			   struct tg_end_world *w);

/* An end of which the capture shows the middle only: ESTABLISHED, at these numbers. */
void tg_end_begin(struct tg_end *e, tg_seq nxt, bool nxt_known, tg_seq rcv_nxt);

#endif
