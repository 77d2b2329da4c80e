/* What must hold for any bytes that a model API sends; see properties.h. Replayed over corpus/wire by tests/unit/agents_fuzz_test.c. */
#ifndef TESTS_FUZZ_WIRE_PROPERTIES_H
#define TESTS_FUZZ_WIRE_PROPERTIES_H

#include "tests/agents/play.h"
#include "tests/fuzz/properties.h"

static inline void sse_hear(void *data, const char *name, const char *text, size_t n)
{
	buf_printf(data, "%s\n%zu ", name, n);
	buf_add(data, text, n);
}

static inline void sse_all(const char *text, size_t len, size_t step, struct buf *out)
{
	struct sse s = {0};
	for (size_t i = 0; i < len; i += step)
		sse_feed(&s, text + i, len - i < step ? len - i : step, sse_hear, out);
	sse_release(&s);
}

/* Events are the same however they arrive. */
static inline const char *sse_property(const char *text, size_t len, size_t step)
{
	struct buf one = {0}, two = {0};
	sse_all(text, len, len ? len : 1, &one);
	sse_all(text, len, step, &two);
	MUST(one.len == two.len && (!one.len || !memcmp(one.data, two.data, one.len)));
	buf_release(&one);
	buf_release(&two);
	return NULL;
}

static inline const char *is_safe(const char *s)
{
	struct buf again = {0};
	MUST(!s || text_is_valid(s, strlen(s)));
	MUST(!s || !text_safe(&again, s, strlen(s), TEXT_LINE));
	buf_release(&again);
	return NULL;
}

static inline const char *answer_property(const struct wire_answer *a)
{
	const char *broken;
	if ((broken = is_safe(a->reason)) || (broken = is_safe(a->model)))
		return broken;
	MUST(a->text && text_is_valid(a->text, strlen(a->text)));
	MUST(a->tokens.in >= 0 && a->tokens.read >= 0 && a->tokens.written >= 0 && a->tokens.out >= 0);
	MUST(a->written_hour >= 0 && a->written_hour <= a->tokens.written);
	MUST(isnan(a->usd) || a->usd >= 0);
	MUST((a->stop == STOP_CUT) <= (a->reason != NULL));
	MUST(a->call_count == 0 || (a->stop != STOP_CUT && a->stop != STOP_REFUSED && a->stop != STOP_END));
	for (size_t i = 0; i < a->call_count; i++) {
		MUST(json_is_object(a->calls[i].args) != (a->calls[i].problem != NULL));
		if ((broken = is_safe(a->calls[i].name)) || (broken = is_safe(a->calls[i].problem)))
			return broken;
	}
	return NULL;
}

/* The request after it is JSON, and begins with what stood before it unless the turn was refused. */
static inline const char *request_property(struct play *p, const struct buf *before, enum wire_stop stop)
{
	struct buf body = {0};
	struct err err;
	p->ops->request(p->wire, &body);
	struct json *v = json_parse(body.data, body.len, &err);
	MUST(v);
	json_free(v);
	size_t stable = before->len - 3;	/* "}]}": a breakpoint may stand, or have stood, before it */
	char *mark = memmem(before->data, before->len, ",\"cache_control\":{\"type\":\"ephemeral\"}", 37);
	if (mark)
		stable = (size_t)(mark - before->data);
	MUST(stop == STOP_REFUSED || (body.len >= stable && !memcmp(body.data, before->data, stable)));
	MUST(stop != STOP_CUT || (body.len == before->len && !memcmp(body.data, before->data, body.len)));
	buf_release(&body);
	return NULL;
}

static inline const char *wire_answers(const struct wire_ops *ops, const char *text, size_t len, size_t step)
{
	struct config_agent config = { .model = (char *)"m" };
	const struct wire_setup setup = { .config = &config, .system = "s", .tokens = 9 };
	const char *broken = NULL;
	struct play p;
	play_open(&p, ops, &setup);
	for (int turn = 0; turn < 3 && !broken; turn++) {	/* the second time on top of the first */
		struct wire_answer a;
		struct buf before = {0};
		ops->say(p.wire, "x");
		ops->request(p.wire, &before);
		play_bytes(&p, text, len, turn == 1 ? step : 0, turn == 1, &a);
		if (!(broken = answer_property(&a)))
			broken = request_property(&p, &before, a.stop);
		for (size_t i = 0; i < a.call_count && turn == 1; i++)
			ops->result(p.wire, a.calls[i].id, "ok", (int)i % 2);
		wire_answer_release(&a);
		buf_release(&before);
	}
	play_close(&p);
	return broken;
}

static inline const char *trouble_property(const char *text, size_t len, int status)
{
	struct strings headers = {0};
	struct wire_trouble out;
	char *line = xasprintf("retry-after: %.*s", (int)(len < 40 ? len : 40), text);
	strings_add(&headers, line);
	api_wire.explain(status, text, len, &headers, &out);
	const char *broken = is_safe(out.text);
	MUST(*out.text && (isnan(out.wait) || (out.wait >= 0 && out.wait <= 86400)));
	free(out.text);
	free(line);
	strings_release(&headers);
	return broken;
}

/* The first byte gives the size of the pieces and a status. */
static inline const char *wire_property(const uint8_t *bytes, size_t len)
{
	if (!len)
		return NULL;
	size_t n = len - 1, step = 1 + bytes[0] % 32;
	char *text = xmalloc(n ? n : 1);	/* of its exact size, so that a read past its end is seen */
	memcpy(text, bytes + 1, n);
	const char *broken = sse_property(text, n, step);
	if (!broken)
		broken = wire_answers(&api_wire, text, n, step);
	if (!broken)
		broken = wire_answers(&chat_wire, text, n, step);
	if (!broken)
		broken = trouble_property(text, n, 300 + bytes[0]);
	free(text);
	return broken;
}

#endif
