/* The text of a PDF, by pdftotext (poppler-utils), which reads hostile input and therefore runs confined: without network, with
 * little memory, time and output. Text that a reader would not see (white, tiny, covered) comes with it and cannot be told
 * apart: it is never an instruction. */
#ifndef CORE_RESEARCH_PDF_H
#define CORE_RESEARCH_PDF_H

#include <stddef.h>

#include "core/io/loop.h"

enum { PDF_PAGES = 30, PDF_TEXT = 2 << 20, PDF_FILE = 20 << 20 };

struct pdf_text;

/* came is called once, from the loop, never from in here: the bytes as they came from pdftotext, which are not safe text yet,
 * "\f" after each page, at most PDF_PAGES pages and PDF_TEXT bytes (then n is PDF_TEXT: cut); or text NULL and a sentence. */
struct pdf_text *pdf_text(struct loop *loop, const char *path, void (*came)(void *data, const char *text, size_t n, const char *problem),
                          void *data);
void pdf_text_cancel(struct pdf_text *p);	/* came is not called any more; NULL allowed */

int pdf_is(const char *bytes, size_t n);	/* it begins as a PDF does */
/* The first line that could be a title, as safe text; the caller frees it. NULL: none. */
char *pdf_title(const char *text, size_t n);

#endif
