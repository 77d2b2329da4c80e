/* Words into ids. Each pattern is stricter than its service: what passes can stand in a URL, a file's name and a sentence as
 * it is. A URL that two readers could understand differently (a user before an @, a backslash, an escape in the host) is
 * none, so that what was looked at here is what libcurl then asks. */
#include "core/research/parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/research/research.h"

enum { URL_MAX = 2000 };

static size_t span(const char *s, int (*is_one)(int c))
{
	size_t n = 0;
	while (s[n] && is_one((unsigned char)s[n]))
		n++;
	return n;
}

static int is_host(int c)
{
	return c < 0x80 && (isalnum(c) || c == '.' || c == '-');
}

static int is_six(int c)
{
	return c < 0x80 && (isxdigit(c) || c == ':' || c == '.');
}

static int take_port(const char **p, struct place *out)
{
	if (**p != ':')
		return 0;
	size_t n = strspn(++*p, "0123456789");
	unsigned long port = strtoul(*p, NULL, 10);
	if (!n || n > 5 || !port || port > 65535)
		return -1;
	out->port = (unsigned)port;
	*p += n;
	return 0;
}

int place_parse(const char *url, struct place *out)
{
	*out = (struct place){ .rest = "" };
	if (strlen(url) > URL_MAX)
		return -1;
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '\\')
			return -1;
	out->is_secure = !strncasecmp(url, "https://", 8);
	if (!out->is_secure && strncasecmp(url, "http://", 7))
		return -1;
	const char *p = url + (out->is_secure ? 8 : 7);
	out->port = out->is_secure ? 443 : 80;
	size_t n = *p == '[' ? span(p + 1, is_six) + 2 : span(p, is_host);
	if (!n || n >= sizeof out->host || (*p == '[' && p[n - 1] != ']') || *p == '.' || *p == '-')
		return -1;
	for (size_t i = 0; i < n; i++)
		out->host[i] = (char)tolower((unsigned char)p[i]);
	p += n;
	if (take_port(&p, out) < 0 || (*p && !strchr("/?#", *p)))
		return -1;
	out->rest = p;
	return 0;
}

int place_is_near(const struct place *p)
{
	unsigned a, b, c, d;
	char end;
	return !strcmp(p->host, "localhost") || !strcmp(p->host, "[::1]")
	       || (sscanf(p->host, "%u.%u.%u.%u%c", &a, &b, &c, &d, &end) == 4 && a == 127);
}

int place_is_same(const struct place *a, const struct place *b)
{
	return a->is_secure == b->is_secure && a->port == b->port && !strcmp(a->host, b->host);
}

char *place_join(const char *base, const char *location)
{
	struct place from, to;
	if (!place_parse(location, &to))
		return xstrdup(location);
	if (place_parse(base, &from) < 0 || *location == '\0' || strstr(location, "://"))
		return NULL;
	size_t host = (size_t)(from.rest - base), path = strcspn(from.rest, "?#");
	char *url;
	if (location[0] == '/' && location[1] == '/')
		url = xasprintf("%s:%s", from.is_secure ? "https" : "http", location);
	else if (location[0] == '/')
		url = xasprintf("%.*s%s", (int)host, base, location);
	else if (strchr("?#", *location))
		url = xasprintf("%.*s%s", (int)(host + path), base, location);
	else {
		while (path && from.rest[path - 1] != '/')
			path--;
		url = xasprintf("%.*s%s%s", (int)(host + path), base, path ? "" : "/", location);
	}
	if (place_parse(url, &to) < 0) {
		free(url);
		return NULL;
	}
	return url;
}

static const char *after(const char *word, const char *prefix)	/* NULL: does not begin with it */
{
	size_t n = strlen(prefix);
	return strncasecmp(word, prefix, n) ? NULL : word + n;
}

/* Past "https://", "www." and the host; NULL: another. */
static const char *after_host(const char *word, const char *host)
{
	const char *p = after(word, "https://") ? word + 8 : after(word, "http://") ? word + 7 : word;
	if (after(p, "www."))
		p += 4;
	p = after(p, host);
	return p && *p == '/' ? p + 1 : NULL;
}

/* The version and what may follow an id in a URL. */
static int is_end_of_arxiv(const char *p)
{
	if (*p == 'v' && isdigit((unsigned char)p[1]))
		p += 1 + strspn(p + 1, "0123456789");
	if (after(p, ".pdf"))
		p += 4;
	return !*p || *p == '?' || *p == '#' || (*p == '/' && !p[1]);
}

static int arxiv_of(const char *p, char id[ARXIV_ID])
{
	size_t digits = strspn(p, "0123456789"), archive = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.");
	size_t n = 0;
	if (digits == 4 && p[4] == '.') {
		size_t rest = strspn(p + 5, "0123456789");	/* five digits since 2015 */
		n = rest == (strncmp(p, "15", 2) < 0 ? 4 : 5) && (p[2] == '0' || (p[2] == '1' && p[3] <= '2')) ? 5 + rest : 0;
	} else if (archive >= 2 && archive <= 20 && p[archive] == '/')
		n = strspn(p + archive + 1, "0123456789") == 7 ? archive + 8 : 0;
	if (!n || !is_end_of_arxiv(p + n))
		return -1;
	memcpy(id, p, n);
	id[n] = '\0';
	return 0;
}

int parse_arxiv(const char *word, char id[ARXIV_ID])
{
	static const char *const hosts[] = { "arxiv.org", "export.arxiv.org" }, *const folders[] = { "abs/", "pdf/", "html/" };
	const char *p = after(word, "arxiv:");
	if (p)
		return arxiv_of(p, id);
	if ((p = after(word, "10.48550/arxiv.")) || (p = after(word, "doi:10.48550/arxiv.")) || (p = after(word, "https://doi.org/10.48550/arxiv.")))
		return arxiv_of(p, id);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; (p = after_host(word, hosts[i])) && k < 3; k++)
			if (after(p, folders[k]))
				return arxiv_of(after(p, folders[k]), id);
	return arxiv_of(word, id);
}

static int is_doi(int c)
{
	return c < 0x80 && (isalnum(c) || strchr("-._;()/:+", c));
}

int parse_doi(const char *word, char doi[DOI_MAX])
{
	const char *p = after(word, "doi:"), *at;
	if (!p)
		p = (at = after_host(word, "doi.org")) || (at = after_host(word, "dx.doi.org")) ? at : word;
	size_t registrant = strncmp(p, "10.", 3) ? 0 : strspn(p + 3, "0123456789."), n = span(p, is_doi);
	if (registrant < 4 || p[3 + registrant] != '/' || !p[4 + registrant] || p[n] || n >= DOI_MAX)
		return -1;
	for (size_t i = 0; i <= n; i++)
		doi[i] = (char)tolower((unsigned char)p[i]);
	return 0;
}

static int is_name(int c)
{
	return c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.');
}

int parse_owner_name(const char *word, size_t n, struct github_name *out)
{
	*out = (struct github_name){0};
	size_t owner = span(word, is_name);
	if (!owner || owner >= sizeof out->owner || owner + 1 >= n || word[owner] != '/' || *word == '.' || *word == '-')
		return -1;
	size_t name = span(word + owner + 1, is_name);
	if (!name || name >= sizeof out->name || owner + 1 + name != n)
		return -1;
	memcpy(out->owner, word, owner);
	memcpy(out->name, word + owner + 1, name);
	if (name > 4 && !strcmp(out->name + name - 4, ".git"))
		out->name[name - 4] = '\0';
	return !strcmp(out->name, ".") || !strcmp(out->name, "..") || !strcmp(out->name, ".git") ? -1 : 0;
}

static int take_number(const char *p, struct github_name *out)
{
	size_t n = strspn(p, "0123456789");
	out->number = n && n < 10 ? strtoul(p, NULL, 10) : 0;
	return out->number && (!p[n] || strchr("/?#", p[n])) ? 0 : -1;
}

int parse_github(const char *word, struct github_name *out)
{
	static const char *const no_owners[] = { "topics", "search", "features", "orgs", "settings", "marketplace", "sponsors", "about", "login" };
	const char *p = after(word, "github:"), *tail;
	if (!p && !(p = after_host(word, "github.com")))	/* "owner/name#12" alone is too little: a path could look so */
		return -1;
	size_t owner = strcspn(p, "/?#"), n = owner + (p[owner] == '/' ? 1 + strcspn(p + owner + 1, "/?#") : 0);
	if (parse_owner_name(p, n, out) < 0)
		return -1;
	for (size_t i = 0; i < sizeof no_owners / sizeof *no_owners; i++)
		if (!strcasecmp(out->owner, no_owners[i]))
			return -1;
	tail = p + n;
	if (*tail == '#' && after(word, "github:"))
		return take_number(tail + 1, out);
	if (after(tail, "/pull/")) {
		out->is_pull = 1;
		return take_number(tail + 6, out);
	}
	if (after(tail, "/issues/"))
		return take_number(tail + 8, out);
	return !*tail || !strcmp(tail, "/") || *tail == '?' || *tail == '#' || !strncmp(tail, "/tree/", 6) ? 0 : -1;
}

void url_quote(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}

static void fill(struct finding *out, const char *type, char *key, char *url)
{
	*out = (struct finding){ .type = xstrdup(type), .key = key, .url = url };
}

static int is_repository(const struct place *place)
{
	size_t path = strcspn(place->rest, "?#");
	return path > 5 && !strncmp(place->rest + path - 4, ".git", 4);
}

int research_parse(const char *word, struct finding *out, struct err *err)
{
	char id[ARXIV_ID], doi[DOI_MAX];
	struct github_name name;
	struct place place;
	*out = (struct finding){0};
	if (!parse_arxiv(word, id))
		fill(out, "paper", xasprintf("arXiv:%s", id), xasprintf("https://arxiv.org/abs/%s", id));
	else if (!parse_doi(word, doi))
		fill(out, "paper", xasprintf("doi:%s", doi), xasprintf("https://doi.org/%s", doi));
	else if (!parse_github(word, &name) && name.number)
		fill(out, name.is_pull ? "pull-request" : "issue", xasprintf("github:%s/%s#%lu", name.owner, name.name, name.number),
		     xasprintf("https://github.com/%s/%s/%s/%lu", name.owner, name.name, name.is_pull ? "pull" : "issues", name.number));
	else if (!parse_github(word, &name))
		fill(out, "backend", xasprintf("github:%s/%s", name.owner, name.name), xasprintf("https://github.com/%s/%s", name.owner, name.name));
	else if (!place_parse(word, &place) && (place.is_secure || place_is_near(&place)))
		fill(out, is_repository(&place) ? "backend" : "documentation", xstrdup(word), xstrdup(word));
	else if (!strncasecmp(word, "http://", 7))
		return err_set(err, "%.200s is not encrypted: only https pages are read", word);
	else
		return err_set(err, "%.200s is no source: name an arXiv id (arXiv:2205.14135), a DOI (doi:10.1145/…), a repository, pull request or "
		               "issue (github:owner/name, github:owner/name#12) or an https page", word);
	return 0;
}

void finding_release(struct finding *f)
{
	const char *all[] = { f->type, f->title, f->key, f->url, f->authors, f->note, f->reason };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free((char *)(uintptr_t)all[i]);
	*f = (struct finding){0};
}
