/* libFuzzer's entry for html_property; README.md says how to run it. */
#include <stdio.h>

#include "tests/fuzz/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *broken = html_property(bytes, len);
	if (!broken)
		return 0;
	fprintf(stderr, "broken: %s\n", broken);
	abort();
}
