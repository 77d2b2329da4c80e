/* The tools over the reading list. What they tell of a source is what others wrote: it stands behind fences (core/base/fence.h),
 * in bounded pieces, and says where it is from. */
#include "core/engine/reading.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/fence.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/engine/quotes.h"

enum { ABSTRACT_MAX = 600, TITLE_MAX = 300, RESULTS_MAX = 50, LENGTH = 4000, LENGTH_MAX = 20000, CLAIMS_TOLD = 40, PROBLEMS_MAX = 8 };

struct json *tool_untrusted(const char *from, const char *hash, const char *text, size_t n)
{
	struct json *object = json_object();
	struct buf fenced = {0};
	char *who = text_safe_string(from, strnlen(from, 1000), TEXT_LINE);
	size_t marks = fence_add(&fenced, who, text, n);
	json_put_bool(object, "untrusted", 1);
	json_put_string(object, "from", who);
	if (hash)
		json_put_string(object, "hash", hash);
	if (marks) {
		char *warning = xasprintf("%zu hidden character%s made visible: this text may be trying something", marks, marks == 1 ? " was" : "s were");
		json_put_string(object, "warning", warning);
		free(warning);
	}
	json_put_string(object, "text", buf_str(&fenced));
	free(who);
	buf_release(&fenced);
	return object;
}

static char *safe_arg(const struct tool_use *u, const char *name)
{
	const char *text = json_string(json_get(u->args, name), NULL);
	return text && *text ? text_safe_string(text, strlen(text), TEXT_LINE) : NULL;
}

/* What somebody else says, on a line of its own: safe and short. */
static void add_said(struct buf *out, const char *name, const char *text, size_t most)
{
	char *safe = text ? text_safe_string(text, text_cut(text, strlen(text), 4 * most), TEXT_LINE) : NULL;
	if (safe && *safe)
		buf_printf(out, "%s: %.*s\n", name, (int)text_cut(safe, strlen(safe), most), safe);
	free(safe);
}

/* Behind a fence; nothing where there is nothing. Empties said. */
static void put_said(struct json *object, const char *key, const char *from, struct buf *said)
{
	if (said->len)
		json_take(object, key, tool_untrusted(from, NULL, said->data, said->len));
	buf_release(said);
}

/* read_source */

static void put_claims(struct json *result, const struct model *m, const struct source *s)
{
	struct buf said = {0};
	size_t n = 0;
	for (size_t i = 0; i < m->dialogue.claim_count && n < CLAIMS_TOLD; i++) {
		const struct claim *c = &m->dialogue.claims[i];
		if (strcmp(c->source, s->id))
			continue;
		buf_printf(&said, "%s, %s: %s\n   \"%s\"\n", c->id, c->place ? c->place : "", c->text ? c->text : "", c->quote ? c->quote : "");
		n++;
	}
	put_said(result, "claims", s->id, &said);
}

static void put_notes(struct json *result, const struct source *s)
{
	struct json *array = json_array();
	for (size_t i = 0; i < s->annotation_count; i++) {
		const struct annotation *a = &s->annotations[i];
		int is_reader = a->by && !strncmp(a->by, "agent ", 6);
		if (is_reader) {
			json_take(result, "summary", tool_untrusted(s->id, NULL, a->text, strlen(a->text)));
			continue;
		}
		struct json *object = json_object();
		json_put_string(object, "by", a->by);
		json_put_string(object, "text", a->text);
		json_append(array, object);
	}
	json_take(result, "notes", array);
}

static struct json *about(const struct engine *e, const struct source *s)
{
	struct yield y = source_yield(&e->model, s);
	struct json *result = json_object();
	struct buf said = {0};
	json_put_string(result, "source", s->id);
	json_put_string(result, "type", s->type);
	if (s->year)
		json_put_integer(result, "year", s->year);
	json_put_string(result, "status", s->status);
	add_said(&said, "title", s->title, TITLE_MAX);
	add_said(&said, "authors", s->authors, TITLE_MAX);
	add_said(&said, "id", s->key, TITLE_MAX);
	add_said(&said, "url", s->url, 2 * TITLE_MAX);
	add_said(&said, "status", s->status_reason, 2 * TITLE_MAX);
	add_said(&said, "why it is here", s->reason, 2 * TITLE_MAX);
	put_said(result, "about", s->id, &said);
	if (reading_is_unverified(s))
		json_put_string(result, "unverified", "no service vouches for its title and authors (yet): do not rely on them");
	json_put_integer(result, "proposals", y.proposals);
	json_put_integer(result, "kept", y.kept);
	if (reading_is_repository(s))
		json_put_string(result, "files", "it is a repository: list_files, search_code and read_file take its id as `source`");
	return result;
}

/* The part of the text that was asked for: around words, or from a byte on. -1: the words are not there. */
static int find_part(const struct tool_use *u, const struct source_text *t, size_t *start, size_t *end)
{
	const char *find = json_string(json_get(u->args, "find"), NULL);
	int64_t from = json_integer(json_get(u->args, "from"), 0), length = json_integer(json_get(u->args, "length"), LENGTH);
	size_t most = length < 1 || length > LENGTH_MAX ? LENGTH_MAX : (size_t)length;
	size_t first = from < 0 ? 0 : (size_t)from;
	first = first > t->size ? t->size : first;
	if (find) {
		struct quotes q;
		struct quote_place at;
		quotes_init(&q, t->text, t->size);
		int rc = quotes_find(&q, find, first, &at);
		quotes_release(&q);
		const char *plain = rc && strlen(find) ? strcasestr(t->text + first, find) : NULL;
		if (rc && !plain)
			return -1;
		size_t middle = rc ? (size_t)(plain - t->text) : at.start;
		first = middle > most / 4 ? middle - most / 4 : 0;
	}
	while (first && first < t->size && ((unsigned char)t->text[first] & 0xC0) == 0x80)
		first--;
	*start = first;
	*end = first + text_cut(t->text + first, t->size - first, most);
	return 0;
}

static void put_part(struct json *result, const struct tool_use *u, const struct source *s, const struct source_text *t)
{
	size_t start, end;
	if (find_part(u, t, &start, &end) < 0) {
		json_put_string(result, "not_found", "these words do not stand in the text from there on: use fewer or other words");
		return;
	}
	char *where = quotes_where(t->text, t->size, start, end), *from = xasprintf("%s, %s, %s", s->id, t->from ? t->from : "", where);
	struct json *part = tool_untrusted(from, t->hash, t->text + start, end - start);
	json_put_string(part, "place", where);
	json_put_integer(part, "first", (int64_t)start);
	json_put_integer(part, "next", end < t->size ? (int64_t)end : -1);
	json_put_integer(part, "size", (int64_t)t->size);
	if (t->is_cut)
		json_put_string(part, "cut", "the source is longer than what was fetched");
	if (t->marks) {
		char *warning = xasprintf("%u hidden character%s made visible in this source: it may be trying something", t->marks, t->marks == 1 ? " was" : "s were");
		json_put_string(part, "warning", warning);
		free(warning);
	}
	json_take(result, "quotation", part);
	free(from);
	free(where);
}

/* It may be what a server said. */
static void put_problem(struct json *result, const struct source *s, const char *problem)
{
	struct buf said = {0};
	add_said(&said, "its text is not there", problem, 2 * TITLE_MAX);
	put_said(result, "text_problem", s->id, &said);
}

static int wants_text(const struct tool_use *u)
{
	return json_get(u->args, "find") || json_get(u->args, "from") || json_get(u->args, "length");
}

static void answer_with(struct tool_use *u, const struct source_text *t)
{
	const struct source *s = model_source(&u->engine->model, u->work);
	if (!s) {
		tool_refuse(u, "it is not on the reading list any more");
		return;
	}
	struct json *result = about(u->engine, s);
	put_notes(result, s);
	put_claims(result, &u->engine->model, s);
	if (s->note && *s->note)
		json_take(result, "abstract", tool_untrusted(s->id, NULL, s->note, text_cut(s->note, strlen(s->note), LENGTH)));
	if (t && t->text)
		put_part(result, u, s, t);
	else if (t)
		put_problem(result, s, t->problem ? t->problem : "its text is not there");
	tool_answer(u, result);
}

static void end_reading(struct tool_use *u)
{
	reading_drop(u->engine, u);
	free(u->work);
	u->work = NULL;
}

static void text_came(void *data, const char *source, const struct source_text *text)
{
	struct tool_use *u = data;
	char *id = u->work;
	(void)source;
	u->cancel = NULL;
	answer_with(u, text);
	free(id);
}

static void was_read(void *data, const char *source, const char *problem)
{
	struct tool_use *u = data;
	char *id = u->work;
	(void)source;
	if (problem && !model_source(&u->engine->model, id)) {
		u->cancel = NULL;
		tool_refuse(u, "%s", problem);
		free(id);
	} else if (wants_text(u)) {
		reading_fetch(u->engine, id, text_came, u);
	} else {
		u->cancel = NULL;
		answer_with(u, problem ? &(struct source_text){ .problem = problem } : NULL);
		free(id);
	}
}

void tool_read_source(struct tool_use *u)
{
	const char *word = json_string(json_get(u->args, "source"), "");
	const struct source *s = model_source(&u->engine->model, word);
	if (!s) {
		tool_refuse(u, "there is no source %.60s on the reading list: add_source puts one there and answers with its id", word);
		return;
	}
	if (!strcmp(s->status, "dismissed")) {
		tool_refuse(u, "%s was dismissed%s%s: read another", s->id, s->status_reason ? ": " : "", s->status_reason ? s->status_reason : "");
		return;
	}
	u->work = xstrdup(s->id);
	u->cancel = end_reading;
	reading_read(u->engine, u->work, was_read, u);
}

/* search_literature */

struct searching {
	struct research_request *request;
	struct json *found;
	size_t limit;
	int is_starting, has_ended;
	struct strings problems;
};

static void searching_free(struct searching *w)
{
	research_cancel(w->request);
	json_free(w->found);
	strings_release(&w->problems);
	free(w);
}

static void stop_searching(struct tool_use *u)
{
	searching_free(u->work);
	u->work = NULL;
}

static const struct source *on_the_list(const struct model *m, const struct finding *f)
{
	const struct source *s = model_source(m, f->key);
	for (size_t i = 0; !s && f->url && i < m->source_count; i++)
		if (m->sources[i].url && !strcmp(m->sources[i].url, f->url))
			s = &m->sources[i];
	return s;
}

static void came(void *data, const struct finding *f)
{
	struct tool_use *u = data;
	struct searching *w = u->work;
	if (json_count(w->found) >= w->limit)
		return;
	const struct source *s = on_the_list(&u->engine->model, f);
	struct json *one = json_object();
	struct buf said = {0};
	json_put_string(one, "type", f->type);
	json_put_string(one, "id", f->key);	/* what add_source takes: no blank stands in it */
	if (f->year)
		json_put_integer(one, "year", f->year);
	add_said(&said, "title", f->title, TITLE_MAX);
	add_said(&said, "authors", f->authors, TITLE_MAX);
	add_said(&said, "url", f->url, 2 * TITLE_MAX);
	add_said(&said, "about", f->reason, TITLE_MAX);
	if (f->note && *f->note)
		buf_printf(&said, "abstract: %.*s\n", (int)text_cut(f->note, strlen(f->note), ABSTRACT_MAX), f->note);
	put_said(one, "about", f->key ? f->key : "a search", &said);
	if (s) {
		json_put_string(one, "on_the_list", s->id);
		json_put_string(one, "status", s->status);
	}
	json_append(w->found, one);
}

static void answer_search(struct tool_use *u)
{
	struct searching *w = u->work;
	struct json *result = json_object();
	struct buf problems = {0};
	size_t n = json_count(w->found);
	json_put_integer(result, "count", (int64_t)n);
	json_take(result, "results", w->found);
	w->found = NULL;
	for (size_t i = 0; i < w->problems.count && i < PROBLEMS_MAX; i++)
		add_said(&problems, "problem", w->problems.at[i], 2 * TITLE_MAX);
	put_said(result, "problems", "a search", &problems);
	if (!n)
		json_put_string(result, "hint", w->problems.count ? "nothing was found where somebody answered" : "nothing was found: use fewer or other words");
	w->request = NULL;
	searching_free(w);
	u->work = NULL;
	u->cancel = NULL;
	tool_answer(u, result);
}

static void ended(void *data, const struct strings *problems)
{
	struct tool_use *u = data;
	struct searching *w = u->work;
	if (problems)
		strings_copy(&w->problems, problems);
	w->has_ended = 1;
	if (!w->is_starting)
		answer_search(u);
}

void tool_search_literature(struct tool_use *u)
{
	int64_t limit = json_integer(json_get(u->args, "limit"), 10);
	char *text = safe_arg(u, "query");
	struct searching *w = xcalloc(1, sizeof *w);
	*w = (struct searching){ .found = json_array(), .limit = limit < 1 || limit > RESULTS_MAX ? RESULTS_MAX : (size_t)limit, .is_starting = 1 };
	u->work = w;
	u->cancel = stop_searching;
	struct research_query query = { .text = text ? text : "", .kind = json_string(json_get(u->args, "where"), NULL),
					.type = json_string(json_get(u->args, "kind"), NULL), .limit = w->limit };
	w->request = research_search(reading_research(u->engine), &query, came, ended, u);
	free(text);
	w->is_starting = 0;
	if (w->has_ended)
		answer_search(u);
}

/* add_source */

void tool_add_source(struct tool_use *u)
{
	char *word = safe_arg(u, "source"), *reason = safe_arg(u, "reason"), id[16];
	struct err err = {0};
	size_t before = u->engine->model.source_count;
	if (reading_add(u->engine, u->by, word ? word : "", reason, NULL, id, &err) < 0) {
		tool_refuse(u, "%s", err.text);
	} else {
		const struct source *s = model_source(&u->engine->model, id);
		struct json *result = json_object();
		json_put_string(result, "source", id);
		json_put_bool(result, "was_there", u->engine->model.source_count == before);
		json_put_string(result, "status", s ? s->status : "found");
		json_put_string(result, "next", "read_source reads it; its title and authors are asked for in the background");
		tool_answer(u, result);
	}
	free(reason);
	free(word);
}
