/* SPDX-License-Identifier: BSD-3-Clause */
/* script_parse_packet.c: the lines `< S 0:0(0) win 1000 <mss 1460>`, `> . 1:1(0) ack 1` and
 * `< icmp unreachable port_unreachable [1:1001(1000)]`. */
#include "script_int.h"

#include <ctype.h>
#include <string.h>

static const char options_allowed[] =
    "mss N, nop, eol, wscale N, sackOK, sack A:B..., TS val N ecr N, hex XX..., or ... alone";

/* --- TCP options --- */

size_t script_opt_len(const struct script_opt *opt)
{
	switch (opt->kind) {
	case SO_EOL:
	case SO_NOP:
		return 1;
	case SO_MSS:
		return 4;
	case SO_WS:
		return 3;
	case SO_SACKOK:
		return 2;
	case SO_SACK:
		return 2 + 8u * opt->n;
	case SO_TS:
		return 10;
	default:
		return opt->n;
	}
}

static bool parse_sack(struct script_in *in, struct script_opt *opt)
{
	opt->kind = SO_SACK;
	script_blank(in);
	while (script_is_digit(in)) {
		if (opt->n == SCRIPT_SACK_MAX)
			return script_wrong(in, "an option has room for 4 SACK blocks");
		if (!script_u32(in, &opt->sack[opt->n][0], "the left edge of a SACK block") ||
		    !script_need(in, ":", "a SACK block (A:B)") ||
		    !script_u32(in, &opt->sack[opt->n][1], "the right edge of a SACK block"))
			return false;
		opt->n++;
		script_blank(in);
	}
	return true;
}

static bool parse_hex(struct script_in *in, struct script_opt *opt)
{
	opt->kind = SO_HEX;
	script_blank(in);
	while (in->end - in->p >= 2 && isxdigit((unsigned char)in->p[0]) &&
	       isxdigit((unsigned char)in->p[1])) {
		uint8_t b = 0;

		if (opt->n == SCRIPT_OPT_BYTES)
			return script_wrong(in, "a header has room for 40 bytes of options");
		for (int i = 0; i < 2; i++, in->p++)
			b = (uint8_t)(b << 4 | (isdigit((unsigned char)*in->p)
						    ? *in->p - '0'
						    : (tolower((unsigned char)*in->p) - 'a' + 10)));
		opt->hex[opt->n++] = b;
	}
	return opt->n > 0 || script_wrong(in, "hex needs bytes, as in `hex 1e0400ff`");
}

static bool parse_ts(struct script_in *in, struct script_opt *opt)
{
	opt->kind = SO_TS;
	if (!script_eat_word(in, "val") || !script_num(in, &opt->a, "TS val"))
		return script_wrong(in, "a timestamp is `TS val N ecr N`");
	if (!script_eat_word(in, "ecr") || !script_num(in, &opt->b, "TS ecr"))
		return script_wrong(in, "a timestamp is `TS val N ecr N`");
	return true;
}

static bool parse_small(struct script_in *in, struct script_opt *opt, uint16_t kind, uint32_t max,
			const char *what)
{
	opt->kind = kind;
	if (!script_num(in, &opt->a, what))
		return false;
	return opt->a.v <= max || script_wrong(in, "%s is at most %u", what, max);
}

static bool parse_opt(struct script_in *in, struct script_opt *opt)
{
	char word[24];

	memset(opt, 0, sizeof(*opt));
	script_word(in, word, sizeof(word));
	if (!strcmp(word, "nop") || !strcmp(word, "eol") || !strcmp(word, "sackOK")) {
		opt->kind = word[0] == 'n' ? SO_NOP : word[0] == 'e' ? SO_EOL : SO_SACKOK;
		return true;
	}
	if (!strcmp(word, "mss"))
		return parse_small(in, opt, SO_MSS, 65535, "mss");
	if (!strcmp(word, "wscale"))
		return parse_small(in, opt, SO_WS, 255, "wscale");
	if (!strcmp(word, "sack"))
		return parse_sack(in, opt);
	if (!strcmp(word, "TS"))
		return parse_ts(in, opt);
	if (!strcmp(word, "hex"))
		return parse_hex(in, opt);
	if (!strcmp(word, "FO") || !strcmp(word, "FOEXP") || !strcmp(word, "FOC") ||
	    !strcmp(word, "md5") || !strcmp(word, "exp") || !strcmp(word, "ACCECN"))
		return script_skip(in, "the option %s is not built", word);
	return script_wrong(in, "unknown option `%s`; there are %s", word, options_allowed);
}

static bool parse_opts(struct script_in *in, struct script_seg *seg)
{
	struct script_opt list[SCRIPT_OPT_BYTES];
	size_t len = 0;

	if (script_eat(in, "...")) {
		seg->any_opts = true;
		return script_need(in, ">", "options");
	}
	while (!script_eat(in, ">")) {
		if (seg->opt_n && !script_need(in, ",", "options"))
			return false;
		if (seg->opt_n == SCRIPT_OPT_BYTES)
			return script_wrong(in, "a header has room for 40 bytes of options");
		if (!parse_opt(in, &list[seg->opt_n]))
			return false;
		len += script_opt_len(&list[seg->opt_n++]);
		if (len > SCRIPT_OPT_BYTES)
			return script_wrong(in, "a header has room for 40 bytes of options");
	}
	if (!seg->opt_n)
		return true;
	seg->opt = script_keep(in, seg->opt_n * sizeof(*seg->opt));
	if (!seg->opt)
		return false;
	memcpy(seg->opt, list, seg->opt_n * sizeof(*seg->opt));
	return true;
}

/* --- the segment --- */

static bool parse_flags(struct script_in *in, uint8_t *flags)
{
	static const char letters[] = "FSRP.UEW"; /* in the order of the bits */
	const char *from, *at;

	script_blank(in);
	from = in->p;
	if (script_eat(in, "-"))
		return true;
	for (; in->p < in->end && *in->p && (at = strchr(letters, *in->p)); in->p++)
		*flags |= (uint8_t)(1 << (at - letters));
	return in->p > from ||
	       script_wrong(in, "flags are missing: some of S F R P . U E W, or - for none");
}

/* `1:1001(1000)`, `1` or `*(1000)` */
static bool parse_range(struct script_in *in, struct script_num *seq, uint32_t *len)
{
	uint32_t end = 0;
	bool has_end;

	*len = 0;
	if (!script_num(in, seq, "the sequence number"))
		return false;
	has_end = script_eat(in, ":");
	if (has_end && !script_eat(in, "*") && !script_u32(in, &end, "the end of the sequence"))
		return false;
	if (!script_eat(in, "("))
		return !has_end || script_wrong(in, "a length is missing: `1:1001(1000)`");
	if (!script_u32(in, len, "the length") || !script_need(in, ")", "a length"))
		return false;
	if (*len > 65000)
		return script_wrong(in, "a segment has at most 65000 bytes of text");
	if (has_end && !seq->any && end != seq->v + *len)
		return script_wrong(in, "%u:%u(%u) does not add up", seq->v, end, *len);
	return true;
}

static bool parse_fields(struct script_in *in, struct script_seg *seg)
{
	seg->win.any = true;
	if (script_eat_word(in, "ack")) {
		if (!script_num(in, &seg->ack, "ack"))
			return false;
	} else {
		seg->ack.any = true;
	}
	if (script_eat_word(in, "win") && !script_num(in, &seg->win, "win"))
		return false;
	if (script_eat_word(in, "urg") && !script_num(in, &seg->urg, "urg"))
		return false;
	if (seg->win.v > 65535 || seg->urg.v > 65535)
		return script_wrong(in, "win and urg are at most 65535, as on the wire");
	return true;
}

static bool parse_ecn(struct script_in *in, int8_t *ecn)
{
	static const char *const words[] = {"noecn", "ect1", "ect0", "ce"};
	char word[16];

	*ecn = ECN_UNSAID;
	if (!script_eat(in, "["))
		return true;
	script_word(in, word, sizeof(word));
	for (int8_t i = 0; i < 4; i++)
		if (!strcmp(word, words[i]))
			*ecn = i;
	if (*ecn == ECN_UNSAID && (!strcmp(word, "tos") || !strcmp(word, "flowlabel") ||
				   !strcmp(word, "ttl") || !strcmp(word, "ect01")))
		return script_skip(in, "[%s] is not built", word);
	if (*ecn == ECN_UNSAID)
		return script_wrong(in, "unknown mark `%s`; there are noecn, ect0, ect1, ce", word);
	return script_need(in, "]", "the ECN mark");
}

static bool parse_flow(struct script_in *in, uint8_t *flow)
{
	uint32_t n = 1;

	if (script_eat(in, "@") && !script_u32(in, &n, "the connection (@N)"))
		return false;
	if (n < 1 || n > SCRIPT_FLOW_MAX)
		return script_wrong(in, "connections are @1 to @%d", SCRIPT_FLOW_MAX);
	*flow = (uint8_t)(n - 1);
	return true;
}

/* What the field's runner has and this one has not. */
static bool is_unbuilt(struct script_in *in)
{
	static const char *const words[] = {"udp", "udplite", "ipv4", "ipv6",
					    "gre", "mpls",    "sctp", "tcp"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (script_eat_word(in, words[i])) {
			script_skip(in, "packets of `%s` are not built", words[i]);
			return true;
		}
	return false;
}

static bool parse_segment(struct script_in *in, struct script_seg *seg, bool out)
{
	if (!parse_flags(in, &seg->flags) || !parse_range(in, &seg->seq, &seg->len) ||
	    !parse_fields(in, seg))
		return false;
	if (!out && (seg->seq.any || (seg->ack.any && seg->flags & SF_ACK)))
		return script_wrong(in, "an inbound segment needs its numbers: `. 1:1(0) ack 1`");
	if (script_eat(in, "<") && !parse_opts(in, seg))
		return false;
	if (out)
		return true;
	if (seg->any_opts)
		return script_wrong(in, "an inbound segment says its options: %s", options_allowed);
	for (uint8_t i = 0; i < seg->opt_n; i++)
		if (seg->opt[i].a.any || seg->opt[i].b.any)
			return script_wrong(in, "an inbound segment says its options in numbers");
	if (seg->len + 120 > 65535)
		return script_wrong(in, "the datagram would be too long");
	return true;
}

bool script_parse_packet(struct script_in *in, struct script_event *ev, bool out)
{
	uint8_t flow = 0;
	int8_t ecn = ECN_UNSAID;

	if (is_unbuilt(in) || !parse_flow(in, &flow) || !parse_ecn(in, &ecn))
		return false;
	if (script_eat_word(in, "icmp")) {
		if (out)
			return script_skip(in, "outbound ICMP is not built");
		ev->kind = SE_ICMP;
		ev->u.icmp.flow = flow;
		return script_parse_icmp(in, &ev->u.icmp);
	}
	ev->kind = out ? SE_OUT : SE_IN;
	ev->u.seg.flow = flow;
	ev->u.seg.ecn = ecn;
	return parse_segment(in, &ev->u.seg, out);
}

/* --- ICMP --- */

struct icmp_name {
	const char *type, *code;
	int16_t v4[2], v6[2]; /* type and code; -1: the family has none */
};

/* One line for both families where they say the same (RFC 792, RFC 4443). */
static const struct icmp_name icmp_names[] = {
    {"unreachable", "net_unreachable", {3, 0}, {1, 0}},
    {"unreachable", "host_unreachable", {3, 1}, {1, 3}},
    {"unreachable", "protocol_unreachable", {3, 2}, {-1, -1}},
    {"unreachable", "port_unreachable", {3, 3}, {1, 4}},
    {"unreachable", "frag_needed", {3, 4}, {2, 0}},
    {"unreachable", "source_route_failed", {3, 5}, {-1, -1}},
    {"unreachable", "net_unknown", {3, 6}, {-1, -1}},
    {"unreachable", "host_unknown", {3, 7}, {-1, -1}},
    {"unreachable", "net_prohibited", {3, 9}, {-1, -1}},
    {"unreachable", "host_prohibited", {3, 10}, {-1, -1}},
    {"unreachable", "packet_filtered", {3, 13}, {1, 1}},
    {"unreachable", "no_route", {3, 0}, {1, 0}},
    {"unreachable", "admin_prohibited", {3, 13}, {1, 1}},
    {"unreachable", "not_neighbour", {-1, -1}, {1, 2}},
    {"unreachable", "address_unreachable", {3, 1}, {1, 3}},
    {"packet_too_big", "", {3, 4}, {2, 0}},
    {"source_quench", "", {4, 0}, {-1, -1}},
    {"time_exceeded", "ttl", {11, 0}, {3, 0}},
    {"time_exceeded", "reassembly", {11, 1}, {3, 1}},
    {"time_exceeded", "", {11, 0}, {3, 0}},
    {"parameter_problem", "", {12, 0}, {4, 0}},
};

static bool find_icmp(struct script_in *in, const char *type, struct script_icmp *icmp)
{
	bool is_type = false;

	for (size_t i = 0; i < sizeof(icmp_names) / sizeof(icmp_names[0]); i++) {
		const struct icmp_name *n = &icmp_names[i];
		const int16_t *v = in->script->v6 ? n->v6 : n->v4;

		if (strcmp(n->type, type))
			continue;
		is_type = true;
		if (n->code[0] && !script_eat_word(in, n->code))
			continue;
		if (v[0] < 0)
			return script_wrong(in, "icmp %s %s does not exist in this family", type,
					    n->code);
		icmp->type = (uint8_t)v[0];
		icmp->code = (uint8_t)v[1];
		return true;
	}
	return script_wrong(in,
			    "unknown ICMP %s%s%s; there are unreachable (net_, host_, protocol_, "
			    "port_unreachable, frag_needed, source_route_failed, admin_prohibited "
			    "...), packet_too_big, time_exceeded, parameter_problem, "
			    "source_quench, or type N code N",
			    is_type ? type : "`", is_type ? " code" : type, is_type ? "" : "`");
}

static bool parse_icmp_kind(struct script_in *in, struct script_icmp *icmp)
{
	char word[32];
	uint32_t type, code;

	if (!script_word(in, word, sizeof(word)) || strcmp(word, "type"))
		return find_icmp(in, word, icmp);
	if (!script_u32(in, &type, "the ICMP type") || !script_eat_word(in, "code") ||
	    !script_u32(in, &code, "the ICMP code"))
		return script_wrong(in, "ICMP by number is `icmp type N code N`");
	if (type > 255 || code > 255)
		return script_wrong(in, "type and code are at most 255");
	icmp->type = (uint8_t)type;
	icmp->code = (uint8_t)code;
	return true;
}

bool script_parse_icmp(struct script_in *in, struct script_icmp *icmp)
{
	struct script_num seq;
	uint32_t quoted = 20;

	if (!parse_icmp_kind(in, icmp))
		return false;
	if (script_eat_word(in, "mtu") && !script_u32(in, &icmp->mtu, "mtu"))
		return false;
	if (script_eat_word(in, "quoted") && !script_u32(in, &quoted, "the bytes of TCP quoted"))
		return false;
	if (quoted > 20)
		return script_wrong(in, "at most 20 bytes of TCP are quoted");
	icmp->quoted = (uint8_t)quoted;
	if (!script_need(in, "[", "ICMP: the segment that it quotes, as in [1:1001(1000)]") ||
	    !parse_range(in, &seq, &icmp->len))
		return false;
	if (seq.any)
		return script_wrong(in, "the segment that ICMP quotes needs its number");
	icmp->seq = seq.v;
	return script_need(in, "]", "ICMP");
}
