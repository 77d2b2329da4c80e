/* What stands around the panes. The title bar is made of parts with a rank: as the terminal gets narrower, the part of the
 * lowest rank goes first. Why nothing goes on is a sentence: it is cut before its rank is asked for. What waits for the human
 * stands at the right end and is never among them.
 */
#include "tui/chrome.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "tui/number.h"

enum { MINUTE = 60 * 1000000, PART_TEXT = 128, PARTS_MAX = 12, GAP = 3, HINTS_MAX = 32, REASON_LEAST = 40 };

struct part {
	char text[PART_TEXT];
	const char *reason;	/* instead of text: cut to the room that is left, of which it wants REASON_LEAST */
	enum style style;
	int rank;		/* the lowest goes first; 0: dropped */
};

struct parts {
	struct part at[PARTS_MAX];
	int count;
};

static struct part *add(struct parts *p, int rank, enum style s)
{
	struct part *part = &p->at[p->count++];

	part->rank = rank;
	part->style = s;
	part->text[0] = '\0';
	part->reason = NULL;
	return part;
}

/* The gate that time passes first, in wall microseconds; 0: none. */
static int64_t next_gate(const struct model *m)
{
	int64_t first = 0;

	for (size_t i = 0; i < m->proposal_count; i++) {
		int64_t until = proposal_waits_until(m, &m->proposals[i]);
		if (until && (!first || until < first))
			first = until;
	}
	return first;
}

int chrome_waits(const struct chrome *chrome, struct buf *out)
{
	const struct model *m = chrome->model;
	size_t count = count_needs_human(m);
	int64_t gate = next_gate(m);
	int asks = open_permission(m) != NULL;
	char left[CLOCK_TEXT];

	if (m->state == SESSION_ENDED || (!count && !gate && !asks))
		return 0;
	if (asks)
		buf_printf(out, "! agent asks (5)%s", count || gate ? "  " : "");
	if (count || gate)
		buf_printf(out, "! %zu wait%s", count, count == 1 ? "s" : "");
	if (gate) {
		clock_duration(gate > chrome->now ? gate - chrome->now : 0, left);
		buf_printf(out, " %s", left);
	}
	return text_columns(buf_str(out));
}

int chrome_counts(const struct chrome *chrome)
{
	return chrome->model->state == SESSION_OPEN && next_gate(chrome->model) > 0;
}

static void add_wave(struct parts *p, const struct model *m)
{
	const struct wave *wave = current_wave(m);
	size_t running = count_in_state(m, STATE_RUNNING), queued = count_in_state(m, STATE_QUEUED);
	struct part *part;

	if (!wave)
		return;
	part = add(p, 7, STYLE_TITLE_BAR);
	if (running)
		snprintf(part->text, PART_TEXT, "wave %u: %zu running", wave->number, running);
	else
		snprintf(part->text, PART_TEXT, "wave %u: %zu queued", wave->number, queued);
}

static void add_best(struct parts *p, const struct model *m)
{
	const struct proposal *best = best_proposal(m);
	char change[NUMBER_TEXT], interval[NUMBER_TEXT];

	if (!best || !isfinite(best->change_percent))
		return;
	number_percent(best->change_percent, 1, change);
	number_interval(best->low, best->high, 1, 0, interval);
	snprintf(add(p, 6, STYLE_TITLE_BAR)->text, PART_TEXT, "best %s %s", change, interval);
}

static void add_money(struct parts *p, const struct model *m, int64_t now)
{
	double spent = spent_usd(m, now);
	char money[NUMBER_TEXT], limit[NUMBER_TEXT] = "";
	struct part *part;

	if (!(spent > 0) && !(m->limit_usd > 0 && m->runner && strcmp(m->runner, "local")))
		return;
	part = add(p, 5, STYLE_TITLE_BAR);
	number_money(spent, money);
	if (m->limit_usd > 0)
		snprintf(limit, sizeof limit, " of $%g", m->limit_usd);
	snprintf(part->text, PART_TEXT, "%s%s", money, limit);
}

static void add_elapsed(struct parts *p, const struct chrome *chrome)
{
	const struct model *m = chrome->model;
	int64_t until = m->state == SESSION_ENDED ? m->ended : chrome->now, minutes = (until - m->opened) / MINUTE;
	struct part *part = add(p, 4, STYLE_TITLE_BAR);

	if (minutes < 0)
		minutes = 0;
	if (minutes < 60)
		snprintf(part->text, PART_TEXT, "%d min", (int)minutes);
	else
		snprintf(part->text, PART_TEXT, "%dh%02d", (int)(minutes / 60), (int)(minutes % 60));
}

static void add_state(struct parts *p, const struct chrome *chrome)
{
	const struct model *m = chrome->model;

	if (m->state == SESSION_NONE)
		snprintf(add(p, 9, STYLE_TITLE_BAR)->text, PART_TEXT, "no session yet");
	else if (m->state == SESSION_ENDED || m->state == SESSION_PAUSED || !chrome->connected)
		snprintf(add(p, 9, STYLE_ALERT)->text, PART_TEXT, " %s ", session_state_name(m, chrome->connected));
	else if (m->autonomy != AUTONOMY_MANUAL)
		snprintf(add(p, 3, STYLE_TITLE_BAR)->text, PART_TEXT, "autonomy %s", autonomy_name(m->autonomy));
	if (chrome->connected && m->state == SESSION_PAUSED && m->pause_reason)
		add(p, 8, STYLE_TITLE_BAR)->reason = m->pause_reason;
	if (chrome->connected && m->state == SESSION_ENDED && m->ended_reason)
		add(p, 3, STYLE_TITLE_BAR)->reason = m->ended_reason;
	if (chrome->replaying)
		snprintf(add(p, 9, STYLE_ALERT)->text, PART_TEXT, " replay %s ", chrome->replaying);
	if (m->notice)
		snprintf(add(p, 8, STYLE_ALERT)->text, PART_TEXT, " %s ", m->notice);
	if (chrome->observer)
		snprintf(add(p, 2, STYLE_TITLE_BAR)->text, PART_TEXT, "observer");
}

static int part_width(const struct part *part)
{
	int whole = text_columns(part->reason ? part->reason : part->text);

	return part->reason && whole > REASON_LEAST ? REASON_LEAST : whole;
}

static int width_of(const struct parts *p)
{
	int width = 1;

	for (int i = 0; i < p->count; i++)
		if (p->at[i].rank)
			width += part_width(&p->at[i]) + GAP;
	return width;
}

/* The last one that is left is cut, not dropped. */
static void fit(struct parts *p, int room)
{
	for (int left = p->count; left > 1 && width_of(p) - GAP > room; left--) {
		struct part *lowest = NULL;
		for (int i = 0; i < p->count; i++)
			if (p->at[i].rank && (!lowest || p->at[i].rank < lowest->rank))
				lowest = &p->at[i];
		lowest->rank = 0;
	}
}

static void draw_parts(const struct parts *p, int end, struct canvas *c)
{
	int x = 1, spare = end - 1 - (width_of(p) - GAP);

	for (int i = 0; i < p->count; i++) {
		const struct part *part = &p->at[i];
		int room = end - x;
		if (!part->rank)
			continue;
		if (part->reason && room > part_width(part) + spare)
			room = part_width(part) + (spare > 0 ? spare : 0);
		x += canvas_text_cut(c, 0, x, part->style, part->reason ? part->reason : part->text, room) + GAP;
	}
}

void chrome_bar(const struct chrome *chrome, struct canvas *c)
{
	const struct model *m = chrome->model;
	struct parts parts = { .count = 0 };
	struct buf waits = { 0 };
	int end = c->columns - (chrome_waits(chrome, &waits) ? text_columns(buf_str(&waits)) + 2 : 0);

	canvas_fill(c, (struct rect){ 0, 0, 1, c->columns }, STYLE_TITLE_BAR);
	snprintf(add(&parts, 1, STYLE_TITLE_BAR)->text, PART_TEXT, "skydeck");
	if (m->session)
		snprintf(add(&parts, 10, STYLE_TITLE_BAR)->text, PART_TEXT, "%s", m->session);
	add_state(&parts, chrome);
	if (m->state != SESSION_NONE) {
		add_wave(&parts, m);
		add_best(&parts, m);
		add_money(&parts, m, chrome->now);
		add_elapsed(&parts, chrome);
		if (m->viewer_count > 1 && chrome->connected)
			snprintf(add(&parts, 2, STYLE_TITLE_BAR)->text, PART_TEXT, "%zu viewers", m->viewer_count);
	}
	fit(&parts, end - 1);
	draw_parts(&parts, end, c);
	if (waits.len) {
		canvas_printf(c, 0, end, STYLE_ALERT, " %s ", waits.data);
		buf_release(&waits);
	}
}

static const char *focus_name(const struct pane *pane, struct buf *out)
{
	if (pane->ops->digit)
		buf_printf(out, "%d ", pane->ops->digit);
	else
		buf_putc(out, ' ');
	buf_puts(out, pane->ops->name);
	if (pane->name && !pane->ops->title)
		buf_printf(out, " %s", pane->name);
	return buf_str(out);
}

void chrome_title(const struct pane *pane, const struct model *m, const char *waits, struct canvas *c)
{
	enum style line = pane->focused ? STYLE_BORDER_FOCUS : STYLE_BORDER, text = pane->focused ? STYLE_TITLE_FOCUS : STYLE_TITLE;
	struct buf name = { 0 }, figure = { 0 };
	int x, end = c->columns - 1, room;

	canvas_hline(c, 0, 0, c->columns, line);
	if (waits && *waits) {
		char padded[64];
		snprintf(padded, sizeof padded, " %s ", waits);
		end = canvas_text_right(c, 0, c->columns, STYLE_ALERT, padded) - 1;
	}
	x = 1 + canvas_text_cut(c, 0, 1, text, focus_name(pane, &name), end - 2);
	canvas_put(c, 0, x++, line, ' ');
	if (pane->ops->title)
		pane->ops->title(pane, m, &figure);
	room = end - x - 3;
	if (figure.len && room > 3) {
		int width = text_columns(figure.data), at = x + 2;
		if (!pane->ops->title_follows && width < room)
			at = end - 1 - width;
		canvas_put(c, 0, at - 1, line, ' ');
		at += canvas_text_cut(c, 0, at, STYLE_TITLE, figure.data, end - 1 - at);
		canvas_put(c, 0, at, line, ' ');
	}
	buf_release(&name);
	buf_release(&figure);
}

struct hints {
	const struct chrome *chrome;
	const struct pane *pane;
	struct {
		char keys[32], label[40];
	} at[HINTS_MAX];
	int count;
};

/* What lies over the panes is left, not moved about; the way to the review shows while something waits there. */
static int is_offered(const struct chrome *chrome, const struct pane *pane, enum action a)
{
	switch (a) {
	case ACTION_BACK: return !pane->ops->digit;
	case ACTION_FOCUS_NEXT: case ACTION_ZOOM: return pane->ops->digit > 0;
	case ACTION_PANE_4:
		return pane->ops->context != CONTEXT_REVIEW && chrome->model->state != SESSION_ENDED && count_needs_human(chrome->model);
	case ACTION_PANE_5:
		return pane->ops->context != CONTEXT_AGENT && chrome->model->state != SESSION_ENDED && open_permission(chrome->model);
	default: break;
	}
	if (chrome->observer && action_is_command(a))
		return 0;
	return !pane->ops->offers || pane->ops->offers(pane, chrome->model, a);
}

static void collect(void *data, enum action a, const char *keys, const char *label)
{
	struct hints *h = data;

	if (h->count == HINTS_MAX || !is_offered(h->chrome, h->pane, a))
		return;
	snprintf(h->at[h->count].keys, sizeof h->at[0].keys, "%s", keys);
	snprintf(h->at[h->count++].label, sizeof h->at[0].label, "%s", label);
}

static int hint_width(const struct hints *h, int i)
{
	return text_columns(h->at[i].keys) + 1 + text_columns(h->at[i].label) + 2;
}

void chrome_footer(const struct chrome *chrome, const struct keymap *map, const struct pane *pane, struct canvas *c)
{
	struct hints h = { .chrome = chrome, .pane = pane };
	int x = 1, last;

	keymap_hints(map, pane->ops->context, collect, &h);
	last = h.count - 1;
	for (int i = 0; i < h.count; i++) {
		if (i < last && x + hint_width(&h, i) + hint_width(&h, last) - 2 > c->columns)
			continue;
		x += canvas_text(c, 0, x, STYLE_KEY, h.at[i].keys, -1) + 1;
		x += canvas_text(c, 0, x, STYLE_MUTED, h.at[i].label, -1) + 2;
	}
}

void chrome_too_small(struct canvas *c)
{
	char text[3][80];
	int i = 0;

	snprintf(text[0], sizeof text[0], "skydeck needs %dx%d, this is %dx%d", LAYOUT_MIN_COLUMNS, LAYOUT_MIN_ROWS, c->columns, c->rows);
	snprintf(text[1], sizeof text[1], "skydeck needs %dx%d", LAYOUT_MIN_COLUMNS, LAYOUT_MIN_ROWS);
	snprintf(text[2], sizeof text[2], "%dx%d", LAYOUT_MIN_COLUMNS, LAYOUT_MIN_ROWS);
	while (i < 2 && text_columns(text[i]) > c->columns)
		i++;
	canvas_text_cut(c, 0, 0, STYLE_DEFAULT, text[i], c->columns);
}

void chrome_divider(struct rect d, int focused, struct canvas *c)
{
	enum style s = focused ? STYLE_BORDER_FOCUS : STYLE_BORDER;
	int below = d.y + d.rows;

	if (!d.columns)
		return;
	canvas_put(c, d.y, d.x, s, 0x252c);
	canvas_vline(c, d.y + 1, d.x, d.rows - 1, s);
	if (below < c->rows && grid_cell(c->grid, c->y + below, c->x + d.x)->code == 0x2500)
		canvas_put(c, below, d.x, STYLE_BORDER, 0x2534);
}
