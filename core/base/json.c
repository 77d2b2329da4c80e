/* JSON around cJSON, which keeps the tree; what it lets through is refused here, and printing is ours.
 *
 * Parsing is one scan over the bytes (only what cJSON would miss: bytes that are no UTF-8, control characters, escapes
 * that spell no character, numbers that are none), then cJSON's own parse for structure, then a walk over the tree for
 * duplicate keys and numbers out of range. Small objects are compared key by key, large ones by sorting, so that a
 * hostile line costs no more than its length.
 *
 * cJSON prints numbers with 15 digits, and 1e+15 for whole ones, and passes invalid bytes on: hence the printer. It
 * takes care of a decimal comma, since whoever embeds this may have set a locale. RFC 8259. */
#include "core/base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { FEW_KEYS = 16 };

static const double largest_whole = 9007199254740992.0;	/* 2^53: every whole number up to it is exact */

static const cJSON *tree(const struct json *v)
{
	return (const cJSON *)v;
}

static cJSON *own(struct json *v)
{
	return (cJSON *)v;
}

static struct json *made(cJSON *v)
{
	return xcheck(v);
}

/* --- what cJSON lets through -------------------------------------------------------------------------------------- */

static int is_digit(const char *s, const char *end)
{
	return s < end && *s >= '0' && *s <= '9';
}

static const char *after_digits(const char *s, const char *end)
{
	while (is_digit(s, end))
		s++;
	return s;
}

/* The end of the number at s by the grammar of RFC 8259 section 6, or NULL. */
static const char *after_number(const char *s, const char *end)
{
	s += *s == '-';
	if (!is_digit(s, end))
		return NULL;
	s = *s == '0' ? s + 1 : after_digits(s, end);
	if (s < end && *s == '.') {
		if (!is_digit(s + 1, end))
			return NULL;
		s = after_digits(s + 1, end);
	}
	if (s < end && (*s == 'e' || *s == 'E')) {
		s++;
		s += s < end && (*s == '+' || *s == '-');
		if (!is_digit(s, end))
			return NULL;
		s = after_digits(s, end);
	}
	return is_digit(s, end) ? NULL : s;
}

/* The end of the escape at s, or NULL when it is \u without four digits or stands for NUL. */
static const char *after_escape(const char *s, const char *end)
{
	if (end - s < 2 || s[1] != 'u')
		return end - s < 2 ? NULL : s + 2;
	uint32_t value = 0;
	for (int i = 2; i < 6; i++) {
		const char *digit = s + i < end ? memchr("0123456789abcdef", s[i] | 0x20, 16) : NULL;
		if (!digit)
			return NULL;
		value = value * 16 + (uint32_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
	}
	return value ? s + 6 : NULL;
}

/* The end of the string whose opening quote is at s, or NULL with the reason and the place in *at. */
static const char *after_string(const char *s, const char *end, const char **at, const char **why)
{
	uint32_t cp;
	for (s++; s < end && *s != '"';) {
		unsigned char c = (unsigned char)*s;
		*at = s;
		if (c == '\\') {
			*why = "\\u0000 or a broken escape";
			s = after_escape(s, end);
		} else if (c < 0x20) {
			*why = "a control character inside a string";
			s = NULL;
		} else if (c < 0x80) {
			s++;
		} else {
			int n = text_decode(s, (size_t)(end - s), &cp);
			*why = "bytes that are not UTF-8";
			s = n ? s + n : NULL;
		}
		if (!s)
			return NULL;
	}
	return s < end ? s + 1 : s;	/* cJSON reports what is unfinished */
}

/* Finds what cJSON accepts and should not. NULL when all is well, else the place, with the reason in *why. */
static const char *find_fault(const char *s, const char *end, const char **why)
{
	while (s < end) {
		const char *at = s, *next = s + 1;
		if (*s == '"') {
			next = after_string(s, end, &at, why);
		} else if (*s == '-' || is_digit(s, end)) {
			*why = "a number that is none";
			next = after_number(s, end);
		} else if ((unsigned char)*s >= 0x7f || (*s < 0x20 && !strchr("\t\n\r", *s)) || !*s) {
			*why = "a byte that belongs to no value";
			next = NULL;
		}
		if (!next)
			return at;
		s = next;
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static const char *repeated_key_of_many(const cJSON *object, size_t n)
{
	const cJSON **members = xmalloc(n * sizeof *members), *found = NULL, *i = object->child;
	for (size_t k = 0; k < n; k++, i = i->next)
		members[k] = i;
	qsort(members, n, sizeof *members, by_key);
	for (size_t k = 1; k < n && !found; k++)
		if (!by_key(&members[k - 1], &members[k]))
			found = members[k];
	free(members);
	return found ? found->string : NULL;
}

static const char *repeated_key(const cJSON *object)
{
	size_t n = 0;
	for (const cJSON *i = object->child; i; i = i->next, n++) {
		if (n == FEW_KEYS)
			return repeated_key_of_many(object, (size_t)cJSON_GetArraySize(object));
		for (const cJSON *before = object->child; before != i; before = before->next)
			if (*before->string == *i->string && !strcmp(before->string, i->string))
				return i->string;
	}
	return NULL;
}

/* Refuses duplicate keys and numbers that became infinite, at any depth (cJSON stops at 1000). */
static int check_tree(const cJSON *v, struct err *err)
{
	const char *key = cJSON_IsObject(v) ? repeated_key(v) : NULL;
	if (key)
		return err_set(err, "not valid JSON: the key \"%.100s\" stands twice in one object", key);
	if (cJSON_IsNumber(v) && !isfinite(v->valuedouble))
		return err_set(err, "not valid JSON: a number is too large");
	for (const cJSON *i = v->child; i; i = i->next)
		if ((i->child || cJSON_IsNumber(i)) && check_tree(i, err))
			return -1;
	return 0;
}

static void say_where(struct err *err, const char *text, const char *at, const char *end, const char *why)
{
	int near = end - at < 20 ? (int)(end - at) : 20;
	if (near)
		err_set(err, "not valid JSON: %s at byte %zu, near \"%.*s\"", why, (size_t)(at - text) + 1, near, at);
	else
		err_set(err, "not valid JSON: it ends too early, after %zu bytes", (size_t)(at - text));
}

struct json *json_parse(const char *text, size_t len, struct err *err)
{
	const char *end = text + len, *why = NULL, *at = find_fault(text, end, &why);
	if (at) {
		say_where(err, text, at, end, why);
		return NULL;
	}
	cJSON *v = len ? cJSON_ParseWithLengthOpts(text, len, &at, 0) : NULL;
	if (!len)
		err_set(err, "not valid JSON: nothing is there");
	else if (!v)
		say_where(err, text, at, end, "a mistake");
	if (!v)
		return NULL;
	while (at < end && strchr(" \t\n\r", *at))
		at++;
	if (at < end)
		say_where(err, text, at, end, "something after the document");
	if (at < end || check_tree(v, err)) {
		cJSON_Delete(v);
		return NULL;
	}
	return (struct json *)v;
}

void json_free(struct json *v)
{
	cJSON_Delete(own(v));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

const struct json *json_get(const struct json *object, const char *key)
{
	if (!json_is_object(object))
		return NULL;
	for (const cJSON *i = tree(object)->child; i; i = i->next)
		if (*i->string == *key && !strcmp(i->string, key))
			return (const struct json *)i;
	return NULL;
}

int json_is_object(const struct json *v)
{
	return cJSON_IsObject(tree(v));
}

int json_is_array(const struct json *v)
{
	return cJSON_IsArray(tree(v));
}

int json_is_number(const struct json *v)
{
	return cJSON_IsNumber(tree(v));
}

int json_is_null(const struct json *v)
{
	return cJSON_IsNull(tree(v));
}

const char *json_string(const struct json *v, const char *otherwise)
{
	return cJSON_IsString(tree(v)) ? tree(v)->valuestring : otherwise;
}

double json_number(const struct json *v, double otherwise)
{
	return json_is_number(v) ? tree(v)->valuedouble : otherwise;
}

int64_t json_integer(const struct json *v, int64_t otherwise)
{
	double n = json_number(v, NAN);
	return fabs(n) <= largest_whole && n == trunc(n) ? (int64_t)n : otherwise;
}

int json_bool(const struct json *v, int otherwise)
{
	return cJSON_IsBool(tree(v)) ? cJSON_IsTrue(tree(v)) : otherwise;
}

const char *json_key(const struct json *member)
{
	return member ? tree(member)->string : NULL;
}

size_t json_count(const struct json *v)
{
	size_t n = 0;
	for (const struct json *i = json_first(v); i; i = json_next(i))
		n++;
	return n;
}

const struct json *json_first(const struct json *v)
{
	return v ? (const struct json *)tree(v)->child : NULL;
}

const struct json *json_next(const struct json *v)
{
	return v ? (const struct json *)tree(v)->next : NULL;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

/* s when it is UTF-8; else a copy with U+FFFD for each byte that is not, which the caller finds in *copy to free. */
static const char *valid_text(const char *s, char **copy)
{
	size_t len = strlen(s);
	*copy = NULL;
	if (text_is_valid(s, len))
		return s;
	struct buf b = {0};
	uint32_t cp;
	for (size_t i = 0; i < len;) {
		int n = text_decode(s + i, len - i, &cp);
		if (n)
			buf_add(&b, s + i, (size_t)n);
		else
			buf_puts(&b, "\xef\xbf\xbd");
		i += n ? (size_t)n : 1;
	}
	return *copy = buf_take(&b);
}

struct json *json_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *json_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *json_new_string(const char *s)
{
	if (!s)
		return made(cJSON_CreateNull());
	char *copy;
	struct json *v = made(cJSON_CreateString(valid_text(s, &copy)));
	free(copy);
	return v;
}

struct json *json_new_number(double v)
{
	return made(isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull());
}

struct json *json_new_bool(int v)
{
	return made(cJSON_CreateBool(v != 0));
}

struct json *json_copy(const struct json *v)
{
	return made(cJSON_Duplicate(tree(v), 1));
}

void json_take(struct json *object, const char *key, struct json *value)
{
	assert(json_is_object(object) && value);
	char *copy;
	key = valid_text(key, &copy);
	int done = json_get(object, key) ? cJSON_ReplaceItemInObjectCaseSensitive(own(object), key, own(value))
		: cJSON_AddItemToObject(own(object), key, own(value));
	xcheck(done ? object : NULL);
	free(copy);
}

void json_append(struct json *array, struct json *value)
{
	assert(json_is_array(array) && value);
	cJSON_AddItemToArray(own(array), own(value));
}

void json_put_string(struct json *object, const char *key, const char *s)
{
	json_take(object, key, json_new_string(s));
}

void json_put_number(struct json *object, const char *key, double v)
{
	json_take(object, key, json_new_number(v));
}

void json_put_integer(struct json *object, const char *key, int64_t v)
{
	assert(v <= (int64_t)largest_whole && v >= -(int64_t)largest_whole);
	json_take(object, key, json_new_number((double)v));
}

void json_put_bool(struct json *object, const char *key, int v)
{
	json_take(object, key, json_new_bool(v));
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void quote_one(struct buf *out, unsigned char c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (const char *i = named; *i; i += 2)
		if ((unsigned char)*i == c) {
			buf_add(out, (char[]){'\\', i[1]}, 2);
			return;
		}
	buf_printf(out, "\\u%04x", c);
}

void json_quote(struct buf *out, const char *s)
{
	char *copy;
	s = valid_text(s, &copy);
	buf_putc(out, '"');
	while (*s) {
		size_t plain = 0;
		while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
			plain++;
		buf_add(out, s, plain);
		s += plain;
		if (*s)
			quote_one(out, (unsigned char)*s++);
	}
	buf_putc(out, '"');
	free(copy);
}

enum { NUMBER_TEXT = 32 };	/* room for "-2.2250738585072014e-308" */

static void print_whole(struct buf *out, double v)
{
	char text[NUMBER_TEXT], *s = text + sizeof text;
	uint64_t left = (uint64_t)fabs(v);
	do
		*--s = (char)('0' + left % 10);
	while (left /= 10);
	if (signbit(v))
		*--s = '-';
	buf_add(out, s, (size_t)(text + sizeof text - s));
}

void json_print_number(struct buf *out, double v)
{
	char text[NUMBER_TEXT];
	if (!isfinite(v)) {
		buf_puts(out, "null");
		return;
	}
	if (v == trunc(v) && fabs(v) <= largest_whole) {
		print_whole(out, v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	size_t before = strspn(text, "-0123456789"), after = before + strcspn(text + before, "0123456789e");
	buf_add(out, text, before);
	if (after > before)
		buf_putc(out, '.');	/* whatever this locale puts between */
	buf_puts(out, text + after);
}

static void new_line(struct buf *out, int depth)
{
	if (depth < 0)
		return;
	buf_putc(out, '\n');
	while (depth--)
		buf_puts(out, "  ");
}

/* depth < 0 is all on one line. */
static void print(const cJSON *v, struct buf *out, int depth)
{
	if (cJSON_IsString(v)) {
		json_quote(out, v->valuestring);
	} else if (cJSON_IsNumber(v)) {
		json_print_number(out, v->valuedouble);
	} else if (cJSON_IsBool(v) || !(cJSON_IsObject(v) || cJSON_IsArray(v))) {
		buf_puts(out, cJSON_IsBool(v) ? (cJSON_IsTrue(v) ? "true" : "false") : "null");
	} else {
		int is_object = cJSON_IsObject(v), inner = depth < 0 ? depth : depth + 1;
		buf_putc(out, is_object ? '{' : '[');
		for (const cJSON *i = v->child; i; i = i->next) {
			if (i != v->child)
				buf_putc(out, ',');
			new_line(out, inner);
			if (is_object) {
				json_quote(out, i->string);
				buf_puts(out, depth < 0 ? ":" : ": ");
			}
			print(i, out, inner);
		}
		if (v->child)
			new_line(out, depth);
		buf_putc(out, is_object ? '}' : ']');
	}
}

void json_print(const struct json *v, struct buf *out)
{
	print(tree(v), out, -1);
}

void json_print_pretty(const struct json *v, struct buf *out)
{
	print(tree(v), out, 0);
}
