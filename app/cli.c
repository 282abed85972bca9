/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has nothing else to write to. */
static volatile sig_atomic_t interrupted;
static struct timespec interrupted_at;

enum { SAME_SIGNAL_MS = 50 };

static void say(const char *command, const char *format, va_list args)
{
	char text[1024];
	vsnprintf(text, sizeof(text), format, args);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ' '; /* one line, whatever is quoted in it */
	fprintf(stderr, "tidegate %s: %s\n", command, text);
}

int tg_cli_usage(const char *command, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(command, format, args);
	va_end(args);
	return TG_EXIT_USAGE;
}

int tg_cli_failed(const char *command, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(command, format, args);
	va_end(args);
	return TG_EXIT_FAILED;
}

int tg_cli_option(int argc, char **argv, const char *shorts, const struct option *longs)
{
	opterr = 0;
	int c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == ':')
		tg_cli_usage(argv[0], "%s needs a value: see `tidegate %s --help`",
			     argv[optind - 1], argv[0]);
	else if (c == '?')
		tg_cli_usage(argv[0], "unknown option %s: see `tidegate %s --help`",
			     argv[optind - 1], argv[0]);
	return c == ':' ? '?' : c;
}

int tg_cli_no_options(int argc, char **argv, const char *usage)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int c = tg_cli_option(argc, argv, ":h", longs);
	if (c == 'h') {
		fputs(usage, stdout);
		return TG_EXIT_OK;
	}
	if (c != -1)
		return TG_EXIT_USAGE;
	if (optind < argc)
		return tg_cli_usage(argv[0], "takes no arguments: %s", argv[optind]);
	return -1;
}

bool tg_cli_number(const char *command, const char *option, const char *text, uint64_t min,
		   uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno == 0 && end != text && !*end && text[0] != '-' && v >= min && v <= max) {
		*out = v;
		return true;
	}
	tg_cli_usage(command, "%s %s: must be a whole number from %llu to %llu", option, text,
		     (unsigned long long)min, (unsigned long long)max);
	return false;
}

int tg_cli_split(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i;
	return argc;
}

int tg_cli_printed(const char *command)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return TG_EXIT_OK;
	return tg_cli_failed(command, "standard output cannot be written: %s", strerror(errno));
}

uint64_t tg_cli_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void tg_cli_pause_ms(uint32_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&ts, NULL);
}

static void on_signal(int sig)
{
	struct timespec now;
	(void)sig;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!interrupted) {
		interrupted_at = now;
		interrupted = 1;
		return;
	}
	/* timeout(1) and some shells send one signal twice, to the process and to its group. */
	int64_t ms = (now.tv_sec - interrupted_at.tv_sec) * 1000 +
		     (now.tv_nsec - interrupted_at.tv_nsec) / 1000000;
	if (ms >= SAME_SIGNAL_MS)
		_exit(TG_EXIT_FAILED);
}

void tg_cli_catch_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader of our output that goes away is no reason to end */
}

bool tg_cli_is_interrupted(void)
{
	return interrupted;
}
