/* What an HTTP status other than 200 means: whether asking again helps, when, and what a human can do. After Anthropic's
 * page on errors and its SDK's policy (x-should-retry first, retry-after-ms before retry-after), and the bodies of OpenAI,
 * OpenRouter, Ollama, vLLM and llama.cpp. Whatever stands in the body is shown in one short sentence at most, without
 * anything that looks like a key: some servers repeat the one they refuse. */
#include "core/agents/parts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/text.h"

enum { BODY_MAX = 256 * 1024, WORDS_MAX = 300, ID_MAX = 80 };
static const double longest_wait = 86400;

struct body {
	char *type, *code, *message;	/* safe; "" where it does not say */
	int is_spent;			/* a limit of money, that no waiting of ours lifts */
	int is_long;			/* more than the model's context */
};

static const char *header(const struct strings *headers, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; headers && i < headers->count; i++) {
		const char *line = headers->at[i];
		if (!strncasecmp(line, name, n) && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

/* --- what the body says ---------------------------------------------------------------------------------------------- */

static int is_key_character(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-_*.", c));
}

/* A run of characters that is, or may be, a key: one of the known beginnings, or too long for a word or a model. */
static int is_secret(const char *s, size_t n)
{
	size_t alone = 0, longest = 0;
	for (size_t i = 0; i < n; i++) {
		alone = isalnum((unsigned char)s[i]) ? alone + 1 : 0;
		longest = alone > longest ? alone : longest;
	}
	return n >= 48 || longest >= 30 || (n >= 8 && (!strncmp(s, "sk-", 3) || !strncmp(s, "AIza", 4) || !strncmp(s, "gsk_", 4) || !strncmp(s, "hf_", 3)));
}

static char *without_keys(char *safe)
{
	struct buf out = {0};
	for (const char *s = safe; *s;) {
		size_t n = 0;
		while (is_key_character(s[n]))
			n++;
		if (is_secret(s, n))
			buf_puts(&out, "…");
		else
			buf_add(&out, s, n ? n : 1);
		s += n ? n : 1;
	}
	free(safe);
	char *text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

static char *words(const char *s)
{
	return without_keys(safe_words(s ? s : "", WORDS_MAX));
}

static const char *text_of(const struct json *v, const char *key)
{
	const char *s = json_string(json_get(v, key), NULL);
	return s && *s ? s : NULL;
}

static int has_one_of(const char *text, const char *const *words)
{
	while (*words && !strcasestr(text, *words))
		words++;
	return *words != NULL;
}

static int is_any(const char *word, const char *const *words)
{
	while (word && *words && strcmp(word, *words))
		words++;
	return word && *words;
}

/* A 400 may be any of these; only the words tell. */
static const char *const spent_codes[] = { "enforced_spend_limit_reached", "insufficient_quota", NULL };
static const char *const spent_words[] = { "credit balance", "spend limit", "usage limit", NULL };
static const char *const long_words[] = { "prompt is too long", "context length", "context_length", "context size", "context window", NULL };

/* {"error":{…}}, {"error":"…"}, a list of one of those, or {"message"/"detail":"…"} without an error at all. */
static void read_json(const struct json *v, int status, struct body *out)
{
	if (json_is_array(v))
		v = json_first(v);
	const struct json *error = json_get(v, "error");
	if (!json_is_object(error))
		error = v;
	const char *message = text_of(error, "message");
	if (!message)
		message = text_of(v, "error") ? text_of(v, "error") : text_of(v, "message") ? text_of(v, "message") : text_of(v, "detail");
	const char *detail = text_of(json_get(error, "details"), "error_code"), *code = detail ? detail : text_of(error, "code");
	out->message = words(message);
	out->type = words(text_of(error, "type"));
	out->code = words(code);
	out->is_spent = is_any(code, spent_codes) || is_any(out->type, spent_codes) ||
			(status == 400 && has_one_of(out->message, spent_words));
	out->is_long = status == 400 && (has_one_of(out->message, long_words) || has_one_of(out->code, long_words));
}

/* A page of a proxy, or plain text: its title, or the first of its words. */
static char *read_page(const char *body, size_t n)
{
	char *text = xstrndup(body, n);
	const char *title = strcasestr(text, "<title>"), *end = title ? strcasestr(title, "</title>") : NULL;
	char *inner = title && end ? xstrndup(title + 7, (size_t)(end - title) - 7) : xstrdup(text[strspn(text, " \t\r\n")] == '<' ? "" : text);
	char *out = words(inner);
	free(inner);
	free(text);
	return out;
}

static void read_body(int status, const char *body, size_t n, struct body *out)
{
	struct json *v = n && n <= BODY_MAX ? json_parse(body, n, NULL) : NULL;
	*out = (struct body){0};
	if (v) {
		read_json(v, status, out);
	} else {
		out->message = read_page(body, n < BODY_MAX ? n : BODY_MAX);
		out->type = xstrdup("");
		out->code = xstrdup("");
	}
	json_free(v);
}

/* --- when to ask again ----------------------------------------------------------------------------------------------- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7; its two obsolete forms are sent by nobody). NAN: it is none. */
static double read_date(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = {0};
	char month[4];
	if (!s || sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &t.tm_mday, month, &t.tm_year, &t.tm_hour, &t.tm_min, &t.tm_sec) != 6)
		return NAN;
	const char *at = strstr(months, month);
	if (!at || strlen(month) != 3 || (at - months) % 3 || t.tm_year < 1970)
		return NAN;
	t.tm_mon = (int)(at - months) / 3;
	t.tm_year -= 1900;
	return (double)timegm(&t);
}

static double read_number(const char *s)
{
	char *end;
	if (!s || !isdigit((unsigned char)*s))
		return NAN;
	double v = strtod(s, &end);
	return end[strspn(end, " \t\r\n")] ? NAN : v;
}

static double bounded(double seconds)
{
	return isnan(seconds) ? NAN : seconds < 0 ? 0 : seconds > longest_wait ? longest_wait : seconds;
}

/* A date is measured by the server's own clock, which stands in the same answer. */
static double wait_of(const struct strings *headers)
{
	double ms = read_number(header(headers, "retry-after-ms")), seconds = read_number(header(headers, "retry-after"));
	if (!isnan(ms))
		return bounded(ms / 1000);
	if (!isnan(seconds))
		return bounded(seconds);
	return bounded(read_date(header(headers, "retry-after")) - read_date(header(headers, "date")));
}

static int is_worth_asking_again(int status, const struct body *b, const struct strings *headers)
{
	const char *says = header(headers, "x-should-retry");
	if (b->is_spent || status == 402)
		return 0;
	if (says && !strncasecmp(says, "true", 4))
		return 1;
	if (says && !strncasecmp(says, "false", 5))
		return 0;
	return status == 408 || status == 409 || status == 429 || status >= 500;
}

/* --- in words -------------------------------------------------------------------------------------------------------- */

static const char *what_happened(int status, const struct body *b)
{
	if (b->is_spent)
		return "there is no money left for this key: its credit or its spending limit is used up";
	switch (status) {
	case 400: case 422: return "the API does not accept the request";
	case 401: return "the API does not take the key";
	case 402: return "there is no credit left";
	case 403: return "the API does not allow this to the key";
	case 404: return "the API has no such model or address";
	case 408: case 504: return "the API took too long";
	case 413: return "the request is too large for the API";
	case 429: return "too many requests for now";
	case 503: return "the API is not available";
	case 529: return "the API is overloaded";
	}
	return status >= 500 ? "the API has a failure of its own" : status >= 300 && status < 400 ? "the API points to another address"
		: "the API does not answer the request";
}

static const char *what_to_do(int status, const struct body *b)
{
	if (b->is_spent)
		return "add credit or raise the limit with the provider; a limit often starts anew on the first of the month";
	if (b->is_long)
		return "it is longer than the model's context: lower what a turn is told, or choose another model";
	switch (status) {
	case 400: case 422: return "check model and effort of this agent in the config";
	case 401: return "check the key in the environment variable that this agent's keyenv names";
	case 402: return "add credit with the provider";
	case 403: return "check with the provider what the key in the variable of this agent's keyenv may use";
	case 404: return "check model and url of this agent in the config";
	case 413: return "begin a new turn, or lower what it is told";
	}
	return status >= 300 && status < 400 ? "set url of this agent in the config to where the API really is" : NULL;
}

static int is_id(const char *s)
{
	size_t n = s ? strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") : 0;
	return n && n <= ID_MAX && !s[n];
}

void explain_status(int status, const char *body, size_t n, const struct strings *headers, struct wire_trouble *out)
{
	struct body b;
	struct buf text = {0};
	const char *id = header(headers, "request-id"), *remedy;
	if (!id)
		id = header(headers, "x-request-id");
	read_body(status, body ? body : "", body ? n : 0, &b);
	remedy = what_to_do(status, &b);
	buf_printf(&text, "%s (%d%s%s)", what_happened(status, &b), status, *b.type ? " " : "", b.type);
	if (*b.message)
		buf_printf(&text, ": %s", b.message);
	if (is_id(id))
		buf_printf(&text, " [%s]", id);
	if (remedy)
		buf_printf(&text, "; %s", remedy);
	*out = (struct wire_trouble){ .retry = is_worth_asking_again(status, &b, headers), .wait = wait_of(headers), .text = buf_take(&text) };
	free(b.type);
	free(b.code);
	free(b.message);
}
