/* SPDX-License-Identifier: BSD-3-Clause */
/* script_text.c: a packet in the language of the scripts, for logs and reports. */
#include "script_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *buf;
	size_t size, at;
};

static void __attribute__((format(printf, 2, 3))) add(struct out *o, const char *format, ...)
{
	va_list args;

	if (o->at + 1 >= o->size)
		return;
	va_start(args, format);
	int n = vsnprintf(o->buf + o->at, o->size - o->at, format, args);
	va_end(args);
	o->at += n > 0 ? (size_t)n : 0;
	if (o->at >= o->size)
		o->at = o->size - 1;
}

static void add_flags(struct out *o, uint8_t flags)
{
	static const char letters[] = "FSRP.UEW";
	static const uint8_t order[] = {1, 0, 2, 3, 5, 6, 7, 4}; /* the ACK's point stands last */

	if (!flags)
		add(o, "-");
	for (size_t i = 0; i < sizeof(order); i++)
		if (flags & 1 << order[i])
			add(o, "%c", letters[order[i]]);
}

static void add_opt(struct out *o, const struct script_opt *opt, uint32_t sack_base,
		    uint32_t val_base, uint32_t ecr_base)
{
	switch (opt->kind) {
	case SO_EOL:
		add(o, "eol");
		break;
	case SO_NOP:
		add(o, "nop");
		break;
	case SO_MSS:
		add(o, "mss %u", opt->a.v);
		break;
	case SO_WS:
		add(o, "wscale %u", opt->a.v);
		break;
	case SO_SACKOK:
		add(o, "sackOK");
		break;
	case SO_TS:
		add(o, "TS val %u ecr %u", opt->a.v - val_base, opt->b.v ? opt->b.v - ecr_base : 0);
		break;
	case SO_SACK:
		add(o, "sack");
		for (uint8_t i = 0; i < opt->n; i++)
			add(o, " %u:%u", opt->sack[i][0] - sack_base, opt->sack[i][1] - sack_base);
		break;
	default:
		add(o, "hex ");
		for (uint8_t i = 0; i < opt->n; i++)
			add(o, "%02x", opt->hex[i]);
	}
}

static void add_segment(struct out *o, const struct script_seen *s, const struct script_flow *f,
			uint32_t peer, bool in)
{
	static const char *const ecn[] = {"", "[ect1] ", "[ect0] ", "[ce] "};
	const struct script_seg *seg = &s->seg;
	/* A first SYN is 0, before the script has said so. */
	bool first = f && !in && (seg->flags & SF_SYN) && (f->fresh || !f->has_base);
	uint32_t ours = first ? seg->seq.v : f ? f->base : 0, ts = f && f->has_ts ? f->ts_base : 0;
	uint32_t seq = seg->seq.v - (in ? peer : ours);

	/* <SEQ=0><ACK=...><RST,ACK> answers what has no connection: its 0 is no number of ours. */
	if (!in && (seg->flags & (SF_RST | SF_ACK)) == (SF_RST | SF_ACK) && seg->seq.v == 0)
		seq = 0;
	add(o, "%s", ecn[seg->ecn & 3]);
	add_flags(o, seg->flags);
	add(o, " %u:%u(%u)", seq, seq + seg->len, seg->len);
	if (seg->flags & SF_ACK)
		add(o, " ack %u", seg->ack.v - (in ? ours : peer));
	add(o, " win %u", seg->win.v);
	if (seg->flags & SF_URG)
		add(o, " urg %u", seg->urg.v);
	for (uint8_t i = 0; i < seg->opt_n; i++) {
		add(o, "%s", i ? "," : " <");
		add_opt(o, &seg->opt[i], in ? ours : peer, in ? 0 : ts, in ? ts : 0);
	}
	if (seg->opt_n)
		add(o, ">");
}

void script_format(const struct script_run *r, const uint8_t *data, size_t len, size_t kept,
		   bool in, bool absolute, char *buf, size_t size)
{
	struct out o = {buf, size, 0};
	struct script_seen seen;

	buf[0] = 0;
	if (!script_decode(data, len, kept, in, &seen)) {
		bool v6 = kept > 6 && data[0] >> 4 == 6;
		size_t at = v6 ? 40 : 20;

		add(&o, "%s", in ? "< " : "> ");
		if (kept >= at + 2 && (v6 ? data[6] == 58 : data[9] == 1))
			add(&o, "icmp type %u code %u", data[at], data[at + 1]);
		else
			add(&o, "%zu bytes that are no TCP", len);
		return;
	}
	int flow = script_flow_of(r, seen.lport, seen.rport);

	add(&o, "%s", in ? "< " : "> ");
	if (flow > 0)
		add(&o, "@%d ", flow + 1);
	if (flow < 0)
		add(&o, "(port %u, peer's %u) ", seen.lport, seen.rport);
	add_segment(&o, &seen, flow < 0 || absolute ? NULL : &r->flow[flow],
		    absolute ? 0 : r->script->isn, in);
}
