/* Requests: a search at all sources side by side, a look-up or a fetch at one after another until one knows, a clone. What the
 * caller gets to see comes from the loop alone; whatever it does in a callback (cancel, free, ask anew) is carried out when
 * the last of them has returned. */
#include "core/research/research.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/research/cache.h"
#include "core/research/errand.h"
#include "core/research/pace.h"
#include "core/research/page.h"
#include "core/research/parse.h"
#include "core/research/repository.h"

struct research {
	struct loop *loop;
	char *root, *cache_folder;
	struct cache *cache;
	struct web *web;
	struct known_source *sources;
	size_t source_count, source_room;
	struct research_request *requests;
};

enum work { SEARCH, IDENTIFY, FETCH, CLONE };

struct research_request {
	struct research_request *next;
	struct research *research;	/* NULL: it is gone */
	enum work work;
	struct loop_timer *timer;
	struct errand **errands;
	size_t errand_count, errand_room;
	size_t candidate;		/* of the sources, the next to be tried */
	/* what was asked */
	char *text, *kind, *type, *url;
	size_t limit;
	struct finding what;
	/* what came */
	struct strings problems, seen;
	int is_known;			/* a finding or a text came */
	struct repository_clone *clone;
	int entered, is_cancelled;
	source_found *found;
	research_ended *ended;
	research_text *came;
	research_cloned *cloned;
	void *data;
};

/* sources */

static int64_t hurried(int64_t microseconds, unsigned hurry)
{
	return hurry ? microseconds / hurry : microseconds;
}

/* The service's name in a file's: who else asks the same host goes by the same file. */
static char *pace_name(const struct source_ops *ops, const char *base)
{
	struct place place;
	char *name = place_parse(base, &place) ? xstrdup(ops->kind) : xasprintf("%s-%s-%u", ops->kind, place.host, place.port);
	for (char *c = name; *c; c++)
		if (strchr("[]:/", *c))
			*c = '_';
	return name;
}

static void add_source(struct research *r, const struct source_ops *ops, const struct config_source *config, int is_spare, unsigned hurry)
{
	struct known_source *s = array_add(&r->sources, &r->source_count, &r->source_room, sizeof *s);
	*s = (struct known_source){ .ops = ops, .config = config, .is_spare = is_spare, .service = ops->service };
	if (!ops->service.base)
		return;
	s->base = xstrdup(config && config->url && *config->url ? config->url : ops->service.base);
	for (size_t n = strlen(s->base); n && s->base[n - 1] == '/'; n--)
		s->base[n - 1] = '\0';
	s->service.base = s->base;
	s->service.keyenv = config && config->keyenv && *config->keyenv ? config->keyenv : NULL;
	char *name = pace_name(ops, s->base);
	s->service.pace = pace_new(r->loop, cache_folder(r->cache), name, hurried(ops->interval, hurry));
	free(name);
	if (config && config->url)
		web_trust(r->web, s->base);
}

static int has_kind(const struct research *r, const struct source_ops *ops)
{
	for (size_t i = 0; i < r->source_count; i++)
		if (r->sources[i].ops == ops)
			return 1;
	return 0;
}

static void add_sources(struct research *r, const struct config *config, unsigned hurry)
{
	size_t online = 0;
	for (size_t i = 0; config && i < config->source_count; i++) {
		const struct source_ops *ops = source_find(config->sources[i].kind);
		if (ops)
			add_source(r, ops, &config->sources[i], 0, hurry);
		online += ops && ops->service.base;
	}
	static const char *const otherwise[] = { "arxiv", "github" };
	for (size_t i = 0; !online && i < sizeof otherwise / sizeof *otherwise; i++)
		if (source_find(otherwise[i]))
			add_source(r, source_find(otherwise[i]), NULL, 0, hurry);
	for (const struct source_ops *const *ops = source_kinds; *ops; ops++)
		if ((*ops)->is_asked_by_name && !has_kind(r, *ops))
			add_source(r, *ops, NULL, 1, hurry);
	add_source(r, &page_source, NULL, 1, hurry);
}

struct research *research_new(const struct research_setup *setup)
{
	struct research *r = xcalloc(1, sizeof *r);
	r->loop = setup->loop;
	r->root = xstrdup(setup->root);
	r->cache_folder = xstrdup(setup->cache);
	r->cache = cache_new(setup->cache, 0);
	r->web = web_new(setup->loop, r->cache);
	add_sources(r, setup->config, setup->hurry);
	return r;
}

/* requests */

static void request_drop(struct research_request *q)	/* lets go of all that is under way */
{
	if (q->research) {
		for (struct research_request **at = &q->research->requests; *at; at = &(*at)->next)
			if (*at == q) {
				*at = q->next;
				break;
			}
		loop_cancel(q->research->loop, q->timer);
		q->timer = NULL;
	}
	for (size_t i = 0; i < q->errand_count; i++)
		errand_drop(q->errands[i]);
	repository_clone_cancel(q->clone);
	q->clone = NULL;
	q->research = NULL;
	q->is_cancelled = 1;
}

static void request_free(struct research_request *q)
{
	request_drop(q);
	for (size_t i = 0; i < q->errand_count; i++)
		errand_free(q->errands[i]);
	free(q->errands);
	free(q->text);
	free(q->kind);
	free(q->type);
	free(q->url);
	finding_release(&q->what);
	strings_release(&q->problems);
	strings_release(&q->seen);
	free(q);
}

void research_cancel(struct research_request *q)
{
	if (!q)
		return;
	request_drop(q);
	if (!q->entered)
		request_free(q);
}

void research_free(struct research *r)
{
	if (!r)
		return;
	while (r->requests)
		research_cancel(r->requests);
	web_free(r->web);
	for (size_t i = 0; i < r->source_count; i++) {
		pace_free(r->sources[i].service.pace);
		free(r->sources[i].base);
	}
	free(r->sources);
	cache_free(r->cache);
	free(r->cache_folder);
	free(r->root);
	free(r);
}

static char *all_problems(const struct research_request *q)
{
	char *all = NULL;
	for (size_t i = 0; i < q->problems.count; i++) {
		char *longer = all ? xasprintf("%s; %s", all, q->problems.at[i]) : xstrdup(q->problems.at[i]);
		free(all);
		all = longer;
	}
	return all;
}

/* The last callback; q is freed by leave. */
static void tell_end(struct research_request *q)
{
	struct research_request its = *q;
	q->entered++;
	if (q->work == FETCH && !q->is_known) {
		char *problem = all_problems(q);
		its.came(its.data, &(struct source_text){ .problem = problem ? problem : "no source has a text of that name" });
		free(problem);
	} else if (q->work != FETCH && its.ended)
		its.ended(its.data, &q->problems);
	request_drop(q);
	q->entered--;
}

static int try_next(struct research_request *q);

static int is_at_work(const struct research_request *q)
{
	for (size_t i = 0; i < q->errand_count; i++)
		if (!errand_has_ended(q->errands[i]))
			return 1;
	return 0;
}

static void advance(struct research_request *q)
{
	if (is_at_work(q))
		return;
	if (q->work != SEARCH && !q->is_known && try_next(q))
		return;
	tell_end(q);
}

static void enter(void *data)
{
	struct research_request *q = data;
	q->entered++;
}

static void leave(void *data)
{
	struct research_request *q = data;
	if (q->entered == 1 && !q->is_cancelled)	/* still inside: what advance begins may end at once */
		advance(q);
	if (!--q->entered && q->is_cancelled)
		request_free(q);
}

static void found(void *data, const struct finding *f)
{
	struct research_request *q = data;
	if (q->is_cancelled || strings_have(&q->seen, f->key))
		return;
	strings_add(&q->seen, f->key);
	q->is_known = 1;
	if (q->found)
		q->found(q->data, f);
}

static void problem(void *data, const char *sentence)
{
	struct research_request *q = data;
	if (!q->is_cancelled && q->problems.count < 20 && !strings_have(&q->problems, sentence))
		strings_add(&q->problems, sentence);
}

static void text(void *data, const struct source_text *t)
{
	struct research_request *q = data;
	if (q->is_cancelled || q->is_known)
		return;
	q->is_known = 1;
	q->came(q->data, t);
}

static struct errand *add_errand(struct research_request *q, struct known_source *source)
{
	struct research *r = q->research;
	struct errand_world world = { .loop = r->loop, .web = r->web, .cache = r->cache, .root = r->root,
		.found = found, .problem = problem, .text = text, .enter = enter, .leave = leave, .data = q };
	struct errand *e = errand_new(&world, source), **slot = array_add(&q->errands, &q->errand_count, &q->errand_room, sizeof *q->errands);
	*slot = e;
	return e;
}

/* Asks the next source in whose world it is. 0: there is none any more. Configured ones come first: they stand first. */
static int try_next(struct research_request *q)
{
	if (q->errand_count && errand_is_denied(q->errands[q->errand_count - 1]))
		return 0;
	while (!q->is_cancelled && !q->is_known && q->candidate < q->research->source_count) {
		struct known_source *s = &q->research->sources[q->candidate++];
		struct errand *e = add_errand(q, s);
		int rc = q->work == IDENTIFY ? errand_identify(e, &q->what) : errand_fetch(e, &q->what);
		if (!rc && !errand_has_ended(e))
			return 1;
	}
	return q->is_cancelled;
}

static int finds_type(const struct source_ops *ops, const char *type)
{
	for (const char *const *t = ops->types; t && *t; t++)
		if (!type || !strcmp(*t, type))
			return 1;
	return 0;
}

static void begin_search(struct research_request *q)
{
	struct research_query query = { .text = q->text, .kind = q->kind, .type = q->type, .limit = q->limit };
	size_t asked = 0;
	for (size_t i = 0; i < q->research->source_count; i++) {
		struct known_source *s = &q->research->sources[i];
		if (s->is_spare || (s->ops->search ? !finds_type(s->ops, q->type) : !s->ops->list || !s->config) || (q->kind && strcmp(s->ops->kind, q->kind)))
			continue;
		asked++;
		errand_search(add_errand(q, s), &query);
	}
	if (asked)
		return;
	char *sentence = q->kind && !source_find(q->kind) ? xasprintf("there is no kind of source called %s", q->kind)
		: xasprintf("no source is configured that finds %s%s%s: add [source \"NAME\"] kind = … to the config", q->type ? q->type : "that",
		            q->kind ? " and is of kind " : "", q->kind ? q->kind : "");
	char *safe = safe_part(sentence, 500, TEXT_LINE);
	problem(q, safe);
	free(safe);
	free(sentence);
}

static void clone_came(void *data, const char *folder, const char *commit, const char *why)
{
	struct research_request *q = data;
	q->clone = NULL;
	q->entered++;
	q->cloned(q->data, folder, commit, why);
	request_drop(q);
	if (!--q->entered)
		request_free(q);
}

static void begin(void *data)
{
	struct research_request *q = data;
	q->timer = NULL;
	if (q->work == CLONE) {
		q->clone = repository_clone(q->research->loop, q->research->cache_folder, q->url, clone_came, q);
		if (!q->clone)
			clone_came(q, NULL, NULL, "git does not start");
		return;
	}
	q->entered++;
	if (q->work == SEARCH)
		begin_search(q);
	leave(q);
}

static struct research_request *request_new(struct research *r, enum work work, void *data)
{
	struct research_request *q = xcalloc(1, sizeof *q);
	q->research = r;
	q->work = work;
	q->data = data;
	q->next = r->requests;
	r->requests = q;
	q->timer = loop_after(r->loop, 0, begin, q);
	return q;
}

static void copy_finding(struct finding *to, const struct finding *from)
{
	*to = (struct finding){ .type = xstrdup(from->type), .title = xstrdup(from->title), .key = xstrdup(from->key), .url = xstrdup(from->url),
		.authors = xstrdup(from->authors), .note = xstrdup(from->note), .reason = xstrdup(from->reason), .year = from->year };
}

struct research_request *research_search(struct research *r, const struct research_query *query, source_found *found_one,
                                         research_ended *ended, void *data)
{
	struct research_request *q = request_new(r, SEARCH, data);
	q->text = xstrdup(query->text ? query->text : "");
	q->kind = xstrdup(query->kind);
	q->type = xstrdup(query->type);
	q->limit = query->limit;
	q->found = found_one;
	q->ended = ended;
	return q;
}

struct research_request *research_identify(struct research *r, const struct finding *what, source_found *found_one, research_ended *ended, void *data)
{
	struct research_request *q = request_new(r, IDENTIFY, data);
	copy_finding(&q->what, what);
	q->found = found_one;
	q->ended = ended;
	return q;
}

struct research_request *research_fetch(struct research *r, const struct finding *what, research_text *came, void *data)
{
	struct research_request *q = request_new(r, FETCH, data);
	copy_finding(&q->what, what);
	q->came = came;
	return q;
}

struct research_request *research_clone(struct research *r, const char *url, research_cloned *cloned, void *data)
{
	struct research_request *q = request_new(r, CLONE, data);
	q->url = xstrdup(url);
	q->cloned = cloned;
	return q;
}

const char *research_cloned_at(struct research *r, const char *url, char commit[41])
{
	return repository_at(r->cache_folder, url, commit);
}
