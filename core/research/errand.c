/* An errand: one source's part in a search, a look-up or a fetch. Kinds say what to ask and read what comes; here that is
 * carried out, made safe and handed on. It ends by itself when nothing is asked any more.
 *
 * The text of a page is whatever it is: HTML becomes lines, a PDF goes through pdftotext in its sandbox, anything else that is
 * text stays. The text of a PDF is kept in the cache besides the file, since reading it takes seconds. */
#include "core/research/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/git.h"
#include "core/research/html.h"
#include "core/research/parse.h"
#include "core/research/pdf.h"

enum { TITLE_MAX = 500, AUTHORS_MAX = 1000, KEY_MAX = 2100, NOTE_MAX = 8000, PROBLEM_MAX = 900, PAGE_MAX = 20 << 20, FILE_MAX = 20 << 20, URLS_MAX = 4 };
enum { PAGE_TIMEOUT = 60000000 };

struct ask {		/* one question that is under way */
	struct ask *next;
	struct errand *errand;
	struct web_get *get;
	struct source_question question;
};

struct errand {
	struct errand_world world;
	struct known_source *source;
	struct ask *asks;
	size_t limit, found;
	char *type, *claimed;		/* of a search; the title that a look-up was given */
	char *notice;			/* about a text */
	void *state;
	void (*settled)(struct errand *e);
	void (*release)(void *state);
	char *urls[URLS_MAX];		/* still to be tried */
	struct pdf_text *pdf;
	char *pdf_from, *pdf_file, *pdf_question;	/* of a download: a file to remove, and the cache's name for its text */
	int is_dropped, has_text, is_denied;
};

char *safe_part(const char *s, size_t max, unsigned flags)
{
	size_t n = s ? strlen(s) : 0;
	struct buf out = {0};
	if (!n)
		return NULL;
	text_safe(&out, s, n < max ? n : max, flags);
	size_t cut = out.len < max ? out.len : max;
	while (cut < out.len && cut && ((unsigned char)out.data[cut] & 0xc0) == 0x80)
		cut--;
	buf_truncate(&out, cut);
	return buf_take(&out);
}

struct errand *errand_new(const struct errand_world *world, struct known_source *source)
{
	struct errand *e = xcalloc(1, sizeof *e);
	e->world = *world;
	e->source = source;
	return e;
}

static void drop_pdf(struct errand *e)
{
	pdf_text_cancel(e->pdf);
	e->pdf = NULL;
	if (e->pdf_file)
		unlink(e->pdf_file);
	string_set(&e->pdf_file, NULL);
}

void errand_drop(struct errand *e)
{
	e->is_dropped = 1;
	while (e->asks) {
		struct ask *a = e->asks;
		e->asks = a->next;
		web_cancel(a->get);
		free(a);
	}
	drop_pdf(e);
}

void errand_free(struct errand *e)
{
	if (!e)
		return;
	errand_drop(e);
	if (e->release)
		e->release(e->state);
	for (size_t i = 0; i < URLS_MAX; i++)
		free(e->urls[i]);
	free(e->type);
	free(e->claimed);
	free(e->notice);
	free(e->pdf_from);
	free(e->pdf_question);
	free(e);
}

int errand_has_ended(const struct errand *e)
{
	return !e->asks && !e->pdf;
}

int errand_is_denied(const struct errand *e)
{
	return e->is_denied;
}

void errand_deny(struct errand *e)
{
	e->is_denied = 1;
}

void errand_keep(struct errand *e, void *state_taken, void (*settled)(struct errand *e), void (*release)(void *state))
{
	e->state = state_taken;
	e->settled = settled;
	e->release = release;
}

void *errand_state(const struct errand *e)
{
	return e->state;
}

size_t errand_limit(const struct errand *e)
{
	return e->limit > e->found ? e->limit - e->found : 0;
}

void errand_fail(struct errand *e, const char *format, ...)
{
	va_list args;
	char sentence[4096];
	if (e->is_dropped)
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	char *safe = safe_part(sentence, PROBLEM_MAX, TEXT_LINE);
	e->world.problem(e->world.data, safe ? safe : "");
	free(safe);
}

void errand_found(struct errand *e, const struct finding *f)
{
	if (e->is_dropped || !errand_limit(e) || !f->key || !*f->key)
		return;
	char *title = safe_part(f->title, TITLE_MAX, TEXT_LINE), *key = safe_part(f->key, KEY_MAX, TEXT_LINE), *url = safe_part(f->url, KEY_MAX, TEXT_LINE);
	char *authors = safe_part(f->authors, AUTHORS_MAX, TEXT_LINE), *note = safe_part(f->note, NOTE_MAX, TEXT_NEWLINES | TEXT_TABS);
	char *reason = safe_part(f->reason, TITLE_MAX, TEXT_LINE);
	e->found++;
	e->world.found(e->world.data, &(struct finding){ .type = f->type, .title = title ? title : key, .key = key, .url = url, .authors = authors,
	               .note = note, .reason = reason, .year = f->year > 1000 && f->year < 3000 ? f->year : 0 });
	free(title);
	free(key);
	free(url);
	free(authors);
	free(note);
	free(reason);
}

/* Letters and digits alone, in lower case: what two spellings of a title share. */
static char *bare(const char *title)
{
	struct buf out = {0};
	for (; *title; title++) {
		unsigned char c = (unsigned char)*title;
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80)
			buf_putc(&out, (char)c);
		else if (c >= 'A' && c <= 'Z')
			buf_putc(&out, (char)(c + 32));
	}
	buf_putc(&out, '\0');
	return buf_take(&out);
}

void errand_title(struct errand *e, const char *title)
{
	if (!e->claimed || !title || !*title)
		return;
	char *claimed = bare(e->claimed), *real = bare(title);
	if (*claimed && !strstr(real, claimed) && !strstr(claimed, real))
		errand_fail(e, "%s calls it \"%.300s\", not \"%.300s\": is it the right one?", e->source->service.name, title, e->claimed);
	free(claimed);
	free(real);
}

/* Four hex digits of a \\u escape at p, or -1. */
static long escape_at(const char *p, const char *end)
{
	char digits[5] = "";
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(digits, p + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

/* What anybody can write into a comment, and no strict reader takes: escapes of NUL and of half a character, bytes that are no
 * UTF-8. Each becomes U+FFFD, so that it does not take the other answers with it. */
static void mend_json(struct buf *out, const char *p, size_t n)
{
	const char *end = p + n;
	while (p < end) {
		uint32_t cp;
		int used = text_decode(p, (size_t)(end - p), &cp);
		long unit = *p == '\\' ? escape_at(p, end) : -1, low = unit >= 0xd800 && unit < 0xdc00 ? escape_at(p + 6, end) : -1;
		if (unit >= 0xd800 && unit < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			buf_add(out, p, 12);
			p += 12;
		} else if (unit == 0 || (unit >= 0xd800 && unit < 0xe000)) {
			buf_puts(out, "\\ufffd");
			p += 6;
		} else if (*p == '\\' && end - p > 1) {
			buf_add(out, p, 2);
			p += 2;
		} else if (!used) {
			buf_puts(out, "\xef\xbf\xbd");
			p++;
		} else {
			buf_add(out, p, (size_t)used);
			p += used;
		}
	}
}

struct json *errand_json(struct errand *e, const struct web_answer *a)
{
	struct err err = {0};
	struct json *v = json_parse(a->body, a->size, &err);
	if (!v && memchr("{[", *a->body ? *a->body : ' ', 2)) {
		struct buf mended = {0};
		mend_json(&mended, a->body, a->size);
		v = json_parse(buf_str(&mended), mended.len, &err);
		buf_release(&mended);
	}
	if (!v)
		errand_fail(e, "what %s answers cannot be read%s: %s", e->source->service.name, strstr(a->type, "html") ? " (it is a page)" : "", err.text);
	return v;
}

/* questions */

static void settle(struct errand *e)
{
	void (*settled)(struct errand *e) = e->settled;
	if (e->is_dropped || !errand_has_ended(e) || !settled)
		return;
	e->settled = NULL;
	settled(e);
}

static int answered(void *data, const struct web_answer *answer)
{
	struct ask *a = data;
	struct errand *e = a->errand;
	struct errand_world world = e->world;
	struct source_question q = a->question;
	int is_good = 0;
	world.enter(world.data);
	for (struct ask **at = &e->asks; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			break;
		}
	free(a);
	if (answer->body && answer->is_old)
		string_set(&e->notice, answer->problem);
	if (answer->body && answer->is_old && !e->urls[0])
		errand_fail(e, "%s", answer->problem);
	if (answer->body)
		is_good = q.came(e, answer, q.number);
	else if (q.missed)
		q.missed(e, answer, q.number);
	else
		errand_fail(e, "%s", answer->problem);
	settle(e);
	world.leave(world.data);
	return is_good;
}

static void ask(struct errand *e, const struct source_question *q, const struct service *service, const char *url)
{
	struct ask *a = xcalloc(1, sizeof *a);
	*a = (struct ask){ .next = e->asks, .errand = e, .question = *q };
	e->asks = a;
	a->get = web_ask(e->world.web, &(struct web_question){ .service = service, .url = url, .accept = q->accept,
		.fresh = q->fresh ? q->fresh : SOURCE_DAY, .timeout = q->timeout, .max_size = q->max_size, .came = answered, .data = a });
}

void errand_ask(struct errand *e, const struct source_question *q, const char *format, ...)
{
	struct buf url = {0};
	char path[4096];
	va_list args;
	if (e->is_dropped)
		return;
	va_start(args, format);
	int n = vsnprintf(path, sizeof path, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof path) {
		errand_fail(e, "that is too long to be asked of %s", e->source->service.name);
		return;
	}
	buf_printf(&url, "%s%s", *path == '/' ? e->source->service.base : "", path);
	ask(e, q, &e->source->service, url.data);
	buf_release(&url);
}

/* texts */

/* Page by page, so that the form feeds between them stay. */
static unsigned make_safe(struct buf *out, const char *text, size_t size)
{
	size_t marks = 0;
	for (const char *at = text, *end = text + size; at < end;) {
		const char *page = memchr(at, '\f', (size_t)(end - at)), *to = page ? page : end;
		marks += text_safe(out, at, (size_t)(to - at), TEXT_NEWLINES | TEXT_TABS);
		if (page)
			buf_putc(out, '\f');
		at = page ? page + 1 : end;
	}
	return (unsigned)(marks < 1000000 ? marks : 1000000);
}

void errand_text(struct errand *e, const char *from, const char *text, size_t size)
{
	struct buf out = {0};
	if (e->is_dropped || e->has_text)
		return;
	struct source_text t = { .from = from, .is_cut = size > SOURCE_TEXT_MAX, .notice = e->notice };
	size_t n = t.is_cut ? SOURCE_TEXT_MAX : size;
	t.marks = make_safe(&out, text, n);
	if (out.len > SOURCE_TEXT_MAX) {
		size_t cut = SOURCE_TEXT_MAX;
		while (cut && ((unsigned char)out.data[cut] & 0xc0) == 0x80)
			cut--;
		buf_truncate(&out, cut);
		t.is_cut = 1;
	}
	t.text = buf_str(&out);
	t.size = out.len;
	git_hash(t.text, t.size, t.hash);
	e->has_text = 1;
	e->world.text(e->world.data, &t);
	buf_release(&out);
}

static int has_words(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n\f", text[i]))
			return 1;
	return 0;
}

static void pdf_came(void *data, const char *text, size_t n, const char *problem)
{
	struct errand *e = data;
	struct errand_world world = e->world;
	e->pdf = NULL;
	world.enter(world.data);
	drop_pdf(e);
	if (!text || problem)
		errand_fail(e, "%s: %s", e->pdf_from, problem ? problem : "it has no text");
	if (text && !has_words(text, n))
		errand_fail(e, "%s has no text in it: it may be pictures of pages", e->pdf_from);
	else if (text) {
		if (e->pdf_question && !problem)
			cache_write(e->world.cache, e->pdf_question, "text/plain", "", text, n, clock_wall());
		errand_text(e, e->pdf_from, text, n);
	}
	settle(e);
	world.leave(world.data);
}

/* pdftotext reads a file; what was downloaded becomes one for as long. */
static char *write_pdf(struct errand *e, const char *bytes, size_t size)
{
	static unsigned number;
	const char *folder = cache_folder(e->world.cache);
	char *path = xasprintf("%s/%ld-%u.pdf.part", folder ? folder : "/tmp", (long)getpid(), number++);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int failed = !f || fwrite(bytes, 1, size, f) != size;
	if ((f && fclose(f)) || failed) {
		errand_fail(e, "cannot write %s: %s", path, strerror(errno));
		unlink(path);
		free(path);
		return NULL;
	}
	return path;
}

static void read_pdf(struct errand *e, const char *path, const char *from)
{
	string_set(&e->pdf_from, from);
	e->pdf = pdf_text(e->world.loop, path, pdf_came, e);
	if (!e->pdf)
		errand_fail(e, "%s cannot be read: pdftotext does not start", from);
}

static int is_pdf(const char *type, const char *bytes, size_t n)
{
	return (n > 5 && !memcmp(bytes, "%PDF-", 5)) || strstr(type, "application/pdf");
}

static int is_text(const char *type, const char *bytes, size_t n)
{
	int says_so = !*type || !strncmp(type, "text/", 5) || strstr(type, "json") || strstr(type, "xml") || strstr(type, "markdown") || strstr(type, "octet-stream")
	              || strstr(type, "vnd.github");
	return says_so && !memchr(bytes, '\0', n < 65536 ? n : 65536);
}

static int is_html(const char *type, const char *bytes, size_t n)
{
	size_t at = 0;
	if (strstr(type, "html"))
		return 1;
	while (at < n && at < 200 && strchr(" \t\r\n\xef\xbb\xbf", bytes[at]))
		at++;
	return !*type && n - at > 14 && (!strncasecmp(bytes + at, "<!doctype html", 14) || !strncasecmp(bytes + at, "<html", 5));
}

static void read_next(struct errand *e);

static int read_html(struct errand *e, const struct web_answer *a)
{
	struct buf recoded = {0}, text = {0}, title = {0}, whole = {0};
	int is_other = html_recode(a->type, a->body, a->size, &recoded);
	html_text(is_other ? buf_str(&recoded) : a->body, is_other ? recoded.len : a->size, SOURCE_TEXT_MAX + 1, &text, &title);
	int is_good = has_words(buf_str(&text), text.len);
	if (title.len)
		buf_printf(&whole, "%s\n\n", title.data);
	buf_add(&whole, buf_str(&text), text.len);
	if (is_good)
		errand_text(e, a->url, whole.data, whole.len);
	else if (!e->urls[0])
		errand_fail(e, "%s shows no text: it may be made by a script, or be empty", a->url);
	buf_release(&recoded);
	buf_release(&text);
	buf_release(&title);
	buf_release(&whole);
	return is_good;
}

static int page_came(struct errand *e, const struct web_answer *a, unsigned number)
{
	int is_good = 1;
	(void)number;
	if (is_pdf(a->type, a->body, a->size)) {
		e->pdf_file = write_pdf(e, a->body, a->size);
		if (e->pdf_file)
			read_pdf(e, e->pdf_file, a->url);
	} else if (is_html(a->type, a->body, a->size))
		is_good = read_html(e, a);
	else if (is_text(a->type, a->body, a->size) && has_words(a->body, a->size))
		errand_text(e, a->url, a->body, a->size);
	else {
		is_good = 0;
		errand_fail(e, "%s is %s: HTML, PDF and plain text can be read", a->url, !a->size ? "empty" : *a->type ? a->type : "no text");
	}
	if (!is_good)
		read_next(e);
	return is_good;
}

static void page_missed(struct errand *e, const struct web_answer *a, unsigned number)
{
	(void)number;
	if (!e->urls[0] || (a->status != 404 && a->status != 410))
		errand_fail(e, "%s", a->problem);
	if (a->status)		/* where nobody answers, the next is not asked either */
		read_next(e);
}

static char *take_url(struct errand *e)
{
	char *url = e->urls[0];
	memmove(e->urls, e->urls + 1, sizeof e->urls - sizeof *e->urls);
	e->urls[URLS_MAX - 1] = NULL;
	return url;
}

static void read_next(struct errand *e)
{
	static const struct source_question page = { .accept = "text/html, application/pdf;q=0.9, text/*;q=0.8, */*;q=0.1", .fresh = 30 * SOURCE_DAY,
		.timeout = PAGE_TIMEOUT, .max_size = PAGE_MAX, .came = page_came, .missed = page_missed };
	struct cached kept;
	char *path = e->is_dropped || e->has_text ? NULL : take_url(e);
	if (!path)
		return;
	int is_own = *path == '/';
	char *url = is_own ? xasprintf("%s%s", e->source->service.base, path) : xstrdup(path);
	free(e->pdf_question);
	e->pdf_question = xasprintf("%s text", url);
	if (cache_read(e->world.cache, e->pdf_question, &kept) || clock_wall() - kept.when > 30 * SOURCE_DAY)
		ask(e, &page, is_own ? &e->source->service : NULL, url);
	else
		errand_text(e, url, buf_str(&kept.body), kept.body.len);
	cached_release(&kept);
	free(url);
	free(path);
}

void errand_read(struct errand *e, const char *const *urls, size_t count)
{
	for (size_t i = 0; i < URLS_MAX; i++)
		string_set(&e->urls[i], i < count ? urls[i] : NULL);
	read_next(e);
}

void errand_file(struct errand *e, const char *path)
{
	struct buf file = {0};
	char head[5] = "";
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		errand_fail(e, "cannot read %s: %s", path, fd < 0 ? strerror(errno) : "it is no plain file");
	else if (pread(fd, head, sizeof head, 0) == sizeof head && !memcmp(head, "%PDF-", 5))
		read_pdf(e, path, path);
	else if (buf_read_file(&file, path, FILE_MAX) < 0)
		errand_fail(e, "cannot read %s: %s", path, errno == EFBIG ? "it is larger than a text may be (20 MB)" : strerror(errno));
	else if (!is_text("", buf_str(&file), file.len) || !file.len)
		errand_fail(e, "%s is no text: PDF, Markdown and plain text can be read", path);
	else
		errand_text(e, path, file.data, file.len);
	buf_release(&file);
	if (fd >= 0)
		close(fd);
}

/* what research.c begins */

/* A source that only lists is searched here: an entry with every word somewhere in it. */
struct matching {
	struct errand *errand;
	const char *text, *type;
};

static int has_all_words(const struct finding *f, const char *text)
{
	const char *const places[] = { f->title, f->authors, f->note, f->key };
	for (const char *at = text + strspn(text, " \t\""); *at;) {
		size_t n = strcspn(at, " \t\"");
		char *word = xstrndup(at, n);
		int is_there = 0;
		for (size_t i = 0; i < sizeof places / sizeof *places; i++)
			is_there |= places[i] && strcasestr(places[i], word);
		free(word);
		if (!is_there)
			return 0;
		at += n + strspn(at + n, " \t\"");
	}
	return 1;
}

static void match(void *data, const struct finding *f)
{
	struct matching *m = data;
	struct finding one = *f;
	one.key = f->key ? f->key : f->url ? f->url : f->title;
	if ((!m->type || !strcmp(m->type, f->type)) && has_all_words(f, m->text))
		errand_found(m->errand, &one);
}

static void search_list(struct errand *e, const struct research_query *query)
{
	struct matching m = { e, query->text, query->type };
	struct err err = {0};
	if (e->source->ops->list(e->source->config, e->world.root, match, &m, &err) < 0)
		errand_fail(e, "%s", err.text);
}

void errand_search(struct errand *e, const struct research_query *query)
{
	e->limit = query->limit && query->limit < 100 ? query->limit : query->limit ? 100 : 20;
	string_set(&e->type, query->type);
	if (e->source->ops->search)
		e->source->ops->search(e, query);
	else
		search_list(e, query);
	settle(e);
}

int errand_identify(struct errand *e, const struct finding *what)
{
	e->limit = 1;
	if (what->title && (!what->key || strcmp(what->title, what->key)) && (!what->url || strcmp(what->title, what->url)))
		string_set(&e->claimed, what->title);
	int rc = e->source->ops->identify ? e->source->ops->identify(e, what) : -1;
	if (!rc)
		settle(e);
	return rc;
}

int errand_fetch(struct errand *e, const struct finding *what)
{
	int rc = e->source->ops->fetch ? e->source->ops->fetch(e, what) : -1;
	if (!rc)
		settle(e);
	return rc;
}
