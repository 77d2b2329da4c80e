/* Task files: what is written reads back, and what users and attackers write is read or refused with its place. */
#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/runners/task.h"
#include "tests/test.h"

static char folder[PATH_MAX], path[PATH_MAX + 32];

static int make_folder(void **state)
{
	(void)state;
	test_path(folder, sizeof folder, "task.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/experiment.yaml", folder);
	return 0;
}

static char *contents(void)
{
	struct buf text = {0};
	assert_int_equal(buf_read_file(&text, path, 1 << 24), 0);
	return buf_take(&text);
}

static void write_text(const char *text, size_t size)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	fclose(f);
}

/* The value of a top-level key as another reader of YAML sees it; *is_text: it is no number, flag or null. */
static char *value_of(const char *key, int *is_text)
{
	char *text = contents(), *value = NULL;
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (unsigned char *)text, strlen(text));
	assert_true(yaml_parser_load(&parser, &document));
	yaml_node_t *root = yaml_document_get_root_node(&document);
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		yaml_node_t *node = yaml_document_get_node(&document, p->value);
		if (!strcmp((char *)yaml_document_get_node(&document, p->key)->data.scalar.value, key)) {
			value = xstrndup((char *)node->data.scalar.value, node->data.scalar.length);
			*is_text = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		}
	}
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	free(text);
	return value;
}

static void writes_a_task_as_people_would(void **state)
{
	(void)state;
	struct err err = {0};
	struct task_plan plan = { .name = "w1-b7", .infra = "slurm/local", .cpus = "2+", .memory = "4", .accelerators = "H100:1",
		.workdir = "/tmp/a b", .setup = "set -e\nmake deps\n", .run = "sh driver.sh batch w1-b7.steps", .autostop = 10 };
	assert_ok(task_write(path, &plan, &err), &err);
	char *text = contents();
	assert_string_equal(text, "name: \"w1-b7\"\nworkdir: \"/tmp/a b\"\nresources:\n  infra: \"slurm/local\"\n  cpus: \"2+\"\n  memory: \"4\"\n"
			    "  accelerators: \"H100:1\"\n  autostop:\n    idle_minutes: 10\n    down: true\nsetup: |\n  set -e\n  make deps\n"
			    "run: \"sh driver.sh batch w1-b7.steps\"\n");
	free(text);
	assert_ok(task_write(path, &(struct task_plan){ .run = "true" }, &err), &err);
	text = contents();
	assert_string_equal(text, "run: \"true\"\n");
	free(text);
}

static void writes_text_that_reads_back(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "true", "null", "~", "12", "1:20", "0x1f", "a: b", "# no comment", "a # b", "- x", "? x", "&a", "*a", "!t x", "%x", "@x", "`x`", "{a}", "[a]",
		"it's", "say \"x\"", "back\\slash", " blank before", "blank after ", "\ttab before", "tab\tinside", "é ü 漢", "a\xc2\x85" "b", "a\u2028b\u2029c",
		"\ufeffmark", "\U0001F600", "--- x\n...\n", "---\n", "...\n", "one\ntwo", "one\ntwo\n", "one\ntwo\n\n\n", "\n", "\n\n", "\none\n", "one\n\n\n  two\n", "  one\ntwo\n",
		"\n  one\n two\n", "one \ntwo\t\n", "if x; then\n\techo '  a'\nfi\n", "\tone\n\ttwo\n", "one\r\ntwo\r\n", "one\rtwo", "cat <<'E'\n: {x}\n# y\nE\n", "one\n\n", "a\n ",
		"a\n \n", "a\n \nb", "a\n\n ", "a\xc2\x85\nb\n", "#!/bin/sh\n# c\necho $((1<<2)) \"${x:-y}\" | sed 's/: /#/'\n", "%YAML 1.1\n---\n",
	};
	struct err err = {0};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int is_text = 0;
		assert_ok(task_write(path, &(struct task_plan){ .name = texts[i], .setup = texts[i], .run = texts[i] }, &err), &err);
		for (const char *key = "name\0setup\0run\0"; *key; key += strlen(key) + 1) {
			char *value = value_of(key, &is_text);
			assert_non_null(value);
			assert_string_equal(value, texts[i]);
			assert_true(is_text);
			free(value);
		}
	}
	struct buf text = {0};	/* a long line is not folded, a long script comes back whole */
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "echo \"%d: it's # %s\"%s", i, i % 7 ? "é" : "\t", i % 3 ? " " : "\n");
	buf_puts(&text, "end\n");
	assert_ok(task_write(path, &(struct task_plan){ .run = buf_str(&text) }, &err), &err);
	int is_text;
	char *value = value_of("run", &is_text);
	assert_string_equal(value, buf_str(&text));
	free(value);
	buf_release(&text);
}

static void says_what_no_task_can_hold(void **state)
{
	(void)state;
	struct err err = {0};
	write_text("old", 3);
	assert_error(task_write(path, &(struct task_plan){ .run = "one\ntwo \033[1m" }, &err), &err,
		     "experiment.yaml: run holds the control character 1B in its line 2, which a task file cannot");
	assert_error(task_write(path, &(struct task_plan){ .setup = "a\x7f" }, &err), &err, "setup holds the control character 7F");
	assert_error(task_write(path, &(struct task_plan){ .name = "\xff" }, &err), &err, "name is no valid UTF-8");
	char *text = contents();
	assert_string_equal(text, "old");
	free(text);
	assert_error(task_write("/nowhere/x.yaml", &(struct task_plan){ .name = "x" }, &err), &err, "cannot write /nowhere/x.yaml: No such file");
	size_t files = 0;
	DIR *dir = opendir(folder);
	while (readdir(dir))
		files++;
	closedir(dir);
	assert_int_equal(files, 3);
}

/* name|workdir|infra|setup|run, or the error behind the file's name; … at its end: and what else libyaml says. */
static void assert_read(const char *text, const char *expected)
{
	struct task_facts facts;
	struct err err = {0};
	write_text(text, strlen(text));
	int rc = task_read(path, &facts, &err);
	char *got = rc ? xstrdup(strstr(err.text, "experiment.yaml") ? strstr(err.text, "experiment.yaml") + 15 : err.text)
		       : xasprintf("%s|%s|%s|%d|%d", facts.name ? facts.name : "-", facts.workdir ? facts.workdir : "-",
				   facts.infra ? facts.infra : "-", facts.has_setup, facts.has_run);
	size_t size = strlen(expected), mark = strlen("…");
	if (size > mark && !strcmp(expected + size - mark, "…"))
		assert_memory_equal(got, expected, size - mark);
	else
		assert_string_equal(got, expected);
	free(got);
	task_facts_release(&facts);
}

static void reads_what_a_task_says(void **state)
{
	(void)state;
	assert_read("name: kernels\nworkdir: .\nresources:\n  infra: slurm/local\n  cpus: 2+\nsetup: |\n  make\nrun: ./bench\n", "kernels|.|slurm/local|1|1");
	assert_read("run: x\n", "-|-|-|0|1");
	assert_read("{name: a, run: null, setup: ' '}", "a|-|-|0|0");
	assert_read("resources: {cloud: aws, region: us-east-1, zone: us-east-1a}\n", "-|-|aws/us-east-1/us-east-1a|0|0");
	assert_read("resources: {cloud: gcp, zone: a}\n", "-|-|gcp/*/a|0|0");
	assert_read("resources: [{cpus: 4}, {infra: k8s}, {infra: aws}]\n", "-|-|k8s|0|0");
	assert_read("resources:\n  cpus: 4\n  any_of:\n    - infra: aws/us-east-1\n    - infra: gcp\n", "-|-|aws/us-east-1|0|0");
	assert_read("resources:\n  ordered: [{infra: aws}, {infra: gcp}]\n", "-|-|aws|0|0");
	assert_read("x: &base {infra: slurm, cpus: 2}\nresources:\n  <<: *base\n  cpus: 4\n", "-|-|slurm|0|0");
	assert_read("x: &n there\nname: *n\nname: *n\n", "there|-|-|0|0");
	assert_read("workdir:\n  url: https://example.org/x.git\nrun: x\n", "-|-|-|0|1");
	assert_read("---\n# nothing\n---\nname: a\n---\n", "a|-|-|0|0");
	assert_read("resources:\nenvs: {A: 1}\nfile_mounts: {/a: /b}\nnum_nodes: 2\nunheard_of: [1, {a: b}]\n", "-|-|-|0|0");
}

static void says_where_a_task_is_broken(void **state)
{
	(void)state;
	assert_read("name: x\nrun: a: b\n", ":2:7: mapping values are not allowed here (quote a text that holds \": \")");
	assert_read("name: x\n\trun: a\n", ":2:1: found …");
	assert_read("name: 'x\nrun: y\n", ":3:1: found unexpected end of stream…");
	assert_read("resources: {a: b\n", ":2:1: did not find expected ',' or '}'…");
	assert_read("name: x\nrun: \"é\033\"\n", ":2:8: control characters are not allowed");
	assert_read("name: x\nrun: \xff\n", ":2:6: invalid leading UTF-8 octet");
	assert_read("name: *gone\n", ":1:7: found undefined alias");
	assert_read("", ": is empty: a task file says at least what to run (run: COMMAND)");
	assert_read("# only words\n---\n...\n", ": is empty: a task file says at least what to run (run: COMMAND)");
	assert_read("\n- run: x\n", ":2:1: a task file is a map of keys (run: COMMAND, resources: …), and this is none");
	assert_read("echo hello\n", ":1:1: a task file is a map of keys (run: COMMAND, resources: …), and this is none");
	assert_read("name: p\n---\nname: a\nrun: x\n---\nname: b\nrun: y\n", ":2:1: another document begins here: several tasks in one file are "
		    "a pipeline, and skydeck runs one task: leave that one alone in the file");
	assert_read("name: [a]\n", ":1:7: name must be a text");
	assert_read("name: \"a\\nb\"\n", ":1:7: name must be one short line");
	assert_read("name: \"a\\0b\"\n", ":1:7: name must be one short line");
	assert_read("run: [a, b]\n", ":1:6: run must be a text (a shell script)");
	assert_read("resources: 4\n", ":1:12: resources must be a map, or a list of maps");
	struct task_facts facts;
	struct err err = {0};
	assert_error(task_read("/nowhere/x.yaml", &facts, &err), &err, "cannot read the task file /nowhere/x.yaml: No such file");
	assert_error(task_read(folder, &facts, &err), &err, "it is no file");
	char pipe_path[PATH_MAX + 32];
	snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_error(task_read(pipe_path, &facts, &err), &err, "it is no file");
	unlink(pipe_path);
}

static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
	struct buf text = {0};
	buf_puts(&text, before);
	while (count--)
		buf_puts(&text, piece);
	buf_puts(&text, after);
	return buf_take(&text);
}

static void assert_survives(char *text, const char *part)
{
	struct task_facts facts;
	struct err err = {0};
	write_text(text, strlen(text));
	if (part)
		assert_error(task_read(path, &facts, &err), &err, part);
	else
		task_read(path, &facts, &err);
	task_facts_release(&facts);
	free(text);
}

static void survives_files_that_mean_harm(void **state)
{
	(void)state;
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	struct buf bomb = {0};	/* each level nine times the one before */
	buf_puts(&bomb, "a0: &a0 [x, x, x]\n");
	for (int i = 1; i < 40; i++)
		buf_printf(&bomb, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
			   i - 1, i - 1);
	buf_puts(&bomb, "name: ok\nrun: x\n");
	assert_read(buf_str(&bomb), "ok|-|-|0|1");
	buf_truncate(&bomb, 0);	/* the same of merges, which are followed */
	buf_puts(&bomb, "a0: &a0 {x: y}\n");
	for (int i = 1; i < 40; i++)
		buf_printf(&bomb, "a%d: &a%d {<<: [*a%d, *a%d, *a%d, *a%d]}\n", i, i, i - 1, i - 1, i - 1, i - 1);
	buf_puts(&bomb, "resources: *a39\n");
	assert_read(buf_str(&bomb), ": too many merges and keys for a task file");
	buf_release(&bomb);
	assert_read("resources: &r\n  <<: *r\n", "-|-|-|0|0");
	assert_read("resources: &r [*r, *r]\n", "-|-|-|0|0");
	assert_read("resources: &r\n  any_of: &l [{any_of: *l}, *r]\n", "-|-|-|0|0");
	assert_survives(repeated("a: ", "[", 100000, ""), "64 deep");
	assert_survives(repeated("a: ", "{a: ", 100000, ""), "64 deep");
	assert_survives(repeated("", "- ", 100000, "x"), "64 deep");
	assert_survives(repeated("", "? ", 100000, "x"), "64 deep");
	assert_survives(repeated("a: [", "&a x, ", 100000, "]"), "256 anchors");
	assert_survives(repeated("a: &a [", "*a, ", 200000, "]"), NULL);
	assert_survives(repeated("a: &a x\nb: [", "*a, ", 200000, "]"), NULL);
	assert_survives(repeated("a: [", "!!a ", 200000, "]"), "");
	assert_survives(repeated("", "%TAG !a! b\n", 50000, "--- x"), "");
	assert_survives(repeated("a: \"", "x\n\n", 300000, "\""), NULL);
	assert_survives(repeated("", "x: y\n", 200000, ""), "too many merges and keys");
	assert_survives(repeated("a: ", "x ", 500000, ": y"), "");
	assert_survives(repeated("", "---\n", 200000, ""), "is empty");
	assert_survives(repeated("", "x", 1100000, ""), "more than 1 MiB");
	write_text("name: x\n", 8);
	assert_int_equal(truncate(path, 100 << 20), 0);
	struct task_facts facts;
	struct err err = {0};
	assert_error(task_read(path, &facts, &err), &err, "more than 1 MiB");
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 512 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_task_as_people_would),
		cmocka_unit_test(writes_text_that_reads_back),
		cmocka_unit_test(says_what_no_task_can_hold),
		cmocka_unit_test(reads_what_a_task_says),
		cmocka_unit_test(says_where_a_task_is_broken),
		cmocka_unit_test(survives_files_that_mean_harm),
	};
	return cmocka_run_group_tests(tests, make_folder, NULL);
}
