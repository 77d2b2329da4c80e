/* A growing run of bytes that is always NUL-terminated once anything was added. {0} is an empty one. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;		/* NULL while nothing was ever added */
	size_t len, room;
};

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n);	/* drops the first n bytes */
void buf_truncate(struct buf *b, size_t len);
const char *buf_str(const struct buf *b);	/* "" when empty; valid until the next change */
char *buf_take(struct buf *b);			/* the string moves to the caller; the buffer is empty again */
void buf_release(struct buf *b);

/* Adds a whole file of at most limit bytes. 0, or -1 with errno set (EFBIG over the limit) and b as it was. */
int buf_read_file(struct buf *b, const char *path, size_t limit);

#endif
