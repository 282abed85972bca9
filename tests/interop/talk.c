/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "talk.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum {
	CHUNK = 16384,
	STEP_CHUNKS = 16,
	OVER_MS = 2000, /* a timed client goes on so long after its time: the server stops it */
};

static const uint64_t magic = 0x7469646567617465ull;

static uint64_t mix(uint64_t z) /* splitmix64 */
{
	z += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void talk_pattern(uint64_t seed, uint64_t at, void *buf, size_t len)
{
	unsigned char *to = buf;

	while (len) {
		uint64_t word = mix(seed + at / 8);
		size_t skip = at % 8, n = 8 - skip < len ? 8 - skip : len;
		memcpy(to, (unsigned char *)&word + skip, n);
		to += n;
		at += n;
		len -= n;
	}
}

/* Over bytes, so that it does not matter how they were cut into segments. */
static uint64_t hash_on(uint64_t h, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

static void flow_init(struct talk_flow *f, uint64_t seed)
{
	*f = (struct talk_flow){.seed = seed, .hash = 0xcbf29ce484222325ull};
}

static bool broken(struct talk *t, const char *what, ssize_t rc)
{
	t->end = TALK_BROKEN;
	snprintf(t->why, sizeof(t->why), "%s%s%s", what, rc < 0 ? ": " : "",
		 rc < 0 ? strerror((int)-rc) : "");
	return true;
}

void talk_init(struct talk *t, enum talk_role role, const struct talk_plan *plan,
	       const struct talk_ops *ops, void *host, int sock, uint64_t now_us)
{
	*t = (struct talk){.role = role,
			   .end = TALK_GOING,
			   .ops = ops,
			   .host = host,
			   .sock = sock,
			   .start_us = now_us};
	if (plan)
		t->plan = *plan;
	/* The two directions have bytes of their own. A server learns the seed from the head. */
	flow_init(&t->out, t->plan.seed);
	flow_init(&t->in, role == TALK_HTTP ? t->plan.seed : ~t->plan.seed);
}

/* --- what arrives --- */

static void flow_take(struct talk_flow *f, const unsigned char *p, size_t n, uint64_t now_us)
{
	unsigned char want[CHUNK];

	if (n == 0)
		return;
	if (f->first_us == 0) {
		f->first_us = now_us;
		f->mark_us += now_us;
		f->stop_us += f->stop_us ? now_us : 0;
	}
	if (f->stop_us && now_us >= f->stop_us) {
		f->stopped = true;
		return;
	}
	if (now_us >= f->mark_us && f->mark_bytes == 0) {
		f->mark_us = now_us;
		f->mark_bytes = f->bytes + 1; /* + 1: 0 says that the mark is ahead */
	}
	talk_pattern(f->seed, f->bytes, want, n);
	f->wrong |= memcmp(want, p, n) != 0;
	f->hash = hash_on(f->hash, p, n);
	f->bytes += n;
	f->last_us = now_us;
}

double talk_goodput(const struct talk_flow *f)
{
	if (f->mark_bytes == 0 || f->last_us <= f->mark_us)
		return 0;
	return (double)(f->bytes - (f->mark_bytes - 1)) * 8 / (double)(f->last_us - f->mark_us);
}

static void learn_head(struct talk *t)
{
	uint64_t word[TALK_HEAD / 8];

	memcpy(word, t->part, TALK_HEAD);
	if (word[0] != magic) {
		broken(t, "not a head", 0);
		return;
	}
	t->plan = (struct talk_plan){
	    .seed = word[1], .down = word[2], .run_ms = word[3], .mark_ms = word[4]};
	flow_init(&t->in, t->plan.seed);
	flow_init(&t->out, ~t->plan.seed);
	t->in.mark_us = t->plan.mark_ms * 1000;
	t->in.stop_us = t->plan.run_ms * 1000;
	t->began = true;
}

/* Server: the head first, then bytes. */
static void server_take(struct talk *t, const unsigned char *p, size_t n, uint64_t now_us)
{
	while (!t->began && n && t->end == TALK_GOING) {
		t->part[t->part_n++] = *p++;
		n--;
		if (t->part_n == TALK_HEAD)
			learn_head(t);
	}
	if (t->end == TALK_GOING)
		flow_take(&t->in, p, n, now_us);
}

/* Client: all but the last TALK_TAIL bytes are the stream. */
static void client_take(struct talk *t, const unsigned char *p, size_t n, uint64_t now_us)
{
	size_t whole = t->part_n + n, pass = whole > TALK_TAIL ? whole - TALK_TAIL : 0;
	size_t old = pass < t->part_n ? pass : t->part_n;

	/* What was kept came before: the tail, which waits for our FIN, must not date it. */
	flow_take(&t->in, t->part, old, t->part_us);
	memmove(t->part, t->part + old, t->part_n - old);
	t->part_n -= old;
	flow_take(&t->in, p, pass - old, now_us);
	memcpy(t->part + t->part_n, p + (pass - old), n - (pass - old));
	t->part_n += n - (pass - old);
	t->part_us = now_us;
}

static void http_take(struct talk *t, const unsigned char *p, size_t n, uint64_t now_us)
{
	while (!t->began && n) {
		if (t->part_n == sizeof(t->part)) {
			broken(t, "the head of the answer has no end", 0);
			return;
		}
		t->part[t->part_n++] = *p++;
		n--;
		t->began = t->part_n >= 4 && !memcmp(t->part + t->part_n - 4, "\r\n\r\n", 4);
	}
	flow_take(&t->in, p, n, now_us);
}

static bool read_on(struct talk *t, uint64_t now_us)
{
	unsigned char buf[CHUNK];
	ssize_t n = t->ops->read(t->host, t->sock, buf, sizeof(buf) - TALK_TAIL);

	if (n == -EAGAIN)
		return false;
	/* What a timed client has left when it knows the result is thrown away. */
	if (n < 0 && t->in.stopped && t->shut)
		n = 0;
	if (n < 0)
		return broken(t, "read", n);
	if (n == 0) {
		t->eof = true;
		return true;
	}
	if (t->role == TALK_SERVER)
		server_take(t, buf, (size_t)n, now_us);
	else if (t->role == TALK_CLIENT)
		client_take(t, buf, (size_t)n, now_us);
	else
		http_take(t, buf, (size_t)n, now_us);
	return true;
}

/* --- what is sent --- */

/* n of a text of len bytes are sent already; 1 when all of it is, 0 when there is no room now. */
static int write_text(struct talk *t, const void *text, size_t len, size_t *n)
{
	while (*n < len) {
		ssize_t w = t->ops->write(t->host, t->sock, (const char *)text + *n, len - *n);
		if (w == -EAGAIN || w == 0)
			return 0;
		if (w < 0) {
			broken(t, "write", w);
			return 0;
		}
		*n += (size_t)w;
	}
	return 1;
}

static int write_head(struct talk *t)
{
	const struct talk_plan *p = &t->plan;
	uint64_t word[TALK_HEAD / 8] = {magic, p->seed, p->down, p->run_ms, p->mark_ms};
	char text[512];

	if (t->role == TALK_CLIENT)
		return write_text(t, word, TALK_HEAD, &t->head_n);
	int len =
	    snprintf(text, sizeof(text),
		     "GET %s HTTP/1.1\r\nHost: tidegate\r\nConnection: close\r\n\r\n", p->path);
	return write_text(t, text, (size_t)len, &t->head_n);
}

static int write_tail(struct talk *t)
{
	const struct talk_flow *in = &t->in;
	uint64_t base = in->mark_bytes ? in->mark_bytes - 1 : in->bytes;
	uint64_t word[TALK_TAIL / 8] = {in->bytes,
					in->hash,
					in->bytes - base,
					in->mark_us,
					in->last_us,
					t->out.bytes,
					t->out.hash ^ (in->wrong ? 1 : 0)};

	return write_text(t, word, TALK_TAIL, &t->tail_n);
}

/* Whether the stream has more to send. */
static bool has_more(const struct talk *t, uint64_t now_us)
{
	uint64_t want = t->role == TALK_SERVER ? t->plan.down : t->plan.up;

	if (t->role == TALK_HTTP || want == 0)
		return false;
	if (t->plan.run_ms)
		return !t->eof && now_us < t->start_us + (t->plan.run_ms + OVER_MS) * 1000;
	return t->out.bytes < want;
}

static bool send_stream(struct talk *t)
{
	unsigned char buf[CHUNK];
	uint64_t want = t->role == TALK_SERVER ? t->plan.down : t->plan.up;
	size_t n = sizeof(buf);

	if (!t->plan.run_ms && want - t->out.bytes < n)
		n = (size_t)(want - t->out.bytes);
	talk_pattern(t->out.seed, t->out.bytes, buf, n);
	ssize_t w = t->ops->write(t->host, t->sock, buf, n);
	if (w == -EAGAIN || w == 0)
		return false;
	if (w < 0)
		return broken(t, "write", w);
	t->out.hash = hash_on(t->out.hash, buf, (size_t)w);
	t->out.bytes += (size_t)w;
	return true;
}

/* True when something was sent. A server waits for the head first, and with its tail for the FIN.
 */
static bool write_on(struct talk *t, uint64_t now_us)
{
	if (t->shut || (t->role == TALK_SERVER && !t->began))
		return false;
	if (t->role != TALK_SERVER && !write_head(t))
		return false;
	if (has_more(t, now_us))
		return send_stream(t);
	if (t->role == TALK_HTTP ||
	    (t->role == TALK_SERVER && ((!t->eof && !t->in.stopped) || !write_tail(t))))
		return false;
	/* A timed client waits for the result instead of sending its FIN behind all that is queued.
	 */
	if (t->role == TALK_CLIENT && t->plan.run_ms)
		return false;
	t->shut = true;
	t->ops->shut(t->host, t->sock);
	return true;
}

/* --- the end --- */

static bool judge_client(struct talk *t)
{
	uint64_t word[TALK_TAIL / 8];

	if (t->part_n != TALK_TAIL)
		return broken(t, "the stream ended without its tail", 0);
	memcpy(word, t->part, sizeof(word));
	t->peer_in = (struct talk_flow){.bytes = word[0],
					.hash = word[1],
					.mark_bytes = word[0] - word[2] + 1,
					.mark_us = word[3],
					.last_us = word[4]};
	if (t->in.wrong)
		return broken(t, "a byte that arrived was not what was sent", 0);
	/* A timed server has stopped before all was there; it has looked at each byte. */
	if (!t->plan.run_ms && (word[0] != t->out.bytes || word[1] != t->out.hash))
		return broken(t, "the server's hash of what we sent differs", 0);
	if (word[5] != t->in.bytes || word[6] != t->in.hash)
		return broken(t, "the hash of what we received differs", 0);
	t->end = TALK_DONE;
	return true;
}

static bool judge(struct talk *t)
{
	if (t->role == TALK_CLIENT)
		return judge_client(t);
	if (t->role == TALK_SERVER) {
		if (!t->began || t->in.wrong)
			return broken(t, t->began ? "wrong bytes came" : "no head came", 0);
		t->end = TALK_DONE;
		return true;
	}
	if (strncmp((char *)t->part, "HTTP/1.1 200", 12))
		return broken(t, "the answer is not 200", 0);
	if (t->in.wrong || t->in.bytes != t->plan.down)
		return broken(t, "the body differs", 0);
	t->end = TALK_DONE;
	return true;
}

bool talk_step(struct talk *t, uint64_t now_us)
{
	bool moved = false;

	for (int i = 0; i < STEP_CHUNKS && t->end == TALK_GOING; i++) {
		bool wrote = write_on(t, now_us);
		bool did = t->end == TALK_GOING && !t->eof && read_on(t, now_us);
		if (!wrote && !did)
			break;
		moved = true;
	}
	bool said = t->shut || t->role == TALK_HTTP || (t->role == TALK_CLIENT && t->plan.run_ms);

	if (t->end == TALK_GOING && t->eof && said)
		judge(t);
	return moved;
}

static double jain(double sum, double squares, size_t n)
{
	return squares > 0 ? sum * sum / ((double)n * squares) : 0;
}

int talk_report(const char *who, const struct talk *const t[], size_t n, uint64_t now_us)
{
	double up = 0, up2 = 0, down = 0, down2 = 0;
	uint64_t sent = 0, received = 0, hash_out = 0, hash_in = 0, start = UINT64_MAX;
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		double u = talk_goodput(&t[i]->peer_in), d = talk_goodput(&t[i]->in);
		if (t[i]->end != TALK_DONE && failed++ < 3)
			printf("%s: connection %zu: %s\n", who, i,
			       t[i]->why[0] ? t[i]->why : "not done when time was up");
		start = t[i]->start_us < start ? t[i]->start_us : start;
		sent += t[i]->out.bytes;
		received += t[i]->in.bytes;
		hash_out += t[i]->out.hash;
		hash_in += t[i]->in.hash;
		up += u;
		up2 += u * u;
		down += d;
		down2 += d * d;
	}
	printf("%s: n=%zu failed=%d sent=%" PRIu64 " hash_sent=%016" PRIx64 " received=%" PRIu64
	       " hash_received=%016" PRIx64
	       " up_mbit=%.2f down_mbit=%.2f jain_up=%.4f jain_down=%.4f seconds=%.2f\n",
	       who, n, failed, sent, hash_out, received, hash_in, up, down, jain(up, up2, n),
	       jain(down, down2, n), n ? (double)(now_us - start) / 1e6 : 0);
	return failed;
}

void talk_first(int priority)
{
	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK,
			   &(struct sched_param){.sched_priority = priority});
}
