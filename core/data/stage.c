#include "core/data/stage.h"

#include <string.h>

#include "core/data/query.h"

/* Under auto nobody is there to waive what the guard stopped: it is not waited for. */
size_t candidates_open(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->proposal_count; i++)
		switch (m->proposals[i].state) {
		case STATE_STOPPED:
			n += m->autonomy != AUTONOMY_AUTO;
			break;
		case STATE_DRAFTED: case STATE_WAITING: case STATE_APPROVED: case STATE_QUEUED: case STATE_RUNNING:
			n++;
			break;
		default:
			break;
		}
	return n;
}

static int brought_something(const struct turn *t)
{
	return t->proposals > t->conflicts || t->ideas || t->sources || t->claims;
}

/* Turns at the end of the list that brought nothing, since there was last something to tell. */
static size_t idle_turns(const struct model *m)
{
	const struct dialogue *d = &m->dialogue;
	size_t n = 0;
	int64_t spoken = 0;
	for (size_t i = 0; i < d->message_count; i++)
		if (d->messages[i].time > spoken && d->messages[i].kind != EVENT_PROPOSAL_CONFLICT)	/* its own doing */
			spoken = d->messages[i].time;
	for (size_t i = d->turn_count; i-- > 0 && d->turns[i].status && !brought_something(&d->turns[i]) && d->turns[i].started > spoken;)
		n++;
	return n;
}

static size_t turns_in(const struct model *m, enum stage stage)
{
	size_t n = 0;
	for (size_t i = 0; i < m->dialogue.turn_count; i++)
		n += m->dialogue.turns[i].stage == stage;
	return n;
}

/* Turns in that stage since the last one that reflected. */
static size_t turns_lately(const struct model *m, enum stage stage)
{
	size_t n = 0;
	for (size_t i = m->dialogue.turn_count; i-- > 0 && m->dialogue.turns[i].stage != STAGE_REFLECT;)
		n += m->dialogue.turns[i].stage == stage;
	return n;
}

static size_t sources_read(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->source_count; i++)
		n += !strcmp(m->sources[i].status, "read") || !strcmp(m->sources[i].status, "used");
	return n;
}

static size_t ideas_untried(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->idea_count; i++) {
		int tried = 0;
		for (size_t k = 0; k < m->proposal_count && !tried; k++)
			tried = m->proposals[k].idea && !strcmp(m->proposals[k].idea, m->ideas[i].id);
		n += !tried;
	}
	return n;
}

static size_t verdicts_untold(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->dialogue.message_count; i++)
		n += !m->dialogue.messages[i].turn && m->dialogue.messages[i].kind == EVENT_VERDICT;
	return n;
}

static struct next turn(enum stage stage, const char *reason)
{
	return (struct next){ NEXT_TURN, stage, reason };
}

/* What there is to do when nobody called. */
static struct next by_itself(const struct model *m)
{
	size_t open = candidates_open(m), room = 2 * (size_t)m->wave_size;
	if (turns_in(m, STAGE_READ) < READ_TURNS_MAX && sources_read(m) < SOURCES_WANTED)
		return turn(STAGE_READ, "few sources were read so far");
	if (verdicts_untold(m) && open < m->wave_size)
		return turn(STAGE_REFLECT, "there are new verdicts");
	if (open >= room)
		return (struct next){ NEXT_WAIT, m->dialogue.stage, "enough proposals wait to be tried" };
	if (!ideas_untried(m) && turns_lately(m, STAGE_HYPOTHESISE) < THINK_TURNS_MAX)
		return turn(STAGE_HYPOTHESISE, "every idea was tried");
	return turn(STAGE_PROPOSE, ideas_untried(m) ? "there are ideas without a patch" : "there is room for proposals");
}

/* Who stopped a turn wants it to stop: nothing begins before there is something to tell. */
static int was_stopped(const struct model *m)
{
	const struct dialogue *d = &m->dialogue;
	const struct turn *last = d->turn_count ? &d->turns[d->turn_count - 1] : NULL;
	return last && last->status && !strcmp(last->status, "cancelled") && !messages_waiting(m, 0);
}

static struct next nothing_more(const struct model *m, const char *reason)
{
	return (struct next){ candidates_open(m) ? NEXT_WAIT : NEXT_FINISHED, m->dialogue.stage, reason };
}

struct next stage_next(const struct model *m, size_t experiments_left, long turns_max)
{
	if (turns_max > 0 && m->dialogue.turn_count >= (size_t)turns_max)
		return (struct next){ NEXT_FINISHED, m->dialogue.stage, "the agent has had its turns (agent.turns)" };
	if (messages_waiting(m, 1))
		return turn(m->dialogue.stage > STAGE_HYPOTHESISE ? m->dialogue.stage : STAGE_PROPOSE, "the human spoke");
	if (candidates_open(m) >= experiments_left)
		return (struct next){ NEXT_WAIT, m->dialogue.stage, "as many proposals wait as may still be tried" };
	if (idle_turns(m) >= IDLE_TURNS_MAX)
		return nothing_more(m, "its last turns brought nothing");
	if (was_stopped(m))
		return nothing_more(m, "its last turn was stopped; what you tell it next begins another");
	return by_itself(m);
}
