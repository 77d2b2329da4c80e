/* A page: text of our own making, wrapped between words to the width there is, with a lead ("sources", a time, a key)
 * in front of a line. Made anew in a pane's sync whenever what it says changes. Embedded in the state of a pane; {0}
 * is an empty one. */
#ifndef PANES_PAGE_H
#define PANES_PAGE_H

#include <stddef.h>

#include "tui/pane.h"
#include "tui/textview.h"

struct page_line {
	char *text;
	enum style style, lead_style;
	int lead;			/* columns that have lead_style */
	char *link;			/* where its text leads; NULL: nowhere */
};

struct page {
	struct page_line *lines;
	size_t count, room;
	int columns;			/* that the text is wrapped to */
	struct textview view;
};

/* Forgets the text, not where the reader is. */
void page_begin(struct page *page, int columns);

/* Adds `text`; its further rows, and its lines after a newline, are indented by `indent` columns as its first one is.
 * The lead stands in the indent, cut to it. */
void page_add(struct page *page, const char *lead, enum style lead_style, int indent, const char *text, enum style s);
/* The same, with text that leads to an address on the web. */
void page_add_link(struct page *page, const char *lead, enum style lead_style, int indent, const char *text, enum style s, const char *url);
void page_heading(struct page *page, const char *text);	/* with a blank line before it, but for the first */
void page_blank(struct page *page);

/* In a pane's sync, after the text was made. */
void page_sync(struct page *page, int rows);
void page_draw(const struct page *page, struct canvas *c, int focused);
enum pane_result page_act(struct page *page, const struct act *act);
int page_search(struct page *page, const char *text, int direction);
void page_release(struct page *page);

#endif
