/* What came of a source, and of a kind of them: from the session in tests/fold/reading. */
#include "tests/test.h"

#include <math.h>

#include "core/data/query.h"

static void fold(struct model *m)
{
	struct buf text = {0};
	struct err err;
	model_init(m);
	assert_int_equal(buf_read_file(&text, "tests/fold/reading/events.jsonl", 1 << 20), 0);
	for (const char *line = buf_str(&text); *line;) {
		struct event ev;
		size_t len = strcspn(line, "\n");
		assert_ok(event_parse(&ev, line, len, &err), &err);
		model_apply(m, &ev);
		event_release(&ev);
		line += len + (line[len] == '\n');
	}
	buf_release(&text);
}

static void a_proposal_counts_for_what_it_and_its_idea_cite(void **state)
{
	struct model m;
	(void)state;
	fold(&m);
	struct yield paper = source_yield(&m, model_source(&m, "s1")), fork = source_yield(&m, model_source(&m, "s2"));
	assert_int_equal(paper.proposals, 1);
	assert_int_equal(fork.proposals, 1);
	assert_true(fabs(paper.gain_percent - 7.1) < 1e-9);
	assert_true(fabs(paper.usd - 0.64) < 1e-9);	/* read for 0.04, a turn of 0.50, 100 s at 3.60 an hour */
	assert_true(fabs(fork.usd - 0.6) < 1e-9);	/* the baseline's run is nobody's */
	assert_int_equal(paper.read, 1);
	assert_int_equal(source_yield(&m, model_source(&m, "s3")).proposals, 0);
	model_release(&m);
}

static void a_kind_counts_each_proposal_once(void **state)
{
	struct model m;
	struct strings types = {0};
	(void)state;
	fold(&m);
	source_types(&m, &types);
	assert_int_equal(types.count, 3);
	assert_string_equal(types.at[0], "paper");
	assert_string_equal(types.at[1], "fork");
	assert_string_equal(types.at[2], "note");
	strings_release(&types);
	struct event more = { .kind = EVENT_IDEA_ADDED, .seq = 99, .time = m.time, .idea = "i1" };
	const char *both[] = { "s1", "s5" };
	struct event second = { .kind = EVENT_PROPOSAL_SUBMITTED, .seq = 99, .time = m.time, .proposal = "p2", .rev = 1, .commit = "c2", .title = "two papers",
				.baseline = "b0", .sources = { (char **)both, 2, 2 } };
	model_apply(&m, &more);
	model_apply(&m, &second);
	struct yield paper = kind_yield(&m, "paper"), fork = kind_yield(&m, "fork"), note = kind_yield(&m, "note"), none = kind_yield(&m, "issue");
	assert_int_equal(paper.sources, 2);
	assert_int_equal(paper.read, 1);
	assert_int_equal(paper.proposals, 2);
	assert_int_equal(paper.kept, 1);
	assert_true(fabs(paper.usd - 0.64) < 1e-9);
	assert_int_equal(fork.sources, 2);
	assert_int_equal(fork.proposals, 1);
	assert_int_equal(note.proposals + none.sources + none.proposals, 0);
	model_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proposal_counts_for_what_it_and_its_idea_cite),
		cmocka_unit_test(a_kind_counts_each_proposal_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
