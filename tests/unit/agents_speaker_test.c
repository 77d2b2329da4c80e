/* timeout: 120
 * A model's turns and questions over real HTTP on loopback, with a server of this test's own that answers what the case queued,
 * and a wire so small that each case says exactly what the model says. What the real wires make of it: agents_models_test.c. */
#include "core/agents/speaker.h"

#include "tests/test.h"

#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/agents/repetition.h"
#include "core/base/clock.h"

enum { GUARD = 60000000, MANY = 32 };
#define KEY "sesame-7261"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define TEXT(t) "event: text\ndata: " t "\n\n"
#define CALL(id, name, args) "event: call\ndata: " id " " name " " args "\n\n"
#define USED(in, out) "event: used\ndata: " in " " out "\n\n"
#define STOP(how) "event: stop\ndata: " how "\n\n"
#define STATUS(code, headers, body) "HTTP/1.1 " code " X\r\nConnection: close\r\n" headers "\r\n" body

/* The server: one connection after another. */

static int server_fd, server_port;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *queue[MANY];
static char *bodies[MANY], *heads[MANY];
static unsigned queued, played, asked;
static size_t flood;
static int hangs;			/* after the last answer in the queue: the connection stays */

static int read_request(int fd, struct buf *all, size_t *head)
{
	char chunk[65536];
	size_t length = 0;
	*head = 0;
	while (!*head || all->len < *head + length) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n <= 0)
			return -1;
		buf_add(all, chunk, (size_t)n);
		const char *end = *head ? NULL : strstr(all->data, "\r\n\r\n");
		if (end) {
			const char *field = strcasestr(all->data, "content-length:");
			*head = (size_t)(end - all->data) + 4;
			length = field && field < end ? (size_t)atol(field + 15) : 0;
		}
	}
	return 0;
}

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

static void put_flood(int fd)
{
	static char text[65536];
	memset(text, 'x', sizeof text);
	memcpy(text, "event: text\ndata: ", 18);
	memcpy(text + sizeof text - 2, "\n\n", 2);
	char c;
	for (size_t sent = 0; sent < flood && recv(fd, &c, 1, MSG_DONTWAIT) != 0; sent += sizeof text)
		put(fd, text, sizeof text);
}

static void serve(int fd)
{
	struct buf all = {0};
	size_t head;
	if (!read_request(fd, &all, &head)) {
		pthread_mutex_lock(&lock);
		const char *answer = played < queued ? queue[played++] : STATUS("500", "", "the queue is empty");
		int is_last = played == queued;
		if (asked < MANY) {
			heads[asked] = xstrndup(all.data, head);
			bodies[asked++] = xstrdup(all.data + head);
		}
		pthread_mutex_unlock(&lock);
		put(fd, answer, strlen(answer));
		if (flood && is_last)
			put_flood(fd);
		char c;
		if (hangs && is_last)
			while (recv(fd, &c, 1, 0) > 0)
				;
	}
	buf_release(&all);
	close(fd);
}

static void *server_main(void *unused)
{
	(void)unused;
	for (int fd; (fd = accept(server_fd, NULL, NULL)) >= 0;)
		serve(fd);
	return NULL;
}

static int start_server(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof at;
	static pthread_t thread;
	(void)state;
	server_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server_fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(server_fd, 16), 0);
	getsockname(server_fd, (struct sockaddr *)&at, &n);
	server_port = ntohs(at.sin_port);
	return pthread_create(&thread, NULL, server_main, NULL);
}

/* The wire: what was said, a line each; an answer is events named text, thought, call, used, cost, model and stop. */

struct wire {
	struct buf said;
	struct wire_answer answer;
	struct wire_listener hears;
	struct buf text;
	int has_stop, with_tools;
	char *schema;
};

static struct wire *small_open(const struct wire_setup *setup)
{
	struct wire *w = xcalloc(1, sizeof *w);
	w->with_tools = setup->with_tools;
	w->schema = xstrdup(setup->schema);
	buf_printf(&w->said, "S:%s%s%s\n", setup->system, setup->with_tools ? " +tools" : "", setup->schema ? setup->schema : "");
	return w;
}

static void small_close(struct wire *w)
{
	buf_release(&w->said);
	buf_release(&w->text);
	wire_answer_release(&w->answer);
	free(w->schema);
	free(w);
}

static void small_headers(const char *key, struct strings *out)
{
	char *line = xasprintf("X-Key: %s", key ? key : "none");
	strings_add(out, line);
	free(line);
}

static void small_say(struct wire *w, const char *text)
{
	buf_printf(&w->said, "U:%s\n", text);
}

static void small_result(struct wire *w, const char *call, const char *text, int is_error)
{
	buf_printf(&w->said, "R:%s:%s%s\n", call, is_error ? "error:" : "", text);
}

static void small_request(const struct wire *w, struct buf *body)
{
	buf_puts(body, buf_str(&w->said));
}

static void small_begin(struct wire *w, const struct wire_listener *listener)
{
	w->hears = *listener;
	w->answer = (struct wire_answer){ .usd = NAN };
	w->has_stop = 0;
	buf_truncate(&w->text, 0);
}

static void small_call(struct wire *w, const char *text)
{
	char id[32], name[32];
	int at = 0;
	struct err err;
	struct wire_call *call = array_add(&w->answer.calls, &w->answer.call_count, &w->answer.call_room, sizeof *call);
	sscanf(text, "%31s %31s %n", id, name, &at);
	*call = (struct wire_call){ xstrdup(id), xstrdup(name), xstrdup(text + at), json_parse(text + at, strlen(text + at), &err), NULL };
	if (!call->args)
		call->problem = xstrdup("they are no JSON");
}

static void small_stop(struct wire *w, const char *how)
{
	static const char *const names[] = { "end", "calls", "max", "refused", "paused", "context" };
	w->has_stop = 1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(how, names[i]))
			w->answer.stop = (enum wire_stop)i;
	if (w->answer.stop == STOP_REFUSED)
		w->answer.reason = xstrdup("the model refused (category bio): no");
}

static void small_event(struct wire *w, const char *name, const char *data, size_t n)
{
	if (!strcmp(name, "text")) {
		buf_add(&w->text, data, n);
		w->hears.text(w->hears.data, data, n);
	} else if (!strcmp(name, "thought"))
		w->hears.thought(w->hears.data, data, n);
	else if (!strcmp(name, "call"))
		small_call(w, data);
	else if (!strcmp(name, "used"))
		sscanf(data, "%ld %ld", &w->answer.tokens.in, &w->answer.tokens.out);
	else if (!strcmp(name, "cost"))
		w->answer.usd = atof(data);
	else if (!strcmp(name, "model"))
		string_set(&w->answer.model, data);
	else if (!strcmp(name, "stop"))
		small_stop(w, data);
}

static void small_finish(struct wire *w, int is_whole, struct wire_answer *out)
{
	if (!w->has_stop || !is_whole)
		w->answer.stop = STOP_CUT;
	else if (w->answer.stop != STOP_REFUSED)
		buf_printf(&w->said, "A:%s\n", buf_str(&w->text));
	w->answer.text = xstrdup(buf_str(&w->text));
	*out = w->answer;
	w->answer = (struct wire_answer){0};
}

static void small_explain(int status, const char *body, size_t n, const struct strings *headers, struct wire_trouble *out)
{
	*out = (struct wire_trouble){ status == 429 || status >= 500, NAN, xasprintf("the API says %d: %.*s", status, (int)n, body) };
	for (size_t i = 0; i < headers->count; i++)
		if (!strncmp(headers->at[i], "retry-after: ", 13))
			out->wait = atof(headers->at[i] + 13);
}

static const struct wire_ops small_wire = {
	"small", "/v1/small", "https://models.example.com", "SMALL_KEY", 1, small_open, small_close, small_headers, small_say, small_result,
	small_request, small_begin, small_event, small_finish, small_explain,
};

/* The engine: keeps what it is told, and misbehaves on request. */

enum at { NEVER, AT_TOLD, AT_TEXT, AT_TOOL, AT_CALL, AT_RESULT, AT_NOTE, AT_SPENT, AT_CHANGED, AT_ALERT, AT_ENDED, AT_ANSWERED, ATS };
enum answering { AT_ONCE, LATER, BACKWARDS, NOT };

static struct loop *loop;
static struct agent *agent;
static const struct agent_ops *const ops = &api_agent;
static struct buf heard[6], calls, changes, alerts, spent_on;
static double spent;
static struct agent_call *kept[MANY];
static unsigned kept_count, ended;
static char *status, *reason, *words;
static struct tokens tokens;
static unsigned call_count;
static enum answering answering;
static enum at closes_at, stops_at;
static struct config_agent config;
static struct patience patience;
static char *answer_text, *answer_problem;
static double answer_usd;
static unsigned answers;

static void happens(enum at what)
{
	if (what == stops_at)
		ops->stop(agent, "the test says so");
	if (what == closes_at && agent) {
		struct agent *a = agent;
		agent = NULL;
		ops->close(a);
	}
}

static void on_said(void *data, enum said what, const char *bytes, size_t n)
{
	static const enum at ats[] = { AT_TOLD, AT_TEXT, AT_TEXT, AT_TOOL, AT_RESULT, AT_NOTE };
	assert_null(data);
	assert_non_null(agent);
	buf_add(&heard[what], bytes, n);
	happens(ats[what]);
}

static void answer_one(struct agent_call *call)
{
	char *text = xasprintf("{\"did\":\"%s\"}", call->name);
	agent_answer(call, text, 0);
	free(text);
}

static void answer_kept(void *data)
{
	(void)data;
	while (kept_count)
		answer_one(kept[--kept_count]);
}

static void on_call(void *data, struct agent_call *call)
{
	(void)data;
	assert_non_null(agent);
	buf_printf(&calls, "%s ", call->name);
	json_print(call->args, &calls);
	buf_putc(&calls, '\n');
	if (answering != AT_ONCE) {
		if (!kept_count && answering != NOT)
			loop_after(loop, 1000, answer_kept, NULL);
		assert_true(kept_count < MANY);
		kept[kept_count++] = call;
		happens(AT_CALL);
	} else {
		happens(AT_CALL);
		answer_one(call);
	}
}

static void on_spent(void *data, double usd, const char *what)
{
	(void)data;
	assert_non_null(agent);
	spent += usd;
	buf_printf(&spent_on, "%s\n", what);
	happens(AT_SPENT);
}

static void on_changed(void *data, const char *state, const char *text)
{
	(void)data;
	assert_non_null(agent);
	buf_printf(&changes, "%s %s\n", state, text ? text : "-");
	happens(AT_CHANGED);
}

static void on_alert(void *data, const char *text)
{
	(void)data;
	buf_printf(&alerts, "%s\n", text);
	happens(AT_ALERT);
}

static void on_ended(void *data, const struct turn_end *end)
{
	(void)data;
	assert_non_null(agent);
	ended++;
	string_set(&status, end->status);
	string_set(&reason, end->reason ? end->reason : "");
	string_set(&words, end->text ? end->text : "");
	tokens = end->tokens;
	call_count = end->calls;
	happens(AT_ENDED);
}

static void on_answered(void *data, const char *text, const char *problem, double usd, const char *model)
{
	(void)data, (void)model;
	answers++;
	string_set(&answer_text, text ? text : "");
	string_set(&answer_problem, problem ? problem : "");
	answer_usd = usd;
	happens(AT_ANSWERED);
}

static const struct agent_listener listener = { .changed = on_changed, .said = on_said, .call = on_call, .spent = on_spent, .turn_ended = on_ended, .alert = on_alert };

static void open_agent(void)
{
	struct err err;
	const char *root = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	free(config.url);
	config.url = xasprintf("http://127.0.0.1:%d/", server_port);
	agent = speaker_open(&small_wire, &(struct agent_setup){ .loop = loop, .config = &config, .root = root, .folder = root, .listener = &listener }, &patience, &err);
	if (!agent)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	(void)state;
	queued = played = asked = ended = kept_count = answers = 0;
	flood = 0;
	hangs = 0;
	spent = 0;
	answering = AT_ONCE;
	closes_at = stops_at = NEVER;
	setenv("SMALL_KEY", KEY, 1);
	setenv("XDG_CONFIG_HOME", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", 1);
	config = (struct config_agent){ .name = (char *)"claude", .kind = (char *)"api", .model = (char *)"small-1", .tokens = 100, .minutes = 1 };
	patience = (struct patience){ .base = 1000, .cap = 8000, .longest = 600000000, .silence = 30000000, .first = 30000000,
		.uneasy = 20000000, .attempts = 6, .answer_max = 64 << 20 };
	loop = loop_new();
	open_agent();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (agent)
		ops->close(agent);
	agent = NULL;
	for (unsigned i = 0; i < kept_count; i++)	/* of a closed agent: harmless */
		agent_answer(kept[i], "late", 0);
	for (unsigned i = 0; i < 5; i++)
		loop_turn(loop, 0);
	loop_free(loop);
	for (unsigned i = 0; i < asked; i++) {
		free(heads[i]);
		free(bodies[i]);
	}
	for (size_t i = 0; i < 6; i++)
		buf_release(&heard[i]);
	buf_release(&calls);
	buf_release(&changes);
	buf_release(&alerts);
	buf_release(&spent_on);
	string_set(&status, NULL);
	string_set(&reason, NULL);
	string_set(&words, NULL);
	string_set(&answer_text, NULL);
	string_set(&answer_problem, NULL);
	string_set(&config.url, NULL);
	return 0;
}

static void answer_with(const char *bytes)
{
	pthread_mutex_lock(&lock);
	queue[queued++] = bytes;
	pthread_mutex_unlock(&lock);
}

static void until(const unsigned *count)
{
	int64_t end = clock_monotonic() + GUARD;
	while (!*count && agent && clock_monotonic() < end)
		loop_turn(loop, 100000);
	if (agent && !*count)
		fail_msg("nothing came of it");
}

static void run_turn(struct turn_limits limits)
{
	struct err err;
	ended = 0;
	assert_ok(ops->turn(agent, &(struct turn_plan){ 3, "you propose", "what next?", limits }, &err), &err);
	until(&ended);
}

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not in it: %s\nbut: %s", part, text);
}

#define PLAIN (struct turn_limits){0}

/* The cases. */

static void plain_answer(void **state)
{
	(void)state;
	answer_with(HEAD "event: thought\ndata: hm\n\n" TEXT("Hello") TEXT(" there") USED("100", "10") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(words, "Hello there");
	assert_string_equal(buf_str(&heard[SAID_TEXT]), "Hello there");
	assert_string_equal(buf_str(&heard[SAID_THOUGHT]), "hm");
	assert_string_equal(buf_str(&heard[SAID_TOLD]), "you propose\n\nwhat next?");
	assert_string_equal(bodies[0], "S:you propose +tools\nU:what next?\n");
	assert_in(heads[0], "POST /v1/small HTTP/1.1");
	assert_in(heads[0], "X-Key: " KEY);
	assert_int_equal(tokens.in, 100);
	assert_int_equal(tokens.out, 10);
	assert_in(buf_str(&heard[SAID_NOTE]), "turn 3: small-1, 100 in, 10 out (on this machine)");
	assert_true(spent == 0);
}

static void second_turn_is_told_anew(void **state)
{
	(void)state;
	answer_with(HEAD TEXT("one") STOP("end"));
	answer_with(HEAD TEXT("two") STOP("end"));
	run_turn(PLAIN);
	run_turn(PLAIN);
	assert_string_equal(bodies[1], "S:you propose +tools\nU:what next?\n");
	assert_in(buf_str(&heard[SAID_NOTE]), "stands in the transcript of turn 3");
}

static void a_tool_is_used(void **state)
{
	(void)state;
	answer_with(HEAD TEXT("I note it.") CALL("c1", "mcp__skydeck__note", "{\"text\":\"a\"}") STOP("calls"));
	answer_with(HEAD TEXT("Done.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(buf_str(&calls), "note {\"text\":\"a\"}\n");
	assert_string_equal(bodies[1], "S:you propose +tools\nU:what next?\nA:I note it.\nR:c1:{\"did\":\"note\"}\n");
	assert_string_equal(buf_str(&heard[SAID_TOOL]), "mcp__skydeck__note {\"text\":\"a\"}\n");
	assert_string_equal(buf_str(&heard[SAID_RESULT]), "{\"did\":\"note\"}\n");
	assert_int_equal(call_count, 1);
}

static void calls_side_by_side(void **state)
{
	(void)state;
	answering = BACKWARDS;
	answer_with(HEAD CALL("c1", "note", "{\"text\":\"a\"}") CALL("c2", "read_results", "{}") STOP("calls"));
	answer_with(HEAD TEXT("Done.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_in(bodies[1], "R:c1:{\"did\":\"note\"}\nR:c2:{\"did\":\"read_results\"}\n");
	assert_in(buf_str(&heard[SAID_RESULT]), "read_results: {\"did\":\"read_results\"}\nnote: ");
}

static void what_is_no_call_is_answered(void **state)
{
	(void)state;
	answer_with(HEAD CALL("c1", "rm_rf", "{}") CALL("c2", "note", "{\"text\":") CALL("c3", "note", "{\"words\":\"a\"}") CALL("c4", "note", "{\"text\":\"a\"}") STOP("calls"));
	answer_with(HEAD TEXT("Sorry.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(buf_str(&calls), "note {\"text\":\"a\"}\n");
	assert_in(bodies[1], "R:c1:error:there is no tool rm_rf: the tools are read_file");
	assert_in(bodies[1], "R:c2:error:the arguments of note: they are no JSON\n");
	assert_in(bodies[1], "R:c3:error:");
	assert_in(bodies[1], "R:c4:{\"did\":\"note\"}\n");
}

static void told_to_wait(void **state)
{
	(void)state;
	answer_with(STATUS("429", "Retry-After: 0.01\r\n", "slow down"));
	answer_with(HEAD TEXT("Now.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(bodies[0], bodies[1]);
	assert_in(buf_str(&changes), "working waits a moment: the API says 429: slow down, attempt 2 of 6\nworking -\n");
}

static void told_to_wait_for_hours(void **state)
{
	(void)state;
	answer_with(STATUS("429", "Retry-After: 7200\r\n", "slow down"));
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_in(reason, "2h00");
}

static void a_storm_ends_the_turn_only(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		answer_with(STATUS("529", "", "overloaded"));
	answer_with(HEAD TEXT("Back.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_string_equal(reason, "the API says 529: overloaded; given up after 6 attempts");
	assert_int_equal(asked, 6);
	assert_in(buf_str(&changes), "attempt 6 of 6");
	run_turn(PLAIN);
	assert_string_equal(status, "done");
}

static void nobody_listens(void **state)
{
	(void)state;
	string_set(&config.url, "http://127.0.0.1:1");
	struct err err;
	ops->close(agent);
	agent = speaker_open(&small_wire, &(struct agent_setup){ .loop = loop, .config = &config, .root = "/nonexistent", .listener = &listener }, &patience, &err);
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_in(reason, "127.0.0.1:1 does not answer: connection refused; given up after 6 attempts");
}

static void a_cut_stream_is_asked_for_again(void **state)
{
	(void)state;
	answer_with("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" "event: model\ndata: claude-opus-5-5\n\n" "event: cost\ndata: 0.25\n\n"
	            TEXT("Half") CALL("c1", "note", "{\"text\":\"a\"}"));
	answer_with(HEAD USED("5", "5") TEXT("no stop: broken off as well"));
	answer_with(HEAD TEXT("Whole.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(words, "Whole.");
	assert_string_equal(bodies[0], bodies[2]);
	assert_int_equal(calls.len, 0);
	assert_true(spent == 0.25);
	assert_in(buf_str(&spent_on), "turn 3: claude-opus-5-5, 0 in, 0 out (as the server says)");
	assert_string_equal(ops->model(agent), "claude-opus-5-5");
	assert_in(buf_str(&heard[SAID_NOTE]), "attempt 3 of 6");
}

static void what_is_never_asked_again(void **state)
{
	(void)state;
	answer_with(STATUS("401", "", "bad key " KEY " given"));
	answer_with(STATUS("302", "Location: https://evil.example/v1\r\n", ""));
	answer_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Please log in</html>");
	answer_with(STATUS("400", "", "no such field"));
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_string_equal(reason, "the API says 401: bad key (the key) given (the key is that of SMALL_KEY)");
	run_turn(PLAIN);
	assert_in(reason, "sends elsewhere (302), to https://evil.example/v1");
	run_turn(PLAIN);
	assert_in(reason, "answers with text/html where a stream of events was asked for");
	run_turn(PLAIN);
	assert_in(reason, "400: no such field");
	assert_int_equal(asked, 4);
	assert_null(strstr(buf_str(&heard[SAID_NOTE]), KEY));
}

static void refused(void **state)
{
	(void)state;
	answer_with(HEAD TEXT("I can not") STOP("refused"));
	answer_with(HEAD TEXT("Fine.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "refused");
	assert_string_equal(reason, "the model refused (category bio): no");
	run_turn(PLAIN);
	assert_string_equal(status, "done");
}

static void cut_off_at_its_tokens(void **state)
{
	(void)state;
	answer_with(HEAD TEXT("Very long") CALL("c1", "note", "{\"text\":\"a\"}") STOP("max"));
	answer_with(HEAD TEXT("Short.") STOP("end"));
	answer_with(HEAD TEXT("Long") STOP("max"));
	answer_with(HEAD TEXT("Long again") STOP("max"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_int_equal(calls.len, 0);
	assert_in(bodies[1], "A:Very long\nR:c1:error:this was not carried out: your answer was cut off\nU:Your answer was cut off");
	run_turn((struct turn_limits){ .tokens = 100 });
	assert_string_equal(status, "limit");
	assert_in(reason, "do not fit into 100 tokens (agent.claude.tokens)");
}

static void paused_and_full(void **state)
{
	(void)state;
	answer_with(HEAD TEXT("Wait") STOP("paused"));
	answer_with(HEAD TEXT("") STOP("context"));
	run_turn(PLAIN);
	assert_string_equal(bodies[1], "S:you propose +tools\nU:what next?\nA:Wait\n");
	assert_string_equal(status, "limit");
	assert_in(reason, "context");
}

static void no_key(void **state)
{
	static const struct turn_plan turn = { .number = 1, .system = "", .text = "?" };
	struct err err;
	(void)state;
	config.keyenv = (char *)"NOT_SET_KEY";
	ops->close(agent);
	open_agent();
	assert_error(ops->turn(agent, &turn, &err), &err, "there is no key for 127.0.0.1:");
	assert_error(ops->turn(agent, &turn, &err), &err, "set NOT_SET_KEY in the environment");
	assert_null(ops->ask(agent, &(struct question){ "", "", NULL, 10, on_answered, NULL }, &err));
	setenv("NOT_SET_KEY", "two words", 1);
	assert_error(ops->turn(agent, &turn, &err), &err, "NOT_SET_KEY does not hold a key");
	setenv("NOT_SET_KEY", "k", 1);
	answer_with(HEAD STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_string_equal(words, "");
	unsetenv("NOT_SET_KEY");
}

static void never_answers(void **state)
{
	(void)state;
	hangs = 1;
	patience.silence = patience.first = 50000;
	patience.uneasy = 10000;
	patience.attempts = 2;
	ops->close(agent);
	open_agent();
	answer_with("");
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_in(buf_str(&changes), "heard nothing yet");
	assert_in(buf_str(&changes), "said nothing for 0 s, attempt 2 of 2");
	assert_in(reason, "given up after 2 attempts");
	hangs = 0;
}

static void silent_in_the_middle(void **state)
{
	(void)state;
	hangs = 1;
	patience.silence = 50000;
	patience.attempts = 1;
	ops->close(agent);
	open_agent();
	answer_with(HEAD TEXT("I am"));
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_in(reason, "said nothing for 0 s; given up after 1 attempts");
}

static void stopped_in_mid_stream(void **state)
{
	(void)state;
	hangs = 1;
	stops_at = AT_TEXT;
	answer_with(HEAD "event: cost\ndata: 0.5\n\n" TEXT("I am just") TEXT(" about to"));
	run_turn(PLAIN);
	assert_string_equal(status, "cancelled");
	assert_string_equal(reason, "the test says so");
	assert_string_equal(buf_str(&heard[SAID_TEXT]), "I am just");
	assert_true(spent == 0.5);
	assert_int_equal(ended, 1);
}

static void stopped_while_it_waits(void **state)
{
	(void)state;
	stops_at = AT_CHANGED;
	answer_with(STATUS("429", "Retry-After: 100\r\n", ""));
	run_turn(PLAIN);
	assert_string_equal(status, "cancelled");
}

static void stopped_with_calls_under_way(void **state)
{
	(void)state;
	answering = NOT;
	stops_at = AT_CALL;
	answer_with(HEAD CALL("c1", "note", "{\"text\":\"a\"}") CALL("c2", "read_results", "{}") STOP("calls"));
	run_turn(PLAIN);
	assert_string_equal(status, "cancelled");
	assert_int_equal(kept_count, 1);
	agent_answer(kept[--kept_count], "late", 0);
	answering = AT_ONCE;
	stops_at = NEVER;
	answer_with(HEAD TEXT("On.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
	assert_null(strstr(bodies[1], "late"));
}

static void stopped_or_closed_anywhere(void **state)
{
	struct err err;
	(void)state;
	for (int closes = 0; closes < 2; closes++)
		for (enum at at = AT_TOLD; at < ATS; at++)
			for (answering = AT_ONCE; answering <= NOT; answering++) {
				tear_down(NULL);
				enum answering how = answering;
				set_up(NULL);
				answering = how;
				*(closes ? &closes_at : &stops_at) = at;
				answer_with(STATUS("529", "", ""));
				answer_with(HEAD "event: cost\ndata: 0.5\n\n" TEXT("a") TEXT("b") CALL("c1", "note", "{\"text\":\"a\"}") CALL("c2", "read_results", "{}") STOP("calls"));
				answer_with(HEAD "event: cost\ndata: 0.5\n\n" TEXT("c") STOP("end"));
				assert_ok(ops->turn(agent, &(struct turn_plan){ 3, "s", "t", { .seconds = 0.3 } }, &err), &err);
				until(&ended);
				assert_true(!agent || ended == 1);
				if (at == AT_ANSWERED && agent) {
					answer_with(HEAD TEXT("d") STOP("end"));
					assert_non_null(ops->ask(agent, &(struct question){ "", "?", NULL, 10, on_answered, NULL }, &err));
					until(&answers);
				}
			}
}

static void a_flood(void **state)
{
	(void)state;
	flood = 100 << 20;
	answer_with(HEAD);
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_in(reason, "sent over 64 MiB in one answer");
	assert_int_equal(heard[SAID_TEXT].len, 8 << 20);
	assert_in(buf_str(&heard[SAID_NOTE]), "is not kept");
	assert_int_equal(asked, 1);
	flood = 0;
	answer_with(HEAD TEXT("On.") STOP("end"));
	run_turn(PLAIN);
	assert_string_equal(status, "done");
}

static void a_flood_of_errors(void **state)
{
	(void)state;
	flood = 100 << 20;
	answer_with("HTTP/1.1 400 Bad\r\n\r\n");
	run_turn(PLAIN);
	assert_string_equal(status, "failed");
	assert_true(strlen(reason) < 1024);
	assert_int_equal(asked, 1);
}

static void the_same_call_again(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		answer_with(HEAD CALL("c1", "read_results", "{ }") STOP("calls"));
	run_turn(PLAIN);
	assert_string_equal(status, "limit");
	assert_in(reason, "turns in circles");
	assert_int_equal(asked, 5);
	assert_string_equal(buf_str(&calls), "read_results {}\nread_results {}\n");
	assert_in(bodies[3], "R:c1:error:this same call was made 3 times in a row");
}

static void two_calls_by_turns(void **state)
{
	struct repetition r = {0};
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(repetition_add(&r, i % 2 ? "a" : "b", "{}"), REPEATED_NOT);
	assert_int_equal(repetition_add(&r, "a", "{}"), REPEATED_PAIR);
	assert_int_equal(repetition_add(&r, "b", "{}"), REPEATED_PAIR);
	assert_int_equal(repetition_add(&r, "c", "{}"), REPEATED_NOT);
	assert_int_equal(repetition_add(&r, "b", "{}"), REPEATED_NOT);
	assert_int_equal(repetition_add(&r, "b", "{}"), REPEATED_NOT);
	assert_int_equal(repetition_add(&r, "b", "{ }"), REPEATED_NOT);
	assert_int_equal(r.warnings, 2);
}

static void limits(void **state)
{
	(void)state;
	answer_with(HEAD CALL("c1", "note", "{\"text\":\"1\"}") STOP("calls"));
	answer_with(HEAD CALL("c1", "note", "{\"text\":\"2\"}") STOP("calls"));
	run_turn((struct turn_limits){ .replies = 2 });
	assert_string_equal(status, "limit");
	assert_in(reason, "asked 2 times, all that a turn may take (agent.claude.replies)");
	answering = LATER;
	answer_with(HEAD CALL("c1", "note", "{\"text\":\"1\"}") CALL("c2", "note", "{\"text\":\"2\"}") CALL("c3", "note", "{\"text\":\"3\"}") STOP("calls"));
	run_turn((struct turn_limits){ .calls = 2 });
	assert_string_equal(status, "limit");
	assert_in(reason, "used tools 2 times, all that a turn may take (agent.claude.calls)");
	assert_int_equal(call_count, 2);
	answer_with(HEAD "event: cost\ndata: 0.6\n\n" CALL("c1", "note", "{\"text\":\"1\"}") STOP("calls"));
	run_turn((struct turn_limits){ .usd = 0.5 });
	assert_string_equal(status, "limit");
	assert_in(reason, "has cost $0.6000 of the $0.5000");
	assert_true(spent == 0.6);
	assert_int_equal(asked, 4);
	hangs = 1;
	answer_with(HEAD TEXT("slow"));
	run_turn((struct turn_limits){ .seconds = 0.1, .usd = INFINITY });
	assert_string_equal(status, "limit");
	assert_in(reason, "all that it may take (agent.claude.minutes)");
}

static void money(void **state)
{
	char path[256], other[256];
	(void)state;
	test_path(path, sizeof path, ".skydeck");
	test_path(other, sizeof other, ".skydeck/prices.json");
	char *command = xasprintf("mkdir -p %s && printf '%s' >%s", path,
		"{\"date\":\"2027-01-02\",\"models\":{\"small-1\":{\"in\":1,\"out\":2,\"write_5m\":1,\"write_1h\":1,\"read\":1}}}", other);
	assert_int_equal(system(command), 0);
	free(command);
	answer_with(HEAD USED("1000000", "12149") STOP("end"));
	run_turn(PLAIN);
	assert_in(buf_str(&spent_on), "turn 3: small-1, 1M in, 12.1k out (price table of 2027-01-02)");
	assert_true(fabs(spent - 1.024298) < 1e-9);
	unlink(other);
	rmdir(path);
}

static void questions(void **state)
{
	struct err err;
	(void)state;
	answer_with(HEAD "event: cost\ndata: 0.1\n\n" TEXT("half"));
	answer_with(HEAD "event: cost\ndata: 0.2\n\n" TEXT("{\\\"claims\\\":[]}") STOP("end"));
	answer_with(HEAD STOP("refused"));
	answer_with(HEAD CALL("c", "note", "{}") STOP("calls"));
	answer_with(HEAD STOP("max"));
	struct question q = { "you read", "a paper", "{schema}", 500, on_answered, NULL };
	static const char *const problems[] = { "", "the model refused (category bio): no", "the model wanted to use a tool, and has none here", "the answer was cut off at its limit of tokens" };
	for (size_t i = 0; i < 4; i++) {
		answers = 0;
		assert_non_null(ops->ask(agent, &q, &err));
		assert_int_equal(answers, 0);
		until(&answers);
		assert_int_equal(answers, 1);
		assert_string_equal(answer_problem, problems[i]);
		if (!i)
			assert_true(fabs(answer_usd - 0.3) < 1e-9);
		if (!i)
			assert_string_equal(answer_text, "{\\\"claims\\\":[]}");
	}
	assert_string_equal(bodies[0], "S:you read{schema}\nU:a paper\n");
	assert_true(spent == 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(heard[i].len, 0);
}

static void a_question_is_given_up(void **state)
{
	struct err err;
	(void)state;
	hangs = 1;
	answer_with(HEAD "event: cost\ndata: 0.1\n\n" TEXT("half"));
	struct asking *asking = ops->ask(agent, &(struct question){ "", "?", NULL, 10, on_answered, NULL }, &err);
	for (int i = 0; i < 50; i++)
		loop_turn(loop, 10000);
	ops->ask_cancel(asking);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 1000);
	assert_int_equal(answers, 0);
	assert_true(spent == 0.1);
	assert_in(buf_str(&spent_on), "a question that was given up: small-1");
}

static void a_question_beside_a_turn(void **state)
{
	static const struct turn_plan turn = { .number = 4, .system = "", .text = "?" };
	struct err err;
	(void)state;
	answer_with(HEAD TEXT("one") STOP("end"));
	answer_with(HEAD TEXT("two") STOP("end"));
	assert_non_null(ops->ask(agent, &(struct question){ "", "?", NULL, 10, on_answered, NULL }, &err));
	assert_ok(ops->turn(agent, &turn, &err), &err);
	assert_error(ops->turn(agent, &turn, &err), &err, "turn 4 of agent claude still runs");
	until(&ended);
	until(&answers);
	assert_string_equal(status, "done");
	assert_string_equal(answer_problem, "");
}

static void where_it_asks(void **state)
{
	static const struct { const char *url, *keyenv, *gets, *says; int is_near; } cases[] = {
		{ NULL, NULL, "https://models.example.com/v1/small", NULL, 0 },
		{ "http://127.0.0.1:8080/", NULL, "http://127.0.0.1:8080/v1/small", NULL, 1 },
		{ "http://localhost/x//", NULL, "http://localhost/x/v1/small", NULL, 1 },
		{ "http://[::1]:80", NULL, "http://[::1]:80/v1/small", NULL, 1 },
		{ "https://127.0.0.1.evil.example", "K", "https://127.0.0.1.evil.example/v1/small", NULL, 0 },
		{ "https://user:pw@example.com", NULL, NULL, "host, port and path", 0 },
		{ "http://127.0.0.1\\@evil.example", NULL, NULL, "host, port and path", 0 },
		{ "http://127.0.0.1@evil.example", NULL, NULL, "host, port and path", 0 },
		{ "http://127.0.0.1#@evil.example", NULL, NULL, "host, port and path", 0 },
		{ "https://example.com/v1?key=1", NULL, NULL, "host, port and path", 0 },
		{ "https://example.com/a b", NULL, NULL, "host, port and path", 0 },
		{ "ftp://example.com", NULL, NULL, "url must be like", 0 },
		{ "https://", NULL, NULL, "url must be like", 0 },
		{ "https://[::1", NULL, NULL, "url must be like", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct endpoint e;
		struct err err;
		struct config_agent c = { .name = (char *)"a", .model = (char *)"m", .url = (char *)cases[i].url, .keyenv = (char *)cases[i].keyenv };
		if (cases[i].says) {
			assert_error(endpoint_init(&e, &small_wire, &c, &err), &err, cases[i].says);
			continue;
		}
		assert_ok(endpoint_init(&e, &small_wire, &c, &err), &err);
		assert_string_equal(e.url, cases[i].gets);
		assert_int_equal(e.is_near, cases[i].is_near);
		endpoint_release(&e);
	}
}

static void where_the_key_goes(void **state)
{
	static const struct { const char *url, *keyenv, *key, *says; } cases[] = {
		{ NULL, NULL, KEY, NULL },
		{ "http://127.0.0.1:1", NULL, KEY, NULL },
		{ "https://models.example.com/v2", NULL, KEY, NULL },
		{ "https://models.example.com.evil.example", NULL, NULL, "name the variable that holds it as keyenv" },
		{ "https://other.example", "SMALL_KEY", KEY, NULL },
		{ "http://other.example", "SMALL_KEY", NULL, "in the clear" },
		{ "http://127.0.0.2:1", "UNSET_KEY", NULL, "set UNSET_KEY" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct endpoint e;
		struct err err;
		const char *key = NULL;
		struct config_agent c = { .name = (char *)"a", .model = (char *)"m", .url = (char *)cases[i].url, .keyenv = (char *)cases[i].keyenv };
		assert_ok(endpoint_init(&e, &small_wire, &c, &err), &err);
		if (cases[i].says)
			assert_error(endpoint_key(&e, &key, &err), &err, cases[i].says);
		else
			assert_ok(endpoint_key(&e, &key, &err), &err);
		assert_true(key ? cases[i].key && !strcmp(key, cases[i].key) : !cases[i].key);
		endpoint_release(&e);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(plain_answer), CASE(second_turn_is_told_anew), CASE(a_tool_is_used), CASE(calls_side_by_side), CASE(what_is_no_call_is_answered),
		CASE(told_to_wait), CASE(told_to_wait_for_hours), CASE(a_storm_ends_the_turn_only), CASE(nobody_listens),
		CASE(a_cut_stream_is_asked_for_again), CASE(what_is_never_asked_again), CASE(refused), CASE(cut_off_at_its_tokens),
		CASE(paused_and_full), CASE(no_key), CASE(never_answers), CASE(silent_in_the_middle), CASE(stopped_in_mid_stream),
		CASE(stopped_while_it_waits), CASE(stopped_with_calls_under_way), CASE(stopped_or_closed_anywhere), CASE(a_flood),
		CASE(a_flood_of_errors), CASE(the_same_call_again), CASE(two_calls_by_turns), CASE(limits), CASE(money), CASE(questions),
		CASE(a_question_is_given_up), CASE(a_question_beside_a_turn), CASE(where_it_asks), CASE(where_the_key_goes),
	};
	return cmocka_run_group_tests(tests, start_server, NULL);
}
