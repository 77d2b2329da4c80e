/* What is typed, and what it may do.
 *
 * The human's word (DESIGN 7). An action that spends it (approve, sign, waive, permit) is let through only if the focused pane has
 * been focused, and has shown exactly what it is about, for GRACE; if no other key that meant nothing here came within GRACE;
 * and if the key came alone, not in one read with others. Whatever was meant for somewhere else fails at least one of these.
 * A paste never runs anything. A line typed behind `:` and ended by Enter names what it is about, and passes.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/palette.h"
#include "tui/ui_state.h"

/* The human's word */

static char *subject_of(const struct ui *ui, struct pane *p)
{
	struct buf out = { 0 };

	if (p->ops->subject)
		p->ops->subject(p, ui->options.model, &out);
	return buf_take(&out);
}

/* What is on the screen now is what an approval may be about. */
void ui_note_subject(struct ui *ui)
{
	char *subject = subject_of(ui, ui_top(ui));

	if (!subject || !ui->subject || strcmp(subject, ui->subject))
		ui->subject_since = ui_now(ui);
	free(ui->subject);
	ui->subject = subject;
}

/* NULL, or why the word is not taken yet. */
static const char *why_not(struct ui *ui, enum action a, int alone)
{
	enum context where = action_is_permit(a) ? CONTEXT_AGENT : CONTEXT_REVIEW;
	struct pane *p = ui_top(ui);
	char *subject = subject_of(ui, p);
	int any = subject && *subject, shown = any && ui->subject && !strcmp(subject, ui->subject);
	int64_t t = ui_now(ui);

	free(subject);
	if (p->ops->context != where || !p->ops->subject)
		return where == CONTEXT_AGENT ? "go to the agent (5) first" : "go to the review (4) first";
	if (!any)
		return "there is nothing on the screen that this could be about";
	if (!alone)
		return "that key came together with others: press it alone";
	if (!shown || t - ui->subject_since < GRACE)
		return "this came on the screen just now: look, then press it again";
	if (t - ui->stray < GRACE)
		return "other keys came just before: press it again";
	return NULL;
}

static void guarded(struct ui *ui, enum action a, int alone)
{
	const char *why;

	if (ui_refuses(ui, a))
		return;
	why = why_not(ui, a, alone);
	if (!why) {
		ui_action(ui, a);
		return;
	}
	ui->stray = ui_now(ui);
	ui_message(ui, "%s: %s", action_name(a), why);
}

/* Prompt */

struct strings ui_candidates(const struct ui *ui)
{
	struct strings list = { 0 };

	if (ui->prompt_use == FOR_PALETTE)
		palette_candidates(ui->options.commands, ui->options.model, prompt_stem(&ui->prompt), &list);
	return list;
}

static void run_line(struct ui *ui, char *line)
{
	struct err err = { 0 };
	int action;
	uint64_t tag;

	line += strspn(line, " ");
	for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
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
	tag = ui_remember_asked(ui, NULL, 0, 0);
	if (ui->options.backend->line(ui->options.data, line, tag, &err) < 0)
		ui_answer(ui, tag, NULL, err.text);
}

static void search_as_typed(struct ui *ui)
{
	struct pane *p = ui_top(ui);

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

	ui_end_prompt(ui);
	switch (use) {
	case FOR_PALETTE:
		run_line(ui, text);
		break;
	case FOR_SEARCH:
		if (ui->search && !(ui_top(ui)->ops->search && ui_top(ui)->ops->search(ui_top(ui), ui->options.model, ui->search, 0)))
			ui_message(ui, "no match for `%s` here", ui->search);
		break;
	case FOR_PANE:
		if (p)
			ui_pane_act(ui, p, &(struct act){ .action = ui->prompt_action, .text = text });
		break;
	case FOR_STEER:
		args = json_object();
		json_put_string(args, "text", text);
		ui_send_command(ui, "steer", args);
		break;
	case FOR_NOTHING:
		break;
	}
	free(text);
}

static void complete(struct ui *ui, int direction)
{
	struct strings list = ui_candidates(ui);

	prompt_complete(&ui->prompt, &list, direction);
	strings_release(&list);
	ui_touch(ui);
}

static void prompt_key(struct ui *ui, struct key key)
{
	enum action a = keymap_find(ui->options.keymap, CONTEXT_PROMPT, key);
	enum prompt_result result;
	struct buf bytes = { 0 };

	ui_touch(ui);
	if (a == ACTION_SUSPEND) {
		ui_suspend(ui);
	} else if (a == ACTION_EDIT_COMPLETE || a == ACTION_EDIT_COMPLETE_BACK) {
		complete(ui, a == ACTION_EDIT_COMPLETE ? 1 : -1);
	} else if (a != ACTION_NONE) {
		result = prompt_act(&ui->prompt, a);
		if (result == PROMPT_ACCEPTED) {
			accept(ui);
		} else if (result == PROMPT_ABORTED) {
			if (ui->prompt_use == FOR_SEARCH)
				ui_end_search(ui);
			ui_end_prompt(ui);
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

static void mouse_in(struct ui *ui, struct pane *p, const struct layout_pane *where, const struct input *input)
{
	struct act act = { .y = input->y - where->body.y, .x = input->x - where->body.x };

	act.action = input->button == MOUSE_WHEEL_UP ? ACTION_WHEEL_UP : input->button == MOUSE_WHEEL_DOWN ? ACTION_WHEEL_DOWN : ACTION_CLICK;
	if (holds(where->body, input->y, input->x))
		ui_pane_act(ui, p, &act);
	ui_touch(ui);
}

static void mouse(struct ui *ui, const struct input *input)
{
	struct layout l = ui_layout(ui);

	if (!input->pressed || (input->button != MOUSE_LEFT && input->button != MOUSE_WHEEL_UP && input->button != MOUSE_WHEEL_DOWN))
		return;
	if (ui->overlay_count) {
		mouse_in(ui, ui_top(ui), &l.overlay, input);
		return;
	}
	for (int i = 0; i < LAYOUT_PANES; i++)
		if (holds(l.panes[i].title, input->y, input->x) || holds(l.panes[i].body, input->y, input->x)) {
			if (input->button == MOUSE_LEFT)
				ui_focus_pane(ui, i);
			mouse_in(ui, &ui->main[i], &l.panes[i], input);
			return;
		}
}

static void key(struct ui *ui, struct key k, int alone)
{
	enum action a;

	if (ui->message) {
		string_set(&ui->message, NULL);
		ui_touch(ui);
	}
	if (ui->prompt_use) {
		prompt_key(ui, k);
		ui->stray = ui_now(ui);
		return;
	}
	a = keymap_find(ui->options.keymap, ui_top(ui)->ops->context, k);
	if (a == ACTION_NONE)
		ui->stray = ui_now(ui);
	else if (action_is_guarded(a))
		guarded(ui, a, alone);
	else
		ui_action(ui, a);
}

static void paste(struct ui *ui, const struct input *input)
{
	ui->stray = ui_now(ui);
	if (!ui->prompt_use) {
		ui_message(ui, "pasted text goes into a line: press : or / first");
		return;
	}
	prompt_insert(&ui->prompt, input->text, input->size);
	if (ui->prompt_use == FOR_SEARCH)
		search_as_typed(ui);
	ui_touch(ui);
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
	ui_touch(ui);
}
