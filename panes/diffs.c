/* A cache of parsed diffs. An answer is taken by its tag alone: what was asked for a proposal that is no longer
 * looked at still fills its slot, and what belongs to no slot any more is dropped. What the answer says of itself is
 * compared with what was asked, because an approval leans on it.
 */
#include "panes/diffs.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void slot_clear(struct slot *s)
{
	diff_release(&s->diff);
	free(s->proposal);
	free(s->error);
	*s = (struct slot){ 0 };
}

void diffs_release(struct diffs *d)
{
	for (int i = 0; i < DIFFS_KEPT; i++)
		slot_clear(&d->slots[i]);
}

struct slot *diffs_get(struct diffs *d, const char *proposal, size_t rev, size_t from)
{
	for (int i = 0; i < DIFFS_KEPT; i++) {
		struct slot *s = &d->slots[i];
		if (s->state && s->rev == rev && s->from == from && !strcmp(s->proposal, proposal)) {
			s->used = ++d->uses;
			return s;
		}
	}
	return NULL;
}

void diffs_ask(struct diffs *d, const char *proposal, size_t rev, size_t from, uint64_t tag, struct intent *want)
{
	struct json *args = json_object();
	struct slot *oldest = &d->slots[0];

	for (int i = 1; i < DIFFS_KEPT; i++)
		if (d->slots[i].used < oldest->used)
			oldest = &d->slots[i];
	slot_clear(oldest);
	*oldest = (struct slot){ .state = SLOT_ASKED, .proposal = xstrdup(proposal), .rev = rev, .from = from, .tag = tag,
		.used = ++d->uses, .place = DIFF_NONE };
	json_put_string(args, "proposal", proposal);
	json_put_integer(args, "rev", (int64_t)rev);
	json_put_integer(args, "from", (int64_t)from);
	intent_query(want, "diff", args, tag);
}

static const char *problem(const struct slot *s, const struct answer *a)
{
	const struct json *r = a->result;

	if (!r)
		return a->error ? a->error : "there was no answer";
	if (strcmp(json_string(json_get(r, "proposal"), ""), s->proposal) ||
	    json_integer(json_get(r, "rev"), -1) != (int64_t)s->rev ||
	    json_integer(json_get(r, "from"), 0) != (int64_t)s->from || !json_string(json_get(r, "text"), NULL))
		return "the answer was about something else";
	return NULL;
}

int diffs_answer(struct diffs *d, const struct answer *answer)
{
	for (int i = 0; i < DIFFS_KEPT; i++) {
		struct slot *s = &d->slots[i];
		const char *why;
		if (s->state != SLOT_ASKED || s->tag != answer->tag)
			continue;
		why = problem(s, answer);
		s->state = why ? SLOT_FAILED : SLOT_READY;
		if (why) {
			string_set(&s->error, why);
		} else {
			s->is_cut = json_bool(json_get(answer->result, "is_cut"), 0);
			diff_parse(&s->diff, json_string(json_get(answer->result, "text"), ""));
		}
		return 1;
	}
	return 0;
}
