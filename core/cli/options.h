/* Options of a command, from a table. */
#ifndef CORE_CLI_OPTIONS_H
#define CORE_CLI_OPTIONS_H

#include "core/base/err.h"
#include "core/base/mem.h"

enum cli_option_type {
	OPTION_FLAG,	/* int: set to 1 */
	OPTION_TEXT,	/* const char *: the argument itself */
	OPTION_LIST,	/* struct strings: added to */
	OPTION_WHOLE,	/* long, from 0 */
	OPTION_REAL,	/* double, from 0 */
};

struct cli_option {
	const char *name;	/* "json" for --json; NULL ends the table */
	char letter;		/* 'f' for -f too; 0: none */
	enum cli_option_type type;
	void *out;
};

/* Reads --name, --name VALUE, --name=VALUE, -x, -x VALUE, -xVALUE, in any order with operands; what follows -- is
 * operands. Moves these to argv[1…] and returns how many they are, which must be least to most (most -1: no limit); or
 * -1 with a usage error that names the command. */
int cli_options(int argc, char **argv, const struct cli_option *options, int least, int most, struct err *err);

#endif
