/* What every unit test starts with: cmocka and the headers that it wants before itself, and helpers for what tests do all the time.
 * A test's file is tests/unit/SHELF_name_test.c and links that shelf and those below it; it runs in the root of the source,
 * with a TMPDIR of its own that is removed afterwards. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/err.h"

/* A call that must succeed: the test fails with the error's sentence.  assert_ok(config_read(&c, path, &err), &err); */
#define assert_ok(call, err) \
	do { \
		(err)->text[0] = '\0'; \
		if ((call) != 0) \
			fail_msg("%s: %s", #call, (err)->text); \
	} while (0)

/* A call that must fail, and say `part` in its sentence. */
#define assert_error(call, err, part) \
	do { \
		(err)->text[0] = '\0'; \
		if ((call) != -1) \
			fail_msg("%s: succeeded, but should say: %s", #call, (part)); \
		if (!strstr((err)->text, (part))) \
			fail_msg("%s: says: %s\nbut should say: %s", #call, (err)->text, (part)); \
	} while (0)

/* Writes a path for a new file or folder of this test into buf and returns it. */
static inline const char *test_path(char *buf, size_t size, const char *name)
{
	const char *dir = getenv("TMPDIR");
	snprintf(buf, size, "%s/%s", dir ? dir : "/tmp", name);
	return buf;
}

#endif
