/* speaker TOKENS_PER_SECOND SECONDS: a model's stream over loopback HTTP, as an agent of kind api hears it. A child of its own is
 * the API; each token is the moment at which it was written, so that its age is known when the listener hears it. Prints
 * "age MICROSECONDS" for each token, then "cpu PERCENT" of a core and "tokens N".
 *
 * speaker serve TOKENS_PER_SECOND SECONDS…: the API alone. Prints its URL; the first request is answered for the first number of
 * seconds, and so on, those behind the last one as that. Ends when it is killed. */
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/agents/speaker.h"
#include "core/base/clock.h"

enum { THINKS = 700000 };	/* microseconds, before the first token */

static struct agent *agent;
static int has_ended;
static unsigned tokens;

static void put(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void answer(int fd, int rate, int seconds)
{
	char text[65536], out[512];
	while (!memmem(text, (size_t)recv(fd, text, sizeof text, MSG_PEEK), "\r\n\r\n{", 5))
		usleep(1000);
	put(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
	        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
	usleep(THINKS);
	int64_t due = clock_monotonic();
	for (int i = 0; i < rate * seconds; i++) {
		due += 1000000 / rate;
		int64_t rest = due - clock_monotonic();
		if (rest > 0)
			usleep((useconds_t)rest);
		snprintf(out, sizeof out, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%lld@ \"}}\n\n",
		         (long long)clock_monotonic());
		put(fd, out);
	}
	put(fd, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n"
	        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
	shutdown(fd, SHUT_WR);
	while (recv(fd, text, sizeof text, 0) > 0)
		;
	_exit(0);
}

static void serve(int listener, int rate, char **seconds)
{
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		if (!fork())
			answer(fd, rate, atoi(*seconds));
		seconds += seconds[1] != NULL;
	}
}

static void on_said(void *data, enum said what, const char *bytes, size_t n)
{
	int64_t now = clock_monotonic();
	(void)data;
	if (what != SAID_TEXT)
		return;
	char *text = xstrndup(bytes, n);
	printf("age %lld\n", (long long)(now - atoll(text)));
	free(text);
	tokens++;
}

static void on_ended(void *data, const struct turn_end *end)
{
	(void)data;
	has_ended = 1;
	if (strcmp(end->status, "done"))
		fprintf(stderr, "speaker: %s\n", end->reason ? end->reason : end->status);
}

static void on_changed(void *data, const char *state, const char *text)
{
	(void)data;
	fprintf(stderr, "speaker: %s %s\n", state, text ? text : "");
}

static void on_spent(void *data, double usd, const char *what)
{
	(void)data, (void)usd, (void)what;
}

static double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	static const struct agent_listener listener = { .said = on_said, .turn_ended = on_ended, .changed = on_changed, .spent = on_spent };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof at;
	struct err err;
	int is_server = argc > 3 && !strcmp(argv[1], "serve");
	if (argc != 3 && !is_server)
		return 2;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&at, n) || listen(fd, 4) || getsockname(fd, (struct sockaddr *)&at, &n))
		return 1;
	if (is_server) {
		signal(SIGCHLD, SIG_IGN);
		printf("http://127.0.0.1:%d\n", ntohs(at.sin_port));
		fflush(stdout);
		serve(fd, atoi(argv[2]), argv + 3);
	}
	pid_t child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		answer(accept(fd, NULL, NULL), atoi(argv[1]), atoi(argv[2]));
	}
	struct loop *loop = loop_new();
	struct config_agent config = { .name = (char *)"bench", .model = (char *)"claude-opus-5-5", .url = xasprintf("http://127.0.0.1:%d", ntohs(at.sin_port)) };
	agent = speaker_open(&api_wire, &(struct agent_setup){ .loop = loop, .config = &config, .root = "/nonexistent", .listener = &listener }, NULL, &err);
	if (!agent || api_agent.turn(agent, &(struct turn_plan){ .number = 1, .system = "s", .text = "t", .limits = { .tokens = 1000 } }, &err))
		return fprintf(stderr, "speaker: %s\n", err.text), 1;
	double cpu = cpu_seconds();
	int64_t start = clock_monotonic();
	while (!has_ended)
		loop_turn(loop, 1000000);
	printf("cpu %.3f\ntokens %u\n", 100 * (cpu_seconds() - cpu) / ((double)(clock_monotonic() - start - THINKS) / 1e6), tokens);
	api_agent.close(agent);
	loop_free(loop);
	waitpid(child, NULL, 0);
	free(config.url);
	return 0;
}
