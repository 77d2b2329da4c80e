/* The reading list: what the agent reads, in the order in which it is to be read, and what came of each source; at its foot,
 * where there is room or it was asked for, what came of each kind. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/sources.h"
#include "panes/standing.h"
#include "tui/list.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { FIRST_ROW = 1, KIND_X = 3, KIND = 9, YIELD = 9, GAIN = 10, ID_NARROW = 12, ID_WIDE = 38, WITH_ID = 58,
	WITH_GAIN = 72, WITH_KEY = 110, TABLE_HEAD = 2, KIND_MOST = 13, LIST_LEAST = 3, WITH_COST = 60 };
enum sort { SORT_ORDER, SORT_STATUS, SORT_YIELD, SORT_TITLE, SORT_COUNT };

/* What came of the sources of a kind. */
struct kind {
	char *type;
	struct yield yield;
};

struct reading_state {
	struct list list;
	size_t *rows, row_count, row_room;	/* indexes of sources, in the order shown */
	double *ranks; size_t rank_room;	/* of each source, for sorting */
	uint64_t made_of;			/* seq of the model that rows and kinds were made of */
	struct kind *kinds; size_t kind_count, kind_room;	/* the one that gave most first */
	enum { TABLE_WHERE_ROOM, TABLE_ON, TABLE_OFF } table;
	int table_rows;				/* as of the last sync */
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
	struct yield y;

	if (sort == SORT_ORDER)
		return s->position;
	for (int i = 0; sort == SORT_STATUS && i < 6; i++)
		if (!strcmp(order[i], standing_source_mark(s)))
			return i;
	y = source_yield(m, s);
	return -(y.gain_percent * 1000 + y.kept * 10 + y.proposals);
}

static int comes_before(const struct reading_state *s, const struct model *m, size_t a, size_t b)
{
	int order;

	if (s->sort == SORT_TITLE) {
		order = strcasecmp(text_or(m->sources[a].title, ""), text_or(m->sources[b].title, ""));
	} else {
		double difference = s->ranks[a] - s->ranks[b];
		order = difference < 0 ? -1 : difference > 0;
	}
	return s->reverse ? order > 0 : order < 0;
}

static void arrange(struct reading_state *s, const struct model *m)
{
	s->row_count = 0;
	if (s->rank_room < m->source_count) {
		s->rank_room = m->source_count;
		s->ranks = xrealloc(s->ranks, s->rank_room * sizeof *s->ranks);
	}
	for (size_t i = 0; s->sort != SORT_TITLE && i < m->source_count; i++)
		s->ranks[i] = rank(m, &m->sources[i], s->sort);
	for (size_t i = 0; i < m->source_count; i++) {
		size_t at = s->row_count;
		if (s->kind && strcmp(s->kind, text_or(m->sources[i].type, "-")))
			continue;
		array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);
		while (at > 0 && comes_before(s, m, i, s->rows[at - 1])) {
			s->rows[at] = s->rows[at - 1];
			at--;
		}
		s->rows[at] = i;
	}
}

static void clear_kinds(struct reading_state *s)
{
	for (size_t i = 0; i < s->kind_count; i++)
		free(s->kinds[i].type);
	s->kind_count = 0;
}

static int by_gain(const void *a, const void *b)
{
	const struct yield *x = &((const struct kind *)a)->yield, *y = &((const struct kind *)b)->yield;

	if (x->gain_percent != y->gain_percent)
		return x->gain_percent > y->gain_percent ? -1 : 1;
	return x->proposals > y->proposals ? -1 : x->proposals < y->proposals;
}

static void collect_kinds(struct reading_state *s, const struct model *m)
{
	struct strings types = { 0 };

	clear_kinds(s);
	source_types(m, &types);
	for (size_t i = 0; i < types.count; i++) {
		struct kind *kind = array_add(&s->kinds, &s->kind_count, &s->kind_room, sizeof *kind);
		*kind = (struct kind){ xstrdup(types.at[i]), kind_yield(m, types.at[i]) };
	}
	strings_release(&types);
	if (s->kind_count)
		qsort(s->kinds, s->kind_count, sizeof *s->kinds, by_gain);
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
	char text[NUMBER_TEXT];

	sources_yield_text(y.proposals, y.kept, text);
	canvas_text(c, 0, yield_x(c->columns) + 2, y.kept ? STYLE_GOOD : STYLE_DEFAULT, text, -1);
	number_percent(y.gain_percent, 1, text);
	if (c->columns >= WITH_GAIN && y.kept)
		canvas_text_right(c, 0, c->columns - 1, STYLE_GOOD, text);
}

static void draw_id(const struct source *s, struct canvas *c)
{
	int x = id_x(c->columns) + 2;
	int columns = canvas_text_cut(c, 0, x, STYLE_LINK, id_of(s, c->columns), yield_x(c->columns) - x);
	char *link = sources_link(s);

	canvas_link(c, 0, x, columns, link);
	free(link);
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
		draw_id(s, c);
	draw_yield(v, s, c);
}

static void draw_heading(const struct reading_state *s, struct canvas *c)
{
	static const char *const names[SORT_COUNT] = { "", "", "yield", "title" };
	const char *arrow = s->reverse ? "▲" : "▼";
	char text[32];

	if (s->sort == SORT_STATUS || (s->sort == SORT_ORDER && s->reverse))
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
	canvas_text_cut(c, FIRST_ROW, KIND_X, STYLE_MUTED, "Papers, forks, notes: what the agent reads.", -1);
	canvas_text_cut(c, FIRST_ROW + 1, KIND_X, STYLE_MUTED, "+ adds one: a URL, a path or arXiv:ID.", -1);
}

/* Columns that end where their numbers do. */
static void draw_kind(const struct kind *kind, int y, struct canvas *c)
{
	const struct yield *v = &kind->yield;
	char text[NUMBER_TEXT];
	int x = KIND_X + KIND_MOST;

	canvas_text_cut(c, y, KIND_X, STYLE_MUTED, kind->type, KIND_MOST);
	snprintf(text, sizeof text, "%u of %u", v->read, v->sources);
	canvas_text_right(c, y, x + 10, STYLE_DEFAULT, text);
	sources_yield_text(v->proposals, v->kept, text);
	canvas_text_right(c, y, x + 21, v->kept ? STYLE_GOOD : STYLE_DEFAULT, text);
	if (c->columns >= WITH_COST) {
		number_percent(v->gain_percent, 1, text);
		canvas_text_right(c, y, x + 31, STYLE_GOOD, v->kept ? text : "");
		number_money(v->usd, text);
		canvas_text_right(c, y, x + 40, STYLE_DEFAULT, v->usd > 0 ? text : "-");
	}
}

static void draw_table(const struct reading_state *s, struct canvas *c)
{
	int x = KIND_X + KIND_MOST;

	canvas_text(c, 1, KIND_X, STYLE_HEADING, "of a kind", -1);
	canvas_text_right(c, 1, x + 10, STYLE_HEADING, "read");
	canvas_text_right(c, 1, x + 21, STYLE_HEADING, "kept");
	if (c->columns >= WITH_COST) {
		canvas_text_right(c, 1, x + 31, STYLE_HEADING, "gain");
		canvas_text_right(c, 1, x + 40, STYLE_HEADING, "cost");
	}
	for (size_t i = 0; i < s->kind_count; i++)
		draw_kind(&s->kinds[i], TABLE_HEAD + (int)i, c);
}

static void reading_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct reading_state *s = p->state;
	struct view view = { s, m, c->columns };
	struct canvas above = canvas_sub(c, (struct rect){ 0, 0, c->rows - s->table_rows, c->columns });
	struct canvas table = canvas_sub(c, (struct rect){ c->rows - s->table_rows, 0, s->table_rows, c->columns });

	draw_heading(s, c);
	if (!s->row_count)
		draw_empty(s, c);
	list_draw(&s->list, &above, FIRST_ROW, p->focused, draw_source, &view);
	if (s->table_rows)
		draw_table(s, &table);
}

/* Rows for the table of kinds: by itself only where it takes no source off the screen. */
static int table_rows(const struct reading_state *s, int rows)
{
	int wanted = TABLE_HEAD + (int)s->kind_count, left = rows - FIRST_ROW - wanted;

	if (s->table == TABLE_OFF || !s->kind_count || left < LIST_LEAST)
		return 0;
	return s->table == TABLE_ON || left >= (int)s->row_count ? wanted : 0;
}

static int reading_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct reading_state *s = p->state;
	size_t selected = s->list.selected < s->row_count ? s->rows[s->list.selected] : SIZE_MAX;

	(void)columns;
	(void)want;
	if (s->made_of != m->seq || !s->made_of) {
		arrange(s, m);
		collect_kinds(s, m);
		s->made_of = m->seq;
	}
	s->table_rows = table_rows(s, rows);
	for (size_t i = 0; i < s->row_count; i++)	/* the selection stays with the source, wherever it moves */
		if (s->rows[i] == selected)
			s->list.selected = i;
	list_sync(&s->list, s->row_count, rows - FIRST_ROW - s->table_rows);
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
	size_t row = s->list.selected;

	return row < s->row_count && s->rows[row] < m->source_count ? &m->sources[s->rows[row]] : NULL;
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

/* The selected source stays selected, wherever it goes. */
static enum pane_result changed(struct reading_state *s, const struct model *m)
{
	size_t selected = s->list.selected < s->row_count ? s->rows[s->list.selected] : SIZE_MAX;

	arrange(s, m);
	for (size_t i = 0; i < s->row_count; i++)
		if (s->rows[i] == selected)
			list_select(&s->list, i);
	return PANE_REDRAW;
}

/* To the place of the one that is shown above or below it, which may be further away where others are not shown. */
static enum pane_result move(const struct reading_state *s, const struct model *m, int direction, struct intent *want)
{
	size_t at = s->list.selected, to = at + (size_t)direction;
	struct json *args;

	if (s->sort != SORT_ORDER)
		return intent_message(want, "the order in which they are read can be changed where it is shown: s goes on to it");
	if (at >= s->row_count || to >= s->row_count || s->rows[at] >= m->source_count || s->rows[to] >= m->source_count)
		return intent_message(want, at < s->row_count ? "there is nothing to go past" : "there is no source to move");
	args = json_object();
	json_put_string(args, "source", m->sources[s->rows[at]].id);
	json_put_integer(args, "position", m->sources[s->rows[to]].position);
	return intent_command(want, "source_move", args);
}

static enum pane_result reading_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct reading_state *s = p->state;
	const struct source *source = selected_source(s, m);
	enum pane_result result;

	switch (act->action) {
	case ACTION_ENTER: return source ? intent_open(want, "source", source->id) : PANE_HANDLED;
	case ACTION_ADD: return add(act, want);
	case ACTION_MOVE_UP: return move(s, m, -1, want);
	case ACTION_MOVE_DOWN: return move(s, m, 1, want);
	case ACTION_SORT: s->sort = (s->sort + 1) % SORT_COUNT; s->reverse = 0; return changed(s, m);
	case ACTION_REVERSE: s->reverse = !s->reverse; return changed(s, m);
	case ACTION_FILTER: next_kind(s, m); return changed(s, m);
	case ACTION_YIELD: s->table = s->table_rows ? TABLE_OFF : TABLE_ON; return PANE_REDRAW;
	default: break;
	}
	result = sources_act(source, act, want);
	if (result != PANE_IGNORED)
		return result;
	return list_act(&s->list, act, FIRST_ROW) ? PANE_REDRAW : PANE_IGNORED;
}

static int reading_offers(const struct pane *p, const struct model *m, enum action a)
{
	const struct reading_state *s = p->state;

	if (a == ACTION_MOVE_UP || a == ACTION_MOVE_DOWN)
		return s->sort == SORT_ORDER && s->row_count > 1;
	if (a == ACTION_ENTER)
		return s->row_count > 0;
	if (a == ACTION_YIELD || a == ACTION_FILTER)
		return m->source_count > 0;
	return sources_offers(selected_source(s, m), a);
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

	clear_kinds(s);
	free(s->kinds);
	free(s->rows);
	free(s->ranks);
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
	.offers = reading_offers,
};
