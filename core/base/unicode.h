/* What a terminal does with a code point: the one table behind safe text and its columns. Unicode 14.0, the version of
 * the C library that ncurses asks on the oldest system we support: what is newer is shown as a mark there. */
#ifndef CORE_BASE_UNICODE_H
#define CORE_BASE_UNICODE_H

#include <stdint.h>

enum unicode_kind {
	UNICODE_HIDDEN,		/* acts, hides or means nothing: C*, Zl, Zp, Default_Ignorable_Code_Point */
	UNICODE_COMBINING,	/* joins the character before it: Mn, Me, Hangul vowels and finals */
	UNICODE_NARROW,
	UNICODE_WIDE,		/* East_Asian_Width W or F (UAX #11): CJK, most emoji; and what glibc adds */
};

enum unicode_kind unicode_kind(uint32_t cp);

#endif
