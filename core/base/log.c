/* The debug log. Each line leaves in one write to a file opened for appending: engine, cockpit and threads may share
 * one file, and what was said before a crash is there. A line that cannot be written is lost in silence: the log must
 * never be why something fails, so it leaves errno alone too. */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"

static int file = -1;

int log_open(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, "cannot open the log %s: %s", path, strerror(errno));
	log_close();
	file = fd;
	return 0;
}

void log_line(const char *format, ...)
{
	if (file < 0)
		return;
	int saved = errno;
	char now[CLOCK_TEXT], *text = NULL;
	clock_format(clock_wall(), now);
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n >= 0) {
		struct buf line = {0};
		buf_printf(&line, "%s %d ", now, (int)getpid());
		text_safe(&line, text, (size_t)n, TEXT_TABS);
		buf_putc(&line, '\n');
		if (write(file, line.data, line.len) < 0)
			errno = 0;
		buf_release(&line);
		free(text);
	}
	errno = saved;
}

void log_close(void)
{
	if (file >= 0)
		close(file);
	file = -1;
}
