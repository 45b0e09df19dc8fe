#include "case.h"
HD u32 f0(u32 a, u32 b) { return a + b; } HD u32 f1(u32 a, u32 b) { return a * b + 1; } HD u32 f2(u32 a, u32 b) { return a ^ (b << 3); } HD u32 f3(u32 a, u32 b) { return a > b ? a - b : b - a; }
typedef u32 (*F)(u32, u32);
#ifdef __CUDACC__
__device__ F table[4] = {f0, f1, f2, f3};
#else
F table[4] = {f0, f1, f2, f3};
#endif
#ifdef __CUDACC__
__device__
#endif
void body(int i, const u32* in, u32* out) { u32 a = in[i]; for (int k = 0; k < 8; k++) a = table[(a >> 3) & 3](a, in[i + k]); out[i] = a; }
EACH
