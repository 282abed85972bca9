/* SPDX-License-Identifier: BSD-3-Clause */
/* script_int.h: what the files of the script runner share: the parsed script, and a run of it. */
#ifndef SCRIPT_INT_H
#define SCRIPT_INT_H

#include "lab.h"
#include "tg_script.h"

enum {
	SCRIPT_OPT_BYTES = 40,
	SCRIPT_SACK_MAX = 4,
	SCRIPT_EVENT_MAX = 100000,
	SCRIPT_DEPTH_MAX = 8, /* of brackets in arguments */
	SCRIPT_ARG_MAX = 32,
	SCRIPT_FLOW_MAX = 16,
	SCRIPT_FD_MAX = 64,
	SCRIPT_LOG_N = 10,
	SCRIPT_IO_MAX = 16 << 20, /* bytes of one read or write */
	SCRIPT_LAB_WORDS = 1024,
};

#define SCRIPT_NS_PER_US UINT64_C(1000)
#define SCRIPT_NS_PER_S  UINT64_C(1000000000)

/* --- the parsed script --- */

/* The flags byte of the header; names of our own, for <netinet/tcp.h> has macros. */
enum {
	SF_FIN = 1,
	SF_SYN = 2,
	SF_RST = 4,
	SF_PSH = 8,
	SF_ACK = 16,
	SF_URG = 32,
	SF_ECE = 64,
	SF_CWR = 128
};

enum script_time_kind { ST_ABSOLUTE = 1, ST_RELATIVE, ST_ANY };

struct script_time {
	enum script_time_kind kind;
	bool range;    /* from at_ns to end_ns */
	bool blocking; /* a call that begins at at_ns and returns at end_ns */
	uint64_t at_ns, end_ns;
};

/* A number of a packet, or "*". */
struct script_num {
	bool any;
	uint32_t v;
};

enum script_opt_kind {
	SO_EOL = 0,
	SO_NOP = 1,
	SO_MSS = 2,
	SO_WS = 3,
	SO_SACKOK = 4,
	SO_SACK = 5,
	SO_TS = 8,
	SO_HEX = 256
};

struct script_opt {
	uint16_t kind;
	uint8_t n; /* blocks of SACK, bytes of hex */
	struct script_num a, b;
	uint32_t sack[SCRIPT_SACK_MAX][2];
	uint8_t hex[SCRIPT_OPT_BYTES];
};

enum { ECN_UNSAID = -1, ECN_NOT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

/* A TCP segment, as written in a script or as seen. */
struct script_seg {
	uint8_t flow; /* 0 = the first */
	int8_t ecn;
	uint8_t flags;
	struct script_num seq, ack, win, urg;
	uint32_t len;
	bool any_opts;
	uint8_t opt_n;
	struct script_opt *opt;
};

struct script_icmp {
	uint8_t flow, type, code;
	uint32_t mtu; /* or the pointer: the second word of the header */
	uint32_t seq, len;
	uint8_t quoted; /* bytes of TCP that are quoted */
};

enum script_arg_type { SA_ANY = 1, SA_INT, SA_TEXT, SA_LIST, SA_STRUCT };

struct script_arg {
	enum script_arg_type type;
	const char *name; /* of a field in a struct; NULL else */
	int64_t value;
	const char *text;
	struct script_arg *list;
	uint32_t n;
};

struct script_run;
struct script_call;

/* Returns the result or a negative errno; SCRIPT_AGAIN: nothing yet, ask again. */
typedef int64_t (*script_call_fn)(struct script_run *r, const struct script_call *c);

#define SCRIPT_AGAIN (-INT64_C(1000000)) /* would block */
#define SCRIPT_FAIL  (-INT64_C(1000001)) /* the report is written */

struct script_call_def {
	const char *name;
	uint8_t min, max; /* arguments */
	script_call_fn run;
};

struct script_call {
	const struct script_call_def *def;
	struct script_arg *arg;
	uint32_t n;
	bool any_result;
	int64_t result;
	int error; /* errno when result is -1, 0 = any */
};

enum script_name {
	SN_STATE = 1,
	SN_COUNTER,
	SN_SILENT,
	SN_ISN_STEP,
	SN_OPTION, /* of the socket: tg_lab_getopt */
	SN_SEGMENTS,
	SN_IGNORED, /* of another stack's tcp_info: nothing is checked */
};
enum script_compare { SC_EQ = 1, SC_NE, SC_LT, SC_LE, SC_GT, SC_GE };

/* NAME [(fd | "text")] OP VALUE */
struct script_check {
	enum script_name name;
	enum tg_lab_opt opt;
	enum script_compare op;
	int fd; /* -1: the youngest connection */
	const char *text, *want_text, *source;
	int64_t want;
	struct script_check *next; /* and this one too */
};

enum script_event_kind { SE_IN = 1, SE_OUT, SE_ICMP, SE_CALL, SE_CHECK };

struct script_event {
	enum script_event_kind kind;
	uint32_t line;
	const char *rule; /* of the last rule comment above */
	const char *source;
	uint32_t source_len;
	struct script_time time;
	union {
		struct script_seg seg;
		struct script_icmp icmp;
		struct script_call call;
		struct script_check check;
	} u;
};

struct script_block {
	struct script_block *next;
};

struct tg_script {
	struct script_block *blocks; /* everything that the parser keeps */
	char *name, *text;
	bool v6, strict, exact_opts, has_service;
	int families;
	uint64_t tolerance_ns, start_ns;
	uint32_t isn;
	uint16_t bind_port, connect_port;
	char local[64], remote[64];
	char lab[SCRIPT_LAB_WORDS];
	char notes[1024];
	struct script_event *event;
	uint32_t event_n, event_cap;
};

/* --- the parser --- */

struct script_in {
	struct tg_script *script;
	const char *start, *p, *end;
	uint32_t line;
	const char *rule;
	bool failed;
	enum tg_script_verdict verdict;
	char *report;
};

void *script_keep(struct script_in *in, size_t size); /* zeroed; NULL after script_wrong */
const char *script_keep_text(struct script_in *in, const char *from, size_t len);
/* Both return false, and only the first of them is heard. */
bool script_wrong(struct script_in *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool script_skip(struct script_in *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void script_note(struct script_in *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void script_blank(struct script_in *in); /* over blanks and comments */
bool script_at_end(struct script_in *in);
bool script_eat(struct script_in *in, const char *mark);      /* after blanks */
bool script_eat_word(struct script_in *in, const char *word); /* a whole word */
bool script_need(struct script_in *in, const char *mark, const char *where);
/* A word of letters, digits and _ : copied to word, "" when there is none. */
bool script_word(struct script_in *in, char *word, size_t size);
bool script_is_digit(const struct script_in *in);
bool script_u32(struct script_in *in, uint32_t *v, const char *what); /* N, 0xN, N|N */
bool script_num(struct script_in *in, struct script_num *n, const char *what);
bool script_ns(struct script_in *in, uint64_t *ns); /* decimal seconds */
const char *script_quoted(struct script_in *in);    /* "text"; NULL after script_wrong */

bool script_parse_options(struct script_in *in);
bool script_override(struct script_in *in, const char *overrides);
bool script_set_option(struct script_in *in, const char *key, const char *value);
void script_shell(struct script_in *in, const char *command, size_t len);
bool script_parse_packet(struct script_in *in, struct script_event *ev, bool out);
bool script_parse_icmp(struct script_in *in, struct script_icmp *icmp);
bool script_parse_call(struct script_in *in, struct script_call *call);
bool script_parse_checks(struct script_in *in, struct script_check *check);

/* --- names --- */

int script_errno_of(const char *name); /* 0: none */
const char *script_errno_name(int error, char *buf, size_t size);
bool script_constant(const char *name, int64_t *value);
const struct script_call_def *script_call_find(const char *name);
const char *script_call_unbuilt(const char *name); /* why it is not there; NULL: never heard of */
size_t script_call_names(char *buf, size_t size);

/* --- a run --- */

enum script_fd_kind { FD_FREE = 0, FD_NEW, FD_LISTEN, FD_CONN };

struct script_fd {
	enum script_fd_kind kind;
	int name, sock;
	bool nonblock, connected, linger_set;
	uint16_t port; /* 0 = not bound */
	int64_t linger_ms;
	uint64_t rd, wr; /* bytes of the stream, read and written */
	char words[256]; /* options set before there was a socket */
};

/* A connection of the script: relative numbers of both ends. */
struct script_flow {
	bool bound, has_base, fresh, has_ts;
	uint16_t lport, rport;
	uint32_t base;          /* absolute = base + the script's number */
	uint32_t isn, isn_step; /* of the last SYN that was seen, and what it had gained */
	uint32_t irs;           /* of the peer, in the script's numbers */
	uint32_t mss;           /* that the peer's SYN said; 0 = nothing */
	uint32_t ts_base, ts_seen;
	bool has_seen; /* ts_seen: the last timestamp that came */
};

struct script_pkt {
	uint64_t at_ns;
	size_t len;
	uint8_t *data;
};

struct script_logged {
	uint64_t at_ns;
	bool in;
	uint32_t len, kept;
	uint8_t data[120];
};

struct script_pending {
	const struct script_event *ev;
	uint64_t from_ns, end_ns, wake_ns;
	uint64_t done; /* bytes written so far */
};

struct script_run {
	const struct tg_script *script;
	struct tg_lab *lab;
	uint64_t now_ns;  /* the lab's clock */
	uint64_t last_ns; /* what relative times count from */
	const struct script_event *ev;
	struct script_fd fd[SCRIPT_FD_MAX];
	struct script_flow flow[SCRIPT_FLOW_MAX];
	struct script_pkt *queue;
	size_t queue_from, queue_n, queue_cap, queue_bytes;
	struct script_logged log[SCRIPT_LOG_N];
	uint32_t log_n;
	struct script_pending pending;
	int youngest; /* index into fd of the last connection; -1 */
	uint16_t listen_port;
	uint8_t *io; /* of SCRIPT_IO_MAX, made when needed */
	size_t io_size;
	uint8_t *wire; /* the datagram in hand */
	void (*packet)(void *ctx, const struct tg_script_packet *p);
	void *ctx;
	bool failed;
	char *report;
};

/* Of a segment that was seen. */
struct script_seen {
	struct script_seg seg;
	struct script_opt opt[SCRIPT_OPT_BYTES];
	uint16_t lport, rport;
	const uint8_t *text;
	bool v6, is_tcp;
};

/* script_wire.c: datagrams. out has 66000 bytes; returns the length. */
size_t script_build(struct script_run *r, const struct script_seg *seg, uint8_t *out);
size_t script_build_icmp(struct script_run *r, const struct script_icmp *icmp, uint8_t *out);
/* in: written by us, so that source and destination change places. False: not even TCP. The numbers
 * are absolute. */
bool script_decode(const uint8_t *data, size_t len, size_t kept, bool in, struct script_seen *seen);
size_t script_opt_len(const struct script_opt *opt);
uint8_t script_byte(uint32_t offset); /* of a stream, by its place */
int script_flow_of(const struct script_run *r, uint16_t lport, uint16_t rport);

/* script_text.c: a packet in the script's language; relative where the flow is known. */
void script_format(const struct script_run *r, const uint8_t *data, size_t len, size_t kept,
		   bool in, bool absolute, char *buf, size_t size);

/* script_match.c: judges a packet that was seen. Other stacks hand text of many segments to their
 * device in one piece, and their scripts name it so: a line with more text than the peer's MSS
 * stands for as many segments as it takes. want becomes what is still to come; len 0 = nothing. */
bool script_match(struct script_run *r, struct script_seg *want, const struct script_pkt *pkt);

/* script_call.c, script_check.c */
bool script_do_call(struct script_run *r, const struct script_event *ev, uint64_t end_ns);
void script_try_pending(struct script_run *r);
bool script_do_check(struct script_run *r, const struct script_check *check);

/* script_sock.c: the calls behind the table. */
struct script_fd *script_fd_of(struct script_run *r, int64_t name);
int64_t script_sys_setsockopt(struct script_run *r, const struct script_call *c);
int64_t script_sys_getsockopt(struct script_run *r, const struct script_call *c);

/* script_run.c */
void script_pump(struct script_run *r);
uint64_t script_rel_ns(const struct script_run *r, uint64_t at_ns); /* since the script's 0 */
void script_send(struct script_run *r, const void *datagram, size_t len);

/* script_report.c: the screen; false, always. pkt may be NULL. */
bool script_failed(struct script_run *r, const struct script_pkt *pkt, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
