// The gate of the feed-forward layer.
#include "swiglu.h"

#include <math.h>

void swiglu(int n, float *out, const float *gate, const float *up)
{
	for (int i = 0; i < n; i++)
		out[i] = gate[i] / (1 + expf(-gate[i])) * up[i];
}
