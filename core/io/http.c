/* HTTP through libcurl's multi interface. libcurl says which sockets it waits for and when it wants to be called again;
 * the loop watches the ones and keeps one timer for the other, so that an idle connection costs nothing.
 *
 * libcurl calls back in the middle of its own work, where it can be told to start, drop or free nothing. So every way
 * into it stands between enter() and leave(): what the callbacks ask for meanwhile is only noted, and done when the
 * last of them has returned. A request that was cancelled is marked at once, and none of its callbacks is called from
 * then on, whatever libcurl still hands out.
 *
 * What libcurl does not see, or sees too late, is watched here: an answer that ends inside its headers (libcurl takes
 * it for one without a body), headers without end, and silence (its own low-speed limit is an average).
 *
 * Only GET and HEAD may go over a connection that was kept: when such a one turns out to be closed, libcurl sends the
 * request again, and nobody wants the same machine started twice.
 *
 * Names are looked up in a thread of libcurl's. It is never waited for (QUICK_EXIT): without that, dropping a request
 * whose lookup hangs would block the loop until the resolver gives up.
 *
 * Sentences name host, port and reason. The rest of the URL and the headers may hold secrets: nothing of them is said. */
#include "core/io/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { HEADERS_LIMIT = 256 * 1024, READ_SIZE = 64 * 1024 };	/* bytes; READ_SIZE: the most that is read in one turn */
enum { CONNECT_TIMEOUT = 5000000, HUNG_WAIT = 10000 };		/* microseconds */

struct watched {	/* a socket of libcurl's */
	curl_socket_t fd;
	unsigned events;
	int is_hung;	/* the loop has said so, and watches it no longer */
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer, *hung_timer;
	struct watched *watched;
	size_t watched_count, watched_room;
	struct http_request *requests;
	int entered;		/* how deep we are in libcurl or in callbacks */
	int is_freed;		/* http_free was called in there */
	int has_work;		/* requests to be added or removed at the end of it */
};

struct http_request {
	struct http_request *next;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	char *where;			/* "host:port", safe text */
	struct loop_timer *silence_timer, *rest_timer;
	curl_socket_t fd;		/* the newest that was opened for it */
	int64_t started, last_byte, connect_timeout, timeout, silence_timeout;
	curl_off_t uploaded;		/* when silence was looked at last */
	size_t header_bytes;
	int is_added;			/* to the multi handle */
	int port;			/* that of the URL */
	int has_proxy;			/* and what we connect to has another: a proxy of the environment */
	int is_cancelled;		/* or has ended: no callback any more */
	int is_quiet, has_long_headers, has_head;	/* silence was too long; headers were; all of the answer's headers are there */
	int public_only, is_refused;	/* and it led elsewhere */
	size_t body_bytes, max_size;
	int is_too_large;
	char problem[CURL_ERROR_SIZE];	/* libcurl's words; only those about certificates are shown */
	void (*header)(void *data, const char *name, const char *value);
	void (*body_came)(void *data, const char *bytes, size_t n);
	void (*ended)(void *data, const struct http_result *result);
	void *data;
};

static void request_free(struct http_request *r)
{
	struct http *h = r->http;
	for (struct http_request **at = &h->requests; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	r->is_cancelled = 1;
	loop_cancel(h->loop, r->silence_timer);
	loop_cancel(h->loop, r->rest_timer);
	if (r->is_added)
		curl_multi_remove_handle(h->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	free(r->where);
	free(r);
}

static void really_free(struct http *h)
{
	h->entered++;
	while (h->requests)
		request_free(h->requests);
	curl_multi_cleanup(h->multi);
	for (size_t i = 0; i < h->watched_count; i++)
		loop_unwatch(h->loop, h->watched[i].fd);
	loop_cancel(h->loop, h->timer);
	loop_cancel(h->loop, h->hung_timer);
	free(h->watched);
	free(h);
}

static void say_timeout(const struct http_request *r, struct buf *why)
{
	curl_off_t sent_after = 0;
	curl_easy_getinfo(r->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_after);
	double seconds = (double)r->timeout / 1e6;
	if (sent_after && r->has_head)
		buf_printf(why, "%s's answer was not whole after %g s", r->where, seconds);
	else if (sent_after)
		buf_printf(why, "%s did not answer within %g s", r->where, seconds);
	else {
		if (!r->timeout || r->connect_timeout < r->timeout)
			seconds = (double)r->connect_timeout / 1e6;
		buf_printf(why, "%s does not answer: no connection within %g s", r->where, seconds);
	}
}

static void say_reason(const struct http_request *r, struct buf *why, const char *otherwise)
{
	long number = 0;
	curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &number);
	const char *reason = number ? strerror((int)number) : otherwise;
	size_t at = why->len;
	buf_puts(why, reason);
	if (islower((unsigned char)reason[1]))
		why->data[at] = (char)tolower((unsigned char)why->data[at]);
}

static void say_encryption(const struct http_request *r, const char *what, struct buf *why)
{
	buf_printf(why, "%s %s: ", r->where, what);
	text_safe(why, r->problem, strlen(r->problem), TEXT_LINE);
}

/* What ended a request here, and not in libcurl; 0: nothing did. */
static int say_own_reason(const struct http_request *r, CURLcode code, struct buf *why)
{
	if (r->is_quiet)
		buf_printf(why, "%s said nothing for %g s", r->where, (double)r->silence_timeout / 1e6);
	else if (r->has_long_headers)
		buf_printf(why, "%s answers with headers of over %d KiB", r->where, HEADERS_LIMIT / 1024);
	else if (r->is_refused)
		buf_printf(why, "%s leads to this machine or its own network: from outside nobody is sent there", r->where);
	else if (r->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
		buf_printf(why, "%s answers with more than the %zu KiB that are taken", r->where, r->max_size / 1024);
	return why->len > 0;
}

/* What a request's end means to the user, added to why; nothing: all is well. */
static void say_problem(const struct http_request *r, CURLcode code, struct buf *why)
{
	if (say_own_reason(r, code, why))
		return;
	switch (code) {
	case CURLE_OK:
		if (!r->has_head)
			buf_printf(why, "%s's answer ended inside its headers", r->where);
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		buf_printf(why, "%s cannot be reached: its name is not known", r->where);
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
		buf_printf(why, "%s cannot be reached: the name of the proxy is not known", r->where);
		break;
	case CURLE_COULDNT_CONNECT:
		buf_printf(why, "%s does not answer%s: ", r->where, r->has_proxy ? " through the proxy" : "");
		say_reason(r, why, "no connection");
		break;
	case CURLE_OUT_OF_MEMORY:	/* so it calls a header of over 100 KiB */
		buf_printf(why, "%s answers with a header that is too long", r->where);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		say_timeout(r, why);
		break;
	case CURLE_GOT_NOTHING:
		buf_printf(why, "%s closed the connection without an answer", r->where);
		break;
	case CURLE_PARTIAL_FILE:
		buf_printf(why, "%s's answer ended before its end", r->where);
		break;
	case CURLE_SEND_ERROR:
		buf_printf(why, "%s did not take the request: ", r->where);
		say_reason(r, why, "the connection was lost");
		break;
	case CURLE_RECV_ERROR:
		buf_printf(why, r->has_head ? "%s's answer broke off: " : "%s does not answer: ", r->where);
		say_reason(r, why, r->has_head ? "what came is no HTTP" : "the connection was lost");
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		buf_printf(why, "what %s answers is no HTTP", r->where);
		break;
	case CURLE_SSL_CONNECT_ERROR:
		say_encryption(r, "does not answer in TLS", why);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		say_encryption(r, "is not trusted", why);
		break;
	default:
		buf_printf(why, "%s: %s", r->where, curl_easy_strerror(code));
	}
}

static void end_request(struct http_request *r, CURLcode code)
{
	struct buf why = {0};
	say_problem(r, code, &why);
	struct http_result result = { .problem = why.len ? why.data : NULL, .is_cut = why.len && http_status(r) >= 200,
		.status = why.len ? 0 : http_status(r), .seconds = (double)(clock_monotonic() - r->started) / 1e6 };
	if (r->is_added)
		curl_multi_remove_handle(r->http->multi, r->easy);
	r->is_added = 0;
	int is_told = r->is_cancelled || r->http->is_freed;
	r->is_cancelled = 1;	/* it is on its way out: a cancel in its last callback has nothing left to do */
	if (!is_told && r->ended)
		r->ended(r->data, &result);
	buf_release(&why);
	request_free(r);
}

static void silence_over(void *data);

static void add_request(struct http_request *r)
{
	struct http *h = r->http;
	CURLMcode code = curl_multi_add_handle(h->multi, r->easy);
	assert(!code);	/* it fails on misuse and without memory only */
	(void)code;
	r->is_added = 1;
	if (r->silence_timeout)
		r->silence_timer = loop_after(h->loop, r->silence_timeout, silence_over, r);
}

static void enter(struct http *h)
{
	h->entered++;
}

/* Hands on what has ended, and does what could not be done in the middle of it. A callback may ask for more: from the top. */
static void leave(struct http *h)
{
	assert(h->entered == 1);
	CURLMsg *message;
	int left;
	while (!h->is_freed && (message = curl_multi_info_read(h->multi, &left))) {
		struct http_request *r = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		end_request(r, code);
	}
	while (!h->is_freed && h->has_work) {
		h->has_work = 0;
		for (struct http_request *r = h->requests, *next; r; r = next) {
			next = r->next;
			if (r->is_cancelled)
				request_free(r);
			else if (!r->is_added)
				add_request(r);
		}
	}
	h->entered--;
	if (h->is_freed)
		really_free(h);
}

static void silence_over(void *data)
{
	struct http_request *r = data;
	struct http *h = r->http;
	int64_t now = clock_monotonic();
	curl_off_t uploaded = 0, sent_after = 0;
	r->silence_timer = NULL;
	curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
	curl_easy_getinfo(r->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_after);
	if (uploaded != r->uploaded)
		r->last_byte = now;
	if (!sent_after)		/* connecting has a limit of its own; silence counts from when the request went out */
		r->last_byte = now;
	else if (r->last_byte < r->started + sent_after)
		r->last_byte = r->started + sent_after;
	r->uploaded = uploaded;
	int64_t rest = r->last_byte + r->silence_timeout - now;
	if (rest > 0) {
		r->silence_timer = loop_after(h->loop, rest, silence_over, r);
		return;
	}
	enter(h);
	r->is_quiet = 1;
	end_request(r, CURLE_OPERATION_TIMEDOUT);
	leave(h);
}

static struct watched *find_watched(struct http *h, curl_socket_t fd)
{
	for (size_t i = 0; i < h->watched_count; i++)
		if (h->watched[i].fd == fd)
			return &h->watched[i];
	return NULL;
}

static void drive(struct http *h, curl_socket_t fd, int events)
{
	int running;
	enter(h);
	curl_multi_socket_action(h->multi, fd, events, &running);
	leave(h);
}

static void socket_ready(void *data, int fd, unsigned events);

static void watch_hung(void *data)
{
	struct http *h = data;
	h->hung_timer = NULL;
	for (size_t i = 0; i < h->watched_count; i++) {
		struct watched *w = &h->watched[i];
		if (w->is_hung)
			loop_watch(h->loop, w->fd, w->events, socket_ready, h);
		w->is_hung = 0;
	}
}

/* The loop reports a hangup once and forgets the fd, libcurl is not told of such: where it still wants to wait for that
 * socket afterwards, it is watched again in a moment. */
static void socket_ready(void *data, int fd, unsigned events)
{
	struct http *h = data;
	int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	if (events & LOOP_HANGUP) {
		struct watched *w = find_watched(h, fd);
		if (w)
			w->is_hung = 1;
		if (!h->hung_timer)
			h->hung_timer = loop_after(h->loop, HUNG_WAIT, watch_hung, h);
		mask = 0;	/* libcurl looks for itself */
	}
	drive(h, fd, mask);
}

static void timer_fired(void *data)
{
	struct http *h = data;
	h->timer = NULL;
	drive(h, CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
	struct http *h = data;
	struct watched *w = find_watched(h, fd);
	(void)easy, (void)unused;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(h->loop, fd);
		if (w)
			array_remove(&h->watched, &h->watched_count, (size_t)(w - h->watched), sizeof *h->watched);
		return 0;
	}
	if (!w)
		w = array_add(&h->watched, &h->watched_count, &h->watched_room, sizeof *h->watched);
	*w = (struct watched){ .fd = fd, .events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0) };
	loop_watch(h->loop, fd, w->events, socket_ready, h);
	return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *data)
{
	struct http *h = data;
	(void)multi;
	loop_cancel(h->loop, h->timer);
	h->timer = milliseconds < 0 ? NULL : loop_after(h->loop, (int64_t)milliseconds * 1000, timer_fired, h);
	return 0;
}

static int is_public_4(uint32_t a)	/* in the order of this machine */
{
	static const struct { uint32_t net; int bits; } closed[] = {
		{ 0x00000000, 8 }, { 0x0a000000, 8 }, { 0x64400000, 10 }, { 0x7f000000, 8 }, { 0xa9fe0000, 16 }, { 0xac100000, 12 },
		{ 0xc0000000, 24 }, { 0xc0000200, 24 }, { 0xc0586300, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 },
		{ 0xcb007100, 24 }, { 0xe0000000, 3 },
		{ 0xa83f8110, 32 },	/* Azure's wire server */
	};
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		if (!((a ^ closed[i].net) >> (32 - closed[i].bits)))
			return 0;
	return 1;
}

static uint32_t number_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int is_public_6(const unsigned char a[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff }, translated[12] = { 0x00, 0x64, 0xff, 0x9b };
	if (!memcmp(a, mapped, sizeof mapped) || !memcmp(a, translated, sizeof translated))
		return is_public_4(number_at(a + 12));
	if (a[0] == 0x20 && a[1] == 0x02)
		return is_public_4(number_at(a + 2));
	uint32_t net = number_at(a);
	return a[0] >> 5 == 1 && net >> 9 != 0x20010000 >> 9 && net != 0x20010db8;	/* 2000::/3 but 2001::/23 and documentation */
}

int http_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_public_4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return is_public_6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
	return 0;
}

/* Close-on-exec from the start: a child must not inherit a connection, whoever starts it. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_request *r = data;
	const struct sockaddr *to = &address->addr;
	(void)purpose;
	if (to->sa_family == AF_INET)
		r->has_proxy = ntohs(((const struct sockaddr_in *)(const void *)to)->sin_port) != r->port;
	else if (to->sa_family == AF_INET6)
		r->has_proxy = ntohs(((const struct sockaddr_in6 *)(const void *)to)->sin6_port) != r->port;
	if (r->public_only && !http_is_public(to)) {
		r->is_refused = 1;
		return CURL_SOCKET_BAD;
	}
	r->is_refused = 0;	/* of several addresses, one is good */
	r->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return r->fd;
}

static int is_gone(const struct http_request *r)
{
	return r->is_cancelled || r->http->is_freed;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *data)
{
	struct http_request *r = data;
	if (is_gone(r))
		return 0;	/* libcurl then gives up on it */
	r->last_byte = clock_monotonic();
	r->body_bytes += n * one;
	r->is_too_large = r->max_size && r->body_bytes > r->max_size;
	if (r->is_too_large)
		return 0;
	if (r->body_came && n)
		r->body_came(r->data, bytes, n * one);
	return is_gone(r) ? 0 : n * one;
}

static void hand_header(const struct http_request *r, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	if (!colon)
		return;
	char *name = xstrndup(line, (size_t)(colon - line));
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	const char *value = colon + 1, *end = line + n;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	char *text = xstrndup(value, (size_t)(end - value));
	r->header(r->data, name, text);
	free(name);
	free(text);
}

/* One line. What comes before the answer proper (100 Continue) and after its body (trailers) is not handed on. */
static size_t on_header(char *line, size_t one, size_t n, void *data)
{
	struct http_request *r = data;
	size_t size = one * n;
	if (is_gone(r))
		return 0;
	r->last_byte = clock_monotonic();
	r->header_bytes += size;
	r->has_long_headers = r->header_bytes > HEADERS_LIMIT;
	if (r->has_long_headers)
		return 0;
	int is_final = http_status(r) >= 200;
	if (is_final && !r->has_head) {
		r->has_head = size <= 2 && (line[0] == '\r' || line[0] == '\n');
		if (r->header && !r->has_head)
			hand_header(r, line, size);
	}
	return is_gone(r) ? 0 : size;
}

struct http *http_new(struct loop *loop)
{
	static int is_ready;
	if (!is_ready) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		is_ready = 1;
	}
	signal(SIGPIPE, SIG_IGN);	/* OpenSSL writes without MSG_NOSIGNAL */
	struct http *h = xcalloc(1, sizeof *h);
	h->loop = loop;
	h->multi = xcheck(curl_multi_init());
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 8L);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	h->is_freed = 1;
	if (!h->entered)
		really_free(h);
}

static int is_loopback(const char *host)
{
	unsigned char address[4];
	size_t n = strlen(host);
	return !strcasecmp(host, "localhost") || (n > 10 && !strcasecmp(host + n - 10, ".localhost")) || !strcmp(host, "[::1]")
	       || (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

/* Fails for a URL that cannot be used. Host and port are for the sentences; the rest of it is not said, it may hold secrets. */
static int take_url(struct http_request *r, CURLU *parts, const char *url, int *is_near, struct err *err)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	int rc = -1;
	CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	if (code || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(parts, CURLUPART_HOST, &host, 0)) {
		err_set(err, "not a URL that can be used: %s", code ? curl_url_strerror(code) : "it has no host");
		goto out;
	}
	if (strcmp(scheme, "http") && strcmp(scheme, "https")) {
		err_set(err, "the URL of %s begins with %s: only http and https can be used", host, scheme);
		goto out;
	}
	curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	char *plain = xasprintf("%s:%s", host, port);
	r->where = text_safe_string(plain, strlen(plain), TEXT_LINE);
	free(plain);
	r->port = atoi(port);
	*is_near = is_loopback(host);
	rc = 0;
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return rc;
}

/* A line end in a header would begin another one, or the body; and a key that was read with its newline is a common slip. */
static int take_headers(struct http_request *r, const char *const *headers, struct err *err)
{
	for (size_t i = 0; headers && headers[i]; i++) {
		const char *line = headers[i], *colon = strchr(line, ':');
		if (!colon || colon == line)
			return err_set(err, "a header for %s has no name", r->where);
		for (const char *c = line; *c; c++)
			if (iscntrl((unsigned char)*c) && *c != '\t')
				return err_set(err, "the header %.*s for %s has a control character in it, such as a newline at its end",
				               (int)(colon - line), line, r->where);
		r->headers = xcheck(curl_slist_append(r->headers, line));
	}
	r->headers = xcheck(curl_slist_append(r->headers, "Expect:"));		/* no second of waiting for a 100 */
	r->headers = xcheck(curl_slist_append(r->headers, "Content-Type:"));	/* nor a form where the caller names no type */
	return 0;
}

static long to_milliseconds(int64_t microseconds)
{
	return (long)((microseconds + 999) / 1000);
}

static void set_method(CURL *easy, const struct http_plan *plan)
{
	const char *method = plan->method ? plan->method : "GET";
	int is_get = !strcmp(method, "GET") && !plan->body, is_head = !strcmp(method, "HEAD");
	if (is_get) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	if (is_head) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	if (plan->body || !strcmp(method, "POST")) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(plan->body ? plan->body_size : 0));
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, plan->body ? plan->body : "");
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(struct http_request *r, const char *url, int is_near)
{
	CURL *easy = r->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(easy, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (is_near || r->public_only)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (r->public_only)	/* one that was kept was looked at by nobody */
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	if (r->max_size)
		curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->max_size);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "skydeck");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, to_milliseconds(r->connect_timeout));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, to_milliseconds(r->timeout));
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, r);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->problem);
}

struct http_request *http_start(struct http *h, const struct http_plan *plan, struct err *err)
{
	assert(!h->is_freed);
	struct http_request *r = xcalloc(1, sizeof *r);
	int is_near = 0;
	CURLU *parts = xcheck(curl_url());
	r->http = h;
	r->easy = xcheck(curl_easy_init());
	r->header = plan->header, r->body_came = plan->body_came, r->ended = plan->ended, r->data = plan->data;
	r->started = r->last_byte = clock_monotonic();
	r->fd = CURL_SOCKET_BAD;
	r->connect_timeout = plan->connect_timeout > 0 ? plan->connect_timeout : CONNECT_TIMEOUT;
	r->timeout = plan->timeout > 0 ? plan->timeout : 0;
	r->silence_timeout = plan->silence_timeout > 0 ? plan->silence_timeout : 0;
	r->max_size = plan->max_size;
	r->public_only = plan->public_only;
	int rc = take_url(r, parts, plan->url, &is_near, err) || take_headers(r, plan->headers, err);
	curl_url_cleanup(parts);
	if (rc) {
		request_free(r);
		return NULL;
	}
	set_options(r, plan->url, is_near);
	set_method(r->easy, plan);
	if (plan->takes_compressed)
		curl_easy_setopt(r->easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	r->next = h->requests;
	h->requests = r;
	if (h->entered)
		h->has_work = 1;
	else
		add_request(r);
	return r;
}

void http_cancel(struct http_request *r)
{
	if (!r || r->is_cancelled)
		return;
	r->is_cancelled = 1;
	r->http->has_work = 1;
	if (!r->http->entered)
		request_free(r);
}

static void rest_over(void *data)
{
	struct http_request *r = data;
	struct watched *w = find_watched(r->http, r->fd);
	r->rest_timer = NULL;
	if (w && !w->is_hung)
		loop_watch(r->http->loop, w->fd, w->events, socket_ready, r->http);
}

void http_rest(struct http_request *r, int64_t time)
{
	struct watched *w = is_gone(r) || r->rest_timer ? NULL : find_watched(r->http, r->fd);
	if (!w || w->is_hung || w->events != LOOP_READ)
		return;
	loop_unwatch(r->http->loop, w->fd);
	r->rest_timer = loop_after(r->http->loop, time, rest_over, r);
}

int http_status(const struct http_request *r)
{
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}
