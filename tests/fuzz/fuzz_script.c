/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_script.c: any text at all is a script, is none with one line that says where, or runs to an
 * end. The runs are short: a script can ask for as much time as it likes, and virtual time is free.
 */
#include "fuzz.h"
#include "tg_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Without its zero byte: the parser must not look behind the end. */
	uint8_t *text = fuzz_copy(data, size);

	char report[TG_SCRIPT_REPORT_MAX];
	enum tg_script_verdict verdict;
	struct tg_script *s = tg_script_parse("fuzz", (const char *)text, size,
					      size % 2 ? TG_SCRIPT_IP4 : TG_SCRIPT_IP6,
					      "--tolerance_usecs=1000\n", &verdict, report);

	if (s) {
		verdict = tg_script_run(s, NULL, NULL, report);
		fuzz_require((verdict == TG_SCRIPT_PASSED) == !report[0]);
	} else {
		fuzz_require(report[0] && strlen(report) < sizeof(report));
		fuzz_require(verdict == TG_SCRIPT_INVALID || verdict == TG_SCRIPT_SKIPPED);
	}
	tg_script_free(s);
	free(text);
	return 0;
}
