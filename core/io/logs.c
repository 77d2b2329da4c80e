/* Logs as files of raw bytes. The writer only appends and counts; the reader finds lines through the offset of every
 * 256th one (1/32 byte a line), found in the one pass over each byte that a growing file costs.
 *
 * Both cut lines with line_part(), so that "line 4711" is the same bytes on both sides, however the bytes were
 * split into writes and also in a file of 10 MB without a newline. Reading line i starts at the indexed line
 * before it, or where the last read ended: a screen of lines is one seek and then straight on. */
#include "core/io/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { BLOCK = 4 * LOG_LINE_MAX };

/* How many of these n bytes belong to the line of which `have` bytes came before, its newline included. *ended: it
 * ends there. Exactly LOG_LINE_MAX bytes and a newline are one line. */
static size_t line_part(size_t have, const char *bytes, size_t n, int *ended)
{
	size_t room = LOG_LINE_MAX - have;
	const char *newline = memchr(bytes, '\n', n > room ? room + 1 : n);
	*ended = newline || n > room;
	return newline ? (size_t)(newline - bytes) + 1 : n > room ? room : n;
}

struct log_writer {
	int fd, failed;
	char *path;
	uint64_t bytes, ended_lines;
	size_t have;	/* bytes of the unfinished line */
	char last[LOG_LAST_MAX + 1];
	size_t last_length;
};

static void count(struct log_writer *w, const char *bytes, size_t n)
{
	w->bytes += n;
	while (n) {
		int ended;
		size_t part = line_part(w->have, bytes, n, &ended);
		size_t text = part && bytes[part - 1] == '\n' ? part - 1 : part;
		if (!w->have && text)
			w->last_length = 0;
		size_t kept = text < LOG_LAST_MAX - w->last_length ? text : LOG_LAST_MAX - w->last_length;
		memcpy(w->last + w->last_length, bytes, kept);
		w->last[w->last_length += kept] = '\0';
		w->have = ended ? 0 : w->have + part;
		w->ended_lines += (uint64_t)ended;
		bytes += part;
		n -= part;
	}
}

static void make_folders(const char *path)
{
	char *copy = xstrdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0777);	/* what went wrong shows when the file is opened */
		*slash = '/';
	}
	free(copy);
}

static int count_what_is_there(struct log_writer *w)
{
	struct stat info;
	if (fstat(w->fd, &info))
		return -1;
	char *block = xmalloc(BLOCK);
	ssize_t n = 0;
	while (w->bytes < (uint64_t)info.st_size && (n = read(w->fd, block, BLOCK)) > 0)
		count(w, block, (size_t)n);
	free(block);
	return n < 0 ? -1 : 0;
}

struct log_writer *log_writer_open(const char *path, struct err *err)
{
	struct log_writer *w = xcalloc(1, sizeof *w);
	make_folders(path);
	w->path = xstrdup(path);
	w->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (w->fd < 0 || count_what_is_there(w)) {
		err_set(err, "cannot write the log %s: %s", path, strerror(errno));
		log_writer_close(w);
		return NULL;
	}
	return w;
}

int log_writer_add(struct log_writer *w, const char *bytes, size_t n, struct err *err)
{
	count(w, bytes, n);
	while (n && !w->failed) {
		ssize_t done = write(w->fd, bytes, n);
		if (done < 0 && errno != EINTR) {
			w->failed = 1;
			return err_set(err, "cannot write the log %s: %s; the rest of this log is dropped", w->path,
			               strerror(errno));
		}
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

uint64_t log_writer_bytes(const struct log_writer *w)
{
	return w->bytes;
}

uint64_t log_writer_lines(const struct log_writer *w)
{
	return w->ended_lines + (w->have > 0);
}

const char *log_writer_last_line(const struct log_writer *w)
{
	return w->last;
}

void log_writer_close(struct log_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w);
}

struct log_reader {
	int fd;
	uint64_t size;		/* bytes taken in so far */
	uint64_t ended_lines;
	size_t have;
	uint64_t *starts;	/* offset of every LOG_STRIDE-th line */
	size_t start_count, start_room;
	char *block;		/* block_size bytes of the file from block_at on */
	uint64_t block_at;
	size_t block_size;
	uint64_t next_line, next_offset;	/* behind the line that was read last */
};

static void start_line(struct log_reader *r, uint64_t offset)
{
	if (r->ended_lines % LOG_STRIDE)
		return;
	uint64_t *start = array_add(&r->starts, &r->start_count, &r->start_room, sizeof *start);
	*start = offset;
}

static void restart(struct log_reader *r)
{
	r->size = r->ended_lines = r->next_line = r->next_offset = 0;
	r->have = r->start_count = r->block_size = 0;
	start_line(r, 0);
}

struct log_reader *log_reader_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set(err, "cannot read the log %s: %s", path, strerror(errno));
		return NULL;
	}
	struct log_reader *r = xcalloc(1, sizeof *r);
	r->fd = fd;
	r->block = xmalloc(BLOCK);
	restart(r);
	return r;
}

/* Fills the block with what the file has at offset, up to end. */
static void load(struct log_reader *r, uint64_t offset, uint64_t end)
{
	size_t wanted = end - offset < BLOCK ? (size_t)(end - offset) : BLOCK;
	r->block_at = offset;
	r->block_size = 0;
	while (r->block_size < wanted) {
		size_t got = r->block_size;
		ssize_t n = pread(r->fd, r->block + got, wanted - got, (off_t)(offset + got));
		if (n > 0)
			r->block_size += (size_t)n;
		else if (!n || errno != EINTR)
			return;
	}
}

static void take_in_block(struct log_reader *r)
{
	for (size_t at = 0; at < r->block_size;) {
		int ended;
		size_t part = line_part(r->have, r->block + at, r->block_size - at, &ended);
		at += part;
		r->have = ended ? 0 : r->have + part;
		r->ended_lines += (uint64_t)ended;
		if (ended)
			start_line(r, r->block_at + at);
	}
	r->size = r->block_at + r->block_size;
}

uint64_t log_reader_refresh(struct log_reader *r)
{
	struct stat info;
	if (!fstat(r->fd, &info)) {
		uint64_t end = (uint64_t)info.st_size;
		if (end < r->size)
			restart(r);
		while (r->size < end) {
			load(r, r->size, end);
			if (!r->block_size)
				break;
			take_in_block(r);
		}
	}
	return r->ended_lines + (r->have > 0);
}

/* The bytes from offset on: a whole line at least, where the file has one. */
static const char *bytes_at(struct log_reader *r, uint64_t offset, size_t *n)
{
	uint64_t wanted = r->size - offset < LOG_LINE_MAX + 1 ? r->size - offset : LOG_LINE_MAX + 1;
	if (offset < r->block_at || offset + wanted > r->block_at + r->block_size)
		load(r, offset, r->size);
	size_t skip = (size_t)(offset - r->block_at);
	*n = r->block_size > skip ? r->block_size - skip : 0;
	return r->block + skip;
}

int log_reader_line(struct log_reader *r, uint64_t i, struct buf *out)
{
	if (i >= r->ended_lines + (r->have > 0))
		return -1;
	uint64_t line = i - i % LOG_STRIDE, offset = r->starts[i / LOG_STRIDE];
	if (r->next_line <= i && r->next_line > line) {
		line = r->next_line;
		offset = r->next_offset;
	}
	for (;; line++) {
		int ended;
		size_t n, part;
		const char *bytes = bytes_at(r, offset, &n);
		if (!n)
			return -1;	/* the file was cut short behind our back */
		part = line_part(0, bytes, n, &ended);
		offset += part;
		if (line < i)
			continue;
		buf_add(out, bytes, bytes[part - 1] == '\n' ? part - 1 : part);
		if (ended) {	/* an unfinished line grows: what follows its bytes of now is no next line */
			r->next_line = line + 1;
			r->next_offset = offset;
		}
		return 0;
	}
}

void log_reader_close(struct log_reader *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r->starts);
	free(r->block);
	free(r);
}
