/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_bench.c: scenarios, names, and what a search is made with. */
#include "prove.h"

#include <stdlib.h>

static const struct tg_prove_scenario scenarios[] = {
    {.name = "close",
     .about = "one connection; both ends send, and close when they like",
     .program = {{"OC", "OC", "OSSC", "OSSSC"}, {"C", "C", "SC", "SSC"}},
     .ticks = {2, 2, 4, 6},
     .losses = {1, 1, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {1, 1},
     .orderly = true},
    {.name = "half-close",
     .about = "one end closes first; the other one goes on sending, then closes",
     .program = {{"OC", "OC", "OSC", "OSSC"}, {"ESC", "ESC", "SESC", "SESSC"}},
     .ticks = {1, 1, 4, 6},
     .losses = {1, 1, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {1, 1},
     .orderly = true},
    {.name = "simultaneous",
     .about = "both ends open at once, send and close",
     .program = {{"OC", "OC", "OSC", "OSSC"}, {"OC", "OC", "OC", "OSC"}},
     .ticks = {1, 1, 4, 6},
     .losses = {1, 1, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {1, 1},
     .orderly = true},
    {.name = "stale",
     .about = "the client gives its open up; its SYN is still on the way",
     .program = {{"OG", "OGOC", "OGOSC", "OGOSSC"}, {"EC", "EC", "EC", "EC"}},
     .ticks = {1, 2, 3, 4},
     .losses = {1, 1, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {2, 2},
     .orderly = false},
    {.name = "again",
     .about = "two connections of one four-tuple, as close together as the rules allow",
     .program = {{"OSSCOC", "OSSCOC", "OSSSCOSC", "OSSSCOSSC"}, {"EC", "EC", "C", "C"}},
     .ticks = {1, 1, 4, 6},
     .losses = {0, 0, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {2, 2},
     .orderly = true},
    {.name = "crash",
     .about = "the client forgets a connection, and opens another one",
     .program = {{"OSXOC", "OSXOC", "OSSXOSSC", "OSSXOSSSC"}, {"EC", "EC", "SEC", "SEC"}},
     .ticks = {1, 1, 3, 4},
     .losses = {1, 1, 1, 2},
     .copies = {0, 1, 1, 2},
     .opens = {2, 2},
     .orderly = false},
};

enum { SCENARIO_N = sizeof(scenarios) / sizeof(scenarios[0]) };

static const struct {
	const char *name, *text, *rules;
} properties[TG_PROVE_PROPERTY_N] = {
    [TG_PROVE_NONE] = {"", "", ""},
    [TG_PROVE_STALE_SYN] = {"stale-syn", "no connection comes of a stale duplicate SYN",
			    "RFC 9293 3.5, EST-04"},
    [TG_PROVE_FOREIGN_BYTE] = {"foreign-byte", "no byte of another incarnation is delivered",
			       "RFC 9293 3.4.1, TD-14, EST-01"},
    [TG_PROVE_BYTE_ORDER] = {"byte-order", "no byte is delivered twice or out of order",
			     "RFC 9293 3.4, DT-01"},
    [TG_PROVE_END] = {"end-of-stream",
		      "what was sent before the FIN arrives before the end of stream",
		      "RFC 9293 3.6, TD-01"},
    [TG_PROVE_CAN_SEND] = {"half-close", "an end that has not closed can send",
			   "RFC 9293 3.6, TD-05"},
    [TG_PROVE_LAST_ACK] = {"last-ack",
			   "a lost last ACK is answered: a FIN that comes again gets an ACK",
			   "RFC 9293 3.6.1, TD-16"},
    [TG_PROVE_ORDERLY] = {"orderly", "an orderly close ends in no RST and no error",
			  "RFC 9293 3.6, TD-01"},
    [TG_PROVE_OLD_RST] = {"old-rst", "no segment of another incarnation ends a connection",
			  "RFC 5961 3.2, RB-01"},
    [TG_PROVE_DISCOVERED] = {"half-open", "a half-open connection is discovered",
			     "RFC 9293 3.5.1, RFC 5961 4.2, RB-02"},
    [TG_PROVE_CLOSES] = {"closes", "both ends reach CLOSED when the network lets them",
			 "RFC 9293 3.6"},
    [TG_PROVE_TIMER] = {"timer", "nobody waits without a timer or the peer's turn",
			"RFC 9293 3.8.1, TO-01"},
    [TG_PROVE_ACK_WAR] = {"ack-war", "segments that answer segments come to an end",
			  "RFC 5961 7, RB-08"},
    [TG_PROVE_INVARIANT] = {"invariant", "the block is as tg_tcb.h says (I1 to I8)", "tg_tcb.h"},
};

const char *tg_prove_property_name(enum tg_prove_property p)
{
	return properties[p].name;
}

const char *tg_prove_property_text(enum tg_prove_property p)
{
	return properties[p].text;
}

const char *tg_prove_property_rules(enum tg_prove_property p)
{
	return properties[p].rules;
}

const struct tg_prove_scenario *tg_prove_scenario(uint32_t i)
{
	return i < SCENARIO_N ? &scenarios[i] : NULL;
}

const struct tg_prove_scenario *tg_prove_scenario_find(const char *name)
{
	for (uint32_t i = 0; i < SCENARIO_N; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}

const char *prove_program(const struct prove_bench *b, int end)
{
	uint32_t level = b->level - 1;

	while (level > 0 && !b->scenario->program[end][level])
		level--;
	return b->scenario->program[end][level];
}

bool prove_listens(const struct prove_bench *b, int end)
{
	return prove_program(b, end)[0] != 'O';
}

void prove_break(struct prove_bench *b, enum tg_prove_property p, int end, const char *why)
{
	if (b->broken || !(b->watch >> p & 1))
		return;
	b->broken = p;
	b->broken_end = (uint8_t)end;
	b->why = why;
}

/* Small windows, a byte a segment; no options whose values time would make different. */
static const struct tg_tcp_conf conf = {
    .nodelay = true,
    .window_scale = TG_WSCALE_NONE,
    .congestion = TG_CC_NEWRENO,
    .syn_retries = 255,
    .synack_retries = 255,
    .mss_min = 1,
    .maxseg = 1,
    .ttl = 64,
    .rcvbuf = TG_BUF_MIN,
    .sndbuf = TG_BUF_MIN,
    .rto_min_ms = 200,
    .fin_wait_2_ms = 24 * 3600 * 1000,
    .linger_ms = -1,
};

bool prove_bench_init(struct prove_bench *b, const struct tg_prove_options *o)
{
	const uint8_t ip[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
	const uint16_t port[2] = {40000, 80};

	*b = (struct prove_bench){.scenario = o->scenario,
				  .level = o->level,
				  .without = o->without,
				  .watch = o->properties ? o->properties : ~0u,
				  .conf = conf};
	tg_rng_init(&b->rng, 1);
	b->secret.isn = tg_rng_key(&b->rng);
	b->secret.ts = tg_rng_key(&b->rng);
	b->secret.tuple = tg_rng_key(&b->rng);
	for (int i = 0; i < 2; i++) {
		b->tuple[i] = (struct tg_tuple){.laddr = tg_addr_from_v4(ip[i]),
						.raddr = tg_addr_from_v4(ip[!i]),
						.lport = port[i],
						.rport = port[!i]};
		b->mem[i] = aligned_alloc(64, PROVE_CHUNKS * TG_CHUNK_LEN);
		if (!b->mem[i])
			return false;
		memset(b->mem[i], 0, PROVE_CHUNKS * TG_CHUNK_LEN);
	}
	b->env = (struct tg_tcp_env){.secret = &b->secret,
				     .ctr = &b->ctr,
				     .rng = &b->rng,
				     .challenge_ms = 500,
				     .msl_ms = PROVE_MSL_MS,
				     .mtu = 1500};
	return true;
}

void prove_bench_fini(struct prove_bench *b)
{
	free(b->mem[0]);
	free(b->mem[1]);
}
