/* SPDX-License-Identifier: BSD-3-Clause */
/* Attackers who see nothing but know the four-tuple: ten million guesses (one million with
 * TG_TEST_MODE=quick), half of them over IPv4, half over IPv6; and one in each window. */
#include "crowd.h"
#include "lab_icmp.h"

enum { VICTIMS = 16, STEP_NS = 100000, TALKS = 16 };

static uint64_t shots(void)
{
	const char *mode = getenv("TG_TEST_MODE");

	return mode && !strcmp(mode, "quick") ? 500000 : 5000000;
}

/* Whether RB-06 lets the ACK field pass: the guess was right, and the data is the peer's for all
 * that anyone can know. */
static bool is_plausible(const struct host *h, uint32_t ack)
{
	return (int32_t)(h->nxt - ack) >= 0 && h->nxt - ack <= 65535u << 7;
}

static void shoot_icmp(struct host *h, uint64_t r)
{
	uint8_t quote[120];
	static const uint8_t v4[][2] = {{3, 1}, {3, 3}, {3, 4}, {11, 0}, {12, 0}, {3, 2}, {4, 0}};
	static const uint8_t v6[][2] = {{1, 0}, {1, 4}, {2, 0}, {3, 0}, {4, 0}, {1, 1}, {1, 3}};
	const uint8_t *kind = h->v6 ? v6[r >> 40 & 7 ? (r >> 40 & 7) - 1 : 0]
				    : v4[r >> 40 & 7 ? (r >> 40 & 7) - 1 : 0];
	uint32_t seq = (uint32_t)r;

	if (seq - h->una < h->nxt - h->una)
		return; /* right: what is in flight may be quoted */
	host_icmp(h, kind[0], kind[1], 600, quote, host_quote(h, seq, 8, quote));
}

/* Text that stands in the window, with a guess for its ACK. */
static void shoot_text(struct host *h, uint64_t r)
{
	uint32_t ack = (uint32_t)(r >> 32);

	if (!is_plausible(h, ack))
		send_text(h, ACK | PSH, h->rcv_nxt, ack, 64);
}

static void shoot(struct crowd *c, uint64_t *rng)
{
	uint64_t r = crowd_random(rng);
	struct host *h = &c->of[r >> 60 & (VICTIMS - 1)];

	switch (crowd_random(rng) % 8) {
	case 0:
	case 1:
		send_flags(h, RST, (uint32_t)r, 0);
		break;
	case 2:
		send_flags(h, RST | ACK, (uint32_t)r, (uint32_t)(r >> 32));
		break;
	case 3:
	case 4:
		send_flags(h, SYN, (uint32_t)r, 0);
		break;
	case 5:
		send_flags(h, SYN | ACK, (uint32_t)r, (uint32_t)(r >> 32));
		break;
	case 6:
		shoot_text(h, r);
		break;
	default:
		shoot_icmp(h, r);
		break;
	}
}

/* ADV-20, ADV-21, ADV-22, RB-01, RB-05, RB-06, RB-08, RB-17: none is reset, no byte is taken, and
 * no connection answers more often than twice a second. */
static void test_established_randomGuesses_noneIsReset(void)
{
	struct crowd c;
	uint64_t n = shots(), rng = 1 + host_v6;

	crowd_init(&c, VICTIMS, NULL);
	for (uint64_t i = 0; i < n; i++) {
		shoot(&c, &rng);
		crowd_read(&c);
		crowd_pass_ns(&c, STEP_NS);
		if (i % (n / TALKS) == n / TALKS - 1) {
			crowd_read(&c);
			crowd_pass_ns(&c, 500 * MS);
			crowd_talk(&c);
		}
	}
	expect_eq("RB-01", host_counter(&c.of[0], "rst_rcvd_ok"), 0, "connections that were reset");
	expect_eq("RB-08", (int64_t)c.others, 0, "answers that are no bare ACK");
	expect_true("RB-08", c.least_gap_ns >= 499 * MS, "two challenges a second at most");
	expect_true("RB-08", c.answers > VICTIMS * n * STEP_NS / SEC, "and they are sent");
	expect_true("RB-08", host_counter(&c.of[0], "ch_skipped") > 0, "the others are skipped");
	expect_true("RB-17", host_counter(&c.of[0], "icmp_bad_seq") > (int64_t)n / 16,
		    "quotes of nothing in flight");
	expect_eq("RB-21", host_counter(&c.of[0], "ptb_applied"), 0, "claims of a smaller MTU");
	crowd_fini(&c);
}

/* ADV-20: one RST for each window over all 2^32 numbers, from each number of the first window that
 * is not RCV.NXT; then RCV.NXT itself. */
static void test_established_sweepOfEveryWindow_onlyExactResets(void)
{
	static const uint32_t offset[] = {1, 2, 1000, UINT32_MAX};
	struct crowd c;

	crowd_init(&c, 1, "rcvbuf=65535");
	struct host *h = &c.of[0];
	for (size_t k = 0; k < sizeof(offset) / sizeof(offset[0]); k++) {
		uint32_t wnd = h->edge - h->rcv_nxt;
		uint64_t steps = (UINT64_C(1) << 32) / wnd + 1;
		for (uint64_t i = 0; i < steps; i++) {
			uint32_t seq = h->rcv_nxt + offset[k] + (uint32_t)(i * wnd);
			if (seq != h->rcv_nxt)
				send_flags(h, RST, seq, 0);
			crowd_read(&c);
			crowd_pass_ns(&c, STEP_NS);
		}
		expect_state(h, "ADV-20", "ESTABLISHED");
		expect_true("ADV-20", c.least_gap_ns >= 499 * MS, "two challenges a second");
		crowd_pass_ns(&c, SEC);
		crowd_talk(&c);
		crowd_watch(&c);
	}
	expect_eq("ADV-20", host_counter(h, "rst_rcvd_ok"), 0, "resets");
	expect_true("ADV-20", host_counter(h, "rst_challenged") >= 3, "the window was met");
	int64_t error = 0;
	send_flags(h, RST, h->rcv_nxt, 0);
	expect_state(h, "RB-01", "CLOSED");
	expect_eq("RB-01", tg_lab_getopt(h->lab, h->sock, TG_LAB_ERROR, &error), 0, "getopt");
	expect_eq("RB-01", error, ECONNRESET, "the user is told");
	host_fini(h);
}

/* RB-08 at each millisecond at which a stamp of 16 bits comes round: no instant has no limit. */
static void test_established_guessesAtEveryStamp_limitHolds(void)
{
	for (uint64_t at_ms = 65530; at_ms < 65542; at_ms++) {
		struct crowd c;

		crowd_init(&c, 1, NULL);
		host_at(&c.of[0], at_ms - 1000);
		for (int i = 0; i < 20; i++)
			send_flags(&c.of[0], RST, c.of[0].rcv_nxt + 5, 0);
		crowd_read(&c);
		expect_eq("RB-08", (int64_t)c.answers, 1, "challenges in one millisecond");
		crowd_pass_ns(&c, SEC);
		crowd_fini(&c);
	}
}

/* ADV-22, RB-06: a guess of the ACK far below what was ever in flight, in every 2^16th place. */
static void test_established_textWithEveryAck_notDelivered(void)
{
	struct crowd c;
	uint8_t byte;

	crowd_init(&c, 2, NULL);
	for (uint32_t k = 0; k < 65536; k++) {
		struct host *h = &c.of[k & 1];
		uint32_t ack = h->nxt + 1 + (k << 16);
		if (!is_plausible(h, ack))
			send_text(h, ACK | PSH, h->rcv_nxt, ack, 10);
		crowd_read(&c);
		crowd_pass_ns(&c, STEP_NS);
	}
	for (uint32_t i = 0; i < c.n; i++)
		expect_eq("RB-06", tg_lab_read(c.of[i].lab, c.of[i].sock, &byte, 1), -EAGAIN,
			  "read");
	expect_true("RB-08", c.least_gap_ns >= 499 * MS, "two challenges a second at most");
	crowd_pass_ns(&c, SEC);
	crowd_fini(&c);
}

static const struct tg_test tests[] = {
    {"established_randomGuesses_noneIsReset", test_established_randomGuesses_noneIsReset},
    {"established_sweepOfEveryWindow_onlyExactResets",
     test_established_sweepOfEveryWindow_onlyExactResets},
    {"established_guessesAtEveryStamp_limitHolds", test_established_guessesAtEveryStamp_limitHolds},
    {"established_textWithEveryAck_notDelivered", test_established_textWithEveryAck_notDelivered},
};

int main(int argc, char **argv)
{
	return host_main("blind", tests, TG_TEST_N(tests), argc, argv);
}
