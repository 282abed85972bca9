/* SPDX-License-Identifier: BSD-3-Clause */
/* script_match.c: is the packet that came the packet that the script says? */
#include "script_int.h"

#include <string.h>

static void rebase(struct script_flow *f, const struct script_seg *want,
		   const struct script_seg *got)
{
	if (want->seq.any)
		return;
	f->base = got->seq.v - want->seq.v;
	if (f->has_base)
		f->isn_step = got->seq.v - f->isn;
	f->isn = got->seq.v;
	f->has_base = true;
	f->fresh = f->has_ts = f->has_seen = false;
}

/* Whose packet is it? A SYN of ours makes its connection known to the script. */
static bool match_flow(struct script_run *r, const struct script_seg *want,
		       const struct script_seen *got, const struct script_pkt *pkt)
{
	struct script_flow *f = &r->flow[want->flow];
	bool same = f->bound && f->lport == got->lport && f->rport == got->rport;
	bool syn = got->seg.flags & SF_SYN && want->flags & SF_SYN;

	if (!same && syn && !(got->seg.flags & SF_ACK)) {
		f->bound = same = true;
		f->lport = got->lport;
		f->rport = got->rport;
		f->fresh = true;
	}
	if (!same)
		return script_failed(r, pkt, "a packet of another connection (ports %u, %u)",
				     got->lport, got->rport);
	if (syn && (!f->has_base || f->fresh))
		rebase(f, want, &got->seg);
	return true;
}

static const char *flag_names(uint8_t flags, char *buf)
{
	static const char letters[] = "FSRP.UEW";
	size_t n = 0;

	for (int i = 0; i < 8; i++)
		if (flags & 1 << i)
			buf[n++] = letters[i];
	if (!n)
		buf[n++] = '-';
	buf[n] = 0;
	return buf;
}

static bool match_numbers(struct script_run *r, const struct script_seg *want,
			  const struct script_seg *got, const struct script_pkt *pkt)
{
	const struct script_flow *f = &r->flow[want->flow];
	uint32_t seq = got->seq.v - f->base, ack = got->ack.v - r->script->isn;
	bool rst_b = (got->flags & (SF_RST | SF_ACK)) == (SF_RST | SF_ACK) && got->seq.v == 0 &&
		     want->seq.v == 0;

	if (!want->seq.any && seq != want->seq.v && !rst_b)
		return script_failed(r, pkt, "SEQ is %u, expected %u", seq, want->seq.v);
	if (got->len != want->len)
		return script_failed(r, pkt, "%u bytes of text, expected %u", got->len, want->len);
	if ((want->flags & SF_ACK) && !want->ack.any && ack != want->ack.v)
		return script_failed(r, pkt, "ACK is %u, expected %u", ack, want->ack.v);
	if (!want->win.any && got->win.v != want->win.v)
		return script_failed(r, pkt, "the window is %u, expected %u", got->win.v,
				     want->win.v);
	if ((want->flags & SF_URG) && got->urg.v != want->urg.v)
		return script_failed(r, pkt, "the urgent pointer is %u, expected %u", got->urg.v,
				     want->urg.v);
	if (want->ecn != ECN_UNSAID && want->ecn != got->ecn)
		return script_failed(r, pkt, "the ECN mark is %d, expected %d", got->ecn,
				     want->ecn);
	return true;
}

/* --- options --- */

static bool ts_close(const struct script_run *r, uint32_t a, uint32_t b)
{
	int32_t off = (int32_t)(a - b);
	int64_t may = (int64_t)(r->script->tolerance_ns / 1000000) + 1;

	return off <= may && -off <= may;
}

static bool match_ts(struct script_run *r, struct script_flow *f, const struct script_opt *want,
		     const struct script_opt *got, const struct script_pkt *pkt)
{
	if (!want->a.any && !f->has_ts) {
		f->ts_base = got->a.v - want->a.v;
		f->has_ts = true;
	}
	if (!want->a.any && !ts_close(r, got->a.v - f->ts_base, want->a.v))
		return script_failed(r, pkt, "TS val is %u, expected %u", got->a.v - f->ts_base,
				     want->a.v);
	if (!want->b.any && got->b.v != want->b.v)
		return script_failed(r, pkt, "TS ecr is %u, expected %u", got->b.v, want->b.v);
	return true;
}

static bool match_sack(struct script_run *r, const struct script_opt *want,
		       const struct script_opt *got, const struct script_pkt *pkt)
{
	if (want->n != got->n)
		return script_failed(r, pkt, "%u SACK blocks, expected %u", got->n, want->n);
	for (uint8_t i = 0; i < want->n; i++) {
		uint32_t a = got->sack[i][0] - r->script->isn, b = got->sack[i][1] - r->script->isn;

		if (a != want->sack[i][0] || b != want->sack[i][1])
			return script_failed(r, pkt, "SACK block %u is %u:%u, expected %u:%u",
					     i + 1u, a, b, want->sack[i][0], want->sack[i][1]);
	}
	return true;
}

static bool match_opt(struct script_run *r, struct script_flow *f, const struct script_opt *want,
		      const struct script_opt *got, const struct script_pkt *pkt)
{
	if (want->kind == SO_TS)
		return match_ts(r, f, want, got, pkt);
	if (want->kind == SO_SACK)
		return match_sack(r, want, got, pkt);
	if (want->kind == SO_HEX && (want->n != got->n || memcmp(want->hex, got->hex, want->n)))
		return script_failed(r, pkt, "other bytes of an unknown option");
	if (!want->a.any && got->a.v != want->a.v)
		return script_failed(r, pkt, "%s is %u, expected %u",
				     want->kind == SO_MSS ? "mss" : "wscale", got->a.v, want->a.v);
	return true;
}

static const char *opt_name(uint16_t kind)
{
	switch (kind) {
	case SO_EOL:
		return "eol";
	case SO_NOP:
		return "nop";
	case SO_MSS:
		return "mss";
	case SO_WS:
		return "wscale";
	case SO_SACKOK:
		return "sackOK";
	case SO_SACK:
		return "sack";
	case SO_TS:
		return "TS";
	default:
		return "an unknown option";
	}
}

static bool is_padding(const struct script_opt *o)
{
	return o->kind == SO_NOP || o->kind == SO_EOL;
}

static const struct script_opt *find_opt(const struct script_seg *seg, uint16_t kind)
{
	for (uint8_t i = 0; i < seg->opt_n; i++)
		if (seg->opt[i].kind == kind)
			return &seg->opt[i];
	return NULL;
}

/* Stacks order and pad their options each in its own way: what counts is what they say. */
static bool match_opts_any_order(struct script_run *r, const struct script_seg *want,
				 const struct script_seg *got, const struct script_pkt *pkt)
{
	for (uint8_t i = 0; i < want->opt_n; i++) {
		const struct script_opt *w = &want->opt[i], *g = find_opt(got, w->kind);

		if (is_padding(w))
			continue;
		if (!g)
			return script_failed(r, pkt, "the option %s is missing", opt_name(w->kind));
		if (!match_opt(r, &r->flow[want->flow], w, g, pkt))
			return false;
	}
	for (uint8_t i = 0; i < got->opt_n; i++)
		if (!is_padding(&got->opt[i]) && !find_opt(want, got->opt[i].kind))
			return script_failed(r, pkt, "the option %s was not expected",
					     opt_name(got->opt[i].kind));
	return true;
}

static bool match_opts_exact(struct script_run *r, const struct script_seg *want,
			     const struct script_seg *got, const struct script_pkt *pkt)
{
	for (uint8_t i = 0; i < want->opt_n || i < got->opt_n; i++) {
		if (i >= want->opt_n || i >= got->opt_n || want->opt[i].kind != got->opt[i].kind)
			return script_failed(
			    r, pkt, "option %u is %s, expected %s", i + 1u,
			    i < got->opt_n ? opt_name(got->opt[i].kind) : "not there",
			    i < want->opt_n ? opt_name(want->opt[i].kind) : "none");
		if (!match_opt(r, &r->flow[want->flow], &want->opt[i], &got->opt[i], pkt))
			return false;
	}
	return true;
}

static bool match_opts(struct script_run *r, const struct script_seg *want,
		       const struct script_seg *got, const struct script_pkt *pkt)
{
	if (want->any_opts)
		return true;
	return r->script->exact_opts ? match_opts_exact(r, want, got, pkt)
				     : match_opts_any_order(r, want, got, pkt);
}

/* A byte of our stream keeps its value however often it is sent (DT-32). */
static bool match_text(struct script_run *r, const struct script_seg *want,
		       const struct script_seen *got, const struct script_pkt *pkt)
{
	uint32_t first = got->seg.seq.v - r->flow[want->flow].base - 1;

	for (uint32_t i = 0; !r->script->has_service && i < got->seg.len; i++)
		if (got->text[i] != script_byte(first + i))
			return script_failed(r, pkt,
					     "byte %u of the stream is %u, but %u was written",
					     first + i, got->text[i], script_byte(first + i));
	return true;
}

static void see_ts(struct script_flow *f, const struct script_seg *got)
{
	const struct script_opt *ts = find_opt(got, SO_TS);

	if (!ts)
		return;
	f->ts_seen = ts->a.v;
	f->has_seen = true;
}

/* A line that no segment can carry, and a segment that carries some of it: what that one must be.
 * PSH may come early where writes end; FIN comes last, CWR first. */
static bool is_part(const struct script_run *r, const struct script_seg *want,
		    const struct script_seg *got, struct script_seg *part)
{
	uint32_t mss = r->flow[want->flow].mss;

	*part = *want;
	if (!mss || want->len <= mss || !got->len || got->len >= want->len)
		return false;
	part->len = got->len;
	part->flags &= (uint8_t) ~(SF_FIN | (got->flags & SF_PSH ? 0 : SF_PSH));
	return true;
}

static void take_part(struct script_seg *want, uint32_t len)
{
	want->seq.v += len;
	want->len -= len;
	want->flags &= (uint8_t)~SF_CWR;
}

bool script_match(struct script_run *r, struct script_seg *want, const struct script_pkt *pkt)
{
	struct script_seen got;
	struct script_seg one;
	char a[12], b[12];
	bool part;

	if (!script_decode(pkt->data, pkt->len, pkt->len, false, &got))
		return script_failed(r, pkt, "a packet that is no TCP");
	if (!match_flow(r, want, &got, pkt))
		return false;
	part = is_part(r, want, &got.seg, &one);
	if (got.seg.flags != one.flags)
		return script_failed(r, pkt, "the flags are %s, expected %s",
				     flag_names(got.seg.flags, a), flag_names(one.flags, b));
	see_ts(&r->flow[want->flow], &got.seg);
	if (!match_numbers(r, &one, &got.seg, pkt) || !match_opts(r, &one, &got.seg, pkt) ||
	    !match_text(r, &one, &got, pkt))
		return false;
	take_part(want, part ? one.len : want->len);
	return true;
}
