/* SPDX-License-Identifier: BSD-3-Clause */
/* The sent records: by hand, and against a model that keeps a time and flags for each byte. */
#include "tg_rng.h"
#include "tg_sent.h"
#include "tg_test.h"

enum { CHUNK_N = 2, START_SEQ = -2000, START_US = -300000 };

struct box {
	struct tg_chunks c;
	struct tg_sent s;
	struct tg_sent_news news;
	void *mem;
};

static void open_box(struct box *b, uint32_t chunk_n)
{
	memset(b, 0xa5, sizeof(*b)); /* tg_sent_init must not count on zeros */
	b->mem = aligned_alloc(64, (size_t)(chunk_n ? chunk_n : 1) * TG_CHUNK_LEN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->mem);
	tg_chunks_init(&b->c, b->mem, chunk_n);
	tg_sent_init(&b->s, tg_seq_make((uint32_t)START_SEQ));
	memset(&b->news, 0, sizeof(b->news));
}

static void is_sound(struct box *b)
{
	const char *why = NULL;

	if (!tg_sent_validate(&b->s, &b->c, &why))
		CU_FAIL(why);
}

static void close_box(struct box *b)
{
	is_sound(b);
	tg_sent_fini(&b->s, &b->c);
	CU_ASSERT_EQUAL(b->c.free_n, b->c.n);
	CU_ASSERT_EQUAL(tg_sent_n(&b->s), 0);
	free(b->mem);
}

/* Byte n of the stream. */
static tg_seq at(uint32_t n)
{
	return tg_seq_make((uint32_t)START_SEQ + n);
}

static uint32_t at_us(uint32_t n)
{
	return (uint32_t)START_US + n;
}

static void push(struct box *b, uint32_t end, uint32_t us, uint32_t granule)
{
	tg_sent_push(&b->s, &b->c, at(end), at_us(us), granule);
	is_sound(b);
}

static bool sack(struct box *b, uint32_t left, uint32_t right)
{
	bool is_noted;

	memset(&b->news, 0, sizeof(b->news));
	is_noted = tg_sent_sack(&b->s, &b->c, at(left), at(right), &b->news);
	is_sound(b);
	return is_noted;
}

static void ack(struct box *b, uint32_t una)
{
	memset(&b->news, 0, sizeof(b->news));
	tg_sent_ack(&b->s, &b->c, at(una), &b->news);
	is_sound(b);
}

static void again(struct box *b, uint32_t left, uint32_t right, uint32_t us)
{
	tg_sent_again(&b->s, &b->c, at(left), at(right), at_us(us));
	is_sound(b);
}

static void lose(struct box *b, uint32_t left, uint32_t right)
{
	tg_sent_lose(&b->s, &b->c, at(left), at(right));
	is_sound(b);
}

static bool is_rec(struct box *b, uint32_t i, uint32_t end, uint32_t us, uint8_t flags)
{
	const struct tg_sent_rec *r = tg_sent_at(&b->s, &b->c, i);

	return tg_seq_eq(r->end, at(end)) && r->us == at_us(us) && r->flags == flags;
}

/* --- by hand --- */

static void test_sent_pushWithinGranule_joins_laterIsNew(void)
{
	struct box b;

	open_box(&b, CHUNK_N);
	push(&b, 100, 0, 50);
	push(&b, 200, 50, 50);
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 1);
	CU_ASSERT(is_rec(&b, 0, 200, 50, 0));
	push(&b, 300, 80, 50); /* 80 after the earliest */
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 2);
	CU_ASSERT(is_rec(&b, 1, 300, 80, 0));
	again(&b, 0, 100, 90);
	push(&b, 400, 90, 50); /* the order of transmission would be lost */
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 4);
	CU_ASSERT(tg_seq_eq(tg_sent_end(&b.s, &b.c), at(400)));
	close_box(&b);
}

/* RFC 8985 5.2, 6.2 steps 2 and 3: the latest transmission, and the lowest that was sent once. */
static void test_sent_ackAndSack_tellWhatWasDelivered(void)
{
	struct box b;

	open_box(&b, CHUNK_N);
	for (uint32_t i = 1; i <= 5; i++)
		push(&b, 100 * i, 10 * i, 0);
	again(&b, 0, 100, 70);
	CU_ASSERT(sack(&b, 200, 300));
	CU_ASSERT_EQUAL(b.news.delivered, 100);
	CU_ASSERT_EQUAL(b.news.sacked, 100);
	CU_ASSERT(b.news.any && b.news.us == at_us(30) && !b.news.again);
	CU_ASSERT(tg_seq_eq(b.news.end, at(300)));
	CU_ASSERT(b.news.has_fresh && tg_seq_eq(b.news.fresh_low, at(300)));
	CU_ASSERT(sack(&b, 200, 300)); /* no byte twice */
	CU_ASSERT(b.news.delivered == 0 && !b.news.any && !b.news.has_fresh);
	ack(&b, 400);
	CU_ASSERT_EQUAL(b.news.delivered, 300);
	CU_ASSERT_EQUAL(b.news.sacked, 0);
	CU_ASSERT(b.news.us == at_us(70) && b.news.again && tg_seq_eq(b.news.end, at(100)));
	CU_ASSERT(b.news.has_fresh && tg_seq_eq(b.news.fresh_low, at(200)));
	CU_ASSERT_EQUAL(b.s.sacked, 0);
	close_box(&b);
}

/* DT-17, RFC 2018 8: after a timeout nothing that was SACKED counts as delivered, and all is kept.
 */
static void test_sent_timeout_forgetsSackMarks_allIsLost(void)
{
	struct box b;
	tg_seq left, right;

	open_box(&b, CHUNK_N);
	push(&b, 1000, 0, 0);
	CU_ASSERT(sack(&b, 300, 500) && sack(&b, 700, 800));
	CU_ASSERT_EQUAL(b.s.sacked, 300);
	tg_sent_lose_all(&b.s, &b.c);
	is_sound(&b);
	CU_ASSERT(b.s.sacked == 0 && b.s.lost == 1000);
	CU_ASSERT(tg_sent_next_lost(&b.s, &b.c, at(0), &left, &right));
	CU_ASSERT(tg_seq_eq(left, at(0)) && tg_seq_eq(right, at(1000)));
	again(&b, 0, 100, 50);
	CU_ASSERT(sack(&b, 300, 500));
	CU_ASSERT_EQUAL(b.news.delivered, 200); /* told anew, noted anew */
	CU_ASSERT(b.s.sacked == 200 && b.s.lost == 700);
	CU_ASSERT(tg_sent_next_lost(&b.s, &b.c, at(0), &left, &right));
	CU_ASSERT(tg_seq_eq(left, at(100)) && tg_seq_eq(right, at(300)));
	CU_ASSERT(tg_sent_next_lost(&b.s, &b.c, at(200), &left, &right));
	CU_ASSERT(tg_seq_eq(left, at(200)) && tg_seq_eq(right, at(300)));
	CU_ASSERT(tg_sent_next_lost(&b.s, &b.c, at(300), &left, &right));
	CU_ASSERT(tg_seq_eq(left, at(500)) && tg_seq_eq(right, at(1000)));
	CU_ASSERT(!tg_sent_next_lost(&b.s, &b.c, at(1000), &left, &right));
	close_box(&b);
}

static void test_sent_loseAndAgain_overSacked_leaveItSacked(void)
{
	struct box b;

	open_box(&b, CHUNK_N);
	push(&b, 600, 0, 0);
	CU_ASSERT(sack(&b, 200, 400));
	lose(&b, 100, 500);
	CU_ASSERT(b.s.lost == 200 && b.s.sacked == 200);
	again(&b, 0, 600, 40);
	CU_ASSERT(b.s.lost == 0 && b.s.sacked == 200);
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 3);
	CU_ASSERT(is_rec(&b, 0, 200, 40, TG_SENT_AGAIN));
	CU_ASSERT(is_rec(&b, 1, 400, 0, TG_SENT_SACKED));
	CU_ASSERT(is_rec(&b, 2, 600, 40, TG_SENT_AGAIN));
	close_box(&b);
}

/* SACKED neighbours are one, whenever they were sent; had one been sent again, so had all. */
static void test_sent_sackedNeighbours_areOne(void)
{
	struct box b;

	open_box(&b, CHUNK_N);
	for (uint32_t i = 1; i <= 5; i++)
		push(&b, 100 * i, 10 * i, 0);
	again(&b, 200, 300, 60);
	CU_ASSERT(sack(&b, 100, 200) && sack(&b, 300, 400) && sack(&b, 200, 300));
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 3);
	CU_ASSERT(is_rec(&b, 1, 400, 60, TG_SENT_SACKED | TG_SENT_AGAIN));
	close_box(&b);
}

static void test_sent_moreThanOwn_takesChunk_emptyGivesBack(void)
{
	struct box b;

	open_box(&b, CHUNK_N);
	for (uint32_t i = 1; i <= TG_SENT_OWN; i++)
		push(&b, 10 * i, 10 * i, 0);
	CU_ASSERT_EQUAL(b.c.free_n, CHUNK_N);
	push(&b, 100, 100, 0);
	CU_ASSERT_EQUAL(b.c.free_n, CHUNK_N - 1);
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), TG_SENT_OWN + 1);
	for (uint32_t i = 0; i < TG_SENT_OWN; i++)
		CU_ASSERT(is_rec(&b, i, 10 * (i + 1), 10 * (i + 1), 0));
	ack(&b, 95);
	CU_ASSERT_EQUAL(b.c.free_n, CHUNK_N - 1);
	ack(&b, 100);
	CU_ASSERT_EQUAL(b.c.free_n, CHUNK_N);
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 0);
	close_box(&b);
}

/* Without a chunk six records must do: those nearest in time are one, with the latest time. */
static void test_sent_poolEmpty_nearestInTimeMerge(void)
{
	static const uint32_t us[] = {0, 100, 200, 210, 300, 400};
	struct box b;

	open_box(&b, 0);
	for (uint32_t i = 0; i < 6; i++)
		push(&b, 10 * (i + 1), us[i], 0);
	push(&b, 70, 500, 0);
	CU_ASSERT_EQUAL(tg_sent_n(&b.s), 6);
	CU_ASSERT(is_rec(&b, 1, 20, 100, 0));
	CU_ASSERT(is_rec(&b, 2, 40, 210, 0));
	CU_ASSERT(is_rec(&b, 5, 70, 500, 0));
	ack(&b, 30); /* of a rough one the earliest is told: no one is found lost by it too early */
	CU_ASSERT(tg_seq_eq(b.news.end, at(30)));
	CU_ASSERT((int32_t)(b.news.us - at_us(200)) <= 0);
	close_box(&b);
}

/* ADV-42, DT-16: a SACK block for each third byte. The records stay bounded, and what we do
 * ourselves still works. */
static void test_sent_tinyHoles_bounded_ownMarksStillWork(void)
{
	struct box b;
	uint32_t n = 0, i;

	open_box(&b, CHUNK_N);
	push(&b, 4000, 0, 0);
	for (i = 2; i < 3998; i += 3, n++)
		if (!sack(&b, i, i + 1))
			break;
	CU_ASSERT(n > 60 && n < TG_SENT_MAX / 2);
	CU_ASSERT_EQUAL(b.s.sacked, n);
	CU_ASSERT(!sack(&b, 3000, 3001)); /* full: refused, nothing changed */
	CU_ASSERT(b.s.sacked == n && b.news.delivered == 0);
	CU_ASSERT(sack(&b, i - 2, i + 500)); /* what a neighbour can take in needs no place */
	CU_ASSERT_EQUAL(b.s.sacked, n + 502);
	lose(&b, 0, 1);
	CU_ASSERT_EQUAL(b.s.lost, 1);
	again(&b, 0, 1, 10);
	CU_ASSERT_EQUAL(b.s.lost, 0);
	lose(&b, 3, 5);
	again(&b, 3, 4, 10);
	CU_ASSERT(b.s.lost == 1 || b.s.lost == 0);
	lose(&b, 3990, 3995);
	again(&b, 3990, 3992, 20);
	push(&b, 5000, 30, 0);
	push(&b, 6000, 40, 0);
	CU_ASSERT(tg_seq_eq(tg_sent_end(&b.s, &b.c), at(6000)));
	ack(&b, 6000);
	CU_ASSERT_EQUAL(b.c.free_n, CHUNK_N);
	close_box(&b);
}

/* --- against the model --- */

enum { RING = 8192, FLIGHT_MAX = 2500, M_WAS = 1 << 7 };

struct byte {
	uint32_t us;
	uint8_t
	    flags;   /* TG_SENT_*, and M_WAS: it was SACKED once: AGAIN may have come by a merge */
	bool is_new; /* delivered by the call that is checked */
};

struct model {
	struct byte b[RING];
	uint32_t una, end; /* bytes of the stream */
	uint32_t now;      /* us since the start */
	uint32_t granule;
	uint32_t stolen[CHUNK_N], stolen_n;
	uint32_t refused, widened; /* SACK blocks refused; marks that took in a whole record */
	uint32_t wrong;
	bool is_roomy;
};

static struct byte *byte_at(struct model *m, uint32_t n)
{
	return &m->b[n % RING];
}

static void check(struct model *m, bool is_right)
{
	m->wrong += !is_right;
}

static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Every byte: flags as in the model; its time within what the record says. */
static void check_records(struct model *m, struct box *b)
{
	uint32_t n = m->una, sacked = 0, lost = 0;

	check(m, tg_sent_validate(&b->s, &b->c, NULL));
	check(m, tg_seq_eq(b->s.una, at(m->una)));
	check(m, tg_seq_eq(tg_sent_end(&b->s, &b->c), at(m->end)));
	for (uint32_t i = 0; i < tg_sent_n(&b->s); i++) {
		const struct tg_sent_rec *r = tg_sent_at(&b->s, &b->c, i);

		for (; n != m->end && tg_seq_lt(at(n), r->end); n++) {
			const struct byte *x = byte_at(m, n);
			uint8_t may = x->flags & M_WAS ? TG_SENT_AGAIN : 0;

			check(m, (r->flags | may) == ((x->flags & ~M_WAS) | may));
			check(m, !is_later(at_us(x->us), r->us));
			check(m, r->spread == UINT16_MAX ||
				     !is_later(r->us - 64u * r->spread, at_us(x->us)));
			sacked += (x->flags & TG_SENT_SACKED) != 0;
			lost += (x->flags & TG_SENT_LOST) != 0;
		}
	}
	check(m, n == m->end && sacked == b->s.sacked && lost == b->s.lost);
}

/* What was delivered, from the bytes that are marked new. */
static void check_news(struct model *m, uint32_t from, uint32_t to, const struct tg_sent_news *news)
{
	uint32_t n, count = 0, latest = 0, high = 0, low = UINT32_MAX, low_end = 0;
	bool was = false, is_again = false;

	for (n = from; n < to; n++) {
		const struct byte *x = byte_at(m, n);

		if (!x->is_new)
			continue;
		if (!count || x->us >= latest) {
			latest = x->us;
			high = n + 1;
			is_again = x->flags & TG_SENT_AGAIN;
		}
		count++;
		was |= (x->flags & M_WAS) != 0;
		if (!(x->flags & TG_SENT_AGAIN) && (low == UINT32_MAX || low_end == n)) {
			low = low == UINT32_MAX ? n : low;
			low_end = n + 1;
		}
	}
	check(m, news->delivered == count && news->any == (count > 0));
	if (count == 0 || was)
		return;
	/* Never later than the truth but by the granule: loss is not seen too early. */
	check(m, !is_later(news->us, at_us(latest + m->granule)));
	check(m, news->has_fresh == (low != UINT32_MAX));
	if (low != UINT32_MAX)
		check(m, tg_seq_gt(news->fresh_low, at(low)) &&
			     tg_seq_le(news->fresh_low, at(low_end)));
	if (m->is_roomy && m->granule == 0)
		check(m, news->us == at_us(latest) && tg_seq_eq(news->end, at(high)) &&
			     news->again == is_again);
}

/* Where there was no room, what a mark took in besides is as if it had been asked for. */
static void adopt(struct model *m, struct box *b, uint32_t left, uint32_t right, uint8_t flag)
{
	uint32_t n = m->una;

	for (uint32_t i = 0; i < tg_sent_n(&b->s); i++) {
		const struct tg_sent_rec *r = tg_sent_at(&b->s, &b->c, i);

		for (; n != m->end && tg_seq_lt(at(n), r->end); n++) {
			struct byte *x = byte_at(m, n);

			uint8_t may = x->flags & M_WAS ? TG_SENT_AGAIN : 0;

			if ((n >= left && n < right) || (x->flags & TG_SENT_SACKED) ||
			    ((r->flags | may) == ((x->flags & ~M_WAS) | may) &&
			     !is_later(r->us - 64u * r->spread, at_us(x->us))))
				continue;
			m->widened++;
			check(m, r->flags & flag);
			x->flags = (uint8_t)((x->flags & M_WAS) | r->flags);
			x->us = flag == TG_SENT_AGAIN ? m->now : x->us;
		}
	}
}

static void mark_model(struct model *m, uint32_t left, uint32_t right, uint8_t flag)
{
	for (uint32_t n = left; n < right; n++) {
		struct byte *x = byte_at(m, n);

		if (x->flags & TG_SENT_SACKED)
			continue;
		if (flag == TG_SENT_LOST) {
			x->flags |= TG_SENT_LOST;
			continue;
		}
		x->flags = (uint8_t)((x->flags & M_WAS) | TG_SENT_AGAIN);
		x->us = m->now;
	}
}

static void step_mark(struct model *m, struct box *b, uint32_t left, uint32_t right, uint8_t flag)
{
	uint32_t before = m->widened, n = tg_sent_n(&b->s);
	bool is_full = n + 3 > (b->s.chunk == TG_NONE ? TG_SENT_OWN : TG_SENT_MAX);

	if (flag == TG_SENT_LOST)
		tg_sent_lose(&b->s, &b->c, at(left), at(right));
	else
		tg_sent_again(&b->s, &b->c, at(left), at(right), at_us(m->now));
	mark_model(m, left, right, flag);
	if (!m->is_roomy)
		adopt(m, b, left, right, flag);
	/* Only a full house takes in more than it was told. */
	check(m, m->widened == before || is_full);
}

static void step_sack(struct model *m, struct box *b, uint32_t left, uint32_t right)
{
	struct tg_sent_news news = {0};
	bool is_noted = tg_sent_sack(&b->s, &b->c, at(left), at(right), &news);

	if (!is_noted) {
		m->refused++;
		check(m, news.delivered == 0 && news.sacked == 0 && !news.any);
		return;
	}
	for (uint32_t n = left; n < right; n++)
		byte_at(m, n)->is_new = !(byte_at(m, n)->flags & TG_SENT_SACKED);
	check_news(m, left, right, &news);
	check(m, news.sacked == news.delivered);
	for (uint32_t n = left; n < right; n++) {
		struct byte *x = byte_at(m, n);

		x->flags = (uint8_t)((x->flags & TG_SENT_AGAIN) | TG_SENT_SACKED | M_WAS);
		x->is_new = false;
	}
}

static void step_ack(struct model *m, struct box *b, uint32_t una)
{
	struct tg_sent_news news = {0};

	tg_sent_ack(&b->s, &b->c, at(una), &news);
	for (uint32_t n = m->una; n < una; n++)
		byte_at(m, n)->is_new = !(byte_at(m, n)->flags & TG_SENT_SACKED);
	check_news(m, m->una, una, &news);
	check(m, news.sacked == 0);
	m->una = una;
}

/* The last record may have taken in new text for want of room, and is as new then. */
static void step_push(struct model *m, struct box *b, uint32_t len)
{
	const struct tg_sent_rec *r;
	uint32_t n = m->end, last;

	tg_sent_push(&b->s, &b->c, at(m->end + len), at_us(m->now), m->granule);
	for (m->end += len; n < m->end; n++)
		*byte_at(m, n) = (struct byte){.us = m->now};
	if (m->is_roomy)
		return;
	last = tg_sent_n(&b->s) - 1;
	r = tg_sent_at(&b->s, &b->c, last);
	n = m->end - (uint32_t)tg_seq_diff(r->end, tg_sent_begin(&b->s, &b->c, last));
	for (; n < m->end; n++) {
		struct byte *x = byte_at(m, n);

		if ((x->flags & ~M_WAS) == r->flags)
			continue;
		m->widened++;
		check(m, !(r->flags & (TG_SENT_LOST | TG_SENT_SACKED)));
		x->flags = (uint8_t)((x->flags & M_WAS) | r->flags);
	}
}

static void check_next_lost(struct model *m, struct box *b, uint32_t from)
{
	uint32_t n = from, end;
	tg_seq left, right;
	bool found = tg_sent_next_lost(&b->s, &b->c, at(from), &left, &right);

	while (n < m->end && !(byte_at(m, n)->flags & TG_SENT_LOST))
		n++;
	check(m, found == (n < m->end));
	if (!found)
		return;
	for (end = n; end < m->end && (byte_at(m, end)->flags & TG_SENT_LOST);)
		end++;
	check(m, tg_seq_eq(left, at(n)) && tg_seq_eq(right, at(end)));
}

static void step_pool(struct model *m, struct box *b)
{
	if (m->stolen_n) {
		tg_chunks_free(&b->c, m->stolen[--m->stolen_n]);
		return;
	}
	while (b->c.free_n)
		m->stolen[m->stolen_n++] = tg_chunks_alloc(&b->c);
}

static void step(struct model *m, struct box *b, struct tg_rng *rng)
{
	uint32_t kind = tg_rng_below(rng, 100), flight = m->end - m->una, left, right;

	m->now += tg_rng_below(rng, 4) ? 0 : tg_rng_below(rng, 3000);
	if (flight == 0 || (kind < 30 && flight < FLIGHT_MAX)) {
		step_push(m, b, 1 + tg_rng_below(rng, 60));
		return;
	}
	left = m->una + tg_rng_below(rng, flight);
	right = left + 1 + tg_rng_below(rng, tg_rng_below(rng, 8) ? 20 : m->end - left);
	right = right > m->end ? m->end : right;
	if (kind < 55)
		step_sack(m, b, left, right);
	else if (kind < 70)
		step_mark(m, b, left, right, TG_SENT_AGAIN);
	else if (kind < 84)
		step_mark(m, b, left, right, TG_SENT_LOST);
	else if (kind < 96)
		step_ack(m, b,
			 tg_rng_below(rng, 20) ? m->una + tg_rng_below(rng, 40) % flight : m->end);
	else if (kind < 97 && tg_rng_below(rng, 8) == 0) {
		tg_sent_lose_all(&b->s, &b->c);
		for (uint32_t n = m->una; n < m->end; n++)
			byte_at(m, n)->flags =
			    (uint8_t)((byte_at(m, n)->flags & ~TG_SENT_SACKED) | TG_SENT_LOST);
	} else if (!m->is_roomy && tg_rng_below(rng, 16) == 0)
		step_pool(m, b);
	else
		check_next_lost(m, b, left);
}

static void run_model(uint32_t granule, uint32_t steps, bool is_roomy, struct model *m)
{
	struct tg_rng rng;
	struct box b;

	open_box(&b, CHUNK_N);
	memset(m, 0, sizeof(*m));
	m->granule = granule;
	m->is_roomy = is_roomy;
	tg_rng_init(&rng, tg_test_seed + granule + is_roomy);
	if (!is_roomy)
		step_pool(m, &b);
	for (uint32_t i = 0; i < steps && m->wrong == 0; i++) {
		/* Roomy: never so many that two of them must merge. */
		if (is_roomy && tg_sent_n(&b.s) > TG_SENT_MAX - 8)
			step_ack(m, &b, m->una + (m->end - m->una) / 2);
		step(m, &b, &rng);
		check_records(m, &b);
		if (m->wrong)
			printf("seed %" PRIu64 " granule %u: step %u\n", tg_test_seed, granule, i);
	}
	CU_ASSERT_EQUAL(m->wrong, 0);
	while (m->stolen_n)
		tg_chunks_free(&b.c, m->stolen[--m->stolen_n]);
	close_box(&b);
}

/* DT-16, DT-17: with room enough every byte has exactly its flags, its time, and is counted once.
 */
static void test_sent_randomWithRoom_equalsModel(void)
{
	static struct model m;

	for (uint32_t granule = 0; granule <= 2000; granule += 1000) {
		run_model(granule, 15000, true, &m);
		CU_ASSERT(m.refused == 0 && m.widened == 0);
	}
}

/* ADV-42: without room times get later, SACK blocks are refused, and nothing else is wrong. */
static void test_sent_randomWithoutRoom_equalsModelButForTimes(void)
{
	static struct model m;
	uint32_t refused = 0;

	for (uint32_t granule = 0; granule <= 2000; granule += 1000) {
		run_model(granule, 15000, false, &m);
		refused += m.refused;
	}
	CU_ASSERT(refused > 0);
}

static const struct tg_test tests[] = {
    {"sent_pushWithinGranule_joins_laterIsNew", test_sent_pushWithinGranule_joins_laterIsNew},
    {"sent_ackAndSack_tellWhatWasDelivered", test_sent_ackAndSack_tellWhatWasDelivered},
    {"sent_timeout_forgetsSackMarks_allIsLost", test_sent_timeout_forgetsSackMarks_allIsLost},
    {"sent_loseAndAgain_overSacked_leaveItSacked", test_sent_loseAndAgain_overSacked_leaveItSacked},
    {"sent_sackedNeighbours_areOne", test_sent_sackedNeighbours_areOne},
    {"sent_moreThanOwn_takesChunk_emptyGivesBack", test_sent_moreThanOwn_takesChunk_emptyGivesBack},
    {"sent_poolEmpty_nearestInTimeMerge", test_sent_poolEmpty_nearestInTimeMerge},
    {"sent_tinyHoles_bounded_ownMarksStillWork", test_sent_tinyHoles_bounded_ownMarksStillWork},
    {"sent_randomWithRoom_equalsModel", test_sent_randomWithRoom_equalsModel},
    {"sent_randomWithoutRoom_equalsModelButForTimes",
     test_sent_randomWithoutRoom_equalsModelButForTimes},
};

int main(int argc, char **argv)
{
	return tg_test_main("sent", tests, TG_TEST_N(tests), argc, argv);
}
