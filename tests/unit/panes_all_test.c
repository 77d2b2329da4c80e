/* What holds for every pane: at any point of a session, at any size, after any action it draws, and draws the same
 * twice. */
#include "tests/test.h"

#include "core/base/mem.h"
#include "core/data/model.h"
#include "panes/panes.h"

static const struct { int rows, columns; } sizes[] = {
	{ 0, 0 }, { 1, 1 }, { 1, 40 }, { 3, 3 }, { 2, 90 }, { 10, 40 }, { 7, 63 }, { 22, 80 }, { 9, 120 }, { 50, 200 },
};
static const char *const names[] = { NULL, "p3", "p18", "base", "s3", "r173", "r1", "metrics", "nothing of that name" };
enum { SIZES = sizeof sizes / sizeof *sizes, NAMES = sizeof names / sizeof *names, STEP = 150 };

static void fold_up_to(struct model *m, uint64_t last)
{
	struct buf text = { 0 };
	struct err err;
	char *rest;

	assert_int_equal(buf_read_file(&text, "tests/screens/session.jsonl", 64 << 20), 0);
	for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct event ev;
		assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
		if (ev.seq > m->seq && ev.seq <= last)
			model_apply(m, &ev);
		event_release(&ev);
	}
	buf_release(&text);
}

static struct pane open_pane(const struct pane_ops *ops, const char *name, struct keymap *keymap)
{
	struct pane p = { .ops = ops, .name = xstrdup(name), .focused = 1, .keymap = keymap, .now = 1795262839000000 };

	p.state = xcalloc(1, ops->state_size);
	if (ops->open)
		ops->open(&p);
	return p;
}

static void close_pane(struct pane *p)
{
	if (p->ops->close)
		p->ops->close(p);
	free(p->state);
	free(p->name);
}

static void sync_pane(struct pane *p, const struct model *m, int rows, int columns)
{
	struct intent want = { 0 };

	p->rows = rows;
	p->columns = columns;
	p->ops->sync(p, m, rows, columns, &want);
	if (want.kind == INTENT_QUERY && p->ops->answer)
		p->ops->answer(p, &(struct answer){ want.tag, NULL, "there is no engine" });
	assert_true(want.kind == INTENT_NONE || want.kind == INTENT_QUERY);
	intent_clear(&want);
}

static void draw_twice(struct pane *p, const struct model *m, int rows, int columns)
{
	struct buf screens[2] = { { 0 }, { 0 } }, title = { 0 };

	sync_pane(p, m, rows, columns);
	p->ops->title(p, m, &title);
	for (int i = 0; i < 2; i++) {
		struct grid grid;
		struct canvas c;
		grid_init(&grid, rows, columns);
		c = canvas_of(&grid);
		if (rows)
			p->ops->draw(p, m, &c);
		canvas_save(&c, &screens[i], 1);
		grid_release(&grid);
	}
	assert_string_equal(buf_str(&screens[0]), buf_str(&screens[1]));
	buf_release(&screens[0]);
	buf_release(&screens[1]);
	buf_release(&title);
}

static void do_everything(struct pane *p, const struct model *m, int rows, int columns)
{
	static const char *const texts[] = { NULL, "", "yes" };

	for (int a = ACTION_NONE; a < ACTION_EDIT_ACCEPT; a++) {
		struct intent want = { 0 };
		struct act act = { .action = (enum action)a, .text = texts[a % 3], .y = a % 13, .x = a * 7 % 90 };
		if (!p->ops->act)
			return;
		sync_pane(p, m, rows, columns);
		if (p->ops->act(p, m, &act, &want) != PANE_INTENT)
			assert_int_equal(want.kind, INTENT_NONE);
		intent_clear(&want);
	}
	if (p->ops->search)
		for (int direction = -1; direction <= 1; direction++)
			p->ops->search(p, m, direction ? "a" : "p3", direction);
	if (p->ops->show)
		p->ops->show(p, m, "p3");
}

static void test_any_pane_draws_anywhere(void **state)
{
	struct keymap *keymap = keymap_new();

	(void)state;
	for (const struct pane_ops *const *ops = panes; *ops; ops++)
		for (int n = 0; n < ((*ops)->digit ? 1 : NAMES); n++) {
			struct pane p = open_pane(*ops, names[n], keymap);
			struct model m;
			uint64_t last = 0;
			model_init(&m);
			do {
				for (int i = 0; i < SIZES; i++)
					draw_twice(&p, &m, sizes[i].rows, sizes[i].columns);
				do_everything(&p, &m, 12, 80);
				for (int i = 0; i < SIZES; i++)
					draw_twice(&p, &m, sizes[i].rows, sizes[i].columns);
				last = m.seq;
				fold_up_to(&m, last + STEP);
			} while (m.seq > last);
			assert_true(m.proposal_count > 10);
			close_pane(&p);
			model_release(&m);
		}
	keymap_free(keymap);
}

/* A pane keeps nothing of a model beyond a sync: the next one may be shorter (a cockpit that attaches anew). */
static void test_a_pane_survives_another_model(void **state)
{
	struct keymap *keymap = keymap_new();
	struct model full, empty;

	(void)state;
	model_init(&full);
	model_init(&empty);
	fold_up_to(&full, UINT64_MAX);
	for (const struct pane_ops *const *ops = panes; *ops; ops++) {
		struct pane p = open_pane(*ops, NULL, keymap);
		draw_twice(&p, &full, 20, 100);
		do_everything(&p, &full, 20, 100);
		draw_twice(&p, &empty, 20, 100);
		do_everything(&p, &empty, 20, 100);
		draw_twice(&p, &full, 20, 100);
		close_pane(&p);
	}
	model_release(&full);
	model_release(&empty);
	keymap_free(keymap);
}

static void test_the_list_is_what_the_shell_asks_for(void **state)
{
	int digit = 0;

	(void)state;
	for (const struct pane_ops *const *ops = panes; *ops; ops++) {
		assert_non_null((*ops)->title);
		assert_non_null((*ops)->sync);
		assert_non_null((*ops)->draw);
		assert_true((*ops)->state_size > 0);
		if ((*ops)->digit)
			assert_int_equal((*ops)->digit, ++digit);
		for (const struct pane_ops *const *other = panes; other != ops; other++)
			assert_true(strcspn((*ops)->name, " ") != strcspn((*other)->name, " ") ||
			            strncmp((*ops)->name, (*other)->name, strcspn((*ops)->name, " ")));
	}
	assert_int_equal(digit, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_pane_draws_anywhere),
		cmocka_unit_test(test_a_pane_survives_another_model),
		cmocka_unit_test(test_the_list_is_what_the_shell_asks_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
