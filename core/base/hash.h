/* A short name for a long one: FNV-1a, 64 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv). Not for
 * secrets, and not against someone who looks for collisions. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len);
uint64_t hash_string(const char *s);	/* without its NUL */

#endif
