/* Marks of log lines. The words are those that compilers (GCC, Clang, rustc, nvcc), linkers, shells, Python and the
 * sanitizers print; case is theirs, so that "0 errors" and "error_count=0" are none. */
#include "core/data/mark.h"

#include <stddef.h>
#include <string.h>

static int has_any(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (strstr(line, *words))
			return 1;
	return 0;
}

enum mark mark_of(const char *line)
{
	static const char *const errors[] = {
		"error:", "Error:", "error[", "ERROR", "FAIL", "fatal:", "Fatal:", "undefined reference", "Traceback (most", "panicked at", "Segmentation fault",
		"Assertion", "command not found", "No such file or directory", "Out of memory", "out of memory", NULL
	}, *const warnings[] = { "warning:", "Warning:", "WARN", NULL };
	if (!strncmp(line, "METRIC ", 7))
		return MARK_METRIC;
	if (!strncmp(line, "SKYDECK ", 8))
		return MARK_DRIVER;
	return has_any(line, errors) ? MARK_ERROR : has_any(line, warnings) ? MARK_WARNING : MARK_NONE;
}

enum mark mark_find(const char *name)
{
	static const char *const names[] = {
#define X(id, text) text,
		MARKS(X)
#undef X
	};
	for (int i = 0; name && i < MARK_COUNT; i++)
		if (!strcmp(names[i], name))
			return (enum mark)i;
	return MARK_NONE;
}
