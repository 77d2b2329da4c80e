/* The list over the prompt while something is typed behind `:`. */
#include "tui/palette.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

enum { ROWS_MAX = 10, KEYS_COLUMNS = 14 };

/* What neither a hand nor a line can do: the mouse's, and those of the prompt itself. */
static int is_for_people(enum action a)
{
	return a != ACTION_NONE && a != ACTION_CLICK && a != ACTION_WHEEL_UP && a != ACTION_WHEEL_DOWN && a != ACTION_PALETTE &&
	       a < ACTION_EDIT_ACCEPT;
}

static const struct ui_command *find_command(const struct ui_command *commands, const char *name)
{
	for (const struct ui_command *command = commands; command && command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

void palette_candidates(const struct ui_command *commands, const char *stem, struct strings *out)
{
	size_t size = strlen(stem);

	if (strchr(stem, ' '))
		return;
	for (int a = 0; a < ACTION_COUNT; a++)
		if (is_for_people(a) && !strncmp(action_name(a), stem, size))
			strings_add(out, action_name(a));
	for (const struct ui_command *command = commands; command && command->name; command++)
		if (!strncmp(command->name, stem, size) && action_find(command->name) < 0)
			strings_add(out, command->name);
}

static void draw_row(const struct ui_command *commands, const struct keymap *map, enum context context, const char *name,
                     int width, struct canvas *row)
{
	int action = action_find(name);
	const struct ui_command *command = find_command(commands, name);
	struct buf keys = { 0 };

	canvas_text(row, 0, 1, STYLE_STRONG, name, width);
	if (action >= 0)
		keymap_keys(map, context, action, &keys);
	canvas_text_cut(row, 0, width + 3, STYLE_KEY, buf_str(&keys), KEYS_COLUMNS);
	if (action >= 0)
		canvas_text_cut(row, 0, width + 4 + KEYS_COLUMNS, STYLE_MUTED, action_help(action), -1);
	else if (command)
		canvas_text_cut(row, 0, width + 4 + KEYS_COLUMNS, STYLE_MUTED, command->help, -1);
	buf_release(&keys);
}

void palette_draw(const struct ui_command *commands, const struct keymap *map, enum context context, const struct strings *candidates,
                  const char *chosen, struct canvas *c)
{
	int rows = candidates->count < ROWS_MAX ? (int)candidates->count : ROWS_MAX, width = 8, at = 0;
	size_t first = 0;
	struct canvas box;

	if (rows > c->rows - 1)
		rows = c->rows - 1;
	if (rows <= 0)
		return;
	for (size_t i = 0; i < candidates->count; i++) {
		int columns = text_columns(candidates->at[i]);
		width = columns > width ? columns : width;
		if (chosen && !strcmp(candidates->at[i], chosen))
			at = (int)i;
	}
	if (at >= rows)
		first = (size_t)(at - rows + 1);
	box = canvas_sub(c, (struct rect){ c->rows - rows - 1, 0, rows + 1, c->columns });
	canvas_fill(&box, (struct rect){ 0, 0, box.rows, box.columns }, STYLE_DEFAULT);
	canvas_hline(&box, 0, 0, box.columns, STYLE_BORDER_FOCUS);
	for (int y = 0; y < rows; y++) {
		const char *name = candidates->at[first + (size_t)y];
		struct canvas row = canvas_sub(&box, (struct rect){ y + 1, 0, 1, box.columns });
		draw_row(commands, map, context, name, width, &row);
		if (chosen && !strcmp(name, chosen))
			canvas_mark(&row, 0, 0, row.columns, CELL_SELECTED);
	}
}
