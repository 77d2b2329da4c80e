/* Runs tests/screens: panes that are fed from files and whose screens are compared with files
 * (tests/screens/README.md). */
#include "tests/test.h"

#include <dirent.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/mark.h"
#include "core/data/model.h"
#include "panes/panes.h"

enum { LINE_MAX_BYTES = 64 * 1024, LOGS_MAX = 8, REPLIES_MAX = 8, QUERIES_MAX = 32, SCREENS_MAX = 200 };

struct log {
	char run[16];
	char **lines;		/* NULL: made ones */
	long count;
};

struct screen {
	const char *path;
	struct model model;
	struct keymap *keymap;
	struct pane pane;
	char *search;
	int rows, columns, ascii;
	int64_t now;
	struct log logs[LOGS_MAX];
	size_t log_count;
	struct { char query[32], file[200]; } replies[REPLIES_MAX];
	size_t reply_count;
	struct buf out;
};

static void read_whole(const char *file, struct buf *out)
{
	char path[300];

	snprintf(path, sizeof path, "tests/screens/%s", file);
	if (buf_read_file(out, path, 64 << 20) < 0)
		fail_msg("%s cannot be read", path);
}

static void fold(struct screen *s, const char *file, uint64_t last)
{
	struct buf text = { 0 };
	struct err err;
	char *rest, *line;

	read_whole(file, &text);
	for (line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct event ev;
		assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
		if (ev.seq > s->model.seq && (!last || ev.seq <= last))
			model_apply(&s->model, &ev);
		event_release(&ev);
	}
	s->now = s->model.time;
	buf_release(&text);
}

/* Logs that queries are answered from */

static struct log *find_log(struct screen *s, const char *run)
{
	for (size_t i = 0; i < s->log_count; i++)
		if (!strcmp(s->logs[i].run, run))
			return &s->logs[i];
	return NULL;
}

static void set_log(struct screen *s, const char *run, const char *what)
{
	struct log *log = find_log(s, run);
	struct buf text = { 0 };
	char *rest, *line;

	if (!log) {
		assert_true(s->log_count < LOGS_MAX);
		log = &s->logs[s->log_count++];
		snprintf(log->run, sizeof log->run, "%s", run);
	}
	if (atol(what) > 0) {
		log->count = atol(what);
		return;
	}
	read_whole(what, &text);
	log->lines = xcalloc(text.len + 1, sizeof *log->lines);
	for (line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log->lines[log->count++] = xstrdup(line);
	buf_release(&text);
}

static void log_line(const struct log *log, long i, char out[128])
{
	if (log->lines)
		snprintf(out, 128, "%s", log->lines[i]);
	else
		snprintf(out, 128, i % 500 == 42 ? "line %ld: needle" : "line %ld of a made log", i + 1);
}

static struct json *answer_log(const struct log *log, const struct json *args)
{
	struct json *result = json_object(), *lines = json_array();
	long from = (long)json_integer(json_get(args, "from"), -2000),
		count = (long)json_integer(json_get(args, "count"), 2000);
	char text[128];

	if (from < 0)
		from = log->count + from < 0 ? 0 : log->count + from;
	assert_true(count <= 2000);
	for (long i = from; i < log->count && i < from + count; i++) {
		log_line(log, i, text);
		json_append(lines, json_new_string(text));
	}
	json_put_string(result, "run", log->run);
	json_put_integer(result, "from", from);
	json_put_integer(result, "total", log->count);
	json_take(result, "lines", lines);
	return result;
}

static int is_wanted(const char *line, const struct json *args)
{
	enum mark mark = mark_find(json_string(json_get(args, "mark"), NULL));

	return mark ? mark_of(line) == mark : strcasestr(line, json_string(json_get(args, "text"), "")) != NULL;
}

static struct json *answer_filter(const struct log *log, const struct json *args)
{
	struct json *result = json_object(), *lines = json_array();
	long i = (long)json_integer(json_get(args, "from"), 0);
	char text[128];

	for (int n = 0; i < log->count && n < 1000; i++, n++) {
		log_line(log, i, text);
		if (is_wanted(text, args)) {
			struct json *line = json_object();
			json_put_integer(line, "line", i);
			json_put_string(line, "text", text);
			json_append(lines, line);
		}
	}
	json_put_integer(result, "next", i);
	json_put_integer(result, "total", log->count);
	json_take(result, "lines", lines);
	return result;
}

static struct json *answer_tails(struct screen *s, const struct json *args)
{
	struct json *result = json_object(), *tails = json_array();

	for (const struct json *i = json_first(json_get(args, "of")); i; i = json_next(i)) {
		const struct log *log = find_log(s, json_string(i, ""));
		long count = (long)json_integer(json_get(args, "lines"), 1);
		struct json *one = json_object(), *lines = json_array();
		char text[128];
		for (long k = log && log->count > count ? log->count - count : 0; log && k < log->count; k++) {
			log_line(log, k, text);
			json_append(lines, json_new_string(text));
		}
		json_put_string(one, "of", json_string(i, ""));
		json_take(one, "lines", lines);
		json_append(tails, one);
	}
	json_take(result, "tails", tails);
	return result;
}

static struct json *answer_find(const struct log *log, const struct json *args)
{
	struct json *result = json_object();
	int step = json_bool(json_get(args, "backwards"), 0) ? -1 : 1;
	char text[128];

	json_put_string(result, "line", NULL);
	for (long i = (long)json_integer(json_get(args, "from"), 0); i >= 0 && i < log->count; i += step) {
		log_line(log, i, text);
		if (is_wanted(text, args)) {
			json_put_integer(result, "line", i);
			break;
		}
	}
	return result;
}

static struct json *answer_from_file(struct screen *s, const char *query)
{
	struct buf text = { 0 };
	struct json *result = NULL;
	struct err err;

	for (size_t i = 0; i < s->reply_count; i++)
		if (!strcmp(s->replies[i].query, query)) {
			read_whole(s->replies[i].file, &text);
			result = json_parse(text.data, text.len, &err);
			if (!result)
				fail_msg("%s: %s", s->replies[i].file, err.text);
		}
	buf_release(&text);
	return result;
}

static void answer(struct screen *s, const struct intent *want)
{
	struct log *log = find_log(s, json_string(json_get(want->args, "run"), ""));
	struct json *result = NULL;
	struct answer a = { .tag = want->tag };

	if (log && !strcmp(want->name, "log"))
		result = answer_log(log, want->args);
	else if (log && !strcmp(want->name, "find"))
		result = answer_find(log, want->args);
	else if (log && !strcmp(want->name, "filter"))
		result = answer_filter(log, want->args);
	else if (!strcmp(want->name, "tails"))
		result = answer_tails(s, want->args);
	else
		result = answer_from_file(s, want->name);
	a.result = result;
	a.error = result ? NULL : "no answer was given in this test";
	if (s->pane.ops->answer)
		s->pane.ops->answer(&s->pane, &a);
	json_free(result);
}

static void print_intent(struct screen *s, const struct intent *want)
{
	static const char *const kinds[] = { "none", "command", "query", "open", "go", "close", "prompt", "message",
		"copy", "errand" };

	buf_printf(&s->out, "-> %s", kinds[want->kind]);
	if (want->name)
		buf_printf(&s->out, " %s", want->name);
	if (want->text)
		buf_printf(&s->out, " \"%s\"", want->text);
	if (want->args) {
		buf_putc(&s->out, ' ');
		json_print(want->args, &s->out);
	}
	if (want->action)
		buf_printf(&s->out, " then %s", action_name(want->action));
	buf_putc(&s->out, '\n');
}

/* As the shell does before each draw; queries are answered at once, and may lead to the next. */
static void sync_pane(struct screen *s)
{
	for (int i = 0; ; i++) {
		struct intent want = { 0 };
		s->pane.now = s->now;
		s->pane.rows = s->rows;
		s->pane.columns = s->columns;
		s->pane.ops->sync(&s->pane, &s->model, s->rows, s->columns, &want);
		if (want.kind != INTENT_QUERY) {
			assert_int_equal(want.kind, INTENT_NONE);
			return;
		}
		if (i == QUERIES_MAX)
			fail_msg("%s: the pane asks again and again: %s", s->path, want.name);
		answer(s, &want);
		intent_clear(&want);
	}
}

static void act(struct screen *s, enum action action, const char *text)
{
	struct intent want = { 0 };
	struct act a = { .action = action, .text = text };
	enum pane_result result;

	if (action == ACTION_CLICK && text) {
		sscanf(text, "%d %d", &a.y, &a.x);
		a.text = NULL;
	}
	sync_pane(s);
	result = s->pane.ops->act ? s->pane.ops->act(&s->pane, &s->model, &a, &want) : PANE_IGNORED;
	if (result == PANE_IGNORED)
		buf_printf(&s->out, "-> ignored %s\n", action_name(action));
	if (result == PANE_INTENT)
		print_intent(s, &want);
	if (result == PANE_INTENT && want.kind == INTENT_QUERY)
		answer(s, &want);
	intent_clear(&want);
	sync_pane(s);
}

static void search(struct screen *s, const char *text, int direction)
{
	if (!direction)
		string_set(&s->search, text);
	sync_pane(s);
	if (!s->pane.ops->search(&s->pane, &s->model, s->search, direction))
		buf_puts(&s->out, "-> no match\n");
	sync_pane(s);
}

static void save(struct screen *s, int styled)
{
	struct buf title = { 0 };
	struct grid grid;
	struct canvas c;

	sync_pane(s);
	s->pane.ops->title(&s->pane, &s->model, &title);
	grid_init(&grid, s->rows, s->columns);
	grid.ascii = s->ascii;
	c = canvas_of(&grid);
	if (s->rows)
		s->pane.ops->draw(&s->pane, &s->model, &c);
	buf_printf(&s->out, "== %s  %dx%d%s%s\n", buf_str(&title), s->columns, s->rows, s->ascii ? " ascii" : "",
		styled ? " styled" : "");
	canvas_save(&c, &s->out, styled);
	grid_release(&grid);
	buf_release(&title);
}

static void open_pane(struct screen *s, const char *name, const char *on)
{
	for (const struct pane_ops *const *ops = panes; *ops; ops++) {
		size_t size = strcspn((*ops)->name, " ");
		if (strlen(name) != size || strncasecmp((*ops)->name, name, size))
			continue;
		s->pane = (struct pane){ .ops = *ops, .name = on && *on ? xstrdup(on) : NULL, .focused = 1,
			.keymap = s->keymap };
		s->pane.state = xcalloc(1, (*ops)->state_size);
		if ((*ops)->open)
			(*ops)->open(&s->pane);
		return;
	}
	fail_msg("there is no pane %s", name);
}

static void close_pane(struct screen *s)
{
	if (s->pane.ops && s->pane.ops->close)
		s->pane.ops->close(&s->pane);
	free(s->pane.state);
	free(s->pane.name);
	s->pane = (struct pane){ 0 };
}

static int run_action(struct screen *s, char *rest)
{
	char *text = strchr(rest, ' ');
	int action;

	if (text)
		*text++ = '\0';
	action = action_find(rest);
	if (action < 0)
		return 0;
	act(s, (enum action)action, text);
	return 1;
}

static int instruct(struct screen *s, char *line)
{
	char *rest = strchr(line, ' '), run[16], text[1000];
	long lines, bytes;
	unsigned long last = 0;

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (!strcmp(line, "pane")) {
		char *on = strchr(rest, ' ');
		if (on)
			*on++ = '\0';
		close_pane(s);
		open_pane(s, rest, on);
	} else if (!strcmp(line, "events")) {
		char file[200];
		return sscanf(rest, "%199s %lu", file, &last) >= 1 && (fold(s, file, last), 1);
	} else if (!strcmp(line, "now")) {
		return clock_parse(rest, &s->now) == 0;
	} else if (!strcmp(line, "size")) {
		return sscanf(rest, "%dx%d", &s->columns, &s->rows) == 2;
	} else if (!strcmp(line, "ascii")) {
		s->ascii = 1;
	} else if (!strcmp(line, "unfocused")) {
		s->pane.focused = 0;
	} else if (!strcmp(line, "tail")) {
		if (sscanf(rest, "%15s %ld %ld %999[^\n]", run, &lines, &bytes, text) != 4)
			return 0;
		model_tail(&s->model, run, lines, bytes, text);
	} else if (!strcmp(line, "log")) {
		if (sscanf(rest, "%15s %999s", run, text) != 2)
			return 0;
		set_log(s, run, text);
	} else if (!strcmp(line, "reply")) {
		size_t i = 0;
		while (i < s->reply_count && strncmp(s->replies[i].query, rest, strcspn(rest, " ")))
			i++;
		assert_true(i < REPLIES_MAX);
		s->reply_count += i == s->reply_count;
		return sscanf(rest, "%31s %199s", s->replies[i].query, s->replies[i].file) == 2;
	} else if (!strcmp(line, "act")) {
		return run_action(s, rest);
	} else if (!strcmp(line, "search")) {
		search(s, rest, 0);
	} else if (!strcmp(line, "search-next") || !strcmp(line, "search-previous")) {
		search(s, NULL, line[7] == 'n' ? 1 : -1);
	} else if (!strcmp(line, "show")) {
		s->pane.ops->show(&s->pane, &s->model, rest);
	} else if (!strcmp(line, "save")) {
		save(s, !strcmp(rest, "styled"));
	} else {
		return 0;
	}
	return 1;
}

static void release(struct screen *s)
{
	close_pane(s);
	model_release(&s->model);
	keymap_free(s->keymap);
	for (size_t i = 0; i < s->log_count; i++) {
		for (long k = 0; s->logs[i].lines && k < s->logs[i].count; k++)
			free(s->logs[i].lines[k]);
		free(s->logs[i].lines);
	}
	free(s->search);
	buf_release(&s->out);
}

static const char *line_start(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

static void compare(struct screen *s)
{
	char path[300];
	struct buf expected = { 0 };
	const char *is, *should;
	int line = 1;

	snprintf(path, sizeof path, "%.*s.expected", (int)(strlen(s->path) - strlen(".screen")), s->path);
	if (getenv("UPDATE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(buf_str(&s->out), f);
		fclose(f);
		return;
	}
	if (buf_read_file(&expected, path, 64 << 20) < 0)
		fail_msg("%s is missing: run with UPDATE=1, and look at it", path);
	is = buf_str(&s->out);
	should = buf_str(&expected);
	while (*is && *is == *should) {
		line += *is == '\n';
		is++;
		should++;
	}
	if (*is || *should) {
		is = line_start(buf_str(&s->out), is);
		should = line_start(buf_str(&expected), should);
		fail_msg("%s:%d says:\n%.*s\nbut now it is:\n%.*s\nUPDATE=1 takes it over", path, line,
			(int)strcspn(should, "\n"), should,
			(int)strcspn(is, "\n"), is);
	}
	buf_release(&expected);
}

static void run_screen(void **state)
{
	struct screen s = { .path = *state, .rows = 12, .columns = 118, .keymap = keymap_new() };
	FILE *f = fopen(s.path, "r");
	char line[2000];

	assert_non_null(f);
	model_init(&s.model);
	for (int n = 1; fgets(line, sizeof line, f); n++) {
		char copy[2000];
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		memcpy(copy, line, sizeof copy);
		if (!instruct(&s, copy))
			fail_msg("%s:%d: not understood: %s", s.path, n, line);
	}
	fclose(f);
	compare(&s);
	release(&s);
}

static int is_screen(const char *name)
{
	size_t size = strlen(name), end = strlen(".screen");

	return size > end && !strcmp(name + size - end, ".screen");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static size_t collect(const char *folder, struct CMUnitTest *tests, size_t count)
{
	char path[600];
	struct dirent *entry;
	DIR *dir = opendir(folder);

	for (; dir && (entry = readdir(dir)) != NULL; ) {
		const char *wanted = getenv("SCREEN");
		snprintf(path, sizeof path, "%.300s/%.255s", folder, entry->d_name);
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			count = collect(path, tests, count);
		if (!is_screen(entry->d_name) || (wanted && !strstr(path, wanted)) || count == SCREENS_MAX)
			continue;
		tests[count] = (struct CMUnitTest){ .name = xstrdup(path), .test_func = run_screen };
		tests[count].initial_state = (void *)tests[count].name;
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

int main(void)
{
	static struct CMUnitTest tests[SCREENS_MAX];
	size_t count = collect("tests/screens", tests, 0);
	int failed;

	setenv("TZ", "UTC", 1);
	qsort(tests, count, sizeof *tests, by_name);
	failed = count ? _cmocka_run_group_tests("screens", tests, count, NULL, NULL) : 1;
	for (size_t i = 0; i < count; i++)
		free((char *)tests[i].name);
	return failed;
}
