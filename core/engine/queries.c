/* Bulk, asked for and bounded: diffs, messages, log lines, the settings of a cockpit. Events only refer to these.
 *     diff     {proposal, rev, from}         -> {proposal, rev, from, text, is_cut}       from: an older revision
 *     message  {proposal, rev}               -> {proposal, rev, text, author}
 *     log      {run, from, count}            -> {run, from, total, lines: […]}            from < 0: that many before the end; run "w1": a worker's own, "t7": a turn's
 *     find     {run, text, from, backwards}  -> {run, line}                               line null: not found
 *     filter   {run, text, from}             -> {run, next, total, lines: [{line, text}]}  next: where to go on
 *     tails    {of: [run], lines}            -> {tails: [{of, lines: […]}]}               the last lines of many, as they are now; a turn's long line is cut in front
 *     settings {}                            -> {theme, colors, ascii, mouse, animations, notify, keys: [{context, action, key}]}
 * Where find and filter take text they take mark instead ("metric", "error": core/data/mark.h).
 * A diff is read with a git handle of its own, on git's thread; logs are read here, a bounded piece at a time. */
#include "core/engine/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/data/mark.h"
#include "core/data/query.h"
#include "core/io/logs.h"

enum { DIFF_MAX = 700 * 1024, LINES_MAX = 2000, LOG_BYTES_MAX = 400 * 1024, FIND_LINES = 200000,
	TAILS_MAX = 64, TAIL_LINES_MAX = 200, TAIL_BYTES = 256, TAIL_LINE_MAX = 400 };	/* bytes read for each line; shown of each */

struct diff_job {
	struct job job;
	struct request *request;
	char *proposal, *old, *new;
	size_t rev, from;
	int is_message;
	struct buf text, author;
	struct err err;
	int rc;
};

static void diff_work(struct job *job)
{
	struct diff_job *d = (struct diff_job *)job;
	struct git *g = job->engine->git;
	d->rc = d->is_message ? git_message(g, d->new, &d->text, &d->author, &d->err)
	      : git_diff(g, d->old, d->new, DIFF_MAX, &d->text, &d->err);
}

static void diff_done(struct job *job)
{
	struct diff_job *d = (struct diff_job *)job;
	if (d->rc < 0) {
		server_refuse(d->request, &d->err);
	} else {
		char *safe = text_safe_string(buf_str(&d->text), d->text.len, TEXT_NEWLINES | TEXT_TABS);
		char *author = text_safe_string(buf_str(&d->author), d->author.len, TEXT_LINE);
		struct json *result = json_object();
		json_put_string(result, "proposal", d->proposal);
		json_put_integer(result, "rev", (int64_t)d->rev);
		json_put_integer(result, "from", (int64_t)d->from);
		json_put_string(result, "text", safe);
		if (d->is_message)
			json_put_string(result, "author", author);
		else
			json_put_bool(result, "is_cut", d->text.len >= DIFF_MAX);
		server_answer(d->request, result);
		free(author);
		free(safe);
	}
	free(d->proposal);
	free(d->old);
	free(d->new);
	buf_release(&d->text);
	buf_release(&d->author);
	free(d);
}

static int ask_git(struct engine *e, struct request *request, const struct json *args, int is_message, struct err *err)
{
	const char *id = json_string(json_get(args, "proposal"), "");
	const struct proposal *p = model_proposal(&e->model, id);
	size_t rev = (size_t)json_integer(json_get(args, "rev"), 0), from = (size_t)json_integer(json_get(args, "from"), 0);
	const struct revision *r = p ? proposal_revision(p, rev) : NULL, *old = p && from ? proposal_revision(p, from) : NULL;
	if (!r || (from && !old))
		return err_set(err, "there is no revision %zu of %s", from && r ? from : rev, id);
	if (!r->commit || (old && !old->commit))
		return err_set(err, "%s does not apply: %s", p->id, p->conflict ? p->conflict : "it has no commit");
	struct diff_job *d = xcalloc(1, sizeof *d);
	*d = (struct diff_job){ .job = { .work = diff_work, .done = diff_done }, .request = request, .proposal = xstrdup(p->id),
		.old = xstrdup(old ? old->commit : r->base), .new = xstrdup(r->commit), .rev = rev ? rev : p->rev, .from = from, .is_message = is_message };
	jobs_do(e, &d->job);
	return 0;
}

static int diff(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	return ask_git(e, request, args, 0, err);
}

static int message(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	return ask_git(e, request, args, 1, err);
}

static int has_log(const struct engine *e, const char *id)
{
	return id && (model_run(&e->model, id) || model_worker(&e->model, id) || dialogue_turn(&e->model, id));
}

static struct log_reader *open_log(struct engine *e, const struct json *args, struct err *err)
{
	const char *id = json_string(json_get(args, "run"), NULL);
	if (!has_log(e, id)) {
		err_set(err, "there is no run, worker or turn %s", id ? id : "(none named)");
		return NULL;
	}
	char *path = engine_log_path(e, id);
	struct log_reader *r = log_reader_open(path, err);
	free(path);
	return r;
}

static char *log_line_text(struct log_reader *r, uint64_t i)
{
	struct buf raw = {0};
	char *safe = NULL;
	if (!log_reader_line(r, i, &raw))
		safe = text_safe_string(buf_str(&raw), raw.len, TEXT_TABS | TEXT_STRIP_SGR);
	buf_release(&raw);
	return safe;
}

static int log_lines(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	struct log_reader *r = open_log(e, args, err);
	if (!r)
		return -1;
	int64_t total = (int64_t)log_reader_refresh(r), from = json_integer(json_get(args, "from"), -LINES_MAX);
	int64_t count = json_integer(json_get(args, "count"), LINES_MAX);
	if (from < 0)
		from = total + from < 0 ? 0 : total + from;
	count = count > LINES_MAX ? LINES_MAX : count;
	struct json *result = json_object(), *lines = json_array();
	size_t bytes = 0;
	for (int64_t i = from; i < total && i - from < count && bytes < LOG_BYTES_MAX; i++) {
		char *line = log_line_text(r, (uint64_t)i);
		bytes += line ? strlen(line) : 0;
		json_append(lines, json_new_string(line ? line : ""));
		free(line);
	}
	log_reader_close(r);
	json_put_string(result, "run", json_string(json_get(args, "run"), ""));
	json_put_integer(result, "from", from);
	json_put_integer(result, "total", total);
	json_take(result, "lines", lines);
	server_answer(request, result);
	return 0;
}

static int is_wanted(const char *line, const char *text, enum mark mark)
{
	return mark ? mark_of(line) == mark : *text && strcasestr(line, text) != NULL;
}

static int find(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	const char *text = json_string(json_get(args, "text"), "");
	enum mark mark = mark_find(json_string(json_get(args, "mark"), NULL));
	int backwards = json_bool(json_get(args, "backwards"), 0);
	struct log_reader *r = open_log(e, args, err);
	if (!r)
		return -1;
	int64_t total = (int64_t)log_reader_refresh(r), i = json_integer(json_get(args, "from"), 0), found = -1;
	for (int64_t n = 0; (*text || mark) && n < FIND_LINES && i >= 0 && i < total && found < 0; n++, i += backwards ? -1 : 1) {
		char *line = log_line_text(r, (uint64_t)i);
		if (line && is_wanted(line, text, mark))
			found = i;
		free(line);
	}
	log_reader_close(r);
	struct json *result = json_object();
	json_put_string(result, "run", json_string(json_get(args, "run"), ""));
	if (found < 0)
		json_put_string(result, "line", NULL);
	else
		json_put_integer(result, "line", found);
	server_answer(request, result);
	return 0;
}

static int filter(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	const char *text = json_string(json_get(args, "text"), "");
	enum mark mark = mark_find(json_string(json_get(args, "mark"), NULL));
	struct log_reader *r = open_log(e, args, err);
	if (!r)
		return -1;
	int64_t total = (int64_t)log_reader_refresh(r), i = json_integer(json_get(args, "from"), 0), count = 0;
	struct json *result = json_object(), *lines = json_array();
	size_t bytes = 0;
	i = i < 0 ? 0 : i;
	for (int64_t n = 0; n < FIND_LINES && i < total && count < LINES_MAX && bytes < LOG_BYTES_MAX; n++, i++) {
		char *line = log_line_text(r, (uint64_t)i);
		if (line && is_wanted(line, text, mark)) {
			struct json *one = json_object();
			json_put_integer(one, "line", i);
			json_put_string(one, "text", line);
			json_append(lines, one);
			bytes += strlen(line);
			count++;
		}
		free(line);
	}
	log_reader_close(r);
	json_put_string(result, "run", json_string(json_get(args, "run"), ""));
	json_put_integer(result, "next", i);
	json_put_integer(result, "total", total);
	json_take(result, "lines", lines);
	server_answer(request, result);
	return 0;
}

/* The end of a file, without an index of the rest: what is shown of many logs that grow must cost little. */
static void read_end(const char *path, size_t most, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	off_t from = !fstat(fd, &st) && st.st_size > (off_t)most ? st.st_size - (off_t)most : 0;
	char *bytes = xmalloc(most);
	ssize_t n = pread(fd, bytes, most, from);
	const char *start = bytes, *newline = n > 0 && from ? memchr(bytes, '\n', (size_t)n) : NULL;
	if (newline && newline + 1 < bytes + n)	/* unless all of it is the end of one long line */
		start = newline + 1;
	if (n > 0)
		buf_add(out, start, (size_t)(bytes + n - start));
	free(bytes);
	close(fd);
}

/* What a model says is one long line for as long as it goes on: its end is what is new. */
static char *tail_line(const char *at, size_t len, int is_said)
{
	size_t skip = is_said && len > TAIL_LINE_MAX ? len - TAIL_LINE_MAX : 0;
	while (is_said && skip < len && (at[skip] & 0xc0) == 0x80)
		skip++;
	return text_safe_string(at + skip, len - skip < TAIL_LINE_MAX ? len - skip : TAIL_LINE_MAX, TEXT_TABS | TEXT_STRIP_SGR);
}

static struct json *last_lines(const char *text, size_t size, size_t lines, int is_said)
{
	struct json *array = json_array();
	const char *end = text + size, *at = end;
	if (at > text && at[-1] == '\n')
		at--;
	for (size_t n = 0; at > text; at--)
		if (at[-1] == '\n' && ++n == lines)
			break;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
		char *safe = tail_line(at, len, is_said);
		json_append(array, json_new_string(safe));
		free(safe);
		at += len + (newline != NULL);
	}
	return array;
}

static int tails(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	struct json *result = json_object(), *list = json_array();
	int64_t lines = json_integer(json_get(args, "lines"), 1);
	size_t wanted = lines < 1 ? 1 : lines > TAIL_LINES_MAX ? TAIL_LINES_MAX : (size_t)lines, n = 0, bytes = 0;
	(void)err;
	for (const struct json *i = json_first(json_get(args, "of")); i && n < TAILS_MAX && bytes < LOG_BYTES_MAX; i = json_next(i), n++) {
		const char *id = json_string(i, NULL);
		char *path = has_log(e, id) ? engine_log_path(e, id) : NULL;
		struct buf text = {0};
		if (!path)
			continue;
		read_end(path, wanted * TAIL_BYTES + TAIL_LINE_MAX, &text);
		struct json *one = json_object();
		json_put_string(one, "of", id);
		json_take(one, "lines", last_lines(buf_str(&text), text.len, wanted, dialogue_turn(&e->model, id) != NULL));
		json_append(list, one);
		bytes += text.len;
		buf_release(&text);
		free(path);
	}
	json_take(result, "tails", list);
	server_answer(request, result);
	return 0;
}

static int settings(struct engine *e, struct request *request, const struct json *args, struct err *err)
{
	const struct config *c = &e->config;
	struct json *result = json_object(), *keys = json_array();
	(void)args;
	(void)err;
	json_put_string(result, "theme", c->ui_theme);
	json_put_string(result, "colors", c->ui_colors);
	json_put_string(result, "notify", c->ui_notify);
	json_put_bool(result, "ascii", c->ui_ascii);
	json_put_bool(result, "mouse", c->ui_mouse);
	json_put_bool(result, "animations", c->ui_animations);
	for (size_t i = 0; i < c->binding_count; i++) {
		struct json *key = json_object();
		json_put_string(key, "context", c->bindings[i].context);
		json_put_string(key, "action", c->bindings[i].action);
		json_put_string(key, "key", c->bindings[i].key);
		json_append(keys, key);
	}
	json_take(result, "keys", keys);
	server_answer(request, result);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct engine *e, struct request *request, const struct json *args, struct err *err);
} queries[] = {
	{ "diff", diff }, { "message", message }, { "log", log_lines }, { "find", find }, { "filter", filter }, { "tails", tails }, { "settings", settings },
};

void queries_query(void *data, struct request *request, const char *name, const struct json *args)
{
	struct err err = {0};
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		if (!strcmp(queries[i].name, name)) {
			if (queries[i].run(data, request, args, &err) < 0)
				server_refuse(request, &err);
			return;
		}
	err_set(&err, "there is no query \"%s\"", name);
	server_refuse(request, &err);
}
