/* HTTP against a small server of this test's own: answers whole, cut, broken, silent and endless; timeouts, what callbacks may do,
 * many requests side by side, lookups that hang. Whatever is said of a problem, the secret in the headers is not in it. */
#include "core/io/http.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { MANY = 50, GIANT = 32 << 20, UPLOAD = 4 << 20, GUARD = 60000000 };
#define SECRET "sesame-7261"

/* The server: a thread for each connection. What it does depends on the path. */

static int server_fd, server_port;
static atomic_int connections, drops, open_connections;
static sem_t go_on;			/* the client has seen the piece before */
static pthread_barrier_t all_there;

struct request {
	char method[16], path[64];
	struct buf head, body;
};

static int read_request(int fd, struct request *q)
{
	char chunk[65536];
	size_t length = 0, head = 0;
	buf_truncate(&q->head, 0);
	buf_truncate(&q->body, 0);
	while (!head || q->head.len < head + length) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n <= 0)
			return 0;
		buf_add(&q->head, chunk, (size_t)n);
		const char *end = head ? NULL : strstr(q->head.data, "\r\n\r\n");
		if (end) {
			const char *field = strcasestr(q->head.data, "content-length:");
			head = (size_t)(end - q->head.data) + 4;
			length = field && field < end && !strstr(q->head.data, "/refuse ") ? (size_t)atol(field + 15) : 0;
		}
	}
	buf_add(&q->body, q->head.data + head, length);
	buf_truncate(&q->head, head);
	return sscanf(q->head.data, "%15s %63s", q->method, q->path) == 2;
}

static int put_bytes(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return -1;
		bytes += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int put(int fd, const char *text)
{
	return put_bytes(fd, text, strlen(text));
}

static void answer(int fd, const char *status, const char *headers, const char *body, size_t n)
{
	struct buf out = {0};
	buf_printf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, n, headers);
	buf_add(&out, body, n);
	put_bytes(fd, out.data, out.len);
	buf_release(&out);
}

static void wait_for_close(int fd)
{
	char byte;
	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static void answer_echo(int fd, const struct request *q)
{
	struct buf out = {0};
	buf_add(&out, q->head.data, q->head.len);
	if (q->body.len > 1000)
		buf_printf(&out, "%zu bytes", q->body.len);
	else
		buf_add(&out, buf_str(&q->body), q->body.len);
	answer(fd, "200 OK", "", out.data, out.len);
	buf_release(&out);
}

static void answer_pieces(int fd)
{
	put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		put(fd, "6\r\npiece\n\r\n");
		sem_wait(&go_on);
	}
	put(fd, "0\r\n\r\n");
}

static void answer_giant(int fd)
{
	char chunk[65536];
	memset(chunk, 'g', sizeof chunk);
	snprintf(chunk, sizeof chunk, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", GIANT);
	put(fd, chunk);
	memset(chunk, 'g', sizeof chunk);
	for (int i = 0; i < GIANT / (int)sizeof chunk && !put_bytes(fd, chunk, sizeof chunk); i++)
		;
}

static void answer_header_flood(int fd)
{
	put(fd, "HTTP/1.1 200 OK\r\n");
	while (!put(fd, "X-Flood: the water is rising and rising and rising and rising\r\n"))
		;
}

static void answer_long_header(int fd)
{
	put(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
	while (!put(fd, "the water is rising and rising and rising and rising"))
		;
}

static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npiece\n\r\n");
	sem_wait(&go_on);	/* what was not read yet would be lost with the reset */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static const struct { const char *path, *answer; } broken[] = {	/* sent as it is; then the connection is closed */
	{ "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npiece\n\r\n20\r\nhalf a pie" },
	{ "/cut-between", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npiece\n\r\n" },
	{ "/cut-length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes." },
	{ "/cut-head", "HTTP/1.1 200 OK\r\nX-Half: 1\r\n" },
	{ "/cut-status", "HTTP/1.1 20" },
	{ "/cut-interim", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ "/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzebra\r\n" },
	{ "/ssh", "SSH-2.0-OpenSSH_9.2\r\n\x1b[31mred\r\n" },
	{ "/nothing", "" },
	{ "/burst", "HTTP/1.1 200 OK\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n" },
	{ "/until-close", "HTTP/1.0 200 OK\r\n\r\nold but whole" },
	{ "/interim", "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Real: 1\r\n\r\n"
	              "2\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n" },
};

/* 0: the connection is to be closed. */
static int serve(int fd, const struct request *q)
{
	const char *path = q->path;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		if (!strcmp(path, broken[i].path)) {
			put(fd, broken[i].answer);
			return 0;
		}
	if (!strcmp(path, "/hello"))
		answer(fd, "200 OK", "X-Mixed-CASE: \t Some Value \t\r\nX-Empty:\r\n", "hello", 5);
	else if (!strcmp(path, "/echo"))
		answer_echo(fd, q);
	else if (!strcmp(path, "/refuse")) {	/* without having read the body, which makes the close a reset */
		answer(fd, "413 Too Large", "", "", 0);
		return 0;
	} else if (!strcmp(path, "/pieces"))
		answer_pieces(fd);
	else if (!strcmp(path, "/giant"))
		answer_giant(fd);
	else if (!strcmp(path, "/fail"))
		answer(fd, "500 Internal Server Error", "", "{\"detail\":\"broken\"}", 19);
	else if (!strcmp(path, "/redirect"))
		answer(fd, "302 Found", "Location: /drop\r\n", "", 0);
	else if (!strcmp(path, "/together")) {
		pthread_barrier_wait(&all_there);
		answer(fd, "200 OK", "", "together", 8);
	} else if (!strcmp(path, "/drop")) {
		drops++;
		return 0;
	} else if (!strcmp(path, "/flood")) {
		answer_header_flood(fd);
		return 0;
	} else if (!strcmp(path, "/long-header")) {
		answer_long_header(fd);
		return 0;
	} else if (!strcmp(path, "/reset")) {
		reset(fd);
		return 0;
	} else if (!strcmp(path, "/stall")) {
		put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npiece\n\r\n");
		wait_for_close(fd);
		return 0;
	} else {	/* /silent */
		wait_for_close(fd);
		return 0;
	}
	return 1;
}

static void *connection(void *data)
{
	int fd = (int)(intptr_t)data;
	struct request q = {0};
	while (read_request(fd, &q) && serve(fd, &q))
		;
	buf_release(&q.head);
	buf_release(&q.body);
	close(fd);
	open_connections--;
	return NULL;
}

static void *server(void *unused)
{
	int fd;
	(void)unused;
	while ((fd = accept(server_fd, NULL, NULL)) >= 0) {
		pthread_t thread;
		connections++;
		open_connections++;
		if (pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd))
			abort();
		pthread_detach(thread);
	}
	return NULL;
}

static int listen_here(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 128) || getsockname(fd, (struct sockaddr *)&address, &size))
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

/* The lookup of names, in the place of the C library's: one name takes until the gate is opened. */

static sem_t gate;
static atomic_int lookups;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (host && !strcmp(host, "hangs.test")) {
		struct timespec limit;
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += 20;
		lookups++;
		sem_timedwait(&gate, &limit);
		lookups--;
		return EAI_NONAME;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(host, service, hints, result);
}

/* The client. */

enum act { NOTHING, CANCEL_OWN, CANCEL_OTHER, FREE, START };

struct seen {
	struct test *t;
	struct http_request *r;
	struct http_result result;
	char problem[1024];
	struct buf headers, body;
	int pieces, ended, calls, calls_at_act, status_in_body;
	enum act on_header, on_body, on_end;
	struct seen *other;
	int is_going_on;	/* each piece lets the server send the next */
};

struct test {
	struct loop *loop;
	struct http *http;
	struct loop_timer *guard;
	int to_end;		/* requests that have not ended yet */
};

static void guard(void *data)
{
	(void)data;
	fail_msg("nothing happened for %d s", GUARD / 1000000);
}

static int setup(void **state)
{
	struct test *t = xcalloc(1, sizeof *t);
	t->loop = loop_new();
	t->http = http_new(t->loop);
	t->guard = loop_after(t->loop, GUARD, guard, t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;
	http_free(t->http);
	loop_free(t->loop);
	free(t);
	return 0;
}

static void release(struct seen *s)
{
	buf_release(&s->headers);
	buf_release(&s->body);
	*s = (struct seen){0};
}

static struct http_plan plan_for(struct seen *s, const char *path);

static void start(struct test *t, struct seen *s, const struct http_plan *plan)
{
	struct err err = {0};
	s->t = t;
	s->r = http_start(t->http, plan, &err);
	if (!s->r)
		fail_msg("%s", err.text);
	t->to_end++;
}

static void act(struct seen *s, enum act what)
{
	if (what != NOTHING && !s->calls_at_act)
		s->calls_at_act = s->calls;
	switch (what) {
	case NOTHING:
		break;
	case CANCEL_OWN:
		http_cancel(s->r);
		break;
	case CANCEL_OTHER:
		http_cancel(s->other->r);
		break;
	case FREE:
		http_free(s->t->http);
		s->t->http = NULL;
		break;
	case START: {
		struct http_plan plan = plan_for(s->other, "/hello");
		start(s->t, s->other, &plan);
		break;
	}
	}
	if (what != NOTHING && what != START)
		loop_stop(s->t->loop);
}

static void got_header(void *data, const char *name, const char *value)
{
	struct seen *s = data;
	s->calls++;
	buf_printf(&s->headers, "%s=%s\n", name, value);
	act(s, s->on_header);
}

static void got_body(void *data, const char *bytes, size_t n)
{
	struct seen *s = data;
	s->calls++;
	s->pieces++;
	s->status_in_body = http_status(s->r);
	buf_add(&s->body, bytes, n);
	if (s->is_going_on)
		sem_post(&go_on);
	act(s, s->on_body);
}

static void got_end(void *data, const struct http_result *result)
{
	struct seen *s = data;
	s->calls++;
	s->ended++;
	s->result = *result;
	snprintf(s->problem, sizeof s->problem, "%s", result->problem ? result->problem : "");
	assert_null(strstr(s->problem, SECRET));
	assert_null(strchr(s->problem, '\x1b'));
	assert_true(!result->problem == !!result->status);
	assert_true(result->seconds >= 0);
	act(s, s->on_end);
	if (!--s->t->to_end)
		loop_stop(s->t->loop);
}

static char url_text[256];

static const char *url_of(const char *path)
{
	snprintf(url_text, sizeof url_text, "http://127.0.0.1:%d%s", server_port, path);
	return url_text;
}

static const char *const secret_headers[] = { "Authorization: Bearer " SECRET, NULL };

static struct http_plan plan_for(struct seen *s, const char *path)
{
	return (struct http_plan){ .method = "GET", .url = url_of(path), .headers = secret_headers,
		.header = got_header, .body_came = got_body, .ended = got_end, .data = s };
}

static void run(struct test *t, struct seen *s, const struct http_plan *plan)
{
	start(t, s, plan);
	loop_run(t->loop);
	assert_int_equal(s->ended, 1);
}

static void get(struct test *t, struct seen *s, const char *path)
{
	struct http_plan plan = plan_for(s, path);
	run(t, s, &plan);
}

/* Turns for a while; how many there were. */
static int idle(struct test *t, int64_t microseconds)
{
	uint64_t before = loop_wakeups(t->loop);
	int64_t until = clock_monotonic() + microseconds, now;
	while ((now = clock_monotonic()) < until)
		loop_turn(t->loop, until - now);
	return (int)(loop_wakeups(t->loop) - before);
}

static void test_answer(void **state)
{
	struct seen s = {0};
	get(*state, &s, "/hello");
	assert_int_equal(s.result.status, 200);
	assert_null(s.result.problem);
	assert_false(s.result.is_cut);
	assert_string_equal(s.headers.data, "content-length=5\nx-mixed-case=Some Value\nx-empty=\n");
	assert_string_equal(s.body.data, "hello");
	assert_int_equal(s.status_in_body, 200);
	release(&s);
}

static void test_no_callbacks_wanted(void **state)
{
	struct test *t = *state;
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "/hello");
	plan.header = NULL, plan.body_came = NULL;
	run(t, &s, &plan);
	assert_int_equal(s.result.status, 200);
	plan.ended = NULL;
	start(t, &s, &plan);
	idle(t, 50000);
}

static void test_request(void **state)
{
	struct test *t = *state;
	struct seen s = {0};
	const char *const headers[] = { "Content-Type: application/json", "Authorization: Bearer " SECRET, NULL };
	struct http_plan plan = plan_for(&s, "/echo");
	plan.method = "POST", plan.headers = headers, plan.body = "{\"a\":1}\0more", plan.body_size = 7;
	run(t, &s, &plan);
	assert_memory_equal(s.body.data, "POST /echo HTTP/1.1\r\n", 21);
	assert_non_null(strstr(s.body.data, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(s.body.data, "\r\nAuthorization: Bearer " SECRET "\r\n"));
	assert_non_null(strstr(s.body.data, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(s.body.data, "more"));
	assert_null(strcasestr(s.body.data, "form-urlencoded"));
	release(&s);

	plan.headers = NULL, plan.body = NULL;
	run(t, &s, &plan);
	assert_non_null(strstr(s.body.data, "\r\nContent-Length: 0\r\n"));
	assert_null(strcasestr(s.body.data, "content-type"));
	release(&s);

	plan.method = "DELETE";
	run(t, &s, &plan);
	assert_memory_equal(s.body.data, "DELETE /echo HTTP/1.1\r\n", 23);
	release(&s);

	plan.method = "HEAD", plan.url = url_of("/echo");
	plan.timeout = 5000000;
	/* The server sends a body all the same, as a broken one would: it is not read. */
	run(t, &s, &plan);
	assert_int_equal(s.result.status, 200);
	assert_int_equal(s.pieces, 0);
	release(&s);
}

static void test_large_upload(void **state)
{
	struct seen s = {0};
	char *body = xmalloc(UPLOAD), told[64];
	memset(body, 'u', UPLOAD);
	struct http_plan plan = plan_for(&s, "/echo");
	plan.method = "POST", plan.body = body, plan.body_size = UPLOAD, plan.silence_timeout = 10000000;
	run(*state, &s, &plan);
	snprintf(told, sizeof told, "\r\n\r\n%d bytes", UPLOAD);
	assert_non_null(strstr(s.body.data, told));
	assert_null(strcasestr(s.body.data, "expect"));
	release(&s);
	for (int i = 0; i < 5; i++) {	/* the answer, or its loss in the reset: an end all the same */
		plan.url = url_of("/refuse");
		run(*state, &s, &plan);
		assert_true(s.result.status == 413 || s.problem[0]);
		release(&s);
	}
	free(body);
}

static void test_pieces(void **state)
{
	struct seen s = { .is_going_on = 1 };
	get(*state, &s, "/pieces");	/* a client that gathers would wait for ever */
	assert_int_equal(s.result.status, 200);
	assert_int_equal(s.pieces, 5);
	assert_string_equal(s.body.data, "piece\npiece\npiece\npiece\npiece\n");
	release(&s);
}

static void test_whole_in_odd_ways(void **state)
{
	struct seen s = {0};
	get(*state, &s, "/until-close");
	assert_int_equal(s.result.status, 200);
	assert_string_equal(s.body.data, "old but whole");
	release(&s);
	get(*state, &s, "/interim");
	assert_int_equal(s.result.status, 200);
	assert_string_equal(s.body.data, "hi");
	assert_string_equal(s.headers.data, "transfer-encoding=chunked\nx-real=1\n");
	release(&s);
}

static void test_failure_of_the_server(void **state)
{
	struct seen s = {0};
	get(*state, &s, "/fail");
	assert_int_equal(s.result.status, 500);
	assert_int_equal(s.status_in_body, 500);
	assert_null(s.result.problem);
	assert_string_equal(s.body.data, "{\"detail\":\"broken\"}");
	release(&s);
}

static void test_redirect_is_not_followed(void **state)
{
	struct seen s = {0};
	drops = 0;
	get(*state, &s, "/redirect");
	assert_int_equal(s.result.status, 302);
	assert_non_null(strstr(s.headers.data, "location=/drop\n"));
	assert_int_equal(drops, 0);
	release(&s);
}

static void test_cut(void **state)
{
	static const struct { const char *path, *body, *says; int is_cut; } cases[] = {
		{ "/cut-chunk", "piece\nhalf a pie", "'s answer ended before its end", 1 },
		{ "/cut-between", "piece\n", "'s answer ended before its end", 1 },
		{ "/cut-length", "ten bytes.", "'s answer ended before its end", 1 },
		{ "/cut-head", "", "'s answer ended inside its headers", 1 },
		{ "/cut-status", "", " closed the connection without an answer", 0 },
		{ "/cut-interim", "", " closed the connection without an answer", 0 },
		{ "/bad-chunk", "", "'s answer broke off: what came is no HTTP", 1 },
		{ "/ssh", "", "is no HTTP", 0 },
		{ "/nothing", "", " closed the connection without an answer", 0 },
		{ "/reset", "piece\n", "'s answer broke off: connection reset by peer", 1 },
	};
	char where[64];
	snprintf(where, sizeof where, "127.0.0.1:%d", server_port);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen s = { .is_going_on = !strcmp(cases[i].path, "/reset") };
		get(*state, &s, cases[i].path);
		if (!strstr(s.problem, cases[i].says) || !strstr(s.problem, where) || s.result.status || s.result.is_cut != cases[i].is_cut
		    || strcmp(buf_str(&s.body), cases[i].body))
			fail_msg("%s: status %d, cut %d, body %s, says: %s", cases[i].path, s.result.status, s.result.is_cut, buf_str(&s.body), s.problem);
		release(&s);
	}
}

static void test_nobody_there(void **state)
{
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "");
	char url[64], says[128];
	int port, fd = listen_here(&port);
	close(fd);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/?key=" SECRET, port);
	snprintf(says, sizeof says, "127.0.0.1:%d does not answer: connection refused", port);
	plan.url = url;
	run(*state, &s, &plan);
	assert_string_equal(s.problem, says);
	assert_int_equal(s.result.status, 0);
	assert_false(s.result.is_cut);
	release(&s);
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", server_port);
	plan.url = url;
	plan.timeout = 1000000;	/* our server waits for the end of a request that never comes */
	run(*state, &s, &plan);
	assert_int_equal(s.result.status, 0);
	release(&s);
}

static void test_urls_and_headers_that_cannot_be(void **state)
{
	struct test *t = *state;
	static const char *const urls[] = { "", "nonsense " SECRET, "http://", "file:///etc/passwd", "ftp://u:" SECRET "@x/",
		"http://127.0.0.1:99999/", "http://a b/", "http://a\x1b[31m/", "http://u:" SECRET "@\x1b/", "http://x/\r\nA: b" };
	static const char *const headers[][2] = { { "X: a\r\nY: b" }, { "Authorization: Bearer " SECRET "\n" }, { ": " SECRET }, { SECRET } };
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "/hello");
	for (size_t i = 0; i < sizeof urls / sizeof *urls + sizeof headers / sizeof *headers; i++) {
		struct err err = {0};
		size_t urls_left = sizeof urls / sizeof *urls;
		plan.url = i < urls_left ? urls[i] : url_of("/hello");
		plan.headers = i < urls_left ? NULL : headers[i - urls_left];
		if (http_start(t->http, &plan, &err))
			fail_msg("case %zu is taken: %s", i, plan.url);
		assert_true(err.text[0]);
		assert_null(strstr(err.text, SECRET));
		assert_null(strchr(err.text, '\x1b'));
	}
	idle(t, 10000);
	assert_int_equal(s.calls, 0);
}

static void test_times(void **state)
{
	struct test *t = *state;
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "/silent");
	plan.silence_timeout = 50000;
	run(t, &s, &plan);
	assert_non_null(strstr(s.problem, " said nothing for 0.05 s"));
	assert_false(s.result.is_cut);
	release(&s);

	plan.url = url_of("/stall");
	plan.silence_timeout = 1000000;	/* in which a slow machine, too, brings the piece */
	run(t, &s, &plan);
	assert_non_null(strstr(s.problem, " said nothing for 1 s"));
	assert_true(s.result.is_cut);
	assert_string_equal(s.body.data, "piece\n");
	release(&s);

	plan.silence_timeout = 0, plan.timeout = 1000000;
	run(t, &s, &plan);
	assert_non_null(strstr(s.problem, "'s answer was not whole after 1 s"));
	assert_true(s.result.is_cut);
	release(&s);

	plan.url = url_of("/silent");
	plan.timeout = 50000;
	run(t, &s, &plan);
	assert_non_null(strstr(s.problem, " did not answer within 0.05 s"));
	assert_false(s.result.is_cut);
	release(&s);
}

/* A server whose queue of connections is full answers to nobody's knock. */
static void test_no_connection(void **state)
{
	struct seen s = {0};
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[4];
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fill[i], (struct sockaddr *)&address, size);
	}
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	struct http_plan plan = plan_for(&s, "");
	plan.url = url, plan.connect_timeout = 50000, plan.silence_timeout = 1000;
	run(*state, &s, &plan);
	assert_non_null(strstr(s.problem, " does not answer: no connection within 0.05 s"));
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
}

static void test_giants(void **state)
{
	struct test *t = *state;
	struct seen s = {0};
	get(t, &s, "/giant");
	assert_int_equal(s.result.status, 200);
	assert_int_equal(s.body.len, GIANT);
	assert_true(s.pieces > 100);
	release(&s);
	get(t, &s, "/flood");
	assert_non_null(strstr(s.problem, " answers with headers of over 256 KiB"));
	release(&s);
	get(t, &s, "/long-header");
	assert_int_equal(s.result.status, 0);
	assert_null(strcasestr(s.problem, "memory"));	/* as libcurl has it */
	release(&s);
}

static void test_many_at_once(void **state)
{
	struct test *t = *state;
	struct seen *all = xcalloc(MANY, sizeof *all);
	for (int i = 0; i < MANY; i++) {
		struct http_plan plan = plan_for(&all[i], "/together");	/* answered when the last one is there */
		start(t, &all[i], &plan);
	}
	loop_run(t->loop);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(all[i].ended, 1);
		assert_int_equal(all[i].result.status, 200);
		assert_string_equal(all[i].body.data, "together");
		release(&all[i]);
	}
	free(all);
}

/* One act in one callback: what may still be called afterwards, by the same turn of the loop or a later one? */
static void try_act(struct test *t, enum act what, int when)
{
	struct seen s = {0}, other = {0};
	s.other = &other;
	*(when == 0 ? &s.on_header : when == 1 ? &s.on_body : &s.on_end) = what;
	if (what != START) {
		struct http_plan plan = plan_for(&other, "/silent");
		start(t, &other, &plan);
	}
	/* START with the first of many headers, or pieces, would start many. */
	struct http_plan plan = plan_for(&s, what == START ? when ? "/interim" : "/cut-head" : "/burst");
	start(t, &s, &plan);
	loop_run(t->loop);
	idle(t, 20000);
	int is_over = what == CANCEL_OWN || what == FREE;
	if (is_over && s.calls != s.calls_at_act)
		fail_msg("act %d in callback %d: called %d times more", what, when, s.calls - s.calls_at_act);
	if (s.ended != (!is_over || when == 2) || other.ended != (what == START))
		fail_msg("act %d in callback %d: ended %d, the other %d", what, when, s.ended, other.ended);
	while (what == CANCEL_OTHER && open_connections)	/* the cancelled one's is closed, not only forgotten */
		idle(t, 1000);
	if (what == CANCEL_OWN)
		http_cancel(other.r);
	if (!t->http)
		t->http = http_new(t->loop);
	t->to_end = 0;
	release(&s);
	release(&other);
}

static void test_what_callbacks_may_do(void **state)
{
	for (int what = CANCEL_OWN; what <= START; what++)
		for (int when = 0; when < 3; when++)
			try_act(*state, what, when);
}

static void test_cancel_and_free_from_outside(void **state)
{
	struct test *t = *state;
	struct seen s[4] = {0};
	static const char *const paths[] = { "/stall", "/silent", "/hello", "/giant" };
	for (int turns = 0; turns < 4; turns++) {
		for (int i = 0; i < 4; i++) {
			struct http_plan plan = plan_for(&s[i], paths[i]);
			plan.silence_timeout = 1000000;
			start(t, &s[i], &plan);
		}
		for (int i = 0; i < turns; i++)
			loop_turn(t->loop, 10000);
		int calls[4];
		for (int i = 0; i < 4; i++) {
			if (!s[i].ended && i < 2)
				http_cancel(s[i].r);
			calls[i] = s[i].calls;
		}
		http_free(t->http);
		idle(t, 20000);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(s[i].calls, calls[i]);
			release(&s[i]);
		}
		t->http = http_new(t->loop);
		t->to_end = 0;
	}
	http_cancel(NULL);
	http_free(NULL);
}

static void test_idle_costs_nothing(void **state)
{
	struct test *t = *state;
	struct seen s = {0}, kept = {0};
	get(t, &kept, "/hello");	/* its connection is kept */
	struct http_plan plan = plan_for(&s, "/stall");
	plan.silence_timeout = 20000000;
	start(t, &s, &plan);
	while (!s.pieces)
		loop_turn(t->loop, -1);
	idle(t, 300000);	/* what follows a connection: the timers of its beginning */
	assert_in_range(idle(t, 300000), 0, 2);
	http_cancel(s.r);
	assert_in_range(idle(t, 300000), 0, 2);
	release(&s);
	release(&kept);
}

static void test_kept_connections(void **state)
{
	struct test *t = *state;
	struct seen s = {0};
	int before = connections;
	for (int i = 0; i < 5; i++) {
		get(t, &s, "/hello");
		release(&s);
	}
	assert_int_equal(connections - before, 1);
	/* A connection that was kept and is closed under a request makes libcurl send that again: not one that does things. */
	struct http_plan plan = plan_for(&s, "/drop");
	plan.method = "POST", plan.body = "start", plan.body_size = 5;
	drops = 0;
	run(t, &s, &plan);
	assert_int_equal(drops, 1);
	assert_non_null(strstr(s.problem, " closed the connection without an answer"));
	release(&s);
}

static void test_lookup_that_hangs(void **state)
{
	struct test *t = *state;
	struct seen s = {0}, near = {0};
	struct http_plan plan = plan_for(&s, "");
	plan.url = "http://hangs.test/";
	start(t, &s, &plan);
	while (!lookups)
		loop_turn(t->loop, 1000);
	t->to_end = 0;
	get(t, &near, "/hello");	/* goes on beside it */
	assert_int_equal(near.result.status, 200);
	http_cancel(s.r);		/* without waiting for it */
	assert_int_equal(lookups, 1);
	plan.connect_timeout = 20000;
	run(t, &s, &plan);
	assert_non_null(strstr(s.problem, "hangs.test:80 does not answer: no connection within 0.02 s"));
	while (lookups < 2)	/* its thread may begin late */
		usleep(1000);
	sem_post(&gate);
	sem_post(&gate);
	while (lookups)
		usleep(1000);
	release(&s);
	plan.connect_timeout = 0;
	sem_post(&gate);
	run(t, &s, &plan);
	assert_string_equal(s.problem, "hangs.test:80 cannot be reached: its name is not known");
	release(&s);
	release(&near);
}

static void test_proxy_of_the_environment(void **state)
{
	struct seen s = {0};
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	get(*state, &s, "/hello");
	assert_int_equal(s.result.status, 200);
	release(&s);
	struct http_plan plan = plan_for(&s, "");
	plan.url = "http://elsewhere.test/";
	run(*state, &s, &plan);
	assert_string_equal(s.problem, "elsewhere.test:80 does not answer through the proxy: connection refused");
	unsetenv("http_proxy");
	release(&s);
}

static void test_public_addresses(void **state)
{
	static const struct { const char *address; int is_public; } cases[] = {
		{ "127.0.0.1", 0 }, { "127.255.255.254", 0 }, { "10.1.2.3", 0 }, { "172.16.0.1", 0 }, { "172.31.255.255", 0 }, { "172.32.0.1", 1 },
		{ "192.168.1.1", 0 }, { "169.254.169.254", 0 }, { "100.64.0.1", 0 }, { "100.100.100.200", 0 }, { "100.128.0.1", 1 },
		{ "0.0.0.0", 0 }, { "224.0.0.1", 0 }, { "255.255.255.255", 0 }, { "168.63.129.16", 0 }, { "168.63.129.17", 1 }, { "198.19.0.1", 0 },
		{ "192.0.0.192", 0 }, { "8.8.8.8", 1 }, { "140.82.112.3", 1 }, { "::1", 0 }, { "::", 0 }, { "fe80::1", 0 }, { "fd00:ec2::254", 0 },
		{ "ff02::1", 0 }, { "::ffff:127.0.0.1", 0 }, { "::ffff:8.8.8.8", 1 }, { "64:ff9b::10.0.0.1", 0 }, { "64:ff9b::808:808", 1 },
		{ "2002:7f00:1::", 0 }, { "2002:808:808::", 1 }, { "2001:0:1::", 0 }, { "2001:db8::1", 0 }, { "2606:4700::1111", 1 }, { "::127.0.0.1", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sockaddr_in four = { .sin_family = AF_INET };
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
		int is_six = inet_pton(AF_INET6, cases[i].address, &six.sin6_addr) == 1;
		assert_true(is_six || inet_pton(AF_INET, cases[i].address, &four.sin_addr) == 1);
		if (http_is_public(is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four) != cases[i].is_public)
			fail_msg("%s", cases[i].address);
	}
}

static void test_public_only(void **state)
{
	struct test *t = *state;
	static const char *const hosts[] = { "127.0.0.1", "localhost", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]" };
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "/hello");
	get(t, &s, "/hello");	/* its connection is kept, and must not be taken */
	release(&s);
	int before = connections;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		char url[128];
		snprintf(url, sizeof url, "http://%s:%d/hello", hosts[i], server_port);
		plan.url = url, plan.public_only = 1;
		run(t, &s, &plan);
		if (!strstr(s.problem, "leads to this machine or its own network"))
			fail_msg("%s: %d %s", hosts[i], s.result.status, s.problem);
		release(&s);
	}
	assert_int_equal(connections, before);
}

static void test_size_limit(void **state)
{
	struct test *t = *state;
	static const char *const paths[] = { "/giant", "/pieces" };
	for (int i = 0; i < 2; i++) {
		struct seen s = { .is_going_on = i };
		struct http_plan plan = plan_for(&s, paths[i]);
		plan.max_size = i ? 13 : 1 << 20;	/* said in the headers, or found out */
		run(t, &s, &plan);
		if (!strstr(s.problem, "answers with more than the") || s.body.len > plan.max_size)
			fail_msg("%s: %zu bytes, %s", paths[i], s.body.len, s.problem);
		release(&s);
	}
	for (int i = 0; i < 3; i++)	/* pieces that nobody waits for any more */
		sem_post(&go_on);
	struct seen s = {0};
	struct http_plan plan = plan_for(&s, "/hello");
	plan.max_size = 5, plan.takes_compressed = 1;
	run(t, &s, &plan);
	assert_string_equal(s.body.data, "hello");
	release(&s);
}

int main(void)
{
	static const char *const proxies[] = { "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };
	pthread_t thread;
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		unsetenv(proxies[i]);
	sem_init(&go_on, 0, 0);
	sem_init(&gate, 0, 0);
	pthread_barrier_init(&all_there, NULL, MANY);
	server_fd = listen_here(&server_port);
	if (pthread_create(&thread, NULL, server, NULL))
		abort();
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		TEST(answer), TEST(no_callbacks_wanted), TEST(request), TEST(large_upload), TEST(pieces), TEST(whole_in_odd_ways),
		TEST(failure_of_the_server), TEST(redirect_is_not_followed), TEST(cut), TEST(nobody_there),
		TEST(urls_and_headers_that_cannot_be), TEST(times), TEST(no_connection), TEST(giants), TEST(many_at_once),
		TEST(what_callbacks_may_do), TEST(cancel_and_free_from_outside), TEST(idle_costs_nothing), TEST(kept_connections),
		TEST(lookup_that_hangs), TEST(proxy_of_the_environment), TEST(public_addresses), TEST(public_only), TEST(size_limit),
	};
	int failed = cmocka_run_group_tests_name("io/http", tests, NULL, NULL);
	shutdown(server_fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(server_fd);
	for (int i = 0; open_connections && i < 1000; i++)
		usleep(1000);
	return failed;
}
