/* The manual page is a text of its own, assets/skydeck.1, in which two lines stand for what the tables say: the commands and the
 * settings. */
#include "core/cli/manual.h"

#include <string.h>

#include "core/base/embedded.h"
#include "core/cli/cli.h"
#include "core/data/config.h"

int manual_next(const char **text, struct manual_row *row)
{
	if (!**text)
		return 0;
	const char *end = *text + strcspn(*text, "\n");
	for (size_t i = 0; i < MANUAL_CELLS; i++) {
		row->at[i] = *text;
		row->len[i] = (int)strcspn(*text, "\t\n");
		*text += row->len[i];
		*text += **text == '\t';
	}
	*text = end + (*end == '\n');
	return 1;
}

/* As it is: no line of it is a request to roff. */
static void plain(struct buf *out, const char *text, int len)
{
	buf_puts(out, "\\&");
	for (int i = 0; i < len; i++)
		switch (text[i]) {
		case '-':  buf_puts(out, "\\-"); break;
		case '\\': buf_puts(out, "\\e"); break;
		default:   buf_putc(out, text[i]);
		}
}

static void entry(struct buf *out, const char *name, int name_len, const char *rest, const char *text, int len)
{
	buf_puts(out, ".TP\n\\fB");
	plain(out, name, name_len);
	buf_puts(out, "\\fR ");
	plain(out, rest, (int)strlen(rest));
	buf_putc(out, '\n');
	plain(out, text, len);
	buf_putc(out, '\n');
}

static void commands(struct buf *out)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];
		entry(out, c->name, (int)strlen(c->name), c->args, c->help, (int)strlen(c->help));
		if (!c->options)
			continue;
		const char *p = c->options;
		buf_puts(out, ".RS\n");
		for (struct manual_row row; manual_next(&p, &row);)
			entry(out, row.at[0], row.len[0], "", row.at[1], row.len[1]);
		buf_puts(out, ".RE\n");
	}
}

static void settings(struct buf *out)
{
	struct buf lines = {0};
	config_describe(&lines);
	const char *p = buf_str(&lines);
	for (struct manual_row row; manual_next(&p, &row);) {
		struct buf otherwise = {0};
		if (row.len[1])
			buf_printf(&otherwise, "= %.*s", row.len[1], row.at[1]);
		entry(out, row.at[0], row.len[0], buf_str(&otherwise), row.at[2], row.len[2]);
		buf_release(&otherwise);
	}
	buf_release(&lines);
}

void manual_page(struct buf *out)
{
	const struct embedded *page = embedded_find("assets/skydeck.1");
	for (const char *line = page ? (const char *)page->data : ""; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!strncmp(line, ".\\\" COMMANDS", 12))
			commands(out);
		else if (!strncmp(line, ".\\\" SETTINGS", 12))
			settings(out);
		else
			buf_printf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
}
