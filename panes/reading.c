/* The reading list: what the agent reads, and what came of each source. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/standing.h"
#include "tui/list.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { FIRST_ROW = 1, KIND_X = 3, KIND = 9, YIELD = 9, GAIN = 10, ID_NARROW = 12, ID_WIDE = 38, WITH_ID = 58,
	WITH_GAIN = 72, WITH_KEY = 110 };
enum sort { SORT_ADDED, SORT_STATUS, SORT_YIELD, SORT_TITLE, SORT_COUNT };

struct reading_state {
	struct list list;
	size_t *rows, row_count, row_room;	/* indexes of sources, in the order shown */
	enum sort sort;
	int reverse;
	char *kind;			/* the only one shown; NULL: all */
};

struct view {
	const struct reading_state *s;
	const struct model *m;
	int columns;
};

static const char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

/* Kinds in the words of a column. */
static const char *kind_word(const struct source *s)
{
	const char *kind = text_or(s->type, "-");

	return !strcmp(kind, "documentation") ? "docs" : !strcmp(kind, "pull-request") ? "pull" : kind;
}

static int is_read(const struct source *s)
{
	return s->status && (!strcmp(s->status, "read") || !strcmp(s->status, "used"));
}

static int is_dropped(const struct source *s)
{
	return s->status && !strcmp(s->status, "dismissed");
}

/* Order */

static double rank(const struct model *m, const struct source *s, enum sort sort)
{
	static const char *const order[] = { "▸", "q", "r", "u", "·", "x" };
	struct yield y = source_yield(m, s);

	for (int i = 0; sort == SORT_STATUS && i < 6; i++)
		if (!strcmp(order[i], standing_source_mark(s)))
			return i;
	return -(y.gain_percent * 1000 + y.kept * 10 + y.proposals);
}

static int comes_before(const struct reading_state *s, const struct model *m, const struct source *a,
	const struct source *b)
{
	int order;

	if (s->sort == SORT_ADDED)
		return s->reverse ? a > b : a < b;
	if (s->sort == SORT_TITLE) {
		order = strcasecmp(text_or(a->title, ""), text_or(b->title, ""));
	} else {
		double difference = rank(m, a, s->sort) - rank(m, b, s->sort);
		order = difference < 0 ? -1 : difference > 0;
	}
	return s->reverse ? order > 0 : order < 0;
}

static void arrange(struct reading_state *s, const struct model *m)
{
	s->row_count = 0;
	for (size_t i = 0; i < m->source_count; i++) {
		size_t at = s->row_count;
		if (s->kind && strcmp(s->kind, text_or(m->sources[i].type, "-")))
			continue;
		array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);
		while (at > 0 && comes_before(s, m, &m->sources[i], &m->sources[s->rows[at - 1]])) {
			s->rows[at] = s->rows[at - 1];
			at--;
		}
		s->rows[at] = i;
	}
}

/* The next kind that a source has, in the order in which they came; after the last all again. */
static void next_kind(struct reading_state *s, const struct model *m)
{
	int is_past = !s->kind;
	char *next = NULL;

	for (size_t i = 0; i < m->source_count && !next; i++) {
		const char *kind = text_or(m->sources[i].type, "-");
		int is_first = 1;
		for (size_t k = 0; k < i; k++)
			is_first &= strcmp(kind, text_or(m->sources[k].type, "-")) != 0;
		if (!is_first)
			continue;
		if (is_past)
			next = xstrdup(kind);
		is_past |= s->kind && !strcmp(kind, s->kind);
	}
	free(s->kind);
	s->kind = next;
}

/* Rows */

/* arXiv's number alone where room is short; the whole key where it is not. */
static const char *id_of(const struct source *s, int columns)
{
	const char *key = s->key ? s->key : "";

	if (!strncmp(key, "arXiv:", 6))
		return columns >= WITH_KEY ? key : key + 6;
	return columns >= WITH_KEY ? key : "";
}

static int yield_x(int columns)
{
	return columns - (columns >= WITH_GAIN ? GAIN : 0) - YIELD;
}

static int id_x(int columns)
{
	return columns < WITH_ID ? yield_x(columns) : yield_x(columns) - (columns >= WITH_KEY ? ID_WIDE : ID_NARROW);
}

static void draw_yield(const struct view *v, const struct source *s, struct canvas *c)
{
	struct yield y = source_yield(v->m, s);
	char text[64];

	snprintf(text, sizeof text, "%u of %u", y.kept, y.proposals);
	canvas_text(c, 0, yield_x(c->columns) + 2, y.kept ? STYLE_GOOD : STYLE_DEFAULT, y.proposals ? text : "-", -1);
	number_percent(y.gain_percent, 1, text);
	if (c->columns >= WITH_GAIN && y.kept)
		canvas_text_right(c, 0, c->columns - 1, STYLE_GOOD, text);
}

static void draw_source(const void *data, size_t i, struct canvas *c)
{
	const struct view *v = data;
	const struct source *s = &v->m->sources[v->s->rows[i]];
	enum style style = is_dropped(s) ? STYLE_MUTED : STYLE_DEFAULT;
	int title = KIND_X + KIND;

	canvas_text(c, 0, 1, standing_source_style(s), standing_source_mark(s), 1);
	canvas_text_cut(c, 0, KIND_X, STYLE_MUTED, kind_word(s), KIND - 1);
	canvas_text_cut(c, 0, title, style, text_or(s->title, s->id), id_x(c->columns) - title);
	if (c->columns >= WITH_ID)
		canvas_text_cut(c, 0, id_x(c->columns) + 2, STYLE_LINK, id_of(s, c->columns),
			yield_x(c->columns) - id_x(c->columns) - 2);
	draw_yield(v, s, c);
}

static void draw_heading(const struct reading_state *s, struct canvas *c)
{
	static const char *const names[SORT_COUNT] = { "", "", "yield", "title" };
	const char *arrow = s->reverse ? "▲" : "▼";
	char text[32];

	if (s->sort == SORT_STATUS || (s->sort == SORT_ADDED && s->reverse))
		canvas_text(c, 0, 1, STYLE_HEADING, arrow, -1);
	canvas_text(c, 0, KIND_X, STYLE_HEADING, "kind", KIND - 1);
	snprintf(text, sizeof text, "title%s", s->sort == SORT_TITLE ? arrow : "");
	canvas_text(c, 0, KIND_X + KIND, STYLE_HEADING, text, -1);
	snprintf(text, sizeof text, "%s%s", names[SORT_YIELD], s->sort == SORT_YIELD ? arrow : "");
	canvas_text(c, 0, yield_x(c->columns) + 2, STYLE_HEADING, text, -1);
	if (c->columns >= WITH_GAIN)
		canvas_text_right(c, 0, c->columns - 1, STYLE_HEADING, "gain");
}

static void draw_empty(const struct reading_state *s, struct canvas *c)
{
	if (s->kind)
		return;
	canvas_text_cut(c, FIRST_ROW, KIND_X, STYLE_MUTED,
		"Papers, forks, other backends, notes: what the agent reads stands here.", -1);
	canvas_text_cut(c, FIRST_ROW + 1, KIND_X, STYLE_MUTED, "+ adds one: a URL, a path or arXiv:ID.", -1);
}

static void reading_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct reading_state *s = p->state;
	struct view view = { s, m, c->columns };

	draw_heading(s, c);
	if (!s->row_count)
		draw_empty(s, c);
	list_draw(&s->list, c, FIRST_ROW, p->focused, draw_source, &view);
}

static int reading_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct reading_state *s = p->state;
	size_t selected = s->list.selected < s->row_count ? s->rows[s->list.selected] : SIZE_MAX;

	(void)columns;
	(void)want;
	arrange(s, m);
	for (size_t i = 0; i < s->row_count; i++)	/* the selection stays with the source, wherever it moves */
		if (s->rows[i] == selected)
			s->list.selected = i;
	list_sync(&s->list, s->row_count, rows - FIRST_ROW);
	return 0;
}

static void reading_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct reading_state *s = p->state;
	size_t read = 0, dropped = 0;

	for (size_t i = 0; i < m->source_count; i++) {
		read += (size_t)is_read(&m->sources[i]);
		dropped += (size_t)is_dropped(&m->sources[i]);
	}
	if (!m->source_count)
		buf_puts(out, "nothing to read yet");
	else
		buf_printf(out, "%zu of %zu read", read, m->source_count - dropped);
	if (s->kind)
		buf_printf(out, ", showing %s", s->kind);
}

/* Keys */

static const struct source *selected_source(const struct reading_state *s, const struct model *m)
{
	return s->list.selected < s->row_count ? &m->sources[s->rows[s->list.selected]] : NULL;
}

/* The first word is what to add; the rest, if any, a note. */
static enum pane_result add(const struct act *act, struct intent *want)
{
	const char *text = act->text ? act->text + strspn(act->text, " ") : NULL;
	struct json *args;
	char *what;

	if (!text)
		return intent_prompt(want, "add a URL, a path or arXiv:ID (then a note, if you like):", "", ACTION_ADD);
	if (!*text)
		return intent_message(want, "nothing was added");
	what = xstrndup(text, strcspn(text, " "));
	text += strlen(what);
	text += strspn(text, " ");
	args = json_object();
	json_put_string(args, "what", what);
	if (*text)
		json_put_string(args, "note", text);
	free(what);
	return intent_command(want, "source_add", args);
}

static enum pane_result drop(const struct source *source, const struct act *act, struct intent *want)
{
	struct json *args;
	char question[160];

	if (!source)
		return intent_message(want, "there is no source to drop");
	if (!act->text) {
		snprintf(question, sizeof question, "drop %s %.60s? type yes:", source->id, text_or(source->title, ""));
		return intent_prompt(want, question, "", ACTION_DROP);
	}
	if (strcmp(act->text, "yes"))
		return intent_message(want, "%s stays", source->id);
	args = json_object();
	json_put_string(args, "source", source->id);
	return intent_command(want, "source_drop", args);
}

static enum pane_result reading_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct reading_state *s = p->state;
	const struct source *source = selected_source(s, m);

	switch (act->action) {
	case ACTION_ENTER: return source ? intent_open(want, "source", source->id) : PANE_HANDLED;
	case ACTION_ADD: return add(act, want);
	case ACTION_DROP: return drop(source, act, want);
	case ACTION_COPY:
		return intent_copy(want, source ? text_or(source->url, text_or(source->key, source->id)) : "");
	case ACTION_SORT: s->sort = (s->sort + 1) % SORT_COUNT; s->reverse = 0; return PANE_REDRAW;
	case ACTION_REVERSE: s->reverse = !s->reverse; return PANE_REDRAW;
	case ACTION_FILTER: next_kind(s, m); return PANE_REDRAW;
	default: return list_act(&s->list, act, FIRST_ROW) ? PANE_REDRAW : PANE_IGNORED;
	}
}

static void row_text(const void *data, size_t i, struct buf *out)
{
	const struct view *v = data;
	const struct source *s = &v->m->sources[v->s->rows[i]];

	buf_printf(out, "%s %s %s %s", s->id, text_or(s->type, ""), text_or(s->title, ""), text_or(s->key, ""));
}

static int reading_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct reading_state *s = p->state;
	struct view view = { s, m, 0 };

	return list_search(&s->list, text, direction, row_text, &view);
}

static void reading_show(struct pane *p, const struct model *m, const char *what)
{
	struct reading_state *s = p->state;

	string_set(&s->kind, NULL);
	arrange(s, m);
	for (size_t i = 0; i < s->row_count; i++)
		if (!strcmp(m->sources[s->rows[i]].id, what))
			list_select(&s->list, i);
}

static void reading_close(struct pane *p)
{
	struct reading_state *s = p->state;

	free(s->rows);
	free(s->kind);
	list_release(&s->list);
}

const struct pane_ops reading_pane = {
	.name = "Reading list",
	.digit = 1,
	.context = CONTEXT_READING,
	.state_size = sizeof(struct reading_state),
	.close = reading_close,
	.title = reading_title,
	.sync = reading_sync,
	.draw = reading_draw,
	.act = reading_act,
	.search = reading_search,
	.show = reading_show,
};
