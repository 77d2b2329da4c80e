#pragma once

// out = softmax(scores * scale + mask). mask may be NULL; not all of it may be -INFINITY. out may be scores.
void softmax(int n, float *out, const float *scores, float scale, const float *mask);
