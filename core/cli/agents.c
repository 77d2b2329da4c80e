#include "core/cli/agents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/confine.h"

static const struct program {
	const char *word, *use, *remedy;
} programs[] = {
	{ "git", "repositories as sources, and searches in code", "install git" },
	{ "pdftotext", "the text of papers that are PDF only", "install poppler-utils" },
	{ "perf", "a profile of the baseline by function", "install linux-perf (linux-tools), or let the harness print what it knows as METRIC lines" },
};

static void add(struct findings *f, const struct config_agent *a, enum finding_state state, char *text_taken, const char *remedy)
{
	char *text = xasprintf("%s: %s", a->name, text_taken);
	findings_add(f, "agent", state, text, remedy);
	free(text);
	free(text_taken);
}

static int is_program(const char *word)
{
	char *path = confine_find(word);
	free(path);
	return path != NULL;
}

static void check_programs(struct findings *f)
{
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		const struct program *p = &programs[i];
		int is_there = is_program(p->word);
		char *text = xasprintf(is_there ? "is there, for %s" : "is missing, which is for %s", p->use);
		findings_add(f, p->word, is_there ? FINDING_OK : FINDING_WARNING, text, is_there ? NULL : p->remedy);
		free(text);
	}
}

static int is_here(const char *url)
{
	static const char *const bases[] = { "http://127.", "http://localhost", "http://[::1]" };
	for (size_t i = 0; url && i < sizeof bases / sizeof *bases; i++)
		if (!strncmp(url, bases[i], strlen(bases[i])))
			return 1;
	return 0;
}

static int is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

static void add_no_key(struct findings *f, const struct config_agent *a, const char *variable)
{
	char *remedy = xasprintf("export %s before skydeck starts its engine", variable);
	add(f, a, FINDING_ERROR, xasprintf("the variable %s, which should hold its key, is not set here", variable), remedy);
	free(remedy);
}

static void check_model(struct findings *f, const struct config_agent *a)
{
	const char *keyenv = a->keyenv ? a->keyenv : !strcmp(a->kind, "api") && !is_here(a->url) ? "ANTHROPIC_API_KEY" : NULL;
	if (!a->model)
		add(f, a, FINDING_ERROR, xstrdup("no model is named"), "set model under its section in .skydeck/config");
	else if (!strcmp(a->kind, "chat") && !a->url)
		add(f, a, FINDING_ERROR, xstrdup("no url is named"), "set url to the base of the server, such as http://127.0.0.1:8080/v1");
	else if (keyenv && !is_set(keyenv))
		add_no_key(f, a, keyenv);
	else
		add(f, a, FINDING_OK, xasprintf("%s at %s, %s", a->model, a->url ? a->url : "its usual address", keyenv ? "with a key" : "without a key"), NULL);
}

/* It has the network of this machine, and SkyPilot's own server here takes orders from whoever reaches it. */
static void check_reach(struct findings *f, const struct config_agent *a, const struct config *config)
{
	const char *server = getenv("SKYPILOT_API_SERVER_ENDPOINT");
	if (!strcmp(config_runner(config), "sky") && (!server || is_here(server)))
		add(f, a, FINDING_WARNING, xstrdup("its program could start VMs past the budget: SkyPilot's server on this machine asks nobody for a login"),
		    "use a SkyPilot server elsewhere, with a login (sky api login), or an agent of kind api or chat, which runs no program");
}

static void check_child(struct findings *f, const struct config_agent *a, const struct config *config)
{
	char *word = a->command ? xstrndup(a->command, strcspn(a->command, " \t")) : NULL;
	if (!word)
		add(f, a, FINDING_ERROR, xstrdup("no command is named"), "set command to what starts it, such as claude-agent-acp");
	else if (!is_program(word))
		add(f, a, FINDING_ERROR, xasprintf("there is no program %s in PATH", word), "install it, or correct command");
	else if (a->keyenv && !is_set(a->keyenv))
		add_no_key(f, a, a->keyenv);
	else
		add(f, a, FINDING_OK, xasprintf("runs %s, in a sandbox", a->command), NULL);
	check_reach(f, a, config);
	free(word);
}

/* With several agents it must be said which one proposes; who is named must be there. */
static void check_names(struct findings *f, const struct config *config)
{
	const char *const named[] = { config->session_agent, config->session_reader };
	static const char *const keys[] = { "session.agent", "session.reader" };
	for (size_t i = 0; i < 2; i++) {
		if (!named[i] || config_agent_find(config, named[i]))
			continue;
		char *text = xasprintf("%s is \"%s\", and there is no [agent \"%s\"]", keys[i], named[i], named[i]);
		findings_add(f, "agent", FINDING_ERROR, text, "correct the name in .skydeck/config, or add the section");
		free(text);
	}
	if (!config->session_agent && config->agent_count > 1)
		findings_add(f, "agent", FINDING_WARNING, "there are several, and none is chosen: only you propose",
			     "set agent under [session] in .skydeck/config, or say skydeck run --agent NAME");
}

void agents_check(struct findings *f, const struct config *config)
{
	if (config)
		check_names(f, config);
	for (size_t i = 0; config && i < config->agent_count; i++) {
		const struct config_agent *a = &config->agents[i];
		if (!a->kind)
			add(f, a, FINDING_ERROR, xstrdup("no kind is named"), "set kind to api, chat, acp or patches");
		else if (!strcmp(a->kind, "api") || !strcmp(a->kind, "chat"))
			check_model(f, a);
		else if (!strcmp(a->kind, "acp"))
			check_child(f, a, config);
	}
	if (config && config->agent_count)
		check_programs(f);
}
