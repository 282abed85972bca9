/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_client.c: clients that connect, ask for some bytes, look at each of them, and close: a
 * TCP of their own, so that the engine is not judged by itself. What they send may be lost in the
 * ring and is sent again as RFC 6298 says, from 1 s on, doubling; of SYNs at most three. What is
 * sent to them always arrives. */
#include "virtual.h"

#include "tg_wire.h"
#include <stdio.h>

enum {
	PORT_BITS = 15,
	PORT_FIRST = 1024,
	HOST_FIRST = 1,
	BODY = 600,
	PATTERN = 251,
	SLOW_EVERY = 8,
	LAYOUT_N = 4,
	TRIES_MAX = 7, /* of the request and of the FIN: then it is given up */
	RTO_MS = 1000,
	RTO_LATE_MS = 3000, /* RFC 6298 5.7: the SYN was sent again */
	DELAY_MIN_US = 2000,
	DELAY_RANGE_US = 10000,
	JITTER_NS = 1000000,
};

enum step { BEGIN = 0, SYN_SENT, ACK_LATE, ASKED, CLOSING, DONE, GONE };

struct v_client {
	uint64_t due_ns, begun_ns;
	uint32_t iss, snd_nxt, rcv_nxt;
	uint32_t ts_offset, ts_recent;
	uint32_t delay_us, late_us; /* one way; before the handshake's ACK */
	uint32_t last4, body;       /* of the answer: the last bytes of the head; of the body */
	uint8_t step, syns, tries, layout;
	bool counted, has_ts, in_body, answered, refused, bad;
	bool armed_syn, armed_open, opened; /* at the server */
};

static const char request[] = "GET /bytes/600 HTTP/1.1\r\nHost: flood.test\r\n\r\n";
enum { REQUEST_LEN = sizeof(request) - 1 };

size_t v_client_size(void)
{
	return sizeof(struct v_client);
}

/* --- names: a client's number is its port and its host number --- */

static struct tg_tuple tuple_of(const struct v_run *run, uint32_t i)
{
	return (struct tg_tuple){
	    .laddr = v_addr_server(run->p->v6),
	    .raddr = v_addr_client(run->p->v6, i % run->p->client_prefixes,
				   HOST_FIRST + (i >> PORT_BITS)),
	    .lport = 80,
	    .rport = (uint16_t)(PORT_FIRST + (i & ((1u << PORT_BITS) - 1))),
	};
}

bool v_client_find(struct v_run *run, const struct tg_addr *addr, uint16_t port, uint32_t *i)
{
	uint32_t host = addr->b[15] - (uint32_t)HOST_FIRST;
	uint32_t n = host << PORT_BITS | ((uint32_t)port - PORT_FIRST);

	if (port < PORT_FIRST || n >= run->client_n)
		return false;
	struct tg_tuple t = tuple_of(run, n);

	*i = n;
	return tg_addr_equal(&t.raddr, addr);
}

/* --- sending --- */

static uint32_t put_ts(const struct v_run *run, const struct v_client *c, uint8_t *opt, bool syn)
{
	tg_be32_put(opt, (uint32_t)(run->now_ns / TG_NS_PER_MS) + c->ts_offset);
	tg_be32_put(opt + 4, syn ? 0 : c->ts_recent);
	return 8;
}

/* As Linux, as a BSD, as Windows, which has no timestamps, and with an MSS alone. */
static uint32_t syn_options(const struct v_run *run, const struct v_client *c, uint8_t *opt)
{
	static const uint8_t linux_[] = {2, 4, 5, 180, 4, 2, 8, 10, [16] = 1, [17] = 3, 3, 7},
			     bsd[] = {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, [20] = 4, 2, 0, 0},
			     windows[] = {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2},
			     plain[] = {2, 4, 5, 180};
	static const struct {
		const uint8_t *opt;
		uint32_t len, ts_at;
	} all[LAYOUT_N] = {{linux_, sizeof(linux_), 8},
			   {bsd, sizeof(bsd), 12},
			   {windows, sizeof(windows), 0},
			   {plain, sizeof(plain), 0}};

	memcpy(opt, all[c->layout].opt, all[c->layout].len);
	if (all[c->layout].ts_at)
		put_ts(run, c, opt + all[c->layout].ts_at, true);
	return all[c->layout].len;
}

static void send_at(struct v_run *run, uint32_t i, uint8_t ctl, uint32_t seq, const void *text,
		    uint32_t len, uint64_t at_ns)
{
	const struct v_client *c = &run->client[i];
	struct tg_tuple t = tuple_of(run, i);
	struct tg_seg seg = {
	    .seq = tg_seq_make(seq),
	    .ack = tg_seq_make((ctl & TG_TCP_ACK) ? c->rcv_nxt : 0),
	    .wnd = 64240,
	    .ctl = ctl,
	    .len = len,
	};
	uint8_t opt[40] = {1, 1, 8, 10};
	uint32_t n = 0;

	if (ctl & TG_TCP_SYN)
		n = syn_options(run, c, opt);
	else if (c->has_ts)
		n = 4 + put_ts(run, c, opt + 4, false);
	uint8_t *frame = v_run_frame(run);

	v_run_put(run, (struct v_event){.at_ns = at_ns,
					.frame = frame,
					.len = v_frame(frame, &t, &seg, opt, n, text),
					.client = i,
					.kind = V_TO_SERVER,
					.who = V_CLIENT});
}

static uint64_t arrival(struct v_run *run, const struct v_client *c)
{
	return run->now_ns + c->delay_us * UINT64_C(1000) + tg_rng_below(&run->rng, JITTER_NS);
}

static void send_one(struct v_run *run, uint32_t i, uint8_t ctl, uint32_t seq)
{
	send_at(run, i, ctl, seq, NULL, 0, arrival(run, &run->client[i]));
}

static void ask_again(struct v_run *run, uint32_t i, uint64_t at_ns)
{
	send_at(run, i, TG_TCP_ACK | TG_TCP_PSH, run->client[i].iss + 1, request, REQUEST_LEN,
		at_ns);
}

/* --- timers --- */

static void arm(struct v_run *run, uint32_t i, uint64_t after_ns)
{
	run->client[i].due_ns = run->now_ns + after_ns;
	v_run_put(run, (struct v_event){
			   .at_ns = run->client[i].due_ns, .client = i, .kind = V_CLIENT_DUE});
}

static void arm_rto(struct v_run *run, uint32_t i)
{
	const struct v_client *c = &run->client[i];
	uint64_t ms = c->syns > 1 ? RTO_LATE_MS : RTO_MS;

	arm(run, i, (ms << c->tries) * TG_NS_PER_MS);
}

static void settle(struct v_run *run, struct v_client *c)
{
	if (c->counted && run->client_left)
		run->client_left--;
	c->counted = false;
}

/* It is known how it ends: what is left is to close. */
static void end(struct v_run *run, struct v_client *c, enum step step)
{
	settle(run, c);
	c->step = (uint8_t)step;
	c->due_ns = 0;
}

static void syn(struct v_run *run, uint32_t i)
{
	struct v_client *c = &run->client[i];

	if (c->syns == V_SYN_MAX) {
		end(run, c, GONE);
		return;
	}
	send_one(run, i, TG_TCP_SYN, c->iss);
	arm(run, i, ((uint64_t)RTO_MS << c->syns++) * TG_NS_PER_MS);
}

static void ask(struct v_run *run, uint32_t i)
{
	struct v_client *c = &run->client[i];
	uint64_t at_ns = arrival(run, c);

	c->step = ASKED;
	c->snd_nxt = c->iss + 1 + REQUEST_LEN;
	send_at(run, i, TG_TCP_ACK, c->iss + 1, NULL, 0, at_ns);
	ask_again(run, i, at_ns);
	arm_rto(run, i);
}

static void say_again(struct v_run *run, uint32_t i)
{
	struct v_client *c = &run->client[i];

	if (++c->tries > TRIES_MAX) {
		end(run, c, c->answered ? DONE : GONE);
		return;
	}
	if (c->step == ASKED)
		ask_again(run, i, arrival(run, c));
	else
		send_one(run, i, TG_TCP_FIN | TG_TCP_ACK, c->snd_nxt - 1);
	arm_rto(run, i);
}

void v_client_due(struct v_run *run, uint32_t i)
{
	struct v_client *c = &run->client[i];

	if (c->due_ns != run->now_ns)
		return;
	switch ((enum step)c->step) {
	case SYN_SENT:
		syn(run, i);
		return;
	case ACK_LATE:
		ask(run, i);
		return;
	case ASKED:
	case CLOSING:
		say_again(run, i);
		return;
	case BEGIN:
	case DONE:
	case GONE:
		return;
	}
}

/* What a client is like depends on its number alone: the same with a flood and without. */
void v_client_begin(struct v_run *run)
{
	uint32_t i = run->client_n++;
	struct v_client *c = &run->client[i];
	struct tg_rng *rng = &run->client_rng;

	*c = (struct v_client){
	    .begun_ns = run->now_ns,
	    .iss = (uint32_t)tg_rng_next(rng),
	    .ts_offset = (uint32_t)tg_rng_next(rng),
	    .delay_us = DELAY_MIN_US + tg_rng_below(rng, DELAY_RANGE_US),
	    .step = SYN_SENT,
	    .layout = (uint8_t)(tg_rng_below(rng, 8)),
	};
	/* Of eight five like Linux, and one each of the others. */
	c->layout = c->layout < LAYOUT_N ? c->layout : 0;
	uint32_t late_us = 50000 + tg_rng_below(rng, 700000);

	if (run->p->slow_acks && i % SLOW_EVERY == 0)
		c->late_us = late_us;
	c->counted = run->now_ns >= run->flood_ns && run->now_ns < run->span_end_ns;
	run->client_left += c->counted;
	syn(run, i);
}

/* --- receiving --- */

static void refused(struct v_run *run, struct v_client *c)
{
	c->refused |= !c->answered;
	end(run, c, GONE);
}

static void bad(struct v_run *run, struct v_client *c)
{
	c->bad = true;
	end(run, c, GONE);
}

/* A SYN-ACK has no option that the SYN had not, but for the MSS (SC-21). */
static bool is_fair(const struct v_client *c, const struct tg_seg *seg)
{
	bool ts = c->layout <= 1, more = c->layout <= 2;

	return seg->opts.has_mss && (ts || !seg->opts.has_ts) &&
	       (more || (!seg->opts.has_sack_perm && !seg->opts.has_wscale));
}

static void gets_syn_ack(struct v_run *run, uint32_t i, const struct tg_seg *seg)
{
	struct v_client *c = &run->client[i];

	if (seg->ack.v != c->iss + 1) {
		bad(run, c);
	} else if (c->step != SYN_SENT) { /* sent again: so our ACK was lost */
		if (seg->seq.v + 1 == c->rcv_nxt || c->body || c->last4)
			send_one(run, i, TG_TCP_ACK, c->snd_nxt);
		else
			bad(run, c);
	} else if (!is_fair(c, seg)) {
		bad(run, c);
	} else {
		c->rcv_nxt = seg->seq.v + 1;
		c->has_ts = seg->opts.has_ts;
		c->ts_recent = seg->opts.tsval;
		c->snd_nxt = c->iss + 1;
		if (!c->late_us) {
			ask(run, i);
			return;
		}
		c->step = ACK_LATE;
		arm(run, i, c->late_us * UINT64_C(1000));
	}
}

/* The head ends with an empty line; byte k of the body is k mod 251. */
static bool read_text(struct v_client *c, const uint8_t *text, uint32_t len)
{
	uint32_t k = 0;

	for (; k < len && !c->in_body; k++) {
		c->last4 = c->last4 << 8 | text[k];
		c->in_body = c->last4 == 0x0d0a0d0a;
	}
	for (; k < len; k++)
		if (c->body == BODY || text[k] != c->body++ % PATTERN)
			return false;
	return true;
}

/* Text and FIN in order; nothing on its way to us is lost. */
static void gets_more(struct v_run *run, uint32_t i, const struct tg_seg *seg)
{
	struct v_client *c = &run->client[i];

	if (seg->opts.has_ts)
		c->ts_recent = seg->opts.tsval;
	if (tg_seg_len(seg) == 0)
		return;
	if (seg->seq.v == c->rcv_nxt) {
		if (!read_text(c, seg->text, seg->len)) {
			bad(run, c);
			return;
		}
		c->rcv_nxt += tg_seg_len(seg);
	}
	if (seg->ctl & TG_TCP_FIN) {
		if (!c->answered) {
			bad(run, c);
			return;
		}
		end(run, c, DONE);
	}
	if (c->body == BODY && c->step == ASKED) {
		c->answered = true;
		settle(run, c);
		c->step = CLOSING;
		c->tries = 0;
		send_one(run, i, TG_TCP_FIN | TG_TCP_ACK, c->snd_nxt++);
		arm_rto(run, i);
		return;
	}
	send_one(run, i, TG_TCP_ACK, c->snd_nxt);
}

static bool parse(const uint8_t *frame, uint32_t len, struct tg_ip *ip, struct tg_seg *seg)
{
	struct tg_eth eth;

	if (tg_eth_parse(frame, len, &eth) != TG_CTR_NONE)
		return false;
	const uint8_t *l3 = frame + eth.hdr_len;
	uint32_t l3_len = len - eth.hdr_len;
	enum tg_ctr why = eth.type == TG_ETHERTYPE_IP6 ? tg_ip6_parse(l3, l3_len, ip)
						       : tg_ip4_parse(l3, l3_len, true, ip);

	return why == TG_CTR_NONE && ip->proto == TG_PROTO_TCP &&
	       tg_tcp_csum_ok(l3 + ip->hdr_len, ip->payload_len, &ip->src, &ip->dst) &&
	       tg_tcp_parse(l3 + ip->hdr_len, ip->payload_len, seg) == TG_CTR_NONE;
}

void v_client_gets(struct v_run *run, uint32_t i, const uint8_t *frame, uint32_t len)
{
	struct v_client *c = &run->client[i];
	struct tg_seg seg;
	struct tg_ip ip;

	if (!parse(frame, len, &ip, &seg))
		bad(run, c);
	else if (c->step == GONE)
		return;
	else if (seg.ctl & TG_TCP_RST)
		refused(run, c);
	else if (seg.ctl & TG_TCP_SYN)
		gets_syn_ack(run, i, &seg);
	else if (c->step == SYN_SENT || c->step == ACK_LATE)
		bad(run, c);
	else
		gets_more(run, i, &seg);
}

/* --- what came of them --- */

void v_client_note_sent(struct v_run *run, uint32_t i, uint8_t ctl)
{
	struct v_client *c = &run->client[i];
	bool armed = v_server_is_armed(&run->server);

	if ((ctl & TG_TCP_SYN) && c->step == SYN_SENT) {
		c->armed_syn = armed;
	} else if (!(ctl & (TG_TCP_SYN | TG_TCP_RST)) && !c->opened) {
		c->opened = true;
		c->armed_open = armed;
	}
}

uint32_t v_client_alive(const struct v_run *run)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < run->client_n; i++)
		n += run->client[i].step >= ASKED && run->client[i].step <= CLOSING;
	return n;
}

void v_client_sum(const struct v_run *run)
{
	struct v_result *r = run->r;

	for (uint32_t i = 0; i < run->client_n; i++) {
		const struct v_client *c = &run->client[i];
		if (c->begun_ns < run->flood_ns || c->begun_ns >= run->span_end_ns)
			continue;
		r->begun++;
		r->done[c->syns] += c->answered;
		r->refused += c->refused;
		r->bad += c->bad;
		r->silent += !c->answered && !c->refused && !c->bad;
		if (c->opened && c->armed_syn != c->armed_open) {
			r->straddled++;
			r->straddled_done += c->answered;
		}
	}
}
