/* The lines above a diff. All that could be said is collected with a rank, then what has the least claim is left out
 * until the rest fits; with room to spare, long lines go on in a second and third row. What stops a proposal (guard,
 * conflict, a failed check) has rank 0 and stays in the smallest pane.
 */
#include "panes/about.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "panes/proposals.h"
#include "panes/standing.h"
#include "tui/number.h"

enum { LABEL_COLUMNS = 9, TALL_ROWS = 5, WRAP_ROWS = 3, HINT_COLUMNS = 100 };

static struct about_line *add(struct about *a, int rank, enum style style, const char *label, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static struct about_line *add(struct about *a, int rank, enum style style, const char *label, const char *format, ...)
{
	struct about_line *line = array_add(&a->lines, &a->count, &a->room, sizeof *line);
	va_list args;

	snprintf(line->label, sizeof line->label, "%s", label);
	line->rank = rank;
	line->style = style;
	va_start(args, format);
	if (vasprintf(&line->text, format, args) < 0)
		line->text = xstrdup("");
	va_end(args);
	return line;
}

static void clear(struct about *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->lines[i].text);
		free(a->lines[i].right);
	}
	a->count = 0;
}

void about_release(struct about *a)
{
	clear(a);
	free(a->lines);
	*a = (struct about){ 0 };
}

/* What there is to say */

static void add_title(struct about *a, const struct model *m, const struct proposal *p, const struct about_view *view)
{
	const struct revision *r = proposal_revision(p, 0);
	struct buf right = { 0 };

	if (p->rev > 1)
		buf_printf(&right, "rev %zu of %zu   ", p->rev, p->rev);
	if (p->rev > 1 && view->columns >= HINT_COLUMNS)
		buf_printf(&right, "%s: since rev %zu   ", view->whole_key, p->rev - 1);
	if (r && r->commit)
		buf_printf(&right, "+%u -%u in %u file%s   ", r->added, r->removed, r->files, r->files == 1 ? "" : "s");
	proposals_word(m, p, view->now, &right);
	add(a, 6, STYLE_STRONG, p->id, "%s", p->title ? p->title : "")->right = buf_take(&right);
}

static void add_stops(struct about *a, const struct proposal *p)
{
	if (p->state == STATE_CONFLICT && p->conflict)
		add(a, 0, STYLE_BAD, "conflict", "%.*s", (int)strcspn(p->conflict, "\n"), p->conflict);
	for (size_t i = 0; i < p->reasons.count; i++)
		add(a, 0, p->waived ? STYLE_MUTED : STYLE_BAD, p->waived ? "waived" : "stopped", "%s",
		    p->reasons.at[i]);
	if (p->landing_problem && p->state != STATE_CONFLICT && p->state != STATE_LANDED)
		add(a, 0, STYLE_BAD, "landing", "%s", p->landing_problem);
}

static void add_measured(struct about *a, const struct proposal *p)
{
	struct buf text = { 0 };
	char number[NUMBER_TEXT], needed[NUMBER_TEXT];

	if (p->verdict)
		buf_printf(&text, "%s%s", verdict_name(p->verdict), isfinite(p->change_percent) ? "  " : "");
	change_line(p->change_percent, p->low, p->high, &text);
	if (p->pair_count)
		buf_printf(&text, "%s%zu pair%s", text.len ? " after " : "", p->pair_count,
		           p->pair_count == 1 ? "" : "s");
	if (p->pair_count && isfinite(p->evidence) && isfinite(p->needed)) {
		number_short(p->evidence, number);
		number_short(p->needed, needed);
		buf_printf(&text, ", evidence %s of %s", number, needed);
	}
	if (p->verdict == VERDICT_KEEP && isfinite(p->shrunk_percent)) {
		number_percent(p->shrunk_percent, 1, number);
		buf_printf(&text, ", shrunk %s", number);
	}
	for (size_t i = 0; i < p->workers.count; i++)
		buf_printf(&text, "%s%s", i ? ", " : ", on ", p->workers.at[i]);
	if (p->verdict_reason)
		buf_printf(&text, "%s%s", p->pair_count || p->workers.count ? ", " : ": ", p->verdict_reason);
	if (text.len) {
		int failed = p->verdict >= VERDICT_BUILD_FAILED && p->verdict <= VERDICT_TIMEOUT;
		enum style style = p->verdict == VERDICT_KEEP ? STYLE_GOOD : failed ? STYLE_BAD : STYLE_DEFAULT;
		add(a, 1, style, p->verdict ? "verdict" : "measured", "%s", text.data);
	}
	buf_release(&text);
}

/* What was asked for is said to be delivered, and then answered, as long as nothing else was decided on it. */
static void add_asked(struct about *a, const struct model *m, const struct proposal *p, const char *told)
{
	if (p->state == STATE_REVISING)
		add(a, 2, STYLE_PERSON, "changes", "asked for by %s; %s%sthe author's next revision comes here",
		    proposals_person(p->decided_by), told, *told ? "; " : "");
	else if (*told && standing_said(m, p, NULL)->kind == EVENT_REVISION_ASKED)
		add(a, 3, STYLE_PERSON, "changes", "asked for by %s, %s", proposals_person(standing_said(m, p, NULL)->by), told);
}

static void add_decision(struct about *a, const struct model *m, const struct proposal *p)
{
	const char *who = proposals_person(p->decided_by), *why = p->decision_reason;
	const struct message *said = standing_said(m, p, NULL);
	struct buf told = { 0 };

	if (said)
		standing_told(m, said, &told);

	if (p->state == STATE_WAITING && m->autonomy == AUTONOMY_WAVE)
		add(a, 1, STYLE_WARN, "wave", "approving it approves what else waits too, up to a wave of %u", m->wave_size);
	if (p->state == STATE_LANDED)
		add(a, 1, STYLE_GOOD, "landed", "%.10s on %s, signed by %s", p->landed ? p->landed : "",
		    m->branch ? m->branch : "the branch", proposals_person(p->signed_by));
	else if (p->state == STATE_VETOED)
		add(a, 1, STYLE_PERSON, "vetoed", "by %s%s%s%s%s%s", who, why ? ": " : "", why ? why : "", told.len ? " (" : "", buf_str(&told),
		    told.len ? ")" : "");
	else if (p->approved_by && p->state != STATE_WAITING && p->state != STATE_STOPPED)
		add(a, 7, STYLE_MUTED, "approved", "by %s", proposals_person(p->approved_by));
	add_asked(a, m, p, buf_str(&told));
	buf_release(&told);
	for (size_t i = 0; i < p->comments.count; i++)
		if (!p->comments.at[i].file)
			add(a, 2, STYLE_PERSON, "comment", "%s: %s", proposals_person(p->comments.at[i].by),
			    p->comments.at[i].text);
}

static void add_view(struct about *a, const struct proposal *p, const struct about_view *view)
{
	if (view->from)
		add(a, 0, STYLE_WARN, "shown", "only rev %zu against rev %zu; %s shows the whole, which can be approved",
		    p->rev, view->from, view->whole_key);
	if (view->is_cut)
		add(a, 0, STYLE_WARN, "cut", "the diff is too large to be shown whole: skydeck diff %s prints all of it",
		    p->id);
	if (view->unsent)
		add(a, 1, STYLE_PERSON, "not sent", "%zu comment%s of yours: %s sends %s", view->unsent,
		    view->unsent == 1 ? "" : "s", view->send_key, view->unsent == 1 ? "it" : "them");
}

/* Lines after one another: rows are few. */
static void add_flat(struct about *a, int rank, enum style style, const char *label, const char *before, const char *text)
{
	char *flat = xasprintf("%s%s", before, text);

	for (char *at = strchr(flat, '\n'); at; at = strchr(at, '\n'))
		*at = ' ';
	add(a, rank, style, label, "%s", flat);
	free(flat);
}

static void add_author(const struct proposal *p, struct buf *out)
{
	int is_agent = p->author && p->agent && !strcmp(p->author, p->agent);

	buf_puts(out, p->author ? p->author : "");
	if (p->agent && !is_agent)
		buf_printf(out, "%s%s", p->author ? ", by way of " : "", p->agent);
}

static void add_origin(struct about *a, const struct model *m, const struct proposal *p)
{
	const struct idea *idea = model_idea(m, p->idea);
	struct buf text = { 0 };

	if (idea)
		add(a, 3, STYLE_DEFAULT, "idea", "%s%s%s", idea->title ? idea->title : "",
		    idea->expected ? "; expects " : "", idea->expected ? idea->expected : "");
	for (size_t i = 0; i < p->sources.count; i++) {
		const struct source *s = model_source(m, p->sources.at[i]);
		buf_printf(&text, "%s%s", i ? "; " : "", s && s->title ? s->title : p->sources.at[i]);
		if (s && s->key)
			buf_printf(&text, " (%s)", s->key);
	}
	if (text.len)
		add(a, 4, STYLE_DEFAULT, "sources", "%s", text.data);
	if (p->self_review)
		add_flat(a, 3, STYLE_AGENT, "review", "its own: ", p->self_review);
	buf_truncate(&text, 0);
	add_author(p, &text);
	if (p->turn)
		buf_printf(&text, ", in turn %u", p->turn);
	if (text.len)
		add(a, 5, STYLE_AGENT, "author", "%s", text.data);
	if (!p->reasons.count && p->state != STATE_CONFLICT)
		add(a, 8, STYLE_MUTED, "guard", "ok: nothing that it protects is touched");
	buf_release(&text);
}

/* What there is room for */

static int width_of(const struct about_line *line, int columns)
{
	return columns - LABEL_COLUMNS - (line->right ? text_columns(line->right) + 2 : 0);
}

/* Bytes of text that go into a row: up to a blank where there is one. */
static size_t row_of(const char *text, int columns)
{
	size_t fits = text_fit(text, columns, NULL), end = fits;

	if (!text[fits])
		return fits;
	while (end > 0 && text[end] != ' ')
		end--;
	return end ? end : fits;
}

static void drop_lowest(struct about *a)
{
	size_t lowest = 0;

	for (size_t i = 1; i < a->count; i++)
		if (a->lines[i].rank >= a->lines[lowest].rank)
			lowest = i;
	free(a->lines[lowest].text);
	free(a->lines[lowest].right);
	array_remove(&a->lines, &a->count, lowest, sizeof *a->lines);
}

/* Puts what does not fit into line i into a line behind it. Whether there was anything. */
static int wrap(struct about *a, size_t i, int columns)
{
	struct about_line next = { .style = a->lines[i].style, .rank = a->lines[i].rank };
	size_t bytes = row_of(a->lines[i].text, width_of(&a->lines[i], columns));
	char *rest = a->lines[i].text + bytes;

	rest += strspn(rest, " ");
	if (!*rest || !bytes || a->lines[i].right)
		return 0;
	next.text = xstrdup(rest);
	a->lines[i].text[bytes] = '\0';
	array_add(&a->lines, &a->count, &a->room, sizeof next);
	memmove(&a->lines[i + 2], &a->lines[i + 1], (a->count - i - 2) * sizeof next);
	a->lines[i + 1] = next;
	return 1;
}

static void fit(struct about *a, const struct about_view *view)
{
	size_t rows = view->rows > 0 ? (size_t)view->rows : 0;

	while (a->count > rows)
		drop_lowest(a);
	for (size_t i = 0, continued = 0; i < a->count && a->count < rows; i++)
		continued = continued < WRAP_ROWS - 1 && wrap(a, i, view->columns) ? continued + 1 : 0;
}

void about_make(struct about *a, const struct model *m, const struct proposal *p, const struct about_view *view)
{
	clear(a);
	if (view->rows >= TALL_ROWS)
		add_title(a, m, p, view);
	add_stops(a, p);
	add_view(a, p, view);
	add_measured(a, p);
	add_decision(a, m, p);
	add_origin(a, m, p);
	fit(a, view);
}

void about_draw(const struct about *a, struct canvas *c)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct about_line *line = &a->lines[i];
		canvas_text(c, (int)i, 0, STYLE_HEADING, line->label, LABEL_COLUMNS - 1);
		canvas_text_cut(c, (int)i, LABEL_COLUMNS, line->style, line->text, width_of(line, c->columns));
		if (line->right)
			canvas_text_right(c, (int)i, c->columns, STYLE_DEFAULT, line->right);
	}
}
