/* What ends the main of each unit test program. */
#pragma once

#include <check.h>

/* Runs the suite in child processes; the program's exit code. */
static inline int run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
