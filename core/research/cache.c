/* Answers on disk. A file is a few header lines and the body; the header holds the question as it was asked and the body's
 * size and hash, so that a collision of names, a torn write and a meddled file are all the same: no answer. Written beside
 * its name and renamed; not flushed, since what is lost is only asked again. When the folder outgrows its limit the oldest
 * go, down to nine tenths of it: by their times, which a look does not change. */
#include "core/research/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

enum { FILE_MAX = 80 << 20, LOOK_AGAIN = 200, STALE_PART = 3600 };	/* writes between two looks, as others write too; seconds */
#define MAGIC "skydeck answer 1\n"

struct cache {
	char *folder;		/* NULL: nothing can be kept */
	size_t limit, total;	/* bytes */
	unsigned writes;
};

static int make_folders(const char *path)
{
	char *copy = xstrdup(path);
	for (char *p = copy + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(copy, 0700);	/* what went wrong shows with the last */
			*p = '/';
		}
	int rc = mkdir(copy, 0700) && errno != EEXIST ? -1 : 0;
	free(copy);
	return rc;
}

struct cache *cache_new(const char *folder, size_t limit)
{
	struct cache *c = xcalloc(1, sizeof *c);
	c->limit = limit ? limit : CACHE_LIMIT;
	if (folder && !make_folders(folder))
		c->folder = xstrdup(folder);
	return c;
}

const char *cache_folder(const struct cache *c)
{
	return c->folder;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	free(c->folder);
	free(c);
}

void cached_release(struct cached *c)
{
	free(c->type);
	free(c->tag);
	buf_release(&c->body);
	*c = (struct cached){0};
}

static char *path_of(const struct cache *c, const char *question)
{
	char *other = xasprintf("again %s", question);
	char *path = xasprintf("%s/%016" PRIx64 "%016" PRIx64 ".answer", c->folder, hash_string(question), hash_string(other));
	free(other);
	return path;
}

/* The next header line, "name value", NULL where it is another or none. The caller frees. */
static char *take_line(struct buf *b, size_t *at, const char *name)
{
	const char *line = b->data + *at, *end = memchr(line, '\n', b->len - *at);
	size_t n = strlen(name);
	if (!end || (size_t)(end - line) < n + 1 || memcmp(line, name, n) || line[n] != ' ')
		return NULL;
	*at = (size_t)(end - b->data) + 1;
	return xstrndup(line + n + 1, (size_t)(end - line) - n - 1);
}

static int read_answer(struct buf *file, const char *question, struct cached *out)
{
	size_t at = strlen(MAGIC);
	if (file->len < at || memcmp(file->data, MAGIC, at))
		return -1;
	char *asked = take_line(file, &at, "question"), *size = NULL, *hash = NULL, *when = NULL;
	int rc = -1;
	if (!asked || strcmp(asked, question))
		goto out;
	out->type = take_line(file, &at, "type");
	out->tag = take_line(file, &at, "tag");
	when = take_line(file, &at, "when");
	size = take_line(file, &at, "size");
	hash = take_line(file, &at, "hash");
	if (!out->type || !out->tag || !when || !size || !hash || strtoull(size, NULL, 10) != file->len - at
	    || strtoull(hash, NULL, 16) != hash_bytes(file->data + at, file->len - at))
		goto out;
	out->when = strtoll(when, NULL, 10);
	buf_consume(file, at);
	out->body = *file;
	*file = (struct buf){0};
	rc = 0;
out:
	free(asked);
	free(when);
	free(size);
	free(hash);
	return rc;
}

int cache_read(const struct cache *c, const char *question, struct cached *out)
{
	struct buf file = {0};
	*out = (struct cached){0};
	if (!c->folder)
		return -1;
	char *path = path_of(c, question);
	int rc = buf_read_file(&file, path, FILE_MAX) < 0 ? -1 : read_answer(&file, question, out);
	if (rc < 0)
		cached_release(out);
	buf_release(&file);
	free(path);
	return rc;
}

struct kept {
	char name[256];
	size_t size;
	int64_t when;
};

static int is_older(const void *a, const void *b)
{
	int64_t x = ((const struct kept *)a)->when, y = ((const struct kept *)b)->when;
	return (x > y) - (x < y);
}

static int ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && !strcmp(name + n - m, end);
}

/* Everything in the folder; a part that somebody died over is taken away. */
static struct kept *look(struct cache *c, int folder, size_t *count)
{
	struct kept *all = NULL;
	size_t room = 0;
	DIR *dir = fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0));
	c->total = *count = 0;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct stat st;
		int is_part = ends_in(e->d_name, ".part");
		if ((!is_part && !ends_in(e->d_name, ".answer")) || fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (is_part && st.st_mtime < time(NULL) - STALE_PART)
			unlinkat(folder, e->d_name, 0);
		if (is_part)
			continue;
		struct kept *k = array_add(&all, count, &room, sizeof *all);
		snprintf(k->name, sizeof k->name, "%s", e->d_name);
		k->size = (size_t)st.st_size;
		k->when = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		c->total += k->size;
	}
	if (dir)
		closedir(dir);
	return all;
}

static void make_room(struct cache *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = 0;
	if (folder < 0)
		return;
	struct kept *all = look(c, folder, &count);
	if (c->total > c->limit) {
		qsort(all, count, sizeof *all, is_older);
		for (size_t i = 0; i < count && c->total > c->limit / 10 * 9; i++) {
			unlinkat(folder, all[i].name, 0);
			c->total -= all[i].size;
		}
	}
	free(all);
	close(folder);
}

static int put_file(const char *path, const struct buf *head, const char *body, size_t size)
{
	char *part = xasprintf("%s.%ld.part", path, (long)getpid());
	unlink(part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), rc = -1;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f) {
		fwrite(head->data, 1, head->len, f);
		fwrite(body, 1, size, f);
		int failed = ferror(f);
		rc = fclose(f) || failed || rename(part, path) ? -1 : 0;
		if (rc)
			unlink(part);
	}
	free(part);
	return rc;
}

void cache_write(struct cache *c, const char *question, const char *type, const char *tag, const char *body, size_t size, int64_t now)
{
	struct buf head = {0};
	if (!c->folder || strpbrk(question, "\r\n") || strpbrk(type, "\r\n") || strpbrk(tag, "\r\n") || size > c->limit / 2)
		return;
	char *path = path_of(c, question);
	buf_printf(&head, MAGIC "question %s\ntype %s\ntag %s\nwhen %" PRId64 "\nsize %zu\nhash %016" PRIx64 "\n",
	           question, type, tag, now, size, hash_bytes(body, size));
	if (!put_file(path, &head, body, size))
		c->total += size + head.len;
	if (c->writes++ % LOOK_AGAIN == 0 || c->total > c->limit)
		make_room(c);
	buf_release(&head);
	free(path);
}

void cache_drop(struct cache *c, const char *question)
{
	if (!c->folder)
		return;
	char *path = path_of(c, question);
	unlink(path);
	free(path);
}
