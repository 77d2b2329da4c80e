/* Decisions. Each checks that the state allows it, as the engine will again, so that a key that cannot work says why
 * at once.
 *
 * Three things keep a word from going astray. It is only given on what is shown, and names that revision. A prompt
 * pins what it was opened on, whatever is selected by the time it is answered. And a decision counts as made when the
 * model says so: until then nothing moves on, and no comment is thrown away.
 */
#include "panes/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/query.h"

char *decide_key(const struct keymap *map, enum action a)
{
	struct buf out = { 0 };

	if (map)
		keymap_keys(map, CONTEXT_REVIEW, a, &out);
	if (!out.len)
		buf_printf(&out, ":%s", action_name(a));
	return buf_take(&out);
}

void decide_shown(struct decide *d, const struct proposal *p)
{
	string_set(&d->shown, p ? p->id : NULL);
	d->shown_rev = p ? p->rev : 0;
}

int decide_is_shown(const struct decide *d, const struct proposal *p)
{
	return d->shown && !strcmp(d->shown, p->id) && d->shown_rev == p->rev;
}

int decide_is_confirmed(struct decide *d, const struct model *m)
{
	const struct proposal *p = model_proposal(m, d->decided);

	if (!p || (p->state == d->decided_in && p->asked_to_sign == d->decided_signed))
		return 0;
	decide_forget(d);
	return 1;
}

void decide_forget(struct decide *d)
{
	string_set(&d->decided, NULL);
}

void comment_place_release(struct comment_place *place)
{
	free(place->file);
	free(place->about);
	*place = (struct comment_place){ 0 };
}

void decide_release(struct decide *d)
{
	drafts_release(&d->drafts);
	comment_place_release(&d->place);
	free(d->shown);
	free(d->decided);
	free(d->asked);
	*d = (struct decide){ 0 };
}

static struct json *args_of(const struct proposal *p)
{
	struct json *args = json_object();

	json_put_string(args, "proposal", p->id);
	return args;
}

static void remember(struct decide *d, const struct proposal *p)
{
	string_set(&d->decided, p->id);
	d->decided_in = p->state;
	d->decided_signed = p->asked_to_sign;
}

static enum pane_result cannot(struct intent *want, const struct proposal *p, const char *why)
{
	int is_signed = p->state == STATE_SIGNING && p->asked_to_sign;

	return intent_message(want, "%s is %s: %s", p->id, is_signed ? "signed already" : proposal_state_name(p->state), why);
}

static enum pane_result not_shown(struct intent *want, const struct proposal *p)
{
	return intent_message(want, "the diff of %s rev %zu is not on the screen yet: look at it first", p->id, p->rev);
}

static enum pane_result approve(struct decide *d, const struct keymap *map, const struct proposal *p,
                                struct intent *want)
{
	struct json *args, *list;
	char *key;

	if (p->state == STATE_STOPPED) {
		key = decide_key(map, ACTION_WAIVE);
		intent_message(want, "%s was stopped by the guard: %s waves it through, with a reason", p->id, key);
		free(key);
		return PANE_INTENT;
	}
	if (p->state == STATE_SIGNING && !p->asked_to_sign) {
		key = decide_key(map, ACTION_SIGN);
		intent_message(want, "%s was approved and measured: %s signs it", p->id, key);
		free(key);
		return PANE_INTENT;
	}
	if (p->state != STATE_WAITING)
		return cannot(want, p, "only what waits can be approved");
	if (!decide_is_shown(d, p))
		return not_shown(want, p);
	args = json_object();
	list = json_array();
	json_append(list, json_new_string(p->id));
	json_take(args, "proposals", list);
	json_put_integer(args, "rev", (int64_t)d->shown_rev);
	remember(d, p);
	return intent_command(want, "approve", args);
}

static enum pane_result sign(struct decide *d, const struct proposal *p, struct intent *want)
{
	struct json *args;

	if (p->state != STATE_SIGNING || p->asked_to_sign)
		return cannot(want, p, "only what was kept and waits for a signature can be signed");
	if (!decide_is_shown(d, p))
		return not_shown(want, p);
	args = args_of(p);
	json_put_integer(args, "rev", (int64_t)d->shown_rev);
	remember(d, p);
	return intent_command(want, "sign", args);
}

/* Opens a prompt that stays with this proposal. */
static enum pane_result prompt(struct decide *d, const struct proposal *p, struct intent *want, enum action then,
                               const char *label)
{
	string_set(&d->asked, p->id);
	d->asked_rev = p->rev;
	return intent_prompt(want, label, "", then);
}

static int is_over(const struct proposal *p)
{
	return p->state == STATE_LANDED || p->state == STATE_VETOED || p->state == STATE_CANCELLED;
}

static enum pane_result veto(struct decide *d, const struct proposal *p, const char *reason, struct intent *want)
{
	struct json *args;
	char label[64];

	if (is_over(p))
		return cannot(want, p, "it cannot be vetoed any more");
	if (!reason) {
		snprintf(label, sizeof label, "why not %s?", p->id);
		return prompt(d, p, want, ACTION_VETO, label);
	}
	if (!reason[strspn(reason, " ")])
		return intent_message(want, "a veto needs a reason, which the agent gets to read: %s was not vetoed",
		                      p->id);
	args = args_of(p);
	json_put_string(args, "reason", reason);
	remember(d, p);
	return intent_command(want, "veto", args);
}

static enum pane_result waive(struct decide *d, const struct proposal *p, const char *reason, struct intent *want)
{
	struct json *args;
	char label[64];

	if (p->state != STATE_STOPPED)
		return cannot(want, p, "only what the guard stopped can be waved through");
	if (!reason && !decide_is_shown(d, p))
		return not_shown(want, p);
	if (!reason) {
		snprintf(label, sizeof label, "why may %s pass the guard?", p->id);
		return prompt(d, p, want, ACTION_WAIVE, label);
	}
	if (p->rev != d->asked_rev)
		return intent_message(want, "%s is at revision %zu now: look at it again", p->id, p->rev);
	if (!reason[strspn(reason, " ")])
		return intent_message(want, "waving a proposal past the guard needs a reason: %s stays stopped", p->id);
	args = args_of(p);
	json_put_string(args, "reason", reason);
	json_put_integer(args, "rev", (int64_t)d->asked_rev);
	return intent_command(want, "waive", args);
}

static enum pane_result revise(struct decide *d, const struct proposal *p, const char *text, struct intent *want)
{
	struct json *args;
	char label[64];

	if (is_over(p) || p->asked_to_sign)
		return cannot(want, p, "changes cannot be asked for any more");
	if (!text && !drafts_count(&d->drafts, p->id)) {
		snprintf(label, sizeof label, "what should change in %s?", p->id);
		return prompt(d, p, want, ACTION_REVISE, label);
	}
	if (text && !text[strspn(text, " ")])
		return intent_message(want, "asking for changes needs a comment: nothing was sent");
	args = args_of(p);
	if (text)
		json_put_string(args, "comment", text);
	else
		json_take(args, "comments", drafts_send(&d->drafts, p->id));
	remember(d, p);
	return intent_command(want, "revise", args);
}

static enum pane_result cancel(struct decide *d, const struct proposal *p, const char *yes, struct intent *want)
{
	char label[80];

	if (is_over(p) || p->state == STATE_DONE)
		return cannot(want, p, "there is nothing to cancel");
	if (!yes) {
		snprintf(label, sizeof label, "take %s out of the session? (y)", p->id);
		return prompt(d, p, want, ACTION_CANCEL, label);
	}
	if (*yes != 'y' && *yes != 'Y')
		return intent_message(want, "%s stays in the session", p->id);
	return intent_command(want, "cancel", args_of(p));
}

static enum pane_result retry(const struct proposal *p, struct intent *want)
{
	if (p->state != STATE_DONE && p->state != STATE_CANCELLED)
		return cannot(want, p, "only what is done or cancelled can be tried again");
	if (!proposal_commit(p))
		return cannot(want, p, "it does not apply, so there is nothing to try");
	return intent_command(want, "retry", args_of(p));
}

/* Comments */

static enum pane_result write_comment(struct decide *d, const struct proposal *p, const char *text)
{
	int is_empty = !text[strspn(text, " ")];
	char *whole = xasprintf("%s%s", d->place.about && !is_empty ? d->place.about : "", is_empty ? "" : text);

	drafts_put(&d->drafts, p->id, d->place.file, d->place.line, whole);
	free(whole);
	return PANE_REDRAW;
}

/* Pins the place; a draft that stands there already is changed. */
static enum pane_result comment(struct decide *d, const struct proposal *p, const struct comment_place *here,
                                struct intent *want)
{
	const struct draft *old = drafts_find(&d->drafts, p->id, here->file, here->line);
	struct buf label = { 0 };

	if (is_over(p))
		return cannot(want, p, "nobody would read a comment");
	comment_place_release(&d->place);
	d->place = (struct comment_place){ xstrdup(here->file), here->line, old ? NULL : xstrdup(here->about) };
	string_set(&d->asked, p->id);
	buf_printf(&label, "comment on %s", here->file ? here->file : p->id);
	if (here->line)
		buf_printf(&label, ":%lld", (long long)here->line);
	buf_putc(&label, ':');
	intent_prompt(want, buf_str(&label), old ? old->text : "", ACTION_COMMENT);
	buf_release(&label);
	return PANE_INTENT;
}

int decide_takes(enum action a)
{
	return a == ACTION_APPROVE || a == ACTION_SIGN || a == ACTION_VETO || a == ACTION_WAIVE || a == ACTION_REVISE ||
	       a == ACTION_CANCEL || a == ACTION_RETRY || a == ACTION_COMMENT;
}

int decide_offers(const struct proposal *p, enum action a)
{
	if (!decide_takes(a))
		return 1;
	if (!p)
		return 0;
	switch (a) {
	case ACTION_APPROVE: return p->state == STATE_WAITING;
	case ACTION_SIGN: return p->state == STATE_SIGNING && !p->asked_to_sign;
	case ACTION_WAIVE: return p->state == STATE_STOPPED;
	case ACTION_RETRY: return (p->state == STATE_DONE || p->state == STATE_CANCELLED) && proposal_commit(p);
	case ACTION_REVISE: return !is_over(p) && !p->asked_to_sign;
	case ACTION_CANCEL: return !is_over(p) && p->state != STATE_DONE;
	default: return !is_over(p);
	}
}

enum pane_result decide_act(struct decide *d, const struct keymap *map, const struct model *m, const struct proposal *p,
                            const struct comment_place *here, const struct act *act, struct intent *want)
{
	if (act->text)
		p = model_proposal(m, d->asked);
	if (!p)
		return intent_message(want, "there is no proposal to %s yet", action_label(act->action));
	switch (act->action) {
	case ACTION_APPROVE: return approve(d, map, p, want);
	case ACTION_SIGN: return sign(d, p, want);
	case ACTION_VETO: return veto(d, p, act->text, want);
	case ACTION_WAIVE: return waive(d, p, act->text, want);
	case ACTION_REVISE: return revise(d, p, act->text, want);
	case ACTION_CANCEL: return cancel(d, p, act->text, want);
	case ACTION_COMMENT: return act->text ? write_comment(d, p, act->text) : comment(d, p, here, want);
	default: return retry(p, want);
	}
}
