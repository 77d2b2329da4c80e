/* The review: the queue of proposals beside the diff of the selected one, where the human's word is given.
 *
 * What is selected is an id, never a place: proposals that arrive or change state re-order the queue around it. It
 * moves only when the human moves it, or when the engine has confirmed a decision that was made here; then it goes on
 * to the next one that waits, unless another key came in between. What an approval is about (`subject`) is what the
 * last sync put on the screen: the whole diff of exactly this revision, received and with lines in view. So a second
 * press of the key, aimed at the one before, finds a subject that has just changed, and the shell refuses it.
 *
 * A prompt pins what it was opened on: what is typed goes there, whatever is selected by then. Diffs and the ends
 * of logs come by query, one at a time; comments stay here until the model has them.
 */
#include "tui/pane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "panes/about.h"
#include "panes/decide.h"
#include "panes/diffs.h"
#include "panes/logend.h"
#include "panes/proposals.h"
#include "panes/sheet.h"
#include "panes/standing.h"
#include "panes/viewed.h"
#include "tui/list.h"

enum {
	BESIDE_COLUMNS = 100, WIDE_COLUMNS = 160,	/* from here the queue stands beside the diff, and is wider */
	QUEUE_COLUMNS = 40, QUEUE_WIDE = 48, QUEUE_ROWS = 4,
	TALL_ROWS = 16, FILES_ROWS = 18, SHORT_ROWS = 8,
	SIDE_BY_SIDE_COLUMNS = 140,
};

/* Where things stand in the pane; rows 0: not shown. */
struct places {
	struct rect queue, files, about, bar, sheet;
};

struct review {
	char *selected;
	struct list queue;
	struct diffs diffs;
	struct about about;
	struct sheet sheet;
	struct textview view;
	struct places places;
	struct logend log;
	struct viewed viewed;
	struct strings order;			/* ids of the queue as of the last sync */
	size_t from;				/* of the interdiff that is shown; 0: the whole */
	int stacked;				/* not side by side although there is room */
	uint64_t tags;
	uint64_t sheet_tag;			/* the slot that the sheet shows; 0: none */
	char *sheet_of;				/* the proposal that it was made for */
	size_t log_row;				/* the last line of the log in it; 0: none */
	char *sheet_key;			/* all that the sheet was made from */
	struct decide decide;
};

static const struct proposal *selected(const struct pane *p, const struct model *m)
{
	const struct review *r = p->state;

	return model_proposal(m, r->selected);
}

static struct slot *slot_of(struct review *r, const struct proposal *p)
{
	return p && p->rev ? diffs_get(&r->diffs, p->id, p->rev, r->from) : NULL;
}

/* Selection */

static void keep_place(struct review *r)
{
	for (int i = 0; i < DIFFS_KEPT; i++) {
		struct slot *s = &r->diffs.slots[i];
		if (s->state == SLOT_READY && s->tag == r->sheet_tag)
			s->place = r->view.cursor ? sheet_line(&r->sheet, r->view.cursor) : DIFF_NONE;
		if (s->state == SLOT_FAILED)
			slot_clear(s);
	}
}

static void select_id(struct review *r, const char *id)
{
	decide_forget(&r->decide);
	if (r->selected && id && !strcmp(r->selected, id))
		return;
	keep_place(r);
	string_set(&r->selected, id);
	r->from = 0;
	r->view.left = 0;
}

static size_t place_in_queue(const struct strings *order, const char *id)
{
	size_t i = 0;

	while (i < order->count && (!id || strcmp(order->at[i], id)))
		i++;
	return i;
}

/* The next that waits, in the order in which the human last saw the queue. */
static const struct proposal *next_waiting(const struct review *r, const struct model *m)
{
	size_t at = place_in_queue(&r->order, r->selected);

	for (size_t n = 1; n <= r->order.count; n++) {
		const struct proposal *p = model_proposal(m, r->order.at[(at + n) % r->order.count]);
		if (p && proposal_needs_human(p))
			return p;
	}
	return NULL;
}

static void go_on_when_decided(struct review *r, const struct model *m)
{
	int is_selected = r->decide.decided && r->selected && !strcmp(r->decide.decided, r->selected);
	const struct proposal *next;

	if (!decide_is_confirmed(&r->decide, m) || !is_selected)
		return;
	next = next_waiting(r, m);
	if (next)
		select_id(r, next->id);
}

static void sync_queue(struct review *r, const struct model *m)
{
	size_t count;
	const struct proposal **order;

	go_on_when_decided(r, m);
	order = proposals_order(m, &count);
	if (!model_proposal(m, r->selected))
		select_id(r, count ? order[0]->id : NULL);
	strings_release(&r->order);
	for (size_t i = 0; i < count; i++)
		strings_add(&r->order, order[i]->id);
	free(order);
	r->queue.selected = place_in_queue(&r->order, r->selected);
	list_sync(&r->queue, count, r->places.queue.rows);
}

/* Places */

static int about_rows(int rows)
{
	return rows < SHORT_ROWS ? 1 : rows < TALL_ROWS ? rows / 5 : rows / 3;
}

static struct places places_of(int rows, int columns, size_t proposals, size_t files)
{
	struct places at = { 0 };
	struct rect right = { 0, 0, rows, columns };

	if (columns >= BESIDE_COLUMNS) {
		int width = columns >= WIDE_COLUMNS ? QUEUE_WIDE : QUEUE_COLUMNS;
		int most = rows / 3 + 1, wanted = files < (size_t)most ? (int)files + 1 : most;
		int file_rows = rows >= FILES_ROWS && files > 1 ? wanted : 0;
		at.queue = (struct rect){ 0, 0, rows - file_rows, width };
		at.files = (struct rect){ rows - file_rows, 0, file_rows, width };
		right = (struct rect){ 0, width + 1, rows, columns - width - 1 };
	} else if (rows >= TALL_ROWS) {
		int queue_rows = proposals < QUEUE_ROWS ? (int)proposals : QUEUE_ROWS;
		at.queue = (struct rect){ 0, 0, queue_rows, columns };
		right = (struct rect){ queue_rows + 1, 0, rows - queue_rows - 1, columns };
	} else if (rows > 2) {
		at.queue = (struct rect){ 0, 0, 1, columns };
		right = (struct rect){ 1, 0, rows - 1, columns };
	}
	at.about = at.bar = at.sheet = right;
	at.about.rows = right.rows > 2 ? about_rows(right.rows) : 0;
	return at;
}

/* What the lines about the proposal leave over. */
static void place_sheet(struct places *at, size_t about)
{
	int bottom = at->sheet.y + at->sheet.rows, has_bar = at->sheet.rows >= TALL_ROWS;

	at->about.rows = (int)about;
	at->bar.y = at->about.y + (int)about;
	at->bar.rows = has_bar;
	at->sheet.y = at->bar.y + has_bar;
	at->sheet.rows = bottom - at->sheet.y > 0 ? bottom - at->sheet.y : 0;
}

/* Sheet */

static enum style style_of_sign(char sign)
{
	return sign == '+' ? STYLE_DIFF_ADD : sign == '-' ? STYLE_DIFF_REMOVE : sign == '@' ? STYLE_DIFF_HUNK : STYLE_DEFAULT;
}

static void note_conflict(struct review *r, const char *text)
{
	const char *rest = strchr(text, '\n');

	if (!rest) {
		sheet_note(&r->sheet, STYLE_MUTED, "the patch does not apply where it should");
		return;
	}
	sheet_note(&r->sheet, STYLE_HEADING, "what does not apply");
	while (rest && rest[1]) {
		const char *line = rest + 1;
		char *one = xstrndup(line, strcspn(line, "\n"));
		sheet_note(&r->sheet, style_of_sign(*one), one);
		free(one);
		rest = strchr(line, '\n');
	}
}

static void note_diff(struct review *r, const struct pane *pane, const struct proposal *p, const struct slot *slot)
{
	char *text = NULL, *key = decide_key(pane->keymap, ACTION_ENTER);

	if (slot && slot->state == SLOT_FAILED)
		text = xasprintf("the diff cannot be shown: %s (%s asks again)", slot->error, key);
	else if (slot && slot->state == SLOT_ASKED)
		text = xasprintf("reading the diff of %s …", p->id);
	else if (slot && !slot->diff.line_count)
		text = xstrdup(r->from ? "nothing changed between these revisions" : "this revision changes nothing");
	else if (r->sheet.note_count)
		text = xstrdup("");
	if (text)
		sheet_note(&r->sheet, slot && slot->state == SLOT_FAILED ? STYLE_BAD : STYLE_MUTED, text);
	free(text);
	free(key);
}

static void add_comment(struct review *r, const struct model *m, const struct proposal *p, const struct comment *c)
{
	const struct message *said = standing_said(m, p, c->text);
	struct buf who = { 0 };

	buf_puts(&who, proposals_person(c->by));
	if (said) {
		buf_puts(&who, " (");
		standing_told(m, said, &who);
		buf_puts(&who, ")");
	}
	sheet_comment(&r->sheet, c->file, c->line, buf_str(&who), c->text,
	              c->by && !strncmp(c->by, "agent ", 6) ? STYLE_AGENT : STYLE_PERSON);
	buf_release(&who);
}

static void add_comments(struct review *r, const struct model *m, const struct proposal *p)
{
	for (size_t i = 0; i < p->comments.count; i++)
		if (p->comments.at[i].file)
			add_comment(r, m, p, &p->comments.at[i]);
	for (size_t i = 0; i < r->decide.drafts.count; i++) {
		const struct draft *d = &r->decide.drafts.at[i];
		char *text;
		if (strcmp(d->proposal, p->id))
			continue;
		if (d->file) {
			sheet_comment(&r->sheet, d->file, d->line, "you, not sent yet", d->text, STYLE_PERSON);
			continue;
		}
		text = xasprintf("you, not sent yet: %s", d->text);
		sheet_note(&r->sheet, STYLE_PERSON, text);
		free(text);
	}
}

static void fill_sheet(struct pane *pane, const struct model *m, const struct proposal *p, struct slot *slot, int side_by_side)
{
	struct review *r = pane->state;

	sheet_clear(&r->sheet);
	r->log_row = 0;
	if (p->state == STATE_CONFLICT && p->conflict)
		note_conflict(r, p->conflict);
	if (logend_run(p)) {
		char *key = decide_key(pane->keymap, ACTION_LOG);
		logend_note(&r->log, &r->sheet, key);
		r->log_row = r->sheet.note_count - 1;
		free(key);
	}
	add_comments(r, m, p);
	if (slot)
		note_diff(r, pane, p, slot);
	sheet_build(&r->sheet, slot && slot->state == SLOT_READY ? &slot->diff : NULL, r->places.sheet.columns,
	            side_by_side);
}

static int is_side_by_side(const struct review *r)
{
	return !r->stacked && r->places.sheet.columns >= SIDE_BY_SIDE_COLUMNS;
}

/* Puts the reader back where they were in the sheet before: on the same line, or on the same row above the diff. Who comes
 * to a proposal anew begins where they left it, else at the last line of a log, else at the top. */
static void find_place(struct review *r, const struct slot *slot, uint32_t line, size_t above, int is_same)
{
	struct textview *v = &r->view;

	if (is_same && line != DIFF_NONE)
		v->cursor = sheet_row(&r->sheet, line);
	else if (!is_same && slot && slot->state == SLOT_READY && slot->place != DIFF_NONE)
		v->cursor = sheet_row(&r->sheet, slot->place);
	else if (!is_same || !v->cursor)
		above = v->cursor = r->log_row;
	if (!is_same)
		above = v->cursor;
	v->top = v->cursor > above ? v->cursor - above : 0;
}

/* All that a sheet is made from; the caller frees it. */
static char *key_of(const struct review *r, const struct model *m, const struct proposal *p, const struct slot *slot)
{
	unsigned long long tag = slot ? slot->tag : 0;
	int state = slot ? (int)slot->state : 0, log = (r->log.text != NULL) + 2 * (r->log.error != NULL);
	size_t turns = p->comments.count ? 2 * m->dialogue.turn_count + (turn_now(m) != NULL) : 0;	/* comments say when they were told */

	return xasprintf("%s %zu %d %d %llu %d %d %zu %u %d %s %d %zu", p->id, p->rev, p->state, state, tag,
	                 r->places.sheet.columns, is_side_by_side(r), p->comments.count, r->decide.drafts.changes, p->verdict,
	                 p->verdict_run ? p->verdict_run : "", log, turns);
}

/* Makes the sheet anew when something in it changed. */
static void sync_sheet(struct pane *pane, const struct model *m, const struct proposal *p, struct slot *slot)
{
	struct review *r = pane->state;
	uint64_t tag = slot && slot->state == SLOT_READY ? slot->tag : 0;
	char *key = key_of(r, m, p, slot);
	uint32_t line;
	int is_same;

	if (r->sheet_key && !strcmp(key, r->sheet_key)) {
		free(key);
		return;
	}
	is_same = r->sheet_of && !strcmp(r->sheet_of, p->id) && (tag == r->sheet_tag || !r->sheet_tag);
	line = is_same && r->view.cursor ? sheet_line(&r->sheet, r->view.cursor) : DIFF_NONE;
	fill_sheet(pane, m, p, slot, is_side_by_side(r));
	is_same = is_same && !(tag && !r->sheet_tag && slot->place != DIFF_NONE);
	find_place(r, slot, line, r->view.cursor - r->view.top, is_same);
	r->sheet_tag = tag;
	string_set(&r->sheet_of, p->id);
	free(r->sheet_key);
	r->sheet_key = key;
}

static void sync_about(struct pane *pane, const struct model *m, const struct proposal *p, const struct slot *slot)
{
	struct review *r = pane->state;
	char *whole = decide_key(pane->keymap, ACTION_INTERDIFF), *send = decide_key(pane->keymap, ACTION_REVISE);
	struct about_view view = { .now = pane->now, .from = r->from, .is_cut = slot && slot->is_cut,
		.unsent = drafts_count(&r->decide.drafts, p->id), .whole_key = whole, .send_key = send,
		.rows = r->places.about.rows, .columns = r->places.about.columns };

	about_make(&r->about, m, p, &view);
	free(whole);
	free(send);
	place_sheet(&r->places, r->about.count);
}

/* Whether a line of the diff is in view, not only what stands before it. */
static int has_lines_in_view(const struct review *r)
{
	for (size_t i = r->view.top; i < r->sheet.row_count && i < r->view.top + (size_t)r->places.sheet.rows; i++)
		if (r->sheet.rows[i].kind == ROW_LINE)
			return 1;
	return 0;
}

static void note_shown(struct review *r, const struct proposal *p, const struct slot *slot)
{
	int is_whole = p && slot && slot->state == SLOT_READY && !slot->from && has_lines_in_view(r);


	decide_shown(&r->decide, is_whole ? p : NULL);
}

/* Queries: the diff first, then the end of a log. */

static void ask(struct review *r, const struct proposal *p, struct intent *want)
{
	const struct revision *revision = proposal_revision(p, 0);

	if (!slot_of(r, p) && revision && revision->commit)
		diffs_ask(&r->diffs, p->id, p->rev, r->from, ++r->tags, want);
	else if (logend_ask(&r->log, p, r->tags + 1, want))
		r->tags++;
}

static void review_answer(struct pane *p, const struct answer *answer)
{
	struct review *r = p->state;

	if (!diffs_answer(&r->diffs, answer))
		logend_answer(&r->log, answer);
}

static int counts_down(const struct model *m)
{
	for (size_t i = 0; i < m->proposal_count && m->state == SESSION_OPEN; i++)
		if (proposal_waits_until(m, &m->proposals[i]))
			return 1;
	return 0;
}

static int review_sync(struct pane *pane, const struct model *m, int rows, int columns, struct intent *want)
{
	struct review *r = pane->state;
	const struct proposal *p;
	struct slot *slot;

	r->view.has_cursor = 1;
	sync_queue(r, m);
	p = selected(pane, m);
	if (p)
		drafts_settle(&r->decide.drafts, p);
	if (p && r->from >= p->rev)
		r->from = 0;
	if (p && rows > 0)
		ask(r, p, want);
	slot = slot_of(r, p);
	r->places = places_of(rows, columns, r->order.count, slot ? slot->diff.file_count : 0);
	if (p && rows > 0) {
		sync_about(pane, m, p, slot);
		sync_sheet(pane, m, p, slot);
		textview_sync(&r->view, r->sheet.row_count, r->places.sheet.rows, sheet_text_columns(&r->sheet), sheet_row_text,
		              &r->sheet);
		sheet_prepare(&r->sheet, &r->view);
	}
	list_sync(&r->queue, r->queue.count, r->places.queue.rows);
	note_shown(r, rows > 0 ? p : NULL, slot);
	return counts_down(m);
}

/* Drawing */

struct rows {
	const struct model *model;
	const struct proposal **order;
	int64_t now;
};

static void draw_queue_row(const void *data, size_t i, struct canvas *row)
{
	const struct rows *rows = data;

	proposals_draw(rows->model, rows->order[i], rows->now, row);
}

static void draw_queue(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct review *r = p->state;
	struct canvas part = canvas_sub(c, r->places.queue);
	size_t count;
	struct rows rows = { m, proposals_order(m, &count), p->now };

	if (count == r->queue.count)
		list_draw(&r->queue, &part, 0, 0, draw_queue_row, &rows);
	free(rows.order);
}

static uint32_t current_file(const struct review *r)
{
	uint32_t line = sheet_line(&r->sheet, r->view.cursor);

	return line == DIFF_NONE ? DIFF_NONE : r->sheet.diff->lines[line].file;
}

/* The line above the diff: where in it the reader is. */
static void draw_bar(const struct review *r, const struct proposal *p, struct canvas *c)
{
	const struct diff *d = r->sheet.diff;
	uint32_t i = sheet_line(&r->sheet, r->view.cursor);
	struct buf text = { 0 };

	canvas_hline(c, 0, 0, c->columns, STYLE_BORDER);
	if (!c->rows || !d || i == DIFF_NONE || d->lines[i].file == DIFF_NONE)
		return;
	buf_printf(&text, " %s  file %u of %zu", d->files[d->lines[i].file].path, d->lines[i].file + 1, d->file_count);
	if (d->lines[i].hunk != DIFF_NONE)
		buf_printf(&text, "  hunk %u of %zu", d->lines[i].hunk + 1, d->hunk_count);
	if (viewed_has(&r->viewed, p, d->files[d->lines[i].file].path))
		buf_puts(&text, "  ✓ viewed");
	buf_putc(&text, ' ');
	canvas_text_cut(c, 0, 1, STYLE_TITLE, text.data, c->columns - 2);
	buf_release(&text);
}

static void draw_text(struct canvas *c, int y, enum style s, const char *text)
{
	while (*text && y < c->rows) {
		size_t fits = text_fit(text, c->columns - 2, NULL), size = fits;
		char *row;
		while (text[fits] && size && text[size] != ' ')
			size--;
		row = xstrndup(text, size ? size : fits);
		canvas_text(c, y++, 1, s, row, -1);
		free(row);
		text += size ? size : fits;
		text += strspn(text, " ");
		if (!fits)
			return;
	}
}

static void draw_empty(const struct pane *p, const struct model *m, struct canvas *c)
{
	char *steer, *text;

	if (m->state == SESSION_ENDED) {
		draw_text(c, 0, STYLE_STRONG, "This session ended without a proposal.");
		return;
	}
	steer = decide_key(p->keymap, ACTION_STEER);
	text = xasprintf("Patches stand here with their diffs as they come in, and none costs anything before your word. "
	                 "%s tells the agent what to look at; `skydeck propose FILE` in a shell proposes a patch of yours.", steer);
	draw_text(c, 0, STYLE_STRONG, "No proposals yet.");
	draw_text(c, 2, STYLE_MUTED, text);
	free(text);
	free(steer);
}

static void review_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct review *r = p->state;
	const struct proposal *shown = selected(p, m);
	struct canvas about = canvas_sub(c, r->places.about), bar = canvas_sub(c, r->places.bar);
	struct canvas sheet = canvas_sub(c, r->places.sheet), files = canvas_sub(c, r->places.files);

	if (!shown) {
		draw_empty(p, m, c);
		return;
	}
	draw_queue(p, m, c);
	if (r->places.files.rows > 1 && r->sheet.diff)
		viewed_draw(&r->viewed, shown, r->sheet.diff, current_file(r), &files);
	if (r->places.about.x)
		canvas_vline(c, 0, r->places.about.x - 1, c->rows, STYLE_BORDER);
	else if (r->places.about.y > r->places.queue.rows)
		canvas_hline(c, r->places.queue.rows, 0, c->columns, STYLE_BORDER);
	about_draw(&r->about, &about);
	draw_bar(r, shown, &bar);
	sheet_draw(&r->sheet, &r->view, &sheet, p->focused);
}

static void review_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct proposal *shown = selected(p, m);
	const struct revision *r = shown ? proposal_revision(shown, 0) : NULL;

	if (!shown) {
		buf_puts(out, "nothing to review yet");
		return;
	}
	buf_printf(out, "%s %s ── ", shown->id, shown->title ? shown->title : "");
	proposals_word(m, shown, p->now, out);
	buf_printf(out, " ── rev %zu of %zu", shown->rev, shown->rev);
	if (r && r->commit)
		buf_printf(out, " ── +%u -%u in %u file%s", r->added, r->removed, r->files, r->files == 1 ? "" : "s");
	for (size_t i = 0; i < shown->sources.count; i++) {
		const struct source *s = model_source(m, shown->sources.at[i]);
		buf_printf(out, "%s%s", i ? ", " : " ── from: ", s && s->title ? s->title : shown->sources.at[i]);
	}
}

static void review_subject(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct review *r = p->state;
	const struct proposal *shown = selected(p, m);

	if (shown && decide_is_shown(&r->decide, shown))
		buf_printf(out, "%s rev %zu", shown->id, shown->rev);
}

/* The line of the new side that a comment on line i is about: of a removed one the next that is there, else the last. */
static int64_t number_for(const struct diff *d, uint32_t i)
{
	const struct diff_line *line = &d->lines[i];
	const struct diff_hunk *h;

	if (line->kind == DIFF_FILE || line->hunk == DIFF_NONE)
		return 0;
	h = &d->hunks[line->hunk];
	for (size_t k = line->kind == DIFF_REMOVED || line->kind == DIFF_HUNK ? i : h->end; k < h->end; k++)
		if (d->lines[k].kind == DIFF_CONTEXT || d->lines[k].kind == DIFF_ADDED)
			return d->lines[k].new;
	for (size_t k = i; k > h->line; k--)
		if (d->lines[k].kind == DIFF_CONTEXT || d->lines[k].kind == DIFF_ADDED)
			return d->lines[k].new;
	return 0;
}

/* Where a comment on the current line goes; to be released. */
static struct comment_place current_place(const struct review *r)
{
	const struct diff *d = r->sheet.diff;
	uint32_t i = sheet_line(&r->sheet, r->view.cursor);
	struct comment_place here = { 0 };

	if (i == DIFF_NONE || d->lines[i].file == DIFF_NONE)
		return here;
	here.file = xstrdup(d->files[d->lines[i].file].path);
	here.line = number_for(d, i);
	if (d->lines[i].kind == DIFF_REMOVED)
		here.about = xasprintf("(removed line %u) ", d->lines[i].old);
	return here;
}

static enum pane_result decide(struct pane *pane, const struct model *m, const struct act *act, struct intent *want)
{
	struct review *r = pane->state;
	struct comment_place here = current_place(r);
	enum pane_result result = decide_act(&r->decide, pane->keymap, m, selected(pane, m), &here, act, want);

	comment_place_release(&here);
	return result;
}

/* Moving and looking */

static enum pane_result next_proposal(struct review *r, int direction, struct intent *want)
{
	size_t to = r->queue.selected + (size_t)direction;

	if (to >= r->order.count)
		return intent_message(want, "that was the %s of the queue", direction > 0 ? "last" : "first");
	select_id(r, r->order.at[to]);
	return PANE_REDRAW;
}

static void go_to_row(struct review *r, size_t row)
{
	r->view.cursor = r->view.top = row;
}

static enum pane_result jump(struct review *r, enum diff_kind kind, int direction, struct intent *want)
{
	size_t row = r->view.cursor;

	if (!sheet_jump(&r->sheet, &row, kind, direction))
		return intent_message(want, "that was the %s %s", direction > 0 ? "last" : "first",
		                      kind == DIFF_FILE ? "file" : "hunk");
	go_to_row(r, row);
	return PANE_REDRAW;
}

/* The whole, then what changed since the revision before, the one before that, … and the whole again. */
static enum pane_result interdiff(struct review *r, const struct proposal *p, struct intent *want)
{
	size_t from = r->from ? r->from : p->rev;

	if (p->rev < 2)
		return intent_message(want, "%s has one revision only", p->id);
	if (!proposal_commit(p))
		return intent_message(want, "rev %zu of %s does not apply: there is nothing to compare", p->rev, p->id);
	while (--from > 0 && !proposal_revision(p, from)->commit)
		;
	keep_place(r);
	r->from = from;
	return PANE_REDRAW;
}

static enum pane_result toggle_side_by_side(struct review *r, struct intent *want)
{
	if (r->places.sheet.columns < SIDE_BY_SIDE_COLUMNS)
		return intent_message(want, "side by side needs %d columns for the diff, here are %d", SIDE_BY_SIDE_COLUMNS,
		                      r->places.sheet.columns);
	r->stacked = !r->stacked;
	return PANE_REDRAW;
}

static enum pane_result mark_viewed(struct review *r, const struct proposal *p, struct intent *want)
{
	uint32_t file = current_file(r);
	const char *path = file != DIFF_NONE ? r->sheet.diff->files[file].path : NULL;
	size_t row = r->view.cursor;

	if (!path)
		return intent_message(want, "go to a line of a file first");
	if (viewed_toggle(&r->viewed, p, path) && sheet_jump(&r->sheet, &row, DIFF_FILE, 1))
		go_to_row(r, row);
	return PANE_REDRAW;
}

static enum pane_result open_log(const struct model *m, const struct proposal *p, struct intent *want)
{
	char run[24];

	if (p->verdict_run)
		return intent_open(want, "log", p->verdict_run);
	for (size_t i = m->run_count; i-- > 0; )
		if (m->runs[i].arm && !strcmp(m->runs[i].arm, p->id)) {
			snprintf(run, sizeof run, "r%u", m->runs[i].number);
			return intent_open(want, "log", run);
		}
	return intent_message(want, "%s has not run yet: there is no log", p->id);
}

static enum pane_result enter(struct review *r, const struct model *m, const struct proposal *p, struct intent *want)
{
	struct slot *slot = slot_of(r, p);

	if (slot && slot->state == SLOT_FAILED) {
		slot_clear(slot);
		return PANE_REDRAW;
	}
	return logend_run(p) ? open_log(m, p, want) : PANE_IGNORED;
}

static enum pane_result copy_line(struct review *r, const struct proposal *p, struct intent *want)
{
	uint32_t i = sheet_line(&r->sheet, r->view.cursor);
	const struct diff *d = r->sheet.diff;
	char *text;

	if (i == DIFF_NONE)
		return intent_copy(want, p->id);
	text = d->lines[i].kind == DIFF_FILE ? xstrdup(d->files[d->lines[i].file].path)
	                                     : xstrndup(diff_text(d, &d->lines[i]), d->lines[i].size);
	intent_copy(want, text);
	free(text);
	return PANE_INTENT;
}

static int is_in(struct rect where, int y, int x)
{
	return y >= where.y && y < where.y + where.rows && x >= where.x && x < where.x + where.columns;
}

static enum pane_result click(struct review *r, const struct act *act)
{
	const struct rect *files = &r->places.files;
	size_t row = (size_t)(act->y - r->places.queue.y) + r->queue.top;

	if (is_in(r->places.queue, act->y, act->x)) {
		if (row < r->order.count)
			select_id(r, r->order.at[row]);
	} else if (is_in(*files, act->y, act->x) && r->sheet.diff) {
		uint32_t file = viewed_file(r->sheet.diff, current_file(r), files->rows, act->y - files->y);
		if (file != DIFF_NONE)
			go_to_row(r, sheet_row(&r->sheet, (uint32_t)r->sheet.diff->files[file].line));
	} else if (is_in(r->places.sheet, act->y, act->x)) {
		textview_act(&r->view, act, r->places.sheet.y);
	}
	return PANE_REDRAW;
}

static enum pane_result review_act(struct pane *pane, const struct model *m, const struct act *act, struct intent *want)
{
	struct review *r = pane->state;
	const struct proposal *p = selected(pane, m);

	decide_forget(&r->decide);
	if (decide_takes(act->action))
		return decide(pane, m, act, want);
	switch (act->action) {
	case ACTION_NEXT_PROPOSAL: return next_proposal(r, 1, want);
	case ACTION_PREVIOUS_PROPOSAL: return next_proposal(r, -1, want);
	case ACTION_NEXT_HUNK: return jump(r, DIFF_HUNK, 1, want);
	case ACTION_PREVIOUS_HUNK: return jump(r, DIFF_HUNK, -1, want);
	case ACTION_NEXT_FILE: return jump(r, DIFF_FILE, 1, want);
	case ACTION_PREVIOUS_FILE: return jump(r, DIFF_FILE, -1, want);
	case ACTION_SIDE_BY_SIDE: return toggle_side_by_side(r, want);
	case ACTION_CLICK: return click(r, act);
	default: break;
	}
	if (!p)
		return PANE_IGNORED;
	switch (act->action) {
	case ACTION_INTERDIFF: return interdiff(r, p, want);
	case ACTION_MARK_VIEWED: return mark_viewed(r, p, want);
	case ACTION_LOG: return open_log(m, p, want);
	case ACTION_ENTER: return enter(r, m, p, want);
	case ACTION_COPY: return copy_line(r, p, want);
	case ACTION_WRAP:
		if (r->sheet.side_by_side)
			return intent_message(want, "side by side, lines are cut: show old and new below each other first");
		break;
	default: break;
	}
	return textview_act(&r->view, act, r->places.sheet.y) ? PANE_REDRAW : PANE_IGNORED;
}

static int review_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct review *r = p->state;

	(void)m;
	decide_forget(&r->decide);
	return textview_search(&r->view, text, direction, sheet_row_text, &r->sheet);
}

static void review_show(struct pane *p, const struct model *m, const char *what)
{
	struct review *r = p->state;
	char *id = xstrndup(what, strcspn(what, " "));

	if (model_proposal(m, id))
		select_id(r, id);
	free(id);
}

static void review_close(struct pane *p)
{
	struct review *r = p->state;

	list_release(&r->queue);
	textview_release(&r->view);
	sheet_release(&r->sheet);
	diffs_release(&r->diffs);
	decide_release(&r->decide);
	about_release(&r->about);
	logend_release(&r->log);
	strings_release(&r->viewed.marks);
	strings_release(&r->order);
	free(r->selected);
	free(r->sheet_key);
	free(r->sheet_of);
}

static int review_offers(const struct pane *p, const struct model *m, enum action a)
{
	return decide_offers(selected(p, m), a);
}

extern const struct pane_ops review_pane;
const struct pane_ops review_pane = {
	.name = "Review", .digit = 4, .context = CONTEXT_REVIEW, .title_follows = 1,
	.state_size = sizeof(struct review), .close = review_close, .title = review_title, .sync = review_sync,
	.draw = review_draw, .act = review_act, .answer = review_answer, .search = review_search, .show = review_show,
	.subject = review_subject, .offers = review_offers,
};
