/* The one growing buffer: lines from pipes, JSON being printed, frames being drawn. */
#include "core/base/buf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { PRINT_GUESS = 63 };	/* bytes that most prints need no more than; with a NUL the smallest room */

static void make_room(struct buf *b, size_t more)
{
	if (b->len + more + 1 <= b->room)
		return;
	size_t room = b->room ? b->room : 64;
	while (room < b->len + more + 1)
		room *= 2;
	b->data = xrealloc(b->data, room);
	b->room = room;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	make_room(b, n);
	if (n)
		memcpy(b->data + b->len, bytes, n);
	b->data[b->len += n] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	make_room(b, PRINT_GUESS);	/* what fits is formatted once */
	size_t left = b->room - b->len;
	int n = vsnprintf(b->data + b->len, left, format, args);
	va_end(args);
	if (n > 0 && (size_t)n >= left) {
		make_room(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
	}
	b->len += n > 0 ? (size_t)n : 0;
	b->data[b->len] = '\0';
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (!n)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len)
		b->data[b->len = len] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *out = b->data ? b->data : xstrdup("");
	*b = (struct buf){0};
	return out;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

int buf_read_file(struct buf *b, const char *path, size_t limit)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t start = b->len;
	char chunk[16384];
	ssize_t n;
	int rc = 0;
	while (!rc && ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))) {
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
		if (b->len - start > limit)
			rc = EFBIG;
	}
	if (!rc && n < 0)
		rc = errno;
	close(fd);
	if (!rc)
		return 0;
	buf_truncate(b, start);
	errno = rc;
	return -1;
}
