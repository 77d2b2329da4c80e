/* One question's way: cache, pace, request, redirects, cache. Redirects are followed here, each looked at as if it had been
 * the first URL, so that a key, or a request to this machine, goes nowhere that nobody meant. A service that refuses (429,
 * 403) or is out of budget (x-ratelimit-remaining: 0) is left alone for as long as it says, by every skydeck here.
 *
 * The question in the cache is URL and Accept: the key is put in only when the request goes out. */
#include "core/research/web.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/io/http.h"
#include "core/research/parse.h"

enum { HOPS_MAX = 5, SIZE_MAX_DEFAULT = 8 << 20, TYPE_MAX = 200, HEADERS_MAX = 12 };
static const int64_t second = 1000000;

struct web {
	struct loop *loop;
	struct http *http;
	struct cache *cache;
	struct strings trusted;
	struct web_get *gets;
	int entered, is_freed;	/* in came, and there web_free was called */
};

struct web_get {
	struct web_get *next;
	struct web *web;
	const struct service *service;
	char *url, *accept, *question;
	int64_t fresh, timeout;
	size_t max_size;
	int (*came)(void *data, const struct web_answer *answer);
	void *data;
	struct loop_timer *timer;
	struct pace_turn *turn;
	struct http_request *request;
	struct cached cached;
	int is_cached, is_ending;
	unsigned hops;
	/* of the answer */
	struct buf body;
	char type[TYPE_MAX], tag[TYPE_MAX];
	char *location;
	int64_t retry_after, reset, remaining;	/* seconds, wall-clock seconds, requests; -1: not said */
};

struct web *web_new(struct loop *loop, struct cache *cache)
{
	struct web *w = xcalloc(1, sizeof *w);
	w->loop = loop;
	w->http = http_new(loop);
	w->cache = cache;
	return w;
}

static void get_free(struct web_get *g)
{
	for (struct web_get **at = &g->web->gets; *at; at = &(*at)->next)
		if (*at == g) {
			*at = g->next;
			break;
		}
	if (g->timer)
		loop_cancel(g->web->loop, g->timer);
	http_cancel(g->request);
	pace_end(g->turn, g->request ? 0 : -1);
	cached_release(&g->cached);
	buf_release(&g->body);
	free(g->location);
	free(g->url);
	free(g->accept);
	free(g->question);
	free(g);
}

void web_free(struct web *w)
{
	if (!w)
		return;
	for (struct web_get *g = w->gets, *next; g; g = next) {
		next = g->next;
		if (!g->is_ending)
			get_free(g);
	}
	http_free(w->http);
	strings_release(&w->trusted);
	w->is_freed = 1;
	if (!w->entered)
		free(w);
}

void web_cancel(struct web_get *g)
{
	if (g && !g->is_ending)
		get_free(g);
}

void web_trust(struct web *w, const char *base)
{
	strings_add(&w->trusted, base);
}

static int is_trusted(const struct web *w, const struct place *place)
{
	struct place known;
	for (size_t i = 0; i < w->trusted.count; i++)
		if (!place_parse(w->trusted.at[i], &known) && place_is_same(&known, place))
			return 1;
	return 0;
}

static const char *who(const struct web_get *g)
{
	static char text[280];
	struct place place;
	if (g->service)
		return g->service->name;
	snprintf(text, sizeof text, "%s", place_parse(g->url, &place) ? "the page" : place.host);
	return text;
}

/* Hands the answer out, keeps it when it is wanted, and is done with the question. */
static void finish(struct web_get *g, const struct web_answer *answer, int is_new)
{
	struct web *w = g->web;
	g->is_ending = 1;
	w->entered++;
	int is_good = g->came(g->data, answer);
	if (is_good && is_new && !w->is_freed)
		cache_write(w->cache, g->question, g->type, g->tag, answer->body, answer->size, answer->when);
	get_free(g);
	if (!--w->entered && w->is_freed)
		free(w);
}

static void answer_from_cache(struct web_get *g, const char *problem)
{
	struct buf why = {0};
	struct web_answer a = { .status = 200, .type = g->cached.type, .body = buf_str(&g->cached.body), .size = g->cached.body.len, .url = g->url,
		.when = g->cached.when, .is_old = !!problem };
	if (problem) {
		char date[CLOCK_TEXT];
		clock_date(g->cached.when, date);
		buf_printf(&why, "%s; this is its answer of %s", problem, date);
		a.problem = why.data;
	}
	finish(g, &a, 0);
	buf_release(&why);
}

static void fail(struct web_get *g, int status, const char *problem)
{
	if (g->is_cached && status != 404 && status != 410) {
		answer_from_cache(g, problem);
		return;
	}
	finish(g, &(struct web_answer){ .status = status, .type = g->type, .url = g->url, .problem = problem }, 0);
}

/* header lines */

static int64_t number_of(const char *value)
{
	char *end;
	long long n = strtoll(value, &end, 10);
	return *value < '0' || *value > '9' || *end || n > INT64_C(1) << 40 ? -1 : n;
}

/* Seconds, or a date (RFC 9110, 10.2.3). */
static int64_t retry_after(const char *value)
{
	struct tm tm = {0};
	int64_t n = number_of(value);
	if (n >= 0 || !strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return n;
	n = (int64_t)timegm(&tm) - clock_wall() / second;
	return n > 0 ? n : 0;
}

static void header(void *data, const char *name, const char *value)
{
	struct web_get *g = data;
	if (!strcmp(name, "content-type")) {
		snprintf(g->type, sizeof g->type, "%s", value);
		for (char *c = g->type; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	} else if (!strcmp(name, "etag") && strlen(value) < sizeof g->tag)
		snprintf(g->tag, sizeof g->tag, "%s", value);
	else if (!strcmp(name, "location"))
		string_set(&g->location, value);
	else if (!strcmp(name, "retry-after"))
		g->retry_after = retry_after(value);
	else if (!strcmp(name, "x-ratelimit-reset"))
		g->reset = number_of(value);
	else if (!strcmp(name, "x-ratelimit-remaining"))
		g->remaining = number_of(value);
}

static void body_came(void *data, const char *bytes, size_t n)
{
	struct web_get *g = data;
	buf_add(&g->body, bytes, n);
}

static int is_refusal(int status)
{
	return status == 429 || status == 403;
}

/* Microseconds that the service wants to be left alone after this answer. */
static int64_t rest_after(const struct web_get *g, int status)
{
	int64_t now = clock_wall(), until_reset = g->remaining == 0 && g->reset >= 0 ? g->reset * second - now : 0;
	if ((is_refusal(status) || status == 503) && g->retry_after >= 0)
		return (g->retry_after ? g->retry_after : 1) * second;
	if (until_reset > 0)
		return until_reset;
	if (!is_refusal(status) || !g->service)
		return 0;
	return status == 403 && g->service->forbidden ? g->service->forbidden : g->service->refusal;
}

static void start(struct web_get *g);

/* An answer to a redirect: may we go where it leads? */
static int follow(struct web_get *g, struct buf *why)
{
	struct place to, base;
	char *url = g->location ? place_join(g->url, g->location) : NULL;
	int may = 0;
	if (!url || place_parse(url, &to) < 0)
		buf_printf(why, "%s sends us on to no address that can be used", who(g));
	else if (g->hops++ >= HOPS_MAX)
		buf_printf(why, "%s sends us on and on: over %d times", who(g), HOPS_MAX);
	else if (!g->service) {	/* what else it must be is looked at by start; but a page does not lead to what the user has on this machine */
		may = !place_is_near(&to) || (!place_parse(g->url, &base) && place_is_same(&base, &to));
		if (!may)
			buf_printf(why, "%s leads to this machine or its own network: from outside nobody is sent there", who(g));
	}
	else {
		may = !place_parse(g->service->base, &base) && place_is_same(&base, &to);
		for (size_t i = 0; !may && g->service->hosts && g->service->hosts[i]; i++)
			may = to.is_secure && to.port == 443 && !strcmp(to.host, g->service->hosts[i]);
		if (!may)
			buf_printf(why, "%s sends us on to %s, which is not its own: not followed", who(g), to.host);
	}
	if (may) {
		free(g->url);
		g->url = url;
	} else
		free(url);
	return may;
}

static void say_status(const struct web_get *g, int status, int64_t rest, struct buf *why)
{
	char until[CLOCK_TEXT];
	clock_time_of_day(clock_wall() + rest, until);
	if (g->service && rest > 0 && is_refusal(status)) {
		buf_printf(why, "%s refuses for now (%d): it is left alone until %s", who(g), status, until);
		if (g->service->keyenv && !getenv(g->service->keyenv))
			buf_printf(why, "; set %s to its key for a larger share", g->service->keyenv);
	} else if (status == 401)
		buf_printf(why, "%s does not take the key%s%s (401): look at it", who(g), g->service && g->service->keyenv ? " in " : "",
		           g->service && g->service->keyenv ? g->service->keyenv : "");
	else if (status == 404 || status == 410)
		buf_printf(why, "%s has nothing of that name (%d)", who(g), status);
	else if (status >= 500)
		buf_printf(why, "%s has a problem of its own (%d): try again later", who(g), status);
	else
		buf_printf(why, "%s answers with status %d", who(g), status);
}

static void not_modified(struct web_get *g)
{
	g->cached.when = clock_wall();
	cache_write(g->web->cache, g->question, g->cached.type, g->cached.tag, buf_str(&g->cached.body), g->cached.body.len, g->cached.when);
	answer_from_cache(g, NULL);
}

static void ended(void *data, const struct http_result *result)
{
	struct web_get *g = data;
	struct buf why = {0};
	int status = result->status;
	int64_t rest = result->problem ? 0 : rest_after(g, status);
	g->request = NULL;
	pace_end(g->turn, rest);
	g->turn = NULL;
	if (result->problem) {
		buf_puts(&why, result->problem);
		fail(g, 0, why.data);
	} else if (status == 200)
		finish(g, &(struct web_answer){ .status = 200, .type = g->type, .body = buf_str(&g->body), .size = g->body.len, .url = g->url,
		                                .when = clock_wall() }, 1);
	else if (status == 304 && g->is_cached)
		not_modified(g);
	else if (status >= 300 && status < 400 && status != 304 && follow(g, &why))
		start(g);
	else {
		if (!why.len)
			say_status(g, status, rest, &why);
		fail(g, status, why.data);
	}
	buf_release(&why);
}

/* the request */

static int may_ask(const struct web_get *g, struct place *place, struct buf *why)
{
	if (place_parse(g->url, place) < 0)
		buf_puts(why, "that is no address that can be asked");
	else if (!place->is_secure && (g->service ? !place_is_near(place) : !is_trusted(g->web, place)))
		buf_printf(why, "%s is not encrypted: only https is asked", place->host);
	return why->len ? -1 : 0;
}

struct lines {
	const char *at[HEADERS_MAX + 1];
	char *owned[4];
	size_t count, owned_count;
};

static void add_line(struct lines *l, char *taken)
{
	l->owned[l->owned_count++] = taken;
	l->at[l->count++] = taken;
}

static void lines_release(struct lines *l)
{
	for (size_t i = 0; i < l->owned_count; i++) {
		explicit_bzero(l->owned[i], strlen(l->owned[i]));
		free(l->owned[i]);
	}
}

/* The key, where this request may carry it: the service's own host, and nobody listens on the way. */
static const char *key_of(const struct web_get *g, const struct place *place)
{
	struct place base;
	const struct service *s = g->service;
	if (!s || !s->keyenv || place_parse(s->base, &base) < 0 || !place_is_same(&base, place) || (!place->is_secure && !place_is_near(place)))
		return NULL;
	const char *key = getenv(s->keyenv);
	return key && *key ? key : NULL;
}

static struct http_request *send_request(struct web_get *g, const struct place *place, struct err *err)
{
	struct lines lines = { .at = { "User-Agent: " SKYDECK_USER_AGENT }, .count = 1 };
	const char *key = key_of(g, place);
	struct buf url = {0};
	buf_puts(&url, g->url);
	if (key && g->service->key_header)
		add_line(&lines, xasprintf("%s%s", g->service->key_header, key));
	else if (key && g->service->key_query) {
		buf_printf(&url, "%c%s=", strchr(g->url, '?') ? '&' : '?', g->service->key_query);
		url_quote(&url, key);
	}
	if (*g->accept)
		add_line(&lines, xasprintf("Accept: %s", g->accept));
	if (g->is_cached && *g->cached.tag)
		add_line(&lines, xasprintf("If-None-Match: %s", g->cached.tag));
	for (size_t i = 0; g->service && g->service->headers && g->service->headers[i] && lines.count < HEADERS_MAX; i++)
		lines.at[lines.count++] = g->service->headers[i];
	struct http_request *r = http_start(g->web->http, &(struct http_plan){ .method = "GET", .url = url.data, .headers = lines.at,
		.timeout = g->timeout, .max_size = g->max_size, .takes_compressed = 1, .public_only = !g->service && !is_trusted(g->web, place),
		.header = header, .body_came = body_came, .ended = ended, .data = g }, err);
	lines_release(&lines);
	explicit_bzero(url.data, url.len);
	buf_release(&url);
	return r;
}

static void request(struct web_get *g)
{
	struct place place;
	struct buf why = {0};
	struct err err = {0};
	buf_truncate(&g->body, 0);
	g->type[0] = g->tag[0] = '\0';
	string_set(&g->location, NULL);
	g->retry_after = g->reset = g->remaining = -1;
	if (!may_ask(g, &place, &why) && !(g->request = send_request(g, &place, &err)))
		buf_puts(&why, err.text);
	if (why.len) {
		pace_end(g->turn, -1);
		g->turn = NULL;
		fail(g, 0, why.data);
	}
	buf_release(&why);
}

static void turn_came(void *data, int64_t until)
{
	struct web_get *g = data;
	char when[CLOCK_TEXT];
	if (!until) {
		request(g);
		return;
	}
	g->turn = NULL;
	clock_time_of_day(until, when);
	char *problem = xasprintf("%s asked to be left alone until %s", who(g), when);
	fail(g, 0, problem);
	free(problem);
}

static void page_turn(void *data)
{
	struct web_get *g = data;
	g->timer = NULL;
	request(g);
}

static void start(struct web_get *g)
{
	if (g->service)
		g->turn = pace_ask(g->service->pace, turn_came, g);
	else
		g->timer = loop_after(g->web->loop, 0, page_turn, g);
}

static void fresh_turn(void *data)
{
	struct web_get *g = data;
	g->timer = NULL;
	answer_from_cache(g, NULL);
}

struct web_get *web_ask(struct web *w, const struct web_question *q)
{
	struct web_get *g = xcalloc(1, sizeof *g);
	*g = (struct web_get){ .next = w->gets, .web = w, .service = q->service, .url = xstrdup(q->url), .accept = xstrdup(q->accept ? q->accept : ""),
		.fresh = q->fresh, .timeout = q->timeout ? q->timeout : 30 * second, .max_size = q->max_size ? q->max_size : SIZE_MAX_DEFAULT,
		.came = q->came, .data = q->data };
	g->question = xasprintf("%s %s", g->url, g->accept);
	w->gets = g;
	g->is_cached = !cache_read(w->cache, g->question, &g->cached);
	int64_t age = clock_wall() - g->cached.when;
	if (g->is_cached && age >= 0 && age < g->fresh)
		g->timer = loop_after(w->loop, 0, fresh_turn, g);
	else
		start(g);
	return g;
}
