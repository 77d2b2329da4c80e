/* skydeck judge: the decision rule alone, on pairs from a file. It needs no repository and no engine, so that anyone
 * can check a verdict, or judge numbers that were measured elsewhere.
 *
 * core/judge/recording reads the file and core/judge/trial decides; here is only what stands around them: options,
 * reading, printing, exit codes. Everything is checked before anything is judged, so bad data prints no half verdict.
 * There is no quarantine and there are no guards: a recording holds the deciding metric alone.
 *
 * Nor does it say whether the binaries of phase 2 were linked anew: that demand on small gains counts as met. */
#include "core/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/judge/evidence.h"
#include "core/judge/recording.h"
#include "core/judge/rule.h"
#include "core/judge/trial.h"

enum { FILE_LIMIT = 16 << 20 };
enum { EXIT_UNDECIDED = 10, EXIT_REJECTED = 11 };

struct options {
	int json, steps;
	enum recording_direction direction;
	double alpha;		/* NaN: not given */
	const char *file;
};

static int read_text(struct buf *text, const char *file, struct err *err)
{
	char chunk[16384];
	size_t n;
	if (strcmp(file, "-")) {
		if (buf_read_file(text, file, FILE_LIMIT))
			return err_set(err, "cannot read %s: %s", file, strerror(errno));
		return 0;
	}
	while (text->len <= FILE_LIMIT && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
		buf_add(text, chunk, n);
	if (ferror(stdin) || text->len > FILE_LIMIT)
		return err_set(err, "cannot read standard input: %s", strerror(ferror(stdin) ? errno : EFBIG));
	return 0;
}

static const char *name_of(const struct options *o)
{
	return strcmp(o->file, "-") ? o->file : "standard input";
}

static int read_recording(struct recording *recording, const struct options *o, struct err *err)
{
	struct buf text = {0};
	int rc = read_text(&text, o->file, err);
	if (!rc && recording_parse(recording, text.data, text.len, o->direction, err))
		rc = err_prefix(err, "%s", name_of(o));
	buf_release(&text);
	return rc;
}

static double percent(double d)
{
	return 100 * expm1(d);
}

static void print_object(struct buf *out, struct json *object)
{
	json_print(object, out);
	buf_putc(out, '\n');
	json_free(object);
}

static void print_step(struct buf *out, const struct trial *t, int json, int phase, enum decision decision)
{
	const struct evidence *e = &t->evidence;
	double d = e->d[e->count - 1], value = evidence_value(e, t->rule);
	const char *verdict = decision == TRIAL_CONTINUE ? NULL : trial_decision_name(decision);
	if (!json) {
		if (e->count == 1)
			buf_puts(out, "pair  phase  change %  scale %    evidence    lambda  verdict\n");
		buf_printf(out, "%4zu  %5d  %+8.2f  %7.2f  %10.4g  %8.3g%s%s\n", e->count, phase, percent(d),
			percent(e->scale), value, t->lambda, verdict ? "  " : "", verdict ? verdict : "");
		return;
	}
	struct json *object = json_object();
	json_put_integer(object, "n", (int64_t)e->count);
	json_put_integer(object, "phase", phase);
	json_put_number(object, "d", d);
	json_put_number(object, "scale", e->scale);
	json_put_number(object, "evidence", value);
	json_put_number(object, "lambda", t->lambda);
	json_put_string(object, "verdict", verdict);
	print_object(out, object);
}

static void print_report_json(struct buf *out, const struct trial_report *r, const char *verdict)
{
	struct json *object = json_object();
	json_put_string(object, "verdict", verdict);
	json_put_integer(object, "n", (int64_t)r->pairs);
	json_put_integer(object, "n2", (int64_t)r->confirmed);
	json_put_number(object, "evidence", r->evidence);
	json_put_number(object, "needed", r->needed);
	json_put_number(object, "lambda", r->lambda);
	json_put_number(object, "hl", r->hl);
	json_put_number(object, "low", r->low);
	json_put_number(object, "high", r->high);
	json_put_number(object, "coverage", r->coverage);
	json_put_number(object, "shrunk", r->shrunk);
	print_object(out, object);
}

/* keep: +5.18 % [4.97 5.50], evidence 1432 of 400, 11 pairs, 5 of them on the second worker */
static void print_report(struct buf *out, const struct trial_report *r, const char *verdict)
{
	if (!r->pairs) {
		buf_printf(out, "%s: no pairs\n", verdict);
		return;
	}
	buf_printf(out, "%s: %+.2f %%", verdict, percent(r->hl));
	if (!isnan(r->low))
		buf_printf(out, " [%.2f %.2f]", percent(r->low), percent(r->high));
	buf_printf(out, ", evidence %.4g of %.4g, %zu pair%s, %zu of them on the second worker\n", r->evidence,
		r->needed, r->pairs, r->pairs == 1 ? "" : "s", r->confirmed);
	buf_printf(out, "shrunk estimate %+.2f %%, p %.2g\n", percent(r->shrunk), r->p);
}

/* Feeds the pairs to the rule until it decides or they end. Those that are left when phase 2 begins are not used. */
static enum decision judge(struct recording *recording, struct trial *t, const struct options *o, struct buf *out)
{
	enum decision decision = TRIAL_SWITCH;
	for (size_t i = 0; i < recording->count && i < 2 && decision == TRIAL_SWITCH; i++) {
		struct recorded_worker *w = &recording->workers[i];
		decision = TRIAL_CONTINUE;
		trial_enter_worker(t);
		for (size_t k = 0; k < w->count && decision == TRIAL_CONTINUE; k++) {
			decision = trial_pair(t, &w->history, w->pairs[k]);
			if (o->steps)
				print_step(out, t, o->json, (int)i + 1, decision);
		}
		trial_leave_worker(t, &w->history);
	}
	return decision;
}

static int exit_code(enum decision decision)
{
	return decision == TRIAL_KEEP ? EXIT_DONE : decision == TRIAL_REJECT ? EXIT_REJECTED : EXIT_UNDECIDED;
}

static int judge_recording(struct recording *recording, const struct options *o, double alpha)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	struct trial t;
	struct buf out = {0};
	trial_init(&t, &rule, isnan(alpha) ? rule_alpha(&rule, 0) : alpha);
	t.relinked = 1;
	enum decision decision = judge(recording, &t, o, &out);
	const char *verdict = decision <= TRIAL_SWITCH ? "none" : trial_decision_name(decision);
	struct trial_report report = trial_report(&t);
	if (o->json)
		print_report_json(&out, &report, verdict);
	else
		print_report(&out, &report, verdict);
	fwrite(buf_str(&out), 1, out.len, stdout);
	buf_release(&out);
	trial_release(&t);
	return exit_code(decision);
}

static int read_options(struct options *o, int argc, char **argv, struct err *err)
{
	static const struct option names[] = {
		{"json", no_argument, NULL, 'j'},
		{"steps", no_argument, NULL, 's'},
		{"direction", required_argument, NULL, 'd'},
		{"alpha", required_argument, NULL, 'a'},
		{0},
	};
	char *end;
	int c;
	optind = 0;	/* glibc: start afresh, whoever used it before */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", names, NULL)) != -1)
		switch (c) {
		case 'j':
			o->json = 1;
			break;
		case 's':
			o->steps = 1;
			break;
		case 'd':
			o->direction = !strcmp(optarg, "higher") ? RECORDING_HIGHER : RECORDING_LOWER;
			if (o->direction == RECORDING_LOWER && strcmp(optarg, "lower"))
				return err_code(err, EXIT_USAGE, "--direction is higher or lower, not %s", optarg);
			break;
		case 'a':
			o->alpha = strtod(optarg, &end);
			if (*end || end == optarg)
				return err_code(err, EXIT_USAGE, "--alpha takes a number, not %s", optarg);
			o->alpha = isnan(o->alpha) ? 0 : o->alpha;	/* NaN means not given; 0 is as bad a level */
			break;
		case ':':
			return err_code(err, EXIT_USAGE, "%s takes a value", argv[optind - 1]);
		default:
			return err_code(err, EXIT_USAGE, "unknown option %s; see skydeck help judge", argv[optind - 1]);
		}
	if (argc - optind != 1)
		return err_code(err, EXIT_USAGE, "give one FILE, or - for standard input");
	o->file = argv[optind];
	return 0;
}

static int judge_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct options o = {.alpha = NAN};
	(void)cli;
	if (read_options(&o, argc, argv, err))
		return err_prefix(err, "judge");
	struct recording recording = {.alpha = NAN};
	int rc = read_recording(&recording, &o, err);
	double alpha = isnan(o.alpha) ? recording.alpha : o.alpha;
	if (!rc && !isnan(alpha) && !(alpha > 0 && alpha <= 1))
		rc = err_set(err, "%s: alpha is %g; it must be above 0 and at most 1",
			isnan(o.alpha) ? name_of(&o) : "--alpha", alpha);
	if (!rc)
		rc = judge_recording(&recording, &o, alpha);
	recording_release(&recording);
	return rc;
}

const struct cli_command judge_command = {
	.name = "judge",
	.args = "[--json] [--steps] [--direction higher|lower] [--alpha A] FILE|-",
	.help = "the decision rule alone, on pairs (JSON) or values of runs (CSV)",
	.options = "FILE\tJSON with pairs, or CSV with the header worker,round,arm,value; -: standard input\n"
		   "--steps\tone JSON object for each pair before the verdict\n"
		   "--json\tthe verdict as JSON, which is the default\n"
		   "--direction higher|lower\tCSV: which value is better; default: higher\n"
		   "--alpha A\tCSV: the error level, above 0, at most 1\n",
	.run = judge_run,
};
