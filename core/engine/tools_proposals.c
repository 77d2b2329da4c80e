/* The tools that speak about the session itself: ideas are stated, results and logs are read, notes are kept. They answer at
 * once, from the model and the log files. What programs printed, what agents wrote and what stands in a hunk that does not apply
 * goes out behind a fence (tool_untrusted); what humans said of a proposal, and what was measured, does not. */
#include "core/engine/state.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/data/query.h"
#include "core/data/view.h"
#include "core/io/logs.h"

enum { RESULTS = 20, RUNS_MAX = 30, NOTES_SHOWN = 20, COMMENTS_MAX = 50,
	LINES = 100, LINE_BYTES = 1000, LOG_BYTES = 64 << 10, SCAN_LINES = 50000 };

static const char *text_of(const struct tool_use *u, const char *name)
{
	return json_string(json_get(u->args, name), NULL);
}

static int64_t number_of(const struct tool_use *u, const char *name, int64_t otherwise)
{
	return json_integer(json_get(u->args, name), otherwise);
}

static void put_known_number(struct json *object, const char *key, double v)
{
	if (isfinite(v))
		json_put_number(object, key, v);
}

static void put_known_text(struct json *object, const char *key, const char *s)
{
	if (s && *s)
		json_put_string(object, key, s);
}

/* Safe text on one line without blanks at its ends. */
static char *line_of(const struct tool_use *u, const char *name)
{
	const char *s = text_of(u, name) ? text_of(u, name) : "";
	char *safe = text_safe_string(s, strlen(s), TEXT_LINE), *start = safe;
	size_t n = strlen(safe);
	while (n && isspace((unsigned char)safe[n - 1]))
		safe[--n] = '\0';
	start += strspn(safe, " ");
	memmove(safe, start, strlen(start) + 1);
	return safe;
}

/* ideas */

/* -1: one is not on the list, and u was answered. */
static int cited(struct tool_use *u, struct strings *out)
{
	const struct model *m = &u->engine->model;
	for (const struct json *i = json_first(json_get(u->args, "sources")); i; i = json_next(i)) {
		const struct source *s = model_source(m, json_string(i, ""));
		if (!s && m->source_count)
			tool_refuse(u, "there is no source \"%s\" on the reading list (it goes from %s to %s): add_source puts one there", json_string(i, ""),
				    m->sources[0].id, m->sources[m->source_count - 1].id);
		else if (!s)
			tool_refuse(u, "there is no source \"%s\": the reading list is empty; add_source puts one there", json_string(i, ""));
		if (!s)
			return -1;
		if (!strings_have(out, s->id))
			strings_add(out, s->id);
	}
	return 0;
}

static const struct idea *same_idea(const struct model *m, const char *title)
{
	for (size_t i = 0; i < m->idea_count; i++)
		if (!strcasecmp(m->ideas[i].title, title))
			return &m->ideas[i];
	return NULL;
}

/* What the agent had better know of the side that it works on. */
static void put_side_note(const struct model *m, const char *side, struct json *result)
{
	const char *bound = m->dialogue.bottleneck.side;
	if (!bound || !side || !strcmp(side, "other") || !strcmp(bound, side))
		return;
	char *note = xasprintf("the target is bound by %s where this idea works on %s: expect little of it, unless you know why", bound, side);
	json_put_string(result, "note", note);
	free(note);
}

static void answer_idea(struct tool_use *u, const char *id, int is_known)
{
	const struct idea *idea = model_idea(&u->engine->model, id);
	struct json *result = json_object();
	json_put_string(result, "idea", id);
	json_put_string(result, "title", idea ? idea->title : NULL);
	json_put_bool(result, "was_known", is_known);
	if (is_known)
		json_put_string(result, "note", "this idea was stated before: read_results tells what became of it");
	else
		put_side_note(&u->engine->model, idea ? idea->side : NULL, result);
	tool_answer(u, result);
}

static void state_idea(struct tool_use *u, const char *title, struct strings *sources)
{
	struct engine *e = u->engine;
	char *expected = line_of(u, "expected"), id[24];
	const char *why = text_of(u, "reasoning");
	char *reasoning = text_safe_string(why, strlen(why), TEXT_NEWLINES | TEXT_TABS);
	snprintf(id, sizeof id, "i%zu", e->model.idea_count + 1);
	engine_emit(e, &(struct event){ .kind = EVENT_IDEA_ADDED, .by = u->by, .idea = id, .title = title, .expected = expected, .sources = *sources,
		.side = text_of(u, "side"), .text = reasoning });
	free(reasoning);
	free(expected);
	answer_idea(u, id, 0);
}

void tool_propose_idea(struct tool_use *u)
{
	struct strings sources = {0};
	if (cited(u, &sources) == 0) {
		char *title = line_of(u, "title");
		const struct idea *known = same_idea(&u->engine->model, title);
		if (known)
			answer_idea(u, known->id, 1);
		else if (!*title)
			tool_refuse(u, "an idea needs a title: one line that says what is to be done");
		else
			state_idea(u, title, &sources);
		free(title);
	}
	strings_release(&sources);
}

/* results */

static struct json *decision_of(const struct proposal *p)
{
	struct json *said = json_object();
	json_put_string(said, "decision", p->decision);
	put_known_text(said, "by", p->decided_by);
	put_known_text(said, "reason", p->decision_reason);
	return said;
}

static struct json *comments_of(const struct proposal *p)
{
	struct json *list = json_array();
	for (size_t i = 0; i < p->comments.count && i < COMMENTS_MAX; i++) {
		const struct comment *c = &p->comments.at[i];
		struct json *one = json_object();
		put_known_text(one, "file", c->file);
		if (c->file)
			json_put_integer(one, "line", c->line);
		put_known_text(one, "text", c->text);
		put_known_text(one, "by", c->by);
		json_append(list, one);
	}
	return list;
}

static void add_word(struct buf *out, const char *name, const char *said)
{
	if (said && *said)
		buf_printf(out, "   %s: %s\n", name, said);
}

/* What agents, patches, paths and programs say of it. */
static void add_words(struct buf *out, const struct proposal *p)
{
	buf_printf(out, "%s %s\n", p->id, p->title ? p->title : "");
	add_word(out, "by", p->agent);
	add_word(out, "author", p->author);
	for (size_t i = 0; i < p->sources.count; i++)
		add_word(out, "source", p->sources.at[i]);
	for (size_t i = 0; i < p->reasons.count; i++)
		add_word(out, "guard", p->reasons.at[i]);
	add_word(out, "why", p->verdict_reason);
	add_word(out, "landing", p->landing_problem);
}

static struct json *proposal_line(const struct proposal *p)
{
	struct json *object = json_object();
	json_put_string(object, "id", p->id);
	json_put_integer(object, "rev", (int64_t)p->rev);
	json_put_string(object, "state", proposal_state_name(p->state));
	if (p->verdict != VERDICT_NONE)
		json_put_string(object, "verdict", verdict_name(p->verdict));
	put_known_text(object, "idea", p->idea);
	put_known_number(object, "change_percent", p->change_percent);
	put_known_number(object, "low", p->low);
	put_known_number(object, "high", p->high);
	if (p->pair_count)
		json_put_integer(object, "pairs", (int64_t)p->pair_count);
	if (p->decision && (p->decision_reason || p->state == STATE_VETOED || p->state == STATE_REVISING))
		json_take(object, "human", decision_of(p));
	if (p->comments.count)
		json_take(object, "comments", comments_of(p));
	return object;
}

static struct json *metric_of(const struct model *m)
{
	struct json *metric = json_object();
	json_put_string(metric, "name", m->metric);
	put_known_text(metric, "unit", m->unit);
	json_put_string(metric, "better", m->lower_is_better ? "lower" : "higher");
	return metric;
}

static struct json *baseline_of(const struct model *m)
{
	struct spread s = baseline_spread(m);
	struct json *baseline = json_object();
	json_put_string(baseline, "commit", m->baseline);
	json_put_integer(baseline, "measured", (int64_t)s.n);
	put_known_number(baseline, "mean", s.mean);
	put_known_number(baseline, "sd", s.n > 1 ? s.sd : (double)NAN);
	return baseline;
}

static void put_bottleneck(const struct model *m, struct json *result)
{
	const struct bottleneck *b = &m->dialogue.bottleneck;
	struct json *object;
	if (!b->what)
		return;
	object = json_object();
	json_put_string(object, "measured_by", b->what);
	put_known_text(object, "bound_by", b->side);
	put_known_number(object, "bytes_per_second", b->moved);
	put_known_number(object, "machine_bytes_per_second", b->bandwidth);
	if (b->reason)
		json_take(object, "not_known", tool_untrusted("the profile of the target", NULL, b->reason, strlen(b->reason)));
	if (b->text)
		json_take(object, "profile", tool_untrusted("the profile of the target", NULL, b->text, strlen(b->text)));
	json_take(result, "bottleneck", object);
}

static void put_notes(const struct model *m, struct json *result)
{
	const struct strings *notes = &m->dialogue.notes;
	struct buf text = {0};
	for (size_t i = notes->count > NOTES_SHOWN ? notes->count - NOTES_SHOWN : 0; i < notes->count; i++)
		buf_printf(&text, "- %s\n", notes->at[i]);
	if (text.len)
		json_take(result, "notes", tool_untrusted("notes of agents", NULL, buf_str(&text), text.len));
	buf_release(&text);
}

static void all_results(struct tool_use *u)
{
	const struct model *m = &u->engine->model;
	size_t limit = (size_t)number_of(u, "limit", RESULTS), shown = 0;
	struct json *result = json_object(), *list = json_array();
	struct buf words = {0};
	json_take(result, "metric", metric_of(m));
	json_take(result, "baseline", baseline_of(m));
	put_known_number(result, "landed_percent", landed_percent(m));
	put_bottleneck(m, result);
	for (size_t i = m->proposal_count; i-- > 0 && shown < limit; shown++) {
		json_append(list, proposal_line(&m->proposals[i]));
		add_words(&words, &m->proposals[i]);
	}
	json_take(result, "proposals", list);
	if (words.len)
		json_take(result, "words", tool_untrusted("proposals", NULL, words.data, words.len));
	buf_release(&words);
	if (shown < m->proposal_count)
		json_put_integer(result, "older_proposals", (int64_t)(m->proposal_count - shown));
	put_notes(m, result);
	tool_answer(u, result);
}

/* words gets why they ended so. */
static struct json *runs_of(const struct model *m, const char *arm, struct buf *words)
{
	struct json *list = json_array();
	size_t n = 0;
	for (size_t i = m->run_count; i-- > 0 && n < RUNS_MAX;) {
		const struct run *r = &m->runs[i];
		char id[16];
		if (!r->arm || strcmp(r->arm, arm))
			continue;
		snprintf(id, sizeof id, "r%u", r->number);
		struct json *one = json_object();
		json_put_string(one, "run", id);
		json_put_string(one, "step", r->step);
		json_put_string(one, "status", r->status ? r->status : "running");
		add_word(words, id, r->reason);
		put_known_number(one, "value", r->value);
		put_known_number(one, "seconds", r->seconds);
		json_append(list, one);
		n++;
	}
	return list;
}

/* A copy of what skydeck show and skydeck results tell, less what add_words tells. */
static struct json *without_words(const struct json *view)
{
	static const char *const words[] = { "title", "agent", "author", "sources", "guard", "conflict", "verdict_reason", "reason", "landing_problem" };
	struct json *object = json_object();
	for (const struct json *i = json_first(view); i; i = json_next(i)) {
		size_t k = 0;
		while (k < sizeof words / sizeof *words && strcmp(words[k], json_key(i)))
			k++;
		if (k == sizeof words / sizeof *words)
			json_take(object, json_key(i), json_copy(i));
	}
	return object;
}

static struct json *proposal_of(const struct model *m, const struct proposal *p)
{
	struct json *view = view_proposal(m, p, 0), *all = view_results(m), *object = without_words(view);
	for (const struct json *i = json_first(all); i; i = json_next(i))
		if (!strcmp(json_string(json_get(i, "id"), ""), p->id))
			json_take(object, "result", without_words(i));
	json_free(all);
	json_free(view);
	return object;
}

static void one_result(struct tool_use *u, const struct proposal *p)
{
	const struct model *m = &u->engine->model;
	struct json *object = proposal_of(m, p);
	struct buf words = {0};
	add_words(&words, p);
	json_take(object, "runs", runs_of(m, p->id, &words));
	json_take(object, "words", tool_untrusted(p->id, NULL, words.data, words.len));
	buf_release(&words);
	if (p->conflict)
		json_take(object, "conflict", tool_untrusted("the hunk that does not apply", NULL, p->conflict, strlen(p->conflict)));
	if (p->self_review)
		json_take(object, "own_review", tool_untrusted("the review by its author", NULL, p->self_review, strlen(p->self_review)));
	tool_answer(u, object);
}

void tool_read_results(struct tool_use *u)
{
	const struct model *m = &u->engine->model;
	const char *id = text_of(u, "proposal");
	const struct proposal *p = model_proposal(m, id);
	if (p)
		one_result(u, p);
	else if (!id)
		all_results(u);
	else if (m->proposal_count)
		tool_refuse(u, "there is no proposal \"%s\": they go from %s to %s", id, m->proposals[0].id, m->proposals[m->proposal_count - 1].id);
	else
		tool_refuse(u, "there is no proposal \"%s\": nothing was proposed yet", id);
}

/* logs */

/* By its own name only, not by one that begins like it. */
static const struct run *run_named(const struct model *m, const char *id)
{
	const struct run *run = model_run(m, id);
	char name[16];
	snprintf(name, sizeof name, "r%u", run ? run->number : 0);
	return run && !strcmp(name, id) ? run : NULL;
}

/* A proposal's name stands for the run of its verdict, else for its newest. */
static const struct run *run_of(const struct model *m, const char *id)
{
	const struct proposal *p = model_proposal(m, id);
	if (!p)
		return run_named(m, id);
	if (p->verdict_run)
		return model_run(m, p->verdict_run);
	for (size_t i = m->run_count; i-- > 0;)
		if (m->runs[i].arm && !strcmp(m->runs[i].arm, p->id))
			return &m->runs[i];
	return NULL;
}

/* The name of its file: made here, whatever was asked for. NULL: there is none of that name. */
static char *log_name(const struct model *m, const char *id)
{
	const struct run *run = run_of(m, id);
	const struct worker *w = model_worker(m, id);
	const struct turn *turn = dialogue_turn(m, id);
	if (run)
		return xasprintf("r%u", run->number);
	if (turn)
		return xasprintf("t%u", turn->number);
	return w && strlen(w->id) == strspn(w->id, "w0123456789") ? xstrdup(w->id) : NULL;
}

struct excerpt {
	struct buf text;
	int64_t first, next, total;	/* lines, from 1; next 0: that was the end */
	size_t count;
};

static char *line_at(struct log_reader *r, int64_t i)
{
	struct buf raw = {0};
	char *safe = NULL;
	if (!log_reader_line(r, (uint64_t)i, &raw))
		safe = text_safe_string(buf_str(&raw), raw.len < LINE_BYTES ? raw.len : LINE_BYTES, TEXT_TABS | TEXT_STRIP_SGR);
	buf_release(&raw);
	return safe;
}

static void take_lines(struct log_reader *r, int64_t from, size_t most, const char *find, struct excerpt *x)
{
	int64_t i = from, stop = from + SCAN_LINES;
	for (; i < x->total && i < stop && x->count < most && x->text.len < LOG_BYTES; i++) {
		char *line = line_at(r, i);
		if (line && (!find || strcasestr(line, find))) {
			x->first = x->count++ ? x->first : i + 1;
			buf_printf(&x->text, "%lld: %s\n", (long long)i + 1, line);
		}
		free(line);
	}
	x->next = i < x->total ? i + 1 : 0;
}

static void answer_lines(struct tool_use *u, const char *name, const struct excerpt *x)
{
	const struct run *run = model_run(&u->engine->model, name);
	char *from = xasprintf("the log of %s", name);
	struct json *result = json_object();
	json_put_string(result, "run", name);
	if (run) {
		json_put_string(result, "arm", run->arm);
		json_put_string(result, "step", run->step);
		json_put_string(result, "status", run->status ? run->status : "running");
	}
	json_put_integer(result, "total_lines", x->total);
	json_put_integer(result, "lines", (int64_t)x->count);
	if (x->next)
		json_put_integer(result, "next", x->next);
	if (x->count)
		json_take(result, "log", tool_untrusted(from, NULL, buf_str(&x->text), x->text.len));
	else
		json_put_string(result, "note", !text_of(u, "find") ? "there are no lines" : x->next ? "no line up to there holds these words: go on from next"
										      : "no line holds these words");
	free(from);
	tool_answer(u, result);
}

static void read_lines(struct tool_use *u, const char *name)
{
	char *path = engine_log_path(u->engine, name);
	struct err err = {0};
	struct log_reader *r = log_reader_open(path, &err);
	struct excerpt x = {0};
	if (r) {
		size_t most = (size_t)number_of(u, "lines", LINES);
		const char *find = text_of(u, "find");
		x.total = (int64_t)log_reader_refresh(r);
		int64_t last = x.total > (int64_t)most ? x.total - (int64_t)most : 0, from = number_of(u, "from", 0);
		take_lines(r, from ? from - 1 : find ? 0 : last, most, find, &x);
	}
	log_reader_close(r);
	free(path);
	if (r)
		answer_lines(u, name, &x);
	else
		tool_refuse(u, "%s has no log", name);
	buf_release(&x.text);
}

void tool_read_log(struct tool_use *u)
{
	const struct model *m = &u->engine->model;
	const char *id = text_of(u, "run");
	char *name = log_name(m, id);
	if (name)
		read_lines(u, name);
	else if (model_proposal(m, id))
		tool_refuse(u, "%s has not run yet", id);
	else if (m->run_count)
		tool_refuse(u, "there is no log of \"%s\": runs go from r%u to r%u", id, m->runs[0].number, m->runs[m->run_count - 1].number);
	else
		tool_refuse(u, "there is no log of \"%s\": nothing has run yet", id);
	free(name);
}

/* notes */

void tool_note(struct tool_use *u)
{
	char *text = line_of(u, "text");
	if (!*text) {
		tool_refuse(u, "the note is empty");
	} else {
		struct json *result = json_object();
		engine_emit(u->engine, &(struct event){ .kind = EVENT_NOTED, .by = u->by, .text = text });
		json_put_bool(result, "kept", 1);
		tool_answer(u, result);
	}
	free(text);
}
