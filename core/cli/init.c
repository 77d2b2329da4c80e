/* skydeck init: what a target needs, where it is missing. A recipe is a folder of assets/recipes, compiled in:
 *
 *     about       one line for --list-recipes
 *     config      becomes .skydeck/config
 *     next        what is left to the user, printed at the end
 *     sources/    becomes .skydeck/sources: the first of the reading list
 *     the rest    the harness: goes to the target's root, unless scripts below .auto are the harness already
 *
 * What is there is the user's: it is never written over, and no symlink below .skydeck is followed. */
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/embedded.h"
#include "core/base/mem.h"
#include "core/cli/options.h"
#include "core/engine/target.h"
#include "core/io/git.h"

static const char prefix[] = "assets/recipes/";

/* Where the files of a recipe go: a folder as a descriptor, and how it is called. */
struct place {
	int fd;
	char *path;
};

static char *recipe_path(const char *recipe, const char *file)
{
	return xasprintf("%s%s/%s", prefix, recipe, file);
}

static const struct embedded *recipe_file(const char *recipe, const char *file)
{
	char *path = recipe_path(recipe, file);
	const struct embedded *found = embedded_find(path);
	free(path);
	return found;
}

static int recipe_exists(const char *name)
{
	return *name && !strchr(name, '/') && recipe_file(name, "about");
}

static void list_recipes(void)
{
	for (const struct embedded *f = embedded_files; f->path; f++) {
		const char *name = f->path + strlen(prefix), *end;
		if (!strncmp(f->path, prefix, strlen(prefix)) && (end = strchr(name, '/')) && !strcmp(end, "/about"))
			printf("%-12.*s  %.*s\n", (int)(end - name), name, (int)strcspn((const char *)f->data, "\n"), (const char *)f->data);
	}
}

static int open_place(struct place *place, int dir, const char *parent, const char *name, struct err *err)
{
	place->path = xasprintf("%s/%s", parent, name);
	if (mkdirat(dir, name, 0777) < 0 && errno != EEXIST)
		return err_set(err, "cannot make %s: %s", place->path, strerror(errno));
	place->fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return place->fd < 0 ? err_set(err, "%s must be a folder: %s", place->path, strerror(errno)) : 0;
}

static void close_place(struct place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	free(place->path);
}

/* 1: written; 0: there already; -1. */
static int write_missing(const struct place *place, const char *name, const struct embedded *file, struct err *err)
{
	int fd = openat(place->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->executable ? 0777 : 0666);
	if (fd < 0 && errno == EEXIST) {
		printf("kept   %s/%s\n", place->path, name);
		return 0;
	}
	int bad = fd < 0 || write(fd, file->data, file->size) != (ssize_t)file->size;
	if (fd >= 0)
		bad |= close(fd) != 0;
	if (bad) {
		err_set(err, "cannot write %s/%s: %s", place->path, name, strerror(errno));
		if (fd >= 0)	/* half a file would be kept for the user's own the next time */
			unlinkat(place->fd, name, 0);
		return -1;
	}
	printf("wrote  %s/%s\n", place->path, name);
	return 1;
}

/* The files of a recipe below `part` ("" for the harness, or "sources/"). */
static int write_part(const struct place *place, const char *recipe, const char *part, struct err *err)
{
	static const char *const special[] = { "about", "config", "next" };
	char *start = recipe_path(recipe, part);
	int rc = 0;
	for (const struct embedded *f = embedded_files; f->path && rc >= 0; f++) {
		const char *name = f->path + strlen(start);
		int is_special = 0;
		if (strncmp(f->path, start, strlen(start)) || strchr(name, '/'))
			continue;
		for (size_t i = 0; i < sizeof special / sizeof *special; i++)
			is_special |= !*part && !strcmp(name, special[i]);
		if (!is_special)
			rc = write_missing(place, name, f, err);
	}
	free(start);
	return rc < 0 ? -1 : 0;
}

static int write_sources(const struct place *folder, const char *recipe, struct err *err)
{
	struct place sources = { .fd = -1 };
	int rc = open_place(&sources, folder->fd, folder->path, "sources", err);
	if (!rc)
		rc = write_part(&sources, recipe, "sources/", err);
	close_place(&sources);
	return rc;
}

/* Scripts under .auto/ are a harness already. */
static int has_auto(const struct place *root)
{
	return !faccessat(root->fd, ".auto", F_OK, 0);
}

static int write_recipe(const struct target *t, const char *recipe, struct err *err)
{
	struct place root = { open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), xstrdup(t->root) }, folder = { .fd = -1 };
	int config = -1, rc = root.fd < 0 ? err_set(err, "cannot open %s: %s", t->root, strerror(errno))
					  : open_place(&folder, root.fd, t->root, ".skydeck", err);
	if (!rc)
		rc = config = write_missing(&folder, "config", recipe_file(recipe, "config"), err);
	if (rc >= 0)
		rc = write_sources(&folder, recipe, err);
	if (!rc && !has_auto(&root))
		rc = write_part(&root, recipe, "", err);
	if (!rc && config)
		fputs((const char *)recipe_file(recipe, "next")->data, stdout);
	else if (!rc)
		printf("next: your config is kept; what the recipe %s would set is in skydeck init --recipe %s --show\n", recipe, recipe);
	close_place(&folder);
	close_place(&root);
	return rc;
}

static int exclude(const struct target *t, struct err *err)
{
	struct git *git = git_open(t->root, err);
	int rc = git ? git_exclude(git, ".skydeck/", err) : -1;
	git_close(git);
	return rc;
}

static int init_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int list = 0, show = 0;
	const char *name = "generic";
	struct target t = {0};
	const struct cli_option options[] = { { "recipe", 0, OPTION_TEXT, &name },
		{ "list-recipes", 0, OPTION_FLAG, &list }, { "show", 0, OPTION_FLAG, &show }, {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	if (list)
		return list_recipes(), EXIT_DONE;
	if (!recipe_exists(name))
		return err_code(err, EXIT_USAGE, "init: there is no recipe %s: skydeck init --list-recipes", name);
	if (show)
		return fputs((const char *)recipe_file(name, "config")->data, stdout), EXIT_DONE;
	if (target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = exclude(&t, err) ? -1 : write_recipe(&t, name, err);
	target_release(&t);
	return rc;
}

const struct cli_command init_command = {
	.name = "init",
	.args = "[--recipe NAME] [--list-recipes] [--show]",
	.help = "write .skydeck/config, the scripts and first sources where missing",
	.options = "--recipe NAME\tfor a project that is known; default: generic\n"
		   "--list-recipes\tthe recipes, and what each was tried on\n"
		   "--show\tprint the config that it would write, and write nothing\n",
	.run = init_run,
};
