/* skydeck init: the three files that a target needs, where they are missing. A recipe is a set of templates; what is
 * there is the user's and is never written over. */
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/cli/options.h"
#include "core/engine/target.h"
#include "core/io/git.h"

static const char generic_config[] =
	"# What skydeck measures here; skydeck help config lists all settings.\n"
	"[target]\n"
	"\t# build = make\n"
	"\tmetric = ops_per_second\n"
	"\tdirection = higher\n"
	"\t# scope = src\n"
	"[session]\n"
	"\tautonomy = manual\n"
	"# Who proposes: a folder of patches, as git format-patch writes them.\n"
	"# [agent \"patches\"]\n"
	"#\tkind = patches\n"
	"#\tdir = .skydeck/patches\n";

static const char generic_measure[] =
	"#!/bin/sh\n"
	"# Runs the benchmark once and prints METRIC name=value lines; exit 0 means that they count.\n"
	"# Half a second is a good length: skydeck runs it many times. What it needs is built before (target.build).\n"
	"set -e\n"
	"echo 'autoresearch.sh: put your benchmark here' >&2\n"
	"exit 1\n"
	"# echo \"METRIC ops_per_second=$(./bench)\"\n";

static const char generic_checks[] =
	"#!/bin/sh\n"
	"# Exit 0 when the result is correct: the tests that a faster but wrong program must fail.\n"
	"set -e\n"
	"echo 'autoresearch.checks.sh: put your tests here' >&2\n"
	"exit 1\n"
	"# make test\n";

static const struct recipe {
	const char *name, *help;
	const char *config, *measure, *checks;
} recipes[] = {
	{ "generic", "any project: a benchmark script and a test script to fill in", generic_config, generic_measure,
		generic_checks },
};
enum { RECIPE_COUNT = sizeof recipes / sizeof *recipes };

static const struct recipe *find_recipe(const char *name)
{
	for (size_t i = 0; i < RECIPE_COUNT; i++)
		if (!strcmp(recipes[i].name, name))
			return &recipes[i];
	return NULL;
}

/* 1: written; 0: there already; -1. */
static int write_missing(const char *path, const char *text, mode_t mode, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST) {
		printf("kept   %s\n", path);
		return 0;
	}
	size_t len = strlen(text);
	int bad = fd < 0 || write(fd, text, len) != (ssize_t)len;
	if (fd >= 0)
		bad |= close(fd) != 0;
	if (bad)
		return err_set(err, "cannot write %s: %s", path, strerror(errno));
	printf("wrote  %s\n", path);
	return 1;
}

static int write_below(const struct target *t, const char *name, const char *text, mode_t mode, struct err *err)
{
	char *path = xasprintf("%s/%s", t->root, name);
	int rc = write_missing(path, text, mode, err);
	free(path);
	return rc;
}

/* Scripts under .auto/ are a harness already. */
static int has_auto(const struct target *t)
{
	char *path = xasprintf("%s/.auto", t->root);
	int has = !access(path, F_OK);
	free(path);
	return has;
}

static int write_recipe(const struct target *t, const struct recipe *r, struct err *err)
{
	struct git *git = git_open(t->root, err);
	int rc = git ? git_exclude(git, ".skydeck/", err) : -1;
	git_close(git);
	if (rc)
		return -1;
	if (mkdir(t->folder, 0777) < 0 && errno != EEXIST)
		return err_set(err, "cannot make %s: %s", t->folder, strerror(errno));
	if (write_below(t, ".skydeck/config", r->config, 0666, err) < 0)
		return -1;
	if (has_auto(t))
		return 0;
	int wrote = write_below(t, "autoresearch.sh", r->measure, 0777, err);
	if (wrote < 0 || write_below(t, "autoresearch.checks.sh", r->checks, 0777, err) < 0)
		return -1;
	if (wrote)
		puts("next: put the benchmark into autoresearch.sh and its metric's name into .skydeck/config");
	return 0;
}

static int init_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int list = 0;
	const char *name = "generic";
	struct target t = {0};
	const struct cli_option options[] = { { "recipe", 0, OPTION_TEXT, &name },
		{ "list-recipes", 0, OPTION_FLAG, &list }, {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	for (size_t i = 0; list && i < RECIPE_COUNT; i++)
		printf("%s  %s\n", recipes[i].name, recipes[i].help);
	if (list)
		return EXIT_DONE;
	if (!find_recipe(name))
		return err_code(err, EXIT_USAGE, "init: there is no recipe %s: skydeck init --list-recipes", name);
	if (target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = write_recipe(&t, find_recipe(name), err);
	target_release(&t);
	return rc;
}

const struct cli_command init_command = {
	.name = "init",
	.args = "[--recipe NAME] [--list-recipes]",
	.help = "write .skydeck/config and the two scripts where missing",
	.run = init_run,
};
