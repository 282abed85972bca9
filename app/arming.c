/* SPDX-License-Identifier: BSD-3-Clause */
#include "arming.h"

#include <time.h>

/* What all workers say of a listener. */
struct state {
	uint32_t over_n, half_n; /* workers on which it is over; entries on these */
	uint8_t why;
};

static void look(struct tg_host *h, struct state state[TG_LISTENER_MAX])
{
	struct tg_sight s;
	for (uint32_t w = 0; w < h->worker_n; w++) {
		tg_worker_see(&h->worker[w], &s);
		for (uint32_t i = 0; i < s.listener_n; i++) {
			if (!s.listener[i].over)
				continue;
			state[i].over_n++;
			state[i].half_n += s.listener[i].half_n;
			state[i].why = s.listener[i].why;
		}
	}
}

static const char *clock_text(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = 0;
	return text;
}

static void tell_over(const struct tg_listener_conf *l, const struct state *s, FILE *out)
{
	char text[32];
	bool dry = l->syn_cookies == TG_COOKIES_DRY_RUN;
	fprintf(out, "%s listener %s: %scookies %sarmed: ", clock_text(text, sizeof(text)), l->name,
		dry ? "dry run: " : "", dry ? "would have " : "");
	if (s->why == TG_ARM_POOL)
		fprintf(out, "the connections are used up (%u half-open)\n", s->half_n);
	else
		fprintf(out, "%u half-open, synq_high is %u a worker\n", s->half_n, l->synq_high);
}

static void tell_under(const struct tg_listener_conf *l, double seconds, FILE *out)
{
	char text[32];
	bool dry = l->syn_cookies == TG_COOKIES_DRY_RUN;
	fprintf(out, "%s listener %s: %scookies %sdisarmed, after %.1f s\n",
		clock_text(text, sizeof(text)), l->name, dry ? "dry run: " : "",
		dry ? "would have " : "", seconds);
}

void tg_arming_poll(struct tg_arming *a, struct tg_host *h, uint64_t now_ns, FILE *out)
{
	struct state state[TG_LISTENER_MAX] = {0};
	look(h, state);
	for (uint32_t i = 0; i < h->plan->listener_n; i++) {
		bool over = state[i].over_n > 0;
		if (over == a->over[i])
			continue;
		a->over[i] = over;
		if (over) {
			a->since_ns[i] = now_ns;
			tell_over(&h->plan->listener[i], &state[i], out);
		} else {
			tell_under(&h->plan->listener[i], (double)(now_ns - a->since_ns[i]) / 1e9,
				   out);
		}
		fflush(out);
	}
}

void tg_arming_line(struct tg_host *h, FILE *out)
{
	struct state state[TG_LISTENER_MAX] = {0};
	const char *sep = "  armed: ";
	look(h, state);
	for (uint32_t i = 0; i < h->plan->listener_n; i++) {
		const struct tg_listener_conf *l = &h->plan->listener[i];
		bool dry = l->syn_cookies == TG_COOKIES_DRY_RUN;
		if (!state[i].over_n)
			continue;
		fprintf(out, "%s%s%s%s", sep, dry ? "(" : "", l->name, dry ? ")" : "");
		sep = ", ";
	}
}
