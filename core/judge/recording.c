/* Reading recorded runs: one parser per form, both ending in workers with pairs.
 *
 * JSON holds the pairs themselves and what each worker's noise was before; CSV holds the values of the runs, and the
 * two arms of a round make a pair. CSV rows may come in any order (each round was run in a random one): rounds are
 * taken in the order of their numbers, workers in that of their first rows. A recording may break off within a round,
 * so the last one of each worker may be incomplete; a gap anywhere else means that rows were lost, and then the pairs
 * that remain are no fair sample. */
#include "core/judge/recording.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

enum { COLUMNS_MAX = 64 };

/* A row of CSV. */
struct run {
	size_t worker;		/* index in the recording */
	long long round;
	int is_base;
	double value;
	size_t line;
};

static struct recorded_worker *worker_add(struct recording *rec, const char *id)
{
	struct recorded_worker *w = array_add(&rec->workers, &rec->count, &rec->room, sizeof *w);
	w->id = xstrdup(id);
	return w;
}

static void pair_add(struct recorded_worker *w, double d)
{
	*(double *)array_add(&w->pairs, &w->count, &w->room, sizeof *w->pairs) = d;
}

/* The JSON form. */

static int read_history(struct recorded_worker *w, const struct json *history, struct err *err)
{
	size_t i = 1;
	if (history && !json_is_array(history))
		return err_set(err, "worker %s: history is no array of numbers", w->id);
	for (const struct json *v = json_first(history); v; v = json_next(v), i++) {
		double magnitude = json_number(v, NAN);
		if (!isfinite(magnitude) || magnitude < 0)
			return err_set(err, "worker %s: history entry %zu is no finite |d| >= 0", w->id, i);
		history_add(&w->history, magnitude);
	}
	return 0;
}

static int read_pairs(struct recorded_worker *w, const struct json *pairs, struct err *err)
{
	if (!json_is_array(pairs))
		return err_set(err, "worker %s: pairs is missing, or no array of numbers", w->id);
	for (const struct json *v = json_first(pairs); v; v = json_next(v)) {
		double d = json_number(v, NAN);
		if (!isfinite(d))
			return err_set(err, "worker %s: pair %zu is no finite number", w->id, w->count + 1);
		pair_add(w, d);
	}
	return 0;
}

static int read_worker(struct recording *rec, const struct json *v, struct err *err)
{
	char unnamed[32];
	snprintf(unnamed, sizeof unnamed, "number %zu", rec->count + 1);
	struct recorded_worker *w = worker_add(rec, json_string(json_get(v, "id"), unnamed));
	if (!json_is_object(v))
		return err_set(err, "worker %s is no object with id, history and pairs", w->id);
	if (read_history(w, json_get(v, "history"), err))
		return -1;
	return read_pairs(w, json_get(v, "pairs"), err);
}

static int read_json(struct recording *rec, const char *text, size_t len, struct err *err)
{
	struct json *document = json_parse(text, len, err);
	if (!document)
		return -1;
	const struct json *alpha = json_get(document, "alpha"), *workers = json_get(document, "workers");
	int rc = 0;
	if (alpha && !json_is_number(alpha))
		rc = err_set(err, "alpha is no number");
	else if (!json_is_array(workers))
		rc = err_set(err, "workers is missing, or no array of {id, history, pairs}");
	rec->alpha = json_number(alpha, NAN);
	for (const struct json *v = json_first(workers); v && !rc; v = json_next(v))
		rc = read_worker(rec, v, err);
	json_free(document);
	return rc;
}

/* The CSV form. */

static const char *const column_names[] = {"worker", "round", "arm", "value"};
enum { WORKER, ROUND, ARM, VALUE, COLUMNS };
#define HEADER "worker,round,arm,value"

struct csv {
	struct recording *rec;
	size_t line;
	size_t column[COLUMNS];		/* where each stands in a row */
	char *arm;			/* the one that is not base; NULL until it was seen */
	struct run *runs;
	size_t count, room;
};

static char *trim(char *s)
{
	size_t len = strlen(s += strspn(s, " \t"));
	while (len && strchr(" \t", s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* Takes the quotes off a field in place ("" inside stands for one) and returns what ends it: a comma, or NUL. */
static char *unquote(char *field)
{
	char *from = field + 1, *to = field;
	while (*from && (*from != '"' || from[1] == '"')) {
		from += *from == '"';
		*to++ = *from++;
	}
	from += *from == '"';
	from += strcspn(from, ",");
	char *end = from;
	*to = '\0';
	return end;
}

/* Cuts a row into its fields (RFC 4180, without newlines inside quotes), in place. */
static size_t split(char *row, char *fields[COLUMNS_MAX])
{
	size_t n = 0;
	for (char *at = row; at && n < COLUMNS_MAX; n++) {
		fields[n] = at + strspn(at, " \t");
		char *end = *fields[n] == '"' ? unquote(fields[n]) : at + strcspn(at, ",");
		at = *end ? end + 1 : NULL;
		*end = '\0';
		fields[n] = trim(fields[n]);
	}
	return n;
}

static int read_header(struct csv *csv, char *row, struct err *err)
{
	char *fields[COLUMNS_MAX];
	size_t n = split(row, fields);
	for (int c = 0; c < COLUMNS; c++) {
		size_t i = 0;
		while (i < n && strcmp(fields[i], column_names[c]))
			i++;
		if (i == n)
			return err_set(err, "no column %s; give JSON, or CSV with the header " HEADER, column_names[c]);
		csv->column[c] = i;
	}
	return 0;
}

static size_t find_worker(struct recording *rec, const char *id)
{
	size_t i = 0;
	while (i < rec->count && strcmp(rec->workers[i].id, id))
		i++;
	if (i == rec->count)
		worker_add(rec, id);
	return i;
}

/* base, or the arm that was seen first beside it: any other is a third. */
static int is_known_arm(struct csv *csv, const char *arm)
{
	if (!strcmp(arm, "base"))
		return 1;
	if (!csv->arm)
		csv->arm = xstrdup(arm);
	return !strcmp(arm, csv->arm);
}

static int read_row(struct csv *csv, char *row, struct err *err)
{
	char *fields[COLUMNS_MAX], *cell[COLUMNS], *end;
	size_t n = split(row, fields);
	for (int c = 0; c < COLUMNS; c++) {
		if (csv->column[c] >= n || !*fields[csv->column[c]])
			return err_set(err, "no %s", column_names[c]);
		cell[c] = fields[csv->column[c]];
	}
	errno = 0;
	long long number = strtoll(cell[ROUND], &end, 10);
	if (*end || end == cell[ROUND] || errno)
		return err_set(err, "round %s is no whole number", cell[ROUND]);
	double value = strtod(cell[VALUE], &end);
	if (*end || end == cell[VALUE] || !isfinite(value) || value <= 0)
		return err_set(err, "worker %s, round %lld, arm %s: value %s is no finite number above 0",
			cell[WORKER], number, cell[ARM], cell[VALUE]);
	if (!is_known_arm(csv, cell[ARM]))
		return err_set(err, "a third arm %s; there are base and %s", cell[ARM], csv->arm);
	struct run *run = array_add(&csv->runs, &csv->count, &csv->room, sizeof *run);
	*run = (struct run){
		.worker = find_worker(csv->rec, cell[WORKER]),
		.round = number,
		.is_base = !strcmp(cell[ARM], "base"),
		.value = value,
		.line = csv->line,
	};
	return 0;
}

/* By worker and round; in it base first; then as they came. */
static int by_round(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	if (x->worker != y->worker)
		return x->worker > y->worker ? 1 : -1;
	if (x->round != y->round)
		return x->round > y->round ? 1 : -1;
	if (x->is_base != y->is_base)
		return x->is_base ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* What is wrong with a group of n runs of one round; NULL when they are the two arms. */
static const char *round_defect(const struct run *r, size_t n)
{
	if (n == 1)
		return r->is_base ? "base only" : "no base";
	if (n == 2 && r[0].is_base && !r[1].is_base)
		return NULL;
	return r[0].is_base && r[1].is_base ? "base twice" : "the arm beside base twice";
}

static int pair_runs(struct csv *csv, int sign, struct err *err)
{
	const struct run *end = csv->runs + csv->count;
	qsort(csv->runs, csv->count, sizeof *csv->runs, by_round);
	for (const struct run *r = csv->runs, *next; r < end; r = next) {
		struct recorded_worker *w = &csv->rec->workers[r->worker];
		for (next = r + 1; next < end && next->worker == r->worker && next->round == r->round; next++)
			;
		int is_last = next == end || next->worker != r->worker;
		if (is_last && next == r + 1)
			continue;
		const char *defect = round_defect(r, (size_t)(next - r));
		if (defect)
			return err_set(err, "worker %s, round %lld (line %zu) has %s; only a last may be incomplete",
				w->id, r->round, r->line, defect);
		double d = sign * log(r[1].value / r[0].value);
		if (!isfinite(d))
			return err_set(err, "worker %s, round %lld: its values are too far apart", w->id, r->round);
		pair_add(w, d);
	}
	return 0;
}

static int read_rows(struct csv *csv, char *text, struct err *err)
{
	int rc = 0, header = 0;
	for (char *row = text, *next; row && !rc; row = next) {
		size_t len = strcspn(row, "\n");
		next = row[len] ? row + len + 1 : NULL;
		row[len] = '\0';
		if (len && row[len - 1] == '\r')
			row[len - 1] = '\0';
		csv->line++;
		if (row[strspn(row, " \t")] == '\0')
			continue;
		rc = header ? read_row(csv, row, err) : read_header(csv, row, err);
		header = 1;
	}
	if (rc)
		return err_prefix(err, "line %zu", csv->line);
	return header ? 0 : err_set(err, "empty; give JSON, or CSV with the header " HEADER);
}

static int read_csv(struct recording *rec, char *text, enum recording_direction direction, struct err *err)
{
	struct csv csv = {.rec = rec};
	int rc = read_rows(&csv, text, err);
	if (!rc && csv.count)
		rc = pair_runs(&csv, direction == RECORDING_LOWER ? -1 : 1, err);
	if (!rc && direction == RECORDING_UNKNOWN)	/* a wrong guess would turn the verdict round */
		rc = err_code(err, EXIT_USAGE, "values of runs: say --direction higher or --direction lower");
	free(csv.arm);
	free(csv.runs);
	return rc;
}

int recording_parse(struct recording *r, const char *text, size_t len, enum recording_direction direction,
	struct err *err)
{
	*r = (struct recording){.alpha = NAN};
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {	/* a byte order mark */
		text += 3;
		len -= 3;
	}
	if (len && memchr(text, '\0', len))
		return err_set(err, "NUL bytes: this is neither JSON nor CSV");
	char *copy = xstrndup(len ? text : "", len);
	int rc;
	if (copy[strspn(copy, " \t\r\n")] != '{')
		rc = read_csv(r, copy, direction, err);
	else if (direction == RECORDING_LOWER)
		rc = err_code(err, EXIT_USAGE, "--direction lower is for CSV: in JSON d > 0 is better");
	else
		rc = read_json(r, copy, len, err);
	free(copy);
	return rc;
}

void recording_release(struct recording *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->workers[i].id);
		free(r->workers[i].pairs);
	}
	free(r->workers);
	*r = (struct recording){.alpha = NAN};
}
