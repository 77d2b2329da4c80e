/* Bytes to events. libtermkey knows the keys of a terminal; what it takes for keys but is none is taken out before it
 * (reference: its behaviour as of 0.22): replies of the terminal, strings (OSC and its kin), bracketed paste, focus, mouse reports.
 *
 * A small machine looks at each byte: GROUND passes bytes on; an Escape is held until what follows says what it is. CSI
 * sequences (ECMA-48 5.4) are held until their last byte, so libtermkey only ever sees whole ones. A lone Escape
 * becomes the key after `wait`. If the rest of a sequence comes too late for that, but in one piece, it is still taken for
 * what it is: "[A" typed by hand comes as two reads. A CSI that never ends is dropped, never typed.
 */
#include "tui/keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termkey.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum state { GROUND, ESCAPE, CSI, STRING, STRING_ESCAPE, PASTE, REPORT };

enum {
	HELD_MAX = 64,			/* a longer sequence is none that we know */
	STRING_MAX = 1 << 20,		/* bytes of a string before it is given up */
	PASTE_MAX = 1 << 20,		/* more of a paste is dropped */
	SILENCE = 2000000,		/* microseconds after which a string or paste that stopped is over */
	LATE = 500000,			/* microseconds after a lone Escape in which the rest of a sequence may still come */
};

static const char paste_end[] = "\x1b[201~";

struct keys {
	TermKey *termkey;
	enum state state;
	char held[HELD_MAX];		/* from the Escape on */
	size_t held_size;
	size_t string_size;
	int report_left;
	struct buf paste;
	int64_t wait, deadline, late_until;
	input_function *call;		/* while feeding */
	void *data;
};

/* Written names */

static const struct {
	const char *name;
	uint32_t code;
} symbols[] = {
#define X(id, name) { name, SYMBOL_##id },
	SYMBOLS(X)
#undef X
};

enum { SYMBOL_COUNT = sizeof symbols / sizeof symbols[0] };

static struct key canonical(uint32_t code, unsigned modifiers)
{
	if (code == SYMBOL_SPACE)
		code = ' ';
	if (code == SYMBOL_LESS)
		code = '<';
	if (code < SYMBOL_FIRST) {
		if (modifiers & MOD_SHIFT && !(modifiers & MOD_CTRL) && code >= 'a' && code <= 'z')
			code -= 'a' - 'A';
		if (modifiers & MOD_CTRL && code >= 'A' && code <= 'Z')
			code += 'a' - 'A';
		if (!(modifiers & MOD_CTRL) || !isalpha((int)(code & 0x7f)))
			modifiers &= ~(unsigned)MOD_SHIFT;
	}
	return (struct key){ code, modifiers };
}

int key_equal(struct key a, struct key b)
{
	return a.code == b.code && a.modifiers == b.modifiers;
}

/* The name between < and >, without modifiers. */
static int parse_name(const char *name, size_t size, uint32_t *code)
{
	for (size_t i = 0; i < SYMBOL_COUNT; i++)
		if (strlen(symbols[i].name) == size && !strncasecmp(symbols[i].name, name, size)) {
			*code = symbols[i].code;
			return 0;
		}
	return size && (size_t)text_decode(name, size, code) == size ? 0 : -1;
}

int key_parse(const char *text, struct key *key, struct err *err)
{
	const char *end, *at = text + 1;
	unsigned modifiers = 0;
	uint32_t code;
	int bytes = text_decode(text, strlen(text), &code);

	if (!bytes || code < ' ')
		return err_set(err, "here a key should stand: a character, or a name such as <Enter>, <C-x>, <PageDown>");
	if (*text != '<') {
		*key = canonical(code, 0);
		return bytes;
	}
	end = strchr(text + 1, '>');
	if (end == text + 1 && end[1] == '>')
		end++;
	if (!end)
		return err_set(err, "`%s`: a key that begins with < ends with >; the sign itself is <lt>", text);
	for (; end - at > 2 && at[1] == '-' && strchr("SACMsacm", *at); at += 2)
		modifiers |= strchr("Ss", *at) ? MOD_SHIFT : strchr("Cc", *at) ? MOD_CTRL : MOD_ALT;
	if (parse_name(at, (size_t)(end - at), &code) < 0)
		return err_set(err, "`%.*s` is no key; names are Enter, Tab, Esc, Space, Up, PageDown, Home, Delete, F1 and the like, "
		               "with C-, A- or S- before them", (int)(end - text + 1), text);
	*key = canonical(code, modifiers);
	return (int)(end - text) + 1;
}

static const char *symbol_name(uint32_t code)
{
	if (code == ' ')
		code = SYMBOL_SPACE;
	if (code == '<')
		code = SYMBOL_LESS;
	for (size_t i = 0; i < SYMBOL_COUNT; i++)
		if (symbols[i].code == code)
			return symbols[i].name;
	return NULL;
}

void key_print(struct key key, struct buf *out)
{
	const char *name = symbol_name(key.code);
	char bytes[4];
	int bracketed = name || key.modifiers;

	if (bracketed)
		buf_printf(out, "<%s%s%s", key.modifiers & MOD_CTRL ? "C-" : "", key.modifiers & MOD_ALT ? "A-" : "",
		           key.modifiers & MOD_SHIFT ? "S-" : "");
	if (name)
		buf_puts(out, name);
	else
		buf_add(out, bytes, (size_t)text_encode(key.code, bytes));
	if (bracketed)
		buf_putc(out, '>');
}

/* Events */

static void emit(struct keys *k, const struct input *input)
{
	k->call(k->data, input);
}

static uint32_t symbol_of(TermKeySym sym)
{
	static const struct {
		TermKeySym from;
		uint32_t to;
	} map[] = {
		{ TERMKEY_SYM_ENTER, SYMBOL_ENTER }, { TERMKEY_SYM_KPENTER, SYMBOL_ENTER }, { TERMKEY_SYM_TAB, SYMBOL_TAB },
		{ TERMKEY_SYM_ESCAPE, SYMBOL_ESCAPE }, { TERMKEY_SYM_BACKSPACE, SYMBOL_BACKSPACE }, { TERMKEY_SYM_DEL, SYMBOL_BACKSPACE },
		{ TERMKEY_SYM_SPACE, ' ' }, { TERMKEY_SYM_UP, SYMBOL_UP }, { TERMKEY_SYM_DOWN, SYMBOL_DOWN },
		{ TERMKEY_SYM_LEFT, SYMBOL_LEFT }, { TERMKEY_SYM_RIGHT, SYMBOL_RIGHT }, { TERMKEY_SYM_HOME, SYMBOL_HOME },
		{ TERMKEY_SYM_FIND, SYMBOL_HOME }, { TERMKEY_SYM_END, SYMBOL_END }, { TERMKEY_SYM_SELECT, SYMBOL_END },
		{ TERMKEY_SYM_PAGEUP, SYMBOL_PAGE_UP }, { TERMKEY_SYM_PAGEDOWN, SYMBOL_PAGE_DOWN },
		{ TERMKEY_SYM_INSERT, SYMBOL_INSERT }, { TERMKEY_SYM_DELETE, SYMBOL_DELETE }, { TERMKEY_SYM_KPPLUS, '+' },
		{ TERMKEY_SYM_KPMINUS, '-' }, { TERMKEY_SYM_KPMULT, '*' }, { TERMKEY_SYM_KPDIV, '/' }, { TERMKEY_SYM_KPCOMMA, ',' },
		{ TERMKEY_SYM_KPPERIOD, '.' }, { TERMKEY_SYM_KPEQUALS, '=' },
	};

	if (sym >= TERMKEY_SYM_KP0 && sym <= TERMKEY_SYM_KP9)
		return '0' + (uint32_t)(sym - TERMKEY_SYM_KP0);
	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if (map[i].from == sym)
			return map[i].to;
	return 0;
}

static void emit_key(struct keys *k, const TermKeyKey *key)
{
	uint32_t code = 0;

	if (key->type == TERMKEY_TYPE_UNICODE && key->code.codepoint > 0 && key->code.codepoint < SYMBOL_FIRST)
		code = (uint32_t)key->code.codepoint;
	else if (key->type == TERMKEY_TYPE_KEYSYM)
		code = symbol_of(key->code.sym);
	else if (key->type == TERMKEY_TYPE_FUNCTION && key->code.number >= 1 && key->code.number <= 12)
		code = SYMBOL_F1 + (uint32_t)key->code.number - 1;
	if (code)
		emit(k, &(struct input){ .type = INPUT_KEY, .key = canonical(code, (unsigned)key->modifiers & 7) });
}

/* Takes out of libtermkey what is complete; all of it when forced. Returns whether more bytes could still change the rest. */
static int drain(struct keys *k, int force)
{
	TermKeyKey key;
	TermKeyResult result;

	while ((result = force ? termkey_getkey_force(k->termkey, &key) : termkey_getkey(k->termkey, &key)) == TERMKEY_RES_KEY)
		emit_key(k, &key);
	return result == TERMKEY_RES_AGAIN;
}

static void pass_on(struct keys *k, const char *bytes, size_t size)
{
	termkey_push_bytes(k->termkey, bytes, size);
}

/* The held sequence was no sequence after all, or one of libtermkey's. */
static void release_held(struct keys *k, int force)
{
	pass_on(k, k->held, k->held_size);
	k->held_size = 0;
	k->state = GROUND;
	drain(k, force);
}

static void hold_escape(struct keys *k)
{
	drain(k, 1);
	k->held[0] = '\x1b';
	k->held_size = 1;
	k->state = ESCAPE;
}

/* The numbers of a sequence from `at` up to `end`, separated by semicolons. Returns how many; -1 when there is anything else,
 * an empty one, one of more than seven digits, or too many of them. */
enum { NUMBERS_MAX = 4 };
static int numbers(const char *at, const char *end, int out[NUMBERS_MAX])
{
	int count = 0;

	while (at < end) {
		size_t digits = strspn(at, "0123456789");
		if (!digits || digits > 7 || count == NUMBERS_MAX)
			return -1;
		out[count++] = atoi(at);
		at += digits;
		if (at < end && (*at++ != ';' || at == end))
			return -1;
	}
	return count;
}

/* CSI < button ; column ; row M or m (xterm, "SGR" mouse mode 1006). */
static void mouse(struct keys *k, int pressed)
{
	static const enum mouse_button buttons[3] = { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT };
	struct input input = { .type = INPUT_MOUSE, .button = MOUSE_OTHER, .pressed = pressed };
	int n[NUMBERS_MAX];

	if (numbers(k->held + 3, k->held + k->held_size - 1, n) != 3 || !n[1] || !n[2])
		return;
	if (n[0] & 32)		/* movement */
		return;
	n[0] &= ~28;		/* modifiers */
	if (n[0] < 3)
		input.button = buttons[n[0]];
	else if (n[0] == 64 || n[0] == 65)
		input.button = n[0] == 64 ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN;
	input.y = n[2] - 1;
	input.x = n[1] - 1;
	emit(k, &input);
}

/* The answer to DECRQM: CSI ? mode ; value $ y (DEC STD 070). */
static void mode_report(struct keys *k)
{
	int n[NUMBERS_MAX];

	if (k->held[k->held_size - 2] == '$' && numbers(k->held + 3, k->held + k->held_size - 2, n) == 2)
		emit(k, &(struct input){ .type = INPUT_MODE, .mode = n[0], .value = n[1] });
}

/* Whether the held CSI has the form of a key. libtermkey 0.22 reads outside its tables for others ("CSI ~"). */
static int is_key_sequence(const struct keys *k)
{
	int n[NUMBERS_MAX], count = numbers(k->held + 2, k->held + k->held_size - 1, n);
	char final = k->held[k->held_size - 1];

	if (strchr("ctnxyR", final) || count < 0)	/* replies: devices, window, status, parameters, modes, cursor */
		return 0;
	if (final == '~')
		return count >= 1 && n[0] > 0 && n[0] < 35 && n[0] != 27;
	return final == 'u' ? count >= 1 && n[0] > 0 : isalpha((unsigned char)final);
}

/* A whole CSI is held: what it is decides who gets it. */
static void dispatch(struct keys *k)
{
	char final = k->held[k->held_size - 1], first;
	size_t parameters = k->held_size - 3;

	k->state = GROUND;
	first = parameters ? k->held[2] : '\0';
	if (parameters == 3 && !memcmp(k->held + 2, "200~", 4)) {
		k->state = PASTE;
	} else if (!parameters && (final == 'I' || final == 'O')) {
		emit(k, &(struct input){ .type = final == 'I' ? INPUT_FOCUS : INPUT_UNFOCUS });
	} else if (!parameters && final == 'M') {
		k->state = REPORT;
		k->report_left = 3;
	} else if (first == '<' && (final == 'M' || final == 'm')) {
		mouse(k, final == 'M');
	} else if (first == '?' && final == 'y') {
		mode_report(k);
	} else if (is_key_sequence(k)) {
		release_held(k, 0);
	}
	k->held_size = 0;
}

/* Takes a byte of a sequence. The Linux console's F1 to F5 are CSI [ A to E. */
static void csi_byte(struct keys *k, char byte)
{
	int console = k->held_size == 3 && k->held[2] == '[';

	if (k->held_size == HELD_MAX) {
		k->held_size = 3;	/* too long to be known: wait for its end, then drop it */
		k->held[2] = '!';
	}
	k->held[k->held_size++] = byte;
	if (console) {
		if (byte >= 'A' && byte <= 'E')
			release_held(k, 0);
		k->held_size = 0;
		k->state = GROUND;
	} else if (byte >= '@' && !(byte == '[' && k->held_size == 3)) {
		dispatch(k);
	}
}

static void escape_byte(struct keys *k, char byte)
{
	if (byte == '\x1b') {
		release_held(k, 1);
		hold_escape(k);
		return;
	}
	k->held[k->held_size++] = byte;
	if (byte == '[') {
		k->state = CSI;
	} else if (strchr("]P_^X", byte)) {
		k->state = STRING;
		k->string_size = 0;
	} else {
		release_held(k, 0);
	}
}

/* Strings end in BEL or ESC \; any other control byte cannot stand in one, so it ends a string that never was one. */
static int string_byte(struct keys *k, char byte)
{
	unsigned char c = (unsigned char)byte;

	if (k->state == STRING_ESCAPE) {
		k->held_size = 0;
		if (byte == '\\') {
			k->state = GROUND;
			return 1;
		}
		hold_escape(k);
		return 0;
	}
	if (byte == '\x1b') {
		k->state = STRING_ESCAPE;
		return 1;
	}
	if (c >= ' ' && ++k->string_size < STRING_MAX)
		return 1;
	k->state = GROUND;
	k->held_size = 0;
	return byte == '\a';
}

static void end_paste(struct keys *k)
{
	k->state = GROUND;
	emit(k, &(struct input){ .type = INPUT_PASTE, .text = buf_str(&k->paste), .size = k->paste.len });
	buf_release(&k->paste);
}

static void paste_byte(struct keys *k, char byte)
{
	const size_t mark = sizeof paste_end - 1;

	if (k->paste.len >= PASTE_MAX + mark) {
		memmove(k->paste.data + PASTE_MAX, k->paste.data + PASTE_MAX + 1, mark - 1);
		buf_truncate(&k->paste, k->paste.len - 1);
	}
	buf_putc(&k->paste, byte);
	if (k->paste.len >= mark && !memcmp(k->paste.data + k->paste.len - mark, paste_end, mark)) {
		buf_truncate(&k->paste, k->paste.len - mark);
		end_paste(k);
	}
}

static void take_byte(struct keys *k, char byte)
{
	if ((k->state == STRING || k->state == STRING_ESCAPE) && string_byte(k, byte))
		return;
	if (k->state == CSI && byte >= ' ' && byte <= '~') {
		csi_byte(k, byte);
		return;
	}
	if (k->state == CSI) {	/* no part of a sequence: it was broken off */
		k->held_size = 0;
		k->state = GROUND;
	}
	switch (k->state) {
	case PASTE:
		paste_byte(k, byte);
		return;
	case REPORT:
		if (!--k->report_left)
			k->state = GROUND;
		return;
	case ESCAPE:
		escape_byte(k, byte);
		return;
	default:
		if (byte == '\x1b') {
			hold_escape(k);
			return;
		}
		pass_on(k, &byte, 1);
		drain(k, 0);
	}
}

void keys_feed(struct keys *k, const char *bytes, size_t size, int64_t now, input_function *call, void *data)
{
	k->call = call;
	k->data = data;
	if (k->state == GROUND && now < k->late_until && size >= 2 && (bytes[0] == '[' || bytes[0] == 'O'))
		hold_escape(k);
	k->late_until = 0;
	for (size_t i = 0; i < size; i++)
		take_byte(k, bytes[i]);
	if (k->state == STRING || k->state == STRING_ESCAPE || k->state == PASTE)
		k->deadline = now + SILENCE;
	else
		k->deadline = k->state != GROUND || drain(k, 0) ? now + k->wait : 0;
}

int64_t keys_deadline(const struct keys *k)
{
	return k->deadline;
}

void keys_wait(struct keys *k, int64_t now, input_function *call, void *data)
{
	if (!k->deadline || now < k->deadline)
		return;
	k->call = call;
	k->data = data;
	k->deadline = 0;
	if (k->state == PASTE) {
		end_paste(k);
	} else if (k->state == ESCAPE || (k->state == CSI && k->held_size == 2)) {
		if (k->state == ESCAPE)
			k->late_until = now + LATE;
		release_held(k, 1);
	} else {
		drain(k, 1);
	}
	k->held_size = 0;
	k->state = GROUND;
}

void keys_escape_wait(struct keys *k, int64_t microseconds)
{
	k->wait = microseconds;
}

/* kmous=\E[< in xterm's entries means another encoding to libtermkey, and the mouse is decoded here anyway. */
static const char *without_mouse(const char *name, const char *value, void *data)
{
	(void)data;
	return strcmp(name, "key_mouse") ? value : NULL;
}

struct keys *keys_new(const char *term)
{
	struct keys *k = xcalloc(1, sizeof *k);

	k->wait = KEYS_ESCAPE_WAIT;
	k->termkey = termkey_new_abstract(term ? term : "xterm", TERMKEY_FLAG_UTF8 | TERMKEY_FLAG_NOSTART);
	if (!k->termkey)
		k->termkey = termkey_new_abstract("xterm", TERMKEY_FLAG_UTF8 | TERMKEY_FLAG_NOSTART);
	if (!k->termkey)
		abort();
	termkey_set_canonflags(k->termkey, TERMKEY_CANON_DELBS);
	termkey_hook_terminfo_getstr(k->termkey, without_mouse, NULL);
	termkey_start(k->termkey);
	return k;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	termkey_destroy(k->termkey);
	buf_release(&k->paste);
	free(k);
}
