/* Numbers as text. Columns line up on the decimal point: choose the decimals once per
 * column, print every row with them. Durations are clock_duration's. */
#ifndef TUI_NUMBER_H
#define TUI_NUMBER_H

#include <stddef.h>

enum { NUMBER_TEXT = 48 };

/* Decimals that show `digits` significant ones of the largest of n values (NaN is skipped): 44.12 and 3.5 -> 2 for 4 digits. */
int number_decimals(const double *values, size_t n, int digits);

/* "44.12"; from a million on "1.234e+06"; "-" for NaN. */
void number_fixed(double v, int decimals, char out[NUMBER_TEXT]);
/* "+2.1 %", always with a sign but for a rounded 0; "-" for NaN. */
void number_percent(double v, int decimals, char out[NUMBER_TEXT]);
/* "[ 1.5   2.6]": both ends at least `width` wide; "" when one of them is NaN. */
void number_interval(double low, double high, int decimals, int width, char out[NUMBER_TEXT]);
/* "$1.55", "$1234"; "<$0.01" for what is less than a cent but not nothing. */
void number_money(double usd, char out[NUMBER_TEXT]);
/* "512 B", "1.4 kB", "43 MB" (powers of 1000). */
void number_bytes(double bytes, char out[NUMBER_TEXT]);
/* "950", "12.1k", "480k", "1.2M": of tokens and the like. */
void number_count(double n, char out[NUMBER_TEXT]);
/* "0.8", "17", "412", "1.2e+06": for evidence, of which the order is what counts. "-" for NaN. */
void number_short(double v, char out[NUMBER_TEXT]);

#endif
