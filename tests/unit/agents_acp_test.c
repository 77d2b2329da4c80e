/* timeout: 180
 * Agents of kind acp: recorded ones, and one that does everything wrong. Skipped where bubblewrap cannot work. */
#include "tests/test.h"
#include "core/agents/acp.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/io/child.h"
#include "core/io/confine.h"

enum { LONGEST = 100000000 };	/* microseconds that a turn of these may take on a slow machine: only a hang takes longer */

static const struct acp_patience impatient = { .hello = 20000000, .session = 20000000, .permission = 20000, .cancel = 20000000, .restart = 1000,
	.revive = 60000000 };
static int is_possible;
static char root[PATH_MAX];

struct world {
	struct loop *loop;
	struct agent *agent;
	struct config_agent config;
	char folder[PATH_MAX];
	struct buf said, told, alerts, asked, answered, end, changed;
	enum said last;
	double spent;
	unsigned ends, turns;
	const char *permit, *stop_when_asked;
	char *status, *reason, *text;
	struct tokens tokens;
	unsigned calls;
};

static void on_changed(void *data, const char *state, const char *text)
{
	struct world *w = data;
	buf_printf(&w->changed, "%s: %s\n", state, text);
}

static void on_said(void *data, enum said what, const char *bytes, size_t n)
{
	static const char *const names[] = { "told", "text", "thought", "tool", "result", "note" };
	struct world *w = data;
	if (what == SAID_TOLD) {
		buf_add(&w->told, bytes, n);
		return;
	}
	if (what != w->last || !w->said.len)
		buf_printf(&w->said, "%s[%s] ", w->said.len ? "\n" : "", names[what]);
	w->last = what;
	buf_add(&w->said, bytes, n);
}

static void on_spent(void *data, double usd, const char *what)
{
	struct world *w = data;
	w->spent += usd;
	buf_printf(&w->changed, "spent: %s\n", what);
}

static void on_asks(void *data, const struct agent_permission *p)
{
	struct world *w = data;
	buf_printf(&w->asked, "%s %s (%s):", p->id, p->title, p->text);
	for (size_t i = 0; i < p->options->count; i++)
		buf_printf(&w->asked, " [%s]", p->options->at[i]);
	buf_puts(&w->asked, "\n");
	if (w->permit) {
		assert_int_equal(acp_agent.permit(w->agent, "t0-7", w->permit, "me"), -1);
		assert_int_equal(acp_agent.permit(w->agent, p->id, "allow_everything", "me"), -1);
		assert_int_equal(acp_agent.permit(w->agent, p->id, w->permit, "me"), 0);
		assert_int_equal(acp_agent.permit(w->agent, p->id, w->permit, "me"), -1);
	}
	if (w->stop_when_asked)
		acp_agent.stop(w->agent, w->stop_when_asked);
}

static void on_answered(void *data, const char *permission, const char *status, const char *by, const char *reason)
{
	struct world *w = data;
	buf_printf(&w->answered, "%s %s by %s: %s\n", permission, status, by, reason);
}

static void on_alert(void *data, const char *text)
{
	struct world *w = data;
	buf_printf(&w->alerts, "%s\n", text);
}

static void on_end(void *data, const struct turn_end *end)
{
	struct world *w = data;
	w->ends++;
	string_set(&w->status, end->status);
	string_set(&w->reason, end->reason ? end->reason : "");
	string_set(&w->text, end->text ? end->text : "");
	w->tokens = end->tokens;
	w->calls = end->calls;
}

static const struct agent_listener listener = { .changed = on_changed, .said = on_said, .spent = on_spent, .asks = on_asks,
	.answered = on_answered, .alert = on_alert, .turn_ended = on_end };

static int look(void **state)
{
	struct strings argv = {0};
	struct buf output = {0};
	(void)state;
	if (!confine_command(&argv, &(struct confinement){0}, NULL)) {
		strings_add(&argv, "true");
		strings_add(&argv, NULL);
		struct child_result result = {0};
		is_possible = !child_run(&(struct child_options){ .argv = (const char *const *)argv.at, .timeout = 20000000 }, &output, &result, NULL) &&
			result.exited && !result.status;
	}
	strings_release(&argv);
	buf_release(&output);
	return getcwd(root, sizeof root) ? 0 : -1;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);
	*state = w;
	w->loop = loop_new();
	w->config = (struct config_agent){ .name = xstrdup("fake"), .kind = xstrdup("acp") };
	char path[PATH_MAX];
	test_path(path, sizeof path, "acp.XXXXXX");
	return mkdtemp(path) && realpath(path, w->folder) ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct buf *const all[] = { &w->said, &w->told, &w->alerts, &w->asked, &w->answered, &w->end, &w->changed };
	if (w->agent)
		acp_agent.close(w->agent);
	loop_free(w->loop);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_release(all[i]);
	free(w->config.name), free(w->config.kind), free(w->config.command), free(w->config.keyenv);
	strings_release(&w->config.env);
	free(w->status), free(w->reason), free(w->text);
	free(w);
	return 0;
}

/* A python that stands by itself, not one that a manager of versions looks up. */
static const char *python(void)
{
	return access("/usr/bin/python3", X_OK) ? "python3" : "/usr/bin/python3";
}

static void open_command(struct world *w, const char *command)
{
	struct err err = {0};
	if (!is_possible)
		skip();
	w->config.command = xstrdup(command);
	w->agent = acp_open(&(struct agent_setup){ .loop = w->loop, .config = &w->config, .root = root, .folder = w->folder, .program = "/bin/true",
		.tools_socket = NULL, .listener = &listener, .data = w }, &impatient, &err);
	if (!w->agent)
		fail_msg("%s", err.text);
}

static void open_fake(struct world *w, const char *mode)
{
	char *command = xasprintf("%s '%s/tests/agents/fake-acp' %s", python(), root, mode);
	open_command(w, command);
	free(command);
}

static void open_recording(struct world *w, const char *name)
{
	char *command = xasprintf("%s %s/tests/agents/replay.py %s/tests/agents/%s", python(), root, root, name);
	open_command(w, command);
	free(command);
}

static void begin(struct world *w, const char *text, struct turn_limits limits)
{
	struct err err = {0};
	assert_ok(acp_agent.turn(w->agent, &(struct turn_plan){ .number = ++w->turns, .system = "SYSTEM", .text = text, .limits = limits }, &err), &err);
}

static void await(struct world *w)
{
	int64_t until = clock_monotonic() + LONGEST;
	unsigned ends = w->ends;
	while (w->ends == ends && clock_monotonic() < until)
		loop_turn(w->loop, 100000);
	assert_int_equal(w->ends, ends + 1);
}

static void turn(struct world *w, const char *text)
{
	begin(w, text, (struct turn_limits){0});
	await(w);
}

static void assert_has(const struct buf *text, const char *part)
{
	if (!strstr(buf_str(text), part))
		fail_msg("\"%s\" is not in: %.2000s", part, buf_str(text));
}

static void assert_lacks(const struct buf *text, const char *part)
{
	if (strstr(buf_str(text), part))
		fail_msg("\"%s\" is in: %.2000s", part, buf_str(text));
}

/* Recorded. */

static void claude_writes_a_file_with_permission(void **state)
{
	struct world *w = *state;
	w->permit = "allow_once";
	open_recording(w, "acp_claude.txt");
	turn(w, "write a file");
	assert_string_equal(w->status, "done");
	assert_string_equal(w->text, "done");
	assert_string_equal(buf_str(&w->told), "SYSTEM\n\nwrite a file\n");
	assert_has(&w->said, "[text] I will write a file.\n[tool] Preparing file…: pending\nWrite x.txt: pending\n\n[note] /home/user/wt/x.txt\n+hello\n");
	assert_has(&w->said, "[tool] Write x.txt: completed\n\n[result] File created successfully");
	assert_string_equal(buf_str(&w->asked), "t1-1 Write x.txt ({\n  \"file_path\": \"/home/user/wt/x.txt\",\n  \"content\": \"hello\\n\"\n}):"
		" [allow_once Yes] [allow_always Yes, allow all edits during this session] [reject_once No]\n");
	assert_string_equal(buf_str(&w->answered), "");	/* a human did */
	assert_true(fabs(w->spent - 0.002473) < 1e-9);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->tokens.in, 300);
	assert_int_equal(w->tokens.read, 15);
	assert_int_equal(w->tokens.written, 30);
	assert_int_equal(w->tokens.out, 56);
	assert_string_equal(acp_agent.model(w->agent), "claude-opus-5-5");
}

static void claude_is_stopped_while_it_asks(void **state)
{
	struct world *w = *state;
	w->stop_when_asked = "enough";
	open_recording(w, "acp_claude_cancel.txt");
	turn(w, "write a file");
	assert_string_equal(w->status, "cancelled");
	assert_string_equal(w->reason, "enough");
	assert_string_equal(buf_str(&w->answered), "t1-1 cancelled by policy: the turn is being stopped\n");
	assert_has(&w->said, "Write x.txt: failed");
	assert_true(fabs(w->spent - 0.001882) < 1e-9);
}

static void codex_asks_in_the_mode_that_it_is_set_to(void **state)
{
	struct world *w = *state;
	w->permit = "allow_once";
	open_recording(w, "acp_codex_workspace_write_permission.txt");
	turn(w, "write a file");
	assert_string_equal(w->status, "done");
	assert_has(&w->asked, "t1-1 echo hi > x.txt (echo hi > x.txt): [allow_once Yes, proceed]");
	assert_has(&w->said, "[tool] echo hi > x.txt: in_progress\necho hi > x.txt: completed\n");
	assert_int_equal(w->tokens.in, 120);
	assert_int_equal(w->tokens.read, 80);
	assert_int_equal(w->tokens.out, 18);
	assert_true(w->spent > 0);	/* it names no cost: a model that nobody knows has the dearest price */
	assert_has(&w->changed, "spent: gpt-fake, 120 in");
}

static void codex_is_answered_by_policy(void **state)
{
	struct world *w = *state;
	open_recording(w, "acp_codex_readonly_permission.txt");
	turn(w, "write a file");
	assert_string_equal(w->status, "done");
	assert_string_equal(buf_str(&w->answered), "t1-1 reject_once by policy: nobody answered in time\n");
}

static void codex_judges_by_itself(void **state)
{
	struct world *w = *state;
	open_recording(w, "acp_codex_agent_autoreview.txt");
	turn(w, "write a file");
	assert_string_equal(w->status, "done");
	assert_has(&w->said, "Guardian Review: failed\n\n[result] Status: Denied");
	assert_string_equal(buf_str(&w->asked), "");
	assert_int_equal(w->calls, 2);
}

/* Turns. */

static void a_session_hears_once_who_it_is(void **state)
{
	struct world *w = *state;
	open_fake(w, "echo");
	turn(w, "one");
	turn(w, "two");
	assert_string_equal(buf_str(&w->said), "[text] SYSTEM\n\nonetwo");
	assert_string_equal(w->text, "two");
	assert_string_equal(buf_str(&w->alerts), "");
}

static void one_that_dies_in_a_turn_takes_its_session_up_again(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	setenv("FAKE_KEY", "sk-very-secret-12345", 1);
	w->config.keyenv = xstrdup("FAKE_KEY");
	open_fake(w, "crash");
	begin(w, "one", (struct turn_limits){0});
	assert_error(acp_agent.turn(w->agent, &(struct turn_plan){ .system = "", .text = "" }, &err), &err, "runs already");
	await(w);
	assert_string_equal(w->status, "failed");
	assert_string_equal(w->reason, "it ended with exit code 9: panic: [key]");
	assert_has(&w->alerts, "it ended with exit code 9: panic: [key]; it is started again for the next turn (restart 1 of 5)");
	turn(w, "two");
	assert_string_equal(w->status, "done");
	assert_string_equal(w->text, "heard: two");	/* no system text: it is the same session */
	assert_has(&w->said, "in mode default\n");	/* set in both of its lives */
	assert_lacks(&w->said, "very-secret");
	unsetenv("FAKE_KEY");
	assert_error(acp_agent.turn(w->agent, &(struct turn_plan){ .system = "", .text = "" }, &err), &err, "set FAKE_KEY");
}

static void a_signal_is_named_also_behind_the_sandbox(void **state)
{
	struct world *w = *state;
	open_fake(w, "killed");
	turn(w, "one");
	assert_string_equal(w->reason, "it was ended by signal 9; the last that it wrote: all is well");
}

static void limits_end_a_turn(void **state)
{
	struct world *w = *state;
	open_fake(w, "tools");
	begin(w, "go", (struct turn_limits){ .calls = 10 });
	await(w);
	assert_string_equal(w->status, "limit");
	assert_string_equal(w->reason, "it used more than 10 tools in this turn (calls under [agent \"fake\"])");
	assert_int_equal(w->calls, 50);
}

static void one_that_does_not_stop_is_ended(void **state)
{
	struct world *w = *state;
	open_fake(w, "deaf");
	w->agent->patience.cancel = 200000;
	begin(w, "go", (struct turn_limits){ .seconds = 0.3 });	/* on a slow machine this is over before the agent has heard of it */
	await(w);
	assert_string_equal(w->status, "limit");
	buf_release(&w->said);
	begin(w, "again", (struct turn_limits){0});
	while (!strstr(buf_str(&w->said), "I go on"))
		loop_turn(w->loop, 100000);
	acp_agent.stop(w->agent, "you do not listen");
	acp_agent.stop(w->agent, "twice is once");
	await(w);
	assert_string_equal(w->status, "cancelled");
	assert_string_equal(w->reason, "you do not listen");
	assert_has(&w->said, "it did not stop when it was asked to");
	assert_string_equal(buf_str(&w->alerts), "");
}

static void a_turn_can_be_stopped_before_it_began(void **state)
{
	struct world *w = *state;
	open_fake(w, "echo");
	begin(w, "one", (struct turn_limits){0});
	acp_agent.stop(w->agent, "no");
	assert_int_equal(w->ends, 0);
	await(w);
	assert_string_equal(w->status, "cancelled");
	turn(w, "two");
	assert_string_equal(w->text, "SYSTEM  two");
}

static void money_is_the_difference_of_sums(void **state)
{
	struct world *w = *state;
	open_fake(w, "spends");
	turn(w, "go");
	assert_true(fabs(w->spent - (0.1 + 0.2 + 0.25)) < 1e-9);	/* it began anew with 0.25; what is no sum is none */
	begin(w, "go", (struct turn_limits){ .usd = 0.05 });
	await(w);
	assert_string_equal(w->status, "limit");
	assert_string_equal(w->reason, "the money for this turn is spent");
}

static void a_refusal_and_an_error_are_turns_too(void **state)
{
	struct world *w = *state;
	open_fake(w, "refuses");
	turn(w, "go");
	assert_string_equal(w->status, "refused");
	teardown(state);
	setup(state);
	w = *state;
	setenv("FAKE_KEY", "sk-very-secret-12345", 1);
	strings_add(&w->config.env, "FAKE_KEY");
	open_fake(w, "broken");
	turn(w, "go");
	turn(w, "go");
	assert_string_equal(w->status, "failed");
	assert_string_equal(w->reason, "its turn failed: Internal error: the model is down, key [key]");
	unsetenv("FAKE_KEY");
}

/* Hostile. */

static void one_that_ends_is_started_five_times_again(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	int count = 0;
	open_fake(w, "exit");
	turn(w, "go");
	assert_string_equal(w->status, "failed");
	assert_non_null(strstr(w->reason, "it ended with exit code 3: cannot find myself; it was started 6 times in vain: try its command"));
	for (const char *at = buf_str(&w->alerts); (at = strstr(at, "it is started again (restart")); at++)
		count++;
	assert_int_equal(count, 5);
	assert_has(&w->changed, "failed: it ended");
	assert_error(acp_agent.turn(w->agent, &(struct turn_plan){ .system = "", .text = "" }, &err), &err, "could not be started");
}

static void one_that_dies_over_its_session_is_started_again(void **state)
{
	struct world *w = *state;
	open_fake(w, "dies");
	turn(w, "go");
	assert_has(&w->alerts, "it ended with exit code 1; it is started again (restart 5 of 5)");
	assert_string_equal(w->status, "failed");
}

static void one_that_never_answers_is_told_of(void **state)
{
	static const char *const modes[] = { "silent", "garbage" };
	for (int i = 0; i < 2; i++) {
		struct world *w = *state;
		open_fake(w, modes[i]);
		w->agent->patience.hello = 300000;
		turn(w, "go");
		assert_string_equal(w->status, "failed");
		assert_has(&w->alerts, "it did not answer initialize in 0.3 s; it is started again (restart 1 of 5)");
		teardown(state);
		setup(state);
	}
}

static void one_without_a_login_or_of_another_version_says_what_to_do(void **state)
{
	struct world *w = *state;
	open_fake(w, "login");
	turn(w, "go");
	assert_non_null(strstr(w->reason, "it is not logged in (Authentication required): name the variable that holds its key as keyenv under [agent \"fake\"]"));
	assert_non_null(strstr(w->reason, "it offers: API Key"));
	turn(w, "go");	/* asked anew: a human may have done so */
	assert_non_null(strstr(w->reason, "not logged in"));
	teardown(state);
	setup(state);
	w = *state;
	open_fake(w, "logout");
	for (int i = 0; i < 3; i++) {
		turn(w, "go");
		assert_non_null(strstr(w->reason, "not logged in"));
	}
	teardown(state), setup(state);
	w = *state;
	open_fake(w, "version");
	turn(w, "go");
	assert_non_null(strstr(w->reason, "it speaks version 2 of the Agent Client Protocol"));
}

static void floods_are_bounded(void **state)
{
	struct world *w = *state;
	open_fake(w, "stderr");
	turn(w, "go");
	assert_string_equal(w->text, "still here");
	assert_true(w->said.len < 200000);
	assert_has(&w->said, "more to stderr than is kept");
	teardown(state), setup(state);
	w = *state;
	open_fake(w, "long");
	turn(w, "go");
	assert_string_equal(w->status, "done");
	assert_non_null(strstr(w->text, "after"));
	assert_true(w->said.len < 200000);
	teardown(state), setup(state);
	w = *state;
	open_fake(w, "longer");
	turn(w, "go");
	assert_string_equal(w->status, "failed");
	assert_non_null(strstr(w->reason, "the peer sent a line of more than 64 MiB"));
	teardown(state), setup(state);
	w = *state;
	open_fake(w, "values");
	turn(w, "go");
	assert_string_equal(w->text, "after");
	assert_has(&w->said, "holds too many values");
}

static void what_is_no_json_is_shown_and_passed_over(void **state)
{
	struct world *w = *state;
	open_fake(w, "bytes");
	turn(w, "go");
	assert_string_equal(w->status, "done");
	assert_string_equal(w->text, "<1B>[31mred<07> <U+202E>back");
	assert_has(&w->said, "it wrote a line that is no JSON: ");
	assert_has(&w->said, "<1B>]0;title<07> no JSON at all");
}

static void questions_get_their_own_answers(void **state)
{
	struct world *w = *state;
	open_fake(w, "asks");
	turn(w, "go");
	assert_string_equal(w->status, "done");
	assert_string_equal(w->text, "-32601 -32601 -32601 -32602 -32602 {'outcome': 'selected', 'optionId': 'n'} {'outcome': 'selected', 'optionId': 'n'}");
	assert_has(&w->asked, "t1-1 rm -rf <U+202E>/ (rm -rf /): [allow_once Yes] [reject_once No<1B>[31m]\n");
	assert_has(&w->answered, "t1-2 reject_once by policy: nobody answered in time\n");
}

static void a_permission_that_is_open_ends_with_its_turn(void **state)
{
	struct world *w = *state;
	w->stop_when_asked = "no";
	open_fake(w, "waits");
	turn(w, "go");
	assert_string_equal(w->status, "cancelled");
	assert_has(&w->said, "[note] plan\n[x] got cancelled\n");
	assert_string_equal(buf_str(&w->answered), "t1-1 cancelled by policy: the turn is being stopped\n");
}

static void what_is_not_known_is_told_of_and_passed_over(void **state)
{
	struct world *w = *state;
	open_fake(w, "unknown");
	turn(w, "go");
	assert_string_equal(w->status, "done");
	assert_string_equal(w->reason, "it ended its turn for a reason that is not known here (tired)");
	assert_has(&w->said, "(it tells of \"kind_0\", which is not known here)");
	assert_lacks(&w->said, "kind_50");
	assert_lacks(&w->said, "not mine");
	assert_true(w->spent == 0);
}

/* Confinement. */

static void it_sees_its_own_and_nothing_else(void **state)
{
	struct world *w = *state;
	setenv("SOME_SECRET", "leaked-variable", 1);
	setenv("GIVEN", "a value", 1);
	strings_add(&w->config.env, "GIVEN");
	char *secret = xasprintf("%s/secret", w->folder);
	FILE *f = fopen(secret, "w");
	assert_non_null(f);
	fputs("leaked-file\n", f);
	fclose(f);
	open_fake(w, "shell");
	char *script = xasprintf("$ pwd; echo $HOME; echo made >~/made; echo made >made; env | cut -d= -f1 | sort | tr '\\n' ' '; echo;"
	                         "cat %s %s/README.md %s/.git/HEAD 2>/dev/null | wc -l; ls ~/.ssh /root /home /run 2>/dev/null | wc -l;"
	                         "ls /proc | grep -c '^[0-9]'; tr '\\0' '\\n' </proc/1/environ | grep -c leak; echo $GIVEN", secret, root, root);
	turn(w, script);
	char *expected = xasprintf("[text] %s/agents/fake/tree\n%s/agents/fake/home\nGIVEN HOME LANG ", w->folder, w->folder);
	assert_has(&w->said, expected);
	assert_lacks(&w->said, "SOME_SECRET");
	const char *rest = strstr(buf_str(&w->said), "TMPDIR");
	assert_non_null(rest);
	int lines = -1, entries = -1, processes = -1, leaks = -1;
	assert_int_equal(sscanf(strchr(rest, '\n'), "%d %d %d %d", &lines, &entries, &processes, &leaks), 4);
	assert_int_equal(lines, 0);
	assert_true(entries <= 2);	/* the way down to what it was given */
	assert_true(processes < 10);
	assert_int_equal(leaks, 0);
	assert_has(&w->said, "a value");
	acp_agent.close(w->agent);	/* its home and its tree stay */
	char *made = xasprintf("%s/agents/fake/home/made", w->folder);
	assert_int_equal(access(made, F_OK), 0);
	w->agent = NULL;
	free(made), free(expected), free(script), free(secret);
	unsetenv("SOME_SECRET"), unsetenv("GIVEN");
}

static void closing_ends_it_at_once(void **state)
{
	struct world *w = *state;
	open_fake(w, "deaf");
	begin(w, "go", (struct turn_limits){0});
	while (!strstr(buf_str(&w->said), "I go on"))
		loop_turn(w->loop, 100000);
	pid_t pid = child_pid(w->agent->child);
	acp_agent.close(w->agent);
	w->agent = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(w->ends, 0);
}

/* Commands. */

static void commands_are_words(void **state)
{
	struct strings words = {0};
	struct err err = {0};
	(void)state;
	setenv("HOME", "/home/me", 1);
	assert_ok(acp_split(&words, "  ~/bin/agent  --a='b c' \"d \\\"e\\\" 'f'\" g\\ h '' @x/y@1.0 a~b", &err), &err);
	static const char *const expected[] = { "/home/me/bin/agent", "--a=b c", "d \"e\" 'f'", "g h", "", "@x/y@1.0", "a~b" };
	assert_int_equal(words.count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(words.at[i], expected[i]);
	strings_release(&words);
	static const char *const refused[] = { "a | b", "a; b", "a 'b", "a \"$HOME\"", "a $HOME", "a `b`", "a >b", "a &", "a \\", "a *" };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_error(acp_split(&words, refused[i], &err), &err, "command is more than words");
	assert_error(acp_split(&words, "  ", &err), &err, "command is empty");
	assert_error(acp_split(&words, NULL, &err), &err, "command is empty");
}

static void what_cannot_be_started_is_a_sentence(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	open_command(w, "no-such-agent --acp");
	assert_error(acp_agent.turn(w->agent, &(struct turn_plan){ .system = "", .text = "" }, &err), &err, "cannot start no-such-agent: no such program in PATH");
	assert_error(acp_agent.turn(w->agent, &(struct turn_plan){ .system = "", .text = "" }, &err), &err, "no such program");
	string_set(&w->config.name, "../out");
	assert_null(acp_open(&(struct agent_setup){ .loop = w->loop, .config = &w->config, .root = root, .folder = w->folder, .listener = &listener }, NULL, &err));
	assert_non_null(strstr(err.text, "cannot be called"));
	string_set(&w->config.name, "fake");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(claude_writes_a_file_with_permission), T(claude_is_stopped_while_it_asks), T(codex_asks_in_the_mode_that_it_is_set_to),
		T(codex_is_answered_by_policy), T(codex_judges_by_itself), T(a_session_hears_once_who_it_is),
		T(one_that_dies_in_a_turn_takes_its_session_up_again), T(a_signal_is_named_also_behind_the_sandbox), T(limits_end_a_turn), T(one_that_does_not_stop_is_ended),
		T(a_turn_can_be_stopped_before_it_began), T(money_is_the_difference_of_sums), T(a_refusal_and_an_error_are_turns_too),
		T(one_that_ends_is_started_five_times_again), T(one_that_dies_over_its_session_is_started_again),
		T(one_that_never_answers_is_told_of), T(one_without_a_login_or_of_another_version_says_what_to_do), T(floods_are_bounded),
		T(what_is_no_json_is_shown_and_passed_over), T(questions_get_their_own_answers), T(a_permission_that_is_open_ends_with_its_turn),
		T(what_is_not_known_is_told_of_and_passed_over), T(it_sees_its_own_and_nothing_else), T(closing_ends_it_at_once),
		T(commands_are_words), T(what_cannot_be_started_is_a_sentence),
	};
	return cmocka_run_group_tests(tests, look, NULL);
}
