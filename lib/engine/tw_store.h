/* SPDX-License-Identifier: BSD-3-Clause */
/* tw_store.h (private to engine): the TIME-WAIT records of one engine: a ring in order of arrival,
 * which is also their timer (2MSL is constant: the oldest ends first, O(1) to arm and to expire), a
 * table by fingerprint, and a small pool on an ordinary wheel for records that must not end in ring
 * order: restarted ones that the ring's tail reaches too early (TD-16: they end on time), and
 * dormant ones (TD-24). 32 bytes a record and at most 12 of table; the pool has room for
 * max(64, tw_max / 16) more.
 *
 * At most tw_max records answer; dormant ones come on top. All work is bounded: O(1) a call, and by
 * its budget for expire. Counts tw_expired, tw_evicted and tw_late; the rest is the engine's. */
#ifndef TG_ENGINE_TW_STORE_H
#define TG_ENGINE_TW_STORE_H

#include "tg_table.h"
#include "tg_time_wait.h"
#include "tg_wheel.h"

/* Handle of a record: index in the ring, or index in the late pool with the high bit. Valid until
 * the next call that is not find, at, next, count or validate: any other may move any record. That
 * of a dormant record is valid until it is woken, removed, or told gone. */
typedef uint32_t tg_tw_handle;

struct tg_tw_store;

/* mem: zero, 64-byte aligned. tw_max: 1..2^31 - 1; 0 counts as 1. */
size_t tg_tw_store_footprint(uint32_t tw_max);
struct tg_tw_store *tg_tw_store_init(void *mem, uint32_t tw_max, uint64_t now_ms,
				     struct tg_counters *ctr);
/* Adds a record, which ends at its deadline (not before those added earlier). Full: the record
 * nearest expiry goes, tw_evicted (TD-20). TG_NONE when the table found no slot for it (practically
 * never): the record is then gone, tw_evicted. */
tg_tw_handle tg_tw_store_add(struct tg_tw_store *s, const struct tg_tw *tw, uint64_t now_ms);
void tg_tw_store_prefetch(const struct tg_tw_store *s, uint64_t fingerprint);
void tg_tw_store_prefetch_all(const struct tg_tw_store *s, const uint64_t fingerprint[],
			      uint32_t n);
/* TG_NONE when there is none; dormant records are passed by. */
tg_tw_handle tg_tw_store_find(const struct tg_tw_store *s, uint64_t fingerprint);
/* Bit i is set when there may be one for fingerprint[i], i < n <= 64. */
uint64_t tg_tw_store_find_any(const struct tg_tw_store *s, const uint64_t fingerprint[],
			      uint32_t n);
struct tg_tw *tg_tw_store_at(const struct tg_tw_store *s, tg_tw_handle h);
/* 2MSL anew: lazy. Only while the late pool is full may such a record end too late (tw_late),
 * never too early. */
void tg_tw_store_restart(struct tg_tw_store *s, tg_tw_handle h, uint64_t deadline_ms);
void tg_tw_store_remove(struct tg_tw_store *s, tg_tw_handle h);
/* The record leaves the table and waits, owned by connection conn, with its old deadline. Returns
 * its new handle; TG_NONE when the late pool is full: the record is then simply gone (S rule),
 * tw_evicted. */
tg_tw_handle tg_tw_store_make_dormant(struct tg_tw_store *s, tg_tw_handle h, uint32_t conn,
				      uint64_t now_ms);
/* The dormant record answers again, with its old deadline. */
void tg_tw_store_wake(struct tg_tw_store *s, tg_tw_handle h);
/* Frees what ended at or before now_ms, at most budget records; returns how many were looked at.
 * dormant_gone(ctx, conn): a dormant record ended, its owner must forget it. A record ends when
 * now_ms >= its deadline. */
typedef void (*tg_tw_gone_fn)(void *ctx, uint32_t conn);
uint32_t tg_tw_store_expire(struct tg_tw_store *s, uint64_t now_ms, uint32_t budget,
			    tg_tw_gone_fn dormant_gone, void *ctx);
/* When expire has work, in ms; UINT64_MAX = never. Early is allowed, late is not. */
uint64_t tg_tw_store_next(const struct tg_tw_store *s, uint64_t now_ms);
uint32_t tg_tw_store_count(const struct tg_tw_store *s); /* dormant ones included */
bool tg_tw_store_validate(const struct tg_tw_store *s);

#endif
