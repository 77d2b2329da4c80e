/* skydeck: arguments. What stands before the command is read here, the rest is the command's; a command's sentence and
 * exit code become the program's. The cockpit is given to the commands from here, since they may not know the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/options.h"
#include "core/engine/target.h"
#include "panes/panes.h"
#include "tui/cockpit.h"

/* A descriptor that a caller left closed would become somebody's file, and stderr would be written into it. */
static void open_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Commands that can be typed behind `:` in the cockpit: those that command; the rest only prints. */
static int is_for_palette(const char *name)
{
	static const char *const names[] = { "approve", "veto", "waive", "revise", "sign", "cancel", "retry", "propose", "steer", "source",
					     "worker", "autonomy", "pause", "resume", "stop" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], name))
			return 1;
	return 0;
}

static int cockpit(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct ui_command commands[64] = {{0}};
	size_t n = 0;
	for (const struct cli_command *const *c = cli_commands; *c && n + 1 < sizeof commands / sizeof *commands; c++)
		if (is_for_palette((*c)->name))
			commands[n++] = (struct ui_command){ (*c)->name, (*c)->args, (*c)->help };
	int flags[4] = {0};
	const char *theme = NULL;
	const struct cli_option words[] = { { "observe", 0, OPTION_FLAG, &flags[0] }, { "theme", 0, OPTION_TEXT, &theme },
		{ "ascii", 0, OPTION_FLAG, &flags[1] }, { "no-mouse", 0, OPTION_FLAG, &flags[2] }, { "until-end", 0, OPTION_FLAG, &flags[3] }, {0} };
	struct target t = {0};
	struct buf socket = {0};
	if (cli_options(argc, argv, words, 0, 0, err) < 0 || target_find(cli->directory, &t, err) < 0)
		return -1;
	target_socket(&t, &socket);
	struct cockpit_options options = { .socket_path = buf_str(&socket), .directory = t.root, .program = "/proc/self/exe", .panes = panes,
		.commands = commands, .theme = theme, .script = cli->script, .observe = flags[0], .ascii = flags[1], .no_mouse = flags[2],
		.leave_at_end = flags[3] };
	int rc = cockpit_run(&options, err);
	buf_release(&socket);
	target_release(&t);
	return rc == EXIT_DONE ? 0 : -1;
}

static int set_color(struct cli *cli, const char *word, struct err *err)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	if (!word || !strcmp(word, "auto"))
		cli->color = isatty(STDOUT_FILENO) && (!no_color || !*no_color) && (!term || strcmp(term, "dumb"));
	else if (!strcmp(word, "always") || !strcmp(word, "never"))
		cli->color = !strcmp(word, "always");
	else
		return err_code(err, EXIT_USAGE, "--color is auto, never or always, not %s", word);
	return 0;
}

/* "--name VALUE" and "--name=VALUE": the value, or NULL where word is another option. *at moves on to a value of its own. */
static const char *value_of(int argc, char **argv, int *at, const char *name, struct err *err)
{
	size_t n = strlen(name);
	const char *word = argv[*at];
	if (err->code || strncmp(word, name, n))	/* after an error *at may stand behind the last */
		return NULL;
	if (word[n] == '=' && name[1] == '-')
		return word + n + 1;
	if (word[n] && name[1] != '-')
		return word + n;
	if (word[n])
		return NULL;
	if (++*at < argc)
		return argv[*at];
	err_code(err, EXIT_USAGE, "%s takes a value", name);
	return NULL;
}

/* Returns the index of the command (argc: none), or -1. --help and --version become commands. */
static int read_options(struct cli *cli, int argc, char **argv, struct err *err)
{
	static char help[] = "help", version[] = "version";
	const char *color = NULL, *value;
	int at = 1;
	for (; at < argc && argv[at][0] == '-' && argv[at][1] && !err->code; at++) {
		if (!strcmp(argv[at], "-v"))
			cli->verbose = 1;
		else if (!strcmp(argv[at], "-h") || !strcmp(argv[at], "--help"))
			return argv[at] = help, at;
		else if (!strcmp(argv[at], "-V") || !strcmp(argv[at], "--version"))
			return argv[at] = version, at;
		else if ((value = value_of(argc, argv, &at, "-C", err)))
			cli->directory = value;
		else if ((value = value_of(argc, argv, &at, "--color", err)))
			color = value;
		else if ((value = value_of(argc, argv, &at, "--script", err)))
			cli->script = value;
		else if (!err->code)
			return err_code(err, EXIT_USAGE, "there is no option %s before the command; see skydeck help", argv[at]);
	}
	return err->code || set_color(cli, color, err) < 0 ? -1 : at;
}

static void open_log(const struct cli *cli)
{
	struct target t = {0};
	struct err err = {0};
	if (!cli->verbose || target_find(cli->directory, &t, &err) < 0)
		return;
	mkdir(t.folder, 0777);
	char *path = target_path(&t, "skydeck.log");
	if (log_open(path, &err) < 0)
		fprintf(stderr, "skydeck: %s\n", err.text);
	free(path);
	target_release(&t);
}

static int run_command(const struct cli *cli, int argc, char **argv, struct err *err)
{
	const struct cli_command *command = argc ? cli_find(argv[0]) : NULL;
	if (!argc) {
		open_log(cli);
		return cli_open(cli, err);
	}
	if (!command)
		return err_code(err, EXIT_USAGE, "there is no command %s: skydeck help lists them", argv[0]);
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help")) {
			char name[] = "help", *help[] = { name, argv[0], NULL };
			return cli_find("help")->run(cli, 2, help, err);
		}
	open_log(cli);
	return command->run(cli, argc, argv, err);
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct cli cli = { .directory = ".", .program = argc ? argv[0] : "skydeck", .cockpit = cockpit };
	open_standard_descriptors();
	setlocale(LC_CTYPE, "");
	int at = read_options(&cli, argc, argv, &err);
	int rc = at < 0 ? -1 : run_command(&cli, argc - at, argv + at, &err);
	if (rc < 0)
		rc = err.code ? (int)err.code : EXIT_FAILED;
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE && !rc)
		rc = (err_set(&err, "cannot write the output: %s", strerror(errno)), EXIT_FAILED);
	if (rc && err.text[0])
		fprintf(stderr, "skydeck: %s\n", err.text);
	log_close();
	return rc;
}
