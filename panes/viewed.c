/* The list of files beside a diff. The marks are this cockpit's alone and last as long as it does: they help a reader through
 * a patch of many files, and decide nothing. A new revision has none.
 */
#include "panes/viewed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *mark_of(const struct proposal *p, const char *path)
{
	return xasprintf("%s %zu %s", p->id, p->rev, path);
}

int viewed_has(const struct viewed *v, const struct proposal *p, const char *path)
{
	char *mark = mark_of(p, path);
	int has = strings_have(&v->marks, mark);

	free(mark);
	return has;
}

int viewed_toggle(struct viewed *v, const struct proposal *p, const char *path)
{
	char *mark = mark_of(p, path);
	size_t before = v->marks.count;

	for (size_t i = v->marks.count; i-- > 0; )
		if (!strcmp(v->marks.at[i], mark)) {
			free(v->marks.at[i]);
			array_remove(&v->marks.at, &v->marks.count, i, sizeof *v->marks.at);
		}
	if (v->marks.count == before)
		strings_add(&v->marks, mark);
	free(mark);
	return v->marks.count > before;
}

uint32_t viewed_file(const struct diff *d, uint32_t current, int rows, int row)
{
	uint32_t shown = rows > 1 ? (uint32_t)rows - 1 : 0;
	uint32_t first = current != DIFF_NONE && current >= shown ? current - shown + 1 : 0;

	if (row < 1 || row >= rows || first + (uint32_t)row - 1 >= d->file_count)
		return DIFF_NONE;
	return first + (uint32_t)row - 1;
}

static void draw_file(const struct diff_file *f, int is_viewed, int is_current, struct canvas *row)
{
	char changes[32];
	int end;

	snprintf(changes, sizeof changes, "+%u -%u", f->added, f->removed);
	canvas_text(row, 0, 0, is_viewed ? STYLE_GOOD : STYLE_MUTED, is_viewed ? "✓" : "·", -1);
	end = canvas_text_right(row, 0, row->columns, STYLE_MUTED, changes);
	canvas_text_cut(row, 0, 2, STYLE_DEFAULT, f->path, end - 3);
	if (is_current)
		canvas_mark(row, 0, 0, row->columns, CELL_CURRENT);
}

void viewed_draw(const struct viewed *v, const struct proposal *p, const struct diff *d, uint32_t current, struct canvas *c)
{
	size_t count = 0;

	for (size_t i = 0; i < d->file_count; i++)
		count += (size_t)viewed_has(v, p, d->files[i].path);
	canvas_hline(c, 0, 0, c->columns, STYLE_BORDER);
	canvas_text(c, 0, 0, STYLE_HEADING, "files", -1);
	canvas_printf(c, 0, 5, STYLE_TITLE, "  %zu of %zu viewed ", count, d->file_count);
	for (int y = 1; y < c->rows; y++) {
		struct canvas row = canvas_sub(c, (struct rect){ y, 0, 1, c->columns });
		uint32_t i = viewed_file(d, current, c->rows, y);
		if (i != DIFF_NONE)
			draw_file(&d->files[i], viewed_has(v, p, d->files[i].path), i == current, &row);
	}
}
