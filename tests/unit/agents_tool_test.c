/* The table of tools: that it is whole and bounded throughout, and what its schemas let pass. */
#include "core/agents/tool.h"

#include "tests/test.h"

#include "core/base/mem.h"

static struct json *parse(const char *text)
{
	struct err err = {0};
	struct json *v = json_parse(text, strlen(text), &err);
	if (!v)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static int check(const char *name, const char *args, struct err *err)
{
	struct json *v = args ? parse(args) : NULL;
	int rc = tool_check(tool_find(name), v, err);
	json_free(v);
	return rc;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void the_eleven_tools_stand_in_their_order(void **state)
{
	static const char *const names[] = { "read_file", "list_files", "search_code", "read_source", "search_literature", "add_source",
		"propose_idea", "propose_patch", "read_results", "read_log", "note" };
	size_t n;
	const struct tool *all = tools_all(&n);
	(void)state;
	assert_int_equal(n, sizeof names / sizeof *names);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(all[i].name, names[i]);
		assert_true(*all[i].title && strlen(all[i].description) > 60 && strlen(all[i].description) < 1000);
	}
}

static void bounded(const char *tool, const char *name, const struct json *p)
{
	const char *type = json_string(json_get(p, "type"), "");
	int is_bounded = !strcmp(type, "boolean") || (!strcmp(type, "string") && (json_get(p, "enum") || json_get(p, "maxLength"))) ||
			 (!strcmp(type, "integer") && json_get(p, "minimum") && json_get(p, "maximum")) ||
			 (!strcmp(type, "array") && json_get(p, "maxItems") && json_get(p, "items"));
	if (!is_bounded)
		fail_msg("%s of %s has no bounds", name, tool);
	if (!strcmp(type, "array"))
		bounded(tool, name, json_get(p, "items"));
}

static void every_argument_is_bounded_and_described(void **state)
{
	size_t n;
	const struct tool *all = tools_all(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct json *properties = json_get(all[i].schema, "properties");
		assert_string_equal(json_string(json_get(all[i].schema, "type"), ""), "object");
		assert_int_equal(json_bool(json_get(all[i].schema, "additionalProperties"), 1), 0);
		assert_true(json_is_array(json_get(all[i].schema, "required")));
		for (const struct json *p = json_first(properties); p; p = json_next(p)) {
			bounded(all[i].name, json_key(p), p);
			if (!json_string(json_get(p, "description"), NULL))
				fail_msg("%s of %s is not described", json_key(p), all[i].name);
		}
		for (const struct json *r = json_first(json_get(all[i].schema, "required")); r; r = json_next(r))
			assert_non_null(json_get(properties, json_string(r, "")));
	}
}

static void names_are_found_with_the_clients_prefix_too(void **state)
{
	(void)state;
	assert_ptr_equal(tool_find("note"), tool_find("mcp__skydeck__note"));
	assert_non_null(tool_find("read_log"));
	assert_null(tool_find("mcp__other__note"));
	assert_null(tool_find("Note"));
	assert_null(tool_find("approve"));
	assert_null(tool_find(""));
	assert_null(tool_find(NULL));
}

static void what_changes_something_does_not_say_it_reads(void **state)
{
	static const char *const reading[] = { "read_file", "list_files", "search_code", "search_literature", "read_results", "read_log" };
	size_t n, read = 0;
	const struct tool *all = tools_all(&n);
	(void)state;
	for (size_t i = 0; i < n; i++)
		read += all[i].reads_only != 0;
	assert_int_equal(read, sizeof reading / sizeof *reading);
	for (size_t i = 0; i < read; i++)
		assert_true(tool_find(reading[i])->reads_only);
	assert_true(tool_find("search_literature")->goes_out && !tool_find("read_file")->goes_out);
}

/* --- the schemas -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *tool, *args, *problem;	/* problem NULL: they pass */
} cases[] = {
	{ "read_file", "{\"path\":\"src/a.c\"}", NULL },
	{ "read_file", "{\"path\":\"src/a.c\",\"source\":\"s3\",\"from\":10,\"lines\":400}", NULL },
	{ "read_file", "{\"path\":\"src/a.c\",\"source\":null,\"from\":null}", NULL },
	{ "read_file", "{\"path\":\"src/a.c\",\"from\":10.0}", NULL },
	{ "read_file", "{}", "read_file needs path" },
	{ "read_file", NULL, "read_file needs path" },
	{ "read_file", "{\"path\":null}", "read_file needs path" },
	{ "read_file", "{\"path\":\"\"}", "path must not be empty" },
	{ "read_file", "{\"path\":7}", "path must be a text" },
	{ "read_file", "{\"path\":\"a\",\"lines\":401}", "lines is from 1 to 400, not 401" },
	{ "read_file", "{\"path\":\"a\",\"lines\":0}", "lines is from 1 to 400" },
	{ "read_file", "{\"path\":\"a\",\"lines\":1.5}", "lines must be a whole number" },
	{ "read_file", "{\"path\":\"a\",\"lines\":\"5\"}", "lines must be a whole number" },
	{ "read_file", "{\"path\":\"a\",\"from\":-1}", "from is from 1" },
	{ "read_file", "{\"path\":\"a\",\"from\":1e300}", "from must be a whole number" },
	{ "read_file", "{\"path\":\"a\",\"file\":\"b\"}", "read_file has no argument \"file\": it takes path, source, from, lines" },
	{ "read_file", "{\"Path\":\"a\"}", "no argument \"Path\"" },
	{ "read_file", "[\"a\"]", "must be a JSON object" },
	{ "list_files", NULL, NULL },
	{ "list_files", "{}", NULL },
	{ "list_files", "{\"path\":\"\",\"limit\":1000}", NULL },
	{ "list_files", "{\"limit\":1001}", "limit is from 1 to 1000" },
	{ "search_code", "{\"pattern\":\"a.*b\",\"plain\":true,\"ignore_case\":false,\"limit\":200,\"path\":\"src\",\"source\":\"s1\"}", NULL },
	{ "search_code", "{\"pattern\":\"a\",\"plain\":\"yes\"}", "plain must be true or false" },
	{ "search_code", "{\"pattern\":\"a\",\"plain\":1}", "plain must be true or false" },
	{ "search_code", "{\"pattern\":\"a\",\"limit\":201}", "limit is from 1 to 200" },
	{ "read_source", "{\"source\":\"s3\",\"find\":\"softmax\",\"from\":0,\"length\":20000}", NULL },
	{ "read_source", "{\"source\":\"s3\",\"length\":20001}", "length is from 1 to 20000" },
	{ "read_source", "{\"source\":\"a source with a long name\"}", "16 are the most" },
	{ "search_literature", "{\"query\":\"flash attention\",\"kind\":\"pull-request\",\"where\":\"arxiv\",\"limit\":50}", NULL },
	{ "search_literature", "{\"query\":\"x\"}", "query must have 2 characters or more" },
	{ "search_literature", "{\"query\":\"xy\",\"kind\":\"book\"}", "kind is one of paper, fork, backend, pull-request, issue, documentation, note, not \"book\"" },
	{ "search_literature", "{\"query\":\"xy\",\"where\":\"google\"}", "where is one of arxiv, github" },
	{ "search_literature", "{\"query\":\"xy\",\"limit\":51}", "limit is from 1 to 50" },
	{ "add_source", "{\"source\":\"arXiv:2205.14135\",\"reason\":\"the tiling\"}", NULL },
	{ "add_source", "{\"source\":\"arXiv:2205.14135\"}", "add_source needs reason" },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"fewer bytes\",\"side\":\"memory\",\"sources\":[]}", NULL },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"fewer bytes\",\"side\":\"memory\",\"sources\":[\"s1\",\"s2\"]}", NULL },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"fewer\",\"side\":\"cpu\",\"sources\":[]}", "side is one of memory, compute, other" },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"fewer\",\"side\":\"other\",\"sources\":[1]}", "sources[0] must be a text" },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"fewer\",\"side\":\"other\",\"sources\":\"s1\"}", "sources must be a list" },
	{ "propose_idea", "{\"title\":\"one pass\",\"expected\":\"+3 %\",\"reasoning\":\"f\",\"side\":\"other\",\"sources\":"
			  "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}", "sources has 17 entries: 16 are the most" },
	{ "propose_patch", "{\"title\":\"one pass\",\"diff\":\"diff --git a/a b/a\"}", NULL },
	{ "propose_patch", "{\"proposal\":\"p7\",\"review\":\"it is right\"}", NULL },
	{ "propose_patch", "{\"proposal\":7}", "proposal must be a text" },
	{ "read_results", "{\"proposal\":\"p7\",\"limit\":100}", NULL },
	{ "read_results", "{\"limit\":101}", "limit is from 1 to 100" },
	{ "read_log", "{\"run\":\"r12\",\"from\":1,\"lines\":400,\"find\":\"error\"}", NULL },
	{ "read_log", "{\"run\":\"r\"}", "run must have 2 characters or more" },
	{ "read_log", "{\"run\":\"r1\",\"lines\":401}", "lines is from 1 to 400" },
	{ "note", "{\"text\":\"the cache is small\"}", NULL },
	{ "note", "{\"text\":\"\"}", "text must not be empty" },
	{ "note", "{\"text\":{\"a\":1}}", "text must be a text" },
};

static void schemas_say_what_is_wrong(void **state)
{
	struct err err = {0};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!cases[i].problem)
			assert_ok(check(cases[i].tool, cases[i].args, &err), &err);
		else
			assert_error(check(cases[i].tool, cases[i].args, &err), &err, cases[i].problem);
		if (cases[i].problem && !strstr(err.text, cases[i].tool))
			fail_msg("%s: does not name %s", err.text, cases[i].tool);
	}
}

static void lengths_are_counted_in_characters(void **state)
{
	struct err err = {0};
	struct json *args = json_object();
	char text[3 * 1001 + 1] = "";
	(void)state;
	for (int i = 0; i < 1000; i++)
		memcpy(text + 3 * i, "\u2192", 4);
	json_put_string(args, "text", text);
	assert_ok(tool_check(tool_find("note"), args, &err), &err);
	memcpy(text + 3 * 1000, "\u2192", 4);
	json_put_string(args, "text", text);
	assert_error(tool_check(tool_find("note"), args, &err), &err, "text has 1001 characters: 1000 are the most");
	json_free(args);
}

static void hostile_names_do_not_reach_the_sentence_as_they_are(void **state)
{
	struct err err = {0};
	(void)state;
	assert_error(check("note", "{\"text\":\"x\",\"\\u001b[31m\\u202e\":1}", &err), &err, "<1B>[31m<U+202E>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_eleven_tools_stand_in_their_order),
		cmocka_unit_test(every_argument_is_bounded_and_described),
		cmocka_unit_test(names_are_found_with_the_clients_prefix_too),
		cmocka_unit_test(what_changes_something_does_not_say_it_reads),
		cmocka_unit_test(schemas_say_what_is_wrong),
		cmocka_unit_test(lengths_are_counted_in_characters),
		cmocka_unit_test(hostile_names_do_not_reach_the_sentence_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
