/* Instructions instead of a human, for tests, demos and screenshots. Keys take the way that typed ones take, one at a
 * time, so that what holds for a human (no approval by type-ahead) holds for a script. */
#include "tui/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/cockpit_state.h"

enum { SCRIPT_MAX = 1 << 20, WAIT_SECONDS = 30, QUIET = 60000 /* microseconds without anything to do: idle */ };

struct instruction {
	int line;
	char *verb, *text;
};
struct script {
	char *path;
	struct instruction *at;
	size_t count, room;
	struct strings events;		/* kinds that came in and no wait has taken yet */
};

struct script *script_load(const char *path, struct err *err)
{
	struct buf file = {0};
	if (buf_read_file(&file, path, SCRIPT_MAX) < 0) {
		err_set(err, "cannot read the script %s: %s", path, strerror(errno));
		return NULL;
	}
	struct script *s = xcalloc(1, sizeof *s);
	s->path = xstrdup(path);
	int number = 0;
	for (char *line = file.data, *next; line && *line; line = next) {
		size_t n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		number++;
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		size_t verb = strcspn(line, " \t");
		struct instruction *i = array_add(&s->at, &s->count, &s->room, sizeof *i);
		i->line = number;
		i->verb = xstrndup(line, verb);
		i->text = xstrdup(line + verb + strspn(line + verb, " \t"));
	}
	buf_release(&file);
	return s;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		free(s->at[i].verb);
		free(s->at[i].text);
	}
	free(s->at);
	free(s->path);
	strings_release(&s->events);
	free(s);
}

void script_event(struct script *s, const char *kind)
{
	strings_add(&s->events, kind);
}

static char *screen(const struct cockpit *c, int styled)
{
	struct buf out = {0};
	struct canvas canvas = canvas_of((struct grid *)(ui_grid(c->ui)));
	canvas_save(&canvas, &out, styled);
	return buf_take(&out);
}

/* Lets the cockpit work until the condition holds. Returns 0, or -1 when the time is up. */
static int wait_for(struct cockpit *c, double seconds, int (*holds)(struct cockpit *c, const char *what), const char *what)
{
	int64_t until = clock_monotonic() + (int64_t)(seconds * 1e6);
	for (;;) {
		ui_draw(c->ui);
		if (holds(c, what))
			return 0;
		int64_t left = until - clock_monotonic();
		if (left <= 0)
			return -1;
		loop_turn(c->loop, left < 20000 ? left : 20000);
	}
}

static int shows(struct cockpit *c, const char *what)
{
	char *text = screen(c, 0);
	int found = strstr(text, what) != NULL;
	free(text);
	return found;
}

static int is_idle(struct cockpit *c, const char *what)
{
	static int64_t since;
	(void)what;
	if (!ui_is_idle(c->ui) || c->typed || (c->client && (c->again || c->model.seq < c->caught_up_at)))
		since = 0;
	else if (!since)
		since = clock_monotonic();
	int idle = since && clock_monotonic() - since >= QUIET;
	if (idle)
		since = 0;
	return idle;
}

static int has_event(struct cockpit *c, const char *what)
{
	struct strings *events = &c->script->events;
	while (events->count) {
		int found = !strcmp(events->at[0], what);
		free(events->at[0]);
		array_remove(&events->at, &events->count, 0, sizeof *events->at);
		if (found)
			return 1;
	}
	return 0;
}

/* The text between the first pair of double quotes, else the first word; *rest is what follows. Caller frees. */
static char *quoted(const char *text, const char **rest)
{
	size_t n;
	if (*text == '"') {
		const char *end = strchr(text + 1, '"');
		n = end ? (size_t)(end - text - 1) : strlen(text + 1);
		*rest = end ? end + 1 : text + strlen(text);
		return xstrndup(text + 1, n);
	}
	n = strcspn(text, " \t");
	*rest = text + n;
	return xstrndup(text, n);
}

static int do_keys(struct cockpit *c, const char *text, struct err *err)
{
	while (*text) {
		struct input input = { .type = INPUT_KEY };
		if (*text == ' ') {
			text++;
			continue;
		}
		int n = key_parse(text, &input.key, err);
		if (n <= 0)
			return -1;
		ui_input(c->ui, &input, 1);
		ui_draw(c->ui);
		text += n;
	}
	return 0;
}

static int do_type(struct cockpit *c, const char *text)
{
	for (size_t n = strlen(text); n;) {
		struct input input = { .type = INPUT_KEY };
		int used = text_decode(text, n, &input.key.code);
		if (used <= 0)
			break;
		ui_input(c->ui, &input, 1);
		text += used;
		n -= (size_t)used;
	}
	ui_draw(c->ui);
	return 0;
}

static int do_wait(struct cockpit *c, const char *text, struct err *err)
{
	const char *rest;
	char *what = quoted(text, &rest), *argument = NULL;
	int rc = -1;
	rest += strspn(rest, " \t");
	if (!strcmp(what, "idle")) {
		double seconds = *rest ? strtod(rest, NULL) : WAIT_SECONDS;
		rc = wait_for(c, seconds, is_idle, NULL);
		if (rc)
			err_set(err, "the cockpit was not idle within %g s", seconds);
	} else if (!strcmp(what, "text") || !strcmp(what, "event")) {
		int is_text = *what == 't';
		argument = quoted(rest, &rest);
		double seconds = strtod(rest, NULL);
		seconds = seconds > 0 ? seconds : WAIT_SECONDS;
		rc = wait_for(c, seconds, is_text ? shows : has_event, argument);
		if (rc)
			err_set(err, is_text ? "\"%s\" was not shown within %g s" : "no event %s within %g s", argument, seconds);
	} else {
		err_set(err, "wait takes idle, text or event, not \"%s\"", what);
	}
	free(argument);
	free(what);
	return rc;
}

static int do_size(struct cockpit *c, const char *text, struct err *err)
{
	int columns, rows;
	if (sscanf(text, "%dx%d", &columns, &rows) != 2 || columns < 1 || rows < 1 || columns > 1000 || rows > 1000)
		return err_set(err, "size takes COLUMNSxROWS, not \"%s\"", text);
	ui_resize(c->ui, rows, columns);
	ui_draw(c->ui);
	return 0;
}

static int do_save(struct cockpit *c, const char *text, struct err *err)
{
	int styled = !strncmp(text, "--styled", 8);
	if (styled)
		text += 8 + strspn(text + 8, " \t");
	ui_draw(c->ui);
	char *shown = screen(c, styled);
	FILE *f = fopen(text, "we");
	int ok = f && fputs(shown, f) >= 0;
	if (f)
		ok = !fclose(f) && ok;
	free(shown);
	return ok ? 0 : err_set(err, "cannot write %s: %s", text, strerror(errno));
}

static int do_expect(struct cockpit *c, const char *text, int wanted, struct err *err)
{
	const char *rest;
	char *what = quoted(text, &rest);
	ui_draw(c->ui);
	int rc = shows(c, what) == wanted ? 0 : err_set(err, wanted ? "\"%s\" is not on the screen" : "\"%s\" is on the screen", what);
	free(what);
	return rc;
}

static int run_one(struct cockpit *c, const struct instruction *i, int *quits, struct err *err)
{
	if (!strcmp(i->verb, "keys"))
		return do_keys(c, i->text, err);
	if (!strcmp(i->verb, "type"))
		return do_type(c, i->text);
	if (!strcmp(i->verb, "wait"))
		return do_wait(c, i->text, err);
	if (!strcmp(i->verb, "size"))
		return do_size(c, i->text, err);
	if (!strcmp(i->verb, "save"))
		return do_save(c, i->text, err);
	if (!strcmp(i->verb, "expect") || !strcmp(i->verb, "expect-not"))
		return do_expect(c, i->text, !strcmp(i->verb, "expect"), err);
	if (!strcmp(i->verb, "quit")) {
		*quits = 1;
		return 0;
	}
	return err_set(err, "there is no instruction \"%s\"", i->verb);
}

int script_run(struct script *s, struct cockpit *c, struct err *err)
{
	int quits = 0;
	for (size_t i = 0; i < s->count && !quits; i++) {
		if (run_one(c, &s->at[i], &quits, err) == 0)
			continue;
		char *shown = screen(c, 0);
		fputs(shown, stderr);
		free(shown);
		return err_prefix(err, "%s:%d: %s %s", s->path, s->at[i].line, s->at[i].verb, s->at[i].text);
	}
	return 0;
}
