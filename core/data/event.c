/* The codec of events. Printing writes JSON by hand, since it is the hot path of the engine (journal and every viewer
 * share the line); reading goes through the strict parser, since a journal may have been touched by others. */
#include "core/data/event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

enum field_type { TEXT, WHOLE, REAL, LIST, REALS, METRICS, COMMENTS, LOG };

static const struct {
	const char *name;
	enum field_type type;
	size_t offset;
} fields[] = {
#define X(name, type) { #name, type, offsetof(struct event, name) },
	EVENT_FIELDS(X)
#undef X
};

/* What each kind has, each list ended by EVENT_FIELD_COUNT. */
#define F(name) FIELD_##name,
#define X(id, name, fields) static const unsigned char fields_of_##id[] = { fields EVENT_FIELD_COUNT };
EVENT_KINDS(X)
#undef X
#undef F

static const struct {
	const char *name;
	const unsigned char *fields;
} kinds[] = {
#define X(id, name, fields) { name, fields_of_##id },
	EVENT_KINDS(X)
#undef X
};

void comments_add(struct comments *list, const char *file, int64_t line, const char *text, const char *by)
{
	struct comment *c = array_add(&list->at, &list->count, &list->room, sizeof *c);
	*c = (struct comment){ xstrdup(file), line, xstrdup(text), xstrdup(by) };
}

void comments_release(struct comments *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->at[i].file);
		free(list->at[i].text);
		free(list->at[i].by);
	}
	free(list->at);
	*list = (struct comments){0};
}

void reals_add(struct reals *list, double v)
{
	double *slot = array_add(&list->at, &list->count, &list->room, sizeof *slot);
	*slot = v;
}

const char *event_name(enum event_kind kind)
{
	return kind < EVENT_KIND_COUNT ? kinds[kind].name : "unknown";
}

int event_has(enum event_kind kind, enum event_field field)
{
	if (kind >= EVENT_KIND_COUNT)
		return 0;
	const unsigned char *f = kinds[kind].fields;
	while (*f != EVENT_FIELD_COUNT && *f != field)
		f++;
	return *f == field;
}

static void print_key(struct buf *out, const char *name)
{
	buf_add(out, ",\"", 2);
	buf_puts(out, name);
	buf_add(out, "\":", 2);
}

static void print_integer(struct buf *out, int64_t v)
{
	char digits[24], *p = digits + sizeof digits;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(out, p, (size_t)(digits + sizeof digits - p));
}

static void print_strings(struct buf *out, const struct strings *list)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			buf_putc(out, ',');
		json_quote(out, list->at[i]);
	}
	buf_putc(out, ']');
}

static void print_numbers(struct buf *out, const double *v, size_t n)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(out, ',');
		json_print_number(out, v[i]);
	}
	buf_putc(out, ']');
}

static void print_metrics(struct buf *out, const struct metrics *m)
{
	buf_putc(out, '{');
	for (size_t i = 0; i < m->count; i++) {
		if (i)
			buf_putc(out, ',');
		json_quote(out, m->at[i].name);
		buf_putc(out, ':');
		if (m->at[i].count == 1)
			json_print_number(out, m->at[i].values[0]);
		else
			print_numbers(out, m->at[i].values, m->at[i].count);
	}
	buf_putc(out, '}');
}

static void print_comments(struct buf *out, const struct comments *list)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		const struct comment *c = &list->at[i];
		buf_puts(out, i ? ",{\"text\":" : "{\"text\":");
		json_quote(out, c->text);
		if (c->file) {
			print_key(out, "file");
			json_quote(out, c->file);
			print_key(out, "line");
			print_integer(out, c->line);
		}
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void print_log(struct buf *out, const struct log_reference *log)
{
	buf_puts(out, "{\"file\":");
	json_quote(out, log->file);
	print_key(out, "bytes");
	print_integer(out, log->bytes);
	print_key(out, "lines");
	print_integer(out, log->lines);
	buf_putc(out, '}');
}

/* The null lane is the arm null in JSON and "null" inside. */
static void print_text(struct buf *out, enum event_field f, const char *s)
{
	if (f == FIELD_arm && !strcmp(s, "null"))
		buf_puts(out, "null");
	else
		json_quote(out, s);
}

static int is_absent(enum field_type type, const void *at)
{
	switch (type) {
	case TEXT:	return !*(const char *const *)at;
	case REAL:	return isnan(*(const double *)at);
	case LIST:	return !((const struct strings *)at)->count;
	case REALS:	return !((const struct reals *)at)->count;
	case METRICS:	return !((const struct metrics *)at)->count;
	case COMMENTS:	return !((const struct comments *)at)->count;
	case LOG:	return !((const struct log_reference *)at)->file;
	case WHOLE:	return 0;
	}
	return 1;
}

static void print_field(struct buf *out, const struct event *ev, enum event_field f)
{
	const void *at = (const char *)ev + fields[f].offset;
	if (is_absent(fields[f].type, at))
		return;
	print_key(out, fields[f].name);
	switch (fields[f].type) {
	case TEXT:	print_text(out, f, *(const char *const *)at); break;
	case WHOLE:	print_integer(out, *(const int64_t *)at); break;
	case REAL:	json_print_number(out, *(const double *)at); break;
	case LIST:	print_strings(out, at); break;
	case REALS:	print_numbers(out, ((const struct reals *)at)->at, ((const struct reals *)at)->count); break;
	case METRICS:	print_metrics(out, at); break;
	case COMMENTS:	print_comments(out, at); break;
	case LOG:	print_log(out, at); break;
	}
}

void event_print(const struct event *ev, struct buf *out)
{
	char time[CLOCK_TEXT];
	clock_format(ev->time, time);
	buf_puts(out, "{\"seq\":");
	print_integer(out, (int64_t)ev->seq);
	buf_puts(out, ",\"time\":\"");
	buf_puts(out, time);
	buf_puts(out, "\",\"kind\":");
	json_quote(out, ev->kind == EVENT_UNKNOWN && ev->kind_name ? ev->kind_name : event_name(ev->kind));
	buf_puts(out, ",\"by\":");
	json_quote(out, ev->by ? ev->by : "engine");
	if (ev->kind < EVENT_KIND_COUNT)
		for (const unsigned char *f = kinds[ev->kind].fields; *f != EVENT_FIELD_COUNT; f++)
			print_field(out, ev, *f);
	buf_putc(out, '}');
}

static void read_metrics(struct metrics *m, const struct json *v)
{
	for (const struct json *i = json_is_object(v) ? json_first(v) : NULL; i; i = json_next(i)) {
		if (json_is_number(i))
			metrics_add(m, json_key(i), json_number(i, 0));
		for (const struct json *k = json_is_array(i) ? json_first(i) : NULL; k; k = json_next(k))
			if (json_is_number(k))
				metrics_add(m, json_key(i), json_number(k, 0));
	}
}

static void read_comments(struct comments *list, const struct json *v, const char *by)
{
	for (const struct json *i = json_is_array(v) ? json_first(v) : NULL; i; i = json_next(i))
		comments_add(list, json_string(json_get(i, "file"), NULL), json_integer(json_get(i, "line"), 0),
			     json_string(json_get(i, "text"), ""), by);
}

static void read_field(struct event *ev, enum event_field f, const struct json *v)
{
	void *at = (char *)ev + fields[f].offset;
	switch (fields[f].type) {
	case TEXT:	*(const char **)at = json_string(v, f == FIELD_arm && json_is_null(v) ? "null" : NULL); break;
	case WHOLE:	*(int64_t *)at = json_integer(v, 0); break;
	case REAL:	*(double *)at = json_number(v, NAN); break;
	case LIST:
		for (const struct json *i = json_is_array(v) ? json_first(v) : NULL; i; i = json_next(i))
			strings_add(at, json_string(i, ""));
		break;
	case REALS:
		for (const struct json *i = json_is_array(v) ? json_first(v) : NULL; i; i = json_next(i))
			reals_add(at, json_number(i, NAN));
		break;
	case METRICS:	read_metrics(at, v); break;
	case COMMENTS:	read_comments(at, v, ev->by); break;
	case LOG:
		((struct log_reference *)at)->file = xstrdup(json_string(json_get(v, "file"), NULL));
		((struct log_reference *)at)->bytes = json_integer(json_get(v, "bytes"), 0);
		((struct log_reference *)at)->lines = json_integer(json_get(v, "lines"), 0);
		break;
	}
}

/* Members come in the order of the kind's list when we wrote them, so the search starts where the last one ended. */
static void read_members(struct event *ev, const struct json *document)
{
	const unsigned char *list = kinds[ev->kind].fields, *next = list;
	for (const struct json *i = json_first(document); i; i = json_next(i)) {
		const unsigned char *f = next;
		while (*f != EVENT_FIELD_COUNT && strcmp(fields[*f].name, json_key(i)))
			f++;
		if (*f == EVENT_FIELD_COUNT && next != list)
			for (f = list; *f != EVENT_FIELD_COUNT && strcmp(fields[*f].name, json_key(i));)
				f++;
		if (*f == EVENT_FIELD_COUNT)
			continue;
		read_field(ev, *f, i);
		next = f + 1;
	}
}

static enum event_kind kind_of(const char *name)
{
	enum event_kind kind = 0;
	while (kind < EVENT_KIND_COUNT && strcmp(kinds[kind].name, name))
		kind++;
	return kind;
}

int event_from_json(struct event *ev, struct json *document, struct err *err)
{
	*ev = (struct event){ .document = document };
	const char *kind = json_string(json_get(document, "kind"), NULL), *time = json_string(json_get(document, "time"), "");
	if (!kind || clock_parse(time, &ev->time) < 0) {
		json_free(document);
		*ev = (struct event){0};
		return err_set(err, "an event needs a kind and a time");
	}
	ev->kind = kind_of(kind);
	ev->kind_name = kind;
	ev->seq = (uint64_t)json_integer(json_get(document, "seq"), 0);
	ev->by = json_string(json_get(document, "by"), "engine");
	if (ev->kind == EVENT_UNKNOWN)
		return 0;
	for (const unsigned char *f = kinds[ev->kind].fields; *f != EVENT_FIELD_COUNT; f++)
		if (fields[*f].type == REAL)
			*(double *)((char *)ev + fields[*f].offset) = NAN;
	read_members(ev, document);
	return 0;
}

int event_parse(struct event *ev, const char *line, size_t len, struct err *err)
{
	struct json *document = json_parse(line, len, err);
	return document ? event_from_json(ev, document, err) : -1;
}

void event_release(struct event *ev)
{
	if (!ev->document)
		return;
	for (size_t f = 0; f < EVENT_FIELD_COUNT; f++) {
		void *at = (char *)ev + fields[f].offset;
		switch (fields[f].type) {
		case LIST:	strings_release(at); break;
		case REALS:	free(((struct reals *)at)->at); break;
		case METRICS:	metrics_release(at); break;
		case COMMENTS:	comments_release(at); break;
		case LOG:	free(((struct log_reference *)at)->file); break;
		default:	break;
		}
	}
	json_free(ev->document);
	*ev = (struct event){0};
}
