/* Memory and growing arrays. Running out of memory ends the process: every fact that matters is on disk already,
 * so there is nothing that a half-working process could save. */
#include "core/base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xcheck(void *p)
{
	if (p)
		return p;
	fputs("skydeck: out of memory\n", stderr);
	abort();
}

void *xmalloc(size_t size)
{
	return xcheck(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return xcheck(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
	return xcheck(realloc(old, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? xcheck(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);
	copy[len] = '\0';
	return memcpy(copy, s, len);	/* not strndup: s may be bytes without an end, of which n is the end */
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *out;
	va_start(args, format);
	int n = vasprintf(&out, format, args);
	va_end(args);
	return xcheck(n < 0 ? NULL : out);
}

void string_set(char **field, const char *value)
{
	char *copy = xstrdup(value);	/* first: value may point into *field */
	free(*field);
	*field = copy;
}

void *(array_add)(void *items, size_t *count, size_t *room, size_t size)
{
	char *base;
	memcpy(&base, items, sizeof base);	/* items is a struct S **: to read it as char ** breaks aliasing */
	if (*count == *room) {
		*room = *room ? *room * 2 : 2;
		base = xrealloc(base, *room * size);
		memcpy(items, &base, sizeof base);
	}
	return memset(base + (*count)++ * size, 0, size);
}

void (array_remove)(void *items, size_t *count, size_t i, size_t size)
{
	char *base;
	memcpy(&base, items, sizeof base);
	assert(i < *count);
	memmove(base + i * size, base + (i + 1) * size, (*count - i - 1) * size);
	(*count)--;
}

void strings_add(struct strings *list, const char *s)
{
	char **at = array_add(&list->at, &list->count, &list->room, sizeof *at);
	*at = xstrdup(s);
}

void strings_copy(struct strings *to, const struct strings *from)
{
	struct strings copy = {0};
	for (size_t i = 0; i < from->count; i++)
		strings_add(&copy, from->at[i]);
	strings_release(to);
	*to = copy;
}

int strings_have(const struct strings *list, const char *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->at[i], s))
			return 1;
	return 0;
}

void strings_release(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
	*list = (struct strings){0};
}
