/* Errors as sentences, carried by value from where they happen to where they are shown. A sentence often quotes a path,
 * a git message or a line of a file: it is made safe here, once, so that whoever prints it need not think of it. */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

enum { ROOM = sizeof((struct err *)NULL)->text };

/* raw may be longer than the room and may end in a newline, as messages of libraries do. */
static void set_text(struct err *err, const char *raw)
{
	struct buf safe = {0};
	size_t len = strlen(raw);
	while (len && (raw[len - 1] == '\n' || raw[len - 1] == '\r'))
		len--;
	text_safe(&safe, raw, len, TEXT_TABS);
	size_t fits = safe.len < ROOM ? safe.len : ROOM - 1;
	while (fits < safe.len && (safe.data[fits] & 0xc0) == 0x80)	/* never half a character */
		fits--;
	memcpy(err->text, safe.data, fits);
	err->text[fits] = '\0';
	buf_release(&safe);
}

/* Into a string of its own first: the arguments may point into err->text. */
static void set(struct err *err, enum exit_code code, const char *format, va_list args)
{
	char raw[4 * ROOM];
	if (!err)
		return;
	vsnprintf(raw, sizeof raw, format, args);
	set_text(err, raw);
	err->code = code;
}

int err_set(struct err *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set(err, EXIT_FAILED, format, args);
	va_end(args);
	return -1;
}

int err_refuse(struct err *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set(err, EXIT_REFUSED, format, args);
	va_end(args);
	return -1;
}

int err_code(struct err *err, enum exit_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set(err, code, format, args);
	va_end(args);
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char front[ROOM];
	struct buf whole = {0};
	if (!err)
		return -1;
	va_list args;
	va_start(args, format);
	vsnprintf(front, sizeof front, format, args);
	va_end(args);
	buf_printf(&whole, "%s: %s", front, err->text);
	set_text(err, buf_str(&whole));
	buf_release(&whole);
	return -1;
}
