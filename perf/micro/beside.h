/* SPDX-License-Identifier: BSD-3-Clause */
/* beside.h: what the files of bench_beside share. Each beside_* sets up what --only asks for at
 * this size, weighs it, and adds its cases. */
#ifndef BESIDE_H
#define BESIDE_H

#include "bench.h"

enum { BESIDE_OPS = 4096, BESIDE_BURST = 32 };

void beside_table(const struct bench_opts *o, uint32_t size);
void beside_wheel(const struct bench_opts *o, uint32_t size);
void beside_bytes(const struct bench_opts *o);

void beside_add(const char *name, uint32_t size, void *ctx, uint64_t (*run)(void *));

#endif
