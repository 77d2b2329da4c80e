/* The list over the prompt while something is typed behind `:`. */
#include "tui/palette.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "tui/complete.h"

enum { ROWS_MAX = 10, KEYS_COLUMNS = 14 };

/* What neither a hand nor a line can do: the mouse's, and those of the prompt itself. */
static int is_for_people(enum action a)
{
	return a != ACTION_NONE && a != ACTION_CLICK && a != ACTION_WHEEL_UP && a != ACTION_WHEEL_DOWN && a != ACTION_PALETTE &&
	       a < ACTION_EDIT_ACCEPT;
}

/* The command whose name the line begins with. */
static const struct ui_command *find_command(const struct ui_command *commands, const char *line)
{
	size_t size = strcspn(line, " ");

	for (const struct ui_command *command = commands; command && command->name; command++)
		if (strlen(command->name) == size && !strncmp(command->name, line, size))
			return command;
	return NULL;
}

void palette_candidates(const struct ui_command *commands, const struct model *m, const char *stem, struct strings *out)
{
	size_t size = strlen(stem);
	const struct ui_command *known = find_command(commands, stem);

	if (strchr(stem, ' ')) {
		if (known)
			complete_line(known, m, stem, out);
		return;
	}
	for (int a = 0; a < ACTION_COUNT; a++)
		if (is_for_people(a) && !strncmp(action_name(a), stem, size))
			strings_add(out, action_name(a));
	for (const struct ui_command *command = commands; command && command->name; command++)
		if (!strncmp(command->name, stem, size) && action_find(command->name) < 0)
			strings_add(out, command->name);
}

/* Of a line with arguments the last word is what is chosen. */
static const char *shown_word(const char *line)
{
	const char *blank = strrchr(line, ' ');

	return blank ? blank + 1 : line;
}

static void draw_row(const struct palette *p, const char *line, int width, struct canvas *row)
{
	const char *word = shown_word(line);
	int action = word == line ? action_find(line) : -1, after = width + 4 + KEYS_COLUMNS;
	const struct ui_command *command = find_command(p->commands, line);
	struct buf text = { 0 };

	canvas_text(row, 0, 1, STYLE_STRONG, word, width);
	if (word != line) {
		complete_explain(p->model, line, &text);
		canvas_text_cut(row, 0, width + 3, STYLE_MUTED, buf_str(&text), -1);
	} else if (action >= 0) {
		keymap_keys(p->map, p->context, action, &text);
		canvas_text_cut(row, 0, width + 3, STYLE_KEY, buf_str(&text), KEYS_COLUMNS);
		canvas_text_cut(row, 0, after, STYLE_MUTED, action_help(action), -1);
	} else if (command) {
		canvas_text_cut(row, 0, after, STYLE_MUTED, command->help, -1);
	}
	buf_release(&text);
}

/* How the command in the line is used, once its name is complete. */
static int draw_usage(const struct palette *p, struct canvas *row)
{
	const struct ui_command *command = strchr(p->line, ' ') ? find_command(p->commands, p->line) : NULL;
	int x = 1;

	if (!command)
		return 0;
	x += canvas_text(row, 0, x, STYLE_STRONG, command->name, -1) + 1;
	x += canvas_text_cut(row, 0, x, STYLE_KEY, command->args, -1);
	canvas_text_cut(row, 0, x + 3, STYLE_MUTED, command->help, -1);
	return 1;
}

void palette_draw(const struct palette *p, struct canvas *c)
{
	const struct strings *candidates = p->candidates;
	int rows = candidates->count < ROWS_MAX ? (int)candidates->count : ROWS_MAX, width = 8, at = 0, below;
	size_t first = 0;
	struct canvas box, last = canvas_sub(c, (struct rect){ c->rows - 1, 0, 1, c->columns });

	if (c->rows < 3)
		return;
	canvas_fill(&last, (struct rect){ 0, 0, 1, last.columns }, STYLE_DEFAULT);
	below = draw_usage(p, &last);
	if (rows > c->rows - 1 - below)
		rows = c->rows - 1 - below;
	if (rows + below <= 0)
		return;
	for (size_t i = 0; i < candidates->count; i++) {
		int columns = text_columns(shown_word(candidates->at[i]));
		width = columns > width ? columns : width;
		if (p->chosen && !strcmp(candidates->at[i], p->chosen))
			at = (int)i;
	}
	if (at >= rows)
		first = (size_t)(at - rows + 1);
	box = canvas_sub(c, (struct rect){ c->rows - below - rows - 1, 0, rows + 1, c->columns });
	canvas_fill(&box, (struct rect){ 0, 0, box.rows, box.columns }, STYLE_DEFAULT);
	canvas_hline(&box, 0, 0, box.columns, STYLE_BORDER_FOCUS);
	for (int y = 0; y < rows; y++) {
		const char *line = candidates->at[first + (size_t)y];
		struct canvas row = canvas_sub(&box, (struct rect){ y + 1, 0, 1, box.columns });
		draw_row(p, line, width, &row);
		if (p->chosen && !strcmp(line, p->chosen))
			canvas_mark(&row, 0, 0, row.columns, CELL_SELECTED);
	}
}
