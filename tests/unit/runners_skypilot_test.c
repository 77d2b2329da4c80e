/* Speaking to SkyPilot: a `sky` of this test's own in PATH, and a server on the test's own loop that answers with what the
 * real one answered (tests/sky-lab/fixtures), or with less, or not at all. */
#include "core/runners/skypilot.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { GIVE_UP = 60 * 1000000 };	/* microseconds, only so that a failure ends */
#define FIXTURES "tests/sky-lab/fixtures/"

#define UNTIL(f, cond) \
	for (int64_t until = clock_monotonic() + GIVE_UP; !(cond); loop_turn((f)->loop, 100000)) \
		assert_true(clock_monotonic() < until)

enum stream_end { WHOLE, CUT, STAYS };
struct stream {
	const char *text;
	enum stream_end end;
};

struct fixture {
	struct loop *loop;
	struct skypilot *s;
	char root[256];
	int port, listening;
	/* The server: */
	const char *health;		/* a recorded answer's name, or raw bytes */
	const char *get;		/* what GET /api/get gives for anything but logs and job_status: a name, or raw bytes */
	const char *post;		/* raw bytes instead of an id */
	const char *job_word;		/* of /job_status */
	int code;			/* of /logs */
	struct stream streams[8];
	int stream_count;
	struct buf requests;		/* heads and bodies, as they came */
	int connections[64], connection_count;
	/* What was told: */
	struct buf heard;
	enum skypilot_trouble trouble;
	long job;
	double usd_per_hour;
	size_t count;
	int done, forgets, closes;
	struct skypilot_call *call;
};

struct connection {
	struct fixture *f;
	struct buf got;
};

/* --- the server ------------------------------------------------------------------------------------------------------ */

static void put(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static void put_recorded(int fd, const char *what)
{
	struct buf b = {0};
	char *path = xasprintf(FIXTURES "rest/%s.http", what);
	if (strchr(what, '/'))
		buf_puts(&b, what);	/* HTTP/1.1 … */
	else
		assert_int_equal(buf_read_file(&b, path, 1 << 20), 0);
	put(fd, b.data, b.len);
	buf_release(&b);
	free(path);
}

static void put_reply(int fd, const char *value)
{
	struct buf body = {0}, head = {0};
	buf_printf(&body, "{\"status\":\"SUCCEEDED\",\"return_value\":\"%s\"}", value);
	buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", body.len, body.data);
	put(fd, head.data, head.len);
	buf_release(&body);
	buf_release(&head);
}

static int put_stream(struct fixture *f, int fd)
{
	const struct stream *stream = &f->streams[f->stream_count++];
	struct buf b = {0};
	const char *text = stream->text ? stream->text : "";
	buf_puts(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain; charset=utf-8\r\nx-skypilot-request-id: logs\r\n\r\n");
	if (*text)
		buf_printf(&b, "%zx\r\n%s\r\n", strlen(text), text);
	if (stream->end == WHOLE)
		buf_puts(&b, "0\r\n\r\n");
	put(fd, b.data, b.len);
	buf_release(&b);
	return stream->end == STAYS;
}

/* Whether the connection stays open. */
static int serve(struct fixture *f, int fd, const char *request)
{
	char path[128];
	if (sscanf(request, "GET %127s", path) == 1) {
		if (!strcmp(path, "/api/health"))
			put_recorded(fd, f->health);
		else if (strstr(path, "request_id=logs"))
			put_reply(fd, f->code == 0 ? "0" : f->code == 100 ? "100" : "101");
		else if (strstr(path, "request_id=job_status") && f->job_word) {
			char *value = xasprintf("{\\\"3\\\":\\\"%s\\\"}", f->job_word);
			put_reply(fd, value);
			free(value);
		} else {
			put_recorded(fd, f->get);
		}
		return 0;
	}
	assert_int_equal(sscanf(request, "POST /%126s", path), 1);
	if (!strcmp(path, "logs"))
		return put_stream(f, fd);
	if (f->post) {
		put_recorded(fd, f->post);
		return 0;
	}
	char *answer = xasprintf("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-skypilot-request-id: %s\r\n\r\nnull", path);
	put(fd, answer, strlen(answer));
	free(answer);
	return 0;
}

static void connection_ready(void *data, int fd, unsigned events)
{
	struct connection *c = data;
	char chunk[4096];
	ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
	(void)events;
	if (n > 0)
		buf_add(&c->got, chunk, (size_t)n);
	const char *end = c->got.len ? strstr(c->got.data, "\r\n\r\n") : NULL, *length = end ? strcasestr(c->got.data, "content-length:") : NULL;
	int is_whole = end && c->got.len >= (size_t)(end + 4 - c->got.data) + (length && length < end ? (size_t)atol(length + 15) : 0);
	if (n > 0 && !is_whole)
		return;
	if (is_whole) {
		buf_printf(&c->f->requests, "%s\n", c->got.data);
		if (serve(c->f, fd, c->got.data)) {
			buf_truncate(&c->got, 0);
			return;
		}
	}
	loop_unwatch(c->f->loop, fd);
	close(fd);
	for (int i = 0; i < c->f->connection_count; i++)
		if (c->f->connections[i] == fd)
			c->f->connections[i] = -1;
	buf_release(&c->got);
	free(c);
}

static void accept_one(void *data, int fd, unsigned events)
{
	struct fixture *f = data;
	int peer = accept(fd, NULL, NULL);
	(void)events;
	if (peer < 0)
		return;
	struct connection *c = xcalloc(1, sizeof *c);
	c->f = f;
	f->connections[f->connection_count++ % 64] = peer;
	loop_watch(f->loop, peer, LOOP_READ, connection_ready, c);
}

static void listen_here(struct fixture *f)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof address;
	f->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listening, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(f->listening, 16), 0);
	assert_int_equal(getsockname(f->listening, (struct sockaddr *)&address, &n), 0);
	f->port = ntohs(address.sin_port);
	loop_watch(f->loop, f->listening, LOOP_READ, accept_one, f);
}

static void stop_listening(struct fixture *f)
{
	loop_unwatch(f->loop, f->listening);
	close(f->listening);
	f->listening = -1;
}

/* --- the sky command ------------------------------------------------------------------------------------------------- */

/* It notes its arguments and what stands on its stdin, prints, and exits. */
static void sky_prints(struct fixture *f, const char *text, int code)
{
	char *path = xasprintf("%s/bin/sky", f->root), *out = xasprintf("%s/out", f->root);
	FILE *file = fopen(path, "w");
	fprintf(file, "#!/bin/sh\necho \"$*|$SKYPILOT_DISABLE_USAGE_COLLECTION|$NO_COLOR$KEY_OF_A_MODEL$KEY_OF_A_CLOUD|$(cat)\" >>'%s/calls'\ncat '%s'\nexit %d\n", f->root, out, code);
	fclose(file);
	chmod(path, 0755);
	file = fopen(out, "w");
	fputs(text, file);
	fclose(file);
	free(path);
	free(out);
}

static void sky_replays(struct fixture *f, const char *name, int code)
{
	struct buf b = {0};
	char *out = xasprintf(FIXTURES "cli/%s.stdout", name), *err = xasprintf(FIXTURES "cli/%s.stderr", name);
	assert_int_equal(buf_read_file(&b, out, 1 << 20), 0);
	buf_read_file(&b, err, 1 << 20);
	sky_prints(f, buf_str(&b), code);
	buf_release(&b);
	free(out);
	free(err);
}

static char *sky_calls(struct fixture *f)
{
	struct buf b = {0};
	char *path = xasprintf("%s/calls", f->root);
	buf_read_file(&b, path, 1 << 20);
	unlink(path);
	free(path);
	buf_putc(&b, '\0');
	return buf_take(&b);
}

#define assert_calls(f, expected) \
	do { \
		char *calls_ = sky_calls(f); \
		assert_string_equal(calls_, expected); \
		free(calls_); \
	} while (0)

/* --- what they are told ---------------------------------------------------------------------------------------------- */

static void note(struct fixture *f, const struct skypilot_answer *answer)
{
	f->trouble = answer->trouble;
	f->job = answer->job;
	f->usd_per_hour = answer->usd_per_hour;
	if (answer->problem)
		buf_printf(&f->heard, "%s\n", answer->problem);
	assert_true((answer->trouble != SKYPILOT_NONE) == (answer->problem != NULL));
	f->done++;
	if (f->forgets)
		skypilot_forget(f->call);
	if (f->closes) {
		skypilot_close(f->s);
		f->s = NULL;
	}
}

static void done(void *data, const struct skypilot_answer *answer)
{
	note(data, answer);
}

static void took_vms(void *data, const struct vm_facts *vms, size_t n, const struct skypilot_answer *answer)
{
	struct fixture *f = data;
	f->count = n;
	for (size_t i = 0; i < n; i++)
		buf_printf(&f->heard, "%s %s\n", vms[i].cluster, vms[i].word);
	note(f, answer);
}

static void took_jobs(void *data, const struct job_facts *jobs, size_t n, const struct skypilot_answer *answer)
{
	struct fixture *f = data;
	f->count = n;
	for (size_t i = 0; i < n; i++)
		buf_printf(&f->heard, "%ld %s\n", jobs[i].id, jobs[i].word);
	note(f, answer);
}

static void took_costs(void *data, const struct vm_cost *costs, size_t n, const struct skypilot_answer *answer)
{
	struct fixture *f = data;
	f->count = n;
	note(f, answer);
	f->usd_per_hour = n ? costs[0].usd_per_hour : NAN;
}

static void took_output(void *data, const char *bytes, size_t n)
{
	struct fixture *f = data;
	buf_add(&f->heard, bytes, n);
}

static void took_line(void *data, enum log_part part, const char *line, size_t n)
{
	struct fixture *f = data;
	if (part != LOG_SKYPILOT) {
		buf_printf(&f->heard, "%c ", "TSK"[part]);
		buf_add(&f->heard, line, n);
	}
	if (f->forgets && part == LOG_TASK) {
		skypilot_forget(f->call);
		f->done++;
	}
	if (f->closes && part == LOG_TASK) {
		skypilot_close(f->s);
		f->s = NULL;
		f->done++;
	}
}

static void took_trouble(void *data, const char *problem)
{
	buf_puts(&((struct fixture *)data)->heard, problem ? "trouble\n" : "well\n");
}

static void took_end(void *data, enum job_status status, const char *word)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "ended %d %s\n", status, word);
	f->done++;
}

static const struct skypilot_listener listener = { took_line, took_trouble, took_end };

static int setup(void **state)
{
	static int number;
	static char *old_path;
	char name[64];
	struct err err;
	struct fixture *f = xcalloc(1, sizeof *f);
	if (!old_path)
		old_path = xstrdup(getenv("PATH"));
	snprintf(name, sizeof name, "skypilot-%ld-%d", (long)getpid(), ++number);
	test_path(f->root, sizeof f->root, name);
	char *bin = xasprintf("%s/bin", f->root), *path = xasprintf("%s:%s", bin, old_path);
	mkdir(f->root, 0755);
	mkdir(bin, 0755);
	setenv("PATH", path, 1);
	setenv("HOME", f->root, 1);
	f->loop = loop_new();
	f->health = "health";
	listen_here(f);
	char *endpoint = xasprintf("http://127.0.0.1:%d/", f->port);
	setenv("SKYPILOT_API_SERVER_ENDPOINT", endpoint, 1);
	sky_prints(f, "", 1);
	f->s = skypilot_open(f->loop, &err);
	assert_non_null(f->s);
	*state = f;
	free(bin);
	free(path);
	free(endpoint);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	skypilot_close(f->s);
	for (int i = 0; i < 50; i++)	/* connections see their end */
		loop_turn(f->loop, 1000);
	if (f->listening >= 0)
		stop_listening(f);
	loop_free(f->loop);
	buf_release(&f->heard);
	buf_release(&f->requests);
	free(f);
	return 0;
}

/* --- actions --------------------------------------------------------------------------------------------------------- */

static void launches(void **state)
{
	struct fixture *f = *state;
	static const char *const env[] = { "A=1 2", "B=", NULL };
	struct skypilot_extras extras = { .env = env, .workdir = "/w d", .autostop = 10 };
	sky_replays(f, "launch", 0);
	skypilot_launch(f->s, "w1", "t.yaml", &extras, took_output, done, f);
	assert_int_equal(f->done, 0);
	UNTIL(f, f->done);
	assert_int_equal(f->trouble, SKYPILOT_NONE);
	assert_int_equal(f->job, 1);
	assert_non_null(strstr(f->heard.data, "Cluster launched"));
	assert_calls(f, "launch -y -d -c w1 --env A=1 2 --env B= --workdir /w d -i 10 --down t.yaml|1|1|\n");
}

static void sky_is_not_given_the_keys_of_models(void **state)
{
	struct fixture *f = *state;
	struct config config;
	struct err err;
	config_init(&config);
	assert_ok(config_set(&config, "agent.a.keyenv", "KEY_OF_A_MODEL", &err), &err);
	setenv("KEY_OF_A_MODEL", "secret", 1);
	setenv("KEY_OF_A_CLOUD", "=cloud", 1);
	skypilot_close(f->s);
	f->s = skypilot_open(f->loop, &err);
	unsetenv("KEY_OF_A_MODEL");
	unsetenv("KEY_OF_A_CLOUD");
	skypilot_withhold_keys(f->s, &config);
	config_release(&config);
	sky_replays(f, "launch", 0);
	skypilot_launch(f->s, "w1", "t.yaml", NULL, took_output, done, f);
	UNTIL(f, f->done);
	assert_calls(f, "launch -y -d -c w1 t.yaml|1|1=cloud|\n");
}

static void executes_and_prices(void **state)
{
	struct fixture *f = *state;
	sky_replays(f, "exec-detach", 0);
	skypilot_exec(f->s, "w1", "t.yaml", NULL, NULL, done, f);
	UNTIL(f, f->done);
	assert_int_equal(f->job, 8);
	assert_calls(f, "exec -d w1 t.yaml|1|1|\n");
	sky_replays(f, "launch-dryrun", 0);
	skypilot_price(f->s, "w1", "t.yaml", done, f);
	UNTIL(f, f->done == 2);
	assert_true(f->usd_per_hour == 0.1);
	assert_calls(f, "launch -y --dryrun -c w1 t.yaml|1|1|\n");
	sky_prints(f, "Submitting job\n", 0);	/* an exit code of 0, and no job */
	skypilot_exec(f->s, "w1", "t.yaml", NULL, NULL, done, f);
	UNTIL(f, f->done == 3);
	assert_int_equal(f->trouble, SKYPILOT_OTHER);
}

static void ends_things(void **state)
{
	struct fixture *f = *state;
	sky_replays(f, "cancel-again", 0);
	skypilot_cancel(f->s, "w1", 8, done, f);
	UNTIL(f, f->done == 1);
	assert_int_equal(f->trouble, SKYPILOT_NONE);
	assert_calls(f, "cancel -y w1 8|1|1|\n");
	sky_replays(f, "down-missing-cluster", 0);
	skypilot_down(f->s, "w1", done, f);
	UNTIL(f, f->done == 2);
	assert_int_equal(f->trouble, SKYPILOT_NONE);
	assert_calls(f, "down -y w1|1|1|\n");
	sky_replays(f, "autostop-unsupported", 0);
	skypilot_autodown(f->s, "w1", 5, done, f);
	UNTIL(f, f->done == 3);
	assert_int_equal(f->trouble, SKYPILOT_UNSUPPORTED);
	assert_calls(f, "autostop -y -i 5 --down w1|1|1|\n");
}

static void tells_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	sky_replays(f, "yaml-syntax-error", 1);
	skypilot_launch(f->s, "w1", "bad-syntax.yaml", NULL, NULL, done, f);
	UNTIL(f, f->done == 1);
	assert_int_equal(f->trouble, SKYPILOT_BAD_TASK);
	assert_non_null(strstr(f->heard.data, "sky launch w1: YAML Error: "));
	char *path = xasprintf("%s/bin/sky", f->root);
	unlink(path);
	chmod(path, 0);
	free(path);
	setenv("PATH", f->root, 1);
	skypilot_down(f->s, "w1", done, f);
	assert_int_equal(f->done, 1);
	UNTIL(f, f->done == 2);
	assert_int_equal(f->trouble, SKYPILOT_NOT_INSTALLED);
	struct err err;
	assert_null(skypilot_open(f->loop, &err));
	assert_non_null(strstr(err.text, "no `sky` in PATH"));
}

/* --- polls ----------------------------------------------------------------------------------------------------------- */

static void polls_by_rest(void **state)
{
	struct fixture *f = *state;
	f->get = "status-get";
	skypilot_status(f->s, 0, took_vms, f);
	UNTIL(f, f->done == 1);
	assert_int_equal(f->trouble, SKYPILOT_NONE);
	assert_non_null(strstr(f->heard.data, "vm-01 UP\n"));
	assert_non_null(strstr(f->requests.data, "\"refresh\":\"NONE\""));
	assert_non_null(strstr(f->requests.data, "\"include_credentials\":false"));
	assert_non_null(strstr(f->requests.data, "X-SkyPilot-API-Version: 62\r\nX-SkyPilot-Version: 0.14.1\r\n"));
	f->get = "queue-get";
	skypilot_queue(f->s, "vm-01", took_jobs, f);
	UNTIL(f, f->done == 2);
	assert_non_null(strstr(f->heard.data, "10 CANCELLED\n"));
	f->get = "cost-report-get";
	skypilot_cost_report(f->s, took_costs, f);
	UNTIL(f, f->done == 3);
	assert_true(fabs(f->usd_per_hour - 0.1) < 1e-9);
	f->get = "queue-missing-get";
	skypilot_queue(f->s, "nope", took_jobs, f);
	UNTIL(f, f->done == 4);
	assert_int_equal(f->trouble, SKYPILOT_GONE);
	assert_non_null(strstr(f->heard.data, "the queue of nope: Cluster 'nope' does not exist.\n"));
	char *how = xasprintf("REST of 0.14.1 at http://127.0.0.1:%d", f->port), *once = strstr(f->requests.data, "/api/health");
	assert_string_equal(skypilot_how(f->s), how);
	assert_null(strstr(once + 1, "/api/health"));
	free(how);
	assert_calls(f, "");
}

static void poll_by_command(struct fixture *f, const char *why)
{
	int before = f->done;
	sky_replays(f, "status-one-of-two", 0);
	skypilot_status(f->s, 1, took_vms, f);
	UNTIL(f, f->done > before);
	assert_int_equal(f->trouble, SKYPILOT_NONE);
	assert_int_equal(f->count, 1);
	if (!strstr(skypilot_how(f->s), why))
		fail_msg("%s, not: %s", skypilot_how(f->s), why);
	assert_calls(f, "status -o json --refresh|1|1|\n");
}

static void polls_by_command_when_there_is_no_server(void **state)
{
	struct fixture *f = *state;
	stop_listening(f);
	poll_by_command(f, "the sky command: ");
	sky_replays(f, "queue-missing", 0);
	skypilot_queue(f->s, "nope", took_jobs, f);
	UNTIL(f, f->done == 2);
	assert_int_equal(f->trouble, SKYPILOT_GONE);
	sky_replays(f, "queue-two", 0);
	skypilot_queue(f->s, "vm-02", took_jobs, f);
	UNTIL(f, f->done == 3);
	assert_int_equal(f->count, 1);
	sky_replays(f, "cost-report", 0);
	skypilot_cost_report(f->s, took_costs, f);
	UNTIL(f, f->done == 4);
	assert_int_equal(f->count, 2);
	sky_replays(f, "server-down-other-endpoint", 1);
	skypilot_status(f->s, 0, took_vms, f);
	UNTIL(f, f->done == 5);
	assert_int_equal(f->trouble, SKYPILOT_NO_SERVER);
	sky_prints(f, "", 0);
	skypilot_status(f->s, 0, took_vms, f);
	UNTIL(f, f->done == 6);
	assert_int_equal(f->trouble, SKYPILOT_OTHER);
}

static void polls_by_command_when_the_server_is_strange(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *health, *post, *get, *why; } cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"api_version\":12}", NULL, NULL, "too old" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", NULL, NULL, "not JSON" },
		{ "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", NULL, NULL, "login" },
		{ "health", "no-such-path", NULL, "answers 404 to /status" },
		{ "health", "bad-type", NULL, "answers 422 to /status" },
		{ "health", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"SUCCEEDED", "answers 200 to /status" },
		{ "health", NULL, "HTTP/1.1 500 Oh\r\nContent-Length: 14\r\n\r\nTraceback (mos", "answers 500 to /status" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		skypilot_close(f->s);
		f->s = skypilot_open(f->loop, &err);
		f->health = cases[i].health;
		f->post = cases[i].post;
		f->get = cases[i].get;
		poll_by_command(f, cases[i].why);
	}
	/* Half an answer: the server has gone. */
	struct err err;
	skypilot_close(f->s);
	f->s = skypilot_open(f->loop, &err);
	f->get = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"status\":\"SUCC";
	f->post = NULL;
	poll_by_command(f, "has not answered yet");
}

static void may_be_forgotten(void **state)
{
	struct fixture *f = *state;
	sky_replays(f, "launch", 0);
	f->get = "status-get";
	skypilot_forget(skypilot_launch(f->s, "w1", "t", NULL, took_output, done, f));
	skypilot_forget(skypilot_status(f->s, 0, took_vms, f));
	struct skypilot_call *call = skypilot_status(f->s, 0, took_vms, f);
	loop_turn(f->loop, 100000);
	skypilot_forget(call);
	for (int i = 0; i < 20; i++)
		loop_turn(f->loop, 10000);
	assert_int_equal(f->done, 0);
	f->forgets = 1;		/* itself, while it is told */
	f->call = skypilot_status(f->s, 0, took_vms, f);
	UNTIL(f, f->done == 1);
	f->call = skypilot_launch(f->s, "w1", "t", NULL, NULL, done, f);
	UNTIL(f, f->done == 2);
	f->forgets = 0;
	f->closes = 1;		/* and everything */
	skypilot_launch(f->s, "w2", "t", NULL, NULL, done, f);
	skypilot_status(f->s, 0, took_vms, f);
	UNTIL(f, f->done == 3);
}

/* --- logs ------------------------------------------------------------------------------------------------------------ */

#define WAITING "\033[2m├── \033[0m\033[2mWaiting for task resources on 1 node.\033[0m\n"
#define TASK "\033[36m(t, pid=7)\033[0m "
#define FINISHED(word) "\033[0m\033[32m✓ Job finished (status: " word ").\033[0m\033[0m\n"

static void follow(struct fixture *f, const char *expected)
{
	f->call = skypilot_follow(f->s, "w1", 3, &listener, f);
	UNTIL(f, f->done);
	assert_string_equal(buf_str(&f->heard), expected);
}

static void follows_to_the_end(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ WAITING "\033[36m(setup pid=1)\033[0m s\n" TASK "a\n" TASK "b\n" FINISHED("FAILED"), WHOLE };
	f->code = 100;
	follow(f, "S s\nT a\nT b\nended 5 FAILED\n");
	assert_non_null(strstr(f->requests.data, "{\"cluster_name\":\"w1\",\"job_id\":3,\"follow\":true,\"tail\":0}"));
	assert_null(strstr(f->requests.data, "/job_status"));
}

static void believes_the_status_not_the_stream(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ WAITING TASK "a\n" FINISHED("SUCCEEDED"), WHOLE };	/* it says so, and its exit code does not */
	f->streams[1] = (struct stream){ WAITING TASK "a\n" TASK "b\n", WHOLE };
	f->code = 101;
	f->job_word = "RUNNING";
	f->call = skypilot_follow(f->s, "w1", 3, &listener, f);
	UNTIL(f, f->stream_count == 2);
	f->job_word = "SUCCEEDED";	/* it ended after the stream: the log is read once more */
	f->streams[2] = (struct stream){ WAITING TASK "a\n" TASK "b\n" TASK "c\n" FINISHED("SUCCEEDED"), WHOLE };
	UNTIL(f, f->done);
	assert_string_equal(f->heard.data, "T a\nT b\nT c\nended 4 SUCCEEDED\n");
	assert_int_equal(f->stream_count, 3);
}

static void goes_on_after_cuts(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ WAITING TASK "a\n" TASK "b\n" TASK "half a li", CUT };
	f->streams[1] = (struct stream){ WAITING TASK "a\n", CUT };
	f->streams[2] = (struct stream){ WAITING TASK "a\n" TASK "b\n" TASK "half a line\n" TASK "c\n" FINISHED("SUCCEEDED"), WHOLE };
	follow(f, "T a\nT b\ntrouble\nwell\ntrouble\nwell\nT half a line\nT c\nended 4 SUCCEEDED\n");
}

static void knows_when_it_is_gone(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ "", WHOLE };	/* so it answers for a cluster that is not there */
	f->get = "queue-missing-get";
	follow(f, "ended 0 GONE\n");
}

static void knows_when_the_job_is_not_there(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ "Job 99 not found (see `sky queue`).\n", WHOLE };
	f->get = "job-status-get";	/* of jobs 1 and 5 */
	follow(f, "ended 0 NOT_FOUND\n");
}

static void follows_by_command(void **state)
{
	struct fixture *f = *state;
	stop_listening(f);
	sky_replays(f, "logs-failed-follow", 100);
	follow(f, "T on stderr\nT about to fail\nended 5 FAILED\n");
	assert_calls(f, "logs --tail 0 w1 3|1|1|\n");
}

static void goes_on_by_command_when_the_server_dies(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = (struct stream){ WAITING TASK "a\n", STAYS };
	f->call = skypilot_follow(f->s, "w1", 3, &listener, f);
	UNTIL(f, strstr(buf_str(&f->heard), "T a\n"));
	stop_listening(f);
	for (int i = 0; i < f->connection_count; i++)
		if (f->connections[i] >= 0)
			shutdown(f->connections[i], SHUT_RDWR);
	sky_prints(f, "Tailing logs of job 3\n" WAITING TASK "a\n" TASK "b\n" FINISHED("CANCELLED"), 103);
	UNTIL(f, f->done);
	assert_string_equal(f->heard.data, "T a\ntrouble\nT b\nwell\nended 7 CANCELLED\n");
}

static void may_be_forgotten_in_a_line(void **state)
{
	struct fixture *f = *state;
	f->streams[0] = f->streams[1] = (struct stream){ TASK "a\n" TASK "b\n", STAYS };
	f->forgets = 1;
	follow(f, "T a\n");
	f->forgets = 0;
	f->closes = 1;
	f->done = 0;
	follow(f, "T a\nT a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(launches, setup, teardown),
		cmocka_unit_test_setup_teardown(sky_is_not_given_the_keys_of_models, setup, teardown),
		cmocka_unit_test_setup_teardown(executes_and_prices, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_things, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_what_is_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(polls_by_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(polls_by_command_when_there_is_no_server, setup, teardown),
		cmocka_unit_test_setup_teardown(polls_by_command_when_the_server_is_strange, setup, teardown),
		cmocka_unit_test_setup_teardown(may_be_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_to_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(believes_the_status_not_the_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_cuts, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_when_it_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_when_the_job_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_by_command, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_by_command_when_the_server_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(may_be_forgotten_in_a_line, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
