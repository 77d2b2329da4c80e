/* libFuzzer's entry for wire_property; README.md says how to run it. */
#include <stdio.h>

#include "tests/fuzz/wire_properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *broken = wire_property(bytes, len);
	if (!broken)
		return 0;
	fprintf(stderr, "broken: %s\n", broken);
	abort();
}
