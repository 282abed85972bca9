/* SPDX-License-Identifier: BSD-3-Clause */
/* Three nodes with one secret, each an engine with a seed and a clock of its own (SC-12, SC-13):
 * any finishes any other's handshake, while secrets change, while clocks differ, after a restart.
 */
#include "engine_host.h"
#include "tg_rng.h"

#include <errno.h>

enum { NODES = 3, HIGH = 4, SKEW_MS = 500, EPOCH_MS = TG_COOKIE_EPOCH_MS };

/* The begin of an epoch, some day. */
static const uint64_t day_ms = 13697671ull * EPOCH_MS;

static const uint8_t secret_a[TG_COOKIE_SECRET_LEN] = {1, 2, 3, [31] = 4};
static const uint8_t secret_b[TG_COOKIE_SECRET_LEN] = {5, 6, 7, [31] = 8};

/* Stages of a rotation (config/fleet/README.md). */
enum stage { ONLY_OLD, OLD_AND_NEW, NEW_AND_OLD, ONLY_NEW, STAGES };
enum mode { UNARMED, ARMED, ALWAYS, MODES };

static struct host node[NODES];
static uint64_t wall_ms;
static int64_t lead_ms[NODES]; /* of a node's wall clock over wall_ms */
static uint16_t next_port;

/* --- the fleet --- */

static void set_stage(uint32_t i, enum stage stage)
{
	uint8_t s[2][TG_COOKIE_SECRET_LEN];
	bool old_first = stage == ONLY_OLD || stage == OLD_AND_NEW;

	memcpy(s[0], old_first ? secret_a : secret_b, sizeof(s[0]));
	memcpy(s[1], old_first ? secret_b : secret_a, sizeof(s[1]));
	CU_ASSERT_EQUAL(tg_engine_set_secrets(node[i].e, (const uint8_t(*)[sizeof(s[0])])s,
					      stage == ONLY_OLD || stage == ONLY_NEW ? 1 : 2),
			0);
}

static void tell_wall(uint32_t i)
{
	tg_engine_set_wall(node[i].e, wall_ms + (uint64_t)lead_ms[i], node[i].now_ns);
}

static void listen_at(struct host *h, uint16_t port, uint8_t cookies)
{
	struct tg_listener_conf l;

	host_listener(h, &l, port);
	l.syn_cookies = cookies;
	l.synq_high = HIGH;
	l.synq_low = HIGH / 2;
	CU_ASSERT_FATAL(tg_engine_listen(h->e, &l) >= 0);
}

/* No two nodes have a seed or an engine's clock in common. */
static void start_node(uint32_t i, bool fleet, uint32_t skew_ms)
{
	struct host *h = &node[i];

	host_defaults(h);
	h->conf.seed += 1000 + i;
	h->conf.fleet = fleet;
	h->conf.fleet_skew_ms = skew_ms;
	h->now_ns = (77 + 1234567ull * i) * TG_NS_PER_MS + i;
	host_init(h);
	listen_at(h, 80, TG_COOKIES_AUTO);
	listen_at(h, 81, TG_COOKIES_ALWAYS);
	tell_wall(i);
	set_stage(i, ONLY_OLD);
}

static void begin_with(bool fleet, uint32_t skew_ms)
{
	wall_ms = day_ms + 5000;
	memset(lead_ms, 0, sizeof(lead_ms));
	next_port = 5000;
	for (uint32_t i = 0; i < NODES; i++)
		start_node(i, fleet, skew_ms);
}

static void begin(void)
{
	begin_with(true, SKEW_MS);
}

static void end_node(uint32_t i)
{
	struct tg_engine_stats s;

	tg_engine_abort_all(node[i].e);
	host_tick(&node[i], 0);
	tg_engine_stats(node[i].e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.timer_count, 0);
	host_fini(&node[i]);
}

static void end(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		end_node(i);
}

static void pass(uint64_t ms)
{
	wall_ms += ms;
	for (uint32_t i = 0; i < NODES; i++) {
		host_tick(&node[i], ms);
		node[i].tx_n = 0;
		tell_wall(i);
	}
}

/* --- handshakes --- */

struct kind {
	enum mode mode;
	bool v6, stamps;
};

/* The SYN at node x; p is its peer then, with the SYN-ACK in it. */
static void syn_to(struct host_peer *p, uint32_t x, struct kind k)
{
	struct host_frame f;
	struct tg_seg seg;

	host_peer(p, &node[x], k.mode == ALWAYS ? 81 : 80, next_port++, k.v6);
	p->opts.has_mss = 1;
	p->opts.mss = 1400;
	p->opts.has_ts = k.stamps;
	p->opts.tsval = 1;
	p->opts.has_wscale = p->opts.has_sack_perm = 1;
	p->opts.wscale = 9;
	host_send(p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT_FATAL(host_expect(p, &seg, &f));
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_SYN | TG_TCP_ACK);
	p->opts = (struct tg_tcp_opts){.has_ts = seg.opts.has_ts, .tsval = 2};
	p->opts.tsecr = seg.opts.tsval;
}

/* The handshake's ACK, with text, at node y; its state there. */
static enum tg_tcp_state ack_to(struct host_peer *p, uint32_t y)
{
	p->h = &node[y];
	node[y].tx_n = 0;
	host_send(p, TG_TCP_ACK, "text", 4);
	return host_state(p);
}

/* Ends what a handshake left, so that pools do not fill. */
static void forget(struct host_peer *p, uint32_t x, uint32_t y)
{
	const uint32_t at[2] = {x, y};

	for (int i = 0; i < 2; i++) {
		p->h = &node[at[i]];
		p->opts.has_ts = 0;
		host_raw(p, TG_TCP_RST, tg_seq_sub(p->snd_nxt, i ? 0 : 4), tg_seq_make(0), NULL, 0);
		node[at[i]].tx_n = 0;
	}
}

static bool crosses(uint32_t x, uint32_t y, struct kind k)
{
	struct host_peer p;
	uint32_t got = node[y].svc.got_len;

	syn_to(&p, x, k);
	bool good = ack_to(&p, y) == TG_ESTABLISHED && node[y].svc.got_len == got + 4;
	forget(&p, x, y);
	return good;
}

/* Half-open entries until a SYN gets a cookie, from a prefix of nobody else. */
static void arm(uint32_t i)
{
	struct tg_engine_stats s;
	struct host_peer p;

	for (uint32_t n = 0; n <= HIGH; n++)
		syn_to(&p, i, (struct kind){UNARMED, false, true});
	tg_engine_stats(node[i].e, &s);
	CU_ASSERT_EQUAL(s.armed_n, 1);
}

/* All pairs, families, timestamps; the number of those that did not end well. */
static uint32_t all_pairs(enum mode mode)
{
	uint32_t bad = 0;

	for (uint32_t x = 0; x < NODES; x++)
		for (uint32_t y = 0; y < NODES; y++)
			for (uint32_t i = 0; i < 4; i++)
				bad += !crosses(x, y, (struct kind){mode, i & 1, i >> 1});
	return bad;
}

/* --- tests --- */

/* SC-13: the SYN to one node, the ACK to another, in each mode. */
static void test_pairs_eachMode_established(void)
{
	for (enum mode mode = UNARMED; mode < MODES; mode++) {
		begin();
		for (uint32_t i = 0; mode == ARMED && i < NODES; i++)
			arm(i);
		CU_ASSERT_EQUAL(all_pairs(mode), 0);
		for (uint32_t i = 0; i < NODES; i++) {
			CU_ASSERT_EQUAL(host_ctr(&node[i], TG_CTR_cookie_bad_mac), 0);
			CU_ASSERT(host_ctr(&node[i], TG_CTR_cookie_ok) >= 8);
			CU_ASSERT_EQUAL(host_ctr(&node[i], TG_CTR_cookie_skew), 0);
			CU_ASSERT_EQUAL(node[i].svc.opened, node[i].svc.closed);
		}
		end();
	}
}

/* What the one promised in its SYN-ACK, the other keeps: SC-03 across nodes. */
static void test_pairs_options_kept(void)
{
	struct host_peer p;

	for (enum mode mode = UNARMED; mode <= ALWAYS; mode += ALWAYS) {
		begin();
		syn_to(&p, 0, (struct kind){mode, false, true});
		CU_ASSERT_EQUAL(ack_to(&p, 1), TG_ESTABLISHED);
		const struct tg_tcb *tcb = tg_engine_tcb(node[1].e, node[1].svc.last);
		CU_ASSERT_PTR_NOT_NULL_FATAL(tcb);
		CU_ASSERT(tcb->ts_on && tcb->sack_on && tcb->ws_on);
		CU_ASSERT_EQUAL(tcb->snd_scale, 9);
		CU_ASSERT(tcb->snd.mss <= 1400);
		end();
	}
}

/* Without a fleet nothing is shared, whatever is told: an unarmed listener tries no cookie (SC-09),
 * and one that does has a clock of its own. */
static void test_noFleet_pairs_refused(void)
{
	begin_with(false, 0);
	CU_ASSERT_EQUAL(all_pairs(UNARMED), NODES * (NODES - 1) * 4);
	CU_ASSERT_EQUAL(host_ctr(&node[0], TG_CTR_cookie_ok), 0);
	CU_ASSERT_EQUAL(all_pairs(ALWAYS), NODES * (NODES - 1) * 4);
	end();
}

static void test_otherSecret_pairs_refused(void)
{
	begin();
	set_stage(2, ONLY_NEW);
	CU_ASSERT_EQUAL(all_pairs(ALWAYS), 4 * 4);
	CU_ASSERT(host_ctr(&node[2], TG_CTR_cookie_bad_mac) +
		      host_ctr(&node[2], TG_CTR_cookie_ts_bad) +
		      host_ctr(&node[2], TG_CTR_cookie_fail_data) >=
		  8);
	end();
}

/* A node that is started again knows no half-open entry, and needs none. */
static void test_restart_ackOfBefore_established(void)
{
	struct host_peer p[MODES * 4];
	uint32_t n = 0;

	begin();
	for (enum mode mode = UNARMED; mode < MODES; mode += 2)
		for (uint32_t i = 0; i < 4; i++)
			syn_to(&p[n++], 1, (struct kind){mode, i & 1, i >> 1});
	end_node(1);
	start_node(1, true, SKEW_MS);
	node[1].now_ns += 5 * TG_NS_PER_MS;
	for (uint32_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(ack_to(&p[i], 1), TG_ESTABLISHED);
		forget(&p[i], 1, 1);
	}
	CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_ok), n);
	end();
}

/* --- rotation (SC-12) --- */

/* SC-12: node by node from stage to stage: at each moment all pairs are good, for SYNs before the
 * step and ACKs after it too. */
static void test_rotation_nodeByNode_nothingLost(void)
{
	static const struct kind kinds[] = {{UNARMED, false, true},
					    {UNARMED, true, false},
					    {ALWAYS, false, false},
					    {ALWAYS, true, true}};

	begin();
	for (enum stage stage = OLD_AND_NEW; stage < STAGES; stage++) {
		if (stage == ONLY_NEW)
			pass(2 * EPOCH_MS + SKEW_MS); /* what the old one minted is over */
		for (uint32_t i = 0; i < NODES; i++) {
			struct host_peer p[NODES][4];
			for (uint32_t x = 0; x < NODES; x++)
				for (uint32_t k = 0; k < 4; k++)
					syn_to(&p[x][k], x, kinds[k]);
			set_stage(i, stage);
			for (uint32_t x = 0; x < NODES; x++)
				for (uint32_t k = 0; k < 4; k++) {
					CU_ASSERT_EQUAL(ack_to(&p[x][k], (x + k) % NODES),
							TG_ESTABLISHED);
					forget(&p[x][k], x, (x + k) % NODES);
				}
			CU_ASSERT_EQUAL(all_pairs(ALWAYS), 0);
			CU_ASSERT_EQUAL(all_pairs(UNARMED), 0);
		}
	}
	for (uint32_t i = 0; i < NODES; i++)
		CU_ASSERT_EQUAL(host_ctr(&node[i], TG_CTR_cookie_bad_mac), 0);
	end();
}

/* SC-12: which stages may meet: neighbours in the order of the recipe, and no others. */
static void test_rotation_stagesApart_refusedWhenMintIsUnknown(void)
{
	static const bool good[STAGES][STAGES] = {
	    /* ACK at: ONLY_OLD, OLD_AND_NEW, NEW_AND_OLD, ONLY_NEW; mints: */
	    [ONLY_OLD] = {true, true, true, false},
	    [OLD_AND_NEW] = {true, true, true, false},
	    [NEW_AND_OLD] = {false, true, true, true},
	    [ONLY_NEW] = {false, true, true, true},
	};

	begin();
	for (enum stage mints = ONLY_OLD; mints < STAGES; mints++) {
		for (enum stage checks = ONLY_OLD; checks < STAGES; checks++) {
			set_stage(0, mints);
			set_stage(1, checks);
			for (uint32_t i = 0; i < 4; i++) {
				const struct kind k = {ALWAYS, i & 1, i >> 1};
				CU_ASSERT_EQUAL(crosses(0, 1, k), good[mints][checks]);
			}
		}
	}
	end();
}

/* Epochs turn while two secrets are there: both turn. */
static void test_rotation_epochTurns_bothSecretsFollow(void)
{
	begin();
	for (uint32_t y = 1; y < NODES; y++)
		set_stage(y, OLD_AND_NEW); /* and nobody tells them anything more */
	for (uint32_t i = 0; i < 4; i++) {
		set_stage(0, i & 1 ? OLD_AND_NEW : NEW_AND_OLD);
		for (uint32_t k = 0; k < 4; k++) {
			CU_ASSERT(crosses(0, 1 + (k & 1), (struct kind){ALWAYS, k & 1, k >> 1}));
			pass(EPOCH_MS);
		}
	}
	end();
}

/* --- all at once --- */

enum { IN_FLIGHT = 40, AGE_MAX_MS = 120000, ROTATE_MS = 200000, ROTATIONS = 25 };

struct flight {
	struct host_peer p;
	uint32_t x; /* who minted */
	uint64_t syn_ms;
};

/* Where the recipe is at that time: to add at 0 s, to swap at 20 s, to drop at 160 s, when what the
 * old secret minted is over; the next time it goes the other way. A node is up to 10 s late. */
static enum stage recipe(uint64_t ms)
{
	static const enum stage there[] = {ONLY_OLD, OLD_AND_NEW, NEW_AND_OLD, ONLY_NEW},
				back[] = {ONLY_NEW, NEW_AND_OLD, OLD_AND_NEW, ONLY_OLD};
	uint64_t at = ms % ROTATE_MS;
	uint32_t step = at < 10000 ? 0 : at < 30000 ? 1 : at < 170000 ? 2 : 3;

	return ms / ROTATE_MS % 2 ? back[step] : there[step];
}

/* Some seconds on; where an epoch's end is near, closely before or after it. */
static uint64_t next_step(struct tg_rng *rng)
{
	uint64_t left = EPOCH_MS - wall_ms % EPOCH_MS, step = 1000 + tg_rng_below(rng, 4000);

	if (left > 6000 || tg_rng_below(rng, 3) == 0)
		return step;
	return left > 300 ? left - 300 + tg_rng_below(rng, 600) : tg_rng_below(rng, 300);
}

/* SC-12, SC-13: clocks differ by all that they may, the secret is changed every 200 s, node after
 * node, epochs turn, and ACKs come up to 120 s after their SYNs, at whatever node. */
static void test_rotation_skewAndEpochs_noneRefused(void)
{
	static struct flight flight[IN_FLIGHT];
	enum stage stage[NODES] = {ONLY_OLD, ONLY_OLD, ONLY_OLD};
	struct tg_rng rng;
	uint32_t refused = 0, tried = 0, skewed = 0;

	tg_rng_init(&rng, tg_test_seed);
	memset(flight, 0, sizeof(flight));
	begin();
	lead_ms[0] = SKEW_MS / 2;
	lead_ms[1] = -SKEW_MS / 2;
	uint64_t from_ms = wall_ms;

	while (wall_ms - from_ms < (uint64_t)ROTATIONS * ROTATE_MS) {
		pass(next_step(&rng));
		for (uint32_t i = 0; i < NODES; i++) {
			uint64_t at = wall_ms - from_ms, late = 5000 * i;
			enum stage now = recipe(at > late ? at - late : 0);
			if (now != stage[i]) /* nobody tells it twice */
				set_stage(i, now);
			stage[i] = now;
		}
		/* At once, from the clock that is ahead to the one that is behind. */
		refused += !crosses(0, 1, (struct kind){ALWAYS, wall_ms & 1, wall_ms >> 1 & 1});
		for (uint32_t n = 0; n < 4; n++) {
			struct flight *f = &flight[tg_rng_below(&rng, IN_FLIGHT)];
			uint32_t r = tg_rng_below(&rng, 8), y = tg_rng_below(&rng, NODES);
			if (f->syn_ms && wall_ms - f->syn_ms <= AGE_MAX_MS) {
				refused += ack_to(&f->p, y) != TG_ESTABLISHED;
				tried++;
				forget(&f->p, f->x, y);
			}
			f->x = tg_rng_below(&rng, NODES);
			f->syn_ms = wall_ms;
			syn_to(&f->p, f->x, (struct kind){r & 4 ? ALWAYS : UNARMED, r & 1, r & 2});
		}
	}
	for (uint32_t i = 0; i < NODES; i++)
		skewed += (uint32_t)host_ctr(&node[i], TG_CTR_cookie_skew);
	CU_ASSERT_EQUAL(refused, 0);
	CU_ASSERT(tried > 1000);
	CU_ASSERT(skewed > 0); /* it came to that */
	end();
}

static void test_setSecrets_wrongNumber_refused(void)
{
	uint8_t s[3][TG_COOKIE_SECRET_LEN] = {{1}, {2}, {3}};

	begin();
	CU_ASSERT_EQUAL(tg_engine_set_secrets(node[0].e, (const uint8_t(*)[sizeof(s[0])])s, 0),
			-EINVAL);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(node[0].e, (const uint8_t(*)[sizeof(s[0])])s, 3),
			-EINVAL);
	CU_ASSERT_EQUAL(all_pairs(ALWAYS), 0); /* nothing has changed */
	end();
}

/* --- clocks (SC-13) --- */

/* SC-13: minted at x, tried at y at once, x's clock ahead by ahead_ms, both about the end of an
 * epoch: y at_ms before it. */
static bool at_the_end(int64_t ahead_ms, int64_t at_ms, struct kind k)
{
	wall_ms = day_ms + (uint64_t)EPOCH_MS * 9 - (uint64_t)at_ms;
	lead_ms[0] = ahead_ms;
	tell_wall(0);
	tell_wall(1);
	return crosses(0, 1, k);
}

static void test_skew_aheadByLess_establishedAndCounted(void)
{
	for (uint32_t i = 0; i < 4; i++) {
		const struct kind k = {ALWAYS, i & 1, i >> 1};
		begin();
		CU_ASSERT(at_the_end(SKEW_MS, 1, k));
		CU_ASSERT(at_the_end(SKEW_MS, SKEW_MS, k));
		CU_ASSERT(at_the_end(300, 200, k));
		CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_skew), 3);
		CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_ok), 3);
		CU_ASSERT(at_the_end(SKEW_MS, SKEW_MS + 50, k)); /* the same epoch: no skew shows */
		CU_ASSERT(at_the_end(-SKEW_MS, 0, k));           /* one before is good anyway */
		CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_skew), 3);
		end();
	}
}

static void test_skew_aheadByMore_refused(void)
{
	for (uint32_t i = 0; i < 4; i++) {
		const struct kind k = {ALWAYS, i & 1, i >> 1};
		begin();
		CU_ASSERT(!at_the_end(SKEW_MS + 51, SKEW_MS + 50, k));
		CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_skew), 0);
		end();
		begin_with(true, 0);
		CU_ASSERT(!at_the_end(2, 1, k)); /* none is allowed, none is taken */
		CU_ASSERT(at_the_end(2, 3, k));
		end();
	}
}

/* Minted by a clock that is behind, at the last moment of its epoch; the ACK comes almost an epoch
 * later, the least that a cookie is good for. Where no skew is allowed, that least is less. */
static void test_skew_behind_livesAsLong(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		const struct kind k = {ALWAYS, i & 1, i >> 1 & 1};
		const uint32_t allowed = i & 4 ? SKEW_MS : 0;
		struct host_peer p;
		begin_with(true, allowed);
		lead_ms[0] = -SKEW_MS;
		wall_ms = day_ms + EPOCH_MS - 1 + SKEW_MS;
		tell_wall(0);
		tell_wall(1);
		syn_to(&p, 0, k);
		pass(EPOCH_MS);
		bool good = ack_to(&p, 1) == TG_ESTABLISHED;
		CU_ASSERT_EQUAL(good, allowed != 0);
		CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_skew), allowed != 0);
		end();
	}
}

/* However clocks lie within the skew, whenever the SYN comes: an ACK within 131 s is good. */
static void test_skew_anyMoment_nothingLost(void)
{
	static const int64_t leads[] = {-SKEW_MS, -SKEW_MS / 2, 0, SKEW_MS / 2, SKEW_MS};
	static const uint64_t waits[] = {0, 1, 100, 3000, 60000, EPOCH_MS - 1000, EPOCH_MS};

	begin();
	for (uint32_t l = 0; l < 5; l++) {
		/* Two nodes differ by the skew at most: each by half of it from the time. */
		lead_ms[0] = leads[l] / 2;
		lead_ms[1] = -leads[l] / 2;
		for (uint32_t w = 0; w < 7; w++) {
			for (uint32_t step = 0; step < 40; step++) {
				struct host_peer p;
				pass(step < 20 ? EPOCH_MS / 20 - 13 : 27);
				syn_to(&p, 0, (struct kind){ALWAYS, step & 1, step >> 1 & 1});
				pass(waits[w]);
				CU_ASSERT_EQUAL(ack_to(&p, 1), TG_ESTABLISHED);
				forget(&p, 0, 1);
			}
		}
	}
	CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_ok), 5 * 7 * 40);
	end();
}

/* The clock jumps: what was minted before may be refused, what comes is good. */
static void test_wall_steps_newHandshakesGood(void)
{
	static const int64_t steps_ms[] = {3600000, -3600000, 10, -10, EPOCH_MS, -EPOCH_MS};
	struct host_peer p;

	begin();
	for (uint32_t i = 0; i < 6; i++) {
		wall_ms += (uint64_t)steps_ms[i];
		pass(0);
		CU_ASSERT_EQUAL(all_pairs(ALWAYS), 0);
		CU_ASSERT_EQUAL(all_pairs(UNARMED), 0);
	}
	syn_to(&p, 0, (struct kind){ALWAYS, false, false});
	wall_ms += 3600000;
	pass(0);
	CU_ASSERT_EQUAL(ack_to(&p, 1), TG_CLOSED);
	end();
}

/* Between two looks at the wall clock the engine's own goes on: epochs turn on time. */
static void test_wall_untold_goesOn(void)
{
	struct host_peer p;

	begin();
	syn_to(&p, 0, (struct kind){ALWAYS, false, false});
	for (uint32_t i = 0; i < NODES; i++) {
		host_tick(&node[i], 3 * EPOCH_MS); /* nobody tells */
		node[i].tx_n = 0;
	}
	CU_ASSERT_EQUAL(ack_to(&p, 1), TG_CLOSED);
	CU_ASSERT_EQUAL(all_pairs(ALWAYS), 0);
	struct tg_engine_stats s;
	tg_engine_stats(node[1].e, &s);
	CU_ASSERT_EQUAL(s.cookie_epoch, (day_ms + 5000) / EPOCH_MS + 3);
	end();
}

/* --- the odds --- */

static void odds_are(uint32_t i, uint32_t epochs, uint32_t secrets)
{
	struct tg_engine_stats s;

	tg_engine_stats(node[i].e, &s);
	CU_ASSERT_EQUAL(s.odds.epochs, epochs);
	CU_ASSERT_EQUAL(s.odds.secrets, secrets);
	/* Four indices of the MSS table each; with timestamps 64 words of options each of these. */
	CU_ASSERT_EQUAL(s.odds.plain.words << (32 - s.odds.plain.bits), 4ull * epochs * secrets);
	CU_ASSERT_EQUAL(s.odds.with_ts.bits, 64);
	CU_ASSERT_EQUAL(s.odds.with_ts.words, 256ull * epochs * secrets);
	CU_ASSERT_EQUAL(s.odds_worst.plain.words << (32 - s.odds_worst.plain.bits), 4ull * 3 * 2);
}

static void test_odds_secretsAndSkew_follow(void)
{
	begin();
	odds_are(0, 2, 1);
	set_stage(0, OLD_AND_NEW);
	odds_are(0, 2, 2);
	wall_ms = day_ms + EPOCH_MS * 4ull - 1;
	pass(0);
	odds_are(0, 3, 2);
	odds_are(1, 3, 1);
	wall_ms = day_ms + EPOCH_MS * 4ull + 1;
	pass(0);
	odds_are(1, 3, 1);
	wall_ms += SKEW_MS + 1;
	pass(0);
	odds_are(1, 2, 1);
	set_stage(0, ONLY_NEW);
	odds_are(0, 2, 1);
	end();
}

/* --- what a fleet does not do --- */

/* An open connection lives on one node. When the router sends it to another, that one resets what
 * carries no text, and leaves text unanswered, which might be a handshake's (SC-22). */
static void test_established_onAnotherNode_isUnknown(void)
{
	struct host_peer p;
	struct host_frame f;
	struct tg_seg seg;

	begin();
	syn_to(&p, 0, (struct kind){ALWAYS, false, true});
	CU_ASSERT_EQUAL(ack_to(&p, 0), TG_ESTABLISHED);
	host_send(&p, TG_TCP_ACK, "more", 4);
	CU_ASSERT_EQUAL(ack_to(&p, 1), TG_CLOSED);
	CU_ASSERT_EQUAL(node[1].tx_n, 0);
	CU_ASSERT_EQUAL(host_ctr(&node[1], TG_CTR_cookie_fail_data), 1);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f) && seg.ctl == TG_TCP_RST);
	end();
}

static const struct tg_test tests[] = {
    {"pairs_eachMode_established", test_pairs_eachMode_established},
    {"pairs_options_kept", test_pairs_options_kept},
    {"noFleet_pairs_refused", test_noFleet_pairs_refused},
    {"otherSecret_pairs_refused", test_otherSecret_pairs_refused},
    {"restart_ackOfBefore_established", test_restart_ackOfBefore_established},
    {"rotation_nodeByNode_nothingLost", test_rotation_nodeByNode_nothingLost},
    {"rotation_stagesApart_refusedWhenMintIsUnknown",
     test_rotation_stagesApart_refusedWhenMintIsUnknown},
    {"rotation_epochTurns_bothSecretsFollow", test_rotation_epochTurns_bothSecretsFollow},
    {"rotation_skewAndEpochs_noneRefused", test_rotation_skewAndEpochs_noneRefused},
    {"setSecrets_wrongNumber_refused", test_setSecrets_wrongNumber_refused},
    {"skew_aheadByLess_establishedAndCounted", test_skew_aheadByLess_establishedAndCounted},
    {"skew_aheadByMore_refused", test_skew_aheadByMore_refused},
    {"skew_behind_livesAsLong", test_skew_behind_livesAsLong},
    {"skew_anyMoment_nothingLost", test_skew_anyMoment_nothingLost},
    {"wall_steps_newHandshakesGood", test_wall_steps_newHandshakesGood},
    {"wall_untold_goesOn", test_wall_untold_goesOn},
    {"odds_secretsAndSkew_follow", test_odds_secretsAndSkew_follow},
    {"established_onAnotherNode_isUnknown", test_established_onAnotherNode_isUnknown},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_fleet", tests, TG_TEST_N(tests), argc, argv);
}
