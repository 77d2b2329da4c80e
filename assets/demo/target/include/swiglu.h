#pragma once

// out = gate / (1 + exp(-gate)) * up (Shazeer 2020, arXiv 2002.05202)
void swiglu(int n, float *out, const float *gate, const float *up);
