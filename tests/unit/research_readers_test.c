/* Feeds and pages: what is read from whole ones, from broken ones and from tricks. Also replays tests/fuzz/corpus. */
#include "tests/test.h"

#include <dirent.h>

#include "core/base/buf.h"
#include "core/research/atom.h"
#include "core/research/html.h"
#include "tests/fuzz/readers.h"

#define FEED(inside) "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:arxiv=\"http://arxiv.org/schemas/atom\">" inside "</feed>"

static void test_feed(void **state)
{
	static const char text[] = FEED("<title>not an entry's</title><entry><id> http://arxiv.org/abs/2205.14135v2 </id><title>One\n  <b>bold</b> &amp; &lt;two&gt;</title>"
		"<title>a second one</title><author><name>A. B</name><arxiv:affiliation>X</arxiv:affiliation></author><author><name>C &#x44;</name></author>"
		"<source><title>of another</title><id>other</id></source><published>2022-05-27T17:53:09Z</published><summary><![CDATA[a < b]]></summary>"
		"<arxiv:primary_category term=\"cs.LG\"/><arxiv:comment>8 pages</arxiv:comment><arxiv:doi>10.1/x</arxiv:doi></entry><entry/>");
	struct atom_feed feed;
	struct err err = {0};
	(void)state;
	assert_ok(atom_parse(text, sizeof text - 1, &feed, &err), &err);
	assert_int_equal(feed.count, 2);
	const struct atom_entry *e = feed.entries;
	assert_string_equal(buf_str(&e->id), "http://arxiv.org/abs/2205.14135v2");
	assert_string_equal(buf_str(&e->title), "One bold & <two>");
	assert_string_equal(buf_str(&e->authors), "A. B, C D");
	assert_string_equal(buf_str(&e->summary), "a < b");
	assert_string_equal(buf_str(&e->category), "cs.LG");
	assert_string_equal(buf_str(&e->comment), "8 pages");
	assert_string_equal(buf_str(&e->doi), "10.1/x");
	assert_string_equal(buf_str(&e[1].title), "");
	atom_release(&feed);
}

static void test_no_feed(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "no element found" }, { "<html><body>", "it is no Atom feed" }, { FEED("<entry>") "x", "mismatched tag" }, { FEED("") "<more/>", "junk after" },
		{ "<!DOCTYPE feed [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]>" FEED("<title>&b;</title>"), "document type" },
		{ "<!DOCTYPE feed SYSTEM \"file:///etc/passwd\">" FEED(""), "document type" }, { FEED("<title>&unknown;</title>"), "undefined entity" },
		{ FEED("<a:b/>"), "unbound prefix" }, { FEED("\xff"), "not well-formed" }, { "{\"a\":1}", "not well-formed" }, { "<feed/>", "it is no Atom feed" },
	};
	struct atom_feed feed;
	struct err err = {0};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_error(atom_parse(cases[i].text, strlen(cases[i].text), &feed, &err), &err, cases[i].says);
	struct buf many = {0};
	buf_puts(&many, "<feed xmlns=\"http://www.w3.org/2005/Atom\">");
	for (int i = 0; i < 3000; i++)
		buf_puts(&many, "<entry/>");
	buf_puts(&many, "</feed>");
	assert_error(atom_parse(many.data, many.len, &feed, &err), &err, "more entries");
	buf_truncate(&many, 0);
	buf_puts(&many, "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>");
	for (int i = 0; i < 100000; i++)
		buf_puts(&many, "long ");
	buf_puts(&many, "</title></entry></feed>");
	assert_ok(atom_parse(many.data, many.len, &feed, &err), &err);
	assert_true(feed.entries[0].title.len <= ATOM_TEXT);
	atom_release(&feed);
	buf_release(&many);
}

static void test_page(void **state)
{
	static const struct { const char *html, *text; size_t hidden; } cases[] = {
		{ "a <b>b</b>\n\n c", "a b c\n", 0 }, { "<p>a<p>b", "a\n\nb\n", 0 }, { "a<br>b<br/>c", "a\nb\nc\n", 0 }, { "<ul><li>x<li>y</ul>z", "- x\n- y\n\nz\n", 0 },
		{ "a &lt; b &amp;&amp; c &#945; &#x3b1; &alpha; &nope; &", "a < b && c \xce\xb1 \xce\xb1 \xce\xb1 &nope; &\n", 0 },
		{ "1 < 2 <3 >", "1 < 2 <3 >\n", 0 }, { "<pre>a\n  b</pre>c", "a\n  b\n\nc\n", 0 }, { "<!-- x --- > <p>hidden --> shown", "shown\n", 0 },
		{ "<script>if (a<b) '</scripty>'</SCRIPT >x", "x\n", 0 }, { "<style>a{}</style><noscript>n</noscript>x", "x\n", 0 },
		{ "<script>never ends <p>x", "", 0 }, { "a<!-- never ends", "a\n", 0 }, { "a<p title=\"never ends", "a\n", 0 },
		{ "<div hidden>a<div>b</div>c</div>d", "d\n", 1 }, { "<span style=\"color:red;DISPLAY : none\">a</span>d", "d\n", 1 },
		{ "<span style='font-size:0px'>a</span><span style='font-size:0.9em'>b</span>", "b\n", 1 }, { "<i style=opacity:0>a</i><i style=opacity:0.5>b</i>", "b\n", 1 },
		{ "<p style=\"x-display:none\">a", "a\n", 0 }, { "<input hidden>a", "a\n", 0 }, { "<svg><title>t</title><text>x</text></svg>a", "a\n", 0 },
		{ "<math alttext=\"x &lt; y\"><mi>x</mi><math></math>z</math>a", "x < ya\n", 0 }, { "<img alt=\"a roofline\" src=x>", "[a roofline]\n", 0 },
		{ "<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a b\n1 2\n", 0 }, { "<nav>menu</nav><main>x</main><footer>f</footer>", "x\n", 0 },
		{ "<a href='>'>x</a>", "x\n", 0 }, { "<a\n>x</a\n>y", "xy\n", 0 }, { "&#0;&#x110000;&#99999999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n", 0 },
		{ "</p></div></div>x", "x\n", 0 }, { "<?php x ?>y<!doctype html>", "y\n", 0 }, { "", "", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = {0};
		size_t hidden = html_text(cases[i].html, strlen(cases[i].html), 1 << 20, &out, NULL);
		if (strcmp(buf_str(&out), cases[i].text) || hidden != cases[i].hidden)
			fail_msg("%s\ngives: %s\nnot:   %s (%zu hidden)", cases[i].html, buf_str(&out), cases[i].text, hidden);
		buf_release(&out);
	}
	struct buf out = {0}, title = {0};
	html_text("<title>A &amp;\n B</title><p>x<title>c", 37, 100, &out, &title);
	assert_string_equal(buf_str(&out), "x\n");
	assert_string_equal(title.data, "A & Bc");
	buf_release(&out);
	buf_release(&title);
}

static void test_large_pages(void **state)
{
	static const char *const units[] = { "<div hidden>", "<", "<p ", "&", "&amp", "<!--", "<a b='", "<script>", "<pre>\n", "<td>", "x ", "<svg><svg/>" };
	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct buf html = {0}, out = {0};
		while (html.len < 4 << 20)
			buf_puts(&html, units[i]);
		html_text(html.data, html.len, 1 << 20, &out, NULL);
		assert_true(out.len <= 1 << 20);
		buf_release(&html);
		buf_release(&out);
	}
}

static void test_other_encodings(void **state)
{
	struct buf out = {0};
	(void)state;
	assert_int_equal(html_recode("text/html; charset=ISO-8859-1", "caf\xe9 \x93x\x94", 8, &out), 1);
	assert_string_equal(out.data, "caf\xc3\xa9 \xe2\x80\x9cx\xe2\x80\x9d");
	buf_release(&out);
	assert_int_equal(html_recode("text/html; charset=ISO-8859-1", "caf\xc3\xa9", 5, &out), 0);	/* it says so, and is not */
	assert_int_equal(html_recode("text/html", "caf\xe9", 4, &out), 0);
}

static void replay(const char *dir, const char *(*property)(const uint8_t *bytes, size_t len))
{
	DIR *cases = opendir(dir);
	int count = 0;
	if (!cases)
		fail_msg("cannot open %s", dir);
	for (struct dirent *entry; (entry = readdir(cases));) {
		char path[512];
		struct buf input = {0};
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		assert_int_equal(buf_read_file(&input, path, 1 << 20), 0);
		const char *broken = property((const uint8_t *)buf_str(&input), input.len);
		if (broken)
			fail_msg("%s breaks: %s", path, broken);
		buf_release(&input);
		count++;
	}
	closedir(cases);
	assert_true(count >= 5);
}

static void test_corpus(void **state)
{
	(void)state;
	replay("tests/fuzz/corpus/atom", atom_property);
	replay("tests/fuzz/corpus/html", html_property);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_feed), cmocka_unit_test(test_no_feed), cmocka_unit_test(test_page), cmocka_unit_test(test_large_pages),
		cmocka_unit_test(test_other_encodings), cmocka_unit_test(test_corpus) };
	return cmocka_run_group_tests_name("research/readers", tests, NULL, NULL);
}
