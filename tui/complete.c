/* The grammar is the one that the help prints. Forms stand with " | " between them; in a form options have two dashes, and a
 * value where a word in capitals follows; small letters are words to be typed as they are, "|" between those to choose from;
 * capitals are what the user fills in, of which only ID can be known here. What cannot be read this way completes nothing.
 */
#include "tui/complete.h"

#include <ctype.h>
#include <string.h>

#include "core/data/model.h"

enum { WORDS_MAX = 32 };

struct word {
	const char *at;
	size_t size;
};

/* A form of a command: what is to stand in which place, and what may stand anywhere. */
struct form {
	struct word places[WORDS_MAX], options[WORDS_MAX];
	int takes_value[WORDS_MAX];
	int place_count, option_count;
	int repeats;				/* the last place may be filled again */
};

static size_t split(const char *text, size_t size, char separator, struct word out[WORDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < size && n < WORDS_MAX; ) {
		const char *end = memchr(text + i, separator, size - i);
		size_t length = end ? (size_t)(end - text) - i : size - i;
		if (length)
			out[n++] = (struct word){ text + i, length };
		i += length + 1;
	}
	return n;
}

static int is(struct word w, const char *text)
{
	return w.size == strlen(text) && !memcmp(w.at, text, w.size);
}

static int same(struct word a, struct word b)
{
	return a.size == b.size && !memcmp(a.at, b.at, a.size);
}

static int is_option(struct word w)
{
	return w.size > 2 && w.at[0] == '-' && w.at[1] == '-';
}

/* Brackets and … are for the reader. Returns whether there was a …. */
static int strip(struct word *w)
{
	static const char more[] = "…";
	size_t size = sizeof more - 1;
	int repeats = w->size > size && !memcmp(w->at + w->size - size, more, size);

	if (repeats)
		w->size -= size;
	if (w->size && *w->at == '[') {
		w->at++;
		w->size--;
	}
	while (w->size && w->at[w->size - 1] == ']')
		w->size--;
	return repeats;
}

static void read_form(struct word *words, size_t n, struct form *f)
{
	*f = (struct form){ 0 };
	for (size_t i = 0; i < n; i++) {
		int repeats = strip(&words[i]);
		if (!is_option(words[i])) {
			f->places[f->place_count++] = words[i];
			f->repeats = repeats;
			continue;
		}
		f->options[f->option_count] = words[i];
		f->takes_value[f->option_count++] = i + 1 < n && isupper((unsigned char)*words[i + 1].at);
		i += f->takes_value[f->option_count - 1] != 0;
	}
}

static int find_option(const struct form *f, struct word w)
{
	for (int i = 0; i < f->option_count; i++)
		if (same(f->options[i], w))
			return i;
	return -1;
}

/* Whether a word can stand in a place: one of those to choose from, or something that the user fills in. */
static int fits(struct word place, struct word w)
{
	struct word choices[WORDS_MAX];
	size_t n = split(place.at, place.size, '|', choices);

	for (size_t i = 0; i < n; i++)
		if (same(choices[i], w) || isupper((unsigned char)*choices[i].at))
			return 1;
	return 0;
}

/* Which place the next word takes when these stand already; -1: it is an option's value, or they do not fit. */
static int next_place(const struct form *f, const struct word *words, size_t n)
{
	int place = 0, option;

	for (size_t i = 0; i < n; i++) {
		if (is_option(words[i])) {
			option = find_option(f, words[i]);
			if (option < 0 || (f->takes_value[option] && ++i >= n))
				return -1;
		} else if (place < f->place_count && fits(f->places[place], words[i])) {
			place += !(f->repeats && place == f->place_count - 1);
		} else {
			return -1;
		}
	}
	return place;
}

static int takes(const char *command, const struct proposal *p)
{
	if (!strcmp(command, "approve"))
		return p->state == STATE_WAITING;
	if (!strcmp(command, "waive"))
		return p->state == STATE_STOPPED;
	if (!strcmp(command, "sign"))
		return p->state == STATE_SIGNING && !p->asked_to_sign;
	if (!strcmp(command, "retry"))
		return p->state == STATE_DONE || p->state == STATE_CANCELLED;
	return p->state != STATE_LANDED && p->state != STATE_VETOED && p->state != STATE_CANCELLED;
}

/* Adds the line with its last word completed to `text`, if it begins with that word and does not stand in the line already. */
static void add(const char *line, struct word last, const char *text, size_t size, struct strings *out)
{
	struct buf whole = { 0 };
	struct word words[WORDS_MAX];
	size_t n = split(line, (size_t)(last.at - line), ' ', words);

	if (size < last.size || memcmp(text, last.at, last.size))
		return;
	for (size_t i = 1; i < n; i++)
		if (same(words[i], (struct word){ text, size }))
			return;
	buf_add(&whole, line, (size_t)(last.at - line));
	buf_add(&whole, text, size);
	if (!strings_have(out, buf_str(&whole)))
		strings_add(out, buf_str(&whole));
	buf_release(&whole);
}

static void add_ids(const char *command, const struct model *m, const char *line, struct word last, struct strings *out)
{
	if (!strcmp(command, "worker")) {
		for (size_t i = 0; i < m->worker_count; i++)
			add(line, last, m->workers[i].id, strlen(m->workers[i].id), out);
	} else if (!strcmp(command, "source")) {
		for (size_t i = 0; i < m->source_count; i++)
			add(line, last, m->sources[i].id, strlen(m->sources[i].id), out);
	} else {
		for (size_t i = 0; i < m->proposal_count; i++)
			if (takes(command, &m->proposals[i]))
				add(line, last, m->proposals[i].id, strlen(m->proposals[i].id), out);
	}
}

static void complete_form(const struct ui_command *command, const struct form *f, const struct model *m, const char *line,
                          struct word last, struct strings *out)
{
	struct word words[WORDS_MAX], choices[WORDS_MAX];
	size_t n = split(line, (size_t)(last.at - line), ' ', words), choice_count;
	int place = next_place(f, words + 1, n - 1);

	if (place < 0)
		return;
	if (place < f->place_count && !(last.size && *last.at == '-')) {
		choice_count = split(f->places[place].at, f->places[place].size, '|', choices);
		for (size_t i = 0; i < choice_count; i++) {
			if (is(choices[i], "ID"))
				add_ids(command->name, m, line, last, out);
			else if (islower((unsigned char)*choices[i].at))
				add(line, last, choices[i].at, choices[i].size, out);
		}
		return;
	}
	for (int i = 0; i < f->option_count; i++)
		add(line, last, f->options[i].at, f->options[i].size, out);
}

static struct word last_word(const char *line)
{
	const char *blank = strrchr(line, ' ');
	const char *at = blank ? blank + 1 : line;

	return (struct word){ at, strlen(at) };
}

void complete_line(const struct ui_command *command, const struct model *m, const char *line, struct strings *out)
{
	struct word words[WORDS_MAX];
	struct form form;

	if (strpbrk(line, "\"'"))
		return;
	for (const char *at = command->args, *end; *at; at = end + (*end ? 3 : 0)) {
		end = strstr(at, " | ");
		end = end ? end : at + strlen(at);
		read_form(words, split(at, (size_t)(end - at), ' ', words), &form);
		complete_form(command, &form, m, line, last_word(line), out);
	}
}

void complete_explain(const struct model *m, const char *line, struct buf *out)
{
	const char *id = last_word(line).at;
	const struct proposal *p = model_proposal(m, id);
	const struct worker *w = model_worker(m, id);
	const struct source *s = model_source(m, id);

	if (p)
		buf_printf(out, "%s (%s)", p->title ? p->title : "", proposal_state_name(p->state));
	else if (w)
		buf_puts(out, w->name ? w->name : "");
	else if (s)
		buf_puts(out, s->title ? s->title : "");
}
