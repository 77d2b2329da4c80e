/* The queue of the review. It is ordered anew each time from the model: a session has tens of proposals, and nothing
 * can be stale. Who looks at it keeps the id of what is selected, never its place, so that nothing moves under the
 * fingers when another one arrives. Words, marks and colours are those of all panes (panes/standing).
 */
#include "panes/proposals.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "panes/standing.h"

enum { ID_COLUMNS = 4, WORD_COLUMNS = 13, LIST_COLUMNS = 34 };

static int rank(const struct proposal *p)
{
	static const int ranks[PROPOSAL_STATE_COUNT] = {
		[STATE_WAITING] = 0, [STATE_SIGNING] = 0, [STATE_STOPPED] = 0, [STATE_RUNNING] = 1, [STATE_QUEUED] = 2,
		[STATE_APPROVED] = 3, [STATE_REVISING] = 4, [STATE_DRAFTED] = 5, [STATE_CONFLICT] = 6, [STATE_DONE] = 7,
		[STATE_LANDED] = 8, [STATE_VETOED] = 9, [STATE_CANCELLED] = 10,
	};

	return p->state == STATE_SIGNING && p->asked_to_sign ? 1 : ranks[p->state];
}

static int by_rank(const void *a, const void *b)
{
	const struct proposal *p = *(const struct proposal *const *)a, *q = *(const struct proposal *const *)b;

	return rank(p) != rank(q) ? rank(p) - rank(q) : p < q ? -1 : p > q;
}

const struct proposal **proposals_order(const struct model *m, size_t *count)
{
	const struct proposal **list = xcalloc(m->proposal_count + 1, sizeof *list);

	*count = m->proposal_count;
	for (size_t i = 0; i < m->proposal_count; i++)
		list[i] = &m->proposals[i];
	qsort(list, *count, sizeof *list, by_rank);
	return list;
}

enum style proposals_word(const struct model *m, const struct proposal *p, int64_t now, struct buf *out)
{
	struct standing s = standing_of(p);
	int64_t until = proposal_waits_until(m, p);
	char left[CLOCK_TEXT];

	if (until) {
		clock_duration(until > now ? until - now : 0, left);
		buf_printf(out, "%s %s", p->state == STATE_WAITING ? "waits" : "to sign", left);
	} else {
		buf_puts(out, *s.word ? s.word : proposal_state_name(p->state));
	}
	return s.style;
}

void proposals_draw(const struct model *m, const struct proposal *p, int64_t now, struct canvas *row)
{
	struct buf word = { 0 };
	enum style style = proposals_word(m, p, now, &word);
	int x = 2, id = text_columns(p->id);

	canvas_text(row, 0, 0, style, proposal_needs_human(p) ? "!" : standing_of(p).mark, 1);
	canvas_text(row, 0, x, STYLE_STRONG, p->id, -1);
	x += (id > ID_COLUMNS ? id : ID_COLUMNS) + 1;
	canvas_text(row, 0, x, style, buf_str(&word), -1);
	x += row->columns >= LIST_COLUMNS ? WORD_COLUMNS + 1 : text_columns(buf_str(&word)) + 1;
	canvas_text_cut(row, 0, x, standing_is_out(p) ? STYLE_MUTED : STYLE_DEFAULT, p->title ? p->title : "",
	                row->columns - x - 1);
	buf_release(&word);
}

const char *proposals_person(const char *by)
{
	if (!by)
		return "engine";
	return !strncmp(by, "user ", 5) ? by + 5 : !strncmp(by, "agent ", 6) ? by + 6 : by;
}
