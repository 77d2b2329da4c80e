/* HTTP, through libcurl's multi interface on the loop: any number of requests and streams side by side, nothing blocks.
 *
 * HTTP/1.1 only. Redirects are not followed, so that a secret in a header reaches no other host; nothing of ~/.netrc or
 * the environment's proxies is used for loopback addresses. Certificates are checked. What is no GET or HEAD goes over a
 * connection of its own and is sent once, whatever happens to it. SIGPIPE is ignored from the first http_new on. */
#ifndef CORE_IO_HTTP_H
#define CORE_IO_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"

struct http;
struct http_request;

struct http *http_new(struct loop *loop);
void http_free(struct http *h);		/* cancels what is under way: no callback comes any more; NULL allowed */

struct http_result {
	int status;			/* of the answer; 0: there was none, or it was cut off */
	const char *problem;		/* a sentence when status is 0 or the body is not whole: "127.0.0.1:46580 does not answer: connection refused" */
	int is_cut;			/* an answer began, and ended before its end */
	double seconds;
};

struct http_plan {
	const char *method, *url;	/* "GET", "POST"; borrowed, as all texts here, for the call */
	const char *const *headers;	/* "Name: value", NULL-terminated; or NULL */
	const char *body;		/* of a POST; NULL: none */
	size_t body_size;
	int64_t connect_timeout;	/* microseconds, with the lookup of the name; 0: 5 s */
	int64_t timeout;		/* of the whole; 0: none (a stream) */
	int64_t silence_timeout;	/* longest time without a byte either way, once connected; 0: none */
	size_t max_size;		/* of the body, as it is handed on; 0: none. A larger one is cut off, and a problem */
	int takes_compressed;		/* gzip and the like may come; handed on decoded. Not for streams: proxies gather them */
	/* Whose URL is from outside: addresses of this machine, its network and those that only a network's own machines have
	 * (http_is_public) are refused, once the name is looked up; nothing goes through a proxy. */
	int public_only;
	/* From the loop, never from inside http_start; each may be NULL and may cancel its own request, or free the http. */
	void (*header)(void *data, const char *name, const char *value);	/* name in lower case */
	void (*body_came)(void *data, const char *bytes, size_t n);		/* as it arrives */
	void (*ended)(void *data, const struct http_result *result);		/* once; the request is gone after it */
	void *data;
};

/* NULL with a sentence when the URL cannot be used. */
struct http_request *http_start(struct http *h, const struct http_plan *plan, struct err *err);
void http_cancel(struct http_request *r);	/* no callback comes any more; NULL allowed */
/* From body_came: what comes in the next microseconds comes together after them, so that a stream of many small pieces does not
 * wake the process for each. */
void http_rest(struct http_request *r, int64_t time);
int http_status(const struct http_request *r);	/* for the callbacks: of the answer that comes in; 0 before it began */

/* 0: loopback, private, shared, link-local (with it the clouds' metadata), multicast, reserved; IPv6 also where it carries
 * such an IPv4 address. RFC 6890, 4193, 4291, 6052, 3056. */
struct sockaddr;
int http_is_public(const struct sockaddr *address);

#endif
