/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel.h: the kernel behind a port (LN-21), as the configuration says it. Needs no DPDK. */
#ifndef TG_APP_KERNEL_H
#define TG_APP_KERNEL_H

#include "conf.h"
#include <stdio.h>

/* What only the whole file tells: a device that two want, a listener on a port that is a kernel's.
 * 0; or -1 and one line in err ("FILE:LINE: ..."). */
int tg_kernel_check(const struct tg_conf *conf, char *err, size_t err_size);
/* A line for each port that has a kernel: where it is, and what is its own. */
void tg_kernel_print(const struct tg_conf *conf, FILE *out);

#endif
