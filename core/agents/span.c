/* Steps over JSON that was found valid before, without building anything. Of what is not valid nothing past its end is read. */
#include "core/agents/span.h"

#include <string.h>

static int is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static const char *after_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\' && s + 1 < end)
			s++;
	return s < end ? s + 1 : end;
}

static const char *after_value(const char *s, const char *end)
{
	int depth = 0;
	do {
		if (s < end && *s == '"') {
			s = after_string(s, end);
		} else if (s < end && is_one_of(*s, "{[")) {
			depth++;
			s++;
		} else if (s < end && is_one_of(*s, "}]")) {
			depth--;
			s++;
		} else if (depth) {
			s++;
		} else {
			while (s < end && !is_one_of(*s, ",}] \t\r\n"))
				s++;
		}
	} while (s < end && depth > 0);
	return s;
}

static const char *after(const char *s, const char *end, const char *set)
{
	while (s < end && is_one_of(*s, set))
		s++;
	return s;
}

int span_next(struct span *rest, struct span *key, struct span *value)
{
	const char *end = rest->at + rest->len, *s = rest->len ? after(rest->at, end, " \t\r\n{,") : end;
	if (s == end || *s != '"')
		return 0;
	const char *colon = after_string(s, end);
	*key = (struct span){ s + 1, colon - s >= 2 ? (size_t)(colon - s) - 2 : 0 };
	s = after(colon, end, " \t\r\n:");
	const char *stop = after_value(s, end);
	*value = (struct span){ s, (size_t)(stop - s) };
	*rest = (struct span){ after(stop, end, " \t\r\n,"), 0 };
	rest->len = (size_t)(end - rest->at);
	return 1;
}

struct span span_get(struct span object, const char *key)
{
	struct span name, value;
	while (span_next(&object, &name, &value))
		if (span_is(name, key))
			return value;
	return (struct span){0};
}

int span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.at, text, s.len);
}
