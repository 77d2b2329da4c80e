/* GitHub. Requests go strictly one after another; what its headers say of the budget is kept by web.c, and an answer that did not
 * change is asked for by its ETag. Forks are found by stars, and each is compared with what it comes from: one that is not
 * ahead has nothing to teach. What a fork's text is: the commits it is ahead, and their changes.
 * (GitHub REST API, version 2022-11-28) */
#include "core/research/github.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/json.h"
#include "core/research/parse.h"
#include "core/research/research.h"

enum { FORKS_LISTED = 30, COMPARED_MAX = 10, COMPARE_MAX = 4 << 20, DIFF_MAX = 4 << 20, QUERY_MAX = 256, SUBJECTS_SHOWN = 5 };

#define JSON_TYPE "application/vnd.github+json"

static const char *text_at(const struct json *v, const char *key)
{
	return json_string(json_get(v, key), "");
}

static long long count_at(const struct json *v, const char *key)
{
	return (long long)json_integer(json_get(v, key), 0);
}

static int name_at(const struct json *v, const char *key, struct github_name *out)
{
	const char *name = text_at(v, key);
	return parse_owner_name(name, strlen(name), out);
}

static int is_same(const struct github_name *a, const struct github_name *b)
{
	return !strcasecmp(a->owner, b->owner) && !strcasecmp(a->name, b->name);
}

/* A branch's name that can stand in a URL: git allows more than that, and what it allows there is escaped. */
static int is_branch(const char *name)
{
	return *name && strlen(name) < 200 && !strstr(name, "..") && *name != '-';
}

/* findings */

static void describe(const struct json *repository, struct buf *note)
{
	const char *language = text_at(repository, "language"), *license = text_at(json_get(repository, "license"), "spdx_id");
	const char *about = text_at(repository, "description"), *pushed = text_at(repository, "pushed_at");
	buf_printf(note, "%.2000s%s%lld stars, %lld forks", about, *about ? "\n\n" : "", count_at(repository, "stargazers_count"), count_at(repository, "forks_count"));
	if (*language)
		buf_printf(note, ", %.60s", language);
	if (*license)
		buf_printf(note, ", %.60s", license);
	if (*pushed)
		buf_printf(note, ", last push %.10s", pushed);
}

static unsigned year_of(const char *date)
{
	return (unsigned)strtoul(date, NULL, 10);
}

static void hand_on_repository(struct errand *e, const struct json *v, const char *type, const char *more)
{
	struct github_name name;
	struct buf key = {0}, url = {0}, note = {0};
	if (name_at(v, "full_name", &name) < 0)
		return;
	buf_printf(&key, "github:%s/%s", name.owner, name.name);
	buf_printf(&url, "https://github.com/%s/%s", name.owner, name.name);
	if (more)
		buf_printf(&note, "%s\n\n", more);
	describe(v, &note);
	errand_found(e, &(struct finding){ .type = type ? type : json_bool(json_get(v, "fork"), 0) ? "fork" : "backend", .title = text_at(v, "full_name"),
		.key = key.data, .url = url.data, .authors = name.owner, .note = note.data, .year = year_of(text_at(v, "pushed_at")) });
	buf_release(&key);
	buf_release(&url);
	buf_release(&note);
}

static void hand_on_issue(struct errand *e, const struct json *v, const struct github_name *in)
{
	struct buf key = {0}, url = {0}, note = {0};
	int is_pull = json_is_object(json_get(v, "pull_request"));
	long long number = count_at(v, "number");
	if (number <= 0)
		return;
	buf_printf(&key, "github:%s/%s#%lld", in->owner, in->name, number);
	buf_printf(&url, "https://github.com/%s/%s/%s/%lld", in->owner, in->name, is_pull ? "pull" : "issues", number);
	buf_printf(&note, "%s/%s, %s, %lld comments\n\n%.4000s", in->owner, in->name, text_at(v, "state"), count_at(v, "comments"), text_at(v, "body"));
	errand_found(e, &(struct finding){ .type = is_pull ? "pull-request" : "issue", .title = text_at(v, "title"), .key = key.data, .url = url.data,
		.authors = text_at(json_get(v, "user"), "login"), .note = note.data, .year = year_of(text_at(v, "created_at")) });
	buf_release(&key);
	buf_release(&url);
	buf_release(&note);
}

/* search */

static const struct json *items_of(struct errand *e, const struct json *v)
{
	const struct json *items = json_get(v, "items");
	if (v && !json_is_array(items))
		errand_fail(e, "what GitHub answers has no results in it: %.200s", text_at(v, "message"));
	return json_is_array(items) ? items : NULL;
}

static int repositories_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	const struct json *items = items_of(e, v);
	(void)number;
	for (const struct json *i = json_first(items); i; i = json_next(i))
		hand_on_repository(e, i, NULL, NULL);
	int is_good = items != NULL;
	json_free(v);
	return is_good;
}

static int issues_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	const struct json *items = items_of(e, v);
	struct github_name in;
	(void)number;
	for (const struct json *i = json_first(items); i; i = json_next(i)) {
		const char *where = strstr(text_at(i, "repository_url"), "/repos/");
		if (where && !parse_owner_name(where + 7, strlen(where + 7), &in))
			hand_on_issue(e, i, &in);
	}
	int is_good = items != NULL;
	json_free(v);
	return is_good;
}

/* words and what qualifies them, within the 256 characters that GitHub takes; cut between words. */
static void add_query(struct buf *out, const char *text, const char *more)
{
	size_t room = QUERY_MAX - strlen(more) - 1, n = strlen(text);
	if (n > room)
		for (n = room; n && text[n] != ' '; n--)
			;
	char *words = xasprintf("%.*s%s%s", (int)n, text, n ? " " : "", more);
	for (size_t end = strlen(words); end && words[end - 1] == ' '; end--)
		words[end - 1] = '\0';
	url_quote(out, words);
	free(words);
}

static void forks_of(struct errand *e, const struct github_name *of);

/* The best match's forks, where the query names no repository. */
static int match_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	const struct json *items = items_of(e, v);
	struct github_name name;
	(void)number;
	if (items && !name_at(json_first(items), "full_name", &name))
		forks_of(e, &name);
	else if (items)
		errand_fail(e, "GitHub finds no repository of that name: name it as owner/name");
	int is_good = items != NULL;
	json_free(v);
	return is_good;
}

static int first_repository(const char *text, struct github_name *out)
{
	size_t n = strcspn(text, " \t\n");
	char *word = xstrndup(text, n);
	int rc = parse_owner_name(word, n, out) && parse_github(word, out) ? -1 : 0;
	free(word);
	return rc;
}

static void github_search(struct errand *e, const struct research_query *query)
{
	static const struct source_question repositories = { .accept = JSON_TYPE, .came = repositories_came };
	static const struct source_question issues = { .accept = JSON_TYPE, .came = issues_came };
	static const struct source_question match = { .accept = JSON_TYPE, .came = match_came };
	const char *type = query->type ? query->type : "backend", *text = query->text + strspn(query->text, " \t\n");
	struct github_name name;
	struct buf q = {0};
	int is_pull = !strcmp(type, "pull-request"), is_issue = !strcmp(type, "issue"), is_fork = !strcmp(type, "fork");
	add_query(&q, text, is_pull ? "is:pr" : is_issue ? "is:issue" : "");
	if (!*text)
		errand_fail(e, "GitHub cannot be searched for nothing: say what the repository should be about");
	else if (is_fork && !first_repository(text, &name))
		forks_of(e, &name);
	else if (is_fork)
		errand_ask(e, &match, "/search/repositories?q=%s&per_page=1", q.data);
	else if (is_pull || is_issue)
		errand_ask(e, &issues, "/search/issues?q=%s&per_page=%zu", q.data, errand_limit(e));
	else
		errand_ask(e, &repositories, "/search/repositories?q=%s&per_page=%zu", q.data, errand_limit(e));
	buf_release(&q);
}

/* forks: the repository, its forks by stars, and each compared with it */

struct forks {
	struct github_name of;
	char *branch;
	struct json *list;
	const struct json *next;	/* of list, still to be compared */
	unsigned compared, behind;	/* behind: those with nothing of their own */
};

static void forks_free(void *state)
{
	struct forks *f = state;
	json_free(f->list);
	free(f->branch);
	free(f);
}

static void compare_next(struct errand *e);

static void add_subjects(const struct json *comparison, struct buf *out)
{
	const struct json *commits = json_get(comparison, "commits");
	size_t n = json_count(commits), skip = n > SUBJECTS_SHOWN ? n - SUBJECTS_SHOWN : 0, at = 0;
	for (const struct json *i = json_first(commits); i; i = json_next(i)) {
		const char *message = text_at(json_get(i, "commit"), "message");
		if (at++ >= skip)
			buf_printf(out, "\n- %.*s", (int)(strcspn(message, "\n") < 200 ? strcspn(message, "\n") : 200), message);
	}
}

static int fork_compared(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct forks *f = errand_state(e);
	struct json *v = errand_json(e, a);
	const struct json *fork = f->next;
	struct buf more = {0};
	int is_good = v && json_is_number(json_get(v, "ahead_by"));
	(void)number;
	f->next = json_next(f->next);
	if (is_good && count_at(v, "ahead_by") > 0) {
		buf_printf(&more, "%lld commits ahead of %s/%s, %lld behind", count_at(v, "ahead_by"), f->of.owner, f->of.name, count_at(v, "behind_by"));
		add_subjects(v, &more);
		hand_on_repository(e, fork, "fork", more.data);
	}
	json_free(v);
	buf_release(&more);
	compare_next(e);
	return is_good;
}

/* One that cannot be compared (gone, unrelated, too much to send) is passed over; a refusal ends the row. */
static void fork_missed(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct forks *f = errand_state(e);
	(void)number;
	f->next = json_next(f->next);
	if (a->status == 404 || a->status == 422 || a->status == 409)
		compare_next(e);
	else
		errand_fail(e, "%s; not all forks were compared", a->problem);
}

static void compare_next(struct errand *e)
{
	static const struct source_question compare = { .accept = JSON_TYPE, .max_size = COMPARE_MAX, .came = fork_compared, .missed = fork_missed };
	struct forks *f = errand_state(e);
	struct github_name name;
	for (; f->next; f->next = json_next(f->next)) {
		const char *branch = text_at(f->next, "default_branch");
		if (name_at(f->next, "full_name", &name) < 0 || !is_branch(branch))
			continue;
		if (!errand_limit(e) || f->compared++ >= COMPARED_MAX)
			return;
		struct buf base = {0}, head = {0};
		url_quote(&base, f->branch);
		url_quote(&head, branch);
		errand_ask(e, &compare, "/repos/%s/%s/compare/%s...%s:%s", f->of.owner, f->of.name, base.data, name.owner, head.data);
		buf_release(&base);
		buf_release(&head);
		return;
	}
}

static int forks_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct forks *f = errand_state(e);
	(void)number;
	f->list = errand_json(e, a);
	int is_good = json_is_array(f->list);
	f->next = is_good ? json_first(f->list) : NULL;
	if (f->list && !is_good)
		errand_fail(e, "what GitHub answers is no list of forks: %.200s", text_at(f->list, "message"));
	compare_next(e);
	return is_good;
}

static int upstream_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	static const struct source_question forks = { .accept = JSON_TYPE, .came = forks_came };
	struct forks *f = errand_state(e);
	struct json *v = errand_json(e, a);
	const char *branch = text_at(v, "default_branch");
	int is_good = is_branch(branch);
	(void)number;
	if (is_good) {
		string_set(&f->branch, branch);
		errand_ask(e, &forks, "/repos/%s/%s/forks?sort=stargazers&per_page=%d", f->of.owner, f->of.name, FORKS_LISTED);
	} else if (v)
		errand_fail(e, "GitHub does not say which branch of %s/%s is the main one", f->of.owner, f->of.name);
	json_free(v);
	return is_good;
}

static void forks_of(struct errand *e, const struct github_name *of)
{
	static const struct source_question upstream = { .accept = JSON_TYPE, .came = upstream_came };
	struct forks *f = xcalloc(1, sizeof *f);
	f->of = *of;
	errand_keep(e, f, NULL, forks_free);
	errand_ask(e, &upstream, "/repos/%s/%s", of->owner, of->name);
}

/* look-ups */

static int name_of(const struct finding *what, struct github_name *out)
{
	return what->key && !parse_github(what->key, out) ? 0 : what->url && !parse_github(what->url, out) ? 0 : -1;
}

static int repository_identified(struct errand *e, const struct web_answer *a, unsigned number)
{
	const struct github_name *wanted = errand_state(e);
	struct github_name name;
	struct json *v = errand_json(e, a);
	int is_right = v && !name_at(v, "full_name", &name) && is_same(&name, wanted);
	(void)number;
	if (is_right)
		hand_on_repository(e, v, NULL, NULL);
	else if (v)
		errand_fail(e, "GitHub knows %s/%s as %.200s now: add it under that name", wanted->owner, wanted->name, text_at(v, "full_name"));
	json_free(v);
	return is_right;
}

static int issue_identified(struct errand *e, const struct web_answer *a, unsigned number)
{
	const struct github_name *wanted = errand_state(e);
	struct json *v = errand_json(e, a);
	int is_right = v && count_at(v, "number") == (long long)wanted->number;
	(void)number;
	if (is_right) {
		errand_title(e, text_at(v, "title"));
		hand_on_issue(e, v, wanted);
	} else if (v)
		errand_fail(e, "GitHub answers with another issue than %s/%s#%lu: it may have been moved", wanted->owner, wanted->name, wanted->number);
	json_free(v);
	return is_right;
}

static int github_identify(struct errand *e, const struct finding *what)
{
	static const struct source_question repository = { .accept = JSON_TYPE, .came = repository_identified };
	static const struct source_question issue = { .accept = JSON_TYPE, .came = issue_identified };
	struct github_name *wanted = xcalloc(1, sizeof *wanted);
	errand_keep(e, wanted, NULL, free);
	if (name_of(what, wanted) < 0)
		return -1;
	if (wanted->number)
		errand_ask(e, &issue, "/repos/%s/%s/issues/%lu", wanted->owner, wanted->name, wanted->number);
	else
		errand_ask(e, &repository, "/repos/%s/%s", wanted->owner, wanted->name);
	return 0;
}

/* texts: parts that come in any order, and are put together when all are there */

enum part { HEAD, COMMENTS, REVIEW, CHANGES, PARTS };
struct reading {
	struct github_name name;
	struct buf parts[PARTS];
	int is_fork;
};

static void reading_free(void *state)
{
	struct reading *r = state;
	for (int i = 0; i < PARTS; i++)
		buf_release(&r->parts[i]);
	free(r);
}

static void give_text(struct errand *e)
{
	struct reading *r = errand_state(e);
	struct buf all = {0}, from = {0};
	buf_printf(&from, "https://github.com/%s/%s", r->name.owner, r->name.name);
	if (r->name.number)
		buf_printf(&from, "/%s/%lu", r->name.is_pull ? "pull" : "issues", r->name.number);
	for (int i = 0; i < PARTS; i++)
		buf_add(&all, buf_str(&r->parts[i]), r->parts[i].len);
	if (r->parts[HEAD].len)	/* comments alone are no text */
		errand_text(e, from.data, all.data, all.len);
	buf_release(&all);
	buf_release(&from);
}

static void part_missed(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	if (number == HEAD)
		errand_fail(e, "%s", a->problem);
	else
		buf_printf(&r->parts[number], "\n(The %s could not be fetched: %s.)\n", number == CHANGES ? "changes" : "comments", a->problem);
}

static int comments_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	struct json *v = errand_json(e, a);
	struct buf *out = &r->parts[number];
	for (const struct json *i = json_first(json_is_array(v) ? v : NULL); i && out->len < SOURCE_TEXT_MAX; i = json_next(i)) {
		const char *path = text_at(i, "path");
		buf_printf(out, "\n\n%s wrote on %.10s%s%s:\n\n%s\n", text_at(json_get(i, "user"), "login"), text_at(i, "created_at"), *path ? ", on " : "", path,
		           text_at(i, "body"));
	}
	int is_good = json_is_array(v);
	json_free(v);
	return is_good;
}

static int diff_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	buf_puts(&r->parts[number], "\n\nThe changes:\n\n");
	buf_add(&r->parts[number], a->body, a->size);
	return 1;
}

static void ask_for_discussion(struct errand *e, const struct github_name *name)
{
	static const struct source_question comments = { .accept = JSON_TYPE, .fresh = 6 * SOURCE_HOUR, .came = comments_came, .missed = part_missed, .number = COMMENTS };
	static const struct source_question review = { .accept = JSON_TYPE, .fresh = 6 * SOURCE_HOUR, .came = comments_came, .missed = part_missed, .number = REVIEW };
	static const struct source_question diff = { .accept = "application/vnd.github.diff", .fresh = 6 * SOURCE_HOUR, .max_size = DIFF_MAX, .came = diff_came,
		.missed = part_missed, .number = CHANGES };
	errand_ask(e, &comments, "/repos/%s/%s/issues/%lu/comments?per_page=100", name->owner, name->name, name->number);
	if (!name->is_pull)
		return;
	errand_ask(e, &review, "/repos/%s/%s/pulls/%lu/comments?per_page=100", name->owner, name->name, name->number);
	errand_ask(e, &diff, "/repos/%s/%s/pulls/%lu", name->owner, name->name, name->number);
}

static int issue_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	struct json *v = errand_json(e, a);
	int is_right = v && count_at(v, "number") == (long long)r->name.number;
	(void)number;
	if (is_right) {
		r->name.is_pull = json_is_object(json_get(v, "pull_request"));
		buf_printf(&r->parts[HEAD], "%s\n\n%s %s/%s#%lu by %s on %.10s, %s\n\n%s\n", text_at(v, "title"), r->name.is_pull ? "Pull request" : "Issue",
		           r->name.owner, r->name.name, r->name.number, text_at(json_get(v, "user"), "login"), text_at(v, "created_at"), text_at(v, "state"),
		           text_at(v, "body"));
		ask_for_discussion(e, &r->name);
	} else if (v)
		errand_fail(e, "GitHub answers with another issue than %s/%s#%lu: it may have been moved", r->name.owner, r->name.name, r->name.number);
	json_free(v);
	return is_right;
}

static int readme_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	buf_add(&r->parts[number], a->body, a->size);
	return a->size > 0;
}

static void add_comparison(const struct json *v, struct buf *out)
{
	buf_puts(out, "\nIts commits, the oldest first:\n\n");
	for (const struct json *i = json_first(json_get(v, "commits")); i; i = json_next(i)) {
		const struct json *commit = json_get(i, "commit");
		buf_printf(out, "%.10s %.10s %s: %s\n", text_at(i, "sha"), text_at(json_get(commit, "author"), "date"), text_at(json_get(commit, "author"), "name"),
		           text_at(commit, "message"));
	}
	buf_puts(out, "\nThe changes:\n");
	for (const struct json *i = json_first(json_get(v, "files")); i && out->len < SOURCE_TEXT_MAX; i = json_next(i))
		buf_printf(out, "\n--- %s (%s, +%lld -%lld)\n%s\n", text_at(i, "filename"), text_at(i, "status"), count_at(i, "additions"), count_at(i, "deletions"),
		           text_at(i, "patch"));
}

static int divergence_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct reading *r = errand_state(e);
	struct json *v = errand_json(e, a);
	int is_good = v && json_is_number(json_get(v, "ahead_by"));
	(void)number;
	if (is_good) {
		buf_printf(&r->parts[HEAD], "It is %lld commits ahead of it, and %lld behind.\n", count_at(v, "ahead_by"), count_at(v, "behind_by"));
		add_comparison(v, &r->parts[CHANGES]);
	}
	json_free(v);
	return is_good;
}

static const struct source_question readme = { .accept = "application/vnd.github.raw+json", .came = readme_came, .missed = part_missed, .number = HEAD };

/* A fork's own README is mostly its parent's: what it changed is its text. */
static int fork_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	static const struct source_question compare = { .accept = JSON_TYPE, .came = divergence_came, .missed = part_missed, .number = CHANGES };
	struct reading *r = errand_state(e);
	struct json *v = errand_json(e, a);
	const struct json *parent = json_get(v, "parent");
	const char *to = text_at(parent, "default_branch"), *from = text_at(v, "default_branch");
	struct github_name name;
	int is_fork = !name_at(parent, "full_name", &name) && is_branch(to) && is_branch(from);
	(void)number;
	if (is_fork) {
		struct buf base = {0}, head = {0};
		url_quote(&base, to);
		url_quote(&head, from);
		buf_printf(&r->parts[HEAD], "%s/%s, a fork of %s/%s\n\n", r->name.owner, r->name.name, name.owner, name.name);
		errand_ask(e, &compare, "/repos/%s/%s/compare/%s...%s:%s", name.owner, name.name, base.data, r->name.owner, head.data);
		buf_release(&base);
		buf_release(&head);
	} else if (v)
		errand_ask(e, &readme, "/repos/%s/%s/readme", r->name.owner, r->name.name);
	int is_good = v != NULL;
	json_free(v);
	return is_good;
}

static int github_fetch(struct errand *e, const struct finding *what)
{
	static const struct source_question issue = { .accept = JSON_TYPE, .fresh = 6 * SOURCE_HOUR, .came = issue_came, .missed = part_missed, .number = HEAD };
	static const struct source_question fork = { .accept = JSON_TYPE, .came = fork_came, .missed = part_missed, .number = HEAD };
	struct reading *r = xcalloc(1, sizeof *r);
	errand_keep(e, r, give_text, reading_free);
	if (name_of(what, &r->name) < 0)
		return -1;
	if (r->name.number)
		errand_ask(e, &issue, "/repos/%s/%s/issues/%lu", r->name.owner, r->name.name, r->name.number);
	else if (what->type && !strcmp(what->type, "fork"))
		errand_ask(e, &fork, "/repos/%s/%s", r->name.owner, r->name.name);
	else
		errand_ask(e, &readme, "/repos/%s/%s/readme", r->name.owner, r->name.name);
	return 0;
}

static const char *const types[] = { "backend", "fork", "pull-request", "issue", NULL };
static const char *const headers[] = { "X-GitHub-Api-Version: 2022-11-28", NULL };

const struct source_ops github_source = {
	.kind = "github", .list = source_list_nothing, .search = github_search, .identify = github_identify, .fetch = github_fetch, .types = types,
	.service = { .name = "GitHub", .base = "https://api.github.com", .headers = headers, .key_header = "Authorization: Bearer ", .refusal = 60 * SOURCE_SECOND },
	.is_asked_by_name = 1,
};
