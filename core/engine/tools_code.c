/* The tools over files: those of the target at its baseline commit, and those of a source that is a repository. Paths are looked
 * up in git's trees, so there is no outside that a path or a link could reach: a link is its text. What is binary or huge is
 * not read. Files that no patch may touch can be read, the harness too. */
#include "core/engine/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fence.h"
#include "core/base/text.h"
#include "core/engine/quotes.h"

enum { FILE_MAX = 4 << 20, TEXT_MAX = 64 << 10, LINES = 200, LINES_MAX = 400, ENTRIES = 200, ENTRIES_MAX = 1000, MATCHES = 50,
	MATCHES_MAX = 200, MATCH_MAX = 500 };

struct code_use {
	void (*go)(struct tool_use *u);	/* once the repository is there */
	struct research_request *clone;
	struct code_search *search;
	int is_starting;
	char *folder;			/* NULL: the target's */
	char *url;
	char commit[GIT_ID];
	char *path;
	struct buf found;
	size_t count;
};

static void work_free(struct code_use *w)
{
	research_cancel(w->clone);
	if (w->search)
		code_search_cancel(w->search);
	free(w->folder);
	free(w->url);
	free(w->path);
	buf_release(&w->found);
	free(w);
}

static void stop(struct tool_use *u)
{
	jobs_drop(u->engine, u);
	work_free(u->work);
	u->work = NULL;
}

/* Before the answer, which frees u. */
static void end_work(struct tool_use *u)
{
	work_free(u->work);
	u->work = NULL;
	u->cancel = NULL;
}

static void refuse(struct tool_use *u, const char *why)
{
	char *said = xstrdup(why);
	end_work(u);
	tool_refuse(u, "%s", said);
	free(said);
}

static void cloned(void *data, const char *folder, const char *commit, const char *problem)
{
	struct tool_use *u = data;
	struct code_use *w = u->work;
	w->clone = NULL;
	if (folder && commit) {	/* an old copy comes with why it is old */
		string_set(&w->folder, folder);
		snprintf(w->commit, sizeof w->commit, "%s", commit);
	} else {
		struct buf said = {0};	/* it may be what a server said */
		buf_puts(&said, "the repository is not there:\n");
		fence_add(&said, w->url, problem ? problem : "it has no commit", strlen(problem ? problem : "it has no commit"));
		string_set(&w->folder, NULL);
		free(w->url);
		w->url = buf_take(&said);
	}
	if (w->is_starting)
		return;
	if (w->folder)
		w->go(u);
	else
		refuse(u, w->url);
}

static char *clean_path(const char *path)
{
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	if (!strcmp(path, "."))
		path++;
	size_t n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

static const struct source *the_repository(struct tool_use *u, const char *id)
{
	const struct source *s = model_source(&u->engine->model, id);
	if (!s)
		tool_refuse(u, "there is no source %.60s on the reading list", id);
	else if (!strcmp(s->status, "dismissed"))
		tool_refuse(u, "%s was dismissed%s%s", s->id, s->status_reason ? ": " : "", s->status_reason ? s->status_reason : "");
	else if (!reading_is_repository(s))
		tool_refuse(u, "%s is no repository but of type %s: read_source reads it", s->id, s->type);
	else
		return s;
	return NULL;
}

/* Goes on with `go` when the files are there. */
static void begin(struct tool_use *u, void (*go)(struct tool_use *u))
{
	const char *id = json_string(json_get(u->args, "source"), NULL);
	int is_of_source = id && *id;
	const struct source *s = is_of_source ? the_repository(u, id) : NULL;
	if (is_of_source && !s)
		return;			/* it was refused, and is gone */
	struct code_use *w = xcalloc(1, sizeof *w);
	w->go = go;
	w->path = clean_path(json_string(json_get(u->args, "path"), ""));
	u->work = w;
	u->cancel = stop;
	if (!s) {
		snprintf(w->commit, sizeof w->commit, "%s", u->engine->model.baseline ? u->engine->model.baseline : "HEAD");
		go(u);
		return;
	}
	const char *folder = research_cloned_at(reading_research(u->engine), s->url, w->commit);
	if (folder) {
		w->folder = xstrdup(folder);
		go(u);
		return;
	}
	w->url = xstrdup(s->url);
	w->is_starting = 1;
	w->clone = research_clone(reading_research(u->engine), s->url, cloned, u);
	w->is_starting = 0;
	if (w->folder)
		go(u);
	else if (strcmp(w->url, s->url))
		refuse(u, w->url);
}

static char *where_from(const struct tool_use *u)
{
	const struct code_use *w = u->work;
	const char *source = json_string(json_get(u->args, "source"), NULL);
	return xasprintf("%s%s%s at %.12s", source && *source ? source : "", source && *source ? ":" : "", *w->path ? w->path : "/", w->commit);
}

static void put_where(struct json *result, const struct tool_use *u)
{
	const struct code_use *w = u->work;
	char *path = text_safe_string(w->path, strlen(w->path), TEXT_LINE);
	json_put_string(result, "path", path);
	if (w->folder)
		json_put_string(result, "source", json_string(json_get(u->args, "source"), NULL));
	json_put_string(result, "commit", w->commit);
	free(path);
}

/* files and folders, on git's thread */

struct code_job {
	struct job job;
	char *folder, *commit, *path;
	struct buf text;
	struct git_listing listing;
	size_t limit;
	int wants_list, rc;
	struct err err;
};

static void code_work(struct job *job)
{
	struct code_job *j = (struct code_job *)job;
	struct git *own = j->folder ? git_open_bare(j->folder, &j->err) : NULL, *g = j->folder ? own : job->engine->git;
	if (!g)
		j->rc = -1;
	else if (j->wants_list)
		j->rc = git_list(g, j->commit, j->path, j->limit, &j->listing, &j->err);
	else
		j->rc = git_file(g, j->commit, j->path, FILE_MAX, &j->text, &j->err);
	git_close(own);
}

static void job_free(struct code_job *j)
{
	free(j->folder);
	free(j->commit);
	free(j->path);
	buf_release(&j->text);
	git_listing_release(&j->listing);
	free(j);
}

static void do_job(struct tool_use *u, int wants_list, size_t limit, void (*done)(struct job *job))
{
	const struct code_use *w = u->work;
	struct code_job *j = xcalloc(1, sizeof *j);
	j->job = (struct job){ .owner = u, .work = code_work, .done = done };
	j->folder = xstrdup(w->folder);
	j->commit = xstrdup(w->commit);
	j->path = xstrdup(w->path);
	j->limit = limit;
	j->wants_list = wants_list;
	jobs_do(u->engine, &j->job);
}

/* read_file */

static size_t count_lines(const struct buf *text)
{
	size_t n = 0;
	for (const char *p = buf_str(text); (p = strchr(p, '\n')); p++)
		n++;
	return n + (text->len && text->data[text->len - 1] != '\n');
}

/* Drops the carriage return before each newline; 1 when there were some. */
static int strip_returns(struct buf *text)
{
	size_t n = 0;
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] != '\r' || i + 1 == text->len || text->data[i + 1] != '\n')
			text->data[n++] = text->data[i];
	int had = n < text->len;
	buf_truncate(text, n);
	return had;
}

static const char *line_at(const struct buf *text, size_t line)
{
	const char *p = buf_str(text);
	for (size_t i = 1; i < line && p; i++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return p ? p : buf_str(text) + text->len;
}

static void tell_lines(struct tool_use *u, struct buf *text, int flags)
{
	int64_t from = json_integer(json_get(u->args, "from"), 1), lines = json_integer(json_get(u->args, "lines"), LINES);
	size_t first = from < 1 ? 1 : (size_t)from, most = lines < 1 || lines > LINES_MAX ? LINES_MAX : (size_t)lines, n = 0;
	int had_returns = strip_returns(text);
	size_t total = count_lines(text);
	const char *start = line_at(text, first), *end = start, *last = buf_str(text) + text->len;
	while (n < most && end < last) {
		const char *newline = memchr(end, '\n', (size_t)(last - end)), *next = newline ? newline + 1 : last;
		if (next - start > TEXT_MAX)
			break;
		end = next;
		n++;
	}
	struct json *result = json_object();
	char *who = where_from(u);
	put_where(result, u);
	json_put_integer(result, "from", (int64_t)first);
	if (!n && end < last) {	/* one line, longer than all that is told */
		end = start + text_cut(start, (size_t)(last - start), TEXT_MAX);
		json_put_bool(result, "line_is_cut", n = 1);
	}
	json_put_integer(result, "lines", (int64_t)n);
	json_put_integer(result, "total", (int64_t)total);
	if (first + n <= total)
		json_put_integer(result, "next", (int64_t)(first + n));
	if (flags & GIT_FILE_LINK)
		json_put_string(result, "link", "it is a symbolic link, which is not followed: its text is where it leads");
	if (flags & GIT_FILE_CUT)
		json_put_string(result, "cut", "the file is longer than 4 MB: only its beginning is read");
	if (had_returns)
		json_put_string(result, "line_ends", "CR LF in the file: a diff's lines must end so, too");
	json_take(result, "content", tool_untrusted(who, NULL, start, (size_t)(end - start)));
	free(who);
	end_work(u);
	tool_answer(u, result);
}

static void file_done(struct job *job)
{
	struct code_job *j = (struct code_job *)job;
	struct tool_use *u = job->owner;
	if (!job->dropped && j->rc < 0)
		refuse(u, j->err.text);
	else if (!job->dropped && memchr(buf_str(&j->text), '\0', j->text.len))
		refuse(u, "it is a binary file: only text is read");
	else if (!job->dropped)
		tell_lines(u, &j->text, j->rc);
	job_free(j);
}

static void go_read(struct tool_use *u)
{
	do_job(u, 0, 0, file_done);
}

void tool_read_file(struct tool_use *u)
{
	begin(u, go_read);
}

/* list_files */

static const char *kind_of(const struct git_entry *entry)
{
	switch (entry->mode & S_IFMT) {
	case S_IFDIR:	return "folder";
	case S_IFREG:	return "file";
	case S_IFLNK:	return "link";
	default:	return "submodule";
	}
}

/* Names are as much somebody else's as what stands in the files. */
static void add_entry(struct buf *out, const struct git_entry *entry)
{
	char *name = text_safe_string(entry->name, strlen(entry->name), TEXT_LINE);
	buf_printf(out, "%s %s", kind_of(entry), name);
	if ((entry->mode & S_IFMT) == S_IFREG)
		buf_printf(out, " %llu bytes", (unsigned long long)entry->size);
	buf_putc(out, '\n');
	free(name);
}

static void list_done(struct job *job)
{
	struct code_job *j = (struct code_job *)job;
	struct tool_use *u = job->owner;
	if (job->dropped) {
		job_free(j);
		return;
	}
	if (j->rc < 0) {
		refuse(u, j->err.text);
		job_free(j);
		return;
	}
	struct json *result = json_object();
	struct buf lines = {0};
	size_t n = 0;
	char *who = where_from(u);
	put_where(result, u);
	for (; n < j->listing.count && lines.len < TEXT_MAX; n++)
		add_entry(&lines, &j->listing.entries[n]);
	json_put_integer(result, "count", (int64_t)n);
	json_put_bool(result, "is_cut", j->listing.is_cut || n < j->listing.count);
	if (lines.len)
		json_take(result, "entries", tool_untrusted(who, NULL, lines.data, lines.len));
	free(who);
	buf_release(&lines);
	end_work(u);
	tool_answer(u, result);
	job_free(j);
}

static void go_list(struct tool_use *u)
{
	int64_t limit = json_integer(json_get(u->args, "limit"), ENTRIES);
	do_job(u, 1, limit < 1 || limit > ENTRIES_MAX ? ENTRIES_MAX : (size_t)limit, list_done);
}

void tool_list_files(struct tool_use *u)
{
	begin(u, go_list);
}

/* search_code */

static void matched(void *data, const char *path, long number, const char *text)
{
	struct tool_use *u = data;
	struct code_use *w = u->work;
	if (w->found.len > TEXT_MAX)
		return;
	buf_printf(&w->found, "%s:%ld: %.*s\n", path, number, (int)text_cut(text, strlen(text), MATCH_MAX), text);
	w->count++;
}

static void search_ended(void *data, const char *problem, int is_cut)
{
	struct tool_use *u = data;
	struct code_use *w = u->work;
	w->search = NULL;
	if (problem) {
		refuse(u, problem);
		return;
	}
	struct json *result = json_object();
	char *who = where_from(u);
	put_where(result, u);
	json_put_integer(result, "count", (int64_t)w->count);
	json_put_bool(result, "is_cut", is_cut || w->found.len > TEXT_MAX);
	if (w->count)
		json_take(result, "matches", tool_untrusted(who, NULL, buf_str(&w->found), w->found.len));
	free(who);
	end_work(u);
	tool_answer(u, result);
}

static void go_search(struct tool_use *u)
{
	struct code_use *w = u->work;
	int64_t limit = json_integer(json_get(u->args, "limit"), MATCHES);
	struct err err = {0};
	struct code_query query = { .folder = w->folder ? w->folder : u->engine->target.root, .commit = w->commit,
				    .pattern = json_string(json_get(u->args, "pattern"), ""), .path = *w->path ? w->path : NULL,
				    .is_plain = json_bool(json_get(u->args, "plain"), 0), .ignores_case = json_bool(json_get(u->args, "ignore_case"), 0),
				    .limit = limit < 1 || limit > MATCHES_MAX ? MATCHES_MAX : (size_t)limit };
	w->search = code_search(u->engine->loop, &query, matched, search_ended, u, &err);
	if (!w->search)
		refuse(u, err.text);
}

void tool_search_code(struct tool_use *u)
{
	begin(u, go_search);
}
