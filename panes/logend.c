/* The end of a log. One is kept, of the run that was asked for last; a failed run's log does not change any more.
 */
#include "panes/logend.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { LINES = 20 };

void logend_release(struct logend *l)
{
	free(l->run);
	free(l->text);
	free(l->error);
	*l = (struct logend){ 0 };
}

const char *logend_run(const struct proposal *p)
{
	return p->verdict >= VERDICT_BUILD_FAILED && p->verdict <= VERDICT_TIMEOUT ? p->verdict_run : NULL;
}

int logend_ask(struct logend *l, const struct proposal *p, uint64_t tag, struct intent *want)
{
	const char *run = logend_run(p);
	struct json *args;

	if (!run || (l->run && !strcmp(l->run, run)))
		return 0;
	logend_release(l);
	*l = (struct logend){ .run = xstrdup(run), .tag = tag, .is_asked = 1 };
	args = json_object();
	json_put_string(args, "run", run);
	json_put_integer(args, "from", -LINES);
	json_put_integer(args, "count", LINES);
	intent_query(want, "log", args, tag);
	return 1;
}

void logend_answer(struct logend *l, const struct answer *answer)
{
	struct buf text = { 0 };

	if (!l->is_asked || l->tag != answer->tag)
		return;
	l->is_asked = 0;
	if (!answer->result) {
		string_set(&l->error, answer->error ? answer->error : "there was no answer");
		return;
	}
	buf_puts(&text, "");
	for (const struct json *i = json_first(json_get(answer->result, "lines")); i; i = json_next(i))
		buf_printf(&text, "%s%s", text.len ? "\n" : "", json_string(i, ""));
	l->text = buf_take(&text);
}

void logend_note(const struct logend *l, struct sheet *sheet, const char *key)
{
	char *heading = xasprintf("the end of the log of %s; %s opens it", l->run ? l->run : "its run", key);

	sheet_note(sheet, STYLE_HEADING, heading);
	if (l->error)
		sheet_note(sheet, STYLE_WARN, l->error);
	else if (l->text)
		sheet_note(sheet, STYLE_DEFAULT, *l->text ? l->text : "(it is empty)");
	free(heading);
}
