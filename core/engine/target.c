/* Paths, the lock and the reading of a session from its files. Everything here works without an engine. */
#include "core/engine/target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/git.h"
#include "core/link/server.h"

int target_find(const char *directory, struct target *t, struct err *err)
{
	char *root = realpath(directory, NULL);
	if (!root)
		return err_set(err, "cannot open the folder %s: %s", directory, strerror(errno));
	for (size_t n = strlen(root); ; n = strlen(root)) {
		char *git = xasprintf("%s/.git", root);
		int found = !access(git, F_OK);
		free(git);
		if (found)
			break;
		char *slash = strrchr(root, '/');
		if (n <= 1 || !slash) {
			free(root);
			return err_set(err, "%s is not in a git repository: run git init and commit there, or name a target with -C DIR", directory);
		}
		slash[slash == root] = '\0';
	}
	*t = (struct target){ root, xasprintf("%s/.skydeck", root) };
	return 0;
}

void target_release(struct target *t)
{
	free(t->root);
	free(t->folder);
	*t = (struct target){0};
}

char *target_path(const struct target *t, const char *format, ...)
{
	va_list args;
	char *name;
	va_start(args, format);
	int n = vasprintf(&name, format, args);
	va_end(args);
	char *path = xasprintf("%s/%s", t->folder, n < 0 ? "" : name);
	free(name);
	return path;
}

int target_lock(const struct target *t, struct err *err)
{
	if (mkdir(t->folder, 0777) < 0 && errno != EEXIST)
		return err_set(err, "cannot make %s: %s", t->folder, strerror(errno));
	char *path = target_path(t, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		err_set(err, "cannot write %s: %s", path, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_code(err, EXIT_REFUSED, "an engine already runs for %s (pid %ld): skydeck attach, or skydeck stop", t->root, target_engine_pid(t));
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

int target_engine_runs(const struct target *t)
{
	char *path = target_path(t, "lock");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return 0;
	int runs = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return runs;
}

/* A line of .skydeck/engine: "socket PATH", "pid N". */
static char *engine_note(const struct target *t, const char *name)
{
	struct buf b = {0};
	char *path = target_path(t, "engine"), *value = NULL;
	if (!buf_read_file(&b, path, 4096)) {
		const char *line = buf_str(&b);
		size_t n = strlen(name);
		while (line && *line && (strncmp(line, name, n) || line[n] != ' '))
			line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
		if (line && *line)
			value = xstrndup(line + n + 1, strcspn(line + n + 1, "\n"));
	}
	buf_release(&b);
	free(path);
	return value;
}

long target_engine_pid(const struct target *t)
{
	char *pid = engine_note(t, "pid");
	long n = pid ? strtol(pid, NULL, 10) : 0;
	free(pid);
	return n;
}

void target_socket(const struct target *t, struct buf *path)
{
	char *noted = engine_note(t, "socket");
	if (noted)
		buf_puts(path, noted);
	else
		link_socket_path(t->root, path);
	free(noted);
}

/* Whole or not at all: a reader sees the old file or the new one. */
static int write_file(const char *path, const char *text, struct err *err)
{
	char *part = xasprintf("%s.new", path);
	FILE *f = fopen(part, "we");
	int ok = f && fputs(text, f) >= 0 && !fflush(f) && !fsync(fileno(f));
	int saved = errno;
	if (f)
		ok = !fclose(f) && ok;
	ok = ok && !rename(part, path);
	free(part);
	return ok ? 0 : err_set(err, "cannot write %s: %s", path, strerror(saved ? saved : errno));
}

int target_note_engine(const struct target *t, const char *socket_path, struct err *err)
{
	char *path = target_path(t, "engine"), *text = xasprintf("socket %s\npid %ld\n", socket_path, (long)getpid());
	int rc = write_file(path, text, err);
	free(text);
	free(path);
	return rc;
}

char *session_current(const struct target *t)
{
	struct buf b = {0};
	char *path = target_path(t, "current"), *id = NULL;
	if (!buf_read_file(&b, path, 4096) && b.len && !strchr(buf_str(&b), '/') && b.data[0] != '.')
		id = xstrndup(buf_str(&b), strcspn(buf_str(&b), "\n"));
	buf_release(&b);
	free(path);
	return id;
}

int session_make_current(const struct target *t, const char *id, struct err *err)
{
	char *path = target_path(t, "current"), *text = xasprintf("%s\n", id);
	int rc = write_file(path, text, err);
	free(text);
	free(path);
	return rc;
}

char *session_new_id(const struct target *t, int64_t now)
{
	char date[CLOCK_TEXT];
	clock_date(now, date);
	const char *base = strrchr(t->root, '/') + 1;
	struct buf name = {0};
	buf_printf(&name, "%s-", date);
	for (const char *p = base; *p && name.len < 60; p++)
		buf_putc(&name, isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-');
	if (!*base)
		buf_puts(&name, "target");
	for (unsigned n = 1; ; n++) {
		char *id = n == 1 ? xstrdup(buf_str(&name)) : xasprintf("%s-%u", buf_str(&name), n);
		char *folder = session_path(t, id, NULL);
		int taken = !access(folder, F_OK);
		free(folder);
		if (!taken) {
			buf_release(&name);
			return id;
		}
		free(id);
	}
}

char *session_path(const struct target *t, const char *id, const char *name)
{
	return name ? target_path(t, "sessions/%s/%s", id, name) : target_path(t, "sessions/%s", id);
}

struct fold {
	struct model *model;
	struct err *err;
};

static int fold_one(void *data, uint64_t seq, const char *body, size_t len)
{
	struct fold *f = data;
	struct event ev;
	if (event_parse(&ev, body, len, f->err) < 0) {
		err_prefix(f->err, "event %llu of the journal cannot be read", (unsigned long long)seq);
		return 1;
	}
	ev.seq = seq;
	model_apply(f->model, &ev);
	event_release(&ev);
	return 0;
}

int session_fold(struct journal *j, struct model *m, struct err *err)
{
	struct fold f = { m, err };
	return journal_each(j, m->seq, fold_one, &f, err) ? -1 : 0;
}

int session_read(const struct target *t, const char *id, struct model *m, struct err *err)
{
	char *current = id ? xstrdup(id) : session_current(t);
	if (!current)
		return err_set(err, "there is no session in %s yet: start one with skydeck, or skydeck run", t->root);
	char *path = session_path(t, current, "journal.db");
	struct journal *j = journal_open_reader(path, err);
	model_init(m);
	int rc = j ? session_fold(j, m, err) : -1;
	journal_close(j);
	free(path);
	free(current);
	return rc;
}

/* The line of a file where a key's last word stands first; 0: not found. Only to help people, so no full parse. */
static int line_of(const char *file, const char *name)
{
	const char *key = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
	FILE *f = fopen(file, "re");
	char line[1024];
	int found = 0;
	for (int n = 1; f && !found && fgets(line, sizeof line, f); n++) {
		const char *p = line + strspn(line, " \t");
		if (!strncasecmp(p, key, strlen(key)) && strchr(" \t=\r\n", p[strlen(key)]))
			found = n;
	}
	if (f)
		fclose(f);
	return found;
}

static int load_file(struct config *c, const char *path, struct err *err)
{
	struct git_config entries = {0};
	if (git_config_read(path, &entries, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < entries.count && !rc; i++) {
		const struct git_config_entry *e = &entries.entries[i];
		if (!strncmp(e->name, "include.", 8) || !strncmp(e->name, "includeif.", 10))
			continue;
		rc = config_set(c, e->name, e->value, err);
		if (rc) {
			const char *file = e->file ? e->file : path;
			int line = line_of(file, e->name);
			if (line)
				err_prefix(err, "%s:%d", file, line);
			else
				err_prefix(err, "%s", file);
		}
	}
	git_config_release(&entries);
	return rc;
}

char *settings_came_along(struct git *g)
{
	struct git_listing top = {0};
	struct err ignored = {0};
	char head[GIT_ID], *warning = NULL;
	if (!git_head(g, head, &ignored) && !git_list(g, head, "", SIZE_MAX, &top, &ignored))
		for (size_t i = 0; i < top.count && !warning; i++)
			if (!strcmp(top.entries[i].name, ".skydeck"))
				warning = xstrdup(".skydeck is part of this repository: who wrote it decides what runs on this machine, in which sandbox, "
						  "and where keys are sent; read it, and keep your own out of git");
	git_listing_release(&top);
	return warning;
}

int settings_load(const struct target *t, struct config *c, struct err *err)
{
	config_init(c);
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	char *user = xdg && *xdg ? xasprintf("%s/skydeck/config", xdg) : home ? xasprintf("%s/.config/skydeck/config", home) : NULL;
	char *local = t ? target_path(t, "config") : NULL;
	int rc = user ? load_file(c, user, err) : 0;
	if (!rc && local)
		rc = load_file(c, local, err);
	free(user);
	free(local);
	return rc;
}
