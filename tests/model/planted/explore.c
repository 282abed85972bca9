/* SPDX-License-Identifier: BSD-3-Clause */
/* explore: every scenario, until something breaks: prints which property and in how many moves; 0
 * when all holds, 1 when something broke. For planted.sh, which builds it with a fault in lib/tcp.
 */
#include "tg_prove.h"

#include <stdio.h>

int main(void)
{
	for (uint32_t i = 0; tg_prove_scenario(i); i++) {
		struct tg_prove_options o = {.scenario = tg_prove_scenario(i), .level = 1};
		struct tg_prove_result r;

		tg_prove_run(&o, &r);
		if (r.outcome != TG_PROVE_HOLDS) {
			printf("%s: %s, %u moves\n", o.scenario->name,
			       tg_prove_property_name(r.property), r.moves);
			tg_prove_free(&r);
			return 1;
		}
		tg_prove_free(&r);
	}
	printf("everything holds\n");
	return 0;
}
