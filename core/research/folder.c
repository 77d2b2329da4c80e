/* Local notes: the reading list that a person, or the demo, keeps beside the target. A note is a text file whose first
 * lines say what it is about; nothing in it is trusted, all of it becomes safe text. */
#include "core/research/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { NOTE_MAX = 256 * 1024 };

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

int folder_note(const char *path, source_found *found, void *data, struct err *err)
{
	struct buf file = {0};
	struct note n = {0};
	if (buf_read_file(&file, path, NOTE_MAX) < 0) {
		buf_release(&file);
		return err_set(err, "%s: %s", path, errno == EFBIG ? "is larger than a note may be (256 kB)" : strerror(errno));
	}
	const char *text = read_headers(&n, buf_str(&file), buf_str(&file) + file.len);
	n.text = text_safe_string(text, (size_t)(buf_str(&file) + file.len - text), TEXT_NEWLINES | TEXT_TABS);
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (!n.title)
		n.title = text_safe_string(name, strlen(name), TEXT_LINE);
	char *authors = n.authors && n.year ? xasprintf("%s, %s", n.authors, n.year) : xstrdup(n.authors ? n.authors : n.year);
	found(data, &(struct finding){ .type = known_type(n.type), .title = n.title, .key = n.key, .url = n.url, .authors = authors, .note = n.text });
	free(authors);
	release(&n);
	buf_release(&file);
	return 0;
}

static int is_note(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return entry->d_name[0] != '.' && dot && (!strcmp(dot, ".md") || !strcmp(dot, ".txt"));
}

static int folder_list(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err)
{
	if (!config->url)
		return err_set(err, "source \"%s\" has no url: name the folder of its notes", config->name);
	char *folder = config->url[0] == '/' ? xstrdup(config->url) : xasprintf("%s/%s", root, config->url);
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_note, alphasort), rc = 0;
	if (n < 0)
		rc = err_set(err, "source \"%s\": cannot read %s: %s", config->name, folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, entries[i]->d_name);
		if (!rc)
			rc = folder_note(path, found, data, err);
		free(path);
		free(entries[i]);
	}
	free(entries);
	free(folder);
	return rc;
}

const struct source_ops folder_source = { .kind = "folder", .list = folder_list };
