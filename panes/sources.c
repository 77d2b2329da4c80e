/* Each of these ends in a command of the engine, which states what became of it, or in a program outside. */
#include "panes/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { TITLE = 40 };	/* columns of it in a question */

static int is(const struct source *s, const char *status)
{
	return s->status && !strcmp(s->status, status);
}

static struct json *args_for(const struct source *s)
{
	struct json *args = json_object();

	json_put_string(args, "source", s->id);
	return args;
}

static const char *trimmed(const char *text)
{
	return text + strspn(text, " ");
}

static enum pane_result set_status(const struct source *s, const char *status, const char *reason, struct intent *want)
{
	struct json *args = args_for(s);

	json_put_string(args, "status", status);
	if (reason)
		json_put_string(args, "reason", reason);
	return intent_command(want, "source_status", args);
}

static enum pane_result ask(const struct source *s, const char *before, const char *after, enum action then, struct intent *want)
{
	const char *title = s->title ? s->title : "";
	int used;
	size_t fits = text_fit(title, TITLE, &used);
	char *label = xasprintf("%s %s %.*s%s%s", before, s->id, (int)fits, title, title[fits] ? "…" : "", after);
	enum pane_result result = intent_prompt(want, label, "", then);

	free(label);
	return result;
}

static enum pane_result drop(const struct source *s, const char *text, struct intent *want)
{
	if (is(s, "dismissed"))
		return intent_message(want, "%s is dropped already", s->id);
	if (!text)
		return ask(s, "drop", "; because:", ACTION_DROP, want);
	if (!*trimmed(text))
		return intent_message(want, "%s stays: the agent needs a reason", s->id);
	return set_status(s, "dismissed", trimmed(text), want);
}

static enum pane_result queue(const struct source *s, struct intent *want)
{
	if (is(s, "queued") || is(s, "reading"))
		return intent_message(want, "%s is %s already", s->id, s->status);
	return set_status(s, "queued", NULL, want);
}

static enum pane_result note(const struct source *s, const char *text, struct intent *want)
{
	struct json *args;

	if (!text)
		return ask(s, "note on", ":", ACTION_NOTE, want);
	if (!*trimmed(text))
		return intent_message(want, "nothing was noted");
	args = args_for(s);
	json_put_string(args, "text", trimmed(text));
	return intent_command(want, "source_note", args);
}

static int is_web(const char *url)
{
	return url && (!strncmp(url, "https://", 8) || !strncmp(url, "http://", 7));
}

char *sources_link(const struct source *s)
{
	if (is_web(s->url))
		return xstrdup(s->url);
	if (s->key && !strncmp(s->key, "arXiv:", 6))
		return xasprintf("https://arxiv.org/abs/%s", s->key + 6);
	return NULL;
}

static enum pane_result browse(const struct source *s, struct intent *want)
{
	char *link = sources_link(s);
	enum pane_result result = link ? intent_errand(want, "browser", link, NULL)
	                               : intent_message(want, "%s has no address on the web", s->id);

	free(link);
	return result;
}

static enum pane_result copy(const struct source *s, struct intent *want)
{
	return intent_copy(want, s->url && *s->url ? s->url : s->key && *s->key ? s->key : s->id);
}

enum pane_result sources_act(const struct source *source, const struct act *act, struct intent *want)
{
	enum action a = act->action;

	if (a != ACTION_DROP && a != ACTION_QUEUE && a != ACTION_NOTE && a != ACTION_BROWSE && a != ACTION_PAGER && a != ACTION_COPY)
		return PANE_IGNORED;
	if (!source)
		return intent_message(want, "there is no source to %s", a == ACTION_NOTE ? "note anything on" : action_label(a));
	switch (a) {
	case ACTION_DROP: return drop(source, act->text, want);
	case ACTION_QUEUE: return queue(source, want);
	case ACTION_NOTE: return note(source, act->text, want);
	case ACTION_BROWSE: return browse(source, want);
	case ACTION_PAGER: return intent_errand(want, "pager", source->id, NULL);
	default: return copy(source, want);
	}
}

int sources_offers(const struct source *source, enum action a)
{
	switch (a) {
	case ACTION_DROP: return source && !is(source, "dismissed");
	case ACTION_QUEUE: return source && !is(source, "queued") && !is(source, "reading");
	case ACTION_NOTE: case ACTION_PAGER: return source != NULL;
	case ACTION_BROWSE: return source && (is_web(source->url) || (source->key && !strncmp(source->key, "arXiv:", 6)));
	default: return 1;
	}
}

void sources_yield_text(unsigned proposals, unsigned kept, char out[32])
{
	if (proposals)
		snprintf(out, 32, "%u of %u", kept, proposals);
	else
		snprintf(out, 32, "-");
}
