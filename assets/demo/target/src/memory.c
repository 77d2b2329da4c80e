// Memory for weights, caches and results. Huge pages keep the physical addresses in order, and with them the runs alike.
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *memory_new(size_t bytes)
{
	size_t page = bytes < (1 << 19) ? 64 : 1 << 21, size = (bytes / page + 1) * page;
	void *p = aligned_alloc(page, size);

	if (!p) {
		fprintf(stderr, "no memory for %zu bytes\n", bytes);
		exit(1);
	}
#ifdef MADV_HUGEPAGE
	if (page > 64)
		madvise(p, size, MADV_HUGEPAGE);
#endif
	return memset(p, 0, size);
}
