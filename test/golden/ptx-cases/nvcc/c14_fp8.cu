#include "case.h"
#ifdef __CUDACC__
#include <cuda_fp8.h>
COOP { int i = blockIdx.x * 128 + threadIdx.x; float x = (unit(in[i]) - 0.5f) * exp2f((float)(in[i + 1] % 20) - 8.f); __nv_fp8_e4m3 a(x); __nv_fp8_e5m2 b(x); __nv_fp8x2_e4m3 p(make_float2(x, -x)); out[i] = a.__x | b.__x << 8 | (u32)p.__x << 16; float2 q = (float2)p; out[N + i] = asu((float)a + (float)b * 4.f + q.x - q.y); }
#else
static int enc(float x, int m, int bias, float mx, int nan) { u32 s = x < 0 ? 128 : 0; float v = fabsf(x); if (v >= mx) { v = mx; } int e; frexpf(v, &e); e -= 1; if (v == 0 || e < 1 - bias) e = 1 - bias; float st = ldexpf(1, e - m); float n = rintf(v / st); v = n * st; if (v > mx) v = mx; frexpf(v, &e); e -= 1; if (v == 0 || e < 1 - bias) return s | (int)(v / ldexpf(1, 1 - bias - m)); return s | ((e + bias) << m) | (int)((v / ldexpf(1, e) - 1) * (1 << m)); }
static float dec(int b, int m, int bias) { int e = (b & 127) >> m; int f = b & ((1 << m) - 1); float v = e ? ldexpf(1 + f / (float)(1 << m), e - bias) : ldexpf(f / (float)(1 << m), 1 - bias); return b & 128 ? -v : v; }
MAIN({ for (int i = 0; i < N; i++) { float x = (unit(in[i]) - 0.5f) * exp2f((float)(in[i + 1] % 20) - 8.f); int a = enc(x, 3, 7, 448, 127), b = enc(x, 2, 15, 57344, 127), c = enc(-x, 3, 7, 448, 127); out[i] = a | b << 8 | a << 16 | (u32)c << 24; out[N + i] = asu(dec(a, 3, 7) + dec(b, 2, 15) * 4.f + dec(a, 3, 7) - dec(c, 3, 7)); } })
#endif
