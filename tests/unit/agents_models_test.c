/* timeout: 120
 * Agents of kind api and chat as the engine has them, against tests/agents/scripted-model over HTTP: both wires say the same. The
 * fine points of the loop between the requests are agents_speaker_test.c's. */
#include "core/agents/speaker.h"

#include "tests/test.h"

#include <math.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/io/child.h"

enum { GUARD = 60000000, MANY = 16 };
#define KEY "sesame-7261-sesame"

static struct loop *loop;
static struct child *server;
static struct buf url, said[6], spent_on, changes, alerts;
static struct agent *agent;
static struct config_agent config;
static char script_path[256], log_path[256];
static double spent;
static unsigned ended, answers, calls;
static char *status, *reason, *words, *answer_text, *answer_problem;
static struct tokens tokens;
static int is_chat;

static void url_came(void *data, const char *bytes, size_t n)
{
	(void)data;
	buf_add(&url, bytes, n);
}

static void server_ended(void *data, const struct child_result *result)
{
	(void)data, (void)result;
	server = NULL;
}

static void on_said(void *data, enum said what, const char *bytes, size_t n)
{
	(void)data;
	buf_add(&said[what], bytes, n);
}

static void on_call(void *data, struct agent_call *call)
{
	(void)data;
	calls++;
	char *text = xasprintf("{\"noted\":\"%s\"}", json_string(json_get(call->args, "text"), "?"));
	agent_answer(call, text, 0);
	free(text);
}

static void on_spent(void *data, double usd, const char *what)
{
	(void)data;
	spent += usd;
	buf_printf(&spent_on, "%s\n", what);
}

static void on_changed(void *data, const char *state, const char *text)
{
	(void)data;
	buf_printf(&changes, "%s %s\n", state, text ? text : "-");
}

static void on_alert(void *data, const char *text)
{
	(void)data;
	buf_printf(&alerts, "%s\n", text);
}

static void on_ended(void *data, const struct turn_end *end)
{
	(void)data;
	ended++;
	string_set(&status, end->status);
	string_set(&reason, end->reason ? end->reason : "");
	string_set(&words, end->text ? end->text : "");
	tokens = end->tokens;
}

static void on_answered(void *data, const char *text, const char *problem, double usd, const char *model)
{
	(void)data, (void)usd, (void)model;
	answers++;
	string_set(&answer_text, text ? text : "");
	string_set(&answer_problem, problem ? problem : "");
}

static const struct agent_listener listener = { .changed = on_changed, .said = on_said, .call = on_call, .spent = on_spent, .turn_ended = on_ended, .alert = on_alert };

static void until(const unsigned *count)
{
	int64_t end = clock_monotonic() + GUARD;
	while (!*count && clock_monotonic() < end)
		loop_turn(loop, 100000);
	assert_int_not_equal(*count, 0);
}

static void play(const char *script)
{
	struct err err;
	FILE *f = fopen(script_path, "w");
	assert_non_null(f);
	fputs(script, f);
	fclose(f);
	unlink(log_path);
	const char *argv[] = { "tests/agents/scripted-model", script_path, "--log", log_path, NULL };
	server = child_start(loop, &(struct child_options){ .argv = argv, .output = url_came, .ended = server_ended }, &err);
	if (!server)
		fail_msg("%s", err.text);
	int64_t end = clock_monotonic() + GUARD;
	while (!strchr(buf_str(&url), '\n') && server && clock_monotonic() < end)
		loop_turn(loop, 100000);
	assert_non_null(strchr(buf_str(&url), '\n'));
	*strchr(url.data, '\n') = '\0';
	config.url = url.data;
	const char *root = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct patience patience = conversation_patience;
	patience.base = 1000;
	patience.cap = 10000;
	patience.answer_max = 8 << 20;
	agent = speaker_open(is_chat ? &chat_wire : &api_wire, &(struct agent_setup){ .loop = loop, .config = &config, .root = root, .listener = &listener }, &patience, &err);
	if (!agent)
		fail_msg("%s", err.text);
}

static void stop_playing(void)
{
	if (agent)
		api_agent.close(agent);
	agent = NULL;
	if (server)
		child_abandon(server);
	server = NULL;
	buf_release(&url);
	for (size_t i = 0; i < 6; i++)
		buf_release(&said[i]);
	buf_release(&spent_on);
	buf_release(&changes);
	buf_release(&alerts);
	spent = 0;
	calls = ended = answers = 0;
	string_set(&status, NULL);
	string_set(&reason, NULL);
	string_set(&words, NULL);
	string_set(&answer_text, NULL);
	string_set(&answer_problem, NULL);
}

static void turn(void)
{
	struct err err;
	ended = 0;
	assert_ok(api_agent.turn(agent, &(struct turn_plan){ 7, "you propose", "what next?", { .tokens = 500, .replies = 20 } }, &err), &err);
	until(&ended);
}

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not in it: %s\nbut: %s", part, text);
}

/* What the server was asked: all of its log. */
static const char *requests(void)
{
	static char text[1 << 20];
	FILE *f = fopen(log_path, "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static unsigned request_count(void)
{
	unsigned n = 0;
	for (const char *s = requests(); (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

#define BOTH for (is_chat = 0; is_chat < 2; stop_playing(), is_chat++)

static void answers_and_tools(void **state)
{
	(void)state;
	BOTH {
		play("{\"model\":\"claude-opus-5-5\",\"replies\":[{\"thinking\":\"hm\",\"text\":\"I note.\",\"split\":3,\"calls\":["
		     "{\"name\":\"note\",\"arguments\":{\"text\":\"a\"}},{\"name\":\"note\",\"arguments\":{\"text\":\"b\"}}]},"
		     "{\"when\":\"noted\",\"text\":\"All is noted.\",\"usage\":{\"in\":20,\"read\":80,\"out\":5}}]}");
		turn();
		assert_string_equal(status, "done");
		assert_string_equal(words, "All is noted.");
		assert_string_equal(buf_str(&said[SAID_TEXT]), "I note.All is noted.");
		assert_string_equal(buf_str(&said[SAID_THOUGHT]), "hm");
		assert_string_equal(buf_str(&said[SAID_TOOL]), "note {\"text\":\"a\"}\nnote {\"text\":\"b\"}\n");
		assert_string_equal(buf_str(&said[SAID_RESULT]), "note: {\"noted\":\"a\"}\nnote: {\"noted\":\"b\"}\n");
		assert_int_equal(tokens.in, 120);
		assert_int_equal(tokens.read, 80);
		assert_int_equal(tokens.out, 15);
		assert_true(fabs(spent - (120 * 4 + 80 * 0.2 + 15 * 20) / 1e6) < 1e-12);	/* it has a price, wherever it is asked */
		assert_in(requests(), is_chat ? "Bearer " KEY : "\"x-api-key\": \"" KEY "\"");
	}
}

static void faults(void **state)
{
	(void)state;
	BOTH {
		play("{\"replies\":[{\"status\":529},{\"status\":429,\"headers\":{\"retry-after\":\"0\"}},{\"text\":\"abc\",\"error\":\"overloaded_error\"},"
		     "{\"text\":\"half\",\"calls\":[{\"name\":\"note\",\"arguments\":{\"text\":\"a\"}}],\"cut\":5},"
		     "{\"calls\":[{\"name\":\"note\",\"arguments\":\"{\\\"text\\\":\"},{\"name\":\"nothing\"},{\"name\":\"note\",\"arguments\":\"[1]\"},"
		     "{\"name\":\"note\",\"arguments\":\"{\\\"text\\\":\\\"\\\\ud800\\\"}\"},{\"name\":\"note\",\"arguments\":{\"text\":\"good\"}}]},"
		     "{\"text\":\"INVALID bytes\",\"invalid\":true}]}");
		turn();
		assert_string_equal(status, "done");
		assert_int_equal(calls, 1);
		assert_int_equal(request_count(), 6);
		assert_in(buf_str(&changes), "overloaded");
		assert_in(buf_str(&changes), "attempt 5 of 6");
		assert_in(requests(), "there is no tool nothing: the tools are");
		assert_in(requests(), "{\\\"noted\\\":\\\"good\\\"}");
	}
}

static void ends(void **state)
{
	(void)state;
	BOTH {
		play("{\"replies\":[{\"text\":\"no\",\"refusal\":{\"category\":\"frontier_llm\",\"explanation\":\"too clever\"}},{\"text\":\"long\",\"stop\":\"max_tokens\"},"
		     "{\"text\":\"still long\",\"stop\":\"max_tokens\"},{\"status\":401,\"body\":{\"error\":{\"type\":\"authentication_error\",\"message\":\"bad key " KEY "\"}}},"
		     "{\"status\":307,\"headers\":{\"location\":\"http://127.0.0.1:1/\"}},\"fine\"]}");
		turn();
		assert_string_equal(status, "refused");
		if (!is_chat)
			assert_in(reason, "frontier_llm");
		if (!is_chat)
			assert_in(reason, "too clever");
		turn();
		assert_string_equal(status, "limit");
		turn();
		assert_string_equal(status, "failed");
		assert_in(reason, "MODEL_KEY");
		assert_null(strstr(reason, KEY));
		turn();
		assert_in(reason, "sends elsewhere (307), to http://127.0.0.1:1/");
		turn();
		assert_string_equal(status, "done");
		assert_int_equal(request_count(), 6);
	}
}

static void money(void **state)
{
	(void)state;
	is_chat = 1;
	play("{\"replies\":[{\"text\":\"a\",\"usage\":{\"cost\":0.125}}]}");
	turn();
	assert_true(spent == 0.125);
	assert_in(buf_str(&spent_on), "(as the server says)");
	stop_playing();
}

static void questions(void **state)
{
	struct err err;
	(void)state;
	BOTH {
		play("{\"questions\":[{\"when\":\"a paper\",\"text\":{\"claims\":[\"x\"]}}]}");
		assert_non_null(api_agent.ask(agent, &(struct question){ "you read", "a paper", "{\"type\":\"object\"}", 100, on_answered, NULL }, &err));
		until(&answers);
		assert_string_equal(answer_problem, "");
		assert_string_equal(answer_text, "{\"claims\": [\"x\"]}");
		assert_in(requests(), "json_schema");
		assert_in(requests(), "\"list\": \"questions\"");
		assert_null(strstr(requests(), "\"tools\""));
	}
}

static void a_flood(void **state)
{
	(void)state;
	BOTH {
		play("{\"replies\":[{\"flood\":100000000},{\"flood\":100000000,\"raw\":true},\"fine\"]}");
		turn();
		assert_string_equal(status, "failed");
		assert_in(reason, "over 8 MiB in one answer");
		turn();
		assert_string_equal(status, "failed");
		turn();
		assert_string_equal(status, "done");
	}
}

static int start(void **state)
{
	(void)state;
	setenv("MODEL_KEY", KEY, 1);
	setenv("XDG_CONFIG_HOME", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", 1);
	test_path(script_path, sizeof script_path, "script.json");
	test_path(log_path, sizeof log_path, "requests");
	config = (struct config_agent){ .name = (char *)"m", .model = (char *)"claude-opus-5-5", .keyenv = (char *)"MODEL_KEY", .tokens = 500 };
	loop = loop_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_and_tools), cmocka_unit_test(faults), cmocka_unit_test(ends), cmocka_unit_test(money), cmocka_unit_test(questions),
		cmocka_unit_test(a_flood),
	};
	return cmocka_run_group_tests(tests, start, end);
}
