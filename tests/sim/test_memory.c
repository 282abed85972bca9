/* SPDX-License-Identifier: BSD-3-Clause */
/* test_memory.c: what a connection at rest costs. Two processes open all the connections that they
 * were configured for, one a thousand, one a million; the difference of their private bytes, as the
 * kernel counts them, over the difference in connections is the price of one: at most 84 bytes
 * (DESIGN 4: 64 of connection, at most 12 of table). */
#include "lab.h"
#include "tg_types.h"
#include "tg_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRICE_MAX = 84, FEW = 1000, MANY = 1000000, PORT = 9 };

static const uint64_t START_NS = 1000000000;

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

/* Client i is 10.x.y.z, port 1024 + a bit of i: no two alike. */
static uint32_t make_segment(uint8_t *d, uint32_t i, const struct tg_seg *seg)
{
	uint8_t src[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
	uint8_t dst[4] = {192, 168, 0, 1};
	struct tg_ip ip = {.src = tg_addr_from_v4(src),
			   .dst = tg_addr_from_v4(dst),
			   .proto = TG_PROTO_TCP,
			   .ttl = 64};
	uint32_t hdr = tg_tcp_hdr_len(&seg->opts, seg->ctl & TG_TCP_SYN);
	uint32_t at = tg_ip4_emit(d, &ip, hdr, false);

	tg_tcp_emit(d + at, seg);
	tg_tcp_csum_put(d + at, hdr, &ip.src, &ip.dst, false);
	return at + hdr;
}

/* One handshake with window scale, timestamps and SACK; false when it did not open. */
static bool open_one(struct tg_lab *lab, uint32_t i, uint64_t now)
{
	struct tg_seg syn = {.seq = tg_seq_make(i * 7919),
			     .ctl = TG_TCP_SYN,
			     .wnd = 65535,
			     .sport = 1024,
			     .dport = PORT,
			     .opts = {.has_mss = 1,
				      .mss = 1460,
				      .has_ts = 1,
				      .tsval = 1 + i,
				      .has_sack_perm = 1,
				      .has_wscale = 1,
				      .wscale = 7}};
	struct tg_seg answer, ack = {.ctl = TG_TCP_ACK, .wnd = 512, .sport = 1024, .dport = PORT};
	uint8_t d[128];
	uint64_t sent;
	size_t len;

	tg_lab_input(lab, now, d, make_segment(d, i, &syn));
	len = tg_lab_output(lab, d, sizeof(d), &sent);
	if (len < 40 || tg_tcp_parse(d + 20, (uint32_t)len - 20, &answer) != TG_CTR_NONE ||
	    answer.ctl != (TG_TCP_SYN | TG_TCP_ACK))
		return false;
	ack.seq = answer.ack;
	ack.ack = tg_seq_add(answer.seq, 1);
	ack.opts.has_ts = 1;
	ack.opts.tsval = 2 + i;
	ack.opts.tsecr = answer.opts.tsval;
	tg_lab_input(lab, now, d, make_segment(d, i, &ack));
	return true;
}

/* Private bytes of a process with n connections open and at rest; -1 and a reason when they are
 * not. */
static long measure(uint32_t n)
{
	char options[128], err[256] = "";
	struct tg_lab *lab;

	snprintf(options, sizeof(options), "connections=%u addr=192.168.0.1/16", n);
	lab = tg_lab_new(options, err, sizeof(err));
	if (!lab || tg_lab_listen(lab, NULL, PORT, 64, "service=discard") < 0) {
		printf("%u connections: %s\n", n, lab ? "cannot listen" : err);
		return -1;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!open_one(lab, i, START_NS + i * 10000ull)) {
			printf("%u connections: number %u did not open\n", n, i);
			return -1;
		}
	}
	tg_lab_advance(lab, START_NS + 120000000000ull);
	if (tg_lab_counter(lab, "conn_opened") != n || !tg_lab_validate(lab, err, sizeof(err))) {
		printf("%u connections: %ld are open; %s\n", n,
		       (long)tg_lab_counter(lab, "conn_opened"), err);
		return -1;
	}
	return private_bytes();
}

/* measure() in a process of its own. */
static long measure_apart(uint32_t n)
{
	int fd[2], status;
	long bytes = -1;

	if (pipe(fd) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		bytes = measure(n);
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

int main(int argc, char **argv)
{
	long few, many;
	double price;

	if (argc > 1) {
		printf("usage: %s\nMeasures the private bytes of one connection at rest, among a "
		       "million.\n",
		       argv[0]);
		return strcmp(argv[1], "--help") ? 2 : 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	few = measure_apart(FEW);
	many = measure_apart(MANY);
	if (few < 0 || many < 0) {
		printf("memory: 0 passed, 1 failed, 0 skipped\n");
		return 1;
	}
	price = (double)(many - few) / (MANY - FEW);
	printf("%d connections: %ld bytes; %d: %ld; one at rest costs %.2f bytes (at most %d)\n",
	       FEW, few, MANY, many, price, PRICE_MAX);
	printf("memory: %d passed, %d failed, 0 skipped\n", price <= PRICE_MAX, price > PRICE_MAX);
	return price > PRICE_MAX;
}
