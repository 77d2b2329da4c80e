/* Pages. The text is wrapped when it is made, so that the view below never wraps and a row on the screen is a line
 * here: that is what lets a lead have its own colour. */
#include "panes/page.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { NARROWEST = 8 };		/* columns of text beside an indent, even where there are none */

void page_begin(struct page *page, int columns)
{
	for (size_t i = 0; i < page->count; i++) {
		free(page->lines[i].text);
		free(page->lines[i].link);
	}
	page->count = 0;
	page->columns = columns;
}

/* Bytes of `text` that go on a row of `room` columns: up to the last blank that fits, else as many as fit. */
static size_t row_bytes(const char *text, int room)
{
	int used;
	size_t end = strcspn(text, "\n"), fits = text_fit(text, room, &used), at;

	if (fits >= end)
		return end;
	for (at = fits; at > 0 && text[at] != ' '; at--)
		;
	return at ? at : fits ? fits : 1;
}

static void add_row(struct page *page, const char *lead, enum style lead_style, int indent, const char *text,
	size_t bytes, enum style s)
{
	struct page_line *line = array_add(&page->lines, &page->count, &page->room, sizeof *line);
	struct buf out = { 0 };
	int used;

	if (lead) {
		buf_add(&out, lead, text_fit(lead, indent, &used));
		buf_printf(&out, "%*s", indent - used, "");
	} else {
		buf_printf(&out, "%*s", indent, "");
	}
	buf_add(&out, text, bytes);
	buf_puts(&out, "");
	*line = (struct page_line){ out.data ? buf_take(&out) : xstrdup(""), s, lead_style, lead ? indent : 0, NULL };
}

void page_add(struct page *page, const char *lead, enum style lead_style, int indent, const char *text, enum style s)
{
	int room = page->columns - indent;

	if (room < NARROWEST)
		room = NARROWEST;
	do {
		size_t bytes = row_bytes(text, room);
		add_row(page, lead, lead_style, indent, text, bytes, s);
		text += bytes;
		while (*text == ' ')
			text++;
		if (*text == '\n')
			text++;
		lead = NULL;
	} while (*text);
}

void page_add_link(struct page *page, const char *lead, enum style lead_style, int indent, const char *text, enum style s, const char *url)
{
	size_t first = page->count;

	page_add(page, lead, lead_style, indent, text, s);
	for (size_t i = first; i < page->count; i++)
		page->lines[i].link = xstrdup(url);
}

void page_blank(struct page *page)
{
	add_row(page, NULL, STYLE_DEFAULT, 0, "", 0, STYLE_DEFAULT);
}

void page_heading(struct page *page, const char *text)
{
	if (page->count)
		page_blank(page);
	page_add(page, NULL, STYLE_DEFAULT, 0, text, STYLE_HEADING);
}

static const char *line_of(const void *data, size_t i, struct buf *scratch, enum style *style)
{
	const struct page *page = data;

	(void)scratch;
	*style = page->lines[i].style;
	return page->lines[i].text;
}

void page_sync(struct page *page, int rows)
{
	textview_sync(&page->view, page->count, rows, page->columns, line_of, page);
}

void page_draw(const struct page *page, struct canvas *c, int focused)
{
	const struct textview *v = &page->view;

	textview_draw(v, c, focused, line_of, page);
	for (int y = 0; y < c->rows && v->top + (size_t)y < page->count; y++) {
		const struct page_line *line = &page->lines[v->top + (size_t)y];
		if (line->lead)
			canvas_restyle(c, y, -v->left, line->lead, line->lead_style);
		if (line->link) {
			int blanks = line->lead ? line->lead : (int)strspn(line->text, " ");
			canvas_link(c, y, blanks - v->left, text_columns(line->text) - blanks, line->link);
		}
	}
}

enum pane_result page_act(struct page *page, const struct act *act)
{
	return textview_act(&page->view, act, 0) ? PANE_REDRAW : PANE_IGNORED;
}

int page_search(struct page *page, const char *text, int direction)
{
	return textview_search(&page->view, text, direction, line_of, page);
}

void page_release(struct page *page)
{
	page_begin(page, 0);
	free(page->lines);
	textview_release(&page->view);
	*page = (struct page){ 0 };
}
