/* What only looks reads the journal, whether an engine runs or not: it needs nobody's leave and sees what is on disk.
 * What commands asks the engine, the only one who states facts. */
#include "core/cli/access.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/link/client.h"

enum { ANSWER_SECONDS = 30 };

int access_open(const struct cli *cli, struct access *a, struct err *err)
{
	*a = (struct access){0};
	model_init(&a->model);
	if (target_find(cli->directory, &a->target, err) < 0)
		return -1;
	a->engine_runs = target_engine_runs(&a->target);
	return session_read(&a->target, NULL, &a->model, err);
}

void access_release(struct access *a)
{
	model_release(&a->model);
	target_release(&a->target);
}

struct proposal *access_proposal(const struct model *m, const char *id, struct err *err)
{
	struct proposal *p = model_proposal(m, id);
	if (p)
		return p;
	if (!m->proposal_count)
		err_set(err, "there is no proposal %s: nothing was proposed yet", id);
	else
		err_set(err, "there is no proposal %s: skydeck proposals lists them, %s to %s", id, m->proposals[0].id,
			m->proposals[m->proposal_count - 1].id);
	return NULL;
}

int no_engine(const struct target *t, struct err *err)
{
	return err_code(err, EXIT_NO_ENGINE, "no engine runs for %s: skydeck, skydeck run or skydeck serve starts one",
		t->root);
}

struct json *access_command(const struct cli *cli, const char *name, struct json *args, struct err *err)
{
	struct target t = {0};
	struct json *result = NULL;
	if (target_find(cli->directory, &t, err) < 0) {
		json_free(args);
	} else if (!target_engine_runs(&t)) {
		no_engine(&t, err);
		json_free(args);
	} else {
		struct buf socket = {0};
		void (*before)(int) = signal(SIGPIPE, SIG_IGN);
		target_socket(&t, &socket);
		result = client_call(buf_str(&socket), "command", name, args, ANSWER_SECONDS, err);
		signal(SIGPIPE, before);
		buf_release(&socket);
	}
	target_release(&t);
	return result;
}

const char *or_nothing(const char *s)
{
	return s ? s : "";
}

int print_json(struct json *document)
{
	struct buf out = {0};
	json_print(document, &out);
	buf_putc(&out, '\n');
	json_free(document);
	return print_text(&out);
}

int print_text(struct buf *text)
{
	fwrite(buf_str(text), 1, text->len, stdout);
	buf_release(text);
	return EXIT_DONE;
}

int print_answer(struct json *result, int as_json, const char *format, ...)
{
	if (as_json)
		return print_json(result);
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	json_free(result);
	return EXIT_DONE;
}

void print_safe(const char *bytes, size_t len)
{
	struct buf safe = {0};
	text_safe(&safe, bytes, len, TEXT_NEWLINES | TEXT_TABS | TEXT_STRIP_SGR);
	print_text(&safe);
}
