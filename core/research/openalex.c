/* OpenAlex. A search costs a tenth of a cent of the free budget of the day, a single work nothing. Abstracts come as an index of
 * words and are put back in order. A DOI's text is what the work says is open to everybody, else its abstract.
 * (docs.openalex.org: works; authentication by api_key since 2026-02) */
#include "core/research/openalex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/research/paper.h"
#include "core/research/parse.h"
#include "core/research/research.h"

enum { WORDS_MAX = 5000 };
#define SELECT "id,doi,display_name,publication_year,authorships,abstract_inverted_index,cited_by_count,best_oa_location"

static const char *author(const struct json *one)
{
	return json_string(json_get(json_get(one, "author"), "display_name"), NULL);
}

/* { "word": [0, 7], … } */
static void add_abstract(const struct json *index, struct buf *out)
{
	const char **words = xcalloc(WORDS_MAX, sizeof *words);
	for (const struct json *i = json_first(index); i; i = json_next(i))
		for (const struct json *k = json_first(i); k; k = json_next(k)) {
			int64_t at = json_integer(k, -1);
			if (at >= 0 && at < WORDS_MAX)
				words[at] = json_key(i);
		}
	for (size_t i = 0; i < WORDS_MAX && out->len < 32768; i++)
		if (words[i])
			buf_printf(out, "%s%.100s", out->len ? " " : "", words[i]);
	free(words);
}

static void name_of(const struct json *work, struct buf *key, struct buf *url)
{
	const char *own = json_string(json_get(work, "id"), "");
	const char *id = strrchr(own, '/') ? strrchr(own, '/') + 1 : own;
	if (!paper_name(NULL, json_string(json_get(work, "doi"), NULL), key, url))
		return;
	if (*id == 'W' && id[1] && strspn(id + 1, "0123456789") == strlen(id + 1) && strlen(id) < 20) {
		buf_printf(key, "openalex:%s", id);
		buf_printf(url, "https://openalex.org/%s", id);
	}
}

static void hand_on(struct errand *e, const struct json *work)
{
	struct paper p = { .year = json_integer(json_get(work, "publication_year"), 0) };
	name_of(work, &p.key, &p.url);
	paper_plain(json_string(json_get(work, "display_name"), json_string(json_get(work, "title"), "")), &p.title);
	paper_authors(json_get(work, "authorships"), author, &p.authors);
	add_abstract(json_get(work, "abstract_inverted_index"), &p.note);
	buf_printf(&p.note, "%scited %lld times", p.note.len ? "\n\n" : "", (long long)json_integer(json_get(work, "cited_by_count"), 0));
	paper_hand_on(e, &p);
}

static int searched(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	const struct json *results = json_get(v, "results");
	int is_good = json_is_array(results);
	(void)number;
	for (const struct json *i = json_first(results); i; i = json_next(i))
		hand_on(e, i);
	if (v && !is_good)
		errand_fail(e, "what OpenAlex answers has no results in it: its form may have changed");
	json_free(v);
	return is_good;
}

static void openalex_search(struct errand *e, const struct research_query *query)
{
	static const struct source_question search = { .accept = "application/json", .came = searched };
	struct buf text = {0};
	url_quote(&text, query->text);
	if (text.len)
		errand_ask(e, &search, "/works?search=%s&per_page=%zu&select=" SELECT, text.data, errand_limit(e));
	else
		errand_fail(e, "OpenAlex cannot be searched for nothing: say what the paper should be about");
	buf_release(&text);
}

/* A look-up, and a fetch that begins with one. */
struct wanted {
	struct paper_id id;
	struct buf text;	/* of a fetch: what there is when the paper itself is not open */
	char *from;
	int is_fetch;
};

static void wanted_free(void *state)
{
	struct wanted *w = state;
	buf_release(&w->text);
	free(w->from);
	free(w);
}

static int is_wanted(const struct json *work, const struct paper_id *wanted)
{
	char id[ARXIV_ID], doi[DOI_MAX];
	const char *has = json_string(json_get(work, "doi"), "");
	return *wanted->arxiv ? !parse_arxiv(has, id) && !strcmp(id, wanted->arxiv) : !parse_doi(has, doi) && !strcmp(doi, wanted->doi);
}

static void give_abstract(struct errand *e)
{
	struct wanted *w = errand_state(e);
	if (w->text.len)
		errand_text(e, w->from, w->text.data, w->text.len);
}

static void read_open_copy(struct errand *e, struct wanted *w, const struct json *work)
{
	const struct json *open = json_get(work, "best_oa_location");
	const char *urls[2] = { json_string(json_get(open, "pdf_url"), NULL), json_string(json_get(open, "landing_page_url"), NULL) };
	struct buf abstract = {0};
	add_abstract(json_get(work, "abstract_inverted_index"), &abstract);
	if (abstract.len) {
		paper_plain(json_string(json_get(work, "display_name"), ""), &w->text);
		buf_printf(&w->text, "\n\nAbstract (the paper itself could not be read)\n\n%s\n", abstract.data);
	}
	buf_release(&abstract);
	errand_keep(e, w, give_abstract, wanted_free);
	size_t first = urls[0] && !strncmp(urls[0], "https://", 8) ? 0 : 1;
	if (urls[first] && !strncmp(urls[first], "https://", 8))
		errand_read(e, urls + first, first || !urls[1] || strncmp(urls[1], "https://", 8) ? 1 : 2);
	else if (!w->text.len)
		errand_fail(e, "OpenAlex knows no open copy of that paper, and no abstract");
}

static int identified(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct wanted *w = errand_state(e);
	struct json *v = errand_json(e, a);
	int is_right = v && is_wanted(v, &w->id);
	(void)number;
	if (is_right && w->is_fetch)
		read_open_copy(e, w, v);
	else if (is_right) {
		errand_title(e, json_string(json_get(v, "display_name"), NULL));
		hand_on(e, v);
	} else if (v)
		errand_fail(e, "OpenAlex answers with another work than was asked for: look at the id");
	json_free(v);
	return is_right;
}

static int look_up(struct errand *e, const struct finding *what, int is_fetch)
{
	static const struct source_question work = { .accept = "application/json", .came = identified };
	struct wanted *w = xcalloc(1, sizeof *w);
	errand_keep(e, w, NULL, wanted_free);
	w->is_fetch = is_fetch;
	if (paper_id_of(what, &w->id) < 0 || (is_fetch && *w->id.arxiv))
		return -1;
	w->from = xasprintf("https://doi.org/%s%s", *w->id.arxiv ? "10.48550/arxiv." : "", *w->id.arxiv ? w->id.arxiv : w->id.doi);
	errand_ask(e, &work, "/works/doi:%s?select=" SELECT, w->from + strlen("https://doi.org/"));
	return 0;
}

static int openalex_identify(struct errand *e, const struct finding *what)
{
	return look_up(e, what, 0);
}

static int openalex_fetch(struct errand *e, const struct finding *what)
{
	return look_up(e, what, 1);
}

static const char *const types[] = { "paper", NULL };

const struct source_ops openalex_source = {
	.kind = "openalex", .list = source_list_nothing, .search = openalex_search, .identify = openalex_identify, .fetch = openalex_fetch, .types = types,
	.service = { .name = "OpenAlex", .base = "https://api.openalex.org", .key_query = "api_key", .refusal = 300 * SOURCE_SECOND },
	.interval = 10000, .is_asked_by_name = 1,
};
