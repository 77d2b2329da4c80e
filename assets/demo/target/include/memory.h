#pragma once
#include <stddef.h>

// Zeroed memory on 64-byte boundaries, in huge pages where the system gives them; ends the program when there is none.
void *memory_new(size_t bytes);
