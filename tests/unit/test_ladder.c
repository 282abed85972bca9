/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ladder.c: ladders as text, SVG and JSON; how flows are kept within bounds; and packets that
 * are cut or lie. */
#include "explain_scenes.h"
#include "tg_flow.h"
#include "tg_test.h"

enum { MSL_MS = 30000 };

/* --- drawing --- */

static const struct tg_ladder_step odd_steps[] = {
    {.kind = TG_LADDER_SEND,
     .side = TG_LADDER_LEFT,
     .number = 1,
     .what = "SYN",
     .seq = "seq 0",
     .more = "win 65535 mss 1460 wscale 7 sackOK TS and a great many words that never fit a line",
     .state = {"SYN-SENT", ""}},
    {.kind = TG_LADDER_EVENT,
     .side = TG_LADDER_RIGHT,
     .what = "close() <&\"\\ \x01\xff",
     .note = "a word of its own: "
	     "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft",
     .state = {"SYN-SENT", "CLOSED"}},
    {.kind = TG_LADDER_ARRIVE,
     .side = TG_LADDER_RIGHT,
     .of = 0,
     .what = "SYN",
     .state = {"SYN-SENT", "CLOSED"}},
    {.kind = TG_LADDER_SKIP, .note = "7 more from A", .state = {"SYN-SENT", "CLOSED"}},
    {.kind = TG_LADDER_LOST,
     .side = TG_LADDER_RIGHT,
     .marks = TG_LADDER_RST,
     .what = "RST",
     .state = {"SYN-SENT", "CLOSED"}},
    {.kind = TG_LADDER_SEND,
     .side = TG_LADDER_RIGHT,
     .what = "ACK",
     .state = {"SYN-SENT", "CLOSED"}},
};

static const struct tg_ladder odd_ladder = {
    .title = "a <title> & more",
    .name = {"left", "right"},
    .begin = {"CLOSED", NULL},
    .sentence = "What \"happened\".",
    .steps = odd_steps,
    .n = TG_TEST_N(odd_steps),
};

static void test_ladder_text_staysInItsColumns(void)
{
	static const uint32_t asked[] = {1, 72, 100, 137, 200, 5000};

	for (size_t i = 0; i < TG_TEST_N(asked); i++) {
		uint32_t columns = asked[i] < 72 ? 72 : asked[i] > 200 ? 200 : asked[i];
		struct tg_ladder l = odd_ladder;
		struct tg_ladder_step s[TG_TEST_N(odd_steps)];
		struct tg_text t = {0};

		memcpy(s, odd_steps, sizeof(s));
		s[1].note = "short words alone can be wrapped";
		s[1].what = "close()";
		l.steps = s;
		tg_ladder_text(&t, &l, asked[i], true);
		CU_ASSERT_FALSE(t.failed);
		for (char *line = strtok(t.at, "\n"); line; line = strtok(NULL, "\n"))
			CU_ASSERT_TRUE(tg_text_columns(line) <= columns);
		tg_text_free(&t);
	}
}

static void test_ladder_ascii_hasNoOtherBytes(void)
{
	struct tg_ladder l = odd_ladder;
	struct tg_text t = {0};

	l.n = 1;
	tg_ladder_text(&t, &l, 80, false);
	for (size_t i = 0; i < t.len; i++)
		CU_ASSERT_TRUE(t.at[i] == '\n' || (t.at[i] >= ' ' && t.at[i] < 0x7f));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "SYN seq 0"));
	tg_text_free(&t);
}

static void test_ladder_svg_escapesWhatXmlCannotHold(void)
{
	struct tg_text t = {0};

	tg_ladder_svg(&t, &odd_ladder);
	CU_ASSERT_FALSE(t.failed);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "a &lt;title&gt; &amp; more"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "close() &lt;&amp;&quot;\\ \xef\xbf\xbd\xef\xbf\xbd"));
	CU_ASSERT_PTR_NULL(strstr(t.at, "\x01"));
	CU_ASSERT_STRING_EQUAL(t.at + t.len - 7, "</svg>\n");
	tg_text_free(&t);
}

static void test_ladder_json_escapesWhatStringsCannotHold(void)
{
	struct tg_text t = {0};

	tg_ladder_json(&t, &odd_ladder);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"sentence\":\"What \\\"happened\\\".\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "close() <&\\\"\\\\ \xef\xbf\xbd\xef\xbf\xbd"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"kind\":\"arrive\",\"time_ns\":0,\"at\":\"B\""));
	tg_text_free(&t);
}

/* --- bounds --- */

struct tally {
	uint64_t flows, packets, shown, skipped, early;
	struct tg_flows *all;
};

static void out_tally(void *ctx, const struct tg_flow *flow)
{
	struct tally *t = ctx;
	struct tg_flow_info info;
	struct tg_ladder *l;

	tg_flow_info(flow, &info);
	t->flows++;
	t->early += info.evicted;
	t->packets += info.packets[0] + info.packets[1];
	l = tg_flow_ladder(flow, &info);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (uint32_t i = 0; i < l->n; i++) {
		unsigned a = 0, b = 0;

		if (l->steps[i].kind == TG_LADDER_SKIP &&
		    sscanf(l->steps[i].json, "\"skipped\":[%u,%u]", &a, &b) == 2)
			t->skipped += a + b;
		else if (l->steps[i].kind != TG_LADDER_ARRIVE)
			t->shown++;
	}
	CU_ASSERT_TRUE(l->n <= 16);
	tg_flow_ladder_free(l);
}

static struct tg_dissected segment(uint16_t port, bool right, uint8_t ctl, uint32_t seq,
				   uint32_t ack, uint32_t len)
{
	struct tg_dissected d = {0};

	tg_addr_parse("192.0.2.1", right ? &d.dst : &d.src);
	tg_addr_parse("192.0.2.2", right ? &d.src : &d.dst);
	d.seg = (struct tg_seg){.sport = right ? 80 : port,
				.dport = right ? port : 80,
				.ctl = ctl,
				.seq = tg_seq_make(seq),
				.ack = tg_seq_make(ack),
				.len = len,
				.wnd = 65535};
	return d;
}

static void test_flows_moreThanFit_theOneSilentLongestGoes(void)
{
	struct tally t = {0};
	struct tg_flows_conf conf = {
	    .open_max = 4, .steps_max = 16, .msl_ms = MSL_MS, .out = out_tally, .ctx = &t};

	t.all = tg_flows_new(&conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.all);
	for (uint16_t i = 0; i < 10; i++) {
		struct tg_dissected d = segment(1000 + i, false, TG_TCP_SYN, 1, 0, 0);

		CU_ASSERT_TRUE(tg_flows_put(t.all, i, i + 1u, &d));
		d = segment(1000, false, TG_TCP_SYN, 1, 0, 0); /* never silent, so it stays */
		CU_ASSERT_TRUE(tg_flows_put(t.all, i, i + 1u, &d));
	}
	CU_ASSERT_EQUAL(tg_flows_evicted(t.all), 6);
	tg_flows_end(t.all);
	tg_flows_free(t.all);
	CU_ASSERT_EQUAL(t.flows, 10);
	CU_ASSERT_EQUAL(t.early, 6);
	CU_ASSERT_EQUAL(t.packets, 20);
}

/* Text, ACKs and repetitions by the thousand: a few steps stay, and the rest is counted. */
static void test_flow_ofManySteps_allAreShownOrCounted(void)
{
	struct tally t = {0};
	struct tg_flows_conf conf = {
	    .open_max = 4, .steps_max = 16, .msl_ms = MSL_MS, .out = out_tally, .ctx = &t};
	uint32_t sent = 0;

	t.all = tg_flows_new(&conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.all);
	for (uint32_t i = 0; i < 5000; i++) {
		bool right = i % 3 == 1;
		struct tg_dissected d =
		    i == 0   ? segment(1, false, TG_TCP_SYN, 99, 0, 0)
		    : i == 1 ? segment(1, true, TG_TCP_SYN | TG_TCP_ACK, 499, 100, 0)
			     : segment(1, right, TG_TCP_ACK, right ? 500 : 100 + i % 7 * 10,
				       right ? 170 : 500, right ? 0 : 10);

		CU_ASSERT_TRUE(tg_flows_put(t.all, i * UINT64_C(1000000), ++sent, &d));
	}
	tg_flows_end(t.all);
	tg_flows_free(t.all);
	CU_ASSERT_EQUAL(t.flows, 1);
	CU_ASSERT_EQUAL(t.packets, sent);
	CU_ASSERT_EQUAL(t.shown + t.skipped, sent);
}

/* --- packets --- */

struct one {
	uint8_t datagram[TG_STAGE_DATAGRAM_MAX];
	uint32_t len;
};

static void keep_one(void *ctx, uint64_t time_ns, int side, const uint8_t *datagram, uint32_t len,
		     uint32_t wire_len)
{
	struct one *o = ctx;

	(void)time_ns;
	(void)side;
	(void)wire_len;
	memcpy(o->datagram, datagram, len);
	o->len = len;
}

static void make_one(struct one *o, bool v6)
{
	struct tg_stage s;
	struct tg_seg seg = {.sport = 5, .dport = 6, .ctl = TG_TCP_SYN, .len = 100};

	seg.opts.has_mss = 1;
	seg.opts.mss = 1000;
	tg_stage_begin(&s, NULL, NULL, keep_one, o);
	s.v6 = v6;
	tg_stage_send(&s, 0, &seg);
	CU_ASSERT_FALSE(s.failed);
	tg_stage_end(&s);
}

/* In memory of its own, so that a byte read past the end is seen by AddressSanitizer. */
static enum tg_dissect_verdict dissect_part(const struct one *o, uint32_t len,
					    struct tg_dissected *d)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum tg_dissect_verdict v;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, o->datagram, len);
	v = tg_dissect(TG_TRACE_RAW, copy, len, d);
	free(copy);
	return v;
}

static void test_dissect_cutAnywhere_isNamed(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t ip = v6 ? TG_IP6_LEN : TG_IP4_LEN;
		struct tg_dissected d;
		struct one o;

		make_one(&o, v6);
		for (uint32_t len = 0; len <= o.len; len++) {
			enum tg_dissect_verdict v = dissect_part(&o, len, &d);

			if (len < ip) {
				CU_ASSERT_EQUAL(v, TG_DISSECT_NO_TCP);
			} else if (len < ip + 24) {
				CU_ASSERT_EQUAL(v, TG_DISSECT_CUT);
			} else {
				CU_ASSERT_EQUAL(v, TG_DISSECT_TCP);
				CU_ASSERT_EQUAL(d.seg.len, 100);
				CU_ASSERT_EQUAL(d.seg.opts.mss, 1000);
				CU_ASSERT_EQUAL(d.text_cut, len < o.len);
			}
		}
	}
}

static void test_dissect_lies_areBad(void)
{
	struct tg_dissected d;
	struct one o, bad;

	make_one(&o, false);
	bad = o;
	bad.datagram[TG_IP4_LEN + 12] = 0x40; /* data offset of 16 bytes */
	CU_ASSERT_EQUAL(dissect_part(&bad, bad.len, &d), TG_DISSECT_BAD);
	bad = o;
	bad.datagram[0] = 0x44; /* IP header of 16 bytes */
	CU_ASSERT_EQUAL(dissect_part(&bad, bad.len, &d), TG_DISSECT_BAD);
	bad = o;
	tg_be16_put(bad.datagram + 2, 10); /* shorter than its header */
	CU_ASSERT_EQUAL(dissect_part(&bad, bad.len, &d), TG_DISSECT_BAD);
	bad = o;
	tg_be16_put(bad.datagram + 6, 100); /* a later fragment */
	CU_ASSERT_EQUAL(dissect_part(&bad, bad.len, &d), TG_DISSECT_FRAGMENT);
	bad = o;
	bad.datagram[9] = 17;
	CU_ASSERT_EQUAL(dissect_part(&bad, bad.len, &d), TG_DISSECT_NO_TCP);
}

static const struct tg_test tests[] = {
    {"ladder_text_staysInItsColumns", test_ladder_text_staysInItsColumns},
    {"ladder_ascii_hasNoOtherBytes", test_ladder_ascii_hasNoOtherBytes},
    {"ladder_svg_escapesWhatXmlCannotHold", test_ladder_svg_escapesWhatXmlCannotHold},
    {"ladder_json_escapesWhatStringsCannotHold", test_ladder_json_escapesWhatStringsCannotHold},
    {"flows_moreThanFit_theOneSilentLongestGoes", test_flows_moreThanFit_theOneSilentLongestGoes},
    {"flow_ofManySteps_allAreShownOrCounted", test_flow_ofManySteps_allAreShownOrCounted},
    {"dissect_cutAnywhere_isNamed", test_dissect_cutAnywhere_isNamed},
    {"dissect_lies_areBad", test_dissect_lies_areBad},
};

int main(int argc, char **argv)
{
	return tg_test_main("ladder", tests, TG_TEST_N(tests), argc, argv);
}
