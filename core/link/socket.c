/* The socket of a target's engine. It is in a folder of our own under TMPDIR, as tmux's is, and not in XDG_RUNTIME_DIR,
 * which goes with the last login while the engine stays. /tmp is open to everyone: so the folder is made 0700, and one
 * that is there already counts only when it is a real folder, ours, and closed to others; else somebody else could have
 * put it there and would own what we say in it. The kernel's word on who connected is asked on top.
 *
 * The address of a unix socket holds 107 bytes (unix(7)); long TMPDIRs of build machines pass that, hence /tmp. */
#include "core/link/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

enum { PATH_LONGEST = 100, BACKLOG = 64 };

static void path_under(const char *dir, const char *root, struct buf *out)
{
	buf_printf(out, "%s/skydeck-%u/%016" PRIx64 ".sock", dir, (unsigned)geteuid(), hash_string(root));
}

void link_socket_path(const char *root, struct buf *out)
{
	const char *dir = getenv("TMPDIR");
	size_t start = out->len;
	path_under(dir && dir[0] == '/' ? dir : "/tmp", root, out);
	if (out->len - start > PATH_LONGEST) {
		buf_truncate(out, start);
		path_under("/tmp", root, out);
	}
}

void link_tools_path(const char *socket_path, struct buf *out)
{
	static const char end[] = ".sock";
	size_t n = strlen(socket_path), tail = strlen(end);
	int has_end = n > tail && !strcmp(socket_path + n - tail, end);
	buf_add(out, socket_path, has_end ? n - tail : n);
	buf_printf(out, ".tools%s", end);
}

static int make_folder(const char *socket_path, struct err *err)
{
	const char *slash = strrchr(socket_path, '/');
	if (!slash || slash == socket_path)
		return err_set(err, "the socket %s must be in a folder of its own", socket_path);
	char *dir = xstrndup(socket_path, (size_t)(slash - socket_path));
	struct stat st;
	int rc = 0;
	if (mkdir(dir, 0700) && errno != EEXIST)
		rc = err_set(err, "cannot make the folder %s for the engine's socket: %s", dir, strerror(errno));
	else if (lstat(dir, &st))
		rc = err_set(err, "cannot look at the folder %s of the engine's socket: %s", dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		rc = err_set(err, "%s is not a folder of yours, and no socket is made in it: remove it or set TMPDIR",
		             dir);
	else if (st.st_mode & 077)
		rc = err_set(err, "others may enter the folder %s of the engine's socket: chmod 700 it", dir);
	free(dir);
	return rc;
}

static int address(const char *path, struct sockaddr_un *a, struct err *err)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof a->sun_path)
		return err_set(err, "the path of the socket %s is too long: set TMPDIR to a shorter one", path);
	strcpy(a->sun_path, path);
	return 0;
}

static int new_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? err_set(err, "cannot make a socket: %s", strerror(errno)) : fd;
}

int socket_listen(const char *path, struct err *err)
{
	struct sockaddr_un a;
	if (address(path, &a, err) || make_folder(path, err))
		return -1;
	int fd = new_socket(err);
	if (fd < 0)
		return -1;
	unlink(path);
	mode_t old = umask(0177);	/* a socket takes its mode from the umask alone */
	int bound = bind(fd, (struct sockaddr *)&a, sizeof a);
	umask(old);
	if (bound || listen(fd, BACKLOG)) {
		err_set(err, "cannot listen on %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int socket_peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.uid == geteuid();
}

int socket_connect(const char *path, struct err *err)
{
	struct sockaddr_un a;
	if (address(path, &a, err))
		return -1;
	int fd = new_socket(err);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&a, sizeof a)) {
		if (socket_peer_is_ours(fd))	/* who listens, that is */
			return fd;
		close(fd);
		return err_refuse(err, "the engine on %s belongs to somebody else, and is told nothing: use a target of your own, or set TMPDIR", path);
	}
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		err_code(err, EXIT_NO_ENGINE,
		         "no engine runs for this target: start one with skydeck or skydeck serve");
	else if (errno == EAGAIN)
		err_set(err, "the engine takes no connections on %s: it hangs or is flooded; see skydeck doctor", path);
	else
		err_set(err, "cannot reach the engine on %s: %s", path, strerror(errno));
	close(fd);
	return -1;
}
