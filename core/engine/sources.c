/* What a human does with the reading list: puts something on it, in its order, takes it off, writes on its margin. */
#include "core/engine/action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/engine/reading.h"
#include "core/research/folder.h"

static const struct source *the_source(const struct call *c, struct err *err)
{
	const char *id = json_string(json_get(c->args, "source"), NULL);
	const struct source *s = model_source(&c->engine->model, id);
	if (!s) {
		char *safe = text_safe_string(id ? id : "(none named)", id ? strnlen(id, 100) : 12, TEXT_LINE);
		err_set(err, "there is no source %s: skydeck sources lists them", safe);
		free(safe);
	}
	return s;
}

struct adding {
	struct call *call;
	const char *reason, *note;
	struct strings ids;
};

static void found(void *data, const struct finding *f)
{
	struct adding *a = data;
	const char *id = reading_found(a->call->engine, a->call->by, f, a->reason ? a->reason : f->reason, a->note);
	if (id && !strings_have(&a->ids, id))
		strings_add(&a->ids, id);
}

/* The command line sends paths whole; whatever else it is, is not on this machine. */
static int is_path(const char *word)
{
	return *word == '/' || *word == '.' || *word == '~';
}

static int add_word(struct adding *a, const char *word, struct err *err)
{
	char id[16];
	if (is_path(word))
		return folder_add(word, a->call->engine->target.root, found, a, err);
	if (reading_add(a->call->engine, a->call->by, word, a->reason, a->note, id, err) < 0)
		return -1;
	strings_add(&a->ids, id);
	return 0;
}

int action_source_add(struct call *c, struct err *err)
{
	char *what = call_text(c, "what"), *reason = call_text(c, "reason"), *note = call_text(c, "note");
	struct adding a = { c, reason, note, {0} };
	int rc = call_needs_session(c, err);
	if (!rc && (!what || !*what))
		rc = err_code(err, EXIT_USAGE, "source add needs a URL, a path or arXiv:ID");
	if (!rc)
		rc = add_word(&a, what, err);
	char *problem = rc && a.ids.count ? xstrdup(err->text) : NULL;	/* some of a folder's files are no sources */
	rc = problem ? 0 : rc;
	if (!rc && !a.ids.count)
		rc = err_set(err, "%s holds no source: notes (.md, .txt), PDFs and git repositories are", what);
	if (!rc) {
		struct json *ids = json_array();
		for (size_t i = 0; i < a.ids.count; i++)
			json_append(ids, json_new_string(a.ids.at[i]));
		c->result = json_object();
		json_put_string(c->result, "source", a.ids.at[0]);
		json_take(c->result, "sources", ids);
		if (problem)
			json_put_string(c->result, "problem", problem);
	}
	strings_release(&a.ids);
	free(problem);
	free(note);
	free(reason);
	free(what);
	return rc;
}

int action_source_drop(struct call *c, struct err *err)
{
	const struct source *s = the_source(c, err);
	char *reason = call_text(c, "reason");
	if (s && strcmp(s->status, "dismissed"))
		reading_status(c->engine, c->by, s->id, "dismissed", reason);
	free(reason);
	return s ? 0 : -1;
}

int action_source_move(struct call *c, struct err *err)
{
	const struct source *s = the_source(c, err);
	int64_t position = json_integer(json_get(c->args, "position"), 0), last = (int64_t)c->engine->model.source_count;
	if (!s)
		return -1;
	if (position < 1)
		return err_code(err, EXIT_USAGE, "a source is moved to a position from 1 to %lld", (long long)last);
	position = position > last ? last : position;
	if (position != s->position)
		engine_emit(c->engine, &(struct event){ .kind = EVENT_SOURCE_MOVED, .by = c->by, .source = s->id, .position = position });
	return 0;
}

int action_source_note(struct call *c, struct err *err)
{
	const struct source *s = the_source(c, err);
	char *text = call_text(c, "text");
	int rc = s ? 0 : -1;
	if (s && (!text || !*text))
		rc = err_code(err, EXIT_USAGE, "a note needs a text");
	if (!rc)
		engine_emit(c->engine, &(struct event){ .kind = EVENT_SOURCE_NOTED, .by = c->by, .source = s->id, .text = text });
	free(text);
	return rc;
}

/* "queued" asks for it to be read; "found" takes a dismissal, or the wish to have it read, back. */
int action_source_status(struct call *c, struct err *err)
{
	static const char *const words[] = { "found", "queued", "read", "used", "dismissed" };
	const struct source *s = the_source(c, err);
	const char *status = json_string(json_get(c->args, "status"), ""), *known = NULL;
	if (!s)
		return -1;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i], status))
			known = words[i];
	if (!known)
		return err_code(err, EXIT_USAGE, "a source's status is set to found, queued, read, used or dismissed");
	char *reason = call_text(c, "reason");
	if (strcmp(s->status, known) || reason)
		reading_status(c->engine, c->by, s->id, known, reason);
	free(reason);
	return 0;
}
