/* SPDX-License-Identifier: BSD-3-Clause */
/* rivals_client.c: real clients beside a flood, for rivals.sh. They come at a fixed rate whatever
 * becomes of those before them, each on a connection of its own; what a server owes each is known
 * to the byte.
 *
 * How many SYNs a handshake took is asked of the kernel (TCP_INFO) the moment it is open, so it
 * does not depend on how soon this process was run. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENT_MAX = 200000,
	BULK_MAX = 10000, /* transfers, one after the other */
	EVENT_MAX = 64,
	READ_SIZE = 1 << 18,
	PATTERN = 251, /* byte i of a body is i mod 251 */
	WARM_MS = 500, /* of a bulk transfer, not counted */
};

static const char usage[] = "usage: rivals_client --to ADDRESS:PORT --rate N --seconds N [options] "
			    "    many, each a small body\n"
			    "       rivals_client --to ADDRESS:PORT --bulk --seconds N [options]   "
			    "    one at a time, large\n\n"
			    "Fetches /bytes/N over HTTP/1.1 and says in one line how it went.\n\n"
			    "  --bytes N       of a body; default 1000, with --bulk 100000000\n"
			    "  --mbit N        with --bulk: read no faster than so many Mbit/s\n"
			    "  --timeout-ms N  each has so long, all in all; default 8000\n"
			    "  -h, --help      this\n\n"
			    "Exit status 0 when every body came whole, with --bulk when bytes came "
			    "and all were right; else 1.\n";

struct plan {
	struct sockaddr_storage to;
	socklen_t to_len;
	uint64_t rate, seconds, bytes, timeout_ms, mbit;
	bool is_bulk;
};

enum state { CLIENT_UNUSED, CLIENT_CONNECTING, CLIENT_READING, CLIENT_DONE };

struct client {
	int fd;
	enum state state;
	bool in_body;
	unsigned matched; /* bytes of the blank line that ends the head */
	unsigned syns;
	uint64_t start_ns, open_ns, first_ns; /* first_ns: of the first byte */
	uint64_t got;                         /* of the body */
};

struct tally {
	uint64_t begun, whole, first_syn, three_syns;
	uint64_t refused, reset, timed_out, short_body, wrong_body, other;
};

struct world {
	struct plan plan;
	struct client *client; /* [client_n] */
	uint64_t client_n, oldest, live;
	size_t read_max; /* at once */
	struct tally tally;
	int epoll;
	unsigned char *pattern, *in; /* pattern: [READ_SIZE + PATTERN] */
	uint64_t bulk_bytes;
	double bulk_mbit; /* once it is warm */
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- words --- */

static int wrong(const char *what)
{
	fprintf(stderr, "rivals_client: %s; see --help\n", what);
	return 2;
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && *out >= min && *out <= max;
}

static bool read_target(char *text, struct plan *p)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&p->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p->to;
	char *colon = strrchr(text, ':');
	uint64_t port;
	if (!colon || !read_number(colon + 1, 1, 65535, &port))
		return false;
	*colon = 0;
	size_t len = strlen(text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = 0;
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons((uint16_t)port)};
		p->to_len = sizeof(*v6);
		return inet_pton(AF_INET6, text + 1, &v6->sin6_addr) == 1;
	}
	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	p->to_len = sizeof(*v4);
	return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}

static int read_plan(struct plan *p, int argc, char **argv, bool *help)
{
	static const struct option longs[] = {
	    {"to", 1, NULL, 't'},         {"rate", 1, NULL, 'r'},  {"seconds", 1, NULL, 's'},
	    {"bulk", 0, NULL, 'b'},       {"bytes", 1, NULL, 'n'}, {"mbit", 1, NULL, 'p'},
	    {"timeout-ms", 1, NULL, 'o'}, {"help", 0, NULL, 'h'},  {0},
	};
	char *to = NULL;
	bool good = true;
	int c;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			*help = true;
			return 0;
		}
		if (c == 't')
			to = optarg;
		else if (c == 'b')
			p->is_bulk = true;
		else if (c == 'r')
			good = read_number(optarg, 1, 10000, &p->rate);
		else if (c == 's')
			good = read_number(optarg, 1, 600, &p->seconds);
		else if (c == 'n')
			good = read_number(optarg, 1, 1000000000000, &p->bytes);
		else if (c == 'p')
			good = read_number(optarg, 1, 1000000, &p->mbit);
		else if (c == 'o')
			good = read_number(optarg, 1, 600000, &p->timeout_ms);
		else
			return 2;
		if (!good)
			return wrong("a value is out of its range");
	}
	if (optind < argc || !to || !p->seconds || p->is_bulk == (p->rate != 0) ||
	    (p->mbit && !p->is_bulk))
		return wrong("--to, --seconds and either --rate or --bulk are needed");
	if (p->rate * p->seconds > CLIENT_MAX)
		return wrong("more than 200000 clients");
	if (!p->bytes)
		p->bytes = p->is_bulk ? 100000000 : 1000;
	return read_target(to, p) ? 0 : wrong("--to wants ADDRESS:PORT");
}

/* --- one client --- */

static void watch(struct world *w, const struct client *c, int op, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)(c - w->client)};
	epoll_ctl(w->epoll, op, c->fd, &e);
}

static void end(struct world *w, struct client *c, uint64_t *why)
{
	if (why)
		(*why)++;
	close(c->fd);
	c->state = CLIENT_DONE;
	w->live--;
}

static void fail(struct world *w, struct client *c, int error)
{
	struct tally *t = &w->tally;
	end(w, c,
	    error == ECONNREFUSED                   ? &t->refused
	    : error == ECONNRESET || error == EPIPE ? &t->reset
	    : error == ETIMEDOUT                    ? &t->timed_out
						    : &t->other);
}

static void begin(struct world *w)
{
	struct client *c = &w->client[w->tally.begun++];
	c->fd = socket(w->plan.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	c->start_ns = now_ns();
	c->state = CLIENT_CONNECTING;
	w->live++;
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&w->plan.to, w->plan.to_len) != 0 &&
			  errno != EINPROGRESS)) {
		fail(w, c, errno);
		return;
	}
	watch(w, c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void on_open(struct world *w, struct client *c)
{
	char ask[160];
	int error = 0;
	socklen_t size = sizeof(error);
	struct tcp_info info = {0};
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		fail(w, c, error);
		return;
	}
	c->open_ns = now_ns();
	size = sizeof(info);
	getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	c->syns = info.tcpi_total_retrans + 1;
	int n =
	    snprintf(ask, sizeof(ask),
		     "GET /bytes/%" PRIu64 " HTTP/1.1\r\nHost: rivals\r\nConnection: close\r\n\r\n",
		     w->plan.bytes);
	if (send(c->fd, ask, (size_t)n, MSG_NOSIGNAL) != n) {
		fail(w, c, errno);
		return;
	}
	c->state = CLIENT_READING;
	watch(w, c, EPOLL_CTL_MOD, EPOLLIN);
}

/* Where the body begins of in[n]; n when it does not yet. */
static size_t skip_head(struct client *c, const unsigned char *in, size_t n)
{
	static const char blank[] = "\r\n\r\n";
	for (size_t i = 0; i < n; i++) {
		c->matched =
		    in[i] == (unsigned char)blank[c->matched] ? c->matched + 1 : in[i] == '\r';
		if (c->matched == 4) {
			c->in_body = true;
			return i + 1;
		}
	}
	return n;
}

/* false: not the bytes that were asked for. */
static bool take(struct world *w, struct client *c, const unsigned char *in, size_t n)
{
	size_t skipped = c->in_body ? 0 : skip_head(c, in, n);
	if (skipped == n)
		return true;
	bool same = memcmp(in + skipped, w->pattern + c->got % PATTERN, n - skipped) == 0;
	c->got += n - skipped;
	return same && c->got <= w->plan.bytes;
}

static void on_whole(struct world *w, struct client *c)
{
	w->tally.first_syn += c->syns == 1;
	w->tally.three_syns += c->syns <= 3;
	end(w, c, &w->tally.whole);
}

static void on_readable(struct world *w, struct client *c)
{
	ssize_t n = recv(c->fd, w->in, w->read_max, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail(w, c, errno);
		return;
	}
	if (n == 0) {
		if (c->got == w->plan.bytes)
			on_whole(w, c);
		else
			end(w, c, &w->tally.short_body);
		return;
	}
	if (!c->first_ns)
		c->first_ns = now_ns();
	if (!take(w, c, w->in, (size_t)n))
		end(w, c, &w->tally.wrong_body);
}

static void on_event(struct world *w, const struct epoll_event *e)
{
	struct client *c = &w->client[e->data.u64];
	if (c->state == CLIENT_CONNECTING)
		on_open(w, c);
	else if (c->state == CLIENT_READING)
		on_readable(w, c);
}

/* In the order in which they began. */
static void end_late(struct world *w, uint64_t now)
{
	for (; w->oldest < w->tally.begun; w->oldest++) {
		struct client *c = &w->client[w->oldest];
		if (c->state == CLIENT_DONE)
			continue;
		if (now - c->start_ns < w->plan.timeout_ms * 1000000)
			return;
		end(w, c, &w->tally.timed_out);
	}
}

/* --- all of them --- */

static void wait_events(struct world *w, uint64_t until_ns)
{
	struct epoll_event e[EVENT_MAX];
	uint64_t now = now_ns();
	uint64_t left = until_ns > now ? until_ns - now : 0;
	struct timespec t = {.tv_sec = (time_t)(left / 1000000000),
			     .tv_nsec = (long)(left % 1000000000)};
	int n = epoll_pwait2(w->epoll, e, EVENT_MAX, &t, NULL);
	for (int i = 0; i < n; i++)
		on_event(w, &e[i]);
}

static void run_many(struct world *w)
{
	uint64_t start = now_ns(), now = start, look = 10000000;
	while (w->tally.begun < w->client_n || w->live) {
		uint64_t next = now + look;
		if (w->tally.begun < w->client_n) {
			uint64_t due = start + w->tally.begun * 1000000000 / w->plan.rate;
			if (now >= due)
				begin(w);
			else if (due < next)
				next = due;
			if (now >= due)
				next = now;
		}
		wait_events(w, next);
		now = now_ns();
		end_late(w, now);
	}
}

/* The time before which no more is to be read, when done bytes came since the start. */
static uint64_t may_read_ns(const struct world *w, uint64_t start, uint64_t done)
{
	return w->plan.mbit ? start + done * 8000 / w->plan.mbit : start;
}

static void pause_until(uint64_t at_ns)
{
	struct timespec t = {.tv_sec = (time_t)(at_ns / 1000000000),
			     .tv_nsec = (long)(at_ns % 1000000000)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* One transfer after the other, until the time is over. */
static void run_bulk(struct world *w)
{
	uint64_t start = now_ns(), now = start, from_ns = 0, from = 0, done = 0;
	uint64_t last = start + w->plan.seconds * 1000000000;
	begin(w);
	while (now < last) {
		const struct client *c = &w->client[w->tally.begun - 1];
		if (!w->live) {
			if (w->tally.whole < w->tally.begun || w->tally.begun == w->client_n)
				break;
			done += c->got;
			begin(w);
			continue;
		}
		if (!from_ns && now - start >= WARM_MS * 1000000ull) {
			from_ns = now;
			from = done + c->got;
		}
		uint64_t due = may_read_ns(w, start, done + c->got);
		if (due > now)
			pause_until(due < last ? due : last);
		else
			wait_events(w, last < now + 10000000 ? last : now + 10000000);
		now = now_ns();
	}
	struct client *c = &w->client[w->tally.begun - 1];
	w->bulk_bytes = done + c->got;
	if (from_ns && now > from_ns)
		w->bulk_mbit = (double)(w->bulk_bytes - from) * 8000 / (double)(now - from_ns);
	if (w->live)
		end(w, c, NULL);
}

/* --- what became of them --- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Microseconds from the start to an event that is offset bytes into struct client; 0 without any.
 */
static void quantiles(const struct world *w, size_t offset, const char *name)
{
	uint64_t *us = calloc(w->client_n, sizeof(*us)), n = 0;
	if (!us)
		return;
	for (uint64_t i = 0; i < w->tally.begun; i++) {
		const struct client *c = &w->client[i];
		uint64_t at = *(const uint64_t *)((const char *)c + offset);
		if (at)
			us[n++] = (at - c->start_ns) / 1000;
	}
	qsort(us, n, sizeof(*us), by_size);
	printf(" %s_us=%" PRIu64 " %s_p99_us=%" PRIu64 " %s_max_us=%" PRIu64, name,
	       n ? us[n / 2] : 0, name, n ? us[n * 99 / 100] : 0, name, n ? us[n - 1] : 0);
	free(us);
}

static void tell(const struct world *w)
{
	const struct tally *t = &w->tally;
	printf("clients: begun=%" PRIu64 " whole=%" PRIu64 " first_syn=%" PRIu64
	       " three_syns=%" PRIu64 " refused=%" PRIu64 " reset=%" PRIu64 " timed_out=%" PRIu64
	       " short=%" PRIu64 " wrong=%" PRIu64 " other=%" PRIu64,
	       t->begun, t->whole, t->first_syn, t->three_syns, t->refused, t->reset, t->timed_out,
	       t->short_body, t->wrong_body, t->other);
	quantiles(w, offsetof(struct client, open_ns), "open");
	quantiles(w, offsetof(struct client, first_ns), "first_byte");
	putchar('\n');
}

static int run(struct world *w)
{
	const struct tally *t = &w->tally;
	if (!w->plan.is_bulk) {
		run_many(w);
		tell(w);
		return t->whole == t->begun ? 0 : 1;
	}
	run_bulk(w);
	/* The last one is cut off by the clock. */
	bool good = w->bulk_bytes > 0 && t->whole + 1 >= t->begun && !t->refused && !t->reset &&
		    !t->timed_out && !t->short_body && !t->wrong_body && !t->other;
	printf("bulk: bytes=%" PRIu64 " mbit=%.1f good=%d syns=%u\n", w->bulk_bytes, w->bulk_mbit,
	       good, w->client[0].syns);
	return good ? 0 : 1;
}

static int make_world(struct world *w)
{
	struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_TIMERSLACK, 1);
	w->client_n = w->plan.is_bulk ? BULK_MAX : w->plan.rate * w->plan.seconds;
	w->client = calloc(w->client_n, sizeof(*w->client));
	/* Not more than what is due in a millisecond, so that it comes evenly. */
	w->read_max =
	    w->plan.mbit && w->plan.mbit * 125 < READ_SIZE ? w->plan.mbit * 125 : READ_SIZE;
	w->pattern = malloc(READ_SIZE + PATTERN);
	w->in = malloc(READ_SIZE);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!w->client || !w->pattern || !w->in || w->epoll < 0) {
		fprintf(stderr, "rivals_client: no memory for %" PRIu64 " clients\n", w->client_n);
		return 1;
	}
	for (size_t i = 0; i < READ_SIZE + PATTERN; i++)
		w->pattern[i] = (unsigned char)(i % PATTERN);
	return 0;
}

int main(int argc, char **argv)
{
	struct world w = {.plan.timeout_ms = 8000, .epoll = -1};
	bool help = false;
	int rc = read_plan(&w.plan, argc, argv, &help);
	if (help)
		fputs(usage, stdout);
	if (rc != 0 || help)
		return rc;
	rc = make_world(&w);
	if (rc == 0)
		rc = run(&w);
	free(w.client);
	free(w.pattern);
	free(w.in);
	if (w.epoll >= 0)
		close(w.epoll);
	return rc;
}
