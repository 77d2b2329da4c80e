/* Log files: one file of raw bytes per run, written as they come, read by lines through an index of every 256th
 * line. */
#ifndef CORE_IO_LOGS_H
#define CORE_IO_LOGS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* A line of more than LOG_LINE_MAX bytes counts as several of that length; writer and reader cut alike. */
enum { LOG_STRIDE = 256, LOG_LINE_MAX = 65536, LOG_LAST_MAX = 512 };

struct log_writer;
/* Creates path (or appends to it: what is there is counted) and its folders. NULL with a sentence. */
struct log_writer *log_writer_open(const char *path, struct err *err);
/* Writes; a full disk is an error once, after which bytes are counted and dropped (the run goes on). */
int log_writer_add(struct log_writer *w, const char *bytes, size_t n, struct err *err);
uint64_t log_writer_bytes(const struct log_writer *w);
uint64_t log_writer_lines(const struct log_writer *w);	/* an unfinished last line counts */
/* The last line that is not empty: raw, its first LOG_LAST_MAX bytes; "" when none. Valid until the next add. */
const char *log_writer_last_line(const struct log_writer *w);
void log_writer_close(struct log_writer *w);	/* NULL allowed */

struct log_reader;
struct log_reader *log_reader_open(const char *path, struct err *err);
/* Takes in what the file has grown by since the last call; returns the number of lines now. A file that became
 * shorter is read anew. */
uint64_t log_reader_refresh(struct log_reader *r);
/* Raw bytes of line i (from 0) without its newline are added to out. -1 past the end as of the last refresh. */
int log_reader_line(struct log_reader *r, uint64_t i, struct buf *out);
void log_reader_close(struct log_reader *r);	/* NULL allowed */

#endif
