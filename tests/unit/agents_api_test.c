/* The Messages API: requests byte by byte, and streams in pieces of every size, with each fault that is documented or was
 * thought of. What was said goes back as it came. */
#include "core/agents/wire.h"

#include "tests/test.h"

#include <math.h>

#include "core/agents/tool.h"
#include "tests/agents/play.h"

#define START EVENT("message_start", "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\"," \
	"\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":100," \
	"\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}") EVENT("ping", "{\"type\":\"ping\"}")
#define BLOCK(i, block) EVENT("content_block_start", "{\"type\":\"content_block_start\",\"index\":" #i ",\"content_block\":" block "}")
#define DELTA(i, delta) EVENT("content_block_delta", "{\"type\":\"content_block_delta\",\"index\":" #i ",\"delta\":" delta "}")
#define STOP(i) EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":" #i "}")
#define TEXT(i, text) BLOCK(i, "{\"type\":\"text\",\"text\":\"\"}") DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}") STOP(i)
#define CALL(i, id, name) BLOCK(i, "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"caller\":{\"type\":\"direct\"},\"input\":{}}")
#define ARGS(i, json) DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define END(reason) EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason "\",\"stop_sequence\":null}," \
	"\"usage\":{\"output_tokens\":142}}") EVENT("message_stop", "{\"type\":\"message_stop\"}")

static const char documented[] =	/* the vendor's example, two calls */
	START
	BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
	DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"The KQ tile is read \"}")
	DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"three times…\"}")
	DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"EqQB/+==\"}")
	STOP(0)
	BLOCK(1, "{\"type\":\"redacted_thinking\",\"data\":\"Zm9v\",\"n\":9007199254740993}")
	STOP(1)
	TEXT(2, "I will look \\\"this\\\" up.")
	CALL(3, "toolu_01", "search_literature")
	ARGS(3, "") ARGS(3, "{\\\"query\\\": \\\"online soft") ARGS(3, "max\\\", \\\"n\\\":1.50}")
	STOP(3)
	CALL(4, "toolu_02", "list_files")
	ARGS(4, "")
	STOP(4)
	END("tool_use");

static const char echoed[] =
	"{\"role\":\"assistant\",\"content\":["
	"{\"type\":\"thinking\",\"thinking\":\"The KQ tile is read three times…\",\"signature\":\"EqQB/+==\"},"
	"{\"type\":\"redacted_thinking\",\"data\":\"Zm9v\",\"n\":9007199254740993},"
	"{\"type\":\"text\",\"text\":\"I will look \\\"this\\\" up.\"},"
	"{\"type\":\"tool_use\",\"id\":\"toolu_01\",\"name\":\"search_literature\",\"caller\":{\"type\":\"direct\"},\"input\":{\"query\": \"online softmax\", \"n\":1.50}},"
	"{\"type\":\"tool_use\",\"id\":\"toolu_02\",\"name\":\"list_files\",\"caller\":{\"type\":\"direct\"},\"input\":{}}]}";

#define CACHE ",\"cache_control\":{\"type\":\"ephemeral\"}"

static struct play p;
static struct wire_answer answer;
static struct config_agent config = { .model = (char *)"claude-opus-5-5" };
static const struct wire_setup plain = { .config = &config, .tokens = 1000 };

static int setup(void **state)
{
	(void)state;
	play_open(&p, &api_wire, &plain);
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

/* What is sent as messages. The whole body must be JSON. */
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
	char *from = strstr(body.data, "\"messages\":[") + 12;
	assert_string_equal(body.data + body.len - 2, "]}");
	buf_truncate(&body, body.len - 2);
	return from;
}

#define USER(blocks) "{\"role\":\"user\",\"content\":[" blocks "]}"
#define SAYS(text, more) "{\"type\":\"text\",\"text\":\"" text "\"" more "}"

static void asks_with_everything(void **state)
{
	(void)state;
	struct config_agent with = { .model = (char *)"claude-opus-5-5", .effort = (char *)"medium" };
	const struct wire_setup all = { .config = &with, .system = "Rules.\nAnd \"more\".", .with_tools = 1, .tokens = 16000,
		.schema = "{\"type\":\"object\",\"properties\":{\"minimum\":{\"type\":\"string\",\"maxLength\":9}},\"required\":[\"minimum\"],\"additionalProperties\":false}" };
	struct wire *w = api_wire.open(&all);
	struct buf body = {0};
	struct err err;
	api_wire.say(w, "Go.");
	api_wire.request(w, &body);
	struct json *v = json_parse(body.data, body.len, &err);
	assert_non_null(v);
	assert_string_equal(json_string(json_get(v, "model"), ""), "claude-opus-5-5");
	assert_int_equal(json_integer(json_get(v, "max_tokens"), 0), 16000);
	assert_true(json_bool(json_get(v, "stream"), 0));
	assert_string_equal(json_string(json_get(json_get(v, "thinking"), "type"), ""), "adaptive");
	assert_null(json_get(v, "temperature"));
	assert_non_null(strstr(body.data, "\"output_config\":{\"effort\":\"medium\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\","
		"\"properties\":{\"minimum\":{\"type\":\"string\"}},\"required\":[\"minimum\"],\"additionalProperties\":false}}}"));
	assert_non_null(strstr(body.data, "\"system\":[{\"type\":\"text\",\"text\":\"Rules.\\nAnd \\\"more\\\".\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]"));
	size_t count, i = 0;
	const struct tool *tools = tools_all(&count);
	for (const struct json *tool = json_first(json_get(v, "tools")); tool; tool = json_next(tool), i++) {
		assert_string_equal(json_string(json_get(tool, "name"), ""), tools[i].name);
		assert_string_equal(json_string(json_get(tool, "description"), ""), tools[i].description);
		assert_string_equal(json_string(json_get(json_get(tool, "input_schema"), "type"), ""), "object");
	}
	assert_int_equal(i, count);
	assert_true(count > 5);
	json_free(v);
	api_wire.close(w);
	buf_release(&body);
}

static void asks_older_models_without_thinking(void **state)
{
	(void)state;
	struct config_agent old = { .model = (char *)"claude-haiku-4-5" };
	struct wire *w = api_wire.open(&(struct wire_setup){ .config = &old, .tokens = 5 });
	struct buf body = {0};
	api_wire.say(w, "x");
	api_wire.request(w, &body);
	assert_string_equal(body.data, "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":5,\"stream\":true,\"messages\":[" USER(SAYS("x", CACHE)) "]}");
	api_wire.close(w);
	buf_release(&body);
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
		assert_null(answer.reason);
		assert_string_equal(answer.text, "I will look \"this\" up.");
		assert_string_equal(p.text.data, answer.text);
		assert_string_equal(p.thoughts.data, "The KQ tile is read three times…");
		assert_string_equal(answer.model, "claude-opus-5-5");
		assert_true(isnan(answer.usd));
		assert_true(answer.tokens.in == 100 && answer.tokens.written == 10 && answer.tokens.read == 5 && answer.tokens.out == 142);
		assert_int_equal(answer.call_count, 2);
		assert_string_equal(answer.calls[0].id, "toolu_01");
		assert_string_equal(answer.calls[0].name, "search_literature");
		assert_string_equal(json_string(json_get(answer.calls[0].args, "query"), ""), "online softmax");
		assert_string_equal(answer.calls[1].arguments, "{}");
		assert_true(json_is_object(answer.calls[1].args) && !answer.calls[1].problem);
		p.ops->result(p.wire, "toolu_01", "{\"n\":1}", 0);
		p.ops->result(p.wire, "toolu_02", "arXiv: 429", 1);
		p.ops->say(p.wire, "3 left");
		char *expected = xasprintf("%s,%s," USER("%s,%s," SAYS("3 left", CACHE)), USER(SAYS("Next?", "")), echoed,
			"{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_01\",\"content\":[{\"type\":\"text\",\"text\":\"{\\\"n\\\":1}\"}]}",
			"{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_02\",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"arXiv: 429\"}]}");
		assert_string_equal(messages(), expected);
		free(expected);
	}
}

/* Up to the first cache_control of the messages, and behind its place: a request begins as the one before. */
static void only_appends(void **state)
{
	(void)state;
	struct buf before = {0}, now = {0};
	p.ops->say(p.wire, "one");
	for (int turn = 0; turn < 30; turn++) {
		buf_truncate(&now, 0);
		p.ops->request(p.wire, &now);
		if (before.len) {
			char *mark = strstr(before.data, CACHE);
			size_t stable = (size_t)(mark - before.data);
			assert_memory_equal(now.data, before.data, stable);
			assert_true(now.data[stable] == '}');
			assert_null(strstr(mark + 1, CACHE));
		}
		buf_truncate(&before, 0);
		p.ops->request(p.wire, &before);
		assert_string_equal(before.data, now.data);
		hear(documented);
		p.ops->result(p.wire, "toolu_02", "second", 0);
		p.ops->result(p.wire, "toolu_01", "first", 0);
	}
	buf_release(&before);
	buf_release(&now);
}

static void marks_twice_behind_many_blocks(void **state)
{
	(void)state;
	struct buf stream = {0};
	char id[16];
	buf_puts(&stream, START);
	for (int i = 0; i < 12; i++) {
		buf_printf(&stream, "data: {\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t%d\",\"name\":\"note\",\"input\":{\"a\":%d}}}\n\n", i, i, i);
		buf_printf(&stream, "data: {\"type\":\"content_block_stop\",\"index\":%d}\n\n", i);
	}
	buf_puts(&stream, END("tool_use"));
	p.ops->say(p.wire, "one");
	hear(stream.data);
	assert_int_equal(answer.call_count, 12);
	assert_string_equal(answer.calls[3].arguments, "{\"a\":3}");
	for (int i = 0; i < 12; i++) {
		snprintf(id, sizeof id, "t%d", i);
		p.ops->result(p.wire, id, "ok", 0);
	}
	char *sent = messages(), *first = strstr(sent, CACHE);
	assert_memory_equal(sent, USER(SAYS("one", CACHE)), strlen(USER(SAYS("one", CACHE))));
	assert_non_null(strstr(first + 1, CACHE));
	assert_null(strstr(strstr(first + 1, CACHE) + 1, CACHE));
	buf_release(&stream);
}

static void answers_calls_that_nobody_answered(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(documented);
	p.ops->result(p.wire, "toolu_02", "second", 0);
	p.ops->result(p.wire, "toolu_02", "again", 0);
	p.ops->result(p.wire, "toolu_77", "whose?", 0);
	char *sent = xstrdup(messages());
	assert_non_null(strstr(sent, "\"tool_use_id\":\"toolu_01\",\"is_error\":true"));
	assert_non_null(strstr(sent, "not carried out"));
	assert_null(strstr(sent, "again"));
	assert_null(strstr(sent, "whose?"));
	hear(START TEXT(0, "well") END("end_turn"));
	p.ops->say(p.wire, "two");
	assert_non_null(strstr(messages(), "not carried out"));
	free(sent);
}

static void goes_on_after_bad_arguments(void **state)
{
	(void)state;
	static const struct { const char *json, *problem; } cases[] = {
		{ "{\\\"query\\\": ", "not valid JSON" },
		{ "[1]", "no object" },
		{ "7", "no object" },
		{ "{\\\"path\\\":\\\"a\\\\u0000b\\\"}", "\\u0000" },
		{ "{\\\"path\\\":\\\"\\\\ud800\\\"}", "not valid JSON" },
		{ "{\\\"path\\\":\\\"\\ud800\\\"}", "characters that are none" },
		{ "{\\\"path\\\":\\\"\xff\\\"}", "characters that are none" },
		{ "{\\\"a\\\":1,\\\"a\\\":2}", "twice" },
		{ "{} {}", "not valid JSON" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teardown(state);
		setup(state);
		char *stream = xasprintf("%s%s%s%s%s", START, CALL(0, "t1", "read_file"), "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
			"\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"", cases[i].json, "\"}}\n\n" STOP(0) END("tool_use"));
		p.ops->say(p.wire, "one");
		hear(stream);
		free(stream);
		assert_int_equal(answer.stop, STOP_CALLS);
		assert_int_equal(answer.call_count, 1);
		assert_null(answer.calls[0].args);
		if (!answer.calls[0].problem || !strstr(answer.calls[0].problem, cases[i].problem))
			fail_msg("%s: %s", cases[i].json, answer.calls[0].problem);
		p.ops->result(p.wire, "t1", answer.calls[0].problem, 1);
		assert_non_null(strstr(messages(), "\"input\":{\"INVALID_JSON\":\""));
	}
}

static void passes_names_on(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(START CALL(0, "t1", "rm\\u001b[31m -rf") ARGS(0, "{}") STOP(0) END("tool_use"));
	assert_string_equal(answer.calls[0].name, "rm<1B>[31m -rf");
	assert_non_null(strstr(messages(), "\"name\":\"rm\\u001b[31m -rf\""));
}

static void keeps_what_it_does_not_know(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(START
	     BLOCK(0, "{\"type\":\"server_tool_use\",\"id\":\"srv_1\",\"name\":\"web_search\",\"input\":{}, \"x\" : [ 1.0, {\"}\":\"]\"} ]}")
	     ARGS(0, "{\\\"q\\\":\\\"a\\\"}") STOP(0)
	     BLOCK(1, "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srv_1\",\"content\":[{\"encrypted\":\"A\\u0041\\\\\\\"}\"}]}") STOP(1)
	     BLOCK(2, "{\"type\":\"text\",\"text\":\"\",\"citations\":[]}")
	     DELTA(2, "{\"type\":\"text_delta\",\"text\":\"so\"}")
	     DELTA(2, "{\"type\":\"citations_delta\",\"citation\":{\"cited_text\":\"x\",\"at\":1.0}}")
	     DELTA(2, "{\"type\":\"citations_delta\",\"citation\":{\"cited_text\":\"y\"}}")
	     DELTA(2, "{\"type\":\"hologram_delta\",\"z\":1}") STOP(2)
	     TEXT(3, "  ")
	     EVENT("weather", "{\"type\":\"weather\",\"rain\":true}")
	     END("brand_new_reason"));
	assert_int_equal(answer.stop, STOP_END);
	assert_int_equal(answer.call_count, 0);
	assert_string_equal(messages(), USER(SAYS("one", CACHE)) ",{\"role\":\"assistant\",\"content\":["
		"{\"type\":\"server_tool_use\",\"id\":\"srv_1\",\"name\":\"web_search\",\"input\":{\"q\":\"a\"},\"x\":[ 1.0, {\"}\":\"]\"} ]},"
		"{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srv_1\",\"content\":[{\"encrypted\":\"A\\u0041\\\\\\\"}\"}]},"
		"{\"type\":\"text\",\"text\":\"so\",\"citations\":[{\"cited_text\":\"x\",\"at\":1.0},{\"cited_text\":\"y\"}]}]}");
}

static void takes_blocks_that_are_all_0(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(START TEXT(0, "a") TEXT(0, "b") CALL(0, "t1", "note") ARGS(0, "{}") STOP(0) END("pause_turn"));
	assert_int_equal(answer.stop, STOP_CALLS);
	assert_string_equal(answer.text, "ab");
	assert_string_equal(answer.calls[0].arguments, "{}");
}

static void counts_usage_as_cumulative(void **state)
{
	(void)state;
	hear(START TEXT(0, "x") EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":200,"
		"\"cache_creation_input_tokens\":30,\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},\"output_tokens\":7}}")
	     EVENT("message_stop", "{\"type\":\"message_stop\"}"));
	assert_true(answer.tokens.in == 200 && answer.tokens.written == 30 && answer.tokens.read == 5 && answer.tokens.out == 7);
	assert_true(answer.written_hour == 20);
	hear(START EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":-5,\"output_tokens\":1e300}}")
	     EVENT("message_stop", "{\"type\":\"message_stop\"}"));
	assert_true(answer.tokens.in == 100 && answer.tokens.out == 1 && answer.written_hour == 0);
	hear(START EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"cache_creation_input_tokens\":7,"
		"\"cache_creation\":{\"ephemeral_1h_input_tokens\":900}}}") EVENT("message_stop", "{\"type\":\"message_stop\"}"));
	assert_true(answer.tokens.written == 7 && answer.written_hour == 7);
}

static void drops_a_refused_turn(void **state)
{
	(void)state;
	static const char refused[] = START TEXT(0, "I") EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":"
		"{\"type\":\"refusal\",\"category\":\"frontier_llm\",\"explanation\":\"no \\u001b[1mkernels\"}},\"usage\":{\"output_tokens\":3}}")
		EVENT("message_stop", "{\"type\":\"message_stop\"}");
	p.ops->say(p.wire, "one");
	hear(START TEXT(0, "yes") END("end_turn"));
	p.ops->say(p.wire, "two");
	hear(refused);
	assert_int_equal(answer.stop, STOP_REFUSED);
	assert_string_equal(answer.reason, "the model refused (frontier_llm): no <1B>[1mkernels");
	assert_true(answer.tokens.out == 3);
	p.ops->say(p.wire, "three");
	assert_string_equal(messages(), USER(SAYS("one", "")) ",{\"role\":\"assistant\",\"content\":[" SAYS("yes", "") "]}," USER(SAYS("three", CACHE)));
	/* behind results the whole turn goes: calls without results could not be sent */
	hear(documented);
	p.ops->result(p.wire, "toolu_01", "r", 0);
	p.ops->result(p.wire, "toolu_02", "r", 0);
	hear(refused);
	p.ops->say(p.wire, "four");
	assert_string_equal(messages(), USER(SAYS("one", "")) ",{\"role\":\"assistant\",\"content\":[" SAYS("yes", "") "]}," USER(SAYS("four", CACHE)));
	hear(START TEXT(0, "wait") END("pause_turn"));
	hear(START END("refusal"));
	assert_string_equal(answer.reason, "the model refused");
	assert_string_equal(messages(), USER(SAYS("one", CACHE)) ",{\"role\":\"assistant\",\"content\":[" SAYS("yes", "") "]}");
}

static void asks_again_after_a_pause(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(START TEXT(0, "wait") END("pause_turn"));
	assert_int_equal(answer.stop, STOP_PAUSED);
	assert_string_equal(messages(), USER(SAYS("one", CACHE)) ",{\"role\":\"assistant\",\"content\":[" SAYS("wait", "") "]}");
}

static void never_carries_out_half_a_call(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	hear(START TEXT(0, "I will") CALL(1, "t1", "note") ARGS(1, "{\\\"text\\\":\\\"a\\\"}") STOP(1) CALL(2, "t2", "note") ARGS(2, "{\\\"text\\\":\\\"b") STOP(2) END("max_tokens"));
	assert_int_equal(answer.stop, STOP_MAX_TOKENS);
	assert_int_equal(answer.call_count, 1);
	assert_string_equal(answer.calls[0].id, "t1");
	p.ops->say(p.wire, "shorter");
	char *sent = messages();
	assert_null(strstr(sent, "t2"));
	assert_non_null(strstr(sent, "\"tool_use_id\":\"t1\",\"is_error\":true"));
	/* before its first piece it looks like a call without arguments */
	hear(START CALL(0, "t3", "note") STOP(0) END("max_tokens"));
	assert_int_equal(answer.stop, STOP_MAX_TOKENS);
	assert_int_equal(answer.call_count, 0);
	assert_null(strstr(messages(), "t3"));
	/* thinking that never got its signature would not be taken back */
	hear(START BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}") DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}") END("model_context_window_exceeded"));
	assert_int_equal(answer.stop, STOP_CONTEXT);
	assert_null(strstr(messages(), "hm"));
}

/* Cut anywhere before message_stop, nothing counts but the tokens, and the same can be asked again. */
static void forgets_a_cut_answer(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one");
	char *before = xstrdup(messages());
	size_t end = (size_t)(strstr(documented, "data: {\"type\":\"message_stop\"}") - documented) + strlen("data: {\"type\":\"message_stop\"}\n");
	for (size_t n = 0; n <= end; n += n < end - 40 ? 13 : 1) {
		wire_answer_release(&answer);
		play_bytes(&p, documented, n, 0, n % 2 == 0, &answer);
		assert_int_equal(answer.stop, STOP_CUT);
		assert_string_equal(answer.reason, n % 2 == 0 ? "the stream ended before the answer did" : "the connection was lost in the middle of the answer");
		assert_int_equal(answer.call_count, 0);
		assert_string_equal(answer.text, "");
		assert_string_equal(messages(), before);
	}
	assert_true(answer.tokens.out == 142);
	wire_answer_release(&answer);
	play_bytes(&p, documented, end + 1, 0, 0, &answer);	/* whole, whatever became of the connection */
	assert_int_equal(answer.stop, STOP_CALLS);
	assert_non_null(strstr(messages(), "toolu_01"));
	free(before);
}

static void hears_errors_in_the_stream(void **state)
{
	(void)state;
	static const struct { const char *stream, *says; int is_overloaded; } cases[] = {
		{ EVENT("error", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_1\"}"),
		  "the API broke off its answer: overloaded_error: Overloaded", 1 },
		{ EVENT("error", "{\"error\":{\"type\":\"api_error\",\"message\":\"\"}}"), "the API broke off its answer: api_error", 0 },
		{ EVENT("error", "{\"error\":\"out of memory\"}"), "the API broke off its answer: out of memory", 0 },
		{ DATA("not json"), "holds no JSON object", 0 },
		{ DATA("[1]"), "holds no JSON object", 0 },
		{ BLOCK(7, "{\"type\":\"text\",\"text\":\"\"}") BLOCK(7, "{\"type\":\"text\",\"text\":\"\"}"), "begins in a way", 0 },
		{ BLOCK(-3, "{\"type\":\"text\",\"text\":\"\"}"), "begins in a way", 0 },
		{ BLOCK(1, "7"), "begins in a way", 0 },
		{ BLOCK(1, "{\"type\":\"tool_use\",\"name\":\"x\",\"input\":{}}"), "begins in a way", 0 },
		{ DELTA(9, "{\"type\":\"text_delta\",\"text\":\"x\"}"), "did not begin", 0 },
	};
	p.ops->say(p.wire, "one");
	char *before = xstrdup(messages());
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *stream = xasprintf("%s%s%s%s", START, TEXT(0, "I"), cases[i].stream, TEXT(1, "more") END("end_turn"));
		hear(stream);
		free(stream);
		assert_int_equal(answer.stop, STOP_CUT);
		if (!strstr(answer.reason, cases[i].says))
			fail_msg("%s, not %s", answer.reason, cases[i].says);
		assert_int_equal(answer.is_overloaded, cases[i].is_overloaded);
		assert_true(answer.tokens.in == 100);
		assert_string_equal(messages(), before);
	}
	free(before);
}

static void mends_text_that_is_none(void **state)
{
	(void)state;
	p.ops->say(p.wire, "one\xff");
	hear(START TEXT(0, "a\\ud800b\\u0000c\xff\xc0" "d\\ud83d\\ude00\\\\ud800\\\"") END("end_turn"));
	assert_int_equal(answer.stop, STOP_END);
	assert_string_equal(answer.text, "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\xef\xbf\xbd\xef\xbf\xbd" "d\xf0\x9f\x98\x80\\ud800\"");
	assert_non_null(strstr(messages(), "one\xef\xbf\xbd"));
}

static void says_nothing_empty(void **state)
{
	(void)state;
	p.ops->say(p.wire, "");
	hear(START END("end_turn"));
	assert_int_equal(answer.stop, STOP_END);
	p.ops->say(p.wire, "two");
	assert_string_equal(messages(), USER(SAYS("(nothing)", "") "," SAYS("two", CACHE)));
}

static void is_bounded(void **state)
{
	(void)state;
	struct buf stream = {0};
	buf_puts(&stream, START);
	for (int i = 0; i < 1001; i++)
		buf_printf(&stream, "data: {\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n", i);
	buf_puts(&stream, END("end_turn"));
	hear(stream.data);
	assert_int_equal(answer.stop, STOP_CUT);
	buf_release(&stream);
	p.ops->begin(p.wire, NULL);
	p.ops->event(p.wire, "", NULL, 0);	/* an event that was dropped for its size */
	wire_answer_release(&answer);
	p.ops->finish(p.wire, 1, &answer);
	assert_int_equal(answer.stop, STOP_CUT);
	assert_non_null(strstr(answer.reason, "larger"));
}

static void sends_its_headers(void **state)
{
	(void)state;
	struct strings headers = {0};
	api_wire.headers("secret\n", &headers);
	assert_true(strings_have(&headers, "x-api-key: secret"));
	assert_true(strings_have(&headers, "anthropic-version: 2026-10-21"));
	assert_true(strings_have(&headers, "content-type: application/json"));
	strings_release(&headers);
	api_wire.headers(NULL, &headers);
	assert_int_equal(headers.count, 3);
	strings_release(&headers);
}

struct trouble_case {
	int status;
	const char *body, *headers[4];
	int retry;
	double wait;
	const char *says;
};

static void explains(const struct trouble_case *c)
{
	struct strings headers = {0};
	struct wire_trouble out;
	for (size_t i = 0; i < 4 && c->headers[i]; i++)
		strings_add(&headers, c->headers[i]);
	api_wire.explain(c->status, c->body, strlen(c->body), &headers, &out);
	if (out.retry != c->retry || !strstr(out.text, c->says) || (isnan(c->wait) ? !isnan(out.wait) : out.wait != c->wait))
		fail_msg("%d %s: retry %d, wait %g: %s", c->status, c->body, out.retry, out.wait, out.text);
	assert_null(strstr(out.text, "sk-ant"));
	assert_null(strstr(out.text, "\033"));
	free(out.text);
	strings_release(&headers);
}

#define ERROR(type, message) "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"" message "\"},\"request_id\":\"req_1\"}"

static void explains_statuses(void **state)
{
	(void)state;
	static const struct trouble_case cases[] = {
		{ 400, ERROR("invalid_request_error", "max_tokens: too large"), { "request-id: req_011" }, 0, NAN,
		  "the API does not accept the request (400 invalid_request_error): max_tokens: too large [req_011]; check model" },
		{ 400, ERROR("invalid_request_error", "prompt is too long: 1000001 tokens > 1000000 maximum"), { NULL }, 0, NAN, "maximum; it is longer than the model's context" },
		{ 400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":\"context_length_exceeded\"}}", { NULL }, 0, NAN, "it is longer than the model's context" },
		{ 400, ERROR("invalid_request_error", "Your credit balance is too low to access the API."), { NULL }, 0, NAN, "low to access the API.; add credit" },
		{ 401, ERROR("authentication_error", "invalid x-api-key sk-ant-api03-abc"), { NULL }, 0, NAN, "(401 authentication_error): invalid x-api-key …; check the key" },
		{ 401, ERROR("authentication_error", "invalid 0123456789abcdef0123456789abcdef"), { NULL }, 0, NAN, "invalid …; check the key" },
		{ 402, "{\"error\":{\"message\":\"Insufficient credits\",\"code\":402}}", { NULL }, 0, NAN, "there is no credit left (402): Insufficient credits; add credit" },
		{ 402, "", { "x-should-retry: true" }, 0, NAN, "credit" },
		{ 403, ERROR("permission_error", "not for this model"), { NULL }, 0, NAN, "keyenv" },
		{ 404, ERROR("not_found_error", "model: claude-opus-9-20270101"), { NULL }, 0, NAN, "model: claude-opus-9-20270101; check model and url" },
		{ 404, "{\"error\":{\"message\":\"model \\\"meta-llama/Llama-3.3-70B-Instruct-Turbo\\\" not found\"}}", { NULL }, 0, NAN, "Llama-3.3-70B-Instruct-Turbo" },
		{ 404, "404 page not found", { NULL }, 0, NAN, "404 page not found" },
		{ 413, ERROR("request_too_large", ""), { NULL }, 0, NAN, "too large" },
		{ 408, "", { NULL }, 1, NAN, "took too long (408)" },
		{ 409, "{}", { NULL }, 1, NAN, "(409)" },
		{ 429, ERROR("rate_limit_error", "slow down"), { "retry-after: 17" }, 1, 17, "too many requests for now (429 rate_limit_error): slow down" },
		{ 429, "", { "Retry-After-Ms: 1500", "retry-after: 17" }, 1, 1.5, "(429)" },
		{ 429, "", { "retry-after: Sun, 06 Nov 1994 08:50:37 GMT", "date: Sun, 06 Nov 1994 08:49:37 GMT" }, 1, 60, "(429)" },
		{ 429, "", { "retry-after: Sun, 06 Nov 1994 08:48:37 GMT", "date: Sun, 06 Nov 1994 08:49:37 GMT" }, 1, 0, "(429)" },
		{ 429, "", { "retry-after: Sun, 06 Nov 1994 08:50:37 GMT" }, 1, NAN, "(429)" },
		{ 429, "", { "retry-after: -3" }, 1, NAN, "(429)" },
		{ 429, "", { "retry-after: soon" }, 1, NAN, "(429)" },
		{ 429, "", { "retry-after: 1e99" }, 1, 86400, "(429)" },
		{ 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"limit\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
		  { "x-should-retry: true" }, 0, NAN, "its spending limit is used up (429 rate_limit_error): limit; add credit" },
		{ 429, "{\"error\":{\"message\":\"quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}", { NULL }, 0, NAN, "spending limit is used up (429 insufficient_quota): quota" },
		{ 500, ERROR("api_error", "Internal server error"), { NULL }, 1, NAN, "a failure of its own (500 api_error): Internal server error" },
		{ 500, "", { "x-should-retry: false" }, 0, NAN, "(500)" },
		{ 400, "", { "x-should-retry: true" }, 1, NAN, "(400)" },
		{ 502, "<html><head><TITLE>502 Bad \033Gateway</TITLE></head><body>x</body></html>", { NULL }, 1, NAN, "(502): 502 Bad <1B>Gateway" },
		{ 503, "<html>", { NULL }, 1, NAN, "not available (503)" },
		{ 529, ERROR("overloaded_error", "Overloaded"), { NULL }, 1, NAN, "the API is overloaded (529 overloaded_error): Overloaded" },
		{ 301, "", { NULL }, 0, NAN, "set url" },
		{ 500, "[{\"error\":{\"code\":500,\"message\":\"in a list\"}}]", { NULL }, 1, NAN, "in a list" },
		{ 500, "{\"error\":\"in a word\"}", { NULL }, 1, NAN, "in a word" },
		{ 422, "{\"detail\":\"by itself\"}", { NULL }, 0, NAN, "by itself" },
		{ 418, "{\"a\":", { "request-id: \033[1m" }, 0, NAN, "(418): {\"a\":" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		explains(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_with_everything),
		cmocka_unit_test(asks_older_models_without_thinking),
		cmocka_unit_test_setup_teardown(hears_the_documented_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(only_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(marks_twice_behind_many_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_calls_that_nobody_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(passes_names_on, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_it_does_not_know, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_blocks_that_are_all_0, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_usage_as_cumulative, setup, teardown),
		cmocka_unit_test_setup_teardown(drops_a_refused_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_again_after_a_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(never_carries_out_half_a_call, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_a_cut_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(hears_errors_in_the_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(mends_text_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(says_nothing_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
		cmocka_unit_test(sends_its_headers),
		cmocka_unit_test(explains_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
