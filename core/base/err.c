/* Errors as sentences, carried by value from where they happen to where they are shown. */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>

static void set(struct err *err, enum exit_code code, const char *format, va_list args)
{
	if (!err)
		return;
	err->code = code;
	vsnprintf(err->text, sizeof err->text, format, args);
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
	if (!err)
		return -1;
	char old[sizeof err->text], front[256];
	snprintf(old, sizeof old, "%s", err->text);
	va_list args;
	va_start(args, format);
	vsnprintf(front, sizeof front, format, args);
	va_end(args);
	snprintf(err->text, sizeof err->text, "%s: %.700s", front, old);
	return -1;
}
