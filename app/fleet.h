/* SPDX-License-Identifier: BSD-3-Clause */
/* fleet.h: what this node shares with its fleet: the secrets, and the time of day (SC-12, SC-13).
 * Control reads the file, at start and with each SIGHUP; the workers take what it read out of one
 * box, and look at the wall clock, when they look around. Nothing shared is written on the packet
 * path. */
#ifndef TG_APP_FLEET_H
#define TG_APP_FLEET_H

#include "conf.h"
#include "fleet_file.h"

#include "tg_clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct tg_host;

/* One letter from control to all workers, on a page that is locked and in no core dump. It is
 * written while no worker has it to read: the last one was taken by all. */
struct tg_fleet_box {
	_Atomic uint32_t posted; /* the letter's number; 0: none yet */
	struct tg_fleet_secrets secrets;
};

/* What is known of the fleet, for readers; names of secrets, never the secrets. */
struct tg_fleet_view {
	char id[TG_FLEET_SECRET_MAX][TG_FLEET_ID_LEN];
	char pools_id[TG_FLEET_ID_LEN]; /* of what pools choose by */
	uint32_t secret_n;
	uint32_t skew_ms;
	uint32_t reload_n, refused_n; /* times that the file was read again, and was no good */
	bool is_synchronised;         /* the wall clock, says the kernel */
	uint32_t step_n;              /* times that the wall clock jumped */
	int64_t step_ms;              /* how far, the last time */
};

struct tg_fleet {
	const struct tg_settings *set; /* of [fleet] */
	struct tg_host *host;
	struct tg_fleet_box *box;          /* NULL: there is no [fleet] */
	bool is_open;                      /* the letter in the box may not be taken by all yet */
	bool must_reload;                  /* SIGHUP came meanwhile */
	uint8_t pools[TG_FLEET_POOLS_LEN]; /* what the keys of pools come from */
	int64_t wall_ns;                   /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	pthread_mutex_t lock;              /* of the view: telemetry has a thread of its own */
	struct tg_fleet_view view;
};

/* Reads the secrets of conf, which outlives the fleet; nothing without [fleet]. 0; or -1 and one
 * line in err. */
int tg_fleet_init(struct tg_fleet *f, const struct tg_conf *conf, char *err, size_t err_size);
/* Gives the engines of host secrets and time; before the launch. */
void tg_fleet_join(struct tg_fleet *f, struct tg_host *host);
/* Wipes what is left of the secrets. */
void tg_fleet_fini(struct tg_fleet *f);

/* tg_reload_fn: reads the file again. What is no good is told, and the old secrets stay. */
void tg_fleet_reload(void *fleet);
/* The control loop's turn, a few times a second: tells of a clock that jumps, wipes what all
 * workers have. */
void tg_fleet_poll(struct tg_fleet *f);
/* One line on secrets, skew and clock. */
void tg_fleet_print(const struct tg_fleet *f, FILE *out);
/* A copy; any thread. False: there is no [fleet]. */
bool tg_fleet_see(struct tg_fleet *f, struct tg_fleet_view *view);

/* The worker's turn, each time it looks around: the time, and a letter that it has not read. */
void tg_fleet_take(const struct tg_fleet_box *box, struct tg_engine *engine, struct tg_clock *clock,
		   _Atomic uint32_t *taken);

#endif
