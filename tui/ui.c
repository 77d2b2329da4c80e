/* The shell. Input comes in as events, becomes an action by the keymap of what is focused, goes to the focused pane first
 * and to the shell if the pane ignores it; what the pane wants comes back as an intent and is carried out here. Drawing
 * happens once per turn: panes are synced to the model and their size, then draw into the one grid.
 *
 * The human's word (DESIGN 7). An action that spends it (approve, sign, waive) is let through only if the focused pane has
 * been focused, and has shown exactly what it is about, for GRACE; if no other key that meant nothing here came within GRACE;
 * and if the key came alone, not in one read with others. Whatever was meant for somewhere else fails at least one of these.
 * A paste never runs anything. A line typed behind `:` and ended by Enter names what it is about, and passes.
 *
 * Wake-ups: one timer, and only for what shows: a second while something counts, else the next full minute of the
 * session's clock, else none. Changes of the model are drawn at most every FRAME; a key is drawn at once.
 */
#include "tui/ui.h"

#include <assert.h>
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "tui/chrome.h"
#include "tui/layout.h"
#include "tui/palette.h"
#include "tui/prompt.h"

enum {
	GRACE = 400000, FRAME = 100000, SECOND = 1000000, MINUTE = 60 * SECOND,		/* microseconds */
	OVERLAYS_MAX = 8, READ_SIZE = 4096, BATCH_MAX = 512,
};

enum prompt_use { FOR_NOTHING, FOR_PALETTE, FOR_SEARCH, FOR_PANE, FOR_STEER };

/* A query or command on its way, and who asked: a pane, or the shell (NULL). */
struct asked {
	uint64_t tag, pane_tag;
	struct pane *pane;
	int is_query;
};

struct ui {
	struct ui_options options;
	struct keys *keys;
	struct grid grid;
	struct pane main[LAYOUT_PANES];
	struct pane *overlays[OVERLAYS_MAX];
	int overlay_count, focus, zoomed;
	struct prompt prompt;
	enum prompt_use prompt_use;
	struct pane *prompt_pane;
	enum action prompt_action;
	struct strings lines, searches, answers;	/* histories */
	char *search;					/* last text searched */
	char *message, *replaying;
	struct asked *asked;
	size_t asked_count, asked_room;
	uint64_t next_tag;
	int dirty, urgent, connected, ticking, unfocused, busy, left, mouse;
	size_t waited;					/* how many waited for the human when last looked */
	int64_t focus_since, subject_since, stray, drawn;	/* monotonic */
	char *subject;					/* as drawn */
	struct loop_timer *timer, *escape;
	char theme[32];
	struct input *batch;
	size_t batch_count, batch_room;
};

static int64_t now(const struct ui *ui)
{
	return ui->options.clock ? ui->options.clock() : clock_monotonic();
}

static int64_t shown_time(const struct ui *ui)
{
	return ui->options.frozen ? ui->options.frozen : clock_wall();
}

static struct pane *top(struct ui *ui)
{
	return ui->overlay_count ? ui->overlays[ui->overlay_count - 1] : &ui->main[ui->focus];
}

static void touch(struct ui *ui)
{
	ui->dirty = ui->urgent = 1;
}

void ui_message(struct ui *ui, const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	string_set(&ui->message, text);
	touch(ui);
}

/* Panes */

static void pane_open(struct ui *ui, struct pane *p, const struct pane_ops *ops, const char *name)
{
	*p = (struct pane){ .ops = ops, .name = xstrdup(name), .now = shown_time(ui), .keymap = ui->options.keymap };
	p->state = xcalloc(1, ops->state_size);
	if (ops->open)
		ops->open(p);
}

static void pane_close(struct ui *ui, struct pane *p)
{
	for (size_t i = 0; i < ui->asked_count; i++)
		if (ui->asked[i].pane == p)
			ui->asked[i].pane = NULL;
	if (ui->prompt_pane == p) {
		ui->prompt_pane = NULL;
		if (ui->prompt_use == FOR_PANE) {
			prompt_close(&ui->prompt);
			ui->prompt_use = FOR_NOTHING;
		}
	}
	if (p->ops->close)
		p->ops->close(p);
	free(p->state);
	free(p->name);
}

/* What INTENT_OPEN and the palette call a pane: the first word of its name in small letters. */
static int is_called(const struct pane_ops *ops, const char *name)
{
	size_t size = strcspn(ops->name, " ");

	return strlen(name) == size && !strncasecmp(ops->name, name, size);
}

static const struct pane_ops *find_pane(const struct ui *ui, const char *name)
{
	for (const struct pane_ops *const *ops = ui->options.panes; *ops; ops++)
		if (is_called(*ops, name))
			return *ops;
	return NULL;
}

static void focus_changed(struct ui *ui)
{
	for (int i = 0; i < LAYOUT_PANES; i++)
		ui->main[i].focused = !ui->overlay_count && i == ui->focus;
	for (int i = 0; i < ui->overlay_count; i++)
		ui->overlays[i]->focused = i == ui->overlay_count - 1;
	ui->focus_since = now(ui);
	string_set(&ui->subject, NULL);
	touch(ui);
}

static void close_overlay(struct ui *ui)
{
	struct pane *p = ui->overlays[--ui->overlay_count];

	pane_close(ui, p);
	free(p);
	focus_changed(ui);
}

static void focus_pane(struct ui *ui, int i)
{
	int same = !ui->overlay_count && ui->focus == i;

	while (ui->overlay_count)
		close_overlay(ui);
	ui->focus = i;
	if (!same)
		focus_changed(ui);
}

static void open_overlay(struct ui *ui, const char *name, const char *on)
{
	const struct pane_ops *ops = find_pane(ui, name);
	struct pane *p = top(ui);

	if (!ops) {
		ui_message(ui, "there is no pane `%s`", name);
		return;
	}
	if (ops->digit) {
		focus_pane(ui, ops->digit - 1);
		return;
	}
	if (p->ops == ops && !strcmp(p->name ? p->name : "", on ? on : ""))
		return;
	if (ui->overlay_count == OVERLAYS_MAX) {
		ui_message(ui, "%d panes lie over each other already: close one with q", OVERLAYS_MAX);
		return;
	}
	p = xcalloc(1, sizeof *p);
	pane_open(ui, p, ops, on);
	ui->overlays[ui->overlay_count++] = p;
	focus_changed(ui);
}

static void go(struct ui *ui, const char *name, const char *what)
{
	const struct pane_ops *ops = find_pane(ui, name);

	if (!ops || !ops->digit)
		return;
	focus_pane(ui, ops->digit - 1);
	if (ops->show && what)
		ops->show(&ui->main[ops->digit - 1], ui->options.model, what);
}

/* Intents */

static uint64_t remember_asked(struct ui *ui, struct pane *p, uint64_t pane_tag, int is_query)
{
	struct asked *asked = array_add(&ui->asked, &ui->asked_count, &ui->asked_room, sizeof *asked);

	*asked = (struct asked){ ++ui->next_tag, pane_tag, p, is_query };
	return ui->next_tag;
}

static void command(struct ui *ui, const char *name, struct json *args_taken)
{
	uint64_t tag = remember_asked(ui, NULL, 0, 0);

	ui->options.backend->command(ui->options.data, name, args_taken ? args_taken : json_object(), tag);
}

static void open_prompt(struct ui *ui, enum prompt_use use, const char *label, const char *initial, struct strings *history)
{
	prompt_open(&ui->prompt, label, initial, history);
	ui->prompt_use = use;
	touch(ui);
}

static void end_prompt(struct ui *ui)
{
	prompt_close(&ui->prompt);
	ui->prompt_use = FOR_NOTHING;
	touch(ui);
}

static void copy(struct ui *ui, const char *text)
{
	if (!ui->options.term)
		ui_message(ui, "there is no terminal to copy to");
	else if (term_copy(ui->options.term, text, strlen(text)) < 0)
		ui_message(ui, "that is more than a terminal takes into its clipboard");
	else
		ui_message(ui, "copied");
}

static void carry_out(struct ui *ui, struct pane *p, struct intent *want)
{
	struct json *args = want->args;
	uint64_t tag;

	want->args = NULL;
	switch (want->kind) {
	case INTENT_COMMAND:
		command(ui, want->name, args);
		break;
	case INTENT_QUERY:
		tag = remember_asked(ui, p, want->tag, 1);
		ui->options.backend->query(ui->options.data, want->name, args ? args : json_object(), tag);
		break;
	case INTENT_OPEN:
		open_overlay(ui, want->name, want->text);
		break;
	case INTENT_GO:
		go(ui, want->name, want->text);
		break;
	case INTENT_CLOSE:
		if (ui->overlay_count && p == top(ui))
			close_overlay(ui);
		break;
	case INTENT_PROMPT:
		ui->prompt_pane = p;
		ui->prompt_action = want->action;
		open_prompt(ui, FOR_PANE, want->name, want->text, &ui->answers);
		break;
	case INTENT_MESSAGE:
		ui_message(ui, "%s", want->text);
		break;
	case INTENT_COPY:
		copy(ui, want->text);
		break;
	case INTENT_NONE:
		break;
	}
	intent_clear(want);
}

/* Whether the pane took the action. */
static int pane_act(struct ui *ui, struct pane *p, const struct act *act)
{
	struct intent want = { 0 };
	enum pane_result result = p->ops->act ? p->ops->act(p, ui->options.model, act, &want) : PANE_IGNORED;

	if (result == PANE_REDRAW)
		touch(ui);
	if (result == PANE_INTENT) {
		touch(ui);
		carry_out(ui, p, &want);
	}
	return result != PANE_IGNORED;
}

/* Actions of the shell */

static void leave(struct ui *ui)
{
	if (!ui->left)
		ui->options.backend->leave(ui->options.data);
	ui->left = 1;
}

static void search_on(struct ui *ui, int direction)
{
	struct pane *p = top(ui);

	if (!ui->search)
		ui_message(ui, "nothing was searched yet");
	else if (!p->ops->search || !p->ops->search(p, ui->options.model, ui->search, direction))
		ui_message(ui, "no match for `%s` here", ui->search);
	touch(ui);
}

static int end_search(struct ui *ui)
{
	struct pane *p = top(ui);

	if (!ui->search)
		return 0;
	if (p->ops->search)
		p->ops->search(p, ui->options.model, NULL, 0);
	string_set(&ui->search, NULL);
	touch(ui);
	return 1;
}

static void back(struct ui *ui)
{
	if (end_search(ui))
		return;
	if (ui->overlay_count) {
		close_overlay(ui);
	} else if (ui->zoomed) {
		ui->zoomed = 0;
		touch(ui);
	}
}

static void next_theme(struct ui *ui)
{
	static const char *const names[] = { "dark", "light", "plain" };
	struct theme theme;
	size_t i = 0;
	struct err err;

	while (i < 2 && strcmp(names[i], ui->theme))
		i++;
	snprintf(ui->theme, sizeof ui->theme, "%s", names[(i + 1) % 3]);
	if (theme_load(&theme, ui->theme, &err) < 0)
		return;
	if (ui->options.term)
		term_set_theme(ui->options.term, &theme);
	ui_message(ui, "theme %s", ui->theme);
}

static void toggle_mouse(struct ui *ui)
{
	ui->mouse = !ui->mouse;
	if (ui->options.term)
		term_set_mouse(ui->options.term, ui->mouse);
	ui_message(ui, ui->mouse ? "the mouse works here; hold Shift to select text in the terminal" : "the mouse is the terminal's again");
}

static void suspend(struct ui *ui)
{
	if (!ui->options.term)
		return;
	term_suspend(ui->options.term);
	ui_resize(ui, term_rows(ui->options.term), term_columns(ui->options.term));
	focus_changed(ui);
}

static void redraw(struct ui *ui)
{
	if (ui->options.term)
		term_redraw(ui->options.term);
	touch(ui);
}

static void quit(struct ui *ui)
{
	if (ui->overlay_count)
		close_overlay(ui);
	else
		leave(ui);
}

static void shell_act(struct ui *ui, enum action a)
{
	switch (a) {
	case ACTION_QUIT: quit(ui); break;
	case ACTION_BACK: back(ui); break;
	case ACTION_HELP: open_overlay(ui, "help", context_name(top(ui)->ops->context)); break;
	case ACTION_PALETTE: open_prompt(ui, FOR_PALETTE, ":", "", &ui->lines); break;
	case ACTION_SEARCH: open_prompt(ui, FOR_SEARCH, "/", "", &ui->searches); break;
	case ACTION_SEARCH_NEXT: search_on(ui, 1); break;
	case ACTION_SEARCH_PREVIOUS: search_on(ui, -1); break;
	case ACTION_FOCUS_NEXT: focus_pane(ui, (ui->focus + 1) % LAYOUT_PANES); break;
	case ACTION_FOCUS_PREVIOUS: focus_pane(ui, (ui->focus + LAYOUT_PANES - 1) % LAYOUT_PANES); break;
	case ACTION_PANE_1: case ACTION_PANE_2: case ACTION_PANE_3: case ACTION_PANE_4: case ACTION_PANE_5:
		focus_pane(ui, (int)(a - ACTION_PANE_1));
		break;
	case ACTION_ZOOM: ui->zoomed = !ui->zoomed; touch(ui); break;
	case ACTION_EVENTS: case ACTION_IDEAS: case ACTION_BUDGET: open_overlay(ui, action_name(a), NULL); break;
	case ACTION_PAUSE: case ACTION_RESUME: command(ui, action_name(a), NULL); break;
	case ACTION_AUTONOMY: open_prompt(ui, FOR_PALETTE, ":", "autonomy ", &ui->lines); break;
	case ACTION_STEER: open_prompt(ui, FOR_STEER, "tell the agent:", "", &ui->answers); break;
	case ACTION_MOUSE: toggle_mouse(ui); break;
	case ACTION_THEME: next_theme(ui); break;
	case ACTION_REDRAW: redraw(ui); break;
	case ACTION_SUSPEND: suspend(ui); break;
	case ACTION_LOG: ui_message(ui, "what is selected here has no log"); break;
	case ACTION_COPY: ui_message(ui, "there is nothing to copy here"); break;
	default:
		if (a < ACTION_EDIT_ACCEPT && action_is_guarded(a))
			ui_message(ui, "%s: go to the review (4) first", action_name(a));
		break;
	}
}

static int is_the_shells(enum action a)
{
	return a == ACTION_QUIT || a == ACTION_PALETTE || a == ACTION_SEARCH || a == ACTION_HELP || a == ACTION_REDRAW ||
	       a == ACTION_SUSPEND || a == ACTION_SEARCH_NEXT || a == ACTION_SEARCH_PREVIOUS;
}

void ui_action(struct ui *ui, enum action a)
{
	if (!is_the_shells(a) && pane_act(ui, top(ui), &(struct act){ .action = a }))
		return;
	shell_act(ui, a);
}

/* The human's word */

static char *subject_of(const struct ui *ui, struct pane *p)
{
	struct buf out = { 0 };

	if (p->ops->subject)
		p->ops->subject(p, ui->options.model, &out);
	return buf_take(&out);
}

/* What is on the screen now is what an approval may be about. */
static void note_subject(struct ui *ui)
{
	char *subject = subject_of(ui, top(ui));

	if (!subject || !ui->subject || strcmp(subject, ui->subject))
		ui->subject_since = now(ui);
	free(ui->subject);
	ui->subject = subject;
}

/* NULL, or why the word is not taken yet. */
static const char *why_not(struct ui *ui, int alone)
{
	struct pane *p = top(ui);
	char *subject = subject_of(ui, p);
	int any = subject && *subject, shown = any && ui->subject && !strcmp(subject, ui->subject);
	int64_t t = now(ui);

	free(subject);
	if (p->ops->context != CONTEXT_REVIEW || !p->ops->subject)
		return "go to the review (4) first";
	if (!any)
		return "there is nothing on the screen that this could be about";
	if (!alone)
		return "that key came together with others: press it alone";
	if (!shown || t - ui->focus_since < GRACE || t - ui->subject_since < GRACE)
		return "this came on the screen just now: look, then press it again";
	if (t - ui->stray < GRACE)
		return "other keys came just before: press it again";
	return NULL;
}

static void guarded(struct ui *ui, enum action a, int alone)
{
	const char *why = why_not(ui, alone);

	if (!why) {
		ui_action(ui, a);
		return;
	}
	ui->stray = now(ui);
	ui_message(ui, "%s: %s", action_name(a), why);
}

/* Prompt */

static struct strings candidates_of(const struct ui *ui)
{
	struct strings list = { 0 };

	if (ui->prompt_use == FOR_PALETTE)
		palette_candidates(ui->options.commands, prompt_stem(&ui->prompt), &list);
	return list;
}

static void run_line(struct ui *ui, const char *line)
{
	struct err err = { 0 };
	int action;
	uint64_t tag;

	while (*line == ' ')
		line++;
	action = action_find(line);
	if (!*line)
		return;
	if (action > ACTION_NONE && action < ACTION_EDIT_ACCEPT) {
		if (action_is_guarded(action))
			guarded(ui, action, 1);
		else
			ui_action(ui, action);
		return;
	}
	tag = remember_asked(ui, NULL, 0, 0);
	if (ui->options.backend->line(ui->options.data, line, tag, &err) < 0)
		ui_answer(ui, tag, NULL, err.text);
}

static void search_as_typed(struct ui *ui)
{
	struct pane *p = top(ui);

	string_set(&ui->search, ui->prompt.text.len ? buf_str(&ui->prompt.text) : NULL);
	if (p->ops->search)
		p->ops->search(p, ui->options.model, ui->search, 0);
}

static void accept(struct ui *ui)
{
	enum prompt_use use = ui->prompt_use;
	struct pane *p = ui->prompt_pane;
	char *text = xstrdup(buf_str(&ui->prompt.text));
	struct json *args;

	end_prompt(ui);
	switch (use) {
	case FOR_PALETTE:
		run_line(ui, text);
		break;
	case FOR_SEARCH:
		if (ui->search && !(top(ui)->ops->search && top(ui)->ops->search(top(ui), ui->options.model, ui->search, 0)))
			ui_message(ui, "no match for `%s` here", ui->search);
		break;
	case FOR_PANE:
		if (p)
			pane_act(ui, p, &(struct act){ .action = ui->prompt_action, .text = text });
		break;
	case FOR_STEER:
		args = json_object();
		json_put_string(args, "text", text);
		command(ui, "steer", args);
		break;
	case FOR_NOTHING:
		break;
	}
	free(text);
}

static void complete(struct ui *ui, int direction)
{
	struct strings list = candidates_of(ui);

	prompt_complete(&ui->prompt, &list, direction);
	strings_release(&list);
	touch(ui);
}

static void prompt_key(struct ui *ui, struct key key)
{
	enum action a = keymap_find(ui->options.keymap, CONTEXT_PROMPT, key);
	enum prompt_result result;
	struct buf bytes = { 0 };

	touch(ui);
	if (a == ACTION_SUSPEND) {
		suspend(ui);
	} else if (a == ACTION_EDIT_COMPLETE || a == ACTION_EDIT_COMPLETE_BACK) {
		complete(ui, a == ACTION_EDIT_COMPLETE ? 1 : -1);
	} else if (a != ACTION_NONE) {
		result = prompt_act(&ui->prompt, a);
		if (result == PROMPT_ACCEPTED) {
			accept(ui);
		} else if (result == PROMPT_ABORTED) {
			if (ui->prompt_use == FOR_SEARCH)
				end_search(ui);
			end_prompt(ui);
		} else if (result == PROMPT_CHANGED && ui->prompt_use == FOR_SEARCH) {
			search_as_typed(ui);
		}
	} else if (key.code < SYMBOL_FIRST && !key.modifiers) {
		char encoded[4];
		buf_add(&bytes, encoded, (size_t)text_encode(key.code, encoded));
		prompt_insert(&ui->prompt, bytes.data, bytes.len);
		if (ui->prompt_use == FOR_SEARCH)
			search_as_typed(ui);
	}
	buf_release(&bytes);
}

/* Input */

static int holds(struct rect r, int y, int x)
{
	return y >= r.y && y < r.y + r.rows && x >= r.x && x < r.x + r.columns;
}

static struct layout layout_of(const struct ui *ui)
{
	return layout_make(ui->grid.rows, ui->grid.columns, ui->focus, ui->zoomed, ui->overlay_count > 0);
}

static void mouse_in(struct ui *ui, struct pane *p, const struct layout_pane *where, const struct input *input)
{
	struct act act = { .y = input->y - where->body.y, .x = input->x - where->body.x };

	act.action = input->button == MOUSE_WHEEL_UP ? ACTION_WHEEL_UP : input->button == MOUSE_WHEEL_DOWN ? ACTION_WHEEL_DOWN : ACTION_CLICK;
	if (holds(where->body, input->y, input->x))
		pane_act(ui, p, &act);
	touch(ui);
}

static void mouse(struct ui *ui, const struct input *input)
{
	struct layout l = layout_of(ui);

	if (!input->pressed || (input->button != MOUSE_LEFT && input->button != MOUSE_WHEEL_UP && input->button != MOUSE_WHEEL_DOWN))
		return;
	if (ui->overlay_count) {
		mouse_in(ui, top(ui), &l.overlay, input);
		return;
	}
	for (int i = 0; i < LAYOUT_PANES; i++)
		if (holds(l.panes[i].title, input->y, input->x) || holds(l.panes[i].body, input->y, input->x)) {
			if (input->button == MOUSE_LEFT)
				focus_pane(ui, i);
			mouse_in(ui, &ui->main[i], &l.panes[i], input);
			return;
		}
}

static void key(struct ui *ui, struct key k, int alone)
{
	enum action a;

	if (ui->message) {
		string_set(&ui->message, NULL);
		touch(ui);
	}
	if (ui->prompt_use) {
		prompt_key(ui, k);
		ui->stray = now(ui);
		return;
	}
	a = keymap_find(ui->options.keymap, top(ui)->ops->context, k);
	if (a == ACTION_NONE)
		ui->stray = now(ui);
	else if (action_is_guarded(a))
		guarded(ui, a, alone);
	else
		ui_action(ui, a);
}

static void paste(struct ui *ui, const struct input *input)
{
	ui->stray = now(ui);
	if (!ui->prompt_use) {
		ui_message(ui, "pasted text goes into a line: press : or / first");
		return;
	}
	prompt_insert(&ui->prompt, input->text, input->size);
	if (ui->prompt_use == FOR_SEARCH)
		search_as_typed(ui);
	touch(ui);
}

void ui_input(struct ui *ui, const struct input *input, int alone)
{
	switch (input->type) {
	case INPUT_KEY: key(ui, input->key, alone); break;
	case INPUT_PASTE: paste(ui, input); break;
	case INPUT_MOUSE: mouse(ui, input); break;
	case INPUT_FOCUS: case INPUT_UNFOCUS: ui->unfocused = input->type == INPUT_UNFOCUS; break;
	case INPUT_MODE:
		if (ui->options.term)
			term_mode_report(ui->options.term, input->mode, input->value);
		break;
	}
}

void ui_resize(struct ui *ui, int rows, int columns)
{
	if (rows == ui->grid.rows && columns == ui->grid.columns)
		return;
	grid_resize(&ui->grid, rows, columns);
	touch(ui);
}

/* The terminal, on the loop */

static void collect(void *data, const struct input *input)
{
	struct ui *ui = data;
	struct input *copy = array_add(&ui->batch, &ui->batch_count, &ui->batch_room, sizeof *copy);

	*copy = *input;
	if (input->text)
		copy->text = xstrndup(input->text, input->size);
}

/* One read's worth of events: a key is alone when no other came with it. */
static void run_batch(struct ui *ui)
{
	struct input *batch = ui->batch;
	size_t count = ui->batch_count, keys = 0;

	ui->batch = NULL;
	ui->batch_count = ui->batch_room = 0;
	for (size_t i = 0; i < count; i++)
		keys += batch[i].type == INPUT_KEY || batch[i].type == INPUT_PASTE;
	for (size_t i = 0; i < count; i++) {
		if (!ui->left)
			ui_input(ui, &batch[i], keys == 1);
		if (batch[i].type == INPUT_PASTE)
			free((char *)batch[i].text);
	}
	free(batch);
}

static void await_escape(struct ui *ui);

static void escape_is_over(void *data)
{
	struct ui *ui = data;

	ui->escape = NULL;
	keys_wait(ui->keys, clock_monotonic(), collect, ui);
	run_batch(ui);
	await_escape(ui);
}

static void await_escape(struct ui *ui)
{
	int64_t deadline = keys_deadline(ui->keys), wait = deadline - clock_monotonic();

	loop_cancel(ui->options.loop, ui->escape);
	ui->escape = deadline ? loop_after(ui->options.loop, wait > 0 ? wait : 0, escape_is_over, ui) : NULL;
}

static void on_input(void *data, int fd, unsigned events)
{
	struct ui *ui = data;
	char bytes[READ_SIZE];
	long n = term_read(ui->options.term, bytes, sizeof bytes);

	(void)events;
	if (n < 0) {
		loop_unwatch(ui->options.loop, fd);
		leave(ui);
		return;
	}
	keys_feed(ui->keys, bytes, (size_t)n, clock_monotonic(), collect, ui);
	run_batch(ui);
	await_escape(ui);
}

static void on_writable(void *data, int fd, unsigned events)
{
	struct ui *ui = data;
	int busy = term_flush(ui->options.term);

	(void)events;
	if (busy == 1)
		return;
	loop_unwatch(ui->options.loop, fd);
	ui->busy = 0;
	if (busy < 0)
		leave(ui);
	else if (!ui->dirty)
		note_subject(ui);
}

static void on_resize(void *data, int number)
{
	struct ui *ui = data;

	(void)number;
	term_measure(ui->options.term);
	ui_resize(ui, term_rows(ui->options.term), term_columns(ui->options.term));
}

static void on_end(void *data, int number)
{
	(void)number;
	leave(data);
}

static void on_stop(void *data, int number)
{
	(void)number;
	suspend(data);
}

/* Drawing */

static struct chrome chrome_of(const struct ui *ui)
{
	return (struct chrome){ ui->options.model, shown_time(ui), ui->connected, ui->options.observer, ui->replaying };
}

static void sync_pane(struct ui *ui, struct pane *p, struct rect body)
{
	struct intent want = { 0 };

	p->now = shown_time(ui);
	p->rows = body.rows;
	p->columns = body.columns;
	if (p->ops->sync && p->ops->sync(p, ui->options.model, body.rows, body.columns, &want))
		ui->ticking = 1;
	if (want.kind == INTENT_QUERY)
		carry_out(ui, p, &want);
	intent_clear(&want);
}

static void draw_pane(struct ui *ui, struct pane *p, const struct layout_pane *where, const char *waits)
{
	struct canvas all = canvas_of(&ui->grid), title = canvas_sub(&all, where->title), body = canvas_sub(&all, where->body);

	if (!where->title.rows)
		return;
	chrome_title(p, ui->options.model, waits, &title);
	if (where->body.rows)
		p->ops->draw(p, ui->options.model, &body);
}

static void draw_last_line(struct ui *ui, struct canvas *c)
{
	struct strings list;

	if (ui->prompt_use) {
		prompt_draw(&ui->prompt, c, c->rows - 1);
		list = candidates_of(ui);
		if (ui->prompt_use == FOR_PALETTE) {
			struct canvas above = canvas_sub(c, (struct rect){ 1, 0, c->rows - 2, c->columns });
			palette_draw(ui->options.commands, ui->options.keymap, top(ui)->ops->context, &list,
			             ui->prompt.candidate ? buf_str(&ui->prompt.text) : NULL, &above);
		}
		strings_release(&list);
	} else if (ui->message) {
		canvas_text_cut(c, c->rows - 1, 1, STYLE_MESSAGE, ui->message, -1);
	} else {
		struct canvas last = canvas_sub(c, (struct rect){ c->rows - 1, 0, 1, c->columns });
		chrome_footer(ui->options.keymap, top(ui)->ops->context, &last);
	}
}

static void draw_grid(struct ui *ui, const struct layout *l)
{
	struct canvas all = canvas_of(&ui->grid), bar = canvas_sub(&all, l->bar);
	struct chrome chrome = chrome_of(ui);
	struct buf waits = { 0 };

	if (l->bar.rows)
		chrome_bar(&chrome, &bar);
	else
		chrome_waits(&chrome, &waits);
	for (int i = 0; i < LAYOUT_PANES; i++)
		draw_pane(ui, &ui->main[i], &l->panes[i], buf_str(&waits));
	if (ui->overlay_count)
		draw_pane(ui, top(ui), &l->overlay, buf_str(&waits));
	chrome_divider(l->divider, ui->focus < 2, &all);
	draw_last_line(ui, &all);
	buf_release(&waits);
}

static void call_the_human(struct ui *ui)
{
	size_t waiting = count_needs_human(ui->options.model);

	if (waiting > ui->waited && ui->unfocused && ui->options.bell && ui->options.term)
		term_bell(ui->options.term);
	ui->waited = waiting;
}

static void send(struct ui *ui)
{
	struct term *term = ui->options.term;
	int refused = term ? term_draw(term, &ui->grid) : 0;

	if (refused < 0) {
		leave(ui);
		return;
	}
	ui->drawn = now(ui);
	if (!refused)
		ui->dirty = ui->urgent = 0;
	ui->busy = term && term_flush(term) == 1;
	if (ui->busy && ui->options.loop)
		loop_watch(ui->options.loop, term_out(term), LOOP_WRITE, on_writable, ui);
	else if (!refused)
		note_subject(ui);
}

void ui_draw(struct ui *ui)
{
	struct layout l = layout_of(ui);
	struct canvas all = canvas_of(&ui->grid);
	struct chrome chrome = chrome_of(ui);

	if (!ui->dirty || ui->busy || ui->left)
		return;
	ui->ticking = chrome_counts(&chrome);
	for (int i = 0; i < LAYOUT_PANES; i++)
		if (l.panes[i].title.rows)
			sync_pane(ui, &ui->main[i], l.panes[i].body);
	if (ui->overlay_count)
		sync_pane(ui, top(ui), l.overlay.body);
	grid_clear(&ui->grid);
	if (l.kind == LAYOUT_MESSAGE)
		chrome_too_small(&all);
	else
		draw_grid(ui, &l);
	call_the_human(ui);
	send(ui);
}

static void on_timer(void *data)
{
	struct ui *ui = data;

	ui->timer = NULL;
	touch(ui);
}

/* When the screen changes by itself next, from now; -1: never. */
static int64_t until_next_tick(const struct ui *ui)
{
	const struct model *m = ui->options.model;
	int64_t t = shown_time(ui);

	if (ui->options.frozen)
		return -1;
	if (ui->ticking)
		return SECOND - t % SECOND;
	if (m->state == SESSION_OPEN || m->state == SESSION_PAUSED)
		return MINUTE - (t - m->opened) % MINUTE;
	return -1;
}

static void before_sleep(void *data)
{
	struct ui *ui = data;
	int64_t since = now(ui) - ui->drawn, wait;

	if (ui->left)
		return;
	if (ui->urgent || since >= FRAME)
		ui_draw(ui);
	if (ui->busy)
		return;
	wait = ui->dirty ? FRAME - since : until_next_tick(ui);
	loop_cancel(ui->options.loop, ui->timer);
	ui->timer = wait >= 0 ? loop_after(ui->options.loop, wait, on_timer, ui) : NULL;
}

void ui_model_changed(struct ui *ui)
{
	ui->dirty = 1;
}

void ui_connected(struct ui *ui, int connected)
{
	ui->connected = connected;
	touch(ui);
}

void ui_replaying(struct ui *ui, const char *where)
{
	string_set(&ui->replaying, where);
	touch(ui);
}

void ui_answer(struct ui *ui, uint64_t tag, const struct json *result, const char *error)
{
	for (size_t i = 0; i < ui->asked_count; i++) {
		struct asked asked = ui->asked[i];
		if (asked.tag != tag)
			continue;
		array_remove(ui->asked, &ui->asked_count, i, sizeof asked);
		if (asked.pane && asked.pane->ops->answer)
			asked.pane->ops->answer(asked.pane, &(struct answer){ asked.pane_tag, result, error });
		else if (!asked.is_query && (error || json_string(json_get(result, "text"), NULL)))
			ui_message(ui, "%s", error ? error : json_string(json_get(result, "text"), ""));
		touch(ui);
		return;
	}
}

const struct grid *ui_grid(const struct ui *ui)
{
	return &ui->grid;
}

int ui_is_idle(const struct ui *ui)
{
	int64_t t = now(ui);
	int may_approve_soon = ui->subject && *ui->subject && (t - ui->focus_since < GRACE || t - ui->subject_since < GRACE || t - ui->stray < GRACE);

	return !ui->dirty && !ui->busy && !ui->asked_count && !may_approve_soon;
}

const char *ui_focused_name(const struct ui *ui)
{
	return ui->overlay_count ? ui->overlays[ui->overlay_count - 1]->ops->name : ui->main[ui->focus].ops->name;
}

static void join_loop(struct ui *ui)
{
	struct loop *loop = ui->options.loop;

	loop_before_sleep(loop, before_sleep, ui);
	if (!ui->options.term)
		return;
	ui->keys = keys_new(term_name(ui->options.term));
	loop_watch(loop, term_in(ui->options.term), LOOP_READ, on_input, ui);
	loop_signal(loop, SIGWINCH, on_resize, ui);
	loop_signal(loop, SIGTSTP, on_stop, ui);
	loop_signal(loop, SIGHUP, on_end, ui);
	loop_signal(loop, SIGTERM, on_end, ui);
	loop_signal(loop, SIGINT, on_end, ui);
}

struct ui *ui_new(const struct ui_options *options)
{
	struct ui *ui = xcalloc(1, sizeof *ui);
	struct term *term = options->term;

	ui->options = *options;
	ui->connected = ui->dirty = ui->urgent = 1;
	ui->mouse = options->mouse;
	ui->stray = ui->drawn = -GRACE;
	snprintf(ui->theme, sizeof ui->theme, "%s", options->theme ? options->theme : "dark");
	grid_init(&ui->grid, term ? term_rows(term) : options->rows, term ? term_columns(term) : options->columns);
	ui->grid.ascii = options->ascii;
	for (const struct pane_ops *const *ops = options->panes; *ops; ops++)
		if ((*ops)->digit)
			pane_open(ui, &ui->main[(*ops)->digit - 1], *ops, NULL);
	for (int i = 0; i < LAYOUT_PANES; i++)
		assert(ui->main[i].ops);
	focus_changed(ui);
	if (options->loop)
		join_loop(ui);
	return ui;
}

void ui_free(struct ui *ui)
{
	if (!ui)
		return;
	if (ui->options.loop) {
		loop_cancel(ui->options.loop, ui->timer);
		loop_cancel(ui->options.loop, ui->escape);
		if (ui->options.term) {
			loop_unwatch(ui->options.loop, term_in(ui->options.term));
			loop_unwatch(ui->options.loop, term_out(ui->options.term));
		}
	}
	while (ui->overlay_count)
		close_overlay(ui);
	for (int i = 0; i < LAYOUT_PANES; i++)
		pane_close(ui, &ui->main[i]);
	prompt_close(&ui->prompt);
	strings_release(&ui->lines);
	strings_release(&ui->searches);
	strings_release(&ui->answers);
	free(ui->search);
	free(ui->message);
	free(ui->replaying);
	free(ui->subject);
	free(ui->asked);
	free(ui->batch);
	keys_free(ui->keys);
	grid_release(&ui->grid);
	free(ui);
}
