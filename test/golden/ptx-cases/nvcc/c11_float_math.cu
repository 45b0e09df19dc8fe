// compare: f32 3e-6
// flags: -fmad=false
#include "case.h"
#ifndef __CUDACC__
static float rsqrtf(float x) { return 1.0f / sqrtf(x); }
#endif
HD void body(int i, const u32* in, u32* out) { float a = unit(in[i]) * 20.f - 10.f, b = unit(in[i + 1]) + 0.01f; float r = 0; switch (i % 14) { case 0: r = sinf(a); break; case 1: r = cosf(a * 10); break; case 2: r = expf(a); break; case 3: r = logf(b + 1); break; case 4: r = powf(b, a * 0.3f); break; case 5: r = rsqrtf(b); break; case 6: r = tanhf(a * 0.2f); break; case 7: r = atanf(a); break; case 8: r = exp2f(a); break; case 9: r = log2f(b + 1); break; case 10: r = fmodf(a * 100, b); break; case 11: r = roundf(a) + truncf(b * 10); break; case 12: r = erff(a * 0.3f); break; case 13: r = ldexpf(a, 3) + (float)ilogbf(b); break; } out[i] = asu(r); }
#ifndef __CUDACC__

#endif
EACH
