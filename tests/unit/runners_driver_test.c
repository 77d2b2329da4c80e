/* The driver script, as a shell runs it, and the reader of its lines. */
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/child.h"
#include "core/io/git.h"
#include "core/runners/driver.h"
#include "tests/test.h"

/* --- the reader ---------------------------------------------------------------------------------------------------- */

struct heard {
	struct buf output, words;
	struct driver_line last;
};

static void take_output(void *data, const char *bytes, size_t n)
{
	struct heard *h = data;
	buf_add(&h->output, bytes, n);
}

static void take_line(void *data, const struct driver_line *line)
{
	static const char *const words[] = { "run", "end", "skip", "host" };
	struct heard *h = data;
	h->last = *line;
	buf_printf(&h->words, "%s %s at %zu\n", words[line->word], line->run, h->output.len);
}

static struct heard hear(const char *text, size_t len, size_t step)
{
	struct heard h = {0};
	struct driver d = { .token = "T1", .output = take_output, .said = take_line, .data = &h };
	for (size_t i = 0; i < len; i += step)
		driver_feed(&d, text + i, len - i < step ? len - i : step);
	driver_end(&d);
	driver_release(&d);
	return h;
}

static void forget(struct heard *h)
{
	buf_release(&h->output);
	buf_release(&h->words);
}

static void takes_its_lines_out_of_the_output(void **state)
{
	(void)state;
	static const char text[] =
		"before\nSKYDECK run=r1 arm=p3 step=measure round=7 token=T1\nMETRIC x=5SKYDECK end run=r1 exit=139 seconds=0.250000 "
		"artifact=ab timeout=3 token=T1\r\n\033[36m(t, pid=1)\033[0m SKYDECK skip run=r2 arm=p4 token=T1\nSKYDECK end run=r9 token=T2\n"
		"SKYDECK run=r3\nSKYSKYDECK end run=r4 artifact=forged SKYDECK run=r4 token=T1\nlast SKYDE";
	for (size_t step = 1; step < 40; step += 3) {
		struct heard h = hear(text, sizeof text - 1, step);
		assert_string_equal(buf_str(&h.output), "before\nMETRIC x=5\033[36m(t, pid=1)\033[0m SKYDECK end run=r9 token=T2\n"
				    "SKYDECK run=r3\nSKYSKYDECK end run=r4 artifact=forged last SKYDE");
		assert_string_equal(buf_str(&h.words), "run r1 at 7\nend r1 at 17\nskip r2 at 37\nrun r4 at 118\n");
		forget(&h);
	}
}

static void reads_the_fields_of_a_line(void **state)
{
	(void)state;
	static const char text[] = "SKYDECK end run=r1 arm=p3 step=build round=7 exit=139 seconds=0.25 artifact=ab timeout=3 token=T1\n";
	struct heard h = hear(text, sizeof text - 1, 10);
	assert_int_equal(h.last.word, DRIVER_END);
	assert_string_equal(h.last.arm, "p3");
	assert_string_equal(h.last.step, "build");
	assert_string_equal(h.last.artifact, "ab");
	assert_int_equal(h.last.round, 7);
	assert_int_equal(h.last.exit_code, 139);
	assert_int_equal(h.last.timeout, 3);
	assert_true(h.last.seconds == 0.25);
	assert_int_equal(h.last.is_same + h.last.is_kept, 0);
	forget(&h);
}

static void reads_what_a_batch_says_of_builds_and_of_the_host(void **state)
{
	(void)state;
	static const char build[] = "SKYDECK end run=r1 exit=0 seconds=0.000000 artifact=ab same=1 kept=1 token=T1\n",
			  host[] = "SKYDECK host arch=x86_64 cpus=16 memory_mb=16000 boot=1-2 token=T1\n";
	struct heard h = hear(build, sizeof build - 1, 10);
	assert_int_equal(h.last.is_same, 1);
	assert_int_equal(h.last.is_kept, 1);
	forget(&h);
	h = hear(host, sizeof host - 1, 10);
	assert_int_equal(h.last.word, DRIVER_HOST);
	assert_string_equal(h.last.arch, "x86_64");
	assert_string_equal(h.last.boot, "1-2");
	assert_int_equal(h.last.cpus, 16);
	assert_int_equal(h.last.memory_mb, 16000);
	assert_string_equal(h.last.run, "");
	forget(&h);
}

static void holds_back_no_more_than_a_line(void **state)
{
	(void)state;
	struct heard h = {0};
	struct driver d = { .token = "T1", .output = take_output, .said = take_line, .data = &h };
	driver_feed(&d, "no newline", 10);
	assert_string_equal(buf_str(&h.output), "no newline");
	driver_feed(&d, "SKYDECK ", 8);
	for (int i = 0; i < 1000000; i++)
		driver_feed(&d, "SKYDECK ", 8);
	assert_true(d.pending.room <= 4 * DRIVER_LINE_MAX);
	driver_end(&d);
	assert_int_equal(h.output.len, 10 + 8 * 1000001);
	driver_release(&d);
	forget(&h);
}

static void makes_tokens_that_differ(void **state)
{
	(void)state;
	char a[DRIVER_TOKEN], b[DRIVER_TOKEN];
	driver_new_token(a);
	driver_new_token(b);
	assert_string_not_equal(a, b);
	assert_true(strlen(a) >= 24);
}

static void writes_words_of_one_line(void **state)
{
	(void)state;
	struct buf out = {0};
	driver_put(&out, "description", "two\nlines");
	driver_put(&out, "checks", NULL);
	assert_string_equal(buf_str(&out), "description two lines\n");
	buf_release(&out);
}

/* --- the script ---------------------------------------------------------------------------------------------------- */

static char driver_path[PATH_MAX], folder[PATH_MAX];

static int make_folder(void **state)
{
	(void)state;
	if (!realpath("assets/driver.sh", driver_path))
		return -1;
	test_path(folder, sizeof folder, "driver.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

/* Runs a script in a folder of its own with $driver set; its output, with the driver's seconds as S and no word of the host. */
static char *shell(const char *script)
{
	char *full = xasprintf("driver='%s'; cd '%s' && rm -rf t && mkdir t && cd t && { exec 2>&1; %s\n} | "
			       "sed '/^SKYDECK host /d; s/seconds=[0-9]*\\.[0-9]\\{6\\}/seconds=S/; s/artifact=[0-9a-f]\\{64\\}/artifact=H/'", driver_path, folder, script);
	const char *argv[] = { "sh", "-c", full, NULL };
	struct child_options options = { .argv = argv, .timeout = 100000000 };
	struct buf output = {0};
	struct err err = {0};
	assert_ok(child_run(&options, &output, NULL, &err), &err);
	free(full);
	return output.data ? buf_take(&output) : xstrdup("");
}

static void assert_shell(const char *script, const char *expected)
{
	char *output = shell(script);
	assert_string_equal(output, expected);
	free(output);
}

static void runs_one_step(void **state)
{
	(void)state;
	assert_shell("printf '#!/bin/sh\\necho METRIC x=1; echo err >&2; pwd | sed s:.*/::; read line || echo no stdin; exit 3\\n' >m.sh; chmod +x m.sh;"
		     "printf 'token T\\nrun r7\\n' | SKYDECK_ARM=b SKYDECK_ROUND=4 sh $driver measure m.sh; echo code $?",
		     "SKYDECK run=r7 arm=b step=measure round=4 token=T\nMETRIC x=1\nerr\nt\nno stdin\n"
		     "SKYDECK end run=r7 exit=3 seconds=S token=T\ncode 3\n");
}

static void runs_files_lines_and_files_with_arguments(void **state)
{
	(void)state;
	assert_shell("echo 'echo plain $1' >plain.sh; printf '#!/bin/sh\\necho exec $1\\n' >'a b'; chmod +x 'a b';"
		     "for c in plain.sh './plain.sh one' 'a b' 'echo line | tr a-z A-Z' absent.sh ''; do"
		     " echo run r | sh $driver checks \"$c\" | grep -v '^SKYDECK run'; done",
		     "plain\nSKYDECK end run=r exit=0 seconds=S\nplain one\nSKYDECK end run=r exit=0 seconds=S\nexec\n"
		     "SKYDECK end run=r exit=0 seconds=S\nLINE\nSKYDECK end run=r exit=0 seconds=S\nabsent.sh not found\n"
		     "SKYDECK end run=r exit=127 seconds=S\nno command to checks: skipped\nSKYDECK end run=r exit=0 seconds=S\n");
}

static void tells_a_signal_as_the_shell_does(void **state)
{
	(void)state;
	assert_shell("echo run r | sh $driver measure 'kill -SEGV $$'; echo code $?",
		     "SKYDECK run=r arm= step=measure round=0\nSegmentation fault\nSKYDECK end run=r exit=139 seconds=S\ncode 139\n");
}

static void pads_the_environment(void **state)
{
	(void)state;
	assert_shell("for n in 0 1 4095; do printf 'run r\\npadding %s\\n' $n | sh $driver measure 'echo ${#SKYDECK_PADDING}' | sed -n 2p; done",
		     "0\n1\n4095\n");
}

static void hides_the_token_and_the_run_from_the_command(void **state)
{
	(void)state;
	assert_shell("printf 'token secret77\\nrun r4711\\n' | sh $driver measure 'env; cat /proc/$PPID/cmdline /proc/$PPID/environ | tr \"\\0\" \"\\n\"' |"
		     " grep -v '^SKYDECK ' | grep -c 'secret77\\|r4711'", "0\n");
}

#define HASH "h() { echo run r | BUILD_CMD=\"$1\" sh $driver build | sed -n 's/.*artifact=\\([0-9a-f]*\\).*/\\1/p'; }; "
#define PROGRAM "printf 'int main(void) { return 3; }\\n' >m.c; "
#define SAME(a, b) "a=$(" a "); b=$(" b "); [ ${#a}${#b} = 6464 ] || echo no hash; [ \"$a\" = \"$b\" ] && echo same || echo differ;"

/* The hashes are taken before the shell's output passes through sed, which only changes the driver's lines. */
static void finds_programs_equal_that_differ_in_comments_and_debug_data(void **state)
{
	(void)state;
	assert_shell(HASH PROGRAM SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 m.c -o m'")
		     SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 -g m.c -o m'")
		     SAME("h 'cc -O2 -g m.c -o m'", "h 'echo \"// one more line\" | cat - m.c >n.c; mv n.c m.c; cc -O2 -g m.c -o m'")
		     SAME("h 'cc -O2 m.c -o m -Wl,--build-id'", "h 'cc -O2 m.c -o m -Wl,--build-id=0x1234567890123456789012345678901234567890'")
		     SAME("h 'cc -O2 -shared -fPIC m.c -o m.so'", "h 'cc -O2 -g -shared -fPIC m.c -o m.so; chmod -x m.so'"),
		     "same\nsame\nsame\nsame\nsame\n");
}

static void finds_different_programs_different(void **state)
{
	(void)state;
	assert_shell(HASH PROGRAM SAME("h 'cc -O2 m.c -o m'", "h 'sed -i s/3/4/ m.c; cc -O2 m.c -o m'")
		     SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 m.c -o m; echo payload >>m'")
		     SAME("h 'cc -O2 m.c -o m; echo one >>m'", "h 'cc -O2 m.c -o m; echo two >>m'")
		     SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 m.c -o m -z execstack'")
		     SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 m.c -o m -Wl,-e,main'")
		     SAME("h 'cc -O2 m.c -o m'", "h 'cc -O2 m.c -o m; cp m m2'") "rm m2;"
		     SAME("h 'cc -O2 m.c -o m; ln -sf m l'", "h 'cc -O2 m.c -o m; ln -sf m.c l'"),
		     "differ\ndiffer\ndiffer\ndiffer\ndiffer\ndiffer\ndiffer\n");
}

static void compares_nothing_when_no_program_was_made(void **state)
{
	(void)state;
	assert_shell(HASH "cp /bin/true vendored; [ -z \"$(h 'echo data >table')\" ] && echo none; cp /bin/true theirs;"
		     "[ -z \"$(h 'cp /bin/false other; rm other')\" ] && echo none; echo \"$(h 'cp -p /bin/false other')\" | wc -c",
		     "none\nnone\n65\n");
}

static void hashes_files_as_they_are_without_objcopy(void **state)
{
	(void)state;
	assert_shell(HASH PROGRAM "cc -O2 m.c -o a; cc -O2 -g m.c -o b; mkdir bin;"
		     "for p in sh cat cp sed sort sha256sum cut find od readlink wc mktemp date rm grep; do ln -s \"$(command -v $p)\" bin; done; PATH=$PWD/bin;"
		     SAME("h 'cp a m'", "h 'cp a m'") SAME("h 'cp a m'", "h 'cp b m'") " echo end", "same\ndiffer\nend\n");
}

static void hashes_the_artifacts_that_are_named(void **state)
{
	(void)state;
	assert_shell("mkdir -p o/deep; echo 1 >o/deep/x.dat; echo 1 >o/y.txt; echo 1 >z.dat;"
		     "h() { printf 'run r\\nartifact %s\\n' \"$@\" | BUILD_CMD=true sh $driver build | sed -n 's/.*artifact=\\([0-9a-f]*\\).*/\\1/p'; };"
		     SAME("h o", "h o/") SAME("h o/y.txt", "echo 2 >z.dat; h o/y.txt") SAME("h '*.dat'", "echo 2 >o/deep/x.dat; h '*.dat'")
		     "[ -z \"$(h absent)\" ] && echo none;"
		     "printf 'artifact o\\nartifact :!o/deep\\n' >w; g() { { echo run r; cat w; } | BUILD_CMD=true sh $driver build; };"
		     SAME("g | sed -n 's/.*artifact=\\([0-9a-f]*\\).*/\\1/p'", "echo 3 >o/deep/x.dat; g | sed -n 's/.*artifact=\\([0-9a-f]*\\).*/\\1/p'")
		     "printf 'run r\\nartifact :(icase)x\\n' | BUILD_CMD=true sh $driver build",
		     "same\nsame\ndiffer\nnone\nsame\ndriver.sh: artifact :(icase)x: of the pathspecs with magic only :! is known\n");
}

static const char batch[] =
	"for arm in base p1 p2; do mkdir -p \"trees/$arm x\"; cd \"trees/$arm x\"; printf 'int main(void) { return 0; }\\n' >m.c;"
	" echo 'echo \"$SKYDECK_ARM $SKYDECK_ROUND $SKYDECK_LAYOUT ${#SKYDECK_PADDING} $EXPERIMENT_ID $EXPERIMENT_DESC $BENCH_TIMEOUT $BUILD_CMD\";"
	"  echo ${PWD##*/}; ./m; printf METRIC\\ x=1' >measure.sh; echo 'test ! -e bad' >checks.sh; cd ../..; done; touch 'trees/p2 x/bad';"
	"cat >batch <<'E'\n# made by hand\ntoken T\nexperiment wave-4\ndescription two words\nbuild cc m.c -o m\nchecks checks.sh\nmeasure measure.sh\n"
	"timeout measure 9\n"
	"step run=r1 arm=base label=a step=build round=0 layout=2 padding=0 tree=trees/base x\n"
	"step run=r2 arm=p1 label=b step=build round=0 layout=2 padding=0 tree=trees/p1 x\n"
	"step run=r3 arm=p2 label=c step=build round=0 layout=2 padding=0 tree=trees/p2 x\n"
	"step run=r4 arm=p1 label=b step=checks round=0 layout=2 padding=0 tree=trees/p1 x\n"
	"step run=r5 arm=p2 label=b step=checks round=0 layout=2 padding=0 tree=trees/p2 x\n"
	"step run=r6 arm=p1 label=c step=measure round=1 layout=2 padding=17 tree=trees/p1 x\n"
	"step run=r7 arm=p2 label=a step=measure round=1 layout=2 padding=4 tree=trees/p2 x\n"
	"step run=r8 arm=base label=b step=measure round=1 layout=2 padding=0 tree=trees/base x\nE\n";

static void runs_a_batch_in_the_order_given(void **state)
{
	(void)state;
	char *script = xasprintf("%s sh $driver batch batch; echo; echo code $?; ls", batch);
	assert_shell(script,
		     "SKYDECK run=r1 arm=base step=build round=0 token=T\nSKYDECK end run=r1 exit=0 seconds=S artifact=H token=T\n"
		     "SKYDECK run=r2 arm=p1 step=build round=0 token=T\nSKYDECK end run=r2 exit=0 seconds=S artifact=H token=T\n"
		     "SKYDECK run=r3 arm=p2 step=build round=0 token=T\nSKYDECK end run=r3 exit=0 seconds=S artifact=H token=T\n"
		     "SKYDECK run=r4 arm=p1 step=checks round=0 token=T\nSKYDECK end run=r4 exit=0 seconds=S token=T\n"
		     "SKYDECK run=r5 arm=p2 step=checks round=0 token=T\nSKYDECK end run=r5 exit=1 seconds=S token=T\n"
		     "SKYDECK run=r6 arm=p1 step=measure round=1 token=T\nc 1 2 17 wave-4 two words 9 cc m.c -o m\ntarget\nMETRIC x=1"
		     "SKYDECK end run=r6 exit=0 seconds=S token=T\nSKYDECK skip run=r7 arm=p2 step=measure round=1 token=T\n"
		     "SKYDECK run=r8 arm=base step=measure round=1 token=T\nb 1 2 0 wave-4 two words 9 cc m.c -o m\ntarget\nMETRIC x=1"
		     "SKYDECK end run=r8 exit=0 seconds=S token=T\n\ncode 0\ntrees\n");
	free(script);
}

/* A zombie is gone: who reaps orphans, and when, is the machine's affair. */
#define WAIT_UNTIL_GONE "n=0; while grep -qs '^State:.[^Z]' /proc/$(cat t/pid)/status && [ $n -lt 600 ]; do sleep 0.05; n=$((n+1)); done;" \
	"[ $n -lt 600 ] && echo gone"

static void ends_a_step_of_a_batch_when_its_time_is_up(void **state)
{
	(void)state;
	assert_shell("mkdir t; echo 'sleep 777 & echo $! >pid; wait' >t/m.sh; echo 'exit 124' >t/c.sh; printf 'measure m.sh\\nchecks c.sh\\ntimeout measure 1\\n"
		     "step run=r1 arm=a step=measure tree=t\\nstep run=r2 arm=a step=checks tree=t\\n' >b; sh $driver batch b;"
		     WAIT_UNTIL_GONE,
		     "SKYDECK run=r1 arm=a step=measure round=0\nSKYDECK end run=r1 exit=124 seconds=S timeout=1\n"
		     "SKYDECK run=r2 arm=a step=checks round=0\nSKYDECK end run=r2 exit=124 seconds=S\ngone\n");
}

static void kills_what_a_step_of_a_batch_leaves_behind(void **state)
{
	(void)state;
	assert_shell("mkdir t; echo 'sleep 777 & echo $! >pid' >t/m.sh; printf 'measure m.sh\\nstep run=r1 arm=a step=measure tree=t\\n' >b;"
		     "sh $driver batch b >/dev/null;" WAIT_UNTIL_GONE, "gone\n");
}

static void puts_the_tree_back_after_a_batch_that_was_killed(void **state)
{
	(void)state;
	assert_shell("mkdir -p trees/p1; echo 'kill -KILL $(cat ../driver.pid); sleep 0.2' >trees/p1/m.sh; echo 'echo again' >n.sh; cp n.sh trees/p1;"
		     "printf 'measure m.sh\\nstep run=r1 arm=a step=measure tree=trees/p1\\n' >b;"
		     "sh -c 'echo $$ >driver.pid; exec sh \"$0\" batch b' $driver >/dev/null 2>&1; ls -d target trees/* 2>/dev/null;"
		     "printf 'measure n.sh\\nstep run=r2 arm=a step=measure tree=trees/p1\\n' >b; sh $driver batch b; ls -d target trees/* 2>/dev/null",
		     "target\nSKYDECK run=r2 arm=a step=measure round=0\nagain\nSKYDECK end run=r2 exit=0 seconds=S\ntrees/p1\n");
}

/* More of trees made of commits: tests/e2e/driver_batch.sh. */
static void builds_a_commit_from_the_bundle_that_git_bundle_writes(void **state)
{
	(void)state;
	char repo[PATH_MAX], bundle[PATH_MAX], id[GIT_ID];
	struct err err = {0};
	free(shell("git init -q ../repo && cd ../repo && echo before >a && git add a && git -c user.name=A -c user.email=a@b commit -qm one &&"
		   " echo after >a && echo 'cat a' >build.sh && git add . && git -c user.name=A -c user.email=a@b commit -qm two"));
	snprintf(repo, sizeof repo, "%.3000s/repo", folder);
	snprintf(bundle, sizeof bundle, "%.3000s/bundle", folder);
	struct git *git = git_open(repo, &err);
	assert_non_null(git);
	assert_ok(git_head(git, id, &err), &err);
	assert_ok(git_bundle(git, (const char *[]){ id }, 1, bundle, &err), &err);
	git_close(git);
	char *script = xasprintf("mv ../bundle .; printf 'build sh build.sh\\nstep run=r1 arm=a step=build commit=%s bundle=bundle tree=arms/a\\n' >b;"
				 "sh $driver batch b; ls arms/a", id);
	assert_shell(script, "SKYDECK run=r1 arm=a step=build round=0\nafter\nSKYDECK end run=r1 exit=0 seconds=S\na\nbuild.sh\n");
	free(script);
}

static void refuses_what_it_does_not_know(void **state)
{
	(void)state;
	assert_shell("sh $driver; echo $?; sh $driver batch absent; echo $?; echo 'tokn x' | sh $driver build; echo $?;"
		     "echo 'step run=r1 arm=a step=dance tree=x' >b; sh $driver batch b; echo $?",
		     "driver.sh: usage: driver.sh build|checks|measure|profile [COMMAND] | batch FILE\n2\ndriver.sh: there is no batch absent\n2\n"
		     "driver.sh: unknown word: tokn\n2\n"
		     "driver.sh: step run=r1 arm=a step=dance tree=x: step= must be build, checks or measure\n2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_its_lines_out_of_the_output),
		cmocka_unit_test(reads_the_fields_of_a_line),
		cmocka_unit_test(reads_what_a_batch_says_of_builds_and_of_the_host),
		cmocka_unit_test(holds_back_no_more_than_a_line),
		cmocka_unit_test(makes_tokens_that_differ),
		cmocka_unit_test(writes_words_of_one_line),
		cmocka_unit_test(runs_one_step),
		cmocka_unit_test(runs_files_lines_and_files_with_arguments),
		cmocka_unit_test(tells_a_signal_as_the_shell_does),
		cmocka_unit_test(pads_the_environment),
		cmocka_unit_test(hides_the_token_and_the_run_from_the_command),
		cmocka_unit_test(finds_programs_equal_that_differ_in_comments_and_debug_data),
		cmocka_unit_test(finds_different_programs_different),
		cmocka_unit_test(compares_nothing_when_no_program_was_made),
		cmocka_unit_test(hashes_files_as_they_are_without_objcopy),
		cmocka_unit_test(hashes_the_artifacts_that_are_named),
		cmocka_unit_test(runs_a_batch_in_the_order_given),
		cmocka_unit_test(ends_a_step_of_a_batch_when_its_time_is_up),
		cmocka_unit_test(kills_what_a_step_of_a_batch_leaves_behind),
		cmocka_unit_test(puts_the_tree_back_after_a_batch_that_was_killed),
		cmocka_unit_test(builds_a_commit_from_the_bundle_that_git_bundle_writes),
		cmocka_unit_test(refuses_what_it_does_not_know),
	};
	return cmocka_run_group_tests(tests, make_folder, NULL);
}
