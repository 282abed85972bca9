/* SPDX-License-Identifier: BSD-3-Clause */
/* cookies.c: whose secrets and whose clock the cookies of this engine go by (SC-12, SC-13). */
#include "engine.h"

static void put_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void tg_cookies_init(struct tg_engine *e)
{
	uint8_t secret[TG_COOKIE_SECRET_LEN];

	for (int i = 0; i < TG_COOKIE_SECRET_LEN; i += 8)
		put_le64(secret + i, tg_rng_next(&e->rng));
	tg_cookie_keys_init(&e->cookie, secret, e->conf.fleet ? e->conf.fleet_skew_ms : 0,
			    e->env.now_ms);
}

void tg_engine_set_wall(struct tg_engine *e, uint64_t wall_ms, uint64_t now_ns)
{
	if (!e->conf.fleet)
		return;
	e->wall_lead_ms = wall_ms - (now_ns + TG_NS_PER_MS - 1) / TG_NS_PER_MS;
	tg_cookies_clock(e);
}

int tg_engine_set_secrets(struct tg_engine *e, const uint8_t secret[][TG_COOKIE_SECRET_LEN],
			  uint32_t n)
{
	if (n < 1 || n > TG_COOKIE_SECRET_MAX)
		return -EINVAL;
	tg_cookie_keys_set(&e->cookie, secret, n);
	return 0;
}
