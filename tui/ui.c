/* The shell: which panes there are, which one is focused, what lies over them, and what they want. Input comes in by
 * ui_input.c as actions, which go to the focused pane first and to the shell if the pane ignores them; what the pane wants
 * comes back as an intent and is carried out here. ui_screen.c draws, once per turn of the loop.
 */
#include "tui/ui.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tui/errand.h"
#include "tui/ui_state.h"

int64_t ui_now(const struct ui *ui)
{
	return ui->options.clock ? ui->options.clock() : clock_monotonic();
}

int64_t ui_shown_time(const struct ui *ui)
{
	return ui->options.frozen ? ui->options.frozen : clock_wall();
}

struct pane *ui_top(struct ui *ui)
{
	return ui->overlay_count ? ui->overlays[ui->overlay_count - 1] : &ui->main[ui->focus];
}

void ui_touch(struct ui *ui)
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
	ui_touch(ui);
}

struct layout ui_layout(const struct ui *ui)
{
	return layout_make(ui->grid.rows, ui->grid.columns, ui->focus, ui->zoomed, ui->overlay_count > 0);
}

/* Panes */

static void pane_open(struct ui *ui, struct pane *p, const struct pane_ops *ops, const char *name)
{
	*p = (struct pane){ .ops = ops, .name = xstrdup(name), .now = ui_shown_time(ui), .keymap = ui->options.keymap };
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

void ui_focus_changed(struct ui *ui)
{
	for (int i = 0; i < LAYOUT_PANES; i++)
		ui->main[i].focused = !ui->overlay_count && i == ui->focus;
	for (int i = 0; i < ui->overlay_count; i++)
		ui->overlays[i]->focused = i == ui->overlay_count - 1;
	string_set(&ui->subject, NULL);
	ui_touch(ui);
}

static void close_overlay(struct ui *ui)
{
	struct pane *p = ui->overlays[--ui->overlay_count];

	pane_close(ui, p);
	free(p);
	ui_focus_changed(ui);
}

void ui_focus_pane(struct ui *ui, int i)
{
	int same = !ui->overlay_count && ui->focus == i;

	while (ui->overlay_count)
		close_overlay(ui);
	ui->focus = i;
	if (!same)
		ui_focus_changed(ui);
}

static void open_overlay(struct ui *ui, const char *name, const char *on)
{
	const struct pane_ops *ops = find_pane(ui, name);
	struct pane *p = ui_top(ui);

	if (!ops) {
		ui_message(ui, "there is no pane `%s`", name);
		return;
	}
	if (ops->digit) {
		ui_focus_pane(ui, ops->digit - 1);
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
	ui_focus_changed(ui);
}

static void go(struct ui *ui, const char *name, const char *what)
{
	const struct pane_ops *ops = find_pane(ui, name);

	if (!ops || !ops->digit)
		return;
	ui_focus_pane(ui, ops->digit - 1);
	if (ops->show && what)
		ops->show(&ui->main[ops->digit - 1], ui->options.model, what);
}

/* Intents */

uint64_t ui_remember_asked(struct ui *ui, struct pane *p, uint64_t pane_tag, int is_query)
{
	struct asked *asked = array_add(&ui->asked, &ui->asked_count, &ui->asked_room, sizeof *asked);

	*asked = (struct asked){ ++ui->next_tag, pane_tag, p, is_query };
	return ui->next_tag;
}

void ui_send_command(struct ui *ui, const char *name, struct json *args_taken)
{
	uint64_t tag = ui_remember_asked(ui, NULL, 0, 0);

	ui->options.backend->command(ui->options.data, name, args_taken ? args_taken : json_object(), tag);
}

static void open_prompt(struct ui *ui, enum prompt_use use, const char *label, const char *initial, struct strings *history)
{
	prompt_open(&ui->prompt, label, initial, history);
	ui->prompt_use = use;
	ui_touch(ui);
}

void ui_end_prompt(struct ui *ui)
{
	prompt_close(&ui->prompt);
	ui->prompt_use = FOR_NOTHING;
	ui_touch(ui);
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

static void errand(struct ui *ui, const struct intent *want, const struct json *args)
{
	const struct ui_backend *backend = ui->options.backend;
	struct err err = { 0 };

	if (!backend->errand)
		ui_message(ui, "there is no terminal to leave");
	else if (backend->errand(ui->options.data, want->name, want->text, json_string(json_get(args, "path"), NULL), &err) < 0)
		ui_message(ui, "%s", err.text);
}

void ui_carry_out(struct ui *ui, struct pane *p, struct intent *want)
{
	struct json *args = want->args;
	uint64_t tag;

	want->args = NULL;
	switch (want->kind) {
	case INTENT_COMMAND:
		ui_send_command(ui, want->name, args);
		break;
	case INTENT_QUERY:
		tag = ui_remember_asked(ui, p, want->tag, 1);
		ui->options.backend->query(ui->options.data, want->name, args ? args : json_object(), tag);
		break;
	case INTENT_OPEN:
		open_overlay(ui, want->name, want->text);
		break;
	case INTENT_GO:
		go(ui, want->name, want->text);
		break;
	case INTENT_CLOSE:
		if (ui->overlay_count && p == ui_top(ui))
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
	case INTENT_ERRAND:
		errand(ui, want, args);
		json_free(args);
		break;
	case INTENT_NONE:
		break;
	}
	intent_clear(want);
}

/* Whether the pane took the action. */
int ui_pane_act(struct ui *ui, struct pane *p, const struct act *act)
{
	struct intent want = { 0 };
	enum pane_result result = p->ops->act ? p->ops->act(p, ui->options.model, act, &want) : PANE_IGNORED;

	if (result == PANE_REDRAW)
		ui_touch(ui);
	if (result == PANE_INTENT) {
		ui_touch(ui);
		ui_carry_out(ui, p, &want);
	}
	return result != PANE_IGNORED;
}

/* Actions of the shell */

void ui_leave(struct ui *ui)
{
	if (!ui->left)
		ui->options.backend->leave(ui->options.data);
	ui->left = 1;
}

static void search_on(struct ui *ui, int direction)
{
	struct pane *p = ui_top(ui);

	if (!ui->search)
		ui_message(ui, "nothing was searched yet");
	else if (!p->ops->search || !p->ops->search(p, ui->options.model, ui->search, direction))
		ui_message(ui, "no match for `%s` here", ui->search);
	ui_touch(ui);
}

int ui_end_search(struct ui *ui)
{
	struct pane *p = ui_top(ui);

	if (!ui->search)
		return 0;
	if (p->ops->search)
		p->ops->search(p, ui->options.model, NULL, 0);
	string_set(&ui->search, NULL);
	ui_touch(ui);
	return 1;
}

static void back(struct ui *ui)
{
	if (ui_end_search(ui))
		return;
	if (ui->overlay_count) {
		close_overlay(ui);
	} else if (ui->zoomed) {
		ui->zoomed = 0;
		ui_touch(ui);
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

void ui_suspend(struct ui *ui)
{
	if (!ui->options.term)
		return;
	term_suspend(ui->options.term);
	ui_resize(ui, term_rows(ui->options.term), term_columns(ui->options.term));
	ui_focus_changed(ui);
}

static void redraw(struct ui *ui)
{
	if (ui->options.term)
		term_redraw(ui->options.term);
	ui_touch(ui);
}

static void quit(struct ui *ui)
{
	if (ui->overlay_count)
		close_overlay(ui);
	else
		ui_leave(ui);
}

static void shell_act(struct ui *ui, enum action a)
{
	switch (a) {
	case ACTION_QUIT: quit(ui); break;
	case ACTION_BACK: back(ui); break;
	case ACTION_HELP: open_overlay(ui, "help", context_name(ui_top(ui)->ops->context)); break;
	case ACTION_PALETTE: open_prompt(ui, FOR_PALETTE, ":", "", &ui->lines); break;
	case ACTION_SEARCH: open_prompt(ui, FOR_SEARCH, "/", "", &ui->searches); break;
	case ACTION_SEARCH_NEXT: search_on(ui, 1); break;
	case ACTION_SEARCH_PREVIOUS: search_on(ui, -1); break;
	case ACTION_FOCUS_NEXT: ui_focus_pane(ui, (ui->focus + 1) % LAYOUT_PANES); break;
	case ACTION_FOCUS_PREVIOUS: ui_focus_pane(ui, (ui->focus + LAYOUT_PANES - 1) % LAYOUT_PANES); break;
	case ACTION_PANE_1: case ACTION_PANE_2: case ACTION_PANE_3: case ACTION_PANE_4: case ACTION_PANE_5:
		ui_focus_pane(ui, (int)(a - ACTION_PANE_1));
		break;
	case ACTION_ZOOM: ui->zoomed = !ui->zoomed; ui_touch(ui); break;
	case ACTION_EVENTS: case ACTION_IDEAS: case ACTION_BUDGET: open_overlay(ui, action_name(a), NULL); break;
	case ACTION_PAUSE: case ACTION_RESUME: ui_send_command(ui, action_name(a), NULL); break;
	case ACTION_AUTONOMY: open_prompt(ui, FOR_PALETTE, ":", "autonomy ", &ui->lines); break;
	case ACTION_STEER: open_prompt(ui, FOR_STEER, "tell the agent:", "", &ui->answers); break;
	case ACTION_MOUSE: toggle_mouse(ui); break;
	case ACTION_THEME: next_theme(ui); break;
	case ACTION_REDRAW: redraw(ui); break;
	case ACTION_SUSPEND: ui_suspend(ui); break;
	case ACTION_LOG: ui_message(ui, "what is selected here has no log"); break;
	case ACTION_COPY: ui_message(ui, "there is nothing to copy here"); break;
	default:
		if (a < ACTION_EDIT_ACCEPT && action_is_guarded(a))
			ui_message(ui, "%s: go to the %s first", action_name(a), action_is_permit(a) ? "agent (5)" : "review (4)");
		break;
	}
}

static int is_the_shells(enum action a)
{
	return a == ACTION_QUIT || a == ACTION_PALETTE || a == ACTION_SEARCH || a == ACTION_HELP || a == ACTION_REDRAW ||
	       a == ACTION_SUSPEND || a == ACTION_SEARCH_NEXT || a == ACTION_SEARCH_PREVIOUS;
}

int ui_refuses(struct ui *ui, enum action a)
{
	if (!ui->options.observer || !action_is_command(a))
		return 0;
	ui_message(ui, "%s: observers cannot command; attach without --observe", action_name(a));
	return 1;
}

void ui_action(struct ui *ui, enum action a)
{
	if (ui_refuses(ui, a))
		return;
	if (!is_the_shells(a) && ui_pane_act(ui, ui_top(ui), &(struct act){ .action = a }))
		return;
	shell_act(ui, a);
}

void ui_model_changed(struct ui *ui)
{
	ui->dirty = 1;
}

void ui_model_news(struct ui *ui)
{
	ui_touch(ui);
}

void ui_connected(struct ui *ui, int connected)
{
	ui->connected = connected;
	ui_touch(ui);
}

void ui_replaying(struct ui *ui, const char *where)
{
	string_set(&ui->replaying, where);
	ui_touch(ui);
}

void ui_answer(struct ui *ui, uint64_t tag, const struct json *result, const char *error)
{
	for (size_t i = 0; i < ui->asked_count; i++) {
		struct asked asked = ui->asked[i];
		if (asked.tag != tag)
			continue;
		array_remove(&ui->asked, &ui->asked_count, i, sizeof asked);
		if (asked.pane && asked.pane->ops->answer)
			asked.pane->ops->answer(asked.pane, &(struct answer){ asked.pane_tag, result, error });
		else if (!asked.is_query && (error || json_string(json_get(result, "text"), NULL)))
			ui_message(ui, "%s", error ? error : json_string(json_get(result, "text"), ""));
		ui_touch(ui);
		return;
	}
}

const struct grid *ui_grid(const struct ui *ui)
{
	return &ui->grid;
}

int ui_is_idle(const struct ui *ui)
{
	int64_t t = ui_now(ui);
	int may_approve_soon = ui->subject && *ui->subject && (t - ui->subject_since < GRACE || t - ui->stray < GRACE);

	return !ui->dirty && !ui->busy && !ui->asked_count && !may_approve_soon;
}

const char *ui_focused_name(const struct ui *ui)
{
	return ui->overlay_count ? ui->overlays[ui->overlay_count - 1]->ops->name : ui->main[ui->focus].ops->name;
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
	ui_focus_changed(ui);
	if (options->loop)
		ui_join_loop(ui);
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
	errand_abandon(ui->errand);
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
