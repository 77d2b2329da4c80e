/* Memory that is there or the process dies, and arrays that grow. */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

/* Each of these writes a line to stderr and aborts when memory runs out; none returns NULL (size 0 counts as 1). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);	/* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
void *xcheck(void *p);	/* p, which another library allocated */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets *field to a copy of value (NULL allowed) and frees what was there. */
void string_set(char **field, const char *value);

/* Makes room for one more item at the end of a growing array and returns it zeroed; count goes up by one.
 *     struct run *run = array_add(&m->runs, &m->run_count, &m->run_room, sizeof *run);
 * Pointers to items are invalid after the next array_add. */
void *array_add(void *items, size_t *count, size_t *room, size_t size);

/* Takes item i out and closes the gap; the item's own contents are the caller's to release before. items is, here too, the
 * address of the pointer to the first: the macros do not compile with anything else. */
void array_remove(void *items, size_t *count, size_t i, size_t size);

#define ARRAY_OF(items, size) ((items) + 0 * sizeof(char[sizeof **(items) == (size) ? 1 : -1]))
#define array_add(items, count, room, size) array_add(ARRAY_OF(items, size), count, room, size)
#define array_remove(items, count, i, size) array_remove(ARRAY_OF(items, size), count, i, size)

/* A growing list of owned strings. {0} is an empty one. */
struct strings {
	char **at;
	size_t count, room;
};
void strings_add(struct strings *list, const char *s);	/* copies s */
void strings_copy(struct strings *to, const struct strings *from);
int strings_have(const struct strings *list, const char *s);
void strings_release(struct strings *list);

#endif
