/* The reading list: what is put on it, who vouches for what it says, and the text behind each entry.
 *
 * An id is taken as it was given, and the service that knows is asked in the background: what it answers replaces what was
 * written down, and where nobody answers the entry says so. Text is fetched when it is wanted, once for all who want it; the last
 * few texts stay in memory, the rest is research's cache. A source that is a repository has its files for a text: a list of them
 * and what it says of itself. */
#include "core/engine/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/base/text.h"

enum { KEPT_MAX = 4, BY_AGENTS_MAX = 200, README_MAX = 256 << 10, LISTED_MAX = 500 };

struct identifying {
	struct reading *reading;
	char *source;
	struct research_request *request;
	int is_found, is_starting, has_ended;
	struct strings problems;
	struct identifying *next;
};

struct text_waiter {
	reading_text *done;
	void *data;
	struct text_waiter *next;
};

struct fetch {
	struct reading *reading;
	char *source;
	struct research_request *request;
	struct source_text text;
	int is_starting, has_come;
	struct text_waiter *waiters;
	struct fetch *next;
};

struct kept_text {
	char *source;
	struct source_text text;
	struct kept_text *next;
};

/* texts */

void source_text_copy(struct source_text *to, const struct source_text *from)
{
	*to = *from;
	char *text = from->text ? xmalloc(from->size + 1) : NULL;
	if (text) {
		memcpy(text, from->text, from->size);
		text[from->size] = '\0';
	}
	to->text = text;
	to->from = xstrdup(from->from);
	to->problem = xstrdup(from->problem);
}

void source_text_release(struct source_text *t)
{
	const char *all[] = { t->text, t->from, t->problem };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free((char *)(uintptr_t)all[i]);
	*t = (struct source_text){0};
}

static void kept_free(struct kept_text *k)
{
	free(k->source);
	source_text_release(&k->text);
	free(k);
}

static struct kept_text *find_kept(const struct reading *r, const char *source)
{
	struct kept_text *k = r->kept;
	while (k && strcmp(k->source, source))
		k = k->next;
	return k;
}

static void keep(struct reading *r, const char *source, const struct source_text *text)
{
	struct kept_text *k = xcalloc(1, sizeof *k), **at = &r->kept;
	k->source = xstrdup(source);
	source_text_copy(&k->text, text);
	k->next = r->kept;
	r->kept = k;
	for (size_t n = 0; *at && n < KEPT_MAX; n++)
		at = &(*at)->next;
	while (*at) {
		struct kept_text *old = *at;
		*at = old->next;
		kept_free(old);
	}
}

/* fetching */

static void fetch_free(struct fetch *f)
{
	research_cancel(f->request);
	for (struct text_waiter *w = f->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	source_text_release(&f->text);
	free(f->source);
	free(f);
}

/* Tells everybody who waits. Any of them may ask for more, or drop others; none may close the engine. */
static void fetch_complete(struct fetch *f)
{
	if (f->text.text)
		keep(f->reading, f->source, &f->text);
	while (f->waiters) {
		struct text_waiter *w = f->waiters;
		f->waiters = w->next;
		w->done(w->data, f->source, &f->text);
		free(w);
	}
	for (struct fetch **at = &f->reading->fetches; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			break;
		}
	f->request = NULL;
	fetch_free(f);
}

/* What stands on the list itself: a note's text, or a paper's abstract. */
static void use_note(struct fetch *f, const struct source *s, const char *problem)
{
	struct source_text t = { .text = s->note, .size = strlen(s->note) };
	char *from = problem ? xasprintf("what the list says of it (its text is not there: %s)", problem) : xstrdup("the note on the list");
	t.from = from;
	git_hash(t.text, t.size, t.hash);
	source_text_release(&f->text);
	source_text_copy(&f->text, &t);
	free(from);
}

static void fetch_came(struct fetch *f)
{
	const struct source *s = model_source(&f->reading->engine->model, f->source);
	if (!f->text.text && s && s->note && *s->note) {
		char *problem = xstrdup(f->text.problem);
		use_note(f, s, problem);
		free(problem);
	}
	f->has_come = 1;
	if (!f->is_starting)
		fetch_complete(f);
}

static void text_came(void *data, const struct source_text *text)
{
	struct fetch *f = data;
	source_text_copy(&f->text, text);
	fetch_came(f);
}

/* A repository's text: what it says of itself, and its files. */
struct about_repository {
	struct job job;
	char *source, *folder, commit[GIT_ID];
	struct buf text;
	struct err err;
	int rc;
};

static int is_readme(const char *name)
{
	return !strncasecmp(name, "readme", 6) && (!name[6] || name[6] == '.');
}

static void about_work(struct job *job)
{
	struct about_repository *a = (struct about_repository *)job;
	struct git_listing files = {0};
	struct git *g = git_open_bare(a->folder, &a->err);
	a->rc = g ? git_list(g, a->commit, "", LISTED_MAX, &files, &a->err) : -1;
	for (size_t i = 0; !a->rc && i < files.count; i++) {
		struct buf readme = {0};
		struct err ignored = {0};
		if (is_readme(files.entries[i].name) && git_file(g, a->commit, files.entries[i].name, README_MAX, &readme, &ignored) >= 0)
			buf_printf(&a->text, "%s\n\n", buf_str(&readme));
		buf_release(&readme);
	}
	for (size_t i = 0; !a->rc && i < files.count; i++)
		buf_printf(&a->text, "%s%s\n", files.entries[i].name, S_ISDIR(files.entries[i].mode) ? "/" : "");
	git_listing_release(&files);
	git_close(g);
}

static struct fetch *find_fetch(const struct reading *r, const char *source)
{
	struct fetch *f = r ? r->fetches : NULL;
	while (f && strcmp(f->source, source))
		f = f->next;
	return f;
}

static void about_done(struct job *job)
{
	struct about_repository *a = (struct about_repository *)job;
	struct fetch *f = job->dropped ? NULL : find_fetch(job->engine->reading, a->source);
	if (f && f == job->owner) {
		struct buf safe = {0};
		const struct source *s = model_source(&job->engine->model, a->source);
		char *from = xasprintf("%s at %.12s", s && s->url ? s->url : a->folder, a->commit);
		struct source_text t = { .from = from, .problem = a->rc ? a->err.text : NULL };
		t.marks = (unsigned)text_safe(&safe, buf_str(&a->text), a->text.len, TEXT_NEWLINES | TEXT_TABS);
		t.text = a->rc ? NULL : buf_str(&safe);
		t.size = safe.len;
		git_hash(buf_str(&safe), safe.len, t.hash);
		source_text_copy(&f->text, &t);
		free(from);
		buf_release(&safe);
		fetch_came(f);
	}
	free(a->source);
	free(a->folder);
	buf_release(&a->text);
	free(a);
}

static void repository_came(void *data, const char *folder, const char *commit, const char *problem)
{
	struct fetch *f = data;
	f->request = NULL;
	if (!folder || !commit || strlen(commit) + 1 > GIT_ID) {
		struct source_text t = { .problem = problem ? problem : "the repository has no commit" };
		source_text_copy(&f->text, &t);
		fetch_came(f);
		return;
	}
	struct about_repository *a = xcalloc(1, sizeof *a);
	a->job = (struct job){ .owner = f, .work = about_work, .done = about_done };
	a->source = xstrdup(f->source);
	a->folder = xstrdup(folder);
	snprintf(a->commit, sizeof a->commit, "%s", commit);
	jobs_do(f->reading->engine, &a->job);
}

int reading_is_repository(const struct source *s)
{
	struct finding f;
	struct err ignored = {0};
	int typed = !strcmp(s->type, "fork") || !strcmp(s->type, "backend");
	if (!s->url)
		return 0;
	if (*s->url == '/')
		return typed;
	if (research_parse(s->url, &f, &ignored) < 0)
		return 0;
	int is = !strcmp(f.type, "backend") || !strcmp(f.type, "fork");
	finding_release(&f);
	return is;
}

static struct finding finding_of(const struct source *s)
{
	return (struct finding){ .type = s->type, .title = s->title, .key = s->key, .url = s->url, .authors = s->authors, .note = s->note, .year = s->year };
}

static int has_address(const struct source *s)
{
	struct finding f;
	struct err ignored = {0};
	if (s->url)
		return 1;
	if (!s->key || research_parse(s->key, &f, &ignored) < 0)
		return 0;
	finding_release(&f);
	return 1;
}

static void fetch_begin(struct fetch *f, const struct source *s)
{
	struct research *research = f->reading->research;
	struct finding what = finding_of(s);
	if (!has_address(s)) {
		struct source_text t = { .problem = "it has neither an address nor a text" };
		source_text_copy(&f->text, &t);
		if (s->note && *s->note)
			use_note(f, s, NULL);
		f->has_come = 1;
	} else if (reading_is_repository(s)) {
		f->request = research_clone(research, s->url, repository_came, f);
	} else {
		f->request = research_fetch(research, &what, text_came, f);
	}
}

void reading_fetch(struct engine *e, const char *source, reading_text *done, void *data)
{
	struct reading *r = reading_of(e);
	const struct source *s = model_source(&e->model, source);
	struct kept_text *k = find_kept(r, source);
	if (!s || k) {
		static const struct source_text none = { .problem = "it is not on the reading list" };
		done(data, source, k ? &k->text : &none);
		return;
	}
	struct fetch *f = find_fetch(r, s->id);
	struct text_waiter *w = xcalloc(1, sizeof *w), **last;
	int is_new = !f;
	*w = (struct text_waiter){ done, data, NULL };
	if (is_new) {
		f = xcalloc(1, sizeof *f);
		*f = (struct fetch){ .reading = r, .source = xstrdup(s->id), .is_starting = 1, .next = r->fetches };
		r->fetches = f;
	}
	for (last = &f->waiters; *last; last = &(*last)->next)
		;
	*last = w;
	if (!is_new)
		return;
	fetch_begin(f, s);
	f->is_starting = 0;
	if (f->has_come)
		fetch_complete(f);
}

static void drop_text_waiters(struct reading *r, const void *data)
{
	for (struct fetch *f = r->fetches; f; f = f->next)
		for (struct text_waiter **at = &f->waiters; *at;) {
			struct text_waiter *w = *at;
			if (w->data != data) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
}

/* who it is */

void reading_status(struct engine *e, const char *by, const char *source, const char *status, const char *reason)
{
	engine_emit(e, &(struct event){ .kind = EVENT_SOURCE_CHANGED, .by = by, .source = source, .status = status, .reason = reason });
}

/* An https URL of a host with a name, which is not this machine's own: an address that is a number names no source. What the name
 * then leads to is looked at again when it is asked (core/io/http.h, public_only). */
static int is_public(const char *url)
{
	static const char *const near[] = { "localhost", ".localhost", ".local", ".internal" };
	if (!url || strncasecmp(url, "https://", 8))
		return 0;
	const char *host = url + 8;
	size_t n = strcspn(host, "/?#:");
	if (!n || *host == '[' || memchr(host, '@', strcspn(host, "/?#")) || strspn(host, "0123456789.") >= n || !strncasecmp(host, "0x", 2))
		return 0;
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		size_t len = strlen(near[i]);
		if (n >= len && !strncasecmp(host + n - len, near[i], len))
			return 0;
	}
	return 1;
}

static void identified(void *data, const struct finding *f)
{
	struct identifying *i = data;
	const struct source *s = model_source(&i->reading->engine->model, i->source);
	const char *url = s && !s->url && is_public(f->url) ? f->url : NULL;	/* where it is was settled by what was added */
	i->is_found = 1;
	engine_emit(i->reading->engine, &(struct event){ .kind = EVENT_SOURCE_IDENTIFIED, .source = i->source, .type = f->type, .title = f->title,
		.url = url, .authors = f->authors, .year = f->year, .text = f->note });
}

static void identifying_free(struct identifying *i)
{
	research_cancel(i->request);
	strings_release(&i->problems);
	free(i->source);
	free(i);
}

static void identifying_complete(struct identifying *i)
{
	struct engine *e = i->reading->engine;
	const struct source *s = model_source(&e->model, i->source);
	if (s && !i->is_found) {
		char *why = xasprintf("could not be verified: %s", i->problems.count ? i->problems.at[0] : "no service knows it");
		char *status = xstrdup(s->status);
		reading_status(e, NULL, i->source, status, why);
		free(status);
		free(why);
	}
	for (struct identifying **at = &i->reading->identifying; *at; at = &(*at)->next)
		if (*at == i) {
			*at = i->next;
			break;
		}
	i->request = NULL;
	identifying_free(i);
}

static void identify_ended(void *data, const struct strings *problems)
{
	struct identifying *i = data;
	if (problems)
		strings_copy(&i->problems, problems);
	i->has_ended = 1;
	if (!i->is_starting)
		identifying_complete(i);
}

static void identify(struct engine *e, const struct source *s)
{
	struct reading *r = reading_of(e);
	struct finding what = finding_of(s);
	for (struct identifying *i = r->identifying; i; i = i->next)
		if (!strcmp(i->source, s->id))
			return;
	struct identifying *i = xcalloc(1, sizeof *i);
	*i = (struct identifying){ .reading = r, .source = xstrdup(s->id), .is_starting = 1, .next = r->identifying };
	r->identifying = i;
	i->request = research_identify(r->research, &what, identified, identify_ended, i);
	i->is_starting = 0;
	if (i->has_ended)
		identifying_complete(i);
}

/* adding */

static int is_agent(const char *by)
{
	return by && !strncmp(by, "agent ", 6);
}

static int may_add(const struct engine *e, const char *by, const struct finding *f, struct err *err)
{
	size_t n = 0;
	if (!is_agent(by))
		return 0;
	if (!is_public(f->url))
		return err_set(err, "only arXiv ids, DOIs and https URLs can be added here: what is on this machine, the human adds");
	for (size_t i = 0; i < e->model.source_count; i++)
		n += is_agent(e->model.sources[i].by);
	return n < BY_AGENTS_MAX ? 0 : err_set(err, "agents have added %d sources in this session, which is the most: read those first", BY_AGENTS_MAX);
}

static int is_same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* A note has no id: the same words under the same title are the same one. */
static int is_same_note(const struct source *s, const struct finding *f)
{
	return !f->key && !f->url && !s->key && !s->url && is_same(s->title, f->title) && is_same(s->note, f->note);
}

static const struct source *known(const struct engine *e, const struct finding *f)
{
	const struct source *s = model_source(&e->model, f->key);
	for (size_t i = 0; !s && f->url && i < e->model.source_count; i++)
		if (e->model.sources[i].url && !strcmp(e->model.sources[i].url, f->url))
			s = &e->model.sources[i];
	for (size_t i = 0; !s && i < e->model.source_count; i++)
		if (is_same_note(&e->model.sources[i], f))
			s = &e->model.sources[i];
	return s;
}

/* Somebody can vouch for it: a page has nobody but itself, and what a human named so is taken as it is. */
static int must_be_verified(const char *by, const struct finding *f)
{
	return is_agent(by) || (f->key && f->url && strcmp(f->key, f->url));
}

int reading_is_unverified(const struct source *s)
{
	return !s->is_identified && s->by && must_be_verified(s->by, &(struct finding){ .key = s->key, .url = s->url });
}

static void add_again(struct engine *e, const char *by, const struct source *s, const struct finding *f)
{
	if (!is_agent(by) && !strcmp(s->status, "dismissed"))
		reading_status(e, by, s->id, "found", NULL);
	if (!s->is_identified && must_be_verified(by, f))
		identify(e, s);
}

static const char *add_finding(struct engine *e, const char *by, const struct finding *f, const char *reason, const char *note)
{
	char id[24];
	snprintf(id, sizeof id, "s%zu", e->model.source_count + 1);
	engine_emit(e, &(struct event){ .kind = EVENT_SOURCE_ADDED, .by = by, .source = id, .type = f->type, .title = f->title ? f->title : f->key,
		.id = f->key, .url = f->url, .authors = f->authors, .year = f->year, .reason = reason, .text = note ? note : f->note });
	const struct source *s = model_source(&e->model, id);
	return s ? s->id : NULL;
}

const char *reading_found(struct engine *e, const char *by, const struct finding *f, const char *reason, const char *note)
{
	const struct source *s = known(e, f);
	return s ? s->id : add_finding(e, by, f, reason, note);
}

int reading_add(struct engine *e, const char *by, const char *word, const char *reason, const char *note, char id[16], struct err *err)
{
	struct finding f;
	if (research_parse(word, &f, err) < 0)
		return -1;
	int rc = may_add(e, by, &f, err);
	const struct source *s = rc ? NULL : known(e, &f);
	const char *added = s ? s->id : rc ? NULL : add_finding(e, by, &f, reason, note);
	if (!rc && !added)
		rc = err_set(err, "it cannot be written down now: %s", e->broken ? e->why_broken.text : "the journal would not have it");
	if (!rc)
		snprintf(id, 16, "%s", added ? added : "");
	if (s)
		add_again(e, by, s, &f);
	else if (!rc && must_be_verified(by, &f))
		identify(e, model_source(&e->model, id));
	finding_release(&f);
	return rc;
}

/* open and close */

static char *cache_place(const struct engine *e)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && *cache == '/')
		return xasprintf("%s/skydeck/research", cache);
	return home && *home == '/' ? xasprintf("%s/.cache/skydeck/research", home) : target_path(&e->target, "research");
}

struct reading *reading_of(struct engine *e)
{
	if (e->reading)
		return e->reading;
	char *cache = cache_place(e);
	e->reading = xcalloc(1, sizeof *e->reading);
	e->reading->engine = e;
	e->reading->research = research_new(&(struct research_setup){ .loop = e->loop, .config = &e->config, .root = e->target.root, .cache = cache });
	free(cache);
	return e->reading;
}

int reading_open(struct engine *e, struct err *err)
{
	(void)err;
	reading_of(e);
	return 0;
}

struct research *reading_research(struct engine *e)
{
	return reading_of(e)->research;
}

void reading_drop(struct engine *e, const void *data)
{
	if (!e->reading)
		return;
	drop_text_waiters(e->reading, data);
	reader_drop(e->reading, data);
}

void reading_close(struct engine *e)
{
	struct reading *r = e->reading;
	if (!r)
		return;
	reader_close(r, "the session's work ends");
	e->reading = NULL;
	while (r->identifying) {
		struct identifying *i = r->identifying;
		r->identifying = i->next;
		identifying_free(i);
	}
	while (r->fetches) {
		struct fetch *f = r->fetches;
		static const struct source_text none = { .problem = "the session's work ends" };
		struct text_waiter *w = f->waiters;
		jobs_drop(e, f);
		r->fetches = f->next;
		f->waiters = NULL;
		char *source = xstrdup(f->source);
		fetch_free(f);
		for (struct text_waiter *next; w; w = next) {
			next = w->next;
			w->done(w->data, source, &none);
			free(w);
		}
		free(source);
	}
	while (r->kept) {
		struct kept_text *k = r->kept;
		r->kept = k->next;
		kept_free(k);
	}
	research_free(r->research);
	free(r);
}
