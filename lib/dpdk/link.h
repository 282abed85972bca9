/* SPDX-License-Identifier: BSD-3-Clause */
/* link.h (private to dpdk): watching the link of a device that has just been started. */
#ifndef TG_DPDK_LINK_H
#define TG_DPDK_LINK_H

#include "tg_dev.h"

/* Learns which interface of the kernel is behind dev, and looks at the link for the first time. */
void tg_dev_watch_link(struct tg_dev *dev);

#endif
