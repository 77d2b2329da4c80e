/* A turn of a model: it is told, answers, uses tools, gets their results, and so on until it has nothing more to say or a limit
 * is reached.
 *
 * Calls go out side by side and are answered in any order; the model gets the results in the order of its calls, all of them
 * before the next request. What is no call at all, or turns in circles, is answered here.
 *
 * A turn ends once: end_turn says how and silences everything; the listener hears it when the loop turns, so that it may be
 * ended from inside any callback. */
#include "core/agents/speaker.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/agents/repetition.h"
#include "core/agents/tool.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { SHOWN_MAX = 2000, RESULT_MAX = 256 << 10, WORDS_MAX = 2000, SAID_MAX = 8 << 20, LONGEST = 1000000000 };	/* bytes; LONGEST: seconds */

struct issued {			/* a call that the listener has; it may come back when there is no turn any more */
	struct agent_call call;	/* first: agent_answer finds us by it */
	struct speaker_turn *turn;
	size_t at;
	struct json *args;
	struct issued *next;
};

struct outcome {
	char *text;
	int is_error;
};

struct speaker_turn {
	struct agent *agent;
	unsigned number;
	struct turn_limits limits;
	char *system, *text;
	struct bill *bill;
	struct conversation *talk;
	struct loop_timer *begin, *late, *over;
	struct wire_answer answer;	/* whose calls are under way */
	struct outcome *outcomes;	/* one for each of them */
	struct issued *issued;
	size_t waiting;
	int is_calling, is_out_of_calls;
	struct repetition repetition;
	long replies, calls;
	double usd;
	struct tokens tokens;
	size_t heard;			/* bytes of the model's own that went into the transcript */
	int was_shortened;		/* an answer was cut off at its limit of tokens */
	char *words;
	const char *status;		/* NULL: it runs */
	char *reason;
};

/* The transcript. */

static void say(struct speaker_turn *t, enum said what, const char *bytes, size_t n)
{
	struct agent *a = t->agent;
	if (!a->is_closed && a->listener->said && n)
		a->listener->said(a->data, what, bytes, n);
}

static void note(struct speaker_turn *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct speaker_turn *t, const char *format, ...)
{
	char *text;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	struct buf line = {0};
	buf_printf(&line, "%s\n", text);
	say(t, SAID_NOTE, line.data, line.len);
	buf_release(&line);
	free(text);
}

/* The longest beginning of n bytes with at most max that does not end inside a character. */
static size_t cut(const char *bytes, size_t n, size_t max)
{
	if (n <= max)
		return n;
	for (n = max; n && ((unsigned char)bytes[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

static void say_told(struct speaker_turn *t)
{
	struct agent *a = t->agent;
	if (a->told_system && !strcmp(a->told_system, t->system)) {
		note(t, "what it is told in every turn stands in the transcript of turn %u", a->told_in);
	} else if (*t->system) {
		say(t, SAID_TOLD, t->system, strlen(t->system));
		say(t, SAID_TOLD, "\n\n", 2);
		string_set(&a->told_system, t->system);
		a->told_in = t->number;
	}
	say(t, SAID_TOLD, t->text, strlen(t->text));
}

/* The end. */

static void detach_calls(struct speaker_turn *t)
{
	for (struct issued *x = t->issued, *next; x; x = next) {
		next = x->next;
		x->turn = NULL;
		x->next = NULL;
	}
	t->issued = NULL;
	t->waiting = 0;
}

static void silence(struct speaker_turn *t)
{
	struct loop *loop = t->agent->loop;
	loop_cancel(loop, t->begin);
	loop_cancel(loop, t->late);
	loop_cancel(loop, t->over);
	t->begin = t->late = t->over = NULL;
	if (t->talk)
		conversation_hush(t->talk);
	detach_calls(t);
}

static void free_outcomes(struct speaker_turn *t)
{
	for (size_t i = 0; t->outcomes && i < t->answer.call_count; i++)
		free(t->outcomes[i].text);
	free(t->outcomes);
	t->outcomes = NULL;
	wire_answer_release(&t->answer);
	t->answer = (struct wire_answer){0};
}

static void free_turn(struct speaker_turn *t)
{
	silence(t);
	conversation_free(t->talk);
	free_outcomes(t);
	bill_free(t->bill);
	free(t->system);
	free(t->text);
	free(t->words);
	free(t->reason);
	free(t);
}

static void tell_end(void *data)
{
	struct speaker_turn *t = data;
	struct agent *a = t->agent;
	speaker_enter(a);
	t->over = NULL;
	conversation_stop(t->talk);	/* what was heard of an answer was paid for */
	if (!a->is_closed) {
		a->turn = NULL;
		a->listener->turn_ended(a->data, &(struct turn_end){ .status = t->status, .reason = t->reason, .text = t->words,
			.tokens = t->tokens, .calls = (unsigned)t->calls });
		free_turn(t);
	}
	speaker_leave(a);
}

static void end_turn(struct speaker_turn *t, const char *status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void end_turn(struct speaker_turn *t, const char *status, const char *format, ...)
{
	if (t->status || t->agent->is_closed)
		return;
	t->status = status;
	if (format) {
		struct err err;
		va_list args;
		char *text;
		va_start(args, format);
		if (vasprintf(&text, format, args) < 0)
			abort();
		va_end(args);
		err_set(&err, "%s", text);
		t->reason = xstrdup(err.text);
		free(text);
	}
	silence(t);
	t->over = loop_after(t->agent->loop, 0, tell_end, t);
}

/* The next request, if it may be. */

static void next_request(struct speaker_turn *t)
{
	const char *name = t->agent->config->name;
	if (t->status)
		return;
	if (t->limits.replies > 0 && t->replies >= t->limits.replies)
		end_turn(t, "limit", "the model was asked %ld times, all that a turn may take (agent.%s.replies)", t->replies, name);
	else if (t->limits.usd > 0 && t->usd >= t->limits.usd)
		end_turn(t, "limit", "the turn has cost $%.4f of the $%.4f that are left (agent.%s.budget, session.budget)", t->usd, t->limits.usd, name);
	else {
		t->replies++;
		conversation_ask(t->talk);
	}
}

/* Calls. */

static void give_results(struct speaker_turn *t)
{
	for (size_t i = 0; i < t->answer.call_count; i++) {
		const struct outcome *o = &t->outcomes[i];
		conversation_result(t->talk, t->answer.calls[i].id, o->text ? o->text : "", o->is_error);
	}
	free_outcomes(t);
}

static void calls_done(struct speaker_turn *t)
{
	if (t->status || t->waiting || t->is_calling)
		return;
	if (t->is_out_of_calls) {
		end_turn(t, "limit", "it used tools %ld times, all that a turn may take (agent.%s.calls)", t->calls, t->agent->config->name);
		return;
	}
	give_results(t);
	next_request(t);
}

static void take_result(struct speaker_turn *t, size_t at, const char *text, int is_error)
{
	struct buf line = {0};
	size_t n = strlen(text), shown = cut(text, n, SHOWN_MAX), kept = cut(text, n, RESULT_MAX);
	t->outcomes[at] = (struct outcome){ xstrndup(text, kept), is_error };
	if (t->answer.call_count > 1)
		buf_printf(&line, "%s: ", t->answer.calls[at].name);
	buf_puts(&line, is_error ? "error: " : "");
	buf_add(&line, text, shown);
	if (shown < n)
		buf_printf(&line, "… (%zu bytes)", n);
	buf_putc(&line, '\n');
	say(t, SAID_RESULT, line.data, line.len);
	buf_release(&line);
}

void agent_answer(struct agent_call *call, const char *text, int is_error)
{
	struct issued *x = (struct issued *)call;
	struct speaker_turn *t = x->turn;
	if (t) {
		struct agent *a = t->agent;
		speaker_enter(a);
		for (struct issued **at = &t->issued; *at; at = &(*at)->next)
			if (*at == x) {
				*at = x->next;
				break;
			}
		t->waiting--;
		take_result(t, x->at, text ? text : "", is_error);
		if (!a->is_closed)
			calls_done(t);
		speaker_leave(a);
	}
	json_free(x->args);
	free((char *)x->call.name);
	free(x);
}

static void issue(struct speaker_turn *t, size_t at, const struct tool *tool)
{
	struct issued *x = xcalloc(1, sizeof *x);
	x->args = t->answer.calls[at].args;
	t->answer.calls[at].args = NULL;	/* the call may outlive the turn */
	x->call = (struct agent_call){ .name = xstrdup(tool->name), .args = x->args };
	x->turn = t;
	x->at = at;
	x->next = t->issued;
	t->issued = x;
	t->waiting++;
	t->agent->listener->call(t->agent->data, &x->call);
}

static char *as_text(const struct wire_call *call)
{
	struct buf out = {0};
	if (call->args)
		json_print(call->args, &out);
	else if (call->arguments)
		text_safe(&out, call->arguments, strlen(call->arguments), TEXT_LINE);
	return out.len ? buf_take(&out) : xstrdup("");
}

static void say_call(struct speaker_turn *t, const struct wire_call *call, const char *args)
{
	struct buf line = {0};
	size_t n = strlen(args), shown = cut(args, n, SHOWN_MAX);
	buf_printf(&line, "%s %.*s%s\n", call->name, (int)shown, args, shown < n ? "…" : "");
	say(t, SAID_TOOL, line.data, line.len);
	buf_release(&line);
}

static void say_unknown(struct buf *why, const char *name)
{
	size_t count;
	const struct tool *all = tools_all(&count);
	buf_printf(why, "there is no tool %s: the tools are", name);
	for (size_t i = 0; i < count; i++)
		buf_printf(why, " %s", all[i].name);
}

static void say_circles(struct buf *why, enum repeated how)
{
	buf_printf(why, how == REPEATED_CALL ? "this same call was made %d times in a row and is not made again: " :
	           "the same two calls were made %d times by turns and are not made again: ", REPETITION_TIMES);
	buf_puts(why, "the answer would be the same. Do something else, or end your turn by saying what you need");
}

/* Whether the call is one at all; else why gets what the model has to hear. */
static const struct tool *check_call(const struct wire_call *call, enum repeated how, struct buf *why)
{
	const struct tool *tool = tool_find(call->name);
	struct err err = {0};
	if (how != REPEATED_NOT)
		say_circles(why, how);
	else if (!tool)
		say_unknown(why, call->name);
	else if (call->problem || !call->args)
		buf_printf(why, "the arguments of %s: %s", tool->name, call->problem ? call->problem : "they are no JSON object");
	else if (tool_check(tool, call->args, &err))
		buf_puts(why, err.text);
	return why->len ? NULL : tool;
}

static void make_call(struct speaker_turn *t, size_t at)
{
	const struct wire_call *call = &t->answer.calls[at];
	struct buf why = {0};
	t->is_out_of_calls = t->limits.calls > 0 && t->calls >= t->limits.calls;
	if (t->is_out_of_calls)
		return;
	t->calls++;
	char *args = as_text(call);
	say_call(t, call, args);
	enum repeated how = repetition_add(&t->repetition, call->name, args);
	free(args);
	if (t->repetition.warnings > REPETITION_WARNINGS) {
		end_turn(t, "limit", "the model turns in circles: it goes on to call %s as before, although it was told twice that it does", call->name);
		return;
	}
	const struct tool *tool = check_call(call, how, &why);
	if (t->status || t->agent->is_closed)
		;
	else if (tool)
		issue(t, at, tool);
	else
		take_result(t, at, buf_str(&why), 1);
	buf_release(&why);
}

static void make_calls(struct speaker_turn *t, struct wire_answer *answer)
{
	struct agent *a = t->agent;
	t->answer = *answer;
	*answer = (struct wire_answer){0};
	t->outcomes = xcalloc(t->answer.call_count, sizeof *t->outcomes);
	t->is_calling = 1;
	for (size_t i = 0; i < t->answer.call_count && !t->status && !a->is_closed && !t->is_out_of_calls; i++)
		make_call(t, i);
	t->is_calling = 0;
	if (!a->is_closed)
		calls_done(t);
}

/* What the model answers. */

static void keep_words(struct speaker_turn *t, const char *text)
{
	if (!text || !text[strspn(text, " \t\r\n")])
		return;
	size_t n = strlen(text), shown = cut(text, n, WORDS_MAX);
	while (shown && strchr(" \t\r\n", text[shown - 1]))
		shown--;
	free(t->words);
	t->words = text_safe_string(text, shown, TEXT_LINE);
}

/* The calls of an answer that was cut off are not trusted to be whole. */
static void shorten(struct speaker_turn *t, const struct wire_answer *answer)
{
	const char *name = t->agent->config->name;
	if (t->was_shortened) {
		end_turn(t, "limit", "the model's answers do not fit into %ld tokens (agent.%s.tokens)", t->limits.tokens, name);
		return;
	}
	t->was_shortened = 1;
	for (size_t i = 0; i < answer->call_count; i++)
		conversation_result(t->talk, answer->calls[i].id, "this was not carried out: your answer was cut off", 1);
	conversation_say(t->talk, "Your answer was cut off: it was longer than an answer may be. Go on from there, in shorter answers: "
	                          "one tool call at a time, patches as small as they can be.");
	note(t, "the answer was cut off at its limit of tokens; it is asked to be shorter");
	next_request(t);
}

static void answered(void *data, struct wire_answer *answer)
{
	struct speaker_turn *t = data;
	struct agent *a = t->agent;
	speaker_enter(a);
	keep_words(t, answer->text);
	if (answer->stop == STOP_REFUSED)
		end_turn(t, "refused", "%s", answer->reason ? answer->reason : "the model refused without a reason");
	else if (answer->stop == STOP_CONTEXT)
		end_turn(t, "limit", "the conversation no longer fits into the model's context: the next turn begins a new one");
	else if (answer->stop == STOP_MAX_TOKENS)
		shorten(t, answer);
	else if (answer->call_count)
		make_calls(t, answer);
	else if (answer->stop == STOP_PAUSED)
		next_request(t);
	else
		end_turn(t, "done", NULL);
	speaker_leave(a);
}

static void failed(void *data, const char *why)
{
	struct speaker_turn *t = data;
	end_turn(t, "failed", "%s", why);
}

static void used(void *data, const struct wire_answer *answer)
{
	struct speaker_turn *t = data;
	struct agent *a = t->agent;
	struct buf what = {0};
	const struct tokens *n = &answer->tokens;
	if (!n->in && !n->read && !n->written && !n->out && !isfinite(answer->usd))
		return;
	speaker_enter(a);
	t->tokens.in += n->in;
	t->tokens.read += n->read;
	t->tokens.written += n->written;
	t->tokens.out += n->out;
	buf_printf(&what, "turn %u: ", t->number);
	double usd = speaker_price(a, t->bill, answer, &what);
	t->usd += usd;
	note(t, "$%.4f: %s%s", usd, buf_str(&what), answer->stop == STOP_CUT ? ", of an answer that broke off" : "");
	if (usd > 0 && !a->is_closed)
		a->listener->spent(a->data, usd, buf_str(&what));
	buf_release(&what);
	speaker_leave(a);
}

static void waits(void *data, const char *text)
{
	struct speaker_turn *t = data;
	struct agent *a = t->agent;
	speaker_enter(a);
	if (text)
		note(t, "%s", text);
	if (!a->is_closed && !t->status)
		a->listener->changed(a->data, "working", text);
	speaker_leave(a);
}

static void heard(struct speaker_turn *t, enum said what, const char *bytes, size_t n)
{
	struct agent *a = t->agent;
	size_t left = SAID_MAX - t->heard;
	if (!left)
		return;
	speaker_enter(a);
	t->heard += n < left ? n : left;
	say(t, what, bytes, n < left ? n : left);
	if (t->heard == SAID_MAX)
		note(t, "the rest of what the model says in this turn is not kept: it is over %d MiB", SAID_MAX >> 20);
	speaker_leave(a);
}

static void text_came(void *data, const char *bytes, size_t n)
{
	heard(data, SAID_TEXT, bytes, n);
}

static void thought_came(void *data, const char *bytes, size_t n)
{
	heard(data, SAID_THOUGHT, bytes, n);
}

static const struct conversation_listener hears = { text_came, thought_came, waits, used, answered, failed };

/* The beginning. */

static void too_late(void *data)
{
	struct speaker_turn *t = data;
	t->late = NULL;
	end_turn(t, "limit", "the turn took %.0f s, all that it may take (agent.%s.minutes)", t->limits.seconds, t->agent->config->name);
}

static void begin(void *data)
{
	struct speaker_turn *t = data;
	struct agent *a = t->agent;
	speaker_enter(a);
	t->begin = NULL;
	say_told(t);
	if (!t->status && !a->is_closed) {
		conversation_say(t->talk, t->text);
		next_request(t);
	}
	speaker_leave(a);
}

int speaker_begin(struct agent *a, const struct turn_plan *plan, struct err *err)
{
	if (a->turn)
		return err_set(err, "turn %u of agent %s still runs", a->turn->number, a->config->name);
	struct bill *bill = speaker_ready(a, err);
	if (!bill)
		return -1;
	struct speaker_turn *t = xcalloc(1, sizeof *t);
	t->agent = a;
	t->number = plan->number;
	t->limits = plan->limits;
	t->system = xstrdup(plan->system ? plan->system : "");
	t->text = xstrdup(plan->text ? plan->text : "");
	t->bill = bill;
	t->talk = speaker_talk(a, &(struct wire_setup){ .config = a->config, .system = t->system, .with_tools = 1, .tokens = plan->limits.tokens }, &hears, t);
	t->begin = loop_after(a->loop, 0, begin, t);
	if (plan->limits.seconds > 0 && plan->limits.seconds < LONGEST)
		t->late = loop_after(a->loop, (int64_t)(plan->limits.seconds * 1e6), too_late, t);
	a->turn = t;
	return 0;
}

void speaker_stop(struct agent *a, const char *why)
{
	if (a->turn)
		end_turn(a->turn, "cancelled", "%s", why ? why : "stopped");
}

void speaker_drop_turn(struct agent *a)
{
	if (a->turn)
		silence(a->turn);
}

void speaker_free_turn(struct agent *a)
{
	if (a->turn)
		free_turn(a->turn);
	a->turn = NULL;
}
