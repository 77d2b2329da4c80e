/* What SkyPilot says of a target's VMs. The engine's runner has an adapter of its own that stays connected; here a command
 * is run once, perhaps long after any engine, so `sky` itself is asked: four questions side by side, since each spends two
 * seconds on importing Python. Nothing that only looks may start a server (SKYPILOT_DISABLE_LOCAL_API_SERVER). What it
 * answers is read where the runner's is: core/runners/skypilot_parse.h, and the lists of VMs by clusters.h. */
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
#include "core/io/child.h"
#include "core/io/loop.h"
#include "core/runners/clusters.h"
#include "core/runners/skypilot_parse.h"

enum { LOOK_SECONDS = 120, DOWN_SECONDS = 600, OUTPUT_MAX = 1 << 24 };

static const char what_sky[] = "sky", what_vms[] = "VMs", what_down[] = "down";

/* The lists */

static int is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	return isalpha((unsigned char)*s) && !s[n] && n < 254;
}

/* Those of a list that no other one has named yet. */
static void read_list(const char *folder, struct strings *names, struct findings *f)
{
	struct strings list = {0};
	struct err err = {0};
	if (clusters_read(folder, &list, &err))
		findings_add(f, what_vms, FINDING_ERROR, err.text, "look at that file: sky status shows what runs");
	for (size_t i = 0; i < list.count; i++) {
		if (strings_have(names, list.at[i]))
			continue;
		if (is_name(list.at[i])) {
			strings_add(names, list.at[i]);
			continue;
		}
		char *wrong = xasprintf("\"%s\" in %s/clusters cannot be a cluster's name", list.at[i], folder);
		findings_add(f, what_vms, FINDING_WARNING, wrong, "look at that file: sky status shows what runs");
		free(wrong);
	}
	strings_release(&list);
}

/* Every session's folder of the runner. */
static void each_list(const struct target *t, void (*each)(void *data, const char *folder), void *data)
{
	char *sessions = target_path(t, "sessions");
	DIR *dir = opendir(sessions);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (*entry->d_name == '.')
			continue;
		char *folder = target_path(t, "sessions/%s/sky", entry->d_name);
		each(data, folder);
		free(folder);
	}
	if (dir)
		closedir(dir);
	free(sessions);
}

struct noted {
	struct strings *names;
	struct findings *findings;
};

static void note_list(void *data, const char *folder)
{
	struct noted *n = data;
	read_list(folder, n->names, n->findings);
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

static void strike_gone(void *data, const char *folder)
{
	const struct strings *gone = data;
	struct err err = {0};	/* what stays on a list is asked for again */
	for (size_t i = 0; i < gone->count; i++)
		clusters_remove(folder, gone->at[i], &err);
}

/* Asking */

struct question {
	const char *const *argv;
	long seconds;			/* at most */
	struct buf output;
	struct child_result result;
	struct err err;			/* set: it could not start */
	int is_running;
};

static void hear(void *data, const char *bytes, size_t n)
{
	struct question *q = data;
	if (q->output.len < OUTPUT_MAX)
		buf_add(&q->output, bytes, n);
}

static void heard(void *data, const struct child_result *result)
{
	struct question *q = data;
	q->result = *result;
	q->is_running = 0;
}

static void ask(struct question *questions, size_t count)
{
	struct loop *loop = loop_new();
	size_t running = 0;
	for (size_t i = 0; i < count; i++) {
		struct question *q = &questions[i];
		struct child_options options = { .argv = q->argv, .timeout = q->seconds * 1000000, .output = hear, .ended = heard, .data = q };
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

static struct json *document(const struct question *q)
{
	return went_well(q) ? skypilot_find_json(buf_str(&q->output), q->output.len) : NULL;
}

/* Why a question got no answer. */
static enum skypilot_trouble explain(const struct question *q, struct err *says)
{
	char *what = xasprintf("%s %s", q->argv[0], q->argv[1]);
	enum skypilot_trouble trouble = SKYPILOT_TIMED_OUT;
	if (q->err.code) {
		trouble = SKYPILOT_NOT_INSTALLED;
		*says = q->err;
	} else if (q->result.timed_out) {
		err_set(says, "%s did not answer in %ld s", what, q->seconds);
	} else {
		trouble = skypilot_explain_output(says, what, buf_str(&q->output), q->output.len);
		if (trouble == SKYPILOT_OTHER && went_well(q))
			err_set(says, "%s: it answers in a shape that is not known", what);
	}
	free(what);
	return trouble;
}

/* What is there */

/* remedy: where SkyPilot's words suggest none. */
static void add_complaint(struct findings *f, const struct question *q, enum finding_state state, const char *remedy)
{
	struct err says = {0};
	const char *better = skypilot_remedy(explain(q, &says));
	findings_add(f, what_sky, state, says.text, *better ? better : remedy);
}

static const char *or_unknown(const char *s)
{
	return s ? s : "?";
}

/* 0: it answers. */
static int check_server(const struct question *q, struct findings *f)
{
	struct json *answer = document(q);
	struct skypilot_info info;
	skypilot_read_info(&info, answer);
	int answers = skypilot_info_answers(&info), is_one = skypilot_info_is_one(&info);
	char *text = NULL;
	if (answers) {
		text = xasprintf("SkyPilot %s, its API server %s answers at %s", or_unknown(info.client), info.server, or_unknown(info.url));
		findings_add(f, what_sky, is_one ? FINDING_OK : FINDING_WARNING, text, is_one ? NULL : skypilot_remedy(SKYPILOT_VERSION));
	} else if (went_well(q)) {
		text = xasprintf("SkyPilot's API server does not answer%s%s", info.state ? ": it says " : "", info.state ? info.state : "");
		findings_add(f, what_sky, FINDING_ERROR, text, "sky api start, or sky api login for one elsewhere");
	} else {
		add_complaint(f, q, FINDING_ERROR, "sky api info shows more");
	}
	free(text);
	skypilot_info_release(&info);
	json_free(answer);
	return answers ? 0 : -1;
}

static void check_clouds(const struct question *q, struct findings *f)
{
	struct json *answer = document(q);
	struct strings clouds = {0};
	struct buf text = {0};
	int is_known = !skypilot_read_clouds(&clouds, answer);
	for (size_t i = 0; i < clouds.count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "enabled: ", clouds.at[i]);
	if (!is_known)
		add_complaint(f, q, FINDING_WARNING, "sky check shows more");
	else if (clouds.count)
		findings_add(f, "clouds", FINDING_OK, buf_str(&text), NULL);
	else
		findings_add(f, "clouds", FINDING_ERROR, "no cloud is enabled", skypilot_remedy(SKYPILOT_NO_CLOUD));
	buf_release(&text);
	strings_release(&clouds);
	json_free(answer);
}

/* NULL: there is none of that name now, or nobody says what it costs. */
static const struct vm_cost *cost_of(const struct skypilot_cost_list *costs, const char *cluster)
{
	for (size_t i = 0; i < costs->count; i++)
		if (!strcmp(costs->at[i].cluster, cluster) && isfinite(costs->at[i].usd_alive))
			return &costs->at[i];
	return NULL;
}

/* "NAME is UP, launched 1h02 ago, $0.05 an hour, $0.07 so far" */
static void describe(const struct vm_facts *vm, const struct vm_cost *cost, struct buf *out)
{
	char age[CLOCK_TEXT];
	buf_printf(out, "%s%s is %s", out->len ? "; " : "", vm->cluster, vm->word);
	if (vm->launched) {
		int64_t passed = clock_wall() - vm->launched;
		clock_duration(passed > 0 ? passed : 0, age);
		buf_printf(out, ", launched %s ago", age);
	}
	if (cost && isfinite(cost->usd_per_hour))
		buf_printf(out, ", $%.2f an hour", cost->usd_per_hour);
	if (cost)
		buf_printf(out, ", $%.2f so far", cost->usd_alive);
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
	struct json *answer = document(status), *report = document(costs);
	struct skypilot_vm_list vms = {0};
	struct skypilot_cost_list bill = {0};
	struct buf text = {0};
	skypilot_read_costs(&bill, report);
	if (skypilot_read_vms(&vms, answer)) {
		add_complaint(f, status, FINDING_ERROR, "sky status shows more");
		if (names->count)
			all_unknown(names, f);
		goto out;
	}
	for (size_t i = 0; i < vms.count; i++) {
		const char *name = vms.at[i].cluster;
		if (!strings_have(names, name) || strings_have(up, name))
			continue;
		strings_add(up, name);
		describe(&vms.at[i], cost_of(&bill, name), &text);
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
	skypilot_costs_release(&bill);
	skypilot_vms_release(&vms);
	json_free(report);
	json_free(answer);
}

void vms_look(const struct strings *names, int holder, struct strings *up, struct findings *f)
{
	static const char *const info[] = { "sky", "api", "info", "-o", "json", NULL }, *const check[] = { "sky", "check", "-o", "json", NULL },
		*const status[] = { "sky", "status", "-o", "json", NULL }, *const costs[] = { "sky", "cost-report", "-o", "json", NULL };
	enum { INFO, CHECK, STATUS, COSTS, COUNT };
	struct question q[COUNT] = { { .argv = info }, { .argv = check }, { .argv = status }, { .argv = costs } };
	for (size_t i = 0; i < COUNT; i++)
		q[i].seconds = LOOK_SECONDS;
	setenv("SKYPILOT_DISABLE_LOCAL_API_SERVER", "1", 1);
	ask(q, COUNT);
	unsetenv("SKYPILOT_DISABLE_LOCAL_API_SERVER");
	if (q[INFO].err.code) {
		findings_add(f, what_sky, FINDING_ERROR, q[INFO].err.text, skypilot_remedy(SKYPILOT_NOT_INSTALLED));
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
	struct question down = { .argv = argv, .seconds = DOWN_SECONDS }, after = { .argv = status, .seconds = LOOK_SECONDS };
	struct strings left = {0}, gone = {0};
	struct skypilot_vm_list vms = {0};
	struct err why = {0};
	size_t n = 0;
	argv[n++] = "sky";
	argv[n++] = "down";
	argv[n++] = "-y";
	for (size_t i = 0; i < names->count; i++)
		argv[n++] = names->at[i];
	ask(&down, 1);
	ask(&after, 1);
	struct json *answer = document(&after);
	int is_known = !skypilot_read_vms(&vms, answer);
	for (size_t i = 0; i < vms.count; i++)
		strings_add(&left, vms.at[i].cluster);
	explain(went_well(&down) ? &after : &down, &why);
	for (size_t i = 0; i < names->count; i++) {
		int is_down = is_known && !strings_have(&left, names->at[i]);
		char *text = is_down ? xasprintf("%s is down", names->at[i])
			   : is_known && went_well(&down) ? xasprintf("%s is still there", names->at[i])
			   : xasprintf("%s may still run and cost money: %s", names->at[i], why.text);
		char *remedy = is_down ? NULL : xasprintf("sky down -y %s", names->at[i]);
		findings_add(f, what_down, is_down ? FINDING_OK : FINDING_ERROR, text, remedy);
		if (is_down)
			strings_add(&gone, names->at[i]);
		free(remedy);
		free(text);
	}
	each_list(t, strike_gone, &gone);
	skypilot_vms_release(&vms);
	json_free(answer);
	strings_release(&gone);
	strings_release(&left);
	buf_release(&down.output);
	buf_release(&after.output);
	free(argv);
}
