#pragma once
#include <stdint.h>
typedef unsigned u32; typedef unsigned long long u64; typedef int i32; typedef long long i64;
#ifdef __CUDACC__
#define HD __host__ __device__
#else
#define HD
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cmath>
#include <vector>
#include <algorithm>
#endif
#define N 64
#ifdef __CUDACC__
#define EACH extern "C" __global__ void k(const u32* in, u32* out, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) body(i, in, out); }
#define COOP extern "C" __global__ void k(const u32* in, u32* out, int n)
#else
static void fill(u32* in) { u32 x = 12345; for (int i = 0; i < N * 4; i++) { x ^= x << 13; x ^= x >> 17; x ^= x << 5; in[i] = x; } }
#define MAIN(...) int main() { std::vector<u32> in(N * 4), out(N * 4); fill(in.data()); __VA_ARGS__; FILE* f = fopen("in.bin", "wb"); fwrite(in.data(), 4, N * 4, f); fclose(f); f = fopen("out.bin", "wb"); fwrite(out.data(), 4, N * 4, f); fclose(f); }
#define EACH MAIN(for (int i = 0; i < N; i++) body(i, in.data(), out.data()))
#endif
HD inline float asf(u32 x) { union { u32 u; float f; } c; c.u = x; return c.f; }
HD inline u32 asu(float x) { union { u32 u; float f; } c; c.f = x; return c.u; }
HD inline double asd(u64 x) { union { u64 u; double f; } c; c.u = x; return c.f; }
HD inline u64 asl(double x) { union { u64 u; double f; } c; c.f = x; return c.u; }
// in (lo, hi)
HD inline float unit(u32 x) { return (x >> 8) * (1.0f / 16777216.0f); }
HD inline void put64(u32* out, int i, u64 v) { out[2 * i] = (u32)v; out[2 * i + 1] = (u32)(v >> 32); }
