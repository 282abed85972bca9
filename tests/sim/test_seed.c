/* SPDX-License-Identifier: BSD-3-Clause */
/* The three questions with which this project began, each answered by a test:
 *   why three segments?        a stale duplicate SYN creates no connection
 *   why four to part?          data flows in the direction that is not closed
 *   why does the closer wait?  a lost last ACK is answered again, and an old duplicate never enters
 *                              the next incarnation of the same pair of sockets */
#include "lab.h"
#include "tg_test.h"

#include <errno.h>
#include <sys/socket.h>

#define A         "192.168.0.1"
#define B         "192.168.0.2"
#define SECOND_NS 1000000000ull

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, PORT = 4000, MAX = 2048 };

static struct tg_lab *a, *b;
static uint64_t now;

struct datagram {
	uint8_t bytes[MAX];
	size_t len;
};

static void hosts(void)
{
	now = SECOND_NS;
	a = tg_lab_new("seed=1 addr=" A "/16", NULL, 0);
	b = tg_lab_new("seed=2 addr=" B "/16", NULL, 0);
	CU_ASSERT_FATAL(a && b);
}

static void hosts_end(void)
{
	char why[256] = "";

	CU_ASSERT(tg_lab_validate(a, why, sizeof(why)));
	CU_ASSERT(tg_lab_validate(b, why, sizeof(why)));
	if (why[0])
		puts(why);
	tg_lab_free(a);
	tg_lab_free(b);
}

static bool take(struct tg_lab *from, struct datagram *d)
{
	d->len = tg_lab_output(from, d->bytes, MAX, NULL);
	return d->len > 0;
}

static void give(struct tg_lab *to, const struct datagram *d)
{
	CU_ASSERT_EQUAL(tg_lab_input(to, now, d->bytes, d->len), 0);
}

static const uint8_t *tcp(const struct datagram *d)
{
	return d->bytes + (d->bytes[0] & 15) * 4;
}

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t seq_of(const struct datagram *d)
{
	return number(tcp(d) + 4);
}

static uint32_t ack_of(const struct datagram *d)
{
	return number(tcp(d) + 8);
}

static uint8_t flags_of(const struct datagram *d)
{
	return tcp(d)[13];
}

/* A perfect link for ms of virtual time. */
static void flow(uint64_t ms)
{
	uint64_t end = now + ms * 1000000;
	struct datagram d;

	for (;;) {
		bool any = false;
		while (take(a, &d))
			give(b, &d), any = true;
		while (take(b, &d))
			give(a, &d), any = true;
		uint64_t da = tg_lab_next_deadline(a), db = tg_lab_next_deadline(b);
		uint64_t due = da < db ? da : db;
		if (!any && due > end)
			break;
		if (any)
			continue;
		now = due > now ? due : now;
		tg_lab_advance(a, now);
		tg_lab_advance(b, now);
	}
	now = end;
	tg_lab_advance(a, end);
	tg_lab_advance(b, end);
}

static const char *state_a(void)
{
	return tg_lab_state_of(a, A, PORT, B, 80);
}

static const char *state_b(void)
{
	return tg_lab_state_of(b, B, 80, A, PORT);
}

static void open_connection(int *c, int *s, int l)
{
	*c = tg_lab_connect(a, A, PORT, B, 80, NULL);
	CU_ASSERT_FATAL(*c >= 0);
	flow(10);
	*s = tg_lab_accept(b, l);
	CU_ASSERT_FATAL(*s >= 0);
}

/* A SYN of an attempt that was given up; it is still somewhere in the network. */
static struct datagram stale_syn(void)
{
	struct datagram d = {.len = 0};
	int c = tg_lab_connect(a, A, PORT, B, 80, NULL);

	CU_ASSERT(take(a, &d));
	tg_lab_abort(a, c);
	CU_ASSERT_STRING_EQUAL(state_a(), "CLOSED");
	now += 5 * SECOND_NS;
	tg_lab_advance(a, now);
	tg_lab_advance(b, now);
	return d;
}

/* RFC 9293 figure 8 (EST-04): B cannot know that a SYN is old; A can, and says RST. */
static void test_synReceived_staleSyn_createsNoConnection(void)
{
	struct datagram old, syn_ack, rst;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	old = stale_syn();
	give(b, &old);
	CU_ASSERT_STRING_EQUAL(state_b(), "SYN-RECEIVED");
	CU_ASSERT(take(b, &syn_ack));
	CU_ASSERT_EQUAL(flags_of(&syn_ack), SYN | ACK);
	give(a, &syn_ack); /* A has no connection: RST, SEQ = SEG.ACK */
	CU_ASSERT(take(a, &rst));
	CU_ASSERT_EQUAL(flags_of(&rst), RST);
	CU_ASSERT_EQUAL(seq_of(&rst), ack_of(&syn_ack));
	give(b, &rst);
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_accept(b, l), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_counter(b, "conn_opened"), 0);
	flow(100000);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(b), UINT64_MAX);
	hosts_end();
}

/* The old SYN overtakes a new one of the same pair: the new connection comes to be all the same. */
static void test_synReceived_staleSynThenTrueSyn_opensTheTrueOne(void)
{
	struct datagram old, syn, syn_ack, rst;
	char byte;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	old = stale_syn();
	int c = tg_lab_connect(a, A, PORT, B, 80, NULL);

	CU_ASSERT(take(a, &syn));
	CU_ASSERT_NOT_EQUAL(seq_of(&syn), seq_of(&old));
	give(b, &old);
	CU_ASSERT(take(b, &syn_ack));
	give(a, &syn_ack); /* A is in SYN-SENT: that is not the ACK of its SYN */
	CU_ASSERT_STRING_EQUAL(state_a(), "SYN-SENT");
	CU_ASSERT(take(a, &rst));
	CU_ASSERT_EQUAL(flags_of(&rst), RST);
	CU_ASSERT_EQUAL(seq_of(&rst), seq_of(&old) + 1);
	give(b, &rst);
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSED");
	give(b, &syn);
	flow(10);
	int s = tg_lab_accept(b, l);

	CU_ASSERT_FATAL(s >= 0);
	tg_lab_write(a, c, "n", 1);
	flow(100);
	CU_ASSERT_EQUAL(tg_lab_read(b, s, &byte, 1), 1);
	CU_ASSERT_EQUAL(tg_lab_counter(b, "conn_opened"), 1);
	hosts_end();
}

/* Without the third segment nothing is told to the user: data in the old SYN is not delivered. */
static void test_synReceived_thirdSegmentMissing_isNeverAccepted(void)
{
	struct datagram old;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	old = stale_syn();
	give(b, &old);
	now += 200 * SECOND_NS;
	tg_lab_advance(b, now);
	CU_ASSERT_EQUAL(tg_lab_accept(b, l), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_counter(b, "synack_timeout"), 1);
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSED");
	hosts_end();
}

/* UC-06: a close is one direction's. */
static void test_finWait2_data_flowsUntilTheOtherFin(void)
{
	static uint8_t out[1 << 20], in[1 << 20];
	size_t sent = 0, got = 0;
	int c, s;
	ssize_t n;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 13 ^ i >> 9);
	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	open_connection(&c, &s, l);
	tg_lab_shutdown(a, c, SHUT_WR);
	flow(10);
	CU_ASSERT_STRING_EQUAL(state_a(), "FIN-WAIT-2");
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSE-WAIT");
	CU_ASSERT_EQUAL(tg_lab_read(b, s, in, 1), 0);
	flow(600000); /* there is no hurry: A may wait as long as it reads */
	while (got < sizeof(in)) {
		n = tg_lab_write(b, s, out + sent, sizeof(out) - sent);
		sent += n > 0 ? (size_t)n : 0;
		flow(5);
		n = tg_lab_read(a, c, in + got, sizeof(in) - got);
		got += n > 0 ? (size_t)n : 0;
		CU_ASSERT_FATAL(n != 0);
	}
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	CU_ASSERT_STRING_EQUAL(state_a(), "FIN-WAIT-2");
	tg_lab_close(b, s);
	flow(10);
	CU_ASSERT_EQUAL(tg_lab_read(a, c, in, 1), 0);
	CU_ASSERT_STRING_EQUAL(state_a(), "TIME-WAIT");
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSED");
	hosts_end();
}

/* Brings both to where A's last ACK is on its way: *last. */
static void close_up_to_last_ack(int c, int s, struct datagram *last)
{
	struct datagram fin;

	tg_lab_close(a, c);
	flow(10);
	tg_lab_close(b, s);
	CU_ASSERT(take(b, &fin));
	CU_ASSERT_EQUAL(flags_of(&fin) & FIN, FIN);
	give(a, &fin);
	CU_ASSERT_STRING_EQUAL(state_a(), "TIME-WAIT");
	CU_ASSERT(take(a, last));
}

static void test_timeWait_lastAckLost_isAnsweredAgain(void) /* TD-16 */
{
	struct datagram last, fin, ack;
	int c, s;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	open_connection(&c, &s, l);
	close_up_to_last_ack(c, s, &last); /* and it is lost */
	uint64_t entered = now, restarted = 0;

	for (int fins = 0; fins < 3;) {
		CU_ASSERT_STRING_EQUAL(state_b(), "LAST-ACK");
		now = tg_lab_next_deadline(b);
		tg_lab_advance(a, now);
		tg_lab_advance(b, now);
		if (!take(b, &fin))
			continue; /* early: a lazy timer */
		CU_ASSERT_EQUAL(flags_of(&fin) & FIN, FIN);
		give(a, &fin);
		CU_ASSERT(take(a, &ack));
		CU_ASSERT_EQUAL(ack_of(&ack), ack_of(&last));
		CU_ASSERT_EQUAL(seq_of(&ack), seq_of(&last));
		restarted = now;
		fins++;
	}
	give(b, &ack);
	CU_ASSERT_STRING_EQUAL(state_b(), "CLOSED");
	CU_ASSERT(restarted > entered);
	/* 2MSL began anew with the last FIN: not early, and over a tick later */
	tg_lab_advance(a, restarted + 60 * SECOND_NS - 2000000);
	CU_ASSERT_STRING_EQUAL(state_a(), "TIME-WAIT");
	tg_lab_advance(a, restarted + 60 * SECOND_NS + 2000000);
	CU_ASSERT_STRING_EQUAL(state_a(), "CLOSED");
	hosts_end();
}

/* Old segments of one incarnation, delivered at every later moment of the pair's life. */
static void test_timeWait_oldDuplicate_neverEntersTheNext(void)
{
	struct datagram old_data, last;
	char buf[64];
	int c, s;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	open_connection(&c, &s, l);
	tg_lab_write(a, c, "OLD", 3);
	CU_ASSERT(take(a, &old_data));
	give(b, &old_data); /* one copy arrives; another stays in the network */
	flow(100);
	CU_ASSERT_EQUAL(tg_lab_read(b, s, buf, sizeof(buf)), 3);
	/* B closes first, so that B keeps the TIME-WAIT in which the old ones arrive */
	tg_lab_close(b, s);
	flow(10);
	tg_lab_close(a, c);
	flow(10);
	CU_ASSERT_STRING_EQUAL(state_b(), "TIME-WAIT");
	CU_ASSERT_STRING_EQUAL(state_a(), "CLOSED");
	give(b, &old_data);
	CU_ASSERT_STRING_EQUAL(state_b(), "TIME-WAIT");
	flow(10); /* its challenge ACK meets a closed A, whose RST does not end the wait (RFC 1337)
		   */
	CU_ASSERT_STRING_EQUAL(state_b(), "TIME-WAIT");
	flow(2000);
	open_connection(&c, &s, l); /* the same pair again: provably newer (TD-22) */
	CU_ASSERT_EQUAL(tg_lab_counter(b, "tw_reused"), 1);
	give(b, &old_data);
	flow(100);
	CU_ASSERT_EQUAL(tg_lab_read(b, s, buf, sizeof(buf)), -EAGAIN);
	CU_ASSERT_STRING_EQUAL(state_b(), "ESTABLISHED");
	tg_lab_write(a, c, "new", 3);
	flow(100);
	CU_ASSERT_EQUAL(tg_lab_read(b, s, buf, sizeof(buf)), 3);
	CU_ASSERT_EQUAL(memcmp(buf, "new", 3), 0);
	give(b, &old_data);
	flow(100);
	CU_ASSERT_EQUAL(tg_lab_read(b, s, buf, sizeof(buf)), -EAGAIN);
	close_up_to_last_ack(c, s, &last);
	hosts_end();
}

/* An old SYN meets TIME-WAIT: it is not newer, so it opens nothing. */
static void test_timeWait_staleSyn_isChallenged(void)
{
	struct datagram old, answer;
	int c, s;

	hosts();
	int l = tg_lab_listen(b, NULL, 80, 0, NULL);

	old = stale_syn();
	open_connection(&c, &s, l);
	tg_lab_close(b, s);
	flow(10);
	tg_lab_close(a, c);
	flow(10);
	CU_ASSERT_STRING_EQUAL(state_b(), "TIME-WAIT");
	give(b, &old);
	CU_ASSERT(take(b, &answer));
	CU_ASSERT_EQUAL(flags_of(&answer), ACK);
	CU_ASSERT_STRING_EQUAL(state_b(), "TIME-WAIT");
	CU_ASSERT_EQUAL(tg_lab_accept(b, l), -EAGAIN);
	hosts_end();
}

static const struct tg_test tests[] = {
    {"synReceived_staleSyn_createsNoConnection", test_synReceived_staleSyn_createsNoConnection},
    {"synReceived_staleSynThenTrueSyn_opensTheTrueOne",
     test_synReceived_staleSynThenTrueSyn_opensTheTrueOne},
    {"synReceived_thirdSegmentMissing_isNeverAccepted",
     test_synReceived_thirdSegmentMissing_isNeverAccepted},
    {"finWait2_data_flowsUntilTheOtherFin", test_finWait2_data_flowsUntilTheOtherFin},
    {"timeWait_lastAckLost_isAnsweredAgain", test_timeWait_lastAckLost_isAnsweredAgain},
    {"timeWait_oldDuplicate_neverEntersTheNext", test_timeWait_oldDuplicate_neverEntersTheNext},
    {"timeWait_staleSyn_isChallenged", test_timeWait_staleSyn_isChallenged},
};

int main(int argc, char **argv)
{
	return tg_test_main("seed", tests, TG_TEST_N(tests), argc, argv);
}
