/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_report.h"

#include <stdlib.h>
#include <string.h>

enum what {
	WHAT_SUCCESS = 0,
	WHAT_FAILED,
	WHAT_BEGUN,
	WHAT_OPENED,
	WHAT_DONE,
	WHAT_RATE,
	WHAT_LIVE,
	WHAT_MISSED,
	WHAT_TIMING, /* and the timings behind it */
};

enum op { OP_AT_LEAST = 1, OP_AT_MOST, OP_ABOVE, OP_BELOW, OP_IS };

static const char *const names[WHAT_TIMING] = {"success", "failed", "begun", "opened",
					       "done",    "rate",   "live",  "missed"};

static const char grammar[] = "write it like success>=99.9%, failed=0, rate>=10000 or "
			      "handshake.p99<=5ms: success (in %), failed, begun, opened, done, "
			      "rate, live, missed, or one of handshake, first_byte, transfer and "
			      "close with .mean, .p50, .p90, .p99, .p99.9 or .max (in ns, us, ms "
			      "or s)";

/* "p99.9": 0.999. */
static bool parse_quantile(const char *text, double *out)
{
	char *end;

	if (strcmp(text, "max") == 0 || strcmp(text, "mean") == 0) {
		*out = text[1] == 'a' ? 1 : 2;
		return true;
	}
	if (text[0] != 'p' || text[1] < '0' || text[1] > '9')
		return false;
	*out = strtod(text + 1, &end) / 100;
	return !*end && *out > 0 && *out < 1;
}

static bool parse_what(const char *text, struct tg_load_expect *e)
{
	for (uint8_t i = 0; i < WHAT_TIMING; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		e->what = i;
		return true;
	}
	for (uint8_t i = 0; i < TG_LOAD_TIMING_N; i++) {
		const char *name = tg_load_timing_name(i);
		size_t len = strlen(name);
		if (strncmp(text, name, len) != 0 || text[len] != '.')
			continue;
		e->what = (uint8_t)(WHAT_TIMING + i);
		return parse_quantile(text + len + 1, &e->quantile);
	}
	return false;
}

static bool parse_op(const char *text, uint8_t *op, size_t *len)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {{">=", OP_AT_LEAST}, {"<=", OP_AT_MOST}, {">", OP_ABOVE},
		   {"<", OP_BELOW},     {"==", OP_IS},      {"=", OP_IS}};

	for (uint32_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		*len = strlen(ops[i].text);
		if (strncmp(text, ops[i].text, *len) != 0)
			continue;
		*op = (uint8_t)ops[i].op;
		return true;
	}
	return false;
}

static bool parse_value(const char *text, struct tg_load_expect *e)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *end;

	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		return false;
	e->value = strtod(text, &end);
	if (e->what < WHAT_TIMING)
		return !*end || (e->what == WHAT_SUCCESS && strcmp(end, "%") == 0);
	for (uint32_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		e->value *= units[i].ns;
		return true;
	}
	return false;
}

static bool parse_one(const char *word, size_t len, struct tg_load_expect *e)
{
	char name[sizeof(e->text)];
	size_t name_len = strcspn(word, "<>="), op_len;

	if (len >= sizeof(e->text) || name_len >= len)
		return false;
	memcpy(e->text, word, len);
	e->text[len] = 0;
	memcpy(name, word, name_len);
	name[name_len] = 0;
	return parse_what(name, e) && parse_op(e->text + name_len, &e->op, &op_len) &&
	       parse_value(e->text + name_len + op_len, e);
}

int tg_load_expect_parse(const char *text, struct tg_load_expect list[TG_LOAD_EXPECT_MAX],
			 char *err, size_t err_size)
{
	int n = 0;

	for (;;) {
		text += strspn(text, " \t,");
		size_t len = strcspn(text, " \t,");
		if (len == 0)
			return n;
		if (n == TG_LOAD_EXPECT_MAX) {
			snprintf(err, err_size, "expect: at most %d conditions",
				 TG_LOAD_EXPECT_MAX);
			return -1;
		}
		memset(&list[n], 0, sizeof(list[n]));
		if (!parse_one(text, len, &list[n])) {
			snprintf(err, err_size, "expect = %.*s: %s", len < 63 ? (int)len : 63, text,
				 grammar);
			return -1;
		}
		n++;
		text += len;
	}
}

static double timing_of(const struct tg_load_expect *e, const struct tg_load_result *r)
{
	const struct tg_hist *h = &r->timing[e->what - WHAT_TIMING];

	return e->quantile > 1 ? tg_hist_mean(h) : (double)tg_hist_quantile(h, e->quantile);
}

static double value_of(const struct tg_load_expect *e, const struct tg_load_result *r)
{
	const struct tg_load_figures *f = &r->sum;

	switch ((enum what)e->what) {
	case WHAT_SUCCESS:
		return tg_load_success(f);
	case WHAT_FAILED:
		return (double)tg_load_failed(f);
	case WHAT_BEGUN:
		return (double)f->begun;
	case WHAT_OPENED:
		return (double)f->opened;
	case WHAT_DONE:
		return (double)f->done;
	case WHAT_RATE:
		return tg_load_rate(r);
	case WHAT_LIVE:
		return f->open_max;
	case WHAT_MISSED:
		return (double)f->missed;
	case WHAT_TIMING:
		break;
	}
	return timing_of(e, r);
}

/* A time that nothing was measured of holds no condition. */
bool tg_load_expect_holds(const struct tg_load_expect *e, const struct tg_load_result *r,
			  double *is)
{
	*is = value_of(e, r);
	if (e->what >= WHAT_TIMING && r->timing[e->what - WHAT_TIMING].count == 0)
		return false;
	switch ((enum op)e->op) {
	case OP_AT_LEAST:
		return *is >= e->value;
	case OP_AT_MOST:
		return *is <= e->value;
	case OP_ABOVE:
		return *is > e->value;
	case OP_BELOW:
		return *is < e->value;
	case OP_IS:
		break;
	}
	return *is == e->value;
}

const char *tg_load_expect_value(const struct tg_load_expect *e, double value, char *buf,
				 size_t size)
{
	if (e->what == WHAT_SUCCESS)
		snprintf(buf, size, "%.4g %%", value);
	else if (e->what >= WHAT_TIMING)
		snprintf(buf, size, "%.4g ms", value / 1e6);
	else
		snprintf(buf, size, "%.0f", value);
	return buf;
}
