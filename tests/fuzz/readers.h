/* What must hold for any bytes that are read as a feed or a page: see properties.h. */
#ifndef TESTS_FUZZ_READERS_H
#define TESTS_FUZZ_READERS_H

#include "core/research/atom.h"
#include "core/research/html.h"
#include "tests/fuzz/properties.h"

static inline const char *atom_property(const uint8_t *bytes, size_t len)
{
	struct atom_feed feed;
	struct err err = {0};
	char *raw = xmalloc(len);	/* of its exact size, so that a read past its end is seen */
	memcpy(raw, bytes, len);
	int rc = atom_parse(raw, len, &feed, &err);
	free(raw);
	MUST(rc == 0 || (err.text[0] && !feed.count));
	MUST(feed.count <= ATOM_ENTRIES);
	for (size_t i = 0; i < feed.count; i++) {
		const struct atom_entry *e = &feed.entries[i];
		MUST(e->title.len <= ATOM_TEXT && e->summary.len <= ATOM_TEXT && e->id.len <= ATOM_TEXT);
		MUST(text_is_valid(buf_str(&e->title), e->title.len));	/* expat hands on UTF-8 and nothing else */
		MUST(!memchr(buf_str(&e->summary), '\n', e->summary.len));
	}
	atom_release(&feed);
	return NULL;
}

/* Bounded, and whatever follows it once it is safe is inert. */
static inline const char *html_property(const uint8_t *bytes, size_t len)
{
	struct buf out = {0}, title = {0}, recoded = {0}, safe = {0};
	char *raw = xmalloc(len);
	memcpy(raw, bytes, len);
	html_text(raw, len, 4096, &out, &title);
	MUST(out.len <= 4096 && title.len <= 600);
	if (html_recode("text/html; charset=latin1", raw, len, &recoded))
		MUST(text_is_valid(recoded.data, recoded.len));
	text_safe(&safe, buf_str(&out), out.len, TEXT_NEWLINES | TEXT_TABS);
	const char *broken = safe.len ? text_is_inert(&safe, TEXT_NEWLINES) : NULL;
	free(raw);
	buf_release(&out);
	buf_release(&title);
	buf_release(&recoded);
	buf_release(&safe);
	return broken;
}

#endif
