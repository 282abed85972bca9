/* SPDX-License-Identifier: BSD-3-Clause */
#include "odds.h"

#include <assert.h>

/* log2 of x, 1 at least, good to a thousandth: each squaring brings one more binary place. */
static double log2_of(uint64_t x)
{
	double rest = (double)x, result = 0, place = 1;
	assert(x > 0);
	for (; rest >= 2; rest /= 2)
		result++;
	for (int i = 0; i < 12; i++) {
		rest *= rest;
		place /= 2;
		if (rest < 2)
			continue;
		rest /= 2;
		result += place;
	}
	return result;
}

const char *tg_odds_text(struct tg_odds odds, char text[TG_ODDS_TEXT])
{
	if (odds.words == 0)
		snprintf(text, TG_ODDS_TEXT, "0");
	else
		snprintf(text, TG_ODDS_TEXT, "2^%.1f", log2_of(odds.words) - odds.bits);
	return text;
}

static void print_one(const struct tg_cookie_odds *o, FILE *out)
{
	char plain[TG_ODDS_TEXT], with_ts[TG_ODDS_TEXT];
	fprintf(out, "%s, with timestamps %s (%u secret%s, %u epochs)",
		tg_odds_text(o->plain, plain), tg_odds_text(o->with_ts, with_ts), o->secrets,
		o->secrets == 1 ? "" : "s", o->epochs);
}

void tg_odds_print(const struct tg_engine_stats *s, FILE *out)
{
	fputs("cookies: a random ACK is taken with odds of ", out);
	print_one(&s->odds, out);
	if (s->odds_worst.plain.words > s->odds.plain.words) {
		fputs(", at worst ", out);
		print_one(&s->odds_worst, out);
	}
	fputc('\n', out);
}
