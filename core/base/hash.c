/* FNV-1a: names of sockets, keys of small tables. */
#include "core/base/hash.h"

#include <string.h>

uint64_t hash_bytes(const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t hash_string(const char *s)
{
	return hash_bytes(s, strlen(s));
}
