/* The terminal on the loop, and drawing. Once per turn panes are synced to the model and to their size, then draw into the
 * one grid, which goes to the terminal; what a busy line does not take yet is drawn later, from the state there is then.
 *
 * Wake-ups: one timer, and only for what shows: a second while something counts, else the next full minute of the
 * session's clock, else none. Changes of the model are drawn at most every FRAME; a key is drawn at once.
 */
#include <signal.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/query.h"
#include "tui/chrome.h"
#include "tui/errand.h"
#include "tui/palette.h"
#include "tui/ui_state.h"

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
		ui_leave(ui);
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
		ui_leave(ui);
	else if (!ui->dirty)
		ui_note_subject(ui);
}

static void errand_ended(void *data, int code)
{
	struct ui *ui = data;
	struct term *term = ui->options.term;

	ui->errand = NULL;
	term_return(term);
	loop_watch(ui->options.loop, term_in(term), LOOP_READ, on_input, ui);
	ui_resize(ui, term_rows(term), term_columns(term));
	ui_focus_changed(ui);
	if (code > 0)
		ui_message(ui, "the program ended with exit code %d", code);
}

int ui_run(struct ui *ui, const char *const *argv, struct err *err)
{
	struct term *term = ui->options.term;

	if (!term || term_in(term) < 0 || !ui->options.loop)
		return err_set(err, "there is no terminal to give to %s", argv[0]);
	if (ui->errand)
		return err_set(err, "another program has the terminal");
	loop_unwatch(ui->options.loop, term_out(term));
	loop_unwatch(ui->options.loop, term_in(term));
	loop_cancel(ui->options.loop, ui->timer);
	ui->timer = NULL;
	ui->busy = 0;
	term_leave(term);
	ui->errand = errand_start(ui->options.loop, term_in(term), argv, errand_ended, ui, err);
	if (ui->errand)
		return 0;
	term_return(term);
	loop_watch(ui->options.loop, term_in(term), LOOP_READ, on_input, ui);
	ui_focus_changed(ui);
	return -1;
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
	ui_leave(data);
}

static void on_stop(void *data, int number)
{
	(void)number;
	ui_suspend(data);
}

/* Drawing */

static struct chrome chrome_of(const struct ui *ui)
{
	return (struct chrome){ ui->options.model, ui_shown_time(ui), ui->connected, ui->options.observer, ui->replaying };
}

static void sync_pane(struct ui *ui, struct pane *p, struct rect body)
{
	struct intent want = { 0 };

	p->now = ui_shown_time(ui);
	p->rows = body.rows;
	p->columns = body.columns;
	if (p->ops->sync && p->ops->sync(p, ui->options.model, body.rows, body.columns, &want))
		ui->ticking = 1;
	if (want.kind == INTENT_QUERY)
		ui_carry_out(ui, p, &want);
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
		list = ui_candidates(ui);
		if (ui->prompt_use == FOR_PALETTE) {
			struct canvas above = canvas_sub(c, (struct rect){ 1, 0, c->rows - 2, c->columns });
			const char *line = buf_str(&ui->prompt.text);
			palette_draw(&(struct palette){ ui->options.commands, ui->options.keymap, ui_top(ui)->ops->context,
			             ui->options.model, line, &list, ui->prompt.candidate ? line : NULL }, &above);
		}
		strings_release(&list);
	} else if (ui->message) {
		canvas_text_cut(c, c->rows - 1, 1, STYLE_MESSAGE, ui->message, -1);
	} else {
		struct canvas last = canvas_sub(c, (struct rect){ c->rows - 1, 0, 1, c->columns });
		struct chrome chrome = chrome_of(ui);
		chrome_footer(&chrome, ui->options.keymap, ui_top(ui), &last);
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
		draw_pane(ui, ui_top(ui), &l->overlay, buf_str(&waits));
	chrome_divider(l->divider, ui->focus < 2, &all);
	draw_last_line(ui, &all);
	buf_release(&waits);
}

static void call_the_human(struct ui *ui)
{
	size_t waiting = count_needs_human(ui->options.model) + (open_permission(ui->options.model) != NULL);

	if (waiting > ui->waited && ui->unfocused && ui->options.bell && ui->options.term)
		term_bell(ui->options.term);
	ui->waited = waiting;
}

static void send(struct ui *ui)
{
	struct term *term = ui->options.term;
	int refused = term ? term_draw(term, &ui->grid) : 0;

	if (refused < 0) {
		ui_leave(ui);
		return;
	}
	ui->drawn = ui_now(ui);
	if (!refused)
		ui->dirty = ui->urgent = 0;
	ui->busy = term && term_flush(term) == 1;
	if (ui->busy && ui->options.loop)
		loop_watch(ui->options.loop, term_out(term), LOOP_WRITE, on_writable, ui);
	else if (!refused)
		ui_note_subject(ui);
}

void ui_draw(struct ui *ui)
{
	struct layout l = ui_layout(ui);
	struct canvas all = canvas_of(&ui->grid);
	struct chrome chrome = chrome_of(ui);

	if (!ui->dirty || ui->busy || ui->left || ui->errand)
		return;
	ui->ticking = chrome_counts(&chrome);
	for (int i = 0; i < LAYOUT_PANES; i++)
		if (l.panes[i].title.rows)
			sync_pane(ui, &ui->main[i], l.panes[i].body);
	if (ui->overlay_count)
		sync_pane(ui, ui_top(ui), l.overlay.body);
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
	ui_touch(ui);
}

/* When the screen changes by itself next, from now; -1: never. */
static int64_t until_next_tick(const struct ui *ui)
{
	const struct model *m = ui->options.model;
	int64_t t = ui_shown_time(ui);

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
	int64_t since = ui_now(ui) - ui->drawn, wait;

	if (ui->left || ui->errand)
		return;
	if (ui->urgent || since >= FRAME)
		ui_draw(ui);
	if (ui->busy)
		return;
	wait = ui->dirty ? FRAME - since : until_next_tick(ui);
	loop_cancel(ui->options.loop, ui->timer);
	ui->timer = wait >= 0 ? loop_after(ui->options.loop, wait, on_timer, ui) : NULL;
}

void ui_join_loop(struct ui *ui)
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
