/* A page's text: what a reader would see of it, as plain lines. Simple and safe rather than pretty: no document is ever built,
 * and what is hidden is dropped. */
#ifndef CORE_RESEARCH_HTML_H
#define CORE_RESEARCH_HTML_H

#include <stddef.h>

#include "core/base/buf.h"

/* Adds the text of a page of n bytes, at most limit bytes. Scripts, styles, forms' controls, navigation and hidden elements are
 * left out, formulas appear as their TeX (alttext), character references are decoded. The bytes are UTF-8 or anything: the
 * text is not yet safe to show. title: gets that of the page, one line; or NULL. Returns how many elements were hidden. */
size_t html_text(const char *html, size_t n, size_t limit, struct buf *out, struct buf *title);

/* Bytes of another encoding made UTF-8, by a page's Content-Type ("text/html; charset=iso-8859-1"): Latin-1 and Windows-1252
 * are known; anything else stays as it is. Returns 1 when out was filled. */
int html_recode(const char *type, const char *bytes, size_t n, struct buf *out);

#endif
