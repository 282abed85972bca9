/* SPDX-License-Identifier: BSD-3-Clause */
/* Attackers who look at what they are answered themselves to learn of others, and peers who provoke
 * answers without end. */
#include "crowd.h"

#include <math.h>

enum { TRIALS = 1000, PROVOKED = 20, GUESSES = 20 };

/* --- CVE-2016-5696 --- */

enum stage { TUPLE, SEQUENCE, ACKNOWLEDGEMENT };

/* The attacker's guesses at the victim's connection, right or wrong, forged in the name of its
 * peer. */
static void guess(struct host *victim, enum stage stage, bool right, uint64_t *rng)
{
	uint32_t r = (uint32_t)crowd_random(rng);
	struct seg s = {.win = 1000, .seq = victim->rcv_nxt + 1 + r % 1000, .ack = victim->nxt};

	switch (stage) {
	case TUPLE: /* any SYN-ACK draws a challenge, if there is such a connection */
		s.flags = SYN | ACK;
		s.seq = r;
		s.sport = right ? 0 : 50000;
		break;
	case SEQUENCE: /* a RST draws one, if it stands in the window */
		s.flags = RST;
		s.seq = right ? s.seq : victim->rcv_nxt + 0x40000000 + r % 0x40000000;
		break;
	case ACKNOWLEDGEMENT: /* text draws one, if its ACK can be no ACK */
		s.flags = ACK | PSH;
		s.seq = victim->rcv_nxt - 1000;
		s.ack = right ? victim->nxt : victim->nxt + 0x40000000 + r % 0x40000000;
		break;
	}
	host_send(victim, &s);
}

/* What the attacker sees in one trial: when its own connection was challenged. */
static uint64_t one_trial(enum stage stage, bool right, uint64_t seed, uint32_t *seen)
{
	struct crowd c;
	uint64_t digest = 0, rng = seed, at_ns;
	size_t len;

	crowd_init(&c, 2, NULL);
	struct host *own = &c.of[0], *victim = &c.of[1];
	uint32_t guess_at = (uint32_t)(crowd_random(&rng) % PROVOKED);

	*seen = 0;
	for (uint32_t i = 0; i < PROVOKED; i++) {
		for (uint32_t k = 0; k < GUESSES && i >= guess_at; k++)
			guess(victim, stage, right, &rng);
		send_flags(own, RST, own->rcv_nxt + 1 + i, 0);
		while ((len = host_next_raw(own, &at_ns)) > 0) {
			const uint8_t *t = own->buf + host_l4(own);
			if ((t[2] << 8 | t[3]) != own->rport)
				continue; /* it goes to the victim's peer */
			(*seen)++;
			digest = (digest ^ at_ns ^ len ^ t[13]) * UINT64_C(0x9e3779b97f4a7c15);
		}
		crowd_pass_ns(&c, 100 * MS);
	}
	expect_state(victim, "RB-09", "ESTABLISHED");
	tg_lab_abort(victim->lab, victim->sock);
	host_fini(own);
	return digest;
}

static void no_signal(enum stage stage)
{
	for (uint32_t i = 0; i < TRIALS / 2; i++) { /* as many over the other family */
		uint32_t seen[2];
		uint64_t right = one_trial(stage, true, i, &seen[1]);
		uint64_t wrong = one_trial(stage, false, i, &seen[0]);

		expect_eq("ADV-84", seen[1], seen[0],
			  "challenges to the attacker, right and wrong");
		expect_true("ADV-84", right == wrong, "and the times at which they came");
		expect_eq("RB-08", seen[1], PROVOKED / 5, "its own limit alone");
	}
}

static void test_established_guessOfTuple_noSignal(void)
{
	no_signal(TUPLE);
}

static void test_established_guessOfSequence_noSignal(void)
{
	no_signal(SEQUENCE);
}

static void test_established_guessOfAck_noSignal(void)
{
	no_signal(ACKNOWLEDGEMENT);
}

/* --- what may be counted by all --- */

/* RB-12, RB-13, ADV-85: A exhausts what is limited for it; B sees what it would see without A. */
static void test_closed_limitsExhaustedByA_bIsAnswered(void)
{
	struct host h;
	struct seg s;

	host_init(&h, "rst_rate=200 syn_cookies=off backlog=16 synq_high=32 synq_low=16");
	host_listen(&h, NULL);
	const char *a = h.raddr, *b = h.v6 ? "2001:db8:b::7" : "198.51.100.7";

	for (uint32_t i = 0; i < 5000; i++) {
		s = (struct seg){
		    .flags = SYN, .seq = i, .dport = 4444, .sport = (uint16_t)(1024 + i)};
		host_send(&h, &s);
		if (i % 100 == 99)
			host_pass(&h, 1);
	}
	uint32_t rsts = host_drain(&h);
	expect_true("RB-12", rsts >= 100 && rsts <= 500, "A is answered within its budget");
	h.raddr = b;
	s = (struct seg){.flags = SYN, .seq = 5, .dport = 4444, .sport = 999};
	host_send(&h, &s);
	expect_true("ADV-85", host_next(&h, &s) && s.flags == (RST | ACK) && s.ack == 6,
		    "RST to B");
	h.raddr = a;
	for (uint32_t i = 0; i < 200; i++) {
		s = (struct seg){.flags = SYN, .seq = i, .sport = (uint16_t)(2000 + i), .win = 100};
		host_send(&h, &s);
		host_drain(&h);
	}
	h.raddr = h.v6 ? "2001:db8:b::7" : "198.51.100.7";
	for (uint32_t i = 0; i < 3; i++) { /* a port that is closed tells no more than before */
		s = (struct seg){.flags = ACK, .seq = 5, .ack = i, .dport = 4444, .sport = 999};
		host_send(&h, &s);
		expect_true("RB-13", host_next(&h, &s) && s.flags == RST && s.seq == i, "RST to B");
	}
	h.raddr = a;
	host_pass(&h, 100000);
	host_drain(&h);
	host_fini(&h);
}

/* EST-01: what nmap makes of six SYN-ACKs, 100 ms apart, to ports one after another: eight times
 * the binary logarithm of the standard deviation of the rates. 16 and more it calls "Good luck!",
 * its hardest class; a random 32-bit number gives 260 or so. */
static void test_listen_sixProbes_hardestClass(void)
{
	double least = 1e9;

	for (int seed = 1; seed <= 100; seed++) {
		struct host h;
		struct seg s;
		char options[20];
		uint32_t isn[6];
		double rate[5], mean = 0, square = 0;

		snprintf(options, sizeof(options), "seed=%d", seed);
		host_init(&h, options);
		host_listen(&h, NULL);
		for (int i = 0; i < 6; i++) {
			s = (struct seg){
			    .flags = SYN, .seq = 77, .win = 1, .sport = (uint16_t)(41000 + i)};
			host_send(&h, &s);
			expect_true("EST-01", host_next(&h, &s) && s.flags == (SYN | ACK),
				    "SYN-ACK");
			isn[i] = s.seq;
			host_pass(&h, 100);
		}
		for (int i = 0; i < 5; i++) {
			uint32_t up = isn[i + 1] - isn[i], down = isn[i] - isn[i + 1];
			rate[i] = (up < down ? up : down) / 0.1;
			mean += rate[i] / 5;
		}
		for (int i = 0; i < 5; i++)
			square += (rate[i] - mean) * (rate[i] - mean) / 4;
		double index = square > 1 ? 8 * log2(sqrt(square)) : 0;
		least = index < least ? index : least;
		host_pass(&h, 100000);
		host_drain(&h);
		host_fini(&h);
	}
	expect_true("EST-01", least >= 200, "of the hardest class for each seed");
	printf("sequence prediction: difficulty %.0f at least\n", least);
}

/* --- answers that draw answers --- */

/* RB-11: two hosts who believe in different connections; each gets what the other sends, over a
 * link of 1 ms, after one segment that started it. */
static uint32_t exchanged(struct host *x, struct host *y, uint32_t seconds)
{
	uint8_t d[2000];
	uint32_t n = 0;
	size_t len;

	for (uint32_t ms = 0; ms < seconds * 1000; ms++) {
		while ((len = tg_lab_output(x->lab, d, sizeof(d), NULL)) > 0) {
			tg_lab_input(y->lab, y->now, d, len);
			n++;
		}
		while ((len = tg_lab_output(y->lab, d, sizeof(d), NULL)) > 0) {
			tg_lab_input(x->lab, x->now, d, len);
			n++;
		}
		host_pass(x, 1);
		host_pass(y, 1);
	}
	return n;
}

static void other_host(struct host *h, const struct host *first, const char *options)
{
	char all[200];

	snprintf(all, sizeof(all), "addr=%s seed=9 %s", h->v6 ? "2001:db8::63" : "192.0.2.99",
		 options);
	host_init(h, all);
	h->laddr = first->raddr;
	h->raddr = first->laddr;
}

/* Each has a connection of the same four numbers with somebody else's sequence numbers. */
static void test_established_twoDesynchronised_twoAcksASecond(void)
{
	struct host x, y;

	host_init(&x, NULL);
	x.v6 = host_v6;
	y.v6 = host_v6;
	other_host(&y, &x, "");
	host_open(&x, NULL);
	y.lport = x.rport;
	y.rport = x.lport;
	y.irs = UINT32_C(0x77777777);
	host_open(&y, NULL);
	send_flags(&x, RST, x.rcv_nxt + 9, 0); /* somebody starts it */
	uint32_t n = exchanged(&x, &y, 20);
	expect_true("RB-11", n >= 2 && n <= 2 * 2 * 20 + 4, "two ACKs a second from each at most");
	tg_lab_abort(y.lab, y.sock);
	host_drain(&y);
	y.sock = -1;
	host_fini(&x);
	host_fini(&y);
}

/* ADV-70: a third forges a SYN in the name of each to the other; both have listeners. The SYN-ACKs
 * cross, and nothing comes of it. */
static void test_synReceived_crossedSynsForged_noConnection(void)
{
	struct host x, y;

	host_init(&x, "syn_cookies=off");
	x.v6 = y.v6 = host_v6;
	other_host(&y, &x, "syn_cookies=off");
	y.lport = x.rport;
	y.rport = x.lport;
	host_listen(&x, NULL);
	host_listen(&y, NULL);
	struct seg s = {.flags = SYN, .seq = 1000, .win = 5000};
	host_send(&x, &s);
	host_send(&y, &s);
	expect_state(&x, "ADV-70", "SYN-RECEIVED");
	uint32_t n = exchanged(&x, &y, 120);
	expect_true("ADV-70", n <= 2 * (6 + 2 * 64), "SYN-ACKs, and few challenges");
	expect_state(&x, "ADV-70", "CLOSED");
	expect_state(&y, "ADV-70", "CLOSED");
	expect_eq("ADV-70", tg_lab_accept(x.lab, x.listener), -EAGAIN, "accept");
	expect_eq("ADV-70", tg_lab_accept(y.lab, y.listener), -EAGAIN, "accept");
	expect_counter(&x, "ADV-70", "conn_opened", 0);
	host_fini(&x);
	host_fini(&y);
}

/* ADV-50: whoever knows SEQ and ACK can starve a connection with a timestamp of the future; whoever
 * does not know one of them changes nothing (RB-16). */
static void test_established_futureTimestamp_onlyWithBothNumbers(void)
{
	const uint32_t future = UINT32_C(0x7fffffff);

	for (int k = 0; k < 3; k++) {
		struct host h;
		struct seg syn = host_syn_full(), s = {.flags = ACK, .win = 5000};

		host_init(&h, NULL);
		host_open(&h, &syn);
		h.tsval = 1000;
		s.seq = h.rcv_nxt + (k == 1 ? 1u << 30 : 0);
		s.ack = h.nxt + (k == 2 ? 1u << 30 : 0);
		opt_ts(&s, h.tsval + future, h.ts_last);
		host_send(&h, &s);
		host_drain(&h);
		host_pass(&h, 1000);
		send_text(&h, ACK | PSH, h.rcv_nxt, h.nxt, 10); /* the true peer */
		int64_t bytes = -1;
		host_pass(&h, 50);
		host_drain(&h);
		tg_lab_getopt(h.lab, h.sock, TG_LAB_READABLE_BYTES, &bytes);
		expect_eq("ADV-50", bytes, k == 0 ? 0 : 10, "bytes of the true peer");
		expect_counter(&h, "RB-16", "paws_drop", k == 0 ? 1 : 0);
		expect_state(&h, "ADV-50", "ESTABLISHED");
		host_fini(&h);
	}
}

/* ADV-48, ADV-49: a window that closes and opens draws nothing from what is in flight. */
static void test_established_windowFlaps_nothingSentAgain(void)
{
	struct host h;
	struct seg syn = host_syn_full();
	static const uint8_t bytes[20000];

	syn.win = 65535;
	host_init(&h, NULL);
	host_open(&h, &syn);
	h.win = 65535;
	tg_lab_write(h.lab, h.sock, bytes, sizeof(bytes));
	expect_true("DT-19", host_drain(&h) >= 10, "a window of text");
	for (int i = 0; i < 200; i++) {
		h.win = i & 1 ? 65535 : 0;
		send_flags(&h, ACK, h.rcv_nxt, h.una);
	}
	expect_true("ADV-48", host_drain(&h) <= 2, "200 ACKs draw nothing");
	expect_true("ADV-48", host_counter(&h, "rexmit") <= 2, "nothing is sent again");
	host_pass(&h, 2000);
	expect_true("DT-06", host_counter(&h, "rexmit") > 0, "the timer still runs");
	host_drain(&h);
	host_fini(&h);
}

/* ADV-62: the peer repeats its FIN each second for ten minutes: each is answered, 2MSL begins anew
 * with each, and with nothing else. */
static void test_timeWait_finEachSecond_eachAnswered(void)
{
	struct host h;

	host_init(&h, NULL);
	host_reach(&h, ST_TIME_WAIT, 0);
	for (int i = 0; i < 600; i++) {
		host_pass(&h, 1000);
		send_flags(&h, FIN | ACK, h.rcv_nxt - 1, h.nxt);
		expect_ack(&h, "ADV-62");
	}
	for (int i = 0; i < 59; i++) {
		host_pass(&h, 1000);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		send_flags(&h, RST, h.rcv_nxt, 0);
		host_drain(&h);
		expect_state(&h, "ADV-62", "TIME-WAIT");
	}
	host_pass(&h, 1002);
	expect_state(&h, "TO-05", "CLOSED");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"established_guessOfTuple_noSignal", test_established_guessOfTuple_noSignal},
    {"established_guessOfSequence_noSignal", test_established_guessOfSequence_noSignal},
    {"established_guessOfAck_noSignal", test_established_guessOfAck_noSignal},
    {"closed_limitsExhaustedByA_bIsAnswered", test_closed_limitsExhaustedByA_bIsAnswered},
    {"listen_sixProbes_hardestClass", test_listen_sixProbes_hardestClass},
    {"established_twoDesynchronised_twoAcksASecond",
     test_established_twoDesynchronised_twoAcksASecond},
    {"synReceived_crossedSynsForged_noConnection", test_synReceived_crossedSynsForged_noConnection},
    {"established_futureTimestamp_onlyWithBothNumbers",
     test_established_futureTimestamp_onlyWithBothNumbers},
    {"established_windowFlaps_nothingSentAgain", test_established_windowFlaps_nothingSentAgain},
    {"timeWait_finEachSecond_eachAnswered", test_timeWait_finEachSecond_eachAnswered},
};

int main(int argc, char **argv)
{
	return host_main("probe", tests, TG_TEST_N(tests), argc, argv);
}
