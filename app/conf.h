/* SPDX-License-Identifier: BSD-3-Clause */
/* conf.h: a configuration file (DESIGN 7) to settings. The keys come from tg_keys.h, the one table;
 * here stand only the sections, the lines, and the checks between sections. */
#ifndef TG_APP_CONF_H
#define TG_APP_CONF_H

#include "tg_keys.h"

enum { TG_CONF_LINE_MAX = 198, TG_CONF_KEY_MAX = 128, TG_CONF_ERR = 512 };

struct tg_conf_section {
	char name[32];                      /* of a port, listener or pool */
	uint32_t line;                      /* of its header; 0: the file has none */
	uint32_t key_line[TG_CONF_KEY_MAX]; /* by index into tg_keys; 0: not given */
	struct tg_settings set;
};

struct tg_conf {
	char file[256];
	struct tg_conf_section engine;
	struct tg_conf_section fleet; /* line 0: no [fleet] */
	struct tg_conf_section load;  /* only `load` has a use for it */
	bool has_load;
	struct tg_conf_section *port;     /* [port_n] */
	struct tg_conf_section *listener; /* [listener_n] */
	struct tg_conf_section *pool;     /* [pool_n]; only `shield` has a use for them */
	uint32_t port_n, listener_n, pool_n;
};

/* Reads file. 0; or -1, conf is empty, and err says in one line where and what is wrong and how to
 * fix it ("FILE:LINE: ..."). */
int tg_conf_load(struct tg_conf *conf, const char *file, char *err, size_t err_size);
/* As tg_conf_load, from text; file is its name in messages. */
int tg_conf_parse(struct tg_conf *conf, const char *file, const char *text, size_t len, char *err,
		  size_t err_size);
void tg_conf_free(struct tg_conf *conf);
/* Without a file: defaults, and one port of that name, whose keys are the caller's to set. file:
 * the name in messages. 0 or -1. */
int tg_conf_begin(struct tg_conf *conf, const char *file, const char *port, char *err,
		  size_t err_size);
/* What must hold between keys and sections; done by tg_conf_load and tg_conf_parse, and to be done
 * again when settings were changed. 0, or -1 and one line in err. */
int tg_conf_check(struct tg_conf *conf, char *err, size_t err_size);

/* conf_pool.c: pool i, whose own keys are good, against ports, listeners and the pools before it.
 * Addresses of VIPs are given to the ports whose networks they lie in. */
int tg_conf_check_pool(struct tg_conf *conf, uint32_t i, char *err, size_t err_size);
/* The port before i that names the same device; i: none does. */
uint32_t tg_conf_shares(const struct tg_conf *conf, uint32_t i);
/* The line of key in section, of the section when the key is not given. */
uint32_t tg_conf_line(const struct tg_conf_section *section, const char *key);
/* Writes "FILE:LINE: " and the sentence into err; returns -1. */
int tg_conf_fail(const struct tg_conf *conf, uint32_t line, char *err, size_t err_size,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
