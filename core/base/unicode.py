#!/usr/bin/env python3
"""Prints the table of core/base/unicode.c from Python's own copy of the Unicode data: python3 core/base/unicode.py"""
import unicodedata

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt): what is there and does not show.
IGNORABLE = [(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
             (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
             (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
             (0xE0000, 0xE0FFF)]
GLIBC_WIDE = [*range(0x3248, 0x3250), *range(0x4DC0, 0x4E00)]
HIDDEN, COMBINING, NARROW, WIDE = range(4)


def kind(cp):
    category = unicodedata.category(chr(cp))
    if any(a <= cp <= b for a, b in IGNORABLE) or category in ('Cc', 'Cf', 'Cn', 'Co', 'Cs', 'Zl', 'Zp'):
        return HIDDEN
    # Vowels and finals of Hangul join the syllable to their left.
    if category in ('Mn', 'Me') or 0x1160 <= cp <= 0x11FF or 0xD7B0 <= cp <= 0xD7FF:
        return COMBINING
    # glibc takes circled numbers on black squares and hexagrams for wide, and curses asks glibc.
    return WIDE if unicodedata.east_asian_width(chr(cp)) in 'WF' or cp in GLIBC_WIDE else NARROW


line, last = '', None
for cp in range(0x110000):
    if kind(cp) == last:
        continue
    last = kind(cp)
    item = '0x%x,' % (cp << 2 | last)
    if len(line) + len(item) > 106:
        print('\t' + line)
        line = ''
    line += item + ' '
print('\t' + line)
