/* What SkyPilot says of a target's VMs. The engine's runner has an adapter of its own that stays connected; here a command
 * is run once, perhaps long after any engine, so `sky` itself is asked: four questions side by side, since each spends two
 * seconds on importing Python. Nothing that only looks may start a server (SKYPILOT_DISABLE_LOCAL_API_SERVER). What is read
 * of its JSON: api info (client.version, server.status, version, url), check (workspace: cloud: capabilities), status (name,
 * status, launched_at), cost-report (name, status, duration, total_cost); SkyPilot 0.12 to 0.14. */
#include "core/cli/vms.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/io/child.h"
#include "core/io/file.h"
#include "core/io/loop.h"

enum { LOOK_SECONDS = 40, DOWN_SECONDS = 600, LIST_MAX = 65536 };

static const char what_sky[] = "sky", what_vms[] = "VMs", what_down[] = "down";

/* The lists */

static int is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	return isalpha((unsigned char)*s) && !s[n] && n < 254;
}

static void read_list(const char *path, struct strings *names, struct findings *f)
{
	struct buf text = {0};
	buf_read_file(&text, path, LIST_MAX);
	for (char *line = text.data, *end; line && *line; line = end) {
		size_t n = strcspn(line, "\n");
		end = line + n + (line[n] != '\0');
		line[n] = '\0';
		if (!*line || strings_have(names, line))
			continue;
		if (is_name(line)) {
			strings_add(names, line);
			continue;
		}
		char *wrong = xasprintf("\"%s\" in %s cannot be a cluster's name", line, path);
		findings_add(f, what_vms, FINDING_WARNING, wrong, "look at that file: sky status shows what runs");
		free(wrong);
	}
	buf_release(&text);
}

static void each_list(const struct target *t, void (*each)(void *data, const char *path), void *data)
{
	char *folder = target_path(t, "sessions");
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (*entry->d_name == '.')
			continue;
		char *path = target_path(t, "sessions/%s/sky/clusters", entry->d_name);
		each(data, path);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(folder);
}

struct noted {
	struct strings *names;
	struct findings *findings;
};

static void note_list(void *data, const char *path)
{
	struct noted *n = data;
	read_list(path, n->names, n->findings);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void vms_noted(const struct target *t, struct strings *names, struct findings *f)
{
	struct noted n = { names, f };
	each_list(t, note_list, &n);
	if (names->count)
		qsort(names->at, names->count, sizeof *names->at, by_name);
}

static void strike_gone(void *data, const char *path)
{
	const struct strings *gone = data;
	struct strings names = {0};
	struct findings ignored = {0};
	struct buf kept = {0};
	struct err err = {0};
	read_list(path, &names, &ignored);
	size_t left = 0;
	for (size_t i = 0; i < names.count; i++)
		if (!strings_have(gone, names.at[i])) {
			buf_printf(&kept, "%s\n", names.at[i]);
			left++;
		}
	if (left != names.count && !ignored.count)
		file_write(path, buf_str(&kept), kept.len, 0666, &err);
	buf_release(&kept);
	findings_release(&ignored);
	strings_release(&names);
}

/* Asking */

struct question {
	const char *const *argv;
	struct buf output;
	struct child_result result;
	struct err err;			/* set: it could not start */
	int is_running;
};

static void hear(void *data, const char *bytes, size_t n)
{
	struct question *q = data;
	if (q->output.len < 1 << 24)
		buf_add(&q->output, bytes, n);
}

static void heard(void *data, const struct child_result *result)
{
	struct question *q = data;
	q->result = *result;
	q->is_running = 0;
}

static void ask(struct question *questions, size_t count, long seconds)
{
	struct loop *loop = loop_new();
	size_t running = 0;
	for (size_t i = 0; i < count; i++) {
		struct question *q = &questions[i];
		struct child_options options = { .argv = q->argv, .timeout = seconds * 1000000, .output = hear, .ended = heard, .data = q };
		q->is_running = child_start(loop, &options, &q->err) != NULL;
	}
	do {
		running = 0;
		for (size_t i = 0; i < count; i++)
			running += (size_t)questions[i].is_running;
		if (running)
			loop_turn(loop, -1);
	} while (running);
	loop_free(loop);
}

static int went_well(const struct question *q)
{
	return !q->err.code && q->result.exited && !q->result.status;
}

/* The document among what SkyPilot prints before and after it: from the first line that begins one to the last that ends
 * one. */
static struct json *document(const struct question *q)
{
	const char *start = NULL, *end = NULL, *text = buf_str(&q->output);
	struct err err = {0};
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (!start && (*line == '[' || *line == '{'))
			start = line;
		size_t n = strcspn(line, "\n");
		while (n && isspace((unsigned char)line[n - 1]))
			n--;
		if (start && n && (*line == ']' || *line == '}' || line == start) && (line[n - 1] == ']' || line[n - 1] == '}'))
			end = line + n;
	}
	return went_well(q) && start && end ? json_parse(start, (size_t)(end - start), &err) : NULL;
}

/* Why a question got no answer, as one line: the last that says something. */
static char *complaint(const struct question *q)
{
	struct buf safe = {0};
	if (q->err.code)
		return xstrdup(q->err.text);
	if (q->result.timed_out)
		return xasprintf("%s %s did not answer in %d s", q->argv[0], q->argv[1], LOOK_SECONDS);
	text_safe(&safe, buf_str(&q->output), q->output.len, TEXT_NEWLINES | TEXT_STRIP_SGR);
	char *line, *all = buf_take(&safe), *last = NULL;
	for (char *rest = all; rest && (line = strsep(&rest, "\n"));)
		if (line[strspn(line, " ")])
			last = line;
	char *said = last ? xasprintf("%s %s says: %s", q->argv[0], q->argv[1], last)
			  : xasprintf("%s %s ends with %d and says nothing", q->argv[0], q->argv[1], q->result.status);
	free(all);
	return said;
}

/* What is there */

static void add_complaint(struct findings *f, const struct question *q, enum finding_state state, const char *remedy)
{
	char *text = complaint(q);
	findings_add(f, what_sky, state, text, remedy);
	free(text);
}

/* 0: it answers. */
static int check_server(const struct question *q, struct findings *f)
{
	struct json *info = document(q);
	const struct json *server = json_get(info, "server");
	const char *client = json_string(json_get(json_get(info, "client"), "version"), "?");
	const char *version = json_string(json_get(server, "version"), NULL), *status = json_string(json_get(server, "status"), "");
	int answers = version && !strcmp(status, "healthy");
	char *text = NULL;
	if (answers) {
		text = xasprintf("SkyPilot %s, its API server %s answers at %s", client, version, json_string(json_get(server, "url"), "?"));
		int same = !strncmp(client, version, strcspn(client, ".") + 1);
		findings_add(f, what_sky, same ? FINDING_OK : FINDING_WARNING, text, same ? NULL : "use a client and a server of one version");
	} else if (went_well(q)) {
		text = xasprintf("SkyPilot's API server does not answer%s%s", *status ? ": it says " : "", status);
		findings_add(f, what_sky, FINDING_ERROR, text, "sky api start, or sky api login for one elsewhere");
	} else {
		add_complaint(f, q, FINDING_ERROR, "sky api info shows more");
	}
	free(text);
	json_free(info);
	return answers ? 0 : -1;
}

static void check_clouds(const struct question *q, struct findings *f)
{
	struct json *answer = document(q);
	struct buf clouds = {0};
	for (const struct json *workspace = json_first(answer); workspace; workspace = json_next(workspace))
		for (const struct json *cloud = json_first(workspace); cloud; cloud = json_next(cloud))
			if (json_key(cloud) && json_count(cloud))
				buf_printf(&clouds, "%s%s", clouds.len ? ", " : "enabled: ", json_key(cloud));
	if (!answer)
		add_complaint(f, q, FINDING_WARNING, "sky check shows more");
	else
		findings_add(f, "clouds", clouds.len ? FINDING_OK : FINDING_ERROR, clouds.len ? buf_str(&clouds) : "no cloud is enabled",
			clouds.len ? NULL : "sky check says how to enable one");
	buf_release(&clouds);
	json_free(answer);
}

/* What a cluster of that name that is not down has cost; -1: nobody says. */
static double usd_of(const struct json *report, const char *name, double *hourly)
{
	double usd = -1;
	for (const struct json *c = json_first(report); c; c = json_next(c)) {
		double seconds = json_number(json_get(c, "duration"), 0), total = json_number(json_get(c, "total_cost"), NAN);
		if (strcmp(json_string(json_get(c, "name"), ""), name) || isnan(total) ||
		    !strcmp(json_string(json_get(c, "status"), "TERMINATED"), "TERMINATED"))
			continue;
		usd = total;
		*hourly = seconds > 0 ? total * 3600 / seconds : NAN;
	}
	return usd;
}

/* "NAME is UP, launched 1h02 ago, $0.05 an hour, $0.07 so far" */
static void describe(const struct json *vm, const struct json *report, struct buf *out)
{
	char age[CLOCK_TEXT];
	const char *name = json_string(json_get(vm, "name"), "");
	int64_t launched = json_integer(json_get(vm, "launched_at"), 0);
	double hourly = NAN, usd = usd_of(report, name, &hourly);
	buf_printf(out, "%s%s is %s", out->len ? "; " : "", name, json_string(json_get(vm, "status"), "in an unknown state"));
	if (launched > 0) {
		int64_t passed = clock_wall() - launched * 1000000;
		clock_duration(passed > 0 ? passed : 0, age);
		buf_printf(out, ", launched %s ago", age);
	}
	if (usd >= 0 && isfinite(hourly))
		buf_printf(out, ", $%.2f an hour", hourly);
	if (usd >= 0)
		buf_printf(out, ", $%.2f so far", usd);
}

static char *down_remedy(const struct strings *names)
{
	struct buf line = {0};
	buf_puts(&line, "sky down -y");
	for (size_t i = 0; i < names->count; i++)
		buf_printf(&line, " %s", names->at[i]);
	return buf_take(&line);
}

/* Nobody knows whether they run: that must not look as if they did not. */
static void all_unknown(const struct strings *names, struct findings *f)
{
	struct buf text = {0};
	char *remedy = down_remedy(names);
	for (size_t i = 0; i < names->count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", names->at[i]);
	buf_printf(&text, ": nobody answers whether %s still %s and %s money; skydeck doctor --down tries to end %s",
		names->count == 1 ? "it" : "they", names->count == 1 ? "runs" : "run", names->count == 1 ? "costs" : "cost",
		names->count == 1 ? "it" : "them");
	findings_add(f, what_vms, FINDING_ERROR, buf_str(&text), remedy);
	free(remedy);
	buf_release(&text);
}

static void check_vms(const struct question *status, const struct question *costs, const struct strings *names, int holder,
		      struct strings *up, struct findings *f)
{
	struct json *vms = document(status), *report = document(costs);
	struct buf text = {0};
	if (!json_is_array(vms)) {
		add_complaint(f, status, FINDING_ERROR, "sky status shows more");
		if (names->count)
			all_unknown(names, f);
		goto out;
	}
	for (const struct json *vm = json_first(vms); vm; vm = json_next(vm)) {
		const char *name = json_string(json_get(vm, "name"), "");
		if (!strings_have(names, name) || strings_have(up, name))
			continue;
		strings_add(up, name);
		describe(vm, report, &text);
	}
	if (up->count && !holder) {
		char *remedy = down_remedy(up);
		buf_printf(&text, ": %s money, and no engine runs; skydeck doctor --down ends %s", up->count == 1 ? "it costs" : "they cost",
			up->count == 1 ? "it" : "them");
		findings_add(f, what_vms, FINDING_ERROR, buf_str(&text), remedy);
		free(remedy);
	} else {
		findings_add(f, what_vms, FINDING_OK, up->count ? buf_str(&text) : "none of this target's is up", NULL);
	}
out:
	buf_release(&text);
	json_free(report);
	json_free(vms);
}

void vms_look(const struct strings *names, int holder, struct strings *up, struct findings *f)
{
	static const char *const info[] = { "sky", "api", "info", "-o", "json", NULL }, *const check[] = { "sky", "check", "-o", "json", NULL },
		*const status[] = { "sky", "status", "-o", "json", NULL }, *const costs[] = { "sky", "cost-report", "-o", "json", NULL };
	enum { INFO, CHECK, STATUS, COSTS, COUNT };
	struct question q[COUNT] = { { .argv = info }, { .argv = check }, { .argv = status }, { .argv = costs } };
	setenv("SKYPILOT_DISABLE_LOCAL_API_SERVER", "1", 1);
	ask(q, COUNT, LOOK_SECONDS);
	unsetenv("SKYPILOT_DISABLE_LOCAL_API_SERVER");
	if (q[INFO].err.code) {
		findings_add(f, what_sky, FINDING_ERROR, q[INFO].err.text, "install SkyPilot (pip install \"skypilot[...]\"), so that sky is found in PATH");
		if (names->count)
			all_unknown(names, f);
	} else if (check_server(&q[INFO], f) < 0) {
		if (names->count)
			all_unknown(names, f);
	} else {
		check_clouds(&q[CHECK], f);
		check_vms(&q[STATUS], &q[COSTS], names, holder, up, f);
	}
	for (size_t i = 0; i < COUNT; i++)
		buf_release(&q[i].output);
}

/* Taking down */

void vms_down(const struct target *t, const struct strings *names, struct findings *f)
{
	static const char *const status[] = { "sky", "status", "-o", "json", NULL };
	const char **argv = xcalloc(names->count + 4, sizeof *argv);
	struct question down = {0}, after = { .argv = status };
	struct strings left = {0}, gone = {0};
	size_t n = 0;
	argv[n++] = "sky";
	argv[n++] = "down";
	argv[n++] = "-y";
	for (size_t i = 0; i < names->count; i++)
		argv[n++] = names->at[i];
	down.argv = argv;
	ask(&down, 1, DOWN_SECONDS);
	ask(&after, 1, LOOK_SECONDS);
	struct json *vms = document(&after);
	for (const struct json *vm = json_first(vms); vm; vm = json_next(vm))
		strings_add(&left, json_string(json_get(vm, "name"), ""));
	char *why = complaint(went_well(&down) ? &after : &down);
	for (size_t i = 0; i < names->count; i++) {
		int is_down = json_is_array(vms) && !strings_have(&left, names->at[i]);
		char *text = is_down ? xasprintf("%s is down", names->at[i])
			   : json_is_array(vms) && went_well(&down) ? xasprintf("%s is still there", names->at[i])
			   : xasprintf("%s may still run and cost money: %s", names->at[i], why);
		char *remedy = is_down ? NULL : xasprintf("sky down -y %s", names->at[i]);
		findings_add(f, what_down, is_down ? FINDING_OK : FINDING_ERROR, text, remedy);
		if (is_down)
			strings_add(&gone, names->at[i]);
		free(remedy);
		free(text);
	}
	each_list(t, strike_gone, &gone);
	free(why);
	json_free(vms);
	strings_release(&gone);
	strings_release(&left);
	buf_release(&down.output);
	buf_release(&after.output);
	free(argv);
}
