/* Semantic Scholar: one request a second with a key; without one the share is common to all, and a 429 is no surprise.
 * (Semantic Scholar Academic Graph API) */
#include "core/research/semanticscholar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/research/paper.h"
#include "core/research/parse.h"
#include "core/research/research.h"

enum { ID = 40 };
#define FIELDS "title,abstract,year,authors,externalIds,citationCount,venue"

static const char *author(const struct json *one)
{
	return json_string(json_get(one, "name"), NULL);
}

static int is_id(const char *id)
{
	return id && strlen(id) == ID && strspn(id, "0123456789abcdef") == ID;
}

static void name_of(const struct json *paper, struct buf *key, struct buf *url)
{
	const struct json *ids = json_get(paper, "externalIds");
	const char *own = json_string(json_get(paper, "paperId"), NULL);
	if (paper_name(json_string(json_get(ids, "ArXiv"), NULL), json_string(json_get(ids, "DOI"), NULL), key, url) && is_id(own)) {
		buf_printf(key, "s2:%s", own);
		buf_printf(url, "https://www.semanticscholar.org/paper/%s", own);
	}
}

static void hand_on(struct errand *e, const struct json *paper)
{
	struct paper p = { .year = json_integer(json_get(paper, "year"), 0) };
	const char *abstract = json_string(json_get(paper, "abstract"), NULL), *venue = json_string(json_get(paper, "venue"), "");
	name_of(paper, &p.key, &p.url);
	paper_plain(json_string(json_get(paper, "title"), ""), &p.title);
	paper_authors(json_get(paper, "authors"), author, &p.authors);
	if (abstract)
		paper_plain(abstract, &p.note);
	buf_printf(&p.note, "%scited %lld times%s%.200s", p.note.len ? "\n\n" : "", (long long)json_integer(json_get(paper, "citationCount"), 0), *venue ? ", " : "", venue);
	paper_hand_on(e, &p);
}

static int searched(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	const struct json *data = json_get(v, "data");
	int is_good = json_is_array(data) || (v && json_number(json_get(v, "total"), -1) == 0);
	(void)number;
	for (const struct json *i = json_first(data); i; i = json_next(i))
		hand_on(e, i);
	if (v && !is_good)
		errand_fail(e, "what Semantic Scholar answers has no results in it: its form may have changed");
	json_free(v);
	return is_good;
}

static void s2_search(struct errand *e, const struct research_query *query)
{
	static const struct source_question search = { .accept = "application/json", .came = searched };
	struct buf text = {0};
	url_quote(&text, query->text);
	if (text.len)
		errand_ask(e, &search, "/graph/v1/paper/search?query=%s&limit=%zu&fields=" FIELDS, text.data, errand_limit(e));
	else
		errand_fail(e, "Semantic Scholar cannot be searched for nothing: say what the paper should be about");
	buf_release(&text);
}

static int is_wanted(const struct json *paper, const struct paper_id *wanted)
{
	const struct json *ids = json_get(paper, "externalIds");
	char id[ARXIV_ID], doi[DOI_MAX];
	if (*wanted->arxiv)
		return !parse_arxiv(json_string(json_get(ids, "ArXiv"), ""), id) && !strcmp(id, wanted->arxiv);
	return !parse_doi(json_string(json_get(ids, "DOI"), ""), doi) && !strcmp(doi, wanted->doi);
}

static int identified(struct errand *e, const struct web_answer *a, unsigned number)
{
	struct json *v = errand_json(e, a);
	int is_right = is_wanted(v, errand_state(e));
	(void)number;
	if (is_right) {
		errand_title(e, json_string(json_get(v, "title"), NULL));
		hand_on(e, v);
	} else if (v)
		errand_fail(e, "Semantic Scholar answers with another paper than was asked for: look at the id");
	json_free(v);
	return is_right;
}

static int s2_identify(struct errand *e, const struct finding *what)
{
	static const struct source_question look_up = { .accept = "application/json", .came = identified };
	struct paper_id *wanted = xcalloc(1, sizeof *wanted);
	errand_keep(e, wanted, NULL, free);
	if (paper_id_of(what, wanted) < 0)
		return -1;
	errand_ask(e, &look_up, "/graph/v1/paper/%s:%s?fields=" FIELDS, *wanted->arxiv ? "ARXIV" : "DOI", *wanted->arxiv ? wanted->arxiv : wanted->doi);
	return 0;
}

static const char *const types[] = { "paper", NULL };

const struct source_ops semanticscholar_source = {
	.kind = "semanticscholar", .list = source_list_nothing, .search = s2_search, .identify = s2_identify, .types = types,
	.service = { .name = "Semantic Scholar", .base = "https://api.semanticscholar.org", .key_header = "x-api-key: ", .refusal = 300 * SOURCE_SECOND },
	.interval = 1000000,
};
