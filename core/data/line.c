/* Words for events. Each line begins with what it is about (a proposal, a worker, a wave, the session) in a column of
 * its own, so that lines of one thing can be found by eye and by grep. */
#include "core/data/line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/data/model.h"

void change_line(double change, double low, double high, struct buf *out)
{
	if (isnan(change))
		return;
	buf_printf(out, "%+.1f %%", fabs(change) < 0.05 ? 0.0 : change);	/* never "-0.0 %" */
	if (isfinite(low) && isfinite(high))
		buf_printf(out, " [%.1f %.1f]", low, high);
}

static void about(struct buf *out, const char *what)
{
	buf_printf(out, "%-4s ", what ? what : "-");
}

static void join(struct buf *out, const struct strings *list, const char *between)
{
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, "%s%s", i ? between : "", list->at[i]);
}

static const char *nothing_if_null(const char *s)
{
	return s ? s : "";
}

static void verdict_line(const struct event *ev, const struct model *m, struct buf *out)
{
	const struct proposal *p = model_proposal(m, ev->proposal);
	about(out, ev->proposal);
	if (p && isfinite(p->unpaired) && p->verdict == VERDICT_NONE)
		buf_printf(out, "measured once: %s %.6g, not paired", m->metric ? m->metric : "value", p->unpaired);
	else
		buf_printf(out, "%-9s ", nothing_if_null(ev->verdict));
	if (ev->pairs > 0) {
		change_line(ev->change_percent, ev->low, ev->high, out);
		buf_printf(out, " after %d pairs on ", (int)ev->pairs);
		join(out, &ev->workers, ", ");
		if (isfinite(ev->evidence) && isfinite(ev->needed))
			buf_printf(out, " (evidence %.3g of %.3g)", ev->evidence, ev->needed);
	}
	if (ev->reason)
		buf_printf(out, "%s%s", ev->pairs > 0 ? ", " : "", ev->reason);
	if (ev->run)
		buf_printf(out, " (skydeck log %s)", ev->run);
	if (p && p->state == STATE_SIGNING && m->autonomy != AUTONOMY_AUTO)
		buf_printf(out, "; waits for your signature: skydeck sign %s, or skydeck veto %s --reason \"…\"", p->id, p->id);
}

/* Bills and a provider's words come in all the time: a line is only for what is new about the worker itself. */
static int worker_line(const struct event *ev, const struct model *m, struct buf *out)
{
	const struct worker *w = model_worker(m, ev->worker);
	if (w && w->news != ev->time && isnan(ev->noise_percent))
		return 0;
	about(out, ev->worker);
	buf_printf(out, "%s", nothing_if_null(ev->state));
	if (!isnan(ev->noise_percent))
		buf_printf(out, ", noise %.1f %%", ev->noise_percent);
	if (ev->usd_per_hour > 0 && !(ev->state && !strcmp(ev->state, "down")))
		buf_printf(out, ", $%.2f/h", ev->usd_per_hour);
	if (ev->reason)
		buf_printf(out, ": %s", ev->reason);
	return 1;
}

static void submitted_line(const struct event *ev, const struct model *m, struct buf *out)
{
	about(out, ev->proposal);
	buf_printf(out, "proposed  %s (+%d -%d in %d file%s", nothing_if_null(ev->title), (int)ev->added, (int)ev->removed,
		   (int)ev->files, ev->files == 1 ? "" : "s");
	if (ev->rev > 1)
		buf_printf(out, ", revision %d", (int)ev->rev);
	buf_puts(out, ")");
	const struct proposal *p = model_proposal(m, ev->proposal);
	int is_stopped = ev->state && !strcmp(ev->state, "stopped");
	if (p && p->state == STATE_WAITING && m->autonomy != AUTONOMY_AUTO && !is_stopped)
		buf_printf(out, "; waits for you: skydeck approve %s, or skydeck veto %s --reason \"…\"", p->id, p->id);
}

static void comments_line(const struct event *ev, struct buf *out)
{
	about(out, ev->proposal);
	buf_puts(out, "changes asked for");
	for (size_t i = 0; i < ev->comments.count; i++) {
		const struct comment *c = &ev->comments.at[i];
		buf_puts(out, i ? "; " : ": ");
		if (c->file)
			buf_printf(out, "%s:%d ", c->file, (int)c->line);
		buf_puts(out, nothing_if_null(c->text));
	}
}

static void proposal_line(const struct event *ev, const char *what, const char *text, struct buf *out)
{
	about(out, ev->proposal);
	buf_puts(out, what);
	if (ev->by && strcmp(ev->by, "engine"))
		buf_printf(out, " by %s", ev->by);
	if (text)
		buf_printf(out, ": %s", text);
}

/* The first line of a text that may have several. */
static void first_line(struct buf *out, const char *text)
{
	text = nothing_if_null(text);
	buf_add(out, text, strcspn(text, "\n"));
}

static int agent_line(const struct event *ev, struct buf *out)
{
	switch (ev->kind) {
	case EVENT_SOURCE_IDENTIFIED:
		about(out, ev->source);
		buf_printf(out, "is \"%s\"%s%s", nothing_if_null(ev->title), ev->authors ? " by " : "", nothing_if_null(ev->authors));
		return 1;
	case EVENT_SOURCE_CHANGED:
		if (!ev->status || (strcmp(ev->status, "dismissed") && !ev->reason))
			return 0;
		about(out, ev->source);
		buf_printf(out, "%s%s%s", ev->status, ev->reason ? ": " : "", nothing_if_null(ev->reason));
		return 1;
	case EVENT_SOURCE_NOTED:
		about(out, ev->source);
		buf_printf(out, "note by %s: ", nothing_if_null(ev->by));
		first_line(out, ev->text);
		return 1;
	case EVENT_CLAIM_ADDED:
		about(out, ev->source);
		buf_puts(out, "says: ");
		first_line(out, ev->text);
		return 1;
	case EVENT_PROFILED:
		buf_printf(out, "profile by %s: %s%s%s", nothing_if_null(ev->what), ev->side ? "bound by " : "side not known", nothing_if_null(ev->side),
			   ev->reason ? "; " : "");
		buf_puts(out, nothing_if_null(ev->reason));
		return 1;
	case EVENT_STAGE_SET:
		buf_printf(out, "agent goes on to %s%s%s", nothing_if_null(ev->stage), ev->reason ? ": " : "", nothing_if_null(ev->reason));
		return 1;
	case EVENT_TURN_ENDED:
		buf_printf(out, "turn %d %s%s%s", (int)ev->turn, nothing_if_null(ev->status), ev->reason || ev->text ? ": " : "", nothing_if_null(ev->reason));
		if (!ev->reason)
			first_line(out, ev->text);
		return 1;
	case EVENT_SELF_REVIEWED:
		about(out, ev->proposal);
		buf_puts(out, "own review: ");
		first_line(out, ev->text);
		return 1;
	case EVENT_NOTED:
		buf_puts(out, "the agent notes: ");
		first_line(out, ev->text);
		return 1;
	case EVENT_PERMISSION_ASKED:
		buf_printf(out, "%s asks for permission (%s): ", nothing_if_null(ev->agent), nothing_if_null(ev->permission));
		first_line(out, ev->title);
		buf_printf(out, "; waits for you: skydeck permit %s, or skydeck refuse %s", nothing_if_null(ev->permission), nothing_if_null(ev->permission));
		return 1;
	case EVENT_PERMISSION_ANSWERED:
		buf_printf(out, "permission %s: %s by %s%s%s", nothing_if_null(ev->permission), nothing_if_null(ev->status), nothing_if_null(ev->by),
			   ev->reason ? ": " : "", nothing_if_null(ev->reason));
		return 1;
	default:
		return 0;
	}
}

static int session_line(const struct event *ev, const struct model *m, struct buf *out)
{
	switch (ev->kind) {
	case EVENT_SESSION_OPENED:
		buf_printf(out, "session %s opened on %s, branch %s", nothing_if_null(ev->session), nothing_if_null(ev->target),
			   nothing_if_null(ev->branch));
		return 1;
	case EVENT_SESSION_ENDED:
		buf_printf(out, "session %s ended: %s", nothing_if_null(m->session), nothing_if_null(ev->reason));
		return 1;
	case EVENT_SETTINGS:
		if (ev->text)
			buf_printf(out, "note: %s", ev->text);
		return ev->text != NULL;
	case EVENT_PAUSED:
		buf_printf(out, "paused%s%s", ev->reason ? ": " : "", nothing_if_null(ev->reason));
		return 1;
	case EVENT_RESUMED:
		buf_puts(out, "resumed");
		return 1;
	case EVENT_AUTONOMY_SET:
		buf_printf(out, "autonomy %s", nothing_if_null(ev->autonomy));
		return 1;
	case EVENT_BASELINE_SET:
		buf_printf(out, "baseline is %.10s", nothing_if_null(ev->commit));
		return 1;
	case EVENT_STEERED:
		buf_printf(out, "steered by %s: %s", nothing_if_null(ev->by), nothing_if_null(ev->text));
		return 1;
	case EVENT_ALERT:
		buf_printf(out, "alert: %s", nothing_if_null(ev->text));
		return 1;
	case EVENT_AGENT_CHANGED:
		buf_printf(out, "agent %s %s%s%s", nothing_if_null(ev->agent), nothing_if_null(ev->state), ev->text ? ": " : "",
			   nothing_if_null(ev->text));
		return 1;
	case EVENT_SOURCE_ADDED:
		about(out, ev->source);
		buf_printf(out, "%s: %s%s%s", nothing_if_null(ev->type), nothing_if_null(ev->title), ev->id ? ", " : "", nothing_if_null(ev->id));
		return 1;
	case EVENT_IDEA_ADDED:
		about(out, ev->idea);
		buf_printf(out, "idea: %s", nothing_if_null(ev->title));
		return 1;
	default:
		return agent_line(ev, out);
	}
}

int event_line(const struct event *ev, const struct model *m, struct buf *out)
{
	switch (ev->kind) {
	case EVENT_PROPOSAL_SUBMITTED:	submitted_line(ev, m, out); return 1;
	case EVENT_PROPOSAL_CONFLICT:
		about(out, ev->proposal);
		buf_printf(out, "does not apply: %s: ", nothing_if_null(ev->title));
		first_line(out, ev->text);
		return 1;
	case EVENT_GUARD_STOPPED:
		about(out, ev->proposal);
		buf_puts(out, "stopped by the guard: ");
		join(out, &ev->reasons, "; ");
		if (ev->proposal)
			buf_printf(out, "; skydeck waive %s --reason \"…\" lets it through", ev->proposal);
		return 1;
	case EVENT_GUARD_WAIVED:	proposal_line(ev, "waved past the guard", ev->reason, out); return 1;
	case EVENT_APPROVED:		proposal_line(ev, "approved", NULL, out); return 1;
	case EVENT_VETOED:		proposal_line(ev, "vetoed", ev->reason, out); return 1;
	case EVENT_REVISION_ASKED:	comments_line(ev, out); return 1;
	case EVENT_CANCELLED:		proposal_line(ev, "cancelled", NULL, out); return 1;
	case EVENT_RETRIED:		proposal_line(ev, "tried again", NULL, out); return 1;
	case EVENT_SIGNED:		proposal_line(ev, "signed", NULL, out); return 1;
	case EVENT_LANDED:
		about(out, ev->proposal);
		buf_printf(out, "landed    %.10s on %s", nothing_if_null(ev->commit), nothing_if_null(ev->branch));
		return 1;
	case EVENT_LANDING_FAILED:	proposal_line(ev, "did not land", ev->reason, out); return 1;
	case EVENT_WAVE_STARTED:
		buf_printf(out, "wave %d: ", (int)ev->wave);
		join(out, &ev->proposals, " ");
		return 1;
	case EVENT_WAVE_ENDED:		buf_printf(out, "wave %d ended", (int)ev->wave); return 1;
	case EVENT_WORKER_CHANGED:
		if (ev->state && !strcmp(ev->state, "busy"))
			return 0;
		return worker_line(ev, m, out);
	case EVENT_ROUND_VOIDED:
		about(out, ev->worker);
		buf_printf(out, "round %d does not count: %s", (int)ev->round, nothing_if_null(ev->reason));
		return 1;
	case EVENT_VERDICT:		verdict_line(ev, m, out); return 1;
	default:			return session_line(ev, m, out);
	}
}
