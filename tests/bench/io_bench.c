/* Figures of core/io: journal, logs, messages. Prints lines `name value unit`; judges nothing. A folder may be given
 * (default /tmp): commits are as fast as its disk. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/journal.h"
#include "core/io/logs.h"
#include "core/io/rpc.h"

enum { EVENTS = 100000, BURST = 500, LOG_BYTES = 200 << 20, VIEWER_EVENTS = 200000 };

static const char body[] = "{\"seq\":123456,\"time\":\"2026-11-21T06:06:52.123456Z\",\"kind\":\"run_ended\",\"by\":\"engine\","
	"\"run\":\"r512\",\"status\":\"ok\",\"seconds\":0.412,\"metrics\":{\"tg_tps\":[181.2],\"pp_tps\":[912.7]},"
	"\"log\":{\"file\":\"logs/r512.log\",\"bytes\":18812,\"lines\":211}}";

static double seconds_since(int64_t start)
{
	return (double)(clock_monotonic() - start) / 1e6;
}

static int count_one(void *data, uint64_t seq, const char *text, size_t len)
{
	(void)seq, (void)text;
	*(size_t *)data += len;
	return 0;
}

static void bench_journal(const char *folder)
{
	struct err err = {0};
	char *path = xasprintf("%s/bench.db", folder);
	struct journal *j = journal_open(path, &err);
	if (!j) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	int64_t start = clock_monotonic();
	for (uint64_t seq = 1; seq <= EVENTS; seq++)
		if (journal_append(j, seq, start, "run_ended", body, &err) || (seq % BURST == 0 && journal_commit(j, &err))) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
	printf("journal_events %.0f events/s, a commit each %d\n", EVENTS / seconds_since(start), BURST);
	journal_close(j);
	start = clock_monotonic();
	size_t bytes = 0;
	j = journal_open_reader(path, &err);
	journal_each(j, 0, count_one, &bytes, &err);
	printf("journal_each %.3f s for %d events, %.0f MB\n", seconds_since(start), EVENTS, (double)bytes / 1e6);
	journal_close(j);
	unlink(path);
	free(path);
}

static void bench_log(const char *folder)
{
	char *path = xasprintf("%s/bench.log", folder), block[65536];
	struct log_writer *w = log_writer_open(path, NULL);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = i % 73 == 72 ? '\n' : (char)('a' + i % 26);
	int64_t start = clock_monotonic();
	for (size_t i = 0; i < LOG_BYTES; i += sizeof block)
		log_writer_add(w, block, sizeof block, NULL);
	printf("log_write %.0f MB/s\n", LOG_BYTES / 1e6 / seconds_since(start));
	struct log_reader *r = log_reader_open(path, NULL);
	start = clock_monotonic();
	uint64_t lines = log_reader_refresh(r);
	printf("log_ingest %.0f MB/s, %.1f million lines\n", LOG_BYTES / 1e6 / seconds_since(start), (double)lines / 1e6);
	struct buf line = {0};
	start = clock_monotonic();
	for (int screen = 0; screen < 1000; screen++)
		for (uint64_t i = 0; i < 50; i++, buf_truncate(&line, 0))
			log_reader_line(r, (uint64_t)screen * 7919 * 331 % (lines - 50) + i, &line);
	printf("log_screen %.1f us for 50 lines anywhere\n", seconds_since(start) * 1e3);
	buf_release(&line);
	log_reader_close(r);
	log_writer_close(w);
	unlink(path);
	free(path);
}

static void ignore_call(void *data, const char *method, const struct json *params, const struct json *id)
{
	(void)data, (void)method, (void)params, (void)id;
}

static void ignore_closed(void *data, const char *why)
{
	(void)data, (void)why;
}

static void bench_rpc(void)
{
	static const struct rpc_handler handler = { ignore_call, NULL, ignore_closed };
	int pair[2];
	char chunk[1 << 18];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(1);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	struct loop *loop = loop_new();
	struct rpc *rpc = rpc_new(loop, pair[0], pair[0], 4 << 20, &handler, NULL);
	int64_t start = clock_monotonic();
	for (int i = 0; i < VIEWER_EVENTS; i++) {
		rpc_notify_text(rpc, "event", body, sizeof body - 1);
		if (i % BURST)
			continue;
		while (rpc_waiting(rpc)) {
			rpc_flush(rpc);
			while (read(pair[1], chunk, sizeof chunk) > 0)
				;
		}
	}
	printf("rpc_events %.0f events/s to one viewer\n", VIEWER_EVENTS / seconds_since(start));
	rpc_free(rpc);
	loop_free(loop);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "/tmp";
	bench_journal(folder);
	bench_log(folder);
	bench_rpc();
	return 0;
}
