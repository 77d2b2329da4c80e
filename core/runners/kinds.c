/* The kinds' prices, one dry run after another: a `sky` command is seconds of a CPU, and the first VM wants it, too. */
#include "core/runners/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/config.h"
#include "core/runners/clusters.h"

enum { TRIES = 3, FIRST_PAUSE = 5000000 };	/* microseconds; four times as long each time */

struct kind {
	double usd_per_hour;
	int is_priced;
	unsigned tries;
};

struct kinds {
	struct kinds_setup setup;
	char *cluster;			/* of that name there never is one */
	struct kind *at;
	size_t count, asked;		/* asked: the one whose price is asked for */
	struct skypilot_call *call;
	struct loop_timer *timer;
};

char *explain_trouble(const struct skypilot_answer *answer)
{
	const char *remedy = skypilot_remedy(answer->trouble), *problem = answer->problem ? answer->problem : "SkyPilot gave no reason";
	size_t n = strlen(problem);
	while (n && (problem[n - 1] == '.' || problem[n - 1] == ' '))
		n--;
	return xasprintf("%.*s%s%s", (int)n, problem, *remedy ? "; " : "", remedy);
}

static const struct config *config_of(const struct kinds *k)
{
	return k->setup.setup->config;
}

static void ask(void *data);

static void settle(struct kinds *k, double usd_per_hour)
{
	size_t kind = k->asked++;
	k->at[kind].usd_per_hour = usd_per_hour;
	k->at[kind].is_priced = 1;
	if (k->asked < k->count)
		k->timer = loop_after(k->setup.setup->loop, 0, ask, k);
	k->setup.priced(k->setup.data, kind);
}

static void answered(void *data, const struct skypilot_answer *answer)
{
	struct kinds *k = data;
	struct kind *kind = &k->at[k->asked];
	k->call = NULL;
	if (answer->trouble == SKYPILOT_NONE) {
		settle(k, answer->usd_per_hour);
	} else if (skypilot_is_passing(answer->trouble) && kind->tries < TRIES) {
		k->timer = loop_after(k->setup.setup->loop, (int64_t)FIRST_PAUSE << (2 * (kind->tries - 1)), ask, k);
	} else if (skypilot_is_passing(answer->trouble)) {
		settle(k, NAN);
	} else {
		char *why = explain_trouble(answer);
		k->setup.impossible(k->setup.data, why);
		free(why);
		settle(k, NAN);
	}
}

static void ask(void *data)
{
	struct kinds *k = data;
	struct err err = {0};
	k->timer = NULL;
	k->at[k->asked].tries++;
	char *path = k->setup.task ? xstrdup(k->setup.task) : xasprintf("%s/price.yaml", k->setup.folder);
	struct task_plan plan = { .name = "price", .run = "true" };
	kinds_fill(k, k->asked, &plan);
	if (!k->setup.task && task_write(path, &plan, &err)) {
		k->setup.impossible(k->setup.data, err.text);
		settle(k, NAN);
	} else {
		k->call = skypilot_price(k->setup.sky, k->cluster, path, answered, k);
	}
	free(path);
}

struct kinds *kinds_new(const struct kinds_setup *setup)
{
	struct kinds *k = xcalloc(1, sizeof *k);
	k->setup = *setup;
	k->cluster = cluster_name(setup->setup->root, setup->setup->session, "price");
	k->count = config_of(k)->sky_infra.count && !setup->task ? config_of(k)->sky_infra.count : 1;
	k->at = xcalloc(k->count, sizeof *k->at);
	for (size_t i = 0; i < k->count; i++)
		k->at[i].usd_per_hour = NAN;
	k->timer = loop_after(setup->setup->loop, 0, ask, k);
	return k;
}

void kinds_free(struct kinds *k)
{
	if (!k)
		return;
	skypilot_forget(k->call);
	loop_cancel(k->setup.setup->loop, k->timer);
	free(k->cluster);
	free(k->at);
	free(k);
}

size_t kinds_of(const struct kinds *k, const char *worker)
{
	unsigned long number = strtoul(worker + strcspn(worker, "0123456789"), NULL, 10);
	return (number ? number - 1 : 0) % k->count;
}

const char *kinds_place(const struct kinds *k, size_t kind)
{
	const struct strings *infra = &config_of(k)->sky_infra;
	return kind < infra->count && !k->setup.task ? infra->at[kind] : NULL;
}

double kinds_usd_per_hour(const struct kinds *k, size_t kind)
{
	return k->at[kind].usd_per_hour;
}

int kinds_is_priced(const struct kinds *k, size_t kind)
{
	return k->at[kind].is_priced;
}

void kinds_fill(const struct kinds *k, size_t kind, struct task_plan *plan)
{
	plan->infra = kinds_place(k, kind);
	plan->cpus = config_of(k)->sky_cpus;
	plan->memory = config_of(k)->sky_memory;
	plan->accelerators = config_of(k)->sky_accelerators;
}
