/* Batches: the driver's file for a job on one side, the job's log on the other, and between them a note on the disk.
 *
 * The log is the only thing that says what happened, and it can be read again from its first line: so a batch has no state
 * of its own that must not be lost. Read again, the same lines give the same beginnings and ends; what the caller has told on
 * already is marked and passes in silence. Nothing in the log is believed but the driver's lines with the batch's token. */
#include "core/runners/batch.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/config.h"
#include "core/io/file.h"
#include "core/io/loop.h"
#include "core/runners/driver.h"
#include "core/runners/record.h"

enum { NOTE_MAX = 8 << 20, STEPS_MAX = 100000, WORDS_MAX = 500 };
static const char note_suffix[] = ".batch";

struct item {
	struct step step;		/* its strings are its own */
	int has_begun, is_over;		/* told, or known to the caller from before */
	int has_failed, is_same;	/* what the driver said of it, for those that it skips */
};

struct batch {
	struct batch_setup setup;	/* its strings are the batch's own */
	char *name, *worker;
	char token[DRIVER_TOKEN];
	long job;
	struct item *items;
	size_t count, room;
	struct driver driver;
	size_t current;			/* the step that executes; count: none */
	struct record record;		/* its */
	struct loop_timer *output_timer;
	struct buf words;		/* the last line that no step printed: of the driver, when it gives up */
	int is_cancelled, depth, is_freed;	/* depth: calls that have not returned */
};

/* The texts of a step, by their names in a note. */
static const struct step_text {
	const char *name;
	size_t at;
} texts[] = {
	{ "run", offsetof(struct step, run) }, { "arm", offsetof(struct step, arm) }, { "worker", offsetof(struct step, worker) },
	{ "tree", offsetof(struct step, tree_name) }, { "commit", offsetof(struct step, commit) }, { "bundle", offsetof(struct step, bundle) },
	{ "same", offsetof(struct step, same_as) }, { "log", offsetof(struct step, log) }, { "label", offsetof(struct step, label) },
	{ "experiment", offsetof(struct step, experiment) }, { "description", offsetof(struct step, description) },
};
static const struct step_number {
	const char *name;
	size_t at;
} numbers[] = {
	{ "wave", offsetof(struct step, wave) }, { "rev", offsetof(struct step, rev) }, { "round", offsetof(struct step, round) },
	{ "layout", offsetof(struct step, layout) }, { "padding", offsetof(struct step, padding) },
};
enum { TEXTS = sizeof texts / sizeof *texts, NUMBERS = sizeof numbers / sizeof *numbers };

static char **text_at(struct step *step, size_t i)
{
	return (char **)((char *)step + texts[i].at);
}

static unsigned *number_at(struct step *step, size_t i)
{
	return (unsigned *)((char *)step + numbers[i].at);
}

static int is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* --- its life -------------------------------------------------------------------------------------------------------- */

static void take_output(void *data, const char *bytes, size_t n);
static void driver_said(void *data, const struct driver_line *line);

struct batch *batch_new(const struct batch_setup *setup, const char *worker, const char *name)
{
	struct batch *b = xcalloc(1, sizeof *b);
	b->setup = *setup;
	b->setup.folder = xstrdup(setup->folder);
	b->setup.workdir = xstrdup(setup->workdir);
	b->name = xstrdup(name);
	b->worker = xstrdup(worker);
	driver_new_token(b->token);
	b->driver = (struct driver){ .token = b->token, .output = take_output, .said = driver_said, .data = b };
	return b;
}

static void release(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < TEXTS; k++)
			free(*text_at(&b->items[i].step, k));
	loop_cancel(b->setup.setup->loop, b->output_timer);
	record_release(&b->record);
	driver_release(&b->driver);
	buf_release(&b->words);
	free((char *)b->setup.folder);
	free((char *)b->setup.workdir);
	free(b->items);
	free(b->name);
	free(b->worker);
	free(b);
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	b->is_freed = 1;
	if (!b->depth)
		release(b);
}

static void enter(struct batch *b)
{
	b->depth++;
}

static void leave(struct batch *b)
{
	if (!--b->depth && b->is_freed)
		release(b);
}

static struct item *item_add(struct batch *b)
{
	int is_idle = b->current == b->count;
	struct item *item = array_add(&b->items, &b->count, &b->room, sizeof *item);
	if (is_idle)
		b->current = b->count;
	return item;
}

int batch_takes(const struct batch *b, const struct step *step)
{
	const struct step *first = b->count ? &b->items[0].step : NULL;
	return is_equal(step->worker, b->worker) &&
	       (!first || (is_equal(first->experiment, step->experiment) && is_equal(first->description, step->description)));
}

void batch_add(struct batch *b, const struct step *step)
{
	struct step *own = &item_add(b)->step;
	*own = *step;
	own->tree = NULL;
	for (size_t k = 0; k < TEXTS; k++)
		*text_at(own, k) = xstrdup(*text_at(own, k));
}

size_t batch_count(const struct batch *b)
{
	size_t count = 0;
	for (size_t i = 0; i < b->count; i++)
		count += !b->items[i].is_over;
	return count;
}

const char *batch_name(const struct batch *b)
{
	return b->name;
}

const char *batch_worker(const struct batch *b)
{
	return b->worker;
}

long batch_job(const struct batch *b)
{
	return b->job;
}

static struct item *find(const struct batch *b, const char *run)
{
	for (size_t i = 0; i < b->count; i++)
		if (!strcmp(b->items[i].step.run, run))
			return &b->items[i];
	return NULL;
}

int batch_has(const struct batch *b, const char *run)
{
	const struct item *item = find(b, run);
	return item && !item->is_over;
}

const char *batch_holds(const struct batch *b, const struct step *step)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct step *s = &b->items[i].step;
		if (!b->items[i].is_over && s->kind == step->kind && s->wave == step->wave && s->round == step->round &&
		    s->layout == step->layout && is_equal(s->worker, step->worker) && is_equal(s->arm, step->arm) &&
		    is_equal(s->commit, step->commit))
			return s->run;
	}
	return NULL;
}

void batch_forget(struct batch *b, const char *run)
{
	struct item *item = find(b, run);
	if (item)
		item->has_begun = item->is_over = 1;
}

void batch_began(struct batch *b, const char *run)
{
	struct item *item = find(b, run);
	if (item)
		item->has_begun = 1;
}

/* --- the driver's file ----------------------------------------------------------------------------------------------- */

/* What stands in a step's line must be one word there. */
static int is_word(const char *s)
{
	return *s && s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+-")] == '\0' && strcmp(s, "..") && *s != '.';
}

static int put_word(struct buf *out, const struct step *step, const char *key, const char *word, struct err *err)
{
	if (!word)
		return 0;
	if (!is_word(word))
		return err_set(err, "%s: %s=%s cannot stand in a batch: it must be one word of letters, digits and . _ : + -", step->run, key, word);
	buf_printf(out, " %s=%s", key, word);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	return slash ? slash + 1 : path;
}

static const char *tree_of(const struct step *step)
{
	return step->tree_name ? step->tree_name : step->arm;
}

static int put_step(struct buf *out, const struct step *step, struct err *err)
{
	struct buf bundle = {0}, tree = {0};
	buf_puts(out, "step");
	int rc = put_word(out, step, "run", step->run, err) || put_word(out, step, "arm", step->arm, err) ||
		 put_word(out, step, "label", step->label, err) || put_word(out, step, "commit", step->commit, err) ||
		 put_word(out, step, "same", step->same_as, err) || put_word(&bundle, step, "bundle", base_name(step->bundle), err) ||
		 put_word(&tree, step, "tree", tree_of(step), err) ? -1 : 0;
	if (bundle.len)
		buf_printf(out, " bundle=bundles/%s", base_name(step->bundle));
	buf_printf(out, " step=%s round=%u layout=%u padding=%u tree=arms/%s\n", step_name(step->kind), step->round, step->layout,
		   step->padding, tree_of(step));
	buf_release(&bundle);
	buf_release(&tree);
	return rc;
}

/* A command of several lines would become another one in a single line. */
static int put_command(struct buf *out, const struct runner_setup *setup, enum step_kind kind, struct err *err)
{
	const char *command = record_command(setup, kind);
	size_t size = command ? strlen(command) : 0;
	while (size && command[size - 1] == '\n')
		size--;
	if (size && memchr(command, '\n', size))
		return err_set(err, "the command to %s has several lines, which a VM is not given: put them into a script of the target",
			       step_name(kind));
	char *line = size ? xstrndup(command, size) : NULL;
	driver_put(out, step_name(kind), line);
	free(line);
	buf_printf(out, "timeout %s %ld\n", step_name(kind), record_limit(setup, kind));
	return 0;
}

static int make_words(const struct batch *b, struct buf *out, struct err *err)
{
	const struct config *config = b->setup.setup->config;
	int has_base = 0;
	driver_put(out, "token", b->token);
	driver_put(out, "experiment", b->count ? b->items[0].step.experiment : NULL);
	driver_put(out, "description", b->count ? b->items[0].step.description : NULL);
	for (int kind = 0; kind < STEP_PROFILE; kind++)
		if (put_command(out, b->setup.setup, (enum step_kind)kind, err))
			return -1;
	for (size_t i = 0; i < config->target_artifact.count; i++)
		driver_put(out, "artifact", config->target_artifact.at[i]);
	char *harness = xasprintf("%s/harness", b->setup.workdir);
	if (!access(harness, F_OK))
		driver_put(out, "harness", "harness");
	free(harness);
	if (config->target_incremental)
		driver_put(out, "incremental", "yes");
	for (size_t i = 0; i < b->count; i++)
		has_base |= !strcmp(b->items[i].step.arm, "base");
	if (has_base)
		driver_put(out, "needs", "base");
	for (size_t i = 0; i < b->count; i++)
		if (put_step(out, &b->items[i].step, err))
			return -1;
	return 0;
}

static int make_folder(const char *path, struct err *err)
{
	return mkdir(path, 0777) && errno != EEXIST ? err_set(err, "cannot make the folder %s: %s", path, strerror(errno)) : 0;
}

static int bring_bundles(const struct batch *b, struct err *err)
{
	char *folder = xasprintf("%s/bundles", b->setup.workdir);
	struct strings brought = {0};
	int rc = 0;
	for (size_t i = 0; i < b->count && !rc; i++) {
		const char *bundle = b->items[i].step.bundle;
		if (!bundle || strings_have(&brought, bundle))
			continue;
		char *to = xasprintf("%s/%s", folder, base_name(bundle));
		rc = make_folder(folder, err) || file_bring(bundle, to, err) ? -1 : 0;
		strings_add(&brought, bundle);
		free(to);
	}
	strings_release(&brought);
	free(folder);
	return rc;
}

static char *steps_path(const struct batch *b)
{
	return xasprintf("%s/%s.steps", b->setup.workdir, b->name);
}

static char *note_path(const struct batch *b)
{
	return xasprintf("%s/%s%s", b->setup.folder, b->name, note_suffix);
}

/* --- the note -------------------------------------------------------------------------------------------------------- */

/* Logs lie below the session's folder: noted from there on, whatever the way to it is made of. */
static const char *below_session(const struct batch *b, const char *path)
{
	const char *folder = b->setup.setup->folder;
	size_t size = strlen(folder);
	return path && !strncmp(path, folder, size) && path[size] == '/' ? path + size + 1 : NULL;
}

static struct json *note_step(const struct batch *b, const struct step *step)
{
	struct json *o = json_object();
	struct step copy = *step;
	const char *log = below_session(b, step->log);
	json_put_string(o, "step", step_name(step->kind));
	for (size_t k = 0; k < TEXTS; k++)
		if (*text_at(&copy, k) && !(log && texts[k].at == offsetof(struct step, log)))
			json_put_string(o, texts[k].name, *text_at(&copy, k));
	if (log)
		json_put_string(o, "session_log", log);
	for (size_t k = 0; k < NUMBERS; k++)
		json_put_integer(o, numbers[k].name, *number_at(&copy, k));
	return o;
}

static int write_note(const struct batch *b, struct err *err)
{
	struct json *note = json_object(), *steps = json_array();
	struct buf text = {0};
	char *path = note_path(b);
	json_put_integer(note, "version", 1);
	json_put_string(note, "name", b->name);
	json_put_string(note, "worker", b->worker);
	json_put_string(note, "token", b->token);
	json_put_integer(note, "job", b->job);
	for (size_t i = 0; i < b->count; i++)
		json_append(steps, note_step(b, &b->items[i].step));
	json_take(note, "steps", steps);
	json_print_pretty(note, &text);
	buf_putc(&text, '\n');
	int rc = make_folder(b->setup.folder, err) || file_write(path, buf_str(&text), text.len, 0600, err) ? -1 : 0;
	json_free(note);
	buf_release(&text);
	free(path);
	return rc;
}

int batch_write(struct batch *b, struct err *err)
{
	struct buf words = {0};
	char *path = steps_path(b);
	int rc = make_words(b, &words, err) || make_folder(b->setup.workdir, err) || bring_bundles(b, err) ||
		 file_write(path, buf_str(&words), words.len, 0600, err) || write_note(b, err) ? -1 : 0;
	buf_release(&words);
	free(path);
	return rc;
}

int batch_set_job(struct batch *b, long job, struct err *err)
{
	b->job = job;
	return write_note(b, err);
}

static int kind_of(const char *name)
{
	for (int kind = 0; kind < STEP_PROFILE; kind++)
		if (name && !strcmp(name, step_name((enum step_kind)kind)))
			return kind;
	return -1;
}

static int load_step(struct batch *b, const struct json *o)
{
	int kind = kind_of(json_string(json_get(o, "step"), NULL));
	const char *log = json_string(json_get(o, "session_log"), NULL), *run = json_string(json_get(o, "run"), "");
	if (kind < 0 || !is_word(run) || find(b, run) || b->count >= STEPS_MAX)
		return -1;
	struct step *step = &item_add(b)->step;
	step->run = NULL;
	step->kind = (enum step_kind)kind;
	for (size_t k = 0; k < TEXTS; k++)
		*text_at(step, k) = xstrdup(json_string(json_get(o, texts[k].name), NULL));
	for (size_t k = 0; k < NUMBERS; k++) {
		int64_t number = json_integer(json_get(o, numbers[k].name), 0);
		*number_at(step, k) = number >= 0 && number <= UINT32_MAX ? (unsigned)number : 0;
	}
	if (log && !step->log)
		step->log = xasprintf("%s/%s", b->setup.setup->folder, log);
	return step->arm && step->log && step->worker ? 0 : -1;
}

static int load_note(struct batch *b, const struct json *note)
{
	const char *token = json_string(json_get(note, "token"), ""), *name = json_string(json_get(note, "name"), "");
	const struct json *steps = json_get(note, "steps");
	if (json_integer(json_get(note, "version"), 0) != 1 || strcmp(name, b->name) || !json_is_array(steps) || strlen(token) < 16 ||
	    strlen(token) >= DRIVER_TOKEN || !is_word(token))
		return -1;
	memcpy(b->token, token, strlen(token) + 1);
	b->job = (long)json_integer(json_get(note, "job"), 0);
	string_set(&b->worker, json_string(json_get(note, "worker"), ""));
	for (const struct json *i = json_first(steps); i; i = json_next(i))
		if (load_step(b, i))
			return -1;
	return 0;
}

/* NULL with a sentence that names the file. */
static struct batch *load(const struct batch_setup *setup, const char *file, struct err *err)
{
	char *path = xasprintf("%s/%s", setup->folder, file), *name = xstrndup(file, strlen(file) - strlen(note_suffix));
	struct batch *b = batch_new(setup, "", name);
	struct buf text = {0};
	struct err why = {0};
	struct json *note = NULL;
	int rc = 0;
	if (buf_read_file(&text, path, NOTE_MAX))
		rc = err_set(err, "cannot read %s: %s", path, strerror(errno));
	else if (!(note = json_parse(buf_str(&text), text.len, &why)))
		rc = err_set(err, "%s is broken (%s): its job may still run on a VM", path, why.text);
	else if (load_note(b, note))
		rc = err_set(err, "%s is no note of a batch that this skydeck can read: its job may still run on a VM", path);
	json_free(note);
	buf_release(&text);
	free(path);
	free(name);
	if (!rc)
		return b;
	batch_free(b);
	return NULL;
}

static int is_note(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name), suffix = sizeof note_suffix - 1;
	return size > suffix && *entry->d_name != '.' && !strcmp(entry->d_name + size - suffix, note_suffix);
}

size_t batch_load_all(const struct batch_setup *setup, struct batch ***out, struct err *err)
{
	struct dirent **entries = NULL;
	size_t count = 0, room = 0;
	struct err first = {0};
	*out = NULL;
	int n = scandir(setup->folder, &entries, is_note, versionsort);
	if (n < 0 && errno != ENOENT)
		err_set(&first, "cannot read the folder %s: %s", setup->folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		struct err why = {0};
		struct batch *b = load(setup, entries[i]->d_name, &why);
		if (b)
			*(struct batch **)array_add(out, &count, &room, sizeof **out) = b;
		else if (!*first.text)
			first = why;
		free(entries[i]);
	}
	free(entries);
	if (*first.text && err)
		*err = first;
	return count;
}

/* --- the job's log --------------------------------------------------------------------------------------------------- */

static struct item *current(const struct batch *b)
{
	return b->current < b->count ? &b->items[b->current] : NULL;
}

static void tell_output(struct batch *b)
{
	const struct item *item = current(b);
	loop_cancel(b->setup.setup->loop, b->output_timer);
	b->output_timer = NULL;
	if (!item || b->is_freed)
		return;
	char *last = record_last_line(&b->record);
	b->setup.listener->output(b->setup.data, item->step.run, record_lines(&b->record), record_bytes(&b->record), last);
	free(last);
}

static void output_is_due(void *data)
{
	struct batch *b = data;
	b->output_timer = NULL;
	enter(b);
	tell_output(b);
	leave(b);
}

/* The last line of those that no step printed is kept, for the case that it is the driver's own complaint. */
static void keep_words(struct batch *b, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int is_break = bytes[i] == '\n' || bytes[i] == '\r';
		int has_ended = b->words.len && b->words.data[b->words.len - 1] == '\n';
		if (is_break && (has_ended || !b->words.len))
			continue;
		if (has_ended)
			buf_truncate(&b->words, 0);
		if (is_break || b->words.len < WORDS_MAX)
			buf_putc(&b->words, is_break ? '\n' : bytes[i]);
	}
}

static void take_output(void *data, const char *bytes, size_t n)
{
	struct batch *b = data;
	const struct item *item = current(b);
	if (!item) {
		keep_words(b, bytes, n);
	} else if (!item->is_over) {
		record_add(&b->record, bytes, n);
		if (!b->output_timer)
			b->output_timer = loop_after(b->setup.setup->loop, RECORD_OUTPUT_EVERY, output_is_due, b);
	}
}

static void tell_trouble(struct batch *b, const struct item *item, const char *why)
{
	if (!b->is_freed && b->setup.listener->log_trouble)
		b->setup.listener->log_trouble(b->setup.data, item->step.run, why);
}

/* Its log is written from its beginning, also when an engine before this one had written some of it. */
static void open_record(struct batch *b, const struct item *item)
{
	struct err err = {0};
	b->record = (struct record){ .setup = b->setup.setup, .kind = item->step.kind };
	if (truncate(item->step.log, 0) && errno != ENOENT)
		err_set(&err, "cannot write the log %s: %s", item->step.log, strerror(errno));
	if (*err.text || record_open(&b->record, item->step.log, &err))
		tell_trouble(b, item, err.text);
}

/* The step that executes no longer does; its end may not be known. */
static void close_current(struct batch *b)
{
	if (b->output_timer)
		tell_output(b);
	record_release(&b->record);
	b->current = b->count;
}

static void begin(struct batch *b, struct item *item)
{
	if (current(b))
		close_current(b);
	buf_truncate(&b->words, 0);
	b->current = (size_t)(item - b->items);
	if (item->is_over)
		return;
	if (!item->has_begun && !b->is_freed) {
		item->has_begun = 1;
		b->setup.listener->started(b->setup.data, item->step.run);
	}
	if (!b->is_freed)
		open_record(b, item);
}

/* Takes the step out of what is still to end, and tells it. */
static void tell_end(struct batch *b, struct item *item, const struct step_result *result)
{
	item->is_over = 1;
	if (!b->is_freed)
		b->setup.listener->ended(b->setup.data, result);
}

static int is_by_signal(const struct driver_line *line)
{
	return line->exit_code > 128 && line->exit_code <= 128 + 64;
}

static void end(struct batch *b, struct item *item, const struct driver_line *line)
{
	item->has_failed = line->exit_code != 0;
	item->is_same = line->is_same;
	if (item != current(b))	/* the line of its beginning is missing */
		begin(b, item);
	if (item->is_over) {
		close_current(b);
		return;
	}
	struct step_result result = { .run = item->step.run, .seconds = line->seconds >= 0 ? line->seconds : NAN };
	const struct record_end how = {
		.is_cancelled = b->is_cancelled && is_by_signal(line), .is_timed_out = line->timeout > 0, .has_begun = 1,
		.code = line->exit_code, .artifact = line->artifact,
	};
	if (b->output_timer)
		tell_output(b);
	char *reason = record_finish(&b->record, &how, &result);
	if (*b->record.trouble.text)
		tell_trouble(b, item, b->record.trouble.text);
	tell_end(b, item, &result);
	close_current(b);
	free(reason);
}

/* Why the driver left a step out: what it had to say of the arm's steps before, or of the baseline's. */
static const char *why_skipped(const struct batch *b, const struct item *item)
{
	static const char *const own[STEP_KINDS] = { "skipped: its build failed", "skipped: its checks failed" };
	static const char *const of_base[STEP_KINDS] = { "skipped: the baseline's build failed", "skipped: the baseline's checks failed" };
	for (const struct item *i = b->items; i < b->items + b->count; i++) {
		if (i->step.kind == STEP_MEASURE || !(i->has_failed || i->is_same))
			continue;
		if (!strcmp(i->step.arm, item->step.arm))
			return i->has_failed ? own[i->step.kind] : "skipped: its build is the same as the baseline's";
	}
	for (const struct item *i = b->items; i < b->items + b->count; i++)
		if (i->has_failed && i->step.kind != STEP_MEASURE && !strcmp(i->step.arm, "base"))
			return of_base[i->step.kind];
	return "skipped: a step that it needs failed";
}

static void skip(struct batch *b, struct item *item)
{
	if (item->is_over)
		return;
	const struct step_result result = { .run = item->step.run, .status = RUN_CANCELLED, .seconds = NAN, .reason = why_skipped(b, item) };
	tell_end(b, item, &result);
}

static void tell_host(struct batch *b, const struct driver_line *line)
{
	char *arch = text_safe_string(line->arch, strlen(line->arch), TEXT_LINE);
	if (!b->is_freed && b->setup.listener->host)
		b->setup.listener->host(b->setup.data, arch, line->cpus, line->memory_mb);
	free(arch);
}

static void driver_said(void *data, const struct driver_line *line)
{
	struct batch *b = data;
	struct item *item = find(b, line->run);
	if (line->word == DRIVER_HOST)
		tell_host(b, line);
	if (b->is_freed || !item)
		return;
	if (line->word == DRIVER_RUN)
		begin(b, item);
	else if (line->word == DRIVER_END)
		end(b, item, line);
	else if (line->word == DRIVER_SKIP)
		skip(b, item);
}

void batch_feed(struct batch *b, const char *line, size_t n)
{
	enter(b);
	driver_feed(&b->driver, line, n);
	leave(b);
}

void batch_cancelled(struct batch *b)
{
	b->is_cancelled = 1;
}

/* --- the job's end --------------------------------------------------------------------------------------------------- */

static void end_rest(struct batch *b, enum run_status status, const char *reason)
{
	for (size_t i = 0; i < b->count && !b->is_freed; i++) {
		struct item *item = &b->items[i];
		if (item->is_over)
			continue;
		struct step_result result = { .run = item->step.run, .status = status, .seconds = NAN, .reason = reason };
		if (i == b->current) {
			if (b->output_timer)
				tell_output(b);
			result.log_bytes = record_bytes(&b->record);
			result.log_lines = record_lines(&b->record);
		}
		tell_end(b, item, &result);
	}
}

static void remove_files(const struct batch *b)
{
	char *note = note_path(b), *steps = b->setup.workdir ? steps_path(b) : NULL;
	unlink(note);
	if (steps)
		unlink(steps);
	free(note);
	free(steps);
}

void batch_end(struct batch *b, enum run_status status, const char *reason)
{
	enter(b);
	driver_end(&b->driver);
	char *words = text_safe_string(buf_str(&b->words), b->words.len, TEXT_LINE | TEXT_STRIP_SGR);
	size_t size = strlen(words);
	while (size && words[size - 1] == ' ')
		words[--size] = '\0';
	if (status == RUN_OK)
		status = RUN_LOST;
	if (!reason)
		reason = status == RUN_CANCELLED ? "cancelled" : "the job ended without this step";
	char *full = status == RUN_LOST && size && !current(b) ? xasprintf("%s: %s", reason, words) : xstrdup(reason);
	end_rest(b, status, full);
	if (!b->is_freed)
		remove_files(b);
	free(full);
	free(words);
	leave(b);
}
