/* Which CPUs a slot has. Lists are short and sorted; every question is a walk over them. */
#include "core/runners/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { MOST_CPUS = 65536 };

static void add(struct cpus *cpus, int cpu)
{
	int *slot = array_add(&cpus->at, &cpus->count, &cpus->room, sizeof *slot);
	*slot = cpu;
}

static int have(const struct cpus *cpus, int cpu)
{
	for (size_t i = 0; i < cpus->count; i++)
		if (cpus->at[i] == cpu)
			return 1;
	return 0;
}

int cpus_allowed(struct cpus *out, struct err *err)
{
	for (int size = 1024; size <= MOST_CPUS; size *= 2) {	/* the kernel refuses a mask smaller than its own */
		size_t bytes = CPU_ALLOC_SIZE(size);
		cpu_set_t *set = CPU_ALLOC(size);
		int rc = sched_getaffinity(0, bytes, set), number = errno;
		for (int cpu = 0; !rc && cpu < size; cpu++)
			if (CPU_ISSET_S(cpu, bytes, set))
				add(out, cpu);
		CPU_FREE(set);
		if (!rc)
			return 0;
		if (number != EINVAL)
			return err_set(err, "cannot ask for this process's CPUs: %s", strerror(number));
	}
	return err_set(err, "this machine has more CPUs than can be counted");
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* One number of the list, moving *at over it. -1: none there. */
static int number(const char **at)
{
	char *end;
	if (**at < '0' || **at > '9')
		return -1;
	long n = strtol(*at, &end, 10);
	*at = end;
	return n < MOST_CPUS ? (int)n : MOST_CPUS;
}

int cpus_parse(struct cpus *out, const char *text, const struct cpus *allowed, struct err *err)
{
	for (const char *at = text;; at++) {
		at += strspn(at, " ");
		int first = number(&at), last = first;
		if (*at == '-') {
			at++;
			last = number(&at);
		}
		at += strspn(at, " ");
		if (first < 0 || last < first || (*at && *at != ','))
			return err_set(err, "runner.local.cpus is \"%s\": it must be a list such as 1-3,6", text);
		for (int cpu = first; cpu <= last; cpu++) {
			if (!have(allowed, cpu)) {
				char *may = cpus_text(allowed);
				err_set(err, "runner.local.cpus is \"%s\": CPU %d is not among those skydeck may use here: %s",
					text, cpu, may);
				free(may);
				return -1;
			}
			if (!have(out, cpu))
				add(out, cpu);
		}
		if (!*at)
			break;
	}
	qsort(out->at, out->count, sizeof *out->at, by_number);
	return 0;
}

void cpus_slice(struct cpus *out, const struct cpus *from, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		add(out, from->at[i]);
}

int cpus_overlap(const struct cpus *a, const struct cpus *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (have(b, a->at[i]))
			return 1;
	return 0;
}

char *cpus_text(const struct cpus *cpus)
{
	struct buf text = {0};
	for (size_t i = 0, next; i < cpus->count; i = next) {
		for (next = i + 1; next < cpus->count && cpus->at[next] == cpus->at[next - 1] + 1; next++)
			;
		buf_printf(&text, "%s%d", i ? "," : "", cpus->at[i]);
		if (next - i > 1)
			buf_printf(&text, "-%d", cpus->at[next - 1]);
	}
	return text.data ? buf_take(&text) : xstrdup("");
}

void cpus_release(struct cpus *cpus)
{
	free(cpus->at);
	*cpus = (struct cpus){0};
}
