/* skydeck demo: the bundled target, unpacked, and then as any other target. What becomes the repository's first commit
 * is the target alone; settings, patches and library go below .skydeck, where they would be in a project of one's own.
 * The mark is written last: a folder without it was not unpacked to the end, or is somebody's own: it is left alone. */
#include "core/cli/cli.h"

#include <dirent.h>
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
#include "core/io/folder.h"
#include "core/io/git.h"

static const char prefix[] = "assets/demo/", target_part[] = "target/", mark[] = ".skydeck/demo";

/* Writes path below dir, folders on the way made. */
static int put_path(int dir, const char *path, const struct embedded *file, struct err *err)
{
	const char *slash = strchr(path, '/');
	if (!slash)
		return folder_put(dir, path, file->executable ? FOLDER_EXECUTABLE : FOLDER_FILE, file->data,
			file->size, err);
	char *name = xstrndup(path, (size_t)(slash - path));
	int inner = folder_enter(dir, name, err);
	int rc = inner < 0 ? -1 : put_path(inner, slash + 1, file, err);
	if (inner >= 0)
		close(inner);
	free(name);
	return rc;
}

/* The part that is the target, or all the rest. */
static int unpack(const char *folder, int is_target, struct err *err)
{
	int dir = folder_open(folder, err), rc = dir < 0 ? -1 : 0;
	for (const struct embedded *f = embedded_files; f->path && !rc; f++) {
		if (strncmp(f->path, prefix, strlen(prefix)))
			continue;
		const char *path = f->path + strlen(prefix);
		int in_target = !strncmp(path, target_part, strlen(target_part));
		if (in_target != is_target || !strcmp(path, "README.md"))
			continue;
		char *place = in_target ? xstrdup(path + strlen(target_part)) : xasprintf(".skydeck/%s", path);
		rc = put_path(dir, place, f, err);
		free(place);
	}
	if (dir >= 0)
		close(dir);
	return rc;
}

static int put_mark(const char *folder, struct err *err)
{
	static const char text[] = "skydeck demo\n";
	const struct embedded file = { mark, (const unsigned char *)text, sizeof text - 1, 0 };
	int dir = folder_open(folder, err);
	int rc = dir < 0 ? -1 : put_path(dir, mark, &file, err);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int exclude(const char *folder, struct err *err)
{
	struct git *git = git_open(folder, err);
	int rc = git ? git_exclude(git, ".skydeck/", err) : -1;
	git_close(git);
	return rc;
}

static int make_demo(const char *folder, struct err *err)
{
	if (unpack(folder, 1, err) < 0 || git_create(folder, "The demo: CPU inference kernels", err) < 0 ||
	    exclude(folder, err) < 0)
		return -1;
	return unpack(folder, 0, err) < 0 ? -1 : put_mark(folder, err);
}

enum { FOLDER_FREE, FOLDER_IS_DEMO, FOLDER_TAKEN };

static int look_at(const char *folder)
{
	char *path = xasprintf("%s/%s", folder, mark);
	int is_demo = !access(path, F_OK), count = 0;
	free(path);
	if (is_demo)
		return FOLDER_IS_DEMO;
	DIR *dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? FOLDER_FREE : FOLDER_TAKEN;
	for (struct dirent *e; (e = readdir(dir));)
		count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(dir);
	return count ? FOLDER_TAKEN : FOLDER_FREE;
}

/* demo, demo-2, … in the user's cache: the first that is not there. */
static char *new_folder(struct err *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *base = cache && *cache == '/' ? xasprintf("%s/skydeck", cache)
		   : home && *home ? xasprintf("%s/.cache/skydeck", home) : NULL;
	int dir = base ? folder_open(base, err) : err_set(err, "HOME is not set: name a folder, skydeck demo DIR");
	char *folder = NULL;
	for (unsigned n = 1; dir >= 0 && !folder; n++) {
		char *name = n == 1 ? xstrdup("demo") : xasprintf("demo-%u", n);
		if (!mkdirat(dir, name, 0777))
			folder = xasprintf("%s/%s", base, name);
		else if (errno != EEXIST) {
			err_set(err, "cannot make %s/%s: %s", base, name, strerror(errno));
			free(name);
			break;
		}
		free(name);
	}
	if (dir >= 0)
		close(dir);
	free(base);
	return folder;
}

static int open_demo(const struct cli *cli, const char *folder, struct err *err)
{
	struct cli here = *cli;
	here.directory = folder;
	if (cli->script || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return cli_open(&here, err);
	char run[] = "run", plain[] = "--plain", autonomy[] = "--autonomy", value[] = "auto";
	char *argv[] = { run, plain, autonomy, value, NULL };
	return cli_find("run")->run(&here, 4, argv, err);
}

static int demo_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int count = cli_options(argc, argv, NULL, 0, 1, err);
	if (count < 0)
		return -1;
	char *folder = count ? xstrdup(argv[1]) : new_folder(err);
	int state = folder ? look_at(folder) : FOLDER_TAKEN, rc = folder ? 0 : -1;
	if (!rc && state == FOLDER_TAKEN)
		rc = err_set(err, "%s is not empty and no demo of skydeck: name a new folder", folder);
	if (!rc && state == FOLDER_FREE)
		rc = make_demo(folder, err);
	if (!rc) {
		printf("the demo is in %s\n", folder);
		fflush(stdout);
		rc = open_demo(cli, folder, err);
	}
	free(folder);
	return rc;
}

const struct cli_command demo_command = {
	.name = "demo",
	.args = "[DIR]",
	.help = "unpack the bundled target and open it",
	.options = "DIR\twhere to; default: a new folder under ~/.cache/skydeck\n",
	.run = demo_run,
};
