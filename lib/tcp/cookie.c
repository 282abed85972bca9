/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie.c: SYN cookies: what tg_cookie.h promises, by the ruler of cookie_bits.h.
 *
 * One SipHash-2-4 under the epoch's key is the MAC of the whole promise; 29 of its bits stand in
 * the ISN, 11 more in the TSval. IRS is under the MAC and not in a sum, so SEQ is bound to the byte
 * behind the SYN exactly (SC-18). The price: the cookies of one tuple do not grow with the client's
 * numbers, so that half of those for a tuple in TIME-WAIT are below its old SND.NXT (SC-11). */
#include "control.h"
#include "cookie_bits.h"
#include "tg_syn_lane.h"
#include "tuple_words.h"

enum {
	MAC_V4_LEN = TUPLE_V4_LEN + 4 + 2, /* tuple, IRS, the word */
	MAC_V6_LEN = TUPLE_V6_LEN + 4 + 2,
	EPOCH_MASK = (1 << COOKIE_EPOCH_BITS) - 1,
	TSMAC_MASK = (1 << COOKIE_TSMAC_BITS) - 1,
	OPTION_MASK = (1 << COOKIE_OPTION_BITS) - 1,
	OPTION_SCALE = 0xf,
	OPTION_ECN = 1 << 4,
	OPTION_SACK = 1 << 5,
	WORD_TS = 1 << COOKIE_INDEX_BITS,
	WORD_OPTION_SHIFT = COOKIE_INDEX_BITS + 1,
	WORD_RCV_SCALE_SHIFT = WORD_OPTION_SHIFT + COOKIE_OPTION_BITS,
};

/* SC-02: ascending; what is advertised is rounded down. */
static const uint16_t mss_table[2][TG_COOKIE_MSS_N] = {
    {536, 1300, 1440, 1460},
    {1220, 1420, 1440, 8940},
};
_Static_assert(TG_COOKIE_MSS_N == 1 << COOKIE_INDEX_BITS, "each index is one of the table");

static const uint16_t *table_of(const struct tg_tuple *tuple)
{
	return mss_table[!tuple_is_v4(tuple)];
}

/* The highest entry that is not above mss; the lowest when all are. */
static uint32_t mss_index(const struct tg_tuple *tuple, uint16_t mss)
{
	const uint16_t *table = table_of(tuple);
	uint32_t i = TG_COOKIE_MSS_N - 1;

	while (i > 0 && table[i] > mss)
		i--;
	return i;
}

/* --- what is promised, in a word --- */

static uint32_t options_of(const struct tg_cookie_deal *deal)
{
	return (deal->ws ? deal->snd_scale : TG_COOKIE_NO_SCALE) | (deal->ecn ? OPTION_ECN : 0) |
	       (deal->sack ? OPTION_SACK : 0);
}

static uint16_t word_of(uint32_t index, bool ts, uint32_t options, uint32_t rcv_scale)
{
	if (!ts)
		return (uint16_t)index;
	return (uint16_t)(index | WORD_TS | options << WORD_OPTION_SHIFT |
			  rcv_scale << WORD_RCV_SCALE_SHIFT);
}

static uint16_t word_of_deal(const struct tg_tuple *tuple, const struct tg_cookie_deal *deal)
{
	return word_of(mss_index(tuple, deal->mss), deal->ts, options_of(deal),
		       deal->ws ? deal->rcv_scale : 0);
}

/* --- hashes --- */

/* The last two words of the MAC's input: ports and IRS, in network order; the word and the length.
 */
static inline uint64_t mac_middle(const struct tg_tuple *tuple, tg_seq irs)
{
	return tuple_v4_ports(tuple) | (uint64_t)__builtin_bswap32(irs.v) << 32;
}

static inline uint64_t mac_end(uint16_t word, bool v4)
{
	return word | tg_sip_len(v4 ? MAC_V4_LEN : MAC_V6_LEN);
}

/* All but the last word. */
static inline void begin_mac(struct tg_sip *s, const struct tg_sipkey *key,
			     const struct tg_tuple *tuple, tg_seq irs)
{
	tg_sip_start(s, key);
	if (tuple_is_v4(tuple)) {
		tg_sip_word2(s, tuple_v4_addrs(tuple));
	} else {
		for (uint32_t i = 0; i < TUPLE_V6_ADDR_WORDS; i++)
			tg_sip_word2(s, tuple_v6_addr(tuple, i));
	}
	tg_sip_word2(s, mac_middle(tuple, irs));
}

static uint64_t hash_mac(const struct tg_sipkey *key, const struct tg_tuple *tuple, tg_seq irs,
			 uint16_t word)
{
	struct tg_sip s;

	begin_mac(&s, key, tuple, irs);
	tg_sip_word2(&s, mac_end(word, tuple_is_v4(tuple)));
	return tg_sip_end4(&s);
}

static uint64_t hash_ts(const struct tg_sipkey *key, const struct tg_tuple *tuple)
{
	if (tuple_is_v4(tuple))
		return tg_siphash24_2(key, tuple_v4_addrs(tuple), tuple_v4_end(tuple));
	uint8_t buf[TUPLE_V6_LEN];

	return tg_siphash24(key, buf, tuple_put_v6(tuple, buf));
}

static uint32_t mac29(uint64_t mac)
{
	return (uint32_t)(mac >> (64 - COOKIE_MAC_BITS));
}

static uint32_t mac11(uint64_t mac)
{
	return (uint32_t)mac & TSMAC_MASK;
}

/* --- mint --- */

/* The low bits hide under the next ones, and come out the same way. */
static uint32_t mask_low(uint32_t isn)
{
	return isn ^ (isn >> 3 & 7);
}

static uint32_t isn_of(uint64_t mac, uint64_t epoch, uint32_t index)
{
	return mask_low(mac29(mac) << 3 | (uint32_t)(epoch & 1) << 2 | index);
}

static uint32_t tsval_of(uint64_t mac, uint64_t ts, uint64_t epoch, uint32_t options)
{
	uint32_t hi = (uint32_t)(epoch + ts + 1) & EPOCH_MASK;

	return hi << TG_COOKIE_EPOCH_SHIFT | mac11(mac) << COOKIE_OPTION_BITS | options;
}

struct tg_cookie tg_cookie_mint(const struct tg_cookie_keys *keys, const struct tg_tuple *tuple,
				tg_seq irs, const struct tg_cookie_deal *deal)
{
	uint16_t word = word_of_deal(tuple, deal);
	uint64_t mac = hash_mac(tg_cookie_mac_key(keys, 0, keys->epoch), tuple, irs, word);
	uint64_t ts = deal->ts ? hash_ts(&keys->secret[0].ts, tuple) : 0;

	return (struct tg_cookie){
	    .isn = tg_seq_make(isn_of(mac, keys->epoch, word & (TG_COOKIE_MSS_N - 1))),
	    .tsval = deal->ts ? tsval_of(mac, ts, keys->epoch, options_of(deal)) : 0,
	};
}

/* --- check --- */

/* One ACK under trial. */
struct trial {
	const struct tg_cookie_keys *keys;
	const struct tg_tuple *tuple;
	const struct tg_cookie_claim *claim;
	const struct tg_cookie_offer *offer;
	uint32_t isn; /* its low bits laid open */
	bool named;   /* TSecr named an epoch that is known */
	bool ok, expired;
	int age;            /* of what is ok, in epochs */
	uint32_t rcv_scale; /* and with which scale */
};

static bool is_accepted(const struct tg_cookie_keys *keys, int age)
{
	return age == 0 || age == 1 || (age == -1 && keys->early) || (age == 2 && keys->late);
}

/* What our own scale was stands nowhere but under the MAC: those that were told are tried. The
 * options are there, too (SC-06). */
static uint32_t scales_of(const struct trial *t)
{
	bool has_scale = t->claim->ts && (t->claim->tsecr & OPTION_SCALE) != TG_COOKIE_NO_SCALE;

	return has_scale ? t->offer->scales & TG_COOKIE_SCALES : 1;
}

static uint16_t word_claimed(const struct trial *t, uint32_t rcv_scale)
{
	const struct tg_cookie_claim *c = t->claim;

	return word_of(t->isn & (TG_COOKIE_MSS_N - 1), c->ts, c->tsecr & OPTION_MASK, rcv_scale);
}

/* All bits are compared before anything is decided. */
static void judge(struct trial *t, int age, uint32_t rcv_scale, uint64_t mac)
{
	const struct tg_cookie_claim *c = t->claim;
	uint32_t wrong = mac29(mac) ^ t->isn >> 3;

	if (c->ts)
		wrong |= mac11(mac) ^ (c->tsecr >> COOKIE_OPTION_BITS & TSMAC_MASK);
	if (wrong)
		return;
	if (!is_accepted(t->keys, age)) {
		t->expired = true;
		return;
	}
	t->ok = true;
	t->age = age;
	t->rcv_scale = rcv_scale;
}

/* Where any scale may have been told (SP-04), they are hashed side by side: the inputs differ in
 * one word, so that an ACK that is no cookie costs hardly more than one that is (ADV-31). */
static void try_scales(struct trial *t, const struct tg_sipkey *key, int age, uint32_t scales)
{
	_Alignas(64) uint64_t mac[TG_SIP_LANES] = {0};
	uint32_t n = 32 - (uint32_t)__builtin_clz(scales);
	bool v4 = tuple_is_v4(t->tuple);
	struct tg_sip s;

	begin_mac(&s, key, t->tuple, t->claim->irs);
	for (uint32_t i = 0; i < n; i++)
		mac[i] = mac_end(word_claimed(t, i), v4);
	t->keys->lanes->tails24(&s, mac, mac, n);
	for (uint32_t i = 0; i < n; i++)
		if (scales >> i & 1)
			judge(t, age, i, mac[i]);
}

static void try_epoch(struct trial *t, uint32_t secret, int age)
{
	const struct tg_sipkey *key =
	    tg_cookie_mac_key(t->keys, secret, t->keys->epoch - (uint64_t)age);
	uint32_t scales = scales_of(t);

	if (scales & (scales - 1)) {
		try_scales(t, key, age, scales);
	} else if (scales) {
		uint32_t only = (uint32_t)__builtin_ctz(scales);
		judge(t, age, only, hash_mac(key, t->tuple, t->claim->irs, word_claimed(t, only)));
	}
}

static bool is_parity(const struct trial *t, int age)
{
	return ((t->keys->epoch - (uint64_t)age) & 1) == (t->isn >> 2 & 1);
}

/* The parity names one of each two epochs. */
static void try_plain(struct trial *t, uint32_t secret)
{
	for (int age = t->keys->early ? -1 : 0; age <= COOKIE_EPOCHS_BACK; age++)
		if (is_parity(t, age))
			try_epoch(t, secret, age);
}

/* TSecr names the epoch itself; the parity must agree. */
static void try_ts(struct trial *t, uint32_t secret)
{
	uint64_t ts = hash_ts(&t->keys->secret[secret].ts, t->tuple);
	uint32_t hi = t->claim->tsecr >> TG_COOKIE_EPOCH_SHIFT;
	int age = (int)((t->keys->epoch + ts + 1 - hi + 1) & EPOCH_MASK) - 1;

	if (age > COOKIE_EPOCHS_BACK || (age < 0 && !t->keys->early) || !is_parity(t, age))
		return;
	t->named = true;
	try_epoch(t, secret, age);
}

static bool is_offered(const struct tg_cookie_claim *claim, const struct tg_cookie_offer *offer)
{
	return (offer->sack || !(claim->tsecr & OPTION_SACK)) &&
	       (offer->ecn || !(claim->tsecr & OPTION_ECN));
}

static void read_deal(const struct trial *t, struct tg_cookie_deal *deal)
{
	uint32_t options = t->claim->tsecr & OPTION_MASK, scale = options & OPTION_SCALE;

	*deal = (struct tg_cookie_deal){.mss = table_of(t->tuple)[t->isn & (TG_COOKIE_MSS_N - 1)]};
	if (!t->claim->ts)
		return;
	deal->ts = true;
	deal->sack = options & OPTION_SACK;
	deal->ecn = options & OPTION_ECN;
	deal->ws = scale != TG_COOKIE_NO_SCALE;
	deal->snd_scale = deal->ws ? (uint8_t)scale : 0;
	deal->rcv_scale = (uint8_t)t->rcv_scale;
}

enum tg_cookie_verdict tg_cookie_check(const struct tg_cookie_keys *keys,
				       const struct tg_tuple *tuple,
				       const struct tg_cookie_claim *claim,
				       const struct tg_cookie_offer *offer,
				       struct tg_cookie_deal *deal, bool *skewed)
{
	struct trial t = {.keys = keys,
			  .tuple = tuple,
			  .claim = claim,
			  .offer = offer,
			  .isn = mask_low(claim->isn.v)};

	*skewed = false;
	if (claim->ts && !is_offered(claim, offer))
		return TG_COOKIE_TS_BAD;
	for (uint32_t i = 0; i < keys->secret_n; i++) {
		if (claim->ts)
			try_ts(&t, i);
		else
			try_plain(&t, i);
	}
	if (t.ok) {
		*skewed = t.age != 0 && t.age != 1;
		read_deal(&t, deal);
		return TG_COOKIE_OK;
	}
	if (t.expired)
		return TG_COOKIE_EXPIRED;
	return claim->ts && !t.named ? TG_COOKIE_TS_BAD : TG_COOKIE_BAD_MAC;
}

/* --- many at once --- */

void tg_syn_terms_init(struct tg_syn_terms *t, const struct tg_tcp_conf *conf,
		       const struct tg_tcp_env *env, bool v6)
{
	t->mss_none = tg_syn_peer_mss(conf, env, v6, 0);
	t->mss_max = tg_syn_peer_mss(conf, env, v6, UINT16_MAX);
	t->mss_min = conf->mss_min;
	memcpy(t->table, mss_table[v6], sizeof(t->table));
	t->rcv_scale = conf->window_scale;
	t->takes = (uint8_t)((conf->timestamps ? TG_SYN_TS : 0) | (conf->sack ? TG_SYN_SACK : 0) |
			     (conf->window_scale != TG_WSCALE_NONE ? TG_SYN_WS : 0) |
			     (conf->ecn ? TG_SYN_ECN : 0));
}

/* mss_index of what tg_syn_peer_mss says, without a loop. */
static inline uint32_t index_of(const struct tg_syn_terms *t, uint16_t mss)
{
	uint32_t m = mss ? mss : t->mss_none;

	m = m < t->mss_max ? m : t->mss_max;
	return (uint32_t)(m >= t->table[1]) + (m >= t->table[2]) + (m >= t->table[3]);
}

/* EST-12, EST-13: somebody is to count it. */
static inline bool is_odd(const struct tg_syn_terms *t, const struct tg_syn *syn)
{
	return (syn->mss && syn->mss < t->mss_min) ||
	       ((syn->has & TG_SYN_WS) && syn->wscale > TG_WSCALE_MAX);
}

/* SC-04: without timestamps nothing is kept but the MSS. Returns what is promised. */
static inline uint16_t agree(const struct tg_syn_terms *t, const struct tg_syn *syn,
			     uint8_t *agreed)
{
	uint8_t both = syn->has & t->takes;
	uint32_t index = index_of(t, syn->mss), options;

	*agreed = is_odd(t, syn) ? TG_SYN_ODD : (both & TG_SYN_TS) ? both : 0;
	if (!(both & TG_SYN_TS))
		return (uint16_t)index;
	options = (both & TG_SYN_WS) ? syn->wscale & OPTION_SCALE : TG_COOKIE_NO_SCALE;
	options |=
	    ((both & TG_SYN_ECN) ? OPTION_ECN : 0) | ((both & TG_SYN_SACK) ? OPTION_SACK : 0);
	return word_of(index, true, options, (both & TG_SYN_WS) ? t->rcv_scale : 0);
}

/* Number i offers to the same listener what the one before did. */
static inline bool is_as_before(const struct tg_syn_batch *b, uint32_t i)
{
	const struct tg_syn *was = &b->syn[i - 1], *is = &b->syn[i];

	return b->terms[i - 1] == b->terms[i] && was->mss == is->mss && was->has == is->has &&
	       was->wscale == is->wscale;
}

void tg_syn_batch_mint(struct tg_syn_batch *b, const struct tg_syn_terms *const terms[],
		       const struct tg_cookie_keys *keys, const struct tg_sip_lanes *lanes)
{
	const uint64_t *m[TG_SIP_WORDS_MAX];
	uint32_t words = tg_syn_batch_words(b, m);
	uint8_t any = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (i && is_as_before(b, i)) {
			b->word[i] = b->word[i - 1];
			b->agreed[i] = b->agreed[i - 1];
		} else {
			b->word[i] = agree(terms[b->terms[i]], &b->syn[i], &b->agreed[i]);
		}
		b->mac[i] = mac_end(b->word[i], !b->v6);
		any |= b->agreed[i];
	}
	m[words] = b->ports;
	m[words + 1] = b->mac;
	lanes->hash24(tg_cookie_mac_key(keys, 0, keys->epoch), m, words + 2, b->mac, b->n);
	m[words] = b->end;
	if (any & TG_SYN_TS)
		lanes->hash24(&keys->secret[0].ts, m, words + 1, b->ts, b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t word = b->word[i];
		b->isn[i] = isn_of(b->mac[i], keys->epoch, word & (TG_COOKIE_MSS_N - 1));
		b->tsval[i] = tsval_of(b->mac[i], b->ts[i], keys->epoch,
				       word >> WORD_OPTION_SHIFT & OPTION_MASK);
	}
}

/* --- and of one shape --- */

uint16_t tg_syn_terms_agree(const struct tg_syn_terms *t, const struct tg_syn *syn, uint8_t *agreed)
{
	return agree(t, syn, agreed);
}

uint64_t tg_syn_promise_end(uint16_t word)
{
	return mac_end(word, true);
}

void tg_syn_batch_mac(struct tg_syn_batch *b, const uint64_t last[], bool ts,
		      const struct tg_cookie_keys *keys, const struct tg_sip_lanes *lanes)
{
	const uint64_t *mac[] = {b->addr[0], b->ports, last}, *hidden[] = {b->addr[0], b->end};

	lanes->hash24(tg_cookie_mac_key(keys, 0, keys->epoch), mac, 3, b->mac, b->n);
	if (ts)
		lanes->hash24(&keys->secret[0].ts, hidden, 2, b->ts, b->n);
}

void tg_synack_promise(struct tg_synack_rows *r, const struct tg_cookie_keys *keys, uint16_t word)
{
	r->isn_low = (uint32_t)(keys->epoch & 1) << 2 | (word & (TG_COOKIE_MSS_N - 1));
	r->epoch = (uint32_t)keys->epoch + 1;
	r->options = word >> WORD_OPTION_SHIFT & OPTION_MASK;
}
