/* One-shot commands: one file each, one table (core/cli/commands.c), as tmux does. */
#ifndef CORE_CLI_CLI_H
#define CORE_CLI_CLI_H

#include "core/base/err.h"
#include "core/base/version.h"

#define CLI_VERSION SKYDECK_VERSION

/* What stands before the command on the command line. */
struct cli {
	const char *directory;	/* -C DIR, or "." */
	int verbose;		/* -v */
	int color;		/* whether output for people may hold escapes: --color, NO_COLOR, isatty */
	const char *program;	/* argv[0] */
	const char *script;	/* --script FILE, for the cockpit; NULL: none */
	/* Opens the cockpit on a running engine; argv[0] is a name, the rest attach's options, checked already, or
	 * --until-end: it leaves with the session. Given by main, since nothing here may know the terminal. Returns an
	 * exit code, as run below. */
	int (*cockpit)(const struct cli *cli, int argc, char **argv, struct err *err);
};

/* args: the usage after the name; help: one line; options: a line for each option and operand that needs words, "--word VALUE",
 * a tab, what it means. Help and the manual page are made of these. run gets argv[0] = the name and returns an exit code (enum
 * exit_code); on failure it has set err, and main prints it as one line on stderr. Usage errors return
 * err_code(err, EXIT_USAGE, …). */
struct cli_command {
	const char *name, *args, *help, *options;
	int (*run)(const struct cli *cli, int argc, char **argv, struct err *err);
};

#define CLI_JSON_OPTION "--json\tone JSON document\n"

extern const struct cli_command *const cli_commands[];	/* NULL-terminated, in the order of the help */
const struct cli_command *cli_find(const char *name);

/* skydeck without a command: the cockpit on the target, its engine started where none runs. */
int cli_open(const struct cli *cli, struct err *err);

#endif
