/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_script.h: packet scripts: a conversation written down line by line, in the form that people
 * know from packetdrill, run against a lab in virtual time.
 *
 * A script is text. Parsing it gives a struct tg_script for one address family; running that builds
 * a lab, plays the peer and the application, and judges each segment and each call. Nothing here
 * prints, opens a file or keeps a global: several scripts run in one process, one after another or
 * side by side. The language is described in tests/script/README.md. */
#ifndef TG_SCRIPT_H
#define TG_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TG_SCRIPT_TEXT_MAX = 1 << 20 }; /* bytes of a script */
enum { TG_SCRIPT_REPORT_MAX = 8192 };  /* bytes of a report, with the zero byte */
enum { TG_SCRIPT_OVERRIDE_MAX = 512 }; /* bytes of overriding options */

enum tg_script_verdict {
	TG_SCRIPT_PASSED = 1,
	TG_SCRIPT_FAILED,  /* the engine did not do what the script says */
	TG_SCRIPT_SKIPPED, /* it uses something that this runner knows of and does not have */
	TG_SCRIPT_INVALID, /* it is no script */
};

/* Which families a script asks for by its --ip_version line. */
enum { TG_SCRIPT_IP4 = 1, TG_SCRIPT_IP6 = 2 };

struct tg_script;

/* text[len], read for a family (TG_SCRIPT_IP4 or TG_SCRIPT_IP6: "1460|1440" is one number or the
 * other). name stands in messages. overrides: lines of options that win over the script's own, or
 * NULL. Returns NULL after filling report[TG_SCRIPT_REPORT_MAX] with lines that say file, line,
 * what, and what is allowed; *verdict is then INVALID or SKIPPED. The caller frees. */
struct tg_script *tg_script_parse(const char *name, const char *text, size_t len, int family,
				  const char *overrides, enum tg_script_verdict *verdict,
				  char *report);
void tg_script_free(struct tg_script *script);
/* The families that the script is for: TG_SCRIPT_IP4, TG_SCRIPT_IP6, or both. */
int tg_script_families(const struct tg_script *script);
/* What the parser ignored, one line each, or "". Valid as long as the script. */
const char *tg_script_notes(const struct tg_script *script);

/* A packet of the run, as it happens: in = to the lab, at_ns counted from the script's 0; text: the
 * packet in the script's language. */
struct tg_script_packet {
	uint64_t at_ns;
	bool in;
	const void *datagram;
	size_t len;
	const char *text;
};

/* Runs the script once, in a lab of its own. packet (may be NULL) is called with ctx for each
 * packet. Fills report[TG_SCRIPT_REPORT_MAX]: "" when it passed, else one screen. */
enum tg_script_verdict tg_script_run(const struct tg_script *script,
				     void (*packet)(void *ctx, const struct tg_script_packet *p),
				     void *ctx, char *report);

#endif
