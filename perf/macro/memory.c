/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <stdbool.h>
#include <stdio.h>

/* The number in the line of a file that format matches; false: there is none. */
static bool number_in(const char *file, const char *format, uint64_t *out)
{
	unsigned long long n = 0;
	char line[256];
	bool found = false;
	FILE *f = fopen(file, "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, format, &n) == 1;
	fclose(f);
	*out = n;
	return found;
}

uint64_t memory_free(void)
{
	static const char file[] = "/proc/meminfo";
	uint64_t kb, pages = 0, promised = 0, page_kb = 0;

	if (!number_in(file, "MemAvailable: %llu kB", &kb))
		return UINT64_MAX;
	number_in(file, "HugePages_Free: %llu", &pages);
	number_in(file, "HugePages_Rsvd: %llu", &promised);
	number_in(file, "Hugepagesize: %llu kB", &page_kb);
	return (kb + (pages > promised ? pages - promised : 0) * page_kb) << 10;
}

struct memory_peak memory_peak(void)
{
	static const char file[] = "/proc/self/status";
	struct memory_peak peak = {0};
	uint64_t kb;

	if (number_in(file, "VmHWM: %llu kB", &kb))
		peak.resident = kb << 10;
	if (number_in(file, "HugetlbPages: %llu kB", &kb))
		peak.huge = kb << 10;
	return peak;
}
