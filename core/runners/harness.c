/* The harness's grammar (formats of the autoresearch family: pi-autoresearch's METRIC pattern, SkyPilot's grep,
 * GreenCedar's pattern, and the output of SkyPilot's experiment.yaml).
 *
 * Bytes are gathered into lines, of which only the first HARNESS_LINE_MAX bytes are kept: 10 MB without a newline
 * cost 4 KB. A lone CR ends a line too, as it does in pi's pattern, so that a progress bar does not swallow the
 * METRIC behind it.
 *
 * experiment.yaml prints its METRIC lines once more in a trailer that begins with EXPERIMENT_ID. Those are no
 * samples. But a harness of one's own may print that word for itself, so the trailer only counts once there was
 * something to repeat, and only a name that was seen before is a repetition.
 *
 * One thing that pi takes is not taken: a METRIC and its name on two lines (its \s+ crosses newlines by accident). */
#include "core/runners/harness.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"

struct span {
	const char *at;
	size_t len;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static struct span trimmed(struct span s)
{
	while (s.len && is_blank(*s.at))
		s.at++, s.len--;
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

static size_t word_length(struct span s)
{
	size_t n = 0;
	while (n < s.len && !is_blank(s.at[n]))
		n++;
	return n;
}

static struct span after(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.len - n };
}

/* The length of a control sequence at s: ESC [ parameters, and its final byte (ECMA-48 5.4); 0 when it is none. */
static size_t control_sequence(struct span s)
{
	size_t n = 2;
	if (s.len < 3 || s.at[0] != '\033' || s.at[1] != '[')
		return 0;
	while (n < s.len && s.at[n] >= 0x20 && s.at[n] < 0x40)
		n++;
	return n < s.len ? n + 1 : 0;
}

static void strip_colours(struct buf *line)
{
	size_t to = 0;
	for (size_t i = 0; i < line->len;) {
		size_t n = control_sequence((struct span){ line->data + i, line->len - i });
		if (!n)
			line->data[to++] = line->data[i++];
		i += n;
	}
	buf_truncate(line, to);
}

/* Passes over "(task, pid=12) " and "(setup pid=1, ip=10.0.0.2) ", as often as they stand there. */
static struct span undecorated(struct span s)
{
	while (s.len && *s.at == '(') {
		const char *close = memchr(s.at, ')', s.len);
		size_t n = close ? (size_t)(close - s.at) : 0;
		if (!n || n + 1 >= s.len || close[1] != ' ' || !memmem(s.at, n, "pid=", 4))
			break;
		s = after(s, n + 2);
	}
	return s;
}

static size_t digits(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* The length of a decimal number at s without its sign: 5 .5 5. 1e-3; 0 when there is none. */
static size_t decimal_length(const char *s, size_t len)
{
	size_t whole = digits(s, len), n = whole, fraction = 0;
	if (n < len && s[n] == '.') {
		fraction = digits(s + n + 1, len - n - 1);
		n += 1 + fraction;
	}
	if (!whole && !fraction)
		return 0;
	if (n < len && (s[n] == 'e' || s[n] == 'E')) {
		size_t sign = n + 1 < len && (s[n + 1] == '-' || s[n + 1] == '+');
		size_t exponent = digits(s + n + 1 + sign, len - n - 1 - sign);
		if (exponent)
			n += 1 + sign + exponent;
	}
	return n;
}

/* The length of 1,000 or 12,345,678.5 at s; 0 when it is none (1,5 is a decimal of another country: no number). */
static size_t grouped_length(const char *s, size_t len)
{
	size_t n = digits(s, len), groups = 0;
	if (n < 1 || n > 3 || s[0] == '0')
		return 0;
	for (; n < len && s[n] == ',' && digits(s + n + 1, len - n - 1) == 3; groups++)
		n += 4;
	if (!groups)
		return 0;
	if (n < len && s[n] == '.')
		n += 1 + digits(s + n + 1, len - n - 1);
	return n;
}

/* JavaScript's 0x1f, 0o17, 0b11 as a whole word. */
static int based_number(struct span word, double *value)
{
	int letter = word.len < 3 || word.at[0] != '0' ? 0 : tolower((unsigned char)word.at[1]);
	int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
	*value = 0;
	for (size_t i = 2; base && i < word.len; i++) {
		int c = tolower((unsigned char)word.at[i]);
		int digit = isdigit(c) ? c - '0' : isalpha(c) ? c - 'a' + 10 : base;
		if (digit >= base)
			return 0;
		*value = *value * base + digit;
	}
	return base != 0;
}

static double number_of(const char *s, size_t len)
{
	char text[HARNESS_LINE_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		if (s[i] != ',')
			text[n++] = s[i];
	text[n] = '\0';
	return strtod(text, NULL);
}

static int is_not_finite(struct span word)
{
	static const char *const names[] = { "nan", "inf", "infinity" };
	if (word.len && (*word.at == '-' || *word.at == '+'))
		word = after(word, 1);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == word.len && !strncasecmp(names[i], word.at, word.len))
			return 1;
	return 0;
}

/* What may follow a number in its word: ms % /s µs. A half exponent (1e, 1e+) or a half 0x is no unit. */
static int is_unit(struct span rest, struct span number)
{
	char c = *rest.at;
	if ((c == 'e' || c == 'E') && (rest.len == 1 || rest.at[1] == '+' || rest.at[1] == '-'))
		return 0;
	if (number.len == 1 && *number.at == '0' && strchr("xXoObB", c))
		return 0;
	return isalpha((unsigned char)c) || c == '%' || c == '/' || (unsigned char)c >= 0x80;
}

/* Reads a value's word. NULL and the value, or what is wrong with it. */
static const char *read_value(struct span word, double *value, unsigned *dropped_by)
{
	if (is_not_finite(word))
		return "not finite";
	if (based_number(word, value)) {
		*dropped_by |= HARNESS_GREENCEDAR;
		return isfinite(*value) ? NULL : "not finite";
	}
	size_t sign = word.len && (*word.at == '-' || *word.at == '+');
	struct span number = after(word, sign);
	size_t grouped = grouped_length(number.at, number.len);
	size_t n = grouped ? grouped : decimal_length(number.at, number.len);
	struct span rest = after(number, n);
	number.len = n;
	if (!n || (rest.len && !is_unit(rest, number)))
		return "not a number";
	if (grouped || rest.len)
		*dropped_by |= HARNESS_PI | HARNESS_GREENCEDAR;
	if (sign && *word.at == '+')
		*dropped_by |= HARNESS_GREENCEDAR;
	*value = number_of(word.at, sign + n);
	return isfinite(*value) ? NULL : "not finite";
}

/* pi's [\w.µ]+ */
static int is_plain_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		if (i + 1 < name.len && !memcmp(name.at + i, "\xc2\xb5", 2))
			i++;
		else if (!isalnum((unsigned char)c) && c != '_' && c != '.')
			return 0;
	}
	return 1;
}

static const char *check_name(struct span name)
{
	static const char *const denied[] = { "__proto__", "constructor", "prototype" };
	if (name.len > HARNESS_NAME_MAX)
		return "the name is too long";
	for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
		if (strlen(denied[i]) == name.len && !memcmp(denied[i], name.at, name.len))
			return "this name is denied";
	struct buf safe = {0};
	size_t marks = text_safe(&safe, name.at, name.len, TEXT_LINE);
	buf_release(&safe);
	return marks ? "the name holds bytes that cannot be shown" : NULL;
}

/* Keeps one sample. NULL, or why not. */
static const char *keep(struct harness *h, struct span name, double value, unsigned dropped_by)
{
	char key[HARNESS_NAME_MAX + 1];
	memcpy(key, name.at, name.len);
	key[name.len] = '\0';
	const struct metric *seen = metrics_find(&h->metrics, key);
	if (seen && h->in_trailer)
		return NULL;
	if (!seen && h->metrics.count >= HARNESS_NAMES)
		return "too many names in one run";
	if (h->line_count >= HARNESS_SAMPLES)
		return "too many samples in one run";
	metrics_add(&h->metrics, key, value);
	seen = metrics_find(&h->metrics, key);
	struct harness_line *line = array_add(&h->lines, &h->line_count, &h->line_room, sizeof *line);
	*line = (struct harness_line){ (size_t)(seen - h->metrics.at), value, dropped_by };
	return NULL;
}

/* name=value and, for a METRIC line, whatever stands behind it. NULL, or what is wrong. */
static const char *take_pair(struct harness *h, struct span pair, unsigned dropped_by)
{
	size_t len = word_length(pair);
	const char *equals = memchr(pair.at, '=', len), *wrong;
	double value;
	if (!equals || equals == pair.at || equals + 1 == pair.at + len)
		return "not name=value";
	if (h->is_cut && len == pair.len)
		return "the line is too long";
	struct span name = { pair.at, (size_t)(equals - pair.at) };
	struct span word = { equals + 1, len - name.len - 1 };
	if (len < pair.len)
		dropped_by |= HARNESS_PI | HARNESS_GREENCEDAR;
	if (!is_plain_name(name))
		dropped_by |= HARNESS_PI;
	if ((wrong = check_name(name)) || (wrong = read_value(word, &value, &dropped_by)))
		return wrong;
	return keep(h, name, value, dropped_by);
}

static void refuse(struct harness *h, struct span line, const char *wrong)
{
	if (h->refused++)
		return;
	struct buf why = {0};
	text_safe(&why, line.at, line.len < HARNESS_NAME_MAX ? line.len : HARNESS_NAME_MAX, TEXT_LINE);
	buf_printf(&why, ": %s", wrong);
	h->refused_why = buf_take(&why);
}

static int starts(struct span line, const char *word)
{
	size_t n = strlen(word);
	return line.len >= n && !memcmp(line.at, word, n);
}

/* The text behind "WORD:", as safe text; NULL when the line says something else. */
static char *said(struct span line, const char *word)
{
	size_t n = strlen(word);
	if (!starts(line, word) || line.len == n || line.at[n] != ':')
		return NULL;
	struct span value = trimmed(after(line, n + 1));
	return text_safe_string(value.at, value.len, TEXT_LINE);
}

static void take_error(struct harness *h, char *error_taken)
{
	static const struct { const char *start; enum harness_status status; } errors[] = {
		{ "build failed", HARNESS_BUILD_FAILED }, { "benchmark timed out", HARNESS_TIMEOUT },
		{ "no METRIC lines", HARNESS_NO_METRIC }, { "", HARNESS_CRASH },
	};
	size_t i = 0;
	while (strncmp(error_taken, errors[i].start, strlen(errors[i].start)))
		i++;
	h->status = errors[i].status;
	free(h->reason);
	h->reason = error_taken;
}

static void take_status(struct harness *h, const char *word)
{
	if (!strcmp(word, "done")) {
		h->status = HARNESS_DONE;
	} else if (!strcmp(word, "crash")) {
		if (h->status == HARNESS_SILENT || h->status == HARNESS_DONE)
			h->status = HARNESS_CRASH;
	} else if (!strcmp(word, "checks_failed")) {
		h->status = HARNESS_CHECKS_FAILED;
		free(h->reason);
		h->reason = xasprintf("checks %s", h->checks ? h->checks : "failed");
	}
}

/* EXPERIMENT_RESULT: exp-01 val_bpb=0.99 memory_gb=44.0 (the GPU variant). */
static void take_result(struct harness *h, struct span line)
{
	static const unsigned everyone = HARNESS_PI | HARNESS_SKYPILOT | HARNESS_GREENCEDAR;
	struct span rest = trimmed(after(line, strlen("EXPERIMENT_RESULT:")));
	while (rest.len) {
		size_t n = word_length(rest);
		struct span pair = { rest.at, n };
		const char *wrong = memchr(pair.at, '=', n) ? take_pair(h, pair, everyone) : NULL;
		if (wrong)
			refuse(h, pair, wrong);
		rest = trimmed(after(rest, n));
	}
}

/* A line that begins with EXPERIMENT or CHECKS_STATUS. */
static void take_statement(struct harness *h, struct span line)
{
	char *text;
	if ((text = said(line, "EXPERIMENT_ERROR"))) {
		take_error(h, text);
	} else if ((text = said(line, "EXPERIMENT_STATUS"))) {
		take_status(h, text);
		free(text);
	} else if ((text = said(line, "CHECKS_STATUS"))) {
		free(h->checks);
		h->checks = text;
	} else if ((text = said(line, "EXPERIMENT_ID"))) {
		h->in_trailer = h->in_trailer || h->has_header || h->metrics.count;
		free(text);
	} else if ((text = said(line, "EXPERIMENT"))) {
		h->has_header = 1;
		free(text);
	} else if (starts(line, "EXPERIMENT_RESULT:")) {
		take_result(h, line);
	}
}

static void take_line(struct harness *h)
{
	strip_colours(&h->line);
	struct span line = undecorated((struct span){ buf_str(&h->line), h->line.len });
	if (line.len > 6 && !strncasecmp(line.at, "METRIC", 6) && is_blank(line.at[6])) {
		unsigned dropped_by = (h->after_return ? HARNESS_SKYPILOT : 0) |
			(starts(line, "METRIC") ? 0 : HARNESS_PI | HARNESS_SKYPILOT);
		const char *wrong = take_pair(h, trimmed(after(line, 6)), dropped_by);
		if (wrong)
			refuse(h, line, wrong);
	} else if (starts(line, "EXPERIMENT") || starts(line, "CHECKS_STATUS")) {
		take_statement(h, line);
	}
}

static void end_line(struct harness *h, char how)
{
	if (h->line.len)
		take_line(h);
	buf_truncate(&h->line, 0);
	h->is_cut = 0;
	h->after_return = how == '\r';
}

static size_t line_length(const char *bytes, size_t n)
{
	size_t len = 0;
	while (len < n && bytes[len] != '\n' && bytes[len] != '\r')
		len++;
	return len;
}

void harness_feed(struct harness *h, const char *bytes, size_t n)
{
	while (n) {
		size_t piece = line_length(bytes, n), room = HARNESS_LINE_MAX - h->line.len;
		size_t take = piece < room ? piece : room;
		if (take)
			buf_add(&h->line, bytes, take);
		h->is_cut |= take < piece;
		if (piece == n)
			return;
		end_line(h, bytes[piece]);
		bytes += piece + 1;
		n -= piece + 1;
	}
}

void harness_end(struct harness *h)
{
	end_line(h, '\n');
}

void harness_release(struct harness *h)
{
	metrics_release(&h->metrics);
	free(h->lines);
	free(h->reason);
	free(h->checks);
	free(h->refused_why);
	buf_release(&h->line);
	*h = (struct harness){0};
}
