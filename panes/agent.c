/* What the agent does, and what came of it. On top what it asks leave for, if anything; then in which stage it is and why,
 * what each stage cost, tokens and money, and what waits to be told; below the feed of turns (panes/feed.h); at the foot,
 * while a turn runs, its last lines as they come. Agents that take no turns have a head of one line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "panes/feed.h"
#include "panes/live.h"
#include "panes/permission.h"
#include "panes/standing.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { GAP = 3, FEED_LEAST = 3, LIVE_MOST = 10, HEAD_MOST = 3, WIDE = 76, WIDER = 90 };

struct places {
	int asked, head, feed, live;	/* rows of each, from the top */
};

struct agent_state {
	struct feed feed;
	struct live live;
	struct places at;
	unsigned stopping;		/* the turn that was asked about */
};

static void agent_open(struct pane *p)
{
	struct agent_state *s = p->state;

	feed_open(&s->feed);
}

/* The live lines take what they need, up to that. */
static struct places place(const struct model *m, int rows)
{
	struct places at = { .asked = permission_rows(open_permission(m), rows) };
	int left = rows - at.asked;

	if (!standing_has_turns(m))
		at.head = left > 0;
	else
		at.head = left >= 4 * FEED_LEAST ? HEAD_MOST : left >= 2 * FEED_LEAST ? 2 : left > FEED_LEAST;
	left -= at.head;
	at.live = left / 3 < LIVE_MOST ? left / 3 : LIVE_MOST;
	return at;
}

static int agent_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct agent_state *s = p->state;

	s->at = place(m, rows);
	s->at.live = live_sync(&s->live, turn_now(m), s->at.live, columns, want);
	s->at.feed = rows - s->at.asked - s->at.head - s->at.live;
	if (rows)
		feed_sync(&s->feed, m, s->at.feed, columns);
	return rows && (turn_now(m) || open_permission(m));
}

/* Title */

/* The strip of one line must say what is worth most: what the agent asks for, what it says now, its last words, or the last
 * thing that came of it. */
static void add_words(const struct model *m, struct buf *out)
{
	const struct permission *asked = open_permission(m);
	const struct turn *now = turn_now(m), *last = m->dialogue.turn_count ? &m->dialogue.turns[m->dialogue.turn_count - 1] : NULL;
	const char *words = now ? now->last_line : last && last->text ? last->text : m->agent_text;
	int went_wrong = !now && last && last->status && last->reason && strcmp(last->status, "done");
	const struct tool_called *called = m->dialogue.called_count ? &m->dialogue.called[m->dialogue.called_count - 1] : NULL;

	if (!asked && now && !words && called && called->turn == now->number) {
		buf_printf(out, "  %s %s", called->tool, called->text ? called->text : "");
		return;
	}
	if (asked) {
		buf_printf(out, "  asks: %s", asked->title);
	} else if (went_wrong) {
		buf_printf(out, "  %s: %s", last->status, last->reason);
	} else if (words && *words) {
		buf_printf(out, "  \"%s\"", words);
	} else {
		for (size_t i = m->activity_count; i-- > 0;)
			if (feed_concerns(m, &m->activity[i]) && m->activity[i].kind != EVENT_AGENT_CHANGED) {
				buf_puts(out, "  ");
				standing_event_text(&m->activity[i], out);
				return;
			}
	}
}

/* The stage is what it does, unless it does nothing. */
static void add_state(const struct model *m, struct buf *out)
{
	int failed = m->agent_state && !strcmp(m->agent_state, "failed");
	int finished = m->agent_state && !strcmp(m->agent_state, "finished");

	if (m->state == SESSION_ENDED)
		buf_puts(out, "  ended");
	else if (!failed && standing_has_turns(m))
		buf_printf(out, "  %s%s", stage_name(m->dialogue.stage), turn_now(m) ? "" : finished ? ", finished" : ", between turns");
	else if (m->agent_state)
		buf_printf(out, "  %s", m->agent_state);
}

static void agent_title(const struct pane *p, const struct model *m, struct buf *out)
{
	char money[NUMBER_TEXT];

	(void)p;
	if (!m->agent) {
		buf_puts(out, "no agent yet: skydeck help config says how to name one");
		return;
	}
	buf_puts(out, m->agent);
	add_state(m, out);
	number_money(m->api_usd, money);
	if (m->api_usd > 0)
		buf_printf(out, "  %s", money);
	add_words(m, out);
}

/* Head */

static void draw_plain_head(const struct model *m, struct canvas *c)
{
	size_t kept = 0, waiting = count_needs_human(m);
	char text[160];
	int x;

	for (size_t i = 0; i < m->proposal_count; i++)
		kept += m->proposals[i].verdict == VERDICT_KEEP && m->proposals[i].state != STATE_VETOED;
	x = canvas_text(c, 0, 0, STYLE_STRONG, m->agent, -1) + 2;
	if (m->agent_state)
		x += canvas_text(c, 0, x, STYLE_AGENT, m->agent_state, -1) + 2;
	snprintf(text, sizeof text, "%zu wait%s for you", waiting, waiting == 1 ? "s" : "");
	if (waiting)
		x += canvas_text_cut(c, 0, x, STYLE_ALERT, text, -1) + 2;
	snprintf(text, sizeof text, "%zu proposed, %zu kept", m->proposal_count, kept);
	x += canvas_text_cut(c, 0, x, STYLE_DEFAULT, text, -1) + 2;
	if (m->agent_text)
		canvas_text_cut(c, 0, x, STYLE_AGENT, m->agent_text, -1);
}

/* "turn 8 runs 0:42  3 calls  $0.03", at the right end. Returns where it begins. */
static int draw_turn(const struct turn *t, int64_t now, struct canvas *c)
{
	char time[CLOCK_TEXT], money[NUMBER_TEXT], text[160];

	if (!t)
		return c->columns;
	clock_duration(now > t->started ? now - t->started : 0, time);
	number_money(t->usd, money);
	if (c->columns >= WIDE)
		snprintf(text, sizeof text, "turn %u runs %s  %u call%s  %s", t->number, time, t->calls, t->calls == 1 ? "" : "s", money);
	else
		snprintf(text, sizeof text, "turn %u %s", t->number, time);
	return canvas_text_right(c, 0, c->columns - 1, STYLE_INFO, text) - 2;
}

static void draw_stage(const struct model *m, int64_t now, struct canvas *c)
{
	const struct dialogue *d = &m->dialogue;
	int end = draw_turn(turn_now(m), now, c), x = 1;

	x += canvas_text(c, 0, x, STYLE_STRONG, stage_name(d->stage), -1);
	x += canvas_text(c, 0, x, STYLE_DEFAULT, ": ", -1);
	canvas_text_cut(c, 0, x, STYLE_DEFAULT, d->stage_reason ? d->stage_reason : stage_about(d->stage), end - x);
}

static void draw_stages(const struct model *m, int y, struct canvas *c)
{
	int x = 1, is_wide = c->columns >= WIDER, gap = is_wide ? GAP : 2;

	for (int i = 0; i < STAGE_COUNT; i++) {
		int is_now = m->dialogue.stage == (enum stage)i;
		char money[NUMBER_TEXT];
		double usd = stage_usd(m, (enum stage)i);
		number_money(usd, money);
		x += canvas_text(c, y, x, STYLE_INFO, is_now ? "▸ " : i && is_wide ? "→ " : "", -1);
		x += canvas_text(c, y, x, is_now ? STYLE_STRONG : STYLE_MUTED, stage_name((enum stage)i), -1) + 1;
		x += canvas_text(c, y, x, usd > 0 ? STYLE_DEFAULT : STYLE_MUTED, usd > 0 ? money : "-", -1) + gap;
	}
}

/* "claude-opus-5-5  in 12.1k  cached 480k  out 9.1k": what the newest turn named as its model. */
static void tokens_text(const struct model *m, struct buf *out)
{
	const struct dialogue *d = &m->dialogue;
	struct tokens t = session_tokens(m);
	char in[NUMBER_TEXT], cached[NUMBER_TEXT], said[NUMBER_TEXT];
	const char *model = d->turn_count ? d->turns[d->turn_count - 1].model : NULL;

	number_count((double)(t.in + t.written), in);
	number_count((double)t.read, cached);
	number_count((double)t.out, said);
	buf_printf(out, "%s%s", model ? model : "", model ? "  " : "");
	if (t.in + t.read + t.written + t.out > 0)
		buf_printf(out, "tokens in %s, cached %s, out %s", in, cached, said);
}

static size_t waiting_of(const struct model *m, enum event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < m->dialogue.message_count; i++)
		n += !m->dialogue.messages[i].turn && m->dialogue.messages[i].kind == kind;
	return n;
}

static void add_waiting(struct buf *out, size_t n, const char *what)
{
	if (n)
		buf_printf(out, "%s%zu %s%s", out->len ? ", " : "", n, what, n == 1 ? "" : "s");
}

/* "to be told: 1 word of yours, 1 veto". */
static int draw_untold(const struct model *m, int y, int x, struct canvas *c)
{
	struct buf text = { 0 };
	size_t urgent = messages_waiting(m, 1);

	add_waiting(&text, waiting_of(m, EVENT_STEERED), "message");
	add_waiting(&text, waiting_of(m, EVENT_VETOED), "veto");
	add_waiting(&text, waiting_of(m, EVENT_REVISION_ASKED), "request");
	add_waiting(&text, messages_waiting(m, 0) - urgent, "result");
	if (text.len) {
		x += canvas_text_cut(c, y, x, STYLE_MUTED, "to be told: ", c->columns - x);
		x += canvas_text_cut(c, y, x, urgent ? STYLE_PERSON : STYLE_MUTED, buf_str(&text), c->columns - x) + GAP;
	}
	buf_release(&text);
	return x;
}

static void draw_money(const struct model *m, int y, struct canvas *c)
{
	struct buf text = { 0 };
	char money[NUMBER_TEXT];
	int x = 1;

	number_money(m->api_usd, money);
	buf_puts(&text, money);
	if (m->limit_usd > 0)
		buf_printf(&text, " of $%g", m->limit_usd);
	x += canvas_text_cut(c, y, x, STYLE_DEFAULT, buf_str(&text), c->columns - x) + GAP;
	x = draw_untold(m, y, x, c);
	buf_truncate(&text, 0);
	tokens_text(m, &text);
	canvas_text_cut(c, y, x, STYLE_MUTED, buf_str(&text), c->columns - x);
	buf_release(&text);
}

static void draw_head(const struct pane *p, const struct model *m, struct canvas *c)
{
	if (!standing_has_turns(m)) {
		if (m->agent)
			draw_plain_head(m, c);
		else
			canvas_text_cut(c, 0, 1, STYLE_MUTED, "Only you propose. An agent is a section of .skydeck/config: skydeck help config", -1);
		return;
	}
	draw_stage(m, p->now, c);
	if (c->rows >= HEAD_MOST)
		draw_stages(m, 1, c);
	if (c->rows >= 2)
		draw_money(m, c->rows - 1, c);
}

/* The pane */

static void draw_empty(const struct model *m, struct canvas *c)
{
	canvas_text_cut(c, 0, 1, STYLE_MUTED, "What the agent proposes, from which source, and what comes back stands here.", -1);
	if (m->agent)
		canvas_text_cut(c, 1, 1, STYLE_MUTED, "m tells it something; it reads that at its next turn.", -1);
}

static void agent_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct agent_state *s = p->state;
	const struct places *at = &s->at;
	struct canvas asked = canvas_sub(c, (struct rect){ 0, 0, at->asked, c->columns });
	struct canvas head = canvas_sub(c, (struct rect){ at->asked, 0, at->head, c->columns });
	struct canvas feed = canvas_sub(c, (struct rect){ at->asked + at->head, 0, at->feed, c->columns });
	struct canvas live = canvas_sub(c, (struct rect){ at->asked + at->head + at->feed, 0, at->live, c->columns });

	if (at->asked)
		permission_draw(open_permission(m), p->keymap, p->now, &asked);
	if (at->head)
		draw_head(p, m, &head);
	page_draw(&s->feed.page, &feed, p->focused);
	if (!s->feed.count)
		draw_empty(m, &feed);
	if (at->live)
		live_draw(&s->live, &live);
}

/* What an answer would be about: only what is on the screen. */
static void agent_subject(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct agent_state *s = p->state;
	const struct permission *asked = open_permission(m);

	if (asked && s->at.asked >= 2)
		buf_printf(out, "permission %s", asked->id);
}

static enum pane_result steer(const struct act *act, struct intent *want)
{
	struct json *args;

	if (!act->text)
		return intent_prompt(want, "tell the agent:", "", ACTION_STEER);
	if (!act->text[strspn(act->text, " ")])
		return intent_message(want, "nothing was said");
	args = json_object();
	json_put_string(args, "text", act->text);
	return intent_command(want, "steer", args);
}

static enum pane_result stop_turn(struct agent_state *s, const struct model *m, const struct act *act, struct intent *want)
{
	const struct turn *t = turn_now(m);
	char question[80];

	if (!t)
		return intent_message(want, "no turn runs; m tells the agent something, P pauses the session");
	if (act->text && s->stopping != t->number)
		return intent_message(want, "turn %u is over; turn %u goes on", s->stopping, t->number);
	if (act->text)
		return strcmp(act->text, "yes") ? intent_message(want, "turn %u goes on", t->number)
		                                : intent_command(want, "turn_stop", json_object());
	s->stopping = t->number;
	snprintf(question, sizeof question, "stop turn %u? Enter does, Esc does not:", t->number);
	return intent_prompt(want, question, "yes", ACTION_STOP_TURN);
}

static const struct activity *activity_at(const struct model *m, uint64_t seq)
{
	for (size_t i = m->activity_count; i-- > 0 && m->activity[i].seq >= seq;)
		if (m->activity[i].seq == seq)
			return &m->activity[i];
	return NULL;
}

/* A line of the activity begins with what it is about. */
static enum pane_result open_source(const struct activity *a, struct intent *want)
{
	char *id = xstrndup(a->text, strcspn(a->text, " "));
	enum pane_result result = intent_open(want, "source", id);

	free(id);
	return result;
}

/* A turn's transcript; a line about a proposal, a source or an idea leads there. */
static enum pane_result open_line(const struct agent_state *s, const struct model *m, struct intent *want)
{
	const struct feed_line *line = feed_current(&s->feed);
	const struct activity *a = line ? activity_at(m, line->seq) : NULL;
	char log[16];

	if (a && a->proposal)
		return intent_go(want, "review", a->proposal);
	if (a && (a->kind == EVENT_SOURCE_ADDED || a->kind == EVENT_SOURCE_NOTED))
		return open_source(a, want);
	if (a && (a->kind == EVENT_IDEA_ADDED || a->kind == EVENT_PROFILED))
		return intent_open(want, "ideas", NULL);
	if (!line || !line->turn)
		return intent_message(want, "this line leads nowhere: a turn's lines open what was said in it, a proposal's its review");
	snprintf(log, sizeof log, "t%u", line->turn);
	return intent_open(want, "log", log);
}

static enum pane_result agent_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct agent_state *s = p->state;
	struct act below = *act;

	below.y -= s->at.asked + s->at.head;
	switch (act->action) {
	case ACTION_STEER: return steer(act, want);
	case ACTION_STOP_TURN: return stop_turn(s, m, act, want);
	case ACTION_ENTER: return open_line(s, m, want);
	case ACTION_PERMIT: case ACTION_PERMIT_ALWAYS: case ACTION_REFUSE: case ACTION_REFUSE_ALWAYS:
		return permission_answer(open_permission(m), act->action, want);
	default: return feed_act(&s->feed, &below);
	}
}

static void agent_answer(struct pane *p, const struct answer *answer)
{
	struct agent_state *s = p->state;

	live_answer(&s->live, answer);
}

static int agent_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct agent_state *s = p->state;

	(void)m;
	return feed_search(&s->feed, text, direction);
}

/* "t7", as the log of a turn points at it. */
static void agent_show(struct pane *p, const struct model *m, const char *what)
{
	struct agent_state *s = p->state;
	const struct turn *t = dialogue_turn(m, what);

	for (size_t i = 0; t && i < s->feed.count; i++)
		if (s->feed.lines[i].turn == t->number) {
			textview_go(&s->feed.page.view, i);
			return;
		}
}

static int agent_offers(const struct pane *p, const struct model *m, enum action a)
{
	(void)p;
	if (action_is_permit(a))
		return permission_offers(open_permission(m), a);
	return a != ACTION_STOP_TURN || turn_now(m);
}

static void agent_close(struct pane *p)
{
	struct agent_state *s = p->state;

	feed_release(&s->feed);
	live_release(&s->live);
}

const struct pane_ops agent_pane = {
	.name = "Agent",
	.digit = 5,
	.context = CONTEXT_AGENT,
	.title_follows = 1,
	.state_size = sizeof(struct agent_state),
	.open = agent_open,
	.close = agent_close,
	.title = agent_title,
	.sync = agent_sync,
	.draw = agent_draw,
	.act = agent_act,
	.answer = agent_answer,
	.search = agent_search,
	.show = agent_show,
	.offers = agent_offers,
	.subject = agent_subject,
};
