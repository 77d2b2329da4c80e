/* git grep as a child. Inside the sandbox stands an empty repository; the objects of the searched one are lent to it
 * (GIT_OBJECT_DIRECTORY), so that its configuration, attributes, hooks and refs have no say: what a pager, a filter or a
 * monitor there would run is never even read.
 *
 * What it prints is "COMMIT:path NUL number NUL text newline"; where it fails, a NUL and git's own words come behind. Lines
 * are taken apart byte by byte, and kept only as far as they are shown: a line may have a gigabyte. */
#include "core/research/code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/research/confined.h"

enum { PATH_KEPT = 4096, NUMBER_KEPT = 20, TEXT_KEPT = 4 * CODE_COLUMNS, MEMORY = 2047 << 20, SECOND = 1000000 };

enum part { IN_PATH, IN_NUMBER, IN_TEXT, IN_PROBLEM, PARTS };

struct code_search {
	struct child *child;
	void (*line)(void *data, const char *path, long number, const char *text);
	void (*ended)(void *data, const char *problem, int is_cut);
	void *data;
	size_t limit, count;
	size_t prefix;			/* bytes of "COMMIT:" before each path */
	enum part part;
	struct buf parts[PARTS];
	char *pattern;			/* safe text, for sentences */
	int in_callback, is_cancelled, is_cut;
};

static const size_t kept[PARTS] = { PATH_KEPT, NUMBER_KEPT, TEXT_KEPT, 1000 };

/* "cut at" is in columns: one character may have four bytes, and a mark of one byte has four columns. */
static char *shown(const struct buf *text)
{
	char *safe = text_safe_string(buf_str(text), text->len, TEXT_TABS);
	int used;
	size_t fits = text_fit(safe, CODE_COLUMNS, &used);
	if (!safe[fits])
		return safe;
	char *cut = xasprintf("%.*s…", (int)text_fit(safe, CODE_COLUMNS - 1, &used), safe);
	free(safe);
	return cut;
}

static void hand_on(struct code_search *s)
{
	const struct buf *path = &s->parts[IN_PATH];
	size_t skip = path->len < s->prefix ? path->len : s->prefix;
	char *name = text_safe_string(buf_str(path) + skip, path->len - skip, TEXT_LINE), *text = shown(&s->parts[IN_TEXT]);
	s->count++;
	s->in_callback = 1;
	s->line(s->data, name, strtol(buf_str(&s->parts[IN_NUMBER]), NULL, 10), text);
	s->in_callback = 0;
	free(name);
	free(text);
	if (s->count >= s->limit && !s->is_cancelled) {
		s->is_cut = 1;
		child_kill(s->child);
	}
}

/* The byte that ends this part was met. */
static void next_part(struct code_search *s)
{
	if (s->part == IN_PATH) {
		s->part = s->parts[IN_PATH].len ? IN_NUMBER : IN_PROBLEM;
		return;
	}
	if (s->part == IN_NUMBER) {
		s->part = IN_TEXT;
		return;
	}
	hand_on(s);
	for (int i = 0; i < PARTS; i++)
		buf_truncate(&s->parts[i], 0);
	s->part = IN_PATH;
}

static void search_free(struct code_search *s)
{
	for (int i = 0; i < PARTS; i++)
		buf_release(&s->parts[i]);
	free(s->pattern);
	free(s);
}

static void took(void *data, const char *bytes, size_t n)
{
	struct code_search *s = data;
	const char *end = bytes + n;
	while (bytes < end && !s->is_cancelled && !s->is_cut) {
		struct buf *part = &s->parts[s->part];
		const char *stop = s->part == IN_PROBLEM ? NULL : memchr(bytes, s->part == IN_TEXT ? '\n' : '\0', (size_t)(end - bytes));
		size_t length = (size_t)((stop ? stop : end) - bytes), room = kept[s->part] > part->len ? kept[s->part] - part->len : 0;
		buf_add(part, bytes, length < room ? length : room);
		bytes = stop ? stop + 1 : end;
		if (stop)
			next_part(s);
	}
	if (s->is_cancelled) {
		child_abandon(s->child);
		search_free(s);
	}
}

/* git's sentence without what is plain here, "fatal: " and "command line, ". */
static char *explain(const struct code_search *s, const struct child_result *result)
{
	const struct buf *first = &s->parts[IN_PATH], *said = &s->parts[IN_PROBLEM];
	char *sandbox = confined_problem(buf_str(first), first->len);
	if (sandbox || s->is_cut || (result->exited && result->status <= 1))
		return sandbox;
	if (result->timed_out)
		return xasprintf("the search for %s took more than %d s and was stopped: name a path, or search for something plainer", s->pattern, CODE_SECONDS);
	if (!said->len)
		return xasprintf("the search for %s was ended from outside, or needed too much memory: name a path", s->pattern);
	const char *words = buf_str(said);
	words += strncmp(words, "fatal: ", 7) ? 0 : 7;
	words += strncmp(words, "command line, ", 14) ? 0 : 14;
	char *safe = text_safe_string(words, strcspn(words, "\n"), TEXT_LINE);
	char *sentence = xasprintf("git cannot search for %s: %s", s->pattern, safe);
	free(safe);
	return sentence;
}

static void ended(void *data, const struct child_result *result)
{
	struct code_search *s = data;
	char *problem = explain(s, result);
	s->in_callback = 1;	/* where it is cancelled, it is gone right after */
	s->ended(s->data, problem, s->is_cut || result->timed_out);
	free(problem);
	search_free(s);
}

/* --- what may be asked -------------------------------------------------------------------------------------------- */

static int is_id(const char *commit)
{
	return commit && strlen(commit) == 40 && strspn(commit, "0123456789abcdef") == 40;
}

static int leaves(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return 1;
	return path[0] == '/';
}

static int check(const struct code_query *query, struct err *err)
{
	const char *path = query->path ? query->path : "";
	if (!is_id(query->commit))
		return err_set(err, "a search needs a commit's id of 40 hexadecimal digits");
	if (!query->pattern || !*query->pattern)
		return err_set(err, "a search needs a pattern");
	if (strlen(query->pattern) > CODE_PATTERN)
		return err_set(err, "the pattern has %zu bytes, and may have %d: search for less", strlen(query->pattern), CODE_PATTERN);
	if (strchr(query->pattern, '\n'))
		return err_set(err, "the pattern has a newline: lines are searched one by one, so join alternatives with |");
	if (strlen(path) > CODE_PATH)
		return err_set(err, "the path has %zu bytes, and may have %d", strlen(path), CODE_PATH);
	if (path[0] == ':' || leaves(path))
		return err_set(err, "%s names nothing in the repository: name a folder or files in it, such as src or src/*.c", path);
	return 0;
}

/* Where the objects of the repository stand: in the bare one itself, or in the .git of a working tree. */
static char *objects_of(const char *folder, struct err *err)
{
	static const char *const places[] = { "objects", ".git/objects" };
	struct stat st;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *path = xasprintf("%s/%s", folder, places[i]), *real = realpath(path, NULL);
		free(path);
		if (real && !stat(real, &st) && S_ISDIR(st.st_mode))
			return real;
		free(real);
	}
	err_set(err, "%s is no git repository", folder);
	return NULL;
}

static int is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

static struct child *start(struct code_search *s, struct loop *loop, const struct code_query *query, const char *objects, struct err *err)
{
	static const char script[] = "mkdir -p /tmp/g/refs /tmp/g/objects && echo 'ref: refs/heads/none' >/tmp/g/HEAD || exit 2; "
		"git \"$@\" 2>/tmp/said; code=$?; [ $code -le 1 ] || { printf '\\0'; head -c 900 /tmp/said; }; exit $code";
	const char *path = query->path && *query->path && strcmp(query->path, ".") ? query->path : NULL;
	char *lent = xasprintf("GIT_OBJECT_DIRECTORY=%s", objects);
	/* Bytes are matched three times as fast as characters, and where all of the pattern is ASCII it is nearly the same. */
	const char *locale = is_ascii(query->pattern) ? "LC_ALL=C" : "LC_ALL=C.UTF-8";
	const char *const command[] = { "sh", "-c", script, "sh", "--no-pager", "-c", "core.fsmonitor=false", "grep", "-n", "-I", "-z", "--no-color",
		"--no-recurse-submodules", "--no-textconv", query->is_plain ? "-F" : "-E", query->ignores_case ? "-i" : "--no-line-number",
		"-n", "-e", query->pattern, query->commit, "--", path, NULL };
	const char *const env[] = { "GIT_DIR=/tmp/g", "GIT_ALLOW_PROTOCOL=none", locale, lent, NULL };
	const struct confined confined = { .command = command, .visible = objects, .env = env, .is_git = 1,
		.options = { .timeout = (int64_t)CODE_SECONDS * SECOND, .data_limit = MEMORY, .file_limit = 1 << 20,
			.output = took, .ended = ended, .data = s } };
	struct child *child = confined_start(loop, &confined, err);
	free(lent);
	return child;
}

struct code_search *code_search(struct loop *loop, const struct code_query *query,
                                void (*line)(void *data, const char *path, long number, const char *text),
                                void (*end)(void *data, const char *problem, int is_cut), void *data, struct err *err)
{
	char *objects = check(query, err) ? NULL : objects_of(query->folder, err);
	if (!objects)
		return NULL;
	struct code_search *s = xcalloc(1, sizeof *s);
	*s = (struct code_search){ .line = line, .ended = end, .data = data, .prefix = strlen(query->commit) + 1 };
	s->limit = query->limit && query->limit < CODE_LIMIT ? query->limit : CODE_LIMIT;
	char *pattern = text_safe_string(query->pattern, strlen(query->pattern), TEXT_LINE);
	int used;
	s->pattern = xasprintf("'%.*s'", (int)text_fit(pattern, 60, &used), pattern);
	s->child = start(s, loop, query, objects, err);
	free(pattern);
	free(objects);
	if (s->child)
		return s;
	search_free(s);
	return NULL;
}

void code_search_cancel(struct code_search *s)
{
	if (!s)
		return;
	s->is_cancelled = 1;
	if (s->in_callback)	/* its caller comes back here */
		return;
	child_abandon(s->child);
	search_free(s);
}
