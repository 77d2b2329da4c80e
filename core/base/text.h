/* Text from outside, made safe to show. Logs, diffs, titles, agent and paper text, file names: all of it passes here
 * before it reaches JSON, a terminal or a page.
 *
 * Safe text is valid UTF-8 in which nothing acts on a terminal or hides: C0 and C1 controls, DEL, ESC sequences, bidi
 * controls (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C), zero-width and tag characters (U+200B-200D, U+2060,
 * U+FEFF, U+E0000-E007F) and all else that is ignorable by default, line separators, invalid bytes and unassigned or
 * private code points appear as visible marks such as <1B>, <U+202E>, <FF>. So does a combining mark with nothing to
 * stand on, or the fifth on one character. U+FE0F after a symbol is dropped. Passing twice changes nothing. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

enum text_flags {
	TEXT_LINE = 0,		/* one line: a newline becomes a space, a tab the mark <09> */
	TEXT_NEWLINES = 1,	/* keep \n */
	TEXT_TABS = 2,		/* tabs become spaces up to the next multiple of 8 columns */
	TEXT_STRIP_SGR = 4,	/* drop colour sequences (CSI ... m), and a CR before LF or at the end, for logs */
};

/* Adds len bytes to out as safe text. Returns how many marks it had to make (0: nothing suspicious was in there). */
size_t text_safe(struct buf *out, const char *bytes, size_t len, unsigned flags);

/* The same into a new string; the caller frees it. */
char *text_safe_string(const char *bytes, size_t len, unsigned flags);

/* Decodes one code point at s (len bytes left) into *cp; returns the bytes used (1..4), or 0 when s is no valid UTF-8
 * there (overlong, surrogate, truncated, above U+10FFFF). */
int text_decode(const char *s, size_t len, uint32_t *cp);
int text_encode(uint32_t cp, char out[4]);	/* bytes written; what is no code point is written as U+FFFD */
int text_is_valid(const char *s, size_t len);

/* Columns of a code point: 0 (combining), 1 or 2; of a string of safe text. A table of our own, so that the answer
 * does not hang on the locale. */
int text_width(uint32_t cp);
int text_columns(const char *s);

/* Bytes of the longest prefix of s that fits in columns; *used gets its columns. Never splits a character. */
size_t text_fit(const char *s, int columns, int *used);

#endif
