/* The terminal, with ncurses as the engine that finds the difference between two screens and nothing else. newterm() writes to
 * a file in memory; after doupdate() the bytes of the frame stand there, and are written from here in one write. So a frame
 * is never half on the line: while an earlier one has not left, nothing is drawn, and what is drawn then is the latest state.
 * Pairs of colours are made once per theme: making them while drawing costs a second a frame (reference).
 *
 * Rows that did not change since the last frame are not even shown to ncurses. Characters whose width ncurses (the C library) sees
 * otherwise than the canvas become a replacement of the right width: a wrong guess would shift the rest of the row.
 *
 * The terminal is restored on every way out: by term_close, or by restore.c where the program has no say.
 */
#include "tui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tui/hyperlink.h"
#include "tui/restore.h"

enum { FLAG_COMBINATIONS = 8, COPY_MAX = 74994, PAIRS_MAX = 256, REPLACEMENT = 0xfffd, SYNCHRONIZED = 2026,
       ANSWER_WAIT = 100 /* milliseconds */ };

static const char modes_on[] = "\x1b[?2004h\x1b[?1004h", modes_off[] = "\x1b[?1006l\x1b[?1000l\x1b[?1004l\x1b[?2004l";
static const char mouse_on[] = "\x1b[?1000h\x1b[?1006h", mouse_off[] = "\x1b[?1006l\x1b[?1000l";
static const char ask_synchronized[] = "\x1b[?2026$p";
static const char frame_begin[] = "\x1b[?2026h", frame_end[] = "\x1b[?2026l";

struct ink {
	attr_t attributes;
	short pair;
};

struct term {
	struct own {
		int fd, is_ours, flags;	/* flags: what to set again where it is not ours */
	} in, out;
	int rows, columns;
	char name[64];
	int wants_ascii, mouse, asked, synchronized, gone;
	enum style_depth depth;
	FILE *frame, *null;
	SCREEN *screen;
	struct ink ink[STYLE_COUNT][FLAG_COMBINATIONS];
	struct theme theme;
	struct grid shown;		/* what ncurses has been given */
	int repaint;
	struct buf links;		/* what makes links of the frame's cells, behind what ncurses left */
	struct buf waiting;		/* bytes that the line did not take yet */
	uint64_t bytes, frames;
};

/* Adds a string of terminfo without its padding ($<…>). */
static void add_capability(const char *name, struct buf *out)
{
	const char *at = tigetstr(name);

	if (!at || at == (const char *)-1)
		return;
	while (*at) {
		const char *end = at[0] == '$' && at[1] == '<' ? strchr(at, '>') : NULL;
		if (end)
			at = end + 1;
		else
			buf_putc(out, *at++);
	}
}

/* Sequences that a terminal without them would print must not be sent to it. */
static int may_ask(const struct term *t)
{
	static const char *const names[] = { "xterm", "tmux", "alacritty", "foot", "wezterm", "kitty", "contour", "rxvt", "iterm" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strncmp(t->name, names[i], strlen(names[i])))
			return 1;
	return 0;
}

static void arm_restore(const struct term *t)
{
	struct buf out = { 0 };

	if (may_ask(t))
		buf_puts(&out, frame_end);
	buf_puts(&out, modes_off);
	add_capability("sgr0", &out);
	add_capability("cnorm", &out);
	if (tigetstr("rmcup"))
		add_capability("rmcup", &out);
	else
		buf_puts(&out, "\r\n");
	restore_arm(t->out.fd, out.data, out.len);
	buf_release(&out);
}

static void set_raw(struct term *t)
{
	struct termios raw;

	if (t->in.fd < 0 || tcgetattr(t->in.fd, &raw) < 0)
		return;
	restore_keep_termios(&raw);
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(t->in.fd, TCSANOW, &raw);
}

/* A description of our own of the same terminal: making it non-blocking must not reach the shell that shares the other. */
static struct own own_descriptor(int fd, int mode)
{
	const char *path = fd >= 0 && isatty(fd) ? ttyname(fd) : NULL;
	int ours = path ? open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	struct own own = { ours >= 0 ? ours : fd, ours >= 0, 0 };

	if (!own.is_ours && fd >= 0) {
		own.flags = fcntl(fd, F_GETFL);
		fcntl(fd, F_SETFL, own.flags | O_NONBLOCK);
	}
	return own;
}

static void give_back(struct own own)
{
	if (own.is_ours)
		close(own.fd);
	else if (own.fd >= 0)
		fcntl(own.fd, F_SETFL, own.flags);
}

static void set_locale(struct term *t)
{
	const char *name = setlocale(LC_CTYPE, ""), *charset = nl_langinfo(CODESET);

	t->wants_ascii = name && strcmp(charset, "UTF-8") && strcmp(charset, "ANSI_X3.4-1968");
	if (strcmp(charset, "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* Terminals of our day whose entries Debian does not have all do what xterm-256color says. */
static const char *fallback_name(const char *name)
{
	static const char *const modern[] = { "xterm-", "alacritty", "foot", "wezterm", "kitty", "ghostty", "contour", "rio", "iterm" };
	size_t size = strlen(name);

	if (size >= 9 && !strcmp(name + size - 9, "-256color"))
		return "xterm-256color";
	for (size_t i = 0; i < sizeof modern / sizeof modern[0]; i++)
		if (!strncmp(name, modern[i], strlen(modern[i])))
			return "xterm-256color";
	return "xterm";
}

/* newterm knows no terminal and asks here. It must be right at once: newterm sets the scroll region to that many rows, and in
 * what is below it a terminal may refuse to insert and delete characters. */
static void set_size(const char *name, int n)
{
	char digits[16];

	snprintf(digits, sizeof digits, "%d", n);
	setenv(name, digits, 1);
}

/* newterm sets handlers that end the process; what its signals mean is the loop's business. */
static int try_name(struct term *t, const char *name)
{
	static const int numbers[4] = { SIGTSTP, SIGINT, SIGTERM, SIGWINCH };
	struct sigaction before[4];

	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], NULL, &before[i]);
	set_size("LINES", t->rows);
	set_size("COLUMNS", t->columns);
	t->screen = newterm(name, t->frame, t->null);
	unsetenv("LINES");	/* else they freeze it */
	unsetenv("COLUMNS");
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &before[i], NULL);
	if (t->screen)
		snprintf(t->name, sizeof t->name, "%s", name);
	return t->screen != NULL;
}

static int open_screen(struct term *t, const char *name, struct err *err)
{
	int fd = memfd_create("frame", MFD_CLOEXEC);

	t->frame = fd < 0 ? NULL : fdopen(fd, "r+");
	t->null = fopen("/dev/null", "re");
	if (!t->frame || !t->null)
		return err_set(err, "no memory file for the screen: %s", strerror(errno));
	name = name && *name ? name : "xterm";
	if (!try_name(t, name) && !try_name(t, fallback_name(name)) && !try_name(t, "xterm") && !try_name(t, "vt100"))
		return err_set(err, "terminfo knows neither TERM=%s nor xterm: install ncurses-base, or use `skydeck run --plain`", name);
	if (!tigetstr("cup"))
		return err_set(err, "a terminal of the kind TERM=%s cannot move its cursor: set TERM to what it is, "
		               "or use `skydeck run --plain`", name);
	typeahead(-1);
	return 0;
}

/* Bright colours on a terminal of eight are bold ones. */
static int to_terminal_color(int color, int *bold)
{
	if (color >= 8 && COLORS < 16) {
		*bold = 1;
		return color & 7;
	}
	return color >= COLORS ? COLOR_NONE : color;
}

/* The number of a pair of colours, made when it is new. */
static short pair_of(int foreground, int background)
{
	static struct { int foreground, background; } pairs[PAIRS_MAX];
	static int count;
	int limit = COLOR_PAIRS < PAIRS_MAX ? COLOR_PAIRS : PAIRS_MAX;

	if (foreground == -2) {		/* forget them all */
		count = 0;
		return 0;
	}
	if (foreground == COLOR_NONE && background == COLOR_NONE)
		return 0;
	for (int i = 0; i < count; i++)
		if (pairs[i].foreground == foreground && pairs[i].background == background)
			return (short)(i + 1);
	if (count + 1 >= limit)
		return 0;
	pairs[count].foreground = foreground;
	pairs[count].background = background;
	init_extended_pair(++count, foreground, background);
	return (short)count;
}

static struct ink ink_of(struct look look)
{
	static const struct { unsigned look; attr_t attribute; } map[] = {
		{ LOOK_BOLD, A_BOLD }, { LOOK_DIM, A_DIM }, { LOOK_ITALIC, A_ITALIC }, { LOOK_UNDERLINE, A_UNDERLINE },
		{ LOOK_REVERSE, A_REVERSE },
	};
	struct ink ink = { 0 };
	int bold = 0, ignored = 0, foreground = to_terminal_color(look.foreground, &bold);

	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if (look.attributes & map[i].look)
			ink.attributes |= map[i].attribute;
	if (bold)
		ink.attributes |= A_BOLD;
	ink.pair = pair_of(foreground, to_terminal_color(look.background, &ignored));
	return ink;
}

void term_set_theme(struct term *t, const struct theme *theme)
{
	t->theme = *theme;
	pair_of(-2, 0);
	for (int s = 0; s < STYLE_COUNT; s++)
		for (unsigned flags = 0; flags < FLAG_COMBINATIONS; flags++)
			t->ink[s][flags] = ink_of(theme_look(theme, s, flags, t->depth));
	term_redraw(t);
}

static void start_colors(struct term *t, const char *wanted)
{
	int colors = has_colors() && start_color() == OK ? COLORS : 0;

	if (colors)
		use_default_colors();
	t->depth = style_depth(wanted, getenv("NO_COLOR"), colors);
	if (!colors)
		t->depth = DEPTH_MONO;
	else if (t->depth == DEPTH_256 && colors < 256)
		t->depth = DEPTH_16;
}

static void queue(struct term *t, const char *bytes)
{
	buf_puts(&t->waiting, bytes);
}

/* newterm has put the switch to the alternate screen into the frame file already: it leaves with the first frame. */
static void take_over(struct term *t)
{
	set_raw(t);
	arm_restore(t);
	queue(t, modes_on);
	if (t->mouse)
		queue(t, mouse_on);
	if (may_ask(t) && t->in.fd >= 0) {
		queue(t, ask_synchronized);
		t->asked = 1;
	}
}

struct term *term_open(const struct term_options *options, struct err *err)
{
	struct term *t = xcalloc(1, sizeof *t);

	t->in = own_descriptor(options->in, O_RDONLY);
	t->out = own_descriptor(options->out, O_WRONLY);
	t->mouse = options->mouse;
	t->rows = options->rows > 0 ? options->rows : 24;
	t->columns = options->columns > 0 ? options->columns : 80;
	restore_keep_termios(NULL);
	set_locale(t);
	term_measure(t);
	if (open_screen(t, options->name, err) < 0) {
		term_close(t);
		return NULL;
	}
	start_colors(t, options->colors);
	resizeterm(t->rows, t->columns);
	grid_init(&t->shown, t->rows, t->columns);
	term_set_theme(t, options->theme);
	take_over(t);
	if (options->guard)
		restore_start_guard();
	restore_on_fatal_signals();
	return t;
}

/* An answer that is still on its way must not be typed into the shell. */
static void drop_answers(struct term *t)
{
	struct pollfd ready = { .fd = t->in.fd, .events = POLLIN };

	if (t->asked && isatty(t->in.fd) && poll(&ready, 1, ANSWER_WAIT) > 0)
		tcflush(t->in.fd, TCIFLUSH);
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (!t->gone) {
		drop_answers(t);
		restore_now();
	}
	restore_disarm();
	restore_end_guard();
	if (t->screen) {
		endwin();
		delscreen(t->screen);
	}
	if (t->frame)
		fclose(t->frame);
	if (t->null)
		fclose(t->null);
	give_back(t->out);
	give_back(t->in);
	buf_release(&t->links);
	grid_release(&t->shown);
	buf_release(&t->waiting);
	free(t);
}

int term_in(const struct term *t)
{
	return t->in.fd;
}

int term_out(const struct term *t)
{
	return t->out.fd;
}

int term_rows(const struct term *t)
{
	return t->rows;
}

int term_columns(const struct term *t)
{
	return t->columns;
}

const char *term_name(const struct term *t)
{
	return t->name;
}

int term_wants_ascii(const struct term *t)
{
	return t->wants_ascii;
}

int term_measure(struct term *t)
{
	struct winsize size;
	int rows = t->rows, columns = t->columns;

	if (ioctl(t->out.fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return 0;
	t->rows = size.ws_row;
	t->columns = size.ws_col;
	return t->rows != rows || t->columns != columns;
}

long term_read(struct term *t, char *bytes, size_t size)
{
	ssize_t n = read(t->in.fd, bytes, size);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	t->gone = 1;
	return -1;
}

int term_flush(struct term *t)
{
	while (t->waiting.len) {
		ssize_t n = write(t->out.fd, t->waiting.data, t->waiting.len);
		if (n > 0) {
			t->bytes += (uint64_t)n;
			buf_consume(&t->waiting, (size_t)n);
		} else if (n < 0 && errno == EAGAIN) {
			return 1;
		} else if (n == 0 || errno != EINTR) {
			t->gone = 1;
			return -1;
		}
	}
	return 0;
}

static void to_curses(const struct term *t, const struct cell *cell, cchar_t *out)
{
	const struct ink *ink = &t->ink[cell->style][cell->flags & (FLAG_COMBINATIONS - 1)];
	wchar_t text[3] = { (wchar_t)cell->code, 0, 0 };

	if (cell->mark && wcwidth((wchar_t)cell->mark) == 0)
		text[1] = (wchar_t)cell->mark;
	setcchar(out, text, ink->attributes, ink->pair, NULL);
}

/* Hands a row to ncurses: one element a character, whatever its width. */
static void put_row(const struct term *t, const struct grid *g, int y)
{
	cchar_t *row = xcalloc((size_t)g->columns + 1, sizeof *row);
	int n = 0;

	for (int x = 0; x < g->columns; x++) {
		struct cell cell = *grid_cell(g, y, x);
		if (!cell.width)
			continue;
		if (wcwidth((wchar_t)cell.code) != cell.width) {
			cell.code = REPLACEMENT;
			cell.mark = 0;
			to_curses(t, &cell, &row[n++]);
			cell.code = ' ';
			if (cell.width == 1)
				continue;
		}
		to_curses(t, &cell, &row[n++]);
	}
	mvwadd_wchnstr(stdscr, y, 0, row, n);
	free(row);
}

static void put_cursor(const struct grid *g)
{
	leaveok(stdscr, g->cursor_y < 0);
	if (g->cursor_y >= 0)
		wmove(stdscr, g->cursor_y, g->cursor_x);
	curs_set(g->cursor_y >= 0 && g->cursor_shown);
}

/* Moves the bytes that ncurses left in the frame file to what waits for the line. */
static void take_frame(struct term *t)
{
	int fd = fileno(t->frame);
	off_t size;
	char *bytes;

	fflush(t->frame);
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 && !t->links.len)
		return;
	bytes = xmalloc((size_t)size);
	if (pread(fd, bytes, (size_t)size, 0) == size) {
		if (t->synchronized)
			queue(t, frame_begin);
		buf_add(&t->waiting, bytes, (size_t)size);
		buf_add(&t->waiting, buf_str(&t->links), t->links.len);
		if (t->synchronized)
			queue(t, frame_end);
		t->frames++;
	}
	free(bytes);
	buf_truncate(&t->links, 0);
	if (ftruncate(fd, 0) == 0)
		lseek(fd, 0, SEEK_SET);
}

static void fit_screen(struct term *t, const struct grid *g)
{
	if (g->rows == t->shown.rows && g->columns == t->shown.columns)
		return;
	resizeterm(g->rows, g->columns);
	grid_resize(&t->shown, g->rows, g->columns);
	t->repaint = 1;
}

/* Terminals of 8 colours show the bright ones as bold: there links stay text. */
static int knows_links(const struct term *t)
{
	return may_ask(t) && (t->depth == DEPTH_MONO || COLORS >= 16);
}

int term_draw(struct term *t, const struct grid *g)
{
	size_t row_size = (size_t)g->columns * sizeof *g->cells;
	int busy = term_flush(t), links = g->link_count || t->shown.link_count;
	char *is_changed;

	if (busy)
		return busy;
	if (g->rows < 1 || g->columns < 1)
		return 0;
	fit_screen(t, g);
	is_changed = xcalloc((size_t)g->rows, 1);
	for (int y = 0; y < g->rows; y++) {
		size_t at = (size_t)y * (size_t)g->columns;
		if (!t->repaint && !memcmp(&t->shown.cells[at], &g->cells[at], row_size))
			continue;
		memcpy(&t->shown.cells[at], &g->cells[at], row_size);
		put_row(t, g, y);
		is_changed[y] = 1;
	}
	put_cursor(g);
	if (t->repaint)
		clearok(stdscr, TRUE);
	t->repaint = 0;
	wnoutrefresh(stdscr);
	doupdate();
	if (links && knows_links(t))
		hyperlink_overlay(&t->shown, g, is_changed, &t->theme, t->depth, &t->links);
	if (links)
		grid_copy_links(&t->shown, g);
	free(is_changed);
	take_frame(t);
	return term_flush(t) < 0 ? -1 : 0;
}

void term_redraw(struct term *t)
{
	t->repaint = 1;
}

void term_set_mouse(struct term *t, int on)
{
	t->mouse = on;
	queue(t, on ? mouse_on : mouse_off);
	term_flush(t);
}

void term_bell(struct term *t)
{
	queue(t, "\a");
	term_flush(t);
}

int term_copy(struct term *t, const char *text, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (size > COPY_MAX)
		return -1;
	queue(t, "\x1b]52;c;");
	for (size_t i = 0; i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		unsigned v = 0;
		for (size_t j = 0; j < 3; j++)
			v = v << 8 | (j < n ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			buf_putc(&t->waiting, j <= n ? digits[v >> (18 - 6 * j) & 63] : '=');
	}
	queue(t, "\a");
	term_flush(t);
	return 0;
}

void term_mode_report(struct term *t, int mode, int value)
{
	if (mode != SYNCHRONIZED)
		return;
	t->asked = 0;
	t->synchronized = value == 1 || value == 2;
}

void term_leave(struct term *t)
{
	term_flush(t);
	restore_now();
}

void term_return(struct term *t)
{
	struct buf again = { 0 };

	add_capability("smcup", &again);
	queue(t, buf_str(&again));
	buf_release(&again);
	take_over(t);
	term_measure(t);
	curs_set(1);	/* ncurses believes it is hidden; the shell has shown it */
	term_redraw(t);
}

void term_suspend(struct term *t)
{
	struct sigaction stop = { .sa_handler = SIG_DFL }, old;
	sigset_t only, before;

	if (!sigaction(SIGTSTP, NULL, &old) && old.sa_handler == SIG_IGN)
		return;
	term_leave(t);
	sigemptyset(&only);
	sigaddset(&only, SIGTSTP);
	sigaction(SIGTSTP, &stop, &old);
	sigprocmask(SIG_UNBLOCK, &only, &before);
	kill(0, SIGTSTP);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGTSTP, &old, NULL);
	term_return(t);
}

uint64_t term_bytes(const struct term *t)
{
	return t->bytes;
}

uint64_t term_frames(const struct term *t)
{
	return t->frames;
}
