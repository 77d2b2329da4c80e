/* Copies that are complete or an error. */
#include "core/engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

int folder_make(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int rc = 0;
	for (char *p = copy + 1; !rc; p++) {
		char c = *p;
		if (c != '/' && c)
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			rc = err_set(err, "cannot make %s: %s", copy, strerror(errno));
		*p = c;
		if (!c)
			break;
	}
	free(copy);
	return rc;
}

static int copy_bytes(int in, int out)
{
	char chunk[65536];
	ssize_t n;
	while ((n = read(in, chunk, sizeof chunk)) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(out, chunk + done, (size_t)(n - done));
			if (w < 0)
				return -1;
			done += w;
		}
	return n < 0 ? -1 : 0;
}

/* Contents and mode of from become the file name in the folder. to is for the sentence. */
static int copy_into(const char *from, int folder, const char *name, const char *to, struct err *err)
{
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = 0;
	if (in < 0 || fstat(in, &st) < 0)
		rc = err_set(err, "cannot read %s: %s", from, strerror(errno));
	if (!rc) {
		unlinkat(folder, name, 0);	/* a patch may have put a link there: never write through it */
		out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 0777);
		if (out < 0 || fchmod(out, st.st_mode & 0777) < 0 || copy_bytes(in, out) < 0)
			rc = err_set(err, "cannot write %s: %s", to, strerror(errno));
	}
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) < 0 && !rc)
		rc = err_set(err, "cannot write %s: %s", to, strerror(errno));
	return rc;
}

int file_copy(const char *from, const char *to, struct err *err)
{
	char *folder = xstrdup(to), *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	int rc = slash ? folder_make(folder, err) : 0;
	free(folder);
	return rc ? rc : copy_into(from, AT_FDCWD, to, to, err);
}

/* The folder name in parent, made where it is missing; -1 with errno. */
static int enter(int parent, const char *name)
{
	enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	int fd = openat(parent, name, FOLDER);
	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		unlinkat(parent, name, 0);
	if (mkdirat(parent, name, 0777) < 0 && errno != EEXIST)
		return -1;
	return openat(parent, name, FOLDER);
}

int file_lay(const char *from, const char *root, const char *name, struct err *err)
{
	char *path = xstrdup(name), *part = path, *to = xasprintf("%s/%s", root, name);
	int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	for (char *slash; folder >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		if (slash == part)
			continue;
		int next = strcmp(part, "..") ? enter(folder, part) : (errno = EINVAL, -1);
		int saved = errno;
		close(folder);
		folder = next;
		errno = saved;
	}
	if (folder < 0)
		rc = err_set(err, "cannot write %s: %s", to, strerror(errno));
	else
		rc = copy_into(from, folder, part, to, err);
	if (folder >= 0)
		close(folder);
	free(to);
	free(path);
	return rc;
}
