/* What words mean, and what they do not. */
#include "core/research/parse.h"

#include "tests/test.h"

#include "core/base/buf.h"
#include "core/research/research.h"

static void test_words(void **state)
{
	static const struct { const char *word, *type, *key, *url; } cases[] = {
		{ "2205.14135", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "arXiv:2205.14135v2", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "https://arxiv.org/pdf/2205.14135v2.pdf", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "http://arxiv.org/abs/2205.14135", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "https://export.arxiv.org/html/2205.14135/", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "10.48550/arXiv.2205.14135", "paper", "arXiv:2205.14135", "https://arxiv.org/abs/2205.14135" },
		{ "hep-th/9901001", "paper", "arXiv:hep-th/9901001", "https://arxiv.org/abs/hep-th/9901001" },
		{ "math.GT/0309136", "paper", "arXiv:math.GT/0309136", "https://arxiv.org/abs/math.GT/0309136" },
		{ "doi:10.1145/3600006.3613165", "paper", "doi:10.1145/3600006.3613165", "https://doi.org/10.1145/3600006.3613165" },
		{ "https://doi.org/10.1145/ABC", "paper", "doi:10.1145/abc", "https://doi.org/10.1145/abc" },
		{ "github:ggml-org/llama.cpp", "backend", "github:ggml-org/llama.cpp", "https://github.com/ggml-org/llama.cpp" },
		{ "https://github.com/ggml-org/llama.cpp.git", "backend", "github:ggml-org/llama.cpp", "https://github.com/ggml-org/llama.cpp" },
		{ "github.com/ggml-org/llama.cpp/tree/master/ggml", "backend", "github:ggml-org/llama.cpp", "https://github.com/ggml-org/llama.cpp" },
		{ "github:ggml-org/llama.cpp#19139", "issue", "github:ggml-org/llama.cpp#19139", "https://github.com/ggml-org/llama.cpp/issues/19139" },
		{ "https://github.com/ggml-org/llama.cpp/pull/19139/files", "pull-request", "github:ggml-org/llama.cpp#19139", "https://github.com/ggml-org/llama.cpp/pull/19139" },
		{ "https://github.com/a/b/issues/3#issuecomment-1", "issue", "github:a/b#3", "https://github.com/a/b/issues/3" },
		{ "https://github.com/a/b/blob/main/x.md", "documentation", "https://github.com/a/b/blob/main/x.md", "https://github.com/a/b/blob/main/x.md" },
		{ "https://justine.lol/matmul/", "documentation", "https://justine.lol/matmul/", "https://justine.lol/matmul/" },
		{ "https://gitlab.com/x/y.git", "backend", "https://gitlab.com/x/y.git", "https://gitlab.com/x/y.git" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct finding f;
		struct err err = {0};
		assert_ok(research_parse(cases[i].word, &f, &err), &err);
		if (strcmp(f.type, cases[i].type) || strcmp(f.key, cases[i].key) || strcmp(f.url, cases[i].url))
			fail_msg("%s: %s %s %s", cases[i].word, f.type, f.key, f.url);
		finding_release(&f);
	}
}

static void test_no_words(void **state)
{
	static const char *const words[] = { "", " ", "flash attention", "notes/x.md", "/etc/passwd", "../x", "file:///etc/passwd", "http://example.org/", "ftp://x/",
		"2213.00001", "2205.1413", "2205.141356", "2205.14135x", "arXiv:2205.14135/../x", "https://user@example.org/", "https://user:pass@good.org@evil.org/",
		"https://a b/", "https://a\\b/", "https://a%2eb/", "https://\xc3\xa4.org/", "https://x/\r\nHost: y", "javascript:alert(1)", "https://", "https://-x/",
		"https://x:0/", "https://x:99999/", "github:a", "github:../b", "github:a/..", "github:a/b#0", "github:a/b#99999999999", "github:a/b/c", "10.1/x", "doi:10.1145/",
		"doi:10.1145/a b", "--upload-pack=x", "https://[::1" };
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct finding f;
		struct err err = {0};
		if (!research_parse(words[i], &f, &err))
			fail_msg("%s is taken for %s", words[i], f.key);
		assert_true(err.text[0]);
	}
	struct finding f;
	struct err err = {0};
	char giant[5000];
	memset(giant, 'a', sizeof giant);
	memcpy(giant, "https://", 8);
	giant[sizeof giant - 1] = '\0';
	assert_int_equal(research_parse(giant, &f, &err), -1);
}

static void test_places(void **state)
{
	static const struct { const char *base, *location, *url; } cases[] = {
		{ "https://a.org/x/y?q", "z", "https://a.org/x/z" }, { "https://a.org/x/y", "/z", "https://a.org/z" }, { "https://a.org", "z", "https://a.org/z" },
		{ "https://a.org/x", "//b.org/z", "https://b.org/z" }, { "https://a.org/x?q=1", "?q=2", "https://a.org/x?q=2" }, { "https://a.org/x", "http://b.org/", "http://b.org/" },
		{ "https://a.org/x", "file:///etc", NULL }, { "https://a.org/x", "", NULL }, { "https://a.org/x", "//user@b.org/", NULL }, { "https://a.org/x", "y z", NULL },
		{ "https://a.org/x", "https://a.org\\@b.org/", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *url = place_join(cases[i].base, cases[i].location);
		if (!url != !cases[i].url || (url && strcmp(url, cases[i].url)))
			fail_msg("%s and %s: %s", cases[i].base, cases[i].location, url ? url : "nothing");
		free(url);
	}
	struct place p;
	assert_int_equal(place_parse("HTTP://LocalHost:8080?x", &p), 0);
	assert_true(!p.is_secure && p.port == 8080 && !strcmp(p.host, "localhost") && place_is_near(&p) && !strcmp(p.rest, "?x"));
	assert_int_equal(place_parse("https://127.0.0.1.evil.org/", &p), 0);
	assert_false(place_is_near(&p));
	assert_int_equal(place_parse("https://[::1]/", &p), 0);
	assert_true(place_is_near(&p));
	struct buf b = {0};
	url_quote(&b, "a b&c/\xc3\xa4~");
	assert_string_equal(b.data, "a%20b%26c%2F%C3%A4~");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_no_words), cmocka_unit_test(test_places) };
	return cmocka_run_group_tests_name("research/parse", tests, NULL, NULL);
}
