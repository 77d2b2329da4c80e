/* What matters in a log: a look at one line of it. */
#ifndef CORE_DATA_MARK_H
#define CORE_DATA_MARK_H

/* X(id, name in queries) */
#define MARKS(X) \
	X(NONE, "") \
	X(METRIC, "metric")	/* a METRIC line of the harness */ \
	X(DRIVER, "driver")	/* the driver's own */ \
	X(WARNING, "warning") \
	X(ERROR, "error")	/* of compilers, linkers, shells, sanitizers and the usual languages */
enum mark {
#define X(id, name) MARK_##id,
	MARKS(X)
#undef X
	MARK_COUNT
};

enum mark mark_of(const char *line);
enum mark mark_find(const char *name);	/* MARK_NONE: unknown or NULL */

#endif
