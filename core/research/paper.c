/* Papers have several names; here each gets one, so that a paper that two services find is one source. */
#include "core/research/paper.h"

#include <stdio.h>
#include <string.h>

#include "core/research/html.h"
#include "core/research/parse.h"

enum { AUTHORS_MAX = 40, PLAIN_MAX = 32 << 10 };

int paper_id_of(const struct finding *what, struct paper_id *out)
{
	const char *const words[] = { what->key, what->url };
	*out = (struct paper_id){ "", "" };
	for (size_t i = 0; i < 2; i++)
		if (words[i] && (!parse_arxiv(words[i], out->arxiv) || !parse_doi(words[i], out->doi)))
			return 0;
	return -1;
}

int paper_name(const char *arxiv, const char *doi, struct buf *key, struct buf *url)
{
	char id[ARXIV_ID], name[DOI_MAX];
	if ((arxiv && !parse_arxiv(arxiv, id)) || (doi && !parse_arxiv(doi, id))) {
		buf_printf(key, "arXiv:%s", id);
		buf_printf(url, "https://arxiv.org/abs/%s", id);
		return 0;
	}
	if (!doi || parse_doi(doi, name))
		return -1;
	buf_printf(key, "doi:%s", name);
	buf_printf(url, "https://doi.org/%s", name);
	return 0;
}

void paper_authors(const struct json *list, const char *(*name)(const struct json *one), struct buf *out)
{
	size_t n = 0;
	for (const struct json *i = json_first(list); i && n < AUTHORS_MAX; i = json_next(i)) {
		const char *author = name(i);
		if (author)
			buf_printf(out, "%s%.120s", n++ ? ", " : "", author);
	}
}

void paper_plain(const char *text, struct buf *out)
{
	size_t n = strlen(text);
	if (memchr(text, '<', n) || memchr(text, '&', n))
		html_text(text, n, PLAIN_MAX, out, NULL);
	else
		buf_add(out, text, n < PLAIN_MAX ? n : PLAIN_MAX);
	while (out->len && out->data[out->len - 1] == '\n')
		buf_truncate(out, out->len - 1);
}

void paper_hand_on(struct errand *e, struct paper *p)
{
	if (p->key.len && p->title.len)
		errand_found(e, &(struct finding){ .type = "paper", .title = p->title.data, .key = p->key.data, .url = p->url.data,
			.authors = buf_str(&p->authors), .note = p->note.data, .year = (unsigned)p->year });
	struct buf *all[] = { &p->key, &p->url, &p->authors, &p->title, &p->note };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_release(all[i]);
}
