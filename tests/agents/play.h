/* A stream of a model API, played to a wire in pieces of any size, for tests without a network. */
#ifndef TESTS_AGENTS_PLAY_H
#define TESTS_AGENTS_PLAY_H

#include <stdlib.h>
#include <string.h>

#include "core/agents/wire.h"
#include "core/base/mem.h"

#define EVENT(name, json) "event: " name "\ndata: " json "\n\n"
#define DATA(json) "data: " json "\n\n"

struct play {
	const struct wire_ops *ops;
	struct wire *wire;
	struct buf text, thoughts;	/* what its listener heard */
	unsigned heard;			/* how often */
};

static inline void play_text(void *data, const char *bytes, size_t n)
{
	struct play *p = data;
	buf_add(&p->text, bytes, n);
	p->heard++;
}

static inline void play_thought(void *data, const char *bytes, size_t n)
{
	struct play *p = data;
	buf_add(&p->thoughts, bytes, n);
}

static inline void play_event(void *data, const char *name, const char *text, size_t n)
{
	struct play *p = data;
	p->ops->event(p->wire, name, text, n);
}

/* step 0: all at once. */
static inline void play_bytes(struct play *p, const char *bytes, size_t n, size_t step, int is_whole, struct wire_answer *out)
{
	struct sse sse = {0};
	const struct wire_listener listener = { .text = play_text, .thought = play_thought, .data = p };
	buf_truncate(&p->text, 0);
	buf_truncate(&p->thoughts, 0);
	p->heard = 0;
	p->ops->begin(p->wire, &listener);
	for (size_t i = 0; i < n; i += step ? step : n) {
		size_t size = step && n - i > step ? step : n - i;
		char *piece = xmalloc(size);	/* of its exact size, so that a read past its end is seen */
		memcpy(piece, bytes + i, size);
		sse_feed(&sse, piece, size, play_event, p);
		free(piece);
	}
	p->ops->finish(p->wire, is_whole, out);
	sse_release(&sse);
}

static inline void play_open(struct play *p, const struct wire_ops *ops, const struct wire_setup *setup)
{
	*p = (struct play){ .ops = ops, .wire = ops->open(setup) };
}

static inline void play_close(struct play *p)
{
	p->ops->close(p->wire);
	buf_release(&p->text);
	buf_release(&p->thoughts);
}

#endif
