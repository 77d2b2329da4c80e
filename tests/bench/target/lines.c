/* Prints 1,000 lines a second, ten at a time, for the seconds that are given. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	long lines = argc > 1 ? atol(argv[1]) * 1000 : 0;
	for (long i = 1; i <= lines; i++) {
		printf("[%5ld] cc -O2 -march=native -Wall -c src/kernel_%03ld.c -o build/kernel_%03ld.o\n", i, i % 997,
				i % 997);
		if (i % 10 == 0) {
			fflush(stdout);
			clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		}
	}
	return 0;
}
