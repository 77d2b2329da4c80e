/* Where a model is asked. The URL is taken apart by rules that are narrower than curl's, so that nobody can name one host to us
 * and another to it: what decides about the key must be what is connected to. */
#include "core/agents/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { SHORTEST_KEY = 6 };	/* a shorter one is no secret, and would take words out of sentences */

static int is_loopback(const char *host)
{
	unsigned char address[4];
	return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") || (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

/* Where the host at s ends; NULL: it is none. */
static const char *host_end(const char *s)
{
	const char *end = s;
	if (*s == '[') {
		end += 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return *end == ']' && end > s + 1 ? end + 1 : NULL;
	}
	while (isalnum((unsigned char)*end) || *end == '.' || *end == '-')
		end++;
	return end > s ? end : NULL;
}

static int is_plain_path(const char *s)
{
	for (; *s; s++)
		if (!isgraph((unsigned char)*s) || strchr("?#\\\"<>^`{|}", *s))
			return 0;
	return 1;
}

static int take_url(struct endpoint *e, const char *base, const char *path, struct err *err)
{
	static const char *const what = "url must be like https://api.example.com/v1: host, port and path, nothing else";
	e->is_plain = !strncasecmp(base, "http://", 7);
	if (!e->is_plain && strncasecmp(base, "https://", 8))
		return err_set(err, "%s", what);
	const char *host = base + (e->is_plain ? 7 : 8), *end = host_end(host), *rest = end;
	if (!end)
		return err_set(err, "%s", what);
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	if ((*rest && *rest != '/') || !is_plain_path(rest))
		return err_set(err, "%s", what);
	char *name = xstrndup(host, (size_t)(end - host));
	e->is_near = is_loopback(name);
	free(name);
	e->where = xstrndup(host, (size_t)(rest - host));
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	e->url = xasprintf("%.*s%s", (int)n, base, path);
	return 0;
}

/* A key that the user named for nothing else is for the maker's own host, not for whoever speaks the same API. */
static int is_own_host(const struct endpoint *e, const struct wire_ops *wire)
{
	const char *own = wire->url ? strstr(wire->url, "://") : NULL;
	size_t n = own ? strcspn(own + 3, "/:") : 0;
	return n && !e->is_plain && strlen(e->where) == n && !strncasecmp(e->where, own + 3, n);
}

int endpoint_init(struct endpoint *e, const struct wire_ops *wire, const struct config_agent *config, struct err *err)
{
	*e = (struct endpoint){0};
	const char *base = config->url && *config->url ? config->url : wire->url;
	if (!config->model || !*config->model)
		return err_set(err, "agent %s has no model: set agent.%s.model", config->name, config->name);
	if (!base)
		return err_set(err, "agent %s has no url: set agent.%s.url, such as http://127.0.0.1:8080/v1", config->name, config->name);
	if (take_url(e, base, wire->path, err)) {
		endpoint_release(e);
		return err_prefix(err, "agent %s", config->name);
	}
	if (config->keyenv && *config->keyenv)
		string_set(&e->keyenv, config->keyenv);
	else if (e->is_near || is_own_host(e, wire))
		string_set(&e->keyenv, wire->keyenv);
	e->needs_key = (config->keyenv && *config->keyenv) || (wire->needs_key && !e->is_near);
	return 0;
}

void endpoint_release(struct endpoint *e)
{
	free(e->url);
	free(e->where);
	free(e->keyenv);
	*e = (struct endpoint){0};
}

int endpoint_key(const struct endpoint *e, const char **key, struct err *err)
{
	*key = e->keyenv ? getenv(e->keyenv) : NULL;
	if (*key && !**key)
		*key = NULL;
	if (!*key && e->needs_key && !e->keyenv)
		return err_set(err, "there is no key for %s: name the variable that holds it as keyenv of the agent", e->where);
	if (!*key && e->needs_key)
		return err_set(err, "there is no key for %s: set %s in the environment and start the engine from there", e->where, e->keyenv);
	if (!*key)
		return 0;
	if (e->is_plain && !e->is_near) {
		*key = NULL;
		return err_set(err, "the key of %s would go to %s in the clear: give its url as https://", e->keyenv, e->where);
	}
	for (const char *c = *key; *c; c++)
		if (!isgraph((unsigned char)*c)) {
			*key = NULL;
			return err_set(err, "%s does not hold a key: there is a space, a newline or a control character in it", e->keyenv);
		}
	return 0;
}

void endpoint_hide_key(const struct endpoint *e, char **text)
{
	const char *key = e->keyenv ? getenv(e->keyenv) : NULL;
	size_t n = key ? strlen(key) : 0;
	if (n < SHORTEST_KEY || !*text || !strstr(*text, key))
		return;
	struct buf out = {0};
	const char *s = *text;
	for (const char *hit; (hit = strstr(s, key)); s = hit + n) {
		buf_add(&out, s, (size_t)(hit - s));
		buf_puts(&out, "(the key)");
	}
	buf_puts(&out, s);
	free(*text);
	*text = buf_take(&out);
}
