/* SPDX-License-Identifier: BSD-3-Clause */
/* policy.h: who may connect to each listener and pool: the prefixes of allow, allow_file and
 * deny_file, read and built into sets (tg_prefix.h) that all workers share. Control only; needs no
 * DPDK. */
#ifndef TG_APP_POLICY_H
#define TG_APP_POLICY_H

#include "conf.h"
#include "tg_prefix.h"

#include <stdio.h>

/* A set is of all the sections that say the same. */
struct tg_policy_set {
	const struct tg_conf_section *first; /* while they are built: whose it is */
	uint32_t allow_n, deny_n;
	size_t bytes;
	void *memory;
	const struct tg_prefixes *prefixes;
};

/* Sections are the listeners of the file, and behind them its pools. */
struct tg_policy {
	struct tg_policy_set *set; /* [set_n] */
	uint32_t set_n;
	uint32_t *of; /* [section_n]: index of its set, TG_NONE = all may connect */
	uint32_t section_n;
};

/* Reads the files that conf names. 0; or -1, one line in err ("FILE:LINE: ..."), and p is empty. */
int tg_policy_init(struct tg_policy *p, const struct tg_conf *conf, char *err, size_t err_size);
void tg_policy_fini(struct tg_policy *p);
/* The set of a section; NULL: all may connect. */
const struct tg_prefixes *tg_policy_of(const struct tg_policy *p, uint32_t section);
const struct tg_conf_section *tg_policy_section(const struct tg_conf *conf, uint32_t section);
/* One line a section that has a set; sections are named as in conf. */
void tg_policy_print(const struct tg_policy *p, const struct tg_conf *conf, const char *before,
		     FILE *out);

#endif
