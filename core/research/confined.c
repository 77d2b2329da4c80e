/* One way to start pdftotext and git: both are large programs that parse hostile input, and git is also one that can be told to
 * run others by its configuration. */
#include "core/research/confined.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/confine.h"

/* No file of a person or of the system is read, nobody is asked, nothing is fetched that was not asked for. */
static const char *const git_env[] = {
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=false",
	"SSH_ASKPASS=false", "GIT_SSH_COMMAND=false", "GIT_PAGER=cat", "GIT_EDITOR=false", "GIT_OPTIONAL_LOCKS=0",
	"GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", NULL
};

static void add_all(struct strings *list, const char *const *words)
{
	for (; words && *words; words++)
		strings_add(list, *words);
}

static int first_cpu(void)
{
	cpu_set_t allowed;
	int first = 0;
	if (sched_getaffinity(0, sizeof allowed, &allowed))
		return -1;
	while (first < CPU_SETSIZE && !CPU_ISSET(first, &allowed))
		first++;
	return first < CPU_SETSIZE ? first : -1;
}

struct child *confined_start(struct loop *loop, const struct confined *confined, struct err *err)
{
	struct strings visible = {0}, writable = {0}, own = {0}, argv = {0}, env = {0};
	struct child *child = NULL;
	if (confined->visible)
		strings_add(&visible, confined->visible);
	if (confined->writable)
		strings_add(&writable, confined->writable);
	if (confined->is_git)
		add_all(&own, git_env);
	add_all(&own, confined->env);
	confine_program(&visible, (const char *const[]){ confined->is_git ? "git" : confined->command[0], NULL });
	struct confinement c = { .visible = &visible, .writable = &writable, .network = confined->network, .env = &own };
	if (!confine_command(&argv, &c, err)) {
		confine_environment(&env, &c);
		add_all(&argv, confined->command);
		array_add(&argv.at, &argv.count, &argv.room, sizeof *argv.at);
		array_add(&env.at, &env.count, &env.room, sizeof *env.at);
		struct child_options options = confined->options;
		int cpu = first_cpu();
		if (confined->is_patient && cpu >= 0) {
			options.cpus = &cpu;
			options.cpu_count = 1;
		}
		options.argv = (const char *const *)argv.at;
		options.env = (const char *const *)env.at;
		child = child_start(loop, &options, err);
	}
	strings_release(&visible);
	strings_release(&writable);
	strings_release(&own);
	strings_release(&argv);
	strings_release(&env);
	return child;
}

char *confined_problem(const char *output, size_t n)
{
	static const char mark[] = "bwrap: ";
	if (n < sizeof mark - 1 || memcmp(output, mark, sizeof mark - 1))
		return NULL;
	const char *eol = memchr(output, '\n', n);
	char *said = text_safe_string(output, eol ? (size_t)(eol - output) : n < 300 ? n : 300, TEXT_LINE);
	char *sentence = xasprintf("the sandbox does not work on this machine (%s): skydeck doctor says what to do", said);
	free(said);
	return sentence;
}
