/* Task files: SkyPilot's YAML. Written as events, each scalar quoted or as a literal block, so that `name: true` stays a
 * name and no number becomes a time of day; libyaml falls back to double quotes where a block cannot hold the text.
 *
 * A user's file is read twice: once as events, which costs no memory whatever it says and tells where it is broken, how deep
 * it is and how many documents it has; and then as a graph, in which an alias is one more arrow to a node and never a copy.
 * What is asked of the graph is a handful of keys, within a bounded number of steps, so that no knot of aliases can keep us. */
#include "core/runners/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/file.h"

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 64, ANCHORS_MAX = 256, STEPS_MAX = 10000, VALUE_MAX = 4096 };

/* --- writing --------------------------------------------------------------------------------------------------------- */

struct writer {
	yaml_emitter_t emitter;
	struct buf text;
	int failed;
};

static int take_text(void *data, unsigned char *bytes, size_t n)
{
	buf_add(data, bytes, n);
	return 1;
}

/* Takes what an initializer of libyaml returned: 0 is out of memory. */
static void emit(struct writer *w, yaml_event_t *event, int made)
{
	xcheck(made ? w : NULL);
	if (!yaml_emitter_emit(&w->emitter, event))
		w->failed = 1;
}

static void emit_scalar(struct writer *w, const char *text, yaml_scalar_style_t style)
{
	yaml_event_t event;
	int is_plain = style == YAML_PLAIN_SCALAR_STYLE;
	emit(w, &event, yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), is_plain, !is_plain, style));
}

static void start_map(struct writer *w)
{
	yaml_event_t event;
	emit(w, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

static void end_map(struct writer *w)
{
	yaml_event_t event;
	emit(w, &event, yaml_mapping_end_event_initialize(&event));
}

/* Lines go into a block where one can hold them: libyaml sees to that. */
static yaml_scalar_style_t style_of(const char *text)
{
	return strchr(text, '\n') ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static void put(struct writer *w, const char *key, const char *text)
{
	if (!text)
		return;
	emit_scalar(w, key, YAML_PLAIN_SCALAR_STYLE);
	emit_scalar(w, text, style_of(text));
}

static void put_plain(struct writer *w, const char *key, const char *text)
{
	emit_scalar(w, key, YAML_PLAIN_SCALAR_STYLE);
	emit_scalar(w, text, YAML_PLAIN_SCALAR_STYLE);
}

static void put_resources(struct writer *w, const struct task_plan *plan)
{
	if (!plan->infra && !plan->cpus && !plan->memory && !plan->accelerators && plan->autostop <= 0)
		return;
	emit_scalar(w, "resources", YAML_PLAIN_SCALAR_STYLE);
	start_map(w);
	put(w, "infra", plan->infra);
	put(w, "cpus", plan->cpus);
	put(w, "memory", plan->memory);
	put(w, "accelerators", plan->accelerators);
	if (plan->autostop > 0) {
		char minutes[32];
		snprintf(minutes, sizeof minutes, "%ld", plan->autostop);
		emit_scalar(w, "autostop", YAML_PLAIN_SCALAR_STYLE);
		start_map(w);
		put_plain(w, "idle_minutes", minutes);
		put_plain(w, "down", "true");
		end_map(w);
	}
	end_map(w);
}

static int is_control(unsigned char c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

static int check_text(const char *path, const char *key, const char *text, struct err *err)
{
	if (!text)
		return 0;
	if (!text_is_valid(text, strlen(text)))
		return err_set(err, "%s: %s is no valid UTF-8, which a task file must be", path, key);
	size_t line = 1;
	for (const char *s = text; *s; s++) {
		line += *s == '\n';
		if (is_control((unsigned char)*s))
			return err_set(err, "%s: %s holds the control character %02X in its line %zu, which a task file cannot", path, key,
				       (unsigned char)*s, line);
	}
	return 0;
}

static int check_plan(const char *path, const struct task_plan *plan, struct err *err)
{
	return check_text(path, "name", plan->name, err) || check_text(path, "infra", plan->infra, err) ||
	       check_text(path, "cpus", plan->cpus, err) || check_text(path, "memory", plan->memory, err) ||
	       check_text(path, "accelerators", plan->accelerators, err) || check_text(path, "workdir", plan->workdir, err) ||
	       check_text(path, "setup", plan->setup, err) || check_text(path, "run", plan->run, err) ? -1 : 0;
}

int task_write(const char *path, const struct task_plan *plan, struct err *err)
{
	struct writer w = {0};
	yaml_event_t event;
	if (check_plan(path, plan, err))
		return -1;
	xcheck(yaml_emitter_initialize(&w.emitter) ? &w : NULL);
	yaml_emitter_set_output(&w.emitter, take_text, &w.text);
	yaml_emitter_set_unicode(&w.emitter, 1);
	yaml_emitter_set_width(&w.emitter, -1);
	emit(&w, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&w, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	start_map(&w);
	put(&w, "name", plan->name);
	put(&w, "workdir", plan->workdir);
	put_resources(&w, plan);
	put(&w, "setup", plan->setup);
	put(&w, "run", plan->run);
	end_map(&w);
	emit(&w, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&w, &event, yaml_stream_end_event_initialize(&event));
	int rc = w.failed ? err_set(err, "cannot write %s: %s", path, w.emitter.problem ? w.emitter.problem : "libyaml failed")
			  : file_write(path, buf_str(&w.text), w.text.len, 0644, err);
	yaml_emitter_delete(&w.emitter);
	buf_release(&w.text);
	return rc;
}

/* --- reading: what is broken ----------------------------------------------------------------------------------------- */

/* libyaml names the place of a byte that is no text by its offset alone. */
static yaml_mark_t mark_of(const struct buf *text, size_t offset)
{
	yaml_mark_t mark = {0};
	for (size_t i = 0; i < offset && i < text->len; i++) {
		mark.column = text->data[i] == '\n' ? 0 : mark.column + ((text->data[i] & 0xc0) != 0x80);
		mark.line += text->data[i] == '\n';
	}
	return mark;
}

static int err_at(struct err *err, const char *path, yaml_mark_t mark, const char *what)
{
	return err_set(err, "%s:%zu:%zu: %s", path, mark.line + 1, mark.column + 1, what);
}

static int err_parser(struct err *err, const char *path, const struct buf *text, const yaml_parser_t *parser)
{
	yaml_mark_t mark = parser->error == YAML_READER_ERROR ? mark_of(text, parser->problem_offset) : parser->problem_mark;
	const char *problem = parser->problem ? parser->problem : "no YAML";
	if (!strcmp(problem, "mapping values are not allowed in this context"))
		problem = "mapping values are not allowed here (quote a text that holds \": \")";
	char *what = parser->context ? xasprintf("%s %s", problem, parser->context) : xstrdup(problem);
	err_at(err, path, mark, what);
	free(what);
	return -1;
}

/* What the events say of a file: where its documents begin that hold anything. */
struct outline {
	size_t documents, depth, anchors;
	yaml_mark_t document, second, root;
	yaml_event_type_t root_type;
};

static int is_null_text(const char *s)
{
	return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") || !strcmp(s, "NULL");
}

static int is_nothing(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       is_null_text((const char *)event->data.scalar.value);
}

static int has_anchor(const yaml_event_t *event)
{
	return (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor) ||
	       (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
	       (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor);
}

/* Returns what is too much, or NULL. */
static const char *look_at(struct outline *o, const yaml_event_t *event)
{
	o->anchors += (size_t)has_anchor(event);
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		o->document = event->start_mark;
		o->depth = 0;
		break;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_ALIAS_EVENT:
		if (!o->depth && !is_nothing(event) && ++o->documents == 1) {
			o->root = event->start_mark;
			o->root_type = event->type;
		} else if (!o->depth && o->documents == 2) {
			o->second = o->document;
		}
		o->depth += event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT;
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		o->depth--;
		break;
	default:
		break;
	}
	return o->depth > DEPTH_MAX ? "lists and maps in one another more than 64 deep: no task file is like that" :
	       o->anchors > ANCHORS_MAX ? "more than 256 anchors (&): no task file is like that" : NULL;
}

static int read_outline(const char *path, const struct buf *text, struct outline *o, struct err *err)
{
	yaml_parser_t parser;
	int rc = 0, is_done = 0;
	xcheck(yaml_parser_initialize(&parser) ? &parser : NULL);
	yaml_parser_set_input_string(&parser, (const unsigned char *)buf_str(text), text->len);
	while (!rc && !is_done) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			rc = err_parser(err, path, text, &parser);
			break;
		}
		const char *too_much = look_at(o, &event);
		if (too_much)
			rc = err_at(err, path, event.start_mark, too_much);
		is_done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rc;
}

static int check_outline(const char *path, const struct outline *o, struct err *err)
{
	if (!o->documents)
		return err_set(err, "%s: is empty: a task file says at least what to run (run: COMMAND)", path);
	if (o->documents > 1)
		return err_at(err, path, o->second, "another document begins here: several tasks in one file are a pipeline, and "
			      "skydeck runs one task: leave that one alone in the file");
	if (o->root_type != YAML_MAPPING_START_EVENT)
		return err_at(err, path, o->root, "a task file is a map of keys (run: COMMAND, resources: …), and this is none");
	return 0;
}

/* --- reading: what it says ------------------------------------------------------------------------------------------- */

struct look {
	const char *path;
	yaml_document_t document;
	size_t steps;		/* nodes looked at: a bound on what aliases and merges can make of it */
};

static yaml_node_t *node_of(struct look *l, int i)
{
	return ++l->steps > STEPS_MAX ? NULL : yaml_document_get_node(&l->document, i);
}

static const char *scalar_text(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* A key's value as SkyPilot's reader sees it: the last of its name in the map, else what a merge (<<) brings. NULL: there is
 * none, or the value is null. */
static yaml_node_t *find(struct look *l, yaml_node_t *map, const char *key, int depth)
{
	yaml_node_t *found = NULL, *merged = NULL;
	if (!map || map->type != YAML_MAPPING_NODE || depth > DEPTH_MAX)
		return NULL;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const char *name = scalar_text(node_of(l, pair->key));
		if (name && !strcmp(name, key))
			found = node_of(l, pair->value);
		else if (name && !strcmp(name, "<<"))
			merged = node_of(l, pair->value);
	}
	if (!found && merged && merged->type == YAML_SEQUENCE_NODE)
		for (yaml_node_item_t *i = merged->data.sequence.items.start; !found && i < merged->data.sequence.items.top && l->steps <= STEPS_MAX; i++)
			found = find(l, node_of(l, *i), key, depth + 1);
	else if (!found && merged)
		found = find(l, merged, key, depth + 1);
	if (found && found->type == YAML_SCALAR_NODE && found->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_null_text(scalar_text(found)))
		return NULL;
	return found;
}

static int read_text(struct look *l, yaml_node_t *map, const char *key, char **out, struct err *err)
{
	yaml_node_t *node = find(l, map, key, 0);
	const char *text = scalar_text(node);
	char what[160];
	if (!node)
		return 0;
	snprintf(what, sizeof what, text ? "%s must be one short line" : "%s must be a text", key);
	if (!text || node->data.scalar.length != strlen(text) || node->data.scalar.length > VALUE_MAX || strchr(text, '\n'))
		return err_at(err, l->path, node->start_mark, what);
	*out = xstrdup(text);
	return 0;
}

/* infra, or what it was before: cloud, region and zone. */
static int read_infra(struct look *l, yaml_node_t *resources, char **out, struct err *err)
{
	char *part[3] = {0};
	int rc = read_text(l, resources, "infra", out, err);
	if (!rc && !*out)
		rc = read_text(l, resources, "cloud", &part[0], err) || read_text(l, resources, "region", &part[1], err) ||
		     read_text(l, resources, "zone", &part[2], err) ? -1 : 0;
	if (!rc && part[0])
		*out = xasprintf("%s%s%s%s%s", part[0], part[1] || part[2] ? "/" : "", part[1] ? part[1] : part[2] ? "*" : "",
				 part[2] ? "/" : "", part[2] ? part[2] : "");
	for (int i = 0; i < 3; i++)
		free(part[i]);
	return rc;
}

/* resources: one map, a list of them, or a map whose any_of or ordered is one: the first that names a place. */
static int read_resources(struct look *l, yaml_node_t *resources, char **out, struct err *err)
{
	static const char *const choices[] = { "any_of", "ordered" };
	if (!resources)
		return 0;
	if (resources->type == YAML_SEQUENCE_NODE) {
		for (yaml_node_item_t *i = resources->data.sequence.items.start; !*out && i < resources->data.sequence.items.top; i++)
			if (read_infra(l, node_of(l, *i), out, err))
				return -1;
		return 0;
	}
	if (resources->type != YAML_MAPPING_NODE)
		return err_at(err, l->path, resources->start_mark, "resources must be a map, or a list of maps");
	if (read_infra(l, resources, out, err))
		return -1;
	for (size_t i = 0; !*out && i < 2; i++) {
		yaml_node_t *list = find(l, resources, choices[i], 0);
		if (list && list->type == YAML_SEQUENCE_NODE && read_resources(l, list, out, err))
			return -1;
	}
	return 0;
}

/* A script that says anything: SkyPilot takes one text. */
static int read_script(struct look *l, yaml_node_t *root, const char *key, int *out, struct err *err)
{
	yaml_node_t *node = find(l, root, key, 0);
	const char *text = scalar_text(node);
	char what[80];
	snprintf(what, sizeof what, "%s must be a text (a shell script)", key);
	if (node && !text)
		return err_at(err, l->path, node->start_mark, what);
	*out = text && text[strspn(text, " \t\r\n")];
	return 0;
}

static int read_facts(struct look *l, struct task_facts *out, struct err *err)
{
	yaml_node_t *root = yaml_document_get_root_node(&l->document), *workdir = find(l, root, "workdir", 0);
	int is_repository = workdir && workdir->type == YAML_MAPPING_NODE;	/* workdir: {url: …}: none of this machine's */
	if (read_text(l, root, "name", &out->name, err) || (!is_repository && read_text(l, root, "workdir", &out->workdir, err)) ||
	    read_resources(l, find(l, root, "resources", 0), &out->infra, err) || read_script(l, root, "setup", &out->has_setup, err) ||
	    read_script(l, root, "run", &out->has_run, err))
		return -1;
	if (l->steps > STEPS_MAX)
		return err_set(err, "%s: too many merges and keys for a task file", l->path);
	return 0;
}

static int load(const char *path, const struct buf *text, struct task_facts *out, struct err *err)
{
	struct look l = { .path = path };
	yaml_parser_t parser;
	int rc = 0, is_found = 0;
	xcheck(yaml_parser_initialize(&parser) ? &parser : NULL);
	yaml_parser_set_input_string(&parser, (const unsigned char *)buf_str(text), text->len);
	while (!rc && !is_found) {	/* empty documents before the one that the outline saw are passed over */
		if (!yaml_parser_load(&parser, &l.document)) {
			rc = err_parser(err, path, text, &parser);
			break;
		}
		const yaml_node_t *root = yaml_document_get_root_node(&l.document);
		if (!root || root->type == YAML_MAPPING_NODE) {
			is_found = 1;
			rc = read_facts(&l, out, err);
		}
		yaml_document_delete(&l.document);
	}
	yaml_parser_delete(&parser);
	return rc;
}

static int read_file(const char *path, struct buf *text, struct err *err)
{
	struct stat info;
	if (stat(path, &info))
		return err_set(err, "cannot read the task file %s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode))	/* a pipe would keep us waiting */
		return err_set(err, "cannot read the task file %s: it is no file", path);
	if (info.st_size <= FILE_MAX && !buf_read_file(text, path, FILE_MAX))
		return 0;
	if (info.st_size > FILE_MAX || errno == EFBIG)
		return err_set(err, "%s: a task file of more than %d MiB is none", path, FILE_MAX >> 20);
	return err_set(err, "cannot read the task file %s: %s", path, strerror(errno));
}

int task_read(const char *path, struct task_facts *out, struct err *err)
{
	struct buf text = {0};
	struct outline outline = {0};
	*out = (struct task_facts){0};
	int rc = read_file(path, &text, err) || read_outline(path, &text, &outline, err) || check_outline(path, &outline, err) ||
		 load(path, &text, out, err) ? -1 : 0;
	buf_release(&text);
	if (rc)
		task_facts_release(out);
	return rc;
}

void task_facts_release(struct task_facts *facts)
{
	free(facts->name);
	free(facts->workdir);
	free(facts->infra);
	*facts = (struct task_facts){0};
}
