/* Options from a table, read as GNU tools read them. getopt keeps its place in globals and knows nothing of types; this
 * is all that commands need: flags, texts, lists and numbers, checked where they are read, so that every command says
 * the same sentence about the same mistake. */
#include "core/cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	int argc;
	char **argv;
	int at;		/* the argument being read */
	struct err *err;
};

static int wrong(const struct reading *r, const char *what, const char *value)
{
	return err_code(r->err, EXIT_USAGE, "%s: %s%s; see skydeck help %s", r->argv[0], what, value, r->argv[0]);
}

static int set_number(const struct reading *r, const struct cli_option *o, const char *value)
{
	char *end;
	errno = 0;
	double real = strtod(value, &end);
	int good = end != value && !*end && !errno && isfinite(real) && real >= 0;
	if (o->type == OPTION_REAL) {
		if (good)
			*(double *)o->out = real;
	} else {
		errno = 0;
		long whole = strtol(value, &end, 10);
		good = end != value && !*end && !errno && whole >= 0;
		if (good)
			*(long *)o->out = whole;
	}
	if (good)
		return 0;
	return err_code(r->err, EXIT_USAGE, "%s: --%s takes a %snumber from 0, not %s", r->argv[0], o->name,
			o->type == OPTION_WHOLE ? "whole " : "", value);
}

/* value: what stands in the same argument; NULL: the next argument is it. */
static int set(struct reading *r, const struct cli_option *o, const char *value)
{
	if (o->type == OPTION_FLAG) {
		if (value)
			return wrong(r, "no value belongs to --", o->name);
		*(int *)o->out = 1;
		return 0;
	}
	if (!value && ++r->at < r->argc)
		value = r->argv[r->at];
	if (!value)
		return wrong(r, "a value is missing after --", o->name);
	if (o->type == OPTION_TEXT)
		*(const char **)o->out = value;
	else if (o->type == OPTION_LIST)
		strings_add(o->out, value);
	else
		return set_number(r, o, value);
	return 0;
}

static int read_long(struct reading *r, const struct cli_option *options, const char *word)
{
	size_t n = strcspn(word, "=");
	for (const struct cli_option *o = options; o->name; o++)
		if (strlen(o->name) == n && !strncmp(o->name, word, n))
			return set(r, o, word[n] ? word + n + 1 : NULL);
	return wrong(r, "there is no option --", word);
}

static int read_letters(struct reading *r, const struct cli_option *options, const char *letters)
{
	while (*letters) {
		const struct cli_option *o = options;
		while (o->name && o->letter != *letters)
			o++;
		if (!o->name)
			return wrong(r, "there is no option -", letters);
		letters++;
		if (o->type != OPTION_FLAG)
			return set(r, o, *letters ? letters : NULL);
		set(r, o, NULL);
	}
	return 0;
}

int cli_options(int argc, char **argv, const struct cli_option *options, int least, int most, struct err *err)
{
	static const struct cli_option none = {0};
	struct reading r = { argc, argv, 1, err };
	int operands = 0, only_operands = 0;
	options = options ? options : &none;
	for (; r.at < argc; r.at++) {
		char *word = argv[r.at];
		int rc = 0;
		if (only_operands || word[0] != '-' || !word[1])
			argv[1 + operands++] = word;
		else if (!strcmp(word, "--"))
			only_operands = 1;
		else if (word[1] == '-')
			rc = read_long(&r, options, word + 2);
		else
			rc = read_letters(&r, options, word + 1);
		if (rc)
			return -1;
	}
	if (most >= 0 && operands > most)
		return wrong(&r, "one argument too many: ", argv[1 + most]);
	return operands < least ? wrong(&r, "an argument is missing", "") : operands;
}
