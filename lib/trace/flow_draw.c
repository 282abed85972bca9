/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_draw.c: the kept steps of a flow as a ladder. */
#include "flow_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step_text {
	char what[40], seq[64], more[120], note[320], json[640];
};

struct drawn {
	struct tg_ladder ladder; /* first: the caller has its address */
	char title[200], name[2][80], key[1600];
	struct tg_ladder_step *step;
	struct step_text *text;
};

/* Appends to buf[size], cut where it ends. */
static void add(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *buf, size_t size, const char *format, ...)
{
	size_t at = strlen(buf);
	va_list args;

	va_start(args, format);
	vsnprintf(buf + at, size - at, format, args);
	va_end(args);
}

static void put_flags(char *buf, size_t size, uint8_t ctl)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flag[] = {{TG_TCP_SYN, "SYN"}, {TG_TCP_FIN, "FIN"}, {TG_TCP_RST, "RST"},
		    {TG_TCP_PSH, "PSH"}, {TG_TCP_ACK, "ACK"}, {TG_TCP_URG, "URG"},
		    {TG_TCP_ECE, "ECE"}, {TG_TCP_CWR, "CWR"}};

	buf[0] = 0;
	for (size_t i = 0; i < sizeof(flag) / sizeof(flag[0]); i++)
		if (ctl & flag[i].bit)
			add(buf, size, "%s%s", buf[0] ? "," : "", flag[i].name);
	if (!buf[0])
		add(buf, size, "no flags");
}

static void put_numbers(char *buf, size_t size, const struct flow_step *s)
{
	snprintf(buf, size, "seq %" PRIu32, s->seq);
	if (s->ctl & TG_TCP_ACK)
		add(buf, size, " ack %" PRIu32, s->ack);
	if (s->len)
		add(buf, size, " len %" PRIu32, s->len);
}

static void put_options(char *buf, size_t size, const struct flow_step *s)
{
	buf[0] = 0;
	if ((s->ctl & TG_TCP_SYN) || (s->notes & (NOTE_ZERO_WINDOW | NOTE_OPENS)))
		add(buf, size, "win %" PRIu32, s->wnd);
	if (s->has_mss)
		add(buf, size, " mss %u", s->mss);
	if (s->has_wscale)
		add(buf, size, " wscale %u", s->wscale);
	if (s->has_sack_perm)
		add(buf, size, " sackOK");
	if (s->has_ts && (s->ctl & TG_TCP_SYN))
		add(buf, size, " TS");
	if (s->sack_n)
		add(buf, size, "%ssack %" PRIu32 "-%" PRIu32, buf[0] ? " " : "", s->sack_l,
		    s->sack_r);
	if (s->sack_n > 1)
		add(buf, size, " and %u more", s->sack_n - 1u);
	if (s->ctl & TG_TCP_URG)
		add(buf, size, "%surg %u", buf[0] ? " " : "", s->up);
}

static const char *const odd_note[TG_ODD_N] = {
    [TG_ODD_SYN_AGAIN_NEW] = "a new SYN before the first was answered",
    [TG_ODD_SYN_OVER_OLD] = "opens anew: it has lost the old connection",
    [TG_ODD_SYN_ACK_UNASKED] = "odd: no SYN had asked for it",
    [TG_ODD_SYN_ACK_LATE] = "odd: the handshake was over",
    [TG_ODD_SYN_ACK_OTHER] = "another number than before: a cookie?",
    [TG_ODD_FIN_EARLY] = "odd: FIN without a connection",
    [TG_ODD_TEXT_EARLY] = "odd: the handshake could not be over",
    [TG_ODD_TEXT_LATE] = "odd: its connection had ended",
    [TG_ODD_AFTER_FIN] = "odd: text above its own FIN",
    [TG_ODD_RST_FORGED] = "a number that this end never reached: forged?",
    [TG_ODD_TIME_WAIT_RST] = "cuts TIME-WAIT short",
    [TG_ODD_ACK_UNSENT] = "acknowledges what the capture does not have",
    [TG_ODD_ACK_REFUSED] = "odd: acknowledges what RFC 9293 would refuse",
};

static void put_remark(char *buf, size_t size, const char *text)
{
	if (text && *text)
		add(buf, size, "%s%s", buf[0] ? "; " : "", text);
}

/* What the receiver's machine said to it. */
static void put_verdict(char *buf, size_t size, const struct flow_step *s)
{
	char text[200];

	if (s->verdict == TG_CTR_NONE || s->verdict >= TG_CTR_N)
		return;
	if (tg_ctr_info[s->verdict].kind != TG_CTR_KIND_DROP)
		return;
	snprintf(text, sizeof(text), "not taken (%s)", tg_ctr_info[s->verdict].name);
	put_remark(buf, size, text);
}

static void put_notes(char *buf, size_t size, const struct flow_step *s)
{
	static const struct {
		uint32_t bit;
		const char *text;
	} note[] = {
	    {NOTE_REUSE, "the same ports again"},    {NOTE_AGAIN, "sent again"},
	    {NOTE_KEEPALIVE, "keepalive probe"},     {NOTE_PROBE, "probes the closed window"},
	    {NOTE_ZERO_WINDOW, "closes its window"}, {NOTE_OPENS, "opens its window"},
	    {NOTE_LATE, "late: fills a hole"},       {NOTE_HOLE, "text before it was not seen yet"},
	    {NOTE_DUPACK, "third duplicate ACK"},    {NOTE_CUT, "cut by the capture"},
	    {NOTE_UNANSWERED, "no answer"},          {NOTE_BACK, "time goes back"},
	};

	buf[0] = 0;
	for (size_t i = 0; i < sizeof(note) / sizeof(note[0]); i++)
		if (s->notes & note[i].bit)
			put_remark(buf, size, note[i].text);
	if (s->kind == TG_LADDER_LOST)
		put_remark(buf, size, "did not arrive");
	put_remark(buf, size, odd_note[s->odd]);
	put_verdict(buf, size, s);
}

static void put_skip(struct step_text *t, const struct flow_step *s)
{
	t->what[0] = t->seq[0] = t->more[0] = 0;
	t->note[0] = 0;
	for (int i = 0; i < 2; i++) {
		if (!s->skipped[i])
			continue;
		add(t->note, sizeof(t->note), "%s%" PRIu32 " more from %s", t->note[0] ? ", " : "",
		    s->skipped[i], i ? "B" : "A");
		if (s->skipped_bytes[i])
			add(t->note, sizeof(t->note), " with %" PRIu64 " bytes",
			    s->skipped_bytes[i]);
	}
	snprintf(t->json, sizeof(t->json),
		 "\"skipped\":[%" PRIu32 ",%" PRIu32 "],\"skipped_bytes\":[%" PRIu64 ",%" PRIu64
		 "]",
		 s->skipped[0], s->skipped[1], s->skipped_bytes[0], s->skipped_bytes[1]);
}

static void put_json(struct step_text *t, const struct flow_step *s)
{
	char *j = t->json;
	size_t n = sizeof(t->json);

	snprintf(j, n,
		 "\"flags\":\"%s\",\"seq\":%" PRIu32 ",\"ack\":%" PRIu32 ",\"len\":%" PRIu32
		 ",\"window\":%" PRIu32,
		 t->what, s->seq, (s->ctl & TG_TCP_ACK) ? s->ack : 0, s->len, s->wnd);
	if (s->has_mss)
		add(j, n, ",\"mss\":%u", s->mss);
	if (s->has_wscale)
		add(j, n, ",\"wscale\":%u", s->wscale);
	if (s->has_sack_perm)
		add(j, n, ",\"sack_permitted\":true");
	if (s->has_ts)
		add(j, n, ",\"tsval\":%" PRIu32 ",\"tsecr\":%" PRIu32, s->tsval, s->tsecr);
	if (s->sack_n)
		add(j, n, ",\"sack\":[%" PRIu32 ",%" PRIu32 "]", s->sack_l, s->sack_r);
}

static uint32_t index_of(const struct tg_flow *flow, uint32_t id, uint32_t below)
{
	for (uint32_t i = below; i-- > 0;)
		if (flow->steps[i].kind != TG_LADDER_ARRIVE && flow->steps[i].id == id)
			return i;
	return UINT32_MAX;
}

static unsigned marks_of(const struct flow_step *s)
{
	return (s->notes & NOTE_AGAIN ? TG_LADDER_AGAIN : 0u) |
	       (s->odd || (s->notes & (NOTE_HOLE | NOTE_BACK)) ? TG_LADDER_ODD : 0u) |
	       (s->ctl & TG_TCP_RST ? TG_LADDER_RST : 0u);
}

static const char *shown(uint8_t state)
{
	return state ? tg_tcp_state_name((enum tg_tcp_state)state) : "";
}

/* A step tells the state of the end where it happens; of the other one what was told last stands,
 * since what arrives there meanwhile is found out later. */
static void take_states(const struct flow_step *s, uint8_t now[2])
{
	bool both = s->kind == TG_LADDER_PASS;

	for (int x = 0; x < 2; x++)
		if (s->kind != TG_LADDER_SKIP && s->state[x] && (both || s->side == x))
			now[x] = s->state[x];
}

static void draw_step(const struct tg_flow *flow, struct drawn *d, uint32_t i, uint8_t now[2])
{
	const struct flow_step *s = &flow->steps[i];
	struct step_text *t = &d->text[i];
	struct tg_ladder_step *to = &d->step[i];

	*to = (struct tg_ladder_step){
	    .kind = (enum tg_ladder_kind)s->kind,
	    .side = s->side ? TG_LADDER_RIGHT : TG_LADDER_LEFT,
	    .marks = marks_of(s),
	    .number = s->number,
	    .time_ns = s->time_ns > flow->first_ns ? s->time_ns - flow->first_ns : 0};
	if (s->kind == TG_LADDER_SKIP) {
		put_skip(t, s);
	} else {
		put_flags(t->what, sizeof(t->what), s->ctl);
		put_numbers(t->seq, sizeof(t->seq), s);
		put_options(t->more, sizeof(t->more), s);
		put_notes(t->note, sizeof(t->note), s);
		put_json(t, s);
	}
	if (s->kind == TG_LADDER_ARRIVE) {
		to->of = index_of(flow, s->of, i);
		t->seq[0] = t->more[0] = t->note[0] = t->json[0] = 0;
		to->marks = s->ctl & TG_TCP_RST ? TG_LADDER_RST : 0;
	}
	to->what = t->what;
	to->seq = t->seq;
	to->more = t->more;
	to->note = t->note;
	to->json = t->json;
	take_states(s, now);
	to->state[0] = shown(now[0]);
	to->state[1] = shown(now[1]);
}

static void put_name(char *buf, size_t size, const struct tg_addr *a, uint16_t port)
{
	char text[46];

	tg_addr_format(a, text, sizeof(text));
	snprintf(buf, size, tg_addr_is_v4(a) ? "%s:%u" : "[%s]:%u", text, port);
}

static void put_key(struct drawn *d, const struct tg_flow_info *info)
{
	bool first = true;

	snprintf(d->key, sizeof(d->key),
		 "\"number\":%" PRIu64 ",\"first_ns\":%" PRIu64 ",\"last_ns\":%" PRIu64
		 ",\"packets\":[%" PRIu64 ",%" PRIu64 "],\"bytes\":[%" PRIu64 ",%" PRIu64
		 "],\"problems\":[",
		 info->number, info->first_ns, info->last_ns, info->packets[0], info->packets[1],
		 info->bytes[0], info->bytes[1]);
	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++) {
		if (!(info->problems & 1u << i))
			continue;
		add(d->key, sizeof(d->key), "%s\"%s\"", first ? "" : ",", tg_flow_kind[i].word);
		first = false;
	}
	add(d->key, sizeof(d->key), "],\"end\":[\"%s\",\"%s\"]", shown((uint8_t)info->state[0]),
	    shown((uint8_t)info->state[1]));
}

struct tg_ladder *tg_flow_ladder(const struct tg_flow *flow, const struct tg_flow_info *info)
{
	struct drawn *d = calloc(1, sizeof(*d));
	uint8_t now[2] = {flow->begin[0], flow->begin[1]};

	if (!d)
		return NULL;
	d->step = calloc(flow->steps_n + 1, sizeof(*d->step));
	d->text = calloc(flow->steps_n + 1, sizeof(*d->text));
	if (!d->step || !d->text) {
		tg_flow_ladder_free(&d->ladder);
		return NULL;
	}
	put_name(d->name[0], sizeof(d->name[0]), &flow->tuple[0].laddr, flow->tuple[0].lport);
	put_name(d->name[1], sizeof(d->name[1]), &flow->tuple[1].laddr, flow->tuple[1].lport);
	snprintf(d->title, sizeof(d->title), "#%" PRIu64 "  A %s  B %s", info->number, d->name[0],
		 d->name[1]);
	put_key(d, info);
	for (uint32_t i = 0; i < flow->steps_n; i++)
		draw_step(flow, d, i, now);
	d->ladder = (struct tg_ladder){.title = d->title,
				       .name = {d->name[0], d->name[1]},
				       .begin = {shown(flow->begin[0]), shown(flow->begin[1])},
				       .sentence = info->sentence,
				       .key = d->key,
				       .steps = d->step,
				       .n = flow->steps_n};
	return &d->ladder;
}

void tg_flow_ladder_free(struct tg_ladder *l)
{
	struct drawn *d = (struct drawn *)l;

	if (!d)
		return;
	free(d->step);
	free(d->text);
	free(d);
}

void tg_flow_info(const struct tg_flow *flow, struct tg_flow_info *info)
{
	const struct facts *f = &flow->facts;

	*info = (struct tg_flow_info){.number = flow->number,
				      .tuple = flow->tuple[0],
				      .first_ns = flow->first_ns,
				      .last_ns = flow->last_ns,
				      .evicted = flow->evicted};
	for (uint32_t i = 0; i < 2; i++) {
		info->packets[i] = f->packets[i];
		info->bytes[i] = f->bytes[i];
		info->state[i] = flow_state(flow, i);
	}
	story_tell(flow, info);
}
