/* What a person, or the demo, keeps on this machine to be read: notes (text files whose first lines say what they are about),
 * papers as PDFs, repositories. Nothing in a file is trusted: all of it becomes safe text, and an address in a note is one of
 * the web or none, since a path there would have us read any file of this machine. A PDF or a large text is named by its
 * path, and read when somebody wants its text. */
#include "core/research/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/git.h"
#include "core/research/pdf.h"

static const char *const types[] = { "paper", "fork", "backend", "pull-request", "issue", "documentation", "note" };

struct note {
	char *type, *title, *key, *url, *authors, *year, *text;
};

static void release(struct note *n)
{
	char *all[] = { n->type, n->title, n->key, n->url, n->authors, n->year, n->text };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

static char **field_of(struct note *n, const char *line, size_t name)
{
	static const char *const names[] = { "Type", "Title", "Id", "Url", "Authors", "Year" };
	char **const fields[] = { &n->type, &n->title, &n->key, &n->url, &n->authors, &n->year };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == name && !strncasecmp(names[i], line, name))
			return fields[i];
	return NULL;
}

/* Takes header lines off the front; returns where the note's text begins. */
static const char *read_headers(struct note *n, const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol ? eol : end) - p), name = strcspn(p, ":\n");
		char **field = name < len ? field_of(n, p, name) : NULL;
		if (!field)
			break;
		const char *value = p + name + 1;
		size_t left = len - name - 1, skip = strspn(value, " \t");
		skip = skip < left ? skip : left;
		free(*field);
		*field = text_safe_string(value + skip, left - skip, TEXT_LINE);
		p = eol ? eol + 1 : end;
	}
	while (p < end && (*p == '\n' || *p == '\r'))
		p++;
	return p;
}

static const char *known_type(const char *type)
{
	for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
		if (!strcasecmp(type, types[i]))
			return types[i];
	return "note";
}

static int is_web(const char *url)
{
	return url && (!strncmp(url, "https://", 8) || !strncmp(url, "http://", 7));
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && !strcasecmp(name + n - m, end);
}

static char *safe_name(const char *path)
{
	const char *name = last_name(path);
	return text_safe_string(name, strlen(name), TEXT_LINE);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* What a file is before it is read: a pipe would wait for ever, and a device may do anything. */
static int check_file(int fd, const char *name, size_t limit, struct err *err)
{
	struct stat st;
	int rc = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = err_set(err, "%s is no file", name);
	else if ((uint64_t)st.st_size > limit)
		rc = err_set(err, "%s has %lld MB: a source may have %zu", name, (long long)st.st_size >> 20, limit >> 20);
	if (rc)
		close(fd);
	return rc ? -1 : fd;
}

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* Where openat2 is not there (Linux before 5.6) or not allowed, links are not followed at all. */
static int open_beneath(int dir, const char *name)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM) || strchr(name, '/'))
		return fd;
	return openat(dir, name, OPEN_FLAGS | O_NOFOLLOW);
}

int folder_open_file(const char *folder, const char *name, size_t limit, struct err *err)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, "cannot read %s: %s", folder, strerror(errno));
	int fd = open_beneath(dir, name), number = errno;
	close(dir);
	if (fd >= 0)
		return check_file(fd, name, limit, err);
	if (number == EXDEV || number == ELOOP)
		return err_set(err, "%s is a link that leads out of %s, and is not followed: copy what it names", name, folder);
	if (number == ENOSYS || number == EPERM)
		return err_set(err, "%s cannot be opened safely: openat2 is missing (Linux 5.6 or later is needed)", name);
	return err_set(err, "cannot read %s: %s", name, strerror(number));
}

/* --- one file ----------------------------------------------------------------------------------------------------- */

static int find_named(const char *type, const char *title, const char *path, source_found *found, void *data, struct err *err)
{
	char *safe = text_safe_string(path, strlen(path), TEXT_LINE);
	int rc = 0;
	if (strcmp(safe, path))
		rc = err_set(err, "%s has characters in its name that cannot be shown: rename it", path);
	else
		found(data, &(struct finding){ .type = type, .title = title, .key = path, .url = path });
	free(safe);
	return rc;
}

static int find_pdf(const char *path, source_found *found, void *data, struct err *err)
{
	char *title = safe_name(path);
	if (ends_with(title, ".pdf"))
		title[strlen(title) - 4] = '\0';
	for (char *at = title; (at = strchr(at, '_')); )
		*at = ' ';
	int rc = find_named("paper", title, path, found, data, err);
	free(title);
	return rc;
}

static int find_note(struct buf *file, const char *path, source_found *found, void *data)
{
	struct note n = {0};
	const char *end = buf_str(file) + file->len, *text = read_headers(&n, buf_str(file), end);
	n.text = text_safe_string(text, (size_t)(end - text), TEXT_NEWLINES | TEXT_TABS);
	if (!n.title)
		n.title = safe_name(path);
	unsigned long year = n.year ? strtoul(n.year, NULL, 10) : 0;
	found(data, &(struct finding){ .type = known_type(n.type), .title = n.title, .key = n.key && n.key[0] != '/' ? n.key : NULL,
		.url = is_web(n.url) ? n.url : NULL, .authors = n.authors, .note = n.text, .year = year <= 9999 ? (unsigned)year : 0 });
	release(&n);
	return 0;
}

static int read_some(int fd, size_t limit, struct buf *out)
{
	char chunk[65536];
	ssize_t n = 1;
	while (n > 0 && out->len < limit) {
		size_t room = limit - out->len;
		n = read(fd, chunk, room < sizeof chunk ? room : sizeof chunk);
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

/* Takes fd. path: absolute; what the file is called in sentences, too. */
static int find_file(int fd, const char *path, source_found *found, void *data, struct err *err)
{
	struct buf file = {0};
	const char *name = last_name(path);
	char *title = safe_name(path);
	int rc = read_some(fd, FOLDER_NOTE_MAX + 1, &file) ? err_set(err, "cannot read %s: %s", name, strerror(errno)) : 0;
	if (rc)
		;
	else if (pdf_is(buf_str(&file), file.len))
		rc = find_pdf(path, found, data, err);
	else if (ends_with(name, ".pdf") || memchr(buf_str(&file), '\0', file.len))
		rc = err_set(err, "%s is no text and no PDF: sources are notes, papers and repositories", name);
	else if (file.len > FOLDER_NOTE_MAX)
		rc = find_named("note", title, path, found, data, err);
	else
		rc = find_note(&file, path, found, data);
	buf_release(&file);
	free(title);
	close(fd);
	return rc;
}

int folder_note(const char *path, source_found *found, void *data, struct err *err)
{
	char *real = realpath(path, NULL);
	int fd = real ? open(real, OPEN_FLAGS) : -1, number = errno;
	if (fd >= 0)
		fd = check_file(fd, path, FOLDER_SOURCE_MAX, err);
	else
		err_set(err, "%s: %s", path, strerror(number));
	int rc = fd < 0 ? -1 : find_file(fd, real, found, data, err);
	free(real);
	return rc;
}

/* --- a repository ------------------------------------------------------------------------------------------------- */

/* "llama.cpp" of /home/ada/llama.cpp/.git and of /srv/llama.cpp.git */
static char *name_of(const char *folder)
{
	char *path = xstrdup(folder);
	if (ends_with(path, "/.git"))
		path[strlen(path) - 5] = '\0';
	else if (ends_with(path, ".git"))
		path[strlen(path) - 4] = '\0';
	char *name = safe_name(path);
	free(path);
	return name;
}

/* 1: it is none. */
static int find_repository(const char *path, const char *root, source_found *found, void *data, struct err *err)
{
	struct err why = {0};
	struct stat st;
	char *inner = xasprintf("%s/.git", path), commit[GIT_ID];
	struct git *theirs = git_open_bare(path, &why);
	int is_there = theirs || !stat(inner, &st), rc = is_there ? 0 : 1;
	if (is_there && (!theirs || git_head(theirs, commit, &why)))
		rc = err_set(err, "%s", why.text);
	if (!rc) {
		struct git *ours = root ? git_open(root, NULL) : NULL;
		char *title = name_of(git_folder(theirs));
		rc = find_named(ours && git_is_related(ours, theirs) ? "fork" : "backend", title, path, found, data, err);
		git_close(ours);
		free(title);
	}
	git_close(theirs);
	free(inner);
	return rc;
}

/* --- a folder ----------------------------------------------------------------------------------------------------- */

static int is_source(const struct dirent *entry)
{
	static const char *const ends[] = { ".md", ".markdown", ".txt", ".pdf" };
	if (entry->d_name[0] == '.')
		return 0;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends_with(entry->d_name, ends[i]))
			return 1;
	return entry->d_type == DT_DIR;
}

struct tally {
	int used, missed;
	struct err why;		/* of the first that was missed */
};

static void find_entry(const char *folder, const struct dirent *entry, const char *root, source_found *found, void *data, struct tally *t)
{
	char *path = xasprintf("%s/%s", folder, entry->d_name);
	struct err why = {0};
	int rc;
	if (entry->d_type == DT_DIR) {
		rc = find_repository(path, root, found, data, &why);
	} else {
		int fd = folder_open_file(folder, entry->d_name, FOLDER_SOURCE_MAX, &why);
		rc = fd < 0 ? -1 : find_file(fd, path, found, data, &why);
	}
	if (rc < 0 && !t->missed++)
		t->why = why;
	t->used += rc == 0;
	free(path);
}

static int find_folder(const char *folder, const char *root, source_found *found, void *data, struct err *err)
{
	struct dirent **entries = NULL;
	struct tally t = {0};
	int n = scandir(folder, &entries, is_source, alphasort);
	if (n < 0)
		return err_set(err, "cannot read %s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (t.used < FOLDER_SOURCES)
			find_entry(folder, entries[i], root, found, data, &t);
		else if (!t.missed++)
			err_set(&t.why, "a folder gives %d sources at most", FOLDER_SOURCES);
		free(entries[i]);
	}
	free(entries);
	if (t.missed)
		return err_set(err, "%d of %d in %s could not be used, the others are sources: %s", t.missed, t.missed + t.used, folder, t.why.text);
	return 0;
}

int folder_add(const char *path, const char *root, source_found *found, void *data, struct err *err)
{
	char *whole = path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", root, path), *real = realpath(whole, NULL);
	struct stat st;
	int rc = 1;
	if (!real || stat(real, &st))
		rc = err_set(err, "cannot read %s: %s", whole, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		rc = folder_note(real, found, data, err);
	else if ((rc = find_repository(real, root, found, data, err)) == 1)
		rc = find_folder(real, root, found, data, err);
	free(real);
	free(whole);
	return rc;
}

static int folder_list(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err)
{
	if (!config->url)
		return err_set(err, "source \"%s\" has no url: name the folder of its notes", config->name);
	return folder_add(config->url, root, found, data, err) ? err_prefix(err, "source \"%s\"", config->name) : 0;
}

const struct source_ops folder_source = { .kind = "folder", .list = folder_list };
