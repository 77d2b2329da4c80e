/* The agents that are a model behind an API. One implementation for every wire: a turn is a conversation of its own (speaker_turn.c),
 * so is a question without tools (question.c); how one is asked, and asked again, is conversation.c.
 *
 * A listener may stop or close the agent from inside whatever it is told. Closing silences everything at once, and frees it when
 * the last of these calls has returned. */
#include "core/agents/speaker.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { MODEL_MAX = 120 };	/* bytes of a model's name */

static void free_agent(struct agent *a)
{
	speaker_free_turn(a);
	speaker_free_askings(a);
	http_free(a->http);
	endpoint_release(&a->endpoint);
	strings_release(&a->guessed);
	free(a->root);
	free(a->model);
	free(a->told_system);
	free(a);
}

void speaker_enter(struct agent *a)
{
	a->entered++;
}

void speaker_leave(struct agent *a)
{
	if (!--a->entered && a->is_closed)
		free_agent(a);
}

struct agent *speaker_open(const struct wire_ops *wire, const struct agent_setup *setup, const struct patience *patience, struct err *err)
{
	struct endpoint endpoint;
	if (endpoint_init(&endpoint, wire, setup->config, err))
		return NULL;
	struct agent *a = xcalloc(1, sizeof *a);
	a->loop = setup->loop;
	a->http = http_new(a->loop);
	a->wire = wire;
	a->config = setup->config;
	a->listener = setup->listener;
	a->data = setup->data;
	a->endpoint = endpoint;
	a->patience = patience ? *patience : conversation_patience;
	a->root = xstrdup(setup->root);
	random_seed(&a->random, random_fresh_seed());
	return a;
}

static void speaker_close(struct agent *a)
{
	if (!a || a->is_closed)
		return;
	speaker_drop_turn(a);
	speaker_drop_askings(a);
	a->is_closed = 1;
	if (!a->entered)
		free_agent(a);
}

static const char *speaker_model(const struct agent *a)
{
	return a->model ? a->model : a->config->model;
}

struct bill *speaker_ready(struct agent *a, struct err *err)
{
	const char *key;
	return endpoint_key(&a->endpoint, &key, err) ? NULL : bill_new(a->root, a->endpoint.is_near, err);
}

struct conversation *speaker_talk(struct agent *a, const struct wire_setup *wire, const struct conversation_listener *listener, void *data)
{
	return conversation_new(&(struct conversation_setup){
		.loop = a->loop, .http = a->http, .wire = a->wire, .endpoint = &a->endpoint, .patience = &a->patience, .random = &a->random,
		.listener = listener, .data = data,
	}, wire);
}

static void note_model(struct agent *a, const char *name)
{
	if (!name || !*name)
		return;
	free(a->model);
	a->model = text_safe_string(name, strnlen(name, MODEL_MAX), TEXT_LINE);
}

static void say_guess(struct agent *a, const char *model)
{
	if (strings_have(&a->guessed, model))
		return;
	strings_add(&a->guessed, model);
	char *text = xasprintf("the price of %s is not known: it is counted at the dearest there is, until it stands in .skydeck/prices.json", model);
	if (a->listener->alert && !a->is_closed)
		a->listener->alert(a->data, text);
	free(text);
}

double speaker_price(struct agent *a, const struct bill *bill, const struct wire_answer *answer, struct buf *what)
{
	struct buf source = {0};
	int is_guessed;
	note_model(a, answer->model);
	double usd = bill_of(bill, answer, a->config->model, &is_guessed, &source);
	buf_printf(what, "%s, ", speaker_model(a));
	bill_say_tokens(what, &answer->tokens);
	buf_printf(what, " (%s)", buf_str(&source));
	buf_release(&source);
	if (is_guessed) {
		char *model = xstrdup(speaker_model(a));
		say_guess(a, model);
		free(model);
	}
	return usd;
}

static struct agent *open_api(const struct agent_setup *setup, struct err *err)
{
	return speaker_open(&api_wire, setup, NULL, err);
}

static struct agent *open_chat(const struct agent_setup *setup, struct err *err)
{
	return speaker_open(&chat_wire, setup, NULL, err);
}

#define SPEAKER_OPS(name, opens) { .kind = name, .open = opens, .turn = speaker_begin, .stop = speaker_stop, .ask = speaker_ask, \
	.ask_cancel = speaker_ask_cancel, .model = speaker_model, .close = speaker_close }

const struct agent_ops api_agent = SPEAKER_OPS("api", open_api);
const struct agent_ops chat_agent = SPEAKER_OPS("chat", open_chat);
