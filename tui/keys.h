/* Bytes from the terminal to events. Sequences may come in pieces: a lone Esc is one only after KEYS_ESCAPE_WAIT. Replies
 * of the terminal (colours, devices, modes) and the strings OSC, DCS, APC, PM, SOS never come out as keys. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Keys with a name: X(id, name as written in angle brackets). Letters and signs are their own code points. */
#define SYMBOLS(X) \
	X(ENTER, "Enter") X(TAB, "Tab") X(ESCAPE, "Esc") X(BACKSPACE, "Backspace") X(SPACE, "Space") X(LESS, "lt") \
	X(UP, "Up") X(DOWN, "Down") X(LEFT, "Left") X(RIGHT, "Right") X(HOME, "Home") X(END, "End") \
	X(PAGE_UP, "PageUp") X(PAGE_DOWN, "PageDown") X(INSERT, "Insert") X(DELETE, "Delete") \
	X(F1, "F1") X(F2, "F2") X(F3, "F3") X(F4, "F4") X(F5, "F5") X(F6, "F6") X(F7, "F7") X(F8, "F8") X(F9, "F9") \
	X(F10, "F10") X(F11, "F11") X(F12, "F12")

enum key_symbol {
	SYMBOL_FIRST = 0x110000,	/* above the last code point */
#define X(id, name) SYMBOL_##id,
	SYMBOLS(X)
#undef X
	SYMBOL_LIMIT
};

enum key_modifiers { MOD_SHIFT = 1, MOD_ALT = 2, MOD_CTRL = 4 };

/* A key in its one canonical form: Ctrl-letter is the small letter with MOD_CTRL; Shift stands only where the character
 * does not say it; space and < are characters (they are only written with a name). */
struct key {
	uint32_t code;		/* code point or enum key_symbol */
	unsigned modifiers;
};

/* The written form: `j`, `<C-x>`, `<Enter>`, `<S-Tab>`, `<A-PageDown>`, `<Space>`, `<lt>`. Parses the first key of text; returns
 * the bytes used, or -1 with a sentence. In `keys` lines of a script any other character is itself. */
int key_parse(const char *text, struct key *key, struct err *err);
void key_print(struct key key, struct buf *out);
int key_equal(struct key a, struct key b);

enum input_type { INPUT_KEY, INPUT_PASTE, INPUT_MOUSE, INPUT_FOCUS, INPUT_UNFOCUS, INPUT_MODE };
enum mouse_button { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN, MOUSE_OTHER };

struct input {
	enum input_type type;
	struct key key;			/* INPUT_KEY */
	const char *text;		/* INPUT_PASTE: raw bytes, NUL-terminated; valid during the call */
	size_t size;
	enum mouse_button button;	/* INPUT_MOUSE, at row y, column x from 0 */
	int y, x, pressed;
	int mode, value;		/* INPUT_MODE: the answer to DECRQM (1 set, 2 reset, 0 unknown) */
};
typedef void input_function(void *data, const struct input *input);

enum { KEYS_ESCAPE_WAIT = 50000 };	/* microseconds */

struct keys;

/* term: a terminfo name for the cursor and function keys; NULL or unknown: xterm's. */
struct keys *keys_new(const char *term);
void keys_free(struct keys *k);
void keys_escape_wait(struct keys *k, int64_t microseconds);

/* Takes bytes that were read at `now` (monotonic microseconds) and calls once for each event that is complete. */
void keys_feed(struct keys *k, const char *bytes, size_t size, int64_t now, input_function *call, void *data);
/* When keys_wait must be called at the latest if no byte comes before; 0: nothing is pending. */
int64_t keys_deadline(const struct keys *k);
/* What was pending is now as complete as it gets. */
void keys_wait(struct keys *k, int64_t now, input_function *call, void *data);

#endif
