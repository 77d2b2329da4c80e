/* JSON, strict: the rest of the program sees `struct json` and never cJSON. The holes that are closed here (measured
 * on cJSON 1.7.15): \u0000 and broken \u escapes in strings, control characters, invalid UTF-8, numbers such as 01 and
 * 1e999, trailing bytes after the document, duplicate keys, case-insensitive lookup. RFC 8259. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct json;	/* a value; an object or array owns what was added to it */

/* Parses exactly one document of len bytes. NULL with a sentence in err. */
struct json *json_parse(const char *text, size_t len, struct err *err);
void json_free(struct json *v);	/* NULL allowed */

/* Reading. Each takes NULL (and anything of another type) as "absent". Strings live as long as the document. */
const struct json *json_get(const struct json *object, const char *key);
int json_is_object(const struct json *v);
int json_is_array(const struct json *v);
int json_is_number(const struct json *v);
int json_is_null(const struct json *v);
const char *json_string(const struct json *v, const char *otherwise);
double json_number(const struct json *v, double otherwise);
int64_t json_integer(const struct json *v, int64_t otherwise);	/* whole numbers up to 2^53 */
int json_bool(const struct json *v, int otherwise);
const char *json_key(const struct json *member);		/* of a member of an object; else NULL */
size_t json_count(const struct json *v);
/* for (const struct json *i = json_first(list); i; i = json_next(i)) */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);

/* Building. Text is made valid first: bytes that are no UTF-8 become U+FFFD; it must already be safe to show. */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_new_string(const char *s);			/* NULL gives null */
struct json *json_new_number(double v);			/* not finite gives null */
struct json *json_new_bool(int v);
struct json *json_copy(const struct json *v);
void json_take(struct json *object, const char *key, struct json *value);	/* value moves in, or replaces */
void json_append(struct json *array, struct json *value);			/* value moves into array */
void json_put_string(struct json *object, const char *key, const char *s);	/* NULL puts null */
void json_put_number(struct json *object, const char *key, double v);
void json_put_integer(struct json *object, const char *key, int64_t v);		/* within 2^53: asserted */
void json_put_bool(struct json *object, const char *key, int v);

/* Adds the document to out: on one line, or indented for people. */
void json_print(const struct json *v, struct buf *out);
void json_print_pretty(const struct json *v, struct buf *out);

/* Adds s as a JSON string with its quotes, made valid; for hot paths that print without building a tree. */
void json_quote(struct buf *out, const char *s);
/* Adds a number in the shortest form that reads back to the same double; not finite gives null. */
void json_print_number(struct buf *out, double v);

#endif
