/* SPDX-License-Identifier: BSD-3-Clause */
/* cli.h: what all commands share: exit codes, the one-line errors, options. */
#ifndef TG_APP_CLI_H
#define TG_APP_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* DESIGN 2: success; a finding or a failed run; bad usage or configuration. */
enum { TG_EXIT_OK = 0, TG_EXIT_FAILED = 1, TG_EXIT_USAGE = 2 };

struct tg_command {
	const char *name, *about;
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

int tg_cmd_serve(int argc, char **argv);
int tg_cmd_shield(int argc, char **argv);
int tg_cmd_load(int argc, char **argv);
int tg_cmd_bench(int argc, char **argv);
int tg_cmd_plan(int argc, char **argv);
int tg_cmd_stats(int argc, char **argv);
int tg_cmd_doctor(int argc, char **argv);
int tg_cmd_demo(int argc, char **argv);
int tg_cmd_keys(int argc, char **argv);
int tg_cmd_fleet_key(int argc, char **argv);
int tg_cmd_script(int argc, char **argv);
int tg_cmd_explain(int argc, char **argv);
int tg_cmd_prove(int argc, char **argv);

/* Prints "tidegate COMMAND: ..." as one line to stderr; returns TG_EXIT_USAGE. */
int tg_cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Likewise; returns TG_EXIT_FAILED. */
int tg_cli_failed(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* getopt_long with our own message: the option's value, -1 at the end, '?' after a message. */
int tg_cli_option(int argc, char **argv, const char *shorts, const struct option *longs);
/* The options of a command that has none but --help: -1 to go on, or the exit code, after the usage
 * or a message. */
int tg_cli_no_options(int argc, char **argv, const char *usage);
/* A whole number from min to max out of text; false after a message. */
bool tg_cli_number(const char *command, const char *option, const char *text, uint64_t min,
		   uint64_t max, uint64_t *out);
/* Index of "--" in argv, argc when there is none: what follows is the EAL's. */
int tg_cli_split(int argc, char **argv);

/* The exit code of a command that has printed all it has to say: a failure, with a message, when
 * standard output did not take it. */
int tg_cli_printed(const char *command);

/* The kernel's steady clock, for control. */
uint64_t tg_cli_now_ns(void);
void tg_cli_pause_ms(uint32_t ms);

/* Signals (serve, demo): the first SIGINT or SIGTERM is noted, the second ends the process. */
void tg_cli_catch_signals(void);
bool tg_cli_is_interrupted(void);

#endif
