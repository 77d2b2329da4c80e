/* One place for the words and colours of a proposal's fate: the panes differ in what they show, never in how they say it.
 * A mark goes with every colour, so that nothing is said by colour alone. */
#include "panes/standing.h"

#include <math.h>

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
	struct standing s = { mark_of(p), p->verdict ? verdict_name(p->verdict) : "", state_word(p), NULL, style_of(p) };

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
