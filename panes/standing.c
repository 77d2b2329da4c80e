/* One place for the words and colours of a proposal's fate: the panes differ in what they show, never in how they say
 * it. A mark goes with every colour, so that nothing is said by colour alone. */
#include "panes/standing.h"

#include <math.h>
#include <string.h>

#include "core/data/line.h"

static const char *state_word(const struct proposal *p)
{
	switch (p->state) {
	case STATE_DRAFTED: return "in writing";
	case STATE_STOPPED: return "stopped !";
	case STATE_WAITING: return "waiting !";
	case STATE_SIGNING: return p->asked_to_sign ? "landing" : "to sign !";
	case STATE_DONE: return p->landing_problem ? "not landed" : "";
	default: return proposal_state_name(p->state);
	}
}

static int has_failed(const struct proposal *p)
{
	return p->verdict >= VERDICT_BUILD_FAILED;
}

static enum style style_of(const struct proposal *p)
{
	switch (p->state) {
	case STATE_STOPPED: case STATE_WAITING: return STYLE_ALERT;
	case STATE_SIGNING: return p->asked_to_sign ? STYLE_INFO : STYLE_ALERT;
	case STATE_LANDED: return STYLE_GOOD;
	case STATE_CONFLICT: return STYLE_BAD;
	case STATE_VETOED: case STATE_CANCELLED: return STYLE_MUTED;
	case STATE_DONE: return has_failed(p) || p->landing_problem ? STYLE_BAD : STYLE_DEFAULT;
	default: return STYLE_INFO;
	}
}

static const char *mark_of(const struct proposal *p)
{
	switch (p->state) {
	case STATE_STOPPED: case STATE_WAITING: return "!";
	case STATE_SIGNING: case STATE_LANDED: return "◆";
	case STATE_CONFLICT: case STATE_VETOED: case STATE_CANCELLED: return "x";
	case STATE_DONE: return has_failed(p) || p->landing_problem ? "x" : "·";
	default: return "▸";
	}
}

struct standing standing_of(const struct proposal *p)
{
	struct standing s = { mark_of(p), p->verdict ? verdict_name(p->verdict) : "", state_word(p), NULL,
		style_of(p) };

	s.word = *s.state ? s.state : s.verdict;
	return s;
}

int standing_is_out(const struct proposal *p)
{
	return p->state == STATE_VETOED || p->state == STATE_CANCELLED || p->state == STATE_CONFLICT ||
	       (p->state == STATE_DONE && has_failed(p));
}

enum style standing_change_style(const struct proposal *p)
{
	if (isfinite(p->low) && p->low > 0)
		return STYLE_GOOD;
	return isfinite(p->high) && p->high < 0 ? STYLE_BAD : STYLE_DEFAULT;
}

void standing_line(const struct proposal *p, struct buf *out)
{
	struct standing s = standing_of(p);
	size_t before = out->len;

	buf_puts(out, s.verdict);
	if (*s.state)
		buf_printf(out, "%s%s", out->len > before ? " " : "", s.state);
	if (p->pair_count || p->verdict) {
		buf_puts(out, isnan(p->change_percent) ? "" : " ");
		change_line(p->change_percent, p->low, p->high, out);
	}
}

static const struct {
	const char *status, *mark;
	enum style style;
} source_states[] = {
	{ "queued", "q", STYLE_MUTED }, { "reading", "▸", STYLE_INFO }, { "read", "r", STYLE_DEFAULT },
	{ "used", "u", STYLE_GOOD }, { "dismissed", "x", STYLE_MUTED }, { "found", "·", STYLE_MUTED },
};
enum { SOURCE_STATES = sizeof source_states / sizeof *source_states };

/* The last one for what is not known. */
static size_t source_state(const struct source *s)
{
	size_t i = 0;

	while (i < SOURCE_STATES - 1 && (!s->status || strcmp(s->status, source_states[i].status)))
		i++;
	return i;
}

const char *standing_source_mark(const struct source *s)
{
	return source_states[source_state(s)].mark;
}

enum style standing_source_style(const struct source *s)
{
	return source_states[source_state(s)].style;
}

int standing_is_speaker(const char *line)
{
	static const char *const speakers[] = { "[told]", "[agent]", "[thinks]", "[tool]", "[result]", "[note]" };

	for (size_t i = 0; *line == '[' && i < sizeof speakers / sizeof *speakers; i++)
		if (!strcmp(line, speakers[i]))
			return 1;
	return 0;
}

int standing_has_turns(const struct model *m)
{
	return m->dialogue.turn_count || m->dialogue.stage_reason;
}

const struct message *standing_said(const struct model *m, const struct proposal *p, const char *text)
{
	const struct dialogue *d = &m->dialogue;

	for (size_t i = standing_has_turns(m) ? d->message_count : 0; i-- > 0;) {
		const struct message *said = &d->messages[i];
		if ((said->kind == EVENT_REVISION_ASKED || said->kind == EVENT_VETOED) && said->proposal && !strcmp(said->proposal, p->id) &&
		    (!text || (said->text && strstr(said->text, text))))
			return said;
	}
	return NULL;
}

/* The first revision that was made after it; 0: none yet. */
static size_t answer_to(const struct model *m, const struct message *message)
{
	const struct proposal *p = message->kind == EVENT_REVISION_ASKED ? model_proposal(m, message->proposal) : NULL;

	for (size_t i = 0; p && i < p->rev; i++)
		if (p->revisions[i].time > message->time)
			return i + 1;
	return 0;
}

void standing_told(const struct model *m, const struct message *message, struct buf *out)
{
	const struct turn *now = turn_now(m);
	size_t rev = answer_to(m, message);

	if (message->turn)
		buf_printf(out, "told in turn %u%s", message->turn, now && now->number == message->turn ? ", which runs" : "");
	else if (!rev)
		buf_puts(out, "waits for its next turn");
	if (rev)
		buf_printf(out, "%sanswered by rev %zu", message->turn ? ", " : "", rev);
}

enum style standing_event_style(const struct model *m, const struct activity *a)
{
	const struct proposal *p = model_proposal(m, a->proposal);

	switch (a->kind) {
	case EVENT_VERDICT:
		if (p && p->verdict == VERDICT_KEEP)
			return STYLE_GOOD;
		return p && has_failed(p) ? STYLE_BAD : STYLE_DEFAULT;
	case EVENT_LANDED: return STYLE_GOOD;
	case EVENT_LANDING_FAILED: case EVENT_PROPOSAL_CONFLICT: return STYLE_BAD;
	case EVENT_ALERT: case EVENT_GUARD_STOPPED: return STYLE_ALERT;
	case EVENT_PERMISSION_ASKED: return STYLE_WARN;
	case EVENT_STAGE_SET: case EVENT_PROFILED: return STYLE_INFO;
	case EVENT_NOTED: case EVENT_SELF_REVIEWED: return STYLE_AGENT;
	case EVENT_ROUND_VOIDED: return STYLE_WARN;
	default: break;
	}
	if (a->by && !strncmp(a->by, "user", 4))
		return STYLE_PERSON;
	if (a->kind == EVENT_AGENT_CHANGED || (a->by && !strncmp(a->by, "agent", 5)))
		return STYLE_AGENT;
	return STYLE_DEFAULT;
}

void standing_event_text(const struct activity *a, struct buf *out)
{
	static const char shell[] = "(skydeck log ", here[] = "(log ";
	const char *advice = strstr(a->text, "; waits for you"), *log = strstr(a->text, shell);
	size_t end = advice ? (size_t)(advice - a->text) : strlen(a->text);

	if (log && (size_t)(log - a->text) < end) {
		buf_add(out, a->text, (size_t)(log - a->text));
		buf_puts(out, here);
		log += strlen(shell);
		buf_add(out, log, end - (size_t)(log - a->text));
	} else {
		buf_add(out, a->text, end);
	}
	buf_puts(out, "");
}
