/* The author of a patch reviews it before it is submitted, in a call of its own without tools: a second look finds what
 * the first one missed. What cannot be asked, or answers nonsense, holds nothing up: the review is for the human to read,
 * and the gates stand behind it. */
#include "core/engine/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/engine/quotes.h"

enum { REVIEW_TOKENS = 4000, REVIEW_MAX = 3000 };

struct self_review {
	struct engine *engine;
	struct asking *asking;
	char *title;
	self_review_done *done;
	void *data;
	struct self_review *next;
};

static void finish(struct self_review *r, const char *text, int wants_fix)
{
	for (struct self_review **at = &r->engine->reviews; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	r->done(r->data, text, wants_fix);
	free(r->title);
	free(r);
}

/* {"decision", "review"}, or whatever words came instead. */
static void read_answer(const char *text, char **review, int *wants_fix)
{
	struct err err;
	struct json *answer = json_parse(text, strlen(text), &err);
	const char *said = json_string(json_get(answer, "review"), answer ? "" : text);
	*wants_fix = !strcmp(json_string(json_get(answer, "decision"), ""), "fix");
	*review = *said ? text_safe_string(said, text_cut(said, strlen(said), REVIEW_MAX), TEXT_NEWLINES | TEXT_TABS) : NULL;
	json_free(answer);
}

static void answered(void *data, const char *text, const char *problem, double usd, const char *model)
{
	struct self_review *r = data;
	struct engine *e = r->engine;
	char *review = NULL;
	int wants_fix = 0;
	r->asking = NULL;
	if (usd > 0) {
		const struct turn *turn = turn_now(&e->model);
		char *what = xasprintf("review of \"%.80s\" by its author: %s", r->title, model ? model : ""), *by = xasprintf("agent %s", e->model.agent);
		engine_emit(e, &(struct event){ .kind = EVENT_SPENT, .by = by, .usd = usd, .what = what, .turn = turn ? turn->number : 0 });
		free(by);
		free(what);
	}
	if (text)
		read_answer(text, &review, &wants_fix);
	else
		review = xasprintf("there is none: %s", problem ? problem : "the model did not answer");
	finish(r, review, wants_fix && review);
	free(review);
}

int self_review(struct engine *e, const char *title, const char *diff, size_t diff_size, const struct strings *findings, self_review_done *done, void *data)
{
	struct brief_target target = turns_target(e);
	struct buf text = {0};
	struct err err = {0};
	if (!e->agent || !e->agent_ops->ask || !engine_may_run(e) || turns_usd_left(e) <= 0)
		return -1;
	struct self_review *r = xcalloc(1, sizeof *r);
	*r = (struct self_review){ .engine = e, .title = xstrdup(title), .done = done, .data = data };
	brief_review(&target, title, diff, diff_size, findings, &text);
	struct question question = { brief_review_system, buf_str(&text), brief_review_schema, REVIEW_TOKENS, answered, r };
	r->asking = e->agent_ops->ask(e->agent, &question, &err);
	buf_release(&text);
	if (!r->asking) {
		free(r->title);
		free(r);
		return -1;
	}
	r->next = e->reviews;
	e->reviews = r;
	return 0;
}

void self_reviews_drop(struct engine *e)
{
	while (e->reviews) {
		struct self_review *r = e->reviews;
		if (r->asking)
			e->agent_ops->ask_cancel(r->asking);
		finish(r, NULL, 0);
	}
}
