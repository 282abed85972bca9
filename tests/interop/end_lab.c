/* SPDX-License-Identifier: BSD-3-Clause */
/* end_lab.c: a lab on the machine's clock behind an Ethernet header, as server or as client. */
#define _GNU_SOURCE
#include "end.h"
#include "lab.h"
#include "link.h"
#include "talk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ETHER = 14, TALK_MAX = 4096, LINGER_NS = 300000000, WHAT_MAX = 600 };

struct end_lab {
	struct end end;
	struct tg_lab *lab;
	enum talk_role role;
	struct talk_plan plan;
	char to[64], path[256], options[WHAT_MAX];
	unsigned port;
	unsigned char mac[2][6]; /* of the other end, ours */
	size_t want, ended, failed;
	struct talk *talk[TALK_MAX];
	size_t talk_n;
	int listener;
	bool busy;        /* there is something to do or to collect, at once */
	uint64_t done_ns; /* 0: not done */
};

static ssize_t lab_read(void *host, int sock, void *buf, size_t len)
{
	return tg_lab_read(host, sock, buf, len);
}
static ssize_t lab_write(void *host, int sock, const void *buf, size_t len)
{
	return tg_lab_write(host, sock, buf, len);
}
static int lab_shut(void *host, int sock)
{
	return tg_lab_shutdown(host, sock, SHUT_WR);
}
static const struct talk_ops lab_ops = {lab_read, lab_write, lab_shut};

static void add_talk(struct end_lab *l, int sock, const struct talk_plan *plan, uint64_t now_us)
{
	struct talk *t = malloc(sizeof(*t));

	talk_init(t, l->role, plan, &lab_ops, l->lab, sock, now_us);
	l->talk[l->talk_n++] = t;
}

static void accept_all(struct end_lab *l, uint64_t now_us)
{
	while (l->listener >= 0 && l->talk_n < TALK_MAX) {
		int sock = tg_lab_accept(l->lab, l->listener);
		if (sock < 0)
			return;
		add_talk(l, sock, NULL, now_us);
	}
}

static void end_talk(struct end_lab *l, struct talk *t)
{
	/* Nobody waits for what a timed run has left over. */
	if (t->plan.run_ms && t->role == TALK_CLIENT)
		tg_lab_abort(l->lab, t->sock);
	else
		tg_lab_close(l->lab, t->sock);
	t->sock = -1;
	l->ended++;
	l->failed += t->end == TALK_BROKEN;
	if (t->end == TALK_BROKEN && l->role == TALK_SERVER)
		printf("lab server: %s\n", t->why);
}

/* All that we said, the FIN too, has been acknowledged, or will never be. */
static bool is_drained(const struct end_lab *l, const struct talk *t)
{
	int64_t unacked = 0, unsent = 0;
	const char *state = tg_lab_state(l->lab, t->sock);

	if (t->end == TALK_BROKEN || t->role == TALK_HTTP || t->plan.run_ms)
		return true;
	tg_lab_getopt(l->lab, t->sock, TG_LAB_UNACKED_BYTES, &unacked);
	tg_lab_getopt(l->lab, t->sock, TG_LAB_UNSENT_BYTES, &unsent);
	return unacked + unsent == 0 && strcmp(state, "LAST-ACK") && strcmp(state, "CLOSING") &&
	       strcmp(state, "FIN-WAIT-1");
}

/* A server forgets what has ended, a client keeps it for its report. */
static void step_all(struct end_lab *l, uint64_t now_ns)
{
	size_t kept = 0;

	l->busy = false;
	accept_all(l, now_ns / 1000);
	for (size_t i = 0; i < l->talk_n; i++) {
		struct talk *t = l->talk[i];
		if (t->end == TALK_GOING && tg_lab_poll(l->lab, t->sock))
			l->busy |= talk_step(t, now_ns / 1000);
		if (t->end != TALK_GOING && t->sock >= 0 && is_drained(l, t))
			end_talk(l, t);
		if (t->sock >= 0 || l->role != TALK_SERVER)
			l->talk[kept++] = t;
		else
			free(t);
	}
	l->talk_n = kept;
	if (l->want && l->ended >= l->want && !l->done_ns)
		l->done_ns = now_ns + LINGER_NS;
}

static void lab_collect(struct end *e, uint64_t now_ns, end_out out, void *arg)
{
	static unsigned char frame[ETHER + 65536];
	struct end_lab *l = (struct end_lab *)e;
	uint64_t sent_ns;
	size_t len;

	tg_lab_advance(l->lab, now_ns);
	step_all(l, now_ns);
	memcpy(frame, l->mac, 12);
	while ((len = tg_lab_output(l->lab, frame + ETHER, sizeof(frame) - ETHER, &sent_ns)) > 0) {
		bool v6 = frame[ETHER] >> 4 == 6;
		frame[12] = v6 ? 0x86 : 0x08;
		frame[13] = v6 ? 0xdd : 0x00;
		e->frames_in++;
		out(arg, sent_ns < now_ns ? sent_ns : now_ns, frame, ETHER + len);
	}
}

/* The lab has no link: what is not IP (ARP; ND is answered by nobody either) ends here. */
static void lab_give(struct end *e, uint64_t now_ns, struct link_frame *const f[], size_t n)
{
	struct end_lab *l = (struct end_lab *)e;
	const void *at[END_BATCH];
	size_t len[END_BATCH], k = 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = f[i]->bytes;
		unsigned type = f[i]->len > ETHER ? (unsigned)(p[12] << 8 | p[13]) : 0;
		if (type != 0x0800 && type != 0x86dd)
			continue;
		at[k] = p + ETHER;
		len[k++] = f[i]->len - ETHER;
	}
	e->frames_out += k;
	/* In pairs, and the reader has its turn after each: a burst would be answered by one ACK
	 * with the window as it is before anybody could read. */
	for (size_t i = 0; i < k; i += 2) {
		tg_lab_input_burst(l->lab, now_ns, at + i, len + i, k - i < 2 ? 1 : 2);
		step_all(l, now_ns);
	}
	l->busy |= k > 0; /* its answers wait to be collected */
}

static uint64_t lab_due(const struct end *e)
{
	const struct end_lab *l = (const struct end_lab *)e;
	uint64_t due = tg_lab_next_deadline(l->lab);

	if (l->busy)
		return 0;
	return l->done_ns && l->done_ns < due ? l->done_ns : due;
}

/* Done is: all talks have ended, and our last ACKs had time to get there. */
static bool lab_is_done(const struct end *e, uint64_t now_ns)
{
	const struct end_lab *l = (const struct end_lab *)e;

	return l->done_ns && now_ns >= l->done_ns;
}

static void say_counters(const struct end_lab *l)
{
	static const char *const names[] = {"rexmit", "rexmit_fast", "rto", "ofo_queued",
					    "ofo_drop"};

	printf("lab:");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf(" %s=%" PRId64, names[i], tg_lab_counter(l->lab, names[i]));
	printf("\n");
}

static bool lab_close(struct end *e, uint64_t now_ns)
{
	struct end_lab *l = (struct end_lab *)e;
	bool good = l->failed == 0 && (l->want == 0 || l->ended >= l->want);
	char why[200];

	if (l->role == TALK_SERVER)
		printf("lab server: ended=%zu failed=%zu open=%zu\n", l->ended, l->failed,
		       l->talk_n);
	else
		good &= talk_report("lab client", (const struct talk *const *)l->talk, l->talk_n,
				    now_ns / 1000) == 0;
	say_counters(l);
	if (!tg_lab_validate(l->lab, why, sizeof(why))) {
		printf("lab: not valid: %s\n", why);
		good = false;
	}
	for (size_t i = 0; i < l->talk_n; i++)
		free(l->talk[i]);
	tg_lab_free(l->lab);
	free(l);
	return good;
}

/* --- words --- */

static bool parse_mac(const char *text, unsigned char mac[6])
{
	unsigned b[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (unsigned char)b[i];
	return true;
}

static bool take_role(struct end_lab *l, const char *value)
{
	l->role = !strcmp(value, "serve")  ? TALK_SERVER
		  : !strcmp(value, "talk") ? TALK_CLIENT
		  : !strcmp(value, "http") ? TALK_HTTP
					   : 0;
	return l->role != 0;
}

static bool take_word(struct end_lab *l, const char *word)
{
	const char *value = strchr(word, '=');
	size_t key = value ? (size_t)(value++ - word) : 0;
	char *end = NULL;
	uint64_t number = value ? strtoull(value, &end, 0) : 0;
	struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {{"up", &l->plan.up},
		       {"down", &l->plan.down},
		       {"run_ms", &l->plan.run_ms},
		       {"mark_ms", &l->plan.mark_ms},
		       {"seed_talk", &l->plan.seed}};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strlen(numbers[i].key) == key && !strncmp(word, numbers[i].key, key)) {
			*numbers[i].to = number;
			return true;
		}
	if (!strncmp(word, "role=", 5))
		return take_role(l, value);
	if (!strncmp(word, "mac=", 4))
		return parse_mac(value, l->mac[0]);
	if (!strncmp(word, "port=", 5))
		l->port = (unsigned)number;
	else if (!strncmp(word, "n=", 2))
		l->want = number;
	else if (!strncmp(word, "to=", 3))
		snprintf(l->to, sizeof(l->to), "%s", value);
	else if (!strncmp(word, "path=", 5))
		snprintf(l->path, sizeof(l->path), "%s", value);
	else
		snprintf(l->options + strlen(l->options), WHAT_MAX - strlen(l->options), " %s",
			 word);
	return true;
}

static bool take_words(struct end_lab *l, const char *words, char *err, size_t err_size)
{
	char text[WHAT_MAX], *save = NULL;

	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!take_word(l, w)) {
			snprintf(err, err_size, "lab: %s is not understood", w);
			return false;
		}
	if (!l->role)
		snprintf(err, err_size, "lab: role= is missing");
	return l->role != 0;
}

static bool begin_role(struct end_lab *l, uint64_t now_ns, char *err, size_t err_size)
{
	int rc;

	l->listener = -1;
	if (l->role == TALK_SERVER) {
		rc = l->listener = tg_lab_listen(l->lab, NULL, (uint16_t)l->port, 1024, NULL);
	} else {
		rc = l->want == 0 || l->want > TALK_MAX ? -EINVAL : 0;
		for (size_t i = 0; i < l->want && rc >= 0; i++) {
			struct talk_plan plan = l->plan;
			/* An HTTP server has one file, others send each connection its own bytes.
			 */
			plan.seed += l->role == TALK_HTTP ? 0 : i;
			rc = tg_lab_connect(l->lab, NULL, 0, l->to, (uint16_t)l->port, NULL);
			if (rc >= 0)
				add_talk(l, rc, &plan, now_ns / 1000);
		}
	}
	if (rc < 0)
		snprintf(err, err_size, "lab: cannot begin: %s", strerror(-rc));
	return rc >= 0;
}

struct end *end_lab_open(const char *words, uint64_t now_ns, char *err, size_t err_size)
{
	struct end_lab *l = calloc(1, sizeof(*l));

	*l = (struct end_lab){
	    .port = 9000, .plan.seed = 1, .mac = {{2, 0, 0, 0, 0, 10}, {2, 0, 0, 0, 0, 11}}};
	l->end = (struct end){.name = "lab",
			      .fd = -1,
			      .collect = lab_collect,
			      .give = lab_give,
			      .due = lab_due,
			      .is_done = lab_is_done,
			      .close = lab_close};
	l->plan.path = l->path;
	snprintf(l->options, sizeof(l->options), "start_ns=%" PRIu64, now_ns);
	if (!take_words(l, words, err, err_size))
		goto fail;
	l->lab = tg_lab_new(l->options, err, err_size);
	if (!l->lab)
		goto fail;
	if (begin_role(l, now_ns, err, err_size))
		return &l->end;
	tg_lab_free(l->lab);
fail:
	free(l);
	return NULL;
}
