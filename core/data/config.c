/* One table of keys; the struct, the defaults, the checks and the manual come from it. */
#include "core/data/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"

enum type { STRING, CHOICE, LIST, WHOLE, REAL, FLAG };

static const struct key {
	const char *section, *key;
	enum type type;
	size_t offset;
	const char *otherwise, *help;
} keys[] = {
#define X(section, key, type, otherwise, help) { #section, #key, type, offsetof(struct config, section##_##key), otherwise, help },
	CONFIG_KEYS(X)
#undef X
};
enum { KEY_COUNT = sizeof keys / sizeof *keys };

static const struct key agent_keys[] = {
#define X(key, type, otherwise, help) { "agent", #key, type, offsetof(struct config_agent, key), otherwise, help },
	CONFIG_AGENT_KEYS(X)
#undef X
};
static const struct key source_keys[] = {
#define X(key, type, otherwise, help) { "source", #key, type, offsetof(struct config_source, key), otherwise, help },
	CONFIG_SOURCE_KEYS(X)
#undef X
};
enum { AGENT_KEYS = sizeof agent_keys / sizeof *agent_keys, SOURCE_KEYS = sizeof source_keys / sizeof *source_keys };

static const char *const autonomies[] = { "manual", "wave", "auto" };

const char *autonomy_name(enum autonomy a)
{
	return autonomies[a];
}

int autonomy_parse(const char *name, enum autonomy *out)
{
	for (int i = 0; name && i < 3; i++)
		if (!strcmp(name, autonomies[i])) {
			*out = (enum autonomy)i;
			return 0;
		}
	return -1;
}

/* The words of "a|b|c: help" as the user may write them. */
static int is_choice(const char *help, const char *value)
{
	size_t n = strlen(value), end = strcspn(help, ":");
	for (const char *p = help; p < help + end;) {
		size_t word = strcspn(p, "|:");
		if (word == n && !strncmp(p, value, n))
			return 1;
		p += word + 1;
	}
	return 0;
}

/* git-config(1): an empty value is false; a key without "=" comes here as "true". */
static int parse_flag(const char *value, int *out)
{
	static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off", "0", "" };
	for (size_t i = 0; i < 4; i++)
		if (!strcasecmp(value, yes[i]))
			return *out = 1, 0;
	for (size_t i = 0; i < 5; i++)
		if (!strcasecmp(value, no[i]))
			return *out = 0, 0;
	return -1;
}

static int parse_real(const char *value, double *out)
{
	char *end;
	if (!*value)
		return *out = 0, 0;
	double v = strtod(value, &end);
	if (end != value && !strcmp(end, "%")) {
		v /= 100;
		end++;
	}
	if (end == value || *end || !isfinite(v) || v < 0)
		return -1;
	*out = v;
	return 0;
}

static int parse_whole(const char *value, long *out)
{
	char *end;
	errno = 0;
	if (!*value)
		return *out = 0, 0;
	long v = strtol(value, &end, 10);
	if (end == value || *end || errno || v < 0)
		return -1;
	*out = v;
	return 0;
}

/* base: the struct that k lies in; name: of the entry, as the user wrote it. */
static int set_value(void *base, const struct key *k, const char *name, const char *value, struct err *err)
{
	void *at = (char *)base + k->offset;
	switch (k->type) {
	case CHOICE:
		if (!is_choice(k->help, value))
			return err_set(err, "%s is \"%s\": it must be %.*s", name, value, (int)strcspn(k->help, ":"), k->help);
		string_set(at, value);
		return 0;
	case STRING:
		string_set(at, *value ? value : NULL);
		return 0;
	case LIST:
		if (*value)
			strings_add(at, value);
		return 0;
	case WHOLE:
		if (parse_whole(value, at) < 0)
			return err_set(err, "%s is \"%s\": it must be a whole number from 0", name, value);
		return 0;
	case REAL:
		if (parse_real(value, at) < 0)
			return err_set(err, "%s is \"%s\": it must be a number from 0", name, value);
		return 0;
	case FLAG:
		if (parse_flag(value, at) < 0)
			return err_set(err, "%s is \"%s\": it must be true or false", name, value);
		return 0;
	}
	return -1;
}

static void set_defaults(void *base, const struct key *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (*all[i].otherwise)
			set_value(base, &all[i], all[i].key, all[i].otherwise, NULL);
}

static void release_values(void *base, const struct key *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *at = (char *)base + all[i].offset;
		if (all[i].type == STRING || all[i].type == CHOICE)
			free(*(char **)at);
		else if (all[i].type == LIST)
			strings_release(at);
	}
}

static int unknown_key(const char *name, const char *section, const struct key *all, size_t count, struct err *err)
{
	struct buf allowed = {0};
	for (size_t i = 0; i < count; i++)
		if (!strcmp(all[i].section, section))
			buf_printf(&allowed, "%s%s", allowed.len ? " " : "", all[i].key);
	if (allowed.len)
		err_set(err, "unknown key %s: allowed there are %s", name, buf_str(&allowed));
	else
		err_set(err, "unknown key %s: the sections are target session judge runner agent source ui keys hook", name);
	buf_release(&allowed);
	return -1;
}

static struct config_agent *agent_of(struct config *c, const char *name)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (!strcmp(c->agents[i].name, name))
			return &c->agents[i];
	struct config_agent *a = array_add(&c->agents, &c->agent_count, &c->agent_room, sizeof *a);
	*a = (struct config_agent){ .name = xstrdup(name) };
	set_defaults(a, agent_keys, AGENT_KEYS);
	return a;
}

static struct config_source *source_of(struct config *c, const char *name)
{
	for (size_t i = 0; i < c->source_count; i++)
		if (!strcmp(c->sources[i].name, name))
			return &c->sources[i];
	struct config_source *s = array_add(&c->sources, &c->source_count, &c->source_room, sizeof *s);
	*s = (struct config_source){ .name = xstrdup(name) };
	set_defaults(s, source_keys, SOURCE_KEYS);
	return s;
}

static int is_variable(const char *value)
{
	return strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(value);
}

static int set_binding(struct config *c, const char *context, const char *action, const char *key)
{
	struct config_binding *b = array_add(&c->bindings, &c->binding_count, &c->binding_room, sizeof *b);
	*b = (struct config_binding){ xstrdup(context), xstrdup(action), xstrdup(key) };
	return 0;
}

/* "4", "4+" (at least), "0.5"; with units also "16GB". As SkyPilot's resources.py reads it, less what only its controllers
 * say ("3x"). */
static int is_amount(const char *value, int units)
{
	char *end;
	size_t digits = strspn(value, "0123456789.");
	double v = strtod(value, &end);
	if (end != value + digits || !(v > 0))
		return 0;
	if (units && *end && strchr("kKmMgGtT", *end) && (end[1] == 'B' || end[1] == 'b'))
		end += 2;
	return !strcmp(end, "") || !strcmp(end, "+");
}

static int is_cpus(const char *value)
{
	return !*value || is_amount(value, 0);
}

static int is_memory(const char *value)
{
	return !*value || is_amount(value, 1);
}

static int is_place(const char *value)
{
	return !strpbrk(value, " \t\r\n,;'\"`$\\");
}

/* What a type alone does not say: a whole number's bounds, or a text's form. */
static const struct limit {
	const char *name;
	long least, most;
	int (*is_good)(const char *value);
	const char *allowed;
} limits[] = {
	{ "session.wave", 1, 4, NULL, "1 to 4" },
	{ "runner.sky.infra", 0, 0, is_place, "one place, as for sky launch --infra: aws/us-east-1; for several repeat the key" },
	{ "runner.sky.cpus", 0, 0, is_cpus, "a number of CPUs such as 4, or 4+ for at least 4" },
	{ "runner.sky.memory", 0, 0, is_memory, "a number of gigabytes such as 16, 16GB, or 16+ for at least 16" },
	{ "runner.sky.vms", 1, 256, NULL, "1 to 256" },
	{ "runner.sky.autostop", 1, 10080, NULL, "1 to 10080 minutes: a VM that nobody ends must end by itself" },
};

static int check_limits(const char *name, const char *value, struct err *err)
{
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		const struct limit *l = &limits[i];
		if (strcmp(l->name, name))
			continue;
		long v = strtol(value, NULL, 10);
		if (l->is_good ? !l->is_good(value) : v < l->least || v > l->most)
			return err_set(err, "%s is \"%s\": it must be %s", name, value, l->allowed);
	}
	return 0;
}

static int set_key(void *base, const struct key *all, size_t count, const char *name, const char *section, const char *key, const char *value,
		   struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(all[i].section, section) && !strcmp(all[i].key, key))
			return set_value(base, &all[i], name, value, err);
	return unknown_key(name, section, all, count, err);
}

static int set_agent(struct config *c, const char *name, const char *agent, const char *key, const char *value, struct err *err)
{
	if (!strcmp(key, "env") && !is_variable(value))
		return err_set(err, "%s is \"%s\": it must be the name of a variable; for several repeat the key", name, value);
	return set_key(agent_of(c, agent), agent_keys, AGENT_KEYS, name, "agent", key, value, err);
}

int config_set(struct config *c, const char *name, const char *value, struct err *err)
{
	char *copy = xstrdup(name), *first = strchr(copy, '.'), *last = strrchr(copy, '.');
	int rc;
	value = value ? value : "";
	if (!first) {
		rc = unknown_key(name, "", keys, KEY_COUNT, err);
		goto out;
	}
	*first = *last = '\0';
	const char *section = copy, *sub = first < last ? first + 1 : NULL, *key = last + 1;
	if (sub && !strcmp(section, "runner") && (!strcmp(sub, "local") || !strcmp(sub, "sky")))
		rc = set_key(c, keys, KEY_COUNT, name, sub, key, value, err);
	else if (sub && !strcmp(section, "agent"))
		rc = set_agent(c, name, sub, key, value, err);
	else if (sub && !strcmp(section, "source"))
		rc = set_key(source_of(c, sub), source_keys, SOURCE_KEYS, name, section, key, value, err);
	else if (sub && !strcmp(section, "keys"))
		rc = set_binding(c, sub, key, value);
	else if (sub || !strcmp(section, "local") || !strcmp(section, "sky"))
		rc = unknown_key(name, "", keys, KEY_COUNT, err);
	else
		rc = set_key(c, keys, KEY_COUNT, name, section, key, value, err);
	if (!rc)
		rc = check_limits(name, value, err);
out:
	free(copy);
	return rc;
}

void config_init(struct config *c)
{
	*c = (struct config){0};
	set_defaults(c, keys, KEY_COUNT);
}

void config_release(struct config *c)
{
	release_values(c, keys, KEY_COUNT);
	for (size_t i = 0; i < c->agent_count; i++) {
		free(c->agents[i].name);
		release_values(&c->agents[i], agent_keys, AGENT_KEYS);
	}
	for (size_t i = 0; i < c->source_count; i++) {
		free(c->sources[i].name);
		release_values(&c->sources[i], source_keys, SOURCE_KEYS);
	}
	for (size_t i = 0; i < c->binding_count; i++) {
		free(c->bindings[i].context);
		free(c->bindings[i].action);
		free(c->bindings[i].key);
	}
	free(c->agents);
	free(c->sources);
	free(c->bindings);
	*c = (struct config){0};
}

const struct config_agent *config_agent_find(const struct config *c, const char *name)
{
	if (!name)
		return c->agent_count == 1 ? &c->agents[0] : NULL;
	for (size_t i = 0; i < c->agent_count; i++)
		if (!strcmp(c->agents[i].name, name))
			return &c->agents[i];
	return NULL;
}

int config_is_key(const struct config *c, const char *variable)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (c->agents[i].keyenv && !strcmp(c->agents[i].keyenv, variable))
			return 1;
	for (size_t i = 0; i < c->source_count; i++)
		if (c->sources[i].keyenv && !strcmp(c->sources[i].keyenv, variable))
			return 1;
	return !strcmp(variable, "ANTHROPIC_API_KEY");	/* which needs no name */
}

const char *config_runner(const struct config *c)
{
	return c->session_runner ? c->session_runner : c->sky_infra.count || c->sky_task ? "sky" : "local";
}

long config_timeout(const struct config *c, const char *step)
{
	return !strcmp(step, "build") ? c->target_buildtimeout
	     : !strcmp(step, "checks") ? c->target_checktimeout
	     : !strcmp(step, "profile") ? 2 * c->target_measuretimeout + 60 : c->target_measuretimeout;	/* it runs twice, and looks at memory */
}

static void describe_named(const struct key *all, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s.NAME.%s\t%s\t%s\n", all[i].section, all[i].key, all[i].otherwise, all[i].help);
}

void config_describe(struct buf *out)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *sub = !strcmp(keys[i].section, "local") || !strcmp(keys[i].section, "sky") ? "runner." : "";
		buf_printf(out, "%s%s.%s\t%s\t%s\n", sub, keys[i].section, keys[i].key, keys[i].otherwise, keys[i].help);
	}
	describe_named(agent_keys, AGENT_KEYS, out);
	describe_named(source_keys, SOURCE_KEYS, out);
}
