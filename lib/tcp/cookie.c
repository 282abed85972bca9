/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie.c: SYN cookies.
 *
 *      31        24 23                               0
 *     +------------+----------------------------------+
 *     |   epoch    |  H1(tuple, epoch) + MSS index    |   + H0(tuple) + IRS
 *     +------------+----------------------------------+
 *
 * H0 hides the epoch; IRS in the sum makes the cookie follow the client's ISN (SC-11) and binds the
 * ACK to the first byte after the SYN (SC-18). Of the 2^32 numbers an ACK can name, 2 epochs x 4
 * indices are right: 2^-29 for a guess. The price of the index in the low bits: an ACK whose SEQ is
 * off by 1 to 3 decodes as another index. It costs a guesser nothing and gains him nothing. */
#include "control.h"
#include "tuple_words.h"

enum { MSS_N = 4, EPOCH_SHIFT = 24, EPOCH_EXPIRED_MAX = 16, EPOCH_LEN = 8 };
#define LOW_MASK ((1u << EPOCH_SHIFT) - 1)

/* SC-02: ascending; what is advertised is rounded down. */
static const uint16_t mss_table[2][MSS_N] = {
    {536, 1300, 1440, 1460},
    {1220, 1420, 1440, 8940},
};

static const uint16_t *table_of(const struct tg_tuple *tuple)
{
	return mss_table[tg_addr_is_v4(&tuple->raddr) ? 0 : 1];
}

static uint64_t epoch_of(const struct tg_tcp_env *env)
{
	return env->now_ms / TG_COOKIE_PERIOD_MS;
}

static uint32_t h0(const struct tg_tuple *tuple, const struct tg_tcp_env *env)
{
	const struct tg_sipkey *key = &env->secret->cookie[0];

	if (tuple_is_v4(tuple))
		return (uint32_t)tg_siphash24_2(key, tuple_v4_addrs(tuple), tuple_v4_end(tuple));
	uint8_t buf[TUPLE_V6_LEN];

	return (uint32_t)tg_siphash24(key, buf, tuple_put_v6(tuple, buf));
}

/* The epoch follows the tuple, in network order. */
static uint32_t h1(const struct tg_tuple *tuple, uint64_t epoch, const struct tg_tcp_env *env)
{
	const struct tg_sipkey *key = &env->secret->cookie[1];
	uint64_t be = __builtin_bswap64(epoch); /* its first byte is the lowest */

	if (tuple_is_v4(tuple))
		return (uint32_t)tg_siphash24_3(key, tuple_v4_addrs(tuple),
						tuple_v4_ports(tuple) | be << 32,
						be >> 32 | tg_sip_len(TUPLE_V4_LEN + EPOCH_LEN));
	uint8_t buf[TUPLE_V6_LEN + EPOCH_LEN];
	size_t len = tuple_put_v6(tuple, buf);

	tg_be32_put(buf + len, (uint32_t)(epoch >> 32));
	tg_be32_put(buf + len + 4, (uint32_t)epoch);
	return (uint32_t)tg_siphash24(key, buf, len + EPOCH_LEN);
}

/* The highest entry that is not above mss; the lowest when all are. */
static uint32_t mss_index(const struct tg_tuple *tuple, uint16_t mss)
{
	const uint16_t *table = table_of(tuple);
	uint32_t i = MSS_N - 1;

	while (i > 0 && table[i] > mss)
		i--;
	return i;
}

tg_seq tg_cookie_make(const struct tg_tuple *tuple, tg_seq irs, uint16_t mss,
		      const struct tg_tcp_env *env)
{
	uint64_t epoch = epoch_of(env);
	uint32_t low = (h1(tuple, epoch, env) + mss_index(tuple, mss)) & LOW_MASK;

	return tg_seq_make(h0(tuple, env) + irs.v + ((uint32_t)epoch << EPOCH_SHIFT) + low);
}

/* The epoch is known by its low byte alone: at most 16 back, or it is no cookie. */
enum tg_cookie_verdict tg_cookie_check(const struct tg_tuple *tuple, tg_seq isn, tg_seq irs,
				       uint16_t *mss, const struct tg_tcp_env *env)
{
	uint32_t sum = isn.v - irs.v - h0(tuple, env);
	uint64_t now = epoch_of(env);
	uint8_t age = (uint8_t)(now - (sum >> EPOCH_SHIFT));

	if (age > EPOCH_EXPIRED_MAX || age > now)
		return TG_COOKIE_BAD_MAC;
	uint32_t index = (sum - h1(tuple, now - age, env)) & LOW_MASK;

	if (index >= 2 * MSS_N)
		return TG_COOKIE_BAD_MAC;
	if (index >= MSS_N)
		return TG_COOKIE_BAD_MSS;
	if (age * TG_COOKIE_PERIOD_MS >= 2 * TG_COOKIE_PERIOD_MS)
		return TG_COOKIE_EXPIRED;
	*mss = table_of(tuple)[index];
	return TG_COOKIE_OK;
}
