/* brief: assembles what an agent is told from a session with much to tell, 20 times; prints its bytes and how long it took in ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/data/brief.h"

enum { SOURCES = 200, CLAIMS = 400, PROPOSALS = 200, CLAIM_SIZE = 5000, TIMES = 20 };

static struct model m;

static void state(struct event ev)
{
	ev.seq = m.seq + 1;
	ev.time = 1795241212000000 + (int64_t)ev.seq;
	model_apply(&m, &ev);
}

static const char *id(char kind, int number)
{
	static char text[16];
	snprintf(text, sizeof text, "%c%d", kind, number);
	return text;
}

static void make_session(void)
{
	char claim[CLAIM_SIZE + 1];
	for (size_t i = 0; i < CLAIM_SIZE; i++)
		claim[i] = i % 60 ? (char)('a' + i % 26) : ' ';
	claim[CLAIM_SIZE] = '\0';
	model_init(&m);
	state((struct event){ .kind = EVENT_SESSION_OPENED, .session = "s", .target = "/t", .metric = "tps", .direction = "higher", .agent = "claude" });
	for (int i = 1; i <= SOURCES; i++)
		state((struct event){ .kind = EVENT_SOURCE_ADDED, .source = id('s', i), .type = "paper", .title = "Online normalizer calculation for softmax" });
	for (int i = 1; i <= CLAIMS; i++)
		state((struct event){ .kind = EVENT_CLAIM_ADDED, .claim = id('c', i), .source = "s1", .text = claim, .quote = "word for word", .place = "page 3" });
	for (int i = 1; i <= PROPOSALS; i++)
		state((struct event){ .kind = EVENT_PROPOSAL_SUBMITTED, .by = "agent claude", .proposal = id('p', i), .rev = 1, .commit = "c0ffee",
				      .title = "Fuse the passes over the tile", .agent = "claude", .baseline = "b", .state = "waiting" });
}

int main(void)
{
	struct config c;
	make_session();
	config_init(&c);
	for (int i = 0; i < TIMES; i++) {
		struct buf text = {0};
		int64_t began = clock_monotonic();
		brief_turn(&m, &c, "claude", STAGE_PROPOSE, m.time, &text);
		printf("bytes %zu\nms %.3f\n", text.len, (double)(clock_monotonic() - began) / 1000);
		buf_release(&text);
	}
	config_release(&c);
	model_release(&m);
	return 0;
}
