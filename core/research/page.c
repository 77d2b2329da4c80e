/* Pages. A file in GitHub's view of a repository is asked for as it stands, and not as the program that shows it. */
#include "core/research/page.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/research/parse.h"

/* https://github.com/owner/name/blob/REF/PATH: the file itself; else NULL. */
static char *raw_file(const struct place *place)
{
	struct github_name name;
	const char *path = place->rest + (*place->rest == '/'), *blob = strstr(path, "/blob/");
	if (!place->is_secure || strcmp(place->host, "github.com") || !blob || parse_owner_name(path, (size_t)(blob - path), &name))
		return NULL;
	return xasprintf("https://raw.githubusercontent.com/%s/%s/%.*s", name.owner, name.name, (int)strcspn(blob + 6, "?#"), blob + 6);
}

static int page_fetch(struct errand *e, const struct finding *what)
{
	struct place place;
	if (!what->url && what->note) {
		errand_text(e, what->key ? what->key : "note", what->note, strlen(what->note));
		return 0;
	}
	if (what->url && *what->url == '/') {
		errand_file(e, what->url);
		return 0;
	}
	if (!what->url || place_parse(what->url, &place))
		return -1;
	char *raw = raw_file(&place);
	const char *urls[] = { raw ? raw : what->url };
	errand_read(e, urls, 1);
	free(raw);
	return 0;
}

const struct source_ops page_source = { .kind = "page", .fetch = page_fetch };
