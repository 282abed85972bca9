/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie_time.c: cookies whose MAC is wrong in one bit, each checked under callgrind: whichever bit
 * it is, the check must not take another way (cookie_time.sh counts). */
#include "tg_cookie.h"
#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

enum { MAC_LOW = 3, TSMAC_LOW = 6, TSMAC_END = 17 };

/* What an ACK brings: no timestamps; some; and those to a listener before a pool, where each scale
 * may have been told (SP-04). */
enum kind { PLAIN, TS, POOL, KIND_N };
static const char *const kind_name[] = {"plain", "ts", "pool"};

struct handshake {
	struct tg_cookie_keys keys;
	struct tg_tuple tuple;
	struct tg_cookie_claim claim;
	struct tg_cookie_offer offer;
	enum kind kind;
};

static void begin(struct handshake *s, bool v6, enum kind kind)
{
	const bool ts = kind != PLAIN;
	static const uint8_t secret[TG_COOKIE_SECRET_LEN] = "thirty-two bytes, and no secret";
	struct tg_cookie_deal d = {
	    .mss = 1460, .ts = ts, .sack = ts, .ws = ts, .snd_scale = ts ? 7 : 0};

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->offer = (struct tg_cookie_offer){.scales = kind == POOL ? TG_COOKIE_SCALES : 1 << 7,
					    .ts = true,
					    .sack = true,
					    .ecn = true};
	d.rcv_scale = ts ? 7 : 0;
	tg_cookie_keys_init(&s->keys, secret, 0, 1000000);
	tg_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &s->tuple.laddr);
	tg_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &s->tuple.raddr);
	s->tuple.lport = 80;
	s->tuple.rport = 40000;
	struct tg_cookie c = tg_cookie_mint(&s->keys, &s->tuple, tg_seq_make(1), &d);

	s->claim = (struct tg_cookie_claim){c.isn, tg_seq_make(1), ts, c.tsval};
}

/* One check, counted under that name; false when the cookie was taken. */
static bool count(const struct handshake *s, const struct tg_cookie_claim *claim, const char *what,
		  int bit)
{
	struct tg_cookie_deal d;
	char name[60];
	bool skewed;

	snprintf(name, sizeof(name), "%s-%s-%s-%02d", tg_addr_is_v4(&s->tuple.raddr) ? "v4" : "v6",
		 kind_name[s->kind], what, bit);
	CALLGRIND_ZERO_STATS;
	enum tg_cookie_verdict v =
	    tg_cookie_check(&s->keys, &s->tuple, claim, &s->offer, &d, &skewed);
	CALLGRIND_DUMP_STATS_AT(name);
	return v == TG_COOKIE_BAD_MAC;
}

/* The low bits hide under the lowest of the MAC, so they change with it and say the same. */
static uint32_t mac_bit(int bit)
{
	uint32_t mask = UINT32_C(1) << bit;

	return bit < 2 * MAC_LOW ? mask | mask >> MAC_LOW : mask;
}

int main(void)
{
	int wrong = 0;

	for (int i = 0; i < 2 * KIND_N; i++) {
		struct handshake s;
		begin(&s, i & 1, (enum kind)(i / 2));
		for (int bit = MAC_LOW; bit < 32; bit++) {
			struct tg_cookie_claim claim = s.claim;
			claim.isn.v ^= mac_bit(bit);
			wrong += !count(&s, &claim, "isn", bit);
		}
		for (int bit = TSMAC_LOW; s.claim.ts && bit < TSMAC_END; bit++) {
			struct tg_cookie_claim claim = s.claim;
			claim.tsecr ^= UINT32_C(1) << bit;
			wrong += !count(&s, &claim, "tsval", bit);
		}
	}
	if (wrong)
		printf("FAIL %d checks did not find a wrong MAC\n", wrong);
	return wrong != 0;
}
