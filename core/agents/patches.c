/* The agent that is a folder: every *.patch, *.diff and *.eml in it is a proposal, in the order of their names, and so
 * is one that is added or changed while the session runs. It is how humans and scripts propose without speaking to the
 * engine: they write a file.
 *
 * A draft's origin is the file's name and a hash of its bytes. The listener knows which origins it took, so reading a
 * folder again, or after a restart, proposes nothing twice, and a file with new contents is proposed anew under its old
 * name. Whether that is a revision is the engine's to say.
 *
 * Files are read one a turn of the loop, so that a folder of a thousand keeps nobody waiting. inotify tells of files
 * that were written to their end; they rest a moment, because many are written twice. Where the folder cannot be
 * watched, what is in it is proposed all the same. */
#include "core/agents/agent.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/agents/mail.h"
#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum {
	LARGEST = 8 << 20,
	REST = 200000,		/* microseconds without another change, before changed files are read */
};

struct agent {
	struct loop *loop;
	const struct agent_listener *listener;
	void *data;
	char *dir, *shown;		/* the folder's path; the same as the user wrote it, safe to show */
	int notify;			/* inotify; -1: not watched */
	struct strings changed;		/* names of files that rest */
	struct strings names;		/* being read, from `next` on */
	size_t next;
	struct loop_timer *step, *rest;
	char *awaited;			/* proposal that the human wants changed; NULL: none */
};

/* The folder. */

static int is_patch(const char *name)
{
	static const char *const endings[] = { ".patch", ".diff", ".eml" };
	size_t len = strlen(name);
	for (size_t i = 0; name[0] != '.' && i < sizeof endings / sizeof *endings; i++)
		if (len > strlen(endings[i]) && !strcmp(name + len - strlen(endings[i]), endings[i]))
			return 1;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strings *names)
{
	if (names->count)
		qsort(names->at, names->count, sizeof *names->at, compare_names);
}

static void add_name(struct strings *names, const char *name)
{
	if (is_patch(name) && !strings_have(names, name))
		strings_add(names, name);
}

static int list_folder(const struct agent *a, struct strings *names, struct err *err)
{
	DIR *dir = opendir(a->dir);
	if (!dir)
		return err_set(err, "cannot read the folder of patches %s: %s", a->shown, strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir));)
		add_name(names, entry->d_name);
	closedir(dir);
	return 0;
}

/* One file. */

static void report_broken(struct agent *a, const char *origin, const char *title, const char *why)
{
	if (!a->listener->is_known(a->data, origin))
		a->listener->broken(a->data, origin, title, why);
}

static void propose_mail(struct agent *a, const char *origin, const char *shown_name, const struct mail *mail,
                         const char *bytes)
{
	const char *title = mail->title[0] ? mail->title : shown_name;
	if (!mail->diff_size) {
		a->listener->broken(a->data, origin, title, "there is no diff in it");
		return;
	}
	a->listener->propose(a->data, &(struct draft){
		.title = title, .body = mail->body, .author = mail->author, .idea = mail->idea,
		.expected = mail->expected, .sources = &mail->sources,
		.diff = bytes + mail->diff, .diff_size = mail->diff_size, .origin = origin,
	});
}

static void propose_bytes(struct agent *a, const char *shown_name, const struct buf *bytes)
{
	char *origin = xasprintf("%s %012" PRIx64, shown_name, hash_bytes(buf_str(bytes), bytes->len) >> 16);
	struct mail mail;
	struct err err;
	if (a->listener->is_known(a->data, origin)) {
		free(origin);
		return;
	}
	if (mail_parse(&mail, buf_str(bytes), bytes->len, &err))
		a->listener->broken(a->data, origin, shown_name, err.text);
	else
		propose_mail(a, origin, shown_name, &mail, buf_str(bytes));
	mail_release(&mail);
	free(origin);
}

/* Reads a file of the folder, or of where a link in it leads. 0, or -1 with errno (0: it is no file) set. */
static int read_file(const char *path, struct buf *bytes)
{
	struct stat st;
	if (stat(path, &st))
		return -1;
	errno = 0;	/* opening a pipe would wait for its other end */
	return S_ISREG(st.st_mode) ? buf_read_file(bytes, path, LARGEST) : -1;
}

static void propose_file(struct agent *a, const char *name)
{
	struct buf bytes = {0}, why = {0};
	char *path = xasprintf("%s/%s", a->dir, name), *shown_name = text_safe_string(name, strlen(name), TEXT_LINE);
	struct stat st;
	if (!read_file(path, &bytes)) {
		propose_bytes(a, shown_name, &bytes);
	} else if (!lstat(path, &st)) {	/* else it was taken away again, which is nothing to report */
		int reason = errno;
		char *origin = xasprintf("%s %s", shown_name, reason == EFBIG ? "too-large" : "unreadable");
		if (reason == EFBIG)
			buf_printf(&why, "%s has %lld bytes; a patch may have %d", shown_name,
			           (long long)st.st_size, LARGEST);
		else
			buf_printf(&why, "%s cannot be read: %s", shown_name,
			           reason ? strerror(reason) : "it is not a file");
		report_broken(a, origin, shown_name, why.data);
		free(origin);
	}
	free(path);
	free(shown_name);
	buf_release(&bytes);
	buf_release(&why);
}

/* Reading in steps. */

static void say(struct agent *a, const char *state, char *text_taken)
{
	a->listener->changed(a->data, state, text_taken);
	free(text_taken);
}

static void say_done(struct agent *a)
{
	if (a->awaited)
		say(a, "idle", xasprintf("waits for the patch of %s to be changed in %s", a->awaited, a->shown));
	else if (a->notify >= 0)
		say(a, "finished", xasprintf("has proposed what is in %s; what is new or changed follows", a->shown));
	else
		say(a, "finished", xasprintf("has proposed what is in %s; it cannot be watched for more", a->shown));
}

static void step(void *data)
{
	struct agent *a = data;
	a->step = NULL;
	if (a->next < a->names.count) {
		propose_file(a, a->names.at[a->next++]);
		a->step = loop_after(a->loop, 0, step, a);
		return;
	}
	strings_release(&a->names);
	a->next = 0;
	say_done(a);
}

static void begin(void *data)
{
	struct agent *a = data;
	if (a->names.count)
		say(a, "working", xasprintf("reads %zu patch%s in %s", a->names.count, a->names.count == 1 ? "" : "es",
		                            a->shown));
	step(a);
}

/* Files that rested are read after those that are being read. */
static void rested(void *data)
{
	struct agent *a = data;
	a->rest = NULL;
	if (a->step) {
		a->rest = loop_after(a->loop, REST, rested, a);
		return;
	}
	string_set(&a->awaited, NULL);
	a->names = a->changed;
	a->changed = (struct strings){0};
	sort(&a->names);
	begin(a);
}

/* Watching. */

static void end_reading(struct agent *a)
{
	loop_cancel(a->loop, a->step);
	loop_cancel(a->loop, a->rest);
	a->step = a->rest = NULL;
	strings_release(&a->changed);
	strings_release(&a->names);
	a->next = 0;
}

static void unwatch(struct agent *a)
{
	if (a->notify < 0)
		return;
	loop_unwatch(a->loop, a->notify);
	close(a->notify);
	a->notify = -1;
}

/* Whether a new name is complete as it is: a link to a file is, and nothing is written through it. */
static int is_link(const struct agent *a, const char *name)
{
	char *path = xasprintf("%s/%s", a->dir, name);
	struct stat st;
	int is = !lstat(path, &st) && (S_ISLNK(st.st_mode) || st.st_nlink > 1);
	free(path);
	return is;
}

static void take_notice(struct agent *a, const struct inotify_event *notice)
{
	if (notice->mask & IN_Q_OVERFLOW)
		list_folder(a, &a->changed, NULL);
	else if (notice->len && (!(notice->mask & IN_CREATE) || is_link(a, notice->name)))
		add_name(&a->changed, notice->name);
}

static void folder_changed(void *data, int fd, unsigned events)
{
	struct agent *a = data;
	_Alignas(struct inotify_event) char bytes[8192];
	const struct inotify_event *notice;
	(void)events;
	for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;)
		for (const char *at = bytes; at < bytes + n; at += sizeof *notice + notice->len) {
			notice = (const void *)at;
			if (notice->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
				unwatch(a);
				end_reading(a);
				say(a, "failed", xasprintf("the folder of patches %s is gone", a->shown));
				return;
			}
			take_notice(a, notice);
		}
	if (!a->changed.count)
		return;
	loop_cancel(a->loop, a->rest);
	a->rest = loop_after(a->loop, REST, rested, a);
}

static void watch(struct agent *a)
{
	a->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->notify < 0)
		return;
	const uint32_t of_interest = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF;
	if (inotify_add_watch(a->notify, a->dir, of_interest) < 0)
		unwatch(a);
	else
		loop_watch(a->loop, a->notify, LOOP_READ, folder_changed, a);
}

/* The agent. */

static void patches_close(struct agent *a)
{
	if (!a)
		return;
	unwatch(a);
	end_reading(a);
	free(a->awaited);
	free(a->dir);
	free(a->shown);
	free(a);
}

static int check_folder(const struct agent *a, const char *agent_name, struct err *err)
{
	struct stat st;
	if (stat(a->dir, &st))
		return err_set(err, "cannot read the folder of patches %s: %s; make it, or set agent.%s.dir",
		               a->shown, strerror(errno), agent_name);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, "%s is not a folder; set agent.%s.dir to the folder of patches",
		               a->shown, agent_name);
	return 0;
}

/* The folder is watched before it is listed: a file that comes in between is seen twice, and proposed once. */
static struct agent *patches_open(const struct agent_setup *setup, struct err *err)
{
	const char *dir = setup->config->dir, *name = setup->config->name;
	if (!dir || !*dir) {
		err_set(err, "the agent %s has no folder of patches: set agent.%s.dir", name, name);
		return NULL;
	}
	struct agent *a = xcalloc(1, sizeof *a);
	a->loop = setup->loop;
	a->listener = setup->listener;
	a->data = setup->data;
	a->notify = -1;
	a->dir = dir[0] == '/' ? xstrdup(dir) : xasprintf("%s/%s", setup->root, dir);
	a->shown = text_safe_string(dir, strlen(dir), TEXT_LINE);
	if (check_folder(a, name, err))
		goto failed;
	watch(a);
	if (list_folder(a, &a->names, err))
		goto failed;
	sort(&a->names);
	a->step = loop_after(a->loop, 0, begin, a);
	return a;
failed:
	patches_close(a);
	return NULL;
}

static void patches_tell(struct agent *a, enum agent_cause cause, const char *proposal, const char *text)
{
	(void)text;
	if (cause != CAUSE_REVISION_ASKED)
		return;
	string_set(&a->awaited, proposal);
	if (!a->step)
		say_done(a);
}

const struct agent_ops patches_agent = {
	.kind = "patches",
	.open = patches_open,
	.tell = patches_tell,
	.close = patches_close,
};
