/* skydeck propose: the human proposes too. The engine runs as the same user and reads the patch itself, so that it
 * passes through the same intake, byte by byte, as a patch of an agent; what comes on standard input is kept in a
 * file for that moment. */
#include "core/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/access.h"
#include "core/cli/options.h"

struct patch {
	char *path;		/* absolute; NULL: none */
	int is_temporary;
};

static int keep_input(struct patch *p, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	p->path = xasprintf("%s/skydeck-patch-XXXXXX", dir && *dir == '/' ? dir : "/tmp");
	int fd = mkstemp(p->path);
	p->is_temporary = fd >= 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	char chunk[16384];
	size_t n;
	while (f && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
		if (fwrite(chunk, 1, n, f) != n)
			break;
	int bad = !f || ferror(f) || ferror(stdin);
	if (f)
		bad |= fclose(f) != 0;
	return bad ? err_set(err, "cannot keep the patch in %s: %s", p->path, strerror(errno)) : 0;
}

static int find_patch(struct patch *p, const char *file, struct err *err)
{
	if (!strcmp(file, "-"))
		return keep_input(p, err);
	p->path = realpath(file, NULL);
	if (!p->path || access(p->path, R_OK))
		return err_set(err, "cannot read the patch %s: %s", file, strerror(errno));
	return 0;
}

static void patch_release(struct patch *p)
{
	if (p->is_temporary)
		unlink(p->path);
	free(p->path);
}

struct words {
	const char *title, *commit, *revises;
	struct strings sources;
};

static struct json *arguments(const struct patch *patch, const struct words *w)
{
	struct json *args = json_object(), *list = json_array();
	for (size_t i = 0; i < w->sources.count; i++)
		json_append(list, json_new_string(w->sources.at[i]));
	const char *const texts[][2] = { { "path", patch->path }, { "commit", w->commit }, { "title", w->title },
		{ "proposal", w->revises } };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i][1])
			json_put_string(args, texts[i][0], texts[i][1]);
	json_take(args, "sources", list);
	return args;
}

static int print_proposal(struct json *result, int as_json)
{
	const char *id = json_string(json_get(result, "proposal"), "?");
	const char *state = json_string(json_get(result, "state"), "proposed");
	const char *conflict = json_string(json_get(result, "conflict"), NULL);
	char *line = xasprintf("%s %s%s%s", id, state, conflict ? ": " : "", or_nothing(conflict));
	print_answer(result, as_json, "%s", line);
	free(line);
	return EXIT_DONE;
}

static int propose_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	struct words w = {0};
	struct patch patch = {0};
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json },
		{ "title", 0, OPTION_TEXT, &w.title },
		{ "commit", 0, OPTION_TEXT, &w.commit }, { "source", 0, OPTION_LIST, &w.sources },
		{ "revises", 0, OPTION_TEXT, &w.revises }, {0} };
	int rc = cli_options(argc, argv, options, 0, 1, err);
	if (rc >= 0 && (rc == 1) == (w.commit != NULL))
		rc = err_code(err, EXIT_USAGE, "propose: give a PATCHFILE (- is standard input), or --commit REV");
	if (rc >= 0 && !w.commit)
		rc = find_patch(&patch, argv[1], err);
	if (rc >= 0) {
		struct json *result = access_command(cli, "propose", arguments(&patch, &w), err);
		rc = result ? print_proposal(result, as_json) : -1;
	}
	patch_release(&patch);
	strings_release(&w.sources);
	return rc;
}

const struct cli_command propose_command = {
	.name = "propose",
	.args = "[--title T] [--source S]… [--revises ID] PATCHFILE|- | --commit REV",
	.help = "propose a patch, or a commit that is there; with --revises the next revision of a proposal",
	.options = "PATCHFILE\ta diff, or a mail of git format-patch; -: from standard input\n"
		   "--commit REV\ta commit that is in the repository\n"
		   "--title T\tdefault: the subject of the patch\n"
		   "--source S\twhere the idea comes from: arXiv:…, a URL, an id of the reading list; may repeat\n"
		   "--revises ID\tthe next revision of that proposal\n"
		   CLI_JSON_OPTION,
	.run = propose_run,
};
