/* The documents of CONTRACT from sessions in tests/fold: each folder holds the events of a session (events.jsonl) and what
 * the documents say of it (expected, a line for each key or entry). FOLD_WRITE=1 in the environment writes `expected`
 * anew: read the difference before it is committed. Beside them: keys are always there, and what no event can say. */
#include "tests/test.h"

#include <dirent.h>
#include <math.h>

#include "core/data/view.h"

static const char *const folder = "tests/fold";
enum { NOW = 0 };

static void fold_file(struct model *m, const char *path)
{
	struct buf text = {0};
	struct err err;
	model_init(m);
	if (buf_read_file(&text, path, 1 << 20))
		fail_msg("cannot read %s", path);
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

/* A line for each member of an object, or for each entry of a list. */
static void add(struct buf *out, const char *name, struct json *document)
{
	for (const struct json *i = json_first(document); i; i = json_next(i)) {
		buf_printf(out, "%s%s%s ", name, json_key(i) ? "." : "", json_key(i) ? json_key(i) : "");
		json_print(i, out);
		buf_putc(out, '\n');
	}
	json_free(document);
}

static void documents(const struct model *m, struct buf *out)
{
	add(out, "status", view_status(m, 1, NOW));
	add(out, "proposals", view_proposals(m, NULL));
	add(out, "results", view_results(m));
	add(out, "workers", view_workers(m, 1, NOW));
	add(out, "sources", view_sources(m));
}

static void session_says_what_is_expected(void **state)
{
	const char *name = *state;
	char events[512], expected[512];
	struct model m;
	struct buf out = {0}, wanted = {0};
	snprintf(events, sizeof events, "%s/%s/events.jsonl", folder, name);
	snprintf(expected, sizeof expected, "%s/%s/expected", folder, name);
	fold_file(&m, events);
	documents(&m, &out);
	if (getenv("FOLD_WRITE")) {
		FILE *f = fopen(expected, "w");
		assert_non_null(f);
		fputs(buf_str(&out), f);
		fclose(f);
	}
	assert_int_equal(buf_read_file(&wanted, expected, 1 << 20), 0);
	size_t line = 1, start = 0, at = 0;
	for (; at < out.len && at < wanted.len && out.data[at] == wanted.data[at]; at++)
		if (out.data[at] == '\n') {
			line++;
			start = at + 1;
		}
	if (at < out.len || at < wanted.len)
		fail_msg("%s line %zu is:\n%.*s\nit should be:\n%.*s", expected, line, (int)strcspn(buf_str(&out) + start, "\n"),
			 buf_str(&out) + start, (int)strcspn(buf_str(&wanted) + start, "\n"), buf_str(&wanted) + start);
	buf_release(&out);
	buf_release(&wanted);
	model_release(&m);
}

/* The keys of CONTRACT, in its order, before whatever else a document holds. */
static void check_keys(const struct json *object, const char *keys)
{
	const struct json *member = json_first(object);
	for (const char *p = keys; *p; member = json_next(member)) {
		size_t n = strcspn(p, " ");
		if (!json_key(member) || strlen(json_key(member)) != n || strncmp(json_key(member), p, n))
			fail_msg("the key %.*s is missing at its place", (int)n, p);
		p += n + (p[n] == ' ');
	}
}

static void every_key_is_there(void **state)
{
	struct model m;
	(void)state;
	fold_file(&m, "tests/fold/gates/events.jsonl");
	struct json *status = view_status(&m, 1, NOW), *proposals = view_proposals(&m, NULL), *results = view_results(&m);
	struct json *workers = view_workers(&m, 1, NOW), *sources = view_sources(&m);
	check_keys(status, "session target branch autonomy state baseline metric counts best wave workers spent needs_human viewers seq");
	check_keys(json_get(status, "counts"), "waiting stopped queued running done signing landed vetoed");
	check_keys(json_get(status, "metric"), "name unit direction");
	check_keys(json_get(status, "spent"), "vm_usd api_usd limit_usd");
	check_keys(json_first(proposals), "id rev title state verdict agent author sources commit files added removed guard review waits_until wave baseline landed");
	check_keys(json_get(json_first(proposals), "guard"), "ok reasons");
	check_keys(json_get(json_first(proposals), "review"), "decision by reason comments");
	check_keys(json_first(results), "id title state verdict pairs mean sd baseline_mean change_percent low high shrunk_percent evidence needed workers paired "
		   "secondary commit sources");
	check_keys(json_first(workers), "id runner name state arm round noise_percent usd_per_hour usd since");
	check_keys(json_first(sources), "id type title url status yield");
	check_keys(json_get(json_first(sources), "yield"), "proposals kept gain_percent usd");
	json_free(status);
	json_free(proposals);
	json_free(results);
	json_free(workers);
	json_free(sources);
	model_release(&m);
}

static void an_empty_model_has_documents_too(void **state)
{
	struct model m;
	(void)state;
	model_init(&m);
	struct json *status = view_status(&m, 0, NOW), *results = view_results(&m);
	assert_true(json_is_null(json_get(status, "session")));
	assert_true(json_is_null(json_get(status, "best")));
	assert_int_equal(json_count(results), 0);
	json_free(status);
	json_free(results);
	model_release(&m);
}

static void without_an_engine_nothing_works_here(void **state)
{
	struct model m;
	(void)state;
	fold_file(&m, "tests/fold/wave/events.jsonl");
	struct json *with = view_workers(&m, 1, NOW), *without = view_workers(&m, 0, NOW), *status = view_status(&m, 0, NOW);
	assert_string_equal(json_string(json_get(json_first(with), "state"), ""), "busy");
	assert_string_equal(json_string(json_get(json_first(with), "arm"), ""), "p2");
	assert_string_equal(json_string(json_get(json_first(without), "state"), ""), "down");
	assert_true(json_is_null(json_get(json_first(without), "arm")));
	assert_string_equal(json_string(json_get(status, "state"), ""), "stopped");
	assert_int_equal(json_integer(json_get(status, "viewers"), -1), 0);
	json_free(with);
	json_free(without);
	json_free(status);
	model_release(&m);
}

/* A VM goes on without the engine, and costs up to the moment that is asked about. */
static void a_vm_costs_up_to_now(void **state)
{
	struct model m;
	(void)state;
	model_init(&m);
	model_apply(&m, &(struct event){ .kind = EVENT_WORKER_CHANGED, .seq = 1, .time = 1000000, .worker = "w1", .runner = "sky", .state = "ready",
					 .noise_percent = NAN, .usd_per_hour = 3.6 });
	struct json *workers = view_workers(&m, 0, (int64_t)1001 * 1000000);
	assert_string_equal(json_string(json_get(json_first(workers), "state"), ""), "ready");
	assert_true(fabs(json_number(json_get(json_first(workers), "usd"), NAN) - 1.0) < 1e-9);
	json_free(workers);
	model_release(&m);
}

/* Without an engine a VM goes on and is paid for; this machine's workers ended with it. */
static void utilisation_counts_who_is_paid(void **state)
{
	struct model m;
	(void)state;
	model_init(&m);
	for (int i = 1; i <= 2; i++) {
		const char *id = i == 1 ? "w1" : "w2", *run = i == 1 ? "r1" : "r2";
		model_apply(&m, &(struct event){ .kind = EVENT_WORKER_CHANGED, .seq = 1, .time = 1000000, .worker = id, .runner = i == 1 ? "sky" : "local", .state = "busy",
						 .noise_percent = NAN, .usd_per_hour = NAN, .usd = NAN, .age = NAN, .arch = "x86_64", .place = "us-east-1a", .remedy = "retry down" });
		model_apply(&m, &(struct event){ .kind = EVENT_RUN_STARTED, .seq = 2, .time = 1000000, .run = run, .worker = id, .arm = "base", .step = "measure", .wave = 1, .round = 1 });
		model_apply(&m, &(struct event){ .kind = EVENT_RUN_ENDED, .seq = 3, .time = 31000000, .run = run, .status = "ok", .seconds = 30 });
	}
	struct json *with = view_status(&m, 1, 121000000), *without = view_status(&m, 0, 121000000);
	const struct json *w = json_get(with, "workers");
	assert_true(fabs(json_number(json_get(with, "utilisation"), NAN) - 60.0 / 240) < 1e-9);
	assert_true(fabs(json_number(json_get(without, "utilisation"), NAN) - 60.0 / 150) < 1e-9);
	assert_true(fabs(json_number(json_get(json_first(w), "measuring"), NAN) - 0.25) < 1e-9);
	assert_true(fabs(json_number(json_get(json_get(json_first(w), "lost"), "between_runs"), NAN) - 90) < 1e-9);
	assert_int_equal(json_count(json_get(json_first(w), "lost")), 1);	/* nothing was lost to anything else */
	assert_string_equal(json_string(json_get(json_first(w), "place"), ""), "us-east-1a");
	assert_string_equal(json_string(json_get(json_first(w), "arch"), ""), "x86_64");
	assert_string_equal(json_string(json_get(json_first(w), "remedy"), ""), "retry down");
	assert_true(json_is_null(json_get(json_first(w), "status")));
	json_free(with);
	json_free(without);
	model_release(&m);
}

static void revisions_have_their_own_documents(void **state)
{
	struct model m;
	(void)state;
	fold_file(&m, "tests/fold/gates/events.jsonl");
	struct json *old = view_proposal(&m, model_proposal(&m, "p3"), 1), *new = view_proposal(&m, model_proposal(&m, "p3"), 0);
	assert_int_equal(json_integer(json_get(old, "rev"), 0), 1);
	assert_string_equal(json_string(json_get(old, "commit"), ""), "c3a");
	assert_int_equal(json_integer(json_get(new, "rev"), 0), 2);
	assert_string_equal(json_string(json_get(new, "commit"), ""), "c3b");
	json_free(old);
	json_free(new);
	model_release(&m);
}

static void one_state_alone(void **state)
{
	struct model m;
	enum proposal_state vetoed = STATE_VETOED;
	(void)state;
	fold_file(&m, "tests/fold/gates/events.jsonl");
	struct json *list = view_proposals(&m, &vetoed);
	assert_int_equal(json_count(list), 1);
	assert_string_equal(json_string(json_get(json_first(list), "id"), ""), "p4");
	json_free(list);
	model_release(&m);
}

static void tsv_has_a_line_for_each(void **state)
{
	struct model m;
	struct buf out = {0};
	(void)state;
	fold_file(&m, "tests/fold/wave/events.jsonl");
	view_results_tsv(&m, &out);
	size_t lines = 0, tabs = 0;
	for (size_t i = 0; i < out.len; i++) {
		lines += out.data[i] == '\n';
		tabs += out.data[i] == '\t';
	}
	assert_int_equal(lines, 1 + m.proposal_count);
	assert_int_equal(tabs, 14 * lines);
	assert_non_null(strstr(out.data, "\np1\tsigning\tkeep\t2\t109\t"));
	assert_non_null(strstr(out.data, "\np3\tdone\tbuild-failed\t0\t\t\t\t\t\t\t\t\t\tc3\tthree\n"));
	buf_release(&out);
	model_release(&m);
}

static int is_case(const struct dirent *d)
{
	return d->d_type == DT_DIR && d->d_name[0] != '.';
}

int main(void)
{
	struct dirent **cases = NULL;
	struct CMUnitTest tests[64] = {
		cmocka_unit_test(every_key_is_there),
		cmocka_unit_test(an_empty_model_has_documents_too),
		cmocka_unit_test(without_an_engine_nothing_works_here),
		cmocka_unit_test(a_vm_costs_up_to_now),
		cmocka_unit_test(utilisation_counts_who_is_paid),
		cmocka_unit_test(revisions_have_their_own_documents),
		cmocka_unit_test(one_state_alone),
		cmocka_unit_test(tsv_has_a_line_for_each),
	};
	size_t count = 8;
	int found = scandir(folder, &cases, is_case, alphasort);
	for (int i = 0; i < found && count < 64; i++)
		tests[count++] = (struct CMUnitTest){ cases[i]->d_name, session_says_what_is_expected, NULL, NULL, cases[i]->d_name };
	int rc = _cmocka_run_group_tests("documents", tests, count, NULL, NULL);
	for (int i = 0; i < found; i++)
		free(cases[i]);
	free(cases);
	return rc || found < 1;
}
