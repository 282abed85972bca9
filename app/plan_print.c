/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include <inttypes.h>

/* HEADROOM_MB: what the EAL takes beside packet buffers. SLOTS: of a line of the table. */
enum { PART_MAX = 32, HEADROOM_MB = 64, SLOTS = 10, LINE = 64 };

static const char table_name[] = "connection table";

/* All of a plan in figures. */
struct sums {
	struct tg_engine_part part[PART_MAX]; /* [part_n], of one worker */
	uint32_t part_n, workers;
	double all_mib;
	uint64_t slots, entries; /* of the table of one worker */
	uint64_t pages;          /* hugepages of 2 MiB */
};

static struct sums sum_up(const struct tg_plan *plan, const struct tg_plan_beside *beside)
{
	struct sums s = {.workers = plan->worker_n};
	uint64_t beside_mb = beside->buffers_mb ? beside->buffers_mb + HEADROOM_MB : 0;
	uint32_t n = tg_engine_plan(&plan->engine, s.part, PART_MAX);

	s.part_n = n < PART_MAX ? n : PART_MAX;
	s.all_mib = (double)plan->engine_bytes * s.workers / (1 << 20) +
		    (double)(beside->buffers_mb + beside->slots_mb);
	for (uint32_t i = 0; i < s.part_n; i++) {
		if (strcmp(s.part[i].name, table_name) != 0)
			continue;
		s.slots = s.part[i].bytes / LINE * SLOTS;
		s.entries = s.part[i].count;
	}
	s.pages =
	    (plan->engine_bytes + (2 << 20) - 1) / (2 << 20) * s.workers + (beside_mb + 1) / 2;
	return s;
}

static void print_beside(const char *name, uint64_t mb, FILE *out)
{
	if (mb)
		fprintf(out, "  %-24s %12s %10s     %10.1f MiB\n", name, "", "", (double)mb);
}

void tg_plan_print(const struct tg_plan *plan, const struct tg_plan_beside *beside, FILE *out)
{
	struct sums s = sum_up(plan, beside);
	char head[40];

	snprintf(head, sizeof(head), "memory of %u worker%s", s.workers, s.workers == 1 ? "" : "s");
	fprintf(out, "%-26s %12s %10s     %10s\n", head, "number", "each", "all");
	for (uint32_t i = 0; i < s.part_n; i++) {
		double mib = (double)s.part[i].bytes / (1 << 20);
		fprintf(out, "  %-24s %12zu %10.1f MiB %10.1f MiB\n", s.part[i].name,
			s.part[i].count * s.workers, mib, mib * s.workers);
	}
	print_beside("packet buffers", beside->buffers_mb, out);
	print_beside("what each is at", beside->slots_mb, out);
	fprintf(out, "  %-24s %12s %10s     %10.1f MiB\n", "together", "", "", s.all_mib);
	fprintf(out,
		"table: %" PRIu64 " slots for %" PRIu64 " entries in each worker, %.0f %% full at "
		"most\n",
		s.slots, s.entries, s.slots ? 100 * (double)s.entries / (double)s.slots : 0);
	fprintf(out,
		"hugepages: %" PRIu64 " of 2 MiB: sudo dpdk-hugepages.py -p 2M --setup %" PRIu64
		"M\n",
		s.pages, 2 * s.pages);
}

void tg_plan_print_json(const struct tg_plan *plan, const struct tg_plan_beside *beside, FILE *out)
{
	struct sums s = sum_up(plan, beside);
	const struct tg_engine_conf *e = &plan->engine;

	fprintf(out,
		"{\"workers\":%u,\"connections\":%" PRIu64 ",\"time_wait\":%" PRIu64
		",\"moving\":%" PRIu64 ",\"msl_ms\":%u,\"parts\":{",
		s.workers, (uint64_t)e->conn_max * s.workers, (uint64_t)e->tw_max * s.workers,
		(uint64_t)e->ext_max * s.workers, e->msl_ms);
	for (uint32_t i = 0; i < s.part_n; i++)
		fprintf(out, "%s\"%s\":{\"count\":%zu,\"bytes_each\":%zu,\"bytes\":%zu}",
			i ? "," : "", s.part[i].name, s.part[i].count * s.workers, s.part[i].bytes,
			s.part[i].bytes * s.workers);
	fprintf(out,
		"},\"worker_bytes\":%" PRIu64 ",\"buffers_mib\":%" PRIu64 ",\"slots_mib\":%" PRIu64
		",\"mib\":%.1f,\"table\":{\"slots\":%" PRIu64 ",\"entries\":%" PRIu64
		"},\"hugepages_2m\":%" PRIu64
		",\"hugepages_command\":\"dpdk-hugepages.py -p 2M --setup %" PRIu64 "M\"}",
		plan->engine_bytes, beside->buffers_mb, beside->slots_mb, s.all_mib, s.slots,
		s.entries, s.pages, 2 * s.pages);
}
