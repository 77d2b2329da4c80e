/* Ideas, each with the side of the roofline it works on, the sources it comes from and the proposals that tried it. Above them
 * stands what the target waits for, as it was measured: an idea on the other side is said to be that. Proposals of no idea
 * stand at the end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/model.h"
#include "panes/standing.h"
#include "tui/list.h"
#include "tui/pane.h"

enum row_kind { ROW_IDEA, ROW_REMARK, ROW_EXPECTED, ROW_TEXT, ROW_SOURCE, ROW_PROPOSAL, ROW_REST };
enum { INDENT = 5, ID = 5, FATE = 36, SIDE = 9, WITH_SIDE = 60, TALLY = 16, TEXT_ROWS = 3, HEAD = 3, WITH_HEAD = 6 };

struct row {
	enum row_kind kind;
	size_t at;		/* index into the model's ideas, sources, or proposals */
	size_t from, bytes;	/* of the idea's text */
};

struct ideas_state {
	struct list list;
	struct row *rows;
	size_t row_count, row_room;
	int head;		/* rows of what was measured, as of the last sync */
};

struct view {
	const struct ideas_state *s;
	const struct model *m;
};

static void add_row(struct ideas_state *s, enum row_kind kind, size_t at)
{
	struct row *row = array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);

	*row = (struct row){ .kind = kind, .at = at };
}

static void add_proposals(struct ideas_state *s, const struct model *m, const struct idea *idea)
{
	for (size_t i = 0; i < m->proposal_count; i++)
		if (model_idea(m, m->proposals[i].idea) == idea)
			add_row(s, ROW_PROPOSAL, i);
}

static int is(const char *word, const char *what)
{
	return word && !strcmp(word, what);
}

/* What to say of an idea on the side that the target does not wait for; NULL: nothing. */
static const char *remark(const struct model *m, const struct idea *idea)
{
	const char *side = m->dialogue.bottleneck.side;

	if (is(side, "memory") && is(idea->side, "compute"))
		return "compute side, but the target waits for memory";
	if (is(side, "compute") && is(idea->side, "memory"))
		return "memory side, but the target waits for computing";
	return NULL;
}

/* The reasoning, between words, as far as a few rows hold it. */
static void add_text(struct ideas_state *s, const struct idea *idea, size_t at, int columns)
{
	const char *text = idea->text ? idea->text : "";
	size_t from = 0, size = strlen(text);

	for (int i = 0; i < TEXT_ROWS && from < size; i++) {
		int used;
		size_t fits = text_fit(text + from, columns, &used), bytes = strcspn(text + from, "\n"), end;
		if (fits < bytes) {
			for (end = fits; end > 0 && text[from + end] != ' '; end--)
				;
			bytes = i + 1 == TEXT_ROWS ? bytes : end ? end : fits ? fits : bytes;
		}
		add_row(s, ROW_TEXT, at);
		s->rows[s->row_count - 1].from = from;
		s->rows[s->row_count - 1].bytes = bytes;
		from += bytes;
		from += strspn(text + from, " \n");
	}
}

static int has_sides(const struct model *m)
{
	for (size_t i = 0; i < m->idea_count; i++)
		if (m->ideas[i].side)
			return 1;
	return 0;
}

/* Whether what it is expected to bring has room behind its title. */
static int expected_fits(const struct idea *idea, int with_side, int columns)
{
	int title = INDENT + (with_side ? SIDE : 0) + text_columns(idea->title ? idea->title : "") + 2;

	return idea->expected && title + 8 + text_columns(idea->expected) + TALLY <= columns;
}

static int shows_side(const struct model *m, int columns)
{
	return columns >= WITH_SIDE && has_sides(m);
}

static void collect(struct ideas_state *s, const struct model *m, int columns)
{
	size_t before;
	int with_side = shows_side(m, columns);

	s->row_count = 0;
	for (size_t i = 0; i < m->idea_count; i++) {
		add_row(s, ROW_IDEA, i);
		if (remark(m, &m->ideas[i]))
			add_row(s, ROW_REMARK, i);
		if (m->ideas[i].expected && !expected_fits(&m->ideas[i], with_side, columns))
			add_row(s, ROW_EXPECTED, i);
		add_text(s, &m->ideas[i], i, columns - INDENT - 1);
		for (size_t k = 0; k < m->ideas[i].sources.count; k++) {
			const struct source *source = model_source(m, m->ideas[i].sources.at[k]);
			if (source)
				add_row(s, ROW_SOURCE, (size_t)(source - m->sources));
		}
		add_proposals(s, m, &m->ideas[i]);
	}
	before = s->row_count;
	add_row(s, ROW_REST, 0);
	add_proposals(s, m, NULL);
	if (s->row_count == before + 1)
		s->row_count = before;
}

static void tally(const struct model *m, const struct idea *idea, struct buf *out)
{
	unsigned tried = 0, kept = 0;

	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		if (!p->idea || strcmp(p->idea, idea->id))
			continue;
		tried++;
		kept += p->verdict == VERDICT_KEEP && p->state != STATE_VETOED;
	}
	if (tried)
		buf_printf(out, "%u of %u kept", kept, tried);
	else
		buf_puts(out, "not tried yet");
}

static void draw_idea(const struct model *m, const struct idea *idea, struct canvas *c)
{
	struct buf right = { 0 };
	int end, x = INDENT, with_side = shows_side(m, c->columns);

	tally(m, idea, &right);
	end = canvas_text_right(c, 0, c->columns - 1, STYLE_DEFAULT, buf_str(&right)) - 2;
	canvas_text(c, 0, 1, STYLE_LINK, idea->id, INDENT - 1);
	if (with_side) {
		canvas_text_cut(c, 0, x, remark(m, idea) ? STYLE_WARN : STYLE_INFO, idea->side ? idea->side : "-", SIDE - 1);
		x += SIDE;
	}
	x += canvas_text_cut(c, 0, x, STYLE_STRONG, idea->title ? idea->title : "", end - x) + 2;
	if (expected_fits(idea, with_side, c->columns))
		canvas_printf(c, 0, x, STYLE_MUTED, "expects %s", idea->expected);
	buf_release(&right);
}

static void draw_text(const struct idea *idea, const struct row *row, struct canvas *c)
{
	int is_there = idea->text && row->from + row->bytes <= strlen(idea->text);
	char *text = xstrndup(is_there ? idea->text + row->from : "", is_there ? row->bytes : 0);

	canvas_text_cut(c, 0, INDENT, STYLE_MUTED, text, c->columns - INDENT);
	free(text);
}

static void draw_source(const struct model *m, const struct source *source, struct canvas *c)
{
	size_t claims = claims_of(m, source->id);
	int end = c->columns - 1;
	char text[32];

	snprintf(text, sizeof text, "%zu claim%s", claims, claims == 1 ? "" : "s");
	if (claims)
		end = canvas_text_right(c, 0, end, STYLE_MUTED, text) - 2;
	canvas_text(c, 0, INDENT, STYLE_LINK, source->id, ID - 1);
	canvas_text_cut(c, 0, INDENT + ID, STYLE_MUTED, source->title ? source->title : "", end - INDENT - ID);
}

static void draw_proposal(const struct proposal *p, struct canvas *c)
{
	struct standing standing = standing_of(p);
	struct buf fate = { 0 };
	int x = c->columns - FATE < INDENT + ID + 12 ? c->columns - 14 : c->columns - FATE;

	standing_line(p, &fate);
	canvas_text(c, 0, 2, standing.style, standing.mark, 1);
	canvas_text(c, 0, INDENT, STYLE_LINK, p->id, ID - 1);
	canvas_text_cut(c, 0, INDENT + ID, standing_is_out(p) ? STYLE_MUTED : STYLE_DEFAULT, p->title ? p->title : "",
		x - INDENT - ID - 2);
	canvas_text_cut(c, 0, x, standing.style, x == c->columns - FATE ? buf_str(&fate) : standing.word,
		c->columns - x);
	buf_release(&fate);
}

static void draw_row(const void *data, size_t i, struct canvas *c)
{
	const struct view *v = data;
	const struct row *row = &v->s->rows[i];

	switch (row->kind) {
	case ROW_IDEA: draw_idea(v->m, &v->m->ideas[row->at], c); break;
	case ROW_REMARK: canvas_text_cut(c, 0, INDENT, STYLE_WARN, remark(v->m, &v->m->ideas[row->at]), -1); break;
	case ROW_EXPECTED: canvas_printf(c, 0, INDENT, STYLE_MUTED, "expects %s", v->m->ideas[row->at].expected); break;
	case ROW_TEXT: draw_text(&v->m->ideas[row->at], row, c); break;
	case ROW_SOURCE: draw_source(v->m, &v->m->sources[row->at], c); break;
	case ROW_PROPOSAL: draw_proposal(&v->m->proposals[row->at], c); break;
	case ROW_REST:
		canvas_text(c, 0, INDENT, STYLE_HEADING, v->m->idea_count ? "of no idea" : "proposals of no stated idea", -1);
		break;
	}
}

static void row_text(const void *data, size_t i, struct buf *out)
{
	const struct view *v = data;
	const struct row *row = &v->s->rows[i];
	const char *texts[2] = { "", "" };

	if (row->kind == ROW_IDEA) {
		texts[0] = v->m->ideas[row->at].id;
		texts[1] = v->m->ideas[row->at].title;
	} else if (row->kind == ROW_REMARK) {
		texts[1] = remark(v->m, &v->m->ideas[row->at]);
	} else if (row->kind == ROW_EXPECTED) {
		texts[1] = v->m->ideas[row->at].expected;
	} else if (row->kind == ROW_TEXT) {
		texts[1] = v->m->ideas[row->at].text + row->from;
	} else if (row->kind == ROW_SOURCE) {
		texts[0] = v->m->sources[row->at].id;
		texts[1] = v->m->sources[row->at].title;
	} else if (row->kind == ROW_PROPOSAL) {
		texts[0] = v->m->proposals[row->at].id;
		texts[1] = v->m->proposals[row->at].title;
	}
	buf_printf(out, "%s %s", texts[0], texts[1] ? texts[1] : "");
}

/* What was measured */

static void rate_text(double moved, double bandwidth, struct buf *out)
{
	int giga = bandwidth >= 1e9;
	double unit = giga ? 1e9 : 1e6;

	if (isfinite(moved) && isfinite(bandwidth) && bandwidth > 0)
		buf_printf(out, ": %.1f of %.1f %s/s (%.0f %%)", moved / unit, bandwidth / unit, giga ? "GB" : "MB", 100 * moved / bandwidth);
}

static void head_text(const struct bottleneck *b, struct buf *out)
{
	if (!b->what) {
		buf_puts(out, "where the time goes was not measured yet");
		return;
	}
	if (b->side)
		buf_printf(out, "waits for %s", !strcmp(b->side, "compute") ? "computing" : b->side);
	else
		buf_puts(out, "memory or computing: not known");
	rate_text(b->moved, b->bandwidth, out);
	buf_printf(out, ", by %s", b->what);
	if (b->commit)
		buf_printf(out, " of %.7s", b->commit);
	if (b->reason)
		buf_printf(out, "; %s", b->reason);
}

static void draw_head(const struct bottleneck *b, struct canvas *c)
{
	struct buf text = { 0 };
	int x = 1;

	head_text(b, &text);
	canvas_text_cut(c, 0, x, b->side ? STYLE_STRONG : STYLE_DEFAULT, buf_str(&text), -1);
	buf_truncate(&text, 0);
	for (const char *at = b->text ? b->text : ""; *at; at += strcspn(at, "\n"), at += *at == '\n')
		buf_printf(&text, "%s%.*s", text.len ? ", " : "", (int)strcspn(at, "\n"), at);
	canvas_text_cut(c, 1, x, STYLE_MUTED, buf_str(&text), -1);
	buf_release(&text);
}

static void ideas_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct ideas_state *s = p->state;
	struct view view = { s, m };

	if (s->head)
		draw_head(&m->dialogue.bottleneck, c);
	list_draw(&s->list, c, s->head, p->focused, draw_row, &view);
	if (!s->row_count)
		canvas_text_cut(c, s->head, 1, STYLE_MUTED,
			"Each idea of the agent stands here, with its sources and what became of its proposals.", -1);
}

/* The idea that a row belongs to. */
static size_t idea_of(const struct ideas_state *s, size_t i)
{
	for (i = i < s->row_count ? i + 1 : 0; i-- > 0;)
		if (s->rows[i].kind == ROW_IDEA || s->rows[i].kind == ROW_REST)
			return s->rows[i].kind == ROW_IDEA ? s->rows[i].at : SIZE_MAX - 1;
	return SIZE_MAX;
}

static int ideas_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct ideas_state *s = p->state;
	size_t at = s->list.selected, idea = idea_of(s, at);
	struct row selected = at < s->row_count ? s->rows[at] : (struct row){ .kind = ROW_REST, .at = SIZE_MAX };

	(void)want;
	s->head = m->dialogue.bottleneck.text ? HEAD : HEAD - 1;
	if (rows < WITH_HEAD || (!m->dialogue.bottleneck.what && !standing_has_turns(m)))
		s->head = 0;
	collect(s, m, columns);
	for (size_t i = 0; i < s->row_count; i++)	/* the selection stays with what it is on, whatever comes in above it */
		if (s->rows[i].kind == selected.kind && s->rows[i].at == selected.at && s->rows[i].from == selected.from &&
		    idea_of(s, i) == idea) {
			s->list.selected = i;
			break;
		}
	list_sync(&s->list, s->row_count, rows - s->head);
	return 0;
}

static void ideas_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const char *side = m->dialogue.bottleneck.side;

	(void)p;
	if (side)
		buf_printf(out, "%s bound, ", side);
	buf_printf(out, "%zu idea%s, %zu proposal%s", m->idea_count, m->idea_count == 1 ? "" : "s", m->proposal_count,
		m->proposal_count == 1 ? "" : "s");
}

static enum pane_result open_row(const struct model *m, const struct row *row, struct intent *want)
{
	switch (row->kind) {
	case ROW_SOURCE: return intent_open(want, "source", m->sources[row->at].id);
	case ROW_PROPOSAL: return intent_go(want, "review", m->proposals[row->at].id);
	case ROW_IDEA: case ROW_REMARK: case ROW_EXPECTED: case ROW_TEXT:
		return intent_message(want, "%s: expected %s", m->ideas[row->at].id,
			m->ideas[row->at].expected ? m->ideas[row->at].expected : "nothing in figures");
	default: return PANE_HANDLED;
	}
}

static enum pane_result ideas_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct ideas_state *s = p->state;

	if (act->action == ACTION_ENTER)
		return s->row_count ? open_row(m, &s->rows[s->list.selected], want) : PANE_HANDLED;
	return list_act(&s->list, act, s->head) ? PANE_REDRAW : PANE_IGNORED;
}

static int ideas_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct ideas_state *s = p->state;
	struct view view = { s, m };

	return list_search(&s->list, text, direction, row_text, &view);
}

static void ideas_close(struct pane *p)
{
	struct ideas_state *s = p->state;

	free(s->rows);
	list_release(&s->list);
}

const struct pane_ops ideas_pane = {
	.name = "Ideas",
	.context = CONTEXT_IDEAS,
	.state_size = sizeof(struct ideas_state),
	.close = ideas_close,
	.title = ideas_title,
	.sync = ideas_sync,
	.draw = ideas_draw,
	.act = ideas_act,
	.search = ideas_search,
};
