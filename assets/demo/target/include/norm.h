#pragma once

// out = x / sqrt(mean(x^2) + eps), row by row (Zhang & Sennrich 2019, arXiv 1910.07467, without the gain).
void rms_norm(int n, int rows, float *out, const float *x, float eps);
