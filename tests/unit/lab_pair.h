/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_pair.h: two labs on a perfect link, for tests of what stands above the machine. a is
 * 192.168.0.1 and the client, b is 192.168.0.2. */
#ifndef LAB_PAIR_H
#define LAB_PAIR_H

#include "lab.h"
#include "tg_test.h"

#define PAIR_A "192.168.0.1"
#define PAIR_B "192.168.0.2"

struct pair {
	struct tg_lab *a, *b;
	uint64_t now;
	uint32_t crossed;     /* datagrams */
	bool cut_a, cut_b;    /* what a, b sends is lost */
	uint8_t last[2][128]; /* the head of the last datagram of each */
	size_t last_len[2];
};

static inline void pair_init(struct pair *p, const char *a_options, const char *b_options)
{
	char err[256], options[512];

	*p = (struct pair){.now = 1000000000};
	snprintf(options, sizeof(options), "addr=" PAIR_A "/16 seed=1 %s", a_options);
	p->a = tg_lab_new(options, err, sizeof(err));
	if (!p->a)
		puts(err);
	snprintf(options, sizeof(options), "addr=" PAIR_B "/16 seed=2 %s", b_options);
	p->b = tg_lab_new(options, err, sizeof(err));
	if (!p->b)
		puts(err);
	CU_ASSERT_FATAL(p->a && p->b);
}

static inline bool pair_is_valid(const struct pair *p)
{
	char why[256];

	if (tg_lab_validate(p->a, why, sizeof(why)) && tg_lab_validate(p->b, why, sizeof(why)))
		return true;
	puts(why);
	return false;
}

static inline bool pair_move(struct pair *p, int from)
{
	static uint8_t datagram[70000];
	struct tg_lab *src = from ? p->b : p->a, *dst = from ? p->a : p->b;
	size_t len = tg_lab_output(src, datagram, sizeof(datagram), NULL);

	if (len == 0)
		return false;
	p->last_len[from] = len;
	memcpy(p->last[from], datagram, len < 128 ? len : 128);
	if (!(from ? p->cut_b : p->cut_a))
		tg_lab_input(dst, p->now, datagram, len);
	p->crossed++;
	return true;
}

/* All that happens up to a time, in order. */
static inline void pair_run(struct pair *p, uint64_t ms)
{
	uint64_t end = p->now + ms * 1000000;

	for (;;) {
		if (pair_move(p, 0) || pair_move(p, 1))
			continue;
		uint64_t a = tg_lab_next_deadline(p->a), b = tg_lab_next_deadline(p->b);
		uint64_t due = a < b ? a : b;
		if (due > end)
			break;
		p->now = due > p->now ? due : p->now;
		tg_lab_advance(p->a, p->now);
		tg_lab_advance(p->b, p->now);
	}
	p->now = end;
	tg_lab_advance(p->a, end);
	tg_lab_advance(p->b, end);
}

/* The TCP flags of the last datagram of a (0) or b (1); IPv4. */
static inline uint8_t pair_flags(const struct pair *p, int from)
{
	return p->last[from][(p->last[from][0] & 15) * 4 + 13];
}

static inline void pair_fini(struct pair *p)
{
	CU_ASSERT(pair_is_valid(p));
	tg_lab_free(p->a);
	tg_lab_free(p->b);
}

/* An open connection: *c at a, *s at b, *l its listener. */
static inline void pair_open(struct pair *p, int *l, int *c, int *s, const char *listen_options,
			     const char *connect_options)
{
	*l = tg_lab_listen(p->b, NULL, 80, 0, listen_options);
	CU_ASSERT_FATAL(*l >= 0);
	*c = tg_lab_connect(p->a, NULL, 0, PAIR_B, 80, connect_options);
	CU_ASSERT_FATAL(*c >= 0);
	pair_run(p, 1);
	*s = tg_lab_accept(p->b, *l);
	CU_ASSERT_FATAL(*s >= 0);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p->a, *c), "ESTABLISHED");
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p->b, *s), "ESTABLISHED");
}

static inline int64_t pair_get(struct tg_lab *lab, int sock, enum tg_lab_opt opt)
{
	int64_t v = -1;

	CU_ASSERT_EQUAL(tg_lab_getopt(lab, sock, opt, &v), 0);
	return v;
}

#endif
