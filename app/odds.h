/* SPDX-License-Identifier: BSD-3-Clause */
/* odds.h: the odds that a random ACK opens a connection, for people. */
#ifndef TG_APP_ODDS_H
#define TG_APP_ODDS_H

#include "tg_engine.h"

#include <stdio.h>

enum { TG_ODDS_TEXT = 16 };

/* "2^-28.4", rounded to a tenth. Returns text. */
const char *tg_odds_text(struct tg_odds odds, char text[TG_ODDS_TEXT]);
/* One line: now, and at worst while secrets change and clocks differ where that is worse. */
void tg_odds_print(const struct tg_engine_stats *s, FILE *out);

#endif
