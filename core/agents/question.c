/* A question to a model without tools: for text that nobody trusts, and for reviews. A conversation of one answer, beside whatever
 * turn runs. It is over once it was answered or given up, and freed when the loop turns. */
#include "core/agents/speaker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { PAUSES_MAX = 5, SECOND = 1000000, MINUTES = 30 };

struct asking {
	struct asking *next;
	struct agent *agent;
	struct question question;	/* its texts are ours */
	struct bill *bill;
	struct conversation *talk;
	struct loop_timer *late, *over;
	unsigned pauses;
	double usd;
	char *model;
	int is_over, is_cancelled;
};

static void free_asking(struct asking *q)
{
	loop_cancel(q->agent->loop, q->late);
	loop_cancel(q->agent->loop, q->over);
	conversation_free(q->talk);
	bill_free(q->bill);
	free((char *)q->question.system);
	free((char *)q->question.text);
	free((char *)q->question.schema);
	free(q->model);
	free(q);
}

/* Nobody waits for it any more, but its money was spent. */
static void tell_lost_money(struct asking *q)
{
	struct agent *a = q->agent;
	conversation_stop(q->talk);
	if (!q->is_cancelled || q->usd <= 0 || a->is_closed || !a->listener->spent)
		return;
	char *what = xasprintf("a question that was given up: %s", q->model ? q->model : a->config->model);
	a->listener->spent(a->data, q->usd, what);
	free(what);
}

static void all_over(void *data)
{
	struct asking *q = data;
	struct agent *a = q->agent;
	speaker_enter(a);
	q->over = NULL;
	tell_lost_money(q);
	for (struct asking **at = &a->askings; *at && !a->is_closed; at = &(*at)->next)
		if (*at == q) {
			*at = q->next;
			free_asking(q);
			break;
		}
	speaker_leave(a);
}

static void end_asking(struct asking *q)
{
	q->is_over = 1;
	conversation_hush(q->talk);
	loop_cancel(q->agent->loop, q->late);
	q->late = NULL;
	q->over = loop_after(q->agent->loop, 0, all_over, q);
}

static void give(struct asking *q, const char *text, const char *problem)
{
	if (q->is_over || q->agent->is_closed)
		return;
	end_asking(q);
	q->question.answered(q->question.data, text, problem, q->usd, q->model ? q->model : q->agent->config->model);
}

static void pause_over(struct asking *q)
{
	if (++q->pauses > PAUSES_MAX)
		give(q, NULL, "the model paused again and again, and did not answer");
	else
		conversation_ask(q->talk);
}

static void answered(void *data, struct wire_answer *answer)
{
	struct asking *q = data;
	struct agent *a = q->agent;
	speaker_enter(a);
	if (answer->stop == STOP_REFUSED)
		give(q, NULL, answer->reason ? answer->reason : "the model refused without a reason");
	else if (answer->stop == STOP_CONTEXT)
		give(q, NULL, "the text does not fit into the model's context");
	else if (answer->stop == STOP_MAX_TOKENS)
		give(q, NULL, "the answer was cut off at its limit of tokens");
	else if (answer->stop == STOP_PAUSED)
		pause_over(q);
	else if (answer->call_count)
		give(q, NULL, "the model wanted to use a tool, and has none here");
	else
		give(q, answer->text ? answer->text : "", NULL);
	speaker_leave(a);
}

static void failed(void *data, const char *why)
{
	struct asking *q = data;
	struct agent *a = q->agent;
	speaker_enter(a);
	give(q, NULL, why);
	speaker_leave(a);
}

static void used(void *data, const struct wire_answer *answer)
{
	struct asking *q = data;
	struct agent *a = q->agent;
	const struct tokens *n = &answer->tokens;
	struct buf what = {0};
	if (!n->in && !n->read && !n->written && !n->out && !isfinite(answer->usd))
		return;
	speaker_enter(a);
	if (answer->model) {
		free(q->model);
		q->model = text_safe_string(answer->model, strlen(answer->model), TEXT_LINE);
	}
	q->usd += speaker_price(a, q->bill, answer, &what);
	buf_release(&what);
	speaker_leave(a);
}

static void nothing(void *data, const char *bytes, size_t n)
{
	(void)data, (void)bytes, (void)n;
}

static void waits(void *data, const char *text)
{
	(void)data, (void)text;
}

static void too_late(void *data)
{
	struct asking *q = data;
	struct agent *a = q->agent;
	speaker_enter(a);
	q->late = NULL;
	give(q, NULL, "the model did not answer in time");
	speaker_leave(a);
}

static const struct conversation_listener hears = { nothing, nothing, waits, used, answered, failed };

struct asking *speaker_ask(struct agent *a, const struct question *question, struct err *err)
{
	struct bill *bill = speaker_ready(a, err);
	if (!bill) {
		err_prefix(err, "agent %s", a->config->name);
		return NULL;
	}
	struct asking *q = xcalloc(1, sizeof *q);
	q->agent = a;
	q->bill = bill;
	q->question = *question;
	q->question.system = xstrdup(question->system ? question->system : "");
	q->question.text = xstrdup(question->text ? question->text : "");
	q->question.schema = xstrdup(question->schema);
	q->talk = speaker_talk(a, &(struct wire_setup){ .config = a->config, .system = q->question.system, .schema = q->question.schema,
		.tokens = question->tokens > 0 ? question->tokens : a->config->tokens }, &hears, q);
	q->late = loop_after(a->loop, (int64_t)(a->config->minutes > 0 ? a->config->minutes : MINUTES) * 60 * SECOND, too_late, q);
	q->next = a->askings;
	a->askings = q;
	conversation_say(q->talk, q->question.text);
	conversation_ask(q->talk);
	return q;
}

void speaker_ask_cancel(struct asking *q)
{
	if (q->is_over)
		return;
	q->is_cancelled = 1;
	end_asking(q);
}

void speaker_drop_askings(struct agent *a)
{
	for (struct asking *q = a->askings; q; q = q->next) {
		conversation_hush(q->talk);
		loop_cancel(a->loop, q->late);
		loop_cancel(a->loop, q->over);
		q->late = q->over = NULL;
		q->is_over = 1;
	}
}

void speaker_free_askings(struct agent *a)
{
	for (struct asking *q; (q = a->askings);) {
		a->askings = q->next;
		free_asking(q);
	}
}
