/* The protocol of assets/driver.sh, as its head describes it: the words it is given, and the lines that it puts among
 * the output of the commands it executes. The lines carry a token that only driver and caller know. */
#ifndef CORE_RUNNERS_DRIVER_H
#define CORE_RUNNERS_DRIVER_H

#include <stddef.h>

#include "core/base/buf.h"

enum { DRIVER_TOKEN = 33, DRIVER_LINE_MAX = 1024 };

enum driver_word { DRIVER_RUN, DRIVER_END, DRIVER_SKIP, DRIVER_HOST };

/* What one line said; what a word does not have is "" or 0. */
struct driver_line {
	enum driver_word word;
	char run[64], arm[64], step[16];
	unsigned round;
	int exit_code;		/* 128+N: by signal N */
	double seconds;		/* of the command alone; -1: not said */
	long timeout;		/* seconds, when the driver ended it because the time was up */
	char artifact[65];	/* hexadecimal */
	int is_same, is_kept;	/* of a build: the artifact is the one that was named; it stood there already */
	char arch[32], boot[48];	/* of the host: "x86_64"; another one after each boot */
	long cpus, memory_mb;
};

/* Takes the driver's lines out of a stream. Set token and the callbacks, the rest is {0}. */
struct driver {
	const char *token;	/* borrowed */
	void (*output)(void *data, const char *bytes, size_t n);	/* everything else, as it comes */
	void (*said)(void *data, const struct driver_line *line);	/* after the output that stood before it */
	void *data;
	struct buf pending;	/* the parser's own */
};

void driver_feed(struct driver *d, const char *bytes, size_t n);
void driver_end(struct driver *d);	/* what was held back is output */
void driver_release(struct driver *d);

void driver_new_token(char token[DRIVER_TOKEN]);

/* Adds "WORD TEXT" as a line; a newline in text becomes a blank, NULL adds nothing. */
void driver_put(struct buf *out, const char *word, const char *text);

#endif
