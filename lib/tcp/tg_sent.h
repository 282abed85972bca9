/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_sent.h: what was sent and is not yet acknowledged, as ranges with the time of their last
 * transmission and what became of them: the per-segment state of RACK (RFC 8985 5.2) and the
 * scoreboard of RFC 6675 in one.
 *
 * The ranges lie end to end: the first begins at SND.UNA, the last ends at SND.NXT (SYN not
 * counted, FIN counted). Neighbours with equal flags that were sent close together are merged, so
 * a flight of any size fits a fixed number of records: TG_SENT_OWN stand in the block itself, and
 * up to TG_SENT_MAX in one chunk of the pool while they are needed. When all are taken, or the pool
 * is empty, the two neighbours of equal flags that lie closest in time are merged; where no two
 * have equal flags, a SACK block is not noted: what it told will be sent again. A merged record
 * keeps its latest time: loss is seen later, never earlier. SACKED neighbours are always merged,
 * AGAIN if one of them was: their times count no more. A few places are kept for what we do
 * ourselves; when a peer has filled all others and even these are gone, tg_sent_again and
 * tg_sent_lose take in the whole of a record that they cannot cut, and tg_sent_push lets the last
 * record grow. Every call costs at most O(TG_SENT_MAX), whatever the peer sends (ADV-42).
 *
 * Times are microseconds of the engine's clock, modulo 2^32; a record older than half of that is
 * LOST already or its connection given up. */
#ifndef TG_SENT_H
#define TG_SENT_H

#include "tg_seq.h"
#include "tg_span.h"

enum {
	TG_SENT_SACKED = 1 << 0, /* the peer has it (DT-17: kept until acknowledged) */
	TG_SENT_LOST = 1 << 1,   /* taken for lost, not sent again since; never with SACKED */
	TG_SENT_AGAIN = 1 << 2,  /* its last transmission was a retransmission */
};

struct tg_sent_rec {
	tg_seq end;      /* one past its last number */
	uint32_t us;     /* its last transmission; of a merged one the latest */
	uint16_t spread; /* the earliest was so much before, in units of 64 us, capped */
	uint8_t flags;   /* TG_SENT_* */
	uint8_t state;   /* private to sent.c */
};
_Static_assert(sizeof(struct tg_sent_rec) == 12, "");

enum { TG_SENT_OWN = 6, TG_SENT_MAX = TG_CHUNK_LEN / sizeof(struct tg_sent_rec) };

struct tg_sent {
	tg_seq una;            /* where the first record begins */
	uint32_t sacked, lost; /* bytes in records with that flag */
	uint32_t chunk;        /* TG_NONE: the records stand in own[] */
	uint16_t head, n;      /* record i stands at place head + i */
	/* RACK's last walk over the records (rack.c). walked: nothing came since that it would find
	 * other than by time; waits: records may grow old enough to be LOST, those sent from
	 * oldest_us to newest_us. */
	bool walked, waits;
	uint32_t oldest_us, newest_us;
	tg_seq lost_low;  /* nothing below it is LOST, while lost > 0 */
	tg_seq pairs_low; /* no two neighbours that meet below it have equal flags */
	struct tg_sent_rec own[TG_SENT_OWN]; /* last: tg_sent_init leaves it as it is */
};

/* What an ACK brought (RFC 8985 5.2, 6.2; RFC 6937): filled by tg_sent_ack and tg_sent_sack, which
 * add to what is there; begin with a zeroed one. */
struct tg_sent_news {
	uint32_t delivered; /* bytes newly acknowledged or SACKed: no byte counts twice */
	uint32_t sacked;    /* of these, by SACK */
	bool any;           /* the fields below are set */
	uint32_t us;        /* latest transmission among what was delivered; of a record merged for
			       want of room the earliest, so that nothing is found lost too early */
	tg_seq end;         /* and the highest end of those sent then */
	bool again;         /* and whether that was a retransmission */
	bool has_fresh;     /* something delivered was sent once only: */
	tg_seq fresh_low;   /* the lowest end of such records: below RACK.fack it means
			       reordering (RFC 8985 6.2 step 3) */
};

/* Empty, at una. */
void tg_sent_init(struct tg_sent *s, tg_seq una);
/* Gives the chunk back. */
void tg_sent_fini(struct tg_sent *s, struct tg_chunks *c);
/* [last end, end) was sent for the first time. granule_us: it may join the last record when that
 * was sent no more than so long ago (counted from its earliest) and nothing was sent again since.
 */
void tg_sent_push(struct tg_sent *s, struct tg_chunks *c, tg_seq end, uint32_t now_us,
		  uint32_t granule_us);
/* [left, right), inside what is recorded, was sent again: not LOST any more, AGAIN. SACKED parts of
 * it stay as they are. */
void tg_sent_again(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right,
		   uint32_t now_us);
/* Everything below una is acknowledged; una is at or above s->una, at most the last end. */
void tg_sent_ack(struct tg_sent *s, struct tg_chunks *c, tg_seq una, struct tg_sent_news *news);
/* A SACK block that DT-16 has let pass, above una. False: there was no room to note all of it. */
bool tg_sent_sack(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right,
		  struct tg_sent_news *news);
/* [left, right) is taken for lost, but for what is SACKED in it. */
void tg_sent_lose(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right);
/* A timeout: no SACKED mark stands (DT-17, RFC 2018 8), everything is LOST. */
void tg_sent_lose_all(struct tg_sent *s, const struct tg_chunks *c);
/* The first LOST bytes at or above from, with all that are LOST behind them without a gap, however
 * they were sent; false: none. O(n). */
bool tg_sent_next_lost(const struct tg_sent *s, const struct tg_chunks *c, tg_seq from,
		       tg_seq *left, tg_seq *right);

/* For those that walk over all records (RACK's detection): count, and one. */
static inline uint32_t tg_sent_n(const struct tg_sent *s)
{
	return s->n;
}

static inline struct tg_sent_rec *tg_sent_at(struct tg_sent *s, const struct tg_chunks *c,
					     uint32_t i)
{
	struct tg_sent_rec *r =
	    s->chunk == TG_NONE ? s->own : (struct tg_sent_rec *)(void *)tg_chunks_at(c, s->chunk);

	return &r[s->head + i];
}

/* Where record i begins. */
static inline tg_seq tg_sent_begin(struct tg_sent *s, const struct tg_chunks *c, uint32_t i)
{
	return i ? tg_sent_at(s, c, i - 1)->end : s->una;
}

/* [begin, end), which is not counted yet, is marked LOST. */
static inline void tg_sent_count_lost(struct tg_sent *s, tg_seq begin, tg_seq end)
{
	if (s->lost == 0 || tg_seq_lt(begin, s->lost_low))
		s->lost_low = begin;
	s->lost += (uint32_t)tg_seq_diff(end, begin);
}

/* Flags at or above `at` have changed, other than by SACK. */
static inline void tg_sent_may_pair(struct tg_sent *s, tg_seq at)
{
	s->pairs_low = tg_seq_min(s->pairs_low, at);
}

/* One past everything recorded. */
static inline tg_seq tg_sent_end(struct tg_sent *s, const struct tg_chunks *c)
{
	return tg_sent_begin(s, c, s->n);
}

/* T1 ends ascend, none empty; T2 sacked and lost are the sums over the records; T3 LOST excludes
 * SACKED; T4 a chunk is held only while more than TG_SENT_OWN may be needed and lies in the pool;
 * T5 nothing below lost_low is LOST; T6
 * neighbours that meet below pairs_low differ. */
bool tg_sent_validate(struct tg_sent *s, const struct tg_chunks *c, const char **why);

#endif
