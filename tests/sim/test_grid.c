/* SPDX-License-Identifier: BSD-3-Clause */
/* Two labs over a bad link: every byte arrives, in order, once, both ways, for every buffer size;
 * then both ends close and nothing is left. Handshakes and closes under loss are tests of their
 * own.
 *
 *   test_grid [--long] [--seed N] [NAME...]
 *
 * 10 MiB each way; without --long 1 MiB for buffers up to 1 KiB, and validate() now and then
 * instead of after each event. */
#include "sim.h"
#include "tg_test.h"

#include <errno.h>
#include <sys/socket.h>

#define SECOND_NS 1000000000ull

static bool is_long;

/* --- a connection that carries bytes both ways and is closed --- */

enum { TABLE = 65521, PIECE = 16384 };

static uint8_t table[2][TABLE + PIECE]; /* direction d's byte i is table[d][i % TABLE] */

static void fill_tables(void)
{
	uint64_t x = 88172645463325252ull;

	for (int d = 0; d < 2; d++) {
		for (int i = 0; i < TABLE; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			table[d][i] = (uint8_t)x;
		}
		memcpy(table[d] + TABLE, table[d], PIECE);
	}
}

struct flow {
	int sock[2];
	uint64_t total, sent[2], got[2];
	bool shut[2], eof[2];
	const char *wrong; /* what must not happen, when it did */
};

static void flow_write(struct sim *s, struct flow *f, int end)
{
	while (f->sent[end] < f->total) {
		uint64_t left = f->total - f->sent[end];
		ssize_t n =
		    tg_lab_write(s->lab[end], f->sock[end], table[end] + f->sent[end] % TABLE,
				 left < PIECE ? (size_t)left : PIECE);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			f->wrong = "write failed";
			return;
		}
		f->sent[end] += (uint64_t)n;
	}
	if (!f->shut[end]) {
		f->shut[end] = true;
		tg_lab_shutdown(s->lab[end], f->sock[end], SHUT_WR);
	}
}

static void flow_read(struct sim *s, struct flow *f, int end)
{
	uint8_t buf[PIECE];
	ssize_t n;

	while (!f->eof[end] &&
	       (n = tg_lab_read(s->lab[end], f->sock[end], buf, sizeof(buf))) != -EAGAIN) {
		if (n < 0)
			f->wrong = "read failed";
		else if (n > 0 && memcmp(buf, table[!end] + f->got[end] % TABLE, (size_t)n) != 0)
			f->wrong = "bytes differ";
		if (n <= 0) {
			f->eof[end] = true;
			return;
		}
		f->got[end] += (uint64_t)n;
	}
}

static void flow_poll(struct sim *s, struct flow *f)
{
	for (int end = 0; end < 2; end++) {
		flow_write(s, f, end);
		flow_read(s, f, end);
	}
}

static bool flow_open(struct sim *s, struct flow *f, const char *options)
{
	int l = tg_lab_listen(s->lab[1], NULL, 80, 0, options);

	f->sock[0] = tg_lab_connect(s->lab[0], NULL, 0, SIM_B, 80, options);
	if (l < 0 || f->sock[0] < 0)
		return false;
	while ((f->sock[1] = tg_lab_accept(s->lab[1], l)) == -EAGAIN)
		if (!sim_step(s, s->now_ns + 300 * SECOND_NS))
			return false;
	sim_run(s, s->now_ns + SECOND_NS); /* the client too, and the link is empty */
	return f->sock[1] >= 0;
}

/* Until both have all and said so. */
static bool flow_carry(struct sim *s, struct flow *f)
{
	uint64_t end_ns = s->now_ns + 1000ull * 24 * 3600 * SECOND_NS;

	while (!f->wrong && !(f->eof[0] && f->eof[1])) {
		flow_poll(s, f);
		if (f->wrong || (f->eof[0] && f->eof[1]))
			break;
		if (!sim_step(s, end_ns)) {
			f->wrong = "stuck";
			break;
		}
		if (s->broken)
			f->wrong = "not valid";
	}
	return !f->wrong && f->got[0] == f->total && f->got[1] == f->total;
}

static bool flow_is_closed(struct sim *s, const struct flow *f)
{
	char addr[46];
	uint16_t port;

	tg_lab_local(s->lab[0], f->sock[0], addr, sizeof(addr), &port);
	tg_lab_close(s->lab[0], f->sock[0]);
	tg_lab_close(s->lab[1], f->sock[1]);
	while (sim_step(s, s->now_ns + 48ull * 3600 * SECOND_NS))
		;
	return !strcmp(tg_lab_state_of(s->lab[0], SIM_A, port, SIM_B, 80), "CLOSED") &&
	       !strcmp(tg_lab_state_of(s->lab[1], SIM_B, 80, SIM_A, port), "CLOSED") &&
	       sim_is_still(s) && sim_validate(s);
}

/* --- the grid --- */

static const uint32_t losses[] = {0, 1, 2, 5, 10, 15, 20, 30}; /* per cent */
static const uint32_t buffers[] = {128, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576};

static uint64_t bytes_for(uint32_t buffer)
{
	if (is_long)
		return 10 << 20;
	return buffer <= 1024 && !is_long ? 1 << 20 : 10 << 20;
}

static bool cell(uint32_t loss, uint32_t buffer, uint64_t seed, double *virtual_s)
{
	struct sim s;
	struct flow f = {.total = bytes_for(buffer)};
	char options[160];

	snprintf(options, sizeof(options), "rcvbuf=%u sndbuf=%u user_timeout_ms=86400000", buffer,
		 buffer);
	/* Small hosts, so that looking at all of one after each event costs little. */
	sim_init(&s, seed, "connections=4 buffer_mb=8", "connections=4 buffer_mb=8");
	s.validate_every = is_long ? 1 : 997;
	bool open = flow_open(&s, &f, options);

	/* From the first byte on; the other evils are drawn, 0 to 30 per cent each. */
	s.link.loss = loss * 10;
	s.link.dup = loss ? sim_random(&s, 301) : 0;
	s.link.reorder = loss ? sim_random(&s, 301) : 0;
	s.link.delay = loss ? sim_random(&s, 301) : 0;
	bool carried = open && flow_carry(&s, &f);

	*virtual_s = (double)s.now_ns / 1e9;
	bool closed = carried && flow_is_closed(&s, &f);

	if (!closed)
		printf("loss %u%% buffer %u seed %llu: %s; open %d, a sent %llu got %llu, b sent "
		       "%llu got %llu, at %.3f s, states %s %s\n",
		       loss, buffer, (unsigned long long)seed, f.wrong ? f.wrong : "not closed",
		       open, (unsigned long long)f.sent[0], (unsigned long long)f.got[0],
		       (unsigned long long)f.sent[1], (unsigned long long)f.got[1],
		       (double)s.now_ns / 1e9, tg_lab_state(s.lab[0], f.sock[0]),
		       tg_lab_state(s.lab[1], f.sock[1]));
	sim_fini(&s);
	return closed;
}

static void row(size_t loss_i)
{
	printf("loss %2u%%, virtual seconds:", losses[loss_i]);
	for (size_t i = 0; i < TG_TEST_N(buffers); i++) {
		double virtual_s;
		CU_ASSERT(
		    cell(losses[loss_i], buffers[i], tg_test_seed + loss_i * 100 + i, &virtual_s));
		printf(" %.0f", virtual_s);
		fflush(stdout);
	}
	putchar('\n');
}

static void test_established_loss0_allBytesArrive(void)
{
	row(0);
}

static void test_established_loss1_allBytesArrive(void)
{
	row(1);
}

static void test_established_loss2_allBytesArrive(void)
{
	row(2);
}

static void test_established_loss5_allBytesArrive(void)
{
	row(3);
}

static void test_established_loss10_allBytesArrive(void)
{
	row(4);
}

static void test_established_loss15_allBytesArrive(void)
{
	row(5);
}

static void test_established_loss20_allBytesArrive(void)
{
	row(6);
}

static void test_established_loss30_allBytesArrive(void)
{
	row(7);
}

/* --- handshakes under loss --- */

static void bad_link(struct sim *s, uint32_t loss)
{
	s->link = (struct sim_link){loss * 10, loss * 5, loss * 5, loss * 5};
}

/* One connection over a link that is bad from the SYN on. The client speaks first. Both ends agree
 * in the end: the byte arrived, or the client was told why not. */
static bool handshake(struct sim *s, int l, bool *arrived)
{
	char byte;
	int c = tg_lab_connect(s->lab[0], NULL, 0, SIM_B, 80, NULL);
	int64_t error = 0;

	tg_lab_write(s->lab[0], c, "x", 1);
	*arrived = false;
	for (int seconds = 0; seconds < 400 && !*arrived && !error; seconds++) {
		sim_run(s, s->now_ns + SECOND_NS);
		for (int k; (k = tg_lab_accept(s->lab[1], l)) >= 0; tg_lab_abort(s->lab[1], k))
			*arrived |= tg_lab_read(s->lab[1], k, &byte, 1) == 1 && byte == 'x';
		tg_lab_getopt(s->lab[0], c, TG_LAB_ERROR, &error);
	}
	tg_lab_abort(s->lab[0], c);
	sim_run(s, s->now_ns + 300 * SECOND_NS);
	return *arrived || error;
}

static void test_synSent_lossyLink_opensOrTells(void)
{
	int opened = 0, tried = 0, rounds = is_long ? 500 : 60;

	for (size_t i = 0; i < TG_TEST_N(losses); i++) {
		struct sim s;
		sim_init(&s, tg_test_seed + i, "", "defer_accept_ms=60000");
		int l = tg_lab_listen(s.lab[1], NULL, 80, 0, NULL);
		bad_link(&s, losses[i]);
		for (int k = 0; k < rounds; k++) {
			bool arrived;
			CU_ASSERT(handshake(&s, l, &arrived));
			opened += arrived;
			tried++;
		}
		CU_ASSERT(sim_validate(&s));
		CU_ASSERT_EQUAL(tg_lab_counter(s.lab[1], "ext_full"), 0);
		sim_fini(&s);
	}
	printf("handshakes: %d of %d carried their byte\n", opened, tried);
	CU_ASSERT(opened >= tried * 97 / 100);
}

static void test_synSent_crossingSyns_openOnce(void) /* EST-06 */
{
	for (uint32_t i = 0; i < (is_long ? 400u : 80u); i++) {
		struct sim s;
		sim_init(&s, tg_test_seed + i, "user_timeout_ms=86400000",
			 "user_timeout_ms=86400000");
		bad_link(&s, i % 4 * 10);
		int a = tg_lab_connect(s.lab[0], SIM_A, 1000, SIM_B, 2000, NULL);
		int b = tg_lab_connect(s.lab[1], SIM_B, 2000, SIM_A, 1000, NULL);
		sim_run(&s, s.now_ns + 1000 * SECOND_NS);
		CU_ASSERT(!strcmp(tg_lab_state(s.lab[0], a), "ESTABLISHED") || i % 4 != 0);
		/* One may have given up, and its RST be lost: the other learns it when it speaks.
		 */
		for (int k = 0; k < 4; k++) {
			tg_lab_write(s.lab[0], a, "a", 1);
			tg_lab_write(s.lab[1], b, "b", 1);
			sim_run(&s, s.now_ns + 1000 * SECOND_NS);
		}
		const char *at_a = tg_lab_state(s.lab[0], a), *at_b = tg_lab_state(s.lab[1], b);
		CU_ASSERT(!strcmp(at_a, "ESTABLISHED") || !strcmp(at_a, "CLOSED"));
		CU_ASSERT_STRING_EQUAL(at_a, at_b);
		CU_ASSERT(sim_validate(&s));
		sim_fini(&s);
	}
}

/* --- closes under loss --- */

enum how { FIRST_A = 0, FIRST_B, BOTH, FULL_CLOSE_A, ABORT_A, HOW_N };

static void close_by(struct sim *s, const struct flow *f, enum how how)
{
	switch (how) {
	case FIRST_A:
	case FIRST_B:
		tg_lab_shutdown(s->lab[how], f->sock[how], SHUT_WR);
		sim_run(s, s->now_ns + sim_random(s, 10) * SECOND_NS);
		tg_lab_close(s->lab[!how], f->sock[!how]);
		tg_lab_close(s->lab[how], f->sock[how]);
		return;
	case BOTH:
		tg_lab_close(s->lab[0], f->sock[0]);
		tg_lab_close(s->lab[1], f->sock[1]);
		return;
	case FULL_CLOSE_A:
		tg_lab_close(s->lab[0], f->sock[0]);
		sim_run(s, s->now_ns + 300 * SECOND_NS);
		tg_lab_close(s->lab[1], f->sock[1]);
		return;
	case ABORT_A:
		tg_lab_abort(s->lab[0], f->sock[0]);
		sim_run(s, s->now_ns + SECOND_NS);
		tg_lab_close(s->lab[1], f->sock[1]);
		return;
	case HOW_N:
		return;
	}
}

static void close_once(uint32_t loss, enum how how, uint64_t seed)
{
	struct sim s;
	struct flow f = {0};

	sim_init(&s, seed, "", "");
	CU_ASSERT(flow_open(&s, &f, NULL));
	bad_link(&s, loss);
	close_by(&s, &f, how);
	while (sim_step(&s, s.now_ns + 3600 * SECOND_NS))
		;
	CU_ASSERT(sim_is_still(&s));
	CU_ASSERT(sim_validate(&s));
	sim_fini(&s);
}

static void test_close_lossyLink_nothingIsLeft(void)
{
	uint64_t seed = tg_test_seed;

	for (size_t i = 0; i < TG_TEST_N(losses); i++)
		for (int how = 0; how < HOW_N; how++)
			for (int k = 0; k < (is_long ? 300 : 20); k++)
				close_once(losses[i], (enum how)how, seed++);
}

/* The same seed gives the same run. */
static void test_sim_seed_isReproducible(void)
{
	uint64_t events[2], now[2];

	for (int i = 0; i < 2; i++) {
		struct sim s;
		struct flow f = {.total = 100000};
		sim_init(&s, 42, "", "");
		CU_ASSERT(flow_open(&s, &f, NULL));
		bad_link(&s, 20);
		CU_ASSERT(flow_carry(&s, &f));
		events[i] = s.events;
		now[i] = s.now_ns;
		sim_fini(&s);
	}
	CU_ASSERT_EQUAL(events[0], events[1]);
	CU_ASSERT_EQUAL(now[0], now[1]);
}

static const struct tg_test tests[] = {
    {"sim_seed_isReproducible", test_sim_seed_isReproducible},
    {"synSent_lossyLink_opensOrTells", test_synSent_lossyLink_opensOrTells},
    {"synSent_crossingSyns_openOnce", test_synSent_crossingSyns_openOnce},
    {"close_lossyLink_nothingIsLeft", test_close_lossyLink_nothingIsLeft},
    {"established_loss0_allBytesArrive", test_established_loss0_allBytesArrive},
    {"established_loss1_allBytesArrive", test_established_loss1_allBytesArrive},
    {"established_loss2_allBytesArrive", test_established_loss2_allBytesArrive},
    {"established_loss5_allBytesArrive", test_established_loss5_allBytesArrive},
    {"established_loss10_allBytesArrive", test_established_loss10_allBytesArrive},
    {"established_loss15_allBytesArrive", test_established_loss15_allBytesArrive},
    {"established_loss20_allBytesArrive", test_established_loss20_allBytesArrive},
    {"established_loss30_allBytesArrive", test_established_loss30_allBytesArrive},
};

int main(int argc, char **argv)
{
	int n = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--long"))
			is_long = true;
		else
			argv[n++] = argv[i];
	}
	fill_tables();
	return tg_test_main("grid", tests, TG_TEST_N(tests), n, argv);
}
