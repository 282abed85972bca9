/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_int.h (private to trace): a flow, and what its files ask of each other.
 *
 *   flow_table.c  finding, making, forgetting flows
 *   flow.c        a packet of a flow: the ends, the steps
 *   fate.c        when, and whether, a packet arrived
 *   flow_facts.c  what is counted of each packet
 *   flow_step.c   which steps are kept
 *   story.c       the sentence, the problems
 *   flow_draw.c   the steps as a ladder */
#ifndef TG_FLOW_INT_H
#define TG_FLOW_INT_H

#include "tg_flow.h"

enum { PEND_MAX = 16 };

/* What is to be said of a step, as bits. */
enum {
	NOTE_AGAIN = 1 << 0,       /* sent before */
	NOTE_KEEPALIVE = 1 << 1,   /* text or nothing just left of SND.NXT */
	NOTE_PROBE = 1 << 2,       /* of a closed window */
	NOTE_ZERO_WINDOW = 1 << 3, /* closes the window */
	NOTE_OPENS = 1 << 4,       /* opens it again */
	NOTE_LATE = 1 << 5,        /* fills a hole of the capture */
	NOTE_HOLE = 1 << 6,        /* text before it is missing in the capture */
	NOTE_CUT = 1 << 7,         /* its text is cut by the snap length */
	NOTE_REUSE = 1 << 8,       /* a new connection on old ports */
	NOTE_DUPACK = 1 << 9,      /* says for the third time what is missing */
	NOTE_HALF = 1 << 10,       /* text into a half-closed connection */
	NOTE_NO_BLOCK = 1 << 11,   /* RST of an end that has no such connection */
	NOTE_UNANSWERED = 1 << 12,
	NOTE_BACK = 1 << 13, /* its time is before that of the packet before */
};

struct flow_step {
	uint64_t time_ns, number;
	uint32_t id, of; /* of: id of the SEND */
	uint32_t seq, ack, len, wnd;
	uint32_t tsval, tsecr, sack_l, sack_r;
	uint16_t mss, up;
	uint16_t verdict; /* enum tg_ctr: why the machine did not take it */
	uint8_t wscale, ctl, kind, side, odd;
	uint8_t state[2];
	uint8_t sack_n;
	bool has_mss, has_wscale, has_sack_perm, has_ts, plain;
	uint32_t notes;
	/* SKIP: */
	uint32_t skipped[2];
	uint64_t skipped_bytes[2];
};

struct pending {
	struct tg_seg seg;
	uint64_t time_ns, number;
	uint32_t step; /* id */
	bool doubt;    /* it was not acknowledged when it could have been */
	bool news;     /* it has numbers that were not acknowledged when it was sent */
	uint8_t fate;  /* while fates are decided */
};

struct facts {
	uint64_t packets[2], bytes[2], again_bytes[2];
	uint32_t again[2], syn_n[2], syn_ack_n[2], fin_n[2], dupacks[2];
	uint32_t zero_windows[2], probes[2], keepalives[2], lost[2], cut, late, back;
	bool syn[2], syn_ack[2]; /* was sent by that side */
	bool established[2], fin[2];
	int8_t first_fin; /* side, or -1 */
	uint64_t fin_ns[2], syn_ns[2], syn_last_ns[2], syn_ack_ns[2];
	uint64_t half_bytes[2]; /* new text sent after the other's FIN had arrived */
	bool sim_open, sim_close;
	bool rst[2];
	int8_t first_rst; /* side, or -1 */
	uint64_t rst_ns;
	uint8_t rst_from[2], rst_at[2]; /* states: of the sender, of the receiver, before */
	uint8_t rst_ctl[2], rst_answer[2];
	bool rst_refused[2]; /* the receiver's machine ended nothing */
	bool tw[2], tw_cut, half_open;
	bool closed_by_rst[2];
	uint64_t missing;
	uint32_t missing_n, refused_n, odd_n;
	uint8_t odd; /* the first */
	uint32_t odd_side;
	bool cookie_isn, cookie_ts, cookie_plain;
	bool reused, reused_in_tw;
	uint64_t reused_after_ns;
	bool middle, begins_rst;
	uint32_t ts_match;
};

struct tg_flow {
	struct tg_flow *next, *prev; /* by last use */
	struct tg_flow *chain;       /* of the hash bucket */
	struct tg_flows *all;
	uint64_t number, first_ns, last_ns, clock_ns;
	struct tg_tuple tuple[2]; /* seen from each end */
	struct tg_end end[2];
	struct pending pend[2][PEND_MAX]; /* towards that end */
	uint32_t pend_n[2];
	uint64_t rtt_ns[2]; /* least time from a packet to its answer by that end; UINT64_MAX */
	tg_seq base[2];     /* relative numbers count from here */
	bool base_known[2];
	tg_seq base_old[2]; /* of the connection before, when it was opened anew */
	bool base_old_known[2];
	tg_seq acked[2]; /* the highest ACK that each end sent */
	bool acked_known[2];
	tg_seq hole_l[2], hole_r[2]; /* text of that end that the capture jumped over */
	uint32_t last_wnd[2];
	bool wnd_known[2];
	uint32_t same_ack[2];
	struct flow_step *steps;
	uint32_t steps_n, steps_cap, next_id;
	uint32_t plain_run;
	uint8_t begin[2];
	bool begin_known[2];
	bool evicted;
	struct facts facts;
};

struct tg_flows {
	struct tg_flows_conf conf;
	struct tg_end_world world;
	void *chunk_mem;
	struct tg_sipkey key;
	struct tg_flow **bucket;
	uint32_t bucket_n, open_n;
	struct tg_flow oldest; /* the ring's anchor: next is the one silent longest */
	uint64_t next_number, evicted, steps_all;
	uint64_t last_ns;
	tg_flow_watch_fn watch;
	void *watch_ctx;
};

/* --- flow.c --- */

/* d is of flow, sent by side. */
bool flow_packet(struct tg_flow *flow, uint32_t side, uint64_t time_ns, uint64_t number,
		 const struct tg_dissected *d);
/* p arrives at side x at time_ns. */
void flow_deliver(struct tg_flow *flow, uint32_t x, const struct pending *p,
		  const struct tg_end_arrival *how, uint64_t time_ns);
void flow_lose(struct tg_flow *flow, uint32_t x, const struct pending *p);
/* What still waits arrives, or is told to be unanswered. */
void flow_settle(struct tg_flow *flow);
/* True when a SYN of side with that number begins another connection. */
bool flow_is_over(const struct tg_flow *flow, uint32_t side, const struct tg_seg *seg);
enum tg_tcp_state flow_state(const struct tg_flow *flow, uint32_t side);

/* --- fate.c --- */

/* side is about to send q: what had arrived there by now arrives. */
void fate_decide(struct tg_flow *flow, uint32_t side, const struct tg_seg *q, uint64_t time_ns);

/* --- flow_facts.c --- */

/* Before the ends are told; returns NOTE_*. */
uint32_t facts_sent(struct tg_flow *flow, uint32_t side, uint64_t time_ns,
		    const struct tg_dissected *d);
/* After side's end was told, which was in state `before`. */
void facts_after(struct tg_flow *flow, uint32_t side, enum tg_tcp_state before, enum tg_end_odd odd,
		 const struct tg_seg *seg, uint64_t time_ns);
/* Side x took p, in state `before`. */
void facts_arrived(struct tg_flow *flow, uint32_t x, enum tg_tcp_state before,
		   const struct pending *p);

/* --- flow_step.c --- */

/* False: out of memory. Pointers to steps end. insert: before the step at that index. */
bool step_add(struct tg_flow *flow, const struct flow_step *step);
bool step_insert(struct tg_flow *flow, const struct flow_step *step, uint32_t at);
struct flow_step *step_find(struct tg_flow *flow, uint32_t id);

/* --- story.c --- */

void story_tell(const struct tg_flow *flow, struct tg_flow_info *info);

#endif
