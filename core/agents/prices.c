/* What tokens cost: the table that is compiled in (assets/prices.json, which says its date and unit), and over it the
 * user's own files of the same form, where only what differs has to stand.
 *
 * A model is found by its id, else by the longest id that it begins with (claude-opus-5-5-20260901). What follows must not
 * look like a further version: claude-opus-5-7 is no claude-opus-5, and nobody knows its price. What is not known costs
 * as much as the dearest model would, for each request anew, so that a limit of money is never passed by a guess. */
#include "core/agents/wire.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/embedded.h"

enum { FILE_MAX = 1 << 20, DATE_SIZE = 10 };

struct rates {				/* USD per million tokens; NAN: not said */
	double in, out, minutes, hour, read;
};
struct price {
	char *model;
	struct rates rates, over;
	double limit;			/* tokens of the prompt beyond which `over` holds; INFINITY: none */
};
struct prices {
	struct price *at;
	size_t count, room;
	char date[DATE_SIZE + 1];
};

static const struct { const char *key; size_t offset; } kinds[] = {
	{ "in", offsetof(struct rates, in) }, { "out", offsetof(struct rates, out) }, { "write_5m", offsetof(struct rates, minutes) },
	{ "write_1h", offsetof(struct rates, hour) }, { "read", offsetof(struct rates, read) },
};
static const struct rates unsaid = { NAN, NAN, NAN, NAN, NAN };

static double *rate_of(struct rates *r, const char *key)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kinds[i].key, key))
			return (double *)(void *)((char *)r + kinds[i].offset);
	return NULL;
}

static int set_rate(struct rates *r, const struct json *member, struct err *err)
{
	const char *key = json_key(member);
	double *rate = rate_of(r, key), v = json_number(member, NAN);
	if (!rate)
		return err_set(err, "unknown price %s: allowed are in out write_5m write_1h read over", key);
	if (!(v >= 0 && v <= 1e6))
		return err_set(err, "%s must be USD per million tokens, 0 or more", key);
	*rate = v;
	return 0;
}

static struct price *price_named(struct prices *p, const char *model)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->at[i].model, model))
			return &p->at[i];
	struct price *price = array_add(&p->at, &p->count, &p->room, sizeof *price);
	*price = (struct price){ .model = xstrdup(model), .rates = unsaid, .over = unsaid, .limit = INFINITY };
	return price;
}

static int read_over(struct price *price, const struct json *over, struct err *err)
{
	if (json_is_null(over)) {
		price->over = unsaid;
		price->limit = INFINITY;
		return 0;
	}
	double limit = json_number(json_get(over, "tokens"), price->limit);
	if (!json_is_object(over) || !(limit > 0 && isfinite(limit)))
		return err_set(err, "over must be an object with tokens above 0, and prices; or null");
	price->limit = limit;
	for (const struct json *i = json_first(over); i; i = json_next(i))
		if (strcmp(json_key(i), "tokens") && set_rate(&price->over, i, err))
			return err_prefix(err, "over");
	return 0;
}

static void default_to(double *rate, double v)
{
	if (isnan(*rate))
		*rate = v;
}

/* What is not said of the cache is not cheaper than without one; of a longer prompt, the same as of a short one. */
static void complete(struct price *price)
{
	struct rates *r = &price->rates, *over = &price->over;
	default_to(&r->minutes, r->in);
	default_to(&r->hour, r->minutes);
	default_to(&r->read, r->in);
	default_to(&over->in, r->in);
	default_to(&over->out, r->out);
	default_to(&over->minutes, fmax(over->in, r->minutes));
	default_to(&over->hour, fmax(over->minutes, r->hour));
	default_to(&over->read, r->read);
}

static int read_model(struct prices *p, const struct json *v, struct err *err)
{
	const char *model = json_key(v);
	struct price *price = price_named(p, model);
	if (!json_is_object(v) || !*model)
		return err_set(err, "a model must be an object with the prices in and out");
	for (const struct json *i = json_first(v); i; i = json_next(i))
		if (strcmp(json_key(i), "over") ? set_rate(&price->rates, i, err) : read_over(price, i, err))
			return err_prefix(err, "model %s", model);
	if (isnan(price->rates.in) || isnan(price->rates.out))
		return err_set(err, "model %s needs the prices in and out", model);
	complete(price);
	return 0;
}

static int is_date(const char *s)
{
	for (size_t i = 0; i < DATE_SIZE; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char)s[i]))
			return 0;
	return !s[DATE_SIZE];
}

static int read_table(struct prices *p, const char *text, size_t n, struct err *err)
{
	struct json *v = json_parse(text, n, err);
	const struct json *models = json_get(v, "models"), *date = json_get(v, "date");
	int rc = v ? 0 : -1;
	if (v && !json_is_object(models))
		rc = err_set(err, "it must be an object with \"models\"");
	if (!rc && date && !is_date(json_string(date, "")))
		rc = err_set(err, "its date must be like 2026-11-20");
	for (const struct json *i = rc ? NULL : json_first(models); i && !rc; i = json_next(i))
		rc = read_model(p, i, err);
	if (!rc && strcmp(json_string(date, ""), p->date) > 0)
		memcpy(p->date, json_string(date, ""), sizeof p->date);
	json_free(v);
	return rc;
}

static int read_file(struct prices *p, const char *path, struct err *err)
{
	struct buf text = {0};
	int rc = 0;
	if (!buf_read_file(&text, path, FILE_MAX))
		rc = read_table(p, buf_str(&text), text.len, err);
	else if (errno != ENOENT && errno != ENOTDIR)
		rc = err_set(err, "%s", errno == EFBIG ? "it is larger than 1 MiB" : strerror(errno));
	buf_release(&text);
	return rc ? err_prefix(err, "%s: the table of prices cannot be read", path) : 0;
}

struct prices *prices_new(const char *const *paths, struct err *err)
{
	struct prices *p = xcalloc(1, sizeof *p);
	const struct embedded *own = embedded_find("assets/prices.json");
	int rc = own ? read_table(p, (const char *)own->data, own->size, err) : err_set(err, "the table of prices is not compiled in");
	for (; paths && *paths && !rc; paths++)
		rc = read_file(p, *paths, err);
	if (!rc)
		return p;
	prices_free(p);
	return NULL;
}

void prices_free(struct prices *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		free(p->at[i].model);
	free(p->at);
	free(p);
}

const char *prices_date(const struct prices *p)
{
	return p->date;
}

/* Whether `rest` of an id is of the same model: a date, a word, a place; not one more number of a version. */
static int is_same_model(const char *rest)
{
	if (*rest == '@' || *rest == ':')
		return 1;
	if (*rest != '-')
		return 0;
	size_t digits = strspn(rest + 1, "0123456789");
	return !digits || digits >= 4;	/* -20260901, -2026-09-01, -0613 */
}

static const struct price *find(const struct prices *p, const char *model)
{
	const struct price *best = NULL;
	size_t longest = 0;
	for (size_t i = 0; i < p->count; i++) {
		size_t n = strlen(p->at[i].model);
		if (strncmp(model, p->at[i].model, n) || n <= longest)
			continue;
		if (!model[n] || is_same_model(model + n)) {
			best = &p->at[i];
			longest = n;
		}
	}
	return best;
}

/* cost = in p_in + w5m p_5m + w1h p_1h + read p_read + out p_out; the prompt is all but out. */
static double cost_of(const struct price *price, const struct tokens *t, int64_t written_hour)
{
	double prompt = (double)t->in + (double)t->read + (double)t->written;
	const struct rates *r = prompt > price->limit ? &price->over : &price->rates;
	double hour = (double)(written_hour < t->written ? written_hour : t->written);
	return ((double)t->in * r->in + ((double)t->written - hour) * r->minutes + hour * r->hour + (double)t->read * r->read +
		(double)t->out * r->out) / 1e6;
}

double prices_of(const struct prices *p, const char *model, const struct tokens *t, int64_t written_hour, int *is_known)
{
	const struct price *price = model ? find(p, model) : NULL;
	double dearest = 0;
	if (is_known)
		*is_known = price != NULL;
	if (price)
		return cost_of(price, t, written_hour);
	for (size_t i = 0; i < p->count; i++)
		dearest = fmax(dearest, cost_of(&p->at[i], t, written_hour));
	return dearest;
}
