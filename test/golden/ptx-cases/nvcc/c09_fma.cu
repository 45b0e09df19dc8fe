#include "case.h"
HD void body(int i, const u32* in, u32* out) { float a = asf((in[i] & 0x8fffffff) | 0x30000000), b = asf((in[i + 1] & 0x8fffffff) | 0x38000000), c = asf((in[i + 2] & 0x8fffffff) | 0x20000000); double x = (double)a * 1.0000001, y = (double)b + 1e-9, z = -x * y * (1 + 1e-15); float r = fmaf(a, b, c); r = fmaf(r, -a, b); double d = fma(x, y, z); d = fma(d, 1e20, (double)r); out[2 * i] = asu(r); out[2 * i + 1] = (u32)(asl(d) >> 32) ^ (u32)asl(d); }
EACH
