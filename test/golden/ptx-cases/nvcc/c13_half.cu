// flags: -fmad=false
#include "case.h"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#include <cuda_bf16.h>
COOP { int i = blockIdx.x * 128 + threadIdx.x; __half a = __float2half(unit(in[i]) * 8 - 4), b = __float2half_rz(unit(in[i + 1])); __half2 p = __halves2half2(a, b); p = __hadd2(__hmul2(p, p), __hsub2(p, __float2half2_rn(0.5f))); __nv_bfloat16 c = __float2bfloat16(unit(in[i + 2]) * 3); c = __hfma(c, c, __float2bfloat16_rn(0.25f)); u32 r = 0; r |= __half_as_ushort(__low2half(p)); r ^= (u32)__half_as_ushort(__high2half(p)) << 16; r ^= __bfloat16_as_ushort(c); r += __hgt(a, b) ? 1 : 0; r += (u32)__half2int_rn(__hmul(a, __float2half(100.f))); out[i] = r; float h = __half2float(a) + __bfloat162float(c); out[N + i] = asu(h); }
#else
static float rh(float x) { return (float)(_Float16)x; }
static u32 hb(float x) { _Float16 h = (_Float16)x; unsigned short u; memcpy(&u, &h, 2); return u; }
static float rb(float x) { u32 u = asu(x); u += 0x7fff + ((u >> 16) & 1); return asf(u & 0xffff0000); }
static float rzh(float x) { _Float16 h = (_Float16)x; if ((float)h > x) { unsigned short u; memcpy(&u, &h, 2); u--; memcpy(&h, &u, 2); } return (float)h; }
MAIN({ for (int i = 0; i < N; i++) { float a = rh(unit(in[i]) * 8 - 4), b = rzh(unit(in[i + 1])); auto f = [](float p) { return rh(rh(p * p) + rh(p - 0.5f)); }; float c = rb(unit(in[i + 2]) * 3); c = rb((float)((double)c * c + 0.25)); u32 r = hb(f(a)); r ^= hb(f(b)) << 16; r ^= asu(c) >> 16; r += a > b; r += (u32)(int)rintf(rh(a * 100)); out[i] = r; out[N + i] = asu(a + c); } })
#endif
