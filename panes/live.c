/* What a model says comes a few letters at a time, up to ten times a second. Most of these only make the last line longer,
 * and the model tells that line: nothing is asked then, and only the page of these few lines is made anew. */
#include "panes/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panes/standing.h"

enum { LINES_MAX = 24, MARK = 2 };

static void forget(struct live *l, const char *of)
{
	string_set(&l->of, of);
	string_set(&l->last, NULL);
	strings_release(&l->lines);
	l->line_count = l->bytes = 0;
	l->asked_bytes = -1;
	l->asked = 0;
}

static int begins_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Whether the lines that are here can be made to end in what the model tells now. */
static int goes_on(struct live *l, const char *last)
{
	char **newest = l->lines.count ? &l->lines.at[l->lines.count - 1] : NULL;

	if (!newest) {
		strings_add(&l->lines, last);
		return 0;
	}
	if (!begins_with(last, *newest))
		return 0;
	string_set(newest, last);
	return 1;
}

/* What the model tells of a long line is its beginning: then there is more to be seen though that stands still. */
static int take_told(struct live *l, const struct turn *turn)
{
	const char *last = turn->last_line ? turn->last_line : "";
	int moved = l->bytes != turn->log_bytes, is_whole;

	if (!moved)
		return 0;
	is_whole = *last && goes_on(l, last) && l->line_count == turn->log_lines && strcmp(last, l->last ? l->last : "");
	string_set(&l->last, last);
	l->bytes = turn->log_bytes;
	l->line_count = turn->log_lines;
	if (is_whole && l->asked_bytes >= 0 && !l->asked)
		l->asked_bytes = l->bytes;
	return 1;
}

static void ask(struct live *l, int rows, struct intent *want)
{
	struct json *args = json_object(), *of = json_array();

	json_append(of, json_new_string(l->of));
	json_take(args, "of", of);
	json_put_integer(args, "lines", rows < LINES_MAX ? rows : LINES_MAX);
	l->asked = 1;
	l->asked_bytes = l->bytes;
	intent_query(want, "tails", args, 0);
}

static void make(struct live *l, int columns)
{
	page_begin(&l->page, columns);
	for (size_t i = 0; i < l->lines.count; i++)
		page_add(&l->page, NULL, STYLE_INFO, MARK, l->lines.at[i], standing_is_speaker(l->lines.at[i]) ? STYLE_HEADING : STYLE_AGENT);
	l->page.view.grows = l->page.view.follow = 1;
}

int live_sync(struct live *l, const struct turn *turn, int rows, int columns, struct intent *want)
{
	char of[16] = "";
	int is_new, used = rows;

	if (turn)
		snprintf(of, sizeof of, "t%u", turn->number);
	is_new = strcmp(of, l->of ? l->of : "") != 0;
	if (is_new)
		forget(l, turn ? of : NULL);
	if (!turn || rows <= 0)
		return 0;
	if (take_told(l, turn) || is_new || l->page.columns != columns)
		make(l, columns);
	if ((size_t)rows > l->page.count)
		used = (int)l->page.count;
	page_sync(&l->page, used);
	if (rows > 1 && !l->asked && l->bytes > 0 && l->asked_bytes != l->bytes)
		ask(l, rows, want);
	return used;
}

void live_answer(struct live *l, const struct answer *a)
{
	l->asked = 0;
	for (const struct json *i = json_first(json_get(a->result, "tails")); i; i = json_next(i)) {
		if (!l->of || strcmp(l->of, json_string(json_get(i, "of"), "")))
			continue;
		strings_release(&l->lines);
		for (const struct json *k = json_first(json_get(i, "lines")); k; k = json_next(k))
			strings_add(&l->lines, json_string(k, ""));
		make(l, l->page.columns);
	}
}

void live_draw(const struct live *l, struct canvas *c)
{
	if (!l->of)
		return;
	page_draw(&l->page, c, 0);
	canvas_text(c, 0, 0, STYLE_INFO, "▸", -1);
}

void live_release(struct live *l)
{
	free(l->of);
	free(l->last);
	strings_release(&l->lines);
	page_release(&l->page);
}
