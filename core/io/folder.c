/* The file side of a checkout. Everything is done relative to an open directory and with O_NOFOLLOW, because a tree
 * under test may hold symlinks that lead out of it (its own, or what a run left behind), and the next checkout into
 * that folder must neither write nor delete through them.
 *
 * A file whose bytes and executable bit are right already is left alone: its old modification time is what lets an
 * incremental build skip it. Anything else is removed and made anew, so a hard link that a build made to a source
 * file is never written through. A process that dies here leaves a half-written file behind; the next checkout
 * compares bytes, sees it and repairs it. */
#include "core/io/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int failed = mkdir(path, 0777) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return -1;
	}
	return mkdir(path, 0777) && errno != EEXIST ? -1 : 0;
}

int folder_open(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int fd = make_parents(copy) ? -1 : open(path, FOLDER_FLAGS);
	free(copy);
	return fd >= 0 ? fd : err_set(err, "cannot make the folder %s: %s", path, strerror(errno));
}

/* A directory that its owner may not enter or empty (module caches are like that) is opened up first. */
static int open_own(int dir, const char *name)
{
	int fd = openat(dir, name, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd < 0 && errno == EACCES && !fchmodat(dir, name, 0700, 0))
		fd = openat(dir, name, FOLDER_FLAGS | O_NOFOLLOW);
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && (st.st_mode & 0700) != 0700)
		fchmod(fd, 0700);
	return fd;
}

static int keep_none(const char *name, const void *payload)
{
	(void)name, (void)payload;
	return 0;
}

int folder_remove(int dir, const char *name, struct err *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : err_set(err, "cannot look at %s: %s", name, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) ? err_set(err, "cannot remove %s: %s", name, strerror(errno)) : 0;
	int fd = open_own(dir, name);
	if (fd < 0)
		return err_set(err, "cannot open the folder %s to empty it: %s", name, strerror(errno));
	int rc = folder_prune(fd, keep_none, NULL, err);
	close(fd);
	if (!rc && unlinkat(dir, name, AT_REMOVEDIR))
		rc = err_set(err, "cannot remove the folder %s: %s", name, strerror(errno));
	return rc;
}

int folder_prune(int dir, int (*keep)(const char *name, const void *payload), const void *payload, struct err *err)
{
	int fd = openat(dir, ".", FOLDER_FLAGS);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!list) {
		if (fd >= 0)
			close(fd);
		return err_set(err, "cannot list a folder: %s", strerror(errno));
	}
	struct strings stale = {0};
	for (struct dirent *entry; (entry = readdir(list)); )
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && !keep(entry->d_name, payload))
			strings_add(&stale, entry->d_name);
	closedir(list);
	int rc = 0;
	for (size_t i = 0; i < stale.count && !rc; i++)
		rc = folder_remove(dir, stale.at[i], err);
	strings_release(&stale);
	return rc;
}

int folder_remove_path(int dir, const char *path, struct err *err)
{
	const char *slash = strchr(path, '/');
	if (!slash)
		return folder_remove(dir, path, err);
	char *name = xstrndup(path, (size_t)(slash - path));
	int fd = open_own(dir, name);
	free(name);
	if (fd < 0)
		return 0;
	int rc = folder_remove_path(fd, slash + 1, err);
	close(fd);
	return rc;
}

int folder_enter(int dir, const char *name, struct err *err)
{
	struct stat st;
	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISDIR(st.st_mode) && folder_remove(dir, name, err))
		return -1;
	if (mkdirat(dir, name, 0777) && errno != EEXIST)
		return err_set(err, "cannot make the folder %s: %s", name, strerror(errno));
	int fd = open_own(dir, name);
	return fd >= 0 ? fd : err_set(err, "cannot open the folder %s: %s", name, strerror(errno));
}

static int same_bytes(int fd, const char *bytes, size_t size)
{
	char chunk[16384];
	size_t at = 0;
	for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0; at += (size_t)n)
		if ((size_t)n > size - at || memcmp(chunk, bytes + at, (size_t)n))
			return 0;
	return at == size;
}

static int is_already(int dir, const char *name, enum folder_kind kind, const void *bytes, size_t size)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || (size_t)st.st_size != size)
		return 0;
	if (kind == FOLDER_SYMLINK) {
		char target[4096];
		ssize_t n = S_ISLNK(st.st_mode) ? readlinkat(dir, name, target, sizeof target) : -1;
		return n >= 0 && (size_t)n == size && !memcmp(target, bytes, size);
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0100) != (kind != FOLDER_EXECUTABLE))
		return 0;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	int same = same_bytes(fd, bytes, size);
	close(fd);
	return same;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			bytes += n, size -= (size_t)n;
	}
	return 0;
}

static int put_symlink(int dir, const char *name, const void *bytes, size_t size, struct err *err)
{
	char *target = xstrndup(bytes, size);
	int rc = symlinkat(target, dir, name);
	free(target);
	return rc ? err_set(err, "cannot make the symlink %s: %s", name, strerror(errno)) : 0;
}

int folder_put(int dir, const char *name, enum folder_kind kind, const void *bytes, size_t size, struct err *err)
{
	if (is_already(dir, name, kind, bytes, size))
		return 0;
	if (folder_remove(dir, name, err))
		return -1;
	if (kind == FOLDER_SYMLINK)
		return put_symlink(dir, name, bytes, size, err);
	int mode = kind == FOLDER_EXECUTABLE ? 0777 : 0666;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int failed = fd < 0 || write_all(fd, bytes, size);
	int saved = errno;
	if (fd >= 0 && close(fd) && !failed)
		failed = 1, saved = errno;
	return failed ? err_set(err, "cannot write %s: %s", name, strerror(saved)) : 0;
}
