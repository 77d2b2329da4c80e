/* The child's command, and what it may see. It gets a home and a tree of its own below the session's folder, the network
 * (its model is there), the socket that answers tools, and no variable but those that the config names. */
#include "core/agents/acp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/io/confine.h"

enum { SHORTEST_KEY = 8 };	/* what is shorter is no key, and would stand in any text */

/* --- words -------------------------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\n");
}

/* Adds what the quotes at s hold; returns what is behind them, or NULL when they do not end. */
static const char *take_quoted(struct buf *word, const char *s)
{
	char quote = *s++;
	for (; *s && *s != quote; s++) {
		if (quote == '"' && *s == '\\' && s[1] && strchr("\"\\$`", s[1]))
			s++;
		else if (quote == '"' && strchr("$`", *s))
			return NULL;
		buf_putc(word, *s);
	}
	return *s ? s + 1 : NULL;
}

static const char *take_word(struct buf *word, const char *s)
{
	const char *home = getenv("HOME");
	if (s[0] == '~' && s[1] == '/' && home) {
		buf_puts(word, home);
		s++;
	}
	while (s && *s && !strchr(" \t\n", *s)) {
		if (*s == '"' || *s == '\'') {
			s = take_quoted(word, s);
		} else if (*s == '\\' && s[1]) {
			buf_putc(word, s[1]);
			s += 2;
		} else if (strchr("|&;<>()$`*?[#\\", *s)) {
			return NULL;
		} else {
			buf_putc(word, *s++);
		}
	}
	return s;
}

int acp_split(struct strings *words, const char *command, struct err *err)
{
	for (const char *s = skip_blanks(command ? command : ""); *s; s = skip_blanks(s)) {
		struct buf word = {0};
		s = take_word(&word, s);
		if (s)
			strings_add(words, buf_str(&word));
		buf_release(&word);
		if (!s) {
			strings_release(words);
			return err_set(err, "command is more than words: quote what is one word, and put what needs a shell into a "
			               "script that it names");
		}
	}
	return words->count ? 0 : err_set(err, "command is empty: name the program that speaks ACP, such as claude-agent-acp");
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void add_variable(struct strings *env, const char *name)
{
	const char *value = name ? getenv(name) : NULL;
	if (!value)
		return;
	char *variable = xasprintf("%s=%s", name, value);
	strings_add(env, variable);
	free(variable);
}

static void replace(struct buf *text, const char *key)
{
	static const char mark[] = "[key]";
	size_t n = strlen(key);
	char *found;
	if (n < SHORTEST_KEY || !text->len)
		return;
	for (size_t at = 0; (found = memmem(text->data + at, text->len - at, key, n)); ) {
		size_t before = (size_t)(found - text->data);
		memmove(found + sizeof mark - 1, found + n, text->len - before - n + 1);
		memcpy(found, mark, sizeof mark - 1);
		text->len -= n - (sizeof mark - 1);
		at = before + sizeof mark - 1;
	}
}

static int names_a_key(const char *variable)
{
	static const char *const parts[] = { "KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CREDENTIAL" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strcasestr(variable, parts[i]))
			return 1;
	return 0;
}

static void take_keys_out(const struct agent *a, struct buf *text)
{
	const char *key = a->config->keyenv ? getenv(a->config->keyenv) : NULL;
	if (key)
		replace(text, key);
	for (size_t i = 0; i < a->config->env.count; i++)
		if (names_a_key(a->config->env.at[i]) && (key = getenv(a->config->env.at[i])))
			replace(text, key);
}

char *acp_clean(const struct agent *a, const char *bytes, size_t n, unsigned flags)
{
	struct buf text = {0};
	buf_add(&text, bytes, n);
	take_keys_out(a, &text);
	char *safe = text_safe_string(buf_str(&text), text.len, flags);
	buf_release(&text);
	return safe;
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

/* The program's path inside: as a shell would find it, and for relative paths from the target's root. */
static char *find_program(const struct agent *a, struct err *err)
{
	const char *word = a->words.at[0];
	char *path = strchr(word, '/') && *word != '/' ? xasprintf("%s/%s", a->root, word) : xstrdup(word), *found = confine_find(path);
	if (!found)
		err_set(err, strchr(word, '/') ? "cannot start %s: there is no such program; set command under [agent \"%s\"]"
		        : "cannot start %s: no such program in PATH; install it, or set command under [agent \"%s\"]", word, a->config->name);
	free(path);
	return found;
}

int acp_start_child(struct agent *a, int talk[2], const struct child_options *options, struct err *err)
{
	struct strings argv = {0}, env = {0}, visible = {0}, writable = {0}, names = {0}, variables = {0};
	char *program = find_program(a, err);
	int rc = -1;
	if (!program)
		return -1;
	strings_add(&names, program);
	for (size_t i = 1; i < a->words.count; i++)
		strings_add(&names, a->words.at[i]);
	strings_add(&names, NULL);
	confine_program(&visible, (const char *const *)names.at);
	if (a->program)
		confine_program(&visible, (const char *const[]){ a->program, NULL });
	strings_add(&writable, a->tree);
	if (a->tools_socket)
		strings_add(&writable, a->tools_socket);
	add_variable(&variables, a->config->keyenv);
	for (size_t i = 0; i < a->config->env.count; i++)
		if (!a->config->keyenv || strcmp(a->config->env.at[i], a->config->keyenv))
			add_variable(&variables, a->config->env.at[i]);
	struct confinement c = { .home = a->home, .directory = a->tree, .visible = &visible, .writable = &writable, .network = 1,
		.env = &variables };
	if (!confine_command(&argv, &c, err)) {
		for (size_t i = 0; i < names.count; i++)
			strings_add(&argv, names.at[i]);
		confine_environment(&env, &c);
		strings_add(&env, NULL);
		struct child_options full = *options;
		full.argv = (const char *const *)argv.at;
		full.env = (const char *const *)env.at;
		full.talk = talk;
		a->child = child_start(a->loop, &full, err);
		rc = a->child ? 0 : -1;
	}
	strings_release(&variables);
	strings_release(&argv);
	strings_release(&env);
	strings_release(&visible);
	strings_release(&writable);
	strings_release(&names);
	free(program);
	return rc;
}
