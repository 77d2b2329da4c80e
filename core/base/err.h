/* An error is a sentence that a user can act on: what failed, on what, what to do. It is safe text (core/base/text.h):
 * what is put into it from outside may be anything. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

/* What a command that ends with this error exits with (CONTRACT, "Commands"). */
enum exit_code {
	EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_ENGINE = 3, EXIT_REFUSED = 4, EXIT_BUDGET = 5,
	EXIT_INTERRUPTED = 130,
};

struct err {
	enum exit_code code;	/* 0 until set; err_set gives EXIT_FAILED */
	char text[1024];	/* one line, no newline at its end; longer sentences are cut */
};

/* Sets the sentence and returns -1, so that a function can end in `return err_set(err, …)`. err may be NULL. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_refuse(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));	/* code EXIT_REFUSED */
int err_code(struct err *err, enum exit_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the sentence. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
