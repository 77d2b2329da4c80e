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

int file_copy(const char *from, const char *to, struct err *err)
{
	char *folder = xstrdup(to), *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	int rc = slash ? folder_make(folder, err) : 0;
	free(folder);
	if (rc)
		return rc;
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	if (in < 0 || fstat(in, &st) < 0)
		rc = err_set(err, "cannot read %s: %s", from, strerror(errno));
	if (!rc) {
		unlink(to);	/* a patch may have put a link there: never write through it */
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 0777);
		if (out < 0 || fchmod(out, st.st_mode & 0777) < 0 || copy_bytes(in, out) < 0)
			rc = err_set(err, "cannot write %s: %s", to, strerror(errno));
	}
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) < 0 && !rc)
		rc = err_set(err, "cannot write %s: %s", to, strerror(errno));
	return rc;
}
