/* SPDX-License-Identifier: BSD-3-Clause */
/* script_option.c: the --option=value lines at the top of a script, and what other stacks set with
 * sysctl. */
#include "script_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char allowed[] =
    "--ip_version=ipv4|ipv6|both --tolerance_usecs=N --lab=\"WORDS\" --mss=N --mtu=N "
    "--local_ip=A --remote_ip=A --bind_port=N --connect_port=N --isn=N --strict "
    "--option_order=exact|any";

/* Of the field's own runner; they say nothing to a lab. */
static const char *const harmless[] = {
    "netmask_ip",         "gateway_ip",      "live_local_ip", "live_remote_ip",
    "live_prefix",        "speed",           "init_scripts",  "wire_client",
    "wire_server",        "send_omit_free",  "non_fatal",     "dry_run",
    "persistent_tun_dev", "initial_seq",     "verbose",       "tcp_ts_tick_usecs",
    "tcp_ts_ecr_scaled",  "local_linux_tun", "debug",         "fm",
    "udp_encaps",
};

static bool add_words(struct script_in *in, const char *words)
{
	struct tg_script *s = in->script;
	size_t at = strlen(s->lab);
	const char *start = strstr(words, "start_ns=");

	if (at + strlen(words) + 2 > sizeof(s->lab))
		return script_wrong(in, "the lab's options are longer than %d bytes",
				    SCRIPT_LAB_WORDS);
	if (start)
		s->start_ns = strtoull(start + 9, NULL, 10);
	if (strstr(words, "service="))
		s->has_service = true;
	snprintf(s->lab + at, sizeof(s->lab) - at, "%s%s", at ? " " : "", words);
	return true;
}

static bool number(struct script_in *in, const char *key, const char *value, uint64_t max,
		   uint64_t *out)
{
	char *end;
	unsigned long long v = strtoull(value, &end, 0);

	if (!isdigit((unsigned char)value[0]) || *end || v > max)
		return script_wrong(in, "--%s=%s: must be a number from 0 to %llu", key, value,
				    (unsigned long long)max);
	*out = v;
	return true;
}

static bool set_family(struct script_in *in, const char *value)
{
	if (!strcmp(value, "both"))
		in->script->families = TG_SCRIPT_IP4 | TG_SCRIPT_IP6;
	else if (!strcmp(value, "ipv6"))
		in->script->families = TG_SCRIPT_IP6;
	else if (!strcmp(value, "ipv4") || !strcmp(value, "ipv4-mapped-ipv6"))
		in->script->families = TG_SCRIPT_IP4;
	else
		return script_wrong(in, "--ip_version=%s: must be ipv4, ipv6 or both", value);
	return true;
}

/* An address counts only in its own family: a script for both may name one of each. */
static bool set_address(struct script_in *in, const char *key, const char *value)
{
	struct tg_script *s = in->script;
	char *to = key[0] == 'l' ? s->local : s->remote;
	char word[128];

	if (strlen(value) >= sizeof(s->local) ||
	    strspn(value, "0123456789abcdefABCDEF.:") != strlen(value))
		return script_wrong(in, "--%s=%s: must be an address", key, value);
	if ((strchr(value, ':') != NULL) != s->v6)
		return true;
	snprintf(to, sizeof(s->local), "%s", value);
	snprintf(word, sizeof(word), "addr=%s/%d", value, s->v6 ? 64 : 16);
	return to != s->local || add_words(in, word);
}

static bool set_number(struct script_in *in, const char *key, const char *value)
{
	struct tg_script *s = in->script;
	char word[64];
	uint64_t v;

	if (!strcmp(key, "tolerance_usecs") || !strcmp(key, "tolerance_us")) {
		if (!number(in, key, value, 60000000, &v))
			return false;
		s->tolerance_ns = v * SCRIPT_NS_PER_US;
		return true;
	}
	if (!number(in, key, value, key[0] == 'i' ? UINT32_MAX : 65535, &v))
		return false;
	if (!strcmp(key, "isn"))
		s->isn = (uint32_t)v;
	else if (!strcmp(key, "bind_port"))
		s->bind_port = (uint16_t)v;
	else if (!strcmp(key, "connect_port"))
		s->connect_port = (uint16_t)v;
	else {
		snprintf(word, sizeof(word), "%s=%u", key[1] == 's' ? "mss_max" : "mtu",
			 (unsigned)v);
		return add_words(in, word);
	}
	return true;
}

static bool is_number_key(const char *key)
{
	static const char *const keys[] = {"tolerance_usecs", "tolerance_us", "isn", "bind_port",
					   "connect_port",    "mss",          "mtu"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static bool set_yes_no(struct script_in *in, bool *to, const char *key, const char *value,
		       const char *yes, const char *no)
{
	if (strcmp(value, yes) && strcmp(value, no) && value[0])
		return script_wrong(in, "--%s=%s: must be %s or %s", key, value, yes, no);
	*to = strcmp(value, no) != 0;
	return true;
}

bool script_set_option(struct script_in *in, const char *key, const char *value)
{
	if (!strcmp(key, "ip_version"))
		return set_family(in, value);
	if (!strcmp(key, "lab"))
		return add_words(in, value);
	if (!strcmp(key, "local_ip") || !strcmp(key, "remote_ip"))
		return set_address(in, key, value);
	if (is_number_key(key))
		return set_number(in, key, value);
	if (!strcmp(key, "strict"))
		return set_yes_no(in, &in->script->strict, key, value, "1", "0");
	if (!strcmp(key, "option_order"))
		return set_yes_no(in, &in->script->exact_opts, key, value, "exact", "any");
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (!strcmp(key, harmless[i])) {
			script_note(in, "--%s says nothing to a lab, ignored", key);
			return true;
		}
	return script_wrong(in, "unknown option --%s; there are %s", key, allowed);
}

/* Up to the end of a word, or of the quotes around it; false when it does not fit. */
static bool option_value(struct script_in *in, char *value, size_t size)
{
	char quote = in->p < in->end && (*in->p == '"' || *in->p == '\'') ? *in->p++ : 0;
	size_t n = 0;

	for (; in->p < in->end && *in->p != '\n'; in->p++) {
		if (quote ? *in->p == quote : isspace((unsigned char)*in->p))
			break;
		if (n + 1 >= size)
			return script_wrong(in, "the value of an option is too long");
		value[n++] = *in->p;
	}
	value[n] = 0;
	if (!quote)
		return true;
	if (in->p >= in->end || *in->p != quote)
		return script_wrong(in, "a text in quotes does not end");
	in->p++;
	return true;
}

bool script_parse_options(struct script_in *in)
{
	char key[32], value[SCRIPT_LAB_WORDS];

	while (script_eat(in, "--")) {
		if (!script_word(in, key, sizeof(key)))
			return script_wrong(in, "an option is missing; there are %s", allowed);
		value[0] = 0;
		if (in->p < in->end && *in->p == '=') {
			in->p++;
			if (!option_value(in, value, sizeof(value)))
				return false;
		}
		if (!script_set_option(in, key, value))
			return false;
	}
	return !in->failed;
}

bool script_override(struct script_in *in, const char *overrides)
{
	struct script_in over = *in;

	if (!overrides)
		return true;
	over.start = over.p = overrides;
	over.end = overrides + strlen(overrides);
	if (script_parse_options(&over))
		return true;
	in->failed = over.failed;
	in->verdict = over.verdict;
	return false;
}

/* --- sysctl, as scripts for Linux begin --- */

static const struct {
	const char *name, *value, *words;
} sysctls[] = {
    {"tcp_timestamps", "0", "timestamps=off"},
    {"tcp_timestamps", "1", "timestamps=on"},
    {"tcp_sack", "0", "sack=off"},
    {"tcp_sack", "1", "sack=on"},
    {"tcp_ecn", "0", "ecn=off"},
    {"tcp_ecn", "1", "ecn=on"},
    {"tcp_congestion_control", "reno", "congestion=newreno"},
    {"tcp_congestion_control", "cubic", "congestion=cubic"},
    {"tcp_syncookies", "0", "syn_cookies=off"},
    {"tcp_syncookies", "1", "syn_cookies=auto"},
    {"tcp_syncookies", "2", "syn_cookies=always"},
};

/* net.ipv4.NAME=VALUE */
static bool one_sysctl(struct script_in *in, const char *text)
{
	const char *name = strncmp(text, "net.ipv4.", 9) ? NULL : text + 9;
	const char *eq = name ? strchr(name, '=') : NULL;
	char words[64];

	if (!eq)
		return false;
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		if (strlen(sysctls[i].name) == (size_t)(eq - name) &&
		    !strncmp(sysctls[i].name, name, (size_t)(eq - name)) &&
		    !strcmp(sysctls[i].value, eq + 1))
			return add_words(in, sysctls[i].words);
	if (strncmp(name, "tcp_fin_timeout=", 16) || !isdigit((unsigned char)eq[1]))
		return false;
	snprintf(words, sizeof(words), "fin_wait_2_ms=%lu",
		 strtoul(eq + 1, NULL, 10) % 100000 * 1000);
	return add_words(in, words);
}

void script_shell(struct script_in *in, const char *command, size_t len)
{
	char text[256], *save = NULL;
	bool known = true, any = false;

	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), command);
	if (!strstr(text, "sysctl")) {
		script_note(in, "a shell command says nothing to a lab, ignored");
		return;
	}
	for (char *w = strtok_r(text, " \t\n;\"'", &save); w;
	     w = strtok_r(NULL, " \t\n;\"'", &save)) {
		if (!strchr(w, '='))
			continue;
		any = true;
		known = one_sysctl(in, w) && known;
	}
	if (!known || !any)
		script_note(in, "a sysctl that the lab has no key for, ignored");
}
