/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_host.h: the other end of the wire. A peer of one lab that builds each segment by hand, sends
 * it at a time of its choice and says what must come back. It knows lab.h and the RFC, nothing of
 * the engine: what it says about SND.NXT or RCV.WND it read from the segments.
 *
 * Every test begins with host_init and ends with host_fini, which sees that nothing is left: no
 * connection, no timer, every invariant true, and received = accepted + drops. Each expectation
 * names the rule that it checks; the name stands in the message when it fails. */
#ifndef LAB_HOST_H
#define LAB_HOST_H

#include "lab.h"
#include "tg_test.h"

#include <errno.h>
#include <sys/socket.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3 };

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

enum { WIRE_MAX = 66000, OPT_MAX = 40, SACK_MAX = 4 };

/* A TCP segment, to be sent or seen. */
struct seg {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t win, urg;
	uint16_t sport, dport; /* 0 when sending: the host's */
	uint8_t ecn;           /* the last two bits of TOS or traffic class (RFC 3168 5) */
	uint32_t opt_len;      /* of opt; a multiple of 4 when sending */
	uint32_t len;          /* of data */
	const uint8_t *data;   /* seen: valid until the next segment is read */
	uint8_t opt[OPT_MAX];

	/* only of what was seen */
	uint64_t at_ns;
	bool csum_ok, df;
	uint8_t ttl;
	bool has_mss, has_ws, has_sackok, has_ts;
	uint16_t mss;
	uint8_t ws;
	uint32_t tsval, tsecr;
	uint32_t sack_n, sack[SACK_MAX][2];
};

struct host {
	struct tg_lab *lab;
	bool v6;
	uint64_t now, start;
	const char *laddr, *raddr; /* the lab's, ours */
	uint16_t lport, rport;
	int listener, sock; /* -1 = none; host_fini ends them */
	/* Of the lab's connection, in the RFC's names, as read from the wire. */
	uint32_t iss, una, nxt;
	uint32_t rcv_nxt, edge; /* edge: RCV.NXT + RCV.WND, the highest ever advertised */
	uint32_t irs;
	uint8_t ws_shift;        /* that the lab applies to its window */
	uint16_t win;            /* that we send */
	bool ts;                 /* timestamps are on: each segment carries one */
	uint32_t tsval, ts_last; /* ours; the last that we saw */
	uint8_t buf[WIRE_MAX];   /* of the datagram seen last */
};

extern bool host_v6; /* the family in which the tests now run */

/* Runs the tests over IPv4, then over IPv6. */
int host_main(const char *name, const struct tg_test tests[], size_t n, int argc, char **argv);

void host_init(struct host *h, const char *options);
void host_fini(struct host *h);
/* Time passes: to ms after the start, or by ms; by_ns to the nanosecond. */
void host_at(struct host *h, uint64_t ms);
void host_pass(struct host *h, uint64_t ms);
void host_pass_ns(struct host *h, uint64_t ns);
uint64_t host_ms(const struct host *h); /* since the start */

/* --- out --- */
size_t host_build(const struct host *h, const struct seg *s, uint8_t *out);
void host_send(struct host *h, const struct seg *s);
void host_send_raw(struct host *h, const void *datagram, size_t len);
/* A segment with no text. */
void send_flags(struct host *h, uint8_t flags, uint32_t seq, uint32_t ack);
/* Text: bytes that tell where in the stream of the peer they stand (host_byte). */
void send_text(struct host *h, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len);
uint8_t host_byte(const struct host *h, uint32_t seq);
/* IP and TCP checksums of a datagram that was changed. */
void host_fix_csum(uint8_t *datagram, size_t len);
void host_fix_ip_csum(uint8_t *datagram);
/* Where TCP begins in a datagram of host_build. */
static inline size_t host_l4(const struct host *h)
{
	return h->v6 ? 40 : 20;
}
/* Options, each returns the new length. */
uint32_t opt_mss(struct seg *s, uint16_t mss);
uint32_t opt_ws(struct seg *s, uint8_t shift);
uint32_t opt_sackok(struct seg *s);
uint32_t opt_ts(struct seg *s, uint32_t val, uint32_t ecr);

/* --- in --- */
bool host_next(struct host *h, struct seg *s); /* the next segment that the lab sent */
size_t host_next_raw(struct host *h, uint64_t *at_ns);
uint32_t host_drain(struct host *h); /* throws away what waits; how many */
/* The next is exactly this and carries no text: <SEQ><ACK><CTL>. Without ACK in flags, ack is not
 * looked at, except in RST (0). Returns it; all zero if none came. */
struct seg expect(struct host *h, const char *rule, uint8_t flags, uint32_t seq, uint32_t ack);
void expect_text(struct host *h, const char *rule, uint32_t seq, uint32_t len);
void expect_nothing(struct host *h, const char *rule);
void expect_ack(struct host *h, const char *rule); /* <SND.NXT><RCV.NXT><ACK>: ACK and CH alike */
/* RST-C */
void expect_abort(struct host *h, const char *rule);
void expect_state(struct host *h, const char *rule, const char *state);
void expect_true(const char *rule, bool is, const char *what);
void expect_eq(const char *rule, int64_t got, int64_t want, const char *what);
void expect_counter(struct host *h, const char *rule, const char *name, int64_t want);
int64_t host_counter(const struct host *h, const char *name);
int64_t host_drops(const struct host *h); /* the sum of the drop counters */
const char *host_drop_name(size_t i);     /* NULL after the last */
const char *host_state(const struct host *h);

/* --- into a state (lab_states.c) --- */
enum state {
	ST_CLOSED = 1,
	ST_LISTEN,
	ST_SYN_SENT,
	ST_SYN_RECEIVED,   /* from LISTEN */
	ST_SYN_RECEIVED_A, /* from SYN-SENT */
	ST_ESTABLISHED,
	ST_FIN_WAIT_1,
	ST_FIN_WAIT_2,
	ST_CLOSE_WAIT,
	ST_CLOSING,
	ST_LAST_ACK,
	ST_TIME_WAIT,
	ST_N
};
extern const char *const state_name[ST_N];
void host_listen(struct host *h, const char *options);
/* SYN, SYN-ACK, ACK to the listener, which is made if there is none; the socket is taken from it.
 * syn: a SYN with its options, NULL = without any. Returns the SYN-ACK. */
struct seg host_open(struct host *h, const struct seg *syn);
struct seg host_syn(struct host *h, const struct seg *syn); /* of these, the first two */
struct seg host_syn_full(void); /* a SYN with MSS 1460, SACK, timestamps and window scale 7 */
/* The lab opens; the SYN is read. Then our SYN-ACK and its ACK. */
struct seg host_connect(struct host *h, const char *options);
void host_connected(struct host *h);
/* The connection comes to the state with in_flight bytes of text, and the FIN where there is one,
 * unacknowledged where the state lets them be. */
void host_reach(struct host *h, enum state state, uint32_t in_flight);
/* The lab writes n bytes; they are read, SND.NXT follows. */
void host_lab_writes(struct host *h, uint32_t n);
/* The lab shuts its sending side down; the FIN is read. */
void host_lab_fin(struct host *h);
/* Our FIN, in order, with this ACK; its answer is read. */
void host_fin(struct host *h, uint32_t ack);

#endif
