/* A line for sh(1) in a folder of a test; it must succeed. */
#ifndef TESTS_RESEARCH_SHELL_H
#define TESTS_RESEARCH_SHELL_H

#include "core/base/buf.h"
#include "core/io/child.h"
#include "tests/test.h"

/* commit: gets the first 40 bytes of its output, when there are so many; may be NULL. */
static inline void test_shell(const char *folder, const char *script, char commit[41])
{
	struct buf out = {0};
	struct err err = {0};
	struct child_result result;
	const char *const argv[] = { "sh", "-ec", script, NULL };
	assert_ok(child_run(&(struct child_options){ .argv = argv, .directory = folder }, &out, &result, &err), &err);
	if (!result.exited || result.status)
		fail_msg("%s: %s", script, buf_str(&out));
	if (commit && out.len >= 40)
		snprintf(commit, 41, "%.40s", buf_str(&out));
	buf_release(&out);
}

#endif
