/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_test.h"

uint64_t tg_test_seed;

static int usage(const char *program)
{
	printf("usage: %s [--list] [--seed N] [NAME...]\n"
	       "Runs the tests whose name contains one of the NAMEs; all without one.\n",
	       program);
	return 0;
}

static int is_wanted(const char *test, char **want, int want_n)
{
	for (int i = 0; i < want_n; i++)
		if (strstr(test, want[i]))
			return 1;
	return want_n == 0;
}

static void print_failures(void)
{
	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		printf("FAILED %s: %s:%u: %s\n", f->pTest ? f->pTest->pName : "?", f->strFileName,
		       f->uiLineNumber, f->strCondition);
}

int tg_test_main(const char *name, const struct tg_test tests[], size_t n, int argc, char **argv)
{
	char *want[64];
	int want_n = 0;

	tg_test_seed = (uint64_t)time(NULL);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return usage(argv[0]);
		if (!strcmp(argv[i], "--list")) {
			for (size_t t = 0; t < n; t++)
				puts(tests[t].name);
			return 0;
		}
		if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			tg_test_seed = strtoull(argv[++i], NULL, 0);
		else if (want_n < 64)
			want[want_n++] = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite(name, NULL, NULL);
	for (size_t t = 0; t < n; t++)
		if (is_wanted(tests[t].name, want, want_n))
			CU_add_test(suite, tests[t].name, tests[t].run);
	CU_basic_set_mode(CU_BRM_SILENT);
	CU_basic_run_tests();
	unsigned failed = CU_get_number_of_tests_failed(), run = CU_get_number_of_tests_run();
	print_failures();
	if (failed)
		printf("seed %" PRIu64 "\n", tg_test_seed);
	printf("%s: %u passed, %u failed, 0 skipped\n", name, run - failed, failed);
	CU_cleanup_registry();
	return failed || run == 0;
}
