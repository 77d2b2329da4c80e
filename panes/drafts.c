/* The user's unsent comments, a plain list: there are never many. Text is made safe as it is written, the way the
 * engine does it, so that what comes back in the model can be recognised.
 */
#include "panes/drafts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

static int is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct draft *find(const struct drafts *d, const char *proposal, const char *file, int64_t line)
{
	for (size_t i = 0; i < d->count; i++) {
		struct draft *at = &d->at[i];
		if (!strcmp(at->proposal, proposal) && is_same(at->file, file) && at->line == line)
			return at;
	}
	return NULL;
}

const struct draft *drafts_find(const struct drafts *d, const char *proposal, const char *file, int64_t line)
{
	return find(d, proposal, file, line);
}

static void drop(struct drafts *d, size_t i)
{
	free(d->at[i].proposal);
	free(d->at[i].file);
	free(d->at[i].text);
	array_remove(&d->at, &d->count, i, sizeof *d->at);
	d->changes++;
}

void drafts_put(struct drafts *d, const char *proposal, const char *file, int64_t line, const char *text)
{
	struct draft *at = find(d, proposal, file, line);

	if (at)
		drop(d, (size_t)(at - d->at));
	if (!text[strspn(text, " ")])
		return;
	at = array_add(&d->at, &d->count, &d->room, sizeof *at);
	*at = (struct draft){ xstrdup(proposal), xstrdup(file), line, NULL, 0 };
	at->text = text_safe_string(text, strlen(text), TEXT_LINE);
	d->changes++;
}

size_t drafts_count(const struct drafts *d, const char *proposal)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += !strcmp(d->at[i].proposal, proposal);
	return n;
}

struct json *drafts_send(struct drafts *d, const char *proposal)
{
	struct json *list = json_array();

	for (size_t i = 0; i < d->count; i++) {
		struct json *comment;
		if (strcmp(d->at[i].proposal, proposal))
			continue;
		comment = json_object();
		if (d->at[i].file) {
			json_put_string(comment, "file", d->at[i].file);
			json_put_integer(comment, "line", d->at[i].line);
		}
		json_put_string(comment, "text", d->at[i].text);
		json_append(list, comment);
		d->at[i].is_sent = 1;
	}
	return list;
}

void drafts_settle(struct drafts *d, const struct proposal *p)
{
	for (size_t i = d->count; i-- > 0; ) {
		const struct draft *at = &d->at[i];
		if (!at->is_sent || strcmp(at->proposal, p->id))
			continue;
		for (size_t k = 0; k < p->comments.count; k++) {
			const struct comment *c = &p->comments.at[k];
			if (is_same(c->file, at->file) && c->line == at->line && is_same(c->text, at->text)) {
				drop(d, i);
				break;
			}
		}
	}
}

void drafts_release(struct drafts *d)
{
	while (d->count)
		drop(d, d->count - 1);
	free(d->at);
	*d = (struct drafts){ 0 };
}
