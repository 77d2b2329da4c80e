/* Chat completions: requests byte by byte, and streams as OpenAI, OpenRouter, vLLM, llama.cpp, Ollama and Gemini send them, in
 * pieces of every size, with their faults. */
#include "core/agents/wire.h"

#include "tests/test.h"

#include <math.h>

#include "core/agents/tool.h"
#include "tests/agents/play.h"

#define CHOICE(delta, finish) DATA("{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":" delta \
	",\"finish_reason\":" finish "}]}")
#define CHUNK(delta) CHOICE(delta, "null")
#define FINISH(reason) CHOICE("{}", "\"" reason "\"")
#define USAGE(members) DATA("{\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[],\"usage\":{" members "}}")
#define DONE DATA("[DONE]")
#define CALLS(calls) CHUNK("{\"tool_calls\":[" calls "]}")

static const char documented[] =
	CHUNK("{\"role\":\"assistant\",\"content\":\"\"}")
	CHUNK("{\"content\":\"Let me\"}") CHUNK("{\"content\":\" look…\"}")
	CALLS("{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"search_literature\",\"arguments\":\"\"}}")
	CALLS("{\"index\":0,\"function\":{\"arguments\":\"{\\\"query\\\":\\\"online\"}}")
	CALLS("{\"index\":0,\"function\":{\"arguments\":\" softmax\\\"}\"}}")
	CALLS("{\"index\":1,\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"list_files\",\"arguments\":\"{}\"}}")
	FINISH("tool_calls")
	USAGE("\"prompt_tokens\":100,\"completion_tokens\":9,\"total_tokens\":109,\"prompt_tokens_details\":{\"cached_tokens\":40}")
	DONE;

static struct play p;
static struct wire_answer answer;
static struct config_agent config = { .model = (char *)"m" };
static const struct wire_setup plain = { .config = &config, .tokens = 1000 };

static int setup(void **state)
{
	(void)state;
	play_open(&p, &chat_wire, &plain);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_answer_release(&answer);
	play_close(&p);
	return 0;
}

static void hear_in(const char *stream, size_t step)
{
	wire_answer_release(&answer);
	play_bytes(&p, stream, strlen(stream), step, 1, &answer);
}

static void hear(const char *stream)
{
	hear_in(stream, 0);
}

static char *messages(void)
{
	static struct buf body;
	struct err err;
	buf_release(&body);
	p.ops->request(p.wire, &body);
	struct json *v = json_parse(body.data, body.len, &err);
	if (!v)
		fail_msg("%s: %s", err.text, body.data);
	json_free(v);
	buf_truncate(&body, body.len - 2);
	return strstr(body.data, "\"messages\":[") + 12;
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define RESULT(id, text) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"

static void asks_with_everything(void **state)
{
	(void)state;
	struct config_agent with = { .model = (char *)"m", .effort = (char *)"low" };
	const struct wire_setup all = { .config = &with, .system = "Rules.", .with_tools = 1, .tokens = 8000,
		.schema = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"maxItems\":3,\"items\":{\"type\":\"string\",\"minLength\":1}}},"
			  "\"required\":[\"a\"],\"additionalProperties\":false}" };
	struct wire *w = chat_wire.open(&all);
	struct buf body = {0};
	chat_wire.say(w, "Go.");
	chat_wire.request(w, &body);
	static const char begins[] = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_completion_tokens\":8000,"
		"\"reasoning_effort\":\"low\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},\"required\":[\"a\"],\"additionalProperties\":false}"
		",\"strict\":true}},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"";
	static const char ends[] = "}}],\"messages\":[{\"role\":\"system\",\"content\":\"Rules.\"}," USER("Go.") "]}";
	assert_memory_equal(body.data, begins, strlen(begins));
	assert_string_equal(body.data + body.len - strlen(ends), ends);
	struct json *v = json_parse(body.data, body.len, NULL);
	size_t count, i = 0;
	const struct tool *tools = tools_all(&count);
	for (const struct json *tool = json_first(json_get(v, "tools")); tool; tool = json_next(tool), i++)
		assert_string_equal(json_string(json_get(json_get(tool, "function"), "name"), ""), tools[i].name);
	assert_int_equal(i, count);
	json_free(v);
	chat_wire.close(w);
	buf_release(&body);
}

/* Strict only where the schema is exact; and nothing there for a word that is no schema. */
static void is_strict_where_it_may(void **state)
{
	(void)state;
	static const struct { const char *schema, *sent; } cases[] = {
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}},\"required\":[\"a\"],\"additionalProperties\":false}", "\"additionalProperties\":false}}}" },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"a\"],\"additionalProperties\":false}", "\"additionalProperties\":false}}}" },
		{ "{\"type\":\"string\",\"enum\":[\"minimum\"]}", "{\"type\":\"string\",\"enum\":[\"minimum\"]},\"strict\":true}}" },
		{ "nonsense", "{\"type\":\"object\"}}}" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire *w = chat_wire.open(&(struct wire_setup){ .config = &config, .schema = cases[i].schema, .tokens = 1 });
		struct buf body = {0};
		chat_wire.request(w, &body);
		if (!strstr(body.data, cases[i].sent))
			fail_msg("%s", body.data);
		chat_wire.close(w);
		buf_release(&body);
	}
}

static void hears_the_documented_stream(void **state)
{
	(void)state;
	static const size_t steps[] = { 0, 1, 2, 3, 5, 7, 11, 64, 100, 1000 };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		teardown(state);
		setup(state);
		p.ops->say(p.wire, "Next?");
		hear_in(documented, steps[i]);
		assert_int_equal(answer.stop, STOP_CALLS);
		assert_string_equal(answer.text, "Let me look…");
		assert_string_equal(p.text.data, answer.text);
		assert_int_equal(p.heard, 2);
		assert_string_equal(answer.model, "m-1");
		assert_true(isnan(answer.usd));
		assert_true(answer.tokens.in == 60 && answer.tokens.read == 40 && answer.tokens.written == 0 && answer.tokens.out == 9);
		assert_int_equal(answer.call_count, 2);
		assert_string_equal(answer.calls[0].id, "call_1");
		assert_string_equal(answer.calls[0].name, "search_literature");
		assert_string_equal(json_string(json_get(answer.calls[0].args, "query"), ""), "online softmax");
		assert_true(json_is_object(answer.calls[1].args));
		p.ops->result(p.wire, "call_1", "{\"n\":1}", 0);
		p.ops->result(p.wire, "call_2", "arXiv: 429", 1);
		p.ops->say(p.wire, "3 left");
		p.ops->say(p.wire, "go on");
		assert_string_equal(messages(), USER("Next?")
			",{\"role\":\"assistant\",\"content\":\"Let me look…\",\"tool_calls\":["
			"{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"search_literature\",\"arguments\":\"{\\\"query\\\":\\\"online softmax\\\"}\"}},"
			"{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"list_files\",\"arguments\":\"{}\"}}]},"
			RESULT("call_1", "{\\\"n\\\":1}") "," RESULT("call_2", "Error: arXiv: 429") "," USER("3 left\\n\\ngo on"));
	}
}

/* A request begins with all of the one before but its end. */
static void only_appends(void **state)
{
	(void)state;
	struct buf before = {0}, now = {0};
	p.ops->say(p.wire, "one");
	for (int turn = 0; turn < 20; turn++) {
		buf_truncate(&now, 0);
		p.ops->request(p.wire, &now);
		if (before.len)
			assert_memory_equal(now.data, before.data, before.len - 2);
		buf_truncate(&before, 0);
		p.ops->request(p.wire, &before);
		assert_string_equal(before.data, now.data);
		hear(documented);
		p.ops->result(p.wire, "call_1", "first", 0);
		if (turn % 2)
			p.ops->result(p.wire, "call_2", "second", 0);
	}
	buf_release(&before);
	buf_release(&now);
}

struct quirk {
	const char *name, *stream;
	enum wire_stop stop;
	const char *text, *thought, *calls;	/* calls: "id name arguments; …" */
};

static const struct quirk quirks[] = {
	{ "ollama: arguments in one chunk, finish stop, no cache figures",
	  CALLS("{\"index\":0,\"id\":\"call_a\",\"type\":\"function\",\"function\":{\"name\":\"note\",\"arguments\":\"{\\\"text\\\":\\\"x\\\"}\"}}") FINISH("stop")
	  USAGE("\"prompt_tokens\":60,\"completion_tokens\":9,\"total_tokens\":69") DONE,
	  STOP_CALLS, "", "", "call_a note {\"text\":\"x\"}; " },
	{ "ollama, older: two calls under index 0",
	  CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"{}\"}}") CALLS("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"note\",\"arguments\":\"{\\\"n\\\":2}\"}}")
	  FINISH("stop") DONE, STOP_CALLS, "", "", "a note {}; b note {\"n\":2}; " },
	{ "no index, no id, pieces",
	  CALLS("{\"function\":{\"name\":\"note\",\"arguments\":\"{\\\"n\\\"\"}}") CALLS("{\"function\":{\"arguments\":\":1}\"}}")
	  CALLS("{\"function\":{\"name\":\"read_file\",\"arguments\":\"{}\"}}") FINISH("tool_calls") DONE,
	  STOP_CALLS, "", "", "call_skydeck_1 note {\"n\":1}; call_skydeck_2 read_file {}; " },
	{ "no index, but ids",
	  CALLS("{\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"{\"}}") CALLS("{\"id\":\"b\",\"function\":{\"name\":\"note\",\"arguments\":\"{\"}}")
	  CALLS("{\"id\":\"a\",\"function\":{\"arguments\":\"}\"}}") CALLS("{\"id\":\"b\",\"function\":{\"name\":\"note\",\"arguments\":\"}\"}}") FINISH("tool_calls"),
	  STOP_CALLS, "", "", "a note {}; b note {}; " },
	{ "an id in each piece, and the name again",
	  CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"{\"}}") CALLS("{\"index\":0,\"id\":\"zz\",\"function\":{\"name\":null,\"arguments\":\"}\"}}")
	  CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"\"}}") FINISH("stop"),
	  STOP_CALLS, "", "", "a note {}; " },
	{ "arguments as an object",
	  CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":{\"n\":[1,2]}}}") FINISH("tool_calls"),
	  STOP_CALLS, "", "", "a note {\"n\":[1,2]}; " },
	{ "arguments null", CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":null}}") FINISH("tool_calls"), STOP_CALLS, "", "", "a note {}; " },
	{ "two calls with one id", CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\"}},{\"index\":1,\"id\":\"a\",\"function\":{\"name\":\"note\"}}") FINISH("stop"),
	  STOP_CALLS, "", "", "a note {}; call_skydeck_1 note {}; " },
	{ "function_call of old", CHUNK("{\"function_call\":{\"name\":\"note\",\"arguments\":\"{\"}}") CHUNK("{\"function_call\":{\"arguments\":\"}\"}}") FINISH("function_call"),
	  STOP_CALLS, "", "", "call_skydeck_1 note {}; " },
	{ "openrouter: comments, content null, reasoning",
	  ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" CHUNK("{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"hm\"}") CHUNK("{\"content\":\"x\"}") FINISH("stop") DONE,
	  STOP_END, "x", "hm", "" },
	{ "llama.cpp: reasoning_content", CHUNK("{\"reasoning_content\":\"h\"}") CHUNK("{\"reasoning_content\":\"m\"}") CHUNK("{\"content\":\"x\"}") FINISH("stop") DONE, STOP_END, "x", "hm", "" },
	{ "CRLF and no space", "data:{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r\n\r\ndata:{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n", STOP_END, "x", "", "" },
	{ "content as parts", CHUNK("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}") FINISH("stop"), STOP_END, "ab", "", "" },
	{ "a whole message", DATA("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"), STOP_END, "x", "", "" },
	{ "only [DONE]", CHUNK("{\"content\":\"x\"}") "data: [DONE] \n\n", STOP_END, "x", "", "" },
	{ "other choices", DATA("{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"), STOP_END, "x", "", "" },
	{ "error null", DATA("{\"error\":null,\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"), STOP_END, "x", "", "" },
	{ "after [DONE]", CHUNK("{\"content\":\"x\"}") FINISH("stop") DONE CHUNK("{\"content\":\"y\"}") DATA("nonsense"), STOP_END, "x", "", "" },
	{ "length", CHUNK("{\"content\":\"x\"}") FINISH("length") DONE, STOP_MAX_TOKENS, "x", "", "" },
	{ "length in a call", CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"{}\"}},{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"note\",\"arguments\":\"{\\\"t\"}}")
	  FINISH("length") DONE, STOP_MAX_TOKENS, "", "", "a note {}; " },
	{ "length before a call's arguments", CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"\"}}") FINISH("length") DONE, STOP_MAX_TOKENS, "", "", "" },
	{ "characters that are none", CHUNK("{\"content\":\"a\\ud83d\xff\"}") FINISH("stop"), STOP_END, "a\xef\xbf\xbd\xef\xbf\xbd", "", "" },
	{ "nothing at all", FINISH("stop") DONE, STOP_END, "", "", "" },
};

static char *calls_of(const struct wire_answer *a)
{
	struct buf b = {0};
	for (size_t i = 0; i < a->call_count; i++)
		buf_printf(&b, "%s %s %s; ", a->calls[i].id, a->calls[i].name, a->calls[i].arguments);
	return buf_take(&b);
}

static void hears_all_dialects(void **state)
{
	static const size_t steps[] = { 0, 1, 7 };
	for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
		for (size_t j = 0; j < 3; j++) {
			const struct quirk *q = &quirks[i];
			teardown(state);
			setup(state);
			p.ops->say(p.wire, "one");
			hear_in(q->stream, steps[j]);
			char *calls = calls_of(&answer);
			if (answer.stop != q->stop || strcmp(answer.text, q->text) || strcmp(buf_str(&p.text), q->text) || strcmp(buf_str(&p.thoughts), q->thought) || strcmp(calls, q->calls))
				fail_msg("%s: stop %d (%s), text \"%s\", thought \"%s\", calls %s", q->name, answer.stop, answer.reason, answer.text, buf_str(&p.thoughts), calls);
			free(calls);
			p.ops->say(p.wire, "two");
			messages();
		}
}

static void goes_on_after_bad_arguments(void **state)
{
	(void)state;
	static const struct { const char *json, *problem; } cases[] = {
		{ "{\\\"query\\\": ", "not valid JSON" },
		{ "[1]", "no object" },
		{ "{\\\"path\\\":\\\"a\\\\u0000b\\\"}", "\\u0000" },
		{ "{\\\"path\\\":\\\"\\\\ud800\\\"}", "not valid JSON" },
		{ "{\\\"path\\\":\\\"\\ud800\\\"}", "characters that are none" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teardown(state);
		setup(state);
		char *stream = xasprintf("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"no_such\",\"arguments\":\"%s\"}}]}}]}\n\n%s",
					 cases[i].json, FINISH("tool_calls"));
		p.ops->say(p.wire, "one");
		hear(stream);
		free(stream);
		assert_int_equal(answer.call_count, 1);
		assert_string_equal(answer.calls[0].name, "no_such");
		if (!answer.calls[0].problem || !strstr(answer.calls[0].problem, cases[i].problem))
			fail_msg("%s: %s", cases[i].json, answer.calls[0].problem);
		p.ops->result(p.wire, "a", "no", 1);
		assert_non_null(strstr(messages(), "\"arguments\":\"{\\\"INVALID_JSON\\\":"));
	}
}

static void counts_tokens_and_money(void **state)
{
	(void)state;
	hear(CHUNK("{\"content\":\"x\"}") FINISH("stop")
	     USAGE("\"prompt_tokens\":100,\"completion_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":40,\"cache_write_tokens\":10},\"cost\":0.00042") DONE);
	assert_true(answer.tokens.in == 50 && answer.tokens.read == 40 && answer.tokens.written == 10 && answer.tokens.out == 9);
	assert_true(answer.usd == 0.00042);
	hear(DATA("{\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1}}")	/* vLLM: continuous */
	     DATA("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}"));
	assert_true(answer.tokens.in == 7 && answer.tokens.out == 2 && isnan(answer.usd));
	hear(FINISH("stop") USAGE("\"prompt_tokens\":10,\"completion_tokens\":-1,\"prompt_tokens_details\":{\"cached_tokens\":99},\"cost\":-5"));
	assert_true(answer.tokens.in == 0 && answer.tokens.read == 10 && answer.tokens.out == 0 && isnan(answer.usd));
	hear(FINISH("stop") DATA("{\"choices\":[],\"usage\":null}"));
	assert_true(answer.tokens.in == 0);
	hear(FINISH("stop") USAGE("\"prompt_tokens\":10,\"prompt_cache_hit_tokens\":4,\"prompt_tokens_details\":null"));
	assert_true(answer.tokens.in == 6 && answer.tokens.read == 4);
}

static void hears_errors_in_the_stream(void **state)
{
	(void)state;
	static const struct { const char *stream, *says; int is_overloaded; } cases[] = {
		{ DATA("{\"error\":{\"code\":502,\"message\":\"upstream\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}"),
		  "the server broke off its answer: upstream (502)", 1 },
		{ DATA("{\"error\":\"out of \\u001b memory\"}"), "out of <1B> memory", 0 },
		{ DATA("{\"error\":{\"type\":\"server_error\"}}"), "server_error", 0 },
		{ DATA("{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}"), "slow", 1 },
		{ DATA("{\"error\":{}}"), "does not say why", 0 },
		{ "error: {\"code\":500,\"message\":\"llama\"}\n\n", "llama (500)", 0 },
		{ EVENT("error", "{\"error\":{\"message\":\"named\"}}"), "named", 0 },
		{ EVENT("error", "plain words"), "plain words", 0 },
		{ DATA("{\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}"), "broke off", 0 },
		{ DATA("<html>"), "holds no JSON object", 0 },
	};
	p.ops->say(p.wire, "one");
	char *before = xstrdup(messages());
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *stream = xasprintf("%s%s%s", CHUNK("{\"content\":\"I\"}"), cases[i].stream, DONE);
		hear(stream);
		free(stream);
		assert_int_equal(answer.stop, STOP_CUT);
		if (!strstr(answer.reason, cases[i].says))
			fail_msg("%s, not %s", answer.reason, cases[i].says);
		assert_int_equal(answer.is_overloaded, cases[i].is_overloaded);
		assert_string_equal(messages(), before);
	}
	free(before);
}

static void forgets_a_cut_answer(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	char *before = xstrdup(messages());
	size_t end = (size_t)(strstr(documented, "\"finish_reason\":\"tool_calls\"") - documented) + strlen("\"finish_reason\":\"tool_calls\"}]}\n\n");
	for (size_t n = 0; n < end; n++) {
		wire_answer_release(&answer);
		play_bytes(&p, documented, n, 0, n % 2 == 0, &answer);
		assert_int_equal(answer.stop, STOP_CUT);
		assert_int_equal(answer.call_count, 0);
		assert_string_equal(messages(), before);
	}
	wire_answer_release(&answer);
	play_bytes(&p, documented, end, 0, 0, &answer);		/* all was said; the usage is lost */
	assert_int_equal(answer.stop, STOP_CALLS);
	free(before);
}

static void drops_a_refused_turn(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(CHUNK("{\"refusal\":\"I can\"}") CHUNK("{\"refusal\":\"not\"}") FINISH("stop") DONE);
	assert_int_equal(answer.stop, STOP_REFUSED);
	assert_string_equal(answer.reason, "the model refused: I cannot");
	assert_string_equal(messages(), "");
	p.ops->say(p.wire, "two");
	hear(documented);
	p.ops->result(p.wire, "call_1", "r", 0);
	hear(CHUNK("{\"content\":\"I\"}") FINISH("content_filter") DONE);
	assert_int_equal(answer.stop, STOP_REFUSED);
	assert_non_null(strstr(answer.reason, "content_filter"));
	p.ops->say(p.wire, "three");
	assert_string_equal(messages(), USER("three"));
}

static void gives_back_what_gemini_wants(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(CALLS("{\"index\":0,\"id\":\"a\",\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}},\"function\":{\"name\":\"note\",\"arguments\":\"{}\"}}") FINISH("tool_calls") DONE);
	assert_non_null(strstr(messages(), "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}}}"));
}

static void gives_back_what_openrouter_wants(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(CHUNK("{\"reasoning\":\"a\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a \",\"format\":\"f\",\"index\":0,\"signature\":null}]}")
	     CHUNK("{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"b\",\"index\":0}]}")
	     CHUNK("{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"c2ln\",\"index\":0}]}")
	     CHUNK("{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"x\",\"index\":1},{\"type\":\"reasoning.encrypted\",\"data\":\"y\",\"index\":1},7,null]}")
	     CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"note\",\"arguments\":\"{}\"}}") FINISH("tool_calls") DONE);
	assert_string_equal(p.thoughts.data, "a");
	assert_non_null(strstr(messages(), ",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a b\",\"format\":\"f\",\"index\":0,\"signature\":\"c2ln\"},"
		"{\"type\":\"reasoning.encrypted\",\"data\":\"x\",\"index\":1},{\"type\":\"reasoning.encrypted\",\"data\":\"y\",\"index\":1}]}"));
	hear(CHUNK("{\"content\":\"x\",\"reasoning_details\":\"no list\"}") FINISH("stop"));
	assert_string_equal(answer.text, "x");
}

static void passes_names_on(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read file\\u001b!\"}},{\"index\":1,\"id\":\"b\",\"function\":{}}") FINISH("stop"));
	assert_string_equal(answer.calls[0].name, "read file<1B>!");
	assert_string_equal(answer.calls[1].name, "");
	assert_non_null(strstr(messages(), "\"name\":\"read_file__\""));
	assert_non_null(strstr(messages(), "\"name\":\"unnamed\""));
}

static void is_bounded(void **state)
{
	(void)state;
	struct buf stream = {0};
	for (int i = 0; i < 1001; i++)
		buf_printf(&stream, "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{\"name\":\"x\"}}]}}]}\n\n", i);
	buf_puts(&stream, FINISH("stop"));
	hear(stream.data);
	assert_int_equal(answer.stop, STOP_CUT);
	buf_release(&stream);
	p.ops->begin(p.wire, NULL);
	p.ops->event(p.wire, "", NULL, 0);
	wire_answer_release(&answer);
	p.ops->finish(p.wire, 1, &answer);
	assert_int_equal(answer.stop, STOP_CUT);
}

static void sends_its_headers(void **state)
{
	(void)state;
	struct strings headers = {0};
	chat_wire.headers(" secret", &headers);
	assert_true(strings_have(&headers, "authorization: Bearer secret"));
	strings_release(&headers);
	chat_wire.headers("\n", &headers);
	assert_int_equal(headers.count, 2);
	strings_release(&headers);
	assert_false(chat_wire.needs_key);
	assert_null(chat_wire.keyenv);		/* whose key it were is not known before a url is */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_with_everything),
		cmocka_unit_test(is_strict_where_it_may),
		cmocka_unit_test_setup_teardown(hears_the_documented_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(only_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(hears_all_dialects, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_tokens_and_money, setup, teardown),
		cmocka_unit_test_setup_teardown(hears_errors_in_the_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_a_cut_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(drops_a_refused_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_back_what_gemini_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_back_what_openrouter_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(passes_names_on, setup, teardown),
		cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
		cmocka_unit_test(sends_its_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
