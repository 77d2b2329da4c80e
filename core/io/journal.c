/* The journal: facts in the order they were stated, in SQLite's WAL mode. One transaction per turn of the loop and
 * synchronous=FULL make "committed" mean "on the disk"; readers never stop the writer, nor it them.
 *
 * A journal is looked at before it is opened for writing, through a connection that cannot write and, where no other
 * process and no crash left a -wal, through one that does not even look for it: a file of a newer format, or somebody
 * else's database, keeps every byte and gets no new neighbours.
 *
 * A reader in a folder that it cannot write opens the file as immutable when there is no -wal; with a -wal (the
 * engine lives, or was killed) SQLite reads it through the -shm beside it. */
#include "core/io/journal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { BUSY_MS = 5000 };

struct journal {
	sqlite3 *db;
	sqlite3_stmt *append, *begin, *commit, *rollback;	/* NULL in a reader */
	char *path;
	int failed;		/* an append of this turn did: the next commit says so */
	struct err why;
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE event(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);"
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"INSERT INTO meta VALUES ('format', '%d');"
	"COMMIT";

static int explain(const struct journal *j, const char *what, struct err *err)
{
	int system_error;
	switch (sqlite3_errcode(j->db)) {
	case SQLITE_FULL:
		return err_set(err, "%s the journal %s: the disk is full; free some space", what, j->path);
	case SQLITE_BUSY:
		return err_set(err, "%s the journal %s: another process writes to it", what, j->path);
	case SQLITE_READONLY:
		return err_set(err, "%s the journal %s: it cannot be written; check its permissions", what, j->path);
	case SQLITE_NOTADB:
		return err_set(err, "%s the journal %s: the file is no SQLite database; move it away", what, j->path);
	case SQLITE_CORRUPT:
		return err_set(err, "%s the journal %s: it is damaged; `sqlite3 %s .recover` saves what can be read",
		               what, j->path, j->path);
	case SQLITE_CANTOPEN:
		system_error = sqlite3_system_errno(j->db);
		return err_set(err, "%s the journal %s: %s", what, j->path,
		               system_error ? strerror(system_error) : "it cannot be opened");
	default:
		return err_set(err, "%s the journal %s: %s", what, j->path, sqlite3_errmsg(j->db));
	}
}

static sqlite3_stmt *prepare(const struct journal *j, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3_prepare_v2(j->db, sql, -1, &statement, NULL);
	return statement;	/* NULL on failure: stepping it gives SQLITE_MISUSE */
}

static int64_t one_number(const struct journal *j, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *statement = prepare(j, sql);
	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		otherwise = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return otherwise;
}

/* The path as a URI: what would end it or start an escape is escaped. */
static char *uri_of(const char *path, const char *parameters)
{
	struct buf uri = {0};
	buf_puts(&uri, *path == '/' ? "file://" : "file:");
	for (; *path; path++)
		if (strchr("%?#", *path))
			buf_printf(&uri, "%%%02x", (unsigned char)*path);
		else
			buf_putc(&uri, *path);
	buf_puts(&uri, parameters);
	return buf_take(&uri);
}

/* A connection; its first statement is what really opens the file, so that is tried here. */
static int connect_to(struct journal *j, int flags, const char *parameters)
{
	char *uri = uri_of(j->path, parameters);
	sqlite3_close(j->db);
	j->db = NULL;
	int rc = sqlite3_open_v2(uri, &j->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	free(uri);
	sqlite3_busy_timeout(j->db, BUSY_MS);
	return rc == SQLITE_OK && one_number(j, "SELECT count(*) FROM sqlite_master", -1) >= 0 ? 0 : -1;
}

static int has_wal(const char *path)
{
	struct stat info;
	char *wal = xasprintf("%s-wal", path);
	int has = !stat(wal, &info);
	free(wal);
	return has;
}

/* 1: a journal of our format; 0: an empty database; -1 with the reason why it is neither. */
static int check_format(struct journal *j, struct err *err)
{
	if (!one_number(j, "SELECT count(*) FROM sqlite_master", 0))
		return 0;
	int64_t tables = one_number(j, "SELECT count(*) FROM sqlite_master WHERE name IN ('event', 'meta')", 0);
	char *format = tables == 2 ? journal_get(j, "format") : NULL;
	int number = format ? atoi(format) : 0;
	free(format);
	if (number < 1)
		return err_set(err, "%s is a database, but no journal of skydeck; move it away", j->path);
	if (number > JOURNAL_FORMAT)
		return err_set(err, "the journal %s has format %d, and this skydeck reads formats up to %d: it was written by "
		               "a newer version, use that one; the file was not touched", j->path, number, JOURNAL_FORMAT);
	return 1;
}

/* Looks at an existing file without a trace. Same returns as check_format. */
static int look(struct journal *j, struct err *err)
{
	struct stat info;
	if (stat(j->path, &info) || (!info.st_size && !has_wal(j->path)))
		return 0;
	if (connect_to(j, SQLITE_OPEN_READONLY, has_wal(j->path) ? "" : "?immutable=1"))
		return explain(j, "cannot read", err);
	return check_format(j, err);
}

static int make_tables(struct journal *j)
{
	char *sql = xasprintf(schema, JOURNAL_FORMAT);
	int rc = sqlite3_exec(j->db, sql, NULL, NULL, NULL);
	free(sql);
	return rc;
}

static int make_writer(struct journal *j, int is_new, struct err *err)
{
	if (connect_to(j, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ""))
		return explain(j, "cannot open", err);
	sqlite3_stmt *mode = prepare(j, "PRAGMA journal_mode = WAL");
	int rc = mode ? sqlite3_step(mode) : SQLITE_ERROR;
	int is_wal = rc == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(mode, 0), "wal");
	sqlite3_finalize(mode);
	if (rc == SQLITE_ROW && !is_wal)
		return err_set(err, "cannot open the journal %s: its file system has no shared memory (WAL)", j->path);
	if (!is_wal || sqlite3_exec(j->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) || (is_new && make_tables(j)))
		return explain(j, "cannot open", err);
	j->append = prepare(j, "INSERT INTO event VALUES (?, ?, ?, ?)");
	j->begin = prepare(j, "BEGIN IMMEDIATE");
	j->commit = prepare(j, "COMMIT");
	j->rollback = prepare(j, "ROLLBACK");
	return j->append ? 0 : explain(j, "cannot open", err);
}

struct journal *journal_open(const char *path, struct err *err)
{
	struct journal *j = xcalloc(1, sizeof *j);
	j->path = xstrdup(path);
	int found = look(j, err);
	if (found < 0 || make_writer(j, !found, err)) {
		journal_close(j);
		return NULL;
	}
	return j;
}

struct journal *journal_open_reader(const char *path, struct err *err)
{
	struct journal *j = xcalloc(1, sizeof *j);
	j->path = xstrdup(path);
	struct stat info;
	int bad;
	if (stat(path, &info))
		bad = err_set(err, "cannot read the journal %s: %s", path, strerror(errno));
	else if (connect_to(j, SQLITE_OPEN_READONLY, "") &&
	         (has_wal(path) || connect_to(j, SQLITE_OPEN_READONLY, "?immutable=1")))
		bad = explain(j, "cannot read", err);
	else if (!(bad = check_format(j, err)))
		bad = err_set(err, "the journal %s is still empty", path);
	if (bad < 0) {
		journal_close(j);
		return NULL;
	}
	return j;
}

static void roll_back(struct journal *j)
{
	if (!sqlite3_get_autocommit(j->db)) {	/* some failures have done so already */
		sqlite3_step(j->rollback);
		sqlite3_reset(j->rollback);
	}
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->rollback)
		roll_back(j);
	sqlite3_finalize(j->append);
	sqlite3_finalize(j->begin);
	sqlite3_finalize(j->commit);
	sqlite3_finalize(j->rollback);
	sqlite3_close(j->db);
	free(j->path);
	free(j);
}

/* Runs a statement that gives no rows. */
static int run(sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* Remembers the sentence, takes the transaction back whole, and passes the sentence on. */
static int fail(struct journal *j, struct err *err)
{
	explain(j, "cannot write to", &j->why);
	roll_back(j);
	j->failed = 1;
	return err_set(err, "%s", j->why.text);
}

int journal_append(struct journal *j, uint64_t seq, int64_t time, const char *kind, const char *body, struct err *err)
{
	if (j->failed)
		return err_set(err, "%s", j->why.text);
	if (!j->append)
		return err_set(err, "the journal %s was opened for reading only", j->path);
	if (sqlite3_get_autocommit(j->db) && run(j->begin))
		return fail(j, err);
	sqlite3_bind_int64(j->append, 1, (sqlite3_int64)seq);
	sqlite3_bind_int64(j->append, 2, time);
	sqlite3_bind_text(j->append, 3, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(j->append, 4, body, -1, SQLITE_STATIC);
	return run(j->append) ? fail(j, err) : 0;
}

int journal_commit(struct journal *j, struct err *err)
{
	if (!j->failed && !sqlite3_get_autocommit(j->db) && run(j->commit))
		fail(j, NULL);
	if (!j->failed)
		return 0;
	j->failed = 0;
	return err_set(err, "%s", j->why.text);
}

int journal_each(struct journal *j, uint64_t since, int (*each)(void *data, uint64_t seq, const char *body, size_t len),
                 void *data, struct err *err)
{
	sqlite3_stmt *rows = prepare(j, "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq");
	int rc, stop = 0;
	if (!rows)
		return explain(j, "cannot read", err);
	sqlite3_bind_int64(rows, 1, (sqlite3_int64)since);
	while (!stop && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		const char *body = (const char *)sqlite3_column_text(rows, 1);
		uint64_t seq = (uint64_t)sqlite3_column_int64(rows, 0);
		stop = each(data, seq, body ? body : "", (size_t)sqlite3_column_bytes(rows, 1));
	}
	if (!stop && rc != SQLITE_DONE)
		stop = explain(j, "cannot read", err);
	sqlite3_finalize(rows);
	return stop;
}

uint64_t journal_last(struct journal *j)
{
	return (uint64_t)one_number(j, "SELECT max(seq) FROM event", 0);
}

char *journal_get(struct journal *j, const char *key)
{
	sqlite3_stmt *row = prepare(j, "SELECT value FROM meta WHERE key = ?");
	char *value = NULL;
	sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC);
	if (row && sqlite3_step(row) == SQLITE_ROW)
		value = xstrdup((const char *)sqlite3_column_text(row, 0));
	sqlite3_finalize(row);
	return value;
}

int journal_put(struct journal *j, const char *key, const char *value, struct err *err)
{
	if (j->failed)
		return err_set(err, "%s", j->why.text);
	int alone = sqlite3_get_autocommit(j->db);
	sqlite3_stmt *statement = prepare(j, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
	int bad = !statement || run(statement);
	if (bad)
		bad = alone ? explain(j, "cannot write to", err) : fail(j, err);
	sqlite3_finalize(statement);
	return bad;
}
