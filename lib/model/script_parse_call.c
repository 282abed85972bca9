/* SPDX-License-Identifier: BSD-3-Clause */
/* script_parse_call.c: `accept(3, ..., ...) = 4` and `read(4, ..., 10) = -1 EAGAIN (text)`. */
#include "script_int.h"

#include <ctype.h>
#include <string.h>

static bool parse_arg(struct script_in *in, struct script_arg *arg, int depth);

/* Up to the closing mark; the elements go to arg->list. */
static bool parse_list(struct script_in *in, struct script_arg *arg, const char *close, int depth)
{
	struct script_arg list[SCRIPT_ARG_MAX];

	memset(list, 0, sizeof(list));
	if (depth >= SCRIPT_DEPTH_MAX)
		return script_wrong(in, "brackets stand at most %d deep", SCRIPT_DEPTH_MAX);
	while (!script_eat(in, close)) {
		if (arg->n && !script_need(in, ",", "a list of arguments"))
			return false;
		if (arg->n == SCRIPT_ARG_MAX)
			return script_wrong(in, "a list has at most %d elements", SCRIPT_ARG_MAX);
		if (!parse_arg(in, &list[arg->n], depth + 1))
			return false;
		arg->n++;
	}
	if (!arg->n)
		return true;
	arg->list = script_keep(in, arg->n * sizeof(*arg->list));
	if (!arg->list)
		return false;
	memcpy(arg->list, list, arg->n * sizeof(*arg->list));
	return true;
}

static bool parse_integer(struct script_in *in, int64_t *value)
{
	bool minus = script_eat(in, "-");
	uint32_t v;

	if (!script_u32(in, &v, "a number"))
		return false;
	*value = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* htons(8080) and inet_addr("192.0.2.1") stand for what is in them. */
static bool parse_function(struct script_in *in, const char *name, struct script_arg *arg,
			   int depth)
{
	if (strcmp(name, "htons") && strcmp(name, "htonl") && strcmp(name, "inet_addr") &&
	    strcmp(name, "inet_pton") && strcmp(name, "msg_name") && strcmp(name, "msg_iov"))
		return script_wrong(in, "unknown function %s(); there are htons, htonl, inet_addr",
				    name);
	if (depth >= SCRIPT_DEPTH_MAX)
		return script_wrong(in, "brackets stand at most %d deep", SCRIPT_DEPTH_MAX);
	return parse_arg(in, arg, depth + 1) && script_need(in, ")", "a function");
}

static bool parse_name(struct script_in *in, struct script_arg *arg, int depth)
{
	char word[40];

	if (!script_word(in, word, sizeof(word)))
		return script_wrong(in,
				    "an argument is missing: a number, a constant, a text, ... , "
				    "[...] or {...}");
	if (script_eat(in, "("))
		return parse_function(in, word, arg, depth);
	if (script_eat(in, "=")) { /* a field of a struct */
		if (depth >= SCRIPT_DEPTH_MAX)
			return script_wrong(in, "brackets stand at most %d deep", SCRIPT_DEPTH_MAX);
		if (!parse_arg(in, arg, depth + 1))
			return false;
		arg->name = script_keep_text(in, word, strlen(word));
		return arg->name != NULL;
	}
	arg->type = SA_INT;
	arg->value = script_errno_of(word);
	return arg->value || script_constant(word, &arg->value) ||
	       script_wrong(in, "unknown constant %s", word);
}

static bool parse_one(struct script_in *in, struct script_arg *arg, int depth)
{
	script_blank(in);
	if (script_eat(in, "...")) {
		arg->type = SA_ANY;
		return true;
	}
	if (script_eat(in, "[")) {
		arg->type = SA_LIST;
		return parse_list(in, arg, "]", depth);
	}
	if (script_eat(in, "{")) {
		arg->type = SA_STRUCT;
		return parse_list(in, arg, "}", depth);
	}
	if (in->p < in->end && *in->p == '"') {
		arg->type = SA_TEXT;
		arg->text = script_quoted(in);
		return arg->text != NULL;
	}
	arg->type = SA_INT;
	if (script_is_digit(in) || (in->p < in->end && *in->p == '-'))
		return parse_integer(in, &arg->value);
	return parse_name(in, arg, depth);
}

static bool parse_arg(struct script_in *in, struct script_arg *arg, int depth)
{
	if (!parse_one(in, arg, depth))
		return false;
	while (arg->type == SA_INT && script_eat(in, "|")) {
		struct script_arg more = {0};

		if (!parse_one(in, &more, depth))
			return false;
		if (more.type != SA_INT)
			return script_wrong(in, "| joins constants");
		arg->value |= more.value;
	}
	return true;
}

/* What stands in parentheses behind a result is for people. */
static bool skip_remark(struct script_in *in)
{
	if (!script_eat(in, "("))
		return true;
	while (in->p < in->end && *in->p != ')' && *in->p != '\n')
		in->p++;
	return script_need(in, ")", "the remark behind a result");
}

static bool parse_result(struct script_in *in, struct script_call *call)
{
	char word[32];

	if (!script_need(in, "=", "a call: its result"))
		return false;
	call->any_result = script_eat(in, "...") || script_eat(in, "?");
	if (!call->any_result && !parse_integer(in, &call->result))
		return false;
	script_blank(in);
	if (call->result == -1 && in->p < in->end && *in->p == 'E') {
		script_word(in, word, sizeof(word));
		call->error = script_errno_of(word);
		if (!call->error)
			return script_wrong(in, "unknown error %s", word);
	}
	return skip_remark(in);
}

/* A call that nobody here understands, up to the end of its line. */
static bool read_over(struct script_in *in, const char *name)
{
	script_note(in, "%s() is not played, ignored", name);
	while (in->p < in->end && *in->p != '\n')
		in->p++;
	return true;
}

static bool unknown_call(struct script_in *in, const char *name)
{
	const char *why = script_call_unbuilt(name);
	char names[400];

	if (!strncmp(name, "epoll_", 6))
		return read_over(in, name);
	if (why)
		return script_skip(in, "%s() %s", name, why);
	script_call_names(names, sizeof(names));
	return script_wrong(in, "unknown call %s(); there are %s", name, names);
}

bool script_parse_call(struct script_in *in, struct script_call *call)
{
	struct script_arg all = {0};
	char name[32];

	if (!script_word(in, name, sizeof(name)) || isdigit((unsigned char)name[0]))
		return script_wrong(in, "after the time stands `<` or `>` and a packet, a call, "
					"%%{ checks }%%, or `a shell command`");
	call->def = script_call_find(name);
	if (!call->def)
		return unknown_call(in, name);
	if (!script_need(in, "(", "a call") || !parse_list(in, &all, ")", 0))
		return false;
	if (all.n < call->def->min || all.n > call->def->max)
		return script_wrong(in, "%s() takes %u to %u arguments", name, call->def->min,
				    call->def->max);
	call->arg = all.list;
	call->n = all.n;
	return parse_result(in, call);
}
