/* SPDX-License-Identifier: BSD-3-Clause */
/* load_report.h: what a run of `tidegate load` came to: as text, as JSON, as lines a second, and
 * against what was expected. */
#ifndef TG_APP_LOAD_REPORT_H
#define TG_APP_LOAD_REPORT_H

#include "load_conn.h"
#include <stdio.h>

/* Of those that are held, from when all were open to when the end began. */
struct tg_load_held {
	double from_s;                   /* since the start; 0: never */
	uint32_t least, most;            /* open at once */
	uint64_t memory_from, memory_to; /* bytes in use, of this process */
};

struct tg_load_result {
	struct tg_load_figures sum;
	struct tg_hist timing[TG_LOAD_TIMING_N];
	double seconds;                                      /* while connections were opened */
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes; /* frames */
	uint64_t rexmit, tw_left, tw_evicted;
	struct tg_load_held held;
	uint64_t flood_answers; /* RSTs that the engine owed: SYN-ACKs that came back */
	bool is_interrupted;
};

/* Of all connections that came to an end, the part that was good, 0..100; 0 when there was none. */
double tg_load_success(const struct tg_load_figures *f);
uint64_t tg_load_failed(const struct tg_load_figures *f); /* but for TG_LOAD_CUT */
double tg_load_rate(const struct tg_load_result *r);      /* opened a second */

void tg_load_print(const struct tg_load_plan *plan, const struct tg_load_result *r, FILE *out);
void tg_load_print_json(const struct tg_load_plan *plan, const struct tg_load_result *r, FILE *out);

/* --- each second --- */

struct tg_load_second {
	double at_s, passed_s, left_s; /* since the start; since the last line; until the end */
	struct tg_load_figures now, before;
	uint64_t rx_packets, tx_packets; /* since the last line */
};
void tg_load_head_line(bool flood, FILE *out);
void tg_load_second_line(const struct tg_load_second *s, bool flood, FILE *out);
/* For other programs: name=value. */
void tg_load_plain_line(const struct tg_load_second *s, FILE *out);
void tg_load_csv_head(FILE *out);
void tg_load_csv_line(const struct tg_load_second *s, FILE *out);

/* --- load_expect.c --- */

enum { TG_LOAD_EXPECT_MAX = 16 };

struct tg_load_expect {
	char text[64];
	uint8_t what; /* index into the table of load_expect.c */
	uint8_t op;
	double quantile; /* of a timing; above 1: the mean */
	double value;    /* %, a count, a rate, ns */
};

/* "success>=99.9% handshake.p99<=5ms": conditions parted by blanks or commas. How many; or -1 and
 * one sentence in err. */
int tg_load_expect_parse(const char *text, struct tg_load_expect list[TG_LOAD_EXPECT_MAX],
			 char *err, size_t err_size);
bool tg_load_expect_holds(const struct tg_load_expect *e, const struct tg_load_result *r,
			  double *is);
/* "7.3 ms", "99.95 %": a value as it is, for that condition. */
const char *tg_load_expect_value(const struct tg_load_expect *e, double value, char *buf,
				 size_t size);

#endif
