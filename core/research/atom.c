/* Atom through expat, which sees everything but a document type: the first declaration of one stops it, and with it every
 * entity that a document could bring. Elements are known by namespace and name, at their own depth only, so that a title in
 * a foreign element is nobody's. */
#include "core/research/atom.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "core/base/mem.h"

enum { AUTHORS_MAX = 40 };
#define ATOM "http://www.w3.org/2005/Atom "
#define ARXIV "http://arxiv.org/schemas/atom "

struct reader {
	XML_Parser parser;
	struct atom_feed *feed;
	struct atom_entry *entry;
	struct buf *text;		/* what characters go to, or NULL */
	unsigned depth, text_depth;
	int is_author, is_feed;
	const char *problem;
};

static void stop(struct reader *r, const char *problem)
{
	if (!r->problem)
		r->problem = problem;
	XML_StopParser(r->parser, XML_FALSE);
}

static const char *attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return "";
}

static struct buf *text_of(struct reader *r, const char *name)
{
	struct atom_entry *e = r->entry;
	const struct { const char *name; struct buf *text; } texts[] = {
		{ ATOM "id", &e->id }, { ATOM "title", &e->title }, { ATOM "summary", &e->summary }, { ATOM "published", &e->published },
		{ ARXIV "doi", &e->doi }, { ARXIV "comment", &e->comment },
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!strcmp(name, texts[i].name))
			return texts[i].text;
	return NULL;
}

static void begin_entry(struct reader *r)
{
	if (r->feed->count == ATOM_ENTRIES)
		stop(r, "it has more entries than were asked for");
	else
		r->entry = array_add(&r->feed->entries, &r->feed->count, &r->feed->room, sizeof *r->entry);
}

static void begin_part(struct reader *r, const char *name, const char **attributes)	/* of an entry */
{
	r->text = text_of(r, name);
	r->text_depth = r->depth;
	if (r->text && r->text->len)	/* a second one */
		r->text = NULL;
	if (!strcmp(name, ARXIV "primary_category") && !r->entry->category.len)
		buf_puts(&r->entry->category, attribute(attributes, "term"));
	r->is_author = !strcmp(name, ATOM "author");
}

static void begin_name(struct reader *r)
{
	struct atom_entry *e = r->entry;
	if (e->author_count++ >= AUTHORS_MAX)
		return;
	if (e->authors.len)
		buf_puts(&e->authors, ", ");
	r->text = &e->authors;
	r->text_depth = r->depth;
}

static void XMLCALL on_begin(void *data, const char *name, const char **attributes)
{
	struct reader *r = data;
	if (++r->depth > ATOM_DEPTH)
		stop(r, "it is nested too deeply");
	else if (r->depth == 1) {
		r->is_feed = !strcmp(name, ATOM "feed");
		if (!r->is_feed)
			stop(r, "it is no Atom feed");
	} else if (r->depth == 2 && !strcmp(name, ATOM "entry"))
		begin_entry(r);
	else if (r->depth == 3 && r->entry)
		begin_part(r, name, attributes);
	else if (r->depth == 4 && r->entry && r->is_author && !strcmp(name, ATOM "name"))
		begin_name(r);
}

static void XMLCALL on_end(void *data, const char *name)
{
	struct reader *r = data;
	(void)name;
	if (r->depth == r->text_depth)
		r->text = NULL;
	if (r->depth == 3)
		r->is_author = 0;
	if (r->depth == 2)
		r->entry = NULL;
	r->depth--;
}

static void XMLCALL on_text(void *data, const char *s, int n)
{
	struct reader *r = data;
	for (int i = 0; r->text && i < n && r->text->len < ATOM_TEXT; i++) {
		int is_space = isspace((unsigned char)s[i]);
		if (!is_space)
			buf_putc(r->text, s[i]);
		else if (r->text->len && r->text->data[r->text->len - 1] != ' ')
			buf_putc(r->text, ' ');
	}
}

static void XMLCALL on_doctype(void *data, const char *name, const char *system, const char *public, int has_more)
{
	(void)name, (void)system, (void)public, (void)has_more;
	stop(data, "it brings a document type, which no honest feed does");
}

static void XMLCALL on_entity(void *data, const char *name, int is_parameter, const char *value, int length, const char *base,
                              const char *system, const char *public, const char *notation)
{
	(void)name, (void)is_parameter, (void)value, (void)length, (void)base, (void)system, (void)public, (void)notation;
	stop(data, "it declares entities, which no honest feed does");
}

static void trim(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		buf_truncate(b, b->len - 1);
}

static void finish(struct atom_feed *feed)
{
	for (size_t i = 0; i < feed->count; i++) {
		struct atom_entry *e = &feed->entries[i];
		struct buf *all[] = { &e->id, &e->title, &e->summary, &e->published, &e->authors, &e->doi, &e->comment, &e->category };
		for (size_t k = 0; k < sizeof all / sizeof *all; k++)
			trim(all[k]);
	}
}

int atom_parse(const char *bytes, size_t n, struct atom_feed *out, struct err *err)
{
	*out = (struct atom_feed){0};
	struct reader r = { .feed = out, .parser = xcheck(XML_ParserCreateNS(NULL, ' ')) };
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_begin, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	XML_SetEntityDeclHandler(r.parser, on_entity);
	XML_SetParamEntityParsing(r.parser, XML_PARAM_ENTITY_PARSING_NEVER);
	int is_whole = n < 1 << 30 && XML_Parse(r.parser, bytes, (int)n, 1) == XML_STATUS_OK;
	if (!is_whole) {
		err_set(err, "what came is no feed: %s", r.problem ? r.problem : XML_ErrorString(XML_GetErrorCode(r.parser)));
		atom_release(out);
	} else
		finish(out);
	XML_ParserFree(r.parser);
	return is_whole ? 0 : -1;
}

void atom_release(struct atom_feed *feed)
{
	for (size_t i = 0; i < feed->count; i++) {
		struct atom_entry *e = &feed->entries[i];
		struct buf *all[] = { &e->id, &e->title, &e->summary, &e->published, &e->authors, &e->doi, &e->comment, &e->category };
		for (size_t k = 0; k < sizeof all / sizeof *all; k++)
			buf_release(all[k]);
	}
	free(feed->entries);
	*feed = (struct atom_feed){0};
}
