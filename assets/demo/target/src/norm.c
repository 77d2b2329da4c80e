// Root mean square normalisation.
#include "norm.h"

#include <math.h>
#include <string.h>

#include "vec.h"

static void rms_norm_row(int n, float *out, const float *x, float eps)
{
	float scale = 1 / sqrtf((float)(vec_sum_squares(n, x) / n) + eps);

	memcpy(out, x, (size_t)n * sizeof *out);
	vec_scale(n, out, scale);
}

void rms_norm(int n, int rows, float *out, const float *x, float eps)
{
	for (int r = 0; r < rows; r++)
		rms_norm_row(n, out + (long)r * n, x + (long)r * n, eps);
}
