/* The files that are compiled in: their bytes, the NUL behind them, the executable bit and their order are those of the source. */
#include "core/base/embedded.h"

#include <sys/stat.h>

#include "tests/test.h"

static void holds_the_bytes_of_every_file(void **state)
{
	(void)state;
	for (const struct embedded *file = embedded_files; file->path; file++) {
		struct stat st;
		assert_int_equal(stat(file->path, &st), 0);
		assert_int_equal(file->size, st.st_size);
		assert_int_equal(!!file->executable, !!(st.st_mode & S_IXUSR));
		assert_int_equal(file->data[file->size], '\0');

		unsigned char *bytes = malloc(file->size + 1);
		FILE *in = fopen(file->path, "rb");
		assert_non_null(in);
		assert_int_equal(fread(bytes, 1, file->size + 1, in), file->size);
		assert_memory_equal(bytes, file->data, file->size);
		fclose(in);
		free(bytes);
	}
}

static void is_sorted_by_path(void **state)
{
	(void)state;
	for (const struct embedded *file = embedded_files; file->path && file[1].path; file++)
		assert_true(strcmp(file[0].path, file[1].path) < 0);
}

static void finds_a_file_by_its_path(void **state)
{
	(void)state;
	for (const struct embedded *file = embedded_files; file->path; file++)
		assert_ptr_equal(embedded_find(file->path), file);
	assert_non_null(embedded_find("assets/demo/target/Makefile"));
	assert_null(embedded_find("assets/demo/target"));
	assert_null(embedded_find(""));
}

static void leaves_out_what_describes_the_folders(void **state)
{
	(void)state;
	assert_null(embedded_find("assets/embed.sh"));
	assert_null(embedded_find("assets/README.md"));
	assert_null(embedded_find("themes/README.md"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_the_bytes_of_every_file),
		cmocka_unit_test(is_sorted_by_path),
		cmocka_unit_test(finds_a_file_by_its_path),
		cmocka_unit_test(leaves_out_what_describes_the_folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
