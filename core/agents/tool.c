/* The table of tools, read once from assets/tools.json, and the part of JSON Schema that it uses (JSON Schema 2020-12,
 * Validation, section 6). The sentences go to a model: they name the argument, what is wrong with it and what is allowed. */
#include "core/agents/tool.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/embedded.h"
#include "core/base/mem.h"

enum { TOOLS_MAX = 32, SHOWN_MAX = 60 };

static struct tool tools[TOOLS_MAX];
static size_t tool_count;

static const char client_prefix[] = "mcp__skydeck__";

static void read_table(void)
{
	static struct json *document;	/* the tools' texts are its own */
	const struct embedded *file = embedded_find("assets/tools.json");
	struct err err = {0};
	if (document)
		return;
	document = file ? json_parse((const char *)file->data, file->size, &err) : NULL;
	assert(json_is_array(document) && json_count(document) <= TOOLS_MAX);
	for (const struct json *i = json_first(document); i; i = json_next(i))
		tools[tool_count++] = (struct tool){
			.name = json_string(json_get(i, "name"), NULL), .title = json_string(json_get(i, "title"), NULL),
			.description = json_string(json_get(i, "description"), NULL), .schema = json_get(i, "inputSchema"),
			.reads_only = json_bool(json_get(i, "readOnly"), 0), .goes_out = json_bool(json_get(i, "goesOut"), 0),
		};
}

const struct tool *tools_all(size_t *count)
{
	read_table();
	*count = tool_count;
	return tools;
}

const struct tool *tool_find(const char *name)
{
	read_table();
	if (!name)
		return NULL;
	if (!strncmp(name, client_prefix, strlen(client_prefix)))
		name += strlen(client_prefix);
	for (size_t i = 0; i < tool_count; i++)
		if (!strcmp(tools[i].name, name))
			return &tools[i];
	return NULL;
}

/* Characters, as JSON Schema counts: a byte that goes on within a character is none. */
static int64_t characters(const char *s)
{
	int64_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int check_text(const char *what, const struct json *schema, const char *s, struct err *err)
{
	int64_t n = characters(s), least = json_integer(json_get(schema, "minLength"), 0), most = json_integer(json_get(schema, "maxLength"), INT64_MAX);
	const struct json *words = json_get(schema, "enum");
	struct buf list = {0};
	int found = !words;
	if (n < least)
		return n ? err_set(err, "%s must have %lld characters or more", what, (long long)least) : err_set(err, "%s must not be empty", what);
	if (n > most)
		return err_set(err, "%s has %lld characters: %lld are the most, make it shorter", what, (long long)n, (long long)most);
	for (const struct json *i = json_first(words); i; i = json_next(i)) {
		found |= !strcmp(json_string(i, ""), s);
		buf_printf(&list, "%s%s", list.len ? ", " : "", json_string(i, ""));
	}
	int rc = found ? 0 : err_set(err, "%s is one of %s, not \"%.*s\"", what, buf_str(&list), SHOWN_MAX, s);
	buf_release(&list);
	return rc;
}

static int check_number(const char *what, const struct json *schema, double v, struct err *err)
{
	double least = json_number(json_get(schema, "minimum"), -INFINITY), most = json_number(json_get(schema, "maximum"), INFINITY);
	if (v >= least && v <= most)
		return 0;
	return err_set(err, "%s is from %.0f to %.0f, not %g", what, least, most, v);
}

static int check_value(const char *what, const struct json *schema, const struct json *v, struct err *err);

static int check_list(const char *what, const struct json *schema, const struct json *list, struct err *err)
{
	int64_t n = (int64_t)json_count(list), most = json_integer(json_get(schema, "maxItems"), INT64_MAX), at = 0;
	int rc = 0;
	if (n > most)
		return err_set(err, "%s has %lld entries: %lld are the most", what, (long long)n, (long long)most);
	for (const struct json *i = json_first(list); i && !rc; i = json_next(i)) {
		char *entry = xasprintf("%s[%lld]", what, (long long)at++);
		rc = check_value(entry, json_get(schema, "items"), i, err);
		free(entry);
	}
	return rc;
}

static int check_value(const char *what, const struct json *schema, const struct json *v, struct err *err)
{
	const char *type = json_string(json_get(schema, "type"), ""), *s = json_string(v, NULL);
	int is_whole = json_is_number(v) && json_integer(v, INT64_MIN) != INT64_MIN;
	if (!strcmp(type, "string"))
		return s ? check_text(what, schema, s, err) : err_set(err, "%s must be a text", what);
	if (!strcmp(type, "integer"))
		return is_whole ? check_number(what, schema, json_number(v, 0), err) : err_set(err, "%s must be a whole number", what);
	if (!strcmp(type, "number"))
		return json_is_number(v) ? check_number(what, schema, json_number(v, 0), err) : err_set(err, "%s must be a number", what);
	if (!strcmp(type, "boolean"))
		return json_bool(v, 0) == json_bool(v, 1) ? 0 : err_set(err, "%s must be true or false", what);
	if (!strcmp(type, "array"))
		return json_is_array(v) ? check_list(what, schema, v, err) : err_set(err, "%s must be a list", what);
	return 0;
}

static int is_required(const struct json *schema, const char *name)
{
	for (const struct json *i = json_first(json_get(schema, "required")); i; i = json_next(i))
		if (!strcmp(json_string(i, ""), name))
			return 1;
	return 0;
}

static int check_known(const struct tool *tool, const struct json *args, struct err *err)
{
	const struct json *known = json_get(tool->schema, "properties");
	for (const struct json *i = json_first(args); i; i = json_next(i)) {
		struct buf list = {0};
		if (json_get(known, json_key(i)))
			continue;
		for (const struct json *k = json_first(known); k; k = json_next(k))
			buf_printf(&list, "%s%s", list.len ? ", " : "", json_key(k));
		err_set(err, "%s has no argument \"%.*s\": it takes %s", tool->name, SHOWN_MAX, json_key(i), buf_str(&list));
		buf_release(&list);
		return -1;
	}
	return 0;
}

int tool_check(const struct tool *tool, const struct json *args, struct err *err)
{
	if (args && !json_is_object(args))
		return err_set(err, "the arguments of %s must be a JSON object", tool->name);
	if (check_known(tool, args, err) < 0)
		return -1;
	for (const struct json *i = json_first(json_get(tool->schema, "properties")); i; i = json_next(i)) {
		const char *name = json_key(i);
		const struct json *v = json_get(args, name);
		if (!v || json_is_null(v)) {	/* some models send null for what they leave out */
			if (is_required(tool->schema, name))
				return err_set(err, "%s needs %s: %s", tool->name, name, json_string(json_get(i, "description"), ""));
		} else if (check_value(name, i, v, err) < 0) {
			return err_prefix(err, "%s", tool->name);
		}
	}
	return 0;
}
