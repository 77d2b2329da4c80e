/* What must hold for any bytes at all. Each returns NULL, or the property that broke. Shared by the fuzzers, which look
 * for new bytes, and tests/unit/base_fuzz_test.c, which replays those in corpus/. */
#ifndef TESTS_FUZZ_PROPERTIES_H
#define TESTS_FUZZ_PROPERTIES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define MUST(condition) do { if (!(condition)) return #condition; } while (0)

/* Nothing in it acts: no control but the newline that was asked for, no code point that hides. */
static inline const char *text_is_inert(const struct buf *safe, unsigned flags)
{
	MUST(text_is_valid(safe->data, safe->len));
	uint32_t cp;
	for (size_t i = 0; i < safe->len; i += (size_t)text_decode(safe->data + i, safe->len - i, &cp)) {
		text_decode(safe->data + i, safe->len - i, &cp);
		int newline = cp == '\n' && flags & TEXT_NEWLINES;
		MUST(newline || (cp >= 0x20 && (cp < 0x7f || cp >= 0xa0)));
		MUST(cp < 0x200b || cp > 0x200f);
		MUST(cp < 0x2028 || cp > 0x202e);
		MUST(cp < 0x2060 || cp > 0x206f);
		MUST(cp != 0xfeff && cp != 0x61c && cp != 0xad && cp < 0xe0000);
	}
	return NULL;
}

/* Cutting at any column gives a valid prefix that is as wide as it says, and cuts add up to the whole. */
static inline const char *text_can_be_cut(const char *s)
{
	size_t len = strlen(s), at = 0;
	int columns = text_columns(s), used = 0, sum = 0;
	MUST(text_fit(s, columns, &used) == len && used == columns);
	while (at < len) {
		size_t cut = text_fit(s + at, 7, &used);
		MUST(cut > 0 && used >= 0 && used <= 7);
		MUST(text_is_valid(s + at, cut));
		sum += used;
		at += cut;
	}
	MUST(sum == columns);
	return NULL;
}

/* The first byte gives the flags. */
static inline const char *text_property(const uint8_t *bytes, size_t len)
{
	if (!len)
		return NULL;
	unsigned flags = bytes[0] & (TEXT_NEWLINES | TEXT_TABS | TEXT_STRIP_SGR);
	char *raw = xcalloc(1, len);	/* of its exact size, so that a read past its end is seen */
	memcpy(raw, bytes + 1, len - 1);
	struct buf once = {0}, twice = {0};
	text_safe(&once, raw, len - 1, flags);
	free(raw);
	MUST(once.len == strlen(once.data));
	MUST(text_safe(&twice, once.data, once.len, flags) == 0);
	MUST(!strcmp(once.data, twice.data));
	const char *broken = text_is_inert(&once, flags);
	if (!broken)
		broken = text_can_be_cut(once.data);
	buf_release(&once);
	buf_release(&twice);
	return broken;
}

static inline struct json *json_reread(const struct buf *printed)
{
	struct err err;
	return json_parse(printed->data, printed->len, &err);
}

/* A document with NUL in a string: \u0000 behind an even number of backslashes. */
static inline int json_spells_nul(const char *text, size_t len)
{
	for (size_t i = 0; i + 6 <= len; i++) {
		size_t before = 0;
		while (before < i && text[i - 1 - before] == '\\')
			before++;
		if (before % 2 == 0 && !memcmp(text + i, "\\u0000", 6))
			return 1;
	}
	return 0;
}

/* What was accepted is UTF-8 without NUL, and prints to the same document in every form. */
static inline const char *json_document_property(const char *text, size_t len)
{
	struct err err = {0};
	struct json *v = json_parse(text, len, &err);
	if (!v) {
		MUST(*err.text && text_is_valid(err.text, strlen(err.text)));
		return NULL;
	}
	MUST(text_is_valid(text, len) && !json_spells_nul(text, len) && !memchr(text, 0, len));
	struct buf first = {0}, second = {0}, pretty = {0};
	json_print(v, &first);
	struct json *again = json_reread(&first), *copy = json_copy(v);
	MUST(again);
	json_print(again, &second);
	MUST(!strcmp(first.data, second.data));
	json_print_pretty(copy, &pretty);
	json_free(v);
	json_free(again);
	MUST((again = json_reread(&pretty)));
	buf_truncate(&second, 0);
	json_print(again, &second);
	MUST(!strcmp(first.data, second.data));
	json_free(again);
	json_free(copy);
	buf_release(&first);
	buf_release(&second);
	buf_release(&pretty);
	return NULL;
}

/* Any bytes can be quoted, and any double printed. */
static inline const char *json_value_property(const char *text, size_t len)
{
	struct buf b = {0};
	char *s = xstrndup(text, len);
	json_quote(&b, s);
	struct json *v = json_reread(&b), *built = json_new_string(s);
	MUST(v && !strcmp(json_string(v, ""), json_string(built, "")));
	MUST(!text_is_valid(s, strlen(s)) || !strcmp(json_string(v, ""), s));
	json_free(v);
	json_free(built);
	free(s);
	double number = 0;
	memcpy(&number, text, len < sizeof number ? len : sizeof number);
	buf_truncate(&b, 0);
	json_print_number(&b, number);
	MUST((v = json_reread(&b)));
	MUST(isfinite(number) ? json_number(v, NAN) == number : json_is_null(v));
	json_free(v);
	buf_release(&b);
	return NULL;
}

static inline const char *json_property(const uint8_t *bytes, size_t len)
{
	char *text = xmalloc(len);
	if (len)
		memcpy(text, bytes, len);
	const char *broken = json_document_property(text, len);
	if (!broken)
		broken = json_value_property(text, len);
	free(text);
	return broken;
}

#endif
