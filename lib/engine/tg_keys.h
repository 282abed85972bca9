/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_keys.h: the one table of configuration keys: name, section, unit, range, default, sentence.
 * Files (app/conf.c), the lab's options, --help and the manual come from it. */
#ifndef TG_KEYS_H
#define TG_KEYS_H

#include "tg_engine.h"
#include "tg_pool.h"

enum tg_key_section {
	TG_KEY_ENGINE = 1 << 0,
	TG_KEY_PORT = 1 << 1,
	TG_KEY_LISTENER =
	    1 << 2, /* keys of a listener; in [engine] they are defaults for all listeners */
	TG_KEY_CONN =
	    1 << 3,          /* keys of a connection: in [listener], [engine], and tg_lab_connect */
	TG_KEY_LAB = 1 << 4, /* tg_lab_new knows it */
	TG_KEY_LAB_LISTEN = 1 << 5, /* tg_lab_listen knows it, besides those of CONN */
	TG_KEY_POOL = 1 << 6, /* [pool NAME]: its own, and what listeners have that VIPs have too */
	TG_KEY_FLEET = 1 << 7, /* [fleet] */
	TG_KEY_LOAD = 1 << 8,  /* [load] */
};

enum tg_key_type {
	TG_KEY_UINT = 1,
	TG_KEY_BOOL,
	TG_KEY_WORD,
	TG_KEY_TEXT,
	TG_KEY_ADDR,
	TG_KEY_ADDR_LIST,
	TG_KEY_PREFIX_LIST,  /* networks: 192.0.2.0/24, 2001:db8::/32; an address is one, too */
	TG_KEY_RANGE,        /* LOW-HIGH, or one number */
	TG_KEY_RANGE_LIST,   /* some of these */
	TG_KEY_ENDPOINT_LIST /* places of TCP: 192.0.2.1:80, [2001:db8::1]:80, backends with *WEIGHT
			      */
};

struct tg_key {
	const char *name;
	uint32_t section; /* TG_KEY_* where it may stand */
	enum tg_key_type type;
	const char *unit;
	uint64_t min, max;
	const char *words;     /* TG_KEY_WORD: "off|auto|always" */
	const char *dflt;      /* the files' default, as text */
	const char *lab_dflt;  /* the lab's, NULL = the same */
	const char *not_built; /* NULL, or the sentence with which a value other than `off_value` is
				  refused */
	const char *off_value;
	const char *sentence;
	size_t offset; /* into struct tg_settings, size by type: see keys.c */
	uint16_t size; /* bytes of the number there (1, 2, 4, 8), or the text's room */
};

enum { TG_VIP_MAX = 8 };
/* What a worker does that finds nothing to do. */
enum tg_idle_mode { TG_IDLE_POLL = 0, TG_IDLE_PAUSE, TG_IDLE_SLEEP };
enum tg_hash { TG_HASH_FLOW = 0, TG_HASH_SOURCE };

/* What a connection of [load] does, and who ends it. */
enum tg_load_act { TG_LOAD_NOTHING = 0, TG_LOAD_ECHO, TG_LOAD_HTTP, TG_LOAD_UP, TG_LOAD_DOWN };
enum tg_load_close { TG_LOAD_CLIENT = 0, TG_LOAD_SERVER, TG_LOAD_BOTH, TG_LOAD_RST, TG_LOAD_HALF };

/* What a flood is of. */
enum tg_flood {
	TG_FLOOD_OFF = 0,
	TG_FLOOD_SYN,
	TG_FLOOD_SYNACK,
	TG_FLOOD_ACK,
	TG_FLOOD_RST,
	TG_FLOOD_FIN,
	TG_FLOOD_MIXED
};

/* [load]; its targets are the settings' `backend`, its sources their `allow`. */
struct tg_load_settings {
	uint32_t ports[2]; /* of the sources: low, high */
	uint32_t rate, hold, churn;
	uint32_t flood;                              /* enum tg_flood */
	uint32_t connections;                        /* in all; 0 = no limit */
	uint32_t duration_s, ramp_up_s, ramp_down_s; /* duration_s 0: not given */
	uint32_t act, close;                         /* enum tg_load_act, tg_load_close */
	uint32_t requests, think_ms, keep_ms, timeout_ms;
	uint64_t bytes;
	bool own_target;
	char path[192], expect[256], csv[256];
};

/* Everything the keys can say. Files fill one for the engine, one per port, one per listener (a
 * copy of the engine's to begin with). */
struct tg_settings {
	/* engine */
	uint32_t workers, connections;
	/* 0 = derived from connections (tg_settings_engine) */
	uint32_t connections_ipv6, time_wait, moving, buffer_mb;
	uint32_t memory_mb, neighbours;
	uint32_t msl_ms, challenge_ms, rst_rate, drain_ms;
	uint32_t zero_window_ms, source_max, source_refuse, pmtu_min_v4;
	uint32_t source_rate, source_burst, cookie_guess_max;
	uint32_t idle; /* enum tg_idle_mode */
	/* lab */
	uint64_t seed, start_ns;
	uint32_t tx_offload;
	bool rx_merge;
	/* port */
	char device[256], mac[24], gateway_mac[24];
	struct tg_port_addr addr[TG_PORT_ADDR_MAX]; /* [port] address, lab addr */
	uint32_t addr_n;
	bool addr_is_default; /* the first addr that is set takes the place of the lab's own */
	struct tg_addr gateway[2];
	uint32_t gateway_n;
	uint32_t mtu, vlan;
	bool promiscuous;
	char kernel[256];
	struct tg_port_range kernel_port[TG_KERNEL_RANGE_MAX];
	uint32_t kernel_port_n, kernel_rate;
	/* listener */
	struct tg_addr listen_addr[TG_LISTENER_ADDR_MAX];
	uint32_t listen_addr_n;
	uint32_t listen_port, backlog, syn_cookies, synq_high, synq_low;
	bool synq_low_is_given; /* else it follows synq_high */
	char service[16];
	struct tg_port_addr allow[TG_LISTENER_ALLOW_MAX];
	uint32_t allow_n, refuse, bogons;
	char allow_file[256], deny_file[256];
	uint32_t allow_port[2]; /* low, high; 0, 0 = all */
	/* connection */
	struct tg_tcp_conf tcp;
	/* pool */
	struct tg_backend_conf vip[TG_VIP_MAX]; /* weight is not used */
	struct tg_backend_conf backend[TG_BACKEND_MAX];
	struct tg_addr snat[TG_SNAT_ADDR_MAX];
	uint32_t vip_n, backend_n, snat_n;
	uint32_t mode, hash, dead; /* enum tg_pool_mode, tg_hash, tg_refuse */
	uint32_t check_ms, check_timeout_ms, rise, fall;
	uint32_t splices, splice_idle_ms; /* [engine] */
	/* fleet */
	char secret_file[256];
	uint32_t secret_fd; /* 0: not given */
	uint32_t skew_ms;
	struct tg_load_settings load;
};

extern const struct tg_key tg_keys[];
extern const uint32_t tg_key_n;

const struct tg_key *tg_key_find(const char *name, uint32_t sections);
/* Defaults of the files, or of the lab. */
void tg_settings_init(struct tg_settings *s, bool lab);
/* Sets key = value. 0; or -1 with one sentence in err: what is wrong, the allowed range, how to
 * fix. sections: which keys are allowed here. A key of another section, and an unknown key (with
 * the nearest known one), are told. */
int tg_settings_set(struct tg_settings *s, uint32_t sections, const char *key, const char *value,
		    char *err, size_t err_size);
/* Checks between keys (synq_low <= synq_high, mtu >= 1280 with IPv6, ...). */
int tg_settings_check(const struct tg_settings *s, uint32_t sections, char *err, size_t err_size);
/* Fills the engine's share of conf, for one of `workers` workers: pools, times, limits. Ports,
 * seed, services and `primary` are the caller's. */
void tg_settings_engine(const struct tg_settings *s, uint32_t workers, struct tg_engine_conf *conf);
/* Fills in who may connect to a listener, and what the others are told. */
void tg_settings_listener(const struct tg_settings *s, struct tg_listener_conf *conf);
/* Fills in what a pool is; its name and key are the caller's. */
void tg_settings_pool(const struct tg_settings *s, struct tg_pool_conf *conf);
/* "ADDRESS:PORT", IPv6 in brackets; weighted: "*WEIGHT" may follow. */
bool tg_endpoint_parse(const char *text, bool weighted, struct tg_backend_conf *out);
/* The same as text, without the weight; 64 bytes always suffice. Returns buf. */
const char *tg_endpoint_format(const struct tg_addr *addr, uint16_t port, char *buf, size_t size);
/* Adds a word to the list of key, a TG_KEY_ENDPOINT_LIST. NULL, or what is wrong with it. */
const char *tg_endpoint_add(struct tg_settings *s, const struct tg_key *key, const char *word);
/* Fills in which ports of TCP are a kernel's, and how much it is sent. */
void tg_settings_kernel(const struct tg_settings *s, struct tg_port_conf *conf);
/* Text "02:00:00:00:00:01"; false when it is not a unicast MAC address. */
bool tg_mac_parse(const char *text, struct tg_mac *mac);
/* Parses "key=value key=value" parted by blanks, as the lab does. */
int tg_settings_words(struct tg_settings *s, uint32_t sections, const char *words, char *err,
		      size_t err_size);

#endif
