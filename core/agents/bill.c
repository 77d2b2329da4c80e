/* What an answer costs. A price that is not known is taken to be the dearest, so that a limit holds; but on this machine a model
 * that has no price is free. One that has is not, wherever it is asked: what answers here may only pass it on. */
#include "core/agents/bill.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct bill {
	struct prices *prices;
	int is_near;
};

static char *user_file(void)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	if (xdg && *xdg)
		return xasprintf("%s/skydeck/prices.json", xdg);
	return home ? xasprintf("%s/.config/skydeck/prices.json", home) : NULL;
}

struct bill *bill_new(const char *root, int is_near, struct err *err)
{
	struct bill *b = xcalloc(1, sizeof *b);
	char *user = user_file(), *local = root ? xasprintf("%s/.skydeck/prices.json", root) : NULL;
	const char *paths[3] = { user ? user : local, user ? local : NULL };
	b->is_near = is_near;
	b->prices = prices_new(paths, err);
	free(user);
	free(local);
	if (b->prices)
		return b;
	bill_free(b);
	return NULL;
}

void bill_free(struct bill *b)
{
	if (!b)
		return;
	prices_free(b->prices);
	free(b);
}

double bill_of(const struct bill *b, const struct wire_answer *answer, const char *model, int *is_guessed, struct buf *source)
{
	int is_known = 0;
	*is_guessed = 0;
	if (isfinite(answer->usd) && answer->usd >= 0) {
		buf_puts(source, "as the server says");
		return answer->usd;
	}
	const char *name = answer->model ? answer->model : model;
	double usd = prices_of(b->prices, name, &answer->tokens, answer->written_hour, &is_known);
	if (!is_known)
		usd = prices_of(b->prices, name = model, &answer->tokens, answer->written_hour, &is_known);
	if (b->is_near && !is_known) {
		buf_puts(source, "on this machine");
		return 0;
	}
	*is_guessed = !is_known;
	buf_printf(source, "%sprice table of %s", is_known ? "" : "at the dearest price there is, ", prices_date(b->prices));
	return usd;
}

static void say_count(struct buf *out, int64_t n, const char *what)
{
	double count = (double)n, unit = n >= 999950 ? 1e6 : 1e3;
	char number[32];
	if (n < 1000)
		snprintf(number, sizeof number, "%d", (int)n);
	else
		snprintf(number, sizeof number, count / unit >= 99.95 ? "%.0f" : "%.1f", count / unit);
	size_t len = strlen(number);
	if (n >= 1000 && len > 2 && number[len - 1] == '0' && number[len - 2] == '.')
		number[len - 2] = '\0';
	buf_printf(out, "%s%s %s", number, n < 1000 ? "" : unit > 1e3 ? "M" : "k", what);
}

void bill_say_tokens(struct buf *out, const struct tokens *t)
{
	say_count(out, t->in, "in");
	if (t->read) {
		buf_puts(out, ", ");
		say_count(out, t->read, "cached");
	}
	if (t->written) {
		buf_puts(out, ", ");
		say_count(out, t->written, "put into the cache");
	}
	buf_puts(out, ", ");
	say_count(out, t->out, "out");
}
