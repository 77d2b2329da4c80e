/* Settings, in the git-config format. This is the list of keys, what they mean and how a value is checked; reading the
 * files is core/engine/settings.c's. Pure: no file, no clock. */
#ifndef CORE_DATA_CONFIG_H
#define CORE_DATA_CONFIG_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"

enum autonomy { AUTONOMY_MANUAL, AUTONOMY_WAVE, AUTONOMY_AUTO };
const char *autonomy_name(enum autonomy a);
int autonomy_parse(const char *name, enum autonomy *out);	/* -1: no such mode */

/* X(section, key, type, default, help)
 * STRING a text, NULL where empty; LIST may repeat; WHOLE >= 0; REAL >= 0; FLAG a git boolean; CHOICE one of the words
 * of its help before the colon; the default "" is "not set" (0, NULL). */
#define CONFIG_KEYS(X) \
	X(target, measure, STRING, "", "command that prints METRIC lines") \
	X(target, checks, STRING, "", "command that exits 0 when the result is correct") \
	X(target, build, STRING, "", "command that builds an arm (BUILD_CMD)") \
	X(target, setup, STRING, "", "command run once per worker, the only one that may use the network") \
	X(target, metric, STRING, "", "name of the METRIC that decides") \
	X(target, direction, CHOICE, "higher", "higher|lower: which is better") \
	X(target, unit, STRING, "", "unit shown beside the metric") \
	X(target, scope, LIST, "", "pathspec a patch may touch; none: everything that is not protected") \
	X(target, protect, LIST, "", "pathspec no patch may touch") \
	X(target, artifact, LIST, "", "pathspec of what the build makes, compared for the verdict same") \
	X(target, incremental, FLAG, "false", "keep build output when an arm's tree changes") \
	X(target, buildtimeout, WHOLE, "1800", "seconds a build may take") \
	X(target, checktimeout, WHOLE, "300", "seconds the checks may take") \
	X(target, measuretimeout, WHOLE, "300", "seconds one measured run may take") \
	X(target, maxlines, WHOLE, "400", "changed lines a patch may have before the guard stops it") \
	X(session, autonomy, CHOICE, "manual", "manual|wave|auto: who passes the gates") \
	X(session, agent, STRING, "", "name of the agent that proposes") \
	X(session, reader, STRING, "", "name of the agent (api, chat) that reads sources, without tools; none: the one that proposes") \
	X(session, runner, STRING, "", "local or sky") \
	X(session, vetowindow, REAL, "60", "seconds a human has for a veto under autonomy auto; 0 waits for nobody") \
	X(session, wave, WHOLE, "4", "proposals tried together, 1 to 4") \
	X(session, budget, REAL, "30", "USD, on runners and agents that cost money") \
	X(session, hours, REAL, "", "hours after which the session ends; 0: no limit") \
	X(session, experiments, WHOLE, "", "proposals after which the session ends; 0: no limit") \
	X(judge, mode, CHOICE, "standard", "standard|polish|screen: constants of the decision rule") \
	X(judge, mineffect, REAL, "0.005", "smallest gain worth keeping, as a natural-log ratio (0.005 is 0.5 %)") \
	X(judge, horizon, WHOLE, "40", "candidates over which the error level is shared") \
	X(local, slots, WHOLE, "1", "workers on this machine") \
	X(local, cpus, STRING, "", "CPUs of the slots, such as 1-3,6; none: all but the first") \
	X(local, sandbox, FLAG, "true", "run builds, checks and benchmarks in bubblewrap") \
	X(sky, infra, LIST, "", "where VMs are started, as sky's --infra; several: a kind of VM each") \
	X(sky, cpus, STRING, "", "CPUs of a VM") \
	X(sky, memory, STRING, "", "memory of a VM") \
	X(sky, accelerators, STRING, "", "accelerators of a VM") \
	X(sky, vms, WHOLE, "4", "VMs at a time") \
	X(sky, task, STRING, "", "a SkyPilot task to run unchanged") \
	X(sky, autostop, WHOLE, "10", "idle minutes after which a VM stops") \
	X(sky, maxhourly, REAL, "", "USD per hour that VMs may cost; 0: no limit") \
	X(sky, prewarm, FLAG, "false", "start VMs before the first approval") \
	X(sky, retries, WHOLE, "2", "times that a VM which does not come up is launched again") \
	X(sky, replacements, WHOLE, "4", "noisy or lost VMs that are replaced in a session") \
	X(ui, theme, STRING, "dark", "dark, light, plain or a file") \
	X(ui, colors, CHOICE, "auto", "auto|mono|16|256|truecolor") \
	X(ui, ascii, FLAG, "false", "draw with ASCII only") \
	X(ui, mouse, FLAG, "false", "use the mouse") \
	X(ui, animations, FLAG, "true", "let progress move between two facts") \
	X(ui, notify, STRING, "bell", "how to call a human who waits: bell, none") \
	X(hook, before, STRING, "", "command before a wave") \
	X(hook, after, STRING, "", "command after a wave") \
	X(hook, notify, STRING, "", "command when a human is needed")

/* [agent "NAME"]: X(key, type, default, help). The help says for which kinds a key is, where it is not for all. */
#define CONFIG_AGENT_KEYS(X) \
	X(kind, CHOICE, "", "patches|api|chat|acp: a folder of patches, the Messages API, chat completions, an agent's program") \
	X(dir, STRING, "", "patches: the folder, from the project's root") \
	X(command, STRING, "", "acp: its program and arguments, words without a shell") \
	X(url, STRING, "", "api, chat: where it is asked, such as http://127.0.0.1:8080/v1; api: none is Anthropic's") \
	X(model, STRING, "", "api, chat: the model; acp: the one it is asked to use, none is its own choice") \
	X(effort, STRING, "", "api, chat: how long the model thinks, in its own words, such as low, medium, high") \
	X(keyenv, STRING, "", "variable that holds its key; api: none is ANTHROPIC_API_KEY, for Anthropic's host alone") \
	X(env, LIST, "", "acp: variable that the program may have, besides PATH, HOME, LANG, TERM, TMPDIR; repeated: more") \
	X(budget, REAL, "", "USD that it may cost in a session; 0: no limit but the session's") \
	X(turns, WHOLE, "", "turns it may take in a session; 0: no limit") \
	X(replies, WHOLE, "40", "requests to the model in a turn; 0: no limit") \
	X(calls, WHOLE, "80", "uses of tools in a turn; 0: no limit") \
	X(minutes, WHOLE, "30", "that a turn may take; 0: no limit") \
	X(tokens, WHOLE, "16000", "api, chat: tokens of one reply")

/* [source "NAME"], likewise. */
#define CONFIG_SOURCE_KEYS(X) \
	X(kind, CHOICE, "", "folder|arxiv|github|semanticscholar|openalex: where to look; none but folders: arxiv and github, too") \
	X(url, STRING, "", "folder: its path, from the project's root; the others: another address than the service's own") \
	X(keyenv, STRING, "", "variable that holds the service's key, which raises its limits")

#define STRING char *
#define CHOICE char *
#define LIST struct strings
#define WHOLE long
#define REAL double
#define FLAG int
struct config_agent {
	char *name;
#define X(key, type, otherwise, help) type key;
	CONFIG_AGENT_KEYS(X)
#undef X
};
struct config_source {
	char *name;
#define X(key, type, otherwise, help) type key;
	CONFIG_SOURCE_KEYS(X)
#undef X
};
/* [keys "CONTEXT"] ACTION = KEY */
struct config_binding {
	char *context, *action, *key;
};

struct config {
#define X(section, key, type, otherwise, help) type section##_##key;
	CONFIG_KEYS(X)
#undef X
	struct config_agent *agents;
	size_t agent_count, agent_room;
	struct config_source *sources;
	size_t source_count, source_room;
	struct config_binding *bindings;
	size_t binding_count, binding_room;
};
#undef STRING
#undef CHOICE
#undef LIST
#undef WHOLE
#undef REAL
#undef FLAG

void config_init(struct config *c);	/* the defaults */
void config_release(struct config *c);

/* Sets one entry as libgit2 names it: "session.wave", "runner.local.slots", "agent.patches.dir", "keys.review.approve".
 * The sentence of an error names the key and what is allowed; the caller puts file and line in front. */
int config_set(struct config *c, const char *name, const char *value, struct err *err);

const struct config_agent *config_agent_find(const struct config *c, const char *name);	/* NULL name: the only one */
int config_is_key(const struct config *c, const char *variable);	/* holds the key of an agent or of a source */

const char *config_runner(const struct config *c);	/* where sessions run: session.runner, else by what else is set */

/* Seconds that a step may take, by its name: "build", "checks", "measure", "profile". */
long config_timeout(const struct config *c, const char *step);

/* One line a key for the manual and `help config`: name, default, help. */
struct buf;
void config_describe(struct buf *out);

#endif
