/* SPDX-License-Identifier: BSD-3-Clause */
/* hint.h (private to dpdk): why a device could not be had, and what to do about it. */
#ifndef TG_DPDK_HINT_H
#define TG_DPDK_HINT_H

#include "tg_dev.h"

/* After a failure: what the user can do about it; NULL when nothing is known. */
const char *tg_dev_hint(const char *device, char *buf, size_t size);
/* The value of iface= in the device's arguments; false when there is none that fits. */
bool tg_dev_find_iface(const char *device, char *name, size_t size);

#endif
