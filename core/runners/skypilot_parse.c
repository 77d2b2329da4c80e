/* SkyPilot's words. Its outputs are for people and change between versions, so that nothing here hangs on more than it must:
 * JSON is looked for among other lines, exceptions by their type and their text, the price by its column's heading. What is
 * not understood becomes OTHER with SkyPilot's own words, never an error of ours.
 *
 * Sources: SkyPilot 0.12 to 0.14.1 (sky/exceptions.py, sky/optimizer.py for the table of prices, sky/client/cli/command.py
 * for "Cluster(s) failed", sky/server/requests for the answers), and recorded outputs of 0.14.1 in tests/sky-lab/fixtures. */
#include "core/runners/skypilot_parse.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { OLDEST_API = 24, WHY_MAX = 400 };	/* 0.11.0; bytes of a reason */

const char *skypilot_remedy(enum skypilot_trouble trouble)
{
	static const char *const remedies[] = {
#define X(id, remedy) remedy,
		SKYPILOT_TROUBLES(X)
#undef X
	};
	return (unsigned)trouble < sizeof remedies / sizeof *remedies ? remedies[trouble] : "";
}

int skypilot_is_passing(enum skypilot_trouble trouble)
{
	return trouble == SKYPILOT_NO_SERVER || trouble == SKYPILOT_TIMED_OUT || trouble == SKYPILOT_GONE || trouble == SKYPILOT_OTHER;
}

/* --- plain text ------------------------------------------------------------------------------------------------------ */

/* The length of an escape sequence at s (ECMA-48: CSI, OSC up to BEL or ST, else two bytes). */
static size_t escape_length(const char *s, size_t n)
{
	size_t i = 2;
	if (n < 2)
		return n;
	if (s[1] == '[') {
		while (i < n && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x40)
			i++;
		return i < n ? i + 1 : n;
	}
	if (s[1] == ']') {
		while (i < n && s[i] != '\a' && s[i] != '\033' && s[i] != '\n')
			i++;
		return i + (i < n && s[i] == '\a');
	}
	return 2;
}

void skypilot_plain(struct buf *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t run = i;
		while (run < n && bytes[run] != '\033' && bytes[run] != '\r' && bytes[run])
			run++;
		buf_add(out, bytes + i, run - i);
		i = run;
		if (i < n && bytes[i] == '\033') {
			i += escape_length(bytes + i, n - i);
		} else if (i < n && bytes[i] == '\r') {
			buf_putc(out, '\n');
			i += i + 1 < n && bytes[i + 1] == '\n' ? 2 : 1;
		} else if (i < n) {
			i++;
		}
	}
}

static char *plain_string(const char *bytes, size_t n)
{
	struct buf plain = {0};
	skypilot_plain(&plain, bytes, n);
	buf_putc(&plain, '\0');
	return buf_take(&plain);
}

/* A line of a text that ends in NUL; *rest moves behind it. NULL at the end. */
struct line {
	const char *at;
	size_t len;
};

static int next_line(const char **rest, struct line *line)
{
	if (!**rest)
		return 0;
	line->at = *rest;
	line->len = strcspn(*rest, "\n");
	*rest += line->len + ((*rest)[line->len] == '\n');
	return 1;
}

static struct line trimmed(struct line line)
{
	while (line.len && isspace((unsigned char)*line.at))
		line.at++, line.len--;
	while (line.len && isspace((unsigned char)line.at[line.len - 1]))
		line.len--;
	return line;
}

static int starts(struct line line, const char *with)
{
	size_t n = strlen(with);
	return line.len >= n && !memcmp(line.at, with, n);
}

static int contains(struct line line, const char *part)
{
	return memmem(line.at, line.len, part, strlen(part)) != NULL;
}

static char *safe_copy(const char *s)
{
	return s ? text_safe_string(s, strlen(s), TEXT_LINE | TEXT_STRIP_SGR) : NULL;
}

/* --- JSON among lines ------------------------------------------------------------------------------------------------ */

/* Where the document that begins at s ends, by its brackets; 0: it does not. */
static size_t document_length(const char *s, size_t n)
{
	size_t depth = 0;
	int in_string = 0;
	for (size_t i = 0; i < n; i++) {
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = 0;
		} else if (s[i] == '"') {
			in_string = 1;
		} else if (s[i] == '[' || s[i] == '{') {
			depth++;
		} else if ((s[i] == ']' || s[i] == '}') && !--depth) {
			return i + 1;
		}
	}
	return 0;
}

struct json *skypilot_find_json(const char *text, size_t n)
{
	enum { TRIES = 64 };	/* each may read all that follows */
	struct json *found = NULL;
	struct buf plain = {0};
	skypilot_plain(&plain, text, n);
	size_t tries = 0;
	for (size_t i = 0; i < plain.len && !found && tries < TRIES; i++) {
		if ((plain.data[i] != '[' && plain.data[i] != '{') || (i && plain.data[i - 1] != '\n'))
			continue;
		size_t len = document_length(plain.data + i, plain.len - i);
		tries++;
		if (len)
			found = json_parse(plain.data + i, len, NULL);
	}
	buf_release(&plain);
	return found;
}

/* --- what went wrong ------------------------------------------------------------------------------------------------- */

struct sign {
	const char *word;	/* anywhere in "TYPE: message", in any case */
	enum skypilot_trouble trouble;
};

/* The first that fits counts: what is special stands before what is general. */
static const struct sign signs[] = {
	{ "version_mismatch", SKYPILOT_VERSION },
	{ "APIVersionMismatch", SKYPILOT_VERSION },
	{ "client version is too old", SKYPILOT_VERSION },
	{ "server is too old", SKYPILOT_VERSION },
	{ "APINotSupportedError", SKYPILOT_VERSION },
	{ "No such option", SKYPILOT_VERSION },
	{ "No such command", SKYPILOT_VERSION },
	{ "ClusterOwnerIdentityMismatch", SKYPILOT_NOT_OURS },
	{ "is owned by account", SKYPILOT_NOT_OURS },
	{ "PermissionDeniedError", SKYPILOT_NOT_OURS },
	{ "NoWorkspaceAccessError", SKYPILOT_NOT_OURS },
	{ "ApiServerAuthenticationError", SKYPILOT_NO_LOGIN },
	{ "Authentication required for SkyPilot API server", SKYPILOT_NO_LOGIN },
	{ "401 Client Error", SKYPILOT_NO_LOGIN },
	{ "Invalid service account token", SKYPILOT_NO_LOGIN },
	{ "ApiServerConnectionError", SKYPILOT_NO_SERVER },
	{ "Could not connect to SkyPilot API server", SKYPILOT_NO_SERVER },
	{ "No SkyPilot API server", SKYPILOT_NO_SERVER },
	{ "ServerTemporarilyUnavailable", SKYPILOT_NO_SERVER },
	{ "RemoteDisconnected", SKYPILOT_NO_SERVER },
	{ "ClusterDoesNotExist", SKYPILOT_GONE },
	{ "ClusterNotUpError", SKYPILOT_GONE },
	{ "NoCloudAccessError", SKYPILOT_NO_CLOUD },
	{ "No cloud access", SKYPILOT_NO_CLOUD },
	{ "No cloud is enabled", SKYPILOT_NO_CLOUD },
	{ "No enabled cloud", SKYPILOT_NO_CLOUD },
	{ "is not enabled", SKYPILOT_NO_CLOUD },
	{ "are not enabled", SKYPILOT_NO_CLOUD },
	{ "CloudUserIdentityError", SKYPILOT_NO_CLOUD },
	{ "InvalidCloudCredentials", SKYPILOT_NO_CLOUD },
	{ "quota", SKYPILOT_QUOTA },
	{ "LimitExceeded", SKYPILOT_QUOTA },
	{ "InsufficientInstanceCapacity", SKYPILOT_QUOTA },
	{ "InsufficientCapacity", SKYPILOT_QUOTA },
	{ "RESOURCE_POOL_EXHAUSTED", SKYPILOT_QUOTA },
	{ "SkuNotAvailable", SKYPILOT_QUOTA },
	{ "OperationNotAllowed", SKYPILOT_QUOTA },
	{ "max_hourly_cost", SKYPILOT_INFEASIBLE },
	{ "ResourcesUnavailableError", SKYPILOT_INFEASIBLE },
	{ "ResourcesMismatchError", SKYPILOT_INFEASIBLE },
	{ "No resource satisfying", SKYPILOT_INFEASIBLE },
	{ "No launchable resource", SKYPILOT_INFEASIBLE },
	{ "not found in Slurm config", SKYPILOT_INFEASIBLE },
	{ "Invalid infra", SKYPILOT_INFEASIBLE },
	{ "Invalid cloud", SKYPILOT_INFEASIBLE },
	{ "Invalid region", SKYPILOT_INFEASIBLE },
	{ "Invalid zone", SKYPILOT_INFEASIBLE },
	{ "is not a valid cloud", SKYPILOT_INFEASIBLE },
	{ "InvalidSkyPilotConfig", SKYPILOT_BAD_TASK },
	{ "Invalid task YAML", SKYPILOT_BAD_TASK },
	{ "YAML Error", SKYPILOT_BAD_TASK },
	{ "looks like a yaml path but", SKYPILOT_BAD_TASK },
	{ "Workdir must be", SKYPILOT_BAD_TASK },
	{ "InvalidClusterName", SKYPILOT_BAD_TASK },
	{ "setup failed", SKYPILOT_SETUP_FAILED },
	{ "FAILED_SETUP", SKYPILOT_SETUP_FAILED },
	{ "ClusterSetUpError", SKYPILOT_SETUP_FAILED },
	{ "NotSupportedError", SKYPILOT_UNSUPPORTED },
	{ "not supported", SKYPILOT_UNSUPPORTED },
	{ "RequestCancelled", SKYPILOT_INTERRUPTED },
	{ "RequestInterrupted", SKYPILOT_INTERRUPTED },
	{ "KeyboardInterrupt", SKYPILOT_INTERRUPTED },
	{ "Aborted!", SKYPILOT_INTERRUPTED },
	{ "does not exist", SKYPILOT_GONE },
	{ "timed out", SKYPILOT_TIMED_OUT },
};

static enum skypilot_trouble trouble_of(const char *text)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (strcasestr(text, signs[i].word))
			return signs[i].trouble;
	return SKYPILOT_OTHER;
}

/* The first sentences of a plain message as one line: up to an empty line, a hint, or WHY_MAX. */
static void add_first_sentences(struct buf *out, const char *message)
{
	struct line line;
	size_t start = out->len;
	while (next_line(&message, &line)) {
		line = trimmed(line);
		if (out->len > start && (!line.len || starts(line, "Hint:") || starts(line, "To fix:") || starts(line, "Traceback")))
			return;
		if (!line.len)
			continue;
		if (out->len > start)
			buf_putc(out, ' ');
		buf_add(out, line.at, line.len);
		if (out->len - start > WHY_MAX)
			break;
	}
	if (out->len - start > WHY_MAX) {
		size_t cut = start + WHY_MAX;
		while (cut > start && (out->data[cut] & 0xc0) == 0x80)
			cut--;
		buf_truncate(out, cut);
		buf_puts(out, "…");
	}
}

static void say(struct err *says, const char *what, const char *message)
{
	struct buf why = {0};
	add_first_sentences(&why, message);
	err_set(says, "%s: %s", what, why.len ? buf_str(&why) : "it failed, and says nothing");
	buf_release(&why);
}

enum skypilot_trouble skypilot_explain(struct err *says, const char *what, const char *type, const char *message)
{
	char *plain = plain_string(message ? message : "", message ? strlen(message) : 0);
	char *all = xasprintf("%s: %s", type ? type : "", plain);
	enum skypilot_trouble trouble = trouble_of(all);
	say(says, what, *plain || !type ? plain : type);
	free(all);
	free(plain);
	return trouble;
}

/* The length of "sky.exceptions.ClusterDoesNotExist" and ": " behind it, at the beginning of a line; 0 when it is none. */
static size_t exception_length(struct line line)
{
	size_t n = 0, dot = 0;
	while (n < line.len && (isalnum((unsigned char)line.at[n]) || line.at[n] == '_' || line.at[n] == '.')) {
		if (line.at[n] == '.')
			dot = n + 1;
		n++;
	}
	if (n == dot || n + 1 >= line.len || line.at[n] != ':' || line.at[n + 1] != ' ' || !isupper((unsigned char)line.at[dot]))
		return 0;
	struct line type = { line.at, n };
	return dot || contains(type, "Error") || contains(type, "Exception") || contains(type, "Interrupt") ? n + 2 : 0;
}

/* The last exception of a plain output, behind its type; NULL: there is none. */
static const char *last_exception(const char *plain, const char **type)
{
	const char *found = NULL;
	struct line line;
	for (const char *rest = plain; next_line(&rest, &line);) {
		struct line text = trimmed(line);	/* queue indents them */
		size_t n = exception_length(text);
		if (!n)
			continue;
		*type = text.at;
		found = text.at + n;
	}
	return found;
}

static const char *line_that_has(const char *plain, const char *part)
{
	struct line line;
	for (const char *rest = plain; next_line(&rest, &line);)
		if (strncasecmp(line.at, "hint", 4) && line.len >= strlen(part)) {
			char *copy = xstrndup(line.at, line.len);
			int has = strcasestr(copy, part) != NULL;
			free(copy);
			if (has)
				return line.at;
		}
	return NULL;
}

static const char *last_words(const char *plain)
{
	const char *last = plain;
	struct line line;
	for (const char *rest = plain; next_line(&rest, &line);)
		if (trimmed(line).len && !starts(line, "Aborted!"))
			last = line.at;
	return last;
}

static void say_line(struct err *says, const char *what, const char *at)
{
	char *line = xstrndup(at, strcspn(at, "\n"));
	say(says, what, line);
	free(line);
}

/* A task file that is no YAML: SkyPilot would take its name for a command, and asks. Up to that question, in one line. */
static int explain_task_file(struct err *says, const char *what, const char *plain)
{
	const char *at = line_that_has(plain, "looks like a yaml path but"), *error = at ? strstr(at, "YAML Error:") : NULL;
	if (!at)
		return 0;
	if (error)
		say(says, what, error);
	else
		say_line(says, what, at);
	return 1;
}

static enum skypilot_trouble explain_plain(struct err *says, const char *what, const char *plain)
{
	const char *type = NULL, *message = last_exception(plain, &type), *line;
	if (explain_task_file(says, what, plain))
		return SKYPILOT_BAD_TASK;
	if (message) {
		char *text = xstrndup(type, (size_t)(message - type) + strcspn(message, "\n"));
		enum skypilot_trouble trouble = trouble_of(text);
		free(text);
		say(says, what, message);
		if (trouble != SKYPILOT_OTHER && trouble != SKYPILOT_INFEASIBLE)
			return trouble;
		/* Why each place refused stands above it. */
		if ((line = line_that_has(plain, "quota")) || (line = line_that_has(plain, "LimitExceeded"))) {
			say_line(says, what, line);
			return SKYPILOT_QUOTA;
		}
		return trouble == SKYPILOT_OTHER ? trouble_of(plain) : trouble;
	}
	if ((line = line_that_has(plain, "Error: ")))	/* of click */
		say_line(says, what, strstr(line, "Error: ") ? strstr(line, "Error: ") + 7 : line);
	else if ((line = line_that_has(plain, "not supported")) || (line = line_that_has(plain, "...failed")))
		say_line(says, what, line);
	else
		say_line(says, what, last_words(plain));
	return trouble_of(plain);
}

enum skypilot_trouble skypilot_explain_output(struct err *says, const char *what, const char *output, size_t n)
{
	char *plain = plain_string(output, n);
	enum skypilot_trouble trouble = explain_plain(says, what, plain);
	free(plain);
	return trouble;
}

enum skypilot_trouble skypilot_explain_refusal(struct err *says, const char *what, const char *output, size_t n)
{
	char *plain = plain_string(output, n);
	enum skypilot_trouble trouble = SKYPILOT_NONE;
	if (strstr(plain, "Cluster(s) failed.") || strstr(plain, "...failed") || strstr(plain, "...skipped."))
		trouble = explain_plain(says, what, plain);
	free(plain);
	return trouble;
}

/* --- what actions say ------------------------------------------------------------------------------------------------ */

long skypilot_find_job(const char *output, size_t n)
{
	static const char words[] = "Job submitted, ID: ";
	char *plain = plain_string(output, n);
	const char *at = strstr(plain, words);
	long job = at ? strtol(at + sizeof words - 1, NULL, 10) : 0;
	free(plain);
	return job > 0 ? job : 0;
}

/* A cell of a table's row: what stands between two or more spaces, or bars. Columns are counted on the screen. */
struct cell {
	int from, to;
	char text[64];
};

static int is_bar(uint32_t cp)
{
	return cp == '|' || cp == 0x2502 || cp == 0x2503 || cp == 0x2551;
}

static size_t split_row(struct line row, struct cell *cells, size_t max)
{
	size_t count = 0, len = 0;
	int column = 0, spaces = 2, is_in = 0;
	for (size_t i = 0; i < row.len;) {
		uint32_t cp;
		int bytes = text_decode(row.at + i, row.len - i, &cp), width = bytes ? text_width(cp) : 1;
		int is_gap = cp == ' ' || !bytes || is_bar(cp);
		spaces = !is_gap ? 0 : bytes && cp == ' ' ? spaces + 1 : 2;
		if (!is_gap && !is_in) {
			if (count == max)
				return count;
			cells[count++] = (struct cell){ .from = column, .to = column };
			is_in = 1;
			len = 0;
		} else if (is_gap && spaces >= 2) {
			is_in = 0;
		}
		if (is_in && len + 5 < sizeof cells->text) {
			memcpy(cells[count - 1].text + len, row.at + i, (size_t)bytes);
			len += (size_t)bytes;
		}
		column += width;
		if (!is_gap)
			cells[count - 1].to = column;
		i += bytes ? (size_t)bytes : 1;
	}
	return count;
}

static double price_of(const char *text)
{
	char digits[64];
	size_t n = 0;
	while (*text == '$' || *text == ' ' || *text == '~')
		text++;
	for (; *text && n + 1 < sizeof digits; text++)
		if (*text != ',')
			digits[n++] = *text;
	digits[n] = '\0';
	char *end;
	double price = strtod(digits, &end);
	return end != digits && isfinite(price) && price >= 0 && (!*end || *end == ' ') ? price : NAN;
}

double skypilot_find_price(const char *output, size_t n)
{
	enum { CELLS = 32 };
	struct cell heading = {0}, cells[CELLS];
	double price = NAN, only = NAN;
	size_t rows = 0;
	char *plain = plain_string(output, n);
	struct line line;
	for (const char *rest = plain; isnan(price) && next_line(&rest, &line);) {
		size_t count = split_row(line, cells, CELLS);
		int is_heading = 0;
		for (size_t i = 0; i < count; i++)
			if (!strncmp(cells[i].text, "COST ($)", 8)) {
				heading = cells[i];
				is_heading = 1;
			}
		for (size_t i = 0; !is_heading && heading.to && i < count; i++)
			if (cells[i].from < heading.to && cells[i].to > heading.from && !isnan(price_of(cells[i].text))) {
				only = price_of(cells[i].text);
				rows++;
				if (contains(line, "\xe2\x9c\x94") || contains(line, "\xe2\x9c\x93"))
					price = only;
			}
	}
	free(plain);
	return isnan(price) && rows == 1 ? only : price;
}

/* --- what the server says -------------------------------------------------------------------------------------------- */

/* Numbers come as numbers or, of newer servers, as text. */
static long whole(const struct json *v, long otherwise)
{
	const char *text = json_string(v, NULL);
	char *end;
	if (!text)
		return (long)json_integer(v, otherwise);
	long number = strtol(text, &end, 10);
	return end != text && !*end ? number : otherwise;
}

int skypilot_read_health(struct skypilot_health *out, int status, const char *body, size_t n, struct err *err)
{
	struct json *v = status == 200 ? json_parse(body, n, NULL) : NULL;
	const char *version = json_string(json_get(v, "version"), "");
	size_t len = strspn(version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-");
	*out = (struct skypilot_health){ .api_version = whole(json_get(v, "api_version"), 0) };
	snprintf(out->version, sizeof out->version, "%.*s", (int)(version[len] ? 0 : len), version);
	json_free(v);
	if (status != 200)
		return err_set(err, "it answers %d to /api/health%s", status,
			       status == 401 || status == 403 || (status >= 300 && status < 400) ? ": it wants a login" : "");
	if (!v)
		return err_set(err, "what it answers to /api/health is not JSON: it is no SkyPilot API server");
	if (out->api_version <= 0)
		return err_set(err, "it does not say its api_version: it is of an unknown version");
	if (out->api_version < OLDEST_API)
		return err_set(err, "its api_version %ld is too old (%d, of SkyPilot 0.11, is the oldest)", out->api_version, OLDEST_API);
	return 0;
}

int skypilot_is_request_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
	return n && n <= 128 && !text[n];
}

/* JSON in a string of JSON. */
static struct json *unwrap(const struct json *v)
{
	const char *text = json_string(v, NULL);
	return text ? json_parse(text, strlen(text), NULL) : NULL;
}

static enum skypilot_reply read_failure(const struct json *v, const char *what, enum skypilot_trouble *trouble, struct err *says)
{
	const struct json *detail = json_get(v, "detail");
	struct json *error = unwrap(json_get(detail, "error"));
	const struct json *from = error ? error : detail;	/* some calls answer with the exception itself */
	const char *type = json_string(json_get(from, "type"), NULL), *message = json_string(json_get(from, "message"), NULL);
	if (!type && !message && json_get(v, "error")) {	/* {"error":"version_mismatch","message":…} */
		type = json_string(json_get(v, "error"), NULL);
		message = json_string(json_get(v, "message"), NULL);
	}
	if (type || message)
		*trouble = skypilot_explain(says, what, type, message);
	json_free(error);
	return type || message ? SKYPILOT_REPLY_FAILED : SKYPILOT_REPLY_UNKNOWN;
}

enum skypilot_reply skypilot_read_reply(int status, const char *body, size_t n, const char *what,
					struct json **value, enum skypilot_trouble *trouble, struct err *says)
{
	struct json *v = json_parse(body, n, NULL);
	enum skypilot_reply reply = SKYPILOT_REPLY_UNKNOWN;
	const char *word = json_string(json_get(v, "status"), NULL);
	*value = NULL;
	*trouble = SKYPILOT_NONE;
	if (status == 200 && word && !strcmp(word, "CANCELLED")) {
		*trouble = SKYPILOT_INTERRUPTED;
		err_set(says, "%s: the request was cancelled", what);
		reply = SKYPILOT_REPLY_FAILED;
	} else if (status == 200 && word && !strcmp(word, "SUCCEEDED") && (*value = unwrap(json_get(v, "return_value")))) {
		reply = SKYPILOT_REPLY_VALUE;
	} else if (v && status != 200) {
		reply = read_failure(v, what, trouble, says);
	} else if (word && !strcmp(word, "FAILED")) {
		struct json *wrapped = json_object();
		json_take(wrapped, "detail", json_copy(v));
		reply = read_failure(wrapped, what, trouble, says);
		json_free(wrapped);
	}
	json_free(v);
	return reply;
}

/* --- what is set up -------------------------------------------------------------------------------------------------- */

static char *own_text(const struct json *object, const char *key)
{
	const char *s = json_string(json_get(object, key), NULL);
	return s && *s ? safe_copy(s) : NULL;
}

void skypilot_read_info(struct skypilot_info *out, const struct json *v)
{
	const struct json *server = json_get(v, "server");
	*out = (struct skypilot_info){ .client = own_text(json_get(v, "client"), "version"), .server = own_text(server, "version"),
		.url = own_text(server, "url"), .state = own_text(server, "status") };
}

int skypilot_info_answers(const struct skypilot_info *info)
{
	return info->server && info->state && !strcmp(info->state, "healthy");
}

int skypilot_info_is_one(const struct skypilot_info *info)
{
	return info->client && info->server && !strncmp(info->client, info->server, strcspn(info->client, ".") + 1);
}

void skypilot_info_release(struct skypilot_info *info)
{
	free(info->client);
	free(info->server);
	free(info->url);
	free(info->state);
	*info = (struct skypilot_info){0};
}

int skypilot_read_clouds(struct strings *out, const struct json *v)
{
	if (!json_is_object(v))
		return -1;
	for (const struct json *workspace = json_first(v); workspace; workspace = json_next(workspace))
		for (const struct json *cloud = json_first(workspace); cloud; cloud = json_next(cloud)) {
			char *name = json_count(cloud) ? safe_copy(json_key(cloud)) : NULL;
			if (name && !strings_have(out, name))
				strings_add(out, name);
			free(name);
		}
	return 0;
}

/* --- lists ----------------------------------------------------------------------------------------------------------- */

static enum vm_status vm_status(const char *word)
{
	return !strcmp(word, "INIT") ? VM_INIT : !strcmp(word, "UP") ? VM_UP : !strcmp(word, "STOPPED") ? VM_STOPPED : VM_OTHER;
}

/* Seconds since 1970, as microseconds. */
static int64_t time_of(const struct json *object, const char *key)
{
	double seconds = json_number(json_get(object, key), 0);
	return seconds > 0 && seconds < 1e11 ? (int64_t)(seconds * 1e6) : 0;
}

static char *place_of(const struct json *v)
{
	char *zone = own_text(v, "zone");
	return zone ? zone : own_text(v, "region");
}

int skypilot_read_vms(struct skypilot_vm_list *out, const struct json *v)
{
	if (!json_is_array(v))
		return -1;
	for (const struct json *i = json_first(v); i; i = json_next(i)) {
		char *name = own_text(i, "name"), *word = own_text(i, "status");
		if (!name) {
			free(word);
			continue;
		}
		struct vm_facts *vm = array_add(&out->at, &out->count, &out->room, sizeof *vm);
		*vm = (struct vm_facts){ .cluster = name, .word = word ? word : xstrdup("?"), .autostop = whole(json_get(i, "autostop"), -1),
			.autodown = json_bool(json_get(i, "to_down"), 0), .place = place_of(i), .resources = own_text(i, "resources_str"),
			.owner = own_text(i, "user_name"), .event = own_text(i, "last_event"),
			.updated = time_of(i, "status_updated_at"), .launched = time_of(i, "launched_at") };
		vm->is = vm_status(vm->word);
	}
	return 0;
}

void skypilot_vms_release(struct skypilot_vm_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *own[] = { list->at[i].cluster, list->at[i].word, list->at[i].place, list->at[i].resources, list->at[i].owner,
				      list->at[i].event };
		for (size_t j = 0; j < sizeof own / sizeof *own; j++)
			free((char *)own[j]);
	}
	free(list->at);
	*list = (struct skypilot_vm_list){0};
}

enum job_status skypilot_job_status(const char *word)
{
	static const struct { const char *word; enum job_status status; } words[] = {
		{ "INIT", JOB_WAITING }, { "PENDING", JOB_WAITING }, { "SETTING_UP", JOB_SETTING_UP }, { "RUNNING", JOB_RUNNING },
		{ "SUCCEEDED", JOB_SUCCEEDED }, { "FAILED", JOB_FAILED }, { "FAILED_DRIVER", JOB_FAILED },
		{ "FAILED_SETUP", JOB_FAILED_SETUP }, { "CANCELLED", JOB_CANCELLED },
	};
	for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, word))
			return words[i].status;
	return JOB_UNKNOWN;
}

int job_has_ended(enum job_status status)
{
	return status >= JOB_SUCCEEDED;
}

static void add_job(struct skypilot_job_list *out, long id, char *name, char *word)
{
	struct job_facts *job = array_add(&out->at, &out->count, &out->room, sizeof *job);
	*job = (struct job_facts){ .id = id, .name = name, .word = word ? word : xstrdup("?") };
	job->is = skypilot_job_status(job->word);
}

int skypilot_read_jobs(struct skypilot_job_list *out, const struct json *v)
{
	if (!json_is_array(v) && !json_is_object(v))
		return -1;
	for (const struct json *i = json_first(v); i; i = json_next(i)) {
		const char *key = json_key(i), *word = json_string(i, NULL);
		long id = key ? strtol(key, NULL, 10) : whole(json_get(i, "job_id"), 0);
		if (id > 0 && (word || json_is_object(i)))
			add_job(out, id, own_text(i, "job_name"), word ? safe_copy(word) : own_text(i, "status"));
	}
	return 0;
}

void skypilot_jobs_release(struct skypilot_job_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free((char *)list->at[i].name);
		free((char *)list->at[i].word);
	}
	free(list->at);
	*list = (struct skypilot_job_list){0};
}

/* The row of a cluster that lives: its status is not over. (The server says null for TERMINATED, the command the word.) */
static int is_alive(const struct json *row)
{
	const char *status = json_string(json_get(row, "status"), NULL);
	return status && strcmp(status, "TERMINATED");
}

static struct vm_cost *cost_of(struct skypilot_cost_list *out, const char *cluster)
{
	for (size_t i = 0; i < out->count; i++)
		if (!strcmp(out->at[i].cluster, cluster))
			return &out->at[i];
	struct vm_cost *cost = array_add(&out->at, &out->count, &out->room, sizeof *cost);
	*cost = (struct vm_cost){ .cluster = xstrdup(cluster), .usd_alive = NAN, .usd_per_hour = NAN };
	return cost;
}

int skypilot_read_costs(struct skypilot_cost_list *out, const struct json *v)
{
	if (!json_is_array(v))
		return -1;
	for (const struct json *i = json_first(v); i; i = json_next(i)) {
		char *name = own_text(i, "name");
		double usd = json_number(json_get(i, "total_cost"), 0), seconds = json_number(json_get(i, "duration"), 0);
		if (name) {
			struct vm_cost *cost = cost_of(out, name);
			cost->usd += usd;
			cost->seconds += seconds;
			if (is_alive(i))
				cost->usd_alive = usd;
			if (seconds > 0 && (is_alive(i) || isnan(cost->usd_per_hour)))
				cost->usd_per_hour = usd * 3600 / seconds;
		}
		free(name);
	}
	return 0;
}

void skypilot_costs_release(struct skypilot_cost_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((char *)list->at[i].cluster);
	free(list->at);
	*list = (struct skypilot_cost_list){0};
}

/* --- the config file ------------------------------------------------------------------------------------------------- */

static char *unquoted(struct line value)
{
	value = trimmed(value);
	if (value.len && (*value.at == '"' || *value.at == '\'')) {
		const char *end = memchr(value.at + 1, *value.at, value.len - 1);
		return end ? xstrndup(value.at + 1, (size_t)(end - value.at) - 1) : NULL;
	}
	const char *comment = memmem(value.at, value.len, " #", 2);
	if (comment)
		value.len = (size_t)(comment - value.at);
	value = trimmed(value);
	return value.len ? xstrndup(value.at, value.len) : NULL;
}

/* Not all of YAML: the block form, as SkyPilot's own `api login` writes it. */
char *skypilot_config_value(const char *yaml, size_t n, const char *name)
{
	char *text = plain_string(yaml, n), *found = NULL;
	int is_inside = 0;
	struct line line;
	for (const char *rest = text; !found && next_line(&rest, &line);) {
		struct line word = trimmed(line);
		if (!word.len || *word.at == '#')
			continue;
		if (word.at == line.at)
			is_inside = starts(word, "api_server:");
		else if (is_inside && starts(word, name) && word.len > strlen(name) && word.at[strlen(name)] == ':')
			found = unquoted((struct line){ word.at + strlen(name) + 1, word.len - strlen(name) - 1 });
	}
	free(text);
	return found;
}
