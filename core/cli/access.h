/* What commands start from: the target, its session read from the journal, its engine, and standard output. */
#ifndef CORE_CLI_ACCESS_H
#define CORE_CLI_ACCESS_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/cli/cli.h"
#include "core/data/model.h"
#include "core/engine/target.h"

/* A target and its current session, for commands that look. {0} before access_open; to be released in any case. */
struct access {
	struct target target;
	struct model model;
	int engine_runs;
};
int access_open(const struct cli *cli, struct access *a, struct err *err);
void access_release(struct access *a);

/* The proposal of that id, or NULL with a sentence that says which there are. */
struct proposal *access_proposal(const struct model *m, const char *id, struct err *err);

int no_engine(const struct target *t, struct err *err);	/* sets EXIT_NO_ENGINE with its sentence; -1 */

/* Asks the target's engine to carry out a command. NULL with EXIT_NO_ENGINE when none runs, EXIT_REFUSED when it will
 * not. */
struct json *access_command(const struct cli *cli, const char *name, struct json *args_taken, struct err *err);

const char *or_nothing(const char *s);	/* s, or "" for NULL */

/* Both to standard output; the document on one line. Return 0. */
int print_json(struct json *document_taken);
int print_text(struct buf *text_taken);

/* What a command prints of an engine's answer: the document with --json, else the line. Returns EXIT_DONE. */
int print_answer(struct json *result_taken, int as_json, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Bytes from outside to standard output, as UTF-8 without escapes: a pipe may end in a terminal, too. */
void print_safe(const char *bytes, size_t len);

#endif
