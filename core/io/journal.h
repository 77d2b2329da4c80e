/* The journal of a session: an SQLite database in WAL mode, one row an event, one transaction a turn of the loop.
 *     table event(seq INTEGER PRIMARY KEY, time INTEGER, kind TEXT, body TEXT)      body: the event's JSON object
 *     table meta(key TEXT PRIMARY KEY, value TEXT)                                  "format" = JOURNAL_FORMAT, …
 * Users may read it with sqlite3 while the engine runs. */
#ifndef CORE_IO_JOURNAL_H
#define CORE_IO_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { JOURNAL_FORMAT = 1 };

struct journal;

/* Opens for writing, makes it where missing (synchronous=FULL). A journal of a newer format is refused and left as
 * it is; so is a database that is no journal. One process writes at a time: a second one's appends fail. */
struct journal *journal_open(const char *path, struct err *err);
/* Opens for reading only; works while another process writes, after one was killed, and in a folder that cannot be
 * written. */
struct journal *journal_open_reader(const char *path, struct err *err);
void journal_close(struct journal *j);	/* NULL allowed; what was not committed is gone */

/* Adds one event to the open transaction (begun by itself). body is its JSON on one line. On failure all that was
 * not committed is rolled back, and appends go on failing until the next journal_commit, which fails with the same
 * sentence: a turn of the loop is recorded whole or not at all. */
int journal_append(struct journal *j, uint64_t seq, int64_t time, const char *kind, const char *body, struct err *err);
/* Makes everything appended so far durable; nothing appended is fine. On failure the transaction is rolled back
 * whole. */
int journal_commit(struct journal *j, struct err *err);

/* Calls each for every event with seq > since, in order; stops when it returns non-zero and returns that. -1: read
 * error. */
int journal_each(struct journal *j, uint64_t since, int (*each)(void *data, uint64_t seq, const char *body, size_t len),
                 void *data, struct err *err);
uint64_t journal_last(struct journal *j);	/* 0: empty */

/* Small facts of the file itself. get: caller frees; NULL when absent. put: durable when it returns, unless events
 * wait: then with them. */
char *journal_get(struct journal *j, const char *key);
int journal_put(struct journal *j, const char *key, const char *value, struct err *err);

#endif
