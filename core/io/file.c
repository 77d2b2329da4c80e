/* Notes and scripts that must be there whole after a crash: rename(2) over the old name, after fsync(2) of the new file, and
 * fsync of the folder after it, so that the new name is on the disk when the caller goes on. */
#include "core/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static void flush_folder(const char *path)
{
	char *folder = xstrdup(path), *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	int fd = open(slash ? *folder ? folder : "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);	/* not every file system can: the rename holds until the machine itself fails */
		close(fd);
	}
	free(folder);
}

/* Takes fd and the temporary file; both are gone, or the file stands under its name. */
static int finish(int fd, int failed, const char *temporary, const char *path, struct err *err)
{
	int number = failed ? errno : 0;
	if (!number && fsync(fd))
		number = errno;
	if (close(fd) && !number)
		number = errno;
	if (!number && rename(temporary, path))
		number = errno;
	if (number) {
		unlink(temporary);
		return err_set(err, "cannot write %s: %s", path, strerror(number));
	}
	flush_folder(path);
	return 0;
}

/* A file of this process alone beside path; left by one that was killed: taken. */
static int open_beside(const char *path, int mode, char **temporary, struct err *err)
{
	*temporary = xasprintf("%s.%ld.part", path, (long)getpid());
	unlink(*temporary);
	int fd = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		err_set(err, "cannot write %s: %s", path, strerror(errno));
	return fd;
}

int file_write(const char *path, const void *bytes, size_t size, int mode, struct err *err)
{
	char *temporary;
	int fd = open_beside(path, mode, &temporary, err);
	int rc = fd < 0 ? -1 : finish(fd, write_all(fd, bytes, size), temporary, path, err);
	free(temporary);
	return rc;
}

static int copy(int from, int to)
{
	char block[65536];
	ssize_t n;
	while ((n = read(from, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && write_all(to, block, (size_t)n))
			return -1;
	return n < 0 ? -1 : 0;
}

int file_bring(const char *from, const char *to, struct err *err)
{
	char *temporary = xasprintf("%s.%ld.part", to, (long)getpid());
	int rc = -1, source = -1;
	unlink(temporary);
	if (!link(from, temporary)) {
		rc = rename(temporary, to);
		int number = errno;
		unlink(temporary);	/* two names of one file: rename does nothing, and both stay */
		if (rc)
			err_set(err, "cannot write %s: %s", to, strerror(number));
	} else if ((source = open(from, O_RDONLY | O_CLOEXEC)) < 0) {
		err_set(err, "cannot read %s: %s", from, strerror(errno));
	} else {
		free(temporary);
		int fd = open_beside(to, 0644, &temporary, err);
		rc = fd < 0 ? -1 : finish(fd, copy(source, fd), temporary, to, err);
	}
	if (source >= 0)
		close(source);
	free(temporary);
	return rc;
}
