/* A worker's workdir on this side. It gets a .skyignore of its own, since SkyPilot would else ask git what to leave out,
 * and the whole of .skydeck is excluded there. */
#include "core/runners/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/embedded.h"
#include "core/base/mem.h"
#include "core/io/folder.h"

enum { DEPTH_MAX = 64, FILE_MAX_SIZE = 256 << 20, FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static int read_all(int fd, struct buf *out, size_t size)
{
	char block[65536];
	ssize_t n;
	while ((n = read(fd, block, sizeof block)) > 0) {
		buf_add(out, block, (size_t)n);
		if (out->len > size) {
			errno = EFBIG;
			return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	struct buf bytes = {0};
	int fd = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 || read_all(fd, &bytes, FILE_MAX_SIZE) ? err_set(err, "cannot read the harness's %s: %s", name, strerror(errno))
		: folder_put(to, name, st->st_mode & S_IXUSR ? FOLDER_EXECUTABLE : FOLDER_FILE, buf_str(&bytes), bytes.len, err);
	if (fd >= 0)
		close(fd);
	buf_release(&bytes);
	return rc;
}

static int copy_symlink(int from, int to, const char *name, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof target);
	return n < 0 ? err_set(err, "cannot read the harness's %s: %s", name, strerror(errno))
		: folder_put(to, name, FOLDER_SYMLINK, target, (size_t)n, err);
}

static int copy_tree(int from, int to, unsigned depth, struct err *err);

static int copy_entry(int from, int to, const char *name, unsigned depth, struct err *err)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return err_set(err, "cannot read the harness's %s: %s", name, strerror(errno));
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(from, to, name, err);
	if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
		return 0;
	int rc = -1, below = openat(from, name, FOLDER_FLAGS), copy = below < 0 ? -1 : folder_enter(to, name, err);
	if (below < 0)
		err_set(err, "cannot read the harness's %s: %s", name, strerror(errno));
	if (copy >= 0) {
		rc = copy_tree(below, copy, depth + 1, err);
		close(copy);
	}
	if (below >= 0)
		close(below);
	return rc;
}

/* Leaves both descriptors open. */
static int copy_tree(int from, int to, unsigned depth, struct err *err)
{
	int own = openat(from, ".", FOLDER_FLAGS), rc = 0;
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return err_set(err, "cannot read the harness: %s", strerror(errno));
	for (struct dirent *entry; !rc && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = copy_entry(from, to, entry->d_name, depth, err);
	closedir(dir);
	return rc;
}

static int copy_harness(int to, const char *harness, struct err *err)
{
	int from = open(harness, FOLDER_FLAGS);
	if (from < 0)
		return errno == ENOENT ? 0 : err_set(err, "cannot read %s: %s", harness, strerror(errno));
	int copy = folder_enter(to, "harness", err), rc = copy < 0 ? -1 : copy_tree(from, copy, 0, err);
	if (copy >= 0)
		close(copy);
	close(from);
	return rc;
}

int workdir_make(const char *path, const char *harness, struct err *err)
{
	static const char ignore[] = "# Everything here goes to the VM.\n";
	const struct embedded *driver = embedded_find("assets/driver.sh");
	int to = folder_open(path, err);
	if (to < 0)
		return -1;
	int rc = folder_put(to, "driver.sh", FOLDER_FILE, driver->data, driver->size, err) ||
		folder_put(to, ".skyignore", FOLDER_FILE, ignore, sizeof ignore - 1, err) || copy_harness(to, harness, err) ? -1 : 0;
	close(to);
	return rc;
}
