/* A terminal that measures: it owns the pty of a program, keeps its screen with libvterm, answers what a terminal is
 * asked, and takes the time at each read. One program for all that is compared, so all are measured alike.
 *
 *     terminal paint SIZE TIMES WANTED... -- PROGRAM...
 *         milliseconds from before the fork until all WANTED are on the screen
 *     terminal keys SIZE TIMES SETUP A B WANTED... -- PROGRAM...
 *         presses A and B in turn: "MILLISECONDS BYTES" for each; the time ends when the screen is as always after it
 *     terminal idle SIZE SECONDS WANTED... -- PROGRAM...
 *         "bytes N", and as watch
 *     terminal stream SIZE SECONDS SETUP WANTED... -- PROGRAM...
 *         the same, while something streams: SETUP is pressed before
 *     terminal age SIZE SECONDS SETUP WANTED... -- PROGRAM...
 *         of each mark "MICROSECONDS@" made since, when it comes on the screen: how many milliseconds ago that was (CLOCK_MONOTONIC):
 *         "first AGE", where half a second had passed since the one before, or "later AGE"
 *     terminal watch SECONDS PID
 *         "wakeups N", "cpu MILLISECONDS", "memory MB" (private) of PID and its children in that time
 *
 * What "as always" means is learnt before: A and B are pressed a few times, and those cells that were the same after
 * every A, the same after every B, and another, are the ones to wait for. So log lines that stream beside are neither
 * waited for nor taken for the answer. SIZE is COLUMNSxROWS; SETUP are keys pressed before, one by one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/random.h"

enum { MS = 1000, SECOND = 1000000, PAINT_MOST = 60 * SECOND, KEY_MOST = 2 * SECOND, SETTLE = 200 * MS, LESSONS = 4,
	WANTED_MOST = 16, PROCESSES_MOST = 64 };

struct terminal {
	int rows, columns;
	const char *wanted[WANTED_MOST];
	char **program;
	pid_t child;
	int fd;
	VTerm *vterm;
	VTermScreen *screen;
	size_t bytes;		/* read so far */
	int64_t last;		/* when the last of them came */
	char *text;		/* room for a line's */
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* The terminal */

static void answer(const char *bytes, size_t size, void *data)
{
	const struct terminal *t = data;
	if (write(t->fd, bytes, size) < 0)
		return;		/* the program left meanwhile */
}

static void terminal_start(struct terminal *t)
{
	struct winsize size = { .ws_row = (unsigned short)t->rows, .ws_col = (unsigned short)t->columns };
	t->vterm = vterm_new(t->rows, t->columns);
	vterm_set_utf8(t->vterm, 1);
	vterm_output_set_callback(t->vterm, answer, t);
	t->screen = vterm_obtain_screen(t->vterm);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	t->text = xmalloc((size_t)t->columns * 8);
	t->bytes = 0;
	t->child = forkpty(&t->fd, NULL, NULL, &size);
	if (t->child < 0)
		die("there is no pty to be had");
	if (!t->child) {
		execvp(t->program[0], t->program);
		_exit(127);
	}
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
}

/* As when the line drops. */
static void terminal_end(struct terminal *t)
{
	close(t->fd);
	for (int i = 0; waitpid(t->child, NULL, WNOHANG) == 0; i++) {
		if (i == 1000)
			kill(t->child, SIGKILL);
		usleep(MS);
	}
	vterm_free(t->vterm);
	free(t->text);
}

/* Takes in what comes until nothing more waits; at most until `until`. 0: nothing came. */
static int terminal_read(struct terminal *t, int64_t until)
{
	struct pollfd ready = { .fd = t->fd, .events = POLLIN };
	char chunk[65536];
	int64_t left = until - clock_monotonic();
	int came = 0;
	if (poll(&ready, 1, left > 0 ? (int)((left + MS - 1) / MS) : 0) <= 0)
		return 0;
	for (ssize_t n; (n = read(t->fd, chunk, sizeof chunk)) != 0; came = 1) {
		if (n < 0 && errno == EAGAIN)
			return came;
		if (n < 0)
			break;
		t->last = clock_monotonic();
		t->bytes += (size_t)n;
		vterm_input_write(t->vterm, chunk, (size_t)n);
	}
	die("the program ended by itself");
	return 0;
}

static void terminal_wait(struct terminal *t, int64_t time)
{
	int64_t until = clock_monotonic() + time;
	while (clock_monotonic() < until)
		terminal_read(t, until);
}

static const char *line_of(struct terminal *t, int row)
{
	VTermRect line = { .start_row = row, .end_row = row + 1, .start_col = 0, .end_col = t->columns };
	size_t n = vterm_screen_get_text(t->screen, t->text, (size_t)t->columns * 8 - 1, line);
	t->text[n] = '\0';
	return t->text;
}

static int shows(struct terminal *t, const char *wanted)
{
	for (int row = 0; row < t->rows; row++)
		if (strstr(line_of(t, row), wanted))
			return 1;
	return 0;
}

static int shows_all(struct terminal *t)
{
	for (const char *const *wanted = t->wanted; *wanted; wanted++)
		if (!shows(t, *wanted))
			return 0;
	return 1;
}

static void print_screen(struct terminal *t)
{
	for (int row = 0; row < t->rows; row++)
		fprintf(stderr, "%s\n", line_of(t, row));
}

static void complain(struct terminal *t)
{
	print_screen(t);
	for (const char *const *wanted = t->wanted; *wanted; wanted++)
		if (!shows(t, *wanted))
			fprintf(stderr, "bench: %s never showed: %s\n", t->program[0], *wanted);
	exit(1);
}

static int64_t terminal_paint(struct terminal *t)
{
	int64_t start = clock_monotonic(), until = start + PAINT_MOST;
	terminal_start(t);
	while (!terminal_read(t, until) || !shows_all(t))
		if (clock_monotonic() > until)
			complain(t);
	return t->last - start;
}

static void press(const struct terminal *t, const char *keys)
{
	if (write(t->fd, keys, strlen(keys)) < 0)
		die("the program takes no keys");
}

/* Keys and what they change */

enum aspect { LOOK, TEXT, ASPECTS };

static uint64_t seen(const struct terminal *t, int cell, enum aspect aspect)
{
	VTermScreenCell c;
	vterm_screen_get_cell(t->screen, (VTermPos){ cell / t->columns, cell % t->columns }, &c);
	if (aspect == TEXT)
		return c.chars[0];
	vterm_screen_convert_color_to_rgb(t->screen, &c.fg);
	vterm_screen_convert_color_to_rgb(t->screen, &c.bg);
	uint64_t attributes = c.attrs.bold | c.attrs.underline << 1 | c.attrs.italic << 3 | c.attrs.reverse << 4;
	uint64_t fg = (uint64_t)c.fg.rgb.red << 16 | (uint64_t)c.fg.rgb.green << 8 | c.fg.rgb.blue;
	uint64_t bg = (uint64_t)c.bg.rgb.red << 16 | (uint64_t)c.bg.rgb.green << 8 | c.bg.rgb.blue;
	return random_mix(fg << 24 | bg, attributes);
}

/* One aspect of one cell, after key 0 and after key 1. */
struct sign {
	int cell;
	enum aspect aspect;
	uint64_t after[2];
	int is_unsteady;
};

struct lesson {
	struct sign *signs;
	size_t count;
};

/* Where the look tells, the text is not asked: it may be a time that goes on. */
static void keep_what_tells(struct lesson *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct sign *s = &l->signs[i];
		int is_told = kept && l->signs[kept - 1].cell == s->cell;
		if (!s->is_unsteady && s->after[0] != s->after[1] && !is_told)
			l->signs[kept++] = *s;
	}
	l->count = kept;
}

static void learn(struct lesson *l, struct terminal *t, const char *const keys[2])
{
	l->count = (size_t)(t->rows * t->columns * ASPECTS);
	l->signs = xcalloc(l->count, sizeof *l->signs);
	for (int press_number = 0; press_number < 2 * LESSONS; press_number++) {
		int key = press_number % 2;
		press(t, keys[key]);
		terminal_wait(t, SETTLE);
		for (size_t i = 0; i < l->count; i++) {
			struct sign *s = &l->signs[i];
			s->cell = (int)i / ASPECTS;
			s->aspect = (enum aspect)(i % ASPECTS);
			uint64_t now = seen(t, s->cell, s->aspect);
			s->is_unsteady |= press_number > 1 && now != s->after[key];
			s->after[key] = now;
		}
	}
	keep_what_tells(l);
	if (!l->count) {
		print_screen(t);
		die("the keys change nothing that can be seen");
	}
}

static int is_as_after(const struct lesson *l, int key, const struct terminal *t)
{
	for (size_t i = 0; i < l->count; i++)
		if (seen(t, l->signs[i].cell, l->signs[i].aspect) != l->signs[i].after[key])
			return 0;
	return 1;
}

static void press_and_time(struct terminal *t, const struct lesson *lesson, const char *keys, int key)
{
	size_t bytes = t->bytes;
	int64_t start = clock_monotonic(), until = start + KEY_MOST;
	press(t, keys);
	while (!terminal_read(t, until) || !is_as_after(lesson, key, t))
		if (clock_monotonic() > until) {
			print_screen(t);
			die("a key was never answered");
		}
	printf("%.3f %zu\n", (double)(t->last - start) / MS, t->bytes - bytes);
}

static void press_all(struct terminal *t, const char *setup)
{
	terminal_wait(t, SETTLE);
	for (; *setup; setup++) {
		press(t, (char[]){ *setup, '\0' });
		terminal_wait(t, SETTLE);
	}
}

static void time_keys(struct terminal *t, int times, const char *setup, const char *const keys[2])
{
	struct lesson lesson = {0};
	srand(1);
	press_all(t, setup);
	learn(&lesson, t, keys);
	for (int i = 0; i < times; i++) {
		press_and_time(t, &lesson, keys[i % 2], i % 2);
		terminal_wait(t, (10 + rand() % 20) * MS);
	}
	free(lesson.signs);
}

/* Processes, as proc(5) shows them */

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[96];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

static void add_process(pid_t *list, int *count, pid_t pid)
{
	char name[64];
	int child;
	if (*count == PROCESSES_MOST)
		return;
	list[(*count)++] = pid;
	snprintf(name, sizeof name, "task/%d/children", (int)pid);
	FILE *f = open_proc(pid, name);
	while (f && fscanf(f, "%d", &child) == 1)
		add_process(list, count, child);
	if (f)
		fclose(f);
}

/* Sum of the lines that begin with name, in the file's unit. */
static long sum_of(pid_t pid, const char *file, const char *name)
{
	char line[256];
	long value, sum = 0;
	FILE *f = open_proc(pid, file);
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), "%ld", &value) == 1)
			sum += value;
	if (f)
		fclose(f);
	return sum;
}

struct usage {
	long wakeups, memory_kb;
	double cpu_ms;
};

static struct usage usage_of(pid_t pid)
{
	struct usage u = {0};
	pid_t list[PROCESSES_MOST];
	int count = 0;
	add_process(list, &count, pid);
	for (int i = 0; i < count; i++) {
		double nanoseconds = 0;
		FILE *f = open_proc(list[i], "schedstat");
		if (f && fscanf(f, "%lf", &nanoseconds) == 1)
			u.cpu_ms += nanoseconds / 1e6;
		if (f)
			fclose(f);
		u.wakeups += sum_of(list[i], "status", "voluntary_ctxt_switches:");
		u.memory_kb += sum_of(list[i], "smaps_rollup", "Private_Clean:");
		u.memory_kb += sum_of(list[i], "smaps_rollup", "Private_Dirty:");
	}
	return u;
}

/* t: whose bytes are taken in meanwhile; NULL: nobody's. */
static void watch(pid_t pid, int64_t time, struct terminal *t)
{
	struct usage before = usage_of(pid);
	if (t)
		terminal_wait(t, time);
	else
		usleep((useconds_t)time);
	struct usage after = usage_of(pid);
	printf("wakeups %ld\ncpu %.2f\nmemory %.2f\n", after.wakeups - before.wakeups, after.cpu_ms - before.cpu_ms,
			(double)after.memory_kb / 1024);
}

static void idle(struct terminal *t, int64_t time)
{
	terminal_wait(t, 2 * SECOND);
	size_t before = t->bytes;
	watch(t->child, time, t);
	printf("bytes %zu\n", t->bytes - before);
}

/* Marks */

/* Those of a line that are newer than `shown`, which was on the screen before; *newest: of all so far. */
static void age_line(const char *line, int64_t shown, int64_t *newest, int64_t now)
{
	for (const char *at = strchr(line, '@'); at; at = strchr(at + 1, '@')) {
		const char *mark = at;
		while (mark > line && mark[-1] >= '0' && mark[-1] <= '9')
			mark--;
		int64_t made = atoll(mark);
		if (made <= shown || made > now)
			continue;
		printf("%s %.3f\n", made - *newest > SECOND / 2 ? "first" : "later", (double)(now - made) / MS);
		*newest = made > *newest ? made : *newest;
	}
}

static void age(struct terminal *t, int64_t time)
{
	int64_t newest = clock_monotonic(), until = newest + time;
	while (terminal_read(t, until) || clock_monotonic() < until) {
		int64_t shown = newest;
		for (int row = 0; row < t->rows; row++)
			age_line(line_of(t, row), shown, &newest, t->last);
	}
}

/* Arguments */

static int usage(void)
{
	fprintf(stderr, "usage: terminal paint|keys|idle|stream|age SIZE …; see the top of tests/bench/terminal.c\n");
	return 2;
}

static int read_arguments(struct terminal *t, char **argv, int wanted_at)
{
	char **at = argv + wanted_at;
	for (int i = 0; *at && strcmp(*at, "--") && i < WANTED_MOST - 1; at++)
		t->wanted[i++] = *at;
	if (!*at || !at[1] || sscanf(argv[2], "%dx%d", &t->columns, &t->rows) != 2)
		return -1;
	t->program = at + 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct terminal t = {0};
	const char *what = argc > 3 ? argv[1] : "";
	int is_keys = !strcmp(what, "keys"), is_age = !strcmp(what, "age"), is_stream = is_age || !strcmp(what, "stream");
	if (!strcmp(what, "watch")) {
		watch(atoi(argv[3]), (int64_t)(atof(argv[2]) * SECOND), NULL);
		return 0;
	}
	if (argc < (is_keys ? 9 : 6) || read_arguments(&t, argv, is_keys ? 7 : is_stream ? 5 : 4) < 0)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; !strcmp(what, "paint") && i < atoi(argv[3]); i++) {
		printf("%.1f\n", (double)terminal_paint(&t) / MS);
		fflush(stdout);
		terminal_end(&t);
	}
	if (!strcmp(what, "paint"))
		return 0;
	terminal_paint(&t);
	if (is_keys)
		time_keys(&t, atoi(argv[3]), argv[4], (const char *const[]){ argv[5], argv[6] });
	if (is_stream)
		press_all(&t, argv[4]);
	if (is_age)
		age(&t, (int64_t)(atof(argv[3]) * SECOND));
	else if (is_stream || !strcmp(what, "idle"))
		idle(&t, (int64_t)(atof(argv[3]) * SECOND));
	terminal_end(&t);
	return 0;
}
