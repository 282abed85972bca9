/* SPDX-License-Identifier: BSD-3-Clause */
/* script_check.c: %{ state == "ESTABLISHED"; counter("rst_sent") == 1 }% */
#include "script_int.h"

#include <stdio.h>
#include <string.h>

static const char names_allowed[] =
    "state, counter(\"name\"), silent, isn_step, cwnd, srtt_us, rto_us, mss, unacked, unsent, "
    "readable, retransmits, probes, urgent, error, soft_error";

static const struct {
	const char *name;
	enum script_name kind;
	enum tg_lab_opt opt;
} names[] = {
    {"state", SN_STATE, 0},
    {"counter", SN_COUNTER, 0},
    {"silent", SN_SILENT, 0},
    {"isn_step", SN_ISN_STEP, 0},
    {"cwnd", SN_OPTION, TG_LAB_CWND_BYTES},
    {"srtt_us", SN_OPTION, TG_LAB_SRTT_US},
    {"rto_us", SN_OPTION, TG_LAB_RTO_US},
    {"mss", SN_OPTION, TG_LAB_MAXSEG},
    {"unacked", SN_OPTION, TG_LAB_UNACKED_BYTES},
    {"unsent", SN_OPTION, TG_LAB_UNSENT_BYTES},
    {"readable", SN_OPTION, TG_LAB_READABLE_BYTES},
    {"retransmits", SN_OPTION, TG_LAB_RETRANSMITS},
    {"probes", SN_OPTION, TG_LAB_PROBES},
    {"urgent", SN_OPTION, TG_LAB_URGENT},
    {"error", SN_OPTION, TG_LAB_ERROR},
    {"soft_error", SN_OPTION, TG_LAB_SOFT_ERROR},
    /* what scripts for Linux read from its tcp_info */
    {"tcpi_snd_cwnd", SN_SEGMENTS, TG_LAB_CWND_BYTES},
    {"tcpi_rtt", SN_OPTION, TG_LAB_SRTT_US},
    {"tcpi_rto", SN_OPTION, TG_LAB_RTO_US},
    {"tcpi_total_retrans", SN_OPTION, TG_LAB_RETRANSMITS},
};

static bool parse_name(struct script_in *in, struct script_check *c)
{
	char word[40];

	if (!script_word(in, word, sizeof(word)))
		return script_wrong(in, "a check begins with a name: %s", names_allowed);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(word, names[i].name)) {
			c->name = names[i].kind;
			c->opt = names[i].opt;
			return true;
		}
	if (strncmp(word, "tcpi_", 5))
		return script_wrong(in, "unknown name %s; there are %s", word, names_allowed);
	script_note(in, "%s is not kept here, not checked", word);
	c->name = SN_IGNORED;
	return true;
}

static bool parse_which(struct script_in *in, struct script_check *c)
{
	uint32_t fd;

	c->fd = -1;
	if (!script_eat(in, "("))
		return c->name != SN_COUNTER ||
		       script_wrong(in, "counter needs a name: counter(\"rst_sent\")");
	if (c->name == SN_COUNTER) {
		c->text = script_quoted(in);
		return c->text && script_need(in, ")", "counter()");
	}
	if (!script_u32(in, &fd, "the socket") || fd > INT32_MAX)
		return script_wrong(in, "a socket is a small number");
	c->fd = (int)fd;
	return script_need(in, ")", "a check");
}

static bool parse_compare(struct script_in *in, struct script_check *c)
{
	static const char *const ops[] = {NULL, "==", "!=", "<=", "<", ">=", ">"};
	static const enum script_compare op[] = {0, SC_EQ, SC_NE, SC_LE, SC_LT, SC_GE, SC_GT};

	for (size_t i = 1; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (script_eat(in, ops[i])) {
			c->op = op[i];
			return true;
		}
	return script_wrong(in, "a comparison is missing: == != < <= > >=");
}

static bool parse_want(struct script_in *in, struct script_check *c)
{
	char word[40];
	uint32_t v;

	script_blank(in);
	if (in->p < in->end && *in->p == '"') {
		c->want_text = script_quoted(in);
		return c->want_text &&
		       (c->name == SN_STATE || script_wrong(in, "only state is a text"));
	}
	if (c->name == SN_STATE)
		return script_wrong(in, "a state is a text, such as \"ESTABLISHED\"");
	if (script_is_digit(in)) {
		if (!script_u32(in, &v, "a value"))
			return false;
		c->want = v;
		return true;
	}
	script_word(in, word, sizeof(word));
	c->want = script_errno_of(word);
	return c->want || c->name == SN_IGNORED ||
	       script_wrong(in, "a value is a number, a text or the name of an error");
}

static void skip_line(struct script_in *in)
{
	while (in->p < in->end && *in->p != '\n' && *in->p != ';' &&
	       (in->end - in->p < 2 || strncmp(in->p, "}%", 2)))
		in->p++;
}

/* Scripts for Linux have Python here: print, or an assert about what is masked or reckoned with.
 * It is passed over to the end of its line, as every tcpi_ name that nobody keeps here. */
static bool is_python(struct script_in *in, struct script_check *c)
{
	const char *from = in->p;

	if (*in->p != '(' && !script_eat_word(in, "print") && !script_eat_word(in, "import"))
		return false;
	skip_line(in);
	c->name = SN_IGNORED;
	c->source = script_keep_text(in, from, (size_t)(in->p - from));
	script_note(in, "%s is not understood here, not checked", c->source ? c->source : "it");
	return true;
}

static bool parse_check(struct script_in *in, struct script_check *c)
{
	const char *from;

	script_eat_word(in, "assert");
	script_blank(in);
	from = in->p;
	if (in->p < in->end && is_python(in, c))
		return c->source != NULL;
	if (!parse_name(in, c) || !parse_which(in, c))
		return false;
	if (c->name != SN_SILENT && (!parse_compare(in, c) || !parse_want(in, c)))
		return false;
	c->source = script_keep_text(in, from, (size_t)(in->p - from));
	/* `assert a == b, a` has a message behind it. */
	if (script_eat(in, ","))
		skip_line(in);
	return c->source != NULL;
}

bool script_parse_checks(struct script_in *in, struct script_check *check)
{
	while (!script_eat(in, "}%")) {
		if (script_at_end(in))
			return script_wrong(in, "checks that begin with %%{ do not end");
		if (!parse_check(in, check))
			return false;
		while (script_eat(in, ";") || script_eat(in, "&&") || script_eat_word(in, "and"))
			;
		if (script_eat(in, "}%"))
			return true;
		check->next = script_keep(in, sizeof(*check));
		check = check->next;
		if (!check)
			return false;
	}
	return check->source || script_wrong(in, "there is no check between %%{ and }%%");
}

/* --- judging --- */

static bool compare(enum script_compare op, int64_t a, int64_t b)
{
	switch (op) {
	case SC_EQ:
		return a == b;
	case SC_NE:
		return a != b;
	case SC_LT:
		return a < b;
	case SC_LE:
		return a <= b;
	case SC_GT:
		return a > b;
	case SC_GE:
		return a >= b;
	}
	return false;
}

static const struct script_fd *fd_for(struct script_run *r, const struct script_check *c)
{
	if (c->fd >= 0)
		return script_fd_of(r, c->fd);
	return r->youngest < 0 ? NULL : &r->fd[r->youngest];
}

/* Without a socket: the connection of the packets, whoever holds it. */
static bool check_state(struct script_run *r, const struct script_check *c)
{
	const struct script_fd *fd = c->fd >= 0 ? fd_for(r, c) : NULL;
	const struct script_flow *f = &r->flow[0];
	const char *got = "CLOSED";

	if (c->fd < 0 && f->bound)
		got = tg_lab_state_of(r->lab, r->script->local, f->lport, r->script->remote,
				      f->rport);
	else if (c->fd < 0 && r->youngest >= 0)
		got = tg_lab_state(r->lab, r->fd[r->youngest].sock);
	else if (fd && fd->kind != FD_NEW)
		got = tg_lab_state(r->lab, fd->sock);
	if (compare(c->op, strcmp(got, c->want_text), 0))
		return true;
	return script_failed(r, NULL, "`%s` does not hold: state is %s", c->source, got);
}

static bool value_of(struct script_run *r, const struct script_check *c, int64_t *v)
{
	const struct script_fd *fd;
	int64_t mss = 0;

	if (c->name == SN_COUNTER) {
		*v = tg_lab_counter(r->lab, c->text);
		return *v >= 0 || script_failed(r, NULL, "there is no counter %s", c->text);
	}
	if (c->name == SN_ISN_STEP) {
		*v = r->flow[0].isn_step;
		return true;
	}
	fd = fd_for(r, c);
	if (!fd || fd->kind == FD_NEW || tg_lab_getopt(r->lab, fd->sock, c->opt, v))
		return script_failed(r, NULL, "`%s`: there is no such socket", c->source);
	if (c->name == SN_SEGMENTS && tg_lab_getopt(r->lab, fd->sock, TG_LAB_MAXSEG, &mss) == 0 &&
	    mss)
		*v /= mss;
	return true;
}

static bool check_silent(struct script_run *r)
{
	if (r->queue_from == r->queue_n)
		return true;
	return script_failed(r, &r->queue[r->queue_from], "a packet came, and none was expected");
}

bool script_do_check(struct script_run *r, const struct script_check *check)
{
	for (; check; check = check->next) {
		int64_t v = 0;

		if (check->name == SN_IGNORED)
			continue;
		if (check->name == SN_SILENT || check->name == SN_STATE) {
			if (check->name == SN_SILENT ? !check_silent(r) : !check_state(r, check))
				return false;
			continue;
		}
		if (!value_of(r, check, &v))
			return false;
		if (!compare(check->op, v, check->want))
			return script_failed(r, NULL, "`%s` does not hold: it is %lld",
					     check->source, (long long)v);
	}
	return true;
}
