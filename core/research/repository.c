/* A copy is made in these steps, each of which ends in the loop: ask whether it is there and where (a repository that was renamed
 * redirects, and git would follow such a redirect anywhere), look its host up, fetch, lay it down for searching, put it in its
 * place. The names of the steps are those of the functions below.
 *
 * Why not `git clone`: it cannot fetch the head of a pull request, and git writes what it likes into what it makes. Here the
 * empty repository is three files of ours, and git only fetches into it. A second fetch goes into the same copy: what was there
 * before stays readable, so that a quotation from last week's commit can still be checked.
 *
 * The host's addresses are looked up here and given to git (http.curloptResolve): what was found public cannot turn into an
 * address of this network between the two. */
#include "core/research/repository.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/file.h"
#include "core/io/folder.h"
#include "core/io/git.h"
#include "core/io/http.h"
#include "core/research/confined.h"

enum { SECOND = 1000000, HOPS = 3, ADDRESSES = 8, SAID = 4096, LAY_DOWN_SECONDS = 180, LONGEST = 4096 };
#define LARGE ((size_t)64 << 20)	/* bytes: a smaller copy is searched at once as it came */
#define MEMORY ((uint64_t)2 << 30)

static const char service[] = "/info/refs?service=git-upload-pack", stamp[] = "skydeck-fetched";

struct repository_clone {
	struct loop *loop;
	research_cloned *done;
	void *data;
	struct repository_place place;
	char *folder, *work;		/* where it belongs; where it is made, NULL when that is in there already */
	struct loop_timer *timer, *watch;
	struct http *http;
	struct http_request *request;
	struct child *child;
	struct buf said;		/* by the child */
	char *pin, *location;
	int hops, is_old_there, is_too_large, is_in_done;
	char commit[GIT_ID];
	char *problem;
};

/* --- what a word means -------------------------------------------------------------------------------------------- */

static int is_name(const char *text, size_t n, const char *also)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(also, text[i]))
			return 0;
	return n > 0;
}

/* git-check-ref-format(1), and no character beyond the plain ones. */
static int set_branch(struct repository_place *out, const char *name)
{
	unsigned number;
	int used = 0;
	size_t n = strlen(name);
	if (sscanf(name, "pull/%9u%n", &number, &used) == 1 && (!name[used] || name[used] == '/')) {
		snprintf(out->ref, sizeof out->ref, "refs/pull/%u/head", number);
		return 0;
	}
	if (n > 200 || !is_name(name, n, "._/-+=") || strstr(name, "..") || strstr(name, "//") || strstr(name, "/.") || strstr(name, ".lock") ||
	    strchr("./-", name[0]) || strchr("./", name[n - 1]))
		return -1;
	snprintf(out->ref, sizeof out->ref, "refs/heads/%s", name);
	return 0;
}

/* "/owner/name/pull/12" and the like: the path ends behind the name. */
static int take_github(struct repository_place *out, char *path)
{
	char *name = strchr(path + 1, '/'), *rest = name ? strchr(name + 1, '/') : NULL;
	if (!rest)
		return 0;
	*rest++ = '\0';
	if (!strncmp(rest, "pull/", 5))
		return set_branch(out, rest);
	return strncmp(rest, "tree/", 5) ? 0 : set_branch(out, rest + 5);
}

static int parse_https(const char *url, struct repository_place *out)
{
	const char *host = url + strlen("https://");
	size_t n = strcspn(host, ":/");
	char path[sizeof out->url] = "", *end = NULL;
	if (!is_name(host, n, ".-") || n >= sizeof out->host || host[0] == '-')
		return -1;
	snprintf(out->host, sizeof out->host, "%.*s", (int)n, host);
	out->port = 443;
	if (host[n] == ':') {
		unsigned long port = strtoul(host + n + 1, &end, 10);
		if (!isdigit((unsigned char)host[n + 1]) || !port || port > 65535 || *end != '/')
			return -1;
		out->port = (unsigned)port;
	}
	const char *begin = end ? end : host + n;
	snprintf(path, sizeof path, "%s", begin);
	for (size_t length = strlen(path); length && path[length - 1] == '/'; length--)
		path[length - 1] = '\0';
	if (!is_name(path, strlen(path), "._~/+%@=-") || strstr(path, "/..") || (!strcmp(out->host, "github.com") && take_github(out, path)))
		return -1;
	int wrote = out->port == 443 ? snprintf(out->url, sizeof out->url, "https://%s%s", out->host, path)
	                             : snprintf(out->url, sizeof out->url, "https://%s:%u%s", out->host, out->port, path);
	return wrote < (int)sizeof out->url ? 0 : -1;
}

static int parse_local(const char *path, struct repository_place *out)
{
	int is_copied = !strncmp(path, "file://", 7);
	path += is_copied ? 7 : 0;
	if (path[0] != '/' || strlen(path) >= sizeof out->path - 8)
		return -1;
	out->is_local = 1;
	snprintf(out->path, sizeof out->path, "%s", path);
	if (is_copied)
		snprintf(out->url, sizeof out->url, "file://%.1000s", path);
	return 0;
}

int repository_parse(const char *url, struct repository_place *out, struct err *err)
{
	*out = (struct repository_place){ .ref = "HEAD" };
	int is_https = !strncmp(url, "https://", 8);
	const char *mark = is_https || !strncmp(url, "file://", 7) ? strchr(url, '#') : NULL;
	char *plain = mark ? xstrndup(url, (size_t)(mark - url)) : xstrdup(url);
	int rc = strlen(plain) >= sizeof out->url - 16 ? -1 : is_https ? parse_https(plain, out) : parse_local(plain, out);
	if (!rc && mark && set_branch(out, mark + 1))
		rc = -1;
	if (rc) {
		char *safe = text_safe_string(url, strnlen(url, 200), TEXT_LINE);
		err_set(err, "%s is no repository that can be copied: name it as https://HOST/PATH, with #BRANCH or #pull/N behind it", safe);
		free(safe);
	}
	free(plain);
	return rc;
}

/* --- where it stands ---------------------------------------------------------------------------------------------- */

static char *folder_of(const char *cache, const struct repository_place *place)
{
	char id[GIT_ID], *what = xasprintf("%s %s", place->url, place->ref);
	git_hash(what, strlen(what), id);
	free(what);
	return xasprintf("%s/repositories/%s", cache, id);
}

/* Its folder, where refs and objects are; NULL with a sentence. */
static char *open_at(const char *path, char commit[GIT_ID], struct err *err)
{
	struct git *g = git_open_bare(path, err);
	char *folder = g && !git_head(g, commit, err) ? xstrdup(git_folder(g)) : NULL;
	git_close(g);
	return folder;
}

const char *repository_at(const char *cache, const char *url, char commit[41])
{
	static char found[LONGEST];
	struct repository_place place;
	if (repository_parse(url, &place, NULL))
		return NULL;
	char *folder = place.url[0] ? folder_of(cache, &place) : xstrdup(place.path), *real = open_at(folder, commit, NULL);
	int is_there = real && snprintf(found, sizeof found, "%s", real) < (int)sizeof found;
	free(folder);
	free(real);
	return is_there ? found : NULL;
}

static int is_young(const char *folder)
{
	struct stat st;
	char *path = xasprintf("%s/%s", folder, stamp);
	int there = !stat(path, &st);
	free(path);
	time_t now = time(NULL);
	return there && now >= st.st_mtime && now - st.st_mtime < REPOSITORY_AGE;
}

static void remove_tree(const char *path)
{
	char *parent = xstrdup(path), *name = strrchr(parent, '/');
	*name++ = '\0';
	int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		folder_remove(dir, name, NULL);
		close(dir);
	}
	free(parent);
}

/* Copies that were begun by a process that is gone: ID.part-PID-N. */
static void sweep(const char *folder)
{
	char *parent = xstrdup(folder);
	*strrchr(parent, '/') = '\0';
	DIR *dir = opendir(parent);
	for (struct dirent *entry; dir && (entry = readdir(dir)); ) {
		const char *part = strstr(entry->d_name, ".part-");
		long pid = part ? strtol(part + 6, NULL, 10) : 0;
		if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH) {
			char *path = xasprintf("%s/%s", parent, entry->d_name);
			remove_tree(path);
			free(path);
		}
	}
	if (dir)
		closedir(dir);
	free(parent);
}

static int write_config(const char *folder, struct err *err)
{
	static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
	char *path = xasprintf("%s/config", folder);
	int rc = file_write(path, config, sizeof config - 1, 0600, err);
	free(path);
	return rc;
}

/* gitrepository-layout(5): the least that git takes for a repository. */
static int make_empty(const char *folder, struct err *err)
{
	static const char head[] = "ref: refs/heads/skydeck\n";
	static const char *const below[] = { "", "/refs", "/objects" };
	int rc = 0;
	for (size_t i = 0; !rc && i < sizeof below / sizeof *below; i++) {
		char *path = xasprintf("%s%s", folder, below[i]);
		int fd = folder_open(path, err);
		rc = fd < 0 ? -1 : close(fd);
		free(path);
	}
	char *path = xasprintf("%s/HEAD", folder);
	rc = rc || file_write(path, head, sizeof head - 1, 0600, err) || write_config(folder, err) ? -1 : 0;
	free(path);
	return rc;
}

static size_t size_below(const char *folder)
{
	char *path = xasprintf("%s/objects/pack", folder);
	DIR *dir = opendir(path);
	size_t size = 0;
	struct stat st;
	for (struct dirent *entry; dir && (entry = readdir(dir)); )
		if (!fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			size += (size_t)st.st_size;
	if (dir)
		closedir(dir);
	free(path);
	return size;
}

/* Packs that were being written when their writer was killed. */
static void remove_halves(const char *folder)
{
	char *path = xasprintf("%s/objects/pack", folder);
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir)); )
		if (!strncmp(entry->d_name, "tmp_", 4) || !strncmp(entry->d_name, ".tmp-", 5))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	free(path);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void stop(struct repository_clone *c)
{
	loop_cancel(c->loop, c->timer);
	loop_cancel(c->loop, c->watch);
	c->timer = c->watch = NULL;
	http_free(c->http);
	c->http = NULL;
	if (c->child)
		child_abandon(c->child);
	c->child = NULL;
	if (c->work)
		remove_tree(c->work);
}

static void clone_free(struct repository_clone *c)
{
	stop(c);
	buf_release(&c->said);
	free(c->folder);
	free(c->work);
	free(c->pin);
	free(c->location);
	free(c->problem);
	free(c);
}

static void finish(struct repository_clone *c)
{
	char *folder = c->folder ? open_at(c->folder, c->commit, NULL) : NULL;
	if (!folder && !c->problem)
		c->problem = xasprintf("the copy of %s cannot be opened", c->place.url);
	c->is_in_done = 1;
	c->done(c->data, folder, folder ? c->commit : NULL, c->problem);
	free(folder);
	clone_free(c);
}

static void __attribute__((format(printf, 2, 3))) fail(struct repository_clone *c, const char *format, ...)
{
	char sentence[700];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	char *safe = text_safe_string(sentence, strlen(sentence), TEXT_LINE);
	c->problem = xasprintf("%s%s", safe, c->is_old_there ? " (its older copy is used)" : "");
	free(safe);
	finish(c);
}

void repository_clone_cancel(struct repository_clone *c)
{
	if (c && !c->is_in_done)
		clone_free(c);
}

/* --- the steps, last first ---------------------------------------------------------------------------------------- */

static void took(void *data, const char *bytes, size_t n)
{
	struct repository_clone *c = data;
	size_t room = SAID - c->said.len;
	buf_add(&c->said, bytes, n < room ? n : room);
}

static void put_in_place(struct repository_clone *c)
{
	struct err err = {0};
	const char *work = c->work ? c->work : c->folder;
	char *path = xasprintf("%s/%s", work, stamp);
	/* git noted where the files that were left out could be had: nobody shall fetch them later, and libgit2 1.5 loses 20 kB each
	 * time that it opens a repository of the version that such a note needs. */
	int rc = write_config(work, &err) || file_write(path, c->place.url, strlen(c->place.url), 0600, &err) ? -1 : 0;
	free(path);
	if (!rc && c->work && rename(c->work, c->folder) && errno != ENOTEMPTY && errno != EEXIST)	/* then another process was faster */
		rc = err_set(&err, "cannot put the copy of %s into %s: %s", c->place.url, c->folder, strerror(errno));
	if (rc)
		fail(c, "%s", err.text);
	else
		finish(c);
}

static void laid_down(void *data, const struct child_result *result)
{
	struct repository_clone *c = data;
	(void)result;	/* without it a search takes longer, and that is all */
	c->child = NULL;
	loop_cancel(c->loop, c->watch);
	c->watch = NULL;
	remove_halves(c->work);
	put_in_place(c);
}

static void watch_size(void *data)
{
	struct repository_clone *c = data;
	c->watch = loop_after(c->loop, SECOND / 2, watch_size, c);
	if (size_below(c->work ? c->work : c->folder) <= REPOSITORY_SIZE)
		return;
	c->is_too_large = 1;
	child_kill(c->child);
}

static int start(struct repository_clone *c, const struct confined *wanted, int seconds, void (*ended)(void *, const struct child_result *),
                 struct err *err)
{
	struct confined confined = *wanted;
	buf_truncate(&c->said, 0);
	confined.options.timeout = (int64_t)seconds * SECOND;
	confined.options.output = took;
	confined.options.ended = ended;
	confined.options.data = c;
	confined.options.data_limit = MEMORY;
	confined.is_patient = 1;
	c->child = confined_start(c->loop, &confined, err);
	return c->child ? 0 : -1;
}

/* Whole objects, not compressed, are searched at a gigabyte in a second; as they come it takes four. */
static void lay_down(struct repository_clone *c)
{
	char *git_dir = xasprintf("--git-dir=%s", c->work);
	const char *const command[] = { "git", git_dir, "-c", "core.hooksPath=/dev/null", "-c", "pack.compression=0", "-c", "core.compression=0",
		"-c", "pack.threads=1", "repack", "-a", "-d", "-F", "-q", "--window=0", NULL };
	const struct confined confined = { .command = command, .writable = c->work, .is_git = 1,
		.env = (const char *const[]){ "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C.UTF-8", NULL }, .options.file_limit = REPOSITORY_SIZE };
	if (start(c, &confined, LAY_DOWN_SECONDS, laid_down, NULL))
		put_in_place(c);
	free(git_dir);
}

/* git's last line that says what is wrong, without "fatal: ". */
static const char *last_words(char *said)
{
	const char *words = "git gives no reason";
	for (char *rest = NULL, *line = strtok_r(said, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		if (!strncmp(line, "fatal: ", 7) || !strncmp(line, "error: ", 7))
			words = line + 7;
	return words;
}

static void fetched(void *data, const struct child_result *result)
{
	struct repository_clone *c = data;
	char *sandbox = confined_problem(buf_str(&c->said), c->said.len);
	const char *work = c->work ? c->work : c->folder;
	c->child = NULL;
	loop_cancel(c->loop, c->watch);
	c->watch = NULL;
	if (result->exited && !result->status && !c->is_too_large) {
		if (c->work && size_below(work) >= LARGE)
			lay_down(c);
		else
			put_in_place(c);
		return;
	}
	remove_halves(work);
	write_config(work, NULL);
	if (sandbox)
		fail(c, "%s", sandbox);
	else if (c->is_too_large || (!result->timed_out && (!result->exited || result->status > 128)))
		fail(c, "%s is larger than a copy may be (%zu GB), and was given up", c->place.url, REPOSITORY_SIZE >> 30);
	else if (result->timed_out)
		fail(c, "%s was not copied within %d minutes, and was given up", c->place.url, REPOSITORY_TIME / 60);
	else
		fail(c, "%s cannot be copied: %.300s", c->place.url, c->said.len ? last_words(c->said.data) : "git gives no reason");
	free(sandbox);
}

static int make_work(struct repository_clone *c, struct err *err)
{
	static unsigned number;
	if (c->is_old_there) {
		remove_halves(c->folder);
		return 0;
	}
	c->work = xasprintf("%s.part-%ld-%u", c->folder, (long)getpid(), number++);
	sweep(c->folder);
	if (!access(c->folder, F_OK))	/* there, and not to be opened: damaged */
		remove_tree(c->folder);
	return make_empty(c->work, err);
}

static void fetch(struct repository_clone *c)
{
	struct err err = {0};
	if (make_work(c, &err)) {
		fail(c, "%s", err.text);
		return;
	}
	const char *work = c->work ? c->work : c->folder, *only = c->place.is_local ? "GIT_ALLOW_PROTOCOL=file" : "GIT_ALLOW_PROTOCOL=https";
	char *git_dir = xasprintf("--git-dir=%s", work), *refs = xasprintf("+%s:refs/heads/skydeck", c->place.ref);
	char *pin = xasprintf("http.curloptResolve=%s", c->pin ? c->pin : "");
	const char *const command[] = { "git", git_dir, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "transfer.fsckObjects=true",
		"-c", "fetch.fsckObjects=true", "-c", "fetch.unpackLimit=1", "-c", "transfer.bundleURI=false", "-c", "credential.helper=", "-c", "gc.auto=0",
		"-c", "http.followRedirects=false", "-c", "http.proxy=", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60", "-c", "http.sslVerify=true",
		"-c", "filter.lfs.smudge=", "-c", "filter.lfs.process=", "-c", pin, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules",
		"--no-write-fetch-head", "--no-auto-maintenance", "--depth=1", "--filter=blob:limit=8m", c->place.url, refs, NULL };
	const struct confined confined = { .command = command, .visible = c->place.is_local ? c->place.path : NULL, .writable = work,
		.network = !c->place.is_local, .is_git = 1, .env = (const char *const[]){ only, "LC_ALL=C.UTF-8", NULL },
		.options.file_limit = REPOSITORY_SIZE };
	if (start(c, &confined, REPOSITORY_TIME, fetched, &err))
		fail(c, "%s", err.text);
	else
		c->watch = loop_after(c->loop, SECOND / 2, watch_size, c);
	free(git_dir);
	free(refs);
	free(pin);
}

/* One line of getent(1): "ADDRESS STREAM NAME". 1: public, and added to the list; 0: not; -1: no address. */
static int add_address(const char *line, struct buf *list)
{
	char text[64] = "";
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	if (sscanf(line, "%63s STREAM", text) != 1 || !strstr(line, "STREAM"))
		return -1;
	int is_four = inet_pton(AF_INET, text, &four.sin_addr) == 1;
	if (!is_four && inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
		return -1;
	if (!http_is_public(is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six))
		return 0;
	buf_printf(list, is_four ? "%s%s" : "%s[%s]", list->len ? "," : "", text);
	return 1;
}

static void looked_up(void *data, const struct child_result *result)
{
	struct repository_clone *c = data;
	struct buf list = {0};
	int seen = 0, kept = 0;
	c->child = NULL;
	(void)result;
	if (c->said.len)
		for (char *rest = NULL, *line = strtok_r(c->said.data, "\n", &rest); line && kept < ADDRESSES; line = strtok_r(NULL, "\n", &rest)) {
			int is_public = add_address(line, &list);
			seen += is_public >= 0;
			kept += is_public > 0;
		}
	if (kept) {
		c->pin = xasprintf("%s:%u:%s", c->place.host, c->place.port, buf_str(&list));
		buf_release(&list);
		fetch(c);
		return;
	}
	buf_release(&list);
	if (seen)
		fail(c, "%s is an address of this machine or its network: repositories are copied from public ones only (clone it yourself, and add its folder)",
		     c->place.host);
	else
		fail(c, "the name %s cannot be looked up: check the network", c->place.host);
}

static void look_up(struct repository_clone *c)
{
	struct err err = {0};
	const char *const command[] = { "getent", "ahosts", c->place.host, NULL };
	if (start(c, &(struct confined){ .command = command, .network = 1 }, 30, looked_up, &err))
		fail(c, "%s", err.text);
}

static void ask(struct repository_clone *c);

static void header_came(void *data, const char *name, const char *value)
{
	struct repository_clone *c = data;
	if (!strcmp(name, "location"))
		string_set(&c->location, value);
}

/* Another place for the same repository: the answer's end shows whether it still is one. */
static int follow(struct repository_clone *c)
{
	const char *to = c->location;
	size_t n = strlen(to), tail = strlen(service);
	if (c->hops++ >= HOPS || n <= tail || strcmp(to + n - tail, service))
		return -1;
	struct repository_place place;
	char *base = *to == '/' && to[1] != '/' ? xasprintf("https://%s:%u%.*s", c->place.host, c->place.port, (int)(n - tail), to)
	                                        : xstrndup(to, n - tail);
	int rc = strncmp(base, "https://", 8) || strchr(base, '#') ? -1 : repository_parse(base, &place, NULL);
	free(base);
	if (rc)
		return -1;
	memcpy(place.ref, c->place.ref, sizeof place.ref);
	c->place = place;
	string_set(&c->location, NULL);
	return 0;
}

static void answered(struct repository_clone *c, int status, const char *problem)
{
	int is_moved = c->location && status >= 301 && status <= 308 && status != 304;
	http_free(c->http);
	c->http = NULL;
	if (is_moved && !follow(c))
		ask(c);
	else if (status == 200)
		look_up(c);
	else if (status == 401 || status == 403 || status == 404)
		fail(c, "there is no repository at %s, or it is not public", c->place.url);
	else if (status)
		fail(c, "%s answers %d%s", c->place.url, status, is_moved ? ", which leads nowhere that can be followed" : "");
	else
		fail(c, "%s: %s", c->place.url, problem ? problem : "no answer");
}

static void body_came(void *data, const char *bytes, size_t n)
{
	struct repository_clone *c = data;
	(void)bytes, (void)n;
	if (http_status(c->request) == 200)	/* the list of its refs is git's to read */
		answered(c, 200, NULL);
}

static void ask_ended(void *data, const struct http_result *result)
{
	struct repository_clone *c = data;
	char *problem = xstrdup(result->problem);
	answered(c, result->status, problem);
	free(problem);
}

static void ask(struct repository_clone *c)
{
	static const char *const headers[] = { "User-Agent: git/2 (skydeck)", NULL };
	struct err err = {0};
	char *url = xasprintf("%s%s", c->place.url, service);
	c->http = http_new(c->loop);
	const struct http_plan plan = { .method = "GET", .url = url, .headers = headers, .timeout = (int64_t)60 * SECOND, .public_only = 1,
		.header = header_came, .body_came = body_came, .ended = ask_ended, .data = c };
	c->request = http_start(c->http, &plan, &err);
	if (!c->request)
		fail(c, "%s", err.text);
	free(url);
}

static void begin(void *data)
{
	struct repository_clone *c = data;
	struct err err = {0};
	c->timer = NULL;
	if (c->problem) {
		finish(c);
		return;
	}
	char *there = open_at(c->folder, c->commit, &err);
	c->is_old_there = there != NULL;
	free(there);
	if (!c->place.url[0] && !c->is_old_there)
		fail(c, "%s", err.text);
	else if (!c->place.url[0] || (c->is_old_there && is_young(c->folder)))
		finish(c);
	else if (c->place.is_local)
		fetch(c);
	else
		ask(c);
}

struct repository_clone *repository_clone(struct loop *loop, const char *cache, const char *url, research_cloned *done, void *data)
{
	struct repository_clone *c = xcalloc(1, sizeof *c);
	struct err err = {0};
	*c = (struct repository_clone){ .loop = loop, .done = done, .data = data };
	if (repository_parse(url, &c->place, &err))
		c->problem = xstrdup(err.text);
	else
		c->folder = c->place.url[0] ? folder_of(cache, &c->place) : xstrdup(c->place.path);
	c->timer = loop_after(loop, 0, begin, c);
	return c;
}
