// Softmax of one row, in passes: copy, scale, mask, maximum, exponentials with their sum, division.
#include "softmax.h"

#include <string.h>

#include "vec.h"

void softmax(int n, float *out, const float *scores, float scale, const float *mask)
{
	float sum;

	memmove(out, scores, (size_t)n * sizeof *out);
	vec_scale(n, out, scale);
	if (mask)
		vec_add(n, out, out, mask);
	sum = vec_exp_sum(n, out, out, vec_max(n, out));
	vec_scale(n, out, 1 / sum);
}
