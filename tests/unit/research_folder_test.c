/* What stands on this machine as sources: notes, PDFs, repositories, and files that are not what they seem. */
#include "tests/research/shell.h"
#include "tests/test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/child.h"
#include "core/research/folder.h"

struct seen {
	char root[400];
	struct buf list;	/* "type|title|key|url|authors\n" each */
	struct strings notes;
	size_t count;
};

static void sh(struct seen *seen, const char *script)
{
	test_shell(seen->root, script, NULL);
}

static int setup(void **state)
{
	static int number;
	struct seen *seen = xcalloc(1, sizeof *seen);
	char name[32];
	snprintf(name, sizeof name, "folder%d", number++);
	test_path(seen->root, sizeof seen->root, name);
	mkdir(seen->root, 0700);
	sh(seen, "mkdir notes");
	*state = seen;
	return 0;
}

static int teardown(void **state)
{
	struct seen *seen = *state;
	buf_release(&seen->list);
	strings_release(&seen->notes);
	free(seen);
	return 0;
}

static void found(void *data, const struct finding *f)
{
	struct seen *seen = data;
	const char *path = f->url && strstr(f->url, seen->root) ? f->url + strlen(seen->root) : f->url;
	seen->count++;
	buf_printf(&seen->list, "%s|%s|%s|%s|%s\n", f->type, f->title, !f->key ? "-" : f->url && !strcmp(f->key, f->url) ? "=" : f->key, path ? path : "-",
	           f->authors ? f->authors : "-");
	if (f->year) {
		buf_truncate(&seen->list, seen->list.len - 1);
		buf_printf(&seen->list, " (%u)\n", f->year);
	}
	strings_add(&seen->notes, f->note ? f->note : "");
}

static int add(struct seen *seen, const char *path, struct err *err)
{
	buf_truncate(&seen->list, 0);
	strings_release(&seen->notes);
	seen->count = 0;
	return folder_add(path, seen->root, found, seen, err);
}

static void lists(struct seen *seen, const char *expected)
{
	struct err err = {0};
	assert_ok(add(seen, "notes", &err), &err);
	assert_string_equal(buf_str(&seen->list), expected);
}

static void each_file_is_a_source(void **state)
{
	struct seen *seen = *state;
	sh(seen, "cd notes && printf 'Title: Tiles\\nType: paper\\nId: arXiv:1\\nUrl: https://example.org/a\\nAuthors: Ada\\nYear: 2024\\n\\nAll of it.\\n' >a.md &&"
	   "echo 'A note.' >b.txt && printf '%%PDF-1.4\\n' >c_paper_on_rows.PDF && echo code >d.c && echo hidden >.e.md && mkdir sub && echo x >sub/f.md");
	lists(seen, "paper|Tiles|arXiv:1|https://example.org/a|Ada (2024)\nnote|b.txt|-|-|-\npaper|c paper on rows|=|/notes/c_paper_on_rows.PDF|-\n");
	assert_string_equal(seen->notes.at[0], "All of it.\n");
	assert_string_equal(seen->notes.at[1], "A note.\n");
	assert_string_equal(seen->notes.at[2], "");
	struct err err = {0};
	struct config_source config = { .name = (char *)"lib", .url = seen->root };
	assert_ok(folder_source.list(&config, "/", found, seen, &err), &err);
	config.url = (char *)"nowhere";
	assert_error(folder_source.list(&config, seen->root, found, seen, &err), &err, "source \"lib\": cannot read ");
	config.url = NULL;
	assert_error(folder_source.list(&config, seen->root, found, seen, &err), &err, "has no url");
}

static void one_file_is_one_source(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	sh(seen, "echo 'A note.' >notes/b.txt && printf '%%PDF-1.4\\n' >notes/c.pdf && echo plain >notes/README");
	assert_ok(add(seen, "notes/c.pdf", &err), &err);
	assert_string_equal(buf_str(&seen->list), "paper|c|=|/notes/c.pdf|-\n");
	assert_ok(add(seen, "notes/README", &err), &err);	/* what a human names needs no ending */
	assert_string_equal(buf_str(&seen->list), "note|README|-|-|-\n");
	assert_error(add(seen, "notes/none", &err), &err, "No such file");
}

static void a_repository_is_one_source(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	sh(seen, "git init -q . && echo a >a && git add a && git commit -qm a && git clone -q . theirs && cd theirs && echo b >b.md && git add -A && git commit -qm b &&"
	   "cd .. && git init -q stranger.d && cd stranger.d && echo s >s && git add s && git commit -qm s && cd .. && git clone -q --bare stranger.d stranger.git && git init -q empty");
	assert_ok(add(seen, "theirs", &err), &err);
	assert_string_equal(buf_str(&seen->list), "fork|theirs|=|/theirs|-\n");
	assert_ok(add(seen, "stranger.git", &err), &err);
	assert_string_equal(buf_str(&seen->list), "backend|stranger|=|/stranger.git|-\n");
	assert_error(add(seen, "empty", &err), &err, "has no commit yet");
	sh(seen, "mv theirs stranger.d notes && echo note >notes/n.md");	/* and among notes they are one each */
	lists(seen, "note|n.md|-|-|-\nbackend|stranger.d|=|/notes/stranger.d|-\nfork|theirs|=|/notes/theirs|-\n");
}

/* An address in a note is what somebody wrote there. */
static void a_note_names_no_file_of_this_machine(void **state)
{
	struct seen *seen = *state;
	sh(seen, "cd notes && printf 'Url: /etc/passwd\\nId: /etc/passwd\\nType: fork\\n\\nx' >a.md && printf 'Url: file:///etc/passwd\\n\\nx' >b.md && printf 'Url: ../../x\\n\\nx' >c.md");
	lists(seen, "fork|a.md|-|-|-\nnote|b.md|-|-|-\nnote|c.md|-|-|-\n");
}

static void links_that_leave_the_folder_are_refused(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	sh(seen, "echo secret >secret.txt && cd notes && echo fine >fine.md && ln -s fine.md inside.md && ln -s ../secret.txt out.md && ln -s /etc/passwd passwd.txt && ln -s gone.md gone-too.md &&"
	   "ln -s /proc/self/environ environ.txt && ln -s .. up");
	assert_error(add(seen, "notes", &err), &err, "4 of 6 in ");
	assert_non_null(strstr(err.text, "the others are sources"));
	assert_string_equal(buf_str(&seen->list), "note|fine.md|-|-|-\nnote|inside.md|-|-|-\n");
	char notes[500];
	snprintf(notes, sizeof notes, "%s/notes", seen->root);
	assert_error(folder_open_file(notes, "out.md", 100, &err), &err, "is a link that leads out of");
	assert_error(folder_open_file(notes, "passwd.txt", 100000, &err), &err, "is a link that leads out of");
	assert_error(folder_open_file(notes, "../secret.txt", 100, &err), &err, "is a link that leads out of");
	assert_error(folder_open_file(notes, "up/secret.txt", 100, &err), &err, "is a link that leads out of");
	assert_error(folder_open_file(notes, "/etc/passwd", 100, &err), &err, "is a link that leads out of");
	assert_error(folder_open_file(notes, "fine.md", 2, &err), &err, "fine.md has 0 MB");
	int fd = folder_open_file(notes, "inside.md", 100, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void what_is_no_source_is_passed_over_and_said(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	sh(seen, "cd notes && mkfifo pipe.md && printf 'a\\0b' >binary.txt && echo 'no pdf' >no.pdf && truncate -s 21M large.txt && mkdir folder.md && : >empty.md &&"
	   "printf '%%PDF-' >\"$(printf 'new\\nline.pdf')\" && echo x >\"$(printf 'evil\\033[2J.md')\"");
	assert_error(add(seen, "notes", &err), &err, "5 of 7 in ");
	assert_string_equal(buf_str(&seen->list), "note|empty.md|-|-|-\nnote|evil<1B>[2J.md|-|-|-\n");
	assert_error(add(seen, "notes/pipe.md", &err), &err, "is no file");
	assert_error(add(seen, "notes/large.txt", &err), &err, "has 21 MB: a source may have 20");
	assert_error(add(seen, "notes/binary.txt", &err), &err, "is no text and no PDF");
	assert_error(add(seen, "notes/no.pdf", &err), &err, "is no text and no PDF");
	assert_error(add(seen, "notes/new\nline.pdf", &err), &err, "rename it");
	assert_null(strchr(err.text, '\n'));
}

static void long_texts_are_read_when_they_are_wanted(void **state)
{
	struct seen *seen = *state;
	sh(seen, "yes 'a line of a book' | head -c 300000 >notes/book.txt");
	lists(seen, "note|book.txt|=|/notes/book.txt|-\n");
}

static void a_folder_gives_a_thousand(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	sh(seen, "cd notes && for i in $(seq 1 1100); do echo $i >$i.md; done");
	assert_error(add(seen, "notes", &err), &err, "a folder gives 1000 sources at most");
	assert_int_equal(seen->count, FOLDER_SOURCES);
	sh(seen, "rm notes/*");
	lists(seen, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_file_is_a_source), T(one_file_is_one_source), T(a_repository_is_one_source), T(a_note_names_no_file_of_this_machine),
		T(links_that_leave_the_folder_are_refused), T(what_is_no_source_is_passed_over_and_said), T(long_texts_are_read_when_they_are_wanted),
		T(a_folder_gives_a_thousand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
