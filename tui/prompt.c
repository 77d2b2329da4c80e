/* One line that is typed. The cursor is a byte offset at the start of a character; every move goes by whole characters,
 * combining marks with the one they stand on.
 */
#include "tui/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { HISTORY_KEPT = 200 };

static void set_text(struct prompt *p, const char *text)
{
	char *copy = xstrdup(text ? text : "");

	buf_truncate(&p->text, 0);
	buf_puts(&p->text, copy);
	p->cursor = p->text.len;
	free(copy);
}

static void stop_completing(struct prompt *p)
{
	string_set(&p->stem, NULL);
	p->candidate = 0;
}

void prompt_open(struct prompt *p, const char *label, const char *initial, struct strings *history)
{
	prompt_close(p);
	p->label = xstrdup(label);
	p->history = history;
	p->history_at = history ? history->count : 0;
	set_text(p, initial);
}

void prompt_close(struct prompt *p)
{
	free(p->label);
	free(p->draft);
	free(p->stem);
	buf_release(&p->text);
	*p = (struct prompt){ 0 };
}

/* Puts bytes in at the cursor, or takes n out from there. */
static void splice(struct prompt *p, size_t remove, const char *bytes, size_t size)
{
	struct buf next = { 0 };

	buf_add(&next, buf_str(&p->text), p->cursor);
	buf_add(&next, bytes, size);
	buf_puts(&next, buf_str(&p->text) + p->cursor + remove);
	buf_release(&p->text);
	p->text = next;
	p->cursor += size;
	stop_completing(p);
}

void prompt_insert(struct prompt *p, const char *text, size_t size)
{
	struct buf clean = { 0 };

	while (size) {
		uint32_t code;
		int bytes = text_decode(text, size, &code);
		if (bytes == 1 && code < ' ' && strchr("\n\r\t", (int)code) && code)
			buf_putc(&clean, ' ');
		else if (bytes && code >= ' ' && code != 0x7f)
			buf_add(&clean, text, (size_t)bytes);
		text += bytes ? bytes : 1;
		size -= (size_t)(bytes ? bytes : 1);
	}
	splice(p, 0, buf_str(&clean), clean.len);
	buf_release(&clean);
}

static size_t next_character(const struct prompt *p, size_t at)
{
	uint32_t code;
	int bytes = text_decode(buf_str(&p->text) + at, p->text.len - at, &code);

	at += (size_t)(bytes ? bytes : at < p->text.len);
	while (at < p->text.len && (bytes = text_decode(p->text.data + at, p->text.len - at, &code)) && text_width(code) == 0)
		at += (size_t)bytes;
	return at;
}

static size_t previous_character(const struct prompt *p, size_t at)
{
	size_t last = 0;

	for (size_t i = 0; i < at; i = next_character(p, i))
		last = i;
	return last;
}

static void delete_back_to(struct prompt *p, size_t from)
{
	size_t size = p->cursor - from;

	p->cursor = from;
	splice(p, size, "", 0);
}

static size_t word_start(const struct prompt *p)
{
	const char *text = buf_str(&p->text);
	size_t at = p->cursor;

	while (at > 0 && text[at - 1] == ' ')
		at--;
	while (at > 0 && text[at - 1] != ' ')
		at--;
	return at;
}

static void show_history(struct prompt *p, int by)
{
	size_t at = p->history_at, count = p->history ? p->history->count : 0;

	if (!p->history || (by < 0 && !at) || (by > 0 && at >= count))
		return;
	if (at == count)
		string_set(&p->draft, buf_str(&p->text));
	at = by < 0 ? at - 1 : at + 1;
	set_text(p, at == count ? p->draft : p->history->at[at]);
	p->history_at = at;
	stop_completing(p);
}

static void remember(struct prompt *p)
{
	const char *text = buf_str(&p->text);

	if (!p->history || !*text || (p->history->count && !strcmp(p->history->at[p->history->count - 1], text)))
		return;
	if (p->history->count >= HISTORY_KEPT) {
		free(p->history->at[0]);
		array_remove(&p->history->at, &p->history->count, 0, sizeof *p->history->at);
	}
	strings_add(p->history, text);
}

enum prompt_result prompt_act(struct prompt *p, enum action a)
{
	switch (a) {
	case ACTION_EDIT_ACCEPT: remember(p); return PROMPT_ACCEPTED;
	case ACTION_EDIT_ABORT: return PROMPT_ABORTED;
	case ACTION_EDIT_LEFT: p->cursor = previous_character(p, p->cursor); return PROMPT_MOVED;
	case ACTION_EDIT_RIGHT: p->cursor = next_character(p, p->cursor); return PROMPT_MOVED;
	case ACTION_EDIT_START: p->cursor = 0; return PROMPT_MOVED;
	case ACTION_EDIT_END: p->cursor = p->text.len; return PROMPT_MOVED;
	case ACTION_EDIT_OLDER: show_history(p, -1); return PROMPT_CHANGED;
	case ACTION_EDIT_NEWER: show_history(p, 1); return PROMPT_CHANGED;
	case ACTION_EDIT_DELETE: splice(p, next_character(p, p->cursor) - p->cursor, "", 0); return PROMPT_CHANGED;
	case ACTION_EDIT_DELETE_WORD: delete_back_to(p, word_start(p)); return PROMPT_CHANGED;
	case ACTION_EDIT_DELETE_START: delete_back_to(p, 0); return PROMPT_CHANGED;
	case ACTION_EDIT_DELETE_BACK:
		if (!p->text.len)
			return PROMPT_ABORTED;
		delete_back_to(p, previous_character(p, p->cursor));
		return PROMPT_CHANGED;
	default: return PROMPT_IGNORED;
	}
}

const char *prompt_stem(const struct prompt *p)
{
	return p->stem ? p->stem : buf_str(&p->text);
}

void prompt_complete(struct prompt *p, const struct strings *candidates, int direction)
{
	size_t places = candidates->count + 1;

	if (!candidates->count)
		return;
	if (candidates->count == 1) {
		set_text(p, candidates->at[0]);
		prompt_insert(p, " ", 1);
		return;
	}
	if (!p->stem)
		p->stem = xstrdup(buf_str(&p->text));
	p->candidate = (p->candidate + (direction > 0 ? 1 : places - 1)) % places;
	set_text(p, p->candidate ? candidates->at[p->candidate - 1] : p->stem);
}

void prompt_draw(const struct prompt *p, struct canvas *c, int y)
{
	const char *text = buf_str(&p->text);
	char *before = xstrndup(text, p->cursor);
	int start = canvas_text(c, y, 0, STYLE_PROMPT, p->label, -1), column = text_columns(before), room, shift;
	struct canvas field;

	start += start && p->label[1] ? canvas_text(c, y, start, STYLE_PROMPT, " ", -1) : 0;
	room = c->columns - start;
	shift = column >= room ? column - room + 1 : 0;
	field = canvas_sub(c, (struct rect){ y, start, 1, room });
	canvas_text(&field, 0, -shift, STYLE_DEFAULT, text, -1);
	canvas_cursor(&field, 0, column - shift, 1);
	free(before);
}
