/* SPDX-License-Identifier: BSD-3-Clause */
/* cookies.c: the cookies of one engine: whose secrets and whose clock they go by (SC-12, SC-13),
 * which listener tries them (SC-08, SC-09), what it has promised (SC-07), when guessing makes it
 * strict (SC-23), and their hashes for a whole burst. */
#include "engine.h"
#include "used.h"

enum {
	GUESS_LOOK_MS = 100,   /* how often failures are counted */
	GUESS_HOLD_MS = 10000, /* how long strictness lasts after the last time they were many */
};

/* --- secrets and time --- */

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
	e->lanes = tg_sip_lanes_at(0);
	e->syn.run.lane = tg_syn_lane_at(0);
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

/* --- promises --- */

/* Whether a cookie that was sent then may come back. */
static bool is_out(const struct tg_engine *e, uint64_t sent_ms)
{
	return sent_ms && e->env.now_ms - sent_ms <= tg_cookie_valid_ms(&e->cookie);
}

/* SC-09: no cookie is looked at in peace. SC-08: but as long as one that was sent may come back;
 * and in a fleet others send them. */
static bool validates(const struct tg_engine *e, const struct tg_listener *l)
{
	if (!tg_listen_has_cookies(l))
		return false;
	return l->conf.syn_cookies == TG_COOKIES_ALWAYS || e->conf.fleet || l->armed ||
	       is_out(e, l->cookie_ms);
}

void tg_cookies_meet(const struct tg_engine *e, const struct tg_listener *l, struct tg_listen *li)
{
	*li = (struct tg_listen){.conf = &e->class[l->class_idx].conf};
	if (!validates(e, l))
		return;
	li->validate = true;
	li->fleet = e->conf.fleet;
	li->want_ts = e->env.now_ms < e->guess.until_ms;
	if (!is_out(e, l->promised_ms))
		return;
	li->promised = l->promised;
	li->before = l->before;
}

uint32_t tg_cookies_scales(const struct tg_engine *e, bool ever)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < TG_LISTENER_MAX; i++) {
		const struct tg_listener *l = &e->listener[i];
		uint32_t scales = 1u << l->conf.tcp.window_scale, n;

		if (!l->used || !(ever ? tg_listen_has_cookies(l) : validates(e, l)))
			continue;
		if (l->conf.has_pool)
			scales = TG_COOKIE_SCALES;
		else if (is_out(e, l->promised_ms))
			scales |= l->before.scales;
		n = (uint32_t)__builtin_popcount(scales & TG_COOKIE_SCALES);
		most = n > most ? n : most;
	}
	return most;
}

bool tg_cookies_is_used(const struct tg_engine *e, const struct tg_rx *rx)
{
	return tg_used_has(e->used, rx->hash, tg_seq_sub(rx->seg.ack, 1), e->env.now_ms,
			   tg_cookie_valid_ms(&e->cookie));
}

void tg_cookies_opened(struct tg_engine *e, uint32_t x)
{
	const struct tg_tcb *tcb = &e->ext[x].tcb;
	int16_t l = e->class[e->conn[tcb->conn].conf].listener;

	if (!tcb->active && l != TG_NO_LISTENER && validates(e, &e->listener[l]))
		tg_used_add(e->used, tg_conn_hash_known(e, tcb->conn), tcb->snd.iss, e->env.now_ms);
}

void tg_cookies_spliced(struct tg_engine *e, const struct tg_rx *rx, enum tg_ctr why)
{
	if (why == TG_CTR_NONE)
		tg_used_add(e->used, rx->hash, tg_seq_sub(rx->seg.ack, 1), e->env.now_ms);
}

void tg_cookies_sent(struct tg_engine *e, struct tg_listener *l, uint16_t wnd)
{
	l->cookie_ms = e->env.now_ms;
	l->cookie_wnd = wnd;
}

/* SC-07: nothing else remembers what the SYN-ACKs with cookies told. In a fleet others may have
 * told as much. */
void tg_cookies_reconf(const struct tg_engine *e, struct tg_listener *l)
{
	const struct tg_tcp_conf *old = &l->conf.tcp;
	bool stale = !is_out(e, l->promised_ms);
	uint16_t before = stale ? 0 : l->promised;

	if (e->conf.fleet) {
		l->cookie_ms = e->env.now_ms;
		l->cookie_wnd = (uint16_t)(old->rcvbuf < UINT16_MAX ? old->rcvbuf : UINT16_MAX);
	}
	if (!is_out(e, l->cookie_ms))
		return;
	if (stale)
		l->before = (struct tg_cookie_offer){0};
	l->before.scales |= (uint16_t)(1u << old->window_scale);
	l->before.ts |= old->timestamps;
	l->before.sack |= old->sack;
	l->before.ecn |= old->ecn;
	l->promised = l->cookie_wnd > before ? l->cookie_wnd : before;
	l->promised_ms = l->cookie_ms;
}

/* --- guesses --- */

static uint64_t failed(const struct tg_engine *e)
{
	const uint64_t *v = e->ctr.v;

	return v[TG_CTR_cookie_bad_mac] + v[TG_CTR_cookie_expired] + v[TG_CTR_cookie_ts_bad];
}

/* SC-23: above the mark a guess without timestamps, of which one in 2^29 is right, does not count
 * any more; one with them has to name 2^26 times as much. */
void tg_cookies_look(struct tg_engine *e)
{
	uint64_t now_ms = e->env.now_ms, n = failed(e) - e->guess.failed;
	uint64_t past_ms = now_ms - e->guess.from_ms;

	e->guess.failed += n;
	e->guess.from_ms = now_ms;
	if (e->conf.cookie_guess_max == 0 || n * 1000 <= e->conf.cookie_guess_max * past_ms)
		return;
	if (e->guess.until_ms <= now_ms)
		tg_ctr_inc(&e->ctr, TG_CTR_cookie_strict);
	e->guess.until_ms = now_ms + GUESS_HOLD_MS;
}

void tg_cookies_burst(struct tg_engine *e)
{
	if (e->env.now_ms - e->guess.from_ms >= GUESS_LOOK_MS)
		tg_cookies_look(e);
}
