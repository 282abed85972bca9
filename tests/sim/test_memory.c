/* SPDX-License-Identifier: BSD-3-Clause */
/* test_memory.c: what a connection at rest costs. Two processes open all the connections that they
 * were configured for, one a thousand, one a million; the difference of their private bytes, as the
 * kernel counts them, over the difference in connections is the price of one: at most 84 bytes
 * (DESIGN 4: 64 of connection, at most 12 of table), 32 more over IPv6; and no more where a user
 * holds a socket to each, or has yet to accept it. */
#include "lab.h"
#include "tg_types.h"
#include "tg_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FEW = 1000, MANY = 1000000, PORT = 9 };

static const uint64_t START_NS = 1000000000;

enum who { SERVED = 1, ACCEPTED, WAITING, CONNECTED };

static const struct price {
	const char *name;
	enum who who; /* holds the connections */
	bool v6;
	int max;
} prices[] = {
    {"served", SERVED, false, 84},           {"accepted", ACCEPTED, false, 84},
    {"waiting", WAITING, false, 84},         {"connected", CONNECTED, false, 84},
    {"served over IPv6", SERVED, true, 116}, {"accepted over IPv6", ACCEPTED, true, 116},
};

enum { PRICE_N = sizeof(prices) / sizeof(prices[0]) };

/* Bytes that this process alone holds, or -1. */
static long private_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kb, sum = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Clean: %ld kB", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %ld kB", &kb) == 1)
			sum += kb * 1024;
	fclose(f);
	return sum;
}

/* Peer i is 10.x.y.z or fd00::10.x.y.z: no two alike. */
static uint32_t make_segment(uint8_t *d, uint32_t i, bool v6, const struct tg_seg *seg)
{
	uint8_t src[16] = {
	    [0] = 0xfd, [12] = 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
	uint8_t dst[16] = {[0] = 0xfd, [1] = 0x3d, [12] = 192, 168, 0, 1};
	struct tg_ip ip = {.src = v6 ? tg_addr_from_v6(src) : tg_addr_from_v4(src + 12),
			   .dst = v6 ? tg_addr_from_v6(dst) : tg_addr_from_v4(dst + 12),
			   .proto = TG_PROTO_TCP,
			   .ttl = 64};
	uint32_t hdr = tg_tcp_hdr_len(&seg->opts, seg->ctl & TG_TCP_SYN);
	uint32_t at = v6 ? tg_ip6_emit(d, &ip, hdr, 0) : tg_ip4_emit(d, &ip, hdr, false);

	tg_tcp_emit(d + at, seg);
	tg_tcp_csum_put(d + at, hdr, &ip.src, &ip.dst, false);
	return at + hdr;
}

/* What the host says next is a segment with these control bits. */
static bool expect(struct tg_lab *lab, bool v6, uint8_t ctl, struct tg_seg *seg)
{
	uint32_t at = v6 ? 40 : 20;
	uint8_t d[128];
	size_t len = tg_lab_output(lab, d, sizeof(d), NULL);

	return len >= at + 20 && tg_tcp_parse(d + at, (uint32_t)len - at, seg) == TG_CTR_NONE &&
	       seg->ctl == ctl;
}

/* A SYN of peer i, with window scale, timestamps and SACK. */
static struct tg_seg syn_of(uint32_t i)
{
	return (struct tg_seg){.seq = tg_seq_make(i * 7919),
			       .ctl = TG_TCP_SYN,
			       .wnd = 65535,
			       .sport = 1024,
			       .dport = PORT,
			       .opts = {.has_mss = 1,
					.mss = 1440,
					.has_ts = 1,
					.tsval = 1 + i,
					.has_sack_perm = 1,
					.has_wscale = 1,
					.wscale = 7}};
}

/* The peer opens; false when the connection did not. */
static bool open_one(struct tg_lab *lab, uint32_t i, bool v6, uint64_t now)
{
	struct tg_seg syn = syn_of(i);
	struct tg_seg answer, ack = {.ctl = TG_TCP_ACK, .wnd = 512, .sport = 1024, .dport = PORT};
	uint8_t d[128];

	tg_lab_input(lab, now, d, make_segment(d, i, v6, &syn));
	if (!expect(lab, v6, TG_TCP_SYN | TG_TCP_ACK, &answer))
		return false;
	ack.seq = answer.ack;
	ack.ack = tg_seq_add(answer.seq, 1);
	ack.opts.has_ts = 1;
	ack.opts.tsval = 2 + i;
	ack.opts.tsecr = answer.opts.tsval;
	tg_lab_input(lab, now, d, make_segment(d, i, v6, &ack));
	return true;
}

/* The host opens, from the port that is in syn_of(). */
static bool connect_one(struct tg_lab *lab, uint32_t i, uint64_t now)
{
	struct tg_seg answer = syn_of(i), syn, ack;
	char peer[32];
	uint8_t d[128];

	snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	if (tg_lab_connect(lab, NULL, PORT, peer, 1024, NULL) < 0 ||
	    !expect(lab, false, TG_TCP_SYN, &syn))
		return false;
	answer.ctl |= TG_TCP_ACK;
	answer.ack = tg_seq_add(syn.seq, 1);
	answer.opts.tsecr = syn.opts.tsval;
	tg_lab_input(lab, now, d, make_segment(d, i, false, &answer));
	return expect(lab, false, TG_TCP_ACK, &ack);
}

static bool hold_one(struct tg_lab *lab, const struct price *p, int listener, uint32_t i)
{
	uint64_t now = START_NS + i * 10000ull;

	if (p->who == CONNECTED)
		return connect_one(lab, i, now);
	if (!open_one(lab, i, p->v6, now))
		return false;
	return p->who != ACCEPTED || tg_lab_accept(lab, listener) >= 0;
}

/* All that were configured. A failure is said. */
static bool hold_all(struct tg_lab *lab, const struct price *p, int listener, uint32_t n)
{
	char err[256] = "";

	for (uint32_t i = 0; i < n; i++) {
		if (hold_one(lab, p, listener, i))
			continue;
		printf("%s, %u connections: number %u did not open\n", p->name, n, i);
		return false;
	}
	tg_lab_advance(lab, START_NS + 120000000000ull);
	if (tg_lab_counter(lab, "conn_opened") == n && tg_lab_validate(lab, err, sizeof(err)))
		return true;
	printf("%s, %u connections: %ld are open; %s\n", p->name, n,
	       (long)tg_lab_counter(lab, "conn_opened"), err);
	return false;
}

/* Private bytes of a process with n connections open and at rest; -1 and a reason when they are
 * not. */
static long measure(const struct price *p, uint32_t n)
{
	char options[128], err[256] = "";
	struct tg_lab *lab;
	int listener;

	snprintf(options, sizeof(options),
		 "connections=%u addr=192.168.0.1/16 addr=fd3d::c0a8:1/64", n);
	lab = tg_lab_new(options, err, sizeof(err));
	if (!lab) {
		printf("%u connections: %s\n", n, err);
		return -1;
	}
	listener =
	    tg_lab_listen(lab, NULL, PORT, MANY, p->who == SERVED ? "service=discard" : NULL);
	return hold_all(lab, p, listener, n) ? private_bytes() : -1;
}

/* measure() in a process of its own. */
static long measure_apart(const struct price *p, uint32_t n)
{
	int fd[2], status;
	long bytes = -1;

	if (pipe(fd) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		bytes = measure(p, n);
		fflush(stdout);
		_exit(write(fd[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
	}
	close(fd[1]);
	if (read(fd[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		bytes = -1;
	close(fd[0]);
	waitpid(pid, &status, 0);
	return bytes;
}

static bool check_price(const struct price *p)
{
	long few = measure_apart(p, FEW), many = measure_apart(p, MANY);
	double price = (double)(many - few) / (MANY - FEW);

	if (few < 0 || many < 0)
		return false;
	printf("%s: %d connections: %ld bytes; %d: %ld; one at rest costs %.2f bytes (at most "
	       "%d)\n",
	       p->name, FEW, few, MANY, many, price, p->max);
	return price <= p->max;
}

int main(int argc, char **argv)
{
	int passed = 0;

	if (argc > 1) {
		printf("usage: %s\nMeasures the private bytes of one connection at rest, among a "
		       "million.\n",
		       argv[0]);
		return strcmp(argv[1], "--help") ? 2 : 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < PRICE_N; i++)
		passed += check_price(&prices[i]);
	printf("memory: %d passed, %d failed, 0 skipped\n", passed, PRICE_N - passed);
	return passed != PRICE_N;
}
