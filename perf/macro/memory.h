/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.h: what the machine has left, and what this process has taken. */
#ifndef MACRO_MEMORY_H
#define MACRO_MEMORY_H

#include <stdint.h>

/* Bytes that could be had now, free huge pages among them; UINT64_MAX where nobody tells. */
uint64_t memory_free(void);
/* Most bytes that the process has had at once (VmHWM), and in huge pages of hugetlbfs, which that
 * figure leaves out, now. */
struct memory_peak {
	uint64_t resident, huge;
};
struct memory_peak memory_peak(void);

#endif
