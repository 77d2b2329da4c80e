/* Ideas, each with the sources it comes from and the proposals that tried it. Proposals of no idea stand at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/model.h"
#include "panes/standing.h"
#include "tui/list.h"
#include "tui/pane.h"

enum row_kind { ROW_IDEA, ROW_SOURCE, ROW_PROPOSAL, ROW_REST };
enum { INDENT = 5, ID = 5, FATE = 36 };

struct row {
	enum row_kind kind;
	size_t at;		/* index into the model's ideas, sources, or proposals */
};

struct ideas_state {
	struct list list;
	struct row *rows;
	size_t row_count, row_room;
};

struct view {
	const struct ideas_state *s;
	const struct model *m;
};

static void add_row(struct ideas_state *s, enum row_kind kind, size_t at)
{
	struct row *row = array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);

	*row = (struct row){ kind, at };
}

static void add_proposals(struct ideas_state *s, const struct model *m, const struct idea *idea)
{
	for (size_t i = 0; i < m->proposal_count; i++)
		if (model_idea(m, m->proposals[i].idea) == idea)
			add_row(s, ROW_PROPOSAL, i);
}

static void collect(struct ideas_state *s, const struct model *m)
{
	size_t before;

	s->row_count = 0;
	for (size_t i = 0; i < m->idea_count; i++) {
		add_row(s, ROW_IDEA, i);
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
	int end, x = INDENT;

	tally(m, idea, &right);
	end = canvas_text_right(c, 0, c->columns - 1, STYLE_DEFAULT, buf_str(&right)) - 2;
	canvas_text(c, 0, 1, STYLE_LINK, idea->id, INDENT - 1);
	x += canvas_text_cut(c, 0, x, STYLE_STRONG, idea->title ? idea->title : "", end - x) + 2;
	if (idea->expected && x + text_columns(idea->expected) + 8 <= end)
		canvas_printf(c, 0, x, STYLE_MUTED, "expects %s", idea->expected);
	buf_release(&right);
}

static void draw_source(const struct source *source, struct canvas *c)
{
	canvas_text(c, 0, INDENT, STYLE_LINK, source->id, ID - 1);
	canvas_text_cut(c, 0, INDENT + ID, STYLE_MUTED, source->title ? source->title : "",
		c->columns - INDENT - ID - 1);
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
	case ROW_SOURCE: draw_source(&v->m->sources[row->at], c); break;
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
	} else if (row->kind == ROW_SOURCE) {
		texts[0] = v->m->sources[row->at].id;
		texts[1] = v->m->sources[row->at].title;
	} else if (row->kind == ROW_PROPOSAL) {
		texts[0] = v->m->proposals[row->at].id;
		texts[1] = v->m->proposals[row->at].title;
	}
	buf_printf(out, "%s %s", texts[0], texts[1] ? texts[1] : "");
}

static void ideas_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct ideas_state *s = p->state;
	struct view view = { s, m };

	list_draw(&s->list, c, 0, p->focused, draw_row, &view);
	if (!s->row_count)
		canvas_text_cut(c, 0, 1, STYLE_MUTED,
			"Each idea of the agent stands here, with its sources and what became of its proposals.", -1);
}

static int ideas_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct ideas_state *s = p->state;

	(void)columns;
	(void)want;
	collect(s, m);
	list_sync(&s->list, s->row_count, rows);
	return 0;
}

static void ideas_title(const struct pane *p, const struct model *m, struct buf *out)
{
	(void)p;
	buf_printf(out, "%zu idea%s, %zu proposal%s", m->idea_count, m->idea_count == 1 ? "" : "s", m->proposal_count,
		m->proposal_count == 1 ? "" : "s");
}

static enum pane_result open_row(const struct model *m, const struct row *row, struct intent *want)
{
	switch (row->kind) {
	case ROW_SOURCE: return intent_open(want, "source", m->sources[row->at].id);
	case ROW_PROPOSAL: return intent_go(want, "review", m->proposals[row->at].id);
	case ROW_IDEA:
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
	return list_act(&s->list, act, 0) ? PANE_REDRAW : PANE_IGNORED;
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
