/* The guard: what it stops and why, and what it lets pass. The changes are made by hand, file by file. */
#include "tests/test.h"

#include "core/engine/guard.h"

enum { FILE_MODE = 0100644, PROGRAM = 0100755, LINK = 0120000, MODULE = 0160000 };

struct guarded {
	struct config config;
	struct strings harness, reasons;
	struct git_file files[8];
	struct git_change change;
};

static void begin(struct guarded *g)
{
	memset(g, 0, sizeof *g);
	config_init(&g->config);
	strings_add(&g->harness, "bench/run.sh");
	g->change.files = g->files;
}

static void end(struct guarded *g)
{
	config_release(&g->config);
	strings_release(&g->harness);
	strings_release(&g->reasons);
}

static void set(struct guarded *g, const char *name, const char *value)
{
	struct err err = {0};
	assert_ok(config_set(&g->config, name, value, &err), &err);
}

/* The guard's reasons about one file as one text, "; " between them. */
static const char *about(struct guarded *g, struct git_file file)
{
	static char text[2048];
	g->files[0] = file;
	g->change.count = 1;
	strings_release(&g->reasons);
	guard_check(&g->config, &g->harness, &g->change, &g->reasons);
	text[0] = '\0';
	for (size_t i = 0; i < g->reasons.count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "; " : "", g->reasons.at[i]);
	return text;
}

#define EDITED(path) about(&g, (struct git_file){ (char *)(path), (char *)(path), 1, 1, FILE_MODE, FILE_MODE, 0, NULL })
#define LINKED(path, to) about(&g, (struct git_file){ (char *)(path), (char *)(path), 1, 0, 0, LINK, 0, (char *)(to) })

static void sources_pass(void **state)
{
	struct guarded g;
	(void)state;
	begin(&g);
	assert_string_equal(EDITED("src/a.c"), "");
	assert_string_equal(EDITED("a.c"), "");
	assert_string_equal(EDITED("bench/run.c"), "");
	assert_string_equal(EDITED("docs/skydeck"), "");
	end(&g);
}

static void the_harness_is_protected_whatever_the_config_says(void **state)
{
	static const char *const paths[] = { "bench/run.sh", ".skydeck/config", ".auto/measure.sh", "autoresearch.sh", "autoresearch.checks.sh",
		"sub/autoresearch.sh", ".git/hooks/x", ".gitattributes", "src/.gitattributes", ".gitmodules" };
	struct guarded g;
	(void)state;
	begin(&g);
	for (int scoped = 0; scoped < 2; scoped++) {
		for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
			if (!strstr(EDITED(paths[i]), "belongs to the harness"))
				fail_msg("%s: \"%s\"", paths[i], EDITED(paths[i]));
		set(&g, "target.scope", "*");
	}
	end(&g);
}

static void build_flags_need_a_scope(void **state)
{
	struct guarded g;
	(void)state;
	begin(&g);
	assert_string_equal(EDITED("Makefile"), "Makefile holds build flags");
	assert_string_equal(EDITED("sub/CMakeLists.txt"), "sub/CMakeLists.txt holds build flags");
	assert_string_equal(EDITED("cmake/x.cmake"), "cmake/x.cmake holds build flags");
	assert_string_equal(EDITED("sub/CMakePresets.json"), "sub/CMakePresets.json holds build flags");
	assert_string_equal(EDITED("setup.cfg"), "setup.cfg holds build flags");
	set(&g, "target.scope", "Makefile");
	assert_string_equal(EDITED("Makefile"), "");
	assert_string_equal(EDITED("src/a.c"), "src/a.c is outside of target.scope");
	end(&g);
}

static void scope_and_protection(void **state)
{
	struct guarded g;
	(void)state;
	begin(&g);
	set(&g, "target.scope", "src");
	set(&g, "target.protect", "src/tests/*");
	assert_string_equal(EDITED("src/a.c"), "");
	assert_string_equal(EDITED("src/tests/t.c"), "src/tests/t.c is protected (target.protect)");
	assert_string_equal(EDITED("srcs/a.c"), "srcs/a.c is outside of target.scope");
	/* A file that is moved out of scope, or into it, is a change on both sides. */
	char inside[] = "src/a.c", outside[] = "lib/a.c";
	assert_string_equal(about(&g, (struct git_file){ inside, outside, 0, 0, FILE_MODE, FILE_MODE, 0, NULL }), "lib/a.c is outside of target.scope");
	assert_string_equal(about(&g, (struct git_file){ outside, inside, 0, 0, FILE_MODE, FILE_MODE, 0, NULL }), "lib/a.c is outside of target.scope");
	end(&g);
}

static void links_may_not_leave_the_tree(void **state)
{
	static const char *const leave[][2] = { { "l", "/etc/passwd" }, { "l", ".." }, { "l", "../x" }, { "a/l", "../../x" }, { "a/b/l", "../../../x" },
		{ "a/l", "b/../../../x" }, { "l", "./.././x" } };
	static const char *const stay[][2] = { { "l", "x" }, { "a/l", "../x" }, { "a/b/l", "../../x" }, { "l", "a/../b" }, { "a/l", "..x" }, { "l", "a//b" } };
	struct guarded g;
	(void)state;
	begin(&g);
	for (size_t i = 0; i < sizeof leave / sizeof *leave; i++)
		if (!strstr(LINKED(leave[i][0], leave[i][1]), "symbolic link that leaves the tree"))
			fail_msg("%s -> %s passes", leave[i][0], leave[i][1]);
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		if (*LINKED(stay[i][0], stay[i][1]))
			fail_msg("%s -> %s: %s", stay[i][0], stay[i][1], LINKED(stay[i][0], stay[i][1]));
	end(&g);
}

static void kinds_of_files(void **state)
{
	struct guarded g;
	char path[] = "src/a.c";
	(void)state;
	begin(&g);
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 0, FILE_MODE, PROGRAM, 0, NULL }), "src/a.c changes its mode");
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 0, 0, PROGRAM, 0, NULL }), "src/a.c is a new executable file");
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 0, 0, MODULE, 0, NULL }), "src/a.c is a submodule");
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 0, MODULE, 0, 0, NULL }), "src/a.c is a submodule");
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 0, FILE_MODE, FILE_MODE, 1, NULL }), "src/a.c is binary");
	assert_string_equal(about(&g, (struct git_file){ path, path, 0, 3, FILE_MODE, 0, 0, NULL }), "");	/* a file may go */
	end(&g);
}

static void size_and_everything_at_once(void **state)
{
	struct guarded g;
	char escape[] = "src/\033[31m.c";
	(void)state;
	begin(&g);
	set(&g, "target.maxlines", "10");
	g.change.added = 6;
	g.change.removed = 4;
	assert_string_equal(EDITED("src/a.c"), "");
	g.change.added = 7;
	assert_string_equal(EDITED("src/a.c"), "11 changed lines are more than 10 (target.maxlines)");
	about(&g, (struct git_file){ escape, escape, 7, 4, 0, PROGRAM, 1, NULL });
	assert_int_equal(g.reasons.count, 3);		/* executable, binary, size: all that is to be seen */
	for (size_t i = 0; i < g.reasons.count; i++)
		assert_null(strchr(g.reasons.at[i], '\033'));
	set(&g, "target.maxlines", "0");
	assert_string_equal(EDITED("src/a.c"), "");	/* no limit */
	end(&g);
}

/* libgit2 is at hand while a repository is open, as it is in an engine; else each match would set it up anew. */
static int open_repository(void **state)
{
	struct err err = {0};
	char folder[512], file[600];
	test_path(folder, sizeof folder, "guard.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/a", folder);
	FILE *f = fopen(file, "w");
	if (!f || fclose(f) || git_create(folder, "one file", &err))
		return -1;
	*state = git_open(folder, &err);
	return *state ? 0 : -1;
}

static int close_repository(void **state)
{
	git_close(*state);
	return 0;
}

static void more_files_than_anybody_reads_are_stopped(void **state)
{
	enum { COUNT = 1001 };
	struct guarded g;
	static struct git_file files[COUNT];
	(void)state;
	begin(&g);
	for (size_t i = 0; i < COUNT; i++)
		files[i] = (struct git_file){ (char *)"src/a.c", (char *)"src/a.c", 0, 0, FILE_MODE, FILE_MODE, 0, NULL };
	g.change = (struct git_change){ .files = files, .count = COUNT - 1 };
	guard_check(&g.config, &g.harness, &g.change, &g.reasons);
	assert_int_equal(g.reasons.count, 0);
	g.change.count = COUNT;
	guard_check(&g.config, &g.harness, &g.change, &g.reasons);
	assert_int_equal(g.reasons.count, 1);
	assert_string_equal(g.reasons.at[0], "1001 changed files are too many: only 1000 of them were looked at");
	end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_pass),
		cmocka_unit_test(the_harness_is_protected_whatever_the_config_says),
		cmocka_unit_test(build_flags_need_a_scope),
		cmocka_unit_test(scope_and_protection),
		cmocka_unit_test(links_may_not_leave_the_tree),
		cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(size_and_everything_at_once),
		cmocka_unit_test(more_files_than_anybody_reads_are_stopped),
	};
	return cmocka_run_group_tests_name("engine_guard", tests, open_repository, close_repository);
}
