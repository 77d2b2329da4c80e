/* Styles and themes. A theme names, for each style, up to three looks: for 256 colours, for the user's 16, for none. What
 * it leaves out is derived: 16 colours take the nearest of xterm's defaults, no colours turn what had a background round.
 *
 * Colours written as #rrggbb become the nearest of xterm's fixed ones (16..255), never of the first sixteen: those
 * are the user's own and may be anything. That is also why a mark (the current row) keeps the colour of the text under it only
 * where both are fixed: their contrast can be known then, and a test knows it.
 */
#include "tui/style.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/embedded.h"

enum { FIXED_FIRST = 16, FILE_MAX = 1 << 16 };

static const char *const style_names[STYLE_COUNT] = {
#define X(id, name, meaning) name,
	STYLES(X)
#undef X
};

static const char *const color_names[16] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
	"bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan",
	"bright-white",
};

/* xterm's defaults, for what only has a fixed colour. */
static const uint32_t palette_rgb[16] = {
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};

static const struct {
	const char *name;
	unsigned attribute;
} attribute_names[] = {
	{ "bold", LOOK_BOLD }, { "dim", LOOK_DIM }, { "italic", LOOK_ITALIC }, { "underline", LOOK_UNDERLINE },
	{ "reverse", LOOK_REVERSE },
};

const char *style_name(enum style s)
{
	return style_names[s];
}

int style_find(const char *name)
{
	for (int i = 0; i < STYLE_COUNT; i++)
		if (!strcmp(style_names[i], name))
			return i;
	return -1;
}

uint32_t style_rgb(int color, uint32_t otherwise)
{
	static const uint8_t level[6] = { 0x00, 0x5f, 0x87, 0xaf, 0xd7, 0xff };

	if (color < 0 || color > 255)
		return otherwise;
	if (color < FIXED_FIRST)
		return palette_rgb[color];
	if (color >= 232)
		return (uint32_t)(8 + 10 * (color - 232)) * 0x010101;
	color -= FIXED_FIRST;
	return (uint32_t)level[color / 36] << 16 | (uint32_t)level[color / 6 % 6] << 8 | level[color % 6];
}

static double luminance(uint32_t rgb)
{
	static const double weight[3] = { 0.2126, 0.7152, 0.0722 };
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double v = (rgb >> (16 - 8 * i) & 0xff) / 255.0;
		sum += weight[i] * (v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
	}
	return sum;
}

double style_contrast(uint32_t a, uint32_t b)
{
	double la = luminance(a), lb = luminance(b);

	return la > lb ? (la + 0.05) / (lb + 0.05) : (lb + 0.05) / (la + 0.05);
}

/* The palette number from first..last whose colour is nearest. */
static int nearest(uint32_t rgb, int first, int last)
{
	int best = first;
	long best_distance = -1;

	for (int i = first; i <= last; i++) {
		uint32_t other = style_rgb(i, 0);
		long distance = 0;
		for (int shift = 0; shift <= 16; shift += 8) {
			long d = (long)(rgb >> shift & 0xff) - (long)(other >> shift & 0xff);
			distance += d * d;
		}
		if (best_distance < 0 || distance < best_distance) {
			best = i;
			best_distance = distance;
		}
	}
	return best;
}

static int parse_rgb(const char *word, uint32_t *rgb)
{
	if (word[0] != '#' || strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6)
		return -1;
	*rgb = (uint32_t)strtoul(word + 1, NULL, 16);
	return 0;
}

static int parse_color(const char *word, int16_t *color)
{
	uint32_t rgb;

	if (!strcmp(word, "default")) {
		*color = COLOR_NONE;
		return 0;
	}
	if (!parse_rgb(word, &rgb)) {
		*color = (int16_t)nearest(rgb, FIXED_FIRST, 255);
		return 0;
	}
	for (int i = 0; i < 16; i++)
		if (!strcmp(word, color_names[i])) {
			*color = (int16_t)i;
			return 0;
		}
	return -1;
}

static unsigned parse_attribute(const char *word)
{
	for (size_t i = 0; i < sizeof attribute_names / sizeof attribute_names[0]; i++)
		if (!strcmp(word, attribute_names[i].name))
			return attribute_names[i].attribute;
	return 0;
}

static const struct look plain_look = { COLOR_NONE, COLOR_NONE, 0 };

/* [COLOUR] [on COLOUR] [attribute…]; text is changed. */
static int parse_look(struct look *look, char *text, struct err *err)
{
	char *rest, *word = strtok_r(text, " \t", &rest);

	*look = plain_look;
	if (!word)
		return err_set(err, "a look is missing: COLOUR, on COLOUR, bold, dim, italic, underline or reverse");
	for (int first = 1; word; first = 0, word = strtok_r(NULL, " \t", &rest)) {
		unsigned attribute = parse_attribute(word);
		if (attribute) {
			look->attributes |= attribute;
		} else if (!strcmp(word, "on")) {
			word = strtok_r(NULL, " \t", &rest);
			if (!word || parse_color(word, &look->background) < 0)
				return err_set(err, "behind `on` stands a colour: #rrggbb, default, or one of black to bright-white");
		} else if (!first || parse_color(word, &look->foreground) < 0) {
			return err_set(err, "`%s` is no colour (#rrggbb, default, black to bright-white) and no attribute "
			               "(bold, dim, italic, underline, reverse)", word);
		}
	}
	return 0;
}

static int16_t to_palette(int16_t color)
{
	return color < FIXED_FIRST ? color : (int16_t)nearest(style_rgb(color, 0), 0, 15);
}

static void derive(struct look looks[DEPTH_COUNT], int given)
{
	const struct look *full = &looks[DEPTH_256];

	if (given < 2)
		looks[DEPTH_16] = (struct look){ to_palette(full->foreground), to_palette(full->background), full->attributes };
	if (given < 3)
		looks[DEPTH_MONO] = (struct look){ COLOR_NONE, COLOR_NONE,
			full->attributes | (full->background != COLOR_NONE ? LOOK_REVERSE : 0) };
}

static int parse_style(struct theme *t, int style, char *looks, struct err *err)
{
	static const enum style_depth order[DEPTH_COUNT] = { DEPTH_256, DEPTH_16, DEPTH_MONO };
	struct look *out = t->looks[style];
	int given = 0;

	for (char *part = looks; part; given++) {
		char *bar = strchr(part, '|');
		if (bar)
			*bar++ = '\0';
		if (given == DEPTH_COUNT)
			return err_set(err, "at most three looks: 256 colours | 16 colours | no colours");
		if (parse_look(&out[order[given]], part, err) < 0)
			return -1;
		part = bar;
	}
	out[DEPTH_MONO].foreground = out[DEPTH_MONO].background = COLOR_NONE;
	derive(out, given);
	return 0;
}

/* A # that stands alone begins a comment; #rrggbb does not. */
static void cut_comment(char *line)
{
	for (char *p = line; (p = strchr(p, '#')); p++)
		if (p == line || (isspace((unsigned char)p[-1]) && (!p[1] || isspace((unsigned char)p[1])))) {
			*p = '\0';
			return;
		}
}

static int parse_line(struct theme *t, char *line, struct err *err)
{
	char *name = line + strspn(line, " \t\r"), *rest;
	uint32_t *assumed;
	int style;

	cut_comment(line);
	line[strcspn(line, "\r")] = '\0';
	if (!*name)
		return 0;
	rest = name + strcspn(name, " \t");
	if (*rest)
		*rest++ = '\0';
	assumed = !strcmp(name, "foreground") ? &t->foreground : !strcmp(name, "background") ? &t->background : NULL;
	if (assumed) {
		char *last, *word = strtok_r(rest, " \t", &last);
		if (!word || parse_rgb(word, assumed) < 0)
			return err_set(err, "%s is #rrggbb", name);
		return 0;
	}
	style = style_find(name);
	if (style < 0)
		return err_set(err, "`%s` is no style", name);
	return parse_style(t, style, rest, err);
}

int theme_parse(struct theme *t, const char *name, const char *text, size_t size, struct err *err)
{
	const char *end = text + size;

	*t = (struct theme){ .foreground = 0xd0d0d0, .background = 0x000000 };
	snprintf(t->name, sizeof t->name, "%s", name);
	for (int s = 0; s < STYLE_COUNT; s++)
		for (int d = 0; d < DEPTH_COUNT; d++)
			t->looks[s][d] = plain_look;
	for (int number = 1; text < end; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);
		char line[256];
		if (length >= sizeof line)
			return err_set(err, "%s:%d: a line of a theme has at most %zu bytes", name, number, sizeof line - 1);
		memcpy(line, text, length);
		line[length] = '\0';
		if (parse_line(t, line, err) < 0)
			return err_prefix(err, "%s:%d", name, number);
		text += length + 1;
	}
	return 0;
}

/* What there is, for the error. */
static void name_themes(struct buf *out)
{
	for (const struct embedded *file = embedded_files; file->path; file++) {
		int end = (int)strlen(file->path) - (int)strlen(".theme");
		if (!strncmp(file->path, "themes/", 7) && end > 7 && !strcmp(file->path + end, ".theme"))
			buf_printf(out, "%s%.*s", out->len ? ", " : "", end - 7, file->path + 7);
	}
}

static int load_file(struct theme *t, const char *path, struct err *err)
{
	struct buf text = { 0 };
	int result;

	if (buf_read_file(&text, path, FILE_MAX) < 0)
		return err_set(err, "the theme %s cannot be read: %s", path, strerror(errno));
	result = theme_parse(t, path, buf_str(&text), text.len, err);
	buf_release(&text);
	return result;
}

int theme_load(struct theme *t, const char *name, struct err *err)
{
	char path[64];
	const struct embedded *file;
	struct buf names = { 0 };

	if (strchr(name, '/'))
		return load_file(t, name, err);
	snprintf(path, sizeof path, "themes/%s.theme", name);
	file = embedded_find(path);
	if (file)
		return theme_parse(t, name, (const char *)file->data, file->size, err);
	name_themes(&names);
	err_set(err, "there is no theme `%s`; there are %s, and any file whose path has a /", name, buf_str(&names));
	buf_release(&names);
	return -1;
}

static struct look lay_over(struct look below, struct look mark)
{
	int contrast_known = below.foreground >= FIXED_FIRST && mark.background >= FIXED_FIRST;

	mark.attributes |= below.attributes & ~(unsigned)LOOK_REVERSE;
	if (contrast_known)
		mark.foreground = below.foreground;
	return mark;
}

struct look theme_look(const struct theme *t, enum style s, unsigned flags, enum style_depth depth)
{
	struct look look = t->looks[s][depth];
	int has_ground = look.background != COLOR_NONE || look.attributes & LOOK_REVERSE;

	if (flags & CELL_MATCH) {
		struct look match = t->looks[STYLE_MATCH][depth];
		match.attributes |= look.attributes & LOOK_BOLD;
		return match;
	}
	/* What has a ground of its own (changed words, an alert) keeps it in the current row. */
	if (has_ground || !(flags & (CELL_SELECTED | CELL_CURRENT)))
		return look;
	return lay_over(look, t->looks[flags & CELL_SELECTED ? STYLE_SELECTED : STYLE_CURRENT][depth]);
}

enum style_depth style_depth(const char *wanted, const char *no_color, int terminal_colors)
{
	if (wanted && !strcmp(wanted, "mono"))
		return DEPTH_MONO;
	if (wanted && !strcmp(wanted, "16"))
		return DEPTH_16;
	if (wanted && (!strcmp(wanted, "256") || !strcmp(wanted, "truecolor")))
		return DEPTH_256;
	if ((no_color && *no_color) || terminal_colors < 8)
		return DEPTH_MONO;
	return terminal_colors >= 256 ? DEPTH_256 : DEPTH_16;
}
