/* arXiv. One request in three seconds and one connection at a time, over all that one person runs; a request has one attempt
 * of ten seconds. A 403 means that continuing would be taken for an attack. What it says of a paper changes once a day at
 * most; texts come as HTML where there is some, else as PDF, from the host that is meant for programs.
 * (arXiv API user's manual; arXiv API terms of use) */
#include "core/research/arxiv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/research/atom.h"
#include "core/research/parse.h"
#include "core/research/research.h"

enum { TIMEOUT = 10000000, WORDS_MAX = 12 };

static void hand_on(struct errand *e, const struct atom_entry *entry, const char *id)
{
	struct buf key = {0}, url = {0}, note = {0};
	buf_printf(&key, "arXiv:%s", id);
	buf_printf(&url, "https://arxiv.org/abs/%s", id);
	buf_puts(&note, buf_str(&entry->summary));
	if (entry->category.len)
		buf_printf(&note, "\n\n%s", buf_str(&entry->category));
	if (entry->comment.len)
		buf_printf(&note, "%s%.500s", entry->category.len ? "; " : "\n\n", buf_str(&entry->comment));
	errand_title(e, buf_str(&entry->title));
	errand_found(e, &(struct finding){ .type = "paper", .title = buf_str(&entry->title), .key = key.data, .url = url.data,
		.authors = buf_str(&entry->authors), .note = buf_str(&note), .year = (unsigned)strtoul(buf_str(&entry->published), NULL, 10) });
	buf_release(&key);
	buf_release(&url);
	buf_release(&note);
}

/* Errors come as a feed with one entry of that name. */
static int is_error(const struct atom_feed *feed)
{
	return feed->count == 1 && (strstr(buf_str(&feed->entries[0].id), "/api/errors") || !strcmp(buf_str(&feed->entries[0].title), "Error"));
}

static int read_feed(struct errand *e, const struct web_answer *a, struct atom_feed *feed)
{
	struct err err = {0};
	if (atom_parse(a->body, a->size, feed, &err) < 0) {
		errand_fail(e, "arXiv: %s%s", err.text, strstr(a->type, "html") ? " (it is a page)" : "");
		return -1;
	}
	if (!is_error(feed))
		return 0;
	errand_fail(e, "arXiv does not take that: %.300s", buf_str(&feed->entries[0].summary));
	atom_release(feed);
	return -1;
}

static int searched(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct atom_feed feed;
	char id[ARXIV_ID];
	(void)number;
	if (read_feed(e, a, &feed) < 0)
		return 0;
	for (size_t i = 0; i < feed.count; i++)
		if (!parse_arxiv(buf_str(&feed.entries[i].id), id))
			hand_on(e, &feed.entries[i], id);
	atom_release(&feed);
	return 1;
}

/* "flash attention" and so on become all:flash AND all:attention; phrases in quotation marks stay whole; a query in arXiv's own
 * words (au:dao AND ti:flash) is left as it is. */
static void add_query(struct buf *url, const char *text)
{
	static const char *const fields[] = { "ti:", "au:", "abs:", "all:", "cat:", "co:", "jr:", "id:" };
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strstr(text, fields[i])) {
			url_quote(url, text);
			return;
		}
	for (int words = 0; *text && words < WORDS_MAX; words++) {
		text += strspn(text, " \t\r\n");
		int is_phrase = *text == '"';
		text += is_phrase;
		size_t n = strcspn(text, is_phrase ? "\"" : " \t\r\n\"");
		struct buf word = {0};
		for (size_t i = 0; i < n; i++)
			buf_putc(&word, strchr("()[]:\\", text[i]) ? ' ' : text[i]);
		if (n) {
			buf_puts(url, words ? "+AND+all:" : "all:");
			url_quote(url, is_phrase ? "\"" : "");
			url_quote(url, word.data);
			url_quote(url, is_phrase ? "\"" : "");
		}
		buf_release(&word);
		text += n + (is_phrase && text[n]);
	}
}

static void arxiv_search(struct errand *e, const struct research_query *query)
{
	static const struct source_question search = { .accept = "application/atom+xml", .timeout = TIMEOUT, .came = searched };
	struct buf words = {0};
	add_query(&words, query->text);
	if (words.len)
		errand_ask(e, &search, "/api/query?search_query=%s&start=0&max_results=%zu&sortBy=relevance&sortOrder=descending", words.data, errand_limit(e));
	else
		errand_fail(e, "arXiv cannot be searched for nothing: say what the paper should be about");
	buf_release(&words);
}

static int id_of(const struct finding *what, char id[ARXIV_ID])
{
	return what->key && !parse_arxiv(what->key, id) ? 0 : what->url && !parse_arxiv(what->url, id) ? 0 : -1;
}

struct wanted {
	char id[ARXIV_ID];
};

static int identified(struct errand *e, const struct web_answer *a, unsigned number)
{
	const struct wanted *w = errand_state(e);
	struct atom_feed feed;
	char id[ARXIV_ID];
	int is_right = 0;
	(void)number;
	if (read_feed(e, a, &feed) < 0)
		return 0;
	for (size_t i = 0; i < feed.count && !is_right; i++) {
		is_right = !parse_arxiv(buf_str(&feed.entries[i].id), id) && !strcmp(id, w->id) && feed.entries[i].title.len;
		if (is_right)
			hand_on(e, &feed.entries[i], id);
	}
	if (!is_right) {
		errand_fail(e, "arXiv knows no paper %s: look at the id", w->id);
		errand_deny(e);
	}
	atom_release(&feed);
	return is_right;
}

static int arxiv_identify(struct errand *e, const struct finding *what)
{
	static const struct source_question look_up = { .accept = "application/atom+xml", .timeout = TIMEOUT, .came = identified };
	struct wanted wanted;
	if (id_of(what, wanted.id) < 0)
		return -1;
	struct wanted *kept = xmalloc(sizeof *kept);
	*kept = wanted;
	errand_keep(e, kept, NULL, free);
	errand_ask(e, &look_up, "/api/query?id_list=%s&max_results=1", wanted.id);
	return 0;
}

static int arxiv_fetch(struct errand *e, const struct finding *what)
{
	char id[ARXIV_ID];
	if (id_of(what, id) < 0)
		return -1;
	struct buf html = {0}, pdf = {0};
	buf_printf(&html, "/html/%s", id);
	buf_printf(&pdf, "/pdf/%s", id);
	errand_read(e, (const char *const[]){ html.data, pdf.data }, 2);
	buf_release(&html);
	buf_release(&pdf);
	return 0;
}

static const char *const types[] = { "paper", NULL }, *const hosts[] = { "arxiv.org", "export.arxiv.org", "www.arxiv.org", NULL };
static const char *const headers[] = { "Connection: close", NULL };	/* kept ones of several engines would be several */

const struct source_ops arxiv_source = {
	.kind = "arxiv", .list = source_list_nothing, .search = arxiv_search, .identify = arxiv_identify, .fetch = arxiv_fetch, .types = types,
	.service = { .name = "arXiv", .base = "https://export.arxiv.org", .hosts = hosts, .headers = headers, .refusal = 600 * SOURCE_SECOND, .forbidden = SOURCE_HOUR },
	.interval = 3000000, .is_asked_by_name = 1,
};
