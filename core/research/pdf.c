/* pdftotext as a child. The file is read here, as far as it is allowed to be large, and given as the child's input: the sandbox
 * then holds no path of this machine, and what is a file now cannot be another one later. What it prints is bounded here. */
#include "core/research/pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/confine.h"
#include "core/research/confined.h"

#ifndef PDF_SECONDS
#define PDF_SECONDS 20		/* of a CPU; tests have less patience */
#endif
enum { TITLE_LINES = 20, TITLE_MIN = 4, TITLE_MAX = 200, MEMORY = 1 << 30, PATIENCE = 60000000 /* microseconds: on a busy machine it waits, too */ };
#define TEXT_OF(number) #number
#define NUMBER(macro) TEXT_OF(macro)
#define PAGES 30
_Static_assert(PAGES == PDF_PAGES, "the option below is a text");

struct pdf_text {
	struct loop *loop;
	struct child *child;
	struct loop_timer *timer;	/* where it failed before there was a child */
	void (*came)(void *data, const char *text, size_t n, const char *problem);
	void *data;
	char *name, *problem;
	struct buf text;
};

int pdf_is(const char *bytes, size_t n)
{
	/* Readers accept anything in front of it, within the first 1024 bytes (ISO 32000-1, annex H, note 13). */
	return memmem(bytes, n < 1024 ? n : 1024, "%PDF-", 5) != NULL;
}

static void pdf_free(struct pdf_text *p)
{
	loop_cancel(p->loop, p->timer);
	buf_release(&p->text);
	free(p->name);
	free(p->problem);
	free(p);
}

static void say(struct pdf_text *p)
{
	p->came(p->data, p->problem ? NULL : buf_str(&p->text), p->problem ? 0 : p->text.len, p->problem);
	pdf_free(p);
}

static void say_problem(void *data)
{
	struct pdf_text *p = data;
	p->timer = NULL;
	say(p);
}

static void took(void *data, const char *bytes, size_t n)
{
	struct pdf_text *p = data;
	size_t room = PDF_TEXT - p->text.len;
	buf_add(&p->text, bytes, n < room ? n : room);
	if (n >= room)
		child_kill(p->child);
}

/* What the exit says (pdftotext(1)); text that came before a limit was reached is worth having. */
static char *explain(const struct pdf_text *p, const struct child_result *result)
{
	char *sandbox = confined_problem(buf_str(&p->text), p->text.len);
	if (sandbox || p->text.len == PDF_TEXT || (result->exited && !result->status && p->text.len))
		return sandbox;
	if (result->timed_out || !result->exited || result->status > 128)
		return p->text.len ? NULL : xasprintf("%s took pdftotext more than %d s or too much memory: it is damaged, or made to do so", p->name, PDF_SECONDS);
	if (result->status == 3)
		return xasprintf("%s does not permit that its text is copied", p->name);
	if (result->status)
		return xasprintf("%s cannot be read: it is damaged, no PDF, or needs a password", p->name);
	return xasprintf("%s has no text on its first %d pages", p->name, PDF_PAGES);
}

static int is_blank(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n\f", text[i]))
			return 0;
	return 1;
}

static void ended(void *data, const struct child_result *result)
{
	struct pdf_text *p = data;
	p->child = NULL;
	if (is_blank(buf_str(&p->text), p->text.len))
		buf_truncate(&p->text, 0);
	p->problem = explain(p, result);
	say(p);
}

static int read_pdf(const char *path, struct buf *file, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;
	if (fd < 0)
		return err_set(err, "cannot read %s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = err_set(err, "%s is no file", path);
	else if (st.st_size > PDF_FILE)
		rc = err_set(err, "%s has %lld MB: a PDF may have %d", path, (long long)st.st_size >> 20, PDF_FILE >> 20);
	char chunk[65536];
	ssize_t n = 0;
	while (!rc && file->len <= PDF_FILE && (n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(file, chunk, (size_t)n);
	close(fd);
	if (!rc && (n < 0 || !pdf_is(buf_str(file), file->len)))
		rc = err_set(err, "%s is no PDF", path);
	return rc;
}

static int start(struct pdf_text *p, const char *path, struct err *err)
{
	static const char script[] = "exec pdftotext -q -enc UTF-8 -f 1 -l " NUMBER(PAGES) " /dev/stdin - 2>/dev/null";
	struct buf file = {0};
	char *program = confine_find("pdftotext");
	if (!program)
		return err_set(err, "pdftotext is not installed, so that PDFs cannot be read: apt install poppler-utils (dnf install "
		               "poppler-utils, pacman -S poppler)");
	int rc = read_pdf(path, &file, err);
	const struct confined confined = { .command = (const char *const[]){ "sh", "-c", script, NULL }, .visible = program, .is_patient = 1,
		.options = { .timeout = PATIENCE, .cpu_limit = PDF_SECONDS, .memory_limit = MEMORY,
			.file_limit = 1 << 20, .input = buf_str(&file), .input_size = file.len, .output = took, .ended = ended, .data = p } };
	if (!rc)
		p->child = confined_start(p->loop, &confined, err);
	free(program);
	buf_release(&file);
	return p->child ? 0 : -1;
}

struct pdf_text *pdf_text(struct loop *loop, const char *path, void (*came)(void *data, const char *text, size_t n, const char *problem),
                          void *data)
{
	struct pdf_text *p = xcalloc(1, sizeof *p);
	struct err err = {0};
	const char *slash = strrchr(path, '/');
	*p = (struct pdf_text){ .loop = loop, .came = came, .data = data };
	p->name = text_safe_string(slash ? slash + 1 : path, strlen(slash ? slash + 1 : path), TEXT_LINE);
	if (start(p, path, &err)) {
		p->problem = xstrdup(err.text);
		p->timer = loop_after(loop, 0, say_problem, p);
	}
	return p;
}

void pdf_text_cancel(struct pdf_text *p)
{
	if (!p)
		return;
	if (p->child)
		child_abandon(p->child);
	pdf_free(p);
}

/* A page's number, a date alone or "arXiv:…" in the margin is none. */
static int could_be_title(const char *line)
{
	size_t letters = 0, n = strlen(line);
	for (size_t i = 0; i < n; i++)
		letters += ((line[i] | 32) >= 'a' && (line[i] | 32) <= 'z') || (line[i] & 0x80);
	return n <= TITLE_MAX && letters >= TITLE_MIN && letters * 2 > n && strncmp(line, "arXiv:", 6);
}

char *pdf_title(const char *text, size_t n)
{
	const char *end = text + n;
	for (int i = 0; i < TITLE_LINES && text < end; i++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *line = text, *stop = eol ? eol : end;
		while (line < stop && strchr(" \t\f\r", *line))
			line++;
		while (stop > line && strchr(" \t\r", stop[-1]))
			stop--;
		char *title = line < stop ? text_safe_string(line, (size_t)(stop - line), TEXT_LINE) : NULL;
		if (title && could_be_title(title))
			return title;
		free(title);
		text = eol ? eol + 1 : end;
	}
	return NULL;
}
