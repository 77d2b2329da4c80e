/* The cockpit as a process: what comes over the link is folded into its own model with the same fold as the engine's,
 * and drawn; what the shell wants goes back over the link. It owns nothing that matters: it can be killed at any time.
 *
 * The first picture waits a moment for the history, so that a long session does not run past the eyes; then it shows
 * what there is. When the engine goes away the last state stays on the screen, and the link is tried again. */
#include "tui/cockpit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/model.h"
#include "core/io/child.h"
#include "core/link/client.h"
#include "tui/cockpit_state.h"
#include "tui/script.h"

enum { FIRST_PICTURE = 25000, RETRY = 500000, RETRY_MAX = 4000000, RETRY_ENDED = 60000000, SETTINGS_TAG = 0, WORDS_MAX = 64, REPLY_MAX = 4096,
	PAUSE = 250000 /* in a stream */ };

static void connect_again(void *data);

/* An engine that was lost is soon looked for again, and ever less often; after the session's end nobody is in a hurry. */
static void try_later(struct cockpit *c)
{
	int64_t wait = c->model.state == SESSION_ENDED ? RETRY_ENDED : c->retry;
	c->retry = c->retry * 2 > RETRY_MAX ? RETRY_MAX : c->retry * 2;
	c->reconnect = loop_after(c->loop, wait, connect_again, c);
}

static void apply_settings(struct cockpit *c, const struct json *s)
{
	struct err err = {0};
	string_set(&c->theme, json_string(json_get(s, "theme"), "dark"));
	string_set(&c->colors, json_string(json_get(s, "colors"), "auto"));
	c->mouse = json_bool(json_get(s, "mouse"), 0);
	c->ascii |= json_bool(json_get(s, "ascii"), 0);
	c->bell = strcmp(json_string(json_get(s, "notify"), "bell"), "none") != 0;
	for (const struct json *k = json_first(json_get(s, "keys")); k; k = json_next(k))
		if (keymap_bind(c->keymap, json_string(json_get(k, "context"), ""), json_string(json_get(k, "action"), ""),
				json_string(json_get(k, "key"), ""), &err) < 0)
			string_set(&c->complaint, err.text);
	c->has_settings = 1;
}

/* link */

/* What was on the screen gives way to what the engine that came back says, at once and when it is all there. */
static void take_up(struct cockpit *c)
{
	struct model *next = c->again;
	if (!next || next->seq < c->caught_up_at)
		return;
	model_release(&c->model);
	c->model = *next;
	free(next);
	c->again = NULL;
	ui_connected(c->ui, 1);
	ui_message(c->ui, "the engine is there again");
}

static void give_up_again(struct cockpit *c)
{
	if (c->again)
		model_release(c->again);
	free(c->again);
	c->again = NULL;
}

static void welcomed(void *data, uint64_t seq, const char *viewer)
{
	struct cockpit *c = data;
	(void)viewer;
	c->caught_up_at = seq;
	c->retry = RETRY;
	take_up(c);
}

static void say_the_end(struct cockpit *c)
{
	if (c->ui && c->model.state == SESSION_ENDED)
		ui_message(c->ui, "the session has ended%s%s", c->model.ended_reason ? ": " : "", c->model.ended_reason ? c->model.ended_reason : "");
}

static void event(void *data, const struct event *ev)
{
	struct cockpit *c = data;
	model_apply(c->again ? c->again : &c->model, ev);
	take_up(c);
	if (ev->kind == EVENT_SESSION_ENDED && ev->seq > c->caught_up_at)
		say_the_end(c);
	snprintf(c->last_kind, sizeof c->last_kind, "%s", ev->kind == EVENT_UNKNOWN ? "" : event_name(ev->kind));
	if (c->script)
		script_event(c->script, c->last_kind);
	if (c->ui && ev->kind == EVENT_PERMISSION_ASKED)
		ui_model_news(c->ui);
	else if (c->ui)
		ui_model_changed(c->ui);
	if (ev->kind == EVENT_SESSION_ENDED && c->options->leave_at_end && ev->seq > c->caught_up_at)
		loop_stop(c->loop);
}

static void tail(void *data, const char *run, int64_t lines, int64_t bytes, const char *last_line)
{
	struct cockpit *c = data;
	int64_t now = clock_monotonic();
	int is_turn = dialogue_turn(&c->model, run) != NULL, is_first = is_turn && now - c->turn_tail > PAUSE;
	if (is_turn)
		c->turn_tail = now;
	model_tail(&c->model, run, lines, bytes, last_line);
	if (c->ui && is_first)
		ui_model_news(c->ui);
	else if (c->ui)
		ui_model_changed(c->ui);
}

static void answer(void *data, uint64_t tag, const struct json *result, const struct err *err)
{
	struct cockpit *c = data;
	if (tag == SETTINGS_TAG && !c->has_settings && result)
		apply_settings(c, result);
	else if (tag != SETTINGS_TAG && c->ui)
		ui_answer(c->ui, tag, result, err ? err->text : NULL);
}

static void closed(void *data, const char *why)
{
	struct cockpit *c = data;
	string_set(&c->why_closed, why);
	client_free(c->client);
	c->client = NULL;
	if (c->options->leave_at_end && c->model.state == SESSION_ENDED)
		loop_stop(c->loop);
	give_up_again(c);
	if (!c->ui)
		return;
	ui_connected(c->ui, 0);
	if (c->model.state != SESSION_ENDED)
		ui_message(c->ui, "%s", why);
	try_later(c);
}

static const struct client_handler handler = { welcomed, event, tail, answer, closed };

/* The whole history again: the engine that comes back may be on another session. */
static void connect_again(void *data)
{
	struct cockpit *c = data;
	struct err ignored = {0};
	c->reconnect = NULL;
	struct client *client = client_new(c->loop, c->options->socket_path, c->options->observe ? "observer" : "driver", NULL, 0, &handler, c, &ignored);
	if (!client) {
		try_later(c);
		return;
	}
	c->again = xcalloc(1, sizeof *c->again);
	model_init(c->again);
	c->client = client;
}

/* what the shell wants */

static void no_engine(struct cockpit *c, uint64_t tag)
{
	ui_answer(c->ui, tag, NULL, c->model.state == SESSION_ENDED ? "the session has ended: `skydeck serve --new` begins another" :
	          "no engine runs: `skydeck serve` starts it again");
}

static void backend_command(void *data, const char *name, struct json *args, uint64_t tag)
{
	struct cockpit *c = data;
	if (c->client) {
		client_command(c->client, name, args, tag);
	} else {
		json_free(args);
		no_engine(c, tag);
	}
}

static void backend_query(void *data, const char *name, struct json *args, uint64_t tag)
{
	struct cockpit *c = data;
	if (c->client) {
		client_query(c->client, name, args, tag);
	} else {
		json_free(args);
		no_engine(c, tag);
	}
}

/* A command behind `:` is a command line of this program: one grammar, one set of errors. */
struct typed {
	struct cockpit *cockpit;
	uint64_t tag;
	struct buf output;
};

static void typed_output(void *data, const char *bytes, size_t n)
{
	struct typed *t = data;
	if (t->output.len + n <= REPLY_MAX)
		buf_add(&t->output, bytes, n);
}

static void typed_ended(void *data, const struct child_result *result)
{
	struct typed *t = data;
	char *line = text_safe_string(buf_str(&t->output), strcspn(buf_str(&t->output), "\n"), TEXT_LINE);
	const char *text = !strncmp(line, "skydeck: ", 9) ? line + 9 : line;
	if (result->exited && !result->status) {
		struct json *done = json_object();
		json_put_string(done, "text", text);
		ui_answer(t->cockpit->ui, t->tag, done, NULL);
		if (*text)
			ui_message(t->cockpit->ui, "%s", text);
		json_free(done);
	} else {
		ui_answer(t->cockpit->ui, t->tag, NULL, *text ? text : "the command failed");
	}
	t->cockpit->typed = NULL;
	free(line);
	buf_release(&t->output);
	free(t);
}

/* Words as a shell splits them, with "…" and '…'; no expansion. Returns the count, -1 for a quote that does not end. */
static int split_words(char *line, const char **words, int most)
{
	int n = 0;
	for (char *in = line; ;) {
		in += strspn(in, " \t");
		if (!*in || n == most)
			return n;
		char *out = in, quote = 0;
		words[n++] = out;
		for (; *in && (quote || !strchr(" \t", *in)); in++) {
			if (quote ? *in == quote : *in == '"' || *in == '\'')
				quote = quote ? 0 : *in;
			else
				*out++ = *in;
		}
		if (quote)
			return -1;
		char *end = in;
		in += *in != '\0';
		*out = '\0';
		if (out == end && in == end)
			return n;
	}
}

static int backend_line(void *data, const char *line, uint64_t tag, struct err *err)
{
	struct cockpit *c = data;
	const char *argv[WORDS_MAX + 8] = { c->options->program, "-C", c->options->directory, "--color", "never" };
	if (c->options->observe)
		return err_refuse(err, "observers cannot command: attach without --observe");
	if (c->typed)
		return err_set(err, "the command before is still at work");
	char *copy = xstrdup(line);
	int n = split_words(copy, argv + 5, WORDS_MAX), rc = 0;
	if (n < 0) {
		rc = err_set(err, "a quote is not closed");
	} else if (n > 0) {
		struct typed *t = xcalloc(1, sizeof *t);
		t->cockpit = c;
		t->tag = tag;
		struct child_options options = { .argv = argv, .output = typed_output, .ended = typed_ended, .data = t };
		c->typed = child_start(c->loop, &options, err);
		if (!c->typed) {
			free(t);
			rc = -1;
		}
	}
	free(copy);
	return rc;
}

static void backend_leave(void *data)
{
	struct cockpit *c = data;
	loop_stop(c->loop);
}

/* errands: what happens outside of the cockpit, with the programs of the user */

/* ssh says with 255 that it failed itself: its words are on the screen that is about to go. */
static const char ssh_script[] = "printf 'ssh %s\\n' \"$1\"; ssh -- \"$1\" || { code=$?; [ $code != 255 ] || { printf '\\nEnter goes back to skydeck. '; read -r line; }; exit $code; }";
static const char pager_script[] = "case $3 in s*) set -- \"$1\" \"$2\" source show \"$3\" ;; *) set -- \"$1\" \"$2\" log \"$3\" ;; esac; "
	"self=$1 folder=$2; shift 2; \"$self\" -C \"$folder\" --color never \"$@\" 2>&1 | eval \"${PAGER:-less}\"";
/* $BROWSER is a list with : between, %s in it stands for the address (Debian policy 11.4); the first is taken. The address is
 * never part of what a shell reads. */
static const char browser_script[] = "set -f; url=$1 has=; set --; for word in ${BROWSER%%:*}; do case $word in "
	"*%s*) set -- \"$@\" \"${word%%%s*}$url${word#*%s}\"; has=1 ;; *) set -- \"$@\" \"$word\" ;; esac; done; [ \"$has\" ] || set -- \"$@\" \"$url\"; exec \"$@\"";

static int save_part(struct cockpit *c, const char *bytes, size_t n)
{
	if (!c->save_failed && fwrite(bytes, 1, n, c->save) != n)
		c->save_failed = errno ? errno : EIO;
	return c->save_failed;
}

static void save_output(void *data, const char *bytes, size_t n)
{
	save_part(data, bytes, n);
}

static void save_ended(void *data, const struct child_result *result)
{
	struct cockpit *c = data;
	if (fclose(c->save) && !c->save_failed)
		c->save_failed = errno;
	if (c->save_failed)
		ui_message(c->ui, "%s is not whole: %s", c->save_path, strerror(c->save_failed));
	else if (!result->exited || result->status)
		ui_message(c->ui, "the log could not be read to its end: see %s", c->save_path);
	else
		ui_message(c->ui, "saved to %s", c->save_path);
	c->save = NULL;
	c->saver = NULL;
}

/* Nothing is written over. */
static int save_log(struct cockpit *c, const char *log, const char *path, struct err *err)
{
	const char *argv[] = { c->options->program, "-C", c->options->directory, "--color", "never", "log", log, NULL }, *home = getenv("HOME");
	struct child_options options = { .argv = argv, .output = save_output, .ended = save_ended, .data = c };
	if (c->saver)
		return err_set(err, "%s is still being written", c->save_path);
	free(c->save_path);
	c->save_path = !strncmp(path, "~/", 2) && home ? xasprintf("%s%s", home, path + 1) : xstrdup(path);
	c->save_failed = 0;
	c->save = fopen(c->save_path, "wxe");
	if (!c->save)
		return err_set(err, "%s: %s", c->save_path, errno == EEXIST ? "there is a file of that name already: choose another" : strerror(errno));
	c->saver = child_start(c->loop, &options, err);
	if (c->saver)
		return 0;
	fclose(c->save);
	unlink(c->save_path);
	c->save = NULL;
	return -1;
}

static void browser_ended(void *data, const struct child_result *result)
{
	struct cockpit *c = data;
	c->browser = NULL;
	if (!result->exited || result->status)
		ui_message(c->ui, "the browser did not start: xdg-open ended with %s %d; y copies the link", result->exited ? "exit code" : "signal", result->status);
}

/* With a display it opens beside the cockpit; $BROWSER may be one for terminals, so it has ours until it ends. Where there is
 * neither, the link itself is what can be had. */
static int browse(struct cockpit *c, const char *link, struct err *err)
{
	const char *browser = getenv("BROWSER"), *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
	const char *const own[] = { "sh", "-c", browser_script, "browser", link, NULL }, *const open[] = { "xdg-open", link, NULL };
	struct child_options options = { .argv = open, .ended = browser_ended, .data = c };
	if ((strncmp(link, "https://", 8) && strncmp(link, "http://", 7)) || strpbrk(link, " \t\n\\\"'<>"))
		return err_set(err, "this is no address that a browser takes: %s", link);
	if (browser && *browser)
		return ui_run(c->ui, own, err);
	if (!(x && *x) && !(wayland && *wayland))
		return err_set(err, "%s (no display and no $BROWSER here; y copies it)", link);
	if (c->browser)
		return err_set(err, "a browser is being started");
	c->browser = child_start(c->loop, &options, err);
	return c->browser ? 0 : -1;
}

static int backend_errand(void *data, const char *what, const char *on, const char *path, struct err *err)
{
	struct cockpit *c = data;
	char self[48];
	if (!strcmp(what, "save"))
		return save_log(c, on, path, err);
	if (!strcmp(what, "browser"))
		return browse(c, on, err);
	snprintf(self, sizeof self, "/proc/%d/exe", (int)getpid());	/* what is run by a shell is not /proc/self */
	const char *const ssh[] = { "sh", "-c", ssh_script, "ssh", on, NULL };
	const char *const pager[] = { "sh", "-c", pager_script, "pager", self, c->options->directory, on, NULL };
	return ui_run(c->ui, strcmp(what, "ssh") ? pager : ssh, err);
}

static const struct ui_backend backend = { backend_command, backend_query, backend_line, backend_leave, backend_errand };

/* begin and end */

static void wait_for_history(struct cockpit *c)
{
	int64_t until = clock_monotonic() + FIRST_PICTURE;
	for (int64_t now; c->client && (now = clock_monotonic()) < until;) {
		if (c->has_settings && c->caught_up_at && c->model.seq >= c->caught_up_at)
			return;
		loop_turn(c->loop, until - now);
	}
}

static int open_screen(struct cockpit *c, struct err *err)
{
	const struct cockpit_options *o = c->options;
	const char *time = getenv("SKYDECK_TIME");
	int64_t frozen = 0;
	if (time && clock_parse(time, &frozen) < 0)
		return err_code(err, EXIT_USAGE, "SKYDECK_TIME is \"%s\": it must be like 2026-11-21T10:00:00Z", time);
	const char *name = o->theme ? o->theme : c->theme ? c->theme : "dark";
	if (theme_load(&c->look, name, err) < 0)
		return -1;
	if (!o->script) {
		struct term_options terminal = { .in = STDIN_FILENO, .out = STDOUT_FILENO, .name = getenv("TERM"), .colors = c->colors,
			.theme = &c->look, .mouse = c->mouse && !o->no_mouse, .guard = 1 };
		c->term = term_open(&terminal, err);
		if (!c->term)
			return -1;
	}
	struct ui_options options = { .loop = c->loop, .term = c->term, .keymap = c->keymap, .model = &c->model, .panes = o->panes,
		.commands = o->commands, .backend = &backend, .data = c, .rows = 24, .columns = 80, .ascii = c->ascii || o->ascii || (c->term && term_wants_ascii(c->term)),
		.mouse = c->mouse && !o->no_mouse, .bell = c->bell && !o->script, .observer = o->observe, .theme = name, .frozen = frozen };
	c->ui = ui_new(&options);
	ui_connected(c->ui, c->client != NULL);
	if (c->complaint)
		ui_message(c->ui, "%s", c->complaint);
	return 0;
}

static void close_all(struct cockpit *c)
{
	if (c->typed)
		child_abandon(c->typed);
	if (c->saver)
		child_abandon(c->saver);
	if (c->browser)
		child_abandon(c->browser);
	if (c->save)
		fclose(c->save);
	loop_cancel(c->loop, c->reconnect);
	client_free(c->client);
	ui_free(c->ui);
	term_close(c->term);
	script_free(c->script);
	keymap_free(c->keymap);
	give_up_again(c);
	model_release(&c->model);
	loop_free(c->loop);
	free(c->theme);
	free(c->colors);
	free(c->complaint);
	free(c->why_closed);
	free(c->save_path);
}

int cockpit_run(const struct cockpit_options *options, struct err *err)
{
	struct cockpit c = { .options = options, .loop = loop_new(), .keymap = keymap_new(), .retry = RETRY, .bell = 1 };
	int rc = -1;
	model_init(&c.model);
	signal(SIGPIPE, SIG_IGN);
	if (options->script && !(c.script = script_load(options->script, err)))
		goto out;
	c.client = client_new(c.loop, options->socket_path, options->observe ? "observer" : "driver", NULL, 0, &handler, &c, err);
	if (!c.client)
		goto out;
	client_query(c.client, "settings", NULL, SETTINGS_TAG);
	wait_for_history(&c);
	if (!c.client && c.why_closed) {
		err_set(err, "%s", c.why_closed);
		goto out;
	}
	if (open_screen(&c, err) < 0)
		goto out;
	if (c.script)
		rc = script_run(c.script, &c, err);
	else
		loop_run(c.loop);
	rc = c.script ? rc : 0;
out:
	close_all(&c);
	return rc < 0 ? (err->code ? (int)err->code : EXIT_FAILED) : EXIT_DONE;
}
